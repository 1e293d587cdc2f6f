/*
** records_emit.c -- the Jacobian of one record as a program of single numbers, done for all records at once, and where
** its nonzeros are.
*/
#include "exec/unroll.h"
#include "jacobian/records.h"

#include <string.h>

/* A partial of a record that is not zero. */
typedef struct onepartial {
  uint32_t output, source;
  int64_t element, column; /* of the record's part of the output, and of the source */
} onepartial;

typedef struct emitting {
  cj_ctx *c;
  const cjj_records *r;
  onepartial *partial;
  uint32_t n, cap;
} emitting;

/* --- one record ------------------------------------------------------------------------------------- */

/* What the outputs of a record get from each element of source q, element by element, after what is there: 0-d
** outputs of w. */
static bool seed_source(cjj_frame *w, const cjj_records *r, uint32_t q) {
  const cj_graph *f = r->g;
  uint8_t *active = cjm_zalloc(r->c, r->nsource);
  cj_graph *lin = NULL;
  if (active) {
    active[q] = 1;
    lin = cjx_jvp(f, active, false);
  }
  cjm_free(r->c, active, r->nsource);
  cj_type t = *cjg_type(f, f->arg[q]), one = {.dtype = t.dtype, .rank = 1, .dim = {1}};
  for (int64_t k = 0; lin && k < r->source[q].width; k++) {
    cj_ref v = cjb_embed(w->g, cjb_full(w->g, &one, 1), 1, k, 1, r->source[q].width);
    v = cjb_reshape(w->g, v, &t);
    const cj_ref *y = cjj_frame_inline(w, lin, &v, 1);
    for (uint32_t i = 0; y && i < f->nout; i++) {
      cj_type scalar = {.dtype = cjg_type(w->g, y[i])->dtype};
      cj_ref flat = cjj_flat(w->g, y[i]);
      int64_t n = flat ? cjt_count(cjg_type(w->g, flat)) : 0; /* 0: after an error */
      for (int64_t e = 0; e < n; e++) {
        cj_ref partial = cjb_reshape(w->g, cjb_slice(w->g, flat, 1, e, 1, 1), &scalar);
        cjg_output(w->g, partial ? partial : cjb_zeros(w->g, &scalar));
      }
    }
  }
  cjg_free(lin);
  return lin != NULL && cjg_ok(w->g);
}

/* All partials of a record, as numbers. */
static cj_graph *record_program(const cjj_records *r) {
  cjj_frame w = {.f = r->g};
  cj_graph *apart = NULL;
  bool good = cjj_frame_open(&w, r->g, NULL, 0, 0);
  for (uint32_t q = 0; good && q < r->nsource; q++) good = seed_source(&w, r, q);
  cj_graph *whole = cjj_frame_close(&w);
  if (!whole) return NULL;
  if (!cje_unroll(whole, true, &apart)) {
    cjg_free(whole);
    return NULL;
  }
  if (!apart) return whole;
  cjg_free(whole);
  return apart;
}

/* Notes the outputs of g that are not zero: row by row, with ascending columns of ascending sources. */
static bool note_partials(emitting *e, const cj_graph *g, uint32_t *order) {
  const cj_graph *f = e->r->g;
  int64_t rows = 0, at = 0;
  for (uint32_t i = 0; i < f->nout; i++) rows += cjt_count(cjg_type(f, f->out[i]));
  for (uint32_t i = 0; i < f->nout; i++) {
    int64_t m = cjt_count(cjg_type(f, f->out[i]));
    for (int64_t k = 0; k < m; k++, at++)
      for (uint32_t q = 0, first = 0; q < e->r->nsource; first += (uint32_t)e->r->source[q++].width)
        for (int64_t j = 0; j < e->r->source[q].width; j++) {
          uint32_t o = (uint32_t)(((int64_t)first + j) * rows + at);
          if (cjg_isnum(g, g->out[o], 0)) continue;
          if (!CJM_GROW(e->c, e->partial, e->cap, e->n + (size_t)1)) return false;
          order[e->n] = o;
          e->partial[e->n++] = (onepartial){i, q, k, j};
        }
  }
  return true;
}

/* --- all records ----------------------------------------------------------------------------------------- */

/* g with only those outputs, for n records at once; all sources have them, and what is known by record. */
static cj_graph *for_all(const emitting *e, cj_graph *g, const uint32_t *order) {
  const cjj_records *r = e->r;
  size_t nin = (size_t)r->nsource + r->nknown;
  cj_ref *out = cjm_alloc(e->c, (e->n + (size_t)1) * sizeof *out);
  uint8_t *which = cjm_alloc(e->c, nin + 1);
  cj_graph *all = NULL;
  if (out && which) {
    cj_graph some = *g;
    memset(which, 1, r->nsource);
    for (uint32_t k = 0; k < r->nknown; k++) which[r->nsource + k] = r->known[k].record;
    for (uint32_t k = 0; k < e->n; k++) out[k] = g->out[order[k]];
    some.out = out;
    some.nout = e->n;
    all = cjx_batch(&some, which, r->n);
  }
  cjm_free(e->c, which, nin + 1);
  cjm_free(e->c, out, (e->n + (size_t)1) * sizeof *out);
  return all;
}

/* Values of all sources and of what is known, as f gives them. */
static bool inputs_of(cjj_frame *w, const cjj_records *r, cj_ref *in) {
  uint32_t n = r->nsource + r->nknown;
  cj_graph some = *w->f;
  for (uint32_t k = 0; k < n; k++) in[k] = k < r->nsource ? r->source[k].value : r->known[k - r->nsource].value;
  some.out = in;
  some.nout = n;
  const cj_ref *x = cjj_frame_inline(w, &some, NULL, 0);
  if (x) memcpy(in, x, n * sizeof *in);
  return x != NULL;
}

/* Partials of each output side by side, [n, partials], one output after the other; y: one a partial, changed. */
static cj_ref partials_in_order(cjj_frame *w, const emitting *e, cj_ref *y, int dtype) {
  cj_type column = {.dtype = (uint8_t)dtype, .rank = 2, .dim = {e->r->n, 1}};
  int pieces = 0;
  for (uint32_t k = 0, to; k < e->n; k = to) {
    for (to = k; to < e->n && e->partial[to].output == e->partial[k].output; to++)
      y[to] = cjb_reshape(w->g, cjb_cast(w->g, y[to], dtype), &column);
    if (!cjg_ok(w->g)) return 0;
    cj_ref all = to - k > 1 ? cjb_cat(w->g, y + k, (int)(to - k), 1) : y[k];
    y[pieces++] = cjj_flat(w->g, all);
  }
  return pieces > 1 ? cjb_cat(w->g, y, pieces, 1) : y[0];
}

static cj_ref emit_values(cjj_frame *w, emitting *e, int dtype) {
  const cjj_records *r = e->r;
  cj_graph *one = record_program(r), *all = NULL;
  size_t nin = (size_t)r->nsource + r->nknown, bytes = one ? (nin + 2 * (size_t)one->nout + 1) * sizeof(cj_ref) : 0;
  cj_ref *in = one ? cjm_alloc(e->c, bytes) : NULL, nz = 0;
  if (in) {
    uint32_t *order = (uint32_t *)(in + nin + one->nout);
    cj_ref *y = in + nin;
    if (note_partials(e, one, order) && e->n > 0) all = for_all(e, one, order);
    bool good = all && inputs_of(w, r, in) && cjg_inline(w->g, all, in, y);
    for (uint32_t k = 0; good && k < e->n; k++)
      if (!y[k]) y[k] = cjb_zeros(w->g, cjg_type(all, all->out[k]));
    if (good) nz = partials_in_order(w, e, y, dtype);
  }
  cjm_free(e->c, in, bytes);
  cjg_free(one);
  cjg_free(all);
  return nz;
}

/* --- places -------------------------------------------------------------------------------------------------- */

static int64_t base_of(const cj_graph *f, bool output, uint32_t k) {
  int64_t at = 0;
  for (uint32_t i = 0; i < k; i++) at += cjt_count(output ? cjj_y(f, (int)i) : cjj_x(f, (int)i));
  return at;
}

/* The columns that the partials would have if their records read the first row of each source. */
static void first_columns(const emitting *e, const cj_graph *f, int64_t *first) {
  for (uint32_t q = 0; q < e->n; q++) {
    const cjj_source *s = &e->r->source[e->partial[q].source];
    first[q] = base_of(f, false, s->arg) + s->first + e->partial[q].column;
  }
}

/* Rows and columns of all values, in their order; first: room for a number a partial. */
static void places_of(const emitting *e, const cj_graph *f, int64_t *row, int64_t *col, int64_t *first) {
  const cjj_records *r = e->r;
  first_columns(e, f, first);
  for (uint32_t k = 0, to; k < e->n; k = to) {
    int64_t base = base_of(f, true, e->partial[k].output), m = cjt_count(cjj_y(f, (int)e->partial[k].output)) / r->n;
    for (to = k; to < e->n && e->partial[to].output == e->partial[k].output; to++) continue;
    for (int64_t i = 0, at = 0; i < r->n; i++)
      for (uint32_t q = k; q < to; q++, at++) {
        const onepartial *p = &e->partial[q];
        const cjj_source *s = &r->source[p->source];
        row[at] = base + i * m + p->element;
        col[at] = first[q] + s->row[i] * s->width;
      }
    row += r->n * (to - k);
    col += r->n * (to - k);
  }
}

/* The values where the pattern has them; place: which nonzero each is. */
static cj_ref arranged(cjj_frame *w, cj_ref all, int64_t n, const cj_pattern *p, int64_t *place, int64_t *from,
                       int dtype) {
  bool same = p->nnz == n;
  cjj_places to = {.at = place, .n = n}, src = {.at = from, .n = n};
  for (int64_t k = 0; k < n && same; k++) same = place[k] == k;
  if (same) return all;
  if (p->nnz < n) {
    cjj_places_see(&to);
    return cjj_spread(w->g, all, &to, p->nnz, dtype, true);
  }
  for (int64_t k = 0; k < n; k++) from[place[k]] = k;
  cjj_places_see(&src);
  return cjj_take(w->g, all, &src);
}

cj_ref cjj_records_nonzeros(cjj_frame *w, const cjj_records *r, int dtype, cj_pattern **pattern) {
  emitting e = {.c = r->c, .r = r};
  const cj_graph *f = w->f;
  cj_type none = {.dtype = (uint8_t)dtype, .rank = 1};
  cj_ref nz = emit_values(w, &e, dtype);
  int64_t n = (int64_t)e.n * r->n, *place = NULL;
  size_t bytes = (size_t)(3 * n + e.n + 1) * sizeof(int64_t);
  if (cjm_ok(e.c) && (place = cjm_alloc(e.c, bytes))) {
    int64_t *row = place + n, *col = row + n;
    places_of(&e, f, row, col, col + n);
    if (cjj_pattern_make(e.c, base_of(f, true, f->nout), base_of(f, false, f->narg), n, row, col, place, pattern) ==
        CJ_OK)
      nz = n ? arranged(w, nz, n, *pattern, place, row, dtype) : cjb_zeros(w->g, &none);
  }
  cjm_free(e.c, place, bytes);
  cjm_free(e.c, e.partial, e.cap * sizeof *e.partial);
  return nz;
}
