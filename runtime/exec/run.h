/*
** run.h -- between the files that run plans: run.c, and run_tape.c for tapes.
*/
#ifndef cj_exec_run_h
#define cj_exec_run_h

#include "exec/plan.h"

/* n elements through f; bit i of splat: operand i is one element, repeated. */
static inline void cje_fn_call(const cje_fn *f, int64_t n, void *y, const void *const *x, unsigned splat) {
  if (f->loop)
    f->loop(n, y, x, splat);
  else
    cje_cast_block(f, n, y, x[0], splat & 1);
}

/* ECANCEL; EDOMAIN: a check does not pass. */
cj_status cje_tape_run(const cj_plan *p, const cje_tape *t, char *const *base, const volatile int *cancel);
/* The first check of a tape that has run that does not pass; NULL: they do. */
const cje_check *cje_tape_failure(const cj_plan *p, const cje_tape *t, char *const *base);
#endif
