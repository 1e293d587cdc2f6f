/* moves.c -- rows whose result is elements of their operands at other places, with zeros between. */
#include "rules/rules.h"

/* --- cast, stop ----------------------------------------------------------------------- */

static CJR_INFER(infer_cast) { /* v: dtype */
  *out = cjt_as(*in[0], (int)a->v[0]);
  return cjr_checked(c, self, out);
}

/* Only between floats: an integer or a bool carries no derivative. */
static CJR_TRANSPOSE(transpose_cast) { return cjb_cast(g, ct, cjb_type(g, in[0]).dtype); }

const cj_op cjo_cast = {.name = "cast",
                        .sig = "x",
                        .doc = "the elements in another dtype",
                        .kind = CJ_MOVES,
                        .nin = 1,
                        .lin = 1,
                        .infer = infer_cast,
                        .eval = cjk_cast,
                        .transpose = transpose_cast};

static CJR_ALIAS(alias_same) {
  *offset = 0;
  for (int e = 0; e < in->rank; e++) ostride[e] = stride[e];
  return true;
}

const cj_op cjo_stop = {.name = "stop",
                        .sig = "x",
                        .doc = "x as a constant",
                        .example = "R(2,3)",
                        .kind = CJ_VIEWS,
                        .nin = 1,
                        .flags = CJ_NODIFF,
                        .infer = cjr_infer_same,
                        .alias = alias_same};

/* --- embed, put: the transposes of slice ------------------------------------------------- */

/* first, first + step, ... (n of them) lie in 0 .. full-1 */
static bool fits_in(cj_ctx *c, const cj_op *self, int64_t first, int64_t step, int64_t n, int64_t full) {
  bool good = n == 0 || (n <= full && first >= 0 && first < full);
  if (good && n > 1) good = step > 0 ? step <= (full - 1 - first) / (n - 1) : step < 0 && step >= -(first / (n - 1));
  if (!good)
    cjm_fail(c, CJ_ERANGE, "%s: %lld elements from %lld by %lld are not in size %lld", self->name, (long long)n,
             (long long)first, (long long)step, (long long)full);
  return good;
}

static CJR_INFER(infer_embed) { /* v: axis, first, step, full */
  int axis = (int)a->v[0];
  if (!cjr_isaxis(c, self, in[0], a->v[0])) return false;
  if (!fits_in(c, self, a->v[1], a->v[2], cjt_at(in[0], axis), a->v[3])) return false;
  *out = cjr_resized(*in[0], axis, a->v[3]);
  return cjr_checked(c, self, out);
}

static CJR_TRANSPOSE(transpose_embed) {
  return cjb_slice(g, ct, (int)a->v[0], a->v[1], a->v[2], cjt_at(cjg_type(g, in[0]), (int)a->v[0]));
}

const cj_op cjo_embed = {.name = "embed",
                         .sig = "x",
                         .doc = "x along first, first + step, ... of an axis, zeros elsewhere",
                         .kind = CJ_MOVES,
                         .nin = 1,
                         .lin = 1,
                         .infer = infer_embed,
                         .eval = cjk_embed,
                         .transpose = transpose_embed};

static CJR_INFER(infer_put) { /* v: axis, first, step */
  int axis = (int)a->v[0];
  if (!cjr_isaxis(c, self, in[0], a->v[0])) return false;
  cj_type region = cjr_resized(*in[0], axis, cjt_at(in[1], axis));
  if (!cjr_samedtype(c, self, in[0], in[1])) return false;
  if (!cjt_sameshape(&region, in[1])) {
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s is no part of shape %s", self->name, cjr_show(in[1]).s, cjr_show(in[0]).s);
    return false;
  }
  *out = *in[0];
  return fits_in(c, self, a->v[1], a->v[2], cjt_at(in[1], axis), cjt_at(in[0], axis));
}

static CJR_TRANSPOSE(transpose_put) {
  cj_type v = cjb_type(g, in[1]);
  int axis = (int)a->v[0];
  if (i == 1) return cjb_slice(g, ct, axis, a->v[1], a->v[2], cjt_at(&v, axis));
  return cjb_put(g, ct, cjb_zeros(g, &v), axis, a->v[1], a->v[2]);
}

const cj_op cjo_put = {.name = "put",
                       .sig = "x, v",
                       .doc = "x with v at first, first + step, ... of an axis",
                       .kind = CJ_MOVES,
                       .nin = 2,
                       .flags = CJ_JOINT | CJ_NOBROADCAST | CJ_INPLACE,
                       .lin = 3,
                       .infer = infer_put,
                       .eval = cjk_put,
                       .transpose = transpose_put};

/* --- diag_embed, fold: the transposes of diagonal and unfold --------------------------------- */

static CJR_INFER(infer_diag_embed) { /* v: offset */
  cj_type t = *in[0];
  int64_t off = a->v[0], n = cjt_at(&t, 1);
  if (off == INT64_MIN) off++;
  if (off < 0) off = -off;
  if (t.rank < 1 || t.rank == CJ_MAXRANK || off > INT64_MAX - n) {
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s cannot become diagonals", self->name, cjr_show(&t).s);
    return false;
  }
  t.dim[t.rank - 1] = n + off;
  t.dim[t.rank++] = n + off;
  *out = t;
  return cjr_checked(c, self, out);
}

static CJR_TRANSPOSE(transpose_diag_embed) { return cjb_diagonal(g, ct, a->v[0]); }

/* The diagonal lies in dim1 and dim2 of the result, which has one dim more. */
static CJR_FACE(face_diag_embed) {
  cj_type t = cjr_in(k, 0), wide = t;
  int perm[CJ_MAXRANK], next = 0;
  if (!cjr_minrank(k, 0, 1) || !cjr_maxrank(k, 0, CJ_MAXRANK - 1)) return false;
  wide.rank++;
  int a = cjr_axis(k, 1, &wide, -2), b = cjr_axis(k, 2, &wide, -1);
  if (!a || !b) return false;
  if (a == b) return cjr_bad(k, CJ_EARG, "dim1 and dim2 are both %d", wide.rank - a + 1);
  for (int e = 0; e < wide.rank; e++)
    perm[e] = e == wide.rank - a ? wide.rank - 2 : e == wide.rank - b ? wide.rank - 1 : next++;
  cj_ref y = cjb_diag_embed(k->g, k->in[0], cjr_int(k, 0, 0));
  return cjr_one(cjb_permute(k->g, y, wide.rank, perm), out, nout);
}

const cj_op cjo_diag_embed = {.name = "diag_embed",
                              .module = "",
                              .sig = "x, offset:int=0, dim1:axis=-2, dim2:axis=-1",
                              .doc = "square matrices with the last axis on a diagonal, zeros elsewhere",
                              .example = "R(3) | R(2,3), 1 | R(2,3), -1, 1, 3 | R(2,3), 0, 3, 2",
                              .kind = CJ_MOVES,
                              .nin = 1,
                              .flags = CJ_METHOD,
                              .lin = 1,
                              .build = face_diag_embed,
                              .infer = infer_diag_embed,
                              .eval = cjk_diag_embed,
                              .transpose = transpose_diag_embed};

static CJR_INFER(infer_fold) { /* v: axis (of the result), size, step, full */
  cj_type t = *in[0];
  int64_t size = a->v[1], step = a->v[2], full = a->v[3];
  bool good = a->v[0] >= 1 && a->v[0] < t.rank && cjt_at(&t, 1) == size && step >= 1 && size <= full &&
              cjt_at(&t, (int)a->v[0] + 1) == (full - size) / step + 1;
  if (!good) {
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s does not hold windows of size %lld every %lld of %lld", self->name,
             cjr_show(&t).s, (long long)size, (long long)step, (long long)full);
    return false;
  }
  t.dim[--t.rank] = 0;
  *out = cjr_resized(t, (int)a->v[0], full);
  return cjr_checked(c, self, out);
}

static CJR_TRANSPOSE(transpose_fold) { return cjb_unfold(g, ct, (int)a->v[0], a->v[1], a->v[2]); }

const cj_op cjo_fold = {.name = "fold",
                        .sig = "x",
                        .doc = "overlapping windows added up",
                        .kind = CJ_MOVES,
                        .nin = 1,
                        .lin = 1,
                        .infer = infer_fold,
                        .eval = cjk_fold,
                        .transpose = transpose_fold};

/* --- cat -------------------------------------------------------------------------------------- */

static CJR_INFER(infer_cat) { /* v: axis */
  if (!cjr_isaxis(c, self, in[0], a->v[0])) return false;
  int axis = (int)a->v[0];
  cj_type t = *in[0];
  for (int e = 1; e < nin; e++) {
    cj_type like = *in[e];
    if (like.rank == t.rank) like = cjr_resized(like, axis, cjt_at(&t, axis));
    if (!cjr_samedtype(c, self, &t, in[e])) return false;
    if (!cjt_sameshape(&t, &like)) {
      cjm_fail(c, CJ_ESHAPE, "%s: shapes %s and %s differ outside dim %d", self->name, cjr_show(in[0]).s,
               cjr_show(in[e]).s, t.rank - axis + 1);
      return false;
    }
    if (cjt_at(in[e], axis) > INT64_MAX - cjt_at(&t, axis)) {
      cjm_fail(c, CJ_ELIMIT, "%s: the result is too large", self->name);
      return false;
    }
    t.dim[t.rank - axis] += cjt_at(in[e], axis);
  }
  *out = t;
  return cjr_checked(c, self, out);
}

static CJR_TRANSPOSE(transpose_cat) {
  int axis = (int)a->v[0];
  int64_t first = 0;
  for (int e = 0; e < i; e++) first += cjt_at(cjg_type(g, in[e]), axis);
  return cjb_slice(g, ct, axis, first, 1, cjt_at(cjg_type(g, in[i]), axis));
}

/* [0] among tensors of higher rank is no tensor at all, as in PyTorch. */
static bool isnothing(const cj_type *t) { return t->rank == 1 && t->dim[0] == 0; }

/* The operands that count, cast; their number, 0 after an error. */
static int parts(const cj_call *k, cj_ref *x) {
  int n = 0, dt = cjr_common(k, 0, k->nin);
  for (int e = 0; e < k->nin; e++) {
    cj_type t = cjr_in(k, e);
    if (!cjr_minrank(k, e, 1)) return 0;
    if (!isnothing(&t)) x[n++] = cjb_cast(k->g, k->in[e], dt);
  }
  if (n == 0) x[n++] = cjb_cast(k->g, k->in[0], dt);
  return cjg_ok(k->g) ? n : 0;
}

static CJR_FACE(face_cat) {
  if (k->nin < 1) return cjr_bad(k, CJ_EARG, "no tensors given, wanted at least one");
  size_t bytes = (size_t)k->nin * sizeof(cj_ref);
  cj_ref *x = cjm_alloc(k->g->c, bytes), r = 0;
  int n = x ? parts(k, x) : 0;
  if (n > 0) {
    cj_type t = cjb_type(k->g, x[0]);
    int axis = cjr_axis(k, 0, &t, 0);
    if (axis) r = cjb_cat(k->g, x, n, axis);
  }
  cjm_free(k->g->c, x, bytes);
  return cjr_one(r, out, nout);
}

const cj_op cjo_cat = {.name = "cat",
                       .module = "",
                       .sig = "tensors:list, dim:axis=0",
                       .doc = "tensors one after the other along an axis",
                       .example = "{R(2,3), R(4,3)} | {R(2,3), R(2,1), R(2,2)}, 2 | {R(3), R(0)}",
                       .kind = CJ_MOVES,
                       .nin = 255,
                       .flags = CJ_JOINT | CJ_NOBROADCAST,
                       .lin = ~0u,
                       .build = face_cat,
                       .infer = infer_cat,
                       .eval = cjk_cat,
                       .transpose = transpose_cat};

/* --- pack, check: emitted only for plans (exec/unroll.h), so they have no derivative --------------- */

static CJR_INFER(infer_pack) { /* v: the sizes of the result, from the front */
  cj_type t = cjt_scalar(nin ? in[0]->dtype : CJ_F64);
  t.rank = (uint8_t)a->n;
  for (int e = 0; e < a->n; e++) t.dim[e] = a->v[e];
  for (int e = 0; e < nin; e++) {
    if (!cjr_samedtype(c, self, in[0], in[e])) return false;
    if (in[e]->rank == 0) continue;
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s is no single element", self->name, cjr_show(in[e]).s);
    return false;
  }
  if (!cjr_checked(c, self, &t)) return false;
  *out = t;
  if (nin && cjt_count(out) == nin) return true;
  cjm_fail(c, CJ_ESHAPE, "%s: %d elements for shape %s", self->name, nin, cjr_show(out).s);
  return false;
}

const cj_op cjo_pack = {.name = "pack",
                        .sig = "x...",
                        .doc = "single elements as the elements of a tensor",
                        .kind = CJ_MOVES,
                        .nin = 255,
                        .infer = infer_pack,
                        .eval = cjk_pack};

/* v: the row for which it speaks, and whether numbers must be positive and finite, or only not zero */
static CJR_INFER(infer_check) {
  for (int e = 0; e < nin; e++)
    if (!cjr_samedtype(c, self, in[0], in[e])) return false;
  *out = cjt_scalar(CJ_BOOL);
  if (nin && cjt_isfloat(in[0]->dtype) && a->v[0] >= 0 && a->v[0] < CJ_NOPS) return true;
  cjm_fail(c, CJ_EARG, "%s: nothing to check", self->name);
  return false;
}

const cj_op cjo_check = {.name = "check",
                         .sig = "x...",
                         .doc = "fails as another row does where numbers are not positive, or are zero",
                         .kind = CJ_DENSE,
                         .nin = 255,
                         .core = 0,
                         .flags = CJ_NODIFF,
                         .fault = "a number is out of its domain",
                         .infer = infer_check,
                         .eval = cjk_check};
