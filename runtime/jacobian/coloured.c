/*
** coloured.c -- compressed Jacobians: a coloured pass gives the sum of all columns (rows) of a colour, in
** which the pattern says which entry is whose.
*/
#include "jacobian/parts.h"

#include <string.h>

/* --- dense blocks -------------------------------------------------------------------------- */

/* A block of the part: rows from row on, m of them; columns from col on, n of them. */
typedef struct window {
  int64_t row, m, col, n;
} window;

/* The entries of p in w: where they are among the compressed values of its output (input), and in the block. */
static void entries(const cjj_part *part, const window *w, cjj_places *src, cjj_places *dst) {
  const cj_pattern *p = part->pattern;
  src->n = 0;
  for (int64_t i = 0; i < w->m; i++)
    for (int64_t k = cjj_pattern_entry(p, w->row + i, w->col); k < p->rowptr[w->row + i + 1]; k++) {
      int64_t j = p->col[k] - w->col;
      if (j >= w->n) break;
      src->at[src->n] = part->reverse ? part->colour[w->row + i] * w->n + j : part->colour[p->col[k]] * w->m + i;
      dst->at[src->n++] = i * w->n + j;
    }
  dst->n = src->n;
  cjj_places_see(src);
  cjj_places_see(dst);
}

static cj_ref dense_block(cj_graph *g, const cjj_part *part, const window *w, cj_ref row, const cj_type *t,
                          int64_t *room) {
  cjj_places src = {.at = room}, dst = {.at = room + part->pattern->nnz};
  entries(part, w, &src, &dst);
  if (src.n == 0) return 0;
  cj_ref v = cjb_cast(g, cjj_take(g, cjj_flat(g, row), &src), t->dtype);
  return cjb_reshape(g, cjj_spread(g, v, &dst, w->m * w->n, t->dtype, false), t);
}

void cjj_coloured_blocks(cj_graph *g, const cj_graph *f, const cjj_cut *cut, const cjj_part *part, const cj_ref *row,
                         cj_ref *J) {
  size_t bytes = (size_t)(2 * part->pattern->nnz + 1) * sizeof(int64_t);
  int64_t *room = cjm_alloc(cut->c, bytes);
  window w = {0};
  for (int i = 0; i < cut->ny && room; i++) {
    w.m = cjt_count(cjj_y(f, i));
    w.col = 0;
    for (int j = 0, k = 0; j < cut->nx; j++) {
      cj_type t;
      if (!part->active[j]) continue;
      w.n = cjt_count(cjj_x(f, j));
      if (cjj_has_derivative(f, i) && w.n > 0 && cjj_block_type(f, i, j, &t))
        J[(size_t)i * (size_t)cut->nx + (size_t)j] = dense_block(g, part, &w, row[part->reverse ? k : i], &t, room);
      w.col += w.n;
      k++;
    }
    w.row += w.m;
  }
  cjm_free(cut->c, room, bytes);
}

/* --- the nonzeros as one vector --------------------------------------------------------------- */

/* All compressed values one after the other; base[k]: where those of output (input) k start. */
static cj_ref compressed(cj_graph *g, const cj_ref *row, int n, int dtype, int64_t *base) {
  cj_ref *piece = cjm_alloc(g->c, ((size_t)n + 1) * sizeof *piece), all = 0;
  int64_t at = 0;
  int used = 0;
  for (int k = 0; k < n && piece; k++) {
    cj_type t = cjb_type(g, row[k]);
    base[k] = at;
    if (!cjt_isfloat(t.dtype) || cjt_count(&t) == 0) continue;
    piece[used++] = cjb_cast(g, cjj_flat(g, row[k]), dtype);
    at += cjt_count(&t);
  }
  if (piece && used) all = cjb_cat(g, piece, used, 1);
  cjm_free(g->c, piece, ((size_t)n + 1) * sizeof *piece);
  return all;
}

/* Which of the things laid end to end holds place x; *start: where it starts. */
static int holder(const cj_graph *f, bool output, int64_t x, int from, int64_t *start) {
  for (;; from++) {
    int64_t n = cjt_count(output ? cjj_y(f, from) : cjj_x(f, from));
    if (x < *start + n) return from;
    *start += n;
  }
}

static void entries_in_order(const cj_graph *f, const cjj_part *part, const int64_t *base, cjj_places *src) {
  const cj_pattern *p = part->pattern;
  int64_t row0 = 0;
  int i = 0;
  for (int64_t r = 0; r < p->rows; r++) {
    int64_t col0 = 0;
    int j = 0;
    if (p->rowptr[r] == p->rowptr[r + 1]) continue;
    i = holder(f, true, r, i, &row0);
    for (int64_t k = p->rowptr[r]; k < p->rowptr[r + 1]; k++) {
      j = holder(f, false, p->col[k], j, &col0);
      int64_t n = cjt_count(cjj_x(f, j)), m = cjt_count(cjj_y(f, i));
      src->at[k] = part->reverse ? base[j] + part->colour[r] * n + p->col[k] - col0
                                 : base[i] + part->colour[p->col[k]] * m + r - row0;
    }
  }
  src->n = p->nnz;
  cjj_places_see(src);
}

cj_ref cjj_coloured_nonzeros(cjj_frame *w, const cjj_cut *cut, int dtype) {
  const cjj_part *part = &cut->part[0];
  int n = part->reverse ? cut->nx : cut->ny;
  cj_type none = {.dtype = (uint8_t)dtype, .rank = 1};
  if (cut->npass == 0) return cjb_zeros(w->g, &none);
  size_t bytes = ((size_t)n + (size_t)part->pattern->nnz) * sizeof(int64_t);
  int64_t *base = cjm_alloc(cut->c, bytes);
  const cj_ref *row = base ? cjj_emit_pass(w, cut, &cut->pass[0]) : NULL;
  cj_ref nz = 0;
  if (row) {
    cjj_places src = {.at = base + n};
    cj_ref all = compressed(w->g, row, n, dtype, base);
    entries_in_order(w->f, part, base, &src);
    nz = all ? cjj_take(w->g, all, &src) : 0;
  }
  cjm_free(cut->c, base, bytes);
  return nz;
}
