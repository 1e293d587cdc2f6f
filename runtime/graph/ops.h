/* ops.h -- the numbers of the rows, and the table itself (rules/table.c). */
#ifndef cj_graph_ops_h
#define cj_graph_ops_h

#include "graph/op.h"

enum {
  CJ_OP_none,
#define OP(name) CJ_OP_##name,
#include "def/ops.def"
#undef OP
  CJ_NOPS
};

enum { /* elementwise rows in the order of their kernels */
#define X(name, ...) CJ_EW_##name,
#include "def/elementwise.def"
#undef X
       CJ_NEW
};
#define CJ_OP_FIRST_EW (CJ_OP_none + 1) /* ops.def starts with the elementwise rows */

extern const cj_op *const cjr_table[CJ_NOPS];
static inline const cj_op *cjr_row(int op) { return cjr_table[op]; }
#endif
