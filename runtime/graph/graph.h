/*
** graph.h -- the program: SSA instructions in creation order, operands before users, so every pass
** is one loop.  Ref 0 is the structural zero and, after an error, the answer of every operation.
** Nothing appends an instruction but the one door, cjg_emit: infer, fold, share, append.
*/
#ifndef cj_graph_graph_h
#define cj_graph_graph_h

#include "graph/ops.h"
#include "tensor/tensor.h"

struct cj_graph {
  cj_ctx *c;
  cj_node *node; /* node[0] is unused */
  uint32_t len, cap;
  int32_t *line; /* source line of each instruction; 0: none */
  uint32_t linecap;
  uint32_t *slot, nslot; /* hash of nodes, for sharing; nslot a power of two */
  cj_ref *pool;          /* operands of instructions with more than three */
  uint32_t npool, poolcap;
  cj_type *type; /* distinct types, distinct attributes */
  uint32_t ntype, typecap;
  uint32_t scalar[CJ_NDTYPE]; /* where in type the 0-d ones are, plus 1; 0: not known */
  cj_attr *attr;
  uint32_t nattr, attrcap;
  uint32_t attrhint[64]; /* by hash: where one may be */
  double *konst;         /* numbers of konst instructions, in every dtype (int64 by its bits) */
  uint32_t nkonst, konstcap;
  cj_tensor **tensor; /* constant tensors, one reference each */
  uint32_t ntensor, tensorcap;
  cj_graph **sub; /* sub-programs (sub.h), one reference each */
  uint32_t nsub, subcap;
  cj_ref *arg, *capture; /* inputs: arguments first, then captures */
  uint32_t narg, argcap, ncapture, capturecap;
  cj_ref *out;
  uint32_t nout, outcap;
  int refs;       /* atomic: a finished program may be part of others */
  uint32_t depth; /* of the sub-programs below it */
  bool plain;     /* written by a user: no result may be a structural zero, which has no type */
  int32_t now;    /* line given to new instructions */
  uint64_t hash;  /* structural, of everything appended so far; constants but special ones left out */
};

cj_graph *cjg_new(cj_ctx *c);
void cjg_free(cj_graph *g);  /* gives one reference back; NULL: nothing */
void cjg_reset(cj_graph *g); /* empty, memory kept */
static inline bool cjg_ok(const cj_graph *g) { return g->c->status == CJ_OK; }

/* Looking */
static inline const cj_node *cjg_at(const cj_graph *g, cj_ref r) {
  CJ_ASSERT(r < g->len);
  return &g->node[r];
}
/* Pointers are good until the next emit. */
static inline const cj_type *cjg_type(const cj_graph *g, cj_ref r) { return &g->type[cjg_at(g, r)->type]; }
static inline const cj_attr *cjg_attr(const cj_graph *g, cj_ref r) { return &g->attr[cjg_at(g, r)->attr]; }
static inline const cj_ref *cjg_operands(const cj_graph *g, cj_ref r) {
  const cj_node *n = cjg_at(g, r);
  return n->nin <= 3 ? n->in : g->pool + n->in[0];
}
static inline const cj_op *cjg_row(const cj_graph *g, cj_ref r) { return cjr_row(cjg_at(g, r)->op); }
static inline bool cjg_issource(const cj_graph *g, cj_ref r) { return cjg_at(g, r)->nin == 0; }
/* r is a 0-d constant equal to v (any dtype). */
bool cjg_isnum(const cj_graph *g, cj_ref r, double v);
/* r is a 0-d constant: its value as a double (an int64 beyond 2^53 is rounded). */
bool cjg_getnum(const cj_graph *g, cj_ref r, double *v);

/* The element of that dtype at p from the store of a konst instruction, g->konst[..]. */
void cjg_unpack(double store, int dtype, void *p);

/* Sources */
cj_ref cjg_arg(cj_graph *g, const cj_type *t);
cj_ref cjg_capture(cj_graph *g, const cj_type *t); /* the caller remembers what it stands for */
cj_ref cjg_num(cj_graph *g, int dtype, double v);  /* 0-d */
cj_ref cjg_int(cj_graph *g, int64_t v);            /* 0-d int64 */
cj_ref cjg_tensor(cj_graph *g, cj_tensor *x);      /* a constant tensor; its content is part of the structure */

/* The door.  in: nin operands, not inside g's own pool; a NULL: no numbers. */
cj_ref cjg_emit(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a);
/* fold.c: a simpler equal of the instruction, or 0 and *zero true for a structural zero, or 0. */
cj_ref cjg_fold(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a, const cj_type *t, bool *zero);

cj_ref cjg_output(cj_graph *g, cj_ref r); /* appends to out; returns r */
/* Copies instruction r of f, whose operands are map[...] in g. */
cj_ref cjg_copy(cj_graph *g, const cj_graph *f, cj_ref r, const cj_ref *map);
/* Writes all of f that its outputs need into g; in: values of f's arguments and captures; out: f->nout. */
bool cjg_inline(cj_graph *g, const cj_graph *f, const cj_ref *in, cj_ref *out);
/* Inputs of g like those of f, in order; in: one ref each. */
bool cjg_inputs_like(cj_graph *g, const cj_graph *f, cj_ref *in);
/* live[r] for r < len: r is needed by the outputs.  live: len bytes. */
void cjg_live(const cj_graph *g, uint8_t *live);
/* The program without what its outputs do not need; a new graph.  All inputs stay. */
cj_graph *cjg_prune(const cj_graph *g);
/* Same structure, to the last bit: they differ at most in constants without a code.  Constant
** tensors compare by content. */
bool cjg_same(const cj_graph *a, const cj_graph *b);
/* Operands before users, types as re-inferred, indices in range.  Noted as EARG with the place. */
bool cjg_verify(const cj_graph *g);

cj_status cjg_write(const cj_graph *g, cj_write_fn w, void *ud); /* one instruction a line; stable */
cj_status cjg_dot(const cj_graph *g, cj_write_fn w, void *ud);   /* Graphviz */
#endif
