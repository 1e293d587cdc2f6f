/*
** strict.c -- what strict asks of a function: that its outputs depend on its inputs, for second order also its
** gradient, and, if what is derived is to be differentiated again, that too.  By structure, whatever the numbers are;
** but a gradient comes as a program from which factors of 0 have vanished.
*/
#include "jacobian/derived.h"

#define WHY " (strict)"
#define WHY_GRAPH " (strict, create_graph)"

bool cjj_issecond(cj_want w) { return w == CJ_HESSIAN || w == CJ_VHP || w == CJ_HVP || w == CJ_HESSIAN_NONZEROS; }

typedef enum dependence_kind {
  OUTPUTS,     /* outputs on arguments */
  DERIVATIVES, /* the derivative of each output by each argument, on any argument */
  GRADIENT     /* the derivative of the only output by each argument, on each argument */
} dependence_kind;

/* A table of what depends on what, m rows of n. */
typedef struct dependence {
  cj_ctx *c;
  uint8_t *on;
  uint32_t m, n;
  size_t bytes;
} dependence;

static bool find_dependence(const cj_graph *f, dependence_kind what, dependence *d) {
  *d = (dependence){.c = f->c, .m = what == GRADIENT ? f->narg : f->nout, .n = f->narg};
  d->bytes = (size_t)d->m * d->n + 1;
  if (!(d->on = cjm_zalloc(f->c, d->bytes))) return false;
  return what == OUTPUTS ? cjx_depends(f, d->on) : cjx_depends_twice(f, what == GRADIENT, d->on);
}

static bool row_is_empty(const dependence *d, uint32_t i) {
  for (uint32_t j = 0; j < d->n; j++)
    if (d->on[(size_t)i * d->n + j]) return false;
  return true;
}
static bool column_is_empty(const dependence *d, uint32_t j) {
  for (uint32_t i = 0; i < d->m; i++)
    if (d->on[(size_t)i * d->n + j]) return false;
  return true;
}

/* Notes the first output and input of which that is not so: every pair is wanted. */
static void want_all(const dependence *d, const char *message) {
  for (uint32_t i = 0; i < d->m; i++)
    for (uint32_t j = 0; j < d->n; j++)
      if (!d->on[(size_t)i * d->n + j]) cjm_fail(d->c, CJ_EARG, message, i + 1, j + 1);
}

static void want_rows(const dependence *d, const char *message) {
  for (uint32_t i = 0; i < d->m; i++)
    if (row_is_empty(d, i)) cjm_fail(d->c, CJ_EARG, message, i + 1);
}

static void want_columns(const dependence *d, const char *message) {
  for (uint32_t j = 0; j < d->n; j++)
    if (column_is_empty(d, j)) cjm_fail(d->c, CJ_EARG, message, j + 1);
}

static bool close(dependence *d) {
  cjm_free(d->c, d->on, d->bytes);
  return cjm_ok(d->c);
}

/* Outputs on inputs. */
static bool check_outputs(const cj_graph *f, cj_want want) {
  dependence d;
  if (find_dependence(f, OUTPUTS, &d)) {
    if (want == CJ_VJP || want == CJ_JVP) {
      want_rows(&d, "output %u does not depend on the inputs" WHY);
      want_columns(&d, "the outputs do not depend on input %u" WHY);
    } else {
      want_all(&d, "output %u does not depend on input %u" WHY);
    }
  }
  return close(&d);
}

/* Derivatives of outputs on inputs. */
static bool check_jacobian(const cj_graph *f, cj_want want) {
  dependence d;
  if (find_dependence(f, DERIVATIVES, &d)) {
    if (want == CJ_VJP)
      want_columns(&d, "the Jacobian with respect to input %u does not depend on the inputs" WHY_GRAPH);
    else if (want == CJ_JVP)
      want_rows(&d, "the Jacobian of output %u does not depend on the inputs" WHY_GRAPH);
    else
      want_all(&d, "the Jacobian of output %u with respect to input %u does not depend on the inputs" WHY_GRAPH);
  }
  return close(&d);
}

/* The gradient of the only output on inputs: what depends on what in the Hessian. */
static bool check_gradient(const cj_graph *f, cj_want want) {
  dependence d;
  if (find_dependence(f, GRADIENT, &d)) {
    if (want == CJ_VHP || want == CJ_HVP)
      want_rows(&d, "the gradient with respect to input %u does not depend on the inputs" WHY);
    else
      want_all(&d, "the gradient with respect to input %u does not depend on input %u" WHY);
  }
  return close(&d);
}

static bool check_hessian(const cj_graph *gradient, cj_want want) {
  dependence d;
  if (find_dependence(gradient, DERIVATIVES, &d)) {
    if (want == CJ_VHP || want == CJ_HVP)
      want_columns(&d, "the Hessian with respect to input %u does not depend on the inputs" WHY_GRAPH);
    else
      want_all(&d, "the Hessian with respect to inputs %u and %u does not depend on the inputs" WHY_GRAPH);
  }
  return close(&d);
}

bool cjj_check_strict(const cj_graph *f, const cj_request *rq) {
  if (!rq->strict) return true;
  if (!check_outputs(f, rq->want)) return false;
  if (cjj_issecond(rq->want)) return check_gradient(f, rq->want);
  return !rq->graph || check_jacobian(f, rq->want);
}

bool cjj_check_strict_gradient(const cj_graph *gradient, const cj_request *rq) {
  return !rq->strict || !rq->graph || check_hessian(gradient, rq->want);
}
