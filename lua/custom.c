/*
** custom.c -- functions called as one instruction: computed again in the reverse sweep instead of kept
** (cj.checkpoint), or with derivatives by hand (cj.custom).
*/
#include "tracing.h"

#include <string.h>

/* Upvalues of the functions made here: the state, f, jvp or nil, vjp or nil, the name. */
enum { UP_F = 2, UP_JVP, UP_VJP, UP_NAME };

typedef struct called {
  lua_State *L;
  cjl_state *S;
  const char *who;
  uint32_t trace;
  int nargs;
  int in;  /* structure of the arguments that hold tensors: {argument, structure, ...} */
  int out; /* structure of the results */
  int nin, nout, nfloat, several;
  cj_func *rule[2]; /* jvp, vjp */
} called;

static bool isfloat(const cj_type *t) { return t->dtype == CJ_F64 || t->dtype == CJ_F32; }

/* --- arguments ------------------------------------------------------------------------ */

static void read_arguments(called *k) {
  lua_State *L = k->L;
  char what[32];
  int n = 0;
  lua_createtable(L, 2 * k->nargs, 0);
  k->in = lua_gettop(L);
  for (int i = 1; i <= k->nargs; i++) {
    if (!cjl_test(L, k->S, i) && lua_type(L, i) != LUA_TTABLE) continue;
    lua_pushfstring(L, "argument %d", i);
    strncpy(what, lua_tostring(L, -1), sizeof what - 1)[sizeof what - 1] = '\0';
    lua_pop(L, 1);
    lua_pushinteger(L, i);
    lua_rawseti(L, k->in, ++n);
    cjl_structure(L, k->S, i, k->who, what);
    lua_rawseti(L, k->in, ++n);
  }
  k->nin = cjl_leaves(L, k->in);
}

/* What a leaf becomes: an argument of a trace that stands for it, or of which only the type is known. */
typedef struct becoming {
  called *k;
  uint32_t trace;
  bool typeonly, count;
} becoming;

static void leaf_traced(lua_State *L, void *ud) {
  becoming *b = ud;
  const cjl_tensor *from = lua_touserdata(L, -1);
  cj_type t = cjl_typeof(L, b->k->S, from, b->k->who);
  if (b->count) b->k->nfloat += isfloat(&t);
  if (b->typeonly && !isfloat(&t)) { /* it has no tangent */
    lua_pushnil(L);
    return;
  }
  cjl_tensor *h = cjl_box(L);
  if (b->typeonly)
    CJL_TRY(L, b->k->S, b->k->who, cj_trace_input_type(b->k->S->ctx, b->trace, &t, &h->v));
  else
    CJL_TRY(L, b->k->S, b->k->who, cj_trace_input(b->k->S->ctx, b->trace, &from->v, &h->v));
  cjl_seal(L, b->k->S, h);
}

/* Pushes the table of arguments; those without tensors are in it as they are, unless they have a tangent. */
static void push_arguments(called *k, uint32_t trace, bool tangents) {
  lua_State *L = k->L;
  becoming b = {k, trace, tangents, !tangents && trace == k->trace};
  cjl_build(L, k->in, leaf_traced, &b);
  for (int i = 1; !tangents && i <= k->nargs; i++) {
    if (cjl_test(L, k->S, i) || lua_type(L, i) == LUA_TTABLE) continue;
    lua_pushvalue(L, i);
    lua_rawseti(L, -2, i);
  }
}

/* Pushes the results as f returned them: one, or a list. */
static void push_outputs(called *k, uint32_t trace, bool cotangents) {
  becoming b = {k, trace, cotangents, false};
  cjl_build(k->L, k->out, leaf_traced, &b);
}

/* --- derivatives by hand ------------------------------------------------------------------ */

/* The structure of what a rule returned, n values from first on; its leaves. */
static int rule_results(const called *k, const char *name, int first, int n, int wanted, const char *of) {
  lua_State *L = k->L;
  for (int i = 0; i < n; i++)
    if (!cjl_test(L, k->S, first + i) && lua_type(L, first + i) != LUA_TTABLE)
      cjl_error(L, "%s: %s returned a %s (value %d), a tensor was wanted", k->who, name, luaL_typename(L, first + i),
                i + 1);
  if (n == 1)
    cjl_structure(L, k->S, first, k->who, name);
  else
    cjl_structures(L, k->S, first, n, k->who, name);
  int got = cjl_leaves(L, -1);
  if (got != wanted)
    cjl_error(L, "%s: %s returned %d tensors, wanted %d: one for each %s", k->who, name, got, wanted, of);
  return got;
}

/* Traces jvp(primals, tangents, outputs), or vjp(primals, outputs, cotangents), and pushes its holder. */
static void trace_rule(called *k, int which) {
  lua_State *L = k->L;
  const char *name = which ? "vjp" : "jvp";
  int up = lua_upvalueindex(which ? UP_VJP : UP_JVP);
  if (lua_isnil(L, up)) return;
  luaL_checkstack(L, 32, NULL);
  cj_func **f = cjl_funcbox(L);
  uint32_t trace = cjl_opentrace(L, k->S, k->who);
  lua_pushvalue(L, up);
  int at = lua_gettop(L);
  push_arguments(k, trace, false);
  push_outputs(k, trace, false);
  if (which) {
    push_outputs(k, trace, true);
  } else {
    push_arguments(k, trace, true);
    lua_insert(L, -2);
  }
  lua_call(L, 3, LUA_MULTRET);
  luaL_checkstack(L, 32, NULL);
  int ny = rule_results(k, name, at, lua_gettop(L) - at + 1, which ? k->nfloat : k->nout,
                        which ? "tensor of a float dtype among the arguments" : "result of f");
  int results = lua_gettop(L);
  cj_val few[CJL_FEW], *y = cjl_room(L, few, ny);
  (void)cjl_values(L, results, y);
  cj_status s = cj_trace_close(k->S->ctx, trace, y, ny, f);
  if (s != CJ_OK) cjl_raise(L, k->S, s, k->who);
  k->rule[which] = *f;
}

/* --- the call -------------------------------------------------------------------------------- */

static int finish_call(called *k) {
  lua_State *L = k->L;
  cj_val few[3][CJL_FEW], *y = cjl_room(L, few[0], k->nout), *in = cjl_room(L, few[1], k->nin),
                          *out = cjl_room(L, few[2], k->nout);
  cjl_tensor *fewslots[CJL_FEW];
  cjl_slots slots = {.slot = cjl_slotroom(L, fewslots, k->nout)};
  cjl_buildslots(L, k->out, &slots);
  int results = lua_gettop(L);
  (void)cjl_values(L, k->out, y);
  (void)cjl_values(L, k->in, in);
  cj_status s = cj_trace_call(k->S->ctx, k->trace, y, k->nout, in, k->rule[0], k->rule[1], out);
  if (s != CJ_OK) return cjl_raise(L, k->S, s, k->who);
  cjl_fillslots(L, k->S, &slots, out);
  if (!k->several) return 1;
  luaL_checkstack(L, k->several + 8, "too many results");
  for (int i = 1; i <= k->several; i++) lua_rawgeti(L, results, i);
  return k->several;
}

static int call_function(lua_State *L) {
  called k = {.L = L, .S = cjl_self(L), .nargs = lua_gettop(L), .who = lua_tostring(L, lua_upvalueindex(UP_NAME))};
  luaL_checkstack(L, k.nargs + 32, "too many arguments");
  read_arguments(&k);
  k.trace = cjl_opentrace(L, k.S, k.who);
  push_arguments(&k, k.trace, false);
  int arguments = lua_gettop(L), first = arguments + 1;
  lua_pushvalue(L, lua_upvalueindex(UP_F));
  for (int i = 1; i <= k.nargs; i++) lua_rawgeti(L, arguments, i);
  lua_call(L, k.nargs, LUA_MULTRET);
  luaL_checkstack(L, 32, NULL);
  int n = lua_gettop(L) - first + 1;
  cjl_outputs(L, k.S, k.who, first, n);
  k.out = lua_gettop(L);
  k.nout = cjl_leaves(L, k.out);
  k.several = n > 1 ? n : 0;
  trace_rule(&k, 0);
  trace_rule(&k, 1);
  return finish_call(&k);
}

/* f at 1, jvp and vjp at 2 and 3, the name at 4. */
static int push_call(lua_State *L) {
  lua_settop(L, 4);
  cjl_pushfunction(L, call_function, 4);
  return 1;
}

static int checkpoint(lua_State *L) {
  (void)cjl_self(L);
  cjl_checkfunction(L, "cj.checkpoint", 1);
  lua_settop(L, 3);
  lua_pushnil(L);
  lua_replace(L, 2);
  lua_pushnil(L);
  lua_replace(L, 3);
  lua_pushliteral(L, "cj.checkpoint");
  return push_call(L);
}

/* cj.custom(f, {jvp=, vjp=, name=}) */
static int custom(lua_State *L) {
  static const char who[] = "cj.custom", *const names[] = {"jvp", "vjp", "name", NULL};
  (void)cjl_self(L);
  lua_settop(L, 2);
  cjl_checkfunction(L, who, 1);
  if (lua_type(L, 2) != LUA_TTABLE) return cjl_argerror(L, who, 2, "rules", "a table with jvp or vjp", 2);
  cjl_checkoptions(L, 2, who, names);
  for (int i = 0; i < 2; i++)
    if (lua_getfield(L, 2, names[i]) != LUA_TNIL) cjl_checkfunction(L, who, -1);
  if (lua_isnil(L, -1) && lua_isnil(L, -2)) return cjl_argerror(L, who, 2, "rules", "a table with jvp or vjp", 2);
  if (lua_getfield(L, 2, "name") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushstring(L, who);
  }
  if (lua_type(L, -1) != LUA_TSTRING) return cjl_argerror(L, who, 0, "name", "a string", -1);
  lua_remove(L, 2);
  return push_call(L);
}

void cjl_open_custom(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"checkpoint", checkpoint}, {"custom", custom}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
