/* check.c -- cj.check_grad: the Jacobian against central differences. */
#include "tracing.h"

#include <math.h>
#include <string.h>

#define WHO "cj.check_grad"

typedef struct check {
  lua_State *L;
  cjl_state *S;
  int in, jacobian; /* structures of the inputs and of the Jacobian's blocks */
  int nx, ny;
  int which, next; /* the input that is moved, and counting the leaves */
  int64_t at;      /* its element */
  double to;       /* where it goes */
  double eps, rtol, atol;
} check;

static double option(lua_State *L, const char *name) {
  double v = -1;
  if (lua_getfield(L, 3, name) != LUA_TNIL) {
    v = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    if (!(v >= 0)) cjl_argerror(L, WHO, 0, name, "a number not below 0", -1);
  }
  lua_pop(L, 1);
  return v;
}

static void read_options(lua_State *L, check *c) {
  static const char *const names[] = {"eps", "rtol", "atol", NULL};
  c->eps = c->rtol = c->atol = -1;
  if (lua_isnoneornil(L, 3)) return;
  if (lua_type(L, 3) != LUA_TTABLE) cjl_argerror(L, WHO, 3, "options", "a table", 3);
  cjl_checkoptions(L, 3, WHO, names);
  c->eps = option(L, "eps");
  c->rtol = option(L, "rtol");
  c->atol = option(L, "atol");
}

static bool isconcrete(const cj_val *x) { return x->kind == CJ_TENSOR || x->kind == CJ_SMALL; }

static const cj_type *type_of(const cj_val *x) {
  return x->kind == CJ_SMALL ? x->u.small->type : cj_tensor_type(x->u.tensor);
}

static double element(const cj_val *x, int64_t i) {
  double f = 0;
  int64_t n = 0;
  bool isfloat = type_of(x)->dtype == CJ_F64 || type_of(x)->dtype == CJ_F32;
  if (x->kind == CJ_SMALL)
    cj_small_at(x->u.small, i, &f, &n);
  else
    (void)cj_tensor_at(x->u.tensor, i, &f, &n);
  return isfloat ? f : (double)n;
}

static void leaf_shared(lua_State *L, void *ud) { cjl_share(L, ((check *)ud)->S, lua_touserdata(L, -1)); }

/* A copy of the input on top, with one element moved if it is the one. */
static void leaf_moved(lua_State *L, void *ud) {
  check *c = ud;
  const cj_tensor *x = cjl_concrete(L, c->S, lua_touserdata(L, -1), WHO);
  cj_type t = *cj_tensor_type(x);
  char *data = cjl_new(L, c->S, &t, WHO);
  memcpy(data, cj_tensor_data(x), cj_type_bytes(&t));
  if (c->next++ == c->which) {
    cj_val v = cjl_num(c->to);
    (void)cjl_element(&v, t.dtype, data + (size_t)c->at * cj_dtype_size((cj_dtype)t.dtype));
  }
  lua_remove(L, -2);
}

/* Pushes the structure of f's outputs with the element at `to`. */
static void push_outputs(check *c, double to) {
  lua_State *L = c->L;
  c->to = to;
  c->next = 0;
  cjl_build(L, c->in, leaf_moved, c);
  int inputs = lua_gettop(L), first = inputs + 1;
  lua_pushvalue(L, 1);
  lua_call(L, cjl_spreadinputs(L, inputs), LUA_MULTRET);
  luaL_checkstack(L, 32, NULL);
  cjl_outputs(L, c->S, WHO, first, lua_gettop(L) - first + 1);
  lua_replace(L, inputs);
  lua_settop(L, inputs);
}

/* Pushes "element [2, 3]" for element i of a tensor of type t. */
static const char *push_place(lua_State *L, const cj_type *t, int64_t i) {
  cj_type place = {t->dtype, t->rank, {0}};
  for (int k = t->rank - 1; k >= 0; k--) {
    place.dim[k] = i % t->dim[k] + 1;
    i /= t->dim[k];
  }
  cjl_pushshape(L, &place);
  return lua_tostring(L, -1);
}

static void compare(check *c, int out, const cj_type *yt, const cj_type *xt, int64_t o, double analytic,
                    double numeric) {
  lua_State *L = c->L;
  bool f32 = xt->dtype == CJ_F32 || yt->dtype == CJ_F32;
  double rtol = c->rtol >= 0 ? c->rtol : f32 ? 1e-2 : 1e-5, atol = c->atol >= 0 ? c->atol : f32 ? 1e-2 : 1e-6;
  bool same = analytic == numeric || (isnan(analytic) && isnan(numeric));
  if (same || fabs(analytic - numeric) <= atol + rtol * fabs(numeric)) return;
  const char *x = push_place(L, xt, c->at), *y = push_place(L, yt, o);
  cjl_error(L, "%s: output %d, element %s, input %d, element %s: analytic %f, numeric %f", WHO, out + 1, y,
            c->which + 1, x, analytic, numeric);
}

static void check_element(check *c, const cj_val *j, const cj_type *xt, double x) {
  lua_State *L = c->L;
  double eps = c->eps > 0 ? c->eps : xt->dtype == CJ_F32 ? 1e-2 : 1e-6, h = eps * fmax(1, fabs(x));
  int top = lua_gettop(L);
  double plus = xt->dtype == CJ_F32 ? (double)(float)(x + h) : x + h;
  double minus = xt->dtype == CJ_F32 ? (double)(float)(x - h) : x - h;
  push_outputs(c, plus);
  push_outputs(c, minus);
  cj_val few[2][CJL_FEW], *a = cjl_room(L, few[0], c->ny), *b = cjl_room(L, few[1], c->ny);
  if (cjl_leaves(L, top + 1) != c->ny || cjl_leaves(L, top + 2) != c->ny)
    cjl_error(L, "%s: f does not always return the same number of tensors", WHO);
  (void)cjl_values(L, top + 1, a);
  (void)cjl_values(L, top + 2, b);
  int64_t n = cj_type_count(xt);
  for (int i = 0; i < c->ny; i++) {
    const cj_val *p = &a[i], *m = &b[i], *block = &j[i * c->nx + c->which];
    if (!isconcrete(p) || !isconcrete(m) || !isconcrete(block))
      cjl_error(L, "%s: cannot be used inside a traced function", WHO);
    cj_type yt = *type_of(p);
    int64_t ny = cj_type_count(&yt);
    if (cj_type_count(type_of(m)) != ny || cj_type_count(type_of(block)) != ny * n)
      cjl_error(L, "%s: output %d does not always have the same shape", WHO, i + 1);
    if (yt.dtype != CJ_F64 && yt.dtype != CJ_F32) continue; /* steps have no derivative */
    for (int64_t o = 0; o < ny; o++)
      compare(c, i, &yt, xt, o, element(block, o * n + c->at), (element(p, o) - element(m, o)) / (plus - minus));
  }
  lua_settop(L, top);
}

/* cj.check_grad(f, inputs[, {eps=, rtol=, atol=}]): true, or an error that names the first place where they differ. */
static int check_grad(lua_State *L) {
  check c = {.L = L, .S = cjl_self(L)};
  lua_settop(L, 3);
  luaL_checkstack(L, 32, NULL);
  cjl_checkfunction(L, WHO, 1);
  read_options(L, &c);
  cjl_checkinputs(L, c.S, WHO, 2);
  cjl_build(L, 4, leaf_shared, &c); /* f may assign to the handles that were given */
  cjl_structure(L, c.S, 5, WHO, "inputs");
  c.in = lua_gettop(L);
  cjl_pushuser(L, CJL_MODULE);
  lua_getfield(L, -1, "value_and_jacobian");
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 2);
  cjl_structure(L, c.S, lua_gettop(L) - 1, WHO, "output");
  c.ny = cjl_leaves(L, -1);
  cjl_structure(L, c.S, lua_gettop(L) - 1, WHO, "Jacobian");
  c.jacobian = lua_gettop(L);
  c.nx = cjl_leaves(L, c.in);
  cj_val *x = lua_newuserdatauv(L, (size_t)c.nx * sizeof *x, 0);
  cj_val *j = lua_newuserdatauv(L, (size_t)c.nx * (size_t)c.ny * sizeof *j, 0);
  (void)cjl_values(L, c.in, x);
  (void)cjl_values(L, c.jacobian, j);
  for (c.which = 0; c.which < c.nx; c.which++) {
    if (!isconcrete(&x[c.which])) return cjl_error(L, "%s: cannot be used inside a traced function", WHO);
    cj_type t = *type_of(&x[c.which]);
    for (c.at = 0; c.at < cj_type_count(&t); c.at++) check_element(&c, j, &t, element(&x[c.which], c.at));
  }
  lua_pushboolean(L, 1);
  return 1;
}

void cjl_open_check(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"check_grad", check_grad}, {NULL, NULL}};
  (void)S;
  cjl_register(L, functions, false);
}
