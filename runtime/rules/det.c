/*
** det.c -- determinants, read off an LU factorisation that the program computed before.  Both rows take the
** matrix itself too, for their derivatives; the kernels do not look at it.
*/
#include "rules/rules.h"

#include <math.h>
#include <string.h>

/* --- kernels --------------------------------------------------------------------------- */

static double get_element(const cj_view *v, int64_t at) {
  float f;
  if (v->type->dtype == CJ_F64) return ((const double *)(const void *)v->data)[at];
  memcpy(&f, v->data + at * (int64_t)sizeof f, sizeof f);
  return (double)f;
}

static void set_element(cj_view *v, int64_t at, double y) {
  if (v->type->dtype == CJ_F64)
    ((double *)(void *)v->data)[at] = y;
  else
    ((float *)(void *)v->data)[at] = (float)y;
}

static double diagonal_product(const cj_view *lu, int64_t at, int64_t n, int64_t down, int64_t right) {
  double y = 1;
  for (int64_t i = 0; i < n; i++) {
    bool turned = get_element(lu, at + i * down + n * right) != (double)i;
    y *= get_element(lu, at + i * (down + right));
    if (turned) y = -y;
  }
  return y;
}

static double diagonal_log(const cj_view *lu, int64_t at, int64_t n, int64_t down, int64_t right) {
  double y = 0;
  for (int64_t i = 0; i < n; i++) y += log(fabs(get_element(lu, at + i * (down + right))));
  return y;
}

/* Moves to the next matrix of out, in row-major order, and gives the offset of the factorisation there. */
static int64_t next_matrix(const cj_view *lu, const cj_type *out, int64_t *index) {
  int lead = lu->type->rank - 2, e = out->rank;
  int64_t at = 0;
  while (e-- > 0 && ++index[e] == out->dim[e]) index[e] = 0;
  for (int d = 1; d <= lead; d++)
    if (lu->type->dim[lead - d] > 1) at += lu->stride[lead - d] * index[out->rank - d];
  return at;
}

typedef double (*of_factor)(const cj_view *lu, int64_t at, int64_t n, int64_t down, int64_t right);

static cj_status each_matrix(const cj_view *lu, cj_view *out, of_factor f) {
  int rank = lu->type->rank;
  int64_t index[CJ_MAXRANK] = {0}, n = lu->type->dim[rank - 2], count = cjt_count(out->type), at = 0;
  for (int64_t i = 0; i < count; i++) {
    set_element(out, i, f(lu, at, n, lu->stride[rank - 2], lu->stride[rank - 1]));
    at = next_matrix(lu, out->type, index);
  }
  return CJ_OK;
}

static cj_status eval_det(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(a), CJ_UNUSED(ws);
  return each_matrix(&in[1], out, diagonal_product);
}

static cj_status eval_logabsdet(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  CJ_UNUSED(nin), CJ_UNUSED(a), CJ_UNUSED(ws);
  return each_matrix(&in[1], out, diagonal_log);
}

static const cj_eval evals_det[CJ_NDTYPE] = {[CJ_F64] = eval_det, [CJ_F32] = eval_det};
static const cj_eval evals_logabsdet[CJ_NDTYPE] = {[CJ_F64] = eval_logabsdet, [CJ_F32] = eval_logabsdet};

/* --- rows --------------------------------------------------------------------------------- */

static CJR_INFER(infer_det) { /* a, lu */
  cj_type lead = *in[0], factor = *in[1];
  bool good = in[0]->rank >= 2 && in[1]->rank >= 2 && cjt_isfloat(in[0]->dtype) && in[0]->dtype == in[1]->dtype;
  good = good && cjt_at(in[0], 1) == cjt_at(in[0], 2) && cjt_at(in[0], 1) == cjt_at(in[1], 2);
  good = good && cjt_at(in[1], 1) == cjt_at(in[1], 2) + 1;
  lead.rank = (uint8_t)(lead.rank - 2);
  factor.rank = (uint8_t)(factor.rank - 2);
  if (good && cjt_broadcast(&lead, &factor, out)) {
    for (int e = out->rank; e < CJ_MAXRANK; e++) out->dim[e] = 0;
    return true;
  }
  cjm_fail(c, CJ_ESHAPE, "%s: %s is no factorisation of a matrix %s", self->name, cjr_show(in[1]).s, cjr_show(in[0]).s);
  return false;
}

/* d det = <cofactors, dA>, for singular A too. */
static CJR_JVP(jvp_det) { return cjb_sum(g, cjb_mul(g, cjb_cofactor(g, in[0]), t[0]), 3); }

/* d log|det A| = tr(A^-1 dA) */
static CJR_JVP(jvp_logabsdet) {
  if (!t[0]) return 0;
  return cjb_sum(g, cjb_diagonal(g, cjb_lusolve(g, in[0], in[1], t[0], false), 0), 1);
}

const cj_op cjo_detprim = {.name = "detprim",
                           .sig = "a, lu",
                           .doc = "determinant of a, lu being its factorisation",
                           .kind = CJ_DENSE,
                           .nin = 2,
                           .core = 2,
                           .aux = 2,
                           .infer = infer_det,
                           .eval = evals_det,
                           .jvp = jvp_det};

const cj_op cjo_logabsdet = {.name = "logabsdet",
                             .sig = "a, lu",
                             .doc =
                                 "logarithm of the absolute value of the determinant of a, lu being its factorisation",
                             .kind = CJ_DENSE,
                             .nin = 2,
                             .core = 2,
                             .aux = 2,
                             .fault = "the matrix is singular",
                             .infer = infer_det,
                             .eval = evals_logabsdet,
                             .jvp = jvp_logabsdet};
