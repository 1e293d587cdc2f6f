/* control.c -- loops that are one instruction, and calls that are computed again in the reverse sweep. */
#include "tracing.h"

#include <string.h>

/* --- structures ----------------------------------------------------------------------- */

/* Pushes a structure of that value: an empty one for nil, a tensor for a plain number. */
static void push_structure(lua_State *L, cjl_state *S, int idx, const char *who, const char *what) {
  cj_type t;
  if (lua_isnoneornil(L, idx)) {
    lua_newtable(L);
  } else if (lua_type(L, idx) == LUA_TNUMBER && cj_type_make(CJ_F64, 0, NULL, &t) == CJ_OK) {
    *(double *)cjl_new(L, S, &t, who) = lua_tonumber(L, idx);
  } else {
    cjl_structure(L, S, idx, who, what);
  }
}

/* Two structures differ; at: the way there, for the message. */
static bool differ(lua_State *L, int a, int b) {
  if (lua_type(L, a) != LUA_TTABLE || lua_type(L, b) != LUA_TTABLE)
    return lua_type(L, a) == LUA_TTABLE || lua_type(L, b) == LUA_TTABLE;
  if (lua_rawlen(L, a) != lua_rawlen(L, b)) return true;
  luaL_checkstack(L, 8, NULL);
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, a); i < n; i += 2) {
    lua_rawgeti(L, a, i);
    lua_rawgeti(L, b, i);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!same) return true;
    lua_rawgeti(L, a, i + 1);
    lua_rawgeti(L, b, i + 1);
    same = !differ(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 2);
    if (!same) return true;
  }
  return false;
}

/* --- one loop ----------------------------------------------------------------------------- */

typedef struct loop {
  lua_State *L;
  cjl_state *S;
  const char *who;
  uint32_t trace;
  cj_scan spec;
  bool hasrows, nocarry;
  int carry, xs;           /* structures on the stack; xs: 0 if there is only a number of steps */
  int next, ys;            /* structures of what the body returned; ys: 0 if nothing */
  int ncarry, nxs, nextra; /* leaves */
} loop;

/* The leaf on top as an argument of the body, of which only the type is known. */
static void leaf_argument(lua_State *L, void *ud) {
  loop *b = ud;
  cj_type t = cjl_typeof(L, b->S, lua_touserdata(L, -1), b->who);
  if (b->hasrows) {
    memmove(&t.dim[0], &t.dim[1], (size_t)(t.rank - 1) * sizeof *t.dim);
    t.dim[--t.rank] = 0;
  }
  cjl_tensor *h = cjl_box(L);
  CJL_TRY(L, b->S, b->who, cj_trace_input_type(b->S->ctx, b->trace, &t, &h->v));
  cjl_seal(L, b->S, h);
}

static void push_counter(loop *b) {
  cj_type t;
  (void)cj_type_make(CJ_I64, 0, NULL, &t);
  cjl_tensor *h = cjl_box(b->L);
  CJL_TRY(b->L, b->S, b->who, cj_trace_input_type(b->S->ctx, b->trace, &t, &h->v));
  cjl_seal(b->L, b->S, h);
}

/* What the body returned, in stack slots first and first + 1. */
static void read_results(loop *b, int first) {
  lua_State *L = b->L;
  lua_settop(L, first + 1);
  luaL_checkstack(L, 24, NULL);
  push_structure(L, b->S, first, b->who, "the carry that f returned");
  b->next = lua_gettop(L);
  if (differ(L, b->carry, b->next))
    cjl_error(
        L,
        "%s: f returned a carry of another structure than it was given: %d tensors of the same tables wanted, got %s",
        b->who, b->ncarry, cjl_describe(L, first));
  if (!lua_isnil(L, first + 1)) {
    cjl_structure(L, b->S, first + 1, b->who, "the second result of f");
    b->ys = lua_gettop(L);
    b->nextra = cjl_leaves(L, b->ys);
  }
}

/* Ends the trace and pushes the last carry, in the structure of the first, and what was kept of each step, or nil. */
static int run_loop(loop *b) {
  lua_State *L = b->L;
  int ny = b->ncarry + b->nextra, nin = b->ncarry + b->nxs;
  cj_val few[3][CJL_FEW], *y = cjl_room(L, few[0], ny), *in = cjl_room(L, few[1], nin), *out = cjl_room(L, few[2], ny);
  cjl_tensor *fewslots[CJL_FEW];
  cjl_slots slots = {.slot = cjl_slotroom(L, fewslots, ny)};
  int results = lua_gettop(L);
  if (b->nocarry)
    lua_pushnil(L);
  else
    cjl_buildslots(L, b->carry, &slots);
  if (b->ys)
    cjl_buildslots(L, b->ys, &slots);
  else
    lua_pushnil(L);
  cj_val *end = cjl_values(L, b->next, y);
  if (b->ys) (void)cjl_values(L, b->ys, end);
  end = cjl_values(L, b->carry, in);
  if (b->xs) (void)cjl_values(L, b->xs, end);
  if (ny == 0) return cjl_error(L, "%s: f returned no tensor", b->who);
  cj_status s = cj_trace_scan(b->S->ctx, b->trace, &b->spec, y, ny, in, out);
  if (s != CJ_OK) return cjl_raise(L, b->S, s, b->who);
  cjl_fillslots(L, b->S, &slots, out);
  return lua_gettop(L) - results;
}

/* Traces f: the first argument, whose structure is at `first`, then the second (0: the counter). */
static int trace_body(loop *b, int f, bool countfirst) {
  lua_State *L = b->L;
  b->spec.size = sizeof b->spec;
  b->ncarry = b->spec.ncarry = cjl_leaves(L, b->carry);
  b->nxs = b->xs ? cjl_leaves(L, b->xs) : 0;
  b->spec.counted = !b->xs;
  b->trace = cjl_opentrace(L, b->S, b->who);
  lua_pushvalue(L, f);
  int at = lua_gettop(L);
  if (b->nocarry)
    lua_pushnil(L);
  else
    cjl_build(L, b->carry, leaf_argument, b);
  b->hasrows = true;
  if (b->xs)
    cjl_build(L, b->xs, leaf_argument, b);
  else
    push_counter(b);
  if (countfirst) lua_insert(L, -2);
  lua_call(L, 2, 2);
  read_results(b, at);
  return run_loop(b);
}

/* --- scan ------------------------------------------------------------------------------------ */

/* Each of the xs has as many rows as there are steps. */
static void check_rows(loop *b, int idx) {
  lua_State *L = b->L;
  if (lua_type(L, idx) != LUA_TTABLE) {
    cj_type t = cjl_typeof(L, b->S, lua_touserdata(L, idx), b->who);
    if (t.rank == 0)
      cjl_error(L, "%s: argument 3 (xs): expected tensors with the steps as first dim, got shape []", b->who);
    if (b->spec.steps >= 0 && b->spec.steps != t.dim[0])
      cjl_error(L, "%s: argument 3 (xs): the first dims are not of one size: %I and %I", b->who,
                (LUAI_UACINT)b->spec.steps, (LUAI_UACINT)t.dim[0]);
    b->spec.steps = t.dim[0];
    return;
  }
  luaL_checkstack(L, 8, NULL);
  for (lua_Integer i = 2, n = (lua_Integer)lua_rawlen(L, idx); i <= n; i += 2) {
    lua_rawgeti(L, idx, i);
    check_rows(b, lua_gettop(L));
    lua_pop(L, 1);
  }
}

static void read_options(loop *b, int opts) {
  static const char *const names[] = {"checkpoint", "reverse", NULL};
  lua_State *L = b->L;
  if (lua_isnoneornil(L, opts)) return;
  if (lua_type(L, opts) != LUA_TTABLE) cjl_argerror(L, b->who, opts, "options", "a table", opts);
  cjl_checkoptions(L, opts, b->who, names);
  if (lua_getfield(L, opts, "checkpoint") != LUA_TNIL && (!cjl_integer(L, -1, &b->spec.segment) || b->spec.segment < 1))
    cjl_argerror(L, b->who, 0, "checkpoint", "a positive number of steps", -1);
  if (lua_getfield(L, opts, "reverse") != LUA_TNIL && lua_type(L, -1) != LUA_TBOOLEAN)
    cjl_argerror(L, b->who, 0, "reverse", "a boolean", -1);
  b->spec.reverse = lua_toboolean(L, -1);
  lua_pop(L, 2);
}

/* cj.scan(f, carry, xs[, opts]) */
static int scan(lua_State *L) {
  loop b = {.L = L, .S = cjl_self(L), .who = "cj.scan", .spec = {.steps = -1, .first = 1}};
  lua_settop(L, 4);
  luaL_checkstack(L, 24, NULL);
  cjl_checkfunction(L, b.who, 1);
  read_options(&b, 4);
  push_structure(L, b.S, 2, b.who, "argument 2 (carry)");
  b.carry = lua_gettop(L);
  b.nocarry = lua_isnil(L, 2);
  if (lua_type(L, 3) == LUA_TNUMBER) {
    if (!cjl_integer(L, 3, &b.spec.steps) || b.spec.steps < 0)
      return cjl_argerror(L, b.who, 3, "xs", "tensors, or a number of steps", 3);
  } else {
    if (!cjl_test(L, b.S, 3) && lua_type(L, 3) != LUA_TTABLE)
      return cjl_argerror(L, b.who, 3, "xs", "tensors, or a number of steps", 3);
    cjl_structure(L, b.S, 3, b.who, "argument 3 (xs)");
    b.xs = lua_gettop(L);
    check_rows(&b, b.xs);
    if (b.spec.steps < 0) return cjl_argerror(L, b.who, 3, "xs", "tensors, or a number of steps", 3);
  }
  return trace_body(&b, 1, false);
}

/* --- fori ---------------------------------------------------------------------------------------- */

/* cj.fori(n, f, carry), cj.fori(a, b, f, carry) */
static int fori(lua_State *L) {
  loop b = {.L = L, .S = cjl_self(L), .who = "cj.fori", .spec = {.first = 1}};
  bool range = lua_type(L, 2) == LUA_TNUMBER;
  int f = range ? 3 : 2;
  int64_t last;
  lua_settop(L, 5);
  luaL_checkstack(L, 24, NULL);
  if (range) b.spec.first = cjl_checkint(L, 1, b.who, "a");
  last = cjl_checkint(L, range ? 2 : 1, b.who, range ? "b" : "n");
  if (last >= b.spec.first && (uint64_t)last - (uint64_t)b.spec.first >= (uint64_t)1 << 62)
    return cjl_error(L, "%s: too many steps", b.who);
  b.spec.steps = last < b.spec.first ? 0 : last - b.spec.first + 1;
  cjl_checkfunction(L, b.who, f);
  if (!lua_isnoneornil(L, f + 2)) read_options(&b, f + 2);
  push_structure(L, b.S, f + 1, b.who, "the carry");
  b.carry = lua_gettop(L);
  if (cjl_leaves(L, b.carry) == 0)
    return cjl_argerror(L, b.who, f + 1, "carry", "a tensor or a table of tensors", f + 1);
  (void)trace_body(&b, f, true);
  if (b.ys) return cjl_error(L, "%s: f returned two values, only the carry was wanted", b.who);
  lua_pop(L, 1);
  return 1;
}

void cjl_open_control(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"scan", scan}, {"fori", fori}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
