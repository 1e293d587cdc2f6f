/*
** composite_conv.c -- convolutions (cross-correlations, as everywhere in this trade).  Windows are views; laid
** out as the columns of a matrix they make a convolution one matrix product: K. Chellapilla, S. Puri, P. Simard,
** "High performance convolutional neural networks for document processing", 2006.  Where every channel is
** filtered on its own a product would be mostly copying: there the taps of the filter are added up.
*/
#include "rules/compose.h"

enum { MAXDIMS = 2 };

typedef struct conv {
  const cj_call *k;
  cj_graph *g;
  int nd; /* spatial dims */
  cj_ref x, w, b;
  int64_t batch, channels, groups, filters, per; /* per: channels that a filter sees */
  int64_t size[MAXDIMS], tap[MAXDIMS], stride[MAXDIMS], pad[MAXDIMS], dilation[MAXDIMS], result[MAXDIMS];
} conv;

/* --- arguments -------------------------------------------------------------------------------- */

/* Parameter j: one number, or one for each spatial dim. */
static bool spatial(const conv *c, int j, const char *name, int64_t least, int64_t *v) {
  int n = cjr_given(c->k, j) ? c->k->p[j].n : 0;
  if (n != 1 && n != c->nd) return cjr_bad(c->k, CJ_EARG, "%s has %d numbers, wanted 1 or %d", name, n, c->nd);
  for (int d = 0; d < c->nd; d++) {
    v[d] = c->k->p[j].v[n == 1 ? 0 : d];
    if (v[d] < least || v[d] > INT32_MAX)
      return cjr_bad(c->k, CJ_EARG, "%s is %lld, wanted at least %lld", name, (long long)v[d], (long long)least);
  }
  return true;
}

static bool read_shapes(conv *c) {
  cj_type x = cjr_in(c->k, 0), w = cjr_in(c->k, 1), b = cjr_in(c->k, 2);
  if (x.rank != c->nd + 1 && x.rank != c->nd + 2)
    return cjr_bad(c->k, CJ_ESHAPE, "x has shape %s, wanted %d dimensions, or %d without a batch", cjr_show(&x).s,
                   c->nd + 2, c->nd + 1);
  if (!cjr_wantrank(c->k, &w, "weight", c->nd + 2)) return false;
  c->batch = x.rank == c->nd + 2 ? x.dim[0] : 1;
  c->channels = cjt_at(&x, c->nd + 1);
  c->filters = w.dim[0];
  c->per = w.dim[1];
  if (c->groups < 1 || c->groups > c->channels || c->channels % c->groups || c->filters % c->groups ||
      c->per != c->channels / c->groups)
    return cjr_bad(c->k, CJ_ESHAPE, "weight of shape %s in %lld groups does not go with x of shape %s", cjr_show(&w).s,
                   (long long)c->groups, cjr_show(&x).s);
  if (cjr_operand(c->k, 2) && (b.rank != 1 || b.dim[0] != c->filters))
    return cjr_bad(c->k, CJ_ESHAPE, "bias has shape %s, wanted [%lld]", cjr_show(&b).s, (long long)c->filters);
  for (int d = 0; d < c->nd; d++) {
    c->size[d] = cjt_at(&x, c->nd - d);
    c->tap[d] = w.dim[2 + d];
  }
  return true;
}

static bool read_conv(const cj_call *k, int nd, conv *c) {
  cj_ref v[3];
  *c = (conv){.k = k, .g = k->g, .nd = nd, .groups = cjr_int(k, 3, 1)};
  if (!spatial(c, 0, "stride", 1, c->stride) || !spatial(c, 1, "padding", 0, c->pad) ||
      !spatial(c, 2, "dilation", 1, c->dilation) || !read_shapes(c) || !cjr_floats(k, 0, 3, v))
    return false;
  for (int d = 0; d < nd; d++) {
    if (c->tap[d] > INT32_MAX) return cjr_bad(k, CJ_ELIMIT, "a filter of %lld taps", (long long)c->tap[d]);
    int64_t reach = c->dilation[d] * (c->tap[d] - 1) + 1, full = c->size[d] + 2 * c->pad[d];
    if (c->tap[d] < 1 || reach > full)
      return cjr_bad(k, CJ_ESHAPE, "a filter that reaches over %lld does not fit into %lld elements with padding %lld",
                     (long long)reach, (long long)c->size[d], (long long)c->pad[d]);
    c->result[d] = (full - reach) / c->stride[d] + 1;
  }
  c->x = v[0], c->w = v[1], c->b = v[2];
  return true;
}

/* --- pieces --------------------------------------------------------------------------------------- */

/* lead sizes, then a size for each spatial dim */
static cj_type shape_of(const conv *c, int n, const int64_t *lead, const int64_t *each) {
  cj_type t = {0, (uint8_t)(n + c->nd), {0}};
  for (int e = 0; e < n; e++) t.dim[e] = lead[e];
  for (int d = 0; d < c->nd; d++) t.dim[n + d] = each[d];
  return t;
}

static cj_ref with_border(const conv *c, cj_ref x) {
  for (int d = 0; d < c->nd; d++)
    if (c->pad[d]) x = cjb_embed(c->g, x, c->nd - d, c->pad[d], 1, c->size[d] + 2 * c->pad[d]);
  return x;
}

/* Windows as columns: [batch, channels, result.., tap..] to [batch, groups, per x taps, results]. */
static cj_ref window_columns(const conv *c, cj_ref x) {
  int perm[2 + 2 * MAXDIMS] = {0, 1}, nd = c->nd;
  int64_t taps = 1, results = 1;
  for (int d = 0; d < nd; d++) {
    x = cjb_unfold(c->g, x, nd, c->dilation[d] * (c->tap[d] - 1) + 1, c->stride[d]);
    x = cjb_slice(c->g, x, 1, 0, c->dilation[d], c->tap[d]);
    perm[2 + d] = 2 + nd + d;
    perm[2 + nd + d] = 2 + d;
    taps *= c->tap[d];
    results *= c->result[d];
  }
  cj_type t = {0, 4, {c->batch, c->groups, c->per * taps, results}}, flat = {0, 3, {c->batch, c->per * taps, results}};
  return cjb_reshape(c->g, cjb_permute(c->g, x, 2 + 2 * nd, perm), c->groups == 1 ? &flat : &t);
}

static cj_ref one_product(const conv *c, cj_ref x) {
  int64_t taps = 1;
  for (int d = 0; d < c->nd; d++) taps *= c->tap[d];
  cj_type grouped = {0, 3, {c->groups, c->filters / c->groups, c->per * taps}},
          flat = {0, 2, {c->filters, c->per * taps}};
  cj_ref w = cjb_reshape(c->g, c->w, c->groups == 1 ? &flat : &grouped);
  cj_type t = shape_of(c, 2, (int64_t[]){c->batch, c->filters}, c->result);
  return cjb_reshape(c->g, cjb_matmul(c->g, w, window_columns(c, x)), &t);
}

/* What tap number i (of all) multiplies: x shifted. */
static cj_ref shifted(const conv *c, cj_ref x, int64_t i) {
  for (int d = c->nd - 1; d >= 0; i /= c->tap[d--])
    x = cjb_slice(c->g, x, c->nd - d, i % c->tap[d] * c->dilation[d], c->stride[d], c->result[d]);
  return x;
}

/* One filter or several for each channel: [batch, channels, 1, size..] times [channels, several, 1..] of each tap. */
static cj_ref sum_of_taps(const conv *c, cj_ref x) {
  int64_t taps = 1, ones[MAXDIMS] = {1, 1}, several = c->filters / c->channels, wide[MAXDIMS];
  for (int d = 0; d < c->nd; d++) taps *= c->tap[d], wide[d] = c->size[d] + 2 * c->pad[d];
  cj_type tx = shape_of(c, 3, (int64_t[]){c->batch, c->channels, 1}, wide);
  cj_type tw = shape_of(c, 2, (int64_t[]){c->channels, several}, ones);
  cj_type flat = {0, 3, {c->channels, several, taps}};
  cj_ref y = 0, w = cjb_reshape(c->g, c->w, &flat);
  x = cjb_reshape(c->g, x, &tx);
  for (int64_t i = 0; i < taps && cjg_ok(c->g); i++) {
    cj_ref tap = cjb_reshape(c->g, cjb_slice(c->g, w, 1, i, 1, 1), &tw);
    y = cjb_add(c->g, y, cjb_mul(c->g, shifted(c, x, i), tap));
  }
  cj_type t = shape_of(c, 2, (int64_t[]){c->batch, c->filters}, c->result);
  return cjb_reshape(c->g, y, &t);
}

/* --- the rows ---------------------------------------------------------------------------------------- */

static bool convolve(const cj_call *k, int nd, cj_ref *out, int *nout) {
  conv c;
  int64_t ones[MAXDIMS] = {1, 1}, taps = 1;
  if (!read_conv(k, nd, &c)) return false;
  for (int d = 0; d < nd; d++) taps *= c.tap[d];
  cj_type full = shape_of(&c, 2, (int64_t[]){c.batch, c.channels}, c.size);
  cj_ref x = with_border(&c, cjb_reshape(c.g, c.x, &full));
  cj_ref y = c.per == 1 && c.groups > 1 && taps <= 64 ? sum_of_taps(&c, x) : one_product(&c, x);
  cj_type bias = shape_of(&c, 1, &c.filters, ones);
  if (c.b) y = cjb_add(c.g, y, cjb_reshape(c.g, c.b, &bias));
  if (cjr_in(k, 0).rank == nd + 2) return cjr_one(y, out, nout);
  cj_type single = shape_of(&c, 1, &c.filters, c.result);
  return cjr_one(cjb_reshape(c.g, y, &single), out, nout);
}

static CJR_FACE(build_conv1d) { return convolve(k, 1, out, nout); }

static CJR_FACE(build_conv2d) { return convolve(k, 2, out, nout); }

#define CONV "x, weight, bias?, stride:ints=1, padding:ints=0, dilation:ints=1, groups:int=1"

CJR_COMPOSITE(conv1d, "", CJ_METHOD, CONV,
              "R(2,3,7), R(4,3,3), R(4) | R(3,8), R(2,3,2), nil, 2, 1, 2 | R(1,4,6), R(6,2,3), R(6), 1, 0, 1, 2 | "
              "R(2,3,5), R(6,1,2), R(6), 1, 1, 1, 3",
              "filters over the last dim: x is [batch, channels, n], weight [filters, channels / groups, taps]");
CJR_COMPOSITE(
    conv2d, "", CJ_METHOD, CONV,
    "R(2,3,5,4), R(2,3,3,2), R(2) | R(1,2,5,5), R(3,2,2,2), nil, 2, 1 | R(1,4,4,5), R(2,2,2,2), R(2), {1,2}, 0, 1, 2 | "
    "R(1,2,5,4), R(2,1,3,2), R(2), 1, {1,0}, 1, 2 | R(2,6,6), R(2,2,2,3), nil, 1, 0, 2",
    "filters over the last two dims: x is [batch, channels, h, w], weight [filters, channels / groups, taps, taps]");
