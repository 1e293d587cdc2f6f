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

/* A row of n lines that lie side by side; before: the row of results it continues, or NULL. */
static void D(row)(const cjk_walk *w, T *y, const T *before, const T *a, const T *b) {
  int64_t as = w->step[1], bs = w->step[2];
  CJK_IVDEP
  for (int64_t i = 0; i < w->n; i++)
    y[i] = before ? NEXT(before[i], a[i * as], b[i * bs]) : FIRST(a[i * as], b[i * bs]);
}

/* One outer element: n steps over the axes behind the scanned one. */
static void D(lines)(const scan *s, T *y, const T *a, const T *b) {
  if (s->inner == 1) {
    D(line)(s->n, y, s->step[0], a, s->step[1], b, s->step[2]);
    return;
  }
  for (int64_t i = 0; i < s->n; i++, y += s->step[0], a += s->step[1], b += s->step[2]) {
    cjk_walk w;
    for (bool more = start_behind(&w, s); more; more = cjk_walk_next(&w))
      D(row)(&w, y + w.at[0], i > 0 ? y + w.at[0] - s->step[0] : NULL, a + w.at[1], b + w.at[2]);
  }
}

static cj_status NAME(const cj_view *in, int nin, const cj_attr *at, cj_view *out, void *ws) {
  CJ_UNUSED(ws);
  if (cjt_count(out->type) == 0) return CJ_OK;
  scan s = scan_of(in, nin, at, out);
  T *y = (T *)out->data + s.start[0];
  const T *a = (const T *)in[0].data + s.start[1], *b = (const T *)in[nin - 1].data + s.start[2];
  cjk_walk w;
  for (bool more = start_before(&w, &s); more; more = cjk_walk_next(&w))
    for (int64_t i = 0; i < w.n; i++)
      D(lines)(&s, y + w.at[0] + i * w.step[0], a + w.at[1] + i * w.step[1], b + w.at[2] + i * w.step[2]);
  return CJ_OK;
}
#undef D
#undef NAME
#undef T
