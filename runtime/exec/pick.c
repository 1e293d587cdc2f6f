/*
** pick.c -- rows picked by constant indices (gather) of which groups read nothing but columns: the groups pick the
** elements themselves, block by block, and the step that would have copied the rows vanishes.  Indices are checked
** here; where one is out of range the step stays and says so when it runs.
*/
#include "exec/planner.h"

/* --- indices ------------------------------------------------------------------------------------------------- */

static bool are_inside(const cj_tensor *index, int64_t size) {
  const int64_t *k = (const int64_t *)(const void *)index->data;
  int64_t n = cjt_count(&index->type);
  bool outside = false;
  for (int64_t i = 0; i < n; i++) outside |= (uint64_t)k[i] >= (uint64_t)size;
  return !outside;
}

/* x [m, w] or [m], index [n, 1] or [n]: one row, or element, an index. */
static bool picks_rows(const cj_graph *g, cj_ref r) {
  const cj_ref *in = cjg_operands(g, r);
  const cj_type *x = cjg_type(g, in[0]), *index = cjg_type(g, in[1]);
  int rank = cjg_type(g, r)->rank;
  if (x->rank != rank || index->rank != rank || cjg_attr(g, r)->v[0] != rank) return false;
  return rank == 1 || (rank == 2 && index->dim[1] == 1);
}

static bool is_pickable(const cje_planner *P, cj_ref r) {
  const cj_graph *g = P->g;
  if (cjg_at(g, r)->op != CJ_OP_gather || P->draft.at[P->root[r].step].kind != CJE_EVAL || !picks_rows(g, r))
    return false;
  const cj_ref *in = cjg_operands(g, r);
  const cj_view *x = &P->p->shape.at[cje_shape_of(P, in[0])];
  cj_ref index = cje_root_of(P, in[1]);
  if (!cje_iswhole(P, in[1]) || index >= g->len || cjg_at(g, index)->op != CJ_OP_tensor) return false;
  const cj_tensor *t = g->tensor[cjg_at(g, index)->in[0]];
  return cjt_iscontiguous(x->type, x->stride) && cjt_iscontiguous(&t->type, t->stride) &&
         are_inside(t, x->type->dim[0]);
}

/* --- readers --------------------------------------------------------------------------------------------------- */

/* x, an operand of r, is a column of what root picks, and r is computed by a group. */
static bool reads_column(const cje_planner *P, cj_ref r, cj_ref x, uint32_t root) {
  const cj_view *shape = &P->p->shape.at[cje_shape_of(P, x)];
  const cj_type *t = cjg_type(P->g, root);
  cje_pattern q;
  if (P->view[x] && cje_alias_of(P, x)->window) return false;
  if (P->root[r].step == 0 || P->draft.at[P->root[r].step].kind != CJE_GROUP) return false;
  cje_access how = cje_pattern_make(&q, cjg_type(P->g, r), shape->type, shape->stride);
  return how != CJE_SPLAT && q.ndim == 1 && q.dim[0] == t->dim[0] && q.stride[0] == (t->rank == 2 ? t->dim[1] : 1);
}

/* wanted: by root; clears those that someone reads otherwise. */
static void ask_readers(const cje_planner *P, uint8_t *wanted) {
  const cj_graph *g = P->g;
  for (cj_ref r = 1; r < g->len; r++) {
    const cj_ref *in = cjg_operands(g, r);
    if (!P->live[r] || cjg_issource(g, r) || P->view[r]) continue;
    for (int i = 0; i < cjg_at(g, r)->nin; i++) {
      uint32_t x = cje_root_of(P, in[i]);
      wanted[x] = wanted[x] && reads_column(P, r, in[i], x);
    }
  }
  for (uint32_t s = 1; s < P->draft.n; s++)
    if (P->draft.at[s].kind == CJE_COPY) wanted[cje_root_of(P, P->draft.at[s].head)] = 0;
  for (uint32_t k = 0; k < g->nout; k++) wanted[cje_root_of(P, g->out[k])] = 0;
}

static void pick_by_groups(cje_planner *P, cj_ref r) {
  cje_root *from = &P->root[cje_root_of(P, cjg_operands(P->g, r)[0])];
  P->draft.at[P->root[r].step].kind = CJE_GONE;
  if (from->last < P->root[r].last) from->last = P->root[r].last;
}

bool cje_pick(cje_planner *P) {
  uint8_t *wanted = cjm_zalloc(P->c, P->nroot);
  if (!wanted) return false;
  for (cj_ref r = 1; r < P->g->len; r++) wanted[r] = P->live[r] && P->root[r].step && is_pickable(P, r);
  ask_readers(P, wanted);
  for (cj_ref r = 1; r < P->g->len; r++)
    if (wanted[r]) pick_by_groups(P, r);
  cjm_free(P->c, wanted, P->nroot);
  return true;
}

bool cje_ispicked(const cje_planner *P, uint32_t root) {
  if (root >= P->g->len || cjg_at(P->g, root)->op != CJ_OP_gather || !P->root[root].step) return false;
  return P->draft.at[P->root[root].step].kind == CJE_GONE;
}
