/*
** batch.c -- gives inputs a leading axis and carries it through.  Attributes count axes from the end and
** rows broadcast over leading axes, so the default rule serves all: line operands up by rank and emit the
** same instruction again.  Rows that do not broadcast get every operand expanded (a view, no copy); rows
** whose attribute is the shape of the result get the new axis in front of it.
*/
#include "rules/build.h"
#include "transform/common.h"
#include "transform/transform.h"

#include <string.h>

typedef struct batch {
  const cj_graph *f;
  cj_graph *g;
  int64_t n;
  cj_ref *v;   /* in g, of each instruction of f */
  uint8_t *on; /* it has the leading axis */
} batch;

/* The type of r in f, with ones in front up to rank and then the batch axis. */
static bool lined_up(const batch *b, cj_ref r, int rank, int64_t lead, cj_type *out) {
  const cj_type *t = cjg_type(b->f, r);
  int64_t dim[CJ_MAXRANK + 1] = {lead};
  for (int k = 1; k <= rank; k++) dim[rank + 1 - k] = cjt_at(t, k);
  if (rank + 1 <= CJ_MAXRANK && cjt_make((cj_dtype)t->dtype, rank + 1, dim, out)) return true;
  cjm_fail(b->g->c, CJ_ELIMIT, "a batched value would have more than %d axes or too many elements", CJ_MAXRANK);
  return false;
}

static cj_ref batch_operand(batch *b, cj_ref r, int rank, bool expand) {
  cj_ref x = b->v[r]; /* 0: it became a structural zero, which is written out */
  cj_type t = *cjg_type(b->f, r);
  if (b->on[r] ? x && t.rank == rank : x && !expand) return x;
  if ((b->on[r] || expand) && !lined_up(b, r, rank, b->on[r] ? b->n : 1, &t)) return 0;
  x = x ? cjb_reshape(b->g, x, &t) : cjb_zeros(b->g, &t);
  if (b->on[r] || !expand) return x;
  t.dim[0] = b->n;
  return cjb_expand(b->g, x, &t);
}

static bool shaped_attr(batch *b, cj_attr *a) {
  if (a->n + 1 > CJ_MAXRANK) {
    cjm_fail(b->g->c, CJ_ELIMIT, "a batched value would have more than %d axes", CJ_MAXRANK);
    return false;
  }
  memmove(a->v + 1, a->v, (size_t)a->n * sizeof *a->v);
  a->v[0] = b->n;
  a->n++;
  return true;
}

static cj_ref emit_batched(batch *b, cj_ref r, cj_ref *in) {
  const cj_node *n = cjg_at(b->f, r);
  const cj_ref *from = cjg_operands(b->f, r);
  const cj_op *row = cjr_row(n->op);
  cj_attr a = *cjg_attr(b->f, r);
  int rank = 0;
  for (int i = 0; i < n->nin; i++)
    if (cjg_type(b->f, from[i])->rank > rank) rank = cjg_type(b->f, from[i])->rank;
  if (n->op == CJ_OP_expand && a.n > rank) rank = a.n;
  if (row->flags & CJ_SHAPED && !shaped_attr(b, &a)) return 0;
  for (int i = 0; i < n->nin; i++) in[i] = batch_operand(b, from[i], rank, row->flags & CJ_NOBROADCAST);
  return cjg_emit(b->g, n->op, in, n->nin, &a);
}

static cj_ref batch_loop(batch *b, cj_ref r, cj_ref *in) {
  const cj_ref *from = cjg_operands(b->f, r);
  uint32_t nin = cjg_at(b->f, r)->nin;
  uint8_t *on = cjm_alloc(b->g->c, nin);
  if (!on) return 0;
  for (uint32_t i = 0; i < nin; i++) {
    in[i] = b->v[from[i]];
    on[i] = b->on[from[i]];
  }
  cj_ref y = cjx_batch_loop(b->g, b->f, r, b->n, in, on);
  cjm_free(b->g->c, on, nin);
  return y;
}

static void step(batch *b, cj_ref r) {
  const cj_node *n = cjg_at(b->f, r);
  const cj_ref *from = cjg_operands(b->f, r);
  cj_ref few[8], *in = few;
  for (int i = 0; i < n->nin && !cjg_issource(b->f, r); i++) b->on[r] |= b->on[from[i]];
  if (!b->on[r]) {
    b->v[r] = cjg_copy(b->g, b->f, r, b->v);
    return;
  }
  if (n->nin > CJ_COUNT(few) && !(in = cjm_alloc(b->g->c, n->nin * sizeof *in))) return;
  b->g->now = b->f->line[r];
  b->v[r] = cjr_row(n->op)->subs ? batch_loop(b, r, in) : emit_batched(b, r, in);
  if (in != few) cjm_free(b->g->c, in, n->nin * sizeof *in);
}

static bool input_type(batch *b, cj_ref r, bool on, cj_type *t) {
  *t = *cjg_type(b->f, r);
  b->on[r] = on;
  return !on || lined_up(b, r, t->rank, b->n, t);
}

static bool batch_inputs(batch *b, const uint8_t *which) {
  const cj_graph *f = b->f;
  cj_type t;
  for (uint32_t i = 0; i < f->narg; i++) {
    if (!input_type(b, f->arg[i], which[i], &t)) return false;
    b->v[f->arg[i]] = cjg_arg(b->g, &t);
  }
  for (uint32_t i = 0; i < f->ncapture; i++) {
    if (!input_type(b, f->capture[i], which[f->narg + i], &t)) return false;
    b->v[f->capture[i]] = cjg_capture(b->g, &t);
  }
  return cjg_ok(b->g);
}

cj_graph *cjx_batch(const cj_graph *f, const uint8_t *which, int64_t n) {
  size_t bytes = f->len * (sizeof(cj_ref) + 2);
  batch b = {.f = f, .g = cjg_new(f->c), .n = n};
  if (b.g && (b.v = cjm_zalloc(f->c, bytes))) {
    uint8_t *live = (uint8_t *)(b.v + f->len) + f->len;
    b.on = (uint8_t *)(b.v + f->len);
    cjg_live(f, live);
    if (batch_inputs(&b, which))
      for (cj_ref r = 1; r < f->len && cjg_ok(b.g); r++)
        if (live[r] && cjg_at(f, r)->op != CJ_OP_input) step(&b, r);
    for (uint32_t i = 0; i < f->nout && cjg_ok(b.g); i++)
      cjg_output(b.g, batch_operand(&b, f->out[i], cjg_type(f, f->out[i])->rank, true));
    cjm_free(f->c, b.v, bytes);
  }
  return cjx_finish(b.g);
}
