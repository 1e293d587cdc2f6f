/* index.c -- reading: x.name, x[i], x[{i, {a, b}}], x[mask], x[positions], x(i, j). */
#include "region.h"

#include <string.h>

#define WHO "cj.index"

/* --- a region --------------------------------------------------------------------- */

/* Takes the region along one axis of the tensor on top. */
static void take_axis(lua_State *L, cjl_state *S, int axis, const cjl_range *r) {
  if (r->drop) {
    cj_param p[2] = {cjl_p(axis), cjl_p(r->first)};
    cjl_then(L, S, WHO, S->op.select, p, 2);
  } else if (r->n == 0) {
    cj_param p[3] = {cjl_p(axis), cjl_p(0), cjl_p(0)};
    cjl_then(L, S, WHO, S->op.narrow, p, 3);
  } else {
    cj_param p[4] = {cjl_p(axis), cjl_p(r->first), cjl_p(r->first + (r->n - 1) * r->step), cjl_p(r->step)};
    cjl_then(L, S, WHO, S->op.slice, p, 4);
  }
}

static int push_region(lua_State *L, cjl_state *S, const cjl_tensor *x, const cjl_region *g) {
  cjl_share(L, S, x);
  for (int i = g->t.rank - 1; i >= 0; i--) /* from the last: positions of the others stay */
    if (!cjl_isall(g, i)) take_axis(L, S, i, &g->r[i]);
  return 1;
}

static int index_keys(lua_State *L, cjl_state *S, const cjl_tensor *x, int first, int n) {
  cjl_region g;
  cj_type t = cjl_typeof(L, S, x, WHO);
  cjl_readregion(L, &g, &t, first, n);
  return push_region(L, S, x, &g);
}

/* The keys at first .. first+n-1, from 0; false: some is no integer, or 0. */
static bool read_positions(lua_State *L, int first, int n, int64_t *at) {
  if (n < 1 || n > CJ_MAXRANK) return false;
  for (int i = 0; i < n; i++) {
    if (!lua_isinteger(L, first + i)) return false;
    int64_t k = lua_tointeger(L, first + i);
    if (k == 0) return false;
    at[i] = k > 0 ? k - 1 : k;
  }
  return true;
}

/* What x, whose elements are at data, has at n positions, if that is small. */
static bool push_part(lua_State *L, const cjl_state *S, const cj_type *t, const char *data, const int64_t *at, int n) {
  char copy[CJL_SMALLMOST]; /* handles may change while memory is taken for another one */
  cj_type part = {.dtype = t->dtype, .rank = (uint8_t)(t->rank - n)};
  int64_t offset = 0;
  for (int k = 0; k < n; k++) {
    int64_t i = at[k] < 0 ? at[k] + t->dim[k] : at[k];
    if (i < 0 || i >= t->dim[k]) return false;
    offset = offset * t->dim[k] + i;
  }
  for (int k = n; k < t->rank; k++) part.dim[k - n] = t->dim[k];
  size_t bytes = cj_type_bytes(&part);
  if (bytes > sizeof copy) return false;
  memcpy(copy, data + offset * (int64_t)bytes, bytes);
  memcpy(cjl_newsmall(L, S, &part), copy, bytes);
  return true;
}

/* x at positions: the short way, of most indexing in a function.  False: another case, or an error. */
static bool push_at(lua_State *L, cjl_state *S, const cjl_tensor *x, int first, int n) {
  int64_t at[CJ_MAXRANK];
  cj_val y;
  if (!read_positions(L, first, n, at)) return false;
  if (x->v.kind == CJ_TRACED) {
    if (!cj_trace_at(S->ctx, &x->v, at, n, &y)) return false;
    cjl_tensor *h = cjl_box(L);
    h->v = y;
    cjl_seal(L, S, h);
    return true;
  }
  if (x->v.kind == CJ_NONE) return false;
  const cj_type *t = x->v.kind == CJ_SMALL ? x->v.u.small->type : cj_tensor_type(x->v.u.tensor);
  const char *data = x->v.kind == CJ_SMALL ? x->v.u.small->data : cj_tensor_data(x->v.u.tensor);
  return data && n <= t->rank && push_part(L, S, t, data, at, n);
}

/* --- tensors as keys --------------------------------------------------------------------- */

/* The rows of the tensor on top, whose first n axes are joined, at positions. */
static void take_rows(lua_State *L, cjl_state *S, const cj_type *t, int n, const cj_tensor *positions) {
  cj_type joined = cjl_joined(t, n);
  cjl_reshape(L, S, WHO, S->op.reshape, &joined);
  cj_val in[2] = {((cjl_tensor *)lua_touserdata(L, -1))->v,
                  {.kind = CJ_TENSOR, .u.tensor = (cj_tensor *)(uintptr_t)positions}};
  cj_param axis = cjl_p(0);
  cjl_apply(L, S, WHO, S->op.index_select, in, 2, &axis, 1);
}

static int index_mask(lua_State *L, cjl_state *S, const cjl_tensor *x, const cjl_tensor *mask) {
  cj_type t = cjl_typeof(L, S, x, WHO);
  const cj_tensor *m = cjl_concrete(L, S, mask, WHO);
  cjl_checkmask(L, &t, cj_tensor_type(m));
  const cj_tensor *at = cjl_positions(L, S, m, WHO);
  cjl_share(L, S, x);
  take_rows(L, S, &t, cj_tensor_type(m)->rank, at);
  return 1;
}

static int index_tensor(lua_State *L, cjl_state *S, const cjl_tensor *x, const cjl_tensor *key) {
  if (cjl_typeof(L, S, key, WHO).dtype == CJ_BOOL) return index_mask(L, S, x, key);
  cj_type t = cjl_typeof(L, S, x, WHO);
  if (t.rank == 0) return cjl_error(L, "a 0-d tensor cannot be indexed");
  cjl_share(L, S, x);
  const cjl_tensor *own = lua_touserdata(L, -1), *at = cjl_fromone(L, S, WHO, key, t.dim[0]);
  cj_val in[2] = {own->v, at->v};
  cjl_apply(L, S, WHO, S->op.index, in, 2, NULL, 0);
  return 1;
}

/* x:masked_select(mask): the elements of both, broadcast together. */
static int masked_select(lua_State *L) {
  static const char who[] = "cj.masked_select";
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, who, "x"), who);
  cj_type m = cjl_typeof(L, S, cjl_check(L, S, 2, who, "mask"), who);
  int rank = t.rank > m.rank ? t.rank : m.rank;
  cj_type both = {t.dtype, (uint8_t)rank, {0}};
  if (m.dtype != CJ_BOOL) cjl_argerror(L, who, 2, "mask", "a bool tensor", 2);
  for (int k = 1; k <= rank; k++) {
    int64_t a = k <= t.rank ? t.dim[t.rank - k] : 1, b = k <= m.rank ? m.dim[m.rank - k] : 1;
    both.dim[rank - k] = a == 1 ? b : a;
  }
  for (int i = 1; i <= 2; i++) { /* broadcasting says what does not fit */
    cjl_share(L, S, lua_touserdata(L, i));
    cjl_reshape(L, S, who, S->op.broadcast_to, &both);
    lua_replace(L, i);
  }
  return index_mask(L, S, lua_touserdata(L, 1), lua_touserdata(L, 2));
}

/* cj.nonzero(x): int64 [n, rank], the positions of the elements that are not 0. */
static int nonzero(lua_State *L) {
  static const char who[] = "cj.nonzero";
  cjl_state *S = cjl_self(L);
  const cj_tensor *x = cjl_concrete(L, S, cjl_check(L, S, 1, who, "x"), who);
  cj_type t = *cj_tensor_type(x);
  const cj_tensor *at = cjl_positions(L, S, x, who);
  const int64_t *pos = cj_tensor_data(at);
  cj_type result = {CJ_I64, 2, {cj_tensor_type(at)->dim[0], t.rank}};
  int64_t *out = cjl_new(L, S, &result, who);
  for (int64_t i = 0; i < result.dim[0]; i++) {
    int64_t rest = pos[i];
    for (int k = t.rank - 1; k >= 0; k--) {
      out[i * t.rank + k] = rest % t.dim[k] + 1;
      rest /= t.dim[k];
    }
  }
  return 1;
}

/* --- x.name ---------------------------------------------------------------------------------- */

enum { SHAPE = 1, NDIM, DTYPE, T, MT };

static int push_transposed(lua_State *L, cjl_state *S, const cj_type *t, bool last) {
  cj_param p = {.n = t->rank};
  for (int i = 0; i < t->rank; i++) p.v[i] = last ? i : t->rank - 1 - i;
  if (last && t->rank < 2) cjl_error(L, "x.mT: a tensor of at least 2 dims is wanted");
  if (last) p.v[t->rank - 1] = t->rank - 2, p.v[t->rank - 2] = t->rank - 1;
  cjl_share(L, S, lua_touserdata(L, 1));
  cjl_then(L, S, "cj.permute", S->op.permute, &p, 1);
  return 1;
}

static int push_property(lua_State *L, cjl_state *S, const cjl_tensor *x, int which) {
  cj_type t = cjl_typeof(L, S, x, "cj.tensor");
  switch (which) {
  case NDIM: lua_pushinteger(L, t.rank); return 1;
  case DTYPE: lua_pushstring(L, cj_dtype_name((cj_dtype)t.dtype)); return 1;
  case T:
  case MT: return push_transposed(L, S, &t, which == MT);
  default: cjl_pushsizes(L, &t); return 1;
  }
}

/* x:add_: computes add and rebinds x; made when first asked for. */
static int push_inplace(lua_State *L) {
  size_t n;
  const char *name = lua_tolstring(L, 2, &n);
  if (n < 2 || name[n - 1] != '_') return 0;
  lua_pushfstring(L, "cj.%s", name);
  lua_pushlstring(L, name, n - 1);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TFUNCTION) return 0;
  cjl_pushfunction(L, cjl_inplace, 2);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, lua_upvalueindex(2));
  return 1;
}

/* A name, which is at 2.  Upvalue 2: the methods. */
static int index_name(lua_State *L) {
  lua_pushvalue(L, 2);
  int type = lua_rawget(L, lua_upvalueindex(2));
  if (type == LUA_TFUNCTION) return 1;
  if (type == LUA_TNIL) return push_inplace(L);
  cjl_state *S = cjl_self(L);
  return push_property(L, S, cjl_check(L, S, 1, WHO, "x"), (int)(intptr_t)lua_touserdata(L, -1));
}

/* --- metamethods -------------------------------------------------------------------------------- */

static int meta_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) return index_name(L);
  cjl_state *S = cjl_self(L);
  const cjl_tensor *x = cjl_test(L, S, 1), *key;
  int n;
  if (!x) return cjl_argerror(L, WHO, 1, "x", "a tensor", 1);
  switch (lua_type(L, 2)) {
  case LUA_TNUMBER: return push_at(L, S, x, 2, 1) ? 1 : index_keys(L, S, x, 2, 1);
  case LUA_TTABLE: n = cjl_spread(L, 2); return push_at(L, S, x, 3, n) ? 1 : index_keys(L, S, x, 3, n);
  default:
    if ((key = cjl_test(L, S, 2)) != NULL) return index_tensor(L, S, x, key);
    return cjl_error(L, "a tensor is indexed by integers, ranges, masks or int64 tensors, got %s", cjl_describe(L, 2));
  }
}

/* x(i, j): as x[{i, j}], without the table. */
static int meta_call(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const cjl_tensor *x = cjl_check(L, S, 1, WHO, "x");
  int n = lua_gettop(L) - 1;
  return push_at(L, S, x, 2, n) ? 1 : index_keys(L, S, x, 2, n);
}

static int meta_len(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, "cj.len", "x"), "cj.len");
  if (t.rank == 0) return cjl_error(L, "#x: a 0-d tensor has no length");
  lua_pushinteger(L, t.dim[0]);
  return 1;
}

int cjl_spread(lua_State *L, int table) {
  size_t n = lua_rawlen(L, table);
  if (n > CJ_MAXRANK) cjl_error(L, "%d indices, at most %d are possible", (int)n, CJ_MAXRANK);
  for (size_t i = 1; i <= n; i++) lua_rawgeti(L, table, (lua_Integer)i);
  return (int)n;
}

void cjl_open_index(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"masked_select", masked_select}, {"nonzero", nonzero}, {NULL, NULL}};
  static const cjl_reg meta[] = {{"__call", meta_call}, {"__len", meta_len}, {NULL, NULL}};
  static const struct {
    const char *name;
    int which;
  } properties[] = {{"shape", SHAPE}, {"ndim", NDIM}, {"dtype", DTYPE}, {"T", T}, {"mT", MT}};
  (void)S;
  cjl_register(L, functions, true);
  cjl_registermeta(L, meta);
  for (int which = CJL_META; which <= CJL_PLAIN; which++) {
    cjl_pushuser(L, which);
    cjl_pushuser(L, CJL_METHODS);
    cjl_pushfunction(L, meta_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
  }
  cjl_pushuser(L, CJL_METHODS);
  for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
    lua_pushlightuserdata(L, (void *)(intptr_t)properties[i].which);
    lua_setfield(L, -2, properties[i].name);
  }
  lua_pop(L, 1);
}
