"""What the Python programs have in common: the protocol (scripts/bench/peer.lua) and the numbers of scripts/bench/data.lua."""

import json
import math
import sys
import time

import numpy as np


def sample(*shape):
    return np.array([i * 7919 % 1009 / 1009 - 0.5 for i in range(math.prod(shape))]).reshape(shape)


# Constants of cases/arm.lua: a, alpha, d, offset of every joint.
ARM = [(0.1 * i, 0.3 + 0.2 * i, 0.5 - 0.05 * i, 0.1 * (i - 4)) for i in range(1, 8)]


def arm_tip(q, cos, sin):
    """The six numbers of cases/arm.lua."""
    x, y, z, p = [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]
    for i, (a, alpha, d, offset) in enumerate(ARM):
        angle = q[i] + offset
        c, s, ca, sa = cos(angle), sin(angle), math.cos(alpha), math.sin(alpha)
        for k in range(3):
            xk, yk, zk = c * x[k] + s * y[k], c * y[k] - s * x[k], z[k]
            p[k] = p[k] + d * zk + a * xk
            x[k], y[k], z[k] = xk, ca * yk + sa * zk, ca * zk - sa * yk
    return p + x


def chain_constants(n):
    B = sample(n, n)
    return B + B.T + n * np.eye(n), sample(n) + 2


def gradbench(path):
    """The input of a file of GradBench."""
    with open(path) as f:
        return json.load(f)["input"]


def gmm_constant(d, k, n, m, gamma):
    N = d + m + 1
    a = 0.5 * N
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(a + 0.5 * (1 - j)) for j in range(1, d + 1))
    return -0.5 * n * d * math.log(2 * math.pi) + k * (N * d * math.log(gamma / math.sqrt(2)) - log_gamma)


def _check(call, to_numpy, path):
    result = call()
    with open(path, "wb") as f:
        for part in result if isinstance(result, (tuple, list)) else (result,):
            f.write(np.ascontiguousarray(to_numpy(part)).astype("<f8").tobytes())
    return "ok"


def _timed(call, n):
    start = time.process_time()
    for _ in range(n):
        call()
    return repr(time.process_time() - start)


def serve(version, cases, to_numpy=np.asarray):
    """cases: name -> function of the text behind @ in the name of a case (or of nothing) -> {method: call}."""
    known = {}

    def ways(name):
        if name not in known:
            head, _, tail = name.partition("@")
            make = cases.get(head)
            known[name] = {} if make is None else make(tail) if tail else make()
        return known[name]

    def answer(words):
        if words[0] == "methods":
            try:
                return " ".join(ways(words[1]))
            except Exception as e:
                return "!" + str(e).split("\n")[0]
        call = ways(words[1])[words[2]]
        return _check(call, to_numpy, words[3]) if words[0] == "check" else _timed(call, int(words[3]))

    print(version, flush=True)
    for line in sys.stdin:
        try:
            text = answer(line.split())
        except Exception as e:  # a method that does not work here is a line of the table
            text = type(e).__name__ + ": " + str(e).split("\n")[0]
        print(text, flush=True)
