/* prompt.h -- the interactive prompt. */
#ifndef cjac_prompt_h
#define cjac_prompt_h

#include <lua.h>

/* Reads, runs and prints until the end of input.  The module is the global cj there. */
void cjac_prompt(lua_State *L);

#endif
