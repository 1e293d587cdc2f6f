/* native.c -- the code of a plan: made tape by tape and group by group, then put into pages of its own. */
#include "exec/native_gen.h"
#include "exec/native_group.h"
#include "kernel/kernels.h"

#include <stdlib.h>
#include <string.h>

bool cje_native_able(int isa) {
  const char *wanted = getenv("CJAC_NATIVE");
  return isa >= CJ_ISA_AVX2 && !(wanted && strcmp(wanted, "0") == 0);
}

bool cje_native_always(void) {
  const char *wanted = getenv("CJAC_NATIVE");
  return wanted && strcmp(wanted, "always") == 0;
}

/* An address in the pages as a function, which C can only say through its bytes. */
static cje_code code_at(const uint8_t *pages, uint32_t start) {
  const uint8_t *at = pages + start;
  cje_code f = NULL;
  if (start != UINT32_MAX) memcpy(&f, &at, sizeof f);
  return f;
}

static cje_code whole_code(const cj_plan *p) {
  if (p->step.n != 1) return NULL;
  if (p->step.at->kind == CJE_GROUP) return p->group.at[p->step.at->first].code;
  return p->step.at->kind == CJE_TAPE ? p->tape.at[p->step.at->first].code : NULL;
}

static void install_code(cj_plan *p, const cje_asm *a, const uint32_t *start) {
  p->pages = cje_pages_new(a->at, a->n);
  if (!p->pages) return;
  p->npages = a->n;
  p->c->code += a->n;
  for (uint32_t i = 0; i < p->tape.n; i++) p->tape.at[i].code = code_at(p->pages, start[i]);
  for (uint32_t i = 0; i < p->group.n; i++) p->group.at[i].code = code_at(p->pages, start[p->tape.n + i]);
  p->whole = whole_code(p);
}

static bool make_tapes(cje_gen *g, uint32_t *start) {
  for (uint32_t i = 0; i < g->p->tape.n; i++)
    if (!cje_native_tape(g, &g->p->tape.at[i], &start[i])) return false;
  return true;
}

static bool make_groups(cje_gen *g, uint32_t *start) {
  for (uint32_t i = 0; i < g->p->group.n; i++)
    if (!cje_native_group(g->p, &g->a, &g->p->group.at[i], &start[i])) return false;
  return true;
}

static void make_code(cj_plan *p) {
  cj_ctx *c = p->c;
  cje_gen g = {.p = p, .a = {.c = c}};
  size_t nbytes = ((size_t)p->tape.n + p->group.n) * sizeof(uint32_t);
  uint32_t *start = cjm_alloc(c, nbytes);
  if (start && make_tapes(&g, start) && make_groups(&g, start + p->tape.n) && g.a.n) install_code(p, &g.a, start);
  cjm_free(c, start, nbytes);
  cjm_free(c, g.a.at, g.a.cap);
  cjm_free(c, g.store.at, g.store.cap * sizeof *g.store.at);
  cjm_free(c, g.slot4.at, g.slot4.cap * sizeof *g.slot4.at);
  cjm_free(c, g.slot8.at, g.slot8.cap * sizeof *g.slot8.at);
}

cj_status cje_plan_compile(cj_plan *p) {
  if (p->native || !p->c->native || !cjm_ok(p->c)) return p->c->status;
  p->native = true;
  if (p->tape.n || p->group.n) make_code(p);
  for (uint32_t i = 0; i < p->loop.n && cjm_ok(p->c); i++)
    (void)cje_plan_compile(p->loop.at[i].body); /* as deep as programs nest */
  return p->c->status;
}

void cje_native_free(cj_plan *p) {
  cje_pages_free(p->pages, p->npages);
  p->c->code -= p->npages;
}
