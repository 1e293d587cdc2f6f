/* args.c -- reading the arguments of an operation. */
#include "args.h"

#include <string.h>

enum { AT_LIST = -1 };

static const char *const wants[CJL_NKIND] = {
    [CJL_T] = "a tensor or a number",
    [CJL_LIST] = "a table of tensors",
    [CJL_INDEX] = "an int64 tensor of positions",
    [CJL_INDICES] = "int64 tensors of positions",
    [CJL_AXIS] = "a dim (1 is the first, -1 the last)",
    [CJL_AXES] = "a dim or a table of dims",
    [CJL_SHAPE] = "sizes",
    [CJL_PERM] = "dims",
    [CJL_INT] = "an integer",
    [CJL_INTS] = "an integer or a table of integers",
    [CJL_POS] = "a position (1 is the first, -1 the last)",
    [CJL_NUM] = "a number",
    [CJL_NUMSTR] = "a number or a name",
    [CJL_BOOL] = "a boolean",
    [CJL_STR] = "a string",
    [CJL_DTYPE] = "a dtype (\"float64\", \"float32\", \"int64\", \"bool\")",
};

/* One argument being read. */
typedef struct place {
  const cjl_arg *a;
  int idx; /* on the stack; 0: absent */
  int arg; /* its number for messages; 0: an option */
} place;

static void bad(cjl_call *c, const place *w) {
  cjl_argerror(c->L, c->d->who, w->arg, w->a->name, wants[w->a->kind], w->idx);
}

/* --- finding ---------------------------------------------------------------- */

/* The next positional argument, else the option of that name. */
static place find(cjl_call *c, const cjl_arg *a) {
  place w = {a, 0, c->next};
  if (c->next <= c->narg) {
    if (!lua_isnil(c->L, c->next)) w.idx = c->next;
    c->next++;
  } else if (c->opts) {
    luaL_checkstack(c->L, CJL_MAXARG, NULL);
    lua_pushstring(c->L, a->name);
    if (lua_rawget(c->L, c->opts) == LUA_TNIL)
      lua_pop(c->L, 1);
    else
      w.idx = lua_gettop(c->L), w.arg = 0;
  }
  return w;
}

static void check_names(const cjl_call *c) {
  lua_State *L = c->L;
  for (lua_pushnil(L); lua_next(L, c->opts); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    int i = 0;
    while (i < c->d->narg && strcmp(key, c->d->arg[i].name) != 0) i++;
    if (i == c->d->narg) cjl_error(L, "%s: unknown option '%s'", c->d->who, key);
  }
}

/* --- operands ------------------------------------------------------------------ */

static int64_t zero_based(cjl_call *c, const place *w, int idx) {
  int64_t i;
  if (!cjl_integer(c->L, idx, &i) || i == 0) bad(c, w);
  return i > 0 ? i - 1 : i;
}

/* A table of positions as an int64 tensor, pushed. */
static void push_positions(cjl_call *c, const place *w, int table) {
  lua_State *L = c->L;
  cj_type t;
  int64_t n = (int64_t)lua_rawlen(L, table);
  if (cj_type_make(CJ_I64, 1, &n, &t) != CJ_OK) bad(c, w);
  int64_t *out = cjl_new(L, c->S, &t, c->d->who);
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, table, i + 1);
    out[i] = zero_based(c, w, -1);
    lua_pop(L, 1);
  }
}

/* Pushes the positions at idx, counted from 0. */
static void push_index(cjl_call *c, const place *w, int idx) {
  lua_State *L = c->L;
  luaL_checkstack(L, 8, NULL);
  const cjl_tensor *h = cjl_test(L, c->S, idx);
  if (lua_type(L, idx) == LUA_TNUMBER)
    lua_pushinteger(L, zero_based(c, w, idx));
  else if (lua_type(L, idx) == LUA_TTABLE)
    push_positions(c, w, idx);
  else if (!h || h->v.kind == CJ_NONE)
    bad(c, w);
  else if (cjl_typeof(L, c->S, h, c->d->who).dtype != CJ_I64)
    lua_pushvalue(L, idx); /* the core says what is wrong with it */
  else
    cjl_fromone(L, c->S, c->d->who, h, -1);
}

static void read_operand(cjl_call *c, const place *w) {
  cj_val *seen = &c->seen[c->nat];
  seen->kind = CJ_NONE;
  if (!w->idx) {
    if (!w->a->optional) bad(c, w);
  } else if (w->a->kind == CJL_INDEX) {
    push_index(c, w, w->idx);
    c->at[c->nat++] = lua_gettop(c->L);
    return;
  } else if ((*seen = cjl_operand(c->L, c->S, w->idx)).kind == CJ_NONE) {
    bad(c, w);
  }
  c->at[c->nat++] = w->idx;
}

/* --- lists ------------------------------------------------------------------------ */

/* In arguments one by one the list ends where something else than a tensor comes. */
static int count_arguments(const cjl_call *c, int from, bool tables) {
  int n = 0;
  while (from + n <= c->narg && (cjl_test(c->L, c->S, from + n) || (tables && lua_type(c->L, from + n) == LUA_TTABLE)))
    n++;
  return n;
}

static void check_elements(cjl_call *c, const place *w) {
  for (int i = 1; i <= c->nlist; i++) {
    lua_rawgeti(c->L, w->idx, i);
    if (cjl_operand(c->L, c->S, -1).kind == CJ_NONE)
      cjl_error(c->L, "%s: argument %d (%s), element %d: expected a tensor or a number, got %s", c->d->who, w->arg,
                w->a->name, i, cjl_describe(c->L, -1));
    lua_pop(c->L, 1);
  }
}

/* {1, 2}: one index and not a list of them. */
static bool ispositions(cjl_call *c, int idx) {
  bool number = lua_rawgeti(c->L, idx, 1) == LUA_TNUMBER;
  lua_pop(c->L, 1);
  return number;
}

static void push_indices(cjl_call *c, const place *w, bool table) {
  int first = lua_gettop(c->L) + 1;
  luaL_checkstack(c->L, c->nlist + 8, "too many indices");
  for (int i = 0; i < c->nlist; i++) {
    if (!table) {
      push_index(c, w, w->idx + i);
      continue;
    }
    lua_rawgeti(c->L, w->idx, i + 1);
    push_index(c, w, lua_gettop(c->L));
    lua_remove(c->L, -2);
  }
  c->list = -first;
}

static void read_list(cjl_call *c, const place *w) {
  lua_State *L = c->L;
  bool indices = w->a->kind == CJL_INDICES;
  bool table = w->idx && lua_type(L, w->idx) == LUA_TTABLE && !(indices && ispositions(c, w->idx));
  c->at[c->nat++] = AT_LIST;
  if (!w->idx && w->a->optional) return;
  if (table) {
    size_t n = lua_rawlen(L, w->idx);
    if (n > INT32_MAX / 2) bad(c, w);
    c->nlist = (int)n;
    c->list = w->idx;
  } else {
    c->nlist = w->idx ? count_arguments(c, w->idx, indices) : 0;
    if (!c->nlist) bad(c, w);
    c->list = -w->idx;
    if (w->arg) c->next = w->idx + c->nlist;
  }
  if (indices)
    push_indices(c, w, table);
  else if (table)
    check_elements(c, w);
}

/* --- parameters -------------------------------------------------------------------- */

static void add_number(cjl_call *c, const place *w, int idx, cj_param *p) {
  int64_t i;
  bool axis = w->a->kind == CJL_AXES || w->a->kind == CJL_PERM;
  if (p->n == (int)(sizeof p->v / sizeof p->v[0]))
    cjl_error(c->L, "%s: argument %d (%s): more than %d numbers", c->d->who, w->arg, w->a->name, p->n);
  if (axis)
    i = zero_based(c, w, idx);
  else if (!cjl_integer(c->L, idx, &i))
    bad(c, w);
  p->v[p->n++] = i;
}

/* Numbers in a table, or as arguments one by one. */
static void read_numbers(cjl_call *c, const place *w, cj_param *p) {
  lua_State *L = c->L;
  bool last = w->a == &c->d->arg[c->d->narg - 1];
  bool many = w->arg && (last || w->a->kind == CJL_SHAPE || w->a->kind == CJL_PERM);
  p->n = 0;
  if (lua_type(L, w->idx) == LUA_TTABLE) {
    size_t n = lua_rawlen(L, w->idx);
    for (size_t i = 1; i <= n; i++) {
      lua_rawgeti(L, w->idx, (lua_Integer)i);
      add_number(c, w, -1, p);
      lua_pop(L, 1);
    }
    return;
  }
  add_number(c, w, w->idx, p);
  while (many && c->next <= c->narg && lua_type(L, c->next) == LUA_TNUMBER) add_number(c, w, c->next++, p);
}

static void read_num(cjl_call *c, const place *w, cj_param *p) {
  if (lua_type(c->L, w->idx) == LUA_TNUMBER)
    p->f = lua_tonumber(c->L, w->idx);
  else if (w->a->kind == CJL_NUMSTR && lua_type(c->L, w->idx) == LUA_TSTRING)
    p->s = lua_tostring(c->L, w->idx);
  else
    bad(c, w);
}

static void read_value(cjl_call *c, const place *w, cj_param *p) {
  lua_State *L = c->L;
  p->n = 1;
  switch (w->a->kind) {
  case CJL_AXIS:
  case CJL_POS: p->v[0] = zero_based(c, w, w->idx); break;
  case CJL_INT:
    if (!cjl_integer(L, w->idx, &p->v[0])) bad(c, w);
    break;
  case CJL_NUM:
  case CJL_NUMSTR: read_num(c, w, p); break;
  case CJL_BOOL:
    if (lua_type(L, w->idx) != LUA_TBOOLEAN) bad(c, w);
    p->v[0] = lua_toboolean(L, w->idx);
    break;
  case CJL_STR:
    if (lua_type(L, w->idx) != LUA_TSTRING) bad(c, w);
    p->s = lua_tostring(L, w->idx);
    break;
  case CJL_DTYPE:
    p->v[0] = lua_type(L, w->idx) == LUA_TSTRING ? cjl_dtype(lua_tostring(L, w->idx)) : -1;
    if (p->v[0] < 0) bad(c, w);
    break;
  default: read_numbers(c, w, p); break;
  }
}

static void read_param(cjl_call *c, const place *w) {
  cj_param *p = &c->p[c->np++];
  p->s = NULL;
  p->f = 0;
  if (w->idx)
    read_value(c, w, p);
  else if (w->a->absent)
    *p = *w->a->absent;
  else if (w->a->optional)
    p->n = -1;
  else if (w->a->kind == CJL_SHAPE) /* x:reshape() */
    p->n = 0;
  else
    bad(c, w);
}

/* --- all of it ----------------------------------------------------------------------- */

void cjl_read(cjl_call *c, lua_State *L, cjl_state *S, const cjl_opdesc *d) {
  c->L = L;
  c->S = S;
  c->d = d;
  c->narg = lua_gettop(L);
  c->next = 1;
  c->nat = c->np = c->list = c->nlist = 0;
  int top = c->narg;
  bool list = false;
  c->opts = c->narg && cjl_isoptions(L, c->narg) ? c->narg-- : 0;
  if (c->opts) check_names(c);
  for (int i = 0; i < d->narg && i < CJL_MAXARG; i++) {
    place w = find(c, &d->arg[i]);
    if (d->arg[i].kind == CJL_LIST || d->arg[i].kind == CJL_INDICES)
      list = true, read_list(c, &w);
    else if (d->arg[i].kind <= CJL_INDICES)
      read_operand(c, &w);
    else
      read_param(c, &w);
  }
  if (c->next <= c->narg) cjl_error(L, "%s: too many arguments (%d given)", d->who, c->narg);
  c->fresh = !c->opts && !list && lua_gettop(L) == top;
}

static cj_val list_element(cjl_call *c, int i) {
  if (c->list < 0) return cjl_operand(c->L, c->S, -c->list + i);
  lua_rawgeti(c->L, c->list, i + 1);
  cj_val v = cjl_operand(c->L, c->S, -1);
  lua_pop(c->L, 1);
  return v;
}

cj_val *cjl_operands(cjl_call *c, cj_val *room, int *n) {
  int total = c->nat + c->nlist;
  if (c->fresh) return *n = c->nat, c->seen;
  luaL_checkstack(c->L, 4, NULL);
  cj_val *in = total <= CJL_MAXIN ? room : lua_newuserdatauv(c->L, (size_t)total * sizeof *in, 0);
  *n = 0;
  for (int k = 0; k < c->nat; k++) {
    if (c->at[k] == AT_LIST)
      for (int i = 0; i < c->nlist; i++) in[(*n)++] = list_element(c, i);
    else
      in[(*n)++] = c->at[k] ? cjl_operand(c->L, c->S, c->at[k]) : (cj_val){.kind = CJ_NONE};
  }
  return in;
}
