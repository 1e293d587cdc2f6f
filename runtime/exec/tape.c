/*
** tape.c -- a group of instructions with one element each.  They are sorted by dependency level and,
** within a level, by operation; each run of equal operations is then one call of the vector loop, its
** operands gathered from the cells where they lie, its results put into new cells one behind the other.
** Cells are never used twice, so what others read of a tape they read from its cells.  A pack has no
** instruction: its elements are stored from their cells into its own buffer at the end.  Nor has a check, whose
** numbers are looked at when all is done.
**
** Of the planner's tables: entry, the cell; seen, the step for which the cell of an operand from outside
** holds; until, the level of an instruction.
*/
#include "exec/native.h"
#include "exec/planner.h"

enum { CELL = 8, PADDING_MOST = 1 << 16 };
#define LOOKED_AT UINT32_MAX /* seen, of an instruction of the tape */

typedef struct item {
  cj_ref r;
  uint32_t level;
  uint16_t fn;
} item;

typedef struct tape_builder {
  cje_planner *P;
  uint32_t step, ncell; /* ncell: bytes */
  cje_tape tape;
  item *item, *other; /* count of each: instructions but packs and checks */
  uint32_t count, nlevel;
  cj_ref owner; /* of the buffer of cells; 0: none */
  bool gathers;
} tape_builder;

static uint32_t cells(uint32_t nbytes) { return (nbytes + CELL - 1) / CELL * CELL; }

static bool inside_group(const tape_builder *b, cj_ref x, uint32_t *root) {
  *root = cje_root_of(b->P, x);
  return b->P->root[*root].step == b->step;
}

/* Moves of elements of one size follow each other: one larger move will do. */
static bool extends(const cje_move *m, const cje_place *at, uint32_t cell) {
  return m->place.base == at->base && m->place.size == at->size && m->place.offset + m->nbytes == at->offset &&
         m->cell + m->nbytes == cell;
}

static bool add_move(cje_planner *P, uint32_t first, const cje_place *at, uint32_t cell) {
  cj_plan *p = P->p;
  if (p->move.n > first && extends(&p->move.at[p->move.n - 1], at, cell)) {
    p->move.at[p->move.n - 1].nbytes += at->size;
    return true;
  }
  if (!CJE_ROOM(P, p->move)) return false;
  p->move.at[p->move.n++] = (cje_move){*at, cell, at->size};
  return true;
}

/* --- loads, levels ------------------------------------------------------------------------------------- */

static bool load_operand(tape_builder *b, cj_ref x) {
  cje_planner *P = b->P;
  if (P->seen[x] == b->step) return true;
  P->seen[x] = b->step;
  P->entry[x] = b->ncell;
  cje_place at = cje_place_of(P, x);
  b->ncell += CELL;
  return add_move(P, b->tape.load, &at, P->entry[x]);
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
  for (int i = 0; i < cjg_at(P->g, r)->nin; i++) {
    if (!inside_group(b, in[i], &root)) {
      if (!load_operand(b, in[i])) return false;
    } else if (it->level <= P->until[root]) {
      it->level = P->until[root] + 1;
    }
  }
  P->until[r] = it->level;
  if (it->level >= b->nlevel) b->nlevel = it->level + 1;
  return cje_find_fn(P, r, &it->fn);
}

static bool survey(tape_builder *b, const cje_draft *d) {
  cje_planner *P = b->P;
  cj_ref r = d->head;
  for (uint32_t i = 0; i < d->count; i++, r = P->root[r].next)
    if (is_item(b, r)         ? !survey_one(b, r, &b->other[b->count++])
        : cje_ispack(P->g, r) ? !survey_pack(b, r)
                              : !survey_check(b, r))
      return false;
  b->tape.nload = P->p->move.n - b->tape.load;
  return true;
}

/* --- sorting: by operation, then, keeping that order, by level ------------------------------------------ */

static uint32_t key_fn(const item *it) { return it->fn; }
static uint32_t key_level(const item *it) { return it->level; }

static bool counting_sort(cj_ctx *c, const item *from, item *to, uint32_t n, uint32_t nkey,
                          uint32_t (*key)(const item *)) {
  size_t nbytes = ((size_t)nkey + 1) * sizeof(uint32_t);
  uint32_t *at = cjm_zalloc(c, nbytes);
  if (!at) return false;
  for (uint32_t i = 0; i < n; i++) at[key(&from[i]) + 1]++;
  for (uint32_t k = 0; k < nkey; k++) at[k + 1] += at[k];
  for (uint32_t i = 0; i < n; i++) to[at[key(&from[i])]++] = from[i];
  cjm_free(c, at, nbytes);
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

static bool list_cells(tape_builder *b, const item *it, uint32_t n, int i) {
  cj_plan *p = b->P->p;
  for (uint32_t k = 0; k < n; k++) {
    if (!CJE_ROOM(b->P, p->cell)) return false;
    p->cell.at[p->cell.n++] = cell_of(b, it[k].r, i);
  }
  return true;
}

/* Some operand would have to be gathered. */
static bool is_picked(const tape_builder *b, const item *it, uint32_t n, const cje_fn *fn) {
  bool gathers = false;
  for (int i = 0; i < fn->nin; i++) gathers |= mode_of(b, it, n, i, (uint32_t)cjt_dsize(fn->xdtype[i])) == CJE_GATHERED;
  return fn->picked && (gathers || n == 1);
}

static bool add_run(tape_builder *b, const item *it, uint32_t n) {
  cje_planner *P = b->P;
  cj_plan *p = P->p;
  const cje_fn *fn = &p->fn.at[it->fn];
  uint32_t size = (uint32_t)cjt_dsize(fn->ydtype);
  cje_run run = {.fn = it->fn, .n = (uint16_t)n, .y = b->ncell, .x = p->cell.n};
  run.picked = is_picked(b, it, n, fn);
  for (int i = 0; i < fn->nin; i++) {
    cje_mode mode = run.picked ? CJE_GATHERED : mode_of(b, it, n, i, (uint32_t)cjt_dsize(fn->xdtype[i]));
    run.mode[i] = (uint8_t)mode;
    b->gathers |= mode == CJE_GATHERED && !run.picked;
    if (!list_cells(b, it, mode == CJE_GATHERED ? n : 1, i)) return false;
  }
  for (uint32_t k = 0; k < n; k++) P->entry[it[k].r] = b->ncell + k * size;
  b->ncell += cells(n * size);
  if (!CJE_ROOM(P, p->run)) return false;
  p->run.at[p->run.n++] = run;
  return true;
}

static bool add_runs(tape_builder *b) {
  uint32_t n;
  for (uint32_t i = 0; i < b->count; i += n) {
    const item *it = &b->item[i];
    for (n = 1; i + n < b->count && n < CJE_RUN_MAX; n++)
      if (it[n].level != it->level || it[n].fn != it->fn) break;
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
    if (root->base != CJE_WORK && !add_move(P, b->tape.store, &at, P->entry[r])) return false;
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
    if (!add_move(P, b->tape.store, &at, cell_of(b, r, i))) return false;
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
  if (!store_outputs(b) || !store_packs(b, d) || !add_checks(b, d)) return false;
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
  if (!survey(b, d)) return false;
  if (!counting_sort(P->c, b->other, b->item, b->count, p->fn.n, key_fn)) return false;
  if (!counting_sort(P->c, b->item, b->other, b->count, b->nlevel, key_level)) return false;
  item *sorted = b->other;
  b->other = b->item;
  b->item = sorted;
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
