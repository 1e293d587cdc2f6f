"""PyTorch as a peer (scripts/bench/peer.lua has the protocol), with the functions of scripts/bench/cases.lua."""

import sys
import time

import torch
from torch.autograd.functional import hessian, jacobian

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def sample(*shape):
    n = 1
    for size in shape:
        n *= size
    return torch.tensor([i * 7919 % 1009 / 1009 - 0.5 for i in range(n)]).reshape(shape)


def exp_reducer(x):
    return x.exp().sum(1)


def exp_adder(x, y):
    return 2 * x.exp() + 3 * y


def linear_model():
    W, b = sample(2, 2), sample(2)
    return lambda x: x.matmul(W) + b


def mlp():
    W1, b1, W2, b2 = sample(128, 64) / 8, sample(128), sample(32, 128) / 8, sample(32)
    return lambda x: W2.matmul((W1.matmul(x) + b1).tanh()) + b2


def planar_arm(q):
    x, y, angle = 0, 0, 0
    for i in range(7):
        angle = angle + q[i]
        x = x + angle.cos() * (1 / (i + 1))
        y = y + angle.sin() * (1 / (i + 1))
    return torch.stack([x, y, angle])


def rosenbrock(x):
    head, tail = x[:-1], x[1:]
    return (100 * (tail - head**2) ** 2 + (1 - head) ** 2).sum()


def burgers(u):
    p = torch.nn.functional.pad(u, (1, 1))
    left, right = p[:-2], p[2:]
    return u * (right - left) * 0.5 - 0.1 * (right - 2 * u + left)


def jacobians(f, x):
    return {
        "default": lambda: jacobian(f, x),
        "vectorize": lambda: jacobian(f, x, vectorize=True),
        "forward": lambda: jacobian(f, x, vectorize=True, strategy="forward-mode"),
    }


def hessians(f, x):
    return {
        "default": lambda: hessian(f, x),
        "vectorize": lambda: hessian(f, x, vectorize=True),
        "forward": lambda: hessian(f, x, vectorize=True, outer_jacobian_strategy="forward-mode"),
    }


CASES = {
    "exp_reducer_2x2": jacobians(exp_reducer, sample(2, 2)),
    "exp_adder_2": jacobians(exp_adder, (sample(2), sample(2))),
    "linear_model_4x2": jacobians(linear_model(), sample(4, 2)),
    "mlp_64_128_32": jacobians(mlp(), sample(64)),
    "exp_reducer_100x100": jacobians(exp_reducer, sample(100, 100)),
    "planar_arm_7": jacobians(planar_arm, sample(7)),
    "rosenbrock_1000": hessians(rosenbrock, sample(1000)),
    "burgers_1000": jacobians(burgers, sample(1000)),
}


def check(call, path):
    result = call()
    parts = result if isinstance(result, (tuple, list)) else (result,)
    with open(path, "wb") as f:
        for part in parts:
            f.write(part.detach().contiguous().numpy().astype("<f8").tobytes())
    return "ok"


def timed(call, n):
    start = time.process_time()
    for _ in range(n):
        call()
    return repr(time.process_time() - start)


def answer(words):
    ways = CASES.get(words[1], {})
    if words[0] == "methods":
        return " ".join(ways)
    if words[0] == "check":
        return check(ways[words[2]], words[3])
    return timed(ways[words[2]], int(words[3]))


def main():
    print("PyTorch " + torch.__version__, flush=True)
    for line in sys.stdin:
        try:
            text = answer(line.split())
        except Exception as e:  # a method that does not work here is a line of the table
            text = type(e).__name__ + ": " + str(e).split("\n")[0]
        print(text, flush=True)


main()
