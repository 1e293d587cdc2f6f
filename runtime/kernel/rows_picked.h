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

#define PICKED(name, value)                                                                                            \
  static void D(name##_picked)(int64_t n, void *to, const char *cells, const uint32_t *at) {                           \
    char *y = to;                                                                                                      \
    for (int64_t k = 0; k < n; k++) {                                                                                  \
      T v = value;                                                                                                     \
      memcpy(y + (size_t)k * sizeof v, &v, sizeof v);                                                                  \
    }                                                                                                                  \
  }
#define OPERAND(i) D(picked)(cells, at[(i)*n + k])
PICKED(add, OPERAND(0) + OPERAND(1))
PICKED(sub, OPERAND(0) - OPERAND(1))
PICKED(mul, OPERAND(0) * OPERAND(1))
PICKED(div, OPERAND(0) / OPERAND(1))
PICKED(neg, -OPERAND(0))
PICKED(square, OPERAND(0) * OPERAND(0))
PICKED(fma, LIBM(fma)(OPERAND(0), OPERAND(1), OPERAND(2)))
PICKED(fms, LIBM(fma)(OPERAND(0), OPERAND(1), -OPERAND(2)))
PICKED(fnma, LIBM(fma)(-OPERAND(0), OPERAND(1), OPERAND(2)))
#undef OPERAND
#undef PICKED

static const cj_picked D(picked_rows)[CJK_NEW] = {
    [CJK_ROW_add] = D(add_picked), [CJK_ROW_sub] = D(sub_picked), [CJK_ROW_mul] = D(mul_picked),
    [CJK_ROW_div] = D(div_picked), [CJK_ROW_neg] = D(neg_picked), [CJK_ROW_square] = D(square_picked),
    [CJK_ROW_fma] = D(fma_picked), [CJK_ROW_fms] = D(fms_picked), [CJK_ROW_fnma] = D(fnma_picked),
};
