/* state.h -- the Lua state of a program: one whose small blocks come from lists, one for each size. */
#ifndef cjac_state_h
#define cjac_state_h

#include <lua.h>

/* As luaL_newstate: with a panic function and warnings, which are off.  NULL: not enough memory. */
lua_State *cjac_newstate(void);

#endif
