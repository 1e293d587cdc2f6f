/* run_tape.c -- running a tape: its code, or run by run; then its checks. */
#include "exec/run.h"
#include "kernel/kernels.h"

#include <string.h>

static char *place_in(char *const *base, const cje_place *place) { return base[place->base] + place->offset; }

uint32_t cje_run_cell(const cj_plan *p, const cje_run *run, int i, uint32_t k) {
  const cje_fn *f = &p->fn.at[run->fn];
  const uint32_t *from = &p->cell.at[run->x];
  if (run->picked) return from[k * f->nin + (uint32_t)i];
  for (int before = 0; before < i; before++) from += run->mode[before] == CJE_GATHERED ? run->n : 1;
  uint32_t step = run->mode[i] == CJE_DIRECT ? (uint32_t)cjt_dsize(f->xdtype[i]) : 0;
  return run->mode[i] == CJE_GATHERED ? from[k] : *from + k * step;
}

/* n elements, the last one repeated up to `whole`. */
static void gather_cells(char *to, const char *cells, const uint32_t *from, const cje_run *run, size_t esize) {
  uint32_t last = run->n - 1u;
  if (esize == 8)
    for (uint32_t i = 0; i < run->whole; i++) memcpy(to + 8 * i, cells + from[i < last ? i : last], 8);
  else if (esize == 4)
    for (uint32_t i = 0; i < run->whole; i++) memcpy(to + 4 * i, cells + from[i < last ? i : last], 4);
  else
    for (uint32_t i = 0; i < run->whole; i++) to[i] = cells[from[i < last ? i : last]];
}

static void loop_run(const cj_plan *p, const cje_run *run, char *cells, char *scratch) {
  const cje_fn *f = &p->fn.at[run->fn];
  const uint32_t *from = &p->cell.at[run->x];
  const void *x[3] = {0};
  unsigned splat = 0;
  for (int i = 0; i < f->nin; i++) {
    if (run->mode[i] == CJE_GATHERED) {
      gather_cells(scratch, cells, from, run, cjt_dsize(f->xdtype[i]));
      x[i] = scratch;
      scratch += 8 * CJE_RUN_MAX;
      from += run->n;
    } else {
      x[i] = cells + *from++;
      splat |= (unsigned)(run->mode[i] == CJE_ONE) << i;
    }
  }
  cje_fn_call(f, run->whole, cells + run->y, x, splat);
}

/* Between elements of size 8 or 4 at the distances that a list tells from cells and from a place. */
static void load_listed(const uint32_t *at, const cje_move *m, char *cells, const char *place) {
  const uint32_t *end = at + 2 * m->n;
  if (m->place.size == 8)
    for (; at < end; at += 2) memcpy(cells + at[0], place + (int32_t)at[1], 8);
  else
    for (; at < end; at += 2) memcpy(cells + at[0], place + (int32_t)at[1], 4);
}

static void store_listed(const uint32_t *at, const cje_move *m, const char *cells, char *place) {
  const uint32_t *end = at + 2 * m->n;
  if (m->place.size == 8)
    for (; at < end; at += 2) memcpy(place + (int32_t)at[1], cells + at[0], 8);
  else
    for (; at < end; at += 2) memcpy(place + (int32_t)at[1], cells + at[0], 4);
}

static void load_cells(const cj_plan *p, const cje_tape *t, char *cells, char *const *base) {
  const cje_move *m = &p->move.at[t->load];
  for (uint32_t i = 0; i < t->nload; i++, m++)
    if (m->listed)
      load_listed(&p->cell.at[m->cell], m, cells, place_in(base, &m->place));
    else
      memcpy(cells + m->cell, place_in(base, &m->place), (size_t)m->n * m->place.size);
}

static void store_cells(const cj_plan *p, const cje_tape *t, const char *cells, char *const *base) {
  const cje_move *m = &p->move.at[t->store];
  for (uint32_t i = 0; i < t->nstore; i++, m++)
    if (m->listed)
      store_listed(&p->cell.at[m->cell], m, cells, place_in(base, &m->place));
    else
      memcpy(place_in(base, &m->place), cells + m->cell, (size_t)m->n * m->place.size);
}

static cj_status interpret_tape(const cj_plan *p, const cje_tape *t, char *const *base, const volatile int *cancel) {
  char *cells = base[CJE_WORK] + t->cells, *scratch = base[CJE_WORK] + t->scratch;
  const cje_run *run = &p->run.at[t->run], *end = run + t->nrun;
  load_cells(p, t, cells, base);
  for (uint32_t i = 1; run < end; run++, i++) {
    if (run->picked)
      run->picked(run->n, cells + run->y, cells, &p->cell.at[run->x]);
    else
      loop_run(p, run, cells, scratch);
    if (i % 1024 == 0 && cancel && *cancel) return CJ_ECANCEL;
  }
  store_cells(p, t, cells, base);
  return CJ_OK;
}

/* --- checks -------------------------------------------------------------------------------------------- */

static bool passes(const cje_check *k, char *const *base) {
  const char *at = place_in(base, &k->place);
  double v;
  float f;
  memcpy(k->place.size == sizeof f ? (void *)&f : (void *)&v, at, k->place.size);
  return cjk_passes(k->place.size == sizeof f ? (double)f : v, k->positive);
}

const cje_check *cje_tape_failure(const cj_plan *p, const cje_tape *t, char *const *base) {
  const cje_check *k = &p->check.at[t->check];
  for (uint32_t i = 0; i < t->ncheck; i++)
    if (!passes(&k[i], base)) return &k[i];
  return NULL;
}

cj_status cje_tape_run(const cj_plan *p, const cje_tape *t, char *const *base, const volatile int *cancel) {
  if (t->code) {
    t->code(base);
  } else {
    cj_status s = interpret_tape(p, t, base, cancel);
    if (s != CJ_OK) return s;
  }
  return t->ncheck && cje_tape_failure(p, t, base) ? CJ_EDOMAIN : CJ_OK;
}
