/*
** vmap.c -- f over a batch dimension: f is traced on one example of which only the types are known, and the
** program is batched.
*/
#include "tracing.h"

#include <string.h>

#define WHO "cj.vmap"

/* Upvalues of the function that vmap gives: the state, f, in_dims, out_dims, chunk_size or nil. */
enum { UP_F = 2, UP_IN, UP_OUT, UP_CHUNK };

/* The inputs and outputs of one call. */
typedef struct batch {
  lua_State *L;
  cjl_state *S;
  uint32_t trace;
  int in;       /* structure of the arguments that hold tensors: {argument, structure, ...} */
  int mapped;   /* table on the stack: mapped tensors, the batch dimension in front */
  int64_t *dim; /* of each leaf: where its batch dimension is, from 0; -1: not mapped */
  int n, next;  /* leaves; the one that comes next */
  int nmapped;
  int64_t size; /* of the batch; -1: not known */
} batch;

/* --- dims ------------------------------------------------------------------------- */

/* Calls each for every leaf of the structure at idx, with the entry of dims (a number, false, or a table of the
** same shape) that belongs to it on top, over the leaf. */
static void walk_dims(batch *b, int idx, int dims, void (*each)(batch *b)) {
  lua_State *L = b->L;
  luaL_checkstack(L, 12, NULL);
  if (lua_type(L, idx) != LUA_TTABLE) {
    lua_pushvalue(L, idx);
    lua_pushvalue(L, dims);
    each(b);
    lua_pop(L, 2);
    return;
  }
  lua_Integer len = (lua_Integer)lua_rawlen(L, idx);
  for (lua_Integer i = 1; i < len; i += 2) {
    lua_rawgeti(L, idx, i + 1);
    if (lua_type(L, dims) == LUA_TTABLE) {
      lua_rawgeti(L, idx, i);
      lua_rawget(L, dims);
    } else {
      lua_pushvalue(L, dims);
    }
    int top = lua_gettop(L);
    walk_dims(b, top - 1, top, each);
    lua_settop(L, top - 2);
  }
}

/* The dimension on top, for a tensor of that type, from 0; -1: not mapped. */
static int64_t read_dim(lua_State *L, const cj_type *t, int rank, const char *option) {
  int64_t d;
  if (lua_isnil(L, -1) || (lua_isboolean(L, -1) && !lua_toboolean(L, -1))) return -1;
  if (!cjl_integer(L, -1, &d))
    cjl_argerror(L, WHO, 0, option, "a dim, false, or a table of them as the arguments are", -1);
  int64_t at = d > 0 ? d - 1 : d + rank;
  if (d == 0 || at < 0 || at >= rank) {
    cjl_pushshape(L, t);
    cjl_error(L, "%s: option '%s': dim %I is out of range for shape %s", WHO, option, (LUAI_UACINT)d,
              lua_tostring(L, -1));
  }
  return at;
}

/* Pushes the tensor at idx with axis from moved to to. */
static void push_moved(lua_State *L, cjl_state *S, int idx, int rank, int64_t from, int64_t to) {
  cj_param p = {.n = rank};
  int k = 0;
  cjl_share(L, S, lua_touserdata(L, idx)); /* f may assign to the handle that was given */
  if (from == to) return;
  for (int i = 0; i < rank; i++) {
    if (i == to) {
      p.v[i] = from;
      continue;
    }
    if (k == from) k++;
    p.v[i] = k++;
  }
  cjl_then(L, S, WHO, S->op.permute, &p, 1);
}

/* With a leaf and its dim on top. */
static void map_input(batch *b) {
  lua_State *L = b->L;
  cj_type t = cjl_typeof(L, b->S, lua_touserdata(L, -2), WHO);
  int64_t d = read_dim(L, &t, t.rank, "in_dims");
  b->dim[b->next++] = d;
  if (d < 0) return;
  if (b->size >= 0 && b->size != t.dim[d])
    cjl_error(L, "%s: the mapped dims have different sizes: %I and %I", WHO, (LUAI_UACINT)b->size,
              (LUAI_UACINT)t.dim[d]);
  b->size = t.dim[d];
  push_moved(L, b->S, lua_gettop(L) - 1, t.rank, d, 0);
  lua_rawseti(L, b->mapped, ++b->nmapped);
}

/* Reads the arguments 1 .. n: those that are tensors or tables of them; others go to f as they are. */
static void read_inputs(batch *b, int n) {
  lua_State *L = b->L;
  lua_createtable(L, 2 * n, 0);
  b->in = lua_gettop(L);
  for (int i = 1, k = 0; i <= n; i++) {
    char what[32];
    if (!cjl_test(L, b->S, i) && lua_type(L, i) != LUA_TTABLE) continue;
    lua_pushfstring(L, "argument %d", i);
    strncpy(what, lua_tostring(L, -1), sizeof what - 1)[sizeof what - 1] = '\0';
    lua_pop(L, 1);
    lua_pushinteger(L, i);
    lua_rawseti(L, b->in, ++k);
    cjl_structure(L, b->S, i, WHO, what);
    lua_rawseti(L, b->in, ++k);
  }
  b->n = cjl_leaves(L, b->in);
  b->dim = lua_newuserdatauv(L, ((size_t)b->n + 1) * sizeof *b->dim, 0);
  lua_createtable(L, b->n, 0);
  b->mapped = lua_gettop(L);
  b->size = -1;
  walk_dims(b, b->in, lua_upvalueindex(UP_IN), map_input);
  if (b->size < 0) cjl_error(L, "%s: at least one argument must be a tensor that is mapped", WHO);
}

/* --- one example --------------------------------------------------------------------- */

/* The leaf on top as f sees it: an argument of the trace, or the tensor itself. */
static void leaf_example(lua_State *L, void *ud) {
  batch *b = ud;
  const cjl_tensor *leaf = lua_touserdata(L, -1);
  int64_t d = b->dim[b->next++];
  if (d < 0) {
    cjl_share(L, b->S, leaf);
    return;
  }
  cj_type t = cjl_typeof(L, b->S, leaf, WHO);
  memmove(&t.dim[d], &t.dim[d + 1], (size_t)(t.rank - 1 - d) * sizeof *t.dim);
  t.dim[--t.rank] = 0;
  cjl_tensor *h = cjl_box(L);
  CJL_TRY(L, b->S, WHO, cj_trace_input_type(b->S->ctx, b->trace, &t, &h->v));
  cjl_seal(L, b->S, h);
}

/* Calls f on an example and pushes the structure of its outputs. */
static void call_example(batch *b, int n) {
  lua_State *L = b->L;
  b->next = 0;
  cjl_build(L, b->in, leaf_example, b);
  int example = lua_gettop(L), first = example + 1;
  luaL_checkstack(L, n + 24, "too many arguments");
  lua_pushvalue(L, lua_upvalueindex(UP_F));
  for (int i = 1; i <= n; i++) /* a gap is an argument without tensors */
    if (lua_rawgeti(L, example, i) == LUA_TNIL) {
      lua_pop(L, 1);
      lua_pushvalue(L, i);
    }
  lua_call(L, n, LUA_MULTRET);
  luaL_checkstack(L, 24, NULL);
  cjl_outputs(L, b->S, WHO, first, lua_gettop(L) - first + 1);
}

/* Ends the trace and pushes the holder of its function. */
static cj_func *push_function(batch *b, int out) {
  lua_State *L = b->L;
  cj_val few[CJL_FEW];
  int ny = cjl_leaves(L, out);
  cj_func **f = cjl_funcbox(L);
  cj_val *y = cjl_room(L, few, ny);
  (void)cjl_values(L, out, y);
  cj_status s = cj_trace_close(b->S->ctx, b->trace, y, ny, f);
  if (s != CJ_OK) cjl_raise(L, b->S, s, WHO);
  if (ny > CJL_FEW) lua_pop(L, 1);
  return *f;
}

/* --- the batch -------------------------------------------------------------------------- */

/* Examples first .. first+n-1 of the k-th mapped tensor; pushed. */
static cj_val push_examples(batch *b, int k, int64_t first, int64_t n) {
  cj_param p[3] = {cjl_p(0), cjl_p(first), cjl_p(n)};
  lua_rawgeti(b->L, b->mapped, k + 1);
  if (n != b->size) return cjl_then(b->L, b->S, WHO, b->S->op.narrow, p, 3)->v;
  return ((cjl_tensor *)lua_touserdata(b->L, -1))->v;
}

/* Pushes a table of the outputs of f, made for one example, for n of them from first on. */
static void push_batch(batch *b, cj_func *f, int64_t first, int64_t n) {
  lua_State *L = b->L;
  int nx = b->nmapped, ny = cj_func_nout(f), base;
  cj_func **batched = cjl_funcbox(L);
  bool *which = memset(lua_newuserdatauv(L, (size_t)nx, 0), 1, (size_t)nx);
  cj_val few[2][CJL_FEW], *x = cjl_room(L, few[0], nx), *y = cjl_room(L, few[1], ny);
  cjl_tensor *fewslots[CJL_FEW];
  cjl_slots slots = {.slot = cjl_slotroom(L, fewslots, ny)};
  lua_createtable(L, ny, 0);
  int results = lua_gettop(L);
  for (int i = 1; i <= ny; i++) {
    slots.slot[slots.n++] = cjl_slot(L);
    lua_rawseti(L, results, i);
  }
  base = lua_gettop(L);
  luaL_checkstack(L, nx + 16, "too many inputs");
  for (int k = 0; k < nx; k++) x[k] = push_examples(b, k, first, n);
  CJL_TRY(L, b->S, WHO, cj_func_batch(f, which, n, batched));
  CJL_TRY(L, b->S, WHO, cj_func_apply(*batched, x, nx, y));
  cjl_fillslots(L, b->S, &slots, y);
  lua_settop(L, base);
}

/* Joins the i-th outputs of the tables of outputs, which are nparts stack slots from parts on; pushed. */
static void push_joined(batch *b, int parts, int nparts, int i) {
  lua_State *L = b->L;
  cj_param axis = cjl_p(0);
  if (nparts == 1) {
    lua_rawgeti(L, parts, i);
    return;
  }
  cj_val *in = lua_newuserdatauv(L, (size_t)nparts * sizeof *in, 0);
  for (int k = 0; k < nparts; k++) {
    lua_rawgeti(L, parts + k, i);
    in[k] = ((cjl_tensor *)lua_touserdata(L, -1))->v;
    lua_pop(L, 1); /* the table holds it */
  }
  cjl_apply(L, b->S, WHO, b->S->op.cat, in, nparts, &axis, 1);
  lua_remove(L, -2);
}

/* --- results ------------------------------------------------------------------------------- */

typedef struct results {
  batch *b;
  int flat; /* table of the outputs in order; each is moved to where out_dims wants it, and replaced there */
  int next;
} results;

/* With a leaf of the outputs' structure and its out_dim on top. */
static void move_output(batch *b) {
  lua_State *L = b->L;
  lua_rawgeti(L, b->in, ++b->next); /* in: the flat outputs, now */
  cj_type t = cjl_typeof(L, b->S, lua_touserdata(L, -1), WHO);
  lua_insert(L, -2);
  int64_t d = read_dim(L, &t, t.rank, "out_dims");
  if (d < 0) cjl_error(L, "%s: option 'out_dims': every output has a batch dimension", WHO);
  push_moved(L, b->S, lua_gettop(L) - 1, t.rank, 0, d);
  lua_rawseti(L, b->in, b->next);
  lua_remove(L, -2);
}

static void leaf_result(lua_State *L, void *ud) {
  results *r = ud;
  lua_rawgeti(L, r->flat, ++r->next);
}

/* Returns the outputs as f did: several values, or one. */
static int push_results(batch *b, int out, int several, int flat) {
  lua_State *L = b->L;
  results r = {b, flat, 0};
  batch moving = *b;
  moving.in = flat;
  moving.next = 0;
  walk_dims(&moving, out, lua_upvalueindex(UP_OUT), move_output);
  cjl_build(L, out, leaf_result, &r);
  if (!several) return 1;
  int table = lua_gettop(L);
  luaL_checkstack(L, several + 8, "too many results");
  for (int i = 1; i <= several; i++) lua_rawgeti(L, table, i);
  return several;
}

static int call_batched(lua_State *L) {
  batch b = {.L = L, .S = cjl_self(L)};
  int n = lua_gettop(L), nparts = 0;
  luaL_checkstack(L, 32, NULL);
  read_inputs(&b, n);
  b.trace = cjl_opentrace(L, b.S, WHO);
  int before = lua_gettop(L) + 1; /* the example */
  call_example(&b, n);
  int out = lua_gettop(L), several = out - before - 1;
  cj_func *f = push_function(&b, out);
  int64_t chunk = lua_isnil(L, lua_upvalueindex(UP_CHUNK)) ? b.size : lua_tointeger(L, lua_upvalueindex(UP_CHUNK));
  if (chunk > b.size || chunk == 0) chunk = b.size;
  int parts = lua_gettop(L) + 1;
  for (int64_t first = 0; first == 0 || first < b.size; first += chunk, nparts++) {
    luaL_checkstack(L, 32, "too many chunks");
    push_batch(&b, f, first, b.size - first < chunk ? b.size - first : chunk);
    lua_replace(L, parts + nparts);
    lua_settop(L, parts + nparts);
    if (chunk == 0) break;
  }
  int ny = cj_func_nout(f);
  lua_createtable(L, ny, 0);
  int flat = lua_gettop(L);
  for (int i = 1; i <= ny; i++) {
    push_joined(&b, parts, nparts, i);
    lua_rawseti(L, flat, i);
  }
  return push_results(&b, out, several > 1 ? several : 0, flat);
}

/* cj.vmap(f, {in_dims=, out_dims=, chunk_size=}) */
static int vmap(lua_State *L) {
  static const char *const names[] = {"in_dims", "out_dims", "chunk_size", NULL};
  int64_t chunk;
  (void)cjl_self(L);
  cjl_checkfunction(L, WHO, 1);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_newtable(L);
    lua_replace(L, 2);
  }
  if (lua_type(L, 2) != LUA_TTABLE) return cjl_argerror(L, WHO, 2, "options", "a table", 2);
  cjl_checkoptions(L, 2, WHO, names);
  lua_pushvalue(L, 1);
  for (int i = 0; names[i]; i++) {
    if (lua_getfield(L, 2, names[i]) != LUA_TNIL || i == 2) continue;
    lua_pop(L, 1);
    lua_pushinteger(L, 1);
  }
  if (!lua_isnil(L, -1) && (!cjl_integer(L, -1, &chunk) || chunk <= 0))
    return cjl_argerror(L, WHO, 0, "chunk_size", "a positive integer", -1);
  cjl_pushfunction(L, call_batched, 4);
  return 1;
}

void cjl_open_vmap(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"vmap", vmap}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
