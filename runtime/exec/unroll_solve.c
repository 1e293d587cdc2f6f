/*
** unroll_solve.c -- elements of factors and of what is solved with them.  Column by column as in Golub and Van
** Loan, "Matrix Computations", 4.2 and 3.4; rows are exchanged by choosing each of their elements.  What the
** kernels refuse is refused by checks of the pivots.
*/
#include "exec/unroll.h"
#include "rules/build.h"

#include <float.h>

enum {
  ORDER_MOST = 12, /* of a triangular matrix */
  LU_MOST = 6,     /* where rows are exchanged */
  SOLVE_MOST = 512 /* multiplications */
};

typedef struct solver {
  cje_unroller *u;
  cj_graph *g;
  cj_ref r, a, b; /* the instruction; the matrix, or its factors; the right-hand sides */
  int64_t n, k;
  int64_t at, bt;     /* where in a and b the matrices begin */
  int64_t arow, acol; /* of op(a) */
  cj_ref *y;          /* n by k */
  int dtype;
} solver;

/* --- prices ------------------------------------------------------------------------------------------------ */

static int64_t stack_of(const cje_unroller *u, cj_ref r) {
  const cj_type *t = cjg_type(u->f, r);
  return cjt_count(t) / (cjt_at(t, 1) * cjt_at(t, 2));
}

int64_t cje_price_of_solve(const cje_unroller *u, cj_ref r) {
  int op = cjg_at(u->f, r)->op;
  cj_ref a = cje_operand_of(u, r, op == CJ_OP_lusolve), b = cje_operand_of(u, r, cjg_at(u->f, r)->nin - 1);
  int64_t n = cjt_at(cjg_type(u->f, a), 2), k = cjt_at(cjg_type(u->f, b), 1), price;
  switch (op) {
  case CJ_OP_cholesky: price = n * n * (n + 6) / 6; break;
  case CJ_OP_lu: price = n * n * (n + 6); break;
  case CJ_OP_trisolve: price = n * (n + 1) / 2 * k; break;
  case CJ_OP_lusolve: price = u->form[a] == CJE_APART ? n * (2 * n + 1) * k : -1; break;
  default: return -1;
  }
  if (n > (op == CJ_OP_lu ? LU_MOST : ORDER_MOST) || price < 0) return -1;
  if (cje_count_of(u, a) > CJE_ELEMENTS_MOST || cje_count_of(u, b) > CJE_ELEMENTS_MOST) return -1;
  price *= stack_of(u, r);
  return price <= SOLVE_MOST ? price : -1;
}

/* --- words ----------------------------------------------------------------------------------------------------- */

static cj_ref constant_of(const solver *s, double v) { return cjg_num(s->g, s->dtype, v); }
static cj_ref or_zero(const solver *s, cj_ref x) { return x ? x : constant_of(s, 0); }

/* Instruction r fails unless all of x are positive and finite, or not zero. */
static void check_numbers(const solver *s, cj_ref *x, int n, bool positive) {
  cj_attr a = {.n = 2, .v = {cjg_at(s->u->f, s->r)->op, positive}};
  for (int i = 0; i < n; i++) x[i] = or_zero(s, x[i]);
  cj_ref r = n ? cjg_emit(s->g, CJ_OP_check, x, n, &a) : 0;
  if (r && CJM_GROW(s->u->c, s->u->check.at, s->u->check.cap, s->u->check.n + 1)) s->u->check.at[s->u->check.n++] = r;
}

/* x is the root of what is checked to be positive, or another number that is not zero. */
static bool is_regular(const solver *s, cj_ref x) {
  double v;
  if (x && cjg_getnum(s->g, x, &v)) return v != 0;
  if (!x || cjg_at(s->g, x)->op != CJ_OP_sqrt) return false;
  cj_ref d = cjg_operands(s->g, x)[0];
  for (uint32_t i = s->u->check.n; i-- > 0;) {
    cj_ref c = s->u->check.at[i];
    for (int k = 0; cjg_attr(s->g, c)->v[1] && k < cjg_at(s->g, c)->nin; k++)
      if (cjg_operands(s->g, c)[k] == d) return true;
  }
  return false;
}

static void check_diagonal(const solver *s) {
  cj_ref x[ORDER_MOST];
  int n = 0;
  for (int64_t i = 0; i < s->n; i++) {
    cj_ref d = cje_element(s->u, s->a, s->at + i * (s->arow + s->acol));
    if (!is_regular(s, d)) x[n++] = d;
  }
  check_numbers(s, x, n, false);
}

static cj_ref minus_product(const solver *s, cj_ref x, cj_ref p, cj_ref q) {
  return cjb_sub(s->g, x, cjb_mul(s->g, p, q));
}

/* --- triangles ------------------------------------------------------------------------------------------------------
 */

/* 1/d, but no infinity for the smallest d: a zero times it stays zero. */
static cj_ref inverse_pivot(const solver *s, cj_ref d) {
  return cjb_clamp_max(s->g, cjb_reciprocal(s->g, d), constant_of(s, s->dtype == CJ_F64 ? DBL_MAX : (double)FLT_MAX));
}

/* The pivots come from L D L', whose columns need no root: one column waits for a division only, and the roots are
** taken aside.  y holds L D until the end. */
static void cholesky_matrix(const solver *s) {
  cj_ref *y = s->y, pivot[ORDER_MOST], unit[ORDER_MOST * ORDER_MOST];
  int64_t n = s->n;
  for (int64_t i = 0; i < n * n; i++) y[i] = unit[i] = 0;
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) {
      cj_ref x = cje_element(s->u, s->a, s->at + i * n + j);
      for (int64_t k = 0; k < j; k++) x = minus_product(s, x, y[i * n + k], unit[j * n + k]);
      if (i == j) pivot[j] = x = or_zero(s, x);
      if (i > j) unit[i * n + j] = cjb_mul(s->g, x, inverse_pivot(s, pivot[j]));
      y[i * n + j] = x;
    }
  check_numbers(s, pivot, (int)n, true);
  for (int64_t j = 0; j < n; j++) {
    cj_ref root = y[j * n + j] = cjb_sqrt(s->g, pivot[j]), inverse = cjb_reciprocal(s->g, root);
    for (int64_t i = j + 1; i < n; i++) y[i * n + j] = cjb_mul(s->g, y[i * n + j], inverse);
  }
}

/* y = op(a)^-1 y, op(a) being lower triangular, or upper.  What was found last is taken last: nobody waits long. */
static void solve_triangle(const solver *s, bool lower, bool unit) {
  for (int64_t q = 0; q < s->n; q++) {
    int64_t i = lower ? q : s->n - 1 - q;
    for (int64_t c = 0; c < s->k; c++) {
      cj_ref x = s->y[i * s->k + c];
      for (int64_t p = 0; p < q; p++) {
        int64_t j = lower ? p : s->n - 1 - p;
        x = minus_product(s, x, cje_element(s->u, s->a, s->at + i * s->arow + j * s->acol), s->y[j * s->k + c]);
      }
      cj_ref d = unit ? 0 : or_zero(s, cje_element(s->u, s->a, s->at + i * (s->arow + s->acol)));
      s->y[i * s->k + c] = unit ? x : cjb_mul(s->g, x, cjb_reciprocal(s->g, d));
    }
  }
}

static void load_sides(const solver *s) {
  for (int64_t i = 0; i < s->n * s->k; i++) s->y[i] = cje_element(s->u, s->b, s->bt + i);
}

static void turn_matrix(solver *s) {
  int64_t keep = s->arow;
  s->arow = s->acol;
  s->acol = keep;
}

/* ld where a's element x is ld / root, of a column whose root that is; 0: it is none, or a zero. */
static cj_ref without_root(const solver *s, cj_ref x, cj_ref root) {
  if (!x || cjg_at(s->g, x)->op != CJ_OP_mul) return 0;
  const cj_ref *in = cjg_operands(s->g, x);
  cj_ref first = in[0], second = in[1], inverse = cjb_reciprocal(s->g, root);
  return second == inverse ? first : first == inverse ? second : 0;
}

/* a is what cholesky_matrix made: its unit triangle, and its own diagonal. */
static bool find_unit(const solver *s, cj_ref *unit) {
  for (int64_t j = 0; j < s->n; j++) {
    cj_ref d = cje_element(s->u, s->a, j * (s->n + 1));
    if (!d || cjg_at(s->g, d)->op != CJ_OP_sqrt || !is_regular(s, d)) return false;
    cj_ref inverse = inverse_pivot(s, cjg_operands(s->g, d)[0]);
    unit[j * (s->n + 1)] = d;
    for (int64_t i = j + 1; i < s->n; i++) {
      cj_ref x = cje_element(s->u, s->a, i * s->n + j), ld = without_root(s, x, d);
      if (x && !ld) return false;
      unit[i * s->n + j] = cjb_mul(s->g, ld, inverse);
    }
  }
  return true;
}

/* x over the pivot whose root that is.  One side alone does not wait for the root; many share its inverse. */
static cj_ref over_pivot(const solver *s, cj_ref x, cj_ref root) {
  if (s->k == 1) return cjb_div(s->g, x, cjg_operands(s->g, root)[0]);
  cj_ref inverse = cjb_reciprocal(s->g, root);
  return cjb_mul(s->g, cjb_mul(s->g, x, inverse), inverse);
}

/* b = L^-1 c is to be solved with L' for the L of a decomposition: y = U'^-1 D^-1 U^-1 c with L D L' as it was found,
** no root in between. */
static bool solve_symmetric(solver *s) {
  const cj_node *b = cjg_at(s->u->f, s->b);
  cj_ref unit[ORDER_MOST * ORDER_MOST];
  if (b->op != CJ_OP_trisolve || s->u->form[s->b] != CJE_APART || cje_operand_of(s->u, s->b, 0) != s->a) return false;
  const cj_attr *a = cjg_attr(s->u->f, s->b);
  bool plain = !a->v[0] && !a->v[1] && !a->v[2] && cjg_type(s->u->f, s->a)->rank == 2;
  if (!plain || cjg_type(s->u->f, s->r)->rank != 2 || !find_unit(s, unit)) return false;
  s->b = cje_operand_of(s->u, s->b, 1);
  load_sides(s);
  for (int64_t i = 0; i < s->n; i++)
    for (int64_t c = 0; c < s->k; c++)
      for (int64_t j = 0; j < i; j++)
        s->y[i * s->k + c] = minus_product(s, s->y[i * s->k + c], unit[i * s->n + j], s->y[j * s->k + c]);
  for (int64_t i = s->n; i-- > 0;)
    for (int64_t c = 0; c < s->k; c++) {
      cj_ref x = over_pivot(s, s->y[i * s->k + c], unit[i * (s->n + 1)]);
      for (int64_t j = s->n; --j > i;) x = minus_product(s, x, unit[j * s->n + i], s->y[j * s->k + c]);
      s->y[i * s->k + c] = x;
    }
  return true;
}

static void solve_matrix(solver *s, const cj_attr *a) {
  bool upper = a->v[0] != 0, trans = a->v[1] != 0, unit = a->v[2] != 0;
  if (trans && !upper && !unit && solve_symmetric(s)) return;
  if (trans) turn_matrix(s);
  load_sides(s);
  if (!unit) check_diagonal(s);
  solve_triangle(s, upper == trans, unit);
}

/* --- exchanges of rows ----------------------------------------------------------------------------------------------
 */

/* Rows i and `pivot` (a number, at least i) of y, with row stride rs and n columns, change places. */
static void exchange_elements(const solver *s, cj_ref *y, int64_t rs, int64_t n, int64_t i, cj_ref pivot) {
  for (int64_t p = i + 1; p < s->n; p++) {
    cj_ref here = cjb_eq(s->g, pivot, constant_of(s, (double)p));
    for (int64_t c = 0; c < n; c++) {
      cj_ref *x = &y[i * rs + c], *z = &y[p * rs + c], keep = *x;
      *x = cjb_where(s->g, here, *z, keep);
      *z = cjb_where(s->g, here, keep, *z);
    }
  }
}

/* Which row has the largest element of column j, from row j on. */
static cj_ref find_pivot(const solver *s, const cj_ref *y, int64_t rs, int64_t j) {
  cj_ref best = constant_of(s, (double)j), most = cjb_abs(s->g, or_zero(s, y[j * rs + j]));
  for (int64_t i = j + 1; i < s->n; i++) {
    cj_ref size = cjb_abs(s->g, or_zero(s, y[i * rs + j])), more = cjb_gt(s->g, size, most);
    best = cjb_where(s->g, more, constant_of(s, (double)i), best);
    most = cjb_where(s->g, more, size, most);
  }
  return best;
}

/* Where a pivot is 0 its column is, and nothing is taken from the rows below. */
static void lu_matrix(const solver *s) {
  int64_t n = s->n, rs = n + 1;
  cj_ref *y = s->y;
  for (int64_t i = 0; i < n * n; i++) y[i / n * rs + i % n] = cje_element(s->u, s->a, s->at + i);
  for (int64_t j = 0; j < n; j++) {
    cj_ref pivot = find_pivot(s, y, rs, j), zero = constant_of(s, 0);
    exchange_elements(s, y, rs, n, j, pivot);
    y[j * rs + n] = pivot;
    cj_ref d = or_zero(s, y[j * rs + j]);
    cj_ref inverse = cjb_where(s->g, cjb_eq(s->g, d, zero), zero, cjb_reciprocal(s->g, d));
    for (int64_t i = j + 1; i < n; i++) {
      y[i * rs + j] = cjb_mul(s->g, y[i * rs + j], inverse);
      for (int64_t c = j + 1; c < n; c++) y[i * rs + c] = minus_product(s, y[i * rs + c], y[i * rs + j], y[j * rs + c]);
    }
  }
}

static cj_ref pivot_at(const solver *s, int64_t i) {
  return or_zero(s, cje_element(s->u, s->a, s->at + i * (s->n + 1) + s->n));
}

static void lu_solve_matrix(solver *s, bool trans) {
  load_sides(s);
  check_diagonal(s);
  for (int64_t i = 0; !trans && i < s->n; i++) exchange_elements(s, s->y, s->k, s->k, i, pivot_at(s, i));
  if (trans) turn_matrix(s);
  solve_triangle(s, true, !trans);
  solve_triangle(s, false, trans);
  for (int64_t i = s->n; trans && i-- > 0;) exchange_elements(s, s->y, s->k, s->k, i, pivot_at(s, i));
}

/* --- the whole
 * -------------------------------------------------------------------------------------------------------- */

static void solve_one(solver s, const cj_attr *a) {
  switch (cjg_at(s.u->f, s.r)->op) {
  case CJ_OP_cholesky: cholesky_matrix(&s); return;
  case CJ_OP_lu: lu_matrix(&s); return;
  case CJ_OP_trisolve: solve_matrix(&s, a); return;
  default: lu_solve_matrix(&s, a->n > 0 && a->v[0]); return;
  }
}

bool cje_unroll_solve(cje_unroller *u, cj_ref r, cj_ref *y) {
  int nin = cjg_at(u->f, r)->nin;
  cj_type t = *cjg_type(u->f, r), stack = t;
  solver s = {.u = u, .g = u->g, .r = r, .a = cje_operand_of(u, r, nin == 3), .b = cje_operand_of(u, r, nin - 1)};
  int64_t sa[CJ_MAXRANK], sb[CJ_MAXRANK];
  s.dtype = t.dtype;
  s.n = cjt_at(&t, 2);
  s.k = cjt_at(&t, 1);
  s.arow = cjt_at(cjg_type(u->f, s.a), 1);
  s.acol = 1;
  cje_broadcast_steps(&t, cjg_type(u->f, s.a), 2, sa);
  cje_broadcast_steps(&t, cjg_type(u->f, s.b), 2, sb);
  stack.rank = (uint8_t)(stack.rank - 2);
  cje_steps pa = cje_steps_of(&stack, sa, 0), pb = cje_steps_of(&stack, sb, 0);
  for (int64_t q = 0, depth = cjt_count(&stack); q < depth; q++, cje_steps_next(&pa), cje_steps_next(&pb)) {
    s.at = pa.at;
    s.bt = pb.at;
    s.y = y + q * s.n * s.k;
    solve_one(s, cjg_attr(u->f, r));
  }
  return cjg_ok(u->g);
}
