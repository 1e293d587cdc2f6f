/* copy.c -- elements from one place to another, of 8, 4 or 1 bytes each. */
#include "kernel/tools.h"
#include "kernel/walk.h"
#include <string.h>

/* n elements of e bytes; e is a constant wherever this is inlined. */
CJK_INLINE void move_n(char *y, int64_t ys, const char *x, int64_t xs, int64_t n, int64_t e) {
  for (int64_t i = 0; i < n; i++) memcpy(y + i * ys * e, x + i * xs * e, (size_t)e);
}

/* One element, repeated.  Zeros, with which sparse results start, are memset's. */
static void fill_row(char *y, const char *x, int64_t n, size_t e) {
  uint64_t v = 0;
  memcpy(&v, x, e);
  if (v == 0 || e == 1) {
    memset(y, (int)(v & 255), (size_t)n * e);
  } else if (e == 8) {
    for (int64_t i = 0; i < n; i++) memcpy(y + i * 8, &v, 8);
  } else {
    for (int64_t i = 0; i < n; i++) memcpy(y + i * (int64_t)e, &v, e);
  }
}

static void move_row(char *y, int64_t ys, const char *x, int64_t xs, int64_t n, size_t e) {
  if (ys == 1 && xs == 1)
    memcpy(y, x, (size_t)n * e);
  else if (ys == 1 && xs == 0)
    fill_row(y, x, n, e);
  else if (e == 8 && ys == 1)
    move_n(y, 1, x, xs, n, 8);
  else if (e == 8)
    move_n(y, ys, x, xs, n, 8);
  else if (e == 4 && ys == 1)
    move_n(y, 1, x, xs, n, 4);
  else if (e == 4)
    move_n(y, ys, x, xs, n, 4);
  else
    move_n(y, ys, x, xs, n, 1);
}

void cjk_load(void *dst, const void *src, int64_t stride, int64_t n, size_t esize) {
  move_row(dst, 1, src, stride, n, esize);
}
void cjk_store(void *dst, int64_t stride, const void *src, int64_t n, size_t esize) {
  move_row(dst, stride, src, 1, n, esize);
}

CJK_INLINE void pick_n(char *y, const char *x, int64_t xs, const int64_t *index, int64_t n, int64_t e) {
  for (int64_t i = 0; i < n; i++) memcpy(y + i * e, x + index[i] * xs * e, (size_t)e);
}

void cjk_pick(void *dst, const void *src, int64_t stride, const int64_t *index, int64_t n, size_t esize) {
  if (esize == 8)
    pick_n(dst, src, stride, index, n, 8);
  else
    pick_n(dst, src, stride, index, n, esize == 4 ? 4 : 1);
}

/* A plane whose rows are contiguous in y and whose columns are contiguous in x, in tiles that stay in
** the cache on both sides. */
#define TILE 16
CJK_INLINE void transpose_e(char *y, int64_t ys, const char *x, int64_t xs, int64_t rows, int64_t n, int64_t e) {
  for (int64_t i0 = 0; i0 < rows; i0 += TILE)
    for (int64_t j0 = 0; j0 < n; j0 += TILE)
      for (int64_t i = i0; i < rows && i < i0 + TILE; i++)
        move_n(y + (i * ys + j0) * e, 1, x + (i + j0 * xs) * e, xs, n - j0 < TILE ? n - j0 : TILE, e);
}

static void transpose(char *y, int64_t ys, const char *x, int64_t xs, int64_t rows, int64_t n, size_t e) {
  if (e == 8)
    transpose_e(y, ys, x, xs, rows, n, 8);
  else if (e == 4)
    transpose_e(y, ys, x, xs, rows, n, 4);
  else
    transpose_e(y, ys, x, xs, rows, n, 1);
}

/* The outer axis along which x is contiguous while its rows are not; -1: none. */
static int transposed_axis(const cjk_walk *w) {
  if (w->step[0] != 1 || w->step[1] == 1 || w->step[1] == 0) return -1;
  for (int k = 0; k < w->outer; k++)
    if (w->stride[1][k] == 1) return k;
  return -1;
}

/* The walk w with its axis k and its rows taken together as planes. */
static void copy_planes(const cjk_walk *w, int k, char *y, const char *x, size_t e) {
  int64_t dim[CJ_MAXRANK], sy[CJ_MAXRANK], sx[CJ_MAXRANK], b = (int64_t)e;
  int r = 0;
  for (int i = 0; i < w->outer; i++) {
    if (i == k) continue;
    dim[r] = w->dim[i];
    sy[r] = w->stride[0][i];
    sx[r++] = w->stride[1][i];
  }
  cjk_walk p;
  for (bool more = cjk_walk_start(&p, r, dim, 2, (const int64_t *[]){sy, sx}); more; more = cjk_walk_next(&p))
    for (int64_t i = 0; i < p.n; i++)
      transpose(y + (p.at[0] + i * p.step[0]) * b, w->stride[0][k], x + (p.at[1] + i * p.step[1]) * b, w->step[1],
                w->dim[k], w->n, e);
}

void cjk_copy_view(const cj_view *in, cj_view *out) {
  size_t e = cjt_dsize(in->type->dtype);
  const int64_t *stride[] = {out->stride, in->stride};
  cjk_walk w;
  if (in->type->rank == 1) {
    move_row(out->data, out->stride[0], in->data, in->stride[0], in->type->dim[0], e);
    return;
  }
  bool more = cjk_walk_start(&w, in->type->rank, in->type->dim, 2, stride);
  if (!more) return;
  int k = transposed_axis(&w);
  if (k >= 0) {
    copy_planes(&w, k, out->data, in->data, e);
    return;
  }
  for (; more; more = cjk_walk_next(&w))
    move_row(out->data + w.at[0] * (int64_t)e, w.step[0], in->data + w.at[1] * (int64_t)e, w.step[1], w.n, e);
}

void cjk_putregion(cj_view *dst, int axis, int64_t first, int64_t step, const cj_view *src) {
  cj_view region = *dst;
  region.data = cjk_addr(dst, first * dst->stride[axis]);
  region.stride[axis] *= step;
  cjk_copy_view(src, &region);
}

static cj_status copy(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(a), CJ_UNUSED(ws);
  cjk_copy_view(in, out);
  return CJ_OK;
}
const cj_eval cjk_copy[CJ_NDTYPE] = {copy, copy, copy, copy};
