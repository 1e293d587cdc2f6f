/* special.h -- functions that neither SLEEF nor libm has, one number at a time. */
#ifndef cj_kernel_special_h
#define cj_kernel_special_h

double cjk_lgamma(double x); /* log |gamma(x)|; libm's, which on its own writes a global */
float cjk_lgammaf(float x);
double cjk_digamma(double x);             /* psi; -inf at +0, NaN at negative integers */
double cjk_polygamma(double n, double x); /* n-th derivative of psi; NaN unless n = 0, 1, 2, .. */
double cjk_erfinv(double x);              /* NaN outside [-1, 1] */
double cjk_erfcx(double x);               /* exp(x^2) erfc(x) */
double cjk_ndtri(double p);               /* quantile of the normal distribution; NaN outside [0, 1] */
double cjk_i0(double x);                  /* modified Bessel functions of the first kind, order 0 and 1 */
double cjk_i1(double x);
double cjk_i0e(double x); /* the same times exp(-|x|) */
double cjk_i1e(double x);
#endif
