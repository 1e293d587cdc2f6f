/* composite_shape.c -- other shapes, other orders, pieces and stacks, borders, triangles; copies and casts. */
#include "rules/compose.h"

/* --- reshaping --------------------------------------------------------------- */

/* Rows with the arguments of another one: its face, under this name in messages. */
static CJR_FACE(build_view) { return cjr_row(CJ_OP_reshape)->build(k, out, cap, nout); }
static CJR_FACE(build_broadcast_to) { return cjr_row(CJ_OP_expand)->build(k, out, cap, nout); }

static CJR_FACE(build_flatten) {
  cj_type t = cjr_in(k, 0), to = cjt_scalar(t.dtype);
  int first = cjr_axis(k, 0, &t, 0), last = cjr_axis(k, 1, &t, -1);
  if (!first || !last) return false;
  if (first < last)
    return cjr_bad(k, CJ_EARG, "first dim %d comes after last dim %d", t.rank - first + 1, t.rank - last + 1);
  int64_t n = 1;
  for (int a = first; a >= last; a--) n *= cjt_at(&t, a);
  for (int a = t.rank; a > first; a--) to.dim[to.rank++] = cjt_at(&t, a);
  to.dim[to.rank++] = n;
  for (int a = last - 1; a >= 1; a--) to.dim[to.rank++] = cjt_at(&t, a);
  return cjr_one(cjb_reshape(k->g, k->in[0], &to), out, nout);
}

static CJR_FACE(build_squeeze) {
  cj_type t = cjr_in(k, 0), to = cjt_scalar(t.dtype);
  uint32_t mask;
  if (!cjr_axes(k, 0, &t, &mask)) return false;
  for (int a = t.rank; a >= 1; a--)
    if (!(mask >> (a - 1) & 1) || cjt_at(&t, a) != 1) to.dim[to.rank++] = cjt_at(&t, a);
  return cjr_one(cjb_reshape(k->g, k->in[0], &to), out, nout);
}

static bool can_stack(const cj_call *k, const cj_type *t) {
  if (t->rank < CJ_MAXRANK) return true;
  return cjr_bad(k, CJ_ELIMIT, "shape %s has %d dimensions, one more is too many", cjr_show(t).s, t->rank);
}

static CJR_FACE(build_unsqueeze) {
  cj_type t = cjr_in(k, 0);
  int place = cjr_place(k, 0, &t, 0);
  return place && can_stack(k, &t) && cjr_one(cjb_unsqueeze(k->g, k->in[0], place), out, nout);
}

/* --- other orders ------------------------------------------------------------ */

static CJR_FACE(build_transpose) {
  cj_type t = cjr_in(k, 0);
  int a = cjr_axis(k, 0, &t, 0), b = cjr_axis(k, 1, &t, 0);
  if (!a || !b) return false;
  return cjr_one(t.rank ? cjb_swap(k->g, k->in[0], a, b) : k->in[0], out, nout);
}

static CJR_FACE(build_t) {
  cj_type t = cjr_in(k, 0);
  if (t.rank > 2) return cjr_bad(k, CJ_ESHAPE, "x has shape %s, wanted at most 2 dimensions", cjr_show(&t).s);
  return cjr_one(t.rank == 2 ? cjb_mt(k->g, k->in[0]) : k->in[0], out, nout);
}

static CJR_FACE(build_mT) {
  cj_type t = cjr_in(k, 0);
  return cjr_wantmatrix(k, &t, "x") && cjr_one(cjb_mt(k->g, k->in[0]), out, nout);
}

static cj_ref flip_axis(cj_graph *g, cj_ref x, int axis) {
  cj_type t = cjb_type(g, x);
  int64_t n = cjt_at(&t, axis);
  return n > 1 ? cjb_slice(g, x, axis, n - 1, -1, n) : x;
}

static CJR_FACE(build_flip) {
  cj_type t = cjr_in(k, 0);
  cj_ref x = k->in[0];
  uint32_t mask;
  if (!cjr_axes(k, 0, &t, &mask)) return false;
  for (int a = 1; a <= t.rank; a++)
    if (mask >> (a - 1) & 1) x = flip_axis(k->g, x, a);
  return cjr_one(x, out, nout);
}

static cj_ref roll_axis(cj_graph *g, cj_ref x, int axis, int64_t shift) {
  cj_type t = cjb_type(g, x);
  int64_t n = cjt_at(&t, axis);
  int64_t s = n ? (shift % n + n) % n : 0;
  if (!s) return x;
  return cjb_cat(g, (cj_ref[]){cjb_slice(g, x, axis, n - s, 1, s), cjb_slice(g, x, axis, 0, 1, n - s)}, 2, axis);
}

static CJR_FACE(build_roll) {
  cj_type t = cjr_in(k, 0);
  int nshift = cjr_given(k, 0) ? k->p[0].n : 0, ndim = cjr_given(k, 1) ? k->p[1].n : 0;
  cj_ref x = k->in[0];
  if (nshift != (ndim ? ndim : 1)) return cjr_bad(k, CJ_EARG, "%d shifts for %d dims", nshift, ndim);
  if (!ndim) {
    cj_type flat = cjr_flat(t.dtype, cjt_count(&t), -1);
    x = roll_axis(k->g, cjb_reshape(k->g, x, &flat), 1, k->p[0].v[0]);
    return cjr_one(cjb_reshape(k->g, x, &t), out, nout);
  }
  for (int e = 0; e < ndim; e++) {
    int axis = cjr_axisof(k, k->p[1].v[e], &t);
    if (!axis) return false;
    if (t.rank) x = roll_axis(k->g, x, axis, k->p[0].v[e]);
  }
  return cjr_one(x, out, nout);
}

/* --- stacks and pieces --------------------------------------------------------- */

static bool can_stack_all(const cj_call *k) {
  if (k->nin == 0) return cjr_bad(k, CJ_EARG, "no tensors given");
  cj_type first = cjr_in(k, 0);
  for (int i = 1; i < k->nin; i++) {
    cj_type t = cjr_in(k, i);
    if (!cjt_sameshape(&first, &t))
      return cjr_bad(k, CJ_ESHAPE, "tensor %d has shape %s, the first has shape %s", i + 1, cjr_show(&t).s,
                     cjr_show(&first).s);
  }
  return can_stack(k, &first);
}

static CJR_FACE(build_stack) {
  if (!can_stack_all(k)) return false;
  cj_type t = cjr_in(k, 0);
  int dtype = cjr_common(k, 0, k->nin), place = cjr_place(k, 0, &t, 0);
  size_t size = sizeof(cj_ref) * (size_t)k->nin;
  cj_ref *part = place ? cjm_alloc(k->g->c, size) : NULL;
  if (!part) return false;
  for (int i = 0; i < k->nin; i++) part[i] = cjb_unsqueeze(k->g, cjb_cast(k->g, k->in[i], dtype), place);
  cj_ref y = cjg_ok(k->g) ? cjb_cat(k->g, part, k->nin, place) : 0;
  cjm_free(k->g->c, part, size);
  return cjr_one(y, out, nout);
}

/* An axis of an operand with at least one. */
static int piece_axis(const cj_call *k, int j, const cj_type *t, int64_t otherwise) {
  return cjr_minrank(k, 0, 1) ? cjr_axis(k, j, t, otherwise) : 0;
}

static int64_t ceildiv(int64_t n, int64_t by) { return n / by + (n % by != 0); }

/* So many pieces of that size of the n elements along axis; the last may be smaller. */
static bool equal_pieces(const cj_call *k, int axis, int64_t n, int64_t size, int64_t count, cj_ref *out, int cap,
                         int *nout) {
  if (!cjr_room(k, count, cap)) return false;
  for (int64_t i = 0; i < count; i++) {
    int64_t rest = n - i * size;
    out[i] = cjb_slice(k->g, k->in[0], axis, i * size, 1, rest < size ? rest : size);
  }
  *nout = (int)count;
  return cjg_ok(k->g);
}

static bool given_pieces(const cj_call *k, int axis, const cj_param *p, int64_t n, cj_ref *out, int cap, int *nout) {
  int64_t first = 0;
  if (!cjr_room(k, p->n, cap)) return false;
  for (int e = 0; e < p->n; first += p->v[e++])
    if (p->v[e] < 0 || p->v[e] > n - first)
      return cjr_bad(k, CJ_EARG, "piece %d of size %lld does not fit dim of size %lld", e + 1, (long long)p->v[e],
                     (long long)n);
  if (first != n)
    return cjr_bad(k, CJ_EARG, "sizes add up to %lld, wanted the size of the dim, %lld", (long long)first,
                   (long long)n);
  first = 0;
  for (int e = 0; e < p->n; first += p->v[e++]) out[e] = cjb_slice(k->g, k->in[0], axis, first, 1, p->v[e]);
  *nout = p->n;
  return cjg_ok(k->g);
}

static CJR_FACE(build_split) {
  cj_type t = cjr_in(k, 0);
  int axis = piece_axis(k, 1, &t, 0);
  if (!axis) return false;
  int64_t n = cjt_at(&t, axis);
  if (!cjr_given(k, 0) || k->p[0].n == 0) return cjr_bad(k, CJ_EARG, "size is missing");
  if (k->p[0].n > 1) return given_pieces(k, axis, &k->p[0], n, out, cap, nout);
  int64_t size = k->p[0].v[0];
  if (size < 0 || (size == 0 && n > 0))
    return cjr_bad(k, CJ_EARG, "size is %lld, wanted a positive number", (long long)size);
  return equal_pieces(k, axis, n, size, n ? ceildiv(n, size) : 1, out, cap, nout);
}

static CJR_FACE(build_chunk) {
  cj_type t = cjr_in(k, 0);
  int64_t chunks = cjr_int(k, 0, 1);
  int axis = piece_axis(k, 1, &t, 0);
  if (!axis) return false;
  if (chunks < 1) return cjr_bad(k, CJ_EARG, "n is %lld, wanted a positive number", (long long)chunks);
  int64_t n = cjt_at(&t, axis), size = ceildiv(n, chunks);
  return equal_pieces(k, axis, n, size, n ? ceildiv(n, size) : chunks, out, cap, nout);
}

static CJR_FACE(build_unbind) {
  cj_type t = cjr_in(k, 0);
  int axis = piece_axis(k, 0, &t, 0);
  if (!axis || !cjr_room(k, cjt_at(&t, axis), cap)) return false;
  *nout = (int)cjt_at(&t, axis);
  for (int i = 0; i < *nout; i++) out[i] = cjr_at(k->g, k->in[0], axis, i);
  return cjg_ok(k->g);
}

static CJR_FACE(build_narrow) {
  cj_type t = cjr_in(k, 0);
  int64_t first = cjr_int(k, 1, 0), length = cjr_int(k, 2, 0);
  int axis = piece_axis(k, 0, &t, 0);
  if (!axis) return false;
  int64_t n = cjt_at(&t, axis), from = first < 0 ? first + n : first;
  if (length < 0 || from < 0 || from > n - length)
    return cjr_bad(k, CJ_ERANGE, "first %lld with length %lld is out of range for dim %d of shape %s",
                   (long long)cjr_user(first), (long long)length, t.rank - axis + 1, cjr_show(&t).s);
  return cjr_one(cjb_slice(k->g, k->in[0], axis, from, 1, length), out, nout);
}

static CJR_FACE(build_select) {
  cj_type t = cjr_in(k, 0);
  int64_t i;
  int axis = piece_axis(k, 0, &t, 0);
  if (!axis || !cjr_position(k, cjr_int(k, 1, 0), cjt_at(&t, axis), &i)) return false;
  return cjr_one(cjr_at(k->g, k->in[0], axis, i), out, nout);
}

/* One axis at a time, seen as [outer, 1, inner]: no rank can grow too large. */
static cj_ref repeat_axis(const cj_call *k, cj_ref x, int axis, int64_t times) {
  cj_graph *g = k->g;
  cj_type t = cjb_type(g, x), split = cjt_scalar(t.dtype);
  if (!x || times == 1) return x;
  split.rank = 3;
  split.dim[0] = split.dim[1] = split.dim[2] = 1;
  for (int a = 1; a <= t.rank; a++) split.dim[a <= axis ? 2 : 0] *= cjt_at(&t, a);
  x = cjb_reshape(g, x, &split);
  split.dim[1] = times;
  if (!cjr_fits(k, &split)) return 0;
  x = cjb_expand(g, x, &split);
  t.dim[t.rank - axis] *= times;
  return cjb_reshape(g, x, &t);
}

static CJR_FACE(build_tile) {
  cj_type t = cjr_in(k, 0), to = t;
  int n = cjr_given(k, 0) ? k->p[0].n : 0;
  if (n > CJ_MAXRANK) return cjr_bad(k, CJ_ELIMIT, "%d counts given, at most %d are possible", n, CJ_MAXRANK);
  if (n > t.rank) to.rank = (uint8_t)n;
  for (int a = to.rank; a >= 1; a--) to.dim[to.rank - a] = cjt_at(&t, a);
  cj_ref x = cjb_reshape(k->g, k->in[0], &to);
  for (int e = 0; e < n; e++) {
    if (k->p[0].v[e] < 0) return cjr_bad(k, CJ_EARG, "count %d is %lld", e + 1, (long long)k->p[0].v[e]);
    x = repeat_axis(k, x, n - e, k->p[0].v[e]);
  }
  return cjr_one(x, out, nout);
}

/* --- triangles and diagonals ------------------------------------------------------ */

static CJR_FACE(build_diag) {
  cj_type t = cjr_in(k, 0);
  int64_t offset = cjr_int(k, 0, 0);
  if (t.rank == 1) return cjr_one(cjb_diag_embed(k->g, k->in[0], offset), out, nout);
  if (t.rank == 2) return cjr_one(cjb_diagonal(k->g, k->in[0], offset), out, nout);
  return cjr_bad(k, CJ_ESHAPE, "x has shape %s, wanted 1 or 2 dimensions", cjr_show(&t).s);
}

static bool triangle(const cj_call *k, bool upper, cj_ref *out, int *nout) {
  cj_type t = cjr_in(k, 0);
  return cjr_wantmatrix(k, &t, "x") && cjr_one(cjb_tri(k->g, k->in[0], upper, cjr_int(k, 0, 0)), out, nout);
}

static CJR_FACE(build_tril) { return triangle(k, false, out, nout); }
static CJR_FACE(build_triu) { return triangle(k, true, out, nout); }

static CJR_FACE(build_trace) {
  cj_type t = cjr_in(k, 0);
  if (!cjr_wantmatrix(k, &t, "x")) return false;
  cj_ref x = t.dtype == CJ_BOOL ? cjb_cast(k->g, k->in[0], CJ_I64) : k->in[0];
  return cjr_one(cjb_sum(k->g, cjb_diagonal(k->g, x, 0), 1), out, nout);
}

/* --- copies ------------------------------------------------------------------------- */

/* Values never change, so an equal one is the same one. */
static CJR_FACE(build_clone) { return cjr_one(k->in[0], out, nout); }
static CJR_FACE(build_detach) { return cjr_one(cjb_stop(k->g, k->in[0]), out, nout); }
static CJR_FACE(build_stop_gradient) { return build_detach(k, out, cap, nout); }

static CJR_FACE(build_to) {
  int64_t dtype = cjr_int(k, 0, CJ_F64);
  if (dtype < 0 || dtype >= CJ_NDTYPE) return cjr_bad(k, CJ_EARG, "no dtype has the number %lld", (long long)dtype);
  return cjr_one(cjb_cast(k->g, k->in[0], (int)dtype), out, nout);
}

CJR_COMPOSITE(view, "", CJ_METHOD, "x, shape:shape", "R(2,3), {3,2} | R(2,3,4), {-1,4} | R(1), {}",
              "same elements, other shape; one size may be -1");
CJR_COMPOSITE(flatten, "", CJ_METHOD, "x, first:axis=0, last:axis=-1", "R(2,3) | R(2,3,4), 2 | R(2,3,4), 1, -2 | R()",
              "dims first to last made one");
CJR_COMPOSITE(squeeze, "", CJ_METHOD, "x, dim:axes?", "R(2,1,3,1) | R(2,1,3), 2 | R(1,2,1), {1,-1} | R(2,3), 1",
              "without the dims of size 1, or those of them that are given");
CJR_COMPOSITE(unsqueeze, "", CJ_METHOD, "x, dim:axis", "R(2,3), 1 | R(2,3), 2 | R(2,3), -1 | R(), 1",
              "a dim of size 1 more, at place dim of the result");
CJR_COMPOSITE(broadcast_to, "", CJ_METHOD, "x, shape:shape",
              "R(3), {2,3} | R(2,1), {2,4} | R(), {2,2} | R(2,1), {3,-1,2}",
              "repeated along dims of size 1 and new leading ones");
CJR_COMPOSITE(transpose, "", CJ_METHOD, "x, a:axis, b:axis", "R(2,3), 1, 2 | R(2,3,4), 1, -1 | R(2,3,4), -2, 1",
              "two dims exchanged");
CJR_COMPOSITE(t, "", CJ_METHOD, "x", "R(2,3) | R(3)", "transpose of a matrix");
CJR_COMPOSITE(mT, "", CJ_METHOD, "x", "R(2,3) | R(2,3,4)", "transpose of the last two dims");
CJR_COMPOSITE(flip, "", CJ_METHOD, "x, dims:axes", "R(3), 1 | R(2,3), -1 | R(2,3,4), {1,3}",
              "order of the elements reversed along dims");
CJR_COMPOSITE(roll, "", CJ_METHOD, "x, shift:ints, dim:axes?",
              "R(5), 2 | R(2,3), 1 | R(3,4), -1, 1 | R(3,4), {1,-2}, {-1,1}",
              "elements moved by shift along dim, round the end; without dim in reading order");
CJR_COMPOSITE(stack, "", 0, "tensors:list, dim:axis=0", "{R(), R(), R()} | {R(2,3), R(2,3)}, 2 | {R(3), R(3)}, -1",
              "tensors of one shape along a new dim");
CJR_COMPOSITE(split, "", CJ_METHOD | CJ_LISTRESULT, "x, size:ints, dim:axis=0",
              "R(5), 2 | R(2,6), {1,2,3}, 2 | R(2,4,3), 3, -2",
              "pieces of that size (the last may be smaller), or of those sizes, along dim");
CJR_COMPOSITE(chunk, "", CJ_METHOD | CJ_LISTRESULT, "x, n:int, dim:axis=0", "R(5), 2 | R(2,6), 3, 2 | R(2,4,3), 2, -1",
              "at most n pieces of equal size (the last may be smaller) along dim");
CJR_COMPOSITE(unbind, "", CJ_METHOD | CJ_LISTRESULT, "x, dim:axis=0", "R(3) | R(2,3), 2 | R(2,3,2), -1",
              "every slice along dim");
CJR_COMPOSITE(narrow, "", CJ_METHOD, "x, dim:axis, first:pos, length:int",
              "R(5), 1, 2, 3 | R(2,4), 2, -2, 2 | R(2,3,4), -2, 1, 2 | R(3), 1, 2, 0",
              "length elements along dim, from first on");
CJR_COMPOSITE(select, "", CJ_METHOD, "x, dim:axis, i:pos", "R(5), 1, 2 | R(2,4), 2, -1 | R(2,3,4), -2, 3",
              "slice i along dim, which vanishes");
CJR_COMPOSITE(tile, "", CJ_METHOD, "x, counts:shape", "R(3), {2} | R(2,3), {2,2} | R(2), {3,2} | R(2,3,2), {2}",
              "the whole repeated so often along each dim");
CJR_COMPOSITE(diag, "", CJ_METHOD, "x, k:int=0", "R(3) | R(2), -1 | R(3,4), 1 | R(3,3)",
              "matrix with x on its k-th diagonal, or the k-th diagonal of a matrix x");
CJR_COMPOSITE(tril, "", CJ_METHOD, "x, k:int=0", "R(3,3) | R(2,3,4), 1 | R(4,3), -1",
              "lower triangle up to the k-th diagonal, zeros elsewhere");
CJR_COMPOSITE(triu, "", CJ_METHOD, "x, k:int=0", "R(3,3) | R(2,3,4), 1 | R(4,3), -1",
              "upper triangle from the k-th diagonal on, zeros elsewhere");
CJR_COMPOSITE(trace, ",linalg", CJ_METHOD, "x", "R(3,3) | R(2,3) | R(2,3,3)",
              "sum of the diagonal of the last two dims");
CJR_COMPOSITE(clone, "", CJ_METHOD, "x", "R(2,3) | R()", "an equal tensor");
CJR_COMPOSITE(detach, "", CJ_METHOD | CJ_NODIFF, "x", "R(2,3) | R()", "x, constant for derivatives");
CJR_COMPOSITE(stop_gradient, "", CJ_METHOD | CJ_NODIFF, "x", "R(2,3) | R()", "x, constant for derivatives");
CJR_COMPOSITE(to, "", CJ_METHOD, "x, dtype:dtype", "R(2,3), \"float64\" | R(), \"float64\"", "x in another dtype");
