/*
** colour_both.c -- colouring rows and columns at once.  A few rows that are long, as those of an arrow, are read from
** seeds of rows, and the rest from seeds of columns; or a few long columns from seeds of columns, and the rest from
** rows (after Coleman, Verma 1998, whose cut of the matrix is found here by the longest row or column that is left).
*/
#include "jacobian/parts.h"

#include <math.h>
#include <string.h>

/* Rows by descending length; start: cols + 2. */
static void longest_first(const cj_pattern *p, int64_t *start, int64_t *order) {
  int64_t most = p->cols;
  memset(start, 0, (size_t)(most + 2) * sizeof *start);
  for (int64_t i = 0; i < p->rows; i++) start[most - (p->rowptr[i + 1] - p->rowptr[i]) + 1]++;
  for (int64_t d = 0; d <= most; d++) start[d + 1] += start[d];
  for (int64_t i = 0; i < p->rows; i++) order[start[most - (p->rowptr[i + 1] - p->rowptr[i])]++] = i;
}

/* How many of the longest rows are best read by rows, when no more colours are needed than the longest rows and columns
** ask for; *cost: of that.  met: cols of them. */
static int64_t best_cut(const cj_pattern *p, const int64_t *order, double bycol, double byrow, int64_t *met,
                        double *cost) {
  int64_t best = 0, most = 0;
  *cost = INFINITY;
  memset(met, 0, (size_t)(p->cols + 1) * sizeof *met);
  for (int64_t n = 0; n + 1 < p->rows; n++) {
    int64_t i = order[n], next = order[n + 1];
    for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
      if (++met[p->col[k]] > most) most = met[p->col[k]];
    double here = byrow * (double)most + bycol * (double)(p->rowptr[next + 1] - p->rowptr[next]);
    if (here < *cost) {
      *cost = here;
      best = n + 1;
    }
    if (byrow * (double)most >= *cost) break;
  }
  return best;
}

/* The rows of p with long_[i] == which; the others are empty. */
static cj_pattern *only_rows(const cj_pattern *p, const uint8_t *long_, uint8_t which) {
  int64_t n = 0;
  for (int64_t i = 0; i < p->rows; i++)
    if (long_[i] == which) n += p->rowptr[i + 1] - p->rowptr[i];
  cj_pattern *q = cjj_pattern_room(p->c, p->rows, p->cols, n);
  for (int64_t i = 0; q && i < p->rows; i++) {
    n = long_[i] == which ? p->rowptr[i + 1] - p->rowptr[i] : 0;
    if (n) memcpy(q->col + q->rowptr[i], p->col + p->rowptr[i], (size_t)n * sizeof *q->col);
    q->rowptr[i + 1] = q->rowptr[i] + n;
  }
  return q;
}

/* Rows (or columns) of p, which have none if they are empty. */
static bool colour_entries(cj_ctx *c, const cj_pattern *p, bool rows, int64_t *colour, int64_t *n) {
  if (cjj_colour(c, p, rows, colour, n) != CJ_OK) return false;
  if (p->nnz == 0) *n = 0;
  for (int64_t i = 0; rows && i < p->rows; i++)
    if (p->rowptr[i] == p->rowptr[i + 1]) colour[i] = -1;
  if (rows) return true;
  for (int64_t j = 0; j < p->cols; j++) colour[j] = -colour[j] - 2; /* not met yet */
  for (int64_t k = 0; k < p->nnz; k++)
    if (colour[p->col[k]] < -1) colour[p->col[k]] = -colour[p->col[k]] - 2;
  for (int64_t j = 0; j < p->cols; j++)
    if (colour[j] < -1) colour[j] = -1;
  return true;
}

typedef struct twocolours {
  int64_t *row, *col, nrow, ncol;
  double cost;
} twocolours;

/* Long rows by rows, the rest by columns. */
static bool long_rows(cj_ctx *c, const cj_pattern *p, double bycol, double byrow, double worth, twocolours *out) {
  size_t bytes = (size_t)(2 * p->cols + 4 + 2 * p->rows) * sizeof(int64_t);
  int64_t *order = cjm_alloc(c, bytes);
  double least;
  out->cost = INFINITY;
  if (!order) return false;
  int64_t *start = order + p->rows, *met = start + p->cols + 2;
  uint8_t *long_ = (uint8_t *)(met + p->cols + 1);
  longest_first(p, start, order);
  int64_t n = best_cut(p, order, bycol, byrow, met, &least);
  if (least < worth) {
    memset(long_, 0, (size_t)p->rows);
    for (int64_t i = 0; i < n; i++) long_[order[i]] = 1;
    cj_pattern *few = only_rows(p, long_, 1), *rest = few ? only_rows(p, long_, 0) : NULL;
    if (rest && colour_entries(c, few, true, out->row, &out->nrow) &&
        colour_entries(c, rest, false, out->col, &out->ncol))
      out->cost = byrow * (double)out->nrow + bycol * (double)out->ncol;
    cjj_pattern_release(few);
    cjj_pattern_release(rest);
  }
  cjm_free(c, order, bytes);
  return cjm_ok(c);
}

cj_status cjj_colour_both(cj_ctx *c, const cj_pattern *p, double forward, double backward, double worth, int64_t *row,
                          int64_t *col, int64_t *nrow, int64_t *ncol, double *cost) {
  size_t bytes = (size_t)(p->rows + p->cols + 1) * sizeof(int64_t);
  int64_t *room = cjm_alloc(c, bytes);
  *cost = INFINITY;
  if (!room) return c->status;
  cj_pattern *t = cjj_pattern_transposed(p, NULL);
  twocolours a = {.row = row, .col = col}, b = {.row = room, .col = room + p->cols};
  if (t && long_rows(c, p, forward, backward, worth, &a) &&
      long_rows(c, t, backward, forward, a.cost < worth ? a.cost : worth, &b)) {
    bool second = b.cost < a.cost;
    *nrow = second ? b.ncol : a.nrow;
    *ncol = second ? b.nrow : a.ncol;
    *cost = second ? b.cost : a.cost;
    if (*cost >= worth) *cost = INFINITY;
    if (second && p->rows > 0) memcpy(row, b.col, (size_t)p->rows * sizeof *row);
    if (second && p->cols > 0) memcpy(col, b.row, (size_t)p->cols * sizeof *col);
  }
  cjj_pattern_release(t);
  cjm_free(c, room, bytes);
  return c->status;
}
