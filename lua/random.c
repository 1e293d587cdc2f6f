/* random.c -- random tensors: counter-based streams, the same numbers everywhere. */
#include "value.h"

#define GENERATOR "cjac.generator"

static cjl_stream *test_stream(lua_State *L, int idx) { return luaL_testudata(L, idx, GENERATOR); }

/* Takes the options off the top: {dtype=, generator=}. */
static cjl_stream *take_options(lua_State *L, cjl_state *S, const char *who, int *dtype) {
  static const char *const names[] = {"dtype", "generator", NULL};
  int top = lua_gettop(L);
  cjl_stream *stream = &S->stream;
  if (!top || !cjl_isoptions(L, top)) return stream;
  cjl_checkoptions(L, top, who, names);
  if (lua_getfield(L, top, "dtype") != LUA_TNIL) {
    *dtype = lua_type(L, -1) == LUA_TSTRING ? cjl_dtype(lua_tostring(L, -1)) : -1;
    if (*dtype < 0) cjl_argerror(L, who, 0, "dtype", "a dtype", -1);
  }
  if (lua_getfield(L, top, "generator") != LUA_TNIL && !(stream = test_stream(L, -1)))
    cjl_argerror(L, who, 0, "generator", "a generator", -1);
  lua_remove(L, top);
  lua_remove(L, top); /* the generator stays on the stack, out of the way of the arguments */
  return stream;
}

static int push_random(lua_State *L, cjl_state *S, const char *who, const cj_type *t, cj_dist d, cjl_stream *stream,
                       int64_t lo, int64_t hi) {
  cj_tensor *x = NULL;
  cjl_tensor *box = cjl_box(L);
  CJL_TRY(L, S, who, cj_random(S->ctx, t, d, stream->seed, &stream->offset, lo, hi, &x));
  box->v = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
  cjl_seal(L, S, box);
  return 1;
}

static int floats(lua_State *L, const char *who, cj_dist d) {
  cjl_state *S = cjl_self(L);
  cj_type t;
  int dtype = CJ_F64, top = lua_gettop(L), n = top && cjl_isoptions(L, top) ? top - 1 : top;
  cjl_stream *stream = take_options(L, S, who, &dtype);
  cjl_readsizes(L, who, dtype, 1, n, &t);
  return push_random(L, S, who, &t, d, stream, 0, 0);
}

static int uniform(lua_State *L) { return floats(L, "cj.rand", CJ_UNIFORM); }
static int normal(lua_State *L) { return floats(L, "cj.randn", CJ_NORMAL); }

/* cj.randint([lo,] hi, size): lo <= result < hi, lo is 0 if not given. */
static int integers(lua_State *L) {
  static const char who[] = "cj.randint";
  cjl_state *S = cjl_self(L);
  cj_type t;
  int dtype = CJ_I64, top = lua_gettop(L), n = top && cjl_isoptions(L, top) ? top - 1 : top;
  cjl_stream *stream = take_options(L, S, who, &dtype);
  bool single = n == 2 && lua_type(L, 2) == LUA_TTABLE;
  int64_t lo = single ? 0 : cjl_checkint(L, 1, who, "lo"), hi = cjl_checkint(L, single ? 1 : 2, who, "hi");
  if (lo >= hi) return cjl_error(L, "%s: no integer from %I to below %I", who, (LUAI_UACINT)lo, (LUAI_UACINT)hi);
  cjl_readsizes(L, who, CJ_I64, single ? 2 : 3, n, &t);
  push_random(L, S, who, &t, CJ_INTEGERS, stream, lo, hi);
  cjl_cast(L, S, who, dtype);
  return 1;
}

/* cj.randperm(n): the numbers 1 .. n. */
static int permutation(lua_State *L) {
  static const char who[] = "cj.randperm";
  cjl_state *S = cjl_self(L);
  cj_type t;
  int dtype = CJ_I64;
  int64_t n = cjl_checkint(L, 1, who, "n");
  cjl_stream *stream = take_options(L, S, who, &dtype);
  lua_pushinteger(L, n);
  cjl_readsizes(L, who, CJ_I64, lua_gettop(L), lua_gettop(L), &t);
  push_random(L, S, who, &t, CJ_PERMUTATION, stream, 0, 0);
  cj_val in[2] = {((cjl_tensor *)lua_touserdata(L, -1))->v, cjl_int(1)};
  cjl_apply(L, S, who, S->op.add, in, 2, NULL, 0);
  cjl_cast(L, S, who, dtype);
  return 1;
}

static int manual_seed(lua_State *L) {
  cjl_state *S = cjl_self(L);
  S->stream = (cjl_stream){(uint64_t)cjl_checkint(L, 1, "cj.manual_seed", "seed"), 0};
  return 0;
}

static int generator(lua_State *L) {
  (void)cjl_self(L);
  uint64_t seed = lua_isnoneornil(L, 1) ? 0 : (uint64_t)cjl_checkint(L, 1, "cj.generator", "seed");
  cjl_stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
  *stream = (cjl_stream){seed, 0};
  luaL_newmetatable(L, GENERATOR);
  lua_setmetatable(L, -2);
  return 1;
}

void cjl_open_random(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"rand", uniform},
                                      {"randn", normal},
                                      {"randint", integers},
                                      {"randperm", permutation},
                                      {"generator", generator},
                                      {"manual_seed", manual_seed},
                                      {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
