/*
** sub.h -- programs inside programs.  A row with sub-programs names them by their numbers in the graph's list
** (op.h: subs); a sub-program is finished, has no captures, is shared by reference and never changes.
**
** The one such row is `scan`, a loop whose body is a program.  With carry c, rows x, constants k:
**
**   body:  (c.., x.., k..) -> (c'.., y.., s..)
**   scan:  operands  init.. (as c), xs.. (a leading axis of `steps` before the shape of x), k..
**          result    one vector, the parts end to end:
**                    history of each c   [steps + 1] ++ shape, init among them; entry t+1 (t, if reverse) is what
**                                        the step on row t of the xs gave, the other end is init
**                    y of each step      [steps] ++ shape
**                    s                   the sum over all steps
**
** All parts have the dtype of the result.  A loop of one step without carry and rows is a call: its s are the
** results.  A call may bring derivatives: jvp is (k.., s.., tangents of the float k..) -> (tangents of s..), vjp is
** (k.., s.., cotangents of s..) -> (cotangents of the float k..), each -1 if there is none.
*/
#ifndef cj_graph_sub_h
#define cj_graph_sub_h

#include "graph/graph.h"

enum { CJG_SUBDEPTH = 24 }; /* of programs inside programs */

enum { /* the numbers of scan */ CJG_BODY,
       CJG_STEPS,
       CJG_REVERSE,
       CJG_NCARRY,
       CJG_NX,
       CJG_NY,
       CJG_JVP,
       CJG_VJP,
       CJG_NLOOP };

/* The numbers of a scan, read. */
typedef struct cjg_loop {
  const cj_graph *body, *jvp, *vjp; /* the last two: NULL, or the derivatives of a call */
  int64_t steps;
  bool reverse;
  int nin, ncarry, nx, ny, nout; /* nin: operands, nout: parts */
} cjg_loop;

/* Where a part of the result is: its offset in elements, and its type, with the leading axis if it has one. */
typedef struct cjg_part {
  int64_t first, rowsize; /* rowsize: elements of one entry */
  int64_t rows;           /* entries; 1 for a sum */
  cj_type type;
} cjg_part;

/* The number of f in g's list of sub-programs, which retains it; -1: ENOMEM or too deep. */
int64_t cjg_sub(cj_graph *g, cj_graph *f);
cj_graph *cjg_retain(cj_graph *g);
/* The attribute of instruction r of f as it is written in g, sub-programs and all. */
bool cjg_carry_attr(cj_graph *g, const cj_graph *f, cj_ref r, cj_attr *a);
/* Equal to the last bit, numbers without a code too. */
bool cjg_samesub(const cj_graph *a, const cj_graph *b);
/* The type of an instruction whose row has sub-programs. */
bool cjg_infer_sub(const cj_graph *g, int op, const cj_type *const *in, int nin, const cj_attr *a, cj_type *out);

static inline bool cjg_isloop(const cj_graph *g, cj_ref r) { return r && cjg_row(g, r)->subs != 0; }
cjg_loop cjg_loop_of(const cj_graph *g, cj_ref r);
cjg_part cjg_part_of(const cjg_loop *l, int k);
void cjg_parts(const cjg_loop *l, cjg_part *p); /* all l->nout of them */
/* The entry of the history of a carry that is there at the start, at the end. */
static inline int64_t cjg_first_entry(const cjg_loop *l) { return l->reverse ? l->steps : 0; }
static inline int64_t cjg_last_entry(const cjg_loop *l) { return l->reverse ? 0 : l->steps; }
#endif
