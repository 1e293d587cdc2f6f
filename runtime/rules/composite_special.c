/* composite_special.c -- special functions built from rows, and PyTorch's other names for some rows. */
#include "rules/compose.h"

#include <math.h>

/* --- the normal distribution -------------------------------------------------------------- */

static cj_ref below_root2(const cj_call *k, cj_ref x, double sign) {
  return cjr_scale(k->g, x, sign * 0.70710678118654752440);
}

static CJR_FACE(build_ndtr) {
  cj_ref x = cjr_float(k, 0);
  return x && cjr_one(cjr_scale(k->g, cjb_erfc(k->g, below_root2(k, x, -1)), 0.5), out, nout);
}

/* In the left tail by erfcx, which does not run out of numbers; each branch sees only operands of its own. */
static CJR_FACE(build_log_ndtr) {
  cj_graph *g = k->g;
  cj_ref x = cjr_float(k, 0);
  if (!x) return false;
  cj_ref tail = cjb_lt(g, x, cjb_like(g, x, -1)), edge = cjb_like(g, x, -1);
  cj_ref far = cjb_where(g, tail, x, edge), near = cjb_where(g, tail, edge, x);
  cj_ref left = cjb_log(g, cjr_scale(g, cjb_erfcx(g, below_root2(k, far, -1)), 0.5));
  left = cjb_sub(g, left, cjr_scale(g, cjb_square(g, far), 0.5));
  cj_ref right = cjb_log1p(g, cjr_scale(g, cjb_erfc(g, below_root2(k, near, 1)), -0.5));
  return cjr_one(cjb_where(g, tail, left, right), out, nout);
}

/* --- logarithms and gamma functions ---------------------------------------------------------- */

static CJR_FACE(build_xlog1py) {
  cj_graph *g = k->g;
  cj_ref v[2];
  if (!cjr_broadcasts(k, 0, 2) || !cjr_floats(k, 0, 2, v)) return false;
  cj_ref zero = cjb_like(g, v[0], 0), top = cjb_like(g, v[0], (double)INFINITY);
  cj_ref pole = cjb_logical_or(g, cjb_le(g, v[1], cjb_like(g, v[0], -1)), cjb_eq(g, v[1], top));
  cj_ref off = cjb_logical_and(g, cjb_eq(g, v[0], zero), pole);
  return cjr_one(cjb_mul(g, v[0], cjb_log1p(g, cjb_where(g, off, zero, v[1]))), out, nout);
}

/* log of the gamma function of p dimensions: p (p-1)/4 log(pi) + sum of lgamma(x - j/2), j < p. */
static CJR_FACE(build_multigammaln) {
  cj_graph *g = k->g;
  int64_t p = cjr_int(k, 0, 1);
  cj_ref x = cjr_float(k, 0), sum;
  if (p < 1 || p > 1000) return cjr_bad(k, CJ_EARG, "p is %lld, wanted 1 to 1000", (long long)p);
  sum = cjb_like(g, x, 0.25 * (double)p * (double)(p - 1) * 1.1447298858494001741);
  for (int64_t j = 0; j < p; j++) sum = cjb_add(g, sum, cjb_lgamma(g, cjb_sub(g, x, cjb_like(g, x, 0.5 * (double)j))));
  return cjr_one(sum, out, nout);
}
static CJR_FACE(build_mvlgamma) { return build_multigammaln(k, out, cap, nout); }

/* --- other names -------------------------------------------------------------------------------- */

static bool as_row(const cj_call *k, int op, cj_ref *out, int cap, int *nout) {
  cj_call same = *k;
  same.op = op;
  return cjr_row(op)->build(&same, out, cap, nout);
}
static CJR_FACE(build_expit) { return as_row(k, CJ_OP_sigmoid, out, cap, nout); }
static CJR_FACE(build_gammaln) { return as_row(k, CJ_OP_lgamma, out, cap, nout); }
static CJR_FACE(build_psi) { return as_row(k, CJ_OP_digamma, out, cap, nout); }

CJR_COMPOSITE(ndtr, ",special", CJ_METHOD, "x", "R(5) | R(2,3) | R()",
              "distribution function of the normal distribution");
CJR_COMPOSITE(log_ndtr, ",special", CJ_METHOD, "x", "R(5) | R(2,3) * 4 | R()",
              "logarithm of ndtr, also far to the left");
CJR_COMPOSITE(xlog1py, ",special", CJ_METHOD, "x, y", "R(5), P(5) | R(2,3), P(3) | R(2,1), P(3)",
              "x log(1 + y), which is 0 where x is 0");
CJR_COMPOSITE(multigammaln, "special", 0, "x, p:int", "P(3) + 2, 3 | P() + 1, 1",
              "logarithm of the gamma function of p dimensions");
CJR_COMPOSITE(mvlgamma, "", CJ_METHOD, "x, p:int", "P(3) + 2, 3 | P() + 1, 1",
              "logarithm of the gamma function of p dimensions");
CJR_COMPOSITE(expit, "special", 0, "x", "R(5) | R()", "1 / (1 + exp(-x))");
CJR_COMPOSITE(gammaln, "special", 0, "x", "P(5) | P()", "logarithm of |gamma(x)|");
CJR_COMPOSITE(psi, "special", 0, "x", "P(5) | P()", "derivative of gammaln");

/* --- faces with parameters over rows without ----------------------------------------------------- */

/* log(1 + exp(beta x)) / beta; beyond threshold, if that is given, x itself. */
static CJR_FACE(build_softplus) {
  cj_graph *g = k->g;
  cj_ref x = cjr_float(k, 0);
  double beta = cjr_num(k, 0, 1);
  if (!x) return false;
  if (!(beta != 0)) return cjr_bad(k, CJ_EARG, "beta is %g, wanted another number", beta);
  cj_ref scaled = cjr_scale(g, x, beta), y = cjb_softplus(g, scaled);
  if (beta != 1) y = cjb_div(g, y, cjb_like(g, x, beta));
  if (!cjr_given(k, 1)) return cjr_one(y, out, nout);
  cj_ref beyond = cjb_gt(g, scaled, cjb_like(g, x, cjr_num(k, 1, 20)));
  return cjr_one(cjb_where(g, beyond, x, y), out, nout);
}

const cj_op cjo_softplus_face = {.name = "softplus",
                                 .module = "",
                                 .sig = "x, beta:num=1, threshold:num?",
                                 .doc = "log(1 + exp(beta x)) / beta, and x itself where beta x is above threshold",
                                 .example = "R(5) | R(2,3), 2 | N(4), -0.5, 1 | R()",
                                 .kind = CJ_COMPOSITE,
                                 .flags = CJ_METHOD,
                                 .build = build_softplus};
