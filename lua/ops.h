/*
** ops.h -- the table of operations as the binding sees it: what an operation's sig says, read once.
*/
#ifndef cjl_ops_h
#define cjl_ops_h

#include "value.h"

typedef enum cjl_kind {
  CJL_T, /* operands */
  CJL_LIST,
  CJL_INDEX,
  CJL_INDICES,
  CJL_AXIS, /* parameters */
  CJL_AXES,
  CJL_SHAPE,
  CJL_PERM,
  CJL_INT,
  CJL_INTS,
  CJL_POS,
  CJL_NUM,
  CJL_NUMSTR,
  CJL_BOOL,
  CJL_STR,
  CJL_DTYPE,
  CJL_NKIND
} cjl_kind;

typedef struct cjl_arg {
  char name[20];
  uint8_t kind;
  bool optional;
  cj_param *absent; /* what stands for it when it is not given; NULL: nothing does (n = -1) */
} cjl_arg;

struct cjl_opdesc {
  cjl_state *S;
  char who[40]; /* "cj.linalg.solve" */
  int op, narg;
  bool plain; /* one to three tensor operands, all wanted, and nothing else */
  bool elementwise, fails, index_result, list_result, differentiable;
  const cjl_arg *arg;
};

/* Pushes a userdata with the descriptions of all operations, and gives its address. */
const cjl_opdesc *cjl_describe_ops(lua_State *L, cjl_state *S);
#endif
