/* native_group_code.c -- the code of a group: its start, its loop over blocks, the calls and loops of a phase. */
#include "exec/native_group.h"
#include "kernel/kernels.h"

enum { AT_FIRST = 0, AT_LEFT = 8, AT_PART = 16 }; /* counters: element, rows left; rows or elements of a row left */
enum { R9 = CJE_R8 + 1, R10 = CJE_R8 + 2, R11 = CJE_R8 + 3 };
enum { UNPINNED = 6 }; /* registers that stay free for operands and results */

static cje_asm *room_for(const cje_groupcode *b) {
  (void)cje_asm_room(b->g.a);
  return b->g.a;
}
static cje_rm counter_at(const cje_groupcode *b, int32_t which) { return cje_mem(CJE_RBX, b->state + which); }
static cje_rm cell_at(int32_t cells, uint32_t pointer) { return cje_mem(CJE_RBX, cells + 8 * (int32_t)pointer); }
static cje_rm base_at(uint32_t base) { return cje_mem(CJE_R12, (int32_t)(base * sizeof(char *))); }

static void set_counter(const cje_groupcode *b, int32_t which, int64_t value) {
  cje_set64(b->g.a, CJE_RAX, (uint64_t)value);
  cje_store64(b->g.a, CJE_RAX, counter_at(b, which));
}

/* --- start ------------------------------------------------------------------------------------------------ */

static void expand_single(cje_groupcode *b, uint32_t x) {
  cje_vector *v = &b->val.at[x];
  if (!v->single || v->there) return;
  cje_asm *a = room_for(b);
  cje_load64(a, CJE_RAX, base_at(v->base));
  cje_vec_repeat(&b->g, v->dtype, 0, cje_mem(CJE_RAX, v->offset));
  cje_vec_store(&b->g, 0, cje_mem(CJE_RBX, v->disp));
  v->there = true;
}

static void expand_singles(cje_groupcode *b) {
  for (uint32_t i = 0; i < b->ins.n; i++) {
    const cje_vins *ins = &b->ins.at[i];
    int nin = ins->kind == CJE_VOP ? b->p->fn.at[ins->fn].nin : 0;
    for (int k = 0; k < nin; k++) expand_single(b, ins->x[k]);
  }
}

static bool has_row_loop(const cje_groupcode *b) {
  return b->walk == CJE_BY_ROWS || (b->walk == CJE_AT_ONCE && b->rows > 1);
}

static void start_pointer(cje_groupcode *b, uint32_t i) {
  cje_pointer *q = &b->pointer.at[i];
  cje_asm *a = room_for(b);
  q->fixed =
      !q->window && q->base == CJE_WORK && q->offset == 0 && !has_row_loop(b) && (q->slot || b->walk == CJE_AT_ONCE);
  q->reg = q->fixed ? CJE_RBX : 0;
  if (q->fixed) return;
  cje_load64(a, CJE_RAX, base_at(q->base));
  if (q->offset) {
    cje_set64(a, CJE_RCX, (uint64_t)q->offset);
    cje_alu64(a, CJE_ADD, CJE_RAX, cje_xmm(CJE_RCX));
  }
  cje_store64(a, CJE_RAX, cell_at(b->cells, i));
}

static void open_group(cje_groupcode *b) {
  cje_asm *a = room_for(b);
  cje_enter(a);
  cje_load64(a, CJE_RBX, cje_mem(CJE_RDI, CJE_WORK * (int32_t)sizeof(char *)));
  cje_lea(a, CJE_R12, cje_mem(CJE_RDI, 0));
  cje_set64(a, CJE_R14, (uint64_t)(uintptr_t)cje_vector_constants);
  expand_singles(b);
  for (uint32_t i = 0; i < b->pointer.n; i++) start_pointer(b, i);
}

/* --- calls ------------------------------------------------------------------------------------------------ */

/* The address of x at the start of the block. */
static void address_of(cje_groupcode *b, uint32_t x, unsigned reg) {
  const cje_vector *v = &b->val.at[x];
  cje_asm *a = room_for(b);
  if (v->single) {
    cje_load64(a, reg, base_at(v->base));
    cje_lea(a, reg, cje_mem(reg, v->offset));
  } else if (b->pointer.at[v->pointer].fixed) {
    cje_lea(a, reg, cje_mem(CJE_RBX, v->disp));
  } else {
    cje_load64(a, reg, cell_at(b->cells, v->pointer));
    cje_lea(a, reg, cje_mem(reg, v->disp));
  }
}

static void block_length(cje_groupcode *b, unsigned reg) {
  if (b->walk == CJE_AT_ONCE)
    cje_set64(b->g.a, reg, (uint64_t)(b->rows * b->cols));
  else
    cje_lea(b->g.a, reg, cje_mem(CJE_R13, 0));
}

/* rcx, r8: the first element of the block, how many. */
static void block_extent(cje_groupcode *b) {
  if (b->walk == CJE_AT_ONCE)
    cje_set64(room_for(b), CJE_RCX, 0);
  else
    cje_load64(room_for(b), CJE_RCX, counter_at(b, AT_FIRST));
  block_length(b, CJE_R8);
}

static void far_address(cje_groupcode *b, const cje_place *at, unsigned reg) {
  cje_asm *a = room_for(b);
  cje_load64(a, reg, base_at(at->base));
  cje_set64(a, CJE_RAX, (uint64_t)at->offset);
  cje_alu64(a, CJE_ADD, reg, cje_xmm(CJE_RAX));
}

static void call_address(cje_asm *a, uint64_t address) {
  cje_set64(a, CJE_RAX, address);
  cje_call(a, CJE_RAX);
}

/* cje_load_block(from, base, y, first, n), or cje_window_block, which says where y is. */
static void emit_gather(cje_groupcode *b, const cje_vins *ins) {
  const cje_vector *y = &b->val.at[ins->y];
  bool window = b->pointer.at[y->pointer].window;
  cje_asm *a = room_for(b);
  if (window)
    cje_lea(a, CJE_RDX, cje_mem(CJE_RBX, y->disp));
  else
    address_of(b, ins->y, CJE_RDX);
  cje_set64(room_for(b), CJE_RDI, (uint64_t)(uintptr_t)&b->p->gather.at[ins->gather]);
  cje_lea(b->g.a, CJE_RSI, cje_mem(CJE_R12, 0));
  block_extent(b);
  call_address(room_for(b), window ? (uint64_t)(uintptr_t)cje_window_block : (uint64_t)(uintptr_t)cje_load_block);
  if (!window) return;
  cje_alu64_imm(a, CJE_SUB, cje_xmm(CJE_RAX), y->disp);
  cje_store64(room_for(b), CJE_RAX, cell_at(b->cells, y->pointer));
}

/* cje_store_block(to, address, x, first, n) */
static void emit_scatter(cje_groupcode *b, const cje_vins *ins) {
  const cje_gather *to = &b->p->gather.at[ins->gather];
  address_of(b, ins->x[0], CJE_RDX);
  cje_set64(room_for(b), CJE_RDI, (uint64_t)(uintptr_t)to);
  far_address(b, &to->from, CJE_RSI);
  block_extent(b);
  call_address(room_for(b), (uint64_t)(uintptr_t)cje_store_block);
}

/* cje_weave_block(to, base, src, first, n), of all columns of the rows to which the store at that position belongs. */
static void emit_weave(cje_groupcode *b, uint32_t at, uint32_t end) {
  const cje_gather *own = &b->p->gather.at[b->ins.at[b->order[at]].gather], *to = own - own->column;
  for (; at < end; at++) {
    const cje_vins *ins = &b->ins.at[b->order[at]];
    const cje_gather *column = &b->p->gather.at[ins->gather];
    if (column < to || column >= to + to->columns) continue;
    address_of(b, ins->x[0], CJE_RCX);
    cje_store64(room_for(b), CJE_RCX, cje_mem(CJE_RBX, b->columns + 8 * column->column));
  }
  block_extent(b); /* rcx and r8, which are rcx and r8 here too */
  cje_asm *a = room_for(b);
  cje_lea(a, CJE_RDX, cje_mem(CJE_RBX, b->columns));
  cje_set64(a, CJE_RDI, (uint64_t)(uintptr_t)to);
  cje_load64(a, CJE_RSI, base_at(to->from.base));
  cje_set64(a, R9, (uint64_t)(uintptr_t)cjk_weave(b->p->c->isa));
  call_address(a, (uint64_t)(uintptr_t)cje_weave_block);
}

/* The columns of a row are stored by the first of them. */
static bool is_first_column(const cje_groupcode *b, uint32_t from, uint32_t at) {
  const cje_gather *own = &b->p->gather.at[b->ins.at[b->order[at]].gather], *to = own - own->column;
  for (; from < at; from++) {
    const cje_gather *column = &b->p->gather.at[b->ins.at[b->order[from]].gather];
    if (column >= to && column < to + to->columns) return false;
  }
  return true;
}

static void emit_stores(cje_groupcode *b, uint32_t from, uint32_t end) {
  for (uint32_t at = from; at < end; at++) {
    const cje_vins *ins = &b->ins.at[b->order[at]];
    if (b->p->gather.at[ins->gather].columns == 0)
      emit_scatter(b, ins);
    else if (is_first_column(b, from, at))
      emit_weave(b, at, end);
  }
}

/* f->loop(n, y, x, splat), or cje_cast_block(f, n, y, x[0], splat). */
static void emit_block_call(cje_groupcode *b, const cje_vins *ins) {
  const cje_fn *f = &b->p->fn.at[ins->fn];
  uint64_t splat = 0;
  for (int k = 0; k < f->nin; k++) {
    address_of(b, ins->x[k], CJE_RCX);
    if (f->loop) cje_store64(b->g.a, CJE_RCX, cje_mem(CJE_RSP, k * (int32_t)sizeof(void *)));
    splat |= (uint64_t)b->val.at[ins->x[k]].single << k;
  }
  address_of(b, ins->y, f->loop ? CJE_RSI : CJE_RDX);
  cje_asm *a = room_for(b);
  block_length(b, f->loop ? CJE_RDI : CJE_RSI);
  if (f->loop) {
    cje_lea(a, CJE_RDX, cje_mem(CJE_RSP, 0));
    cje_set64(a, CJE_RCX, splat);
    call_address(a, (uint64_t)(uintptr_t)f->loop);
  } else {
    cje_set64(a, CJE_RDI, (uint64_t)(uintptr_t)f);
    cje_set64(a, CJE_R8, splat);
    call_address(a, (uint64_t)(uintptr_t)cje_cast_block);
  }
}

/* --- the loop of a phase: who uses what ---------------------------------------------------------------------- */

/* The instructions of the loop of a phase: from first on, before end, in b->order. */
typedef struct phase_loop {
  cje_groupcode *b;
  uint32_t phase, first, end;
  bool repeats;
} phase_loop;

static cje_vins *ins_at(const phase_loop *l, uint32_t at) { return &l->b->ins.at[l->b->order[at]]; }
static int nin_of(const phase_loop *l, const cje_vins *ins) { return l->b->p->fn.at[ins->fn].nin; }

static void note_use(const phase_loop *l, uint32_t x) {
  cje_vector *v = &l->b->val.at[x];
  if (v->phase != l->phase) v->uses = 0;
  v->phase = l->phase;
  v->uses++;
  if (v->home == CJE_LINE || v->home == CJE_POINT) l->b->pointer.at[v->pointer].uses++;
}

static void find_next_uses(const phase_loop *l) {
  for (uint32_t i = 0; i < l->b->pointer.n; i++) l->b->pointer.at[i].uses = 0;
  for (uint32_t at = l->end; at-- > l->first;) {
    cje_vins *ins = ins_at(l, at);
    for (int k = 0; k < nin_of(l, ins); k++) ins->next[k] = l->b->val.at[ins->x[k]].next;
    for (int k = 0; k < nin_of(l, ins); k++) {
      l->b->val.at[ins->x[k]].next = at;
      note_use(l, ins->x[k]);
    }
    if (l->b->val.at[ins->y].home == CJE_LINE) l->b->pointer.at[l->b->val.at[ins->y].pointer].uses++;
  }
}

static bool is_repeated(const cje_vector *v) { return v->single || v->home == CJE_POINT; }

/* Values that would like to be in registers at the same time, not counting those that are the same in every vector. */
static unsigned most_alive(const phase_loop *l) {
  cje_vector *val = l->b->val.at;
  unsigned n = 0, most = 0;
  for (uint32_t at = l->first; at < l->end; at++) {
    const cje_vins *ins = ins_at(l, at);
    for (int k = 0; k < nin_of(l, ins); k++) {
      cje_vector *v = &val[ins->x[k]];
      n += !v->live && !is_repeated(v);
      v->live = !is_repeated(v);
    }
    if (n > most) most = n;
    for (int k = 0; k < nin_of(l, ins); k++) {
      cje_vector *v = &val[ins->x[k]];
      n -= v->live && ins->next[k] == CJE_UNREAD;
      v->live = v->live && ins->next[k] != CJE_UNREAD;
    }
    val[ins->y].live = val[ins->y].next != CJE_UNREAD;
    n += val[ins->y].live;
    if (n > most) most = n;
  }
  return most;
}

/* The repeated value with most uses that has no register yet. */
static uint32_t best_repeated(const phase_loop *l) {
  const cje_vector *val = l->b->val.at;
  uint32_t best = CJE_NONE;
  for (uint32_t at = l->first; at < l->end; at++) {
    const cje_vins *ins = ins_at(l, at);
    for (int k = 0; k < nin_of(l, ins); k++) {
      const cje_vector *v = &val[ins->x[k]];
      if (is_repeated(v) && !v->pinned && (best == CJE_NONE || v->uses > val[best].uses)) best = ins->x[k];
    }
  }
  return best;
}

static void pin_repeated(const phase_loop *l) {
  cje_vgen *g = &l->b->g;
  unsigned alive = most_alive(l) + 2, n = alive < UNPINNED ? UNPINNED : alive;
  g->free = g->nreg == 30 ? 0x3FFFFFFF : 0x3FFF;
  if (!l->repeats) return;
  for (; n < g->nreg; n++) {
    uint32_t x = best_repeated(l);
    if (x == CJE_NONE) return;
    unsigned reg = cje_vec_take(g);
    g->holds[reg] = x;
    g->val[x].reg = (uint8_t)reg;
    g->val[x].pinned = true;
  }
}

static void unpin_all(const phase_loop *l) {
  cje_vgen *g = &l->b->g;
  for (unsigned reg = 0; reg < g->nreg; reg++) {
    cje_vector *v = &g->val[g->holds[reg]];
    if (g->free >> reg & 1 || !v->pinned) continue;
    v->pinned = false;
    v->reg = CJE_NOVREG;
  }
}

/* points: those that change from row to row. */
static void fetch_pinned(const phase_loop *l, bool points) {
  cje_vgen *g = &l->b->g;
  for (unsigned reg = 0; reg < g->nreg; reg++) {
    uint32_t x = g->holds[reg];
    if (!(g->free >> reg & 1) && g->val[x].pinned && (g->val[x].home == CJE_POINT) == points) cje_vec_fetch(g, x, reg);
  }
}

/* --- pointers in registers -------------------------------------------------------------------------------------- */

static uint32_t most_used_pointer(const cje_groupcode *b) {
  uint32_t best = CJE_NONE;
  for (uint32_t i = 0; i < b->pointer.n; i++) {
    const cje_pointer *q = &b->pointer.at[i];
    if (q->uses && !q->reg && (best == CJE_NONE || q->uses > b->pointer.at[best].uses)) best = i;
  }
  return best;
}

static void load_pointers(cje_groupcode *b) {
  const uint8_t reg[] = {CJE_RDX, CJE_RSI, CJE_RDI, CJE_R8, R9, R10, R11};
  for (size_t i = 0; i < CJ_COUNT(reg); i++) {
    if ((reg[i] == R10 && b->walk == CJE_BY_PIECES) || (reg[i] == R11 && has_row_loop(b))) continue;
    uint32_t p = most_used_pointer(b);
    if (p == CJE_NONE) break;
    b->pointer.at[p].reg = reg[i];
    cje_load64(room_for(b), reg[i], cell_at(b->cells, p));
  }
  b->g.cells = has_row_loop(b) ? b->working : b->cells;
  for (uint32_t i = 0; has_row_loop(b) && i < b->pointer.n; i++) {
    if (!b->pointer.at[i].uses || b->pointer.at[i].reg) continue;
    cje_load64(room_for(b), CJE_RAX, cell_at(b->cells, i));
    cje_store64(b->g.a, CJE_RAX, cell_at(b->working, i));
  }
}

static void drop_pointers(cje_groupcode *b) {
  for (uint32_t i = 0; i < b->pointer.n; i++)
    if (!b->pointer.at[i].fixed) b->pointer.at[i].reg = 0;
}

static void next_row(cje_groupcode *b) {
  for (uint32_t i = 0; i < b->pointer.n; i++) {
    const cje_pointer *q = &b->pointer.at[i];
    if (!q->uses || !q->row) continue;
    cje_rm at = q->reg ? cje_xmm(q->reg) : cell_at(b->working, i);
    cje_alu64_imm(room_for(b), CJE_ADD, at, (int32_t)q->row);
  }
}

/* --- the loop of a phase: code -------------------------------------------------------------------------------- */

/* The same place of the next block, which comes after the calls. */
static void prefetch_next(const phase_loop *l, uint32_t x, bool write) {
  const cje_vector *v = &l->b->val.at[x];
  if (v->home != CJE_LINE || v->slot) return;
  cje_rm at = cje_vec_memory(&l->b->g, x);
  at.disp += (int32_t)(l->b->block * (int64_t)cjt_dsize((cj_dtype)v->dtype));
  cje_prefetch(room_for(l->b), at, write);
}

/* Before the functions of this block are computed, which takes a while. */
static void prefetch_block(const phase_loop *l) {
  const cje_groupcode *b = l->b;
  if (b->walk != CJE_BY_PIECES || !cje_group_isfar(b)) return;
  for (uint32_t at = l->first; at < l->end; at++) {
    const cje_vins *ins = ins_at(l, at);
    for (int k = 0; k < nin_of(l, ins); k++)
      if (b->val.at[ins->x[k]].next == at) prefetch_next(l, ins->x[k], false); /* its first reader */
    prefetch_next(l, ins->y, true);
  }
}

static void emit_body(const phase_loop *l) {
  prefetch_block(l);
  for (uint32_t at = l->first; at < l->end; at++) {
    (void)cje_asm_room(l->b->g.a);
    cje_vec_emit(&l->b->g, ins_at(l, at));
  }
}

/* All vectors of a row or piece; the last one is moved back if it would not fit. */
static void emit_vectors(const phase_loop *l) {
  const cje_groupcode *b = l->b;
  int32_t lanes = (int32_t)b->g.lanes, cols = (int32_t)b->cols;
  bool known = b->walk != CJE_BY_PIECES;
  uint32_t top = b->g.a->n;
  emit_body(l);
  cje_asm *a = room_for(b);
  if (known && cols == lanes) return;
  cje_alu64_imm(a, CJE_ADD, cje_xmm(CJE_RCX), lanes);
  if (known)
    cje_alu64_imm(a, CJE_CMP, cje_xmm(CJE_RCX), cols - lanes);
  else
    cje_alu64(a, CJE_CMP, CJE_RCX, cje_xmm(R10));
  cje_jump_back(a, CJE_LE, top);
  if (known && cols % lanes == 0) return;
  if (known)
    cje_alu64_imm(a, CJE_CMP, cje_xmm(CJE_RCX), cols);
  else
    cje_alu64(a, CJE_CMP, CJE_RCX, cje_xmm(CJE_R13));
  uint32_t out = cje_jump(a, CJE_GE);
  if (known)
    cje_set64(a, CJE_RCX, (uint64_t)(cols - lanes));
  else
    cje_lea(a, CJE_RCX, cje_mem(R10, 0));
  cje_jump_back(a, CJE_ALWAYS, top);
  cje_land(a, out);
}

static void emit_rows(const phase_loop *l) {
  cje_groupcode *b = l->b;
  cje_asm *a = room_for(b);
  if (b->walk == CJE_BY_PIECES) cje_lea(a, R10, cje_mem(CJE_R13, -(int32_t)b->g.lanes));
  if (b->walk == CJE_BY_ROWS) cje_load64(a, R11, counter_at(b, AT_PART));
  if (b->walk == CJE_AT_ONCE && b->rows > 1) cje_set64(a, R11, (uint64_t)b->rows);
  uint32_t top = a->n;
  cje_set64(a, CJE_RCX, 0);
  fetch_pinned(l, true);
  emit_vectors(l);
  if (!has_row_loop(b)) return;
  next_row(b);
  cje_alu64_imm(room_for(b), CJE_SUB, cje_xmm(R11), 1);
  cje_jump_back(a, CJE_G, top);
}

static void emit_loop(cje_groupcode *b, uint32_t phase) {
  const uint32_t *start = &b->start[CJE_NVKIND * phase + CJE_VOP];
  phase_loop l = {b, phase, start[0], start[1], b->walk != CJE_AT_ONCE || b->rows > 1 || b->cols > b->g.lanes};
  if (l.first == l.end) return;
  find_next_uses(&l);
  pin_repeated(&l);
  load_pointers(b);
  fetch_pinned(&l, false);
  emit_rows(&l);
  unpin_all(&l);
  drop_pointers(b);
  cje_vzeroupper(room_for(b));
}

/* --- blocks ----------------------------------------------------------------------------------------------------- */

static void emit_phases(cje_groupcode *b) {
  for (uint32_t phase = 0; phase < b->nphase; phase++) {
    const uint32_t *start = &b->start[CJE_NVKIND * phase];
    for (uint32_t at = start[CJE_VLOAD]; at < start[CJE_VCALL]; at++) emit_gather(b, &b->ins.at[b->order[at]]);
    for (uint32_t at = start[CJE_VCALL]; at < start[CJE_VSTORE]; at++) emit_block_call(b, &b->ins.at[b->order[at]]);
    for (uint32_t at = start[CJE_VLOAD]; at < start[CJE_VSTORE]; at++)
      b->val.at[b->ins.at[b->order[at]].y].there = true; /* what loops drop need not be put elsewhere */
    emit_stores(b, start[CJE_VSTORE], start[CJE_VOP]);
    emit_loop(b, phase);
  }
}

/* All pointers go on by so many elements and rows. */
static void go_on(cje_groupcode *b, int64_t elements, int64_t rows) {
  for (uint32_t i = 0; i < b->pointer.n; i++) {
    const cje_pointer *q = &b->pointer.at[i];
    int64_t more = elements * q->step + rows * q->row;
    if (!q->slot && !q->fixed && more) cje_alu64_imm(room_for(b), CJE_ADD, cell_at(b->cells, i), (int32_t)more);
  }
}

/* rax: what is left according to a counter, at most b->block. */
static void take_block(cje_groupcode *b, int32_t which) {
  cje_asm *a = room_for(b);
  cje_load64(a, CJE_RAX, counter_at(b, which));
  cje_alu64_imm(a, CJE_CMP, cje_xmm(CJE_RAX), (int32_t)b->block);
  uint32_t few = cje_jump(a, CJE_LE);
  cje_set64(a, CJE_RAX, (uint64_t)b->block);
  cje_land(a, few);
}

static void emit_blocks_of_rows(cje_groupcode *b) {
  cje_asm *a = room_for(b);
  set_counter(b, AT_FIRST, 0);
  set_counter(b, AT_LEFT, b->rows);
  uint32_t top = a->n;
  take_block(b, AT_LEFT);
  cje_store64(a, CJE_RAX, counter_at(b, AT_PART));
  cje_mul64_imm(a, CJE_R13, cje_xmm(CJE_RAX), (int32_t)b->cols);
  emit_phases(b);
  go_on(b, 0, b->block);
  cje_alu64_imm(room_for(b), CJE_ADD, counter_at(b, AT_FIRST), (int32_t)(b->block * b->cols));
  cje_alu64_imm(a, CJE_SUB, counter_at(b, AT_LEFT), (int32_t)b->block);
  cje_jump_back(a, CJE_G, top);
}

static void emit_pieces_of_rows(cje_groupcode *b) {
  cje_asm *a = room_for(b);
  int64_t past = (b->cols + b->block - 1) / b->block * b->block; /* where the last piece leads */
  set_counter(b, AT_FIRST, 0);
  set_counter(b, AT_LEFT, b->rows);
  uint32_t row = a->n;
  set_counter(b, AT_PART, b->cols);
  uint32_t top = a->n;
  take_block(b, AT_PART);
  cje_lea(a, CJE_R13, cje_mem(CJE_RAX, 0));
  emit_phases(b);
  go_on(b, b->block, 0);
  cje_alu64_imm(room_for(b), CJE_ADD, counter_at(b, AT_FIRST), (int32_t)b->block);
  cje_alu64_imm(a, CJE_SUB, counter_at(b, AT_PART), (int32_t)b->block);
  cje_jump_back(a, CJE_G, top);
  if (b->rows == 1) return;
  go_on(b, -past, 1);
  cje_alu64_imm(room_for(b), CJE_ADD, counter_at(b, AT_FIRST), (int32_t)(b->cols - past));
  cje_alu64_imm(a, CJE_SUB, counter_at(b, AT_LEFT), 1);
  cje_jump_back(a, CJE_G, row);
}

void cje_group_emit(cje_groupcode *b) {
  open_group(b);
  switch (b->walk) {
  case CJE_AT_ONCE: emit_phases(b); break;
  case CJE_BY_ROWS: emit_blocks_of_rows(b); break;
  default: emit_pieces_of_rows(b); break;
  }
  cje_leave(room_for(b));
}
