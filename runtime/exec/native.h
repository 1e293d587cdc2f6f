/*
** native.h -- machine code for plans, made from what the planner laid out.  A plan without code is
** interpreted, with the same results to the bit: instructions are the same, in the same order within each
** value, nothing is contracted that the plan has not fused, and functions that are no instruction of the CPU are
** calls of the very loops that the interpreter calls.
**
** This header is all that the rest of the floor knows.  native_none.c answers it where there is no back end;
** one for another CPU takes the place of the files native_x64.c .. native_scalar.c:
**
**   native.c         the code of a plan: compiled, put in place, given back
**   native_mem.c     executable pages: never writable and executable at once
**   native_x64.c     instructions of x86-64 as bytes (System V ABI, AVX2)
**   native_alloc.c   values in registers and memory
**   native_rows.c    the instructions of a row
**   native_scalar.c  tapes;  native_order.c  the order of their instructions
**   native_group.c   groups: calls and loops over vectors (native_group.h)
**   native_group_code.c  their code;  native_group_calls.c  that of their calls
**   native_group_regs.c, native_vector.c   as native_alloc.c and native_rows.c, for vectors
*/
#ifndef cj_exec_native_h
#define cj_exec_native_h

#include "exec/plan.h"

/* Bytes that the code of a tape needs in the workspace for n instructions of that kind. */
size_t cje_native_scratch(const cje_fn *f, uint32_t n);
/* Bytes that the code of a group needs there. */
int64_t cje_native_room(const cj_plan *p, const cje_group *k);
/* Gives the code back.  Not for a plan that someone runs. */
void cje_native_free(cj_plan *p);
/* Whether code can be made for a CPU of that instruction set (cjk_isa), and the environment does not say
** CJAC_NATIVE=0. */
bool cje_native_able(int isa);
/* Whether the environment says CJAC_NATIVE=always: code is made for every plan, also for those that run once. */
bool cje_native_always(void);

/* Executable memory with a copy of n bytes of code; NULL: the system gives none.  CJAC_NATIVE_FAIL=mmap and
** =mprotect, in the environment, make it fail there, for tests. */
void *cje_pages_new(const void *code, size_t n);
void cje_pages_free(void *pages, size_t n);
#endif
