/* pattern.c -- strided and broadcast operands under the row-major order of a result. */
#include "exec/pattern.h"
#include "kernel/kernels.h"

#include <string.h>

/* Axes that can be walked as one become one: the outer step is the inner one's whole length. */
static void push_axis(cje_pattern *q, int64_t dim, int64_t stride) {
  int k = q->ndim - 1;
  if (k >= 0 && q->stride[k] == dim * stride) {
    q->dim[k] *= dim;
    q->stride[k] = stride;
    return;
  }
  q->dim[q->ndim] = dim;
  q->stride[q->ndim++] = stride;
}

cje_access cje_pattern_make(cje_pattern *q, const cj_type *to, const cj_type *x, const int64_t *stride) {
  int lead = to->rank - x->rank;
  q->ndim = 0;
  q->esize = cjt_dsize(x->dtype);
  for (int i = 0; i < to->rank; i++) {
    if (to->dim[i] == 1) continue;
    push_axis(q, to->dim[i], i >= lead && x->dim[i - lead] != 1 ? stride[i - lead] : 0);
  }
  if (q->ndim == 0) return CJE_SPLAT;
  if (q->ndim > 1 || q->stride[0] > 1 || q->stride[0] < 0) return CJE_STRIDED;
  return q->stride[0] ? CJE_DENSE : CJE_SPLAT;
}

/* A walk through the runs of the last axis. */
typedef struct run_walk {
  const cje_pattern *q;
  char *at; /* where the run is */
  int64_t index[CJ_MAXRANK], left;
} run_walk;

/* Of numbers that are not below 0: most are small, and then it takes a third of the time. */
static int64_t small_quotient(int64_t a, int64_t b) {
  return (uint64_t)(a | b) >> 32 ? a / b : (int64_t)((uint32_t)a / (uint32_t)b);
}

static void start_runs(run_walk *w, const cje_pattern *q, const char *memory, int64_t first, int64_t n) {
  w->q = q;
  w->at = (char *)(uintptr_t)memory;
  w->left = n;
  for (int k = q->ndim - 1; k >= 0; k--) {
    int64_t outer = k > 0 ? small_quotient(first, q->dim[k]) : 0;
    w->index[k] = first - outer * q->dim[k];
    first = outer;
    w->at += w->index[k] * q->stride[k] * (int64_t)q->esize;
  }
}

/* Elements of the run that starts here. */
static int64_t run_length(const run_walk *w) {
  int last = w->q->ndim - 1;
  int64_t run = w->q->dim[last] - w->index[last];
  return run < w->left ? run : w->left;
}

/* n further along axis `axis`, to its end at most; of axes behind it nothing is left. */
static void advance_runs(run_walk *w, int axis, int64_t n) {
  const cje_pattern *q = w->q;
  int64_t es = (int64_t)q->esize;
  w->at += n * q->stride[axis] * es;
  w->index[axis] += n;
  for (int k = axis; k > 0 && w->index[k] == q->dim[k]; k--) {
    w->at += (q->stride[k - 1] - q->dim[k] * q->stride[k]) * es;
    w->index[k] = 0;
    w->index[k - 1]++;
  }
}

/* The first `have` bytes again and again, up to n. */
static void repeat_rows(char *dst, size_t have, size_t n) {
  while (have < n) {
    size_t more = have < n - have ? have : n - have;
    memcpy(dst + have, dst, more);
    have += more;
  }
}

typedef uint64_t __attribute__((may_alias)) run_word;
typedef uint64_t run_words __attribute__((vector_size(32), aligned(8), may_alias));

/* n times each of `rows` elements, `step` apart; n is at least 4. */
static void spread_rows(char *dst, const char *src, int64_t step, int64_t rows, int64_t n) {
  run_word *y = (run_word *)(void *)dst;
  const run_word *x = (const run_word *)(const void *)src;
  for (int64_t r = 0; r < rows; r++, y += n, x += step) {
    run_words v = {*x, *x, *x, *x};
    for (int64_t j = 0; j + 4 <= n; j += 4) *(run_words *)(y + j) = v;
    *(run_words *)(y + n - 4) = v;
  }
}

/* Whole rows of the last axis. */
static void load_rows(const cje_pattern *q, char *dst, const char *at, int64_t rows) {
  int last = q->ndim - 1;
  int64_t n = q->dim[last], step = q->stride[last - 1], es = (int64_t)q->esize;
  if (step == 0) {
    cjk_load(dst, at, q->stride[last], n, q->esize);
    repeat_rows(dst, (size_t)(n * es), (size_t)(rows * n * es));
  } else if (q->stride[last] == 0 && es == 8 && n >= 4) {
    spread_rows(dst, at, step, rows, n);
  } else {
    for (int64_t r = 0; r < rows; r++) cjk_load(dst + r * n * es, at + r * step * es, q->stride[last], n, q->esize);
  }
}

static void load_runs(const cje_pattern *q, char *dst, const char *src, int64_t first, int64_t n) {
  int last = q->ndim - 1;
  run_walk w;
  for (start_runs(&w, q, src, first, n); w.left > 0;) {
    int64_t run = run_length(&w), rows = 0;
    if (last > 0 && run == q->dim[last]) {
      rows = q->dim[last - 1] - w.index[last - 1];
      if (rows * run > w.left) rows = small_quotient(w.left, run);
      load_rows(q, dst, w.at, rows);
      advance_runs(&w, last - 1, rows);
    } else {
      cjk_load(dst, w.at, q->stride[last], run, q->esize);
      advance_runs(&w, last, run);
    }
    run *= rows ? rows : 1;
    dst += run * (int64_t)q->esize;
    w.left -= run;
  }
}

void cje_pattern_store(const cje_pattern *q, char *dst, const char *src, int64_t first, int64_t n) {
  run_walk w;
  for (start_runs(&w, q, dst, first, n); w.left > 0;) {
    int64_t run = run_length(&w);
    cjk_store(w.at, q->stride[q->ndim - 1], src, run, q->esize);
    src += run * (int64_t)q->esize;
    advance_runs(&w, q->ndim - 1, run);
    w.left -= run;
  }
}

void cje_pattern_list(const cje_pattern *q, int64_t *at, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = i;
    at[i] = 0;
    for (int k = q->ndim; k-- > 0; rest /= q->dim[k]) at[i] += rest % q->dim[k] * q->stride[k];
  }
}

void cje_pattern_load(const cje_pattern *q, void *dst, const char *src, int64_t first, int64_t n) {
  int64_t period = n;
  if (q->stride[0] == 0) { /* a row that repeats: one period, then copies of it */
    period = 1;
    for (int k = 1; k < q->ndim; k++) period *= q->dim[k];
    if (period > n) period = n;
  }
  load_runs(q, dst, src, first, period);
  repeat_rows(dst, (size_t)period * q->esize, (size_t)n * q->esize);
}
