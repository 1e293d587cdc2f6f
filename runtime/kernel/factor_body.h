/* factor_body.h -- included by factor.c once for each float type T. */

static const T *NAME(at)(const cj_view *v, int64_t offset) { return (const T *)(const void *)v->data + offset; }
static T *NAME(result)(cj_view *v) { return (T *)(void *)v->data; }

/* m x n elements to row-major memory with row stride to. */
static void NAME(load)(int64_t m, int64_t n, const T *x, int64_t rs, int64_t cs, T *y, int64_t to) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) y[i * to + j] = x[i * rs + j * cs];
}

static bool NAME(finite)(int64_t n, const T *x) {
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* --- LU ---------------------------------------------------------------------------------------------- */

static cj_status NAME(eval_lu)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  stack s;
  int64_t n = size_at(out->type, 2);
  T *y = NAME(result)(out), *piv = ws;
  (void)nin, (void)a;
  open_stack(&s, in, 1, out->type, 2);
  for (int64_t t = depth(&s); t-- > 0; next(&s), y += n * (n + 1)) {
    NAME(load)(n, n, NAME(at)(in, s.at[0]), row_stride(in), col_stride(in), y, n + 1);
    CALL(getrf)(n, y, n + 1, piv);
    for (int64_t i = 0; i < n; i++) y[i * (n + 1) + n] = piv[i];
  }
  return CJ_OK;
}

static void NAME(exchange_rows)(int64_t k, T *b, int64_t i, int64_t p) {
  for (int64_t j = 0; p != i && j < k; j++) {
    T keep = b[i * k + j];
    b[i * k + j] = b[p * k + j];
    b[p * k + j] = keep;
  }
}

/* P A = L U.  A x = b: exchange, L, U.  A' x = b: U', L', exchange back. */
static bool NAME(lu_apply)(int64_t n, int64_t k, const T *lu, bool trans, T *b) {
  for (int64_t i = 0; i < n; i++)
    if (lu[i * (n + 1) + i] == 0) return false;
  cjk_tri lower = {.upper = false, .trans = trans, .unit = true}, upper = {.upper = true, .trans = trans};
  for (int64_t i = 0; !trans && i < n; i++) NAME(exchange_rows)(k, b, i, (int64_t)lu[i * (n + 1) + n]);
  CALL(trsm)(trans ? upper : lower, n, k, lu, n + 1, b);
  CALL(trsm)(trans ? lower : upper, n, k, lu, n + 1, b);
  for (int64_t i = n; trans && i-- > 0;) NAME(exchange_rows)(k, b, i, (int64_t)lu[i * (n + 1) + n]);
  return true;
}

/* One factor for a whole stack of right-hand sides: they are put side by side, [n, stack x k]. */
static bool NAME(lu_shared)(const cj_view *in, stack *s, int64_t n, int64_t k, const T *lu, bool trans, T *y, T *wide) {
  int64_t m = depth(s), all = m * k;
  for (int64_t t = 0; t < m; t++, next(s))
    NAME(load)(n, k, NAME(at)(&in[2], s->at[2]), row_stride(&in[2]), col_stride(&in[2]), wide + t * k, all);
  if (!NAME(lu_apply)(n, all, lu, trans, wide)) return false;
  for (int64_t t = 0; t < m; t++) NAME(load)(n, k, wide + t * k, all, 1, y + t * n * k, k);
  return true;
}

static bool NAME(isshared)(const stack *s, int64_t m) {
  for (int i = 0; i < s->rank; i++)
    if (s->stride[1][i] != 0) return false;
  for (int i = 0; i < s->rank; i++)
    if (s->dim[i] != 1 && s->stride[2][i] == 0) return false; /* the workspace is as large as b itself */
  return m > 1;
}

static cj_status NAME(eval_lusolve)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  stack s;
  int64_t n = size_at(out->type, 2), k = size_at(out->type, 1);
  bool trans = a->n > 0 && a->v[0];
  T *y = NAME(result)(out), *factor = ws, *wide = factor + n * (n + 1);
  if (count(out->type) == 0) return CJ_OK;
  open_stack(&s, in, nin, out->type, 2);
  int64_t m = depth(&s);
  bool shared = NAME(isshared)(&s, m);
  for (int64_t t = 0; t < m; t++, next(&s), y += n * k) {
    if (t == 0 || !shared)
      NAME(load)(n, n + 1, NAME(at)(&in[1], s.at[1]), row_stride(&in[1]), col_stride(&in[1]), factor, n + 1);
    if (shared) return NAME(lu_shared)(in, &s, n, k, factor, trans, y, wide) ? CJ_OK : CJ_EDOMAIN;
    NAME(load)(n, k, NAME(at)(&in[2], s.at[2]), row_stride(&in[2]), col_stride(&in[2]), y, k);
    if (!NAME(lu_apply)(n, k, factor, trans, y)) return CJ_EDOMAIN;
  }
  return CJ_OK;
}

/* --- triangles ------------------------------------------------------------------------------------------- */

static cj_status NAME(eval_cholesky)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  stack s;
  int64_t n = size_at(out->type, 1);
  T *y = NAME(result)(out);
  (void)nin, (void)a, (void)ws;
  open_stack(&s, in, 1, out->type, 2);
  for (int64_t t = depth(&s); t-- > 0; next(&s), y += n * n) {
    NAME(load)(n, n, NAME(at)(in, s.at[0]), row_stride(in), col_stride(in), y, n);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = i + 1; j < n; j++) y[i * n + j] = 0;
    if (!NAME(finite)(n * n, y) || !CALL(potrf)(n, y)) return CJ_EDOMAIN;
  }
  return CJ_OK;
}

static bool NAME(regular)(int64_t n, const T *a) {
  for (int64_t i = 0; i < n; i++)
    if (a[i * n + i] == 0) return false;
  return true;
}

static cj_status NAME(eval_trisolve)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  stack s;
  int64_t n = size_at(out->type, 2), k = size_at(out->type, 1);
  cjk_tri how = {.upper = a->v[0], .trans = a->v[1], .unit = a->v[2]};
  T *y = NAME(result)(out), *tri = ws;
  if (count(out->type) == 0) return CJ_OK;
  open_stack(&s, in, nin, out->type, 2);
  for (int64_t t = depth(&s); t-- > 0; next(&s), y += n * k) {
    NAME(load)(n, n, NAME(at)(&in[0], s.at[0]), row_stride(&in[0]), col_stride(&in[0]), tri, n);
    NAME(load)(n, k, NAME(at)(&in[1], s.at[1]), row_stride(&in[1]), col_stride(&in[1]), y, k);
    if (!how.unit && !NAME(regular)(n, tri)) return CJ_EDOMAIN;
    CALL(trsm)(how, n, k, tri, n, y);
  }
  return CJ_OK;
}

/* --- orthogonal ------------------------------------------------------------------------------------------- */

static cj_status NAME(eval_qrpack)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  stack s;
  int64_t n = size_at(in->type, 1), m = size_at(in->type, 2);
  T *y = NAME(result)(out);
  (void)nin, (void)a;
  open_stack(&s, in, 1, out->type, 2);
  for (int64_t t = depth(&s); t-- > 0; next(&s), y += (m + n) * n) {
    NAME(load)(m, n, NAME(at)(in, s.at[0]), row_stride(in), col_stride(in), y, n);
    if (!NAME(finite)(m * n, y) || !CALL(qr)(m, n, y, y + m * n, ws)) return CJ_EDOMAIN;
  }
  return CJ_OK;
}

static cj_status NAME(eval_eighpack)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  stack s;
  int64_t n = size_at(in->type, 1);
  T *y = NAME(result)(out);
  (void)nin, (void)a;
  open_stack(&s, in, 1, out->type, 2);
  for (int64_t t = depth(&s); t-- > 0; next(&s), y += (n + 1) * n) {
    T *v = y + n;
    NAME(load)(n, n, NAME(at)(in, s.at[0]), row_stride(in), col_stride(in), v, n);
    for (int64_t i = 0; i < n; i++) /* only the lower triangle counts */
      for (int64_t j = i + 1; j < n; j++) v[i * n + j] = v[j * n + i];
    if (!NAME(finite)(n * n, v) || !CALL(eigh)(n, v, y, ws)) return CJ_EDOMAIN;
  }
  return CJ_OK;
}

/* --- cofactors ----------------------------------------------------------------------------------------------- */

/* The sign of the determinant of an orthogonal matrix, which is lost. */
static T NAME(orientation)(int64_t n, T *q, T *piv) {
  T sign = 1;
  CALL(getrf)(n, q, n, piv);
  for (int64_t i = 0; i < n; i++) {
    if (q[i * n + i] < 0) sign = -sign;
    if (piv[i] != (T)i) sign = -sign;
  }
  return sign;
}

static void NAME(cofactor_small)(int64_t n, const T *x, T *y) {
  if (n == 1) y[0] = 1;
  if (n == 2) {
    y[0] = x[3];
    y[1] = -x[2];
    y[2] = -x[1];
    y[3] = x[0];
  }
  for (int i = 0; n == 3 && i < 3; i++)
    for (int j = 0; j < 3; j++) {
      int i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
      y[3 * i + j] = x[3 * i1 + j1] * x[3 * i2 + j2] - x[3 * i1 + j2] * x[3 * i2 + j1];
    }
}

/* cof(A) = det(U) det(V) U diag(product of the other singular values) V' (Magnus and Neudecker, "Matrix
** Differential Calculus", on adjoints). */
static bool NAME(cofactor_svd)(int64_t n, T *x, T *y, T *ws) {
  T *u = ws, *vt = u + n * n, *keep = vt + n * n, *s = keep + n * n, *others = s + n, *piv = others + n;
  T *work = ws + 4 * n * n + 3 * n;
  if (!CALL(svd)(n, x, u, s, vt, work)) return false;
  memcpy(keep, u, (size_t)(n * n) * sizeof *u);
  T sign = NAME(orientation)(n, keep, piv);
  memcpy(keep, vt, (size_t)(n * n) * sizeof *vt);
  sign *= NAME(orientation)(n, keep, piv);
  for (int64_t i = 0; i < n; i++) {
    others[i] = sign;
    for (int64_t j = 0; j < n; j++)
      if (j != i) others[i] *= s[j];
  }
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) u[i * n + j] *= others[j];
  CALL(gemm)(n, n, n, u, n, 1, vt, n, 1, y, work);
  return true;
}

static cj_status NAME(eval_cofactor)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  stack s;
  int64_t n = size_at(in->type, 1);
  T *y = NAME(result)(out), *x = (T *)ws + 3 * n * n + 3 * n;
  (void)nin, (void)a;
  open_stack(&s, in, 1, out->type, 2);
  for (int64_t t = depth(&s); t-- > 0; next(&s), y += n * n) {
    NAME(load)(n, n, NAME(at)(in, s.at[0]), row_stride(in), col_stride(in), x, n);
    if (n <= 3)
      NAME(cofactor_small)(n, x, y);
    else if (!NAME(finite)(n * n, x) || !NAME(cofactor_svd)(n, x, y, ws))
      return CJ_EDOMAIN;
  }
  return CJ_OK;
}
