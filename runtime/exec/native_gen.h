/*
** native_gen.h -- between the files of the x86-64 back end: values of a straight program, and the registers
** and memory that hold them.
**
** While code runs: rbx the workspace, r12 the table of bases, r13 the numbers of the plan, r14 the masks of
** native_rows.c; rax is free for an instant, the other general registers hold bases that were needed before.
** xmm0 .. xmm13 hold values, and xmm16 .. xmm31 where the CPU has them and the rows can use them; xmm14 and
** xmm15 are free within a row.  A bool in a register is a mask: all bits of the low 64 set, or none; in memory it is
** the byte 1 or 0.
*/
#ifndef cj_exec_native_gen_h
#define cj_exec_native_gen_h

#include "exec/native.h"
#include "exec/native_x64.h"

enum { CJE_NREG = 32, CJE_T0 = 14, CJE_T1, CJE_NOREG = 255 };
#define CJE_REGS_FEW 0x00003FFFu /* those that hold values, as bits */
#define CJE_REGS_MANY 0xFFFF3FFFu
#define CJE_NEVER UINT32_MAX

/* A value is computed once.  Where it is in memory, or may be put when registers run out, is a place; a place
** that was only borrowed (slot) is lent again after the last use. */
typedef struct cje_nval {
  uint32_t next;  /* position of the next instruction that reads it; CJE_NEVER */
  uint32_t store; /* 1 + the first place that wants it; 0: none */
  uint32_t base;
  int32_t offset;
  uint8_t size, reg;
  bool inmem, slot;
} cje_nval;

typedef struct cje_nstore { /* a list */
  uint32_t base, after;
  int32_t offset;
} cje_nstore;

/* An instruction; its result is value (number of loaded values) + its own number. */
typedef struct cje_nins {
  uint32_t x[3], next[3]; /* operands, and who reads them after this */
  uint32_t depth;         /* calls that must come before */
  uint32_t calls;         /* of the first of a call: elements that it computes */
  int32_t arrays;         /* and where its arguments begin in the workspace */
  uint16_t fn;
  bool call, packed; /* packed: a call whose arguments are put into their arrays four at a time, just before it */
} cje_nins;

typedef struct cje_gen {
  cj_plan *p;
  cje_asm a;
  cje_nval *val;
  CJE_ARRAY(cje_nstore) store;
  uint32_t holds[CJE_NREG]; /* by register: the value */
  uint32_t regs;            /* CJE_REGS_FEW or CJE_REGS_MANY */
  uint32_t free;            /* of them: that hold none */
  uint32_t base[16];        /* by general register: 1 + the base that it holds; 0: none */
  uint32_t turn;
  CJE_ARRAY(uint32_t) slot4; /* values whose places are free again */
  CJE_ARRAY(uint32_t) slot8;
} cje_gen;

/* --- native_alloc.c --- */
/* Forgets what registers hold, at the start and after a call. */
void cje_regs_reset(cje_gen *g);
/* Puts every value that is still needed into memory, for a call. */
void cje_regs_spill(cje_gen *g);
/* x in a register; it stays there until the operands of the instruction are released. */
unsigned cje_regs_need(cje_gen *g, uint32_t x);
/* The same, or x in memory if it is not worth a register; next: who reads it after this instruction. */
cje_rm cje_regs_operand(cje_gen *g, uint32_t x, uint32_t next);
/* The instruction that is being made is the last one to read x before the one at next: its register may become
** the result's. */
void cje_regs_release(cje_gen *g, uint32_t x, uint32_t next);
/* And after the instruction: its place may be lent. */
void cje_regs_bury(cje_gen *g, uint32_t x);
/* A register for a result, free or made so. */
unsigned cje_regs_take(cje_gen *g);
/* Value y is in that register now; also puts it where it is wanted. */
void cje_regs_define(cje_gen *g, uint32_t y, unsigned reg);
/* Puts value y, which is in memory, where it is wanted. */
void cje_regs_store(cje_gen *g, uint32_t y);

/* --- native_rows.c --- */
extern const uint8_t cje_native_masks[];
/* The row has instructions; else it is called, if that can be. */
bool cje_row_inline(const cje_fn *f);
bool cje_row_callable(const cje_fn *f);
/* Its instructions reach registers above 15: none of them is about masks. */
bool cje_row_reaches(const cje_fn *f);
/* Emits instruction i with result y; g->a has room. */
void cje_row_emit(cje_gen *g, const cje_nins *i, uint32_t y);

/* --- native_order.c --- */
/* The numbers of count instructions, written in some order, in the one to make code of: by the calls that must come
** before, and of these first the calls.  False: ENOMEM. */
bool cje_order(const cje_gen *g, cje_nins *ins, uint32_t nload, uint32_t count, uint32_t *order);

/* --- native_scalar.c --- */
/* Appends the code of a tape and tells where it starts; UINT32_MAX: there is none.  False: ENOMEM. */
bool cje_native_tape(cje_gen *g, const cje_tape *t, uint32_t *start);
#endif
