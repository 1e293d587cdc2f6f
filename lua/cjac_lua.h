/*
** cjac_lua.h -- what a host of Lua gets from this folder.
*/
#ifndef cjac_lua_h
#define cjac_lua_h

#include <lua.h>

/* The module: a lua_CFunction for luaL_requiref or package.preload. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int luaopen_cjac(lua_State *L);

/* Puts the Lua modules that are built in (lua/cjac/NAME.lua as "cjac.NAME") into package.preload,
** where nothing is there yet.  luaopen_cjac calls it. */
void cjac_preload(lua_State *L);

/* Long computations of this state's context raise "interrupted" soon after *flag becomes nonzero;
** NULL: never.  Opens the module if need be. */
void cjac_set_cancel(lua_State *L, const volatile int *flag);

#endif
