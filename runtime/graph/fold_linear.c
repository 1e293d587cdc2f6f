/*
** fold_linear.c -- sums and scalar factors move to where there are fewer elements.  This changes the order of
** roundings, so only programs that transforms write are treated so, never what a user wrote down.
*/
#include "graph/graph.h"
#include "graph/store.h"

#include <string.h>

static cj_ref emit1(cj_graph *g, int op, cj_ref x) { return cjg_emit(g, op, &x, 1, NULL); }
static cj_ref emit2(cj_graph *g, int op, cj_ref x, cj_ref z) { return cjg_emit(g, op, (cj_ref[]){x, z}, 2, NULL); }

static cj_ref emit_reshape(cj_graph *g, cj_ref x, const cj_type *t) {
  cj_attr a = {.n = t->rank};
  memcpy(a.v, t->dim, sizeof a.v);
  return cjt_sameshape(cjg_type(g, x), t) ? x : cjg_emit(g, CJ_OP_reshape, &x, 1, &a);
}

static cj_ref emit_sum(cj_graph *g, cj_ref x, int64_t mask) {
  cj_attr a = {.n = 1, .v = {mask}};
  return cjg_emit(g, CJ_OP_sum, &x, 1, &a);
}

/* --- sums --------------------------------------------------------------------------------- */

/* The same with the axes of mask kept as size 1. */
static cj_ref sum_keeping(cj_graph *g, cj_ref x, int64_t mask) {
  cj_type t = *cjg_type(g, x);
  if (!mask) return x;
  for (int k = 1; k <= t.rank; k++)
    if (mask >> (k - 1) & 1) t.dim[t.rank - k] = 1;
  return emit_reshape(g, emit_sum(g, x, mask), &t);
}

/* The axes of mask that only factor x of a product has; inner: the one that the product sums over. */
static int64_t own_axes(const cj_type *x, const cj_type *z, int64_t mask, int inner) {
  int64_t own = 0;
  for (int k = 1; k <= x->rank; k++)
    if (mask >> (k - 1) & 1 && k != inner && (k <= 2 || cjt_at(z, k) == 1)) own |= (int64_t)1 << (k - 1);
  return own;
}

/* Rows of the left factor and columns of the right one are summed before they are multiplied. */
static cj_ref sum_of_product(cj_graph *g, cj_ref y, int64_t mask, const cj_type *t) {
  cj_ref in[2] = {cjg_operands(g, y)[0], cjg_operands(g, y)[1]};
  cj_type x = *cjg_type(g, in[0]), z = *cjg_type(g, in[1]);
  int64_t left = own_axes(&x, &z, mask, 1), right = own_axes(&z, &x, mask, 2) & ~left, rest = mask & ~(left | right);
  if (!(left | right)) return 0;
  in[0] = sum_keeping(g, in[0], left);
  in[1] = sum_keeping(g, in[1], right);
  cj_ref r = cjg_emit(g, CJ_OP_matmul, in, 2, NULL);
  return emit_reshape(g, rest ? emit_sum(g, r, rest) : r, t);
}

/* y is s * x for a single number s. */
static bool is_scaled(const cj_graph *g, cj_ref y, cj_ref *s, cj_ref *x) {
  if (cjg_at(g, y)->op != CJ_OP_mul) return false;
  for (int i = 0; i < 2; i++) {
    *s = cjg_operands(g, y)[i];
    *x = cjg_operands(g, y)[1 - i];
    if (cjg_type(g, *s)->rank == 0 && cjt_same(cjg_type(g, *x), cjg_type(g, y))) return true;
  }
  return false;
}

cj_ref cjg_fold_sum_linear(cj_graph *g, cj_ref y, int64_t mask, const cj_type *t) {
  cj_ref s, x;
  if (g->plain || !cjt_isfloat(t->dtype) || cjg_type(g, y)->dtype != t->dtype) return 0;
  if (cjt_count(cjg_type(g, y)) <= cjt_count(t)) return 0;
  switch (cjg_at(g, y)->op) {
  case CJ_OP_neg: return emit1(g, CJ_OP_neg, emit_sum(g, cjg_operands(g, y)[0], mask));
  case CJ_OP_matmul: return sum_of_product(g, y, mask, t);
  case CJ_OP_mul: return is_scaled(g, y, &s, &x) ? emit2(g, CJ_OP_mul, s, emit_sum(g, x, mask)) : 0;
  default: return 0;
  }
}

/* --- factors ---------------------------------------------------------------------------------- */

static bool is_view(int op) { return op == CJ_OP_expand || op == CJ_OP_reshape || op == CJ_OP_permute; }

/* Multiplying x takes up a factor without one more product of all elements. */
static bool takes_factor(const cj_graph *g, cj_ref x) {
  cj_ref s, rest;
  while (is_view(cjg_at(g, x)->op)) {
    if (cjg_at(g, x)->op == CJ_OP_expand && cjt_count(cjg_type(g, x)) > cjt_count(cjg_type(g, cjg_operands(g, x)[0])))
      return true;
    x = cjg_operands(g, x)[0];
  }
  return cjg_at(g, x)->op == CJ_OP_neg || is_scaled(g, x, &s, &rest);
}

/* s times the view x, as a view of a product. */
static cj_ref scale_behind(cj_graph *g, cj_ref s, cj_ref x) {
  int op = cjg_at(g, x)->op;
  cj_attr a = *cjg_attr(g, x);
  cj_ref y = emit2(g, CJ_OP_mul, s, cjg_operands(g, x)[0]);
  return cjg_emit(g, op, &y, 1, &a);
}

/* s * (x * z), where x or z can take s. */
static cj_ref scale_product(cj_graph *g, cj_ref s, cj_ref y, const cj_type *t) {
  for (int i = 0; i < 2; i++) {
    cj_ref x = cjg_operands(g, y)[i], rest = cjg_operands(g, y)[1 - i];
    if (cjg_type(g, x)->rank == 0) return emit2(g, CJ_OP_mul, emit2(g, CJ_OP_mul, s, x), rest);
    if (cjt_count(cjg_type(g, x)) < cjt_count(t) || takes_factor(g, x))
      return emit2(g, CJ_OP_mul, emit2(g, CJ_OP_mul, s, x), rest);
  }
  return 0;
}

cj_ref cjg_fold_scale(cj_graph *g, cj_ref s, cj_ref x, const cj_type *t) {
  if (!s || g->plain || t->rank == 0 || !cjt_isfloat(t->dtype) || cjg_type(g, s)->rank != 0) return 0;
  if (!cjt_same(cjg_type(g, x), t)) return 0;
  int op = cjg_at(g, x)->op;
  if (op == CJ_OP_mul) return scale_product(g, s, x, t);
  if (op == CJ_OP_neg) return emit2(g, CJ_OP_mul, emit1(g, CJ_OP_neg, s), cjg_operands(g, x)[0]);
  return is_view(op) && takes_factor(g, x) ? scale_behind(g, s, x) : 0;
}
