/* lapack_body.h -- included by lapack.c once for each float type T. */

extern void LAPACK(getrf)(const int *m, const int *n, T *a, const int *lda, int *ipiv, int *info);
extern void LAPACK(potrf)(const char *uplo, const int *n, T *a, const int *lda, int *info, size_t);
extern void LAPACK(gelqf)(const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork,
                          int *info);
extern void LAPACK(orglq)(const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work,
                          const int *lwork, int *info);
extern void LAPACK(syevd)(const char *jobz, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work,
                          const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t);

extern void LAPACK(gesdd)(const char *jobz, const int *m, const int *n, T *a, const int *lda, T *s, T *u,
                          const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, int *iwork, int *info,
                          size_t);
extern void LAPACK(geev)(const char *jobvl, const char *jobvr, const int *n, T *a, const int *lda, T *wr, T *wi, T *vl,
                         const int *ldvl, T *vr, const int *ldvr, T *work, const int *lwork, int *info, size_t, size_t);

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

static void STATIC(plain_getrf)(int64_t n, T *a, int64_t ar, T *piv) {
  for (int64_t j = 0; j < n; j++) {
    int64_t p = STATIC(pivot)(n, a, ar, j);
    piv[j] = (T)p;
    if (p != j) STATIC(exchange)(n, a + j * ar, a + p * ar);
    T d = a[j * ar + j];
    if (d == 0) continue;
    for (int64_t i = j + 1; i < n; i++) {
      T *row = a + i * ar, f = row[j] / d;
      row[j] = f;
      for (int64_t l = j + 1; l < n; l++) row[l] -= f * a[j * ar + l];
    }
  }
}

/* y = x', n x n. */
static void STATIC(turn)(int64_t n, const T *x, int64_t xr, T *y, int64_t yr) {
  for (int64_t i0 = 0; i0 < n; i0 += 16)
    for (int64_t j0 = 0; j0 < n; j0 += 16)
      for (int64_t i = i0; i < n && i < i0 + 16; i++)
        for (int64_t j = j0; j < n && j < j0 + 16; j++) y[i * yr + j] = x[j * xr + i];
}

static bool STATIC(allfinite)(int64_t n, const T *a, int64_t ar) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++)
      if (!isfinite(a[i * ar + j])) return false;
  return true;
}

/* LAPACK exchanges what it sees as rows, so it gets the matrix by columns.  Not with a NaN: what its search
** for pivots then does is not said anywhere. */
void NAME(getrf)(int64_t n, T *a, int64_t ar, T *piv, T *ws) {
  int in = (int)n, info = 0, *ipiv = (int *)(void *)(ws + n * n);
  if (n <= CJK_PLAIN || !fits_lapack(n) || !STATIC(allfinite)(n, a, ar)) {
    STATIC(plain_getrf)(n, a, ar, piv);
    return;
  }
  STATIC(turn)(n, a, ar, ws, n);
  LAPACK(getrf)(&in, &in, ws, &in, ipiv, &info);
  STATIC(turn)(n, ws, n, a, ar);
  for (int64_t i = 0; i < n; i++) piv[i] = (T)(ipiv[i] - 1);
}

/* --- Cholesky ------------------------------------------------------------------------------------- */

/* Column by column, n <= CJK_PLAIN: each is taken from the triangle to its right (Golub and Van Loan, 4.2.4). */
static bool STATIC(plain_potrf)(int64_t n, T *a) {
  T column[CJK_PLAIN];
  for (int64_t j = 0; j < n; j++) {
    T d = a[j * n + j];
    if (!(d > 0) || d == (T)INFINITY) return false;
    a[j * n + j] = d = ROOT(d);
    for (int64_t i = j + 1; i < n; i++) column[i] = a[i * n + j] /= d;
    for (int64_t i = j + 1; i < n; i++)
      for (int64_t l = j + 1; l <= i; l++) a[i * n + l] -= column[i] * column[l];
  }
  return true;
}

bool NAME(potrf)(int64_t n, T *a) {
  int in = (int)n, info = 0;
  if (n <= CJK_PLAIN) return STATIC(plain_potrf)(n, a);
  if (!fits_lapack(n)) return false;
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
  T *work = ws, *iwork = ws + lwork, *v = iwork + liwork; /* a is symmetric: both triangles are there */
  LAPACK(syevd)("V", "L", &in, a, &in, w, work, &lwork, (int *)(void *)iwork, &liwork, &info, 1, 1);
  if (info != 0) return false;
  memcpy(v, a, (size_t)(n * n) * sizeof *v); /* eigenvectors lie in rows: turn them into columns */
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) a[i * n + j] = v[j * n + i];
  return true;
}

/* --- singular values, eigenvalues ---------------------------------------------------------------------- */

/* The memory of a reads as a' = V S U': what LAPACK calls U is V' by rows here, and its V' is U. */
bool NAME(svd)(int64_t m, int64_t n, const T *a, T *u, T *s, T *vt, T *ws) {
  int im = (int)m, in = (int)n, r = (int)(m < n ? m : n), lwork, info = 0;
  if (r == 0) return true;
  if (m > 16384 || n > 16384) return false; /* 4 r^2 has to be an int */
  T *copy = ws, *work = ws + m * n;
  lwork = (int)cjk_svd_room(m, n);
  memcpy(copy, a, (size_t)(m * n) * sizeof *copy);
  LAPACK(gesdd)("S", &in, &im, copy, &in, s, vt, &in, u, &r, work, &lwork, (int *)(void *)(work + lwork), &info, 1);
  return info == 0;
}

bool NAME(eig)(int64_t n, T *a, T *w, T *v, T *ws) {
  int in = (int)n, one = 1, lwork = (int)(36 * n + 64), info = 0;
  if (n == 0) return true;
  if (n > 16384) return false;
  T *turned = ws, *vectors = ws + n * n, *work = vectors + n * n, none[1];
  STATIC(turn)(n, a, n, turned, n);
  LAPACK(geev)
  ("N", v ? "V" : "N", &in, turned, &in, w, w + n, none, &one, v ? vectors : none, v ? &in : &one, work, &lwork, &info,
   1, 1);
  if (info == 0 && v) STATIC(turn)(n, vectors, n, v, n);
  return info == 0;
}
