/* tree.c -- nested tables of tensors. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

enum { MAXDEPTH = 200 };

/* The way to where we are: keys on Lua's stack. */
typedef struct step {
  const struct step *up;
  int key, depth;
} step;

typedef struct reader {
  lua_State *L;
  cjl_state *S;
  const char *who, *what;
} reader;

/* Pushes "argument 2 (inputs).layers[1].W". */
static void push_path(const reader *r, const step *s) {
  lua_State *L = r->L;
  luaL_checkstack(L, 8, NULL);
  if (!s) {
    lua_pushstring(L, r->what);
    return;
  }
  push_path(r, s->up);
  if (lua_type(L, s->key) == LUA_TSTRING)
    lua_pushfstring(L, "%s.%s", lua_tostring(L, -1), lua_tostring(L, s->key));
  else
    lua_pushfstring(L, "%s[%I]", lua_tostring(L, -1), (LUAI_UACINT)lua_tointeger(L, s->key));
  lua_remove(L, -2);
}

static int bad(const reader *r, const step *s, const char *got) {
  push_path(r, s);
  return cjl_error(r->L, "%s: %s: expected a tensor or a table of tensors, got %s", r->who, lua_tostring(r->L, -1),
                   got);
}

/* --- reading ---------------------------------------------------------------------- */

typedef struct name {
  const char *s;
  size_t n;
} name;

static int by_bytes(const void *a, const void *b) {
  const name *p = a, *q = b;
  int c = memcmp(p->s, q->s, p->n < q->n ? p->n : q->n);
  return c ? c : (p->n > q->n) - (p->n < q->n);
}

/* How many names are keys of the table at t; raises on keys that are neither names nor in the array part. */
static int count_names(const reader *r, const step *s, int t) {
  lua_State *L = r->L;
  lua_Integer len = (lua_Integer)lua_rawlen(L, t);
  int n = 0;
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    lua_Integer i = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    bool inarray = i >= 1 && i <= len;
    if (lua_type(L, -2) == LUA_TSTRING)
      n++;
    else if (!inarray)
      bad(r, s, lua_pushfstring(L, "a table with a %s as key", cjl_describe(L, -2)));
  }
  return n;
}

/* The names, sorted; they and what anchors them are pushed. */
static const name *push_names(lua_State *L, int t, int *n) {
  int cap = *n, anchor = lua_gettop(L) + 1;
  lua_createtable(L, cap, 0);
  name *names = lua_newuserdatauv(L, (size_t)cap * sizeof *names, 0);
  *n = 0;
  for (lua_pushnil(L); lua_next(L, t);) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING || *n == cap) continue;
    names[*n].s = lua_tolstring(L, -1, &names[*n].n);
    lua_pushvalue(L, -1);
    lua_rawseti(L, anchor, ++*n);
  }
  qsort(names, (size_t)*n, sizeof *names, by_bytes);
  return names;
}

static void read(const reader *r, const step *up);

/* With a key and its value on top: both go to the end of the structure. */
static void add_child(const reader *r, const step *up, int structure) {
  lua_State *L = r->L;
  step s = {up, lua_gettop(L) - 1, up ? up->depth + 1 : 1};
  lua_Integer n = (lua_Integer)lua_rawlen(L, structure);
  read(r, &s);
  lua_rawseti(L, structure, n + 2);
  lua_rawseti(L, structure, n + 1);
}

/* Replaces the value on top by its structure. */
static void read(const reader *r, const step *up) {
  lua_State *L = r->L;
  int t = lua_gettop(L), names = 0;
  const cjl_tensor *h = cjl_test(L, r->S, t);
  if (h && h->v.kind != CJ_NONE) return;
  if (lua_type(L, t) != LUA_TTABLE) bad(r, up, cjl_describe(L, t));
  if (up && up->depth >= MAXDEPTH)
    cjl_error(L, "%s: tables nested deeper than %d, or a table that contains itself", r->who, MAXDEPTH);
  luaL_checkstack(L, 16, NULL);
  lua_Integer len = (lua_Integer)lua_rawlen(L, t);
  names = count_names(r, up, t);
  lua_createtable(L, (int)(2 * (len < 1000000 ? len : 0)) + 2 * names, 0);
  int structure = lua_gettop(L);
  for (lua_Integer i = 1; i <= len; i++) {
    lua_pushinteger(L, i);
    lua_rawgeti(L, t, i);
    const cjl_tensor *leaf = cjl_test(L, r->S, structure + 2);
    if (leaf && leaf->v.kind != CJ_NONE) { /* which it mostly is */
      lua_rawseti(L, structure, 2 * i);
      lua_rawseti(L, structure, 2 * i - 1);
    } else {
      add_child(r, up, structure);
    }
  }
  const name *sorted = names ? push_names(L, t, &names) : NULL;
  for (int i = 0; i < names; i++) {
    lua_pushlstring(L, sorted[i].s, sorted[i].n);
    lua_pushvalue(L, -1);
    lua_rawget(L, t);
    add_child(r, up, structure);
  }
  lua_settop(L, structure);
  lua_replace(L, t);
}

void cjl_structure(lua_State *L, cjl_state *S, int idx, const char *who, const char *what) {
  reader r = {L, S, who, what};
  lua_pushvalue(L, idx);
  read(&r, NULL);
}

void cjl_structures(lua_State *L, cjl_state *S, int idx, int n, const char *who, const char *what) {
  reader r = {L, S, who, what};
  lua_createtable(L, 2 * n, 0);
  int structure = lua_gettop(L);
  for (int i = 1; i <= n; i++) {
    lua_pushinteger(L, i);
    lua_pushvalue(L, idx + i - 1);
    add_child(&r, NULL, structure);
  }
}

/* --- walking ------------------------------------------------------------------------- */

int cjl_leaves(lua_State *L, int structure) {
  if (lua_type(L, structure) != LUA_TTABLE) return 1;
  lua_Integer len = (lua_Integer)lua_rawlen(L, structure);
  int n = 0;
  structure = lua_absindex(L, structure);
  luaL_checkstack(L, 4, NULL);
  for (lua_Integer i = 2; i <= len; i += 2) {
    n += lua_rawgeti(L, structure, i) == LUA_TTABLE ? cjl_leaves(L, -1) : 1;
    lua_pop(L, 1);
  }
  return n;
}

cj_val *cjl_values(lua_State *L, int structure, cj_val *out) {
  if (lua_type(L, structure) != LUA_TTABLE) {
    *out++ = ((const cjl_tensor *)lua_touserdata(L, structure))->v;
    return out;
  }
  lua_Integer len = (lua_Integer)lua_rawlen(L, structure);
  structure = lua_absindex(L, structure);
  luaL_checkstack(L, 4, NULL);
  for (lua_Integer i = 2; i <= len; i += 2) {
    if (lua_rawgeti(L, structure, i) == LUA_TTABLE)
      out = cjl_values(L, -1, out);
    else
      *out++ = ((const cjl_tensor *)lua_touserdata(L, -1))->v;
    lua_pop(L, 1);
  }
  return out;
}

/* Replaces the structure on top by a value of it. */
static void build_top(lua_State *L, cjl_leaf leaf, void *ud) {
  if (lua_type(L, -1) == LUA_TTABLE)
    cjl_build(L, -1, leaf, ud);
  else
    leaf(L, ud);
  lua_replace(L, -2);
}

void cjl_build(lua_State *L, int structure, cjl_leaf leaf, void *ud) {
  luaL_checkstack(L, 8, NULL);
  if (lua_type(L, structure) != LUA_TTABLE) {
    lua_pushvalue(L, structure);
    leaf(L, ud);
    lua_replace(L, -2);
    return;
  }
  lua_Integer len = (lua_Integer)lua_rawlen(L, structure);
  structure = lua_absindex(L, structure);
  lua_createtable(L, len < 1000000 ? (int)(len / 2) : 0, 0);
  for (lua_Integer i = 1; i < len; i += 2) {
    lua_rawgeti(L, structure, i);
    lua_rawgeti(L, structure, i + 1);
    build_top(L, leaf, ud);
    lua_rawset(L, -3);
  }
}

int cjl_buildlist(lua_State *L, int structure, cjl_leaf leaf, void *ud) {
  bool table = lua_type(L, structure) == LUA_TTABLE, list = table && lua_rawgeti(L, structure, 1) == LUA_TNUMBER;
  if (table) lua_pop(L, 1);
  if (!list) {
    cjl_build(L, structure, leaf, ud);
    return 1;
  }
  lua_Integer n = (lua_Integer)lua_rawlen(L, structure) / 2;
  luaL_checkstack(L, n < INT32_MAX / 2 ? (int)n + 8 : INT32_MAX, "too many inputs");
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, structure, 2 * i);
    build_top(L, leaf, ud);
  }
  return (int)n;
}

cj_val *cjl_room(lua_State *L, cj_val *few, int n) {
  return n <= CJL_FEW ? few : lua_newuserdatauv(L, (size_t)n * sizeof *few, 0);
}
