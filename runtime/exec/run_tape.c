/* run_tape.c -- running a tape: its code, or run by run; then its checks. */
#include "exec/run.h"
#include "kernel/kernels.h"

#include <string.h>

static char *place_in(char *const *base, const cje_place *place) { return base[place->base] + place->offset; }

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
  if (run->picked) {
    f->picked(run->n, cells + run->y, cells, from);
    return;
  }
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
  cje_fn_call(f, run->n, cells + run->y, x, splat);
}

static cj_status interpret_tape(const cj_plan *p, const cje_tape *t, char *const *base, const volatile int *cancel) {
  char *cells = base[CJE_WORK] + t->cells, *scratch = base[CJE_WORK] + t->scratch;
  const cje_move *m = &p->move.at[t->load];
  for (uint32_t i = 0; i < t->nload; i++, m++) memcpy(cells + m->cell, place_in(base, &m->place), m->nbytes);
  for (uint32_t i = 0; i < t->nrun; i++) {
    one_run(p, &p->run.at[t->run + i], cells, scratch);
    if (i % 1024 == 1023 && cancel && *cancel) return CJ_ECANCEL;
  }
  m = &p->move.at[t->store];
  for (uint32_t i = 0; i < t->nstore; i++, m++) memcpy(place_in(base, &m->place), cells + m->cell, m->nbytes);
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
