/* native_group_regs.c -- vectors in registers and memory, as native_alloc.c does it for numbers: when registers run
** out, the value whose next use is farthest goes (Belady 1966). */
#include "exec/native_group.h"

/* The pointer of an array; its own register, or fetched. */
static unsigned pointer_reg(cje_vgen *g, uint32_t number) {
  if (g->pointer[number].reg) return g->pointer[number].reg;
  cje_load64(g->a, CJE_RAX, cje_mem(CJE_RBX, g->cells + 8 * (int32_t)number));
  return CJE_RAX;
}

cje_rm cje_vec_memory(cje_vgen *g, uint32_t x) {
  const cje_vector *v = &g->val[x];
  if (v->home == CJE_CELL) return cje_mem(CJE_RBX, v->disp);
  unsigned base = pointer_reg(g, v->pointer);
  if (v->home == CJE_POINT) return cje_mem(base, v->disp);
  return cje_indexed(base, CJE_RCX, (unsigned)cjt_dsize((cj_dtype)v->dtype), v->disp);
}

void cje_vec_fetch(cje_vgen *g, uint32_t x, unsigned reg) {
  const cje_vector *v = &g->val[x];
  cje_rm from = cje_vec_memory(g, x);
  (void)cje_asm_room(g->a);
  if (v->home == CJE_POINT)
    cje_vec_repeat(g, v->dtype, reg, from);
  else if (v->home == CJE_LINE && v->dtype == CJ_BOOL)
    cje_vec_unpack(g, reg, from);
  else
    cje_vec_move(g, reg, from);
}

void cje_vec_put(cje_vgen *g, uint32_t x, unsigned reg) {
  const cje_vector *v = &g->val[x];
  cje_rm to = cje_vec_memory(g, x);
  (void)cje_asm_room(g->a);
  if (v->home == CJE_LINE && v->dtype == CJ_BOOL)
    cje_vec_pack(g, reg, to);
  else
    cje_vec_store(g, reg, to);
}

/* --- room for what does not stay in registers ------------------------------------------------------------- */

static void borrow_cell(cje_vgen *g, cje_vector *v) {
  v->home = CJE_CELL;
  if (g->unused.n) {
    v->disp = g->unused.at[--g->unused.n];
    return;
  }
  v->disp = g->spill;
  g->failed |= g->spill + (int32_t)g->width > g->spill_end;
  if (!g->failed) g->spill += (int32_t)g->width;
}

void cje_vec_bury(cje_vgen *g, uint32_t x) {
  cje_vector *v = &g->val[x];
  if (v->home != CJE_CELL || v->single || v->next != CJE_UNREAD) return;
  v->home = CJE_NOHOME;
  v->there = false;
  if (CJM_GROW(g->p->c, g->unused.at, g->unused.cap, g->unused.n + 1)) g->unused.at[g->unused.n++] = v->disp;
}

static void evict(cje_vgen *g, unsigned reg) {
  uint32_t x = g->holds[reg];
  cje_vector *v = &g->val[x];
  if (!v->there) {
    borrow_cell(g, v);
    cje_vec_put(g, x, reg);
    v->there = true;
  }
  v->reg = CJE_NOVREG;
  g->free |= 1u << reg;
}

/* The register whose value is needed last. */
static unsigned needed_last(const cje_vgen *g) {
  unsigned best = CJE_NOVREG;
  for (unsigned reg = 0; reg < g->nreg; reg++) {
    const cje_vector *v = &g->val[g->holds[reg]];
    if (!v->pinned && (best == CJE_NOVREG || v->next > g->val[g->holds[best]].next)) best = reg;
  }
  return best;
}

/* --- registers ------------------------------------------------------------------------------------------------ */

unsigned cje_vec_take(cje_vgen *g) {
  if (!g->free) evict(g, needed_last(g));
  unsigned reg = (unsigned)__builtin_ctz(g->free);
  g->free &= g->free - 1;
  return reg;
}

unsigned cje_vec_take_that(cje_vgen *g, unsigned reg) {
  g->free &= ~(1u << reg);
  return reg;
}

unsigned cje_vec_need(cje_vgen *g, uint32_t x) {
  cje_vector *v = &g->val[x];
  if (v->reg != CJE_NOVREG) return v->reg;
  unsigned reg = cje_vec_take(g);
  cje_vec_fetch(g, x, reg);
  g->holds[reg] = x;
  v->reg = (uint8_t)reg;
  return reg;
}

cje_rm cje_vec_operand(cje_vgen *g, uint32_t x, uint32_t next) {
  cje_vector *v = &g->val[x];
  bool vector = v->home == CJE_CELL || (v->home == CJE_LINE && v->dtype != CJ_BOOL);
  if (v->reg == CJE_NOVREG && vector) {
    bool worth = next != CJE_UNREAD && (g->free || g->val[g->holds[needed_last(g)]].next > next);
    if (!worth) return cje_vec_memory(g, x);
  }
  return cje_xmm(cje_vec_need(g, x));
}

void cje_vec_release(cje_vgen *g, uint32_t x, uint32_t next) {
  cje_vector *v = &g->val[x];
  v->next = next;
  if (next != CJE_UNREAD || v->pinned) return;
  if (v->reg != CJE_NOVREG) g->free |= 1u << v->reg;
  v->reg = CJE_NOVREG;
}

void cje_vec_define(cje_vgen *g, uint32_t y, unsigned reg) {
  cje_vector *v = &g->val[y];
  if (v->home != CJE_NOHOME) {
    cje_vec_put(g, y, reg);
    v->there = true;
  }
  if (v->next == CJE_UNREAD) {
    g->free |= 1u << reg;
    return;
  }
  g->holds[reg] = y;
  v->reg = (uint8_t)reg;
}
