/*
** native_order.c -- the order of the instructions of a tape.  As they were written keeps what belongs together
** together, and few values alive.  The CPU looks ahead by itself, but not farther than some hundred instructions: where
** long chains of dependent ones were written one after the other, they go side by side, each instruction in the order
** in which its operands can be known, if there are many registers and a model of the CPU says that this is worth it.
*/
#include "exec/native_gen.h"

#include <string.h>

enum {
  REGS_LEAST = 16,       /* that another order needs */
  WINDOW = 128,          /* how far the CPU looks ahead, not counting what only moves values */
  WIDTH = 4,             /* instructions that it begins in a cycle */
  CHOICE_MOST = 1 << 12, /* of instructions: beyond that registers are too few for another order */
  CALL_CYCLES = 40
};

typedef struct sequence {
  const cj_plan *p;
  cje_nins *ins;
  uint32_t nload, count, nreg;
  uint32_t *order, *other; /* count of each, as are those below */
  uint32_t *start, *done;  /* of a model: by instruction, by position */
} sequence;

static cje_nins *producer_of(const sequence *s, uint32_t x) { return x >= s->nload ? &s->ins[x - s->nload] : NULL; }
static int arity_of(const sequence *s, const cje_nins *i) { return s->p->fn.at[i->fn].nin; }

/* --- sorting ---------------------------------------------------------------------------------------------- */

static uint32_t depth_key(const sequence *s, uint32_t i) { return s->ins[i].depth; }
static uint32_t call_key(const sequence *s, uint32_t i) { return s->ins[i].call ? s->ins[i].fn : s->p->fn.n; }
static uint32_t start_key(const sequence *s, uint32_t i) { return s->start[i]; }

static bool sort_by(sequence *s, uint32_t nkey, uint32_t (*key)(const sequence *, uint32_t)) {
  cj_ctx *c = s->p->c;
  size_t nbytes = ((size_t)nkey + 1) * sizeof(uint32_t);
  uint32_t *at = cjm_zalloc(c, nbytes), *sorted = s->other;
  if (!at) return false;
  for (uint32_t i = 0; i < s->count; i++) at[key(s, i) + 1]++;
  for (uint32_t k = 0; k < nkey; k++) at[k + 1] += at[k];
  for (uint32_t i = 0; i < s->count; i++) sorted[at[key(s, s->order[i])]++] = s->order[i];
  cjm_free(c, at, nbytes);
  s->other = s->order;
  s->order = sorted;
  return true;
}

/* Calls that must come before; how many depths there are. */
static uint32_t find_depths(sequence *s) {
  uint32_t n = 1;
  for (uint32_t i = 0; i < s->count; i++) {
    cje_nins *ins = &s->ins[i];
    for (int k = 0; k < arity_of(s, ins); k++) {
      const cje_nins *x = producer_of(s, ins->x[k]);
      uint32_t depth = (x ? x->depth : 0) + ins->call;
      if (depth > ins->depth) ins->depth = depth;
    }
    if (ins->depth >= n) n = ins->depth + 1;
  }
  return n;
}

/* By depth; of one depth first the calls, equal functions together, then the rest as it was. */
static bool sort_depths(sequence *s, uint32_t ndepth) {
  return ndepth == 1 || (sort_by(s, s->p->fn.n + 1, call_key) && sort_by(s, ndepth, depth_key));
}

/* --- a model of the CPU --------------------------------------------------------------------------------------- */

static uint32_t cycles_of(const sequence *s, const cje_nins *i) {
  if (i->call) return CALL_CYCLES;
  switch (s->p->fn.at[i->fn].op) {
  case CJ_OP_div:
  case CJ_OP_reciprocal: return 13;
  case CJ_OP_sqrt:
  case CJ_OP_sqrt0: return 18;
  case CJ_OP_rsqrt: return 31;
  default: return 4;
  }
}

/* When instruction i can begin if nothing but operands is waited for. */
static uint32_t find_starts(sequence *s) {
  uint32_t last = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    const cje_nins *ins = &s->ins[i];
    s->start[i] = 0;
    for (int k = 0; k < arity_of(s, ins); k++) {
      const cje_nins *x = producer_of(s, ins->x[k]);
      uint32_t known = x ? s->start[x - s->ins] + cycles_of(s, x) : 0;
      if (known > s->start[i]) s->start[i] = known;
    }
    if (s->start[i] > last) last = s->start[i];
  }
  return last;
}

/* Quarters of cycles that the order takes where instructions leave the CPU in order and enter it when there is room. */
static uint32_t model_time(const sequence *s, const uint32_t *order) {
  uint32_t *done = s->start, *left = s->done, enter = 0;
  for (uint32_t at = 0; at < s->count; at++) {
    const cje_nins *ins = &s->ins[order[at]];
    uint32_t begin = ++enter;
    if (at >= WINDOW && left[at - WINDOW] > enter) begin = enter = left[at - WINDOW];
    for (int k = 0; k < arity_of(s, ins); k++) {
      const cje_nins *x = producer_of(s, ins->x[k]);
      if (x && done[x - s->ins] > begin) begin = done[x - s->ins];
    }
    done[order[at]] = begin + WIDTH * cycles_of(s, ins);
    left[at] = at && left[at - 1] > done[order[at]] ? left[at - 1] : done[order[at]];
  }
  return left[s->count - 1];
}

/* The sum over all instructions of the values that no register can hold then. */
static uint64_t crowd_of(const sequence *s, const uint32_t *order) {
  uint32_t *uses = s->start, live = 0;
  uint64_t crowd = 0;
  memset(uses, 0, s->count * sizeof *uses);
  for (uint32_t i = 0; i < s->count; i++)
    for (int k = 0; k < arity_of(s, &s->ins[i]); k++)
      if (s->ins[i].x[k] >= s->nload) uses[s->ins[i].x[k] - s->nload]++;
  for (uint32_t at = 0; at < s->count; at++) {
    const cje_nins *ins = &s->ins[order[at]];
    for (int k = 0; k < arity_of(s, ins); k++)
      if (ins->x[k] >= s->nload && --uses[ins->x[k] - s->nload] == 0) live--;
    live += uses[order[at]] > 0;
    crowd += live > s->nreg ? live - s->nreg : 0;
  }
  return crowd;
}

/* --- choosing ------------------------------------------------------------------------------------------------- */

/* Side by side is worth a fifth, and some more values in memory. */
static bool is_better(const sequence *s, const uint32_t *order, const uint32_t *written) {
  if ((uint64_t)model_time(s, order) * 6 > (uint64_t)model_time(s, written) * 5) return false;
  return crowd_of(s, order) * 4 <= crowd_of(s, written) * 5 + 4 * (uint64_t)s->count;
}

static bool order_as_written(sequence *s, uint32_t ndepth) {
  for (uint32_t i = 0; i < s->count; i++) s->order[i] = i;
  return sort_depths(s, ndepth);
}

static bool order_by_start(sequence *s, uint32_t ndepth) {
  for (uint32_t i = 0; i < s->count; i++) s->order[i] = i;
  return sort_by(s, find_starts(s) + 1, start_key) && sort_depths(s, ndepth);
}

/* result: room for the order. */
static bool choose_order(sequence *s, uint32_t *result) {
  uint32_t ndepth = find_depths(s);
  size_t bytes = s->count * sizeof *result;
  if (!order_as_written(s, ndepth)) return false;
  memcpy(result, s->order, bytes);
  if (s->count > CHOICE_MOST || s->nreg < REGS_LEAST) return true;
  if (!order_by_start(s, ndepth)) return false;
  if (is_better(s, s->order, result)) memcpy(result, s->order, bytes);
  return true;
}

bool cje_order(const cje_gen *g, cje_nins *ins, uint32_t nload, uint32_t count, uint32_t *order) {
  sequence s = {.p = g->p, .ins = ins, .nload = nload, .count = count};
  size_t bytes = 4 * (size_t)count * sizeof *order;
  s.nreg = (uint32_t)__builtin_popcount(g->regs);
  if (!(s.order = cjm_alloc(g->p->c, bytes))) return false;
  uint32_t *room = s.order;
  s.other = room + count;
  s.start = room + 2 * (size_t)count;
  s.done = room + 3 * (size_t)count;
  bool good = choose_order(&s, order);
  cjm_free(g->p->c, room, bytes);
  return good;
}
