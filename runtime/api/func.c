/* func.c -- functions: programs with bound captures. */
#include "api/api.h"

#include <string.h>

static void func_free(cj_func *f) {
  cj_ctx *c = f->c;
  cj_vals_release(f->capture, (int)f->g->ncapture);
  cjm_free(c, f->capture, (f->g->ncapture + 1) * sizeof *f->capture);
  cjg_free(f->g);
  cjm_free(c, f, sizeof *f);
  cjm_release_ctx(c);
}

cj_status cj_func_wrap(cj_ctx *c, cj_graph *g, const cj_val *capture, cj_func **out) {
  cj_func *f = cjm_zalloc(c, sizeof *f);
  cj_val *own = f ? cjm_alloc(c, (g->ncapture + 1) * sizeof *own) : NULL;
  if (!own) {
    cjm_free(c, f, sizeof *f);
    cjg_free(g);
    return c->status;
  }
  for (uint32_t i = 0; i < g->ncapture; i++) {
    own[i] = capture[i];
    if (own[i].kind == CJ_TENSOR) cjt_retain(own[i].u.tensor);
  }
  *f = (cj_func){.c = c, .g = g, .capture = own, .refs = 1};
  cjm_retain_ctx(c);
  *out = f;
  return CJ_OK;
}

cj_func *cj_func_retain(cj_func *f) {
  __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
  return f;
}
void cj_func_release(cj_func *f) {
  if (f && __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0) func_free(f);
}

int cj_func_nin(const cj_func *f) { return (int)f->g->narg; }
int cj_func_nout(const cj_func *f) { return (int)f->g->nout; }
const cj_type *cj_func_in(const cj_func *f, int i) { return cjg_type(f->g, f->g->arg[i]); }
const cj_type *cj_func_out(const cj_func *f, int i) { return cjg_type(f->g, f->g->out[i]); }

cj_status cj_func_new(cj_ctx *c, int nin, const cj_type *in, int nout, cj_body body, void *ud, cj_func **out) {
  uint32_t trace;
  *out = NULL;
  if (cj_trace_open(c, &trace) != CJ_OK) return c->status;
  size_t bytes = (size_t)(nin + nout + 1) * sizeof(cj_val);
  cj_val *x = cjm_zalloc(c, bytes), *y = x ? x + nin : NULL;
  cj_status s = x ? CJ_OK : c->status;
  for (int i = 0; s == CJ_OK && i < nin; i++) s = cj_trace_input_type(c, trace, &in[i], &x[i]);
  if (s == CJ_OK) s = body(c, x, y, ud);
  if (s == CJ_OK)
    s = cj_trace_close(c, trace, y, nout, out);
  else if (cjm_ok(c))
    cjm_fail(c, s, "%s", cj_status_text(s));
  cj_trace_abandon(c, trace);
  cjm_free(c, x, bytes);
  return s;
}

/* --- programs at values -------------------------------------------------------------------------------------- */

static cj_status inline_at(cj_trace *t, const cj_graph *g, const cj_val *in, int nin, cj_val *out) {
  cj_ctx *c = t->g->c;
  size_t bytes = ((size_t)nin + g->nout + 1) * sizeof(cj_ref);
  cj_ref *refs = cjm_alloc(c, bytes);
  if (!refs) return c->status;
  for (int i = 0; i < nin && cjm_ok(c); i++) refs[i] = cj_ref_of(t, &in[i]);
  if (cjm_ok(c) && cjg_inline(t->g, g, refs, refs + nin))
    for (uint32_t i = 0; i < g->nout; i++) out[i] = cj_val_of(t, refs[(uint32_t)nin + i]);
  cjm_free(c, refs, bytes);
  return c->status;
}

static void drop_plan(cj_ctx *c, void *plan) {
  CJ_UNUSED(c);
  cje_plan_free(plan);
}

/* Plans have their constants inside, so all of them are the key. */
static cj_plan *plan_for(cj_ctx *c, const cj_graph *g) {
  size_t nkey = g->nkonst * sizeof *g->konst;
  cj_plan *p = cje_cache_find(c, g, CJE_PLANS, g->konst, nkey);
  if (p)
    (void)cje_plan_compile(p); /* it is not a single use */
  else if (cje_plan_new(c, g, &p) == CJ_OK && !cje_cache_put(c, g, CJE_PLANS, g->konst, nkey, p, drop_plan))
    p = NULL;
  return cjm_ok(c) ? p : NULL;
}

static cj_status run_plan(cj_ctx *c, const cj_plan *p, const cj_graph *g, const cj_view *in, cj_val *out, void **buf) {
  uint32_t made = 0;
  const char *fault = NULL;
  int line = 0;
  for (; made < g->nout; made++) {
    cj_tensor *y = cjt_new(c, cjg_type(g, g->out[made]));
    if (!y) break;
    out[made] = (cj_val){.kind = CJ_TENSOR, .u.tensor = y};
    buf[made] = y->data;
  }
  size_t ws = cje_plan_worksize(p, in);
  void *work = made == g->nout ? cje_work_take(c, ws) : NULL;
  if (work) {
    cj_status s = cje_plan_run(p, in, buf, work, c->cancel, &fault, &line);
    cje_work_give(c, work, ws);
    if (s != CJ_OK) cj_fault(c, s, fault, line);
  }
  if (!cjm_ok(c)) cj_vals_release(out, (int)made);
  return c->status;
}

static cj_status run_at(cj_ctx *c, const cj_graph *g, const cj_val *in, int nin, cj_val *out) {
  size_t bytes = (size_t)nin * sizeof(cj_view) + (g->nout + 1) * sizeof(void *);
  cj_plan *p = plan_for(c, g);
  cj_view *view = p ? cjm_alloc(c, bytes) : NULL;
  if (!view) return c->status;
  for (int i = 0; i < nin && cjm_ok(c); i++) {
    if (in[i].kind == CJ_TENSOR)
      view[i] = cjt_asview(in[i].u.tensor);
    else if (in[i].kind == CJ_SMALL)
      view[i] = cjt_rowmajor(in[i].u.small->data, in[i].u.small->type);
    else
      cjm_fail(c, CJ_EARG, "input %d has no number", i + 1);
  }
  if (cjm_ok(c)) run_plan(c, p, g, view, out, (void **)(view + nin));
  cjm_free(c, view, bytes);
  return c->status;
}

cj_status cj_program_apply(cj_ctx *c, const cj_graph *g, const cj_val *in, cj_val *out) {
  cj_trace *t;
  int nin = (int)(g->narg + g->ncapture);
  if (!cj_innermost(c, in, nin, &t)) return c->status;
  return t ? inline_at(t, g, in, nin, out) : run_at(c, g, in, nin, out);
}

static bool check_arg(cj_ctx *c, const cj_func *f, const cj_val *x, int i) {
  cj_type have, want = *cj_func_in(f, i);
  if (!cj_type_of(c, x, &have)) return false;
  if (cjt_same(&have, &want)) return true;
  char buf[512];
  cj_text w = {buf, 0, sizeof buf};
  cjm_putf(&w, "argument %d is ", i + 1);
  cjt_puttype(&w, &have);
  cjm_puts(&w, ", wanted ");
  cjt_puttype(&w, &want);
  return cjm_fail(c, CJ_ESHAPE, "%s", buf), false;
}

cj_status cj_func_apply(cj_func *f, const cj_val *x, int nx, cj_val *out) {
  cj_ctx *c = f->c;
  cjm_clear(c);
  if (nx != cj_func_nin(f)) return cjm_fail(c, CJ_EARG, "the function takes %d arguments, got %d", cj_func_nin(f), nx);
  for (int i = 0; i < nx; i++)
    if (!check_arg(c, f, &x[i], i)) return c->status;
  size_t bytes = ((size_t)nx + f->g->ncapture + 1) * sizeof(cj_val);
  cj_val *in = cjm_alloc(c, bytes);
  if (!in) return c->status;
  if (nx) memcpy(in, x, (size_t)nx * sizeof *in);
  if (f->g->ncapture) memcpy(in + nx, f->capture, f->g->ncapture * sizeof *in);
  cj_program_apply(c, f->g, in, out);
  cjm_free(c, in, bytes);
  return c->status;
}

/* --- transforms ------------------------------------------------------------------------------------------------ */

/* A request from a host: its size says which fields it knows. */
cj_request *cj_request_read(cj_request *own, const cj_request *rq) {
  *own = (cj_request){.size = sizeof *own};
  memcpy(own, rq, rq->size < sizeof *own ? rq->size : sizeof *own);
  return own;
}

cj_status cj_func_derive(cj_func *f, const cj_request *rq, cj_func **out) {
  cj_ctx *c = f->c;
  cj_request own;
  cjj_derived *d = NULL;
  const cj_graph *p;
  cjm_clear(c);
  *out = NULL;
  int nv = rq->want == CJ_VJP ? cj_func_nout(f) : rq->want >= CJ_JVP && rq->want <= CJ_HVP ? cj_func_nin(f) : 0;
  if (cjj_derive(c, f->g, cj_request_read(&own, rq), nv, &d) == CJ_OK && cjj_program(d, &p) == CJ_OK) {
    cj_graph *g = cjg_prune(p);
    if (g) cj_func_wrap(c, g, f->capture, out);
  }
  cjj_free(c, d);
  return c->status;
}

cj_status cj_func_batch(cj_func *f, const bool *which, int64_t n, cj_func **out) {
  cj_ctx *c = f->c;
  cjm_clear(c);
  *out = NULL;
  size_t nin = (size_t)f->g->narg + f->g->ncapture;
  uint8_t *on = cjm_zalloc(c, nin + 1);
  if (!on) return c->status;
  for (uint32_t i = 0; i < f->g->narg; i++) on[i] = which[i];
  cj_graph *g = cjx_batch(f->g, on, n);
  if (g) cj_func_wrap(c, g, f->capture, out);
  cjm_free(c, on, nin + 1);
  return c->status;
}

cj_status cj_func_write(const cj_func *f, cj_form form, cj_write_fn w, void *ud) {
  return form == CJ_DOT ? cjg_dot(f->g, w, ud) : cjg_write(f->g, w, ud);
}
