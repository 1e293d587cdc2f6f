/*
** transform.h -- program in, program out; no switch on operations here, everything is on the rows.
** All return a new verified graph, or NULL with the context's error set.  Inputs of a program are its
** arguments and then its captures; transforms keep the captures last and in order.
*/
#ifndef cj_transform_transform_h
#define cj_transform_transform_h

#include "graph/graph.h"

/* (x..) -> (y..)  =>  (x.., t..) -> (y.., ty..).  active: narg flags, a tangent argument for each one
** set, in order; NULL: all.  wantvalue false: only (ty..).  A ty without dependence is zeros. */
cj_graph *cjx_jvp(const cj_graph *f, const uint8_t *active, bool wantvalue);

/* (x..) -> (y..)  =>  (x.., c..) -> (y.., cx..): one cotangent argument an output, one cx an active
** argument.  Derived from jvp: elementwise partials, transposes, or the row's jvp transposed. */
cj_graph *cjx_vjp(const cj_graph *f, const uint8_t *active, bool wantvalue);

/* Gives the inputs i (arguments, then captures) with which[i] a leading axis of length n and carries
** it through; every output has it. */
cj_graph *cjx_batch(const cj_graph *f, const uint8_t *which, int64_t n);

/* Partial evaluation: known[i] for each input.  *first: (known inputs) -> (residuals..); *rest:
** (unknown inputs.., residuals..) -> outputs of f; inputs keep their order. */
bool cjx_split(const cj_graph *f, const uint8_t *known, cj_graph **first, cj_graph **rest);

/* dep[i * narg + j] = 1 where output i depends on argument j through differentiable operations. */
bool cjx_depends(const cj_graph *f, uint8_t *dep);
/* dep[i * narg + j] = 1 where the derivative of output i by argument j depends on an argument; with pairs,
** dep[(i * narg + j) * narg + k] = 1 where it depends on argument k.  That of a row that is not linear depends on all
** its operands. */
bool cjx_depends_twice(const cj_graph *f, bool pairs, uint8_t *dep);

/* f with its constants that have no code turned into 0-d captures after the others; index[k]: which
** constant of f the k-th one is.  *n of them; the array has room for f->nkonst. */
cj_graph *cjx_lift(const cj_graph *f, uint32_t *index, uint32_t *n);

/* The tangent of one instruction: in: its operands in g, y: its result in g, t: tangents (0: none). */
cj_ref cjx_push(cj_graph *g, int op, const cj_attr *a, const cj_ref *in, int nin, cj_ref y, const cj_ref *t);
#endif
