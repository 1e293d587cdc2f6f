/*
** colour.c -- greedy colouring of the columns (or rows) of a pattern, so that no row (column) meets a
** colour twice (Gebremedhin, Manne, Pothen, "What color is your Jacobian?", SIAM Review 47, 2005).
** Vertices are what is coloured, nets what two vertices of one colour may not share.
*/
#include "jacobian/colour.h"

#include <string.h>

typedef struct colouring {
  cj_ctx *c;
  cjj_side vertex, net;
  int64_t *order, *degree, *trial; /* one entry a vertex each */
  uint64_t *used;                  /* by net: its colours in the window */
  int64_t bound, limit;            /* fewest colours possible, most that are of use */
} colouring;

/* --- the transposed pattern --------------------------------------------------- */

void cjj_transpose(const cj_pattern *p, int64_t *ptr, int64_t *adj, int64_t *place) {
  memset(ptr, 0, (size_t)(p->cols + 1) * sizeof *ptr);
  for (int64_t k = 0; k < p->nnz; k++) ptr[p->col[k] + 1]++;
  for (int64_t j = 0; j < p->cols; j++) ptr[j + 1] += ptr[j];
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++) {
      int64_t to = ptr[p->col[k]]++;
      adj[to] = i;
      if (place) place[to] = k;
    }
  memmove(ptr + 1, ptr, (size_t)p->cols * sizeof *ptr); /* filling moved every start to the next */
  ptr[0] = 0;
}

static int64_t longest(const cjj_side *s) {
  int64_t most = 0;
  for (int64_t i = 0; i < s->n; i++)
    if (s->ptr[i + 1] - s->ptr[i] > most) most = s->ptr[i + 1] - s->ptr[i];
  return most;
}

int64_t cjj_colour_bound(const cj_pattern *p, bool rows) {
  if (!rows) return longest(&(cjj_side){p->rows, p->rowptr, p->col});
  int64_t *count = cjm_zalloc(p->c, (size_t)(p->cols + 1) * sizeof *count), most = 0;
  if (!count) return 0;
  for (int64_t k = 0; k < p->nnz; k++)
    if (++count[p->col[k]] > most) most = count[p->col[k]];
  cjm_free(p->c, count, (size_t)(p->cols + 1) * sizeof *count);
  return most;
}

/* --- first fit -------------------------------------------------------------------- */

/*
** Gives every vertex, in that order, the least colour that its nets do not have yet.  Colours are
** tried in windows of 64, a word a net: a vertex that finds none waits for the next window, which
** gives the same colours as one pass, since only earlier vertices ever stand in its way.
** Returns the number of colours, or limit + 1 if there would be more than limit.
*/
static int64_t firstfit(colouring *k, const int64_t *order, int64_t *colour) {
  const cjj_side *v = &k->vertex;
  int64_t left = v->n, most = 0;
  for (int64_t i = 0; i < v->n; i++) colour[i] = -1;
  for (int64_t base = 0; left > 0; base += 64) {
    if (base >= k->limit) return k->limit + 1;
    memset(k->used, 0, (size_t)k->net.n * sizeof *k->used);
    for (int64_t i = 0; i < v->n; i++) {
      int64_t x = order ? order[i] : i, b = 0;
      if (colour[x] >= 0) continue;
      uint64_t taken = 0;
      for (int64_t e = v->ptr[x]; e < v->ptr[x + 1]; e++) taken |= k->used[v->adj[e]];
      if (taken == UINT64_MAX) continue;
      while (taken >> b & 1) b++;
      for (int64_t e = v->ptr[x]; e < v->ptr[x + 1]; e++) k->used[v->adj[e]] |= (uint64_t)1 << b;
      colour[x] = base + b;
      if (base + b >= most) most = base + b + 1;
      left--;
    }
    if (cjm_poll(k->c) != CJ_OK) return k->limit + 1;
  }
  return most;
}

/* --- orders ---------------------------------------------------------------------------- */

/* Neighbours of x, one counted once for every net that is shared, at most cap. */
static int64_t degree_of(const colouring *k, int64_t x, int64_t cap) {
  int64_t d = 0;
  for (int64_t e = k->vertex.ptr[x]; e < k->vertex.ptr[x + 1] && d < cap; e++) {
    int64_t net = k->vertex.adj[e];
    d += k->net.ptr[net + 1] - k->net.ptr[net] - 1;
  }
  return d < cap ? d : cap;
}

/* Vertices by descending degree: a counting sort; start has room for cap + 2. */
static void largest_first(colouring *k, int64_t cap, int64_t *start) {
  memset(start, 0, (size_t)(cap + 2) * sizeof *start);
  for (int64_t x = 0; x < k->vertex.n; x++) start[cap - k->degree[x] + 1]++;
  for (int64_t d = 0; d <= cap; d++) start[d + 1] += start[d];
  for (int64_t x = 0; x < k->vertex.n; x++) k->order[start[cap - k->degree[x]]++] = x;
}

/* Chains of the vertices left, by degree, for smallest_last. */
typedef struct buckets {
  int64_t *head, *next, *prev;
} buckets;

static void unlink_(buckets *b, int64_t x, int64_t d) {
  if (b->prev[x] >= 0)
    b->next[b->prev[x]] = b->next[x];
  else
    b->head[d] = b->next[x];
  if (b->next[x] >= 0) b->prev[b->next[x]] = b->prev[x];
}

static void link_(buckets *b, int64_t x, int64_t d) {
  b->next[x] = b->head[d];
  b->prev[x] = -1;
  if (b->head[d] >= 0) b->prev[b->head[d]] = x;
  b->head[d] = x;
}

/* Takes away the vertex with the fewest neighbours left, again and again; the last one taken comes
** first (Matula, Beck, JACM 30, 1983).  degree[x] < 0: taken. */
static void smallest_last(colouring *k, int64_t cap, buckets *b) {
  int64_t n = k->vertex.n, d = 0;
  for (int64_t i = 0; i <= cap; i++) b->head[i] = -1;
  for (int64_t x = n; x-- > 0;) link_(b, x, k->degree[x]);
  for (int64_t i = n; i-- > 0;) {
    while (b->head[d] < 0) d++;
    int64_t x = b->head[d];
    unlink_(b, x, d);
    k->order[i] = x;
    k->degree[x] = -1;
    for (int64_t e = k->vertex.ptr[x]; e < k->vertex.ptr[x + 1]; e++)
      for (int64_t q = k->net.ptr[k->vertex.adj[e]]; q < k->net.ptr[k->vertex.adj[e] + 1]; q++) {
        int64_t y = k->net.adj[q];
        if (k->degree[y] <= 0) continue;
        unlink_(b, y, k->degree[y]);
        link_(b, y, --k->degree[y]);
        if (k->degree[y] < d) d = k->degree[y];
      }
  }
}

/* Takes the vertex that meets most of those taken before, again and again (Coleman, More, SIAM J. Numer. Anal. 20,
** 1983: incidence degree).  met: a count a vertex. */
static void incidence_degree(colouring *k, int64_t cap, buckets *b, int64_t *met) {
  int64_t n = k->vertex.n, d = 0;
  for (int64_t i = 0; i <= cap; i++) b->head[i] = -1;
  for (int64_t i = n; i-- > 0;) {
    met[k->order[i]] = 0;
    link_(b, k->order[i], 0); /* in the order so far where nothing is met */
  }
  for (int64_t i = 0; i < n; i++) {
    while (b->head[d] < 0) d--;
    int64_t x = b->head[d];
    unlink_(b, x, d);
    k->order[i] = x;
    met[x] = -1;
    for (int64_t e = k->vertex.ptr[x]; e < k->vertex.ptr[x + 1]; e++)
      for (int64_t q = k->net.ptr[k->vertex.adj[e]]; q < k->net.ptr[k->vertex.adj[e] + 1]; q++) {
        int64_t y = k->net.adj[q];
        if (met[y] < 0 || met[y] >= cap) continue;
        unlink_(b, y, met[y]);
        link_(b, y, ++met[y]);
        if (met[y] > d) d = met[y];
      }
  }
}

/* The vertices of the last colour first, and so on: no more colours come of it, often fewer (Culberson, "Iterated
** greedy graph coloring", 1992).  start: room for ncolours + 1. */
static void last_colour_first(colouring *k, const int64_t *colour, int64_t ncolours, int64_t *start) {
  memset(start, 0, (size_t)(ncolours + 1) * sizeof *start);
  for (int64_t x = 0; x < k->vertex.n; x++) start[ncolours - colour[x]]++;
  for (int64_t q = 0; q < ncolours; q++) start[q + 1] += start[q];
  for (int64_t x = 0; x < k->vertex.n; x++) k->order[start[ncolours - 1 - colour[x]]++] = x;
}

/* --- the best of them --------------------------------------------------------------------- */

/* Keeps what that order gives if it is no worse. */
static int64_t try_order(colouring *k, const int64_t *order, int64_t *colour, int64_t best) {
  if (best <= k->bound || !cjm_ok(k->c)) return best;
  int64_t got = firstfit(k, order, k->trial);
  if (got > best || got > k->limit) return best;
  memcpy(colour, k->trial, (size_t)k->vertex.n * sizeof *colour);
  return got;
}

/* Sum over nets of their size squared: the work of smallest_last. */
static double squares(const cjj_side *net) {
  double s = 0;
  for (int64_t i = 0; i < net->n; i++) {
    double d = (double)(net->ptr[i + 1] - net->ptr[i]);
    s += d * d;
  }
  return s;
}

enum { MOSTDEGREE = 4095, ROUNDS = 12 };
#define SQUARESLIMIT 4e6 /* some hundredths of a second */

/* Orders that look at all neighbours of a vertex.  room: MOSTDEGREE + 1 + 2 n. */
static int64_t dear_orders(colouring *k, int64_t *colour, int64_t best, int64_t *room) {
  buckets b = {room, room + MOSTDEGREE + 1, room + MOSTDEGREE + 1 + k->vertex.n};
  smallest_last(k, MOSTDEGREE, &b);
  best = try_order(k, k->order, colour, best);
  if (best <= k->bound || !cjm_ok(k->c)) return best;
  incidence_degree(k, MOSTDEGREE, &b, k->degree);
  return try_order(k, k->order, colour, best);
}

static int64_t best_of_orders(colouring *k, int64_t *colour) {
  int64_t best = try_order(k, NULL, colour, k->limit + 1);
  if (best <= k->bound || !cjm_ok(k->c)) return best;
  size_t n = (size_t)k->vertex.n, bytes = (MOSTDEGREE + 2 + 2 * n) * sizeof(int64_t);
  int64_t *room = cjm_alloc(k->c, bytes);
  if (!room) return best;
  for (int64_t x = 0; x < k->vertex.n; x++) k->degree[x] = degree_of(k, x, MOSTDEGREE);
  largest_first(k, MOSTDEGREE, room);
  best = try_order(k, k->order, colour, best);
  if (best > k->bound && cjm_ok(k->c) && squares(&k->net) <= SQUARESLIMIT) best = dear_orders(k, colour, best, room);
  for (int r = 0; r < ROUNDS && best > k->bound && best <= k->limit && cjm_ok(k->c); r++) {
    last_colour_first(k, colour, best, room);
    best = try_order(k, k->order, colour, best);
  }
  cjm_free(k->c, room, bytes);
  return best;
}

bool cjj_colour_sides(cj_ctx *c, const cjj_side *vertex, const cjj_side *net, int64_t limit, int64_t *colour,
                      int64_t *ncolours) {
  colouring k = {.c = c, .vertex = *vertex, .net = *net, .limit = limit, .bound = longest(net)};
  size_t vb = (size_t)(3 * vertex->n + 1) * sizeof(int64_t), ub = (size_t)(net->n + 1) * sizeof(uint64_t);
  *ncolours = limit + 1;
  k.order = cjm_alloc(c, vb);
  k.used = cjm_alloc(c, ub);
  if (k.order && k.used) {
    k.degree = k.order + vertex->n;
    k.trial = k.degree + vertex->n;
    if (k.bound < 1) k.bound = vertex->n > 0;
    if (k.bound <= limit) *ncolours = best_of_orders(&k, colour);
  }
  cjm_free(c, k.order, vb);
  cjm_free(c, k.used, ub);
  return cjm_ok(c);
}

cj_status cjj_colour_upto(cj_ctx *c, const cj_pattern *p, bool rows, int64_t limit, int64_t *colour,
                          int64_t *ncolours) {
  size_t bytes = (size_t)(p->cols + 1 + p->nnz) * sizeof(int64_t);
  int64_t *ptr = cjm_alloc(c, bytes);
  *ncolours = limit + 1;
  if (!ptr) return c->status;
  cjj_side byrow = {p->rows, p->rowptr, p->col}, bycol = {p->cols, ptr, ptr + p->cols + 1};
  cjj_transpose(p, ptr, ptr + p->cols + 1, NULL);
  (void)cjj_colour_sides(c, rows ? &byrow : &bycol, rows ? &bycol : &byrow, limit, colour, ncolours);
  cjm_free(c, ptr, bytes);
  return c->status;
}

cj_status cjj_colour(cj_ctx *c, const cj_pattern *p, bool rows, int64_t *colour, int64_t *ncolours) {
  return cjj_colour_upto(c, p, rows, rows ? p->rows : p->cols, colour, ncolours);
}
