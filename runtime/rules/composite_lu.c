/* composite_lu.c -- LU factorisations as users see them, and solving with them. */
#include "rules/compose.h"

/* The permutation matrix P whose column i has its 1 in row order(i): rows of P' A come in that order. */
static cj_ref permutation_matrix(cj_graph *g, cj_ref order, int dtype) {
  cj_type t = cjb_type(g, order);
  cj_ref row = cjr_column(g, cjb_iota(g, CJ_I64, cjt_at(&t, 1)));
  return cjb_cast(g, cjb_eq(g, row, cjb_unsqueeze(g, order, 2)), dtype);
}

static bool factored(const cj_call *k, cj_ref *pack, cj_type *t) {
  cj_type given = cjr_in(k, 0);
  if (!cjr_wantmatrix(k, &given, "A")) return false;
  cj_ref a = cjr_float(k, 0);
  *t = cjb_type(k->g, a);
  *pack = cjg_emit(k->g, CJ_OP_lurect, &a, 1, NULL);
  return *pack != 0;
}

static CJR_FACE(build_linalg_lu) {
  cj_graph *g = k->g;
  cj_ref pack;
  cj_type t;
  if (!cjr_room(k, 3, cap) || !factored(k, &pack, &t)) return false;
  int64_t m = cjt_at(&t, 2), n = cjt_at(&t, 1), r = m < n ? m : n;
  cj_ref low = cjb_tri(g, cjb_slice(g, pack, 1, 0, 1, r), false, -1);
  out[0] = permutation_matrix(g, cjr_row_order(g, pack), t.dtype);
  out[1] = cjb_add(g, low, cjb_eye(g, t.dtype, m, r));
  out[2] = cjb_tri(g, cjb_slice(g, cjb_slice(g, pack, 2, 0, 1, r), 1, 0, 1, n), true, 0);
  *nout = 3;
  return cjg_ok(g);
}

static CJR_FACE(build_lu_factor) {
  cj_ref pack;
  cj_type t;
  if (!cjr_room(k, 2, cap) || !factored(k, &pack, &t)) return false;
  int64_t m = cjt_at(&t, 2), n = cjt_at(&t, 1);
  cj_ref p = cjr_at(k->g, pack, 1, n);
  out[0] = cjb_slice(k->g, pack, 1, 0, 1, n);
  out[1] = cjb_cast(k->g, cjb_slice(k->g, p, 1, 0, 1, m < n ? m : n), CJ_I64);
  *nout = 2;
  return cjg_ok(k->g);
}

/* rows of b in that order; both get the same rank first */
static cj_ref reorder_rows(cj_graph *g, cj_ref b, cj_ref order) {
  cj_type tb = cjb_type(g, b), to = cjb_type(g, order);
  int rank = tb.rank > to.rank + 1 ? tb.rank : to.rank + 1;
  cj_type wide = {0, (uint8_t)rank, {0}}, index = wide;
  for (int a = 1; a <= rank; a++) {
    wide.dim[rank - a] = cjt_at(&tb, a);
    index.dim[rank - a] = a == 1 ? 1 : cjt_at(&to, a - 1);
  }
  return cjb_gather(g, cjb_reshape(g, b, &wide), cjb_reshape(g, order, &index), 2);
}

/* P L U X = B, or U' L' P' X = B. */
static CJR_FACE(build_lu_solve) {
  cj_graph *g = k->g;
  cj_type lu = cjr_in(k, 0), p = cjr_in(k, 1), b = cjr_in(k, 2), lead = lu, lb = b, both;
  cj_ref v[3];
  if (!cjr_wantsquare(k, &lu, "LU") || !cjr_wantmatrix(k, &b, "B") || !cjr_isindex(k, 1, "pivots")) return false;
  lead.rank--;
  if (!cjt_sameshape(&lead, &p))
    return cjr_bad(k, CJ_ESHAPE, "pivots have shape %s, wanted %s", cjr_show(&p).s, cjr_show(&lead).s);
  lead.rank--;
  lb.rank = (uint8_t)(b.rank - 2);
  if (cjt_at(&b, 2) != cjt_at(&lu, 1) || !cjt_broadcast(&lead, &lb, &both))
    return cjr_bad(k, CJ_ESHAPE, "LU of shape %s does not go with B of shape %s", cjr_show(&lu).s, cjr_show(&b).s);
  cj_ref in[2] = {k->in[0], k->in[2]};
  cj_call floats = *k;
  floats.in = in, floats.nin = 2, floats.weak = 0;
  if (!cjr_floats(&floats, 0, 2, v)) return false;
  cj_ref order = cjg_emit(g, CJ_OP_exchanges, &k->in[1], 1, &(cj_attr){1, {cjt_at(&lu, 1)}});
  if (!cjr_bool(k, 0, false)) {
    cj_ref y = cjb_trisolve(g, v[0], reorder_rows(g, v[1], order), false, false, true);
    return cjr_one(cjb_trisolve(g, v[0], y, true, false, false), out, nout);
  }
  cj_ref y = cjb_trisolve(g, v[0], cjb_trisolve(g, v[0], v[1], true, true, false), false, true, true);
  return cjr_one(cjb_matmul(g, permutation_matrix(g, order, cjb_type(g, y).dtype), y), out, nout);
}

const cj_op cjo_linalg_lu = {.name = "lu",
                             .module = "linalg",
                             .sig = "A",
                             .doc = "P, L, U: a permutation, lower triangular with 1 on the diagonal, upper "
                                    "triangular, A = P L U",
                             .example = "R(3,3) | R(4,2) | R(2,4) | R(2,3,3)",
                             .kind = CJ_COMPOSITE,
                             .build = build_linalg_lu};
CJR_COMPOSITE(lu_factor, "linalg", CJ_INDEXRESULT, "A", "R(3,3) | R(4,2) | R(2,4) | R(2,3,3)",
              "L and U in one matrix, and the rows that were exchanged with row 1, 2, ...");
CJR_COMPOSITE(lu_solve, "linalg", 0, "LU, pivots:index, B, adjoint:bool=false",
              "SPD(3), INT(1,3)*0 + cj.long{3,2,3}, R(3,2) | SPD(2,2), INT(1,2,2)*0 + cj.long{2,2}, R(2,3), true",
              "X of A X = B (of A' X = B if adjoint), LU and pivots being lu_factor(A)");
