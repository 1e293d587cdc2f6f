/*
** constants.c -- what depends on no input is computed while planning, if it is small: sums of identities that seeds
** leave behind, positions, masks.  Rows that may fail are left to the run, which says where.
*/
#include "exec/planner.h"

enum { CONSTANT_BYTES = 8192 };

/* Its kernel gives a value for all operands. */
static bool never_fails(const cj_op *row) {
  switch (row->kind) {
  case CJ_ELEMENTWISE:
  case CJ_VIEWS:
  case CJ_REDUCES:
  case CJ_SCANS: return true;
  default: return false;
  }
}

static cj_tensor *constant_number(cj_ctx *c, const cj_graph *g, cj_ref r) {
  const cj_type *t = cjg_type(g, r);
  int64_t cell = 0;
  cjg_unpack(g->konst[cjg_at(g, r)->in[0]], t->dtype, &cell);
  return cjt_from(c, t, &cell);
}

cj_tensor *cje_constant(cj_ctx *c, const cj_graph *g, cj_ref r, cj_tensor *const *known) {
  const cj_node *n = cjg_at(g, r);
  cj_tensor *few[8], **in = few, *y = NULL;
  if (n->op == CJ_OP_konst) return constant_number(c, g, r);
  if (n->op == CJ_OP_tensor) {
    cjt_retain(g->tensor[n->in[0]]);
    return g->tensor[n->in[0]];
  }
  if (n->nin > CJ_COUNT(few) && !(in = cjm_alloc(c, n->nin * sizeof *in))) return NULL;
  for (int i = 0; i < n->nin; i++) in[i] = known[cjg_operands(g, r)[i]];
  if (cje_eval(c, n->op, in, n->nin, cjg_attr(g, r), cjg_type(g, r), &y) != CJ_OK) y = NULL;
  if (in != few) cjm_free(c, in, n->nin * sizeof *in);
  return y;
}

static bool is_small_constant(const cje_planner *P, cj_ref r, cj_tensor *const *value) {
  const cj_node *n = cjg_at(P->g, r);
  const cj_op *row = cjr_row(n->op);
  if (n->op == CJ_OP_input || cjt_bytes(cjg_type(P->g, r)) > CONSTANT_BYTES) return false;
  if (cjg_issource(P->g, r)) return true;
  if (!never_fails(row)) return false;
  for (int i = 0; i < n->nin; i++)
    if (!value[cjg_operands(P->g, r)[i]]) return false;
  return true;
}

/* Views stay what they are: of one number many times, for example. */
static bool place_constant(cje_planner *P, cj_ref r, cj_tensor *y) {
  cj_plan *p = P->p;
  if (cjg_issource(P->g, r) || cjg_row(P->g, r)->kind == CJ_VIEWS || cjt_count(&y->type) == 0) return true;
  if (!cjt_iscontiguous(&y->type, y->stride)) return true;
  if (!CJE_ROOM(P, p->tensor)) return false;
  cjt_retain(y);
  P->root[r].base = cje_tensor_base(p, p->tensor.n);
  p->tensor.at[p->tensor.n++] = y;
  return true;
}

static bool constants_with(cje_planner *P, cj_tensor **value) {
  for (cj_ref r = 1; r < P->g->len; r++) {
    if (!P->live[r] || P->root[r].step || !is_small_constant(P, r, value)) continue;
    value[r] = cje_constant(P->c, P->g, r, value);
    if (!value[r] || !place_constant(P, r, value[r])) return false;
  }
  return true;
}

bool cje_constants(cje_planner *P) {
  uint32_t sources = 0;
  for (cj_ref r = 1; r < P->g->len; r++)
    sources +=
        P->live[r] && cjg_issource(P->g, r) && cjg_at(P->g, r)->op != CJ_OP_input && cjg_at(P->g, r)->op != CJ_OP_konst;
  if (sources == 0) return true; /* numbers are folded when they are emitted */
  size_t nbytes = P->g->len * sizeof(cj_tensor *);
  cj_tensor **value = cjm_zalloc(P->c, nbytes);
  if (!value) return false;
  bool good = constants_with(P, value);
  for (cj_ref r = 1; r < P->g->len; r++) cjt_release(value[r]);
  cjm_free(P->c, value, nbytes);
  return good;
}
