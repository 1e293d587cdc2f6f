/*
** direct.c -- calling a compiled function again as it was called last: at the same types, with tensors for arguments
** and results.  Then no structure is walked and no version is looked for.  Whatever does not go well is left to
** compiled.c, which begins anew.
*/
#include "compiled.h"

/* The handle at idx, whose metatable stays on the stack, as what a result of type t is written to. */
static bool take_target(lua_State *L, const cjl_state *S, int idx, const cj_type *t, cj_val *y) {
  const cjl_tensor *h = lua_touserdata(L, idx);
  if (!h || !lua_getmetatable(L, idx)) return false;
  const void *meta = lua_topointer(L, -1);
  if (meta != S->meta && meta != S->plain) return false;
  *y = h->v;
  if (y->kind == CJ_SMALL) return cjl_sametype(y->u.small->type, t);
  return y->kind == CJ_TENSOR && cjl_sametype(cj_tensor_type(y->u.tensor), t) && cj_tensor_edit(y->u.tensor);
}

/* Where the results go; several are pushed, out being the top. */
static bool take_targets(lua_State *L, const cjl_state *S, cjl_version *v, int out) {
  int n = v->nret;
  if (n == 1) return take_target(L, S, out, v->result[0].type, v->y);
  if (lua_type(L, out) != LUA_TTABLE) return false;
  int first = out + 1;
  lua_settop(L, out);
  for (int i = 0; i < n; i++) lua_rawgeti(L, out, i + 1);
  for (int i = 0; i < n; i++)
    if (!take_target(L, S, first + i, v->result[i].type, &v->y[i])) return false;
  lua_settop(L, first + n - 1);
  return true;
}

/* The handles of new results, which no script has seen. */
typedef struct fresh {
  cjl_tensor *h[CJL_DIRECTMOST];
  size_t room[CJL_DIRECTMOST];
  int n;
} fresh;

static bool push_fresh_handles(lua_State *L, const cjl_version *v, fresh *f) {
  f->n = v->nret;
  for (int i = 0; i < f->n; i++)
    if (!(f->room[i] = v->result[i].room)) return false;
  for (int i = 0; i < f->n; i++) { /* from here on v may be gone */
    f->h[i] = lua_newuserdatauv(L, sizeof(cjl_tensor) + f->room[i], 0);
    f->h[i]->v.kind = CJ_NONE;
    cjl_pushuser(L, CJL_PLAIN);
    lua_setmetatable(L, -2);
  }
  return true;
}

static bool place_fresh(const cjl_state *S, cjl_version *v, const fresh *f) {
  if (v->nret != f->n) return false;
  for (int i = 0; i < f->n; i++) {
    const cj_small *own = cjl_placein(S, f->h[i], f->room[i], v->result[i].type);
    if (!own) return false;
    v->y[i] = (cj_val){.kind = CJ_SMALL, .u.small = own};
  }
  return true;
}

static bool take_arguments(lua_State *L, cjl_state *S, const cjl_signature *s, int n) {
  if (n != s->narg) return false;
  for (int i = 0; i < n; i++)
    if (!cjl_matchleaf(L, S, 2 + i, &s->type[i], &s->x[i]) || s->x[i].kind == CJ_TRACED) return false;
  return true;
}

static cjl_version *last_used(const cjl_compiled *F) {
  cjl_version *v = F->first ? F->first->first : NULL;
  return v && v->direct ? v : NULL;
}

/* Runs v at the arguments in its signature, into v->y. */
static bool run_direct(lua_State *L, cjl_state *S, cjl_version *v, uint64_t id) {
  bool valid = true;
  if (cj_compiled_call(v->k, v->sig->x, v->sig->nx, v->y, &valid) != CJ_OK) return false;
  if (!valid) return cjl_missed(L, v, id), false;
  cjl_servedversion(S, v, false);
  return true;
}

static int write_results(lua_State *L, cjl_state *S, cjl_version *v, uint64_t id, int n, int out) {
  if (!take_arguments(L, S, v->sig, n) || !take_targets(L, S, v, out) || !run_direct(L, S, v, id)) return -1;
  if (v->nret == 1) lua_settop(L, out);
  return v->nret;
}

/* Making handles may run finalizers, and these the function. */
static int new_results(lua_State *L, cjl_state *S, const cjl_compiled *F, uint64_t id, int n) {
  fresh f;
  cjl_version *v = last_used(F);
  if (!push_fresh_handles(L, v, &f)) return -1;
  int top = lua_gettop(L);
  if (!(v = last_used(F)) || !take_arguments(L, S, v->sig, n) || !place_fresh(S, v, &f) || !run_direct(L, S, v, id))
    return -1;
  for (int i = 0; i < f.n; i++) f.h[i]->v = v->y[i];
  lua_settop(L, top);
  return f.n;
}

int cjl_calldirect(lua_State *L, cjl_state *S, const cjl_compiled *F, uint64_t id, int n, int out) {
  cjl_version *v = last_used(F);
  if (!v || n > CJL_DIRECTMOST) return -1;
  return out ? write_results(L, S, v, id, n, out) : new_results(L, S, F, id, n);
}
