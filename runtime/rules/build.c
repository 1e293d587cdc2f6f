/* build.c -- the vocabulary of rules: primitives with their numbers, and small compositions of them. */
#include "rules/build.h"

/* The numbers of an instruction, as a pointer that is good in the expression. */
#define ATTR(...) (&(cj_attr){(int)CJ_COUNT(((int64_t[]){__VA_ARGS__})), {__VA_ARGS__}})
#define EMIT0(name, ...) cjg_emit(g, CJ_OP_##name, NULL, 0, ATTR(__VA_ARGS__))
#define EMIT1(name, x, ...) cjg_emit(g, CJ_OP_##name, (cj_ref[]){x}, 1, ATTR(__VA_ARGS__))
#define EMIT2(name, x, z, ...) cjg_emit(g, CJ_OP_##name, (cj_ref[]){x, z}, 2, ATTR(__VA_ARGS__))
#define EMIT3(name, x, z, w, ...) cjg_emit(g, CJ_OP_##name, (cj_ref[]){x, z, w}, 3, ATTR(__VA_ARGS__))

cj_type cjb_type(const cj_graph *g, cj_ref x) { return x ? *cjg_type(g, x) : cjt_scalar(CJ_F64); }

static cj_attr sizes(const cj_type *t) {
  cj_attr a = {t->rank, {0}};
  for (int e = 0; e < t->rank; e++) a.v[e] = t->dim[e];
  return a;
}

/* --- sources ------------------------------------------------------------------- */

cj_ref cjb_like(cj_graph *g, cj_ref x, double v) { return x ? cjg_num(g, cjg_type(g, x)->dtype, v) : 0; }

cj_ref cjb_full(cj_graph *g, const cj_type *t, double v) {
  cj_type to = *t;
  return cjb_expand(g, cjg_num(g, to.dtype, v), &to);
}

cj_ref cjb_iota(cj_graph *g, int dtype, int64_t n) { return EMIT0(iota, dtype, n); }

cj_ref cjb_eye(cj_graph *g, int dtype, int64_t n, int64_t m) { return EMIT0(eye, dtype, n, m); }

/* --- views ------------------------------------------------------------------------ */

cj_ref cjb_reshape(cj_graph *g, cj_ref x, const cj_type *to) {
  if (!x || cjt_sameshape(cjg_type(g, x), to)) return x;
  cj_attr a = sizes(to);
  return cjg_emit(g, CJ_OP_reshape, &x, 1, &a);
}

/* The ranks are made equal first, so that batching may simply prepend to both; a constant is never batched. */
cj_ref cjb_expand(cj_graph *g, cj_ref x, const cj_type *to) {
  double v;
  if (!x || cjt_sameshape(cjg_type(g, x), to)) return x;
  cj_attr a = sizes(to);
  cj_type t = *cjg_type(g, x), full = *to;
  if (t.rank < full.rank && !cjg_getnum(g, x, &v)) {
    for (int k = 1; k <= full.rank; k++) full.dim[full.rank - k] = cjt_at(&t, k);
    x = cjb_reshape(g, x, &full);
    if (!x || cjt_sameshape(cjg_type(g, x), to)) return x;
  }
  return cjg_emit(g, CJ_OP_expand, &x, 1, &a);
}

cj_ref cjb_permute(cj_graph *g, cj_ref x, int n, const int *perm) {
  cj_attr a = {n, {0}};
  bool same = true;
  for (int e = 0; e < n; e++) {
    a.v[n - 1 - e] = n - perm[e];
    same = same && perm[e] == e;
  }
  return !x || same ? x : cjg_emit(g, CJ_OP_permute, &x, 1, &a);
}

cj_ref cjb_swap(cj_graph *g, cj_ref x, int a, int b) {
  int perm[CJ_MAXRANK];
  int rank = cjb_type(g, x).rank;
  for (int e = 0; e < rank; e++) perm[e] = e == rank - a ? rank - b : e == rank - b ? rank - a : e;
  return x ? cjb_permute(g, x, rank, perm) : 0;
}

cj_ref cjb_slice(cj_graph *g, cj_ref x, int axis, int64_t first, int64_t step, int64_t n) {
  if (!x || (first == 0 && step == 1 && n == cjt_at(cjg_type(g, x), axis))) return x;
  return EMIT1(slice, x, axis, first, step, n);
}

cj_ref cjb_diagonal(cj_graph *g, cj_ref x, int64_t offset) { return EMIT1(diagonal, x, offset); }

cj_ref cjb_unfold(cj_graph *g, cj_ref x, int axis, int64_t size, int64_t step) {
  return EMIT1(unfold, x, axis, size, step);
}

cj_ref cjb_squeeze(cj_graph *g, cj_ref x, int axis) {
  cj_type t = cjb_type(g, x), to = cjt_scalar(t.dtype);
  for (int e = 0; e < t.rank; e++)
    if (e != t.rank - axis) to.dim[to.rank++] = t.dim[e];
  return cjb_reshape(g, x, &to);
}

cj_ref cjb_unsqueeze(cj_graph *g, cj_ref x, int axis) {
  cj_type t = cjb_type(g, x), to = cjt_scalar(t.dtype);
  if (t.rank == CJ_MAXRANK) {
    cjm_fail(g->c, CJ_ELIMIT, "a result would have more than %d dimensions", CJ_MAXRANK);
    return 0;
  }
  to.rank = (uint8_t)(t.rank + 1);
  for (int e = 0, from = 0; e < to.rank; e++) to.dim[e] = e == to.rank - axis ? 1 : t.dim[from++];
  return cjb_reshape(g, x, &to);
}

/* --- moves -------------------------------------------------------------------------- */

cj_ref cjb_cast(cj_graph *g, cj_ref x, int dtype) {
  return !x || cjg_type(g, x)->dtype == dtype ? x : EMIT1(cast, x, dtype);
}

cj_ref cjb_stop(cj_graph *g, cj_ref x) { return cjg_emit(g, CJ_OP_stop, &x, 1, NULL); }

cj_ref cjb_embed(cj_graph *g, cj_ref x, int axis, int64_t first, int64_t step, int64_t full) {
  if (!x || (first == 0 && step == 1 && full == cjt_at(cjg_type(g, x), axis))) return x;
  return EMIT1(embed, x, axis, first, step, full);
}

cj_ref cjb_diag_embed(cj_graph *g, cj_ref x, int64_t offset) { return EMIT1(diag_embed, x, offset); }

cj_ref cjb_fold(cj_graph *g, cj_ref x, int axis, int64_t size, int64_t step, int64_t full) {
  return EMIT1(fold, x, axis, size, step, full);
}

cj_ref cjb_put(cj_graph *g, cj_ref x, cj_ref v, int axis, int64_t first, int64_t step) {
  if (x && v && first == 0 && step == 1 && cjt_same(cjg_type(g, x), cjg_type(g, v))) return v;
  return EMIT2(put, x, v, axis, first, step);
}

cj_ref cjb_cat(cj_graph *g, const cj_ref *x, int n, int axis) {
  return n == 1 ? x[0] : cjg_emit(g, CJ_OP_cat, x, n, ATTR(axis));
}

cj_ref cjb_gather(cj_graph *g, cj_ref x, cj_ref index, int axis) { return EMIT2(gather, x, index, axis); }

cj_ref cjb_scatter(cj_graph *g, cj_ref x, cj_ref index, cj_ref src, int axis) {
  return EMIT3(scatter, x, index, src, axis);
}

cj_ref cjb_scatter_add(cj_graph *g, cj_ref x, cj_ref index, cj_ref src, int axis) {
  return EMIT3(scatter_add, x, index, src, axis);
}

/* --- reductions and scans -------------------------------------------------------------- */

cj_ref cjb_reduce(cj_graph *g, int op, cj_ref x, uint32_t mask) {
  if (!x || (mask == 0 && op != CJ_OP_argmax && op != CJ_OP_argmin)) return x;
  return cjg_emit(g, op, &x, 1, ATTR(mask));
}

cj_ref cjb_sumto(cj_graph *g, cj_ref x, const cj_type *to) {
  cj_type want = *to, have = cjb_type(g, x), mid = want;
  uint32_t mask = 0;
  if (!x || cjt_sameshape(&have, &want)) return x;
  for (int k = 1; k <= have.rank; k++) {
    bool repeated = cjt_at(&have, k) != 1 && cjt_at(&want, k) == 1;
    if (repeated) mask |= 1u << (k - 1);
  }
  for (int k = 1; k <= want.rank; k++) mid.dim[want.rank - k] = mask >> (k - 1) & 1 ? 1 : cjt_at(&have, k);
  return cjb_expand(g, cjb_reshape(g, cjb_sum(g, x, mask), &mid), &want);
}

cj_ref cjb_keep(cj_graph *g, cj_ref reduced, const cj_type *before, uint32_t mask) {
  cj_type t = *before;
  for (int k = 1; k <= t.rank; k++)
    if (mask >> (k - 1) & 1) t.dim[t.rank - k] = 1;
  return cjb_reshape(g, reduced, &t);
}

cj_ref cjb_cumsum(cj_graph *g, cj_ref x, int axis, bool reverse) { return EMIT1(cumsum, x, axis, reverse); }

cj_ref cjb_cumprod(cj_graph *g, cj_ref x, int axis) { return EMIT1(cumprod, x, axis); }

cj_ref cjb_logcumsumexp(cj_graph *g, cj_ref x, int axis) { return EMIT1(logcumsumexp, x, axis); }

cj_ref cjb_argcum(cj_graph *g, int op, cj_ref x, int axis) { return cjg_emit(g, op, &x, 1, ATTR(axis)); }

cj_ref cjb_argsort(cj_graph *g, cj_ref x, int axis, bool descending, int64_t skip, int64_t keep) {
  return EMIT1(argsort, x, axis, descending, keep, skip);
}

cj_ref cjb_searchsorted(cj_graph *g, cj_ref x, cj_ref v, bool right) { return EMIT2(searchsorted, x, v, right); }

cj_ref cjb_linrec(cj_graph *g, cj_ref a, cj_ref b, int axis, bool reverse) {
  return EMIT2(linrec, a, b, axis, reverse);
}

/* --- matrices ------------------------------------------------------------------------------ */

cj_ref cjb_matmul(cj_graph *g, cj_ref a, cj_ref b) { return cjg_emit(g, CJ_OP_matmul, (cj_ref[]){a, b}, 2, NULL); }

cj_ref cjb_lu(cj_graph *g, cj_ref a) { return cjg_emit(g, CJ_OP_lu, &a, 1, NULL); }

cj_ref cjb_lusolve(cj_graph *g, cj_ref a, cj_ref lu, cj_ref b, bool trans) { return EMIT3(lusolve, a, lu, b, trans); }

cj_ref cjb_cholesky(cj_graph *g, cj_ref a) { return cjg_emit(g, CJ_OP_cholesky, &a, 1, NULL); }

cj_ref cjb_trisolve(cj_graph *g, cj_ref a, cj_ref b, bool upper, bool trans, bool unit) {
  return EMIT2(trisolve, a, b, upper, trans, unit);
}

cj_ref cjb_qrpack(cj_graph *g, cj_ref a) { return cjg_emit(g, CJ_OP_qrpack, &a, 1, NULL); }

cj_ref cjb_eighpack(cj_graph *g, cj_ref a) { return cjg_emit(g, CJ_OP_eighpack, &a, 1, NULL); }

cj_ref cjb_cofactor(cj_graph *g, cj_ref a) { return cjg_emit(g, CJ_OP_cofactor, &a, 1, NULL); }

cj_ref cjb_tri(cj_graph *g, cj_ref x, bool upper, int64_t k) {
  if (!x) return 0;
  cj_type t = cjb_type(g, x);
  cj_ref row = cjb_unsqueeze(g, cjb_iota(g, CJ_I64, cjt_at(&t, 2)), 1);
  cj_ref col = cjb_iota(g, CJ_I64, cjt_at(&t, 1));
  cj_ref above = cjb_sub(g, col, row), limit = cjg_int(g, k);
  cj_ref in = upper ? cjb_ge(g, above, limit) : cjb_le(g, above, limit);
  return cjb_where(g, in, x, cjb_like(g, x, 0));
}
