/*
** type.h -- arithmetic on types: the abstract value of the whole house.  All overflow checks of
** shape arithmetic are here: a cj_type made by cjt_make has a byte count that fits ptrdiff_t, and
** every other function keeps that or fails.
*/
#ifndef cj_tensor_type_h
#define cj_tensor_type_h

#include "base/base.h"

bool cjt_make(cj_dtype dt, int rank, const int64_t *dim, cj_type *out); /* false: too large, negative, rank */
int64_t cjt_count(const cj_type *t);
size_t cjt_bytes(const cj_type *t);
size_t cjt_dsize(int dtype);
bool cjt_same(const cj_type *a, const cj_type *b); /* dtype and shape */
bool cjt_sameshape(const cj_type *a, const cj_type *b);
/* The shape that a and b broadcast to, dtype of a.  False: they do not, or the result is too large. */
bool cjt_broadcast(const cj_type *a, const cj_type *b, cj_type *out);
/* Size of the k-th axis from the end, k = 1 the last; 1 beyond the front. */
static inline int64_t cjt_at(const cj_type *t, int k) { return k <= t->rank ? t->dim[t->rank - k] : 1; }
cj_type cjt_scalar(int dtype);
static inline cj_type cjt_as(cj_type t, int dtype) { /* may grow the bytes: only for dtypes no wider */
  t.dtype = (uint8_t)dtype;
  return t;
}
bool cjt_prepend(const cj_type *t, int64_t n, cj_type *out);       /* one more leading axis; false: rank or size */
bool cjt_append(const cj_type *a, const cj_type *b, cj_type *out); /* shape a ++ b, dtype of b */
static inline bool cjt_isfloat(int dtype) { return dtype == CJ_F64 || dtype == CJ_F32; }
/* PyTorch's promotion: category first (bool < int64 < float), then width. */
int cjt_promote(int a, int b);
void cjt_strides(const cj_type *t, int64_t *stride); /* row-major, in elements */
void cjt_puttype(cj_text *w, const cj_type *t);      /* "float64[2, 3]" */
void cjt_putshape(cj_text *w, const cj_type *t);     /* "[2, 3]" */
#endif
