/*
** pattern.h -- how the elements of an operand lie under the row-major order of a result it broadcasts
** to, with as few axes as will do.
*/
#ifndef cj_exec_pattern_h
#define cj_exec_pattern_h

#include "tensor/type.h"

typedef enum cje_access {
  CJE_SPLAT,  /* one element, repeated */
  CJE_DENSE,  /* element i of the operand is element i of the result */
  CJE_STRIDED /* must be gathered */
} cje_access;

typedef struct cje_pattern {
  int ndim;
  int64_t dim[CJ_MAXRANK], stride[CJ_MAXRANK]; /* no axis of size 1; strides in elements */
  size_t esize;
} cje_pattern;

cje_access cje_pattern_make(cje_pattern *q, const cj_type *to, const cj_type *x, const int64_t *stride);
/* Elements first .. first+n-1, in the order of the result, from src (element 0) to contiguous dst. */
void cje_pattern_load(const cje_pattern *q, void *dst, const char *src, int64_t first, int64_t n);
/* Where the first n elements lie, in elements from element 0. */
void cje_pattern_list(const cje_pattern *q, int64_t *at, int64_t n);
/* And back, from contiguous src to dst. */
void cje_pattern_store(const cje_pattern *q, char *dst, const char *src, int64_t first, int64_t n);
#endif
