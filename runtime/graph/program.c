/* program.c -- whole programs: copying, inlining, what is live, equality, the verifier. */
#include "graph/graph.h"
#include "graph/store.h"
#include "graph/sub.h"

#include <string.h>

static cj_ref copy_source(cj_graph *g, const cj_graph *f, cj_ref r, const cj_ref *map) {
  const cj_node *n = cjg_at(f, r);
  switch (n->op) {
  case CJ_OP_input: return map[r];
  case CJ_OP_konst: return cjg_bits(g, f->type[n->type].dtype, f->konst[n->in[0]]);
  case CJ_OP_tensor: return cjg_tensor(g, f->tensor[n->in[0]]);
  default: return cjg_emit(g, n->op, NULL, 0, cjg_attr(f, r));
  }
}

static cj_ref expanded(cj_graph *g, cj_ref x, const cj_type *t) {
  cj_attr a = {.n = t->rank};
  memcpy(a.v, t->dim, sizeof a.v);
  return cjt_sameshape(cjg_type(g, x), t) ? x : cjg_emit(g, CJ_OP_expand, &x, 1, &a);
}

/* x, which stands for r of f, as a value: a structural zero is written out. */
static cj_ref written(cj_graph *g, const cj_graph *f, cj_ref r, cj_ref x) {
  cj_ref zero = x ? 0 : cjg_num(g, cjg_type(f, r)->dtype, 0);
  return zero ? expanded(g, zero, cjg_type(f, r)) : x;
}

/* Operands that became structural zeros have lost their shape, which only f knows: they are written out where
** the row needs it.  False: the result is a structural zero too. */
static bool write_zeros(cj_graph *g, const cj_graph *f, cj_ref r, cj_ref *in) {
  const cj_op *row = cjg_row(f, r);
  bool joint = row->flags & CJ_JOINT, some = !joint;
  for (int i = 0; i < cjg_at(f, r)->nin; i++) {
    bool linear = row->lin >> (i < 31 ? i : 31) & 1;
    if (linear && in[i]) some = true;
    if (linear && !in[i] && !joint) return false;
  }
  if (!some) return false;
  for (int i = 0; i < cjg_at(f, r)->nin; i++) {
    bool linear = row->lin >> (i < 31 ? i : 31) & 1;
    if (in[i] || (linear && row->kind == CJ_ELEMENTWISE)) continue;
    in[i] = written(g, f, cjg_operands(f, r)[i], 0);
  }
  return cjg_ok(g);
}

cj_ref cjg_copy(cj_graph *g, const cj_graph *f, cj_ref r, const cj_ref *map) {
  const cj_node *n = cjg_at(f, r);
  const cj_ref *from = cjg_operands(f, r);
  cj_ref few[8], *in = few;
  g->now = f->line[r];
  if (n->nin == 0) return copy_source(g, f, r, map);
  if (n->nin > CJ_COUNT(few) && !(in = cjm_alloc(g->c, n->nin * sizeof *in))) return 0;
  bool missing = false;
  for (int i = 0; i < n->nin; i++) missing |= (in[i] = map[from[i]]) == 0;
  cj_attr a;
  cj_ref y = 0;
  if (cjg_carry_attr(g, f, r, &a) && (!missing || write_zeros(g, f, r, in))) y = cjg_emit(g, n->op, in, n->nin, &a);
  if (missing && y) y = expanded(g, y, cjg_type(f, r));
  if (in != few) cjm_free(g->c, in, n->nin * sizeof *in);
  return y;
}

void cjg_live(const cj_graph *g, uint8_t *live) {
  memset(live, 0, g->len);
  for (uint32_t i = 0; i < g->nout; i++) live[g->out[i]] = 1;
  for (cj_ref r = g->len; r-- > 1;) {
    const cj_ref *in = cjg_operands(g, r);
    if (live[r] && !cjg_issource(g, r))
      for (int i = 0; i < cjg_at(g, r)->nin; i++) live[in[i]] = 1;
  }
  live[0] = 0;
}

bool cjg_inline(cj_graph *g, const cj_graph *f, const cj_ref *in, cj_ref *out) {
  CJ_ASSERT(f != g);
  size_t mb = f->len * sizeof(cj_ref);
  cj_ref *map = cjm_zalloc(g->c, mb);
  uint8_t *live = map ? cjm_alloc(g->c, f->len) : NULL;
  int32_t now = g->now;
  if (live) {
    cjg_live(f, live);
    for (uint32_t i = 0; i < f->narg; i++) map[f->arg[i]] = in[i];
    for (uint32_t i = 0; i < f->ncapture; i++) map[f->capture[i]] = in[f->narg + i];
    for (cj_ref r = 1; r < f->len && cjg_ok(g); r++)
      if (live[r] && cjg_at(f, r)->op != CJ_OP_input) map[r] = cjg_copy(g, f, r, map);
    for (uint32_t i = 0; i < f->nout && cjg_ok(g); i++) out[i] = written(g, f, f->out[i], map[f->out[i]]);
    cjm_free(g->c, live, f->len);
  }
  cjm_free(g->c, map, mb);
  g->now = now;
  return cjg_ok(g);
}

bool cjg_inputs_like(cj_graph *g, const cj_graph *f, cj_ref *in) {
  for (uint32_t i = 0; i < f->narg; i++) in[i] = cjg_arg(g, cjg_type(f, f->arg[i]));
  for (uint32_t i = 0; i < f->ncapture; i++) in[f->narg + i] = cjg_capture(g, cjg_type(f, f->capture[i]));
  return cjg_ok(g);
}

cj_graph *cjg_prune(const cj_graph *f) {
  cj_graph *g = cjg_new(f->c);
  size_t nin = (size_t)f->narg + f->ncapture, bytes = (nin + f->nout + 1) * sizeof(cj_ref);
  cj_ref *in = g ? cjm_alloc(f->c, bytes) : NULL;
  if (in && cjg_inputs_like(g, f, in) && cjg_inline(g, f, in, in + nin))
    for (uint32_t i = 0; i < f->nout; i++) cjg_output(g, in[nin + i]);
  cjm_free(f->c, in, bytes);
  if (g && cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}

/* --- equality ------------------------------------------------------------------------------------ */

static bool samerefs(const cj_ref *a, uint32_t na, const cj_ref *b, uint32_t nb) {
  return na == nb && (na == 0 || memcmp(a, b, na * sizeof *a) == 0);
}

static bool samepools(const cj_graph *a, const cj_graph *b) {
  if (a->ntype != b->ntype || a->nattr != b->nattr) return false;
  for (uint32_t i = 0; i < a->ntype; i++)
    if (!cjt_same(&a->type[i], &b->type[i])) return false;
  for (uint32_t i = 0; i < a->nattr; i++)
    if (a->attr[i].n != b->attr[i].n || memcmp(a->attr[i].v, b->attr[i].v, (size_t)a->attr[i].n * sizeof(int64_t)))
      return false;
  if (a->nsub != b->nsub) return false;
  for (uint32_t i = 0; i < a->nsub; i++)
    if (!cjg_samesub(a->sub[i], b->sub[i])) return false; /* as deep as programs nest */
  return samerefs(a->pool, a->npool, b->pool, b->npool);
}

/* Constants with a code must agree; constant tensors are equal by their hash in the node, and to be sure. */
static bool sameconstants(const cj_graph *a, const cj_graph *b) {
  if (a->nkonst != b->nkonst || a->ntensor != b->ntensor) return false;
  for (uint32_t i = 0; i < a->ntensor; i++)
    if (!cjt_equal(a->tensor[i], b->tensor[i])) return false;
  for (cj_ref r = 1; r < a->len; r++) {
    const cj_node *n = cjg_at(a, r);
    if (n->op == CJ_OP_konst && n->in[1] && memcmp(&a->konst[n->in[0]], &b->konst[n->in[0]], sizeof(double)))
      return false;
  }
  return true;
}

bool cjg_same(const cj_graph *a, const cj_graph *b) {
  return a->hash == b->hash && a->len == b->len && samerefs(a->out, a->nout, b->out, b->nout) &&
         samerefs(a->arg, a->narg, b->arg, b->narg) && samerefs(a->capture, a->ncapture, b->capture, b->ncapture) &&
         (a->len <= 1 || memcmp(a->node + 1, b->node + 1, (a->len - 1) * sizeof *a->node) == 0) && samepools(a, b) &&
         sameconstants(a, b);
}

/* --- the verifier ---------------------------------------------------------------------------------- */

static bool wrong(const cj_graph *g, cj_ref r, const char *what) {
  cjm_fail(g->c, CJ_EARG, "instruction %u (%s): %s", r, r && r < g->len ? cjg_row(g, r)->name : "?", what);
  return false;
}

static bool verify_source(const cj_graph *g, cj_ref r) {
  const cj_node *n = cjg_at(g, r);
  if (n->op == CJ_OP_konst) return n->in[0] < g->nkonst || wrong(g, r, "number out of range");
  if (n->op == CJ_OP_tensor) return n->in[0] < g->ntensor || wrong(g, r, "tensor out of range");
  if (n->op != CJ_OP_input) return true;
  uint32_t count = n->in[1] ? g->ncapture : g->narg;
  const cj_ref *list = n->in[1] ? g->capture : g->arg;
  return (n->in[0] < count && list[n->in[0]] == r) || wrong(g, r, "input is not in its list");
}

static bool verify_types(const cj_graph *g, cj_ref r) {
  const cj_node *n = cjg_at(g, r);
  const cj_ref *in = cjg_operands(g, r);
  const cj_op *row = cjr_row(n->op);
  cj_type t = {0};
  const cj_type *few[8], **types = few;
  if (n->nin > CJ_COUNT(few) && !(types = cjm_alloc(g->c, n->nin * sizeof *types))) return false;
  for (int i = 0; i < n->nin; i++) types[i] = cjg_type(g, in[i]);
  bool good = row->subs ? cjg_infer_sub(g, n->op, types, n->nin, cjg_attr(g, r), &t)
                        : row->infer && row->infer(g->c, row, types, n->nin, cjg_attr(g, r), &t);
  good = good && cjt_same(&t, cjg_type(g, r));
  if (types != few) cjm_free(g->c, types, n->nin * sizeof *types);
  return good || wrong(g, r, "its type is not the inferred one");
}

bool cjg_verify(const cj_graph *g) {
  for (uint32_t i = 0; i < g->nsub; i++)
    if (!cjg_verify(g->sub[i])) return false; /* as deep as programs nest */
  for (cj_ref r = 1; r < g->len; r++) {
    const cj_node *n = cjg_at(g, r);
    if (n->op == 0 || n->op >= CJ_NOPS || n->type >= g->ntype || n->attr >= g->nattr) return wrong(g, r, "bad number");
    if (n->nin == 0) {
      if (!verify_source(g, r)) return false;
      continue;
    }
    if (n->nin > 3 && (n->in[0] > g->npool || n->nin > g->npool - n->in[0]))
      return wrong(g, r, "operands out of range");
    for (int i = 0; i < n->nin; i++) {
      cj_ref x = cjg_operands(g, r)[i];
      if (x == 0 || x >= r) return wrong(g, r, "operand does not stand before its user");
    }
    if (!verify_types(g, r)) return false;
  }
  for (uint32_t i = 0; i < g->nout; i++)
    if (g->out[i] == 0 || g->out[i] >= g->len) return wrong(g, g->out[i], "output out of range");
  return true;
}
