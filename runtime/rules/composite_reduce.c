/* composite_reduce.c -- means, spreads, norms, soft maxima, and the largest element with its place. */
#include "rules/compose.h"

#include <math.h>
#include <string.h>

/* What every reduction reads: the operand as a float, the axes, and whether they stay as size 1. */
typedef struct reduce_args {
  cj_graph *g;
  cj_ref x;
  cj_type t;
  uint32_t mask;
  bool keep;
} reduce_args;

static bool begin_axes(const cj_call *k, int jdim, int jkeep, reduce_args *s) {
  s->g = k->g;
  s->x = cjr_float(k, 0);
  s->t = cjb_type(k->g, s->x);
  s->keep = cjr_bool(k, jkeep, false);
  return s->x && cjr_axes(k, jdim, &s->t, &s->mask);
}

/* One axis, in a row without keepdim. */
static bool begin_line(const cj_call *k, reduce_args *s) {
  s->g = k->g;
  s->x = cjr_float(k, 0);
  s->t = cjb_type(k->g, s->x);
  int axis = cjr_axis(k, 0, &s->t, -1);
  s->mask = s->t.rank && axis ? 1u << (axis - 1) : 0;
  return s->x && axis;
}

static cj_ref reduce_with(const reduce_args *s, int op, cj_ref x) { return cjb_reduce(s->g, op, x, s->mask); }
static cj_ref kept(const reduce_args *s, cj_ref y) { return cjb_keep(s->g, y, &s->t, s->mask); }
static cj_ref finished(const reduce_args *s, cj_ref y) { return s->keep ? kept(s, y) : y; }
static cj_ref number_of(const reduce_args *s, double v) { return cjb_like(s->g, s->x, v); }
static int64_t per_result(const reduce_args *s) { return cjr_span(&s->t, s->mask); }

static cj_ref average(const reduce_args *s) {
  return cjb_div(s->g, reduce_with(s, CJ_OP_sum, s->x), number_of(s, (double)per_result(s)));
}

static bool nonempty(const cj_call *k, const cj_type *t, uint32_t mask) {
  if (cjr_span(t, mask)) return true;
  return cjr_bad(k, CJ_ESHAPE, "shape %s has no elements to choose from", cjr_show(t).s);
}

/* --- mean, var, std ---------------------------------------------------------- */

static CJR_FACE(build_mean) {
  reduce_args s;
  return begin_axes(k, 0, 1, &s) && cjr_one(finished(&s, average(&s)), out, nout);
}

/* In two passes, which keeps the digits that sum(x^2) - n mean^2 loses. */
static bool variance(const cj_call *k, reduce_args *s, cj_ref *y) {
  if (!begin_axes(k, 0, 2, s)) return false;
  double n = (double)per_result(s) - (double)cjr_int(k, 1, 1);
  cj_ref d = cjb_sub(s->g, s->x, kept(s, average(s)));
  *y = cjb_div(s->g, reduce_with(s, CJ_OP_sum, cjb_square(s->g, d)), number_of(s, n > 0 ? n : 0));
  return true;
}

static CJR_FACE(build_var) {
  reduce_args s;
  cj_ref y;
  return variance(k, &s, &y) && cjr_one(finished(&s, y), out, nout);
}

static CJR_FACE(build_std) {
  reduce_args s;
  cj_ref y;
  return variance(k, &s, &y) && cjr_one(finished(&s, cjb_sqrt0(s.g, y)), out, nout);
}

/* --- norm ---------------------------------------------------------------------- */

/* (sum |x|^p)^(1/p).  The powers are taken away from 0, where their partials have poles, and 0 is put
** in afterwards, so the derivative there is 0. */
static cj_ref power_norm(const reduce_args *s, double p) {
  cj_graph *g = s->g;
  cj_ref at0 = cjb_eq(g, s->x, number_of(s, 0)), size = cjb_where(g, at0, number_of(s, 1), cjb_abs(g, s->x));
  cj_ref power = cjb_where(g, at0, number_of(s, p < 0 ? (double)INFINITY : 0), cjb_pow(g, size, number_of(s, p)));
  cj_ref sum = reduce_with(s, CJ_OP_sum, power), none = cjb_eq(g, sum, number_of(s, 0));
  return cjb_where(g, none, number_of(s, 0), cjb_pow(g, cjb_where(g, none, number_of(s, 1), sum), number_of(s, 1 / p)));
}

static cj_ref vector_norm(const reduce_args *s, double p) {
  cj_graph *g = s->g;
  if (p == 2) return cjb_sqrt0(g, reduce_with(s, CJ_OP_sum, cjb_square(g, s->x)));
  if (p == 1) return reduce_with(s, CJ_OP_sum, cjb_abs(g, s->x));
  if (p == 0) return reduce_with(s, CJ_OP_sum, cjb_cast(g, cjb_ne(g, s->x, number_of(s, 0)), s->t.dtype));
  if (isinf(p)) return reduce_with(s, p > 0 ? CJ_OP_amax : CJ_OP_amin, cjb_abs(g, s->x));
  return power_norm(s, p);
}

static bool norm_order(const cj_call *k, double *p) {
  const char *name = cjr_str(k, 0, NULL);
  *p = name ? 2 : cjr_num(k, 0, 2);
  if (name && strcmp(name, "fro") != 0) return cjr_bad(k, CJ_EARG, "p is \"%.20s\", wanted a number or \"fro\"", name);
  return !isnan(*p) || cjr_bad(k, CJ_EARG, "p is not a number");
}

static CJR_FACE(build_norm) {
  reduce_args s;
  double p;
  if (!norm_order(k, &p) || !begin_axes(k, 1, 2, &s) || ((isinf(p) || p < 0) && !nonempty(k, &s.t, s.mask)))
    return false;
  return cjr_one(finished(&s, vector_norm(&s, p)), out, nout);
}

/* --- logsumexp, softmax -------------------------------------------------------- */

/* The largest element of each line, axes kept, as a constant: the results do not depend on it, it only
** keeps exp from overflowing. */
static cj_ref line_peak(const reduce_args *s) { return cjb_stop(s->g, kept(s, reduce_with(s, CJ_OP_amax, s->x))); }

static CJR_FACE(build_logsumexp) {
  reduce_args s;
  if (!begin_axes(k, 0, 1, &s)) return false;
  if (!per_result(&s)) return cjr_one(finished(&s, cjb_log(s.g, reduce_with(&s, CJ_OP_sum, s.x))), out, nout);
  cj_ref m = line_peak(&s); /* -inf - -inf would be NaN */
  m = cjb_where(s.g, cjb_isfinite(s.g, m), m, number_of(&s, 0));
  cj_ref sum = reduce_with(&s, CJ_OP_sum, cjb_exp(s.g, cjb_sub(s.g, s.x, m)));
  cj_type t = cjb_type(s.g, sum);
  cj_ref y = cjb_add(s.g, cjb_log(s.g, sum), cjb_reshape(s.g, m, &t));
  return cjr_one(finished(&s, y), out, nout);
}

static CJR_FACE(build_softmax) {
  reduce_args s;
  if (!begin_line(k, &s)) return false;
  if (!per_result(&s)) return cjr_one(s.x, out, nout);
  cj_ref e = cjb_exp(s.g, cjb_sub(s.g, s.x, line_peak(&s)));
  return cjr_one(cjb_div(s.g, e, kept(&s, reduce_with(&s, CJ_OP_sum, e))), out, nout);
}

static CJR_FACE(build_log_softmax) {
  reduce_args s;
  if (!begin_line(k, &s)) return false;
  if (!per_result(&s)) return cjr_one(s.x, out, nout);
  cj_ref z = cjb_sub(s.g, s.x, line_peak(&s));
  cj_ref sum = reduce_with(&s, CJ_OP_sum, cjb_exp(s.g, z));
  return cjr_one(cjb_sub(s.g, z, cjb_log(s.g, kept(&s, sum))), out, nout);
}

/* --- max, min -------------------------------------------------------------------- */

/* Without a dim the one extreme element, its derivative shared by ties; along a dim the values and the
** places they were taken from. */
static bool extreme_of(const cj_call *k, int op, int argop, cj_ref *out, int cap, int *nout) {
  cj_graph *g = k->g;
  cj_type t = cjr_in(k, 0);
  bool keepdim = cjr_bool(k, 1, false);
  uint32_t all = (1u << t.rank) - 1;
  if (!cjr_given(k, 0)) {
    if (!nonempty(k, &t, all)) return false;
    cj_ref y = cjb_reduce(g, op, k->in[0], all);
    return cjr_one(keepdim ? cjb_keep(g, y, &t, all) : y, out, nout);
  }
  int axis = cjr_axis(k, 0, &t, 0);
  if (!axis || !cjr_room(k, 2, cap) || !nonempty(k, &t, t.rank ? 1u << (axis - 1) : 0)) return false;
  if (!t.rank) {
    out[0] = k->in[0];
    out[1] = cjg_int(g, 0);
  } else {
    cj_ref at = cjb_keep(g, cjb_reduce(g, argop, k->in[0], 1u << (axis - 1)), &t, 1u << (axis - 1));
    cj_ref y = cjb_gather(g, k->in[0], at, axis);
    out[0] = keepdim ? y : cjb_squeeze(g, y, axis);
    out[1] = keepdim ? at : cjb_squeeze(g, at, axis);
  }
  *nout = 2;
  return cjg_ok(g);
}

static CJR_FACE(build_max) { return extreme_of(k, CJ_OP_amax, CJ_OP_argmax, out, cap, nout); }

static CJR_FACE(build_min) { return extreme_of(k, CJ_OP_amin, CJ_OP_argmin, out, cap, nout); }

#define REDUCTION "x, dim:axes?, keepdim:bool=false"
#define SPREAD "x, dim:axes?, correction:int=1, keepdim:bool=false"
#define EXTREME "x, dim:axis?, keepdim:bool=false"

CJR_COMPOSITE(mean, "", CJ_METHOD, REDUCTION, "R(2,3) | R(2,3), 1 | R(2,3,4), {1,-1}, true | R()",
              "mean over all elements or along dims");
CJR_COMPOSITE(var, "", CJ_METHOD, SPREAD, "R(5) | R(2,3), 2 | R(2,3,4), {1,3}, 0, true | R(3,2), -1, 1",
              "variance, with n - correction as divisor");
CJR_COMPOSITE(std, "", CJ_METHOD, SPREAD, "R(5) | R(2,3), 2 | R(2,3,4), {1,3}, 0, true | R(3,2), -1, 1",
              "standard deviation, with n - correction as divisor; derivative 0 where it is 0");
CJR_COMPOSITE(norm, "", CJ_METHOD, "x, p:num|str=2, dim:axes?, keepdim:bool=false",
              "N(2,3) | N(2,3), 2, 1 | N(2,3), 1, -1, true | N(2,3), 3, {1,2} | N(4), 0.5 | R(4,3), 1/0, 2 | "
              "N(3,4), -1/0, 1 | N(2,2), \"fro\"",
              "p-norm of the elements as a vector, over all of them or along dims; p may be inf, -inf, 0 or \"fro\" "
              "(the same as 2); derivative 0 at 0");
CJR_COMPOSITE(logsumexp, ",special", CJ_METHOD, REDUCTION, "R(5) | R(2,3), 2 | R(2,3,4), {1,-1}, true",
              "log of the sum of exponentials, without overflow");
CJR_COMPOSITE(softmax, ",special", CJ_METHOD, "x, dim:axis=-1", "R(4), 1 | R(3,4), 2 | R(2,3,4), -2",
              "exponentials scaled to sum 1 along dim");
CJR_COMPOSITE(log_softmax, ",special", CJ_METHOD, "x, dim:axis=-1", "R(4), 1 | R(3,4), 2 | R(2,3,4), -2",
              "logarithm of softmax, without loss for small probabilities");
CJR_COMPOSITE(max, "", CJ_METHOD | CJ_INDEXRESULT, EXTREME, "R(2,3) | R(2,3), 2 | R(2,3,4), -2, true | R(4)",
              "largest element; along a dim the largest elements and their positions");
CJR_COMPOSITE(min, "", CJ_METHOD | CJ_INDEXRESULT, EXTREME, "R(2,3) | R(2,3), 2 | R(2,3,4), -2, true | R(4)",
              "smallest element; along a dim the smallest elements and their positions");
