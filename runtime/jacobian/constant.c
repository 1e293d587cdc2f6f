/*
** constant.c -- values known while planning: indices that are constants of the program, or made from
** constants only.  What is needed is marked backwards, then evaluated forwards.
*/
#include "jacobian/walk.h"

static bool is_constant_source(const cj_graph *g, cj_ref r) { return cjg_at(g, r)->op != CJ_OP_input; }

/* need[q]: r depends on q, or is q, and q has no value yet.  False: r depends on an input. */
static bool mark(const cjj_walk *w, cj_ref r, uint8_t *need) {
  need[r] = 1;
  for (cj_ref q = r; q > 0; q--) {
    if (!need[q]) continue;
    if (w->known[q])
      need[q] = 0;
    else if (cjg_row(w->g, q)->subs)
      return false; /* not worth running */
    else if (cjg_issource(w->g, q)) {
      if (!is_constant_source(w->g, q)) return false;
    } else
      for (int i = 0; i < cjg_at(w->g, q)->nin; i++) need[cjg_operands(w->g, q)[i]] = 1;
  }
  return true;
}

cj_tensor *cjj_constant(cjj_walk *w, cj_ref r) {
  if (!w->known && !(w->known = cjm_zalloc(w->c, w->g->len * sizeof(cj_tensor *)))) return NULL;
  uint8_t *need = cjm_zalloc(w->c, (size_t)r + 1);
  if (!need) return NULL;
  bool good = mark(w, r, need);
  for (cj_ref q = 1; good && q <= r; q++)
    if (need[q] && !(w->known[q] = cje_constant(w->c, w->g, q, w->known))) good = false;
  cjm_free(w->c, need, (size_t)r + 1);
  return good ? w->known[r] : NULL;
}
