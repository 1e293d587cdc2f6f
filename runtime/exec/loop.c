/* loop.c -- planning loops: which histories are kept, the plan of the body, buffers. */
#include "exec/loop.h"
#include "graph/sub.h"
#include "rules/build.h"

#include <string.h>

/* --- what is read of a result ------------------------------------------------------------------------------ */

static cje_draftloop *draft_of(const cje_planner *P, cj_ref r) {
  uint32_t lo = 0, hi = P->loops.n;
  while (lo + 1 < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    *(P->loops.at[mid].ref <= r ? &lo : &hi) = mid;
  }
  return &P->loops.at[lo];
}

static bool kept_history(const cje_planner *P, const cje_draftloop *d, int carry) {
  return P->keep.at[d->keep + carry];
}

/* Elements lo .. hi of the result are read. */
static void read_range(cje_planner *P, cj_ref r, int64_t lo, int64_t hi) {
  cjg_loop l = cjg_loop_of(P->g, r);
  const cje_draftloop *d = draft_of(P, r);
  int64_t first = 0;
  for (int k = 0; k < l.ncarry; k++) {
    int64_t row = cjt_count(cjg_type(l.body, l.body->out[k])), size = row * (l.steps + 1);
    int64_t last = first + cjg_last_entry(&l) * row, from = lo > first ? lo : first;
    int64_t to = hi < first + size - 1 ? hi : first + size - 1;
    if (from <= to && (from < last || to >= last + row)) P->keep.at[d->keep + (uint32_t)k] = 1;
    first += size;
  }
}

static void read_by(cje_planner *P, cj_ref user, cj_ref r) {
  const cj_attr *a = cjg_attr(P->g, user);
  if (cjg_at(P->g, user)->op != CJ_OP_slice) {
    read_range(P, r, 0, INT64_MAX);
  } else if (a->v[3] > 0) {
    int64_t first = a->v[1], last = first + (a->v[3] - 1) * a->v[2];
    read_range(P, r, first < last ? first : last, first < last ? last : first);
  }
}

static bool note_loop(cje_planner *P, cj_ref r) {
  uint32_t n = (uint32_t)cjg_loop_of(P->g, r).ncarry;
  if (!CJE_ROOM(P, P->loops) || !CJM_GROW(P->c, P->keep.at, P->keep.cap, P->keep.n + (size_t)n)) return false;
  if (n) memset(P->keep.at + P->keep.n, 0, n);
  P->loops.at[P->loops.n++] = (cje_draftloop){r, P->keep.n};
  P->keep.n += n;
  return true;
}

bool cje_loops_open(cje_planner *P) {
  const cj_graph *g = P->g;
  if (!g->nsub) return true;
  for (cj_ref r = 1; r < g->len; r++) {
    if (!P->live[r]) continue;
    if (cjg_isloop(g, r) && !note_loop(P, r)) return false;
    for (int i = 0; !cjg_issource(g, r) && i < cjg_at(g, r)->nin; i++) {
      cj_ref x = cjg_operands(g, r)[i];
      if (cjg_isloop(g, x)) read_by(P, r, x);
    }
  }
  for (uint32_t k = 0; k < g->nout; k++)
    if (cjg_isloop(g, g->out[k])) read_range(P, g->out[k], 0, INT64_MAX);
  return true;
}

void cje_loops_close(cje_planner *P) {
  cjm_free(P->c, P->loops.at, P->loops.cap * sizeof *P->loops.at);
  cjm_free(P->c, P->keep.at, P->keep.cap);
}

/* Part k of r: where it lies, its entries that are there. */
typedef struct placed {
  int64_t at, row, entries; /* at, row: in elements */
  bool last;                /* the last entry only */
} placed;

static placed next_part(const cje_planner *P, const cjg_loop *l, const cje_draftloop *d, int k, const placed *before) {
  placed p = {.row = cjt_count(cjg_type(l->body, l->body->out[k]))};
  p.last = k < l->ncarry && !kept_history(P, d, k);
  p.entries = p.last ? 1 : k < l->ncarry ? l->steps + 1 : k < l->ncarry + l->ny ? l->steps : 1;
  p.at = before->at + before->row * before->entries;
  return p;
}

int64_t cje_loop_offset(const cje_planner *P, cj_ref r, int64_t first) {
  cjg_loop l = cjg_loop_of(P->g, r);
  const cje_draftloop *d = draft_of(P, r);
  placed p = {0};
  for (int k = 0; k < l.nout; k++) {
    p = next_part(P, &l, d, k, &p);
    int64_t size = p.row * (k < l.ncarry ? l.steps + 1 : p.entries);
    if (first < size) return p.at + first - (p.last ? cjg_last_entry(&l) * p.row : 0);
    first -= size;
  }
  return p.at + p.row * p.entries; /* its end */
}

/* --- the body -------------------------------------------------------------------------------------------------- */

/* The body with sums that go on: one more argument for each sum so far, which is added to. */
static cj_graph *summing(const cjg_loop *l) {
  const cj_graph *b = l->body;
  cj_graph *g = cjg_new(b->c);
  int first = l->ncarry + l->ny;
  size_t nin = (size_t)l->nin + (size_t)(l->nout - first), bytes = (nin + (size_t)l->nout + 1) * sizeof(cj_ref);
  cj_ref *in = g ? cjm_alloc(b->c, bytes) : NULL;
  if (in) {
    cj_ref *out = in + nin;
    for (int i = 0; i < l->nin; i++) in[i] = cjg_arg(g, cjg_type(b, b->arg[i]));
    for (int k = first; k < l->nout; k++) in[l->nin + k - first] = cjg_arg(g, cjg_type(b, b->out[k]));
    if (cjg_ok(g) && cjg_inline(g, b, in, out))
      for (int k = 0; k < l->nout; k++) cjg_output(g, k < first ? out[k] : cjb_add(g, in[l->nin + k - first], out[k]));
  }
  cjm_free(b->c, in, bytes);
  if (g && cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}

/* From so many steps on the body is worth its best plan, even if the loop runs once. */
enum { MANY_STEPS = 64 };

static bool plan_body(cje_planner *P, const cjg_loop *l, cje_loop *to) {
  cj_graph *own = l->steps != 1 && l->nout > l->ncarry + l->ny ? summing(l) : NULL;
  if (cjm_ok(P->c)) {
    const cj_graph *body = own ? own : l->body;
    (void)(l->steps >= MANY_STEPS ? cje_plan_best(P->c, body, &to->body) : cje_plan_new(P->c, body, &to->body));
  }
  cjg_free(own);
  return cjm_ok(P->c);
}

/* --- buffers ------------------------------------------------------------------------------------------------------ */

static int64_t aligned_up(int64_t n) { return (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN; }

typedef struct loop_builder {
  cje_planner *P;
  cjg_loop l;
  const cje_draftloop *d;
  int64_t scratch, size; /* bytes so far; of an element of the result */
} loop_builder;

static int64_t take_scratch(loop_builder *b, int64_t nbytes) {
  int64_t at = b->scratch;
  if (__builtin_add_overflow(at, aligned_up(nbytes), &b->scratch)) b->scratch = PTRDIFF_MAX - CJ_ALIGN;
  return at;
}

static bool add_port(cje_planner *P, const cje_port *port) {
  if (!CJE_ROOM(P, P->p->port)) return false;
  P->p->port.at[P->p->port.n++] = *port;
  return true;
}

/* Operand i: where its rows are, or that it has to be copied. */
static bool operand_port(loop_builder *b, int i) {
  cje_planner *P = b->P;
  cj_ref x = cjg_operands(P->g, b->d->ref)[i];
  const cj_view *v = &P->p->shape.at[cje_shape_of(P, x)];
  bool rows = i >= b->l.ncarry && i < b->l.ncarry + b->l.nx;
  int64_t size = (int64_t)cjt_dsize(v->type->dtype);
  cj_type row = *cjg_type(b->l.body, b->l.body->arg[i]);
  cje_port port = {.step = rows ? cjt_count(&row) * size : 0, .other = -1};
  if (!cjt_iscontiguous(&row, v->stride + rows))
    port.other = take_scratch(b, (int64_t)cjt_bytes(v->type));
  else if (rows)
    port.step = v->stride[0] * size;
  return add_port(P, &port);
}

static bool result_ports(loop_builder *b) {
  placed p = {0};
  for (int k = 0; k < b->l.nout; k++) {
    p = next_part(b->P, &b->l, b->d, k, &p);
    cje_port port = {.at = p.at * b->size, .step = p.row * b->size, .other = -1};
    bool sum = k >= b->l.ncarry + b->l.ny && b->l.steps != 1;
    if (p.last || sum) port.other = take_scratch(b, port.step);
    if (!add_port(b->P, &port)) return false;
  }
  return true;
}

static bool place_loop(loop_builder *b) {
  cje_planner *P = b->P;
  cj_ref r = b->d->ref;
  if (P->root[r].base != CJE_WORK) return true;
  return cje_settle(P, r, cje_loop_offset(P, r, INT64_MAX) * b->size);
}

static bool loop_operands(loop_builder *b) {
  cje_planner *P = b->P;
  cj_ref r = b->d->ref;
  for (int i = 0; i < b->l.nin; i++) {
    cj_ref x = cjg_operands(P->g, r)[i];
    cje_place at = cje_place_of(P, x);
    if (!cje_add_operand(P, &at, cje_shape_of(P, x))) return false;
  }
  cje_place at = {P->root[r].base, 0, P->root[r].offset};
  return cje_add_operand(P, &at, cjg_at(P->g, r)->type);
}

bool cje_lower_loop(cje_planner *P, uint32_t step) {
  cj_ref r = P->draft.at[step].head;
  loop_builder b = {.P = P, .l = cjg_loop_of(P->g, r), .d = draft_of(P, r)};
  cj_plan *p = P->p;
  b.size = (int64_t)cjt_dsize(cjg_type(P->g, r)->dtype);
  if (!CJE_ROOM(P, p->loop)) return false;
  cje_loop *to = &p->loop.at[p->loop.n++];
  *to = (cje_loop){.steps = b.l.steps, .reverse = b.l.reverse, .operand = p->operand.n, .port = p->port.n};
  to->nin = (uint32_t)b.l.nin;
  to->ncarry = (uint32_t)b.l.ncarry;
  to->nx = (uint32_t)b.l.nx;
  to->ny = (uint32_t)b.l.ny;
  to->nout = (uint32_t)b.l.nout;
  if (!plan_body(P, &b.l, to)) return false;
  for (int i = 0; i < b.l.nin; i++)
    if (!operand_port(&b, i)) return false;
  if (!result_ports(&b) || !place_loop(&b) || !loop_operands(&b)) return false;
  to->work = take_scratch(&b, (int64_t)cje_plan_worksize(to->body, NULL));
  return cje_scratch(P, b.scratch, &to->scratch);
}
