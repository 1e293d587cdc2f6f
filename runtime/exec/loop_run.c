/* loop_run.c -- running loops: pointers move, the steps of the body run. */
#include "exec/loop.h"
#include "graph/sub.h"
#include "kernel/kernels.h"

#include <string.h>

typedef struct looper {
  const cj_plan *p;
  const cje_loop *l;
  const cje_port *operand, *result; /* ports */
  char *res, *scratch;
  char **in, **out, **base; /* entries of the body's table of bases */
} looper;

/* Row t of the xs and of the ys; how they go on. */
static int64_t first_row(const cje_loop *l) { return l->reverse ? l->steps - 1 : 0; }
static int64_t signed_step(const cje_loop *l, const cje_port *p) { return l->reverse ? -p->step : p->step; }

static char *loop_operand_at(const looper *k, uint32_t i, char *const *base) {
  const cje_operand *o = &k->p->operand.at[k->l->operand + i];
  char *at = base[o->base] + o->offset;
  if (i == k->l->nin || k->operand[i].other < 0) return at;
  cj_view from = k->p->shape.at[o->shape], to = cjt_rowmajor(k->scratch + k->operand[i].other, from.type);
  from.data = at;
  cjk_copy_view(&from, &to);
  return to.data;
}

/* The table of the body, at the start of its workspace. */
static void open_body(looper *k) {
  const cj_plan *body = k->l->body;
  char *work = k->scratch + k->l->work;
  k->base = (char **)(void *)work;
  k->base[CJE_WORK] = work;
  k->base[CJE_KONST] = (char *)body->konst.at;
  k->in = k->base + CJE_INPUT;
  k->out = k->base + cje_output_base(body, 0);
  for (uint32_t i = 0; i < body->tensor.n; i++) k->base[cje_tensor_base(body, i)] = body->tensor.at[i]->data;
}

/* Two buffers take turns so that the last step writes into the result. */
static char *turn(const looper *k, const cje_port *p, const char *before) {
  char *end = k->res + p->at;
  return before == end ? k->scratch + p->other : end;
}
static char *first_turn(const looper *k, const cje_port *p) {
  return k->l->steps % 2 ? k->res + p->at : k->scratch + p->other;
}

static void open_carry(looper *k, uint32_t i, char *init) {
  const cje_port *p = &k->result[i];
  if (p->other >= 0) {
    k->in[i] = init;
    k->out[i] = first_turn(k, p);
    if (k->l->steps == 0 && p->step) memcpy(k->res + p->at, init, (size_t)p->step);
    return;
  }
  k->in[i] = k->res + p->at + (k->l->reverse ? k->l->steps * p->step : 0);
  k->out[i] = k->in[i] + signed_step(k->l, p);
  if (p->step) memcpy(k->in[i], init, (size_t)p->step);
}

/* Sum number i of the results, which goes on from argument `arg` of the body. */
static void open_sum(looper *k, uint32_t i, uint32_t arg) {
  const cje_port *p = &k->result[i];
  k->out[i] = k->l->steps == 1 ? k->res + p->at : first_turn(k, p);
  if (k->l->steps == 1) return;
  k->in[arg] = k->l->steps == 0 ? k->res + p->at : turn(k, p, k->out[i]);
  if (p->step) memset(k->in[arg], 0, (size_t)p->step);
}

static void open_ports(looper *k, char *const *base) {
  const cje_loop *l = k->l;
  for (uint32_t i = 0; i < l->nin; i++) {
    char *at = loop_operand_at(k, i, base);
    if (i < l->ncarry)
      open_carry(k, i, at);
    else
      k->in[i] = i < l->ncarry + l->nx ? at + first_row(l) * k->operand[i].step : at;
  }
  for (uint32_t i = l->ncarry; i < l->nout; i++) {
    if (i < l->ncarry + l->ny)
      k->out[i] = k->res + k->result[i].at + first_row(l) * k->result[i].step;
    else
      open_sum(k, i, l->nin + i - l->ncarry - l->ny);
  }
}

static void next_step(const looper *k) {
  const cje_loop *l = k->l;
  uint32_t rows = l->ncarry + l->nx, ys = l->ncarry + l->ny;
  for (uint32_t i = 0; i < l->ncarry; i++) {
    const cje_port *p = &k->result[i];
    k->in[i] = k->out[i];
    k->out[i] = p->other >= 0 ? turn(k, p, k->out[i]) : k->out[i] + signed_step(l, p);
  }
  for (uint32_t i = l->ncarry; i < rows; i++) k->in[i] += signed_step(l, &k->operand[i]);
  for (uint32_t i = l->ncarry; i < ys; i++) k->out[i] += signed_step(l, &k->result[i]);
  for (uint32_t i = ys; i < l->nout; i++) {
    k->in[l->nin + i - ys] = k->out[i];
    k->out[i] = turn(k, &k->result[i], k->out[i]);
  }
}

cj_status cje_run_loop(const cj_plan *p, const cje_loop *l, char *const *base, cje_report *report) {
  looper k = {.p = p, .l = l, .operand = &p->port.at[l->port], .result = &p->port.at[l->port + l->nin]};
  k.scratch = base[CJE_WORK] + l->scratch;
  k.res = loop_operand_at(&k, l->nin, base);
  open_body(&k);
  open_ports(&k, base);
  for (int64_t t = l->steps; t > 0;) {
    cj_status s = cje_run_steps(l->body, k.base, report);
    if (s != CJ_OK) return s;
    if (report->cancel && *report->cancel) return CJ_ECANCEL;
    if (--t) next_step(&k);
  }
  return CJ_OK;
}

/* --- at once -------------------------------------------------------------------------------------------------- */

static cj_graph *alone(const cj_graph *g, cj_ref r) {
  cj_graph *h = cjg_new(g->c);
  cj_ref *map = h ? cjm_zalloc(g->c, r * sizeof *map) : NULL;
  if (map) {
    const cj_ref *in = cjg_operands(g, r);
    for (int i = 0; i < cjg_at(g, r)->nin; i++)
      if (!map[in[i]]) map[in[i]] = cjg_arg(h, cjg_type(g, in[i]));
    cjg_output(h, cjg_copy(h, g, r, map));
    cjm_free(g->c, map, r * sizeof *map);
  }
  if (h && cjg_ok(h)) return h;
  cjg_free(h);
  return NULL;
}

static void drop_loop(cj_ctx *c, void *plan) {
  CJ_UNUSED(c);
  cje_plan_free(plan);
}

static cj_plan *plan_of(cj_ctx *c, const cj_graph *h) {
  cj_plan *p = cje_cache_find(c, h, CJE_LOOPS, NULL, 0);
  if (p)
    (void)cje_plan_compile(p);
  else if (cje_plan_new(c, h, &p) == CJ_OK && !cje_cache_put(c, h, CJE_LOOPS, NULL, 0, p, drop_loop))
    p = NULL;
  return cjm_ok(c) ? p : NULL;
}

static cj_status run_alone(cj_ctx *c, const cj_plan *p, const cj_view *view, cj_tensor *y) {
  const char *fault = NULL;
  void *out[1] = {y->data};
  size_t ws = cje_plan_worksize(p, view);
  void *work = cje_work_take(c, ws);
  if (!work) return c->status;
  cj_status s = cje_plan_run(p, view, out, work, c->cancel, &fault, NULL);
  cje_work_give(c, work, ws);
  return s == CJ_OK ? s : cjm_fail(c, s, "%s", fault ? fault : cj_status_text(s));
}

cj_status cje_eval_loop(cj_ctx *c, const cj_graph *g, cj_ref r, cj_tensor *const *in, cj_tensor **out) {
  int nin = cjg_at(g, r)->nin, n = 0;
  size_t bytes = (size_t)(nin + 1) * sizeof(cj_view);
  cj_graph *h = alone(g, r);
  cj_plan *p = h ? plan_of(c, h) : NULL;
  cj_view *view = p ? cjm_alloc(c, bytes) : NULL;
  cj_tensor *y = view ? cjt_new(c, cjg_type(g, r)) : NULL;
  *out = NULL;
  if (y) {
    const cj_ref *from = cjg_operands(g, r);
    for (int i = 0; i < nin; i++) { /* an operand that is there twice is one input */
      int k = 0;
      while (k < i && from[k] != from[i]) k++;
      if (k == i) view[n++] = cjt_asview(in[i]);
    }
    if (run_alone(c, p, view, y) == CJ_OK)
      *out = y;
    else
      cjt_release(y);
  }
  cjm_free(c, view, bytes);
  cjg_free(h);
  return c->status;
}
