/* native_group_code.c -- the code of a group: its start, its loop over blocks, the loops of a phase. */
#include "exec/native_group.h"

enum { UNPINNED = 6 }; /* registers that stay free for operands and results */

static void set_counter(const cje_groupcode *b, int32_t which, int64_t value) {
  cje_set64(b->g.a, CJE_RAX, (uint64_t)value);
  cje_store64(b->g.a, CJE_RAX, cje_counter_at(b, which));
}

/* --- start ------------------------------------------------------------------------------------------------ */

static void expand_single(cje_groupcode *b, uint32_t x) {
  cje_vector *v = &b->val.at[x];
  if (!v->single || v->there) return;
  cje_asm *a = cje_group_room(b);
  cje_load64(a, CJE_RAX, cje_base_at(v->base));
  cje_vec_repeat(&b->g, v->dtype, 0, cje_mem(CJE_RAX, v->offset));
  cje_vec_store(&b->g, 0, cje_mem(CJE_RBX, v->disp));
  v->there = true;
}

static void expand_singles(cje_groupcode *b) {
  for (uint32_t i = 0; i < b->ins.n; i++) {
    const cje_vins *ins = &b->ins.at[i];
    for (int k = 0; ins->kind == CJE_VOP && k < ins->nin; k++) expand_single(b, ins->x[k]);
  }
}

static bool has_row_loop(const cje_groupcode *b) {
  return b->walk == CJE_BY_ROWS || (b->walk == CJE_AT_ONCE && b->rows > 1);
}

/* How many elements a block has is known only when it runs. */
static bool has_pieces(const cje_groupcode *b) { return b->walk == CJE_BY_PIECES || b->walk == CJE_BY_ENDS; }

static void start_pointer(cje_groupcode *b, uint32_t i) {
  cje_pointer *q = &b->pointer.at[i];
  cje_asm *a = cje_group_room(b);
  q->fixed =
      !q->window && q->base == CJE_WORK && q->offset == 0 && !has_row_loop(b) && (q->slot || b->walk == CJE_AT_ONCE);
  q->reg = q->fixed ? CJE_RBX : 0;
  if (q->fixed) return;
  cje_load64(a, CJE_RAX, cje_base_at(q->base));
  if (q->offset) {
    cje_set64(a, CJE_RCX, (uint64_t)q->offset);
    cje_alu64(a, CJE_ADD, CJE_RAX, cje_xmm(CJE_RCX));
  }
  cje_store64(a, CJE_RAX, cje_cell_at(b->cells, i));
}

static void open_group(cje_groupcode *b) {
  cje_asm *a = cje_group_room(b);
  cje_enter(a);
  cje_load64(a, CJE_RBX, cje_mem(CJE_RDI, CJE_WORK * (int32_t)sizeof(char *)));
  cje_lea(a, CJE_R12, cje_mem(CJE_RDI, 0));
  cje_set64(a, CJE_R14, (uint64_t)(uintptr_t)cje_vector_constants);
  expand_singles(b);
  for (uint32_t i = 0; i < b->pointer.n; i++) start_pointer(b, i);
}

/* --- the loop of a phase: who uses what ---------------------------------------------------------------------- */

/* The instructions of the loop of a phase: from first on, before end, in b->order. */
typedef struct phase_loop {
  cje_groupcode *b;
  uint32_t phase, first, end;
  bool repeats;
} phase_loop;

static cje_vins *ins_at(const phase_loop *l, uint32_t at) { return &l->b->ins.at[l->b->order[at]]; }

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
    for (int k = 0; k < ins->nin; k++) ins->next[k] = l->b->val.at[ins->x[k]].next;
    for (int k = 0; k < ins->nin; k++) {
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
    for (int k = 0; k < ins->nin; k++) {
      cje_vector *v = &val[ins->x[k]];
      n += !v->live && !is_repeated(v);
      v->live = !is_repeated(v);
    }
    if (n > most) most = n;
    for (int k = 0; k < ins->nin; k++) {
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
    for (int k = 0; k < ins->nin; k++) {
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
  const uint8_t reg[] = {CJE_RDX, CJE_RSI, CJE_RDI, CJE_R8, CJE_R9, CJE_R10, CJE_R11};
  for (size_t i = 0; i < CJ_COUNT(reg); i++) {
    if ((reg[i] == CJE_R10 && has_pieces(b)) || (reg[i] == CJE_R11 && has_row_loop(b))) continue;
    uint32_t p = most_used_pointer(b);
    if (p == CJE_NONE) break;
    b->pointer.at[p].reg = reg[i];
    cje_load64(cje_group_room(b), reg[i], cje_cell_at(b->cells, p));
  }
  b->g.cells = has_row_loop(b) ? b->working : b->cells;
  for (uint32_t i = 0; has_row_loop(b) && i < b->pointer.n; i++) {
    if (!b->pointer.at[i].uses || b->pointer.at[i].reg) continue;
    cje_load64(cje_group_room(b), CJE_RAX, cje_cell_at(b->cells, i));
    cje_store64(b->g.a, CJE_RAX, cje_cell_at(b->working, i));
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
    cje_rm at = q->reg ? cje_xmm(q->reg) : cje_cell_at(b->working, i);
    cje_alu64_imm(cje_group_room(b), CJE_ADD, at, (int32_t)q->row);
  }
}

/* --- the loop of a phase: code -------------------------------------------------------------------------------- */

/* The same place of the next block, which comes after the calls. */
static void prefetch_next(const phase_loop *l, uint32_t x, bool write) {
  const cje_vector *v = &l->b->val.at[x];
  if (v->home != CJE_LINE || v->slot) return;
  cje_rm at = cje_vec_memory(&l->b->g, x);
  at.disp += (int32_t)(l->b->block * (int64_t)cjt_dsize((cj_dtype)v->dtype));
  cje_prefetch(cje_group_room(l->b), at, write);
}

/* Before the functions of this block are computed, which takes a while. */
static void prefetch_block(const phase_loop *l) {
  const cje_groupcode *b = l->b;
  if (b->walk != CJE_BY_PIECES || !b->far) return;
  for (uint32_t at = l->first; at < l->end; at++) {
    const cje_vins *ins = ins_at(l, at);
    for (int k = 0; k < ins->nin; k++)
      if (b->val.at[ins->x[k]].next == at) prefetch_next(l, ins->x[k], false); /* its first reader */
    prefetch_next(l, ins->y, true);
  }
}

static void emit_body(const phase_loop *l) {
  prefetch_block(l);
  for (uint32_t at = l->first; at < l->end; at++) {
    (void)cje_asm_room(l->b->g.a);
    if (cje_weaves(ins_at(l, at)))
      cje_vec_weave(&l->b->g, ins_at(l, at));
    else
      cje_vec_emit(&l->b->g, ins_at(l, at));
  }
}

/* All vectors of a row or piece; the last one is moved back if it would not fit. */
static void emit_vectors(const phase_loop *l) {
  const cje_groupcode *b = l->b;
  int32_t lanes = (int32_t)b->g.lanes, cols = (int32_t)b->cols;
  bool known = !has_pieces(b);
  uint32_t top = b->g.a->n;
  emit_body(l);
  cje_asm *a = cje_group_room(b);
  if (known && cols == lanes) return;
  cje_alu64_imm(a, CJE_ADD, cje_xmm(CJE_RCX), lanes);
  if (known)
    cje_alu64_imm(a, CJE_CMP, cje_xmm(CJE_RCX), cols - lanes);
  else
    cje_alu64(a, CJE_CMP, CJE_RCX, cje_xmm(CJE_R10));
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
    cje_lea(a, CJE_RCX, cje_mem(CJE_R10, 0));
  cje_jump_back(a, CJE_ALWAYS, top);
  cje_land(a, out);
}

static void emit_rows(const phase_loop *l) {
  cje_groupcode *b = l->b;
  cje_asm *a = cje_group_room(b);
  if (has_pieces(b)) cje_lea(a, CJE_R10, cje_mem(CJE_R13, -(int32_t)b->g.lanes));
  if (b->walk == CJE_BY_ROWS) cje_load64(a, CJE_R11, cje_counter_at(b, CJE_AT_PART));
  if (b->walk == CJE_AT_ONCE && b->rows > 1) cje_set64(a, CJE_R11, (uint64_t)b->rows);
  uint32_t top = a->n;
  cje_set64(a, CJE_RCX, 0);
  fetch_pinned(l, true);
  emit_vectors(l);
  if (!has_row_loop(b)) return;
  next_row(b);
  cje_alu64_imm(cje_group_room(b), CJE_SUB, cje_xmm(CJE_R11), 1);
  cje_jump_back(a, CJE_G, top);
}

/* Those of the loop that weave; whether there are any. */
static bool for_weaving(const phase_loop *l, void (*emit)(cje_groupcode *, const cje_vins *)) {
  bool some = false;
  for (uint32_t at = l->first; at < l->end; at++) {
    if (!cje_weaves(ins_at(l, at))) continue;
    emit(l->b, ins_at(l, at));
    some = true;
  }
  return some;
}

static void emit_loop(cje_groupcode *b, uint32_t phase) {
  const uint32_t *start = &b->start[CJE_NVKIND * phase + CJE_VOP];
  phase_loop l = {b, phase, start[0], start[1], b->walk != CJE_AT_ONCE || b->rows > 1 || b->cols > b->g.lanes};
  if (l.first == l.end) return;
  bool weaves = for_weaving(&l, cje_call_rows);
  find_next_uses(&l);
  pin_repeated(&l);
  load_pointers(b);
  fetch_pinned(&l, false);
  if (weaves) cje_vec_weave_masks(&b->g);
  emit_rows(&l);
  unpin_all(&l);
  drop_pointers(b);
  cje_vzeroupper(cje_group_room(b));
  (void)for_weaving(&l, cje_call_rows_stored);
}

/* --- blocks ----------------------------------------------------------------------------------------------------- */

static void emit_phases(cje_groupcode *b) {
  for (uint32_t phase = 0; phase < b->nphase; phase++) {
    const uint32_t *start = &b->start[CJE_NVKIND * phase];
    for (uint32_t at = start[CJE_VLOAD]; at < start[CJE_VCALL]; at++) cje_call_gather(b, &b->ins.at[b->order[at]]);
    for (uint32_t at = start[CJE_VCALL]; at < start[CJE_VSTORE]; at++) cje_call_block(b, &b->ins.at[b->order[at]]);
    for (uint32_t at = start[CJE_VLOAD]; at < start[CJE_VSTORE]; at++)
      b->val.at[b->ins.at[b->order[at]].y].there = true; /* what loops drop need not be put elsewhere */
    cje_call_stores(b, start[CJE_VSTORE], start[CJE_VOP]);
    emit_loop(b, phase);
  }
}

/* All pointers go on by so many elements and rows. */
static void go_on(cje_groupcode *b, int64_t elements, int64_t rows) {
  for (uint32_t i = 0; i < b->pointer.n; i++) {
    const cje_pointer *q = &b->pointer.at[i];
    int64_t more = elements * q->step + rows * q->row;
    if (!q->slot && !q->fixed && more)
      cje_alu64_imm(cje_group_room(b), CJE_ADD, cje_cell_at(b->cells, i), (int32_t)more);
  }
}

/* rax: what is left according to a counter, at most b->block. */
static void take_block(cje_groupcode *b, int32_t which) {
  cje_asm *a = cje_group_room(b);
  cje_load64(a, CJE_RAX, cje_counter_at(b, which));
  cje_alu64_imm(a, CJE_CMP, cje_xmm(CJE_RAX), (int32_t)b->block);
  uint32_t few = cje_jump(a, CJE_LE);
  cje_set64(a, CJE_RAX, (uint64_t)b->block);
  cje_land(a, few);
}

static void emit_blocks_of_rows(cje_groupcode *b) {
  cje_asm *a = cje_group_room(b);
  set_counter(b, CJE_AT_FIRST, 0);
  set_counter(b, CJE_AT_LEFT, b->rows);
  uint32_t top = a->n;
  take_block(b, CJE_AT_LEFT);
  cje_store64(a, CJE_RAX, cje_counter_at(b, CJE_AT_PART));
  cje_mul64_imm(a, CJE_R13, cje_xmm(CJE_RAX), (int32_t)b->cols);
  emit_phases(b);
  go_on(b, 0, b->block);
  cje_alu64_imm(cje_group_room(b), CJE_ADD, cje_counter_at(b, CJE_AT_FIRST), (int32_t)(b->block * b->cols));
  cje_alu64_imm(a, CJE_SUB, cje_counter_at(b, CJE_AT_LEFT), (int32_t)b->block);
  cje_jump_back(a, CJE_G, top);
}

static void emit_pieces_of_rows(cje_groupcode *b) {
  cje_asm *a = cje_group_room(b);
  int64_t past = (b->cols + b->block - 1) / b->block * b->block; /* where the last piece leads */
  set_counter(b, CJE_AT_FIRST, 0);
  set_counter(b, CJE_AT_LEFT, b->rows);
  uint32_t row = a->n;
  set_counter(b, CJE_AT_PART, b->cols);
  uint32_t top = a->n;
  take_block(b, CJE_AT_PART);
  cje_lea(a, CJE_R13, cje_mem(CJE_RAX, 0));
  emit_phases(b);
  go_on(b, b->block, 0);
  cje_alu64_imm(cje_group_room(b), CJE_ADD, cje_counter_at(b, CJE_AT_FIRST), (int32_t)b->block);
  cje_alu64_imm(a, CJE_SUB, cje_counter_at(b, CJE_AT_PART), (int32_t)b->block);
  cje_jump_back(a, CJE_G, top);
  if (b->rows == 1) return;
  go_on(b, -past, 1);
  cje_alu64_imm(cje_group_room(b), CJE_ADD, cje_counter_at(b, CJE_AT_FIRST), (int32_t)(b->cols - past));
  cje_alu64_imm(a, CJE_SUB, cje_counter_at(b, CJE_AT_LEFT), 1);
  cje_jump_back(a, CJE_G, row);
}

static void add_length(cje_groupcode *b, cje_rm counter, int64_t step) {
  cje_asm *a = cje_group_room(b);
  cje_mul64_imm(a, CJE_RAX, cje_xmm(CJE_R13), (int32_t)step);
  cje_alu64(a, CJE_ADD, CJE_RAX, counter);
  cje_store64(a, CJE_RAX, counter);
}

/* The first block, all but the last one, the last one. */
static void emit_ends(cje_groupcode *b) {
  cje_asm *a = cje_group_room(b);
  set_counter(b, CJE_AT_FIRST, 0);
  set_counter(b, CJE_AT_LEFT, b->cols);
  cje_set64(a, CJE_R13, (uint64_t)b->block);
  uint32_t top = a->n;
  emit_phases(b);
  for (uint32_t i = 0; i < b->pointer.n; i++) {
    const cje_pointer *q = &b->pointer.at[i];
    if (!q->slot && !q->fixed && q->step) add_length(b, cje_cell_at(b->cells, i), q->step);
  }
  add_length(b, cje_counter_at(b, CJE_AT_FIRST), 1);
  add_length(b, cje_counter_at(b, CJE_AT_LEFT), -1);
  cje_lea(a, CJE_R13, cje_mem(CJE_RAX, 0));
  cje_alu64_imm(a, CJE_CMP, cje_xmm(CJE_RAX), (int32_t)b->tail);
  uint32_t last = cje_jump(a, CJE_LE);
  cje_alu64_imm(a, CJE_SUB, cje_xmm(CJE_R13), (int32_t)b->tail);
  cje_land(a, last);
  cje_alu64_imm(cje_group_room(b), CJE_CMP, cje_xmm(CJE_RAX), 0);
  cje_jump_back(a, CJE_G, top);
}

void cje_group_emit(cje_groupcode *b) {
  open_group(b);
  switch (b->walk) {
  case CJE_AT_ONCE: emit_phases(b); break;
  case CJE_BY_ROWS: emit_blocks_of_rows(b); break;
  case CJE_BY_ENDS: emit_ends(b); break;
  default: emit_pieces_of_rows(b); break;
  }
  cje_leave(cje_group_room(b));
}
