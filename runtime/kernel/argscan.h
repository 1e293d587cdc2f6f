/* argscan.h -- one of argcummax, argcummin for one dtype; argscan.c includes it once for each.  Set before:
** NAME of the eval, T the type of the elements, ASGOOD >= or <=. */
#define D(name) CJK_PASTE(name, NAME)

/* The best so far gives way to what is as good, and to NaN; NaN gives way to the next one only. */
static void D(line)(const T *x, int64_t xs, int64_t n, int64_t *y, int64_t ys) {
  T best = x[0];
  int64_t at = 0;
  y[0] = 0;
  for (int64_t i = 1; i < n; i++) {
    T v = x[i * xs];
    if (ISNAN(v) || (!ISNAN(best) && v ASGOOD best)) best = v, at = i;
    y[i * ys] = at;
  }
}

static cj_status NAME(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  line_axes s = other_axes(in, out, a->v[0]);
  if (s.n == 0) return CJ_OK;
  cjk_walk w;
  const int64_t *stride[] = {s.ys, s.xs};
  for (bool more = cjk_walk_start(&w, s.rank, s.dim, 2, stride); more; more = cjk_walk_next(&w))
    for (int64_t i = 0; i < w.n; i++) D(line)
  ((const T *)in->data + w.at[1] + i * w.step[1], s.xstep, s.n, (int64_t *)out->data + w.at[0] + i * w.step[0],
   s.ystep);
  return CJ_OK;
}
#undef D
#undef NAME
#undef T
