/* weave.c -- rows of some elements of 8 bytes from as many arrays: two rows of two columns at a time. */
#include "base/base.h"
#include "kernel/kernels.h"
#include "kernel/tools.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

void cjk_weave(void *dst, const char *const *src, int k, int64_t n, bool far) {
  if (far && k % 2 == 0 && (uintptr_t)dst % sizeof(pair8) == 0) {
    weave_rows(dst, src, k, n, true);
    settle_pairs();
  } else {
    weave_rows(dst, src, k, n, false);
  }
}
