/* sparsity.c -- patterns, and Jacobians as their nonzeros. */
#include "api/api.h"

cj_status cj_func_sparsity(cj_func *f, cj_pattern **out) {
  cjm_clear(f->c);
  *out = NULL;
  return cjj_pattern(f->c, f->g, NULL, INT64_MAX, out);
}

void cj_pattern_csr(const cj_pattern *p, cj_csr *out) {
  *out = (cj_csr){.rows = p->rows, .cols = p->cols, .nnz = p->nnz, .rowptr = p->rowptr, .col = p->col};
}

void cj_pattern_release(cj_pattern *p) { cjj_pattern_release(p); }

cj_status cj_func_sparse_jacobian(cj_func *f, bool value, cj_func **out, cj_pattern **pattern) {
  cj_graph *g = NULL;
  cjm_clear(f->c);
  *out = NULL;
  *pattern = NULL;
  if (cjj_sparse(f->c, f->g, value, pattern, &g) != CJ_OK) return f->c->status;
  if (cj_func_wrap(f->c, g, f->capture, out) != CJ_OK) {
    cjj_pattern_release(*pattern);
    *pattern = NULL;
  }
  return f->c->status;
}
