/*
** unroll_move.c -- elements of what only moves elements.  A view says by its strides where they lie.  For
** the other rows their own kernel is run on numbers that stand for the elements, 0 for a structural zero.
*/
#include "exec/unroll.h"
#include "kernel/kernels.h"
#include "rules/build.h"

enum { OPERANDS_MOST = CJE_ELEMENTS_MOST };

static bool adds_up(int op) { return op == CJ_OP_fold || op == CJ_OP_scatter_add; }
static bool has_index(int op) { return op == CJ_OP_gather || op == CJ_OP_scatter || op == CJ_OP_scatter_add; }

static bool is_ready(const cje_unroller *u, cj_ref x) {
  int64_t n = cje_count_of(u, x);
  return n > 0 && (u->form[x] == CJE_APART || n <= CJE_SMALL);
}

int64_t cje_price_of_move(const cje_unroller *u, cj_ref r) {
  const cj_node *n = cjg_at(u->f, r);
  const cj_op *row = cjg_row(u->f, r);
  bool alike = cjg_type(u->f, r)->dtype == cjg_type(u->f, cje_operand_of(u, r, 0))->dtype; /* bits is not */
  if (row->alias) return alike && is_ready(u, n->in[0]) ? 0 : -1;
  if (row->kind != CJ_MOVES || n->op == CJ_OP_cast || n->op == CJ_OP_pack || n->nin > OPERANDS_MOST) return -1;
  for (int i = 0; i < n->nin; i++)
    if (!is_ready(u, cje_operand_of(u, r, i))) return -1;
  if (has_index(n->op) && !u->fixed[n->in[1]]) return -1;
  return adds_up(n->op) ? cje_count_of(u, cje_operand_of(u, r, n->nin - 1)) : 0;
}

/* --- views ------------------------------------------------------------------------------------------------ */

static bool view_elements(cje_unroller *u, cj_ref r, cj_ref *y) {
  cj_ref x = cje_operand_of(u, r, 0);
  const cj_type *from = cjg_type(u->f, x), *t = cjg_type(u->f, r);
  int64_t own[CJ_MAXRANK], stride[CJ_MAXRANK] = {0}, first = 0;
  cjt_strides(from, own);
  if (!cjg_row(u->f, r)->alias(from, own, cjg_attr(u->f, r), t, stride, &first)) return false;
  cje_steps s = cje_steps_of(t, stride, first);
  for (int64_t k = 0, n = cjt_count(t); k < n; k++, cje_steps_next(&s)) y[k] = cje_element(u, x, s.at);
  return true;
}

/* --- numbers for elements ----------------------------------------------------------------------------------- */

/* The operands of an instruction, their elements numbered through from 1. */
typedef struct numbered {
  cj_view *view;
  cj_type *type;
  uint32_t *number; /* of all elements; then of those of the result */
  int64_t *index;   /* the index operand */
  uint32_t *first;  /* by operand: the number before its own */
  int nin;
  size_t bytes;
} numbered;

static bool take_index(cje_unroller *u, cj_ref x, int64_t *to) {
  for (int64_t k = 0, n = cje_count_of(u, x); k < n; k++) {
    double v;
    if (!cjg_getnum(u->g, cje_element(u, x, k), &v)) return false;
    to[k] = (int64_t)v;
  }
  return true;
}

/* One block for everything; false: ENOMEM, or an index that is not known. */
static bool open_numbers(cje_unroller *u, cj_ref r, numbered *m) {
  uint32_t total = 0, nindex = 0;
  int op = cjg_at(u->f, r)->op;
  m->nin = cjg_at(u->f, r)->nin;
  for (int i = 0; i < m->nin; i++) total += (uint32_t)cje_count_of(u, cje_operand_of(u, r, i));
  if (has_index(op)) nindex = (uint32_t)cje_count_of(u, cje_operand_of(u, r, 1));
  size_t n = (size_t)m->nin, room = total + (size_t)cje_count_of(u, r);
  m->bytes = n * (sizeof *m->view + sizeof *m->type) + nindex * sizeof *m->index + (room + n) * sizeof(uint32_t);
  if (!(m->view = cjm_zalloc(u->c, m->bytes))) return false;
  m->type = (cj_type *)(m->view + n);
  m->index = (int64_t *)(void *)(m->type + n);
  m->number = (uint32_t *)(m->index + nindex);
  m->first = m->number + room;
  return !nindex || take_index(u, cje_operand_of(u, r, 1), m->index);
}

/* Operands as float32, of whose bits the numbers are; an index as it is. */
static uint32_t number_operands(const cje_unroller *u, cj_ref r, numbered *m) {
  uint32_t last = 0;
  bool indexed = has_index(cjg_at(u->f, r)->op);
  for (int i = 0; i < m->nin; i++) {
    cj_ref x = cje_operand_of(u, r, i);
    m->first[i] = last;
    m->type[i] = *cjg_type(u->f, x);
    if (!(indexed && i == 1)) m->type[i].dtype = CJ_F32;
    m->view[i] = cjt_rowmajor(indexed && i == 1 ? (void *)m->index : (void *)(m->number + last), &m->type[i]);
    for (int64_t k = 0, n = cje_count_of(u, x); k < n; k++) m->number[last] = last + 1, last++;
  }
  return last;
}

static cj_ref numbered_element(cje_unroller *u, cj_ref r, const numbered *m, uint32_t number) {
  int i = m->nin - 1;
  if (number == 0) return 0;
  while (m->first[i] >= number) i--;
  return cje_element(u, cje_operand_of(u, r, i), number - 1 - m->first[i]);
}

static bool moved_elements(cje_unroller *u, cj_ref r, numbered *m, cj_ref *y) {
  uint32_t *result = m->number + number_operands(u, r, m);
  cj_type t = cjt_as(*cjg_type(u->f, r), CJ_F32);
  cj_view to = cjt_rowmajor(result, &t);
  const cj_op *row = cjg_row(u->f, r);
  if (!row->eval[CJ_F32] || row->work) return false;
  if (row->eval[CJ_F32](m->view, m->nin, cjg_attr(u->f, r), &to, NULL) != CJ_OK) return false;
  for (int64_t k = 0, n = cjt_count(&t); k < n; k++) y[k] = numbered_element(u, r, m, result[k]);
  return true;
}

/* --- sums at places -------------------------------------------------------------------------------------------- */

static void gather_up(cje_unroller *u, cj_ref *y, cj_ref x) { *y = *y ? cjb_add(u->g, *y, x) : x; }

/* The adjoint of unfold, whose view of the result says where each element goes. */
static bool folded_elements(cje_unroller *u, cj_ref r, cj_ref *y) {
  cj_ref x = cje_operand_of(u, r, 0);
  const cj_type *t = cjg_type(u->f, r), *from = cjg_type(u->f, x);
  int64_t own[CJ_MAXRANK], stride[CJ_MAXRANK] = {0}, first = 0;
  cjt_strides(t, own);
  if (!cjr_row(CJ_OP_unfold)->alias(t, own, cjg_attr(u->f, r), from, stride, &first)) return false;
  for (int64_t k = 0, n = cjt_count(t); k < n; k++) y[k] = 0;
  cje_steps s = cje_steps_of(from, stride, first);
  for (int64_t k = 0, n = cjt_count(from); k < n; k++, cje_steps_next(&s)) gather_up(u, &y[s.at], cje_element(u, x, k));
  return true;
}

/* Which element of the result each place of the index means is what gather would read there. */
static bool scattered_elements(cje_unroller *u, cj_ref r, numbered *m, cj_ref *y) {
  cj_ref x = cje_operand_of(u, r, 0), source = cje_operand_of(u, r, 2);
  (void)number_operands(u, r, m);
  uint32_t *place = m->number + m->first[1];
  cj_type t = cjt_as(m->type[1], CJ_F32);
  cj_view to = cjt_rowmajor(place, &t);
  if (cjr_row(CJ_OP_gather)->eval[CJ_F32](m->view, 2, cjg_attr(u->f, r), &to, NULL) != CJ_OK) return false;
  for (int64_t k = 0, n = cje_count_of(u, r); k < n; k++) y[k] = cje_element(u, x, k);
  for (int64_t k = 0, n = cjt_count(&t); k < n; k++) gather_up(u, &y[place[k] - 1], cje_element(u, source, k));
  return true;
}

bool cje_unroll_move(cje_unroller *u, cj_ref r, cj_ref *y) {
  int op = cjg_at(u->f, r)->op;
  numbered m = {0};
  if (cjg_row(u->f, r)->alias) return view_elements(u, r, y);
  if (op == CJ_OP_fold) return folded_elements(u, r, y);
  bool good = open_numbers(u, r, &m);
  if (good) good = op == CJ_OP_scatter_add ? scattered_elements(u, r, &m, y) : moved_elements(u, r, &m, y);
  if (m.view) cjm_free(u->c, m.view, m.bytes);
  return good && cjg_ok(u->g);
}
