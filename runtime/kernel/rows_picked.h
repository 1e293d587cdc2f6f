/*
** rows_picked.h -- the cheapest rows over elements of T that lie anywhere: their operands are fetched one by one,
** which is less than gathering them for a vector.  Included once a dtype; the results are those of rows_float.h to
** the bit.
*/
CJK_INLINE T D(picked)(const char *cells, uint32_t at) {
  T v;
  memcpy(&v, cells + at, sizeof v);
  return v;
}

#define PICKED(name, nin, value)                                                                                       \
  static void D(name##_picked)(int64_t n, void *to, const char *cells, const uint32_t *at) {                           \
    char *y = to;                                                                                                      \
    for (int64_t k = 0; k < n; k++, at += nin) {                                                                       \
      T v = value;                                                                                                     \
      memcpy(y + (size_t)k * sizeof v, &v, sizeof v);                                                                  \
    }                                                                                                                  \
  }
#define OPERAND(i) D(picked)(cells, at[i])
PICKED(add, 2, OPERAND(0) + OPERAND(1))
PICKED(sub, 2, OPERAND(0) - OPERAND(1))
PICKED(mul, 2, OPERAND(0) * OPERAND(1))
PICKED(div, 2, OPERAND(0) / OPERAND(1))
PICKED(neg, 1, -OPERAND(0))
PICKED(square, 1, OPERAND(0) * OPERAND(0))
PICKED(sqrt, 1, LIBM(sqrt)(OPERAND(0)))
PICKED(reciprocal, 1, 1 / OPERAND(0))
PICKED(fma, 3, LIBM(fma)(OPERAND(0), OPERAND(1), OPERAND(2)))
PICKED(fms, 3, LIBM(fma)(OPERAND(0), OPERAND(1), -OPERAND(2)))
PICKED(fnma, 3, LIBM(fma)(-OPERAND(0), OPERAND(1), OPERAND(2)))
#undef OPERAND
#undef PICKED

static const cj_picked D(picked_rows)[CJK_NEW] = {
#define ROW(name) [CJK_ROW_##name] = D(name##_picked)
    ROW(add),  ROW(sub),        ROW(mul), ROW(div), ROW(neg),  ROW(square),
    ROW(sqrt), ROW(reciprocal), ROW(fma), ROW(fms), ROW(fnma),
#undef ROW
};
