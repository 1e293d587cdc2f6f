/*
** chains.c -- elementwise chains, value and derivative, fused by hand with vector math.
**   x: x[n]    y: value[n], derivative[n]    n: n
*/
#include "vector.h"

#include "reference.h"

/* tanh(a x + b) exp(-x^2) + sin x */
static inline vec transcendental(vec x, vec *derivative) {
  vec t = vtanh(vfma(vset(1.5), x, vset(0.25))), e = vexp(vneg(vmul(x, x))), s = vsin(x), c = vcos(x);
  vec dt = vmul(vset(1.5), vfnma(t, t, vset(1)));
  *derivative = vfma(e, vfnma(vmul(vset(2), x), t, dt), c);
  return vfma(t, e, s);
}

/* ((0.3 x + 0.5) x - 0.7) x + 0.1, times (x^2 - 0.2) */
static inline vec cheap(vec x, vec *derivative) {
  vec p = vfma(vfma(vfma(vset(0.3), x, vset(0.5)), x, vset(-0.7)), x, vset(0.1));
  vec dp = vfma(vfma(vset(0.9), x, vset(1.0)), x, vset(-0.7));
  vec r = vfma(x, x, vset(-0.2));
  *derivative = vfma(dp, r, vmul(p, vmul(vset(2), x)));
  return vmul(p, r);
}

#define CHAIN(name)                                                                                                    \
  BENCH(name) {                                                                                                        \
    const double *from = x[0];                                                                                         \
    double *value = y[0], *derivative = y[1];                                                                          \
    int64_t i = 0;                                                                                                     \
    for (; i + LANES <= n[0]; i += LANES) {                                                                            \
      vec d, v = name(vload(from + i), &d);                                                                            \
      vstore(value + i, v);                                                                                            \
      vstore(derivative + i, d);                                                                                       \
    }                                                                                                                  \
    for (; i < n[0]; i++) {                                                                                            \
      vec d, v = name(vset(from[i]), &d);                                                                              \
      value[i] = v[0];                                                                                                 \
      derivative[i] = d[0];                                                                                            \
    }                                                                                                                  \
  }

CHAIN(transcendental)
CHAIN(cheap)

/* exp of all elements. */
BENCH(exp_all) {
  const double *from = x[0];
  double *to = y[0];
  int64_t i = 0;
  for (; i + LANES <= n[0]; i += LANES) vstore(to + i, vexp(vload(from + i)));
  for (; i < n[0]; i++) to[i] = vexp(vset(from[i]))[0];
}
