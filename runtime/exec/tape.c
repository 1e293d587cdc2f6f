/*
** tape.c -- a group of instructions with one element each, sorted into runs of one operation.  Each run is then one
** call of a loop, which fetches its operands from the cells where they lie and puts its results into new cells one
** behind the other.  Runs should be few: instructions are taken by how long a chain still depends on them (Graham,
** "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 1969), and each joins a run that is there already
** if its operands are ready by then.
** Cells are never used twice, so what others read of a tape they read from its cells.  A pack has no
** instruction: its elements are stored from their cells into its own buffer at the end.  Nor has a check, whose
** numbers are looked at when all is done.
**
** Of the planner's tables: entry, the cell; seen, the step for which the cell of an operand from outside
** holds; until, the height of an instruction, then the number of its run, from 1.
*/
#include "exec/native.h"
#include "exec/planner.h"

enum { CELL = 8, PADDING_MOST = 1 << 16, LOOK_BACK = 8, FEW_CELLS = 16, LONG = 8 };
#define LOOKED_AT UINT32_MAX /* seen, of an instruction of the tape */

typedef struct item {
  cj_ref r;
  uint32_t height; /* instructions in the longest chain from here on */
  uint16_t fn;
} item;

typedef struct draft_run {
  uint32_t before; /* the last one of that operation before it; 0: none */
  uint32_t n;
} draft_run;

typedef struct tape_builder {
  cje_planner *P;
  uint32_t step, ncell; /* ncell: bytes */
  cje_tape tape;
  item *item, *other; /* count of each: instructions but packs and checks, as they were written; sorted */
  draft_run *run;     /* nrun of them, the first one at 1 */
  uint32_t *last;     /* by number of loop: its last run */
  uint32_t count, height, nrun;
  cj_ref owner; /* of the buffer of cells; 0: none */
  bool gathers;
} tape_builder;

static uint32_t cells(uint32_t nbytes) { return (nbytes + CELL - 1) / CELL * CELL; }

static bool inside_group(const tape_builder *b, cj_ref x, uint32_t *root) {
  *root = cje_root_of(b->P, x);
  return b->P->root[*root].step == b->step;
}

/* --- moves -------------------------------------------------------------------------------------------- */

/* The element at a place follows those of m at both ends: one larger move will do. */
static bool extends(const cje_move *m, const cje_place *at, uint32_t cell) {
  uint32_t nbytes = m->n * at->size;
  return m->place.base == at->base && m->place.size == at->size && m->place.offset + nbytes == at->offset &&
         m->cell + nbytes == cell;
}

/* first: of this kind in to. */
static bool add_move(cje_planner *P, cje_moves *to, uint32_t first, const cje_place *at, uint32_t cell) {
  if (to->n > first && extends(&to->at[to->n - 1], at, cell)) {
    to->at[to->n - 1].n++;
    return true;
  }
  if (!CJE_ROOM(P, *to)) return false;
  to->at[to->n++] = (cje_move){*at, 1, cell, false};
  return true;
}

/* So few that a loop over a list is better than a call. */
static bool is_short(const cje_move *m) { return m->n < LONG && m->place.size > 1; }

/* One list may have the elements of both. */
static bool listable(const cje_move *first, const cje_move *m) {
  int64_t far = m->place.offset - first->place.offset;
  return is_short(m) && m->place.base == first->place.base && m->place.size == first->place.size &&
         far > INT32_MIN / 2 && far < INT32_MAX / 2;
}

static bool list_move(cje_planner *P, const cje_move *m, int64_t from) {
  cj_plan *p = P->p;
  if (!CJM_GROW(P->c, p->cell.at, p->cell.cap, (size_t)p->cell.n + 2 * m->n)) return false;
  for (uint32_t k = 0; k < m->n; k++) {
    p->cell.at[p->cell.n++] = m->cell + k * m->place.size;
    p->cell.at[p->cell.n++] = (uint32_t)(m->place.offset - from) + k * m->place.size;
  }
  return true;
}

/* Short ones among the moves from first on become lists. */
static bool list_moves(cje_planner *P, uint32_t first) {
  cje_moves *all = &P->p->move;
  uint32_t to = first;
  for (uint32_t i = first, end; i < all->n; i = end, to++) {
    cje_move m = all->at[i], list = {m.place, 0, P->p->cell.n, true};
    for (end = i + 1; is_short(&m) && end < all->n && listable(&m, &all->at[end]); end++) continue;
    for (uint32_t k = i; is_short(&m) && k < end; list.n += all->at[k++].n)
      if (!list_move(P, &all->at[k], m.place.offset)) return false;
    all->at[to] = is_short(&m) ? list : m;
  }
  all->n = to;
  return true;
}

/* --- loads, heights ------------------------------------------------------------------------------------ */

static bool load_operand(tape_builder *b, cj_ref x) {
  cje_planner *P = b->P;
  if (P->seen[x] == b->step) return true;
  P->seen[x] = b->step;
  P->entry[x] = b->ncell;
  cje_place at = cje_place_of(P, x);
  b->ncell += CELL;
  bool konst = at.base == CJE_KONST;
  return add_move(P, konst ? &P->konsts : &P->p->move, konst ? 0 : b->tape.load, &at, P->entry[x]);
}

static bool is_item(const tape_builder *b, cj_ref r) { return !cje_ispack(b->P->g, r) && !cje_ischeck(b->P->g, r); }

static bool survey_pack(tape_builder *b, cj_ref r) {
  const cj_ref *in = cjg_operands(b->P->g, r);
  uint32_t root;
  for (int i = 0; i < cjg_at(b->P->g, r)->nin; i++)
    if (!inside_group(b, in[i], &root) && !load_operand(b, in[i])) return false;
  return true;
}

/* Results that are looked at must be in their cells. */
static bool survey_check(tape_builder *b, cj_ref r) {
  const cj_ref *in = cjg_operands(b->P->g, r);
  uint32_t root;
  for (int i = 0; i < cjg_at(b->P->g, r)->nin; i++)
    if (inside_group(b, in[i], &root)) b->P->seen[root] = LOOKED_AT;
  return true;
}

static bool survey_one(tape_builder *b, cj_ref r, item *it) {
  cje_planner *P = b->P;
  const cj_ref *in = cjg_operands(P->g, r);
  uint32_t root;
  *it = (item){.r = r};
  for (int i = 0; i < cjg_at(P->g, r)->nin; i++)
    if (!inside_group(b, in[i], &root) && !load_operand(b, in[i])) return false;
  P->until[r] = 1;
  return cje_find_fn(P, r, &it->fn);
}

static void find_heights(tape_builder *b) {
  cje_planner *P = b->P;
  uint32_t root;
  for (uint32_t k = b->count; k-- > 0;) {
    cj_ref r = b->item[k].r;
    const cj_ref *in = cjg_operands(P->g, r);
    uint32_t height = b->item[k].height = P->until[r];
    for (int i = 0; i < cjg_at(P->g, r)->nin; i++)
      if (inside_group(b, in[i], &root) && P->until[root] <= height) P->until[root] = height + 1;
    if (height > b->height) b->height = height;
  }
}

static bool survey(tape_builder *b, const cje_draft *d) {
  cje_planner *P = b->P;
  cj_ref r = d->head;
  for (uint32_t i = 0; i < d->count; i++, r = P->root[r].next)
    if (is_item(b, r)         ? !survey_one(b, r, &b->item[b->count++])
        : cje_ispack(P->g, r) ? !survey_pack(b, r)
                              : !survey_check(b, r))
      return false;
  return true;
}

/* Numbers last. */
static bool end_loads(tape_builder *b) {
  cje_moves *konsts = &b->P->konsts, *all = &b->P->p->move;
  if (!CJM_GROW(b->P->c, all->at, all->cap, (size_t)all->n + konsts->n)) return false;
  for (uint32_t i = 0; i < konsts->n; i++) all->at[all->n++] = konsts->at[i];
  if (!list_moves(b->P, b->tape.load)) return false;
  b->tape.nload = all->n - b->tape.load;
  return true;
}

/* --- sorting: by height, into runs, by run --------------------------------------------------------------- */

static uint32_t key_height(const tape_builder *b, const item *it) { return b->height - it->height; }
static uint32_t key_run(const tape_builder *b, const item *it) { return b->P->until[it->r]; }

/* From item to other, keeping the order of equals. */
static bool counting_sort(tape_builder *b, uint32_t nkey, uint32_t (*key)(const tape_builder *, const item *)) {
  cj_ctx *c = b->P->c;
  size_t nbytes = ((size_t)nkey + 1) * sizeof(uint32_t);
  uint32_t *at = cjm_zalloc(c, nbytes);
  if (!at) return false;
  for (uint32_t i = 0; i < b->count; i++) at[key(b, &b->item[i]) + 1]++;
  for (uint32_t k = 0; k < nkey; k++) at[k + 1] += at[k];
  for (uint32_t i = 0; i < b->count; i++) b->other[at[key(b, &b->item[i])]++] = b->item[i];
  cjm_free(c, at, nbytes);
  return true;
}

/* The first run of its operation that comes behind its operands, of those that are looked at; or a new one. */
static void choose_run(tape_builder *b, const item *it) {
  cje_planner *P = b->P;
  const cj_ref *in = cjg_operands(P->g, it->r);
  uint32_t root, ready = 0, found = 0;
  for (int i = 0; i < cjg_at(P->g, it->r)->nin; i++)
    if (inside_group(b, in[i], &root) && P->until[root] > ready) ready = P->until[root];
  uint32_t k = b->last[it->fn];
  for (int i = 0; i < LOOK_BACK && k > ready; i++, k = b->run[k].before)
    if (b->run[k].n < CJE_RUN_MAX) found = k;
  if (!found) {
    found = ++b->nrun;
    b->run[found] = (draft_run){b->last[it->fn], 0};
    b->last[it->fn] = found;
  }
  b->run[found].n++;
  P->until[it->r] = found;
}

static bool choose_runs(tape_builder *b) {
  cj_ctx *c = b->P->c;
  size_t run = (b->count + (size_t)1) * sizeof *b->run, last = b->P->p->fn.n * sizeof *b->last;
  b->run = cjm_alloc(c, run);
  b->last = cjm_zalloc(c, last);
  bool good = b->run && (b->last || !last);
  for (uint32_t i = 0; good && i < b->count; i++) choose_run(b, &b->other[i]);
  cjm_free(c, b->last, last);
  cjm_free(c, b->run, run);
  return good;
}

static bool sort_items(tape_builder *b) {
  find_heights(b);
  if (!counting_sort(b, b->height + 1, key_height) || !choose_runs(b)) return false;
  if (!counting_sort(b, b->nrun + 1, key_run)) return false;
  item *sorted = b->other;
  b->other = b->item;
  b->item = sorted;
  return true;
}

/* --- runs ------------------------------------------------------------------------------------------------ */

/* The cell of operand i of r. */
static uint32_t cell_of(const tape_builder *b, cj_ref r, int i) {
  cj_ref x = cjg_operands(b->P->g, r)[i];
  uint32_t root;
  return inside_group(b, x, &root) ? b->P->entry[root] : b->P->entry[x];
}

static cje_mode mode_of(const tape_builder *b, const item *it, uint32_t n, int i, uint32_t size) {
  uint32_t first = cell_of(b, it[0].r, i);
  bool direct = true, one = true;
  for (uint32_t k = 1; k < n; k++) {
    uint32_t cell = cell_of(b, it[k].r, i);
    direct &= cell == first + k * size;
    one &= cell == first;
  }
  return one ? CJE_ONE : direct ? CJE_DIRECT : CJE_GATHERED;
}

static bool list_cell(tape_builder *b, cj_ref r, int i) {
  cj_plan *p = b->P->p;
  if (!CJE_ROOM(b->P, p->cell)) return false;
  p->cell.at[p->cell.n++] = cell_of(b, r, i);
  return true;
}

/* Vectors of float elements that a loop computes at once; a run of fewer is padded. */
static uint32_t least_whole(const tape_builder *b, const cje_fn *fn) {
  int dtype = fn->xdtype[fn->nin - 1];
  return fn->loop && cjt_isfloat(dtype) ? (16u << b->P->c->isa) / (uint32_t)cjt_dsize(dtype) : 1;
}

/* A loop's operands: one behind the other where they lie, if there are enough of them, or gathered. */
static bool add_operand_cells(tape_builder *b, const item *it, cje_run *run, int i) {
  const cje_fn *fn = &b->P->p->fn.at[run->fn];
  cje_mode mode = mode_of(b, it, run->n, i, (uint32_t)cjt_dsize(fn->xdtype[i]));
  if (mode == CJE_DIRECT && run->whole > run->n) mode = CJE_GATHERED;
  run->mode[i] = (uint8_t)mode;
  b->gathers |= mode == CJE_GATHERED;
  for (uint32_t k = 0; k < (mode == CJE_GATHERED ? run->n : 1u); k++)
    if (!list_cell(b, it[k].r, i)) return false;
  return true;
}

static bool add_cells(tape_builder *b, const item *it, cje_run *run) {
  int nin = b->P->p->fn.at[run->fn].nin;
  if (!run->picked) {
    uint32_t least = least_whole(b, &b->P->p->fn.at[run->fn]);
    if (run->whole < least) run->whole = (uint16_t)least;
    for (int i = 0; i < nin; i++)
      if (!add_operand_cells(b, it, run, i)) return false;
    return true;
  }
  for (uint32_t k = 0; k < run->n; k++)
    for (int i = 0; i < nin; i++)
      if (!list_cell(b, it[k].r, i)) return false;
  return true;
}

/* Some operand would have to be gathered, or a loop over vectors costs more to start than the operations. */
static bool is_picked(const tape_builder *b, const item *it, uint32_t n, const cje_fn *fn) {
  bool gathers = n < FEW_CELLS;
  for (int i = 0; i < fn->nin; i++) gathers |= mode_of(b, it, n, i, (uint32_t)cjt_dsize(fn->xdtype[i])) == CJE_GATHERED;
  return gathers;
}

static bool add_run(tape_builder *b, const item *it, uint32_t n) {
  cje_planner *P = b->P;
  cj_plan *p = P->p;
  const cje_fn *fn = &p->fn.at[it->fn];
  uint32_t size = (uint32_t)cjt_dsize(fn->ydtype);
  cje_run run = {.fn = it->fn, .n = (uint16_t)n, .whole = (uint16_t)n, .y = b->ncell, .x = p->cell.n};
  if (fn->picked && is_picked(b, it, n, fn)) {
    run.picked = fn->picked;
    for (int i = 0; i < fn->nin; i++) run.mode[i] = CJE_GATHERED;
  }
  if (!add_cells(b, it, &run)) return false;
  for (uint32_t k = 0; k < n; k++) P->entry[it[k].r] = b->ncell + k * size;
  b->ncell += cells(run.whole * size);
  if (!CJE_ROOM(P, p->run)) return false;
  p->run.at[p->run.n++] = run;
  return true;
}

static bool add_runs(tape_builder *b) {
  uint32_t n;
  for (uint32_t i = 0; i < b->count; i += n) {
    const item *it = &b->item[i];
    for (n = 1; i + n < b->count && b->P->until[it[n].r] == b->P->until[it->r]; n++) continue;
    if (!add_run(b, it, n)) return false;
  }
  return true;
}

/* --- the whole -------------------------------------------------------------------------------------------- */

/* The cells are one buffer, owned by the first instruction, until the last use of any of them; of a tape that
** only moves elements, by none. */
static bool settle_cells(tape_builder *b) {
  cje_planner *P = b->P;
  if (b->count == 0) return cje_scratch(P, b->ncell, &b->tape.cells);
  b->owner = b->item[0].r;
  cje_root *owner = &P->root[b->owner];
  for (uint32_t i = 0; i < b->count; i++)
    if (P->root[b->item[i].r].last > owner->last) owner->last = P->root[b->item[i].r].last;
  if (!cje_settle(P, b->owner, b->ncell)) return false;
  b->tape.cells = owner->offset;
  return true;
}

static bool store_outputs(tape_builder *b) {
  cje_planner *P = b->P;
  for (uint32_t i = 0; i < b->count; i++) {
    cj_ref r = b->item[i].r;
    cje_root *root = &P->root[r];
    cje_place at = {root->base, (uint32_t)cjt_dsize(cjg_type(P->g, r)->dtype), 0};
    if (root->base != CJE_WORK && !add_move(P, &P->p->move, b->tape.store, &at, P->entry[r])) return false;
    root->base = CJE_WORK;
    root->offset = b->tape.cells + P->entry[r];
    if (r != b->owner) root->block = CJE_NOBLOCK;
  }
  return true;
}

static bool store_pack(tape_builder *b, cj_ref r) {
  cje_planner *P = b->P;
  cje_root *root = &P->root[r];
  if (root->base == CJE_WORK && !cje_settle(P, r, (int64_t)cjt_bytes(cjg_type(P->g, r)))) return false;
  cje_place at = {root->base, (uint32_t)cjt_dsize(cjg_type(P->g, r)->dtype), root->offset};
  for (int i = 0; i < cjg_at(P->g, r)->nin; i++, at.offset += at.size)
    if (!add_move(P, &P->p->move, b->tape.store, &at, cell_of(b, r, i))) return false;
  return true;
}

static bool store_packs(tape_builder *b, const cje_draft *d) {
  cje_planner *P = b->P;
  cj_ref r = d->head;
  for (uint32_t i = 0; i < d->count; i++, r = P->root[r].next)
    if (cje_ispack(P->g, r) && !store_pack(b, r)) return false;
  return true;
}

/* The cells have their place now. */
static bool add_check(tape_builder *b, cj_ref r) {
  cje_planner *P = b->P;
  const cj_attr *a = cjg_attr(P->g, r);
  for (int i = 0; i < cjg_at(P->g, r)->nin; i++) {
    if (!CJE_ROOM(P, P->p->check)) return false;
    cje_place at = cje_place_of(P, cjg_operands(P->g, r)[i]);
    P->p->check.at[P->p->check.n++] = (cje_check){at, (uint16_t)a->v[0], a->v[1] != 0, P->g->line[r]};
  }
  return true;
}

static bool add_checks(tape_builder *b, const cje_draft *d) {
  cje_planner *P = b->P;
  cj_ref r = d->head;
  b->tape.check = P->p->check.n;
  for (uint32_t i = 0; i < d->count; i++, r = P->root[r].next)
    if (cje_ischeck(P->g, r) && !add_check(b, r)) return false;
  b->tape.ncheck = P->p->check.n - b->tape.check;
  return true;
}

static bool add_stores(tape_builder *b, const cje_draft *d) {
  b->tape.store = b->P->p->move.n;
  if (!store_outputs(b) || !store_packs(b, d) || !add_checks(b, d) || !list_moves(b->P, b->tape.store)) return false;
  b->tape.nstore = b->P->p->move.n - b->tape.store;
  return true;
}

static bool is_kept(const tape_builder *b, cj_ref r) {
  return b->P->root[r].last > b->step || b->P->seen[r] == LOOKED_AT;
}

/* For machine code: the results as they were written, and room for the arrays of its calls. */
static bool note_order(tape_builder *b, const cje_draft *d, size_t *scratch) {
  cje_planner *P = b->P;
  cj_plan *p = P->p;
  cj_ref r = d->head;
  b->tape.order = p->order.n;
  b->tape.ncell = b->ncell;
  if (!P->c->native) return true;
  if (!CJM_GROW(P->c, p->order.at, p->order.cap, (size_t)p->order.n + d->count)) return false;
  for (uint32_t i = 0; i < d->count; i++, r = P->root[r].next)
    if (is_item(b, r)) p->order.at[p->order.n++] = P->entry[r] | (is_kept(b, r) ? CJE_KEPT : 0);
  b->tape.count = b->count;
  for (uint32_t i = b->tape.run; i < p->run.n; i++) {
    const cje_fn *f = &p->fn.at[p->run.at[i].fn];
    size_t needed = cje_native_scratch(f, p->run.at[i].n);
    *scratch += needed;
    if (needed && b->tape.spare < PADDING_MOST) b->tape.spare += (f->nin + 1) * CJ_ALIGN;
  }
  *scratch += (size_t)b->tape.spare;
  return true;
}

static bool build(tape_builder *b) {
  cje_planner *P = b->P;
  cj_plan *p = P->p;
  const cje_draft *d = &P->draft.at[b->step];
  b->tape = (cje_tape){.run = p->run.n, .load = p->move.n};
  P->konsts.n = 0;
  if (!survey(b, d) || !end_loads(b)) return false;
  if (!sort_items(b)) return false;
  size_t scratch = 0;
  if (!add_runs(b) || !note_order(b, d, &scratch) || !settle_cells(b) || !add_stores(b, d)) return false;
  b->tape.nrun = p->run.n - b->tape.run;
  if (b->gathers && scratch < 3 * CJE_RUN_MAX * CELL) scratch = 3 * CJE_RUN_MAX * CELL;
  if (scratch && !cje_scratch(P, (int64_t)scratch, &b->tape.scratch)) return false;
  if (!CJE_ROOM(P, p->tape)) return false;
  p->tape.at[p->tape.n++] = b->tape;
  return true;
}

bool cje_lower_tape(cje_planner *P, uint32_t step) {
  uint32_t count = P->draft.at[step].count;
  size_t nbytes = 2 * (size_t)count * sizeof(item);
  item *items = cjm_alloc(P->c, nbytes);
  if (!items) return false;
  tape_builder b = {.P = P, .step = step, .item = items, .other = items + count};
  bool good = build(&b);
  cjm_free(P->c, items, nbytes);
  return good;
}
