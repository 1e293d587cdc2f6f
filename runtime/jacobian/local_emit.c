/*
** local_emit.c -- from diagonals to blocks, or to the nonzeros in order.
*/
#include "jacobian/parts.h"

#include <string.h>

/* The pieces of output i (of all if i < 0) one after the other, as one vector. */
static cj_ref in_line(cj_graph *g, const cj_graph *f, const cjj_local *l, const cj_ref *c, int i, int dtype) {
  size_t bytes = (l->n + (size_t)1) * sizeof(cj_ref);
  cj_ref *part = cjm_alloc(g->c, bytes), all = 0;
  int n = 0;
  for (uint32_t q = 0; part && q < l->n; q++) {
    const cjj_piece *p = &l->piece[q];
    cj_type y = *cjj_y(f, p->output), v = {.dtype = y.dtype, .rank = 1, .dim = {(int64_t)p->n}};
    if (i >= 0 && p->output != i) continue;
    bool number = cjb_type(g, c[q]).rank == 0;
    cj_ref r = number ? cjb_expand(g, c[q], &v) : cjj_flat(g, cjb_expand(g, c[q], &y));
    part[n++] = cjb_cast(g, r, dtype);
  }
  if (part && n) all = cjb_cat(g, part, n, 1);
  cjm_free(g->c, part, bytes);
  return all;
}

/* --- blocks ------------------------------------------------------------------------------- */

/* Element e of piece q has a column that an earlier piece of the same output has there too. */
static bool again(const cjj_local *l, uint32_t q, size_t e) {
  const cjj_piece *p = &l->piece[q];
  for (uint32_t k = 0; k < q; k++)
    if (l->piece[k].output == p->output && l->piece[k].col[e] == p->col[e]) return true;
  return false;
}

/* Entries of output i in the columns from .. from + n: where they are in line, and in the block.  True: some
** place has two. */
static bool local_entries(const cjj_local *l, int i, int64_t from, int64_t n, cjj_places *src, cjj_places *dst) {
  int64_t base = 0;
  bool twice = false;
  src->n = 0;
  for (uint32_t q = 0; q < l->n; q++) {
    const cjj_piece *p = &l->piece[q];
    if (p->output != i) continue;
    for (size_t e = 0; e < p->n; e++) {
      int64_t j = (int64_t)p->col[e] - 1 - from;
      if (p->col[e] == 0 || j < 0 || j >= n) continue;
      src->at[src->n] = base + (int64_t)e;
      dst->at[src->n++] = (int64_t)e * n + j;
      twice = twice || again(l, q, e);
    }
    base += (int64_t)p->n;
  }
  dst->n = src->n;
  cjj_places_see(src);
  cjj_places_see(dst);
  return twice;
}

static int64_t count_entries(const cjj_local *l) {
  int64_t n = 0;
  for (uint32_t q = 0; q < l->n; q++) n += (int64_t)l->piece[q].n;
  return n;
}

static void local_rows(cj_graph *g, const cj_graph *f, const cjj_local *l, int i, cj_ref all, int64_t *room,
                       cj_ref *J) {
  cjj_places src = {.at = room}, dst = {.at = room + count_entries(l)};
  int64_t col = 0;
  for (uint32_t j = 0; j < f->narg; j++) {
    cj_type t;
    int64_t n = cjt_count(cjj_x(f, (int)j));
    if (!cjj_block_type(f, i, (int)j, &t)) return;
    bool twice = local_entries(l, i, col, n, &src, &dst);
    if (src.n > 0) {
      cj_ref v = cjb_cast(g, cjj_take(g, all, &src), t.dtype);
      J[j] = cjb_reshape(g, cjj_spread(g, v, &dst, cjt_count(&t), t.dtype, twice), &t);
    }
    col += n;
  }
}

bool cjj_local_blocks(cjj_frame *w, const cjj_cut *cut, const cjj_local *l, cj_ref *J) {
  const cj_ref *c = cjj_frame_inline(w, l->g, NULL, 0);
  size_t bytes = (size_t)(2 * count_entries(l) + 1) * sizeof(int64_t);
  int64_t *room = c ? cjm_alloc(cut->c, bytes) : NULL;
  for (int i = 0; room && i < cut->ny; i++) {
    if (!cjj_has_derivative(w->f, i)) continue;
    cj_ref all = in_line(w->g, w->f, l, c, i, cjj_y(w->f, i)->dtype);
    if (all) local_rows(w->g, w->f, l, i, all, room, J + (size_t)i * (size_t)cut->nx);
  }
  cjm_free(cut->c, room, bytes);
  return cjg_ok(w->g);
}

/* --- nonzeros --------------------------------------------------------------------------------- */

/* Where each nonzero is in line, -1: nowhere; false: some is in two places.  place: of each entry in line. */
static bool nonzero_order(const cj_graph *f, const cjj_local *l, const cj_pattern *p, int64_t *from, cjj_places *src,
                          cjj_places *dst) {
  int64_t base = 0;
  bool once = true;
  for (int64_t k = 0; k < p->nnz; k++) from[k] = -1;
  for (uint32_t q = 0; q < l->n; q++) {
    const cjj_piece *x = &l->piece[q];
    int64_t row = 0;
    for (int i = 0; i < x->output; i++) row += cjt_count(cjj_y(f, i));
    for (size_t e = 0; e < x->n; e++, base++) {
      if (x->col[e] == 0) continue;
      int64_t k = cjj_pattern_entry(p, row + (int64_t)e, (int64_t)x->col[e] - 1);
      once = once && from[k] < 0;
      from[k] = base;
      src->at[src->n++] = base;
      dst->at[dst->n++] = k;
    }
  }
  for (int64_t k = 0; k < p->nnz; k++) once = once && from[k] >= 0;
  return once;
}

cj_ref cjj_local_nonzeros(cjj_frame *w, const cjj_local *l, const cj_pattern *p, int dtype) {
  cj_type none = {.dtype = (uint8_t)dtype, .rank = 1};
  int64_t n = count_entries(l);
  size_t bytes = (size_t)(p->nnz + 2 * n + 1) * sizeof(int64_t);
  const cj_ref *c = cjj_frame_inline(w, l->g, NULL, 0);
  int64_t *room = c ? cjm_alloc(w->g->c, bytes) : NULL;
  cj_ref nz = 0;
  if (room) {
    cjj_places src = {.at = room + p->nnz}, dst = {.at = room + p->nnz + n}, from = {.at = room, .n = p->nnz};
    cj_ref all = in_line(w->g, w->f, l, c, -1, dtype);
    bool once = nonzero_order(w->f, l, p, room, &src, &dst);
    cjj_places_see(&src);
    cjj_places_see(&dst);
    cjj_places_see(&from);
    if (!all || p->nnz == 0)
      nz = cjb_zeros(w->g, &none);
    else
      nz = once ? cjj_take(w->g, all, &from) : cjj_spread(w->g, cjj_take(w->g, all, &src), &dst, p->nnz, dtype, true);
  }
  cjm_free(w->g->c, room, bytes);
  return nz;
}
