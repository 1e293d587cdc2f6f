/* compose.c -- what the composites share. */
#include "rules/compose.h"

#include <math.h>

/* --- operands --------------------------------------------------------------- */

static bool cast_all(const cj_call *k, int i, int n, int dtype, cj_ref *out) {
  for (int e = 0; e < n; e++) {
    cj_ref x = cjr_operand(k, i + e);
    out[e] = x ? cjb_cast(k->g, x, dtype) : 0;
  }
  return cjg_ok(k->g);
}

static int common_dtype(const cj_call *k, int i, int n) {
  int given = k->nin - i < n ? k->nin - i : n;
  return cjr_common(k, i, given < 0 ? 0 : given);
}

bool cjr_floats(const cj_call *k, int i, int n, cj_ref *out) {
  int dt = common_dtype(k, i, n);
  return cast_all(k, i, n, cjt_isfloat(dt) ? dt : CJ_F64, out);
}

bool cjr_numbers(const cj_call *k, int i, int n, cj_ref *out) {
  int dt = common_dtype(k, i, n);
  return cast_all(k, i, n, dt == CJ_BOOL ? CJ_I64 : dt, out);
}

bool cjr_into(const cj_call *k, int i, const char *name, int dtype, cj_ref *out) {
  cj_type t = cjr_in(k, i);
  int both = cjt_promote(dtype, t.dtype);
  if (cjt_isfloat(both) != cjt_isfloat(dtype) || (dtype == CJ_BOOL) != (both == CJ_BOOL))
    return cjr_bad(k, CJ_EDTYPE, "%s is %s, which does not go into %s", name, cj_dtype_name((cj_dtype)t.dtype),
                   cj_dtype_name((cj_dtype)dtype));
  *out = cjb_cast(k->g, k->in[i], dtype);
  return cjg_ok(k->g);
}

bool cjr_isindex(const cj_call *k, int i, const char *name) {
  cj_type t = cjr_in(k, i);
  if (t.dtype == CJ_I64) return true;
  return cjr_bad(k, CJ_EDTYPE, "%s is %s, wanted int64", name, cj_dtype_name((cj_dtype)t.dtype));
}

bool cjr_wantrank(const cj_call *k, const cj_type *t, const char *name, int rank) {
  if (t->rank == rank) return true;
  return cjr_bad(k, CJ_ESHAPE, "%s has shape %s, wanted %d dimension%s", name, cjr_show(t).s, rank,
                 rank == 1 ? "" : "s");
}

bool cjr_wantmatrix(const cj_call *k, const cj_type *t, const char *name) {
  if (t->rank >= 2) return true;
  return cjr_bad(k, CJ_ESHAPE, "%s has shape %s, wanted a matrix (at least 2 dimensions)", name, cjr_show(t).s);
}

bool cjr_wantsquare(const cj_call *k, const cj_type *t, const char *name) {
  if (t->rank >= 2 && cjt_at(t, 1) == cjt_at(t, 2)) return true;
  return cjr_bad(k, CJ_ESHAPE, "%s has shape %s, wanted a square matrix (its last two dimensions equal)", name,
                 cjr_show(t).s);
}

bool cjr_broadcasts(const cj_call *k, int i, int n) {
  cj_type all = cjr_in(k, i), both;
  for (int e = i + 1; e < i + n; e++) {
    cj_type t = cjr_in(k, e); /* 0-d if absent */
    if (!cjt_broadcast(&all, &t, &both))
      return cjr_bad(k, CJ_ESHAPE, "shapes %s and %s do not broadcast", cjr_show(&all).s, cjr_show(&t).s);
    all = both;
  }
  return true;
}

bool cjr_fits(const cj_call *k, const cj_type *t) {
  cj_type copy = *t;
  return cjr_checked(k->g->c, cjr_row(k->op), &copy);
}

bool cjr_room(const cj_call *k, int64_t n, int cap) {
  if (n <= cap) return true;
  return cjr_bad(k, CJ_ELIMIT, "%lld results, at most %d are possible", (long long)n, cap);
}

/* --- pieces of programs -------------------------------------------------------- */

int64_t cjr_span(const cj_type *t, uint32_t mask) {
  int64_t n = 1;
  for (int a = 1; a <= t->rank; a++)
    if (mask >> (a - 1) & 1) n *= cjt_at(t, a);
  return n;
}

cj_type cjr_flat(int dtype, int64_t n, int64_t m) {
  cj_type t = {(uint8_t)dtype, (uint8_t)(m < 0 ? 1 : 2), {n, m < 0 ? 0 : m}};
  return t;
}

cj_ref cjr_scale(cj_graph *g, cj_ref x, double v) {
  if (v == 1) return x;
  if (v != floor(v)) x = cjr_tofloat(g, x);
  return cjb_mul(g, x, cjb_like(g, x, v));
}

cj_ref cjr_at(cj_graph *g, cj_ref x, int axis, int64_t i) {
  return cjb_squeeze(g, cjb_slice(g, x, axis, i, 1, 1), axis);
}

cj_ref cjr_column(cj_graph *g, cj_ref x) { return cjb_unsqueeze(g, x, 1); }
