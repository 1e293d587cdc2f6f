/*
** vector.h -- vectors of doubles, as wide as this machine has them, with SLEEF's functions.
*/
#ifndef bench_vector_h
#define bench_vector_h

#include <immintrin.h>
#include <math.h>
#include <sleef.h>

#if defined(__AVX512F__)
enum { LANES = 8 };
typedef __m512d vec;
static inline vec vload(const double *p) { return _mm512_loadu_pd(p); }
static inline void vstore(double *p, vec v) { _mm512_storeu_pd(p, v); }
static inline vec vset(double v) { return _mm512_set1_pd(v); }
static inline vec vfma(vec a, vec b, vec c) { return _mm512_fmadd_pd(a, b, c); }   /* a b + c */
static inline vec vfnma(vec a, vec b, vec c) { return _mm512_fnmadd_pd(a, b, c); } /* c - a b */
static inline vec vmax(vec a, vec b) { return _mm512_max_pd(a, b); }
static inline double vsum(vec v) { return _mm512_reduce_add_pd(v); }
#define VECTOR(f) Sleef_##f##d8_u10avx512f
#elif defined(__AVX2__) && defined(__FMA__)
enum { LANES = 4 };
typedef __m256d vec;
static inline vec vload(const double *p) { return _mm256_loadu_pd(p); }
static inline void vstore(double *p, vec v) { _mm256_storeu_pd(p, v); }
static inline vec vset(double v) { return _mm256_set1_pd(v); }
static inline vec vfma(vec a, vec b, vec c) { return _mm256_fmadd_pd(a, b, c); }
static inline vec vfnma(vec a, vec b, vec c) { return _mm256_fnmadd_pd(a, b, c); }
static inline vec vmax(vec a, vec b) { return _mm256_max_pd(a, b); }
static inline double vsum(vec v) { return v[0] + v[1] + v[2] + v[3]; }
#define VECTOR(f) Sleef_##f##d4_u10avx2
#else /* one at a time */
enum { LANES = 1 };
typedef double vec __attribute__((vector_size(8)));
static inline vec vload(const double *p) { return (vec){*p}; }
static inline void vstore(double *p, vec v) { *p = v[0]; }
static inline vec vset(double v) { return (vec){v}; }
static inline vec vfma(vec a, vec b, vec c) { return a * b + c; }
static inline vec vfnma(vec a, vec b, vec c) { return c - a * b; }
static inline vec vmax(vec a, vec b) { return (vec){fmax(a[0], b[0])}; }
static inline double vsum(vec v) { return v[0]; }
#endif

static inline vec vadd(vec a, vec b) { return a + b; }
static inline vec vsub(vec a, vec b) { return a - b; }
static inline vec vmul(vec a, vec b) { return a * b; }
static inline vec vneg(vec a) { return -a; }

#ifdef VECTOR
static inline vec vexp(vec v) { return VECTOR(exp)(v); }
static inline vec vsin(vec v) { return VECTOR(sin)(v); }
static inline vec vcos(vec v) { return VECTOR(cos)(v); }
static inline vec vtanh(vec v) { return VECTOR(tanh)(v); }
#else
static inline vec vexp(vec v) { return (vec){exp(v[0])}; }
static inline vec vsin(vec v) { return (vec){sin(v[0])}; }
static inline vec vcos(vec v) { return (vec){cos(v[0])}; }
static inline vec vtanh(vec v) { return (vec){tanh(v[0])}; }
#endif
#endif
