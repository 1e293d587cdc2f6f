/* composite_product.c -- products of vectors and matrices by their older names. */
#include "rules/compose.h"

/* --- mm, bmm, addmm ------------------------------------------------------------------ */

/* Two operands from i on, called a and b, each of that rank, whose product exists. */
static bool matrix_factors(const cj_call *k, int i, int rank, cj_ref *v) {
  cj_type a = cjr_in(k, i), b = cjr_in(k, i + 1);
  if (!cjr_wantrank(k, &a, "a", rank) || !cjr_wantrank(k, &b, "b", rank)) return false;
  if (cjt_at(&a, 1) != cjt_at(&b, 2) || cjt_at(&a, 3) != cjt_at(&b, 3))
    return cjr_bad(k, CJ_ESHAPE, "a of shape %s and b of shape %s have no product", cjr_show(&a).s, cjr_show(&b).s);
  return cjr_numbers(k, i, 2, v);
}

static CJR_FACE(build_mm) {
  cj_ref v[2];
  return matrix_factors(k, 0, 2, v) && cjr_one(cjb_matmul(k->g, v[0], v[1]), out, nout);
}

static CJR_FACE(build_bmm) {
  cj_ref v[2];
  return matrix_factors(k, 0, 3, v) && cjr_one(cjb_matmul(k->g, v[0], v[1]), out, nout);
}

static CJR_FACE(build_addmm) {
  cj_ref v[3];
  double beta = cjr_num(k, 0, 1), alpha = cjr_num(k, 1, 1);
  if (!matrix_factors(k, 1, 2, v) || !cjr_numbers(k, 0, 3, v)) return false;
  cj_type c = cjr_in(k, 0), both;
  cj_ref y = cjb_matmul(k->g, v[1], v[2]);
  cj_type t = cjb_type(k->g, y);
  if (!y) return false;
  if (!cjt_broadcast(&t, &c, &both) || !cjt_sameshape(&t, &both))
    return cjr_bad(k, CJ_ESHAPE, "c has shape %s, which does not broadcast to %s", cjr_show(&c).s, cjr_show(&t).s);
  y = cjr_scale(k->g, y, alpha);
  if (beta == 0) return cjr_one(y, out, nout); /* c is not read, so NaN in it does not count */
  cj_ref bias = cjr_scale(k->g, v[0], beta);
  int dtype = cjt_promote(cjb_type(k->g, y).dtype, cjb_type(k->g, bias).dtype);
  return cjr_one(cjb_add(k->g, cjb_cast(k->g, bias, dtype), cjb_cast(k->g, y, dtype)), out, nout);
}

/* --- vectors ----------------------------------------------------------------------------- */

static bool vector_factors(const cj_call *k, cj_ref *v) {
  cj_type a = cjr_in(k, 0), b = cjr_in(k, 1);
  return cjr_wantrank(k, &a, "a", 1) && cjr_wantrank(k, &b, "b", 1) && cjr_numbers(k, 0, 2, v);
}

static CJR_FACE(build_dot) {
  cj_ref v[2];
  if (!vector_factors(k, v)) return false;
  int64_t n = cjr_in(k, 0).dim[0], m = cjr_in(k, 1).dim[0];
  if (n != m) return cjr_bad(k, CJ_ESHAPE, "a has %lld elements and b has %lld", (long long)n, (long long)m);
  return cjr_one(cjb_sum(k->g, cjb_mul(k->g, v[0], v[1]), 1), out, nout);
}

static CJR_FACE(build_outer) {
  cj_ref v[2];
  return vector_factors(k, v) && cjr_one(cjb_mul(k->g, cjr_column(k->g, v[0]), v[1]), out, nout);
}

/* The elements 2, 3, 1 and 3, 1, 2 of x along axis. */
static void ring_shifts(cj_graph *g, cj_ref x, int axis, cj_ref *once, cj_ref *twice) {
  cj_ref ring = cjb_cat(g, (cj_ref[]){x, cjb_slice(g, x, axis, 0, 1, 2)}, 2, axis);
  *once = cjb_slice(g, ring, axis, 1, 1, 3);
  *twice = cjb_slice(g, ring, axis, 2, 1, 3);
}

cj_ref cjr_cross(cj_graph *g, cj_ref a, cj_ref b, int axis) {
  cj_ref a1, a2, b1, b2;
  ring_shifts(g, a, axis, &a1, &a2);
  ring_shifts(g, b, axis, &b1, &b2);
  return cjb_sub(g, cjb_mul(g, a1, b2), cjb_mul(g, a2, b1));
}

static CJR_FACE(build_cross) {
  cj_ref v[2];
  cj_type a = cjr_in(k, 0), b = cjr_in(k, 1), both;
  if (!cjt_broadcast(&a, &b, &both))
    return cjr_bad(k, CJ_ESHAPE, "a of shape %s and b of shape %s do not broadcast", cjr_show(&a).s, cjr_show(&b).s);
  int axis = cjr_axis(k, 0, &both, -1);
  if (!axis) return false;
  if (cjt_at(&a, axis) != 3 || cjt_at(&b, axis) != 3)
    return cjr_bad(k, CJ_ESHAPE, "a of shape %s and b of shape %s, wanted size 3 along dim", cjr_show(&a).s,
                   cjr_show(&b).s);
  return cjr_numbers(k, 0, 2, v) && cjr_one(cjr_cross(k->g, v[0], v[1], axis), out, nout);
}

CJR_COMPOSITE(mm, "", CJ_METHOD, "a, b", "R(2,3), R(3,4) | R(1,3), R(3,1) | R(2,0), R(0,3)", "product of two matrices");
CJR_COMPOSITE(bmm, "", CJ_METHOD, "a, b", "R(5,2,3), R(5,3,4) | R(1,2,2), R(1,2,1)",
              "products of two batches of matrices");
CJR_COMPOSITE(addmm, "", CJ_METHOD, "c, a, b, beta:num=1, alpha:num=1",
              "R(2,4), R(2,3), R(3,4) | R(4), R(2,3), R(3,4), 0.5, 2 | R(), R(2,3), R(3,4)",
              "beta c + alpha times the matrix product of a and b");
CJR_COMPOSITE(dot, "", CJ_METHOD, "a, b", "R(3), R(3) | R(1), R(1) | R(0), R(0)", "inner product of two vectors");
CJR_COMPOSITE(outer, "", CJ_METHOD, "a, b", "R(2), R(3) | R(1), R(4)", "matrix of all products of two vectors");
CJR_COMPOSITE(cross, ",linalg", CJ_METHOD, "a, b, dim:axis=-1",
              "R(3), R(3) | R(2,3), R(2,3) | R(3,2), R(3,2), 1 | R(2,3), R(3)", "vector product along a dim of size 3");
