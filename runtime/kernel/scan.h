/* scan.h -- one scan for one dtype; scan.c includes it once for each.  Set before: NAME of the eval,
** T, FIRST(a, b), NEXT(y, a, b) of the first and the following elements of a line (a, b: the operands). */
#define D(name) CJK_PASTE(name, NAME)

static void D(line)(int64_t n, T *y, int64_t ys, const T *a, int64_t as, const T *b, int64_t bs) {
  T h = FIRST(a[0], b[0]);
  y[0] = h;
  for (int64_t i = 1; i < n; i++) {
    h = NEXT(h, a[i * as], b[i * bs]);
    y[i * ys] = h;
  }
}

static void D(vector)(const cj_view *a, const cj_view *b, bool reverse, const cj_view *out) {
  int64_t n = out->type->dim[0], ys = out->stride[0], as = a->stride[0], bs = b->stride[0], end = reverse ? n - 1 : 0;
  T *y = (T *)out->data + end * ys;
  const T *ai = (const T *)a->data + end * as, *bi = (const T *)b->data + end * bs;
  if (reverse)
    D(line)(n, y, -ys, ai, -as, bi, -bs);
  else
    D(line)(n, y, ys, ai, as, bi, bs);
}

/* Four lines in turns: what each waits for is done meanwhile.  to: from line to line; the other strides are constants
** at most calls. */
CJK_INLINE void D(turns)(int64_t n, T *y, int64_t ys, const T *a, int64_t as, const T *b, int64_t bs,
                         const int64_t *to) {
  T *y1 = y + to[0], *y2 = y1 + to[0], *y3 = y2 + to[0];
  const T *a1 = a + to[1], *a2 = a1 + to[1], *a3 = a2 + to[1], *b1 = b + to[2], *b2 = b1 + to[2], *b3 = b2 + to[2];
  T h = y[0] = FIRST(a[0], b[0]), h1 = y1[0] = FIRST(a1[0], b1[0]);
  T h2 = y2[0] = FIRST(a2[0], b2[0]), h3 = y3[0] = FIRST(a3[0], b3[0]);
  for (int64_t i = 1; i < n; i++) {
    y[i * ys] = h = NEXT(h, a[i * as], b[i * bs]);
    y1[i * ys] = h1 = NEXT(h1, a1[i * as], b1[i * bs]);
    y2[i * ys] = h2 = NEXT(h2, a2[i * as], b2[i * bs]);
    y3[i * ys] = h3 = NEXT(h3, a3[i * as], b3[i * bs]);
  }
}

static void D(four)(const scan *s, T *y, const T *a, const T *b, const int64_t *to) {
  const int64_t *step = s->step;
  if (step[0] == 1 && step[1] == 1 && step[2] == 1)
    D(turns)(s->n, y, 1, a, 1, b, 1, to);
  else if (step[0] == -1 && step[1] == -1 && step[2] == -1)
    D(turns)(s->n, y, -1, a, -1, b, -1, to);
  else
    D(turns)(s->n, y, step[0], a, step[1], b, step[2], to);
}

/* A row of n lines that lie side by side; before: the row of results it continues, or NULL. */
static void D(row)(const cjk_walk *w, T *y, const T *before, const T *a, const T *b) {
  int64_t as = w->step[1], bs = w->step[2];
  CJK_IVDEP
  for (int64_t i = 0; i < w->n; i++)
    y[i] = before ? NEXT(before[i], a[i * as], b[i * bs]) : FIRST(a[i * as], b[i * bs]);
}

/* One outer element: n steps over the axes behind the scanned one. */
static void D(rows)(const scan *s, T *y, const T *a, const T *b) {
  cjk_walk first, w;
  start_behind(&first, s);
  for (int64_t i = 0; i < s->n; i++, y += s->step[0], a += s->step[1], b += s->step[2]) {
    const T *before = i > 0 ? y - s->step[0] : NULL;
    D(row)(&first, y, before, a, b);
    if (first.outer == 0) continue;
    for (w = first; cjk_walk_next(&w);)
      D(row)(&w, y + w.at[0], before ? before + w.at[0] : NULL, a + w.at[1], b + w.at[2]);
  }
}

/* n outer elements, step apart. */
static void D(many)(const scan *s, int64_t n, T *y, const T *a, const T *b, const int64_t *step) {
  int64_t i = 0;
  for (; s->inner == 1 && i + 4 <= n; i += 4) D(four)(s, y + i * step[0], a + i * step[1], b + i * step[2], step);
  for (; i < n; i++) {
    T *yi = y + i * step[0];
    const T *ai = a + i * step[1], *bi = b + i * step[2];
    if (s->inner == 1)
      D(line)(s->n, yi, s->step[0], ai, s->step[1], bi, s->step[2]);
    else
      D(rows)(s, yi, ai, bi);
  }
}

static cj_status NAME(const cj_view *in, int nin, const cj_attr *at, cj_view *out, void *ws) {
  CJ_UNUSED(ws);
  if (cjt_count(out->type) == 0) return CJ_OK;
  if (out->type->rank == 1) {
    D(vector)(&in[0], &in[nin - 1], at->n > 1 && at->v[1], out);
    return CJ_OK;
  }
  scan s = scan_of(in, nin, at, out);
  T *y = (T *)out->data + s.start[0];
  const T *a = (const T *)in[0].data + s.start[1], *b = (const T *)in[nin - 1].data + s.start[2];
  cjk_walk w;
  for (bool more = start_before(&w, &s); more; more = cjk_walk_next(&w))
    D(many)(&s, w.n, y + w.at[0], a + w.at[1], b + w.at[2], w.step);
  return CJ_OK;
}
#undef D
#undef NAME
#undef T
