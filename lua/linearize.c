/* linearize.c -- outputs, and the linear function v -> J v, which does not run f again. */
#include "tracing.h"

#define WHO "cj.linearize"

/* Upvalues: the state, the holder of the function, the structure of the outputs. */
static int push_forward(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cj_func *f = *(cj_func **)lua_touserdata(L, lua_upvalueindex(2));
  int n = lua_gettop(L), nx = cj_func_nin(f), ny = cj_func_nout(f);
  cj_val few[2][CJL_FEW];
  cjl_tensor *fewslots[CJL_FEW];
  if (n == 0) return cjl_argerror(L, WHO, 1, "v", "a tensor or a table of tensors", 0);
  luaL_checkstack(L, 24, NULL);
  if (n == 1)
    cjl_structure(L, S, 1, WHO, "v");
  else
    cjl_structures(L, S, 1, n, WHO, "v");
  int v = lua_gettop(L), nv = cjl_leaves(L, v);
  if (nv != nx) return cjl_error(L, "%s: v has %d tensors, %d are wanted: one for each input", WHO, nv, nx);
  cj_val *x = cjl_room(L, few[0], nx), *y = cjl_room(L, few[1], ny);
  cjl_slots slots = {.slot = cjl_slotroom(L, fewslots, ny)};
  cjl_buildslots(L, lua_upvalueindex(3), &slots);
  (void)cjl_values(L, v, x);
  CJL_TRYWITH(L, S, WHO, x, nx, cj_func_apply(f, x, nx, y));
  cjl_fillslots(L, S, &slots, y);
  return 1;
}

static int linearize(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cj_val few[2][CJL_FEW];
  cjl_tensor *fewslots[CJL_FEW];
  lua_settop(L, 2);
  cjl_checkfunction(L, WHO, 1);
  cjl_checkinputs(L, S, WHO, 2);
  uint32_t trace = cjl_opentrace(L, S, WHO);
  cjl_pushinputs(L, S, WHO, trace, 3);
  lua_pushvalue(L, 1);
  lua_call(L, cjl_spreadinputs(L, 5), LUA_MULTRET);
  luaL_checkstack(L, 24, NULL);
  cjl_outputs(L, S, WHO, 6, lua_gettop(L) - 5);
  int out = lua_gettop(L), ny = cjl_leaves(L, out);
  cj_val *y = cjl_room(L, few[0], ny), *value = cjl_room(L, few[1], ny);
  cjl_slots slots = {.slot = cjl_slotroom(L, fewslots, ny)};
  cjl_buildslots(L, out, &slots);
  cj_func **f = cjl_funcbox(L);
  lua_pushvalue(L, out);
  cjl_pushfunction(L, push_forward, 2);
  (void)cjl_values(L, out, y);
  cj_status s = cj_trace_linearize(S->ctx, trace, y, ny, value, f);
  if (s != CJ_OK) return cjl_raise(L, S, s, WHO);
  cjl_fillslots(L, S, &slots, value);
  return 2;
}

void cjl_open_linearize(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"linearize", linearize}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
