/*
** rules.h -- what the files of rules/ share: the rows, and the heads of the functions on a row, whose
** parameters are those of op.h by the names c self in nin a out, g a in nin y i ct, g a in nin y t,
** k out cap nout.
*/
#ifndef cj_rules_rules_h
#define cj_rules_rules_h

#include "kernel/kernels.h"
#include "rules/args.h"

#define OP(name) extern const cj_op cjo_##name;
#include "def/ops.def"
#undef OP

#if defined(__GNUC__)
#define CJR_ANY __attribute__((unused)) /* a parameter that not every rule needs */
#else
#define CJR_ANY
#endif

#define CJR_INFER(name)                                                                                                \
  bool name(cj_ctx *c CJR_ANY, const cj_op *self CJR_ANY, const cj_type *const *in CJR_ANY, int nin CJR_ANY,           \
            const cj_attr *a CJR_ANY, cj_type *out)
#define CJR_ALIAS(name)                                                                                                \
  bool name(const cj_type *in CJR_ANY, const int64_t *stride CJR_ANY, const cj_attr *a CJR_ANY,                        \
            const cj_type *out CJR_ANY, int64_t *ostride, int64_t *offset)
#define CJR_TRANSPOSE(name)                                                                                            \
  cj_ref name(cj_graph *g, const cj_attr *a CJR_ANY, const cj_ref *in CJR_ANY, int nin CJR_ANY, cj_ref y CJR_ANY,      \
              int i CJR_ANY, cj_ref ct)
#define CJR_JVP(name)                                                                                                  \
  cj_ref name(cj_graph *g, const cj_attr *a CJR_ANY, const cj_ref *in CJR_ANY, int nin CJR_ANY, cj_ref y CJR_ANY,      \
              const cj_ref *t)
#define CJR_FACE(name) bool name(const cj_call *k, cj_ref *out, int cap CJR_ANY, int *nout)

/* Promotes by the dtypes that the row computes in, casts, emits: the face of every elementwise row. */
CJR_FACE(cjr_face_elementwise);

CJR_INFER(cjr_infer_same);   /* the type of operand 0 */
CJR_INFER(cjr_infer_reduce); /* operand 0 without the axes of the mask a->v[0]; bool and int64 stay what they are */

/* x with axis (from the end) of another size, which may be 0. */
static inline cj_type cjr_resized(cj_type x, int axis, int64_t n) {
  x.dim[x.rank - axis] = n;
  return x;
}
/* cjt_make with that message.  Same dtype and shape in *t may come in. */
bool cjr_checked(cj_ctx *c, const cj_op *self, cj_type *t);
/* The numbers of an instruction may come from a file: axis must be one of t. */
bool cjr_isaxis(cj_ctx *c, const cj_op *self, const cj_type *t, int64_t axis);
bool cjr_samedtype(cj_ctx *c, const cj_op *self, const cj_type *x, const cj_type *z);

/* x moved one place along axis, to higher indices or (back) to lower ones; `enters` comes in at the end that
** became free. */
cj_ref cjr_shift(cj_graph *g, cj_ref x, int axis, bool back, double enters);
/* Of a result of lurect: which row of the matrix each row of L U is. */
cj_ref cjr_row_order(cj_graph *g, cj_ref y);
/* (x + x')/2 of the last two axes */
cj_ref cjr_symmetric(cj_graph *g, cj_ref x);
#endif
