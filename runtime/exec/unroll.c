/* unroll.c -- what is taken apart, and the new program. */
#include "exec/unroll.h"

#include "graph/store.h"
#include "rules/build.h"

#include <string.h>

enum { PRICE_MOST = 1 << 15 }; /* instructions: more is slower than the tensors, and long in the making */

/* --- what is taken apart -------------------------------------------------------------------------------- */

static bool is_source(const cje_unroller *u, cj_ref r) {
  int64_t n = cje_count_of(u, r);
  int op = cjg_at(u->f, r)->op;
  return op == CJ_OP_konst || (op != CJ_OP_input && n > 0 && n <= CJE_ELEMENTS_MOST);
}

static int64_t price_of(const cje_unroller *u, cj_ref r) {
  int64_t n = cje_count_of(u, r);
  if (n == 0 || n > CJE_ELEMENTS_MOST) return -1;
  if (cjg_issource(u->f, r)) return is_source(u, r) ? 0 : -1;
  int64_t price = cje_price_of_math(u, r);
  if (price < 0) price = cje_price_of_solve(u, r);
  return price < 0 ? cje_price_of_move(u, r) : price;
}

static bool is_fixed(const cje_unroller *u, cj_ref r) {
  if (cjg_issource(u->f, r)) return cjg_at(u->f, r)->op != CJ_OP_input;
  for (int i = 0; i < cjg_at(u->f, r)->nin; i++)
    if (!u->fixed[cje_operand_of(u, r, i)]) return false;
  return true;
}

/* Only views and numbers: nothing that a tape would not do as it is. */
static bool is_plain(const cje_unroller *u, cj_ref r) {
  return cjg_issource(u->f, r) || cjg_row(u->f, r)->alias || cjg_type(u->f, r)->rank == 0;
}

/* Gives every live instruction its form; false: it is not worth it, for lanes also if something stays a tensor. */
static bool choose_forms(cje_unroller *u) {
  int64_t total = 0;
  bool worth = u->lanes;
  cjg_live(u->f, u->live);
  for (cj_ref r = 1; r < u->f->len; r++) {
    if (!u->live[r]) continue;
    u->fixed[r] = is_fixed(u, r);
    int64_t price = price_of(u, r);
    if (price < 0 && u->lanes && !cjg_row(u->f, r)->alias && cjg_at(u->f, r)->op != CJ_OP_input) return false;
    if (price < 0) continue;
    u->form[r] = CJE_APART;
    worth |= !is_plain(u, r);
    if (cjg_type(u->f, r)->rank > 0) total += price;
  }
  uint32_t limit = u->c->node_limit;
  return worth && total <= PRICE_MOST && (limit == 0 || u->f->len + 4 * total < limit);
}

/* --- elements -------------------------------------------------------------------------------------------- */

#define UNKNOWN UINT32_MAX

/* Room for the elements of x; they are found when asked for. */
static bool list_elements(cje_unroller *u, cj_ref x) {
  size_t n = (size_t)cje_count_of(u, x);
  if (!CJM_GROW(u->c, u->elem.at, u->elem.cap, u->elem.n + n)) return false;
  u->at[x] = u->elem.n + 1;
  for (size_t k = 0; k < n; k++) u->elem.at[u->elem.n++] = UNKNOWN;
  return true;
}

static cj_ref number_at(cje_unroller *u, const cj_tensor *t, int64_t k) {
  int64_t at = 0, rest = k;
  double store = 0;
  for (int e = t->type.rank; e-- > 0; rest /= t->type.dim[e]) at += rest % t->type.dim[e] * t->stride[e];
  const char *from = (const char *)t->data + at * (int64_t)cjt_dsize(t->type.dtype);
  int64_t bit = t->type.dtype == CJ_BOOL && *from;
  float f = 0;
  if (t->type.dtype == CJ_F32) memcpy(&f, from, sizeof f), store = (double)f;
  if (t->type.dtype == CJ_F64 || t->type.dtype == CJ_I64) memcpy(&store, from, sizeof store);
  if (t->type.dtype == CJ_BOOL) memcpy(&store, &bit, sizeof store);
  return cjg_bits(u->g, t->type.dtype, store);
}

static cj_ref read_element(cje_unroller *u, cj_ref x, int64_t k) {
  cj_type t = *cjg_type(u->f, x), flat = {.dtype = t.dtype, .rank = 1, .dim = {cjt_count(&t)}},
          one = {.dtype = t.dtype};
  const cj_node *n = cjg_at(u->f, x);
  if (n->op == CJ_OP_tensor) return number_at(u, u->f->tensor[n->in[0]], k);
  if (n->op == CJ_OP_eye) return k / cjt_at(&t, 1) == k % cjt_at(&t, 1) ? cjg_num(u->g, t.dtype, 1) : 0;
  if (n->op == CJ_OP_iota) return cjg_num(u->g, t.dtype, (double)k);
  if (!cjg_row(u->f, x)->alias)
    return cjb_reshape(u->g, cjb_slice(u->g, cjb_reshape(u->g, u->map[x], &flat), 1, k, 1, 1), &one);
  cj_ref y = u->map[x]; /* of any strides: axis by axis, which is always a view */
  for (int axis = 1; axis <= t.rank; k /= cjt_at(&t, axis), axis++)
    y = cjb_slice(u->g, y, axis, k % cjt_at(&t, axis), 1, 1);
  return cjb_reshape(u->g, y, &one);
}

/* Element k of a view as an element of what it shows, which is no view that has stayed whole. */
static void see_through(const cje_unroller *u, cj_ref *x, int64_t *k) {
  while (u->form[*x] == CJE_WHOLE && cjg_row(u->f, *x)->alias) {
    cj_ref from = cje_operand_of(u, *x, 0);
    const cj_type *t = cjg_type(u->f, *x), *tf = cjg_type(u->f, from);
    int64_t own[CJ_MAXRANK], stride[CJ_MAXRANK] = {0}, at = 0;
    cjt_strides(tf, own);
    if (cjt_count(tf) > CJE_ELEMENTS_MOST || tf->dtype != t->dtype) return; /* too long a list, or other elements */
    if (!cjg_row(u->f, *x)->alias(tf, own, cjg_attr(u->f, *x), t, stride, &at)) return;
    for (int e = t->rank; e-- > 0; *k /= t->dim[e]) at += *k % t->dim[e] * stride[e];
    *x = from;
    *k = at;
  }
}

static cj_ref known_element(cje_unroller *u, cj_ref x, int64_t k) {
  if (cjg_type(u->f, x)->rank == 0) return u->map[x];
  if (!u->at[x] && !list_elements(u, x)) return 0;
  return u->elem.at[u->at[x] - 1 + (uint32_t)k];
}

cj_ref cje_element(cje_unroller *u, cj_ref x, int64_t k) {
  see_through(u, &x, &k);
  cj_ref y = known_element(u, x, k);
  if (y == UNKNOWN) u->elem.at[u->at[x] - 1 + (uint32_t)k] = y = read_element(u, x, k);
  return y;
}

void cje_broadcast_steps(const cj_type *t, const cj_type *x, int skip, int64_t *stride) {
  int64_t own[CJ_MAXRANK];
  cjt_strides(x, own);
  for (int k = skip + 1; k <= t->rank; k++)
    stride[t->rank - k] = k <= x->rank && cjt_at(x, k) != 1 ? own[x->rank - k] : 0;
}

/* --- the new program ---------------------------------------------------------------------------------------- */

/* As pack, of rows that can be batched. */
static cj_ref join_elements(cje_unroller *u, cj_ref *x, const cj_type *t) {
  cj_type one = {.dtype = t->dtype, .rank = 1, .dim = {1}};
  int n = (int)cjt_count(t);
  for (int k = 0; k < n; k++) x[k] = cjb_reshape(u->g, x[k], &one);
  return cjb_reshape(u->g, cjb_cat(u->g, x, n, 1), t);
}

static bool pack_elements(cje_unroller *u, cj_ref r) {
  cj_type t = *cjg_type(u->f, r);
  int64_t n = cjt_count(&t);
  cj_ref x[CJE_ELEMENTS_MOST];
  bool some = false;
  cj_attr a = {.n = t.rank};
  memcpy(a.v, t.dim, sizeof a.v);
  for (int64_t k = 0; k < n; k++) some |= (x[k] = cje_element(u, r, k)) != 0;
  if (!some) return cjg_ok(u->g);
  for (int64_t k = 0; k < n; k++)
    if (!x[k]) x[k] = cjg_num(u->g, t.dtype, 0);
  if (n == 1)
    u->map[r] = cjb_reshape(u->g, x[0], &t);
  else
    u->map[r] = u->lanes ? join_elements(u, x, &t) : cjg_emit(u->g, CJ_OP_pack, x, (int)n, &a);
  return cjg_ok(u->g);
}

/* map[r] is r as a tensor, or 0 for zeros. */
static bool make_whole(cje_unroller *u, cj_ref r) {
  return u->map[r] || u->form[r] == CJE_WHOLE || cjg_type(u->f, r)->rank == 0 || pack_elements(u, r);
}

static bool copy_whole(cje_unroller *u, cj_ref r) {
  for (int i = 0; !cjg_issource(u->f, r) && i < cjg_at(u->f, r)->nin; i++)
    if (!make_whole(u, cje_operand_of(u, r, i))) return false;
  u->map[r] = cjg_copy(u->g, u->f, r, u->map);
  return cjg_ok(u->g);
}

static bool keep_elements(cje_unroller *u, cj_ref r, const cj_ref *y) {
  size_t n = (size_t)cje_count_of(u, r);
  if (!cjg_ok(u->g)) return false;
  if (cjg_type(u->f, r)->rank == 0) {
    u->map[r] = y[0];
    return true;
  }
  if (!list_elements(u, r)) return false;
  memcpy(u->elem.at + u->at[r] - 1, y, n * sizeof *y);
  return true;
}

static bool find_elements(cje_unroller *u, cj_ref r, cj_ref *y) {
  const cj_op *row = cjg_row(u->f, r);
  switch (cjg_at(u->f, r)->op) {
  case CJ_OP_cast: return cje_unroll_math(u, r, y);
  case CJ_OP_cholesky:
  case CJ_OP_trisolve:
  case CJ_OP_lu:
  case CJ_OP_lusolve: return cje_unroll_solve(u, r, y);
  default: return row->kind == CJ_MOVES || row->alias ? cje_unroll_move(u, r, y) : cje_unroll_math(u, r, y);
  }
}

static bool take_apart(cje_unroller *u, cj_ref r) {
  cj_ref y[CJE_ELEMENTS_MOST];
  const cj_op *row = cjg_row(u->f, r);
  bool view = row->alias != NULL, ew = row->kind == CJ_ELEMENTWISE || cjg_at(u->f, r)->op == CJ_OP_cast;
  if (cjg_issource(u->f, r) || (ew && cjg_type(u->f, r)->rank == 0)) return copy_whole(u, r);
  u->g->now = u->f->line[r];
  if (find_elements(u, r, y)) {
    if (view && u->map[cje_operand_of(u, r, 0)] && !copy_whole(u, r)) return false; /* costs nothing if not used */
    return keep_elements(u, r, y);
  }
  if (!cjg_ok(u->g)) return false;
  u->form[r] = CJE_WHOLE;
  return copy_whole(u, r);
}

static bool rewrite(cje_unroller *u) {
  const cj_graph *f = u->f;
  size_t nin = (size_t)f->narg + f->ncapture, bytes = (nin + 1) * sizeof(cj_ref);
  cj_ref *in = cjm_alloc(u->c, bytes);
  bool good = in && cjg_inputs_like(u->g, f, in);
  for (uint32_t i = 0; good && i < nin; i++) u->map[i < f->narg ? f->arg[i] : f->capture[i - f->narg]] = in[i];
  cjm_free(u->c, in, bytes);
  for (cj_ref r = 1; good && r < f->len; r++)
    if (u->live[r] && cjg_at(f, r)->op != CJ_OP_input)
      good = u->form[r] == CJE_APART ? take_apart(u, r) : copy_whole(u, r);
  for (uint32_t i = 0; good && i < f->nout; i++) {
    good = make_whole(u, f->out[i]);
    cj_ref y = u->map[f->out[i]];
    cjg_output(u->g, y ? y : cjb_zeros(u->g, cjg_type(f, f->out[i])));
  }
  for (uint32_t i = 0; good && i < u->check.n; i++) cjg_output(u->g, u->check.at[i]);
  return good && cjg_ok(u->g);
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static bool unroll(cje_unroller *u) {
  if (!choose_forms(u)) return true;
  u->g = cjg_new(u->c);
  if (u->g && rewrite(u)) return true;
  cjg_free(u->g);
  return false;
}

bool cje_unroll(const cj_graph *f, bool lanes, cj_graph **out) {
  cj_ctx *c = f->c;
  cje_unroller u = {.c = c, .f = f, .lanes = lanes};
  size_t refs = f->len * sizeof(cj_ref), bytes = 3 * (size_t)f->len;
  u.map = cjm_zalloc(c, refs);
  u.at = cjm_zalloc(c, refs);
  u.live = cjm_zalloc(c, bytes);
  u.form = u.live + f->len;
  u.fixed = u.form + f->len;
  bool good = u.map && u.at && u.live && unroll(&u);
  *out = good ? u.g : NULL;
  cjm_free(c, u.elem.at, u.elem.cap * sizeof *u.elem.at);
  cjm_free(c, u.check.at, u.check.cap * sizeof *u.check.at);
  cjm_free(c, u.live, bytes);
  cjm_free(c, u.at, refs);
  cjm_free(c, u.map, refs);
  return good;
}
