/* indexing.c -- gather, scatter, scatter_add along the axis a->v[0]; the other axes of the operands
** broadcast.  Indices are int64 from 0 and checked as they are used. */
#include "kernel/tools.h"
#include "kernel/walk.h"
#include <string.h>

/* What the operands look like over the elements of the index. */
typedef struct places {
  int rank, axis;
  int64_t dim[CJ_MAXRANK];   /* of the index, broadcast */
  int64_t at[3][CJ_MAXRANK]; /* strides: the array (0 along axis), the index, the other operand */
  int64_t step, size;        /* of the array along axis */
} places;

/* Strides of v over dim, repeating axes of size 1. */
static void repeat(const cj_view *v, const int64_t *dim, int64_t *stride) {
  for (int k = 0; k < v->type->rank; k++) stride[k] = v->type->dim[k] == 1 && dim[k] != 1 ? 0 : v->stride[k];
}

/* array: what is indexed; other: what has an element for each index. */
static places find_places(const cj_view *array, const cj_view *index, const cj_view *other, const cj_type *full,
                          int64_t axis) {
  places p = {.rank = full->rank, .axis = cjk_front(full, axis)};
  memcpy(p.dim, full->dim, sizeof p.dim);
  p.dim[p.axis] = index->type->dim[p.axis];
  p.step = array->stride[p.axis];
  p.size = array->type->dim[p.axis];
  repeat(array, p.dim, p.at[0]);
  p.at[0][p.axis] = 0;
  repeat(index, p.dim, p.at[1]);
  repeat(other, p.dim, p.at[2]);
  return p;
}

static bool inside(int64_t i, int64_t size) { return i >= 0 && i < size; }

/* One row: array + index * step <-> other.  The index is often the same for the whole row. */
CJK_INLINE bool gather_row(const cjk_walk *w, const places *p, const char *array, const int64_t *index, char *other,
                           size_t e) {
  int64_t b = (int64_t)e;
  for (int64_t i = 0; i < w->n; i++) {
    int64_t k = index[w->at[1] + i * w->step[1]];
    if (!inside(k, p->size)) return false;
    memcpy(other + (w->at[2] + i * w->step[2]) * b, array + (w->at[0] + i * w->step[0] + k * p->step) * b, e);
  }
  return true;
}

static bool gather_same(const cjk_walk *w, const places *p, const char *array, const int64_t *index, char *other,
                        size_t e) {
  int64_t b = (int64_t)e, k = index[w->at[1]];
  if (!inside(k, p->size)) return false;
  cjk_load(other + w->at[2] * b, array + (w->at[0] + k * p->step) * b, w->step[0], w->n, e);
  return true;
}

static cj_status gather(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  places p = find_places(&in[0], &in[1], out, out->type, a->v[0]);
  const int64_t *index = (const int64_t *)in[1].data;
  size_t e = cjt_dsize(in[0].type->dtype);
  cjk_walk w;
  const int64_t *stride[] = {p.at[0], p.at[1], p.at[2]};
  for (bool more = cjk_walk_start(&w, p.rank, p.dim, 3, stride); more; more = cjk_walk_next(&w)) {
    bool good = w.step[1] == 0 ? gather_same(&w, &p, in[0].data, index, out->data, e)
                : e == 8       ? gather_row(&w, &p, in[0].data, index, out->data, 8)
                : e == 4       ? gather_row(&w, &p, in[0].data, index, out->data, 4)
                               : gather_row(&w, &p, in[0].data, index, out->data, 1);
    if (!good) return CJ_ERANGE;
  }
  return CJ_OK;
}
const cj_eval cjk_gather[CJ_NDTYPE] = {gather, gather, gather, gather};

/* The result starts as operand 0, broadcast. */
static void start(const cj_view *x, cj_view *out) {
  cj_view full = *x;
  if (out->data == x->data) return;
  full.type = out->type;
  for (int k = 0; k < out->type->rank; k++)
    if (x->type->dim[k] == 1 && out->type->dim[k] != 1) full.stride[k] = 0;
  cjk_copy_view(&full, out);
}

typedef void put_fn(char *to, const char *from);
CJK_INLINE bool scatter_row(const cjk_walk *w, const places *p, char *array, const int64_t *index, const char *other,
                            int64_t e, put_fn *put) {
  for (int64_t i = 0; i < w->n; i++) {
    int64_t k = index[w->at[1] + i * w->step[1]];
    if (!inside(k, p->size)) return false;
    put(array + (w->at[0] + i * w->step[0] + k * p->step) * e, other + (w->at[2] + i * w->step[2]) * e);
  }
  return true;
}

CJK_INLINE cj_status scatter_with(const cj_view *in, const cj_attr *a, cj_view *out, int64_t e, put_fn *put) {
  start(&in[0], out);
  places p = find_places(out, &in[1], &in[2], out->type, a->v[0]);
  const int64_t *index = (const int64_t *)in[1].data;
  cjk_walk w;
  const int64_t *stride[] = {p.at[0], p.at[1], p.at[2]};
  for (bool more = cjk_walk_start(&w, p.rank, p.dim, 3, stride); more; more = cjk_walk_next(&w))
    if (!scatter_row(&w, &p, out->data, index, in[2].data, e, put)) return CJ_ERANGE;
  return CJ_OK;
}

#define SCATTER(name, e, put)                                                                                          \
  static cj_status name(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {                        \
    CJ_UNUSED(nin), CJ_UNUSED(ws);                                                                                     \
    return scatter_with(in, a, out, e, put);                                                                           \
  }
CJK_INLINE void put8(char *to, const char *from) { memcpy(to, from, 8); }
CJK_INLINE void put4(char *to, const char *from) { memcpy(to, from, 4); }
CJK_INLINE void put1(char *to, const char *from) { *to = *from; }
SCATTER(scatter8, 8, put8)
SCATTER(scatter4, 4, put4)
SCATTER(scatter1, 1, put1)
const cj_eval cjk_scatter[CJ_NDTYPE] = {scatter8, scatter4, scatter8, scatter1};

CJK_INLINE void add_f64(char *to, const char *from) { *(double *)to += *(const double *)from; }
CJK_INLINE void add_f32(char *to, const char *from) { *(float *)to += *(const float *)from; }
CJK_INLINE void add_i64(char *to, const char *from) { *(int64_t *)to += *(const int64_t *)from; }
SCATTER(scatter_add_f64, 8, add_f64)
SCATTER(scatter_add_f32, 4, add_f32)
SCATTER(scatter_add_i64, 8, add_i64)
const cj_eval cjk_scatter_add[CJ_NDTYPE] = {scatter_add_f64, scatter_add_f32, scatter_add_i64, NULL};
