/*
** group.c -- a group of elementwise instructions as loops over blocks.  What only the group sees lives in
** slots of one block, given out by liveness; results that others need and operands that lie densely are
** worked on where they are.
**
** Of the planner's tables, by instruction or operand: until, the last instruction of the group that reads
** it; entry, its place in the table of pointers; seen, the step for which entry holds; shaped, the type of
** result for which it was gathered.
*/
#include "exec/native.h"
#include "exec/planner.h"

enum { SLOT = 0, FIXED = 1, MOVING = 2, KINDBITS = 30 };
/* bytes of slots; least block; block of a lone instruction; elements that no cache has: much waiting for memory at once
** is worse than often a little */
enum { SCRATCH = 32768, LEAST = 64, ALONE = 65536, FAR_ELEMENTS = 1 << 19 };
enum { LISTED = 256, SHORT_RUN = 4 }; /* elements */

typedef struct builder {
  cje_planner *P;
  uint32_t step, nslot;
} builder;

static uint32_t entry_of(uint32_t kind, uint32_t index) { return kind << KINDBITS | index; }
static uint32_t kind_of(uint32_t entry) { return entry >> KINDBITS; }
static uint32_t entry_index(uint32_t entry) { return entry & ((1u << KINDBITS) - 1); }

/* What stands for operand x in the tables: the instruction of this group that x is, or x itself. */
static uint32_t key_of(const builder *b, cj_ref x) {
  uint32_t root = cje_root_of(b->P, x);
  return b->P->root[root].step == b->step ? root : x;
}

static uint32_t take_slot(builder *b) {
  cje_planner *P = b->P;
  return entry_of(SLOT, P->few.n ? P->few.at[--P->few.n] : b->nslot++);
}

static bool give_slot(builder *b, uint32_t key) {
  cje_planner *P = b->P;
  if (kind_of(P->entry[key]) != SLOT) return true;
  if (!CJE_ROOM(P, P->few)) return false;
  P->few.at[P->few.n++] = P->entry[key];
  return true;
}

static bool add_op(cje_planner *P, const cje_blockop *op) {
  if (!CJE_ROOM(P, P->p->blockop)) return false;
  P->p->blockop.at[P->p->blockop.n++] = *op;
  return true;
}

static bool add_fixed(builder *b, const cje_place *at, uint32_t *entry) {
  if (!CJE_ROOM(b->P, b->P->fixed)) return false;
  *entry = entry_of(FIXED, b->P->fixed.n);
  b->P->fixed.at[b->P->fixed.n++] = *at;
  return true;
}

static bool add_moving(builder *b, const cje_place *at, uint32_t *entry) {
  if (!CJE_ROOM(b->P, b->P->moving)) return false;
  *entry = entry_of(MOVING, b->P->moving.n);
  b->P->moving.at[b->P->moving.n++] = *at;
  return true;
}

static bool add_gather(builder *b, const cje_place *at, const cje_pattern *q, int64_t begin, int64_t end,
                       uint32_t *entry) {
  cj_plan *p = b->P->p;
  *entry = take_slot(b);
  if (!CJE_ROOM(b->P, p->gather)) return false;
  p->gather.at[p->gather.n] = (cje_gather){.from = *at, .pattern = *q, .begin = begin, .end = end};
  cje_blockop load = {.fn = CJE_LOAD, .y = *entry, .x = {p->gather.n++}};
  return add_op(b->P, &load);
}

/* x, of which elements are missing. */
static bool add_window(builder *b, const cje_place *at, cj_ref x, uint32_t *entry) {
  const cje_alias *a = cje_alias_of(b->P, x);
  const cj_type *t = cjg_type(b->P->g, x);
  cje_pattern q = {.ndim = 1, .dim = {cjt_count(t)}, .stride = {1}, .esize = cjt_dsize(t->dtype)};
  return add_gather(b, at, &q, a->begin, a->end, entry);
}

/* A column of rows that the group picks itself. */
static bool add_pick(builder *b, cj_ref x, const cje_pattern *q, uint32_t *entry) {
  cje_planner *P = b->P;
  const cje_alias *a = cje_alias_of(P, x);
  const cj_ref *in = cjg_operands(P->g, cje_root_of(P, x));
  cje_place at = cje_place_of(P, in[0]);
  at.offset += a ? a->offset * (int64_t)at.size : 0;
  if (!add_gather(b, &at, q, 0, INT64_MAX, entry)) return false;
  cje_gather *from = &P->p->gather.at[P->p->gather.n - 1];
  from->picked = true;
  from->step = q->stride[0];
  from->index = cje_place_of(P, in[1]);
  return true;
}

/* Room for n elements among the constants of the plan; where. */
static bool add_constants(builder *b, int64_t n, size_t size, cje_place *at) {
  cj_plan *p = b->P->p;
  size_t cells = ((size_t)n * size + sizeof *p->konst.at - 1) / sizeof *p->konst.at;
  if (!CJM_GROW(b->P->c, p->konst.at, p->konst.cap, p->konst.n + cells)) return false;
  *at = (cje_place){CJE_KONST, (uint32_t)size, (int64_t)(p->konst.n * sizeof *p->konst.at)};
  p->konst.n += (uint32_t)cells;
  return true;
}
static char *constants_at(const builder *b, const cje_place *at) { return (char *)b->P->p->konst.at + at->offset; }

/* What has few elements, in short runs, is picked by a list of where they are, or if it is constant gathered now: to
** walk through the runs in each call takes longer. */
static bool is_listed(const cje_pattern *q, int64_t n) { return n <= LISTED && q->dim[q->ndim - 1] <= SHORT_RUN; }

static bool add_strided(builder *b, const cje_place *at, const cje_pattern *q, int64_t n, uint32_t *entry) {
  cje_place to;
  if (!is_listed(q, n)) return add_gather(b, at, q, 0, n, entry);
  if (at->base == CJE_KONST) {
    if (!add_constants(b, n, q->esize, &to)) return false;
    cje_pattern_load(q, constants_at(b, &to), constants_at(b, at), 0, n);
    return add_moving(b, &to, entry);
  }
  if (!add_constants(b, n, sizeof(int64_t), &to) || !add_gather(b, at, q, 0, n, entry)) return false;
  cje_gather *from = &b->P->p->gather.at[b->P->p->gather.n - 1];
  from->picked = true;
  from->step = 1;
  from->index = to;
  cje_pattern_list(q, (int64_t *)(void *)constants_at(b, &to), n);
  return true;
}

/* The entry of an operand is that for one shape of the result. */
static bool is_shaped(const builder *b, uint32_t entry) {
  return kind_of(entry) == SLOT || (kind_of(entry) == MOVING && b->P->moving.at[entry_index(entry)].base == CJE_KONST);
}

/* The entry of x, an operand of r from outside.  A gathered one is good for one shape of r only. */
static bool outside(builder *b, cj_ref r, cj_ref x, uint32_t *entry) {
  cje_planner *P = b->P;
  const cj_view *shape = &P->p->shape.at[cje_shape_of(P, x)];
  bool picked = cje_ispicked(P, cje_root_of(P, x));
  cje_place at = picked ? (cje_place){0} : cje_place_of(P, x);
  uint32_t type = cjg_at(P->g, r)->type;
  cje_pattern q;
  if (P->seen[x] == b->step) {
    *entry = P->entry[x];
    if (!is_shaped(b, *entry) || P->shaped[x] == type) return true;
    if (!give_slot(b, x)) return false;
  }
  cje_access how = cje_pattern_make(&q, cjg_type(P->g, r), shape->type, shape->stride);
  bool good = P->view[x] && cje_alias_of(P, x)->window ? add_window(b, &at, x, entry)
              : picked                                 ? add_pick(b, x, &q, entry)
              : how == CJE_SPLAT                       ? add_fixed(b, &at, entry)
              : how == CJE_DENSE                       ? add_moving(b, &at, entry)
                                                       : add_strided(b, &at, &q, cjt_count(cjg_type(P->g, r)), entry);
  P->seen[x] = b->step;
  P->entry[x] = *entry;
  P->shaped[x] = type;
  return good;
}

/* Where r goes: to its buffer if anyone outside reads it, else to a slot. */
static bool result(builder *b, cj_ref r, uint32_t *entry) {
  cje_planner *P = b->P;
  cje_root *root = &P->root[r];
  if (root->base == CJE_WORK && root->last == b->step) {
    *entry = take_slot(b);
  } else {
    if (root->base == CJE_WORK && !cje_settle(P, r, (int64_t)cjt_bytes(cjg_type(P->g, r)))) return false;
    cje_place at = cje_place_of(P, r);
    if (!add_moving(b, &at, entry)) return false;
  }
  P->entry[r] = *entry;
  return true;
}

/* Where the result of a cat starts; the first one that stores there gives it its buffer. */
static bool place_cat(cje_planner *P, cj_ref cat, cje_place *at) {
  cje_root *root = &P->root[cat];
  bool placed = root->base != CJE_WORK || P->into[cat] == CJE_PLACED;
  if (!placed && !cje_settle(P, cat, (int64_t)cjt_bytes(cjg_type(P->g, cat)))) return false;
  if (!placed) P->into[cat] = CJE_PLACED;
  *at = (cje_place){root->base, (uint32_t)cjt_dsize(cjg_type(P->g, cat)->dtype), root->offset};
  return true;
}

/* The gathers of all operands of a cat, in their order; f: those of forward. */
static bool make_gathers(cje_planner *P, cje_forwarded *f) {
  cj_plan *p = P->p;
  cje_place at;
  if (!place_cat(P, f->to, &at)) return false;
  f->gather = p->gather.n;
  for (uint32_t i = 0; i < cjg_at(P->g, f->to)->nin; i++) {
    cje_gather to = {.from = at,
                     .pattern = f[i].pattern,
                     .begin = f[i].begin,
                     .end = f[i].end,
                     .column = (uint8_t)i,
                     .columns = f->columns};
    to.from.offset += f[i].first * (int64_t)at.size;
    if (!CJE_ROOM(P, p->gather)) return false;
    p->gather.at[p->gather.n++] = to;
  }
  return true;
}

/* The entry is stored in the result of a cat. */
static bool store(builder *b, const cje_forwarded *f, uint32_t entry) {
  cje_planner *P = b->P;
  cje_forwarded *all = &P->forward.at[f - P->forward.at - f->operand];
  if (all->gather == CJE_UNMADE && !make_gathers(P, all)) return false;
  cje_blockop op = {.fn = CJE_STORE, .y = entry, .x = {all->gather + f->operand}};
  return add_op(P, &op);
}

/* r, wherever it is wanted. */
static bool store_everywhere(builder *b, cj_ref r, uint32_t entry) {
  cje_planner *P = b->P;
  for (uint32_t i = P->into[r]; i; i = P->forward.at[i - 1].next)
    if (!store(b, &P->forward.at[i - 1], entry)) return false;
  return !P->into[r] || P->until[r] || give_slot(b, r);
}

/* What the group only stores.  By now slots of operands have been given back. */
static bool store_carried(builder *b, const cje_forwarded *f) {
  cje_planner *P = b->P;
  cj_ref x = f->from;
  const cj_view *shape = &P->p->shape.at[cje_shape_of(P, x)];
  cje_place at = cje_place_of(P, x);
  cje_pattern q;
  uint32_t entry;
  bool dense = cje_pattern_make(&q, shape->type, shape->type, shape->stride) == CJE_DENSE;
  if (!(dense ? outside(b, x, x, &entry) : add_gather(b, &at, &q, 0, cjt_count(shape->type), &entry)) ||
      !store(b, f, entry))
    return false;
  if (dense) return true;
  if (!CJE_ROOM(P, P->few)) return false;
  P->few.at[P->few.n++] = entry;
  return true;
}

/* number: of r within the group, from 1 */
static bool lower_one(builder *b, cj_ref r, uint32_t number) {
  cje_planner *P = b->P;
  const cj_ref *in = cjg_operands(P->g, r);
  cje_blockop op = {0};
  if (!cje_find_fn(P, r, &op.fn)) return false;
  int nin = P->p->fn.at[op.fn].nin;
  for (int i = 0; i < nin; i++) {
    uint32_t key = key_of(b, in[i]);
    bool inside = P->root[key].step == b->step;
    op.x[i] = P->entry[key];
    if (!inside && !outside(b, r, in[i], &op.x[i])) return false;
    if (kind_of(op.x[i]) == FIXED) op.splat |= (uint8_t)(1u << i);
  }
  if (!result(b, r, &op.y) || !add_op(P, &op)) return false;
  if (!store_everywhere(b, r, op.y)) return false;
  for (int i = 0; i < nin; i++) { /* once: until is cleared */
    uint32_t key = key_of(b, in[i]);
    if (P->until[key] == number && !give_slot(b, key)) return false;
    if (P->until[key] == number) P->until[key] = 0;
  }
  return true;
}

static void note_uses(builder *b, cj_ref r, uint32_t number) {
  const cj_ref *in = cjg_operands(b->P->g, r);
  for (int i = 0; i < cjg_at(b->P->g, r)->nin; i++) b->P->until[key_of(b, in[i])] = number;
}

/* Entries get their final numbers once it is known how many there are of each kind. */
static uint32_t settled(const builder *b, uint32_t entry) {
  uint32_t kind = kind_of(entry);
  return entry_index(entry) + (kind == SLOT ? 0 : b->nslot) + (kind == MOVING ? b->P->fixed.n : 0);
}

static void settle_entries(const builder *b, const cje_group *k) {
  for (uint32_t i = k->op; i < k->op + k->nop; i++) {
    cje_blockop *op = &b->P->p->blockop.at[i];
    op->y = settled(b, op->y);
    if (op->fn >= CJE_STORE) continue;
    op->loop = b->P->p->fn.at[op->fn].loop;
    for (int j = 0; j < b->P->p->fn.at[op->fn].nin; j++) op->x[j] = settled(b, op->x[j]);
  }
}

static bool add_places(cje_planner *P, cje_group *k) {
  cj_plan *p = P->p;
  k->place = p->place.n;
  k->nfixed = P->fixed.n;
  k->nmoving = P->moving.n;
  for (uint32_t i = 0; i < k->nfixed + k->nmoving; i++) {
    if (!CJE_ROOM(P, p->place)) return false;
    p->place.at[p->place.n++] = i < k->nfixed ? P->fixed.at[i] : P->moving.at[i - k->nfixed];
  }
  return true;
}

/* Pointer `which` of the group goes on with the blocks if its entry is a moving one. */
static bool add_advance(cje_planner *P, cje_group *k, uint32_t which, uint32_t entry) {
  cj_plan *p = P->p;
  if (entry < k->nslot + k->nfixed) return true;
  if (!CJM_GROW(P->c, p->cell.at, p->cell.cap, p->cell.n + 2u)) return false;
  p->cell.at[p->cell.n++] = which;
  p->cell.at[p->cell.n++] = p->place.at[k->place + entry - k->nslot].size * (uint32_t)k->block;
  k->nadvance++;
  return true;
}

static bool add_advances(cje_planner *P, cje_group *k) {
  k->advance = P->p->cell.n;
  for (uint32_t i = 0; i < k->nop; i++) {
    const cje_blockop *op = &P->p->blockop.at[k->op + i];
    int nin = op->fn < CJE_STORE ? P->p->fn.at[op->fn].nin : 0;
    for (int j = 0; j < nin; j++)
      if (!add_advance(P, k, CJE_FRAME * i + (uint32_t)j, op->x[j])) return false;
    if (!add_advance(P, k, CJE_FRAME * i + CJE_RESULT, op->y)) return false;
  }
  return true;
}

static int64_t block_size(const cje_group *k) {
  int64_t block = k->nslot ? SCRATCH / 8 / (int64_t)k->nslot / 16 * 16 : CJE_BLOCK;
  int64_t most = k->far ? CJE_BLOCK / 2 : CJE_BLOCK;
  if (block < LEAST) block = LEAST;
  if (block > most) block = most;
  if (k->nop == 1) block = ALONE;
  return block < k->n ? block : k->n;
}

static bool add_group(const builder *b, cje_group *k) {
  cje_planner *P = b->P;
  k->nop = P->p->blockop.n - k->op;
  k->nslot = b->nslot;
  settle_entries(b, k);
  if (!add_places(P, k)) return false;
  k->far = k->nop > 1 && k->n >= FAR_ELEMENTS;
  k->block = block_size(k);
  if (!add_advances(P, k)) return false;
  k->slotsize = (8 * k->block + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN;
  int64_t entries = CJE_FRAME * (int64_t)k->nop + k->nslot + k->nfixed + k->nmoving;
  entries = (entries * (int64_t)sizeof(char *) + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN;
  int64_t nbytes = entries + k->nslot * k->slotsize;
  k->native = P->c->native ? cje_native_room(P->p, k) : 0;
  if (k->native < nbytes) k->native = nbytes;
  if (!cje_scratch(P, k->native, &k->table)) return false;
  k->slots = k->table + entries;
  if (!CJE_ROOM(P, P->p->group)) return false;
  P->p->group.at[P->p->group.n++] = *k;
  return true;
}

bool cje_lower_group(cje_planner *P, uint32_t step) {
  const cje_draft *d = &P->draft.at[step];
  builder b = {P, step, 0};
  cje_group k = {.n = d->n, .op = P->p->blockop.n};
  uint32_t number = 0;
  P->few.n = P->fixed.n = P->moving.n = 0;
  cj_ref r = d->head;
  for (uint32_t i = 0; i < d->count; i++, r = P->root[r].next) note_uses(&b, r, ++number);
  r = d->head;
  number = 0;
  for (uint32_t i = 0; i < d->count; i++, r = P->root[r].next)
    if (!lower_one(&b, r, ++number)) return false;
  for (uint32_t i = d->carried; i; i = P->forward.at[i - 1].next)
    if (!store_carried(&b, &P->forward.at[i - 1])) return false;
  return add_group(&b, &k);
}
