/*
** plan.h -- what a plan is made of.  Written once by the planner (planner.h), read by run.c and
** plan_print.c, never changed in between, but that machine code may be added (native.h) before anyone else sees it.
**
** A place is a base and an offset in bytes.  The bases are found anew in every run, into a table at the
** start of the workspace:
**
**   CJE_WORK    the workspace itself          CJE_KONST   the numbers, in the plan
**   CJE_INPUT + i, then the outputs, then the constant tensors
**
** Inputs are taken as row-major at planning, so that every view of them is known then; one that is not
** at run time is copied behind the workspace first.
**
** Steps are of five kinds.  LOOP: a loop (loop.h).  EVAL: a row's kernel.  COPY: a strided copy.  GROUP:
** elementwise instructions with the same number of elements, run together over blocks that stay in the L1
** cache.  TAPE: those with one element, equal operations that do not depend on each other in one call of their
** loop.  Either may be machine code instead.
*/
#ifndef cj_exec_plan_h
#define cj_exec_plan_h

#include "exec/exec.h"
#include "exec/pattern.h"
#include "kernel/kernels.h"

enum { CJE_WORK, CJE_KONST, CJE_INPUT };
enum { CJE_BLOCK = 256, CJE_RUN_MAX = 512 };

typedef struct cje_place {
  uint32_t base, size; /* size: bytes of an element */
  int64_t offset;
} cje_place;

typedef struct cje_operand {
  uint32_t base, shape; /* shape: index of the view that lacks only its data */
  int64_t offset;
} cje_operand;

/* A loop and the dtypes it is called with; a cast, which has no loop, goes through eval. */
typedef struct cje_fn {
  cj_loop loop;
  cj_picked picked; /* NULL: its operands must be gathered */
  cj_eval eval;
  uint16_t op;
  uint8_t nin, xdtype[3], ydtype;
} cje_fn;

typedef enum cje_kind {
  CJE_EVAL,
  CJE_COPY,
  CJE_GROUP,
  CJE_TAPE,
  CJE_LOOP,
  CJE_GONE
} cje_kind; /* GONE: while planning */
typedef struct cje_step {
  uint8_t kind;
  uint16_t op, nin;
  int32_t line;
  uint32_t first; /* EVAL, COPY: the operands, then the result; GROUP, TAPE, LOOP: its number */
  uint32_t attr;
  cj_eval eval;
  int64_t scratch; /* offset of the kernel's workspace */
} cje_step;

/* One loop over one block.  y, x: entries of the group. */
typedef struct cje_blockop {
  cj_loop loop; /* NULL: there is none for what it does */
  uint16_t fn;  /* CJE_LOAD: gathers pattern x[0] into y */
  uint8_t splat;
  uint32_t y, x[3];
} cje_blockop;
#define CJE_LOAD UINT16_MAX
#define CJE_STORE (CJE_LOAD - 1) /* puts y where pattern x[0] says */

/* The same as machine code, run with the table of bases. */
typedef void (*cje_code)(char *const *base);

/* Entries are nslot slots, then nfixed places of single elements, then nmoving places that go on with the blocks.  In
** the workspace: for each instruction a frame of pointers to its operands and its result, one for each entry, the
** slots. */
enum { CJE_FRAME = 4, CJE_RESULT = 3 };
typedef struct cje_group {
  int64_t n, block;
  uint32_t op, nop, place, nslot, nfixed, nmoving;
  uint32_t advance, nadvance;     /* in cell: which pointer goes on, and by how many bytes a block */
  int64_t slotsize, table, slots; /* offsets in the workspace */
  int64_t native;                 /* bytes from table on that machine code may use */
  bool far;                       /* its vectors are more than the caches hold */
  cje_code code;                  /* NULL: interpreted */
} cje_group;

typedef struct cje_gather {
  cje_place from; /* or to */
  cje_pattern pattern;
  bool picked;  /* LOAD: element i is the one at step * index[i], an int64_t */
  int64_t step; /* in elements */
  cje_place index;
  int64_t begin, end;      /* STORE: these elements alone; LOAD: the others are zeros */
  uint8_t column, columns; /* STORE: the group stores rows of so many columns, of which this is one; columns 0: else */
} cje_gather;

/* n equal operations on cells, which are offsets in bytes; results are put one behind the other. */
typedef enum cje_mode { CJE_DIRECT, CJE_ONE, CJE_GATHERED } cje_mode;
typedef struct cje_run {
  cj_picked picked; /* operands are fetched one by one; NULL: mode says how the loop gets them */
  uint32_t y, x;    /* x: where their cells are listed: those of one operation after the other if picked, else one an
                       operand, n for a gathered one */
  uint16_t fn, n, whole; /* whole: so many are computed, n or a vector, for which there is room */
  uint8_t mode[3];       /* of each operand: cells that follow each other, one for all, any */
} cje_run;

/* n elements between places and cells: consecutive ones, or those in the list of cells, where each one's cell is
** followed by its distance from the place, an int32_t, both in bytes. */
typedef struct cje_move {
  cje_place place;
  uint32_t n, cell;
  bool listed; /* cell: where the list starts */
} cje_move;

/* A number that must be positive and finite, or not zero; else row op fails. */
typedef struct cje_check {
  cje_place place;
  uint16_t op;
  bool positive;
  int32_t line;
} cje_check;

typedef struct cje_tape {
  uint32_t run, nrun, load, nload, store, nstore, check, ncheck;
  uint32_t order, count, ncell; /* order: where the results are listed; ncell: bytes of cells */
  int64_t cells, scratch;       /* offsets in the workspace */
  int32_t spare;                /* bytes of scratch to make vectors whole with */
  cje_code code;                /* NULL: interpreted */
} cje_tape;
/* An operand or a result of a loop's body; numbers of bytes.  other: in the loop's scratch, < 0: none. */
typedef struct cje_port {
  int64_t at;    /* of a result: where in the loop's result it starts */
  int64_t step;  /* from row to row; of a sum: its bytes */
  int64_t other; /* of an operand: its row-major copy; of a result that keeps no rows: the second buffer */
} cje_port;

typedef struct cje_loop {
  cj_plan *body; /* with one more argument for each sum, unless there is one step */
  int64_t steps;
  bool reverse;
  uint32_t nin, ncarry, nx, ny, nout; /* as in graph/sub.h */
  uint32_t operand, port;             /* where they are listed: operands, then the result; nin and nout ports */
  int64_t scratch, work;              /* in the workspace; of the body, in scratch */
} cje_loop;

/* In the list of results: someone outside the tape reads the cell. */
#define CJE_KEPT ((uint32_t)1 << 31)

/* An array that grows. */
#define CJE_ARRAY(T)                                                                                                   \
  struct {                                                                                                             \
    T *at;                                                                                                             \
    uint32_t n, cap;                                                                                                   \
  }

typedef CJE_ARRAY(cje_move) cje_moves;

struct cj_plan {
  cj_ctx *c;
  int refs;                /* atomic */
  int64_t worksize, views; /* views: offset of room for the views of one step */
  uint32_t nin, nout;      /* nin: arguments and captures */
  CJE_ARRAY(cj_type) type;
  CJE_ARRAY(cj_attr) attr;
  CJE_ARRAY(cj_view) shape;  /* the first type.n: row-major of each type */
  CJE_ARRAY(uint32_t) input; /* types of the inputs */
  CJE_ARRAY(int64_t) konst;  /* 8 bytes a number, and small sources computed at planning */
  CJE_ARRAY(cj_tensor *) tensor;
  CJE_ARRAY(cje_fn) fn;
  CJE_ARRAY(cje_step) step;
  CJE_ARRAY(cje_operand) operand;
  CJE_ARRAY(cje_group) group;
  CJE_ARRAY(cje_blockop) blockop;
  CJE_ARRAY(cje_place) place;
  CJE_ARRAY(cje_gather) gather;
  CJE_ARRAY(cje_tape) tape;
  CJE_ARRAY(cje_run) run;
  CJE_ARRAY(cje_loop) loop;
  CJE_ARRAY(cje_port) port;
  CJE_ARRAY(uint32_t) cell;
  cje_moves move;
  CJE_ARRAY(cje_check) check;
  CJE_ARRAY(uint32_t) order; /* cells of results in the order in which instructions were written, with CJE_KEPT */
  void *pages;               /* of machine code; NULL: none */
  size_t npages;             /* bytes */
  bool native;               /* code has been made, or cannot be */
  cje_code whole;            /* of the only step, where that is machine code; NULL: else */
};

/* run.c: n elements by a row without a loop, which is a cast. */
void cje_cast_block(const cje_fn *f, int64_t n, void *y, const void *x, bool splat);

/* run.c: elements first .. first+n-1 of what a group loads, into dst. */
void cje_load_block(const cje_gather *from, char *const *base, char *dst, int64_t first, int64_t n);
/* The same where they follow each other: where they are if all are there, else dst, which they are copied to. */
const char *cje_window_block(const cje_gather *from, char *const *base, char *dst, int64_t first, int64_t n);

/* run.c: elements first .. first+n-1 of a group to where they go from dst on. */
void cje_store_block(const cje_gather *to, char *dst, const char *src, int64_t first, int64_t n);

/* Where rows first .. first+n-1 of all columns of a result go, to being the first of them, if all of each row is
** stored; else slots, from where cje_store_rows puts them there afterwards.  base: that of the result. */
char *cje_rows_block(const cje_gather *to, char *base, char *slots, int64_t first, int64_t n);
void cje_store_rows(const cje_gather *to, char *base, const char *slots, int64_t first, int64_t n);
/* The same of columns that are each in its own place. */
void cje_weave_block(const cje_gather *to, char *base, char *const *src, int64_t first, int64_t n);

/* Element k of a move: its cell, and its distance from the place. */
static inline uint32_t cje_move_cell(const cj_plan *p, const cje_move *m, uint32_t k) {
  return m->listed ? p->cell.at[m->cell + 2 * k] : m->cell + k * m->place.size;
}
static inline int64_t cje_move_distance(const cj_plan *p, const cje_move *m, uint32_t k) {
  return m->listed ? (int32_t)p->cell.at[m->cell + 2 * k + 1] : (int64_t)k * m->place.size;
}
/* The cell of operand i of operation k of a run. */
uint32_t cje_run_cell(const cj_plan *p, const cje_run *run, int i, uint32_t k);

static inline uint32_t cje_output_base(const cj_plan *p, uint32_t k) { return CJE_INPUT + p->nin + k; }
static inline uint32_t cje_tensor_base(const cj_plan *p, uint32_t k) { return CJE_INPUT + p->nin + p->nout + k; }
static inline uint32_t cje_nbase(const cj_plan *p) { return cje_tensor_base(p, p->tensor.n); }
#endif
