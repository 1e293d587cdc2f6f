/* lapack_body.h -- included by lapack.c once for each float type T. */

extern void LAPACK(potrf)(const char *uplo, const int *n, T *a, const int *lda, int *info, size_t);
extern void LAPACK(gelqf)(const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork,
                          int *info);
extern void LAPACK(orglq)(const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work,
                          const int *lwork, int *info);
extern void LAPACK(syevd)(const char *jobz, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work,
                          const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t);
extern void LAPACK(gesvd)(const char *jobu, const char *jobvt, const int *m, const int *n, T *a, const int *lda, T *s,
                          T *u, const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, int *info, size_t,
                          size_t);

/* --- LU with partial pivoting, by rows (Golub and Van Loan, "Matrix Computations", algorithm 3.4.1) -- */

static int64_t STATIC(pivot)(int64_t n, const T *a, int64_t ar, int64_t j) {
  int64_t best = j;
  T most = ABS(a[j * ar + j]);
  for (int64_t i = j + 1; i < n; i++)
    if (ABS(a[i * ar + j]) > most || (most == most && a[i * ar + j] != a[i * ar + j])) {
      most = ABS(a[i * ar + j]);
      best = i;
    }
  return best;
}

static void STATIC(exchange)(int64_t n, T *p, T *q) {
  for (int64_t j = 0; j < n; j++) {
    T keep = p[j];
    p[j] = q[j];
    q[j] = keep;
  }
}

/* Columns j0 .. j1-1 are eliminated in rows below; the columns from j1 on only see the exchanges. */
static void STATIC(panel)(int64_t n, T *a, int64_t ar, int64_t j0, int64_t j1, T *piv) {
  for (int64_t j = j0; j < j1; j++) {
    int64_t p = STATIC(pivot)(n, a, ar, j);
    piv[j] = (T)p;
    if (p != j) STATIC(exchange)(n, a + j * ar, a + p * ar);
    T d = a[j * ar + j];
    if (d == 0) continue;
    for (int64_t i = j + 1; i < n; i++) {
      T *row = a + i * ar, f = row[j] / d;
      row[j] = f;
      for (int64_t l = j + 1; l < j1; l++) row[l] -= f * a[j * ar + l];
    }
  }
}

/* Blocked: a panel, then its rows to the right, then one product for the rest. */
void NAME(getrf)(int64_t n, T *a, int64_t ar, T *piv) {
  enum { NB = 32 };
  T block[NB * NB];
  for (int64_t j = 0; j < n; j += NB) {
    int64_t nb = n - j < NB ? n - j : NB, right = n - j - nb;
    STATIC(panel)(n, a, ar, j, j + nb, piv);
    if (right == 0) break;
    for (int64_t i = j; i < j + nb; i++) /* unit lower triangle times unknown rows */
      for (int64_t l = j; l < i; l++)
        for (int64_t c = j + nb; c < n; c++) a[i * ar + c] -= a[i * ar + l] * a[l * ar + c];
    for (int64_t i = j + nb; i < n; i++) {
      memcpy(block, a + i * ar + j, (size_t)nb * sizeof(T));
      for (int64_t l = 0; l < nb; l++) {
        const T *u = a + (j + l) * ar + j + nb;
        T *row = a + i * ar + j + nb, f = block[l];
        for (int64_t c = 0; c < right; c++) row[c] -= f * u[c];
      }
    }
  }
}

/* --- Cholesky ------------------------------------------------------------------------------------- */

static bool STATIC(plain_potrf)(int64_t n, T *a) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      T s = a[i * n + j];
      for (int64_t l = 0; l < j; l++) s -= a[i * n + l] * a[j * n + l];
      if (i != j) {
        a[i * n + j] = s / a[j * n + j];
        continue;
      }
      if (!(s > 0) || s == (T)INFINITY) return false;
      a[i * n + i] = ROOT(s);
    }
  return true;
}

bool NAME(potrf)(int64_t n, T *a) {
  int in = (int)n, info = 0;
  if (n <= PLAIN || !fits_lapack(n)) return STATIC(plain_potrf)(n, a);
  LAPACK(potrf)("U", &in, a, &in, &info, 1);
  return info == 0;
}

/* --- orthogonal factorisations ---------------------------------------------------------------------- */

/* The memory of a reads as a', and a' = L Q' by columns is a = Q R by rows. */
bool NAME(qr)(int64_t m, int64_t n, T *a, T *r, T *ws) {
  int im = (int)m, in = (int)n, lwork = (int)(64 * n + 64), info = 0;
  if (n == 0) return true;
  if (!fits_lapack(m) || !fits_lapack(n)) return false;
  T *tau = ws, *work = ws + n;
  LAPACK(gelqf)(&in, &im, a, &in, tau, work, &lwork, &info);
  if (info != 0) return false;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) r[i * n + j] = j >= i ? a[i * n + j] : 0;
  LAPACK(orglq)(&in, &im, &in, a, &in, tau, work, &lwork, &info);
  return info == 0;
}

bool NAME(eigh)(int64_t n, T *a, T *w, T *ws) {
  int in = (int)n, lwork = (int)(1 + 6 * n + 2 * n * n), liwork = (int)(3 + 5 * n), info = 0;
  if (n == 0) return true;
  if (n > 16384) return false;
  T *work = ws, *iwork = ws + lwork, *v = iwork + liwork;
  LAPACK(syevd)("V", "U", &in, a, &in, w, work, &lwork, (int *)(void *)iwork, &liwork, &info, 1, 1);
  if (info != 0) return false;
  memcpy(v, a, (size_t)(n * n) * sizeof *v); /* eigenvectors lie in rows: turn them into columns */
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) a[i * n + j] = v[j * n + i];
  return true;
}

/* LAPACK sees a' = v diag(s) u': what it calls the left vectors are ours on the right. */
bool NAME(svd)(int64_t n, T *a, T *u, T *s, T *vt, T *ws) {
  int in = (int)n, lwork = (int)(5 * n + 64 * (n + 1)), info = 0;
  if (n == 0) return true;
  if (!fits_lapack(n)) return false;
  LAPACK(gesvd)("A", "A", &in, &in, a, &in, s, vt, &in, u, &in, ws, &lwork, &info, 1, 1);
  return info == 0;
}
