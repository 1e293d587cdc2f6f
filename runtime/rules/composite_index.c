/*
** composite_index.c -- reading and writing at indices.  Everything ends in gather, scatter or scatter_add
** along one axis; several index tensors become one into the leading axes made one.
*/
#include "rules/compose.h"

/* --- one index along a dim --------------------------------------------------------- */

/* The 1-d index operand i, laid along axis of something of that rank. */
static cj_ref index_along(const cj_call *k, int i, int rank, int axis) {
  cj_type t = cjr_in(k, i), to = {CJ_I64, (uint8_t)rank, {0}};
  if (!cjr_isindex(k, i, "index")) return 0;
  if (t.rank > 1) {
    cjr_bad(k, CJ_ESHAPE, "index has shape %s, wanted 1 dimension", cjr_show(&t).s);
    return 0;
  }
  for (int e = 0; e < rank; e++) to.dim[e] = e == rank - axis ? cjt_at(&t, 1) : 1;
  return cjb_reshape(k->g, k->in[i], &to);
}

static CJR_FACE(build_index_select) {
  cj_type t = cjr_in(k, 0);
  int axis = cjr_axis(k, 0, &t, 0);
  cj_ref at = axis ? index_along(k, 1, t.rank ? t.rank : 1, axis) : 0;
  cj_ref x = t.rank ? k->in[0] : cjb_unsqueeze(k->g, k->in[0], 1);
  if (!at) return false;
  if (!t.rank && cjt_at(cjg_type(k->g, at), 1) != 1)
    return cjr_bad(k, CJ_ESHAPE, "index has %lld elements for a 0-d tensor", (long long)cjt_at(cjg_type(k->g, at), 1));
  x = cjb_gather(k->g, x, at, axis);
  return cjr_one(t.rank ? x : cjb_reshape(k->g, x, &t), out, nout);
}

static CJR_FACE(build_index_add) {
  cj_type t = cjr_in(k, 0), ts = cjr_in(k, 2), want;
  int axis = cjr_minrank(k, 0, 1) ? cjr_axis(k, 0, &t, 0) : 0;
  cj_ref at = axis ? index_along(k, 1, t.rank, axis) : 0, src;
  if (!at) return false;
  want = cjr_resized(t, axis, cjt_at(cjg_type(k->g, at), axis));
  if (!cjt_sameshape(&ts, &want))
    return cjr_bad(k, CJ_ESHAPE, "src has shape %s, wanted %s", cjr_show(&ts).s, cjr_show(&want).s);
  if (!cjr_into(k, 2, "src", t.dtype, &src)) return false;
  src = cjb_cast(k->g, cjr_scale(k->g, src, cjr_num(k, 1, 1)), t.dtype);
  return cjr_one(cjb_scatter_add(k->g, k->in[0], cjb_expand(k->g, at, &want), src, axis), out, nout);
}

static CJR_FACE(build_select_scatter) {
  cj_type t = cjr_in(k, 0), ts = cjr_in(k, 1);
  cj_ref src;
  int64_t i;
  int axis = cjr_minrank(k, 0, 1) ? cjr_axis(k, 0, &t, 0) : 0;
  if (!axis || !cjr_position(k, cjr_int(k, 1, 0), cjt_at(&t, axis), &i)) return false;
  cj_type row = cjr_resized(t, axis, 1), want = cjt_scalar(t.dtype);
  for (int a = t.rank; a >= 1; a--)
    if (a != axis) want.dim[want.rank++] = cjt_at(&t, a);
  if (!cjt_sameshape(&ts, &want))
    return cjr_bad(k, CJ_ESHAPE, "src has shape %s, wanted %s", cjr_show(&ts).s, cjr_show(&want).s);
  if (!cjr_into(k, 1, "src", t.dtype, &src)) return false;
  return cjr_one(cjb_put(k->g, k->in[0], cjb_reshape(k->g, src, &row), axis, i, 1), out, nout);
}

static CJR_FACE(build_masked_fill) {
  cj_type mask = cjr_in(k, 1), tv = cjr_in(k, 2), t = cjr_in(k, 0);
  cj_ref value;
  if (mask.dtype != CJ_BOOL)
    return cjr_bad(k, CJ_EDTYPE, "mask is %s, wanted bool", cj_dtype_name((cj_dtype)mask.dtype));
  if (cjt_count(&tv) != 1) return cjr_bad(k, CJ_ESHAPE, "value has shape %s, wanted a single element", cjr_show(&tv).s);
  if (!cjr_broadcasts(k, 0, 2) || !cjr_into(k, 2, "value", t.dtype, &value)) return false;
  cj_type scalar = cjt_scalar(t.dtype);
  return cjr_one(cjb_where(k->g, k->in[1], cjb_reshape(k->g, value, &scalar), k->in[0]), out, nout);
}

/* --- several indices for the leading dims --------------------------------------------- */

/* x[index 1, ..., index n] as a gather: x with its n leading axes made one, [N] or [N, R], one index [M] or
** [M, 1] into it, and the type that M, R stand for. */
typedef struct addressing {
  cj_ref x, at;
  cj_type result, moved; /* moved: [M] or [M, R] */
  int axis;              /* of N */
} addressing;

/* Negative indices count from the end. */
static cj_ref wrap_index(cj_graph *g, cj_ref index, int64_t size) {
  cj_ref below = cjb_lt(g, index, cjg_int(g, 0));
  return cjb_where(g, below, cjb_add(g, index, cjg_int(g, size)), index);
}

/* The number, in row-major order, of the place that n indices name; -1, which gather refuses, where one of them
** is out of range. */
static cj_ref flat_index(cj_graph *g, const cj_ref *index, int n, const cj_type *t) {
  if (n == 1) return wrap_index(g, index[0], t->dim[0]);
  cj_ref at = 0, valid = 0;
  for (int e = 0; e < n; e++) {
    cj_ref i = wrap_index(g, index[e], t->dim[e]), size = cjg_int(g, t->dim[e]);
    cj_ref in = cjb_logical_and(g, cjb_ge(g, i, cjg_int(g, 0)), cjb_lt(g, i, size));
    i = cjb_where(g, in, i, cjg_int(g, 0));
    at = at ? cjb_add(g, cjb_mul(g, at, size), i) : i;
    valid = valid ? cjb_logical_and(g, valid, in) : in;
  }
  return cjb_where(g, valid, at, cjg_int(g, -1));
}

/* Checks the n index operands from the second on; the shape that they broadcast to. */
static bool index_shape(const cj_call *k, int n, cj_type *shape) {
  cj_type t = cjr_in(k, 0);
  if (n < 1 || n > t.rank) return cjr_bad(k, CJ_EARG, "%d indices given for shape %s", n, cjr_show(&t).s);
  *shape = cjr_in(k, 1);
  for (int e = 1; e <= n; e++) {
    cj_type ti = cjr_in(k, e), both;
    if (!cjr_isindex(k, e, "index")) return false;
    if (!cjt_broadcast(shape, &ti, &both))
      return cjr_bad(k, CJ_ESHAPE, "index %d of shape %s does not broadcast with shape %s", e, cjr_show(&ti).s,
                     cjr_show(shape).s);
    *shape = both;
  }
  return true;
}

static bool locate_places(const cj_call *k, int n, addressing *p) {
  cj_type t = cjr_in(k, 0), shape, rest = cjt_scalar(t.dtype);
  if (!index_shape(k, n, &shape)) return false;
  for (int e = n; e < t.rank; e++) rest.dim[rest.rank++] = t.dim[e];
  if (!cjt_append(&shape, &rest, &p->result))
    return cjr_bad(k, CJ_ELIMIT, "indices of shape %s into shape %s: the result is too large", cjr_show(&shape).s,
                   cjr_show(&t).s);
  int64_t lead = 1, inner = rest.rank ? cjt_count(&rest) : -1, m = cjt_count(&shape);
  for (int e = 0; e < n; e++) lead *= t.dim[e];
  cj_type flat = cjr_flat(t.dtype, lead, inner), at = cjr_flat(CJ_I64, m, inner < 0 ? -1 : 1);
  p->axis = flat.rank;
  p->moved = cjr_flat(t.dtype, m, inner);
  p->x = cjb_reshape(k->g, k->in[0], &flat);
  p->at = cjb_reshape(k->g, flat_index(k->g, k->in + 1, n, &t), &at);
  return cjg_ok(k->g);
}

static CJR_FACE(build_index) {
  addressing p;
  if (!locate_places(k, k->nin - 1, &p)) return false;
  return cjr_one(cjb_reshape(k->g, cjb_gather(k->g, p.x, p.at, p.axis), &p.result), out, nout);
}

static CJR_FACE(build_index_put) {
  addressing p;
  cj_ref v;
  cj_type t = cjr_in(k, 0), tv = cjr_in(k, k->nin - 1), both;
  if (!locate_places(k, k->nin - 2, &p) || !cjr_into(k, k->nin - 1, "v", t.dtype, &v)) return false;
  if (!cjt_broadcast(&p.result, &tv, &both) || !cjt_sameshape(&both, &p.result))
    return cjr_bad(k, CJ_ESHAPE, "v has shape %s, which does not broadcast to %s", cjr_show(&tv).s,
                   cjr_show(&p.result).s);
  v = cjb_reshape(k->g, cjb_expand(k->g, v, &p.result), &p.moved);
  cj_ref at = cjb_expand(k->g, p.at, &p.moved);
  cj_ref y = cjr_bool(k, 0, false) ? cjb_scatter_add(k->g, p.x, at, v, p.axis) : cjb_scatter(k->g, p.x, at, v, p.axis);
  return cjr_one(cjb_reshape(k->g, y, &t), out, nout);
}

static CJR_FACE(build_take) {
  cj_type t = cjr_in(k, 0), ti = cjr_in(k, 1);
  if (!cjr_isindex(k, 1, "index")) return false;
  cj_type flat = cjr_flat(t.dtype, cjt_count(&t), -1), line = cjr_flat(CJ_I64, cjt_count(&ti), -1);
  cj_ref at = cjb_reshape(k->g, wrap_index(k->g, k->in[1], flat.dim[0]), &line);
  return cjr_one(cjb_reshape(k->g, cjb_gather(k->g, cjb_reshape(k->g, k->in[0], &flat), at, 1), &ti), out, nout);
}

CJR_COMPOSITE(index_select, "", CJ_METHOD, "x, dim:axis, index:index",
              "R(4), 1, INT(4,6) | R(3,4), 2, INT(4,2) | R(2,3,4), -2, INT(3,5) | R(3,2), 1, INT(3)",
              "the slices of x along dim with the numbers index");
CJR_COMPOSITE(index, "", CJ_METHOD, "x, indices:indices",
              "R(4), INT(4,6) | R(3,4), INT(3,5), INT(4,5) | R(3,4,2), {INT(3,2,1), INT(4,3)} | R(3,4), {INT(3,2,2)}",
              "x at places: one index for each leading dim, broadcast against each other; the other dims follow");
CJR_COMPOSITE(take, "", CJ_METHOD, "x, index:index", "R(4), INT(4,6) | R(3,4), INT(12,2,3) | R(2,3), INT(6)",
              "elements of x by their number in reading order");
CJR_COMPOSITE(masked_fill, "", CJ_METHOD, "x, mask, value", "R(5), B(5), 0.5 | R(2,3), B(3), R() | R(2,3), B(2,1), 2",
              "value where mask is true, else x");
CJR_COMPOSITE(index_add, "", CJ_METHOD, "x, dim:axis, index:index, src, alpha:num=1",
              "R(4), 1, INT(4,6), R(6) | R(3,4), 2, INT(4,2), R(3,2), 0.5 | R(2,3,4), -2, INT(3,5), R(2,5,4)",
              "x with alpha src added to its slices along dim with the numbers index");
CJR_COMPOSITE(index_put, "", CJ_METHOD, "x, indices:indices, v, accumulate:bool=false",
              "R(3,4), {INT(3,5), INT(4,5)}, R(5), true | R(4,2), {INT(4,3)}, R(2), true | "
              "R(4,2), {INT(4)}, R(2) | R(3,4), {INT(3,2,1), INT(4,3)}, R(), true",
              "x with the places that index would read replaced by v, or with v added to them");
CJR_COMPOSITE(select_scatter, "", CJ_METHOD, "x, src, dim:axis, i:pos",
              "R(3,4), R(4), 1, 2 | R(3,4), R(3), 2, -1 | R(2,3,4), R(2,4), -2, 1 | R(3), R(), 1, 3",
              "x with slice i along dim replaced by src");
