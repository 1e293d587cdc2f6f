/*
** jacobian.h -- choosing and building derivatives: the cost model, seeds, colours, drivers.
*/
#ifndef cj_jacobian_jacobian_h
#define cj_jacobian_jacobian_h

#include "exec/exec.h"
#include "transform/transform.h"

/* A derivative that was asked for, ready to run any number of times. */
typedef struct cjj_derived cjj_derived;

/* f: (x..; captures..) -> (y..).  nv: 0 or as many v as rq->want takes.  The result's inputs are x..,
** v.., captures..; its outputs as cj_want says, after y.. if rq->value.  Errors name what is wrong with
** f or rq. */
cj_status cjj_derive(cj_ctx *c, const cj_graph *f, const cj_request *rq, int nv, cjj_derived **out);
void cjj_free(cj_ctx *c, cjj_derived *d);
/* How a Jacobian or a Hessian is computed, and what that was thought to cost, in elements of an elementwise
** operation.  A cost that was not looked at is below 0. */
typedef struct cjj_choice {
  const char *strategy;                     /* NULL: there was nothing to choose */
  int64_t passes, seeds, nonzeros;          /* nonzeros -1: not looked for */
  double forward, backward, sparse, chosen; /* of all inputs together; of what was chosen */
  bool begun, backwards;                    /* in the middle: identity seeds at from, or backwards at to */
  int64_t from, to;                         /* elements of these values */
  int from_line, to_line;                   /* where they are computed; -1: the inputs, the outputs; 0: not known */
} cjj_choice;
const cjj_choice *cjj_choice_of(const cjj_derived *d);
bool cjj_isloop(const cjj_derived *d); /* it runs in loops, not as its one program */
/* Of CJ_NONZEROS and CJ_HESSIAN_NONZEROS, borrowed; else NULL. */
struct cj_pattern *cjj_pattern_of(const cjj_derived *d);
int cjj_nout(const cjj_derived *d);
const cj_type *cjj_out(const cjj_derived *d, int i);
/* The whole as one program, for inlining into a trace; borrowed, built when first asked for. */
cj_status cjj_program(cjj_derived *d, const cj_graph **out);
/* Its plans as machine code (cje_plan_compile). */
cj_status cjj_compile(cj_ctx *c, cjj_derived *d);
/* in as cje_plan_run; out: row-major buffers. */
cj_status cjj_run(cj_ctx *c, cjj_derived *d, const cj_view *in, void *const *out, const char **fault, int *where);

/* A stretch of rows that go on alike is as many bands as a row has entries (one with width 0 if none): row number e of
** the stretch has an entry in column col + e * step. */
typedef struct cjj_band {
  int64_t rows, width, col, step; /* width: the entries of a row */
} cjj_band;

/* Which elements of all outputs laid end to end may depend on which of all active arguments laid end
** to end: compressed sparse rows, columns ascending.  Computed on the linear program that jvp gives. */
struct cj_pattern {
  cj_ctx *c;
  int refs; /* atomic */
  int64_t rows, cols, nnz;
  int64_t *rowptr, *col; /* NULL: only as bands so far; cjj_pattern_write */
  cjj_band *band;
  uint32_t nband, bandcap;
};
bool cjj_pattern_write(const struct cj_pattern *p); /* rowptr and col, if they are not there; false: no memory */
/* ELIMIT if it would have more than maxnnz entries: it is to be treated as dense. */
cj_status cjj_pattern(cj_ctx *c, const cj_graph *f, const uint8_t *active, int64_t maxnnz, struct cj_pattern **out);
struct cj_pattern *cjj_pattern_retain(struct cj_pattern *p);
void cjj_pattern_release(struct cj_pattern *p);

/* place[k] (nnz of them, or NULL): the entry of p that is number k of its transpose. */
struct cj_pattern *cjj_pattern_transposed(const struct cj_pattern *p, int64_t *place);
/* Of n entries in any order; place[k] (n, or NULL): which nonzero entry k is.  ERANGE. */
cj_status cjj_pattern_make(cj_ctx *c, int64_t rows, int64_t cols, int64_t n, const int64_t *row, const int64_t *col,
                           int64_t *place, struct cj_pattern **out);

/* A colouring of the columns (or rows) of p so that no row (column) meets a colour twice: greedy, best of several
** orders.  colour: cols (rows) entries from 0.  More kinds of them: colour.h. */
cj_status cjj_colour(cj_ctx *c, const struct cj_pattern *p, bool rows, int64_t *colour, int64_t *ncolours);

/* --- solve.c, or solve_none.c where SuiteSparse is not: as cj_solver_* in cjac.h --- */
cj_status cjj_solver_new(struct cj_pattern *p, cj_solver **out);
void cjj_solver_free(cj_solver *s);
cj_ctx *cjj_solver_ctx(const cj_solver *s);
cj_status cjj_solver_factor(cj_solver *s, const double *value);
cj_status cjj_solver_solve(cj_solver *s, bool transposed, int64_t n, double *b);

/* (x..; captures..) -> (values.. if value, nz): the nonzeros in pattern order.  hessian: f is a gradient, so its
** Jacobian is symmetric. */
cj_status cjj_sparse(cj_ctx *c, const cj_graph *f, bool value, bool hessian, struct cj_pattern **pattern,
                     cj_graph **out);
#endif
