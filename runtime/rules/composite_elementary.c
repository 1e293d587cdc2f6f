/* composite_elementary.c -- elementwise operations built from others: comparisons with a tolerance, repairs, units. */
#include "rules/compose.h"

#include <float.h>
#include <math.h>

/* --- questions --------------------------------------------------------------------------- */

static CJR_FACE(build_isclose) {
  cj_graph *g = k->g;
  cj_ref v[2];
  if (!cjr_broadcasts(k, 0, 2) || !cjr_floats(k, 0, 2, v)) return false;
  cj_ref reach =
      cjb_add(g, cjr_scale(g, cjb_abs(g, v[1]), cjr_num(k, 0, 1e-5)), cjb_like(g, v[1], cjr_num(k, 1, 1e-8)));
  cj_ref near = cjb_le(g, cjb_abs(g, cjb_sub(g, v[0], v[1])), reach);
  near = cjb_logical_or(g, cjb_logical_and(g, near, cjb_isfinite(g, v[1])), cjb_eq(g, v[0], v[1]));
  if (cjr_bool(k, 2, false)) near = cjb_logical_or(g, near, cjb_logical_and(g, cjb_isnan(g, v[0]), cjb_isnan(g, v[1])));
  return cjr_one(near, out, nout);
}

static bool is_exactly(const cj_call *k, double what, cj_ref *out, int *nout) {
  cj_ref x = cjr_float(k, 0);
  return x && cjr_one(cjb_eq(k->g, x, cjb_like(k->g, x, what)), out, nout);
}
static CJR_FACE(build_isposinf) { return is_exactly(k, (double)INFINITY, out, nout); }
static CJR_FACE(build_isneginf) { return is_exactly(k, -(double)INFINITY, out, nout); }

static CJR_FACE(build_signbit) {
  cj_graph *g = k->g;
  cj_type t = cjr_in(k, 0);
  if (!cjt_isfloat(t.dtype)) return cjr_one(cjb_lt(g, k->in[0], cjb_like(g, k->in[0], 0)), out, nout);
  cj_ref one = cjb_like(g, k->in[0], 1);
  return cjr_one(cjb_lt(g, cjb_copysign(g, one, k->in[0]), cjb_like(g, k->in[0], 0)), out, nout);
}

/* --- choices -------------------------------------------------------------------------------- */

/* The larger (smaller) one, a number rather than NaN; of equals the first has the derivative. */
static bool extreme_number(const cj_call *k, bool larger, cj_ref *out, int *nout) {
  cj_graph *g = k->g;
  cj_ref v[2];
  if (!cjr_broadcasts(k, 0, 2) || !cjr_promote(k, 0, 2, v)) return false;
  cj_ref first = larger ? cjb_ge(g, v[0], v[1]) : cjb_le(g, v[0], v[1]);
  if (cjt_isfloat(cjb_type(g, v[1]).dtype)) first = cjb_logical_or(g, first, cjb_isnan(g, v[1]));
  return cjr_one(cjb_where(g, first, v[0], v[1]), out, nout);
}
static CJR_FACE(build_fmax) { return extreme_number(k, true, out, nout); }
static CJR_FACE(build_fmin) { return extreme_number(k, false, out, nout); }

static CJR_FACE(build_heaviside) {
  cj_graph *g = k->g;
  cj_ref v[2];
  if (!cjr_broadcasts(k, 0, 2) || !cjr_numbers(k, 0, 2, v)) return false;
  cj_ref zero = cjb_like(g, v[0], 0), step = cjb_cast(g, cjb_gt(g, v[0], zero), cjb_type(g, v[0]).dtype);
  return cjr_one(cjb_where(g, cjb_eq(g, v[0], zero), v[1], step), out, nout);
}

static CJR_FACE(build_nan_to_num) {
  cj_graph *g = k->g;
  cj_type t = cjr_in(k, 0);
  cj_ref x = k->in[0];
  if (!cjt_isfloat(t.dtype)) return cjr_one(x, out, nout);
  double top = t.dtype == CJ_F32 ? (double)FLT_MAX : DBL_MAX;
  const double from[3] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
  const double to[3] = {cjr_num(k, 0, 0), cjr_num(k, 1, top), cjr_num(k, 2, -top)};
  for (int i = 0; i < 3; i++) {
    cj_ref hit = i == 0 ? cjb_isnan(g, x) : cjb_eq(g, x, cjb_like(g, x, from[i]));
    x = cjb_where(g, hit, cjb_like(g, x, to[i]), x);
  }
  return cjr_one(x, out, nout);
}

/* --- scales ------------------------------------------------------------------------------------- */

static bool in_units(const cj_call *k, double by, cj_ref *out, int *nout) {
  cj_ref x = cjr_float(k, 0);
  return x && cjr_one(cjr_scale(k->g, x, by), out, nout);
}
static CJR_FACE(build_deg2rad) { return in_units(k, 0.017453292519943295769, out, nout); }
static CJR_FACE(build_rad2deg) { return in_units(k, 57.295779513082320877, out, nout); }

static CJR_FACE(build_logaddexp2) {
  const double ln2 = 0.69314718055994530942;
  cj_ref v[2];
  if (!cjr_broadcasts(k, 0, 2) || !cjr_floats(k, 0, 2, v)) return false;
  cj_ref y = cjb_logaddexp(k->g, cjr_scale(k->g, v[0], ln2), cjr_scale(k->g, v[1], ln2));
  return cjr_one(cjr_scale(k->g, y, 1 / ln2), out, nout);
}

CJR_COMPOSITE(isclose, "", CJ_METHOD | CJ_NODIFF, "a, b, rtol:num=1e-5, atol:num=1e-8, equal_nan:bool=false",
              "R(5), R(5) | R(2,3), R(3), 0.5, 0.1 | R(2), R(), 0, 0, true",
              "a and b differ by at most atol + rtol |b|");
CJR_COMPOSITE(isposinf, "", CJ_METHOD | CJ_NODIFF, "x", "R(5) | R()", "is +inf");
CJR_COMPOSITE(isneginf, "", CJ_METHOD | CJ_NODIFF, "x", "R(5) | R()", "is -inf");
CJR_COMPOSITE(signbit, "", CJ_METHOD | CJ_NODIFF, "x", "R(5) | INT(3, 2)", "has a minus sign, as -0 has");
CJR_COMPOSITE(fmax, "", CJ_METHOD, "x, z", "R(5), R(5) | R(2,3), R(3) | R(2,1), R()",
              "larger of two, not NaN if one is a number");
CJR_COMPOSITE(fmin, "", CJ_METHOD, "x, z", "R(5), R(5) | R(2,3), R(3) | R(2,1), R()",
              "smaller of two, not NaN if one is a number");
CJR_COMPOSITE(heaviside, "", CJ_METHOD, "x, values", "N(5), R(5) | N(2,3), 0.5 | R(), R(2)",
              "0 for negative x, 1 for positive x, values where x is 0");
CJR_COMPOSITE(nan_to_num, "", CJ_METHOD, "x, nan:num=0, posinf:num?, neginf:num?", "R(5) | R(2,3), 1, 2, 3 | R()",
              "x with numbers for NaN, inf and -inf; by default 0 and the largest numbers");
CJR_COMPOSITE(deg2rad, "", CJ_METHOD, "x", "R(5) | R()", "degrees in radians");
CJR_COMPOSITE(rad2deg, "", CJ_METHOD, "x", "R(5) | R()", "radians in degrees");
CJR_COMPOSITE(logaddexp2, "", CJ_METHOD, "x, z", "R(5), R(5) | R(2,3), R(3) | R(2,1), R()", "log2(2^x + 2^z)");
