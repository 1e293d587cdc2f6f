/* trace.c -- open traces, their arguments and captures.  Closed ones are kept, emptied, for the next. */
#include "graph/trace.h"

#include <string.h>

#define SPARE_MAX 4
#define SPARE_NODES 65536 /* a trace that grew beyond gives its memory back */
#define SPARE_VALUES 64   /* and this for its values */

static cj_tracer *tracer(cj_ctx *c) {
  if (!c->tracer) c->tracer = cjm_zalloc(c, sizeof *c->tracer);
  return c->tracer;
}

/* The copy of a small tensor, which was input i, may serve the next trace. */
static void release_input(cj_tensor **kept, uint32_t i, const cj_origin *o) {
  cj_tensor *x = o->tensor;
  if (i >= CJG_KEPT || !o->small || !cjt_isunique(x)) {
    cjt_release(x);
    return;
  }
  cjt_release(kept[i]);
  kept[i] = x;
}

static cj_tensor *copy_small(cj_ctx *c, cj_tensor **kept, uint32_t i, const cj_small *s) {
  cj_tensor *x = i < CJG_KEPT ? kept[i] : NULL;
  if (!x || !cjt_same(&x->type, s->type)) return cjt_from(c, s->type, s->data);
  kept[i] = NULL;
  memcpy(x->data, s->data, cjt_bytes(s->type));
  return x;
}

static void empty(cj_trace *t) {
  cj_graph *g = t->g;
  for (uint32_t i = 0; i < t->nvalue; i++) cjt_release(t->value[i]);
  for (uint32_t i = 0; i < t->nguard; i++) cjt_release(t->guard[i].value);
  /* nothing else of the trace holds them any more */
  for (uint32_t i = 0; g && i < g->narg; i++) release_input(t->kept_arg, i, &t->arg[i]);
  for (uint32_t i = 0; g && i < g->ncapture; i++) release_input(t->kept_capture, i, &t->capture[i]);
  if (t->slot) memset(t->slot, 0, t->nslot * sizeof *t->slot);
  if (t->nvalue > SPARE_VALUES) {
    cjm_free(g->c, t->value, t->nvalue * sizeof *t->value);
    t->value = NULL;
    t->nvalue = 0;
  }
  if (t->value) memset(t->value, 0, t->nvalue * sizeof *t->value);
  t->nguard = 0;
  if (g) cjg_reset(g);
}

static void destroy(cj_ctx *c, cj_trace *t) {
  empty(t);
  for (int i = 0; i < CJG_KEPT; i++) {
    cjt_release(t->kept_arg[i]);
    cjt_release(t->kept_capture[i]);
  }
  cjm_free(c, t->value, t->nvalue * sizeof *t->value);
  cjg_free(t->g);
  cjm_free(c, t->arg, t->argcap * sizeof *t->arg);
  cjm_free(c, t->capture, t->capturecap * sizeof *t->capture);
  cjm_free(c, t->slot, t->nslot * sizeof *t->slot);
  cjm_free(c, t->guard, t->guardcap * sizeof *t->guard);
  cjm_free(c, t, sizeof *t);
}

static cj_trace *fresh(cj_ctx *c) {
  cj_trace *t = cjm_zalloc(c, sizeof *t);
  if (t && !(t->g = cjg_new(c))) {
    cjm_free(c, t, sizeof *t);
    return NULL;
  }
  return t;
}

cj_trace *cjg_trace_open(cj_ctx *c) {
  cj_tracer *tr = tracer(c);
  if (!tr) return NULL;
  cj_trace *t = tr->spare;
  if (t) {
    tr->spare = t->outer;
    tr->nspare--;
  } else if (!(t = fresh(c))) {
    return NULL;
  }
  t->id = ++tr->lastid ? tr->lastid : ++tr->lastid; /* 0 is no trace */
  t->outer = tr->top;
  t->guarded = t->outer && t->outer->guarded;
  t->lost = t->lasting = false;
  return tr->top = t;
}

cj_trace *cjg_trace_find(const cj_ctx *c, uint32_t id) {
  cj_trace *t = c->tracer ? c->tracer->top : NULL;
  while (t && t->id != id) t = t->outer;
  return t;
}

void cjg_trace_drop(cj_ctx *c, cj_trace *t) {
  cj_tracer *tr = c->tracer;
  cj_trace **p = &tr->top;
  while (*p && *p != t) p = &(*p)->outer;
  if (CJ_NEVER(*p == NULL)) return;
  *p = t->outer;
  if (tr->nspare >= SPARE_MAX || t->g->cap > SPARE_NODES) {
    destroy(c, t);
    return;
  }
  empty(t);
  t->outer = tr->spare;
  tr->spare = t;
  tr->nspare++;
}

void cjg_tracer_free(cj_ctx *c) {
  cj_tracer *tr = c->tracer;
  if (!tr) return;
  while (tr->top) cjg_trace_drop(c, tr->top);
  cjg_tracer_trim(c);
  cjm_free(c, tr, sizeof *tr);
  c->tracer = NULL;
}

void cjg_tracer_trim(cj_ctx *c) {
  cj_tracer *tr = c->tracer;
  while (tr && tr->spare) {
    cj_trace *t = tr->spare;
    tr->spare = t->outer;
    destroy(c, t);
  }
  if (tr) tr->nspare = 0;
}

cj_ref cjg_trace_arg(cj_trace *t, const cj_type *ty, const cj_origin *o) {
  cj_graph *g = t->g;
  if (!CJM_GROW(g->c, t->arg, t->argcap, g->narg + 1u)) return 0;
  cj_origin own = *o;
  if (o->small)
    own.tensor = copy_small(g->c, t->kept_arg, g->narg, o->small);
  else if (o->tensor)
    cjt_retain(o->tensor);
  if (o->small && !own.tensor) return 0;
  t->arg[g->narg] = own;
  cj_ref r = cjg_arg(g, ty);
  if (!r) cjt_release(own.tensor);
  return r;
}

/* --- captures, found again by what they stand for ------------------------------------------------------ */

static uint64_t hash_origin(const cj_origin *o) {
  const void *what = o->small ? (const void *)o->small : o->tensor;
  return cjm_mix((uint64_t)(uintptr_t)what, (uint64_t)o->trace << 32 | o->ref);
}

/* Another small tensor may lie where one was that is gone: so its elements are compared too. */
static bool sameorigin(const cj_origin *a, const cj_origin *b) {
  if (a->small != b->small) return false;
  if (b->small)
    return cjt_same(&a->tensor->type, b->small->type) &&
           memcmp(a->tensor->data, b->small->data, cjt_bytes(b->small->type)) == 0;
  return a->tensor == b->tensor && a->trace == b->trace && a->ref == b->ref;
}

static bool rehash_captures(cj_trace *t) {
  cj_ctx *c = t->g->c;
  uint32_t n = t->nslot ? 2 * t->nslot : 32;
  uint32_t *slot = cjm_zalloc(c, n * sizeof *slot);
  if (!slot) return false;
  cjm_free(c, t->slot, t->nslot * sizeof *slot);
  t->slot = slot;
  t->nslot = n;
  for (uint32_t i = 0; i < t->g->ncapture; i++) {
    uint32_t k = (uint32_t)hash_origin(&t->capture[i]) & (n - 1);
    while (slot[k]) k = (k + 1) & (n - 1);
    slot[k] = i + 1;
  }
  return true;
}

cj_ref cjg_trace_capture(cj_trace *t, const cj_type *ty, const cj_origin *o) {
  cj_graph *g = t->g;
  if (!cjg_ok(g)) return 0;
  if (2 * (uint64_t)g->ncapture >= t->nslot && !rehash_captures(t)) return 0;
  uint32_t k = (uint32_t)hash_origin(o) & (t->nslot - 1);
  for (; t->slot[k]; k = (k + 1) & (t->nslot - 1))
    if (sameorigin(&t->capture[t->slot[k] - 1], o)) return g->capture[t->slot[k] - 1];
  if (!CJM_GROW(g->c, t->capture, t->capturecap, g->ncapture + 1u)) return 0;
  cj_tensor *copy = o->small ? copy_small(g->c, t->kept_capture, g->ncapture, o->small) : NULL;
  if (o->small && !copy) return 0;
  t->capture[g->ncapture] = *o;
  if (copy) t->capture[g->ncapture].tensor = copy;
  cj_ref r = cjg_capture(g, ty);
  if (!r) return cjt_release(copy), 0;
  if (o->tensor) cjt_retain(o->tensor);
  t->slot[k] = g->ncapture;
  return r;
}
