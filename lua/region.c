/* region.c -- reading the keys of x[...]. */
#include "region.h"

#include <string.h>

void cjl_whole(cjl_region *g, const cj_type *t) {
  g->t = *t;
  for (int i = 0; i < t->rank; i++) g->r[i] = (cjl_range){0, 1, t->dim[i], false};
}

/* --- keys --------------------------------------------------------------------- */

static int outside(lua_State *L, const cjl_region *g, int axis, int64_t i) {
  cjl_pushshape(L, &g->t);
  return cjl_error(L, "index %I is out of range 1..%I in dim %d of a tensor of shape %s", (LUAI_UACINT)i,
                   (LUAI_UACINT)g->t.dim[axis], axis + 1, lua_tostring(L, -1));
}

/* Position i, as users count, from 0; lo and hi: how far it may be. */
static int64_t resolve(lua_State *L, const cjl_region *g, int axis, int64_t i, int64_t lo, int64_t hi) {
  int64_t at = i > 0 ? i - 1 : i < 0 ? i + g->t.dim[axis] : -1;
  if (i == 0 || at < lo || at > hi) outside(L, g, axis, i);
  return at;
}

static int64_t entry(lua_State *L, int table, int k, int64_t otherwise) {
  int64_t i = otherwise;
  if (lua_rawgeti(L, table, k) != LUA_TNIL && !cjl_integer(L, -1, &i))
    cjl_error(L, "a range of indices must have integers {first, last, step}, got %s", cjl_describe(L, -1));
  lua_pop(L, 1);
  return i;
}

/* {}: everything; {a}: one, its axis stays; {a, b}: both inclusive; {a, b, step}.  A range is empty where b
** lies before a. */
static void read_range(lua_State *L, cjl_region *g, int axis, int table) {
  cjl_range *r = &g->r[axis];
  int64_t size = g->t.dim[axis];
  if (lua_rawlen(L, table) == 0) return;
  int64_t a = entry(L, table, 1, 1), b = entry(L, table, 2, a), step = entry(L, table, 3, 1);
  if (step == 0) cjl_error(L, "the step of a range of indices must not be 0");
  int64_t first = resolve(L, g, axis, a, 0, step > 0 ? size : size - 1);
  int64_t last = b == 0 && step > 0 ? -1 : resolve(L, g, axis, b, -1, size - 1);
  uint64_t span = step > 0 ? (uint64_t)(last - first) : (uint64_t)(first - last);
  uint64_t by = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
  bool empty = step > 0 ? last < first : last > first;
  *r = (cjl_range){empty ? 0 : first, step, empty ? 0 : (int64_t)(span / by) + 1, false};
  if (r->n <= 1) r->step = 1;
}

static void read_key(lua_State *L, cjl_region *g, int axis, int idx) {
  int64_t i;
  if (cjl_integer(L, idx, &i)) {
    g->r[axis] = (cjl_range){resolve(L, g, axis, i, 0, g->t.dim[axis] - 1), 1, 1, true};
  } else if (lua_type(L, idx) == LUA_TTABLE) {
    read_range(L, g, axis, idx);
  } else {
    cjl_error(L, "index %d: expected an integer or a range {first, last, step}, got %s", axis + 1,
              cjl_describe(L, idx));
  }
}

void cjl_readregion(lua_State *L, cjl_region *g, const cj_type *t, int first, int n) {
  cjl_whole(g, t);
  if (n > t->rank) {
    cjl_pushshape(L, t);
    cjl_error(L, "%d indices for a tensor of shape %s", n, lua_tostring(L, -1));
  }
  for (int i = 0; i < n; i++) read_key(L, g, i, first + i);
}

cj_type cjl_regiontype(const cjl_region *g, bool all) {
  cj_type t = {g->t.dtype, 0, {0}};
  for (int i = 0; i < g->t.rank; i++)
    if (all || !g->r[i].drop) t.dim[t.rank++] = g->r[i].n;
  return t;
}

/* --- masks ---------------------------------------------------------------------- */

static bool isset(const cj_tensor *x, const void *data, int64_t i) {
  switch (cj_tensor_type(x)->dtype) {
  case CJ_F64: return ((const double *)data)[i] != 0;
  case CJ_F32: return ((const float *)data)[i] != 0;
  case CJ_I64: return ((const int64_t *)data)[i] != 0;
  default: return ((const uint8_t *)data)[i] != 0;
  }
}

const cj_tensor *cjl_positions(lua_State *L, cjl_state *S, const cj_tensor *mask, const char *who) {
  const void *data = cj_tensor_data(mask);
  int64_t n = cj_type_count(cj_tensor_type(mask)), found = 0;
  for (int64_t i = 0; i < n; i++) found += isset(mask, data, i);
  cj_type t = {CJ_I64, 1, {found}};
  int64_t *out = cjl_new(L, S, &t, who);
  for (int64_t i = 0; i < n; i++)
    if (isset(mask, data, i)) *out++ = i;
  return ((cjl_tensor *)lua_touserdata(L, -1))->v.u.tensor;
}

void cjl_checkmask(lua_State *L, const cj_type *t, const cj_type *mask) {
  if (mask->rank <= t->rank && memcmp(mask->dim, t->dim, mask->rank * sizeof *t->dim) == 0) return;
  cjl_pushshape(L, mask);
  cjl_pushshape(L, t);
  cjl_error(L, "a mask of shape %s does not fit a tensor of shape %s", lua_tostring(L, -2), lua_tostring(L, -1));
}

cj_type cjl_joined(const cj_type *t, int n) {
  cj_type j = {t->dtype, (uint8_t)(t->rank - n + 1), {1}};
  for (int i = 0; i < n; i++) j.dim[0] *= t->dim[i];
  for (int i = n; i < t->rank; i++) j.dim[i - n + 1] = t->dim[i];
  return j;
}
