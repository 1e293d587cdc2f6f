/* bodies.h -- functions the programs of this folder differentiate, with their derivatives by hand. */
#ifndef bodies_h
#define bodies_h

#include "host.h"

/* y_i = sum over k of exp(x_ik);  dy_i/dx_jk = exp(x_ik) if i = j */
static inline cj_status exp_reducer(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_val e;
  int64_t axis = 1;
  (void)ud;
  cj_status s = cj_exp(c, x[0], &e);
  return s ? s : cj_sum(c, e, &axis, 1, false, y);
}

/* y = 2 exp(x) + 3 z */
static inline cj_status exp_adder(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_val a, b;
  (void)ud;
  cj_status s = cj_exp(c, x[0], &a);
  if (!s) s = cj_mul(c, a, num(2), &a);
  if (!s) s = cj_mul(c, x[1], num(3), &b);
  return s ? s : cj_add(c, a, b, y);
}

/* f = sum over i of 100 (x_i+1 - x_i^2)^2 + (1 - x_i)^2, n given through ud */
static inline cj_status rosenbrock(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  const int64_t *n = ud;
  cj_val head, tail, a, b;
  cj_status s = cj_slice(c, x[0], 0, 0, *n - 2, 1, &head);
  if (!s) s = cj_slice(c, x[0], 0, 1, *n - 1, 1, &tail);
  if (!s) s = cj_square(c, head, &a);
  if (!s) s = cj_sub(c, tail, a, &a);
  if (!s) s = cj_square(c, a, &a);
  if (!s) s = cj_mul(c, a, num(100), &a);
  if (!s) s = cj_sub(c, num(1), head, &b);
  if (!s) s = cj_square(c, b, &b);
  if (!s) s = cj_add(c, a, b, &a);
  return s ? s : cj_sum(c, a, NULL, -1, false, y);
}

static inline void rosenbrock_gradient(const double *x, int64_t n, double *g) {
  for (int64_t i = 0; i < n; i++) g[i] = 0;
  for (int64_t i = 0; i + 1 < n; i++) {
    double r = x[i + 1] - x[i] * x[i];
    g[i] += -400 * x[i] * r - 2 * (1 - x[i]);
    g[i + 1] += 200 * r;
  }
}

static inline void rosenbrock_hessian(const double *x, int64_t n, double *h) {
  memset(h, 0, (size_t)(n * n) * sizeof *h);
  for (int64_t i = 0; i + 1 < n; i++) {
    h[i * n + i] += 1200 * x[i] * x[i] - 400 * x[i + 1] + 2;
    h[(i + 1) * n + i + 1] += 200;
    h[i * n + i + 1] = h[(i + 1) * n + i] = -400 * x[i];
  }
}

/* y_i = x_i^2 x_i+1 for i < n - 1;  two nonzeros a row: 2 x_i x_i+1 and x_i^2 */
static inline cj_status neighbours(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  const int64_t *n = ud;
  cj_val head, tail;
  cj_status s = cj_slice(c, x[0], 0, 0, *n - 2, 1, &head);
  if (!s) s = cj_slice(c, x[0], 0, 1, *n - 1, 1, &tail);
  if (!s) s = cj_square(c, head, &head);
  return s ? s : cj_mul(c, head, tail, y);
}

/* y = A^-1 b;  dy/db = A^-1 */
static inline cj_status solve(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  (void)ud;
  return cj_linalg_solve(c, x[0], x[1], y);
}

/* A planar arm of two links of length 1: q -> (cos q1 + cos (q1 + q2), sin q1 + sin (q1 + q2)), scalar by scalar. */
static inline cj_status arm(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_val q1, q2, a, b, at[2];
  (void)ud;
  cj_status s = cj_select(c, x[0], 0, 0, &q1);
  if (!s) s = cj_select(c, x[0], 0, 1, &q2);
  if (!s) s = cj_add(c, q1, q2, &q2);
  if (!s) s = cj_cos(c, q1, &a);
  if (!s) s = cj_cos(c, q2, &b);
  if (!s) s = cj_add(c, a, b, &at[0]);
  if (!s) s = cj_sin(c, q1, &a);
  if (!s) s = cj_sin(c, q2, &b);
  if (!s) s = cj_add(c, a, b, &at[1]);
  return s ? s : cj_stack(c, at, 2, 0, y);
}
#endif
