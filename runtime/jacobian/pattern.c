/*
** pattern.c -- which outputs may depend on which inputs, element by element, found on the linear program
** that jvp gives: what has no tangent never enters it, so zeros annihilate and custom derivatives count.
*/
#include "jacobian/parts.h"
#include "jacobian/walk.h"

#include <string.h>

#define WORKLIMIT ((int64_t)1 << 28) /* elements looked at: a few seconds */
#define SETSLIMIT ((int64_t)1 << 26) /* members of all sets together */

bool cjj_walk_more(cjj_walk *w, int64_t elements) {
  w->work += elements;
  if (w->work > WORKLIMIT || elements > WORKLIMIT) {
    cjm_fail(w->c, CJ_ELIMIT, "the program is too large to find its sparsity pattern");
    return false;
  }
  return cjm_poll(w->c) == CJ_OK;
}

/* --- entries of the walk ------------------------------------------------------------- */

static bool enter_deps(cjj_walk *w, cj_ref r, const cjj_deps *d) {
  uint32_t k = w->spare;
  if (k) {
    w->spare = (uint32_t)w->deps[k - 1].off;
  } else {
    if (!CJM_GROW(w->c, w->deps, w->depscap, w->ndeps + (size_t)1)) return false;
    k = ++w->ndeps;
  }
  w->deps[k - 1] = *d;
  w->at[r] = k;
  return true;
}

static void leave_deps(cjj_walk *w, cj_ref r) {
  uint32_t k = w->at[r];
  if (!k) return;
  cjj_deps_drop(w, &w->deps[k - 1]);
  w->deps[k - 1].off = w->spare;
  w->spare = k;
  w->at[r] = 0;
}

static void find_last_uses(cjj_walk *w, const uint8_t *live) {
  const cj_graph *g = w->g;
  for (cj_ref r = 1; r < g->len; r++)
    if (live[r] && !cjg_issource(g, r))
      for (int i = 0; i < cjg_at(g, r)->nin; i++) w->last[cjg_operands(g, r)[i]] = r;
  for (uint32_t i = 0; i < g->nout; i++) w->last[g->out[i]] = g->len;
}

/* --- the loop --------------------------------------------------------------------------- */

static bool seed(cjj_walk *w, cj_ref r, int64_t from) { /* columns from, from + 1, .. */
  cjj_deps d;
  if (cjt_count(cjg_type(w->g, r)) == 0) return true;
  if (!cjj_runs_count(w, cjg_type(w->g, r), (cjj_set)(from + 1), &d)) return false;
  if (enter_deps(w, r, &d)) return true;
  cjj_deps_drop(w, &d);
  return false;
}

static bool seed_all(cjj_walk *w, int nx) {
  int64_t at = 0;
  for (uint32_t i = (uint32_t)nx; i < w->g->narg; i++) {
    if (!seed(w, w->g->arg[i], at)) return false;
    at += cjt_count(cjg_type(w->g, w->g->arg[i]));
  }
  return true;
}

static bool visit_deps(cjj_walk *w, cj_ref r) {
  cjj_deps d = {0};
  bool depends = false;
  int nin = cjg_at(w->g, r)->nin;
  for (int i = 0; i < nin; i++) depends |= w->at[cjg_operands(w->g, r)[i]] != 0;
  if (!depends || cjt_count(cjg_type(w->g, r)) == 0) return true;
  if (!cjj_propagate(w, r, &d)) return false;
  if (d.buf && !enter_deps(w, r, &d)) {
    cjj_deps_drop(w, &d);
    return false;
  }
  for (int i = 0; i < nin; i++) {
    cj_ref x = cjg_operands(w->g, r)[i];
    if (w->last[x] == r) leave_deps(w, x);
  }
  return true;
}

static bool walk_program(cjj_walk *w, int nx) {
  const cj_graph *g = w->g;
  uint8_t *live = cjm_alloc(w->c, g->len);
  if (!live) return false;
  cjg_live(g, live);
  find_last_uses(w, live);
  bool ok = seed_all(w, nx);
  for (cj_ref r = 1; r < g->len && ok; r++)
    if (live[r] && !cjg_issource(g, r)) ok = visit_deps(w, r);
  cjm_free(w->c, live, g->len);
  return ok;
}

/* --- the result ---------------------------------------------------------------------------- */

static size_t pattern_bytes(int64_t rows, int64_t nnz) { return (size_t)(rows + 1 + nnz) * sizeof(int64_t); }

cj_pattern *cjj_pattern_room(cj_ctx *c, int64_t rows, int64_t cols, int64_t nnz) {
  cj_pattern *p = cjm_alloc(c, sizeof *p);
  int64_t *room = p ? cjm_alloc(c, pattern_bytes(rows, nnz)) : NULL;
  if (!room) {
    cjm_free(c, p, sizeof *p);
    return NULL;
  }
  *p = (cj_pattern){.c = c, .refs = 1, .rows = rows, .cols = cols, .nnz = nnz, .rowptr = room, .col = room + rows + 1};
  cjm_retain_ctx(c);
  room[0] = 0;
  return p;
}

static void write_bands(const cj_pattern *p, int64_t *rowptr, int64_t *col) {
  int64_t n = 0, row = 0, width;
  rowptr[0] = 0;
  for (size_t k = 0; k < p->nband; k += (size_t)(width ? width : 1)) {
    const cjj_band *b = &p->band[k];
    width = b->width;
    for (int64_t e = 0; e < b->rows; e++) {
      for (int64_t q = 0; q < width; q++) col[n++] = b[q].col + e * b[q].step;
      rowptr[++row] = n;
    }
  }
}

/* What is known of a pattern does not change by that: it is const for those who ask. */
bool cjj_pattern_write(const cj_pattern *p) {
  cj_pattern *own = (cj_pattern *)p;
  if (p->rowptr) return true;
  int64_t *room = cjm_alloc(p->c, pattern_bytes(p->rows, p->nnz));
  if (!room) return false;
  write_bands(p, room, room + p->rows + 1);
  own->rowptr = room;
  own->col = room + p->rows + 1;
  return true;
}

cj_pattern *cjj_pattern_banded(cj_ctx *c, int64_t rows, int64_t cols, int64_t nnz, cjj_band *band, uint32_t nband,
                               uint32_t cap) {
  cj_pattern *p = cjm_alloc(c, sizeof *p);
  if (!p) return NULL;
  *p = (cj_pattern){
      .c = c, .refs = 1, .rows = rows, .cols = cols, .nnz = nnz, .band = band, .nband = nband, .bandcap = cap};
  cjm_retain_ctx(c);
  if (nband < pattern_bytes(rows, nnz) / (2 * sizeof *band) || !cjj_pattern_write(p)) return p;
  cjm_free(c, band, cap * sizeof *band); /* they save no memory */
  p->band = NULL;
  p->nband = p->bandcap = 0;
  return p;
}

cj_pattern *cjj_pattern_retain(cj_pattern *p) {
  __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
  return p;
}

void cjj_pattern_release(cj_pattern *p) {
  if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  cj_ctx *c = p->c;
  cjm_free(c, p->rowptr, pattern_bytes(p->rows, p->nnz));
  cjm_free(c, p->band, p->bandcap * sizeof *p->band);
  cjm_free(c, p, sizeof *p);
  cjm_release_ctx(c);
}

/* Visits the sets of all outputs in order: counts their members, or writes them into p. */
static bool gather_rows(cjj_walk *w, int64_t maxnnz, cj_pattern *p, int64_t *nnz) {
  int64_t row = 0, n = 0;
  for (uint32_t i = 0; i < w->g->nout; i++) {
    const cj_type *t = cjg_type(w->g, w->g->out[i]);
    const cjj_deps *d = cjj_deps_of(w, w->g->out[i]);
    cjj_deps flat = {0};
    if (d && !cjj_deps_flatten(w, d, t, &flat)) return false;
    int64_t m = cjt_count(t);
    for (int64_t e = 0; e < m; e++) {
      uint32_t one, k = 0;
      const uint32_t *col = d ? cjj_sets_members(&w->sets, flat.buf->id[e], &one, &k) : NULL;
      for (uint32_t q = 0; p && q < k; q++) p->col[n + q] = col[q];
      n += k;
      if (p) p->rowptr[++row] = n;
      if (n > maxnnz) break;
    }
    cjj_deps_drop(w, &flat);
    if (n > maxnnz) {
      cjm_fail(w->c, CJ_ELIMIT, "the sparsity pattern is too dense (over %lld entries)", (long long)maxnnz);
      return false;
    }
  }
  *nnz = n;
  return true;
}

static int64_t total(const cj_graph *g, const cj_ref *r, uint32_t n) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += cjt_count(cjg_type(g, r[i]));
  return sum;
}

static cj_pattern *collect(cjj_walk *w, int nx, int64_t maxnnz) {
  const cj_graph *g = w->g;
  int64_t nnz = 0;
  if (!gather_rows(w, maxnnz, NULL, &nnz)) return NULL;
  cj_pattern *p = cjj_pattern_room(w->c, total(g, g->out, g->nout), total(g, g->arg + nx, g->narg - (uint32_t)nx), nnz);
  if (p && gather_rows(w, maxnnz, p, &nnz)) return p;
  cjj_pattern_release(p);
  return NULL;
}

bool cjj_walk_open(cjj_walk *w, cj_ctx *c, const cj_graph *lin, int nx, int64_t limit) {
  *w = (cjj_walk){.c = c, .g = lin};
  if (!cjj_sets_open(&w->sets, c, total(lin, lin->arg + nx, lin->narg - (uint32_t)nx), limit)) return false;
  w->at = cjm_zalloc(c, 2 * lin->len * sizeof *w->at);
  if (w->at) w->last = w->at + lin->len;
  return w->at != NULL;
}

void cjj_walk_close(cjj_walk *w) {
  const cj_graph *g = w->g;
  for (cj_ref r = 1; w->at && r < g->len; r++) leave_deps(w, r);
  for (cj_ref r = 1; w->known && r < g->len; r++) cjt_release(w->known[r]);
  cjm_free(w->c, w->known, g->len * sizeof(cj_tensor *));
  cjm_free(w->c, w->at, 2 * g->len * sizeof *w->at);
  cjm_free(w->c, w->deps, w->depscap * sizeof *w->deps);
  cjj_sets_close(&w->sets);
}

cj_status cjj_pattern_linear(cj_ctx *c, const cj_graph *lin, int nx, int64_t maxnnz, cj_pattern **out) {
  int64_t limit = maxnnz < SETSLIMIT / 8 ? 8 * maxnnz + 65536 : SETSLIMIT;
  cjj_walk w;
  *out = NULL;
  if (cjj_walk_open(&w, c, lin, nx, limit) && walk_program(&w, nx)) *out = collect(&w, nx, maxnnz);
  cjj_walk_close(&w);
  return c->status;
}

cj_status cjj_pattern(cj_ctx *c, const cj_graph *f, const uint8_t *active, int64_t maxnnz, cj_pattern **out) {
  *out = NULL;
  cj_graph *lin = cjx_jvp(f, active, false);
  if (!lin) return c->status;
  cjj_pattern_linear(c, lin, (int)f->narg, maxnnz, out);
  cjg_free(lin);
  return c->status;
}

int64_t cjj_pattern_entry(const cj_pattern *p, int64_t row, int64_t j) {
  int64_t lo = p->rowptr[row], hi = p->rowptr[row + 1];
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (p->col[mid] < j)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

cj_pattern *cjj_pattern_columns(const cj_pattern *p, int64_t from, int64_t to) {
  int64_t nnz = 0;
  for (int64_t i = 0; i < p->rows; i++) nnz += cjj_pattern_entry(p, i, to) - cjj_pattern_entry(p, i, from);
  cj_pattern *q = cjj_pattern_room(p->c, p->rows, to - from, nnz);
  if (!q) return NULL;
  for (int64_t i = 0, n = 0; i < p->rows; i++) {
    int64_t end = cjj_pattern_entry(p, i, to);
    for (int64_t k = cjj_pattern_entry(p, i, from); k < end; k++) q->col[n++] = p->col[k] - from;
    q->rowptr[i + 1] = n;
  }
  return q;
}

cj_pattern *cjj_pattern_transposed(const cj_pattern *p, int64_t *place) {
  cj_pattern *t = cjj_pattern_room(p->c, p->cols, p->rows, p->nnz);
  if (t) cjj_transpose(p, t->rowptr, t->col, place);
  return t;
}

/* Entries by column, in the order they are given in; then by row: counting sorts.  place: their order. */
static void sort_entries(int64_t rows, int64_t cols, int64_t n, const int64_t *row, const int64_t *col, int64_t *start,
                         int64_t *bycol, int64_t *order) {
  memset(start, 0, (size_t)(cols + 1) * sizeof *start);
  for (int64_t k = 0; k < n; k++) start[col[k] + 1]++;
  for (int64_t j = 0; j < cols; j++) start[j + 1] += start[j];
  for (int64_t k = 0; k < n; k++) bycol[start[col[k]]++] = k;
  memset(start, 0, (size_t)(rows + 1) * sizeof *start);
  for (int64_t k = 0; k < n; k++) start[row[k] + 1]++;
  for (int64_t i = 0; i < rows; i++) start[i + 1] += start[i];
  for (int64_t q = 0; q < n; q++) order[start[row[bycol[q]]]++] = bycol[q];
}

/* Entries are in order, each at a place of its own. */
static bool in_sequence(int64_t n, const int64_t *row, const int64_t *col) {
  for (int64_t k = 1; k < n; k++)
    if (row[k] < row[k - 1] || (row[k] == row[k - 1] && col[k] <= col[k - 1])) return false;
  return true;
}

/* The pattern of such entries. */
static cj_status pattern_in_sequence(cj_ctx *c, int64_t rows, int64_t cols, int64_t n, const int64_t *row,
                                     const int64_t *col, int64_t *place, cj_pattern **out) {
  if (!(*out = cjj_pattern_room(c, rows, cols, n))) return c->status;
  int64_t *start = (*out)->rowptr, k = 0;
  for (int64_t i = 0; i <= rows; i++) {
    while (k < n && row[k] < i) k++;
    start[i] = k;
  }
  if (n) memcpy((*out)->col, col, (size_t)n * sizeof *col);
  for (int64_t q = 0; place && q < n; q++) place[q] = q;
  return CJ_OK;
}

static bool check_entries(cj_ctx *c, int64_t rows, int64_t cols, int64_t n, const int64_t *row, const int64_t *col) {
  for (int64_t k = 0; k < n; k++) {
    if (row[k] >= 0 && row[k] < rows && col[k] >= 0 && col[k] < cols) continue;
    cjm_fail(c, CJ_ERANGE, "entry %lld is at row %lld and column %lld of a matrix of shape [%lld, %lld]",
             (long long)k + 1, (long long)row[k] + 1, (long long)col[k] + 1, (long long)rows, (long long)cols);
    return false;
  }
  return true;
}

cj_status cjj_pattern_make(cj_ctx *c, int64_t rows, int64_t cols, int64_t n, const int64_t *row, const int64_t *col,
                           int64_t *place, cj_pattern **out) {
  int64_t longer = rows > cols ? rows : cols, nnz = 0;
  *out = NULL;
  if (rows < 0 || cols < 0 || n < 0 || longer > INT64_MAX / 64 || n > INT64_MAX / 64)
    return cjm_fail(c, CJ_EARG, "a pattern cannot have %lld rows, %lld columns and %lld entries", (long long)rows,
                    (long long)cols, (long long)n);
  if (!check_entries(c, rows, cols, n, row, col)) return c->status;
  if (in_sequence(n, row, col)) return pattern_in_sequence(c, rows, cols, n, row, col, place, out);
  size_t bytes = (size_t)(longer + 1 + 2 * n) * sizeof(int64_t);
  int64_t *start = cjm_alloc(c, bytes);
  if (!start) return c->status;
  int64_t *order = start + longer + 1;
  sort_entries(rows, cols, n, row, col, start, order + n, order);
  for (int64_t q = 0; q < n; q++) {
    int64_t k = order[q], before = q ? order[q - 1] : -1;
    nnz += before < 0 || row[before] != row[k] || col[before] != col[k];
    order[n + q] = nnz - 1;
  }
  if ((*out = cjj_pattern_room(c, rows, cols, nnz))) {
    memset((*out)->rowptr, 0, (size_t)(rows + 1) * sizeof *start);
    for (int64_t q = 0; q < n; q++) {
      int64_t k = order[q], at = order[n + q];
      (*out)->rowptr[row[k] + 1] = at + 1;
      (*out)->col[at] = col[k];
      if (place) place[k] = at;
    }
    for (int64_t i = 0; i < rows; i++)
      if ((*out)->rowptr[i + 1] == 0) (*out)->rowptr[i + 1] = (*out)->rowptr[i];
  }
  cjm_free(c, start, bytes);
  return c->status;
}
