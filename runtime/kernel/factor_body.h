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
    CALL(getrf)(n, y, n + 1, piv, piv + n);
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

/* How to solve with a factor: a solver takes the factor with its row stride, and the right-hand sides. */
typedef bool NAME(solver)(cjk_tri how, int64_t n, int64_t k, const T *factor, int64_t fr, T *b);

static bool NAME(regular)(int64_t n, const T *a, int64_t ar) {
  for (int64_t i = 0; i < n; i++)
    if (a[i * ar + i] == 0) return false;
  return true;
}

/* P A = L U.  A x = b: exchange, L, U.  A' x = b: U', L', exchange back. */
static bool NAME(lu_apply)(cjk_tri how, int64_t n, int64_t k, const T *lu, int64_t lr, T *b) {
  bool trans = how.trans;
  if (!NAME(regular)(n, lu, lr)) return false;
  cjk_tri lower = {.upper = false, .trans = trans, .unit = true}, upper = {.upper = true, .trans = trans};
  for (int64_t i = 0; !trans && i < n; i++) NAME(exchange_rows)(k, b, i, (int64_t)lu[i * lr + n]);
  CALL(trsm)(trans ? upper : lower, n, k, lu, lr, b);
  CALL(trsm)(trans ? lower : upper, n, k, lu, lr, b);
  for (int64_t i = n; trans && i-- > 0;) NAME(exchange_rows)(k, b, i, (int64_t)lu[i * lr + n]);
  return true;
}

static bool NAME(tri_apply)(cjk_tri how, int64_t n, int64_t k, const T *a, int64_t ar, T *b) {
  if (!how.unit && !NAME(regular)(n, a, ar)) return false;
  CALL(trsm)(how, n, k, a, ar, b);
  return true;
}

/* Operands of a solve: 0 the factor, n x cols, 1 the right-hand sides, n x k. */
typedef struct NAME(solve) {
  stack s;
  const cj_view *in[2];
  int64_t n, cols, k;
  T *pack; /* room for a factor, then for all right-hand sides */
} NAME(solve);

/* The factor where it lies, if its rows are contiguous, or packed. */
static const T *NAME(factor)(const NAME(solve) * p, int64_t *fr) {
  const cj_view *v = p->in[0];
  const T *x = NAME(at)(v, p->s.at[0]);
  bool direct = col_stride(v) == 1 && row_stride(v) >= p->cols;
  *fr = direct ? row_stride(v) : p->cols;
  if (direct) return x;
  NAME(load)(p->n, p->cols, x, row_stride(v), col_stride(v), p->pack, p->cols);
  return p->pack;
}

static void NAME(load_rhs)(const NAME(solve) * p, T *y, int64_t to) {
  const cj_view *v = p->in[1];
  NAME(load)(p->n, p->k, NAME(at)(v, p->s.at[1]), row_stride(v), col_stride(v), y, to);
}

/* One factor for the whole stack: the right-hand sides are put side by side, [n, stack x k]. */
static bool NAME(solve_shared)(NAME(solve) * p, cjk_tri how, NAME(solver) * f, T *y) {
  int64_t m = depth(&p->s), n = p->n, k = p->k, all = m * k, fr;
  T *wide = p->pack + n * p->cols;
  const T *factor = NAME(factor)(p, &fr);
  for (int64_t t = 0; t < m; t++, next(&p->s)) NAME(load_rhs)(p, wide + t * k, all);
  if (!f(how, n, all, factor, fr, wide)) return false;
  for (int64_t t = 0; t < m; t++) NAME(load)(n, k, wide + t * k, all, 1, y + t * n * k, k);
  return true;
}

static bool NAME(isshared)(const stack *s) {
  for (int i = 0; i < s->rank; i++)
    if (s->dim[i] != 1 && (s->stride[0][i] != 0 || s->stride[1][i] == 0)) return false; /* room for b itself only */
  return depth(s) > 1;
}

static cj_status NAME(solve_stack)(const cj_view *factor, const cj_view *b, cjk_tri how, NAME(solver) * f, cj_view *out,
                                   void *ws) {
  NAME(solve) p = {.in = {factor, b}, .n = size_at(factor->type, 2), .cols = size_at(factor->type, 1), .pack = ws};
  T *y = NAME(result)(out);
  p.k = size_at(out->type, 1);
  if (count(out->type) == 0) return CJ_OK;
  open_stack(&p.s, (cj_view[]){*factor, *b}, 2, out->type, 2);
  if (NAME(isshared)(&p.s)) return NAME(solve_shared)(&p, how, f, y) ? CJ_OK : CJ_EDOMAIN;
  for (int64_t t = depth(&p.s), fr; t-- > 0; next(&p.s), y += p.n * p.k) {
    const T *x = NAME(factor)(&p, &fr);
    NAME(load_rhs)(&p, y, p.k);
    if (!f(how, p.n, p.k, x, fr, y)) return CJ_EDOMAIN;
  }
  return CJ_OK;
}

static cj_status NAME(eval_lusolve)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  (void)nin;
  cjk_tri how = {.trans = a->n > 0 && a->v[0]};
  return NAME(solve_stack)(&in[1], &in[2], how, NAME(lu_apply), out, ws);
}

static cj_status NAME(eval_trisolve)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  (void)nin;
  cjk_tri how = {.upper = a->v[0], .trans = a->v[1], .unit = a->v[2]};
  return NAME(solve_stack)(&in[0], &in[1], how, NAME(tri_apply), out, ws);
}

/* --- Cholesky -------------------------------------------------------------------------------------------- */

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
