/* compiledinfo.c -- what compiled functions say about themselves. */
#include "compiled.h"

#include <stdio.h>
#include <string.h>

/* The version used last; an error where there is none. */
static cjl_version *newest(lua_State *L, const cjl_compiled *F, const char *who) {
  for (cjl_signature *s = F->first; s; s = s->next)
    if (s->first) return s->first;
  cjl_error(L, "%s: the function was not called yet", who);
  return NULL;
}

static int count_versions(const cjl_compiled *F) {
  int n = 0;
  for (const cjl_signature *s = F->first; s; s = s->next) n += s->nversion;
  return n;
}

/* --- text ---------------------------------------------------------------------------------------------------- */

static cj_status write_why(void *k, cj_write_fn w, void *ud) { return cj_compiled_explain(k, w, ud); }
static cj_status write_program(void *k, cj_write_fn w, void *ud) { return cj_compiled_write(k, CJ_TEXT, w, ud); }

/* Of the version at stack index v. */
static void push_text(lua_State *L, cjl_state *S, const char *who, int v, bool explain) {
  const cjl_version *version = lua_touserdata(L, v);
  cjl_pushtext(L, S, who, explain ? write_why : write_program, version->k);
}

int cjl_compiledexplain(lua_State *L) {
  static const char who[] = "F:explain";
  cjl_state *S = cjl_self(L);
  const cjl_compiled *F = cjl_checkcompiled(L, 1, who);
  lua_settop(L, 1);
  cjl_pushanchored(L, 1, newest(L, F, who));
  push_text(L, S, who, 2, true);
  return 1;
}

/* The program of the version used last. */
int cjl_compiledtostring(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const cjl_compiled *F = cjl_checkcompiled(L, 1, "tostring");
  int n = count_versions(F);
  lua_settop(L, 1);
  lua_pushfstring(L,
                  n == 0   ? "%s, not called yet"
                  : n == 1 ? "%s "
                           : "%s, %d versions; the one used last: ",
                  F->who, n);
  if (n == 0) return 1;
  cjl_pushanchored(L, 1, newest(L, F, "tostring"));
  push_text(L, S, "tostring", 3, false);
  lua_remove(L, -2); /* the anchor */
  lua_concat(L, 2);
  return 1;
}

/* --- F:dot(path) ------------------------------------------------------------------------------------------------ */

static cj_status put_file(void *ud, const char *s, size_t n) { return fwrite(s, 1, n, ud) == n ? CJ_OK : CJ_EUSER; }

int cjl_compileddot(lua_State *L) {
  static const char who[] = "F:dot";
  (void)cjl_self(L);
  const cjl_compiled *F = cjl_checkcompiled(L, 1, who);
  if (lua_type(L, 2) != LUA_TSTRING) return cjl_argerror(L, who, 2, "path", "a string", 2);
  const char *path = lua_tostring(L, 2);
  const cjl_version *v = newest(L, F, who);
  FILE *f = fopen(path, "w");
  if (!f) return cjl_error(L, "%s: cannot open %s for writing", who, path);
  cj_status s = cj_compiled_write(v->k, CJ_DOT, put_file, f);
  bool good = fclose(f) == 0 && s == CJ_OK;
  return good ? 0 : cjl_error(L, "%s: cannot write %s", who, path);
}

/* --- F:stats()
 * -------------------------------------------------------------------------------------------------------- */

static void set_integer(lua_State *L, const char *name, int64_t v) {
  lua_pushinteger(L, (lua_Integer)v);
  lua_setfield(L, -2, name);
}

static void set_cost(lua_State *L, const char *name, double v) {
  if (v < 0) return;
  lua_pushnumber(L, v);
  lua_setfield(L, -2, name);
}

static void set_choice(lua_State *L, const cj_compiledstat *x) {
  if (!x->strategy) return;
  lua_pushstring(L, x->strategy);
  lua_setfield(L, -2, "strategy");
  set_integer(L, "passes", x->passes);
  set_integer(L, "directions", x->seeds);
  if (x->nonzeros >= 0) set_integer(L, "nonzeros", x->nonzeros);
  lua_createtable(L, 0, 4);
  set_cost(L, "forward", x->forward);
  set_cost(L, "reverse", x->backward);
  set_cost(L, "sparse", x->sparse);
  set_cost(L, "chosen", x->chosen);
  lua_setfield(L, -2, "cost");
}

int cjl_compiledstats(lua_State *L) {
  static const char who[] = "F:stats";
  cjl_state *S = cjl_self(L);
  const cjl_compiled *F = cjl_checkcompiled(L, 1, who);
  cj_compiledstat x;
  lua_settop(L, 1);
  lua_createtable(L, 0, 16);
  set_integer(L, "versions", count_versions(F));
  set_integer(L, "signatures", F->nsig);
  set_integer(L, "traces", F->traces);
  if (count_versions(F) == 0) return 1;
  cjl_pushanchored(L, 1, newest(L, F, who));
  const cjl_version *v = lua_touserdata(L, -1);
  CJL_TRY(L, S, who, cj_compiled_stats(v->k, &x));
  lua_pushvalue(L, 2);
  set_integer(L, "ops_traced", x.traced);
  set_integer(L, "ops", x.ops);
  set_integer(L, "steps", x.steps);
  set_integer(L, "work_bytes", (int64_t)x.work);
  set_integer(L, "constant_bytes", (int64_t)x.constants);
  set_integer(L, "guards", cj_compiled_nguard(v->k));
  set_choice(L, &x);
  return 1;
}
