/*
** view.h -- what a kernel sees: data, type, strides.  Kernels are pure arithmetic: no context, no
** allocation, no failure but a status for bad numbers (ERANGE: an index, EDOMAIN: a matrix).
*/
#ifndef cj_kernel_view_h
#define cj_kernel_view_h

#include "cjac.h"

typedef struct cj_view {
  char *data; /* the first element */
  const cj_type *type;
  int64_t stride[CJ_MAXRANK]; /* in elements, one an axis from the front; 0 repeats, negative goes back */
} cj_view;

/* The numbers of an instruction.  Their meaning is the row's; axes count from the end: 1 is the last. */
typedef struct cj_attr {
  int n;
  int64_t v[CJ_MAXRANK];
} cj_attr;

/*
** Computes *out, which is contiguous, from nin operands of any strides.  ws: as many bytes as the row's
** work function asked for, 64-byte aligned.  out->data may equal in[0].data only for rows with CJ_INPLACE.
*/
typedef cj_status (*cj_eval)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws);

/*
** An elementwise inner loop: n results y from contiguous operands; bit i of splat: operand i is one
** element, repeated.  Element i of the result depends on no other element and not on n (to the bit).
*/
typedef void (*cj_loop)(int64_t n, void *y, const void *const *x, unsigned splat);
/* The same for operands anywhere in cells: at the offsets in bytes of those of the first result, then of the next. */
typedef void (*cj_picked)(int64_t n, void *y, const char *cells, const uint32_t *at);
#endif
