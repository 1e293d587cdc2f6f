/* composite_model.c -- activations and small arithmetic.  Where a branch that is not taken could overflow,
** its operand is replaced before and not only its result after: 0 times infinity must not reach a derivative. */
#include "rules/compose.h"

#include <math.h>
#include <string.h>

typedef cj_ref (*unary)(const cj_call *k, cj_ref x);

/* A row of one float operand; the parameters are left to f. */
static bool apply_unary(const cj_call *k, unary f, cj_ref *out, int *nout) {
  cj_ref x = cjr_float(k, 0);
  return x && cjr_one(f(k, x), out, nout);
}

#define UNARY(NAME)                                                                                                    \
  static CJR_FACE(build_##NAME) { return apply_unary(k, NAME, out, nout); }

static cj_ref is_positive(cj_graph *g, cj_ref x) { return cjb_gt(g, x, cjb_like(g, x, 0)); }

static cj_ref leaky_relu(const cj_call *k, cj_ref x) {
  return cjb_where(k->g, is_positive(k->g, x), x, cjr_scale(k->g, x, cjr_num(k, 0, 0.01)));
}
UNARY(leaky_relu)

static cj_ref elu(const cj_call *k, cj_ref x) {
  cj_graph *g = k->g;
  cj_ref up = is_positive(g, x), low = cjb_where(g, up, cjb_like(g, x, 0), x);
  return cjb_where(g, up, x, cjr_scale(g, cjb_expm1(g, low), cjr_num(k, 0, 1)));
}
UNARY(elu)

static cj_ref silu(const cj_call *k, cj_ref x) { return cjb_mul(k->g, x, cjb_sigmoid(k->g, x)); }
UNARY(silu)

static cj_ref logsigmoid(const cj_call *k, cj_ref x) { return cjb_neg(k->g, cjb_softplus(k->g, cjb_neg(k->g, x))); }
UNARY(logsigmoid)

/* Unlike clamp, constant at the bounds themselves. */
static cj_ref hardtanh(const cj_call *k, cj_ref x) {
  cj_graph *g = k->g;
  cj_ref lo = cjb_like(g, x, cjr_num(k, 0, -1)), hi = cjb_like(g, x, cjr_num(k, 1, 1));
  return cjb_where(g, cjb_le(g, x, lo), lo, cjb_where(g, cjb_ge(g, x, hi), hi, x));
}

static CJR_FACE(build_hardtanh) {
  double lo = cjr_num(k, 0, -1), hi = cjr_num(k, 1, 1);
  if (!(lo <= hi)) return cjr_bad(k, CJ_EARG, "min is %g and max is %g, wanted min at most max", lo, hi);
  return apply_unary(k, hardtanh, out, nout);
}

static cj_ref logit(const cj_call *k, cj_ref x) {
  cj_graph *g = k->g;
  if (cjr_given(k, 0)) {
    double eps = cjr_num(k, 0, 0);
    x = cjb_clamp_max(g, cjb_clamp_min(g, x, cjb_like(g, x, eps)), cjb_like(g, x, 1 - eps));
  }
  return cjb_sub(g, cjb_log(g, x), cjb_log1p(g, cjb_neg(g, x)));
}
UNARY(logit)

/* x Phi(x); erfc keeps the digits of the left tail that 1 + erf loses. */
static cj_ref gelu(const cj_call *k, cj_ref x) {
  cj_graph *g = k->g;
  cj_ref phi = cjb_erfc(g, cjr_scale(g, x, -0.70710678118654752440));
  return cjb_mul(g, cjr_scale(g, x, 0.5), phi);
}

/* Hendrycks and Gimpel, "Gaussian error linear units", 2016, section 2. */
static cj_ref gelutanh(const cj_call *k, cj_ref x) {
  cj_graph *g = k->g;
  cj_ref cubic = cjb_mul(g, x, cjr_scale(g, cjb_square(g, x), 0.044715));
  cj_ref inner = cjr_scale(g, cjb_add(g, x, cubic), 0.79788456080286535588);
  return cjb_mul(g, cjr_scale(g, x, 0.5), cjb_add(g, cjb_tanh(g, inner), cjb_like(g, x, 1)));
}

static CJR_FACE(build_gelu) {
  const char *how = cjr_str(k, 0, "none");
  if (!strcmp(how, "none")) return apply_unary(k, gelu, out, nout);
  if (!strcmp(how, "tanh")) return apply_unary(k, gelutanh, out, nout);
  return cjr_bad(k, CJ_EARG, "approximate is \"%.20s\", wanted \"none\" or \"tanh\"", how);
}

/* x log y where 0 log y is 0 for the y at which log has no finite value. */
static CJR_FACE(build_xlogy) {
  cj_graph *g = k->g;
  cj_ref v[2];
  if (!cjr_broadcasts(k, 0, 2) || !cjr_floats(k, 0, 2, v)) return false;
  cj_ref zero = cjb_like(g, v[0], 0), top = cjb_like(g, v[0], (double)INFINITY);
  cj_ref pole = cjb_logical_or(g, cjb_le(g, v[1], zero), cjb_eq(g, v[1], top));
  cj_ref off = cjb_logical_and(g, cjb_eq(g, v[0], zero), pole);
  cj_ref y = cjb_where(g, off, cjb_like(g, v[0], 1), v[1]);
  return cjr_one(cjb_mul(g, v[0], cjb_log(g, y)), out, nout);
}

static CJR_FACE(build_clamp) {
  cj_ref v[3];
  if (!cjr_operand(k, 1) && !cjr_operand(k, 2)) return cjr_bad(k, CJ_EARG, "neither lo nor hi is given");
  if (!cjr_broadcasts(k, 0, 3) || !cjr_numbers(k, 0, 3, v)) return false;
  cj_ref y = v[0];
  if (v[1]) y = cjb_clamp_min(k->g, y, v[1]);
  if (v[2]) y = cjb_clamp_max(k->g, y, v[2]);
  return cjr_one(y, out, nout);
}

static CJR_FACE(build_lerp) {
  cj_ref v[3];
  if (!cjr_broadcasts(k, 0, 3) || !cjr_floats(k, 0, 3, v)) return false;
  cj_ref step = cjb_mul(k->g, v[2], cjb_sub(k->g, v[1], v[0]));
  return cjr_one(cjb_add(k->g, v[0], step), out, nout);
}

/* x + value y; an integer y may have become float64. */
static bool add_scaled(const cj_call *k, cj_ref x, cj_ref y, cj_ref *out, int *nout) {
  if (!cjg_ok(k->g)) return false;
  y = cjr_scale(k->g, y, cjr_num(k, 0, 1));
  return cjr_one(cjb_add(k->g, cjb_cast(k->g, x, cjb_type(k->g, y).dtype), y), out, nout);
}

static CJR_FACE(build_addcmul) {
  cj_ref v[3];
  return cjr_broadcasts(k, 0, 3) && cjr_numbers(k, 0, 3, v) &&
         add_scaled(k, v[0], cjb_mul(k->g, v[1], v[2]), out, nout);
}

static CJR_FACE(build_addcdiv) {
  cj_ref v[3];
  return cjr_broadcasts(k, 0, 3) && cjr_floats(k, 0, 3, v) && add_scaled(k, v[0], cjb_div(k->g, v[1], v[2]), out, nout);
}

CJR_COMPOSITE(clamp, "", CJ_METHOD, "x, lo?, hi?",
              "R(5), -0.5, 0.5 | R(2,3), 0 | R(2,3), nil, 0.25 | R(2,3), R(3), 2 | R(), -1, 1",
              "x, but at least lo and at most hi");
CJR_COMPOSITE(leaky_relu, "", CJ_METHOD, "x, slope:num=0.01", "N(5) | N(2,3), 0.2 | N()",
              "x where positive, else slope x");
CJR_COMPOSITE(elu, "", CJ_METHOD, "x, alpha:num=1", "N(5) | N(2,3), 1.5 | N()",
              "x where positive, else alpha (exp(x) - 1)");
CJR_COMPOSITE(gelu, "", CJ_METHOD, "x, approximate:str=\"none\"", "R(5) | R(2,3), \"tanh\" | R()",
              "x times the normal distribution function of x; approximate = \"tanh\" for the cheaper form");
CJR_COMPOSITE(silu, "", CJ_METHOD, "x", "R(5) | R(2,3) | R()", "x sigmoid(x)");
CJR_COMPOSITE(logsigmoid, "", CJ_METHOD, "x", "R(5) | R(2,3) | R()", "logarithm of sigmoid(x)");
CJR_COMPOSITE(hardtanh, "", CJ_METHOD, "x, min:num=-1, max:num=1", "R(5) | R(2,3), -0.5, 0.25 | R()",
              "x, but at least min and at most max; derivative 0 at both");
CJR_COMPOSITE(logit, ",special", CJ_METHOD, "x, eps:num?", "U(5):abs() | U(2,3):abs(), 0.25 | U():abs()",
              "log(x / (1 - x)), with x first put between eps and 1 - eps");
CJR_COMPOSITE(xlogy, ",special", CJ_METHOD, "x, y", "R(5), P(5) | R(2,3), P(3) | R(2,1), P(3)",
              "x log(y), which is 0 where x is 0");
CJR_COMPOSITE(lerp, "", CJ_METHOD, "a, b, w", "R(5), R(5), R(5) | R(2,3), R(3), 0.25 | R(2,1), R(3), R()",
              "a + w (b - a)");
CJR_COMPOSITE(addcmul, "", CJ_METHOD, "x, a, b, value:num=1", "R(5), R(5), R(5) | R(2,3), R(3), R(2,1), 0.5",
              "x + value a b");
CJR_COMPOSITE(addcdiv, "", CJ_METHOD, "x, a, b, value:num=1", "R(5), R(5), N(5) | R(2,3), R(3), N(2,1), 0.5",
              "x + value a / b");
