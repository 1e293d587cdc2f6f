/*
** constant.c -- values known while planning: indices that are constants of the program, or made from
** constants only.  What is needed is marked backwards, then evaluated forwards.
*/
#include "jacobian/walk.h"

#include <string.h>

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

static cj_tensor *konst_tensor(cjj_walk *w, cj_ref r) { /* the tensor of a konst */
  const cj_type *t = cjg_type(w->g, r);
  double v = w->g->konst[cjg_at(w->g, r)->in[0]];
  if (t->dtype == CJ_F64 || t->dtype == CJ_I64) return cjt_from(w->c, t, &v);
  if (!cjg_getnum(w->g, r, &v)) return NULL;
  if (t->dtype == CJ_F32) return cjt_from(w->c, t, &(float){(float)v});
  return cjt_from(w->c, t, &(uint8_t){v != 0});
}

static cj_tensor *constant_value(cjj_walk *w, cj_ref q) {
  const cj_node *n = cjg_at(w->g, q);
  cj_tensor *few[8], **in = few, *y = NULL;
  if (n->op == CJ_OP_konst) return konst_tensor(w, q);
  if (n->op == CJ_OP_tensor) {
    cjt_retain(w->g->tensor[n->in[0]]);
    return w->g->tensor[n->in[0]];
  }
  if (n->nin > CJ_COUNT(few) && !(in = cjm_alloc(w->c, n->nin * sizeof(cj_tensor *)))) return NULL;
  for (int i = 0; i < n->nin; i++) in[i] = w->known[cjg_operands(w->g, q)[i]];
  if (cje_eval(w->c, n->op, in, n->nin, cjg_attr(w->g, q), cjg_type(w->g, q), &y) != CJ_OK) y = NULL;
  if (in != few) cjm_free(w->c, in, n->nin * sizeof(cj_tensor *));
  return y;
}

cj_tensor *cjj_constant(cjj_walk *w, cj_ref r) {
  if (!w->known && !(w->known = cjm_zalloc(w->c, w->g->len * sizeof(cj_tensor *)))) return NULL;
  uint8_t *need = cjm_zalloc(w->c, (size_t)r + 1);
  if (!need) return NULL;
  bool good = mark(w, r, need);
  for (cj_ref q = 1; good && q <= r; q++)
    if (need[q] && !(w->known[q] = constant_value(w, q))) good = false;
  cjm_free(w->c, need, (size_t)r + 1);
  return good ? w->known[r] : NULL;
}
