/*
** main.c -- the interpreter: Lua with cjac built in.  Options, environment variables, the table arg
** and exit codes are those of the stock program.
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "cjac.h"
#include "cjac_lua.h"
#include "prompt.h"
#include "state.h"

typedef struct options {
  char **argv;
  int argc, script;                       /* argv[script] is the script; argc: there is none */
  bool prompt, version, ran, noenv, warn; /* ran: there was a -e */
} options;

static void usage(const char *program, const char *bad) {
  fprintf(stderr, "%s: ", program);
  if (bad[1] == 'e' || bad[1] == 'l')
    fprintf(stderr, "'%s' needs argument\n", bad);
  else
    fprintf(stderr, "unrecognized option '%s'\n", bad);
  fprintf(stderr,
          "usage: %s [options] [script [args]]\n"
          "Available options are:\n"
          "  -e stat   execute string 'stat'\n"
          "  -i        enter interactive mode after executing 'script'\n"
          "  -l mod    require library 'mod' into global 'mod'\n"
          "  -l g=mod  require library 'mod' into global 'g'\n"
          "  -v        show version information\n"
          "  -E        ignore environment variables\n"
          "  -W        turn warnings on\n"
          "  --        stop handling options\n"
          "  -         stop handling options and execute stdin\n",
          program);
}

static void print_version(void) {
  int v = cj_version();
  printf("cjac %d.%d.%d (Lua %s.%s)\n", v / 10000, v / 100 % 100, v % 100, LUA_VERSION_MAJOR "." LUA_VERSION_MINOR,
         LUA_VERSION_RELEASE);
  fflush(stdout);
}

/* --- options ------------------------------------------------------------ */

/* Looks at argv[*i] and steps over it.  Its letter, with *value for -e and -l; 0 where the options
** end; '?' for a bad one, at which *i stays. */
static int next_option(char **argv, int *i, const char **value) {
  const char *a = argv[*i];
  if (!a || a[0] != '-' || !a[1]) return 0;
  if (a[1] == '-') {
    if (a[2]) return '?';
    ++*i;
    return 0;
  }
  if (a[1] == 'e' || a[1] == 'l') {
    *value = a[2] ? a + 2 : argv[*i + 1];
    if (!*value || (!a[2] && **value == '-' && a[1] == 'e' && !(*value)[1])) return '?';
    *i += a[2] ? 1 : 2;
    return a[1];
  }
  if (a[2] || !strchr("ivEW", a[1])) return '?';
  ++*i;
  return a[1];
}

/* False: argv[o->script] is a bad option. */
static bool read_options(options *o, int argc, char **argv) {
  const char *value;
  int i = argc > 0, letter;
  *o = (options){.argv = argv, .argc = argc};
  while ((letter = next_option(argv, &i, &value)) != 0) {
    switch (letter) {
    case '?': o->script = i; return false;
    case 'e': o->ran = true; break;
    case 'i': o->prompt = o->version = true; break;
    case 'v': o->version = true; break;
    case 'E': o->noenv = true; break;
    case 'W': o->warn = true; break;
    default: break;
    }
  }
  o->script = i;
  return true;
}

/* --- running ------------------------------------------------------------ */

static int run_chunk(lua_State *L, int status, const char *program) {
  if (status == LUA_OK) status = cjac_call(L, 0, 0);
  return cjac_report(L, status, program);
}

static int run_string(lua_State *L, const char *s, const char *name, const char *program) {
  return run_chunk(L, luaL_loadbuffer(L, s, strlen(s), name), program);
}

/* -l mod, -l g=mod; a version suffix (mod-2) is no part of the global's name. */
static int run_library(lua_State *L, const char *arg, const char *program) {
  const char *eq = strchr(arg, '='), *mod = eq ? eq + 1 : arg;
  size_t n = eq ? (size_t)(eq - arg) : strcspn(arg, "-");
  lua_pushlstring(L, arg, n);
  lua_getglobal(L, "require");
  lua_pushstring(L, mod);
  int status = cjac_call(L, 1, 1);
  if (status == LUA_OK) {
    lua_pushglobaltable(L);
    lua_rotate(L, -3, 1); /* globals, name, module */
    lua_settable(L, -3);
    lua_pop(L, 1);
  } else {
    lua_remove(L, -2);
  }
  return cjac_report(L, status, program);
}

static int run_init(lua_State *L, const char *program) {
  const char *name = "=LUA_INIT_" LUA_VERSION_MAJOR "_" LUA_VERSION_MINOR, *init = getenv(name + 1);
  if (!init) init = getenv((name = "=LUA_INIT") + 1);
  if (!init) return LUA_OK;
  if (init[0] == '@') return run_chunk(L, luaL_loadfile(L, init + 1), program);
  return run_string(L, init, name, program);
}

static int run_options(lua_State *L, const options *o) {
  const char *value = NULL;
  int i = o->argc > 0, letter;
  while ((letter = next_option(o->argv, &i, &value)) != 0) {
    if (letter == 'e' && run_string(L, value, "=(command line)", o->argv[0]) != LUA_OK) return LUA_ERRRUN;
    if (letter == 'l' && run_library(L, value, o->argv[0]) != LUA_OK) return LUA_ERRRUN;
  }
  return LUA_OK;
}

static int run_script(lua_State *L, const options *o) {
  const char *name = o->argv[o->script];
  bool dash = strcmp(name, "-") == 0 && strcmp(o->argv[o->script - 1], "--") != 0;
  int status = luaL_loadfile(L, dash ? NULL : name);
  if (status == LUA_OK) {
    int n = o->argc - o->script - 1;
    luaL_checkstack(L, n + 3, "too many arguments to script");
    for (int i = 1; i <= n; i++) lua_pushstring(L, o->argv[o->script + i]);
    status = cjac_call(L, n, 0);
  }
  return cjac_report(L, status, o->argv[0]);
}

static void make_arg(lua_State *L, const options *o) {
  int script = o->script < o->argc ? o->script : 0;
  lua_createtable(L, o->argc - script, script + 1);
  for (int i = 0; i < o->argc; i++) {
    lua_pushstring(L, o->argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static void open_libraries(lua_State *L, const options *o) {
  if (o->noenv) {
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_cjac);
  lua_setfield(L, -2, "cjac");
  lua_pop(L, 1);
  cjac_preload(L);
  cjac_set_cancel(L, cjac_call_flag());
  make_arg(L, o);
  if (o->warn) lua_warning(L, "@on", 0);
}

/* Everything, protected: true if all went well. */
static int protected_main(lua_State *L) {
  const options *o = lua_touserdata(L, 1);
  if (o->version) print_version();
  open_libraries(L, o);
  if (!o->noenv && run_init(L, o->argv[0]) != LUA_OK) return 0;
  if (run_options(L, o) != LUA_OK) return 0;
  if (o->script < o->argc && run_script(L, o) != LUA_OK) return 0;
  bool idle = o->script == o->argc && !o->ran && !o->version; /* nothing was asked for */
  if (o->prompt || (idle && isatty(STDIN_FILENO))) {
    if (!o->version) print_version();
    cjac_prompt(L);
  } else if (idle && run_chunk(L, luaL_loadfile(L, NULL), o->argv[0]) != LUA_OK) {
    return 0;
  }
  lua_pushboolean(L, 1);
  return 1;
}

int main(int argc, char **argv) {
  char *alone[] = {(char *)"cjac", NULL};
  if (argc == 0) argv = alone, argc = 1;
  options o;
  if (!read_options(&o, argc, argv)) {
    usage(argv[0], argv[o.script]);
    return EXIT_FAILURE;
  }
  lua_State *L = cjac_newstate();
  if (!L) {
    fprintf(stderr, "%s: cannot create state: not enough memory\n", argv[0]);
    return EXIT_FAILURE;
  }
  lua_pushcfunction(L, protected_main);
  lua_pushlightuserdata(L, &o);
  int status = lua_pcall(L, 1, 1, 0);
  bool good = status == LUA_OK && lua_toboolean(L, -1);
  cjac_report(L, status, argv[0]);
  lua_close(L);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
