/*
** matmul.c -- products of stacks of matrices.  Operands repeated over the stack (stride 0) are merged into
** one large product where their layout allows: that is how a batch of seeds becomes matrix times matrix.
*/
#include "kernel/blas.h"
#include "kernel/kernels.h"

#include <string.h>

/* The stack axes, from the front, and what they are for each operand. */
typedef struct product_stack {
  int n;
  int64_t dim[CJ_MAXRANK], a[CJ_MAXRANK], b[CJ_MAXRANK];
  int64_t m, k, cols, ar, ac, br, bc; /* of one product */
  bool swapped;                       /* its left factor comes from operand b */
} product_stack;

static int64_t view_size_at(const cj_view *v, int k) {
  return k <= v->type->rank ? v->type->dim[v->type->rank - k] : 1;
}
static int64_t stride_at(const cj_view *v, int k) {
  return k <= v->type->rank && view_size_at(v, k) != 1 ? v->stride[v->type->rank - k] : 0;
}

static void open_products(product_stack *s, const cj_view *a, const cj_view *b, const cj_view *out) {
  int rank = out->type->rank;
  *s = (product_stack){.n = rank - 2};
  for (int i = 0; i < s->n; i++) {
    s->dim[i] = out->type->dim[i];
    s->a[i] = stride_at(a, rank - i);
    s->b[i] = stride_at(b, rank - i);
  }
  s->m = view_size_at(a, 2);
  s->k = view_size_at(a, 1);
  s->cols = view_size_at(b, 1);
  s->ar = stride_at(a, 2);
  s->ac = stride_at(a, 1);
  s->br = stride_at(b, 2);
  s->bc = stride_at(b, 1);
}

static int64_t count_products(const product_stack *s) {
  int64_t n = 1;
  for (int i = 0; i < s->n; i++) n *= s->dim[i];
  return n;
}

/* b is the same in the whole stack, and the rows of all a follow each other evenly: one taller product. */
static void merge_rows(product_stack *s) {
  while (s->n > 0) {
    int i = s->n - 1;
    if (s->b[i] != 0) return;
    if (s->dim[i] != 1) {
      if (s->a[i] == 0) return; /* the same rows again: nothing to gain, and they would have to be packed */
      if (s->m == 1)
        s->ar = s->a[i];
      else if (s->a[i] != s->m * s->ar)
        return;
      s->m *= s->dim[i];
    }
    s->n--;
  }
}

/* a is the same in the whole stack and b is a column: the columns side by side are the rows of b', and the
** result is their product with a'. */
static void merge_columns(product_stack *s) {
  if (s->cols != 1 || s->n == 0) return;
  int64_t rows = 1, stride = 0;
  for (int i = s->n - 1; i >= 0; i--) {
    if (s->a[i] != 0) return;
    if (s->dim[i] == 1) continue;
    if (rows == 1)
      stride = s->b[i];
    else if (s->b[i] != rows * stride)
      return;
    rows *= s->dim[i];
  }
  product_stack t = {
      .m = rows, .k = s->k, .cols = s->m, .ar = stride, .ac = s->br, .br = s->ac, .bc = s->ar, .swapped = true};
  *s = t;
}

typedef void (*product_fn)(const product_stack *s, const char *a, const char *b, char *c, void *ws);

static void product_f64(const product_stack *s, const char *a, const char *b, char *c, void *ws) {
  cjk_gemm_f64(s->m, s->cols, s->k, (const double *)(const void *)a, s->ar, s->ac, (const double *)(const void *)b,
               s->br, s->bc, (double *)(void *)c, ws);
}

static void product_f32(const product_stack *s, const char *a, const char *b, char *c, void *ws) {
  cjk_gemm_f32(s->m, s->cols, s->k, (const float *)(const void *)a, s->ar, s->ac, (const float *)(const void *)b, s->br,
               s->bc, (float *)(void *)c, ws);
}

static void product_i64(const product_stack *s, const char *a, const char *b, char *c, void *ws) {
  const int64_t *x = (const int64_t *)(const void *)a, *y = (const int64_t *)(const void *)b;
  int64_t *z = (int64_t *)(void *)c;
  (void)ws;
  memset(z, 0, (size_t)(s->m * s->cols) * sizeof *z);
  for (int64_t i = 0; i < s->m; i++)
    for (int64_t l = 0; l < s->k; l++)
      for (int64_t j = 0; j < s->cols; j++) z[i * s->cols + j] += x[i * s->ar + l * s->ac] * y[l * s->br + j * s->bc];
}

static cj_status run(const cj_view *in, cj_view *out, product_fn f, int64_t esize, void *ws) {
  product_stack s;
  int64_t index[CJ_MAXRANK] = {0};
  open_products(&s, &in[0], &in[1], out);
  merge_rows(&s);
  merge_columns(&s);
  const char *a = in[s.swapped].data, *b = in[!s.swapped].data;
  char *c = out->data;
  for (int64_t t = 0, n = count_products(&s); t < n; t++) {
    f(&s, a, b, c, ws);
    c += s.m * s.cols * esize;
    for (int i = s.n - 1; i >= 0; i--) {
      a += s.a[i] * esize;
      b += s.b[i] * esize;
      if (++index[i] < s.dim[i]) break;
      a -= s.a[i] * esize * s.dim[i];
      b -= s.b[i] * esize * s.dim[i];
      index[i] = 0;
    }
  }
  return CJ_OK;
}

#define EVAL(name, esize)                                                                                              \
  static cj_status eval_##name(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {                 \
    (void)nin;                                                                                                         \
    (void)a;                                                                                                           \
    return run(in, out, product_##name, esize, ws);                                                                    \
  }
EVAL(f64, 8)
EVAL(f32, 4)
EVAL(i64, 8)
const cj_eval cjk_matmul[CJ_NDTYPE] = {[CJ_F64] = eval_f64, [CJ_F32] = eval_f32, [CJ_I64] = eval_i64};

/* Room for both operands packed.  Merging makes the rows of one product at most those of the stack. */
size_t cjk_matmul_work(const cj_type *const *in, int nin, const cj_attr *a) {
  size_t n = 0;
  (void)nin;
  (void)a;
  if (in[0]->dtype != CJ_F64 && in[0]->dtype != CJ_F32) return 0;
  for (int i = 0; i < 2; i++) {
    size_t m = 1;
    for (int k = 0; k < in[i]->rank; k++) m *= (size_t)in[i]->dim[k];
    n += m;
  }
  return n * 8;
}
