/*
** cjac_ops.h -- one function for each operation.  Generated from the op table by scripts/genops.lua.
**
** Operands are values (cj_val; kind CJ_NONE for one that is absent), parameters are C's own types: axes
** and positions count from 0, negative ones from the end; an absent list has the length -1, an absent
** number or text is NULL.  Operations with several results write up to cap of them.
*/
/* clang-format off */
#ifndef cjac_ops_h
#define cjac_ops_h

#include "cjac.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline cj_param cj_param_ints(const int64_t *v, int n) {
  cj_param p = {-1, {0}, 0, NULL};
  p.n = n;
  for (int i = 0; i < n && i < 2 * CJ_MAXRANK; i++) p.v[i] = v[i];
  return p;
}
static inline cj_param cj_param_int(int64_t v) { return cj_param_ints(&v, 1); }
static inline cj_param cj_param_num(double v) {
  cj_param p = {1, {0}, v, NULL};
  return p;
}
static inline cj_param cj_param_maybe(const double *v) {
  return v ? cj_param_num(*v) : cj_param_ints(NULL, -1);
}
static inline cj_param cj_param_str(const char *s) {
  cj_param p = {s ? 1 : -1, {0}, 0, s};
  return p;
}

/* sum */
static inline cj_status cj_add(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 0, in_, 2, NULL, 0, out, 1, &nout_);
}

/* difference */
static inline cj_status cj_sub(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 1, in_, 2, NULL, 0, out, 1, &nout_);
}

/* product */
static inline cj_status cj_mul(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 2, in_, 2, NULL, 0, out, 1, &nout_);
}

/* quotient */
static inline cj_status cj_div(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 4, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x to the power z */
static inline cj_status cj_pow(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 5, in_, 2, NULL, 0, out, 1, &nout_);
}

/* quotient rounded down; 0 for an integer by 0 */
static inline cj_status cj_floor_divide(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 6, in_, 2, NULL, 0, out, 1, &nout_);
}

/* remainder with the sign of z */
static inline cj_status cj_remainder(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 7, in_, 2, NULL, 0, out, 1, &nout_);
}

/* remainder with the sign of x */
static inline cj_status cj_fmod(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 8, in_, 2, NULL, 0, out, 1, &nout_);
}

/* angle of the point (z, x) */
static inline cj_status cj_atan2(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 9, in_, 2, NULL, 0, out, 1, &nout_);
}

/* length of the vector (x, z) */
static inline cj_status cj_hypot(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 10, in_, 2, NULL, 0, out, 1, &nout_);
}

/* larger of two; ties share the derivative */
static inline cj_status cj_maximum(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 11, in_, 2, NULL, 0, out, 1, &nout_);
}

/* smaller of two; ties share the derivative */
static inline cj_status cj_minimum(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 12, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x, but at least z */
static inline cj_status cj_clamp_min(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 13, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x, but at most z */
static inline cj_status cj_clamp_max(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 14, in_, 2, NULL, 0, out, 1, &nout_);
}

/* size of x with the sign of z */
static inline cj_status cj_copysign(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 15, in_, 2, NULL, 0, out, 1, &nout_);
}

/* log(exp(x) + exp(z)) */
static inline cj_status cj_logaddexp(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 16, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x-th derivative of digamma at z */
static inline cj_status cj_polygamma(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 17, in_, 2, NULL, 0, out, 1, &nout_);
}

/* z where x is true, else w; the other branch contributes 0 to derivatives, never NaN */
static inline cj_status cj_where(cj_ctx *c, cj_val x, cj_val z, cj_val w, cj_val *out) {
  cj_val in_[3] = {x, z, w};
  int nout_;
  return cj_apply(c, 21, in_, 3, NULL, 0, out, 1, &nout_);
}

/* x < z */
static inline cj_status cj_lt(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 22, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x <= z */
static inline cj_status cj_le(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 23, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x > z */
static inline cj_status cj_gt(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 24, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x >= z */
static inline cj_status cj_ge(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 25, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x equal to z */
static inline cj_status cj_eq(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 26, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x different from z */
static inline cj_status cj_ne(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 27, in_, 2, NULL, 0, out, 1, &nout_);
}

/* both true */
static inline cj_status cj_logical_and(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 28, in_, 2, NULL, 0, out, 1, &nout_);
}

/* one or both true */
static inline cj_status cj_logical_or(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 29, in_, 2, NULL, 0, out, 1, &nout_);
}

/* exactly one true */
static inline cj_status cj_logical_xor(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 30, in_, 2, NULL, 0, out, 1, &nout_);
}

/* not true */
static inline cj_status cj_logical_not(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 31, in_, 1, NULL, 0, out, 1, &nout_);
}

/* is not a number */
static inline cj_status cj_isnan(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 32, in_, 1, NULL, 0, out, 1, &nout_);
}

/* is infinite */
static inline cj_status cj_isinf(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 33, in_, 1, NULL, 0, out, 1, &nout_);
}

/* is neither infinite nor NaN */
static inline cj_status cj_isfinite(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 34, in_, 1, NULL, 0, out, 1, &nout_);
}

/* negation */
static inline cj_status cj_neg(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 35, in_, 1, NULL, 0, out, 1, &nout_);
}

/* absolute value; derivative 0 at 0 */
static inline cj_status cj_abs(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 36, in_, 1, NULL, 0, out, 1, &nout_);
}

/* -1, 0 or 1 */
static inline cj_status cj_sign(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 37, in_, 1, NULL, 0, out, 1, &nout_);
}

/* largest integer not above x */
static inline cj_status cj_floor(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 38, in_, 1, NULL, 0, out, 1, &nout_);
}

/* smallest integer not below x */
static inline cj_status cj_ceil(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 39, in_, 1, NULL, 0, out, 1, &nout_);
}

/* nearest integer, halves to even */
static inline cj_status cj_round(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 40, in_, 1, NULL, 0, out, 1, &nout_);
}

/* integer part */
static inline cj_status cj_trunc(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 41, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x minus its integer part */
static inline cj_status cj_frac(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 42, in_, 1, NULL, 0, out, 1, &nout_);
}

/* square */
static inline cj_status cj_square(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 43, in_, 1, NULL, 0, out, 1, &nout_);
}

/* square root */
static inline cj_status cj_sqrt(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 44, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 / square root */
static inline cj_status cj_rsqrt(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 46, in_, 1, NULL, 0, out, 1, &nout_);
}

/* cube root */
static inline cj_status cj_cbrt(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 47, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 / x */
static inline cj_status cj_reciprocal(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 48, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exponential */
static inline cj_status cj_exp(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 49, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 2 to the power x */
static inline cj_status cj_exp2(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 50, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exp(x) - 1, exact near 0 */
static inline cj_status cj_expm1(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 51, in_, 1, NULL, 0, out, 1, &nout_);
}

/* natural logarithm */
static inline cj_status cj_log(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 52, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm to base 2 */
static inline cj_status cj_log2(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 53, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm to base 10 */
static inline cj_status cj_log10(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 54, in_, 1, NULL, 0, out, 1, &nout_);
}

/* log(1 + x), exact near 0 */
static inline cj_status cj_log1p(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 55, in_, 1, NULL, 0, out, 1, &nout_);
}

/* sine */
static inline cj_status cj_sin(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 56, in_, 1, NULL, 0, out, 1, &nout_);
}

/* cosine */
static inline cj_status cj_cos(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 57, in_, 1, NULL, 0, out, 1, &nout_);
}

/* tangent */
static inline cj_status cj_tan(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 58, in_, 1, NULL, 0, out, 1, &nout_);
}

/* arc sine */
static inline cj_status cj_asin(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 59, in_, 1, NULL, 0, out, 1, &nout_);
}

/* arc cosine */
static inline cj_status cj_acos(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 60, in_, 1, NULL, 0, out, 1, &nout_);
}

/* arc tangent */
static inline cj_status cj_atan(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 61, in_, 1, NULL, 0, out, 1, &nout_);
}

/* hyperbolic sine */
static inline cj_status cj_sinh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 62, in_, 1, NULL, 0, out, 1, &nout_);
}

/* hyperbolic cosine */
static inline cj_status cj_cosh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 63, in_, 1, NULL, 0, out, 1, &nout_);
}

/* hyperbolic tangent */
static inline cj_status cj_tanh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 64, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse hyperbolic sine */
static inline cj_status cj_asinh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 65, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse hyperbolic cosine */
static inline cj_status cj_acosh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 66, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse hyperbolic tangent */
static inline cj_status cj_atanh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 67, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 / (1 + exp(-x)) */
static inline cj_status cj_sigmoid(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 68, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x where positive, else 0 */
static inline cj_status cj_relu(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 70, in_, 1, NULL, 0, out, 1, &nout_);
}

/* sin(pi x) / (pi x) */
static inline cj_status cj_sinc(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 71, in_, 1, NULL, 0, out, 1, &nout_);
}

/* error function */
static inline cj_status cj_erf(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 72, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 - erf(x), exact for large x */
static inline cj_status cj_erfc(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 73, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse of erf */
static inline cj_status cj_erfinv(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 74, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm of |gamma(x)| */
static inline cj_status cj_lgamma(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 75, in_, 1, NULL, 0, out, 1, &nout_);
}

/* derivative of lgamma */
static inline cj_status cj_digamma(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 76, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exp(x^2) erfc(x) */
static inline cj_status cj_erfcx(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 77, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse of ndtr */
static inline cj_status cj_ndtri(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 78, in_, 1, NULL, 0, out, 1, &nout_);
}

/* -x log(x), the entropy; 0 at 0 */
static inline cj_status cj_entr(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 79, in_, 1, NULL, 0, out, 1, &nout_);
}

/* modified Bessel function of order 0 */
static inline cj_status cj_i0(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 80, in_, 1, NULL, 0, out, 1, &nout_);
}

/* modified Bessel function of order 1 */
static inline cj_status cj_i1(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 81, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exp(-|x|) i0(x) */
static inline cj_status cj_i0e(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 82, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exp(-|x|) i1(x) */
static inline cj_status cj_i1e(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 83, in_, 1, NULL, 0, out, 1, &nout_);
}

/* the same elements in another shape; one size may be -1: what is left */
static inline cj_status cj_reshape(cj_ctx *c, cj_val x, const int64_t *shape, int nshape, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (nshape > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(shape, nshape);
  return cj_apply(c, 89, in_, 1, p_, 1, out, 1, &nout_);
}

/* the axes in another order */
static inline cj_status cj_permute(cj_ctx *c, cj_val x, const int64_t *dims, int ndims, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (ndims > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dims, ndims);
  return cj_apply(c, 90, in_, 1, p_, 1, out, 1, &nout_);
}

/* repeats axes of size 1, and as new leading axes; -1 keeps a size */
static inline cj_status cj_expand(cj_ctx *c, cj_val x, const int64_t *shape, int nshape, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (nshape > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(shape, nshape);
  return cj_apply(c, 91, in_, 1, p_, 1, out, 1, &nout_);
}

/* the elements at first, first + step, ..., last of an axis (step usually 1) */
static inline cj_status cj_slice(cj_ctx *c, cj_val x, int64_t dim, int64_t first, int64_t last, int64_t step, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[4];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(first);
  p_[2] = cj_param_int(last);
  p_[3] = cj_param_int(step);
  return cj_apply(c, 92, in_, 1, p_, 4, out, 1, &nout_);
}

/* the diagonal of two axes, which becomes the last one (offset usually 0, dim1 usually 0, dim2 usually 1) */
static inline cj_status cj_diagonal(cj_ctx *c, cj_val x, int64_t offset, int64_t dim1, int64_t dim2, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(offset);
  p_[1] = cj_param_int(dim1);
  p_[2] = cj_param_int(dim2);
  return cj_apply(c, 93, in_, 1, p_, 3, out, 1, &nout_);
}

/* windows of that size every step elements of an axis; the places in a window become the last axis */
static inline cj_status cj_unfold(cj_ctx *c, cj_val x, int64_t dim, int64_t size, int64_t step, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(size);
  p_[2] = cj_param_int(step);
  return cj_apply(c, 94, in_, 1, p_, 3, out, 1, &nout_);
}

/* square matrices with the last axis on a diagonal, zeros elsewhere (offset usually 0, dim1 usually -2, dim2 usually -1) */
static inline cj_status cj_diag_embed(cj_ctx *c, cj_val x, int64_t offset, int64_t dim1, int64_t dim2, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(offset);
  p_[1] = cj_param_int(dim1);
  p_[2] = cj_param_int(dim2);
  return cj_apply(c, 98, in_, 1, p_, 3, out, 1, &nout_);
}

/* tensors one after the other along an axis (dim usually 0) */
static inline cj_status cj_cat(cj_ctx *c, const cj_val *tensors, int ntensors, int64_t dim, cj_val *out) {
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 101, tensors, ntensors, p_, 1, out, 1, &nout_);
}

/* the elements of x at index along an axis; the result has the shape of index */
static inline cj_status cj_gather(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val *out) {
  cj_val in_[2] = {x, index};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 104, in_, 2, p_, 1, out, 1, &nout_);
}

/* x with the elements of src written to the places index along an axis */
static inline cj_status cj_scatter(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val src, cj_val *out) {
  cj_val in_[3] = {x, index, src};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 105, in_, 3, p_, 1, out, 1, &nout_);
}

/* x with the elements of src added at the places index along an axis */
static inline cj_status cj_scatter_add(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val src, cj_val *out) {
  cj_val in_[3] = {x, index, src};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 106, in_, 3, p_, 1, out, 1, &nout_);
}

/* sum over all axes, one or several; 0 of nothing (dim may be absent, keepdim usually false) */
static inline cj_status cj_sum(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 107, in_, 1, p_, 2, out, 1, &nout_);
}

/* product over all axes or one; 1 of nothing (dim may be absent, keepdim usually false) */
static inline cj_status cj_prod(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 108, in_, 1, p_, 2, out, 1, &nout_);
}

/* largest element; ties share the derivative (dim may be absent, keepdim usually false) */
static inline cj_status cj_amax(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 109, in_, 1, p_, 2, out, 1, &nout_);
}

/* smallest element; ties share the derivative (dim may be absent, keepdim usually false) */
static inline cj_status cj_amin(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 110, in_, 1, p_, 2, out, 1, &nout_);
}

/* one or more elements are true (not 0); false of nothing (dim may be absent, keepdim usually false) */
static inline cj_status cj_any(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 111, in_, 1, p_, 2, out, 1, &nout_);
}

/* all elements are true (not 0); true of nothing (dim may be absent, keepdim usually false) */
static inline cj_status cj_all(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 112, in_, 1, p_, 2, out, 1, &nout_);
}

/* position of the first largest element, counted over all axes or along one (dim may be absent, keepdim usually false) */
static inline cj_status cj_argmax(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 113, in_, 1, p_, 2, out, 1, &nout_);
}

/* position of the first smallest element, counted over all axes or along one (dim may be absent, keepdim usually false) */
static inline cj_status cj_argmin(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 114, in_, 1, p_, 2, out, 1, &nout_);
}

/* sums of the elements up to each one */
static inline cj_status cj_cumsum(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 115, in_, 1, p_, 1, out, 1, &nout_);
}

/* products of the elements up to each one */
static inline cj_status cj_cumprod(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 116, in_, 1, p_, 1, out, 1, &nout_);
}

/* log of the sums of exponentials up to each element, without overflow */
static inline cj_status cj_logcumsumexp(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 117, in_, 1, p_, 1, out, 1, &nout_);
}

/* positions of the elements in their order along dim; equal ones stay in theirs, NaN is above every number (dim usually -1, descending usually false, stable usually true) */
static inline cj_status cj_argsort(cj_ctx *c, cj_val x, int64_t dim, bool descending, bool stable, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(descending);
  p_[2] = cj_param_int(stable);
  return cj_apply(c, 121, in_, 1, p_, 3, out, 1, &nout_);
}

/* position before which each value would have to be inserted into the ascending last dim of sequence; right: behind equal ones (right usually false) */
static inline cj_status cj_searchsorted(cj_ctx *c, cj_val sequence, cj_val values, bool right, cj_val *out) {
  cj_val in_[2] = {sequence, values};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(right);
  return cj_apply(c, 122, in_, 2, p_, 1, out, 1, &nout_);
}

/* number of the interval between ascending boundaries in which each value lies, from 1 (right usually false) */
static inline cj_status cj_bucketize(cj_ctx *c, cj_val values, cj_val boundaries, bool right, cj_val *out) {
  cj_val in_[2] = {values, boundaries};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(right);
  return cj_apply(c, 123, in_, 2, p_, 1, out, 1, &nout_);
}

/* matrix product; vectors are a row on the left, a column on the right */
static inline cj_status cj_matmul(cj_ctx *c, cj_val a, cj_val b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  return cj_apply(c, 124, in_, 2, NULL, 0, out, 1, &nout_);
}

/* lower triangular l with l l' = a, for symmetric positive definite a */
static inline cj_status cj_linalg_cholesky(cj_ctx *c, cj_val a, cj_val *out) {
  cj_val in_[1] = {a};
  int nout_;
  return cj_apply(c, 127, in_, 1, NULL, 0, out, 1, &nout_);
}

/* real and imaginary part of the first half of the discrete Fourier transform of n numbers along dim (n may be absent, dim usually -1, norm usually "backward") */
static inline cj_status cj_fft_rfft(cj_ctx *c, cj_val x, const int64_t *n, int64_t dim, const char *norm, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[3];
  p_[0] = cj_param_ints(n, n ? 1 : -1);
  p_[1] = cj_param_int(dim);
  p_[2] = cj_param_str(norm);
  return cj_apply(c, 144, in_, 1, p_, 3, out, cap, nout);
}

/* the n real numbers (usually 2 (m - 1)) of which rfft makes these m complex ones (n may be absent, dim usually -1, norm usually "backward") */
static inline cj_status cj_fft_irfft(cj_ctx *c, cj_val re, cj_val im, const int64_t *n, int64_t dim, const char *norm, cj_val *out) {
  cj_val in_[2] = {re, im};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_ints(n, n ? 1 : -1);
  p_[1] = cj_param_int(dim);
  p_[2] = cj_param_str(norm);
  return cj_apply(c, 145, in_, 2, p_, 3, out, 1, &nout_);
}

/* discrete Fourier transform along dim, real and imaginary parts (im may be absent, n may be absent, dim usually -1, norm usually "backward") */
static inline cj_status cj_fft_fft(cj_ctx *c, cj_val re, cj_val im, const int64_t *n, int64_t dim, const char *norm, cj_val *out, int cap, int *nout) {
  cj_val in_[2] = {re, im};
  cj_param p_[3];
  p_[0] = cj_param_ints(n, n ? 1 : -1);
  p_[1] = cj_param_int(dim);
  p_[2] = cj_param_str(norm);
  return cj_apply(c, 146, in_, 2, p_, 3, out, cap, nout);
}

/* inverse of fft (im may be absent, n may be absent, dim usually -1, norm usually "backward") */
static inline cj_status cj_fft_ifft(cj_ctx *c, cj_val re, cj_val im, const int64_t *n, int64_t dim, const char *norm, cj_val *out, int cap, int *nout) {
  cj_val in_[2] = {re, im};
  cj_param p_[3];
  p_[0] = cj_param_ints(n, n ? 1 : -1);
  p_[1] = cj_param_int(dim);
  p_[2] = cj_param_str(norm);
  return cj_apply(c, 147, in_, 2, p_, 3, out, cap, nout);
}

/* mean over all elements or along dims (dim may be absent, keepdim usually false) */
static inline cj_status cj_mean(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 150, in_, 1, p_, 2, out, 1, &nout_);
}

/* largest element; along a dim the largest elements and their positions (dim may be absent, keepdim usually false) */
static inline cj_status cj_max(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 151, in_, 1, p_, 2, out, cap, nout);
}

/* smallest element; along a dim the smallest elements and their positions (dim may be absent, keepdim usually false) */
static inline cj_status cj_min(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 152, in_, 1, p_, 2, out, cap, nout);
}

/* variance, with n - correction as divisor (dim may be absent, correction usually 1, keepdim usually false) */
static inline cj_status cj_var(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, int64_t correction, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(correction);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 153, in_, 1, p_, 3, out, 1, &nout_);
}

/* standard deviation, with n - correction as divisor; derivative 0 where it is 0 (dim may be absent, correction usually 1, keepdim usually false) */
static inline cj_status cj_std(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, int64_t correction, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(correction);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 154, in_, 1, p_, 3, out, 1, &nout_);
}

/* p-norm of the elements as a vector, over all of them or along dims; p may be inf, -inf, 0 or "fro" (the same as 2); derivative 0 at 0 (p usually 2, dim may be absent, keepdim usually false) */
static inline cj_status cj_norm(cj_ctx *c, cj_val x, cj_param p, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = p;
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(dim, ndim);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 155, in_, 1, p_, 3, out, 1, &nout_);
}

/* log of the sum of exponentials, without overflow (dim may be absent, keepdim usually false) */
static inline cj_status cj_logsumexp(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 156, in_, 1, p_, 2, out, 1, &nout_);
}

/* exponentials scaled to sum 1 along dim (dim usually -1) */
static inline cj_status cj_softmax(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 157, in_, 1, p_, 1, out, 1, &nout_);
}

/* logarithm of softmax, without loss for small probabilities (dim usually -1) */
static inline cj_status cj_log_softmax(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 158, in_, 1, p_, 1, out, 1, &nout_);
}

/* elements in ascending order along dim and the positions they came from; equal ones stay in their order, NaN is above every number (dim usually -1, descending usually false, stable usually true) */
static inline cj_status cj_sort(cj_ctx *c, cj_val x, int64_t dim, bool descending, bool stable, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[3];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(descending);
  p_[2] = cj_param_int(stable);
  return cj_apply(c, 159, in_, 1, p_, 3, out, cap, nout);
}

/* elements in ascending order along the first dim */
static inline cj_status cj_msort(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 160, in_, 1, NULL, 0, out, 1, &nout_);
}

/* the k largest (or smallest) elements along dim, in order, and their positions (dim usually -1, largest usually true, sorted usually true) */
static inline cj_status cj_topk(cj_ctx *c, cj_val x, int64_t k, int64_t dim, bool largest, bool sorted, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[4];
  p_[0] = cj_param_int(k);
  p_[1] = cj_param_int(dim);
  p_[2] = cj_param_int(largest);
  p_[3] = cj_param_int(sorted);
  return cj_apply(c, 161, in_, 1, p_, 4, out, cap, nout);
}

/* k-th smallest element along dim and its position (dim usually -1, keepdim usually false) */
static inline cj_status cj_kthvalue(cj_ctx *c, cj_val x, int64_t k, int64_t dim, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[3];
  p_[0] = cj_param_int(k);
  p_[1] = cj_param_int(dim);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 162, in_, 1, p_, 3, out, cap, nout);
}

/* median (of an even number the lower one); along a dim the medians and their positions (dim may be absent, keepdim usually false) */
static inline cj_status cj_median(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 163, in_, 1, p_, 2, out, cap, nout);
}

/* median of the elements that are not NaN; along a dim the medians and their positions (dim may be absent, keepdim usually false) */
static inline cj_status cj_nanmedian(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 164, in_, 1, p_, 2, out, cap, nout);
}

/* value below which a share q of the elements lies, linear between two of them (dim may be absent, keepdim usually false) */
static inline cj_status cj_quantile(cj_ctx *c, cj_val x, double q, const int64_t *dim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_num(q);
  p_[1] = cj_param_ints(dim, dim ? 1 : -1);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 165, in_, 1, p_, 3, out, 1, &nout_);
}

/* largest of the elements up to each one, and its position (the last of equals) */
static inline cj_status cj_cummax(cj_ctx *c, cj_val x, int64_t dim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 166, in_, 1, p_, 1, out, cap, nout);
}

/* smallest of the elements up to each one, and its position (the last of equals) */
static inline cj_status cj_cummin(cj_ctx *c, cj_val x, int64_t dim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 167, in_, 1, p_, 1, out, cap, nout);
}

/* sum of the elements that are not NaN (dim may be absent, keepdim usually false) */
static inline cj_status cj_nansum(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 168, in_, 1, p_, 2, out, 1, &nout_);
}

/* mean of the elements that are not NaN (dim may be absent, keepdim usually false) */
static inline cj_status cj_nanmean(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 169, in_, 1, p_, 2, out, 1, &nout_);
}

/* number of elements that are not 0 (dim may be absent) */
static inline cj_status cj_count_nonzero(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  return cj_apply(c, 170, in_, 1, p_, 1, out, 1, &nout_);
}

/* differences of neighbours along dim, n times; prepend and append first put before and behind (n usually 1, dim usually -1, prepend may be absent, append may be absent) */
static inline cj_status cj_diff(cj_ctx *c, cj_val x, int64_t n, int64_t dim, cj_val prepend, cj_val append, cj_val *out) {
  cj_val in_[3] = {x, prepend, append};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(n);
  p_[1] = cj_param_int(dim);
  return cj_apply(c, 171, in_, 3, p_, 2, out, 1, &nout_);
}

/* integral along dim by trapezoids, over points x or steps dx (x may be absent, dx usually 1, dim usually -1) */
static inline cj_status cj_trapz(cj_ctx *c, cj_val y, cj_val x, double dx, int64_t dim, cj_val *out) {
  cj_val in_[2] = {y, x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(dx);
  p_[1] = cj_param_int(dim);
  return cj_apply(c, 172, in_, 2, p_, 2, out, 1, &nout_);
}

/* integral along dim by trapezoids, over points x or steps dx (x may be absent, dx usually 1, dim usually -1) */
static inline cj_status cj_trapezoid(cj_ctx *c, cj_val y, cj_val x, double dx, int64_t dim, cj_val *out) {
  cj_val in_[2] = {y, x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(dx);
  p_[1] = cj_param_int(dim);
  return cj_apply(c, 173, in_, 2, p_, 2, out, 1, &nout_);
}

/* integrals along dim up to each point but the first (x may be absent, dx usually 1, dim usually -1) */
static inline cj_status cj_cumulative_trapezoid(cj_ctx *c, cj_val y, cj_val x, double dx, int64_t dim, cj_val *out) {
  cj_val in_[2] = {y, x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(dx);
  p_[1] = cj_param_int(dim);
  return cj_apply(c, 174, in_, 2, p_, 2, out, 1, &nout_);
}

/* smallest and largest element; ties share the derivative (dim may be absent, keepdim usually false) */
static inline cj_status cj_aminmax(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 175, in_, 1, p_, 2, out, cap, nout);
}

/* variance and mean (dim may be absent, correction usually 1, keepdim usually false) */
static inline cj_status cj_var_mean(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, int64_t correction, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[3];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(correction);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 176, in_, 1, p_, 3, out, cap, nout);
}

/* standard deviation and mean (dim may be absent, correction usually 1, keepdim usually false) */
static inline cj_status cj_std_mean(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, int64_t correction, bool keepdim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[3];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(correction);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 177, in_, 1, p_, 3, out, cap, nout);
}

/* same elements, other shape; one size may be -1 */
static inline cj_status cj_view(cj_ctx *c, cj_val x, const int64_t *shape, int nshape, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (nshape > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(shape, nshape);
  return cj_apply(c, 178, in_, 1, p_, 1, out, 1, &nout_);
}

/* dims first to last made one (first usually 0, last usually -1) */
static inline cj_status cj_flatten(cj_ctx *c, cj_val x, int64_t first, int64_t last, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(first);
  p_[1] = cj_param_int(last);
  return cj_apply(c, 179, in_, 1, p_, 2, out, 1, &nout_);
}

/* without the dims of size 1, or those of them that are given (dim may be absent) */
static inline cj_status cj_squeeze(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  return cj_apply(c, 180, in_, 1, p_, 1, out, 1, &nout_);
}

/* a dim of size 1 more, at place dim of the result */
static inline cj_status cj_unsqueeze(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 181, in_, 1, p_, 1, out, 1, &nout_);
}

/* repeated along dims of size 1 and new leading ones */
static inline cj_status cj_broadcast_to(cj_ctx *c, cj_val x, const int64_t *shape, int nshape, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (nshape > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(shape, nshape);
  return cj_apply(c, 182, in_, 1, p_, 1, out, 1, &nout_);
}

/* two dims exchanged */
static inline cj_status cj_transpose(cj_ctx *c, cj_val x, int64_t a, int64_t b, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(a);
  p_[1] = cj_param_int(b);
  return cj_apply(c, 183, in_, 1, p_, 2, out, 1, &nout_);
}

/* transpose of a matrix */
static inline cj_status cj_t(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 184, in_, 1, NULL, 0, out, 1, &nout_);
}

/* transpose of the last two dims */
static inline cj_status cj_mT(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 185, in_, 1, NULL, 0, out, 1, &nout_);
}

/* order of the elements reversed along dims */
static inline cj_status cj_flip(cj_ctx *c, cj_val x, const int64_t *dims, int ndims, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (ndims > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dims, ndims);
  return cj_apply(c, 186, in_, 1, p_, 1, out, 1, &nout_);
}

/* elements moved by shift along dim, round the end; without dim in reading order (dim may be absent) */
static inline cj_status cj_roll(cj_ctx *c, cj_val x, const int64_t *shift, int nshift, const int64_t *dim, int ndim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (nshift > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(shift, nshift);
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(dim, ndim);
  return cj_apply(c, 187, in_, 1, p_, 2, out, 1, &nout_);
}

/* tensors of one shape along a new dim (dim usually 0) */
static inline cj_status cj_stack(cj_ctx *c, const cj_val *tensors, int ntensors, int64_t dim, cj_val *out) {
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 188, tensors, ntensors, p_, 1, out, 1, &nout_);
}

/* pieces of that size (the last may be smaller), or of those sizes, along dim (dim usually 0) */
static inline cj_status cj_split(cj_ctx *c, cj_val x, const int64_t *size, int nsize, int64_t dim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[2];
  if (nsize > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(size, nsize);
  p_[1] = cj_param_int(dim);
  return cj_apply(c, 189, in_, 1, p_, 2, out, cap, nout);
}

/* at most n pieces of equal size (the last may be smaller) along dim (dim usually 0) */
static inline cj_status cj_chunk(cj_ctx *c, cj_val x, int64_t n, int64_t dim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[2];
  p_[0] = cj_param_int(n);
  p_[1] = cj_param_int(dim);
  return cj_apply(c, 190, in_, 1, p_, 2, out, cap, nout);
}

/* every slice along dim (dim usually 0) */
static inline cj_status cj_unbind(cj_ctx *c, cj_val x, int64_t dim, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {x};
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 191, in_, 1, p_, 1, out, cap, nout);
}

/* length elements along dim, from first on */
static inline cj_status cj_narrow(cj_ctx *c, cj_val x, int64_t dim, int64_t first, int64_t length, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(first);
  p_[2] = cj_param_int(length);
  return cj_apply(c, 192, in_, 1, p_, 3, out, 1, &nout_);
}

/* slice i along dim, which vanishes */
static inline cj_status cj_select(cj_ctx *c, cj_val x, int64_t dim, int64_t i, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(i);
  return cj_apply(c, 193, in_, 1, p_, 2, out, 1, &nout_);
}

/* border of pads elements before and after each dim, the last dim first; negative numbers crop; mode constant, reflect, replicate or circular (value usually 0, mode usually "constant") */
static inline cj_status cj_pad(cj_ctx *c, cj_val x, const int64_t *pads, int npads, double value, const char *mode, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  if (npads > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(pads, npads);
  p_[1] = cj_param_num(value);
  p_[2] = cj_param_str(mode);
  return cj_apply(c, 194, in_, 1, p_, 3, out, 1, &nout_);
}

/* matrix with x on its k-th diagonal, or the k-th diagonal of a matrix x (k usually 0) */
static inline cj_status cj_diag(cj_ctx *c, cj_val x, int64_t k, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(k);
  return cj_apply(c, 195, in_, 1, p_, 1, out, 1, &nout_);
}

/* lower triangle up to the k-th diagonal, zeros elsewhere (k usually 0) */
static inline cj_status cj_tril(cj_ctx *c, cj_val x, int64_t k, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(k);
  return cj_apply(c, 196, in_, 1, p_, 1, out, 1, &nout_);
}

/* upper triangle from the k-th diagonal on, zeros elsewhere (k usually 0) */
static inline cj_status cj_triu(cj_ctx *c, cj_val x, int64_t k, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(k);
  return cj_apply(c, 197, in_, 1, p_, 1, out, 1, &nout_);
}

/* the whole repeated so often along each dim */
static inline cj_status cj_tile(cj_ctx *c, cj_val x, const int64_t *counts, int ncounts, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (ncounts > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(counts, ncounts);
  return cj_apply(c, 198, in_, 1, p_, 1, out, 1, &nout_);
}

/* a dim split into several */
static inline cj_status cj_unflatten(cj_ctx *c, cj_val x, int64_t dim, const int64_t *sizes, int nsizes, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(dim);
  if (nsizes > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(sizes, nsizes);
  return cj_apply(c, 199, in_, 1, p_, 2, out, 1, &nout_);
}

/* all elements in one dim */
static inline cj_status cj_ravel(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 200, in_, 1, NULL, 0, out, 1, &nout_);
}

/* dims moved to other places, the rest in order */
static inline cj_status cj_movedim(cj_ctx *c, cj_val x, const int64_t *source, int nsource, const int64_t *destination, int ndestination, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (nsource > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(source, nsource);
  if (ndestination > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(destination, ndestination);
  return cj_apply(c, 201, in_, 1, p_, 2, out, 1, &nout_);
}

/* k quarter turns in the plane of two dims, from the first to the second (k usually 1, dims may be absent) */
static inline cj_status cj_rot90(cj_ctx *c, cj_val x, int64_t k, const int64_t *dims, int ndims, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(k);
  if (ndims > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(dims, ndims);
  return cj_apply(c, 202, in_, 1, p_, 2, out, 1, &nout_);
}

/* order reversed along the first dim */
static inline cj_status cj_flipud(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 203, in_, 1, NULL, 0, out, 1, &nout_);
}

/* order reversed along the second dim */
static inline cj_status cj_fliplr(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 204, in_, 1, NULL, 0, out, 1, &nout_);
}

/* tensors along the second dim, vectors along the first */
static inline cj_status cj_hstack(cj_ctx *c, const cj_val *tensors, int ntensors, cj_val *out) {
  int nout_;
  return cj_apply(c, 205, tensors, ntensors, NULL, 0, out, 1, &nout_);
}

/* tensors along the first dim, vectors as rows */
static inline cj_status cj_vstack(cj_ctx *c, const cj_val *tensors, int ntensors, cj_val *out) {
  int nout_;
  return cj_apply(c, 206, tensors, ntensors, NULL, 0, out, 1, &nout_);
}

/* tensors along the third dim */
static inline cj_status cj_dstack(cj_ctx *c, const cj_val *tensors, int ntensors, cj_val *out) {
  int nout_;
  return cj_apply(c, 207, tensors, ntensors, NULL, 0, out, 1, &nout_);
}

/* tensors along the second dim, vectors as columns */
static inline cj_status cj_column_stack(cj_ctx *c, const cj_val *tensors, int ntensors, cj_val *out) {
  int nout_;
  return cj_apply(c, 208, tensors, ntensors, NULL, 0, out, 1, &nout_);
}

/* each element so often, along dim or of all elements in one dim (dim may be absent) */
static inline cj_status cj_repeat_interleave(cj_ctx *c, cj_val x, int64_t repeats, const int64_t *dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(repeats);
  p_[1] = cj_param_ints(dim, dim ? 1 : -1);
  return cj_apply(c, 209, in_, 1, p_, 2, out, 1, &nout_);
}

/* the coordinates of a grid, one tensor for each dim (indexing usually "ij") */
static inline cj_status cj_meshgrid(cj_ctx *c, const cj_val *tensors, int ntensors, const char *indexing, cj_val *out, int cap, int *nout) {
  cj_param p_[1];
  p_[0] = cj_param_str(indexing);
  return cj_apply(c, 210, tensors, ntensors, p_, 1, out, cap, nout);
}

/* matrix with all elements of x on its k-th diagonal (k usually 0) */
static inline cj_status cj_diagflat(cj_ctx *c, cj_val x, int64_t k, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(k);
  return cj_apply(c, 211, in_, 1, p_, 1, out, 1, &nout_);
}

/* sum of the diagonal of the last two dims */
static inline cj_status cj_trace(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 212, in_, 1, NULL, 0, out, 1, &nout_);
}

/* an equal tensor */
static inline cj_status cj_clone(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 213, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x, constant for derivatives */
static inline cj_status cj_detach(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 214, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x, constant for derivatives */
static inline cj_status cj_stop_gradient(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 215, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x in another dtype */
static inline cj_status cj_to(cj_ctx *c, cj_val x, cj_dtype dtype, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dtype);
  return cj_apply(c, 216, in_, 1, p_, 1, out, 1, &nout_);
}

/* the slices of x along dim with the numbers index */
static inline cj_status cj_index_select(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val *out) {
  cj_val in_[2] = {x, index};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 217, in_, 2, p_, 1, out, 1, &nout_);
}

/* x at places: one index for each leading dim, broadcast against each other; the other dims follow */
static inline cj_status cj_index(cj_ctx *c, cj_val x, const cj_val *indices, int nindices, cj_val *out) {
  cj_val in_[1 + CJ_MAXRANK];
  int n_ = 0;
  if (nindices > CJ_MAXRANK) return CJ_EARG;
  in_[n_++] = x;
  for (int i_ = 0; i_ < nindices; i_++) in_[n_++] = indices[i_];
  int nout_;
  return cj_apply(c, 218, in_, n_, NULL, 0, out, 1, &nout_);
}

/* elements of x by their number in reading order */
static inline cj_status cj_take(cj_ctx *c, cj_val x, cj_val index, cj_val *out) {
  cj_val in_[2] = {x, index};
  int nout_;
  return cj_apply(c, 219, in_, 2, NULL, 0, out, 1, &nout_);
}

/* value where mask is true, else x */
static inline cj_status cj_masked_fill(cj_ctx *c, cj_val x, cj_val mask, cj_val value, cj_val *out) {
  cj_val in_[3] = {x, mask, value};
  int nout_;
  return cj_apply(c, 220, in_, 3, NULL, 0, out, 1, &nout_);
}

/* x with alpha src added to its slices along dim with the numbers index (alpha usually 1) */
static inline cj_status cj_index_add(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val src, double alpha, cj_val *out) {
  cj_val in_[3] = {x, index, src};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_num(alpha);
  return cj_apply(c, 221, in_, 3, p_, 2, out, 1, &nout_);
}

/* x with the places that index would read replaced by v, or with v added to them (accumulate usually false) */
static inline cj_status cj_index_put(cj_ctx *c, cj_val x, const cj_val *indices, int nindices, cj_val v, bool accumulate, cj_val *out) {
  cj_val in_[2 + CJ_MAXRANK];
  int n_ = 0;
  if (nindices > CJ_MAXRANK) return CJ_EARG;
  in_[n_++] = x;
  for (int i_ = 0; i_ < nindices; i_++) in_[n_++] = indices[i_];
  in_[n_++] = v;
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(accumulate);
  return cj_apply(c, 222, in_, n_, p_, 1, out, 1, &nout_);
}

/* x with slice i along dim replaced by src */
static inline cj_status cj_select_scatter(cj_ctx *c, cj_val x, cj_val src, int64_t dim, int64_t i, cj_val *out) {
  cj_val in_[2] = {x, src};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(i);
  return cj_apply(c, 223, in_, 2, p_, 2, out, 1, &nout_);
}

/* x with src written to its slices along dim with the numbers index */
static inline cj_status cj_index_copy(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val src, cj_val *out) {
  cj_val in_[3] = {x, index, src};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 224, in_, 3, p_, 1, out, 1, &nout_);
}

/* x with value in its slices along dim with the numbers index */
static inline cj_status cj_index_fill(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val value, cj_val *out) {
  cj_val in_[3] = {x, index, value};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 225, in_, 3, p_, 1, out, 1, &nout_);
}

/* elements of x at index along dim, the other dims broadcast; without dim in reading order (dim may be absent) */
static inline cj_status cj_take_along_dim(cj_ctx *c, cj_val x, cj_val index, const int64_t *dim, cj_val *out) {
  cj_val in_[2] = {x, index};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  return cj_apply(c, 226, in_, 2, p_, 1, out, 1, &nout_);
}

/* x with the elements of src, in order, where mask is true */
static inline cj_status cj_masked_scatter(cj_ctx *c, cj_val x, cj_val mask, cj_val src, cj_val *out) {
  cj_val in_[3] = {x, mask, src};
  int nout_;
  return cj_apply(c, 227, in_, 3, NULL, 0, out, 1, &nout_);
}

/* x with the slice first, first + step, ..., last along dim replaced by src (step usually 1) */
static inline cj_status cj_slice_scatter(cj_ctx *c, cj_val x, cj_val src, int64_t dim, int64_t first, int64_t last, int64_t step, cj_val *out) {
  cj_val in_[2] = {x, src};
  int nout_;
  cj_param p_[4];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(first);
  p_[2] = cj_param_int(last);
  p_[3] = cj_param_int(step);
  return cj_apply(c, 228, in_, 2, p_, 4, out, 1, &nout_);
}

/* 1 at the class that each position names, of n, else 0 */
static inline cj_status cj_one_hot(cj_ctx *c, cj_val x, int64_t n, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(n);
  return cj_apply(c, 229, in_, 1, p_, 1, out, 1, &nout_);
}

/* how often each position comes, or the sum of its weights; called from Lua the result is long enough (weights may be absent, minlength usually 0) */
static inline cj_status cj_bincount(cj_ctx *c, cj_val x, cj_val weights, int64_t minlength, cj_val *out) {
  cj_val in_[2] = {x, weights};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(minlength);
  return cj_apply(c, 230, in_, 2, p_, 1, out, 1, &nout_);
}

/* product of two matrices */
static inline cj_status cj_mm(cj_ctx *c, cj_val a, cj_val b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  return cj_apply(c, 231, in_, 2, NULL, 0, out, 1, &nout_);
}

/* products of two batches of matrices */
static inline cj_status cj_bmm(cj_ctx *c, cj_val a, cj_val b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  return cj_apply(c, 232, in_, 2, NULL, 0, out, 1, &nout_);
}

/* inner product of two vectors */
static inline cj_status cj_dot(cj_ctx *c, cj_val a, cj_val b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  return cj_apply(c, 233, in_, 2, NULL, 0, out, 1, &nout_);
}

/* matrix of all products of two vectors */
static inline cj_status cj_outer(cj_ctx *c, cj_val a, cj_val b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  return cj_apply(c, 234, in_, 2, NULL, 0, out, 1, &nout_);
}

/* vector product along a dim of size 3 (dim usually -1) */
static inline cj_status cj_cross(cj_ctx *c, cj_val a, cj_val b, int64_t dim, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 235, in_, 2, p_, 1, out, 1, &nout_);
}

/* sum of products in Einstein's notation: "ij,jk->ik" is a matrix product; without an arrow the labels that occur once, in order */
static inline cj_status cj_einsum(cj_ctx *c, const char *spec, const cj_val *operands, int noperands, cj_val *out) {
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_str(spec);
  return cj_apply(c, 236, operands, noperands, p_, 1, out, 1, &nout_);
}

/* beta c + alpha times the matrix product of a and b (beta usually 1, alpha usually 1) */
static inline cj_status cj_addmm(cj_ctx *c, cj_val c_, cj_val a, cj_val b, double beta, double alpha, cj_val *out) {
  cj_val in_[3] = {c_, a, b};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(beta);
  p_[1] = cj_param_num(alpha);
  return cj_apply(c, 237, in_, 3, p_, 2, out, 1, &nout_);
}

/* X of A X = B; B is a matrix, a vector, or a batch of either */
static inline cj_status cj_linalg_solve(cj_ctx *c, cj_val A, cj_val B, cj_val *out) {
  cj_val in_[2] = {A, B};
  int nout_;
  return cj_apply(c, 238, in_, 2, NULL, 0, out, 1, &nout_);
}

/* X of A X = B (of X A = B if not left), with one triangle of A, its diagonal taken as 1 if unitriangular (upper usually false, left usually true, unitriangular usually false) */
static inline cj_status cj_linalg_solve_triangular(cj_ctx *c, cj_val A, cj_val B, bool upper, bool left, bool unitriangular, cj_val *out) {
  cj_val in_[2] = {A, B};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(upper);
  p_[1] = cj_param_int(left);
  p_[2] = cj_param_int(unitriangular);
  return cj_apply(c, 239, in_, 2, p_, 3, out, 1, &nout_);
}

/* inverse matrix */
static inline cj_status cj_linalg_inv(cj_ctx *c, cj_val A, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  return cj_apply(c, 240, in_, 1, NULL, 0, out, 1, &nout_);
}

/* determinant */
static inline cj_status cj_linalg_det(cj_ctx *c, cj_val A, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  return cj_apply(c, 241, in_, 1, NULL, 0, out, 1, &nout_);
}

/* sign of the determinant, and logarithm of its absolute value */
static inline cj_status cj_linalg_slogdet(cj_ctx *c, cj_val A, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  return cj_apply(c, 242, in_, 1, NULL, 0, out, cap, nout);
}

/* Q with orthonormal columns and upper triangular R with A = Q R, reduced; mode "r": Q is empty (mode usually "reduced") */
static inline cj_status cj_linalg_qr(cj_ctx *c, cj_val A, const char *mode, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  cj_param p_[1];
  p_[0] = cj_param_str(mode);
  return cj_apply(c, 243, in_, 1, p_, 1, out, cap, nout);
}

/* eigenvalues, ascending, and eigenvectors, in columns, of a symmetric matrix; the lower triangle is read */
static inline cj_status cj_linalg_eigh(cj_ctx *c, cj_val A, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  return cj_apply(c, 244, in_, 1, NULL, 0, out, cap, nout);
}

/* eigenvalues, ascending, of a symmetric matrix; the lower triangle is read */
static inline cj_status cj_linalg_eigvalsh(cj_ctx *c, cj_val A, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  return cj_apply(c, 245, in_, 1, NULL, 0, out, 1, &nout_);
}

/* X of A X = B, given the Cholesky factor L of A (upper usually false) */
static inline cj_status cj_linalg_cholesky_solve(cj_ctx *c, cj_val B, cj_val L, bool upper, cj_val *out) {
  cj_val in_[2] = {B, L};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(upper);
  return cj_apply(c, 246, in_, 2, p_, 1, out, 1, &nout_);
}

/* product of n matrices A; for negative n of -n inverses */
static inline cj_status cj_linalg_matrix_power(cj_ctx *c, cj_val A, int64_t n, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(n);
  return cj_apply(c, 247, in_, 1, p_, 1, out, 1, &nout_);
}

/* x, but at least lo and at most hi (lo may be absent, hi may be absent) */
static inline cj_status cj_clamp(cj_ctx *c, cj_val x, cj_val lo, cj_val hi, cj_val *out) {
  cj_val in_[3] = {x, lo, hi};
  int nout_;
  return cj_apply(c, 248, in_, 3, NULL, 0, out, 1, &nout_);
}

/* x where positive, else slope x (slope usually 0.01) */
static inline cj_status cj_leaky_relu(cj_ctx *c, cj_val x, double slope, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_num(slope);
  return cj_apply(c, 249, in_, 1, p_, 1, out, 1, &nout_);
}

/* x where positive, else alpha (exp(x) - 1) (alpha usually 1) */
static inline cj_status cj_elu(cj_ctx *c, cj_val x, double alpha, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_num(alpha);
  return cj_apply(c, 250, in_, 1, p_, 1, out, 1, &nout_);
}

/* x times the normal distribution function of x; approximate = "tanh" for the cheaper form (approximate usually "none") */
static inline cj_status cj_gelu(cj_ctx *c, cj_val x, const char *approximate, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_str(approximate);
  return cj_apply(c, 251, in_, 1, p_, 1, out, 1, &nout_);
}

/* x sigmoid(x) */
static inline cj_status cj_silu(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 252, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm of sigmoid(x) */
static inline cj_status cj_logsigmoid(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 253, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x, but at least min and at most max; derivative 0 at both (min usually -1, max usually 1) */
static inline cj_status cj_hardtanh(cj_ctx *c, cj_val x, double min, double max, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(min);
  p_[1] = cj_param_num(max);
  return cj_apply(c, 254, in_, 1, p_, 2, out, 1, &nout_);
}

/* log(x / (1 - x)), with x first put between eps and 1 - eps (eps may be absent) */
static inline cj_status cj_logit(cj_ctx *c, cj_val x, const double *eps, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_maybe(eps);
  return cj_apply(c, 255, in_, 1, p_, 1, out, 1, &nout_);
}

/* x log(y), which is 0 where x is 0 */
static inline cj_status cj_xlogy(cj_ctx *c, cj_val x, cj_val y, cj_val *out) {
  cj_val in_[2] = {x, y};
  int nout_;
  return cj_apply(c, 256, in_, 2, NULL, 0, out, 1, &nout_);
}

/* a + w (b - a) */
static inline cj_status cj_lerp(cj_ctx *c, cj_val a, cj_val b, cj_val w, cj_val *out) {
  cj_val in_[3] = {a, b, w};
  int nout_;
  return cj_apply(c, 257, in_, 3, NULL, 0, out, 1, &nout_);
}

/* x + value a b (value usually 1) */
static inline cj_status cj_addcmul(cj_ctx *c, cj_val x, cj_val a, cj_val b, double value, cj_val *out) {
  cj_val in_[3] = {x, a, b};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_num(value);
  return cj_apply(c, 258, in_, 3, p_, 1, out, 1, &nout_);
}

/* x + value a / b (value usually 1) */
static inline cj_status cj_addcdiv(cj_ctx *c, cj_val x, cj_val a, cj_val b, double value, cj_val *out) {
  cj_val in_[3] = {x, a, b};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_num(value);
  return cj_apply(c, 259, in_, 3, p_, 1, out, 1, &nout_);
}

/* beta c + alpha times the products of two batches of matrices (beta usually 1, alpha usually 1) */
static inline cj_status cj_baddbmm(cj_ctx *c, cj_val c_, cj_val a, cj_val b, double beta, double alpha, cj_val *out) {
  cj_val in_[3] = {c_, a, b};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(beta);
  p_[1] = cj_param_num(alpha);
  return cj_apply(c, 260, in_, 3, p_, 2, out, 1, &nout_);
}

/* x weight' + bias (bias may be absent) */
static inline cj_status cj_linear(cj_ctx *c, cj_val x, cj_val weight, cj_val bias, cj_val *out) {
  cj_val in_[3] = {x, weight, bias};
  int nout_;
  return cj_apply(c, 261, in_, 3, NULL, 0, out, 1, &nout_);
}

/* Kronecker product: every element of a times all of b */
static inline cj_status cj_kron(cj_ctx *c, cj_val a, cj_val b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  return cj_apply(c, 262, in_, 2, NULL, 0, out, 1, &nout_);
}

/* sum of products over dims_a of a and dims_b of b; one number alone: so many last dims of a and first ones of b (dims_a usually 1, dims_b may be absent) */
static inline cj_status cj_tensordot(cj_ctx *c, cj_val a, cj_val b, const int64_t *dims_a, int ndims_a, const int64_t *dims_b, int ndims_b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  cj_param p_[2];
  if (ndims_a > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dims_a, ndims_a);
  if (ndims_b > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(dims_b, ndims_b);
  return cj_apply(c, 263, in_, 2, p_, 2, out, 1, &nout_);
}

/* product of matrices in the cheapest order; the first and the last may be vectors */
static inline cj_status cj_multi_dot(cj_ctx *c, const cj_val *tensors, int ntensors, cj_val *out) {
  int nout_;
  return cj_apply(c, 264, tensors, ntensors, NULL, 0, out, 1, &nout_);
}

/* sums of products over the last dims of both */
static inline cj_status cj_inner(cj_ctx *c, cj_val a, cj_val b, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  return cj_apply(c, 265, in_, 2, NULL, 0, out, 1, &nout_);
}

/* inner products along a dim (dim usually -1) */
static inline cj_status cj_linalg_vecdot(cj_ctx *c, cj_val a, cj_val b, int64_t dim, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 266, in_, 2, p_, 1, out, 1, &nout_);
}

/* filters over the last dim: x is [batch, channels, n], weight [filters, channels / groups, taps] (bias may be absent, stride usually 1, padding usually 0, dilation usually 1, groups usually 1) */
static inline cj_status cj_conv1d(cj_ctx *c, cj_val x, cj_val weight, cj_val bias, const int64_t *stride, int nstride, const int64_t *padding, int npadding, const int64_t *dilation, int ndilation, int64_t groups, cj_val *out) {
  cj_val in_[3] = {x, weight, bias};
  int nout_;
  cj_param p_[4];
  if (nstride > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(stride, nstride);
  if (npadding > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(padding, npadding);
  if (ndilation > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[2] = cj_param_ints(dilation, ndilation);
  p_[3] = cj_param_int(groups);
  return cj_apply(c, 267, in_, 3, p_, 4, out, 1, &nout_);
}

/* filters over the last two dims: x is [batch, channels, h, w], weight [filters, channels / groups, taps, taps] (bias may be absent, stride usually 1, padding usually 0, dilation usually 1, groups usually 1) */
static inline cj_status cj_conv2d(cj_ctx *c, cj_val x, cj_val weight, cj_val bias, const int64_t *stride, int nstride, const int64_t *padding, int npadding, const int64_t *dilation, int ndilation, int64_t groups, cj_val *out) {
  cj_val in_[3] = {x, weight, bias};
  int nout_;
  cj_param p_[4];
  if (nstride > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(stride, nstride);
  if (npadding > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(padding, npadding);
  if (ndilation > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[2] = cj_param_ints(dilation, ndilation);
  p_[3] = cj_param_int(groups);
  return cj_apply(c, 268, in_, 3, p_, 4, out, 1, &nout_);
}

/* largest element of each window of the last dim, every stride (usually the size of a window) elements (stride may be absent, padding usually 0, dilation usually 1, ceil_mode usually false) */
static inline cj_status cj_max_pool1d(cj_ctx *c, cj_val x, const int64_t *kernel_size, int nkernel_size, const int64_t *stride, int nstride, const int64_t *padding, int npadding, const int64_t *dilation, int ndilation, bool ceil_mode, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[5];
  if (nkernel_size > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(kernel_size, nkernel_size);
  if (nstride > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(stride, nstride);
  if (npadding > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[2] = cj_param_ints(padding, npadding);
  if (ndilation > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[3] = cj_param_ints(dilation, ndilation);
  p_[4] = cj_param_int(ceil_mode);
  return cj_apply(c, 269, in_, 1, p_, 5, out, 1, &nout_);
}

/* largest element of each window of the last two dims (stride may be absent, padding usually 0, dilation usually 1, ceil_mode usually false) */
static inline cj_status cj_max_pool2d(cj_ctx *c, cj_val x, const int64_t *kernel_size, int nkernel_size, const int64_t *stride, int nstride, const int64_t *padding, int npadding, const int64_t *dilation, int ndilation, bool ceil_mode, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[5];
  if (nkernel_size > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(kernel_size, nkernel_size);
  if (nstride > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(stride, nstride);
  if (npadding > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[2] = cj_param_ints(padding, npadding);
  if (ndilation > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[3] = cj_param_ints(dilation, ndilation);
  p_[4] = cj_param_int(ceil_mode);
  return cj_apply(c, 270, in_, 1, p_, 5, out, 1, &nout_);
}

/* mean of each window of the last dim; the border counts unless count_include_pad is false (stride may be absent, padding usually 0, ceil_mode usually false, count_include_pad usually true) */
static inline cj_status cj_avg_pool1d(cj_ctx *c, cj_val x, const int64_t *kernel_size, int nkernel_size, const int64_t *stride, int nstride, const int64_t *padding, int npadding, bool ceil_mode, bool count_include_pad, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[5];
  if (nkernel_size > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(kernel_size, nkernel_size);
  if (nstride > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(stride, nstride);
  if (npadding > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[2] = cj_param_ints(padding, npadding);
  p_[3] = cj_param_int(ceil_mode);
  p_[4] = cj_param_int(count_include_pad);
  return cj_apply(c, 271, in_, 1, p_, 5, out, 1, &nout_);
}

/* mean of each window of the last two dims, or its sum divided by divisor_override (stride may be absent, padding usually 0, ceil_mode usually false, count_include_pad usually true, divisor_override may be absent) */
static inline cj_status cj_avg_pool2d(cj_ctx *c, cj_val x, const int64_t *kernel_size, int nkernel_size, const int64_t *stride, int nstride, const int64_t *padding, int npadding, bool ceil_mode, bool count_include_pad, const double *divisor_override, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[6];
  if (nkernel_size > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(kernel_size, nkernel_size);
  if (nstride > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(stride, nstride);
  if (npadding > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[2] = cj_param_ints(padding, npadding);
  p_[3] = cj_param_int(ceil_mode);
  p_[4] = cj_param_int(count_include_pad);
  p_[5] = cj_param_maybe(divisor_override);
  return cj_apply(c, 272, in_, 1, p_, 6, out, 1, &nout_);
}

/* x less its mean, divided by its spread, over the last dims (those of weight, or of that shape, or one), times weight plus bias (weight may be absent, bias may be absent, eps usually 1e-5, shape may be absent) */
static inline cj_status cj_layer_norm(cj_ctx *c, cj_val x, cj_val weight, cj_val bias, double eps, const int64_t *shape, int nshape, cj_val *out) {
  cj_val in_[3] = {x, weight, bias};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(eps);
  if (nshape > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(shape, nshape);
  return cj_apply(c, 273, in_, 3, p_, 2, out, 1, &nout_);
}

/* first half of x along dim times sigmoid of the second half (dim usually -1) */
static inline cj_status cj_glu(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 274, in_, 1, p_, 1, out, 1, &nout_);
}

/* rows of weight by their number; the row padding_idx gets no derivative (padding_idx may be absent) */
static inline cj_status cj_embedding(cj_ctx *c, cj_val weight, cj_val index, const int64_t *padding_idx, cj_val *out) {
  cj_val in_[2] = {weight, index};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_ints(padding_idx, padding_idx ? 1 : -1);
  return cj_apply(c, 275, in_, 2, p_, 1, out, 1, &nout_);
}

/* mean of the squared differences (reduction usually "mean") */
static inline cj_status cj_mse_loss(cj_ctx *c, cj_val x, cj_val target, const char *reduction, cj_val *out) {
  cj_val in_[2] = {x, target};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_str(reduction);
  return cj_apply(c, 276, in_, 2, p_, 1, out, 1, &nout_);
}

/* mean of the absolute differences (reduction usually "mean") */
static inline cj_status cj_l1_loss(cj_ctx *c, cj_val x, cj_val target, const char *reduction, cj_val *out) {
  cj_val in_[2] = {x, target};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_str(reduction);
  return cj_apply(c, 277, in_, 2, p_, 1, out, 1, &nout_);
}

/* mean of half the squared differences, beyond delta of lines (delta usually 1, reduction usually "mean") */
static inline cj_status cj_huber_loss(cj_ctx *c, cj_val x, cj_val target, double delta, const char *reduction, cj_val *out) {
  cj_val in_[2] = {x, target};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(delta);
  p_[1] = cj_param_str(reduction);
  return cj_apply(c, 278, in_, 2, p_, 2, out, 1, &nout_);
}

/* huber_loss divided by beta: the absolute difference, rounded off below beta (beta usually 1, reduction usually "mean") */
static inline cj_status cj_smooth_l1_loss(cj_ctx *c, cj_val x, cj_val target, double beta, const char *reduction, cj_val *out) {
  cj_val in_[2] = {x, target};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(beta);
  p_[1] = cj_param_str(reduction);
  return cj_apply(c, 279, in_, 2, p_, 2, out, 1, &nout_);
}

/* mean of -x at the class of each sample, x being log-probabilities with the classes in the second dim (weight may be absent, ignore_index usually -100, reduction usually "mean") */
static inline cj_status cj_nll_loss(cj_ctx *c, cj_val x, cj_val target, cj_val weight, int64_t ignore_index, const char *reduction, cj_val *out) {
  cj_val in_[3] = {x, target, weight};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(ignore_index);
  p_[1] = cj_param_str(reduction);
  return cj_apply(c, 280, in_, 3, p_, 2, out, 1, &nout_);
}

/* nll_loss of log_softmax(x); target: classes, or probabilities of the classes (weight may be absent, ignore_index usually -100, reduction usually "mean", label_smoothing usually 0) */
static inline cj_status cj_cross_entropy(cj_ctx *c, cj_val x, cj_val target, cj_val weight, int64_t ignore_index, const char *reduction, double label_smoothing, cj_val *out) {
  cj_val in_[3] = {x, target, weight};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(ignore_index);
  p_[1] = cj_param_str(reduction);
  p_[2] = cj_param_num(label_smoothing);
  return cj_apply(c, 281, in_, 3, p_, 3, out, 1, &nout_);
}

/* sum of target (log target - x) over the number of samples, x being log-probabilities (reduction usually "batchmean", log_target usually false) */
static inline cj_status cj_kl_div(cj_ctx *c, cj_val x, cj_val target, const char *reduction, bool log_target, cj_val *out) {
  cj_val in_[2] = {x, target};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_str(reduction);
  p_[1] = cj_param_int(log_target);
  return cj_apply(c, 282, in_, 2, p_, 2, out, 1, &nout_);
}

/* mean of -target log(x) - (1 - target) log(1 - x) (weight may be absent, reduction usually "mean") */
static inline cj_status cj_binary_cross_entropy(cj_ctx *c, cj_val x, cj_val target, cj_val weight, const char *reduction, cj_val *out) {
  cj_val in_[3] = {x, target, weight};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_str(reduction);
  return cj_apply(c, 283, in_, 3, p_, 1, out, 1, &nout_);
}

/* binary_cross_entropy of sigmoid(x), exact for large x too (weight may be absent, pos_weight may be absent, reduction usually "mean") */
static inline cj_status cj_bce_with_logits(cj_ctx *c, cj_val x, cj_val target, cj_val weight, cj_val pos_weight, const char *reduction, cj_val *out) {
  cj_val in_[4] = {x, target, weight, pos_weight};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_str(reduction);
  return cj_apply(c, 284, in_, 4, p_, 1, out, 1, &nout_);
}

/* inner product along dim of the vectors of length 1 in the directions of a and b (dim usually 1, eps usually 1e-8) */
static inline cj_status cj_cosine_similarity(cj_ctx *c, cj_val a, cj_val b, int64_t dim, double eps, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_num(eps);
  return cj_apply(c, 285, in_, 2, p_, 2, out, 1, &nout_);
}

/* a and b differ by at most atol + rtol |b| (rtol usually 1e-5, atol usually 1e-8, equal_nan usually false) */
static inline cj_status cj_isclose(cj_ctx *c, cj_val a, cj_val b, double rtol, double atol, bool equal_nan, cj_val *out) {
  cj_val in_[2] = {a, b};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_num(rtol);
  p_[1] = cj_param_num(atol);
  p_[2] = cj_param_int(equal_nan);
  return cj_apply(c, 286, in_, 2, p_, 3, out, 1, &nout_);
}

/* is +inf */
static inline cj_status cj_isposinf(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 287, in_, 1, NULL, 0, out, 1, &nout_);
}

/* is -inf */
static inline cj_status cj_isneginf(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 288, in_, 1, NULL, 0, out, 1, &nout_);
}

/* has a minus sign, as -0 has */
static inline cj_status cj_signbit(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 289, in_, 1, NULL, 0, out, 1, &nout_);
}

/* larger of two, not NaN if one is a number */
static inline cj_status cj_fmax(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 290, in_, 2, NULL, 0, out, 1, &nout_);
}

/* smaller of two, not NaN if one is a number */
static inline cj_status cj_fmin(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 291, in_, 2, NULL, 0, out, 1, &nout_);
}

/* 0 for negative x, 1 for positive x, values where x is 0 */
static inline cj_status cj_heaviside(cj_ctx *c, cj_val x, cj_val values, cj_val *out) {
  cj_val in_[2] = {x, values};
  int nout_;
  return cj_apply(c, 292, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x with numbers for NaN, inf and -inf; by default 0 and the largest numbers (nan usually 0, posinf may be absent, neginf may be absent) */
static inline cj_status cj_nan_to_num(cj_ctx *c, cj_val x, double nan, const double *posinf, const double *neginf, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_num(nan);
  p_[1] = cj_param_maybe(posinf);
  p_[2] = cj_param_maybe(neginf);
  return cj_apply(c, 293, in_, 1, p_, 3, out, 1, &nout_);
}

/* degrees in radians */
static inline cj_status cj_deg2rad(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 294, in_, 1, NULL, 0, out, 1, &nout_);
}

/* radians in degrees */
static inline cj_status cj_rad2deg(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 295, in_, 1, NULL, 0, out, 1, &nout_);
}

/* log2(2^x + 2^z) */
static inline cj_status cj_logaddexp2(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 296, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x between 0 and 6 */
static inline cj_status cj_relu6(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 297, in_, 1, NULL, 0, out, 1, &nout_);
}

/* (x + 3) / 6 between 0 and 1 */
static inline cj_status cj_hardsigmoid(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 298, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x hardsigmoid(x) */
static inline cj_status cj_hardswish(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 299, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x / (1 + |x|) */
static inline cj_status cj_softsign(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 300, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x - tanh(x) */
static inline cj_status cj_tanhshrink(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 301, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x brought nearer to 0 by lambda, 0 within it (lambda usually 0.5) */
static inline cj_status cj_softshrink(cj_ctx *c, cj_val x, double lambda, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_num(lambda);
  return cj_apply(c, 302, in_, 1, p_, 1, out, 1, &nout_);
}

/* x, but 0 within lambda (lambda usually 0.5) */
static inline cj_status cj_hardshrink(cj_ctx *c, cj_val x, double lambda, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_num(lambda);
  return cj_apply(c, 303, in_, 1, p_, 1, out, 1, &nout_);
}

/* x where above threshold, else value */
static inline cj_status cj_threshold(cj_ctx *c, cj_val x, double threshold, double value, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(threshold);
  p_[1] = cj_param_num(value);
  return cj_apply(c, 304, in_, 1, p_, 2, out, 1, &nout_);
}

/* x tanh(softplus(x)) */
static inline cj_status cj_mish(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 305, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x where positive, else alpha (exp(x / alpha) - 1) (alpha usually 1) */
static inline cj_status cj_celu(cj_ctx *c, cj_val x, double alpha, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_num(alpha);
  return cj_apply(c, 306, in_, 1, p_, 1, out, 1, &nout_);
}

/* elu scaled so that layers keep mean 0 and variance 1 */
static inline cj_status cj_selu(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 307, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x where positive, else slope x, with one slope or one for each place along the second dim */
static inline cj_status cj_prelu(cj_ctx *c, cj_val x, cj_val slope, cj_val *out) {
  cj_val in_[2] = {x, slope};
  int nout_;
  return cj_apply(c, 308, in_, 2, NULL, 0, out, 1, &nout_);
}

/* softmax of -x (dim usually -1) */
static inline cj_status cj_softmin(cj_ctx *c, cj_val x, int64_t dim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 309, in_, 1, p_, 1, out, 1, &nout_);
}

/* distribution function of the normal distribution */
static inline cj_status cj_ndtr(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 310, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm of ndtr, also far to the left */
static inline cj_status cj_log_ndtr(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 311, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x log(1 + y), which is 0 where x is 0 */
static inline cj_status cj_xlog1py(cj_ctx *c, cj_val x, cj_val y, cj_val *out) {
  cj_val in_[2] = {x, y};
  int nout_;
  return cj_apply(c, 312, in_, 2, NULL, 0, out, 1, &nout_);
}

/* logarithm of the gamma function of p dimensions */
static inline cj_status cj_special_multigammaln(cj_ctx *c, cj_val x, int64_t p, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(p);
  return cj_apply(c, 313, in_, 1, p_, 1, out, 1, &nout_);
}

/* logarithm of the gamma function of p dimensions */
static inline cj_status cj_mvlgamma(cj_ctx *c, cj_val x, int64_t p, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(p);
  return cj_apply(c, 314, in_, 1, p_, 1, out, 1, &nout_);
}

/* 1 / (1 + exp(-x)) */
static inline cj_status cj_special_expit(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 315, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm of |gamma(x)| */
static inline cj_status cj_special_gammaln(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 316, in_, 1, NULL, 0, out, 1, &nout_);
}

/* derivative of gammaln */
static inline cj_status cj_special_psi(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 317, in_, 1, NULL, 0, out, 1, &nout_);
}

/* U, S, V' with A = U diag(S) V', reduced; the singular values S descend */
static inline cj_status cj_linalg_svd(cj_ctx *c, cj_val A, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  return cj_apply(c, 318, in_, 1, NULL, 0, out, cap, nout);
}

/* singular values, descending */
static inline cj_status cj_linalg_svdvals(cj_ctx *c, cj_val A, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  return cj_apply(c, 319, in_, 1, NULL, 0, out, 1, &nout_);
}

/* pseudoinverse; singular values up to the larger of atol and rtol times the largest count as 0 (rtol may be absent, atol may be absent) */
static inline cj_status cj_linalg_pinv(cj_ctx *c, cj_val A, const double *rtol, const double *atol, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_maybe(rtol);
  p_[1] = cj_param_maybe(atol);
  return cj_apply(c, 320, in_, 1, p_, 2, out, 1, &nout_);
}

/* number of singular values above the larger of atol and rtol times the largest (rtol may be absent, atol may be absent) */
static inline cj_status cj_linalg_matrix_rank(cj_ctx *c, cj_val A, const double *rtol, const double *atol, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_maybe(rtol);
  p_[1] = cj_param_maybe(atol);
  return cj_apply(c, 321, in_, 1, p_, 2, out, 1, &nout_);
}

/* the shortest X of those that bring A X closest to B; B is a matrix, a vector, or a batch of either (rtol may be absent) */
static inline cj_status cj_linalg_lstsq(cj_ctx *c, cj_val A, cj_val B, const double *rtol, cj_val *out) {
  cj_val in_[2] = {A, B};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_maybe(rtol);
  return cj_apply(c, 322, in_, 2, p_, 1, out, 1, &nout_);
}

/* eigenvalues, real and imaginary parts, and eigenvectors, in columns, real and imaginary parts */
static inline cj_status cj_linalg_eig(cj_ctx *c, cj_val A, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  return cj_apply(c, 323, in_, 1, NULL, 0, out, cap, nout);
}

/* eigenvalues, real and imaginary parts */
static inline cj_status cj_linalg_eigvals(cj_ctx *c, cj_val A, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  return cj_apply(c, 324, in_, 1, NULL, 0, out, cap, nout);
}

/* exponential of a matrix */
static inline cj_status cj_linalg_matrix_exp(cj_ctx *c, cj_val A, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  return cj_apply(c, 325, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exponential of a matrix: another name of matrix_exp */
static inline cj_status cj_linalg_expm(cj_ctx *c, cj_val A, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  return cj_apply(c, 326, in_, 1, NULL, 0, out, 1, &nout_);
}

/* norm of matrices in two dims (the last): ord is 1, -1, inf, -inf (sums of columns, of rows), 2, -2 (singular values), "nuc" (their sum) or "fro" (ord usually "fro", dim may be absent, keepdim usually false) */
static inline cj_status cj_linalg_matrix_norm(cj_ctx *c, cj_val A, cj_param ord, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  cj_param p_[3];
  p_[0] = ord;
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(dim, ndim);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 327, in_, 1, p_, 3, out, 1, &nout_);
}

/* p-norm of the elements as a vector, over all of them or along dims (ord usually 2, dim may be absent, keepdim usually false) */
static inline cj_status cj_linalg_vector_norm(cj_ctx *c, cj_val x, cj_param ord, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = ord;
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(dim, ndim);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 328, in_, 1, p_, 3, out, 1, &nout_);
}

/* norm of a vector, or with an order of a matrix: see vector_norm and matrix_norm; without an order the 2-norm of all elements, or along dims (ord may be absent, dim may be absent, keepdim usually false) */
static inline cj_status cj_linalg_norm(cj_ctx *c, cj_val x, cj_param ord, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = ord;
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[1] = cj_param_ints(dim, ndim);
  p_[2] = cj_param_int(keepdim);
  return cj_apply(c, 329, in_, 1, p_, 3, out, 1, &nout_);
}

/* condition number: the norm of A times that of its inverse (p usually 2) */
static inline cj_status cj_linalg_cond(cj_ctx *c, cj_val A, cj_param p, cj_val *out) {
  cj_val in_[1] = {A};
  int nout_;
  cj_param p_[1];
  p_[0] = p;
  return cj_apply(c, 330, in_, 1, p_, 1, out, 1, &nout_);
}

/* P, L, U: a permutation, lower triangular with 1 on the diagonal, upper triangular, A = P L U */
static inline cj_status cj_linalg_lu(cj_ctx *c, cj_val A, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  return cj_apply(c, 331, in_, 1, NULL, 0, out, cap, nout);
}

/* L and U in one matrix, and the rows that were exchanged with row 1, 2, ... */
static inline cj_status cj_linalg_lu_factor(cj_ctx *c, cj_val A, cj_val *out, int cap, int *nout) {
  cj_val in_[1] = {A};
  return cj_apply(c, 332, in_, 1, NULL, 0, out, cap, nout);
}

/* X of A X = B (of A' X = B if adjoint), LU and pivots being lu_factor(A) (adjoint usually false) */
static inline cj_status cj_linalg_lu_solve(cj_ctx *c, cj_val LU, cj_val pivots, cj_val B, bool adjoint, cj_val *out) {
  cj_val in_[3] = {LU, pivots, B};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(adjoint);
  return cj_apply(c, 333, in_, 3, p_, 1, out, 1, &nout_);
}

/* log(1 + exp(beta x)) / beta, and x itself where beta x is above threshold (beta usually 1, threshold may be absent) */
static inline cj_status cj_softplus(cj_ctx *c, cj_val x, double beta, const double *threshold, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_num(beta);
  p_[1] = cj_param_maybe(threshold);
  return cj_apply(c, 334, in_, 1, p_, 2, out, 1, &nout_);
}

#ifdef __cplusplus
}
#endif
#endif
