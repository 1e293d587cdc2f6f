/* lurect_body.h -- included by lurect.c once for each float type T. */

static int64_t NAME(best_row)(int64_t m, int64_t width, const T *y, int64_t j) {
  int64_t best = j;
  for (int64_t i = j + 1; i < m; i++)
    if (fabs((double)y[i * width + j]) > fabs((double)y[best * width + j])) best = i;
  return best;
}

/* y: m x (n + 1); the last column gets the exchanges, from 0, as far as there are any. */
static void NAME(factor)(int64_t m, int64_t n, T *y) {
  int64_t width = n + 1, r = m < n ? m : n;
  for (int64_t j = 0; j < r; j++) {
    int64_t p = NAME(best_row)(m, width, y, j);
    for (int64_t k = 0; p != j && k < n; k++) {
      T keep = y[j * width + k];
      y[j * width + k] = y[p * width + k];
      y[p * width + k] = keep;
    }
    y[j * width + n] = (T)p;
    T d = y[j * width + j];
    for (int64_t i = j + 1; d != 0 && i < m; i++) {
      T f = y[i * width + j] /= d;
      for (int64_t k = j + 1; k < n; k++) y[i * width + k] -= f * y[j * width + k];
    }
  }
  for (int64_t j = r; j < m; j++) y[j * width + n] = (T)j;
}

static cj_status NAME(eval)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  cjk_matrix m = cjk_matrix_of(in);
  T *y = (T *)(void *)out->data;
  (void)a, (void)ws;
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s)) {
    const T *x = (const T *)(const void *)in->data + s.at[0];
    for (int64_t i = 0; i < m.rows; i++)
      for (int64_t j = 0; j < m.cols; j++) y[i * (m.cols + 1) + j] = x[i * m.rs + j * m.cs];
    NAME(factor)(m.rows, m.cols, y);
    y += m.rows * (m.cols + 1);
  }
  return CJ_OK;
}
