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

/* The columns of all pieces one by one. */
static bool write_columns(cjj_local *l) {
  for (uint32_t q = 0; q < l->n; q++)
    if (!cjj_ids_write(l->c, l->piece[q].at)) return false;
  return true;
}

/* --- blocks ------------------------------------------------------------------------------- */

/* Element e of piece q has a column that an earlier piece of the same output has there too. */
static bool again(const cjj_local *l, uint32_t q, size_t e) {
  const cjj_piece *p = &l->piece[q];
  for (uint32_t k = 0; k < q; k++)
    if (l->piece[k].output == p->output && l->piece[k].at->id[e] == p->at->id[e]) return true;
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
      int64_t j = (int64_t)p->at->id[e] - 1 - from;
      if (p->at->id[e] == 0 || j < 0 || j >= n) continue;
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

bool cjj_local_blocks(cjj_frame *w, const cjj_cut *cut, cjj_local *l, cj_ref *J) {
  const cj_ref *c = cjj_frame_inline(w, l->g, NULL, 0);
  size_t bytes = (size_t)(2 * count_entries(l) + 1) * sizeof(int64_t);
  int64_t *room = c && write_columns(l) ? cjm_alloc(cut->c, bytes) : NULL;
  for (int i = 0; room && i < cut->ny; i++) {
    if (!cjj_has_derivative(w->f, i)) continue;
    cj_ref all = in_line(w->g, w->f, l, c, i, cjj_y(w->f, i)->dtype);
    if (all) local_rows(w->g, w->f, l, i, all, room, J + (size_t)i * (size_t)cut->nx);
  }
  cjm_free(cut->c, room, bytes);
  return cjg_ok(w->g);
}

/* --- nonzeros --------------------------------------------------------------------------------- */

/*
** Where the columns of every row ascend from piece to piece, as those of a stencil do, the nonzeros are the
** coefficients side by side, row by row, without those that have no column; usually these are the first and
** the last few, and what is between them is a view.
*/
typedef struct stencil {
  const cj_graph *f;
  const cjj_local *l;
  uint32_t *piece;       /* those of all outputs, in the order of their columns */
  uint32_t *first;       /* by output, f->nout + 1: where its pieces are */
  uint32_t *run;         /* by place in piece: the run where a sweep is */
  int64_t nnz, from, to; /* places from .. to among the coefficients side by side hold all that have a column */
  cjj_band *band;        /* the pattern; */
  uint32_t nband, cap;
} stencil;

static const cjj_ids *nth_columns(const stencil *s, uint32_t k) { return s->l->piece[s->piece[k]].at; }

static int64_t leading_column(const cjj_piece *p) { /* as if row 0 had it */
  for (size_t k = 0; k < p->at->nrun; k++)
    if (p->at->run[k].first) return (int64_t)p->at->run[k].first - (int64_t)(k ? p->at->run[k - 1].end : 0);
  return INT64_MIN;
}

/* Pieces by output and by where they are: an insertion sort of a few. */
static void order_pieces(stencil *s) {
  const cjj_local *l = s->l;
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->f->nout; i++) {
    s->first[i] = n;
    for (uint32_t q = 0; q < l->n; q++) {
      uint32_t k = n;
      if (l->piece[q].output != (int)i) continue;
      for (; k > s->first[i] && leading_column(&l->piece[s->piece[k - 1]]) > leading_column(&l->piece[q]); k--)
        s->piece[k] = s->piece[k - 1];
      s->piece[k] = q;
      n++;
    }
  }
  s->first[s->f->nout] = n;
}

/* Rows e .. end of an output, where none of its pieces from .. to begins another run. */
typedef struct cjj_stretch {
  uint32_t from, to;
  int64_t e, end, m; /* m: rows of the output */
  int64_t base;      /* place of the output's coefficients */
} cjj_stretch;

/* Before the first one of output i. */
static void first_stretch(const stencil *s, uint32_t i, cjj_stretch *x, int64_t base) {
  *x = (cjj_stretch){.from = s->first[i], .to = s->first[i + 1], .m = cjt_count(cjj_y(s->f, (int)i)), .base = base};
  for (uint32_t k = x->from; k < x->to; k++) s->run[k] = 0;
}

static bool next_stretch(const stencil *s, cjj_stretch *x) {
  if (x->end == x->m) return false;
  x->e = x->end;
  x->end = x->m;
  for (uint32_t k = x->from; k < x->to; k++) s->run[k] += nth_columns(s, k)->run[s->run[k]].end == (size_t)x->e;
  for (uint32_t k = x->from; k < x->to; k++) {
    int64_t end = (int64_t)nth_columns(s, k)->run[s->run[k]].end;
    x->end = end < x->end ? end : x->end;
  }
  return true;
}

/* Piece k in a stretch.  False: it has no columns there. */
static bool band_of(const stencil *s, const cjj_stretch *x, uint32_t k, cjj_band *b) {
  const cjj_ids *at = nth_columns(s, k);
  const cjj_range *run = &at->run[s->run[k]];
  int64_t start = s->run[k] ? (int64_t)run[-1].end : 0;
  *b =
      (cjj_band){.rows = x->end - x->e, .col = (int64_t)run->first - 1 + (x->e - start) * run->step, .step = run->step};
  return run->first != 0;
}
/* The bands of a stretch.  False: there is no memory, or the columns of some row do not ascend. */
static bool add_bands(stencil *s, const cjj_stretch *x) {
  int64_t wide = x->to - x->from, rows = x->end - x->e, width = 0;
  if (!CJM_GROW(s->l->c, s->band, s->cap, s->nband + (size_t)wide + 1)) return false;
  cjj_band *b = s->band + s->nband;
  for (uint32_t k = x->from; k < x->to; k++) {
    if (!band_of(s, x, k, &b[width])) continue;
    int64_t place = x->base + x->e * wide + (k - x->from), over = rows - 1;
    if (width > 0 && (b[width].col <= b[width - 1].col ||
                      b[width].col + over * b[width].step <= b[width - 1].col + over * b[width - 1].step))
      return false;
    if (s->nnz == 0) s->from = place;
    s->to = place + over * wide + 1;
    s->nnz += rows;
    width++;
  }
  if (width == 0) *b = (cjj_band){.rows = rows};
  for (int64_t q = 0; q < width; q++) b[q].width = width;
  s->nband += (uint32_t)(width ? width : 1);
  return true;
}

static bool collect_bands(stencil *s) {
  int64_t base = 0;
  cjj_stretch x;
  for (uint32_t i = 0; i < s->f->nout; i++) {
    first_stretch(s, i, &x, base);
    while (next_stretch(s, &x))
      if (!add_bands(s, &x)) return false;
    base += x.m * (x.to - x.from);
  }
  return true;
}

/* Places of the nonzeros among the coefficients side by side. */
static void write_places(const stencil *s, int64_t *src) {
  int64_t base = 0;
  cjj_stretch x;
  cjj_band b;
  for (uint32_t i = 0; i < s->f->nout; i++) {
    first_stretch(s, i, &x, base);
    int64_t wide = x.to - x.from, n = 0;
    while (next_stretch(s, &x)) {
      int64_t width = 0, at = 0;
      for (uint32_t k = x.from; k < x.to; k++) width += band_of(s, &x, k, &b);
      for (uint32_t k = x.from; k < x.to; k++) {
        if (!band_of(s, &x, k, &b)) continue;
        for (int64_t e = x.e; e < x.end; e++) src[n + (e - x.e) * width + at] = base + e * wide + (k - x.from);
        at++;
      }
      n += width * (x.end - x.e);
    }
    src += n;
    base += x.m * wide;
  }
}

/* The coefficients of each output side by side, [elements, pieces], one output after the other. */
static cj_ref side_lines(cjj_frame *w, const cjj_local *l, const stencil *s, const cj_ref *c, int dtype) {
  size_t bytes = (l->n + (size_t)w->f->nout + 1) * sizeof(cj_ref);
  cj_ref *part = cjm_alloc(w->g->c, bytes), *all = part + l->n, r = 0;
  int n = 0;
  if (!part) return 0;
  for (uint32_t i = 0; i < w->f->nout && cjg_ok(w->g); i++) {
    const cj_type *y = cjj_y(w->f, (int)i);
    cj_type t = *y, column = {.dtype = (uint8_t)dtype, .rank = 2, .dim = {cjt_count(y), 1}};
    uint32_t wide = s->first[i + 1] - s->first[i];
    for (uint32_t q = 0; q < wide; q++)
      part[q] = cjb_reshape(w->g, cjb_cast(w->g, cjb_expand(w->g, c[s->piece[s->first[i] + q]], &t), dtype), &column);
    if (wide) all[n++] = cjj_flat(w->g, wide > 1 ? cjb_cat(w->g, part, (int)wide, 1) : part[0]);
  }
  if (cjg_ok(w->g)) r = n > 1 ? cjb_cat(w->g, all, n, 1) : n ? all[0] : 0;
  cjm_free(w->g->c, part, bytes);
  return r;
}

/* The pattern of rows that ascend, and their nonzeros. */
static cj_ref stencil_nonzeros(cjj_frame *w, const cjj_local *l, stencil *s, const cj_ref *c, int dtype,
                               cj_pattern **pattern) {
  int64_t rows = 0, cols = 0;
  for (uint32_t i = 0; i < w->f->nout; i++) rows += cjt_count(cjj_y(w->f, (int)i));
  for (uint32_t j = 0; j < w->f->narg; j++) cols += cjt_count(cjj_x(w->f, (int)j));
  bool run = s->to - s->from == s->nnz;
  cjj_places src = {.n = s->nnz, .first = s->from, .step = run};
  size_t bytes = run ? 0 : (size_t)s->nnz * sizeof(int64_t);
  if (!run && !(src.at = cjm_alloc(w->g->c, bytes))) return 0;
  if (!run) write_places(s, src.at);
  *pattern = cjj_pattern_banded(w->g->c, rows, cols, s->nnz, s->band, s->nband, s->cap);
  if (*pattern) s->band = NULL;
  cj_ref all = cjg_ok(w->g) ? side_lines(w, l, s, c, dtype) : 0, nz = 0;
  if (all) nz = cjj_take(w->g, all, &src);
  cjm_free(w->g->c, src.at, bytes);
  return nz;
}

/* Rows and columns of all coefficients in line; the number of those that have a column. */
static int64_t places_in_line(const cj_graph *f, const cjj_local *l, int64_t *row, int64_t *col, int64_t *at) {
  int64_t n = 0, base = 0;
  for (uint32_t q = 0; q < l->n; q++) {
    const cjj_piece *x = &l->piece[q];
    int64_t first = 0;
    for (int i = 0; i < x->output; i++) first += cjt_count(cjj_y(f, i));
    for (size_t e = 0; e < x->n; e++, base++) {
      if (x->at->id[e] == 0) continue;
      row[n] = first + (int64_t)e;
      col[n] = (int64_t)x->at->id[e] - 1;
      at[n++] = base;
    }
  }
  return n;
}

/* Of rows in any order, in which a column may come twice. */
static cj_ref scattered_nonzeros(cjj_frame *w, cjj_local *l, const cj_ref *c, int dtype, cj_pattern **pattern) {
  int64_t n = count_entries(l), rows = 0, cols = 0;
  size_t bytes = (size_t)(4 * n + 1) * sizeof(int64_t);
  int64_t *row = cjm_alloc(w->g->c, bytes);
  cj_ref nz = 0;
  if (!row || !write_columns(l)) {
    cjm_free(w->g->c, row, bytes);
    return 0;
  }
  int64_t *col = row + n, *at = col + n, *place = at + n;
  for (uint32_t i = 0; i < w->f->nout; i++) rows += cjt_count(cjj_y(w->f, (int)i));
  for (uint32_t j = 0; j < w->f->narg; j++) cols += cjt_count(cjj_x(w->f, (int)j));
  n = places_in_line(w->f, l, row, col, at);
  if (cjj_pattern_make(w->g->c, rows, cols, n, row, col, place, pattern) == CJ_OK) {
    cjj_places src = {.at = at, .n = n}, dst = {.at = place, .n = n};
    bool once = (*pattern)->nnz == n;
    cj_ref all = in_line(w->g, w->f, l, c, -1, dtype);
    for (int64_t k = 0; k < n && once; k++) row[place[k]] = at[k];
    if (once) src.at = row;
    cjj_places_see(&src);
    cjj_places_see(&dst);
    nz = all ? cjj_take(w->g, all, &src) : 0;
    if (nz && !once) nz = cjj_spread(w->g, nz, &dst, (*pattern)->nnz, dtype, true);
  }
  cjm_free(w->g->c, row, bytes);
  return nz;
}

cj_ref cjj_local_nonzeros(cjj_frame *w, cjj_local *l, int dtype, cj_pattern **pattern) {
  cj_type none = {.dtype = (uint8_t)dtype, .rank = 1};
  const cj_ref *c = cjj_frame_inline(w, l->g, NULL, 0);
  size_t bytes = l->n * sizeof(uint32_t) + (l->n + (size_t)w->f->nout + 1) * sizeof(uint32_t);
  stencil s = {.f = w->f, .l = l, .run = c ? cjm_alloc(w->g->c, bytes) : NULL};
  cj_ref nz = 0;
  if (s.run) {
    s.piece = s.run + l->n;
    s.first = s.piece + l->n;
    order_pieces(&s);
    if (collect_bands(&s))
      nz = stencil_nonzeros(w, l, &s, c, dtype, pattern);
    else if (cjg_ok(w->g))
      nz = scattered_nonzeros(w, l, c, dtype, pattern);
  }
  cjm_free(w->g->c, s.band, s.cap * sizeof *s.band);
  cjm_free(w->g->c, s.run, bytes);
  return *pattern && (*pattern)->nnz == 0 ? cjb_zeros(w->g, &none) : nz;
}
