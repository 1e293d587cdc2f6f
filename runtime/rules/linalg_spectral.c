/*
** linalg_spectral.c -- singular values and eigenvalues, the pseudoinverse, the matrix exponential.  Matrices are
** the last two axes.
*/
#include "rules/rules.h"

static bool suits_spectral(cj_ctx *c, const cj_op *self, const cj_type *t, bool good, const char *wanted) {
  if (!cjt_isfloat(t->dtype))
    cjm_fail(c, CJ_EDTYPE, "%s: not defined for dtype %s", self->name, cj_dtype_name((cj_dtype)t->dtype));
  else if (!good)
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s is not %s", self->name, cjr_show(t).s, wanted);
  return cjm_ok(c);
}

static bool squarish(const cj_type *t) { return t->rank >= 2 && cjt_at(t, 1) == cjt_at(t, 2); }

/* --- svdpack: U above the singular values above V' --------------------------------------------------- */

static CJR_INFER(infer_svdpack) {
  const cj_type *t = in[0];
  bool tall = t->rank >= 2 && cjt_at(t, 2) >= cjt_at(t, 1);
  if (!suits_spectral(c, self, t, tall, "a matrix with no more columns than rows")) return false;
  *out = cjr_resized(*t, 2, cjt_at(t, 2) + cjt_at(t, 1) + 1);
  return cjr_checked(c, self, out);
}

/* 1 / x off the diagonal, 0 on it. */
static cj_ref off_diagonal_reciprocal(cj_graph *g, cj_ref x) {
  int64_t n = cjt_at(cjg_type(g, x), 1);
  cj_ref on = cjb_ne(g, cjb_eye(g, cjb_type(g, x).dtype, n, n), cjb_like(g, x, 0)), one = cjb_like(g, x, 1);
  return cjb_where(g, on, cjb_like(g, x, 0), cjb_reciprocal(g, cjb_where(g, on, one, x)));
}

/* With P = U' dA V and E(i,j) = 1/(s(j)^2 - s(i)^2): ds = diag P, dU = U (E * (P S + S P')) + (dA V - U P) / S,
** dV = V (E * (S P + P' S)); the second term of dU vanishes for square A.  As PyTorch's, infinite where two
** singular values are equal and vectors matter.  J. Townsend, "Differentiating the singular value
** decomposition", 2016. */
static CJR_JVP(jvp_svdpack) {
  if (!t[0]) return 0;
  cj_type x = cjb_type(g, in[0]);
  int64_t m = cjt_at(&x, 2), n = cjt_at(&x, 1);
  cj_ref u = cjb_slice(g, y, 2, 0, 1, m), s = cjb_slice(g, y, 2, m, 1, 1),
         v = cjb_mt(g, cjb_slice(g, y, 2, m + 1, 1, n));
  cj_ref av = cjb_matmul(g, t[0], v), p = cjb_matmul(g, cjb_mt(g, u), av), pt = cjb_mt(g, p), st = cjb_mt(g, s);
  cj_ref e = off_diagonal_reciprocal(g, cjb_mul(g, cjb_sub(g, s, st), cjb_add(g, s, st)));
  cj_ref du = cjb_matmul(g, u, cjb_zmul(g, cjb_add(g, cjb_mul(g, p, s), cjb_mul(g, pt, st)), e));
  cj_ref dv = cjb_matmul(g, v, cjb_zmul(g, cjb_add(g, cjb_mul(g, p, st), cjb_mul(g, pt, s)), e));
  if (m > n) du = cjb_add(g, du, cjb_zmul(g, cjb_sub(g, av, cjb_matmul(g, u, p)), cjb_reciprocal(g, s)));
  cj_ref ds = cjb_unsqueeze(g, cjb_diagonal(g, p, 0), 2);
  return cjg_ok(g) ? cjb_cat(g, (cj_ref[]){du, ds, cjb_mt(g, dv)}, 3, 2) : 0;
}

const cj_op cjo_svdpack = {.name = "svdpack",
                           .sig = "a",
                           .doc = "left singular vectors above the singular values above right ones, in rows",
                           .kind = CJ_DENSE,
                           .nin = 1,
                           .core = 2,
                           .fault = "the matrix is not finite, or its singular values did not converge",
                           .infer = infer_svdpack,
                           .eval = cjk_svdpack,
                           .work = cjk_svdpack_work,
                           .jvp = jvp_svdpack};

/* --- pinv ------------------------------------------------------------------------------------------------ */

static CJR_INFER(infer_pinv) { /* v: the bits of the relative and of the absolute limit */
  *out = *in[0];
  if (!suits_spectral(c, self, in[0], in[0]->rank >= 2, "a matrix")) return false;
  out->dim[out->rank - 1] = cjt_at(in[0], 2);
  out->dim[out->rank - 2] = cjt_at(in[0], 1);
  return true;
}

/* dY = -Y dA Y + Y Y' dA' (I - A Y) + (I - Y A) dA' Y' Y where the rank does not change: G. H. Golub, V. Pereyra,
** "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM
** Journal on Numerical Analysis 10, 1973. */
static CJR_JVP(jvp_pinv) {
  if (!t[0]) return 0;
  cj_type x = cjb_type(g, in[0]);
  bool tall = cjt_at(&x, 2) >= cjt_at(&x, 1);
  cj_ref yt = cjb_mt(g, y), dt = cjb_mt(g, t[0]);
  cj_ref turn = cjb_matmul(g, cjb_matmul(g, y, t[0]), y);
  cj_ref rows = tall ? cjb_matmul(g, cjb_matmul(g, y, yt), dt) : cjb_matmul(g, y, cjb_matmul(g, yt, dt));
  cj_ref cols = tall ? cjb_matmul(g, cjb_matmul(g, dt, yt), y) : cjb_matmul(g, dt, cjb_matmul(g, yt, y));
  rows = cjb_sub(g, rows, cjb_matmul(g, cjb_matmul(g, rows, in[0]), y));
  cols = cjb_sub(g, cols, cjb_matmul(g, y, cjb_matmul(g, in[0], cols)));
  return cjb_sub(g, cjb_add(g, rows, cols), turn);
}

const cj_op cjo_pinvprim = {.name = "pinvprim",
                            .sig = "a",
                            .doc = "pseudoinverse, singular values up to a limit taken as 0",
                            .kind = CJ_DENSE,
                            .nin = 1,
                            .core = 2,
                            .fault = "the matrix is not finite, or its singular values did not converge",
                            .infer = infer_pinv,
                            .eval = cjk_pinv,
                            .work = cjk_pinv_work,
                            .jvp = jvp_pinv};

/* --- eigpack ------------------------------------------------------------------------------------------------ */

static CJR_INFER(infer_eigpack) { /* v: with vectors */
  *out = *in[0];
  if (!suits_spectral(c, self, in[0], squarish(in[0]), "a square matrix")) return false;
  int64_t n = cjt_at(in[0], 1);
  if (n > INT32_MAX) return cjm_fail(c, CJ_ELIMIT, "%s: the result is too large", self->name), false;
  *out = cjr_resized(*in[0], 2, a->v[0] ? 2 + 2 * n : 2);
  return cjr_checked(c, self, out);
}

const cj_op cjo_eigpack = {.name = "eigpack",
                           .sig = "a",
                           .doc = "real parts of the eigenvalues above the imaginary ones above those of the vectors",
                           .kind = CJ_DENSE,
                           .nin = 1,
                           .core = 2,
                           .flags = CJ_NODIFF,
                           .fault = "the matrix is not finite, or its eigenvalues did not converge",
                           .infer = infer_eigpack,
                           .eval = cjk_eigpack,
                           .work = cjk_eigpack_work};

/* --- expmk: the exponential of the first matrix, differentiated in the directions of the others ----------------- */

static CJR_INFER(infer_expmk) {
  cj_type lead = *in[0];
  if (nin > 6) return cjm_fail(c, CJ_ELIMIT, "%s: derivatives beyond the fifth", self->name), false;
  for (int i = 0; i < nin; i++) {
    cj_type t = *in[i], both;
    if (!suits_spectral(c, self, in[i], squarish(in[i]), "a square matrix") || !cjr_samedtype(c, self, in[0], in[i]))
      return false;
    bool same = cjt_at(&t, 1) == cjt_at(in[0], 1);
    if (!same || !cjt_broadcast(&lead, &t, &both)) {
      cjm_fail(c, CJ_ESHAPE, "%s: shapes %s and %s do not fit together", self->name, cjr_show(in[0]).s, cjr_show(&t).s);
      return false;
    }
    lead = both;
  }
  *out = lead;
  return cjr_checked(c, self, out);
}

/* The adjoint in one direction: A and the other directions transposed, the cotangent in its place. */
static CJR_TRANSPOSE(transpose_expmk) {
  cj_ref turned[8];
  for (int e = 0; e < nin; e++) turned[e] = e == i ? ct : cjb_mt(g, in[e]);
  return cjg_ok(g) ? cjg_emit(g, CJ_OP_expmk, turned, nin, NULL) : 0;
}

static CJR_JVP(jvp_expmk) {
  cj_ref with[9], sum = 0;
  for (int e = 0; e < nin; e++) with[e] = in[e];
  if (t[0]) {
    with[nin] = t[0];
    sum = cjg_emit(g, CJ_OP_expmk, with, nin + 1, NULL);
  }
  for (int e = 1; e < nin; e++) {
    if (!t[e]) continue;
    with[e] = t[e];
    sum = cjb_add(g, sum, cjg_emit(g, CJ_OP_expmk, with, nin, NULL));
    with[e] = in[e];
  }
  return sum;
}

const cj_op cjo_expmk = {.name = "expmk",
                         .sig = "matrices:list",
                         .doc = "exponential of the first matrix, differentiated in the directions of the others",
                         .example = "{R(3,3)} | {R(2,2), R(2,2)} | {R(2,2), R(2,2), R(2,2)}",
                         .kind = CJ_DENSE,
                         .nin = 255,
                         .core = 2,
                         .lin = ~1u,
                         .infer = infer_expmk,
                         .eval = cjk_expm,
                         .work = cjk_expm_work,
                         .transpose = transpose_expmk,
                         .jvp = jvp_expmk};
