/* sparse.c -- the nonzeros of a Jacobian as one vector. */
#include "jacobian/records.h"

static int dtype_of(const cj_graph *f) {
  for (uint32_t j = 0; j < f->narg; j++)
    if (cjj_x(f, (int)j)->dtype != CJ_F32) return CJ_F64;
  return f->narg ? CJ_F32 : CJ_F64;
}

/* One part, or one of columns and one of rows. */
typedef struct sparsely {
  cjj_part part[2];
  uint32_t n;
  double cost; /* of its sweeps */
} sparsely;

static void drop_parts(cj_ctx *c, int nx, sparsely *s) {
  for (uint32_t k = 0; k < 2; k++) cjj_part_drop(c, nx, &s->part[k]);
}

/* Takes over colour. */
static cjj_part coloured_part(cj_pattern *p, bool reverse, int64_t *colour, int64_t ncolours) {
  return (cjj_part){.reverse = reverse, .pattern = cjj_pattern_retain(p), .colour = colour, .ncolours = ncolours};
}

/* Fewer sweeps by a star colouring of a Hessian? */
static bool try_star(cj_ctx *c, cj_pattern *p, double seed, sparsely *s) {
  size_t bytes = (size_t)(p->cols + 1) * sizeof(int64_t);
  int64_t n, *colour = cjm_alloc(c, bytes);
  if (!colour || cjj_colour_star(c, p, colour, &n) != CJ_OK || (double)n * seed >= s->cost) {
    cjm_free(c, colour, bytes);
    return cjm_ok(c);
  }
  drop_parts(c, 0, s);
  *s = (sparsely){.part = {coloured_part(p, false, colour, n)}, .n = 1, .cost = (double)n * seed};
  s->part[0].star = true;
  return true;
}

/* Fewer by columns and rows?  fixed: what a second pass costs, whatever its seeds. */
static bool try_both(cj_ctx *c, cj_pattern *p, double forward, double backward, double fixed, sparsely *s) {
  size_t rb = (size_t)(p->rows + 1) * sizeof(int64_t), cb = (size_t)(p->cols + 1) * sizeof(int64_t);
  int64_t nrow = 0, ncol = 0, *row = cjm_alloc(c, rb), *col = cjm_alloc(c, cb);
  double cost = INFINITY;
  if (row && col) cjj_colour_both(c, p, forward, backward, s->cost - fixed, row, col, &nrow, &ncol, &cost);
  if (isfinite(cost)) {
    drop_parts(c, 0, s);
    *s = (sparsely){
        .part = {coloured_part(p, false, col, ncol), coloured_part(p, true, row, nrow)}, .n = 2, .cost = cost + fixed};
    return true;
  }
  cjm_free(c, row, rb);
  cjm_free(c, col, cb);
  return cjm_ok(c);
}

/* The pattern of what lin is the derivative of; that of a Hessian is symmetric. */
static bool find_pattern(cj_ctx *c, const cj_graph *lin, int nx, bool hessian, cj_pattern **out) {
  cj_pattern *p;
  if (cjj_pattern_linear(c, lin, nx, INT32_MAX, out) != CJ_OK || !hessian) return cjm_ok(c);
  if (cjj_symmetric(*out, &p) != CJ_OK) return false;
  cjj_pattern_release(*out);
  *out = p;
  return true;
}

/* Diagonals, if no colouring can be less work: its columns have as many colours as rows have entries on average, and
** the other way round. */
static bool try_diagonals(cj_ctx *c, const cj_graph *lin, int nx, const cjj_costs *k, sparsely *s) {
  cjj_local *l;
  double entries = 0, rows = 0, cols = 0;
  if (!cjj_local_find(c, lin, nx, &l)) return false;
  for (uint32_t q = 0; l && q < l->n; q++) entries += (double)l->piece[q].n;
  for (uint32_t i = 0; i < lin->nout; i++) rows += (double)cjt_count(cjg_type(lin, lin->out[i]));
  for (int j = 0; j < nx; j++) cols += (double)cjt_count(cjg_type(lin, lin->arg[j]));
  double passes = fmin(fmax(entries / (rows + 1), 1), CJJ_BACKWARD * fmax(entries / (cols + 1), 1));
  if (l && l->cost - k->primal < passes * k->sweep + CJJ_NODE * k->linear)
    *s = (sparsely){.part = {{.local = l}}, .n = 1};
  else
    cjj_local_free(l);
  return true;
}

/* Diagonals or colours; only these need the pattern. */
static bool choose_sparsely(cj_ctx *c, const cj_graph *lin, int nx, bool hessian, cj_pattern **pattern, sparsely *s) {
  cjj_costs k = {0};
  if (!cjj_cost_of(lin, nx, &k) || !try_diagonals(c, lin, nx, &k, s)) return false;
  if (s->n > 0) return true;
  if (!find_pattern(c, lin, nx, hessian, pattern)) return false;
  double forward = k.sweep + 1, backward = CJJ_BACKWARD * k.sweep + 1, fixed = CJJ_NODE * k.linear;
  if (!cjj_colour_best(c, *pattern, forward, backward, INFINITY, &s->part[0])) return false;
  s->n = 1;
  s->cost = (double)s->part[0].ncolours * (s->part[0].reverse ? backward : forward);
  if (hessian && s->part[0].ncolours > 2 && !try_star(c, *pattern, forward, s)) return false;
  if (!s->part[0].star && s->part[0].ncolours > 2 && !try_both(c, *pattern, forward, backward, fixed, s)) return false;
  return true;
}

static bool cut_sparsely(cj_ctx *c, const cj_graph *f, bool hessian, cj_pattern **pattern, cjj_cut *cut) {
  sparsely s = {.n = 0};
  cj_graph *lin = cjx_jvp(f, NULL, false);
  bool ok = lin && choose_sparsely(c, lin, (int)f->narg, hessian, pattern, &s);
  cjg_free(lin);
  if (ok) return cjj_cut_parts(c, f, s.part, s.n, cut);
  drop_parts(c, (int)f->narg, &s);
  return false;
}

/* The nonzeros by diagonals or colours. */
static cj_ref nonzeros_of_cut(cjj_frame *w, const cjj_cut *cut, cj_pattern **pattern, int dtype) {
  cjj_local *l = cut->part[0].local;
  return l ? cjj_local_nonzeros(w, l, dtype, pattern) : cjj_coloured_nonzeros(w, cut, dtype);
}

cj_status cjj_sparse(cj_ctx *c, const cj_graph *f, bool value, bool hessian, cj_pattern **pattern, cj_graph **out) {
  cjj_cut cut = {.c = c};
  cjj_frame w = {.f = f};
  cjj_records *records = NULL;
  *pattern = NULL;
  *out = NULL;
  if (!cjj_check_arguments(f) || (!hessian && !cjj_records_find(c, f, &records))) return c->status;
  if ((records || cut_sparsely(c, f, hessian, pattern, &cut)) && cjj_frame_open(&w, f, NULL, 0, 0)) {
    int dtype = dtype_of(f);
    if (value) cjj_frame_outputs(&w, cjj_frame_inline(&w, f, NULL, 0), f->nout);
    cjg_output(w.g,
               records ? cjj_records_nonzeros(&w, records, dtype, pattern) : nonzeros_of_cut(&w, &cut, pattern, dtype));
  }
  *out = cjj_frame_close(&w);
  cjj_cut_free(&cut);
  cjj_records_free(records);
  if (!*out) {
    cjj_pattern_release(*pattern);
    *pattern = NULL;
  }
  return c->status;
}
