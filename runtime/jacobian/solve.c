/*
** solve.c -- sparse linear systems, by SuiteSparse: the only file that names its symbols.  A matrix that may
** be positive definite is L D L' (AMD, LDL: LGPL and BSD, simplicial, in memory of the context); any other is
** L U in block triangular form (BTF, KLU: LGPL, in memory from malloc).
**
** What SuiteSparse calls columns are our rows: it sees the transposed matrix, and is asked to solve with its
** transpose.
*/
#include "jacobian/parts.h"

#include <amd.h>
#include <klu.h>
#include <ldl.h>
#include <math.h>
#include <string.h>

typedef SuiteSparse_long ss_int;
_Static_assert(sizeof(ss_int) == sizeof(int64_t), "patterns are handed to SuiteSparse as they are");

typedef struct positive { /* L D L' of P A P' */
  ss_int *memory;         /* all arrays of the pattern: nine of n, one more entry for Lp */
  ss_int *P, *Pinv, *Lp, *parent, *count, *flag, *row, *Li;
  double *D, *Y, *Lx, *X;
  size_t bytes, factorbytes; /* of memory, of Li and what follows */
} positive;

struct cj_solver {
  cj_ctx *c;
  cj_pattern *p;
  positive ldl;
  klu_l_common common;
  klu_l_symbolic *symbolic;
  klu_l_numeric *numeric;
  bool symmetric; /* the pattern, with a full diagonal */
  enum { NOTHING, POSITIVE, GENERAL } ready;
};

static ss_int *rowptr(const cj_solver *s) { return (ss_int *)s->p->rowptr; }
static ss_int *columns(const cj_solver *s) { return (ss_int *)s->p->col; }

static bool full_diagonal(const cj_pattern *p) {
  for (int64_t i = 0; i < p->rows; i++) {
    int64_t k = cjj_pattern_entry(p, i, i);
    if (k >= p->rowptr[i + 1] || p->col[k] != i) return false;
  }
  return true;
}

cj_status cjj_solver_new(cj_pattern *p, cj_solver **out) {
  cj_ctx *c = p->c;
  cj_solver *s = cjm_zalloc(c, sizeof *s);
  *out = NULL;
  if (!s) return c->status;
  s->c = c;
  s->p = cjj_pattern_retain(p);
  s->symmetric = full_diagonal(p) && cjj_issymmetric(p);
  (void)klu_l_defaults(&s->common);
  s->common.halt_if_singular = 1;
  cjm_retain_ctx(c);
  *out = s;
  return CJ_OK;
}

void cjj_solver_free(cj_solver *s) {
  if (!s) return;
  cj_ctx *c = s->c;
  if (s->numeric) klu_l_free_numeric(&s->numeric, &s->common);
  if (s->symbolic) klu_l_free_symbolic(&s->symbolic, &s->common);
  cjm_free(c, s->ldl.Li, s->ldl.factorbytes);
  cjm_free(c, s->ldl.memory, s->ldl.bytes);
  cjj_pattern_release(s->p);
  cjm_free(c, s, sizeof *s);
  cjm_release_ctx(c);
}

cj_ctx *cjj_solver_ctx(const cj_solver *s) { return s->c; }

/* --- positive definite matrices ----------------------------------------------------------------- */

static bool ldl_analyse(cj_solver *s) {
  positive *x = &s->ldl;
  size_t n = (size_t)s->p->rows;
  x->bytes = (7 * n + 1) * sizeof(ss_int) + 3 * n * sizeof(double);
  if (!x->memory && !(x->memory = cjm_alloc(s->c, x->bytes))) return false;
  x->P = x->memory;
  x->Pinv = x->P + n;
  x->parent = x->Pinv + n;
  x->count = x->parent + n;
  x->flag = x->count + n;
  x->row = x->flag + n;
  x->Lp = x->row + n;
  x->D = (double *)(x->Lp + n + 1);
  x->Y = x->D + n;
  x->X = x->Y + n;
  if (amd_l_order((ss_int)n, rowptr(s), columns(s), x->P, NULL, NULL) < AMD_OK) {
    cjm_fail(s->c, CJ_ENOMEM, "not enough memory to order a sparse matrix");
    return false;
  }
  ldl_l_symbolic((ss_int)n, rowptr(s), columns(s), x->Lp, x->parent, x->count, x->flag, x->P, x->Pinv);
  size_t nonzeros = (size_t)x->Lp[n];
  x->factorbytes = nonzeros * (sizeof(ss_int) + sizeof(double)) + sizeof(ss_int);
  if (!(x->Li = cjm_alloc(s->c, x->factorbytes))) return false;
  x->Lx = (double *)(x->Li + nonzeros);
  return true;
}

static bool symmetric_values(const cj_solver *s, const double *value) {
  const cj_pattern *p = s->p;
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++) {
      int64_t j = p->col[k];
      if (j == i && !(value[k] > 0)) return false;
      if (j > i && value[k] != value[cjj_pattern_entry(p, j, i)]) return false;
    }
  return true;
}

/* Whether the matrix is positive definite, and then factored; false without an error if it is not. */
static bool factor_positive(cj_solver *s, const double *value) {
  positive *x = &s->ldl;
  ss_int n = (ss_int)s->p->rows;
  if (!s->symmetric || !symmetric_values(s, value)) return false;
  if (!x->Li && !ldl_analyse(s)) return false;
  if (ldl_l_numeric(n, rowptr(s), columns(s), (double *)value, x->Lp, x->parent, x->count, x->Li, x->Lx, x->D, x->Y,
                    x->row, x->flag, x->P, x->Pinv) != n)
    return false;
  for (ss_int i = 0; i < n; i++)
    if (!(x->D[i] > 0)) return false;
  return true;
}

static void solve_positive(cj_solver *s, double *b) {
  positive *x = &s->ldl;
  ss_int n = (ss_int)s->p->rows;
  ldl_l_perm(n, x->X, b, x->P);
  ldl_l_lsolve(n, x->X, x->Lp, x->Li, x->Lx);
  ldl_l_dsolve(n, x->X, x->D);
  ldl_l_ltsolve(n, x->X, x->Lp, x->Li, x->Lx);
  ldl_l_permt(n, b, x->X, x->P);
}

/* --- any matrix -------------------------------------------------------------------------------------- */

static cj_status klu_failed(cj_solver *s) {
  if (s->common.status == KLU_SINGULAR) return cjm_fail(s->c, CJ_EDOMAIN, "the matrix is singular");
  if (s->common.status == KLU_OUT_OF_MEMORY)
    return cjm_fail(s->c, CJ_ENOMEM, "not enough memory to factor a sparse matrix");
  return cjm_fail(s->c, CJ_ELIMIT, "a sparse matrix is too large to factor");
}

static cj_status klu_analyse(cj_solver *s) {
  if (!s->symbolic && !(s->symbolic = klu_l_analyze((ss_int)s->p->rows, rowptr(s), columns(s), &s->common)))
    return klu_failed(s);
  if (s->symbolic->structural_rank >= (ss_int)s->p->rows || s->symbolic->structural_rank < 0) return CJ_OK;
  return cjm_fail(s->c, CJ_EDOMAIN, "the matrix is singular: its nonzeros allow at most rank %lld of %lld",
                  (long long)s->symbolic->structural_rank, (long long)s->p->rows);
}

#define LEASTGROWTH 1e-8 /* pivots of the last time are still good */

static bool refactored(cj_solver *s, double *value) {
  if (!s->numeric) return false;
  return klu_l_refactor(rowptr(s), columns(s), value, s->symbolic, s->numeric, &s->common) &&
         s->common.status == KLU_OK &&
         klu_l_rgrowth(rowptr(s), columns(s), value, s->symbolic, s->numeric, &s->common) &&
         s->common.rgrowth > LEASTGROWTH;
}

static cj_status factor_general(cj_solver *s, const double *const_value) {
  double *value = (double *)const_value; /* which SuiteSparse only reads */
  if (klu_analyse(s) != CJ_OK) return s->c->status;
  if (!refactored(s, value)) {
    if (s->numeric) klu_l_free_numeric(&s->numeric, &s->common);
    s->numeric = klu_l_factor(rowptr(s), columns(s), value, s->symbolic, &s->common);
    if (!s->numeric || s->common.status != KLU_OK) {
      cj_status status = klu_failed(s);
      if (s->numeric) klu_l_free_numeric(&s->numeric, &s->common);
      return status;
    }
  }
  if (klu_l_rcond(s->symbolic, s->numeric, &s->common) && s->common.rcond > 0) return CJ_OK;
  return cjm_fail(s->c, CJ_EDOMAIN, "the matrix is singular");
}

/* --- entries ---------------------------------------------------------------------------------------------- */

cj_status cjj_solver_factor(cj_solver *s, const double *value) {
  s->ready = NOTHING;
  for (int64_t k = 0; k < s->p->nnz; k++)
    if (!isfinite(value[k])) return cjm_fail(s->c, CJ_EDOMAIN, "the matrix has an element that is NaN or infinite");
  if (s->p->rows == 0 || factor_positive(s, value))
    s->ready = POSITIVE;
  else if (cjm_ok(s->c) && factor_general(s, value) == CJ_OK)
    s->ready = GENERAL;
  return s->c->status;
}

cj_status cjj_solver_solve(cj_solver *s, bool transposed, int64_t n, double *b) {
  ss_int rows = (ss_int)s->p->rows;
  if (s->ready == NOTHING) return cjm_fail(s->c, CJ_EARG, "a matrix has to be factored before it is solved with");
  if (rows == 0) return CJ_OK;
  for (int64_t k = 0; k < n && s->ready == POSITIVE; k++) solve_positive(s, b + k * rows);
  if (s->ready == POSITIVE) return CJ_OK;
  ss_int ok = transposed ? klu_l_solve(s->symbolic, s->numeric, rows, (ss_int)n, b, &s->common)
                         : klu_l_tsolve(s->symbolic, s->numeric, rows, (ss_int)n, b, &s->common);
  return ok ? CJ_OK : klu_failed(s);
}
