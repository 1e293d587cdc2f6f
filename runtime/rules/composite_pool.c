/*
** composite_pool.c -- largest elements and means of windows.  A window of a few elements is taken apart into
** shifted slices, so that the whole is elementwise; dims are handled one after the other.
*/
#include "rules/compose.h"

#include <math.h>

enum { MAXPOOL = 2, FEW_TAPS = 16 }; /* spatial dims; taps up to which slices are used */

typedef struct pool {
  const cj_call *k;
  cj_graph *g;
  int nd;
  cj_type t;
  int64_t tap[MAXPOOL], step[MAXPOOL], pad[MAXPOOL], dilation[MAXPOOL];
  int64_t result[MAXPOOL], right[MAXPOOL]; /* right: border after the elements, with what ceil_mode adds */
} pool;

/* --- arguments ------------------------------------------------------------------------------------ */

static bool pool_numbers(const pool *p, int j, const char *name, int64_t least, int64_t *v) {
  int n = cjr_given(p->k, j) ? p->k->p[j].n : 0;
  if (n != 1 && n != p->nd) return cjr_bad(p->k, CJ_EARG, "%s has %d numbers, wanted 1 or %d", name, n, p->nd);
  for (int d = 0; d < p->nd; d++) {
    v[d] = p->k->p[j].v[n == 1 ? 0 : d];
    if (v[d] < least || v[d] > INT32_MAX)
      return cjr_bad(p->k, CJ_EARG, "%s is %lld, wanted at least %lld", name, (long long)v[d], (long long)least);
  }
  return true;
}

/* A window may hang over the right end, but must start on an element or in the border on the left. */
static bool pool_size(pool *p, int d, bool ceiling) {
  int64_t n = cjt_at(&p->t, p->nd - d), reach = p->dilation[d] * (p->tap[d] - 1) + 1, step = p->step[d];
  int64_t room = n + 2 * p->pad[d] - reach;
  if (p->pad[d] > p->tap[d] / 2)
    return cjr_bad(p->k, CJ_EARG, "padding is %lld, wanted at most half of the window, %lld", (long long)p->pad[d],
                   (long long)(p->tap[d] / 2));
  p->result[d] = room < 0 && !ceiling ? 0 : (room + (ceiling ? step - 1 : 0)) / step + 1;
  if (room < 0 && ceiling) p->result[d] = -room < step ? 1 : 0;
  if (ceiling && (p->result[d] - 1) * step >= n + p->pad[d]) p->result[d]--;
  if (p->result[d] < 1)
    return cjr_bad(p->k, CJ_ESHAPE, "a window of %lld does not fit into %lld elements with padding %lld",
                   (long long)reach, (long long)n, (long long)p->pad[d]);
  p->right[d] = (p->result[d] - 1) * step + reach - n - p->pad[d];
  return true;
}

/* Parameters: kernel_size, stride, padding, then (dilated) dilation, then ceil_mode. */
static bool read_pool(const cj_call *k, int nd, bool dilated, pool *p) {
  cj_type x = cjr_in(k, 0);
  *p = (pool){.k = k, .g = k->g, .nd = nd, .t = x, .dilation = {1, 1}};
  if (x.rank != nd + 1 && x.rank != nd + 2)
    return cjr_bad(k, CJ_ESHAPE, "x has shape %s, wanted %d dimensions, or %d without a batch", cjr_show(&x).s, nd + 2,
                   nd + 1);
  if (!pool_numbers(p, 0, "kernel_size", 1, p->tap)) return false;
  for (int d = 0; d < nd; d++) p->step[d] = p->tap[d];
  if (cjr_given(k, 1) && !pool_numbers(p, 1, "stride", 1, p->step)) return false;
  if (!pool_numbers(p, 2, "padding", 0, p->pad)) return false;
  if (dilated && !pool_numbers(p, 3, "dilation", 1, p->dilation)) return false;
  bool ceiling = cjr_bool(k, dilated ? 4 : 3, false);
  for (int d = 0; d < nd; d++)
    if (!pool_size(p, d, ceiling)) return false;
  return true;
}

/* --- windows ---------------------------------------------------------------------------------------- */

/* x along axis with a border of that value; a negative border on the right leaves elements out. */
static cj_ref bordered(cj_graph *g, cj_ref x, int axis, int64_t left, int64_t right, double value) {
  cj_type t = cjb_type(g, x);
  int64_t n = cjt_at(&t, axis);
  if (right < 0) x = cjb_slice(g, x, axis, 0, 1, n + right), n += right, right = 0;
  if (left == 0 && right == 0) return x;
  if (value == 0) return cjb_embed(g, x, axis, left, 1, left + n + right);
  t.dim[t.rank - axis] = left + n + right;
  return cjb_put(g, cjb_full(g, &t, value), x, axis, left, 1);
}

static cj_ref tap_of(const pool *p, cj_ref x, int d, int64_t i) {
  return cjb_slice(p->g, x, p->nd - d, i * p->dilation[d], p->step[d], p->result[d]);
}

/* The windows along dim d as a new last axis. */
static cj_ref windows_of(const pool *p, cj_ref x, int d) {
  x = cjb_unfold(p->g, x, p->nd - d, p->dilation[d] * (p->tap[d] - 1) + 1, p->step[d]);
  return cjb_slice(p->g, x, 1, 0, p->dilation[d], p->tap[d]);
}

/* Of equal elements the first counts, and so does a NaN: as PyTorch's. */
static cj_ref larger(cj_graph *g, cj_ref best, cj_ref x) {
  return cjb_where(g, cjb_logical_or(g, cjb_gt(g, x, best), cjb_isnan(g, x)), x, best);
}

static cj_ref pool_max(const pool *p, cj_ref x, int d) {
  x = bordered(p->g, x, p->nd - d, p->pad[d], p->right[d], (double)-INFINITY);
  if (p->tap[d] > FEW_TAPS) {
    cj_ref w = windows_of(p, x, d);
    cj_type t = cjb_type(p->g, w);
    cj_ref at = cjb_keep(p->g, cjb_reduce(p->g, CJ_OP_argmax, w, 1), &t, 1);
    return cjb_squeeze(p->g, cjb_gather(p->g, w, at, 1), 1);
  }
  cj_ref best = tap_of(p, x, d, 0);
  for (int64_t i = 1; i < p->tap[d]; i++) best = larger(p->g, best, tap_of(p, x, d, i));
  return best;
}

static cj_ref pool_sum(const pool *p, cj_ref x, int d, int64_t right) {
  x = bordered(p->g, x, p->nd - d, p->pad[d], right, 0);
  if (p->tap[d] > FEW_TAPS) return cjb_sum(p->g, windows_of(p, x, d), 1);
  cj_ref y = tap_of(p, x, d, 0);
  for (int64_t i = 1; i < p->tap[d]; i++) y = cjb_add(p->g, y, tap_of(p, x, d, i));
  return y;
}

/* --- the rows ------------------------------------------------------------------------------------------ */

static bool max_pool(const cj_call *k, int nd, cj_ref *out, int *nout) {
  pool p;
  if (!read_pool(k, nd, true, &p)) return false;
  cj_ref x = cjr_float(k, 0);
  for (int d = nd - 1; d >= 0; d--) x = pool_max(&p, x, d);
  return cjr_one(x, out, nout);
}

/* How many elements the windows along dim d cover: of x, or of x with its border. */
static cj_ref covered(const pool *p, int d, bool border, int dtype) {
  pool line = *p;
  int64_t n = cjt_at(&p->t, p->nd - d), extra = border ? p->pad[d] : 0;
  cj_type one = {(uint8_t)dtype, 1, {n + 2 * extra}};
  line.nd = 1;
  line.tap[0] = p->tap[d], line.step[0] = p->step[d], line.result[0] = p->result[d], line.dilation[0] = 1;
  line.pad[0] = p->pad[d] - extra;
  return pool_sum(&line, cjb_full(p->g, &one, 1), 0, p->right[d] - extra);
}

/* Every window of dim d has tap[d] elements that count. */
static bool isfull(const pool *p, int d, bool border) {
  return border ? p->right[d] <= p->pad[d] : p->pad[d] == 0 && p->right[d] <= 0;
}

static bool avg_pool(const cj_call *k, int nd, cj_ref *out, int *nout) {
  pool p;
  bool border = cjr_bool(k, 4, true);
  if (!read_pool(k, nd, false, &p)) return false;
  cj_ref x = cjr_float(k, 0);
  int dtype = cjb_type(k->g, x).dtype;
  double divisor = nd == 2 ? cjr_num(k, 5, 0) : 0, whole = 1;
  if (nd == 2 && cjr_given(k, 5) && divisor == 0) return cjr_bad(k, CJ_EARG, "divisor_override is 0");
  for (int d = nd - 1; d >= 0; d--) {
    x = pool_sum(&p, x, d, p.right[d]);
    if (divisor != 0) continue;
    if (isfull(&p, d, border)) {
      whole *= (double)p.tap[d];
      continue;
    }
    cj_ref count = covered(&p, d, border, dtype);
    x = cjb_div(k->g, x, d == nd - 1 ? count : cjr_column(k->g, count));
  }
  return cjr_one(cjb_div(k->g, x, cjb_like(k->g, x, divisor != 0 ? divisor : whole)), out, nout);
}

static CJR_FACE(build_max_pool1d) { return max_pool(k, 1, out, nout); }
static CJR_FACE(build_max_pool2d) { return max_pool(k, 2, out, nout); }
static CJR_FACE(build_avg_pool1d) { return avg_pool(k, 1, out, nout); }
static CJR_FACE(build_avg_pool2d) { return avg_pool(k, 2, out, nout); }

#define MAXPOOL_SIG "x, kernel_size:ints, stride:ints?, padding:ints=0, dilation:ints=1, ceil_mode:bool=false"
#define AVGPOOL_SIG                                                                                                    \
  "x, kernel_size:ints, stride:ints?, padding:ints=0, ceil_mode:bool=false, count_include_pad:bool=true"

CJR_COMPOSITE(max_pool1d, "", CJ_METHOD, MAXPOOL_SIG,
              "R(2,2,6), 2 | R(2,7), 3, 2, 1 | R(1,2,8), 2, 3, 0, 2, true | R(1,1,20), 18, 1",
              "largest element of each window of the last dim, every stride (usually the size of a window) elements");
CJR_COMPOSITE(max_pool2d, "", CJ_METHOD, MAXPOOL_SIG,
              "R(1,2,4,6), 2 | R(2,5,5), 3, 2, 1 | R(1,1,5,6), {2,3}, {1,2}, {0,1}, 1, true",
              "largest element of each window of the last two dims");
CJR_COMPOSITE(avg_pool1d, "", CJ_METHOD, AVGPOOL_SIG,
              "R(2,2,6), 2 | R(2,7), 3, 2, 1 | R(2,7), 3, 2, 1, true, false | R(1,1,20), 18, 1",
              "mean of each window of the last dim; the border counts unless count_include_pad is false");
CJR_COMPOSITE(avg_pool2d, "", CJ_METHOD, AVGPOOL_SIG ", divisor_override:num?",
              "R(1,2,4,6), 2 | R(2,5,5), 3, 2, 1, false, false | R(1,1,5,6), {2,3}, {1,2}, {0,1}, true | "
              "R(2,4,4), 2, nil, 0, false, true, 3",
              "mean of each window of the last two dims, or its sum divided by divisor_override");
