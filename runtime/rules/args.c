/* args.c -- reading the arguments of a face. */
#include "rules/args.h"

#include <stdarg.h>
#include <stdio.h>

/* --- messages ------------------------------------------------------------- */

cjr_text cjr_show(const cj_type *t) {
  cjr_text r;
  cj_text w = {r.s, 0, sizeof r.s};
  r.s[0] = 0;
  cjt_putshape(&w, t);
  return r;
}

bool cjr_bad(const cj_call *k, cj_status s, const char *fmt, ...) {
  char text[400];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  cjm_fail(k->g->c, s, "%s: %s", cjr_row(k->op)->name, text);
  return false;
}

/* --- operands --------------------------------------------------------------- */

cj_type cjr_in(const cj_call *k, int i) { return cjb_type(k->g, i < k->nin ? k->in[i] : 0); }

static int category(int dtype) { return dtype == CJ_BOOL ? 0 : dtype == CJ_I64 ? 1 : 2; }

/* Three ranks of say: tensors with axes, tensors without, plain numbers.  A lower one counts only if its category
** is higher. */
int cjr_common(const cj_call *k, int i, int n) {
  int best[3] = {-1, -1, -1}, dtype = -1;
  for (int e = i; e < i + n; e++) {
    if (!k->in[e]) continue;
    const cj_type *t = cjg_type(k->g, k->in[e]);
    int *which = &best[cjr_isweak(k, e) ? 2 : t->rank == 0];
    *which = *which < 0 ? t->dtype : cjt_promote(*which, t->dtype);
  }
  for (int say = 0; say < 3; say++)
    if (best[say] >= 0 && (dtype < 0 || category(best[say]) > category(dtype))) dtype = best[say];
  return dtype < 0 ? CJ_F64 : dtype;
}

bool cjr_promote(const cj_call *k, int i, int n, cj_ref *out) {
  int dt = cjr_common(k, i, n);
  for (int e = 0; e < n; e++) out[e] = cjb_cast(k->g, k->in[i + e], dt);
  return cjg_ok(k->g);
}

cj_ref cjr_tofloat(cj_graph *g, cj_ref x) {
  return x && !cjt_isfloat(cjg_type(g, x)->dtype) ? cjb_cast(g, x, CJ_F64) : x;
}

bool cjr_minrank(const cj_call *k, int i, int rank) {
  cj_type t = cjr_in(k, i);
  if (t.rank >= rank) return true;
  return cjr_bad(k, CJ_ESHAPE, "operand %d has shape %s, wanted at least %d dimension%s", i + 1, cjr_show(&t).s, rank,
                 rank == 1 ? "" : "s");
}

bool cjr_maxrank(const cj_call *k, int i, int rank) {
  cj_type t = cjr_in(k, i);
  if (t.rank <= rank) return true;
  return cjr_bad(k, CJ_ESHAPE, "operand %d has shape %s, wanted at most %d dimension%s", i + 1, cjr_show(&t).s, rank,
                 rank == 1 ? "" : "s");
}

/* --- parameters ---------------------------------------------------------------- */

int64_t cjr_int(const cj_call *k, int j, int64_t otherwise) { return cjr_given(k, j) ? k->p[j].v[0] : otherwise; }

double cjr_num(const cj_call *k, int j, double otherwise) { return cjr_given(k, j) ? k->p[j].f : otherwise; }

const char *cjr_str(const cj_call *k, int j, const char *otherwise) {
  return cjr_given(k, j) && k->p[j].s ? k->p[j].s : otherwise;
}

/* axis of something of that rank from the end; 0: out of range.  t only for the message. */
static int fromend(const cj_call *k, int64_t axis, int rank, const cj_type *t) {
  if (axis >= -rank && axis < rank) return (int)(axis < 0 ? -axis : rank - axis);
  cjr_bad(k, CJ_EARG, "dim %lld is out of range for shape %s", (long long)cjr_user(axis), cjr_show(t).s);
  return 0;
}

int cjr_axisof(const cj_call *k, int64_t axis, const cj_type *t) { return fromend(k, axis, t->rank ? t->rank : 1, t); }

int cjr_axis(const cj_call *k, int j, const cj_type *t, int64_t otherwise) {
  return cjr_axisof(k, cjr_int(k, j, otherwise), t);
}

int cjr_place(const cj_call *k, int j, const cj_type *t, int64_t otherwise) {
  return fromend(k, cjr_int(k, j, otherwise), t->rank + 1, t);
}

bool cjr_axes(const cj_call *k, int j, const cj_type *t, uint32_t *mask) {
  uint32_t seen = 0;
  int n = cjr_given(k, j) ? k->p[j].n : 0;
  for (int e = 0; e < n; e++) {
    int axis = cjr_axisof(k, k->p[j].v[e], t);
    if (!axis) return false;
    if (seen >> (axis - 1) & 1) return cjr_bad(k, CJ_EARG, "dim %lld appears twice", (long long)cjr_user(k->p[j].v[e]));
    seen |= 1u << (axis - 1);
  }
  *mask = (n ? seen : ~0u) & ((1u << t->rank) - 1);
  return true;
}

/* Replaces the one -1 of the n sizes v by what makes count elements of them, if that can be. */
static void inferone(int64_t *v, int n, int64_t count) {
  int64_t rest = 1;
  int hole = -1;
  for (int e = 0; e < n; e++) {
    if (v[e] == -1 && hole < 0)
      hole = e;
    else if (v[e] > 0 && v[e] <= (count ? count : INT64_MAX) / rest)
      rest *= v[e];
    else
      return; /* no such number, or none that fits */
  }
  if (hole >= 0 && count % rest == 0) v[hole] = count / rest;
}

bool cjr_shape(const cj_call *k, int j, const cj_type *x, cj_type *out) {
  int n = cjr_given(k, j) ? k->p[j].n : 0;
  int64_t v[2 * CJ_MAXRANK];
  for (int e = 0; e < n; e++) v[e] = k->p[j].v[e];
  inferone(v, n, cjt_count(x));
  if (cjt_make(x->dtype, n, v, out) && cjt_count(out) == cjt_count(x)) return true;
  cj_type shown = {x->dtype, (uint8_t)(n < CJ_MAXRANK ? n : CJ_MAXRANK), {0}};
  for (int e = 0; e < shown.rank; e++) shown.dim[e] = k->p[j].v[e];
  if (n > CJ_MAXRANK) return cjr_bad(k, CJ_ESHAPE, "%d sizes given, at most %d are possible", n, CJ_MAXRANK);
  return cjr_bad(k, CJ_ESHAPE, "shape %s does not fit the %lld elements of shape %s", cjr_show(&shown).s,
                 (long long)cjt_count(x), cjr_show(x).s);
}

bool cjr_perm(const cj_call *k, int j, const cj_type *t, int *perm) {
  int n = cjr_given(k, j) ? k->p[j].n : 0;
  uint32_t seen = 0;
  if (n != t->rank)
    return cjr_bad(k, CJ_EARG, "%d dims given for shape %s, wanted each of its %d", n, cjr_show(t).s, t->rank);
  for (int e = 0; e < n; e++) {
    int axis = cjr_axisof(k, k->p[j].v[e], t);
    if (!axis) return false;
    if (seen >> axis & 1) return cjr_bad(k, CJ_EARG, "dim %lld appears twice", (long long)cjr_user(k->p[j].v[e]));
    seen |= 1u << axis;
    perm[e] = t->rank - axis;
  }
  return true;
}

bool cjr_position(const cj_call *k, int64_t pos, int64_t size, int64_t *out) {
  if (pos < -size || pos >= size)
    return cjr_bad(k, CJ_ERANGE, "position %lld is out of range for size %lld", (long long)cjr_user(pos),
                   (long long)size);
  *out = pos < 0 ? pos + size : pos;
  return true;
}

/* --- results ---------------------------------------------------------------------- */

cj_ref cjr_op(cj_graph *g, int op, const cj_ref *in, int nin) {
  cj_call k = {g, op, in, nin, 0, NULL, 0};
  cj_ref out[1] = {0};
  int nout = 0;
  if (!cjg_ok(g)) return 0;
  return cjr_row(op)->build(&k, out, 1, &nout) ? out[0] : 0;
}
