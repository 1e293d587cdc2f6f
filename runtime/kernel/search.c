/* search.c -- searchsorted {right}: for every v of the last axis of operand 1 its place in the last axis of operand 0,
** which ascends; leading axes broadcast. */
#include "kernel/kernels.h"
#include "kernel/tools.h"
#include "kernel/walk.h"

/* The leading axes of the result, with the strides of result, sequences and values, and the lines. */
typedef struct search_lines {
  int rank;
  int64_t dim[CJ_MAXRANK], ys[CJ_MAXRANK], xs[CJ_MAXRANK], vs[CJ_MAXRANK];
  int64_t n, m, xstep, vstep, ystep;
} search_lines;

static int64_t last_stride(const cj_view *v) { return v->stride[v->type->rank - 1]; }

static search_lines lines_to_search(const cj_view *in, const cj_view *out) {
  search_lines s = {.rank = out->type->rank - 1, .n = cjt_at(in[0].type, 1), .m = cjt_at(in[1].type, 1)};
  s.xstep = last_stride(&in[0]), s.vstep = last_stride(&in[1]), s.ystep = last_stride(out);
  for (int k = 0; k < s.rank; k++) s.dim[k] = out->type->dim[k], s.ys[k] = out->stride[k];
  cjk_batch_strides(&in[0], 1, s.rank, s.dim, s.xs);
  cjk_batch_strides(&in[1], 1, s.rank, s.dim, s.vs);
  return s;
}

#define NAME searchsorted_f64
#define T double
#include "kernel/search.h"
#define NAME searchsorted_f32
#define T float
#include "kernel/search.h"
#define NAME searchsorted_i64
#define T int64_t
#include "kernel/search.h"

const cj_eval cjk_searchsorted[CJ_NDTYPE] = {searchsorted_f64, searchsorted_f32, searchsorted_i64, NULL};
