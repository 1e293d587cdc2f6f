/*
** tensor.h -- reference-counted immutable arrays.  A tensor is a header and its elements in one
** block, or a header that sees the elements of another tensor (its base) through strides.
*/
#ifndef cj_tensor_tensor_h
#define cj_tensor_tensor_h

#include "kernel/view.h"
#include "tensor/type.h"

struct cj_tensor {
  cj_ctx *c;
  cj_tensor *base; /* owner of the elements, retained; NULL: this one */
  char *data;      /* first element */
  int refs;        /* atomic */
  cj_type type;
  int64_t stride[CJ_MAXRANK];
};

cj_tensor *cjt_new(cj_ctx *c, const cj_type *t);                   /* elements undefined; NULL: ENOMEM */
cj_tensor *cjt_from(cj_ctx *c, const cj_type *t, const void *src); /* src NULL: zeros */
/* A view of x: same elements from element `offset` (may be negative with negative strides) on. */
cj_tensor *cjt_view(cj_tensor *x, const cj_type *t, const int64_t *stride, int64_t offset);
void cjt_retain(cj_tensor *x);
void cjt_release(cj_tensor *x); /* NULL: nothing */
bool cjt_iscontiguous(const cj_type *t, const int64_t *stride);
cj_tensor *cjt_contiguous(cj_tensor *x); /* x retained, or a copy; NULL: ENOMEM */
bool cjt_isunique(const cj_tensor *x);   /* nothing else sees its elements */
cj_view cjt_asview(const cj_tensor *x);
static inline cj_view cjt_rowmajor(void *data, const cj_type *t) {
  cj_view v = {(char *)data, t, {0}};
  cjt_strides(t, v.stride);
  return v;
}
/* Same type and the same bits in row-major order. */
bool cjt_equal(const cj_tensor *a, const cj_tensor *b);
uint64_t cjt_hash(const cj_tensor *x);
#endif
