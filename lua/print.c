/* print.c -- tostring, and how it looks. */
#include "value.h"

#include <string.h>

typedef struct text {
  char *s; /* NULL: measuring */
  size_t n, cap;
} text;

static cj_status put(void *ud, const char *s, size_t n) {
  text *t = ud;
  if (t->s) {
    if (n > t->cap - t->n) n = t->cap - t->n;
    memcpy(t->s + t->n, s, n);
  }
  t->n += n;
  return CJ_OK;
}

void cjl_pushtext(lua_State *L, cjl_state *S, const char *who, cjl_writer write, void *thing) {
  luaL_Buffer b;
  text t = {NULL, 0, 0};
  CJL_TRY(L, S, who, write(thing, put, &t));
  t.cap = t.n;
  t.n = 0;
  t.s = luaL_buffinitsize(L, &b, t.cap);
  CJL_TRY(L, S, who, write(thing, put, &t));
  luaL_pushresultsize(&b, t.n);
}

typedef struct shown {
  const cj_tensor *x;
  const cj_printopts *how;
} shown;

static cj_status write_shown(void *thing, cj_write_fn w, void *ud) {
  const shown *s = thing;
  return cj_tensor_write(s->x, s->how, w, ud);
}

static void push_text(lua_State *L, cjl_state *S, const cj_tensor *x) {
  shown s = {x, &S->print};
  cjl_pushtext(L, S, "tostring", write_shown, &s);
}

/* A traced value is shown by its number, if it has one now. */
static int meta_tostring(lua_State *L) {
  cjl_state *S = cjl_self(L);
  const cjl_tensor *h = cjl_test(L, S, 1);
  cj_type t;
  cj_tensor *x = NULL;
  if (!h) return cjl_argerror(L, "tostring", 1, "x", "a tensor", 1);
  cjl_tensor *box = cjl_slot(L);
  cj_status s = h->v.kind == CJ_NONE ? CJ_ENOVALUE : cj_val_tensor(S->ctx, &h->v, &x);
  if (s == CJ_ENOMEM) CJL_TRY(L, S, "tostring", cj_val_tensor(S->ctx, &h->v, &x));
  if (x) {
    box->v = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
    push_text(L, S, x);
  } else if (h->v.kind != CJ_NONE && cj_val_type(S->ctx, &h->v, &t) == CJ_OK) {
    cjl_pushshape(L, &t);
    lua_pushfstring(L, "traced %s%s", cj_dtype_name((cj_dtype)t.dtype), lua_tostring(L, -1));
  } else {
    lua_pushfstring(L, "(%s)", cjl_describe(L, 1));
  }
  return 1;
}

static void read_option(lua_State *L, const char *name, int64_t lo, int64_t hi, int64_t *out) {
  static const char who[] = "cj.set_printoptions";
  if (lua_getfield(L, 1, name) != LUA_TNIL && (!cjl_integer(L, -1, out) || *out < lo || *out > hi))
    cjl_error(L, "%s: option '%s': expected an integer from %I to %I, got %s", who, name, (LUAI_UACINT)lo,
              (LUAI_UACINT)hi, cjl_describe(L, -1));
  lua_pop(L, 1);
}

static int set_printoptions(lua_State *L) {
  static const char *const names[] = {"precision", "threshold", "edge", "linewidth", NULL};
  cjl_state *S = cjl_self(L);
  if (lua_type(L, 1) != LUA_TTABLE) return cjl_argerror(L, "cj.set_printoptions", 1, "options", "a table", 1);
  cjl_checkoptions(L, 1, "cj.set_printoptions", names);
  int64_t precision = S->print.precision, threshold = S->print.threshold, edge = S->print.edge,
          width = S->print.linewidth;
  read_option(L, "precision", 1, 17, &precision);
  read_option(L, "threshold", 0, INT64_MAX, &threshold);
  read_option(L, "edge", 1, 1000, &edge);
  read_option(L, "linewidth", 20, 10000, &width);
  S->print = (cj_printopts){(int)precision, threshold, (int)edge, (int)width};
  return 0;
}

void cjl_open_print(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"set_printoptions", set_printoptions}, {NULL, NULL}};
  static const cjl_reg meta[] = {{"__tostring", meta_tostring}, {NULL, NULL}};
  S->print = (cj_printopts){4, 1000, 3, 80};
  cjl_register(L, functions, false);
  cjl_registermeta(L, meta);
}
