/*
** native_group.c -- a group as vectors: which of its instructions are calls, how deep they are, what lies in which
** slot, how long a block is.
*/
#include "exec/native_group.h"
#include "kernel/kernels.h"

#include <string.h>

enum { GROUP_LEAST = 2, GROUP_MOST = 1 << 16 }; /* instructions */
enum {
  ROOM_STATE = 64,
  ROOM_SOURCES = CJK_WEAVE * 8,
  ROOM_VECTOR = 64,
  ROOM_SLOTS = 65536,
  BLOCK_MOST = 512,
  BLOCK_GOOD = 64,
  EARLY_LEAST = 1 << 14, /* of an array that is more than the L1 and L2 caches may hold */
  L1_SLOTS = 32768
};

/* --- values and pointers ------------------------------------------------------------------------------------ */

static uint32_t add_vector(cje_groupcode *b, int dtype) {
  if (!CJM_GROW(b->p->c, b->val.at, b->val.cap, b->val.n + 1)) return CJE_NONE;
  b->val.at[b->val.n] = (cje_vector){
      .next = CJE_UNREAD, .dtype = (uint8_t)dtype, .reg = CJE_NOVREG, .gather = CJE_NONE, .phase = CJE_NONE};
  return b->val.n++;
}

/* The pointer that v is reached from; far ones have their own. */
static bool find_pointer(cje_groupcode *b, const cje_pointer *want, int64_t offset, cje_vector *v) {
  cje_pointer p = *want;
  bool far = offset < 0 || offset > INT32_MAX / 2;
  p.offset = far ? offset : 0;
  v->disp = far ? 0 : (int32_t)offset;
  for (v->pointer = 0; v->pointer < b->pointer.n; v->pointer++) {
    const cje_pointer *q = &b->pointer.at[v->pointer];
    if (q->window || p.window) continue;
    if (q->base == p.base && q->offset == p.offset && q->step == p.step && q->row == p.row && q->slot == p.slot)
      return true;
  }
  if (!CJM_GROW(b->p->c, b->pointer.at, b->pointer.cap, b->pointer.n + 1)) return false;
  b->pointer.at[b->pointer.n++] = p;
  return true;
}

static bool place_line(cje_groupcode *b, uint32_t x, uint32_t base, int64_t offset, int64_t row, bool slot) {
  cje_vector *v = &b->val.at[x];
  int64_t size = (int64_t)cjt_dsize((cj_dtype)v->dtype);
  cje_pointer want = {.base = base, .step = size, .row = row, .slot = slot};
  v->home = CJE_LINE;
  v->slot = slot;
  return find_pointer(b, &want, offset, v);
}

/* v, which is in its slot or elsewhere, gets a pointer that no other value has. */
static bool own_pointer(cje_groupcode *b, cje_vector *v) {
  if (!CJM_GROW(b->p->c, b->pointer.at, b->pointer.cap, b->pointer.n + 1)) return false;
  b->pointer.at[b->pointer.n] = b->pointer.at[v->pointer];
  b->pointer.at[b->pointer.n].window = true;
  v->pointer = b->pointer.n++;
  return true;
}

/* Elements that follow each other from row to row. */
static int64_t dense_row(const cje_groupcode *b, uint32_t x) {
  return b->cols * (int64_t)cjt_dsize((cj_dtype)b->val.at[x].dtype);
}

static bool place_point(cje_groupcode *b, uint32_t x, const cje_place *at, int64_t row) {
  cje_pointer want = {.base = at->base, .row = row};
  b->val.at[x].home = CJE_POINT;
  return find_pointer(b, &want, at->offset, &b->val.at[x]);
}

/* --- reading the group ---------------------------------------------------------------------------------------- */

typedef struct group_reader {
  cje_groupcode *b;
  uint32_t *value; /* by entry of the group's table */
} group_reader;

/* Under rows of k elements q needs no gathering. */
static bool is_rows(const cje_pattern *q, int64_t k) {
  return q->ndim == 2 && q->dim[1] == k && (q->stride[1] == 0 || q->stride[1] == 1);
}

/* The length of rows that most patterns have (Boyer and Moore's vote), or all is one row. */
static void choose_rows(cje_groupcode *b) {
  const cj_plan *p = b->p;
  int64_t best = 0, votes = 0;
  for (uint32_t i = 0; i < b->k->nop; i++) {
    const cje_blockop *op = &p->blockop.at[b->k->op + i];
    if (op->fn != CJE_LOAD) continue;
    const cje_pattern *q = &p->gather.at[op->x[0]].pattern;
    int64_t k = q->ndim == 2 ? q->dim[1] : 0;
    if (!is_rows(q, k) || k * (int64_t)b->g.size < 16) continue;
    if (votes == 0) best = k;
    votes += k == best ? 1 : -1;
  }
  b->cols = best ? best : b->k->n;
  b->rows = b->k->n / b->cols;
}

static uint32_t add_ins(cje_groupcode *b, const cje_vins *i) {
  if (!CJM_GROW(b->p->c, b->ins.at, b->ins.cap, b->ins.n + 1)) return CJE_NONE;
  b->ins.at[b->ins.n] = *i;
  return b->ins.n++;
}

static uint32_t add_load(cje_groupcode *b, uint32_t gather, int dtype) {
  uint32_t y = add_vector(b, dtype);
  cje_vins i = {.kind = CJE_VLOAD, .y = y, .gather = gather};
  return y == CJE_NONE || add_ins(b, &i) == CJE_NONE ? CJE_NONE : y;
}

/* One element for all. */
static void place_single(cje_vector *v, const cje_place *at) {
  v->home = CJE_CELL;
  v->single = true;
  v->base = at->base;
  v->offset = (int32_t)at->offset;
}

/* Wherever that load of the group reads from, it is the same element. */
static bool is_single(const cje_groupcode *b, const cje_gather *from) {
  bool near = from->from.offset >= INT32_MIN && from->from.offset <= INT32_MAX;
  return from->pattern.ndim == 1 && from->pattern.stride[0] == 0 && !from->picked && near && from->begin <= 0 &&
         from->end >= b->k->n;
}

static bool read_load(group_reader *r, const cje_blockop *op, int dtype) {
  cje_groupcode *b = r->b;
  const cje_gather *from = &b->p->gather.at[op->x[0]];
  const cje_pattern *q = &from->pattern;
  bool single = is_single(b, from), rows = is_rows(q, b->cols);
  uint32_t y = r->value[op->y] = single || rows ? add_vector(b, dtype) : add_load(b, op->x[0], dtype);
  if (y == CJE_NONE) return false;
  cje_vector *v = &b->val.at[y];
  if (!single && !rows) {
    v->window = b->rows == 1 && (from->begin > 0 || from->end < b->k->n);
    return true;
  }
  v->gather = op->x[0];
  if (single) {
    place_single(v, &from->from);
    return true;
  }
  v->there = true;
  int64_t size = (int64_t)q->esize;
  return q->stride[1] ? place_line(b, y, from->from.base, from->from.offset, q->stride[0] * size, false)
                      : place_point(b, y, &from->from, q->stride[0] * size);
}

/* The value of an entry that nothing in the group has computed. */
static bool read_outside(group_reader *r, uint32_t entry, int dtype) {
  cje_groupcode *b = r->b;
  const cje_place *at = &b->p->place.at[b->k->place + entry - b->k->nslot];
  uint32_t x = r->value[entry] = add_vector(b, dtype);
  if (x == CJE_NONE) return false;
  cje_vector *v = &b->val.at[x];
  v->there = entry >= b->k->nslot + b->k->nfixed;
  if (v->there) return place_line(b, x, at->base, at->offset, dense_row(b, x), false);
  place_single(v, at);
  return true;
}

/* Operand k of i is what that entry holds. */
static bool read_operand(group_reader *r, uint32_t entry, int dtype, int k, cje_vins *i) {
  uint32_t *value = &r->value[entry];
  if (*value == CJE_NONE && !read_outside(r, entry, dtype)) return false;
  i->x[k] = *value;
  uint32_t gather = r->b->val.at[*value].gather;
  if (i->kind != CJE_VOP && gather != CJE_NONE) i->x[k] = *value = add_load(r->b, gather, dtype);
  return i->x[k] != CJE_NONE;
}

static bool read_op(group_reader *r, const cje_blockop *op) {
  cje_groupcode *b = r->b;
  const cje_fn *f = &b->p->fn.at[op->fn];
  cje_vins i = {.fn = op->fn, .kind = cje_vec_inline(f, b->g.size) ? CJE_VOP : CJE_VCALL, .nin = f->nin};
  for (int k = 0; k < f->nin; k++)
    if (!read_operand(r, op->x[k], f->xdtype[k], k, &i)) return false;
  i.y = r->value[op->y] = add_vector(b, f->ydtype);
  if (i.y == CJE_NONE || add_ins(b, &i) == CJE_NONE) return false;
  if (op->y < b->k->nslot) return true;
  const cje_place *at = &b->p->place.at[b->k->place + op->y - b->k->nslot];
  return place_line(b, i.y, at->base, at->offset, dense_row(b, i.y), false);
}

/* The dtype in which op i of the group reads what it loads, as far as its size goes. */
static int load_dtype(size_t esize) { return esize == 1 ? CJ_BOOL : esize == 4 ? CJ_F32 : CJ_F64; }

static bool read_store(group_reader *r, const cje_blockop *op) {
  cje_vins i = {.kind = CJE_VSTORE, .nin = 1, .gather = op->x[0], .y = add_vector(r->b, CJ_BOOL)};
  int dtype = load_dtype(r->b->p->gather.at[op->x[0]].pattern.esize);
  if (i.y == CJE_NONE || !read_operand(r, op->y, dtype, 0, &i)) return false;
  r->b->val.at[i.y].home = CJE_CELL; /* which it never fills */
  return add_ins(r->b, &i) != CJE_NONE;
}

/* Where the columns that go beside that one are listed; NULL: ENOMEM. */
static cje_columns *columns_beside(cje_groupcode *b, uint32_t gather) {
  uint32_t first = gather - b->p->gather.at[gather].column, i = 0;
  while (i < b->columns.n && b->columns.at[i].gather != first) i++;
  if (i < b->columns.n) return &b->columns.at[i];
  if (!CJM_GROW(b->p->c, b->columns.at, b->columns.cap, b->columns.n + 1)) return NULL;
  b->columns.at[b->columns.n++] = (cje_columns){.gather = first};
  return &b->columns.at[i];
}

/* A column; with the last one all are woven. */
static bool read_column(group_reader *r, const cje_blockop *op) {
  cje_groupcode *b = r->b;
  cje_columns *all = columns_beside(b, op->x[0]);
  const cje_gather *to = &b->p->gather.at[op->x[0]];
  uint32_t column = to->column;
  cje_vins i = {.kind = CJE_VOP, .fn = CJE_STORE, .nin = to->columns};
  if (!all || !read_operand(r, op->y, CJ_F64, (int)column, &i)) return false;
  all->x[column] = i.x[column];
  if (++all->found < to->columns) return true;
  memcpy(i.x, all->x, sizeof i.x);
  i.gather = all->gather;
  i.y = add_vector(b, CJ_F64);
  *all = b->columns.at[--b->columns.n];
  return i.y != CJE_NONE && add_ins(b, &i) != CJE_NONE;
}

static bool is_woven(const cje_groupcode *b, const cje_blockop *op) {
  uint8_t columns = b->p->gather.at[op->x[0]].columns;
  return columns >= 2 && columns <= CJE_WOVEN && b->g.size == 8 && b->g.width >= 32;
}

static bool read_ops(group_reader *r) {
  cje_groupcode *b = r->b;
  const cje_blockop *op = &b->p->blockop.at[b->k->op];
  for (uint32_t i = 0; i < b->k->nop; i++, op++) {
    bool good = op->fn == CJE_LOAD    ? read_load(r, op, load_dtype(b->p->gather.at[op->x[0]].pattern.esize))
                : op->fn == CJE_STORE ? (is_woven(b, op) ? read_column(r, op) : read_store(r, op))
                                      : read_op(r, op);
    if (!good) return false;
  }
  return true;
}

static bool read_group(cje_groupcode *b) {
  cj_ctx *c = b->p->c;
  size_t nbytes = ((size_t)b->k->nslot + b->k->nfixed + b->k->nmoving) * sizeof(uint32_t);
  group_reader r = {b, cjm_alloc(c, nbytes)};
  if (!r.value) return false;
  memset(r.value, 0xFF, nbytes);
  bool good = read_ops(&r);
  cjm_free(c, r.value, nbytes);
  return good;
}

/* --- phases ------------------------------------------------------------------------------------------------- */

static uint32_t time_of(const cje_vins *i) { return 2 * i->depth + (i->kind == CJE_VOP); }

/* As early as can be: a call comes before the loop of its phase. */
static void find_earliest(cje_groupcode *b) {
  for (uint32_t i = 0; i < b->ins.n; i++) {
    cje_vins *ins = &b->ins.at[i];
    uint32_t time = 0;
    for (int k = 0; k < ins->nin; k++)
      if (b->val.at[ins->x[k]].from > time) time = b->val.at[ins->x[k]].from;
    ins->depth = time / 2 + (ins->kind != CJE_VOP && time % 2);
    b->val.at[ins->y].from = time_of(ins);
  }
}

/* How many operands of ins would have to wait in slots, as they do not now, if it were computed later. */
static int would_wait(const cje_groupcode *b, const cje_vins *ins) {
  int n = 0;
  for (int k = 0; k < ins->nin; k++) {
    const cje_vector *v = &b->val.at[ins->x[k]];
    n += v->home == CJE_NOHOME && v->from == time_of(ins) && v->last <= v->from;
  }
  return n;
}

/* Columns of a row are stored at the same time: that of the last one. */
static bool join_columns(cje_groupcode *b) {
  size_t nbytes = ((size_t)b->p->gather.n + 1) * sizeof(uint32_t);
  uint32_t *depth = cjm_zalloc(b->p->c, nbytes);
  for (int pass = 0; depth && pass < 2; pass++)
    for (uint32_t i = 0; i < b->ins.n; i++) {
      cje_vins *ins = &b->ins.at[i];
      if (ins->kind != CJE_VSTORE || !b->p->gather.at[ins->gather].columns) continue;
      uint32_t *all = &depth[ins->gather - b->p->gather.at[ins->gather].column];
      if (*all < ins->depth) *all = ins->depth;
      ins->depth = *all; /* final in the second pass */
      b->val.at[ins->y].from = time_of(ins);
    }
  cjm_free(b->p->c, depth, nbytes);
  return depth != NULL;
}

/* Backwards: what is read only later moves there unless more would have to wait for it; last becomes known. */
static void find_latest(cje_groupcode *b) {
  for (uint32_t i = b->ins.n; i-- > 0;) {
    cje_vins *ins = &b->ins.at[i];
    cje_vector *y = &b->val.at[ins->y];
    uint32_t first = y->phase; /* the earliest time of a reader */
    bool moves = first != CJE_NONE && first > time_of(ins) && would_wait(b, ins) <= (y->home == CJE_NOHOME);
    if (moves && ins->kind == CJE_VOP) ins->depth = (first - 1) / 2;
    if (moves && ins->kind == CJE_VLOAD) ins->depth = first / 2;
    y->from = time_of(ins);
    for (int k = 0; k < ins->nin; k++) {
      cje_vector *v = &b->val.at[ins->x[k]];
      if (v->phase == CJE_NONE || v->phase > time_of(ins)) v->phase = time_of(ins);
      if (v->last < time_of(ins)) v->last = time_of(ins);
    }
    if (ins->depth >= b->nphase) b->nphase = ins->depth + 1;
  }
}

static bool sort_phases(cje_groupcode *b) {
  cj_ctx *c = b->p->c;
  b->order = cjm_alloc(c, b->ins.n * sizeof *b->order);
  b->start = cjm_zalloc(c, ((size_t)CJE_NVKIND * b->nphase + 2) * sizeof *b->start);
  if (!b->order || !b->start) return false;
  uint32_t *at = b->start + 1; /* one further while it counts */
  for (uint32_t i = 0; i < b->ins.n; i++) at[CJE_NVKIND * b->ins.at[i].depth + b->ins.at[i].kind + 1]++;
  for (uint32_t k = 0; k < CJE_NVKIND * b->nphase; k++) at[k + 1] += at[k];
  for (uint32_t i = 0; i < b->ins.n; i++) b->order[at[CJE_NVKIND * b->ins.at[i].depth + b->ins.at[i].kind]++] = i;
  return true;
}

/* --- slots ---------------------------------------------------------------------------------------------------- */

/* The slots of values last read at time t - 1 are free for those computed at t. */
static bool free_slots(cje_groupcode *b, uint32_t *dying) {
  for (uint32_t x = *dying; x != CJE_NONE; x = b->val.at[x].phase) {
    if (!CJM_GROW(b->p->c, b->g.unused.at, b->g.unused.cap, b->g.unused.n + 1)) return false;
    b->g.unused.at[b->g.unused.n++] = b->val.at[x].disp;
  }
  return true;
}

/* The number of a slot stands in disp for now. */
static bool place_slot(cje_groupcode *b, uint32_t x, int32_t slot) {
  cje_vector *v = &b->val.at[x];
  if (!place_line(b, x, CJE_WORK, 0, dense_row(b, x), true) || (v->window && !own_pointer(b, v))) return false;
  v->disp = slot;
  return true;
}

/* Woven rows that are not all stored go to slots that follow each other. */
static bool give_slots_to_rows(cje_groupcode *b, const cje_vins *ins) {
  cje_vector *v = &b->val.at[ins->y];
  v->window = true;
  if (!place_slot(b, ins->y, (int32_t)b->nslot)) return false;
  b->pointer.at[v->pointer].row *= ins->nin;
  b->nslot += ins->nin;
  return true;
}

/* What is read elsewhere than in the loop where it is computed gets a slot. */
static bool give_slot_to(cje_groupcode *b, uint32_t x, uint32_t *dying) {
  cje_vector *v = &b->val.at[x];
  if (v->home != CJE_NOHOME || (v->from % 2 && v->last <= v->from)) return true;
  int32_t slot = b->g.unused.n ? b->g.unused.at[--b->g.unused.n] : (int32_t)b->nslot++;
  if (!place_slot(b, x, slot)) return false;
  uint32_t *list = &dying[v->last > v->from ? v->last : v->from];
  v->phase = *list;
  *list = x;
  return true;
}

static bool give_slots(cje_groupcode *b) {
  cj_ctx *c = b->p->c;
  size_t nbytes = 2 * (size_t)b->nphase * sizeof(uint32_t);
  uint32_t *dying = cjm_alloc(c, nbytes), done = 0;
  if (!dying) return false;
  memset(dying, 0xFF, nbytes);
  bool good = true;
  for (uint32_t i = 0; good && i < b->ins.n; i++) {
    const cje_vins *ins = &b->ins.at[b->order[i]];
    for (; good && done < time_of(ins); done++) good = free_slots(b, &dying[done]);
    good = good && (cje_weaves(ins) ? give_slots_to_rows(b, ins) : give_slot_to(b, ins->y, dying));
  }
  cjm_free(c, dying, nbytes);
  b->g.unused.n = 0;
  for (uint32_t x = 0; x < b->val.n; x++) b->val.at[x].phase = CJE_NONE;
  return good;
}

/* --- memory --------------------------------------------------------------------------------------------------- */

static int64_t whole_lines_of(int64_t n) { return (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN; }

int64_t cje_native_room(const cj_plan *p, const cje_group *k) {
  int64_t ncall = 0, ngather = 0;
  for (uint32_t i = 0; i < k->nop; i++) {
    const cje_blockop *op = &p->blockop.at[k->op + i];
    ngather += op->fn >= CJE_STORE;
    ncall += op->fn < CJE_STORE && !cje_vec_inline(&p->fn.at[op->fn], cjt_dsize((cj_dtype)p->fn.at[op->fn].ydtype));
  }
  int64_t slots = (k->nslot + 4 * ncall + ngather + 4) * k->slotsize;
  int64_t pointers = 2 * 8 * ((int64_t)k->nmoving + 2 * ngather + 4),
          vectors = (int64_t)k->nslot + k->nfixed + ngather + 4;
  return ROOM_STATE + ROOM_SOURCES + whole_lines_of(pointers) + ROOM_VECTOR * vectors +
         (slots < ROOM_SLOTS ? slots : ROOM_SLOTS);
}

/* The longest piece up to most whose rest at the end of n is none or no shorter than a vector. */
static int64_t piece_of(int64_t n, int64_t most, int64_t lanes) {
  for (int64_t piece = most / 8 * 8; piece >= 8 && piece >= lanes; piece -= 8)
    if (n % piece == 0 || n % piece >= lanes) return piece;
  return 0;
}

/* Elements begin .. end-1 are all there. */
static void leave_ends(cje_groupcode *b, int64_t begin, int64_t end) {
  if (begin > b->block) b->block = begin;
  if (b->cols - end > b->tail) b->tail = b->cols - end;
}

/* Woven rows of the block between the ends begin on the boundary of a line of the cache. */
static void align_rows(cje_groupcode *b, const cje_gather *to) {
  int64_t size = 8 * to->columns;
  for (int i = 0; i < CJ_ALIGN / 8 && (to->from.offset + size * b->block) % CJ_ALIGN; i++) b->block++;
}

/* Slots are for what is missing at the ends; block and tail are how much at least. */
static bool find_ends(cje_groupcode *b) {
  const cje_gather *gather = b->p->gather.at, *woven = NULL;
  b->block = b->tail = b->g.lanes;
  if (b->rows > 1 || b->nphase > 1) return false;
  for (uint32_t i = 0; i < b->ins.n; i++) {
    const cje_vins *ins = &b->ins.at[i];
    if (ins->kind == CJE_VCALL || ins->kind == CJE_VSTORE || (ins->kind == CJE_VLOAD && !b->val.at[ins->y].window))
      return false;
    if (cje_weaves(ins)) woven = &gather[ins->gather];
    for (int k = 0; cje_weaves(ins) && k < ins->nin; k++) leave_ends(b, woven[k].begin, woven[k].end);
    if (ins->kind == CJE_VLOAD) leave_ends(b, gather[ins->gather].begin, gather[ins->gather].end);
  }
  if (woven) align_rows(b, woven);
  return true;
}

/* room: elements of a block. */
static bool choose_walk(cje_groupcode *b, int64_t room) {
  bool ends = b->nslot > 0 && find_ends(b) && b->block <= room && b->tail <= room;
  if (ends && b->cols >= b->block + b->g.lanes + b->tail) {
    b->walk = CJE_BY_ENDS;
    return true;
  }
  b->walk = b->rows * b->cols <= room ? CJE_AT_ONCE : b->cols <= room ? CJE_BY_ROWS : CJE_BY_PIECES;
  if (b->walk == CJE_BY_ROWS) b->block = room / b->cols;
  if (b->walk == CJE_BY_PIECES) b->block = piece_of(b->cols, room, b->g.lanes);
  return b->walk == CJE_AT_ONCE || b->block > 0;
}

static bool is_loop_of_one_phase(const cje_groupcode *b) {
  return b->nphase == 1 && b->start[CJE_VOP] == 0; /* no loads, no calls */
}

/* The steps of pointers from block to block are numbers in the code. */
static bool steps_fit(const cje_groupcode *b) {
  for (uint32_t i = 0; i < b->pointer.n; i++) {
    const cje_pointer *q = &b->pointer.at[i];
    int64_t rows = b->walk == CJE_BY_ROWS ? b->block : 1, size = q->row < 0 ? -q->row : q->row;
    if (size > INT32_MAX / 2 / rows || q->offset > INT64_MAX / 2) return false;
  }
  return b->cols <= INT32_MAX / 16 && b->rows <= INT32_MAX;
}

/* The most elements of a block whose slots fit in so many bytes, and in the L1 cache. */
static int64_t block_room(const cje_groupcode *b, int64_t nbytes) {
  int64_t slots = 8 * (int64_t)b->nslot, room = slots ? nbytes / slots / 8 * 8 : INT64_MAX;
  if (is_loop_of_one_phase(b)) return room;
  int64_t good = slots ? L1_SLOTS / slots / 8 * 8 : BLOCK_MOST;
  if (good > BLOCK_MOST) good = BLOCK_MOST;
  if (good < BLOCK_GOOD || (b->far && b->cols > good)) good = BLOCK_GOOD;
  return room < good ? room : good;
}

/* Calls take a while, so that what the next block needs can be there after them. */
static bool fetches_early(const cje_groupcode *b) {
  bool calls = false;
  for (uint32_t phase = 0; phase < b->nphase; phase++) {
    const uint32_t *start = &b->start[CJE_NVKIND * phase];
    calls = calls || start[CJE_VCALL] < start[CJE_VSTORE];
  }
  return calls && b->rows * b->cols >= EARLY_LEAST;
}

static bool lay_out_group(cje_groupcode *b) {
  int64_t at = b->k->table, end = at + b->k->native;
  if (end > INT32_MAX) return false;
  b->far = fetches_early(b);
  b->state = (int32_t)at;
  b->sources = (int32_t)(at + ROOM_STATE);
  b->cells = b->sources + ROOM_SOURCES;
  b->working = b->cells + 8 * (int32_t)b->pointer.n;
  at = whole_lines_of(b->working + 8 * (int32_t)b->pointer.n);
  for (uint32_t x = 0; x < b->val.n; x++) {
    if (!b->val.at[x].single) continue;
    b->val.at[x].disp = (int32_t)at;
    at += ROOM_VECTOR;
  }
  b->g.spill = (int32_t)at;
  at += ROOM_VECTOR * ((int64_t)b->k->nslot + 4);
  b->g.spill_end = (int32_t)at;
  int64_t room = block_room(b, end - at), elements = b->rows * b->cols;
  if (at > end || !choose_walk(b, room)) return false;
  int64_t block = b->walk == CJE_AT_ONCE ? elements : b->walk == CJE_BY_ROWS ? b->block * b->cols : b->block;
  if (b->walk == CJE_BY_ENDS && b->tail > block) block = b->tail;
  for (uint32_t x = 0; x < b->val.n; x++)
    if (b->val.at[x].slot) b->val.at[x].disp = (int32_t)(at + b->val.at[x].disp * whole_lines_of(8 * block));
  return at + b->nslot * whole_lines_of(8 * block) <= end && steps_fit(b);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static bool has_wide_elements(const cj_plan *p, const cje_group *k) {
  for (uint32_t i = 0; i < k->nop; i++) {
    const cje_blockop *op = &p->blockop.at[k->op + i];
    if (op->fn >= CJE_STORE) continue;
    const cje_fn *f = &p->fn.at[op->fn];
    bool found = cjt_dsize((cj_dtype)f->ydtype) == 8;
    for (int j = 0; j < f->nin; j++) found = found || cjt_dsize((cj_dtype)f->xdtype[j]) == 8;
    if (found) return true;
  }
  return false;
}

/* The widest vectors of which a row has one. */
static bool group_width(cje_groupcode *b) {
  cje_vgen *g = &b->g;
  g->width = b->p->c->isa >= CJ_ISA_AVX512 ? 64 : 32;
  while (g->width >= 16 && b->cols * (int64_t)g->size < g->width) g->width /= 2;
  g->lanes = g->width / g->size;
  g->nreg = g->width == 64 ? 30 : 14;
  g->t0 = g->nreg;
  g->t1 = g->nreg + 1;
  return g->width >= 16;
}

static bool make_group(cje_groupcode *b, uint32_t *start) {
  choose_rows(b);
  if (!group_width(b)) return true;
  if (!read_group(b)) return false;
  find_earliest(b);
  if (!join_columns(b)) return false;
  find_latest(b);
  if (!sort_phases(b) || !give_slots(b)) return false;
  if (!lay_out_group(b) || !cje_asm_room(b->g.a)) return cjm_ok(b->p->c);
  uint32_t at = b->g.a->n;
  b->g.val = b->val.at;
  b->g.pointer = b->pointer.at;
  cje_group_emit(b);
  if (!b->g.failed) *start = at;
  return cjm_ok(b->p->c);
}

static bool group_possible(const cj_plan *p, const cje_group *k) {
  if (k->nop < GROUP_LEAST || k->nop > GROUP_MOST || !k->native) return false;
  for (uint32_t i = 0; i < k->nfixed; i++) {
    int64_t offset = p->place.at[k->place + i].offset;
    if (offset < INT32_MIN || offset > INT32_MAX) return false;
  }
  return true;
}

bool cje_native_group(cj_plan *p, cje_asm *a, const cje_group *k, uint32_t *start) {
  cj_ctx *c = p->c;
  cje_groupcode b = {.p = p, .k = k, .g = {.p = p, .a = a}};
  *start = UINT32_MAX;
  if (!group_possible(p, k)) return true;
  b.g.size = has_wide_elements(p, k) ? 8 : 4;
  bool good = make_group(&b, start);
  cjm_free(c, b.start, ((size_t)CJE_NVKIND * b.nphase + 2) * sizeof *b.start);
  cjm_free(c, b.order, b.ins.n * sizeof *b.order);
  cjm_free(c, b.ins.at, b.ins.cap * sizeof *b.ins.at);
  cjm_free(c, b.columns.at, b.columns.cap * sizeof *b.columns.at);
  cjm_free(c, b.val.at, b.val.cap * sizeof *b.val.at);
  cjm_free(c, b.pointer.at, b.pointer.cap * sizeof *b.pointer.at);
  cjm_free(c, b.g.unused.at, b.g.unused.cap * sizeof *b.g.unused.at);
  return good;
}
