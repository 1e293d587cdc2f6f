/* host_compiled.c -- compiled functions from C: calls, guards, what is derived, errors, memory. */
#include "bodies.h"

static cj_tensor *tensor_of(cj_ctx *c, const cj_type *t, const double *src) {
  cj_tensor *x = NULL;
  OK(c, cj_tensor_new(c, t, src, &x));
  return x;
}

static double element(const cj_val *v, int64_t i) {
  double f = NAN;
  CHECK(v->kind == CJ_TENSOR && cj_tensor_at(v->u.tensor, i, &f, NULL) == CJ_OK);
  return f;
}

/* --- calls --------------------------------------------------------------------------------------------- */

static void test_calls(cj_ctx *c) {
  cj_type t = vector(3);
  cj_func *f;
  cj_compiled *k;
  const double ones[] = {1, 1, 1}, twos[] = {2, 2, 2};
  cj_val x[2] = {boxed(tensor_of(c, &t, ones)), boxed(tensor_of(c, &t, twos))}, y = {.kind = CJ_NONE};
  OK(c, cj_func_new(c, 2, (cj_type[]){t, t}, 1, exp_adder, NULL, &f));
  OK(c, cj_compiled_new(f, &k));
  cj_func_release(f);
  CHECK(cj_compiled_nin(k) == 2 && cj_compiled_nout(k) == 1 && cj_compiled_nguard(k) == 0 && !cj_compiled_isbound(k));
  OK(c, cj_compiled_call(k, x, 2, &y, NULL));
  NEAR(element(&y, 0), 2 * exp(1) + 6);
  cj_tensor *mine = y.u.tensor;
  cj_memstat before, after;
  cj_ctx_mem(c, &before);
  for (int i = 0; i < 1000; i++) CHECK(cj_compiled_call(k, x, 2, &y, NULL) == CJ_OK);
  cj_ctx_mem(c, &after);
  CHECK(y.u.tensor == mine && after.live == before.live && after.peak == before.peak);
  OK(c, cj_compiled_call(k, x, 2, &x[1], NULL)); /* an argument is written to */
  NEAR(element(&x[1], 2), 2 * exp(1) + 6);
  cj_tensor_retain(mine);
  FAILS(c, CJ_EARG, "shares its elements", cj_compiled_call(k, x, 2, &y, NULL));
  cj_tensor_release(mine);
  FAILS(c, CJ_EARG, "takes 2 arguments, got 1", cj_compiled_call(k, x, 1, &y, NULL));
  cj_val wrong[2] = {num(1), x[1]}, none = {.kind = CJ_NONE};
  FAILS(c, CJ_ESHAPE, "argument 1 is float64[], wanted float64[3]", cj_compiled_call(k, wrong, 2, &none, NULL));
  cj_type other = vector(4);
  cj_val larger = boxed(tensor_of(c, &other, NULL));
  FAILS(c, CJ_ESHAPE, "result 1 is float64[3]", cj_compiled_call(k, x, 2, &larger, NULL));
  cj_val_release(&larger);
  cj_val_release(&x[0]);
  cj_val_release(&x[1]);
  cj_val_release(&y);
  cj_compiled_release(k);
}

/* --- guards ---------------------------------------------------------------------------------------------- */

/* x x if x > 0, else -x; traced at x. */
static cj_compiled *trace_branch(cj_ctx *c, const cj_val *x) {
  uint32_t trace;
  cj_val in, positive, y;
  cj_tensor *answer;
  cj_compiled *k = NULL;
  int64_t yes = 0;
  double f;
  OK(c, cj_trace_open(c, &trace));
  OK(c, cj_trace_guard(c, trace));
  OK(c, cj_trace_input(c, trace, x, &in));
  OK(c, cj_gt(c, in, num(0), &positive));
  OK(c, cj_val_tensor(c, &positive, &answer));
  OK(c, cj_tensor_at(answer, 0, &f, &yes));
  cj_tensor_release(answer);
  OK(c, yes ? cj_mul(c, in, in, &y) : cj_neg(c, in, &y));
  OK(c, cj_trace_compile(c, trace, &y, 1, &k));
  CHECK(!cj_trace_isopen(c, trace));
  return k;
}

static bool call_scalar(cj_ctx *c, cj_compiled *k, double at, double *out) {
  cj_val x = num(at), y = {.kind = CJ_NONE};
  bool valid;
  OK(c, cj_compiled_call(k, &x, 1, &y, &valid));
  if (valid) *out = element(&y, 0);
  CHECK(valid || y.kind == CJ_NONE);
  cj_val_release(&y);
  return valid;
}

static void test_guards(cj_ctx *c) {
  cj_type t = scalar();
  double three = 3, y;
  cj_val x = boxed(tensor_of(c, &t, &three));
  cj_compiled *k = trace_branch(c, &x), *d, *b;
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN};
  CHECK(cj_compiled_nguard(k) == 1 && cj_compiled_out(k, 1)->dtype == CJ_BOOL);
  CHECK(call_scalar(c, k, 4, &y) && y == 16);
  CHECK(!call_scalar(c, k, -4, &y));
  OK(c, cj_compiled_derive(k, &rq, 0, &d));
  CHECK(call_scalar(c, d, 4, &y) && y == 8);
  CHECK(!call_scalar(c, d, -4, &y));
  OK(c, cj_compiled_batch(d, 2, &b));
  cj_type two = vector(2);
  const double same[] = {1, 2}, mixed[] = {1, -2};
  cj_val p = boxed(tensor_of(c, &two, same)), q = boxed(tensor_of(c, &two, mixed)), r = {.kind = CJ_NONE};
  bool valid;
  OK(c, cj_compiled_call(b, &p, 1, &r, &valid));
  CHECK(valid && element(&r, 0) == 2 && element(&r, 1) == 4);
  OK(c, cj_compiled_call(b, &q, 1, &r, &valid)); /* r is not touched */
  CHECK(!valid && element(&r, 0) == 2 && element(&r, 1) == 4);
  cj_val_release(&p);
  cj_val_release(&q);
  cj_val_release(&r);
  cj_val_release(&x);
  cj_compiled_release(k);
  cj_compiled_release(cj_compiled_retain(d));
  cj_compiled_release(d);
  cj_compiled_release(b);
}

/* --- steps that fail ----------------------------------------------------------------------------------------- */

static void test_failure(cj_ctx *c) {
  cj_type t = matrix(2, 2), v = vector(2);
  const double good[] = {2, 0, 0, 4}, singular[] = {1, 1, 1, 1}, b[] = {1, 1};
  cj_func *f;
  cj_compiled *k;
  cj_val x[2] = {boxed(tensor_of(c, &t, good)), boxed(tensor_of(c, &v, b))}, y = {.kind = CJ_NONE};
  OK(c, cj_func_new(c, 2, (cj_type[]){t, v}, 1, solve, NULL, &f));
  OK(c, cj_compiled_new(f, &k));
  cj_func_release(f);
  OK(c, cj_compiled_call(k, x, 2, &y, NULL));
  cj_val bad[2] = {boxed(tensor_of(c, &t, singular)), x[1]};
  FAILS(c, CJ_EDOMAIN, "singular", cj_compiled_call(k, bad, 2, &y, NULL));
  CHECK(element(&y, 0) == 0.5 && element(&y, 1) == 0.25);
  cj_val_release(&bad[0]);
  cj_val_release(&x[0]);
  cj_val_release(&x[1]);
  cj_val_release(&y);
  cj_compiled_release(k);
}

/* --- what it says of itself -------------------------------------------------------------------------------------- */

typedef struct page {
  char s[8192];
  size_t n;
} page;

static cj_status put_page(void *ud, const char *s, size_t n) {
  page *p = ud;
  if (n >= sizeof p->s - p->n) return CJ_EUSER;
  memcpy(p->s + p->n, s, n);
  p->s[p->n += n] = '\0';
  return CJ_OK;
}

static void test_text(cj_ctx *c) {
  cj_type t = vector(5);
  int64_t n = 5;
  cj_func *f;
  cj_compiled *k, *d;
  cj_compiledstat stat;
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN};
  page p = {.n = 0};
  OK(c, cj_func_new(c, 1, &t, 1, neighbours, &n, &f));
  OK(c, cj_compiled_new(f, &k));
  cj_func_release(f);
  OK(c, cj_compiled_derive(k, &rq, 0, &d));
  OK(c, cj_compiled_stats(d, &stat));
  CHECK(stat.strategy && stat.ops > 0 && stat.steps > 0 && stat.work > 0 && stat.nonzeros == 8 && stat.forward > 0);
  OK(c, cj_compiled_explain(d, put_page, &p));
  CHECK(strstr(p.s, "chosen: ") && strstr(p.s, "plan: "));
  p.n = 0;
  OK(c, cj_compiled_write(k, CJ_TEXT, put_page, &p));
  CHECK(strstr(p.s, "(float64[5]) -> (float64[4])") && strstr(p.s, "return"));
  p.n = 0;
  OK(c, cj_compiled_write(k, CJ_DOT, put_page, &p));
  CHECK(strncmp(p.s, "digraph", 7) == 0);
  rq.want = CJ_NONZEROS;
  cj_compiled *s;
  cj_csr m;
  OK(c, cj_compiled_derive(k, &rq, 0, &s));
  CHECK(cj_compiled_pattern(s) && !cj_compiled_pattern(d));
  cj_pattern_csr(cj_compiled_pattern(s), &m);
  CHECK(m.rows == 4 && m.cols == 5 && m.nnz == 8);
  cj_compiled_release(s);
  cj_compiled_release(d);
  cj_compiled_release(k);
}

/* --- the n-th allocation fails --------------------------------------------------------------------------------------
 */

static bool attempt(cj_ctx *c, const cj_val *x) {
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN};
  uint32_t trace = 0;
  cj_val in, y, r = {.kind = CJ_NONE};
  cj_tensor *number = NULL;
  cj_compiled *k = NULL, *d = NULL;
  cj_status s = cj_trace_open(c, &trace);
  if (!s) s = cj_trace_guard(c, trace);
  if (!s) s = cj_trace_input(c, trace, x, &in);
  if (!s) s = cj_val_tensor(c, &in, &number);
  if (!s) s = cj_mul(c, in, in, &y);
  if (!s) s = cj_trace_compile(c, trace, &y, 1, &k);
  if (!s) s = cj_compiled_derive(k, &rq, 0, &d);
  if (!s) s = cj_compiled_call(d, x, 1, &r, NULL);
  CHECK(s == CJ_OK || s == CJ_ENOMEM);
  if (!s) CHECK(element(&r, 0) == 6);
  cj_trace_abandon(c, trace);
  cj_tensor_release(number);
  cj_val_release(&r);
  cj_compiled_release(d);
  cj_compiled_release(k);
  return s == CJ_OK;
}

static void test_memory(cj_ctx *c) {
  cj_type t = scalar();
  double three = 3;
  cj_val x = boxed(tensor_of(c, &t, &three));
  cj_memstat before, after;
  CHECK(attempt(c, &x));
  cj_ctx_trim(c);
  cj_ctx_mem(c, &before);
  for (int n = 0; n < 1000; n++) {
    cj_ctx_fuse(c, n);
    bool good = attempt(c, &x);
    cj_ctx_fuse(c, -1);
    cj_ctx_trim(c);
    cj_ctx_mem(c, &after);
    CHECK(after.blocks <= before.blocks);
    if (good) break;
    CHECK(n < 999);
  }
  cj_val_release(&x);
}

int main(void) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_ctx *c;
  if (cj_ctx_new(&cfg, &c) != CJ_OK) return EXIT_FAILURE;
  test_calls(c);
  test_guards(c);
  test_failure(c);
  test_text(c);
  test_memory(c);
  cj_ctx_release(c);
  CHECK(h.live == 0 && h.blocks == 0 && h.wrong == 0);
  return host_close("host_compiled");
}
