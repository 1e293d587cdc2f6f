/*
** indexing.c -- rows that read and write elements at places given by an int64 tensor.  All work along one
** axis; indices of other axes are their own.
*/
#include "rules/rules.h"

static bool isindex(cj_ctx *c, const cj_op *self, const cj_type *index) {
  if (index->dtype == CJ_I64) return true;
  cjm_fail(c, CJ_EDTYPE, "%s: the index must be int64, not %s", self->name, cj_dtype_name((cj_dtype)index->dtype));
  return false;
}

static cj_ref zeros_shaped(cj_graph *g, cj_ref x, cj_type shape) {
  shape.dtype = cjb_type(g, x).dtype;
  return cjb_zeros(g, &shape);
}

/* --- gather ---------------------------------------------------------------------------- */

static CJR_INFER(infer_gather) { /* v: axis */
  int axis = (int)a->v[0];
  cj_type one = *in[0];
  if (!isindex(c, self, in[1]) || !cjr_isaxis(c, self, in[0], a->v[0])) return false;
  bool good = one.rank == in[1]->rank;
  if (good) one = cjr_resized(one, axis, 1);
  cj_type places = good ? cjr_resized(*in[1], axis, 1) : *in[1];
  if (!good || !cjt_broadcast(&one, &places, out)) {
    cjm_fail(c, CJ_ESHAPE, "%s: index %s does not fit shape %s", self->name, cjr_show(in[1]).s, cjr_show(in[0]).s);
    return false;
  }
  *out = cjr_resized(*out, axis, cjt_at(in[1], axis));
  return cjr_checked(c, self, out);
}

static CJR_TRANSPOSE(transpose_gather) {
  int axis = (int)a->v[0];
  cj_type t = cjb_type(g, ct), full = cjr_resized(t, axis, cjt_at(cjg_type(g, in[0]), axis));
  return cjb_scatter_add(g, zeros_shaped(g, in[0], full), cjb_expand(g, in[1], &t), ct, axis);
}

/* x cut to the sizes of index along the other axes. */
static cj_ref cut(cj_graph *g, cj_ref x, const cj_type *index, int axis) {
  for (int d = 1; d <= index->rank; d++)
    if (d != axis) x = cjb_slice(g, x, d, 0, 1, cjt_at(index, d));
  return x;
}

/* Operand i is no smaller than index, along axis only if `along`; both of one rank, 0-d counting as [1]. */
static bool covers(const cj_call *k, int i, const cj_type *index, int axis, bool along) {
  cj_type t = cjr_in(k, i);
  bool good = (t.rank ? t.rank : 1) == (index->rank ? index->rank : 1);
  for (int d = 1; good && d <= index->rank; d++) good = (d == axis && !along) || cjt_at(index, d) <= cjt_at(&t, d);
  if (good) return true;
  return cjr_bad(k, CJ_ESHAPE, "index %s does not fit %s %s", cjr_show(index).s, i == 0 ? "shape" : "source",
                 cjr_show(&t).s);
}

static cj_ref atleast1d(cj_graph *g, cj_ref x) { return x && cjg_type(g, x)->rank == 0 ? cjb_unsqueeze(g, x, 1) : x; }

static CJR_FACE(face_gather) {
  cj_type t = cjr_in(k, 0), index = cjr_in(k, 1);
  int axis = cjr_axis(k, 0, &t, 0);
  if (!axis || !isindex(k->g->c, cjr_row(k->op), &index) || !covers(k, 0, &index, axis, false)) return false;
  cj_ref x = cut(k->g, atleast1d(k->g, k->in[0]), &index, axis);
  cj_ref y = cjb_gather(k->g, x, atleast1d(k->g, k->in[1]), axis);
  return cjr_one(cjb_reshape(k->g, y, &index), out, nout);
}

const cj_op cjo_gather = {.name = "gather",
                          .module = "",
                          .sig = "x, dim:axis, index:index",
                          .doc = "the elements of x at index along an axis; the result has the shape of index",
                          .example = "R(3,4), 2, INT(4, 3,2) | R(5), 1, INT(5, 7) | R(3,4), 1, INT(3, 2,2)",
                          .kind = CJ_MOVES,
                          .nin = 2,
                          .flags = CJ_NOBROADCAST | CJ_METHOD,
                          .lin = 1,
                          .build = face_gather,
                          .infer = infer_gather,
                          .eval = cjk_gather,
                          .transpose = transpose_gather};

/* --- scatter, scatter_add ------------------------------------------------------------------ */

static CJR_INFER(infer_scatter) { /* x, index, src; v: axis */
  int axis = (int)a->v[0];
  cj_type fit = *in[0];
  if (!cjr_isaxis(c, self, in[0], a->v[0])) return false;
  if (!isindex(c, self, in[1]) || !cjr_samedtype(c, self, in[0], in[2])) return false;
  fit = cjr_resized(fit, axis, cjt_at(in[1], axis));
  if (!cjt_sameshape(in[1], in[2]) || !cjt_sameshape(&fit, in[1])) {
    cjm_fail(c, CJ_ESHAPE, "%s: index %s and source %s do not fit shape %s", self->name, cjr_show(in[1]).s,
             cjr_show(in[2]).s, cjr_show(in[0]).s);
    return false;
  }
  *out = *in[0];
  return true;
}

/* Where an element of src is what its place holds in the end: of several with one place, the last is. */
static cj_ref survives(cj_graph *g, cj_ref x, cj_ref index, int axis) {
  cj_type full = cjb_type(g, x), t = cjb_type(g, index), line = t;
  for (int e = 0; e < line.rank; e++)
    if (e != line.rank - axis) line.dim[e] = 1;
  full.dtype = CJ_I64;
  cj_ref number = cjb_expand(g, cjb_reshape(g, cjb_iota(g, CJ_I64, cjt_at(&t, axis)), &line), &t);
  cj_ref last = cjb_scatter(g, cjb_zeros(g, &full), index, number, axis);
  return cjb_eq(g, cjb_gather(g, last, index, axis), number);
}

static CJR_TRANSPOSE(transpose_scatter) {
  int axis = (int)a->v[0];
  if (i == 0) return cjb_scatter(g, ct, in[1], zeros_shaped(g, in[0], cjb_type(g, in[2])), axis);
  return cjb_where(g, survives(g, in[0], in[1], axis), cjb_gather(g, ct, in[1], axis), cjb_like(g, in[0], 0));
}

static CJR_TRANSPOSE(transpose_scatter_add) { return i == 0 ? ct : cjb_gather(g, ct, in[1], (int)a->v[0]); }

/* op on x[0 .. sizes of index) along the axes other than axis, the rest of x as it is */
static cj_ref within(cj_graph *g, int op, cj_ref x, cj_ref index, cj_ref src, int axis) {
  cj_type t = cjb_type(g, index);
  cj_ref part[CJ_MAXRANK + 1] = {x};
  int n = t.rank;
  for (int d = 1; d <= n; d++) part[d] = d == axis ? part[d - 1] : cjb_slice(g, part[d - 1], d, 0, 1, cjt_at(&t, d));
  cj_ref y = cjg_emit(g, op, (cj_ref[]){part[n], index, src}, 3, &(cj_attr){1, {axis}});
  for (int d = n; d >= 1; d--)
    if (part[d] != part[d - 1]) y = cjb_put(g, part[d - 1], y, d, 0, 1);
  return y;
}

/* src may be a number: it goes to every place. */
static CJR_FACE(face_scatter) {
  cj_type t = cjr_in(k, 0), index = cjr_in(k, 1), s = cjr_in(k, 2);
  int axis = cjr_axis(k, 0, &t, 0);
  cj_ref sub[2] = {k->in[0], k->in[2]}, cast[2];
  cj_call both = {k->g, k->op, sub, 2, (k->weak & 1) | (k->weak >> 1 & 2), NULL, 0};
  if (!axis || !isindex(k->g->c, cjr_row(k->op), &index) || !covers(k, 0, &index, axis, false)) return false;
  if (s.rank > 0 && !covers(k, 2, &index, axis, true)) return false;
  if (!cjr_promote(&both, 0, 2, cast)) return false;
  cj_ref places = atleast1d(k->g, k->in[1]);
  index = cjb_type(k->g, places);
  cj_ref src = s.rank ? cjb_slice(k->g, cut(k->g, cast[1], &index, axis), axis, 0, 1, cjt_at(&index, axis))
                      : cjb_expand(k->g, cast[1], &index);
  cj_ref y = within(k->g, k->op, atleast1d(k->g, cast[0]), places, src, axis);
  return cjr_one(cjb_reshape(k->g, y, &t), out, nout);
}

const cj_op cjo_scatter = {
    .name = "scatter",
    .module = "",
    .sig = "x, dim:axis, index:index, src",
    .doc = "x with the elements of src written to the places index along an axis",
    .example = "R(3,5), 2, INT(5, 3,2), R(3,2) | R(4), 1, INT(4, 2), R() | R(3,4), 1, INT(3, 2,2), R(2,3)",
    .kind = CJ_MOVES,
    .nin = 3,
    .flags = CJ_JOINT | CJ_NOBROADCAST | CJ_INPLACE | CJ_METHOD,
    .lin = 5,
    .build = face_scatter,
    .infer = infer_scatter,
    .eval = cjk_scatter,
    .transpose = transpose_scatter};

const cj_op cjo_scatter_add = {.name = "scatter_add",
                               .module = "",
                               .sig = "x, dim:axis, index:index, src",
                               .doc = "x with the elements of src added at the places index along an axis",
                               .example = "R(3,5), 2, INT(5, 3,4), R(3,4) | R(4), 1, INT(4, 9), R(9)",
                               .kind = CJ_MOVES,
                               .nin = 3,
                               .flags = CJ_JOINT | CJ_NOBROADCAST | CJ_INPLACE | CJ_METHOD,
                               .lin = 5,
                               .build = face_scatter,
                               .infer = infer_scatter,
                               .eval = cjk_scatter_add,
                               .transpose = transpose_scatter_add};
