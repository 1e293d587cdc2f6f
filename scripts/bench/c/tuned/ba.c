/*
** ba.c -- the sparse Jacobian of GradBench's ba by hand: LANES observations at once, derivatives written down.
**   x: cams[n][11], X[m][3], w[p], feats[p][2], obs[p][2] (from 1)    y: nonzeros: 2 p rows of 15, p of 1    n: p
** With v = X - C, y = R(r) v: dy/dv = R and, for R v = v cos t + (r x v) sin t / t + r (r.v) (1 - cos t) / t^2,
**   dy/dr = -(v s + ...) by the product rule; r = 0 has dy/dr = -[v]x.
*/
#include "vector.h"

#include "reference.h"

typedef struct block {
  double cam[11][LANES], X[3][LANES], w[LANES], feat[2][LANES];
  double rows[30][LANES];
} block;

static void gather(block *k, const void *const *x, int64_t first, int64_t count) {
  const double *cams = x[0], *X = x[1], *w = x[2], *feats = x[3];
  const int64_t *obs = x[4];
  for (int lane = 0; lane < LANES; lane++) {
    int64_t i = first + (lane < count ? lane : 0);
    const double *c = cams + 11 * (obs[2 * i] - 1), *at = X + 3 * (obs[2 * i + 1] - 1);
    for (int j = 0; j < 11; j++) k->cam[j][lane] = c[j];
    for (int j = 0; j < 3; j++) k->X[j][lane] = at[j];
    for (int j = 0; j < 2; j++) k->feat[j][lane] = feats[2 * i + j];
    k->w[lane] = w[i];
  }
}

static void cross(const vec *a, const vec *b, vec *c) {
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

/* y = R(r) v, dv = dy/dv, dr = dy/dr. */
static void rotate(const vec *r, const vec *v, vec *y, vec (*dv)[3], vec (*dr)[3]) {
  vec square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2], dot = r[0] * v[0] + r[1] * v[1] + r[2] * v[2], cr[3];
  vec cosine, a, b, da, db; /* of t^2: cos t, sin t / t, (1 - cos t) / t^2; da, db: their derivatives by t, over t */
  for (int i = 0; i < LANES; i++) square[i] = square[i] > 0 ? square[i] : 1e-300;
  vec inverse = vset(1) / square, t;
  for (int i = 0; i < LANES; i++) t[i] = sqrt(square[i]);
  cosine = vcos(t), a = vsin(t) / t, b = (vset(1) - cosine) * inverse;
  da = (cosine - a) * inverse, db = (a - vset(2) * b) * inverse;
  for (int i = 0; i < LANES; i++) /* no rotation: v + r x v */
    if (square[i] == 1e-300) cosine[i] = 1, a[i] = 1, b[i] = 0, da[i] = 0, db[i] = 0;
  cross(r, v, cr);
  const vec zero = vset(0);
  const vec turn[3][3] = {{zero, -r[2], r[1]}, {r[2], zero, -r[0]}, {-r[1], r[0], zero}};
  const vec back[3][3] = {{zero, v[2], -v[1]}, {-v[2], zero, v[0]}, {v[1], -v[0], zero}};
  for (int i = 0; i < 3; i++) {
    y[i] = v[i] * cosine + cr[i] * a + r[i] * (b * dot);
    vec own = cr[i] * da - v[i] * a + r[i] * (dot * db);
    for (int j = 0; j < 3; j++) {
      dv[i][j] = turn[i][j] * a + r[i] * r[j] * b;
      dr[i][j] = own * r[j] + back[i][j] * a + r[i] * v[j] * b;
    }
    dv[i][i] += cosine;
    dr[i][i] += b * dot;
  }
  for (int lane = 0; lane < LANES; lane++) /* d cos / dr is 0 there */
    if (square[lane] == 1e-300)
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) dr[i][j][lane] = back[i][j][lane];
}

static void derive(block *k) {
  vec r[3], v[3], y[3], dv[3][3], dr[3][3];
  for (int i = 0; i < 3; i++) r[i] = vload(k->cam[i]), v[i] = vload(k->X[i]) - vload(k->cam[3 + i]);
  rotate(r, v, y, dv, dr);
  vec f = vload(k->cam[6]), k1 = vload(k->cam[9]), k2 = vload(k->cam[10]), w = vload(k->w);
  vec iz = vset(1) / y[2], p[2] = {y[0] * iz, y[1] * iz}, s = p[0] * p[0] + p[1] * p[1];
  vec L = vset(1) + s * (k1 + k2 * s), dL = k1 + vset(2) * k2 * s;
  for (int e = 0; e < 2; e++) {
    double(*row)[LANES] = k->rows + 15 * e;
    vec wf = w * f, by[2]; /* d error_e / dp */
    for (int j = 0; j < 2; j++) by[j] = wf * vset(2) * dL * p[j] * p[e];
    by[e] += wf * L;
    vec g[3] = {by[0] * iz, by[1] * iz, -(by[0] * p[0] + by[1] * p[1]) * iz};
    for (int j = 0; j < 3; j++) {
      vec at = g[0] * dv[0][j] + g[1] * dv[1][j] + g[2] * dv[2][j];
      vstore(row[j], g[0] * dr[0][j] + g[1] * dr[1][j] + g[2] * dr[2][j]);
      vstore(row[3 + j], -at);
      vstore(row[11 + j], at);
    }
    vstore(row[6], w * L * p[e]);
    vstore(row[7 + e], w);
    vstore(row[8 - e], vset(0));
    vstore(row[9], wf * s * p[e]);
    vstore(row[10], wf * s * s * p[e]);
    vstore(row[14], f * L * p[e] + vload(k->cam[7 + e]) - vload(k->feat[e]));
  }
}

BENCH(ba_limit) {
  const double *w = x[2];
  double *values = y[0];
  block k;
  for (int64_t i = 0; i < n[0]; i += LANES) {
    int64_t count = n[0] - i < LANES ? n[0] - i : LANES;
    gather(&k, x, i, count);
    derive(&k);
    for (int64_t lane = 0; lane < count; lane++)
      for (int j = 0; j < 30; j++) values[30 * (i + lane) + j] = k.rows[j][lane];
  }
  for (int64_t i = 0; i < n[0]; i++) values[30 * n[0] + i] = -2 * w[i];
}
