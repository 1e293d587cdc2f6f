/*
** forward.c -- results of groups that are only read to be put beside others (cat) are stored there by the group
** itself, block by block, and the step that would have copied them vanishes.  Where the whole is an output but for
** what a view cuts off its ends, that is not stored at all.
*/
#include "exec/planner.h"

static uint32_t *count_root_uses(const cje_planner *P, size_t nbytes) {
  const cj_graph *g = P->g;
  uint32_t *uses = cjm_zalloc(P->c, nbytes);
  if (!uses) return NULL;
  for (cj_ref r = 1; r < g->len; r++) {
    const cj_ref *in = cjg_operands(g, r);
    if (!P->live[r] || cjg_issource(g, r) || P->view[r]) continue;
    for (int i = 0; i < cjg_at(g, r)->nin; i++) uses[cje_root_of(P, in[i])]++;
  }
  for (uint32_t s = 1; s < P->draft.n; s++)
    if (P->draft.at[s].kind == CJE_COPY) uses[cje_root_of(P, P->draft.at[s].head)]++;
  for (uint32_t k = 0; k < g->nout; k++) uses[cje_root_of(P, g->out[k])]++;
  return uses;
}

/* x, an operand of a cat, is all that a group computes for one purpose. */
static bool is_forwardable(const cje_planner *P, const uint32_t *uses, cj_ref x) {
  if (!x || !cje_iswhole(P, x)) return false;
  uint32_t root = cje_root_of(P, x);
  const cje_root *r = &P->root[root];
  bool computed = root < P->g->len && r->step && P->draft.at[r->step].kind == CJE_GROUP;
  return computed && cjg_at(P->g, root)->op != CJ_OP_cat && r->base == CJE_WORK && uses[root] == 1;
}

static bool all_forwardable(const cje_planner *P, const uint32_t *uses, cj_ref cat) {
  const cj_ref *in = cjg_operands(P->g, cat);
  for (int i = 0; i < cjg_at(P->g, cat)->nin; i++)
    if (!is_forwardable(P, uses, in[i])) return false;
  return true;
}

/* x goes to the elements of the result of cat from `first` on, which have these strides. */
static bool forward_one(cje_planner *P, cj_ref cat, cj_ref x, int64_t first, const int64_t *stride) {
  const cj_type *t = cjg_type(P->g, x);
  uint32_t root = cje_root_of(P, x);
  if (!CJE_ROOM(P, P->forward)) return false;
  cje_forwarded *f = &P->forward.at[P->forward.n++];
  *f = (cje_forwarded){.to = cat, .first = first, .end = cjt_count(t)};
  (void)cje_pattern_make(&f->pattern, t, t, stride);
  P->into[root] = P->forward.n;
  P->root[root].last = P->root[root].step;
  if (P->root[root].step < P->root[cat].step) P->root[cat].step = P->root[root].step;
  return true;
}

static bool forward_cat(cje_planner *P, cj_ref cat) {
  const cj_ref *in = cjg_operands(P->g, cat);
  const cj_type *t = cjg_type(P->g, cat);
  int64_t stride[CJ_MAXRANK], first = 0, axis = cjg_attr(P->g, cat)->v[0];
  cjt_strides(t, stride);
  P->draft.at[P->root[cat].step].kind = CJE_GONE;
  for (int i = 0; i < cjg_at(P->g, cat)->nin; i++) {
    if (!forward_one(P, cat, in[i], first, stride)) return false;
    first += cjt_at(cjg_type(P->g, in[i]), (int)axis) * stride[t->rank - axis];
  }
  return true;
}

bool cje_forward(cje_planner *P) {
  size_t nbytes = P->nroot * sizeof(uint32_t);
  uint32_t *uses = count_root_uses(P, nbytes);
  bool good = uses != NULL;
  for (cj_ref r = 1; good && r < P->g->len; r++) {
    if (!P->live[r] || cjg_at(P->g, r)->op != CJ_OP_cat || P->root[r].step == 0) continue;
    if (P->draft.at[P->root[r].step].kind == CJE_EVAL && all_forwardable(P, uses, r)) good = forward_cat(P, r);
    if (uses[r] == 1) P->into[r] = CJE_SOLE;
  }
  cjm_free(P->c, uses, nbytes);
  return good;
}

/* Of f only elements from .. end of the whole are wanted. */
static void crop_one(cje_forwarded *f, int64_t from, int64_t end) {
  int64_t step = f->pattern.ndim ? f->pattern.stride[0] : 1;
  int64_t first = from > f->first ? (from - f->first + step - 1) / step : 0;
  int64_t last = end > f->first ? (end - f->first + step - 1) / step : 0;
  if (first > f->begin) f->begin = first;
  if (last < f->end) f->end = last;
}

bool cje_crop(cje_planner *P, cj_ref view) {
  const cje_alias *a = cje_alias_of(P, view);
  const cj_view *shape = &P->p->shape.at[cje_shape_of(P, view)];
  if (!a || P->into[a->root] != CJE_SOLE || !cjt_iscontiguous(shape->type, shape->stride)) return false;
  bool some = false;
  for (uint32_t i = 0; i < P->forward.n; i++) {
    if (P->forward.at[i].to != a->root) continue;
    some = true;
    if (P->forward.at[i].pattern.ndim > 1) return false;
  }
  for (uint32_t i = 0; i < P->forward.n; i++)
    if (P->forward.at[i].to == a->root) crop_one(&P->forward.at[i], a->offset, a->offset + cjt_count(shape->type));
  if (some) P->root[a->root].offset = -a->offset * (int64_t)cjt_dsize((cj_dtype)shape->type->dtype);
  return some;
}
