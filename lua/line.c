/*
** line.c -- reading lines: with libedit on a terminal, with stdio elsewhere.  In the editor Ctrl-C is
** a key and not a signal, so nothing has to be unwound from a handler.
*/
#include "line.h"

#include <histedit.h>
#include <lauxlib.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_SIZE 1000

struct cjac_line {
  EditLine *el; /* NULL: no terminal */
  History *history;
  lua_State *L; /* of the read in progress */
  const char *prompt;
  char *file; /* of the history; NULL: none.  Lives in the userdata's user value */
  bool cancelled;
};

/* --- keys ------------------------------------------------------------------ */

static cjac_line *reader_of(EditLine *el) {
  void *r = NULL;
  el_get(el, EL_CLIENTDATA, &r);
  return r;
}

static char *show_prompt(EditLine *el) { return (char *)reader_of(el)->prompt; }

static unsigned char key_cancel(EditLine *el, int ch) {
  (void)ch;
  reader_of(el)->cancelled = true;
  fputs("^C", stdout);
  return CC_NEWLINE;
}

/* Ctrl-D: deletes, or ends the input on an empty line. */
static unsigned char key_end(EditLine *el, int ch) {
  (void)ch;
  const LineInfo *li = el_line(el);
  if (li->lastchar == li->buffer) return CC_EOF;
  if (li->cursor == li->lastchar) return CC_ERROR;
  el_deletestr1(el, (int)(li->cursor - li->buffer), (int)(li->cursor - li->buffer) + 1);
  return CC_REFRESH;
}

static void show_names(lua_State *L, lua_Integer n) {
  putchar('\n');
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    const char *s = lua_tostring(L, -1);
    printf("%s%s", s ? s : "", i % 6 == 0 || i == n ? "\n" : "  ");
    lua_pop(L, 1);
  }
  fflush(stdout);
}

/* Stack: the text to insert, the names to choose from. */
static unsigned char use_completion(EditLine *el, lua_State *L) {
  size_t n = 0;
  const char *more = lua_tolstring(L, -2, &n);
  if (n > 0 && el_insertstr(el, more) == 0) return CC_REFRESH;
  lua_Integer names = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
  if (names < 2) return CC_ERROR;
  show_names(L, names);
  return CC_REDISPLAY;
}

/* Tab: asks cjac.complete, a Lua module, which cannot break the prompt. */
static unsigned char key_complete(EditLine *el, int ch) {
  (void)ch;
  const LineInfo *li = el_line(el);
  lua_State *L = reader_of(el)->L;
  int top = lua_gettop(L);
  unsigned char result = CC_ERROR;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjac.complete");
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) {
    lua_pushlstring(L, li->buffer, (size_t)(li->cursor - li->buffer));
    if (lua_pcall(L, 1, 2, 0) == LUA_OK) result = use_completion(el, L);
  }
  lua_settop(L, top);
  return result;
}

/* --- the reader ------------------------------------------------------------ */

static int line_gc(lua_State *L) {
  cjac_line *r = lua_touserdata(L, 1);
  if (r->el) el_end(r->el);
  if (r->history) history_end(r->history);
  r->el = NULL;
  r->history = NULL;
  return 0;
}

/* Pushes the file's name, or nil. */
static void push_history_file(lua_State *L) {
  const char *file = getenv("CJAC_HISTORY"), *home = getenv("HOME");
  if (file && *file)
    lua_pushstring(L, file);
  else if (!file && home && *home)
    lua_pushfstring(L, "%s/.cjac_history", home);
  else
    lua_pushnil(L);
}

static void open_history(cjac_line *r) {
  HistEvent ev;
  r->history = history_init();
  if (!r->history) return;
  history(r->history, &ev, H_SETSIZE, HISTORY_SIZE);
  history(r->history, &ev, H_SETUNIQUE, 1);
  if (r->file) history(r->history, &ev, H_LOAD, r->file);
  el_set(r->el, EL_HIST, history, r->history);
}

static void open_editor(cjac_line *r) {
  setlocale(LC_CTYPE, ""); /* the person's letters; numbers keep their point */
  r->el = el_init("cjac", stdin, stdout, stderr);
  if (!r->el) return;
  el_set(r->el, EL_CLIENTDATA, r);
  el_set(r->el, EL_PROMPT, show_prompt);
  el_set(r->el, EL_EDITOR, "emacs");
  el_set(r->el, EL_SIGNAL, 1);
  el_set(r->el, EL_ADDFN, "cjac-complete", "complete a name", key_complete);
  el_set(r->el, EL_ADDFN, "cjac-cancel", "give up this input", key_cancel);
  el_set(r->el, EL_ADDFN, "cjac-end", "delete, or end the input", key_end);
  el_set(r->el, EL_BIND, "^I", "cjac-complete", NULL);
  el_set(r->el, EL_BIND, "^C", "cjac-cancel", NULL);
  el_set(r->el, EL_BIND, "^D", "cjac-end", NULL);
  el_set(r->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
  el_set(r->el, EL_SETTY, "-d", "-intr", "intr=", NULL); /* the mask, and the character now */
  open_history(r);
  el_source(r->el, NULL); /* the person's own bindings */
}

cjac_line *cjac_line_new(lua_State *L) {
  cjac_line *r = lua_newuserdatauv(L, sizeof *r, 1);
  *r = (cjac_line){.el = NULL};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, line_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  push_history_file(L);
  r->file = (char *)lua_tostring(L, -1);
  lua_setiuservalue(L, -2, 1);
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) open_editor(r);
  return r;
}

static cjac_input read_plain(lua_State *L, const char *prompt) {
  fputs(prompt, stdout);
  fflush(stdout);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  int ch = getchar();
  bool any = ch != EOF;
  for (; ch != EOF && ch != '\n'; ch = getchar()) luaL_addchar(&b, (char)ch);
  luaL_pushresult(&b);
  if (!any) lua_pop(L, 1);
  return any ? CJAC_LINE : CJAC_END;
}

static void remember(cjac_line *r, const char *line) {
  HistEvent ev;
  if (!r->history || line[0] == '\n' || line[0] == '\0') return;
  history(r->history, &ev, H_ENTER, line);
  if (r->file) history(r->history, &ev, H_SAVE, r->file); /* now: os.exit may come any time */
}

cjac_input cjac_line_read(cjac_line *r, lua_State *L, const char *prompt) {
  if (!r->el) return read_plain(L, prompt);
  int n = 0;
  r->L = L;
  r->prompt = prompt;
  r->cancelled = false;
  const char *line = el_gets(r->el, &n);
  if (r->cancelled) {
    fputc('\n', stdout);
    el_reset(r->el);
    return CJAC_CANCELLED;
  }
  if (!line || n <= 0) return CJAC_END;
  remember(r, line);
  lua_pushlstring(L, line, strcspn(line, "\n"));
  return CJAC_LINE;
}
