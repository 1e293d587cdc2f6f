/* composite_order.c -- elements chosen by their order: the places come from rows without a derivative, the values are
** gathered there, so the derivative is gather's. */
#include "rules/compose.h"

#include <math.h>

/* The operand with at least one axis, and the axis along which there is an order. */
typedef struct ordered {
  cj_graph *g;
  cj_ref x;
  cj_type t, given; /* of x, and before it had an axis */
  int axis;
  bool keep;
} ordered;

static bool begin_order(const cj_call *k, int jdim, ordered *s) {
  s->g = k->g;
  s->given = cjr_in(k, 0);
  s->keep = true;
  s->axis = cjr_axis(k, jdim, &s->given, -1);
  s->x = s->given.rank ? k->in[0] : cjb_unsqueeze(k->g, k->in[0], 1);
  s->t = cjb_type(k->g, s->x);
  return s->axis && s->x;
}

static int64_t line_length(const ordered *s) { return cjt_at(&s->t, s->axis); }

/* The elements at `at`, and at; keep false: the one that is left along axis without it. */
static bool values_and_places(const ordered *s, cj_ref at, cj_ref *out, int *nout) {
  cj_ref y = cjb_gather(s->g, s->x, at, s->axis);
  bool drop = !s->keep || !s->given.rank;
  out[0] = drop ? cjb_squeeze(s->g, y, s->axis) : y;
  out[1] = drop ? cjb_squeeze(s->g, at, s->axis) : at;
  *nout = 2;
  return cjg_ok(s->g);
}

/* --- sort, topk, kthvalue ---------------------------------------------------------------------- */

static CJR_FACE(build_sort) {
  ordered s;
  if (!cjr_room(k, 2, cap) || !begin_order(k, 0, &s)) return false;
  return values_and_places(&s, cjb_argsort(s.g, s.x, s.axis, cjr_bool(k, 1, false), 0, line_length(&s)), out, nout);
}

static CJR_FACE(build_msort) {
  ordered s;
  cj_ref two[2];
  if (!begin_order(k, 0, &s)) return false;
  s.axis = s.t.rank;
  return values_and_places(&s, cjb_argsort(s.g, s.x, s.axis, false, 0, line_length(&s)), two, nout) &&
         cjr_one(two[0], out, nout);
}

static CJR_FACE(build_topk) {
  ordered s;
  int64_t n = cjr_int(k, 0, 0);
  if (!cjr_room(k, 2, cap) || !begin_order(k, 1, &s)) return false;
  if (n < 0 || n > line_length(&s))
    return cjr_bad(k, CJ_ERANGE, "k is %lld, wanted at most %lld, the size of the dim", (long long)n,
                   (long long)line_length(&s));
  cj_ref at = cjb_argsort(s.g, s.x, s.axis, cjr_bool(k, 2, true), 0, n);
  if (!s.given.rank && n == 0) s.given.rank = 1; /* none of one */
  return values_and_places(&s, at, out, nout);
}

static CJR_FACE(build_kthvalue) {
  ordered s;
  int64_t n = cjr_int(k, 0, 0);
  if (!cjr_room(k, 2, cap) || !begin_order(k, 1, &s)) return false;
  if (n < 1 || n > line_length(&s))
    return cjr_bad(k, CJ_ERANGE, "k is %lld, wanted 1 to %lld, the size of the dim", (long long)n,
                   (long long)line_length(&s));
  s.keep = cjr_bool(k, 2, false);
  return values_and_places(&s, cjb_argsort(s.g, s.x, s.axis, false, n - 1, 1), out, nout);
}

/* --- median --------------------------------------------------------------------------------------- */

/* Of each line the place of its median, the lower one of two; where there is a NaN, of the first one. */
static cj_ref median_places(const ordered *s) {
  cj_graph *g = s->g;
  uint32_t line = 1u << (s->axis - 1);
  cj_ref at = cjb_argsort(g, s->x, s->axis, false, (line_length(s) - 1) / 2, 1);
  if (!cjt_isfloat(s->t.dtype)) return at;
  cj_ref nan = cjb_isnan(g, s->x), any = cjb_reduce(g, CJ_OP_any, nan, line);
  cj_ref first = cjb_reduce(g, CJ_OP_argmax, cjb_cast(g, nan, CJ_I64), line);
  return cjb_where(g, cjb_keep(g, any, &s->t, line), cjb_keep(g, first, &s->t, line), at);
}

/* The same of the elements that are not NaN, of which there are m in a line: NaN comes last in the order. */
static cj_ref nanmedian_places(const ordered *s) {
  cj_graph *g = s->g;
  uint32_t line = 1u << (s->axis - 1);
  if (!cjt_isfloat(s->t.dtype)) return median_places(s);
  cj_ref order = cjb_argsort(g, s->x, s->axis, false, 0, line_length(s));
  cj_ref number = cjb_cast(g, cjb_logical_not(g, cjb_isnan(g, s->x)), CJ_I64);
  cj_ref m = cjb_keep(g, cjb_sum(g, number, line), &s->t, line);
  cj_ref half = cjb_floor_divide(g, cjb_sub(g, m, cjg_int(g, 1)), cjg_int(g, 2));
  return cjb_gather(g, order, cjb_maximum(g, half, cjg_int(g, 0)), s->axis);
}

/* The largest element that is not above the median is the median, and largest elements share the derivative. */
static cj_ref shared_median(const ordered *s, cj_ref median) {
  cj_graph *g = s->g;
  if (!cjt_isfloat(s->t.dtype)) return median;
  cj_ref m = cjb_stop(g, median), nan = cjb_logical_and(g, cjb_isnan(g, m), cjb_isnan(g, s->x));
  cj_ref low = cjb_logical_or(g, cjb_le(g, s->x, m), nan);
  return cjb_reduce(g, CJ_OP_amax, cjb_where(g, low, s->x, cjb_like(g, s->x, -(double)INFINITY)), 1);
}

static bool median_of_all(const cj_call *k, bool skip, cj_ref *out, int *nout) {
  ordered s = {.g = k->g, .given = cjr_in(k, 0), .axis = 1};
  int64_t n = cjt_count(&s.given);
  s.t = cjr_flat(s.given.dtype, n, -1);
  s.x = cjb_reshape(k->g, k->in[0], &s.t);
  if (n == 0 && !cjt_isfloat(s.t.dtype)) return cjr_bad(k, CJ_ESHAPE, "an empty tensor has no median");
  if (n == 0) return cjr_one(cjb_like(k->g, s.x, (double)NAN), out, nout);
  cj_ref two[2];
  int two_of;
  if (!values_and_places(&s, (skip ? nanmedian_places(&s) : median_places(&s)), two, &two_of)) return false;
  cj_type scalar = cjt_scalar(s.t.dtype);
  return cjr_one(shared_median(&s, cjb_reshape(k->g, two[0], &scalar)), out, nout);
}

static bool median_of(const cj_call *k, bool skip, cj_ref *out, int cap, int *nout) {
  ordered s;
  if (!cjr_given(k, 0)) return median_of_all(k, skip, out, nout);
  if (!cjr_room(k, 2, cap) || !begin_order(k, 0, &s)) return false;
  if (line_length(&s) == 0) return cjr_bad(k, CJ_ESHAPE, "shape %s has no elements to choose from", cjr_show(&s.t).s);
  s.keep = cjr_bool(k, 1, false);
  return values_and_places(&s, (skip ? nanmedian_places(&s) : median_places(&s)), out, nout);
}

static CJR_FACE(build_median) { return median_of(k, false, out, cap, nout); }
static CJR_FACE(build_nanmedian) { return median_of(k, true, out, cap, nout); }

/* --- cummax, cummin ----------------------------------------------------------------------------------- */

static bool running_extreme(const cj_call *k, int op, cj_ref *out, int cap, int *nout) {
  ordered s;
  if (!cjr_room(k, 2, cap) || !begin_order(k, 0, &s)) return false;
  return values_and_places(&s, cjb_argcum(s.g, op, s.x, s.axis), out, nout);
}

static CJR_FACE(build_cummax) { return running_extreme(k, CJ_OP_argcummax, out, cap, nout); }
static CJR_FACE(build_cummin) { return running_extreme(k, CJ_OP_argcummin, out, cap, nout); }

/* --- quantile ----------------------------------------------------------------------------------------------- */

/* Between the two elements of the sorted line round (n - 1) q. */
static CJR_FACE(build_quantile) {
  ordered s;
  double q = cjr_num(k, 0, 0);
  cj_call flat = *k;
  cj_type t = cjr_in(k, 0), line = cjr_flat(t.dtype, cjt_count(&t), -1);
  cj_ref whole = cjr_given(k, 1) ? k->in[0] : cjb_reshape(k->g, k->in[0], &line);
  flat.in = &whole;
  if (!(q >= 0 && q <= 1)) return cjr_bad(k, CJ_EARG, "q is %g, wanted 0 to 1", q);
  if (!begin_order(&flat, 1, &s)) return false;
  s.x = cjr_tofloat(k->g, s.x);
  s.t = cjb_type(k->g, s.x);
  int64_t n = line_length(&s);
  if (n == 0) return cjr_bad(k, CJ_ESHAPE, "shape %s has no elements to choose from", cjr_show(&s.t).s);
  double at = q * (double)(n - 1), low = floor(at);
  int64_t i = (int64_t)low < n ? (int64_t)low : n - 1;
  cj_ref sorted = cjb_gather(s.g, s.x, cjb_argsort(s.g, s.x, s.axis, false, 0, n), s.axis);
  cj_ref a = cjb_slice(s.g, sorted, s.axis, i, 1, 1), b = cjb_slice(s.g, sorted, s.axis, i + (i < n - 1), 1, 1);
  cj_ref y = cjb_add(s.g, a, cjr_scale(s.g, cjb_sub(s.g, b, a), at - low));
  uint32_t bit = 1u << (s.axis - 1);
  cj_ref any = cjb_keep(s.g, cjb_reduce(s.g, CJ_OP_any, cjb_isnan(s.g, s.x), bit), &s.t, bit);
  y = cjb_where(s.g, any, cjb_like(s.g, y, (double)NAN), y);
  bool keep = cjr_bool(k, 2, false) && s.given.rank;
  if (keep && !cjr_given(k, 1)) {
    for (int e = 0; e < t.rank; e++) t.dim[e] = 1;
    return cjr_one(cjb_reshape(s.g, y, &t), out, nout);
  }
  return cjr_one(keep ? y : cjb_squeeze(s.g, y, s.axis), out, nout);
}

#define CHOICE (CJ_METHOD | CJ_INDEXRESULT)

CJR_COMPOSITE(sort, "", CHOICE, "x, dim:axis=-1, descending:bool=false, stable:bool=true",
              "R(5) | R(3,4), 1 | R(2,3,4), -2, true | R() | R(2,60)",
              "elements in ascending order along dim and the positions they came from; equal ones stay in their order, "
              "NaN is above every number");
CJR_COMPOSITE(msort, "", CJ_METHOD, "x", "R(5) | R(3,4)", "elements in ascending order along the first dim");
CJR_COMPOSITE(topk, "", CHOICE, "x, k:int, dim:axis=-1, largest:bool=true, sorted:bool=true",
              "R(5), 2 | R(3,4), 3, 1 | R(2,3,4), 1, -1, false | R(4), 0 | R(90), 60",
              "the k largest (or smallest) elements along dim, in order, and their positions");
CJR_COMPOSITE(kthvalue, "", CHOICE, "x, k:int, dim:axis=-1, keepdim:bool=false",
              "R(5), 2 | R(3,4), 3, 1 | R(2,3,4), 1, -1, true", "k-th smallest element along dim and its position");
CJR_COMPOSITE(median, "", CHOICE, "x, dim:axis?, keepdim:bool=false", "R(5) | R(3,4), 2 | R(2,3,4), -2, true | R(2,2)",
              "median (of an even number the lower one); along a dim the medians and their positions");
CJR_COMPOSITE(nanmedian, "", CHOICE, "x, dim:axis?, keepdim:bool=false", "R(5) | R(3,4), 2 | R(2,3,4), -2, true",
              "median of the elements that are not NaN; along a dim the medians and their positions");
CJR_COMPOSITE(quantile, "", CJ_METHOD, "x, q:num, dim:axis?, keepdim:bool=false",
              "R(5), 0.3 | R(3,4), 0.5, 2 | R(2,3,4), 0.9, -2, true | R(3), 1",
              "value below which a share q of the elements lies, linear between two of them");
CJR_COMPOSITE(cummax, "", CHOICE, "x, dim:axis", "R(5), 1 | R(3,4), 2 | R(2,3,4), -2 | R(), 1",
              "largest of the elements up to each one, and its position (the last of equals)");
CJR_COMPOSITE(cummin, "", CHOICE, "x, dim:axis", "R(5), 1 | R(3,4), 2 | R(2,3,4), -2 | R(), 1",
              "smallest of the elements up to each one, and its position (the last of equals)");
