/*
** burgers.c -- u (u_right - u_left) / 2 - 0.1 (u_right - 2 u + u_left) with zeros beyond the ends: its value, and the
** nonzeros of its tridiagonal Jacobian, row by row.
**   x: u[n]    burgers_value: y: value[n]    burgers: y: nonzeros[3 n - 2]    n: n >= 2
*/
#include "reference.h"

static inline double residual(double l, double m, double r) { return m * (r - l) * 0.5 - 0.1 * (r - 2 * m + l); }

BENCH(burgers_value) {
  const double *u = x[0];
  double *value = y[0];
  int64_t last = n[0] - 1;
  value[0] = residual(0, u[0], u[1]);
  for (int64_t i = 1; i < last; i++) value[i] = residual(u[i - 1], u[i], u[i + 1]);
  value[last] = residual(u[last - 1], u[last], 0);
}

BENCH(burgers) {
  const double *u = x[0];
  double *to = y[0];
  int64_t last = n[0] - 1;
  *to++ = 0.5 * u[1] + 0.2;
  *to++ = 0.5 * u[0] - 0.1;
  for (int64_t i = 1; i < last; i++, to += 3) {
    to[0] = -0.5 * u[i] - 0.1;
    to[1] = 0.5 * (u[i + 1] - u[i - 1]) + 0.2;
    to[2] = 0.5 * u[i] - 0.1;
  }
  *to++ = -0.5 * u[last] - 0.1;
  *to++ = -0.5 * u[last - 1] + 0.2;
}
