/*
** fold_seed.c -- products with identity seeds.  A batch of unit vectors is an identity matrix seen as vectors
** or matrices; multiplying by it only moves elements, so no product is computed (an explicit
** identity makes a dense layer half as dear again).  Zeros of the identity annihilate, NaN and inf included.
*/
#include "graph/graph.h"
#include "graph/store.h"

#include <string.h>

/* Seeds as [n, a, b], ones in front left out: seed first + i * b + j is the unit matrix at (i, j). */
typedef struct unit_seeds {
  int64_t n, a, b, first;
} unit_seeds;

static cj_ref emit_shaped(cj_graph *g, int op, cj_ref x, const int64_t *dim, int rank) {
  cj_attr a = {.n = rank};
  memcpy(a.v, dim, (size_t)rank * sizeof *dim);
  return cjg_emit(g, op, &x, 1, &a);
}

static cj_ref emit_transposed(cj_graph *g, cj_ref x) { /* the last two axes */
  cj_attr a = {.n = 2, .v = {2, 1}};
  return cjg_emit(g, CJ_OP_permute, &x, 1, &a);
}

/* r is a reshaped identity, or consecutive columns of one; t has at least three axes. */
static bool are_unit_seeds(const cj_graph *g, cj_ref r, unit_seeds *s) {
  const cj_type *t = cjg_type(g, r);
  *s = (unit_seeds){.a = cjt_at(t, 2), .b = cjt_at(t, 1)};
  if (t->rank < 3 || cjg_at(g, r)->op != CJ_OP_reshape) return false;
  cj_ref x = cjg_operands(g, r)[0];
  if (cjg_at(g, x)->op == CJ_OP_slice) {
    const cj_attr *slice = cjg_attr(g, x);
    if (slice->v[0] != 1 || slice->v[2] != 1) return false;
    s->first = slice->v[1];
    x = cjg_operands(g, x)[0];
  }
  if (cjg_at(g, x)->op != CJ_OP_eye) return false;
  s->n = cjt_at(cjg_type(g, x), 2);
  return s->n == t->dim[0] && s->n == cjt_at(cjg_type(g, x), 1) && cjt_count(t) == s->n * s->a * s->b;
}

static bool is_one_matrix(const cj_type *t) { return cjt_count(t) == cjt_at(t, 1) * cjt_at(t, 2); }

/* The rows of the seeds that are there, zeros before and behind them, as type t. */
static cj_ref place_seeds(cj_graph *g, cj_ref rows, const unit_seeds *s, const cj_type *t) {
  int64_t count = s->a * s->b, dim[2] = {count, count ? cjt_count(t) / s->n : 0};
  cj_attr embed = {.n = 4, .v = {2, s->first, 1, s->n}};
  rows = emit_shaped(g, CJ_OP_reshape, rows, dim, 2);
  rows = cjg_emit(g, CJ_OP_embed, &rows, 1, &embed);
  return emit_shaped(g, CJ_OP_reshape, rows, t->dim, t->rank);
}

/* With the identity of size n at axes i and i + 2 of four: the other two come from x. */
static cj_ref times_identity(cj_graph *g, cj_ref x, const int64_t *dim, int64_t n, int i) {
  if (!x) return 0; /* after an error */
  cj_attr eye = {.n = 3, .v = {cjg_type(g, x)->dtype, n, n}};
  int64_t shape[4] = {1, 1, 1, 1};
  x = emit_shaped(g, CJ_OP_reshape, x, dim, 4);
  if (n == 1) return x;
  shape[i] = shape[i + 2] = n;
  cj_ref in[2] = {emit_shaped(g, CJ_OP_reshape, cjg_emit(g, CJ_OP_eye, NULL, 0, &eye), shape, 4), x};
  return cjg_emit(g, CJ_OP_zmul, in, 2, NULL);
}

cj_ref cjg_fold_matmul(cj_graph *g, const cj_ref *in, const cj_type *t) {
  unit_seeds s;
  cj_type x = *cjg_type(g, in[0]), z = *cjg_type(g, in[1]);
  cj_ref rows;
  if (g->plain || cjt_count(t) == 0) return 0;
  if (are_unit_seeds(g, in[1], &s) && is_one_matrix(&x)) { /* element (p, q) of x E_ij is x[p, i] if q = j */
    int64_t dim[4] = {s.a, 1, cjt_at(&x, 2), 1}, flat[2] = {cjt_at(&x, 2), s.a};
    rows = emit_transposed(g, emit_shaped(g, CJ_OP_reshape, in[0], flat, 2));
    return place_seeds(g, times_identity(g, rows, dim, s.b, 1), &s, t);
  }
  if (are_unit_seeds(g, in[0], &s) && is_one_matrix(&z)) { /* of E_ij z: z[j, q] if p = i */
    int64_t dim[4] = {1, s.b, 1, cjt_at(&z, 1)};
    return place_seeds(g, times_identity(g, in[1], dim, s.a, 0), &s, t);
  }
  return 0;
}
