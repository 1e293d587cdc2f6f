/*
** control.c -- loops and calls out of traced bodies.  The body becomes a program without captures: what it captured,
** and its numbers without a code, so that a changing one is no other program, become constants of the loop.  Results
** of a body have one float dtype; those of other dtypes travel as such: bools and float32 exactly as
** numbers, int64 by their bits.
*/
#include "rules/control.h"
#include "api/api.h"

#include <string.h>

typedef struct control {
  cj_ctx *c;
  cj_trace *t;
  cj_scan spec;
  bool call;
  cj_func *jvp, *vjp; /* borrowed; NULL: none */
  int nin, ny;        /* values given, results */
  int dtype;          /* of the loop's results */
  cj_graph *traced;   /* the function, its numbers lifted */
  uint32_t *lifted, nlifted, liftcap;
  cj_graph *body;  /* of the loop: (carry.., rows.., counter, constants..) */
  cj_graph *outer; /* the program around it: (in.., constants..) -> results */
  cj_val *val;     /* what its inputs stand for */
  uint32_t nval, valcap;
  cj_ref *ref; /* scratch */
  uint32_t refcap;
} control;

static void control_close(control *k) {
  cj_ctx *c = k->c;
  for (uint32_t i = (uint32_t)k->nin; i < k->nval; i++) cj_val_release(&k->val[i]);
  cjg_free(k->traced);
  cjg_free(k->body);
  cjg_free(k->outer);
  cjm_free(c, k->lifted, k->liftcap * sizeof *k->lifted);
  cjm_free(c, k->val, k->valcap * sizeof *k->val);
  cjm_free(c, k->ref, k->refcap * sizeof *k->ref);
  cj_trace_end(c, k->t);
}

/* --- checks --------------------------------------------------------------------------------------------------- */

static bool types_differ(cj_ctx *c, const char *what, int i, const cj_type *have, const cj_type *want) {
  char buf[512];
  cj_text w = {buf, 0, sizeof buf};
  cjm_putf(&w, "%s %d is ", what, i);
  cjt_puttype(&w, have);
  cjm_puts(&w, ", wanted ");
  cjt_puttype(&w, want);
  cjm_fail(c, CJ_ESHAPE, "%s", buf);
  return false;
}

/* A number is of the dtype that is wanted. */
static cj_ref result_ref(control *k, const cj_val *y, const cj_type *want) {
  cj_ref r = cj_ref_of(k->t, y);
  bool weak = y->kind == CJ_NUM || y->kind == CJ_INT || y->kind == CJ_LOGICAL;
  return r && want && weak ? cjb_cast(k->t->g, r, want->dtype) : r;
}

static bool take_body(control *k, const cj_val *y) {
  cj_graph *g = k->t->g;
  for (int i = 0; i < k->ny; i++) {
    bool carry = i < k->spec.ncarry;
    cj_type want = carry ? *cjg_type(g, g->arg[i]) : (cj_type){0};
    cj_ref r = result_ref(k, &y[i], carry ? &want : NULL);
    if (!r || !cjg_output(g, r)) return false;
    if (carry && !cjt_same(cjg_type(g, r), &want)) {
      cj_type have = *cjg_type(g, r);
      return types_differ(k->c, "the loop changes the type of its carry: what the body returns as carry", i + 1, &have,
                          &want);
    }
  }
  return true;
}

static bool check_input(control *k, const cj_val *in, int i) {
  cj_type have, want = *cjg_type(k->t->g, k->t->g->arg[i]);
  if (!cj_type_of(k->c, in, &have)) return false;
  if (in->kind == CJ_TRACED && in->u.at.trace >= k->t->id)
    return cjm_fail(k->c, CJ_EARG, "a value of the body was used as an input of its loop"), false;
  if (!k->call && i >= k->spec.ncarry && !cjt_prepend(&want, k->spec.steps, &want))
    return cjm_fail(k->c, CJ_ELIMIT, "input %d has too many axes or elements", i + 1), false;
  return cjt_same(&have, &want) || types_differ(k->c, "input", i + 1, &have, &want);
}

static bool check(control *k, const cj_val *y, const cj_val *in) {
  int narg = (int)k->t->g->narg;
  k->nin = narg - k->spec.counted;
  if (k->spec.steps < 0 || k->spec.ncarry < 0 || k->spec.ncarry > k->nin || k->spec.ncarry > k->ny || k->ny < 1)
    return cjm_fail(k->c, CJ_EARG, "a loop of %lld steps with %d carries, %d arguments and %d results",
                    (long long)k->spec.steps, k->spec.ncarry, narg, k->ny),
           false;
  for (int i = 0; i < k->nin; i++)
    if (!check_input(k, &in[i], i)) return false;
  return take_body(k, y);
}

/* --- dtypes ------------------------------------------------------------------------------------------------------ */

static int dtype_of_results(const cj_graph *g) {
  for (uint32_t i = 0; i < g->nout; i++) {
    int dt = cjg_type(g, g->out[i])->dtype;
    if (dt == CJ_F64 || dt == CJ_I64) return CJ_F64;
  }
  for (uint32_t i = 0; i < g->nout; i++)
    if (cjg_type(g, g->out[i])->dtype == CJ_F32) return CJ_F32;
  return CJ_F64;
}

static cj_ref encoded(cj_graph *g, cj_ref x, int to) {
  int dt = cjb_type(g, x).dtype;
  return dt == CJ_I64 ? cjb_bits(g, x) : dt == to ? x : cjb_cast(g, x, to);
}

static cj_ref decoded(cj_graph *g, cj_ref x, int to) {
  int dt = cjb_type(g, x).dtype;
  return to == CJ_I64 ? cjb_bits(g, x) : dt == to ? x : cjb_cast(g, x, to);
}

static int result_dtype(const control *k, int i) { return cjg_type(k->traced, k->traced->out[i])->dtype; }

/* --- programs -------------------------------------------------------------------------------------------------------
 */

static bool lift_traced(control *k) {
  const cj_graph *g = k->t->g;
  k->liftcap = g->nkonst + 1;
  if (!(k->lifted = cjm_alloc(k->c, k->liftcap * sizeof *k->lifted))) return false;
  if (!(k->traced = cjx_lift(g, k->lifted, &k->nlifted))) return false;
  k->dtype = dtype_of_results(k->traced);
  return true;
}

static uint32_t captures_of(const cj_func *f) { return f ? f->g->ncapture : 0; }

/* Argument i of the traced function as the body has it: carries travel in the dtype of the results. */
static cj_ref body_argument(control *k, uint32_t i) {
  cj_type t = *cjg_type(k->traced, k->traced->arg[i]), own = t;
  bool carry = i < (uint32_t)k->spec.ncarry;
  if (carry) t.dtype = (uint8_t)k->dtype;
  cj_ref r = cjg_arg(k->body, &t);
  return carry ? decoded(k->body, r, own.dtype) : r;
}

/* What derivatives by hand captured, which the body itself does not use. */
static void body_rule_captures(control *k, const cj_func *f) {
  for (uint32_t i = 0; i < captures_of(f); i++) cjg_arg(k->body, cjg_type(f->g, f->g->capture[i]));
}

/* (carry.., rows.., counter, captures.., those of the rules.., numbers..) -> results, as the loop wants it. */
static bool make_body(control *k) {
  const cj_graph *f = k->traced;
  uint32_t nin = f->narg + f->ncapture, numbers = f->ncapture - k->nlifted;
  cj_graph *g = k->body = cjg_new(k->c);
  if (!g || !CJM_GROW(k->c, k->ref, k->refcap, (size_t)nin + f->nout)) return false;
  for (uint32_t i = 0; i < f->narg && cjg_ok(g); i++) k->ref[i] = body_argument(k, i);
  for (uint32_t i = 0; i < f->ncapture && cjg_ok(g); i++) {
    if (i == numbers) body_rule_captures(k, k->jvp);
    if (i == numbers) body_rule_captures(k, k->vjp);
    k->ref[f->narg + i] = cjg_arg(g, cjg_type(f, f->capture[i]));
  }
  if (numbers == f->ncapture) {
    body_rule_captures(k, k->jvp);
    body_rule_captures(k, k->vjp);
  }
  if (!cjg_ok(g) || !cjg_inline(g, f, k->ref, k->ref + nin)) return false;
  for (uint32_t i = 0; i < f->nout; i++) cjg_output(g, encoded(g, k->ref[nin + i], k->dtype));
  return cjg_ok(g);
}

/* --- values ---------------------------------------------------------------------------------------------------------
 */

static bool add_val(control *k, cj_val v) {
  if (!CJM_GROW(k->c, k->val, k->valcap, k->nval + 1u)) return false;
  if (v.kind == CJ_TENSOR && k->nval >= (uint32_t)k->nin) cjt_retain(v.u.tensor);
  k->val[k->nval++] = v;
  return true;
}

static bool add_captures(control *k, const cj_val *v, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (!add_val(k, v[i])) return false;
  return true;
}

static bool add_values(control *k, const cj_val *in) {
  if (!add_captures(k, in, (uint32_t)k->nin)) return false;
  for (uint32_t i = 0; i < k->t->g->ncapture; i++)
    if (!add_val(k, cj_origin_val(&k->t->capture[i]))) return false;
  return (!k->jvp || add_captures(k, k->jvp->capture, k->jvp->g->ncapture)) &&
         (!k->vjp || add_captures(k, k->vjp->capture, k->vjp->g->ncapture));
}

/* A number of the body: inside a trace a constant there, which is lifted in turn; else one more tensor. */
static cj_ref loop_number(control *k, uint32_t i, bool traced) {
  const cj_graph *f = k->traced;
  double v = k->t->g->konst[k->lifted[i]];
  cj_type t = *cjg_type(f, f->capture[f->ncapture - k->nlifted + i]);
  float own = (float)v;
  if (traced) return cjg_num(k->outer, t.dtype, v);
  cj_tensor *x = cjt_from(k->c, &t, t.dtype == CJ_F32 ? (const void *)&own : (const void *)&v);
  if (!x) return 0;
  bool ok = add_val(k, (cj_val){.kind = CJ_TENSOR, .u.tensor = x});
  cjt_release(x);
  return ok ? cjg_arg(k->outer, &t) : 0;
}

/* --- the program around it
 * -------------------------------------------------------------------------------------------- */

/* Rows first .. first+n-1 of x. */
static cj_ref rows_between(cj_graph *g, cj_ref x, int64_t first, int64_t n) {
  return cjb_slice(g, x, cjg_type(g, x)->rank, first, 1, n);
}

/* A stretch of the loop as one loop; in: carries (replaced by the last ones), whole xs, constants; y: the ys. */
static bool stretch(const control *k, cj_graph *g, cj_graph *body, int64_t first, int64_t n, int nx, const cj_ref *xs,
                    cj_ref *in, cj_ref *y) {
  int nc = k->spec.ncarry;
  cjb_loopspec s = {.body = body, .steps = n, .reverse = k->spec.reverse, .ncarry = nc, .nx = nx, .ny = k->ny - nc};
  for (int i = 0; i < nx; i++) in[nc + i] = rows_between(g, xs[i], first, n);
  cj_ref r = cjg_ok(g) ? cjb_loop(g, &s, in) : 0;
  if (!r) return false;
  cjg_loop l = cjg_loop_of(g, r);
  for (int i = 0; i < k->ny; i++) {
    if (i < nc)
      in[i] = cjb_last(g, r, &l, i);
    else
      y[i - nc] = cjb_part(g, r, &l, i);
  }
  return cjg_ok(g);
}

/* The loop over `segment` steps as a body: its inputs are the body's, rows with one more axis. */
static cj_graph *segment_body(const control *k, int nx) {
  int nin = (int)k->body->narg, nc = k->spec.ncarry, ny = k->ny - nc;
  cj_graph *g = cjg_new(k->c);
  size_t bytes = ((size_t)nin + (size_t)nx + (size_t)ny + 1) * sizeof(cj_ref);
  cj_ref *in = g ? cjm_alloc(k->c, bytes) : NULL;
  if (in) {
    cj_ref *xs = in + nin, *y = xs + nx;
    for (int i = 0; i < nin && cjg_ok(g); i++) {
      cj_type t = *cjg_type(k->body, k->body->arg[i]);
      if (i >= nc && i < nc + nx && !cjt_prepend(&t, k->spec.segment, &t))
        cjm_fail(k->c, CJ_ELIMIT, "a row has too many axes or elements to be put into segments");
      in[i] = cjg_arg(g, &t);
      if (i >= nc && i < nc + nx) xs[i - nc] = in[i];
    }
    if (cjg_ok(g) && stretch(k, g, k->body, 0, k->spec.segment, nx, xs, in, y)) {
      for (int i = 0; i < nc; i++) cjg_output(g, in[i]);
      for (int i = 0; i < ny; i++) cjg_output(g, y[i]);
    }
    cjm_free(k->c, in, bytes);
  }
  if (g && cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}

/* [n * m] ++ shape as [n, m] ++ shape, and back (m 0). */
static cj_ref resized(cj_graph *g, cj_ref x, int64_t n, int64_t m) {
  cj_type t = cjb_type(g, x), to;
  if (m == 0) {
    memmove(&t.dim[0], &t.dim[1], (size_t)(t.rank - 1) * sizeof *t.dim);
    t.dim[--t.rank] = 0;
    t.dim[0] = n;
    return cjb_reshape(g, x, &t);
  }
  t.dim[0] = m;
  if (!cjt_prepend(&t, n, &to))
    return cjm_fail(g->c, CJ_ELIMIT, "a row has too many axes or elements to be put into segments"), 0;
  return cjb_reshape(g, x, &to);
}

/* Whole segments as a loop of loops, then what is left over. */
static bool segmented(const control *k, int nx, const cj_ref *xs, cj_ref *in, cj_ref *y, cj_ref *more) {
  cj_graph *g = k->outer, *body = segment_body(k, nx);
  int64_t m = k->spec.segment, n = k->spec.steps / m, left = k->spec.steps - n * m;
  int64_t first = k->spec.reverse ? left : 0;
  int ny = k->ny - k->spec.ncarry;
  bool ok = body != NULL;
  for (int i = 0; i < nx && ok; i++) ok = (more[i] = resized(g, rows_between(g, xs[i], first, n * m), n, m)) != 0;
  ok = ok && stretch(k, g, body, 0, n, nx, more, in, y);
  for (int i = 0; i < ny && ok; i++) ok = (y[i] = resized(g, y[i], n * m, 0)) != 0;
  if (ok && left) ok = stretch(k, g, k->body, k->spec.reverse ? 0 : n * m, left, nx, xs, in, more);
  for (int i = 0; i < ny && ok && left; i++) {
    cj_ref both[2] = {k->spec.reverse ? more[i] : y[i], k->spec.reverse ? y[i] : more[i]};
    y[i] = cjb_cat(g, both, 2, cjg_type(g, y[i])->rank);
  }
  cjg_free(body);
  return ok && cjg_ok(g);
}

/* in: what the body takes, in order. */
static bool write_loop(const control *k, cj_ref *in) {
  cj_graph *g = k->outer;
  int nc = k->spec.ncarry, nx = k->nin - nc + k->spec.counted, ny = k->ny - nc;
  size_t bytes = (2 * (size_t)nx + 2 * (size_t)ny + 1) * sizeof(cj_ref);
  cj_ref *xs = cjm_alloc(k->c, bytes), *y = xs + nx;
  if (!xs) return false;
  for (int i = 0; i < nx; i++) xs[i] = in[nc + i];
  bool split = k->spec.segment > 1 && k->spec.segment < k->spec.steps;
  bool ok = split ? segmented(k, nx, xs, in, y, y + ny) : stretch(k, g, k->body, 0, k->spec.steps, nx, xs, in, y);
  for (int i = 0; i < k->ny && ok; i++) cjg_output(g, decoded(g, i < nc ? in[i] : y[i - nc], result_dtype(k, i)));
  cjm_free(k->c, xs, bytes);
  return ok && cjg_ok(g);
}

/* A derivative by hand as the loop wants it: the constants of the call in front, those it captured among them. */
static cj_graph *own_rule(const control *k, const cj_func *f, uint32_t at, bool tangents) {
  const cj_graph *p = f->g;
  uint32_t nin = k->body->narg, n = (uint32_t)k->nin;
  cj_graph *g = cjg_new(k->c);
  size_t bytes = ((size_t)nin + p->narg + p->ncapture + p->nout + 1) * sizeof(cj_ref);
  cj_ref *own = g ? cjm_zalloc(k->c, bytes) : NULL;
  if (own) {
    cj_ref *in = own + nin, *out = in + p->narg + p->ncapture;
    for (uint32_t i = 0; i < nin; i++) own[i] = cjg_arg(g, cjg_type(k->body, k->body->arg[i]));
    for (uint32_t i = 0; i < p->narg; i++) in[i] = i < n ? own[i] : cjg_arg(g, cjg_type(p, p->arg[i]));
    for (uint32_t i = n; i < nin && tangents; i++) /* of what was captured: not used */
      if (cjt_isfloat(cjg_type(k->body, k->body->arg[i])->dtype)) cjg_arg(g, cjg_type(k->body, k->body->arg[i]));
    for (uint32_t i = 0; i < p->ncapture; i++) in[p->narg + i] = own[at + i];
    if (cjg_ok(g) && cjg_inline(g, p, in, out)) {
      for (uint32_t i = 0; i < p->nout; i++) cjg_output(g, out[i]);
      for (uint32_t i = n; i < nin && !tangents; i++)
        if (cjt_isfloat(cjg_type(k->body, k->body->arg[i])->dtype))
          cjg_output(g, cjb_zeros(g, cjg_type(k->body, k->body->arg[i])));
    }
    cjm_free(k->c, own, bytes);
  }
  if (g && cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}

static bool write_call(const control *k, cj_ref *in) {
  cj_graph *g = k->outer;
  uint32_t at = (uint32_t)k->nin + k->t->g->ncapture;
  cjb_loopspec s = {.body = k->body, .steps = 1};
  if (k->jvp) s.jvp = own_rule(k, k->jvp, at, true);
  if (k->vjp && cjg_ok(g)) s.vjp = own_rule(k, k->vjp, at + captures_of(k->jvp), false);
  for (uint32_t i = (uint32_t)k->nin; (k->jvp || k->vjp) && i < k->body->narg; i++)
    if (cjg_ok(g) && cjt_isfloat(cjg_type(g, in[i])->dtype)) in[i] = cjb_stop(g, in[i]);
  cj_ref y = cjg_ok(g) ? cjb_loop(g, &s, in) : 0;
  cjg_free(s.jvp);
  cjg_free(s.vjp);
  if (!y) return false;
  cjg_loop l = cjg_loop_of(g, y);
  for (int i = 0; i < k->ny; i++) cjg_output(g, decoded(g, cjb_part(g, y, &l, i), result_dtype(k, i)));
  return cjg_ok(g);
}

/* The inputs of the outer program and the operands of the loop. */
static bool write_outer(control *k) {
  cj_graph *g = k->outer = cjg_new(k->c);
  cj_trace *innermost;
  uint32_t n = 0;
  if (!g || !cj_innermost(k->c, k->val, (int)k->nval, &innermost)) return false;
  if (!CJM_GROW(k->c, k->ref, k->refcap, (size_t)k->body->narg)) return false;
  uint32_t nval = k->nval, captured = nval - (uint32_t)k->nin;
  for (uint32_t i = 0; i < (uint32_t)k->nin; i++, n++) {
    cj_type t;
    if (!cj_type_of(k->c, &k->val[i], &t)) return false;
    cj_ref x = cjg_arg(g, &t);
    k->ref[n] = i < (uint32_t)k->spec.ncarry ? encoded(g, x, k->dtype) : x;
  }
  if (k->spec.counted) {
    cj_ref i = cjb_iota(g, CJ_I64, k->spec.steps);
    k->ref[n++] = cjb_add(g, i, cjg_int(g, k->spec.first));
  }
  for (uint32_t i = 0; i < captured && cjg_ok(g); i++, n++) k->ref[n] = cjg_arg(g, cjg_type(k->body, k->body->arg[n]));
  for (uint32_t i = 0; i < k->nlifted && cjg_ok(g); i++) k->ref[n++] = loop_number(k, i, innermost != NULL);
  CJ_ASSERT(!cjg_ok(g) || n == k->body->narg);
  return cjg_ok(g) && (k->call ? write_call(k, k->ref) : write_loop(k, k->ref));
}

/* --- entries --------------------------------------------------------------------------------------------------------
 */

static bool check_rule(control *k, const cj_func *f, const char *name, int inputs, int outputs) {
  int floats = 0;
  for (int i = 0; i < k->nin; i++) floats += cjt_isfloat(cjg_type(k->t->g, k->t->g->arg[i])->dtype);
  if (!f) return true;
  inputs += k->nin + k->ny + (outputs ? floats : 0);
  outputs = outputs ? outputs : floats;
  if (cj_func_nin(f) == inputs && cj_func_nout(f) == outputs) return true;
  cjm_fail(k->c, CJ_EARG, "%s takes %d values and returns %d, wanted %d and %d", name, cj_func_nin(f), cj_func_nout(f),
           inputs, outputs);
  return false;
}

/* What a rule returns has the types of what it is the tangent or cotangent of. */
static bool check_rule_types(control *k, const cj_func *f, const char *what, bool tangents) {
  const cj_graph *g = k->t->g;
  for (int i = 0, at = 0; f && i < (tangents ? k->ny : k->nin); i++) {
    const cj_type *want = cjg_type(g, tangents ? g->out[i] : g->arg[i]);
    if (!cjt_isfloat(want->dtype)) continue;
    const cj_type *have = cj_func_out(f, at++);
    if (!cjt_same(have, want)) return types_differ(k->c, what, i + 1, have, want);
  }
  return true;
}

static bool check_rules(control *k) {
  const cj_graph *g = k->t->g;
  if (!k->jvp && !k->vjp) return true;
  for (int i = 0; i < k->ny; i++)
    if (!cjt_isfloat(cjg_type(g, g->out[i])->dtype) || cjg_type(g, g->out[i])->dtype != cjg_type(g, g->out[0])->dtype)
      return cjm_fail(k->c, CJ_EDTYPE, "result %d is of dtype %s, wanted one float dtype for all results", i + 1,
                      cj_dtype_name((cj_dtype)cjg_type(g, g->out[i])->dtype)),
             false;
  return check_rule(k, k->jvp, "jvp", 0, k->ny) && check_rule(k, k->vjp, "vjp", k->ny, 0) &&
         check_rule_types(k, k->jvp, "what jvp returns as tangent of result", true) &&
         check_rule_types(k, k->vjp, "what vjp returns as cotangent of argument", false);
}

static cj_status run_control(control *k, const cj_val *y, const cj_val *in, cj_val *out) {
  if (check(k, y, in) && check_rules(k) && lift_traced(k) && make_body(k) && add_values(k, in) && write_outer(k))
    (void)cj_program_apply(k->c, k->outer, k->val, out);
  control_close(k);
  return k->c->status;
}

cj_status cj_trace_scan(cj_ctx *c, uint32_t trace, const cj_scan *spec, const cj_val *y, int ny, const cj_val *in,
                        cj_val *out) {
  cjm_clear(c);
  control k = {.c = c, .t = cjg_trace_find(c, trace), .ny = ny};
  if (!k.t) return cjm_fail(c, CJ_ESTALE, "the trace is not open");
  memcpy(&k.spec, spec, spec->size < sizeof k.spec ? spec->size : sizeof k.spec);
  return run_control(&k, y, in, out);
}

cj_status cj_trace_call(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_val *in, cj_func *jvp,
                        cj_func *vjp, cj_val *out) {
  cjm_clear(c);
  control k = {.c = c, .t = cjg_trace_find(c, trace), .ny = ny, .call = true, .jvp = jvp, .vjp = vjp};
  if (!k.t) return cjm_fail(c, CJ_ESTALE, "the trace is not open");
  k.spec.steps = 1;
  return run_control(&k, y, in, out);
}
