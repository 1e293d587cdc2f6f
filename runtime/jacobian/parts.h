/*
** parts.h -- how a Jacobian is cut up; for the files of this floor only.
**
** Its columns are divided into parts, each some of the inputs.  A part is dense, or has a pattern and
** colours, or is a few diagonals.  The others are computed by passes: a linear sweep forwards (jvp) or backwards
** (vjp) from several seeds at once.  Seed number s of a pass is the sum of the unit vectors whose label is s: in
** a dense pass every unit vector has a label of its own, in a coloured one its colour is its label.
*/
#ifndef cj_jacobian_parts_h
#define cj_jacobian_parts_h

#include "jacobian/colour.h"
#include "jacobian/jacobian.h"
#include "jacobian/walk.h"
#include "rules/build.h"

#include <math.h>

typedef struct cjj_local cjj_local;
typedef struct cjj_part {
  bool reverse;
  uint8_t *active;     /* by input */
  cj_pattern *pattern; /* of the active inputs; NULL: dense */
  int64_t *colour;     /* of its rows if reverse, else of its columns; -1: none */
  int64_t ncolours;
  bool star; /* of a symmetric pattern: entry (i, j) is read from the colour of j, or from row j and the colour of i */
  bool unrolled;    /* dense: a pass of its own for every seed */
  cjj_local *local; /* no passes: diagonals */
} cjj_part;

/* What is seeded: output `index` if reverse, else input `index`; its elements have labels from `at` on. */
typedef struct cjj_member {
  int index;
  int64_t at;
} cjj_member;

typedef struct cjj_pass {
  uint32_t part, member, n; /* members member .. member + n */
  int64_t first, nseed;     /* labels first .. first + nseed */
} cjj_pass;

typedef struct cjj_cut {
  cj_ctx *c;
  int nx, ny;
  cjj_part *part;
  uint32_t npart, partcap;
  cjj_pass *pass;
  uint32_t npass, passcap;
  cjj_member *member;
  uint32_t nmember, membercap;
  cjj_choice choice;
} cjj_cut;

/* --- cost.c: the cost model ------------------------------------------------------ */
/* Costs are in units of one element of an elementwise operation. */
typedef struct cjj_costs {
  double sweep;  /* one seed through the linear program */
  double *input; /* the same by input, nx of them; NULL: not wanted */
  double linear; /* instructions of the linear program */
  double small;  /* those of one element */
  double primal; /* what does not depend on tangents, once, instructions included */
} cjj_costs;
#define CJJ_NODE 60.      /* an instruction, whatever its size */
#define CJJ_SMALL 2.      /* one of one element among many such, which are run together */
#define CJJ_BACKWARD 1.25 /* a sweep backwards against one forwards */
/* lin: the jvp of a program with nx arguments, tangents only. */
bool cjj_cost_of(const cj_graph *lin, int nx, cjj_costs *out);
double cjj_work(const cj_graph *g, cj_ref r);        /* of instruction r on its own */
bool cjj_cost_whole(const cj_graph *g, double *out); /* of running g once */

/* --- strategy.c: choosing ------------------------------------------------------ */
bool cjj_cut_choose(cj_ctx *c, const cj_graph *f, cj_strategy s, cjj_cut *cut);
void cjj_cut_free(cjj_cut *cut);
/* Colours p by columns or rows, whichever is less work when a seed costs forward or backward, and notes it in
** part, with a reference to p; nothing if all would cost more than worth.  False after an error. */
bool cjj_colour_best(cj_ctx *c, cj_pattern *p, double forward, double backward, double worth, cjj_part *part);
/* Makes part one of diagonals if lin is of that kind and it costs less than cost. */
bool cjj_prefer_local(cj_ctx *c, const cj_graph *lin, int nx, const cjj_costs *k, double cost, cjj_part *part);
void cjj_part_drop(cj_ctx *c, int nx, cjj_part *part);
/* A cut of n parts, each of all inputs; takes over what they hold. */
bool cjj_cut_parts(cj_ctx *c, const cj_graph *f, cjj_part *part, uint32_t n, cjj_cut *cut);

/* --- pattern.c ---------------------------------------------------------------------- */
/* On the jvp of a program of nx arguments, of which the active ones have tangents. */
cj_status cjj_pattern_linear(cj_ctx *c, const cj_graph *lin, int nx, int64_t maxnnz, cj_pattern **out);
/* The first entry of a row at column j or after it. */
int64_t cjj_pattern_entry(const cj_pattern *p, int64_t row, int64_t j);
/* Room for a pattern: rowptr[0] is 0, the rest undefined. */
cj_pattern *cjj_pattern_room(cj_ctx *c, int64_t rows, int64_t cols, int64_t nnz);
/* A pattern of these bands, which it takes over (cap: of the array) unless there is an error. */
cj_pattern *cjj_pattern_banded(cj_ctx *c, int64_t rows, int64_t cols, int64_t nnz, cjj_band *band, uint32_t nband,
                               uint32_t cap);
/* The columns from .. to of p as a pattern of its own. */
cj_pattern *cjj_pattern_columns(const cj_pattern *p, int64_t from, int64_t to);

/* --- frame.c: programs that hold other programs ------------------------------------------ */
/* A program with the arguments of f, more arguments v, and the captures of f. */
typedef struct cjj_frame {
  cj_graph *g;
  const cj_graph *f;
  cj_ref *x, *v;    /* arguments and captures; v */
  cj_ref *in, *out; /* of what is being inlined */
  uint32_t xcap, vcap, incap, outcap;
} cjj_frame;
/* v: the arguments from..from + nv of like become v. */
bool cjj_frame_open(cjj_frame *w, const cj_graph *f, const cj_graph *like, uint32_t from, uint32_t nv);
/* Inlines h, whose inputs are x.., nv others with the values v, captures..; its outputs, good until the next
** one, or NULL. */
const cj_ref *cjj_frame_inline(cjj_frame *w, const cj_graph *h, const cj_ref *v, uint32_t nv);
void cjj_frame_outputs(cjj_frame *w, const cj_ref *r, uint32_t n);
cj_graph *cjj_frame_close(cjj_frame *w); /* its graph, or NULL after an error */

/* --- passes.c: one batched sweep ------------------------------------------------------------ */
/* (x.., seeds of the members.., captures..) -> rows: what each active input (reverse) or each output
** (forward) gets, with a leading axis of n seeds unless n is 1. */
cj_graph *cjj_pass_graph(const cj_graph *f, const cjj_cut *cut, const cjj_pass *p, int64_t n);
/* The type of what member m of a pass seeds. */
const cj_type *cjj_member_type(const cj_graph *f, bool reverse, const cjj_member *m);
/* Seeds first .. first + n of member m, whose type is t, one after the other. */
void cjj_fill_seeds(const cjj_part *part, const cjj_member *m, const cj_type *t, int64_t first, int64_t n, void *to);
/* The whole pass with constant seeds, inlined: its rows, or NULL. */
const cj_ref *cjj_emit_pass(cjj_frame *w, const cjj_cut *cut, const cjj_pass *p);
/* Rows of a whole dense pass into their blocks J[i * nx + j]. */
void cjj_dense_blocks(cj_graph *g, const cj_graph *f, const cjj_cut *cut, const cjj_pass *p, const cj_ref *row,
                      cj_ref *J);
/* The passes from p on that are one member's, one seed each, into its blocks.  How many; 0 after an error. */
uint32_t cjj_unrolled_blocks(cjj_frame *w, const cjj_cut *cut, const cjj_pass *p, cj_ref *J);
/* y ++ x with the dtype of x.  False: too large, noted. */
bool cjj_block_type(const cj_graph *f, int i, int j, cj_type *out);
/* The row of output i as a matrix: its elements by seeds. */
cj_ref cjj_transposed(cj_graph *g, cj_ref row, int64_t nseed);
/* r, of as many elements, as block J[i * nx + j] of f. */
void cjj_put_block(cj_graph *g, const cj_graph *f, int i, int j, cj_ref r, cj_ref *J);
bool cjj_has_derivative(const cj_graph *f, int i); /* output i is float and not empty */
bool cjj_check_arguments(const cj_graph *f);       /* all float, or it is noted which one is not */
static inline const cj_type *cjj_x(const cj_graph *f, int j) { return cjg_type(f, f->arg[j]); }
static inline const cj_type *cjj_y(const cj_graph *f, int i) { return cjg_type(f, f->out[i]); }

/* --- derive.c --- */
/* (x..; captures..) -> (values' outputs.., blocks..) of s, whose inputs are those of f; values may be NULL. */
cj_graph *cjj_blocks(const cj_graph *f, const cj_graph *values, const cj_graph *s, const cjj_cut *cut);
/* J[i * nx + j] to the outputs of w, zeros for a 0. */
bool cjj_emit_blocks(cjj_frame *w, const cj_graph *s, const cj_ref *J);
/* --- chain.c: cross-country --- */
/* The same from the middle, if that costs clearly less than plain does and than choice says, which is then noted
** there; else *out is NULL. */
bool cjj_chain_blocks(const cj_graph *f, const cj_graph *values, const cj_graph *plain, cjj_choice *choice,
                      cj_graph **out);

/* --- place.c ------------------------------------------------------------------------------------- */
/* Places in a vector: an arithmetic progression is a view, anything else an index. */
typedef struct cjj_places {
  int64_t *at, n;
  int64_t first, step; /* step 0: no progression */
} cjj_places;
void cjj_places_see(cjj_places *p); /* whether it is a progression */
cj_ref cjj_take(cj_graph *g, cj_ref vector, const cjj_places *p);
/* v at its places in zeros; add: several may have the same. */
cj_ref cjj_spread(cj_graph *g, cj_ref v, const cjj_places *p, int64_t full, int dtype, bool add);
cj_ref cjj_flat(cj_graph *g, cj_ref r);

/* --- coloured.c: compressed rows ------------------------------------------------------------- */
void cjj_coloured_blocks(cj_graph *g, const cj_graph *f, const cjj_cut *cut, const cjj_part *part, const cj_ref *row,
                         cj_ref *J);
/* The nonzeros in pattern order: from the only part, or from columns of the first one and rows of the second. */
cj_ref cjj_coloured_nonzeros(cjj_frame *w, const cjj_cut *cut, int dtype);

/* --- local.c: shifted diagonals ---------------------------------------------------------------- */
/*
** A Jacobian as a few diagonals: row e of output `output` has the e-th element of a coefficient in the column that is
** set e of `at`, if there is one.
*/
typedef struct cjj_piece {
  int output;
  size_t n;    /* elements of the output */
  cjj_ids *at; /* in runs */
} cjj_piece;
struct cjj_local {
  cj_ctx *c;
  cj_graph *g; /* (x..; captures..) -> one coefficient a piece, which broadcasts to its output */
  cjj_piece *piece;
  uint32_t n, cap;
  double cost;
};
/* *out NULL: the linear program lin, the jvp of one with nx arguments, is not of that kind. */
bool cjj_local_find(cj_ctx *c, const cj_graph *lin, int nx, cjj_local **out);
void cjj_local_free(cjj_local *l);
/* --- local_emit.c --- */
bool cjj_local_blocks(cjj_frame *w, const cjj_cut *cut, cjj_local *l, cj_ref *J);
/* The nonzeros in pattern order, and the pattern. */
cj_ref cjj_local_nonzeros(cjj_frame *w, cjj_local *l, int dtype, cj_pattern **pattern);
#endif
