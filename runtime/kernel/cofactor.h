/* cofactor.h -- included by cofactor.c once for each float type T. */

static void NAME(small)(int64_t n, const T *x, int64_t rs, int64_t cs, T *y) {
  if (n == 1) y[0] = 1;
  for (int64_t i = 0; n == 2 && i < 2; i++)
    for (int64_t j = 0; j < 2; j++) y[2 * i + j] = (i == j ? 1 : -1) * x[(1 - i) * rs + (1 - j) * cs];
  for (int64_t i = 0; n == 3 && i < 3; i++)
    for (int64_t j = 0; j < 3; j++) {
      int64_t i1 = (i + 1) % 3 * rs, i2 = (i + 2) % 3 * rs, j1 = (j + 1) % 3 * cs, j2 = (j + 2) % 3 * cs;
      y[3 * i + j] = x[i1 + j1] * x[i2 + j2] - x[i1 + j2] * x[i2 + j1];
    }
}

typedef struct NAME(parts) { /* P A Q = L D Y, all n x n by rows; L unit lower, Y unit upper, D diagonal */
  int64_t n;
  T *ldy, *linv, *yinv, *d; /* L, D, Y in one; their inverses; the diagonal */
  int64_t *row, *col;       /* row i of P A Q is row row[i] of A, column j is column col[j] */
  T sign;                   /* det P det Q */
} NAME(parts);

static void NAME(exchange)(T *x, T *y, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    T keep = x[i * step];
    x[i * step] = y[i * step];
    y[i * step] = keep;
  }
}

/* Exchanges rows and columns so that the largest element of what is left comes to (k, k). */
static void NAME(pivot)(NAME(parts) * p, int64_t k) {
  int64_t n = p->n, r = k, c = k;
  T *a = p->ldy, most = 0;
  for (int64_t i = k; i < n; i++)
    for (int64_t j = k; j < n; j++)
      if (ABS(a[i * n + j]) > most) most = ABS(a[i * n + j]), r = i, c = j;
  if (r != k) NAME(exchange)(a + k * n, a + r * n, 1, n), exchange_index(p->row, k, r), p->sign = -p->sign;
  if (c != k) NAME(exchange)(a + k, a + c, n, n), exchange_index(p->col, k, c), p->sign = -p->sign;
}

static void NAME(decompose)(NAME(parts) * p) {
  int64_t n = p->n;
  T *a = p->ldy;
  for (int64_t i = 0; i < n; i++) p->row[i] = p->col[i] = i;
  for (int64_t k = 0; k < n; k++) {
    NAME(pivot)(p, k);
    T d = p->d[k] = a[k * n + k];
    for (int64_t i = k + 1; d != 0 && i < n; i++) {
      T f = a[i * n + k] /= d;
      for (int64_t j = k + 1; j < n; j++) a[i * n + j] -= f * a[k * n + j];
    }
    for (int64_t j = k + 1; d != 0 && j < n; j++) a[k * n + j] /= d; /* of d = 0 all that is left is 0 */
  }
}

/* Inverses of the unit triangles, row by row. */
static void NAME(invert)(NAME(parts) * p) {
  int64_t n = p->n;
  const T *a = p->ldy;
  memset(p->linv, 0, (size_t)(n * n) * sizeof(T));
  memset(p->yinv, 0, (size_t)(n * n) * sizeof(T));
  for (int64_t i = 0; i < n; i++) {
    T *x = p->linv + i * n;
    x[i] = 1;
    for (int64_t k = 0; k < i; k++)
      for (int64_t j = 0; j <= k; j++) x[j] -= a[i * n + k] * p->linv[k * n + j];
  }
  for (int64_t i = n; i-- > 0;) {
    T *x = p->yinv + i * n;
    x[i] = 1;
    for (int64_t k = i + 1; k < n; k++)
      for (int64_t j = k; j < n; j++) x[j] -= a[i * n + k] * p->yinv[k * n + j];
  }
}

/* cof(L D Y) = L^-T cof(D) Y^-T; cof(D) has the products of the other diagonal elements. */
static void NAME(assemble)(NAME(parts) * p, T *y, T *ws) {
  int64_t n = p->n;
  for (int64_t k = 0; k < n; k++) {
    T others = p->sign;
    for (int64_t j = 0; j < n; j++)
      if (j != k) others *= p->d[j];
    for (int64_t j = 0; j <= k; j++) p->linv[k * n + j] *= others;
  }
  T *product = p->ldy;
  GEMM(n, n, n, p->linv, 1, n, p->yinv, 1, n, product, ws);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) y[p->row[i] * n + p->col[j]] = product[i * n + j];
}

static bool NAME(large)(int64_t n, const T *x, int64_t rs, int64_t cs, T *y, void *ws) {
  T *t = ws;
  NAME(parts) p = {.n = n, .sign = 1, .ldy = t, .linv = t + n * n, .yinv = t + 2 * n * n, .d = t + 3 * n * n};
  T *pack = p.d + n;
  p.row = (int64_t *)ws + 5 * n * n + n; /* 8 bytes an element, whatever T is */
  p.col = p.row + n;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) {
      p.ldy[i * n + j] = x[i * rs + j * cs];
      if (!isfinite(p.ldy[i * n + j])) return false;
    }
  NAME(decompose)(&p);
  NAME(invert)(&p);
  NAME(assemble)(&p, y, pack);
  return true;
}

static cj_status NAME(eval)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  (void)nin, (void)a;
  int r = in->type->rank;
  int64_t n = in->type->dim[r - 1], rs = in->stride[r - 2], cs = in->stride[r - 1];
  cjk_walk w;
  const int64_t *stride[] = {out->stride, in->stride};
  for (bool more = n > 0 && cjk_walk_start(&w, r - 2, in->type->dim, 2, stride); more; more = cjk_walk_next(&w))
    for (int64_t s = 0; s < w.n; s++) {
      const T *x = (const T *)in->data + w.at[1] + s * w.step[1];
      T *y = (T *)out->data + w.at[0] + s * w.step[0];
      if (n <= 3)
        NAME(small)(n, x, rs, cs, y);
      else if (!NAME(large)(n, x, rs, cs, y, ws))
        for (int64_t i = 0; i < n * n; i++) y[i] = NAN;
    }
  return CJ_OK;
}
