/*
** compose.h -- what the composites share: shorthand for their rows, and small pieces of programs that
** several families use.  Arguments are read through args.h.
*/
#ifndef cj_rules_compose_h
#define cj_rules_compose_h

#include "rules/rules.h"

/* The row of a composite whose face is build_NAME. */
#define CJR_COMPOSITE(NAME, MODULE, FLAGS, SIG, EXAMPLE, DOC)                                                          \
  const cj_op cjo_##NAME = {.name = #NAME,                                                                             \
                            .module = MODULE,                                                                          \
                            .sig = SIG,                                                                                \
                            .doc = DOC,                                                                                \
                            .example = EXAMPLE,                                                                        \
                            .kind = CJ_COMPOSITE,                                                                      \
                            .flags = FLAGS,                                                                            \
                            .build = build_##NAME}

/* --- operands --------------------------------------------------------------- */
static inline cj_ref cjr_operand(const cj_call *k, int i) { return i < k->nin ? k->in[i] : 0; } /* 0: absent */
/* Operands i .. i+n-1 cast to their common dtype, a float in the first, int64 or a float in the second. */
bool cjr_floats(const cj_call *k, int i, int n, cj_ref *out);
bool cjr_numbers(const cj_call *k, int i, int n, cj_ref *out);
/* Operand i, called name, as elements for a tensor of that dtype; EDTYPE where that would lose its category. */
bool cjr_into(const cj_call *k, int i, const char *name, int dtype, cj_ref *out);
/* Operand i, called name, holds indices. */
bool cjr_isindex(const cj_call *k, int i, const char *name);
/* t, the type of the argument called name: has exactly (at least) that rank; its last two axes are equal. */
bool cjr_wantrank(const cj_call *k, const cj_type *t, const char *name, int rank);
bool cjr_wantmatrix(const cj_call *k, const cj_type *t, const char *name);
bool cjr_wantsquare(const cj_call *k, const cj_type *t, const char *name);
/* Operands i .. i+n-1 (absent ones skipped) broadcast against each other. */
bool cjr_broadcasts(const cj_call *k, int i, int n);
/* A result of type t is not too large. */
bool cjr_fits(const cj_call *k, const cj_type *t);
/* n results have room; ELIMIT if not. */
bool cjr_room(const cj_call *k, int64_t n, int cap);

/* --- pieces of programs -------------------------------------------------------- */
int64_t cjr_span(const cj_type *t, uint32_t mask);         /* elements along the axes of mask */
cj_type cjr_flat(int dtype, int64_t n, int64_t m);         /* [n], or [n, m] unless m < 0 */
cj_ref cjr_scale(cj_graph *g, cj_ref x, double v);         /* v x; an integer x becomes float64 for a fraction v */
cj_ref cjr_at(cj_graph *g, cj_ref x, int axis, int64_t i); /* position i along axis, which vanishes */
/* The vector product along axis, of size 3 in both (composite_product.c). */
cj_ref cjr_cross(cj_graph *g, cj_ref a, cj_ref b, int axis);
cj_ref cjr_column(cj_graph *g, cj_ref x); /* a column: [..., n] to [..., n, 1] */
#endif
