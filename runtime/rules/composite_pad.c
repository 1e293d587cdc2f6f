/* composite_pad.c -- borders. */
#include "rules/compose.h"

#include <string.h>

/* A border of before and after elements round one axis of n; neither is negative. */
typedef cj_ref (*border)(const cj_call *k, cj_ref x, int axis, int64_t n, int64_t before, int64_t after);

static cj_ref pad_constant(const cj_call *k, cj_ref x, int axis, int64_t n, int64_t before, int64_t after) {
  cj_type t = cjb_type(k->g, x);
  double value = cjr_num(k, 1, 0);
  int64_t full = before + n + after;
  if (value == 0) return cjb_embed(k->g, x, axis, before, 1, full);
  t.dim[t.rank - axis] = full;
  return cjb_put(k->g, cjb_full(k->g, &t, value), x, axis, before, 1);
}

static cj_ref with_borders(const cj_call *k, cj_ref left, cj_ref x, cj_ref right, int axis) {
  cj_ref part[3];
  int n = 0;
  if (left) part[n++] = left;
  part[n++] = x;
  if (right) part[n++] = right;
  return cjg_ok(k->g) ? cjb_cat(k->g, part, n, axis) : 0;
}

static cj_ref pad_reflect(const cj_call *k, cj_ref x, int axis, int64_t n, int64_t before, int64_t after) {
  cj_ref left = before ? cjb_slice(k->g, x, axis, before, -1, before) : 0;
  return with_borders(k, left, x, after ? cjb_slice(k->g, x, axis, n - 2, -1, after) : 0, axis);
}

static cj_ref repeated_edge(cj_graph *g, cj_ref x, int axis, int64_t i, int64_t n) {
  cj_type t = cjb_type(g, x);
  t.dim[t.rank - axis] = n;
  return cjb_expand(g, cjb_slice(g, x, axis, i, 1, 1), &t);
}

static cj_ref pad_replicate(const cj_call *k, cj_ref x, int axis, int64_t n, int64_t before, int64_t after) {
  cj_ref left = before ? repeated_edge(k->g, x, axis, 0, before) : 0;
  return with_borders(k, left, x, after ? repeated_edge(k->g, x, axis, n - 1, after) : 0, axis);
}

static cj_ref pad_circular(const cj_call *k, cj_ref x, int axis, int64_t n, int64_t before, int64_t after) {
  cj_ref left = before ? cjb_slice(k->g, x, axis, n - before, 1, before) : 0;
  return with_borders(k, left, x, after ? cjb_slice(k->g, x, axis, 0, 1, after) : 0, axis);
}

/* How far the border reaches into the n elements: -1 for not at all, so that no number is too large. */
static const struct pad_mode {
  const char *name;
  border f;
  int64_t reach; /* largest border, less n */
  bool bounded;
} modes[] = {{"constant", pad_constant, 0, false},
             {"reflect", pad_reflect, -1, true},
             {"replicate", pad_replicate, 0, false},
             {"circular", pad_circular, 0, true}};

static const struct pad_mode *find_mode(const cj_call *k) {
  const char *name = cjr_str(k, 2, "constant");
  for (size_t i = 0; i < CJ_COUNT(modes); i++)
    if (!strcmp(modes[i].name, name)) return &modes[i];
  cjr_bad(k, CJ_EARG, "mode is \"%.20s\", wanted \"constant\", \"reflect\", \"replicate\" or \"circular\"", name);
  return NULL;
}

static bool border_fits(const cj_call *k, const struct pad_mode *m, int axis, const cj_type *t, int64_t before,
                        int64_t after) {
  const int64_t huge = INT64_MAX / 4;
  int64_t n = cjt_at(t, axis), most = before > after ? before : after;
  if (before > huge || after > huge || before < -huge || after < -huge || n + before + after < 0)
    return cjr_bad(k, CJ_EARG, "%lld and %lld do not fit dim %d of shape %s", (long long)before, (long long)after,
                   t->rank - axis + 1, cjr_show(t).s);
  if (most > 0 && ((m->bounded && most > n + m->reach) || (m->f == pad_replicate && n == 0)))
    return cjr_bad(k, CJ_EARG, "a border of %lld is too wide for mode \"%s\" and dim %d of shape %s", (long long)most,
                   m->name, t->rank - axis + 1, cjr_show(t).s);
  return true;
}

/* A negative size crops, after the border of the other side was made. */
static cj_ref pad_axis(const cj_call *k, const struct pad_mode *m, cj_ref x, int axis, int64_t before, int64_t after) {
  cj_type t = cjb_type(k->g, x);
  if (!border_fits(k, m, axis, &t, before, after)) return 0;
  int64_t n = cjt_at(&t, axis), result = n + before + after;
  cj_type wide = cjr_resized(t, axis, n + (before > 0 ? before : 0) + (after > 0 ? after : 0));
  if (!cjr_fits(k, &wide)) return 0;
  if (before > 0 || after > 0) x = m->f(k, x, axis, n, before > 0 ? before : 0, after > 0 ? after : 0);
  return cjb_slice(k->g, x, axis, before < 0 ? -before : 0, 1, result);
}

static CJR_FACE(build_pad) {
  cj_type t = cjr_in(k, 0);
  const struct pad_mode *m = find_mode(k);
  int n = cjr_given(k, 0) ? k->p[0].n : 0;
  if (!m) return false;
  if (n % 2 || n / 2 > t.rank)
    return cjr_bad(k, CJ_EARG, "%d sizes given for shape %s, wanted two for each dim, the last one first", n,
                   cjr_show(&t).s);
  cj_ref x = k->in[0];
  for (int a = 1; a <= n / 2 && x; a++) x = pad_axis(k, m, x, a, k->p[0].v[2 * a - 2], k->p[0].v[2 * a - 1]);
  return cjr_one(x, out, nout);
}

CJR_COMPOSITE(pad, "", CJ_METHOD, "x, pads:ints, value:num=0, mode:str=\"constant\"",
              "R(3), {1,2} | R(2,3), {1,0,0,2}, 1.5 | R(4), {-1,2} | R(2,4), {2,1}, 0, \"reflect\" | "
              "R(2,3), {2,1,1,0}, 0, \"replicate\" | R(2,3), {1,2}, 0, \"circular\"",
              "border of pads elements before and after each dim, the last dim first; negative numbers crop; mode "
              "constant, reflect, replicate or circular");
