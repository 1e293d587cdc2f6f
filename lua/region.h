/*
** region.h -- what x[...] names: along every axis a position or a range.
*/
#ifndef cjl_region_h
#define cjl_region_h

#include "value.h"

typedef struct cjl_range {
  int64_t first, step, n; /* from 0 */
  bool drop;              /* a single position: the axis vanishes */
} cjl_range;

typedef struct cjl_region {
  cj_type t; /* of the whole */
  cjl_range r[CJ_MAXRANK];
} cjl_region;

/* The whole of a tensor of type t. */
void cjl_whole(cjl_region *g, const cj_type *t);
/* Reads the keys at stack indices first .. first+n-1; those that are not given mean everything. */
void cjl_readregion(lua_State *L, cjl_region *g, const cj_type *t, int first, int n);
static inline bool cjl_isall(const cjl_region *g, int axis) {
  const cjl_range *r = &g->r[axis];
  return !r->drop && r->first == 0 && r->step == 1 && r->n == g->t.dim[axis];
}
/* Its type without, and with, the axes that vanish. */
cj_type cjl_regiontype(const cjl_region *g, bool all);

/* A key that is a tensor: where it is not zero, as int64 [n], counted from 0, in row-major order; pushed. */
const cj_tensor *cjl_positions(lua_State *L, cjl_state *S, const cj_tensor *mask, const char *who);
/* Raises unless mask fits the first dims of t. */
void cjl_checkmask(lua_State *L, const cj_type *t, const cj_type *mask);
/* t with its first n axes made one. */
cj_type cjl_joined(const cj_type *t, int n);
#endif
