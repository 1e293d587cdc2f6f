/*
** scripts.c -- parts of the module that are written in Lua: each is a function that receives the module and
** the table of methods and puts its own functions into them.
*/
#include "value.h"

void cjl_pushscript(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE); /* a host may have no global require */
  lua_getfield(L, -1, name);
  lua_pushstring(L, name);
  lua_pushliteral(L, ":preload:");
  lua_call(L, 2, 1);
  lua_remove(L, -2);
}

void cjl_open_scripts(lua_State *L, cjl_state *S) {
  static const char *const names[] = {"cjac.operator", "cjac.sizes", "cjac.extra", "cjac.names", "cjac.root"};
  (void)S;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    cjl_pushscript(L, names[i]);
    lua_pushvalue(L, -2);
    cjl_pushuser(L, CJL_METHODS);
    lua_call(L, 2, 0);
  }
}
