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

/* The handle at idx, whose elements stay where they are as long as it does. */
static cjl_tensor *check_handle(lua_State *L, int idx) {
  cjl_tensor *h = lua_touserdata(L, idx);
  if (!h || (h->v.kind != CJ_TENSOR && h->v.kind != CJ_SMALL)) luaL_error(L, "host: a tensor was expected");
  return h;
}

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

/* As hosts have it (one reference). */
static cj_tensor *tensor_of(lua_State *L, cj_ctx *ctx, const cjl_tensor *h) {
  cj_tensor *x = NULL;
  if (h->v.kind == CJ_TENSOR) return cj_tensor_retain(h->v.u.tensor);
  const cj_small *own = cjl_ownsmall(h);
  if (cj_tensor_new(ctx, &own->type, cj_small_data(own), &x)) luaL_error(L, "host: %s", cj_errmsg(ctx));
  return x;
}

/* --- code by hand ----------------------------------------------------------------------- */

typedef struct reference {
  bench_fn *f;
  const void *x[MAXARG];
  void *y[MAXARG];
  int64_t n[MAXARG];
} reference;

static int list_length(lua_State *L, int idx) {
  luaL_checktype(L, idx, LUA_TTABLE);
  int n = (int)lua_rawlen(L, idx);
  if (n > MAXARG) luaL_error(L, "host: too many arguments");
  return n;
}

/* host.reference(name, inputs, outputs, sizes[, library]) -> a reference, or nil: there is none of that name. */
static int host_reference(lua_State *L) {
  char symbol[128];
  const char *library = luaL_optstring(L, 5, NULL);
  snprintf(symbol, sizeof symbol, "bench_%s", luaL_checkstring(L, 1));
  void *in = library ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : dlopen(NULL, RTLD_NOW);
  if (!in) return luaL_error(L, "host: %s", dlerror());
  void *f = dlsym(in, symbol);
  if (!f) return 0;
  reference *r = lua_newuserdatauv(L, sizeof *r, 3);
  memset(r, 0, sizeof *r);
  memcpy(&r->f, &f, sizeof f);
  for (int i = 0, n = list_length(L, 2); i < n; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, 2, i + 1);
    const cjl_tensor *h = check_handle(L, -1);
    r->x[i] = h->v.kind == CJ_SMALL ? cj_small_data(cjl_ownsmall(h)) : cj_tensor_data(h->v.u.tensor);
    if (!r->x[i]) return luaL_error(L, "host: input %d is not row-major", i + 1);
  }
  for (int i = 0, n = list_length(L, 3); i < n; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, 3, i + 1);
    const cjl_tensor *h = check_handle(L, -1);
    r->y[i] = h->v.kind == CJ_SMALL ? cj_small_data(cjl_ownsmall(h)) : cj_tensor_edit(h->v.u.tensor);
    if (!r->y[i]) return luaL_error(L, "host: output %d cannot be written to", i + 1);
  }
  for (int i = 0, n = list_length(L, 4); i < n; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, 4, i + 1);
    r->n[i] = lua_tointeger(L, -1);
  }
  for (int k = 1; k <= 3; k++) { /* they stay as long as it does */
    lua_pushvalue(L, k + 1);
    lua_setiuservalue(L, -2, k);
  }
  return 1;
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
    c->x[i].u.tensor = tensor_of(L, ctx, check_handle(L, -1));
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

/* host.load(tensor, path): its elements from a file of little-endian float64; false: the file is of another size. */
static int host_load(lua_State *L) {
  const cjl_tensor *h = check_handle(L, 1);
  bool small = h->v.kind == CJ_SMALL;
  size_t bytes = cj_type_bytes(small ? &cjl_ownsmall(h)->type : cj_tensor_type(h->v.u.tensor));
  void *to = small ? cj_small_data(cjl_ownsmall(h)) : cj_tensor_edit(h->v.u.tensor);
  FILE *f = fopen(luaL_checkstring(L, 2), "rb");
  if (!f || (bytes && !to)) {
    if (f) fclose(f);
    return luaL_error(L, "host: cannot read %s", lua_tostring(L, 2));
  }
  bool good = (bytes == 0 || fread(to, bytes, 1, f) == 1) && fgetc(f) == EOF;
  fclose(f);
  lua_pushboolean(L, good);
  return 1;
}

static int open_host(lua_State *L) {
  static const luaL_Reg functions[] = {{"clock", host_clock},   {"reference", host_reference},
                                       {"time", host_time},     {"callee", host_callee},
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
  lua_State *L = luaL_newstate();
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
