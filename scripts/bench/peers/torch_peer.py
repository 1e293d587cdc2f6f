"""PyTorch beside cjac, with the functions of scripts/bench/cases/."""


import torch
from protocol import arm_tip, chain_constants, gmm_constant, gradbench, sample, serve
from torch.autograd.functional import jacobian

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def tensor(x):
    return torch.as_tensor(x, dtype=torch.float64)


# --- Jacobians, one-shot ----------------------------------------------------------------


def jacobians(f, *x):
    x = tuple(tensor(v) for v in x)
    x = x if len(x) > 1 else x[0]
    return {
        "default": lambda: jacobian(f, x),
        "vectorize": lambda: jacobian(f, x, vectorize=True),
        "forward": lambda: jacobian(f, x, vectorize=True, strategy="forward-mode"),
    }


def exp_reducer(x):
    return x.exp().sum(1)


def exp_adder(x, y):
    return 2 * x.exp() + 3 * y


def linear_model():
    W, b = tensor(sample(2, 2)), tensor(sample(2))
    return jacobians(lambda x: x.matmul(W) + b, sample(4, 2))


def mlp():
    W1, b1 = tensor(sample(128, 64)) / 8, tensor(sample(128))
    W2, b2 = tensor(sample(32, 128)) / 8, tensor(sample(32))
    return jacobians(lambda x: W2.matmul((W1.matmul(x) + b1).tanh()) + b2, sample(64))


def arm():
    return jacobians(lambda q: torch.stack(arm_tip(q, torch.cos, torch.sin)), sample(7))


def chain():
    n = 20
    A, g = (tensor(v) for v in chain_constants(n))
    w2, a = tensor(sample(n) * 3).cumsum(0) ** 2, tensor(sample(n) - 0.3).cumsum(0)

    def torque(q):
        t = q.cumsum(0)
        c, s = t.cos(), t.sin()
        p = c * A.matmul(c * a - s * w2) + s * A.matmul(s * a + c * w2) + g * c
        return p.flip(0).cumsum(0).flip(0)

    return jacobians(torque, sample(n))


# --- GradBench --------------------------------------------------------------------------


def gradient(f, *x):
    x = [tensor(v).requires_grad_() for v in x]
    return {"autograd": lambda: torch.autograd.grad(f(*x), x)}


def gmm(path):
    z = gradbench(path)
    d, k, n, m, gamma = z["d"], z["k"], z["n"], z["m"], z["gamma"]
    x = tensor(z["x"])
    column, row = torch.triu_indices(d, d, 1)
    constant = gmm_constant(d, k, n, m, gamma)

    def f(alpha, mu, q, l):
        sumq = q.sum(1)
        Q = torch.diag_embed(q.exp()).index_put((torch.arange(k)[:, None], row, column), l.reshape(k, -1))
        y = torch.einsum("kab,nkb->nka", Q, x[:, None] - mu)
        beta = alpha + sumq - 0.5 * (y * y).sum(2)
        prior = 0.5 * gamma**2 * (Q * Q).sum() - m * sumq.sum()
        return beta.logsumexp(1).sum() - n * alpha.logsumexp(0) - prior + constant

    return gradient(f, z["alpha"], z["mu"], z["q"], z["l"])


def lstm(path):
    z = gradbench(path)
    main, extra, state, sequence = (tensor(z[name]) for name in ("main_params", "extra_params", "state", "sequence"))
    layers, b = state.shape[0] // 2, state.shape[1]

    def f(main, extra):
        hs, cells = list(state[0::2]), list(state[1::2])
        loss = 0
        for t in range(len(sequence) - 1):
            x = sequence[t] * extra[0]
            for i in range(layers):
                W, B = main[2 * i].reshape(4, b), main[2 * i + 1].reshape(4, b)
                forget, out = torch.sigmoid(x * W[0] + B[0]), torch.sigmoid(x * W[2] + B[2])
                into, change = torch.sigmoid(hs[i] * W[1] + B[1]), torch.tanh(hs[i] * W[3] + B[3])
                cells[i] = cells[i] * forget + into * change
                x = hs[i] = out * torch.tanh(cells[i])
            y = x * extra[1] + extra[2]
            loss = loss + (sequence[t + 1] * (y - (2 + y.exp().sum()).log())).sum()
        return -loss / (b * (len(sequence) - 1))

    return gradient(f, main, extra)


def ode(path):
    z = gradbench(path)
    steps = z["s"]
    h = 2 / steps

    def f(x):
        first = torch.ones(1)

        def rate(y):
            return x * torch.cat([first, y[:-1]])

        y = torch.zeros(len(x))
        for _ in range(steps):
            k1 = rate(y)
            k2 = rate(y + h / 2 * k1)
            k3 = rate(y + h / 2 * k2)
            k4 = rate(y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y[-1]

    return gradient(f, z["x"])


def rotate(r, v):
    square = (r * r).sum(1, keepdim=True)
    angle = square.sqrt()
    c, s = angle.cos(), angle.sin()
    dot = (r * v).sum(1, keepdim=True)
    return v * c + torch.cross(r, v, dim=1) * (s / angle) + r * ((1 - c) * dot / square)


def ba(path):
    """The Jacobian batched by hand: 15 tangents for all observations at once."""
    z = gradbench(path)
    n, m, p = z["n"], z["m"], z["p"]
    at = torch.arange(p)
    cam, X = tensor(z["cam"]).expand(n, 11)[at % n], tensor(z["x"]).expand(m, 3)[at % m]
    w, feat = torch.full((p,), z["w"]), tensor(z["feat"]).expand(p, 2)

    def f(v):
        cam, X, w = v[:, :11], v[:, 11:14], v[:, 14:]
        y = rotate(cam[:, :3], X - cam[:, 3:6])
        q = y[:, :2] / y[:, 2:]
        s = (q * q).sum(1, keepdim=True)
        return w * (cam[:, 6:7] * (1 + cam[:, 9:10] * s + cam[:, 10:11] * s * s) * q + cam[:, 7:9] - feat)

    v = torch.cat([cam, X, w[:, None]], 1)

    def both():
        u = v.detach().requires_grad_()
        error = f(u)
        rows = [torch.autograd.grad(error[:, k].sum(), u, retain_graph=k == 0)[0] for k in range(2)]
        return torch.stack(rows, 1).reshape(-1), -2 * w

    return {"batched": both}


serve(
    "PyTorch " + torch.__version__,
    {
        "exp_reducer": lambda: jacobians(exp_reducer, sample(2, 2)),
        "exp_adder": lambda: jacobians(exp_adder, sample(2), sample(2)),
        "linear_model": linear_model,
        "mlp": mlp,
        "arm": arm,
        "chain": chain,
        "gmm": gmm,
        "lstm": lstm,
        "ode": ode,
        "ba": ba,
    },
    lambda t: t.detach().numpy(),
)
