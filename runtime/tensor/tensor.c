/* tensor.c -- reference-counted immutable arrays. */
#include "tensor/tensor.h"

#include <string.h>

/* A tensor that owns its elements is one aligned block: the header, padded to CJ_ALIGN, then the
** elements.  A context is retained by every owner, so it outlives them all. */
#define HEADER ((sizeof(cj_tensor) + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN)

static size_t blocksize(const cj_tensor *x) { return x->base ? HEADER : HEADER + cjt_bytes(&x->type); }

static cj_tensor *newblock(cj_ctx *c, size_t bytes) {
  cj_tensor *x = cjm_aligned(c, bytes);
  if (!x) return NULL;
  memset(x, 0, sizeof *x);
  x->c = c;
  x->refs = 1;
  cjm_retain_ctx(c);
  return x;
}

cj_tensor *cjt_new(cj_ctx *c, const cj_type *t) {
  cj_tensor *x = newblock(c, HEADER + cjt_bytes(t));
  if (!x) return NULL;
  x->type = *t;
  cjt_strides(t, x->stride);
  x->data = (char *)x + HEADER;
  return x;
}

cj_tensor *cjt_from(cj_ctx *c, const cj_type *t, const void *src) {
  cj_tensor *x = cjt_new(c, t);
  if (!x) return NULL;
  if (src)
    memcpy(x->data, src, cjt_bytes(t));
  else
    memset(x->data, 0, cjt_bytes(t));
  return x;
}

cj_tensor *cjt_view(cj_tensor *x, const cj_type *t, const int64_t *stride, int64_t offset) {
  cj_tensor *owner = x->base ? x->base : x, *v = newblock(x->c, HEADER);
  if (!v) return NULL;
  v->type = *t;
  memcpy(v->stride, stride, t->rank * sizeof *stride);
  v->data = x->data + offset * (int64_t)cjt_dsize(t->dtype);
  v->base = owner;
  cjt_retain(owner);
  return v;
}

void cjt_retain(cj_tensor *x) { __atomic_fetch_add(&x->refs, 1, __ATOMIC_RELAXED); }

void cjt_release(cj_tensor *x) {
  while (x && __atomic_sub_fetch(&x->refs, 1, __ATOMIC_ACQ_REL) == 0) {
    cj_ctx *c = x->c;
    cj_tensor *base = x->base;
    cjm_aligned_free(c, x, blocksize(x));
    cjm_release_ctx(c);
    x = base;
  }
}

bool cjt_iscontiguous(const cj_type *t, const int64_t *stride) {
  int64_t s = 1;
  if (cjt_count(t) <= 1) return true;
  for (int i = t->rank - 1; i >= 0; i--) {
    if (t->dim[i] != 1 && stride[i] != s) return false;
    s *= t->dim[i];
  }
  return true;
}

cj_view cjt_asview(const cj_tensor *x) {
  cj_view v = {x->data, &x->type, {0}};
  memcpy(v.stride, x->stride, sizeof v.stride);
  return v;
}

bool cjt_isunique(const cj_tensor *x) { return x->base == NULL && __atomic_load_n(&x->refs, __ATOMIC_ACQUIRE) == 1; }

/* The elements of a tensor one by one in row-major order.  Kernels have the fast ways; this one serves
** rare paths on this floor. */
typedef struct walk {
  const cj_tensor *x;
  const char *at;
  int64_t index[CJ_MAXRANK];
} walk;

static walk walk_start(const cj_tensor *x) { return (walk){.x = x, .at = x->data}; }

static void walk_next(walk *w) {
  const cj_tensor *x = w->x;
  int64_t es = (int64_t)cjt_dsize(x->type.dtype);
  for (int i = x->type.rank - 1; i >= 0; i--) {
    w->at += x->stride[i] * es;
    if (++w->index[i] < x->type.dim[i]) return;
    w->at -= x->stride[i] * es * x->type.dim[i];
    w->index[i] = 0;
  }
}

cj_tensor *cjt_contiguous(cj_tensor *x) {
  if (cjt_iscontiguous(&x->type, x->stride)) {
    cjt_retain(x);
    return x;
  }
  cj_tensor *y = cjt_new(x->c, &x->type);
  if (!y) return NULL;
  size_t es = cjt_dsize(x->type.dtype);
  walk w = walk_start(x);
  for (int64_t k = 0, n = cjt_count(&x->type); k < n; k++, walk_next(&w)) memcpy(y->data + k * (int64_t)es, w.at, es);
  return y;
}

bool cjt_equal(const cj_tensor *a, const cj_tensor *b) {
  if (a == b) return true;
  if (!cjt_same(&a->type, &b->type)) return false;
  if (cjt_iscontiguous(&a->type, a->stride) && cjt_iscontiguous(&b->type, b->stride))
    return memcmp(a->data, b->data, cjt_bytes(&a->type)) == 0;
  size_t es = cjt_dsize(a->type.dtype);
  walk p = walk_start(a), q = walk_start(b);
  for (int64_t k = 0, n = cjt_count(&a->type); k < n; k++, walk_next(&p), walk_next(&q))
    if (memcmp(p.at, q.at, es) != 0) return false;
  return true;
}

/* Equal tensors hash equally whatever their strides: elements are mixed one by one. */
uint64_t cjt_hash(const cj_tensor *x) {
  size_t es = cjt_dsize(x->type.dtype);
  uint64_t h = cjm_hash(x->type.dim, x->type.rank * sizeof(int64_t), x->type.dtype);
  walk w = walk_start(x);
  for (int64_t k = 0, n = cjt_count(&x->type); k < n; k++, walk_next(&w)) {
    uint64_t v = 0;
    memcpy(&v, w.at, es);
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
  }
  return h;
}
