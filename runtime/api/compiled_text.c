/* compiled_text.c -- what compiled functions say about themselves. */
#include "api/compiled.h"

#include <math.h>
#include <string.h>

static double known(double cost) { return isfinite(cost) && cost >= 0 ? cost : -1; }

static int64_t instructions(const cj_graph *g) {
  int64_t n = 0;
  for (cj_ref r = 1; r < g->len; r++) n += !cjg_issource(g, r);
  return n;
}

cj_status cj_compiled_stats(cj_compiled *k, cj_compiledstat *out) {
  cj_ctx *c = k->c;
  const cjj_choice *h = &k->choice;
  cjm_clear(c);
  memset(out, 0, sizeof *out);
  if (!k->bound && !cj_compiled_ready(k)) return c->status;
  *out = (cj_compiledstat){.traced = k->traced,
                           .ops = instructions(k->f->g),
                           .strategy = h->strategy,
                           .passes = h->passes,
                           .seeds = h->seeds,
                           .nonzeros = h->strategy ? h->nonzeros : -1,
                           .forward = h->strategy ? known(h->forward) : -1,
                           .backward = h->strategy ? known(h->backward) : -1,
                           .sparse = h->strategy ? known(h->sparse) : -1,
                           .chosen = h->strategy ? known(h->chosen) : -1};
  if (k->plan) {
    cje_counts n = cje_plan_counts(k->plan);
    out->steps = (int64_t)n.kernels + n.copies + n.groups + n.tapes;
    out->constants = n.constants;
  }
  out->work = k->nwork + k->nroom + k->nstage;
  for (uint32_t i = 0; i < k->f->g->ncapture; i++)
    if (k->f->capture[i].kind == CJ_TENSOR) out->constants += cjt_bytes(&k->f->capture[i].u.tensor->type);
  return CJ_OK;
}

/* --- text ---------------------------------------------------------------------------------------------------- */

typedef struct compiled_text {
  cj_write_fn w;
  void *ud;
  cj_status s;
  cj_text t;
  char line[512];
} compiled_text;

static compiled_text *text_open(compiled_text *o, cj_write_fn w, void *ud) {
  o->w = w;
  o->ud = ud;
  o->s = CJ_OK;
  o->t = (cj_text){o->line, 0, sizeof o->line};
  return o;
}

static void text_flush(compiled_text *o) {
  if (o->s == CJ_OK && o->t.n) o->s = o->w(o->ud, o->t.s, o->t.n);
  o->t.n = 0;
}

static void text_types(compiled_text *o, const cj_func *f, bool in, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (i) cjm_puts(&o->t, ", ");
    cjt_puttype(&o->t, in ? cj_func_in(f, (int)i) : cj_func_out(f, (int)i));
    text_flush(o);
  }
}

/* "(float64[3]) -> (float64[3, 3])" */
static void text_signature(compiled_text *o, const cj_compiled *k) {
  cjm_puts(&o->t, "(");
  text_types(o, k->f, true, k->nx);
  cjm_puts(&o->t, ") -> (");
  text_types(o, k->f, false, k->ny);
  cjm_puts(&o->t, ")\n");
  text_flush(o);
}

static void text_element(cj_text *t, const cj_type *type, const char *at) {
  double d;
  float f;
  int64_t i;
  memcpy(&d, at, type->dtype == CJ_F64 ? sizeof d : 0);
  memcpy(&f, at, type->dtype == CJ_F32 ? sizeof f : 0);
  memcpy(&i, at, type->dtype == CJ_I64 ? sizeof i : 0);
  switch (type->dtype) {
  case CJ_F64: cjm_putnum(t, d); break;
  case CJ_F32: cjm_putnum(t, (double)f); break;
  case CJ_I64: cjm_putf(t, "%lld", (long long)i); break;
  default: cjm_puts(t, *at ? "true" : "false");
  }
}

static void text_guards(compiled_text *o, const cj_compiled *k) {
  const char *at = k->expect;
  for (uint32_t i = 0; i < k->nguard; i++) {
    const cj_type *t = cj_func_out(k->f, (int)(k->ny + i));
    cjm_putf(&o->t, "  guard %%%u is ", k->f->g->out[k->ny + i]);
    if (cjt_count(t) == 1)
      text_element(&o->t, t, at);
    else
      cjm_puts(&o->t, "as it was");
    cjm_puts(&o->t, "\n");
    text_flush(o);
    at += (cjt_bytes(t) + 7) / 8 * 8;
  }
}

cj_status cj_compiled_write(const cj_compiled *k, cj_form form, cj_write_fn w, void *ud) {
  compiled_text o;
  if (form == CJ_DOT) return cjg_dot(k->f->g, w, ud);
  text_signature(text_open(&o, w, ud), k);
  if (o.s == CJ_OK) o.s = cjg_write(k->f->g, w, ud);
  text_guards(&o, k);
  return o.s;
}

/* --- why ------------------------------------------------------------------------------------------------------- */

cj_status cj_compiled_explain(cj_compiled *k, cj_write_fn w, void *ud) {
  cj_compiledstat x;
  compiled_text o;
  if (cj_compiled_stats(k, &x) != CJ_OK) return k->c->status;
  text_signature(text_open(&o, w, ud), k);
  cjm_putf(&o.t, "%lld instructions were recorded, the program has %lld; %u guards; %zu bytes of constants\n",
           (long long)x.traced, (long long)x.ops, k->nguard, x.constants);
  text_flush(&o);
  cj_choice_text(&o.t, &k->choice);
  text_flush(&o);
  if (k->loops) cjm_puts(&o.t, "computed in loops over a few directions at a time\n");
  text_flush(&o);
  if (o.s == CJ_OK && k->plan) o.s = cje_plan_write(k->plan, w, ud);
  return o.s;
}
