/*
** control.h -- the vocabulary of loops: emitting one, and taking its result apart (graph/sub.h says what is in it).
*/
#ifndef cj_rules_control_h
#define cj_rules_control_h

#include "graph/sub.h"
#include "rules/build.h"

/* How a loop runs; the programs are retained by g.  jvp, vjp: NULL but for calls. */
typedef struct cjb_loopspec {
  cj_graph *body, *jvp, *vjp;
  int64_t steps;
  bool reverse;
  int ncarry, nx, ny;
} cjb_loopspec;

/* in: as many refs as the body has arguments, none of them 0. */
cj_ref cjb_loop(cj_graph *g, const cjb_loopspec *s, const cj_ref *in);
/* n entries of part k of the loop l with result y, from entry `first` on, as [n] ++ shape.  y may be the tangent
** of a result. */
cj_ref cjb_entries(cj_graph *g, cj_ref y, const cjg_loop *l, int k, int64_t first, int64_t n);
/* The whole part, in its type. */
cj_ref cjb_part(cj_graph *g, cj_ref y, const cjg_loop *l, int k);
/* What carry k is after all steps. */
cj_ref cjb_last(cj_graph *g, cj_ref y, const cjg_loop *l, int k);
/* The whole part as a vector. */
cj_ref cjb_flatpart(cj_graph *g, cj_ref y, const cjg_loop *l, int k);

/* An int64 as a float64 of the same bits, and back.  No copy. */
cj_ref cjb_bits(cj_graph *g, cj_ref x);
#endif
