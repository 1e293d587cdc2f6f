/* solve_none.c -- for builds without SuiteSparse. */
#include "jacobian/jacobian.h"

cj_status cjj_solver_new(cj_pattern *p, cj_solver **out) {
  *out = NULL;
  return cjm_fail(p->c, CJ_ENOSYS,
                  "sparse systems are solved by SuiteSparse (KLU, LDL), which this library was built without");
}

void cjj_solver_free(cj_solver *s) { CJ_UNUSED(s); }
cj_ctx *cjj_solver_ctx(const cj_solver *s) {
  CJ_UNUSED(s);
  return NULL;
}

cj_status cjj_solver_factor(cj_solver *s, const double *value) {
  CJ_UNUSED(s);
  CJ_UNUSED(value);
  return CJ_ENOSYS;
}

cj_status cjj_solver_solve(cj_solver *s, bool transposed, int64_t n, double *b) {
  CJ_UNUSED(s);
  CJ_UNUSED(transposed);
  CJ_UNUSED(n);
  CJ_UNUSED(b);
  return CJ_ENOSYS;
}
