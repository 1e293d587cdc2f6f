/* common.h -- between the files of this floor. */
#ifndef cj_transform_common_h
#define cj_transform_common_h

#include "graph/sub.h"

bool cjx_islinear(const cj_op *row, int i); /* in operand i; entries from 31 on share the last bit */
bool cjx_isaux(const cj_op *row, int i);
/* The derivative of f's instruction r goes through operand i, which depends on what is on. */
bool cjx_carried(const cj_graph *f, cj_ref r, int i, const uint8_t *on);

/* control.c: loops.  in: operands, y: the result, t: tangents (0: none); gives the tangent of y. */
cj_ref cjx_push_loop(cj_graph *g, const cj_ref *in, cj_ref y, const cj_ref *t);
/* Cotangents of parts of a result: of slices of it, and of all of it. */
typedef struct cjx_cotangents {
  const cj_ref *slice, *ct; /* n of each */
  uint32_t n;
  cj_ref whole; /* 0: none */
} cjx_cotangents;
/* out[i]: the cotangent of operand i of the loop r, for those with want[i]; 0: none. */
bool cjx_pull_loop(cj_graph *g, cj_ref r, const cjx_cotangents *ct, const uint8_t *want, cj_ref *out);
/* The loop r of f with a leading axis of n on the operands with on[i]; in[i]: what they are in g (0: a structural
** zero).  Its result has that axis in front. */
cj_ref cjx_batch_loop(cj_graph *g, const cj_graph *f, cj_ref r, int64_t n, const cj_ref *in, const uint8_t *on);

/* g if it is good (verified in debug builds), else NULL, with g freed. */
cj_graph *cjx_finish(cj_graph *g);
#endif
