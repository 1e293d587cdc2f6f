/*
** walk.h -- a pattern on its way through a linear program: for every value, which set of columns each of
** its elements may depend on.  The sets of a value are seen through strides, so a view costs nothing and
** what is repeated is stored once.
*/
#ifndef cj_jacobian_walk_h
#define cj_jacobian_walk_h

#include "exec/exec.h"
#include "jacobian/sets.h"

/* From where the run before ends (0 for the first one): first, first + step, .., single columns; or first 0, step 0:
** nothing. */
typedef struct cjj_range {
  size_t end;
  cjj_set first;
  int32_t step;
} cjj_range;

/* n sets, one by one or in runs: shifted copies of the columns stay a few runs, however many they are. */
typedef struct cjj_ids {
  uint32_t refs;
  size_t n;
  uint32_t nrun, cap;
  cjj_set *id;    /* NULL: only in runs so far */
  cjj_range *run; /* NULL: not in runs */
} cjj_ids;

/* buf NULL: no element depends on anything. */
typedef struct cjj_deps {
  cjj_ids *buf;
  int64_t off, stride[CJ_MAXRANK]; /* one an axis of the value's type, from the front */
} cjj_deps;

typedef struct cjj_walk {
  cj_ctx *c;
  const cj_graph *g;
  cjj_sets sets;
  uint32_t *at, *last; /* by instruction: its entry in deps + 1, its last user */
  cjj_deps *deps;
  uint32_t ndeps, depscap, spare; /* spare: first of a chain of free entries + 1, through off */
  cj_tensor **known;              /* by instruction: values of constants, as far as evaluated */
  int64_t work;                   /* elements looked at so far */
} cjj_walk;

/* --- deps.c: dependences as strided arrays of sets ------------------------------------- */
bool cjj_deps_new(cjj_walk *w, const cj_type *t, cjj_deps *out); /* row-major, sets undefined */
cjj_deps cjj_deps_share(const cjj_deps *v);
void cjj_deps_drop(cjj_walk *w, cjj_deps *v);
void cjj_ids_release(cj_ctx *c, cjj_ids *ids);
bool cjj_ids_write(cj_ctx *c, cjj_ids *ids); /* one by one, if they are not */
/* v, of type t, as an operand that broadcasts to type to: the same sets. */
cjj_deps cjj_deps_broadcast(const cjj_deps *v, const cj_type *t, const cj_type *to);
/* Elementwise unions of n values that have been broadcast to t. */
bool cjj_deps_unite(cjj_walk *w, const cjj_deps *v, int n, const cj_type *t, cjj_deps *out);
/* Unions along the axes of mask (bit k-1: k-th from the end): they get stride 0. */
bool cjj_deps_squash(cjj_walk *w, const cjj_deps *v, const cj_type *t, uint32_t mask, cjj_deps *out);
/* The sets of v, of type t, one after the other. */
bool cjj_deps_flatten(cjj_walk *w, const cjj_deps *v, const cj_type *t, cjj_deps *out);
/* *same: whether x and z, of type t, are.  False: an error. */
bool cjj_deps_same(cjj_walk *w, const cjj_deps *x, const cjj_deps *z, const cj_type *t, bool *same);
cjj_set cjj_deps_greatest(const cjj_deps *v, const cj_type *t); /* of sets that are there one by one */
/* More elements to look at: false if that is too many, or the caller cancels. */
bool cjj_walk_more(cjj_walk *w, int64_t elements);

/* Nested loops over strided sets; a step moves n offsets. */
typedef struct cjj_nest {
  int rank, n;
  int64_t dim[CJ_MAXRANK], i[CJ_MAXRANK];
  const int64_t *stride[3];
  int64_t off[3];
} cjj_nest;
bool cjj_nest_step(cjj_nest *l); /* false: that was the last */
/* The last axis of t is left to an inner loop: its size and its step. */
int64_t cjj_nest_lines(const cjj_deps *v, const cj_type *t, cjj_nest *l, int64_t *step);

/* --- runs.c: the same in runs ------------------------------------------------------------- */
/* first, first + 1, .. */
bool cjj_runs_count(cjj_walk *w, const cj_type *t, cjj_set first, cjj_deps *out);
/* The sets of v, of type t, one after the other; single columns. */
bool cjj_runs_flatten(cjj_walk *w, const cjj_deps *v, const cj_type *t, cjj_deps *out);
/* Both are in runs; of type t. */
bool cjj_runs_same(cjj_walk *w, const cjj_deps *x, const cjj_deps *z, const cj_type *t, bool *same);
/* The rules of embed (by step 1) and cat, if their operands are in runs; else *out stays empty. */
bool cjj_runs_move(cjj_walk *w, cj_ref r, cjj_deps *out);

/* --- pattern.c --------------------------------------------------------------------------- */
/* For the jvp of a program of nx arguments; limit: of the sets. */
bool cjj_walk_open(cjj_walk *w, cj_ctx *c, const cj_graph *lin, int nx, int64_t limit);
void cjj_walk_close(cjj_walk *w); /* also after open failed */

/* --- propagate.c: the rules ---------------------------------------------------------------- */
/* The dependences of instruction r, some operand of which has some. */
bool cjj_propagate(cjj_walk *w, cj_ref r, cjj_deps *out);
static inline const cjj_deps *cjj_deps_of(const cjj_walk *w, cj_ref r) {
  return w->at[r] ? &w->deps[w->at[r] - 1] : NULL;
}

/* --- constant.c ------------------------------------------------------------------------------- */
/* The value of r if it depends on no input (borrowed), else NULL; an error is noted. */
cj_tensor *cjj_constant(cjj_walk *w, cj_ref r);
#endif
