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

/* Its own derivative is a row too, which is finite for singular a. */
static CJR_JVP(jvp_cofactor) { return t[0] ? cjg_emit(g, CJ_OP_cofactor2, (cj_ref[]){in[0], t[0]}, 2, NULL) : 0; }

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

/* --- cofactor2: the derivative of the matrix of cofactors in a direction --------------------------------- */

static CJR_INFER(infer_cofactor2) { /* a, e */
  cj_type both;
  if (!issquare(c, self, in[0]) || !issquare(c, self, in[1]) || !cjr_samedtype(c, self, in[0], in[1])) return false;
  if (cjt_at(in[0], 1) == cjt_at(in[1], 1) && cjt_broadcast(in[0], in[1], &both)) {
    *out = both;
    return cjr_checked(c, self, out);
  }
  cjm_fail(c, CJ_ESHAPE, "%s: shapes %s and %s do not fit together", self->name, cjr_show(in[0]).s, cjr_show(in[1]).s);
  return false;
}

/* The second derivative of the determinant is symmetric. */
static CJR_TRANSPOSE(transpose_cofactor2) { return cjg_emit(g, CJ_OP_cofactor2, (cj_ref[]){in[0], ct}, 2, NULL); }

static cj_ref solve_with(cj_graph *g, cj_ref a, cj_ref b, bool trans) {
  return cjb_lusolve(g, a, cjb_lu(g, a), b, trans);
}

/* tr(A^-1 e) for each matrix, [.., 1, 1] */
static cj_ref trace_solve(cj_graph *g, cj_ref solved) {
  cj_ref trace = cjb_sum(g, cjb_diagonal(g, solved, 0), 1);
  return cjb_unsqueeze(g, cjb_unsqueeze(g, trace, 1), 1);
}

/* From C = det(A) A^-T, for invertible A, with B = A^-1, D = dC in direction e, F = dA:
** dD = -tr(B F B e) C + tr(B e) dC[F] + B' F' B' e' C - B' e' dC[F], and what comes of e itself. */
static CJR_JVP(jvp_cofactor2) {
  cj_ref sum = t[1] ? cjg_emit(g, CJ_OP_cofactor2, (cj_ref[]){in[0], t[1]}, 2, NULL) : 0;
  if (!t[0]) return sum;
  cj_ref a0 = in[0], cof = cjb_cofactor(g, a0), be = solve_with(g, a0, in[1], false),
         bf = solve_with(g, a0, t[0], false);
  cj_ref moved = cjg_emit(g, CJ_OP_cofactor2, (cj_ref[]){a0, t[0]}, 2, NULL), et = cjb_mt(g, in[1]);
  cj_ref one = cjb_mul(g, trace_solve(g, cjb_matmul(g, bf, be)), cof);
  cj_ref two = cjb_mul(g, trace_solve(g, be), moved);
  cj_ref bec = solve_with(g, a0, cjb_matmul(g, et, cof), true);
  cj_ref three = solve_with(g, a0, cjb_matmul(g, cjb_mt(g, t[0]), bec), true);
  cj_ref four = solve_with(g, a0, cjb_matmul(g, et, moved), true);
  return cjb_add(g, sum, cjb_add(g, cjb_sub(g, two, one), cjb_sub(g, three, four)));
}

const cj_op cjo_cofactor2 = {.name = "cofactor2",
                             .sig = "a, e",
                             .doc = "derivative of the matrix of cofactors in a direction, finite for singular a",
                             .example = "R(4,4), R(4,4) | R(2,5,5), R(5,5) | R(2,2), R(2,2)",
                             .kind = CJ_DENSE,
                             .nin = 2,
                             .core = 2,
                             .lin = 2,
                             .fault = "the matrix is not finite, or (in a third derivative) singular",
                             .infer = infer_cofactor2,
                             .eval = cjk_cofactor2,
                             .work = cjk_cofactor2_work,
                             .transpose = transpose_cofactor2,
                             .jvp = jvp_cofactor2};
