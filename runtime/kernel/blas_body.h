/* blas_body.h -- included by blas.c once for each float type T. */

extern void BLAS(gemm)(const char *ta, const char *tb, const int *m, const int *n, const int *k, const T *alpha,
                       const T *a, const int *lda, const T *b, const int *ldb, const T *beta, T *c, const int *ldc,
                       size_t, size_t);
extern void BLAS(gemv)(const char *trans, const int *m, const int *n, const T *alpha, const T *a, const int *lda,
                       const T *x, const int *incx, const T *beta, T *y, const int *incy, size_t);
extern void BLAS(trsm)(const char *side, const char *uplo, const char *trans, const char *diag, const int *m,
                       const int *n, const T *alpha, const T *a, const int *lda, T *b, const int *ldb, size_t, size_t,
                       size_t, size_t);
extern void BLAS(trsv)(const char *uplo, const char *trans, const char *diag, const int *n, const T *a, const int *lda,
                       T *x, const int *incx, size_t, size_t, size_t);

static void STATIC(loops)(int64_t m, int64_t n, int64_t k, const T *a, int64_t ar, int64_t ac, const T *b, int64_t br,
                          int64_t bc, T *c) {
  for (int64_t i = 0; i < m; i++) {
    T *row = c + i * n;
    memset(row, 0, (size_t)n * sizeof *row);
    for (int64_t l = 0; l < k; l++) {
      T x = a[i * ar + l * ac];
      const T *y = b + l * br;
      if (bc == 1)
        for (int64_t j = 0; j < n; j++) row[j] += x * y[j];
      else
        for (int64_t j = 0; j < n; j++) row[j] += x * y[j * bc];
    }
  }
}

/* n columns, a constant at each call: a row of c stays in registers. */
CJK_INLINE void STATIC(rows)(int64_t m, int n, int64_t k, const T *a, int64_t ar, int64_t ac, const T *b, int64_t br,
                             T *c) {
  for (int64_t i = 0; i < m; i++, c += n) {
    T row[8] = {0};
    for (int64_t l = 0; l < k; l++)
      for (int j = 0; j < n; j++) row[j] += a[i * ar + l * ac] * b[l * br + j];
    for (int j = 0; j < n; j++) c[j] = row[j];
  }
}

/* At most 8 columns and 8 terms. */
static void STATIC(few)(int64_t m, int64_t n, int64_t k, const T *a, int64_t ar, int64_t ac, const T *b, int64_t br,
                        int64_t bc, T *c) {
  T side[64];
  if (bc != 1 && n > 1) {
    for (int64_t l = 0; l < k; l++)
      for (int64_t j = 0; j < n; j++) side[l * n + j] = b[l * br + j * bc];
    b = side;
    br = n;
  }
  switch (n) {
  case 1: STATIC(rows)(m, 1, k, a, ar, ac, b, br, c); return;
  case 2: STATIC(rows)(m, 2, k, a, ar, ac, b, br, c); return;
  case 3: STATIC(rows)(m, 3, k, a, ar, ac, b, br, c); return;
  case 4: STATIC(rows)(m, 4, k, a, ar, ac, b, br, c); return;
  case 5: STATIC(rows)(m, 5, k, a, ar, ac, b, br, c); return;
  case 6: STATIC(rows)(m, 6, k, a, ar, ac, b, br, c); return;
  case 7: STATIC(rows)(m, 7, k, a, ar, ac, b, br, c); return;
  default: STATIC(rows)(m, 8, k, a, ar, ac, b, br, c); return;
  }
}

typedef T STATIC(vector) __attribute__((vector_size(16), aligned(sizeof(T)), may_alias));

static T STATIC(total)(STATIC(vector) v) {
  T t = v[0];
  for (size_t i = 1; i < sizeof v / sizeof t; i++) t += v[i];
  return t;
}

/* c = a x of few elements, rows and x contiguous: four rows at a time. */
static void STATIC(few_rows)(int64_t m, int64_t k, const T *a, int64_t ar, const T *x, T *c) {
  enum { N = 16 / sizeof(T) };
  int64_t i = 0, whole = k - k % N;
  for (; i + 4 <= m; i += 4) {
    const T *r[4] = {a + i * ar, a + (i + 1) * ar, a + (i + 2) * ar, a + (i + 3) * ar};
    STATIC(vector) sum[4] = {{0}};
    for (int64_t l = 0; l < whole; l += N)
      for (int q = 0; q < 4; q++) sum[q] += *(const STATIC(vector) *)(r[q] + l) * *(const STATIC(vector) *)(x + l);
    for (int q = 0; q < 4; q++) {
      c[i + q] = STATIC(total)(sum[q]);
      for (int64_t l = whole; l < k; l++) c[i + q] += r[q][l] * x[l];
    }
  }
  for (; i < m; i++) {
    c[i] = 0;
    for (int64_t l = 0; l < k; l++) c[i] += a[i * ar + l] * x[l];
  }
}

/* A matrix as BLAS can take it, seen column-major as its transpose: 'N' if rows are contiguous, 'T' if
** columns are; else packed. */
typedef struct STATIC(operand) {
  const T *at;
  int ld;
  char trans;
} STATIC(operand);

static bool STATIC(suits)(int64_t rows, int64_t cols, int64_t rs, int64_t cs) {
  return (cs == 1 || cols == 1) && (rs >= cols || rows == 1) && rs >= 0 && fits_int(rs);
}

static STATIC(operand) STATIC(adapt)(int64_t rows, int64_t cols, const T *a, int64_t rs, int64_t cs, T *pack) {
  if (STATIC(suits)(rows, cols, rs, cs)) return (STATIC(operand)){a, (int)(rs > cols ? rs : cols), 'N'};
  if (STATIC(suits)(cols, rows, cs, rs)) return (STATIC(operand)){a, (int)(cs > rows ? cs : rows), 'T'};
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) pack[i * cols + j] = a[i * rs + j * cs];
  return (STATIC(operand)){pack, (int)cols, 'N'};
}

/* c = a x for one column: a reads better by rows (trans of the column-major view). */
static void STATIC(matvec)(int64_t m, int64_t k, STATIC(operand) a, const T *x, int64_t inc, T *c) {
  const T one = 1, zero = 0;
  int rows = (int)(a.trans == 'N' ? k : m), cols = (int)(a.trans == 'N' ? m : k), ix = (int)inc, iy = 1;
  BLAS(gemv)(a.trans == 'N' ? "T" : "N", &rows, &cols, &one, a.at, &a.ld, x, &ix, &zero, c, &iy, 1);
}

void NAME(gemm)(int64_t m, int64_t n, int64_t k, const T *a, int64_t ar, int64_t ac, const T *b, int64_t br, int64_t bc,
                T *c, T *ws) {
  if (m == 0 || n == 0) return;
  if (n == 1 && ac == 1 && br == 1 && k >= 4 && m <= FEWROWS / k) {
    STATIC(few_rows)(m, k, a, ar, b, c);
    return;
  }
  if (n <= 8 && k <= 8 && (k == 0 || m * n <= SMALL / k)) {
    STATIC(few)(m, n, k, a, ar, ac, b, br, bc, c);
    return;
  }
  bool large = !fits_int(m) || !fits_int(n) || !fits_int(k);
  if (k == 0 || large || (n > 1 && m * n <= SMALL / k)) {
    STATIC(loops)(m, n, k, a, ar, ac, b, br, bc, c);
    return;
  }
  const T one = 1, zero = 0;
  STATIC(operand) x = STATIC(adapt)(m, k, a, ar, ac, ws);
  if (n == 1 && br > 0 && fits_int(br)) {
    STATIC(matvec)(m, k, x, b, br, c);
    return;
  }
  STATIC(operand) y = STATIC(adapt)(k, n, b, br, bc, ws + m * k);
  int im = (int)m, in = (int)n, ik = (int)k;
  BLAS(gemm)(&y.trans, &x.trans, &in, &im, &ik, &one, y.at, &y.ld, x.at, &x.ld, &zero, c, &in, 1, 1);
}

/* --- triangular solves --------------------------------------------------------------------------- */

/* One right-hand side: what is known of it is taken from the rest, a column of op(a) at a time. */
static void STATIC(substitute_one)(cjk_tri t, int64_t n, const T *a, int64_t ar, T *b) {
  bool down = t.upper == t.trans;
  int64_t rs = t.trans ? 1 : ar, cs = t.trans ? ar : 1;
  for (int64_t s = 0; s < n; s++) {
    int64_t i = down ? s : n - 1 - s, from = down ? i + 1 : 0, to = down ? n : i;
    if (!t.unit) b[i] /= a[i * rs + i * cs];
    for (int64_t l = from; l < to; l++) b[l] -= a[l * rs + i * cs] * b[i];
  }
}

/* Forward or backward substitution, rows of b at a time. */
static void STATIC(substitute)(cjk_tri t, int64_t n, int64_t k, const T *a, int64_t ar, T *b) {
  bool down = t.upper == t.trans; /* op(a) is lower triangular */
  int64_t rs = t.trans ? 1 : ar, cs = t.trans ? ar : 1;
  for (int64_t s = 0; s < n; s++) {
    int64_t i = down ? s : n - 1 - s, from = down ? 0 : i + 1, to = down ? i : n;
    T *row = b + i * k;
    for (int64_t l = from; l < to; l++) {
      T f = a[i * rs + l * cs];
      const T *other = b + l * k;
      for (int64_t j = 0; j < k; j++) row[j] -= f * other[j];
    }
    if (t.unit) continue;
    T d = a[i * rs + i * cs];
    for (int64_t j = 0; j < k; j++) row[j] /= d;
  }
}

/* op(a) x = b by rows is x' op(a)' = b' by columns, where the memory of a reads as a'. */
void NAME(trsm)(cjk_tri t, int64_t n, int64_t k, const T *a, int64_t ar, T *b) {
  if (n == 0 || k == 0) return;
  if (k == 1 && n <= 32) {
    STATIC(substitute_one)(t, n, a, ar, b);
    return;
  }
  if (n <= 16 || n * n <= SMALL / k || !fits_int(n) || !fits_int(k) || !fits_int(ar)) {
    STATIC(substitute)(t, n, k, a, ar, b);
    return;
  }
  const T one = 1;
  int in = (int)n, ik = (int)k, lda = (int)ar;
  if (k == 1) {
    int inc = 1;
    BLAS(trsv)(t.upper ? "L" : "U", t.trans ? "N" : "T", t.unit ? "U" : "N", &in, a, &lda, b, &inc, 1, 1, 1);
    return;
  }
  BLAS(trsm)
  ("R", t.upper ? "L" : "U", t.trans ? "T" : "N", t.unit ? "U" : "N", &ik, &in, &one, a, &lda, b, &ik, 1, 1, 1, 1);
}
