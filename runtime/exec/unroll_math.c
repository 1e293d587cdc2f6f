/* unroll_math.c -- elements of what computes: elementwise rows, reductions, scans, products. */
#include "exec/unroll.h"
#include "rules/build.h"

enum {
  APART_MOST = 64,    /* elements of what is taken apart because its operands are */
  PRODUCT_MOST = 256, /* multiplications of a product */
  MATRIX_MOST = 144   /* elements of a matrix of it */
};

/* --- prices ------------------------------------------------------------------------------------------------ */

static bool is_apart(const cje_unroller *u, cj_ref x) { return u->form[x] == CJE_APART && cje_count_of(u, x) > 1; }

static int64_t price_of_elementwise(const cje_unroller *u, cj_ref r) {
  int64_t n = cje_count_of(u, r);
  bool apart = n <= CJE_SMALL;
  for (int i = 0; i < cjg_at(u->f, r)->nin; i++) apart |= is_apart(u, cje_operand_of(u, r, i));
  return apart && n <= APART_MOST ? n : -1;
}

/* Of rows over floats that read each element of their operands once. */
static int64_t price_of_lines(const cje_unroller *u, cj_ref r) {
  int64_t most = 0;
  for (int i = 0; i < cjg_at(u->f, r)->nin; i++) {
    cj_ref x = cje_operand_of(u, r, i);
    int64_t n = cje_count_of(u, x);
    if (n == 0 || n > (is_apart(u, x) ? APART_MOST : CJE_SMALL)) return -1;
    if (n > most) most = n;
  }
  return most;
}

static int64_t price_of_product(const cje_unroller *u, cj_ref r) {
  cj_ref a = cje_operand_of(u, r, 0), b = cje_operand_of(u, r, 1);
  int64_t k = cjt_at(cjg_type(u->f, a), 1), n = cje_count_of(u, r);
  if (cje_count_of(u, a) > MATRIX_MOST || cje_count_of(u, b) > MATRIX_MOST) return -1;
  return k > 0 && n <= APART_MOST && n * k <= PRODUCT_MOST ? n * k : -1;
}

int64_t cje_price_of_math(const cje_unroller *u, cj_ref r) {
  const cj_node *n = cjg_at(u->f, r);
  if (n->op == CJ_OP_cast || cjg_row(u->f, r)->kind == CJ_ELEMENTWISE) return price_of_elementwise(u, r);
  if (n->op == CJ_OP_sum) return price_of_lines(u, r);
  if (!cjt_isfloat(cjg_type(u->f, r)->dtype) || !cjt_isfloat(cjg_type(u->f, cje_operand_of(u, r, 0))->dtype)) return -1;
  switch (n->op) {
  case CJ_OP_prod:
  case CJ_OP_amax:
  case CJ_OP_amin:
  case CJ_OP_cumsum:
  case CJ_OP_cumprod:
  case CJ_OP_linrec: return price_of_lines(u, r);
  case CJ_OP_matmul: return price_of_product(u, r);
  default: return -1;
  }
}

/* --- elementwise ------------------------------------------------------------------------------------------------ */

/* Zeros where the row is not linear are written out. */
static cj_ref emit_elementwise(cje_unroller *u, cj_ref r, cj_ref *in) {
  const cj_node *n = cjg_at(u->f, r);
  for (int i = 0; i < n->nin; i++)
    if (!in[i] && !(cjr_row(n->op)->lin >> i & 1))
      in[i] = cjg_num(u->g, cjg_type(u->f, cje_operand_of(u, r, i))->dtype, 0);
  return cjg_emit(u->g, n->op, in, n->nin, cjg_attr(u->f, r));
}

static bool elementwise_elements(cje_unroller *u, cj_ref r, cj_ref *y) {
  const cj_type *t = cjg_type(u->f, r);
  int nin = cjg_at(u->f, r)->nin;
  int64_t stride[3][CJ_MAXRANK];
  cje_steps s[3];
  for (int i = 0; i < nin; i++) {
    cje_broadcast_steps(t, cjg_type(u->f, cje_operand_of(u, r, i)), 0, stride[i]);
    s[i] = cje_steps_of(t, stride[i], 0);
  }
  for (int64_t k = 0, n = cjt_count(t); k < n; k++) {
    cj_ref in[3];
    for (int i = 0; i < nin; i++) {
      in[i] = cje_element(u, cje_operand_of(u, r, i), s[i].at);
      cje_steps_next(&s[i]);
    }
    y[k] = emit_elementwise(u, r, in);
  }
  return true;
}

/* --- reductions ----------------------------------------------------------------------------------------------------
 */

static cj_ref combine(cje_unroller *u, int op, int dtype, cj_ref x, cj_ref z) {
  static const uint16_t row[][2] = {
      {CJ_OP_sum, CJ_OP_add}, {CJ_OP_prod, CJ_OP_mul}, {CJ_OP_amax, CJ_OP_maximum}, {CJ_OP_amin, CJ_OP_minimum}};
  int ew = CJ_OP_add;
  for (size_t i = 0; i < CJ_COUNT(row); i++)
    if (row[i][0] == op) ew = row[i][1];
  if (ew == CJ_OP_maximum || ew == CJ_OP_minimum) {
    if (!x) x = cjg_num(u->g, dtype, 0);
    if (!z) z = cjg_num(u->g, dtype, 0);
  }
  return cjg_emit(u->g, ew, (cj_ref[]){x, z}, 2, NULL);
}

/* n elements, one: long lines in up to four parts side by side, so that additions need not wait for each other. */
static cj_ref reduce_line(cje_unroller *u, int op, int dtype, const cj_ref *x, int64_t n) {
  cj_ref part[4] = {0};
  int64_t np = n <= 4 ? 1 : n <= 8 ? 2 : 4;
  for (int64_t k = 0; k < n; k++) part[k % np] = k < np ? x[k] : combine(u, op, dtype, part[k % np], x[k]);
  for (; np > 1; np /= 2)
    for (int64_t k = 0; k < np / 2; k++) part[k] = combine(u, op, dtype, part[k], part[k + np / 2]);
  return part[0];
}

static bool reduced_elements(cje_unroller *u, cj_ref r, cj_ref *y) {
  cj_ref x = cje_operand_of(u, r, 0), line[APART_MOST];
  const cj_type *from = cjg_type(u->f, x), *t = cjg_type(u->f, r);
  int64_t own[CJ_MAXRANK], stride[CJ_MAXRANK];
  uint64_t mask = (uint64_t)cjg_attr(u->f, r)->v[0];
  cjt_strides(t, own);
  for (int e = from->rank, k = t->rank; e-- > 0;) stride[e] = mask >> (from->rank - 1 - e) & 1 ? 0 : own[--k];
  for (int64_t p = 0, np = cjt_count(t); p < np; p++) {
    int64_t n = 0;
    cje_steps s = cje_steps_of(from, stride, 0);
    for (int64_t k = 0, all = cjt_count(from); k < all; k++, cje_steps_next(&s))
      if (s.at == p) line[n++] = cjb_cast(u->g, cje_element(u, x, k), t->dtype); /* a sum of bools is an integer */
    y[p] = reduce_line(u, cjg_at(u->f, r)->op, t->dtype, line, n);
  }
  return true;
}

/* --- scans ----------------------------------------------------------------------------------------------------------
 */

static cj_ref scan_step(cje_unroller *u, cj_ref r, cj_ref before, int64_t k) {
  cj_ref x = cje_element(u, cje_operand_of(u, r, 0), k);
  switch (cjg_at(u->f, r)->op) {
  case CJ_OP_cumsum: return cjb_add(u->g, before, x);
  case CJ_OP_cumprod: return cjb_mul(u->g, before, x);
  default: return cjb_add(u->g, cjb_mul(u->g, x, before), cje_element(u, cje_operand_of(u, r, 1), k));
  }
}

static cj_ref scan_start(cje_unroller *u, cj_ref r, int64_t k) {
  return cje_element(u, cje_operand_of(u, r, cjg_at(u->f, r)->nin - 1), k);
}

static bool scanned_elements(cje_unroller *u, cj_ref r, cj_ref *y) {
  const cj_type *t = cjg_type(u->f, r);
  const cj_attr *a = cjg_attr(u->f, r);
  int axis = t->rank - (int)a->v[0];
  int64_t own[CJ_MAXRANK], n = cjt_count(t), len = t->dim[axis];
  bool reverse = a->n > 1 && a->v[1];
  cjt_strides(t, own);
  for (int64_t q = 0; q < n; q++) {
    int64_t k = reverse ? n - 1 - q : q, place = k / own[axis] % len;
    bool first = place == (reverse ? len - 1 : 0);
    y[k] = first ? scan_start(u, r, k) : scan_step(u, r, y[reverse ? k + own[axis] : k - own[axis]], k);
  }
  return true;
}

/* --- products -------------------------------------------------------------------------------------------------------
 */

static cj_ref inner_product(cje_unroller *u, cj_ref a, int64_t ai, cj_ref b, int64_t bi, int64_t bstep, int64_t n) {
  cj_ref y = 0;
  for (int64_t k = 0; k < n; k++)
    y = cjb_add(u->g, y, cjb_mul(u->g, cje_element(u, a, ai + k), cje_element(u, b, bi + k * bstep)));
  return y;
}

static bool product_elements(cje_unroller *u, cj_ref r, cj_ref *y) {
  cj_ref a = cje_operand_of(u, r, 0), b = cje_operand_of(u, r, 1);
  cj_type t = *cjg_type(u->f, r), stack = t;
  int64_t sa[CJ_MAXRANK], sb[CJ_MAXRANK], m = cjt_at(&t, 2), n = cjt_at(&t, 1), k = cjt_at(cjg_type(u->f, a), 1);
  cje_broadcast_steps(&t, cjg_type(u->f, a), 2, sa);
  cje_broadcast_steps(&t, cjg_type(u->f, b), 2, sb);
  stack.rank = (uint8_t)(stack.rank - 2);
  cje_steps pa = cje_steps_of(&stack, sa, 0), pb = cje_steps_of(&stack, sb, 0);
  for (int64_t q = 0, depth = cjt_count(&stack); q < depth; q++, cje_steps_next(&pa), cje_steps_next(&pb))
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) *y++ = inner_product(u, a, pa.at + i * k, b, pb.at + j, n, k);
  return true;
}

bool cje_unroll_math(cje_unroller *u, cj_ref r, cj_ref *y) {
  switch (cjg_at(u->f, r)->op) {
  case CJ_OP_sum:
  case CJ_OP_prod:
  case CJ_OP_amax:
  case CJ_OP_amin: return reduced_elements(u, r, y);
  case CJ_OP_cumsum:
  case CJ_OP_cumprod:
  case CJ_OP_linrec: return scanned_elements(u, r, y);
  case CJ_OP_matmul: return product_elements(u, r, y);
  default: return elementwise_elements(u, r, y);
  }
}
