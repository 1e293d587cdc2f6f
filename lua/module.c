/* module.c -- luaopen_cjac: the state of the binding, the metatables of handles, the module table. */
#include "cjac_lua.h"
#include "value.h"

#include <math.h>
#include <string.h>

/* --- the state, one per lua_State ----------------------------------------------------- */

static const char state_key; /* its address is the key in the registry */

/* Objects that were marked for finalization after the state are gone by now; older ones may still call us. */
static int state_gc(lua_State *L) {
  cjl_state *S = lua_touserdata(L, 1);
  cj_ctx *c = S->ctx;
  S->ctx = NULL;
  cj_ctx_release(c);
  return 0;
}

static cjl_state *new_state(lua_State *L) {
  cj_config cfg = {.size = sizeof cfg};
  cjl_state *S = lua_newuserdatauv(L, sizeof *S, CJL_NUV);
  memset(S, 0, sizeof *S);
  for (int d = 0; d < CJ_NDTYPE; d++) S->scalar[d].dtype = (uint8_t)d;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, state_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  cfg.alloc = lua_getallocf(L, &cfg.alloc_ud);
  if (cj_ctx_new(&cfg, &S->ctx) != CJ_OK) luaL_error(L, "not enough memory");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  return S;
}

/* Pushes the state, which is made when first asked for. */
static cjl_state *push_state(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) != LUA_TNIL) return lua_touserdata(L, -1);
  lua_pop(L, 1);
  return new_state(L);
}

void cjac_set_cancel(lua_State *L, const volatile int *flag) {
  cj_ctx_cancel(push_state(L)->ctx, flag);
  lua_pop(L, 1);
}

/* --- handles ---------------------------------------------------------------------------- */

/* Also of handles that are closed, and while the lua_State is being closed. */
static int handle_gc(lua_State *L) {
  cjl_state *S = lua_touserdata(L, lua_upvalueindex(1));
  cjl_tensor *h = cjl_test(L, S, 1);
  if (h) cj_val_release(&h->v);
  return 0;
}

static const void *new_metatable(lua_State *L, int which) {
  lua_createtable(L, 0, 32);
  const void *identity = lua_topointer(L, -1);
  lua_pushliteral(L, CJL_TENSOR);
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, CJL_TENSOR);
  lua_setfield(L, -2, "__metatable");
  cjl_pushuser(L, CJL_METHODS);
  lua_setfield(L, -2, "__methods"); /* for the completion of names at the prompt */
  cjl_pushfunction(L, handle_gc, 0);
  if (which == CJL_META) {
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__gc");
  }
  lua_setfield(L, -2, "__close");
  lua_setiuservalue(L, lua_upvalueindex(1), which);
  return identity;
}

/* --- the module ----------------------------------------------------------------------------- */

/* For tests: cj._fuse(n): the n-th allocation of the core from now fails, and all after it; n < 0: none. */
static int set_fuse(lua_State *L) {
  cj_ctx_fuse(cjl_self(L)->ctx, cjl_checkint(L, 1, "cj._fuse", "n"));
  return 0;
}

/* For tests: bytes and blocks that the core holds now, the most bytes it held, and bytes of machine code. */
static int live(lua_State *L) {
  cj_memstat m;
  cj_ctx_mem(cjl_self(L)->ctx, &m);
  lua_pushinteger(L, (lua_Integer)m.live);
  lua_pushinteger(L, (lua_Integer)m.blocks);
  lua_pushinteger(L, (lua_Integer)m.peak);
  lua_pushinteger(L, (lua_Integer)m.code);
  return 4;
}

/* For tests: forgets cached plans and spare memory. */
static int trim(lua_State *L) {
  cj_ctx_trim(cjl_self(L)->ctx);
  return 0;
}

static void add_constants(lua_State *L) {
  int v = cj_version();
  lua_pushfstring(L, "%d.%d.%d", v / 10000, v / 100 % 100, v % 100);
  lua_setfield(L, -2, "version");
  lua_pushnumber(L, (lua_Number)INFINITY);
  lua_setfield(L, -2, "inf");
  lua_pushnumber(L, (lua_Number)NAN);
  lua_setfield(L, -2, "nan");
  lua_pushnumber(L, 3.14159265358979323846);
  lua_setfield(L, -2, "pi");
}

/* Upvalue: the state.  A second luaopen gives the same module. */
static int load(lua_State *L) {
  static const cjl_reg hooks[] = {{"_fuse", set_fuse}, {"_live", live}, {"_trim", trim}, {NULL, NULL}};
  static void (*const parts[])(lua_State *, cjl_state *) = {
      cjl_open_ops,    cjl_open_create,  cjl_open_literal, cjl_open_random,   cjl_open_convert,
      cjl_open_print,  cjl_open_index,   cjl_open_assign,  cjl_open_autodiff, cjl_open_linearize,
      cjl_open_vmap,   cjl_open_tape,    cjl_open_check,   cjl_open_sparse,   cjl_open_control,
      cjl_open_custom, cjl_open_scripts, cjl_open_compile, cjl_open_config};
  cjl_state *S = cjl_self(L);
  cjl_pushuser(L, CJL_MODULE);
  if (!lua_isnil(L, -1)) return 1;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_METHODS);
  S->meta = new_metatable(L, CJL_META);
  S->plain = new_metatable(L, CJL_PLAIN);
  lua_newtable(L);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) parts[i](L, S);
  cjl_register(L, hooks, false);
  add_constants(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_MODULE);
  return 1;
}

int luaopen_cjac(lua_State *L) {
  luaL_checkversion(L);
  cjac_preload(L);
  (void)push_state(L);
  lua_pushcclosure(L, load, 1);
  lua_call(L, 0, 1);
  return 1;
}
