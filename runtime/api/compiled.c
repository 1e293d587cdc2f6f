/* compiled.c -- making compiled functions: from traces, and from each other. */
#include "api/compiled.h"
#include "exec/unroll.h"
#include "rules/build.h"

#include <string.h>

enum { GUARD_ALIGN = 8 };
static size_t guard_bytes(const cj_type *t) { return (cjt_bytes(t) + GUARD_ALIGN - 1) / GUARD_ALIGN * GUARD_ALIGN; }

/* --- life ------------------------------------------------------------------------------------------------ */

static void compiled_free(cj_compiled *k) {
  cj_ctx *c = k->c;
  cj_func_release(k->f);
  cjj_pattern_release(k->pattern);
  cjj_free(c, k->loops);
  cje_plan_free(k->plan);
  cjm_free(c, k->expect, k->nexpect);
  cjm_aligned_free(c, k->room, k->nroom);
  cjm_aligned_free(c, k->work, k->nwork);
  cjm_aligned_free(c, k->stage, k->nstage);
  cjm_free(c, k, sizeof *k);
  cjm_release_ctx(c);
}

cj_compiled *cj_compiled_retain(cj_compiled *k) {
  __atomic_fetch_add(&k->refs, 1, __ATOMIC_RELAXED);
  return k;
}
void cj_compiled_release(cj_compiled *k) {
  if (k && __atomic_sub_fetch(&k->refs, 1, __ATOMIC_ACQ_REL) == 0) compiled_free(k);
}

int cj_compiled_nin(const cj_compiled *k) { return (int)k->nx; }
int cj_compiled_nout(const cj_compiled *k) { return (int)k->ny; }
int cj_compiled_nguard(const cj_compiled *k) { return (int)k->nguard; }
const cj_type *cj_compiled_in(const cj_compiled *k, int i) { return cj_func_in(k->f, i); }
const cj_type *cj_compiled_out(const cj_compiled *k, int i) { return cj_func_out(k->f, i); }
bool cj_compiled_isbound(const cj_compiled *k) { return k->bound; }
cj_pattern *cj_compiled_pattern(const cj_compiled *k) { return k->pattern; }

/* Matrices can be singular and indices out of range. */
static bool can_fail(const cj_graph *g) {
  for (cj_ref r = 1; r < g->len; r++) {
    if (cjg_row(g, r)->fault) return true;
    for (int i = 0; !cjg_issource(g, r) && i < cjg_at(g, r)->nin; i++)
      if (cjg_type(g, cjg_operands(g, r)[i])->dtype == CJ_I64) return true;
  }
  return false;
}

/* Takes f, also on failure. */
static cj_compiled *compiled_open(cj_func *f, uint32_t nguard) {
  cj_ctx *c = f->c;
  cj_compiled *k = cjm_zalloc(c, sizeof *k);
  if (!k) {
    cj_func_release(f);
    return NULL;
  }
  *k = (cj_compiled){.c = c, .refs = 1, .f = f, .nx = f->g->narg, .nguard = nguard, .ny = f->g->nout - nguard};
  cjm_retain_ctx(c);
  for (uint32_t i = 0; i < f->g->ncapture; i++) k->bound |= f->capture[i].kind != CJ_TENSOR;
  k->careful = nguard > 0 || can_fail(f->g);
  for (uint32_t i = 0; i < nguard; i++) k->nexpect += guard_bytes(cj_func_out(f, (int)(k->ny + i)));
  if (!k->nexpect || (k->expect = cjm_zalloc(c, k->nexpect))) return k;
  k->nexpect = 0;
  compiled_free(k);
  return NULL;
}

/* --- programs ------------------------------------------------------------------------------------------------ */

static bool join_outputs(cj_graph *g, const cj_graph *f, const cj_ref *in, uint32_t from, uint32_t n, cj_ref *out) {
  cj_graph part = *f; /* shares all memory */
  part.out += from;
  part.nout = n;
  if (n == 0) return true;
  if (!cjg_inline(g, &part, in, out)) return false;
  for (uint32_t i = 0; i < n; i++) cjg_output(g, out[i] ? out[i] : cjb_zeros(g, cjg_type(f, part.out[i])));
  return cjg_ok(g);
}

cj_graph *cj_join(const cj_graph *p, const cj_graph *q, uint32_t from, uint32_t n) {
  cj_ctx *c = p->c;
  cj_graph *g = cjg_new(c);
  uint32_t nin = p->narg + p->ncapture, nout = p->nout > n ? p->nout : n;
  size_t bytes = ((size_t)nin + nout + 1) * sizeof(cj_ref);
  cj_ref *in = g ? cjm_alloc(c, bytes) : NULL;
  bool ok = in && cjg_inputs_like(g, p, in) && join_outputs(g, p, in, 0, p->nout, in + nin);
  if (ok && q) {
    memmove(in + q->narg, in + p->narg, p->ncapture * sizeof *in);
    ok = join_outputs(g, q, in, from, n, in + nin);
  }
  cjm_free(c, in, bytes);
  if (ok) return g;
  cjg_free(g);
  return NULL;
}

static uint32_t count_instructions(const cj_graph *g) {
  uint32_t n = 0;
  for (cj_ref r = 1; r < g->len; r++) n += !cjg_issource(g, r);
  return n;
}

/* --- from a trace ------------------------------------------------------------------------------------------- */

/* Guards that no call can change are dropped, and so are those that are there twice. */
static bool drop_fixed_guards(cj_trace *t) {
  const cj_graph *g = t->g;
  uint8_t *on = cjm_zalloc(g->c, g->len);
  if (!on) return false;
  for (uint32_t i = 0; i < g->narg; i++) on[g->arg[i]] = 1;
  for (uint32_t i = 0; i < g->ncapture; i++) on[g->capture[i]] = t->capture[i].tensor == NULL;
  for (cj_ref r = 1; r < g->len; r++)
    for (int i = 0; !on[r] && !cjg_issource(g, r) && i < cjg_at(g, r)->nin; i++) on[r] = on[cjg_operands(g, r)[i]];
  uint32_t kept = 0;
  for (uint32_t i = 0; i < t->nguard; i++) {
    cj_guard x = t->guard[i];
    if (on[x.ref] != 1) {
      cjt_release(x.value);
      continue;
    }
    on[x.ref] = 2;
    t->guard[kept++] = x;
  }
  t->nguard = kept;
  cjm_free(g->c, on, g->len);
  return true;
}

static bool copy_guard(const cj_guard *from, char *to) {
  cj_tensor *x = cjt_contiguous(from->value);
  if (!x) return false;
  memcpy(to, x->data, cjt_bytes(&x->type));
  cjt_release(x);
  return true;
}

static bool fill_expected(cj_compiled *k, const cj_trace *t) {
  char *to = k->expect;
  for (uint32_t i = 0; i < k->nguard; i++) {
    if (!copy_guard(&t->guard[i], to)) return false;
    to += guard_bytes(&t->guard[i].value->type);
  }
  return true;
}

static cj_func *func_of_trace(cj_trace *t) {
  cj_ctx *c = t->g->c;
  cj_func *f = NULL;
  cj_graph *g = cj_join(t->g, NULL, 0, 0);
  size_t bytes = (t->g->ncapture + 1) * sizeof(cj_val);
  cj_val *capture = g ? cjm_alloc(c, bytes) : NULL;
  for (uint32_t i = 0; capture && i < g->ncapture; i++) capture[i] = cj_origin_val(&t->capture[i]);
  if (capture)
    (void)cj_func_wrap(c, g, capture, &f);
  else
    cjg_free(g);
  cjm_free(c, capture, bytes);
  return f;
}

static cj_status compile_trace(cj_ctx *c, cj_trace *t, const cj_val *y, int ny, cj_compiled **out) {
  for (cj_trace *inner = c->tracer->top; inner != t; inner = inner->outer) cj_guards_outwards(c, inner);
  if (t->lost) return cjm_fail(c, CJ_ENOMEM, "%s", cj_status_text(CJ_ENOMEM));
  for (int i = 0; i < ny && cjm_ok(c); i++) cjg_output(t->g, cj_ref_of(t, &y[i]));
  if (!cjm_ok(c) || !drop_fixed_guards(t)) return c->status;
  for (uint32_t i = 0; i < t->nguard; i++) cjg_output(t->g, t->guard[i].ref);
  cj_func *f = cjm_ok(c) ? func_of_trace(t) : NULL;
  cj_compiled *k = f ? compiled_open(f, t->nguard) : NULL;
  if (!k) return c->status;
  k->traced = count_instructions(t->g);
  if (fill_expected(k, t))
    *out = k;
  else
    cj_compiled_release(k);
  return c->status;
}

cj_status cj_trace_compile(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, cj_compiled **out) {
  cjm_clear(c);
  *out = NULL;
  cj_trace *t = cjg_trace_find(c, trace);
  if (!t) return cjm_fail(c, CJ_ESTALE, "the trace is not open");
  compile_trace(c, t, y, ny, out);
  cjg_trace_drop(c, t); /* whoever calls the result meets its guards */
  return c->status;
}

cj_status cj_compiled_new(cj_func *f, cj_compiled **out) {
  cjm_clear(f->c);
  *out = compiled_open(cj_func_retain(f), 0);
  if (*out) (*out)->traced = count_instructions(f->g);
  return f->c->status;
}

/* --- from another one --------------------------------------------------------------------------------------- */

static bool take_derived(cj_compiled *k, cjj_derived **d) {
  k->choice = cj_choice_of(*d);
  if (cjj_pattern_of(*d)) k->pattern = cjj_pattern_retain(cjj_pattern_of(*d));
  if (!cjj_isloop(*d)) return true;
  k->loops = *d;
  *d = NULL;
  return true;
}

static cj_compiled *derived_compiled(const cj_compiled *k, cj_graph *g) {
  cj_func *f = NULL;
  if (!g || cj_func_wrap(k->c, g, k->f->capture, &f) != CJ_OK) return NULL;
  cj_compiled *own = compiled_open(f, k->nguard);
  if (own) own->traced = k->traced;
  return own;
}

cj_status cj_compiled_derive(cj_compiled *k, const cj_request *rq, int nv, cj_compiled **out) {
  cj_ctx *c = k->c;
  cj_request own;
  cjj_derived *d = NULL;
  const cj_graph *p;
  cjm_clear(c);
  *out = NULL;
  cj_graph values = *k->f->g; /* shares all memory */
  values.nout = k->ny;
  if (cjj_derive(c, &values, cj_request_read(&own, rq), nv, &d) == CJ_OK && cjj_program(d, &p) == CJ_OK) {
    cj_compiled *g = derived_compiled(k, cj_join(p, k->f->g, k->ny, k->nguard));
    if (g && k->nexpect) memcpy(g->expect, k->expect, k->nexpect);
    if (g) take_derived(g, &d);
    *out = g;
  }
  cjj_free(c, d);
  return c->status;
}

/* Every element of the batch is to go the same way. */
static void repeat_expected(const cj_compiled *k, int64_t n, cj_compiled *out) {
  const char *from = k->expect;
  char *to = out->expect;
  for (uint32_t i = 0; i < k->nguard; i++) {
    const cj_type *t = cj_func_out(k->f, (int)(k->ny + i));
    size_t bytes = cjt_bytes(t);
    for (int64_t b = 0; b < n; b++) memcpy(to + (size_t)b * bytes, from, bytes);
    from += guard_bytes(t);
    to += guard_bytes(cj_func_out(out->f, (int)(k->ny + i)));
  }
}

/* f over a batch.  Where all of it can be taken apart into numbers, these become vectors, one loop runs through all
** instructions, and no small tensor is ever made. */
static cj_graph *batched(const cj_graph *f, const uint8_t *which, int64_t n) {
  enum { FEW = 8 };
  cj_graph *apart = NULL;
  if (n >= FEW && !cje_unroll(f, true, &apart)) return NULL;
  cj_graph *g = cjx_batch(apart ? apart : f, which, n);
  cjg_free(apart);
  return g;
}

cj_status cj_compiled_batch(cj_compiled *k, int64_t n, cj_compiled **out) {
  cj_ctx *c = k->c;
  cjm_clear(c);
  *out = NULL;
  if (n < 0) return cjm_fail(c, CJ_EARG, "a batch of %lld", (long long)n);
  size_t nin = (size_t)k->nx + k->f->g->ncapture + 1;
  uint8_t *which = cjm_zalloc(c, nin);
  if (!which) return c->status;
  memset(which, 1, k->nx);
  *out = derived_compiled(k, batched(k->f->g, which, n));
  if (*out && k->nguard) repeat_expected(k, n, *out);
  cjm_free(c, which, nin);
  return c->status;
}
