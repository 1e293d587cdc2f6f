/*
** fold_transpose.c -- transpositions of matrices move behind what is computed from them, where they often meet
** another one and vanish: columns that a sweep gives are rows of seeds, and have to be turned at the end.  Programs
** that a user wrote down are left alone.
*/
#include "graph/graph.h"
#include "graph/store.h"

#include <string.h>

static bool is_turned(const cj_graph *g, cj_ref r) {
  const cj_attr *a = cjg_attr(g, r);
  return cjg_at(g, r)->op == CJ_OP_permute && cjg_type(g, r)->rank == 2 && a->n == 2 && a->v[0] == 2;
}

static cj_ref emit_turned(cj_graph *g, cj_ref x) {
  cj_attr a = {.n = 2, .v = {2, 1}};
  return x ? cjg_emit(g, CJ_OP_permute, &x, 1, &a) : 0;
}

/* A number, or what is repeated over rows or columns. */
static bool is_stripe(const cj_type *x) { return x->rank < 2 || x->dim[0] == 1 || x->dim[1] == 1; }

static cj_ref turned_stripe(cj_graph *g, cj_ref x) {
  cj_type t = *cjg_type(g, x);
  if (t.rank == 0) return x;
  cj_attr a = {.n = 2, .v = {t.rank == 2 ? t.dim[1] : t.dim[0], t.rank == 2 ? t.dim[0] : 1}};
  return cjg_emit(g, CJ_OP_reshape, &x, 1, &a);
}

/* The operand of an elementwise row whose result is turned; 0: that would have to be computed. */
static cj_ref turned_operand(cj_graph *g, cj_ref x) {
  if (is_turned(g, x)) return cjg_operands(g, x)[0];
  if (is_stripe(cjg_type(g, x))) return turned_stripe(g, x);
  return cjg_is_diagonal(g, x) ? x : 0;
}

static cj_ref turn_elementwise(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a, const cj_type *t) {
  cj_ref own[3];
  bool any = false;
  if (t->rank != 2 || nin > 3 || is_stripe(t)) return 0;
  for (int i = 0; i < nin; i++) any |= is_turned(g, in[i]) && cjt_sameshape(cjg_type(g, in[i]), t);
  for (int i = 0; any && i < nin; i++)
    if (!(own[i] = turned_operand(g, in[i]))) any = false;
  return any ? emit_turned(g, cjg_emit(g, op, own, nin, a)) : 0;
}

static cj_ref turn_cumsum(cj_graph *g, cj_ref x, const cj_attr *a) {
  if (!is_turned(g, x)) return 0;
  cj_attr other = *a;
  other.v[0] = 3 - a->v[0];
  x = cjg_operands(g, x)[0];
  return emit_turned(g, cjg_emit(g, CJ_OP_cumsum, &x, 1, &other));
}

cj_ref cjg_fold_transpose(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a, const cj_type *t) {
  if (g->plain) return 0;
  if (op == CJ_OP_cumsum) return turn_cumsum(g, in[0], a);
  return cjr_row(op)->kind == CJ_ELEMENTWISE ? turn_elementwise(g, op, in, nin, a, t) : 0;
}
