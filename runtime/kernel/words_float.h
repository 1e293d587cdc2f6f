/*
** words_float.h -- the words over vectors of T; included once a dtype.  Transcendental functions are
** SLEEF's (Shibata and Petrogalli, "SLEEF: a portable vectorized library of C standard mathematical
** functions", IEEE TPDS 2020) in their 1.0 ulp versions, or libm's lane by lane.
*/
typedef T D(vec) __attribute__((vector_size(CJK_VBYTES)));
typedef INT D(mask) __attribute__((vector_size(CJK_VBYTES)));
typedef int8_t D(bytes) __attribute__((vector_size(CJK_VBYTES / sizeof(T))));

CJK_INLINE V D(splat)(T c) { return c - (V){0}; } /* keeps -0 */
#ifdef CJK_SEL_f64
CJK_INLINE V D(sel)(M m, V a, V b) { return CJK_PASTE(CJK_SEL, DT)((V)m, a, b); }
#else
CJK_INLINE V D(sel)(M m, V a, V b) { return (V)(((M)a & m) | ((M)b & ~m)); }
#endif

#if defined(CJK_ANY_f64)
CJK_INLINE bool D(any)(M m) { return CJK_PASTE(CJK_ANY, DT)(m); }
#elif defined(CJK_BITS_f64)
CJK_INLINE bool D(any)(M m) { return CJK_PASTE(CJK_BITS, DT)(m) != 0; }
#else
static inline bool D(any)(M m) {
  INT r = 0;
  for (int i = 0; i < LANES; i++) r |= m[i];
  return r != 0;
}
#endif
#define ANY(m) D(any)(m)

/* name(x) lane by lane by the scalar function f */
#define BYLANE1(name, f)                                                                                               \
  static inline V D(name)(V x) {                                                                                       \
    V y = x;                                                                                                           \
    for (int i = 0; i < LANES; i++) y[i] = (T)f(x[i]);                                                                 \
    return y;                                                                                                          \
  }
#define BYLANE2(name, f)                                                                                               \
  static inline V D(name)(V x, V z) {                                                                                  \
    V y = x;                                                                                                           \
    for (int i = 0; i < LANES; i++) y[i] = (T)f(x[i], z[i]);                                                           \
    return y;                                                                                                          \
  }
#ifdef CJK_SLEEF_f64
#define SLEEF_(name, ulp, dt) CJK_SLEEF_##dt(name, ulp)
#define SLEEF(name, ulp, dt) SLEEF_(name, ulp, dt)
#define LIB1(name, ulp)                                                                                                \
  CJK_INLINE V D(name)(V x) { return SLEEF(name, ulp, DT)(x); }
#define RAW1(name, ulp)                                                                                                \
  CJK_INLINE V D(name##_raw)(V x) { return SLEEF(name, ulp, DT)(x); }
#define LIB2(name, ulp)                                                                                                \
  CJK_INLINE V D(name)(V x, V z) { return SLEEF(name, ulp, DT)(x, z); }
#define RAW2(name, ulp)                                                                                                \
  CJK_INLINE V D(name##_raw)(V x, V z) { return SLEEF(name, ulp, DT)(x, z); }
#else
#define LIB1(name, ulp) BYLANE1(name, LIBM(name))
#define RAW1(name, ulp) BYLANE1(name##_raw, LIBM(name))
#define RAW2(name, ulp) BYLANE2(name##_raw, LIBM(name))
#define LIB2(name, ulp) BYLANE2(name, LIBM(name))
#endif

/* signs and rounding */
#define SIGNBIT ((M)K(-0.0))
CJK_INLINE V D(fabs)(V x) { return (V)((M)x & ~SIGNBIT); }
CJK_INLINE V D(copysign)(V x, V z) { return (V)(((M)x & ~SIGNBIT) | ((M)z & SIGNBIT)); }
CJK_INLINE V D(sign)(V x) { return SEL(x > K(0), K(1), SEL(x < K(0), K(-1), K(0))); }

#ifdef CJK_ROUND_f64
#define ROUND(x, how) CJK_PASTE(CJK_ROUND, DT)(x, how)
CJK_INLINE V D(rint)(V x) { return ROUND(x, _MM_FROUND_TO_NEAREST_INT); }
CJK_INLINE V D(floor)(V x) { return ROUND(x, _MM_FROUND_TO_NEG_INF); }
CJK_INLINE V D(ceil)(V x) { return ROUND(x, _MM_FROUND_TO_POS_INF); }
CJK_INLINE V D(trunc)(V x) { return ROUND(x, _MM_FROUND_TO_ZERO); }
#else
/* Adding and taking away 1 / epsilon rounds to an integer, halves to even. */
CJK_INLINE V D(rint)(V x) {
  V a = FABS(x), big = K(sizeof(T) == 8 ? 0x1p52 : 0x1p23), r = (a + big) - big;
  return COPYSIGN(SEL(a < big, r, a), x);
}
CJK_INLINE V D(floor)(V x) {
  V r = RINT(x);
  return SEL(r > x, r - K(1), r);
}
CJK_INLINE V D(ceil)(V x) { return -FLOOR(-x); }
CJK_INLINE V D(trunc)(V x) { return COPYSIGN(FLOOR(FABS(x)), x); }
#endif

#ifdef CJK_SQRT_f64
CJK_INLINE V D(sqrt)(V x) { return CJK_PASTE(CJK_SQRT, DT)(x); }
#else
BYLANE1(sqrt, LIBM(sqrt))
#endif

#ifdef CJK_FMA_f64
CJK_INLINE V D(fma)(V x, V z, V w) { return CJK_PASTE(CJK_FMA, DT)(x, z, w); }
#else
static inline V D(fma)(V x, V z, V w) {
  V y = x;
  for (int i = 0; i < LANES; i++) y[i] = LIBM(fma)(x[i], z[i], w[i]);
  return y;
}
#endif

LIB1(cbrt, _u10)
LIB1(exp, _u10)
LIB1(exp2, _u10)
LIB1(expm1, _u10)
LIB1(log, _u10)
LIB1(log2, _u10)
LIB1(log10, _u10)
LIB1(asin, _u10)
LIB1(acos, _u10)
LIB1(atan, _u10)
LIB1(tanh, _u10)
LIB1(atanh, _u10)
LIB1(erf, _u10)
LIB1(erfc, _u15)
LIB2(pow, _u10)
LIB2(atan2, _u10)
LIB2(hypot, _u05)

/* Where SLEEF's version gives up too early.  Lanes are chosen one by one; the branch only saves time. */
#define BIG K(sizeof(T) == 8 ? 0x1p60 : 0x1p30)
#define PATCH(name, mask, other)                                                                                       \
  RAW1(name, _u10)                                                                                                     \
  static inline V D(name)(V x) {                                                                                       \
    V y = D(name##_raw)(x);                                                                                            \
    M m = mask;                                                                                                        \
    if (ANY(m)) y = SEL(m, other, y);                                                                                  \
    return y;                                                                                                          \
  }
/* exp(a) / 2 where exp(a) itself overflows */
static inline V D(halfexp)(V a) {
  V e = EXP(a * K(0.5));
  return (e * K(0.5)) * e;
}
BYLANE1(lgamma_lane, LIBM(cjk_lgamma))
PATCH(log1p, x > BIG, LOG(x))
PATCH(sinh, FABS(x) > K(EXP_MAX), COPYSIGN(D(halfexp)(FABS(x)), x))
PATCH(cosh, FABS(x) > K(EXP_MAX), D(halfexp)(FABS(x)))
PATCH(asinh, FABS(x) > BIG, COPYSIGN(LOG(FABS(x)) + K(0.69314718055994530942), x))
PATCH(acosh, x > BIG, LOG(x) + K(0.69314718055994530942))
PATCH(lgamma, x < K(0), D(lgamma_lane)(x)) /* relatively exact next to its zeros */
#undef PATCH
#undef BIG

/* The first quotient may overflow. */
RAW2(fmod, _)
BYLANE2(fmod_lane, LIBM(fmod))
static inline V D(fmod)(V x, V z) {
  V y = D(fmod_raw)(x, z);
  M lost = (y != y) & (FABS(x) < K(INFINITY)) & (FABS(z) > K(0));
  if (ANY(lost)) y = SEL(lost, D(fmod_lane)(x, z), y);
  return y;
}

#ifdef CJK_SLEEF_f64
/* SLEEF reduces a whole vector by the method that its largest element needs, so the last bit of an
** element would depend on its neighbours: each range is computed apart where they mix. */
#define TRIG(name)                                                                                                     \
  static V D(name##_mixed)(V x, M near, M far) {                                                                       \
    V a = SLEEF(name, _u10, DT)(SEL(near, x, K(0)));                                                                   \
    V b = SLEEF(name, _u10, DT)(SEL(near | far, K(TRIG_NEAR), x));                                                     \
    V c = SLEEF(name, _u10, DT)(SEL(far, x, K(TRIG_FAR)));                                                             \
    return SEL(near, a, SEL(far, c, b));                                                                               \
  }                                                                                                                    \
  CJK_INLINE V D(name)(V x) {                                                                                          \
    M near = FABS(x) < K(TRIG_NEAR), far = ~(FABS(x) < K(TRIG_FAR));                                                   \
    if (ANY(~near) && ANY(near | far)) return D(name##_mixed)(x, near, far);                                           \
    return SLEEF(name, _u10, DT)(x);                                                                                   \
  }
#else
#define TRIG(name) LIB1(name, _)
#endif
TRIG(sin)
TRIG(cos)
TRIG(tan)
#undef TRIG

/* special.c */
BYLANE1(erfinv, cjk_erfinv)
BYLANE1(erfcx, cjk_erfcx)
BYLANE1(ndtri, cjk_ndtri)
BYLANE1(i0, cjk_i0)
BYLANE1(i1, cjk_i1)
BYLANE1(i0e, cjk_i0e)
BYLANE1(i1e, cjk_i1e)
BYLANE1(digamma, cjk_digamma)
BYLANE2(polygamma, cjk_polygamma)

/* x - 2 rint(x / 2) and the reflection are exact, so zeros of the sine are where they should be. */
static inline V D(sinc)(V x) {
  V r = x - K(2) * RINT(x * K(0.5));
  r = SEL(FABS(r) > K(0.5), COPYSIGN(K(1), r) - r, r);
  return SEL(x == K(0), K(1), SIN(r * K(3.14159265358979323846)) / (x * K(3.14159265358979323846)));
}

static inline V D(logaddexp)(V x, V z) {
  V top = SEL((x != x) | (x >= z), x, z);
  V y = top + LOG1P(EXP(-FABS(x - z)));
  return SEL(x == z, x + K(0.69314718055994530942), y); /* also where both are infinite */
}

/* Quotient and remainder of PyTorch (and Python): the remainder has the sign of z. */
static inline V D(remainder)(V x, V z) {
  V r = FMOD(x, z);
  return SEL((r != K(0)) & ((r < K(0)) ^ (z < K(0))), r + z, r);
}
static inline V D(floordiv)(V x, V z) {
  V r = FMOD(x, z), q = (x - r) / z;
  q = SEL((r != K(0)) & ((r < K(0)) ^ (z < K(0))), q - K(1), q);
  V f = FLOOR(q);
  f = SEL(q - f > K(0.5), f + K(1), f);
  f = SEL(q == K(0), COPYSIGN(K(0), x / z), f);
  return SEL(z == K(0), x / z, f);
}

#undef LIB1
#undef RAW1
#undef RAW2
#undef LIB2
#undef BYLANE1
#undef BYLANE2
#undef SLEEF
#undef SLEEF_
#undef SIGNBIT
#undef ANY
#undef ROUND
