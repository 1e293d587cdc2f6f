/* host_loops.c -- loops and calls out of traced bodies through cjac.h alone, against sums by hand. */
#include "host.h"

enum { N = 5 };
static const double XS[N] = {0.5, -1, 2, 0.25, 1.5};

/* --- a loop ---------------------------------------------------------------------------------------------- */

/* c' = a c + x, kept: c; a is captured. */
static cj_status step(cj_ctx *c, cj_val a, cj_val carry, cj_val x, cj_val y[2]) {
  cj_val ac;
  cj_status s = cj_mul(c, a, carry, &ac);
  y[1] = carry;
  return s ? s : cj_add(c, ac, x, &y[0]);
}

/* in: the first carry and the rows. */
static cj_status loop(cj_ctx *c, cj_val a, const cj_val *in, const cj_scan *spec, cj_val *out) {
  cj_type t = scalar();
  cj_val carry, x, y[2];
  uint32_t trace;
  cj_status s = cj_trace_open(c, &trace);
  if (!s) s = cj_trace_input_type(c, trace, &t, &carry);
  if (!s) s = cj_trace_input_type(c, trace, &t, &x);
  if (!s) s = step(c, a, carry, x, y);
  if (!s) s = cj_trace_scan(c, trace, spec, y, 2, in, out);
  CHECK(!cj_trace_isopen(c, trace));
  cj_trace_abandon(c, trace);
  return s;
}

/* (a, c0, xs) -> last carry, all carries before a step; ud: the spec. */
static cj_status loop_body(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) { return loop(c, x[0], x + 1, ud, y); }

static void by_hand(double a, double c0, const cj_scan *spec, double *last, double *da, double *kept) {
  double c = c0, d = 0;
  for (int k = 0; k < N; k++) {
    int t = spec->reverse ? N - 1 - k : k;
    kept[t] = c;
    d = c + a * d;
    c = a * c + XS[t];
  }
  *last = c;
  *da = d;
}

static void test_derived(cj_ctx *c, const cj_scan *spec) {
  cj_type in[3] = {scalar(), scalar(), vector(N)};
  cj_func *f, *jac;
  double a = 0.7, c0 = 2, last, da, kept[N], y0, y1[N], J[6][N * N], want, want_da, want_kept[N];
  if (!OK(c, cj_func_new(c, 3, in, 2, loop_body, (void *)(uintptr_t)spec, &f))) return;
  by_hand(a, c0, spec, &want, &want_da, want_kept);
  OK(c, run_once(c, f, (const void *[]){&a, &c0, XS}, (void *[]){&last, kept}));
  NEAR(last, want);
  for (int t = 0; t < N; t++) NEAR(kept[t], want_kept[t]);
  if (OK(c, derive(f, CJ_JACOBIAN, true, &jac))) {
    void *out[8] = {&y0, y1, J[0], J[1], J[2], J[3], J[4], J[5]};
    OK(c, run_once(c, jac, (const void *[]){&a, &c0, XS}, out));
    NEAR(y0, want);
    da = J[0][0];
    NEAR(da, want_da);
    NEAR(J[1][0], pow(a, N));
    for (int t = 0; t < N; t++) NEAR(J[2][t], pow(a, spec->reverse ? t : N - 1 - t));
    cj_func_release(jac);
  }
  cj_func_release(f);
}

static void test_loops(cj_ctx *c) {
  for (int64_t segment = 0; segment <= N; segment++)
    for (int reverse = 0; reverse < 2; reverse++) {
      cj_scan spec = {.size = sizeof spec, .ncarry = 1, .steps = N, .reverse = reverse, .segment = segment};
      test_derived(c, &spec);
    }
}

/* At tensors it runs at once. */
static void test_at_once(cj_ctx *c) {
  cj_scan spec = {.size = sizeof spec, .ncarry = 1, .steps = N};
  cj_type t = scalar(), rows = vector(N);
  cj_tensor *a, *c0, *xs;
  double va = 0.7, vc = 2, want, da, kept[N], got;
  cj_val out[2];
  if (!OK(c, cj_tensor_new(c, &t, &va, &a)) || !OK(c, cj_tensor_new(c, &t, &vc, &c0))) return;
  if (!OK(c, cj_tensor_new(c, &rows, XS, &xs))) return;
  cj_val in[2] = {boxed(c0), boxed(xs)};
  by_hand(va, vc, &spec, &want, &da, kept);
  for (int again = 0; again < 3; again++) {
    if (!OK(c, loop(c, boxed(a), in, &spec, out))) break;
    OK(c, cj_tensor_at(out[0].u.tensor, 0, &got, NULL));
    NEAR(got, want);
    cj_val_release(&out[0]);
    cj_val_release(&out[1]);
  }
  spec.steps = N - 1;
  FAILS(c, CJ_ESHAPE, "input 2 is float64[5], wanted float64[4]", loop(c, boxed(a), in, &spec, out));
  in[0] = boxed(xs);
  FAILS(c, CJ_ESHAPE, "input 1", loop(c, boxed(a), in, &spec, out));
  in[0] = boxed(c0);
  FAILS(c, CJ_ESHAPE, "carry", loop(c, boxed(xs), in, &(cj_scan){.size = sizeof spec, .ncarry = 1, .steps = N}, out));
  cj_tensor_release(a);
  cj_tensor_release(c0);
  cj_tensor_release(xs);
}

/* --- a call with a derivative by hand ----------------------------------------------------------------------- */

/* (x, y, ct) -> 2 ct y, which is not the derivative, so that it is seen to be in use. */
static cj_status rule(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_val twice;
  (void)ud;
  cj_status s = cj_mul(c, x[1], num(2), &twice);
  return s ? s : cj_mul(c, twice, x[2], y);
}

/* exp as a call; ud: the rule. */
static cj_status call_body(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  uint32_t trace;
  cj_val in, e;
  cj_status s = cj_trace_open(c, &trace);
  if (!s) s = cj_trace_input(c, trace, x, &in);
  if (!s) s = cj_exp(c, in, &e);
  if (!s) s = cj_trace_call(c, trace, &e, 1, x, NULL, ud, y);
  cj_trace_abandon(c, trace);
  return s;
}

/* A rule of too few arguments. */
static cj_status call_of_two(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  (void)ud;
  return cj_add(c, x[0], x[1], y);
}

static void test_call(cj_ctx *c) {
  static const cj_strategy strategies[] = {CJ_REVERSE, CJ_FORWARD};
  cj_type in[3] = {vector(N), vector(N), vector(N)};
  cj_func *by_rule, *f, *jac;
  double J[N * N];
  if (!OK(c, cj_func_new(c, 3, in, 1, rule, NULL, &by_rule))) return;
  for (int by_hand_too = 0; by_hand_too < 2; by_hand_too++) {
    if (!OK(c, cj_func_new(c, 1, in, 1, call_body, by_hand_too ? by_rule : NULL, &f))) continue;
    for (int k = 0; k < 2; k++) {
      cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN, .strategy = strategies[k]};
      if (!OK(c, cj_func_derive(f, &rq, &jac))) continue;
      OK(c, run_once(c, jac, (const void *[]){XS}, (void *[]){J}));
      for (int i = 0; i < N * N; i++) NEAR(J[i], i % (N + 1) ? 0 : (by_hand_too ? 2 : 1) * exp(XS[i / N]));
      cj_func_release(jac);
    }
    cj_func_release(f);
  }
  cj_func_release(by_rule);
  if (!OK(c, cj_func_new(c, 2, in, 1, call_of_two, NULL, &by_rule))) return;
  FAILS(c, CJ_EARG, "vjp takes 2 values and returns 1, wanted 3 and 1",
        cj_func_new(c, 1, in, 1, call_body, by_rule, &f));
  cj_func_release(by_rule);
}

int main(void) {
  with_context(test_loops);
  with_context(test_at_once);
  with_context(test_call);
  return host_close("host_loops");
}
