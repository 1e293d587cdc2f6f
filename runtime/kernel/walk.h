/*
** walk.h -- all elements of up to CJK_WALK views of one shape, in row-major order, row by row.  Axes
** that every view runs through as one are merged, so a contiguous operand is a single row.
**
**   cjk_walk w;
**   for (bool more = cjk_walk_start(&w, rank, dim, nview, stride); more; more = cjk_walk_next(&w))
**     row(w.n, data0 + w.at[0], w.step[0], ...);
*/
#ifndef cj_kernel_walk_h
#define cj_kernel_walk_h

#include "kernel/kernels.h"
#include "tensor/type.h"

#define CJK_WALK 3

typedef struct cjk_walk {
  int64_t n;              /* elements of a row */
  int64_t step[CJK_WALK]; /* from one element of the row to the next, per view */
  int64_t at[CJK_WALK];   /* first element of the row, per view */
  int outer, nview;       /* axes that are left outside the row */
  int64_t dim[CJ_MAXRANK], index[CJ_MAXRANK], stride[CJK_WALK][CJ_MAXRANK];
} cjk_walk;

/* False: there is no element. */
bool cjk_walk_start(cjk_walk *w, int rank, const int64_t *dim, int nview, const int64_t *const *stride);
bool cjk_walk_next(cjk_walk *w);

/* Merges axes that every view runs through as one and drops axes of size 1; returns the rank left.
** dim and stride[v] are overwritten. */
int cjk_merge(int rank, int64_t *dim, int nview, int64_t stride[][CJ_MAXRANK]);

/* Every element of v at +step from the one before, in row-major order; 0 elements or 1: step 1. */
bool cjk_isrow(const cj_view *v, int64_t *step);

/* Address of the element at that index (an element number). */
static inline char *cjk_addr(const cj_view *v, int64_t element) {
  return v->data + element * (int64_t)cjt_dsize(v->type->dtype);
}
/* Axis k from the end, as an index from the front. */
static inline int cjk_front(const cj_type *t, int64_t k) { return t->rank - (int)k; }
/* The leading axes of v that broadcast to those of the result: strides of v for the `rank` leading axes
** dim of the result, where v has `core` trailing axes of its own. */
void cjk_batch_strides(const cj_view *v, int core, int rank, const int64_t *dim, int64_t *stride);
#endif
