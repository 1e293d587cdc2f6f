/*
** small.c -- small tensors: they stand in their handles.  The userdata of one goes on, behind the handle, with a
** cj_small, then, if it is not 0-d, its type, then the elements.
*/
#include "value.h"

#include <string.h>

/* What stands behind a handle with room for 0-d tensors, and for others before their elements. */
enum { SCALAR = sizeof(cj_small) + sizeof(double), OTHERS = sizeof(cj_small) + sizeof(cj_type) };

static cj_small *own_small(const cjl_tensor *h) { return (cj_small *)(uintptr_t)(h + 1); }

cjl_tensor *cjl_roombox(lua_State *L, int rank, size_t bytes) {
  cjl_tensor *h = lua_newuserdatauv(L, sizeof *h + (rank ? OTHERS + bytes : SCALAR), 0);
  h->v.kind = CJ_NONE;
  return h;
}

size_t cjl_smallroom(const cj_type *t) {
  size_t bytes = t->rank ? cj_type_bytes(t) : 0;
  return t->rank == 0 ? SCALAR : bytes <= CJL_SMALLMOST ? OTHERS + bytes : 0;
}

const cj_small *cjl_placein(const cjl_state *S, cjl_tensor *h, size_t room, const cj_type *t) {
  cj_small *own = own_small(h);
  cj_type *type = (cj_type *)(own + 1);
  if (t->rank == 0) {
    if (room < SCALAR) return NULL;
    *own = (cj_small){&S->scalar[t->dtype], own + 1};
    return own;
  }
  if (room < OTHERS || cj_type_bytes(t) > room - OTHERS) return NULL;
  *type = *t;
  *own = (cj_small){type, type + 1};
  return own;
}

const cj_small *cjl_place(lua_State *L, const cjl_state *S, int idx, const cj_type *t) {
  return cjl_placein(S, lua_touserdata(L, idx), lua_rawlen(L, idx) - sizeof(cjl_tensor), t);
}

bool cjl_fits(lua_State *L, const cjl_state *S, int idx, const cj_val *v) {
  cjl_tensor *h = lua_touserdata(L, idx);
  cj_val old = h->v;
  cj_small x;
  if (v->kind == CJ_SMALL)
    x = *v->u.small;
  else
    x = (cj_small){cj_tensor_type(v->u.tensor), (void *)(uintptr_t)cj_tensor_data(v->u.tensor)};
  if (old.kind == CJ_SMALL && old.u.small->data == x.data) return true; /* itself */
  const cj_small *own = x.data ? cjl_place(L, S, idx, x.type) : NULL;
  if (!own) return false;
  memcpy(own->data, x.data, cj_type_bytes(own->type));
  h->v = (cj_val){.kind = CJ_SMALL, .u.small = own};
  cj_val_release(&old);
  return true;
}

void cjl_settle(lua_State *L, const cjl_state *S, const cjl_tensor *h) {
  cj_val v = h->v;
  if (v.kind == CJ_TENSOR) (void)cjl_fits(L, S, -1, &v);
}

void *cjl_newsmall(lua_State *L, const cjl_state *S, const cj_type *t) {
  cjl_tensor *h = cjl_roombox(L, t->rank, cj_type_bytes(t));
  const cj_small *own = cjl_place(L, S, -1, t);
  h->v = (cj_val){.kind = CJ_SMALL, .u.small = own};
  cjl_pushuser(L, CJL_PLAIN);
  lua_setmetatable(L, -2);
  return own->data;
}

void *cjl_newresult(lua_State *L, cjl_state *S, const cj_type *t, const char *who) {
  size_t bytes = cj_type_bytes(t);
  return bytes > CJL_SMALLMOST ? cjl_new(L, S, t, who) : memset(cjl_newsmall(L, S, t), 0, bytes);
}

void cjl_pushnumber(lua_State *L, cjl_state *S, const cjl_tensor *h, const char *who) {
  double f = 0;
  int64_t n = 0;
  if (h->v.kind == CJ_SMALL) {
    cj_small_at(h->v.u.small, 0, &f, &n);
    cjl_pushdtype(L, h->v.u.small->type->dtype, f, n);
  } else {
    cjl_pushelement(L, h->v.kind == CJ_TENSOR ? h->v.u.tensor : cjl_concrete(L, S, h, who), 0);
  }
}
