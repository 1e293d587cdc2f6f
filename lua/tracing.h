/*
** tracing.h -- running a Lua function on traced tensors.  The trace is held by a userdata in a to-be-closed slot,
** so it ends however the C function that opened it is left.
*/
#ifndef cjl_tracing_h
#define cjl_tracing_h

#include "tree.h"

/* Opens a trace and pushes what closes it. */
uint32_t cjl_opentrace(lua_State *L, cjl_state *S, const char *who);
/* Pushes a value of that structure whose leaves are arguments of the trace; of float dtypes only. */
void cjl_pushinputs(lua_State *L, cjl_state *S, const char *who, uint32_t trace, int structure);
/* The same as arguments of a function of inputs: of a list its entries; how many. */
int cjl_pusharguments(lua_State *L, cjl_state *S, const char *who, uint32_t trace, int structure);
/* Pushes the structure of `inputs`, argument arg of who: a tensor, or a table of tensors with one part only. */
void cjl_checkinputs(lua_State *L, cjl_state *S, const char *who, int arg);
/* Pushes the arguments of a function of inputs: the tensor, the entries of a list, or a table of names; how many. */
int cjl_spreadinputs(lua_State *L, int inputs);
void cjl_checkfunction(lua_State *L, const char *who, int idx);
/* Pushes the structure of the n results of f at stack index first. */
void cjl_outputs(lua_State *L, cjl_state *S, const char *who, int first, int n);

/* Pushes an empty holder of a function of the core, which releases it when it is collected. */
cj_func **cjl_funcbox(lua_State *L);

/* Handles that wait for results, in order. */
typedef struct cjl_slots {
  cjl_tensor **slot;
  int n;
  int inner; /* stack index of a structure, one of which comes for each leaf; 0: a single handle */
  int at;    /* stack index from which on all handles are, without finalizers yet; 0: they are made one by one */
  const cjl_state *S;
  size_t room, most; /* bytes: behind each of them; of the largest result that would be a small tensor */
} cjl_slots;
/* Room for n of them, on the stack if that is enough, else pushed. */
cjl_tensor **cjl_slotroom(lua_State *L, cjl_tensor **few, int n);
/* Pushes n handles for s, if they are few; results may stand in them. */
void cjl_pushslots(lua_State *L, cjl_state *S, cjl_slots *s, int n);
/* A request's place, ud: cjl_slots that have been pushed: a small result is written where its handle is. */
const cj_small *cjl_placeslot(void *ud, int i, const cj_type *t);
/* Pushes a value of that structure made of the next of them. */
void cjl_buildslots(lua_State *L, int structure, cjl_slots *s);
/* Fills them; the values are taken over. */
void cjl_fillslots(lua_State *L, cjl_state *S, const cjl_slots *s, const cj_val *v);
#endif
