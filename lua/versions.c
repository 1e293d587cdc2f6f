/*
** versions.c -- making versions of compiled functions: by tracing, or from a version of the function they are
** derived from.
*/
#include "compiled.h"
#include "sparse.h"

#include <string.h>

enum { MAXDEPTH = 200 };

/* --- arguments --------------------------------------------------------------------------------------------- */

/* Pushes a tensor of type t that has only one element in memory. */
static void push_standin(lua_State *L, cjl_state *S, const char *who, const cj_type *t) {
  cj_type one = {.dtype = t->dtype};
  (void)cjl_new(L, S, &one, who);
  cjl_reshape(L, S, who, S->op.broadcast_to, t);
}

static void push_number(lua_State *L, cjl_state *S, const char *who, double v) {
  cj_type t = {.dtype = CJ_F64};
  *(double *)cjl_new(L, S, &t, who) = v;
}

/* Pushes what a function receives for the value at idx: tensors, and 0-d tensors for numbers.  specs: for those too.
** Anything else stays what it is, and is complained about by whoever reads the structure. */
static void push_lifted(lua_State *L, cjl_state *S, const char *who, int idx, bool specs, int depth) {
  const cj_type *t = specs && lua_type(L, idx) == LUA_TUSERDATA ? luaL_testudata(L, idx, CJL_SPEC) : NULL;
  idx = lua_absindex(L, idx);
  if (t) {
    push_standin(L, S, who, t);
  } else if (lua_type(L, idx) == LUA_TNUMBER) {
    push_number(L, S, who, lua_tonumber(L, idx));
  } else if (lua_type(L, idx) == LUA_TTABLE && depth < MAXDEPTH) {
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
      lua_pushvalue(L, -2);
      push_lifted(L, S, who, -2, specs, depth + 1);
      lua_rawset(L, -5);
    }
  } else {
    lua_pushvalue(L, idx);
  }
}

/* Pushes the structure {1, argument, 2, ...} of the n arguments from first on. */
static int push_arguments(lua_State *L, cjl_state *S, const char *who, int first, int n, bool specs) {
  lua_createtable(L, 2 * n, 0);
  int list = lua_gettop(L);
  for (int i = 0; i < n; i++) {
    char what[32] = "argument ";
    lua_pushfstring(L, "%d", i + 1);
    strncat(what, lua_tostring(L, -1), sizeof what - 16);
    push_lifted(L, S, who, first + i, specs, 0);
    cjl_structure(L, S, -1, who, what);
    lua_rawseti(L, list, 2 * i + 2);
    lua_pushinteger(L, i + 1);
    lua_rawseti(L, list, 2 * i + 1);
    lua_settop(L, list);
  }
  return list;
}

/* Replaces the structure on top by one that holds no tensors. */
static void strip(lua_State *L) {
  int from = lua_gettop(L);
  if (lua_type(L, from) != LUA_TTABLE) {
    lua_pushboolean(L, 1);
    lua_replace(L, from);
    return;
  }
  lua_Integer len = (lua_Integer)lua_rawlen(L, from);
  luaL_checkstack(L, 8, NULL);
  lua_createtable(L, len < 1000000 ? (int)len : 0, 0);
  for (lua_Integer i = 1; i < len; i += 2) {
    lua_rawgeti(L, from, i);
    lua_rawseti(L, from + 1, i);
    lua_rawgeti(L, from, i + 1);
    strip(L);
    lua_rawseti(L, from + 1, i + 1);
  }
  lua_replace(L, from);
}

/* Is every entry of the list of structures on top a leaf? */
static bool isflat(lua_State *L, int list) {
  lua_Integer len = (lua_Integer)lua_rawlen(L, list);
  bool flat = true;
  for (lua_Integer i = 2; i <= len; i += 2) {
    flat &= lua_rawgeti(L, list, i) != LUA_TTABLE;
    lua_pop(L, 1);
  }
  return flat;
}

/* --- signatures and versions ------------------------------------------------------------------------------------ */

static int version_gc(lua_State *L) {
  cjl_version *v = lua_touserdata(L, 1);
  cj_compiled *k = v->k;
  v->k = NULL;
  cj_compiled_release(k);
  return 0;
}

/* Pushes an empty version whose results have the structure at `results`, of functions with the arguments at `args`. */
static cjl_version *push_version(lua_State *L, int results, int args) {
  int ny = cjl_leaves(L, results);
  cjl_version *v =
      lua_newuserdatauv(L, sizeof *v + (size_t)ny * (sizeof *v->y + sizeof *v->slot + sizeof *v->result), CJL_VNUV);
  memset(v, 0, sizeof *v);
  v->slot = (cjl_tensor **)(void *)(v->y + ny);
  v->result = (cjl_result *)(void *)(v->slot + ny);
  v->ny = ny;
  v->nret = (int)lua_rawlen(L, results) / 2;
  v->flat = isflat(L, results);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, version_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, results);
  strip(L);
  lua_setiuservalue(L, -2, CJL_VRESULTS);
  lua_pushvalue(L, args);
  strip(L);
  lua_setiuservalue(L, -2, CJL_VARGS);
  return v;
}

static void keep_anchored(lua_State *L, int self, int idx) {
  lua_getiuservalue(L, self, CJL_CANCHORS);
  lua_pushvalue(L, idx);
  lua_rawsetp(L, -2, lua_touserdata(L, idx));
  lua_pop(L, 1);
}

static void drop_signature(lua_State *L, int self, cjl_compiled *F, cjl_signature *s) {
  cjl_signature **p = &F->first;
  while (s->first) cjl_dropversion(L, self, s->first);
  while (*p && *p != s) p = &(*p)->next;
  if (*p) {
    *p = s->next;
    F->nsig--;
  }
  lua_getiuservalue(L, self, CJL_CANCHORS);
  lua_pushnil(L);
  lua_rawsetp(L, -2, s);
  lua_pop(L, 1);
}

/* Pushes a signature for the arguments whose structure, with tensors in it, is at args. */
static cjl_signature *push_signature(lua_State *L, cjl_state *S, const char *who, int args) {
  int nx = cjl_leaves(L, args);
  size_t head = (sizeof(cjl_signature) + (size_t)nx * sizeof(cj_type) + 15) / 16 * 16;
  cjl_signature *s = lua_newuserdatauv(L, head + (size_t)nx * sizeof(cj_val), 1);
  memset(s, 0, sizeof *s);
  s->x = (cj_val *)(void *)((char *)s + head);
  s->nx = nx;
  s->narg = (int)lua_rawlen(L, args) / 2;
  s->flat = isflat(L, args);
  (void)cjl_values(L, args, s->x);
  for (int i = 0; i < nx; i++) s->type[i] = cjl_typeof(L, S, &(cjl_tensor){s->x[i]}, who);
  lua_pushvalue(L, args);
  strip(L);
  lua_setiuservalue(L, -2, 1);
  return s;
}

static cjl_version *last_version(const cjl_signature *s) {
  cjl_version *v = s->first;
  while (v->next) v = v->next;
  return v;
}

static cjl_signature *last_signature(const cjl_compiled *F) {
  cjl_signature *s = F->first;
  while (s->next) s = s->next;
  return s;
}

/* Are the structures at a and b the same? */
static bool samestructure(lua_State *L, int a, int b) {
  int top = lua_gettop(L);
  if (lua_type(L, a) != lua_type(L, b)) return false;
  if (lua_type(L, a) != LUA_TTABLE || lua_rawequal(L, a, b)) return true;
  lua_Integer len = (lua_Integer)lua_rawlen(L, a);
  bool same = len == (lua_Integer)lua_rawlen(L, b);
  luaL_checkstack(L, 8, NULL);
  for (lua_Integer i = 1; same && i < len; i += 2) {
    lua_rawgeti(L, a, i);
    lua_rawgeti(L, b, i);
    same = lua_rawequal(L, top + 1, top + 2);
    lua_rawgeti(L, a, i + 1);
    lua_rawgeti(L, b, i + 1);
    same = same && samestructure(L, top + 3, top + 4);
    lua_settop(L, top);
  }
  return same;
}

static bool sametypes(const cjl_signature *a, const cjl_signature *b) {
  if (a->nx != b->nx || a->narg != b->narg) return false;
  for (int i = 0; i < a->nx; i++) {
    const cj_type *s = &a->type[i], *t = &b->type[i];
    if (s->dtype != t->dtype || s->rank != t->rank || memcmp(s->dim, t->dim, s->rank * sizeof *s->dim)) return false;
  }
  return true;
}

/* Replaces the signature on top by an equal one that the function has, if there is one; whether there is. */
static bool find_equal(lua_State *L, int self, const cjl_compiled *F) {
  const cjl_signature *own = lua_touserdata(L, -1);
  int top = lua_gettop(L);
  lua_getiuservalue(L, top, 1);
  for (cjl_signature *s = F->first; s; s = s->next) {
    if (!sametypes(s, own)) continue;
    cjl_pushanchored(L, self, s);
    lua_getiuservalue(L, -1, 1);
    bool same = samestructure(L, top + 1, top + 3);
    lua_settop(L, top + 2);
    if (same) {
      lua_replace(L, top);
      lua_settop(L, top);
      return true;
    }
    lua_settop(L, top + 1);
  }
  lua_settop(L, top);
  return false;
}

/* Is what v computes decided by numbers that are not the outcome of comparisons? */
static bool isfickle(const cj_compiled *k) {
  int ny = cj_compiled_nout(k);
  for (int i = 0; i < cj_compiled_nguard(k); i++)
    if (cj_compiled_out(k, ny + i)->dtype != CJ_BOOL) return true;
  return false;
}

/* Gives the version on top a signature for the arguments whose structure, with tensors in it, is at args.  The function
** keeps both unless the version is good in an open trace only. */
static void add_version(lua_State *L, cjl_state *S, int self, int args) {
  cjl_compiled *F = lua_touserdata(L, self);
  int at = lua_gettop(L);
  cjl_version *v = lua_touserdata(L, at);
  v->fickle = isfickle(v->k);
  (void)push_signature(L, S, F->who, args);
  bool bound = cj_compiled_isbound(v->k), known = !bound && find_equal(L, self, F);
  cjl_signature *s = v->sig = lua_touserdata(L, at + 1);
  v->direct = v->flat && s->flat && !v->sparse && v->nret <= CJL_DIRECTMOST && s->narg <= CJL_DIRECTMOST;
  for (int i = 0; i < v->ny; i++) {
    const cj_type *t = cj_compiled_out(v->k, i);
    v->result[i] = (cjl_result){t, cjl_smallroom(t)};
  }
  lua_setiuservalue(L, at, CJL_VSIGNATURE);
  if (bound) return;
  lua_getiuservalue(L, at, CJL_VSIGNATURE);
  keep_anchored(L, self, at + 1);
  keep_anchored(L, self, at);
  lua_settop(L, at);
  if (!known) {
    s->next = F->first;
    F->first = s;
    F->nsig++;
  }
  v->next = s->first;
  s->first = v;
  s->nversion++;
  if (s->nversion > CJL_MAXVERSIONS) cjl_dropversion(L, self, last_version(s));
  if (F->nsig > CJL_MAXSIGNATURES) drop_signature(L, self, F, last_signature(F));
}

void cjl_countversion(cjl_state *S, cjl_version *v) {
  cj_compiledstat stat;
  v->counted = true;
  if (cj_compiled_stats(v->k, &stat) == CJ_OK) S->debt += stat.work + stat.constants;
}

/* --- tracing ------------------------------------------------------------------------------------------------------ */

typedef struct opening {
  cjl_state *S;
  const char *who;
  uint32_t trace;
  bool types; /* only the types of the arguments are known */
} opening;

static void leaf_argument(lua_State *L, void *ud) {
  opening *o = ud;
  const cjl_tensor *primal = lua_touserdata(L, -1);
  cj_type t = cjl_typeof(L, o->S, primal, o->who);
  cjl_tensor *h = cjl_box(L);
  if (o->types)
    CJL_TRY(L, o->S, o->who, cj_trace_input_type(o->S->ctx, o->trace, &t, &h->v));
  else
    CJL_TRY(L, o->S, o->who, cj_trace_input(o->S->ctx, o->trace, &primal->v, &h->v));
  cjl_seal(L, o->S, h);
}

/* Calls the function at self on arguments of the trace; pushes the structure of its results as a list. */
static void call_traced(lua_State *L, opening *o, int self, int args) {
  int n = (int)lua_rawlen(L, args) / 2;
  cjl_build(L, args, leaf_argument, o);
  int inputs = lua_gettop(L), first = inputs + 1;
  luaL_checkstack(L, n + 24, "too many arguments");
  lua_getiuservalue(L, self, CJL_CFUNCTION);
  for (int i = 1; i <= n; i++) lua_rawgeti(L, inputs, i);
  lua_call(L, n, LUA_MULTRET);
  luaL_checkstack(L, 24, NULL);
  int nret = lua_gettop(L) - inputs;
  cjl_outputs(L, o->S, o->who, first, nret);
  if (nret != 1) return;
  lua_createtable(L, 2, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 2);
  lua_pushinteger(L, 1);
  lua_rawseti(L, -2, 1);
}

/* F, then the arguments: the new version. */
static int trace_version(lua_State *L, bool types) {
  cjl_state *S = cjl_self(L);
  cjl_compiled *F = lua_touserdata(L, 1);
  opening o = {.S = S, .who = F->who, .types = types};
  cj_val few[CJL_FEW];
  luaL_checkstack(L, 24, NULL);
  int args = push_arguments(L, S, F->who, 2, lua_gettop(L) - 1, types);
  o.trace = cjl_opentrace(L, S, F->who);
  CJL_TRY(L, S, F->who, cj_trace_guard(S->ctx, o.trace));
  call_traced(L, &o, 1, args);
  int results = lua_gettop(L);
  cj_val *y = cjl_room(L, few, cjl_leaves(L, results));
  cjl_version *v = push_version(L, results, args);
  (void)cjl_values(L, results, y);
  cj_status s = cj_trace_compile(S->ctx, o.trace, y, v->ny, &v->k);
  if (s != CJ_OK) return cjl_raise(L, S, s, F->who);
  F->traces++;
  add_version(L, S, 1, args);
  return 1;
}

int cjl_makefromtypes(lua_State *L) { return trace_version(L, true); }

/* --- structures of what is derived -------------------------------------------------------------------------------- */

/* Pushes the structure at a with the one at b in the place of every leaf. */
static void push_nested(lua_State *L, int a, int b) {
  luaL_checkstack(L, 8, NULL);
  if (lua_type(L, a) != LUA_TTABLE) {
    lua_pushvalue(L, b);
    return;
  }
  lua_Integer len = (lua_Integer)lua_rawlen(L, a);
  a = lua_absindex(L, a);
  lua_createtable(L, len < 1000000 ? (int)len : 0, 0);
  for (lua_Integer i = 1; i < len; i += 2) {
    lua_rawgeti(L, a, i);
    lua_rawseti(L, -2, i);
    lua_rawgeti(L, a, i + 1);
    push_nested(L, -1, b);
    lua_remove(L, -2);
    lua_rawseti(L, -2, i + 1);
  }
}

/* A list of one structure on top is that structure. */
static void unwrap(lua_State *L) {
  if (lua_rawlen(L, -1) != 2) return;
  lua_rawgeti(L, -1, 2);
  lua_remove(L, -2);
}

/* The list of the n structures on top. */
static void wrap(lua_State *L, int n) {
  lua_createtable(L, 2 * n, 0);
  lua_insert(L, -n - 1);
  for (int i = n; i >= 1; i--) {
    lua_rawseti(L, -1 - i, 2 * i);
    lua_pushinteger(L, i);
    lua_rawseti(L, -1 - i, 2 * i - 1);
  }
}

/* Pushes the structure of the results of what is derived from the version at v. */
static void push_results(lua_State *L, const cjl_compiled *F, int v) {
  lua_getiuservalue(L, v, CJL_VRESULTS);
  if (F->origin == CJL_MAPPED) return;
  unwrap(L);
  int out = lua_gettop(L), in = out + 1;
  lua_getiuservalue(L, v, CJL_VARGS);
  unwrap(L);
  switch (F->rq.want) {
  case CJ_JACOBIAN: push_nested(L, out, in); break;
  case CJ_HESSIAN: push_nested(L, in, in); break;
  case CJ_NONZEROS: lua_pushboolean(L, 1); break;
  default: /* products: the values too, unless v is 1 */
    if (F->origin == CJL_PRODUCT) lua_pushvalue(L, out);
    lua_pushvalue(L, F->rq.want == CJ_JVP ? out : in);
    break;
  }
  wrap(L, lua_gettop(L) - in);
  lua_replace(L, out);
  lua_settop(L, out);
}

/* --- deriving ------------------------------------------------------------------------------------------------------
 */

typedef struct instances {
  cjl_state *S;
  const cjl_compiled *F;
  int leaf; /* that comes next */
} instances;

/* The first instance of the leaf on top. */
static void leaf_instance(lua_State *L, void *ud) {
  instances *m = ud;
  cj_param first[2] = {cjl_p(0), cjl_p(0)};
  cj_type t = cjl_typeof(L, m->S, lua_touserdata(L, -1), m->F->who);
  m->leaf++;
  if (t.rank == 0 || t.dim[0] != m->F->n) {
    cjl_pushshape(L, &t);
    cjl_error(L, "%s: tensor %d should have a first dimension of %I, its shape is %s", m->F->who, m->leaf,
              (LUAI_UACINT)m->F->n, lua_tostring(L, -1));
  }
  cjl_share(L, m->S, lua_touserdata(L, -1));
  cjl_then(L, m->S, m->F->who, m->S->op.select, first, 2);
}

/* How many of n arguments are those of the function that F is derived from; the others are v. */
static int count_arguments(lua_State *L, const cjl_compiled *F, int n) {
  if (F->origin != CJL_PRODUCT) return n;
  if (n < 2) cjl_error(L, "%s: v is missing, which comes after the arguments", F->who);
  if (F->nparam > 0 && F->nparam < n) return F->nparam;
  return F->rq.want == CJ_VJP ? n - 1 : n / 2;
}

/* Pushes a version of the parent that holds for the arguments, whose structure is at args. */
static cjl_version *push_parent(lua_State *L, cjl_state *S, const cjl_compiled *F, int args, int n) {
  int top = lua_gettop(L);
  if (F->origin == CJL_MAPPED) cjl_build(L, args, leaf_instance, &(instances){S, F, 0});
  luaL_checkstack(L, n + 24, "too many arguments");
  cjl_pushfunction(L, cjl_validversion, 0);
  lua_getiuservalue(L, 1, CJL_CPARENT);
  for (int i = 1; i <= n; i++) {
    if (F->origin == CJL_MAPPED)
      lua_rawgeti(L, top + 1, i);
    else
      lua_pushvalue(L, 1 + i);
  }
  lua_call(L, n + 1, 1);
  if (F->origin == CJL_MAPPED) lua_replace(L, top + 1);
  return lua_touserdata(L, top + 1);
}

static void check_directions(lua_State *L, cjl_state *S, const cjl_compiled *F, const cj_compiled *k, int args) {
  int nx = cj_compiled_nin(k), n = cjl_leaves(L, args);
  cj_val few[CJL_FEW], *x = cjl_room(L, few, n);
  if (n != nx) cjl_error(L, "%s: %d tensors with those of v, %d are wanted", F->who, n, nx);
  (void)cjl_values(L, args, x);
  for (int i = 0; i < nx; i++) {
    cj_type have = cjl_typeof(L, S, &(cjl_tensor){x[i]}, F->who), want = *cj_compiled_in(k, i);
    if (have.dtype == want.dtype && have.rank == want.rank &&
        memcmp(have.dim, want.dim, have.rank * sizeof *have.dim) == 0)
      continue;
    cjl_pushshape(L, &want);
    cjl_pushshape(L, &have);
    cjl_error(L, "%s: tensor %d, of v, should be %s%s, it is %s%s", F->who, i + 1, cj_dtype_name((cj_dtype)want.dtype),
              lua_tostring(L, -2), cj_dtype_name((cj_dtype)have.dtype), lua_tostring(L, -1));
  }
}

static void note_pattern(lua_State *L, cjl_version *v, int at) {
  cj_pattern *p = cj_compiled_pattern(v->k);
  if (!p) return;
  cjl_pushpattern(L, p);
  lua_setiuservalue(L, at, CJL_VPATTERN);
  v->sparse = true;
}

/* F, then the arguments. */
static int derive_version(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const cjl_compiled *F = lua_touserdata(L, 1);
  int n = lua_gettop(L) - 1, nx = count_arguments(L, F, n);
  luaL_checkstack(L, 24, NULL);
  int args = push_arguments(L, S, F->who, 2, n, false);
  const cjl_version *p = push_parent(L, S, F, args, nx);
  push_results(L, F, lua_gettop(L));
  cjl_version *v = push_version(L, lua_gettop(L), args);
  int at = lua_gettop(L), nv = F->origin != CJL_PRODUCT ? 0 : F->rq.want == CJ_VJP ? p->ny : cj_compiled_nin(p->k);
  if (F->origin == CJL_MAPPED)
    CJL_TRY(L, S, F->who, cj_compiled_batch(p->k, F->n, &v->k));
  else
    CJL_TRY(L, S, F->who, cj_compiled_derive(p->k, &F->rq, nv, &v->k));
  if (nv) check_directions(L, S, F, v->k, args);
  note_pattern(L, v, at);
  lua_settop(L, at);
  add_version(L, S, 1, args);
  return 1;
}

int cjl_makeversion(lua_State *L) {
  const cjl_compiled *F = lua_touserdata(L, 1);
  return F->origin == CJL_FUNCTION ? trace_version(L, false) : derive_version(L);
}

/* --- a version that holds
 * --------------------------------------------------------------------------------------------- */

/* Whether v, whose arguments are in its signature, would give results.  settle: it was made for them. */
static bool holds(lua_State *L, cjl_state *S, const cjl_compiled *F, cjl_version *v, bool settle) {
  bool valid = true;
  for (int i = 0; i < v->ny; i++) v->y[i].kind = CJ_NONE;
  cj_status s = cj_compiled_call(v->k, v->sig->x, v->sig->nx, v->y, settle ? NULL : &valid);
  if (s == CJ_OK && valid)
    for (int i = 0; i < v->ny; i++) cj_val_release(&v->y[i]);
  if (s != CJ_OK && s != CJ_EDOMAIN && s != CJ_ERANGE) cjl_raise(L, S, s, F->who);
  return s == CJ_OK && valid;
}

int cjl_validversion(lua_State *L) {
  cjl_state *S = cjl_self(L);
  cjl_compiled *F = lua_touserdata(L, 1);
  int n = lua_gettop(L) - 1;
  luaL_checkstack(L, n + 24, "too many arguments");
  cjl_signature *s = cjl_findsignature(L, S, 1, 2, n);
  for (cjl_version *v = s ? s->first : NULL; v; v = v->next) {
    if (cj_compiled_nguard(v->k) && !holds(L, S, F, v, false)) continue;
    cjl_usedversion(F, v);
    cjl_pushanchored(L, 1, v);
    return 1;
  }
  cjl_pushfunction(L, cjl_makeversion, 0);
  for (int i = 1; i <= n + 1; i++) lua_pushvalue(L, i);
  lua_call(L, n + 1, 1);
  cjl_version *v = lua_touserdata(L, -1);
  if (cj_compiled_nguard(v->k) && F->origin != CJL_MAPPED && cjl_findsignature(L, S, 1, 2, n) == v->sig)
    (void)holds(L, S, F, v, true);
  return 1;
}
