/*
** fold_pieces.c -- sums of pieces among zeros.  What was taken apart by slices gets its cotangent as a sum of embedded
** pieces; where two of them lie side by side, they are one that is put together, and nothing is added.
*/
#include "graph/graph.h"
#include "graph/store.h"

#include <string.h>

enum { MOST_PIECES = 16 }; /* in one cat; more become a cat of cats */

typedef struct embedded {
  cj_ref x;
  int64_t axis, first, n;
} embedded;

static bool is_embedded(const cj_graph *g, cj_ref r, embedded *p) {
  if (cjg_at(g, r)->op != CJ_OP_embed) return false;
  const cj_attr *a = cjg_attr(g, r);
  cj_ref x = cjg_operands(g, r)[0];
  *p = (embedded){x, a->v[0], a->v[1], cjt_at(cjg_type(g, x), (int)a->v[0])};
  return a->v[2] == 1;
}

/* What p is put together of, at most `room` pieces; else it is one. */
static int pieces_of(const cj_graph *g, const embedded *p, int room, cj_ref *out) {
  const cj_node *n = cjg_at(g, p->x);
  out[0] = p->x;
  if (n->op != CJ_OP_cat || n->nin > room || cjg_attr(g, p->x)->v[0] != p->axis) return 1;
  memcpy(out, cjg_operands(g, p->x), n->nin * sizeof *out);
  return n->nin;
}

cj_ref cjg_fold_pieces(cj_graph *g, const cj_ref *in, const cj_type *t) {
  embedded p[2];
  cj_ref piece[MOST_PIECES];
  if (g->plain || !cjt_same(cjg_type(g, in[0]), cjg_type(g, in[1]))) return 0;
  if (!is_embedded(g, in[0], &p[0]) || !is_embedded(g, in[1], &p[1]) || p[0].axis != p[1].axis) return 0;
  const embedded *low = p[0].first <= p[1].first ? &p[0] : &p[1], *high = low == p ? p + 1 : p;
  if (low->first + low->n != high->first || low->n == 0 || high->n == 0) return 0;
  int n = pieces_of(g, low, MOST_PIECES - 1, piece);
  n += pieces_of(g, high, MOST_PIECES - n, piece + n);
  cj_attr cat = {.n = 1, .v = {low->axis}};
  cj_attr embed = {.n = 4, .v = {low->axis, low->first, 1, cjt_at(t, (int)low->axis)}};
  cj_ref all = cjg_emit(g, CJ_OP_cat, piece, n, &cat);
  return all ? cjg_emit(g, CJ_OP_embed, &all, 1, &embed) : 0;
}
