/* demand.c -- numbers of an open trace, when the traced function asks for them. */
#include "exec/loop.h"

#include <string.h>

/* What is still to be evaluated: an instruction, and whether its operands have been asked for. */
typedef struct want {
  cj_ref ref;
  bool asked;
} want;

typedef struct demand {
  cj_ctx *c;
  cj_trace *t;
  want *stack; /* few, or an array of cap */
  uint32_t n, cap;
  want few[16];
} demand;

static bool push(demand *d, cj_ref r) {
  if (d->cap == 0 && d->n == CJ_COUNT(d->few)) {
    want *more = NULL;
    if (!cjm_grow(d->c, &more, &d->cap, d->n + 1u, sizeof *more)) return false;
    d->stack = memcpy(more, d->few, sizeof d->few);
  }
  if (d->cap && !CJM_GROW(d->c, d->stack, d->cap, d->n + 1u)) return false;
  d->stack[d->n++] = (want){r, false};
  return true;
}

/* --- sources ---------------------------------------------------------------------------------------------- */

static cj_status from_konst(const demand *d, cj_ref r, cj_tensor **out) {
  const cj_graph *g = d->t->g;
  double v = g->konst[cjg_at(g, r)->in[0]];
  const cj_type *t = cjg_type(g, r);
  float f = (float)v;
  int64_t i;
  uint8_t b;
  memcpy(&i, &v, sizeof i);
  b = i != 0;
  const void *from = t->dtype == CJ_F32 ? (const void *)&f : t->dtype == CJ_BOOL ? (const void *)&b : (const void *)&v;
  *out = cjt_from(d->c, t, from);
  return *out ? CJ_OK : d->c->status;
}

/* An input has the number of what it stands for, which may be a value of an outer trace. */
static cj_status from_origin(const demand *d, const cj_origin *o, cj_tensor **out) {
  if (o->tensor) {
    *out = o->tensor;
  } else if (o->trace == 0) {
    return cjm_fail(d->c, CJ_ENOVALUE, "a value is needed that depends on an argument of which only the type is known");
  } else {
    cj_trace *outer = cjg_trace_find(d->c, o->trace);
    if (!outer) return cjm_fail(d->c, CJ_ESTALE, "a traced value outlived its function");
    cj_status st = cje_demand(outer, o->ref, out); /* as deep as traces nest */
    if (st != CJ_OK) return st;
  }
  cjt_retain(*out);
  return CJ_OK;
}

static cj_status from_source(const demand *d, cj_ref r, cj_tensor **out) {
  const cj_node *n = cjg_at(d->t->g, r);
  switch (n->op) {
  case CJ_OP_input: return from_origin(d, n->in[1] ? &d->t->capture[n->in[0]] : &d->t->arg[n->in[0]], out);
  case CJ_OP_konst: return from_konst(d, r, out);
  case CJ_OP_tensor: cjt_retain(*out = d->t->g->tensor[n->in[0]]); return CJ_OK;
  default: return cje_eval(d->c, n->op, NULL, 0, cjg_attr(d->t->g, r), cjg_type(d->t->g, r), out);
  }
}

/* --- instructions -------------------------------------------------------------------------------------------- */

static cj_status evaluate(const demand *d, cj_ref r, cj_tensor **out) {
  const cj_graph *g = d->t->g;
  const cj_node *n = cjg_at(g, r);
  const cj_ref *from = cjg_operands(g, r);
  cj_tensor *few[8], **in = few;
  if (n->nin == 0) return from_source(d, r, out);
  if (n->nin > CJ_COUNT(few) && !(in = cjm_alloc(d->c, n->nin * sizeof *in))) return d->c->status;
  for (int i = 0; i < n->nin; i++) in[i] = d->t->value[from[i]];
  cj_status st = cjr_row(n->op)->subs ? cje_eval_loop(d->c, g, r, in, out)
                                      : cje_eval(d->c, n->op, in, n->nin, cjg_attr(g, r), cjg_type(g, r), out);
  if (in != few) cjm_free(d->c, in, n->nin * sizeof *in);
  return st;
}

/* Operands without a value go on the stack before r comes up again; some may be there twice. */
static bool ask_for(demand *d, cj_ref r) {
  const cj_ref *in = cjg_operands(d->t->g, r);
  d->stack[d->n - 1].asked = true;
  for (int i = cjg_at(d->t->g, r)->nin; i-- > 0;)
    if (!d->t->value[in[i]] && !push(d, in[i])) return false;
  return true;
}

static cj_status work_off(demand *d) {
  while (d->n) {
    want w = d->stack[d->n - 1];
    cj_tensor *y = NULL;
    if (d->t->value[w.ref]) {
      d->n--;
    } else if (!w.asked && !cjg_issource(d->t->g, w.ref)) {
      if (!ask_for(d, w.ref)) return d->c->status;
    } else {
      cj_status st = cjm_poll(d->c);
      if (st == CJ_OK) st = evaluate(d, w.ref, &y);
      if (st != CJ_OK) return st;
      d->t->value[w.ref] = y;
      d->n--;
    }
  }
  return CJ_OK;
}

static bool room_for_values(cj_trace *t) {
  uint32_t had = t->nvalue;
  if (t->g->len <= had) return true;
  if (!CJM_GROW(t->g->c, t->value, t->nvalue, t->g->len)) return false;
  memset(t->value + had, 0, (t->nvalue - had) * sizeof *t->value);
  return true;
}

cj_status cje_demand(cj_trace *t, cj_ref r, cj_tensor **out) {
  cj_ctx *c = t->g->c;
  demand d;
  d.c = c;
  d.t = t;
  d.stack = d.few;
  d.n = d.cap = 0;
  *out = NULL;
  if (!cjm_ok(c)) return c->status;
  if (!room_for_values(t)) return c->status;
  if (!t->value[r] && !push(&d, r)) return c->status;
  cj_status st = work_off(&d);
  if (d.cap) cjm_free(c, d.stack, d.cap * sizeof *d.stack);
  if (st == CJ_OK) *out = t->value[r];
  return st;
}
