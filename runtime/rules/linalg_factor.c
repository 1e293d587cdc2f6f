/* linalg_factor.c -- factorisations, and the matrix of cofactors.  Matrices are the last two axes. */
#include "rules/rules.h"

static bool suits(cj_ctx *c, const cj_op *self, const cj_type *t, bool good, const char *wanted) {
  if (!cjt_isfloat(t->dtype))
    cjm_fail(c, CJ_EDTYPE, "%s: not defined for dtype %s", self->name, cj_dtype_name((cj_dtype)t->dtype));
  else if (!good)
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s is not %s", self->name, cjr_show(t).s, wanted);
  return cjm_ok(c);
}

static bool issquare(cj_ctx *c, const cj_op *self, const cj_type *t) {
  return suits(c, self, t, t->rank >= 2 && cjt_at(t, 1) == cjt_at(t, 2), "a square matrix");
}

static CJR_INFER(infer_square) {
  *out = *in[0];
  return issquare(c, self, in[0]);
}

/* rows from .. from+n-1 */
static cj_ref some_rows(cj_graph *g, cj_ref x, int64_t from, int64_t n) { return cjb_slice(g, x, 2, from, 1, n); }

/* --- cholesky ---------------------------------------------------------------------------- */

/* The derivative is that of a symmetric matrix, though only one triangle is read: as PyTorch's. */
cj_ref cjr_symmetric(cj_graph *g, cj_ref x) { return cjb_mul(g, cjb_add(g, x, cjb_mt(g, x)), cjb_like(g, x, 0.5)); }

/* dL = L Phi(L^-1 dA L^-T), Phi the lower triangle with half the diagonal: I. Murray, "Differentiation of the
** Cholesky decomposition", arXiv:1602.07527, 2016. */
static CJR_JVP(jvp_cholesky) {
  if (!t[0]) return 0;
  int64_t n = cjt_at(cjg_type(g, y), 1);
  cj_ref half = cjb_trisolve(g, y, cjr_symmetric(g, t[0]), false, false, false);
  cj_ref both = cjb_trisolve(g, y, cjb_mt(g, half), false, false, false); /* symmetric */
  cj_ref eye = cjb_eye(g, cjb_type(g, y).dtype, n, n);
  cj_ref weight = cjb_sub(g, cjb_like(g, y, 1), cjb_mul(g, eye, cjb_like(g, y, 0.5)));
  return cjb_matmul(g, y, cjb_mul(g, cjb_tri(g, both, false, 0), weight));
}

static CJR_FACE(face_cholesky) { return cjr_one(cjb_cholesky(k->g, cjr_float(k, 0)), out, nout); }

const cj_op cjo_cholesky = {.name = "cholesky",
                            .module = "linalg",
                            .sig = "a",
                            .doc = "lower triangular l with l l' = a, for symmetric positive definite a",
                            .example = "SPD(3) | SPD(3,2) | SPD(1)",
                            .kind = CJ_DENSE,
                            .nin = 1,
                            .core = 2,
                            .fault = "the matrix is not positive definite",
                            .build = face_cholesky,
                            .infer = infer_square,
                            .eval = cjk_cholesky,
                            .work = cjk_cholesky_work,
                            .jvp = jvp_cholesky};

/* --- qrpack: Q above R ----------------------------------------------------------------------- */

static CJR_INFER(infer_qrpack) {
  const cj_type *t = in[0];
  if (!suits(c, self, t, t->rank >= 2 && cjt_at(t, 2) >= cjt_at(t, 1), "a matrix with no more columns than rows"))
    return false;
  *out = cjr_resized(*t, 2, cjt_at(t, 2) + cjt_at(t, 1));
  return cjr_checked(c, self, out);
}

/* With C = dA R^-1, M = Q' C, and the skew S = L - L', L the part of M below the diagonal:
** dQ = C - Q (M - S), dR = (M - S) R.  S. F. Walter, L. Lehmann, "Algorithmic differentiation of linear algebra
** functions with application in optimum experimental design", arXiv:1001.1654, 2010. */
static CJR_JVP(jvp_qrpack) {
  if (!t[0]) return 0;
  cj_type x = cjb_type(g, in[0]);
  int64_t m = cjt_at(&x, 2), n = cjt_at(&x, 1);
  cj_ref q = some_rows(g, y, 0, m), r = some_rows(g, y, m, n);
  cj_ref c = cjb_mt(g, cjb_trisolve(g, r, cjb_mt(g, t[0]), true, true, false));
  cj_ref mid = cjb_matmul(g, cjb_mt(g, q), c), low = cjb_tri(g, mid, false, -1);
  cj_ref up = cjb_sub(g, mid, cjb_sub(g, low, cjb_mt(g, low)));
  cj_ref dq = cjb_sub(g, c, cjb_matmul(g, q, up)), dr = cjb_matmul(g, up, r);
  return cjb_cat(g, (cj_ref[]){dq, dr}, 2, 2);
}

const cj_op cjo_qrpack = {.name = "qrpack",
                          .sig = "a",
                          .doc = "orthonormal q above upper triangular r, q r = a",
                          .example = "R(4,3) | R(2,3,3)",
                          .kind = CJ_DENSE,
                          .nin = 1,
                          .core = 2,
                          .fault = "the columns of the matrix are dependent",
                          .infer = infer_qrpack,
                          .eval = cjk_qrpack,
                          .work = cjk_qrpack_work,
                          .jvp = jvp_qrpack};

/* --- eighpack: eigenvalues above eigenvectors --------------------------------------------------- */

static CJR_INFER(infer_eighpack) {
  if (!issquare(c, self, in[0])) return false;
  *out = cjr_resized(*in[0], 2, cjt_at(in[0], 1) + 1);
  return cjr_checked(c, self, out);
}

/* M = V' dA V: dw its diagonal, dV = V (F * M) with F(i,j) = 1/(w(j) - w(i)), and 0 where eigenvalues are equal,
** so that functions that do not depend on the choice of vectors there keep finite derivatives (Giles 2008). */
static CJR_JVP(jvp_eighpack) {
  if (!t[0]) return 0;
  int64_t n = cjt_at(cjg_type(g, y), 1);
  cj_ref w = some_rows(g, y, 0, 1), v = some_rows(g, y, 1, n);
  cj_ref mid = cjb_matmul(g, cjb_matmul(g, cjb_mt(g, v), cjr_symmetric(g, t[0])), v);
  cj_ref gap = cjb_sub(g, w, cjb_mt(g, w)), none = cjb_like(g, y, 0);
  cj_ref f = cjb_where(g, cjb_eq(g, gap, none), none, cjb_reciprocal(g, gap));
  cj_ref dw = cjb_unsqueeze(g, cjb_diagonal(g, mid, 0), 2), dv = cjb_matmul(g, v, cjb_mul(g, f, mid));
  return cjb_cat(g, (cj_ref[]){dw, dv}, 2, 2);
}

const cj_op cjo_eighpack = {.name = "eighpack",
                            .sig = "a",
                            .doc = "eigenvalues of a symmetric matrix, ascending, above its eigenvectors (columns)",
                            .example = "SYM(3) | SYM(4)",
                            .kind = CJ_DENSE,
                            .nin = 1,
                            .core = 2,
                            .fault = "the eigenvalues did not converge",
                            .infer = infer_eighpack,
                            .eval = cjk_eighpack,
                            .work = cjk_eighpack_work,
                            .jvp = jvp_eighpack};

/* --- cofactor -------------------------------------------------------------------------------------- */

/* C = det(A) A^-T: dC = tr(A^-1 dA) C - A^-T dA' C, for invertible A. */
static CJR_JVP(jvp_cofactor) {
  if (!t[0]) return 0;
  cj_ref a0 = in[0], lu = cjb_lu(g, a0);
  cj_ref trace = cjb_sum(g, cjb_diagonal(g, cjb_lusolve(g, a0, lu, t[0], false), 0), 1);
  cj_ref scale = cjb_unsqueeze(g, cjb_unsqueeze(g, trace, 1), 1);
  cj_ref turn = cjb_lusolve(g, a0, lu, cjb_matmul(g, cjb_mt(g, t[0]), y), true);
  return cjb_sub(g, cjb_mul(g, scale, y), turn);
}

const cj_op cjo_cofactor = {.name = "cofactor",
                            .sig = "a",
                            .doc = "matrix of cofactors: the derivative of the determinant, finite for singular a",
                            .example = "R(3,3) + 3 * cj.eye(3) | R(2,4,4) + 3 * cj.eye(4)",
                            .kind = CJ_DENSE,
                            .nin = 1,
                            .core = 2,
                            .fault = "the matrix is singular",
                            .infer = infer_square,
                            .eval = cjk_cofactor,
                            .work = cjk_cofactor_work,
                            .jvp = jvp_cofactor};
