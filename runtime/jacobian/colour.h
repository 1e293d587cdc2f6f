/*
** colour.h -- colourings of patterns; for the files of this floor.  Sources: Coleman, More, "Estimation of
** sparse Hessian matrices and graph coloring problems", Math. Programming 28, 1984; Coleman, Verma, "The
** efficient computation of sparse Jacobian matrices using automatic differentiation", SIAM J. Sci. Comput. 19,
** 1998; Gebremedhin, Manne, Pothen, "What color is your Jacobian?", SIAM Review 47, 2005; Gebremedhin, Tarafdar,
** Manne, Pothen, "New acyclic and star coloring algorithms with application to computing Hessians", SIAM J. Sci.
** Comput. 29, 2007.
*/
#ifndef cj_jacobian_colour_h
#define cj_jacobian_colour_h

#include "jacobian/jacobian.h"

typedef struct cjj_side { /* vertex -> its nets, or the other way round */
  int64_t n;
  const int64_t *ptr, *adj;
} cjj_side;

/* --- colour.c --- */
/* The columns of p as lists of rows; ptr: cols + 1, adj: nnz, place: the entry of p each comes from, nnz or NULL. */
void cjj_transpose(const cj_pattern *p, int64_t *ptr, int64_t *adj, int64_t *place);
/* Vertices so that no net meets a colour twice.  *ncolours is limit + 1 if more than limit would be needed; colour is
** then undefined. */
bool cjj_colour_sides(cj_ctx *c, const cjj_side *vertex, const cjj_side *net, int64_t limit, int64_t *colour,
                      int64_t *ncolours);
/* *ncolours as above. */
cj_status cjj_colour_upto(cj_ctx *c, const cj_pattern *p, bool rows, int64_t limit, int64_t *colour, int64_t *ncolours);
int64_t cjj_colour_bound(const cj_pattern *p, bool rows); /* no colouring has fewer */

/* --- colour_star.c --- */
/*
** A star colouring of a symmetric pattern: neighbours differ, and no path of four vertices has two colours only.  Every
** entry (i, j) is then the only one of its row whose column has the colour of j, or that of its row and column
** exchanged is.  Colours from 0; -1: those of other vertices suffice.
*/
cj_status cjj_colour_star(cj_ctx *c, const cj_pattern *p, int64_t *colour, int64_t *ncolours);
/* p, which is square, with the entries of its transpose. */
cj_status cjj_symmetric(cj_pattern *p, cj_pattern **out);
bool cjj_issymmetric(const cj_pattern *p);

/* --- colour_both.c --- */
/*
** Rows and columns at once: every entry is the only one of its row whose column has that colour, or the only one of its
** column whose row has that colour.  -1: no colour.  A seed of a column costs forward, one of a row backward; gives
** up (*cost infinite) if it would not cost less than worth.
*/
cj_status cjj_colour_both(cj_ctx *c, const cj_pattern *p, double forward, double backward, double worth, int64_t *row,
                          int64_t *col, int64_t *nrow, int64_t *ncol, double *cost);
#endif
