/* composite_activation.c -- activations of one operand, in pieces; at the joints the derivative is PyTorch's. */
#include "rules/compose.h"

typedef cj_ref (*activation)(const cj_call *k, cj_ref x);

static bool activate(const cj_call *k, activation f, cj_ref *out, int *nout) {
  cj_ref x = cjr_float(k, 0);
  return x && cjr_one(f(k, x), out, nout);
}

#define ACTIVATION(NAME)                                                                                               \
  static CJR_FACE(build_##NAME) { return activate(k, NAME, out, nout); }

static cj_ref above(cj_graph *g, cj_ref x, double v) { return cjb_gt(g, x, cjb_like(g, x, v)); }
static cj_ref offset_by(cj_graph *g, cj_ref x, double v) { return cjb_add(g, x, cjb_like(g, x, v)); }

/* lo where x <= lo, hi where x >= hi, else x */
static cj_ref between(cj_graph *g, cj_ref x, double lo, double hi) {
  cj_ref bottom = cjb_like(g, x, lo), top = cjb_like(g, x, hi);
  return cjb_where(g, cjb_le(g, x, bottom), bottom, cjb_where(g, cjb_ge(g, x, top), top, x));
}

static cj_ref relu6(const cj_call *k, cj_ref x) { return between(k->g, x, 0, 6); }
ACTIVATION(relu6)

static cj_ref hardsigmoid(const cj_call *k, cj_ref x) {
  return cjr_scale(k->g, between(k->g, offset_by(k->g, x, 3), 0, 6), 1.0 / 6);
}
ACTIVATION(hardsigmoid)

static cj_ref hardswish(const cj_call *k, cj_ref x) {
  cj_graph *g = k->g;
  cj_ref zero = cjb_like(g, x, 0), high = cjb_ge(g, x, cjb_like(g, x, 3)), low = cjb_lt(g, x, cjb_like(g, x, -3));
  cj_ref inner = cjb_where(g, cjb_logical_or(g, high, low), zero, x);
  cj_ref middle = cjr_scale(g, cjb_mul(g, inner, offset_by(g, inner, 3)), 1.0 / 6);
  return cjb_where(g, high, x, cjb_where(g, low, zero, middle));
}
ACTIVATION(hardswish)

static cj_ref softsign(const cj_call *k, cj_ref x) { return cjb_div(k->g, x, offset_by(k->g, cjb_abs(k->g, x), 1)); }
ACTIVATION(softsign)

static cj_ref tanhshrink(const cj_call *k, cj_ref x) { return cjb_sub(k->g, x, cjb_tanh(k->g, x)); }
ACTIVATION(tanhshrink)

static cj_ref softshrink(const cj_call *k, cj_ref x) {
  cj_graph *g = k->g;
  double reach = cjr_num(k, 0, 0.5);
  cj_ref low = cjb_where(g, cjb_lt(g, x, cjb_like(g, x, -reach)), offset_by(g, x, reach), cjb_like(g, x, 0));
  return cjb_where(g, above(g, x, reach), offset_by(g, x, -reach), low);
}
ACTIVATION(softshrink)

static cj_ref hardshrink(const cj_call *k, cj_ref x) {
  cj_ref inside = cjb_le(k->g, cjb_abs(k->g, x), cjb_like(k->g, x, cjr_num(k, 0, 0.5)));
  return cjb_where(k->g, inside, cjb_like(k->g, x, 0), x);
}
ACTIVATION(hardshrink)

static cj_ref threshold(const cj_call *k, cj_ref x) {
  return cjb_where(k->g, cjb_le(k->g, x, cjb_like(k->g, x, cjr_num(k, 0, 0))), cjb_like(k->g, x, cjr_num(k, 1, 0)), x);
}
ACTIVATION(threshold)

static cj_ref mish(const cj_call *k, cj_ref x) { return cjb_mul(k->g, x, cjb_tanh(k->g, cjb_softplus(k->g, x))); }
ACTIVATION(mish)

/* x where positive, else alpha (exp(x / by) - 1), whose exponential cannot overflow where it is not taken */
static cj_ref exponential_branch(cj_graph *g, cj_ref x, double alpha, double by) {
  cj_ref up = above(g, x, 0), low = cjb_where(g, up, cjb_like(g, x, 0), x);
  return cjb_where(g, up, x, cjr_scale(g, cjb_expm1(g, cjr_scale(g, low, 1 / by)), alpha));
}

static cj_ref celu(const cj_call *k, cj_ref x) {
  double alpha = cjr_num(k, 0, 1);
  return exponential_branch(k->g, x, alpha, alpha);
}
ACTIVATION(celu)

/* Klambauer et al., "Self-normalizing neural networks", 2017, equation 2. */
static cj_ref selu(const cj_call *k, cj_ref x) {
  return cjr_scale(k->g, exponential_branch(k->g, x, 1.6732632423543772848, 1), 1.0507009873554804934);
}
ACTIVATION(selu)

/* The slope is one number, or one for each place along the second dim. */
static CJR_FACE(build_prelu) {
  cj_ref v[2];
  cj_type t = cjr_in(k, 0), tw = cjr_in(k, 1), line = cjt_scalar(tw.dtype);
  if (!cjr_floats(k, 0, 2, v)) return false;
  int64_t channels = t.rank > 1 ? t.dim[1] : 1, n = cjt_count(&tw);
  if (tw.rank > 1 || (n != 1 && n != channels))
    return cjr_bad(k, CJ_ESHAPE, "slope has shape %s, wanted one element or %lld", cjr_show(&tw).s,
                   (long long)channels);
  if (n != 1) {
    line.rank = t.rank;
    for (int e = 0; e < t.rank; e++) line.dim[e] = e == 1 ? n : 1;
  }
  cj_ref slope = cjb_reshape(k->g, v[1], &line);
  return cjr_one(cjb_where(k->g, above(k->g, v[0], 0), v[0], cjb_mul(k->g, slope, v[0])), out, nout);
}

static CJR_FACE(build_softmin) {
  cj_call negated = *k;
  cj_ref x = cjb_neg(k->g, cjr_float(k, 0));
  negated.in = &x;
  return x && cjr_row(CJ_OP_softmax)->build(&negated, out, cap, nout);
}

CJR_COMPOSITE(relu6, "", CJ_METHOD, "x", "N(5) | N(2,3) | N()", "x between 0 and 6");
CJR_COMPOSITE(hardsigmoid, "", CJ_METHOD, "x", "R(5) | R(2,3) | R()", "(x + 3) / 6 between 0 and 1");
CJR_COMPOSITE(hardswish, "", CJ_METHOD, "x", "R(5) | R(2,3) | R()", "x hardsigmoid(x)");
CJR_COMPOSITE(softsign, "", CJ_METHOD, "x", "N(5) | N(2,3) | N()", "x / (1 + |x|)");
CJR_COMPOSITE(tanhshrink, "", CJ_METHOD, "x", "R(5) | R(2,3) | R()", "x - tanh(x)");
CJR_COMPOSITE(softshrink, "", CJ_METHOD, "x, lambda:num=0.5", "F(5) | F(2,3), 0.9 | F()",
              "x brought nearer to 0 by lambda, 0 within it");
CJR_COMPOSITE(hardshrink, "", CJ_METHOD, "x, lambda:num=0.5", "F(5) | F(2,3), 0.9 | F()", "x, but 0 within lambda");
CJR_COMPOSITE(threshold, "", CJ_METHOD, "x, threshold:num, value:num", "N(5), 0, 1 | N(2,3), 0.1, -1 | N(), 0, 0",
              "x where above threshold, else value");
CJR_COMPOSITE(mish, "", CJ_METHOD, "x", "R(5) | R(2,3) | R()", "x tanh(softplus(x))");
CJR_COMPOSITE(celu, "", CJ_METHOD, "x, alpha:num=1", "N(5) | N(2,3), 1.5 | N()",
              "x where positive, else alpha (exp(x / alpha) - 1)");
CJR_COMPOSITE(selu, "", CJ_METHOD, "x", "N(5) | N(2,3) | N()", "elu scaled so that layers keep mean 0 and variance 1");
CJR_COMPOSITE(prelu, "", CJ_METHOD, "x, slope", "N(5), R() | N(2,3), R(3) | N(2,3,2), R(1)",
              "x where positive, else slope x, with one slope or one for each place along the second dim");
CJR_COMPOSITE(softmin, "", CJ_METHOD, "x, dim:axis=-1", "R(4), 1 | R(3,4), 2 | R(2,3,4), -2", "softmax of -x");
