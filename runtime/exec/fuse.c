/*
** fuse.c -- which step computes which instruction.
**
** One pass in creation order.  An elementwise instruction joins the open group of its number of
** elements if all its operands are there by then: computed by earlier steps, or inside the group in the
** same order of elements (a reshape inside a group costs nothing).  Else it opens a new group at the end.
** A pack joins the group of single elements, which then also stores its elements where they belong.
** Every other instruction is a step of its own at the end.  So a group stands where its first
** instruction stood and only ever reads what stands before it.
*/
#include "exec/loop.h"
#include "graph/sub.h"

#include <string.h>

/* Joining a group computes a result earlier than it was asked for, and it then waits in a buffer.  Large
** results therefore join near groups only, and farther ones only if they read something of the group. */
enum { SMALL_SIZE = 128, NEAR = 8, FAR = 64, TAPE_MAX = 1 << 26, NOPEN = 256 };

static uint32_t new_step(cje_planner *P, cje_kind kind, uint32_t head, int64_t n) {
  if (!CJE_ROOM(P, P->draft)) return 0;
  P->draft.at[P->draft.n] = (cje_draft){.kind = (uint8_t)kind, .head = head, .tail = head, .count = 1, .n = n};
  return P->draft.n++;
}

static void use(cje_planner *P, cj_ref x, uint32_t step) {
  cje_root *r = &P->root[cje_root_of(P, x)];
  if (r->step != step && r->last < step) r->last = step;
}

static void computed_by(cje_planner *P, uint32_t root, uint32_t step) {
  P->root[root].step = step;
  if (P->root[root].last < step) P->root[root].last = step;
}

uint32_t cje_copy_step(cje_planner *P, cj_ref x) {
  uint32_t root = P->g->len + P->ncopy, step = new_step(P, CJE_COPY, x, 0);
  if (!step) return 0;
  CJ_ASSERT(root < P->nroot);
  P->ncopy++;
  P->draft.at[step].tail = root;
  computed_by(P, root, step);
  use(P, x, step);
  return root;
}

/* --- views ------------------------------------------------------------------------------------------- */

/* The view r of x, which is a view of row-major or known strides. */
static bool try_alias(cje_planner *P, cj_ref r, const cj_view *x, const cje_alias *from, bool *good) {
  const cj_type *t = cjg_type(P->g, r);
  bool sliced = from->root == cjg_operands(P->g, r)[0] && cjg_isloop(P->g, from->root);
  cje_alias a = *from;
  int64_t stride[CJ_MAXRANK] = {0}, offset = 0;
  *good = cjg_row(P->g, r)->alias(x->type, x->stride, cjg_attr(P->g, r), t, stride, &offset);
  if (!*good) return true;
  a.offset += sliced ? cje_loop_offset(P, from->root, offset) : offset;
  a.whole = a.whole && offset == 0 && cjt_count(t) == cjt_count(x->type) && cjt_iscontiguous(t, stride);
  return cje_set_alias(P, r, stride, &a);
}

/* r is a slice of something among zeros that is not there: the same of that something, as far as it goes. */
static bool fuse_window(cje_planner *P, cj_ref r) {
  cj_ref padded = cjg_operands(P->g, r)[0], x = cjg_operands(P->g, padded)[0];
  const cj_type *t = cjg_type(P->g, r);
  const cje_alias *known = cje_alias_of(P, x);
  cje_alias a = known ? *known : (cje_alias){.root = x};
  int64_t stride[CJ_MAXRANK], line, n = cjt_count(cjg_type(P->g, x));
  cjt_strides(t, stride);
  line = t->rank ? stride[0] : 1;
  int64_t shift = (cjg_attr(P->g, r)->v[1] - cjg_attr(P->g, padded)->v[1]) * line, m = cjt_count(t);
  a.whole = false;
  a.offset += shift;
  a.begin = shift < 0 ? -shift : 0;
  a.end = n - shift < m ? n - shift : m;
  a.window = a.begin > 0 || a.end < m;
  return cje_set_alias(P, r, stride, &a);
}

static bool fuse_view(cje_planner *P, cj_ref r) {
  cj_ref x = cjg_operands(P->g, r)[0];
  if (P->padded[x]) return fuse_window(P, r);
  const cje_alias *known = cje_alias_of(P, x);
  cje_alias from = known ? *known : (cje_alias){.root = x, .whole = true};
  cj_view shape = P->p->shape.at[cje_shape_of(P, x)];
  bool good;
  if (!try_alias(P, r, &shape, &from, &good)) return false;
  if (good) return true;
  from = (cje_alias){.root = cje_copy_step(P, x), .whole = true};
  shape = P->p->shape.at[cjg_at(P->g, x)->type];
  if (!from.root || !try_alias(P, r, &shape, &from, &good)) return false;
  if (CJ_NEVER(!good))
    return cjm_fail(P->c, CJ_EARG, "%s: no view of a contiguous operand", cjg_row(P->g, r)->name), false;
  return true;
}

/* --- elementwise instructions ------------------------------------------------------------------------- */

static bool can_join(const cje_planner *P, cj_ref r, uint32_t step) {
  const cj_ref *in = cjg_operands(P->g, r);
  bool inside = false;
  for (int i = 0; i < cjg_at(P->g, r)->nin; i++) {
    uint32_t s = P->root[cje_root_of(P, in[i])].step;
    if (s > step || (s == step && !cje_iswhole(P, in[i]))) return false;
    inside |= s == step;
  }
  const cje_draft *d = &P->draft.at[step];
  return d->n == 1 ? d->count < TAPE_MAX : d->n <= SMALL_SIZE || P->draft.n - step <= (inside ? FAR : NEAR);
}

static void join(cje_planner *P, cj_ref r, uint32_t step) {
  cje_draft *d = &P->draft.at[step];
  P->root[d->tail].next = r;
  d->tail = r;
  d->count++;
}

/* open: the newest group by number of elements; a collision forgets the older one. */
static uint32_t fuse_elementwise(cje_planner *P, cj_ref r, int64_t n, uint32_t *open) {
  uint32_t *slot = &open[(uint64_t)n * 0x9e3779b97f4a7c15u >> 56], step = *slot;
  if (step && P->draft.at[step].n == n && can_join(P, r, step)) {
    join(P, r, step);
    return step;
  }
  return *slot = new_step(P, n == 1 ? CJE_TAPE : CJE_GROUP, r, n);
}

/* cast is the one row that works element by element without being a row of elementwise.def. */
static bool isfused(int op) { return op == CJ_OP_cast || cjr_row(op)->kind == CJ_ELEMENTWISE; }

static bool is_afterwards(const cje_planner *P, cj_ref r) { return cje_ispack(P->g, r) || cje_ischeck(P->g, r); }

/* --- windows --------------------------------------------------------------------------------------- */

/* r is along its outermost axis, by step 1, and not empty. */
static bool is_outermost(const cje_planner *P, cj_ref r, int op) {
  const cj_attr *a = cjg_attr(P->g, r);
  bool same = cjg_at(P->g, r)->op == op && a->v[0] == cjg_type(P->g, r)->rank && a->v[2] == 1;
  return same && cjt_count(cjg_type(P->g, r)) > 1;
}

/* User r of x leaves it unneeded: a slice of something embedded, or elementwise instruction on such a slice. */
static bool reads_window(const cje_planner *P, cj_ref r, cj_ref x) {
  if (is_outermost(P, x, CJ_OP_embed)) return is_outermost(P, r, CJ_OP_slice) && P->padded[r];
  if (!is_outermost(P, x, CJ_OP_slice)) return false;
  return isfused(cjg_at(P->g, r)->op) && cjt_count(cjg_type(P->g, r)) == cjt_count(cjg_type(P->g, x));
}

/*
** Where something is put among zeros only to be read shifted, as in stencils, it need not be there: those who read it
** see what it is made of, and zeros elsewhere.  padded: by instruction, what is embedded so, and slices of it.
*/
static void find_padded(cje_planner *P) {
  const cj_graph *g = P->g;
  memset(P->padded, 1, g->len);
  for (uint32_t k = 0; k < g->nout; k++) P->padded[g->out[k]] = 0;
  for (cj_ref r = g->len - 1; r >= 1; r--) {
    P->padded[r] &= is_outermost(P, r, CJ_OP_embed) || is_outermost(P, r, CJ_OP_slice);
    if (!P->live[r] || cjg_issource(g, r)) continue;
    for (int i = 0; i < cjg_at(g, r)->nin; i++) {
      cj_ref x = cjg_operands(g, r)[i];
      if (P->padded[x]) P->padded[x] = reads_window(P, r, x);
    }
  }
  for (cj_ref r = 1; r < g->len; r++)
    if (cjg_at(g, r)->op == CJ_OP_slice) P->padded[r] = 0;
}

/* What is embedded as r lies row by row, so that it can be seen through windows. */
static bool is_seen_through(const cje_planner *P, cj_ref r) {
  cj_ref x = cjg_operands(P->g, r)[0];
  const cj_view *shape = &P->p->shape.at[cje_shape_of(P, x)];
  return cjt_iscontiguous(shape->type, shape->stride) && !cjg_isloop(P->g, cje_root_of(P, x));
}

static bool fuse_one(cje_planner *P, cj_ref r, uint32_t *open) {
  const cj_node *node = cjg_at(P->g, r);
  int64_t n = cjt_count(cjg_type(P->g, r));
  if (P->root[r].base != CJE_WORK || n == 0) return true; /* it is there, or nothing is to be computed */
  if (node->nin == 1 && cjr_row(node->op)->alias) return fuse_view(P, r);
  if (P->padded[r] && (P->padded[r] = is_seen_through(P, r))) {
    P->live[r] = false;
    return true;
  }
  uint32_t step = isfused(node->op)         ? fuse_elementwise(P, r, n, open)
                  : is_afterwards(P, r)     ? fuse_elementwise(P, r, 1, open)
                  : cjr_row(node->op)->subs ? new_step(P, CJE_LOOP, r, n)
                                            : new_step(P, CJE_EVAL, r, n);
  if (!step) return false;
  computed_by(P, r, step);
  for (int i = 0; i < node->nin; i++) use(P, cjg_operands(P->g, r)[i], step);
  if (P->draft.at[step].kind == CJE_EVAL && node->nin > P->maxin) P->maxin = node->nin;
  return true;
}

bool cje_fuse(cje_planner *P) {
  uint32_t open[NOPEN] = {0};
  find_padded(P);
  for (cj_ref r = 1; r < P->g->len; r++)
    if (P->live[r] && !fuse_one(P, r, open)) return false;
  return true;
}
