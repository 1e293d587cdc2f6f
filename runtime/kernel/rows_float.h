/*
** rows_float.h -- the rows over vectors of T; included once a dtype.  Every element goes through the
** same vector code: the last vector of a run overlaps the one before it (its operands are read before
** anything is written, for the result may be an operand), and a run shorter than a vector is padded.
*/
typedef struct D(src) { /* an operand: step 0 repeats one vector */
  const char *p;
  int64_t step;
} D(src);

/* n < LANES elements, by copies of constant size: memcpy of a variable size costs more than the rest. */
CJK_INLINE void D(copy_few)(char *y, const char *x, int64_t n, size_t es) {
  size_t at = 0;
  if (LANES > 8 && n & 8) memcpy(y, x, 8 * es), at = 8 * es;
  if (LANES > 4 && n & 4) memcpy(y + at, x + at, 4 * es), at += 4 * es;
  if (LANES > 2 && n & 2) memcpy(y + at, x + at, 2 * es), at += 2 * es;
  if (n & 1) memcpy(y + at, x + at, es);
}

CJK_INLINE V D(load)(D(src) s, int64_t i) {
  V v;
  memcpy(&v, s.p + i * s.step * (int64_t)sizeof(T), sizeof v);
  return v;
}

CJK_INLINE D(src) D(source)(const T *x, int repeat, int64_t n, V *pad) {
  D(src) s = {(const char *)x, 1};
  if (!repeat && n >= LANES) return s;
  *pad = K(*x);
  if (!repeat && n < LANES) D(copy_few)((char *)pad, (const char *)x, n, sizeof(T));
  s.p = (const char *)pad;
  s.step = 0;
  return s;
}

CJK_INLINE void D(drive1)(int64_t n, char *y, size_t es, const void *const *x, unsigned splat, void (*f)(char *, V)) {
  char r[CJK_VBYTES];
  V pad;
  if (n <= 0) return;
  D(src) a = D(source)(x[0], splat & 1, n, &pad);
  int64_t last = n - LANES;
  V va = D(load)(a, last < 0 ? 0 : last);
  for (int64_t i = 0; i < last; i += LANES) f(y + (size_t)i * es, D(load)(a, i));
  f(last < 0 ? r : y + (size_t)last * es, va);
  if (last < 0) D(copy_few)(y, r, n, es);
}

CJK_INLINE void D(drive2)(int64_t n, char *y, size_t es, const void *const *x, unsigned splat,
                          void (*f)(char *, V, V)) {
  char r[CJK_VBYTES];
  V pad[2];
  if (n <= 0) return;
  D(src) a = D(source)(x[0], splat & 1, n, &pad[0]), b = D(source)(x[1], splat & 2, n, &pad[1]);
  int64_t last = n - LANES;
  V va = D(load)(a, last < 0 ? 0 : last), vb = D(load)(b, last < 0 ? 0 : last);
  for (int64_t i = 0; i < last; i += LANES) f(y + (size_t)i * es, D(load)(a, i), D(load)(b, i));
  f(last < 0 ? r : y + (size_t)last * es, va, vb);
  if (last < 0) D(copy_few)(y, r, n, es);
}

/* A byte mask widened to lanes of all ones and all zeros. */
CJK_INLINE M D(loadmask)(const uint8_t *p, int64_t i) {
  D(bytes) b;
  memcpy(&b, p + i, sizeof b);
  return __builtin_convertvector(b, M) != 0;
}

CJK_INLINE void D(drive3)(int64_t n, char *y, size_t es, const void *const *x, unsigned splat,
                          void (*f)(char *, M, V, V)) {
  char r[CJK_VBYTES];
  uint8_t few[LANES];
  V pad[2];
  if (n <= 0) return;
  const uint8_t *m = x[0];
  int64_t last = n - LANES, step = 1;
  if ((splat & 1) || last < 0) {
    memset(few, m[0], sizeof few);
    if (!(splat & 1)) D(copy_few)((char *)few, x[0], n, 1);
    m = few;
    step = 0;
  }
  D(src) a = D(source)(x[1], splat & 2, n, &pad[0]), b = D(source)(x[2], splat & 4, n, &pad[1]);
  M vm = D(loadmask)(m, last < 0 ? 0 : last * step);
  V va = D(load)(a, last < 0 ? 0 : last), vb = D(load)(b, last < 0 ? 0 : last);
  for (int64_t i = 0; i < last; i += LANES)
    f(y + (size_t)i * es, D(loadmask)(m, i * step), D(load)(a, i), D(load)(b, i));
  f(last < 0 ? r : y + (size_t)last * es, vm, va, vb);
  if (last < 0) D(copy_few)(y, r, n, es);
}

CJK_INLINE void D(drive4)(int64_t n, char *y, size_t es, const void *const *x, unsigned splat,
                          void (*f)(char *, V, V, V)) {
  char r[CJK_VBYTES];
  V pad[3];
  if (n <= 0) return;
  D(src) a = D(source)(x[0], splat & 1, n, &pad[0]), b = D(source)(x[1], splat & 2, n, &pad[1]);
  D(src) c = D(source)(x[2], splat & 4, n, &pad[2]);
  int64_t last = n - LANES, end = last < 0 ? 0 : last;
  V va = D(load)(a, end), vb = D(load)(b, end), vc = D(load)(c, end);
  for (int64_t i = 0; i < last; i += LANES) f(y + (size_t)i * es, D(load)(a, i), D(load)(b, i), D(load)(c, i));
  f(last < 0 ? r : y + (size_t)last * es, va, vb, vc);
  if (last < 0) D(copy_few)(y, r, n, es);
}

CJK_INLINE void D(put_S)(char *y, V v) { memcpy(y, &v, sizeof v); }
#define SIZE_S sizeof(T)
#ifdef CJK_BITS_f64
/* Bit i of the mask becomes byte i, four at a time: the product moves it by 7 i places. */
CJK_INLINE void D(put_B)(char *y, M m) {
  uint32_t bits = (uint32_t)CJK_PASTE(CJK_BITS, DT)(m);
  for (int i = 0; i < LANES; i += 4, bits >>= 4) {
    uint32_t b = ((bits & 15) * 0x00204081u) & 0x01010101u;
    memcpy(y + i, &b, LANES < 4 ? LANES : 4);
  }
}
#else
CJK_INLINE void D(put_B)(char *y, M m) {
  D(bytes) b = __builtin_convertvector(m & 1, D(bytes));
  memcpy(y, &b, sizeof b);
}
#endif
#define SIZE_B 1
#define SIZE_W sizeof(T)
CJK_INLINE void D(put_W)(char *y, V v) { memcpy(y, &v, sizeof v); }

#define ROW1(name, result, value)                                                                                      \
  CJK_INLINE void D(name##_few)(char *y, V x) { D(put_##result)(y, value); }                                           \
  static void D(name##_loop)(int64_t n, void *y, const void *const *x, unsigned splat) {                               \
    D(drive1)(n, y, SIZE_##result, x, splat, D(name##_few));                                                           \
  }
#define ROW2(name, result, value)                                                                                      \
  CJK_INLINE void D(name##_few)(char *y, V x, V z) { D(put_##result)(y, value); }                                      \
  static void D(name##_loop)(int64_t n, void *y, const void *const *x, unsigned splat) {                               \
    D(drive2)(n, y, SIZE_##result, x, splat, D(name##_few));                                                           \
  }
#define ROW3(name, result, value) ROW3_##result(name, value)
#define ROW3_W(name, value) /* operand 0 is bool */                                                                    \
  CJK_INLINE void D(name##_few)(char *y, M x, V z, V w) { D(put_W)(y, value); }                                        \
  static void D(name##_loop)(int64_t n, void *y, const void *const *x, unsigned splat) {                               \
    D(drive3)(n, y, SIZE_W, x, splat, D(name##_few));                                                                  \
  }
#define ROW3_S(name, value)                                                                                            \
  CJK_INLINE void D(name##_few)(char *y, V x, V z, V w) { D(put_S)(y, value); }                                        \
  static void D(name##_loop)(int64_t n, void *y, const void *const *x, unsigned splat) {                               \
    D(drive4)(n, y, SIZE_S, x, splat, D(name##_few));                                                                  \
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
#undef ROW3_W
#undef ROW3_S
#undef SIZE_S
#undef SIZE_B
#undef SIZE_W
