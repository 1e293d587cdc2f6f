/*
** depend.c -- what depends on what, by structure alone: results on arguments, and the derivatives of results.  Numbers
** do not count: x * 0 depends on x.
*/
#include "transform/common.h"
#include "transform/transform.h"

#include <string.h>

bool cjx_carried(const cj_graph *f, cj_ref r, int i, const uint8_t *on) {
  const cj_op *row = cjg_row(f, r);
  return on[cjg_operands(f, r)[i]] && !(row->flags & CJ_NODIFF) && !cjx_isaux(row, i) &&
         cjt_isfloat(cjg_type(f, r)->dtype);
}

/* on[r]: instruction r depends on argument j. */
static void follow(const cj_graph *f, uint32_t j, uint8_t *on) {
  memset(on, 0, f->len);
  on[f->arg[j]] = cjt_isfloat(cjg_type(f, f->arg[j])->dtype);
  for (cj_ref r = f->arg[j] + 1; r < f->len; r++)
    for (int i = 0; !on[r] && !cjg_issource(f, r) && i < cjg_at(f, r)->nin; i++) on[r] = cjx_carried(f, r, i, on);
}

bool cjx_depends(const cj_graph *f, uint8_t *dep) {
  uint8_t *on = cjm_alloc(f->c, f->len);
  if (!on) return false;
  for (uint32_t j = 0; j < f->narg; j++) {
    follow(f, j, on);
    for (uint32_t i = 0; i < f->nout; i++) dep[i * f->narg + j] = on[f->out[i]];
  }
  cjm_free(f->c, on, f->len);
  return true;
}

/* --- derivatives ------------------------------------------------------------------------------------------------ */

/* Operand k takes part in the partial by operand i.  A row that is linear in i has the other operands there, or, if it
** is linear in several together, those that it is not linear in; any other row, all of them. */
static bool is_in_partial(const cj_op *row, int i, int k) {
  if (!cjx_islinear(row, i)) return true;
  return row->flags & CJ_JOINT ? !cjx_islinear(row, k) : k != i;
}

/* The partial of r by its operand i depends on what is on. */
static bool partial_depends(const cj_graph *f, cj_ref r, int i, const uint8_t *on) {
  for (int k = 0; k < cjg_at(f, r)->nin; k++)
    if (on[cjg_operands(f, r)[k]] && is_in_partial(cjg_row(f, r), i, k)) return true;
  return false;
}

/* twice[r]: the derivative of instruction r by the argument of `by` depends on what `on` follows. */
static void follow_derivative(const cj_graph *f, const uint8_t *by, const uint8_t *on, uint8_t *twice) {
  memset(twice, 0, f->len);
  for (cj_ref r = 1; r < f->len; r++)
    for (int i = 0; !twice[r] && by[r] && !cjg_issource(f, r) && i < cjg_at(f, r)->nin; i++)
      twice[r] = cjx_carried(f, r, i, by) && (twice[cjg_operands(f, r)[i]] || partial_depends(f, r, i, on));
}

static void add_dependence(uint8_t *all, const uint8_t *some, size_t n) {
  for (size_t r = 0; r < n; r++) all[r] |= some[r];
}

bool cjx_depends_twice(const cj_graph *f, bool pairs, uint8_t *dep) {
  size_t len = f->len, n = f->narg;
  uint8_t *by = cjm_zalloc(f->c, 3 * len), *on = by + len, *twice = on + len;
  if (!by) return false;
  for (uint32_t k = 0; k < n && !pairs; k++) {
    follow(f, k, by);
    add_dependence(on, by, len);
  }
  for (uint32_t j = 0; j < n; j++) {
    follow(f, j, by);
    for (uint32_t k = 0; k < (pairs ? n : 1); k++) {
      if (pairs) follow(f, k, on);
      follow_derivative(f, by, on, twice);
      for (uint32_t i = 0; i < f->nout; i++) dep[pairs ? (i * n + j) * n + k : i * n + j] = twice[f->out[i]];
    }
  }
  cjm_free(f->c, by, 3 * len);
  return true;
}
