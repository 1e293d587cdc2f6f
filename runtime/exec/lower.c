/*
** lower.c -- the final steps, in order, while buffers come and go: a buffer is taken at the step that
** fills it and given back after the last step that needs it, so one pass lays out the workspace.
*/
#include "exec/loop.h"
#include "kernel/kernels.h"

bool cje_find_fn(cje_planner *P, cj_ref r, uint16_t *fn) {
  const cj_node *n = cjg_at(P->g, r);
  const cj_op *row = cjr_row(n->op);
  const cj_ref *in = cjg_operands(P->g, r);
  cje_fn f = {.op = n->op, .nin = (uint8_t)n->nin, .ydtype = cjg_type(P->g, r)->dtype};
  for (int i = 0; i < n->nin; i++) f.xdtype[i] = cjg_type(P->g, in[i])->dtype;
  bool cast = row->kind != CJ_ELEMENTWISE;
  int dtype = f.xdtype[n->nin - 1], ew = n->op - CJ_OP_FIRST_EW; /* the last operand's: where's first is bool */
  uint16_t *map = &P->fnmap[cast ? (CJ_NEW + dtype) * CJ_NDTYPE + f.ydtype : ew * CJ_NDTYPE + dtype];
  if (*map == 0) {
    if (cast)
      f.eval = row->eval[dtype];
    else
      f.loop = cjk_loop(P->c->isa, ew, dtype), f.picked = cjk_picked(P->c->isa, ew, dtype);
    if (!f.loop && !f.eval) {
      cjm_fail(P->c, CJ_EDTYPE, "%s: not for %s", row->name, cj_dtype_name((cj_dtype)dtype));
      return false;
    }
    if (!CJE_ROOM(P, P->p->fn)) return false;
    P->p->fn.at[P->p->fn.n] = f;
    *map = (uint16_t)++P->p->fn.n;
  }
  *fn = (uint16_t)(*map - 1);
  return true;
}

cje_place cje_place_of(const cje_planner *P, cj_ref r) {
  const cje_alias *a = cje_alias_of(P, r);
  const cje_root *root = &P->root[cje_root_of(P, r)];
  uint32_t size = (uint32_t)cjt_dsize(cjg_type(P->g, r)->dtype);
  CJ_ASSERT(root->step == 0 || (root->step <= P->now && P->now <= root->last)); /* its buffer is its own now */
  return (cje_place){root->base, size, root->offset + (a ? a->offset * (int64_t)size : 0)};
}

static void dies_at(cje_planner *P, uint32_t root) {
  cje_draft *d = &P->draft.at[P->root[root].last];
  P->root[root].dying = d->dying;
  d->dying = root;
}

bool cje_settle(cje_planner *P, uint32_t root, int64_t nbytes) {
  cje_root *r = &P->root[root];
  r->block = cje_space_take(&P->space, nbytes);
  if (r->block == CJE_NOBLOCK) return false;
  r->offset = cje_space_at(&P->space, r->block);
  dies_at(P, root);
  return true;
}

bool cje_scratch(cje_planner *P, int64_t nbytes, int64_t *offset) {
  P->scratch = cje_space_take(&P->space, nbytes);
  if (P->scratch == CJE_NOBLOCK) return false;
  *offset = cje_space_at(&P->space, P->scratch);
  return true;
}

bool cje_add_operand(cje_planner *P, const cje_place *at, uint32_t shape) {
  if (!CJE_ROOM(P, P->p->operand)) return false;
  P->p->operand.at[P->p->operand.n++] = (cje_operand){at->base, shape, at->offset};
  return true;
}

static bool add_step(cje_planner *P, const cje_step *s) {
  if (!CJE_ROOM(P, P->p->step)) return false;
  P->p->step.at[P->p->step.n++] = *s;
  return true;
}

/* --- kernels ------------------------------------------------------------------------------------------- */

/* The buffer of r: of an output, the one that it takes over, or a new one. */
static bool place_result(cje_planner *P, cj_ref r) {
  cje_root *root = &P->root[r], *from = &P->root[root->next];
  if (root->base != CJE_WORK) return true;
  if (!root->next) return cje_settle(P, r, (int64_t)cjt_bytes(cjg_type(P->g, r)));
  root->offset = from->offset;
  root->block = from->block;
  from->block = CJE_NOBLOCK;
  dies_at(P, r);
  return true;
}

static bool kernel_scratch(cje_planner *P, const cj_op *row, cj_ref r, cje_step *s) {
  const cj_ref *in = cjg_operands(P->g, r);
  if (!row->work) return true;
  P->types.n = 0;
  for (int i = 0; i < s->nin; i++) {
    if (!CJE_ROOM(P, P->types)) return false;
    P->types.at[P->types.n++] = cjg_type(P->g, in[i]);
  }
  size_t nbytes = row->work(P->types.at, s->nin, cjg_attr(P->g, r));
  return nbytes == 0 || cje_scratch(P, nbytes > PTRDIFF_MAX ? PTRDIFF_MAX : (int64_t)nbytes, &s->scratch);
}

static bool lower_eval(cje_planner *P, cj_ref r) {
  const cj_node *n = cjg_at(P->g, r);
  const cj_op *row = cjr_row(n->op);
  const cj_ref *in = cjg_operands(P->g, r);
  int dtype = cjg_type(P->g, n->nin ? in[0] : r)->dtype;
  cje_step s = {.kind = CJE_EVAL, .op = n->op, .nin = n->nin, .line = P->g->line[r], .attr = n->attr};
  s.first = P->p->operand.n;
  s.eval = row->eval ? row->eval[dtype] : NULL;
  if (!s.eval) {
    cjm_fail(P->c, CJ_EDTYPE, "%s: not for %s", row->name, cj_dtype_name((cj_dtype)dtype));
    return false;
  }
  if (!place_result(P, r) || !kernel_scratch(P, row, r, &s)) return false;
  for (int i = 0; i < n->nin; i++) {
    cje_place at = cje_place_of(P, in[i]);
    if (!cje_add_operand(P, &at, cje_shape_of(P, in[i]))) return false;
  }
  cje_place at = {P->root[r].base, 0, P->root[r].offset};
  return cje_add_operand(P, &at, n->type) && add_step(P, &s);
}

static bool lower_copy(cje_planner *P, cj_ref x, uint32_t to) {
  cje_step s = {.kind = CJE_COPY, .nin = 1, .line = P->g->line[x], .first = P->p->operand.n};
  cje_place from = cje_place_of(P, x);
  if (P->root[to].base == CJE_WORK && !cje_settle(P, to, (int64_t)cjt_bytes(cjg_type(P->g, x)))) return false;
  cje_place at = {P->root[to].base, 0, P->root[to].offset};
  return cje_add_operand(P, &from, cje_shape_of(P, x)) && cje_add_operand(P, &at, cjg_at(P->g, x)->type) &&
         add_step(P, &s);
}

/* --- all steps ------------------------------------------------------------------------------------------- */

static bool lower_step(cje_planner *P, uint32_t step) {
  const cje_draft *d = &P->draft.at[step];
  cje_step s = {.kind = d->kind, .line = P->g->line[d->head]};
  switch (d->kind) {
  case CJE_EVAL: return lower_eval(P, d->head);
  case CJE_GONE: return true;
  case CJE_COPY: return lower_copy(P, d->head, d->tail);
  case CJE_LOOP: s.first = P->p->loop.n; return cje_lower_loop(P, step) && add_step(P, &s);
  case CJE_GROUP: s.first = P->p->group.n; return cje_lower_group(P, step) && add_step(P, &s);
  default: s.first = P->p->tape.n; return cje_lower_tape(P, step) && add_step(P, &s);
  }
}

static void bury(cje_planner *P, uint32_t step) {
  if (P->scratch != CJE_NOBLOCK) cje_space_give(&P->space, P->scratch);
  P->scratch = CJE_NOBLOCK;
  for (uint32_t r = P->draft.at[step].dying; r; r = P->root[r].dying)
    if (P->root[r].block != CJE_NOBLOCK) cje_space_give(&P->space, P->root[r].block);
}

static int64_t aligned(int64_t n) { return (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN; }

bool cje_lower(cje_planner *P) {
  cj_plan *p = P->p;
  p->views = aligned(cje_nbase(p) * (int64_t)sizeof(char *));
  cje_space_open(&P->space, P->c, p->views + aligned((P->maxin + 1) * (int64_t)sizeof(cj_view)));
  P->scratch = CJE_NOBLOCK;
  for (uint32_t step = 1; step < P->draft.n; step++) {
    P->now = step;
    if (!lower_step(P, step)) return false;
    CJ_ASSERT(cje_space_good(&P->space));
    bury(P, step);
  }
  p->worksize = P->space.end;
  return true;
}
