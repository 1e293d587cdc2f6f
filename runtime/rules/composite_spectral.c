/* composite_spectral.c -- singular values, eigenvalues, least squares, norms and functions of matrices. */
#include "rules/compose.h"

#include <math.h>
#include <string.h>

static bool float_matrix(const cj_call *k, bool square, cj_ref *a, cj_type *t) {
  cj_type given = cjr_in(k, 0);
  if (square ? !cjr_wantsquare(k, &given, "A") : !cjr_wantmatrix(k, &given, "A")) return false;
  *a = cjr_float(k, 0);
  *t = cjb_type(k->g, *a);
  return *a != 0;
}

/* --- singular values ------------------------------------------------------------------------------- */

typedef struct svd {
  cj_ref u, s, vt;
} svd;

/* Of a wide matrix through its transpose. */
static svd svd_of(cj_graph *g, cj_ref a) {
  cj_type t = cjb_type(g, a);
  bool wide = cjt_at(&t, 2) < cjt_at(&t, 1);
  int64_t m = cjt_at(&t, wide ? 1 : 2), n = cjt_at(&t, wide ? 2 : 1);
  cj_ref x = wide ? cjb_mt(g, a) : a, pack = cjg_emit(g, CJ_OP_svdpack, &x, 1, NULL);
  svd d = {cjb_slice(g, pack, 2, 0, 1, m), cjr_at(g, pack, 2, m), cjb_slice(g, pack, 2, m + 1, 1, n)};
  return wide ? (svd){cjb_mt(g, d.vt), d.s, cjb_mt(g, d.u)} : d;
}

static CJR_FACE(build_svd) {
  cj_ref a;
  cj_type t;
  if (!float_matrix(k, false, &a, &t) || !cjr_room(k, 3, cap)) return false;
  svd d = svd_of(k->g, a);
  out[0] = d.u, out[1] = d.s, out[2] = d.vt;
  *nout = 3;
  return cjg_ok(k->g);
}

static CJR_FACE(build_svdvals) {
  cj_ref a;
  cj_type t;
  return float_matrix(k, false, &a, &t) && cjr_one(svd_of(k->g, a).s, out, nout);
}

/* Limits under which singular values count as 0: parameters rtol, atol.  PyTorch's defaults. */
static void rank_limits(const cj_call *k, int j, const cj_type *t, double *relative, double *absolute) {
  int64_t m = cjt_at(t, 2), n = cjt_at(t, 1);
  double eps = t->dtype == CJ_F32 ? 1.1920928955078125e-7 : 2.220446049250313e-16;
  *absolute = cjr_num(k, j + 1, 0);
  *relative = cjr_num(k, j, *absolute > 0 ? 0 : eps * (double)(m > n ? m : n));
}

static cj_ref pseudoinverse(cj_graph *g, cj_ref a, double relative, double absolute) {
  cj_attr limits = {2, {0}};
  memcpy(&limits.v[0], &relative, sizeof relative);
  memcpy(&limits.v[1], &absolute, sizeof absolute);
  return cjg_emit(g, CJ_OP_pinvprim, &a, 1, &limits);
}

static CJR_FACE(build_pinv) {
  cj_ref a;
  cj_type t;
  double relative, absolute;
  if (!float_matrix(k, false, &a, &t)) return false;
  rank_limits(k, 0, &t, &relative, &absolute);
  return cjr_one(pseudoinverse(k->g, a, relative, absolute), out, nout);
}

static CJR_FACE(build_matrix_rank) {
  cj_graph *g = k->g;
  cj_ref a;
  cj_type t;
  double relative, absolute;
  if (!float_matrix(k, false, &a, &t)) return false;
  rank_limits(k, 0, &t, &relative, &absolute);
  cj_ref s = svd_of(g, a).s;
  int64_t r = s ? cjt_at(cjg_type(g, s), 1) : 0;
  cj_ref most = r ? cjb_slice(g, s, 1, 0, 1, 1) : s;
  cj_ref limit = cjb_clamp_min(g, cjr_scale(g, most, relative), cjb_like(g, s, absolute));
  return cjr_one(cjb_sum(g, cjb_cast(g, cjb_gt(g, s, limit), CJ_I64), 1), out, nout);
}

/* --- least squares -------------------------------------------------------------------------------------- */

/* The shortest x of those for which A x is closest to B. */
static CJR_FACE(build_lstsq) {
  cj_type a = cjr_in(k, 0), b = cjr_in(k, 1), la = a, lb = b, lead;
  cj_ref v[2];
  double relative, absolute;
  if (!cjr_wantmatrix(k, &a, "A") || !cjr_minrank(k, 1, 1)) return false;
  la.rank = (uint8_t)(a.rank - 1); /* vectors: the shape of A less its last dim */
  bool vector = b.rank == 1 || cjt_sameshape(&la, &b);
  la.rank = (uint8_t)(a.rank - 2);
  lb.rank = (uint8_t)(b.rank - (vector ? 1 : 2));
  if (cjt_at(&b, vector ? 1 : 2) != cjt_at(&a, 2) || !cjt_broadcast(&la, &lb, &lead))
    return cjr_bad(k, CJ_ESHAPE, "A of shape %s does not go with B of shape %s", cjr_show(&a).s, cjr_show(&b).s);
  if (!cjr_floats(k, 0, 2, v)) return false;
  cj_type t = cjb_type(k->g, v[0]);
  rank_limits(k, 0, &t, &relative, &absolute);
  cj_ref x = cjb_matmul(k->g, pseudoinverse(k->g, v[0], relative, absolute), vector ? cjr_column(k->g, v[1]) : v[1]);
  return cjr_one(vector && x ? cjb_squeeze(k->g, x, 1) : x, out, nout);
}

/* --- eigenvalues of any square matrix -------------------------------------------------------------------- */

static bool eigen(const cj_call *k, bool vectors, cj_ref *out, int cap, int *nout) {
  cj_ref a;
  cj_type t;
  if (!float_matrix(k, true, &a, &t) || !cjr_room(k, vectors ? 4 : 2, cap)) return false;
  int64_t n = cjt_at(&t, 1);
  cj_ref pack = cjg_emit(k->g, CJ_OP_eigpack, &a, 1, &(cj_attr){1, {vectors}});
  out[0] = cjr_at(k->g, pack, 2, 0);
  out[1] = cjr_at(k->g, pack, 2, 1);
  if (vectors) {
    out[2] = cjb_slice(k->g, pack, 2, 2, 1, n);
    out[3] = cjb_slice(k->g, pack, 2, 2 + n, 1, n);
  }
  *nout = vectors ? 4 : 2;
  return cjg_ok(k->g);
}

static CJR_FACE(build_eig) { return eigen(k, true, out, cap, nout); }
static CJR_FACE(build_eigvals) { return eigen(k, false, out, cap, nout); }

/* --- the exponential -------------------------------------------------------------------------------------- */

static CJR_FACE(build_matrix_exp) {
  cj_ref a;
  cj_type t;
  return float_matrix(k, true, &a, &t) && cjr_one(cjg_emit(k->g, CJ_OP_expmk, &a, 1, NULL), out, nout);
}

/* --- norms --------------------------------------------------------------------------------------------------- */

/* Parameter j: a number, "fro" as 0, "nuc" as NaN; *given: whether it is there. */
static bool matrix_order(const cj_call *k, int j, double otherwise, double *p) {
  const char *name = cjr_str(k, j, NULL);
  *p = name ? 0 : cjr_num(k, j, otherwise);
  if (name && !strcmp(name, "nuc")) return *p = (double)NAN, true;
  if (name ? !strcmp(name, "fro") : fabs(*p) == 1 || fabs(*p) == 2 || isinf(*p) || !cjr_given(k, j)) return true;
  return cjr_bad(k, CJ_EARG, "the order of a matrix norm is 1, -1, 2, -2, inf, -inf, \"fro\" or \"nuc\"");
}

/* Of the last two axes. */
static cj_ref norm_of_matrix(cj_graph *g, cj_ref a, double p) {
  if (p == 0) return cjb_sqrt0(g, cjb_sum(g, cjb_square(g, a), 3));
  if (isnan(p)) return cjb_sum(g, svd_of(g, a).s, 1);
  int op = p > 0 ? CJ_OP_amax : CJ_OP_amin;
  if (fabs(p) == 2) return cjb_reduce(g, op, svd_of(g, a).s, 1);
  return cjb_reduce(g, op, cjb_sum(g, cjb_abs(g, a), fabs(p) == 1 ? 2 : 1), 1);
}

/* x with the two axes (from the end) of a matrix brought to the end. */
static cj_ref matrix_to_end(cj_graph *g, cj_ref x, int rows, int cols) {
  cj_type t = cjb_type(g, x);
  int perm[CJ_MAXRANK], n = 0;
  for (int e = 0; e < t.rank; e++)
    if (e != t.rank - rows && e != t.rank - cols) perm[n++] = e;
  perm[n++] = t.rank - rows;
  perm[n++] = t.rank - cols;
  return cjb_permute(g, x, n, perm);
}

/* The norm of order p over the dims of parameter jdim (usually the last two), which parameter jdim + 1 keeps. */
static bool matrix_norm(const cj_call *k, int jdim, double p, cj_ref *out, int *nout) {
  cj_type t;
  cj_ref a;
  int rows = 2, cols = 1;
  if (!float_matrix(k, false, &a, &t)) return false;
  if (cjr_given(k, jdim)) {
    rows = cjr_axisof(k, k->p[jdim].v[0], &t);
    cols = rows ? cjr_axisof(k, k->p[jdim].v[1], &t) : 0;
    if (!cols) return false;
    if (rows == cols) return cjr_bad(k, CJ_EARG, "the dims of a matrix are twice the same");
  }
  int64_t m = cjt_at(&t, rows), n = cjt_at(&t, cols);
  if ((m == 0 || n == 0) && p != 0 && !isnan(p))
    return cjr_bad(k, CJ_ESHAPE, "a matrix of %lld by %lld has no such norm", (long long)m, (long long)n);
  cj_ref y = norm_of_matrix(k->g, matrix_to_end(k->g, a, rows, cols), p);
  uint32_t mask = 1u << (rows - 1) | 1u << (cols - 1);
  return cjr_one(cjr_bool(k, jdim + 1, false) ? cjb_keep(k->g, y, &t, mask) : y, out, nout);
}

static bool two_dims(const cj_call *k, int j) {
  if (!cjr_given(k, j) || k->p[j].n == 2) return true;
  return cjr_bad(k, CJ_EARG, "%d dims given, a matrix has two", k->p[j].n);
}

static CJR_FACE(build_matrix_norm) {
  double p;
  return two_dims(k, 1) && matrix_order(k, 0, 0, &p) && matrix_norm(k, 1, p, out, nout);
}

/* The row norm: parameters p, dim, keepdim. */
static bool vector_norm_face(const cj_call *k, cj_ref *out, int cap, int *nout) {
  cj_call as = *k;
  as.op = CJ_OP_norm;
  return cjr_row(CJ_OP_norm)->build(&as, out, cap, nout);
}

static CJR_FACE(build_vector_norm) { return vector_norm_face(k, out, cap, nout); }

/* Without an order the elements are one vector; with one, 2 dims are a matrix. */
static CJR_FACE(build_linalg_norm) {
  cj_type t = cjr_in(k, 0);
  double p;
  bool ordered = cjr_given(k, 0), dims = cjr_given(k, 1);
  if (ordered && !dims && t.rank != 1 && t.rank != 2)
    return cjr_bad(k, CJ_ESHAPE, "x has shape %s, wanted 1 or 2 dimensions for an order without dims", cjr_show(&t).s);
  bool matrix = ordered && (dims ? k->p[1].n == 2 : t.rank == 2);
  if (matrix) return matrix_order(k, 0, 0, &p) && matrix_norm(k, 1, p, out, nout);
  return vector_norm_face(k, out, cap, nout);
}

/* --- condition ---------------------------------------------------------------------------------------------- */

static cj_ref inverse_of(cj_graph *g, cj_ref a) {
  cj_type t = cjb_type(g, a);
  return cjb_lusolve(g, a, cjb_lu(g, a), cjb_eye(g, t.dtype, cjt_at(&t, 1), cjt_at(&t, 1)), false);
}

static CJR_FACE(build_cond) {
  cj_ref a;
  cj_type t;
  double p;
  if (!matrix_order(k, 0, 2, &p)) return false;
  bool values = fabs(p) == 2;
  if (!float_matrix(k, !values, &a, &t)) return false;
  int64_t m = cjt_at(&t, 2), n = cjt_at(&t, 1), r = m < n ? m : n;
  if (r == 0) return cjr_bad(k, CJ_ESHAPE, "a matrix of %lld by %lld has no condition", (long long)m, (long long)n);
  if (!values) {
    cj_ref y = norm_of_matrix(k->g, a, p);
    return cjr_one(cjb_mul(k->g, y, norm_of_matrix(k->g, inverse_of(k->g, a), p)), out, nout);
  }
  cj_ref s = svd_of(k->g, a).s, most = cjr_at(k->g, s, 1, 0), least = cjr_at(k->g, s, 1, r - 1);
  return cjr_one(p > 0 ? cjb_div(k->g, most, least) : cjb_div(k->g, least, most), out, nout);
}

/* --- rows ---------------------------------------------------------------------------------------------------- */

CJR_COMPOSITE(svd, "linalg", 0, "A", "R(3,3) | R(4,2) | R(2,4) | R(2,3,2)",
              "U, S, V' with A = U diag(S) V', reduced; the singular values S descend");
CJR_COMPOSITE(svdvals, "linalg", 0, "A", "R(3,3) | R(4,2) | R(2,4) | R(2,3,2)", "singular values, descending");
CJR_COMPOSITE(
    pinv, "linalg", 0, "A, rtol:num?, atol:num?",
    "R(3,3)*0.3 + cj.eye(3) | R(4,2)*0.3 + cj.eye(4,2) | R(2,4)*0.3 + cj.eye(2,4) | R(2,3,2)*0.3 + cj.eye(3,2)",
    "pseudoinverse; singular values up to the larger of atol and rtol times the largest count as 0");
CJR_COMPOSITE(matrix_rank, "linalg", CJ_NODIFF, "A, rtol:num?, atol:num?",
              "R(3,3) | R(4,2) | R(2,2,4) | R(3,3), nil, 1",
              "number of singular values above the larger of atol and rtol times the largest");
CJR_COMPOSITE(lstsq, "linalg", 0, "A, B, rtol:num?",
              "R(4,2)*0.3 + cj.eye(4,2), R(4,3) | R(4,2)*0.3 + cj.eye(4,2), R(4) | R(2,4)*0.3 + cj.eye(2,4), R(2,2) | "
              "R(2,4,2)*0.3 + cj.eye(4,2), R(2,4,1) | R(2,3,2)*0.3 + cj.eye(3,2), R(2,3)",
              "the shortest X of those that bring A X closest to B; B is a matrix, a vector, or a batch of either");
CJR_COMPOSITE(eig, "linalg", CJ_NODIFF, "A", "SYM(3) | R(2,2)*0.1 + cj.tensor{{0,1},{-1,0}} | SYM(2,2)",
              "eigenvalues, real and imaginary parts, and eigenvectors, in columns, real and imaginary parts");
CJR_COMPOSITE(eigvals, "linalg", CJ_NODIFF, "A", "SYM(3) | R(2,2)*0.1 + cj.tensor{{0,1},{-1,0}} | SYM(2,2)",
              "eigenvalues, real and imaginary parts");
CJR_COMPOSITE(matrix_exp, "linalg", CJ_METHOD, "A", "R(3,3) | R(1,1) | R(2,2,2)", "exponential of a matrix");
CJR_COMPOSITE(matrix_norm, "linalg", 0, "A, ord:num|str=\"fro\", dim:axes?, keepdim:bool=false",
              "R(3,2) | R(2,3,4), \"nuc\", {3,1} | R(2,3), 1 | R(2,3), -1, nil, true | R(3,3), 2 | R(2,3), 1/0, "
              "{-1,-2} | R(3,2), -2",
              "norm of matrices in two dims (the last): ord is 1, -1, inf, -inf (sums of columns, of rows), 2, -2 "
              "(singular values), \"nuc\" (their sum) or \"fro\"");
CJR_COMPOSITE(vector_norm, "linalg", 0, "x, ord:num|str=2, dim:axes?, keepdim:bool=false",
              "N(2,3) | N(2,3), 1, -1, true | N(2,3), 3, {1,2} | R(4,3), 1/0, 2",
              "p-norm of the elements as a vector, over all of them or along dims");
CJR_COMPOSITE(cond, "linalg", 0, "A, p:num|str=2", "R(3,3) | R(4,2) | SPD(2,2), -2 | SPD(3), \"fro\" | SPD(3), 1",
              "condition number: the norm of A times that of its inverse");

const cj_op cjo_linalg_norm = {
    .name = "norm",
    .module = "linalg",
    .sig = "x, ord:num|str?, dim:axes?, keepdim:bool=false",
    .doc = "norm of a vector, or with an order of a matrix: see vector_norm and matrix_norm; without an order the "
           "2-norm of all elements, or along dims",
    .example =
        "N(2,3) | N(2,3), nil, 1 | N(4), 3 | R(3,2), 2 | R(2,3,2), \"nuc\", {1,3}, true | N(2,3), 1, 2 | R(2,2,2)",
    .kind = CJ_COMPOSITE,
    .build = build_linalg_norm};
const cj_op cjo_linalg_expm = {.name = "expm",
                               .module = "linalg",
                               .sig = "A",
                               .doc = "exponential of a matrix: another name of matrix_exp",
                               .example = "R(3,3)",
                               .kind = CJ_COMPOSITE,
                               .build = build_matrix_exp};
