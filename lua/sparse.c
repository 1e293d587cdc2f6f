/*
** sparse.c -- sparse tensors for scripts.  C traces, and hands the nonzeros and the holder of their pattern to the
** constructor in lua/cjac/sparse.lua, whose methods are ordinary traceable operations.  What is known of a pattern
** (places, its transpose, what solving has found out) is kept there, under its holder.
*/
#include "sparse.h"

#include <string.h>

/* --- holders of patterns ------------------------------------------------------------------ */

static int release_pattern(lua_State *L) {
  cj_pattern **p = lua_touserdata(L, 1);
  cj_pattern_release(*p);
  *p = NULL;
  return 0;
}

static cj_pattern **new_holder(lua_State *L) {
  cj_pattern **p = lua_newuserdatauv(L, sizeof(cj_pattern *), 0);
  *p = NULL;
  if (luaL_newmetatable(L, CJL_PATTERN)) {
    lua_pushcfunction(L, release_pattern);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, CJL_PATTERN);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  return p;
}

/* Pushes the table address -> holder, which does not keep them. */
static void push_holders(lua_State *L) {
  if (luaL_getsubtable(L, LUA_REGISTRYINDEX, "cjac.patterns")) return;
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

/* The holder on top: replaced by the one that its pattern has already. */
static void only_holder(lua_State *L) {
  cj_pattern **p = lua_touserdata(L, -1);
  push_holders(L);
  if (lua_rawgetp(L, -1, *p) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, *p);
    lua_pop(L, 1);
    return;
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void cjl_pushpattern(lua_State *L, cj_pattern *p) {
  cj_pattern **own = new_holder(L);
  *own = cj_pattern_retain(p);
  only_holder(L);
}

static cj_pattern *pattern_at(lua_State *L, int idx) { return *(cj_pattern **)luaL_checkudata(L, idx, CJL_PATTERN); }

/* --- tracing ----------------------------------------------------------------------------------- */

/* A function that has been run on traced tensors: stack indices, and what it gave. */
typedef struct traced {
  uint32_t trace;
  int outputs, ny;
} traced;

/* f and inputs are at 1 and 2. */
static traced run_traced(lua_State *L, cjl_state *S, const char *who) {
  traced t;
  lua_settop(L, 2);
  luaL_checkstack(L, 24, NULL);
  cjl_checkfunction(L, who, 1);
  cjl_checkinputs(L, S, who, 2);
  int in = lua_gettop(L);
  t.trace = cjl_opentrace(L, S, who);
  cjl_pushinputs(L, S, who, t.trace, in);
  int inputs = lua_gettop(L), first = inputs + 1;
  lua_pushvalue(L, 1);
  lua_call(L, cjl_spreadinputs(L, inputs), LUA_MULTRET);
  luaL_checkstack(L, 24, NULL);
  cjl_outputs(L, S, who, first, lua_gettop(L) - first + 1);
  t.outputs = lua_gettop(L);
  t.ny = cjl_leaves(L, t.outputs);
  return t;
}

/* f, inputs: nonzeros, holder of the pattern. */
static int derive(lua_State *L, cj_want want, const char *who) {
  cjl_state *S = cjl_self(L);
  cj_request rq = {.size = sizeof rq, .want = want};
  cjl_tensor *slot;
  cjl_slots slots = {.slot = &slot};
  cj_val few[16], out;
  int got;
  traced t = run_traced(L, S, who);
  cj_val *y = cjl_room(L, few, t.ny);
  cj_pattern **p = new_holder(L);
  int holder = lua_gettop(L);
  slots.slot[slots.n++] = cjl_slot(L);
  (void)cjl_values(L, t.outputs, y);
  cj_status s = cj_trace_sparse(S->ctx, t.trace, y, t.ny, &rq, &out, 1, &got, p);
  if (s != CJ_OK) return cjl_raise(L, S, s, who);
  cjl_fillslots(L, S, &slots, &out);
  lua_pushvalue(L, holder);
  only_holder(L);
  return 2;
}

static int jacobian(lua_State *L) { return derive(L, CJ_NONZEROS, "cj.sparse_jacobian"); }
static int hessian(lua_State *L) { return derive(L, CJ_HESSIAN_NONZEROS, "cj.sparse_hessian"); }

/* f, inputs: holder of the pattern of the Jacobian. */
static int sparsity(lua_State *L) {
  static const char who[] = "cj.sparsity";
  cjl_state *S = cjl_self(L);
  cj_val few[16];
  traced t = run_traced(L, S, who);
  cj_val *y = cjl_room(L, few, t.ny);
  cj_func **f = cjl_funcbox(L);
  cj_pattern **p = new_holder(L);
  (void)cjl_values(L, t.outputs, y);
  cj_status s = cj_trace_close(S->ctx, t.trace, y, t.ny, f);
  if (s != CJ_OK) return cjl_raise(L, S, s, who);
  CJL_TRY(L, S, who, cj_func_sparsity(*f, p));
  return 1;
}

/* --- patterns --------------------------------------------------------------------------------------- */

static int64_t *push_numbers(lua_State *L, cjl_state *S, int64_t n, const char *who) {
  cj_type t;
  if (cj_type_make(CJ_I64, 1, &n, &t) != CJ_OK) cjl_error(L, "%s: too many entries", who);
  return cjl_new(L, S, &t, who);
}

/* holder: rows, columns, nonzeros. */
static int sizes(lua_State *L) {
  cj_csr m;
  cj_pattern_sizes(pattern_at(L, 1), &m);
  lua_pushinteger(L, (lua_Integer)m.rows);
  lua_pushinteger(L, (lua_Integer)m.cols);
  lua_pushinteger(L, (lua_Integer)m.nnz);
  return 3;
}

/* holder: rows, columns, starts of rows; all counted from 1. */
static int places(lua_State *L) {
  static const char who[] = "S:coo";
  cjl_state *S = cjl_self(L);
  cj_csr m;
  CJL_TRY(L, S, who, cj_pattern_csr(pattern_at(L, 1), &m));
  int64_t *row = push_numbers(L, S, m.nnz, who), *col = push_numbers(L, S, m.nnz, who),
          *start = push_numbers(L, S, m.rows + 1, who);
  for (int64_t i = 0; i < m.rows; i++)
    for (int64_t k = m.rowptr[i]; k < m.rowptr[i + 1]; k++) {
      row[k] = i + 1;
      col[k] = m.col[k] + 1;
    }
  for (int64_t i = 0; i <= m.rows; i++) start[i] = m.rowptr[i] + 1;
  return 3;
}

/* holder: holder of the transpose, and which nonzero each of its own is. */
static int transpose(lua_State *L) {
  static const char who[] = "S:t";
  cjl_state *S = cjl_self(L);
  cj_csr m;
  cj_pattern_sizes(pattern_at(L, 1), &m);
  cj_pattern **t = new_holder(L);
  int64_t *place = push_numbers(L, S, m.nnz, who);
  CJL_TRY(L, S, who, cj_pattern_transpose(pattern_at(L, 1), place, t));
  for (int64_t k = 0; k < m.nnz; k++) place[k]++;
  return 2;
}

/* The int64 vector at idx; pushed. */
static const int64_t *numbers_at(lua_State *L, cjl_state *S, int idx, const char *who, const char *name, int64_t *n) {
  const cjl_tensor *h = cjl_check(L, S, idx, who, name);
  cj_type t = cjl_typeof(L, S, h, who);
  if (t.dtype != CJ_I64 || t.rank != 1) cjl_argerror(L, who, idx, name, "an int64 tensor of shape [n]", idx);
  *n = t.dim[0];
  return cjl_data(cjl_concrete(L, S, h, who));
}

/* rows, columns, how many rows, columns: holder, and which nonzero each entry is. */
static int from_entries(lua_State *L) {
  static const char who[] = "cj.sparse";
  cjl_state *S = cjl_self(L);
  int64_t m = cjl_checkint(L, 3, who, "rows"), n = cjl_checkint(L, 4, who, "columns"), count, other;
  const int64_t *row = numbers_at(L, S, 1, who, "row", &count), *col = numbers_at(L, S, 2, who, "col", &other);
  if (count != other) return cjl_error(L, "%s: %I rows, but %I columns", who, (LUAI_UACINT)count, (LUAI_UACINT)other);
  int64_t *own[2];
  for (int k = 0; k < 2; k++) {
    own[k] = lua_newuserdatauv(L, (size_t)count * sizeof(int64_t) + 1, 0);
    for (int64_t e = 0; e < count; e++) own[k][e] = (k ? col : row)[e] - 1;
  }
  cj_pattern **p = new_holder(L);
  int64_t *place = push_numbers(L, S, count, who);
  CJL_TRY(L, S, who, cj_pattern_new(S->ctx, m, n, count, own[0], own[1], place, p));
  for (int64_t e = 0; e < count; e++) place[e]++;
  return 2;
}

/* holder, kind: colours of rows, of columns (from 1; 0: none), and how many. */
static int coloring(lua_State *L) {
  static const char who[] = "cj.coloring";
  static const char *const kinds[] = {"column", "row", "star", "bidirectional"};
  cjl_state *S = cjl_self(L);
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  int kind = 0;
  int64_t n[2];
  cj_csr m;
  while (kind < 4 && strcmp(kinds[kind], name) != 0) kind++;
  if (kind == 4) cjl_argerror(L, who, 0, "kind", "\"column\", \"row\", \"star\" or \"bidirectional\"", 2);
  cj_pattern_sizes(pattern_at(L, 1), &m);
  int64_t *row = push_numbers(L, S, m.rows, who), *col = push_numbers(L, S, m.cols, who);
  CJL_TRY(L, S, who, cj_pattern_color(pattern_at(L, 1), (cj_coloring)kind, row, col, &n[0], &n[1]));
  for (int64_t i = 0; i < m.rows; i++) row[i]++;
  for (int64_t j = 0; j < m.cols; j++) col[j]++;
  lua_pushinteger(L, (lua_Integer)n[0]);
  lua_pushinteger(L, (lua_Integer)n[1]);
  return 4;
}

/* --- solving ------------------------------------------------------------------------------------------- */

#define SOLVER "cjac.solver"

typedef struct held_solver {
  cj_solver *solver;
  const cj_tensor *factored; /* these entries, which the user value keeps; NULL: none */
} held_solver;

static int release_solver(lua_State *L) {
  held_solver *s = lua_touserdata(L, 1);
  cj_solver_release(s->solver);
  s->solver = NULL;
  return 0;
}

/* holder: what solves systems with such matrices. */
static int solver(lua_State *L) {
  cjl_state *S = cjl_self(L);
  held_solver *s = lua_newuserdatauv(L, sizeof *s, 1);
  *s = (held_solver){NULL, NULL};
  if (luaL_newmetatable(L, SOLVER)) {
    lua_pushcfunction(L, release_solver);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, SOLVER);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  CJL_TRY(L, S, "S:solve", cj_solver_new(pattern_at(L, 1), &s->solver));
  return 1;
}

/* A float64 tensor that is not of a trace. */
static const cjl_tensor *known_numbers(lua_State *L, cjl_state *S, int idx, const char *name) {
  const cjl_tensor *h = cjl_check(L, S, idx, "S:solve", name);
  if (h->v.kind != CJ_TRACED) return h;
  cjl_error(L,
            "S:solve: %s is a value of a traced function; sparse solves are not traced, cj.linalg.solve of "
            "S:to_dense() is",
            name);
  return NULL;
}

/* solver, entries, b [k, n]: x [k, n]. */
static int solve(lua_State *L) {
  static const char who[] = "S:solve";
  cjl_state *S = cjl_self(L);
  held_solver *s = luaL_checkudata(L, 1, SOLVER);
  cj_tensor *value = cjl_concrete(L, S, known_numbers(L, S, 2, "S"), who);
  int entries = lua_gettop(L);
  if (s->factored != value) {
    s->factored = NULL;
    CJL_TRY(L, S, who, cj_solver_factor(s->solver, cjl_data(value)));
    lua_pushvalue(L, entries);
    lua_setiuservalue(L, 1, 1);
    s->factored = value;
  }
  const cj_tensor *b = cjl_concrete(L, S, known_numbers(L, S, 3, "b"), who);
  const cj_type *t = cj_tensor_type(b);
  double *x = cjl_new(L, S, t, who);
  memcpy(x, cjl_data(b), cj_type_bytes(t));
  CJL_TRY(L, S, who, cj_solver_solve(s->solver, false, t->dim[0], x));
  return 1;
}

/* --- the module --------------------------------------------------------------------------------------------- */

/* The functions of the script side are made by cjac.sparse of the module and these. */
void cjl_open_sparse(lua_State *L, cjl_state *S) {
  static const cjl_reg core[] = {{"jacobian", jacobian},
                                 {"hessian", hessian},
                                 {"sparsity", sparsity},
                                 {"sizes", sizes},
                                 {"places", places},
                                 {"transpose", transpose},
                                 {"from_entries", from_entries},
                                 {"coloring", coloring},
                                 {"solver", solver},
                                 {"solve", solve},
                                 {NULL, NULL}};
  (void)S;
  cjl_pushscript(L, "cjac.sparse");
  lua_pushvalue(L, -2);
  lua_newtable(L);
  cjl_register(L, core, false);
  lua_call(L, 2, 1);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_NEWSPARSE);
}
