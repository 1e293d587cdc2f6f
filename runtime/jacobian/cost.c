/*
** cost.c -- what a sweep costs, from the sizes of the linear program.  A guess that has to be right to a
** factor of two: it decides between methods, never about results.
*/
#include "jacobian/parts.h"

static double elements(const cj_type *t) { return (double)cjt_count(t); }

/* Matrix kernels do several multiply-adds in the time of one elementwise element. */
static double dense_work(const cj_graph *g, cj_ref r) {
  const cj_type *x = cjg_type(g, cjg_operands(g, r)[0]), *y = cjg_type(g, r);
  double inner = (double)cjt_at(x, 1);
  return cjg_at(g, r)->op == CJ_OP_matmul ? elements(y) * inner / 4 : elements(y) * inner / 2;
}

static double node_work(const cj_graph *g, cj_ref r) {
  double most = elements(cjg_type(g, r));
  cj_rowkind kind = cjg_row(g, r)->kind;
  if (kind == CJ_SOURCE || kind == CJ_VIEWS) return 0;
  if (kind == CJ_DENSE) return dense_work(g, r);
  for (int i = 0; i < cjg_at(g, r)->nin; i++) {
    double n = elements(cjg_type(g, cjg_operands(g, r)[i]));
    if (n > most) most = n;
  }
  return most;
}

static void add(cjj_costs *out, int nx, uint64_t mask, double cost, bool small) {
  out->sweep += cost;
  out->linear++;
  out->small += small;
  for (int j = 0; out->input && j < nx; j++)
    if (mask >> j & 1) out->input[j] += cost;
}

bool cjj_cost_of(const cj_graph *lin, int nx, cjj_costs *out) {
  size_t bytes = lin->len * sizeof(uint64_t);
  uint64_t *from = cjm_zalloc(lin->c, bytes); /* by instruction: the inputs whose tangents it depends on */
  uint8_t *live = cjm_alloc(lin->c, lin->len);
  out->sweep = out->linear = out->small = 0;
  for (int j = 0; out->input && j < nx; j++) out->input[j] = 0;
  if (from && live) {
    cjg_live(lin, live);
    for (uint32_t i = (uint32_t)nx; i < lin->narg; i++) from[lin->arg[i]] = (uint64_t)1 << ((i - (uint32_t)nx) % 64);
    for (cj_ref r = 1; r < lin->len; r++) {
      if (!live[r] || cjg_issource(lin, r)) continue;
      for (int i = 0; i < cjg_at(lin, r)->nin; i++) from[r] |= from[cjg_operands(lin, r)[i]];
      if (from[r]) add(out, nx, from[r], node_work(lin, r), cjt_count(cjg_type(lin, r)) == 1);
    }
  }
  cjm_free(lin->c, live, lin->len);
  cjm_free(lin->c, from, bytes);
  return cjm_ok(lin->c);
}
