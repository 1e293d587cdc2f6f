/* composite_totals.c -- further sums: without NaN, of what is not zero, differences and integrals along a dim. */
#include "rules/compose.h"

#include <math.h>

/* --- without NaN -------------------------------------------------------------------------- */

/* sum of x without its NaN, axes as the parameters say; *n (if wanted): how many there are. */
static bool total_of_numbers(const cj_call *k, cj_ref *sum, cj_ref *n) {
  cj_graph *g = k->g;
  cj_type t = cjr_in(k, 0);
  cj_ref x = t.dtype == CJ_BOOL ? cjb_cast(g, k->in[0], CJ_I64) : k->in[0];
  uint32_t mask;
  if (!cjr_axes(k, 0, &t, &mask)) return false;
  t = cjb_type(g, x);
  cj_ref nan = cjt_isfloat(t.dtype) ? cjb_isnan(g, x) : 0;
  *sum = cjb_sum(g, nan ? cjb_where(g, nan, cjb_like(g, x, 0), x) : x, mask);
  if (n) *n = cjb_sum(g, cjb_cast(g, cjb_logical_not(g, nan), t.dtype), mask);
  if (cjr_bool(k, 1, false)) *sum = cjb_keep(g, *sum, &t, mask);
  if (n && cjr_bool(k, 1, false)) *n = cjb_keep(g, *n, &t, mask);
  return cjg_ok(g);
}

static CJR_FACE(build_nansum) {
  cj_ref sum;
  return total_of_numbers(k, &sum, NULL) && cjr_one(sum, out, nout);
}

static CJR_FACE(build_nanmean) {
  cj_call floats = *k;
  cj_ref x = cjr_float(k, 0), sum, n;
  floats.in = &x;
  return total_of_numbers(&floats, &sum, &n) && cjr_one(cjb_div(k->g, sum, n), out, nout);
}

static CJR_FACE(build_count_nonzero) {
  cj_type t = cjr_in(k, 0);
  uint32_t mask;
  if (!cjr_axes(k, 0, &t, &mask)) return false;
  cj_ref set = t.dtype == CJ_BOOL ? k->in[0] : cjb_ne(k->g, k->in[0], cjb_like(k->g, k->in[0], 0));
  return cjr_one(cjb_sum(k->g, cjb_cast(k->g, set, CJ_I64), mask), out, nout);
}

/* --- differences --------------------------------------------------------------------------- */

static cj_ref difference(const cj_call *k, cj_ref x, int axis) {
  cj_graph *g = k->g;
  cj_type t = cjb_type(g, x);
  int64_t n = cjt_at(&t, axis);
  if (n < 1) return x;
  cj_ref late = cjb_slice(g, x, axis, 1, 1, n - 1), early = cjb_slice(g, x, axis, 0, 1, n - 1);
  return t.dtype == CJ_BOOL ? cjb_ne(g, late, early) : cjb_sub(g, late, early);
}

/* Operand i, a border of x along axis; a 0-d one is one element wide. */
static bool border_of(const cj_call *k, int i, const char *name, const cj_type *t, int axis, int dtype, cj_ref *out) {
  cj_type b = cjr_in(k, i), want = cjr_resized(*t, axis, b.rank ? cjt_at(&b, axis) : 1);
  *out = 0;
  if (!cjr_operand(k, i)) return true;
  if (b.rank && (b.rank != t->rank || !cjt_sameshape(&b, &want)))
    return cjr_bad(k, CJ_ESHAPE, "%s has shape %s, which does not go with shape %s", name, cjr_show(&b).s,
                   cjr_show(t).s);
  *out = cjb_expand(k->g, cjb_cast(k->g, k->in[i], dtype), &want);
  return cjg_ok(k->g);
}

static CJR_FACE(build_diff) {
  cj_type t = cjr_in(k, 0);
  int64_t n = cjr_int(k, 0, 1);
  int axis = cjr_minrank(k, 0, 1) ? cjr_axis(k, 1, &t, -1) : 0, dtype = cjr_common(k, 0, k->nin), parts = 0;
  cj_ref x = k->in[0], part[3], before, after;
  if (!axis) return false;
  if (n < 0) return cjr_bad(k, CJ_EARG, "n is %lld, wanted at least 0", (long long)n);
  if (n == 0) return cjr_one(x, out, nout);
  if (!border_of(k, 1, "prepend", &t, axis, dtype, &before) || !border_of(k, 2, "append", &t, axis, dtype, &after))
    return false;
  if (before) part[parts++] = before;
  part[parts++] = cjb_cast(k->g, x, dtype);
  if (after) part[parts++] = after;
  x = parts > 1 ? cjb_cat(k->g, part, parts, axis) : part[0];
  for (; n > 0 && x && cjt_at(cjg_type(k->g, x), axis) > 0; n--) x = difference(k, x, axis);
  return cjr_one(x, out, nout);
}

/* --- integrals --------------------------------------------------------------------------------- */

/* The widths of the intervals of y: x, or its one dim along axis, as differences. */
static bool widths(const cj_call *k, const cj_type *t, int axis, cj_ref x, cj_ref *out) {
  cj_type tx = cjb_type(k->g, x), line = tx, both;
  if (tx.rank < 1) return cjr_bad(k, CJ_ESHAPE, "x is 0-d, wanted points");
  if (tx.rank == 1) {
    line = *t;
    for (int e = 0; e < line.rank; e++) line.dim[e] = e == t->rank - axis ? tx.dim[0] : 1;
    x = cjb_reshape(k->g, x, &line);
  }
  if (cjt_at(&line, axis) != cjt_at(t, axis) || !cjt_broadcast(&line, t, &both) || !cjt_sameshape(&both, t))
    return cjr_bad(k, CJ_ESHAPE, "x of shape %s does not go with y of shape %s", cjr_show(&tx).s, cjr_show(t).s);
  *out = difference(k, x, axis);
  return cjg_ok(k->g);
}

/* The area over each interval along *axis. */
static bool areas(const cj_call *k, int *axis, cj_ref *out) {
  cj_graph *g = k->g;
  cj_ref v[2] = {0}, width = 0;
  cj_type t = cjr_in(k, 0);
  *axis = cjr_minrank(k, 0, 1) ? cjr_axis(k, 1, &t, -1) : 0;
  if (!*axis || !cjr_floats(k, 0, 2, v)) return false;
  int64_t n = cjt_at(&t, *axis), m = n > 0 ? n - 1 : 0;
  if (v[1] && !widths(k, &t, *axis, v[1], &width)) return false;
  cj_ref sum = cjb_add(g, cjb_slice(g, v[0], *axis, n > 0, 1, m), cjb_slice(g, v[0], *axis, 0, 1, m));
  *out = width ? cjr_scale(g, cjb_mul(g, sum, width), 0.5) : cjr_scale(g, sum, 0.5 * cjr_num(k, 0, 1));
  return cjg_ok(g);
}

static CJR_FACE(build_trapz) {
  int axis;
  cj_ref area;
  return areas(k, &axis, &area) && cjr_one(cjb_sum(k->g, area, 1u << (axis - 1)), out, nout);
}
static CJR_FACE(build_trapezoid) { return build_trapz(k, out, cap, nout); }

static CJR_FACE(build_cumulative_trapezoid) {
  int axis;
  cj_ref area;
  return areas(k, &axis, &area) && cjr_one(cjb_cumsum(k->g, area, axis, false), out, nout);
}

/* --- two at once --------------------------------------------------------------------------------- */

/* The results of two rows on the same arguments; from: which parameters the second one does not know. */
static bool both_of(const cj_call *k, int one, int two, const cj_param *p, int np, cj_ref *out, int cap, int *nout) {
  cj_call first = *k, second = *k;
  int n;
  if (!cjr_room(k, 2, cap)) return false;
  first.op = one, second.op = two;
  second.p = p, second.np = np;
  *nout = 2;
  return cjr_row(one)->build(&first, out, 1, &n) && cjr_row(two)->build(&second, out + 1, 1, &n);
}

static CJR_FACE(build_aminmax) { return both_of(k, CJ_OP_amin, CJ_OP_amax, k->p, k->np, out, cap, nout); }

static bool spread_and_mean(const cj_call *k, int spread, cj_ref *out, int cap, int *nout) {
  cj_param p[2] = {{.n = -1}, {.n = -1}};
  if (k->np > 0) p[0] = k->p[0];
  if (k->np > 2) p[1] = k->p[2];
  return both_of(k, spread, CJ_OP_mean, p, 2, out, cap, nout);
}
static CJR_FACE(build_var_mean) { return spread_and_mean(k, CJ_OP_var, out, cap, nout); }
static CJR_FACE(build_std_mean) { return spread_and_mean(k, CJ_OP_std, out, cap, nout); }

#define TOTAL "x, dim:axes?, keepdim:bool=false"
#define SPREADING "x, dim:axes?, correction:int=1, keepdim:bool=false"
#define INTEGRAL "y, x?, dx:num=1, dim:axis=-1"

CJR_COMPOSITE(nansum, "", CJ_METHOD, TOTAL, "R(2,3) | R(2,3), 1 | R(2,3,4), {1,-1}, true | R(0,2), 1",
              "sum of the elements that are not NaN");
CJR_COMPOSITE(nanmean, "", CJ_METHOD, TOTAL, "R(2,3) | R(2,3), 1 | R(2,3,4), {1,-1}, true",
              "mean of the elements that are not NaN");
CJR_COMPOSITE(count_nonzero, "", CJ_METHOD | CJ_NODIFF, "x, dim:axes?", "R(2,3) | R(2,3), 1 | B(2,3), {1,2}",
              "number of elements that are not 0");
CJR_COMPOSITE(diff, "", CJ_METHOD, "x, n:int=1, dim:axis=-1, prepend?, append?",
              "R(5) | R(3,4), 2 | R(3,4), 1, 1 | R(2,3), 1, 2, R(2,1), R(2,2) | R(3), 2, 1, 0.5 | R(2), 5",
              "differences of neighbours along dim, n times; prepend and append first put before and behind");
CJR_COMPOSITE(trapz, "", CJ_METHOD, INTEGRAL,
              "R(5) | R(5), R(5) | R(3,4), R(4) | R(3,4), R(3), 1, 1 | R(2,3), nil, 0.5 | R(2,3), R(2,3) | R(1)",
              "integral along dim by trapezoids, over points x or steps dx");
CJR_COMPOSITE(trapezoid, "", CJ_METHOD, INTEGRAL, "R(5) | R(3,4), R(4)",
              "integral along dim by trapezoids, over points x or steps dx");
CJR_COMPOSITE(cumulative_trapezoid, "", CJ_METHOD, INTEGRAL,
              "R(5) | R(5), R(5) | R(3,4), R(3), 1, 1 | R(2,3), nil, 0.5",
              "integrals along dim up to each point but the first");
CJR_COMPOSITE(aminmax, "", CJ_METHOD, TOTAL, "R(2,3) | R(2,3), 2 | R(2,3,4), {1,3}, true",
              "smallest and largest element; ties share the derivative");
CJR_COMPOSITE(var_mean, "", CJ_METHOD, SPREADING, "R(5) | R(2,3), 2 | R(2,3,4), {1,3}, 0, true", "variance and mean");
CJR_COMPOSITE(std_mean, "", CJ_METHOD, SPREADING, "R(5) | R(2,3), 2 | R(2,3,4), {1,3}, 0, true",
              "standard deviation and mean");
