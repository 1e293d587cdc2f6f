/* scan.c -- cumsum {axis, reverse}, cumprod {axis}, logcumsumexp {axis}, linrec {axis, reverse}: each line in its
 * order. */
#include "kernel/tools.h"
#include "kernel/walk.h"
#include <math.h>
#include <string.h>

/* Result, operand a, operand b (the same as a for one operand) as axes before the scanned one, that
** axis, and axes behind it. */
typedef struct scan {
  int before, behind;
  int64_t dim[CJ_MAXRANK], stride[3][CJ_MAXRANK]; /* without the scanned axis */
  int64_t n, inner, step[3], start[3];            /* inner: elements behind */
} scan;

static scan scan_of(const cj_view *in, int nin, const cj_attr *a, const cj_view *out) {
  const cj_view *view[3] = {out, &in[0], &in[nin - 1]};
  int axis = cjk_front(out->type, a->v[0]);
  bool reverse = a->n > 1 && a->v[1];
  scan s = {.before = axis, .behind = out->type->rank - axis - 1, .n = out->type->dim[axis], .inner = 1};
  for (int k = 0, r = 0; k < out->type->rank; k++) {
    if (k == axis) continue;
    if (k > axis) s.inner *= out->type->dim[k];
    for (int v = 0; v < 3; v++) s.stride[v][r] = view[v]->stride[k];
    s.dim[r++] = out->type->dim[k];
  }
  for (int v = 0; v < 3; v++) {
    s.step[v] = view[v]->stride[axis];
    s.start[v] = reverse ? (s.n - 1) * s.step[v] : 0;
    if (reverse) s.step[v] = -s.step[v];
  }
  return s;
}

static bool start_before(cjk_walk *w, const scan *s) {
  return cjk_walk_start(w, s->before, s->dim, 3, (const int64_t *[]){s->stride[0], s->stride[1], s->stride[2]});
}
static bool start_behind(cjk_walk *w, const scan *s) {
  int k = s->before;
  return cjk_walk_start(w, s->behind, s->dim + k, 3,
                        (const int64_t *[]){s->stride[0] + k, s->stride[1] + k, s->stride[2] + k});
}

#define FIRST(a, b) (CJ_UNUSED(b), (a))
#define NEXT(y, a, b) (CJ_UNUSED(b), (y) + (a))
#define NAME cumsum_f64
#define T double
#include "kernel/scan.h"
#define NAME cumsum_f32
#define T float
#include "kernel/scan.h"
#define NAME cumsum_i64
#define T int64_t
#include "kernel/scan.h"
#undef NEXT

#define NEXT(y, a, b) (CJ_UNUSED(b), (y) * (a))
#define NAME cumprod_f64
#define T double
#include "kernel/scan.h"
#define NAME cumprod_f32
#define T float
#include "kernel/scan.h"
#define NAME cumprod_i64
#define T int64_t
#include "kernel/scan.h"
#undef NEXT

/* log(exp(y) + exp(x)); equal infinities stay what they are. */
static double add_exponents(double y, double x) {
  double top = y > x || y != y ? y : x, low = y > x || y != y ? x : y;
  return top == low && isinf(top) ? top : top + log1p(exp(low - top));
}
#define NEXT(y, a, b) (CJ_UNUSED(b), add_exponents(y, a))
#define NAME logcumsumexp_f64
#define T double
#include "kernel/scan.h"
#undef NEXT
static float add_exponents_f32(float y, float x) {
  float top = y > x || y != y ? y : x, low = y > x || y != y ? x : y;
  return top == low && isinf(top) ? top : top + log1pf(expf(low - top));
}
#define NEXT(y, a, b) (CJ_UNUSED(b), add_exponents_f32(y, a))
#define NAME logcumsumexp_f32
#define T float
#include "kernel/scan.h"
#undef FIRST
#undef NEXT

#define FIRST(a, b) (CJ_UNUSED(a), (b))
#define NEXT(y, a, b) ((a) * (y) + (b))
#define NAME linrec_f64
#define T double
#include "kernel/scan.h"
#define NAME linrec_f32
#define T float
#include "kernel/scan.h"

const cj_eval cjk_cumsum[CJ_NDTYPE] = {cumsum_f64, cumsum_f32, cumsum_i64, NULL};
const cj_eval cjk_cumprod[CJ_NDTYPE] = {cumprod_f64, cumprod_f32, cumprod_i64, NULL};
const cj_eval cjk_logcumsumexp[CJ_NDTYPE] = {logcumsumexp_f64, logcumsumexp_f32, NULL, NULL};
const cj_eval cjk_linrec[CJ_NDTYPE] = {linrec_f64, linrec_f32, NULL, NULL};
