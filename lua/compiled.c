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

bool cjl_matchleaf(lua_State *L, cjl_state *S, int idx, const cj_type *t, cj_val *x) {
  const cjl_tensor *h = lua_touserdata(L, idx);
  cj_type have;
  if (!h || !lua_getmetatable(L, idx)) {
    if (h || lua_type(L, idx) != LUA_TNUMBER) return false;
    *x = cjl_num(lua_tonumber(L, idx));
    return t->dtype == CJ_F64 && t->rank == 0;
  }
  const void *meta = lua_topointer(L, -1);
  if ((meta != S->meta && meta != S->plain) || h->v.kind == CJ_NONE) return false;
  *x = h->v;
  if (x->kind == CJ_TENSOR) return cjl_sametype(cj_tensor_type(x->u.tensor), t);
  if (x->kind == CJ_SMALL) return cjl_sametype(x->u.small->type, t);
  return cj_val_type(S->ctx, x, &have) == CJ_OK && cjl_sametype(&have, t);
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
    return cjl_matchleaf(L, m->S, value, &m->s->type[i], &m->s->x[i]);
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

/* Fills s->x from the n arguments from first on.  args: stack index of their structure in s, 0: all are tensors.  The
** caller has room for n values on the stack, and takes them away. */
static bool match_arguments(lua_State *L, cjl_state *S, cjl_signature *s, int args, int first, int n) {
  int top = lua_gettop(L);
  bool good = true;
  if (n != s->narg) return false;
  if (!args) {
    for (int i = 0; good && i < n; i++) good = cjl_matchleaf(L, S, first + i, &s->type[i], &s->x[i]);
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
  const cjl_compiled *F = lua_touserdata(L, self);
  int top = lua_gettop(L);
  if (n > 8) luaL_checkstack(L, n + 8, "too many arguments");
  for (cjl_signature *s = F->first; s; s = s->next) {
    int args = 0;
    if (s->narg != n) continue;
    if (!s->flat) {
      cjl_pushanchored(L, self, s);
      lua_getiuservalue(L, -1, 1);
      args = top + 2;
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
  int n, out; /* arguments, from stack index 2 on; where to write results, 0: to new tensors */
  int base;   /* top of the stack before results */
  int fresh;  /* stack index of a version made for this call, 0: none */
  int first;  /* stack index of the first result, or of the first handle to write to */
  bool again; /* memory was short once */
  uint64_t id;
  /* New results: for those of the version that is on the stack, too, or for any with that many tensors. */
  const cjl_version *layout;
  bool flat, sparse;
  int nret;
  cjl_tensor **slot; /* if not flat */
} calling;

static void push_version(const calling *c, const cjl_version *v) {
  if (c->fresh && lua_touserdata(c->L, c->fresh) == v)
    lua_pushvalue(c->L, c->fresh);
  else
    cjl_pushanchored(c->L, 1, v);
}

/* --- results that are new --- */

/* Below the results of v, whose structure is tables: v, that structure, and where the handles are. */
static void push_trees(calling *c, const cjl_version *v) {
  lua_State *L = c->L;
  int nret = c->nret, structure = c->first + 1;
  push_version(c, v);
  lua_getiuservalue(L, -1, CJL_VRESULTS);
  c->slot = lua_newuserdatauv(L, (size_t)v->ny * sizeof *c->slot, 0);
  cjl_slots slots = {.slot = c->slot};
  c->first += 3;
  for (int i = 0; i < nret; i++) {
    lua_rawgeti(L, structure, 2 * i + 2);
    cjl_buildslots(L, -1, &slots);
    lua_remove(L, -2);
  }
}

/* Pushes an empty handle, with room for result i of v if it is small. */
static void push_result(lua_State *L, const cjl_version *v, int i) {
  const cj_type *t = cj_compiled_out(v->k, i);
  if (v->sparse || cj_type_bytes(t) > CJL_SMALLMOST) {
    (void)cjl_slot(L);
    return;
  }
  (void)cjl_roombox(L, t->rank, cj_type_bytes(t));
  cjl_pushuser(L, CJL_PLAIN);
  lua_setmetatable(L, -2);
}

/* Pushes empty handles for results as those of v, in their structure. */
static void push_slots(calling *c, const cjl_version *v) {
  c->layout = v;
  c->flat = v->flat;
  c->sparse = v->sparse;
  c->nret = v->nret;
  c->first = lua_gettop(c->L) + 1;
  luaL_checkstack(c->L, c->nret + 16, "too many results");
  if (!c->flat) push_trees(c, v);
  for (int i = 0; c->flat && i < c->nret; i++) push_result(c->L, v, i);
}

/* Is there room for the results of v? */
static bool fits(const calling *c, const cjl_version *v) {
  if (!c->flat) return v == c->layout;
  return v->flat && v->nret == c->nret && v->sparse == c->sparse;
}

/* The values go into the handles; one step of the collector may follow, and with it finalizers. */
static void fill_slots(calling *c, const cjl_version *v) {
  cj_val last = {.kind = CJ_NONE};
  for (int i = 0; i < v->ny; i++) {
    cjl_tensor *h = c->flat ? lua_touserdata(c->L, c->first + i) : c->slot[i];
    if (last.kind == CJ_TENSOR) c->S->debt += cj_type_bytes(cj_tensor_type(last.u.tensor));
    last = h->v = v->y[i];
    if (!c->flat || last.kind != CJ_TENSOR || lua_rawlen(c->L, c->first + i) == sizeof *h) continue;
    cjl_pushuser(c->L, CJL_META); /* made for another version: now there is something to release */
    lua_setmetatable(c->L, c->first + i);
  }
  cjl_weigh(c->L, c->S, &last);
}

static int push_sparse(calling *c, int version, int value) {
  lua_State *L = c->L;
  cjl_pushuser(L, CJL_NEWSPARSE);
  lua_pushvalue(L, value);
  lua_getiuservalue(L, version, CJL_VPATTERN);
  lua_call(L, 2, 1);
  return 1;
}

static int give_new(calling *c, const cjl_version *v) {
  int nret = v->nret;
  bool sparse = v->sparse;
  if (sparse) push_version(c, v); /* above the handle for its entries */
  fill_slots(c, v);
  return sparse ? push_sparse(c, c->first + 1, c->first) : nret;
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

/* Only a sparse tensor with the pattern of this version can take its entries. */
static bool push_given_sparse(calling *c, const cjl_version *v) {
  lua_State *L = c->L;
  if (lua_type(L, c->out) != LUA_TTABLE) return false;
  lua_getfield(L, c->out, "vals");
  push_version(c, v);
  lua_getiuservalue(L, -1, CJL_VPATTERN);
  lua_getfield(L, c->out, "pattern");
  return lua_rawequal(L, -1, -2) && cjl_test(L, c->S, c->first);
}

/* One handle cannot hold two results. */
static void check_distinct(const calling *c, const cjl_version *v) {
  for (int i = 1; i < v->ny; i++)
    for (int j = 0; j < i; j++)
      if (v->slot[i] == v->slot[j])
        cjl_error(c->L, "%s: option 'out': one tensor is given for results %d and %d", c->F->who, j + 1, i + 1);
}

/* Notes the ny handles that results of v are to be written to, which are pushed unless it is only one.  False: they do
** not have its structure. */
static bool note_targets(calling *c, cjl_version *v) {
  lua_State *L = c->L;
  bool good;
  if (v->flat && v->nret == 1 && !v->sparse) {
    c->first = c->out;
    v->slot[0] = cjl_test(L, c->S, c->out);
    return v->slot[0] && v->slot[0]->v.kind != CJ_NONE;
  }
  lua_settop(L, c->base);
  c->first = c->base + 1;
  if (v->sparse) {
    good = push_given_sparse(c, v);
  } else {
    push_version(c, v);
    lua_getiuservalue(L, -1, CJL_VRESULTS);
    lua_replace(L, c->first);
    if (v->nret == 1) {
      lua_rawgeti(L, -1, 2);
      lua_replace(L, c->first);
    }
    lua_pushvalue(L, c->out);
    good = push_given(c);
  }
  for (int i = 0; good && i < v->ny; i++) v->slot[i] = lua_touserdata(L, c->first + i);
  if (good) check_distinct(c, v);
  return good;
}

/* A tensor that others see too is left to them: its handle gets another one. */
static void aim(const calling *c, cjl_version *v) {
  for (int i = 0; i < v->ny; i++) {
    v->y[i] = (cj_val){.kind = CJ_NONE};
    if (c->out) {
      const cj_val *have = &v->slot[i]->v;
      bool small = have->kind == CJ_SMALL && cjl_sametype(have->u.small->type, cj_compiled_out(v->k, i));
      if (small || (have->kind == CJ_TENSOR && cj_tensor_edit(have->u.tensor))) v->y[i] = *have;
    } else if (c->flat && !c->sparse) {
      const cj_small *own = cjl_place(c->L, c->S, c->first + i, cj_compiled_out(v->k, i));
      if (own) v->y[i] = (cj_val){.kind = CJ_SMALL, .u.small = own};
    }
  }
}

static bool iswritten(const cjl_version *v, int i) {
  const cj_val *have = &v->slot[i]->v;
  if (have->kind == CJ_SMALL) return v->y[i].kind == CJ_SMALL;
  return have->kind == CJ_TENSOR && v->y[i].kind == CJ_TENSOR && have->u.tensor == v->y[i].u.tensor;
}

static const cj_type *concrete_type(const cj_val *v) {
  return v->kind == CJ_TENSOR ? cj_tensor_type(v->u.tensor) : v->kind == CJ_SMALL ? v->u.small->type : NULL;
}

/* A handle that gets another tensor had one of the same type. */
static void check_targets(calling *c, cjl_version *v) {
  lua_State *L = c->L;
  for (int i = 0; i < v->ny; i++) {
    const cj_val *have = &v->slot[i]->v;
    const cj_type *t = cj_compiled_out(v->k, i), *got_type = concrete_type(have);
    if (iswritten(v, i) || !got_type || cjl_sametype(got_type, t)) continue;
    for (int j = 0; j < v->ny; j++)
      if (!iswritten(v, j)) cj_val_release(&v->y[j]);
    const char *got = cjl_describe(L, c->first + i);
    cjl_pushshape(L, t);
    cjl_error(L, "%s: option 'out': result %d is %s%s, got %s", c->F->who, i + 1, cj_dtype_name((cj_dtype)t->dtype),
              lua_tostring(L, -1), got);
  }
}

static int give_targets(calling *c, cjl_version *v) {
  lua_State *L = c->L;
  check_targets(c, v);
  for (int i = 0; i < v->ny; i++) {
    if (iswritten(v, i)) continue;
    cj_val old = v->slot[i]->v;
    v->slot[i]->v = v->y[i];
    cj_val_release(&old);
    cjl_pushuser(L, CJL_META); /* there is something to release now */
    lua_setmetatable(L, c->first + i);
  }
  lua_settop(L, c->out);
  if (v->nret == 1) return 1;
  luaL_checkstack(L, v->nret + 8, "too many results");
  for (int i = 1; i <= v->nret; i++) lua_rawgeti(L, c->out, i);
  return v->nret;
}

/* --- running --- */

typedef enum outcome { HIT, MISS, AGAIN } outcome;

/* Runs v, whose arguments are in its signature, into v->y. */
static outcome run_version(calling *c, cjl_version *v) {
  bool valid = true, fresh = c->fresh != 0;
  aim(c, v);
  cj_status s =
      cj_compiled_call(v->k, v->sig->x, v->sig->nx, v->y, fresh && c->F->origin != CJL_MAPPED ? NULL : &valid);
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

void cjl_missed(lua_State *L, cjl_version *v, uint64_t id) {
  v->tried = id;
  if (++v->misses > 2 && v->fickle && !v->hit) cjl_dropversion(L, 1, v);
}

static int give(calling *c, cjl_version *v) {
  cjl_servedversion(c->S, v, c->fresh);
  if (c->F->first != v->sig || v->sig->first != v) cjl_usedversion(c->F, v);
  return c->out ? give_targets(c, v) : give_new(c, v);
}

/* Tries the versions of the signature that the arguments have.  MISS and *v set: there was no room for the results of
** this one, nor for those of others that may be left. */
static outcome try_versions(calling *c, cjl_version **v) {
  cjl_signature *s = cjl_findsignature(c->L, c->S, 1, 2, c->n);
  cjl_version *next;
  *v = NULL;
  for (cjl_version *w = s ? s->first : NULL; w; w = next) {
    next = w->next;
    if (w->tried == c->id) continue;
    if (!c->out && !fits(c, w)) {
      if (!*v) *v = w;
      continue;
    }
    outcome r = !c->out || note_targets(c, w) ? run_version(c, w) : MISS;
    if (r != MISS) return *v = w, r;
    cjl_missed(c->L, w, c->id);
  }
  return MISS;
}

static cjl_version *newest(const cjl_compiled *F) {
  for (cjl_signature *s = F->first; s; s = s->next)
    if (s->first) return s->first;
  return NULL;
}

/* How many results; -1: no version holds, or finalizers change the versions faster than they can be tried. */
static int run_known(calling *c) {
  cjl_version *v = newest(c->F);
  for (int i = 0; v && i < 2 * CJL_MAXVERSIONS; i++) {
    lua_settop(c->L, c->base);
    if (!c->out) push_slots(c, v);
    outcome r = try_versions(c, &v);
    if (r == HIT) return give(c, v);
    if (r == AGAIN) v = newest(c->F);
  }
  return -1;
}

/* --- a version for this call --- */

static void push_fresh(calling *c) {
  static const char *const names[] = {"out", NULL};
  lua_State *L = c->L;
  lua_settop(L, c->base);
  if (c->out) cjl_checkoptions(L, c->n + 2, c->F->who, names);
  luaL_checkstack(L, c->n + 24, "too many arguments");
  cjl_pushfunction(L, cjl_makeversion, 0);
  lua_pushvalue(L, 1);
  for (int i = 0; i < c->n; i++) lua_pushvalue(L, 2 + i);
  lua_call(L, c->n + 1, 1);
  c->fresh = c->base = lua_gettop(L);
}

static bool match_fresh(calling *c, cjl_version *v) {
  lua_State *L = c->L;
  int top = lua_gettop(L), args = 0;
  if (!v->sig->flat) {
    lua_getiuservalue(L, c->fresh, CJL_VARGS);
    args = top + 1;
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
    lua_settop(L, c->base);
    if (!c->out) {
      push_slots(c, v);
    } else if (!note_targets(c, v)) {
      return cjl_error(L, "%s: option 'out': expected %s, got %s", c->F->who,
                       v->flat && v->nret == 1 && !v->sparse ? "a tensor" : "tensors as the function returns them",
                       cjl_describe(L, c->out));
    }
    if (!match_fresh(c, v)) return cjl_error(L, "%s: an argument was changed during the call", c->F->who);
    outcome r = run_version(c, v);
    if (r == HIT) return give(c, v);
    if (r == AGAIN) continue;
    cjl_dropversion(L, 1, v);
    return cjl_error(L, "%s: the instances branch in different ways; use cj.where, or call them one by one", c->F->who);
  }
}

/* --- the call --- */

/* Has the table at t no other key than out? */
static bool only_out(lua_State *L, int t) {
  lua_pushnil(L);
  if (!lua_next(L, t)) return false;
  lua_pop(L, 1);
  bool more = lua_next(L, t);
  if (more) lua_pop(L, 2);
  return !more;
}

/* Pushes what is to be written to: a last argument {out = ...} that cannot be meant for the function.  False: there is
** none, and something else may be pushed. */
static bool take_out(lua_State *L, const cjl_compiled *F, int n) {
  int t = n + 1;
  if (n == 0 || lua_type(L, t) != LUA_TTABLE) return false;
  lua_pushvalue(L, lua_upvalueindex(2));
  if (lua_rawget(L, t) == LUA_TNIL) return false;
  return (F->nparam >= 0 && n > F->nparam) || (n > 1 && only_out(L, t));
}

/* Upvalues: the state, "out". */
int cjl_callcompiled(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cjl_compiled *F = lua_touserdata(L, 1);
  int n = lua_gettop(L) - 1, base = n + 2; /* the metatable may stay */
  if (!F || !lua_getmetatable(L, 1) || lua_topointer(L, base) != S->compiled)
    return cjl_argerror(L, "compiled function", 1, "F", "a compiled function", 1);
  bool given = take_out(L, F, n);
  if (given) n--, base++;
  uint64_t id = ++F->calls;
  int results = cjl_calldirect(L, S, F, id, n, given ? base : 0);
  if (results >= 0) return results;
  calling c = {.L = L, .S = S, .F = F, .n = n, .out = given ? base : 0, .base = base, .id = id};
  results = run_known(&c);
  return results >= 0 ? results : run_fresh(&c);
}
