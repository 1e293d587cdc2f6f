/*
** spectral.c -- evals of svdpack, pinv, eigpack and cofactor2: stacks of matrices through LAPACK's singular
** values and eigenvalues.  A NaN or an infinity is EDOMAIN: LAPACK does not say what it does with one.
*/
#include "kernel/kernels.h"
#include "kernel/lapack.h"
#include "kernel/stack.h"

#include <math.h>
#include <string.h>

#define T double
#define NAME(f) spectral_##f##_f64
#define CALL(f) cjk_##f##_f64
#include "kernel/spectral_body.h"
#undef T
#undef NAME
#undef CALL

#define T float
#define NAME(f) spectral_##f##_f32
#define CALL(f) cjk_##f##_f32
#include "kernel/spectral_body.h"
#undef T
#undef NAME
#undef CALL

#define EVALS(name)                                                                                                    \
  const cj_eval cjk_##name[CJ_NDTYPE] = {[CJ_F64] = spectral_##name##_f64, [CJ_F32] = spectral_##name##_f32};
EVALS(svdpack)
EVALS(pinv)
EVALS(eigpack)
EVALS(cofactor2)

/* Workspaces in bytes; float32 takes half of it. */
#define SPECTRAL_WORK(name) size_t cjk_##name##_work(const cj_type *const *in, int nin, const cj_attr *a)
static int64_t matrix_rows(const cj_type *t) { return t->dim[t->rank - 2]; }
static int64_t matrix_cols(const cj_type *t) { return t->dim[t->rank - 1]; }

SPECTRAL_WORK(svdpack) {
  (void)nin, (void)a;
  int64_t m = matrix_rows(in[0]), n = matrix_cols(in[0]);
  return (size_t)(m * n + n * n + cjk_svd_work(m, n)) * 8;
}
SPECTRAL_WORK(pinv) {
  (void)nin, (void)a;
  int64_t m = matrix_rows(in[0]), n = matrix_cols(in[0]), r = m < n ? m : n;
  return (size_t)(m * n + (m + n + 1) * r + m * r + r * n + cjk_svd_work(m, n)) * 8;
}
SPECTRAL_WORK(eigpack) {
  (void)nin, (void)a;
  int64_t n = matrix_cols(in[0]);
  return (size_t)(2 * n * n + cjk_eig_work(n)) * 8;
}
SPECTRAL_WORK(cofactor2) {
  (void)nin, (void)a;
  int64_t n = matrix_cols(in[0]);
  return (size_t)(9 * n * n + n + cjk_svd_work(n, n)) * 8;
}
