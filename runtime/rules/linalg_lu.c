/* linalg_lu.c -- LU factorisations as results of their own, of any shape; the last two axes are the matrix. */
#include "rules/rules.h"

/* --- exchanges: the order of rows that a list of exchanges makes ------------------------------------- */

static CJR_INFER(infer_exchanges) { /* v: the number of rows */
  if (in[0]->dtype != CJ_I64 || in[0]->rank < 1 || a->v[0] < cjt_at(in[0], 1)) {
    cjm_fail(c, CJ_ESHAPE, "%s: %s of shape %s are no exchanges of %lld rows", self->name,
             cj_dtype_name((cj_dtype)in[0]->dtype), cjr_show(in[0]).s, (long long)a->v[0]);
    return false;
  }
  *out = cjr_resized(*in[0], 1, a->v[0]);
  return cjr_checked(c, self, out);
}

const cj_op cjo_exchanges = {.name = "exchanges",
                             .sig = "p",
                             .doc = "order of rows when row i is exchanged with row p(i), one after the other",
                             .kind = CJ_DENSE,
                             .nin = 1,
                             .core = 1,
                             .flags = CJ_NODIFF,
                             .infer = infer_exchanges,
                             .eval = cjk_exchanges};

/* --- lurect: L below U, and the exchanges in a last column ---------------------------------------------- */

static CJR_INFER(infer_lurect) {
  const cj_type *t = in[0];
  if (!cjt_isfloat(t->dtype) || t->rank < 2) {
    cjm_fail(c, CJ_ESHAPE, "%s: %s of shape %s is no matrix of floats", self->name, cj_dtype_name((cj_dtype)t->dtype),
             cjr_show(t).s);
    return false;
  }
  *out = cjr_resized(*t, 1, cjt_at(t, 1) + 1);
  return cjr_checked(c, self, out);
}

cj_ref cjr_row_order(cj_graph *g, cj_ref y) {
  cj_type t = cjb_type(g, y);
  cj_ref p = cjb_squeeze(g, cjb_slice(g, y, 1, cjt_at(&t, 1) - 1, 1, 1), 1);
  return cjg_emit(g, CJ_OP_exchanges, (cj_ref[]){cjb_cast(g, p, CJ_I64)}, 1, &(cj_attr){1, {cjt_at(&t, 2)}});
}

/* z U^-1 */
static cj_ref over_upper(cj_graph *g, cj_ref u, cj_ref z) {
  return cjb_mt(g, cjb_trisolve(g, u, cjb_mt(g, z), true, true, false));
}

static cj_ref sub_block(cj_graph *g, cj_ref x, int64_t row, int64_t rows, int64_t col, int64_t cols) {
  return cjb_slice(g, cjb_slice(g, x, 2, row, 1, rows), 1, col, 1, cols);
}

/* P' A = L U with square leading blocks: M = L1^-1 (P' dA)1 U1^-1, dL1 = L1 low(M), dU1 = up(M) U1; below,
** dL2 = ((P' dA)2 - L2 dU1) U1^-1; to the right, dU2 = L1^-1 ((P' dA)2 - dL1 U2). */
static CJR_JVP(jvp_lurect) {
  if (!t[0]) return 0;
  cj_type x = cjb_type(g, in[0]);
  int64_t m = cjt_at(&x, 2), n = cjt_at(&x, 1), r = m < n ? m : n;
  cj_ref d = cjb_gather(g, t[0], cjb_unsqueeze(g, cjr_row_order(g, y), 1), 2), top = sub_block(g, y, 0, r, 0, r);
  cj_ref left = cjb_trisolve(g, top, sub_block(g, d, 0, r, 0, r), false, false, true), mid = over_upper(g, top, left);
  cj_ref l1 = cjb_add(g, cjb_tri(g, top, false, -1), cjb_eye(g, x.dtype, r, r)), u1 = cjb_tri(g, top, true, 0);
  cj_ref dl = cjb_matmul(g, l1, cjb_tri(g, mid, false, -1)), du = cjb_matmul(g, cjb_tri(g, mid, true, 0), u1);
  cj_ref both = cjb_add(g, dl, du);
  if (m > n) {
    cj_ref low = cjb_matmul(g, sub_block(g, y, n, m - n, 0, n), du);
    low = over_upper(g, top, cjb_sub(g, sub_block(g, d, n, m - n, 0, n), low));
    both = cjg_ok(g) ? cjb_cat(g, (cj_ref[]){both, low}, 2, 2) : 0;
  }
  if (m < n) {
    cj_ref right = cjb_matmul(g, dl, sub_block(g, y, 0, m, m, n - m));
    right = cjb_trisolve(g, top, cjb_sub(g, sub_block(g, d, 0, m, m, n - m), right), false, false, true);
    both = cjg_ok(g) ? cjb_cat(g, (cj_ref[]){both, right}, 2, 1) : 0;
  }
  return cjb_embed(g, both, 1, 0, 1, n + 1);
}

const cj_op cjo_lurect = {.name = "lurect",
                          .sig = "a",
                          .doc = "LU factorisation of a matrix of any shape, with row exchanges in a last column",
                          .kind = CJ_DENSE,
                          .nin = 1,
                          .core = 2,
                          .fault = "the matrix is singular",
                          .infer = infer_lurect,
                          .eval = cjk_lurect,
                          .jvp = jvp_lurect};
