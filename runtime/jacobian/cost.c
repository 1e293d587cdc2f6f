/*
** cost.c -- what a sweep costs, from the sizes of the linear program.  A guess that has to be right to a
** factor of two: it decides between methods, never about results.
*/
#include "graph/sub.h"
#include "jacobian/parts.h"

static double elements(const cj_type *t) { return (double)cjt_count(t); }

/* Matrix kernels do several multiply-adds in the time of one elementwise element. */
static double dense_work(const cj_graph *g, cj_ref r) {
  const cj_type *x = cjg_type(g, cjg_operands(g, r)[0]), *y = cjg_type(g, r);
  double inner = (double)cjt_at(x, 1);
  return cjg_at(g, r)->op == CJ_OP_matmul ? elements(y) * inner / 4 : elements(y) * inner / 2;
}

/* All steps of its body, whose instructions cost what they cost anywhere. */
static double loop_work(const cj_graph *g, cj_ref r) {
  cjg_loop l = cjg_loop_of(g, r);
  double body;
  return cjj_cost_whole(l.body, &body) ? (double)l.steps * body : 0;
}

double cjj_work(const cj_graph *g, cj_ref r) {
  double most = elements(cjg_type(g, r));
  cj_rowkind kind = cjg_row(g, r)->kind;
  if (kind == CJ_SOURCE || kind == CJ_VIEWS) return 0;
  if (kind == CJ_DENSE) return dense_work(g, r);
  if (kind == CJ_LOOPS) return loop_work(g, r);
  for (int i = 0; i < cjg_at(g, r)->nin; i++) {
    double n = elements(cjg_type(g, cjg_operands(g, r)[i]));
    if (n > most) most = n;
  }
  return most;
}

/* With its share of the overhead of an instruction. */
static double run_cost(const cj_graph *g, cj_ref r) {
  return cjj_work(g, r) + (cjt_count(cjg_type(g, r)) == 1 ? CJJ_SMALL : CJJ_NODE);
}

static void add_cost(const cj_graph *lin, cj_ref r, int nx, uint64_t from, cjj_costs *out) {
  double cost = cjj_work(lin, r);
  if (!from) {
    out->primal += run_cost(lin, r);
    return;
  }
  out->sweep += cost;
  out->linear++;
  out->small += cjt_count(cjg_type(lin, r)) == 1;
  for (int j = 0; out->input && j < nx; j++)
    if (from >> j & 1) out->input[j] += cost;
}

bool cjj_cost_of(const cj_graph *lin, int nx, cjj_costs *out) {
  size_t bytes = lin->len * sizeof(uint64_t);
  uint64_t *from = cjm_zalloc(lin->c, bytes); /* by instruction: the inputs whose tangents it depends on */
  uint8_t *live = cjm_alloc(lin->c, lin->len);
  *out = (cjj_costs){.input = out->input};
  for (int j = 0; out->input && j < nx; j++) out->input[j] = 0;
  if (from && live) {
    cjg_live(lin, live);
    for (uint32_t i = (uint32_t)nx; i < lin->narg; i++) from[lin->arg[i]] = (uint64_t)1 << ((i - (uint32_t)nx) % 64);
    for (cj_ref r = 1; r < lin->len; r++) {
      if (!live[r] || cjg_issource(lin, r)) continue;
      for (int i = 0; i < cjg_at(lin, r)->nin; i++) from[r] |= from[cjg_operands(lin, r)[i]];
      add_cost(lin, r, nx, from[r], out);
    }
  }
  cjm_free(lin->c, live, lin->len);
  cjm_free(lin->c, from, bytes);
  return cjm_ok(lin->c);
}

bool cjj_cost_whole(const cj_graph *g, double *out) {
  uint8_t *live = cjm_alloc(g->c, g->len);
  *out = 0;
  if (!live) return false;
  cjg_live(g, live);
  for (cj_ref r = 1; r < g->len; r++)
    if (live[r] && !cjg_issource(g, r)) *out += run_cost(g, r);
  cjm_free(g->c, live, g->len);
  return true;
}
