/*
** factor.c -- evals of the matrix rows: stacks of matrices, packed results.  NaN and infinity: lu,
** lusolve and trisolve let them flow into the result; cholesky, qrpack and eighpack say EDOMAIN.
*/
#include "kernel/kernels.h"
#include "kernel/lapack.h"

#include <math.h>
#include <string.h>

static int64_t size_at(const cj_type *t, int k) { return k <= t->rank ? t->dim[t->rank - k] : 1; }

static int64_t count(const cj_type *t) {
  int64_t n = 1;
  for (int i = 0; i < t->rank; i++) n *= t->dim[i];
  return n;
}

/* Where the matrices of operands lie: one offset an operand, which moves through the stack of the result. */
typedef struct stack {
  int rank, nin;
  int64_t dim[CJ_MAXRANK], index[CJ_MAXRANK], stride[3][CJ_MAXRANK], at[3];
} stack;

static void open_stack(stack *s, const cj_view *in, int nin, const cj_type *out, int core) {
  *s = (stack){.rank = out->rank - core, .nin = nin};
  for (int i = 0; i < s->rank; i++) {
    s->dim[i] = out->dim[i];
    for (int k = 0; k < nin; k++) {
      int axis = in[k].type->rank - 2 - s->rank + i;
      bool there = axis >= 0 && in[k].type->dim[axis] != 1;
      s->stride[k][i] = there ? in[k].stride[axis] : 0;
    }
  }
}

static int64_t depth(const stack *s) {
  int64_t n = 1;
  for (int i = 0; i < s->rank; i++) n *= s->dim[i];
  return n;
}

static void next(stack *s) {
  for (int i = s->rank - 1; i >= 0; i--) {
    for (int k = 0; k < s->nin; k++) s->at[k] += s->stride[k][i];
    if (++s->index[i] < s->dim[i]) return;
    for (int k = 0; k < s->nin; k++) s->at[k] -= s->stride[k][i] * s->dim[i];
    s->index[i] = 0;
  }
}

static int64_t row_stride(const cj_view *v) { return v->stride[v->type->rank - 2]; }
static int64_t col_stride(const cj_view *v) { return v->stride[v->type->rank - 1]; }

#define T double
#define NAME(f) f##_f64
#define CALL(f) cjk_##f##_f64
#include "kernel/factor_body.h"
#undef T
#undef NAME
#undef CALL

#define T float
#define NAME(f) f##_f32
#define CALL(f) cjk_##f##_f32
#include "kernel/factor_body.h"
#undef T
#undef NAME
#undef CALL

#define TABLE(name) const cj_eval cjk_##name[CJ_NDTYPE] = {[CJ_F64] = eval_##name##_f64, [CJ_F32] = eval_##name##_f32};
TABLE(lu)
TABLE(lusolve)
TABLE(cholesky)
TABLE(trisolve)
TABLE(qrpack)
TABLE(eighpack)

/* Workspaces in bytes; float32 takes half of it. */
#define WORK(name) size_t cjk_##name##_work(const cj_type *const *in, int nin, const cj_attr *a)
WORK(lu) {
  (void)nin, (void)a;
  int64_t n = size_at(in[0], 1);
  return (size_t)(n + cjk_getrf_work(n)) * 8;
}
WORK(lusolve) { /* one factor, and the right-hand sides side by side */
  (void)nin, (void)a;
  return (size_t)(count(in[2]) + size_at(in[1], 1) * size_at(in[1], 2)) * 8;
}
WORK(cholesky) {
  (void)in, (void)nin, (void)a;
  return 0;
}
WORK(trisolve) {
  (void)nin, (void)a;
  return (size_t)(count(in[1]) + size_at(in[0], 1) * size_at(in[0], 1)) * 8;
}
WORK(qrpack) {
  (void)nin, (void)a;
  return (size_t)cjk_qr_work(size_at(in[0], 1)) * 8;
}
WORK(eighpack) {
  (void)nin, (void)a;
  return (size_t)cjk_eigh_work(size_at(in[0], 1)) * 8;
}
