/* loops_avx2.c -- 32-byte vectors; compiled with -mavx2 -mfma. */
#define CJK_VBYTES 32
#define CJK_TABLE cjk_loops_avx2
#define CJK_PICKED cjk_picked_avx2

#include <immintrin.h>
#ifndef CJ_NO_SLEEF
#include <sleef.h>
#define CJK_SLEEF_f64(name, ulp) Sleef_##name##d4##ulp##avx2
#define CJK_SLEEF_f32(name, ulp) Sleef_##name##f8##ulp##avx2
#endif
#define CJK_BITS_f64(m) _mm256_movemask_pd((__m256d)(m))
#define CJK_BITS_f32(m) _mm256_movemask_ps((__m256)(m))
#define CJK_SEL_f64(m, a, b) _mm256_blendv_pd(b, a, m)
#define CJK_SEL_f32(m, a, b) _mm256_blendv_ps(b, a, m)
#define CJK_SQRT_f64(x) _mm256_sqrt_pd(x)
#define CJK_SQRT_f32(x) _mm256_sqrt_ps(x)
#define CJK_FMA_f64(x, z, w) _mm256_fmadd_pd(x, z, w)
#define CJK_FMA_f32(x, z, w) _mm256_fmadd_ps(x, z, w)
#define CJK_ROUND_f64(x, how) _mm256_round_pd(x, (how) | _MM_FROUND_NO_EXC)
#define CJK_ROUND_f32(x, how) _mm256_round_ps(x, (how) | _MM_FROUND_NO_EXC)
#include "kernel/body.h"
