/* loops_base.c -- 16-byte vectors: what every CPU of the architecture has (SSE2 on x86-64). */
#define CJK_VBYTES 16
#define CJK_TABLE cjk_loops_base
#define CJK_PICKED cjk_picked_base

#if defined(__x86_64__) && !defined(CJ_NO_SLEEF)
#include <sleef.h>
#define CJK_SLEEF_f64(name, ulp) Sleef_##name##d2##ulp##sse2
#define CJK_SLEEF_f32(name, ulp) Sleef_##name##f4##ulp##sse2
#define CJK_BITS_f64(m) _mm_movemask_pd((__m128d)(m))
#define CJK_BITS_f32(m) _mm_movemask_ps((__m128)(m))
#define CJK_SEL_f64(m, a, b)                                                                                           \
  _mm_or_pd(_mm_and_pd(m, a), _mm_andnot_pd(m, b)) /* gcc 12 has a bug in plain & | ~ here                             \
                                                    */
#define CJK_SEL_f32(m, a, b) _mm_or_ps(_mm_and_ps(m, a), _mm_andnot_ps(m, b))
#define CJK_SQRT_f64(x) _mm_sqrt_pd(x)
#define CJK_SQRT_f32(x) _mm_sqrt_ps(x)
#endif
#include "kernel/body.h"
