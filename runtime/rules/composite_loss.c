/*
** composite_loss.c -- what training minimises.  Every loss ends in a reduction: "mean", "sum", or "none" for
** one number an element.
*/
#include "rules/compose.h"

#include <math.h>
#include <string.h>

/* --- reductions -------------------------------------------------------------------------- */

/* sum over all of x / n */
static cj_ref whole_mean(cj_graph *g, cj_ref x, double n) {
  uint32_t all = (1u << cjb_type(g, x).rank) - 1;
  return cjb_div(g, cjb_sum(g, x, all), cjb_like(g, x, n));
}

/* The loss of each element, reduced as parameter j says; means are over n numbers, or the weight (0-d) w. */
static bool reduce_loss(const cj_call *k, int j, cj_ref each, double n, cj_ref w, cj_ref *out, int *nout) {
  cj_graph *g = k->g;
  const char *how = cjr_str(k, j, "mean");
  cj_type t = cjb_type(g, each);
  if (!each) return false;
  if (!strcmp(how, "none")) return cjr_one(each, out, nout);
  if (!strcmp(how, "sum")) return cjr_one(cjb_sum(g, each, (1u << t.rank) - 1), out, nout);
  if (!strcmp(how, "mean") && w) return cjr_one(cjb_div(g, cjb_sum(g, each, (1u << t.rank) - 1), w), out, nout);
  if (!strcmp(how, "mean")) return cjr_one(whole_mean(g, each, n), out, nout);
  return cjr_bad(k, CJ_EARG, "reduction is \"%.20s\", wanted \"mean\", \"sum\" or \"none\"%s", how,
                 k->op == CJ_OP_kl_div ? ", or \"batchmean\"" : "");
}

static bool reduce_elements(const cj_call *k, int j, cj_ref each, cj_ref *out, int *nout) {
  cj_type t = cjb_type(k->g, each);
  return reduce_loss(k, j, each, (double)cjt_count(&t), 0, out, nout);
}

/* --- regression ------------------------------------------------------------------------------ */

/* x - target, broadcast against each other. */
static cj_ref residual(const cj_call *k) {
  cj_ref v[2];
  return cjr_broadcasts(k, 0, 2) && cjr_floats(k, 0, 2, v) ? cjb_sub(k->g, v[0], v[1]) : 0;
}

static CJR_FACE(build_mse_loss) {
  cj_ref d = residual(k);
  return d && reduce_elements(k, 0, cjb_square(k->g, d), out, nout);
}

static CJR_FACE(build_l1_loss) {
  cj_ref d = residual(k);
  return d && reduce_elements(k, 0, cjb_abs(k->g, d), out, nout);
}

/* d^2 / 2 up to delta, then the line that goes on: |d| = c + rest with c at most delta, c (|d| - c/2). */
static cj_ref huber(cj_graph *g, cj_ref d, double delta) {
  cj_ref size = cjb_abs(g, d), near = cjb_lt(g, size, cjb_like(g, d, delta));
  cj_ref bowl = cjr_scale(g, cjb_square(g, d), 0.5);
  cj_ref line = cjr_scale(g, cjb_sub(g, size, cjb_like(g, d, 0.5 * delta)), delta);
  return cjb_where(g, near, bowl, line);
}

static CJR_FACE(build_huber_loss) {
  double delta = cjr_num(k, 0, 1);
  if (!(delta > 0)) return cjr_bad(k, CJ_EARG, "delta is %g, wanted a positive number", delta);
  cj_ref d = residual(k);
  return d && reduce_elements(k, 1, huber(k->g, d, delta), out, nout);
}

static CJR_FACE(build_smooth_l1_loss) {
  double beta = cjr_num(k, 0, 1);
  if (!(beta >= 0)) return cjr_bad(k, CJ_EARG, "beta is %g, wanted 0 or more", beta);
  cj_ref d = residual(k);
  if (!d) return false;
  cj_ref each = beta == 0 ? cjb_abs(k->g, d) : cjr_scale(k->g, huber(k->g, d, beta), 1 / beta);
  return reduce_elements(k, 1, each, out, nout);
}

/* --- classes ---------------------------------------------------------------------------------- */

/* The axis of the classes: the second, or of a vector the only one. */
static int class_axis(const cj_type *x) { return x->rank >= 2 ? x->rank - 1 : 1; }

/* Targets that are indices: which count, and the classes with those that do not at 0, axis of size 1 inserted. */
typedef struct classes {
  cj_ref x, at, counts; /* log-probabilities, or logits; places in x; bool */
  cj_ref peak, norm;    /* what logits are to be taken down by, one after the other; 0: nothing */
  cj_type each;         /* one number a sample */
  int axis;
} classes;

static bool read_classes(const cj_call *k, cj_ref x, int jignore, classes *c) {
  cj_graph *g = k->g;
  cj_type t = cjb_type(g, x), target = cjr_in(k, 1);
  if (!t.rank) return cjr_bad(k, CJ_ESHAPE, "x is a number, wanted a dimension of classes");
  *c = (classes){.x = x, .axis = class_axis(&t), .each = t};
  c->each.rank = 0;
  for (int e = 0; e < t.rank; e++)
    if (e != t.rank - c->axis) c->each.dim[c->each.rank++] = t.dim[e];
  if (!cjr_isindex(k, 1, "target")) return false;
  if (!cjt_sameshape(&target, &c->each))
    return cjr_bad(k, CJ_ESHAPE, "target has shape %s, wanted %s: one class for each sample of x", cjr_show(&target).s,
                   cjr_show(&c->each).s);
  cj_type kept = cjr_resized(t, c->axis, 1);
  cj_ref at = cjb_reshape(g, k->in[1], &kept);
  cj_ref ignored = cjb_eq(g, at, cjg_int(g, cjr_int(k, jignore, -100)));
  c->counts = cjb_logical_not(g, ignored);
  c->at = cjb_where(g, ignored, cjg_int(g, 0), at);
  return cjg_ok(g);
}

/* The weight of every class, operand 2, along the axis of classes; absent: 0. */
static bool class_weight(const cj_call *k, const cj_type *x, int axis, cj_ref *w) {
  cj_type t = cjr_in(k, 2), along = *x;
  *w = 0;
  if (!cjr_operand(k, 2)) return true;
  if (t.rank != 1 || t.dim[0] != cjt_at(x, axis))
    return cjr_bad(k, CJ_ESHAPE, "weight has shape %s, wanted [%lld]: one for each class", cjr_show(&t).s,
                   (long long)cjt_at(x, axis));
  for (int a = 1; a <= along.rank; a++)
    if (a != axis) along.dim[along.rank - a] = 1;
  *w = cjb_reshape(k->g, cjb_cast(k->g, k->in[2], x->dtype), &along);
  return *w != 0;
}

/* Per sample: what its class weighs, 0 for those that do not count. */
static cj_ref sample_weight(cj_graph *g, const classes *c, cj_ref w) {
  cj_ref one = cjb_like(g, c->x, 1), none = cjb_like(g, c->x, 0);
  return cjb_where(g, c->counts, w ? cjb_gather(g, w, c->at, c->axis) : one, none);
}

/* -sum of weights times picked log-probabilities.  extra: further loss of each sample, or 0. */
static bool negative_log(const cj_call *k, const classes *c, cj_ref w, int j, double keep, cj_ref extra, cj_ref *out,
                         int *nout) {
  cj_graph *g = k->g;
  cj_ref weight = sample_weight(g, c, w), total = 0;
  cj_ref picked = cjb_gather(g, c->x, c->at, c->axis);
  if (c->norm) picked = cjb_sub(g, cjb_sub(g, picked, c->peak), c->norm);
  cj_ref loss = cjb_neg(g, cjb_mul(g, weight, picked));
  loss = cjb_where(g, c->counts, loss, cjb_like(g, c->x, 0));
  if (extra) loss = cjb_add(g, cjr_scale(g, loss, keep), cjb_where(g, c->counts, extra, cjb_like(g, c->x, 0)));
  loss = cjb_reshape(g, loss, &c->each);
  weight = cjb_reshape(g, weight, &c->each);
  if (weight) total = cjb_sum(g, weight, (1u << c->each.rank) - 1);
  return reduce_loss(k, j, loss, 0, total, out, nout);
}

static CJR_FACE(build_nll_loss) {
  classes c;
  cj_ref w;
  cj_ref x = cjr_float(k, 0);
  if (!x || !read_classes(k, x, 0, &c)) return false;
  cj_type t = cjb_type(k->g, x);
  return class_weight(k, &t, c.axis, &w) && negative_log(k, &c, w, 1, 1, 0, out, nout);
}

/* log softmax(x) is x less the peak, less the norm; both keep the axis.  Without classes there is neither. */
static void log_norm(cj_graph *g, cj_ref x, int axis, cj_ref *peak, cj_ref *norm) {
  cj_type t = cjb_type(g, x);
  uint32_t mask = 1u << (axis - 1);
  *peak = *norm = 0;
  if (cjt_at(&t, axis) == 0) return;
  *peak = cjb_stop(g, cjb_keep(g, cjb_reduce(g, CJ_OP_amax, x, mask), &t, mask));
  cj_ref sum = cjb_sum(g, cjb_exp(g, cjb_sub(g, x, *peak)), mask);
  *norm = cjb_log(g, cjb_keep(g, sum, &t, mask));
}

static cj_ref log_probabilities(cj_graph *g, cj_ref x, int axis) {
  cj_ref peak, norm;
  log_norm(g, x, axis, &peak, &norm);
  return norm ? cjb_sub(g, cjb_sub(g, x, peak), norm) : x;
}

/* Targets that are probabilities of the classes. */
static bool soft_entropy(const cj_call *k, cj_ref logp, const cj_type *t, int axis, double smooth, cj_ref *out,
                         int *nout) {
  cj_graph *g = k->g;
  cj_type target = cjr_in(k, 1);
  cj_ref p = cjb_cast(g, k->in[1], t->dtype), w;
  if (!cjt_sameshape(&target, t))
    return cjr_bad(k, CJ_ESHAPE, "target has shape %s, wanted probabilities of the shape of x, %s, or int64 classes",
                   cjr_show(&target).s, cjr_show(t).s);
  if (!class_weight(k, t, axis, &w)) return false;
  if (smooth > 0) p = cjb_add(g, cjr_scale(g, p, 1 - smooth), cjb_like(g, p, smooth / (double)cjt_at(t, axis)));
  if (w) logp = cjb_mul(g, logp, w);
  cj_ref each = cjb_neg(g, cjb_sum(g, cjb_mul(g, p, logp), 1u << (axis - 1)));
  cj_type te = cjb_type(g, each);
  return reduce_loss(k, 1, each, (double)cjt_count(&te), 0, out, nout);
}

/* Label smoothing: C. Szegedy et al., "Rethinking the Inception architecture", arXiv:1512.00567, section 7. */
static CJR_FACE(build_cross_entropy) {
  cj_graph *g = k->g;
  classes c;
  cj_ref w, extra = 0, x = cjr_float(k, 0);
  cj_type t = cjb_type(g, x);
  double smooth = cjr_num(k, 2, 0);
  if (!x) return false;
  if (!t.rank) return cjr_bad(k, CJ_ESHAPE, "x is a number, wanted a dimension of classes");
  if (!(smooth >= 0 && smooth <= 1)) return cjr_bad(k, CJ_EARG, "label_smoothing is %g, wanted 0 to 1", smooth);
  int axis = class_axis(&t);
  if (cjt_isfloat(cjr_in(k, 1).dtype))
    return soft_entropy(k, log_probabilities(g, x, axis), &t, axis, smooth, out, nout);
  if (!read_classes(k, x, 0, &c) || !class_weight(k, &t, axis, &w)) return false;
  log_norm(g, x, axis, &c.peak, &c.norm);
  if (smooth > 0) {
    cj_ref logp = log_probabilities(g, x, axis), all = cjb_sum(g, w ? cjb_mul(g, logp, w) : logp, 1u << (axis - 1));
    cj_type kept = cjr_resized(t, axis, 1);
    extra = cjr_scale(g, cjb_reshape(g, all, &kept), -smooth / (double)cjt_at(&t, axis));
  }
  return negative_log(k, &c, w, 1, 1 - smooth, extra, out, nout);
}

/* --- probabilities ------------------------------------------------------------------------------ */

/* x log y, 0 where x is 0 */
static cj_ref x_log_y(cj_graph *g, cj_ref x, cj_ref y) { return cjr_op(g, CJ_OP_xlogy, (cj_ref[]){x, y}, 2); }

static CJR_FACE(build_kl_div) {
  cj_graph *g = k->g;
  cj_ref v[2], each;
  const char *how = cjr_str(k, 0, "batchmean");
  if (!cjr_broadcasts(k, 0, 2) || !cjr_floats(k, 0, 2, v)) return false;
  if (cjr_bool(k, 1, false))
    each = cjb_mul(g, cjb_exp(g, v[1]), cjb_sub(g, v[1], v[0]));
  else
    each = cjb_sub(g, x_log_y(g, v[1], v[1]), cjb_mul(g, v[1], v[0]));
  if (!each) return false;
  if (strcmp(how, "batchmean") != 0) return reduce_elements(k, 0, each, out, nout);
  cj_type x = cjr_in(k, 0);
  return cjr_one(whole_mean(g, each, x.rank ? (double)x.dim[0] : 1), out, nout);
}

static bool weigh_elements(const cj_call *k, int i, cj_ref *each) {
  cj_type t = cjb_type(k->g, *each), w = cjr_in(k, i), both;
  if (!*each || !cjr_operand(k, i)) return *each != 0;
  if (!cjt_broadcast(&t, &w, &both) || !cjt_sameshape(&t, &both))
    return cjr_bad(k, CJ_ESHAPE, "weight has shape %s, which does not broadcast to %s", cjr_show(&w).s, cjr_show(&t).s);
  *each = cjb_mul(k->g, *each, cjb_cast(k->g, k->in[i], t.dtype));
  return *each != 0;
}

/* x and target of one shape, as floats of one dtype. */
static bool same_shapes(const cj_call *k, cj_ref *v) {
  cj_type x = cjr_in(k, 0), y = cjr_in(k, 1);
  if (!cjt_sameshape(&x, &y))
    return cjr_bad(k, CJ_ESHAPE, "x has shape %s and target %s, wanted the same", cjr_show(&x).s, cjr_show(&y).s);
  return cjr_floats(k, 0, 2, v);
}

/* x as a constant, whose derivative is that slope. */
static cj_ref with_slope(cj_graph *g, cj_ref value, cj_ref x, cj_ref slope) {
  cj_ref none = cjb_sub(g, x, cjb_stop(g, x));
  return cjb_add(g, value, cjb_mul(g, none, cjb_stop(g, slope)));
}

/* Logarithms are taken to be at least -100, so that a certain mistake costs much, but not infinity.  So close to 0
** and 1 the derivative is (x - y) / 1e-12, as PyTorch's. */
static CJR_FACE(build_binary_cross_entropy) {
  cj_graph *g = k->g;
  cj_ref v[2];
  if (!same_shapes(k, v)) return false;
  cj_ref x = v[0], y = v[1], least = cjb_like(g, x, -100), one = cjb_like(g, x, 1), half = cjb_like(g, x, 0.5);
  cj_ref edge = cjb_lt(g, cjb_mul(g, x, cjb_sub(g, one, x)), cjb_like(g, x, 1e-12));
  cj_ref inside = cjb_where(g, edge, half, x), at = cjb_where(g, edge, cjb_stop(g, x), half);
  cj_ref yes = cjb_where(g, edge, cjb_clamp_min(g, cjb_log(g, at), least), cjb_log(g, inside));
  cj_ref no =
      cjb_where(g, edge, cjb_clamp_min(g, cjb_log1p(g, cjb_neg(g, at)), least), cjb_log1p(g, cjb_neg(g, inside)));
  cj_ref each = cjb_neg(g, cjb_add(g, cjb_mul(g, y, yes), cjb_mul(g, cjb_sub(g, one, y), no)));
  cj_ref steep = with_slope(g, each, x, cjr_scale(g, cjb_sub(g, x, y), 1e12));
  each = cjb_where(g, edge, steep, each);
  return weigh_elements(k, 2, &each) && reduce_elements(k, 0, each, out, nout);
}

/* (1 - y) x + (1 + (p - 1) y) log(1 + exp(-x)): nothing overflows, nothing cancels. */
static CJR_FACE(build_bce_with_logits) {
  cj_graph *g = k->g;
  cj_ref v[2];
  if (!same_shapes(k, v)) return false;
  cj_ref one = cjb_like(g, v[0], 1), tail = cjb_softplus(g, cjb_neg(g, v[0]));
  if (cjr_operand(k, 3)) {
    cj_ref p = cjb_sub(g, cjb_cast(g, k->in[3], cjb_type(g, v[0]).dtype), one);
    cj_type t = cjb_type(g, v[0]), tp = cjr_in(k, 3), both;
    if (!cjt_broadcast(&t, &tp, &both) || !cjt_sameshape(&t, &both))
      return cjr_bad(k, CJ_ESHAPE, "pos_weight has shape %s, which does not broadcast to %s", cjr_show(&tp).s,
                     cjr_show(&t).s);
    tail = cjb_mul(g, cjb_add(g, cjb_mul(g, p, v[1]), one), tail);
  }
  cj_ref each = cjb_add(g, cjb_mul(g, cjb_sub(g, one, v[1]), v[0]), tail);
  return weigh_elements(k, 2, &each) && reduce_elements(k, 0, each, out, nout);
}

/* --- directions ------------------------------------------------------------------------------------ */

/* x / max(|x|, eps) along the axes of mask */
static cj_ref unit_vectors(cj_graph *g, cj_ref x, uint32_t mask, double eps) {
  cj_type t = cjb_type(g, x);
  cj_ref norm = cjb_sqrt0(g, cjb_keep(g, cjb_sum(g, cjb_square(g, x), mask), &t, mask));
  return cjb_div(g, x, cjb_clamp_min(g, norm, cjb_like(g, x, eps)));
}

static CJR_FACE(build_cosine_similarity) {
  cj_graph *g = k->g;
  cj_ref v[2];
  cj_type a = cjr_in(k, 0), b = cjr_in(k, 1), both;
  if (!cjr_broadcasts(k, 0, 2) || !cjr_floats(k, 0, 2, v) || !cjt_broadcast(&a, &b, &both)) return false;
  int axis = cjr_axis(k, 0, &both, 1);
  double eps = cjr_num(k, 1, 1e-8);
  if (!axis) return false;
  uint32_t mask = both.rank ? 1u << (axis - 1) : 0;
  for (int i = 0; i < 2; i++) {
    cj_type t = cjb_type(g, v[i]);
    if (t.rank && axis <= t.rank && cjt_at(&t, axis) == cjt_at(&both, axis)) continue;
    v[i] = cjb_expand(g, v[i], &both);
  }
  cj_ref y = cjb_mul(g, unit_vectors(g, v[0], mask, eps), unit_vectors(g, v[1], mask, eps));
  return cjr_one(cjb_sum(g, y, mask), out, nout);
}

#define HOW_REDUCED "reduction:str=\"mean\""

CJR_COMPOSITE(mse_loss, "", CJ_METHOD, "x, target, " HOW_REDUCED,
              "R(2,3), R(2,3) | R(2,3), R(3), \"sum\" | R(4), R(4), \"none\" | R(), R()",
              "mean of the squared differences");
CJR_COMPOSITE(l1_loss, "", CJ_METHOD, "x, target, " HOW_REDUCED,
              "R(2,3), R(2,3) | R(2,3), R(3), \"sum\" | R(4), R(4), \"none\"", "mean of the absolute differences");
CJR_COMPOSITE(huber_loss, "", CJ_METHOD, "x, target, delta:num=1, " HOW_REDUCED,
              "R(2,3), R(2,3) | R(2,3), R(3), 0.5, \"sum\" | R(4), R(4), 0.7, \"none\"",
              "mean of half the squared differences, beyond delta of lines");
CJR_COMPOSITE(smooth_l1_loss, "", CJ_METHOD, "x, target, beta:num=1, " HOW_REDUCED,
              "R(2,3), R(2,3) | R(2,3), R(3), 0.5, \"sum\" | R(4), R(4), 0, \"none\"",
              "huber_loss divided by beta: the absolute difference, rounded off below beta");
CJR_COMPOSITE(nll_loss, "", CJ_METHOD, "x, target:index, weight?, ignore_index:pos=-100, " HOW_REDUCED,
              "R(3,4), INT(4,3) | R(3,4), INT(4,3), P(4), nil, \"sum\" | R(2,3,5), INT(3,2,5), P(3) | R(4), INT(4), "
              "nil, 2, \"none\"",
              "mean of -x at the class of each sample, x being log-probabilities with the classes in the second dim");
CJR_COMPOSITE(
    cross_entropy, "", CJ_METHOD,
    "x, target:index, weight?, ignore_index:pos=-100, " HOW_REDUCED ", label_smoothing:num=0",
    "R(3,4), INT(4,3) | R(3,4), INT(4,3), P(4), nil, \"sum\" | R(2,3,5), INT(3,2,5), P(3), nil, \"mean\", 0.1 | "
    "R(3,4), P(3,4), P(4), nil, \"mean\", 0.2 | R(4), INT(4), nil, 2, \"none\"",
    "nll_loss of log_softmax(x); target: classes, or probabilities of the classes");
CJR_COMPOSITE(kl_div, "", CJ_METHOD, "x, target, reduction:str=\"batchmean\", log_target:bool=false",
              "R(2,3), P(2,3) | R(2,3), P(2,3), \"none\" | R(4), R(4), \"sum\", true | R(2,3), P(3), \"mean\"",
              "sum of target (log target - x) over the number of samples, x being log-probabilities");
CJR_COMPOSITE(
    binary_cross_entropy, "", CJ_METHOD, "x, target, weight?, " HOW_REDUCED,
    "U(5):abs(), U(5):abs() | U(2,3):abs(), U(2,3):abs(), P(3), \"sum\" | U(4):abs(), U(4):abs(), nil, \"none\"",
    "mean of -target log(x) - (1 - target) log(1 - x)");
CJR_COMPOSITE(bce_with_logits, "", CJ_METHOD, "x, target, weight?, pos_weight?, " HOW_REDUCED,
              "R(5), P(5) | R(2,3), P(2,3), P(3), P(3), \"sum\" | R(4), P(4), nil, P(), \"none\"",
              "binary_cross_entropy of sigmoid(x), exact for large x too");
CJR_COMPOSITE(cosine_similarity, "", CJ_METHOD, "a, b, dim:axis=1, eps:num=1e-8",
              "R(2,3), R(2,3) | R(2,3), R(2,3), 1 | R(2,3), R(3), -1 | R(4), R(4), 1",
              "inner product along dim of the vectors of length 1 in the directions of a and b");
