/* reduce.c -- rows in which axes vanish.  v[0] is the mask of these axes. */
#include "rules/rules.h"

/* --- types ---------------------------------------------------------------------------- */

CJR_INFER(cjr_infer_reduce) {
  cj_type t = cjt_scalar(in[0]->dtype);
  for (int e = 0; e < in[0]->rank; e++)
    if (!(a->v[0] >> (in[0]->rank - 1 - e) & 1)) t.dim[t.rank++] = in[0]->dim[e];
  *out = t;
  return true;
}

static CJR_INFER(infer_logical) {
  if (in[0]->dtype == CJ_BOOL) return cjr_infer_reduce(c, self, in, nin, a, out);
  cjm_fail(c, CJ_EDTYPE, "%s: not defined for dtype %s", self->name, cj_dtype_name((cj_dtype)in[0]->dtype));
  return false;
}

static CJR_INFER(infer_extreme) {
  for (int k = 1; k <= in[0]->rank; k++)
    if (a->v[0] >> (k - 1) & 1 && cjt_at(in[0], k) == 0) {
      cjm_fail(c, CJ_ESHAPE, "%s: cannot reduce an empty tensor %s without an identity", self->name, cjr_show(in[0]).s);
      return false;
    }
  return cjr_infer_reduce(c, self, in, nin, a, out);
}

static CJR_INFER(infer_place) {
  if (!infer_extreme(c, self, in, nin, a, out)) return false;
  *out = cjt_as(*out, CJ_I64);
  return cjr_checked(c, self, out);
}

/* --- faces: parameters dim, keepdim ------------------------------------------------------- */

static bool reduced(const cj_call *k, cj_ref x, uint32_t mask, cj_ref *out, int *nout) {
  cj_type t = cjb_type(k->g, x);
  cj_ref y = cjb_reduce(k->g, k->op, x, mask);
  return cjr_one(cjr_bool(k, 1, false) ? cjb_keep(k->g, y, &t, mask) : y, out, nout);
}

static CJR_FACE(face_axes) {
  cj_type t = cjr_in(k, 0);
  uint32_t mask;
  return cjr_axes(k, 0, &t, &mask) && reduced(k, k->in[0], mask, out, nout);
}

/* bool counts as int64 */
static CJR_FACE(face_numbers) {
  cj_type t = cjr_in(k, 0);
  cj_ref x = t.dtype == CJ_BOOL ? cjb_cast(k->g, k->in[0], CJ_I64) : k->in[0];
  uint32_t mask;
  return cjr_axes(k, 0, &t, &mask) && reduced(k, x, mask, out, nout);
}

static CJR_FACE(face_logical) {
  cj_type t = cjr_in(k, 0);
  cj_ref x = t.dtype == CJ_BOOL ? k->in[0] : cjb_ne(k->g, k->in[0], cjb_like(k->g, k->in[0], 0));
  uint32_t mask;
  return cjr_axes(k, 0, &t, &mask) && reduced(k, x, mask, out, nout);
}

/* --- sum ------------------------------------------------------------------------------------- */

static CJR_TRANSPOSE(transpose_sum) {
  cj_type t = cjb_type(g, in[0]);
  return cjb_expand(g, cjb_keep(g, ct, &t, (uint32_t)a->v[0]), &t);
}

const cj_op cjo_sum = {.name = "sum",
                       .module = "",
                       .sig = "x, dim:axes?, keepdim:bool=false",
                       .doc = "sum over all axes, one or several; 0 of nothing",
                       .example = "R(3,4) | R(2,3), 2 | R(2,3,4), {1,3}, true | R(0,2), 1 | R()",
                       .kind = CJ_REDUCES,
                       .nin = 1,
                       .flags = CJ_METHOD,
                       .lin = 1,
                       .build = face_numbers,
                       .infer = cjr_infer_reduce,
                       .eval = cjk_sum,
                       .work = cjk_sum_work,
                       .transpose = transpose_sum};

/* --- prod ------------------------------------------------------------------------------------ */

/* The axes of mask at the end and made one. */
static cj_ref as_lines(cj_graph *g, cj_ref x, uint32_t mask) {
  int perm[CJ_MAXRANK], n = 0;
  cj_type t = cjb_type(g, x), to = cjt_scalar(t.dtype);
  int64_t length = 1;
  for (int e = 0; e < t.rank; e++) {
    if (mask >> (t.rank - 1 - e) & 1) continue;
    perm[n++] = e;
    to.dim[to.rank++] = t.dim[e];
  }
  for (int e = 0; e < t.rank; e++) {
    if (!(mask >> (t.rank - 1 - e) & 1)) continue;
    perm[n++] = e;
    length *= t.dim[e];
  }
  to.dim[to.rank++] = length;
  return cjb_reshape(g, cjb_permute(g, x, n, perm), &to);
}

/* With P_k = x_k P_(k-1): dP_k = x_k dP_(k-1) + dx_k P_(k-1), of which the last is wanted.  No division, so
** zeros among the factors do no harm, to any order. */
static CJR_JVP(jvp_prod) {
  uint32_t mask = (uint32_t)a->v[0];
  if (!t[0]) return 0;
  cj_ref x = as_lines(g, in[0], mask), dx = as_lines(g, t[0], mask);
  int64_t n = cjt_at(cjg_type(g, x), 1);
  if (n == 0) return 0;
  cj_ref before = cjr_shift(g, cjb_cumprod(g, x, 1), 1, false, 1);
  cj_ref d = cjb_linrec(g, x, cjb_mul(g, dx, before), 1, false);
  return cjb_squeeze(g, cjb_slice(g, d, 1, n - 1, 1, 1), 1);
}

const cj_op cjo_prod = {.name = "prod",
                        .module = "",
                        .sig = "x, dim:axis?, keepdim:bool=false",
                        .doc = "product over all axes or one; 1 of nothing",
                        .example = "R(2,3) | R(3,4), 2 | R(2,3,2), 1, true | R(0,2), 1",
                        .kind = CJ_REDUCES,
                        .nin = 1,
                        .flags = CJ_METHOD,
                        .build = face_numbers,
                        .infer = cjr_infer_reduce,
                        .eval = cjk_prod,
                        .work = cjk_prod_work,
                        .jvp = jvp_prod};

/* --- amax, amin -------------------------------------------------------------------------------- */

/* The mean of the tangents of those that attain the extreme. */
static CJR_JVP(jvp_extreme) {
  uint32_t mask = (uint32_t)a->v[0];
  if (!t[0]) return 0;
  cj_type x = cjb_type(g, in[0]);
  cj_ref attains = cjb_eq(g, in[0], cjb_keep(g, y, &x, mask));
  cj_ref total = cjb_sum(g, cjb_where(g, attains, t[0], cjb_like(g, t[0], 0)), mask);
  return cjb_div(g, total, cjb_sum(g, cjb_cast(g, attains, x.dtype), mask));
}

const cj_op cjo_amax = {.name = "amax",
                        .module = "",
                        .sig = "x, dim:axes?, keepdim:bool=false",
                        .doc = "largest element; ties share the derivative",
                        .example = "R(3,4) | R(3,4), 2 | R(2,3,4), {1,3}, true",
                        .kind = CJ_REDUCES,
                        .nin = 1,
                        .flags = CJ_METHOD,
                        .build = face_axes,
                        .infer = infer_extreme,
                        .eval = cjk_amax,
                        .work = cjk_amax_work,
                        .jvp = jvp_extreme};

const cj_op cjo_amin = {.name = "amin",
                        .module = "",
                        .sig = "x, dim:axes?, keepdim:bool=false",
                        .doc = "smallest element; ties share the derivative",
                        .example = "R(3,4) | R(3,4), 2 | R(2,3,4), {1,3}, true",
                        .kind = CJ_REDUCES,
                        .nin = 1,
                        .flags = CJ_METHOD,
                        .build = face_axes,
                        .infer = infer_extreme,
                        .eval = cjk_amin,
                        .work = cjk_amin_work,
                        .jvp = jvp_extreme};

/* --- any, all, argmax, argmin -------------------------------------------------------------------- */

const cj_op cjo_any = {.name = "any",
                       .module = "",
                       .sig = "x, dim:axes?, keepdim:bool=false",
                       .doc = "one or more elements are true (not 0); false of nothing",
                       .example = "B(2,3) | B(2,3), 2, true | R(2,3), {1,2}",
                       .kind = CJ_REDUCES,
                       .nin = 1,
                       .flags = CJ_METHOD | CJ_NODIFF,
                       .build = face_logical,
                       .infer = infer_logical,
                       .eval = cjk_any,
                       .work = cjk_any_work};

const cj_op cjo_all = {.name = "all",
                       .module = "",
                       .sig = "x, dim:axes?, keepdim:bool=false",
                       .doc = "all elements are true (not 0); true of nothing",
                       .example = "B(2,3) | B(2,3), 2, true | R(2,3), {1,2}",
                       .kind = CJ_REDUCES,
                       .nin = 1,
                       .flags = CJ_METHOD | CJ_NODIFF,
                       .build = face_logical,
                       .infer = infer_logical,
                       .eval = cjk_all,
                       .work = cjk_all_work};

const cj_op cjo_argmax = {.name = "argmax",
                          .module = "",
                          .sig = "x, dim:axis?, keepdim:bool=false",
                          .doc = "position of the first largest element, counted over all axes or along one",
                          .example = "R(3,4) | R(3,4), 2 | R(2,3,4), 1, true",
                          .kind = CJ_REDUCES,
                          .nin = 1,
                          .flags = CJ_METHOD | CJ_NODIFF | CJ_INDEXRESULT,
                          .build = face_numbers,
                          .infer = infer_place,
                          .eval = cjk_argmax,
                          .work = cjk_argmax_work};

const cj_op cjo_argmin = {.name = "argmin",
                          .module = "",
                          .sig = "x, dim:axis?, keepdim:bool=false",
                          .doc = "position of the first smallest element, counted over all axes or along one",
                          .example = "R(3,4) | R(3,4), 2 | R(2,3,4), 1, true",
                          .kind = CJ_REDUCES,
                          .nin = 1,
                          .flags = CJ_METHOD | CJ_NODIFF | CJ_INDEXRESULT,
                          .build = face_numbers,
                          .infer = infer_place,
                          .eval = cjk_argmin,
                          .work = cjk_argmin_work};
