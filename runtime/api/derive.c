/*
** derive.c -- from a trace to its derivative.  What is kept under the structure of a traced program is
** its derivative with the changeable constants as extra inputs, so a changing dt is a hit.
*/
#include "api/api.h"

#include <string.h>

/* --- derivatives, cached --------------------------------------------------------------------------------- */

typedef struct derived_entry {
  cjj_derived *d;
  uint32_t nlifted, cap;
  uint32_t *lifted; /* which constants of the traced program the last captures are */
  uint8_t *dtype;   /* of each of them */
} derived_entry;

static void drop_derived(cj_ctx *c, void *thing) {
  derived_entry *e = thing;
  cjj_free(c, e->d);
  cjm_free(c, e->lifted, e->cap * (sizeof *e->lifted + 1));
  cjm_free(c, e, sizeof *e);
}

static cj_graph *lift(derived_entry *e, const cj_graph *g) {
  cj_graph *lifted = cjx_lift(g, e->lifted, &e->nlifted);
  for (uint32_t i = 0; lifted && i < e->nlifted; i++)
    e->dtype[i] = cjg_type(lifted, lifted->capture[g->ncapture + i])->dtype;
  return lifted;
}

static derived_entry *make_entry(cj_ctx *c, const cj_graph *g, const cj_request *rq, int nv) {
  derived_entry *e = cjm_zalloc(c, sizeof *e);
  if (!e) return NULL;
  e->cap = g->nkonst + 1;
  if ((e->lifted = cjm_alloc(c, e->cap * (sizeof *e->lifted + 1)))) {
    e->dtype = (uint8_t *)(e->lifted + e->cap);
    cj_graph *lifted = lift(e, g);
    if (lifted) (void)cjj_derive(c, lifted, rq, nv, &e->d);
    cjg_free(lifted);
  }
  if (cjm_ok(c)) return e;
  drop_derived(c, e);
  return NULL;
}

/* The bytes of a request that decide its program. */
typedef struct reqkey {
  int64_t chunk;
  uint64_t max_bytes;
  uint8_t want, strategy, value, strict, graph, v, explain, pad;
} reqkey;

static reqkey key_of_request(const cj_request *rq, int nv) {
  reqkey key;
  memset(&key, 0, sizeof key);
  key.chunk = rq->chunk;
  key.max_bytes = rq->max_bytes;
  key.want = (uint8_t)rq->want;
  key.strategy = (uint8_t)rq->strategy;
  key.value = rq->value;
  key.strict = rq->strict;
  key.graph = rq->strict && rq->graph;
  key.v = nv != 0;
  key.explain = rq->explain != NULL; /* traced with lines, which are told */
  return key;
}

/* Borrowed from the cache until the next call that may put. */
static derived_entry *entry_for(cj_ctx *c, const cj_graph *g, const cj_request *rq, int nv) {
  reqkey key = key_of_request(rq, nv);
  derived_entry *e = cje_cache_find(c, g, CJE_DERIVATIVES, &key, sizeof key);
  if (e) return cjj_compile(c, e->d) == CJ_OK ? e : NULL; /* it is not a single use */
  if (!(e = make_entry(c, g, rq, nv))) return NULL;
  return cje_cache_put(c, g, CJE_DERIVATIVES, &key, sizeof key, e, drop_derived) ? e : NULL;
}

/* --- values of the inputs: arguments, v, captures, constants ------------------------------------------------ */

typedef struct constant {
  cj_type type;
  union {
    double d;
    float f;
  } u;
} constant;

typedef struct input_set {
  cj_view *view; /* n of them; of concrete values only */
  cj_val *val;   /* borrowed; the last nkonst are numbers */
  constant *konst;
  int n, nkonst;
  size_t bytes;
  char few[1536]; /* room for small calls */
} input_set;

static bool inputs_open(cj_ctx *c, input_set *x, int n, int nkonst) {
  x->n = n;
  x->nkonst = nkonst;
  x->bytes = (size_t)n * (sizeof *x->view + sizeof *x->val) + (size_t)nkonst * sizeof *x->konst;
  char *p = x->bytes <= sizeof x->few ? x->few : cjm_alloc(c, x->bytes);
  if (!p) return false;
  x->view = (cj_view *)(void *)p;
  x->val = (cj_val *)(x->view + n);
  x->konst = (constant *)(x->val + n);
  return true;
}

static void inputs_close(cj_ctx *c, input_set *x) {
  if ((char *)x->view != x->few) cjm_free(c, x->view, x->bytes);
}

static void set_value(input_set *x, int i, cj_val v) {
  x->val[i] = v;
  if (v.kind == CJ_TENSOR) x->view[i] = cjt_asview(v.u.tensor);
}

static void set_constant(input_set *x, int i, int k, double v, int dtype) {
  constant *n = &x->konst[k];
  n->type = cjt_scalar(dtype);
  if (dtype == CJ_F32)
    n->u.f = (float)v;
  else
    n->u.d = v;
  x->val[i] = (cj_val){.kind = CJ_NUM, .u.num = v};
  x->view[i] = cjt_rowmajor(&n->u, &n->type);
}

static bool fill(cj_ctx *c, input_set *x, const cj_trace *t, const cj_val *v, int nv, const derived_entry *e) {
  const cj_graph *g = t->g;
  int k = 0;
  for (uint32_t i = 0; i < g->narg; i++) set_value(x, k++, cj_origin_val(&t->arg[i]));
  for (int i = 0; i < nv; i++) set_value(x, k++, v[i]);
  for (uint32_t i = 0; i < g->ncapture; i++) set_value(x, k++, cj_origin_val(&t->capture[i]));
  for (int i = 0; i < k; i++)
    if (x->val[i].kind == CJ_NONE)
      return cjm_fail(c, CJ_ENOVALUE, "an argument of the function has no number here"), false;
  for (uint32_t i = 0; i < e->nlifted; i++) set_constant(x, k++, (int)i, g->konst[e->lifted[i]], e->dtype[i]);
  return true;
}

/* --- the two ways to a result ----------------------------------------------------------------------------------- */

/* Where result i goes; NULL: ENOMEM. */
static void *make_result(cj_ctx *c, const cj_request *rq, int i, const cj_type *t, cj_val *out) {
  const cj_small *own = rq->place ? rq->place(rq->place_ud, i, t) : NULL;
  if (own) {
    *out = (cj_val){.kind = CJ_SMALL, .u.small = own};
    return own->data;
  }
  cj_tensor *y = cjt_new(c, t);
  if (y) *out = (cj_val){.kind = CJ_TENSOR, .u.tensor = y};
  return y ? y->data : NULL;
}

static cj_status run_derived(cj_ctx *c, cjj_derived *d, const input_set *x, const cj_request *rq, cj_val *out) {
  int n = cjj_nout(d), made = 0, line = 0;
  void *few[8], **buf = few;
  const char *fault = NULL;
  if (n > (int)CJ_COUNT(few) && !(buf = cjm_alloc(c, (size_t)n * sizeof *buf))) return c->status;
  for (; made < n; made++)
    if (!(buf[made] = make_result(c, rq, made, cjj_out(d, made), &out[made]))) break;
  if (made == n) {
    cj_status s = cjj_run(c, d, x->view, buf, &fault, &line);
    if (s != CJ_OK) cj_fault(c, s, fault, line);
  }
  if (buf != few) cjm_free(c, buf, (size_t)n * sizeof *buf);
  if (!cjm_ok(c)) cj_vals_release(out, made);
  return c->status;
}

/* A program written into t; the constants keep the dtypes that the program gives its last captures. */
static cj_status inline_in(cj_trace *t, const cj_graph *p, const input_set *x, bool detach, cj_val *out) {
  cj_ctx *c = t->g->c;
  size_t bytes = ((size_t)x->n + p->nout) * sizeof(cj_ref);
  cj_ref *in = cjm_alloc(c, bytes), *res = in ? in + x->n : NULL;
  if (!in) return c->status;
  for (int i = 0; i < x->n && cjm_ok(c); i++) {
    bool isconst = i >= x->n - x->nkonst;
    in[i] = isconst ? cjg_num(t->g, x->konst[i - (x->n - x->nkonst)].type.dtype, x->val[i].u.num)
                    : cj_ref_of(t, &x->val[i]);
  }
  if (cjm_ok(c) && cjg_inline(t->g, p, in, res))
    for (uint32_t i = 0; i < p->nout; i++) {
      cj_ref r = detach ? cjg_emit(t->g, CJ_OP_stop, &res[i], 1, NULL) : res[i];
      out[i] = cj_val_of(t, r);
    }
  cjm_free(c, in, bytes);
  return c->status;
}

static cj_status produce(cj_ctx *c, const derived_entry *e, const input_set *x, const cj_request *rq, cj_val *out) {
  cj_trace *outer;
  const cj_graph *p;
  if (!cj_innermost(c, x->val, x->n, &outer)) return c->status;
  if (!outer) return run_derived(c, e->d, x, rq, out);
  if (cjj_program(e->d, &p) != CJ_OK) return c->status;
  return inline_in(outer, p, x, rq->detach, out);
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static bool check_v(cj_ctx *c, const cj_trace *t, const cj_request *rq, const cj_val *v, int nv) {
  const cj_graph *g = t->g;
  bool cotangents = rq->want == CJ_VJP;
  uint32_t n = cotangents ? g->nout : g->narg;
  if (nv == 0) return true;
  if (rq->want < CJ_VJP || rq->want > CJ_HVP) return cjm_fail(c, CJ_EARG, "no v is wanted here"), false;
  if ((uint32_t)nv != n)
    return cjm_fail(c, CJ_EARG, "v has %d tensors, %u are wanted: one for each %s", nv, n,
                    cotangents ? "output" : "input"),
           false;
  for (int i = 0; i < nv; i++) {
    cj_type have, want = *cjg_type(g, cotangents ? g->out[i] : g->arg[i]);
    if (!cj_type_of(c, &v[i], &have)) return false;
    if (cjt_sameshape(&have, &want)) continue;
    char buf[512];
    cj_text w = {buf, 0, sizeof buf};
    cjm_putf(&w, "v %d has shape ", i + 1);
    cjt_putshape(&w, &have);
    cjm_puts(&w, ", wanted ");
    cjt_putshape(&w, &want);
    cjm_putf(&w, " as %s %d", cotangents ? "output" : "input", i + 1);
    return cjm_fail(c, CJ_ESHAPE, "%s", buf), false;
  }
  return true;
}

/* v of another float dtype is cast; of ints too, as PyTorch allows. */
static bool cast_v(cj_ctx *c, const cj_trace *t, const cj_request *rq, const cj_val *v, int nv, cj_val *own) {
  int to = CJ_OP_to - 1, n;
  for (int i = 0; i < nv; i++) {
    cj_type have, want = *cjg_type(t->g, rq->want == CJ_VJP ? t->g->out[i] : t->g->arg[i]);
    own[i] = (cj_val){.kind = CJ_NONE};
    if (!cj_type_of(c, &v[i], &have)) return false;
    if (have.dtype == want.dtype && (v[i].kind == CJ_TENSOR || v[i].kind == CJ_TRACED)) {
      own[i] = v[i];
      if (v[i].kind == CJ_TENSOR) cjt_retain(v[i].u.tensor);
      continue;
    }
    cj_tensor *x = NULL;
    cj_val in = v[i];
    if (have.dtype == want.dtype && v[i].kind == CJ_SMALL) {
      if (cj_val_tensor(c, &v[i], &x) != CJ_OK) return false;
      own[i] = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
      continue;
    }
    if (v[i].kind != CJ_TRACED && cj_val_tensor(c, &v[i], &x) == CJ_OK) in = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
    cj_param p = {.n = 1, .v = {want.dtype}};
    (void)cj_apply(c, to, &in, 1, &p, 1, &own[i], 1, &n);
    cjt_release(x);
    if (!cjm_ok(c)) return false;
  }
  return true;
}

/* --- entries -------------------------------------------------------------------------------------------------------
 */

/* pattern: NULL, or set to that of the nonzeros (one reference). */
static cj_status derive_with(cj_ctx *c, cj_trace *t, const cj_request *rq, const cj_val *v, int nv, cj_val *out,
                             int cap, int *nout, cj_pattern **pattern) {
  derived_entry *e = entry_for(c, t->g, rq, nv);
  if (!e || (rq->explain && cj_explain_derived(c, e->d, rq) != CJ_OK)) return c->status;
  input_set x;
  *nout = cjj_nout(e->d);
  if (*nout > cap) return cjm_fail(c, CJ_ELIMIT, "%d results, room for %d", *nout, cap);
  if (!inputs_open(c, &x, (int)(t->g->narg + t->g->ncapture + e->nlifted) + nv, (int)e->nlifted)) return c->status;
  if (pattern) *pattern = cjj_pattern_retain(cjj_pattern_of(e->d));
  if (fill(c, &x, t, v, nv, e)) produce(c, e, &x, rq, out);
  inputs_close(c, &x);
  if (pattern && !cjm_ok(c)) {
    cjj_pattern_release(*pattern);
    *pattern = NULL;
  }
  return c->status;
}

static cj_status derive(cj_ctx *c, cj_trace *t, const cj_val *y, int ny, const cj_request *rq, const cj_val *v, int nv,
                        cj_val *out, int cap, int *nout, cj_pattern **pattern) {
  cj_val few[8], *own = few;
  for (int i = 0; i < ny && cjm_ok(c); i++) cjg_output(t->g, cj_ref_of(t, &y[i]));
  if (!cjm_ok(c) || !check_v(c, t, rq, v, nv)) return c->status;
  if (nv == 0) return derive_with(c, t, rq, NULL, 0, out, cap, nout, pattern);
  if (nv > (int)CJ_COUNT(few) && !(own = cjm_alloc(c, (size_t)nv * sizeof *own))) return c->status;
  for (int i = 0; i < nv; i++) own[i].kind = CJ_NONE;
  if (cast_v(c, t, rq, v, nv, own)) derive_with(c, t, rq, own, nv, out, cap, nout, pattern);
  cj_vals_release(own, nv);
  if (own != few) cjm_free(c, own, (size_t)nv * sizeof *own);
  return c->status;
}

cj_status cj_trace_derive(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_request *rq, const cj_val *v,
                          int nv, cj_val *out, int cap, int *nout) {
  cjm_clear(c);
  *nout = 0;
  cj_trace *t = cjg_trace_find(c, trace);
  if (!t) return cjm_fail(c, CJ_ESTALE, "the trace is not open");
  derive(c, t, y, ny, rq, v, nv, out, cap, nout, NULL);
  cj_trace_end(c, t);
  return c->status;
}

cj_status cj_trace_sparse(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_request *rq, cj_val *out,
                          int cap, int *nout, cj_pattern **pattern) {
  cjm_clear(c);
  *nout = 0;
  *pattern = NULL;
  cj_trace *t = cjg_trace_find(c, trace);
  if (!t) return cjm_fail(c, CJ_ESTALE, "the trace is not open");
  if (rq->want != CJ_NONZEROS && rq->want != CJ_HESSIAN_NONZEROS)
    cjm_fail(c, CJ_EARG, "nonzeros must be wanted");
  else
    derive(c, t, y, ny, rq, NULL, 0, out, cap, nout, pattern);
  cj_trace_end(c, t);
  return c->status;
}
