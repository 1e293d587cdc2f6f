/*
** weave.h -- rows of a few elements of 8 bytes from as many arrays, for one instruction set; the including file says
** CJK_WEAVER.  Two and four columns are written out for the compiler to make vectors of; others go two by two.
*/
#include "base/base.h"
#include "kernel/loops.h"
#include "kernel/tools.h"
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef uint64_t __attribute__((may_alias)) cjk_word8;

static void weave_2(cjk_word8 *restrict y, const cjk_word8 *a, const cjk_word8 *b, int64_t n) {
  for (int64_t r = 0; r < n; r++) y[2 * r] = a[r], y[2 * r + 1] = b[r];
}

static void weave_4(cjk_word8 *restrict y, const cjk_word8 *a, const cjk_word8 *b, const cjk_word8 *c,
                    const cjk_word8 *d, int64_t n) {
  for (int64_t r = 0; r < n; r++) y[4 * r] = a[r], y[4 * r + 1] = b[r], y[4 * r + 2] = c[r], y[4 * r + 3] = d[r];
}

/* --- two rows of two columns at a time, in vectors of 16 bytes ---------------------------------------------------- */

typedef uint64_t pair8 __attribute__((vector_size(16)));

CJK_INLINE pair8 load_pair(const char *x, int64_t i) {
  pair8 v;
  memcpy(&v, x + 8 * i, sizeof v);
  return v;
}

/* past: past the caches, which is for 16-byte boundaries only. */
CJK_INLINE void put_pair(char *y, pair8 v, bool past) {
#if defined(__SSE2__)
  if (past) {
    _mm_stream_si128((__m128i *)(void *)y, (__m128i)v);
    return;
  }
#endif
  CJ_UNUSED(past);
  memcpy(y, &v, sizeof v);
}

/* What went past the caches is seen by all who see what is written from now on. */
CJK_INLINE void settle_pairs(void) {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

/* Columns c and c + 1 of rows r and r + 1. */
CJK_INLINE void weave_tile(char *y, const char *const *src, int64_t k, int64_t r, int64_t c, bool past) {
  pair8 a = load_pair(src[c], r), b = load_pair(src[c + 1], r);
  put_pair(y + 8 * (r * k + c), (pair8){a[0], b[0]}, past);
  put_pair(y + 8 * (r * k + k + c), (pair8){a[1], b[1]}, past);
}

static void weave_row(char *y, const char *const *src, int64_t k, int64_t r) {
  for (int64_t c = 0; c < k; c++) memcpy(y + 8 * (r * k + c), src[c] + 8 * r, 8);
}

/* An odd number of columns: the last tile overlaps the one before it. */
CJK_INLINE void weave_rows(char *y, const char *const *src, int64_t k, int64_t n, bool past) {
  for (int64_t r = 0; r + 1 < n; r += 2) {
    for (int64_t c = 0; c + 1 < k; c += 2) weave_tile(y, src, k, r, c, past);
    if (k & 1) weave_tile(y, src, k, r, k - 2, past);
  }
  if (n & 1) weave_row(y, src, k, n - 1);
}

void CJK_WEAVER(void *dst, const char *const *src, int k, int64_t n, bool far) {
  const cjk_word8 *x[4] = {NULL};
  if (far && k % 2 == 0 && (uintptr_t)dst % sizeof(pair8) == 0) {
    weave_rows(dst, src, k, n, true);
    settle_pairs();
    return;
  }
  for (int i = 0; i < k && i < 4; i++) x[i] = (const cjk_word8 *)(const void *)src[i];
  switch (k) {
  case 2: weave_2(dst, x[0], x[1], n); break;
  case 4: weave_4(dst, x[0], x[1], x[2], x[3], n); break;
  default: weave_rows(dst, src, k, n, false); break;
  }
}
