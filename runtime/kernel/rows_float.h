/*
** rows_float.h -- the rows over vectors of T; included once a dtype.  Every element goes through the
** same vector code: the last vector of a run overlaps the one before it (its operands are read before
** anything is written, for the result may be an operand), and a run shorter than a vector is padded.
*/
typedef struct D(src) { /* an operand: elements from p on, or v again and again */
  const char *p;
  V v;
  bool repeat; /* known while compiling */
} D(src);

/* n < LANES elements, by copies of constant size: memcpy of a variable size costs more than the rest. */
CJK_INLINE void D(copy_few)(char *y, const char *x, int64_t n, size_t es) {
  size_t at = 0;
  if (LANES > 8 && n & 8) memcpy(y, x, 8 * es), at = 8 * es;
  if (LANES > 4 && n & 4) memcpy(y + at, x + at, 4 * es), at += 4 * es;
  if (LANES > 2 && n & 2) memcpy(y + at, x + at, 2 * es), at += 2 * es;
  if (n & 1) memcpy(y + at, x + at, es);
}

CJK_INLINE D(src) D(source)(const void *x, bool repeat) {
  D(src) s = {x, K(0), repeat};
  if (repeat) s.v = K(*(const T *)x);
  return s;
}

CJK_INLINE V D(load)(D(src) s, int64_t i) {
  V v = s.v;
  if (!s.repeat) memcpy(&v, s.p + i * (int64_t)sizeof(T), sizeof v);
  return v;
}

/* A byte mask widened to lanes of all ones and all zeros. */
CJK_INLINE M D(loadmask)(const uint8_t *p, int64_t i) {
  D(bytes) b;
  memcpy(&b, p + i, sizeof b);
  return __builtin_convertvector(b, M) != 0;
}

/* An operand as one vector: of n < LANES elements, or of one repeated. */
CJK_INLINE V D(pad)(const void *x, unsigned repeat, int64_t n) {
  V v = K(*(const T *)x);
  if (!repeat) D(copy_few)((char *)&v, x, n, sizeof(T));
  return v;
}

CJK_INLINE M D(padmask)(const void *x, unsigned repeat, int64_t n) {
  uint8_t few[LANES];
  memset(few, *(const uint8_t *)x, sizeof few);
  if (!repeat) D(copy_few)((char *)few, x, n, 1);
  return D(loadmask)(few, 0);
}

/* The vector of results r, as often as it takes for n; once if n < LANES. */
CJK_INLINE void D(fill)(int64_t n, char *y, size_t es, const char *r) {
  for (; n >= LANES; n -= LANES, y += LANES * es) memcpy(y, r, LANES * es);
  D(copy_few)(y, r, n, es);
}

/* n >= LANES results, not all operands repeated. */
CJK_INLINE void D(drive1)(int64_t n, char *y, size_t es, const void *x, void (*f)(char *, V)) {
  D(src) a = D(source)(x, false);
  int64_t last = n - LANES;
  V va = D(load)(a, last);
  for (int64_t i = 0; i < last; i += LANES) f(y + (size_t)i * es, D(load)(a, i));
  f(y + (size_t)last * es, va);
}

CJK_INLINE void D(drive2)(int64_t n, char *y, size_t es, D(src) a, D(src) b, void (*f)(char *, V, V)) {
  int64_t last = n - LANES;
  V va = D(load)(a, last), vb = D(load)(b, last);
  for (int64_t i = 0; i < last; i += LANES) f(y + (size_t)i * es, D(load)(a, i), D(load)(b, i));
  f(y + (size_t)last * es, va, vb);
}

CJK_INLINE void D(drive3)(int64_t n, char *y, D(src) a, D(src) b, D(src) c, void (*f)(char *, V, V, V)) {
  int64_t last = n - LANES;
  V va = D(load)(a, last), vb = D(load)(b, last), vc = D(load)(c, last);
  for (int64_t i = 0; i < last; i += LANES) f(y + (size_t)i * sizeof(T), D(load)(a, i), D(load)(b, i), D(load)(c, i));
  f(y + (size_t)last * sizeof(T), va, vb, vc);
}

/* The first operand is bool. */
CJK_INLINE void D(drivemask)(int64_t n, char *y, const void *x, bool repeat, D(src) b, D(src) c,
                             void (*f)(char *, M, V, V)) {
  int64_t last = n - LANES;
  M m = D(padmask)(x, 1, 1), vm = repeat ? m : D(loadmask)(x, last);
  V vb = D(load)(b, last), vc = D(load)(c, last);
  for (int64_t i = 0; i < last; i += LANES)
    f(y + (size_t)i * sizeof(T), repeat ? m : D(loadmask)(x, i), D(load)(b, i), D(load)(c, i));
  f(y + (size_t)last * sizeof(T), vm, vb, vc);
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

/* A row is a function of vectors, the loops over them, one for every combination of repeated operands, and what is
** seldom and would only be in their way: fewer elements than a vector has, or one result for all. */
#define SELDOM(name) static CJK_NOINLINE void D(name##_seldom)(int64_t n, char *y, const void *const *x, unsigned splat)
#define LOOP(name, all)                                                                                                \
  static void D(name##_loop)(int64_t n, void *y, const void *const *x, unsigned splat) {                               \
    if (n < LANES || splat == (all)) {                                                                                 \
      if (n > 0) D(name##_seldom)(n, y, x, splat);                                                                     \
      return;                                                                                                          \
    }
#define S(i, repeat) D(source)(x[i], repeat)

#define ROW1(name, result, value)                                                                                      \
  CJK_INLINE void D(name##_few)(char *y, V x) { D(put_##result)(y, value); }                                           \
  SELDOM(name) {                                                                                                       \
    char r[CJK_VBYTES];                                                                                                \
    D(name##_few)(r, D(pad)(x[0], splat & 1, n));                                                                      \
    D(fill)(n, y, SIZE_##result, r);                                                                                   \
  }                                                                                                                    \
  LOOP(name, 1)                                                                                                        \
  D(drive1)(n, y, SIZE_##result, x[0], D(name##_few));                                                                 \
  }
#define ROW2(name, result, value)                                                                                      \
  CJK_INLINE void D(name##_few)(char *y, V x, V z) { D(put_##result)(y, value); }                                      \
  SELDOM(name) {                                                                                                       \
    char r[CJK_VBYTES];                                                                                                \
    D(name##_few)(r, D(pad)(x[0], splat & 1, n), D(pad)(x[1], splat & 2, n));                                          \
    D(fill)(n, y, SIZE_##result, r);                                                                                   \
  }                                                                                                                    \
  LOOP(name, 3)                                                                                                        \
  switch (splat) {                                                                                                     \
  case 1: D(drive2)(n, y, SIZE_##result, S(0, true), S(1, false), D(name##_few)); return;                              \
  case 2: D(drive2)(n, y, SIZE_##result, S(0, false), S(1, true), D(name##_few)); return;                              \
  default: D(drive2)(n, y, SIZE_##result, S(0, false), S(1, false), D(name##_few)); return;                            \
  }                                                                                                                    \
  }
#define ROW3(name, result, value) ROW3_##result(name, value)
#define BY_SPLAT3(ONE)                                                                                                 \
  switch (splat) {                                                                                                     \
  case 0: ONE(false, false, false); return;                                                                            \
  case 1: ONE(true, false, false); return;                                                                             \
  case 2: ONE(false, true, false); return;                                                                             \
  case 3: ONE(true, true, false); return;                                                                              \
  case 4: ONE(false, false, true); return;                                                                             \
  case 5: ONE(true, false, true); return;                                                                              \
  default: ONE(false, true, true); return;                                                                             \
  }
#define ONE_W(a, b, c) D(drivemask)(n, y, x[0], a, S(1, b), S(2, c), f)
#define ONE_S(a, b, c) D(drive3)(n, y, S(0, a), S(1, b), S(2, c), f)
#define ROW3_W(name, value) /* operand 0 is bool */                                                                    \
  CJK_INLINE void D(name##_few)(char *y, M x, V z, V w) { D(put_W)(y, value); }                                        \
  SELDOM(name) {                                                                                                       \
    char r[CJK_VBYTES];                                                                                                \
    D(name##_few)(r, D(padmask)(x[0], splat & 1, n), D(pad)(x[1], splat & 2, n), D(pad)(x[2], splat & 4, n));          \
    D(fill)(n, y, SIZE_W, r);                                                                                          \
  }                                                                                                                    \
  LOOP(name, 7)                                                                                                        \
  void (*const f)(char *, M, V, V) = D(name##_few);                                                                    \
  BY_SPLAT3(ONE_W)                                                                                                     \
  }
#define ROW3_S(name, value)                                                                                            \
  CJK_INLINE void D(name##_few)(char *y, V x, V z, V w) { D(put_S)(y, value); }                                        \
  SELDOM(name) {                                                                                                       \
    char r[CJK_VBYTES];                                                                                                \
    D(name##_few)(r, D(pad)(x[0], splat & 1, n), D(pad)(x[1], splat & 2, n), D(pad)(x[2], splat & 4, n));              \
    D(fill)(n, y, SIZE_S, r);                                                                                          \
  }                                                                                                                    \
  LOOP(name, 7)                                                                                                        \
  void (*const f)(char *, V, V, V) = D(name##_few);                                                                    \
  BY_SPLAT3(ONE_S)                                                                                                     \
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
#undef SELDOM
#undef LOOP
#undef S
#undef BY_SPLAT3
#undef ONE_W
#undef ONE_S
#undef SIZE_S
#undef SIZE_B
#undef SIZE_W
