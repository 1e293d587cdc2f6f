/* cast.c -- conversion between dtypes: a float to int64 is cut off and saturates, NaN gives 0; anything
** but 0 is true, NaN too. */
#include "kernel/walk.h"

typedef double f64;
typedef float f32;
typedef int64_t i64;
typedef uint8_t b8;

static int64_t to_int(double x) {
  if (!(x >= -0x1p63)) return x == x ? INT64_MIN : 0;
  return x < 0x1p63 ? (int64_t)x : INT64_MAX;
}

typedef void row_fn(int64_t n, void *y, const void *x, int64_t step);
#define ROW(from, to, value)                                                                                           \
  static void from##_##to(int64_t n, void *yv, const void *xv, int64_t step) {                                         \
    to *y = yv;                                                                                                        \
    const from *p = xv;                                                                                                \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      from x = p[i * step];                                                                                            \
      y[i] = (to)(value);                                                                                              \
    }                                                                                                                  \
  }
ROW(f64, f64, x)
ROW(f64, f32, x)
ROW(f64, i64, to_int(x))
ROW(f64, b8, x != 0)
ROW(f32, f64, x)
ROW(f32, f32, x)
ROW(f32, i64, to_int((double)x))
ROW(f32, b8, x != 0)
ROW(i64, f64, x)
ROW(i64, f32, x)
ROW(i64, i64, x)
ROW(i64, b8, x != 0)
ROW(b8, f64, x)
ROW(b8, f32, x)
ROW(b8, i64, x)
ROW(b8, b8, x)

static row_fn *const row[CJ_NDTYPE][CJ_NDTYPE] = {{f64_f64, f64_f32, f64_i64, f64_b8},
                                                  {f32_f64, f32_f32, f32_i64, f32_b8},
                                                  {i64_f64, i64_f32, i64_i64, i64_b8},
                                                  {b8_f64, b8_f32, b8_i64, b8_b8}};

static cj_status cast(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(a), CJ_UNUSED(ws);
  row_fn *f = row[in->type->dtype][out->type->dtype];
  cjk_walk w;
  const int64_t *stride[] = {out->stride, in->stride};
  for (bool more = cjk_walk_start(&w, in->type->rank, in->type->dim, 2, stride); more; more = cjk_walk_next(&w))
    f(w.n, cjk_addr(out, w.at[0]), cjk_addr(in, w.at[1]), w.step[1]);
  return CJ_OK;
}
const cj_eval cjk_cast[CJ_NDTYPE] = {cast, cast, cast, cast};
