/* plan_print.c -- a plan as text: one step a line, what is in groups below it. */
#include "exec/plan.h"

typedef struct plan_printer {
  const cj_plan *p;
  cj_write_fn write;
  void *ud;
  char line[1024];
  cj_text t;
  cj_status st;
} plan_printer;

static void end_line(plan_printer *w) {
  if (w->t.n + 2 > w->t.cap) { /* cut: too many operands for one line */
    w->t.n = w->t.cap - 5;
    cjm_puts(&w->t, "...");
  }
  cjm_puts(&w->t, "\n");
  if (w->st == CJ_OK) w->st = w->write(w->ud, w->t.s, w->t.n);
  w->t.n = 0;
  w->t.s[0] = 0;
}

static void put_place(plan_printer *w, uint32_t base, int64_t offset) {
  const cj_plan *p = w->p;
  if (base == CJE_WORK)
    cjm_puts(&w->t, "work");
  else if (base == CJE_KONST)
    cjm_puts(&w->t, "konst");
  else if (base < CJE_INPUT + p->nin)
    cjm_putf(&w->t, "in%u", base - CJE_INPUT);
  else if (base < cje_tensor_base(p, 0))
    cjm_putf(&w->t, "out%u", base - cje_output_base(p, 0));
  else
    cjm_putf(&w->t, "tensor%u", base - cje_tensor_base(p, 0));
  if (offset || base == CJE_WORK) cjm_putf(&w->t, "%+lld", (long long)offset);
}

static void put_strides(plan_printer *w, int n, const int64_t *stride) {
  for (int i = 0; i < n; i++) cjm_putf(&w->t, "%s%lld", i ? ", " : "(", (long long)stride[i]);
  cjm_puts(&w->t, ")");
}

static void put_operand(plan_printer *w, const cje_operand *o) {
  const cj_view *shape = &w->p->shape.at[o->shape];
  put_place(w, o->base, o->offset);
  cjm_puts(&w->t, ":");
  cjt_puttype(&w->t, shape->type);
  if (!cjt_iscontiguous(shape->type, shape->stride)) put_strides(w, shape->type->rank, shape->stride);
}

static void kernel(plan_printer *w, const cje_step *s) {
  const cje_operand *o = &w->p->operand.at[s->first];
  put_operand(w, &o[s->nin]);
  cjm_putf(&w->t, " = %s", s->kind == CJE_EVAL ? cjr_row(s->op)->name : "copy");
  for (int i = 0; i < s->nin; i++) {
    cjm_puts(&w->t, i ? ", " : " ");
    put_operand(w, &o[i]);
  }
  if (s->line) cjm_putf(&w->t, "  line %d", (int)s->line);
  end_line(w);
}

/* --- groups ------------------------------------------------------------------------------------------------ */

static void put_entry(plan_printer *w, const cje_group *k, uint32_t entry) {
  if (entry < k->nslot) {
    cjm_putf(&w->t, "s%u", entry);
    return;
  }
  const cje_place *at = &w->p->place.at[k->place + entry - k->nslot];
  put_place(w, at->base, at->offset);
  if (entry < k->nslot + k->nfixed) cjm_puts(&w->t, "[0]");
}

static void put_gather(plan_printer *w, const cje_gather *from) {
  const cje_pattern *q = &from->pattern;
  put_place(w, from->from.base, from->from.offset);
  put_strides(w, q->ndim, q->dim);
  put_strides(w, q->ndim, q->stride);
  if (!from->picked) return;
  cjm_puts(&w->t, " by ");
  put_place(w, from->index.base, from->index.offset);
}

static void blockop(plan_printer *w, const cje_group *k, const cje_blockop *op) {
  const cj_plan *p = w->p;
  cjm_puts(&w->t, "    ");
  if (op->fn == CJE_STORE) put_gather(w, &p->gather.at[op->x[0]]), cjm_puts(&w->t, " = store ");
  put_entry(w, k, op->y);
  if (op->fn == CJE_LOAD) {
    cjm_puts(&w->t, " = load ");
    put_gather(w, &p->gather.at[op->x[0]]);
  } else if (op->fn != CJE_STORE) {
    const cje_fn *f = &p->fn.at[op->fn];
    cjm_putf(&w->t, " = %s %s", cjr_row(f->op)->name, cj_dtype_name((cj_dtype)f->xdtype[f->nin - 1]));
    for (int i = 0; i < f->nin; i++) {
      cjm_puts(&w->t, i ? ", " : " ");
      put_entry(w, k, op->x[i]);
    }
  }
  end_line(w);
}

static void group(plan_printer *w, const cje_group *k) {
  cjm_putf(&w->t, "group of %lld, blocks of %lld, %u slots at work%+lld", (long long)k->n, (long long)k->block,
           k->nslot, (long long)k->slots);
  end_line(w);
  for (uint32_t i = 0; i < k->nop; i++) blockop(w, k, &w->p->blockop.at[k->op + i]);
}

/* --- tapes --------------------------------------------------------------------------------------------------- */

/* From element k on, those that follow each other at both ends. */
static uint32_t moved_together(const cj_plan *p, const cje_move *m, uint32_t k) {
  uint32_t n = 1, cell = cje_move_cell(p, m, k), size = m->place.size;
  int64_t at = cje_move_distance(p, m, k);
  while (k + n < m->n && cje_move_cell(p, m, k + n) == cell + n * size &&
         cje_move_distance(p, m, k + n) == at + n * size)
    n++;
  return n;
}

static void moves(plan_printer *w, const cje_move *m, uint32_t n, const char *verb) {
  for (uint32_t i = 0; i < n; i++, m++)
    for (uint32_t k = 0, more; k < m->n; k += more) {
      more = moved_together(w->p, m, k);
      cjm_putf(&w->t, "    %s c%u ", verb, cje_move_cell(w->p, m, k));
      put_place(w, m->place.base, m->place.offset + cje_move_distance(w->p, m, k));
      cjm_putf(&w->t, " %u bytes", more * m->place.size);
      end_line(w);
    }
}

static void tape_run(plan_printer *w, const cje_run *run) {
  const cje_fn *f = &w->p->fn.at[run->fn];
  cjm_putf(&w->t, "    c%u = %u * %s %s", run->y, (unsigned)run->n, cjr_row(f->op)->name,
           cj_dtype_name((cj_dtype)f->xdtype[f->nin - 1]));
  for (int i = 0; i < f->nin; i++) {
    uint32_t n = run->mode[i] == CJE_GATHERED ? run->n : 1;
    cjm_puts(&w->t, i ? ", " : " ");
    for (uint32_t k = 0; k < n; k++) cjm_putf(&w->t, "%sc%u", k ? " " : "", cje_run_cell(w->p, run, i, k));
    if (run->mode[i] == CJE_DIRECT && run->n > 1) cjm_puts(&w->t, "..");
  }
  end_line(w);
}

static void tape(plan_printer *w, const cje_tape *t) {
  const cj_plan *p = w->p;
  cjm_putf(&w->t, "tape of %u runs, cells at work%+lld", t->nrun, (long long)t->cells);
  end_line(w);
  moves(w, &p->move.at[t->load], t->nload, "load");
  for (uint32_t i = 0; i < t->nrun; i++) tape_run(w, &p->run.at[t->run + i]);
  moves(w, &p->move.at[t->store], t->nstore, "store");
}

/* --- loops ---------------------------------------------------------------------------------------------------- */

static void loop(plan_printer *w, const cje_loop *l) {
  const cje_operand *o = &w->p->operand.at[l->operand];
  put_place(w, o[l->nin].base, o[l->nin].offset);
  cjm_putf(&w->t, " = loop of %lld steps%s, %u carries, %u rows, %u constants, %u ys, %u sums", (long long)l->steps,
           l->reverse ? " backwards" : "", l->ncarry, l->nx, l->nin - l->ncarry - l->nx, l->ny,
           l->nout - l->ncarry - l->ny);
  end_line(w);
  if (w->st == CJ_OK) w->st = cje_plan_write(l->body, w->write, w->ud); /* as deep as programs nest */
}

/* --- all --------------------------------------------------------------------------------------------------------- */

cj_status cje_plan_write(const cj_plan *p, cj_write_fn write, void *ud) {
  plan_printer w = {.p = p, .write = write, .ud = ud, .st = CJ_OK};
  w.t = (cj_text){w.line, 0, sizeof w.line};
  cjm_putf(&w.t, "plan: %u inputs, %u outputs, %u steps, workspace of %lld bytes", p->nin, p->nout, p->step.n,
           (long long)p->worksize);
  end_line(&w);
  for (uint32_t i = 0; i < p->step.n && w.st == CJ_OK; i++) {
    const cje_step *s = &p->step.at[i];
    cjm_putf(&w.t, "%4u ", i + 1);
    if (s->kind == CJE_GROUP)
      group(&w, &p->group.at[s->first]);
    else if (s->kind == CJE_LOOP)
      loop(&w, &w.p->loop.at[s->first]);
    else if (s->kind == CJE_TAPE)
      tape(&w, &p->tape.at[s->first]);
    else
      kernel(&w, s);
  }
  return w.st;
}

cje_counts cje_plan_counts(const cj_plan *p) {
  cje_counts k = {.work = cje_plan_worksize(p, NULL), .constants = p->konst.n * sizeof *p->konst.at};
  for (uint32_t i = 0; i < p->step.n; i++) {
    int kind = p->step.at[i].kind;
    k.kernels += kind == CJE_EVAL;
    k.copies += kind == CJE_COPY;
    k.groups += kind == CJE_GROUP;
    k.tapes += kind == CJE_TAPE;
  }
  for (uint32_t i = 0; i < p->tensor.n; i++) k.constants += cjt_bytes(&p->tensor.at[i]->type);
  return k;
}
