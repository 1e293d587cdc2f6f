/*
** sort.c -- argsort {axis, descending, keep, skip}: along each line the positions of keep elements in order, after the
** first skip; equal ones in the order of the line; NaN is above every number.  Keys are integers that sort like the
** elements; long lines are sorted by their bytes, lowest first (Knuth, "The Art of Computer Programming",
** volume 3, section 5.2.5), short ones and few places by insertion.  A single element is found by its bytes, highest
** first.
*/
#include "kernel/kernels.h"
#include "kernel/walk.h"
#include <math.h>
#include <string.h>

typedef struct sort_item {
  uint64_t key;
  int64_t at;
} sort_item;

enum { DIGITS = 8, VALUES = 256, SHORT_LINE = 48 };

/* What a line needs: its items, as many to move them to, and counts of bytes. */
typedef struct sort_space {
  sort_item *from, *to;
  int64_t *count; /* [DIGITS][VALUES] */
} sort_space;

/* --- keys ------------------------------------------------------------------------------------ */

#define TOP64 ((uint64_t)1 << 63)
#define TOP32 ((uint32_t)1 << 31)

typedef uint64_t sort_key(const char *x);
static uint64_t key_f64(const char *x) {
  double d;
  uint64_t b;
  memcpy(&d, x, sizeof d);
  if (isnan(d)) return UINT64_MAX;
  d += 0.0; /* -0 is 0 */
  memcpy(&b, &d, sizeof b);
  return b & TOP64 ? ~b : b | TOP64;
}
static uint64_t key_f32(const char *x) {
  float f;
  uint32_t b;
  memcpy(&f, x, sizeof f);
  if (isnan(f)) return UINT32_MAX;
  f += 0.0f;
  memcpy(&b, &f, sizeof b);
  return b & TOP32 ? (uint32_t)~b : b | TOP32;
}
static uint64_t key_i64(const char *x) {
  uint64_t b;
  memcpy(&b, x, sizeof b);
  return b ^ TOP64;
}
static uint64_t key_b8(const char *x) { return (uint8_t)*x; }

static sort_key *const sort_keys[CJ_NDTYPE] = {key_f64, key_f32, key_i64, key_b8};

static void read_line(const char *x, int64_t step, int64_t n, int dtype, bool descending, sort_item *item) {
  sort_key *key = sort_keys[dtype];
  uint64_t flip = descending ? UINT64_MAX : 0;
  step *= (int64_t)cjt_dsize(dtype);
  for (int64_t i = 0; i < n; i++) item[i] = (sort_item){key(x + i * step) ^ flip, i};
}

/* --- sorting ---------------------------------------------------------------------------------- */

/* The keep smallest of n come first, in order; the others are lost. */
static void sort_by_insertion(sort_item *item, int64_t n, int64_t keep) {
  int64_t full = 0;
  for (int64_t i = 0; i < n; i++) {
    sort_item it = item[i];
    if (full == keep && it.key >= item[full - 1].key) continue;
    int64_t k = full < keep ? full++ : full - 1;
    for (; k > 0 && item[k - 1].key > it.key; k--) item[k] = item[k - 1];
    item[k] = it;
  }
}

static void count_bytes(const sort_item *item, int64_t n, int64_t *count) {
  memset(count, 0, sizeof *count * DIGITS * VALUES);
  for (int64_t i = 0; i < n; i++)
    for (int d = 0; d < DIGITS; d++) count[d * VALUES + (item[i].key >> (8 * d) & 0xff)]++;
}

/* Items by byte d of their keys; false: they all have the same one. */
static bool move_by_byte(const sort_item *from, sort_item *to, int64_t n, int d, int64_t *count) {
  int64_t place = 0;
  if (count[from[0].key >> (8 * d) & 0xff] == n) return false;
  for (int v = 0; v < VALUES; v++) {
    int64_t here = count[v];
    count[v] = place;
    place += here;
  }
  for (int64_t i = 0; i < n; i++) to[count[from[i].key >> (8 * d) & 0xff]++] = from[i];
  return true;
}

static const sort_item *sort_by_bytes(const sort_space *s, int64_t n) {
  sort_item *from = s->from, *to = s->to;
  count_bytes(from, n, s->count);
  for (int d = 0; d < DIGITS; d++) {
    if (!move_by_byte(from, to, n, d, s->count + d * VALUES)) continue;
    sort_item *other = from;
    from = to;
    to = other;
  }
  return from;
}

/* The byte of the skip-th key, which *skip then counts within those that have it. */
static uint64_t byte_at(const int64_t *count, int64_t *skip) {
  uint64_t v = 0;
  for (; *skip >= count[v]; v++) *skip -= count[v];
  return v;
}

/* The item after the first skip: byte by byte only those stay that could be it. */
static const sort_item *select_by_bytes(const sort_space *s, int64_t n, int64_t skip) {
  sort_item *item = s->from;
  for (int d = DIGITS - 1; d >= 0; d--) {
    int64_t left = 0;
    memset(s->count, 0, sizeof *s->count * VALUES);
    for (int64_t i = 0; i < n; i++) s->count[item[i].key >> (8 * d) & 0xff]++;
    uint64_t byte = byte_at(s->count, &skip);
    for (int64_t i = 0; i < n; i++) {
      item[left] = item[i];
      left += (item[left].key >> (8 * d) & 0xff) == byte;
    }
    n = left;
  }
  return item + skip;
}

static const sort_item *sort_line(const sort_space *s, int64_t n, int64_t skip, int64_t keep) {
  if (n > SHORT_LINE && keep == 1 && skip > 0) return select_by_bytes(s, n, skip);
  if (n > SHORT_LINE && skip + keep > SHORT_LINE) return sort_by_bytes(s, n) + skip;
  sort_by_insertion(s->from, n, skip + keep);
  return s->from + skip;
}

/* --- all lines ---------------------------------------------------------------------------------- */

size_t cjk_argsort_work(const cj_type *const *in, int nin, const cj_attr *a) {
  CJ_UNUSED(nin);
  return 2 * (size_t)cjt_at(in[0], (int)a->v[0]) * sizeof(sort_item) + sizeof(int64_t) * DIGITS * VALUES;
}

static cj_status argsort(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin);
  const cj_type *t = in->type;
  int axis = cjk_front(t, a->v[0]), rank = 0;
  int64_t n = t->dim[axis], keep = a->v[2], dim[CJ_MAXRANK], xs[CJ_MAXRANK], ys[CJ_MAXRANK];
  sort_space s = {.count = ws};
  s.from = (sort_item *)(s.count + DIGITS * VALUES);
  s.to = s.from + n;
  for (int k = 0; k < t->rank; k++)
    if (k != axis) dim[rank] = t->dim[k], xs[rank] = in->stride[k], ys[rank++] = out->stride[k];
  if (keep == 0) return CJ_OK;
  cjk_walk w;
  const int64_t *stride[] = {ys, xs};
  for (bool more = cjk_walk_start(&w, rank, dim, 2, stride); more; more = cjk_walk_next(&w))
    for (int64_t i = 0; i < w.n; i++) {
      int64_t *y = (int64_t *)out->data + w.at[0] + i * w.step[0];
      read_line(cjk_addr(in, w.at[1] + i * w.step[1]), in->stride[axis], n, t->dtype, a->v[1] != 0, s.from);
      const sort_item *item = sort_line(&s, n, a->v[3], keep);
      for (int64_t e = 0; e < keep; e++) y[e * out->stride[axis]] = item[e].at;
    }
  return CJ_OK;
}
const cj_eval cjk_argsort[CJ_NDTYPE] = {argsort, argsort, argsort, argsort};
