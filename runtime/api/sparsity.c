/* sparsity.c -- patterns, and Jacobians as their nonzeros. */
#include "api/api.h"
#include "jacobian/colour.h"

#include <math.h>
#include <string.h>

cj_status cj_func_sparsity(cj_func *f, cj_pattern **out) {
  cjm_clear(f->c);
  *out = NULL;
  return cjj_pattern(f->c, f->g, NULL, INT64_MAX, out);
}

cj_status cj_pattern_new(cj_ctx *c, int64_t rows, int64_t cols, int64_t n, const int64_t *row, const int64_t *col,
                         int64_t *place, cj_pattern **out) {
  cjm_clear(c);
  return cjj_pattern_make(c, rows, cols, n, row, col, place, out);
}

cj_status cj_pattern_transpose(const cj_pattern *p, int64_t *place, cj_pattern **out) {
  cjm_clear(p->c);
  *out = cjj_pattern_write(p) ? cjj_pattern_transposed(p, place) : NULL;
  return p->c->status;
}

cj_pattern *cj_pattern_retain(cj_pattern *p) { return cjj_pattern_retain(p); }

/* --- colours -------------------------------------------------------------------------------------- */

static cj_status star(const cj_pattern *p, int64_t *colour, int64_t *n) {
  if (!cjj_issymmetric(p))
    return cjm_fail(p->c, CJ_EARG,
                    "a star colouring is for symmetric patterns; this one, of shape [%lld, %lld], is not",
                    (long long)p->rows, (long long)p->cols);
  return cjj_colour_star(p->c, p, colour, n);
}

/* Both, or one of the two where that is no worse. */
static cj_status bidirectional(const cj_pattern *p, int64_t *row, int64_t *col, int64_t *nrow, int64_t *ncol) {
  cj_ctx *c = p->c;
  int64_t m, n;
  double cost;
  if (cjj_colour(c, p, true, row, &m) != CJ_OK || cjj_colour(c, p, false, col, &n) != CJ_OK) return c->status;
  int64_t least = m < n ? m : n;
  *nrow = m < n ? m : 0;
  *ncol = m < n ? 0 : n;
  for (int64_t i = 0; m >= n && i < p->rows; i++) row[i] = -1;
  for (int64_t j = 0; m < n && j < p->cols; j++) col[j] = -1;
  size_t bytes = (size_t)(p->rows + p->cols + 1) * sizeof(int64_t);
  int64_t *own = cjm_alloc(c, bytes);
  if (!own) return c->status;
  if (cjj_colour_both(c, p, 1, 1, (double)least, own, own + p->rows, &m, &n, &cost) == CJ_OK && isfinite(cost)) {
    *nrow = m;
    *ncol = n;
    memcpy(row, own, (size_t)p->rows * sizeof *row);
    memcpy(col, own + p->rows, (size_t)p->cols * sizeof *col);
  }
  cjm_free(c, own, bytes);
  return c->status;
}

cj_status cj_pattern_color(const cj_pattern *p, cj_coloring kind, int64_t *row, int64_t *col, int64_t *nrow,
                           int64_t *ncol) {
  cjm_clear(p->c);
  *nrow = *ncol = 0;
  if (!cjj_pattern_write(p)) return p->c->status;
  switch (kind) {
  case CJ_COLUMNS: return cjj_colour(p->c, p, false, col, ncol);
  case CJ_ROWS: return cjj_colour(p->c, p, true, row, nrow);
  case CJ_STAR: return star(p, col, ncol);
  case CJ_BIDIRECTIONAL: return bidirectional(p, row, col, nrow, ncol);
  }
  return cjm_fail(p->c, CJ_EARG, "no such kind of colouring (%d)", (int)kind);
}

/* --- solving ----------------------------------------------------------------------------------------- */

cj_status cj_solver_new(cj_pattern *p, cj_solver **out) {
  cjm_clear(p->c);
  *out = NULL;
  if (p->rows != p->cols)
    return cjm_fail(p->c, CJ_ESHAPE, "a square matrix is wanted, this one has shape [%lld, %lld]", (long long)p->rows,
                    (long long)p->cols);
  return cjj_pattern_write(p) ? cjj_solver_new(p, out) : p->c->status;
}

void cj_solver_release(cj_solver *s) { cjj_solver_free(s); }

cj_status cj_solver_factor(cj_solver *s, const double *value) {
  cjm_clear(cjj_solver_ctx(s));
  return cjj_solver_factor(s, value);
}

cj_status cj_solver_solve(cj_solver *s, bool transposed, int64_t n, double *b) {
  cjm_clear(cjj_solver_ctx(s));
  return cjj_solver_solve(s, transposed, n, b);
}

/* --- patterns ------------------------------------------------------------------------------------------ */

void cj_pattern_sizes(const cj_pattern *p, cj_csr *out) {
  *out = (cj_csr){.rows = p->rows, .cols = p->cols, .nnz = p->nnz};
}

cj_status cj_pattern_csr(const cj_pattern *p, cj_csr *out) {
  cjm_clear(p->c);
  cj_pattern_sizes(p, out);
  if (!cjj_pattern_write(p)) return p->c->status;
  out->rowptr = p->rowptr;
  out->col = p->col;
  return CJ_OK;
}

void cj_pattern_release(cj_pattern *p) { cjj_pattern_release(p); }

cj_status cj_func_sparse_jacobian(cj_func *f, bool value, cj_func **out, cj_pattern **pattern) {
  cj_graph *g = NULL;
  cjm_clear(f->c);
  *out = NULL;
  *pattern = NULL;
  if (cjj_sparse(f->c, f->g, value, false, pattern, &g) != CJ_OK) return f->c->status;
  if (cj_func_wrap(f->c, g, f->capture, out) != CJ_OK) {
    cjj_pattern_release(*pattern);
    *pattern = NULL;
  }
  return f->c->status;
}
