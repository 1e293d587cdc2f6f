/*
** reduce.h -- one reduction for one dtype; reduce.c includes it once for each.  Set before:
**
**   NAME             of the eval
**   T, A             types of the elements and of the result
**   LOAD(x)          an element as A
**   COMBINE(a, b)    associative; IDENTITY its neutral element
**   SHORT_SUMS       defined: it is the sum of floats, and up to 16 elements have code of their own; an integer as
**                    large as T
**   FEW_COLUMNS      defined: so have few results side by side
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

#ifdef SHORT_SUMS
#define PER_16 (16 / (int)sizeof(T))
/* A block of `count` elements, a number of the code; up to a vector is read past them.  Lanes that have none are zeros:
** added to what 0 was added to before, which is no -0, they change nothing. */
CJK_INLINE A D(short_sum)(const T *x, const int count) {
  typedef T vec __attribute__((vector_size(16)));
  typedef SHORT_SUMS bits __attribute__((vector_size(16)));
  vec a[4] = {{0}};
  for (int k = 0; k * PER_16 < count; k++) {
    vec v;
    memcpy(&v, x + k * PER_16, sizeof v);
    bits mask = {0};
    for (int l = 0; l < PER_16; l++) mask[l] = k * PER_16 + l < count ? -1 : 0;
    a[k % 4] += (vec)((bits)v & mask);
  }
  a[0] += a[2], a[1] += a[3];
  a[0] += a[1];
  if (PER_16 == 2) return a[0][0] + a[0][1];
  return (a[0][0] + a[0][2 % PER_16]) + (a[0][1] + a[0][3 % PER_16]);
}

#define SHORT(count)                                                                                                   \
  case count:                                                                                                          \
    for (; i < whole; i++) y[i * ystep] = D(short_sum)(x + i * xstep, count);                                          \
    break;
static void D(blocks)(const T *x, int64_t xstep, A *y, int64_t ystep, int64_t n, int64_t count) {
  int64_t i = 0, whole = 0; /* behind so many are enough elements to be read past them */
  if (xstep > 0 && xstep >= count) whole = n - (PER_16 - 2 + xstep) / xstep;
  switch (count) {
    SHORT(2)
    SHORT(3)
    SHORT(4)
    SHORT(5)
    SHORT(6)
    SHORT(7)
    SHORT(8)
    SHORT(9)
    SHORT(10)
    SHORT(11)
    SHORT(12)
    SHORT(13)
    SHORT(14)
    SHORT(15)
    SHORT(16)
  default: break;
  }
  for (; i < n; i++) y[i * ystep] = D(block)(x + i * xstep, count);
}
#undef SHORT
#undef PER_16
#else
static void D(blocks)(const T *x, int64_t xstep, A *y, int64_t ystep, int64_t n, int64_t count) {
  for (int64_t i = 0; i < n; i++) y[i * ystep] = D(block)(x + i * xstep, count);
}
#endif

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

CJK_INLINE void D(combine_rows)(A *a, const A *b, int n) {
  for (int c = 0; c < n; c++) a[c] = COMBINE(a[c], b[c]);
}

/* A block of n rows of w columns, into y. */
CJK_INLINE void D(block_columns)(const reduction *r, cjk_stream *s, const T *x, int64_t n, int w, A *y) {
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
CJK_INLINE void D(columns_of)(const reduction *r, const T *x, int w, A *y, int64_t ystep) {
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

static void D(columns)(const reduction *r, const T *x, int w, A *y, int64_t ystep) { D(columns_of)(r, x, w, y, ystep); }

#ifdef FEW_COLUMNS
static void D(columns_8)(const reduction *r, const T *x, A *y, int64_t ystep) { D(columns_of)(r, x, 8, y, ystep); }
static void D(columns_2)(const reduction *r, const T *x, A *y, int64_t ystep) { D(columns_of)(r, x, 2, y, ystep); }

static void D(all_columns)(const reduction *r, const T *x, A *y, int64_t ystep, int64_t n) {
  for (; n >= COLUMNS; n -= COLUMNS, x += COLUMNS, y += COLUMNS * ystep) D(columns)(r, x, COLUMNS, y, ystep);
  for (; n >= 8; n -= 8, x += 8, y += 8 * ystep) D(columns_8)(r, x, y, ystep);
  for (; n >= 2; n -= 2, x += 2, y += 2 * ystep) D(columns_2)(r, x, y, ystep);
  if (n > 0) D(columns)(r, x, 1, y, ystep);
}
#else
static void D(all_columns)(const reduction *r, const T *x, A *y, int64_t ystep, int64_t n) {
  for (int64_t i = 0; i < n; i += COLUMNS)
    D(columns)(r, x + i, (int)(n - i < COLUMNS ? n - i : COLUMNS), y + i * ystep, ystep);
}
#endif

/* n results, steps in elements of x and of y: side by side, or a block each where it lies, or one by one. */
static void D(line)(const reduction *r, const T *x, int64_t xstep, A *y, int64_t ystep, int64_t n) {
  if (n > 1 && xstep == 1 && r->inner_step != 1) {
    D(all_columns)(r, x, y, ystep, n);
  } else if (r->nred == 1 && r->inner_step == 1 && r->count <= BLOCK) {
    D(blocks)(x, xstep, y, ystep, n, r->count);
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
#undef SHORT_SUMS
#undef FEW_COLUMNS
#undef D
#undef NAME
#undef T
#undef A
