/*
** native_alloc.c -- values in registers and memory.  When registers run out, the value whose next use is
** farthest goes (Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
** Journal 1966), which is known here because the program has no branches.
*/
#include "exec/native_gen.h"

/* general registers for bases: all that a call may change, but rax */
static const uint8_t base_regs[] = {CJE_RCX, CJE_RDX, CJE_RSI, CJE_RDI, CJE_R8, CJE_R8 + 1, CJE_R8 + 2, CJE_R8 + 3};

void cje_regs_reset(cje_gen *g) {
  g->free = g->regs;
  for (size_t i = 0; i < CJ_COUNT(g->base); i++) g->base[i] = 0;
}

/* The memory at offset from a base, whose address is fetched if no register holds it. */
static cje_rm memory_at(cje_gen *g, uint32_t base, int32_t offset) {
  if (base == CJE_WORK) return cje_mem(CJE_RBX, offset);
  if (base == CJE_KONST) return cje_mem(CJE_R13, offset);
  for (size_t i = 0; i < CJ_COUNT(base_regs); i++)
    if (g->base[base_regs[i]] == base + 1) return cje_mem(base_regs[i], offset);
  unsigned reg = base_regs[g->turn++ % CJ_COUNT(base_regs)];
  g->base[reg] = base + 1;
  cje_load64(&g->a, reg, cje_mem(CJE_R12, (int32_t)(base * sizeof(char *))));
  return cje_mem(reg, offset);
}

static uint32_t mov_code(unsigned size, unsigned opcode) {
  return CJE_VEX(CJE_MAP_0F, size == 4 ? CJE_PP_SS : CJE_PP_SD, opcode);
}

static void load_value(cje_gen *g, unsigned reg, const cje_nval *v) {
  cje_rm from = memory_at(g, v->base, v->offset);
  if (v->size > 1) {
    cje_vex(&g->a, mov_code(v->size, 0x10), reg, 0, from);
    return;
  }
  cje_load8(&g->a, CJE_RAX, from);
  cje_neg64(&g->a, CJE_RAX);
  cje_vex(&g->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x6E) | CJE_VEX_W, reg, 0, cje_xmm(CJE_RAX));
}

static void store_value(cje_gen *g, unsigned reg, unsigned size, cje_rm to) {
  if (size > 1) {
    cje_vex(&g->a, mov_code(size, 0x11), reg, 0, to);
    return;
  }
  cje_vex(&g->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x7E) | CJE_VEX_W, reg, 0, cje_xmm(CJE_RAX));
  cje_neg64(&g->a, CJE_RAX);
  cje_store8(&g->a, CJE_RAX, to);
}

/* A place that was lent before is hot in the cache; else the value's own cell. */
static void borrow_place(cje_gen *g, cje_nval *v) {
  uint32_t *n = v->size == 8 ? &g->slot8.n : &g->slot4.n, *at = v->size == 8 ? g->slot8.at : g->slot4.at;
  v->slot = v->size >= 4;
  if (v->slot && *n) v->offset = (int32_t)at[--*n];
}

void cje_regs_bury(cje_gen *g, uint32_t x) {
  cje_nval *v = &g->val[x];
  if (v->next != CJE_NEVER || !v->slot) return;
  v->slot = false;
  if (v->size == 8) {
    if (CJM_GROW(g->p->c, g->slot8.at, g->slot8.cap, g->slot8.n + 1)) g->slot8.at[g->slot8.n++] = (uint32_t)v->offset;
  } else {
    if (CJM_GROW(g->p->c, g->slot4.at, g->slot4.cap, g->slot4.n + 1)) g->slot4.at[g->slot4.n++] = (uint32_t)v->offset;
  }
}

static void spill_reg(cje_gen *g, unsigned reg) {
  cje_nval *v = &g->val[g->holds[reg]];
  if (!v->inmem) {
    borrow_place(g, v);
    store_value(g, reg, v->size, memory_at(g, v->base, v->offset));
    v->inmem = true;
  }
  v->reg = CJE_NOREG;
  g->free |= 1u << reg;
}

void cje_regs_spill(cje_gen *g) {
  for (uint32_t held = g->regs & ~g->free; held; held &= held - 1) {
    (void)cje_asm_room(&g->a);
    spill_reg(g, (unsigned)__builtin_ctz(held));
  }
}

/* The register whose value is needed last. */
static unsigned farthest_reg(const cje_gen *g) {
  unsigned best = 0;
  for (uint32_t held = g->regs & ~1u; held; held &= held - 1) {
    unsigned reg = (unsigned)__builtin_ctz(held);
    if (g->val[g->holds[reg]].next > g->val[g->holds[best]].next) best = reg;
  }
  return best;
}

unsigned cje_regs_take(cje_gen *g) {
  if (!g->free) spill_reg(g, farthest_reg(g));
  unsigned reg = (unsigned)__builtin_ctz(g->free);
  g->free &= g->free - 1;
  return reg;
}

unsigned cje_regs_need(cje_gen *g, uint32_t x) {
  cje_nval *v = &g->val[x];
  if (v->reg != CJE_NOREG) return v->reg;
  unsigned reg = cje_regs_take(g);
  load_value(g, reg, v);
  g->holds[reg] = x;
  v->reg = (uint8_t)reg;
  return reg;
}

cje_rm cje_regs_operand(cje_gen *g, uint32_t x, uint32_t next) {
  const cje_nval *v = &g->val[x];
  if (v->reg != CJE_NOREG) return cje_xmm(v->reg);
  bool worth = next != CJE_NEVER && (g->free || g->val[g->holds[farthest_reg(g)]].next > next);
  return worth || v->size == 1 ? cje_xmm(cje_regs_need(g, x)) : memory_at(g, v->base, v->offset);
}

void cje_regs_release(cje_gen *g, uint32_t x, uint32_t next) {
  cje_nval *v = &g->val[x];
  v->next = next;
  if (next != CJE_NEVER || v->reg == CJE_NOREG) return;
  g->free |= 1u << v->reg;
  v->reg = CJE_NOREG;
}

static void store_wanted(cje_gen *g, const cje_nval *v, unsigned reg) {
  for (uint32_t s = v->store; s;) {
    const cje_nstore *to = &g->store.at[s - 1];
    (void)cje_asm_room(&g->a);
    store_value(g, reg, v->size, memory_at(g, to->base, to->offset));
    s = to->after;
  }
}

void cje_regs_define(cje_gen *g, uint32_t y, unsigned reg) {
  cje_nval *v = &g->val[y];
  if (v->store) {
    const cje_nstore *first = &g->store.at[v->store - 1];
    store_wanted(g, v, reg);
    v->base = first->base;
    v->offset = first->offset;
    v->inmem = true;
  }
  if (v->next == CJE_NEVER) {
    g->free |= 1u << reg;
    return;
  }
  g->holds[reg] = y;
  v->reg = (uint8_t)reg;
}

void cje_regs_store(cje_gen *g, uint32_t y) {
  cje_nval *v = &g->val[y];
  unsigned reg = g->free && v->next != CJE_NEVER ? cje_regs_need(g, y) : CJE_T0;
  if (reg == CJE_T0) load_value(g, reg, v);
  store_wanted(g, v, reg);
}
