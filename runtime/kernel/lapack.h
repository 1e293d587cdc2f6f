/*
** lapack.h -- factorisations of one matrix, per float type.  lapack.c alone names LAPACK symbols.  All
** matrices are row-major; ws is as large as the _work function beside it says, in elements.
*/
#ifndef cj_kernel_lapack_h
#define cj_kernel_lapack_h

#include "kernel/blas.h"

enum { CJK_PLAIN = 48 }; /* up to this order plain loops are as fast as the library, or faster */

/* Of an n x n matrix.  Orthogonal factorisations of LAPACK ask for blocks; this is enough for any. */
static inline int64_t cjk_getrf_work(int64_t n) { return n > CJK_PLAIN ? n * n + n : 0; }
static inline int64_t cjk_qr_work(int64_t n) { return n + 64 * n + 64; }
static inline int64_t cjk_eigh_work(int64_t n) { return (1 + 6 * n + 2 * n * n) + (3 + 5 * n) + n * n + 64; }

/* Of an m x n matrix; with 4 r^2 + 7 r, r the smaller size, as LAPACK documents, and room for its blocks. */
static inline int64_t cjk_svd_room(int64_t m, int64_t n) {
  int64_t r = m < n ? m : n, most = m < n ? n : m;
  return 4 * r * r + 8 * r + 32 * most + 64;
}
static inline int64_t cjk_svd_work(int64_t m, int64_t n) { return m * n + cjk_svd_room(m, n) + 8 * (m < n ? m : n); }
static inline int64_t cjk_eig_work(int64_t n) { return 2 * n * n + 36 * n + 64; }

#define CJK_DENSE(T, S)                                                                                                \
  /* a (n x n, row stride ar) becomes L\U, piv[i] the row that was exchanged with row i; a zero pivot stays. */        \
  void cjk_getrf_##S(int64_t n, T *a, int64_t ar, T *piv, T *ws);                                                      \
  /* The lower triangle becomes its factor; false: not positive definite. */                                           \
  bool cjk_potrf_##S(int64_t n, T *a);                                                                                 \
  /* a (m x n, m >= n) becomes Q, r (n x n) its triangle, zeros below. */                                              \
  bool cjk_qr_##S(int64_t m, int64_t n, T *a, T *r, T *ws);                                                            \
  /* a symmetric by its lower triangle becomes the eigenvectors in its columns, w ascending. */                        \
  bool cjk_eigh_##S(int64_t n, T *a, T *w, T *ws);                                                                     \
  /* a (m x n, finite) stays; u (m x r) and vt (r x n) get its singular vectors, s its r values, descending. */        \
  bool cjk_svd_##S(int64_t m, int64_t n, const T *a, T *u, T *s, T *vt, T *ws);                                        \
  /* a (n x n, finite) is lost; w: real parts of the eigenvalues, then imaginary ones.  v: NULL, or the eigenvectors   \
  ** in columns as LAPACK packs them (of a conjugate pair the real part, then the imaginary one). */                   \
  bool cjk_eig_##S(int64_t n, T *a, T *w, T *v, T *ws);
CJK_DENSE(double, f64)
CJK_DENSE(float, f32)
#endif
