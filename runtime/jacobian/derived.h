/*
** derived.h -- a derivative ready to run; for the files of this floor only.  It is one program with its
** plan, or, where the batch would not fit the memory it may use, a head (values, and what the sweeps
** need), loops that send a few seeds at a time through a body, and tails that put coloured rows in place.
*/
#ifndef cj_jacobian_derived_h
#define cj_jacobian_derived_h

#include "jacobian/parts.h"

/* A value in the scratch memory of a run. */
typedef struct cjj_buf {
  size_t at; /* bytes from its start */
  cj_type type;
} cjj_buf;

/* A plan with the places of its operands and results. */
typedef struct cjj_stage {
  cj_plan *plan;
  cjj_buf *buf; /* inputs that are not the caller's, then results that are not */
  uint32_t nin, nout;
} cjj_stage;

typedef struct cjj_loop {
  cjj_pass pass;
  int64_t step;       /* seeds at a time */
  cjj_stage body;     /* (seeds.., residuals..) -> (rows..) */
  cjj_stage tail;     /* coloured: (compressed..) -> (blocks..); plan NULL: dense */
} cjj_loop;

struct cjj_derived {
  cj_ctx *c;
  cj_graph *whole; /* as one program */
  cj_plan *plan;   /* of the whole; NULL: in loops */
  /* in loops: */
  cjj_cut cut;
  const cj_graph *f; /* what is differentiated, while deriving */
  uint32_t nx, ncapture;
  int first; /* outputs before the blocks */
  cjj_stage head;
  cjj_loop *loop;
  uint32_t nloop;
  size_t scratch, work; /* bytes: values between stages, the largest workspace */
};

/* Cuts d->whole's batches into loops over f if its plan needs too much; else leaves it alone. */
bool cjj_chunk(cjj_derived *d, const cj_graph *f, const cj_request *rq);
void cjj_loops_free(cjj_derived *d);
cj_status cjj_run_loops(cj_ctx *c, cjj_derived *d, const cj_view *in, void *const *out, const char **fault, int *where);
#endif
