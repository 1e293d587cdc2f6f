/*
** stack.h -- kernels of matrices: where the matrices of each operand lie while the result is filled in
** row-major order.  Leading axes broadcast.
**
**   for (cjk_stack s = cjk_stack_of(in, nin, out, core); s.left > 0; cjk_stack_next(&s))
**     matrix(in[0].data + s.at[0] elements, ...);
*/
#ifndef cj_kernel_stack_h
#define cj_kernel_stack_h

#include "kernel/view.h"

enum { CJK_STACK = 8 }; /* operands at most */

typedef struct cjk_stack {
  int rank, nin;
  int64_t left;          /* matrices still to come, with this one */
  int64_t at[CJK_STACK]; /* offset in elements of the matrix of each operand */
  int64_t dim[CJ_MAXRANK], index[CJ_MAXRANK], stride[CJK_STACK][CJ_MAXRANK];
} cjk_stack;

/* core: trailing axes of every operand that make a matrix; outcore: of the result. */
cjk_stack cjk_stack_of(const cj_view *in, int nin, const cj_type *out, int core, int outcore);
void cjk_stack_next(cjk_stack *s);

/* A matrix of an operand: the last two axes of v. */
typedef struct cjk_matrix {
  int64_t rows, cols, rs, cs;
} cjk_matrix;
static inline cjk_matrix cjk_matrix_of(const cj_view *v) {
  int r = v->type->rank;
  return (cjk_matrix){v->type->dim[r - 2], v->type->dim[r - 1], v->stride[r - 2], v->stride[r - 1]};
}
#endif
