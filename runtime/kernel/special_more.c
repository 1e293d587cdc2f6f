/* special_more.c -- the scaled complementary error function, normal quantiles, modified Bessel functions: formulas of
** Abramowitz and Stegun, "Handbook of Mathematical Functions" (A&S). */
#include "kernel/special.h"
#include <math.h>

/* --- erfcx ------------------------------------------------------------------------------------ */

/* A&S 7.1.23; from 25 on ten terms are exact. */
static double erfcx_far(double x) {
  double u = 1 / (2 * x * x), s = 1;
  for (int k = 10; k >= 1; k--) s = 1 - (2 * k - 1) * u * s;
  return s / (x * 1.77245385090551602730);
}

/* exp(x^2) with the rounding error of the square put back */
static double exp_of_square(double x) {
  double q = x * x;
  return isinf(q) ? q : exp(q) * (1 + fma(x, x, -q));
}

double cjk_erfcx(double x) {
  if (x >= 25) return erfcx_far(x);
  return x < -27 ? (double)INFINITY : exp_of_square(x) * erfc(x);
}

/* --- the quantile of the normal distribution ---------------------------------------------------- */

/* x > 0 with erfc(x) = q, q <= 1/2.  Start: A&S 26.2.23, good to 4.5e-4; then Halley's method on
** log(erfc(x)) - log(q), whose terms stay in range. */
static double erfc_inverse(double q) {
  double t = sqrt(-2 * log(q / 2));
  double num = 2.515517 + t * (0.802853 + t * 0.010328), den = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  double x = (t - num / den) * 0.70710678118654752440;
  for (int i = 0; i < 3; i++) {
    double e = cjk_erfcx(x), slope = -1.12837916709551257390 / e; /* d log(erfc) / dx */
    double f = log(e) - x * x - log(q), bend = -2 * x - slope;    /* second derivative over the first */
    x -= f / (slope - 0.5 * f * bend);
  }
  return x;
}

double cjk_ndtri(double p) {
  if (!(p >= 0 && p <= 1)) return (double)NAN;
  if (p == 0 || p == 1) return p == 0 ? -(double)INFINITY : (double)INFINITY;
  if (p > 0.25 && p < 0.75) return 1.41421356237309504880 * cjk_erfinv(2 * p - 1);
  return p < 0.5 ? -1.41421356237309504880 * erfc_inverse(2 * p) : 1.41421356237309504880 * erfc_inverse(2 * (1 - p));
}

/* --- modified Bessel functions ------------------------------------------------------------------- */

/* A&S 9.6.10: all terms are positive. */
static double bessel_series(double x, int order) {
  double q = 0.25 * x * x, term = 1, sum = 1;
  for (int k = 1; term > 1e-17 * sum; k++) sum += term *= q / ((double)k * (k + order));
  return order ? 0.5 * x * sum : sum;
}

/* A&S 9.7.1 without the exponential; from 20 on its terms fall below the rounding error before they grow. */
static double bessel_far(double x, int order) {
  double mu = 4.0 * order, term = 1, sum = 1;
  for (int k = 1; k < 40 && fabs(term) > 1e-17; k++) sum += term *= ((2 * k - 1) * (2 * k - 1) - mu) / (8 * k * x);
  return sum / sqrt(6.28318530717958647693 * x);
}

static double scaled_bessel(double x, int order) {
  double a = fabs(x);
  if (isnan(x)) return x;
  double y = isinf(a) ? 0 : a < 20 ? bessel_series(a, order) * exp(-a) : bessel_far(a, order);
  return order && x < 0 ? -y : y;
}

static double full_bessel(double x, int order) {
  double a = fabs(x);
  if (isnan(x)) return x;
  double y = a < 20 ? bessel_series(a, order) : isinf(a) ? a : bessel_far(a, order) * exp(a / 2) * exp(a / 2);
  return order && x < 0 ? -y : y;
}

double cjk_i0(double x) { return full_bessel(x, 0); }
double cjk_i1(double x) { return full_bessel(x, 1); }
double cjk_i0e(double x) { return scaled_bessel(x, 0); }
double cjk_i1e(double x) { return scaled_bessel(x, 1); }
