/* composite_linalg.c -- linear algebra on the last two axes, from the factorisations that are primitives. */
#include "rules/compose.h"

#include <string.h>

/* --- solving ------------------------------------------------------------------------- */

/* Row i of all matrices of x. */
static cj_ref matrix_row(cj_graph *g, cj_ref x, int64_t i) { return cjr_at(g, x, 2, i); }

/* PyTorch's rule: B is a vector, or a batch of them, if it is 1-d or has the shape of A less its last dim. */
static bool isvector(const cj_type *a, const cj_type *b) {
  if (b->rank == 1) return true;
  cj_type lead = *a;
  lead.dim[--lead.rank] = 0;
  return cjt_sameshape(&lead, b);
}

/* A, B of A X = B (X A = B if not left) as floats, B as matrices; *vector: it was vectors. */
static bool linear_system(const cj_call *k, bool left, cj_ref *v, bool *vector) {
  cj_type a = cjr_in(k, 0), b = cjr_in(k, 1), lead;
  if (!cjr_wantsquare(k, &a, "A")) return false;
  *vector = left && b.rank >= 1 && isvector(&a, &b);
  if (!*vector && !cjr_wantmatrix(k, &b, "B")) return false;
  int64_t rows = cjt_at(&b, *vector || !left ? 1 : 2);
  cj_type la = a, lb = b;
  la.rank = (uint8_t)(a.rank - 2);
  lb.rank = (uint8_t)(b.rank - (*vector ? 1 : 2));
  if (rows != cjt_at(&a, 1) || !cjt_broadcast(&la, &lb, &lead))
    return cjr_bad(k, CJ_ESHAPE, "A of shape %s does not go with B of shape %s", cjr_show(&a).s, cjr_show(&b).s);
  if (!cjr_floats(k, 0, 2, v)) return false;
  if (*vector) v[1] = cjr_column(k->g, v[1]);
  return true;
}

static bool vectors_again(const cj_call *k, cj_ref x, bool vector, cj_ref *out, int *nout) {
  return cjr_one(vector ? cjb_squeeze(k->g, x, 1) : x, out, nout);
}

static CJR_FACE(build_solve) {
  cj_ref v[2];
  bool vector;
  if (!linear_system(k, true, v, &vector)) return false;
  return vectors_again(k, cjb_lusolve(k->g, v[0], cjb_lu(k->g, v[0]), v[1], false), vector, out, nout);
}

static CJR_FACE(build_solve_triangular) {
  cj_ref v[2];
  bool vector, upper = cjr_bool(k, 0, false), left = cjr_bool(k, 1, true), unit = cjr_bool(k, 2, false);
  if (!linear_system(k, left, v, &vector)) return false;
  if (left) return vectors_again(k, cjb_trisolve(k->g, v[0], v[1], upper, false, unit), vector, out, nout);
  cj_ref xt = cjb_trisolve(k->g, v[0], cjb_mt(k->g, v[1]), upper, true, unit); /* X A = B is A' X' = B' */
  return cjr_one(cjb_mt(k->g, xt), out, nout);
}

static CJR_FACE(build_cholesky_solve) {
  cj_ref in[2] = {cjr_operand(k, 1), cjr_operand(k, 0)}, v[2];
  cj_call turned = *k;
  bool vector, upper = cjr_bool(k, 0, false);
  turned.in = in;
  turned.weak = 0;
  cj_type l = cjr_in(k, 1), b = cjr_in(k, 0);
  if (!cjr_wantsquare(k, &l, "L")) return false;
  if (b.rank < 1 || cjt_at(&b, isvector(&l, &b) ? 1 : 2) != cjt_at(&l, 1))
    return cjr_bad(k, CJ_ESHAPE, "B of shape %s does not go with L of shape %s", cjr_show(&b).s, cjr_show(&l).s);
  if (!linear_system(&turned, true, v, &vector)) return false;
  cj_ref y = cjb_trisolve(k->g, v[0], v[1], upper, upper, false); /* L L' X = B, or U' U X = B */
  return vectors_again(k, cjb_trisolve(k->g, v[0], y, upper, !upper, false), vector, out, nout);
}

/* --- inverse, powers ----------------------------------------------------------------------- */

static bool squarefloat(const cj_call *k, cj_ref *a, cj_type *t) {
  cj_type given = cjr_in(k, 0);
  if (!cjr_wantsquare(k, &given, "A")) return false;
  *a = cjr_float(k, 0);
  *t = cjb_type(k->g, *a);
  return *a != 0;
}

static cj_ref identity_like(cj_graph *g, const cj_type *t) {
  return cjb_expand(g, cjb_eye(g, t->dtype, cjt_at(t, 1), cjt_at(t, 1)), t);
}

static cj_ref matrix_inverse(cj_graph *g, cj_ref a) {
  cj_type t = cjb_type(g, a);
  return cjb_lusolve(g, a, cjb_lu(g, a), cjb_eye(g, t.dtype, cjt_at(&t, 1), cjt_at(&t, 1)), false);
}

static CJR_FACE(build_inv) {
  cj_ref a;
  cj_type t;
  return squarefloat(k, &a, &t) && cjr_one(matrix_inverse(k->g, a), out, nout);
}

/* By repeated squaring (Knuth, "The Art of Computer Programming" 2, 4.6.3). */
static CJR_FACE(build_matrix_power) {
  cj_ref a, y = 0;
  cj_type t;
  int64_t n = cjr_int(k, 0, 1);
  uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  if (!squarefloat(k, &a, &t)) return false;
  if (n == 0) return cjr_one(identity_like(k->g, &t), out, nout);
  if (n < 0) a = matrix_inverse(k->g, a);
  for (;; a = cjb_matmul(k->g, a, a)) {
    if (left & 1) y = y ? cjb_matmul(k->g, y, a) : a;
    if (!(left >>= 1)) break;
  }
  return cjr_one(y, out, nout);
}

/* --- determinants ------------------------------------------------------------------------------ */

/* Up to 3 by 3 the polynomial itself: right for singular matrices in every derivative, and cheap. */
static cj_ref smalldet(cj_graph *g, cj_ref a, int64_t n) {
  if (n == 1) return cjr_at(g, matrix_row(g, a, 0), 1, 0);
  cj_ref r0 = matrix_row(g, a, 0), r1 = matrix_row(g, a, 1);
  if (n == 3) return cjb_sum(g, cjb_mul(g, r0, cjr_cross(g, r1, matrix_row(g, a, 2), 1)), 1);
  cj_ref both = cjb_mul(g, r0, cjb_slice(g, r1, 1, 1, -1, 2));
  return cjb_sub(g, cjr_at(g, both, 1, 0), cjr_at(g, both, 1, 1));
}

static CJR_FACE(build_det) {
  cj_ref a;
  cj_type t;
  if (!squarefloat(k, &a, &t)) return false;
  int64_t n = cjt_at(&t, 1);
  if (n >= 1 && n <= 3) return cjr_one(smalldet(k->g, a, n), out, nout);
  return cjr_one(cjg_emit(k->g, CJ_OP_detprim, (cj_ref[]){a, cjb_lu(k->g, a)}, 2, NULL), out, nout);
}

/* The sign of the determinant: that of the diagonal of U, turned by every exchange of rows. */
static cj_ref detsign(cj_graph *g, cj_ref lu, int dtype, int64_t n) {
  cj_ref pivot = cjb_squeeze(g, cjb_slice(g, lu, 1, n, 1, 1), 1), one = cjg_num(g, dtype, 1);
  cj_ref kept = cjb_eq(g, pivot, cjb_iota(g, dtype, n));
  cj_ref turn = cjb_where(g, kept, one, cjb_neg(g, one));
  cj_ref diagonal = cjb_sign(g, cjb_diagonal(g, cjb_slice(g, lu, 1, 0, 1, n), 0));
  return cjb_reduce(g, CJ_OP_prod, cjb_mul(g, diagonal, turn), 1);
}

static CJR_FACE(build_slogdet) {
  cj_ref a;
  cj_type t;
  if (!squarefloat(k, &a, &t) || !cjr_room(k, 2, cap)) return false;
  cj_ref lu = cjb_lu(k->g, a);
  out[0] = detsign(k->g, lu, t.dtype, cjt_at(&t, 1));
  out[1] = cjg_emit(k->g, CJ_OP_logabsdet, (cj_ref[]){a, lu}, 2, NULL);
  *nout = 2;
  return cjg_ok(k->g);
}

/* --- factorisations ------------------------------------------------------------------------------ */

static bool matrixfloat(const cj_call *k, cj_ref *a, cj_type *t) {
  cj_type given = cjr_in(k, 0);
  if (!cjr_wantmatrix(k, &given, "A")) return false;
  *a = cjr_float(k, 0);
  *t = cjb_type(k->g, *a);
  return *a != 0;
}

/* A wide matrix is Q [R1, Q'A2] where Q R1 is its left square block. */
static CJR_FACE(build_qr) {
  cj_ref a;
  cj_type t;
  const char *mode = cjr_str(k, 0, "reduced");
  bool alone = !strcmp(mode, "r");
  if (!alone && strcmp(mode, "reduced") != 0)
    return cjr_bad(k, CJ_EARG, "mode is \"%.20s\", wanted \"reduced\" or \"r\"", mode);
  if (!matrixfloat(k, &a, &t) || !cjr_room(k, 2, cap)) return false;
  int64_t m = cjt_at(&t, 2), n = cjt_at(&t, 1), r = m < n ? m : n;
  cj_ref pack = cjb_qrpack(k->g, cjb_slice(k->g, a, 1, 0, 1, r));
  cj_ref q = cjb_slice(k->g, pack, 2, 0, 1, m), right = cjb_slice(k->g, pack, 2, m, 1, r);
  if (m < n) {
    cj_ref rest = cjb_matmul(k->g, cjb_mt(k->g, q), cjb_slice(k->g, a, 1, m, 1, n - m));
    right = cjg_ok(k->g) ? cjb_cat(k->g, (cj_ref[]){right, rest}, 2, 1) : 0;
  }
  cj_type empty = cjr_flat(t.dtype, 0, -1);
  out[0] = alone ? cjb_zeros(k->g, &empty) : q;
  out[1] = right;
  *nout = 2;
  return cjg_ok(k->g);
}

static cj_ref eigenvalues(cj_graph *g, cj_ref pack) { return matrix_row(g, pack, 0); }

static CJR_FACE(build_eigh) {
  cj_ref a;
  cj_type t;
  if (!squarefloat(k, &a, &t) || !cjr_room(k, 2, cap)) return false;
  cj_ref pack = cjb_eighpack(k->g, a);
  out[0] = eigenvalues(k->g, pack);
  out[1] = cjb_slice(k->g, pack, 2, 1, 1, cjt_at(&t, 1));
  *nout = 2;
  return cjg_ok(k->g);
}

static CJR_FACE(build_eigvalsh) {
  cj_ref a;
  cj_type t;
  return squarefloat(k, &a, &t) && cjr_one(eigenvalues(k->g, cjb_eighpack(k->g, a)), out, nout);
}

CJR_COMPOSITE(solve, "linalg", 0, "A, B", "SPD(3), R(3) | SPD(3), R(3,2) | SPD(2,3), R(3,2) | SPD(2,3), R(2,4)",
              "X of A X = B; B is a matrix, a vector, or a batch of either");
CJR_COMPOSITE(solve_triangular, "linalg", 0, "A, B, upper:bool=false, left:bool=true, unitriangular:bool=false",
              "TRIL(3), R(3,2) | TRIL(3).mT, R(3,2), true | TRIL(3), R(2,3), false, false | "
              "TRIL(3), R(3), false, true, true | TRIL(3), R(4,3,2)",
              "X of A X = B (of X A = B if not left), with one triangle of A, its diagonal taken as 1 if "
              "unitriangular");
CJR_COMPOSITE(inv, "linalg", 0, "A", "SPD(1) | SPD(3) | SPD(3,2)", "inverse matrix");
CJR_COMPOSITE(det, "linalg", 0, "A", "R(1,1) | R(2,2) | R(3,3) | R(4,4) | R(2,3,3) | R(2,5,5)", "determinant");
CJR_COMPOSITE(slogdet, "linalg", 0, "A", "SPD(2) | SPD(4) | SPD(3,2)",
              "sign of the determinant, and logarithm of its absolute value");
CJR_COMPOSITE(qr, "linalg", 0, "A, mode:str=\"reduced\"", "R(3,3) | R(4,2) | R(2,4) | R(2,3,2) | R(3,2), \"r\"",
              "Q with orthonormal columns and upper triangular R with A = Q R, reduced; mode \"r\": Q is empty");
CJR_COMPOSITE(
    eigh, "linalg", 0, "A", "SYM(2) | SYM(3) | SYM(3,2)",
    "eigenvalues, ascending, and eigenvectors, in columns, of a symmetric matrix; the lower triangle is read");
CJR_COMPOSITE(eigvalsh, "linalg", 0, "A", "SYM(2) | SYM(3) | SYM(3,2)",
              "eigenvalues, ascending, of a symmetric matrix; the lower triangle is read");
CJR_COMPOSITE(cholesky_solve, "linalg", 0, "B, L, upper:bool=false",
              "R(3,2), TRIL(3) | R(3), TRIL(3) | R(2,3,2), TRIL(3) | R(3,2), TRIL(3).mT, true",
              "X of A X = B, given the Cholesky factor L of A");
CJR_COMPOSITE(matrix_power, "linalg", CJ_METHOD, "A, n:int", "R(3,3), 3 | SPD(2), -2 | R(2,3,3), 2 | R(3,3), 0",
              "product of n matrices A; for negative n of -n inverses");
