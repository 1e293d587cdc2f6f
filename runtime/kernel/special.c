/* special.c -- digamma, polygamma, inverse error function: formulas of Abramowitz and Stegun,
** "Handbook of Mathematical Functions" (A&S), arranged so that nothing cancels. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* lgamma_r: lgamma writes a global */
#endif
#include "kernel/special.h"
#include <math.h>

#define PI 3.14159265358979323846
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* B_2k / (2k), k = 1 .. */
static const double bernoulli_2k[] = {1.0 / 12,       -1.0 / 120, 1.0 / 252,      -1.0 / 240,     1.0 / 132,
                                      -691.0 / 32760, 1.0 / 12,   -3617.0 / 8160, 43867.0 / 14364};

/* psi for x >= 10 (A&S 6.3.18) */
static double psi_large(double x) {
  double u = 1 / (x * x), s = 0;
  for (int k = COUNT(bernoulli_2k) - 1; k >= 0; k--) s = (s + bernoulli_2k[k]) * u;
  return log(x) - 0.5 / x - s;
}

/* psi on [1, 2], relatively exact at its zero x0 = hi + lo: psi(x) = psi(x) - psi(x0), each difference
** written with the factor x - x0; the tail is that of psi_large at x + 10 and x0 + 10. */
static double psi_near_zero(double x) {
  const double hi = 0x1.762d86356be3fp+0, lo = 0x1.b86a722197829p-54;
  double d = (x - hi) - lo, a = x + 10, b = hi + 10, s = 0;
  for (int k = 0; k < 10; k++) s += 1 / ((hi + k) * (x + k));
  double u = 1 / (a * a), v = 1 / (b * b), p = 0, q = 0; /* q: divided difference of the polynomial p */
  for (int k = COUNT(bernoulli_2k) - 1; k >= 0; k--) {
    q = q * u + p;
    p = p * v + bernoulli_2k[k];
  }
  q = q * u + p; /* the polynomial has a factor u */
  double tail = 0.5 / (a * b) + q * (a + b) * u * v;
  return d * (s + tail) + log1p(d / b);
}

double cjk_lgamma(double x) { return lgamma_r(x, &(int){0}); }
float cjk_lgammaf(float x) { return lgammaf_r(x, &(int){0}); }

double cjk_digamma(double x) {
  if (x == 0) return copysign(INFINITY, -x);
  if (x < 0) { /* reflection, A&S 6.3.7; cot from the distance to the nearest pole */
    double r = x - rint(x);
    if (r == 0 || !isfinite(x)) return NAN;
    return cjk_digamma(1 - x) - PI / tan(PI * r);
  }
  if (!(x < 10)) return psi_large(x);
  double s = 0;
  for (; x > 2; s += 1 / x) x -= 1;
  if (x < 1) return psi_near_zero(x + 1) - 1 / x;
  return psi_near_zero(x) + s;
}

/* The Hurwitz zeta function of integer s >= 2 and q > 0, times q^s: direct terms, then the
** Euler-Maclaurin sum (A&S 23.1.30 and 3.6.28). */
static double zeta_scaled(double s, double q) {
  double sum = 0, t = 1, k = 0;
  for (; q + k < s + 10; t = exp(-s * log1p(++k / q))) {
    sum += t;
    if (t < 1e-17 * sum) return sum;
  }
  double a = q + k;
  sum += t * (a / (s - 1) + 0.5);
  double f = t * s / a; /* s (s+1) .. (s+2j-2) / a^(2j-1) / (2j-1)! */
  for (int j = 1; j <= COUNT(bernoulli_2k); j++) {
    sum += f * bernoulli_2k[j - 1];
    f *= (s + 2 * j - 1) * (s + 2 * j) / (2 * j * (2 * j + 1.0) * a * a);
  }
  return sum;
}

/* n! zeta(n + 1, q) */
static double factorial_zeta(double n, double q) {
  double z = zeta_scaled(n + 1, q), f = tgamma(n + 1), p = pow(q, -(n + 1)), y = f * p * z;
  if (f < 1e300 && p > 1e-290 && y > 1e-300 && y < 1e300) return y;
  return exp(cjk_lgamma(n + 1) - (n + 1) * log(q)) * z; /* a factor may be out of range */
}

/* A&S 6.4.10.  For x < 0: the sum over all integers k of (x + k)^-s has period 1, so it is taken at r,
** the distance to the nearest pole, less its part beyond 0. */
double cjk_polygamma(double n, double x) {
  if (!(n >= 0) || n != floor(n) || isnan(x)) return NAN;
  if (n == 0) return cjk_digamma(x);
  double sign = fmod(n, 2) != 0 ? 1 : -1; /* also of (-1)^s, s = n + 1 */
  if (isinf(x)) return x > 0 ? sign * 0.0 : NAN;
  if (x > 0) return sign * factorial_zeta(n, x);
  double r = x - rint(x);
  if (r == 0) return sign * INFINITY;
  double pole = tgamma(n + 1) * pow(r, -(n + 1));
  double period = pole + factorial_zeta(n, 1 + r) + sign * factorial_zeta(n, 1 - r);
  return sign * (period - sign * factorial_zeta(n, 1 - x));
}

/* Start: Winitzki, "A handy approximation for the error function and its inverse" (2008), good to
** 2e-3; then two steps of Halley's method (cubic), on erfc where erf is close to 1. */
double cjk_erfinv(double x) {
  double a = fabs(x);
  if (!(a < 1)) return a == 1 ? copysign(INFINITY, x) : NAN;
  if (a < 1e-8) return x * 0.88622692545275801365; /* the next term is x^3 / 4 */
  double l = log1p(-a * a), h = 2 / (PI * 0.147) + l / 2;
  if (a > 0.9) l = log((1 - a) * (1 + a)), h = 2 / (PI * 0.147) + l / 2;
  double y = sqrt(sqrt(h * h - l / 0.147) - h);
  for (int i = 0; i < 2; i++) {
    double f = a < 0.5 ? erf(y) - a : (1 - a) - erfc(y);
    double u = f * 0.88622692545275801365 * exp(y * y);
    y -= u / (1 + y * u);
  }
  return copysign(y, x);
}
