/* type.c -- arithmetic on types. */
#include "tensor/type.h"

#include <string.h>

static const struct {
  const char *name;
  size_t size;
} dtypes[CJ_NDTYPE] = {
    [CJ_F64] = {"float64", 8}, [CJ_F32] = {"float32", 4}, [CJ_I64] = {"int64", 8}, [CJ_BOOL] = {"bool", 1}};

const char *cj_dtype_name(cj_dtype dt) { return (unsigned)dt < CJ_NDTYPE ? dtypes[dt].name : "?"; }
size_t cj_dtype_size(cj_dtype dt) { return (unsigned)dt < CJ_NDTYPE ? dtypes[dt].size : 0; }
size_t cjt_dsize(int dtype) { return dtypes[dtype].size; }

/* dim may be that of out. */
bool cjt_make(cj_dtype dt, int rank, const int64_t *dim, cj_type *out) {
  if ((unsigned)dt >= CJ_NDTYPE || rank < 0 || rank > CJ_MAXRANK) return false;
  cj_type t = {.dtype = (uint8_t)dt, .rank = (uint8_t)rank};
  /* The bound holds without the empty axes too, so that strides of an empty tensor fit as well. */
  int64_t room = PTRDIFF_MAX / 8 - CJ_ALIGN;
  for (int i = 0; i < rank; i++) {
    if (dim[i] < 0) return false;
    if (dim[i] > 1 && dim[i] > room) return false;
    if (dim[i] > 1) room /= dim[i];
    t.dim[i] = dim[i];
  }
  *out = t;
  return true;
}

cj_status cj_type_make(cj_dtype dt, int rank, const int64_t *dim, cj_type *out) {
  return cjt_make(dt, rank, dim, out) ? CJ_OK : CJ_EARG;
}

int64_t cjt_count(const cj_type *t) {
  int64_t n = 1;
  for (int i = 0; i < t->rank; i++) n *= t->dim[i];
  return n;
}
size_t cjt_bytes(const cj_type *t) { return (size_t)cjt_count(t) * dtypes[t->dtype].size; }
int64_t cj_type_count(const cj_type *t) { return cjt_count(t); }
size_t cj_type_bytes(const cj_type *t) { return cjt_bytes(t); }

bool cjt_sameshape(const cj_type *a, const cj_type *b) {
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}
bool cjt_same(const cj_type *a, const cj_type *b) { return a->dtype == b->dtype && cjt_sameshape(a, b); }

bool cjt_broadcast(const cj_type *a, const cj_type *b, cj_type *out) {
  int rank = a->rank > b->rank ? a->rank : b->rank;
  int64_t dim[CJ_MAXRANK];
  for (int k = 1; k <= rank; k++) {
    int64_t p = cjt_at(a, k), q = cjt_at(b, k);
    if (p != q && p != 1 && q != 1) return false;
    dim[rank - k] = p == 1 ? q : p;
  }
  return cjt_make((cj_dtype)a->dtype, rank, dim, out);
}

cj_type cjt_scalar(int dtype) { return (cj_type){.dtype = (uint8_t)dtype}; }

bool cjt_append(const cj_type *a, const cj_type *b, cj_type *out) {
  int64_t dim[2 * CJ_MAXRANK];
  memcpy(dim, a->dim, a->rank * sizeof *dim);
  memcpy(dim + a->rank, b->dim, b->rank * sizeof *dim);
  return cjt_make((cj_dtype)b->dtype, a->rank + b->rank, dim, out);
}

bool cjt_prepend(const cj_type *t, int64_t n, cj_type *out) {
  cj_type lead = {.dtype = t->dtype, .rank = 1, .dim = {n}};
  return cjt_append(&lead, t, out);
}

int cjt_promote(int a, int b) {
  static const uint8_t category[CJ_NDTYPE] = {[CJ_BOOL] = 0, [CJ_I64] = 1, [CJ_F32] = 2, [CJ_F64] = 3};
  return category[a] >= category[b] ? a : b;
}

void cjt_strides(const cj_type *t, int64_t *stride) {
  int64_t s = 1;
  for (int i = t->rank - 1; i >= 0; i--) {
    stride[i] = s;
    s *= t->dim[i] > 1 ? t->dim[i] : 1;
  }
}

void cjt_putshape(cj_text *w, const cj_type *t) {
  cjm_puts(w, "[");
  for (int i = 0; i < t->rank; i++) cjm_putf(w, i ? ", %lld" : "%lld", (long long)t->dim[i]);
  cjm_puts(w, "]");
}

void cjt_puttype(cj_text *w, const cj_type *t) {
  cjm_puts(w, dtypes[t->dtype].name);
  cjt_putshape(w, t);
}
