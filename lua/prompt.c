/*
** prompt.c -- read a chunk, run it, print what it gives.  What is an expression is one: no "=" or
** "return" is needed.  A chunk that could go on asks for another line.
*/
#include "prompt.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "line.h"

static const char *prompt_text(lua_State *L, bool first) {
  const char *s = NULL;
  if (lua_getglobal(L, first ? "_PROMPT" : "_PROMPT2") != LUA_TNIL) s = luaL_tolstring(L, -1, NULL);
  return s ? s : first ? "> " : ">> ";
}

/* Pushes the line on top of what is there; the prompt's text stays alive while it is shown. */
static cjac_input read_line(cjac_line *r, lua_State *L, bool first) {
  int top = lua_gettop(L);
  cjac_input got = cjac_line_read(r, L, prompt_text(L, first));
  if (got == CJAC_LINE) lua_replace(L, top + 1);
  lua_settop(L, got == CJAC_LINE ? top + 1 : top);
  return got;
}

static bool incomplete(lua_State *L, int status) {
  static const char mark[] = "<eof>";
  if (status != LUA_ERRSYNTAX) return false;
  size_t n;
  const char *msg = lua_tolstring(L, -1, &n);
  return n >= sizeof mark - 1 && strcmp(msg + n - (sizeof mark - 1), mark) == 0;
}

static int load_text(lua_State *L, const char *s) { return luaL_loadbufferx(L, s, strlen(s), "=stdin", "t"); }

/* The text on top as an expression: pushes the function or the message. */
static int load_expression(lua_State *L) {
  const char *s = lua_tostring(L, -1);
  const char *text = lua_pushfstring(L, "return %s", s[0] == '=' ? s + 1 : s);
  int status = load_text(L, text);
  lua_remove(L, -2);
  return status;
}

/* The text on top as an expression, else as a chunk: pushes the function or the message.  True if
** more lines could make sense of it. */
static bool load_either(lua_State *L, int *status) {
  *status = load_expression(L);
  if (*status == LUA_OK) return false;
  bool more = incomplete(L, *status);
  lua_pop(L, 1);
  *status = load_text(L, lua_tostring(L, -1));
  return *status != LUA_OK && (more || incomplete(L, *status));
}

/* The text on top, and further lines, as a chunk: replaces it by the function or the message. */
static cjac_input load_chunk(cjac_line *r, lua_State *L, int *status) {
  cjac_input got = CJAC_LINE;
  while (load_either(L, status) && (got = read_line(r, L, false)) == CJAC_LINE) {
    lua_remove(L, -2); /* the message */
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
  lua_remove(L, -2);
  return got;
}

static void print_results(lua_State *L, int base) {
  int n = lua_gettop(L) - base;
  if (n == 0) return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, base + 1);
  cjac_report(L, cjac_call(L, n, 0), NULL);
}

static void use_module(lua_State *L) {
  if (lua_getglobal(L, "cj") == LUA_TNIL) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cjac");
    int status = cjac_call(L, 1, 1);
    if (cjac_report(L, status, NULL) == LUA_OK) lua_setglobal(L, "cj");
  }
  lua_pop(L, 1);
}

void cjac_prompt(lua_State *L) {
  use_module(L);
  cjac_line *r = cjac_line_new(L);
  int base = lua_gettop(L);
  for (;;) {
    int status = LUA_OK;
    lua_settop(L, base);
    cjac_input got = read_line(r, L, true);
    if (got == CJAC_LINE) got = load_chunk(r, L, &status);
    if (got == CJAC_CANCELLED) continue;
    if (got == CJAC_END && lua_gettop(L) == base) break;
    if (status == LUA_OK) status = cjac_call(L, 0, LUA_MULTRET);
    if (cjac_report(L, status, NULL) == LUA_OK) print_results(L, base);
    if (got == CJAC_END) break;
  }
  lua_settop(L, base - 1);
  fputc('\n', stdout);
  fflush(stdout);
}
