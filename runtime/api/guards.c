/*
** guards.c -- numbers that decided what traced code did.  A trace inside another one ends before it; what its
** code asked for decided what the outer code did too, so its guards go outwards as instructions there.
*/
#include "api/api.h"

#include <string.h>

bool cj_guard_add(cj_trace *t, cj_ref r, cj_tensor *x) {
  for (uint32_t i = t->nguard; i-- > 0 && t->nguard - i < 8;)
    if (t->guard[i].ref == r) return true;
  if (!CJM_GROW(t->g->c, t->guard, t->guardcap, t->nguard + 1u)) return false;
  cjt_retain(x);
  t->guard[t->nguard++] = (cj_guard){r, x};
  return true;
}

cj_status cj_trace_guard(cj_ctx *c, uint32_t trace) {
  cjm_clear(c);
  cj_trace *t = cjg_trace_find(c, trace);
  if (!t) return cjm_fail(c, CJ_ESTALE, "the trace is not open");
  t->guarded = true;
  return CJ_OK;
}

/* --- outwards --------------------------------------------------------------------------------------- */

typedef struct leaving {
  cj_trace *t, *to;
  cj_graph part; /* t's program with the guards as its only outputs; shares all memory */
  cj_val *val;   /* what the inputs stand for */
  cj_ref *ref;   /* guards; the inputs in `to`; the guards there */
  uint8_t *live;
  uint32_t nin;
} leaving;

/* The innermost trace that the guards depend on. */
static bool find_outer(leaving *w) {
  cj_trace *t = w->t;
  cjg_live(&w->part, w->live);
  for (uint32_t i = 0; i < w->nin; i++) {
    bool arg = i < t->g->narg;
    cj_ref r = arg ? t->g->arg[i] : t->g->capture[i - t->g->narg];
    w->val[i] = w->live[r] ? cj_origin_val(arg ? &t->arg[i] : &t->capture[i - t->g->narg]) : (cj_val){.kind = CJ_NONE};
  }
  return cj_innermost(t->g->c, w->val, (int)w->nin, &w->to) && w->to;
}

static bool write_guards(leaving *w) {
  cj_ref *in = w->ref + w->t->nguard, *out = in + w->nin;
  for (uint32_t i = 0; i < w->nin; i++) in[i] = w->val[i].kind == CJ_NONE ? 0 : cj_ref_of(w->to, &w->val[i]);
  if (!cjg_inline(w->to->g, &w->part, in, out)) return false;
  for (uint32_t i = 0; i < w->t->nguard; i++)
    if (!cj_guard_add(w->to, out[i], w->t->guard[i].value)) return false;
  return true;
}

static bool send_guards(cj_trace *t) {
  cj_ctx *c = t->g->c;
  leaving w = {.t = t, .part = *t->g, .nin = t->g->narg + t->g->ncapture};
  size_t nval = (w.nin + 1) * sizeof *w.val, nref = (2 * (size_t)t->nguard + w.nin + 1) * sizeof *w.ref;
  char *p = cjm_alloc(c, nval + nref + t->g->len);
  if (!p) return false;
  w.val = (cj_val *)(void *)p;
  w.ref = (cj_ref *)(void *)(p + nval);
  w.live = (uint8_t *)(p + nval + nref);
  for (uint32_t i = 0; i < t->nguard; i++) w.ref[i] = t->guard[i].ref;
  w.part.out = w.ref;
  w.part.nout = t->nguard;
  bool ok = !find_outer(&w) || write_guards(&w);
  cjm_free(c, p, nval + nref + t->g->len);
  return ok;
}

/* An error on the way leaves the outer traces without guards that they need: they cannot be compiled. */
static void lose_guards(cj_ctx *c) {
  for (cj_trace *t = c->tracer->top; t; t = t->outer) t->lost = true;
}

void cj_guards_outwards(cj_ctx *c, cj_trace *t) {
  char msg[sizeof c->msg];
  cj_status s = c->status;
  if (!t->guarded || t->nguard == 0) return;
  memcpy(msg, c->msg, sizeof msg); /* this may be on the way out of an error, which is to be reported */
  cjm_clear(c);
  if (!send_guards(t) && !cjm_ok(c)) lose_guards(c);
  for (; t->nguard; t->nguard--) cjt_release(t->guard[t->nguard - 1].value);
  c->status = s;
  memcpy(c->msg, msg, sizeof msg);
}

void cj_trace_end(cj_ctx *c, cj_trace *t) {
  cj_guards_outwards(c, t);
  cjg_trace_drop(c, t);
}
