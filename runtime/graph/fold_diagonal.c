/*
** fold_diagonal.c -- seeds that have only been scaled.  As long as identity seeds go through elementwise
** operations, what is carried is a diagonal: the seeds e times a value d that is the same for all of them.  It is
** kept as the one product zmul(e, d), so that sums, factors and products with matrices work on d alone, and a matrix
** that is multiplied by it gets its rows or columns scaled.  Zeros of the identity annihilate, NaN and inf included.
** Programs that a user wrote down are left alone.
*/
#include "graph/graph.h"
#include "graph/store.h"

#include <string.h>

/* d 0: the seeds themselves. */
typedef struct diagonal {
  cj_ref e, d;
} diagonal;

static bool is_columns(const cj_graph *g, cj_ref r) {
  const cj_attr *a = cjg_attr(g, r);
  return cjg_at(g, r)->op == CJ_OP_slice && a->v[0] == 1 && a->v[2] == 1;
}

/* An identity, or consecutive columns of one, seen as seeds along the first axis; no other views of it: a seed's place
** is that of its one element. */
static bool is_seeds(const cj_graph *g, cj_ref r) {
  const cj_type *t = cjg_type(g, r);
  if (t->rank < 2 || t->dim[0] < 2) return false;
  if (cjg_at(g, r)->op == CJ_OP_reshape) r = cjg_operands(g, r)[0];
  if (is_columns(g, r)) r = cjg_operands(g, r)[0];
  return cjg_at(g, r)->op == CJ_OP_eye && cjg_type(g, r)->dim[0] == t->dim[0];
}

/* The value is one and the same along the first axis of type t. */
static bool is_steady(const cj_graph *g, cj_ref r, const cj_type *t) {
  const cj_type *x = cjg_type(g, r);
  return x->rank < t->rank || (x->rank == t->rank && x->dim[0] == 1);
}

static bool is_scaled_seeds(const cj_graph *g, cj_ref r, diagonal *s) {
  if (cjg_at(g, r)->op != CJ_OP_zmul) return false;
  *s = (diagonal){cjg_operands(g, r)[0], cjg_operands(g, r)[1]};
  const cj_type *t = cjg_type(g, r);
  return is_seeds(g, s->e) && cjt_same(cjg_type(g, s->e), t) && is_steady(g, s->d, t);
}

static bool is_diagonal(const cj_graph *g, cj_ref r, diagonal *s) {
  if (is_scaled_seeds(g, r, s)) return true;
  *s = (diagonal){r, 0};
  return is_seeds(g, r);
}

/* --- putting one together ---------------------------------------------------------------- */

/* Of x reshaped or expanded. */
static cj_ref emit_as(cj_graph *g, int op, cj_ref x, const int64_t *dim, int rank) {
  cj_attr a = {.n = rank};
  memcpy(a.v, dim, (size_t)rank * sizeof *dim);
  return x ? cjg_emit(g, op, &x, 1, &a) : 0;
}

/* d without the axis of the seeds, of which it has one if it has as many axes as they. */
static cj_ref per_seed(cj_graph *g, cj_ref d, int rank) {
  if (!d || cjg_type(g, d)->rank < rank) return d;
  cj_type t = *cjg_type(g, d);
  return emit_as(g, CJ_OP_reshape, d, t.dim + 1, t.rank - 1);
}

static cj_ref emit_scaled(cj_graph *g, cj_ref e, cj_ref d) {
  d = e ? per_seed(g, d, cjg_type(g, e)->rank) : 0;
  return d ? cjg_emit(g, CJ_OP_zmul, (cj_ref[]){e, d}, 2, NULL) : 0;
}

/* d as one element for each of a seed's, of the shape of the axes behind the first one of t. */
static cj_ref whole_diagonal(cj_graph *g, cj_ref d, const cj_type *e, const cj_type *t) {
  d = emit_as(g, CJ_OP_expand, per_seed(g, d, e->rank), e->dim + 1, e->rank - 1);
  return emit_as(g, CJ_OP_reshape, d, t->dim + 1, t->rank - 1);
}

/* --- elementwise ---------------------------------------------------------------------------- */

/* (e d) z, z (e d), (e d) / z */
static cj_ref scaled_again(cj_graph *g, int op, const cj_ref *in, const cj_type *t) {
  diagonal s;
  for (int i = 0; i < (op == CJ_OP_div ? 1 : 2); i++) {
    if (!is_scaled_seeds(g, in[i], &s) || !cjt_same(cjg_type(g, in[i]), t) || !is_steady(g, in[1 - i], t)) continue;
    cj_ref both[2] = {i ? in[0] : s.d, i ? s.d : in[1]};
    return emit_scaled(g, s.e, cjg_emit(g, op, both, 2, NULL));
  }
  return 0;
}

/* What else r is the sum of (0: nothing) beside a diagonal. */
static bool split_sum(const cj_graph *g, cj_ref r, cj_ref *rest, diagonal *s) {
  *rest = 0;
  if (is_diagonal(g, r, s)) return true;
  if (cjg_at(g, r)->op != CJ_OP_add) return false;
  for (int i = 0; i < 2; i++) {
    *rest = cjg_operands(g, r)[i];
    if (is_scaled_seeds(g, cjg_operands(g, r)[1 - i], s) && cjt_same(cjg_type(g, *rest), cjg_type(g, r))) return true;
  }
  return false;
}

/* (x + e a) + (z + e b), or their difference: one diagonal. */
static cj_ref added_up(cj_graph *g, int op, const cj_ref *in) {
  diagonal s[2];
  cj_ref d[2], rest[2];
  if (!split_sum(g, in[0], &rest[0], &s[0]) || !split_sum(g, in[1], &rest[1], &s[1]) || s[0].e != s[1].e) return 0;
  for (int i = 0; i < 2; i++) d[i] = s[i].d ? s[i].d : cjg_num(g, cjg_type(g, s[i].e)->dtype, 1);
  cj_ref both = emit_scaled(g, s[0].e, cjg_emit(g, op, d, 2, NULL));
  if (!rest[0] && !rest[1]) return both;
  return cjg_emit(g, CJ_OP_add, (cj_ref[]){cjg_emit(g, op, rest, 2, NULL), both}, 2, NULL);
}

static cj_ref negated(cj_graph *g, cj_ref x) {
  diagonal s;
  return is_scaled_seeds(g, x, &s) ? emit_scaled(g, s.e, cjg_emit(g, CJ_OP_neg, &s.d, 1, NULL)) : 0;
}

/* --- views and sums ---------------------------------------------------------------------------- */

static cj_ref reshaped(cj_graph *g, cj_ref x, const cj_type *t) {
  diagonal s;
  if (!is_scaled_seeds(g, x, &s) || t->rank < 2) return 0;
  cj_type e = *cjg_type(g, s.e);
  int64_t n = cjt_count(cjg_type(g, s.d));
  if (t->dim[0] != e.dim[0] || (n != 1 && n != cjt_count(&e) / e.dim[0])) return 0;
  cj_ref d = cjg_type(g, s.d)->rank ? whole_diagonal(g, s.d, &e, t) : s.d;
  return emit_scaled(g, emit_as(g, CJ_OP_reshape, s.e, t->dim, t->rank), d);
}

bool cjg_is_diagonal(const cj_graph *g, cj_ref r) {
  diagonal s;
  if (cjg_type(g, r)->rank != 2 || !is_diagonal(g, r, &s)) return false;
  return cjg_at(g, s.e)->op == CJ_OP_eye && cjg_type(g, s.e)->dim[1] == cjg_type(g, s.e)->dim[0];
}

static cj_ref same_transposed(const cj_graph *g, cj_ref x, const cj_attr *a) {
  return a->n == 2 && cjg_is_diagonal(g, x) ? x : 0;
}

/* All seeds are there, each with one element that is not 0. */
static bool is_complete(const cj_graph *g, cj_ref e) {
  const cj_type *t = cjg_type(g, e);
  return cjt_count(t) == t->dim[0] * t->dim[0];
}

/* Over all axes of a seed: its element of d. */
static cj_ref summed(cj_graph *g, cj_ref x, int64_t mask) {
  diagonal s;
  if (!is_scaled_seeds(g, x, &s) || !is_complete(g, s.e)) return 0;
  cj_type e = *cjg_type(g, s.e), flat = {.rank = 2, .dim = {1, e.dim[0]}};
  return mask == ((int64_t)1 << (e.rank - 1)) - 1 ? whole_diagonal(g, s.d, &e, &flat) : 0;
}

/* --- products ------------------------------------------------------------------------------------ */

/* x (e d) or (e d) z, where the product with e alone needs no work: what belongs to a seed is scaled. */
static cj_ref multiplied(cj_graph *g, const cj_ref *in, const cj_type *t) {
  diagonal s;
  for (int i = 0; i < 2; i++) {
    if (!is_scaled_seeds(g, in[i], &s) || !is_complete(g, s.e)) continue;
    cj_ref plain[2] = {i ? in[0] : s.e, i ? s.e : in[1]};
    cj_type e = *cjg_type(g, s.e), rows = {.rank = 3, .dim = {1, e.dim[0], 1}};
    if (t->dim[0] != e.dim[0] || t->rank != e.rank) continue;
    cj_ref y = cjg_fold_matmul(g, plain, t);
    if (!y) continue;
    y = emit_as(g, CJ_OP_reshape, y, (int64_t[]){e.dim[0], cjt_count(t) / e.dim[0]}, 2);
    cj_ref d = whole_diagonal(g, s.d, &e, &rows);
    y = y && d ? cjg_emit(g, CJ_OP_mul, (cj_ref[]){y, d}, 2, NULL) : 0;
    return emit_as(g, CJ_OP_reshape, y, t->dim, t->rank);
  }
  return 0;
}

cj_ref cjg_fold_diagonal(cj_graph *g, int op, const cj_ref *in, const cj_attr *a, const cj_type *t) {
  if (g->plain || !cjt_isfloat(t->dtype)) return 0;
  switch (op) {
  case CJ_OP_mul:
  case CJ_OP_zmul:
  case CJ_OP_div: return scaled_again(g, op, in, t);
  case CJ_OP_add:
  case CJ_OP_sub: return added_up(g, op, in);
  case CJ_OP_neg: return negated(g, in[0]);
  case CJ_OP_reshape: return reshaped(g, in[0], t);
  case CJ_OP_permute: return same_transposed(g, in[0], a);
  case CJ_OP_sum: return summed(g, in[0], a->v[0]);
  case CJ_OP_matmul: return multiplied(g, in, t);
  default: return 0;
  }
}
