/*
** reduce.h -- one reduction for one dtype; reduce.c includes it once for each.  Set before:
**
**   NAME             of the eval
**   T, A             types of the elements and of the result
**   LOAD(x)          an element as A
**   COMBINE(a, b)    associative; IDENTITY its neutral element
**
** The order of combination depends on the shape alone, never on strides or addresses.  The elements
** of a result, in row-major order, are taken in blocks; element i of a block goes to lane i % LANES,
** lanes are combined as a tree, and blocks in pairs as they come (Higham, "The accuracy of floating
** point summation", SISC 1993), so the error of a sum grows like the logarithm of its length, in
** float32 too.
*/
#define LANES ((int)(64 / sizeof(A)))
#define BLOCK (16 * LANES)
#define D(name) CJK_PASTE(name, NAME)

/* rows of n elements, one after the other, into n accumulators */
CJK_INLINE void D(into)(A *acc, const T *x, int n, int64_t rows) {
#ifdef VECTOR_INTO
  int i0 = VECTOR_INTO(acc, x, n, rows);
#else
  int i0 = 0;
#endif
  for (int64_t r = 0; i0 < n && r < rows; r++, x += n)
    for (int i = i0; i < n; i++) acc[i] = COMBINE(acc[i], LOAD(x[i]));
}

/* A block of n elements. */
static A D(block)(const T *x, int64_t n) {
  A acc[LANES];
  int m = n < LANES ? (int)n : LANES;
  for (int l = 0; l < LANES; l++) acc[l] = IDENTITY;
  D(into)(acc, x, LANES, n / LANES);
  D(into)(acc, x + n / LANES * LANES, (int)(n % LANES), 1);
  if (m == LANES) { /* the same, for the compiler to unroll */
    for (int h = LANES / 2; h > 0; h /= 2)
      for (int l = 0; l < h; l++) acc[l] = COMBINE(acc[l], acc[l + h]);
    return acc[0];
  }
  for (int h = LANES / 2; h > 0; h /= 2)
    for (int l = 0; l < h && l + h < m; l++) acc[l] = COMBINE(acc[l], acc[l + h]);
  return acc[0];
}

/* One result: the elements x + r.. of all reduced axes. */
static A D(one)(const reduction *r, const T *x) {
  T buf[BLOCK];
  A stack[DEPTH];
  int top = 0;
  cjk_stream s = stream_start(r);
  for (int64_t b = 1, left = r->count; left > 0; b++) {
    int64_t n = left < BLOCK ? left : BLOCK;
    const T *p = x + s.at;
    if (r->inner_step != 1 || s.left < n)
      stream_take(&s, r, buf, x, n, sizeof(T)), p = buf;
    else
      stream_skip(&s, r, n);
    stack[top++] = D(block)(p, n);
    for (int64_t k = b; k % 2 == 0; k /= 2, top--) stack[top - 2] = COMBINE(stack[top - 2], stack[top - 1]);
    left -= n;
  }
  if (top == 0) return IDENTITY;
  for (; top > 1; top--) stack[top - 2] = COMBINE(stack[top - 2], stack[top - 1]);
  return stack[0];
}

static void D(combine_rows)(A *a, const A *b, int n) {
  for (int c = 0; c < n; c++) a[c] = COMBINE(a[c], b[c]);
}

/* A block of n rows of w columns, into y. */
static void D(block_columns)(const reduction *r, cjk_stream *s, const T *x, int64_t n, int w, A *y) {
  A acc[LANES][COLUMNS];
  int m = n < LANES ? (int)n : LANES;
  for (int64_t i = 0; i < n; i++) {
    const T *row = x + s->at;
    A *a = acc[i % LANES];
    for (int c = 0; i < LANES && c < w; c++) a[c] = IDENTITY;
    D(into)(a, row, w, 1);
    stream_skip(s, r, 1);
  }
  for (int h = LANES / 2; h > 0; h /= 2)
    for (int l = 0; l < h && l + h < m; l++) D(combine_rows)(acc[l], acc[l + h], w);
  memcpy(y, acc[0], (size_t)w * sizeof(A));
}

/* w results that lie side by side in x: the same arithmetic as w times one(). */
static void D(columns)(const reduction *r, const T *x, int w, A *y, int64_t ystep) {
  A stack[DEPTH][COLUMNS];
  int top = 0;
  cjk_stream s = stream_start(r);
  for (int64_t b = 1, left = r->count; left > 0; b++) {
    int64_t n = left < BLOCK ? left : BLOCK;
    D(block_columns)(r, &s, x, n, w, stack[top++]);
    for (int64_t k = b; k % 2 == 0; k /= 2, top--) D(combine_rows)(stack[top - 2], stack[top - 1], w);
    left -= n;
  }
  for (; top > 1; top--) D(combine_rows)(stack[top - 2], stack[top - 1], w);
  for (int c = 0; c < w; c++) y[c * ystep] = r->count > 0 ? stack[0][c] : IDENTITY;
}

/* n results, steps in elements of x and of y: side by side, or a block each where it lies, or one by one. */
static void D(line)(const reduction *r, const T *x, int64_t xstep, A *y, int64_t ystep, int64_t n) {
  if (n > 1 && xstep == 1 && r->inner_step != 1) {
    for (int64_t i = 0; i < n; i += COLUMNS)
      D(columns)(r, x + i, (int)(n - i < COLUMNS ? n - i : COLUMNS), y + i * ystep, ystep);
  } else if (r->nred == 1 && r->inner_step == 1 && r->count <= BLOCK) {
    for (int64_t i = 0; i < n; i++) y[i * ystep] = D(block)(x + i * xstep, r->count);
  } else {
    for (int64_t i = 0; i < n; i++) y[i * ystep] = D(one)(r, x + i * xstep);
  }
}

static cj_status NAME(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  reduction r = reduction_of(in, a->v[0], out);
  const T *x = (const T *)in->data;
  A *y = (A *)out->data;
  cjk_walk w;
  const int64_t *stride[] = {r.ystride, r.xstride};
  for (bool more = cjk_walk_start(&w, r.rank, r.dim, 2, stride); more; more = cjk_walk_next(&w))
    D(line)(&r, x + w.at[1], w.step[1], y + w.at[0], w.step[0], w.n);
  return CJ_OK;
}
#undef LANES
#undef BLOCK
#undef VECTOR_INTO
#undef D
#undef NAME
#undef T
#undef A
