/*
** chain.c -- cross-country accumulation.  Where all paths go through some values on the way, a Jacobian is a chain of
** factors and need be swept neither from the inputs nor from the outputs: begun where identity seeds stay a diagonal
** for long, grown from there through what is cheap for many seeds (running sums, gathers, scalings), or multiplied
** together where it is narrow.  Inputs may go together or each its own way.
*/
#include "jacobian/chain.h"

#include <string.h>

enum { LEAST_SEEDS = 4, MOST_INPUTS = 16, MOST_LENGTH = 1 << 15 };
#define GAIN 0.75 /* at most so much of the cost of the plain way: estimates are rough */

typedef struct chain_set {
  uint32_t n; /* chains: one for all inputs together, or one an input */
  double cost;
  uint8_t *active; /* by chain and input */
  cjj_chain *chain;
} chain_set;

static size_t active_bytes(const cj_graph *f, uint32_t n) { return (size_t)n * (f->narg + (size_t)1); }

static void set_free(const cj_graph *f, chain_set *s) {
  cjm_free(f->c, s->active, active_bytes(f, s->n));
  cjm_free(f->c, s->chain, s->n * sizeof *s->chain);
  *s = (chain_set){0};
}

static bool weigh_chain(const cj_graph *f, cjj_chain *k, uint8_t *on, double *cost) {
  if (!cjj_chain_cuts(k, on) || !cjj_chain_costs(k, on)) return false;
  *cost += k->span[0][k->n].cost;
  return cjm_ok(f->c);
}

/* n: 1 or f->narg. */
static bool set_find(const cj_graph *f, uint32_t n, chain_set *s) {
  uint8_t *on = cjm_alloc(f->c, f->len);
  *s = (chain_set){.n = n};
  s->active = cjm_zalloc(f->c, active_bytes(f, n));
  s->chain = cjm_zalloc(f->c, n * sizeof *s->chain);
  bool ok = on && s->active && s->chain;
  for (uint32_t k = 0; k < n && ok; k++) {
    uint8_t *active = s->active + active_bytes(f, k);
    if (n == 1)
      memset(active, 1, f->narg);
    else
      active[k] = 1;
    s->chain[k] = (cjj_chain){.f = f, .active = active};
    ok = weigh_chain(f, &s->chain[k], on, &s->cost);
  }
  cjm_free(f->c, on, f->len);
  if (!ok) set_free(f, s);
  return ok;
}

static const char *name_of(const chain_set *s) {
  const cjj_chain *k = s->chain;
  if (s->n > 1) return "mixed";
  if (k->span[0][k->n].how == CJJ_SEED_FORWARD) return "forward-mode";
  return k->span[0][k->n].how == CJJ_SEED_BACKWARD ? "reverse-mode" : "cross-country";
}

/* Between which cuts the seeds go first; of a product, those of its first factor. */
static void note_begin(const cjj_chain *k, cjj_choice *note) {
  uint32_t i = 0, j = k->n;
  cjj_span s = k->span[i][j];
  for (; s.how > CJJ_SEED_BACKWARD; s = k->span[i][j]) {
    if (s.how == CJJ_GROW_BACKWARD)
      i = s.at;
    else
      j = s.at;
  }
  note->begun = i > 0 || j < k->n;
  note->backwards = s.how == CJJ_SEED_BACKWARD;
  note->from = (int64_t)k->size[i];
  note->to = (int64_t)k->size[j];
  note->from_line = i ? k->f->line[k->cut[i]] : -1;
  note->to_line = j < k->n ? k->f->line[k->cut[j]] : -1;
}

static cj_graph *set_emit(const cj_graph *f, const cj_graph *values, const chain_set *s, cjj_choice *note) {
  cjj_frame w;
  size_t bytes = ((size_t)f->narg * f->nout + 1) * sizeof(cj_ref);
  cj_ref *J = cjm_zalloc(f->c, bytes);
  note->passes = note->seeds = 0;
  note->chosen = s->cost;
  note->strategy = name_of(s);
  if (s->n == 1) note_begin(s->chain, note);
  if (cjj_frame_open(&w, f, NULL, 0, 0) && J) {
    bool ok = true;
    if (values) cjj_frame_outputs(&w, cjj_frame_inline(&w, values, NULL, 0), values->nout);
    for (uint32_t k = 0; k < s->n && ok; k++) ok = cjj_chain_emit(&w, &s->chain[k], J, note);
    if (ok) cjj_emit_blocks(&w, f, J);
  }
  cjm_free(f->c, J, bytes);
  return cjj_frame_close(&w);
}

/* The cheaper of one chain for all inputs and one for each; none if neither is thought to pay. */
static bool find_set(const cj_graph *f, double most, chain_set *s) {
  chain_set each;
  if (!set_find(f, 1, s)) return false;
  if (f->narg > 1 && f->narg <= MOST_INPUTS) {
    if (!set_find(f, f->narg, &each)) return set_free(f, s), false;
    if (each.cost < 0.9 * s->cost) {
      chain_set all = *s;
      *s = each;
      each = all;
    }
    set_free(f, &each);
  }
  if (!(s->cost < most)) set_free(f, s);
  return true;
}

/* The estimate picks what is written, the programs themselves decide. */
static bool is_cheaper(const cj_graph *g, const cj_graph *plain, bool *out) {
  double mine, other;
  bool ok = cjj_cost_whole(g, &mine) && cjj_cost_whole(plain, &other);
  *out = ok && mine < GAIN * other;
  return ok;
}

static double least_seeds(const cj_graph *f) {
  double rows = 0, cols = 0;
  for (int i = 0; i < (int)f->nout; i++)
    if (cjj_has_derivative(f, i)) rows += (double)cjt_count(cjj_y(f, i));
  for (int j = 0; j < (int)f->narg; j++) cols += (double)cjt_count(cjj_x(f, j));
  return fmin(rows, cols);
}

bool cjj_chain_blocks(const cj_graph *f, const cj_graph *values, const cj_graph *plain, cjj_choice *choice,
                      cj_graph **out) {
  chain_set s;
  cjj_choice note = *choice;
  bool cheaper = false;
  *out = NULL;
  if (least_seeds(f) < LEAST_SEEDS || !(choice->chosen > 0) || f->len > MOST_LENGTH) return true;
  if (!find_set(f, GAIN * choice->chosen, &s)) return false;
  if (!s.n) return true;
  *out = set_emit(f, values, &s, &note);
  set_free(f, &s);
  if (!*out && f->c->status == CJ_ELIMIT) return cjm_clear(f->c), true; /* more axes than the plain way has */
  if (!*out) return false;
  bool ok = is_cheaper(*out, plain, &cheaper);
  if (ok && cheaper) {
    *choice = note;
  } else {
    cjg_free(*out);
    *out = NULL;
  }
  return ok;
}
