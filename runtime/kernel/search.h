/* search.h -- searchsorted for one dtype; search.c includes it once for each.  Set before: NAME of the eval, T. */
#define D(name) CJK_PASTE(name, NAME)

CJK_INLINE bool D(isbelow)(T x, T v, bool right) { return right ? !(x > v) : !(x >= v); }

/* How many of the n elements of x, which ascend, are below v (right: not above it).  Nothing is not below NaN.  No
** branch depends on an element: nothing could predict it. */
static int64_t D(below)(const T *x, int64_t step, int64_t n, T v, bool right) {
  int64_t lo = 0;
  while (n > 1) {
    int64_t half = n / 2;
    lo += D(isbelow)(x[(lo + half - 1) * step], v, right) ? half : 0;
    n -= half;
  }
  return lo + (n == 1 && D(isbelow)(x[lo * step], v, right));
}

static cj_status NAME(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  search_lines s = lines_to_search(in, out);
  cjk_walk w;
  const int64_t *stride[] = {s.ys, s.xs, s.vs};
  for (bool more = cjk_walk_start(&w, s.rank, s.dim, 3, stride); more; more = cjk_walk_next(&w))
    for (int64_t i = 0; i < w.n; i++) {
      const T *x = (const T *)in[0].data + w.at[1] + i * w.step[1];
      const T *v = (const T *)in[1].data + w.at[2] + i * w.step[2];
      int64_t *y = (int64_t *)out->data + w.at[0] + i * w.step[0];
      for (int64_t e = 0; e < s.m; e++) y[e * s.ystep] = D(below)(x, s.xstep, s.n, v[e * s.vstep], a->v[0] != 0);
    }
  return CJ_OK;
}
#undef D
#undef NAME
#undef T
