/* preload.c -- the modules written in Lua, carried inside the binary. */
#include <lauxlib.h>

#include "cjac_lua.h"
#include "preload.h"

static int load_module(lua_State *L) {
  const cjac_chunk *m = lua_touserdata(L, lua_upvalueindex(1));
  if (luaL_loadbufferx(L, m->text, m->size, m->source, "t") != LUA_OK) return lua_error(L);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  return 1;
}

void cjac_preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const cjac_chunk *m = cjac_chunks; m->name; m++) {
    if (lua_getfield(L, -1, m->name) == LUA_TNIL) {
      lua_pushlightuserdata(L, (void *)m);
      lua_pushcclosure(L, load_module, 1);
      lua_setfield(L, -3, m->name);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}
