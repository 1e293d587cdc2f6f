/* stack.c -- walks through stacks of matrices. */
#include "kernel/stack.h"

cjk_stack cjk_stack_of(const cj_view *in, int nin, const cj_type *out, int core, int outcore) {
  cjk_stack s = {.rank = out->rank - outcore, .nin = nin < CJK_STACK ? nin : CJK_STACK, .left = 1};
  for (int i = 0; i < s.rank; i++) {
    s.dim[i] = out->dim[i];
    s.left *= s.dim[i];
    for (int k = 0; k < s.nin; k++) {
      int axis = in[k].type->rank - core - s.rank + i;
      bool there = axis >= 0 && in[k].type->dim[axis] != 1;
      s.stride[k][i] = there ? in[k].stride[axis] : 0;
    }
  }
  return s;
}

void cjk_stack_next(cjk_stack *s) {
  s->left--;
  for (int i = s->rank - 1; i >= 0; i--) {
    for (int k = 0; k < s->nin; k++) s->at[k] += s->stride[k][i];
    if (++s->index[i] < s->dim[i]) return;
    for (int k = 0; k < s->nin; k++) s->at[k] -= s->stride[k][i] * s->dim[i];
    s->index[i] = 0;
  }
}
