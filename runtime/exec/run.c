/* run.c -- running a plan: no allocation, no write to the plan. */
#include "exec/loop.h"
#include "kernel/kernels.h"

#include <string.h>

typedef struct runner {
  const cj_plan *p;
  char **base;
  cje_report *report;
} runner;

static size_t round_up(size_t n) { return (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN; }
static bool cancelled(const runner *u) { return u->report->cancel && *u->report->cancel; }
static char *at(const runner *u, const cje_place *place) { return u->base[place->base] + place->offset; }

/* --- inputs ------------------------------------------------------------------------------------------- */

size_t cje_plan_worksize(const cj_plan *p, const cj_view *in) {
  size_t n = round_up((size_t)p->worksize);
  for (uint32_t i = 0; in && i < p->nin; i++) {
    const cj_type *t = &p->type.at[p->input.at[i]];
    if (!cjt_iscontiguous(t, in[i].stride)) n += round_up(cjt_bytes(t));
  }
  return n;
}

static void find_bases(const cj_plan *p, char **base, const cj_view *in, void *const *out, char *work) {
  char *copy = work + round_up((size_t)p->worksize);
  base[CJE_WORK] = work;
  base[CJE_KONST] = (char *)p->konst.at;
  base += CJE_INPUT;
  for (uint32_t i = 0; i < p->nin; i++) {
    const cj_view *shape = &p->shape.at[p->input.at[i]];
    *base++ = in[i].data;
    if (cjt_iscontiguous(shape->type, in[i].stride)) continue;
    cj_view from = in[i], to = *shape;
    from.type = shape->type;
    base[-1] = to.data = copy;
    cjk_copy_view(&from, &to);
    copy += round_up(cjt_bytes(shape->type));
  }
  for (uint32_t i = 0; i < p->nout; i++) *base++ = out[i];
  for (uint32_t i = 0; i < p->tensor.n; i++) *base++ = p->tensor.at[i]->data;
}

/* --- elementwise ----------------------------------------------------------------------------------------- */

void cje_cast_block(const cje_fn *f, int64_t n, void *y, const void *x, bool splat) {
  cj_type from = {f->xdtype[0], 1, {n}}, to = {f->ydtype, 1, {n}};
  cj_attr a = {1, {f->ydtype}};
  cj_view in = {(char *)(uintptr_t)x, &from, {!splat}}, out = {y, &to, {1}};
  (void)f->eval(&in, 1, &a, &out, NULL); /* a cast cannot fail */
}

void cje_store_block(const cje_gather *to, char *dst, const char *src, int64_t first, int64_t n) {
  int64_t begin = first > to->begin ? first : to->begin, end = first + n < to->end ? first + n : to->end;
  if (begin < end)
    cje_pattern_store(&to->pattern, dst, src + (begin - first) * (int64_t)to->pattern.esize, begin, end - begin);
}

static inline void call(const cje_fn *f, int64_t n, void *y, const void *const *x, unsigned splat) {
  if (f->loop)
    f->loop(n, y, x, splat);
  else
    cje_cast_block(f, n, y, x[0], splat & 1);
}

static void run_block(const runner *u, const cje_group *k, char **table, int64_t first, int64_t n) {
  const cj_plan *p = u->p;
  const cje_blockop *op = &p->blockop.at[k->op], *end = op + k->nop;
  for (; op < end; op++) {
    if (op->fn == CJE_LOAD) {
      const cje_gather *from = &p->gather.at[op->x[0]];
      cje_pattern_load(&from->pattern, table[op->y], at(u, &from->from), first, n);
    } else if (op->fn == CJE_STORE) {
      const cje_gather *to = &p->gather.at[op->x[0]];
      cje_store_block(to, at(u, &to->from), table[op->y], first, n);
    } else {
      const void *x[3] = {table[op->x[0]], table[op->x[1]], table[op->x[2]]};
      call(&p->fn.at[op->fn], n, table[op->y], x, op->splat);
    }
  }
}

static cj_status run_group(const runner *u, const cje_group *k) {
  if (k->code) {
    k->code(u->base);
    return CJ_OK;
  }
  char **table = (char **)(void *)(u->base[CJE_WORK] + k->table), **to = table;
  const cje_place *place = &u->p->place.at[k->place], *moving = place + k->nfixed;
  for (uint32_t i = 0; i < k->nslot; i++) *to++ = u->base[CJE_WORK] + k->slots + i * k->slotsize;
  for (uint32_t i = 0; i < k->nfixed + k->nmoving; i++) *to++ = at(u, &place[i]);
  to -= k->nmoving;
  for (int64_t first = 0;;) {
    int64_t n = k->n - first < k->block ? k->n - first : k->block;
    run_block(u, k, table, first, n);
    first += n;
    if (first >= k->n) return CJ_OK;
    if (cancelled(u)) return CJ_ECANCEL;
    for (uint32_t i = 0; i < k->nmoving; i++) to[i] += n * moving[i].size;
  }
}

/* --- tapes ------------------------------------------------------------------------------------------------- */

static void gather_cells(char *to, const char *cells, const uint32_t *from, uint32_t n, size_t esize) {
  if (esize == 8)
    for (uint32_t i = 0; i < n; i++) memcpy(to + 8 * i, cells + from[i], 8);
  else if (esize == 4)
    for (uint32_t i = 0; i < n; i++) memcpy(to + 4 * i, cells + from[i], 4);
  else
    for (uint32_t i = 0; i < n; i++) to[i] = cells[from[i]];
}

static void one_run(const cj_plan *p, const cje_run *run, char *cells, char *scratch) {
  const cje_fn *f = &p->fn.at[run->fn];
  const uint32_t *from = &p->cell.at[run->x];
  const void *x[3] = {0};
  unsigned splat = 0;
  for (int i = 0; i < f->nin; i++) {
    if (run->mode[i] == CJE_GATHERED) {
      gather_cells(scratch, cells, from, run->n, cjt_dsize(f->xdtype[i]));
      x[i] = scratch;
      scratch += 8 * CJE_RUN_MAX;
      from += run->n;
    } else {
      x[i] = cells + *from++;
      splat |= (unsigned)(run->mode[i] == CJE_ONE) << i;
    }
  }
  call(f, run->n, cells + run->y, x, splat);
}

static cj_status run_tape(const runner *u, const cje_tape *t) {
  const cj_plan *p = u->p;
  if (t->code) {
    t->code(u->base);
    return CJ_OK;
  }
  char *cells = u->base[CJE_WORK] + t->cells, *scratch = u->base[CJE_WORK] + t->scratch;
  const cje_move *m = &p->move.at[t->load];
  for (uint32_t i = 0; i < t->nload; i++, m++) memcpy(cells + m->cell, at(u, &m->place), m->nbytes);
  for (uint32_t i = 0; i < t->nrun; i++) {
    one_run(p, &p->run.at[t->run + i], cells, scratch);
    if (i % 1024 == 1023 && cancelled(u)) return CJ_ECANCEL;
  }
  m = &p->move.at[t->store];
  for (uint32_t i = 0; i < t->nstore; i++, m++) memcpy(at(u, &m->place), cells + m->cell, m->nbytes);
  return CJ_OK;
}

/* --- kernels ------------------------------------------------------------------------------------------------ */

static cj_status kernel_step(const runner *u, const cje_step *s) {
  const cj_plan *p = u->p;
  cj_view *v = (cj_view *)(void *)(u->base[CJE_WORK] + p->views);
  const cje_operand *o = &p->operand.at[s->first];
  for (int i = 0; i <= s->nin; i++, o++) {
    v[i] = p->shape.at[o->shape];
    v[i].data = u->base[o->base] + o->offset;
  }
  if (s->kind == CJE_EVAL) return s->eval(v, s->nin, &p->attr.at[s->attr], &v[s->nin], u->base[CJE_WORK] + s->scratch);
  cjk_copy_view(&v[0], &v[1]);
  return CJ_OK;
}

static cj_status run_step(const runner *u, const cje_step *s) {
  switch (s->kind) {
  case CJE_GROUP: return run_group(u, &u->p->group.at[s->first]);
  case CJE_TAPE: return run_tape(u, &u->p->tape.at[s->first]);
  case CJE_LOOP: return cje_run_loop(u->p, &u->p->loop.at[s->first], u->base, u->report);
  default: return kernel_step(u, s);
  }
}

cj_status cje_run_steps(const cj_plan *p, char **base, cje_report *report) {
  runner u = {p, base, report};
  for (uint32_t i = 0; i < p->step.n; i++) {
    cj_status st = cancelled(&u) ? CJ_ECANCEL : run_step(&u, &p->step.at[i]);
    if (st == CJ_OK) continue;
    if (p->step.at[i].kind == CJE_LOOP || st == CJ_ECANCEL) return st; /* told by the body */
    if (st == CJ_EDOMAIN) report->fault = cjr_row(p->step.at[i].op)->fault;
    report->where = p->step.at[i].line;
    return st;
  }
  return CJ_OK;
}

cj_status cje_plan_run(const cj_plan *p, const cj_view *in, void *const *out, void *work, const volatile int *cancel,
                       const char **fault, int *where) {
  cje_report report = {.cancel = cancel};
  find_bases(p, (char **)work, in, out, work);
  cj_status st = cje_run_steps(p, (char **)work, &report);
  if (fault) *fault = report.fault;
  if (where) *where = report.where;
  return st;
}
