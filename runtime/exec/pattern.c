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

static void load_runs(const cje_pattern *q, char *dst, const char *src, int64_t first, int64_t n) {
  int64_t at[CJ_MAXRANK], es = (int64_t)q->esize;
  int last = q->ndim - 1;
  for (int k = last; k >= 0; k--) {
    at[k] = first % q->dim[k];
    first /= q->dim[k];
    src += at[k] * q->stride[k] * es;
  }
  while (n > 0) {
    int64_t run = q->dim[last] - at[last];
    if (run > n) run = n;
    cjk_load(dst, src, q->stride[last], run, q->esize);
    dst += run * es;
    n -= run;
    src += run * q->stride[last] * es;
    at[last] += run;
    for (int k = last; k > 0 && at[k] == q->dim[k]; k--) {
      src += (q->stride[k - 1] - q->dim[k] * q->stride[k]) * es;
      at[k] = 0;
      at[k - 1]++;
    }
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
