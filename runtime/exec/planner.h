/*
** planner.h -- what the passes of planning share.
**
**   regroup.c, contract.c  fewer products, fused multiply-adds, for a plan that will run many times
**   constants.c  values that are known while planning
**   plan.c    sources, outputs, which results may take over their operand's buffer; the order of passes
**   fuse.c    which step computes which instruction;  pick.c, forward.c  which steps need not be
**   lower.c   steps with kernels, buffers by liveness;  group.c, tape.c  the elementwise steps
**
** A root is what owns elements: an instruction, or from graph->len on a copy.  Views have another root.
*/
#ifndef cj_exec_planner_h
#define cj_exec_planner_h

#include "exec/plan.h"
#include "exec/space.h"

#define CJE_END UINT32_MAX /* last use: outputs */

typedef struct cje_root {
  uint32_t step;  /* that computes it; 0: there from the start */
  uint32_t last;  /* the last step that needs it; its own step: nobody outside does */
  uint32_t next;  /* GROUP, TAPE: next instruction of the step; EVAL: the root whose buffer it takes over */
  uint32_t dying; /* next root with the same last step */
  uint32_t base, block;
  int64_t offset;
} cje_root;

/* A step while instructions still join it; the first one, 0, stands for what needs none. */
typedef struct cje_draft {
  uint8_t kind;
  uint32_t head, tail; /* first and last instruction; COPY: what is copied, and the root it is copied to */
  uint32_t count;      /* instructions */
  uint32_t dying;      /* roots whose last step this is */
  uint32_t carried;    /* GROUP: 1 + the first of what it only stores, in forward; 0: none */
  int64_t n;           /* elements of each */
} cje_draft;

typedef struct cje_alias { /* of a view: where in which root it starts, in elements */
  uint32_t root;
  bool whole;  /* all of the root in its order */
  bool window; /* elements begin .. end alone are there, one behind the other; the others are zeros */
  int64_t offset, begin, end;
} cje_alias;

typedef struct cje_draftloop { /* of a loop: where its flags are in keep, one a carry: its history is read */
  cj_ref ref;
  uint32_t keep;
} cje_draftloop;
/* An operand of a cat that a group stores in the cat's result: it computes it, or it is there before (carried).  Those
** of a cat follow each other in forward. */
typedef struct cje_forwarded {
  cj_ref to, from;
  int64_t first, begin, end; /* its first element there; which of its own elements are stored */
  cje_pattern pattern;
  uint32_t next;            /* 1 + the next one of the same root, or carried by the same group; 0: none */
  uint32_t operand, gather; /* which operand of the cat; operand 0: where the gathers of all are, CJE_UNMADE */
  uint8_t columns;          /* of a cat that weaves: operands, all stored by one group; else 0 */
} cje_forwarded;
#define CJE_UNMADE UINT32_MAX
/* In into, of a cat: it is read once, by a view or an output; then also: it has its buffer. */
enum { CJE_SOLE = INT32_MAX - 1, CJE_PLACED };

typedef struct cje_planner {
  cj_ctx *c;
  const cj_graph *g;
  cj_plan *p;
  uint8_t *live;
  uint8_t *padded; /* by instruction: something among zeros that is not made; fuse.c */
  cje_root *root;  /* nroot of them */
  uint32_t nroot, ncopy;
  uint32_t *view; /* by ref: 0, or the shape of a view, whose alias is alias.at[shape - p->type.n] */
  /* by root; what they mean is group.c's and tape.c's */
  uint32_t *entry, *seen, *until, *shaped;
  uint32_t *into; /* by root: 1 + the first entry of forward for it; 0: none */
  CJE_ARRAY(cje_forwarded) forward;
  CJE_ARRAY(cje_alias) alias;
  CJE_ARRAY(cje_draft) draft;
  CJE_ARRAY(uint32_t) few;    /* scratch of group.c: free slots */
  CJE_ARRAY(cje_place) fixed; /* scratch of group.c */
  CJE_ARRAY(cje_place) moving;
  cje_moves konsts;                 /* scratch of tape.c */
  CJE_ARRAY(const cj_type *) types; /* scratch of lower.c */
  CJE_ARRAY(cje_draftloop) loops;   /* in order */
  CJE_ARRAY(uint8_t) keep;
  cje_space space;
  uint32_t maxin;                                   /* most operands of a step */
  uint32_t now;                                     /* the step that is being lowered */
  uint32_t scratch;                                 /* block of the current step; CJE_NOBLOCK: none */
  uint16_t fnmap[(CJ_NEW + CJ_NDTYPE) * CJ_NDTYPE]; /* 1 + the number of a loop, once it has one */
} cje_planner;

#define CJE_ROOM(P, array) CJM_GROW((P)->c, (array).at, (array).cap, (array).n + 1u)

static inline const cje_alias *cje_alias_of(const cje_planner *P, cj_ref r) {
  return P->view[r] ? &P->alias.at[P->view[r] - P->p->type.n] : NULL;
}
static inline uint32_t cje_root_of(const cje_planner *P, cj_ref r) { return P->view[r] ? cje_alias_of(P, r)->root : r; }
/* r is all of its root, in its order. */
static inline bool cje_iswhole(const cje_planner *P, cj_ref r) { return !P->view[r] || cje_alias_of(P, r)->whole; }
static inline uint32_t cje_shape_of(const cje_planner *P, cj_ref r) {
  return P->view[r] ? P->view[r] : cjg_at(P->g, r)->type;
}
/* r is stored by a tape, element by element. */
static inline bool cje_ispack(const cj_graph *g, cj_ref r) {
  return cjg_at(g, r)->op == CJ_OP_pack && cjg_at(g, r)->nin > 1;
}
static inline bool cje_ischeck(const cj_graph *g, cj_ref r) { return cjg_at(g, r)->op == CJ_OP_check; }
/* Where the first element of r is; its root has been laid out. */
cje_place cje_place_of(const cje_planner *P, cj_ref r);

/* r stands for elements of another root, or for its own with these strides. */
bool cje_set_alias(cje_planner *P, cj_ref r, const int64_t *stride, const cje_alias *a);

/* contract.c: in place, for a CPU that has the instructions; only a plan may be made of g then.  False: ENOMEM. */
bool cje_contract(cj_graph *g);
/* How often each instruction is used by outputs and by what they need; uses: zeros, by ref. */
void cje_count_uses(const cj_graph *g, uint32_t *uses);
/* regroup.c: before that, in place too.  False: ENOMEM. */
bool cje_regroup(cj_graph *g);
/* constants.c: small values that depend on no input. */
bool cje_constants(cje_planner *P);

/* fuse.c: gives every live instruction a step or an alias. */
bool cje_fuse(cje_planner *P);
/* pick.c: lets groups pick what they read by constant indices. */
bool cje_pick(cje_planner *P);
bool cje_ispicked(const cje_planner *P, uint32_t root); /* so that root has no elements of its own */
/* forward.c: lets groups store where results are put beside others. */
bool cje_forward(cje_planner *P);
/* The root of a view that is an output leaves out what the view does not show; false: it cannot. */
bool cje_crop(cje_planner *P, cj_ref view);
/* A copy of what x stands for, made by a step of its own after all others so far; 0: ENOMEM. */
uint32_t cje_copy_step(cje_planner *P, cj_ref x);

/* lower.c: the final steps, and where everything lies. */
bool cje_lower(cje_planner *P);
/* Gives root a buffer of the workspace that lives until its last step. */
bool cje_settle(cje_planner *P, uint32_t root, int64_t nbytes);
/* Room in the workspace for the current step alone; once a step. */
bool cje_scratch(cje_planner *P, int64_t nbytes, int64_t *offset);
/* The number in p->fn of the loop of r; false: there is none for its dtype. */
bool cje_find_fn(cje_planner *P, cj_ref r, uint16_t *fn);
bool cje_lower_group(cje_planner *P, uint32_t step);
bool cje_lower_tape(cje_planner *P, uint32_t step);
#endif
