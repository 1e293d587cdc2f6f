/* loops.c -- which instruction set this CPU has, and its loops. */
#include "kernel/loops.h"
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
static const cj_loop *const *const by_isa[CJ_NISA] = {cjk_loops_base, cjk_loops_avx2, cjk_loops_avx512};
static const cj_picked *const *const picked_by_isa[CJ_NISA] = {cjk_picked_base, cjk_picked_avx2, cjk_picked_avx512};

static int best_isa(void) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CJ_ISA_BASE;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512bw"))
    return CJ_ISA_AVX2;
  return CJ_ISA_AVX512;
}
#else
static const cj_loop *const *const by_isa[CJ_NISA] = {cjk_loops_base, cjk_loops_base, cjk_loops_base};
static const cj_picked *const *const picked_by_isa[CJ_NISA] = {cjk_picked_base, cjk_picked_base, cjk_picked_base};
static int best_isa(void) { return CJ_ISA_BASE; }
#endif

int cjk_isa(void) {
  static const char *const name[CJ_NISA] = {"base", "avx2", "avx512"};
  const char *wanted = getenv("CJAC_ISA");
  int best = best_isa();
  for (int i = 0; wanted && i < best; i++)
    if (!strcmp(wanted, name[i])) return i;
  return best;
}

cj_loop cjk_loop(int isa, int ew, int dtype) { return by_isa[isa][dtype][ew]; }
cj_picked cjk_picked(int isa, int ew, int dtype) {
  return picked_by_isa[isa][dtype] ? picked_by_isa[isa][dtype][ew] : NULL;
}
