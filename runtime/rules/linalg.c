/*
** linalg.c -- products and solves.  Matrices are the last two axes; leading axes broadcast.  Derivatives
** reuse the factorisation of the value: M. Giles, "An extended collection of matrix derivative results for
** forward and reverse mode algorithmic differentiation", 2008.
*/
#include "rules/rules.h"

/* --- types -------------------------------------------------------------------------------- */

static bool ismatrix(cj_ctx *c, const cj_op *self, const cj_type *t, bool square) {
  if (t->rank >= 2 && (!square || cjt_at(t, 1) == cjt_at(t, 2))) return true;
  cjm_fail(c, CJ_ESHAPE, "%s: shape %s is no %smatrix", self->name, cjr_show(t).s, square ? "square " : "");
  return false;
}

static bool isfloat(cj_ctx *c, const cj_op *self, const cj_type *t) {
  if (cjt_isfloat(t->dtype)) return true;
  cjm_fail(c, CJ_EDTYPE, "%s: not defined for dtype %s", self->name, cj_dtype_name((cj_dtype)t->dtype));
  return false;
}

/* rows by cols matrices over the common leading axes of a and b */
static bool leading(cj_ctx *c, const cj_op *self, const cj_type *a, const cj_type *b, int64_t rows, int64_t cols,
                    cj_type *out) {
  cj_type x = *a, z = *b, t;
  x.rank = (uint8_t)(x.rank - 2);
  z.rank = (uint8_t)(z.rank - 2);
  if (!cjt_broadcast(&x, &z, &t)) {
    cjm_fail(c, CJ_ESHAPE, "%s: leading dimensions of %s and %s do not broadcast", self->name, cjr_show(a).s,
             cjr_show(b).s);
    return false;
  }
  t.dim[t.rank++] = rows;
  t.dim[t.rank++] = cols;
  *out = t;
  return cjr_checked(c, self, out);
}

static bool disagree(cj_ctx *c, const cj_op *self, const cj_type *a, const cj_type *b) {
  cjm_fail(c, CJ_ESHAPE, "%s: shapes %s and %s do not fit together", self->name, cjr_show(a).s, cjr_show(b).s);
  return false;
}

/* --- matmul --------------------------------------------------------------------------------- */

static CJR_INFER(infer_matmul) {
  const cj_type *x = in[0], *z = in[1];
  if (!ismatrix(c, self, x, false) || !ismatrix(c, self, z, false) || !cjr_samedtype(c, self, x, z)) return false;
  if (cjt_at(x, 1) != cjt_at(z, 2)) return disagree(c, self, x, z);
  return leading(c, self, x, z, cjt_at(x, 2), cjt_at(z, 1), out);
}

/* All axes but the last made one: the rows of every matrix under each other. */
static cj_ref all_rows(cj_graph *g, cj_ref x) {
  cj_type t = cjb_type(g, x), to = cjt_scalar(t.dtype);
  int64_t n = 1;
  for (int e = 0; e + 1 < t.rank; e++) n *= t.dim[e];
  to.rank = 2;
  to.dim[0] = n;
  to.dim[1] = cjt_at(&t, 1);
  return cjb_reshape(g, x, &to);
}

/* A single matrix b that multiplied many gets one product of all rows, not a sum of many products. */
static CJR_TRANSPOSE(transpose_matmul) {
  if (i == 0) return cjb_matmul(g, ct, cjb_mt(g, in[1]));
  cj_type x = cjb_type(g, in[0]), z = cjb_type(g, in[1]), d = cjb_type(g, ct);
  bool samerows = x.rank == d.rank && cjt_count(&z) == cjt_at(&z, 1) * cjt_at(&z, 2);
  for (int k = 2; samerows && k <= x.rank; k++) samerows = cjt_at(&x, k) == cjt_at(&d, k);
  if (!samerows || x.rank == 2) return cjb_matmul(g, cjb_mt(g, in[0]), ct);
  return cjb_matmul(g, cjb_mt(g, all_rows(g, in[0])), all_rows(g, ct));
}

/* As PyTorch: a vector on the left is a row, on the right a column, and that axis vanishes. */
static CJR_FACE(face_matmul) {
  cj_ref x[2];
  if (!cjr_minrank(k, 0, 1) || !cjr_minrank(k, 1, 1) || !cjr_promote(k, 0, 2, x)) return false;
  cj_type l = cjr_in(k, 0), r = cjr_in(k, 1);
  if (cjt_at(&l, 1) != (r.rank == 1 ? r.dim[0] : cjt_at(&r, 2))) return disagree(k->g->c, cjr_row(k->op), &l, &r);
  if (cjb_type(k->g, x[0]).dtype == CJ_BOOL)
    for (int i = 0; i < 2; i++) x[i] = cjb_cast(k->g, x[i], CJ_I64);
  if (l.rank == 1) x[0] = cjb_unsqueeze(k->g, x[0], 2);
  if (r.rank == 1) x[1] = cjb_unsqueeze(k->g, x[1], 1);
  cj_ref y = cjb_matmul(k->g, x[0], x[1]);
  if (y && l.rank == 1) y = cjb_squeeze(k->g, y, 2);
  if (y && r.rank == 1) y = cjb_squeeze(k->g, y, 1);
  return cjr_one(y, out, nout);
}

const cj_op cjo_matmul = {.name = "matmul",
                          .module = "",
                          .sig = "a, b",
                          .doc = "matrix product; vectors are a row on the left, a column on the right",
                          .example =
                              "R(3,4), R(4,2) | R(4), R(4) | R(2,3,4), R(4) | R(3), R(2,3,4) | R(2,1,3,4), R(3,4,2) | "
                              "R(2,3,4), R(4,5)",
                          .kind = CJ_DENSE,
                          .nin = 2,
                          .core = 2,
                          .flags = CJ_METHOD,
                          .lin = 3,
                          .build = face_matmul,
                          .infer = infer_matmul,
                          .eval = cjk_matmul,
                          .work = cjk_matmul_work,
                          .transpose = transpose_matmul};

/* --- lu, lusolve ------------------------------------------------------------------------------- */

static CJR_INFER(infer_lu) {
  if (!ismatrix(c, self, in[0], true) || !isfloat(c, self, in[0])) return false;
  *out = cjr_resized(*in[0], 1, cjt_at(in[0], 1) + 1);
  return cjr_checked(c, self, out);
}

/* A helper of lusolve and of determinants, whose derivatives are written with the matrix itself. */
const cj_op cjo_lu = {.name = "lu",
                      .sig = "a",
                      .doc = "LU factorisation with row exchanges: [n, n+1], L below U, last column the exchanges",
                      .example = "R(3,3) | R(2,4,4)",
                      .kind = CJ_DENSE,
                      .nin = 1,
                      .core = 2,
                      .flags = CJ_NODIFF,
                      .fault = "the matrix is singular",
                      .infer = infer_lu,
                      .eval = cjk_lu,
                      .work = cjk_lu_work};

static CJR_INFER(infer_lusolve) { /* a, lu, b; v: transposed */
  cj_type factor = *in[0];
  if (!ismatrix(c, self, in[0], true) || !ismatrix(c, self, in[2], false) || !isfloat(c, self, in[0])) return false;
  if (!cjr_samedtype(c, self, in[0], in[2]) || !cjr_samedtype(c, self, in[0], in[1])) return false;
  factor = cjr_resized(factor, 1, cjt_at(in[0], 1) + 1);
  if (!cjt_sameshape(&factor, in[1])) return disagree(c, self, in[0], in[1]);
  if (cjt_at(in[0], 1) != cjt_at(in[2], 2)) return disagree(c, self, in[0], in[2]);
  return leading(c, self, in[0], in[2], cjt_at(in[2], 2), cjt_at(in[2], 1), out);
}

static CJR_TRANSPOSE(transpose_lusolve) { return cjb_lusolve(g, in[0], in[1], ct, !a->v[0]); }

/* A y = b: dy = A^-1 (db - dA y) */
static CJR_JVP(jvp_lusolve) {
  cj_ref ta = a->v[0] ? cjb_mt(g, t[0]) : t[0];
  return cjb_lusolve(g, in[0], in[1], cjb_sub(g, t[2], cjb_matmul(g, ta, y)), a->v[0] != 0);
}

const cj_op cjo_lusolve = {.name = "lusolve",
                           .sig = "a, lu, b",
                           .doc = "solution x of a x = b (or a' x = b), lu being the factorisation of a",
                           .kind = CJ_DENSE,
                           .nin = 3,
                           .core = 2,
                           .lin = 4,
                           .aux = 2,
                           .fault = "the matrix is singular",
                           .infer = infer_lusolve,
                           .eval = cjk_lusolve,
                           .work = cjk_lusolve_work,
                           .transpose = transpose_lusolve,
                           .jvp = jvp_lusolve};

/* --- trisolve -------------------------------------------------------------------------------------- */

static CJR_INFER(infer_trisolve) { /* a, b; v: upper, transposed, unit */
  if (!ismatrix(c, self, in[0], true) || !ismatrix(c, self, in[1], false) || !isfloat(c, self, in[0])) return false;
  if (!cjr_samedtype(c, self, in[0], in[1])) return false;
  if (cjt_at(in[0], 1) != cjt_at(in[1], 2)) return disagree(c, self, in[0], in[1]);
  return leading(c, self, in[0], in[1], cjt_at(in[1], 2), cjt_at(in[1], 1), out);
}

static CJR_TRANSPOSE(transpose_trisolve) { return cjb_trisolve(g, in[0], ct, a->v[0] != 0, !a->v[1], a->v[2] != 0); }

/* Only the triangle that is read counts, without its diagonal if that is taken to be 1. */
static CJR_JVP(jvp_trisolve) {
  bool upper = a->v[0] != 0, trans = a->v[1] != 0, unit = a->v[2] != 0;
  cj_ref ta = cjb_tri(g, t[0], upper, !unit ? 0 : upper ? 1 : -1);
  cj_ref db = cjb_sub(g, t[1], cjb_matmul(g, trans ? cjb_mt(g, ta) : ta, y));
  return cjb_trisolve(g, in[0], db, upper, trans, unit);
}

const cj_op cjo_trisolve = {.name = "trisolve",
                            .sig = "a, b",
                            .doc = "solution x of a x = b for triangular a",
                            .kind = CJ_DENSE,
                            .nin = 2,
                            .core = 2,
                            .lin = 2,
                            .fault = "the triangular matrix is singular",
                            .infer = infer_trisolve,
                            .eval = cjk_trisolve,
                            .work = cjk_trisolve_work,
                            .transpose = transpose_trisolve,
                            .jvp = jvp_trisolve};
