/* value.c -- handles, errors, and the few conversions that everything else is made of. */
#include "value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- the state ------------------------------------------------------------ */

cjl_state *cjl_self(lua_State *L) {
  cjl_state *S = lua_touserdata(L, lua_upvalueindex(1));
  if (!S->ctx) cjl_error(L, "cjac: the Lua state is being closed");
  return S;
}

void cjl_pushfunction(lua_State *L, lua_CFunction f, int extra) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, -1 - extra);
  lua_pushcclosure(L, f, 1 + extra);
}

void cjl_register(lua_State *L, const cjl_reg *r, bool methods) {
  cjl_pushuser(L, CJL_METHODS);
  for (; r->name; r++) {
    cjl_pushfunction(L, r->f, 0);
    if (methods) {
      lua_pushvalue(L, -1);
      lua_setfield(L, -3, r->name);
    }
    lua_setfield(L, -3, r->name);
  }
  lua_pop(L, 1);
}

void cjl_registermeta(lua_State *L, const cjl_reg *r) {
  for (; r->name; r++) {
    for (int which = CJL_META; which <= CJL_PLAIN; which++) {
      cjl_pushuser(L, which);
      cjl_pushfunction(L, r->f, 0);
      lua_setfield(L, -2, r->name);
      lua_pop(L, 1);
    }
  }
}

/* --- errors ------------------------------------------------------------------ */

/* The nearest caller that is written in Lua. */
static bool caller(lua_State *L, lua_Debug *ar) {
  for (int level = 1; lua_getstack(L, level, ar); level++)
    if (lua_getinfo(L, "l", ar) && ar->currentline > 0) return true;
  return false;
}

int cjl_line(lua_State *L) {
  lua_Debug ar;
  return caller(L, &ar) ? ar.currentline : 0;
}

/* The nearest caller that is the user's, and not a part of the module that is written in Lua. */
static bool user_caller(lua_State *L, lua_Debug *ar) {
  static const char own[] = "@cjac/";
  for (int level = 1; lua_getstack(L, level, ar); level++)
    if (lua_getinfo(L, "Sl", ar) && ar->currentline > 0 && strncmp(ar->source, own, sizeof own - 1) != 0) return true;
  return false;
}

int cjl_error(lua_State *L, const char *fmt, ...) {
  lua_Debug ar;
  va_list ap;
  if (user_caller(L, &ar))
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
  else
    lua_pushliteral(L, "");
  va_start(ap, fmt);
  lua_pushvfstring(L, fmt, ap);
  va_end(ap);
  lua_concat(L, 2);
  return lua_error(L);
}

/* The core's messages begin with the name of the operation, without its module. */
static bool isprefixed(const char *msg, const char *who) {
  const char *name = strrchr(who, '.');
  name = name ? name + 1 : who;
  size_t n = strlen(name);
  return strncmp(msg, name, n) == 0 && msg[n] == ':';
}

int cjl_raise(lua_State *L, cjl_state *S, cj_status s, const char *who) {
  if (s == CJ_ENOMEM) {
    lua_pushliteral(L, "not enough memory");
    return lua_error(L);
  }
  const char *msg = cj_errmsg(S->ctx);
  if (!*msg) msg = cj_status_text(s);
  if (strncmp(msg, "cj.", 3) == 0) return cjl_error(L, "%s", msg);
  if (isprefixed(msg, who)) msg = strchr(msg, ':') + 2;
  return cjl_error(L, "%s: %s%s", who, msg,
                   s == CJ_ENOVALUE
                       ? " (in a function given to cj.vmap, or compiled from types, there is no number yet; the body "
                         "of a loop is traced once for all steps, so cj.where takes the place of a branch)"
                       : "");
}

int cjl_argerror(lua_State *L, const char *who, int arg, const char *name, const char *want, int idx) {
  if (idx && lua_isnoneornil(L, idx)) idx = 0;
  const char *got = idx ? cjl_describe(L, idx) : "nothing";
  if (arg <= 0) return cjl_error(L, "%s: option '%s': expected %s, got %s", who, name, want, got);
  return cjl_error(L, "%s: argument %d (%s): expected %s, got %s", who, arg, name, want, got);
}

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* A finalizer for whose call Lua has no memory is lost: the call of a function makes sure that there is room. */
bool cjl_again(lua_State *L, cjl_state *S, cj_status s, const cj_val *v, int n) {
  if (s != CJ_ENOMEM) return false;
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
  for (int i = 0; i < n; i++)
    if (v[i].kind == CJ_TENSOR) cj_tensor_retain(v[i].u.tensor);
  lua_gc(L, LUA_GCCOLLECT);
  cj_ctx_trim(S->ctx);
  return true;
}

void cjl_release(const cj_val *v, int n) {
  for (int i = 0; i < n; i++)
    if (v[i].kind == CJ_TENSOR) cj_tensor_release(v[i].u.tensor);
}

void cjl_pushshape(lua_State *L, const cj_type *t) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addchar(&b, '[');
  for (int i = 0; i < t->rank; i++) {
    char size[24];
    luaL_addlstring(&b, size, (size_t)snprintf(size, sizeof size, i ? ", %lld" : "%lld", (long long)t->dim[i]));
  }
  luaL_addchar(&b, ']');
  luaL_pushresult(&b);
}

void cjl_pushsizes(lua_State *L, const cj_type *t) {
  lua_createtable(L, t->rank, 0);
  for (int i = 0; i < t->rank; i++) {
    lua_pushinteger(L, t->dim[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

enum { QUOTED_MOST = 40 }; /* bytes of a string that is shown */

static bool is_shown(lua_State *L, int idx) {
  size_t n;
  const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tolstring(L, idx, &n) : NULL;
  return s && n <= QUOTED_MOST && strlen(s) == n;
}

const char *cjl_describe(lua_State *L, int idx) {
  cjl_state *S = cjl_self(L);
  const cjl_tensor *h = cjl_test(L, S, idx);
  cj_type t;
  if (h && h->v.kind != CJ_NONE && cj_val_type(S->ctx, &h->v, &t) == CJ_OK) {
    cjl_pushshape(L, &t);
    return lua_pushfstring(L, "a tensor %s%s", cj_dtype_name(t.dtype), lua_tostring(L, -1));
  }
  if (h)
    return lua_pushstring(L, h->v.kind == CJ_NONE ? "a closed tensor" : "a traced tensor that outlived its function");
  if (lua_type(L, idx) == LUA_TNUMBER) return lua_pushfstring(L, "%s", (lua_pushvalue(L, idx), lua_tostring(L, -1)));
  if (is_shown(L, idx)) return lua_pushfstring(L, "the string \"%s\"", lua_tostring(L, idx));
  return lua_pushstring(L, luaL_typename(L, idx));
}

/* --- handles ------------------------------------------------------------------- */

cjl_tensor *cjl_test(lua_State *L, cjl_state *S, int idx) {
  void *h = lua_touserdata(L, idx);
  if (!h || !lua_getmetatable(L, idx)) return NULL;
  const void *meta = lua_topointer(L, -1);
  lua_pop(L, 1);
  return meta == S->meta || meta == S->plain ? h : NULL;
}

cjl_tensor *cjl_check(lua_State *L, cjl_state *S, int idx, const char *who, const char *name) {
  cjl_tensor *h = cjl_test(L, S, idx);
  if (!h || h->v.kind == CJ_NONE) cjl_argerror(L, who, idx, name, "a tensor", idx);
  return h;
}

cjl_tensor *cjl_box(lua_State *L) {
  cjl_tensor *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->v.kind = CJ_NONE;
  return h;
}

/* Tensors live outside Lua's heap, so Lua's collector, whose pace follows its own heap, would wait too long.  It is
** told in steps; a whole cycle is done while tensors of about the size of all that is alive are made. */
#define STEP ((size_t)1 << 19)
#define HEADER 256 /* bytes of a tensor beyond its elements, about */

static void collect_some(lua_State *L, cjl_state *S) {
  cj_memstat m;
  cj_ctx_mem(S->ctx, &m);
  double heap = lua_gc(L, LUA_GCCOUNT), debt = (double)S->debt / 1024, alive = (double)m.live / 1024 - debt;
  double period = alive > heap ? alive : heap; /* all in kilobytes */
  S->debt = 0;
  if (lua_gc(L, LUA_GCISRUNNING)) lua_gc(L, LUA_GCSTEP, (int)(debt > period ? heap : heap * debt / period) + 1);
}

void cjl_weigh(lua_State *L, cjl_state *S, const cj_val *v) {
  if (v->kind != CJ_TENSOR) return;
  S->debt += cj_type_bytes(cj_tensor_type(v->u.tensor)) + HEADER;
  if (S->debt >= STEP) collect_some(L, S);
}

void cjl_seal(lua_State *L, cjl_state *S, cjl_tensor *h) {
  cjl_pushuser(L, h->v.kind == CJ_TENSOR ? CJL_META : CJL_PLAIN);
  lua_setmetatable(L, -2);
  cjl_weigh(L, S, &h->v);
}

cjl_tensor *cjl_slot(lua_State *L) {
  cjl_tensor *h = cjl_box(L);
  cjl_pushuser(L, CJL_META);
  lua_setmetatable(L, -2);
  return h;
}

void cjl_rebind(lua_State *L, cjl_state *S, int idx, cj_val v) {
  cjl_tensor *h = lua_touserdata(L, idx);
  cj_val old = h->v;
  bool wasplain = old.kind == CJ_TRACED || old.kind == CJ_SMALL;
  if (v.kind == CJ_TENSOR && cjl_fits(L, S, idx, &v)) {
    cj_val_release(&v);
    return;
  }
  h->v = v;
  cj_val_release(&old);
  if (wasplain && v.kind == CJ_TENSOR) { /* from now on there is something to release */
    idx = lua_absindex(L, idx);
    cjl_pushuser(L, CJL_META);
    lua_setmetatable(L, idx);
  }
  cjl_weigh(L, S, &v);
}

void cjl_share(lua_State *L, cjl_state *S, const cjl_tensor *h) {
  cjl_tensor *twin = cjl_box(L);
  if (h->v.kind == CJ_SMALL) {
    cj_tensor *x = NULL;
    CJL_TRY(L, S, "cj.tensor", cj_val_tensor(S->ctx, &h->v, &x));
    twin->v = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
  } else {
    twin->v = h->v;
    if (h->v.kind == CJ_TENSOR) cj_tensor_retain(h->v.u.tensor);
  }
  cjl_pushuser(L, twin->v.kind == CJ_TRACED ? CJL_PLAIN : CJL_META);
  lua_setmetatable(L, -2);
}

cj_type cjl_typeof(lua_State *L, cjl_state *S, const cjl_tensor *h, const char *who) {
  if (h->v.kind == CJ_TENSOR) return *cj_tensor_type(h->v.u.tensor);
  if (h->v.kind == CJ_SMALL) return *h->v.u.small->type;
  cj_type t;
  if (h->v.kind == CJ_NONE) cjl_error(L, "%s: the tensor is closed", who);
  CJL_TRY(L, S, who, cj_val_type(S->ctx, &h->v, &t));
  return t;
}

cj_tensor *cjl_concrete(lua_State *L, cjl_state *S, const cjl_tensor *h, const char *who) {
  cj_tensor *x = NULL;
  cjl_share(L, S, h);
  cjl_tensor *own = lua_touserdata(L, -1);
  if (own->v.kind == CJ_NONE) cjl_error(L, "%s: the tensor is closed", who);
  if (own->v.kind == CJ_TRACED) {
    CJL_TRY(L, S, who, cj_val_tensor(S->ctx, &own->v, &x));
    cjl_rebind(L, S, -1, (cj_val){.kind = CJ_TENSOR, .u.tensor = x});
  }
  if (cj_tensor_data(own->v.u.tensor)) return own->v.u.tensor;
  CJL_TRY(L, S, who, cj_tensor_contiguous(own->v.u.tensor, &x));
  cjl_rebind(L, S, -1, (cj_val){.kind = CJ_TENSOR, .u.tensor = x});
  return x;
}

void *cjl_new(lua_State *L, cjl_state *S, const cj_type *t, const char *who) {
  cj_tensor *x = NULL;
  cjl_tensor *box = cjl_box(L);
  CJL_TRY(L, S, who, cj_tensor_new(S->ctx, t, NULL, &x));
  box->v = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
  cjl_seal(L, S, box);
  return cj_tensor_edit(x);
}

void cjl_pushdtype(lua_State *L, int dtype, double f, int64_t n) {
  if (dtype == CJ_I64)
    lua_pushinteger(L, n);
  else if (dtype == CJ_BOOL)
    lua_pushboolean(L, n != 0);
  else
    lua_pushnumber(L, f);
}

void cjl_pushelement(lua_State *L, const cj_tensor *x, int64_t i) {
  double f = 0;
  int64_t n = 0;
  (void)cj_tensor_at(x, i, &f, &n); /* i is in range: nothing can fail */
  cjl_pushdtype(L, cj_tensor_type(x)->dtype, f, n);
}

/* --- operations ------------------------------------------------------------------ */

cj_status cjl_run(lua_State *L, cjl_state *S, int op, const cj_val *in, int nin, const cj_param *p, int np, cj_val *out,
                  int cap, int *n) {
  cj_status s = cj_apply(S->ctx, op, in, nin, p, np, out, cap, n);
  if (s != CJ_OK && cjl_again(L, S, s, in, nin)) {
    s = cj_apply(S->ctx, op, in, nin, p, np, out, cap, n);
    cjl_release(in, nin);
  }
  return s;
}

cjl_tensor *cjl_apply(lua_State *L, cjl_state *S, const char *who, int op, const cj_val *in, int nin, const cj_param *p,
                      int np) {
  int n = 0;
  cjl_tensor *box = cjl_box(L);
  cj_status s = cjl_run(L, S, op, in, nin, p, np, &box->v, 1, &n);
  if (s != CJ_OK) cjl_raise(L, S, s, who);
  cjl_seal(L, S, box);
  return box;
}

cjl_tensor *cjl_then(lua_State *L, cjl_state *S, const char *who, int op, const cj_param *p, int np) {
  cj_val in = ((cjl_tensor *)lua_touserdata(L, -1))->v;
  cjl_tensor *y = cjl_apply(L, S, who, op, &in, 1, p, np);
  lua_remove(L, -2);
  return y;
}

cjl_tensor *cjl_reshape(lua_State *L, cjl_state *S, const char *who, int op, const cj_type *t) {
  cjl_tensor *h = lua_touserdata(L, -1);
  cj_type now = cjl_typeof(L, S, h, who);
  cj_param p = {.n = t->rank};
  if (now.rank == t->rank && memcmp(now.dim, t->dim, t->rank * sizeof *t->dim) == 0) return h;
  memcpy(p.v, t->dim, t->rank * sizeof *t->dim);
  return cjl_then(L, S, who, op, &p, 1);
}

cjl_tensor *cjl_cast(lua_State *L, cjl_state *S, const char *who, int dtype) {
  cjl_tensor *h = lua_touserdata(L, -1);
  cj_param p = cjl_p(dtype);
  return cjl_typeof(L, S, h, who).dtype == dtype ? h : cjl_then(L, S, who, S->op.to, &p, 1);
}

cj_val cjl_operand(lua_State *L, cjl_state *S, int idx) {
  switch (lua_type(L, idx)) {
  case LUA_TNUMBER: return lua_isinteger(L, idx) ? cjl_int(lua_tointeger(L, idx)) : cjl_num(lua_tonumber(L, idx));
  case LUA_TBOOLEAN: return (cj_val){.kind = CJ_LOGICAL, .u.i = lua_toboolean(L, idx)};
  case LUA_TUSERDATA: {
    const cjl_tensor *h = cjl_test(L, S, idx);
    if (h) return h->v;
  } /* fall through */
  default: return (cj_val){.kind = CJ_NONE};
  }
}

bool cjl_element(const cj_val *v, int dtype, char *out) {
  double d = v->kind == CJ_NUM ? v->u.num : (double)v->u.i;
  bool whole = d >= -0x1p63 && d < 0x1p63; /* else there is no such int64 */
  float f = (float)d;
  int64_t i = v->kind != CJ_NUM ? v->u.i : whole ? (int64_t)d : INT64_MIN;
  uint8_t b = d != 0;
  if (v->kind == CJ_TENSOR || v->kind == CJ_TRACED || v->kind == CJ_SMALL) return false;
  memcpy(out,
         dtype == CJ_F64   ? (const void *)&d
         : dtype == CJ_F32 ? (const void *)&f
         : dtype == CJ_I64 ? (const void *)&i
                           : (const void *)&b,
         cj_dtype_size((cj_dtype)dtype));
  return true;
}

static int64_t zero_based(lua_State *L, const char *who, int64_t i, int64_t size) {
  if (i == 0 || (size >= 0 && (i > size || i < -size)))
    cjl_error(L,
              size >= 0 ? "%s: position %I is out of range 1..%I" : "%s: position %I is out of range, the first is 1",
              who, (LUAI_UACINT)i, (LUAI_UACINT)size);
  return i > 0 ? i - 1 : size >= 0 ? i + size : i;
}

cjl_tensor *cjl_fromone(lua_State *L, cjl_state *S, const char *who, const cjl_tensor *index, int64_t size) {
  cjl_share(L, S, index);
  cjl_tensor *own = lua_touserdata(L, -1);
  if (own->v.kind == CJ_TRACED || cjl_typeof(L, S, own, who).dtype != CJ_I64) {
    cj_val in[2] = {own->v, cjl_int(1)};
    cjl_apply(L, S, who, S->op.sub, in, 2, NULL, 0);
  } else {
    const cj_tensor *x = cjl_concrete(L, S, own, who);
    int64_t n = cj_type_count(cj_tensor_type(x)), *out = cjl_new(L, S, cj_tensor_type(x), who);
    const int64_t *data = cj_tensor_data(x);
    for (int64_t i = 0; i < n; i++) out[i] = zero_based(L, who, data[i], size);
    lua_remove(L, -2);
  }
  lua_remove(L, -2);
  return lua_touserdata(L, -1);
}

/* --- parameters -------------------------------------------------------------------- */

bool cjl_integer(lua_State *L, int idx, int64_t *out) {
  int good = 0;
  lua_Integer i = lua_tointegerx(L, idx, &good);
  *out = i;
  return good && lua_type(L, idx) == LUA_TNUMBER;
}

int64_t cjl_checkint(lua_State *L, int idx, const char *who, const char *name) {
  int64_t i;
  if (!cjl_integer(L, idx, &i)) cjl_argerror(L, who, idx, name, "an integer", idx);
  return i;
}

double cjl_checknum(lua_State *L, int idx, const char *who, const char *name) {
  if (lua_type(L, idx) != LUA_TNUMBER) cjl_argerror(L, who, idx, name, "a number", idx);
  return lua_tonumber(L, idx);
}

int cjl_dtype(const char *name) {
  static const char *const other[CJ_NDTYPE] = {"double", "float", "long", "boolean"};
  for (int d = 0; d < CJ_NDTYPE; d++)
    if (strcmp(name, cj_dtype_name((cj_dtype)d)) == 0 || strcmp(name, other[d]) == 0) return d;
  return -1;
}

bool cjl_isoptions(lua_State *L, int idx) {
  if (lua_type(L, idx) != LUA_TTABLE || lua_rawlen(L, idx)) return false;
  idx = lua_absindex(L, idx);
  lua_pushnil(L);
  if (!lua_next(L, idx)) return false;
  bool named = lua_type(L, -2) == LUA_TSTRING;
  lua_pop(L, 2);
  return named;
}

void cjl_checkoptions(lua_State *L, int idx, const char *who, const char *const *names) {
  idx = lua_absindex(L, idx);
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    const char *const *n = names;
    while (key && *n && strcmp(*n, key) != 0) n++;
    if (!key) cjl_error(L, "%s: an option must have a name, got %s", who, cjl_describe(L, -2));
    if (!*n) cjl_error(L, "%s: unknown option '%s'", who, key);
  }
}
