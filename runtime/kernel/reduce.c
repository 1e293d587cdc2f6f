/* reduce.c -- sum, prod, amax, amin, any, all over the axes of a mask: bit k - 1 is axis k from the end. */
#include "kernel/tools.h"
#include "kernel/walk.h"
#include <math.h>
#include <string.h>

#define DEPTH 64   /* partial results waiting to be combined in pairs: log2 of the number of blocks */
#define COLUMNS 32 /* results computed side by side */

/* The kept axes, one of which is last where x is contiguous along it, and the reduced ones, merged. */
typedef struct reduction {
  int rank, nred;
  int64_t dim[CJ_MAXRANK], xstride[CJ_MAXRANK], ystride[CJ_MAXRANK];
  int64_t rdim[CJ_MAXRANK], rstride[CJ_MAXRANK];
  int64_t count, inner_step; /* elements of one result; step along the last reduced axis */
} reduction;

static void kept_last(reduction *r, int k) { /* moves kept axis k behind the others */
  int64_t d = r->dim[k], x = r->xstride[k], y = r->ystride[k];
  for (; k + 1 < r->rank; k++) {
    r->dim[k] = r->dim[k + 1];
    r->xstride[k] = r->xstride[k + 1];
    r->ystride[k] = r->ystride[k + 1];
  }
  r->dim[k] = d;
  r->xstride[k] = x;
  r->ystride[k] = y;
}

static reduction reduction_of(const cj_view *in, int64_t mask, const cj_view *out) {
  reduction r;
  r.rank = r.nred = 0;
  r.count = 1;
  int64_t stride[1][CJ_MAXRANK];
  for (int k = 0; k < in->type->rank; k++) {
    int64_t d = in->type->dim[k];
    if (mask >> (in->type->rank - k - 1) & 1) {
      r.rdim[r.nred] = d;
      stride[0][r.nred++] = in->stride[k];
      r.count *= d;
    } else {
      r.dim[r.rank] = d;
      r.ystride[r.rank] = out->stride[r.rank];
      r.xstride[r.rank++] = in->stride[k];
    }
  }
  r.nred = cjk_merge(r.nred, r.rdim, 1, stride);
  memcpy(r.rstride, stride[0], sizeof r.rstride);
  r.inner_step = r.nred > 0 ? r.rstride[r.nred - 1] : 0;
  for (int k = 0; k < r.rank; k++)
    if (r.xstride[k] == 1 && r.dim[k] > 1) {
      kept_last(&r, k);
      break;
    }
  return r;
}

/* The elements of one result in row-major order. */
typedef struct cjk_stream {
  int64_t at, left; /* offset of the next element; how many from there lie along the last reduced axis */
  int64_t index[CJ_MAXRANK];
} cjk_stream;

static cjk_stream stream_start(const reduction *r) {
  cjk_stream s = {.left = r->nred > 0 ? r->rdim[r->nred - 1] : 1};
  return s;
}

static void stream_carry(cjk_stream *s, const reduction *r) {
  int last = r->nred - 1;
  if (last < 0) return;
  s->at -= r->rdim[last] * r->rstride[last];
  s->left = r->rdim[last];
  for (int k = last - 1; k >= 0; k--) {
    s->at += r->rstride[k];
    if (++s->index[k] < r->rdim[k]) return;
    s->at -= r->rdim[k] * r->rstride[k];
    s->index[k] = 0;
  }
}

/* n <= left */
static inline void stream_skip(cjk_stream *s, const reduction *r, int64_t n) {
  s->at += n * r->inner_step;
  s->left -= n;
  if (s->left == 0) stream_carry(s, r);
}

/* The next n elements, to buf. */
static void stream_take(cjk_stream *s, const reduction *r, void *buf, const void *x, int64_t n, size_t esize) {
  for (char *p = buf; n > 0;) {
    int64_t m = s->left < n ? s->left : n;
    cjk_load(p, (const char *)x + s->at * (int64_t)esize, r->inner_step, m, esize);
    stream_skip(s, r, m);
    p += m * (int64_t)esize;
    n -= m;
  }
}

#define LOAD(x) (x)
#define COMBINE(a, b) ((a) + (b))
#define IDENTITY 0
#define NAME sum_f64
#define SHORT_SUMS int64_t
#define FEW_COLUMNS
#define T double
#define A double
#include "kernel/reduce.h"
#define NAME sum_f32
#define SHORT_SUMS int32_t
#define FEW_COLUMNS
#define T float
#define A float
#include "kernel/reduce.h"
#define NAME sum_i64
#define T int64_t
#define A int64_t
#include "kernel/reduce.h"
#undef COMBINE
#undef IDENTITY

#define COMBINE(a, b) ((a) * (b))
#define IDENTITY 1
#define NAME prod_f64
#define T double
#define A double
#include "kernel/reduce.h"
#define NAME prod_f32
#define T float
#define A float
#include "kernel/reduce.h"
#define NAME prod_i64
#define T int64_t
#define A int64_t
#include "kernel/reduce.h"
#undef COMBINE
#undef IDENTITY

/* A NaN stays: it is not below anything, and replaces anything.  Compilers do not see that this can be
** done on vectors; most of the n columns are, 64 bytes at a time. */
#ifdef __SSE2__
#include <emmintrin.h> /* gcc 12 takes the plain text for a choice between integers, and makes it one by one */
#define SELECT(m, b, a) _mm_or_pd(_mm_and_pd((__m128d)(m), (__m128d)(b)), _mm_andnot_pd((__m128d)(m), (__m128d)(a)))
#else
typedef int64_t mask __attribute__((vector_size(16)));
#define SELECT(m, b, a) (((mask)(b) & (mask)(m)) | ((mask)(a) & ~(mask)(m)))
#endif
#define VECTOR_EXTREME(name, T, better)                                                                                \
  CJK_INLINE int name(T *acc, const T *x, int n, int64_t rows) {                                                       \
    typedef T vec __attribute__((vector_size(16)));                                                                    \
    int i = 0, w = 16 / (int)sizeof(T);                                                                                \
    for (; i + 4 * w <= n; i += 4 * w) {                                                                               \
      vec a[4], b;                                                                                                     \
      memcpy(a, acc + i, sizeof a);                                                                                    \
      for (int64_t r = 0; r < rows; r++)                                                                               \
        for (int k = 0; k < 4; k++) {                                                                                  \
          memcpy(&b, x + r * n + i + k * w, sizeof b);                                                                 \
          a[k] = (vec)SELECT(b better a[k], b, a[k]);                                                                  \
          a[k] = (vec)SELECT(b == b, a[k], b);                                                                         \
        }                                                                                                              \
      memcpy(acc + i, a, sizeof a);                                                                                    \
    }                                                                                                                  \
    return i;                                                                                                          \
  }
VECTOR_EXTREME(max_f64, double, >)
VECTOR_EXTREME(max_f32, float, >)
VECTOR_EXTREME(min_f64, double, <)
VECTOR_EXTREME(min_f32, float, <)

#define COMBINE(a, b) ((b) > (a) || (b) != (b) ? (b) : (a))
#define IDENTITY ((A)-INFINITY)
#define NAME amax_f64
#define FEW_COLUMNS
#define VECTOR_INTO max_f64
#define T double
#define A double
#include "kernel/reduce.h"
#define NAME amax_f32
#define FEW_COLUMNS
#define VECTOR_INTO max_f32
#define T float
#define A float
#include "kernel/reduce.h"
#undef COMBINE
#undef IDENTITY

#define COMBINE(a, b) ((b) < (a) || (b) != (b) ? (b) : (a))
#define IDENTITY ((A)INFINITY)
#define NAME amin_f64
#define FEW_COLUMNS
#define VECTOR_INTO min_f64
#define T double
#define A double
#include "kernel/reduce.h"
#define NAME amin_f32
#define FEW_COLUMNS
#define VECTOR_INTO min_f32
#define T float
#define A float
#include "kernel/reduce.h"
#undef COMBINE
#undef IDENTITY

#define COMBINE(a, b) ((b) > (a) ? (b) : (a))
#define IDENTITY INT64_MIN
#define NAME amax_i64
#define T int64_t
#define A int64_t
#include "kernel/reduce.h"
#undef COMBINE
#undef IDENTITY

#define COMBINE(a, b) ((b) < (a) ? (b) : (a))
#define IDENTITY INT64_MAX
#define NAME amin_i64
#define T int64_t
#define A int64_t
#include "kernel/reduce.h"
#undef COMBINE
#undef IDENTITY
#undef LOAD

#define LOAD(x) ((uint8_t)((x) != 0))
#define COMBINE(a, b) ((uint8_t)((a) | (b)))
#define IDENTITY 0
#define NAME any_f64
#define T double
#define A uint8_t
#include "kernel/reduce.h"
#define NAME any_f32
#define T float
#define A uint8_t
#include "kernel/reduce.h"
#define NAME any_i64
#define T int64_t
#define A uint8_t
#include "kernel/reduce.h"
#define NAME any_b8
#define T uint8_t
#define A uint8_t
#include "kernel/reduce.h"
#undef COMBINE
#undef IDENTITY

#define COMBINE(a, b) ((uint8_t)((a) & (b)))
#define IDENTITY 1
#define NAME all_f64
#define T double
#define A uint8_t
#include "kernel/reduce.h"
#define NAME all_f32
#define T float
#define A uint8_t
#include "kernel/reduce.h"
#define NAME all_i64
#define T int64_t
#define A uint8_t
#include "kernel/reduce.h"
#define NAME all_b8
#define T uint8_t
#define A uint8_t
#include "kernel/reduce.h"

const cj_eval cjk_sum[CJ_NDTYPE] = {sum_f64, sum_f32, sum_i64, NULL};
const cj_eval cjk_prod[CJ_NDTYPE] = {prod_f64, prod_f32, prod_i64, NULL};
const cj_eval cjk_amax[CJ_NDTYPE] = {amax_f64, amax_f32, amax_i64, any_b8}; /* of bools: any, all */
const cj_eval cjk_amin[CJ_NDTYPE] = {amin_f64, amin_f32, amin_i64, all_b8};
const cj_eval cjk_any[CJ_NDTYPE] = {any_f64, any_f32, any_i64, any_b8};
const cj_eval cjk_all[CJ_NDTYPE] = {all_f64, all_f32, all_i64, all_b8};

#define X(name)                                                                                                        \
  size_t cjk_##name##_work(const cj_type *const *in, int nin, const cj_attr *a) {                                      \
    CJ_UNUSED(in), CJ_UNUSED(nin), CJ_UNUSED(a);                                                                       \
    return 0;                                                                                                          \
  }
X(sum) X(prod) X(amax) X(amin) X(any) X(all) X(argmax) X(argmin)
#undef X
