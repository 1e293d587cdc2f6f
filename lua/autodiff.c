/*
** autodiff.c -- derivatives of Lua functions: read arguments into a structure and flat inputs, run f on traced
** tensors, let the core derive, and hand the results out in the structures they came in.
*/
#include "tracing.h"

#include <string.h>

/* What is asked for, and what was said about it. */
typedef struct drive {
  const char *who;
  cj_request rq;
  bool scalar;     /* f must return one number */
  bool aux;        /* f returns (outputs, something else), which is handed through */
  bool also_value; /* the outputs after the derivative, not before it */
  bool list;       /* argnums was a table */
  bool verbose;    /* print how it is computed */
  int nargnums;
  int64_t argnum[16];
} drive;

/* --- options --------------------------------------------------------------------- */

static const char *const option_names[] = {"strategy",     "vectorize", "chunk_size", "max_bytes",
                                           "create_graph", "strict",    "has_aux",    "argnums",
                                           "return_value", "verbose",   NULL};

static bool option_bool(lua_State *L, const drive *d, int opts, const char *name, bool otherwise) {
  bool b = otherwise;
  if (lua_getfield(L, opts, name) == LUA_TBOOLEAN)
    b = lua_toboolean(L, -1);
  else if (!lua_isnil(L, -1))
    cjl_argerror(L, d->who, 0, name, "a boolean", -1);
  lua_pop(L, 1);
  return b;
}

static int64_t option_size(lua_State *L, const drive *d, int opts, const char *name) {
  int64_t n = 0;
  if (lua_getfield(L, opts, name) != LUA_TNIL && (!cjl_integer(L, -1, &n) || n <= 0))
    cjl_argerror(L, d->who, 0, name, "a positive integer", -1);
  lua_pop(L, 1);
  return n;
}

static void read_strategy(lua_State *L, drive *d, int opts) {
  static const struct {
    const char *name;
    cj_strategy s;
  } known[] = {{"auto", CJ_AUTO}, {"reverse-mode", CJ_REVERSE}, {"forward-mode", CJ_FORWARD}, {"sparse", CJ_SPARSE}};
  if (lua_getfield(L, opts, "strategy") != LUA_TNIL) {
    const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    size_t i = 0, n = sizeof known / sizeof *known;
    while (i < n && strcmp(known[i].name, s) != 0) i++;
    if (i == n)
      cjl_error(L, "%s: option 'strategy': expected \"auto\", \"reverse-mode\", \"forward-mode\" or \"sparse\", got %s",
                d->who, cjl_describe(L, -1));
    d->rq.strategy = known[i].s;
  }
  lua_pop(L, 1);
}

static void add_argnum(lua_State *L, drive *d, int idx) {
  int64_t i;
  if (!cjl_integer(L, idx, &i) || i == 0)
    cjl_argerror(L, d->who, 0, "argnums", "a number of an argument, from 1, or a table of them", idx);
  if (d->nargnums == (int)(sizeof d->argnum / sizeof *d->argnum))
    cjl_error(L, "%s: option 'argnums': more than %d arguments", d->who, d->nargnums);
  d->argnum[d->nargnums++] = i;
}

static void read_argnums(lua_State *L, drive *d, int opts) {
  int type = lua_getfield(L, opts, "argnums");
  if (type == LUA_TTABLE) {
    d->list = true;
    d->nargnums = 0;
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (n == 0) cjl_error(L, "%s: option 'argnums': the table is empty", d->who);
    for (lua_Integer i = 1; i <= n; i++) {
      lua_rawgeti(L, -1, i);
      add_argnum(L, d, -1);
      lua_pop(L, 1);
    }
  } else if (type != LUA_TNIL) {
    d->nargnums = 0;
    add_argnum(L, d, -1);
  }
  lua_pop(L, 1);
}

/* Reads the options at opts, if there are any. */
static void read_options(lua_State *L, drive *d, int opts) {
  if (lua_isnoneornil(L, opts)) return;
  if (lua_type(L, opts) != LUA_TTABLE) cjl_argerror(L, d->who, opts, "options", "a table", opts);
  cjl_checkoptions(L, opts, d->who, option_names);
  read_strategy(L, d, opts);
  read_argnums(L, d, opts);
  d->rq.chunk = option_size(L, d, opts, "chunk_size");
  if (!option_bool(L, d, opts, "vectorize", true)) d->rq.chunk = 1;
  d->rq.max_bytes = (size_t)option_size(L, d, opts, "max_bytes");
  d->rq.detach = !option_bool(L, d, opts, "create_graph", true);
  d->rq.graph = option_bool(L, d, opts, "create_graph", false); /* it was asked for by name */
  d->rq.strict = option_bool(L, d, opts, "strict", false);
  d->aux = option_bool(L, d, opts, "has_aux", false);
  d->verbose = option_bool(L, d, opts, "verbose", false);
  if (option_bool(L, d, opts, "return_value", false) && !d->rq.value) d->rq.value = d->also_value = true;
}

/* A table that has nothing but known options in it, and is not v. */
static bool isoptions(lua_State *L, int idx) {
  if (lua_type(L, idx) != LUA_TTABLE) return false;
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    const char *const *n = option_names;
    while (*n && strcmp(*n, key) != 0) n++;
    if (!*n) {
      lua_pop(L, 2);
      return false;
    }
  }
  return true;
}

/* --- has_aux ------------------------------------------------------------------------- */

/* Replaces the value on top by one in which tensors of the trace are their numbers now. */
static void settle(lua_State *L, cjl_state *S, const drive *d, uint32_t trace, int depth) {
  int t = lua_gettop(L);
  const cjl_tensor *h = cjl_test(L, S, t);
  if (h && h->v.kind == CJ_TRACED && h->v.u.at.trace == trace) {
    (void)cjl_concrete(L, S, h, d->who);
    lua_replace(L, t);
  } else if (lua_type(L, t) == LUA_TTABLE) {
    if (depth == 200) cjl_error(L, "%s: aux is nested too deeply", d->who);
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, t);) {
      settle(L, S, d, trace, depth + 1);
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, t + 1);
    }
    lua_replace(L, t);
  }
}

/* --- the driver ------------------------------------------------------------------------ */

static bool isinput(cj_want w) { return w == CJ_VJP || w == CJ_VHP || w == CJ_HVP; }

/* Pushes what is derived, in the structure it has, with empty handles; slots: for all of them. */
static void push_derived(lua_State *L, const drive *d, int in, int out, cjl_slots *slots) {
  slots->inner = d->rq.want == CJ_JACOBIAN || d->rq.want == CJ_HESSIAN ? in : 0;
  cjl_buildslots(L, d->rq.want == CJ_HESSIAN || isinput(d->rq.want) ? in : out, slots);
}

static int count_results(const drive *d, int nx, int ny) {
  int values = d->rq.value ? ny : 0;
  switch (d->rq.want) {
  case CJ_JACOBIAN: return values + nx * ny;
  case CJ_HESSIAN: return values + nx * nx;
  case CJ_JVP: return values + ny;
  default: return values + nx;
  }
}

/* Where things are on the stack. */
typedef struct frame {
  uint32_t trace;
  int in, out, v, aux; /* structures; v: the value as it was given; 0: not there */
} frame;

/* A gradient is that of one number. */
static void check_scalar(lua_State *L, cjl_state *S, const drive *d, int out, int ny) {
  cj_type t;
  cj_val y;
  if (ny != 1) cjl_error(L, "%s: f should return one tensor with one element; it returned %d tensors", d->who, ny);
  (void)cjl_values(L, out, &y);
  CJL_TRY(L, S, d->who, cj_val_type(S->ctx, &y, &t));
  if (cj_type_count(&t) == 1) return;
  cjl_pushshape(L, &t);
  cjl_error(L, "%s: f should return one tensor with one element; it returned shape %s", d->who, lua_tostring(L, -1));
}

/* What the core has to say, until it can be printed. */
typedef struct explanation {
  size_t n;
  char text[1024];
} explanation;

static cj_status note_explanation(void *ud, const char *s, size_t n) {
  explanation *e = ud;
  for (size_t i = 0; i < n && e->n + 1 < sizeof e->text; i++) e->text[e->n++] = s[i];
  return CJ_OK;
}

/* Through the host's print, which may show text somewhere else than on the standard output. */
static void print_explanation(lua_State *L, const drive *d, const explanation *e) {
  if (lua_getglobal(L, "print") == LUA_TFUNCTION) {
    size_t n = e->n && e->text[e->n - 1] == '\n' ? e->n - 1 : e->n;
    lua_pushfstring(L, "%s: ", d->who);
    lua_pushlstring(L, e->text, n);
    lua_concat(L, 2);
    lua_call(L, 1, 0);
  } else {
    lua_pop(L, 1);
  }
}

/* Ends the trace and pushes the results: values, derivatives, aux, in the order of d. */
static int finish(lua_State *L, cjl_state *S, const drive *d, const frame *f) {
  int nx = cjl_leaves(L, f->in), ny = cjl_leaves(L, f->out), nv = 0, vstructure = 0, got = 0;
  if ((int64_t)nx * (nx > ny ? nx : ny) > 1 << 24)
    return cjl_error(L, "%s: %d inputs and %d outputs are too many", d->who, nx, ny);
  if (d->scalar) check_scalar(L, S, d, f->out, ny);
  if (f->v) {
    cjl_structure(L, S, f->v, d->who, "v");
    vstructure = lua_gettop(L);
    nv = cjl_leaves(L, vstructure);
  }
  int n = count_results(d, nx, ny);
  cj_val few[3][CJL_FEW], *y = cjl_room(L, few[0], ny), *v = cjl_room(L, few[1], nv), *out = cjl_room(L, few[2], n);
  cjl_tensor *fewslots[CJL_FEW];
  cjl_slots slots = {.slot = cjl_slotroom(L, fewslots, n)};
  cjl_pushslots(L, S, &slots, n);
  int first = lua_gettop(L) + 1;
  if (d->rq.value) cjl_buildslots(L, f->out, &slots);
  push_derived(L, d, f->in, f->out, &slots);
  if (d->also_value) lua_insert(L, first);
  if (f->aux) lua_pushvalue(L, f->aux);
  (void)cjl_values(L, f->out, y);
  if (nv) (void)cjl_values(L, vstructure, v);
  explanation said; /* not all zeros: it is long, and hardly ever wanted */
  said.n = 0;
  cj_request rq = d->rq;
  rq.explain = d->verbose ? note_explanation : NULL;
  rq.explain_ud = &said;
  rq.place = slots.at ? cjl_placeslot : NULL;
  rq.place_ud = &slots;
  cj_status s = cj_trace_derive(S->ctx, f->trace, y, ny, &rq, v, nv, out, n, &got);
  if (s != CJ_OK) return cjl_raise(L, S, s, d->who);
  cjl_fillslots(L, S, &slots, out);
  if (d->verbose) print_explanation(L, d, &said);
  return lua_gettop(L) - first + 1;
}

/* Calls f, which is below its nargs arguments on the stack, and derives. */
static int call_and_finish(lua_State *L, cjl_state *S, const drive *d, frame *f, int nargs) {
  int first = lua_gettop(L) - nargs;
  lua_call(L, nargs, LUA_MULTRET);
  int n = lua_gettop(L) - first + 1;
  if (d->aux) {
    if (n != 2) return cjl_error(L, "%s: with has_aux f must return two values, it returned %d", d->who, n);
    settle(L, S, d, f->trace, 0);
    f->aux = first + 1;
    n = 1;
  }
  luaL_checkstack(L, 24, NULL);
  cjl_outputs(L, S, d->who, first, n);
  f->out = lua_gettop(L);
  return finish(L, S, d, f);
}

static uint32_t open_trace(lua_State *L, cjl_state *S, const drive *d) {
  uint32_t trace = cjl_opentrace(L, S, d->who);
  if (d->verbose) cj_trace_last(S->ctx, trace);
  return trace;
}

/* f at argument 1, inputs at argument 2. */
static int derive(lua_State *L, const drive *d, int v) {
  cjl_state *S = cjl_self(L);
  frame f = {.v = v};
  luaL_checkstack(L, 24, NULL);
  cjl_checkfunction(L, d->who, 1);
  cjl_checkinputs(L, S, d->who, 2);
  f.in = lua_gettop(L);
  f.trace = open_trace(L, S, d);
  lua_pushvalue(L, 1);
  return call_and_finish(L, S, d, &f, cjl_pusharguments(L, S, d->who, f.trace, f.in));
}

/* --- f, inputs[, opts] --------------------------------------------------------------------- */

static int derive_at(lua_State *L, const char *who, cj_want want, bool value) {
  drive d = {.who = who, .rq = {.size = sizeof d.rq, .want = want, .value = value}};
  lua_settop(L, 3);
  read_options(L, &d, 3);
  return derive(L, &d, 0);
}

static int jacobian(lua_State *L) { return derive_at(L, "cj.jacobian", CJ_JACOBIAN, false); }
static int hessian(lua_State *L) { return derive_at(L, "cj.hessian", CJ_HESSIAN, false); }
static int value_and_jacobian(lua_State *L) { return derive_at(L, "cj.value_and_jacobian", CJ_JACOBIAN, true); }

/* --- f, inputs[, v][, opts]: the outputs and a product ----------------------------------------- */

static int product(lua_State *L, const char *who, cj_want want) {
  drive d = {.who = who, .rq = {.size = sizeof d.rq, .want = want, .value = true}};
  bool hasv = !lua_isnoneornil(L, 3) && !(lua_isnoneornil(L, 4) && isoptions(L, 3));
  read_options(L, &d, hasv || !lua_isnoneornil(L, 4) ? 4 : 3);
  lua_settop(L, 4);
  return derive(L, &d, hasv ? 3 : 0);
}

static int vjp(lua_State *L) { return product(L, "cj.vjp", CJ_VJP); }
static int jvp(lua_State *L) { return product(L, "cj.jvp", CJ_JVP); }
static int vhp(lua_State *L) { return product(L, "cj.vhp", CJ_VHP); }
static int hvp(lua_State *L) { return product(L, "cj.hvp", CJ_HVP); }

/* --- functions that give functions: grad(f[, opts])(...) ------------------------------------------ */

/* Pushes the structure of the arguments that argnums selects, of n; at[i]: which of them argument i is. */
static void select_arguments(lua_State *L, cjl_state *S, const drive *d, int n, int *at) {
  char what[32];
  int structure = 0;
  if (d->list) {
    lua_createtable(L, 2 * d->nargnums, 0);
    structure = lua_gettop(L);
  }
  for (int k = 0; k < d->nargnums; k++) {
    int64_t i = d->argnum[k] < 0 ? d->argnum[k] + n + 1 : d->argnum[k];
    if (i < 1 || i > n)
      cjl_error(L, "%s: option 'argnums': there is no argument %I, %d were given", d->who, (LUAI_UACINT)d->argnum[k],
                n);
    if (at[i]) cjl_error(L, "%s: option 'argnums': argument %I is there twice", d->who, (LUAI_UACINT)i);
    at[i] = k + 1;
    lua_pushfstring(L, "argument %I", (LUAI_UACINT)i);
    strncpy(what, lua_tostring(L, -1), sizeof what - 1)[sizeof what - 1] = '\0';
    lua_pop(L, 1);
    cjl_structure(L, S, (int)i, d->who, what);
    if (!structure) continue;
    lua_rawseti(L, structure, 2 * k + 2);
    lua_pushinteger(L, k + 1);
    lua_rawseti(L, structure, 2 * k + 1);
  }
  if (cjl_leaves(L, -1) == 0) cjl_error(L, "%s: there is no tensor in the arguments", d->who);
}

/* Upvalues: the state, f, the drive. */
static int derive_arguments(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const drive *d = lua_touserdata(L, lua_upvalueindex(3));
  frame f = {0};
  int n = lua_gettop(L), at[251] = {0};
  if (n > 250) return cjl_error(L, "%s: too many arguments", d->who);
  luaL_checkstack(L, n + 24, "too many arguments");
  select_arguments(L, S, d, n, at);
  f.in = lua_gettop(L);
  f.trace = open_trace(L, S, d);
  cjl_pushinputs(L, S, d->who, f.trace, f.in);
  int inputs = lua_gettop(L);
  lua_pushvalue(L, lua_upvalueindex(2));
  for (int i = 1; i <= n; i++) {
    const cjl_tensor *h = at[i] ? NULL : cjl_test(L, S, i);
    if (h)
      cjl_share(L, S, h); /* what f assigns to it does not change the caller's */
    else if (!at[i])
      lua_pushvalue(L, i);
    else if (d->list)
      lua_rawgeti(L, inputs, at[i]);
    else
      lua_pushvalue(L, inputs);
  }
  return call_and_finish(L, S, d, &f, n);
}

static int make_function(lua_State *L, drive d) {
  (void)cjl_self(L);
  cjl_checkfunction(L, d.who, 1);
  lua_settop(L, 2);
  d.rq.size = sizeof d.rq;
  d.nargnums = 1;
  d.argnum[0] = 1;
  read_options(L, &d, 2);
  lua_pushvalue(L, 1);
  memcpy(lua_newuserdatauv(L, sizeof d, 0), &d, sizeof d);
  cjl_pushfunction(L, derive_arguments, 2);
  return 1;
}

static int grad(lua_State *L) {
  return make_function(L, (drive){.who = "cj.grad", .scalar = true, .rq = {.want = CJ_VJP}});
}

static int value_and_grad(lua_State *L) {
  drive d = {.who = "cj.value_and_grad", .scalar = true, .rq = {.want = CJ_VJP, .value = true}};
  return make_function(L, d);
}

static int jacrev(lua_State *L) {
  return make_function(L, (drive){.who = "cj.jacrev", .rq = {.want = CJ_JACOBIAN, .strategy = CJ_REVERSE}});
}

static int jacfwd(lua_State *L) {
  return make_function(L, (drive){.who = "cj.jacfwd", .rq = {.want = CJ_JACOBIAN, .strategy = CJ_FORWARD}});
}

void cjl_open_autodiff(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {
      {"jacobian", jacobian}, {"hessian", hessian}, {"value_and_jacobian", value_and_jacobian},
      {"vjp", vjp},           {"jvp", jvp},         {"vhp", vhp},
      {"hvp", hvp},           {"grad", grad},       {"value_and_grad", value_and_grad},
      {"jacrev", jacrev},     {"jacfwd", jacfwd},   {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
