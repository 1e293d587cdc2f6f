/* spectral_body.h -- included by spectral.c once for each float type T. */

/* Reads a matrix of v at that offset into row-major y; false: not finite. */
static bool NAME(read)(const cj_view *v, int64_t at, T *y) {
  cjk_matrix m = cjk_matrix_of(v);
  const T *x = (const T *)(const void *)v->data + at;
  for (int64_t i = 0; i < m.rows; i++)
    for (int64_t j = 0; j < m.cols; j++) {
      T e = x[i * m.rs + j * m.cs];
      if (!isfinite(e)) return false;
      y[i * m.cols + j] = e;
    }
  return true;
}

/* --- svdpack: U (m x n) above the values above V' (n x n), for m >= n ---------------------------------- */

static cj_status NAME(svdpack)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  cjk_matrix m = cjk_matrix_of(in);
  T *y = (T *)(void *)out->data, *copy = ws, *work = copy + m.rows * m.cols;
  (void)a;
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s)) {
    T *values = y + m.rows * m.cols, *vt = values + m.cols;
    if (!NAME(read)(in, s.at[0], copy)) return CJ_EDOMAIN;
    if (!CALL(svd)(m.rows, m.cols, copy, y, values, vt, work)) return CJ_EDOMAIN;
    y += (m.rows + m.cols + 1) * m.cols;
  }
  return CJ_OK;
}

/* --- pinv: V S^+ U', values up to a limit taken as 0 ------------------------------------------------------ */

static cj_status NAME(pinv)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  cjk_matrix m = cjk_matrix_of(in);
  int64_t r = m.rows < m.cols ? m.rows : m.cols;
  T *y = (T *)(void *)out->data, *x = ws, *u = x + m.rows * m.cols, *d = u + m.rows * r, *vt = d + r,
    *pack = vt + r * m.cols, *work = pack + m.rows * r + r * m.cols;
  double relative, absolute;
  memcpy(&relative, &a->v[0], sizeof relative);
  memcpy(&absolute, &a->v[1], sizeof absolute);
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s), y += m.rows * m.cols) {
    if (!NAME(read)(in, s.at[0], x) || !CALL(svd)(m.rows, m.cols, x, u, d, vt, work)) return CJ_EDOMAIN;
    double limit = r > 0 && relative * (double)d[0] > absolute ? relative * (double)d[0] : absolute;
    for (int64_t i = 0; i < r; i++) {
      T f = (double)d[i] > limit ? 1 / d[i] : 0;
      for (int64_t j = 0; j < m.cols; j++) vt[i * m.cols + j] *= f;
    }
    CALL(gemm)(m.cols, m.rows, r, vt, 1, m.cols, u, 1, r, y, pack);
  }
  return CJ_OK;
}

/* --- eigpack: real parts, imaginary parts, real and imaginary parts of the vectors ------------------------ */

/* Vectors as LAPACK packs them, n x n, to their real and imaginary parts, each n x n. */
static void NAME(unpack)(int64_t n, const T *im, const T *v, T *re, T *imag) {
  for (int64_t j = 0; j < n; j++) {
    bool pair = im[j] > 0 && j + 1 < n;
    for (int64_t i = 0; i < n; i++) {
      re[i * n + j] = v[i * n + j];
      imag[i * n + j] = pair ? v[i * n + j + 1] : 0;
      if (pair) re[i * n + j + 1] = v[i * n + j], imag[i * n + j + 1] = -v[i * n + j + 1];
    }
    j += pair;
  }
}

/* a->v[0]: with vectors; the result is [2 + 2n, n], or [2, n] without. */
static cj_status NAME(eigpack)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  int64_t n = cjk_matrix_of(in).cols;
  bool vectors = a->v[0] != 0;
  T *y = (T *)(void *)out->data, *x = ws, *v = x + n * n, *work = v + n * n;
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s)) {
    if (!NAME(read)(in, s.at[0], x) || !CALL(eig)(n, x, y, vectors ? v : NULL, work)) return CJ_EDOMAIN;
    if (vectors) NAME(unpack)(n, y + n, v, y + 2 * n, y + 2 * n + n * n);
    y += vectors ? 2 * n + 2 * n * n : 2 * n;
  }
  return CJ_OK;
}

/* --- cofactor2: the derivative of the matrix of cofactors ---------------------------------------------------- */

/* The determinant of an orthogonal matrix, 1 or -1; x is lost. */
static T NAME(orientation)(int64_t n, T *x, T *ws) {
  T *piv = ws, sign = 1;
  CALL(getrf)(n, x, n, piv, ws + n);
  for (int64_t i = 0; i < n; i++) {
    if (x[i * n + i] < 0) sign = -sign;
    if (piv[i] != (T)i) sign = -sign;
  }
  return sign;
}

/* g(i,j): the product of all d but d(i) and d(j), 0 on the diagonal. */
static void NAME(products_without)(int64_t n, const T *d, T *g) {
  T before = 1;
  for (int64_t i = 0; i < n; before *= d[i++]) {
    T between = before;
    g[i * n + i] = 0;
    for (int64_t j = i + 1; j < n; between *= d[j++]) {
      T all = between;
      for (int64_t k = j + 1; k < n && all != 0; k++) all *= d[k];
      g[i * n + j] = g[j * n + i] = all;
    }
  }
}

typedef struct NAME(adjugate) { /* of one matrix U S V' */
  int64_t n;
  T *u, *d, *vt, *without, *e, *c, *pack, *work;
} NAME(adjugate);

static bool NAME(prepare)(NAME(adjugate) * p, const T *x) {
  int64_t n = p->n;
  if (!CALL(svd)(n, n, x, p->u, p->d, p->vt, p->work)) return false;
  NAME(products_without)(n, p->d, p->without);
  memcpy(p->e, p->u, (size_t)(n * n) * sizeof(T));
  T sign = NAME(orientation)(n, p->e, p->work);
  memcpy(p->e, p->vt, (size_t)(n * n) * sizeof(T));
  sign *= NAME(orientation)(n, p->e, p->work);
  for (int64_t i = 0; i < n * n; i++) p->without[i] *= sign;
  return true;
}

/* With E = U' dA V: of a diagonal matrix the cofactor (i,i) changes by the sum over k of E(k,k) g(i,k), and
** the cofactor (i,j) by -E(j,i) g(i,j); then back by U and V'. */
static void NAME(apply)(NAME(adjugate) * p, T *y) {
  int64_t n = p->n;
  CALL(gemm)(n, n, n, p->u, 1, n, p->e, n, 1, p->c, p->pack);
  CALL(gemm)(n, n, n, p->c, n, 1, p->vt, 1, n, p->e, p->pack);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) {
      T sum = -p->e[j * n + i] * p->without[i * n + j];
      for (int64_t k = 0; i == j && k < n; k++) sum += p->e[k * n + k] * p->without[i * n + k];
      p->c[i * n + j] = sum;
    }
  CALL(gemm)(n, n, n, p->u, n, 1, p->c, n, 1, p->e, p->pack);
  CALL(gemm)(n, n, n, p->e, n, 1, p->vt, n, 1, y, p->pack);
}

static cj_status NAME(cofactor2)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  int64_t n = cjk_matrix_of(in).cols, last = -1;
  T *x = ws;
  NAME(adjugate) p = {.n = n, .u = x + n * n, .vt = x + 2 * n * n, .without = x + 3 * n * n, .e = x + 4 * n * n};
  p.c = p.e + n * n, p.pack = p.c + n * n, p.d = p.pack + 2 * n * n, p.work = p.d + n;
  T *y = (T *)(void *)out->data;
  (void)a;
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s), y += n * n) {
    if (s.at[0] != last && (!NAME(read)(&in[0], s.at[0], x) || !NAME(prepare)(&p, x))) return CJ_EDOMAIN;
    last = s.at[0];
    if (!NAME(read)(&in[1], s.at[1], p.e)) return CJ_EDOMAIN;
    NAME(apply)(&p, y);
  }
  return CJ_OK;
}
