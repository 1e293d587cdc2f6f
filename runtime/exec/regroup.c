/*
** regroup.c -- sums of products take another order where that reuses what is there: c (d y - a x) - s (a y + d x)
** is d (c y - s x) - a (c x + s y), and where both inner sums are known anyway, four multiplications are saved.
** In a chain of rotations a column is the derivative of another one, but a sweep of the chain rule in either
** direction finds that out too late; this is a step of elimination across (Griewank and Walther, "Evaluating
** Derivatives", 2008, chapter 9).
*/
#include "exec/planner.h"

typedef struct product { /* a b, or its negative; a <= b */
  cj_ref a, b;
  bool minus;
} product;
typedef struct pair { /* the sum of two products */
  product p[2];
} pair;

typedef struct regrouper {
  cj_graph *g;
  uint32_t *uses;
  cj_ref *table; /* sums of two products, by what they are made of; open addressing */
  size_t mask;
} regrouper;

static const cj_node *node_of(const regrouper *k, cj_ref r) { return cjg_at(k->g, r); }

/* --- reading -------------------------------------------------------------------------------------------- */

/* What r is up to signs, of which *minus is told; only: nobody else may use what is taken off, else 0. */
static cj_ref bare(const regrouper *k, cj_ref r, bool *minus, bool only) {
  while (node_of(k, r)->op == CJ_OP_neg) {
    if (only && k->uses[r] != 1) return 0;
    *minus = !*minus;
    r = node_of(k, r)->in[0];
  }
  return only && k->uses[r] != 1 ? 0 : r;
}

static product product_of(cj_ref a, cj_ref b, bool minus) {
  return a <= b ? (product){a, b, minus} : (product){b, a, minus};
}

static bool read_product(const regrouper *k, cj_ref r, bool minus, product *p) {
  r = bare(k, r, &minus, false);
  if (node_of(k, r)->op != CJ_OP_mul) return false;
  cj_ref a = bare(k, node_of(k, r)->in[0], &minus, false), b = bare(k, node_of(k, r)->in[1], &minus, false);
  *p = product_of(a, b, minus);
  return true;
}

static bool is_sum(const regrouper *k, cj_ref r) {
  return (node_of(k, r)->op == CJ_OP_add || node_of(k, r)->op == CJ_OP_sub) && cjt_isfloat(cjg_type(k->g, r)->dtype);
}

static bool read_pair(const regrouper *k, cj_ref r, bool minus, pair *y) {
  if (!is_sum(k, r)) return false;
  const cj_node *n = node_of(k, r);
  return read_product(k, n->in[0], minus, &y->p[0]) &&
         read_product(k, n->in[1], minus ^ (n->op == CJ_OP_sub), &y->p[1]);
}

/* --- finding ---------------------------------------------------------------------------------------------- */

static bool same_product(const product *p, const product *q) { return p->a == q->a && p->b == q->b; }

/* One for all orders and for the negative too. */
static size_t pair_hash(const pair *y) {
  uint64_t h = cjm_mix(cjm_mix(1, y->p[0].a), y->p[0].b) + cjm_mix(cjm_mix(1, y->p[1].a), y->p[1].b);
  return (size_t)cjm_mix(h, y->p[0].minus ^ y->p[1].minus);
}

/* Whether x is y, or -y: *minus. */
static bool same_pair(const pair *x, const pair *y, bool *minus) {
  int turned = !same_product(&x->p[0], &y->p[0]);
  if (!same_product(&x->p[0], &y->p[turned]) || !same_product(&x->p[1], &y->p[!turned])) return false;
  *minus = x->p[0].minus != y->p[turned].minus;
  return (x->p[1].minus != y->p[!turned].minus) == *minus;
}

/* An instruction before `limit`, of that type, that is y, or -y; 0: none. */
static cj_ref find_pair(const regrouper *k, const pair *y, uint32_t type, cj_ref limit, bool *minus) {
  pair x;
  for (size_t i = pair_hash(y) & k->mask; k->table[i]; i = (i + 1) & k->mask) {
    cj_ref r = k->table[i];
    if (r < limit && node_of(k, r)->type == type && read_pair(k, r, false, &x) && same_pair(&x, y, minus)) return r;
  }
  return 0;
}

static void note_pairs(regrouper *k) {
  pair y;
  for (cj_ref r = 1; r < k->g->len; r++) {
    if (!k->uses[r] || !read_pair(k, r, false, &y)) continue;
    size_t i = pair_hash(&y) & k->mask;
    while (k->table[i]) i = (i + 1) & k->mask;
    k->table[i] = r;
  }
}

/* --- one sum ------------------------------------------------------------------------------------------------ */

/* A term of an outer sum: a product, of no use to others, of a factor and an inner sum of which the same is true. */
typedef struct outer {
  cj_ref mul, factor, sum;
  bool minus; /* the sign before mul */
  pair inner; /* with the sign of the term */
} outer;

static bool read_outer(const regrouper *k, cj_ref r, bool minus, uint32_t type, outer *y) {
  y->mul = bare(k, r, &minus, true);
  y->minus = minus;
  return y->mul && node_of(k, y->mul)->op == CJ_OP_mul && node_of(k, y->mul)->type == type;
}

/* The inner sum is operand i. */
static bool read_inner(const regrouper *k, int i, outer *y) {
  const cj_node *n = node_of(k, y->mul);
  bool minus = y->minus;
  y->sum = bare(k, n->in[i], &minus, true);
  if (!y->sum || node_of(k, y->sum)->type != n->type) return false;
  y->factor = bare(k, n->in[1 - i], &minus, false);
  return read_pair(k, y->sum, minus, &y->inner);
}

/* The factor that products p and q share, the which-th try of four, and the others; false: they do not. */
static bool common_factor(const product *p, const product *q, int which, cj_ref *shared, cj_ref *x, cj_ref *z) {
  cj_ref a = which & 1 ? p->b : p->a, b = which & 2 ? q->b : q->a;
  *shared = a;
  *x = which & 1 ? p->a : p->b;
  *z = which & 2 ? q->a : q->b;
  return a == b;
}

typedef struct found { /* factor times r, or its negative */
  cj_ref factor, r;
  bool minus;
} found;

/* Product i of u's inner sum and product j of v's have a common factor, and what it multiplies then is there. */
static bool find_inner(const regrouper *k, const outer *u, const outer *v, int i, int j, cj_ref limit, found *y) {
  const product *p = &u->inner.p[i], *q = &v->inner.p[j];
  cj_ref x, z;
  for (int which = 0; which < 4; which++) {
    if (!common_factor(p, q, which, &y->factor, &x, &z)) continue;
    pair w = {{product_of(u->factor, x, p->minus), product_of(v->factor, z, q->minus)}};
    y->r = find_pair(k, &w, node_of(k, u->mul)->type, limit, &y->minus);
    if (y->r && y->r != u->sum && y->r != v->sum) return true;
  }
  return false;
}

static void set_node(regrouper *k, cj_ref r, int op, cj_ref x, cj_ref z) {
  cj_node *n = &k->g->node[r];
  *n = (cj_node){(uint16_t)op, (uint16_t)(z ? 2 : 1), n->type, n->attr, {x, z}};
  k->uses[x]++;
  if (z) k->uses[z]++;
}

/* r becomes the sum of both, in the places of what it was made of.  Two minus signs: one goes to a factor. */
static void rewrite_sum(regrouper *k, cj_ref r, const outer *u, const outer *v, const found *y) {
  bool both = y[0].minus && y[1].minus && cjt_same(cjg_type(k->g, y[0].factor), cjg_type(k->g, u->sum));
  if (y[0].minus && y[1].minus && !both) return;
  if (both) set_node(k, u->sum, CJ_OP_neg, y[0].factor, 0);
  set_node(k, u->mul, CJ_OP_mul, both ? u->sum : y[0].factor, y[0].r);
  set_node(k, v->mul, CJ_OP_mul, y[1].factor, y[1].r);
  if (y[0].minus && !both)
    set_node(k, r, CJ_OP_sub, v->mul, u->mul);
  else
    set_node(k, r, y[1].minus ? CJ_OP_sub : CJ_OP_add, u->mul, v->mul);
}

static bool regroup_as(regrouper *k, cj_ref r, const outer *u, const outer *v) {
  found y[2];
  cj_ref limit = u->mul < v->mul ? u->mul : v->mul;
  for (int turned = 0; turned < 2; turned++) {
    if (!find_inner(k, u, v, 0, turned, limit, &y[0]) || !find_inner(k, u, v, 1, !turned, limit, &y[1])) continue;
    rewrite_sum(k, r, u, v, y);
    return true;
  }
  return false;
}

static void regroup_sum(regrouper *k, cj_ref r) {
  const cj_node *n = node_of(k, r);
  outer u, v;
  if (!read_outer(k, n->in[0], false, n->type, &u) || !read_outer(k, n->in[1], n->op == CJ_OP_sub, n->type, &v)) return;
  for (int which = 0; which < 4; which++)
    if (read_inner(k, which & 1, &u) && read_inner(k, which >> 1, &v) && regroup_as(k, r, &u, &v)) return;
}

bool cje_regroup(cj_graph *g) {
  size_t size = 4;
  while (size < 2 * (size_t)g->len) size *= 2;
  size_t bytes = (g->len + size) * sizeof(cj_ref);
  regrouper k = {.g = g, .uses = cjm_zalloc(g->c, bytes), .mask = size - 1};
  if (!k.uses) return false;
  k.table = k.uses + g->len;
  cje_count_uses(g, k.uses);
  note_pairs(&k);
  for (cj_ref r = 1; r < g->len; r++)
    if (k.uses[r] && is_sum(&k, r)) regroup_sum(&k, r);
  cjm_free(g->c, k.uses, bytes);
  return true;
}
