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

/* z where x is true, else w; the other branch contributes 0 to derivatives, never NaN */
static inline cj_status cj_where(cj_ctx *c, cj_val x, cj_val z, cj_val w, cj_val *out) {
  cj_val in_[3] = {x, z, w};
  int nout_;
  return cj_apply(c, 18, in_, 3, NULL, 0, out, 1, &nout_);
}

/* x < z */
static inline cj_status cj_lt(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 19, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x <= z */
static inline cj_status cj_le(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 20, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x > z */
static inline cj_status cj_gt(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 21, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x >= z */
static inline cj_status cj_ge(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 22, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x equal to z */
static inline cj_status cj_eq(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 23, in_, 2, NULL, 0, out, 1, &nout_);
}

/* x different from z */
static inline cj_status cj_ne(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 24, in_, 2, NULL, 0, out, 1, &nout_);
}

/* both true */
static inline cj_status cj_logical_and(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 25, in_, 2, NULL, 0, out, 1, &nout_);
}

/* one or both true */
static inline cj_status cj_logical_or(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 26, in_, 2, NULL, 0, out, 1, &nout_);
}

/* exactly one true */
static inline cj_status cj_logical_xor(cj_ctx *c, cj_val x, cj_val z, cj_val *out) {
  cj_val in_[2] = {x, z};
  int nout_;
  return cj_apply(c, 27, in_, 2, NULL, 0, out, 1, &nout_);
}

/* not true */
static inline cj_status cj_logical_not(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 28, in_, 1, NULL, 0, out, 1, &nout_);
}

/* is not a number */
static inline cj_status cj_isnan(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 29, in_, 1, NULL, 0, out, 1, &nout_);
}

/* is infinite */
static inline cj_status cj_isinf(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 30, in_, 1, NULL, 0, out, 1, &nout_);
}

/* is neither infinite nor NaN */
static inline cj_status cj_isfinite(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 31, in_, 1, NULL, 0, out, 1, &nout_);
}

/* negation */
static inline cj_status cj_neg(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 32, in_, 1, NULL, 0, out, 1, &nout_);
}

/* absolute value; derivative 0 at 0 */
static inline cj_status cj_abs(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 33, in_, 1, NULL, 0, out, 1, &nout_);
}

/* -1, 0 or 1 */
static inline cj_status cj_sign(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 34, in_, 1, NULL, 0, out, 1, &nout_);
}

/* largest integer not above x */
static inline cj_status cj_floor(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 35, in_, 1, NULL, 0, out, 1, &nout_);
}

/* smallest integer not below x */
static inline cj_status cj_ceil(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 36, in_, 1, NULL, 0, out, 1, &nout_);
}

/* nearest integer, halves to even */
static inline cj_status cj_round(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 37, in_, 1, NULL, 0, out, 1, &nout_);
}

/* integer part */
static inline cj_status cj_trunc(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 38, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x minus its integer part */
static inline cj_status cj_frac(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 39, in_, 1, NULL, 0, out, 1, &nout_);
}

/* square */
static inline cj_status cj_square(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 40, in_, 1, NULL, 0, out, 1, &nout_);
}

/* square root */
static inline cj_status cj_sqrt(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 41, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 / square root */
static inline cj_status cj_rsqrt(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 43, in_, 1, NULL, 0, out, 1, &nout_);
}

/* cube root */
static inline cj_status cj_cbrt(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 44, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 / x */
static inline cj_status cj_reciprocal(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 45, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exponential */
static inline cj_status cj_exp(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 46, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 2 to the power x */
static inline cj_status cj_exp2(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 47, in_, 1, NULL, 0, out, 1, &nout_);
}

/* exp(x) - 1, exact near 0 */
static inline cj_status cj_expm1(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 48, in_, 1, NULL, 0, out, 1, &nout_);
}

/* natural logarithm */
static inline cj_status cj_log(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 49, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm to base 2 */
static inline cj_status cj_log2(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 50, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm to base 10 */
static inline cj_status cj_log10(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 51, in_, 1, NULL, 0, out, 1, &nout_);
}

/* log(1 + x), exact near 0 */
static inline cj_status cj_log1p(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 52, in_, 1, NULL, 0, out, 1, &nout_);
}

/* sine */
static inline cj_status cj_sin(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 53, in_, 1, NULL, 0, out, 1, &nout_);
}

/* cosine */
static inline cj_status cj_cos(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 54, in_, 1, NULL, 0, out, 1, &nout_);
}

/* tangent */
static inline cj_status cj_tan(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 55, in_, 1, NULL, 0, out, 1, &nout_);
}

/* arc sine */
static inline cj_status cj_asin(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 56, in_, 1, NULL, 0, out, 1, &nout_);
}

/* arc cosine */
static inline cj_status cj_acos(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 57, in_, 1, NULL, 0, out, 1, &nout_);
}

/* arc tangent */
static inline cj_status cj_atan(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 58, in_, 1, NULL, 0, out, 1, &nout_);
}

/* hyperbolic sine */
static inline cj_status cj_sinh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 59, in_, 1, NULL, 0, out, 1, &nout_);
}

/* hyperbolic cosine */
static inline cj_status cj_cosh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 60, in_, 1, NULL, 0, out, 1, &nout_);
}

/* hyperbolic tangent */
static inline cj_status cj_tanh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 61, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse hyperbolic sine */
static inline cj_status cj_asinh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 62, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse hyperbolic cosine */
static inline cj_status cj_acosh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 63, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse hyperbolic tangent */
static inline cj_status cj_atanh(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 64, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 / (1 + exp(-x)) */
static inline cj_status cj_sigmoid(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 65, in_, 1, NULL, 0, out, 1, &nout_);
}

/* log(1 + exp(x)) */
static inline cj_status cj_softplus(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 66, in_, 1, NULL, 0, out, 1, &nout_);
}

/* x where positive, else 0 */
static inline cj_status cj_relu(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 67, in_, 1, NULL, 0, out, 1, &nout_);
}

/* sin(pi x) / (pi x) */
static inline cj_status cj_sinc(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 68, in_, 1, NULL, 0, out, 1, &nout_);
}

/* error function */
static inline cj_status cj_erf(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 69, in_, 1, NULL, 0, out, 1, &nout_);
}

/* 1 - erf(x), exact for large x */
static inline cj_status cj_erfc(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 70, in_, 1, NULL, 0, out, 1, &nout_);
}

/* inverse of erf */
static inline cj_status cj_erfinv(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 71, in_, 1, NULL, 0, out, 1, &nout_);
}

/* logarithm of |gamma(x)| */
static inline cj_status cj_lgamma(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 72, in_, 1, NULL, 0, out, 1, &nout_);
}

/* derivative of lgamma */
static inline cj_status cj_digamma(cj_ctx *c, cj_val x, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  return cj_apply(c, 73, in_, 1, NULL, 0, out, 1, &nout_);
}

/* the same elements in another shape; one size may be -1: what is left */
static inline cj_status cj_reshape(cj_ctx *c, cj_val x, const int64_t *shape, int nshape, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (nshape > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(shape, nshape);
  return cj_apply(c, 79, in_, 1, p_, 1, out, 1, &nout_);
}

/* the axes in another order */
static inline cj_status cj_permute(cj_ctx *c, cj_val x, const int64_t *dims, int ndims, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (ndims > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dims, ndims);
  return cj_apply(c, 80, in_, 1, p_, 1, out, 1, &nout_);
}

/* repeats axes of size 1, and as new leading axes; -1 keeps a size */
static inline cj_status cj_expand(cj_ctx *c, cj_val x, const int64_t *shape, int nshape, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[1];
  if (nshape > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(shape, nshape);
  return cj_apply(c, 81, in_, 1, p_, 1, out, 1, &nout_);
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
  return cj_apply(c, 82, in_, 1, p_, 4, out, 1, &nout_);
}

/* the diagonal of two axes, which becomes the last one (offset usually 0, dim1 usually 0, dim2 usually 1) */
static inline cj_status cj_diagonal(cj_ctx *c, cj_val x, int64_t offset, int64_t dim1, int64_t dim2, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(offset);
  p_[1] = cj_param_int(dim1);
  p_[2] = cj_param_int(dim2);
  return cj_apply(c, 83, in_, 1, p_, 3, out, 1, &nout_);
}

/* windows of that size every step elements of an axis; the places in a window become the last axis */
static inline cj_status cj_unfold(cj_ctx *c, cj_val x, int64_t dim, int64_t size, int64_t step, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[3];
  p_[0] = cj_param_int(dim);
  p_[1] = cj_param_int(size);
  p_[2] = cj_param_int(step);
  return cj_apply(c, 84, in_, 1, p_, 3, out, 1, &nout_);
}

/* tensors one after the other along an axis (dim usually 0) */
static inline cj_status cj_cat(cj_ctx *c, const cj_val *tensors, int ntensors, int64_t dim, cj_val *out) {
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 91, tensors, ntensors, p_, 1, out, 1, &nout_);
}

/* the elements of x at index along an axis; the result has the shape of index */
static inline cj_status cj_gather(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val *out) {
  cj_val in_[2] = {x, index};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 92, in_, 2, p_, 1, out, 1, &nout_);
}

/* x with the elements of src written to the places index along an axis */
static inline cj_status cj_scatter(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val src, cj_val *out) {
  cj_val in_[3] = {x, index, src};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 93, in_, 3, p_, 1, out, 1, &nout_);
}

/* x with the elements of src added at the places index along an axis */
static inline cj_status cj_scatter_add(cj_ctx *c, cj_val x, int64_t dim, cj_val index, cj_val src, cj_val *out) {
  cj_val in_[3] = {x, index, src};
  int nout_;
  cj_param p_[1];
  p_[0] = cj_param_int(dim);
  return cj_apply(c, 94, in_, 3, p_, 1, out, 1, &nout_);
}

/* sum over all axes, one or several; 0 of nothing (dim may be absent, keepdim usually false) */
static inline cj_status cj_sum(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 95, in_, 1, p_, 2, out, 1, &nout_);
}

/* product over all axes or one; 1 of nothing (dim may be absent, keepdim usually false) */
static inline cj_status cj_prod(cj_ctx *c, cj_val x, const int64_t *dim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  p_[0] = cj_param_ints(dim, dim ? 1 : -1);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 96, in_, 1, p_, 2, out, 1, &nout_);
}

/* largest element; ties share the derivative (dim may be absent, keepdim usually false) */
static inline cj_status cj_amax(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 97, in_, 1, p_, 2, out, 1, &nout_);
}

/* smallest element; ties share the derivative (dim may be absent, keepdim usually false) */
static inline cj_status cj_amin(cj_ctx *c, cj_val x, const int64_t *dim, int ndim, bool keepdim, cj_val *out) {
  cj_val in_[1] = {x};
  int nout_;
  cj_param p_[2];
  if (ndim > 2 * CJ_MAXRANK) return CJ_EARG;
  p_[0] = cj_param_ints(dim, ndim);
  p_[1] = cj_param_int(keepdim);
  return cj_apply(c, 98, in_, 1, p_, 2, out, 1, &no