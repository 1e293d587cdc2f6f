/*
** gmm.c -- value and gradient of GradBench's gmm, as fast as this machine allows: points in blocks that stay in the cache,
** all triangles as one matrix, products by BLAS, exponentials by SLEEF.
**   x: p = alpha[k], mu[k][d], q[k][d], l[k][d (d - 1) / 2]; points[n][d]; gamma    y: gradient by p    n: d, k, n, m
*/
#include "vector.h"

#include "reference.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };

typedef struct mixture {
  int d, k, n, m, t, kd, kpad; /* t: entries of a triangle; kpad: k, to whole vectors */
  double gamma;
  const double *alpha, *mu, *q, *l, *points;
  double *Q, *shift, *base; /* Q[k d][d], Q mu [k d], alpha + sum q [kpad] */
  double *Y, *weight;       /* of a block: Q (x - mu) [BLOCK][k d], responsibilities [BLOCK][kpad] */
  double *dQ, *dshift, *share; /* by Q, by Q mu, by alpha + sum q */
} mixture;

static double *take(double **room, size_t n) {
  double *p = *room;
  *room += (n + 7) & ~(size_t)7;
  return p;
}

static void lay_out(mixture *g) {
  static double *room;
  static size_t had;
  size_t kd = (size_t)g->kd, kp = (size_t)g->kpad, d = (size_t)g->d;
  size_t need = 2 * kd * d + 2 * kd + 2 * kp + BLOCK * (kd + kp) + 128;
  if (need > had) {
    free(room);
    room = aligned_alloc(64, need * sizeof(double));
    had = need;
  }
  double *at = room;
  g->Q = take(&at, kd * d), g->dQ = take(&at, kd * d);
  g->shift = take(&at, kd), g->dshift = take(&at, kd);
  g->base = take(&at, kp), g->share = take(&at, kp);
  g->Y = take(&at, BLOCK * kd), g->weight = take(&at, BLOCK * kp);
}

static void prepare(mixture *g) {
  memset(g->Q, 0, sizeof(double) * (size_t)(g->kd * g->d));
  memset(g->dQ, 0, sizeof(double) * (size_t)(g->kd * g->d));
  memset(g->dshift, 0, sizeof(double) * (size_t)g->kd);
  memset(g->share, 0, sizeof(double) * (size_t)g->kpad);
  for (int c = 0; c < g->kpad; c++) g->base[c] = c < g->k ? g->alpha[c] : -1e300;
  for (int c = 0; c < g->k; c++) {
    double *Q = g->Q + c * g->d * g->d;
    const double *l = g->l + c * g->t;
    for (int j = 0; j < g->d; j++) {
      Q[j * g->d + j] = exp(g->q[c * g->d + j]);
      g->base[c] += g->q[c * g->d + j];
      for (int r = j + 1; r < g->d; r++) Q[r * g->d + j] = *l++;
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, g->d, g->d, 1, Q, g->d, g->mu + c * g->d, 1, 0, g->shift + c * g->d, 1);
  }
}

/* Responsibilities of one point from its Y, which becomes the derivative of its term by Q (x - mu). */
static void point(mixture *g, double *Y, double *w) {
  for (int c = 0; c < g->k; c++) {
    double s = 0;
    for (int j = 0; j < g->d; j++) {
      double v = Y[c * g->d + j] - g->shift[c * g->d + j];
      Y[c * g->d + j] = v;
      s += v * v;
    }
    w[c] = g->base[c] - 0.5 * s;
  }
  for (int c = g->k; c < g->kpad; c++) w[c] = -1e300;
  vec top = vload(w), sum = vset(0);
  for (int c = LANES; c < g->kpad; c += LANES) top = vmax(top, vload(w + c));
  double most = top[0];
  for (int i = 1; i < LANES; i++) most = top[i] > most ? top[i] : most;
  for (int c = 0; c < g->kpad; c += LANES) {
    vec e = vexp(vsub(vload(w + c), vset(most)));
    vstore(w + c, e);
    sum = vadd(sum, e);
  }
  double scale = 1 / vsum(sum);
  for (int c = 0; c < g->k; c++) {
    double r = w[c] * scale;
    g->share[c] += r;
    for (int j = 0; j < g->d; j++) {
      Y[c * g->d + j] *= -r;
      g->dshift[c * g->d + j] -= Y[c * g->d + j];
    }
  }
}

static void finish(const mixture *g, double *out) {
  double *dalpha = out, *dmu = dalpha + g->k, *dq = dmu + g->kd, *dl = dq + g->kd;
  double top = g->alpha[0], sum = 0, square = g->gamma * g->gamma;
  for (int c = 1; c < g->k; c++) top = fmax(top, g->alpha[c]);
  for (int c = 0; c < g->k; c++) sum += exp(g->alpha[c] - top);
  for (int c = 0; c < g->k; c++) {
    const double *Q = g->Q + c * g->d * g->d, *dQ = g->dQ + c * g->d * g->d, *ds = g->dshift + c * g->d;
    const double *mu = g->mu + c * g->d;
    dalpha[c] = g->share[c] - g->n * exp(g->alpha[c] - top) / sum;
    cblas_dgemv(CblasRowMajor, CblasTrans, g->d, g->d, 1, Q, g->d, ds, 1, 0, dmu + c * g->d, 1);
    for (int j = 0; j < g->d; j++) {
      double own = Q[j * g->d + j];
      dq[c * g->d + j] = g->share[c] + g->m + own * (dQ[j * g->d + j] + ds[j] * mu[j] - square * own);
      for (int r = j + 1; r < g->d; r++) *dl++ = dQ[r * g->d + j] + ds[r] * mu[j] - square * Q[r * g->d + j];
    }
  }
}

BENCH(gmm_limit) {
  int d = (int)n[0], k = (int)n[1];
  const double *p = x[0];
  mixture g = {.d = d, .k = k, .n = (int)n[2], .m = (int)n[3], .t = d * (d - 1) / 2, .kd = k * d};
  g.kpad = (k + LANES - 1) / LANES * LANES;
  g.gamma = *(const double *)x[2];
  g.alpha = p, g.mu = p + k, g.q = g.mu + k * d, g.l = g.q + k * d, g.points = x[1];
  lay_out(&g);
  prepare(&g);
  for (int i = 0; i < g.n; i += BLOCK) {
    int rows = g.n - i < BLOCK ? g.n - i : BLOCK;
    const double *X = g.points + i * d;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, g.kd, d, 1, X, d, g.Q, d, 0, g.Y, g.kd);
    for (int r = 0; r < rows; r++) point(&g, g.Y + r * g.kd, g.weight + r * g.kpad);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, g.kd, d, rows, 1, g.Y, g.kd, X, d, 1, g.dQ, d);
  }
  finish(&g, y[0]);
}
