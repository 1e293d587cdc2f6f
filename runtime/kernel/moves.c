/* moves.c -- sources, and rows that put elements in other places: embed, diag_embed, fold, put, cat, pack, check. */
#include "kernel/kernels.h"
#include "kernel/walk.h"
#include <string.h>

static void clear(cj_view *out) { memset(out->data, 0, cjt_bytes(out->type)); }

#define IOTA(name, T)                                                                                                  \
  static cj_status iota_##name(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {                 \
    CJ_UNUSED(in), CJ_UNUSED(nin), CJ_UNUSED(a), CJ_UNUSED(ws);                                                        \
    T *y = (T *)out->data;                                                                                             \
    for (int64_t i = 0, n = cjt_count(out->type); i < n; i++) y[i] = (T)i;                                             \
    return CJ_OK;                                                                                                      \
  }
IOTA(f64, double)
IOTA(f32, float)
IOTA(i64, int64_t)
const cj_eval cjk_iota[CJ_NDTYPE] = {iota_f64, iota_f32, iota_i64, NULL};

#define EYE(name, T)                                                                                                   \
  static cj_status eye_##name(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {                  \
    CJ_UNUSED(in), CJ_UNUSED(nin), CJ_UNUSED(a), CJ_UNUSED(ws);                                                        \
    int64_t n = cjt_at(out->type, 2), m = cjt_at(out->type, 1);                                                        \
    T *y = (T *)out->data;                                                                                             \
    clear(out);                                                                                                        \
    for (int64_t i = 0; i < n && i < m; i++) y[i * m + i] = 1;                                                         \
    return CJ_OK;                                                                                                      \
  }
EYE(f64, double)
EYE(f32, float)
EYE(i64, int64_t)
EYE(b8, uint8_t)
const cj_eval cjk_eye[CJ_NDTYPE] = {eye_f64, eye_f32, eye_i64, eye_b8};

/* A vector in a row of zeros, of esize bytes each. */
static void embed_vector(const cj_view *in, int64_t first, size_t esize, cj_view *out) {
  size_t head = (size_t)first * esize, n = (size_t)in->type->dim[0] * esize;
  memset(out->data, 0, head);
  cjk_load(out->data + head, in->data, in->stride[0], in->type->dim[0], esize);
  memset(out->data + head + n, 0, cjt_bytes(out->type) - head - n);
}

/* {axis, first, step, full} */
static cj_status embed(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  if (in->type->rank == 1 && a->v[2] == 1) {
    embed_vector(in, a->v[1], cjt_dsize(out->type->dtype), out);
    return CJ_OK;
  }
  clear(out);
  cjk_putregion(out, cjk_front(out->type, a->v[0]), a->v[1], a->v[2], in);
  return CJ_OK;
}
const cj_eval cjk_embed[CJ_NDTYPE] = {embed, embed, embed, embed};

/* {offset}: element i goes to (i, i + offset), below the diagonal for a negative offset */
static cj_status diag_embed(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  int r = in->type->rank;
  int64_t off = a->v[0], m = cjt_at(out->type, 1);
  clear(out);
  cj_view diag = *out;
  diag.type = in->type;
  diag.data = cjk_addr(out, off >= 0 ? off : -off * m);
  diag.stride[r - 1] = m + 1;
  cjk_copy_view(in, &diag);
  return CJ_OK;
}
const cj_eval cjk_diag_embed[CJ_NDTYPE] = {diag_embed, diag_embed, diag_embed, diag_embed};

/* {axis, size, step, full}: element j of window k is added at first index k * step + j of axis */
#define FOLD(name, T)                                                                                                  \
  static cj_status fold_##name(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {                 \
    CJ_UNUSED(nin), CJ_UNUSED(ws);                                                                                     \
    int axis = cjk_front(out->type, a->v[0]), r = out->type->rank;                                                     \
    int64_t to[CJ_MAXRANK];                                                                                            \
    clear(out);                                                                                                        \
    memcpy(to, out->stride, sizeof to);                                                                                \
    to[axis] *= a->v[2];                                                                                               \
    for (int64_t j = 0; j < a->v[1]; j++) {                                                                            \
      T *y0 = (T *)out->data + j * out->stride[axis];                                                                  \
      const T *x0 = (const T *)in->data + j * in->stride[r];                                                           \
      cjk_walk w;                                                                                                      \
      const int64_t *stride[] = {to, in->stride};                                                                      \
      for (bool more = cjk_walk_start(&w, r, in->type->dim, 2, stride); more; more = cjk_walk_next(&w))                \
        for (int64_t i = 0; i < w.n; i++) y0[w.at[0] + i * w.step[0]] += x0[w.at[1] + i * w.step[1]];                  \
    }                                                                                                                  \
    return CJ_OK;                                                                                                      \
  }
FOLD(f64, double)
FOLD(f32, float)
FOLD(i64, int64_t)
const cj_eval cjk_fold[CJ_NDTYPE] = {fold_f64, fold_f32, fold_i64, NULL};

/* {axis, first, step}: operand 0 with a region replaced by operand 1 */
static cj_status put_along(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(ws);
  if (out->data != in[0].data) cjk_copy_view(&in[0], out);
  cjk_putregion(out, cjk_front(out->type, a->v[0]), a->v[1], a->v[2], &in[1]);
  return CJ_OK;
}
const cj_eval cjk_put[CJ_NDTYPE] = {put_along, put_along, put_along, put_along};

/* Columns of 8-byte elements, side by side: a few rows of all of them at a time, so that what is written stays near. */
static void cat_columns(const cj_view *in, int nin, cj_view *out) {
  enum { ROWS = 32 };
  int64_t n = out->type->dim[0], to = out->stride[0], next = out->stride[1];
  uint64_t *y = (uint64_t *)(void *)out->data;
  for (int64_t from = 0; from < n; from += ROWS) {
    int64_t m = n - from < ROWS ? n - from : ROWS;
    for (int i = 0; i < nin; i++) {
      const uint64_t *x = (const uint64_t *)(const void *)in[i].data + from * in[i].stride[0];
      for (int64_t k = 0; k < m; k++) y[(from + k) * to + i * next] = x[k * in[i].stride[0]];
    }
  }
}

static bool are_columns(const cj_view *in, int nin, const cj_attr *a, const cj_view *out) {
  bool good = out->type->rank == 2 && a->v[0] == 1 && nin > 2 && cjt_dsize(out->type->dtype) == sizeof(uint64_t);
  for (int i = 0; i < nin && good; i++) good = in[i].type->dim[1] == 1;
  return good;
}

/* One after the other; what a plan had computed where it belongs is there. */
static void cat_vectors(const cj_view *in, int nin, cj_view *out) {
  size_t esize = cjt_dsize(out->type->dtype);
  char *y = out->data;
  for (int i = 0; i < nin; i++) {
    int64_t n = in[i].type->dim[0];
    if (in[i].data != y) cjk_load(y, in[i].data, in[i].stride[0], n, esize);
    y += (size_t)n * esize;
  }
}

/* {axis} */
static cj_status cat(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(ws);
  int axis = cjk_front(out->type, a->v[0]);
  if (out->type->rank == 1) {
    cat_vectors(in, nin, out);
    return CJ_OK;
  }
  if (are_columns(in, nin, a, out)) {
    cat_columns(in, nin, out);
    return CJ_OK;
  }
  int64_t at = 0;
  for (int i = 0; i < nin; i++) {
    bool there = in[i].data == out->data + at * out->stride[axis] * (int64_t)cjt_dsize(out->type->dtype);
    if (!there) cjk_putregion(out, axis, at, 1, &in[i]); /* a plan may have it computed where it belongs */
    at += in[i].type->dim[axis];
  }
  return CJ_OK;
}
const cj_eval cjk_cat[CJ_NDTYPE] = {cat, cat, cat, cat};

static cj_status put_together(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(a), CJ_UNUSED(ws);
  size_t esize = cjt_dsize(out->type->dtype);
  for (int i = 0; i < nin; i++) memcpy(out->data + (size_t)i * esize, in[i].data, esize);
  return CJ_OK;
}
const cj_eval cjk_pack[CJ_NDTYPE] = {put_together, put_together, put_together, put_together};

/* {row, positive} */
static cj_status all_pass(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(ws);
  bool good = true;
  for (int i = 0; i < nin; i++) {
    bool wide = in[i].type->dtype == CJ_F64;
    good &= cjk_passes(wide ? *(const double *)in[i].data : (double)*(const float *)in[i].data, a->v[1] != 0);
  }
  memset(out->data, 0, cjt_bytes(out->type));
  return good ? CJ_OK : CJ_EDOMAIN;
}
const cj_eval cjk_check[CJ_NDTYPE] = {[CJ_F64] = all_pass, [CJ_F32] = all_pass};
