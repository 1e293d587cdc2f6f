/*
** contract.c -- multiplications and additions of floats become fused multiply-adds, which round once.
** Signs move out of the way first: the sum of x and -z is a difference, which is exact.  A product that
** others need too stays what it is.
*/
#include "exec/planner.h"

typedef struct contractor {
  cj_graph *g; /* its nodes are changed in place, the others are not looked at again */
  uint32_t *uses;
} contractor;

static bool is_float(const cj_graph *g, cj_ref r) { return cjt_isfloat(cjg_type(g, r)->dtype); }

static bool is_row(const cj_graph *g, cj_ref r, int op) { return cjg_at(g, r)->op == op; }
/* What r is the negative of; r itself if it is none. */
static cj_ref without_sign(const cj_graph *g, cj_ref r) { return is_row(g, r, CJ_OP_neg) ? cjg_at(g, r)->in[0] : r; }

static void become(cj_node *n, int op, cj_ref x, cj_ref z) {
  *n = (cj_node){(uint16_t)op, 2, n->type, n->attr, {x, z}};
}

/* --- signs -------------------------------------------------------------------------------------------------- */

static void move_signs(cj_graph *g, cj_node *n) {
  cj_ref x = n->in[0], z = n->in[1];
  switch (n->op) {
  case CJ_OP_add:
    if (is_row(g, z, CJ_OP_neg))
      become(n, CJ_OP_sub, x, without_sign(g, z));
    else if (is_row(g, x, CJ_OP_neg))
      become(n, CJ_OP_sub, z, without_sign(g, x));
    return;
  case CJ_OP_sub:
    if (is_row(g, z, CJ_OP_neg)) become(n, CJ_OP_add, x, without_sign(g, z));
    return;
  case CJ_OP_mul:
    if (is_row(g, x, CJ_OP_neg) && is_row(g, z, CJ_OP_neg))
      become(n, CJ_OP_mul, without_sign(g, x), without_sign(g, z));
    return;
  default: return;
  }
}

/* --- uses ------------------------------------------------------------------------------------------------------ */

void cje_count_uses(const cj_graph *g, uint32_t *uses) {
  for (uint32_t i = 0; i < g->nout; i++) uses[g->out[i]]++;
  for (cj_ref r = g->len; r-- > 1;) {
    const cj_ref *in = cjg_operands(g, r);
    if (uses[r] && !cjg_issource(g, r))
      for (int i = 0; i < cjg_at(g, r)->nin; i++) uses[in[i]]++;
  }
}

/* x is used once more in place of r, which is -x and may be gone by that. */
static cj_ref take_sign(contractor *k, cj_ref r, bool *negative) {
  cj_ref x = without_sign(k->g, r);
  if (x == r) return r;
  *negative = !*negative;
  if (--k->uses[r] > 0) k->uses[x]++;
  return x;
}

/* --- fusion ---------------------------------------------------------------------------------------------------- */

/* r is a product of that type, and only for one. */
static bool is_product(const contractor *k, cj_ref r, uint32_t type) {
  if (k->uses[r] != 1 || cjg_at(k->g, r)->type != type) return false;
  return is_row(k->g, r, CJ_OP_mul) || is_row(k->g, r, CJ_OP_square);
}

/* Of two products the later one goes: the other may be waited for. */
static int which_product(const contractor *k, const cj_node *n) {
  bool first = is_product(k, n->in[0], n->type), second = is_product(k, n->in[1], n->type);
  if (!first && !second) return -1;
  return second && (!first || n->in[1] > n->in[0]) ? 1 : 0;
}

static void fuse_product(contractor *k, cj_node *n) {
  int i = n->in[0] == n->in[1] ? -1 : which_product(k, n), op;
  if (i < 0) return;
  cj_node m = *cjg_at(k->g, n->in[i]);
  cj_ref x = m.in[0], z = m.op == CJ_OP_square ? x : m.in[1], w = n->in[1 - i];
  bool negative = n->op == CJ_OP_sub && i == 1, difference = n->op == CJ_OP_sub && i == 0;
  k->uses[n->in[i]] = 0;
  if (m.op == CJ_OP_square) k->uses[x]++;
  if (!difference && x != z) {
    x = take_sign(k, x, &negative);
    z = take_sign(k, z, &negative);
  }
  op = difference ? CJ_OP_fms : negative ? CJ_OP_fnma : CJ_OP_fma;
  *n = (cj_node){(uint16_t)op, 3, n->type, n->attr, {x, z, w}};
}

bool cje_contract(cj_graph *g) {
  size_t bytes = g->len * sizeof(uint32_t);
  contractor k = {g, cjm_zalloc(g->c, bytes)};
  if (!k.uses) return false;
  for (cj_ref r = 1; r < g->len; r++)
    if (g->node[r].nin == 2 && is_float(g, r)) move_signs(g, &g->node[r]);
  cje_count_uses(g, k.uses);
  for (cj_ref r = 1; r < g->len; r++)
    if (k.uses[r] && (is_row(g, r, CJ_OP_add) || is_row(g, r, CJ_OP_sub)) && is_float(g, r))
      fuse_product(&k, &g->node[r]);
  cjm_free(g->c, k.uses, bytes);
  return true;
}
