/*
** blas.h -- products and triangular solves of dense matrices, per float type.  blas.c alone names BLAS
** symbols.  Strides are in elements; a matrix is rows x cols with a row stride and a column stride.
*/
#ifndef cj_kernel_blas_h
#define cj_kernel_blas_h

#include "kernel/view.h"

/* c (row-major m x n) = a (m x k) b (k x n).  ws: room for m k + k n elements, used when the strides suit no
** BLAS call. */
void cjk_gemm_f64(int64_t m, int64_t n, int64_t k, const double *a, int64_t ar, int64_t ac, const double *b, int64_t br,
                  int64_t bc, double *c, double *ws);
void cjk_gemm_f32(int64_t m, int64_t n, int64_t k, const float *a, int64_t ar, int64_t ac, const float *b, int64_t br,
                  int64_t bc, float *c, float *ws);

/* b (row-major n x k) becomes x with op(a) x = b; a: row-major triangle with that row stride. */
typedef struct cjk_tri {
  bool upper, trans, unit;
} cjk_tri;
void cjk_trsm_f64(cjk_tri t, int64_t n, int64_t k, const double *a, int64_t ar, double *b);
void cjk_trsm_f32(cjk_tri t, int64_t n, int64_t k, const float *a, int64_t ar, float *b);
#endif
