/*
** derived.h -- a derivative ready to run; for the files of this floor only.  It is one program with its
** plan.  Where the batches of a Jacobian would not fit the memory they may use, it is instead a head (the
** values, and residuals: what the sweeps need of the arguments), and loops that send a few seeds at a time
** through a body; what comes out goes straight to its block, or, if it is coloured, through a tail.
*/
#ifndef cj_jacobian_derived_h
#define cj_jacobian_derived_h

#include "jacobian/parts.h"

/* A value in the scratch memory of a run. */
typedef struct cjj_buf {
  size_t at; /* bytes from its start */
  cj_type type;
} cjj_buf;

/* A plan and the places of its inputs, then of its outputs; for the head only of the residuals. */
typedef struct cjj_stage {
  cj_plan *plan;
  cjj_buf *buf;
  uint32_t nin, nout;
} cjj_stage;

typedef struct cjj_loop {
  cjj_pass pass;
  int64_t step;   /* seeds at a time */
  cjj_stage body; /* (seeds.., residuals..) -> (rows..); outputs: rows, compressed rows, or unused if direct */
  cjj_stage tail; /* coloured: (compressed rows..) -> (blocks..), of which only the inputs have places */
  bool direct;    /* rows go straight into the blocks */
} cjj_loop;

struct cjj_derived {
  cj_ctx *c;
  cj_graph *whole;     /* as one program */
  cj_plan *plan;       /* of the whole; NULL: in loops */
  cj_pattern *pattern; /* of nonzeros; NULL: something else was wanted */
  cjj_cut cut;         /* of loops */
  cjj_choice choice;
  uint32_t first;  /* outputs before the blocks */
  uint8_t *filled; /* by block: some loop writes it; the others are zeros */
  cjj_stage head;
  cjj_loop *loop;
  uint32_t nloop;
  size_t views, scratch, work; /* bytes: views and pointers, with all values between stages, of the largest workspace */
};

/* --- strict.c --- */
bool cjj_issecond(cj_want w);
/* What rq->strict asks of f, which has one output for second order, then of its gradient; notes what is wrong. */
bool cjj_check_strict(const cj_graph *f, const cj_request *rq);
bool cjj_check_strict_gradient(const cj_graph *gradient, const cj_request *rq);

/* --- chunk.c --- */
#define CJJ_PASSBYTES ((size_t)64 << 20) /* that the passes of a Jacobian may use if nothing else was said */
/* Replaces the plan of d->whole by loops over the passes of d->cut if the plan needs too much memory or rq says
** so.  s: what is differentiated; values: outputs wanted too, or NULL. */
bool cjj_chunk(cjj_derived *d, const cj_graph *s, const cj_graph *values, const cj_request *rq);
void cjj_loops_free(cjj_derived *d);
#endif
