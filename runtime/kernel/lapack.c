/*
** lapack.c -- the only file that names LAPACK symbols, through the Fortran interface: LAPACKE allocates and
** prints.  Memory is row-major, so LAPACK sees transposed matrices and the calls are those for the
** transpose.  Callers have checked that everything is finite.
*/
#include "kernel/lapack.h"

#include <math.h>
#include <string.h>

/* Reference LAPACK's own version stops the process on a bad argument, with exit status 0.  Sizes are
** checked before every call, so this is never reached; were it, the call would just do nothing.  It is
** visible so that it takes the place of the library's in programs; the shared objects keep it to themselves. */
__attribute__((visibility("default"))) void xerbla_(const char *name, const int *info, size_t length);
void xerbla_(const char *name, const int *info, size_t length) {
  (void)name;
  (void)info;
  (void)length;
}

static bool fits_lapack(int64_t n) { return n <= INT32_MAX / 128; }

#define T double
#define NAME(f) cjk_##f##_f64
#define STATIC(f) f##_f64
#define LAPACK(f) d##f##_
#define ABS fabs
#define ROOT sqrt
#include "kernel/lapack_body.h"
#undef T
#undef NAME
#undef STATIC
#undef LAPACK
#undef ABS
#undef ROOT

#define T float
#define NAME(f) cjk_##f##_f32
#define STATIC(f) f##_f32
#define LAPACK(f) s##f##_
#define ABS fabsf
#define ROOT sqrtf
#include "kernel/lapack_body.h"
#undef T
#undef NAME
#undef STATIC
#undef LAPACK
#undef ABS
#undef ROOT
