/*
** chain_cost.c -- the order in which the factors of a chain are multiplied: a dynamic programme over its spans, as for
** products of matrices, where growing a span by a sweep and keeping what is still diagonal count too (Griewank &
** Walther, "Evaluating Derivatives", SIAM 2008, chapter 10; Griewank & Naumann, "Accumulating Jacobians as chained
** sparse matrix products", Math. Program. 95, 2003).
*/
#include "jacobian/chain.h"

#include <string.h>

enum { NOTHING, DIAGONAL, DENSE }; /* what identity seeds have become */

typedef struct chain_walk {
  const cjj_chain *k;
  const uint8_t *on;
  uint64_t *from; /* by instruction: which of several inputs or outputs (modulo 64) are seeded there */
  uint8_t *form;
  double width[64]; /* elements of these */
  double cost;
  double ahead[CJJ_MOSTCUTS + 1], back[CJJ_MOSTCUTS + 1]; /* one dense seed through the stretches before each cut */
} chain_walk;

static double elements_of(const chain_walk *w, cj_ref r) { return (double)cjt_count(cjg_type(w->k->f, r)); }

/* Of one seed, through operand i of r or back to it. */
static double seed_work(const chain_walk *w, cj_ref r, int i, bool back) {
  const cj_graph *f = w->k->f;
  double x = elements_of(w, cjg_operands(f, r)[i]), y = elements_of(w, r);
  if (cjg_row(f, r)->kind == CJ_VIEWS) return back && x < y ? y : 0;
  return back ? CJJ_BACKWARD * cjj_work(f, r) : cjj_work(f, r);
}

static double seeds_of(const chain_walk *w, uint64_t from) {
  double n = 0;
  for (int i = 0; from; i++, from >>= 1)
    if (from & 1) n += w->width[i];
  return n;
}

/* What seeds of a form at one end of operand i of r are at its other end, and the work. */
static int pass_seeds(chain_walk *w, cj_ref r, int i, bool back, uint64_t from, int form) {
  const cj_graph *f = w->k->f;
  cj_rowkind kind = cjg_row(f, r)->kind;
  double seeds = seeds_of(w, from), x = elements_of(w, cjg_operands(f, r)[i]), y = elements_of(w, r);
  if (form == DIAGONAL && x == y && (kind == CJ_ELEMENTWISE || cjg_at(f, r)->op == CJ_OP_reshape)) {
    w->cost += kind == CJ_ELEMENTWISE ? x : 0;
    return DIAGONAL;
  }
  if (form == DIAGONAL && cjg_at(f, r)->op == CJ_OP_matmul)
    w->cost += seeds * (back ? x : y); /* rows or columns of the other factor are scaled */
  else
    w->cost += seeds * seed_work(w, r, i, back);
  return DENSE;
}

static void join_seeds(chain_walk *w, cj_ref r, uint64_t from, int form) {
  if (w->from[r]) w->cost += form == DIAGONAL ? elements_of(w, r) : seeds_of(w, from) * elements_of(w, r);
  if (w->from[r] && w->from[r] != from) form = DENSE;
  w->from[r] |= from;
  if (form > w->form[r]) w->form[r] = (uint8_t)form;
}

static bool passes_on(const chain_walk *w, cj_ref r) { return w->on[r] && !cjg_issource(w->k->f, r); }

static void walk_reset(chain_walk *w) {
  memset(w->from, 0, w->k->f->len * (sizeof *w->from + 1));
  memset(w->width, 0, sizeof w->width);
  w->cost = 0;
}

static void seed_at(chain_walk *w, cj_ref r, uint32_t bit) {
  w->from[r] |= (uint64_t)1 << bit % 64;
  w->form[r] = DIAGONAL;
  w->width[bit % 64] += elements_of(w, r);
}

/* Writing the matrix of a span. */
static double fill_of(const cjj_chain *k, uint32_t i, uint32_t j) { return k->size[i] * k->size[j]; }

/* Identity seeds at cut i forwards: the cost of every span i..j.  Columns are transposed in the end. */
static void walk_forward(chain_walk *w, cjj_chain *k, uint32_t i) {
  const cj_graph *f = k->f;
  uint32_t j = i + 1;
  walk_reset(w);
  if (i) seed_at(w, k->cut[i], 0);
  for (uint32_t a = 0; !i && a < f->narg; a++)
    if (k->active[a]) seed_at(w, f->arg[a], a);
  for (cj_ref r = i ? k->cut[i] + 1 : 1; r < f->len; r++) {
    const cj_ref *in = cjg_operands(f, r);
    if (!passes_on(w, r)) continue;
    w->cost += CJJ_NODE;
    for (int q = 0; q < cjg_at(f, r)->nin; q++)
      if (w->from[in[q]]) join_seeds(w, r, w->from[in[q]], pass_seeds(w, r, q, false, w->from[in[q]], w->form[in[q]]));
    if (j == k->n || r != k->cut[j]) continue;
    k->span[i][j] = (cjj_span){.cost = w->cost + 1.5 * fill_of(k, i, j), .how = CJJ_SEED_FORWARD};
    j++;
  }
  k->span[i][k->n] = (cjj_span){.cost = w->cost + 1.5 * fill_of(k, i, k->n), .how = CJJ_SEED_FORWARD};
}

static void offer(cjj_chain *k, uint32_t i, uint32_t j, cjj_how how, uint32_t at, double cost) {
  if (cost < k->span[i][j].cost) k->span[i][j] = (cjj_span){cost, (uint8_t)how, (uint8_t)at};
}

/* Identity seeds at cut j backwards. */
static void walk_backward(chain_walk *w, cjj_chain *k, uint32_t j) {
  const cj_graph *f = k->f;
  uint32_t i = j - 1;
  walk_reset(w);
  if (j < k->n) seed_at(w, k->cut[j], 0);
  for (uint32_t o = 0; j == k->n && o < f->nout; o++)
    if (w->on[f->out[o]] && cjj_has_derivative(f, (int)o)) seed_at(w, f->out[o], o);
  for (cj_ref r = j < k->n ? k->cut[j] + 1 : f->len; r-- > 1;) {
    const cj_ref *in = cjg_operands(f, r);
    if (i && r == k->cut[i]) {
      offer(k, i, j, CJJ_SEED_BACKWARD, 0, w->cost + fill_of(k, i, j));
      i--;
    }
    if (!w->from[r] || !passes_on(w, r)) continue;
    w->cost += CJJ_NODE;
    for (int q = 0; q < cjg_at(f, r)->nin; q++)
      if (w->on[in[q]]) join_seeds(w, in[q], w->from[r], pass_seeds(w, r, q, true, w->from[r], w->form[r]));
  }
  offer(k, 0, j, CJJ_SEED_BACKWARD, 0, w->cost + fill_of(k, 0, j));
}

/* One dense seed through all before cut j, either way. */
static void dense_sweeps(chain_walk *w, const cjj_chain *k) {
  const cj_graph *f = k->f;
  uint32_t j = 1;
  double ahead = 0, back = 0;
  w->ahead[0] = w->back[0] = 0;
  for (cj_ref r = 1; r < f->len; r++) {
    for (int q = 0; passes_on(w, r) && q < cjg_at(f, r)->nin; q++)
      if (w->on[cjg_operands(f, r)[q]]) ahead += seed_work(w, r, q, false), back += seed_work(w, r, q, true);
    if (j == k->n || r != k->cut[j]) continue;
    w->ahead[j] = ahead;
    w->back[j++] = back;
  }
  w->ahead[k->n] = ahead;
  w->back[k->n] = back;
}

static void best_of_span(const chain_walk *w, cjj_chain *k, uint32_t i, uint32_t j) {
  for (uint32_t at = i + 1; at < j; at++) {
    double before = k->span[i][at].cost, behind = k->span[at][j].cost, fill = fill_of(k, i, j);
    offer(k, i, j, CJJ_GROW_FORWARD, at, before + fill + k->size[i] * (w->ahead[j] - w->ahead[at]));
    offer(k, i, j, CJJ_GROW_BACKWARD, at, behind + fill + k->size[j] * (w->back[at] - w->back[i]));
    offer(k, i, j, CJJ_MULTIPLY, at, before + behind + fill * (1 + k->size[at] / 4));
  }
}

bool cjj_chain_costs(cjj_chain *k, const uint8_t *on) {
  size_t bytes = k->f->len * (sizeof(uint64_t) + 1);
  chain_walk w = {.k = k, .on = on, .from = cjm_alloc(k->f->c, bytes)};
  if (!w.from) return false;
  w.form = (uint8_t *)(w.from + k->f->len);
  for (uint32_t i = 0; i < k->n; i++) walk_forward(&w, k, i);
  for (uint32_t j = k->n; j >= 1; j--) walk_backward(&w, k, j);
  dense_sweeps(&w, k);
  for (uint32_t len = 2; len <= k->n; len++)
    for (uint32_t i = 0; i + len <= k->n; i++) best_of_span(&w, k, i, i + len);
  cjm_free(k->f->c, w.from, bytes);
  return true;
}
