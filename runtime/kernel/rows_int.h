/* rows_int.h -- the rows over elements of T; included once a dtype.  The loops are written so that the
** compiler vectorises them: strides 0 and 1 are constants, and an operand that is also the result is
** no obstacle (only element i is read before element i is written). */
CJK_INLINE T D(splat)(T c) { return c; }
CJK_INLINE T D(sel)(int mask, T a, T b) { return mask ? a : b; }

CJK_INLINE void D(drive1)(int64_t n, char *y, size_t es, const T *x, int dx, void (*f)(char *, T)) {
  CJK_IVDEP
  for (int64_t i = 0; i < n; i++) f(y + (size_t)i * es, x[i * dx]);
}

CJK_INLINE void D(drive2)(int64_t n, char *y, size_t es, const T *x, int dx, const T *z, int dz,
                          void (*f)(char *, T, T)) {
  CJK_IVDEP
  for (int64_t i = 0; i < n; i++) f(y + (size_t)i * es, x[i * dx], z[i * dz]);
}

CJK_INLINE void D(put_S)(char *y, T v) { memcpy(y, &v, sizeof v); }
CJK_INLINE void D(put_B)(char *y, int v) { *y = (char)v; }

#define SIZE_S sizeof(T)
#define SIZE_B 1
#define ROW1(name, result, value)                                                                                      \
  CJK_INLINE void D(name##_one)(char *y, T x) { D(put_##result)(y, value); }                                           \
  static void D(name##_loop)(int64_t n, void *y, const void *const *x, unsigned splat) {                               \
    if (splat)                                                                                                         \
      D(drive1)(n, y, SIZE_##result, x[0], 0, D(name##_one));                                                          \
    else                                                                                                               \
      D(drive1)(n, y, SIZE_##result, x[0], 1, D(name##_one));                                                          \
  }
#define ROW2(name, result, value)                                                                                      \
  CJK_INLINE void D(name##_one)(char *y, T x, T z) { D(put_##result)(y, value); }                                      \
  static void D(name##_loop)(int64_t n, void *y, const void *const *x, unsigned splat) {                               \
    if (splat == 0)                                                                                                    \
      D(drive2)(n, y, SIZE_##result, x[0], 1, x[1], 1, D(name##_one));                                                 \
    else if (splat == 1)                                                                                               \
      D(drive2)(n, y, SIZE_##result, x[0], 0, x[1], 1, D(name##_one));                                                 \
    else if (splat == 2)                                                                                               \
      D(drive2)(n, y, SIZE_##result, x[0], 1, x[1], 0, D(name##_one));                                                 \
    else                                                                                                               \
      D(drive2)(n, y, SIZE_##result, x[0], 0, x[1], 0, D(name##_one));                                                 \
  }
#define ROW3(name, result, value)                                                                                      \
  static void D(name##_loop)(int64_t n, void *yv, const void *const *in, unsigned splat) {                             \
    const uint8_t *a = in[0];                                                                                          \
    const T *b = in[1], *c = in[2];                                                                                    \
    int da = !(splat & 1), db = !(splat & 2), dc = !(splat & 4);                                                       \
    T *y = yv;                                                                                                         \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      uint8_t x = a[i * da];                                                                                           \
      T z = b[i * db], w = c[i * dc];                                                                                  \
      y[i] = value;                                                                                                    \
    }                                                                                                                  \
  }
#define X(name, nin, types, result, lin, flags, value, ...) PICK_##types(ROW##nin(name, result, value), )
#include "def/elementwise.def"
#undef X

static const cj_loop D(rows)[CJK_NEW] = {
#define X(name, nin, types, ...) PICK_##types(D(name##_loop), NULL),
#include "def/elementwise.def"
#undef X
};
#undef ROW1
#undef ROW2
#undef ROW3
#undef SIZE_S
#undef SIZE_B
