/*
** sparse.c -- sparse Jacobians and Hessians for scripts.  C traces, and hands the nonzeros and their places to
** the constructor in lua/cjac/sparse.lua, whose methods are ordinary traceable operations.
*/
#include "sparse.h"

/* Holds a pattern while its places are copied. */
static int release_pattern(lua_State *L) {
  cj_pattern **p = lua_touserdata(L, 1);
  cj_pattern_release(*p);
  *p = NULL;
  return 0;
}

static cj_pattern **pattern_box(lua_State *L) {
  cj_pattern **p = lua_newuserdatauv(L, sizeof(cj_pattern *), 0);
  *p = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, release_pattern);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return p;
}

void cjl_pushplaces(lua_State *L, cjl_state *S, const cj_csr *m, const char *who) {
  cj_type t;
  (void)cj_type_make(CJ_I64, 1, &m->nnz, &t);
  int64_t *row = cjl_new(L, S, &t, who), *col = cjl_new(L, S, &t, who);
  for (int64_t i = 0; i < m->rows; i++)
    for (int64_t k = m->rowptr[i]; k < m->rowptr[i + 1]; k++) {
      row[k] = i + 1;
      col[k] = m->col[k] + 1;
    }
}

/* f, inputs, name: nonzeros, rows, columns, number of rows, of columns. */
static int derive(lua_State *L, cj_want want, const char *who) {
  cjl_state *S = cjl_self(L);
  cj_request rq = {.size = sizeof rq, .want = want};
  cjl_tensor *slot;
  cjl_slots slots = {&slot, 0, 0};
  cj_val few[16], out;
  cj_csr m;
  int got;
  lua_settop(L, 2);
  luaL_checkstack(L, 24, NULL);
  cjl_checkfunction(L, who, 1);
  cjl_checkinputs(L, S, who, 2);
  int in = lua_gettop(L);
  uint32_t trace = cjl_opentrace(L, S, who);
  cjl_pushinputs(L, S, who, trace, in);
  int inputs = lua_gettop(L), first = inputs + 1;
  lua_pushvalue(L, 1);
  lua_call(L, cjl_spreadinputs(L, inputs), LUA_MULTRET);
  luaL_checkstack(L, 24, NULL);
  cjl_outputs(L, S, who, first, lua_gettop(L) - first + 1);
  int outputs = lua_gettop(L), ny = cjl_leaves(L, outputs);
  cj_val *y = cjl_room(L, few, ny);
  cj_pattern **p = pattern_box(L);
  cjl_leafslot(L, &slots);
  int result = lua_gettop(L);
  (void)cjl_values(L, outputs, y);
  cj_status s = cj_trace_sparse(S->ctx, trace, y, ny, &rq, &out, 1, &got, p);
  if (s != CJ_OK) return cjl_raise(L, S, s, who);
  cjl_fillslots(L, S, &slots, &out);
  lua_pushvalue(L, result);
  cj_pattern_csr(*p, &m);
  cjl_pushplaces(L, S, &m, who);
  lua_pushinteger(L, (lua_Integer)m.rows);
  lua_pushinteger(L, (lua_Integer)m.cols);
  return 5;
}

static int jacobian(lua_State *L) { return derive(L, CJ_NONZEROS, "cj.sparse_jacobian"); }
static int hessian(lua_State *L) { return derive(L, CJ_HESSIAN_NONZEROS, "cj.sparse_hessian"); }

/* The functions of the script side are made by cjac.sparse of the module and the two above. */
void cjl_open_sparse(lua_State *L, cjl_state *S) {
  (void)S;
  cjl_pushscript(L, "cjac.sparse");
  lua_pushvalue(L, -2);
  cjl_pushfunction(L, jacobian, 0);
  cjl_pushfunction(L, hessian, 0);
  lua_call(L, 3, 1);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_NEWSPARSE);
}
