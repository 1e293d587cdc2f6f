/*
** tape.c -- derivatives of a trace that goes on, and linearization.  A tape is cut at the values one
** differentiates by: they become the arguments of a program whose captures are the tape's own inputs,
** and what comes out is written back onto the tape.
*/
#include "api/api.h"
#include "rules/build.h"

#include <string.h>

typedef struct tape_cut {
  cj_graph *g; /* (x..; inputs of the trace..) -> (y..) */
  cj_ref *in;  /* what each of its inputs is in the trace */
  size_t bytes;
} tape_cut;

/* Which of x depend on another of x: there the tape cannot be cut without losing that path. */
static void mark_dependent(const cj_graph *f, const cj_ref *x, int nx, uint8_t *on, uint8_t *dependent) {
  memset(on, 0, f->len);
  for (int i = 0; i < nx; i++) on[x[i]] = 1;
  for (cj_ref r = 1; r < f->len; r++)
    for (int i = 0; !cjg_issource(f, r) && i < cjg_at(f, r)->nin; i++)
      if (on[cjg_operands(f, r)[i]]) {
        if (on[r]) dependent[r] = 1;
        on[r] = 1;
      }
}

/* need[r]: r is to be copied for y, given that some are mapped already. */
static void mark_needed(const cj_graph *f, const cj_ref *y, int ny, const cj_ref *map, uint8_t *need) {
  memset(need, 0, f->len);
  for (int i = 0; i < ny; i++) need[y[i]] = 1;
  for (cj_ref r = f->len; r-- > 1;)
    for (int i = 0; need[r] && !map[r] && !cjg_issource(f, r) && i < cjg_at(f, r)->nin; i++)
      need[cjg_operands(f, r)[i]] = 1;
}

typedef struct cutting {
  cj_trace *t;
  tape_cut *k;
  cj_ref *map;    /* of the tape's instructions in the cut */
  cj_ref *offset; /* the argument that is added to a dependent one */
  uint8_t *need, *dependent;
} cutting;

/* The arguments: x itself, or, where x depends on another one, an offset from it, which is zero. */
static void cut_arguments(cutting *w, const cj_ref *x, int nx) {
  cj_graph *f = w->t->g;
  for (int i = 0; i < nx; i++) {
    cj_type t = *cjg_type(f, x[i]);
    cj_ref r = cjg_arg(w->k->g, &t);
    w->k->in[i] = w->dependent[x[i]] ? cjb_zeros(f, &t) : x[i];
    if (w->dependent[x[i]])
      w->offset[x[i]] = r;
    else if (!w->map[x[i]])
      w->map[x[i]] = r;
  }
}

static void cut_inputs(cutting *w, int nx) {
  const cj_graph *f = w->t->g;
  for (uint32_t i = 0; i < f->narg + f->ncapture; i++) {
    cj_ref r = i < f->narg ? f->arg[i] : f->capture[i - f->narg], in = cjg_capture(w->k->g, cjg_type(f, r));
    w->k->in[(uint32_t)nx + i] = r;
    if (!w->map[r]) w->map[r] = in;
  }
}

static bool cut_copy(cutting *w, cj_ref len) {
  for (cj_ref r = 1; r < len && cjm_ok(w->t->g->c); r++) {
    if (!w->need[r] || w->map[r]) continue;
    cj_ref y = cjg_copy(w->k->g, w->t->g, r, w->map);
    w->map[r] = w->offset[r] ? cjb_add(w->k->g, y, w->offset[r]) : y;
  }
  return cjm_ok(w->t->g->c);
}

/* The program of y as a function of x, the rest of the tape's inputs as captures. */
static bool make_cut(cj_trace *t, const cj_ref *y, int ny, const cj_ref *x, int nx, tape_cut *k) {
  cj_ctx *c = t->g->c;
  cj_ref len = t->g->len;
  size_t bytes = len * (2 * sizeof(cj_ref) + 2);
  cutting w = {.t = t, .k = k};
  k->bytes = ((size_t)nx + t->g->narg + t->g->ncapture + 1) * sizeof *k->in;
  k->g = cjg_new(c);
  k->in = k->g ? cjm_alloc(c, k->bytes) : NULL;
  w.map = k->in ? cjm_zalloc(c, bytes) : NULL;
  if (!w.map) return false;
  w.offset = w.map + len;
  w.need = (uint8_t *)(w.offset + len);
  w.dependent = w.need + len;
  mark_dependent(t->g, x, nx, w.need, w.dependent);
  cut_arguments(&w, x, nx);
  cut_inputs(&w, nx);
  mark_needed(t->g, y, ny, w.map, w.need);
  if (cut_copy(&w, len))
    for (int i = 0; i < ny; i++) {
      cj_ref r = w.map[y[i]];
      cjg_output(k->g, r ? r : cjb_zeros(k->g, cjg_type(t->g, y[i])));
    }
  cjm_free(c, w.map, bytes);
  return cjm_ok(c);
}

/* Derives on the cut and writes the result onto the tape. */
static bool derive_cut(cj_trace *t, const tape_cut *k, const cj_request *rq, const cj_ref *v, int nv, cj_ref *res,
                       int cap, int *nout) {
  cj_ctx *c = t->g->c;
  cjj_derived *d = NULL;
  const cj_graph *p = NULL;
  uint32_t nx = k->g->narg, n = nx + k->g->ncapture + (uint32_t)nv;
  cj_ref *in = cjm_alloc(c, (n + 1) * sizeof *in);
  if (in && cjj_derive(c, k->g, rq, nv, &d) == CJ_OK && cjj_program(d, &p) == CJ_OK) {
    memcpy(in, k->in, nx * sizeof *in);
    if (nv) memcpy(in + nx, v, (size_t)nv * sizeof *in);
    memcpy(in + nx + nv, k->in + nx, k->g->ncapture * sizeof *in);
    *nout = (int)p->nout;
    if (*nout > cap)
      cjm_fail(c, CJ_ELIMIT, "%d results, room for %d", *nout, cap);
    else
      cjg_inline(t->g, p, in, res);
  }
  cjj_free(c, d);
  cjm_free(c, in, (n + 1) * sizeof *in);
  return cjm_ok(c);
}

/* The results off the tape: as functions of what the tape's inputs stand for, so numbers, or values of an
** outer trace. */
static cj_status leave_tape(cj_trace *t, const cj_ref *res, int n, cj_val *out) {
  cj_ctx *c = t->g->c;
  tape_cut k = {0};
  uint32_t narg = t->g->narg, nin = narg + t->g->ncapture;
  cj_val *in = cjm_alloc(c, (nin + 1) * sizeof *in);
  for (uint32_t i = 0; in && i < nin; i++) in[i] = cj_origin_val(i < narg ? &t->arg[i] : &t->capture[i - narg]);
  if (in && make_cut(t, res, n, NULL, 0, &k)) cj_program_apply(c, k.g, in, out);
  cjg_free(k.g);
  cjm_free(c, k.in, k.bytes);
  cjm_free(c, in, (nin + 1) * sizeof *in);
  return c->status;
}

static cj_status results(cj_trace *t, const cj_ref *res, int n, bool detach, cj_val *out) {
  if (detach) return leave_tape(t, res, n, out);
  for (int i = 0; i < n; i++) out[i] = cj_val_of(t, res[i]);
  return CJ_OK;
}

static bool refs_of(cj_trace *t, const cj_val *v, int n, cj_ref *out) {
  for (int i = 0; i < n; i++)
    if (!(out[i] = cj_ref_of(t, &v[i]))) return false;
  return true;
}

static bool check_shapes(cj_trace *t, const cj_ref *v, const cj_ref *like, int n) {
  for (int i = 0; i < n; i++)
    if (!cjt_same(cjg_type(t->g, v[i]), cjg_type(t->g, like[i])))
      return cjm_fail(t->g->c, CJ_ESHAPE, "v %d has not the shape and dtype of what it stands for", i + 1), false;
  return true;
}

cj_status cj_tape_derive(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_val *x, int nx,
                         const cj_request *rq, const cj_val *v, int nv, cj_val *out, int cap, int *nout) {
  cjm_clear(c);
  *nout = 0;
  cj_trace *t = cjg_trace_find(c, trace);
  if (!t) return cjm_fail(c, CJ_ESTALE, "the tape is closed");
  size_t bytes = ((size_t)ny + (size_t)nx + (size_t)nv + (size_t)cap) * sizeof(cj_ref);
  cj_ref *ry = cjm_alloc(c, bytes);
  tape_cut k = {0};
  if (!ry) return c->status;
  cj_ref *rx = ry + ny, *rv = rx + nx, *res = rv + nv;
  bool good = refs_of(t, y, ny, ry) && refs_of(t, x, nx, rx) && refs_of(t, v, nv, rv) &&
              (nv == 0 || check_shapes(t, rv, rq->want == CJ_VJP ? ry : rx, nv)) && make_cut(t, ry, ny, rx, nx, &k);
  if (good && derive_cut(t, &k, rq, rv, nv, res, cap, nout)) results(t, res, *nout, rq->detach, out);
  cjg_free(k.g);
  cjm_free(c, k.in, k.bytes);
  cjm_free(c, ry, bytes);
  return c->status;
}

/* --- linearization ------------------------------------------------------------------------------------- */

typedef struct linear {
  cj_graph *jvp, *first, *rest;
  cj_val *in, *residual; /* values of the trace's inputs; what first gives */
  int nin, nresidual;
} linear;

static bool split_jvp(const cj_graph *g, linear *l) {
  cj_ctx *c = g->c;
  if (!(l->jvp = cjx_jvp(g, NULL, false))) return false;
  uint32_t n = l->jvp->narg + l->jvp->ncapture;
  uint8_t *known = cjm_alloc(c, n + 1);
  if (!known) return false;
  memset(known, 1, n);
  memset(known + g->narg, 0, l->jvp->narg - g->narg); /* the tangents */
  bool good = cjx_split(l->jvp, known, &l->first, &l->rest);
  cjm_free(c, known, n + 1);
  return good;
}

static cj_status linearize(cj_ctx *c, cj_trace *t, linear *l, cj_val *value, cj_func **lin) {
  const cj_graph *g = t->g;
  l->nin = (int)(g->narg + g->ncapture);
  if (!split_jvp(g, l)) return c->status;
  l->nresidual = (int)l->first->nout;
  l->in = cjm_zalloc(c, ((size_t)l->nin + (size_t)l->nresidual + 1) * sizeof *l->in);
  if (!l->in) return c->status;
  l->residual = l->in + l->nin;
  for (uint32_t i = 0; i < g->narg; i++) l->in[i] = cj_origin_val(&t->arg[i]);
  for (uint32_t i = 0; i < g->ncapture; i++) l->in[g->narg + i] = cj_origin_val(&t->capture[i]);
  if (cj_program_apply(c, l->first, l->in, l->residual) != CJ_OK) return c->status;
  if (cj_program_apply(c, g, l->in, value) != CJ_OK) return c->status;
  cj_graph *rest = l->rest;
  l->rest = NULL;
  if (cj_func_wrap(c, rest, l->residual, lin) != CJ_OK) cj_vals_release(value, (int)g->nout);
  return c->status;
}

cj_status cj_trace_linearize(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, cj_val *value, cj_func **lin) {
  cjm_clear(c);
  *lin = NULL;
  cj_trace *t = cjg_trace_find(c, trace);
  linear l = {0};
  if (!t) return cjm_fail(c, CJ_ESTALE, "the trace is not open");
  for (int i = 0; i < ny && cjm_ok(c); i++) cjg_output(t->g, cj_ref_of(t, &y[i]));
  if (cjm_ok(c)) linearize(c, t, &l, value, lin);
  if (l.residual) cj_vals_release(l.residual, l.nresidual);
  cjm_free(c, l.in, ((size_t)l.nin + (size_t)l.nresidual + 1) * sizeof *l.in);
  cjg_free(l.jvp);
  cjg_free(l.first);
  cjg_free(l.rest);
  cj_trace_end(c, t);
  return c->status;
}
