/*
** forward.c -- results of groups that are put beside others (cat) are stored there by the group itself, block by
** block, and so is what else is put there and lies ready; the step that would have copied them vanishes.  Where the
** whole is an output but for what a view cuts off its ends, that is not stored at all.
*/
#include "exec/planner.h"
#include "kernel/kernels.h"

/* By root: readers outside of the step that computes it. */
static uint32_t *count_root_uses(const cje_planner *P, size_t nbytes) {
  const cj_graph *g = P->g;
  uint32_t *uses = cjm_zalloc(P->c, nbytes);
  if (!uses) return NULL;
  for (cj_ref r = 1; r < g->len; r++) {
    const cj_ref *in = cjg_operands(g, r);
    if (!P->live[r] || cjg_issource(g, r) || P->view[r]) continue;
    for (int i = 0; i < cjg_at(g, r)->nin; i++) {
      uint32_t x = cje_root_of(P, in[i]);
      uses[x] += P->root[x].step == 0 || P->root[x].step != P->root[r].step;
    }
  }
  for (uint32_t s = 1; s < P->draft.n; s++)
    if (P->draft.at[s].kind == CJE_COPY) uses[cje_root_of(P, P->draft.at[s].head)]++;
  for (uint32_t k = 0; k < g->nout; k++) uses[cje_root_of(P, g->out[k])]++;
  return uses;
}

static bool is_done_by_cat(const cje_planner *P, uint32_t root) {
  return root < P->g->len && cjg_at(P->g, root)->op == CJ_OP_cat;
}

/* x, an operand of a cat, is computed by a group. */
static bool is_forwardable(const cje_planner *P, cj_ref x) {
  if (!x || !cje_iswhole(P, x)) return false;
  uint32_t root = cje_root_of(P, x);
  const cje_root *r = &P->root[root];
  bool computed = root < P->g->len && r->step && P->draft.at[r->step].kind == CJE_GROUP;
  return computed && !is_done_by_cat(P, root) && r->base == CJE_WORK;
}

/* x is there before that group runs, which goes through as many elements. */
static bool is_carried_by(const cje_planner *P, cj_ref x, uint32_t step) {
  uint32_t root = cje_root_of(P, x), from = P->root[root].step;
  if (!x || from >= step || cjt_count(cjg_type(P->g, x)) != P->draft.at[step].n) return false;
  return !is_done_by_cat(P, root) || P->draft.at[from].kind == CJE_EVAL;
}

/* The last group that computes an operand of cat, if groups can store all of them; 0: they cannot. */
static uint32_t last_storing(const cje_planner *P, cj_ref cat) {
  const cj_ref *in = cjg_operands(P->g, cat);
  int nin = cjg_at(P->g, cat)->nin;
  uint32_t last = 0;
  for (int i = 0; i < nin; i++)
    if (is_forwardable(P, in[i]) && P->root[cje_root_of(P, in[i])].step > last)
      last = P->root[cje_root_of(P, in[i])].step;
  for (int i = 0; i < nin && last; i++)
    if (!is_forwardable(P, in[i]) && !is_carried_by(P, in[i], last)) return 0;
  return last;
}

/* Nobody else needs root: its group keeps it in a slot. */
static void used_up(cje_planner *P, uint32_t *uses, uint32_t root) {
  if (--uses[root] == 0) P->root[root].last = P->root[root].step;
}

/* f, the last entry, is the business of that group. */
static uint32_t stored_by(cje_planner *P, uint32_t *uses, cje_forwarded *f, uint32_t last) {
  uint32_t root = cje_root_of(P, f->from), *list = is_forwardable(P, f->from) ? &P->into[root] : NULL;
  uint32_t step = list ? P->root[root].step : last;
  if (!list) list = &P->draft.at[step].carried;
  f->next = *list;
  *list = P->forward.n;
  if (list == &P->into[root]) used_up(P, uses, root);
  return step;
}

/* The entries from `set` on are columns of rows. */
static bool weaves(const cje_planner *P, uint32_t set) {
  int64_t n = P->forward.n - set;
  for (uint32_t i = 0; i < n; i++) {
    const cje_forwarded *f = &P->forward.at[set + i];
    if (f->first != i || f->pattern.ndim != 1 || f->pattern.stride[0] != n || f->pattern.esize != 8) return false;
  }
  return n >= 2 && n <= CJK_WEAVE;
}

static bool forward_cat(cje_planner *P, uint32_t *uses, cj_ref cat, uint32_t last) {
  const cj_ref *in = cjg_operands(P->g, cat);
  const cj_type *t = cjg_type(P->g, cat);
  int64_t stride[CJ_MAXRANK], first = 0, axis = cjg_attr(P->g, cat)->v[0];
  uint32_t set = P->forward.n, earliest = last;
  cjt_strides(t, stride);
  P->draft.at[P->root[cat].step].kind = CJE_GONE;
  for (uint32_t i = 0; i < cjg_at(P->g, cat)->nin; i++) {
    const cj_type *s = cjg_type(P->g, in[i]);
    if (!CJE_ROOM(P, P->forward)) return false;
    cje_forwarded *f = &P->forward.at[P->forward.n++];
    *f = (cje_forwarded){
        .to = cat, .from = in[i], .first = first, .end = cjt_count(s), .operand = i, .gather = CJE_UNMADE};
    (void)cje_pattern_make(&f->pattern, s, s, stride);
    uint32_t step = stored_by(P, uses, f, last);
    if (step < earliest) earliest = step;
    first += cjt_at(s, (int)axis) * stride[t->rank - axis];
  }
  P->root[cat].step = earliest;
  for (uint32_t i = set; i < P->forward.n && earliest == last && weaves(P, set); i++)
    P->forward.at[i].columns = (uint8_t)(P->forward.n - set);
  return true;
}

bool cje_forward(cje_planner *P) {
  size_t nbytes = P->nroot * sizeof(uint32_t);
  uint32_t *uses = count_root_uses(P, nbytes);
  bool good = uses != NULL;
  for (cj_ref r = 1; good && r < P->g->len; r++) {
    if (!P->live[r] || cjg_at(P->g, r)->op != CJ_OP_cat || P->root[r].step == 0) continue;
    uint32_t last = P->draft.at[P->root[r].step].kind == CJE_EVAL ? last_storing(P, r) : 0;
    if (last) good = forward_cat(P, uses, r, last);
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
