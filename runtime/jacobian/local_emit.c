/*
** local_emit.c -- from diagonals to blocks, or to the nonzeros in order.
*/
#include "jacobian/parts.h"

/* A window of the Jacobian: output i with m elements, columns col .. col + n. */
typedef struct target {
  int i;
  int64_t m, col, n;
} target;

/* The pieces of output i one after the other, as one vector. */
static cj_ref in_line(cj_graph *g, const cj_graph *f, const cjj_local *l, const cj_ref *c, int i, int dtype) {
  cj_ref *part = cjm_alloc(g->c, (l->n + (size_t)1) * sizeof *part), all = 0;
  int n = 0;
  for (uint32_t q = 0; part && q < l->n; q++)
    if (l->piece[q].output == i || i < 0) {
      cj_type y = *cjj_y(f, l->piece[q].output), flat = {.dtype = y.dtype, .rank = 1, .dim = {(int64_t)l->piece[q].n}};
      bool number = cjb_type(g, c[q]).rank == 0;
      part[n++] = cjb_cast(g, number ? cjb_expand(g, c[q], &flat) : cjj_flat(g, cjb_expand(g, c[q], &y)), dtype);
    }
  if (part && n) all = cjb_cat(g, part, n, 1);
  cjm_free(g->c, part, (l->n + (size_t)1) * sizeof *part);
  return all;
}

/* Entries of the pieces in the target; *twice: some place has two. */
static bool local_entries(const cjj_local *l, const target *t, cjj_places *src, cjj_places *dst, bool *twice) {
  size_t bytes = (size_t)t->m * (size_t)t->n;
  int64_t base = 0;
  src->n = 0;
  *twice = false;
  uint32_t pieces = 0;
  for (uint32_t q = 0; q < l->n; q++) {
    const cjj_piece *p = &l->piece[q];
    if (p->output != t->i) continue;
    for (int64_t e = 0; e < t->m; e++) {
      int64_t j = (int64_t)p->col[e] - 1 - t->col;
      if (p->col[e] == 0 || j < 0 || j >= t->n) continue;
      src->at[src->n] = base + e;
      dst->at[src->n++] = e * t->n + j;
    }
    base += t->m;
    pieces++;
  }
  (void)bytes;
  dst->n = src->n;
  return pieces > 0;
}
