/*
** runs.c -- sets that are single columns, in runs: those of an input, and what shifting, padding and laying side by
** side makes of them.
*/
#include "jacobian/walk.h"

#include <string.h>

static size_t start_of(const cjj_ids *b, size_t k) { return k ? b->run[k - 1].end : 0; }

static bool new_runs(cjj_walk *w, const cj_type *t, cjj_deps *out) {
  *out = (cjj_deps){.buf = cjm_alloc(w->c, sizeof *out->buf)};
  if (!out->buf) return false;
  *out->buf = (cjj_ids){.refs = 1, .n = (size_t)cjt_count(t)};
  cjt_strides(t, out->stride);
  return true;
}

/* n sets behind those of b; as few runs as that may give. */
static bool append_run(cj_ctx *c, cjj_ids *b, size_t n, cjj_set first, int32_t step) {
  cjj_range *last = b->nrun ? &b->run[b->nrun - 1] : NULL;
  size_t at = last ? last->end : 0, have = last ? at - start_of(b, b->nrun - 1) : 0;
  if (n == 0) return true;
  if (last && (last->first == 0) == (first == 0)) {
    int32_t by = have > 1 ? last->step : n > 1 ? step : (int32_t)(first - last->first);
    if ((n == 1 || step == by) && (int64_t)last->first + (int64_t)have * by == (int64_t)first) {
      last->step = by;
      last->end += n;
      return true;
    }
  }
  if (!CJM_GROW(c, b->run, b->cap, b->nrun + (size_t)1)) return false;
  b->run[b->nrun++] = (cjj_range){at + n, first, n > 1 ? step : 0};
  return true;
}

/* The n sets at p, p + by, .. of x behind those of b.  *k: the run where the last search ended. */
static bool append_line(cjj_walk *w, const cjj_ids *x, size_t *k, int64_t p, int64_t by, int64_t n, cjj_ids *b) {
  while (n > 0) {
    while (x->run[*k].end <= (size_t)p) ++*k;
    while (start_of(x, *k) > (size_t)p) --*k;
    const cjj_range *run = &x->run[*k];
    int64_t from = (int64_t)start_of(x, *k), m = n;
    if (by > 0) m = ((int64_t)run->end - 1 - p) / by + 1;
    if (by < 0) m = (p - from) / -by + 1;
    if (m > n) m = n;
    cjj_set first = (cjj_set)((int64_t)run->first + (p - from) * run->step);
    if (!append_run(w->c, b, (size_t)m, first, (int32_t)(run->step * by)) || !cjj_walk_more(w, 1)) return false;
    p += m * by;
    n -= m;
  }
  return true;
}

bool cjj_runs_count(cjj_walk *w, const cj_type *t, cjj_set first, cjj_deps *out) {
  if (!new_runs(w, t, out)) return false;
  if (append_run(w->c, out->buf, out->buf->n, first, 1)) return true;
  cjj_deps_drop(w, out);
  return false;
}

/* The n sets at off, off + by, .. of x, which may be there one by one, behind those of b. */
static bool append_sets(cjj_walk *w, const cjj_ids *x, size_t *k, int64_t off, int64_t by, int64_t n, cjj_ids *b) {
  if (x->run) return append_line(w, x, k, off, by, n, b);
  for (int64_t e = 0; e < n; e++)
    if (!append_run(w->c, b, 1, x->id[off + e * by], 0)) return false;
  return true;
}

bool cjj_runs_flatten(cjj_walk *w, const cjj_deps *v, const cj_type *t, cjj_deps *out) {
  cjj_nest l;
  int64_t by, n = cjj_nest_lines(v, t, &l, &by);
  size_t k = 0;
  if (!new_runs(w, t, out)) return false;
  bool ok = true, more = out->buf->n > 0;
  while (ok && more) {
    ok = append_sets(w, v->buf, &k, l.off[0], by, n, out->buf);
    more = cjj_nest_step(&l);
  }
  if (!ok) cjj_deps_drop(w, out);
  return ok;
}

static cjj_set set_at(const cjj_ids *b, size_t k, size_t e) {
  return (cjj_set)((int64_t)b->run[k].first + (int64_t)(e - start_of(b, k)) * b->run[k].step);
}

bool cjj_runs_same(cjj_walk *w, const cjj_deps *x, const cjj_deps *z, const cj_type *t, bool *same) {
  cjj_deps fx = {0}, fz = {0};
  bool ok = cjj_runs_flatten(w, x, t, &fx) && cjj_runs_flatten(w, z, t, &fz);
  *same = ok;
  for (size_t i = 0, j = 0, e = 0; *same && e < fx.buf->n;) { /* equal at both ends: equal between them */
    size_t end = fx.buf->run[i].end < fz.buf->run[j].end ? fx.buf->run[i].end : fz.buf->run[j].end;
    *same = set_at(fx.buf, i, e) == set_at(fz.buf, j, e) && set_at(fx.buf, i, end - 1) == set_at(fz.buf, j, end - 1);
    i += fx.buf->run[i].end == end;
    j += fz.buf->run[j].end == end;
    e = end;
  }
  cjj_deps_drop(w, &fx);
  cjj_deps_drop(w, &fz);
  return ok;
}

/* --- moves ------------------------------------------------------------------------------------------------ */

/* What lies side by side along an axis: n sets of each line; none: buf NULL. */
typedef struct beside {
  cjj_deps flat;
  int64_t n;
} beside;

/* Lines of the parts one after the other until all of t is there. */
static bool lay_beside(cjj_walk *w, const beside *part, int n, const cj_type *t, cjj_deps *out) {
  int64_t line = 0;
  if (!new_runs(w, t, out)) return false;
  for (int i = 0; i < n; i++) line += part[i].n;
  int64_t lines = line ? cjt_count(t) / line : 0;
  bool ok = true;
  for (int64_t l = 0; l < lines && ok; l++)
    for (int i = 0; i < n && ok; i++) {
      const cjj_ids *x = part[i].flat.buf;
      size_t k = x && l ? (size_t)l * x->nrun / (size_t)lines : 0; /* where to search: lines are alike */
      ok = x ? append_line(w, x, &k, l * part[i].n, 1, part[i].n, out->buf)
             : append_run(w->c, out->buf, (size_t)part[i].n, 0, 0);
    }
  if (!ok) cjj_deps_drop(w, out);
  return ok;
}

/* Elements of t from its axis, counted from the end, on. */
static int64_t line_count(const cj_type *t, int64_t axis) {
  int64_t n = 1;
  for (int a = 1; a <= axis; a++) n *= cjt_at(t, a);
  return n;
}

static bool all_in_runs(const cjj_walk *w, cj_ref r) {
  for (int i = 0; i < cjg_at(w->g, r)->nin; i++) {
    const cjj_deps *d = cjj_deps_of(w, cjg_operands(w->g, r)[i]);
    if (d && !d->buf->run) return false;
  }
  return true;
}

bool cjj_runs_move(cjj_walk *w, cj_ref r, cjj_deps *out) {
  const cj_node *node = cjg_at(w->g, r);
  const cj_attr *a = cjg_attr(w->g, r);
  const cj_type *t = cjg_type(w->g, r);
  bool embed = node->op == CJ_OP_embed, ok = true;
  int n = embed ? 3 : node->nin;
  *out = (cjj_deps){0};
  if ((!embed && node->op != CJ_OP_cat) || (embed && a->v[2] != 1) || !all_in_runs(w, r)) return true;
  beside *part = cjm_zalloc(w->c, (size_t)n * sizeof *part);
  if (!part) return false;
  for (int i = 0; i < node->nin && ok; i++) {
    cj_ref x = cjg_operands(w->g, r)[i];
    beside *p = &part[embed ? 1 : i];
    p->n = line_count(cjg_type(w->g, x), a->v[0]);
    ok = !cjj_deps_of(w, x) || cjj_runs_flatten(w, cjj_deps_of(w, x), cjg_type(w->g, x), &p->flat);
  }
  if (embed) {
    part[0].n = a->v[1] * line_count(t, a->v[0] - 1);
    part[2].n = line_count(t, a->v[0]) - part[0].n - part[1].n;
  }
  ok = ok && lay_beside(w, part, n, t, out);
  for (int i = 0; i < n; i++) cjj_deps_drop(w, &part[i].flat);
  cjm_free(w->c, part, (size_t)n * sizeof *part);
  return ok;
}
