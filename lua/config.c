/* config.c -- cj.config: how the core works, without changing what it computes. */
#include "value.h"

/* cj.config{native = false}: sets what is named; returns all settings. */
static int config(lua_State *L) {
  static const char *const names[] = {"native", NULL};
  cjl_state *S = cjl_self(L);
  int on = 0;
  lua_settop(L, 1);
  if (!lua_isnil(L, 1)) {
    if (!cjl_isoptions(L, 1)) return cjl_argerror(L, "cj.config", 1, "settings", "a table of settings", 1);
    cjl_checkoptions(L, 1, "cj.config", names);
    int type = lua_getfield(L, 1, "native");
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
      return cjl_error(L, "cj.config: option 'native': expected true or false, got %s", cjl_describe(L, -1));
    if (type == LUA_TBOOLEAN) on = lua_toboolean(L, -1) ? 1 : -1;
  }
  lua_createtable(L, 0, 1);
  lua_pushboolean(L, cj_ctx_native(S->ctx, on));
  lua_setfield(L, -2, "native");
  return 1;
}

void cjl_open_config(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"config", config}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
