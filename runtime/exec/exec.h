/*
** exec.h -- running programs: one instruction at once, a traced value on demand, or a plan.
*/
#ifndef cj_exec_exec_h
#define cj_exec_exec_h

#include "graph/graph.h"
#include "graph/trace.h"

/* One instruction on concrete operands, through the row's alias, loop or eval.  t: the inferred type
** of the result. */
cj_status cje_eval(cj_ctx *c, int op, cj_tensor *const *in, int nin, const cj_attr *a, const cj_type *t,
                   cj_tensor **out);

/* The value of r, which depends on no input, from those of its operands in known, by ref; a new reference, or NULL with
** the error. */
cj_tensor *cje_constant(cj_ctx *c, const cj_graph *g, cj_ref r, cj_tensor *const *known);

/* The value of r in an open trace (borrowed), evaluating what it needs and has not been evaluated.
** ENOVALUE: it depends on an argument of which only the type is known. */
cj_status cje_demand(cj_trace *t, cj_ref r, cj_tensor **out);

/* A plan: dead code dropped, elementwise groups fused, views aliased, memory laid out in one arena.
** It holds all it needs; the graph may go.  Immutable, one reference; the context lives on while it does. */
cj_status cje_plan_new(cj_ctx *c, const cj_graph *g, cj_plan **out);
/* The same for what will run many times: small tensors are taken apart (unroll.h), and machine code is made.
** Results may differ from those of a plain plan by rounding, but not with and without machine code. */
cj_status cje_plan_best(cj_ctx *c, const cj_graph *g, cj_plan **out);
/* Makes machine code for what will run many times, if the context wants that and the CPU is known; else all stays
** as it is.  Once, before other threads see the plan. */
cj_status cje_plan_compile(cj_plan *p);
void cje_plan_retain(cj_plan *p);
void cje_plan_free(cj_plan *p);     /* gives one reference back; NULL: nothing */
int cje_plan_nin(const cj_plan *p); /* arguments and captures */
const cj_type *cje_plan_in(const cj_plan *p, int i);
/* Bytes of a workspace for these inputs: those that are not row-major are copied into it.  NULL: all are. */
size_t cje_plan_worksize(const cj_plan *p, const cj_view *in);
/* in: one view an input of the graph (arguments, then captures), any strides; out: one row-major
** buffer an output, overlapping no input.  work: CJ_ALIGN-aligned, of cje_plan_worksize(p, in) bytes.
** Allocates nothing.  *where, if not NULL, gets the source line of the instruction that failed, 0 if
** unknown; *fault, if not NULL, its row's text for EDOMAIN, NULL where the status says it all. */
cj_status cje_plan_run(const cj_plan *p, const cj_view *in, void *const *out, void *work, const volatile int *cancel,
                       const char **fault, int *where);
typedef struct cje_counts {
  uint32_t kernels, copies, groups, tapes; /* steps of each kind */
  size_t work, constants;                  /* bytes */
} cje_counts;
cje_counts cje_plan_counts(const cj_plan *p);
/* One step a line, what is in groups below it; stable. */
cj_status cje_plan_write(const cj_plan *p, cj_write_fn w, void *ud);

/* Things kept by the structure of a program and a few bytes more (options).  The newest
** CJE_CACHE_MAX of them stay. */
#define CJE_CACHE_MAX 256
typedef void (*cje_drop_fn)(cj_ctx *c, void *thing);
typedef enum cje_cached { CJE_PLANS, CJE_DERIVATIVES, CJE_LOOPS } cje_cached; /* what a thing is */
/* NULL: not there. */
void *cje_cache_find(cj_ctx *c, const cj_graph *program, cje_cached kind, const void *key, size_t nkey);
/* Takes thing; on ENOMEM drops it and returns false.  Keeps a copy of program as it is, dead code and all, since
** that is what the next trace will be compared with. */
bool cje_cache_put(cj_ctx *c, const cj_graph *program, cje_cached kind, const void *key, size_t nkey, void *thing,
                   cje_drop_fn drop);
void cje_cache_free(cj_ctx *c);
/* A workspace of at least n bytes, kept in the context between calls; NULL: ENOMEM.  Nested users get
** different ones; give it back with the same n. */
void *cje_work_take(cj_ctx *c, size_t n);
void cje_work_give(cj_ctx *c, void *work, size_t n);
#endif
