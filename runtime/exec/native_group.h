/*
** native_group.h -- between the files that make loops of machine code of groups: values that are vectors, and
** where their elements lie.
**
** The elements of a group are m rows of k, in order; every array is walked by a pointer with one step from
** element to element (its size, or 0: one element for all of a row) and one from row to row.  Without calls
** there is one loop over everything.  With calls the elements are taken block by block: a block is some whole rows, or
** a piece of one; before and after the calls of one depth there are loops over the block (phases), and what a later
** phase or a call reads lies in a slot, which is as long as a block.  Where calls only look for what may be missing at
** the ends of a row, all between is one block.
**
** A vector that does not fit at the end of a row is moved back until it does: its elements are computed twice, which
** gives the same results, as no result of a group overlaps an operand and a slot is not used twice in a phase.
**
** While code runs: rbx the workspace, r12 the table of bases, r13 elements of the block, r14 constants of
** native_vector.c, rcx the index in the row, r10 the last index of a whole vector and r11 the rows left where those
** are not known here, rax free for an instant, the other general registers hold pointers.
*/
#ifndef cj_exec_native_group_h
#define cj_exec_native_group_h

#include "exec/native.h"
#include "exec/native_x64.h"

#define CJE_UNREAD UINT32_MAX
#define CJE_NONE UINT32_MAX
enum { CJE_VREGS = 30, CJE_NOVREG = 255 };

/* Where a value is in memory. */
typedef enum cje_home {
  CJE_NOHOME, /* nowhere yet */
  CJE_CELL,   /* a vector of its own in the workspace: repeated elements, and what registers had no room for */
  CJE_LINE,   /* elements that follow each other */
  CJE_POINT   /* one element a row */
} cje_home;

typedef struct cje_vector {
  uint32_t next;    /* position of the next instruction of the phase that reads it; CJE_UNREAD */
  uint32_t pointer; /* LINE, POINT: the number of the pointer, from which it is disp bytes */
  int32_t disp;     /* CELL: from the workspace */
  uint8_t dtype, reg, home;
  bool there;           /* memory holds it */
  bool pinned;          /* its register is not given to others in this phase */
  bool single;          /* one element for all, at base + offset */
  bool slot;            /* LINE in a slot */
  bool window;          /* it stays where it is loaded from, when all of a block is there */
  bool live;            /* for counting */
  uint32_t gather;      /* LINE, POINT: the load of the group that does the same; CJE_NONE */
  uint32_t base;        /* of single */
  int32_t offset;       /* likewise */
  uint32_t from, last;  /* time it is computed, time it is read last: 2 * phase for calls, + 1 in the loop */
  uint32_t phase, uses; /* uses in that phase so far */
} cje_vector;

typedef struct cje_pointer {
  uint32_t base, uses;       /* uses: in the phase */
  int64_t offset, step, row; /* bytes: from the base, to the next element, to the next row */
  uint8_t reg;               /* 0: none, it is fetched from its cell */
  bool slot;                 /* of slots, which stay where they are from block to block */
  bool fixed;                /* it is the workspace, always */
  bool window;               /* one value's own, which a call sets for each block */
} cje_pointer;

/* An instruction with result y, which of a store nobody reads; in a phase first the loads, then the calls, the stores,
** the others, which are its loop.  One of these whose fn is CJE_STORE weaves: it puts its operands, columns of rows,
** beside each other. */
typedef enum cje_vkind { CJE_VLOAD, CJE_VCALL, CJE_VSTORE, CJE_VOP, CJE_NVKIND } cje_vkind;
enum { CJE_WOVEN = 4 }; /* columns that it weaves: two, three or so many */
typedef struct cje_vins {
  uint32_t x[CJE_WOVEN], next[CJE_WOVEN], y;
  uint32_t depth;
  uint32_t gather; /* LOAD, STORE: its number in the plan; of what weaves, that of its first column */
  uint16_t fn;
  uint8_t kind, nin;
} cje_vins;
static inline bool cje_weaves(const cje_vins *i) { return i->kind == CJE_VOP && i->fn == CJE_STORE; }

/* Columns of rows while not all of them have been read. */
typedef struct cje_columns {
  uint32_t gather, found, x[CJE_WOVEN];
} cje_columns;

/* What emits instructions over vectors of one width. */
typedef struct cje_vgen {
  cj_plan *p;
  cje_asm *a;
  unsigned size;             /* bytes of an element that is not a bool */
  unsigned width, lanes;     /* bytes of a vector, its elements */
  unsigned nreg, t0, t1;     /* registers for values; two more that are free within a row */
  uint32_t free;             /* registers that hold none, as bits */
  uint32_t holds[CJE_VREGS]; /* by register: the value */
  cje_vector *val;
  cje_pointer *pointer;
  int32_t cells;             /* where the cells of pointers are */
  int32_t spill, spill_end;  /* room for vectors */
  CJE_ARRAY(int32_t) unused; /* such places that are free again */
  bool failed;               /* there was no room */
} cje_vgen;

/* How the elements are gone through. */
typedef enum cje_walk {
  CJE_AT_ONCE,   /* all rows in one block */
  CJE_BY_ROWS,   /* some rows a block */
  CJE_BY_PIECES, /* some blocks a row */
  CJE_BY_ENDS    /* one row: a block at either end, and one of all between, which needs no slots */
} cje_walk;

/* A group that is made into code. */
typedef struct cje_groupcode {
  cj_plan *p;
  const cje_group *k;
  cje_vgen g;
  CJE_ARRAY(cje_vins) ins;
  CJE_ARRAY(cje_columns) columns; /* that will be woven in a loop */
  CJE_ARRAY(cje_vector) val;
  CJE_ARRAY(cje_pointer) pointer;
  uint32_t *order, *start; /* instructions by phase and kind; where those of phase p and kind k start: [3 p + k] */
  uint32_t nphase, nslot;
  int64_t rows, cols;
  int64_t block, tail; /* block: elements of a piece, or rows of a block; BY_ENDS: elements of the first, of the last */
  cje_walk walk;
  bool far; /* what the next block needs is fetched early, and blocks are short, so that there is time for it */
  int32_t state, sources, cells, working; /* in the workspace: counters, where columns that a call weaves lie, pointers,
                                             pointers within a block */
} cje_groupcode;

/* --- native_group_regs.c --- */
/* A register for a result. */
unsigned cje_vec_take(cje_vgen *g);
unsigned cje_vec_take_that(cje_vgen *g, unsigned reg); /* which is free */
unsigned cje_vec_need(cje_vgen *g, uint32_t x);
/* x in a register, or in memory if that is as good; next: who reads it after this instruction. */
cje_rm cje_vec_operand(cje_vgen *g, uint32_t x, uint32_t next);
/* x is read next there; its register may become the result's. */
void cje_vec_release(cje_vgen *g, uint32_t x, uint32_t next);
/* And after the instruction: its place may be lent again. */
void cje_vec_bury(cje_vgen *g, uint32_t x);
void cje_vec_define(cje_vgen *g, uint32_t y, unsigned reg);
/* The memory of x at the current index; it may use rax. */
cje_rm cje_vec_memory(cje_vgen *g, uint32_t x);
/* Fetches x from memory. */
void cje_vec_fetch(cje_vgen *g, uint32_t x, unsigned reg);

/* --- native_vector.c: instructions over vectors --- */
extern const uint8_t cje_vector_constants[];
/* The row has instructions over vectors whose elements have that size. */
bool cje_vec_inline(const cje_fn *f, unsigned size);
void cje_vec_emit(cje_vgen *g, const cje_vins *i);
/* Columns of 8 bytes, with vectors of at least 32. */
void cje_vec_weave(cje_vgen *g, const cje_vins *i);
/* Before a loop that does: what it needs in mask registers. */
void cje_vec_weave_masks(cje_vgen *g);
void cje_vec_move(cje_vgen *g, unsigned reg, cje_rm from);              /* a whole vector */
void cje_vec_store(cje_vgen *g, unsigned reg, cje_rm to);               /* a whole vector */
void cje_vec_repeat(cje_vgen *g, int dtype, unsigned reg, cje_rm from); /* one element in all lanes */
void cje_vec_unpack(cje_vgen *g, unsigned reg, cje_rm from);            /* bools as a mask */
void cje_vec_pack(cje_vgen *g, unsigned reg, cje_rm to);                /* and back */

/* --- native_group.c --- */
/* Appends the code of a group and tells where it starts; UINT32_MAX: there is none.  False: ENOMEM. */
bool cje_native_group(cj_plan *p, cje_asm *a, const cje_group *k, uint32_t *start);

/* --- native_group_calls.c: loads and calls before the loop of a phase, stores after it --- */
/* In the workspace, from state on: counters of elements gone through, rows left, rows or elements of a row left. */
enum { CJE_AT_FIRST = 0, CJE_AT_LEFT = 8, CJE_AT_PART = 16 };
static inline cje_rm cje_counter_at(const cje_groupcode *b, int32_t which) {
  return cje_mem(CJE_RBX, b->state + which);
}
static inline cje_rm cje_cell_at(int32_t cells, uint32_t pointer) {
  return cje_mem(CJE_RBX, cells + 8 * (int32_t)pointer);
}
static inline cje_rm cje_base_at(uint32_t base) { return cje_mem(CJE_R12, (int32_t)(base * sizeof(char *))); }
static inline cje_asm *cje_group_room(const cje_groupcode *b) {
  (void)cje_asm_room(b->g.a);
  return b->g.a;
}
void cje_call_gather(cje_groupcode *b, const cje_vins *i);
void cje_call_block(cje_groupcode *b, const cje_vins *i);
/* The stores in b->order from that position to before end. */
void cje_call_stores(cje_groupcode *b, uint32_t from, uint32_t end);
/* Asks where the loop puts the rows that it weaves; and afterwards puts those that are in slots where they belong. */
void cje_call_rows(cje_groupcode *b, const cje_vins *i);
void cje_call_rows_stored(cje_groupcode *b, const cje_vins *i);

/* --- native_group_code.c --- */
void cje_group_emit(cje_groupcode *b);
#endif
