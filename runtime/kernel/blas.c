/*
** blas.c -- the only file that names BLAS symbols.  Row-major matrices are handed over as the transposed
** column-major ones.  Below SMALL multiply-adds, FEWROWS with a vector, plain loops win over the call.
*/
#include "kernel/blas.h"
#include "kernel/kernels.h"
#include "kernel/tools.h"

#include <string.h>

enum { SMALL = 512, FEWROWS = 640 };

extern void openblas_set_num_threads(int n) __attribute__((weak));

/* The number of threads changes the bits of a product: one, always. */
void cjk_blas_threads(void) {
  if (openblas_set_num_threads) openblas_set_num_threads(1);
}

static bool fits_int(int64_t n) { return n <= INT32_MAX; }

#define T double
#define NAME(f) cjk_##f##_f64
#define STATIC(f) f##_f64
#define BLAS(f) d##f##_
#include "kernel/blas_body.h"
#undef T
#undef NAME
#undef STATIC
#undef BLAS

#define T float
#define NAME(f) cjk_##f##_f32
#define STATIC(f) f##_f32
#define BLAS(f) s##f##_
#include "kernel/blas_body.h"
#undef T
#undef NAME
#undef STATIC
#undef BLAS
