/*
** control.c -- loops: their tangents, their cotangents, many of them at once.
**
** The tangent of a loop is a loop over the same rows whose body is the linearised body, at the values that the
** history of the first one holds.  Its cotangent is a loop in the other direction, whose body is the body's vjp: it
** carries the cotangent of the carry, gives those of the rows step by step and sums up those of the constants.
** Both compute the body's inner values again from the history, so what a loop keeps is one carry a step.
*/
#include "rules/control.h"
#include "transform/common.h"
#include "transform/transform.h"

#include <string.h>

/* Which arguments of the body carry a derivative once the carry has gone round, and which results then do. */
static bool spread(const cjg_loop *l, uint8_t *arg, uint8_t *out) {
  const cj_graph *b = l->body;
  uint8_t *on = cjm_alloc(b->c, b->len);
  if (!on) return false;
  for (bool grown = true; grown;) {
    grown = false;
    memset(on, 0, b->len);
    for (int i = 0; i < l->nin; i++) on[b->arg[i]] = arg[i];
    for (cj_ref r = 1; r < b->len; r++)
      for (int i = 0; !on[r] && !cjg_issource(b, r) && i < cjg_at(b, r)->nin; i++) on[r] = cjx_carried(b, r, i, on);
    for (int k = 0; k < l->ncarry; k++) {
      grown |= on[b->out[k]] && !arg[k];
      arg[k] |= on[b->out[k]];
    }
  }
  for (int k = 0; k < l->nout; k++) out[k] = on[b->out[k]];
  cjm_free(b->c, on, b->len);
  return true;
}

/* --- a loop that is being written ------------------------------------------------------------------------ */

/* Its body runs `inner`, a program derived from the body of l; arguments of inner that nothing needs are left out.
** Carries are to be added first, then rows, then constants. */
typedef struct writer {
  cj_graph *g, *h; /* where the loop stands; its body */
  const cjg_loop *l;
  cj_graph *inner;
  uint8_t *live;   /* by instruction of inner */
  cj_ref *operand; /* of the loop, in g */
  cj_ref *arg;     /* what the arguments of inner are in h */
  cj_ref *res;     /* its results there */
  cjb_loopspec spec;
  uint32_t n, cap;
  size_t bytes;
} writer;

static size_t writer_room(writer *w) {
  uint32_t nin = w->inner->narg;
  w->cap = 2 * nin + (uint32_t)w->l->nout + 1;
  return (w->cap + nin + w->inner->nout + 1) * sizeof(cj_ref) + w->inner->len;
}

static bool writer_open(writer *w, cj_graph *g, const cjg_loop *l, cj_graph *inner) {
  *w = (writer){.g = g, .l = l, .inner = inner, .spec = {.steps = l->steps}};
  if (!inner || !(w->h = cjg_new(g->c))) return false;
  w->bytes = writer_room(w);
  if (!(w->operand = cjm_zalloc(g->c, w->bytes))) return false;
  w->arg = w->operand + w->cap;
  w->res = w->arg + inner->narg;
  w->live = (uint8_t *)(w->res + inner->nout);
  cjg_live(inner, w->live);
  return true;
}

static void writer_close(writer *w) {
  if (w->operand) cjm_free(w->g->c, w->operand, w->bytes);
  cjg_free(w->inner);
  cjg_free(w->h);
}

/* One more operand x, in the body a value of the type that argument i of l's body has. */
static cj_ref wire(writer *w, int i, cj_ref x) {
  CJ_ASSERT(w->n < w->cap);
  w->operand[w->n++] = x;
  return cjg_arg(w->h, cjg_type(w->l->body, w->l->body->arg[i]));
}

/* The same for a value of the type of result k. */
static cj_ref wire_result(writer *w, int k, cj_ref x) {
  CJ_ASSERT(w->n < w->cap);
  w->operand[w->n++] = x;
  return cjg_arg(w->h, cjg_type(w->l->body, w->l->body->out[k]));
}

static bool needed(const writer *w, int i) { return w->live[w->inner->arg[i]]; }

/* What the body of l saw at each step, where inner needs it: its rows, and its carries out of the history of y. */
static void wire_rows(writer *w, const cj_ref *in, cj_ref y) {
  const cjg_loop *l = w->l;
  for (int i = l->ncarry; i < l->ncarry + l->nx; i++)
    if (needed(w, i)) w->arg[i] = wire(w, i, in[i]);
  for (int k = 0; k < l->ncarry; k++)
    if (needed(w, k)) w->arg[k] = wire(w, k, cjb_entries(w->g, y, l, k, l->reverse, l->steps));
}

static void wire_constants(writer *w, const cj_ref *in) {
  for (int i = w->l->ncarry + w->l->nx; i < w->l->nin; i++)
    if (needed(w, i)) w->arg[i] = wire(w, i, in[i]);
}

static cj_ref finish_loop(writer *w) {
  w->spec.body = w->h;
  return cjg_ok(w->g) ? cjb_loop(w->g, &w->spec, w->operand) : 0;
}

static cj_ref zeros_of(cj_graph *g, const cj_graph *f, cj_ref r) {
  cj_type t = *cjg_type(f, r);
  return cjb_zeros(g, &t);
}

/* --- calls with derivatives of their own --------------------------------------------------------------------- */

static bool float_operand(const cjg_loop *l, int i) { return cjt_isfloat(cjg_type(l->body, l->body->arg[i])->dtype); }

/* The program `f` with as many values in front as x says, transposed in the n arguments behind them. */
static cj_graph *transposed(const cj_graph *f, uint32_t front, uint32_t n) {
  uint8_t *active = cjm_zalloc(f->c, f->narg + 1u);
  if (!active) return NULL;
  memset(active + front, 1, n);
  cj_graph *t = cjx_vjp(f, active, false);
  cjm_free(f->c, active, f->narg + 1u);
  return t;
}

/* The values that a derivative of the call takes, in the order of sub.h: operands, results, then more. */
typedef struct called {
  cj_graph *g;
  const cjg_loop *l;
  cj_ref *v;
  uint32_t n;
} called;

static void add_operands(called *k, const cj_ref *in) {
  for (int i = 0; i < k->l->nin; i++) k->v[k->n++] = in[i];
}
static void add_results(called *k, cj_ref y) {
  for (int i = 0; i < k->l->nout; i++) k->v[k->n++] = cjb_part(k->g, y, k->l, i);
}
static void add_tangents(called *k, const cj_ref *t) {
  for (int i = 0; i < k->l->nin; i++)
    if (float_operand(k->l, i)) k->v[k->n++] = t && t[i] ? t[i] : zeros_of(k->g, k->l->body, k->l->body->arg[i]);
}
static void add_cotangents(called *k, const cj_ref *ct) {
  for (int i = 0; i < k->l->nout; i++)
    k->v[k->n++] = ct && ct[i] ? ct[i] : zeros_of(k->g, k->l->body, k->l->body->out[i]);
}
static uint32_t count_floats(const cjg_loop *l) {
  uint32_t n = 0;
  for (int i = 0; i < l->nin; i++) n += float_operand(l, i);
  return n;
}

/* t: tangents of the operands; out: those of the results.  A call that has only a vjp has it transposed: it is
** linear in the cotangents. */
static bool push_call(cj_graph *g, const cjg_loop *l, const cj_ref *in, cj_ref y, const cj_ref *t, cj_ref *out) {
  size_t bytes = (2 * (size_t)l->nin + 2 * (size_t)l->nout + 1) * sizeof(cj_ref);
  called k = {.g = g, .l = l, .v = cjm_alloc(g->c, bytes)};
  cj_graph *own = NULL;
  if (!k.v) return false;
  add_operands(&k, in);
  add_results(&k, y);
  if (!l->jvp) {
    own = transposed(l->vjp, (uint32_t)(l->nin + l->nout), (uint32_t)l->nout);
    add_cotangents(&k, NULL);
  }
  add_tangents(&k, t);
  bool ok = cjg_ok(g) && cjg_inline(g, own ? own : l->jvp, k.v, out);
  cjg_free(own);
  cjm_free(g->c, k.v, bytes);
  return ok;
}

/* ct: cotangents of the results; out: those of the float operands, in order. */
static bool pull_call(cj_graph *g, const cjg_loop *l, const cj_ref *in, cj_ref y, const cj_ref *ct, cj_ref *out) {
  size_t bytes = (2 * (size_t)l->nin + 2 * (size_t)l->nout + 1) * sizeof(cj_ref);
  called k = {.g = g, .l = l, .v = cjm_alloc(g->c, bytes)};
  cj_graph *own = NULL;
  if (!k.v) return false;
  add_operands(&k, in);
  add_results(&k, y);
  if (!l->vjp) {
    own = transposed(l->jvp, (uint32_t)(l->nin + l->nout), count_floats(l));
    add_tangents(&k, NULL);
  }
  add_cotangents(&k, ct);
  bool ok = cjg_ok(g) && cjg_inline(g, own ? own : l->vjp, k.v, out);
  cjg_free(own);
  cjm_free(g->c, k.v, bytes);
  return ok;
}

/* --- tangents ------------------------------------------------------------------------------------------------------
 */

/* Joins vectors, one a part, into a result of the loop l; absent ones (0) are zeros. */
static cj_ref packed_parts(cj_graph *g, const cjg_loop *l, cj_ref *part) {
  for (int k = 0; k < l->nout; k++) {
    cjg_part p = cjg_part_of(l, k);
    cj_type flat = {.dtype = p.type.dtype, .rank = 1, .dim = {p.rows * p.rowsize}};
    part[k] = part[k] ? cjb_reshape(g, part[k], &flat) : cjb_zeros(g, &flat);
  }
  return cjb_cat(g, part, l->nout, 1);
}

typedef struct tangents {
  cj_graph *g;
  cjg_loop l;
  const cj_ref *in, *t;
  cj_ref y, *part;
  uint8_t *act, *out; /* operands and results that carry a tangent */
} tangents;

static cj_ref tangent_of(const tangents *k, int i) { return k->t[i] ? k->t[i] : zeros_of(k->g, k->g, k->in[i]); }

/* Arguments first .. end-1 of the body that are active: their tangents.  next: which argument of inner comes. */
static void wire_tangents(writer *w, const tangents *k, int first, int end, uint32_t *next) {
  for (int i = first; i < end; i++)
    if (k->act[i]) w->arg[(*next)++] = wire(w, i, tangent_of(k, i));
}

static cj_ref linear_loop(const tangents *k) {
  const cjg_loop *l = &k->l;
  uint32_t next = (uint32_t)l->nin;
  int rows = l->ncarry + l->nx;
  writer w;
  cj_ref z = 0;
  if (writer_open(&w, k->g, l, cjx_jvp(l->body, k->act, false))) {
    w.spec.reverse = l->reverse;
    wire_tangents(&w, k, 0, l->ncarry, &next);
    w.spec.ncarry = (int)w.n;
    wire_rows(&w, k->in, k->y);
    wire_tangents(&w, k, l->ncarry, rows, &next);
    w.spec.nx = (int)w.n - w.spec.ncarry;
    wire_constants(&w, k->in);
    wire_tangents(&w, k, rows, l->nin, &next);
    if (cjg_ok(k->g) && cjg_inline(w.h, w.inner, w.arg, w.res))
      for (int i = 0; i < l->nout; i++) {
        bool wanted = i < l->ncarry ? k->act[i] : k->out[i];
        if (wanted) cjg_output(w.h, w.res[i]);
        w.spec.ny += wanted && i >= l->ncarry && i < l->ncarry + l->ny;
      }
    z = finish_loop(&w);
  }
  writer_close(&w);
  return z;
}

static cj_ref push_body(tangents *k) {
  const cjg_loop *l = &k->l;
  int n = 0;
  for (int i = 0; i < l->nin; i++) k->act[i] = k->t[i] && float_operand(l, i);
  if (!spread(l, k->act, k->out)) return 0;
  for (int i = 0; i < l->nout; i++) n += k->out[i] |= i < l->ncarry && k->act[i];
  cj_ref z = n ? linear_loop(k) : 0;
  if (!z || n == l->nout) return z;
  cjg_loop lz = cjg_loop_of(k->g, z);
  for (int i = 0, at = 0; i < l->nout; i++) k->part[i] = k->out[i] ? cjb_flatpart(k->g, z, &lz, at++) : 0;
  return packed_parts(k->g, l, k->part);
}

cj_ref cjx_push_loop(cj_graph *g, const cj_ref *in, cj_ref y, const cj_ref *t) {
  tangents k = {.g = g, .l = cjg_loop_of(g, y), .in = in, .t = t, .y = y};
  size_t bytes = (size_t)(k.l.nout + 1) * sizeof(cj_ref) + (size_t)(k.l.nin + k.l.nout);
  cj_ref ty = 0;
  if (!(k.part = cjm_zalloc(g->c, bytes))) return 0;
  k.act = (uint8_t *)(k.part + k.l.nout + 1);
  k.out = k.act + k.l.nin;
  if (!k.l.jvp && !k.l.vjp)
    ty = push_body(&k);
  else if (push_call(g, &k.l, in, y, t, k.part))
    ty = packed_parts(g, &k.l, k.part);
  cjm_free(g->c, k.part, bytes);
  return ty;
}

/* --- cotangents ------------------------------------------------------------------------------------------------------
 */

typedef struct cotangents {
  cj_graph *g;
  cjg_loop l;
  cj_ref *in, y;
  cjg_part *part;
  cj_ref *last, *ct;  /* of the last entry of each carry; of each part, in its type */
  uint8_t *act, *out; /* operands that carry a derivative, with the carry gone round; results that do */
} cotangents;

static cj_ref shaped(cj_graph *g, cj_ref x, cj_type t) { return cjb_reshape(g, x, &t); }

/* The cotangent x of elements first, first + step, .. (n of them) of the result. */
static bool one_slice(cotangents *k, const int64_t *slice, cj_ref x, cj_ref *whole, int64_t total) {
  int64_t first = slice[1], step = slice[2], n = slice[3], end = first + (n - 1) * step;
  if (n == 0) return true;
  for (int i = 0; i < k->l.nout; i++) {
    const cjg_part *p = &k->part[i];
    int64_t size = p->rows * p->rowsize, lo = p->first, at = lo + cjg_last_entry(&k->l) * p->rowsize;
    if (first < lo || end < lo || first >= lo + size || end >= lo + size) continue;
    if (i < k->l.ncarry && first >= at && end >= at && first < at + p->rowsize && end < at + p->rowsize) {
      x = cjb_embed(k->g, x, 1, first - at, step, p->rowsize);
      x = shaped(k->g, x, *cjg_type(k->l.body, k->l.body->out[i]));
      k->last[i] = cjb_add(k->g, k->last[i], x);
    } else {
      x = shaped(k->g, cjb_embed(k->g, x, 1, first - lo, step, size), p->type);
      k->ct[i] = cjb_add(k->g, k->ct[i], x);
    }
    return cjg_ok(k->g);
  }
  *whole = cjb_add(k->g, *whole, cjb_embed(k->g, x, 1, first, step, total));
  return cjg_ok(k->g);
}

static bool parts_taken(cotangents *k, const cjx_cotangents *from) {
  cj_ref whole = from->whole;
  int64_t total = cjt_at(cjg_type(k->g, k->y), 1);
  cjg_parts(&k->l, k->part);
  for (uint32_t s = 0; s < from->n; s++) {
    cj_attr a = *cjg_attr(k->g, from->slice[s]);
    if (!one_slice(k, a.v, from->ct[s], &whole, total)) return false;
  }
  for (int i = 0; whole && i < k->l.nout; i++) k->ct[i] = cjb_add(k->g, k->ct[i], cjb_part(k->g, whole, &k->l, i));
  return cjg_ok(k->g);
}

/* Entries of x, a history or its cotangent, of carry i. */
static cj_ref entries_from(cj_graph *g, cj_ref x, int64_t first, int64_t n) {
  return cjb_slice(g, x, cjg_type(g, x)->rank, first, 1, n);
}

static void wire_carries_back(writer *w, const cotangents *k) {
  const cjg_loop *l = &k->l;
  for (int i = 0; i < l->ncarry; i++)
    if (k->act[i]) w->arg[l->nin + i] = wire(w, i, k->last[i] ? k->last[i] : zeros_of(k->g, l->body, l->body->out[i]));
  w->spec.ncarry = (int)w->n;
}

/* The cotangents that come in at each step: of the history, and of the y's. */
static void wire_rows_back(writer *w, const cotangents *k) {
  const cjg_loop *l = &k->l;
  wire_rows(w, k->in, k->y);
  for (int i = 0; i < l->ncarry; i++)
    if (k->act[i] && k->ct[i]) {
      cj_ref x = wire(w, i, entries_from(k->g, k->ct[i], !l->reverse, l->steps));
      w->arg[l->nin + i] = cjb_add(w->h, w->arg[l->nin + i], x);
    }
  for (int i = l->ncarry; i < l->ncarry + l->ny; i++)
    if (k->out[i] && k->ct[i]) w->arg[l->nin + i] = wire_result(w, i, k->ct[i]);
  w->spec.nx = (int)w->n - w->spec.ncarry;
}

static void wire_constants_back(writer *w, const cotangents *k) {
  const cjg_loop *l = &k->l;
  wire_constants(w, k->in);
  for (int i = l->ncarry + l->ny; i < l->nout; i++)
    if (k->out[i] && k->ct[i]) w->arg[l->nin + i] = wire_result(w, i, k->ct[i]);
}

static cj_ref backward_loop(const cotangents *k) {
  const cjg_loop *l = &k->l;
  writer w;
  cj_ref z = 0;
  if (writer_open(&w, k->g, l, cjx_vjp(l->body, k->act, false))) {
    w.spec.reverse = !l->reverse;
    wire_carries_back(&w, k);
    wire_rows_back(&w, k);
    wire_constants_back(&w, k);
    for (int i = l->ncarry; i < l->ncarry + l->nx; i++) w.spec.ny += k->act[i];
    if (cjg_ok(k->g) && cjg_inline(w.h, w.inner, w.arg, w.res))
      for (uint32_t i = 0; i < w.inner->nout; i++) cjg_output(w.h, w.res[i]);
    z = finish_loop(&w);
  }
  writer_close(&w);
  return z;
}

static bool pull_body(cotangents *k, const uint8_t *want, cj_ref *out) {
  const cjg_loop *l = &k->l;
  memcpy(k->act, want, (size_t)l->nin);
  if (!spread(l, k->act, k->out)) return false;
  cj_ref z = backward_loop(k);
  if (!z) return false;
  cjg_loop lz = cjg_loop_of(k->g, z);
  for (int i = 0, at = 0; i < l->nin; i++) {
    if (!k->act[i]) continue;
    if (want[i]) out[i] = i < l->ncarry ? cjb_last(k->g, z, &lz, at) : cjb_part(k->g, z, &lz, at);
    if (want[i] && i < l->ncarry && k->ct[i]) {
      cj_ref own = entries_from(k->g, k->ct[i], cjg_first_entry(l), 1);
      out[i] = cjb_add(k->g, out[i], shaped(k->g, own, *cjg_type(l->body, l->body->out[i])));
    }
    at++;
  }
  return cjg_ok(k->g);
}

static bool pull_own(cotangents *k, const uint8_t *want, cj_ref *out) {
  const cjg_loop *l = &k->l;
  size_t bytes = (size_t)(l->nin + 1) * sizeof(cj_ref);
  cj_ref *res = cjm_zalloc(k->g->c, bytes);
  bool ok = res && pull_call(k->g, l, k->in, k->y, k->ct, res);
  for (int i = 0, at = 0; ok && i < l->nin; i++) {
    if (!float_operand(l, i)) continue;
    if (want[i]) out[i] = res[at];
    at++;
  }
  cjm_free(k->g->c, res, bytes);
  return ok;
}

bool cjx_pull_loop(cj_graph *g, cj_ref r, const cjx_cotangents *ct, const uint8_t *want, cj_ref *out) {
  cotangents k = {.g = g, .l = cjg_loop_of(g, r), .y = r};
  size_t nin = (size_t)k.l.nin, nout = (size_t)k.l.nout;
  size_t bytes = nout * sizeof *k.part + (nin + 2 * nout) * sizeof(cj_ref) + nin + nout;
  if (!(k.part = cjm_zalloc(g->c, bytes))) return false;
  k.in = (cj_ref *)(k.part + nout);
  k.last = k.in + nin;
  k.ct = k.last + nout;
  k.act = (uint8_t *)(k.ct + nout);
  k.out = k.act + nin;
  memcpy(k.in, cjg_operands(g, r), nin * sizeof *k.in);
  bool ok = parts_taken(&k, ct) && (k.l.jvp || k.l.vjp ? pull_own(&k, want, out) : pull_body(&k, want, out));
  cjm_free(g->c, k.part, bytes);
  return ok;
}

/* --- many loops at once
 * ---------------------------------------------------------------------------------------------------- */

typedef struct batching {
  cj_graph *g;
  const cj_graph *f;
  cjg_loop l;
  const cj_ref *from; /* operands in f */
  int64_t n;
  cj_ref *in;
  uint8_t *on;
} batching;

static bool whole_call(const cjg_loop *l) { return l->jvp || l->vjp; }

/* Operand i in g, of its type in f with the new axis in front. */
static cj_ref expanded_operand(const batching *b, int i) {
  cj_type t = *cjg_type(b->f, b->from[i]), full;
  cj_ref x = b->in[i];
  if (!cjt_prepend(&t, b->n, &full)) {
    cjm_fail(b->g->c, CJ_ELIMIT, "a batched value would have more than %d axes or too many elements", CJ_MAXRANK);
    return 0;
  }
  if (!x) return cjb_zeros(b->g, &full);
  return b->on[i] ? x : cjb_expand(b->g, x, &full);
}

/* The first two axes of x change places. */
static cj_ref turned(cj_graph *g, cj_ref x) {
  int perm[CJ_MAXRANK], rank = x ? cjg_type(g, x)->rank : 0;
  for (int e = 0; e < rank; e++) perm[e] = e < 2 ? 1 - e : e;
  return x ? cjb_permute(g, x, rank, perm) : 0;
}

static cj_ref batch_operand_of_loop(const batching *b, int i) {
  cj_ref x = b->in[i];
  if (i < b->l.ncarry || whole_call(&b->l)) return expanded_operand(b, i);
  if (!x) return zeros_of(b->g, b->f, b->from[i]);
  return b->on[i] && i < b->l.ncarry + b->l.nx ? turned(b->g, x) : x;
}

static cj_graph *all_batched(const cj_graph *f, int64_t n) {
  uint8_t *on = f ? cjm_alloc(f->c, f->narg + 1u) : NULL;
  if (!on) return NULL;
  memset(on, 1, f->narg);
  cj_graph *g = cjx_batch(f, on, n);
  cjm_free(f->c, on, f->narg + 1u);
  return g;
}

static cj_graph *batched_body(batching *b) {
  if (whole_call(&b->l)) return all_batched(b->l.body, b->n);
  for (int i = 0; i < b->l.nin; i++) b->on[i] = i < b->l.ncarry || (b->on[i] && b->in[i]);
  return cjx_batch(b->l.body, b->on, b->n);
}

/* Part k as [n, elements]. */
static cj_ref part_in_front(const batching *b, cj_ref y, const cjg_loop *l, int k) {
  cjg_part p = cjg_part_of(&b->l, k);
  cj_type flat = {.dtype = p.type.dtype, .rank = 2, .dim = {b->n, p.rows * p.rowsize}};
  cj_ref x = cjb_part(b->g, y, l, k);
  return cjb_reshape(b->g, k < l->ncarry + l->ny ? turned(b->g, x) : x, &flat);
}

static cj_ref gather_parts(const batching *b, cj_ref y, cj_ref *part) {
  cjg_loop l = cjg_loop_of(b->g, y);
  for (int k = 0; k < l.nout; k++) part[k] = part_in_front(b, y, &l, k);
  return cjb_cat(b->g, part, l.nout, 1);
}

static cj_ref emit_batched_loop(batching *b, cj_ref *in) {
  cjb_loopspec s = {.steps = b->l.steps, .reverse = b->l.reverse, .ncarry = b->l.ncarry, .nx = b->l.nx, .ny = b->l.ny};
  for (int i = 0; i < b->l.nin; i++) in[i] = batch_operand_of_loop(b, i);
  s.jvp = all_batched(b->l.jvp, b->n);
  s.vjp = all_batched(b->l.vjp, b->n);
  s.body = batched_body(b);
  cj_ref y = s.body && cjg_ok(b->g) ? cjb_loop(b->g, &s, in) : 0;
  cjg_free(s.body);
  cjg_free(s.jvp);
  cjg_free(s.vjp);
  return y;
}

cj_ref cjx_batch_loop(cj_graph *g, const cj_graph *f, cj_ref r, int64_t n, const cj_ref *in, const uint8_t *on) {
  batching b = {.g = g, .f = f, .l = cjg_loop_of(f, r), .from = cjg_operands(f, r), .n = n};
  size_t nin = (size_t)b.l.nin, bytes = (2 * nin + (size_t)b.l.nout + 1) * sizeof(cj_ref) + nin;
  if (!(b.in = cjm_alloc(g->c, bytes))) return 0;
  cj_ref *own = b.in + nin, *part = own + nin;
  b.on = (uint8_t *)(part + b.l.nout + 1);
  memcpy(b.in, in, nin * sizeof *in);
  memcpy(b.on, on, nin);
  cj_ref y = emit_batched_loop(&b, own);
  if (y) y = gather_parts(&b, y, part);
  cjm_free(g->c, b.in, bytes);
  return y;
}
