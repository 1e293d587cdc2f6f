"""JAX beside cjac, with the functions of scripts/bench/cases/: "eager" without jit, "jit" compiled."""

import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
from protocol import arm_tip, chain_constants, gmm_constant, gradbench, sample, serve

jax.config.update("jax_enable_x64", True)


def ways(f, *x, eager=True):
    x = tuple(jnp.asarray(v) for v in x)
    compiled = jax.jit(f)
    calls = {"jit": lambda: jax.block_until_ready(compiled(*x))}
    if eager:
        calls["eager"] = lambda: jax.block_until_ready(f(*x))
    return calls


def reverse(f, *x):
    return ways(jax.jacrev(f, argnums=tuple(range(len(x)))) if len(x) > 1 else jax.jacrev(f), *x)


def exp_reducer(x):
    return jnp.exp(x).sum(1)


def exp_adder(x, y):
    return 2 * jnp.exp(x) + 3 * y


def linear_model():
    W, b = sample(2, 2), sample(2)
    return reverse(lambda x: x @ W + b, sample(4, 2))


def mlp():
    W1, b1, W2, b2 = sample(128, 64) / 8, sample(128), sample(32, 128) / 8, sample(32)
    return reverse(lambda x: W2 @ jnp.tanh(W1 @ x + b1) + b2, sample(64))


def tip(q):
    return jnp.stack(arm_tip(q, jnp.cos, jnp.sin))


def arm():
    return ways(jax.jacfwd(tip), sample(7))


def arm_1000():
    return ways(jax.vmap(jax.jacfwd(tip)), sample(1000, 7), eager=False)


def chain():
    n = 20
    A, g = chain_constants(n)
    w2, a = jnp.cumsum(sample(n) * 3) ** 2, jnp.cumsum(sample(n) - 0.3)

    def torque(q):
        t = jnp.cumsum(q)
        c, s = jnp.cos(t), jnp.sin(t)
        p = c * (A @ (c * a - s * w2)) + s * (A @ (s * a + c * w2)) + g * c
        return jnp.cumsum(p[::-1])[::-1]

    return ways(jax.jacfwd(torque), sample(n))


def chained(f):
    def make(n):
        x = sample(int(n)) * 4
        return ways(lambda u: jax.jvp(f, (u,), (jnp.ones_like(u),)), x, eager=False)

    return make


def transcendental(x):
    return jnp.tanh(1.5 * x + 0.25) * jnp.exp(-(x * x)) + jnp.sin(x)


def cheap(x):
    return (((0.3 * x + 0.5) * x - 0.7) * x + 0.1) * (x * x - 0.2)


# --- GradBench --------------------------------------------------------------------------


def gradient(f, *x):
    return ways(jax.grad(f, argnums=tuple(range(len(x)))) if len(x) > 1 else jax.grad(f), *x, eager=False)


def gmm(path):
    z = gradbench(path)
    d, k, n, m, gamma = z["d"], z["k"], z["n"], z["m"], z["gamma"]
    x = jnp.array(z["x"])
    column, row = jnp.triu_indices(d, 1)
    constant = gmm_constant(d, k, n, m, gamma)
    lse = jax.scipy.special.logsumexp

    def f(alpha, mu, q, l):
        sumq = q.sum(1)
        Q = jax.vmap(jnp.diag)(jnp.exp(q)).at[:, row, column].set(l.reshape(k, -1))
        y = jnp.einsum("kab,nkb->nka", Q, x[:, None] - mu)
        beta = alpha + sumq - 0.5 * (y * y).sum(2)
        prior = 0.5 * gamma**2 * (Q * Q).sum() - m * sumq.sum()
        return lse(beta, axis=1).sum() - n * lse(alpha) - prior + constant

    return gradient(f, *(jnp.array(z[name]) for name in ("alpha", "mu", "q", "l")))


def lstm(path):
    z = gradbench(path)
    main, extra, state, sequence = (jnp.array(z[name]) for name in ("main_params", "extra_params", "state", "sequence"))
    layers, b = state.shape[0] // 2, state.shape[1]

    def f(main, extra):
        def step(carry, now):
            hs, cells = list(carry[0]), list(carry[1])
            x = now[0] * extra[0]
            for i in range(layers):
                W, B = main[2 * i].reshape(4, b), main[2 * i + 1].reshape(4, b)
                forget, out = jax.nn.sigmoid(x * W[0] + B[0]), jax.nn.sigmoid(x * W[2] + B[2])
                into, change = jax.nn.sigmoid(hs[i] * W[1] + B[1]), jnp.tanh(hs[i] * W[3] + B[3])
                cells[i] = cells[i] * forget + into * change
                x = hs[i] = out * jnp.tanh(cells[i])
            y = x * extra[1] + extra[2]
            return (jnp.stack(hs), jnp.stack(cells)), (now[1] * (y - jnp.log(2 + jnp.exp(y).sum()))).sum()

        _, losses = jax.lax.scan(step, (state[0::2], state[1::2]), (sequence[:-1], sequence[1:]))
        return -losses.sum() / (b * (len(sequence) - 1))

    return gradient(f, main, extra)


def ode(path):
    z = gradbench(path)
    steps = z["s"]
    h = 2 / steps

    def f(x):
        def rate(y):
            return x * jnp.concatenate([jnp.ones(1), y[:-1]])

        def step(y, _):
            k1 = rate(y)
            k2 = rate(y + h / 2 * k1)
            k3 = rate(y + h / 2 * k2)
            k4 = rate(y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        return jax.lax.scan(step, jnp.zeros(len(x)), None, length=steps)[0][-1]

    return gradient(f, jnp.array(z["x"]))


serve(
    "JAX " + jax.__version__,
    {
        "exp_reducer": lambda: reverse(exp_reducer, sample(2, 2)),
        "exp_adder": lambda: reverse(exp_adder, sample(2), sample(2)),
        "linear_model": linear_model,
        "mlp": mlp,
        "arm": arm,
        "arm_1000": arm_1000,
        "chain": chain,
        "transcendental": chained(transcendental),
        "cheap": chained(cheap),
        "gmm": gmm,
        "lstm": lstm,
        "ode": ode,
    },
)
