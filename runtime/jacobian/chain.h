/*
** chain.h -- a Jacobian as a chain of factors; for the files of this floor only.
**
** Values through which every path from the inputs to the outputs goes cut a program into stretches, and its Jacobian
** is the product of theirs.  Cut 0 is the inputs, cut n the outputs.  A span i..j is the Jacobian of cut j by cut i; it
** is begun with identity seeds somewhere and grown from there: forwards by a jvp of its columns, backwards by a vjp of
** its rows, or it is the product of two spans.
*/
#ifndef cj_jacobian_chain_h
#define cj_jacobian_chain_h

#include "jacobian/parts.h"

enum { CJJ_MOSTCUTS = 16 };

typedef enum cjj_how {
  CJJ_SEED_FORWARD,  /* identity seeds at i */
  CJJ_SEED_BACKWARD, /* identity seeds at j */
  CJJ_GROW_FORWARD,  /* from i..at, its columns as seeds */
  CJJ_GROW_BACKWARD, /* from at..j, its rows as seeds */
  CJJ_MULTIPLY       /* at..j times i..at */
} cjj_how;

typedef struct cjj_span {
  double cost;
  uint8_t how, at;
} cjj_span;

typedef struct cjj_chain {
  const cj_graph *f;
  const uint8_t *active; /* by input: it is differentiated by */
  uint32_t n;
  cj_ref cut[CJJ_MOSTCUTS + 1];  /* 1 .. n - 1 */
  double size[CJJ_MOSTCUTS + 1]; /* elements, of all inputs or outputs together at the ends */
  cjj_span span[CJJ_MOSTCUTS + 1][CJJ_MOSTCUTS + 1];
} cjj_chain;

/* --- chain_cut.c: where --- */
/* The cuts of f, at most so many, the narrowest.  on: len bytes, set where a derivative passes. */
bool cjj_chain_cuts(cjj_chain *k, uint8_t *on);
/* --- chain_cost.c: the cheapest way to every span --- */
bool cjj_chain_costs(cjj_chain *k, const uint8_t *on);
/* --- chain_emit.c --- */
/* The blocks by the active inputs into J[i * nx + j]; what it takes is added to note. */
bool cjj_chain_emit(cjj_frame *w, const cjj_chain *k, cj_ref *J, cjj_choice *note);
#endif
