/* words_int.h -- the words over single int64 elements.  No division faults: by zero it gives 0,
** INT64_MIN by -1 wraps around. */
CJK_INLINE T D(fabs)(T x) { return x < 0 ? -x : x; }
CJK_INLINE T D(sign)(T x) { return (x > 0) - (x < 0); }
CJK_INLINE T D(floor)(T x) { return x; }
CJK_INLINE T D(ceil)(T x) { return x; }
CJK_INLINE T D(rint)(T x) { return x; }
CJK_INLINE T D(trunc)(T x) { return x; }

CJK_INLINE T D(fmod)(T x, T z) {
  if (z == 0 || z == -1) return 0;
  return x % z;
}

CJK_INLINE T D(remainder)(T x, T z) {
  T r = D(fmod)(x, z);
  return r != 0 && (r < 0) != (z < 0) ? r + z : r;
}

CJK_INLINE T D(floordiv)(T x, T z) {
  if (z == 0) return 0;
  if (z == -1) return -x;
  return x / z - (x % z != 0 && (x < 0) != (z < 0));
}

/* A negative exponent gives the integer part of the true value: 0 but for x = 1 and -1. */
CJK_INLINE T D(pow)(T x, T z) {
  T y = 1;
  if (z < 0) return x == 1 ? 1 : x == -1 ? (z & 1 ? -1 : 1) : 0;
  for (; z; z = z / 2, x = x * x)
    if (z & 1) y = y * x;
  return y;
}
