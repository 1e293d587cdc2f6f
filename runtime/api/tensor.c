/* tensor.c -- the public face of tensors. */
#include "api/api.h"
#include "kernel/kernels.h"

#include <string.h>

static cj_status give(cj_ctx *c, cj_tensor *x, cj_tensor **out) {
  *out = x;
  return x ? CJ_OK : c->status;
}

cj_status cj_tensor_new(cj_ctx *c, const cj_type *t, const void *src, cj_tensor **out) {
  cj_type own;
  cjm_clear(c);
  *out = NULL;
  if (!cjt_make((cj_dtype)t->dtype, t->rank, t->dim, &own))
    return cjm_fail(c, CJ_EARG, "the shape is too large or has a negative size");
  return give(c, cjt_from(c, &own, src), out);
}

cj_tensor *cj_tensor_retain(cj_tensor *x) {
  cjt_retain(x);
  return x;
}
void cj_tensor_release(cj_tensor *x) { cjt_release(x); }
const cj_type *cj_tensor_type(const cj_tensor *x) { return &x->type; }

cj_status cj_tensor_contiguous(cj_tensor *x, cj_tensor **out) {
  cjm_clear(x->c);
  return give(x->c, cjt_contiguous(x), out);
}

const void *cj_tensor_data(const cj_tensor *x) { return cjt_iscontiguous(&x->type, x->stride) ? x->data : NULL; }

void *cj_tensor_edit(cj_tensor *x) { return cjt_isunique(x) && cjt_iscontiguous(&x->type, x->stride) ? x->data : NULL; }

cj_status cj_tensor_put(cj_tensor *x, int axis, int64_t first, int64_t step, int64_t n, const cj_tensor *src) {
  cj_ctx *c = x->c;
  cjm_clear(c);
  cj_type region = x->type, both;
  if (!cj_tensor_edit(x)) return cjm_fail(c, CJ_EARG, "the tensor is shared");
  if (src->type.dtype != x->type.dtype) return cjm_fail(c, CJ_EDTYPE, "dtypes differ");
  if (axis < 0 || axis >= x->type.rank || n < 0) return cjm_fail(c, CJ_EARG, "axis out of range");
  int64_t size = x->type.dim[axis];
  bool inside =
      n == 0 ||
      (first >= 0 && first < size && step != 0 && n <= size &&
       (step > 0 ? step <= size && first + (n - 1) * step < size : step >= -size && first + (n - 1) * step >= 0));
  if (!inside) return cjm_fail(c, CJ_ERANGE, "the region lies outside the tensor");
  region.dim[axis] = n;
  if (!cjt_broadcast(&region, &src->type, &both) || !cjt_sameshape(&both, &region)) {
    char buf[256];
    cj_text w = {buf, 0, sizeof buf};
    cjt_putshape(&w, &src->type);
    cjm_puts(&w, " does not broadcast to ");
    cjt_putshape(&w, &region);
    return cjm_fail(c, CJ_ESHAPE, "a value of shape %s", buf);
  }
  cj_view dst = cjt_asview(x), from = cjt_asview(src);
  cj_view wide = {from.data, &region, {0}};
  for (int k = 1; k <= src->type.rank && k <= region.rank; k++)
    if (cjt_at(&src->type, k) != 1) wide.stride[region.rank - k] = src->stride[src->type.rank - k];
  cjk_putregion(&dst, axis, first, step, &wide);
  return CJ_OK;
}

static void element_at(const char *p, int dtype, double *f, int64_t *i) {
  float single;
  switch (dtype) {
  case CJ_F64: memcpy(f, p, sizeof *f); break;
  case CJ_F32: memcpy(&single, p, sizeof single), *f = (double)single; break;
  case CJ_I64: memcpy(i, p, sizeof *i); break;
  default: *i = *(const uint8_t *)p; break;
  }
}

cj_status cj_tensor_at(const cj_tensor *x, int64_t index, double *f, int64_t *i) {
  cj_ctx *c = x->c;
  cjm_clear(c);
  if (index < 0 || index >= cjt_count(&x->type)) return cjm_fail(c, CJ_ERANGE, "element out of range");
  int64_t at = 0;
  for (int k = x->type.rank - 1; k >= 0; k--) {
    at += index % x->type.dim[k] * x->stride[k];
    index /= x->type.dim[k];
  }
  element_at(x->data + at * (int64_t)cjt_dsize(x->type.dtype), x->type.dtype, f, i);
  return CJ_OK;
}

void cj_small_at(const cj_small *x, int64_t index, double *f, int64_t *i) {
  element_at((const char *)x->data + index * (int64_t)cjt_dsize(x->type->dtype), x->type->dtype, f, i);
}

/* A random permutation by sorting nothing: Fisher and Yates, with counters as the source. */
static void permutation(uint64_t seed, uint64_t offset, int64_t n, int64_t *out) {
  for (int64_t i = 0; i < n; i++) out[i] = i;
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t k, keep = out[i];
    cjk_integers(seed, offset + (uint64_t)i, 0, i + 1, 1, &k);
    out[i] = out[k];
    out[k] = keep;
  }
}

static void narrow(const double *from, int64_t n, float *to) {
  for (int64_t i = 0; i < n; i++) to[i] = (float)from[i];
}

static void draw_floats(void (*draw)(uint64_t, uint64_t, int64_t, double *), uint64_t seed, uint64_t offset,
                        cj_tensor *x, int64_t n) {
  double block[256];
  if (x->type.dtype == CJ_F64) {
    draw(seed, offset, n, (double *)x->data);
    return;
  }
  for (int64_t i = 0; i < n; i += 256) {
    int64_t m = n - i < 256 ? n - i : 256;
    draw(seed, offset + (uint64_t)i, m, block);
    narrow(block, m, (float *)x->data + i);
    for (int64_t k = i; k < i + m; k++) /* rounding up must not reach 1 */
      if (draw == cjk_uniform && ((float *)x->data)[k] >= 1.0f) ((float *)x->data)[k] = 0x1.fffffep-1f;
  }
}

cj_status cj_random(cj_ctx *c, const cj_type *t, cj_dist d, uint64_t seed, uint64_t *offset, int64_t lo, int64_t hi,
                    cj_tensor **out) {
  bool ints = d == CJ_INTEGERS || d == CJ_PERMUTATION;
  cjm_clear(c);
  *out = NULL;
  if (ints ? t->dtype != CJ_I64 : !cjt_isfloat(t->dtype))
    return cjm_fail(c, CJ_EDTYPE, "random numbers of that kind have another dtype than %s",
                    cj_dtype_name((cj_dtype)t->dtype));
  if (d == CJ_INTEGERS && lo >= hi)
    return cjm_fail(c, CJ_EARG, "the range is empty: %lld to %lld", (long long)lo, (long long)hi);
  cj_tensor *x = cjt_new(c, t);
  if (!x) return c->status;
  int64_t n = cjt_count(t);
  if (d == CJ_UNIFORM) draw_floats(cjk_uniform, seed, *offset, x, n);
  if (d == CJ_NORMAL) draw_floats(cjk_normal, seed, *offset, x, n);
  if (d == CJ_INTEGERS) cjk_integers(seed, *offset, lo, hi, n, (int64_t *)x->data);
  if (d == CJ_PERMUTATION) permutation(seed, *offset, n, (int64_t *)x->data);
  *offset += (uint64_t)n;
  *out = x;
  return CJ_OK;
}
