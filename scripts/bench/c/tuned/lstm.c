/*
** lstm.c -- the gradient of GradBench's lstm by hand: forward through time, everything of a step kept, and back, with whole
** vectors.
**   x: p = main[2 l][4 b], extra[3][b]; state[2 l][b]; sequence[c][b]    y: gradient by p    n: l, b, c
*/
#include "vector.h"

#include "reference.h"

#include <stdlib.h>
#include <string.h>

enum { FORGET, IN, OUT, CHANGE, CELL, TCELL, H, KEPT }; /* of a layer at a step */

typedef struct net {
  int l, b, bp, c; /* bp: b, to whole vectors */
  double *W;       /* [l][8][bp]: four weights, four biases */
  double *extra;   /* [3][bp] */
  double *kept;    /* [c][l][KEPT][bp], step 0 is the start */
  double *xs, *ys; /* [c][bp]: input of the first layer; derivatives by y */
  double *sequence, *dW, *dextra, *dh, *dc; /* padded; by parameters; by the states of the next step [l][bp] */
} net;

static double *row(const net *z, int t, int layer, int what) {
  return z->kept + ((t * z->l + layer) * KEPT + what) * z->bp;
}

static void pad(double *to, const double *from, const net *z, int rows) {
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < z->bp; i++) to[r * z->bp + i] = i < z->b ? from[r * z->b + i] : 0;
}

static inline vec sigmoid(vec v) { return vset(1) / vadd(vset(1), vexp(vneg(v))); }
/* Small values lose digits that nobody asks for: the error is 1e-16 of 1. */
static inline vec quick_tanh(vec v) { return vsub(vset(1), vset(2) / vadd(vset(1), vexp(vadd(v, v)))); }

static void forward_layer(net *z, int t, int layer, const double *x) {
  const double *W = z->W + 8 * layer * z->bp, *B = W + 4 * z->bp;
  const double *h = row(z, t - 1, layer, H), *cell = row(z, t - 1, layer, CELL);
  for (int i = 0; i < z->bp; i += LANES) {
    vec xi = vload(x + i), hi = vload(h + i);
    vec f = sigmoid(vfma(xi, vload(W + i), vload(B + i)));
    vec g = sigmoid(vfma(hi, vload(W + z->bp + i), vload(B + z->bp + i)));
    vec o = sigmoid(vfma(xi, vload(W + 2 * z->bp + i), vload(B + 2 * z->bp + i)));
    vec a = quick_tanh(vfma(hi, vload(W + 3 * z->bp + i), vload(B + 3 * z->bp + i)));
    vec c = vfma(vload(cell + i), f, vmul(g, a)), tc = quick_tanh(c);
    vstore(row(z, t, layer, FORGET) + i, f), vstore(row(z, t, layer, IN) + i, g);
    vstore(row(z, t, layer, OUT) + i, o), vstore(row(z, t, layer, CHANGE) + i, a);
    vstore(row(z, t, layer, CELL) + i, c), vstore(row(z, t, layer, TCELL) + i, tc);
    vstore(row(z, t, layer, H) + i, vmul(o, tc));
  }
}

/* Derivatives of -loss / (b (c - 1)) by y at step t. */
static void predict(net *z, int t, const double *h, double scale) {
  double sum = 2, target = 0, *dy = z->ys + t * z->bp, *e = dy;
  const double *next = z->sequence + t * z->bp;
  for (int i = 0; i < z->bp; i += LANES)
    vstore(e + i, vexp(vfma(vload(h + i), vload(z->extra + z->bp + i), vload(z->extra + 2 * z->bp + i))));
  for (int i = 0; i < z->b; i++) sum += e[i], target += next[i];
  for (int i = 0; i < z->bp; i++) dy[i] = i < z->b ? scale * (next[i] - target * e[i] / sum) : 0;
}

static void add(double *to, vec v) { vstore(to, vadd(vload(to), v)); }

/* dx: by the output of the layer, on return by its input. */
static void backward_layer(net *z, int t, int layer, const double *x, double *dx) {
  const double *W = z->W + 8 * layer * z->bp;
  double *dW = z->dW + 8 * layer * z->bp, *dh = z->dh + layer * z->bp, *dc = z->dc + layer * z->bp;
  int n = z->bp;
  const vec one = vset(1);
  for (int i = 0; i < n; i += LANES) {
    vec f = vload(row(z, t, layer, FORGET) + i), g = vload(row(z, t, layer, IN) + i);
    vec o = vload(row(z, t, layer, OUT) + i), a = vload(row(z, t, layer, CHANGE) + i);
    vec tc = vload(row(z, t, layer, TCELL) + i), xi = vload(x + i);
    vec h = vload(row(z, t - 1, layer, H) + i), cell = vload(row(z, t - 1, layer, CELL) + i);
    vec d = vadd(vload(dx + i), vload(dh + i));
    vec c = vfma(vmul(d, o), vfnma(tc, tc, one), vload(dc + i));
    vec df = vmul(vmul(c, cell), vmul(f, vsub(one, f))), dg = vmul(vmul(c, a), vmul(g, vsub(one, g)));
    vec dout = vmul(vmul(d, tc), vmul(o, vsub(one, o))), da = vmul(vmul(c, g), vfnma(a, a, one));
    add(dW + i, vmul(df, xi)), add(dW + n + i, vmul(dg, h));
    add(dW + 2 * n + i, vmul(dout, xi)), add(dW + 3 * n + i, vmul(da, h));
    add(dW + 4 * n + i, df), add(dW + 5 * n + i, dg), add(dW + 6 * n + i, dout), add(dW + 7 * n + i, da);
    vstore(dx + i, vfma(df, vload(W + i), vmul(dout, vload(W + 2 * n + i))));
    vstore(dh + i, vfma(dg, vload(W + n + i), vmul(da, vload(W + 3 * n + i))));
    vstore(dc + i, vmul(c, f));
  }
}

static void forward(net *z) {
  double scale = -1.0 / (z->b * (z->c - 1));
  for (int t = 1; t < z->c; t++) {
    double *xs = z->xs + t * z->bp;
    const double *x = xs;
    for (int i = 0; i < z->bp; i++) xs[i] = z->sequence[(t - 1) * z->bp + i] * z->extra[i];
    for (int layer = 0; layer < z->l; layer++) {
      forward_layer(z, t, layer, x);
      x = row(z, t, layer, H);
    }
    predict(z, t, x, scale);
  }
}

static void backward(net *z) {
  double dx[64];
  for (int t = z->c - 1; t > 0; t--) {
    const double *h = row(z, t, z->l - 1, H), *dy = z->ys + t * z->bp;
    for (int i = 0; i < z->bp; i++) {
      z->dextra[z->bp + i] += dy[i] * h[i];
      z->dextra[2 * z->bp + i] += dy[i];
      dx[i] = dy[i] * z->extra[z->bp + i];
    }
    for (int layer = z->l - 1; layer >= 0; layer--)
      backward_layer(z, t, layer, layer ? row(z, t, layer - 1, H) : z->xs + t * z->bp, dx);
    for (int i = 0; i < z->bp; i++) z->dextra[i] += dx[i] * z->sequence[(t - 1) * z->bp + i];
  }
}

static void lay_out(net *z) {
  static double *room;
  static size_t had;
  size_t bp = (size_t)z->bp, l = (size_t)z->l, c = (size_t)z->c;
  size_t need = bp * (16 * l + 6 + 2 * l + c * (l * KEPT + 3));
  if (need > had) {
    free(room);
    room = aligned_alloc(64, need * sizeof(double));
    had = need;
  }
  double *at = room;
  z->W = at, at += 8 * l * bp;
  z->dW = at, at += 8 * l * bp;
  z->extra = at, at += 3 * bp;
  z->dextra = at, at += 3 * bp;
  z->dh = at, at += l * bp;
  z->dc = at, at += l * bp;
  z->kept = at, at += c * l * KEPT * bp;
  z->xs = at, at += c * bp;
  z->ys = at, at += c * bp;
  z->sequence = at;
}

BENCH(lstm_limit) {
  net z = {.l = (int)n[0], .b = (int)n[1], .c = (int)n[2]};
  const double *p = x[0], *state = x[1];
  double *out = y[0];
  z.bp = (z.b + LANES - 1) / LANES * LANES;
  lay_out(&z);
  pad(z.W, p, &z, 8 * z.l);
  pad(z.extra, p + 8 * z.l * z.b, &z, 3);
  pad(z.sequence, x[2], &z, z.c);
  memset(z.dW, 0, sizeof(double) * (size_t)(8 * z.l * z.bp));
  memset(z.dextra, 0, sizeof(double) * (size_t)(3 * z.bp));
  memset(z.dh, 0, sizeof(double) * (size_t)(2 * z.l * z.bp));
  for (int layer = 0; layer < z.l; layer++) {
    pad(row(&z, 0, layer, H), state + 2 * layer * z.b, &z, 1);
    pad(row(&z, 0, layer, CELL), state + (2 * layer + 1) * z.b, &z, 1);
  }
  forward(&z);
  backward(&z);
  for (int r = 0; r < 8 * z.l; r++) memcpy(out + r * z.b, z.dW + r * z.bp, sizeof(double) * (size_t)z.b);
  for (int r = 0; r < 3; r++)
    memcpy(out + (8 * z.l + r) * z.b, z.dextra + r * z.bp, sizeof(double) * (size_t)z.b);
}
