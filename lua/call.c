/*
** call.c -- protected calls of the interpreter.  A signal handler cannot be given an argument, so
** what it needs is the one piece of static data of the program.
*/
#include "call.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static lua_State *running;
static volatile int cancel;

const volatile int *cjac_call_flag(void) { return &cancel; }

static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  cancel = 0;
  luaL_error(L, "interrupted!");
}

/* Lua code sees the hook, long kernels see the flag. */
static void on_interrupt(int sig) {
  (void)sig;
  cancel = 1;
  lua_sethook(running, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static int traceback(lua_State *L) {
  const char *msg = lua_tostring(L, 1);
  if (!msg) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    msg = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, msg, 1);
  return 1;
}

int cjac_call(lua_State *L, int nargs, int nresults) {
  int base = lua_gettop(L) - nargs;
  lua_pushcfunction(L, traceback);
  lua_insert(L, base);
  struct sigaction on, before;
  memset(&on, 0, sizeof on);
  on.sa_handler = on_interrupt;
  on.sa_flags = (int)SA_RESETHAND;
  sigemptyset(&on.sa_mask);
  running = L;
  sigaction(SIGINT, &on, &before);
  int status = lua_pcall(L, nargs, nresults, base);
  sigaction(SIGINT, &before, NULL);
  if (cancel) { /* the core saw it first */
    cancel = 0;
    lua_sethook(L, NULL, 0, 0);
  }
  lua_remove(L, base);
  return status;
}

int cjac_report(lua_State *L, int status, const char *program) {
  if (status != LUA_OK) {
    const char *msg = lua_tostring(L, -1);
    fflush(stdout);
    if (program) fprintf(stderr, "%s: ", program);
    fprintf(stderr, "%s\n", msg ? msg : "(error message is not a string)");
    fflush(stderr);
    lua_pop(L, 1);
  }
  return status;
}
