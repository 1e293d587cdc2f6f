/* run.c -- running a plan: no allocation, no write to the plan. */
#include "exec/run.h"
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

/* shape has the strides of row-major order. */
static bool is_rowmajor(const cj_view *shape, const int64_t *stride) {
  for (int e = 0; e < shape->type->rank; e++)
    if (stride[e] != shape->stride[e]) return cjt_iscontiguous(shape->type, stride);
  return true;
}

size_t cje_plan_worksize(const cj_plan *p, const cj_view *in) {
  size_t n = round_up((size_t)p->worksize);
  for (uint32_t i = 0; in && i < p->nin; i++) {
    const cj_view *shape = &p->shape.at[p->input.at[i]];
    if (!is_rowmajor(shape, in[i].stride)) n += round_up(cjt_bytes(shape->type));
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
    if (is_rowmajor(shape, in[i].stride)) continue;
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

/* Elements begin..end-1 of what a group loads. */
static void load_range(const cje_gather *from, char *const *base, char *dst, int64_t begin, int64_t end) {
  const cje_pattern *q = &from->pattern;
  const char *src = base[from->from.base] + from->from.offset;
  if (from->picked)
    cjk_pick(dst, src, from->step, (const int64_t *)(void *)(base[from->index.base] + from->index.offset) + begin,
             end - begin, q->esize);
  else if (q->ndim == 1)
    cjk_load(dst, src + begin * q->stride[0] * (int64_t)q->esize, q->stride[0], end - begin, q->esize);
  else
    cje_pattern_load(q, dst, src, begin, end - begin);
}

void cje_load_block(const cje_gather *from, char *const *base, char *dst, int64_t first, int64_t n) {
  int64_t begin = first > from->begin ? first : from->begin, end = first + n < from->end ? first + n : from->end;
  size_t size = from->pattern.esize;
  if (begin >= end) begin = end = first;
  if (begin > first) memset(dst, 0, (size_t)(begin - first) * size);
  if (end < first + n) memset(dst + (size_t)(end - first) * size, 0, (size_t)(first + n - end) * size);
  if (begin < end) load_range(from, base, dst + (size_t)(begin - first) * size, begin, end);
}

const char *cje_window_block(const cje_gather *from, char *const *base, char *dst, int64_t first, int64_t n) {
  if (first >= from->begin && first + n <= from->end)
    return base[from->from.base] + from->from.offset + first * (int64_t)from->pattern.esize;
  cje_load_block(from, base, dst, first, n);
  return dst;
}

void cje_store_block(const cje_gather *to, char *dst, const char *src, int64_t first, int64_t n) {
  int64_t begin = first > to->begin ? first : to->begin, end = first + n < to->end ? first + n : to->end;
  if (begin < end)
    cje_pattern_store(&to->pattern, dst, src + (begin - first) * (int64_t)to->pattern.esize, begin, end - begin);
}

/* FAR_BYTES: far more than the L2 cache holds. */
enum { FAR_BYTES = 1 << 22, CACHE_LINE = 64 };

/* Of rows first .. first+n-1 those from begin to before end are stored with all their columns. */
static void find_whole_rows(const cje_gather *to, int64_t first, int64_t n, int64_t *begin, int64_t *end) {
  *begin = first;
  *end = first + n;
  for (int i = 0; i < to->columns; i++) {
    if (to[i].begin > *begin) *begin = to[i].begin;
    if (to[i].end < *end) *end = to[i].end;
  }
  if (*begin > *end) *begin = *end = first;
}

char *cje_rows_block(const cje_gather *to, char *base, char *slots, int64_t first, int64_t n) {
  int64_t begin, end;
  find_whole_rows(to, first, n, &begin, &end);
  return end - begin == n ? base + to->from.offset + 8 * to->columns * first : slots;
}

/* Rows first .. end-1, of which row is the first in src. */
static void store_some_columns(const cje_gather *to, char *base, const char *row, int64_t first, int64_t end) {
  for (; first < end; first++)
    for (int i = 0; i < to->columns; i++, row += 8)
      if (first >= to[i].begin && first < to[i].end)
        memcpy(base + to->from.offset + 8 * (to->columns * first + i), row, 8);
}

void cje_store_rows(const cje_gather *to, char *base, const char *slots, int64_t first, int64_t n) {
  int64_t begin, end, size = 8 * to->columns;
  find_whole_rows(to, first, n, &begin, &end);
  store_some_columns(to, base, slots, first, begin);
  memcpy(base + to->from.offset + size * begin, slots + size * (begin - first), (size_t)(size * (end - begin)));
  store_some_columns(to, base, slots + size * (end - first), end, first + n);
}

void cje_weave_block(const cje_gather *to, char *base, char *const *src, int64_t first, int64_t n) {
  int64_t begin, end, k = to->columns;
  find_whole_rows(to, first, n, &begin, &end);
  const char *x[CJK_WEAVE];
  for (int64_t i = 0; i < k; i++) {
    x[i] = src[i] + 8 * (begin - first);
    cje_store_block(&to[i], base + to[i].from.offset, src[i], first, begin - first);
    cje_store_block(&to[i], base + to[i].from.offset, src[i] + 8 * (end - first), end, first + n - end);
  }
  cjk_weave(base + to->from.offset + 8 * k * begin, x, (int)k, end - begin, to->pattern.dim[0] >= FAR_BYTES / 8 / k);
}

/* The pointers of a frame are written long before they are read: one that is asked for right after it was written,
** while many stores are still under way, is waited for. */
static void set_frames(const runner *u, const cje_group *k, char **frame) {
  const cje_blockop *op = &u->p->blockop.at[k->op], *end = op + k->nop;
  const cje_place *place = &u->p->place.at[k->place];
  char **table = frame + CJE_FRAME * k->nop;
  for (uint32_t i = 0; i < k->nslot; i++) table[i] = u->base[CJE_WORK] + k->slots + i * k->slotsize;
  for (uint32_t i = 0; i < k->nfixed + k->nmoving; i++) table[k->nslot + i] = at(u, &place[i]);
  for (; op < end; op++, frame += CJE_FRAME) {
    for (int i = 0; op->fn < CJE_STORE && i < 3; i++) frame[i] = table[op->x[i]];
    frame[CJE_RESULT] = table[op->y];
  }
}

static void advance_frames(const cj_plan *p, const cje_group *k, char **frame) {
  const uint32_t *at = &p->cell.at[k->advance], *end = at + 2 * (size_t)k->nadvance;
  for (; at < end; at += 2) frame[at[0]] += at[1];
}

static void gather_op(const runner *u, const cje_blockop *op, char *values, int64_t first, int64_t n) {
  const cje_gather *gather = &u->p->gather.at[op->x[0]];
  if (op->fn == CJE_LOAD)
    cje_load_block(gather, u->base, values, first, n);
  else
    cje_store_block(gather, at(u, &gather->from), values, first, n);
}

static inline void block_op(const runner *u, const cje_blockop *op, char *const *frame, int64_t first, int64_t n) {
  if (op->loop)
    op->loop(n, frame[CJE_RESULT], (const void *const *)frame, op->splat);
  else if (op->fn >= CJE_STORE)
    gather_op(u, op, frame[CJE_RESULT], first, n);
  else
    cje_cast_block(&u->p->fn.at[op->fn], n, frame[CJE_RESULT], frame[0], op->splat & 1);
}

/* A processor foresees whom this place of the code calls by the branches before, which are all alike after a long loop.
** So each of the first 16 instructions is called from a place of its own. */
#define ONE                                                                                                            \
  if (op == end) return;                                                                                               \
  block_op(u, op++, frame, first, n);                                                                                  \
  frame += CJE_FRAME;
#define FOUR ONE ONE ONE ONE
static void run_block(const runner *u, const cje_group *k, char *const *frame, int64_t first, int64_t n) {
  const cje_blockop *op = &u->p->blockop.at[k->op], *end = op + k->nop;
  for (;;) { FOUR FOUR FOUR FOUR }
}
#undef ONE
#undef FOUR

/* The processor foresees vectors read from end to end.  A block is too short for that, so its elements are asked for
** while the one before is computed. */
static void fetch_block(const runner *u, const cje_group *k, int64_t first) {
  const cje_place *place = &u->p->place.at[k->place + k->nfixed];
  int64_t n = k->n - first < k->block ? k->n - first : k->block;
  for (uint32_t i = 0; i < k->nmoving; i++) {
    const char *x = at(u, &place[i]) + first * (int64_t)place[i].size;
    for (int64_t j = 0; j < n * (int64_t)place[i].size; j += CACHE_LINE) __builtin_prefetch(x + j);
  }
}

static cj_status run_group(const runner *u, const cje_group *k) {
  if (k->code) {
    k->code(u->base);
    return CJ_OK;
  }
  char **frame = (char **)(void *)(u->base[CJE_WORK] + k->table);
  set_frames(u, k, frame);
  for (int64_t first = 0;;) {
    int64_t n = k->n - first < k->block ? k->n - first : k->block;
    if (k->far) fetch_block(u, k, first + n);
    run_block(u, k, frame, first, n);
    first += n;
    if (first >= k->n) return CJ_OK;
    if (cancelled(u)) return CJ_ECANCEL;
    advance_frames(u->p, k, frame);
  }
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
  case CJE_TAPE: return cje_tape_run(u->p, &u->p->tape.at[s->first], u->base, u->report->cancel);
  case CJE_LOOP: return cje_run_loop(u->p, &u->p->loop.at[s->first], u->base, u->report);
  default: return kernel_step(u, s);
  }
}

/* Why and where step s failed. */
static void tell_failure(const runner *u, const cje_step *s, cj_status st) {
  const cje_check *k = s->kind == CJE_TAPE ? cje_tape_failure(u->p, &u->p->tape.at[s->first], u->base) : NULL;
  if (st == CJ_EDOMAIN) u->report->fault = cjr_row(k ? k->op : s->op)->fault;
  u->report->where = k ? k->line : s->line;
}

cj_status cje_run_steps(const cj_plan *p, char **base, cje_report *report) {
  runner u = {p, base, report};
  for (uint32_t i = 0; i < p->step.n; i++) {
    cj_status st = cancelled(&u) ? CJ_ECANCEL : run_step(&u, &p->step.at[i]);
    if (st == CJ_OK) continue;
    if (p->step.at[i].kind == CJE_LOOP || st == CJ_ECANCEL) return st; /* told by the body */
    tell_failure(&u, &p->step.at[i], st);
    return st;
  }
  return CJ_OK;
}

/* The only step is machine code and all goes well.  If not, it runs once more to say what is wrong. */
static bool run_whole(const cj_plan *p, char **base, const volatile int *cancel) {
  if (!p->whole || (cancel && *cancel)) return false;
  p->whole(base);
  return p->check.n == 0 || !cje_tape_failure(p, p->tape.at, base);
}

cj_status cje_plan_run(const cj_plan *p, const cj_view *in, void *const *out, void *work, const volatile int *cancel,
                       const char **fault, int *where) {
  cje_report report = {.cancel = cancel};
  cj_status st = CJ_OK;
  find_bases(p, (char **)work, in, out, work);
  if (!run_whole(p, (char **)work, cancel)) st = cje_run_steps(p, (char **)work, &report);
  if (fault) *fault = report.fault;
  if (where) *where = report.where;
  return st;
}
