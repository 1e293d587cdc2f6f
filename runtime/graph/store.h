/* store.h -- between the files of this floor: how the door puts instructions into a graph. */
#ifndef cj_graph_store_h
#define cj_graph_store_h

#include "graph/graph.h"

bool cjg_intern_type(cj_graph *g, const cj_type *t, uint32_t *index);
bool cjg_intern_attr(cj_graph *g, const cj_attr *a, uint32_t *index); /* NULL: no numbers */
/* The equal of n in g, or n appended (*fresh).  structural: what it adds to the graph's hash, 0: all of it. */
cj_ref cjg_share(cj_graph *g, const cj_node *n, uint64_t structural, bool *fresh);
/* A 0-d constant by the bits of its store: the number for floats, an int64 for the others. */
cj_ref cjg_bits(cj_graph *g, int dtype, double bits);
int64_t cjg_toint(double v); /* saturates; NaN is 0 */
/* fold_seed.c: a product of type t with identity seeds, or 0. */
cj_ref cjg_fold_matmul(cj_graph *g, const cj_ref *in, const cj_type *t);
/* fold_linear.c: the sum of y over the axes of mask, of type t, from sums of what y is made of, or 0. */
cj_ref cjg_fold_sum_linear(cj_graph *g, cj_ref y, int64_t mask, const cj_type *t);
/* A single number s times x, of type t, where x is a multiple of something itself; or 0. */
cj_ref cjg_fold_scale(cj_graph *g, cj_ref s, cj_ref x, const cj_type *t);
/* fold_pieces.c: the sum, of type t, of two pieces among zeros as one, or 0. */
cj_ref cjg_fold_pieces(cj_graph *g, const cj_ref *in, const cj_type *t);
/* fold_diagonal.c: an instruction of type t on scaled identity seeds, done on what they are scaled by; or 0. */
cj_ref cjg_fold_diagonal(cj_graph *g, int op, const cj_ref *in, const cj_attr *a, const cj_type *t);
bool cjg_is_diagonal(const cj_graph *g, cj_ref r); /* a square matrix, scaled or not */
/* fold_transpose.c: the transposition of an instruction on what its operands are transpositions of; or 0. */
cj_ref cjg_fold_transpose(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a, const cj_type *t);
#endif
