/* scan.c -- rows in which every element depends on those before it along an axis.  v[0] is the axis. */
#include "rules/rules.h"

#include <math.h>

cj_ref cjr_shift(cj_graph *g, cj_ref x, int axis, bool back, double enters) {
  if (!x) return 0;
  cj_type t = cjb_type(g, x);
  int64_t n = cjt_at(&t, axis);
  if (n == 0) return x;
  cj_type one = cjr_resized(t, axis, 1);
  cj_ref kept = cjb_slice(g, x, axis, back ? 1 : 0, 1, n - 1), edge = cjb_full(g, &one, enters);
  if (n == 1) return edge;
  if (enters == 0) return cjb_embed(g, kept, axis, back ? 0 : 1, 1, n);
  return cjb_cat(g, back ? (cj_ref[]){kept, edge} : (cj_ref[]){edge, kept}, 2, axis);
}

/* The operand with bool counted as int64, and the axis: 0 after an error. */
static int arguments(const cj_call *k, cj_ref *x) {
  cj_type t = cjr_in(k, 0);
  *x = t.dtype == CJ_BOOL ? cjb_cast(k->g, k->in[0], CJ_I64) : k->in[0];
  return cjr_axis(k, 0, &t, 0);
}

static CJR_INFER(infer_scan) {
  *out = *in[0];
  return cjr_isaxis(c, self, in[0], a->v[0]);
}

/* --- cumsum ---------------------------------------------------------------------------- */

static CJR_TRANSPOSE(transpose_cumsum) { return cjb_cumsum(g, ct, (int)a->v[0], !a->v[1]); }

static CJR_FACE(face_cumsum) {
  cj_ref x;
  int axis = arguments(k, &x);
  return axis && cjr_one(cjr_in(k, 0).rank ? cjb_cumsum(k->g, x, axis, false) : x, out, nout);
}

const cj_op cjo_cumsum = {.name = "cumsum",
                          .module = "",
                          .sig = "x, dim:axis",
                          .doc = "sums of the elements up to each one",
                          .example = "R(4), 1 | R(3,4), 2 | R(3,4), -2",
                          .kind = CJ_SCANS,
                          .nin = 1,
                          .flags = CJ_METHOD,
                          .lin = 1,
                          .build = face_cumsum,
                          .infer = infer_scan,
                          .eval = cjk_cumsum,
                          .transpose = transpose_cumsum};

/* --- cumprod --------------------------------------------------------------------------- */

static CJR_JVP(jvp_cumprod) {
  int axis = (int)a->v[0];
  return cjb_linrec(g, in[0], cjb_mul(g, t[0], cjr_shift(g, y, axis, false, 1)), axis, false);
}

static CJR_FACE(face_cumprod) {
  cj_ref x;
  int axis = arguments(k, &x);
  return axis && cjr_one(cjr_in(k, 0).rank ? cjb_cumprod(k->g, x, axis) : x, out, nout);
}

const cj_op cjo_cumprod = {.name = "cumprod",
                           .module = "",
                           .sig = "x, dim:axis",
                           .doc = "products of the elements up to each one",
                           .example = "R(4), 1 | R(3,4), 2 | R(3,4), -2",
                           .kind = CJ_SCANS,
                           .nin = 1,
                           .flags = CJ_METHOD,
                           .build = face_cumprod,
                           .infer = infer_scan,
                           .eval = cjk_cumprod,
                           .jvp = jvp_cumprod};

/* --- logcumsumexp ------------------------------------------------------------------------ */

/* exp(x - y), 1 where both are inf, 0 where x is -inf. */
static cj_ref share_of(cj_graph *g, cj_ref x, cj_ref y) {
  cj_ref none = cjb_eq(g, x, cjb_like(g, x, -(double)INFINITY)), zero = cjb_like(g, x, 0), same = cjb_eq(g, x, y);
  cj_ref less = cjb_sub(g, cjb_where(g, same, zero, x), cjb_where(g, same, zero, y));
  return cjb_where(g, none, zero, cjb_exp(g, less));
}

/* d y(k) = exp(y(k-1) - y(k)) d y(k-1) + exp(x(k) - y(k)) d x(k) */
static CJR_JVP(jvp_logcumsumexp) {
  int axis = (int)a->v[0];
  cj_ref before = cjr_shift(g, y, axis, false, -(double)INFINITY);
  return cjb_linrec(g, share_of(g, before, y), cjb_zmul(g, t[0], share_of(g, in[0], y)), axis, false);
}

static CJR_FACE(face_logcumsumexp) {
  cj_type t = cjr_in(k, 0);
  int axis = cjr_axis(k, 0, &t, 0);
  cj_ref x = cjr_float(k, 0);
  return axis && cjr_one(t.rank ? cjb_logcumsumexp(k->g, x, axis) : x, out, nout);
}

const cj_op cjo_logcumsumexp = {.name = "logcumsumexp",
                                .module = "",
                                .sig = "x, dim:axis",
                                .doc = "log of the sums of exponentials up to each element, without overflow",
                                .example = "R(4), 1 | R(3,4), 2 | R(3,4), -2 | R(0,2), 1",
                                .kind = CJ_SCANS,
                                .nin = 1,
                                .flags = CJ_METHOD,
                                .build = face_logcumsumexp,
                                .infer = infer_scan,
                                .eval = cjk_logcumsumexp,
                                .jvp = jvp_logcumsumexp};

/* --- argcummax, argcummin ------------------------------------------------------------------- */

static CJR_INFER(infer_places) {
  *out = cjt_as(*in[0], CJ_I64);
  return cjr_isaxis(c, self, in[0], a->v[0]) && cjr_checked(c, self, out);
}

const cj_op cjo_argcummax = {.name = "argcummax",
                             .sig = "x",
                             .doc = "place of the largest element up to each one",
                             .kind = CJ_SCANS,
                             .nin = 1,
                             .flags = CJ_NODIFF,
                             .infer = infer_places,
                             .eval = cjk_argcummax};

const cj_op cjo_argcummin = {.name = "argcummin",
                             .sig = "x",
                             .doc = "place of the smallest element up to each one",
                             .kind = CJ_SCANS,
                             .nin = 1,
                             .flags = CJ_NODIFF,
                             .infer = infer_places,
                             .eval = cjk_argcummin};

/* --- linrec: h_k = a_k h_(k-1) + b_k ----------------------------------------------------- */

static CJR_INFER(infer_linrec) { /* v: axis, reverse */
  if (!cjr_samedtype(c, self, in[0], in[1])) return false;
  *out = *in[0];
  if (cjt_sameshape(in[0], in[1])) return cjr_isaxis(c, self, in[0], a->v[0]);
  cjm_fail(c, CJ_ESHAPE, "%s: shapes %s and %s differ", self->name, cjr_show(in[0]).s, cjr_show(in[1]).s);
  return false;
}

/* The cotangents run the other way: l_k = ct_k + a_(k+1) l_(k+1). */
static CJR_TRANSPOSE(transpose_linrec) {
  int axis = (int)a->v[0];
  bool reverse = a->v[1] != 0;
  return cjb_linrec(g, cjr_shift(g, in[0], axis, !reverse, 0), ct, axis, !reverse);
}

static CJR_JVP(jvp_linrec) {
  int axis = (int)a->v[0];
  bool reverse = a->v[1] != 0;
  cj_ref d = cjb_mul(g, t[0], cjr_shift(g, y, axis, reverse, 0));
  return cjb_linrec(g, in[0], cjb_add(g, d, t[1]), axis, reverse);
}

const cj_op cjo_linrec = {.name = "linrec",
                          .sig = "a, b",
                          .doc = "linear recurrence: h(k) = a(k) h(k-1) + b(k) along an axis",
                          .kind = CJ_SCANS,
                          .nin = 2,
                          .flags = CJ_NOBROADCAST,
                          .lin = 2,
                          .infer = infer_linrec,
                          .eval = cjk_linrec,
                          .transpose = transpose_linrec,
                          .jvp = jvp_linrec};
