/* random.c -- Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) and
** what is made of it.  Only IEEE + - * / and sqrt are used, so every machine gives the same bits. */
#include "kernel/kernels.h"
#include <math.h>

typedef struct words {
  uint32_t w[4];
} words;

static words philox(uint64_t seed, uint64_t counter) {
  words x = {{(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0}};
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
    uint64_t p0 = (uint64_t)0xD2511F53u * x.w[0], p1 = (uint64_t)0xCD9E8D57u * x.w[2];
    x = (words){{(uint32_t)(p1 >> 32) ^ x.w[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ x.w[3] ^ k1, (uint32_t)p0}};
  }
  return x;
}

static uint64_t low64(words x) { return x.w[0] | (uint64_t)x.w[1] << 32; }
static uint64_t high64(words x) { return x.w[2] | (uint64_t)x.w[3] << 32; }
static double unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; } /* [0, 1) */

void cjk_uniform(uint64_t seed, uint64_t offset, int64_t n, double *out) {
  for (int64_t i = 0; i < n; i++) out[i] = unit(low64(philox(seed, offset + (uint64_t)i)));
}

/* log x for 0 < x <= 1: x = 2^e m, log m = 2 artanh((m - 1) / (m + 1)), |argument| < 0.172 */
static double log_unit(double x) {
  int e = 0;
  double m = frexp(x, &e);
  if (m < 0.70710678118654752440) m *= 2, e--;
  double s = (m - 1) / (m + 1), q = s * s, sum = 0;
  for (int k = 23; k >= 3; k -= 2) sum = (sum + 1.0 / k) * q;
  return 2 * (s + s * sum) + e * 0.69314718055994530942;
}

/* cos(2 pi u), 0 <= u < 1: reflected to an angle a <= pi / 4 and summed as a Taylor series */
static double cos_turn(double u) {
  double t = u > 0.5 ? 1 - u : u, sign = t > 0.25 ? -1 : 1, y = 1;
  if (t > 0.25) t = 0.5 - t;
  bool sine = t > 0.125;
  double a = 6.28318530717958647693 * (sine ? 0.25 - t : t), q = -a * a;
  for (int k = sine ? 17 : 18; k >= 2; k -= 2) y = 1 + y * q / (k * (k - 1));
  return sign * (sine ? a * y : y);
}

/* Box and Muller, "A note on the generation of random normal deviates" (1958) */
void cjk_normal(uint64_t seed, uint64_t offset, int64_t n, double *out) {
  for (int64_t i = 0; i < n; i++) {
    words x = philox(seed, offset + (uint64_t)i);
    out[i] = sqrt(-2 * log_unit(1 - unit(low64(x)))) * cos_turn(unit(high64(x)));
  }
}

/* The upper half of the 128-bit product. */
static uint64_t mulhi(uint64_t a, uint64_t b) {
  uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
  uint64_t mid = ah * bl + (al * bl >> 32), mid2 = al * bh + (uint32_t)mid;
  return ah * bh + (mid >> 32) + (mid2 >> 32);
}

void cjk_integers(uint64_t seed, uint64_t offset, int64_t lo, int64_t hi, int64_t n, int64_t *out) {
  uint64_t range = (uint64_t)hi - (uint64_t)lo;
  for (int64_t i = 0; i < n; i++)
    out[i] = (int64_t)((uint64_t)lo + mulhi(low64(philox(seed, offset + (uint64_t)i)), range));
}
