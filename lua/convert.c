/* convert.c -- looking at tensors, and from tensors to Lua values; comparisons of single numbers. */
#include "value.h"

/* --- looking ---------------------------------------------------------------- */

static int64_t read_dim(lua_State *L, const char *who, int idx, const cj_type *t) {
  int64_t d = cjl_checkint(L, idx, who, "dim"), at = d > 0 ? d - 1 : d + t->rank;
  if (d == 0 || at < 0 || at >= t->rank) {
    cjl_pushshape(L, t);
    cjl_error(L, "%s: dim %I is out of range for shape %s", who, (LUAI_UACINT)d, lua_tostring(L, -1));
  }
  return at;
}

static int size(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, "cj.size", "x"), "cj.size");
  if (lua_isnoneornil(L, 2))
    cjl_pushsizes(L, &t);
  else
    lua_pushinteger(L, t.dim[read_dim(L, "cj.size", 2, &t)]);
  return 1;
}

static int dim(lua_State *L) {
  cjl_state *S = cjl_self(L);
  lua_pushinteger(L, cjl_typeof(L, S, cjl_check(L, S, 1, "cj.dim", "x"), "cj.dim").rank);
  return 1;
}

static int numel(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, "cj.numel", "x"), "cj.numel");
  lua_pushinteger(L, cj_type_count(&t));
  return 1;
}

static int is_tensor(lua_State *L) {
  lua_pushboolean(L, cjl_test(L, cjl_self(L), 1) != NULL);
  return 1;
}

/* --- out ------------------------------------------------------------------------ */

static int item(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const cjl_tensor *h = cjl_check(L, S, 1, "cj.item", "x");
  cj_type t = cjl_typeof(L, S, h, "cj.item");
  if (cj_type_count(&t) != 1) {
    cjl_pushshape(L, &t);
    return cjl_error(L, "cj.item: a tensor of one element is wanted, got shape %s", lua_tostring(L, -1));
  }
  cjl_pushnumber(L, S, h, "cj.item");
  return 1;
}

/* Pushes the elements along axis and the ones after it as nested tables; *at: the next element. */
static void push_table(lua_State *L, const cj_tensor *x, int axis, int64_t *at) {
  const cj_type *t = cj_tensor_type(x);
  if (axis == t->rank) {
    cjl_pushelement(L, x, (*at)++);
    return;
  }
  luaL_checkstack(L, 4, NULL);
  lua_createtable(L, t->dim[axis] < INT32_MAX ? (int)t->dim[axis] : 0, 0);
  for (int64_t i = 1; i <= t->dim[axis]; i++) {
    push_table(L, x, axis + 1, at);
    lua_rawseti(L, -2, i);
  }
}

static int totable(lua_State *L) {
  cjl_state *S = cjl_self(L);
  int64_t at = 0;
  push_table(L, cjl_concrete(L, S, cjl_check(L, S, 1, "cj.totable", "x"), "cj.totable"), 0, &at);
  return 1;
}

/* for i, row in x:iter() do: (x, i) -> i + 1, x[i + 1]. */
static int next_row(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, "cj.iter", "x"), "cj.iter");
  int64_t i = cjl_checkint(L, 2, "cj.iter", "i");
  if (i < 0 || i >= t.dim[0]) return 0;
  lua_pushinteger(L, i + 1);
  lua_pushinteger(L, i + 1);
  lua_gettable(L, 1);
  return 2;
}

static int iter(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const cjl_tensor *h = cjl_check(L, S, 1, "cj.iter", "x");
  if (cjl_typeof(L, S, h, "cj.iter").rank == 0) return cjl_error(L, "cj.iter: a 0-d tensor has no rows");
  cjl_pushfunction(L, next_row, 0);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

/* --- comparisons ------------------------------------------------------------------- */

/* Pushes the number at idx, or in the 0-d tensor at idx. */
static void push_number(lua_State *L, cjl_state *S, int idx, const char *op) {
  const cjl_tensor *h = cjl_test(L, S, idx);
  if (h && cjl_typeof(L, S, h, op).rank == 0) {
    cjl_pushnumber(L, S, h, op);
    if (lua_isboolean(L, -1)) lua_pushinteger(L, lua_toboolean(L, -1));
  } else if (lua_type(L, idx) == LUA_TNUMBER) {
    lua_pushvalue(L, idx);
  } else {
    cjl_error(L, "%s compares numbers and 0-d tensors, got %s and %s (elementwise: x:lt(y), x:le(y), x:eq(y), ...)", op,
              cjl_describe(L, 1), cjl_describe(L, 2));
  }
}

/* Pushes the operand at idx, a number or a 0-d tensor, in float64 if it is a float. */
static cj_val push_compared(lua_State *L, cjl_state *S, int idx, const char *op) {
  const cjl_tensor *h = cjl_test(L, S, idx);
  if (h)
    cjl_share(L, S, h);
  else
    lua_pushvalue(L, idx);
  if (h && cjl_typeof(L, S, lua_touserdata(L, -1), op).dtype == CJ_F32) cjl_cast(L, S, op, CJ_F64);
  return cjl_operand(L, S, -1);
}

/* In a traced function the answer is what is asked for, not the numbers: they may change as long as it stays. */
static bool compare_traced(lua_State *L, cjl_state *S, int op, const char *name) {
  cj_val in[2] = {push_compared(L, S, 1, name), push_compared(L, S, 2, name)};
  int row = op == LUA_OPLT ? S->op.lt : op == LUA_OPLE ? S->op.le : S->op.eq;
  cjl_pushelement(L, cjl_concrete(L, S, cjl_apply(L, S, name, row, in, 2, NULL, 0), name), 0);
  return lua_toboolean(L, -1);
}

/* A number, or a 0-d tensor; *traced if it is one of a trace. */
static bool iscomparable(lua_State *L, cjl_state *S, int idx, const char *op, bool *traced) {
  const cjl_tensor *h = cjl_test(L, S, idx);
  if (!h) return lua_type(L, idx) == LUA_TNUMBER;
  if (h->v.kind == CJ_TRACED) *traced = true;
  return cjl_typeof(L, S, h, op).rank == 0;
}

static int compare(lua_State *L, int op, const char *name) {
  cjl_state *S = cjl_self(L);
  bool traced = false;
  if (iscomparable(L, S, 1, name, &traced) && iscomparable(L, S, 2, name, &traced) && traced) {
    lua_pushboolean(L, compare_traced(L, S, op, name));
    return 1;
  }
  push_number(L, S, 1, name);
  int a = lua_gettop(L);
  push_number(L, S, 2, name);
  lua_pushboolean(L, lua_compare(L, a, -1, op));
  return 1;
}

static int meta_lt(lua_State *L) { return compare(L, LUA_OPLT, "<"); }
static int meta_le(lua_State *L) { return compare(L, LUA_OPLE, "<="); }

/* Two 0-d tensors are equal if their numbers are; others only if they are the same handle, which Lua has seen. */
static int meta_eq(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const cjl_tensor *a = cjl_test(L, S, 1), *b = cjl_test(L, S, 2);
  if (a && b && a->v.kind != CJ_NONE && b->v.kind != CJ_NONE && cjl_typeof(L, S, a, "==").rank == 0 &&
      cjl_typeof(L, S, b, "==").rank == 0)
    return compare(L, LUA_OPEQ, "==");
  lua_pushboolean(L, 0);
  return 1;
}

void cjl_open_convert(lua_State *L, cjl_state *S) {
  static const cjl_reg both[] = {{"size", size}, {"dim", dim},         {"numel", numel}, {"item", item},
                                 {"iter", iter}, {"totable", totable}, {NULL, NULL}};
  static const cjl_reg functions[] = {{"is_tensor", is_tensor}, {NULL, NULL}};
  static const cjl_reg meta[] = {{"__lt", meta_lt}, {"__le", meta_le}, {"__eq", meta_eq}, {NULL, NULL}};
  (void)S;
  cjl_register(L, both, true);
  cjl_register(L, functions, false);
  cjl_registermeta(L, meta);
}
