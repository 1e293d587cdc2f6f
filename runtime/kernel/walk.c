/* walk.c -- see walk.h. */
#include "kernel/walk.h"
#include <string.h>

static bool mergeable(int64_t inner, int nview, int64_t stride[][CJ_MAXRANK], int to, int from) {
  for (int v = 0; v < nview; v++)
    if (stride[v][to] != inner * stride[v][from]) return false;
  return true;
}

int cjk_merge(int rank, int64_t *dim, int nview, int64_t stride[][CJ_MAXRANK]) {
  int r = 0;
  for (int k = 0; k < rank; k++) {
    if (dim[k] == 1) continue;
    bool merge = r > 0 && mergeable(dim[k], nview, stride, r - 1, k);
    if (merge)
      dim[r - 1] *= dim[k];
    else
      dim[r++] = dim[k];
    for (int v = 0; v < nview; v++) stride[v][r - 1] = stride[v][k];
  }
  return r;
}

bool cjk_walk_start(cjk_walk *w, int rank, const int64_t *dim, int nview, const int64_t *const *stride) {
  for (int k = 0; k < rank; k++)
    if (dim[k] == 0) return false;
  w->nview = nview;
  memcpy(w->dim, dim, (size_t)rank * sizeof *dim);
  for (int v = 0; v < nview; v++) memcpy(w->stride[v], stride[v], (size_t)rank * sizeof *dim);
  int r = cjk_merge(rank, w->dim, nview, w->stride);
  w->outer = r > 0 ? r - 1 : 0;
  w->n = r > 0 ? w->dim[r - 1] : 1;
  for (int v = 0; v < nview; v++) {
    w->step[v] = r > 0 ? w->stride[v][r - 1] : 1;
    w->at[v] = 0;
  }
  memset(w->index, 0, sizeof w->index);
  return true;
}

bool cjk_walk_next(cjk_walk *w) {
  for (int k = w->outer - 1; k >= 0; k--) {
    bool carry = ++w->index[k] == w->dim[k];
    for (int v = 0; v < w->nview; v++) w->at[v] += carry ? -(w->dim[k] - 1) * w->stride[v][k] : w->stride[v][k];
    if (!carry) return true;
    w->index[k] = 0;
  }
  return false;
}

bool cjk_isrow(const cj_view *v, int64_t *step) {
  int64_t dim[CJ_MAXRANK], stride[1][CJ_MAXRANK];
  memcpy(dim, v->type->dim, sizeof dim);
  memcpy(stride[0], v->stride, sizeof stride[0]);
  int r = cjk_merge(v->type->rank, dim, 1, stride);
  *step = r == 1 ? stride[0][0] : 1;
  return r <= 1;
}

void cjk_batch_strides(const cj_view *v, int core, int rank, const int64_t *dim, int64_t *stride) {
  int lead = v->type->rank - core;
  for (int k = 0; k < rank; k++) {
    int own = k - (rank - lead);
    bool repeats = own < 0 || (v->type->dim[own] == 1 && dim[k] != 1);
    stride[k] = repeats ? 0 : v->stride[own];
  }
}
