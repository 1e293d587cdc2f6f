/* plan.c -- planning: the order of the passes, sources, outputs, results in their operand's buffer. */
#include "exec/loop.h"
#include "exec/native.h"
#include "exec/planner.h"
#include "exec/unroll.h"
#include "kernel/kernels.h"

#include <string.h>

/* --- what a plan takes over from the program --------------------------------------------------------- */

static bool copy_pools(cje_planner *P) {
  const cj_graph *g = P->g;
  cj_plan *p = P->p;
  if (!CJM_GROW(P->c, p->type.at, p->type.cap, g->ntype) || !CJM_GROW(P->c, p->attr.at, p->attr.cap, g->nattr) ||
      !CJM_GROW(P->c, p->shape.at, p->shape.cap, g->ntype))
    return false;
  p->type.n = p->shape.n = g->ntype;
  p->attr.n = g->nattr;
  if (g->ntype) memcpy(p->type.at, g->type, g->ntype * sizeof *g->type);
  if (g->nattr) memcpy(p->attr.at, g->attr, g->nattr * sizeof *g->attr);
  for (uint32_t i = 0; i < g->ntype; i++) p->shape.at[i] = cjt_rowmajor(NULL, &p->type.at[i]);
  return true;
}

static bool copy_inputs(cje_planner *P) {
  const cj_graph *g = P->g;
  cj_plan *p = P->p;
  p->nin = g->narg + g->ncapture;
  p->nout = g->nout;
  while (p->nout && cje_ischeck(g, g->out[p->nout - 1])) p->nout--; /* they only keep themselves alive */
  if (!CJM_GROW(P->c, p->input.at, p->input.cap, p->nin)) return false;
  for (; p->input.n < p->nin; p->input.n++) {
    uint32_t i = p->input.n;
    p->input.at[i] = cjg_at(g, i < g->narg ? g->arg[i] : g->capture[i - g->narg])->type;
  }
  return true;
}

bool cje_set_alias(cje_planner *P, cj_ref r, const int64_t *stride, const cje_alias *a) {
  cj_plan *p = P->p;
  if (!CJE_ROOM(P, p->shape) || !CJE_ROOM(P, P->alias)) return false;
  cj_view v = {NULL, &p->type.at[cjg_at(P->g, r)->type], {0}};
  memcpy(v.stride, stride, v.type->rank * sizeof *stride);
  P->view[r] = p->shape.n;
  p->shape.at[p->shape.n++] = v;
  P->alias.at[P->alias.n++] = *a;
  return true;
}

/* --- sources -------------------------------------------------------------------------------------------- */

static bool source_konst(cje_planner *P, cj_ref r) {
  cj_plan *p = P->p;
  if (!CJE_ROOM(P, p->konst)) return false;
  int64_t *cell = &p->konst.at[p->konst.n];
  *cell = 0;
  cjg_unpack(P->g->konst[cjg_at(P->g, r)->in[0]], cjg_type(P->g, r)->dtype, cell);
  P->root[r].base = CJE_KONST;
  P->root[r].offset = (int64_t)sizeof *cell * p->konst.n++;
  return true;
}

static bool source_tensor(cje_planner *P, cj_ref r) {
  cj_plan *p = P->p;
  cj_tensor *x = P->g->tensor[cjg_at(P->g, r)->in[0]];
  cje_alias self = {.root = r, .whole = false};
  if (!CJE_ROOM(P, p->tensor)) return false;
  cjt_retain(x);
  P->root[r].base = cje_tensor_base(p, p->tensor.n);
  p->tensor.at[p->tensor.n++] = x;
  return cjt_iscontiguous(&x->type, x->stride) || cje_set_alias(P, r, x->stride, &self);
}

/* iota, eye: small ones are computed now. */
static bool source_kernel(cje_planner *P, cj_ref r) {
  enum { SMALL = 8192 };
  cj_plan *p = P->p;
  const cj_type *t = cjg_type(P->g, r);
  const cj_op *row = cjg_row(P->g, r);
  size_t cells = (cjt_bytes(t) + sizeof(int64_t) - 1) / sizeof(int64_t);
  if (cells > SMALL / sizeof(int64_t) || !row->eval || !row->eval[t->dtype] || row->work) return true;
  if (!CJM_GROW(P->c, p->konst.at, p->konst.cap, p->konst.n + cells)) return false;
  cj_view out = cjt_rowmajor(&p->konst.at[p->konst.n], t);
  if (row->eval[t->dtype](NULL, 0, cjg_attr(P->g, r), &out, NULL) != CJ_OK) return true; /* tells it when run */
  P->root[r].base = CJE_KONST;
  P->root[r].offset = (int64_t)sizeof(int64_t) * p->konst.n;
  p->konst.n += (uint32_t)cells;
  return true;
}

static bool source(cje_planner *P, cj_ref r) {
  const cj_node *n = cjg_at(P->g, r);
  switch (n->op) {
  case CJ_OP_input: P->root[r].base = CJE_INPUT + n->in[0] + (n->in[1] ? P->g->narg : 0); return true;
  case CJ_OP_konst: return source_konst(P, r);
  case CJ_OP_tensor: return source_tensor(P, r);
  default: return source_kernel(P, r);
  }
}

static bool sources(cje_planner *P) {
  for (cj_ref r = 1; r < P->g->len; r++)
    if (P->live[r] && cjg_issource(P->g, r) && !source(P, r)) return false;
  return true;
}

/* --- outputs --------------------------------------------------------------------------------------------- */

/* Written where it is to be by whoever computes it, or, if that cannot be, copied at the end. */
static bool output(cje_planner *P, uint32_t k) {
  cj_ref r = P->g->out[k];
  cje_root *root = &P->root[cje_root_of(P, r)];
  if (cjt_count(cjg_type(P->g, r)) == 0) return true;
  bool fits = root->step && root->base == CJE_WORK && (cje_iswhole(P, r) || cje_crop(P, r));
  if (!fits) {
    uint32_t copy = cje_copy_step(P, r);
    if (!copy) return false;
    root = &P->root[copy];
  }
  root->base = cje_output_base(P->p, k);
  if (P->draft.at[root->step].kind != CJE_TAPE) root->last = CJE_END; /* a tape keeps it in its cells too */
  return true;
}

static bool plan_outputs(cje_planner *P) {
  for (uint32_t k = 0; k < P->p->nout; k++)
    if (!output(P, k)) return false;
  return true;
}

/* --- results in their operand's buffer --------------------------------------------------------------------- */

/* The root whose buffer instruction r, computed by step, may overwrite: its first operand, if the row can, and
** nobody else needs it then.  0: none. */
static uint32_t overwritable(const cje_planner *P, cj_ref r, uint32_t step) {
  const cj_ref *in = cjg_operands(P->g, r);
  if (!(cjg_row(P->g, r)->flags & CJ_INPLACE) || !cje_iswhole(P, in[0])) return 0;
  uint32_t x = cje_root_of(P, in[0]);
  const cje_root *root = &P->root[x];
  if (root->step == 0 || root->base != CJE_WORK || root->last != step) return 0;
  if (P->draft.at[root->step].kind == CJE_TAPE || !cjt_same(cjg_type(P->g, in[0]), cjg_type(P->g, r))) return 0;
  for (int i = 1; i < cjg_at(P->g, r)->nin; i++)
    if (cje_root_of(P, in[i]) == x) return 0;
  return x;
}

/* The root of operand i of cat r is nothing else, needed by nobody later, and not kept in the cells of a tape: whoever
** computes it may write it into the result. */
static bool belongs_in(const cje_planner *P, cj_ref r, int i, uint32_t step) {
  const cj_ref *in = cjg_operands(P->g, r);
  uint32_t x = cje_root_of(P, in[i]);
  const cje_root *root = &P->root[x];
  if (root->step == 0 || root->base != CJE_WORK || root->last != step || !cje_iswhole(P, in[i])) return false;
  if (P->draft.at[root->step].kind == CJE_TAPE) return false;
  for (int k = 0; k < cjg_at(P->g, r)->nin; k++)
    if (k != i && cje_root_of(P, in[k]) == x) return false;
  return true;
}

/* Operands of a cat that is an output are computed where they are to be. */
static void place_operands(cje_planner *P, cj_ref r, uint32_t step) {
  const cj_type *t = cjg_type(P->g, r);
  int axis = t->rank - (int)cjg_attr(P->g, r)->v[0];
  int64_t at = P->root[r].offset;
  for (int e = 0; e < axis; e++)
    if (t->dim[e] != 1) return;
  for (int i = 0; i < cjg_at(P->g, r)->nin; i++) {
    cj_ref in = cjg_operands(P->g, r)[i];
    if (belongs_in(P, r, i, step)) {
      cje_root *root = &P->root[cje_root_of(P, in)];
      root->base = P->root[r].base;
      root->offset = at;
    }
    at += (int64_t)cjt_bytes(cjg_type(P->g, in));
  }
}

/* Backwards, so that a chain of such steps that ends in an output works in the output from its start. */
static void take_over(cje_planner *P) {
  for (uint32_t s = P->draft.n; s-- > 1;) {
    cj_ref r = P->draft.at[s].head;
    if (P->draft.at[s].kind != CJE_EVAL || cjg_issource(P->g, r)) continue;
    if (cjg_at(P->g, r)->op == CJ_OP_cat && P->root[r].base != CJE_WORK) place_operands(P, r, s);
    uint32_t x = overwritable(P, r, s);
    P->root[r].next = x;
    if (!x || P->root[r].base == CJE_WORK) continue;
    P->root[x].base = P->root[r].base;
    P->root[x].offset = P->root[r].offset;
  }
}

/* --- the passes ----------------------------------------------------------------------------------------------- */

static uint32_t count_copies(const cje_planner *P) {
  uint32_t n = P->g->nout;
  for (cj_ref r = 1; r < P->g->len; r++) n += P->live[r] && cjg_row(P->g, r)->alias;
  return n;
}

#define FREE_LIST(array) cjm_free(c, (array).at, (array).cap * sizeof *(array).at)

static void close_planner(cje_planner *P) {
  cj_ctx *c = P->c;
  size_t refs = P->g->len * sizeof(uint32_t);
  cjm_free(c, P->live, 2 * (size_t)P->g->len);
  cjm_free(c, P->root, P->nroot * sizeof *P->root);
  cjm_free(c, P->view, refs);
  cjm_free(c, P->entry, refs);
  cjm_free(c, P->seen, refs);
  cjm_free(c, P->until, refs);
  cjm_free(c, P->shaped, refs);
  cjm_free(c, P->into, P->nroot * sizeof *P->into);
  FREE_LIST(P->forward);
  FREE_LIST(P->alias);
  FREE_LIST(P->draft);
  FREE_LIST(P->few);
  FREE_LIST(P->fixed);
  FREE_LIST(P->moving);
  FREE_LIST(P->konsts);
  FREE_LIST(P->types);
  cje_loops_close(P);
  cje_space_close(&P->space);
}

static bool open_planner(cje_planner *P) {
  cj_ctx *c = P->c;
  size_t refs = P->g->len * sizeof(uint32_t);
  cje_space_open(&P->space, c, 0);
  if (!(P->live = cjm_alloc(c, 2 * (size_t)P->g->len))) return false;
  P->padded = P->live + P->g->len;
  cjg_live(P->g, P->live);
  P->nroot = P->g->len + count_copies(P);
  if (!(P->root = cjm_zalloc(c, P->nroot * sizeof *P->root))) return false;
  if (!(P->into = cjm_zalloc(c, P->nroot * sizeof *P->into)) || !(P->view = cjm_zalloc(c, refs)) ||
      !(P->entry = cjm_alloc(c, refs)) || !(P->seen = cjm_zalloc(c, refs)) || !(P->until = cjm_zalloc(c, refs)) ||
      !(P->shaped = cjm_alloc(c, refs)))
    return false;
  P->maxin = 1;
  P->draft.n = 1; /* step 0: from the start */
  return CJM_GROW(c, P->draft.at, P->draft.cap, 1);
}

static bool plan(cje_planner *P) {
  if (!open_planner(P) || !copy_pools(P) || !copy_inputs(P) || !sources(P) || !cje_constants(P) || !cje_loops_open(P) ||
      !cje_fuse(P) || !cje_pick(P) || !cje_forward(P) || !plan_outputs(P))
    return false;
  take_over(P);
  return cje_lower(P);
}

cj_status cje_plan_new(cj_ctx *c, const cj_graph *g, cj_plan **out) {
  *out = NULL;
  if (!cjm_ok(c)) return c->status;
  cje_planner P = {.c = c, .g = g, .p = cjm_zalloc(c, sizeof(cj_plan))};
  if (!P.p) return c->status;
  P.p->c = c;
  P.p->refs = 1;
  cjm_retain_ctx(c);
  bool good = plan(&P);
  close_planner(&P);
  if (!good) {
    cje_plan_free(P.p);
    return c->status;
  }
  if (c->native_first && cje_plan_compile(P.p) != CJ_OK) {
    cje_plan_free(P.p);
    return c->status;
  }
  *out = P.p;
  return CJ_OK;
}

/* A plan of g with its additions and multiplications regrouped and fused; g stays as it is. */
static bool plan_contracted(cj_ctx *c, const cj_graph *g, cj_plan **out) {
  size_t bytes = g->len * sizeof *g->node;
  cj_graph own = *g; /* shares all but the nodes */
  if (c->isa < CJ_ISA_AVX2) return cje_plan_new(c, g, out) == CJ_OK;
  if (!(own.node = cjm_alloc(c, bytes))) return false;
  memcpy(own.node, g->node, bytes);
  bool good = cje_regroup(&own) && cje_contract(&own) && cje_plan_new(c, &own, out) == CJ_OK;
  cjm_free(c, own.node, bytes);
  return good;
}

cj_status cje_plan_best(cj_ctx *c, const cj_graph *g, cj_plan **out) {
  cj_graph *apart;
  *out = NULL;
  if (!cjm_ok(c) || !cje_unroll(g, false, &apart)) return c->status;
  bool good = plan_contracted(c, apart ? apart : g, out);
  cjg_free(apart);
  if (!good || cje_plan_compile(*out) == CJ_OK) return c->status;
  cje_plan_free(*out);
  *out = NULL;
  return c->status;
}

void cje_plan_retain(cj_plan *p) { __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED); }
int cje_plan_nin(const cj_plan *p) { return (int)p->nin; }
const cj_type *cje_plan_in(const cj_plan *p, int i) { return &p->type.at[p->input.at[i]]; }

void cje_plan_free(cj_plan *p) {
  if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  cj_ctx *c = p->c;
  cje_native_free(p);
  for (uint32_t i = 0; i < p->tensor.n; i++) cjt_release(p->tensor.at[i]);
  FREE_LIST(p->type);
  FREE_LIST(p->attr);
  FREE_LIST(p->shape);
  FREE_LIST(p->input);
  FREE_LIST(p->konst);
  FREE_LIST(p->tensor);
  FREE_LIST(p->fn);
  FREE_LIST(p->step);
  FREE_LIST(p->operand);
  FREE_LIST(p->group);
  FREE_LIST(p->blockop);
  FREE_LIST(p->place);
  FREE_LIST(p->gather);
  FREE_LIST(p->tape);
  FREE_LIST(p->run);
  for (uint32_t i = 0; i < p->loop.n; i++) cje_plan_free(p->loop.at[i].body); /* as deep as programs nest */
  FREE_LIST(p->loop);
  FREE_LIST(p->port);
  FREE_LIST(p->cell);
  FREE_LIST(p->move);
  FREE_LIST(p->check);
  FREE_LIST(p->order);
  cjm_free(c, p, sizeof *p);
  cjm_release_ctx(c);
}
