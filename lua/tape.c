/*
** tape.c -- derivatives for code that is not a function: local t = cj.tape(); local x = t:watch(x0); ...;
** t:gradient(y, x).  The tape is a trace that stays open until the tape is closed or collected.
*/
#include "tracing.h"

#define TAPE "cjac.tape"

static uint32_t *check_tape(lua_State *L, const char *who) {
  uint32_t *trace = luaL_testudata(L, 1, TAPE);
  if (!trace) cjl_argerror(L, who, 1, "t", "a tape", 1);
  if (!*trace) cjl_error(L, "%s: the tape is closed", who);
  return trace;
}

static int close_tape(lua_State *L) {
  cjl_state *S = lua_touserdata(L, lua_upvalueindex(1));
  uint32_t *trace = luaL_testudata(L, 1, TAPE);
  if (!trace || !*trace) return 0;
  if (S->ctx) cj_trace_abandon(S->ctx, *trace);
  *trace = 0;
  return 0;
}

/* t:watch(x): x, or a table of tensors, as variables of the tape. */
static int watch(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const uint32_t *trace = check_tape(L, "tape:watch");
  lua_settop(L, 2);
  cjl_structure(L, S, 2, "tape:watch", "argument 2 (x)");
  cjl_pushinputs(L, S, "tape:watch", *trace, 3);
  return 1;
}

static bool read_options(lua_State *L, const char *who, int opts) {
  static const char *const names[] = {"create_graph", NULL};
  if (lua_isnoneornil(L, opts)) return false;
  if (lua_type(L, opts) != LUA_TTABLE) cjl_argerror(L, who, opts, "options", "a table", opts);
  cjl_checkoptions(L, opts, who, names);
  if (lua_getfield(L, opts, "create_graph") != LUA_TNIL && !lua_isboolean(L, -1))
    cjl_argerror(L, who, 0, "create_graph", "a boolean", -1);
  bool graph = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return graph;
}

/* (t, y, x[, options]) */
static int derive(lua_State *L, const char *who, cj_want want) {
  cjl_state *S = cjl_self(L);
  uint32_t trace = *check_tape(L, who);
  cj_request rq = {.size = sizeof rq, .want = want};
  cj_val few[3][CJL_FEW];
  cjl_tensor *fewslots[CJL_FEW];
  lua_settop(L, 4);
  luaL_checkstack(L, 24, NULL);
  rq.detach = !read_options(L, who, 4); /* off the tape: numbers, or values of an outer function */
  cjl_structure(L, S, 2, who, "argument 2 (y)");
  cjl_structure(L, S, 3, who, "argument 3 (x)");
  int ny = cjl_leaves(L, 5), nx = cjl_leaves(L, 6), n = want == CJ_VJP ? nx : nx * ny, got = 0;
  if (nx == 0 || ny == 0) return cjl_error(L, "%s: a table without tensors", who);
  if ((int64_t)nx * ny > 1 << 24) return cjl_error(L, "%s: too many tensors", who);
  cj_val *y = cjl_room(L, few[0], ny), *x = cjl_room(L, few[1], nx), *out = cjl_room(L, few[2], n);
  cjl_slots slots = {.slot = cjl_slotroom(L, fewslots, n), .inner = want == CJ_VJP ? 0 : 6};
  cjl_buildslots(L, want == CJ_VJP ? 6 : 5, &slots);
  (void)cjl_values(L, 5, y);
  (void)cjl_values(L, 6, x);
  cj_status s = cj_tape_derive(S->ctx, trace, y, ny, x, nx, &rq, NULL, 0, out, n, &got);
  if (s != CJ_OK) return cjl_raise(L, S, s, who);
  cjl_fillslots(L, S, &slots, out);
  return 1;
}

static int gradient(lua_State *L) { return derive(L, "tape:gradient", CJ_VJP); }
static int jacobian(lua_State *L) { return derive(L, "tape:jacobian", CJ_JACOBIAN); }

static void push_metatable(lua_State *L) {
  static const cjl_reg methods[] = {
      {"watch", watch}, {"gradient", gradient}, {"jacobian", jacobian}, {"close", close_tape}, {NULL, NULL}};
  if (luaL_getmetatable(L, TAPE) != LUA_TNIL) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 4); /* registered when it is complete */
  lua_pushliteral(L, TAPE);
  lua_setfield(L, -2, "__name");
  cjl_pushfunction(L, close_tape, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_newtable(L);
  cjl_register(L, methods, false);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, TAPE);
}

static int tape(lua_State *L) {
  cjl_state *S = cjl_self(L);
  uint32_t *trace = lua_newuserdatauv(L, sizeof *trace, 0);
  *trace = 0;
  push_metatable(L);
  lua_setmetatable(L, -2);
  CJL_TRY(L, S, "cj.tape", cj_trace_open(S->ctx, trace));
  return 1;
}

void cjl_open_tape(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"tape", tape}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
