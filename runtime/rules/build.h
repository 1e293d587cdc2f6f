/*
** build.h -- the vocabulary in which rules and composites are written: cjb_NAME appends a primitive
** to g and gives its ref.  Elementwise operands broadcast and must have one dtype.  A structural zero
** goes in and comes out as the row's linearity says.  Axes count from the end here: 1 is the last.
**
** The numbers of an instruction (its cj_attr) are the integer arguments of its function here, in that order,
** but for: reshape and expand, the sizes of the result from the front; permute, v[k-1] = the axis of x, from
** the end, that becomes the k-th from the end, where axes beyond n stay; the rest, none.
*/
#ifndef cj_rules_build_h
#define cj_rules_build_h

#include "graph/graph.h"

#define CJB_1(name)                                                                                                    \
  static inline cj_ref cjb_##name(cj_graph *g, cj_ref x) { return cjg_emit(g, CJ_OP_##name, (cj_ref[]){x}, 1, NULL); }
#define CJB_2(name)                                                                                                    \
  static inline cj_ref cjb_##name(cj_graph *g, cj_ref x, cj_ref z) {                                                   \
    return cjg_emit(g, CJ_OP_##name, (cj_ref[]){x, z}, 2, NULL);                                                       \
  }
#define CJB_3(name)                                                                                                    \
  static inline cj_ref cjb_##name(cj_graph *g, cj_ref x, cj_ref z, cj_ref w) {                                         \
    return cjg_emit(g, CJ_OP_##name, (cj_ref[]){x, z, w}, 3, NULL);                                                    \
  }
#define X(name, nin, ...) CJB_##nin(name)
#include "def/elementwise.def"
#undef X

/* A copy of the type of x, which stays good while more is emitted; 0-d float64 if x is 0. */
cj_type cjb_type(const cj_graph *g, cj_ref x);

/* sources */
cj_ref cjb_like(cj_graph *g, cj_ref x, double v);         /* 0-d constant v of x's dtype; 0 if x is 0 */
cj_ref cjb_full(cj_graph *g, const cj_type *t, double v); /* of that type (an expanded constant) */
static inline cj_ref cjb_zeros(cj_graph *g, const cj_type *t) { return cjb_full(g, t, 0); }
cj_ref cjb_iota(cj_graph *g, int dtype, int64_t n); /* 0 .. n-1 */
cj_ref cjb_eye(cj_graph *g, int dtype, int64_t n, int64_t m);

/* views; a view that changes nothing is x itself */
cj_ref cjb_reshape(cj_graph *g, cj_ref x, const cj_type *to); /* dtype of to is ignored */
cj_ref cjb_expand(cj_graph *g, cj_ref x, const cj_type *to);  /* dtype of to is ignored */
cj_ref cjb_permute(cj_graph *g, cj_ref x, int n,
                   const int *perm); /* axis i from the FRONT of the result is axis perm[i] of x; n = rank */
cj_ref cjb_swap(cj_graph *g, cj_ref x, int a, int b); /* two axes, from the end */
static inline cj_ref cjb_mt(cj_graph *g, cj_ref x) { return cjb_swap(g, x, 1, 2); }
cj_ref cjb_slice(cj_graph *g, cj_ref x, int axis, int64_t first, int64_t step, int64_t n); /* step may be negative */
cj_ref cjb_diagonal(cj_graph *g, cj_ref x, int64_t offset); /* of the last two axes, becomes the last */
cj_ref cjb_unfold(cj_graph *g, cj_ref x, int axis, int64_t size,
                  int64_t step);                       /* windows: axis shrinks, size becomes the last axis */
cj_ref cjb_squeeze(cj_graph *g, cj_ref x, int axis);   /* drops axis, of size 1 */
cj_ref cjb_unsqueeze(cj_graph *g, cj_ref x, int axis); /* axis is its place in the result */

/* moves */
cj_ref cjb_cast(cj_graph *g, cj_ref x, int dtype);
cj_ref cjb_stop(cj_graph *g, cj_ref x);
cj_ref cjb_embed(cj_graph *g, cj_ref x, int axis, int64_t first, int64_t step, int64_t full); /* zeros elsewhere */
cj_ref cjb_diag_embed(cj_graph *g, cj_ref x, int64_t offset); /* last axis becomes a diagonal of two */
/* adjoint of unfold: to is the type of unfold's operand */
cj_ref cjb_fold(cj_graph *g, cj_ref x, int axis, int64_t size, int64_t step, int64_t full);
cj_ref cjb_put(cj_graph *g, cj_ref x, cj_ref v, int axis, int64_t first,
               int64_t step); /* x with a region replaced by v */
cj_ref cjb_cat(cj_graph *g, const cj_ref *x, int n, int axis);
/* y[.., i, ..] = x[.., index[.., i, ..], ..]; the other axes broadcast; ranks equal; index int64 from 0 */
cj_ref cjb_gather(cj_graph *g, cj_ref x, cj_ref index, int axis);
cj_ref cjb_scatter(cj_graph *g, cj_ref x, cj_ref index, cj_ref src,
                   int axis); /* x with places overwritten; src as index */
cj_ref cjb_scatter_add(cj_graph *g, cj_ref x, cj_ref index, cj_ref src, int axis); /* x with src added at places */

/* order: the places along axis of keep elements after the first skip; NaN last, with descending first; equals as they
** stand; the numbers of the instruction: axis, descending, keep, skip */
cj_ref cjb_argsort(cj_graph *g, cj_ref x, int axis, bool descending, int64_t skip, int64_t keep);
/* of each v of the last axis: how many of the ascending x are below it, or (right) not above; leading axes broadcast */
cj_ref cjb_searchsorted(cj_graph *g, cj_ref x, cj_ref v, bool right);

/* reductions: mask bit k-1 is axis k; reduced axes vanish */
cj_ref cjb_reduce(cj_graph *g, int op, cj_ref x, uint32_t mask);
static inline cj_ref cjb_sum(cj_graph *g, cj_ref x, uint32_t mask) { return cjb_reduce(g, CJ_OP_sum, x, mask); }
/* adds up over what broadcasting repeated, so that the result has type to (dtype of to is ignored) */
cj_ref cjb_sumto(cj_graph *g, cj_ref x, const cj_type *to);
/* the same with axes kept as size 1 */
cj_ref cjb_keep(cj_graph *g, cj_ref reduced, const cj_type *before, uint32_t mask);
cj_ref cjb_cumsum(cj_graph *g, cj_ref x, int axis, bool reverse);
cj_ref cjb_cumprod(cj_graph *g, cj_ref x, int axis);
cj_ref cjb_logcumsumexp(cj_graph *g, cj_ref x, int axis);
cj_ref cjb_argcum(cj_graph *g, int op, cj_ref x, int axis); /* op: argcummax or argcummin */
/* h_k = a_k h_(k-1) + b_k along axis, from h_(-1) = 0; reverse: from the end */
cj_ref cjb_linrec(cj_graph *g, cj_ref a, cj_ref b, int axis, bool reverse);

/* matrices: last two axes; leading axes broadcast (matmul, lusolve, trisolve) */
cj_ref cjb_matmul(cj_graph *g, cj_ref a, cj_ref b);
cj_ref cjb_lu(cj_graph *g, cj_ref a); /* [n, n+1]: L\U, last column the pivots (row exchanged, from 0) */
cj_ref cjb_lusolve(cj_graph *g, cj_ref a, cj_ref lu, cj_ref b,
                   bool trans);             /* a: for derivatives; lu: its factorisation */
cj_ref cjb_cholesky(cj_graph *g, cj_ref a); /* lower; reads the lower triangle */
cj_ref cjb_trisolve(cj_graph *g, cj_ref a, cj_ref b, bool upper, bool trans,
                    bool unit);             /* op(a) x = b; reads one triangle */
cj_ref cjb_qrpack(cj_graph *g, cj_ref a);   /* m >= n: [m + n, n], Q above R */
cj_ref cjb_eighpack(cj_graph *g, cj_ref a); /* [n + 1, n]: eigenvalues ascending, then V; lower triangle */
cj_ref cjb_cofactor(cj_graph *g, cj_ref a); /* matrix of cofactors: d det / d a, finite for singular a */
cj_ref cjb_tri(cj_graph *g, cj_ref x, bool upper,
               int64_t k); /* lower (upper) triangle of the last two axes, zeros elsewhere */
#endif
