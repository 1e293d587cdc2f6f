/*
** host.c -- the interpreter that runs the benchmark: Lua with cjac, and the module "host", which calls compiled functions
** through cjac.h and code by hand, both from C, and reads the clock around them.
*/
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lualib.h>

#include "cjac_lua.h"
#include "compiled.h"
#include "reference.h"
#include "state.h"

enum { MAXARG = 32 };

/* Processor time of this process. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int host_clock(lua_State *L) {
  lua_pushnumber(L, now());
  return 1;
}

/* --- arrays ------------------------------------------------------------------------------ */

typedef struct array {
  cj_type type;
  void *data; /* float64 or int64; in a userdata that is kept in the list `room` of whoever has the array */
} array;

/* Pushes room for an array of that type. */
static array new_array(lua_State *L, const cj_type *t) {
  size_t bytes = cj_type_bytes(t) + 64;
  uintptr_t at = (uintptr_t)lua_newuserdatauv(L, bytes, 0);
  return (array){*t, (void *)((at + 63) & ~(uintptr_t)63)};
}

/* The list at idx, of sizes, as a shape. */
static cj_type check_shape(lua_State *L, int idx, cj_dtype dtype) {
  cj_type t;
  int64_t dim[CJ_MAXRANK];
  int n = (int)lua_rawlen(L, idx);
  for (int i = 0; i < n && i < CJ_MAXRANK; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, idx, i + 1);
    dim[i] = lua_tointeger(L, -1);
  }
  if (cj_type_make(dtype, n, dim, &t)) luaL_error(L, "host: no shape");
  return t;
}

/* A copy of the tensor on top, as scripts see it; it is replaced by the room of the copy. */
static array copy_tensor(lua_State *L) {
  int x = lua_gettop(L);
  lua_getfield(L, x, "dtype");
  bool whole = strcmp(luaL_checkstring(L, -1), "int64") == 0;
  lua_getfield(L, x, "shape");
  cj_type t = check_shape(L, x + 2, whole ? CJ_I64 : CJ_F64);
  array a = new_array(L, &t);
  lua_getfield(L, x, "reshape");
  lua_pushvalue(L, x);
  lua_pushinteger(L, -1);
  lua_call(L, 2, 1);
  lua_getfield(L, -1, "totable");
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  for (int64_t i = 0, n = cj_type_count(&t); i < n; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, -1, i + 1);
    if (whole)
      ((int64_t *)a.data)[i] = lua_tointeger(L, -1);
    else
      ((double *)a.data)[i] = lua_tonumber(L, -1);
  }
  lua_copy(L, x + 3, x);
  lua_settop(L, x);
  return a;
}

/* Pushes the elements of a float64 array as a list. */
static void push_numbers(lua_State *L, const array *a) {
  int64_t n = cj_type_count(&a->type);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    lua_pushnumber(L, ((const double *)a->data)[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static int list_length(lua_State *L, int idx) {
  luaL_checktype(L, idx, LUA_TTABLE);
  int n = (int)lua_rawlen(L, idx);
  if (n > MAXARG) luaL_error(L, "host: too many arguments");
  return n;
}

/* --- code by hand ----------------------------------------------------------------------- */

typedef struct reference {
  bench_fn *f;
  const void *x[MAXARG];
  void *y[MAXARG];
  int64_t n[MAXARG];
  array out[MAXARG];
  int nout;
} reference;

/* The address of bench_NAME, in a library or in this program; NULL: there is none. */
static void *find_symbol(lua_State *L, const char *name, const char *library) {
  char symbol[128];
  snprintf(symbol, sizeof symbol, "bench_%s", name);
  void *in = library ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : dlopen(NULL, RTLD_NOW);
  if (!in) luaL_error(L, "host: %s", dlerror());
  return dlsym(in, symbol);
}

/* host.reference(name, inputs, shapes of the results, sizes[, library]) -> a reference, or nil: there is none of that
** name. */
static int host_reference(lua_State *L) {
  lua_settop(L, 5);
  void *f = find_symbol(L, luaL_checkstring(L, 1), luaL_optstring(L, 5, NULL));
  if (!f) return 0;
  reference *r = lua_newuserdatauv(L, sizeof *r, 1);
  memset(r, 0, sizeof *r);
  memcpy(&r->f, &f, sizeof f);
  lua_newtable(L); /* what stays as long as it does */
  for (int i = 0, n = list_length(L, 2); i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    r->x[i] = copy_tensor(L).data;
    lua_rawseti(L, 7, (lua_Integer)lua_rawlen(L, 7) + 1);
  }
  r->nout = list_length(L, 3);
  for (int i = 0; i < r->nout; i++) {
    lua_rawgeti(L, 3, i + 1);
    cj_type t = check_shape(L, 8, CJ_F64);
    r->out[i] = new_array(L, &t);
    r->y[i] = r->out[i].data;
    lua_rawseti(L, 7, (lua_Integer)lua_rawlen(L, 7) + 1);
    lua_settop(L, 7);
  }
  for (int i = 0, n = list_length(L, 4); i < n; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, 4, i + 1);
    r->n[i] = lua_tointeger(L, -1);
  }
  lua_setiuservalue(L, 6, 1);
  return 1;
}

/* host.results(reference) -> what it wrote last, as flat lists */
static int host_results(lua_State *L) {
  const reference *r = lua_touserdata(L, 1);
  for (int i = 0; i < r->nout; i++) push_numbers(L, &r->out[i]);
  return r->nout;
}

/* host.time(reference, n) -> seconds that n calls take */
static int host_time(lua_State *L) {
  const reference *r = lua_touserdata(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  double start = now();
  for (lua_Integer i = 0; i < n; i++) r->f(r->x, r->y, r->n);
  lua_pushnumber(L, now() - start);
  return 1;
}

/* --- compiled functions, called from C ---------------------------------------------------- */

/* The context of the binding, whose state cj.tensor has as its first upvalue. */
static cj_ctx *context(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "cjac");
  lua_getfield(L, -1, "tensor");
  if (!lua_getupvalue(L, -1, 1)) luaL_error(L, "host: cjac is not there");
  const cjl_state *S = lua_touserdata(L, -1);
  lua_pop(L, 4);
  return S->ctx;
}

typedef struct callee {
  cj_compiled *k;
  int nx, ny;
  cj_val x[MAXARG], y[MAXARG];
} callee;

static int callee_gc(lua_State *L) {
  callee *c = lua_touserdata(L, 1);
  for (int i = 0; i < c->nx; i++) cj_val_release(&c->x[i]);
  for (int i = 0; i < c->ny; i++) cj_val_release(&c->y[i]);
  cj_compiled_release(c->k);
  c->nx = c->ny = 0;
  c->k = NULL;
  return 0;
}

static void call(lua_State *L, callee *c) {
  bool valid = true;
  cj_status s = cj_compiled_call(c->k, c->x, c->nx, c->y, &valid);
  if (s || !valid) luaL_error(L, "host: %s", s ? cj_status_text(s) : "the arguments take another way");
}

/* host.callee(F, inputs) -> the program that F used last, with those arguments and results of its own.  The inputs
** are tensors in the order in which the program takes them. */
static int host_callee(lua_State *L) {
  const cjl_compiled *F = luaL_checkudata(L, 1, CJL_COMPILED);
  if (!F->first || !F->first->first) return luaL_error(L, "host: it was not called yet");
  cj_ctx *ctx = context(L);
  lua_settop(L, 2);
  callee *c = lua_newuserdatauv(L, sizeof *c, 0);
  memset(c, 0, sizeof *c);
  if (luaL_newmetatable(L, "bench.callee")) {
    lua_pushcfunction(L, callee_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  c->k = cj_compiled_retain(F->first->first->k);
  int n = list_length(L, 2);
  if (n != cj_compiled_nin(c->k) || cj_compiled_nout(c->k) > MAXARG)
    return luaL_error(L, "host: %d inputs instead of %d", n, cj_compiled_nin(c->k));
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    array a = copy_tensor(L);
    if (cj_tensor_new(ctx, &a.type, a.data, &c->x[i].u.tensor)) return luaL_error(L, "host: %s", cj_errmsg(ctx));
    c->x[i].kind = CJ_TENSOR;
    c->nx++;
    lua_settop(L, 3);
  }
  call(L, c);
  c->ny = cj_compiled_nout(c->k);
  return 1;
}

/* host.calls(callee, n) -> seconds that n calls take */
static int host_calls(lua_State *L) {
  callee *c = luaL_checkudata(L, 1, "bench.callee");
  lua_Integer n = luaL_checkinteger(L, 2);
  double start = now();
  for (lua_Integer i = 0; i < n; i++) call(L, c);
  lua_pushnumber(L, now() - start);
  return 1;
}

/* --- numbers from a file ---------------------------------------------------------------------- */

/* host.load(path) -> the little-endian float64 numbers in a file */
static int host_load(lua_State *L) {
  FILE *f = fopen(luaL_checkstring(L, 1), "rb");
  if (!f) return luaL_error(L, "host: cannot read %s", lua_tostring(L, 1));
  lua_newtable(L);
  double v;
  for (lua_Integer i = 1; fread(&v, sizeof v, 1, f) == 1; i++) {
    lua_pushnumber(L, v);
    lua_rawseti(L, -2, i);
  }
  fclose(f);
  return 1;
}

static int open_host(lua_State *L) {
  static const luaL_Reg functions[] = {{"clock", host_clock},   {"reference", host_reference},
                                       {"results", host_results}, {"time", host_time}, {"callee", host_callee},
                                       {"calls", host_calls},   {"load", host_load},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

/* --- the interpreter ----------------------------------------------------------------------------- */

static int traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

int main(int argc, char **argv) {
  lua_State *L = cjac_newstate();
  if (!L || argc < 2) {
    fprintf(stderr, "usage: %s SCRIPT [ARGUMENT..]\n", argv[0]);
    return 2;
  }
  luaL_openlibs(L);
  luaL_requiref(L, "cjac", luaopen_cjac, 0);
  luaL_requiref(L, "host", open_host, 0);
  lua_settop(L, 0);
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  lua_pushcfunction(L, traceback);
  int status = luaL_loadfile(L, argv[1]) || lua_pcall(L, 0, 0, 1);
  if (status) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
