/*
** chain.c -- inverse dynamics of a planar chain of n links in gravity, tau = A(q) qdd + c(q, qd) + g(q), and dtau/dq.
** With angles t = cumsum(q), their rates w and accelerations a, and constants A (symmetric) and g:
**   p_i = sum_j A_ij (cos(t_i - t_j) a_j + sin(t_i - t_j) w_j^2) + g_i cos(t_i),   tau_i = sum_{k >= i} p_k
**   x: q[n], qd[n], qdd[n], A[n][n], g[n]    y: tau[n], dtau/dq[n][n]    n: n
*/
#include "reference.h"

#include <math.h>

enum { MAXLINKS = 64 };

typedef struct motion {
  double c[MAXLINKS], s[MAXLINKS]; /* of the angles */
  double e[MAXLINKS], h[MAXLINKS]; /* c a - s w^2, s a + c w^2 */
} motion;

static void follow(const double *q, const double *qd, const double *qdd, int n, motion *m) {
  double t = 0, w = 0, a = 0;
  for (int i = 0; i < n; i++) {
    t += q[i], w += qd[i], a += qdd[i];
    m->c[i] = cos(t), m->s[i] = sin(t);
    m->e[i] = m->c[i] * a - m->s[i] * w * w;
    m->h[i] = m->s[i] * a + m->c[i] * w * w;
  }
}

/* Row i of dp/dt, summed up from the right: dp/dq. */
static double torque(const motion *m, const double *A, double g, int i, int n, double *row) {
  double u = 0, v = 0, c = m->c[i], s = m->s[i], sum = 0;
  for (int j = 0; j < n; j++) u += A[j] * m->e[j], v += A[j] * m->h[j];
  double own = c * v - s * u - g * s;
  for (int j = n - 1; j >= 0; j--) {
    sum += A[j] * (s * m->e[j] - c * m->h[j]);
    if (j == i) sum += own;
    row[j] = sum;
  }
  return c * u + s * v + g * c;
}

BENCH(chain) {
  const double *A = x[3], *g = x[4];
  double *tau = y[0], *J = y[1];
  int links = (int)n[0];
  motion m;
  follow(x[0], x[1], x[2], links, &m);
  for (int i = links - 1; i >= 0; i--) {
    tau[i] = torque(&m, A + i * links, g[i], i, links, J + i * links);
    if (i == links - 1) continue;
    tau[i] += tau[i + 1];
    for (int j = 0; j < links; j++) J[i * links + j] += J[(i + 1) * links + j];
  }
}
