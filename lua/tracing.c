/* tracing.c -- running a Lua function on traced tensors. */
#include "tracing.h"

/* --- the trace ------------------------------------------------------------------- */

static int close_trace(lua_State *L) {
  cjl_state *S = lua_touserdata(L, lua_upvalueindex(1));
  uint32_t *trace = lua_touserdata(L, 1);
  if (S->ctx) cj_trace_abandon(S->ctx, *trace); /* one that has ended is no error */
  *trace = 0;
  return 0;
}

static void push_tracemeta(lua_State *L) {
  cjl_pushuser(L, CJL_TRACEMETA);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 3);
  cjl_pushfunction(L, close_trace, 0);
  lua_setfield(L, -2, "__close");
  cjl_pushfunction(L, close_trace, 0);
  lua_setfield(L, -2, "__gc"); /* a coroutine that died is never unwound */
  lua_pushliteral(L, "cjac.trace");
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_TRACEMETA);
}

static uint32_t *push_tracebox(lua_State *L) {
  uint32_t *trace = lua_newuserdatauv(L, sizeof *trace, 0);
  *trace = 0;
  push_tracemeta(L);
  lua_setmetatable(L, -2);
  return trace;
}

/* One box serves again and again where it is sure to be closed, which it is not in a coroutine. */
static uint32_t *push_spare(lua_State *L) {
  bool main = lua_pushthread(L);
  lua_pop(L, 1);
  if (!main) return push_tracebox(L);
  cjl_pushuser(L, CJL_TRACEBOX);
  uint32_t *trace = lua_touserdata(L, -1);
  if (trace && *trace == 0) return trace;
  lua_pop(L, 1);
  uint32_t *made = push_tracebox(L);
  if (trace) return made;
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_TRACEBOX);
  return made;
}

uint32_t cjl_opentrace(lua_State *L, cjl_state *S, const char *who) {
  uint32_t *trace = push_spare(L);
  lua_toclose(L, -1);
  CJL_TRY(L, S, who, cj_trace_open(S->ctx, trace));
  return *trace;
}

/* --- inputs ------------------------------------------------------------------------ */

typedef struct opened {
  cjl_state *S;
  const char *who;
  uint32_t trace;
  int n;
} opened;

static void leaf_input(lua_State *L, void *ud) {
  opened *o = ud;
  const cjl_tensor *primal = lua_touserdata(L, -1);
  cj_type t = cjl_typeof(L, o->S, primal, o->who);
  o->n++;
  if (t.dtype != CJ_F64 && t.dtype != CJ_F32)
    cjl_error(L, "%s: input %d: expected a tensor of dtype float64 or float32, got %s", o->who, o->n,
              cjl_describe(L, -1));
  cjl_tensor *h = cjl_box(L);
  CJL_TRY(L, o->S, o->who, cj_trace_input(o->S->ctx, o->trace, &primal->v, &h->v));
  cjl_seal(L, o->S, h);
}

void cjl_pushinputs(lua_State *L, cjl_state *S, const char *who, uint32_t trace, int structure) {
  opened o = {S, who, trace, 0};
  cjl_build(L, structure, leaf_input, &o);
}

int cjl_pusharguments(lua_State *L, cjl_state *S, const char *who, uint32_t trace, int structure) {
  opened o = {S, who, trace, 0};
  return cjl_buildlist(L, structure, leaf_input, &o);
}

void cjl_checkinputs(lua_State *L, cjl_state *S, const char *who, int arg) {
  const cjl_tensor *h = cjl_test(L, S, arg);
  if (h && h->v.kind != CJ_NONE) {
    lua_pushvalue(L, arg); /* its own structure */
    return;
  }
  if (!h && lua_type(L, arg) != LUA_TTABLE) cjl_argerror(L, who, arg, "inputs", "a tensor or a table of tensors", arg);
  cjl_structure(L, S, arg, who, "inputs");
  if (lua_type(L, -1) != LUA_TTABLE) return;
  lua_Integer len = (lua_Integer)lua_rawlen(L, -1), list = (lua_Integer)lua_rawlen(L, arg);
  bool leaf = lua_rawgeti(L, -1, 2) == LUA_TUSERDATA; /* the first */
  lua_pop(L, 1);
  if (!leaf && cjl_leaves(L, -1) == 0) cjl_argerror(L, who, arg, "inputs", "a tensor or a table of tensors", arg);
  if (list && len != 2 * list)
    cjl_error(L, "%s: argument %d (inputs): expected a list or a table of names, got a table that is both", who, arg);
}

int cjl_spreadinputs(lua_State *L, int inputs) {
  lua_Integer n = lua_type(L, inputs) == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, inputs) : 0;
  inputs = lua_absindex(L, inputs);
  if (n == 0) { /* a tensor, or names: one argument */
    lua_pushvalue(L, inputs);
    return 1;
  }
  luaL_checkstack(L, (int)n + 8, "too many inputs");
  for (lua_Integer i = 1; i <= n; i++) lua_rawgeti(L, inputs, i);
  return (int)n;
}

void cjl_checkfunction(lua_State *L, const char *who, int idx) {
  if (lua_type(L, idx) == LUA_TFUNCTION) return;
  if (luaL_testudata(L, idx, "cjac.compiled")) return;
  if (lua_type(L, idx) == LUA_TTABLE && luaL_getmetafield(L, idx, "__call") != LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  cjl_argerror(L, who, idx, "f", "a function", idx);
}

/* --- outputs -------------------------------------------------------------------------- */

void cjl_outputs(lua_State *L, cjl_state *S, const char *who, int first, int n) {
  if (n == 0) cjl_error(L, "%s: f returned nothing, a tensor was wanted", who);
  const cjl_tensor *h = NULL;
  for (int i = 0; i < n; i++)
    if (!(h = cjl_test(L, S, first + i)) && lua_type(L, first + i) != LUA_TTABLE)
      cjl_error(L, "%s: f returned a %s (output %d), a tensor was wanted", who, luaL_typename(L, first + i), i + 1);
  if (n == 1 && h && h->v.kind != CJ_NONE) {
    lua_pushvalue(L, first);
    return;
  }
  if (n == 1)
    cjl_structure(L, S, first, who, "output");
  else
    cjl_structures(L, S, first, n, who, "output");
  if (cjl_leaves(L, -1) == 0) cjl_error(L, "%s: f returned no tensor", who);
}

/* --- functions of the core ------------------------------------------------------------- */

static int func_gc(lua_State *L) {
  cj_func **f = lua_touserdata(L, 1);
  cj_func_release(*f);
  *f = NULL;
  return 0;
}

cj_func **cjl_funcbox(lua_State *L) {
  cj_func **f = lua_newuserdatauv(L, sizeof *f, 0);
  *f = NULL;
  if (luaL_getmetatable(L, "cjac.func") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, func_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, "cjac.func");
  }
  lua_setmetatable(L, -2);
  return f;
}

/* --- results ---------------------------------------------------------------------------- */

cjl_tensor **cjl_slotroom(lua_State *L, cjl_tensor **few, int n) {
  return n <= CJL_FEW ? few : lua_newuserdatauv(L, (size_t)n * sizeof *few, 0);
}

/* Results are as large as the last ones, mostly. */
void cjl_pushslots(lua_State *L, cjl_state *S, cjl_slots *s, int n) {
  size_t bytes = S->expected; /* may change while handles are made */
  if (n > CJL_FEW) return;
  luaL_checkstack(L, n + 24, "too many results");
  s->S = S;
  s->at = lua_gettop(L) + 1;
  for (int i = 0; i < n; i++) {
    s->slot[i] = cjl_roombox(L, 1, bytes);
    cjl_pushuser(L, CJL_PLAIN);
    lua_setmetatable(L, -2);
  }
  if (n) s->room = lua_rawlen(L, s->at) - sizeof(cjl_tensor);
}

const cj_small *cjl_placeslot(void *ud, int i, const cj_type *t) {
  cjl_slots *s = ud;
  size_t bytes = cj_type_bytes(t);
  if (bytes <= CJL_SMALLMOST && bytes > s->most) s->most = bytes;
  return cjl_placein(s->S, s->slot[i], s->room, t);
}

static void push_slot(lua_State *L, void *ud) {
  cjl_slots *s = ud;
  if (s->at)
    lua_pushvalue(L, s->at + s->n);
  else
    s->slot[s->n] = cjl_slot(L);
  s->n++;
}

/* For each leaf as many as the inner structure has. */
static void push_row(lua_State *L, void *ud) {
  cjl_slots *s = ud;
  int inner = s->inner;
  s->inner = 0;
  cjl_buildslots(L, inner, s);
  s->inner = inner;
}

void cjl_buildslots(lua_State *L, int structure, cjl_slots *s) {
  cjl_leaf leaf = s->inner ? push_row : push_slot;
  if (lua_type(L, structure) == LUA_TTABLE)
    cjl_build(L, structure, leaf, s);
  else
    leaf(L, s);
}

void cjl_fillslots(lua_State *L, cjl_state *S, const cjl_slots *s, const cj_val *v) {
  for (int i = 0; i < s->n; i++) {
    s->slot[i]->v = v[i];
    if (!s->at || v[i].kind != CJ_TENSOR) continue;
    cjl_pushuser(L, CJL_META); /* now there is something to release */
    lua_setmetatable(L, s->at + i);
  }
  if (s->at) S->expected = s->most;
  for (int i = 0; i < s->n; i++)
    if (v[i].kind == CJ_TENSOR) cjl_weigh(L, S, &v[i]);
}
