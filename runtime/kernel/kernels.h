/*
** kernels.h -- what the kernel floor offers.  NAME[dtype] is the eval of row NAME by the dtype of its
** operand 0 (of its result, for sources); NULL where the row has none.
*/
#ifndef cj_kernel_kernels_h
#define cj_kernel_kernels_h

#include "kernel/view.h"

#include <float.h>

/* Instruction sets for which the loops are compiled, worst first. */
enum { CJ_ISA_BASE, CJ_ISA_AVX2, CJ_ISA_AVX512, CJ_NISA };
int cjk_isa(void); /* the best that this CPU and this build have; environment CJAC_ISA=base|avx2|avx512 lowers it */

/* The inner loop of elementwise row ew (CJ_EW_name) for operands of that dtype (where: the dtype of
** operand 2); NULL: the row does not compute in it. */
cj_loop cjk_loop(int isa, int ew, int dtype);
/* The same for single elements here and there; NULL: they must be gathered. */
cj_picked cjk_picked(int isa, int ew, int dtype);

/* Strided copy of equal shapes, any dtype of equal size; broadcasting by stride 0. */
void cjk_copy_view(const cj_view *in, cj_view *out);
/* n elements of esize bytes from src (stride in elements) to contiguous dst, and back. */
void cjk_load(void *dst, const void *src, int64_t stride, int64_t n, size_t esize);
void cjk_store(void *dst, int64_t stride, const void *src, int64_t n, size_t esize);
/* n elements into contiguous dst, element i from src + index[i] * stride elements. */
void cjk_pick(void *dst, const void *src, int64_t stride, const int64_t *index, int64_t n, size_t esize);
/* n rows of k (2 .. CJK_WEAVE) elements of 8 bytes; element i of row r is src[i][r].  far: rows of an
** array that is larger than the caches, which they would only fill: what they hold need not be read first. */
enum { CJK_WEAVE = 64 };
void cjk_weave(void *dst, const char *const *src, int k, int64_t n, bool far);
/* Copies src over the region of dst whose axis (from the front) indices are first + k step. */
void cjk_putregion(cj_view *dst, int axis, int64_t first, int64_t step, const cj_view *src);

/* clang-format off */
#define CJK_EVALS(X) \
  X(iota) X(eye) X(copy) X(cast) X(embed) X(diag_embed) X(fold) X(put) X(cat) X(pack) X(check) X(gather) X(scatter) X(scatter_add) \
  X(sum) X(prod) X(amax) X(amin) X(any) X(all) X(argmax) X(argmin) X(argsort) X(searchsorted) X(cumsum) X(cumprod) \
  X(logcumsumexp) X(argcummax) X(argcummin) X(linrec) X(matmul) X(lu) X(lusolve) X(cholesky) X(trisolve) X(qrpack) \
  X(eighpack) X(cofactor) X(svdpack) X(pinv) X(eigpack) X(cofactor2) X(expm) X(lurect) X(exchanges) X(cdft) X(rdft) \
  X(hdft)
/* clang-format on */
#define X(name) extern const cj_eval cjk_##name[CJ_NDTYPE];
CJK_EVALS(X)
#undef X
/* clang-format off */
#define CJK_WORKS(X) \
  X(sum) X(prod) X(amax) X(amin) X(any) X(all) X(argmax) X(argmin) X(argsort) X(matmul) X(lu) X(lusolve) X(cholesky) \
  X(trisolve) X(qrpack) X(eighpack) X(cofactor) X(svdpack) X(pinv) X(eigpack) X(cofactor2) X(expm) X(cdft) X(rdft) X(hdft)
/* clang-format on */
#define X(name) size_t cjk_##name##_work(const cj_type *const *in, int nin, const cj_attr *a);
CJK_WORKS(X)
#undef X

/* What check asks of a number: that it is positive and finite, or that it is not zero. */
static inline bool cjk_passes(double v, bool positive) { return positive ? v > 0 && v <= DBL_MAX : v != 0; }

/* One BLAS thread: their number changes the bits of a product. */
void cjk_blas_threads(void);

/* Philox 4x32-10, counter (offset + i), key seed. */
void cjk_uniform(uint64_t seed, uint64_t offset, int64_t n, double *out); /* [0, 1), 53 bits, one counter each */
void cjk_normal(uint64_t seed, uint64_t offset, int64_t n, double *out);  /* Box-Muller, one counter each */
void cjk_integers(uint64_t seed, uint64_t offset, int64_t lo, int64_t hi, int64_t n,
                  int64_t *out); /* unbiased enough: 64-bit multiply-shift */
#endif
