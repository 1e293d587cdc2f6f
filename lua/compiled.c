/* compiled.c -- calling compiled functions: no Lua runs, and nothing is allocated but results. */
#include "compiled.h"

#include <string.h>

cjl_compiled *cjl_checkcompiled(lua_State *L, int idx, const char *who) {
  cjl_compiled *F = luaL_testudata(L, idx, CJL_COMPILED);
  if (!F) cjl_argerror(L, who, idx, "F", "a compiled function", idx);
  return F;
}

void cjl_pushanchored(lua_State *L, int self, const void *p) {
  lua_getiuservalue(L, self, CJL_CANCHORS);
  lua_rawgetp(L, -1, p);
  lua_remove(L, -2);
}

/* --- order of use ------------------------------------------------------------------------------------ */

static void first_signature(cjl_compiled *F, cjl_signature *s) {
  cjl_signature **p = &F->first;
  if (*p == s) return;
  while (*p && *p != s) p = &(*p)->next;
  if (!*p) return;
  *p = s->next;
  s->next = F->first;
  F->first = s;
}

void cjl_usedversion(cjl_compiled *F, cjl_version *v) {
  cjl_version **p = &v->sig->first;
  first_signature(F, v->sig);
  if (*p == v) return;
  while (*p && *p != v) p = &(*p)->next;
  if (!*p) return;
  *p = v->next;
  v->next = v->sig->first;
  v->sig->first = v;
}

void cjl_dropversion(lua_State *L, int self, cjl_version *v) {
  cjl_version **p = &v->sig->first;
  while (*p && *p != v) p = &(*p)->next;
  if (!*p) return;
  *p = v->next;
  v->sig->nversion--;
  lua_getiuservalue(L, self, CJL_CANCHORS);
  lua_pushnil(L);
  lua_rawsetp(L, -2, v);
  lua_pop(L, 1);
}

/* --- arguments against a signature ----------------------------------------------------------------------- */

static bool sametype(const cj_type *a, const cj_type *b) {
  return a->dtype == b->dtype && a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

static bool match_leaf(lua_State *L, cjl_state *S, int idx, const cj_type *t, cj_val *x) {
  cj_type have;
  if (lua_type(L, idx) == LUA_TNUMBER) {
    *x = cjl_num(lua_tonumber(L, idx));
    return t->dtype == CJ_F64 && t->rank == 0;
  }
  const cjl_tensor *h = cjl_test(L, S, idx);
  if (!h || h->v.kind == CJ_NONE) return false;
  *x = h->v;
  if (x->kind == CJ_TENSOR) return sametype(cj_tensor_type(x->u.tensor), t);
  return cj_val_type(S->ctx, x, &have) == CJ_OK && sametype(&have, t);
}

typedef struct matching {
  lua_State *L;
  cjl_state *S;
  cjl_signature *s;
  int at; /* leaves so far */
} matching;

static bool has_entries(lua_State *L, int table, lua_Integer n) {
  lua_Integer found = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) found++;
  return found == n;
}

/* The value on top against the structure below it. */
static bool match_tree(matching *m) {
  lua_State *L = m->L;
  int value = lua_gettop(L), structure = value - 1;
  if (lua_type(L, structure) != LUA_TTABLE) {
    int i = m->at++;
    return match_leaf(L, m->S, value, &m->s->type[i], &m->s->x[i]);
  }
  if (lua_type(L, value) != LUA_TTABLE) return false;
  lua_Integer len = (lua_Integer)lua_rawlen(L, structure);
  luaL_checkstack(L, 8, NULL);
  if (!has_entries(L, value, len / 2)) return false;
  for (lua_Integer i = 2; i <= len; i += 2) {
    lua_rawgeti(L, structure, i);
    lua_rawgeti(L, structure, i - 1);
    lua_rawget(L, value);
    if (!match_tree(m)) return false;
    lua_settop(L, value);
  }
  return true;
}

/* Fills s->x from the n arguments from first on.  args: stack index of their structure in s, 0: all are tensors. */
static bool match_arguments(lua_State *L, cjl_state *S, cjl_signature *s, int args, int first, int n) {
  int top = lua_gettop(L);
  bool good = true;
  if (n != s->narg) return false;
  if (!args) {
    for (int i = 0; good && i < n; i++) good = match_leaf(L, S, first + i, &s->type[i], &s->x[i]);
    return good;
  }
  matching m = {L, S, s, 0};
  for (int i = 0; good && i < n; i++) {
    lua_rawgeti(L, args, 2 * i + 2);
    lua_pushvalue(L, first + i);
    good = match_tree(&m);
    lua_settop(L, top);
  }
  return good;
}

cjl_signature *cjl_findsignature(lua_State *L, cjl_state *S, int self, int first, int n) {
  cjl_compiled *F = lua_touserdata(L, self);
  for (cjl_signature *s = F->first; s; s = s->next) {
    int args = 0, top = lua_gettop(L);
    if (!s->flat && s->narg == n) {
      cjl_pushanchored(L, self, s);
      lua_getiuservalue(L, -1, 1);
      args = lua_gettop(L);
    }
    bool good = match_arguments(L, S, s, args, first, n);
    lua_settop(L, top);
    if (good) return s;
  }
  return NULL;
}

/* --- a call ---------------------------------------------------------------------------------------------------- */

typedef struct calling {
  lua_State *L;
  cjl_state *S;
  cjl_compiled *F;
  int n, out;  /* arguments, which are at stack index 2; where to write results, 0: to new tensors */
  int base;    /* top of the stack before results */
  int fresh;   /* stack index of a version made for this call, 0: none */
  bool again;  /* memory was short once */
  uint64_t id;
  int first;         /* stack index of the first result, or of the first handle to write to */
  cjl_slots slots;   /* of new results */
  cjl_tensor *few[CJL_FEW];
} calling;

static void push_version(const calling *c, const cjl_version *v) {
  if (c->fresh && lua_touserdata(c->L, c->fresh) == v)
    lua_pushvalue(c->L, c->fresh);
  else
    cjl_pushanchored(c->L, 1, v);
}

/* --- results that are new --- */

/* Pushes empty handles for the results of v, in their structure. */
static void push_slots(calling *c, const cjl_version *v) {
  lua_State *L = c->L;
  c->slots = (cjl_slots){cjl_slotroom(L, c->few, v->ny), 0, 0};
  c->first = lua_gettop(L) + 1;
  if (v->flat) {
    luaL_checkstack(L, v->nret + 8, "too many results");
    for (int i = 0; i < v->nret; i++) cjl_leafslot(L, &c->slots);
    return;
  }
  push_version(c, v);
  lua_getiuservalue(L, -1, CJL_VRESULTS);
  lua_replace(L, -2); /* the structure stands below the results */
  int structure = c->first++;
  luaL_checkstack(L, v->nret + 8, "too many results");
  for (int i = 0; i < v->nret; i++) {
    lua_rawgeti(L, structure, 2 * i + 2);
    cjl_build(L, -1, cjl_leafslot, &c->slots);
    lua_remove(L, -2);
  }
}

static bool samelayout(const cjl_version *a, const cjl_version *b) {
  return a == b || (a->flat && b->flat && a->nret == b->nret && a->sparse == b->sparse);
}

static int push_sparse(calling *c, const cjl_version *v) {
  lua_State *L = c->L;
  int value = lua_gettop(L);
  cjl_pushuser(L, CJL_NEWSPARSE);
  lua_pushvalue(L, value);
  push_version(c, v);
  lua_getiuservalue(L, -1, CJL_VROW);
  lua_getiuservalue(L, -2, CJL_VCOL);
  lua_remove(L, -3);
  lua_pushinteger(L, (lua_Integer)v->rows);
  lua_pushinteger(L, (lua_Integer)v->cols);
  lua_call(L, 5, 1);
  return 1;
}

static int give_new(calling *c, const cjl_version *v) {
  bool sparse = v->sparse;
  int nret = v->nret, ny = v->ny;
  if (sparse) push_version(c, v); /* weighing may drop it */
  for (int i = 0; i < ny; i++) c->slots.slot[i]->v = v->y[i];
  for (int i = 0; i < ny; i++) cjl_weigh(c->L, c->S, &c->slots.slot[i]->v);
  if (!sparse) return nret;
  lua_insert(c->L, c->first);
  c->fresh = c->first;
  return push_sparse(c, v);
}

/* --- results for tensors of the caller --- */

/* Pushes the handles in the value on top, whose structure is below it. */
static bool push_given(calling *c) {
  lua_State *L = c->L;
  int value = lua_gettop(L), structure = value - 1;
  if (lua_type(L, structure) != LUA_TTABLE) {
    const cjl_tensor *h = cjl_test(L, c->S, value);
    if (!h || h->v.kind == CJ_NONE) return false;
    lua_remove(L, structure); /* one handle takes the place of both */
    return true;
  }
  if (lua_type(L, value) != LUA_TTABLE) return false;
  lua_Integer len = (lua_Integer)lua_rawlen(L, structure);
  luaL_checkstack(L, (int)len + 8, "too many results");
  for (lua_Integer i = 2; i <= len; i += 2) {
    lua_rawgeti(L, structure, i);
    lua_rawgeti(L, structure, i - 1);
    lua_rawget(L, value);
    if (!push_given(c)) return false;
  }
  lua_remove(L, value);
  lua_remove(L, structure);
  return true;
}

static bool push_given_sparse(calling *c, const cjl_version *v) {
  lua_State *L = c->L;
  if (lua_type(L, c->out) != LUA_TTABLE) return false;
  push_version(c, v);
  lua_getiuservalue(L, -1, CJL_VROW);
  lua_pushliteral(L, "row");
  lua_rawget(L, c->out);
  if (!lua_rawequal(L, -1, -2)) return false; /* of another pattern */
  lua_settop(L, c->first - 1);
  lua_pushliteral(L, "vals");
  lua_rawget(L, c->out);
  return cjl_test(L, c->S, -1) != NULL;
}

/* Pushes the ny handles that results of v are to be written to.  False: they do not have its structure. */
static bool push_targets(calling *c, const cjl_version *v) {
  lua_State *L = c->L;
  c->first = lua_gettop(L) + 1;
  if (v->sparse) return push_given_sparse(c, v);
  if (v->flat && v->nret == 1) {
    lua_pushvalue(L, c->out);
    return cjl_test(L, c->S, -1) != NULL;
  }
  push_version(c, v);
  lua_getiuservalue(L, -1, CJL_VRESULTS);
  lua_remove(L, -2);
  if (v->nret == 1) {
    lua_rawgeti(L, -1, 2);
    lua_remove(L, -2);
  }
  lua_pushvalue(L, c->out);
  return push_given(c);
}

static cjl_tensor *target(const calling *c, int i) { return lua_touserdata(c->L, c->first + i); }

/* A tensor that others see too is left to them: its handle gets another one. */
static void aim(calling *c, cjl_version *v) {
  for (int i = 0; i < v->ny; i++) {
    const cj_val *have = c->out ? &target(c, i)->v : NULL;
    bool own = have && have->kind == CJ_TENSOR && cj_tensor_edit(have->u.tensor);
    v->y[i] = own ? *have : (cj_val){.kind = CJ_NONE};
  }
}

static int wrong_target(calling *c, const cjl_version *v, int i) {
  lua_State *L = c->L;
  const cj_type *t = cj_compiled_out(v->k, i);
  cjl_pushshape(L, t);
  return cjl_error(L, "%s: option 'out': result %d is %s%s, got %s", c->F->who, i + 1, cj_dtype_name((cj_dtype)t->dtype),
                   lua_tostring(L, -1), cjl_describe(L, c->first + i));
}

static void check_targets(calling *c, cjl_version *v) {
  for (int i = 0; i < v->ny; i++) {
    const cj_val *have = &target(c, i)->v;
    if (have->kind != CJ_TENSOR || sametype(cj_tensor_type(have->u.tensor), cj_compiled_out(v->k, i))) continue;
    for (int j = 0; j < v->ny; j++)
      if (v->y[j].kind == CJ_TENSOR && target(c, j)->v.u.tensor != v->y[j].u.tensor) cj_val_release(&v->y[j]);
    wrong_target(c, v, i);
  }
}

static int give_targets(calling *c, cjl_version *v) {
  lua_State *L = c->L;
  int nret = v->nret, ny = v->ny;
  bool spread = nret > 1;
  check_targets(c, v);
  for (int i = 0; i < ny; i++) {
    cj_val *have = &target(c, i)->v;
    if (have->kind == CJ_TENSOR && v->y[i].kind == CJ_TENSOR && have->u.tensor == v->y[i].u.tensor) continue;
    cj_val old = *have;
    *have = v->y[i];
    cj_val_release(&old);
    cjl_pushuser(L, CJL_META); /* there is something to release now */
    lua_setmetatable(L, c->first + i);
  }
  if (!spread) {
    lua_pushvalue(L, c->out);
    return 1;
  }
  luaL_checkstack(L, nret + 8, "too many results");
  for (int i = 1; i <= nret; i++) lua_rawgeti(L, c->out, i);
  return nret;
}

/* --- running --- */

typedef enum outcome { HIT, MISS, AGAIN } outcome;

/* Runs v, whose arguments are in its signature, into v->y. */
static outcome run_version(calling *c, cjl_version *v) {
  bool valid = true, fresh = c->fresh != 0;
  aim(c, v);
  cj_status s = cj_compiled_call(v->k, v->sig->x, v->sig->nx, v->y, fresh && c->F->origin != CJL_MAPPED ? NULL : &valid);
  if (s == CJ_OK) return valid ? HIT : MISS;
  if (s == CJ_ENOMEM && !c->again) {
    c->again = true;
    (void)cjl_again(c->L, c->S, s, NULL, 0);
    return AGAIN;
  }
  bool doubt = !fresh && cj_compiled_nguard(v->k) && (s == CJ_EDOMAIN || s == CJ_ERANGE);
  if (doubt) return MISS;
  if (fresh) cjl_dropversion(c->L, 1, v);
  cjl_raise(c->L, c->S, s, c->F->who);
  return MISS;
}

static void missed(calling *c, cjl_version *v) {
  v->tried = c->id;
  if (++v->misses > 2 && v->fickle && !v->hit) cjl_dropversion(c->L, 1, v);
}

static int give(calling *c, cjl_version *v) {
  v->misses = 0;
  if (!c->fresh) v->hit = true;
  cjl_usedversion(c->F, v);
  return c->out ? give_targets(c, v) : give_new(c, v);
}

/* Tries the versions of the signature that the arguments have, for whose results there is room as for *v.  MISS and
** *v set: there is none for this one. */
static outcome try_versions(calling *c, cjl_version **v) {
  cjl_signature *s = cjl_findsignature(c->L, c->S, 1, 2, c->n);
  cjl_version *room = *v, *next;
  *v = NULL;
  for (cjl_version *w = s ? s->first : NULL; w; w = next) {
    next = w->next;
    if (w->tried == c->id) continue;
    if (!c->out && !samelayout(w, room)) return *v = w, MISS;
    bool fits = !c->out || (lua_settop(c->L, c->base), push_targets(c, w));
    outcome r = fits ? run_version(c, w) : MISS;
    if (r != MISS) return *v = w, r;
    missed(c, w);
  }
  return MISS;
}

static cjl_version *newest(const cjl_compiled *F) {
  for (cjl_signature *s = F->first; s; s = s->next)
    if (s->first) return s->first;
  return NULL;
}

/* How many results; -1: no version holds. */
static int run_known(calling *c) {
  cjl_version *v = newest(c->F);
  while (v) {
    uint64_t stamp = c->F->stamp;
    lua_settop(c->L, c->base);
    if (!c->out) push_slots(c, v);
    if (c->F->stamp != stamp) {
      v = newest(c->F);
      continue;
    }
    outcome r = try_versions(c, &v);
    if (r == HIT) return give(c, v);
    if (r == AGAIN) v = newest(c->F);
  }
  return -1;
}

/* --- a version for this call --- */

static void push_fresh(calling *c) {
  lua_State *L = c->L;
  lua_settop(L, c->base);
  luaL_checkstack(L, c->n + 8, "too many arguments");
  cjl_pushfunction(L, cjl_makeversion, 0);
  lua_pushvalue(L, 1);
  for (int i = 0; i < c->n; i++) lua_pushvalue(L, 2 + i);
  lua_call(L, c->n + 1, 1);
  c->fresh = lua_gettop(L);
}

static bool match_fresh(calling *c, cjl_version *v) {
  lua_State *L = c->L;
  int top = lua_gettop(L), args = 0;
  if (!v->sig->flat) {
    lua_getiuservalue(L, c->fresh, CJL_VARGS);
    args = lua_gettop(L);
  }
  bool good = match_arguments(L, c->S, v->sig, args, 2, c->n);
  lua_settop(L, top);
  return good;
}

static int run_fresh(calling *c) {
  lua_State *L = c->L;
  push_fresh(c);
  cjl_version *v = lua_touserdata(L, c->fresh);
  for (;;) {
    lua_settop(L, c->fresh);
    if (!c->out) {
      push_slots(c, v);
    } else if (!push_targets(c, v)) {
      return cjl_error(L, "%s: option 'out': expected %s, got %s", c->F->who,
                       v->flat && v->nret == 1 ? "a tensor" : "tensors as the function returns them",
                       cjl_describe(L, c->out));
    }
    if (!match_fresh(c, v)) return cjl_error(L, "%s: an argument was changed during the call", c->F->who);
    outcome r = run_version(c, v);
    if (r == HIT) return give(c, v);
    if (r == MISS) {
      cjl_dropversion(L, 1, v);
      return cjl_error(L, "%s: the instances branch in different ways; use cj.where, or call them one by one", c->F->who);
    }
  }
}

/* --- the call --- */

/* A last argument {out = ...} and nothing else in it: it gives way to what is in it. */
static int take_out(lua_State *L, const cjl_compiled *F, int *n) {
  int t = lua_gettop(L);
  if (*n < (F->nparam == 0 ? 1 : 2) || lua_type(L, t) != LUA_TTABLE) return 0;
  lua_pushnil(L);
  if (!lua_next(L, t)) return 0;
  bool named = lua_type(L, t + 1) == LUA_TSTRING && strcmp(lua_tostring(L, t + 1), "out") == 0;
  lua_pushvalue(L, t + 1);
  bool only = named && !lua_next(L, t);
  lua_settop(L, t + 2);
  if (only) lua_replace(L, t);
  lua_settop(L, t);
  if (!only) return 0;
  --*n;
  return t;
}

int cjl_callcompiled(lua_State *L) {
  calling c = {.L = L, .S = cjl_self(L), .F = lua_touserdata(L, 1)};
  if (!c.F || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(2)))
    return cjl_argerror(L, "compiled function", 1, "F", "a compiled function", 1);
  lua_pop(L, 1);
  c.n = lua_gettop(L) - 1;
  c.out = take_out(L, c.F, &c.n);
  c.base = lua_gettop(L);
  c.id = ++c.F->stamp;
  int results = run_known(&c);
  return results >= 0 ? results : run_fresh(&c);
}
