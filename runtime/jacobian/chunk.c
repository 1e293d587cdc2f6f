/*
** chunk.c -- a Jacobian in loops: each batched pass is split into what depends on the arguments only, which
** is done once, and the linear sweep, which runs for a few seeds at a time.
*/
#include "jacobian/derived.h"

#include <string.h>

static size_t whole_lines(size_t n) { return (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN; }

/* --- stages ------------------------------------------------------------------------------ */

static bool stage_open(cjj_derived *d, cjj_stage *s, const cj_graph *g, uint32_t nbuf) {
  s->nin = g->narg + g->ncapture;
  s->nout = g->nout;
  s->buf = cjm_zalloc(d->c, (nbuf + (size_t)1) * sizeof *s->buf);
  if (!s->buf || cje_plan_new(d->c, g, &s->plan) != CJ_OK) return false;
  size_t work = whole_lines(cje_plan_worksize(s->plan, NULL));
  size_t views = whole_lines(s->nin * sizeof(cj_view)) + whole_lines(s->nout * sizeof(void *));
  if (work > d->work) d->work = work;
  if (views > d->views) d->views = views;
  return true;
}

static void stage_free(cj_ctx *c, cjj_stage *s, uint32_t nbuf) {
  cjm_free(c, s->buf, (nbuf + (size_t)1) * sizeof *s->buf);
  cje_plan_free(s->plan);
}

static uint32_t head_bufs(const cjj_derived *d) { return d->head.nout - d->first; }

void cjj_loops_free(cjj_derived *d) {
  for (uint32_t k = 0; k < d->nloop; k++) {
    cjj_loop *l = &d->loop[k];
    stage_free(d->c, &l->body, l->body.nin + l->body.nout);
    stage_free(d->c, &l->tail, l->tail.nin);
  }
  if (d->head.buf) stage_free(d->c, &d->head, head_bufs(d));
  cjm_free(d->c, d->loop, (d->cut.npass + (size_t)1) * sizeof *d->loop);
  cjm_free(d->c, d->filled, (size_t)d->cut.nx * (size_t)d->cut.ny + 1);
}

/* A place for a value of that type, at *end. */
static cjj_buf next_place(size_t *end, const cj_type *t, int64_t times) {
  cjj_buf b = {*end, *t};
  *end = whole_lines(*end + (size_t)times * cjt_bytes(t));
  return b;
}

/* --- the body of a loop --------------------------------------------------------------------- */

/* The rows of a pass as the loop wants them: forwards, only those of outputs with a derivative, and if they
** are to be columns of dense blocks, turned and in the dtype of the input. */
static cj_graph *body_graph(const cj_graph *s, const cjj_cut *cut, const cjj_pass *p, int64_t step) {
  const cjj_part *part = &cut->part[p->part];
  cj_graph *h = cjj_pass_graph(s, cut, p, step);
  if (!h || part->reverse) return h;
  cjj_frame w;
  int dtype = cjj_x(s, cut->member[p->member].index)->dtype;
  if (cjj_frame_open(&w, s, h, s->narg, p->n)) {
    const cj_ref *row = cjj_frame_inline(&w, h, w.v, p->n);
    for (int i = 0; row && i < cut->ny; i++)
      if (cjj_has_derivative(s, i))
        cjg_output(w.g, part->pattern ? row[i] : cjb_cast(w.g, cjj_transposed(w.g, row[i], step), dtype));
  }
  cjg_free(h);
  return cjj_frame_close(&w);
}

/* first: (x.., captures..) -> (residuals..); rest: (seeds..; residuals..) -> (rows..). */
static bool split_body(const cj_graph *s, const cjj_cut *cut, const cjj_pass *p, int64_t step, cj_graph **first,
                       cj_graph **rest) {
  cj_graph *h = body_graph(s, cut, p, step);
  if (!h) return false;
  size_t n = (size_t)h->narg + h->ncapture;
  uint8_t *known = cjm_alloc(s->c, n + 1);
  bool ok = known != NULL;
  if (ok) {
    memset(known, 1, n);
    memset(known + s->narg, 0, p->n);
    ok = cjx_split(h, known, first, rest);
  }
  cjm_free(s->c, known, n + 1);
  cjg_free(h);
  return ok;
}

/* --- the tail of a coloured loop --------------------------------------------------------------- */

static void tail_outputs(cj_graph *g, const cj_graph *s, const cjj_cut *cut, const cjj_part *part, const cj_ref *J) {
  for (int i = 0; i < cut->ny; i++)
    for (int j = 0; j < cut->nx; j++) {
      cj_type t;
      cj_ref r = J[(size_t)i * (size_t)cut->nx + (size_t)j];
      if (!part->active[j] || !cjj_has_derivative(s, i) || !cjj_block_type(s, i, j, &t)) continue;
      cjg_output(g, r ? r : cjb_zeros(g, &t));
    }
}

/* (compressed rows..) -> (blocks..): those of outputs with a derivative by the inputs of the part.  rows: the
** body, whose outputs are n rows each. */
static cj_graph *tail_graph(const cj_graph *s, const cjj_cut *cut, const cjj_part *part, const cj_graph *rows,
                            int64_t step) {
  cj_graph *g = cjg_new(s->c);
  size_t nrow = (size_t)cut->ny + (size_t)cut->nx, bytes = (nrow + (size_t)cut->nx * (size_t)cut->ny) * sizeof(cj_ref);
  cj_ref *row = g ? cjm_zalloc(s->c, bytes) : NULL;
  for (uint32_t k = 0, at = 0; row && k < rows->nout; k++, at++) {
    const cj_type *t = cjg_type(rows, rows->out[k]);
    cj_type all = {.dtype = t->dtype, .rank = 2, .dim = {part->ncolours, cjt_count(t) / step}};
    while (!part->reverse && !cjj_has_derivative(s, (int)at)) at++;
    row[at] = cjg_arg(g, &all);
  }
  if (row) {
    cjj_coloured_blocks(g, s, cut, part, row, row + nrow);
    tail_outputs(g, s, cut, part, row + nrow);
  }
  cjm_free(s->c, row, bytes);
  if (row && cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}

static bool add_tail(cjj_derived *d, cjj_loop *l, const cj_graph *s, const cj_graph *rest) {
  cj_graph *tail = tail_graph(s, &d->cut, &d->cut.part[l->pass.part], rest, l->step);
  bool ok = tail && stage_open(d, &l->tail, tail, tail->narg);
  for (uint32_t k = 0; ok && k < tail->narg; k++) l->tail.buf[k].type = *cjg_type(tail, tail->arg[k]);
  cjg_free(tail);
  return ok;
}

/* --- loops ------------------------------------------------------------------------------------------- */

/* Types of the inputs and outputs of g; their places follow when all residuals are known. */
static void note_types(cjj_buf *b, const cj_graph *g) {
  for (uint32_t k = 0; k < g->narg; k++) (b++)->type = *cjg_type(g, g->arg[k]);
  for (uint32_t k = 0; k < g->ncapture; k++) (b++)->type = *cjg_type(g, g->capture[k]);
  for (uint32_t k = 0; k < g->nout; k++) (b++)->type = *cjg_type(g, g->out[k]);
}

static bool add_loop(cjj_derived *d, const cj_graph *s, const cjj_pass *p, int64_t step, cj_graph **first) {
  const cjj_part *part = &d->cut.part[p->part];
  cjj_loop *l = &d->loop[d->nloop];
  cj_graph *rest = NULL;
  *l = (cjj_loop){.pass = *p, .step = step, .direct = part->reverse && !part->pattern && p->n == 1};
  if (!split_body(s, &d->cut, p, step, first, &rest)) return false;
  d->nloop++;
  bool ok = stage_open(d, &l->body, rest, rest->narg + rest->ncapture + rest->nout);
  if (ok) note_types(l->body.buf, rest);
  if (ok && part->pattern) ok = add_tail(d, l, s, rest);
  cjg_free(rest);
  return ok;
}

/* Places in scratch memory: all residuals, then for each loop in turn the same room for the rest. */
static void lay_out(cjj_derived *d) {
  size_t end = d->views;
  uint32_t residual = 0;
  for (uint32_t k = 0; k < head_bufs(d); k++) d->head.buf[k] = next_place(&end, &d->head.buf[k].type, 1);
  size_t base = end;
  d->scratch = base;
  for (uint32_t k = 0; k < d->nloop; k++) {
    cjj_loop *l = &d->loop[k];
    cjj_buf *b = l->body.buf;
    end = base;
    for (uint32_t q = 0; q < l->pass.n; q++) b[q] = next_place(&end, &b[q].type, 1);
    for (uint32_t q = l->pass.n; q < l->body.nin; q++) b[q] = d->head.buf[residual++];
    b += l->body.nin;
    for (uint32_t q = 0; q < l->body.nout && !l->direct; q++)
      if (l->tail.plan)
        b[q].at = (l->tail.buf[q] = next_place(&end, &l->tail.buf[q].type, 1)).at;
      else
        b[q] = next_place(&end, &b[q].type, 1);
    if (end > d->scratch) d->scratch = end;
  }
}

static void mark_filled(cjj_derived *d, const cj_graph *s, const cjj_pass *p) {
  const cjj_part *part = &d->cut.part[p->part];
  for (int i = 0; i < d->cut.ny; i++)
    for (int j = 0; j < d->cut.nx; j++) {
      bool member = part->pattern != NULL;
      for (uint32_t q = 0; q < p->n; q++) member |= d->cut.member[p->member + q].index == (part->reverse ? i : j);
      if (member && part->active[j] && cjj_has_derivative(s, i))
        d->filled[(size_t)i * (size_t)d->cut.nx + (size_t)j] = 1;
    }
}

/* Loops for all passes; the head gives the values, then the residuals of every loop. */
static bool add_loops(cjj_derived *d, const cj_graph *s, const cj_graph *values, const int64_t *step) {
  cjj_frame w;
  bool ok = cjj_frame_open(&w, s, NULL, 0, 0);
  if (ok && values) cjj_frame_outputs(&w, cjj_frame_inline(&w, values, NULL, 0), values->nout);
  for (uint32_t k = 0; ok && k < d->cut.npass; k++) {
    cj_graph *first = NULL;
    ok = add_loop(d, s, &d->cut.pass[k], step[k], &first);
    if (ok) cjj_frame_outputs(&w, cjj_frame_inline(&w, first, NULL, 0), first->nout);
    if (ok) mark_filled(d, s, &d->cut.pass[k]);
    cjg_free(first);
  }
  cj_graph *head = cjj_frame_close(&w);
  ok = ok && head && stage_open(d, &d->head, head, head->nout - d->first);
  for (uint32_t k = d->first; ok && k < head->nout; k++) d->head.buf[k - d->first].type = *cjg_type(head, head->out[k]);
  cjg_free(head);
  return ok;
}

/* --- when --------------------------------------------------------------------------------------------- */

/* Seeds at a time for a pass; memory goes with their number. */
static int64_t step_of(const cjj_derived *d, const cj_request *rq, const cjj_pass *p, int64_t most) {
  size_t limit = rq->max_bytes ? rq->max_bytes : CJJ_PASSBYTES, size = cje_plan_worksize(d->plan, NULL);
  double fit = size > limit ? (double)limit / (double)size * (double)most : (double)most;
  int64_t step = rq->chunk > 0 ? rq->chunk : fit >= 1 ? (int64_t)fit : 1;
  return step < p->nseed ? step : p->nseed;
}

bool cjj_chunk(cjj_derived *d, const cj_graph *s, const cj_graph *values, const cj_request *rq) {
  int64_t most = 0;
  bool all = true;
  size_t bytes = (d->cut.npass + (size_t)1) * sizeof(int64_t);
  int64_t *step = cjm_alloc(d->c, bytes);
  if (!step) return false;
  for (uint32_t k = 0; k < d->cut.npass; k++)
    if (d->cut.pass[k].nseed > most) most = d->cut.pass[k].nseed;
  for (uint32_t k = 0; k < d->cut.npass; k++) {
    step[k] = step_of(d, rq, &d->cut.pass[k], most);
    all = all && step[k] == d->cut.pass[k].nseed;
  }
  bool ok = true;
  if (!all) {
    cje_plan_free(d->plan);
    d->plan = NULL;
    d->loop = cjm_zalloc(d->c, (d->cut.npass + (size_t)1) * sizeof *d->loop);
    d->filled = cjm_zalloc(d->c, (size_t)d->cut.nx * (size_t)d->cut.ny + 1);
    ok = d->loop && d->filled && add_loops(d, s, values, step);
    if (ok) lay_out(d);
  }
  cjm_free(d->c, step, bytes);
  return ok;
}
