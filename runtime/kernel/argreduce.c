/* argreduce.c -- argmax and argmin along axis a->v[0], or of all elements in row-major order (0).  The
** first of equals wins; a NaN wins over numbers. */
#include "kernel/tools.h"
#include "kernel/walk.h"
#include <string.h>

#define COLUMNS 32 /* results computed side by side */
#define ISNAN(x) ((x) != (x)) /* of integers too */

static int drop_axis(const cj_view *in, int axis, int64_t *dim, int64_t *stride) {
  int r = 0;
  for (int k = 0; k < in->type->rank; k++) {
    if (k == axis) continue;
    dim[r] = in->type->dim[k];
    stride[r++] = in->stride[k];
  }
  return r;
}

#define BETTER >
#define NAME argmax_f64
#define T double
#include "kernel/argreduce.h"
#define NAME argmax_f32
#define T float
#include "kernel/argreduce.h"
#define NAME argmax_i64
#define T int64_t
#include "kernel/argreduce.h"
#define NAME argmax_b8
#define T uint8_t
#include "kernel/argreduce.h"
#undef BETTER

#define BETTER <
#define NAME argmin_f64
#define T double
#include "kernel/argreduce.h"
#define NAME argmin_f32
#define T float
#include "kernel/argreduce.h"
#define NAME argmin_i64
#define T int64_t
#include "kernel/argreduce.h"
#define NAME argmin_b8
#define T uint8_t
#include "kernel/argreduce.h"

const cj_eval cjk_argmax[CJ_NDTYPE] = {argmax_f64, argmax_f32, argmax_i64, argmax_b8};
const cj_eval cjk_argmin[CJ_NDTYPE] = {argmin_f64, argmin_f32, argmin_i64, argmin_b8};
