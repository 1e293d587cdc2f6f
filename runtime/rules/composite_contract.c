/* composite_contract.c -- products that are matrix products of reordered operands. */
#include "rules/compose.h"

/* --- baddbmm, linear ------------------------------------------------------------------ */

/* beta c + alpha y, where c has to broadcast to y; c is not read where beta is 0. */
static bool add_bias(const cj_call *k, cj_ref y, cj_ref bias, cj_ref *out, int *nout) {
  double beta = cjr_num(k, 0, 1), alpha = cjr_num(k, 1, 1);
  cj_type t = cjb_type(k->g, y), c = cjb_type(k->g, bias), both;
  if (!y) return false;
  if (!cjt_broadcast(&t, &c, &both) || !cjt_sameshape(&t, &both))
    return cjr_bad(k, CJ_ESHAPE, "c has shape %s, which does not broadcast to %s", cjr_show(&c).s, cjr_show(&t).s);
  y = cjr_scale(k->g, y, alpha);
  if (beta == 0) return cjr_one(y, out, nout);
  bias = cjr_scale(k->g, bias, beta);
  int dtype = cjt_promote(cjb_type(k->g, y).dtype, cjb_type(k->g, bias).dtype);
  return cjr_one(cjb_add(k->g, cjb_cast(k->g, bias, dtype), cjb_cast(k->g, y, dtype)), out, nout);
}

static CJR_FACE(build_baddbmm) {
  cj_ref v[3];
  cj_type a = cjr_in(k, 1), b = cjr_in(k, 2);
  if (!cjr_wantrank(k, &a, "a", 3) || !cjr_wantrank(k, &b, "b", 3)) return false;
  if (cjt_at(&a, 1) != cjt_at(&b, 2) || cjt_at(&a, 3) != cjt_at(&b, 3))
    return cjr_bad(k, CJ_ESHAPE, "a of shape %s and b of shape %s have no product", cjr_show(&a).s, cjr_show(&b).s);
  return cjr_numbers(k, 0, 3, v) && add_bias(k, cjb_matmul(k->g, v[1], v[2]), v[0], out, nout);
}

/* x w' + b; w is [out, in], or [in] for a single result without its axis. */
static CJR_FACE(build_linear) {
  cj_graph *g = k->g;
  cj_ref v[3];
  cj_type x = cjr_in(k, 0), w = cjr_in(k, 1);
  if (!cjr_minrank(k, 0, 1) || !cjr_minrank(k, 1, 1) || !cjr_maxrank(k, 1, 2)) return false;
  if (cjt_at(&x, 1) != cjt_at(&w, 1))
    return cjr_bad(k, CJ_ESHAPE, "x of shape %s does not go with weight of shape %s", cjr_show(&x).s, cjr_show(&w).s);
  if (!cjr_floats(k, 0, 3, v)) return false;
  cj_ref rows = x.rank == 1 ? cjb_unsqueeze(g, v[0], 2) : v[0];
  cj_ref columns = w.rank == 1 ? cjr_column(g, v[1]) : cjb_mt(g, v[1]);
  cj_ref y = cjb_matmul(g, rows, columns);
  if (y && w.rank == 1) y = cjb_squeeze(g, y, 1);
  if (y && x.rank == 1) y = cjb_squeeze(g, y, w.rank);
  if (!v[2]) return cjr_one(y, out, nout);
  cj_type t = cjb_type(g, y), b = cjr_in(k, 2), both;
  if (!cjt_broadcast(&t, &b, &both) || !cjt_sameshape(&t, &both))
    return cjr_bad(k, CJ_ESHAPE, "bias has shape %s, which does not broadcast to %s", cjr_show(&b).s, cjr_show(&t).s);
  return cjr_one(cjb_add(g, y, v[2]), out, nout);
}

/* --- kron --------------------------------------------------------------------------------- */

/* Every axis of a beside the same axis of b, counted from the last; then each pair made one. */
static CJR_FACE(build_kron) {
  cj_graph *g = k->g;
  cj_ref v[2];
  cj_type t[2] = {cjr_in(k, 0), cjr_in(k, 1)}, wide[2], y;
  int rank = t[0].rank > t[1].rank ? t[0].rank : t[1].rank;
  if (2 * rank > CJ_MAXRANK)
    return cjr_bad(k, CJ_ELIMIT, "operands of %d dimensions, at most %d are possible", rank, CJ_MAXRANK / 2);
  if (!cjr_numbers(k, 0, 2, v)) return false;
  for (int i = 0; i < 2; i++) {
    wide[i] = (cj_type){t[i].dtype, (uint8_t)(2 * rank), {0}};
    for (int e = 0; e < rank; e++) {
      wide[i].dim[2 * e + i] = cjt_at(&t[i], rank - e);
      wide[i].dim[2 * e + 1 - i] = 1;
    }
  }
  cj_ref both = cjb_mul(g, cjb_reshape(g, v[0], &wide[0]), cjb_reshape(g, v[1], &wide[1]));
  y = (cj_type){0, (uint8_t)rank, {0}};
  for (int e = 0; both && e < rank; e++) y.dim[e] = cjt_at(&t[0], rank - e) * cjt_at(&t[1], rank - e);
  return cjr_one(cjb_reshape(g, both, &y), out, nout);
}

/* --- tensordot ----------------------------------------------------------------------------- */

/* The axes over which an operand is contracted, from the front, and the others. */
typedef struct dotside {
  cj_type t;
  int n, dims[CJ_MAXRANK], free[CJ_MAXRANK];
} dotside;

static void find_free(dotside *s, uint32_t taken) {
  for (int e = 0, f = 0; e < s->t.rank; e++)
    if (!(taken >> e & 1)) s->free[f++] = e;
}

/* Operand i by its list of dims, parameter i. */
static bool side_by_list(const cj_call *k, int i, dotside *s) {
  uint32_t taken = 0;
  s->t = cjr_in(k, i);
  s->n = k->p[i].n;
  for (int e = 0; e < s->n; e++) {
    int axis = cjr_axisof(k, k->p[i].v[e], &s->t);
    if (!axis) return false;
    int at = s->t.rank - axis;
    if (at < 0 || (taken >> at & 1)) return cjr_bad(k, CJ_EARG, "a dim of %s appears twice", i ? "b" : "a");
    taken |= 1u << at;
    s->dims[e] = at;
  }
  find_free(s, taken);
  return true;
}

/* The n dims of operand i that meet those of the other one: the last of a, the first of b. */
static bool side_by_number(const cj_call *k, int i, int64_t n, dotside *s) {
  s->t = cjr_in(k, i);
  if (n < 0 || n > s->t.rank)
    return cjr_bad(k, CJ_EARG, "%lld dims to sum over, shape %s has %d", (long long)n, cjr_show(&s->t).s, s->t.rank);
  s->n = (int)n;
  int first = i == 0 ? s->t.rank - s->n : 0;
  for (int e = 0; e < s->n; e++) s->dims[e] = first + e;
  find_free(s, ((1u << s->n) - 1) << first);
  return true;
}

static bool both_sides(const cj_call *k, dotside *a, dotside *b) {
  if (cjr_given(k, 1)) {
    if (!side_by_list(k, 0, a) || !side_by_list(k, 1, b)) return false;
  } else {
    int64_t n = cjr_int(k, 0, 1) + 1; /* read as a dim, so it counts from 0 */
    if (!side_by_number(k, 0, n, a) || !side_by_number(k, 1, n, b)) return false;
  }
  if (a->n != b->n) return cjr_bad(k, CJ_EARG, "%d dims of a, but %d of b", a->n, b->n);
  if (a->t.rank + b->t.rank - 2 * a->n > CJ_MAXRANK)
    return cjr_bad(k, CJ_ELIMIT, "the result would have more than %d dimensions", CJ_MAXRANK);
  for (int e = 0; e < a->n; e++)
    if (a->t.dim[a->dims[e]] != b->t.dim[b->dims[e]])
      return cjr_bad(k, CJ_ESHAPE, "dim %d of a of shape %s and dim %d of b of shape %s differ", a->dims[e] + 1,
                     cjr_show(&a->t).s, b->dims[e] + 1, cjr_show(&b->t).s);
  return true;
}

/* As a matrix: free axes by contracted ones, or the other way round. */
static cj_ref as_matrix(cj_graph *g, cj_ref x, const dotside *s, bool inner_first) {
  int perm[CJ_MAXRANK], nfree = s->t.rank - s->n, at = inner_first ? s->n : 0;
  int64_t rows = 1, cols = 1;
  for (int e = 0; e < nfree; e++) perm[at + e] = s->free[e], rows *= s->t.dim[s->free[e]];
  for (int e = 0; e < s->n; e++) perm[inner_first ? e : nfree + e] = s->dims[e], cols *= s->t.dim[s->dims[e]];
  cj_type m = cjr_flat(s->t.dtype, inner_first ? cols : rows, inner_first ? rows : cols);
  return cjb_reshape(g, cjb_permute(g, x, s->t.rank, perm), &m);
}

static CJR_FACE(build_tensordot) {
  dotside a, b;
  cj_ref v[2];
  if (!both_sides(k, &a, &b) || !cjr_numbers(k, 0, 2, v)) return false;
  cj_type y = {0, 0, {0}};
  for (int e = 0; e < a.t.rank - a.n; e++) y.dim[y.rank++] = a.t.dim[a.free[e]];
  for (int e = 0; e < b.t.rank - b.n; e++) y.dim[y.rank++] = b.t.dim[b.free[e]];
  cj_ref m = cjb_matmul(k->g, as_matrix(k->g, v[0], &a, false), as_matrix(k->g, v[1], &b, true));
  return cjr_one(cjb_reshape(k->g, m, &y), out, nout);
}

/* --- multi_dot ------------------------------------------------------------------------------- */

enum { CHAIN = 32 };

typedef struct chain {
  int n;
  cj_ref x[CHAIN];
  double size[CHAIN + 1], cost[CHAIN][CHAIN]; /* x[i] is size[i] by size[i+1] */
  uint8_t cut[CHAIN][CHAIN], done[CHAIN];
} chain;

/* The cheapest order (T. Cormen et al., "Introduction to Algorithms", 14.2: dynamic programming over lengths). */
static void order_chain(chain *c) {
  for (int i = 0; i < c->n; i++) c->cost[i][i] = 0;
  for (int len = 1; len < c->n; len++)
    for (int i = 0; i + len < c->n; i++) {
      int j = i + len;
      c->cost[i][j] = -1;
      for (int m = i; m < j; m++) {
        double cost = c->cost[i][m] + c->cost[m + 1][j] + c->size[i] * c->size[m + 1] * c->size[j + 1];
        if (c->cost[i][j] < 0 || cost < c->cost[i][j]) c->cost[i][j] = cost, c->cut[i][j] = (uint8_t)m;
      }
    }
}

/* Products from short to long, by a stack of ranges: the product of a range replaces its first matrix. */
static cj_ref multiply_chain(cj_graph *g, chain *c) {
  uint8_t todo[2 * CHAIN][2];
  int n = 0, order = 0;
  uint8_t plan[CHAIN][2];
  todo[n][0] = 0, todo[n++][1] = (uint8_t)(c->n - 1);
  while (n > 0) { /* every range before its halves */
    int i = todo[--n][0], j = todo[n][1];
    if (i == j) continue;
    plan[order][0] = (uint8_t)i, plan[order++][1] = (uint8_t)j;
    int m = c->cut[i][j];
    todo[n][0] = (uint8_t)i, todo[n++][1] = (uint8_t)m;
    todo[n][0] = (uint8_t)(m + 1), todo[n++][1] = (uint8_t)j;
  }
  while (order-- > 0) {
    int i = plan[order][0], j = plan[order][1];
    c->x[i] = cjb_matmul(g, c->x[i], c->x[c->cut[i][j] + 1]);
  }
  return c->x[0];
}

static CJR_FACE(build_multi_dot) {
  chain c = {.n = k->nin};
  int last = k->nin - 1;
  if (k->nin < 2) return cjr_bad(k, CJ_EARG, "%d tensors given, wanted at least two", k->nin);
  if (k->nin > CHAIN) return cjr_bad(k, CJ_ELIMIT, "%d tensors given, at most %d are possible", k->nin, CHAIN);
  if (!cjr_numbers(k, 0, k->nin, c.x)) return false;
  bool row = cjr_in(k, 0).rank == 1, column = cjr_in(k, last).rank == 1;
  for (int i = 0; i < k->nin; i++) {
    cj_type t = cjr_in(k, i);
    bool vector = t.rank == 1 && (i == 0 || i == last);
    if (t.rank != 2 && !vector)
      return cjr_bad(k, CJ_ESHAPE, "tensor %d has shape %s, wanted a matrix%s", i + 1, cjr_show(&t).s,
                     i == 0 || i == last ? " or a vector" : "");
    if (vector) c.x[i] = cjb_unsqueeze(k->g, c.x[i], i == 0 ? 2 : 1);
    t = cjb_type(k->g, c.x[i]);
    if (i > 0 && (double)cjt_at(&t, 2) != c.size[i])
      return cjr_bad(k, CJ_ESHAPE, "tensor %d has %lld rows, but tensor %d has %lld columns", i + 1,
                     (long long)cjt_at(&t, 2), i, (long long)c.size[i]);
    c.size[i] = (double)cjt_at(&t, 2);
    c.size[i + 1] = (double)cjt_at(&t, 1);
  }
  order_chain(&c);
  cj_ref y = multiply_chain(k->g, &c);
  if (y && column) y = cjb_squeeze(k->g, y, 1);
  if (y && row) y = cjb_squeeze(k->g, y, column ? 1 : 2);
  return cjr_one(y, out, nout);
}

/* --- inner products ---------------------------------------------------------------------------- */

/* Over the last dims, which are equal; a number multiplies. */
static CJR_FACE(build_inner) {
  cj_ref v[2];
  cj_graph *g = k->g;
  cj_type a = cjr_in(k, 0), b = cjr_in(k, 1), m, y = {0, (uint8_t)(a.rank + b.rank - 2), {0}};
  if (!cjr_numbers(k, 0, 2, v)) return false;
  if (!a.rank || !b.rank) return cjr_one(cjb_mul(g, v[0], v[1]), out, nout);
  int64_t n = cjt_at(&a, 1);
  if (n != cjt_at(&b, 1))
    return cjr_bad(k, CJ_ESHAPE, "the last dims of %s and %s differ", cjr_show(&a).s, cjr_show(&b).s);
  if (a.rank + b.rank - 2 > CJ_MAXRANK)
    return cjr_bad(k, CJ_ELIMIT, "the result would have more than %d dimensions", CJ_MAXRANK);
  for (int e = 0; e + 1 < a.rank; e++) y.dim[e] = a.dim[e];
  for (int e = 0; e + 1 < b.rank; e++) y.dim[a.rank - 1 + e] = b.dim[e];
  m = cjr_flat(0, cjr_span(&a, ((1u << a.rank) - 1) & ~1u), n);
  cj_ref left = cjb_reshape(g, v[0], &m);
  m = cjr_flat(0, cjr_span(&b, ((1u << b.rank) - 1) & ~1u), n);
  cj_ref right = cjb_mt(g, cjb_reshape(g, v[1], &m));
  return cjr_one(cjb_reshape(g, cjb_matmul(g, left, right), &y), out, nout);
}

static CJR_FACE(build_vecdot) {
  cj_ref v[2];
  cj_type a = cjr_in(k, 0), b = cjr_in(k, 1), both;
  if (!cjt_broadcast(&a, &b, &both))
    return cjr_bad(k, CJ_ESHAPE, "a of shape %s and b of shape %s do not broadcast", cjr_show(&a).s, cjr_show(&b).s);
  if (!both.rank) return cjr_bad(k, CJ_ESHAPE, "two numbers, wanted at least one dimension");
  int axis = cjr_axis(k, 0, &both, -1);
  if (!axis || !cjr_numbers(k, 0, 2, v)) return false;
  return cjr_one(cjb_sum(k->g, cjb_mul(k->g, v[0], v[1]), 1u << (axis - 1)), out, nout);
}

CJR_COMPOSITE(baddbmm, "", CJ_METHOD, "c, a, b, beta:num=1, alpha:num=1",
              "R(2,3,4), R(2,3,5), R(2,5,4) | R(4), R(2,3,5), R(2,5,4), 0.5, 2 | R(2,1,1), R(2,3,0), R(2,0,4)",
              "beta c + alpha times the products of two batches of matrices");
CJR_COMPOSITE(linear, "", CJ_METHOD, "x, weight, bias?",
              "R(2,3), R(4,3), R(4) | R(3), R(4,3) | R(2,5,3), R(4,3), R(4) | R(2,3), R(3)", "x weight' + bias");
CJR_COMPOSITE(kron, "", CJ_METHOD, "a, b",
              "R(2,3), R(2,2) | R(3), R(2) | R(2,2), R(3) | R(), R(2,2) | R(2,1,2), R(2,2)",
              "Kronecker product: every element of a times all of b");
CJR_COMPOSITE(
    tensordot, "", 0, "a, b, dims_a:axes=1, dims_b:axes?",
    "R(2,3,4), R(3,4,5), {2,3}, {1,2} | R(2,3), R(3,4), 1 | R(3,2), R(4,3), {1}, {-1} | R(2,3), R(2,3), {1,2}, {1,2}",
    "sum of products over dims_a of a and dims_b of b; one number alone: so many last dims of a and first ones of b");
CJR_COMPOSITE(multi_dot, ",linalg", 0, "tensors:list",
              "{R(2,3), R(3,4), R(4,2)} | {R(3), R(3,4), R(4)} | {R(4,2), R(2,5), R(5,1), R(1,3)} | {R(3), R(3,2)}",
              "product of matrices in the cheapest order; the first and the last may be vectors");
CJR_COMPOSITE(inner, "", CJ_METHOD, "a, b", "R(3), R(3) | R(2,3), R(4,3) | R(2,3), R(3) | R(), R(2)",
              "sums of products over the last dims of both");
CJR_COMPOSITE(vecdot, "linalg", 0, "a, b, dim:axis=-1", "R(3), R(3) | R(2,3), R(3) | R(3,2), R(3,2), 1",
              "inner products along a dim");
