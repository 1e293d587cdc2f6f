/* chain_cut.c -- the values that every path from the inputs to the outputs goes through. */
#include "jacobian/chain.h"

#include <string.h>

typedef struct cut_search {
  const cj_graph *f;
  uint8_t *live, *on; /* on: carries a derivative */
  cj_ref *last;       /* who reads it last for a derivative; f->len: outputs; 0: nobody */
  uint32_t *dying;    /* by instruction: how many are read last by it */
} cut_search;

static bool carries_on(const cut_search *s, cj_ref r) {
  const cj_ref *in = cjg_operands(s->f, r);
  if (cjg_issource(s->f, r) || cjg_row(s->f, r)->flags & CJ_NODIFF || !cjt_isfloat(cjg_type(s->f, r)->dtype))
    return false;
  for (int i = 0; i < cjg_at(s->f, r)->nin; i++)
    if (s->on[in[i]]) return true;
  return false;
}

static void find_readers(cut_search *s, const uint8_t *active) {
  const cj_graph *f = s->f;
  for (uint32_t j = 0; j < f->narg; j++) s->on[f->arg[j]] = active[j];
  for (cj_ref r = 1; r < f->len; r++) {
    if (!s->live[r] || s->on[r] || !carries_on(s, r)) continue;
    s->on[r] = 1;
    for (int i = 0; i < cjg_at(f, r)->nin; i++)
      if (s->on[cjg_operands(f, r)[i]]) s->last[cjg_operands(f, r)[i]] = r;
  }
  for (uint32_t i = 0; i < f->nout; i++)
    if (s->on[f->out[i]]) s->last[f->out[i]] = f->len;
  for (cj_ref r = 1; r < f->len; r++) s->dying[s->last[r]]++;
}

static int64_t width_of(const cj_graph *f, cj_ref r) { return cjt_count(cjg_type(f, r)); }

/* Only one element by one of the cut before it: a cut there gains nothing. */
static bool follows(const cut_search *s, cj_ref r, cj_ref before) {
  cj_rowkind kind = cjg_row(s->f, r)->kind;
  if (!before || (kind != CJ_ELEMENTWISE && kind != CJ_VIEWS) || width_of(s->f, r) != width_of(s->f, before))
    return false;
  for (int i = 0; i < cjg_at(s->f, r)->nin; i++)
    if (s->on[cjg_operands(s->f, r)[i]] && cjg_operands(s->f, r)[i] != before) return false;
  return true;
}

/* Among as many cuts as there is room for, the widest one gives way; of equals, the first. */
static void add_cut(cjj_chain *k, cj_ref r) {
  uint32_t widest = 1;
  if (k->n < CJJ_MOSTCUTS) {
    k->cut[k->n++] = r;
    return;
  }
  for (uint32_t i = 2; i < k->n; i++)
    if (width_of(k->f, k->cut[i]) > width_of(k->f, k->cut[widest])) widest = i;
  if (width_of(k->f, r) >= width_of(k->f, k->cut[widest])) return;
  memmove(k->cut + widest, k->cut + widest + 1, (k->n - widest - 1) * sizeof *k->cut);
  k->cut[k->n - 1] = r;
}

/* A path that goes past r would show in a value before r that is read behind it. */
static void collect_cuts(const cut_search *s, cjj_chain *k) {
  cj_ref before = 0;
  uint32_t alive = 0;
  k->n = 1;
  for (cj_ref r = 1; r < s->f->len; r++) {
    if (!s->on[r]) continue;
    alive += (s->last[r] != 0) - s->dying[r];
    if (alive != 1 || s->last[r] == 0 || s->last[r] == s->f->len || cjg_issource(s->f, r)) continue;
    if (width_of(s->f, r) > 0 && cjg_type(s->f, r)->rank < CJ_MAXRANK && !follows(s, r, before)) add_cut(k, r);
    before = r;
  }
}

static void measure_cuts(cjj_chain *k, const uint8_t *on) {
  const cj_graph *f = k->f;
  memset(k->size, 0, sizeof k->size);
  for (uint32_t j = 0; j < f->narg; j++)
    if (k->active[j]) k->size[0] += (double)cjt_count(cjj_x(f, (int)j));
  for (uint32_t i = 1; i < k->n; i++) k->size[i] = (double)width_of(f, k->cut[i]);
  for (uint32_t i = 0; i < f->nout; i++)
    if (on[f->out[i]] && cjj_has_derivative(f, (int)i)) k->size[k->n] += (double)width_of(f, f->out[i]);
}

bool cjj_chain_cuts(cjj_chain *k, uint8_t *on) {
  const cj_graph *f = k->f;
  size_t bytes = f->len * (1 + sizeof(cj_ref)) + (f->len + (size_t)1) * sizeof(uint32_t);
  cut_search s = {.f = f, .on = on, .last = cjm_zalloc(f->c, bytes)};
  if (!s.last) return false;
  s.dying = s.last + f->len;
  s.live = (uint8_t *)(s.dying + f->len + 1);
  memset(on, 0, f->len);
  cjg_live(f, s.live);
  find_readers(&s, k->active);
  collect_cuts(&s, k);
  measure_cuts(k, on);
  cjm_free(f->c, s.last, bytes);
  return true;
}
