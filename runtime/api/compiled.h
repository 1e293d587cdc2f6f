/* compiled.h -- between the files about compiled functions. */
#ifndef cj_api_compiled_h
#define cj_api_compiled_h

#include "api/api.h"

struct cj_compiled {
  cj_ctx *c;
  int refs;   /* atomic */
  cj_func *f; /* (x..) -> (y.., guards..) */
  uint32_t nx, ny, nguard;
  uint32_t traced; /* instructions that were recorded */
  bool bound;      /* captures values of a trace */
  bool careful;    /* may give no result: tensors to write to stay as they are until that is known */
  cj_pattern *pattern;
  cjj_choice choice;  /* of a Jacobian */
  cjj_derived *loops; /* what computes y.. where that is done in loops; NULL: the plan */
  cj_plan *plan;      /* of f; with loops of the guards alone */
  char *expect;       /* the guards as they should be, each from a multiple of 8 on */
  size_t nexpect;
  /* the memory of a run, made when first needed */
  char *room; /* views, pointers, numbers, guards as they are */
  size_t nroom;
  const cj_type **in, **out; /* of arguments, of outputs and guards */
  cj_view *view;             /* arguments, captures */
  void **buf;                /* outputs, guards */
  size_t *nbuf;              /* bytes of the outputs, in whole lines */
  bool views;                /* some capture may not be row-major */
  double *num;               /* of arguments that are numbers */
  char *got;
  bool *given; /* by output: the caller's tensor */
  char *work, *stage;
  size_t nwork, nstage;
};

/* The plan, and the memory of a run, if they are not there yet. */
bool cj_compiled_ready(cj_compiled *k);
/* The outputs of p, then those of q from `from` on, as a program with the inputs of p, some of which q has too:
** all but those in the middle.  q NULL: only p. */
cj_graph *cj_join(const cj_graph *p, const cj_graph *q, uint32_t from, uint32_t n);
#endif
