/* ops.c -- one C function behind every operation of the table. */
#include "args.h"

#include <string.h>

enum { MAXOUT = 16 };

/* --- results ---------------------------------------------------------------------- */

/* Protected: (values, how many, as one table?) -> handles, which take the values over. */
static int box_results(lua_State *L) {
  cjl_state *S = lua_touserdata(L, lua_upvalueindex(1));
  cj_val *v = lua_touserdata(L, 1);
  int n = (int)lua_tointeger(L, 2);
  bool list = lua_toboolean(L, 3);
  luaL_checkstack(L, list ? 4 : n + 4, "too many results");
  if (list) lua_createtable(L, n, 0);
  for (int i = 1; i <= n; i++) {
    (void)cjl_slot(L);
    if (list) lua_rawseti(L, 4, i);
  }
  for (int i = 1; i <= n; i++) { /* nothing raises from here on */
    cjl_tensor *h;
    if (list) {
      lua_rawgeti(L, 4, i);
      h = lua_touserdata(L, -1);
      lua_pop(L, 1);
    } else {
      h = lua_touserdata(L, 3 + i);
    }
    h->v = v[i - 1];
    cjl_weigh(L, S, &h->v);
  }
  return list ? 1 : n;
}

static void release_all(cj_val *v, int n) {
  for (int i = 0; i < n; i++) cj_val_release(&v[i]);
}

static int push_results(lua_State *L, cj_val *v, int n, bool list) {
  int top = lua_gettop(L);
  cjl_pushuser(L, CJL_BOXRESULTS);
  lua_pushlightuserdata(L, v);
  lua_pushinteger(L, n);
  lua_pushboolean(L, list);
  if (lua_pcall(L, 3, LUA_MULTRET, 0) != LUA_OK) {
    release_all(v, n);
    return lua_error(L);
  }
  return lua_gettop(L) - top;
}

/* Positions count from 1 in Lua: they are the last of several results, or the only one where that has no
** derivative. */
static void shift_positions(lua_State *L, cjl_state *S, const cjl_opdesc *d, cj_val *out, int n) {
  int one;
  if (n == 0 || (n == 1 && d->differentiable)) return;
  cj_val in[2] = {out[n - 1], cjl_int(1)}, shifted;
  cj_status s = cj_apply(S->ctx, S->op.add, in, 2, NULL, 0, &shifted, 1, &one);
  if (s != CJ_OK) {
    release_all(out, n);
    cjl_raise(L, S, s, d->who);
  }
  cj_val_release(&out[n - 1]);
  out[n - 1] = shifted;
}

/* --- applying ------------------------------------------------------------------------ */

static uint32_t innermost(const cj_val *in, int n) {
  uint32_t trace = 0;
  for (int i = 0; i < n; i++)
    if (in[i].kind == CJ_TRACED && in[i].u.at.trace > trace) trace = in[i].u.at.trace;
  return trace;
}

typedef struct applied {
  const cjl_opdesc *d;
  const cj_val *in;
  const cj_param *p;
  int nin, np;
} applied;

static cj_status run(lua_State *L, cjl_state *S, const applied *a, cj_val *out, int cap, int *n) {
  return cjl_run(L, S, a->d->op, a->in, a->nin, a->p, a->np, out, cap, n);
}

/* A row with any number of results says ELIMIT when there is no room for them all. */
static int perform_list(lua_State *L, cjl_state *S, const applied *a) {
  int n = 0, cap = MAXOUT;
  cj_status s;
  for (;;) {
    cj_val *out = lua_newuserdatauv(L, (size_t)cap * sizeof *out, 0);
    s = run(L, S, a, out, cap, &n);
    if (s == CJ_OK) return push_results(L, out, n, true);
    if (s != CJ_ELIMIT || cap > 1 << 24) return cjl_raise(L, S, s, a->d->who);
    lua_pop(L, 1);
    cap *= 16;
  }
}

/* Lines tell where what fails in a run was written. */
static void note_line(lua_State *L, cjl_state *S, const cjl_opdesc *d, uint32_t trace) {
  if (d->fails || cj_trace_islasting(S->ctx, trace)) cj_trace_line(S->ctx, trace, cjl_line(L));
}

enum { ROOM = 128 }; /* bytes of elements of results that are small without our knowing it before */

/* The result goes into the handle at box, which was made before there was anything to lose. */
static int perform(lua_State *L, cjl_state *S, const applied *a, int box) {
  cj_val out[MAXOUT];
  int n = 0;
  uint32_t trace = innermost(a->in, a->nin);
  if (trace) note_line(L, S, a->d, trace);
  if (a->d->list_result) return perform_list(L, S, a);
  cj_status s = run(L, S, a, out, MAXOUT, &n);
  if (s != CJ_OK) return cjl_raise(L, S, s, a->d->who);
  if (a->d->index_result) shift_positions(L, S, a->d, out, n);
  if (n != 1) return push_results(L, out, n, false);
  cjl_tensor *h = lua_touserdata(L, box);
  h->v = out[0];
  lua_settop(L, box);
  cjl_settle(L, S, h);
  cjl_seal(L, S, h);
  return 1;
}

/* Gives the handle on top the metatable of those without a finalizer, upvalue 3. */
static void make_plain(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_setmetatable(L, -2);
}

/* An instruction of a trace: nothing is lost if there is no memory for its handle. */
static int record(lua_State *L, cjl_state *S, const applied *a, uint32_t trace) {
  cj_val out[MAXOUT];
  int n;
  note_line(L, S, a->d, trace);
  cj_status s = cj_apply(S->ctx, a->d->op, a->in, a->nin, a->p, a->np, out, MAXOUT, &n);
  if (s == CJ_ENOMEM) s = run(L, S, a, out, MAXOUT, &n);
  if (s != CJ_OK) return cjl_raise(L, S, s, a->d->who);
  if (a->d->index_result) shift_positions(L, S, a->d, out, n);
  if (n != 1) return push_results(L, out, n, false);
  cjl_box(L)->v = out[0];
  make_plain(L);
  return 1;
}

/* Makes n handles of our own, and later lets them hold the operands while more is allocated. */
static int push_keepers(lua_State *L, int n) {
  luaL_checkstack(L, n + 16, "too many operands");
  for (int i = 0; i < n; i++) (void)cjl_slot(L);
  return lua_gettop(L) - n + 1;
}

static void keep(lua_State *L, cjl_state *S, const char *who, int keepers, cj_val *in, int n) {
  for (int i = 0; i < n; i++) {
    if (in[i].kind == CJ_TENSOR) cj_tensor_retain(in[i].u.tensor);
    if (in[i].kind == CJ_SMALL) {
      cj_tensor *x = NULL;
      cj_status s = cj_val_tensor(S->ctx, &in[i], &x); /* not tried again: that might free what in[i] borrows */
      if (s != CJ_OK) cjl_raise(L, S, s, who);
      in[i] = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
    }
    ((cjl_tensor *)lua_touserdata(L, keepers + i))->v = in[i];
  }
}

static int call_general(lua_State *L, cjl_state *S, const cjl_opdesc *d) {
  cjl_call c;
  cj_val room[CJL_MAXIN];
  applied a = {.d = d, .p = c.p};
  cjl_read(&c, L, S, d);
  a.np = c.np;
  if (!d->list_result) {
    a.in = cjl_operands(&c, room, &a.nin);
    uint32_t trace = innermost(a.in, a.nin);
    if (trace) return record(L, S, &a, trace);
  }
  int keepers = d->list_result ? push_keepers(L, c.nat + c.nlist) : 0;
  cjl_roombox(L, 1, ROOM);
  int box = lua_gettop(L);
  c.fresh = false;
  cj_val *in = cjl_operands(&c, room, &a.nin);
  a.in = in;
  if (keepers) keep(L, S, d->who, keepers, in, a.nin);
  return perform(L, S, &a, box);
}

/* The operand at idx, whose metatable may stay on the stack.  False: there is none. */
static bool read_operand(lua_State *L, const cjl_state *S, int idx, cj_val *v) {
  const cjl_tensor *h = lua_touserdata(L, idx);
  if (h) {
    const void *meta = lua_getmetatable(L, idx) ? lua_topointer(L, -1) : NULL;
    if (!meta || (meta != S->plain && meta != S->meta)) return false;
    *v = h->v;
  } else if (lua_isinteger(L, idx)) {
    *v = cjl_int(lua_tointeger(L, idx));
  } else if (lua_type(L, idx) == LUA_TNUMBER) {
    *v = cjl_num(lua_tonumber(L, idx));
  } else {
    return false;
  }
  return v->kind != CJ_NONE;
}

/* At once, in memory that is on the stack until there is a handle for it.  False: not a case for it. */
static bool compute_small(lua_State *L, cjl_state *S, const cjl_opdesc *d, const cj_val *in) {
  double y[CJL_SMALLMOST / sizeof(double)];
  const cj_type *t = cj_apply_small(S->ctx, d->op, in, d->narg, y, sizeof y);
  if (!t) return false;
  cj_type copy; /* it is that of an operand, which may change from now on */
  const cj_type *own = t->rank ? (copy = *t, &copy) : &S->scalar[t->dtype];
  size_t bytes = cj_type_bytes(own);
  cjl_tensor *h = cjl_roombox(L, own->rank, bytes);
  const cj_small *x = cjl_placein(S, h, cjl_smallroom(own), own);
  memcpy(x->data, y, bytes);
  h->v = (cj_val){.kind = CJ_SMALL, .u.small = x};
  make_plain(L);
  return true;
}

static int call_plain(lua_State *L, cjl_state *S, const cjl_opdesc *d) {
  cj_val in[3];
  applied a = {.d = d, .in = in, .nin = d->narg};
  lua_settop(L, d->narg);
  cjl_roombox(L, 1, ROOM);
  for (int i = 0; i < d->narg; i++) {
    in[i] = cjl_operand(L, S, i + 1);
    if (in[i].kind == CJ_NONE) {
      lua_settop(L, d->narg);
      return call_general(L, S, d); /* says what is wrong */
    }
  }
  return perform(L, S, &a, d->narg + 1);
}

/* Upvalues: the state, the description of the operation, the metatable of handles without a finalizer. */
int cjl_opcall(lua_State *L) {
  const cjl_opdesc *d = lua_touserdata(L, lua_upvalueindex(2));
  cjl_state *S = d->S->ctx ? d->S : cjl_self(L); /* which raises */
  cj_val in[3];
  uint32_t trace = 0;
  if (!d->plain || lua_gettop(L) != d->narg) return call_general(L, S, d);
  for (int i = 0; i < d->narg; i++) {
    if (!read_operand(L, S, i + 1, &in[i])) return call_plain(L, S, d);
    if (in[i].kind == CJ_TRACED && in[i].u.at.trace > trace) trace = in[i].u.at.trace;
  }
  if (trace) return record(L, S, &(applied){.d = d, .in = in, .nin = d->narg}, trace);
  return d->elementwise && compute_small(L, S, d, in) ? 1 : call_plain(L, S, d);
}

/* Lua gives a unary metamethod its operand twice. */
static int call_unary(lua_State *L) {
  lua_settop(L, 1);
  return cjl_opcall(L);
}

/* --- registering ------------------------------------------------------------------------ */

static void push_op(lua_State *L, lua_CFunction f, const cjl_opdesc *d) {
  lua_pushlightuserdata(L, (void *)d);
  cjl_pushuser(L, CJL_PLAIN);
  cjl_pushfunction(L, f, 2);
}

/* The function on top, under its name in each of the modules ("", "linalg", ...), which are comma-separated. */
static void add_to_modules(lua_State *L, int module, const cj_opinfo *info) {
  for (const char *m = info->module, *end; m; m = *end ? end + 1 : NULL) {
    end = m + strcspn(m, ",");
    lua_pushvalue(L, module);
    if (end > m) {
      lua_pushlstring(L, m, (size_t)(end - m));
      luaL_getsubtable(L, module, lua_tostring(L, -1));
      lua_remove(L, -2);
      lua_remove(L, -2);
    }
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, info->name);
    lua_pop(L, 1);
  }
}

static void add_metamethod(lua_State *L, const cjl_opdesc *d, const char *name) {
  for (int which = CJL_META; which <= CJL_PLAIN; which++) {
    cjl_pushuser(L, which);
    push_op(L, d->narg == 1 ? call_unary : cjl_opcall, d);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
  }
}

/* cj.ops(): the table, for tests and manuals; each row with the function that calls it, hidden rows too. */
static int list_ops(lua_State *L) {
  cjl_state *S = cjl_self(L);
  int n = cj_op_count(), k = 0;
  lua_createtable(L, n, 0);
  for (int op = 0; op < n; op++) {
    cj_opinfo i;
    if (cj_op_info(op, &i) != CJ_OK) continue;
    const struct {
      const char *key, *text;
    } texts[] = {{"name", i.name},   {"module", i.module}, {"sig", i.sig},         {"doc", i.doc},
                 {"value", i.value}, {"domain", i.domain}, {"example", i.example}, {"meta", i.meta}};
    const struct {
      const char *key;
      bool on;
    } flags[] = {{"differentiable", i.differentiable},
                 {"primitive", i.primitive},
                 {"method", i.method},
                 {"index_result", i.index_result},
                 {"list_result", i.list_result}};
    lua_createtable(L, 0, 15);
    for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) {
      lua_pushstring(L, texts[j].text);
      lua_setfield(L, -2, texts[j].key);
    }
    for (size_t j = 0; j < sizeof flags / sizeof *flags; j++) {
      lua_pushboolean(L, flags[j].on);
      lua_setfield(L, -2, flags[j].key);
    }
    push_op(L, cjl_opcall, &S->ops[op]);
    lua_setfield(L, -2, "call");
    lua_pushinteger(L, op);
    lua_setfield(L, -2, "op");
    lua_rawseti(L, -2, ++k);
  }
  return 1;
}

void cjl_open_ops(lua_State *L, cjl_state *S) {
  static const cjl_reg functions[] = {{"ops", list_ops}, {NULL, NULL}};
  int module = lua_gettop(L);
  cjl_pushfunction(L, box_results, 0);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_BOXRESULTS);
  S->ops = cjl_describe_ops(L, S);
  lua_setiuservalue(L, lua_upvalueindex(1), CJL_OPS);
#define X(name) S->op.name = cj_op_find("", #name) >= 0 ? cj_op_find("", #name) : cj_op_find(NULL, #name);
  CJL_USED(X)
#undef X
  cjl_pushuser(L, CJL_METHODS);
  for (int op = 0; op < cj_op_count(); op++) {
    cj_opinfo info;
    if (cj_op_info(op, &info) != CJ_OK || !info.module) continue;
    push_op(L, cjl_opcall, &S->ops[op]);
    add_to_modules(L, module, &info);
    if (info.method) {
      lua_pushvalue(L, -1);
      lua_setfield(L, module + 1, info.name);
    }
    lua_pop(L, 1);
    if (info.meta) add_metamethod(L, &S->ops[op], info.meta);
  }
  lua_settop(L, module);
  cjl_register(L, functions, false);
}
