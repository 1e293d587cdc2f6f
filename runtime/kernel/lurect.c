/*
** lurect.c -- LU factorisation of m x n matrices with row exchanges (Golub and Van Loan, "Matrix Computations",
** algorithm 3.4.1), and the permutation that a list of exchanges makes.
*/
#include "kernel/kernels.h"
#include "kernel/stack.h"

#include <math.h>

#define T double
#define NAME(f) lurect_##f##_f64
#include "kernel/lurect_body.h"
#undef T
#undef NAME

#define T float
#define NAME(f) lurect_##f##_f32
#include "kernel/lurect_body.h"
#undef T
#undef NAME

const cj_eval cjk_lurect[CJ_NDTYPE] = {[CJ_F64] = lurect_eval_f64, [CJ_F32] = lurect_eval_f32};

/* order[i]: the row that comes to place i when row i is exchanged with row p(i), one after the other. */
static cj_status eval_exchanges(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  int64_t n = in->type->dim[in->type->rank - 1], step = in->stride[in->type->rank - 1];
  int64_t m = a->v[0], *y = (int64_t *)(void *)out->data;
  (void)ws;
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 1, 1); s.left > 0; cjk_stack_next(&s), y += m) {
    const int64_t *p = (const int64_t *)(const void *)in->data + s.at[0];
    for (int64_t i = 0; i < m; i++) y[i] = i;
    for (int64_t i = 0; i < n; i++) {
      int64_t r = p[i * step];
      if (r < 0 || r >= m || i >= m) return CJ_ERANGE;
      int64_t keep = y[i];
      y[i] = y[r];
      y[r] = keep;
    }
  }
  return CJ_OK;
}

const cj_eval cjk_exchanges[CJ_NDTYPE] = {[CJ_I64] = eval_exchanges};
