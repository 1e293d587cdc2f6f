/*
** trace.h -- programs that are being recorded.  Traces nest: a later one is an inner one.  An
** operation is recorded in the innermost trace among its operands; everything else it uses becomes
** a capture there, that is an extra input which remembers what it stands for.
*/
#ifndef cj_graph_trace_h
#define cj_graph_trace_h

#include "graph/graph.h"

/* What an input stands for: a tensor (retained), a value of an outer trace, or nothing known. */
typedef struct cj_origin {
  cj_tensor *tensor;
  const cj_small *small; /* the tensor is a copy of this one, which may be gone */
  uint32_t trace;        /* 0: not traced */
  cj_ref ref;
} cj_origin;

/* A decision of the host program that depended on a value: if the value differs, the trace is another one. */
typedef struct cj_guard {
  cj_ref ref;
  cj_tensor *value; /* one reference */
} cj_guard;

enum { CJG_KEPT = 4 };
typedef struct cj_trace {
  cj_graph *g;
  struct cj_trace *outer; /* next older open trace */
  uint32_t id;
  cj_origin *arg, *capture; /* parallel to g->arg, g->capture */
  uint32_t argcap, capturecap;
  uint32_t *slot, nslot; /* captures by origin */
  cj_tensor **value;     /* values on demand, by ref; NULL: not evaluated.  nvalue entries */
  uint32_t nvalue;
  /* Copies of small arguments, and captures, of the trace that was here before; NULL: none. */
  cj_tensor *kept_arg[CJG_KEPT], *kept_capture[CJG_KEPT];
  cj_guard *guard;
  uint32_t nguard, guardcap;
  bool guarded; /* guards are wanted, here or in a trace that was opened before */
  bool lost;    /* a guard could not be kept */
  bool lasting; /* lines are wanted, as they are with guards */
} cj_trace;

typedef struct cj_tracer {
  cj_trace *top;   /* innermost open trace */
  cj_trace *spare; /* closed traces, emptied, kept for the next one */
  uint32_t lastid, nspare;
} cj_tracer;

cj_trace *cjg_trace_open(cj_ctx *c);                    /* NULL: ENOMEM */
cj_trace *cjg_trace_find(const cj_ctx *c, uint32_t id); /* NULL: not open */
void cjg_trace_drop(cj_ctx *c, cj_trace *t);            /* ends it; its memory goes to the spare list */
void cjg_tracer_trim(cj_ctx *c);                        /* frees the spare ones */
void cjg_tracer_free(cj_ctx *c);                        /* all of them */
cj_ref cjg_trace_arg(cj_trace *t, const cj_type *ty, const cj_origin *o); /* retains o's tensor, or copies o->small */
/* The input of t that stands for o, new or found.  o->small and no tensor: for a copy, by place and content. */
cj_ref cjg_trace_capture(cj_trace *t, const cj_type *ty, const cj_origin *o);
#endif
