/*
** waist.c -- mixed mode.  Where everything passes through one value of few elements, the Jacobian is the product
** of two: by reverse sweeps from the waist to the inputs, and forward sweeps from the waist to the outputs, as many
** as the waist has elements (the best bracketing of the chain rule: Griewank & Walther, "Evaluating Derivatives",
** SIAM 2008, chapter 10).  Either half is cut in the best way of its own, at another waist perhaps.
*/
#include "jacobian/parts.h"

#include <string.h>

/* --- finding one ------------------------------------------------------------------------------ */

typedef struct waist_search {
  const cj_graph *f;
  uint8_t *live, *on; /* on: carries a derivative */
  cj_ref *last;       /* who reads it last for a derivative; f->len: outputs; 0: nobody */
  uint32_t *dying;    /* by instruction: how many are read last by it */
} waist_search;

static bool carries_on(const waist_search *s, cj_ref r) {
  const cj_ref *in = cjg_operands(s->f, r);
  if (cjg_issource(s->f, r) || cjg_row(s->f, r)->flags & CJ_NODIFF || !cjt_isfloat(cjg_type(s->f, r)->dtype))
    return false;
  for (int i = 0; i < cjg_at(s->f, r)->nin; i++)
    if (s->on[in[i]]) return true;
  return false;
}

static void find_readers(waist_search *s) {
  const cj_graph *f = s->f;
  for (uint32_t j = 0; j < f->narg; j++) s->on[f->arg[j]] = 1;
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

/* A path that goes past r would show in a value before r that is read behind it. */
static cj_ref narrowest(const waist_search *s, int64_t most) {
  cj_ref best = 0;
  uint32_t alive = 0;
  for (cj_ref r = 1; r < s->f->len; r++) {
    if (!s->on[r]) continue;
    alive += (s->last[r] != 0) - s->dying[r];
    int64_t n = cjt_count(cjg_type(s->f, r));
    if (alive != 1 || s->last[r] == 0 || s->last[r] == s->f->len || n > most || cjg_issource(s->f, r)) continue;
    best = r;
    most = n - 1;
  }
  return best;
}

/* The first of the narrowest waists of at most so many elements; 0: there is none, or ENOMEM. */
static cj_ref find_waist(const cj_graph *f, int64_t most) {
  size_t bytes = f->len * (2 + sizeof(cj_ref)) + (f->len + (size_t)1) * sizeof(uint32_t);
  waist_search s = {.f = f, .last = cjm_zalloc(f->c, bytes)};
  if (!s.last) return 0;
  s.dying = s.last + f->len;
  s.live = (uint8_t *)(s.dying + f->len + 1);
  s.on = s.live + f->len;
  cjg_live(f, s.live);
  find_readers(&s);
  cj_ref r = narrowest(&s, most);
  cjm_free(f->c, s.last, bytes);
  return r;
}

/* --- the halves ----------------------------------------------------------------------------------- */

/* (v; x.., captures..) -> (y..): f from the value v of instruction at on. */
static cj_graph *tail_of(const cj_graph *f, cj_ref at) {
  cj_graph *g = cjg_new(f->c);
  size_t bytes = f->len * (sizeof(cj_ref) + 1);
  cj_ref *map = g ? cjm_zalloc(f->c, bytes) : NULL;
  if (map) {
    uint8_t *live = (uint8_t *)(map + f->len);
    cjg_live(f, live);
    cj_ref v = cjg_arg(g, cjg_type(f, at));
    for (uint32_t j = 0; j < f->narg; j++) map[f->arg[j]] = cjg_capture(g, cjg_type(f, f->arg[j]));
    for (uint32_t j = 0; j < f->ncapture; j++) map[f->capture[j]] = cjg_capture(g, cjg_type(f, f->capture[j]));
    for (cj_ref r = 1; r < f->len && cjg_ok(g); r++)
      if (live[r] && cjg_at(f, r)->op != CJ_OP_input) map[r] = r == at ? v : cjg_copy(g, f, r, map);
    for (uint32_t i = 0; i < f->nout && cjg_ok(g); i++) {
      cj_ref y = map[f->out[i]];
      cjg_output(g, y ? y : cjb_zeros(g, cjg_type(f, f->out[i])));
    }
  }
  cjm_free(f->c, map, bytes);
  if (map && cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}

typedef struct waist {
  cj_ref at;
  int64_t n;
  cj_ref out; /* the head's only output: at */
  cj_graph head, *tail;
  cj_graph *into, *from;     /* blocks of the head, of the tail */
  cjj_choice before, behind; /* how they are computed */
} waist;

static cj_ref waist_matrix(cj_graph *g, cj_ref r, int64_t rows, int64_t cols, int dtype) {
  cj_type t = {.dtype = (uint8_t)dtype, .rank = 2, .dim = {rows, cols}};
  return cjb_cast(g, cjb_reshape(g, r, &t), dtype);
}

static void emit_product(cjj_frame *w, const cj_graph *f, const waist *k, int i, int j, const cj_ref *into,
                         const cj_ref *from) {
  cj_type t;
  cj_ref J = 0;
  if (!cjj_block_type(f, i, j, &t)) return;
  if (cjt_count(&t) > 0 && cjj_has_derivative(f, i))
    J = cjb_matmul(w->g, waist_matrix(w->g, from[i], cjt_count(cjj_y(f, i)), k->n, t.dtype),
                   waist_matrix(w->g, into[j], k->n, cjt_count(cjj_x(f, j)), t.dtype));
  cjg_output(w->g, J ? cjb_reshape(w->g, J, &t) : cjb_zeros(w->g, &t));
}

/* room: refs of v, x.., captures.., then of the blocks of both halves. */
static void emit_products(cjj_frame *w, const cj_graph *f, const waist *k, cj_ref *room) {
  uint32_t nx = f->narg, nin = nx + f->ncapture;
  cj_ref *into = room + 1 + nin, *from = into + nx;
  const cj_ref *r = cjj_frame_inline(w, &k->head, NULL, 0);
  if (r) room[0] = r[0];
  memcpy(room + 1, w->x, nin * sizeof *room);
  if (r && (r = cjj_frame_inline(w, k->into, NULL, 0))) memcpy(into, r, nx * sizeof *r);
  if (!r || !cjg_inline(w->g, k->from, room, from)) return;
  for (int i = 0; i < (int)f->nout; i++)
    for (int j = 0; j < (int)nx && cjg_ok(w->g); j++) emit_product(w, f, k, i, j, into, from);
}

/* (x..; captures..) -> (values.., blocks..) */
static cj_graph *product_of_halves(const cj_graph *f, const cj_graph *values, const waist *k) {
  cjj_frame w;
  size_t bytes = (1 + 2 * (size_t)f->narg + f->ncapture + f->nout) * sizeof(cj_ref);
  cj_ref *room = cjm_alloc(f->c, bytes);
  if (cjj_frame_open(&w, f, NULL, 0, 0) && room) {
    if (values) cjj_frame_outputs(&w, cjj_frame_inline(&w, values, NULL, 0), values->nout);
    emit_products(&w, f, k, room);
  }
  cjm_free(f->c, room, bytes);
  return cjj_frame_close(&w);
}

/* --- whether ------------------------------------------------------------------------------------------ */

static double waist_total(const cj_graph *f, bool rows) {
  double n = 0;
  for (int i = 0; rows && i < (int)f->nout; i++)
    if (cjj_has_derivative(f, i)) n += (double)cjt_count(cjj_y(f, i));
  for (int j = 0; !rows && j < (int)f->narg; j++) n += (double)cjt_count(cjj_x(f, j));
  return n;
}

/* Writing the product, and the blocks of both halves. */
static double product_cost(double rows, double cols, double n) {
  return rows * cols * (1 + n / 4) + n * (rows + cols) + 2 * CJJ_NODE;
}

enum { MOST_WAISTS = 4, LEAST_SEEDS = 4 };
#define GAIN 0.7 /* at most so much of the cost without the waist: estimates are rough */

static cj_graph *best_blocks(const cj_graph *f, int depth, cjj_choice *choice);

/* Blocks of both halves, if they and their product cost less than `most`. */
static bool choose_halves(const cj_graph *f, waist *k, double most, int depth) {
  k->head = *f;
  k->out = k->at;
  k->head.out = &k->out;
  k->head.nout = 1;
  k->n = cjt_count(cjg_type(f, k->at));
  double product = product_cost(waist_total(f, true), waist_total(f, false), (double)k->n);
  if (product >= most) return true;
  k->into = best_blocks(&k->head, depth, &k->before);
  k->tail = k->into ? tail_of(f, k->at) : NULL;
  k->from = k->tail ? best_blocks(k->tail, depth, &k->behind) : NULL;
  if (!k->from) return false;
  if (product + fmax(k->before.chosen, 0) + fmax(k->behind.chosen, 0) < most) return true;
  cjg_free(k->from);
  k->from = NULL;
  return true;
}

static void note_halves(const waist *k, double product, cjj_choice *choice) {
  choice->strategy = "mixed (narrow waist)";
  choice->chosen = product + fmax(k->before.chosen, 0) + fmax(k->behind.chosen, 0);
  choice->passes = k->before.passes + k->behind.passes;
  choice->seeds = k->before.seeds + k->behind.seeds;
}

static bool waist_blocks(const cj_graph *f, const cj_graph *values, int depth, cjj_choice *choice, cj_graph **out) {
  double rows = waist_total(f, true), cols = waist_total(f, false), least = fmin(rows, cols);
  waist k = {.tail = NULL};
  *out = NULL;
  if (depth >= MOST_WAISTS || least < LEAST_SEEDS || !(choice->chosen > 0)) return true;
  k.at = find_waist(f, (int64_t)(least / 2));
  if (!k.at) return cjm_ok(f->c);
  bool ok = choose_halves(f, &k, GAIN * choice->chosen, depth + 1);
  if (ok && k.from) {
    *out = product_of_halves(f, values, &k);
    ok = *out != NULL;
    if (ok) note_halves(&k, product_cost(rows, cols, (double)k.n), choice);
  }
  cjg_free(k.into);
  cjg_free(k.from);
  cjg_free(k.tail);
  return ok;
}

bool cjj_waist_blocks(const cj_graph *f, const cj_graph *values, cjj_choice *choice, cj_graph **out) {
  return waist_blocks(f, values, 0, choice, out);
}

/* (x..; captures..) -> (blocks..) in the cheapest way; NULL: an error. */
static cj_graph *best_blocks(const cj_graph *f, int depth, cjj_choice *choice) {
  cjj_cut cut;
  cj_graph *g = NULL;
  if (!cjj_cut_choose(f->c, f, CJ_AUTO, &cut)) return NULL;
  *choice = cut.choice;
  if (waist_blocks(f, NULL, depth, choice, &g) && !g) g = cjj_blocks(f, NULL, f, &cut);
  cjj_cut_free(&cut);
  return g;
}
