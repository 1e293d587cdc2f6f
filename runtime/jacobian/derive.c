/*
** derive.c -- from a request to a program: checks, the gradient for second order, the Jacobian from its
** passes.
*/
#include "jacobian/derived.h"

#include <string.h>

static const char *const want_name[] = {"value", "jacobian", "hessian",         "vjp",           "jvp",
                                        "vhp",   "hvp",      "sparse_jacobian", "sparse_hessian"};

typedef struct deriving {
  cj_ctx *c;
  const cj_graph *f; /* the function */
  cj_graph *grad;    /* second order: its gradient */
  const cj_request *rq;
  uint32_t nv;
} deriving;

static const cj_graph *subject(const deriving *d) { return d->grad ? d->grad : d->f; }

/* --- checks -------------------------------------------------------------------------------- */

bool cjj_check_arguments(const cj_graph *f) {
  for (uint32_t j = 0; j < f->narg; j++) {
    int dtype = cjj_x(f, (int)j)->dtype;
    if (cjt_isfloat(dtype)) continue;
    cjm_fail(f->c, CJ_EDTYPE, "argument %u is %s; derivatives need float64 or float32", j + 1,
             cj_dtype_name((cj_dtype)dtype));
    return false;
  }
  return true;
}

static void put_types(cj_text *w, const cj_graph *f, const cj_ref *r, uint32_t n, const char *what) {
  if (n == 1)
    cjt_puttype(w, cjg_type(f, r[0]));
  else
    cjm_putf(w, "%u %s", n, what);
}

static bool check_single_output(const deriving *d) {
  const cj_graph *f = d->f;
  char buf[128];
  cj_text w = {.s = buf, .cap = sizeof buf};
  if (f->nout == 1 && cjt_count(cjj_y(f, 0)) == 1) return true;
  put_types(&w, f, f->out, f->nout, "tensors");
  cjm_fail(d->c, CJ_ESHAPE, "%s: the function should return one tensor with one element; it returns %s",
           want_name[d->rq->want], buf);
  return false;
}

/* v may be left out where there is only one direction. */
static bool check_directions(const deriving *d) {
  cj_want want = d->rq->want;
  const cj_graph *f = d->f;
  bool out = want == CJ_VJP;
  uint32_t n = out ? f->nout : f->narg;
  const cj_ref *r = out ? f->out : f->arg;
  char buf[128];
  cj_text w = {.s = buf, .cap = sizeof buf};
  if (want < CJ_VJP || want > CJ_HVP) n = 0;
  if (d->nv == n || (d->nv == 0 && n == 1 && cjt_count(cjg_type(f, r[0])) == 1)) return true;
  if (d->nv > 0) {
    cjm_fail(d->c, CJ_EARG, "%s: v should be %u tensors, got %u", want_name[want], n, d->nv);
    return false;
  }
  put_types(&w, f, r, n, "tensors");
  cjm_fail(d->c, CJ_EARG, "%s: v may be left out only for one %s with one element; here it is %s", want_name[want],
           out ? "output" : "input", buf);
  return false;
}

/* --- programs -------------------------------------------------------------------------------------- */

static cj_ref *ones(cjj_frame *w, const cj_graph *h, uint32_t from, uint32_t n) {
  cj_ref *r = cjm_alloc(w->g->c, (n + (size_t)1) * sizeof *r);
  for (uint32_t i = 0; r && i < n; i++) r[i] = cjb_full(w->g, cjg_type(h, h->arg[from + i]), 1);
  return r;
}

/* (x.., v.., captures..) -> h's outputs, after f's if it is given; without v: at ones. */
static cj_graph *compose(const cj_graph *f, const cj_graph *values, const cj_graph *h, bool with_v) {
  uint32_t n = h->narg - f->narg;
  cjj_frame w;
  if (cjj_frame_open(&w, f, h, f->narg, with_v ? n : 0)) {
    cj_ref *v = with_v ? NULL : ones(&w, h, f->narg, n);
    if (values) cjj_frame_outputs(&w, cjj_frame_inline(&w, values, NULL, 0), values->nout);
    if (with_v || v) cjj_frame_outputs(&w, cjj_frame_inline(&w, h, with_v ? w.v : v, n), h->nout);
    if (v) cjm_free(f->c, v, (n + (size_t)1) * sizeof *v);
  }
  return cjj_frame_close(&w);
}

static cj_graph *zero_gradient(const cj_graph *f) {
  cjj_frame w;
  if (cjj_frame_open(&w, f, NULL, 0, 0))
    for (uint32_t j = 0; j < f->narg; j++) cjg_output(w.g, cjb_zeros(w.g, cjj_x(f, (int)j)));
  return cjj_frame_close(&w);
}

static cj_graph *gradient(const cj_graph *f) {
  if (!cjj_has_derivative(f, 0)) return zero_gradient(f);
  cj_graph *lin = cjx_vjp(f, NULL, false);
  cj_graph *g = lin ? compose(f, NULL, lin, false) : NULL;
  cjg_free(lin);
  return g;
}

static cj_graph *product_program(const deriving *d) {
  const cj_graph *s = subject(d), *values = d->rq->value ? d->f : NULL;
  bool back = d->rq->want == CJ_VJP || d->rq->want == CJ_VHP;
  cj_graph *lin = back ? cjx_vjp(s, NULL, false) : cjx_jvp(s, NULL, false);
  cj_graph *g = lin ? compose(d->f, values, lin, d->nv > 0) : NULL;
  cjg_free(lin);
  return g;
}

/* Pass k, and those that belong with it: how many; 0 after an error. */
static uint32_t emit_passes(cjj_frame *w, const cjj_cut *cut, uint32_t k, cj_ref *J) {
  const cjj_pass *p = &cut->pass[k];
  const cjj_part *part = &cut->part[p->part];
  if (part->unrolled) return cjj_unrolled_blocks(w, cut, p, J);
  const cj_ref *row = cjj_emit_pass(w, cut, p);
  if (row && part->pattern)
    cjj_coloured_blocks(w->g, w->f, cut, part, row, J);
  else if (row)
    cjj_dense_blocks(w->g, w->f, cut, p, row, J);
  return row && cjg_ok(w->g);
}

bool cjj_emit_blocks(cjj_frame *w, const cj_graph *s, const cj_ref *J) {
  for (int i = 0; i < (int)s->nout; i++)
    for (int j = 0; j < (int)s->narg; j++) {
      cj_type t;
      cj_ref r = J[(size_t)i * s->narg + (size_t)j];
      if (!cjj_block_type(s, i, j, &t)) return false;
      cjg_output(w->g, r ? r : cjb_zeros(w->g, &t));
    }
  return cjg_ok(w->g);
}

static bool emit_blocks(cjj_frame *w, const cj_graph *s, const cjj_cut *cut, cj_ref *J) {
  w->f = s; /* whose inputs are those of the function */
  for (uint32_t k = 0, n; k < cut->npass; k += n) {
    n = emit_passes(w, cut, k, J);
    if (n == 0) return false;
  }
  for (uint32_t k = 0; k < cut->npart; k++)
    if (cut->part[k].local && !cjj_local_blocks(w, cut, cut->part[k].local, J)) return false;
  return cjj_emit_blocks(w, s, J);
}

cj_graph *cjj_blocks(const cj_graph *f, const cj_graph *values, const cj_graph *s, const cjj_cut *cut) {
  cjj_frame w;
  size_t bytes = ((size_t)cut->nx * (size_t)cut->ny + 1) * sizeof(cj_ref);
  cj_ref *J = cjm_zalloc(f->c, bytes);
  if (cjj_frame_open(&w, f, NULL, 0, 0) && J) {
    if (values) cjj_frame_outputs(&w, cjj_frame_inline(&w, values, NULL, 0), values->nout);
    emit_blocks(&w, s, cut, J);
  }
  cjm_free(f->c, J, bytes);
  return cjj_frame_close(&w);
}

/* --- putting it together -------------------------------------------------------------------------- */

static bool check_request(deriving *d) {
  cj_want want = d->rq->want;
  if ((unsigned)want > CJ_HESSIAN_NONZEROS) {
    cjm_fail(d->c, CJ_EARG, "no such derivative (%d)", (int)want);
    return false;
  }
  if (want == CJ_VALUE) return check_directions(d);
  if (!cjj_check_arguments(d->f)) return false;
  if (cjj_issecond(d->rq->want) && !check_single_output(d)) return false;
  if (!check_directions(d)) return false;
  if (!cjj_check_strict(d->f, d->rq)) return false;
  if (!cjj_issecond(d->rq->want)) return true;
  d->grad = gradient(d->f);
  return d->grad && cjj_check_strict_gradient(d->grad, d->rq);
}

static bool plan_whole(cjj_derived *out) { return out->whole && cje_plan_new(out->c, out->whole, &out->plan) == CJ_OK; }

/* Instead of the whole from the middle, if nothing was asked for that speaks against it and it fits the memory. */
static bool try_chain(const deriving *d, const cj_graph *values, cjj_derived *out) {
  const cj_request *rq = d->rq;
  cjj_choice choice = out->choice;
  cj_graph *g;
  cj_plan *plan;
  if (rq->strategy != CJ_AUTO || rq->chunk > 0 || rq->max_bytes > 0) return true;
  if (!cjj_chain_blocks(subject(d), values, out->whole, &choice, &g)) return false;
  if (!g) return true;
  if (cje_plan_new(d->c, g, &plan) != CJ_OK) return cjg_free(g), false;
  if (cje_plan_worksize(plan, NULL) > CJJ_PASSBYTES) {
    cje_plan_free(plan);
    cjg_free(g);
    return true;
  }
  cjg_free(out->whole);
  out->whole = g;
  out->plan = plan;
  out->choice = choice;
  return true;
}

static bool derive_jacobian(const deriving *d, cjj_derived *out) {
  const cj_graph *values = d->rq->value ? d->f : NULL;
  if (!cjj_cut_choose(d->c, subject(d), d->rq->strategy, &out->cut)) return false;
  out->choice = out->cut.choice;
  out->first = values ? d->f->nout : 0;
  out->whole = cjj_blocks(d->f, values, subject(d), &out->cut);
  if (!out->whole || !try_chain(d, values, out)) return false;
  if (!out->plan && (!plan_whole(out) || !cjj_chunk(out, subject(d), values, d->rq))) return false;
  if (out->plan) cjj_cut_free(&out->cut);
  return true;
}

static bool derive_any(deriving *d, cjj_derived *out) {
  if (!check_request(d)) return false;
  cj_want want = d->rq->want;
  if (want == CJ_JACOBIAN || want == CJ_HESSIAN) return derive_jacobian(d, out);
  if (want == CJ_NONZEROS || want == CJ_HESSIAN_NONZEROS)
    return cjj_sparse(d->c, subject(d), d->rq->value && want == CJ_NONZEROS, want == CJ_HESSIAN_NONZEROS, &out->pattern,
                      &out->whole) == CJ_OK &&
           plan_whole(out);
  out->whole = want == CJ_VALUE ? cjg_prune(d->f) : product_program(d);
  return plan_whole(out);
}

cj_status cjj_derive(cj_ctx *c, const cj_graph *f, const cj_request *rq, int nv, cjj_derived **out) {
  deriving d = {.c = c, .f = f, .rq = rq, .nv = (uint32_t)nv};
  *out = NULL;
  cjj_derived *x = cjm_zalloc(c, sizeof *x);
  if (!x) return c->status;
  x->c = c;
  x->cut.c = c;
  if (derive_any(&d, x)) {
    *out = x;
  } else {
    cjj_free(c, x);
  }
  cjg_free(d.grad);
  return c->status;
}

void cjj_free(cj_ctx *c, cjj_derived *d) {
  if (!d) return;
  cje_plan_free(d->plan);
  cjj_loops_free(d);
  cjj_cut_free(&d->cut);
  cjg_free(d->whole);
  cjj_pattern_release(d->pattern);
  cjm_free(c, d, sizeof *d);
}

static void compile(cj_plan *p) {
  if (p) (void)cje_plan_compile(p);
}

cj_status cjj_compile(cj_ctx *c, cjj_derived *d) {
  compile(d->plan);
  compile(d->head.plan);
  for (uint32_t i = 0; i < d->nloop; i++) {
    compile(d->loop[i].body.plan);
    compile(d->loop[i].tail.plan);
  }
  return c->status;
}

int cjj_nout(const cjj_derived *d) { return (int)d->whole->nout; }
const cj_type *cjj_out(const cjj_derived *d, int i) { return cjg_type(d->whole, d->whole->out[i]); }

cj_pattern *cjj_pattern_of(const cjj_derived *d) { return d->pattern; }
const cjj_choice *cjj_choice_of(const cjj_derived *d) { return &d->choice; }
bool cjj_isloop(const cjj_derived *d) { return d->plan == NULL; }

cj_status cjj_program(cjj_derived *d, const cj_graph **out) {
  *out = d->whole;
  return CJ_OK;
}
