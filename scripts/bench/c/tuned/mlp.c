/*
** mlp.c -- the Jacobian of W2 tanh(W1 x + b1) + b2 by x: W2 diag(1 - h^2) W1 as one product of matrices.
**   x: x[n0], W1[n1][n0], b1[n1], W2[n2][n1], b2[n2]    y: value[n2], Jacobian[n2][n0]    n: n0, n1, n2
*/
#include "vector.h"

#include "reference.h"

#include <cblas.h>
#include <string.h>

enum { MAXHIDDEN = 1024, MAXOUT = 256 };

BENCH(mlp) {
  const double *W1 = x[1], *W2 = x[3];
  double *value = y[0];
  int n0 = (int)n[0], n1 = (int)n[1], n2 = (int)n[2];
  double h[MAXHIDDEN], slope[MAXHIDDEN];
  static double scaled[MAXOUT * MAXHIDDEN];
  memcpy(h, x[2], sizeof(double) * (size_t)n1);
  cblas_dgemv(CblasRowMajor, CblasNoTrans, n1, n0, 1, W1, n0, x[0], 1, 1, h, 1);
  for (int i = 0; i < n1; i += LANES) {
    vec t = vtanh(vload(h + i));
    vstore(h + i, t);
    vstore(slope + i, vfnma(t, t, vset(1)));
  }
  memcpy(value, x[4], sizeof(double) * (size_t)n2);
  cblas_dgemv(CblasRowMajor, CblasNoTrans, n2, n1, 1, W2, n1, h, 1, 1, value, 1);
  for (int i = 0; i < n2; i++)
    for (int j = 0; j < n1; j++) scaled[i * n1 + j] = W2[i * n1 + j] * slope[j];
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n2, n0, n1, 1, scaled, n1, W1, n0, 0, y[1], n0);
}
