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

static run_walk start_runs(const cje_pattern *q, const char *memory, int64_t first, int64_t n) {
  run_walk w = {.q = q, .at = (char *)(uintptr_t)memory, .left = n};
  for (int k = q->ndim - 1; k >= 0; k--) {
    w.index[k] = first % q->dim[k];
    first /= q->dim[k];
    w.at += w.index[k] * q->stride[k] * (int64_t)q->esize;
  }
  return w;
}

/* Elements of the run that starts here. */
static int64_t run_length(const run_walk *w) {
  int last = w->q->ndim - 1;
  int64_t run = w->q->dim[last] - w->index[last];
  return run < w->left ? run : w->left;
}

static void next_run(run_walk *w, int64_t run) {
  const cje_pattern *q = w->q;
  int last = q->ndim - 1;
  int64_t es = (int64_t)q->esize;
  w->left -= run;
  w->at += run * q->stride[last] * es;
  w->index[last] += run;
  for (int k = last; k > 0 && w->index[k] == q->dim[k]; k--) {
    w->at += (q->stride[k - 1] - q->dim[k] * q->stride[k]) * es;
    w->index[k] = 0;
    w->index[k - 1]++;
  }
}

static void load_runs(const cje_pattern *q, char *dst, const char *src, int64_t first, int64_t n) {
  for (run_walk w = start_runs(q, src, first, n); w.left > 0;) {
    int64_t run = run_length(&w);
    cjk_load(dst, w.at, q->stride[q->ndim - 1], run, q->esize);
    dst += run * (int64_t)q->esize;
    next_run(&w, run);
  }
}

void cje_pattern_store(const cje_pattern *q, char *dst, const char *src, int64_t first, int64_t n) {
  for (run_walk w = start_runs(q, dst, first, n); w.left > 0;) {
    int64_t run = run_length(&w);
    cjk_store(w.at, q->stride[q->ndim - 1], src, run, q->esize);
    src += run * (int64_t)q->esize;
    next_run(&w, run);
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
  for (int64_t have = period; have < n;) {
    int64_t more = have < n - have ? have : n - have;
    memcpy((char *)dst + have * (int64_t)q->esize, dst, (size_t)more * q->esize);
    have += more;
  }
}
