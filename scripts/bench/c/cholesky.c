/*
** cholesky.c -- A x = b for a symmetric positive definite A.
**   x: A[n][n], b[n]    y: x[n]    n: n
*/
#include "reference.h"

#include <string.h>

enum { MAXN = 64 };

void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b, const int *ldb,
            int *info);

BENCH(dposv) {
  double A[MAXN * MAXN];
  int size = (int)n[0], one = 1, info;
  memcpy(A, x[0], sizeof(double) * (size_t)(size * size));
  memcpy(y[0], x[1], sizeof(double) * (size_t)size);
  dposv_("U", &size, &one, A, &size, y[0], &size, &info);
}
