/*
** colour_star.c -- star colouring of symmetric patterns: Gebremedhin, Tarafdar, Manne, Pothen 2007, with the
** two-coloured stars kept as the colouring grows.  What a vertex has to know of a neighbour is which colours
** are around that one, so every vertex keeps a list of these: a hub of a million leaves that share a colour is
** as quick as any other vertex.
*/
#include "jacobian/parts.h"

#include <string.h>

typedef struct around {        /* a colour next to some vertex */
  int64_t colour, entry, next; /* entry: of the first neighbour that has it; next: -1 is the end */
} around;

typedef struct starring {
  cj_ctx *c;
  const cj_pattern *p;
  int64_t *mate;           /* by entry (i, j): the entry (j, i) */
  int64_t *star;           /* by edge, the lesser of its two entries */
  int64_t *hub, nstar;     /* by star: the vertex that all edges share, -1: it has only one edge */
  int64_t *colour;         /* by vertex, -1: none yet */
  int64_t *forbid, *first; /* by colour: the vertex that may not have it; entry of the first neighbour with it */
  int64_t *whose;          /* by colour: the vertex that first is about */
  int64_t *treated;        /* by vertex: the vertex for which its surroundings are forbidden */
  int64_t *head;           /* by vertex: its list in room */
  around *room;
  int64_t nroom, ncolours;
  int64_t *memory;
  size_t bytes;
} starring;

static int64_t edge_of(const starring *s, int64_t k) { return k < s->mate[k] ? k : s->mate[k]; }
static int64_t *hub_of(const starring *s, int64_t k) { return &s->hub[s->star[edge_of(s, k)]]; }

static bool starring_open(starring *s, cj_ctx *c, const cj_pattern *p) {
  size_t n = (size_t)p->rows, m = (size_t)p->nnz;
  *s = (starring){.c = c, .p = p, .bytes = (3 * m + 6 * (n + 1)) * sizeof(int64_t) + (m + 1) * sizeof(around)};
  s->memory = cjm_alloc(c, s->bytes);
  if (!s->memory) return false;
  s->mate = s->memory;
  s->star = s->mate + m;
  s->hub = s->star + m;
  s->colour = s->hub + m;
  s->forbid = s->colour + n + 1;
  s->first = s->forbid + n + 1;
  s->whose = s->first + n + 1;
  s->treated = s->whose + n + 1;
  s->head = s->treated + n + 1;
  s->room = (around *)(s->head + n + 1);
  cjj_transpose(p, s->colour, s->star, s->mate);
  return true;
}

static void starring_close(starring *s) { cjm_free(s->c, s->memory, s->bytes); }

/* --- one vertex ----------------------------------------------------------------------------- */

/* The list of w, where v is to be one of two neighbours of the same colour: v may have none of these. */
static void treat(starring *s, int64_t v, int64_t w) {
  s->treated[w] = v;
  for (int64_t a = s->head[w]; a >= 0; a = s->room[a].next) s->forbid[s->room[a].colour] = v;
}

static void forbid_by_neighbour(starring *s, int64_t v, int64_t k) {
  int64_t w = s->p->col[k], cw = s->colour[w];
  s->forbid[cw] = v;
  if (s->whose[cw] == v) {
    int64_t q = s->p->col[s->first[cw]];
    if (s->treated[q] != v) treat(s, v, q);
    treat(s, v, w);
    return;
  }
  s->whose[cw] = v;
  s->first[cw] = k;
  for (int64_t a = s->head[w]; a >= 0; a = s->room[a].next)
    if (*hub_of(s, s->room[a].entry) == s->p->col[s->room[a].entry]) s->forbid[s->room[a].colour] = v;
}

/* The edge of entry k from v, which has just got its colour, to a neighbour that has one. */
static void join_star(starring *s, int64_t v, int64_t k) {
  int64_t w = s->p->col[k], a = s->head[w], e = edge_of(s, k), first = s->first[s->colour[w]];
  while (a >= 0 && s->room[a].colour != s->colour[v]) a = s->room[a].next;
  if (a >= 0) {
    s->star[e] = s->star[edge_of(s, s->room[a].entry)];
    s->hub[s->star[e]] = w;
  } else if (first != k) {
    s->star[e] = s->star[edge_of(s, first)];
    s->hub[s->star[e]] = v;
  } else {
    s->star[e] = s->nstar++;
    s->hub[s->star[e]] = -1;
  }
}

static void note_colour(starring *s, int64_t w, int64_t colour, int64_t entry) {
  int64_t a = s->head[w];
  while (a >= 0 && s->room[a].colour != colour) a = s->room[a].next;
  if (a >= 0) return;
  s->room[s->nroom] = (around){colour, entry, s->head[w]};
  s->head[w] = s->nroom++;
}

static void colour_vertex(starring *s, int64_t v) {
  const int64_t *col = s->p->col, from = s->p->rowptr[v], to = s->p->rowptr[v + 1];
  int64_t q = 0;
  for (int64_t k = from; k < to; k++)
    if (col[k] != v && s->colour[col[k]] >= 0) forbid_by_neighbour(s, v, k);
  while (s->forbid[q] == v) q++;
  s->colour[v] = q;
  if (q >= s->ncolours) s->ncolours = q + 1;
  for (int64_t k = from; k < to; k++)
    if (col[k] != v && s->colour[col[k]] >= 0) join_star(s, v, k);
  for (int64_t k = from; k < to; k++)
    if (col[k] != v) note_colour(s, col[k], q, s->mate[k]);
}

/* --- orders ----------------------------------------------------------------------------------- */

static void star_in_order(starring *s, const int64_t *order) {
  int64_t n = s->p->rows;
  s->nstar = s->nroom = s->ncolours = 0;
  for (int64_t v = 0; v <= n; v++) s->colour[v] = s->forbid[v] = s->whose[v] = s->treated[v] = s->head[v] = -1;
  for (int64_t v = 0; v < n && cjm_ok(s->c); v++) {
    colour_vertex(s, order ? order[v] : v);
    if (v % 65536 == 0) (void)cjm_poll(s->c);
  }
}

/* Vertices by descending number of neighbours; start: rows + 2. */
static void most_neighbours_first(const cj_pattern *p, int64_t *start, int64_t *order) {
  int64_t n = p->rows;
  memset(start, 0, (size_t)(n + 2) * sizeof *start);
  for (int64_t v = 0; v < n; v++) start[n - (p->rowptr[v + 1] - p->rowptr[v]) + 1]++;
  for (int64_t d = 0; d <= n; d++) start[d + 1] += start[d];
  for (int64_t v = 0; v < n; v++) order[start[n - (p->rowptr[v + 1] - p->rowptr[v])]++] = v;
}

/* --- colours that nothing is read from ------------------------------------------------------------ */

/* Entries are read from the colour of the hub of their star, those of a star of one edge from either end, and those of
** the diagonal from their own.  need: by colour. */
static void mark_read_colours(const starring *s, int64_t *need) {
  const cj_pattern *p = s->p;
  memset(need, 0, (size_t)(p->rows + 1) * sizeof *need);
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
      if (p->col[k] == i)
        need[s->colour[i]] = 1;
      else if (*hub_of(s, k) >= 0)
        need[s->colour[*hub_of(s, k)]] = 1;
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++)
      if (p->col[k] != i && *hub_of(s, k) < 0 && !need[s->colour[p->col[k]]]) need[s->colour[i]] = 1;
}

/* The colours that are needed, counted from 0. */
static int64_t without_needless(starring *s, int64_t *need, int64_t *colour) {
  int64_t n = 0;
  mark_read_colours(s, need);
  for (int64_t q = 0; q < s->ncolours; q++) need[q] = need[q] ? n++ : -1;
  for (int64_t v = 0; v < s->p->rows; v++) colour[v] = need[s->colour[v]];
  return n;
}

cj_status cjj_colour_star(cj_ctx *c, const cj_pattern *p, int64_t *colour, int64_t *ncolours) {
  starring s;
  size_t bytes = (size_t)(3 * p->rows + 4) * sizeof(int64_t);
  int64_t *order = cjm_alloc(c, bytes), n;
  *ncolours = INT64_MAX;
  if (!order) return c->status;
  int64_t *trial = order + p->rows, *room = trial + p->rows + 1;
  bool ok = starring_open(&s, c, p);
  for (int r = 0; ok && r < 2 && cjm_ok(c); r++) {
    if (r > 0) most_neighbours_first(p, room, order);
    star_in_order(&s, r > 0 ? order : NULL);
    if (!cjm_ok(c) || (n = without_needless(&s, room, trial)) >= *ncolours) continue;
    *ncolours = n;
    memcpy(colour, trial, (size_t)p->rows * sizeof *colour);
  }
  if (ok) starring_close(&s);
  cjm_free(c, order, bytes);
  return c->status;
}

/* --- symmetry ------------------------------------------------------------------------------------------ */

bool cjj_issymmetric(const cj_pattern *p) {
  if (p->rows != p->cols) return false;
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t k = p->rowptr[i]; k < p->rowptr[i + 1]; k++) {
      int64_t j = p->col[k], e = cjj_pattern_entry(p, j, i);
      if (e >= p->rowptr[j + 1] || p->col[e] != i) return false;
    }
  return true;
}

/* Columns that row i has in p or in its transpose (ptr, adj), into col if it is there; how many. */
static int64_t both_ways(const cj_pattern *p, const int64_t *ptr, const int64_t *adj, int64_t i, int64_t *col) {
  int64_t a = p->rowptr[i], b = ptr[i], n = 0;
  while (a < p->rowptr[i + 1] || b < ptr[i + 1]) {
    int64_t x = a < p->rowptr[i + 1] ? p->col[a] : INT64_MAX, z = b < ptr[i + 1] ? adj[b] : INT64_MAX;
    if (col) col[n] = x < z ? x : z;
    n++;
    a += x <= z;
    b += z <= x;
  }
  return n;
}

cj_status cjj_symmetric(cj_pattern *p, cj_pattern **out) {
  cj_ctx *c = p->c;
  size_t bytes = (size_t)(p->cols + 1 + p->nnz) * sizeof(int64_t);
  int64_t *ptr = cjm_alloc(c, bytes), n = 0;
  *out = NULL;
  if (!ptr) return c->status;
  int64_t *adj = ptr + p->cols + 1;
  cjj_transpose(p, ptr, adj, NULL);
  for (int64_t i = 0; i < p->rows; i++) n += both_ways(p, ptr, adj, i, NULL);
  *out = n == p->nnz ? cjj_pattern_retain(p) : cjj_pattern_room(c, p->rows, p->cols, n);
  for (int64_t i = 0; *out && n != p->nnz && i < p->rows; i++)
    (*out)->rowptr[i + 1] = (*out)->rowptr[i] + both_ways(p, ptr, adj, i, (*out)->col + (*out)->rowptr[i]);
  cjm_free(c, ptr, bytes);
  return c->status;
}
