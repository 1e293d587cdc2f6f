/*
** args.h -- the arguments of an operation, from Lua's stack to what cj_apply wants, as its sig says.
*/
#ifndef cjl_args_h
#define cjl_args_h

#include "ops.h"

enum { CJL_MAXARG = 12, CJL_MAXIN = 16 };

typedef struct cjl_call {
  lua_State *L;
  cjl_state *S;
  const cjl_opdesc *d;
  int narg, next, opts; /* positional arguments, the first not read yet, index of the options table or 0 */
  int at[CJL_MAXARG];   /* operands: where each is on the stack; 0: absent, AT_LIST: the list stands here */
  int nat;
  cj_val seen[CJL_MAXARG]; /* what they were when they were read */
  bool fresh;              /* which they still are: nothing of Lua's has been allocated since */
  int list, nlist;         /* the list: a table at list > 0, or stack slots from -list on */
  cj_param p[CJL_MAXARG];
  int np;
} cjl_call;

/* Reads all arguments, which are at 1 .. gettop; may push what it converts. */
void cjl_read(cjl_call *c, lua_State *L, cjl_state *S, const cjl_opdesc *d);
/* The operands, in room for CJL_MAXIN or in memory that is pushed; nothing is allocated after that, so what they
** borrow stays. */
cj_val *cjl_operands(cjl_call *c, cj_val *room, int *n);
#endif
