/* run.c -- running a derivative. */
#include "jacobian/derived.h"
#include "kernel/kernels.h"

#include <string.h>

typedef struct running {
  cj_ctx *c;
  const cjj_derived *d;
  const cj_view *in;
  void *const *out;
  char *scratch, *work;
  const char **fault;
  int *where;
} running;

static char *scratch_at(const running *r, const cjj_buf *b) { return r->scratch + b->at; }

static void *block_of(const running *r, int i, int j) {
  return r->out[r->d->first + (size_t)i * (size_t)r->d->cut.nx + (size_t)j];
}
static bool filled(const running *r, int i, int j) {
  return r->d->filled[(size_t)i * (size_t)r->d->cut.nx + (size_t)j];
}
static const cj_type *block_type(const running *r, int i, int j) {
  return cjj_out(r->d, (int)r->d->first + i * r->d->cut.nx + j);
}

static cj_status run_stage(const running *r, const cjj_stage *s, const cj_view *in, void *const *out) {
  return cje_plan_run(s->plan, in, out, r->work, r->c->cancel, r->fault, r->where);
}

static cj_view *views_of(const running *r, const cjj_stage *s) { /* of its inputs, all in scratch memory */
  cj_view *v = (cj_view *)(void *)r->scratch;
  for (uint32_t k = 0; k < s->nin; k++) v[k] = cjt_rowmajor(scratch_at(r, &s->buf[k]), &s->buf[k].type);
  return v;
}

static void **pointers(const running *r, const cjj_stage *s) { /* room for those of its outputs, after the views */
  size_t n = s->nin * sizeof(cj_view);
  return (void **)(void *)(r->scratch + (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN);
}

/* --- the head ------------------------------------------------------------------------------ */

static cj_status run_head(const running *r) {
  const cjj_derived *d = r->d;
  void **out = pointers(r, &d->head);
  for (uint32_t k = 0; k < d->head.nout; k++)
    out[k] = k < d->first ? r->out[k] : scratch_at(r, &d->head.buf[k - d->first]);
  for (int i = 0; i < d->cut.ny; i++)
    for (int j = 0; j < d->cut.nx; j++)
      if (!filled(r, i, j)) memset(block_of(r, i, j), 0, cjt_bytes(block_type(r, i, j)));
  return run_stage(r, &d->head, r->in, out);
}

/* --- one step of a loop ---------------------------------------------------------------------- */

/* Where the rows of seeds from first on go: into the block, among the compressed rows, or aside. */
static void aim(const running *r, const cjj_loop *l, int64_t first, void **out) {
  const cjj_part *part = &r->d->cut.part[l->pass.part];
  const cjj_member *m = &r->d->cut.member[l->pass.member];
  for (uint32_t k = 0, j = 0; k < l->body.nout; k++, j++) {
    const cjj_buf *b = &l->body.buf[l->body.nin + k];
    size_t row = cjt_bytes(&b->type) / (size_t)l->step;
    while (part->reverse && !part->active[j]) j++;
    if (l->direct)
      out[k] = (char *)block_of(r, m->index, (int)j) + (size_t)first * row;
    else
      out[k] = scratch_at(r, b) + (l->tail.plan ? (size_t)first * row : 0);
  }
}

/* Of a step's seeds first .. first + step, those of member m: from seed *s on, *n of them, which start at its
** element *e. */
static void overlap(const cjj_loop *l, const cjj_member *m, int64_t size, int64_t first, int64_t *s, int64_t *e,
                    int64_t *n) {
  int64_t from = m->at > first ? m->at : first, to = m->at + size, end = first + l->step;
  *s = from - first;
  *e = from - m->at;
  *n = (to < end ? to : end) - from;
}

static int64_t member_size(const cjj_loop *l, uint32_t q) { return cjt_count(&l->body.buf[q].type) / l->step; }

/* Rows that lie aside, of several outputs, into their blocks. */
static void put_rows(const running *r, const cjj_loop *l, int64_t first) {
  const cjj_cut *cut = &r->d->cut;
  const cjj_part *part = &cut->part[l->pass.part];
  for (uint32_t q = 0; q < l->pass.n; q++) {
    const cjj_member *m = &cut->member[l->pass.member + q];
    int64_t s, e, n;
    overlap(l, m, member_size(l, q), first, &s, &e, &n);
    for (uint32_t k = 0, j = 0; n > 0 && k < l->body.nout; k++, j++) {
      const cjj_buf *b = &l->body.buf[l->body.nin + k];
      size_t row = cjt_bytes(&b->type) / (size_t)l->step;
      while (!part->active[j]) j++;
      if (row)
        memcpy((char *)block_of(r, m->index, (int)j) + (size_t)e * row, scratch_at(r, b) + (size_t)s * row,
               (size_t)n * row);
    }
  }
}

/* Turned rows that lie aside, as columns into the blocks of several inputs. */
static void put_columns(const running *r, const cjj_loop *l, int64_t first) {
  const cjj_cut *cut = &r->d->cut;
  for (uint32_t q = 0; q < l->pass.n; q++) {
    const cjj_member *m = &cut->member[l->pass.member + q];
    int64_t s, e, n, size = member_size(l, q);
    overlap(l, m, size, first, &s, &e, &n);
    for (int i = 0, k = 0; n > 0 && i < cut->ny; i++) {
      if (!filled(r, i, m->index)) continue;
      const cjj_buf *b = &l->body.buf[l->body.nin + (uint32_t)k++];
      cj_type full = {.dtype = b->type.dtype, .rank = 2, .dim = {b->type.dim[0], size}}, some = full;
      some.dim[1] = n;
      cj_view dst = cjt_rowmajor(block_of(r, i, m->index), &full);
      cj_view src = {scratch_at(r, b) + (size_t)s * cjt_dsize(full.dtype), &some, {l->step, 1}};
      cjk_putregion(&dst, 1, e, 1, &src);
    }
  }
}

static cj_status run_seeds(const running *r, const cjj_loop *l, int64_t first) {
  const cjj_cut *cut = &r->d->cut;
  const cjj_part *part = &cut->part[l->pass.part];
  for (uint32_t q = 0; q < l->pass.n; q++) {
    cj_type size = {.dtype = l->body.buf[q].type.dtype, .rank = 1, .dim = {member_size(l, q)}};
    cjj_fill_seeds(part, &cut->member[l->pass.member + q], &size, first, l->step, scratch_at(r, &l->body.buf[q]));
  }
  void **out = pointers(r, &l->body);
  cj_view *in = views_of(r, &l->body);
  aim(r, l, first, out);
  cj_status s = run_stage(r, &l->body, in, out);
  if (s != CJ_OK || l->direct || l->tail.plan) return s;
  if (part->reverse)
    put_rows(r, l, first);
  else
    put_columns(r, l, first);
  return CJ_OK;
}

/* --- a loop --------------------------------------------------------------------------------------- */

static cj_status run_tail(const running *r, const cjj_loop *l) {
  const cjj_part *part = &r->d->cut.part[l->pass.part];
  void **out = pointers(r, &l->tail);
  cj_view *in = views_of(r, &l->tail);
  uint32_t k = 0;
  for (int i = 0; i < r->d->cut.ny; i++)
    for (int j = 0; j < r->d->cut.nx; j++)
      if (part->active[j] && filled(r, i, j)) out[k++] = block_of(r, i, j);
  CJ_ASSERT(k == l->tail.nout);
  return run_stage(r, &l->tail, in, out);
}

/* The last step overlaps the one before it rather than being shorter: the same bits come out again. */
static cj_status run_loop(const running *r, const cjj_loop *l) {
  int64_t end = l->pass.first + l->pass.nseed, last = end - l->step;
  for (int64_t first = l->pass.first; first < end; first += l->step) {
    cj_status s = run_seeds(r, l, first < last ? first : last);
    if (s != CJ_OK) return s;
  }
  return l->tail.plan ? run_tail(r, l) : CJ_OK;
}

static cj_status run_loops(const running *r) {
  cj_status s = run_head(r);
  for (uint32_t k = 0; k < r->d->nloop && s == CJ_OK; k++) s = run_loop(r, &r->d->loop[k]);
  return s;
}

static size_t work_of_loops(const cjj_derived *d, const cj_view *in) {
  size_t head = cje_plan_worksize(d->head.plan, in);
  return head > d->work ? head : d->work;
}

cj_status cjj_run(cj_ctx *c, cjj_derived *d, const cj_view *in, void *const *out, const char **fault, int *where) {
  size_t n = d->plan ? cje_plan_worksize(d->plan, in) : d->scratch + work_of_loops(d, in);
  char *room = n ? cje_work_take(c, n) : NULL;
  cj_status s;
  if (n && !room) return c->status;
  if (d->plan)
    s = cje_plan_run(d->plan, in, out, room, c->cancel, fault, where);
  else
    s = run_loops(&(running){c, d, in, out, room, room + d->scratch, fault, where});
  if (room) cje_work_give(c, room, n);
  return s;
}
