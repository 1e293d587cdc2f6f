/*
** local.c -- Jacobians that are a few diagonals.  Where a program only works element by element on shifted,
** gathered or repeated copies of its inputs (stencils, meshes, batches of residuals, parameters), the
** derivative of any of its values is a short sum of terms, c[e] dx[at(e)]: a coefficient that is computed,
** and a column that is known while planning.  The linear program is run on such terms: no seeds, no colours,
** nothing to decompress.
*/
#include "graph/sub.h"
#include "jacobian/parts.h"
#include "jacobian/walk.h"

#include <string.h>

enum { MOSTTERMS = 32, MOSTSPLIT = 8 };

/* c broadcasts to the value; at: its column + 1 by element, 0 where there is none (whatever c says there). */
typedef struct cjj_term {
  cj_ref c;
  cjj_deps at;
} cjj_term;

typedef struct finder {
  cj_ctx *c;
  const cj_graph *g; /* the linear program */
  cjj_walk w;
  cj_graph *h;
  cj_ref *map;             /* what does not depend on tangents, in h */
  uint32_t *first, *count; /* by instruction: its terms */
  cjj_term *term;
  uint32_t n, cap;
  bool lost; /* it is not of that kind */
} finder;

static const cj_type *node_type(const finder *k, cj_ref r) { return cjg_type(k->g, r); }
static cj_ref node_operand(const finder *k, cj_ref r, int i) { return cjg_operands(k->g, r)[i]; }

static bool give_up(finder *k) {
  k->lost = true;
  return false;
}

/* Takes over `at`.  Terms with the same columns become one. */
static bool add_term(finder *k, cj_ref r, cj_ref c, cjj_deps at) {
  for (uint32_t q = k->first[r]; q < k->n; q++) {
    bool same = true;
    if (c && !cjj_deps_same(&k->w, &k->term[q].at, &at, node_type(k, r), &same)) break;
    if (!same) continue;
    if (c) k->term[q].c = cjb_add(k->h, k->term[q].c, c);
    cjj_deps_drop(&k->w, &at);
    return cjg_ok(k->h);
  }
  if (!c || k->count[r] == MOSTTERMS || !CJM_GROW(k->c, k->term, k->cap, k->n + (size_t)1)) {
    cjj_deps_drop(&k->w, &at);
    return c ? k->count[r] == MOSTTERMS ? give_up(k) : false : cjg_ok(k->h);
  }
  k->term[k->n++] = (cjj_term){c, at};
  k->count[r]++;
  return true;
}

/* --- elementwise ------------------------------------------------------------------------- */

/* A term of operand i goes through on its own: the others are there as factors, not as summands. */
static cj_ref scaled(finder *k, cj_ref r, int i, cj_ref c) {
  const cj_node *n = cjg_at(k->g, r);
  const cj_op *row = cjr_row(n->op);
  cj_ref in[3];
  for (int q = 0; q < n->nin; q++)
    in[q] = q == i ? c : (row->flags & CJ_JOINT) && (row->lin >> q & 1) ? 0 : k->map[node_operand(k, r, q)];
  return cjg_emit(k->h, n->op, in, n->nin, cjg_attr(k->g, r));
}

static bool push_elements(finder *k, cj_ref r) {
  const cj_node *n = cjg_at(k->g, r);
  for (int i = 0; i < n->nin; i++) {
    cj_ref x = node_operand(k, r, i);
    if (!k->count[x]) continue;
    if (n->nin > 3 || !(cjr_row(n->op)->lin >> i & 1)) return give_up(k);
    for (uint32_t q = 0; q < k->count[x]; q++) {
      cjj_term t = k->term[k->first[x] + q];
      cjj_deps at = cjj_deps_broadcast(&t.at, node_type(k, x), node_type(k, r));
      if (!add_term(k, r, scaled(k, r, i, t.c), cjj_deps_share(&at))) return false;
    }
  }
  return true;
}

/* --- everything else: term number s of each operand together --------------------------------- */

static const cjj_term *nth_term(const finder *k, cj_ref x, uint32_t s) {
  return s < k->count[x] ? &k->term[k->first[x] + s] : NULL;
}

/* The columns of term s of r, as its rule says. */
static bool columns_of(finder *k, cj_ref r, uint32_t s, cjj_deps *at) {
  int nin = cjg_at(k->g, r)->nin;
  if (!CJM_GROW(k->c, k->w.deps, k->w.depscap, (size_t)nin)) return false;
  for (int i = 0; i < nin; i++) {
    cj_ref x = node_operand(k, r, i);
    const cjj_term *t = nth_term(k, x, s);
    if (t) k->w.deps[i] = t->at;
    k->w.at[x] = t ? (uint32_t)i + 1 : 0;
  }
  bool ok = cjj_propagate(&k->w, r, at);
  for (int i = 0; i < nin; i++) k->w.at[node_operand(k, r, i)] = 0;
  return ok;
}

static bool one_column_each(const finder *k, const cjj_deps *at, const cj_type *t) {
  return at->buf->run || cjj_deps_greatest(at, t) <= k->w.sets.cols;
}

/* Rows that only move elements leave alone a coefficient that is the same everywhere. */
static bool only_moves(const finder *k, cj_ref r) {
  int op = cjg_at(k->g, r)->op;
  cj_rowkind kind = cjg_row(k->g, r)->kind;
  return kind == CJ_VIEWS || (kind == CJ_MOVES && op != CJ_OP_fold && op != CJ_OP_scatter_add && op != CJ_OP_cast);
}

/* The coefficient that all terms s of r's operands have, if it is one number. */
static cj_ref uniform(const finder *k, cj_ref r, uint32_t s) {
  cj_ref c = 0;
  for (int i = 0; i < cjg_at(k->g, r)->nin; i++) {
    const cjj_term *t = nth_term(k, node_operand(k, r, i), s);
    if (!t) continue;
    if ((c && c != t->c) || cjg_type(k->h, t->c)->rank > 0) return 0;
    c = t->c;
  }
  return c;
}

/* c with zeros where the term has no column: a row that adds up would count it. */
static cj_ref masked(finder *k, const cjj_term *t, const cj_type *type, cj_ref c) {
  cjj_deps flat;
  cj_type b = cjt_as(*type, CJ_BOOL);
  bool all = true;
  if (!cjj_deps_flatten(&k->w, &t->at, type, &flat)) return 0;
  for (size_t e = 0; all && e < flat.buf->n; e++) all = flat.buf->id[e] != 0;
  if (all) {
    cjj_deps_drop(&k->w, &flat);
    return c;
  }
  cj_tensor *x = cjt_new(k->c, &b);
  for (size_t e = 0; x && e < flat.buf->n; e++) ((uint8_t *)x->data)[e] = flat.buf->id[e] != 0;
  cjj_deps_drop(&k->w, &flat);
  cj_ref mask = x ? cjg_tensor(k->h, x) : 0;
  cjt_release(x);
  return mask ? cjb_where(k->h, mask, c, cjb_like(k->h, c, 0)) : 0;
}

/* Operand i of r, where the coefficients of terms s stand for the tangents; 0: zeros. */
static cj_ref as_coefficient(finder *k, cj_ref r, int i, uint32_t s) {
  cj_ref x = node_operand(k, r, i);
  const cj_op *row = cjg_row(k->g, r);
  const cjj_term *t = nth_term(k, x, s);
  if (t) {
    cj_type type = *node_type(k, x);
    cj_ref c = cjb_expand(k->h, t->c, &type);
    return only_moves(k, r) ? c : masked(k, t, &type, c);
  }
  bool summand = (row->flags & CJ_JOINT) && (row->lin >> (i < 31 ? i : 31) & 1);
  return summand || k->count[x] ? 0 : k->map[x];
}

static cj_ref written_coefficient(finder *k, cj_ref r, int i, uint32_t s) {
  cj_ref c = as_coefficient(k, r, i, s);
  cj_type type = *node_type(k, node_operand(k, r, i));
  return c ? c : cjb_zeros(k->h, &type);
}

static cj_ref coefficient_of(finder *k, cj_ref r, uint32_t s) {
  const cj_node *n = cjg_at(k->g, r);
  cj_ref c = only_moves(k, r) ? uniform(k, r, s) : 0, few[8], *in = few;
  if (c) return c;
  if (n->nin > CJ_COUNT(few) && !(in = cjm_alloc(k->c, n->nin * sizeof *in))) return 0;
  cj_attr a;
  for (int i = 0; i < n->nin; i++) in[i] = written_coefficient(k, r, i, s);
  if (cjg_carry_attr(k->h, k->g, r, &a)) c = cjg_emit(k->h, n->op, in, n->nin, &a);
  if (in != few) cjm_free(k->c, in, n->nin * sizeof *in);
  return c;
}

/* --- sums of a few ----------------------------------------------------------------------------- */

/* One summand: c and its columns where the axes of mask have index i. */
static bool push_summand(finder *k, cj_ref r, const cjj_term *t, const cj_type *tx, uint32_t mask, const int64_t *i) {
  cj_ref c = t->c;
  cjj_deps at = {.buf = t->at.buf, .off = t->at.off};
  cj_type type = *node_type(k, r);
  if (cjg_type(k->h, c)->rank > 0) c = cjb_expand(k->h, c, tx);
  for (int a = 0, b = 0; a < tx->rank; a++) {
    int axis = tx->rank - a;
    if (!(mask >> (axis - 1) & 1)) {
      at.stride[b++] = t->at.stride[a];
      continue;
    }
    at.off += i[a] * t->at.stride[a];
    if (cjb_type(k->h, c).rank > 0) c = cjb_slice(k->h, c, axis, i[a], 1, 1);
  }
  if (cjb_type(k->h, c).rank > 0) c = cjb_reshape(k->h, c, &type);
  return add_term(k, r, c, cjj_deps_share(&at));
}

static bool push_sum(finder *k, cj_ref r, uint32_t s) {
  cj_ref x = node_operand(k, r, 0);
  cj_type tx = *node_type(k, x);
  cjj_term t = *nth_term(k, x, s);
  uint32_t mask = (uint32_t)cjg_attr(k->g, r)->v[0];
  int64_t i[CJ_MAXRANK] = {0}, n = 1;
  for (int a = 0; a < tx.rank; a++)
    if (mask >> (tx.rank - 1 - a) & 1) n *= tx.dim[a];
  if (n > MOSTSPLIT) return give_up(k);
  for (int64_t e = 0; e < n; e++) {
    if (!push_summand(k, r, &t, &tx, mask, i)) return false;
    for (int a = tx.rank - 1; a >= 0; a--) {
      if (!(mask >> (tx.rank - 1 - a) & 1)) continue;
      if (++i[a] < tx.dim[a]) break;
      i[a] = 0;
    }
  }
  return true;
}

/* --- the loop -------------------------------------------------------------------------------------- */

static bool push_other(finder *k, cj_ref r) {
  uint32_t slots = 0;
  for (int i = 0; i < cjg_at(k->g, r)->nin; i++)
    if (k->count[node_operand(k, r, i)] > slots) slots = k->count[node_operand(k, r, i)];
  for (uint32_t s = 0; s < slots; s++) {
    cjj_deps at = {0};
    if (!columns_of(k, r, s, &at)) return false;
    if (!at.buf) continue;
    if (one_column_each(k, &at, node_type(k, r))) {
      if (!add_term(k, r, coefficient_of(k, r, s), at)) return false;
      continue;
    }
    cjj_deps_drop(&k->w, &at);
    if (cjg_at(k->g, r)->op != CJ_OP_sum) return give_up(k);
    if (!push_sum(k, r, s)) return false;
  }
  return true;
}

static bool push_terms(finder *k, cj_ref r) {
  bool depends = false;
  for (int i = 0; i < cjg_at(k->g, r)->nin; i++) depends |= k->count[node_operand(k, r, i)] > 0;
  k->first[r] = k->n;
  k->h->now = k->g->line[r];
  if (!depends) {
    k->map[r] = cjg_copy(k->h, k->g, r, k->map);
    return cjg_ok(k->h);
  }
  if (cjt_count(node_type(k, r)) == 0) return true;
  bool ok = cjg_row(k->g, r)->kind == CJ_ELEMENTWISE ? push_elements(k, r) : push_other(k, r);
  return ok && cjg_ok(k->h) && (k->h->len < 8 * k->g->len + 1024 || give_up(k));
}

static bool seed_terms(finder *k, int nx) {
  cjj_set column = 1;
  for (uint32_t j = (uint32_t)nx; j < k->g->narg; j++) {
    cj_ref r = k->g->arg[j];
    cjj_deps at;
    k->first[r] = k->n;
    if (cjt_count(node_type(k, r)) == 0) continue;
    if (!cjj_runs_count(&k->w, node_type(k, r), column, &at)) return false;
    column += (cjj_set)at.buf->n;
    if (!add_term(k, r, cjg_num(k->h, node_type(k, r)->dtype, 1), at)) return false;
  }
  return cjg_ok(k->h);
}

static void put_inputs(finder *k, int nx) {
  const cj_graph *g = k->g;
  for (int j = 0; j < nx; j++) k->map[g->arg[j]] = cjg_arg(k->h, cjg_type(g, g->arg[j]));
  for (uint32_t j = 0; j < g->ncapture; j++) k->map[g->capture[j]] = cjg_capture(k->h, cjg_type(g, g->capture[j]));
}

static bool run_terms(finder *k, int nx) {
  const cj_graph *g = k->g;
  uint8_t *live = cjm_alloc(k->c, g->len);
  if (!live) return false;
  cjg_live(g, live);
  put_inputs(k, nx);
  bool ok = seed_terms(k, nx);
  for (cj_ref r = 1; r < g->len && ok; r++)
    if (live[r] && cjg_at(g, r)->op != CJ_OP_input) ok = push_terms(k, r);
  cjm_free(k->c, live, g->len);
  return ok;
}

/* --- the result --------------------------------------------------------------------------------------- */

static bool add_piece(finder *k, cjj_local *l, int output, const cjj_term *t) {
  const cj_type *type = node_type(k, k->g->out[output]);
  cjj_deps flat;
  if (!CJM_GROW(k->c, l->piece, l->cap, l->n + (size_t)1)) return false;
  if (!cjj_runs_flatten(&k->w, &t->at, type, &flat)) return false;
  l->piece[l->n++] = (cjj_piece){.output = output, .n = flat.buf->n, .at = flat.buf};
  cjg_output(k->h, t->c);
  return cjg_ok(k->h);
}

static bool collect_pieces(finder *k, cjj_local *l) {
  for (uint32_t i = 0; i < k->g->nout; i++) {
    cj_ref r = k->g->out[i];
    for (uint32_t q = 0; q < k->count[r]; q++)
      if (!add_piece(k, l, (int)i, &k->term[k->first[r] + q])) return false;
  }
  return true;
}

void cjj_local_free(cjj_local *l) {
  if (!l) return;
  for (uint32_t q = 0; q < l->n; q++) cjj_ids_release(l->c, l->piece[q].at);
  cjm_free(l->c, l->piece, l->cap * sizeof *l->piece);
  cjg_free(l->g);
  cjm_free(l->c, l, sizeof *l);
}

static void close_finder(finder *k) {
  size_t bytes = k->g->len * (sizeof *k->map + 2 * sizeof *k->first);
  for (uint32_t q = 0; q < k->n; q++) cjj_deps_drop(&k->w, &k->term[q].at);
  cjm_free(k->c, k->term, k->cap * sizeof *k->term);
  cjm_free(k->c, k->map, bytes);
  cjj_walk_close(&k->w);
}

static bool find(finder *k, int nx, cjj_local *l) {
  k->map = cjm_zalloc(k->c, k->g->len * (sizeof *k->map + 2 * sizeof *k->first));
  if (!k->map || !k->h) return false;
  k->first = k->map + k->g->len;
  k->count = k->first + k->g->len;
  return run_terms(k, nx) && collect_pieces(k, l) && cjj_cost_whole(k->h, &l->cost);
}

bool cjj_local_find(cj_ctx *c, const cj_graph *lin, int nx, cjj_local **out) {
  finder k = {.c = c, .g = lin};
  *out = NULL;
  cjj_local *l = cjm_zalloc(c, sizeof *l);
  if (!l) return false;
  l->c = c;
  k.h = l->g = cjg_new(c);
  bool ok = cjj_walk_open(&k.w, c, lin, nx, 1 << 20) && find(&k, nx, l);
  close_finder(&k);
  if (c->status == CJ_ELIMIT) { /* some union on the way was too large: not of that kind */
    cjm_clear(c);
    k.lost = true;
  }
  if (ok)
    *out = l;
  else
    cjj_local_free(l);
  return ok || (k.lost && cjm_ok(c));
}
