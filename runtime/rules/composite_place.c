/* composite_place.c -- more ways to read and write along one dim; classes, counts. */
#include "rules/compose.h"

/* The dim, and the 1-d (or 0-d) index operand i laid along it. */
static int placed_index(const cj_call *k, int i, const cj_type *t, cj_ref *at) {
  cj_type ti = cjr_in(k, i), to = {CJ_I64, t->rank, {0}};
  int axis = cjr_minrank(k, 0, 1) ? cjr_axis(k, 0, t, 0) : 0;
  if (!axis || !cjr_isindex(k, i, "index")) return 0;
  if (ti.rank > 1) {
    cjr_bad(k, CJ_ESHAPE, "index has shape %s, wanted 1 dimension", cjr_show(&ti).s);
    return 0;
  }
  for (int e = 0; e < t->rank; e++) to.dim[e] = e == t->rank - axis ? cjt_at(&ti, 1) : 1;
  cj_ref x = k->in[i], below = cjb_lt(k->g, x, cjg_int(k->g, 0)); /* negative ones count from the end */
  x = cjb_where(k->g, below, cjb_add(k->g, x, cjg_int(k->g, cjt_at(t, axis))), x);
  *at = cjb_reshape(k->g, x, &to);
  return *at ? axis : 0;
}

static CJR_FACE(build_index_copy) {
  cj_type t = cjr_in(k, 0), ts = cjr_in(k, 2);
  cj_ref at, src;
  int axis = placed_index(k, 1, &t, &at);
  if (!axis) return false;
  cj_type want = cjr_resized(t, axis, cjt_at(cjg_type(k->g, at), axis));
  bool one = !ts.rank && cjt_count(&want) == 1; /* a number for a single place */
  if (!one && !cjt_sameshape(&ts, &want))
    return cjr_bad(k, CJ_ESHAPE, "src has shape %s, wanted %s", cjr_show(&ts).s, cjr_show(&want).s);
  if (!cjr_into(k, 2, "src", t.dtype, &src)) return false;
  src = cjb_reshape(k->g, src, &want);
  return cjr_one(cjb_scatter(k->g, k->in[0], cjb_expand(k->g, at, &want), src, axis), out, nout);
}

static CJR_FACE(build_index_fill) {
  cj_type t = cjr_in(k, 0), tv = cjr_in(k, 2), scalar = cjt_scalar(t.dtype);
  cj_ref at, value;
  int axis = placed_index(k, 1, &t, &at);
  if (!axis) return false;
  if (cjt_count(&tv) != 1) return cjr_bad(k, CJ_ESHAPE, "value has shape %s, wanted a single element", cjr_show(&tv).s);
  if (!cjr_into(k, 2, "value", t.dtype, &value)) return false;
  cj_type full = cjr_resized(t, axis, cjt_at(cjg_type(k->g, at), axis));
  value = cjb_expand(k->g, cjb_reshape(k->g, value, &scalar), &full);
  return cjr_one(cjb_scatter(k->g, k->in[0], cjb_expand(k->g, at, &full), value, axis), out, nout);
}

/* The other dims broadcast; without a dim both are taken in reading order. */
static CJR_FACE(build_take_along_dim) {
  cj_type t = cjr_in(k, 0), ti = cjr_in(k, 1);
  cj_ref x = k->in[0], at = k->in[1];
  if (!cjr_isindex(k, 1, "index")) return false;
  if (!cjr_given(k, 0)) {
    cj_type flat = cjr_flat(t.dtype, cjt_count(&t), -1), line = cjr_flat(CJ_I64, cjt_count(&ti), -1);
    x = cjb_reshape(k->g, x, &flat), at = cjb_reshape(k->g, at, &line);
    return cjr_one(cjb_gather(k->g, x, at, 1), out, nout);
  }
  int axis = cjr_axis(k, 0, &t, 0);
  if (!axis) return false;
  if (t.rank != ti.rank)
    return cjr_bad(k, CJ_ESHAPE, "index of shape %s for shape %s, wanted as many dims", cjr_show(&ti).s,
                   cjr_show(&t).s);
  return cjr_one(t.rank ? cjb_gather(k->g, x, at, axis) : x, out, nout);
}

/* The n-th true place takes the n-th element of src in reading order. */
static CJR_FACE(build_masked_scatter) {
  cj_graph *g = k->g;
  cj_type t = cjr_in(k, 0), tm = cjr_in(k, 1), ts = cjr_in(k, 2), both;
  cj_ref src;
  if (tm.dtype != CJ_BOOL) return cjr_bad(k, CJ_EDTYPE, "mask is %s, wanted bool", cj_dtype_name((cj_dtype)tm.dtype));
  if (!cjt_broadcast(&t, &tm, &both) || !cjt_sameshape(&t, &both))
    return cjr_bad(k, CJ_ESHAPE, "a mask of shape %s does not fit shape %s", cjr_show(&tm).s, cjr_show(&t).s);
  if (!cjr_into(k, 2, "src", t.dtype, &src)) return false;
  cj_type flat = cjr_flat(t.dtype, cjt_count(&t), -1), line = cjr_flat(t.dtype, cjt_count(&ts), -1);
  if (!flat.dim[0]) return cjr_one(k->in[0], out, nout);
  cj_ref zero = cjb_like(g, src, 0);
  cj_type one = cjr_flat(t.dtype, 1, -1); /* behind src, for the places that are not true */
  src = cjb_cat(g, (cj_ref[]){cjb_expand(g, zero, &one), cjb_reshape(g, src, &line)}, 2, 1);
  cj_ref mask = cjb_reshape(g, cjb_expand(g, k->in[1], &both), &flat);
  cj_ref number = cjb_cumsum(g, cjb_cast(g, mask, CJ_I64), 1, false);
  cj_ref from = cjb_gather(g, src, cjb_where(g, mask, number, cjg_int(g, 0)), 1);
  return cjr_one(cjb_reshape(g, cjb_where(g, mask, from, cjb_reshape(g, k->in[0], &flat)), &t), out, nout);
}

static CJR_FACE(build_slice_scatter) {
  cj_type t = cjr_in(k, 0), ts = cjr_in(k, 1), part;
  cj_call cut = {k->g, CJ_OP_slice, k->in, 1, 0, k->p, k->np};
  cj_ref piece, src;
  int axis = cjr_axis(k, 0, &t, 0), n;
  if (!axis || !cjr_row(CJ_OP_slice)->build(&cut, &piece, 1, &n)) return false;
  part = cjb_type(k->g, piece);
  if (!cjt_sameshape(&part, &ts))
    return cjr_bad(k, CJ_ESHAPE, "src has shape %s, wanted %s", cjr_show(&ts).s, cjr_show(&part).s);
  if (!cjr_into(k, 1, "src", t.dtype, &src)) return false;
  int64_t first = cjr_int(k, 1, 0), size = cjt_at(&t, axis);
  if (!cjt_count(&part)) return cjr_one(k->in[0], out, nout);
  return cjr_one(cjb_put(k->g, k->in[0], src, axis, first < 0 ? first + size : first, cjr_int(k, 3, 1)), out, nout);
}

/* --- classes ----------------------------------------------------------------------------------------- */

/* All positions are 0 to n - 1: the largest and smallest are gathered from, so that others are an error. */
static cj_ref checked_classes(cj_graph *g, cj_ref x, int64_t n) {
  cj_type line = cjr_flat(CJ_I64, cjt_count(cjg_type(g, x)), -1), t = cjb_type(g, x);
  cj_ref at = cjb_reshape(g, x, &line);
  return cjb_reshape(g, cjb_gather(g, cjb_iota(g, CJ_I64, n), at, 1), &t);
}

static CJR_FACE(build_one_hot) {
  cj_type t = cjr_in(k, 0);
  int64_t n = cjr_int(k, 0, 0);
  if (!cjr_isindex(k, 0, "x") || !cjr_maxrank(k, 0, CJ_MAXRANK - 1)) return false;
  if (n < 0 || (n == 0 && cjt_count(&t)))
    return cjr_bad(k, CJ_EARG, "n is %lld, wanted a number of classes", (long long)n);
  cj_ref x = cjb_unsqueeze(k->g, checked_classes(k->g, k->in[0], n), 1);
  cj_ref hot = cjb_eq(k->g, x, cjb_iota(k->g, CJ_I64, n));
  return cjr_one(cjb_cast(k->g, hot, CJ_I64), out, nout);
}

static CJR_FACE(build_bincount) {
  cj_type t = cjr_in(k, 0), tw = cjr_in(k, 1);
  cj_ref w = cjr_operand(k, 1);
  int64_t n = cjr_int(k, 0, 0);
  if (!cjr_isindex(k, 0, "x") || !cjr_wantrank(k, &t, "x", 1)) return false;
  if (w && !cjt_sameshape(&t, &tw))
    return cjr_bad(k, CJ_ESHAPE, "weights have shape %s, wanted %s", cjr_show(&tw).s, cjr_show(&t).s);
  if (n < 0) return cjr_bad(k, CJ_EARG, "minlength is %lld", (long long)n);
  if (w && tw.dtype == CJ_BOOL) w = cjb_cast(k->g, w, CJ_F64);
  t.dtype = CJ_I64;
  if (!w) w = cjb_full(k->g, &t, 1);
  cj_type to = cjr_flat(cjb_type(k->g, w).dtype, n, -1);
  return cjr_one(cjb_scatter_add(k->g, cjb_zeros(k->g, &to), k->in[0], w, 1), out, nout);
}

CJR_COMPOSITE(index_copy, "", CJ_METHOD, "x, dim:axis, index:index, src",
              "R(4), 1, cj.long{3,1}, R(2) | R(3,4), 2, INT(4,2), R(3,2) | R(2,3,4), -2, INT(3,2), R(2,2,4)",
              "x with src written to its slices along dim with the numbers index");
CJR_COMPOSITE(index_fill, "", CJ_METHOD, "x, dim:axis, index:index, value",
              "R(4), 1, INT(4,2), 0.5 | R(3,4), 2, INT(4,2), R() | R(2,3,4), -2, INT(3,1), -1",
              "x with value in its slices along dim with the numbers index");
CJR_COMPOSITE(take_along_dim, "", CJ_METHOD, "x, index:index, dim:axis?",
              "R(3,4), INT(4, 3,2), 2 | R(3,4), INT(4, 1,2), 2 | R(2,3), INT(6, 4) | R(5), INT(5, 7), 1",
              "elements of x at index along dim, the other dims broadcast; without dim in reading order");
CJR_COMPOSITE(masked_scatter, "", CJ_METHOD, "x, mask, src",
              "R(5), B(5), R(5) | R(2,3), B(3), R(6) | R(2,3), B(2,1), R(7)",
              "x with the elements of src, in order, where mask is true");
CJR_COMPOSITE(slice_scatter, "", CJ_METHOD, "x, src, dim:axis, first:pos, last:pos, step:int=1",
              "R(5), R(3), 1, 2, 4 | R(2,7), R(2,3), 2, 1, 7, 3 | R(3,2), R(2,2), -2, -2, -1",
              "x with the slice first, first + step, ..., last along dim replaced by src");
CJR_COMPOSITE(one_hot, "", CJ_METHOD | CJ_NODIFF, "x:index, n:int", "INT(4, 5), 4 | INT(3, 2,3), 4 | INT(2), 2",
              "1 at the class that each position names, of n, else 0");
CJR_COMPOSITE(bincount, "", CJ_METHOD, "x:index, weights?, minlength:int=0",
              "INT(4, 7), nil, 4 | INT(4, 7), R(7), 5 | INT(3, 4), R(4), 3",
              "how often each position comes, or the sum of its weights; called from Lua the result is long enough");
