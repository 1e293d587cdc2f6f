/*
** cofactor.c -- the matrix of cofactors, det(A) A^-T where A has an inverse, and as accurate where it has
** none: G. W. Stewart, "On the adjugate matrix" (Linear Algebra and its Applications 283, 1998).  LU with
** complete pivoting leaves all that is ill-conditioned in a diagonal factor, whose cofactors are
** products.  A NaN or an infinity makes all of them NaN.
*/
#include "kernel/blas.h"
#include "kernel/walk.h"

#include <math.h>
#include <string.h>

static void exchange_index(int64_t *x, int64_t i, int64_t j) {
  int64_t keep = x[i];
  x[i] = x[j];
  x[j] = keep;
}

#define T double
#define NAME(f) cofactor_##f##_f64
#define ABS fabs
#define GEMM cjk_gemm_f64
#include "kernel/cofactor.h"
#undef T
#undef NAME
#undef ABS
#undef GEMM

#define T float
#define NAME(f) cofactor_##f##_f32
#define ABS fabsf
#define GEMM cjk_gemm_f32
#include "kernel/cofactor.h"
#undef T
#undef NAME
#undef ABS
#undef GEMM

const cj_eval cjk_cofactor[CJ_NDTYPE] = {[CJ_F64] = cofactor_eval_f64, [CJ_F32] = cofactor_eval_f32};

size_t cjk_cofactor_work(const cj_type *const *in, int nin, const cj_attr *a) {
  (void)nin, (void)a;
  size_t n = (size_t)cjt_at(in[0], 1);
  return n <= 3 ? 0 : (5 * n * n + 3 * n) * 8; /* three matrices and the diagonal, two for the product, exchanges */
}
