/* argreduce.h -- one of argmax, argmin for one dtype; argreduce.c includes it once for each.  Set before:
** NAME of the eval, T the type of the elements, BETTER > or <. */
#define D(name) CJK_PASTE(name, NAME)

/* The best so far is replaced by a better one or by the first NaN. */
CJK_INLINE void D(see)(T *best, int64_t *index, T x, int64_t i) {
  if (!ISNAN(*best) && (x BETTER * best || ISNAN(x))) *best = x, *index = i;
}

static int64_t D(line)(const T *x, int64_t step, int64_t n) {
  T best = x[0];
  int64_t index = 0;
  for (int64_t i = 1; i < n; i++) D(see)(&best, &index, x[i * step], i);
  return index;
}

/* m lines that lie side by side */
static void D(lines)(const T *x, int64_t step, int64_t n, int64_t m, int64_t *y) {
  T best[COLUMNS];
  memcpy(best, x, (size_t)m * sizeof(T));
  memset(y, 0, (size_t)m * sizeof *y);
  for (int64_t i = 1; i < n; i++)
    for (int64_t c = 0; c < m; c++) D(see)(&best[c], &y[c], x[i * step + c], i);
}

/* reduced axes that do not merge into a line */
static int64_t D(all)(const lines *s, const T *x) {
  T best = x[0];
  int64_t index = 0, seen = 0;
  cjk_walk w;
  const int64_t *stride[] = {s->rstride[0]};
  for (bool more = cjk_walk_start(&w, s->nred, s->rdim, 1, stride); more; more = cjk_walk_next(&w))
    for (int64_t i = 0; i < w.n; i++) D(see)(&best, &index, x[w.at[0] + i * w.step[0]], seen++);
  return index;
}

static void D(row)(const cjk_walk *w, const lines *s, const T *x, int64_t *y) {
  int64_t step = s->rstride[0][0], n = s->rdim[0];
  bool beside = s->nred == 1 && w->step[1] == 1 && step != 1;
  for (int64_t i = 0; i < w->n; i += COLUMNS) {
    int64_t m = w->n - i < COLUMNS ? w->n - i : COLUMNS;
    if (beside)
      D(lines)(x + i, step, n, m, y + i);
    else
      for (int64_t c = i; c < i + m; c++) {
        const T *from = x + c * w->step[1];
        y[c] = s->nred == 1 ? D(line)(from, step, n) : D(all)(s, from);
      }
  }
}

static cj_status NAME(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  lines s = lines_of(in, a->v[0]);
  const T *x = (const T *)in->data;
  int64_t *y = (int64_t *)out->data;
  cjk_walk w;
  const int64_t *stride[] = {out->stride, s.stride};
  for (bool more = cjk_walk_start(&w, s.rank, s.dim, 2, stride); more; more = cjk_walk_next(&w))
    D(row)(&w, &s, x + w.at[1], y + w.at[0]);
  return CJ_OK;
}
#undef D
#undef NAME
#undef T
