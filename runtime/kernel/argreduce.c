/* argreduce.c -- argmax and argmin over the axes of the mask a->v[0] (bit k - 1: axis k from the end): the
** row-major number of the element among them.  The first of equals wins; a NaN wins over numbers. */
#include "kernel/tools.h"
#include "kernel/walk.h"
#include <string.h>

#define COLUMNS 32            /* results computed side by side */
#define ISNAN(x) ((x) != (x)) /* of integers too */

/* The kept axes, and the reduced ones merged. */
typedef struct lines {
  int rank, nred;
  int64_t dim[CJ_MAXRANK], stride[CJ_MAXRANK], rdim[CJ_MAXRANK], rstride[1][CJ_MAXRANK];
} lines;

static lines lines_of(const cj_view *in, int64_t mask) {
  lines s = {0};
  for (int k = 0, r = in->type->rank; k < r; k++) {
    bool reduced = mask >> (r - 1 - k) & 1;
    *(reduced ? &s.rdim[s.nred] : &s.dim[s.rank]) = in->type->dim[k];
    *(reduced ? &s.rstride[0][s.nred++] : &s.stride[s.rank++]) = in->stride[k];
  }
  s.nred = cjk_merge(s.nred, s.rdim, 1, s.rstride);
  if (s.nred == 0) s.rdim[s.nred++] = 1;
  return s;
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
