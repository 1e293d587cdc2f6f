/* api.h -- between the files of the top floor. */
#ifndef cj_api_api_h
#define cj_api_api_h

#include "exec/exec.h"
#include "jacobian/jacobian.h"
#include "transform/transform.h"

/* A program with what its captures stand for. */
struct cj_func {
  cj_ctx *c;
  cj_graph *g;
  cj_val *capture; /* g->ncapture of them: tensors (retained) or values of open traces */
  int refs;        /* atomic */
};

/* Wraps g, which it takes (also on failure); captures are retained. */
cj_status cj_func_wrap(cj_ctx *c, cj_graph *g, const cj_val *capture, cj_func **out);

/* The innermost open trace among the values, NULL if none is traced.  False: one is stale. */
bool cj_innermost(cj_ctx *c, const cj_val *v, int n, cj_trace **out);
/* The value as an instruction of t, captured if need be.  Integers become constants of the program,
** because patterns and indices depend on them. */
cj_ref cj_ref_of(cj_trace *t, const cj_val *v);
cj_val cj_val_of(const cj_trace *t, cj_ref r);
cj_val cj_origin_val(const cj_origin *o); /* borrowed */
cj_origin cj_val_origin(const cj_val *v); /* of a tensor or a traced value; borrowed */
bool cj_type_of(cj_ctx *c, const cj_val *v, cj_type *out);

/* g at in (one value an input, types checked): run through the plan cache, or inlined into the innermost
** trace among in.  out: g->nout. */
cj_status cj_program_apply(cj_ctx *c, const cj_graph *g, const cj_val *in, cj_val *out);
/* --- choice.c --- */
cjj_choice cj_choice_of(const cjj_derived *d);
/* A few lines, each with its end; nothing if there was nothing to choose. */
void cj_choice_text(cj_text *t, const cjj_choice *h);
/* To rq->explain, which is there. */
cj_status cj_explain_derived(cj_ctx *c, const cjj_derived *d, const cj_request *rq);

/* A request as it is known here. */
cj_request *cj_request_read(cj_request *own, const cj_request *rq);
/* A number that code asked for: the value x of instruction r. */
bool cj_guard_add(cj_trace *t, cj_ref r, cj_tensor *x);
/* Guards of t go to the trace that they depend on, if it wants any. */
void cj_guards_outwards(cj_ctx *c, cj_trace *t);
/* Ends t with what its guards mean for others. */
void cj_trace_end(cj_ctx *c, cj_trace *t);
/* Releases n values. */
void cj_vals_release(cj_val *v, int n);
/* Notes the fault of an instruction: its text, and the line if known. */
cj_status cj_fault(cj_ctx *c, cj_status s, const char *fault, int line);
#endif
