/*
** propagate.c -- the rules: what the elements of a result depend on, one rule a kind of row.  A row that
** moves elements is understood by running its own kernel on the numbers of the sets, which are 4 bytes
** wide like a float32; 0, the padding, is the empty set.
*/
#include "jacobian/walk.h"

#include <string.h>

/* --- operands ---------------------------------------------------------------------- */

static cj_ref nth_operand(const cjj_walk *w, cj_ref r, int i) { return cjg_operands(w->g, r)[i]; }
static const cj_type *type_of(const cjj_walk *w, cj_ref r) { return cjg_type(w->g, r); }

/* The dependences of operand i of r, or none. */
static cjj_deps deps_at(const cjj_walk *w, cj_ref r, int i) {
  const cjj_deps *d = cjj_deps_of(w, nth_operand(w, r, i));
  return d ? *d : (cjj_deps){0};
}

static uint32_t axis_bit(const cj_attr *a) { return 1u << (a->v[0] - 1); }

/* --- everything ------------------------------------------------------------------------- */

/* Every element on all of every operand: right for any row. */
static bool on_everything(cjj_walk *w, cj_ref r, cjj_deps *out) {
  cjj_deps all = {0};
  for (int i = 0; i < cjg_at(w->g, r)->nin; i++) {
    cjj_deps d = deps_at(w, r, i), line = {0}, sum;
    if (!d.buf) continue;
    if (!cjj_deps_squash(w, &d, type_of(w, nth_operand(w, r, i)), ~0u, &line)) return false;
    cjj_deps scalar[2] = {all, {.buf = line.buf, .off = line.off}};
    bool ok = cjj_deps_unite(w, scalar, 2, &(cj_type){0}, &sum);
    cjj_deps_drop(w, &line);
    cjj_deps_drop(w, &all);
    if (!ok) return false;
    all = sum;
  }
  *out = all;
  return true;
}

/* --- elementwise --------------------------------------------------------------------------- */

static bool by_elements(cjj_walk *w, cj_ref r, cjj_deps *out) {
  cjj_deps in[3] = {{0}};
  const cj_type *t = type_of(w, r);
  int nin = cjg_at(w->g, r)->nin;
  if (nin > 3) return on_everything(w, r, out);
  for (int i = 0; i < nin; i++) {
    cjj_deps d = deps_at(w, r, i);
    if (d.buf) in[i] = cjj_deps_broadcast(&d, type_of(w, nth_operand(w, r, i)), t);
  }
  return cjj_deps_unite(w, in, nin, t, out);
}

/* --- views ------------------------------------------------------------------------------------ */

static bool seen_as(const cjj_walk *w, cj_ref r, const cjj_deps *d, cjj_deps *out) {
  int64_t offset = 0;
  *out = (cjj_deps){.buf = d->buf};
  if (!cjg_row(w->g, r)->alias(type_of(w, nth_operand(w, r, 0)), d->stride, cjg_attr(w->g, r), type_of(w, r),
                               out->stride, &offset))
    return false;
  out->off = d->off + offset;
  return true;
}

static bool by_view(cjj_walk *w, cj_ref r, cjj_deps *out) {
  cjj_deps d = deps_at(w, r, 0), flat;
  if (!cjg_row(w->g, r)->alias) return on_everything(w, r, out);
  if (seen_as(w, r, &d, out)) {
    *out = cjj_deps_share(out);
    return true;
  }
  bool ok = d.buf->run ? cjj_runs_flatten(w, &d, type_of(w, nth_operand(w, r, 0)), &flat)
                       : cjj_deps_flatten(w, &d, type_of(w, nth_operand(w, r, 0)), &flat);
  if (!ok) return false;
  if (seen_as(w, r, &flat, out)) return true;
  cjj_deps_drop(w, &flat);
  return on_everything(w, r, out);
}

/* --- moves --------------------------------------------------------------------------------------- */

typedef struct moved { /* operands of a kernel that runs on sets */
  cj_view *view;
  cj_type *type;
  cjj_set none;
} moved;

/* An operand as the kernel is to see it: sets, or the value of an index.  False: that is not known, or an error. */
static bool as_operand(cjj_walk *w, cj_ref x, moved *m, int i) {
  const cjj_deps *d = cjj_deps_of(w, x);
  const cj_type *t = type_of(w, x);
  m->type[i] = cjt_as(*t, CJ_F32);
  m->view[i] = (cj_view){.type = &m->type[i]};
  if (d) {
    if (!cjj_ids_write(w->c, d->buf)) return false;
    m->view[i].data = (char *)(d->buf->id + d->off);
    memcpy(m->view[i].stride, d->stride, sizeof d->stride);
  } else if (cjt_isfloat(t->dtype)) {
    m->view[i].data = (char *)&m->none;
  } else {
    cj_tensor *v = cjj_constant(w, x);
    if (!v) return false;
    m->type[i].dtype = t->dtype;
    m->view[i] = cjt_asview(v);
    m->view[i].type = &m->type[i];
  }
  return true;
}

/* Runs the kernel of r on its operands' sets.  *known false: an index is not known, nothing done. */
static bool run_on_sets(cjj_walk *w, cj_ref r, bool *known, cjj_deps *out) {
  int nin = cjg_at(w->g, r)->nin;
  size_t bytes = (size_t)nin * (sizeof(cj_view) + sizeof(cj_type));
  moved m = {.view = cjm_alloc(w->c, bytes)};
  *out = (cjj_deps){0};
  if (!m.view) return false;
  m.type = (cj_type *)(m.view + nin);
  *known = true;
  for (int i = 0; i < nin && *known; i++) *known = as_operand(w, nth_operand(w, r, i), &m, i);
  if (*known && cjj_deps_new(w, type_of(w, r), out)) {
    cj_type t = cjt_as(*type_of(w, r), CJ_F32);
    cj_view to = cjt_rowmajor(out->buf->id, &t);
    if (cjg_row(w->g, r)->eval[CJ_F32](m.view, nin, cjg_attr(w->g, r), &to, NULL) != CJ_OK)
      cjm_fail(w->c, CJ_ERANGE, "%s: a constant index is out of range", cjg_row(w->g, r)->name);
  }
  cjm_free(w->c, m.view, bytes);
  if (!cjm_ok(w->c)) cjj_deps_drop(w, out);
  return cjm_ok(w->c);
}

/* gather along an axis by an unknown index: anything of its line. */
static bool gather_blindly(cjj_walk *w, cj_ref r, cjj_deps *out) {
  cjj_deps x = deps_at(w, r, 0), line;
  const cj_type *t = type_of(w, nth_operand(w, r, 0));
  if (!cjj_deps_squash(w, &x, t, axis_bit(cjg_attr(w->g, r)), &line)) return false;
  cj_type one = *t;
  one.dim[t->rank - cjg_attr(w->g, r)->v[0]] = 1;
  *out = cjj_deps_broadcast(&line, &one, type_of(w, r));
  return true;
}

/* scatter along an axis at unknown places: what was there, and anything of the line of the source. */
static bool scatter_blindly(cjj_walk *w, cj_ref r, cjj_deps *out) {
  const cj_type *t = type_of(w, r);
  cjj_deps x = deps_at(w, r, 0), src = deps_at(w, r, 2), in[2] = {{0}}, line = {0};
  if (x.buf) in[0] = cjj_deps_broadcast(&x, type_of(w, nth_operand(w, r, 0)), t);
  if (src.buf) {
    const cj_type *ts = type_of(w, nth_operand(w, r, 2));
    if (!cjj_deps_squash(w, &src, ts, axis_bit(cjg_attr(w->g, r)), &line)) return false;
    cj_type one = *ts;
    one.dim[ts->rank - cjg_attr(w->g, r)->v[0]] = 1;
    in[1] = cjj_deps_broadcast(&line, &one, t);
  }
  bool ok = cjj_deps_unite(w, in, 2, t, out);
  cjj_deps_drop(w, &line);
  return ok;
}

/* Result e unites x[e], if any, and src[k] for all k with place[k] == e: a counting sort by place. */
static bool add_at(cjj_walk *w, const cjj_deps *x, const cjj_deps *src, const uint32_t *place, cjj_deps *out) {
  size_t n = src->buf->n, m = out->buf->n, bytes = (n + m + 1) * sizeof(uint32_t);
  uint32_t *start = cjm_zalloc(w->c, bytes);
  if (!start) return false;
  cjj_set *sorted = start + m + 1;
  for (size_t k = 0; k < n; k++) start[place[k]]++;
  for (size_t e = 0, sum = 0; e < m; e++) {
    uint32_t count = start[e];
    start[e] = (uint32_t)sum;
    sum += count;
  }
  for (size_t k = 0; k < n; k++) sorted[start[place[k]]++] = src->buf->id[k];
  for (size_t e = 0, k = 0; e < m; e++) { /* start[e] is now where bucket e ends */
    cjj_sets_begin(&w->sets);
    if (x) cjj_sets_add(&w->sets, x->buf->id[e]);
    for (; k < start[e]; k++) cjj_sets_add(&w->sets, sorted[k]);
    out->buf->id[e] = cjj_sets_end(&w->sets);
  }
  cjm_free(w->c, start, bytes);
  return cjm_ok(w->c);
}

static bool sum_at(cjj_walk *w, const cjj_deps *x, const cj_type *tx, const cjj_deps *src, const cj_type *ts,
                   const uint32_t *place, cjj_deps *out) {
  cjj_deps fx = {0}, fs = {0};
  bool ok = (!x->buf || cjj_deps_flatten(w, x, tx, &fx)) && cjj_deps_flatten(w, src, ts, &fs) &&
            cjj_deps_new(w, tx, out) && add_at(w, x->buf ? &fx : NULL, &fs, place, out);
  cjj_deps_drop(w, &fx);
  cjj_deps_drop(w, &fs);
  if (!ok) cjj_deps_drop(w, out);
  return ok;
}

/* Where scatter_add puts each element of its source: the numbers of the elements of x, gathered.
** *known false: the index is not known. */
static bool added_places(cjj_walk *w, cj_ref r, bool *known, cjj_deps *out) {
  cj_tensor *index = cjj_constant(w, nth_operand(w, r, 1));
  cj_type tx = cjt_as(*type_of(w, r), CJ_F32), ts = cjt_as(*type_of(w, nth_operand(w, r, 2)), CJ_F32);
  cjj_deps number;
  *known = index && cjt_sameshape(&index->type, &ts);
  if (!*known) return cjm_ok(w->c);
  if (!cjj_deps_new(w, &tx, &number)) return false;
  for (size_t e = 0; e < number.buf->n; e++) number.buf->id[e] = (uint32_t)e;
  if (cjj_deps_new(w, &ts, out)) {
    cj_view in[2] = {cjt_rowmajor(number.buf->id, &tx), cjt_asview(index)}, to = cjt_rowmajor(out->buf->id, &ts);
    if (cjr_row(CJ_OP_gather)->eval[CJ_F32](in, 2, cjg_attr(w->g, r), &to, NULL) != CJ_OK)
      cjm_fail(w->c, CJ_ERANGE, "%s: a constant index is out of range", cjg_row(w->g, r)->name);
  }
  cjj_deps_drop(w, &number);
  if (!cjm_ok(w->c)) cjj_deps_drop(w, out);
  return cjm_ok(w->c);
}

/* The shape of x but for axis is that of the source, or its kernel would have to broadcast. */
static bool lines_agree(const cjj_walk *w, cj_ref r) {
  cj_type x = *type_of(w, r);
  const cj_type *src = type_of(w, nth_operand(w, r, 2));
  int axis = (int)cjg_attr(w->g, r)->v[0];
  if (x.rank != src->rank) return false;
  x.dim[x.rank - axis] = src->dim[x.rank - axis];
  return cjt_sameshape(&x, src);
}

static bool by_scatter_add(cjj_walk *w, cj_ref r, cjj_deps *out) {
  cjj_deps x = deps_at(w, r, 0), src = deps_at(w, r, 2), place = {0};
  bool known = false;
  if (!src.buf || !lines_agree(w, r)) return scatter_blindly(w, r, out);
  if (!added_places(w, r, &known, &place)) return false;
  if (!known) return scatter_blindly(w, r, out);
  bool ok = sum_at(w, &x, type_of(w, r), &src, type_of(w, nth_operand(w, r, 2)), place.buf->id, out);
  cjj_deps_drop(w, &place);
  return ok;
}

/* fold adds windows (axis v[0] of the result; the last axis of the operand runs inside a window) where
** they came from: element (.., i, .., s) to place i * step + s. */
static bool by_fold(cjj_walk *w, cj_ref r, cjj_deps *out) {
  const cj_type *t = type_of(w, r), *ts = type_of(w, nth_operand(w, r, 0));
  const cj_attr *a = cjg_attr(w->g, r);
  cjj_deps src = deps_at(w, r, 0), place, none = {0};
  int64_t stride[CJ_MAXRANK] = {0}, i[CJ_MAXRANK] = {0}, at = 0;
  if (ts->rank != t->rank + 1) return on_everything(w, r, out);
  cjt_strides(t, stride);
  stride[t->rank] = stride[t->rank - a->v[0]]; /* inside a window */
  stride[t->rank - a->v[0]] *= a->v[2];        /* from window to window */
  if (!cjj_deps_new(w, ts, &place)) return false;
  for (size_t k = 0; k < place.buf->n; k++) {
    place.buf->id[k] = (uint32_t)at;
    for (int e = ts->rank - 1; e >= 0; e--) {
      at += stride[e];
      if (++i[e] < ts->dim[e]) break;
      at -= stride[e] * ts->dim[e];
      i[e] = 0;
    }
  }
  bool ok = sum_at(w, &none, t, &src, ts, place.buf->id, out);
  cjj_deps_drop(w, &place);
  return ok;
}

static bool by_moves(cjj_walk *w, cj_ref r, cjj_deps *out) {
  const cj_op *row = cjg_row(w->g, r);
  int op = cjg_at(w->g, r)->op;
  bool known = false;
  if (!cjj_runs_move(w, r, out)) return false;
  if (out->buf) return true;
  if (op == CJ_OP_cast || op == CJ_OP_stop) return by_elements(w, r, out);
  if (op == CJ_OP_fold) return by_fold(w, r, out);
  if (op == CJ_OP_scatter_add) return by_scatter_add(w, r, out);
  if (!row->eval || !row->eval[CJ_F32] || row->work) return on_everything(w, r, out);
  if (!run_on_sets(w, r, &known, out)) return false;
  if (known) return true;
  if (op == CJ_OP_gather && cjj_deps_of(w, nth_operand(w, r, 0))) return gather_blindly(w, r, out);
  if (op == CJ_OP_scatter && lines_agree(w, r)) return scatter_blindly(w, r, out);
  return on_everything(w, r, out);
}

/* --- reductions, scans ---------------------------------------------------------------------------------- */

static bool by_reduction(cjj_walk *w, cj_ref r, cjj_deps *out) {
  const cj_type *t = type_of(w, nth_operand(w, r, 0));
  uint32_t mask = (uint32_t)cjg_attr(w->g, r)->v[0];
  cjj_deps d = deps_at(w, r, 0), line;
  if (cjg_at(w->g, r)->nin != 1) return on_everything(w, r, out);
  if (!cjj_deps_squash(w, &d, t, mask, &line)) return false;
  *out = (cjj_deps){.buf = line.buf, .off = line.off};
  for (int a = 0, b = 0; a < t->rank; a++)
    if (!(mask >> (t->rank - 1 - a) & 1)) out->stride[b++] = line.stride[a];
  return true;
}

/* Each element on itself and those before it (after it if v[1]) along axis v[0]. */
static bool by_scan(cjj_walk *w, cj_ref r, cjj_deps *out) {
  cj_type t = *type_of(w, r);
  const cj_attr *a = cjg_attr(w->g, r);
  cjj_deps sum, flat;
  if (!by_elements(w, r, &sum)) return false;
  if (!sum.buf || cjt_count(&t) == 0) {
    *out = sum;
    return true;
  }
  bool ok = cjj_deps_flatten(w, &sum, &t, &flat);
  cjj_deps_drop(w, &sum);
  if (!ok) return false;
  int axis = t.rank - (int)a->v[0];
  int64_t n = t.dim[axis], s = flat.stride[axis], lines = cjt_count(&t) / n, back = a->n > 1 && a->v[1];
  for (int64_t l = 0; l < lines; l++) {
    cjj_set *p = flat.buf->id + (l / s) * s * n + l % s;
    for (int64_t k = 1; k < n; k++) {
      int64_t here = back ? n - 1 - k : k, before = back ? here + 1 : here - 1;
      p[here * s] = cjj_sets_unite(&w->sets, p[before * s], p[here * s]);
    }
  }
  *out = flat;
  if (!cjm_ok(w->c)) cjj_deps_drop(w, out);
  return cjm_ok(w->c);
}

/* --- matrices --------------------------------------------------------------------------------------------- */

/* Operand i of r with the axes of mask united, as an operand that broadcasts to the result: the caller
** drops it. */
static bool squashed(cjj_walk *w, cj_ref r, int i, uint32_t mask, cjj_deps *out) {
  cjj_deps d = deps_at(w, r, i), line;
  cj_type t = *type_of(w, nth_operand(w, r, i));
  *out = (cjj_deps){0};
  if (!d.buf) return true;
  if (!cjj_deps_squash(w, &d, &t, mask, &line)) return false;
  for (int k = 1; k <= t.rank; k++)
    if (mask >> (k - 1) & 1) t.dim[t.rank - k] = 1;
  *out = line.buf ? cjj_deps_broadcast(&line, &t, type_of(w, r)) : line;
  return true;
}

/* matmul: element (i, j) on row i of the left and column j of the right; the other factor's values do not
** matter.  Likewise the columns of a solve, by its last operand. */
static bool by_product(cjj_walk *w, cj_ref r, int left, int right, cjj_deps *out) {
  cjj_deps in[2] = {{0}};
  bool ok = (left < 0 || squashed(w, r, left, 1, &in[0])) && squashed(w, r, right, 2, &in[1]) &&
            cjj_deps_unite(w, in, 2, type_of(w, r), out);
  cjj_deps_drop(w, &in[0]);
  cjj_deps_drop(w, &in[1]);
  return ok;
}

/* Each leading index on all of the last `core` axes. */
static bool by_core(cjj_walk *w, cj_ref r, cjj_deps *out) {
  uint32_t mask = (1u << cjg_row(w->g, r)->core) - 1;
  int nin = cjg_at(w->g, r)->nin;
  cjj_deps sum = {0};
  for (int i = 0; i < nin; i++) {
    cjj_deps in[2] = {sum, {0}}, both = {0};
    bool ok = squashed(w, r, i, mask, &in[1]) && cjj_deps_unite(w, in, 2, type_of(w, r), &both);
    cjj_deps_drop(w, &in[0]);
    cjj_deps_drop(w, &in[1]);
    if (!ok) return false;
    sum = both;
  }
  *out = sum;
  return true;
}

static bool by_matrix(cjj_walk *w, cj_ref r, cjj_deps *out) {
  const cj_node *n = cjg_at(w->g, r);
  bool solve = n->op == CJ_OP_lusolve || n->op == CJ_OP_trisolve;
  int last = n->nin - 1;
  if (n->op == CJ_OP_matmul) return by_product(w, r, 0, 1, out);
  for (int i = 0; i < last; i++)
    if (cjj_deps_of(w, nth_operand(w, r, i))) solve = false;
  return solve ? by_product(w, r, -1, last, out) : by_core(w, r, out);
}

bool cjj_propagate(cjj_walk *w, cj_ref r, cjj_deps *out) {
  switch (cjg_row(w->g, r)->kind) {
  case CJ_ELEMENTWISE: return by_elements(w, r, out);
  case CJ_VIEWS: return by_view(w, r, out);
  case CJ_MOVES: return by_moves(w, r, out);
  case CJ_REDUCES: return by_reduction(w, r, out);
  case CJ_SCANS: return by_scan(w, r, out);
  case CJ_DENSE: return by_matrix(w, r, out);
  default: return on_everything(w, r, out);
  }
}
