/*
** loop.h -- loops in plans.  The body is a plan of its own, made and, if the loop is long, compiled together with the
** outer one; its workspace is part of the outer workspace.  A step of the loop moves a few pointers and runs the
** body's steps.
**
** The history of a carry is kept only where something besides its last entry is read; else two buffers take turns.
** The result of the loop is then laid out without it: what is read of it lies at cje_loop_offset.
*/
#ifndef cj_exec_loop_h
#define cj_exec_loop_h

#include "exec/planner.h"

/* Before steps are formed: which histories are read. */
bool cje_loops_open(cje_planner *P);
void cje_loops_close(cje_planner *P);
/* Where element `first` of the result of loop r lies, in elements from the start of its buffer. */
int64_t cje_loop_offset(const cje_planner *P, cj_ref r, int64_t first);
/* The final step, with the plan of its body. */
bool cje_lower_loop(cje_planner *P, uint32_t step);
/* lower.c: a step with its operands and result. */
bool cje_add_operand(cje_planner *P, const cje_place *at, uint32_t shape);

/* What a run is told by its caller, and tells it. */
typedef struct cje_report {
  const volatile int *cancel;
  const char *fault; /* the row's text for EDOMAIN, or NULL */
  int where;         /* source line of the instruction that failed */
} cje_report;
/* run.c: the steps of p; base: its table of bases, at the start of its workspace. */
cj_status cje_run_steps(const cj_plan *p, char **base, cje_report *report);
cj_status cje_run_loop(const cj_plan *p, const cje_loop *l, char *const *base, cje_report *report);

/* The loop r of g at concrete operands. */
cj_status cje_eval_loop(cj_ctx *c, const cj_graph *g, cj_ref r, cj_tensor *const *in, cj_tensor **out);
#endif
