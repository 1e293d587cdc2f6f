/*
** assign.c -- writing: x[...] = v, x:add_(y), x:fill_(v).  Tensors are immutable values; writing gives this
** handle another value.  Where nothing else holds the old one, its elements are changed in place.
*/
#include "region.h"

#include <string.h>

#define WHO "cj.assign"

/* --- in place ------------------------------------------------------------------------ */

/* Writes src, in row-major order, over the region; stride 0: one element, repeated. */
static void write_region(char *data, const cjl_region *g, const char *src, size_t stride) {
  int64_t at[CJ_MAXRANK] = {0}, step[CJ_MAXRANK];
  int rank = g->t.rank;
  size_t size = cj_dtype_size((cj_dtype)g->t.dtype);
  int64_t unit = (int64_t)size, n = 1;
  for (int i = rank - 1; i >= 0; i--) {
    data += g->r[i].first * unit;
    step[i] = g->r[i].step * unit;
    unit *= g->t.dim[i];
    n *= g->r[i].n;
  }
  for (; n > 0; n--, src += stride) {
    memcpy(data, src, size);
    for (int i = rank - 1; i >= 0; i--) {
      data += step[i];
      if (++at[i] < g->r[i].n) break;
      data -= step[i] * at[i];
      at[i] = 0;
    }
  }
}

/* Gives the handle at x the value on top. */
static void take_value(lua_State *L, cjl_state *S, int x) {
  cjl_tensor *h = lua_touserdata(L, -1);
  cj_val v = h->v;
  if (v.kind == CJ_SMALL && cjl_fits(L, S, x, &v)) return;
  if (v.kind == CJ_SMALL) {
    cjl_share(L, S, h);
    h = lua_touserdata(L, -1);
    v = h->v;
    lua_replace(L, -2);
  }
  if (v.kind == CJ_TENSOR) cj_tensor_retain(v.u.tensor);
  cjl_rebind(L, S, x, v);
}

static bool isconcrete(const cj_val *v) { return v->kind != CJ_TRACED; }

/* Pushes the operand at idx as a tensor of that type, by broadcasting and casting. */
static cjl_tensor *push_fitted(lua_State *L, cjl_state *S, int idx, const cj_type *t) {
  cj_val v = cjl_operand(L, S, idx);
  char one[8];
  if (v.kind == CJ_TENSOR || v.kind == CJ_TRACED || v.kind == CJ_SMALL) {
    cjl_share(L, S, lua_touserdata(L, idx));
  } else {
    cj_type scalar = {t->dtype, 0, {0}};
    (void)cjl_element(&v, t->dtype, one);
    memcpy(cjl_new(L, S, &scalar, WHO), one, cj_dtype_size((cj_dtype)t->dtype));
  }
  cjl_cast(L, S, WHO, t->dtype);
  return cjl_reshape(L, S, WHO, S->op.broadcast_to, t);
}

/* Writes src over the region of x, a concrete handle at idx: in place if nothing else holds its elements. */
static void write_to(lua_State *L, cjl_state *S, int idx, const cjl_region *g, const char *src, size_t stride) {
  cjl_tensor *x = lua_touserdata(L, idx);
  cj_type t = cjl_typeof(L, S, x, WHO);
  bool small = x->v.kind == CJ_SMALL;
  bool same = (small || x->v.kind == CJ_TENSOR) && memcmp(&t, &g->t, sizeof g->t) == 0;
  char *data = !same ? NULL : small ? x->v.u.small->data : cj_tensor_edit(x->v.u.tensor);
  if (!same) cjl_error(L, "%s: the tensor was changed while it was assigned to", WHO);
  if (data) {
    write_region(data, g, src, stride);
    return;
  }
  const cj_tensor *old = cjl_concrete(L, S, x, WHO);
  data = cjl_new(L, S, &g->t, WHO);
  memcpy(data, cj_tensor_data(old), cj_type_bytes(&g->t));
  write_region(data, g, src, stride);
  take_value(L, S, idx);
  lua_pop(L, 2);
}

static void assign_concrete(lua_State *L, cjl_state *S, int x, const cjl_region *g, int v) {
  cj_type t = cjl_regiontype(g, false);
  cj_val val = cjl_operand(L, S, v);
  char one[8];
  if (cjl_element(&val, t.dtype, one)) {
    write_to(L, S, x, g, one, 0);
    return;
  }
  const cj_tensor *src = cjl_concrete(L, S, push_fitted(L, S, v, &t), WHO);
  write_to(L, S, x, g, cj_tensor_data(src), cj_dtype_size((cj_dtype)t.dtype));
}

/* --- as operations ----------------------------------------------------------------------- */

/* The tensor on top is what stands in the region along axes from on (a region that has all axes) of x; it is
** replaced by the whole.  Written as put(x, put(slice of x, v)). */
static void put_axes(lua_State *L, cjl_state *S, const cjl_tensor *x, const cjl_region *g, int from) {
  int axis = from, v = lua_gettop(L);
  while (axis < g->t.rank && cjl_isall(g, axis)) axis++;
  if (axis >= g->t.rank) return; /* all of it */
  const cjl_range *r = &g->r[axis];
  if (r->n == 0) {
    cjl_share(L, S, x);
    lua_remove(L, v);
    return;
  }
  luaL_checkstack(L, 8, NULL);
  cj_param p[4] = {cjl_p(axis), cjl_p(r->first), cjl_p(r->first + (r->n - 1) * r->step), cjl_p(r->step)};
  cjl_tensor *part = cjl_apply(L, S, WHO, S->op.slice, &x->v, 1, p, 4);
  lua_pushvalue(L, v);
  put_axes(L, S, part, g, axis + 1);
  cj_val in[2] = {x->v, ((cjl_tensor *)lua_touserdata(L, -1))->v};
  cj_param at = {.n = 3, .v = {g->t.rank - axis, r->first, r->step}};
  cjl_apply(L, S, WHO, S->op.put, in, 2, &at, 1);
  lua_replace(L, v);
  lua_settop(L, v);
}

static void assign_region(lua_State *L, cjl_state *S, int x, const cjl_region *g, int v) {
  const cjl_tensor *h = lua_touserdata(L, x);
  cj_val val = cjl_operand(L, S, v);
  if (val.kind == CJ_NONE) cjl_argerror(L, WHO, 3, "value", "a tensor or a number", v);
  if (isconcrete(&h->v) && isconcrete(&val)) {
    assign_concrete(L, S, x, g, v);
    return;
  }
  cj_type t = cjl_regiontype(g, false), all = cjl_regiontype(g, true);
  cjl_share(L, S, h);
  h = lua_touserdata(L, -1);
  push_fitted(L, S, v, &t);
  cjl_reshape(L, S, WHO, S->op.reshape, &all);
  put_axes(L, S, h, g, 0);
  take_value(L, S, x);
}

/* --- tensors as keys ------------------------------------------------------------------------ */

/* x with v, one a position, at positions (from 0) of its first n axes joined. */
static void assign_rows(lua_State *L, cjl_state *S, int x, const cj_type *t, int n, const cj_val *positions, int v) {
  cj_type joined = cjl_joined(t, n), rows = joined, at;
  if (cj_val_type(S->ctx, positions, &at) != CJ_OK) cjl_raise(L, S, CJ_EARG, WHO);
  rows.rank = (uint8_t)(joined.rank - 1 + at.rank);
  if (rows.rank > CJ_MAXRANK) cjl_error(L, "%s: more than %d dims", WHO, CJ_MAXRANK);
  for (int i = joined.rank - 1; i >= 1; i--) rows.dim[i - 1 + at.rank] = joined.dim[i];
  for (int i = 0; i < at.rank; i++) rows.dim[i] = at.dim[i];
  cjl_tensor *src = push_fitted(L, S, v, &rows);
  cjl_share(L, S, lua_touserdata(L, x));
  cjl_tensor *flat = cjl_reshape(L, S, WHO, S->op.reshape, &joined);
  cj_val in[3] = {flat->v, *positions, src->v};
  cj_param accumulate = cjl_p(0);
  cjl_apply(L, S, WHO, S->op.index_put, in, 3, &accumulate, 1);
  cjl_reshape(L, S, WHO, S->op.reshape, t);
  take_value(L, S, x);
}

static bool isone(lua_State *L, cjl_state *S, const cj_val *v) {
  cj_type t;
  if (v->kind != CJ_TENSOR && v->kind != CJ_TRACED && v->kind != CJ_SMALL) return true;
  CJL_TRY(L, S, WHO, cj_val_type(S->ctx, v, &t));
  return t.rank == 0;
}

/* x[mask] = v: one value for all, or one for each. */
static void assign_mask(lua_State *L, cjl_state *S, int x, const cj_type *t, int mask, int v) {
  const cjl_tensor *m = lua_touserdata(L, mask);
  cj_type mt = cjl_typeof(L, S, m, WHO);
  cj_val val = cjl_operand(L, S, v);
  bool one = isone(L, S, &val);
  cjl_checkmask(L, t, &mt);
  if (!one) {
    const cj_tensor *at = cjl_positions(L, S, cjl_concrete(L, S, m, WHO), WHO);
    cj_val positions = {.kind = CJ_TENSOR, .u.tensor = (cj_tensor *)(uintptr_t)at};
    assign_rows(L, S, x, t, mt.rank, &positions, v);
    return;
  }
  for (int i = mt.rank; i < t->rank; i++) mt.dim[mt.rank++] = 1;
  cj_type scalar = {t->dtype, 0, {0}};
  cjl_share(L, S, lua_touserdata(L, x));
  const cjl_tensor *h = lua_touserdata(L, -1);
  cjl_share(L, S, m);
  const cjl_tensor *wide = cjl_reshape(L, S, WHO, S->op.reshape, &mt), *value = push_fitted(L, S, v, &scalar);
  cj_val in[3] = {h->v, wide->v, value->v};
  cjl_apply(L, S, WHO, S->op.masked_fill, in, 3, NULL, 0);
  take_value(L, S, x);
}

static int meta_newindex(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, WHO, "x"), WHO);
  const cjl_tensor *key = cjl_test(L, S, 2);
  cjl_region g;
  if (lua_type(L, 2) == LUA_TSTRING) return cjl_error(L, "a tensor has no field '%s' to assign to", lua_tostring(L, 2));
  if (cjl_operand(L, S, 3).kind == CJ_NONE) cjl_argerror(L, WHO, 3, "value", "a tensor or a number", 3);
  if (key && cjl_typeof(L, S, key, WHO).dtype == CJ_BOOL) {
    assign_mask(L, S, 1, &t, 2, 3);
  } else if (key) {
    if (t.rank == 0) return cjl_error(L, "a 0-d tensor cannot be indexed");
    cjl_tensor *at = cjl_fromone(L, S, WHO, key, t.dim[0]);
    assign_rows(L, S, 1, &t, 1, &at->v, 3);
  } else {
    bool table = lua_type(L, 2) == LUA_TTABLE;
    int n = table ? cjl_spread(L, 2) : 1;
    cjl_readregion(L, &g, &t, table ? 4 : 2, n);
    assign_region(L, S, 1, &g, 3);
  }
  return 0;
}

/* --- x:NAME_() -------------------------------------------------------------------------------- */

static int category(int dtype) { return dtype == CJ_BOOL ? 0 : dtype == CJ_I64 ? 1 : 2; }

static void misfit(lua_State *L, const char *name, const cj_type *t, const cj_type *r) {
  if (category(r->dtype) > category(t->dtype))
    cjl_error(L, "%s: a result of dtype %s does not go into a tensor of dtype %s", name,
              cj_dtype_name((cj_dtype)r->dtype), cj_dtype_name((cj_dtype)t->dtype));
  if (r->rank == t->rank && memcmp(r->dim, t->dim, t->rank * sizeof *t->dim) == 0) return;
  cjl_pushshape(L, r);
  cjl_pushshape(L, t);
  cjl_error(L, "%s: a result of shape %s does not go into a tensor of shape %s", name, lua_tostring(L, -2),
            lua_tostring(L, -1));
}

int cjl_inplace(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const char *name = lua_tostring(L, lua_upvalueindex(2)); /* "cj.add_" */
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, name, "x"), name), r;
  lua_pushvalue(L, 1);
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_rotate(L, 1, 2); /* x, add, x, ... */
  lua_call(L, lua_gettop(L) - 2, 1);
  const cjl_tensor *y = cjl_test(L, S, -1);
  if (!y) return cjl_error(L, "%s: there is no such operation in place", name);
  r = cjl_typeof(L, S, y, name);
  misfit(L, name, &t, &r);
  cjl_cast(L, S, name, t.dtype);
  take_value(L, S, 1);
  lua_settop(L, 1);
  return 1;
}

/* x:fill_(v), x:copy_(y), x:zero_(): the value takes x's dtype and is broadcast. */
static int fill(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cjl_region g;
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, "cj.fill_", "x"), "cj.fill_");
  lua_settop(L, 2);
  if (cjl_operand(L, S, 2).kind == CJ_NONE) cjl_argerror(L, "cj.fill_", 2, "value", "a tensor or a number", 2);
  cjl_whole(&g, &t);
  assign_region(L, S, 1, &g, 2);
  lua_settop(L, 1);
  return 1;
}

static int zero(lua_State *L) {
  lua_settop(L, 1);
  lua_pushinteger(L, 0);
  return fill(L);
}

void cjl_open_assign(lua_State *L, cjl_state *S) {
  static const cjl_reg methods[] = {{"fill_", fill}, {"copy_", fill}, {"zero_", zero}, {NULL, NULL}};
  static const cjl_reg meta[] = {{"__newindex", meta_newindex}, {NULL, NULL}};
  (void)S;
  cjl_register(L, methods, true);
  cjl_registermeta(L, meta);
}
