/*
** place.c -- elements of a vector taken from, or put to, places known while planning.
*/
#include "jacobian/parts.h"

void cjj_places_see(cjj_places *p) {
  p->first = p->n ? p->at[0] : 0;
  p->step = p->n > 1 ? p->at[1] - p->at[0] : 1;
  if (p->step < 0) p->step = 0;
  for (int64_t k = 2; k < p->n && p->step; k++)
    if (p->at[k] - p->at[k - 1] != p->step) p->step = 0;
}

static cj_ref index_of(cj_graph *g, const cjj_places *p) {
  cj_type t = {.dtype = CJ_I64, .rank = 1, .dim = {p->n}};
  cj_tensor *x = cjt_from(g->c, &t, p->at);
  if (!x) return 0;
  cj_ref r = cjg_tensor(g, x);
  cjt_release(x);
  return r;
}

cj_ref cjj_take(cj_graph *g, cj_ref vector, const cjj_places *p) {
  if (p->step) return cjb_slice(g, vector, 1, p->first, p->step, p->n);
  cj_ref index = index_of(g, p);
  return index ? cjb_gather(g, vector, index, 1) : 0;
}

cj_ref cjj_spread(cj_graph *g, cj_ref v, const cjj_places *p, int64_t full, int dtype, bool add) {
  cj_type t = {.dtype = (uint8_t)dtype, .rank = 1, .dim = {full}};
  if (p->step) return cjb_embed(g, v, 1, p->first, p->step, full);
  cj_ref index = index_of(g, p), zeros = cjb_zeros(g, &t);
  if (!index) return 0;
  return add ? cjb_scatter_add(g, zeros, index, v, 1) : cjb_scatter(g, zeros, index, v, 1);
}

cj_ref cjj_flat(cj_graph *g, cj_ref r) {
  cj_type t = cjb_type(g, r);
  cj_type v = {.dtype = t.dtype, .rank = 1, .dim = {cjt_count(&t)}};
  return cjb_reshape(g, r, &v);
}
