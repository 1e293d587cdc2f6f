/* call.h -- protected calls of the interpreter: a traceback on errors, and Ctrl-C stops them. */
#ifndef cjac_call_h
#define cjac_call_h

#include <lua.h>

/* Where the core looks whether to stop. */
const volatile int *cjac_call_flag(void);

/* lua_pcall with a traceback; SIGINT raises an error in it, a second SIGINT ends the process. */
int cjac_call(lua_State *L, int nargs, int nresults);

/* Writes and pops the error message if status is one; returns status. */
int cjac_report(lua_State *L, int status, const char *program);

#endif
