/* loops_avx512.c -- 64-byte vectors; compiled with -mavx512f -mavx512dq -mavx512vl -mavx512bw. */
#define CJK_VBYTES 64
#define CJK_TABLE cjk_loops_avx512
#define CJK_PICKED cjk_picked_avx512

#include <immintrin.h>
#ifndef CJ_NO_SLEEF
#include <sleef.h>
#define CJK_SLEEF_f64(name, ulp) Sleef_##name##d8##ulp##avx512f
#define CJK_SLEEF_f32(name, ulp) Sleef_##name##f16##ulp##avx512f
#endif
#define CJK_ANY_f64(m) (_mm512_movepi64_mask((__m512i)(m)) != 0)
#define CJK_ANY_f32(m) (_mm512_movepi32_mask((__m512i)(m)) != 0)
#define CJK_SQRT_f64(x) _mm512_sqrt_pd(x)
#define CJK_SQRT_f32(x) _mm512_sqrt_ps(x)
#define CJK_FMA_f64(x, z, w) _mm512_fmadd_pd(x, z, w)
#define CJK_FMA_f32(x, z, w) _mm512_fmadd_ps(x, z, w)
#define CJK_ROUND_f64(x, how) _mm512_roundscale_pd(x, (how) | _MM_FROUND_NO_EXC)
#define CJK_ROUND_f32(x, how) _mm512_roundscale_ps(x, (how) | _MM_FROUND_NO_EXC)
#include "kernel/body.h"
