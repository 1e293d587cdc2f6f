/* expm_body.h -- included by expm.c once for each float type T. */

typedef struct NAME(job) {
  int64_t n; /* of the block matrix */
  T *x, *power[4], *u, *v, *t, *pack, *lu;
} NAME(job);

static double NAME(norm1)(int64_t n, const T *x, int64_t rs, int64_t cs) {
  double most = 0;
  for (int64_t j = 0; j < n; j++) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += fabs((double)x[i * rs + j * cs]);
    if (!(sum <= most)) most = sum; /* a NaN stays */
  }
  return most;
}

static void NAME(times)(const NAME(job) * p, const T *x, const T *y, T *to) {
  CALL(gemm)(p->n, p->n, p->n, x, p->n, 1, y, p->n, 1, to, p->pack);
}

/* to = sum of b[2 i] power(i) for i from first, where power(0) is the identity and the rest p->power. */
static void NAME(even_sum)(const NAME(job) * p, const double *b, int first, int count, T *to) {
  int64_t n = p->n;
  for (int64_t i = 0; i < n * n; i++) {
    T sum = 0;
    for (int k = first ? first : 1; k < count; k++) sum += (T)b[2 * k] * p->power[k - 1][i];
    to[i] = sum;
  }
  for (int64_t i = 0; first == 0 && i < n; i++) to[i * n + i] += (T)b[0];
}

/* U and V of the approximation (V - U)^-1 (V + U), from the even powers. */
static void NAME(odd_even)(const NAME(job) * p, const pade *q) {
  bool long_form = q->degree == 13;
  int count = long_form ? 4 : (q->degree + 1) / 2;
  int64_t all = p->n * p->n;
  for (int odd = 1; odd >= 0; odd--) { /* U first: it needs t */
    T *to = odd ? p->t : p->v;
    NAME(even_sum)(p, q->b + odd, 0, count, to);
    if (!long_form) continue;
    T *high = p->u, *product = p->lu; /* power 3 times (b8 power 1 + b10 power 2 + b12 power 3) */
    if (!odd) high = p->power[3];
    NAME(even_sum)(p, q->b + odd + 6, 1, 4, high);
    NAME(times)(p, p->power[2], high, product);
    for (int64_t i = 0; i < all; i++) to[i] += product[i];
  }
  NAME(times)(p, p->x, p->t, p->u);
}

/* (V - U)^-1 (V + U), into x. */
static void NAME(quotient)(const NAME(job) * p) {
  int64_t n = p->n, all = n * n;
  T *piv = p->t;
  for (int64_t i = 0; i < all; i++) p->lu[i] = p->v[i] - p->u[i], p->x[i] = p->v[i] + p->u[i];
  CALL(getrf)(n, p->lu, n, piv, p->pack);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0, r = (int64_t)piv[i]; r != i && j < n; j++) {
      T keep = p->x[i * n + j];
      p->x[i * n + j] = p->x[r * n + j];
      p->x[r * n + j] = keep;
    }
  CALL(trsm)((cjk_tri){.upper = false, .unit = true}, n, n, p->lu, n, p->x);
  CALL(trsm)((cjk_tri){.upper = true}, n, n, p->lu, n, p->x);
}

/* x becomes its exponential. */
static void NAME(exponential)(NAME(job) * p) {
  int64_t all = p->n * p->n;
  int halvings;
  double norm = NAME(norm1)(p->n, p->x, p->n, 1);
  const pade *q = choose_pade(norm, sizeof(T) == sizeof(float), &halvings);
  for (int64_t i = 0; halvings && i < all; i++) p->x[i] = (T)ldexp((double)p->x[i], -halvings);
  int powers = q->degree == 13 ? 3 : q->degree / 2;
  NAME(times)(p, p->x, p->x, p->power[0]);
  for (int k = 1; k < powers; k++) NAME(times)(p, p->power[k - 1], p->power[0], p->power[k]);
  NAME(odd_even)(p, q);
  NAME(quotient)(p);
  for (; halvings > 0; halvings--) {
    NAME(times)(p, p->x, p->x, p->t);
    memcpy(p->x, p->t, (size_t)all * sizeof(T));
  }
}

/* One block of the big matrix: m times f. */
static void NAME(set_block)(const NAME(job) * p, int64_t n, int64_t row, int64_t col, const T *m, int64_t rs,
                            int64_t cs, double f) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) p->x[(row * n + i) * p->n + col * n + j] = (T)((double)m[i * rs + j * cs] * f);
}

/* Fills x with the blocks; directions are scaled to norm 1, and *scale is what was taken out.  False: there is
** nothing to compute, the answer is *scale everywhere. */
static bool NAME(set_up)(const NAME(job) * p, const cj_view *in, int nin, const cjk_stack *s, double *scale) {
  int64_t n = cjk_matrix_of(in).cols, blocks = (int64_t)1 << (nin - 1);
  memset(p->x, 0, (size_t)(p->n * p->n) * sizeof(T));
  *scale = 1;
  for (int k = 0; k < nin; k++) {
    cjk_matrix m = cjk_matrix_of(&in[k]);
    const T *x = (const T *)(const void *)in[k].data + s->at[k];
    double norm = NAME(norm1)(n, x, m.rs, m.cs);
    if (!isfinite(norm)) return *scale = (double)NAN, false;
    if (k > 0) *scale *= norm;
    if (k > 0 && norm == 0) continue;
    int64_t bit = k > 0 ? (int64_t)1 << (k - 1) : 0;
    for (int64_t b = 0; b < blocks; b++)
      if (!(b & bit)) NAME(set_block)(p, n, b, b | bit, x, m.rs, m.cs, k > 0 ? 1 / norm : 1);
  }
  return *scale != 0;
}

static cj_status NAME(eval)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  int64_t n = cjk_matrix_of(in).cols, all = n << (nin - 1), square = all * all;
  T *y = (T *)(void *)out->data, *t = ws;
  NAME(job) p = {.n = all, .x = t, .u = t + square, .v = t + 2 * square, .t = t + 3 * square, .lu = t + 4 * square};
  for (int k = 0; k < 4; k++) p.power[k] = t + (5 + k) * square;
  p.pack = t + 9 * square;
  (void)a;
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s), y += n * n) {
    double scale;
    if (!NAME(set_up)(&p, in, nin, &s, &scale)) {
      for (int64_t i = 0; i < n * n; i++) y[i] = (T)scale;
      continue;
    }
    NAME(exponential)(&p);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < n; j++) y[i * n + j] = (T)(scale * (double)p.x[i * all + all - n + j]);
  }
  return CJ_OK;
}
