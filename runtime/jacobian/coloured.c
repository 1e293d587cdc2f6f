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

/* All compressed values of a pass one after the other; base[k]: where those of output (input) k start, counted from
** *at, which goes on. */
static cj_ref compressed(cj_graph *g, const cj_ref *row, int n, int dtype, int64_t *base, int64_t *at) {
  cj_ref *piece = cjm_alloc(g->c, ((size_t)n + 1) * sizeof *piece), all = 0;
  int used = 0;
  for (int k = 0; k < n && piece; k++) {
    cj_type t = cjb_type(g, row[k]);
    base[k] = *at;
    if (!cjt_isfloat(t.dtype) || cjt_count(&t) == 0) continue;
    piece[used++] = cjb_cast(g, cjj_flat(g, row[k]), dtype);
    *at += cjt_count(&t);
  }
  if (piece && used) all = cjb_cat(g, piece, used, 1);
  cjm_free(g->c, piece, ((size_t)n + 1) * sizeof *piece);
  return all;
}

/* Outputs or inputs laid end to end, looked up with ascending places again and again. */
typedef struct line {
  const cj_graph *f;
  bool output;
  int k;              /* which one the last place was in */
  int64_t start, end; /* its places */
} line;

static line line_of(const cj_graph *f, bool output) { return (line){.f = f, .output = output, .k = -1}; }

static void seek(line *l, int64_t x) {
  if (x < l->start) *l = line_of(l->f, l->output);
  while (x >= l->end) {
    l->k++;
    l->start = l->end;
    l->end += cjt_count(l->output ? cjj_y(l->f, l->k) : cjj_x(l->f, l->k));
  }
}

/* Where entries are among compressed values: those of columns (rows) in output (input) k start at base[k]. */
typedef struct reader {
  const cj_graph *f;
  const cjj_part *bycol, *byrow; /* NULL: there are none */
  int64_t *colbase, *rowbase;
  line out, in, mirror;
  int64_t *met; /* by colour of columns: how many the row has */
} reader;

static int64_t place_bycol(const reader *r, const line *out, int64_t row, int64_t colour) {
  return r->colbase[out->k] + colour * (out->end - out->start) + row - out->start;
}

static int64_t place_of_entry(reader *r, int64_t row, int64_t col) {
  int64_t q = r->bycol ? r->bycol->colour[col] : -1;
  if (q >= 0 && (!r->met || r->met[q] == 1)) return place_bycol(r, &r->out, row, q);
  if (r->byrow) {
    seek(&r->in, col);
    return r->rowbase[r->in.k] + r->byrow->colour[row] * (r->in.end - r->in.start) + col - r->in.start;
  }
  seek(&r->mirror, col);
  return place_bycol(r, &r->mirror, col, r->bycol->colour[row]);
}

static void count_colours(reader *r, const cj_pattern *p, int64_t row, int64_t by) {
  for (int64_t k = p->rowptr[row]; k < p->rowptr[row + 1]; k++)
    if (r->bycol->colour[p->col[k]] >= 0) r->met[r->bycol->colour[p->col[k]]] += by;
}

static void entries_in_order(reader *r, const cj_pattern *p, cjj_places *src) {
  r->out = r->mirror = line_of(r->f, true);
  r->in = line_of(r->f, false);
  for (int64_t row = 0; row < p->rows; row++) {
    if (p->rowptr[row] == p->rowptr[row + 1]) continue;
    seek(&r->out, row);
    seek(&r->in, p->col[p->rowptr[row]]);
    if (r->met) count_colours(r, p, row, 1);
    for (int64_t k = p->rowptr[row]; k < p->rowptr[row + 1]; k++) src->at[k] = place_of_entry(r, row, p->col[k]);
    if (r->met) count_colours(r, p, row, -1);
  }
  src->n = p->nnz;
  cjj_places_see(src);
}

/* The compressed values of all passes. */
static cj_ref run_passes(cjj_frame *w, const cjj_cut *cut, reader *r, int dtype) {
  cj_ref all[2] = {0};
  int64_t at = 0;
  int n = 0;
  for (uint32_t k = 0; k < cut->npass; k++) {
    const cjj_part *part = &cut->part[cut->pass[k].part];
    const cj_ref *row = cjj_emit_pass(w, cut, &cut->pass[k]);
    if (!row) return 0;
    cj_ref some = part->reverse ? compressed(w->g, row, cut->nx, dtype, r->rowbase, &at)
                                : compressed(w->g, row, cut->ny, dtype, r->colbase, &at);
    if (some) all[n++] = some;
  }
  return n == 2 ? cjb_cat(w->g, all, 2, 1) : all[0];
}

cj_ref cjj_coloured_nonzeros(cjj_frame *w, const cjj_cut *cut, int dtype) {
  const cj_pattern *p = cut->part[0].pattern;
  cj_type none = {.dtype = (uint8_t)dtype, .rank = 1};
  if (cut->npass == 0) return cjb_zeros(w->g, &none);
  reader r = {.f = w->f};
  for (uint32_t k = 0; k < cut->npart; k++)
    if (cut->part[k].reverse)
      r.byrow = &cut->part[k];
    else
      r.bycol = &cut->part[k];
  size_t ncolours = r.bycol ? (size_t)r.bycol->ncolours : 0, bases = (size_t)cut->nx + (size_t)cut->ny;
  size_t bytes = (bases + ncolours + (size_t)p->nnz) * sizeof(int64_t);
  int64_t *room = cjm_zalloc(cut->c, bytes);
  cj_ref nz = 0;
  if (room) {
    cjj_places src = {.at = room + bases + ncolours};
    r.colbase = room;
    r.rowbase = room + cut->ny;
    if (r.bycol && (r.byrow || r.bycol->star)) r.met = room + bases;
    cj_ref all = run_passes(w, cut, &r, dtype);
    if (all) entries_in_order(&r, p, &src);
    nz = all ? cjj_take(w->g, all, &src) : 0;
  }
  cjm_free(cut->c, room, bytes);
  return nz;
}
