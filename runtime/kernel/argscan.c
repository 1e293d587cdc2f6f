/* argscan.c -- argcummax, argcummin {axis}: for every element the place, along its line and up to it, of the largest
** (smallest); the last of equals, and a NaN before numbers. */
#include "kernel/kernels.h"
#include "kernel/tools.h"
#include "kernel/walk.h"

#define ISNAN(x) ((x) != (x)) /* of integers too */

/* The axes other than one, and the lines along that one. */
typedef struct line_axes {
  int rank;
  int64_t dim[CJ_MAXRANK], xs[CJ_MAXRANK], ys[CJ_MAXRANK];
  int64_t n, xstep, ystep;
} line_axes;

static line_axes other_axes(const cj_view *in, const cj_view *out, int64_t which) {
  int axis = cjk_front(in->type, which);
  line_axes s = {.n = in->type->dim[axis], .xstep = in->stride[axis], .ystep = out->stride[axis]};
  for (int k = 0; k < in->type->rank; k++)
    if (k != axis) s.dim[s.rank] = in->type->dim[k], s.xs[s.rank] = in->stride[k], s.ys[s.rank++] = out->stride[k];
  return s;
}

#define ASGOOD >=
#define NAME argcummax_f64
#define T double
#include "kernel/argscan.h"
#define NAME argcummax_f32
#define T float
#include "kernel/argscan.h"
#define NAME argcummax_i64
#define T int64_t
#include "kernel/argscan.h"
#define NAME argcummax_b8
#define T uint8_t
#include "kernel/argscan.h"
#undef ASGOOD

#define ASGOOD <=
#define NAME argcummin_f64
#define T double
#include "kernel/argscan.h"
#define NAME argcummin_f32
#define T float
#include "kernel/argscan.h"
#define NAME argcummin_i64
#define T int64_t
#include "kernel/argscan.h"
#define NAME argcummin_b8
#define T uint8_t
#include "kernel/argscan.h"
#undef ASGOOD

const cj_eval cjk_argcummax[CJ_NDTYPE] = {argcummax_f64, argcummax_f32, argcummax_i64, argcummax_b8};
const cj_eval cjk_argcummin[CJ_NDTYPE] = {argcummin_f64, argcummin_f32, argcummin_i64, argcummin_b8};
