/* chain_emit.c -- the spans of a chain as instructions. */
#include "jacobian/chain.h"

#include <string.h>

typedef struct chain_emitter {
  cjj_frame *w;
  const cjj_chain *k;
  cj_ref *value;    /* of the cuts: n + 1 */
  cj_ref *in, *row; /* room: what goes into a sweep and comes out of it */
  cjj_choice *note;
} chain_emitter;

/* --- sweeps ----------------------------------------------------------------------------------- */

/* (v; x.., captures..) -> (y..): f from the value v of instruction at on. */
static cj_graph *program_behind(const cj_graph *f, cj_ref at) {
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

/* One sweep from cut i to cut j or, if output >= 0, back; by input a where i is 0. */
typedef struct chain_sweep {
  uint32_t i, j;
  int input, output;
  int64_t n; /* seeds */
} chain_sweep;

/* The program of the stretch, and its linear one with that many seeds. */
static cj_graph *linear_program(const chain_emitter *e, const chain_sweep *s) {
  const cjj_chain *k = e->k;
  cj_graph part = *k->f, *from = NULL, *lin = NULL, *many = NULL;
  cj_ref out = s->j < k->n ? k->cut[s->j] : s->output >= 0 ? part.out[s->output] : 0;
  if (out) part.out = &out, part.nout = 1;
  if (s->i && !(from = program_behind(&part, k->cut[s->i]))) return NULL;
  const cj_graph *f = from ? from : &part;
  size_t bytes = (size_t)f->narg + f->ncapture + 1;
  uint8_t *which = cjm_zalloc(part.c, bytes);
  if (which && s->output >= 0) {
    lin = cjx_vjp(f, from ? NULL : k->active, false);
  } else if (which) {
    which[from ? 0 : s->input] = 1;
    lin = cjx_jvp(f, which, false);
    which[from ? 0 : s->input] = 0;
  }
  if (which) which[f->narg] = 1;
  if (lin && s->n > 1) many = cjx_batch(lin, which, s->n);
  cjm_free(part.c, which, bytes);
  cjg_free(from);
  if (s->n == 1) return lin;
  cjg_free(lin);
  return many;
}

/* Rows into e->row, which are structural zeros after an error. */
static void run_sweep(chain_emitter *e, const chain_sweep *s, cj_ref seed) {
  const cj_graph *f = e->k->f;
  cj_graph *lin = seed ? linear_program(e, s) : NULL;
  uint32_t n = 0;
  if (s->i) e->in[n++] = e->value[s->i], e->in[n++] = seed;
  memcpy(e->in + n, e->w->x, f->narg * sizeof *e->in);
  n += f->narg;
  if (!s->i) e->in[n++] = seed;
  memcpy(e->in + n, e->w->x + f->narg, f->ncapture * sizeof *e->in);
  memset(e->row, 0, ((size_t)f->narg + f->nout) * sizeof *e->row);
  if (lin && !cjg_inline(e->w->g, lin, e->in, e->row)) memset(e->row, 0, lin->nout * sizeof *e->row);
  cjg_free(lin);
  e->note->passes++;
  e->note->seeds += s->n;
}

/* --- rows and columns ------------------------------------------------------------------------------ */

/* r as n seeds for a value of type t; 0: identity seeds. */
static cj_ref as_seeds(cj_graph *g, cj_ref r, int64_t n, const cj_type *t) {
  cj_type many;
  if (!r && n == 1) return cjb_full(g, t, 1);
  if (!r) r = cjb_eye(g, t->dtype, n, n);
  if (n == 1) return cjb_cast(g, cjb_reshape(g, r, t), t->dtype);
  if (!cjt_prepend(t, n, &many)) return cjm_fail(g->c, CJ_ELIMIT, "too many seeds in one pass"), 0;
  return cjb_cast(g, cjb_reshape(g, r, &many), t->dtype);
}

static cj_ref span_matrix(cj_graph *g, cj_ref r, int64_t rows, int64_t cols) {
  cj_type t = {.rank = 2, .dim = {rows, cols}};
  return r ? cjb_reshape(g, r, &t) : 0;
}

static int64_t elements_at(const cjj_chain *k, uint32_t i, int end) {
  const cj_graph *f = k->f;
  return cjt_count(i == 0 ? cjj_x(f, end) : i == k->n ? cjj_y(f, end) : cjg_type(f, k->cut[i]));
}

static const cj_type *type_at(const cjj_chain *k, uint32_t i, int end) {
  return i == 0 ? cjj_x(k->f, end) : i == k->n ? cjj_y(k->f, end) : cjg_type(k->f, k->cut[i]);
}

/* The q-th of what stands at cut i: an input that is differentiated by, an output with a derivative, the value. */
static bool stands_at(const cjj_chain *k, uint32_t i, int q) {
  if (i == 0) return k->active[q] && cjt_count(cjj_x(k->f, q)) > 0;
  return i == k->n ? cjj_has_derivative(k->f, q) : q == 0;
}
static int count_at(const cjj_chain *k, uint32_t i) {
  return i == 0 ? (int)k->f->narg : i == k->n ? (int)k->f->nout : 1;
}

/* Columns of B by input `input`, from seeds at cut s->i that are columns of span ..s->i, or identity seeds. */
static void sweep_forward(chain_emitter *e, chain_sweep s, cj_ref seed, int input, cj_ref *B) {
  const cjj_chain *k = e->k;
  cj_graph *g = e->w->g;
  const cj_type *at = type_at(k, s.i, s.input);
  if (seed) seed = cjb_mt(g, seed);
  s.output = -1;
  run_sweep(e, &s, as_seeds(g, seed, s.n, at));
  for (int o = 0; o < count_at(k, s.j); o++) {
    bool there = e->row[o] && stands_at(k, s.j, o);
    B[(size_t)o * k->f->narg + (size_t)input] =
        there ? cjb_mt(g, span_matrix(g, e->row[o], s.n, elements_at(k, s.j, o))) : 0;
  }
}

/* Rows of B by output `output`, from seeds at cut s->j that are rows of span s->j.., or identity seeds. */
static void sweep_backward(chain_emitter *e, chain_sweep s, cj_ref seed, int output, cj_ref *B) {
  const cjj_chain *k = e->k;
  cj_graph *g = e->w->g;
  int c = 0;
  run_sweep(e, &s, as_seeds(g, seed, s.n, type_at(k, s.j, s.output)));
  for (int a = 0; a < count_at(k, s.i); a++) {
    cj_ref row = s.i == 0 && !k->active[a] ? 0 : e->row[c++];
    B[(size_t)output * k->f->narg + (size_t)a] =
        row && stands_at(k, s.i, a) ? span_matrix(g, row, s.n, elements_at(k, s.i, a)) : 0;
  }
}

/* --- spans ------------------------------------------------------------------------------------------- */

static void emit_span(chain_emitter *e, uint32_t i, uint32_t j, cj_ref *B);

/* Identity seeds, or those that a shorter span gives. */
static void emit_forward(chain_emitter *e, uint32_t i, uint32_t at, uint32_t j, cj_ref *B) {
  for (int a = 0; a < count_at(e->k, i); a++) {
    cj_ref seed = at > i ? B[a] : 0;
    chain_sweep s = {.i = at, .j = j, .input = a, .n = elements_at(e->k, i, a)};
    if (at > i ? seed != 0 : stands_at(e->k, i, a)) sweep_forward(e, s, seed, a, B);
  }
}

static void emit_backward(chain_emitter *e, uint32_t i, uint32_t at, uint32_t j, cj_ref *B) {
  for (int o = 0; o < count_at(e->k, j); o++) {
    cj_ref seed = at < j ? B[(size_t)o * e->k->f->narg] : 0;
    chain_sweep s = {.i = i, .j = at, .output = at < j ? 0 : o, .n = elements_at(e->k, j, o)};
    if (at < j ? seed != 0 : stands_at(e->k, j, o)) sweep_backward(e, s, seed, o, B);
  }
}

static cj_ref multiply(cj_graph *g, cj_ref behind, cj_ref before) {
  if (!behind || !before) return 0;
  int dtype = cjg_type(g, before)->dtype;
  return cjb_matmul(g, cjb_cast(g, behind, dtype), before);
}

static void emit_product(chain_emitter *e, uint32_t i, uint32_t at, uint32_t j, cj_ref *B) {
  size_t nx = e->k->f->narg, n = (nx + 1) * ((size_t)e->k->f->nout + 1);
  cj_ref *behind = cjm_zalloc(e->w->g->c, n * sizeof *behind), *before = behind + n - nx;
  if (!behind) return;
  emit_span(e, at, j, behind);
  emit_span(e, i, at, B);
  memcpy(before, B, nx * sizeof *B);
  for (int o = 0; o < count_at(e->k, j); o++)
    for (int a = 0; a < count_at(e->k, i); a++)
      B[(size_t)o * nx + (size_t)a] = multiply(e->w->g, behind[(size_t)o * nx], before[a]);
  cjm_free(e->w->g->c, behind, n * sizeof *behind);
}

/* The Jacobian of what stands at cut j by what stands at cut i: matrices B[o * nx + a].  As deep as there are cuts. */
static void emit_span(chain_emitter *e, uint32_t i, uint32_t j, cj_ref *B) {
  cjj_span s = e->k->span[i][j];
  switch ((cjj_how)s.how) {
  case CJJ_SEED_FORWARD: emit_forward(e, i, i, j, B); break;
  case CJJ_SEED_BACKWARD: emit_backward(e, i, j, j, B); break;
  case CJJ_GROW_FORWARD:
    emit_span(e, i, s.at, B);
    emit_forward(e, i, s.at, j, B);
    break;
  case CJJ_GROW_BACKWARD:
    emit_span(e, s.at, j, B);
    emit_backward(e, i, s.at, j, B);
    break;
  case CJJ_MULTIPLY: emit_product(e, i, s.at, j, B); break;
  }
}

static bool emit_cuts(chain_emitter *e) {
  cj_graph values = *e->k->f;
  cj_ref out[CJJ_MOSTCUTS + 1];
  memcpy(out, e->k->cut, sizeof out);
  values.out = out + 1;
  values.nout = e->k->n - 1;
  const cj_ref *r = cjj_frame_inline(e->w, &values, NULL, 0);
  if (r) memcpy(e->value + 1, r, values.nout * sizeof *r);
  return r != NULL;
}

bool cjj_chain_emit(cjj_frame *w, const cjj_chain *k, cj_ref *J, cjj_choice *note) {
  const cj_graph *f = k->f;
  size_t nx = f->narg, ny = f->nout, n = CJJ_MOSTCUTS + 1 + nx * ny + 2 * (nx + ny) + f->ncapture + 2;
  cj_ref *room = cjm_zalloc(f->c, n * sizeof *room);
  if (!room) return false;
  cj_ref *B = room + CJJ_MOSTCUTS + 1;
  chain_emitter e = {.w = w, .k = k, .value = room, .row = B + nx * ny, .note = note};
  e.in = e.row + nx + ny;
  if (emit_cuts(&e)) emit_span(&e, 0, k->n, B);
  for (size_t b = 0; b < nx * ny && cjg_ok(w->g); b++)
    if (B[b] && k->active[b % nx]) cjj_put_block(w->g, f, (int)(b / nx), (int)(b % nx), B[b], J);
  cjm_free(f->c, room, n * sizeof *room);
  return cjg_ok(w->g);
}
