/*
** strategy.c -- choosing how to get a Jacobian: forwards or backwards, dense or coloured, all inputs
** together or each on its own.
*/
#include "jacobian/parts.h"

#include <string.h>

/* --- cuts ------------------------------------------------------------------------------ */

void cjj_part_drop(cj_ctx *c, int nx, cjj_part *part) {
  if (part->colour) {
    int64_t n = part->reverse ? part->pattern->rows : part->pattern->cols;
    cjm_free(c, part->colour, (size_t)(n + 1) * sizeof *part->colour);
  }
  cjj_pattern_release(part->pattern);
  cjj_local_free(part->local);
  cjm_free(c, part->active, (size_t)nx + 1);
  *part = (cjj_part){0};
}

void cjj_cut_free(cjj_cut *cut) {
  for (uint32_t i = 0; i < cut->npart; i++) cjj_part_drop(cut->c, cut->nx, &cut->part[i]);
  cjm_free(cut->c, cut->part, cut->partcap * sizeof *cut->part);
  cjm_free(cut->c, cut->pass, cut->passcap * sizeof *cut->pass);
  cjm_free(cut->c, cut->member, cut->membercap * sizeof *cut->member);
  *cut = (cjj_cut){.c = cut->c};
}

/* Takes over part; it is dropped after an error. */
static bool add_part(cjj_cut *cut, cjj_part *part) {
  if (!CJM_GROW(cut->c, cut->part, cut->partcap, cut->npart + (size_t)1)) {
    cjj_part_drop(cut->c, cut->nx, part);
    return false;
  }
  cut->part[cut->npart++] = *part;
  *part = (cjj_part){0};
  return true;
}

#define MOSTNODES 65536. /* instructions in all the passes of a part */

/* --- passes ------------------------------------------------------------------------------- */

static bool add_member(cjj_cut *cut, int index, int64_t at) {
  if (!CJM_GROW(cut->c, cut->member, cut->membercap, cut->nmember + (size_t)1)) return false;
  cut->member[cut->nmember++] = (cjj_member){index, at};
  return true;
}

/* A pass of the members from `from` on, if there are any, or one for each of their seeds. */
static bool add_pass(cjj_cut *cut, uint32_t part, uint32_t from, int64_t nseed) {
  int64_t step = cut->part[part].unrolled ? 1 : nseed;
  if (cut->nmember == from) return true;
  for (int64_t first = 0; first < nseed; first += step) {
    if (!CJM_GROW(cut->c, cut->pass, cut->passcap, cut->npass + (size_t)1)) return false;
    cut->pass[cut->npass++] = (cjj_pass){part, from, cut->nmember - from, first, step};
  }
  return true;
}

/* What can be a member of a pass of that part. */
static bool eligible(const cj_graph *f, const cjj_part *part, int k) {
  return part->reverse ? cjj_has_derivative(f, k) : part->active[k] && cjt_count(cjj_x(f, k)) > 0;
}

static bool coloured_pass(const cj_graph *f, cjj_cut *cut, uint32_t p) {
  const cjj_part *part = &cut->part[p];
  int64_t at = 0;
  uint32_t from = cut->nmember;
  if (part->pattern->nnz == 0) return true;
  for (int k = 0; k < (part->reverse ? cut->ny : cut->nx); k++) {
    cjj_member m = {k, at};
    if (eligible(f, part, k) && !add_member(cut, k, at)) return false;
    if (part->reverse || part->active[k]) at += cjt_count(cjj_member_type(f, part->reverse, &m));
  }
  return add_pass(cut, p, from, part->ncolours);
}

/* One pass a member, or all members of a dtype in one where there are too many of them. */
static bool dense_passes(const cj_graph *f, cjj_cut *cut, uint32_t p, bool together, int dtype) {
  const cjj_part *part = &cut->part[p];
  uint32_t from = cut->nmember;
  int64_t at = 0;
  for (int k = 0; k < (part->reverse ? cut->ny : cut->nx); k++) {
    cjj_member m = {k, at};
    const cj_type *t = cjj_member_type(f, part->reverse, &m);
    if (!eligible(f, part, k) || t->dtype != dtype) continue;
    if (!add_member(cut, k, at)) return false;
    at += cjt_count(t);
    if (together) continue;
    if (!add_pass(cut, p, from, at)) return false;
    from = cut->nmember;
    at = 0;
  }
  return add_pass(cut, p, from, at);
}

#define FEWMEMBERS 4

static bool add_passes(const cj_graph *f, cjj_cut *cut, double linear) {
  for (uint32_t p = 0; p < cut->npart; p++) {
    const cjj_part *part = &cut->part[p];
    if (part->local) continue;
    double members = part->reverse ? cut->ny : cut->nx;
    bool together = !part->unrolled && members > FEWMEMBERS && members * linear > MOSTNODES;
    bool ok = part->pattern ? coloured_pass(f, cut, p)
                            : dense_passes(f, cut, p, together, CJ_F64) && dense_passes(f, cut, p, together, CJ_F32);
    if (!ok) return false;
  }
  return true;
}

static uint8_t *flags(cj_ctx *c, int nx, int only) { /* only < 0: all */
  uint8_t *active = cjm_zalloc(c, (size_t)nx + 1);
  for (int j = 0; active && j < nx; j++) active[j] = only < 0 || only == j;
  return active;
}

bool cjj_cut_parts(cj_ctx *c, const cj_graph *f, cjj_part *part, uint32_t n, cjj_cut *cut) {
  bool ok = true;
  *cut = (cjj_cut){.c = c, .nx = (int)f->narg, .ny = (int)f->nout};
  for (uint32_t k = 0; k < n; k++) {
    part[k].active = ok ? flags(c, cut->nx, -1) : NULL;
    if (part[k].active)
      ok = add_part(cut, &part[k]);
    else
      ok = false;
    cjj_part_drop(c, cut->nx, &part[k]);
  }
  return ok && add_passes(f, cut, 0);
}

/* --- colours ----------------------------------------------------------------------------------- */

/* Tries one direction; *worth goes down to its cost if it is cheaper. */
static bool try_colours(cj_ctx *c, cj_pattern *p, bool rows, double seed, double *worth, cjj_part *part) {
  int64_t n = rows ? p->rows : p->cols, k = 0;
  double most = *worth / seed;
  int64_t limit = most < (double)n ? (int64_t)most : n;
  if (!isfinite(seed) || limit < 1) return true;
  size_t bytes = (size_t)(n + 1) * sizeof(int64_t);
  int64_t *colour = cjm_alloc(c, bytes);
  if (!colour) return false;
  bool ok = cjj_colour_upto(c, p, rows, limit, colour, &k) == CJ_OK;
  if (!ok || k > limit) {
    cjm_free(c, colour, bytes);
    return ok;
  }
  cjj_part_drop(c, 0, part);
  __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
  *part = (cjj_part){.reverse = rows, .pattern = p, .colour = colour, .ncolours = k};
  *worth = (double)k * seed;
  return true;
}

bool cjj_colour_best(cj_ctx *c, cj_pattern *p, double forward, double backward, double worth, cjj_part *part) {
  double columns = forward * (double)cjj_colour_bound(p, false), rows = backward * (double)cjj_colour_bound(p, true);
  bool first = !(columns <= rows); /* the more promising direction leaves less to the other one */
  *part = (cjj_part){0};
  if (!cjm_ok(c)) return false;
  for (int k = 0; k < 2; k++) {
    bool byrow = k == 0 ? first : !first;
    if ((byrow ? rows : columns) >= worth && part->pattern) continue;
    if (!try_colours(c, p, byrow, byrow ? backward : forward, &worth, part)) {
      cjj_part_drop(c, 0, part);
      return false;
    }
  }
  return true;
}

/* --- diagonals ------------------------------------------------------------------------------------ */

bool cjj_prefer_local(cj_ctx *c, const cj_graph *lin, int nx, const cjj_costs *k, double cost, cjj_part *part) {
  cjj_local *l;
  if (part->pattern && part->ncolours <= 1) return true; /* one pass of ones is no more work */
  if (!cjj_local_find(c, lin, nx, &l)) return false;
  if (!l || l->cost - k->primal >= cost) {
    cjj_local_free(l);
    return true;
  }
  cjj_part_drop(c, nx, part);
  part->local = l;
  return true;
}

/* --- the choice --------------------------------------------------------------------------------------- */

typedef struct chooser {
  cj_ctx *c;
  const cj_graph *f;
  cj_strategy how;
  int nx, ny;
  double rows, cols; /* of float outputs, of all inputs */
  cjj_costs cost;
  cj_pattern *p;    /* NULL: dense for all that is known */
  cjj_choice *note; /* NULL: what is being weighed is not to be noted */
} chooser;

/* A way for some inputs: all of them (only < 0) or one. */
typedef struct way {
  cjj_part part; /* without active */
  double cost;
} way;

static double forward_seed(const chooser *h, double sweep) { return h->how == CJ_REVERSE ? INFINITY : sweep + 1; }
static double backward_seed(const chooser *h, double sweep) {
  return h->how == CJ_FORWARD ? INFINITY : CJJ_BACKWARD * sweep + 1;
}

/* A dense way of `seeds` seeds in `passes` passes.  Code of single elements runs side by side, so that a pass
** for every seed beats vectors of a few seeds, and zeros in the seeds vanish while it is built. */
static double dense_cost(const chooser *h, double seeds, double seed, double passes, bool *unrolled) {
  const cjj_costs *k = &h->cost;
  double batched = seeds * seed + passes * CJJ_NODE * k->linear;
  double single = seeds * (seed + CJJ_SMALL * k->small + CJJ_NODE * (k->linear - k->small));
  *unrolled = single < batched && seeds * k->linear <= MOSTNODES;
  return *unrolled ? single : batched;
}

/* The best way for a part of nx inputs with cols columns; every way writes rows * cols elements at least. */
static bool best_way(chooser *h, cj_pattern *p, double sweep, double nx, double cols, way *out) {
  double nodes = CJJ_NODE * h->cost.linear, fill = h->rows * cols;
  bool unfore, unback;
  double fore = dense_cost(h, cols, forward_seed(h, sweep), nx, &unfore) + 1.5 * fill; /* it is transposed */
  double back = dense_cost(h, h->rows, backward_seed(h, sweep), h->ny, &unback) + fill;
  bool forward = fore < back;
  if (h->note) *h->note = (cjj_choice){.nonzeros = p ? p->nnz : -1, .forward = fore, .backward = back, .sparse = -1};
  *out = (way){.part = {.reverse = !forward, .unrolled = forward ? unfore : unback}, .cost = forward ? fore : back};
  if (!p) return true;
  double fixed = nodes + fill + 4 * (double)p->nnz + 3 * CJJ_NODE * nx * h->ny;
  double worth = h->how == CJ_SPARSE ? INFINITY : out->cost - fixed;
  cjj_part part;
  if (!(worth > 0)) return true;
  if (!cjj_colour_best(h->c, p, forward_seed(h, sweep), backward_seed(h, sweep), worth, &part)) return false;
  if (!part.pattern) return true;
  double seed = part.reverse ? backward_seed(h, sweep) : forward_seed(h, sweep);
  *out = (way){.part = part, .cost = fixed + (double)part.ncolours * seed};
  if (h->note) h->note->sparse = out->cost;
  return true;
}

#define MOSTWAYS 16 /* inputs for which ways of their own are considered */

/* Each input on its own; the dense backward ones will share a sweep, which costs no more than `all`. */
static bool ways_by_input(chooser *h, double all, way *way_, double *cost) {
  double dense = 0;
  int64_t col = 0;
  *cost = 0;
  for (int j = 0; j < h->nx; j++) {
    int64_t n = cjt_count(cjj_x(h->f, j));
    cj_pattern *p = cjj_pattern_columns(h->p, col, col + n);
    bool ok = p && best_way(h, p, h->cost.input[j], 1, (double)n, &way_[j]);
    cjj_pattern_release(p);
    if (!ok) return false;
    if (way_[j].part.pattern || !way_[j].part.reverse)
      *cost += way_[j].cost;
    else
      dense += way_[j].cost;
    col += n;
  }
  *cost += dense < all ? dense : all;
  return true;
}

static bool add_way(cjj_cut *cut, way *v, int only) {
  v->part.active = flags(cut->c, cut->nx, only);
  if (v->part.active) return add_part(cut, &v->part);
  cjj_part_drop(cut->c, cut->nx, &v->part);
  return false;
}

static bool add_ways(cjj_cut *cut, way *v) {
  int64_t shared = -1; /* the part of the dense backward ones */
  for (int j = 0; j < cut->nx; j++) {
    bool joins = v[j].part.reverse && !v[j].part.pattern;
    if (joins && shared >= 0) {
      cut->part[shared].active[j] = 1;
      continue;
    }
    if (joins) shared = cut->npart;
    if (!add_way(cut, &v[j], j)) return false;
  }
  return true;
}

/* Diagonals instead of the best way so far; they write as much as colours do. */
static bool try_local(chooser *h, const cj_graph *lin, double *cost, way *whole) {
  if (!h->p || h->how == CJ_REVERSE) return true;
  double fixed = h->rows * h->cols + 4 * (double)h->p->nnz + 3 * CJJ_NODE * h->nx * h->ny;
  if (!cjj_prefer_local(h->c, lin, h->nx, &h->cost, fmin(*cost, whole->cost) - fixed, &whole->part)) return false;
  if (whole->part.local) *cost = INFINITY;
  return true;
}

/* What was chosen for all inputs, or for each of them. */
static void note_choice(cjj_choice *note, const way *whole, bool split, double cost) {
  const cjj_part *part = &whole->part;
  const char *dense = part->reverse ? "reverse-mode" : "forward-mode";
  const char *coloured = part->reverse ? "coloured rows" : "coloured columns";
  note->chosen = split ? cost : part->local ? -1 : whole->cost;
  note->strategy = split ? "mixed" : part->local ? "diagonals" : part->pattern ? coloured : dense;
}

static bool choose_ways(chooser *h, const cj_graph *lin, cjj_cut *cut) {
  way whole, each[MOSTWAYS];
  double cost = INFINITY;
  memset(each, 0, sizeof each);
  h->note = &cut->choice;
  if (!best_way(h, h->p, h->cost.sweep, h->nx, h->cols, &whole)) return false;
  h->note = NULL;
  bool ok = !h->p || !h->cost.input || ways_by_input(h, whole.cost, each, &cost);
  ok = ok && try_local(h, lin, &cost, &whole);
  bool split = ok && cost < 0.9 * whole.cost;
  note_choice(&cut->choice, &whole, split, cost);
  ok = ok && (split ? add_ways(cut, each) : add_way(cut, &whole, -1));
  for (int j = 0; j < MOSTWAYS; j++) cjj_part_drop(h->c, h->nx, &each[j].part);
  cjj_part_drop(h->c, h->nx, &whole.part);
  return ok;
}

#define FEWSEEDS 8 /* of a large program are not worth the search for a pattern */
#define LARGESWEEP 1e7

/* The pattern, if it may help: more than one seed would be needed, and it is not too dense. */
static bool look_for_pattern(chooser *h, const cj_graph *lin) {
  bool sparse = h->how == CJ_SPARSE;
  double most = sparse ? INT32_MAX : h->rows * h->cols / 2 + 8;
  double fewest = h->how == CJ_FORWARD ? h->cols : h->how == CJ_REVERSE ? h->rows : fmin(h->rows, h->cols);
  if (!sparse && (fewest <= 1 || (fewest <= FEWSEEDS && h->cost.sweep > LARGESWEEP))) return true;
  cjj_pattern_linear(h->c, lin, h->nx, most < INT32_MAX ? (int64_t)most : INT32_MAX, &h->p);
  if (h->c->status == CJ_ELIMIT && !sparse) cjm_clear(h->c);
  return cjm_ok(h->c);
}

static void note_passes(cjj_cut *cut) {
  cut->choice.passes = cut->npass;
  for (uint32_t k = 0; k < cut->npass; k++) cut->choice.seeds += cut->pass[k].nseed;
}

static void measure(chooser *h) {
  for (int i = 0; i < h->ny; i++)
    if (cjj_has_derivative(h->f, i)) h->rows += (double)cjt_count(cjj_y(h->f, i));
  for (int j = 0; j < h->nx; j++) h->cols += (double)cjt_count(cjj_x(h->f, j));
}

bool cjj_cut_choose(cj_ctx *c, const cj_graph *f, cj_strategy s, cjj_cut *cut) {
  chooser h = {.c = c, .f = f, .how = s, .nx = (int)f->narg, .ny = (int)f->nout};
  double input[MOSTWAYS];
  *cut = (cjj_cut){.c = c, .nx = h.nx, .ny = h.ny};
  measure(&h);
  if (h.rows == 0 || h.cols == 0) return true; /* only zeros and empty blocks */
  if (h.nx > 1 && h.nx <= MOSTWAYS) h.cost.input = input;
  cj_graph *lin = cjx_jvp(f, NULL, false);
  bool ok = lin && cjj_cost_of(lin, h.nx, &h.cost) && look_for_pattern(&h, lin) && choose_ways(&h, lin, cut) &&
            add_passes(f, cut, h.cost.linear);
  cjg_free(lin);
  cjj_pattern_release(h.p);
  if (ok)
    note_passes(cut);
  else
    cjj_cut_free(cut);
  return ok;
}
