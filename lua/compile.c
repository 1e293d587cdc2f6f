/*
** compile.c -- cj.compile, cj.spec, and the methods of compiled functions.
**
**   local F = cj.compile(f[, {inputs = {cj.spec{3}, ...}}])    local y = F(x, A)    F(x, A, {out = y})
**
** f is traced when it is first called with arguments of that structure and those types (or for the types given in
** inputs); a number stands for a float64 tensor without axes.  What f does at that time stays: tensors it captures
** and random numbers it draws are part of what was compiled.  Where it branches on values a call notices if the
** outcome is another one, and f is traced for that way too.
**
** F:jacobian(), F:hessian(), F:gradient(), F:sparse_jacobian() are called as F is; F:vjp() and F:jvp() take v after
** the arguments and give the outputs first; F:map(n) takes every tensor with a dimension of n more in front.  Results
** have the structure that the functions of the module give them: one argument stands for itself, several for a list.
*/
#include "compiled.h"

#include <string.h>

#define WHO "cj.compile"

/* --- specs: types without numbers ------------------------------------------------------------------------- */

/* cj.spec(shape[, dtype]) */
static int spec(lua_State *L) {
  (void)cjl_self(L);
  cj_type t;
  int dtype = CJ_F64;
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    dtype = lua_type(L, 2) == LUA_TSTRING ? cjl_dtype(lua_tostring(L, 2)) : -1;
    if (dtype < 0) return cjl_argerror(L, "cj.spec", 2, "dtype", "\"float64\", \"float32\", \"int64\" or \"bool\"", 2);
  }
  if (lua_isnil(L, 1)) return cjl_argerror(L, "cj.spec", 1, "shape", "sizes", 0);
  cjl_readsizes(L, "cj.spec", dtype, 1, 1, &t);
  *(cj_type *)lua_newuserdatauv(L, sizeof t, 0) = t;
  luaL_setmetatable(L, CJL_SPEC);
  return 1;
}

static int spec_tostring(lua_State *L) {
  const cj_type *t = luaL_testudata(L, 1, CJL_SPEC);
  if (!t) return cjl_argerror(L, "tostring", 1, "spec", "a spec", 1);
  cjl_pushshape(L, t);
  lua_pushfstring(L, "%s%s", cj_dtype_name((cj_dtype)t->dtype), lua_tostring(L, -1));
  return 1;
}

/* --- compiled functions ------------------------------------------------------------------------------------- */

static cjl_compiled *push_compiled(lua_State *L, const char *who) {
  cjl_compiled *F = lua_newuserdatauv(L, sizeof *F, CJL_CNUV);
  memset(F, 0, sizeof *F);
  F->who = who;
  F->nparam = -1;
  F->rq.size = sizeof F->rq;
  lua_newtable(L);
  lua_setiuservalue(L, -2, CJL_CANCHORS);
  lua_newtable(L);
  lua_setiuservalue(L, -2, CJL_CDERIVED);
  luaL_setmetatable(L, CJL_COMPILED);
  return F;
}

/* How many arguments the function at idx has; -1: any number. */
static int count_parameters(lua_State *L, int idx) {
  lua_Debug ar;
  if (lua_type(L, idx) != LUA_TFUNCTION || lua_iscfunction(L, idx)) return -1;
  lua_pushvalue(L, idx);
  return lua_getinfo(L, ">u", &ar) && !ar.isvararg ? ar.nparams : -1;
}

/* With the compiled function on top: traces it for the specs at idx. */
static void compile_types(lua_State *L, int idx) {
  int self = lua_gettop(L), n = 1;
  cjl_pushfunction(L, cjl_makefromtypes, 0);
  lua_pushvalue(L, self);
  if (lua_type(L, idx) == LUA_TTABLE) {
    n = (int)lua_rawlen(L, idx);
    luaL_checkstack(L, n + 8, "too many inputs");
    for (int i = 1; i <= n; i++) lua_rawgeti(L, idx, i);
  } else {
    lua_pushvalue(L, idx);
  }
  lua_call(L, n + 1, 0);
}

/* cj.compile(f[, {inputs = {spec, ...}}]) */
static int compile(lua_State *L) {
  static const char *const names[] = {"inputs", NULL};
  (void)cjl_self(L);
  lua_settop(L, 2);
  cjl_checkfunction(L, WHO, 1);
  if (!lua_isnil(L, 2)) {
    if (lua_type(L, 2) != LUA_TTABLE) return cjl_argerror(L, WHO, 2, "options", "a table", 2);
    cjl_checkoptions(L, 2, WHO, names);
    lua_getfield(L, 2, "inputs");
    lua_replace(L, 2);
  }
  cjl_compiled *F = push_compiled(L, "compiled function");
  F->nparam = count_parameters(L, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, CJL_CFUNCTION);
  if (!lua_isnil(L, 2)) compile_types(L, 2);
  return 1;
}

/* --- what is derived ------------------------------------------------------------------------------------------------
 */

static int64_t option_size(lua_State *L, const char *who, const char *name) {
  int64_t n = 0;
  if (lua_getfield(L, 2, name) != LUA_TNIL && (!cjl_integer(L, -1, &n) || n <= 0))
    cjl_argerror(L, who, 0, name, "a positive integer", -1);
  lua_pop(L, 1);
  return n;
}

static cj_strategy option_strategy(lua_State *L, const char *who) {
  static const char *const known[] = {"auto", "reverse-mode", "forward-mode", "sparse"};
  int s = CJ_AUTO;
  if (lua_getfield(L, 2, "strategy") != LUA_TNIL) {
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    while (s <= CJ_SPARSE && strcmp(known[s], name) != 0) s++;
    if (s > CJ_SPARSE)
      cjl_argerror(L, who, 0, "strategy", "\"auto\", \"reverse-mode\", \"forward-mode\" or \"sparse\"", -1);
  }
  lua_pop(L, 1);
  return (cj_strategy)s;
}

static void read_options(lua_State *L, cjl_compiled *F) {
  static const char *const names[] = {"strategy", "chunk_size", "max_bytes", NULL};
  if (lua_type(L, 2) != LUA_TTABLE) cjl_argerror(L, F->who, 2, "options", "a table", 2);
  cjl_checkoptions(L, 2, F->who, names);
  F->rq.strategy = option_strategy(L, F->who);
  F->rq.chunk = option_size(L, F->who, "chunk_size");
  F->rq.max_bytes = (size_t)option_size(L, F->who, "max_bytes");
}

/* One that is asked for again is the same one: at stack index 3, if it is there. */
static bool found(lua_State *L, const char *key) {
  lua_getiuservalue(L, 1, CJL_CDERIVED);
  lua_getfield(L, -1, key);
  lua_replace(L, -2);
  if (!lua_isnil(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

static void remember(lua_State *L, const char *key) {
  lua_getiuservalue(L, 1, CJL_CDERIVED);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, key);
  lua_pop(L, 1);
}

/* F[, options]: a compiled function of what rq says. */
static int derived(lua_State *L, const char *who, cjl_origin origin, cj_want want, bool value) {
  (void)cjl_self(L);
  const cjl_compiled *parent = cjl_checkcompiled(L, 1, who);
  lua_settop(L, 2);
  bool plain = lua_isnil(L, 2);
  if (plain && found(L, who)) return 1;
  cjl_compiled *F = push_compiled(L, who);
  F->origin = origin;
  F->rq.want = want;
  F->rq.value = value;
  F->nparam = parent->origin == CJL_PRODUCT ? -1 : parent->nparam;
  if (!plain) read_options(L, F);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, CJL_CPARENT);
  if (plain) remember(L, who);
  return 1;
}

static int jacobian(lua_State *L) { return derived(L, "F:jacobian", CJL_DERIVED, CJ_JACOBIAN, false); }
static int hessian(lua_State *L) { return derived(L, "F:hessian", CJL_DERIVED, CJ_HESSIAN, false); }
static int gradient(lua_State *L) { return derived(L, "F:gradient", CJL_DERIVED, CJ_VJP, false); }
static int vjp(lua_State *L) { return derived(L, "F:vjp", CJL_PRODUCT, CJ_VJP, true); }
static int jvp(lua_State *L) { return derived(L, "F:jvp", CJL_PRODUCT, CJ_JVP, true); }
static int sparse_jacobian(lua_State *L) { return derived(L, "F:sparse_jacobian", CJL_DERIVED, CJ_NONZEROS, false); }

/* F:map(n) */
static int map(lua_State *L) {
  static const char who[] = "F:map";
  (void)cjl_self(L);
  const cjl_compiled *parent = cjl_checkcompiled(L, 1, who);
  int64_t n = cjl_checkint(L, 2, who, "n");
  if (n < 1) return cjl_argerror(L, who, 2, "n", "a positive integer", 2);
  lua_settop(L, 2);
  lua_pushfstring(L, "F:map(%I)", (LUAI_UACINT)n);
  lua_replace(L, 2);
  if (found(L, lua_tostring(L, 2))) return 1;
  cjl_compiled *F = push_compiled(L, who);
  F->origin = CJL_MAPPED;
  F->n = n;
  F->nparam = parent->origin == CJL_PRODUCT ? -1 : parent->nparam;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, CJL_CPARENT);
  remember(L, lua_tostring(L, 2));
  return 1;
}

/* --- the module
 * --------------------------------------------------------------------------------------------------------- */

static void add_metatable(lua_State *L, cjl_state *S) {
  static const cjl_reg methods[] = {{"jacobian", jacobian},
                                    {"hessian", hessian},
                                    {"gradient", gradient},
                                    {"vjp", vjp},
                                    {"jvp", jvp},
                                    {"sparse_jacobian", sparse_jacobian},
                                    {"map", map},
                                    {"stats", cjl_compiledstats},
                                    {"explain", cjl_compiledexplain},
                                    {"dot", cjl_compileddot},
                                    {NULL, NULL}};
  lua_createtable(L, 0, 8);
  lua_pushliteral(L, CJL_COMPILED);
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, CJL_COMPILED);
  lua_setfield(L, -2, "__metatable");
  S->compiled = lua_topointer(L, -1);
  lua_pushliteral(L, "out");
  cjl_pushfunction(L, cjl_callcompiled, 1);
  lua_setfield(L, -2, "__call");
  cjl_pushfunction(L, cjl_compiledtostring, 0);
  lua_setfield(L, -2, "__tostring");
  lua_newtable(L);
  cjl_register(L, methods, false);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__methods"); /* for the completion of names at the prompt */
  lua_setfield(L, -2, "__index");
  lua_setfield(L, LUA_REGISTRYINDEX, CJL_COMPILED);
}

static void add_specmeta(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, CJL_SPEC);
  lua_setfield(L, -2, "__name");
  cjl_pushfunction(L, spec_tostring, 0);
  lua_setfield(L, -2, "__tostring");
  lua_setfield(L, LUA_REGISTRYINDEX, CJL_SPEC);
}

void cjl_open_compile(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"compile", compile}, {"spec", spec}, {NULL, NULL}};
  add_metatable(L, S);
  add_specmeta(L);
  cjl_register(L, functions, false);
}
