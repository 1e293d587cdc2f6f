/*
** deps.c -- dependences as strided arrays of sets: sharing, broadcasting, unions along axes.
*/
#include "jacobian/walk.h"

#include <string.h>

bool cjj_deps_new(cjj_walk *w, const cj_type *t, cjj_deps *out) {
  size_t n = (size_t)cjt_count(t);
  *out = (cjj_deps){0};
  if (!cjj_walk_more(w, (int64_t)n)) return false;
  cjj_ids *ids = cjm_alloc(w->c, sizeof *ids);
  if (!ids) return false;
  *ids = (cjj_ids){.refs = 1, .n = n, .id = cjm_alloc(w->c, (n + 1) * sizeof(cjj_set))};
  out->buf = ids;
  cjt_strides(t, out->stride);
  if (!ids->id) cjj_deps_drop(w, out);
  return out->buf != NULL;
}

cjj_deps cjj_deps_share(const cjj_deps *v) {
  if (v->buf) v->buf->refs++;
  return *v;
}

void cjj_ids_release(cj_ctx *c, cjj_ids *ids) {
  if (!ids || --ids->refs > 0) return;
  cjm_free(c, ids->id, (ids->n + 1) * sizeof *ids->id);
  cjm_free(c, ids->run, ids->cap * sizeof *ids->run);
  cjm_free(c, ids, sizeof *ids);
}

bool cjj_ids_write(cj_ctx *c, cjj_ids *ids) {
  if (ids->id) return true;
  if (!(ids->id = cjm_alloc(c, (ids->n + 1) * sizeof *ids->id))) return false;
  for (size_t k = 0, e = 0; k < ids->nrun; k++) {
    cjj_range run = ids->run[k];
    for (cjj_set id = run.first; e < run.end; id += (cjj_set)run.step) ids->id[e++] = id;
  }
  return true;
}

void cjj_deps_drop(cjj_walk *w, cjj_deps *v) {
  cjj_ids_release(w->c, v->buf);
  v->buf = NULL;
}

cjj_deps cjj_deps_broadcast(const cjj_deps *v, const cj_type *t, const cj_type *to) {
  cjj_deps b = {.buf = v->buf, .off = v->off};
  for (int a = 0; a < to->rank; a++) {
    int from = a - (to->rank - t->rank);
    b.stride[a] = from >= 0 && t->dim[from] != 1 ? v->stride[from] : 0;
  }
  return b;
}

/* --- loops over strided sets -------------------------------------------------------- */

bool cjj_nest_step(cjj_nest *l) {
  for (int a = l->rank - 1; a >= 0; a--) {
    for (int k = 0; k < l->n; k++) l->off[k] += l->stride[k][a];
    if (++l->i[a] < l->dim[a]) return true;
    for (int k = 0; k < l->n; k++) l->off[k] -= l->stride[k][a] * l->dim[a];
    l->i[a] = 0;
  }
  return false;
}

/* The axes of t with those of size 1 for which drop says so. */
static cj_type narrowed(const cj_type *t, uint32_t keep) {
  cj_type s = *t;
  for (int a = 0; a < t->rank; a++)
    if (!(keep >> a & 1)) s.dim[a] = 1;
  return s;
}

/* Axes (from the front) along which v differs. */
static uint32_t moving(const cjj_deps *v, int rank) {
  uint32_t m = 0;
  for (int a = 0; a < rank; a++)
    if (v->stride[a] != 0) m |= 1u << a;
  return m;
}

static void still(cjj_deps *v, int rank, uint32_t keep) { /* axes not kept repeat */
  for (int a = 0; a < rank; a++)
    if (!(keep >> a & 1)) v->stride[a] = 0;
}

static bool unite2(cjj_walk *w, const cjj_deps *x, const cjj_deps *z, const cj_type *t, cjj_deps *out) {
  uint32_t keep = moving(x, t->rank) | moving(z, t->rank);
  cj_type s = narrowed(t, keep);
  if (!cjj_ids_write(w->c, x->buf) || !cjj_ids_write(w->c, z->buf) || !cjj_deps_new(w, &s, out)) return false;
  cjj_nest l = {.rank = s.rank, .n = 2, .stride = {x->stride, z->stride}, .off = {x->off, z->off}};
  memcpy(l.dim, s.dim, sizeof l.dim);
  cjj_set *to = out->buf->id;
  do *to++ = cjj_sets_unite(&w->sets, x->buf->id[l.off[0]], z->buf->id[l.off[1]]);
  while (cjj_nest_step(&l));
  still(out, t->rank, keep);
  if (!cjm_ok(w->c)) cjj_deps_drop(w, out);
  return cjm_ok(w->c);
}

bool cjj_deps_unite(cjj_walk *w, const cjj_deps *v, int n, const cj_type *t, cjj_deps *out) {
  *out = (cjj_deps){0};
  for (int i = 0; i < n; i++) {
    cjj_deps sum;
    if (!v[i].buf) continue;
    if (!out->buf) {
      *out = cjj_deps_share(&v[i]);
      continue;
    }
    bool ok = unite2(w, out, &v[i], t, &sum);
    cjj_deps_drop(w, out);
    if (!ok) return false;
    *out = sum;
  }
  return true;
}

static cjj_set along(cjj_walk *w, const cjj_deps *v, int64_t off, const cj_type *line) {
  cjj_nest l = {.rank = line->rank, .n = 1, .stride = {v->stride}, .off = {off}};
  memcpy(l.dim, line->dim, sizeof l.dim);
  cjj_sets_begin(&w->sets);
  do cjj_sets_add(&w->sets, v->buf->id[l.off[0]]);
  while (cjj_nest_step(&l));
  return cjj_sets_end(&w->sets);
}

bool cjj_deps_squash(cjj_walk *w, const cjj_deps *v, const cj_type *t, uint32_t mask, cjj_deps *out) {
  uint32_t gone = 0, moves = moving(v, t->rank);
  for (int a = 0; a < t->rank; a++)
    if (mask >> (t->rank - 1 - a) & 1) gone |= 1u << a;
  *out = (cjj_deps){0};
  if (!v->buf || cjt_count(t) == 0) return true;
  if (!(moves & gone)) {
    *out = cjj_deps_share(v);
    return true;
  }
  cj_type kept = narrowed(t, moves & ~gone), line = narrowed(t, moves & gone);
  if (!cjj_walk_more(w, cjt_count(&kept) * cjt_count(&line)) || !cjj_ids_write(w->c, v->buf) ||
      !cjj_deps_new(w, &kept, out))
    return false;
  cjj_nest l = {.rank = kept.rank, .n = 1, .stride = {v->stride}, .off = {v->off}};
  memcpy(l.dim, kept.dim, sizeof l.dim);
  cjj_set *to = out->buf->id;
  do *to++ = along(w, v, l.off[0], &line);
  while (cjj_nest_step(&l));
  still(out, t->rank, moves & ~gone);
  if (!cjm_ok(w->c)) cjj_deps_drop(w, out);
  return cjm_ok(w->c);
}

int64_t cjj_nest_lines(const cjj_deps *v, const cj_type *t, cjj_nest *l, int64_t *step) {
  *l = (cjj_nest){.rank = t->rank ? t->rank - 1 : 0, .n = 1, .stride = {v->stride}, .off = {v->off}};
  memcpy(l->dim, t->dim, sizeof l->dim);
  *step = t->rank ? v->stride[t->rank - 1] : 0;
  return t->rank ? t->dim[t->rank - 1] : 1;
}

bool cjj_deps_flatten(cjj_walk *w, const cjj_deps *v, const cj_type *t, cjj_deps *out) {
  cjj_nest l;
  int64_t step, n = cjj_nest_lines(v, t, &l, &step);
  if (!cjj_ids_write(w->c, v->buf) || !cjj_deps_new(w, t, out)) return false;
  if (out->buf->n == 0) return true;
  cjj_set *to = out->buf->id;
  do {
    const cjj_set *from = v->buf->id + l.off[0];
    for (int64_t k = 0; k < n; k++) *to++ = from[k * step];
  } while (cjj_nest_step(&l));
  return true;
}

static bool same_strides(const cjj_deps *x, const cjj_deps *z, const cj_type *t) {
  if (x->buf != z->buf || x->off != z->off) return false;
  for (int a = 0; a < t->rank; a++)
    if (t->dim[a] > 1 && x->stride[a] != z->stride[a]) return false;
  return true;
}

bool cjj_deps_same(cjj_walk *w, const cjj_deps *x, const cjj_deps *z, const cj_type *t, bool *same) {
  *same = same_strides(x, z, t) || cjt_count(t) == 0;
  if (*same) return true;
  if (x->buf->run && z->buf->run) return cjj_runs_same(w, x, z, t, same);
  if (!cjj_ids_write(w->c, x->buf) || !cjj_ids_write(w->c, z->buf)) return false;
  cjj_nest l = {.rank = t->rank, .n = 2, .stride = {x->stride, z->stride}, .off = {x->off, z->off}};
  memcpy(l.dim, t->dim, sizeof l.dim);
  do
    if (x->buf->id[l.off[0]] != z->buf->id[l.off[1]]) return true;
  while (cjj_nest_step(&l));
  *same = true;
  return true;
}

cjj_set cjj_deps_greatest(const cjj_deps *v, const cj_type *t) {
  cj_type s = narrowed(t, moving(v, t->rank));
  cjj_nest l;
  int64_t step, n = cjj_nest_lines(v, &s, &l, &step);
  cjj_set high = 0;
  do {
    const cjj_set *from = v->buf->id + l.off[0];
    for (int64_t k = 0; k < n; k++) high = from[k * step] > high ? from[k * step] : high;
  } while (cjj_nest_step(&l));
  return high;
}
