/*
** unroll.h -- small tensors as single elements: a program before planning, rewritten so that instructions on
** tensors of few elements become instructions on numbers, which a tape runs without the cost of a step and a
** view each.  Views, pieces put together, and sums with the zeros between them then cost nothing.
**
**   unroll.c       what is taken apart, and the new program
**   unroll_move.c  the elements of what only moves elements
**   unroll_math.c  the elements of what computes
**   unroll_solve.c the elements of factors, and of what is solved with them
**
** Zeros of identities, of what lies around an embedded piece, and of the other triangle of a factor are
** structural, as in derivatives: they annihilate, also NaN and infinity.
*/
#ifndef cj_exec_unroll_h
#define cj_exec_unroll_h

#include "exec/plan.h"

enum { CJE_SMALL = 16, CJE_ELEMENTS_MOST = 256 }; /* elements: of what is worth it anyway; of anything */

/* What the elements of an instruction are known as. */
typedef enum cje_form {
  CJE_WHOLE, /* a tensor in memory; elements are read there */
  CJE_APART  /* its elements, as instructions */
} cje_form;

typedef struct cje_unroller {
  cj_ctx *c;
  const cj_graph *f;            /* the program */
  cj_graph *g;                  /* the new one */
  bool lanes;                   /* it will be batched */
  uint8_t *live, *form, *fixed; /* by ref of f; fixed: computed from constants alone */
  cj_ref *map;                  /* by ref of f: the tensor in g; 0: a zero, or not made yet */
  uint32_t *at;                 /* by ref of f: 1 + where its elements are listed; 0: nowhere yet */
  CJE_ARRAY(cj_ref) elem;
  CJE_ARRAY(cj_ref) check; /* instructions that only fail: more outputs, behind the others */
} cje_unroller;

/* The program with its small tensors taken apart; *out NULL: as good as it is.  False: ENOMEM.  lanes: to be batched,
** so that numbers become vectors: all of it or nothing. */
bool cje_unroll(const cj_graph *f, bool lanes, cj_graph **out);

static inline int64_t cje_count_of(const cje_unroller *u, cj_ref r) { return cjt_count(cjg_type(u->f, r)); }
static inline cj_ref cje_operand_of(const cje_unroller *u, cj_ref r, int i) { return cjg_operands(u->f, r)[i]; }
/* Element k of x, a 0-d instruction of g; 0: a zero. */
cj_ref cje_element(cje_unroller *u, cj_ref x, int64_t k);

/* How many instructions the elements of r take; -1: it is no row for that, or too large.  Operands have their form. */
int64_t cje_price_of_move(const cje_unroller *u, cj_ref r);
int64_t cje_price_of_math(const cje_unroller *u, cj_ref r);
int64_t cje_price_of_solve(const cje_unroller *u, cj_ref r);
/* The elements of r into y.  False: not possible after all, or an error. */
bool cje_unroll_move(cje_unroller *u, cj_ref r, cj_ref *y);
bool cje_unroll_math(cje_unroller *u, cj_ref r, cj_ref *y);
bool cje_unroll_solve(cje_unroller *u, cj_ref r, cj_ref *y);

/* Where the elements of a view or of an operand lie, in the order of type t, for strides in elements. */
typedef struct cje_steps {
  const cj_type *t;
  const int64_t *stride;
  int64_t index[CJ_MAXRANK], at;
} cje_steps;
static inline cje_steps cje_steps_of(const cj_type *t, const int64_t *stride, int64_t first) {
  return (cje_steps){.t = t, .stride = stride, .at = first};
}
static inline void cje_steps_next(cje_steps *s) {
  for (int e = s->t->rank; e-- > 0;) {
    s->at += s->stride[e];
    if (++s->index[e] < s->t->dim[e]) return;
    s->at -= s->stride[e] * s->t->dim[e];
    s->index[e] = 0;
  }
}
/* Strides of x under the row-major order of t, to which it broadcasts, axes from the skip-th from the end on left
** out. */
void cje_broadcast_steps(const cj_type *t, const cj_type *x, int skip, int64_t *stride);
#endif
