/*
** op.h -- the contract of a row of the one op table.  What a row leaves out has a default; a row is
** complete when the table-driven tests pass for it.
*/
#ifndef cj_graph_op_h
#define cj_graph_op_h

#include "kernel/view.h"
#include "tensor/type.h"

typedef struct cj_graph cj_graph;

/* An instruction.  in: operands if nin <= 3, else in[0] is where they start in the graph's operand
** pool.  type and attr are indices into the graph's pools of distinct types and attributes.
** input: in[0] the number, in[1] 0 argument or 1 capture.  konst: in[0] index of the number, in[1]
** its code if it is a special one (it then takes part in the structural hash).  tensor: in[0] index
** of the constant tensor. */
typedef struct cj_node {
  uint16_t op, nin;
  uint32_t type, attr;
  cj_ref in[3];
} cj_node;

typedef enum cj_rowkind {
  CJ_SOURCE,      /* no operands */
  CJ_ELEMENTWISE, /* operands broadcast; everything but the partials has a default */
  CJ_VIEWS,       /* one operand seen through other strides; alias() */
  CJ_MOVES,       /* elements move; pattern: eval itself run on 4-byte element numbers (0: none) */
  CJ_REDUCES,     /* attr v[0]: bitmask of axes (bit k-1: k-th from the end), which vanish */
  CJ_SCANS,       /* along axis v[0]: every element depends on its whole line */
  CJ_LOOPS,       /* runs a sub-program (graph/sub.h): each result may depend on all of every operand */
  CJ_DENSE,       /* each result depends on all of the last `core` axes of every operand */
  CJ_COMPOSITE    /* only a face: built from other rows, never an instruction */
} cj_rowkind;

enum {                     /* flags */
       CJ_JOINT = 1,       /* linear in the operands of lin together (add, cat, where): a missing tangent is zeros */
       CJ_NODIFF = 2,      /* its results carry no derivative (floor, argmax, comparisons) */
       CJ_SHAPED = 4,      /* the attribute is the shape of the result: batching prepends to it */
       CJ_NOBROADCAST = 8, /* batching expands every operand: the row does not broadcast leading axes itself */
       CJ_INPLACE = 16,    /* eval may write over operand 0 */
       CJ_METHOD = 32,     /* also x:name() */
       CJ_INDEXRESULT =
           64, /* its last of several results, or its only one (then with CJ_NODIFF), are indices: Lua adds 1 */
       CJ_LISTRESULT = 128, /* any number of results: a table of them in Lua */
       CJ_KEEPSTYPE = 256,  /* operands of one float dtype, all of one shape or 0-d: the result is of that type too */
       CJ_SPECIAL = 512     /* an elementwise row that is also cj.special.name() */
};

/* One face argument list, as cj_apply receives it, operands already values of g. */
typedef struct cj_call {
  cj_graph *g;
  int op;
  const cj_ref *in; /* 0: absent */
  int nin;
  uint32_t weak; /* bit i: operand i is a plain number; it does not decide dtypes (i < 32) */
  const cj_param *p;
  int np;
} cj_call;

typedef struct cj_op {
  const char *name, *module, *sig, *doc, *example, *meta;
  cj_rowkind kind;
  uint8_t nin;  /* operands of the instruction; 255: any number */
  uint8_t core; /* CJ_DENSE: trailing axes that mix */
  uint16_t flags;
  uint16_t subs; /* bit i: v[i] of the attribute is the number of a sub-program, or -1; infer is graph/sub.c's */
  uint32_t lin;  /* bit i: linear in operand i, the others held fixed (for JOINT: together) */
  uint32_t aux;  /* bit i: operand i only helps (a factorisation): it carries no derivative */
  const char *domain, *ctext; /* elementwise: where to sample; the value as C */
  const char *fault;          /* what EDOMAIN means here: "the matrix is singular" */

  /* The face: what users call.  Writes the results to out[0..*nout), room for cap of them.  NULL and
  ** elementwise: promote, broadcast, emit.  NULL else: hidden, or a single operand without parameters. */
  bool (*build)(const cj_call *call, cj_ref *out, int cap, int *nout);

  /* The instruction.  infer: the result's type, or a message by cjm_fail and false. */
  bool (*infer)(cj_ctx *c, const struct cj_op *self, const cj_type *const *in, int nin, const cj_attr *a, cj_type *out);
  /* CJ_NDTYPE kernels, by dtype of operand 0 (of the result, for sources); an entry NULL: not for that dtype */
  const cj_eval *eval;
  size_t (*work)(const cj_type *const *in, int nin, const cj_attr *a);
  /* The result as a view of operand 0; false: not possible for these strides, use eval (a copy). */
  bool (*alias)(const cj_type *in, const int64_t *stride, const cj_attr *a, const cj_type *out, int64_t *ostride,
                int64_t *offset);

  /* Derivatives; all may use that ops on ref 0 give 0.  in: operands, y: the result. */
  /* elementwise: the i-th partial applied to a seed s (a tangent or a cotangent) */
  cj_ref (*partial)(cj_graph *g, const cj_ref *in, cj_ref y, int i, cj_ref s);
  /* a, in: copies that stay good while the rule emits; y: the result.  The result's type may differ from
  ** operand i's by broadcasting: the caller sums it to shape. */
  cj_ref (*transpose)(cj_graph *g, const cj_attr *a, const cj_ref *in, int nin, cj_ref y, int i,
                      cj_ref ct); /* i in lin */
  cj_ref (*jvp)(cj_graph *g, const cj_attr *a, const cj_ref *in, int nin, cj_ref y,
                const cj_ref *t); /* some t may be 0 */
} cj_op;
#endif
