/*
** fold.c -- simplifications tried on every emit.  "The recorder expands, fold shrinks": transforms and
** rules write the plain thing, and what is trivial vanishes here.  A rule must give the same value to the
** bit, or be exact mathematics on constants that cannot be NaN (a structural zero).
*/
#include "graph/graph.h"
#include "graph/store.h"
#include "kernel/kernels.h"

#include <string.h>

/* The question a rule answers. */
typedef struct ask {
  cj_graph *g;
  int op, nin;
  const cj_ref *in;
  const cj_attr *a;
  const cj_type *t;
  bool *zero;
} ask;

static cj_ref if_same(const ask *q, cj_ref r) { return cjt_same(cjg_type(q->g, r), q->t) ? r : 0; }
static int op_of(const ask *q, int i) { return cjg_at(q->g, q->in[i])->op; }
static cj_ref only_operand(const ask *q, int i) { return cjg_operands(q->g, q->in[i])[0]; }
static cj_attr attr_of(const ask *q, int i) { return *cjg_attr(q->g, q->in[i]); }

/* Constants: the row's own kernel says.  Stores are 8 bytes: the number or an int64. */
void cjg_unpack(double store, int dtype, void *p) {
  float f = (float)store;
  int64_t i;
  memcpy(&i, &store, sizeof i);
  uint8_t b = i != 0;
  if (dtype == CJ_F64) memcpy(p, &store, sizeof store);
  if (dtype == CJ_F32) memcpy(p, &f, sizeof f);
  if (dtype == CJ_I64) memcpy(p, &i, sizeof i);
  if (dtype == CJ_BOOL) memcpy(p, &b, sizeof b);
}

static double pack(const void *p, int dtype) {
  double store = 0;
  float f;
  int64_t i = 0;
  if (dtype == CJ_F32) memcpy(&f, p, sizeof f), store = (double)f;
  if (dtype == CJ_F64 || dtype == CJ_I64) memcpy(&store, p, sizeof store);
  if (dtype == CJ_BOOL) i = *(const uint8_t *)p, memcpy(&store, &i, sizeof store);
  return store;
}

static cj_ref fold_constants(const ask *q) {
  const cj_op *row = cjr_row(q->op);
  double in[3], out = 0;
  const void *x[3] = {&in[0], &in[1], &in[2]};
  if (row->kind != CJ_ELEMENTWISE || q->t->rank != 0) return 0;
  for (int i = 0; i < q->nin; i++) {
    if (op_of(q, i) != CJ_OP_konst) return 0;
    cjg_unpack(q->g->konst[cjg_at(q->g, q->in[i])->in[0]], cjg_type(q->g, q->in[i])->dtype, &in[i]);
  }
  int dtype = cjg_type(q->g, q->in[q->nin - 1])->dtype;
  cj_loop loop = cjk_loop(q->g->c->isa, q->op - CJ_OP_FIRST_EW, dtype);
  if (!loop) return 0;
  loop(1, &out, x, 0);
  return cjg_bits(q->g, q->t->dtype, pack(&out, q->t->dtype));
}

static cj_ref fold_cast(const ask *q) {
  double v;
  if (cjg_type(q->g, q->in[0])->dtype == q->t->dtype) return q->in[0];
  if (cjg_getnum(q->g, q->in[0], &v)) return cjg_num(q->g, q->t->dtype, v);
  return 0;
}

/* What r shows elements of. */
static cj_ref behind_views(const cj_graph *g, cj_ref r) {
  for (;;) {
    int op = cjg_at(g, r)->op;
    if (op != CJ_OP_expand && op != CJ_OP_reshape && op != CJ_OP_permute && op != CJ_OP_slice) return r;
    r = cjg_operands(g, r)[0];
  }
}

static bool all_ones(const cj_graph *g, cj_ref r) { return cjg_isnum(g, behind_views(g, r), 1); }

static bool is_identity(const cj_graph *g, cj_ref r) { return cjg_at(g, behind_views(g, r))->op == CJ_OP_eye; }

/* x with the type of the result. */
static cj_ref broadcast(const ask *q, cj_ref x) {
  if (cjg_type(q->g, x)->dtype != q->t->dtype) return 0;
  cj_attr a = {.n = q->t->rank};
  memcpy(a.v, q->t->dim, sizeof a.v);
  return cjt_same(cjg_type(q->g, x), q->t) ? x : cjg_emit(q->g, CJ_OP_expand, &x, 1, &a);
}

static cj_ref fold_mul(const ask *q) {
  if (all_ones(q->g, q->in[1])) return broadcast(q, q->in[0]);
  if (all_ones(q->g, q->in[0])) return broadcast(q, q->in[1]);
  if (cjg_isnum(q->g, q->in[1], -1) && if_same(q, q->in[0])) return cjg_emit(q->g, CJ_OP_neg, &q->in[0], 1, NULL);
  if (cjg_isnum(q->g, q->in[0], -1) && if_same(q, q->in[1])) return cjg_emit(q->g, CJ_OP_neg, &q->in[1], 1, NULL);
  if (q->op == CJ_OP_mul && !q->g->plain && cjt_isfloat(q->t->dtype)) { /* zeros of seeds annihilate */
    if (is_identity(q->g, q->in[0])) return cjg_emit(q->g, CJ_OP_zmul, q->in, 2, NULL);
    if (is_identity(q->g, q->in[1])) return cjg_emit(q->g, CJ_OP_zmul, (cj_ref[]){q->in[1], q->in[0]}, 2, NULL);
  }
  if (q->op != CJ_OP_mul) return 0;
  cj_ref r = cjg_fold_scale(q->g, q->in[0], q->in[1], q->t);
  return r ? r : cjg_fold_scale(q->g, q->in[1], q->in[0], q->t);
}

static cj_ref fold_add(const ask *q) {
  if (q->g->plain || !cjt_isfloat(q->t->dtype)) return 0;
  for (int i = 0; i < 2; i++)
    if (cjg_isnum(q->g, behind_views(q->g, q->in[i]), 0)) return broadcast(q, q->in[1 - i]);
  if (q->t->rank == 0) return 0;
  if (q->in[0] != q->in[1]) return cjg_fold_pieces(q->g, q->in, q->t);
  return cjg_emit(q->g, CJ_OP_mul, (cj_ref[]){cjg_num(q->g, q->t->dtype, 2), q->in[0]}, 2, NULL);
}

static cj_ref fold_div(const ask *q) { return cjg_isnum(q->g, q->in[1], 1) ? if_same(q, q->in[0]) : 0; }

static cj_ref fold_neg(const ask *q) {
  if (op_of(q, 0) == CJ_OP_neg) return only_operand(q, 0);
  if (op_of(q, 0) != CJ_OP_mul || q->g->plain || q->t->rank == 0) return 0;
  return cjg_fold_scale(q->g, cjg_num(q->g, q->t->dtype, -1), q->in[0], q->t);
}

static cj_ref fold_pow(const ask *q) {
  if (!cjt_isfloat(q->t->dtype)) return 0;
  if (cjg_isnum(q->g, q->in[1], 1)) return if_same(q, q->in[0]);
  if (cjg_isnum(q->g, q->in[1], 2) && if_same(q, q->in[0])) return cjg_emit(q->g, CJ_OP_square, q->in, 1, NULL);
  if (cjg_isnum(q->g, q->in[1], -1) && if_same(q, q->in[0])) return cjg_emit(q->g, CJ_OP_reciprocal, q->in, 1, NULL);
  return 0;
}

static bool all_zeros(const cj_graph *g, cj_ref r) { return cjg_isnum(g, behind_views(g, r), 0); }

/* Of zeros both ways, as tangents of untaken branches become, nothing is left. */
static cj_ref fold_where(const ask *q) {
  if (!q->g->plain && cjt_isfloat(q->t->dtype) && all_zeros(q->g, q->in[1]) && all_zeros(q->g, q->in[2]))
    return *q->zero = true, 0;
  if (q->in[1] == q->in[2]) return if_same(q, q->in[1]);
  if (cjg_isnum(q->g, q->in[0], 1)) return if_same(q, q->in[1]);
  if (cjg_isnum(q->g, q->in[0], 0)) return if_same(q, q->in[2]);
  return 0;
}

/* reshape and expand: identity, or two of the same kind in a row.  An expand may only skip an expand. */
static cj_ref fold_shaped(const ask *q) {
  if (if_same(q, q->in[0])) return q->in[0];
  if (op_of(q, 0) != q->op) return 0;
  cj_ref x = only_operand(q, 0);
  return cjg_emit(q->g, q->op, &x, 1, q->a);
}

static cj_ref fold_permute(const ask *q) {
  bool same = true;
  for (int i = 0; i < q->a->n; i++) same &= q->a->v[i] == i + 1;
  if (same) return q->in[0];
  if (op_of(q, 0) != CJ_OP_permute) return 0;
  cj_attr inner = attr_of(q, 0), both = {.n = q->a->n > inner.n ? q->a->n : inner.n};
  for (int i = 0; i < both.n; i++) {
    int64_t mid = i < q->a->n ? q->a->v[i] : i + 1;
    both.v[i] = mid <= inner.n ? inner.v[mid - 1] : mid;
  }
  cj_ref x = only_operand(q, 0);
  return cjg_emit(q->g, CJ_OP_permute, &x, 1, &both);
}

/* A slice of an embedded piece is the piece, or nothing; of a concatenation, of one part. */
static cj_ref slice_of_embed(const ask *q) {
  cj_attr e = attr_of(q, 0); /* axis, first, step, full */
  cj_ref x = only_operand(q, 0);
  int64_t first = q->a->v[1], step = q->a->v[2], n = q->a->v[3];
  int64_t en = cjt_at(cjg_type(q->g, x), (int)e.v[0]);
  if (e.v[0] != q->a->v[0]) return 0;
  if (first == e.v[1] && step == e.v[2] && n == en) return x;
  if (step < 1 || e.v[2] < 1 || n == 0 || en == 0) return 0;
  bool apart = first > e.v[1] + (en - 1) * e.v[2] || first + (n - 1) * step < e.v[1];
  if (apart && !q->g->plain) *q->zero = true;
  return 0;
}

static cj_ref slice_of_cat(const ask *q) {
  cj_ref cat = q->in[0];
  int axis = (int)q->a->v[0];
  if (attr_of(q, 0).v[0] != axis || q->a->v[2] != 1) return 0;
  int64_t first = q->a->v[1], n = q->a->v[3];
  for (int i = 0; i < cjg_at(q->g, cat)->nin; i++) {
    cj_ref x = cjg_operands(q->g, cat)[i];
    int64_t len = cjt_at(cjg_type(q->g, x), axis);
    if (first >= 0 && first + n <= len) {
      cj_attr a = {.n = 4, .v = {axis, first, 1, n}};
      return cjg_emit(q->g, CJ_OP_slice, &x, 1, &a);
    }
    first -= len;
  }
  return 0;
}

/* All of that axis, from its end. */
static bool turns_round(const ask *q, cj_ref r, int64_t axis) {
  const cj_attr *a = cjg_attr(q->g, r);
  return cjg_at(q->g, r)->op == CJ_OP_slice && a->v[0] == axis && a->v[2] == -1 &&
         a->v[3] == cjt_at(cjg_type(q->g, cjg_operands(q->g, r)[0]), (int)axis);
}

/* A running sum over what is turned round, turned round: from the end. */
static cj_ref slice_of_cumsum(const ask *q) {
  cj_attr sum = attr_of(q, 0);
  cj_ref x = only_operand(q, 0);
  int64_t n = cjt_at(q->t, (int)q->a->v[0]);
  if (sum.v[0] != q->a->v[0] || q->a->v[2] != -1 || q->a->v[1] != n - 1 || !turns_round(q, x, sum.v[0])) return 0;
  if (n != cjt_at(cjg_type(q->g, q->in[0]), (int)sum.v[0])) return 0;
  x = cjg_operands(q->g, x)[0];
  sum.v[1] = !sum.v[1];
  return cjg_emit(q->g, CJ_OP_cumsum, &x, 1, &sum);
}

static cj_ref fold_slice(const ask *q) {
  int64_t full = cjt_at(cjg_type(q->g, q->in[0]), (int)q->a->v[0]);
  if (q->a->v[1] == 0 && q->a->v[3] == full && (q->a->v[2] == 1 || full <= 1)) return q->in[0];
  if (op_of(q, 0) == CJ_OP_embed) return slice_of_embed(q);
  if (op_of(q, 0) == CJ_OP_cat) return slice_of_cat(q);
  if (op_of(q, 0) == CJ_OP_cumsum) return slice_of_cumsum(q);
  if (op_of(q, 0) != CJ_OP_slice || attr_of(q, 0).v[0] != q->a->v[0]) return 0;
  cj_attr s = attr_of(q, 0);
  s.v[1] += q->a->v[1] * s.v[2];
  s.v[2] *= q->a->v[2];
  s.v[3] = q->a->v[3];
  cj_ref x = only_operand(q, 0);
  return cjg_emit(q->g, CJ_OP_slice, &x, 1, &s);
}

/* Of all of an axis, forwards: a step of -1 turns it round. */
static cj_ref fold_embed(const ask *q) {
  int64_t full = q->a->v[3];
  return q->a->v[2] == 1 || full <= 1 ? if_same(q, q->in[0]) : 0;
}

static cj_ref fold_cat(const ask *q) { return q->nin == 1 ? q->in[0] : 0; }

/* A sum over axes of size 1 only reshapes. */
static cj_ref fold_sum(const ask *q) {
  cj_type t = *cjg_type(q->g, q->in[0]);
  if (t.dtype != q->t->dtype) return 0;
  for (int k = 1; k <= t.rank; k++)
    if (q->a->v[0] >> (k - 1) & 1 && cjt_at(&t, k) != 1) return cjg_fold_sum_linear(q->g, q->in[0], q->a->v[0], q->t);
  cj_attr a = {.n = q->t->rank};
  memcpy(a.v, q->t->dim, sizeof a.v);
  return cjg_emit(q->g, CJ_OP_reshape, q->in, 1, &a);
}

/* Constants have no derivative to stop. */
static cj_ref fold_stop(const ask *q) {
  int op = op_of(q, 0);
  return op == CJ_OP_stop || op == CJ_OP_konst || op == CJ_OP_tensor ? q->in[0] : 0;
}

/* Elementwise rows do not come here if their operands are inputs or elementwise results, neg excepted (emit.c). */
static cj_ref fold_row(const ask *q) {
  switch (q->op) {
  case CJ_OP_add: return fold_add(q);
  case CJ_OP_mul:
  case CJ_OP_zmul: return fold_mul(q);
  case CJ_OP_div: return fold_div(q);
  case CJ_OP_neg: return fold_neg(q);
  case CJ_OP_pow: return fold_pow(q);
  case CJ_OP_where: return fold_where(q);
  case CJ_OP_cast: return fold_cast(q);
  case CJ_OP_reshape:
  case CJ_OP_expand: return fold_shaped(q);
  case CJ_OP_permute: return fold_permute(q);
  case CJ_OP_slice: return fold_slice(q);
  case CJ_OP_embed: return fold_embed(q);
  case CJ_OP_cat: return fold_cat(q);
  case CJ_OP_matmul: return cjg_fold_matmul(q->g, q->in, q->t);
  case CJ_OP_sum: return fold_sum(q);
  case CJ_OP_stop: return fold_stop(q);
  default: return 0;
  }
}

cj_ref cjg_fold(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a, const cj_type *t, bool *zero) {
  ask q = {g, op, nin, in, a, t, zero};
  if (nin == 0) return 0;
  cj_ref r = cjg_fold_diagonal(g, op, in, a, t);
  if (!r) r = fold_row(&q);
  if (!r && !*zero) r = cjg_fold_transpose(g, op, in, nin, a, t);
  return r || *zero ? r : fold_constants(&q);
}
