/*
** native_scalar.c -- a tape as straight code.  Its instructions are taken in the order that native_order.c says;
** those that are calls move up to boundaries between phases: one call of the vector loop computes all results
** of one function whose arguments are ready after the same number of calls.  Doubles are put into the arrays of
** their call four at a time, other arguments as soon as they are known: a vector that is read where parts of it
** have just been written waits for all of them.
*/
#include "exec/native_gen.h"
#include "kernel/kernels.h"

#include <string.h>

enum { CODE_LEAST = 16, CODE_MOST = 1 << 19 }; /* instructions: fewer are not worth a page, more not the CPU's caches */

typedef struct scalar_code {
  cje_gen *g;
  const cje_tape *t;
  uint32_t nload, count, *value; /* value: by cell, shifted */
  unsigned shift;
  cje_nins *ins;
  uint32_t *order;
  int32_t scratch; /* where the next array of a call begins */
  int32_t spare;   /* bytes there that no array needs */
} scalar_code;

/* --- values ------------------------------------------------------------------------------------------- */

static bool place_at(const cje_place *at, int64_t more, cje_nval *v) {
  int64_t offset = at->offset + more;
  if (offset < INT32_MIN || offset > INT32_MAX) return false;
  v->base = at->base;
  v->offset = (int32_t)offset;
  return true;
}

static cje_nval new_value(unsigned size) {
  return (cje_nval){.next = CJE_NEVER, .size = (uint8_t)size, .reg = CJE_NOREG};
}

static uint32_t count_loads(const cj_plan *p, const cje_tape *t) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < t->nload; i++) n += p->move.at[t->load + i].n;
  return n;
}

static bool take_loads(scalar_code *b) {
  const cj_plan *p = b->g->p;
  const cje_move *m = &p->move.at[b->t->load];
  uint32_t v = 0;
  for (uint32_t i = 0; i < b->t->nload; i++, m++)
    for (uint32_t k = 0; k < m->n; k++, v++) {
      b->g->val[v] = new_value(m->place.size);
      b->g->val[v].inmem = true;
      if (!place_at(&m->place, cje_move_distance(p, m, k), &b->g->val[v])) return false;
      b->value[cje_move_cell(p, m, k) >> b->shift] = v;
    }
  return true;
}

/* The first place is read again if registers run out: better one of the workspace, whose base is at hand. */
static bool add_store(scalar_code *b, uint32_t v, uint32_t base, int64_t offset) {
  cje_gen *g = b->g;
  if (!CJM_GROW(g->p->c, g->store.at, g->store.cap, g->store.n + 1)) return false;
  uint32_t *head = &g->val[v].store;
  if (*head && base != CJE_WORK) head = &g->store.at[*head - 1].after;
  g->store.at[g->store.n++] = (cje_nstore){base, *head, (int32_t)offset};
  *head = g->store.n;
  return true;
}

/* The results, in the order in which they were written; each may be put into its cell, and must be if someone
** reads it there. */
static bool take_results(scalar_code *b) {
  const uint32_t *cell = &b->g->p->order.at[b->t->order];
  for (uint32_t i = 0; i < b->count; i++) {
    uint32_t at = cell[i] & ~CJE_KEPT, v = b->nload + i;
    b->value[at >> b->shift] = v;
    b->g->val[v] = new_value(0);
    b->g->val[v].base = CJE_WORK;
    b->g->val[v].offset = (int32_t)(b->t->cells + at);
  }
  for (uint32_t i = 0; i < b->count; i++)
    if ((cell[i] & CJE_KEPT) && !add_store(b, b->nload + i, CJE_WORK, b->t->cells + (cell[i] & ~CJE_KEPT)))
      return false;
  return true;
}

static bool take_stores(scalar_code *b) {
  const cj_plan *p = b->g->p;
  const cje_move *m = &p->move.at[b->t->store];
  cje_nval to;
  for (uint32_t i = 0; i < b->t->nstore; i++, m++)
    for (uint32_t k = 0; k < m->n; k++) {
      uint32_t v = b->value[cje_move_cell(p, m, k) >> b->shift];
      if (!place_at(&m->place, cje_move_distance(p, m, k), &to) || !add_store(b, v, to.base, to.offset)) return false;
    }
  return true;
}

static void take_run(scalar_code *b, const cje_run *run) {
  const cj_plan *p = b->g->p;
  const cje_fn *f = &p->fn.at[run->fn];
  unsigned size = (unsigned)cjt_dsize(f->ydtype);
  bool call = !cje_row_inline(f);
  for (uint32_t k = 0; k < run->n; k++) {
    uint32_t v = b->value[(run->y + k * size) >> b->shift];
    cje_nins *ins = &b->ins[v - b->nload];
    *ins = (cje_nins){.fn = run->fn, .call = call};
    for (int i = 0; i < f->nin; i++) ins->x[i] = b->value[cje_run_cell(p, run, i, k) >> b->shift];
    b->g->val[v].size = (uint8_t)size;
  }
}

/* --- calls ------------------------------------------------------------------------------------------------- */

/* How many from position `at` on are one call. */
static uint32_t batch_size(const scalar_code *b, uint32_t at) {
  const cje_nins *first = &b->ins[b->order[at]];
  uint32_t n = 1;
  while (at + n < b->count) {
    const cje_nins *ins = &b->ins[b->order[at + n]];
    if (!ins->call || ins->fn != first->fn || ins->depth != first->depth) break;
    n++;
  }
  return n;
}

/* Elements by which a call of n becomes one of whole vectors: less than padding them on the other side. */
static uint32_t padding_of(scalar_code *b, const cje_fn *f, uint32_t n) {
  size_t size = cjt_dsize(f->ydtype), lanes = (b->g->p->c->isa == CJ_ISA_AVX512 ? 64 : 32) / size;
  uint32_t more = (uint32_t)((lanes - n % lanes) % lanes);
  for (int i = 0; i < f->nin; i++)
    if (cjt_dsize(f->xdtype[i]) != size) return 0;
  int32_t bytes = (int32_t)((more * size + 7) / 8 * 8 * (f->nin + 1u));
  if (!cjt_isfloat(f->ydtype) || bytes > b->spare) return 0;
  b->spare -= bytes;
  return more;
}

static int32_t array_bytes(unsigned size, uint32_t n) { return (int32_t)((n * size + 7) / 8 * 8); }

/* The n calls from position `at` on have the arguments of those just before them, of the same depth. */
static bool same_arguments(const scalar_code *b, uint32_t at, uint32_t n) {
  const cje_nins *first = &b->ins[b->order[at]], *before = at >= n ? &b->ins[b->order[at - n]] : NULL;
  if (!before || !before->packed || !before->calls || before->calls != first->calls) return false;
  int nin = b->g->p->fn.at[first->fn].nin;
  if (b->g->p->fn.at[before->fn].nin != nin || before->depth != first->depth || batch_size(b, at - n) != n)
    return false;
  for (uint32_t k = 0; k < n; k++)
    for (int i = 0; i < nin; i++)
      if (b->ins[b->order[at + k]].x[i] != b->ins[b->order[at - n + k]].x[i]) return false;
  return true;
}

/* All are doubles, and vectors of four fill the arrays. */
static bool can_pack(const cje_fn *f, uint32_t all) {
  bool good = f->ydtype == CJ_F64 && all % 4 == 0;
  for (int i = 0; i < f->nin; i++) good &= f->xdtype[i] == CJ_F64;
  return good;
}

static bool want_arguments(scalar_code *b, uint32_t at, uint32_t n, uint32_t all) {
  const cje_fn *f = &b->g->p->fn.at[b->ins[b->order[at]].fn];
  int32_t to = b->ins[b->order[at]].arrays;
  for (int i = 0; i < f->nin; i++) {
    int32_t size = (int32_t)cjt_dsize(f->xdtype[i]);
    for (uint32_t k = 0; k < all; k++) {
      uint32_t x = b->ins[b->order[at + (k < n ? k : 0)]].x[i];
      if (!add_store(b, x, CJE_WORK, to + (int32_t)k * size)) return false;
    }
    to += array_bytes((unsigned)size, all);
  }
  return true;
}

/* Arguments are wanted in the arrays of their call, then come the results. */
static bool lay_out_call(scalar_code *b, uint32_t at, uint32_t n) {
  cje_nins *first = &b->ins[b->order[at]];
  const cje_fn *f = &b->g->p->fn.at[first->fn];
  uint32_t all = first->calls = n + padding_of(b, f, n);
  bool packed = can_pack(f, all), again = packed && same_arguments(b, at, n);
  first->arrays = again ? b->ins[b->order[at - n]].arrays : b->scratch;
  for (int i = 0; !again && i < f->nin; i++) b->scratch += array_bytes((unsigned)cjt_dsize(f->xdtype[i]), all);
  for (uint32_t k = 0; k < n; k++) {
    cje_nval *v = &b->g->val[b->nload + b->order[at + k]];
    b->ins[b->order[at + k]].packed = packed;
    v->offset = b->scratch + (int32_t)k * v->size;
    v->inmem = true;
  }
  b->scratch += array_bytes((unsigned)cjt_dsize(f->ydtype), all);
  return packed || want_arguments(b, at, n, all);
}

static bool lay_out_calls(scalar_code *b) {
  b->scratch = (int32_t)b->t->scratch;
  b->spare = b->t->spare;
  for (uint32_t at = 0, n; at < b->count; at += n) {
    n = b->ins[b->order[at]].call ? batch_size(b, at) : 1;
    if (b->ins[b->order[at]].call && !lay_out_call(b, at, n)) return false;
  }
  return true;
}

/* Operands first .. last-1 at position `at` are read there, at once. */
static void read_operands(scalar_code *b, uint32_t at, int first, int last) {
  cje_nins *ins = &b->ins[b->order[at]];
  for (int i = first; i < last; i++) ins->next[i] = b->g->val[ins->x[i]].next;
  for (int i = first; i < last; i++) b->g->val[ins->x[i]].next = at;
}

/* From the end.  Those of packed calls are read one array after the other. */
static void find_uses(scalar_code *b) {
  for (uint32_t end = b->count, at; end > 0; end = at) {
    at = end - 1;
    const cje_nins *ins = &b->ins[b->order[at]];
    int nin = b->g->p->fn.at[ins->fn].nin;
    if (!ins->call) read_operands(b, at, 0, nin);
    if (!ins->packed) continue;
    while (!b->ins[b->order[at]].calls) at--; /* to the first of them */
    for (int i = nin; i-- > 0;)
      for (uint32_t k = end; k-- > at;) read_operands(b, k, i, i + 1);
  }
}

/* --- code ----------------------------------------------------------------------------------------------------- */

/* Operand i of the call at position `at` is read for the last time before its next reader. */
static void drop_argument(scalar_code *b, uint32_t at, int i) {
  const cje_nins *ins = &b->ins[b->order[at]];
  cje_regs_release(b->g, ins->x[i], ins->next[i]);
  cje_regs_bury(b->g, ins->x[i]);
}

/* Operand i of the first two of n calls, or of one twice, in a register. */
static void pack_two(scalar_code *b, uint32_t at, uint32_t n, int i, unsigned to) {
  cje_gen *g = b->g;
  (void)cje_asm_room(&g->a);
  unsigned first = cje_regs_need(g, b->ins[b->order[at]].x[i]);
  unsigned second = n > 1 ? cje_regs_need(g, b->ins[b->order[at + 1]].x[i]) : first;
  cje_vex(&g->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x14), to, first, cje_xmm(second)); /* vunpcklpd */
  for (uint32_t k = 0; k < n && k < 2; k++) drop_argument(b, at + k, i);
}

/* Operand i of n calls, at `to`; after the last one come others like it. */
static void pack_array(scalar_code *b, uint32_t at, uint32_t n, int i, int32_t to) {
  cje_asm *a = &b->g->a;
  for (uint32_t k = 0, all = b->ins[b->order[at]].calls; k < all; k += 4) {
    if (k < n) {
      bool high = k + 2 < n;
      pack_two(b, at + k, n - k, i, CJE_T0);
      if (high) pack_two(b, at + k + 2, n - k - 2, i, CJE_T1);
      cje_vex_imm(a, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, 0x18) | CJE_VEX_L, CJE_T0, CJE_T0,
                  cje_xmm(high ? CJE_T1 : CJE_T0), 1); /* vinsertf128 */
    }
    (void)cje_asm_room(a);
    cje_vex(a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x11) | CJE_VEX_L, CJE_T0, 0,
            cje_mem(CJE_RBX, to + (int32_t)(k * sizeof(double)))); /* vmovupd */
  }
}

static void pack_arguments(scalar_code *b, uint32_t at, uint32_t n) {
  const cje_nins *first = &b->ins[b->order[at]];
  int nin = b->g->p->fn.at[first->fn].nin;
  bool again = same_arguments(b, at, n);
  for (int i = 0; i < nin; i++) {
    for (uint32_t k = 0; again && k < n; k++) drop_argument(b, at + k, i);
    if (!again) pack_array(b, at, n, i, first->arrays + array_bytes(sizeof(double), first->calls) * i);
  }
}

/* f->loop(n, results, arrays of arguments, 0), where lay_out_call put them. */
static void emit_call(scalar_code *b, uint32_t at) {
  cje_asm *a = &b->g->a;
  uint32_t n = b->ins[b->order[at]].calls;
  const cje_fn *f = &b->g->p->fn.at[b->ins[b->order[at]].fn];
  int32_t y = b->g->val[b->nload + b->order[at]].offset, x = b->ins[b->order[at]].arrays;
  (void)cje_asm_room(a);
  for (int i = 0; i < f->nin; i++) {
    cje_lea(a, CJE_RAX, cje_mem(CJE_RBX, x));
    cje_store64(a, CJE_RAX, cje_mem(CJE_RSP, i * (int32_t)sizeof(void *)));
    x += array_bytes((unsigned)cjt_dsize(f->xdtype[i]), n);
  }
  cje_set64(a, CJE_RDI, n);
  cje_lea(a, CJE_RSI, cje_mem(CJE_RBX, y));
  cje_lea(a, CJE_RDX, cje_mem(CJE_RSP, 0));
  cje_set64(a, CJE_RCX, 0);
  cje_set64(a, CJE_RAX, (uint64_t)(uintptr_t)f->loop);
  cje_call(a, CJE_RAX);
}

static void store_result(scalar_code *b, uint32_t v) {
  (void)cje_asm_room(&b->g->a);
  if (b->g->val[v].store) cje_regs_store(b->g, v);
}

/* All calls of one depth, up to the position behind them. */
static void emit_calls(scalar_code *b, uint32_t at, uint32_t end) {
  for (uint32_t k = at, n; k < end; k += n) {
    n = batch_size(b, k);
    if (b->ins[b->order[k]].packed) pack_arguments(b, k, n);
  }
  cje_regs_spill(b->g);
  for (uint32_t k = at; k < end; k += batch_size(b, k)) emit_call(b, k);
  cje_regs_reset(b->g);
  for (uint32_t k = at; k < end; k++) store_result(b, b->nload + b->order[k]);
}

static uint32_t calls_end(const scalar_code *b, uint32_t at) {
  uint32_t depth = b->ins[b->order[at]].depth;
  while (at < b->count && b->ins[b->order[at]].call && b->ins[b->order[at]].depth == depth) at++;
  return at;
}

static void emit_entry(cje_asm *a) {
  cje_enter(a);
  cje_load64(a, CJE_RBX, cje_mem(CJE_RDI, CJE_WORK * (int32_t)sizeof(char *)));
  cje_load64(a, CJE_R13, cje_mem(CJE_RDI, CJE_KONST * (int32_t)sizeof(char *)));
  cje_lea(a, CJE_R12, cje_mem(CJE_RDI, 0));
  cje_set64(a, CJE_R14, (uint64_t)(uintptr_t)cje_native_masks);
}

static void emit_tape(scalar_code *b) {
  cje_gen *g = b->g;
  cje_regs_reset(g);
  g->slot4.n = g->slot8.n = 0;
  emit_entry(&g->a);
  for (uint32_t v = 0; v < b->nload; v++) store_result(b, v);
  for (uint32_t at = 0, end; at < b->count; at = end) {
    const cje_nins *ins = &b->ins[b->order[at]];
    (void)cje_asm_room(&g->a);
    end = ins->call ? calls_end(b, at) : at + 1;
    if (ins->call)
      emit_calls(b, at, end);
    else
      cje_row_emit(g, ins, b->nload + b->order[at]);
  }
  (void)cje_asm_room(&g->a);
  cje_leave(&g->a);
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

size_t cje_native_scratch(const cje_fn *f, uint32_t n) {
  return cje_row_inline(f) ? 0 : (size_t)n * (f->nin + 1u) * sizeof(double);
}

/* Every row has instructions or a loop; shift: cells are apart by at least 1 << shift; regs: that hold values. */
static bool tape_possible(const cj_plan *p, const cje_tape *t, unsigned *shift, uint32_t *regs) {
  *shift = 3;
  *regs = p->c->isa == CJ_ISA_AVX512 ? CJE_REGS_MANY : CJE_REGS_FEW;
  if (t->count < CODE_LEAST || t->count > CODE_MOST || p->worksize > INT32_MAX) return false;
  for (uint32_t i = 0; i < t->nrun; i++) {
    const cje_fn *f = &p->fn.at[p->run.at[t->run + i].fn];
    unsigned size = (unsigned)cjt_dsize(f->ydtype);
    if (!cje_row_inline(f) && !cje_row_callable(f)) return false;
    if (cje_row_inline(f) && !cje_row_reaches(f)) *regs = CJE_REGS_FEW;
    if (size < 8 && *shift > (size == 4 ? 2u : 0u)) *shift = size == 4 ? 2 : 0;
  }
  return true;
}

static bool make_tape(scalar_code *b, uint32_t *start) {
  const cj_plan *p = b->g->p;
  uint32_t at = b->g->a.n;
  if (!take_loads(b)) return true;
  if (!take_results(b) || !take_stores(b)) return cjm_ok(p->c);
  for (uint32_t i = 0; i < b->t->nrun; i++) take_run(b, &p->run.at[b->t->run + i]);
  if (!cje_order(b->g, b->ins, b->nload, b->count, b->order) || !lay_out_calls(b)) return false;
  find_uses(b);
  emit_tape(b);
  *start = at;
  return cjm_ok(p->c);
}

bool cje_native_tape(cje_gen *g, const cje_tape *t, uint32_t *start) {
  cj_ctx *c = g->p->c;
  scalar_code b = {.g = g, .t = t, .count = t->count};
  *start = UINT32_MAX;
  if (!tape_possible(g->p, t, &b.shift, &g->regs)) return true;
  b.nload = count_loads(g->p, t);
  size_t ins = b.count * sizeof *b.ins, order = b.count * sizeof *b.order,
         map = ((t->ncell >> b.shift) + 1) * sizeof *b.value;
  size_t val = ((size_t)b.nload + b.count) * sizeof *g->val;
  if (!cje_asm_room(&g->a)) return false;
  g->store.n = 0;
  b.ins = cjm_alloc(c, ins);
  b.value = cjm_alloc(c, map);
  b.order = cjm_alloc(c, order);
  g->val = cjm_alloc(c, val);
  bool good = b.ins && b.value && b.order && g->val && make_tape(&b, start);
  cjm_free(c, g->val, val);
  cjm_free(c, b.order, order);
  cjm_free(c, b.value, map);
  cjm_free(c, b.ins, ins);
  return good;
}
