/*
** weave.h -- rows of a few elements of 8 bytes from as many arrays, for one instruction set; the including file says
** CJK_VBYTES and CJK_WEAVER.  The compiler makes vectors of these loops.
*/
#include "kernel/loops.h"

typedef uint64_t __attribute__((may_alias)) cjk_word8;

static void weave_2(cjk_word8 *restrict y, const cjk_word8 *a, const cjk_word8 *b, int64_t n) {
  for (int64_t r = 0; r < n; r++) y[2 * r] = a[r], y[2 * r + 1] = b[r];
}

/* From where on stores of whole vectors do not lie across lines of the cache. */
static void weave_3(cjk_word8 *restrict y, const cjk_word8 *a, const cjk_word8 *b, const cjk_word8 *c, int64_t n) {
  for (; n > 0 && (uintptr_t)y % CJK_VBYTES; n--) *y++ = *a++, *y++ = *b++, *y++ = *c++;
  for (int64_t r = 0; r < n; r++) y[3 * r] = a[r], y[3 * r + 1] = b[r], y[3 * r + 2] = c[r];
}

static void weave_4(cjk_word8 *restrict y, const cjk_word8 *a, const cjk_word8 *b, const cjk_word8 *c,
                    const cjk_word8 *d, int64_t n) {
  for (int64_t r = 0; r < n; r++) y[4 * r] = a[r], y[4 * r + 1] = b[r], y[4 * r + 2] = c[r], y[4 * r + 3] = d[r];
}

void CJK_WEAVER(void *dst, const char *const *src, int k, int64_t n) {
  const cjk_word8 *x[CJK_WEAVE] = {NULL};
  for (int i = 0; i < k; i++) x[i] = (const cjk_word8 *)(const void *)src[i];
  switch (k) {
  case 2: weave_2(dst, x[0], x[1], n); break;
  case 3: weave_3(dst, x[0], x[1], x[2], n); break;
  default: weave_4(dst, x[0], x[1], x[2], x[3], n); break;
  }
}
