/* emit.c -- the one door: structural zeros, infer, fold, share, append. */
#include "graph/graph.h"
#include "graph/store.h"
#include "graph/sub.h"

#include <string.h>

/* What an instruction with a structural zero among its operands is.  True: *answer says it all.
** False: the operands in `in` are to be used, zeros having been written out where linearity allows. */
static bool with_zeros(cj_graph *g, int op, cj_ref *in, int nin, cj_ref *answer) {
  const cj_op *row = cjr_row(op);
  cj_ref some = 0;
  bool missing = false;
  *answer = 0;
  for (int i = 0; i < nin; i++) {
    if (in[i]) {
      if (row->lin >> (i < 31 ? i : 31) & 1) some = in[i];
      continue;
    }
    if (!(row->lin >> (i < 31 ? i : 31) & 1)) {
      if (cjg_ok(g)) cjm_fail(g->c, CJ_EARG, "%s: operand %d is missing", row->name, i + 1);
      return true;
    }
    missing = true;
  }
  if (!missing) return false;
  if (!(row->flags & CJ_JOINT) || !some) return true; /* 0 * z, or every term is zero */
  if (op == CJ_OP_add) return *answer = some, true;
  if (op == CJ_OP_sub) return *answer = in[0] ? in[0] : cjg_emit(g, CJ_OP_neg, &in[1], 1, NULL), true;
  int dtype = cjg_type(g, some)->dtype;
  for (int i = 0; i < nin; i++)
    if (!in[i] && !(in[i] = cjg_num(g, dtype, 0))) return true;
  return false;
}

static bool infer(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a, cj_type *t) {
  const cj_op *row = cjr_row(op);
  const cj_type *few[8], **types = few;
  if (CJ_NEVER(row->infer == NULL && !row->subs))
    return cjm_fail(g->c, CJ_EARG, "%s is no instruction", row->name), false;
  if (row->nin != 255 && nin != row->nin) {
    cjm_fail(g->c, CJ_EARG, "%s takes %d operands, got %d", row->name, row->nin, nin);
    return false;
  }
  if (nin > (int)CJ_COUNT(few) && !(types = cjm_alloc(g->c, (size_t)nin * sizeof *types))) return false;
  for (int i = 0; i < nin; i++) types[i] = cjg_type(g, in[i]);
  bool good = row->subs ? cjg_infer_sub(g, op, types, nin, a, t) : row->infer(g->c, row, types, nin, a, t);
  if (types != few) cjm_free(g->c, types, (size_t)nin * sizeof *types);
  return good && cjg_ok(g);
}

static cj_ref append_op(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a, const cj_type *t) {
  cj_node n = {.op = (uint16_t)op, .nin = (uint16_t)nin};
  uint32_t pool = g->npool;
  bool fresh;
  if (nin > UINT16_MAX) return cjm_fail(g->c, CJ_ELIMIT, "%s: more than 65535 operands", cjr_row(op)->name), 0;
  if (!cjg_intern_type(g, t, &n.type) || !cjg_intern_attr(g, a, &n.attr)) return 0;
  if (nin <= 3) {
    for (int i = 0; i < nin; i++) n.in[i] = in[i];
  } else {
    if (!CJM_GROW(g->c, g->pool, g->poolcap, g->npool + (size_t)nin)) return 0;
    memcpy(g->pool + g->npool, in, (size_t)nin * sizeof *in);
    n.in[0] = g->npool;
    g->npool += (uint32_t)nin;
  }
  cj_ref r = cjg_share(g, &n, 0, &fresh);
  if (!fresh) g->npool = pool;
  return r;
}

static cj_ref emit(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a) {
  cj_type t;
  bool zero = false;
  if (!infer(g, op, in, nin, a, &t)) return 0;
  cj_ref r = cjg_fold(g, op, in, nin, a, &t, &zero);
  if (r || zero || !cjg_ok(g)) return r;
  return append_op(g, op, in, nin, a, &t);
}

/* The type of a row that keeps its operands' float type, by its number; CJ_UNLIKE: the operands are not of one
** shape and dtype, apart from 0-d ones, or one is a structural zero.  *computed: none of them is anything that rules
** of folding look for in an operand of such a row (but neg). */
#define CJ_UNLIKE UINT32_MAX
static bool is_computed(const cj_graph *g, int op, const cj_node *n) {
  if (n->op == CJ_OP_zmul || n->op == CJ_OP_add) return g->plain; /* else it may hold seeds (fold_diagonal.c) */
  if (n->op != CJ_OP_konst) return n->op < CJ_OP_FIRST_EW + CJ_NEW || n->op == CJ_OP_input;
  double v = g->konst[n->in[0]]; /* rules know 0, 1 and -1, and exponents */
  return g->plain && v != 0 && v != 1 && v != -1 && op != CJ_OP_pow;
}

static uint32_t common_type(const cj_graph *g, int op, const cj_ref *in, int nin, bool *computed) {
  uint32_t t = CJ_UNLIKE;
  bool constant = true;
  *computed = true;
  for (int i = 0; i < nin; i++) {
    if (!in[i]) return CJ_UNLIKE;
    const cj_node *n = cjg_at(g, in[i]);
    *computed &= is_computed(g, op, n);
    constant &= n->op == CJ_OP_konst;
    if (n->type == t) continue;
    if (i && g->type[n->type].dtype != g->type[t].dtype) return CJ_UNLIKE;
    if (i && g->type[n->type].rank == 0) continue;
    if (i && g->type[t].rank) return CJ_UNLIKE;
    t = n->type;
  }
  *computed &= !constant;
  return cjt_isfloat(g->type[t].dtype) ? t : CJ_UNLIKE;
}

/* The short way through the door for rows that keep their operands' type, which is most of them. */
static cj_ref emit_like(cj_graph *g, int op, const cj_ref *in, int nin, uint32_t type, bool computed) {
  cj_node n = {.op = (uint16_t)op, .nin = (uint16_t)nin, .type = type};
  bool zero = false, fresh;
  if (!computed || op == CJ_OP_neg) {
    static const cj_attr none;
    cj_type t = g->type[type];
    cj_ref r = cjg_fold(g, op, in, nin, &none, &t, &zero);
    if (r || !cjg_ok(g)) return r;
  }
  for (int i = 0; i < nin; i++) n.in[i] = in[i];
  return cjg_share(g, &n, 0, &fresh);
}

cj_ref cjg_emit(cj_graph *g, int op, const cj_ref *in, int nin, const cj_attr *a) {
  static const cj_attr none;
  cj_attr own;
  bool computed;
  if (!cjg_ok(g)) return 0;
  if (cjr_row(op)->flags & CJ_KEEPSTYPE && nin == cjr_row(op)->nin) {
    uint32_t type = common_type(g, op, in, nin, &computed);
    if (type != CJ_UNLIKE) return emit_like(g, op, in, nin, type, computed);
  }
  if (!a || a->n == 0)
    a = &none;
  else
    own = *a, a = &own; /* a may live in g's pool, which moves */
  bool missing = false;
  for (int i = 0; i < nin; i++) missing |= in[i] == 0;
  if (!missing) return emit(g, op, in, nin, a);
  cj_ref few[8], *copy = few, r;
  if (nin > (int)CJ_COUNT(few) && !(copy = cjm_alloc(g->c, (size_t)nin * sizeof *copy))) return 0;
  memcpy(copy, in, (size_t)nin * sizeof *copy);
  if (!with_zeros(g, op, copy, nin, &r)) r = emit(g, op, copy, nin, a);
  if (copy != few) cjm_free(g->c, copy, (size_t)nin * sizeof *copy);
  return r;
}
