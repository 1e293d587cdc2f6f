/*
** fft.c -- discrete Fourier transforms of the last axis, for every length: cdft, rdft, hdft.  Complex numbers are
** two lines, real parts above imaginary ones.  Lengths whose prime factors are small go through Stockham's
** self-sorting algorithm (C. Van Loan, "Computational frameworks for the fast Fourier transform", 1992, section
** 1.7); others become a convolution of a power of two (L. Bluestein, "A linear filtering approach to the
** computation of the discrete Fourier transform", 1970).  Real data of even length are transformed as half as
** many complex numbers (Van Loan, section 4.3).
*/
#include "kernel/kernels.h"
#include "kernel/stack.h"

#include <math.h>
#include <string.h>

enum { LARGEST = 31, MAXFACTORS = 64 }; /* largest prime that is a stage of its own */

typedef struct fft_shape { /* how a complex transform of n is done */
  int64_t n, m;            /* m: n, or the power of two of the convolution */
  int nfactor;
  uint8_t factor[MAXFACTORS]; /* of m */
} fft_shape;

/* Fours first; false: a prime factor is too large. */
static bool factor_length(fft_shape *f, int64_t n) {
  f->m = n;
  f->nfactor = 0;
  for (; n % 4 == 0 && n > 0; n /= 4) f->factor[f->nfactor++] = 4;
  for (int p = 2; p <= LARGEST && n > 1; p++)
    for (; n % p == 0; n /= p) f->factor[f->nfactor++] = (uint8_t)p;
  return n == 1;
}

static fft_shape fft_shape_of(int64_t n) {
  fft_shape f = {.n = n};
  int64_t m = 1;
  if (n == 0 || factor_length(&f, n)) return f;
  while (m < 2 * n - 1) m *= 2;
  (void)factor_length(&f, m);
  return f;
}

/* Of a real transform: half as many complex numbers. */
static bool fft_halves(int64_t n) { return n >= 2 && n % 2 == 0; }

/* Elements of workspace: a table for the length and for m, four lines, and for a convolution its own. */
static int64_t fft_room(int64_t n) {
  fft_shape f = fft_shape_of(n);
  return 2 * n + 4 * f.m + (f.m == n ? 0 : 4 * f.m + 2 * n) + 64;
}

#define T double
#define NAME(f) fft_##f##_f64
#include "kernel/fft_body.h"
#undef T
#undef NAME

#define T float
#define NAME(f) fft_##f##_f32
#include "kernel/fft_body.h"
#undef T
#undef NAME

const cj_eval cjk_cdft[CJ_NDTYPE] = {[CJ_F64] = fft_cdft_f64, [CJ_F32] = fft_cdft_f32};
const cj_eval cjk_rdft[CJ_NDTYPE] = {[CJ_F64] = fft_rdft_f64, [CJ_F32] = fft_rdft_f32};
const cj_eval cjk_hdft[CJ_NDTYPE] = {[CJ_F64] = fft_hdft_f64, [CJ_F32] = fft_hdft_f32};

/* The lines, the table of the length itself, and what the complex transform needs. */
static size_t fft_bytes(int64_t n) {
  int64_t h = fft_halves(n) ? n / 2 : n, most = fft_room(n) > fft_room(h) ? fft_room(n) : fft_room(h);
  return (size_t)(4 * n + most) * 8;
}

size_t cjk_cdft_work(const cj_type *const *in, int nin, const cj_attr *a) {
  (void)nin, (void)a;
  return fft_bytes(in[0]->dim[in[0]->rank - 1]);
}
size_t cjk_rdft_work(const cj_type *const *in, int nin, const cj_attr *a) { return cjk_cdft_work(in, nin, a); }
size_t cjk_hdft_work(const cj_type *const *in, int nin, const cj_attr *a) {
  (void)in, (void)nin;
  return fft_bytes(a->v[0]);
}
