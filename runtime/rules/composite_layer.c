/* composite_layer.c -- layers of networks that are neither products nor convolutions. */
#include "rules/compose.h"

/* --- layer_norm -------------------------------------------------------------------------- */

/* How many last dims are normalised: those of shape, or of weight or bias, else one. */
static bool normalised(const cj_call *k, const cj_type *x, uint32_t *mask) {
  cj_type want = {0, 0, {0}};
  int given = cjr_given(k, 1) ? k->p[1].n : 0;
  if (given > 0 && given <= CJ_MAXRANK) {
    want.rank = (uint8_t)given;
    for (int e = 0; e < given; e++) want.dim[e] = k->p[1].v[e];
  } else if (cjr_operand(k, 1) || cjr_operand(k, 2)) {
    want = cjr_in(k, cjr_operand(k, 1) ? 1 : 2);
  } else {
    want = cjr_flat(0, x->rank ? cjt_at(x, 1) : 1, -1);
  }
  bool good = want.rank >= 1 && want.rank <= x->rank;
  for (int a = 1; good && a <= want.rank; a++) good = cjt_at(&want, a) == cjt_at(x, a);
  for (int i = 1; good && i <= 2; i++) {
    cj_type t = cjr_in(k, i);
    good = !cjr_operand(k, i) || cjt_sameshape(&t, &want);
  }
  *mask = (1u << want.rank) - 1;
  return good || cjr_bad(k, CJ_ESHAPE, "x of shape %s does not end in %s, which is to be normalised", cjr_show(x).s,
                         cjr_show(&want).s);
}

static CJR_FACE(build_layer_norm) {
  cj_graph *g = k->g;
  cj_ref v[3];
  uint32_t mask;
  cj_type x = cjr_in(k, 0);
  if (!normalised(k, &x, &mask) || !cjr_floats(k, 0, 3, v)) return false;
  x = cjb_type(g, v[0]);
  cj_ref n = cjb_like(g, v[0], (double)cjr_span(&x, mask));
  cj_ref mean = cjb_div(g, cjb_sum(g, v[0], mask), n), d = cjb_sub(g, v[0], cjb_keep(g, mean, &x, mask));
  cj_ref spread = cjb_keep(g, cjb_div(g, cjb_sum(g, cjb_square(g, d), mask), n), &x, mask);
  cj_ref y = cjb_mul(g, d, cjb_rsqrt(g, cjb_add(g, spread, cjb_like(g, d, cjr_num(k, 0, 1e-5)))));
  if (v[1]) y = cjb_mul(g, y, v[1]);
  if (v[2]) y = cjb_add(g, y, v[2]);
  return cjr_one(y, out, nout);
}

/* --- glu, embedding --------------------------------------------------------------------------- */

static CJR_FACE(build_glu) {
  cj_type t = cjr_in(k, 0);
  int axis = cjr_minrank(k, 0, 1) ? cjr_axis(k, 0, &t, -1) : 0;
  if (!axis) return false;
  int64_t n = cjt_at(&t, axis);
  if (n % 2) return cjr_bad(k, CJ_ESHAPE, "dim %d of shape %s has not an even size", t.rank - axis + 1, cjr_show(&t).s);
  cj_ref x = cjr_float(k, 0), gate = cjb_slice(k->g, x, axis, n / 2, 1, n / 2);
  return cjr_one(cjb_mul(k->g, cjb_slice(k->g, x, axis, 0, 1, n / 2), cjb_sigmoid(k->g, gate)), out, nout);
}

/* The row of padding_idx is a constant. */
static cj_ref without_padding(const cj_call *k, cj_ref w, const cj_type *t) {
  cj_graph *g = k->g;
  int64_t i;
  if (!cjr_given(k, 0) || !cjr_position(k, cjr_int(k, 0, 0), t->dim[0], &i)) return cjg_ok(g) ? w : 0;
  cj_ref here = cjr_column(g, cjb_eq(g, cjb_iota(g, CJ_I64, t->dim[0]), cjg_int(g, i)));
  return cjb_where(g, here, cjb_stop(g, w), w);
}

static CJR_FACE(build_embedding) {
  cj_graph *g = k->g;
  cj_type t = cjr_in(k, 0), index = cjr_in(k, 1);
  if (!cjr_wantrank(k, &t, "weight", 2) || !cjr_isindex(k, 1, "index")) return false;
  if (index.rank + 1 > CJ_MAXRANK)
    return cjr_bad(k, CJ_ELIMIT, "the result would have more than %d dimensions", CJ_MAXRANK);
  cj_type column = cjr_flat(CJ_I64, cjt_count(&index), 1), y = index;
  cj_ref w = without_padding(k, k->in[0], &t);
  if (!w) return false;
  y.dim[y.rank++] = t.dim[1];
  cj_ref rows = cjb_gather(g, w, cjb_reshape(g, k->in[1], &column), 2);
  return cjr_one(cjb_reshape(g, rows, &y), out, nout);
}

CJR_COMPOSITE(layer_norm, "", CJ_METHOD, "x, weight?, bias?, eps:num=1e-5, shape:ints?",
              "R(2,3) | R(2,3), R(3), R(3) | R(2,3,4), R(3,4), R(3,4), 0.1 | R(2,3,2), nil, nil, 1e-5, {3,2}",
              "x less its mean, divided by its spread, over the last dims (those of weight, or of that shape, or one), "
              "times weight plus bias");
CJR_COMPOSITE(glu, "", CJ_METHOD, "x, dim:axis=-1", "R(4) | R(2,6) | R(4,3), 1",
              "first half of x along dim times sigmoid of the second half");
CJR_COMPOSITE(embedding, "", CJ_METHOD, "weight, index:index, padding_idx:pos?",
              "R(4,3), INT(4,5) | R(4,2), INT(4,2,3) | R(4,2), INT(4)",
              "rows of weight by their number; the row padding_idx gets no derivative");
