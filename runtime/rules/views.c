/*
** views.c -- rows that show the elements of their operand through other strides.  All are linear; the
** transpose of a view puts a cotangent back where the elements came from.
*/
#include "rules/rules.h"

/* --- reshape ------------------------------------------------------------------------ */

/* v: the sizes of the result, from the front */
static bool sized(cj_ctx *c, const cj_op *self, int dtype, const cj_attr *a, cj_type *out) {
  cj_type t = cjt_scalar(dtype);
  t.rank = (uint8_t)a->n;
  for (int e = 0; e < a->n; e++) t.dim[e] = a->v[e];
  *out = t;
  return cjr_checked(c, self, out);
}

static CJR_INFER(infer_reshape) {
  if (!sized(c, self, in[0]->dtype, a, out)) return false;
  if (cjt_count(out) == cjt_count(in[0])) return true;
  cjm_fail(c, CJ_ESHAPE, "%s: shape %s has not the elements of %s", self->name, cjr_show(out).s, cjr_show(in[0]).s);
  return false;
}

/* One run of input axes (sizes in in[*i..], axes of size 1 skipped) and one of output axes that hold the same
** number of elements; the run must be one arithmetic progression in memory.  *i and *o move behind it. */
static bool run_of_axes(const cj_type *in, const int64_t *stride, const cj_type *out, int64_t *ostride, int *i,
                        int *o) {
  int i0 = *i, o0 = *o;
  int64_t ni = in->dim[(*i)++], no = out->dim[(*o)++];
  while (ni != no) {
    if (ni < no)
      ni *= in->dim[(*i)++];
    else
      no *= out->dim[(*o)++];
  }
  int64_t step = 0, length = 1;
  for (int e = *i - 1; e >= i0; e--) {
    if (in->dim[e] == 1) continue;
    if (length == 1)
      step = stride[e];
    else if (stride[e] != step * length)
      return false;
    length *= in->dim[e];
  }
  for (int e = *o - 1; e >= o0; e--) {
    ostride[e] = step;
    step *= out->dim[e];
  }
  return true;
}

/* A view where every group of axes that the reshape splits or joins is evenly spaced. */
static CJR_ALIAS(alias_reshape) {
  int i = 0, o = 0;
  *offset = 0;
  cjt_strides(out, ostride);
  if (cjt_count(in) == 0) return true;
  while (i < in->rank && o < out->rank)
    if (!run_of_axes(in, stride, out, ostride, &i, &o)) return false;
  return true; /* what is left has size 1 */
}

static CJR_TRANSPOSE(to_operand_shape) {
  cj_type t = cjb_type(g, in[0]);
  return cjb_reshape(g, ct, &t);
}

static CJR_FACE(face_reshape) {
  cj_type t = cjr_in(k, 0), to;
  return cjr_shape(k, 0, &t, &to) && cjr_one(cjb_reshape(k->g, k->in[0], &to), out, nout);
}

const cj_op cjo_reshape = {.name = "reshape",
                           .module = "",
                           .sig = "x, shape:shape",
                           .doc = "the same elements in another shape; one size may be -1: what is left",
                           .example = "R(2,6), {3,4} | R(2,3,4), {-1,4} | R(1), {}",
                           .kind = CJ_VIEWS,
                           .nin = 1,
                           .flags = CJ_SHAPED | CJ_METHOD,
                           .lin = 1,
                           .build = face_reshape,
                           .infer = infer_reshape,
                           .eval = cjk_copy,
                           .alias = alias_reshape,
                           .transpose = to_operand_shape};

/* --- permute ------------------------------------------------------------------------- */

/* v[k-1]: the axis of x, from the end, that becomes the k-th from the end */
static int permuted(const cj_attr *a, int k) { return k <= a->n ? (int)a->v[k - 1] : k; }

static CJR_INFER(infer_permute) {
  uint32_t seen = 0;
  for (int k = 1; k <= a->n; k++) {
    if (!cjr_isaxis(c, self, in[0], a->v[k - 1])) return false;
    seen |= 1u << (a->v[k - 1] - 1);
  }
  if (a->n > in[0]->rank || seen + 1 != 1u << a->n) {
    cjm_fail(c, CJ_EARG, "%s: no permutation of the axes of shape %s", self->name, cjr_show(in[0]).s);
    return false;
  }
  *out = *in[0];
  for (int k = 1; k <= out->rank; k++) out->dim[out->rank - k] = cjt_at(in[0], permuted(a, k));
  return true;
}

static CJR_ALIAS(alias_permute) {
  *offset = 0;
  for (int k = 1; k <= in->rank; k++) ostride[in->rank - k] = stride[in->rank - permuted(a, k)];
  return true;
}

static CJR_TRANSPOSE(inverse_permute) {
  int perm[CJ_MAXRANK], rank = cjb_type(g, in[0]).rank;
  for (int k = 1; k <= rank; k++) perm[rank - permuted(a, k)] = rank - k;
  return cjb_permute(g, ct, rank, perm);
}

static CJR_FACE(face_permute) {
  cj_type t = cjr_in(k, 0);
  int perm[CJ_MAXRANK];
  return cjr_perm(k, 0, &t, perm) && cjr_one(cjb_permute(k->g, k->in[0], t.rank, perm), out, nout);
}

const cj_op cjo_permute = {.name = "permute",
                           .module = "",
                           .sig = "x, dims:perm",
                           .doc = "the axes in another order",
                           .example = "R(2,3,4), {3,1,2} | R(2,3), {2,1} | R(2,3,4), {-3,3,2}",
                           .kind = CJ_VIEWS,
                           .nin = 1,
                           .flags = CJ_METHOD,
                           .lin = 1,
                           .build = face_permute,
                           .infer = infer_permute,
                           .alias = alias_permute,
                           .transpose = inverse_permute};

/* --- expand ---------------------------------------------------------------------------- */

static bool expands(cj_ctx *c, const cj_op *self, const cj_type *t, const cj_type *to) {
  bool fits = t->rank <= to->rank;
  for (int k = 1; fits && k <= t->rank; k++) fits = cjt_at(t, k) == 1 || cjt_at(t, k) == cjt_at(to, k);
  if (!fits) cjm_fail(c, CJ_ESHAPE, "%s: shape %s does not expand to %s", self->name, cjr_show(t).s, cjr_show(to).s);
  return fits;
}

static CJR_INFER(infer_expand) { return sized(c, self, in[0]->dtype, a, out) && expands(c, self, in[0], out); }

static CJR_ALIAS(alias_expand) {
  *offset = 0;
  for (int k = 1; k <= out->rank; k++) {
    bool repeats = k > in->rank || cjt_at(in, k) != cjt_at(out, k);
    ostride[out->rank - k] = repeats ? 0 : stride[in->rank - k];
  }
  return true;
}

static CJR_TRANSPOSE(sum_to_operand) {
  cj_type t = cjb_type(g, in[0]);
  return cjb_sumto(g, ct, &t);
}

static CJR_FACE(face_expand) {
  cj_type t = cjr_in(k, 0), to;
  int n = cjr_given(k, 0) ? k->p[0].n : 0;
  int64_t v[2 * CJ_MAXRANK];
  for (int e = 0; e < n; e++) {
    v[e] = k->p[0].v[e];
    if (v[e] == -1 && e >= n - t.rank) v[e] = t.dim[e - (n - t.rank)];
  }
  if (!cjt_make((cj_dtype)t.dtype, n, v, &to))
    return cjr_bad(k, CJ_EARG, "%d sizes given for shape %s: one is negative, or they are too many or too large", n,
                   cjr_show(&t).s);
  return expands(k->g->c, cjr_row(k->op), &t, &to) && cjr_one(cjb_expand(k->g, k->in[0], &to), out, nout);
}

const cj_op cjo_expand = {.name = "expand",
                          .module = "",
                          .sig = "x, shape:shape",
                          .doc = "repeats axes of size 1, and as new leading axes; -1 keeps a size",
                          .example = "R(3,1), {3,4} | R(3), {2,3} | R(2,1), {4,-1,5} | R(1), {0}",
                          .kind = CJ_VIEWS,
                          .nin = 1,
                          .flags = CJ_SHAPED | CJ_METHOD,
                          .lin = 1,
                          .build = face_expand,
                          .infer = infer_expand,
                          .alias = alias_expand,
                          .transpose = sum_to_operand};

/* --- slice ------------------------------------------------------------------------------- */

static CJR_INFER(infer_slice) { /* v: axis, first, step, n */
  if (!cjr_isaxis(c, self, in[0], a->v[0])) return false;
  int64_t size = cjt_at(in[0], (int)a->v[0]), first = a->v[1], step = a->v[2], n = a->v[3];
  bool good = n >= 0 && n <= size;
  if (good && n > 0) good = first >= 0 && first < size;
  if (good && n > 1) good = step >= 0 ? step <= (size - 1 - first) / (n - 1) : step >= -(first / (n - 1));
  if (!good) {
    cjm_fail(c, CJ_ERANGE, "%s: %lld elements from %lld by %lld are not in size %lld", self->name, (long long)n,
             (long long)first, (long long)step, (long long)size);
    return false;
  }
  *out = cjr_resized(*in[0], (int)a->v[0], n);
  return true;
}

static CJR_ALIAS(alias_slice) {
  int axis = in->rank - (int)a->v[0];
  for (int e = 0; e < in->rank; e++) ostride[e] = stride[e];
  ostride[axis] *= a->v[2];
  *offset = a->v[3] ? stride[axis] * a->v[1] : 0;
  return true;
}

static CJR_TRANSPOSE(embed_back) {
  return cjb_embed(g, ct, (int)a->v[0], a->v[1], a->v[2], cjt_at(cjg_type(g, in[0]), (int)a->v[0]));
}

/* first and last are inclusive; a range is empty where last comes just before first. */
static CJR_FACE(face_slice) {
  cj_type t = cjr_in(k, 0);
  int axis = cjr_axis(k, 0, &t, 0);
  if (!axis || !cjr_minrank(k, 0, 1)) return false;
  int64_t size = cjt_at(&t, axis), step = cjr_int(k, 3, 1), first = cjr_int(k, 1, 0), last = cjr_int(k, 2, -1);
  if (step == 0 || step < -INT64_MAX) return cjr_bad(k, CJ_EARG, "the step must not be 0");
  int64_t f = first < 0 ? first + size : first, l = last < 0 ? last + size : last;
  int64_t least = step > 0 ? 0 : -1; /* of f: an empty range may start just outside */
  if (f < least || f > size + least || l < -1 - least || l > size - 1 - least)
    return cjr_bad(k, CJ_ERANGE, "positions %lld to %lld are out of range for size %lld", (long long)cjr_user(first),
                   (long long)cjr_user(last), (long long)size);
  int64_t n = step > 0 ? (l < f ? 0 : (l - f) / step + 1) : (l > f ? 0 : (f - l) / -step + 1);
  return cjr_one(cjb_slice(k->g, k->in[0], axis, n ? f : 0, n > 1 ? step : 1, n), out, nout);
}

const cj_op cjo_slice = {.name = "slice",
                         .module = "",
                         .sig = "x, dim:axis, first:pos, last:pos, step:int=1",
                         .doc = "the elements at first, first + step, ..., last of an axis",
                         .example = "R(5,3), 1, 2, 4 | R(2,7), 2, 1, 7, 3 | R(6), 1, -1, 1, -2",
                         .kind = CJ_VIEWS,
                         .nin = 1,
                         .flags = CJ_METHOD,
                         .lin = 1,
                         .build = face_slice,
                         .infer = infer_slice,
                         .alias = alias_slice,
                         .transpose = embed_back};

/* --- diagonal ------------------------------------------------------------------------------ */

static int64_t length(const cj_type *t, int64_t offset) {
  int64_t rows = cjt_at(t, 2), cols = cjt_at(t, 1);
  if (offset >= cols || offset <= -rows) return 0;
  if (offset >= 0)
    cols -= offset;
  else
    rows += offset;
  return rows < cols ? rows : cols;
}

static CJR_INFER(infer_diagonal) {
  if (in[0]->rank < 2) {
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s has not 2 dimensions", self->name, cjr_show(in[0]).s);
    return false;
  }
  *out = *in[0];
  out->dim[--out->rank] = 0;
  out->dim[out->rank - 1] = length(in[0], a->v[0]);
  return true;
}

static CJR_ALIAS(alias_diagonal) {
  int64_t row = stride[in->rank - 2], col = stride[in->rank - 1];
  for (int e = 0; e < in->rank - 2; e++) ostride[e] = stride[e];
  ostride[out->rank - 1] = row + col;
  *offset = cjt_at(out, 1) == 0 ? 0 : a->v[0] >= 0 ? a->v[0] * col : -a->v[0] * row;
  return true;
}

/* axis with size n: cut, or filled up with zeros */
static cj_ref fit(cj_graph *g, cj_ref x, int axis, int64_t n) {
  int64_t have = x ? cjt_at(cjg_type(g, x), axis) : 0;
  return n < have ? cjb_slice(g, x, axis, 0, 1, n) : cjb_embed(g, x, axis, 0, 1, n);
}

static CJR_TRANSPOSE(diagonal_back) {
  cj_type t = cjb_type(g, in[0]);
  if (length(&t, a->v[0]) == 0) return 0;
  return fit(g, fit(g, cjb_diag_embed(g, ct, a->v[0]), 2, cjt_at(&t, 2)), 1, cjt_at(&t, 1));
}

static CJR_FACE(face_diagonal) {
  cj_type t = cjr_in(k, 0);
  int perm[CJ_MAXRANK], n = 0;
  if (!cjr_minrank(k, 0, 2)) return false;
  int d1 = cjr_axis(k, 1, &t, 0), d2 = cjr_axis(k, 2, &t, 1);
  if (!d1 || !d2) return false;
  if (d1 == d2) return cjr_bad(k, CJ_EARG, "dim1 and dim2 are both %d", t.rank - d1 + 1);
  for (int e = 0; e < t.rank; e++)
    if (e != t.rank - d1 && e != t.rank - d2) perm[n++] = e;
  perm[n++] = t.rank - d1;
  perm[n++] = t.rank - d2;
  return cjr_one(cjb_diagonal(k->g, cjb_permute(k->g, k->in[0], n, perm), cjr_int(k, 0, 0)), out, nout);
}

const cj_op cjo_diagonal = {.name = "diagonal",
                            .module = "",
                            .sig = "x, offset:int=0, dim1:axis=0, dim2:axis=1",
                            .doc = "the diagonal of two axes, which becomes the last one",
                            .example = "R(3,4) | R(4,3), 1 | R(2,3,4), -1, 1, 3 | R(2,5), -1",
                            .kind = CJ_VIEWS,
                            .nin = 1,
                            .flags = CJ_METHOD,
                            .lin = 1,
                            .build = face_diagonal,
                            .infer = infer_diagonal,
                            .alias = alias_diagonal,
                            .transpose = diagonal_back};

/* --- unfold ---------------------------------------------------------------------------------- */

static CJR_INFER(infer_unfold) { /* v: axis, size, step */
  if (!cjr_isaxis(c, self, in[0], a->v[0])) return false;
  int64_t full = cjt_at(in[0], (int)a->v[0]), size = a->v[1], step = a->v[2];
  cj_type t = *in[0];
  if (size < 0 || step < 1 || size > full || t.rank == CJ_MAXRANK) {
    cjm_fail(c, CJ_ESHAPE, "%s: no windows of size %lld every %lld in shape %s", self->name, (long long)size,
             (long long)step, cjr_show(&t).s);
    return false;
  }
  t.dim[t.rank - a->v[0]] = (full - size) / step + 1;
  t.dim[t.rank++] = size;
  *out = t;
  return cjr_checked(c, self, out);
}

static CJR_ALIAS(alias_unfold) {
  int axis = in->rank - (int)a->v[0];
  *offset = 0;
  for (int e = 0; e < in->rank; e++) ostride[e] = stride[e];
  ostride[in->rank] = stride[axis];
  ostride[axis] = out->dim[axis] > 1 ? stride[axis] * a->v[2] : 0; /* of one window the step may be anything */
  return true;
}

static CJR_TRANSPOSE(fold_back) {
  return cjb_fold(g, ct, (int)a->v[0], a->v[1], a->v[2], cjt_at(cjg_type(g, in[0]), (int)a->v[0]));
}

static CJR_FACE(face_unfold) {
  cj_type t = cjr_in(k, 0);
  int axis = cjr_axis(k, 0, &t, 0);
  int64_t size = cjr_int(k, 1, 1), step = cjr_int(k, 2, 1);
  if (!axis || !cjr_minrank(k, 0, 1)) return false;
  if (size < 0 || size > cjt_at(&t, axis))
    return cjr_bad(k, CJ_EARG, "windows of size %lld do not fit into dim %d of shape %s", (long long)size,
                   t.rank - axis + 1, cjr_show(&t).s);
  if (step < 1) return cjr_bad(k, CJ_EARG, "the step is %lld, wanted at least 1", (long long)step);
  return cjr_one(cjb_unfold(k->g, k->in[0], axis, size, step), out, nout);
}

const cj_op cjo_unfold = {
    .name = "unfold",
    .module = "",
    .sig = "x, dim:axis, size:int, step:int",
    .doc = "windows of that size every step elements of an axis; the places in a window become the last axis",
    .example = "R(8), 1, 3, 2 | R(2,7), 2, 4, 1 | R(5,2), 1, 2, 3",
    .kind = CJ_VIEWS,
    .nin = 1,
    .flags = CJ_METHOD,
    .lin = 1,
    .build = face_unfold,
    .infer = infer_unfold,
    .alias = alias_unfold,
    .transpose = fold_back};
