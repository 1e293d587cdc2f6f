/*
** args.h -- how a face reads its arguments, and how it says what is wrong with them.  k is the call; i
** counts its operands and j its parameters, in the order of the row's sig.  After a failure the context
** has the message and the function returns 0 or false: the face just returns.
*/
#ifndef cj_rules_args_h
#define cj_rules_args_h

#include "rules/build.h"

/* --- messages ------------------------------------------------------------- */
/* "[2, 3]", good within the expression it stands in: cjr_show(&t).s */
typedef struct cjr_text {
  char s[22 * CJ_MAXRANK];
} cjr_text;
cjr_text cjr_show(const cj_type *t);
/* Notes "NAME: ..." with the name of the row; always false. */
bool cjr_bad(const cj_call *k, cj_status s, const char *fmt, ...) CJ_PRINTF(3, 4);
/* An axis as users count it: from 1, negative ones from the end. */
static inline int64_t cjr_user(int64_t axis) { return axis >= 0 ? axis + 1 : axis; }

/* --- operands --------------------------------------------------------------- */
cj_type cjr_in(const cj_call *k, int i); /* a copy of the type of operand i; 0-d float64 if absent */
static inline bool cjr_isweak(const cj_call *k, int i) { return i < 32 && (k->weak >> i & 1); }
/* The dtype that operands i .. i+n-1 take together (absent ones skipped): PyTorch's promotion, in which 0-d tensors and
** plain numbers raise the category only. */
int cjr_common(const cj_call *k, int i, int n);
bool cjr_promote(const cj_call *k, int i, int n, cj_ref *out); /* those operands, cast to it */
cj_ref cjr_tofloat(cj_graph *g, cj_ref x);                     /* float64 if int64 or bool, else x */
static inline cj_ref cjr_float(const cj_call *k, int i) { return cjr_tofloat(k->g, k->in[i]); }
/* Operand i must have rank at least (at most) this. */
bool cjr_minrank(const cj_call *k, int i, int rank);
bool cjr_maxrank(const cj_call *k, int i, int rank);

/* --- parameters ---------------------------------------------------------------- */
static inline bool cjr_given(const cj_call *k, int j) { return j < k->np && k->p[j].n >= 0; }
int64_t cjr_int(const cj_call *k, int j, int64_t otherwise);
double cjr_num(const cj_call *k, int j, double otherwise);
const char *cjr_str(const cj_call *k, int j, const char *otherwise);
static inline bool cjr_bool(const cj_call *k, int j, bool otherwise) { return cjr_int(k, j, otherwise) != 0; }

/* Axis `axis` (from the front, or negative from the end) of t, counted from the end: 1 is the last.  Of a 0-d t
** the axes 0 and -1 are allowed and give 1.  0: out of range. */
int cjr_axisof(const cj_call *k, int64_t axis, const cj_type *t);
/* The same for an axis parameter. */
int cjr_axis(const cj_call *k, int j, const cj_type *t, int64_t otherwise);
/* The place, from the end and in the result, of an axis that is inserted into t. */
int cjr_place(const cj_call *k, int j, const cj_type *t, int64_t otherwise);
/* Axes as a bitmask, bit k-1 for the k-th from the end.  Absent or empty: all of them. */
bool cjr_axes(const cj_call *k, int j, const cj_type *t, uint32_t *mask);
/* A shape parameter for the elements of x, one size of which may be -1: what is left. */
bool cjr_shape(const cj_call *k, int j, const cj_type *x, cj_type *out);
/* A permutation parameter: perm[i], from the front, is the axis of t that comes i-th. */
bool cjr_perm(const cj_call *k, int j, const cj_type *t, int *perm);
/* A position along an axis of that size, negative from the end; false: outside it. */
bool cjr_position(const cj_call *k, int64_t pos, int64_t size, int64_t *out);

/* --- results ---------------------------------------------------------------------- */
static inline bool cjr_one(cj_ref r, cj_ref *out, int *nout) {
  out[0] = r;
  *nout = 1;
  return r != 0;
}
/* The single result of another row's face without parameters on these operands, none of them weak: arithmetic
** with promotion. */
cj_ref cjr_op(cj_graph *g, int op, const cj_ref *in, int nin);
#endif
