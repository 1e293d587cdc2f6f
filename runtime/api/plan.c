/* plan.c -- the public face of plans. */
#include "api/api.h"

#include <string.h>

/* f with what its captures stand for inside it as constants. */
static cj_graph *closed(cj_func *f) {
  cj_ctx *c = f->c;
  cj_graph *g = cjg_new(c);
  size_t nin = (size_t)f->g->narg + f->g->ncapture, bytes = (nin + f->g->nout + 1) * sizeof(cj_ref);
  cj_ref *in = g ? cjm_alloc(c, bytes) : NULL;
  for (uint32_t i = 0; in && i < nin && cjm_ok(c); i++) {
    if (i < f->g->narg)
      in[i] = cjg_arg(g, cjg_type(f->g, f->g->arg[i]));
    else if (f->capture[i - f->g->narg].kind == CJ_TENSOR)
      in[i] = cjg_tensor(g, f->capture[i - f->g->narg].u.tensor);
    else
      cjm_fail(c, CJ_EARG, "the function depends on a value of a trace; it has no plan of its own");
  }
  if (in && cjm_ok(c) && cjg_inline(g, f->g, in, in + nin))
    for (uint32_t i = 0; i < f->g->nout; i++) cjg_output(g, in[nin + i]);
  cjm_free(c, in, bytes);
  if (cjm_ok(c)) return g;
  cjg_free(g);
  return NULL;
}

cj_status cj_plan_new(cj_func *f, cj_plan **out) {
  cjm_clear(f->c);
  *out = NULL;
  cj_graph *g = closed(f);
  if (g) (void)cje_plan_best(f->c, g, out);
  cjg_free(g);
  return f->c->status;
}

cj_plan *cj_plan_retain(cj_plan *p) {
  cje_plan_retain(p);
  return p;
}
void cj_plan_release(cj_plan *p) { cje_plan_free(p); }

/* The workspace starts with the views of the inputs. */
static size_t head(const cj_plan *p) {
  size_t n = (size_t)cje_plan_nin(p) * sizeof(cj_view);
  return (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN;
}

size_t cj_plan_worksize(const cj_plan *p) { return head(p) + cje_plan_worksize(p, NULL); }

cj_status cj_plan_run(const cj_plan *p, const void *const *in, void *const *out, void *work) {
  cj_view *view = work;
  for (int i = 0; i < cje_plan_nin(p); i++) {
    /* Inputs are only read: a view has no const data because results go through one as well. */
    char *data;
    memcpy(&data, &in[i], sizeof data);
    view[i] = cjt_rowmajor(data, cje_plan_in(p, i));
  }
  return cje_plan_run(p, view, out, (char *)work + head(p), NULL, NULL, NULL);
}

cj_status cj_plan_write(const cj_plan *p, cj_write_fn w, void *ud) { return cje_plan_write(p, w, ud); }
