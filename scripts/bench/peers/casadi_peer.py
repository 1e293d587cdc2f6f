"""CasADi beside cjac: "vm" runs its own interpreter, "gcc" the C it writes, compiled with -O2."""

import os
import tempfile

import casadi
import numpy as np
from protocol import arm_tip, sample, serve


def compiled(f):
    folder = tempfile.mkdtemp()
    here = os.getcwd()
    os.chdir(folder)  # it writes beside it
    try:
        f.generate("f.c")
    finally:
        os.chdir(here)
    if os.system(f"gcc -O2 -shared -fPIC -o {folder}/f.so {folder}/f.c -lm"):
        raise RuntimeError("gcc failed")
    return casadi.external(f.name(), folder + "/f.so")


def buffered(f, *x):
    """A call without Python's conversions: CasADi's buffers."""
    buffer, run = f.buffer()
    x = [np.ascontiguousarray(v, dtype=float) for v in x]
    y = [np.zeros(f.sparsity_out(i).shape[::-1]) for i in range(f.n_out())]  # it counts down columns
    for i, v in enumerate(x):
        buffer.set_arg(i, memoryview(v))
    for i, v in enumerate(y):
        buffer.set_res(i, memoryview(v))

    def call():
        run()
        return [v.T for v in y]

    call.kept = f, buffer, x  # which run() uses

    return call


def arm():
    q = casadi.SX.sym("q", 7)
    tip = casadi.vertcat(*arm_tip([q[i] for i in range(7)], casadi.cos, casadi.sin))
    f = casadi.Function("f", [q], [casadi.densify(casadi.jacobian(tip, q))])
    return {"vm": buffered(f, sample(7)), "gcc": buffered(compiled(f), sample(7))}


serve("CasADi " + casadi.__version__, {"arm": arm})
