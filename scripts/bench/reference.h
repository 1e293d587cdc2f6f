/*
** reference.h -- what code by hand looks like to the benchmark.
**
** x: the data of its inputs, float64 or int64, row-major; y: where its results go; n: sizes, as the case that
** calls it says.  A function that keeps something for later calls (a tape, room for intermediate results) makes
** it when it is called first, which is not timed.
*/
#ifndef bench_reference_h
#define bench_reference_h

#include <stdint.h>

#ifdef __cplusplus
#define BENCH(name) extern "C" void bench_##name(const void *const *x, void *const *y, const int64_t *n)
#else
#define BENCH(name) void bench_##name(const void *const *x, void *const *y, const int64_t *n)
#endif

typedef void bench_fn(const void *const *x, void *const *y, const int64_t *n);

#define BENCH_UNUSED(v) (void)(v)
#endif
