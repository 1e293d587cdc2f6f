/* create.c -- tensors from nested tables, and filled ones. */
#include "value.h"

#include <math.h>
#include <string.h>

/* --- options, sizes ------------------------------------------------------------------ */

/* Takes the options table off the top, if there is one.  The dtype it names, or otherwise. */
static int take_dtype(lua_State *L, const char *who, int otherwise) {
  static const char *const names[] = {"dtype", NULL};
  int top = lua_gettop(L), dtype = otherwise;
  if (!top || !cjl_isoptions(L, top)) return dtype;
  cjl_checkoptions(L, top, who, names);
  if (lua_getfield(L, top, "dtype") != LUA_TNIL) {
    dtype = lua_type(L, -1) == LUA_TSTRING ? cjl_dtype(lua_tostring(L, -1)) : -1;
    if (dtype < 0) cjl_argerror(L, who, 0, "dtype", "\"float64\", \"float32\", \"int64\" or \"bool\"", -1);
  }
  lua_settop(L, top - 1);
  return dtype;
}

static void make_type(lua_State *L, const char *who, int dtype, int rank, const int64_t *dim, cj_type *t) {
  for (int i = 0; i < rank; i++)
    if (dim[i] < 0) cjl_error(L, "%s: size %d is negative (%I)", who, i + 1, (LUAI_UACINT)dim[i]);
  if (cj_type_make((cj_dtype)dtype, rank, dim, t) != CJ_OK) cjl_error(L, "%s: the shape is too large", who);
}

void cjl_readsizes(lua_State *L, const char *who, int dtype, int first, int last, cj_type *t) {
  int64_t dim[CJ_MAXRANK];
  bool table = first == last && lua_type(L, first) == LUA_TTABLE;
  int64_t n = table ? (int64_t)lua_rawlen(L, first) : last - first + 1;
  if (n > CJ_MAXRANK) cjl_error(L, "%s: %I sizes, at most %d are possible", who, (LUAI_UACINT)n, CJ_MAXRANK);
  for (int i = 0; i < n; i++) {
    if (table) lua_rawgeti(L, first, i + 1);
    int at = table ? lua_gettop(L) : first + i;
    if (!cjl_integer(L, at, &dim[i])) cjl_argerror(L, who, table ? first : at, "size", "sizes (integers)", at);
    if (table) lua_pop(L, 1);
  }
  make_type(L, who, dtype, (int)n, dim, t);
}

/* --- filled ------------------------------------------------------------------------------ */

static int push_filled(lua_State *L, cjl_state *S, const char *who, const cj_type *t, const cj_val *v) {
  char one[8];
  char *out = cjl_newresult(L, S, t, who); /* zeros */
  size_t size = cj_dtype_size((cj_dtype)t->dtype), bytes = cj_type_bytes(t);
  (void)cjl_element(v, t->dtype, one);
  for (size_t i = 0; i < bytes; i += size) memcpy(out + i, one, size);
  return 1;
}

static int constant(lua_State *L, const char *who, int64_t value) {
  cjl_state *S = cjl_self(L);
  cj_type t;
  cj_val v = cjl_int(value);
  int dtype = take_dtype(L, who, CJ_F64);
  cjl_readsizes(L, who, dtype, 1, lua_gettop(L), &t);
  if (value) return push_filled(L, S, who, &t, &v);
  (void)cjl_newresult(L, S, &t, who);
  return 1;
}

static int zeros(lua_State *L) { return constant(L, "cj.zeros", 0); }
static int ones(lua_State *L) { return constant(L, "cj.ones", 1); }

/* The operand at idx, a number or a 0-d tensor, in every element of a new tensor. */
static int push_full(lua_State *L, cjl_state *S, const char *who, const cj_type *t, int idx) {
  cj_val v = cjl_operand(L, S, idx);
  if (v.kind == CJ_NONE) return cjl_argerror(L, who, idx, "value", "a number", idx);
  if (v.kind != CJ_TENSOR && v.kind != CJ_TRACED && v.kind != CJ_SMALL) return push_filled(L, S, who, t, &v);
  cjl_share(L, S, lua_touserdata(L, idx));
  cjl_cast(L, S, who, t->dtype);
  cjl_reshape(L, S, who, S->op.broadcast_to, t);
  return 1;
}

static int default_dtype(lua_State *L, int idx) { return lua_type(L, idx) == LUA_TBOOLEAN ? CJ_BOOL : CJ_F64; }

static int full(lua_State *L) {
  static const char who[] = "cj.full";
  cjl_state *S = cjl_self(L);
  cj_type t;
  int dtype = take_dtype(L, who, -1), n = lua_gettop(L);
  if (n == 0) return cjl_argerror(L, who, 1, "size", "sizes", 0);
  if (n == 1) return cjl_argerror(L, who, 2, "value", "a number", 0);
  cjl_readsizes(L, who, dtype < 0 ? default_dtype(L, n) : dtype, 1, n - 1, &t);
  return push_full(L, S, who, &t, n);
}

static int like(lua_State *L, const char *who, int64_t value) {
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, who, "x"), who);
  cj_val v = cjl_int(value);
  t.dtype = (uint8_t)take_dtype(L, who, t.dtype);
  return push_filled(L, S, who, &t, &v);
}

static int zeros_like(lua_State *L) { return like(L, "cj.zeros_like", 0); }
static int ones_like(lua_State *L) { return like(L, "cj.ones_like", 1); }

static int full_like(lua_State *L) {
  static const char who[] = "cj.full_like";
  cjl_state *S = cjl_self(L);
  cj_type t = cjl_typeof(L, S, cjl_check(L, S, 1, who, "x"), who);
  t.dtype = (uint8_t)take_dtype(L, who, t.dtype);
  return push_full(L, S, who, &t, 2);
}

/* --- sequences ----------------------------------------------------------------------------- */

static void store(char *data, int dtype, int64_t i, double v) {
  cj_val num = cjl_num(v);
  (void)cjl_element(&num, dtype, data + (size_t)i * cj_dtype_size((cj_dtype)dtype));
}

static int eye(lua_State *L) {
  static const char who[] = "cj.eye";
  cjl_state *S = cjl_self(L);
  cj_type t;
  int dtype = take_dtype(L, who, CJ_F64);
  int64_t n = cjl_checkint(L, 1, who, "n"), m = lua_isnoneornil(L, 2) ? n : cjl_checkint(L, 2, who, "m");
  make_type(L, who, dtype, 2, (int64_t[]){n, m}, &t);
  char *out = cjl_new(L, S, &t, who);
  for (int64_t i = 0; i < n && i < m; i++) store(out, dtype, i * m + i, 1);
  return 1;
}

/* a, a + step, ...: n of them. */
static int push_steps(lua_State *L, cjl_state *S, const char *who, int dtype, double a, double step, double n) {
  cj_type t;
  if (!(n < 0x1p53)) return cjl_error(L, "%s: too many elements", who);
  make_type(L, who, dtype, 1, (int64_t[]){n > 0 ? (int64_t)n : 0}, &t);
  char *out = cjl_new(L, S, &t, who);
  for (int64_t i = 0; i < t.dim[0]; i++) store(out, dtype, i, a + (double)i * step);
  return 1;
}

/* inclusive: to the last step that is not beyond b. */
static int steps(lua_State *L, const char *who, bool inclusive) {
  cjl_state *S = cjl_self(L);
  int dtype = take_dtype(L, who, CJ_F64);
  bool single = !inclusive && lua_isnoneornil(L, 2);
  double a = single ? 0 : cjl_checknum(L, 1, who, "first"), b = cjl_checknum(L, single ? 1 : 2, who, "last");
  double step = lua_isnoneornil(L, 3) ? 1 : cjl_checknum(L, 3, who, "step"), count = (b - a) / step;
  if (step == 0) return cjl_error(L, "%s: argument 3 (step): must not be 0", who);
  if (!isfinite(count)) return cjl_error(L, "%s: the numbers must be finite", who);
  return push_steps(L, S, who, dtype, a, step, inclusive ? floor(count) + 1 : ceil(count));
}

static int range(lua_State *L) { return steps(L, "cj.range", true); }
static int arange(lua_State *L) { return steps(L, "cj.arange", false); }

/* n numbers from a to b; base > 0: the powers of base to them. */
static int spaced(lua_State *L, const char *who, bool log) {
  cjl_state *S = cjl_self(L);
  cj_type t;
  int dtype = take_dtype(L, who, CJ_F64);
  double a = cjl_checknum(L, 1, who, "first"), b = cjl_checknum(L, 2, who, "last");
  double base = log && !lua_isnoneornil(L, 4) ? cjl_checknum(L, 4, who, "base") : 10;
  int64_t n = cjl_checkint(L, 3, who, "n");
  make_type(L, who, dtype, 1, &n, &t);
  char *out = cjl_new(L, S, &t, who);
  double step = n > 1 ? (b - a) / (double)(n - 1) : 0;
  for (int64_t i = 0; i < n; i++) { /* from both ends, so that both are exact */
    double v = i < (n + 1) / 2 ? a + (double)i * step : b - (double)(n - 1 - i) * step;
    store(out, dtype, i, log ? pow(base, v) : v);
  }
  return 1;
}

static int linspace(lua_State *L) { return spaced(L, "cj.linspace", false); }
static int logspace(lua_State *L) { return spaced(L, "cj.logspace", true); }

void cjl_open_create(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"zeros", zeros},       {"ones", ones},         {"full", full},
                                      {"eye", eye},           {"range", range},       {"arange", arange},
                                      {"linspace", linspace}, {"logspace", logspace}, {NULL, NULL}};
  static const cjl_reg both[] = {
      {"zeros_like", zeros_like}, {"ones_like", ones_like}, {"full_like", full_like}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
  cjl_register(L, both, true);
}
