/* frame.c -- a program that is put together from others over the same inputs. */
#include "jacobian/parts.h"

#include <string.h>

bool cjj_frame_open(cjj_frame *w, const cj_graph *f, const cj_graph *like, uint32_t from, uint32_t nv) {
  cj_ctx *c = f->c;
  *w = (cjj_frame){.f = f, .g = cjg_new(c)};
  if (!w->g || !CJM_GROW(c, w->x, w->xcap, (size_t)f->narg + f->ncapture + 1) || !CJM_GROW(c, w->v, w->vcap, nv + 1u))
    return false;
  for (uint32_t i = 0; i < f->narg; i++) w->x[i] = cjg_arg(w->g, cjg_type(f, f->arg[i]));
  for (uint32_t i = 0; i < nv; i++) w->v[i] = cjg_arg(w->g, cjg_type(like, like->arg[from + i]));
  for (uint32_t i = 0; i < f->ncapture; i++) w->x[f->narg + i] = cjg_capture(w->g, cjg_type(f, f->capture[i]));
  return cjg_ok(w->g);
}

const cj_ref *cjj_frame_inline(cjj_frame *w, const cj_graph *h, const cj_ref *v, uint32_t nv) {
  const cj_graph *f = w->f;
  size_t nin = (size_t)f->narg + nv + f->ncapture;
  if (!cjg_ok(w->g)) return NULL;
  CJ_ASSERT(h->narg == f->narg + nv && h->ncapture == f->ncapture);
  if (!CJM_GROW(f->c, w->in, w->incap, nin + 1) || !CJM_GROW(f->c, w->out, w->outcap, h->nout + (size_t)1)) return NULL;
  memcpy(w->in, w->x, f->narg * sizeof *w->in);
  if (nv) memcpy(w->in + f->narg, v, nv * sizeof *v);
  memcpy(w->in + f->narg + nv, w->x + f->narg, f->ncapture * sizeof *w->in);
  if (!cjg_inline(w->g, h, w->in, w->out)) return NULL;
  for (uint32_t i = 0; i < h->nout; i++) /* what turned out to be a structural zero */
    if (!w->out[i]) w->out[i] = cjb_zeros(w->g, cjg_type(h, h->out[i]));
  return w->out;
}

void cjj_frame_outputs(cjj_frame *w, const cj_ref *r, uint32_t n) {
  for (uint32_t i = 0; r && i < n; i++) cjg_output(w->g, r[i]);
}

static void free_rooms(cjj_frame *w) {
  cj_ctx *c = w->f->c;
  cjm_free(c, w->x, w->xcap * sizeof *w->x);
  cjm_free(c, w->v, w->vcap * sizeof *w->v);
  cjm_free(c, w->in, w->incap * sizeof *w->in);
  cjm_free(c, w->out, w->outcap * sizeof *w->out);
}

cj_graph *cjj_frame_close(cjj_frame *w) {
  cj_graph *g = w->g;
  free_rooms(w);
  w->g = NULL;
  if (!g) return NULL;
  CJ_ASSERT(!cjg_ok(g) || cjg_verify(g) || g->c->status == CJ_ENOMEM);
  if (cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}
