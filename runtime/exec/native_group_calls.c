/* native_group_calls.c -- the calls of a phase of a group: for what is loaded and stored otherwise than element by
** element, and for rows that are no instructions. */
#include "exec/native_group.h"

/* The address of x at the start of the block. */
static void address_of(cje_groupcode *b, uint32_t x, unsigned reg) {
  const cje_vector *v = &b->val.at[x];
  cje_asm *a = cje_group_room(b);
  if (v->single) {
    cje_load64(a, reg, cje_base_at(v->base));
    cje_lea(a, reg, cje_mem(reg, v->offset));
  } else if (b->pointer.at[v->pointer].fixed) {
    cje_lea(a, reg, cje_mem(CJE_RBX, v->disp));
  } else {
    cje_load64(a, reg, cje_cell_at(b->cells, v->pointer));
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
    cje_set64(cje_group_room(b), CJE_RCX, 0);
  else
    cje_load64(cje_group_room(b), CJE_RCX, cje_counter_at(b, CJE_AT_FIRST));
  block_length(b, CJE_R8);
}

static void far_address(cje_groupcode *b, const cje_place *at, unsigned reg) {
  cje_asm *a = cje_group_room(b);
  cje_load64(a, reg, cje_base_at(at->base));
  cje_set64(a, CJE_RAX, (uint64_t)at->offset);
  cje_alu64(a, CJE_ADD, reg, cje_xmm(CJE_RAX));
}

static void call_address(cje_asm *a, uint64_t address) {
  cje_set64(a, CJE_RAX, address);
  cje_call(a, CJE_RAX);
}

/* cje_load_block(from, base, y, first, n), or cje_window_block, which says where y is. */
void cje_call_gather(cje_groupcode *b, const cje_vins *ins) {
  const cje_vector *y = &b->val.at[ins->y];
  bool window = b->pointer.at[y->pointer].window;
  cje_asm *a = cje_group_room(b);
  if (window)
    cje_lea(a, CJE_RDX, cje_mem(CJE_RBX, y->disp));
  else
    address_of(b, ins->y, CJE_RDX);
  cje_set64(cje_group_room(b), CJE_RDI, (uint64_t)(uintptr_t)&b->p->gather.at[ins->gather]);
  cje_lea(b->g.a, CJE_RSI, cje_mem(CJE_R12, 0));
  block_extent(b);
  call_address(cje_group_room(b), window ? (uint64_t)(uintptr_t)cje_window_block : (uint64_t)(uintptr_t)cje_load_block);
  if (!window) return;
  cje_alu64_imm(a, CJE_SUB, cje_xmm(CJE_RAX), y->disp);
  cje_store64(cje_group_room(b), CJE_RAX, cje_cell_at(b->cells, y->pointer));
}

/* cje_store_block(to, address, x, first, n) */
static void emit_scatter(cje_groupcode *b, const cje_vins *ins) {
  const cje_gather *to = &b->p->gather.at[ins->gather];
  address_of(b, ins->x[0], CJE_RDX);
  cje_set64(cje_group_room(b), CJE_RDI, (uint64_t)(uintptr_t)to);
  far_address(b, &to->from, CJE_RSI);
  block_extent(b);
  call_address(cje_group_room(b), (uint64_t)(uintptr_t)cje_store_block);
}

/* cje_weave_block(to, base, src, first, n), of all columns of the rows to which the store at that position belongs. */
static void emit_weave(cje_groupcode *b, uint32_t at, uint32_t end) {
  const cje_gather *own = &b->p->gather.at[b->ins.at[b->order[at]].gather], *to = own - own->column;
  for (; at < end; at++) {
    const cje_vins *ins = &b->ins.at[b->order[at]];
    const cje_gather *column = &b->p->gather.at[ins->gather];
    if (column < to || column >= to + to->columns) continue;
    address_of(b, ins->x[0], CJE_RCX);
    cje_store64(cje_group_room(b), CJE_RCX, cje_mem(CJE_RBX, b->sources + 8 * column->column));
  }
  block_extent(b); /* rcx and r8, which are rcx and r8 here too */
  cje_asm *a = cje_group_room(b);
  cje_lea(a, CJE_RDX, cje_mem(CJE_RBX, b->sources));
  cje_set64(a, CJE_RDI, (uint64_t)(uintptr_t)to);
  cje_load64(a, CJE_RSI, cje_base_at(to->from.base));
  call_address(a, (uint64_t)(uintptr_t)cje_weave_block);
}

/* Where the loop puts the rows that it weaves: what cje_rows_block says. */
void cje_call_rows(cje_groupcode *b, const cje_vins *ins) {
  const cje_gather *to = &b->p->gather.at[ins->gather];
  const cje_vector *y = &b->val.at[ins->y];
  cje_asm *a = cje_group_room(b);
  cje_set64(a, CJE_RDI, (uint64_t)(uintptr_t)to);
  cje_load64(a, CJE_RSI, cje_base_at(to->from.base));
  cje_lea(a, CJE_RDX, cje_mem(CJE_RBX, y->disp));
  block_extent(b);
  call_address(cje_group_room(b), (uint64_t)(uintptr_t)cje_rows_block);
  cje_alu64_imm(a, CJE_SUB, cje_xmm(CJE_RAX), y->disp);
  cje_store64(cje_group_room(b), CJE_RAX, cje_cell_at(b->cells, y->pointer));
}

/* And then, if they are in slots: cje_store_rows(to, base, slots, first, n). */
void cje_call_rows_stored(cje_groupcode *b, const cje_vins *ins) {
  const cje_gather *to = &b->p->gather.at[ins->gather];
  const cje_vector *y = &b->val.at[ins->y];
  cje_asm *a = cje_group_room(b);
  cje_lea(a, CJE_RDX, cje_mem(CJE_RBX, 0));
  cje_alu64(a, CJE_CMP, CJE_RDX, cje_cell_at(b->cells, y->pointer));
  uint32_t there = cje_jump(a, CJE_NE);
  cje_lea(a, CJE_RDX, cje_mem(CJE_RBX, y->disp));
  cje_set64(a, CJE_RDI, (uint64_t)(uintptr_t)to);
  cje_load64(cje_group_room(b), CJE_RSI, cje_base_at(to->from.base));
  block_extent(b);
  call_address(cje_group_room(b), (uint64_t)(uintptr_t)cje_store_rows);
  cje_land(a, there);
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

void cje_call_stores(cje_groupcode *b, uint32_t from, uint32_t end) {
  for (uint32_t at = from; at < end; at++) {
    const cje_vins *ins = &b->ins.at[b->order[at]];
    if (b->p->gather.at[ins->gather].columns == 0)
      emit_scatter(b, ins);
    else if (is_first_column(b, from, at))
      emit_weave(b, at, end);
  }
}

/* f->loop(n, y, x, splat), or cje_cast_block(f, n, y, x[0], splat). */
void cje_call_block(cje_groupcode *b, const cje_vins *ins) {
  const cje_fn *f = &b->p->fn.at[ins->fn];
  uint64_t splat = 0;
  for (int k = 0; k < f->nin; k++) {
    address_of(b, ins->x[k], CJE_RCX);
    if (f->loop) cje_store64(b->g.a, CJE_RCX, cje_mem(CJE_RSP, k * (int32_t)sizeof(void *)));
    splat |= (uint64_t)b->val.at[ins->x[k]].single << k;
  }
  address_of(b, ins->y, f->loop ? CJE_RSI : CJE_RDX);
  cje_asm *a = cje_group_room(b);
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
