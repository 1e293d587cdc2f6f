/* literal.c -- tensors from nested tables of numbers, booleans or tensors: cj.tensor{{1, 2}, {3, 4}}. */
#include "value.h"

#include <string.h>

typedef struct literal {
  lua_State *L;
  cjl_state *S;
  const char *who;
  cj_type t;
  bool known;                   /* the rank is */
  int64_t at[CJ_MAXRANK];       /* where we are, from 1 */
  bool numbers, bools, tensors; /* what was met */
} literal;

/* Raises with the place, about the value at idx: "cj.tensor: element [2][3]: ...". */
static int bad(literal *x, int depth, int idx, const char *want, bool size) {
  lua_State *L = x->L;
  luaL_Buffer b;
  const char *got = size ? lua_pushfstring(L, "%I", (LUAI_UACINT)lua_rawlen(L, idx)) : cjl_describe(L, idx);
  luaL_buffinit(L, &b);
  for (int i = 0; i < depth; i++) {
    lua_pushfstring(L, "[%I]", (LUAI_UACINT)x->at[i]);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  const char *place = lua_tostring(L, -1);
  return cjl_error(L, "%s: %s%s: expected %s, got %s", x->who, *place ? "element " : "the table", place, want, got);
}

/* --- its shape ----------------------------------------------------------------- */

static void scan(literal *x, int depth);

static void scan_table(literal *x, int depth) {
  lua_State *L = x->L;
  int t = lua_gettop(L);
  int64_t n = (int64_t)lua_rawlen(L, t);
  if (depth == CJ_MAXRANK) cjl_error(L, "%s: a table nested deeper than %d levels", x->who, CJ_MAXRANK);
  if (!x->known && depth == x->t.rank)
    x->t.dim[x->t.rank++] = n;
  else if (depth >= x->t.rank)
    bad(x, depth, t, "a number", false);
  else if (n != x->t.dim[depth])
    bad(x, depth, t, lua_pushfstring(L, "%I elements", (LUAI_UACINT)x->t.dim[depth]), true);
  if (n == 0) x->known = true;
  luaL_checkstack(L, 8, NULL);
  for (int64_t i = 1; i <= n; i++) {
    x->at[depth] = i;
    lua_rawgeti(L, -1, i);
    scan(x, depth + 1);
    lua_pop(L, 1);
  }
}

/* Notes what the value on top is. */
static void scan(literal *x, int depth) {
  switch (lua_type(x->L, -1)) {
  case LUA_TTABLE: scan_table(x, depth); return;
  case LUA_TNUMBER: x->numbers = true; break;
  case LUA_TBOOLEAN: x->bools = true; break;
  default:
    if (!cjl_test(x->L, x->S, -1)) bad(x, depth, -1, "a number, a boolean or a tensor", false);
    x->tensors = true;
  }
  int at = lua_gettop(x->L);
  x->known = true;
  if (depth != x->t.rank)
    bad(x, depth, at, lua_pushfstring(x->L, "a table of %I", (LUAI_UACINT)x->t.dim[depth]), false);
}

/* --- numbers ---------------------------------------------------------------------- */

/* Writes the value on top at data; where the next one goes. */
static char *fill(literal *x, int depth, char *data) {
  lua_State *L = x->L;
  if (depth == x->t.rank) {
    cj_val v = cjl_operand(L, x->S, -1);
    int64_t i;
    if (x->t.dtype == CJ_I64 && v.kind == CJ_NUM && !cjl_integer(L, -1, &i)) bad(x, depth, -1, "an integer", false);
    if (!cjl_element(&v, x->t.dtype, data)) bad(x, depth, -1, "a number", false);
    return data + cj_dtype_size((cj_dtype)x->t.dtype);
  }
  int64_t n = lua_type(L, -1) == LUA_TTABLE ? (int64_t)lua_rawlen(L, -1) : -1;
  if (n != x->t.dim[depth]) bad(x, depth, -1, "the size it had", false); /* a finalizer changed the table */
  for (int64_t i = 1; i <= n; i++) {
    x->at[depth] = i;
    lua_rawgeti(L, -1, i);
    data = fill(x, depth + 1, data);
    lua_pop(L, 1);
  }
  return data;
}

/* --- tensors ----------------------------------------------------------------------- */

/* Replaces the table on top by its elements stacked: this way derivatives go through. */
static void stack(literal *x, int depth) {
  lua_State *L = x->L;
  int table = lua_gettop(L), n = (int)lua_rawlen(L, -1), k;
  cj_param axis = cjl_p(0);
  luaL_checkstack(L, n + 8, "too many elements");
  for (k = 1; k <= n; k++) {
    x->at[depth] = k;
    if (lua_rawgeti(L, table, k) == LUA_TTABLE) stack(x, depth + 1);
  }
  cj_val *in = lua_newuserdatauv(L, (size_t)n * sizeof *in + 1, 0);
  cjl_tensor *box = cjl_box(L);
  for (k = 0; k < n; k++) in[k] = cjl_operand(L, x->S, table + 1 + k);
  cj_status s = cjl_run(L, x->S, x->S->op.stack, in, n, &axis, 1, &box->v, 1, &k);
  if (s != CJ_OK) cjl_raise(L, x->S, s, x->who);
  cjl_seal(L, x->S, box);
  lua_replace(L, table);
  lua_settop(L, table);
}

/* --- the constructors ------------------------------------------------------------------ */

static int from_table(literal *x, int dtype) {
  lua_State *L = x->L;
  scan(x, 0);
  if (x->tensors) {
    stack(x, 0);
    if (dtype >= 0) cjl_cast(L, x->S, x->who, dtype);
    return 1;
  }
  if (dtype < 0) dtype = x->bools && !x->numbers ? CJ_BOOL : CJ_F64;
  cj_type shape = x->t;
  if (cj_type_make((cj_dtype)dtype, shape.rank, shape.dim, &x->t) != CJ_OK)
    return cjl_error(L, "%s: the shape is too large", x->who);
  char *data = cjl_newresult(L, x->S, &x->t, x->who);
  lua_insert(L, -2);
  (void)fill(x, 0, data);
  lua_pop(L, 1);
  return 1;
}

static int from_tensor(lua_State *L, cjl_state *S, const cjl_tensor *h, const char *who, int dtype) {
  cjl_share(L, S, h);
  if (dtype >= 0) cjl_cast(L, S, who, dtype);
  return 1;
}

/* From a table, a number, a boolean or a tensor; dtype < 0: as the value says. */
static int make(lua_State *L, const char *who, int dtype) {
  literal x = {.L = L, .S = cjl_self(L), .who = who};
  const cjl_tensor *h = cjl_test(L, x.S, 1);
  if (lua_isnoneornil(L, 1)) return cjl_argerror(L, who, 1, "value", "a table, a number, a boolean or a tensor", 0);
  if (lua_type(L, 1) == LUA_TTABLE && cjl_isoptions(L, 1))
    return cjl_error(L, "%s: argument 1 (value): a table of numbers is wanted, this one has named fields", who);
  lua_settop(L, 1);
  if (h) return from_tensor(L, x.S, h, who, dtype);
  return from_table(&x, dtype);
}

static int tensor(lua_State *L) {
  static const char who[] = "cj.tensor", *const names[] = {"dtype", NULL};
  int dtype = -1;
  if (lua_type(L, 2) == LUA_TTABLE) {
    cjl_checkoptions(L, 2, who, names);
    lua_getfield(L, 2, "dtype");
    lua_replace(L, 2);
  }
  if (!lua_isnoneornil(L, 2)) {
    dtype = lua_type(L, 2) == LUA_TSTRING ? cjl_dtype(lua_tostring(L, 2)) : -1;
    if (dtype < 0) return cjl_argerror(L, who, 2, "dtype", "\"float64\", \"float32\", \"int64\" or \"bool\"", 2);
  }
  return make(L, who, dtype);
}

static int to_double(lua_State *L) { return make(L, "cj.double", CJ_F64); }
static int to_float(lua_State *L) { return make(L, "cj.float", CJ_F32); }
static int to_long(lua_State *L) { return make(L, "cj.long", CJ_I64); }
static int to_bool(lua_State *L) { return make(L, "cj.bool", CJ_BOOL); }

void cjl_open_literal(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"tensor", tensor}, {NULL, NULL}};
  static const cjl_reg both[] = {/* a tensor is cast */
                                 {"double", to_double},
                                 {"float", to_float},
                                 {"long", to_long},
                                 {"bool", to_bool},
                                 {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
  cjl_register(L, both, true);
}
