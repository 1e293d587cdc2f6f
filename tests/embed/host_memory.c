/* host_memory.c -- memory of a host's own allocator: what runs allocate (nothing), what failures leave behind
** (nothing), limits, cancelling, and what errors say. */
#include "bodies.h"

enum { N = 6 };
static const double R[N] = {-1.2, 1, 0.4, 0.9, -0.3, 2};

/* --- a run allocates nothing --------------------------------------------------------------------------------- */

static void run_silently(cj_ctx *c, heap *h, const cj_plan *p) {
  double H[N * N], want[N * N];
  const void *in[] = {R};
  void *out[] = {H}, *work = work_new(cj_plan_worksize(p));
  cj_memstat before, after;
  rosenbrock_hessian(R, N, want);
  cj_ctx_mem(c, &before);
  long calls = h->calls;
  for (int i = 0; i < 1000; i++) CHECK(cj_plan_run(p, in, out, work) == CJ_OK);
  CHECK(h->calls == calls);
  cj_ctx_mem(c, &after);
  CHECK(memcmp(&before, &after, sizeof before) == 0);
  for (int i = 0; i < N * N; i++) NEAR(H[i], want[i]);
  free(work);
}

static void test_run(cj_ctx *c, heap *h) {
  int64_t n = N;
  cj_type in = vector(N);
  cj_func *f, *d;
  cj_plan *p;
  if (!OK(c, cj_func_new(c, 1, &in, 1, rosenbrock, &n, &f))) return;
  if (OK(c, derive(f, CJ_HESSIAN, false, &d))) {
    if (OK(c, cj_plan_new(d, &p))) {
      cj_func_release(f); /* a plan needs neither the function nor the caller's context */
      cj_func_release(d);
      cj_plan *again = cj_plan_retain(p);
      cj_plan_release(p);
      run_silently(c, h, again);
      cj_plan_release(again);
      return;
    }
    cj_func_release(d);
  }
  cj_func_release(f);
}

/* The context lives on while something of it does. */
static void test_order(void) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_ctx *c;
  int64_t n = N;
  cj_type in = vector(N);
  cj_func *f;
  cj_plan *p;
  double y;
  if (!CHECK(cj_ctx_new(&cfg, &c) == CJ_OK)) return;
  bool made = OK(c, cj_func_new(c, 1, &in, 1, rosenbrock, &n, &f)) && OK(c, cj_plan_new(f, &p));
  if (made) cj_func_release(f);
  cj_ctx_release(c);
  if (made) {
    void *work = work_new(cj_plan_worksize(p));
    CHECK(h.live > 0);
    CHECK(cj_plan_run(p, (const void *[]){R}, (void *[]){&y}, work) == CJ_OK);
    free(work);
    cj_plan_release(p);
  }
  CHECK(h.live == 0 && h.blocks == 0 && h.wrong == 0);
}

/* --- every allocation fails in turn ---------------------------------------------------------------------------- */

/* Steps of a host, each able to fail; what was made so far is given back. */
typedef struct made {
  cj_func *f, *d, *s, *b;
  cj_plan *p;
  cj_pattern *pattern, *alone;
} made;

static cj_status make_all(cj_ctx *c, made *m) {
  int64_t n = N;
  cj_type in = vector(N);
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN, .value = true};
  cj_status s = cj_func_new(c, 1, &in, 1, neighbours, &n, &m->f);
  if (!s) s = cj_func_derive(m->f, &rq, &m->d);
  if (!s) s = cj_plan_new(m->d, &m->p);
  if (!s) s = cj_func_sparsity(m->f, &m->alone);
  if (!s) s = cj_func_sparse_jacobian(m->f, false, &m->s, &m->pattern);
  if (!s) s = cj_func_batch(m->f, &(bool){true}, 3, &m->b);
  return s;
}

static void free_all(made *m) {
  cj_func_release(m->f);
  cj_func_release(m->d);
  cj_func_release(m->s);
  cj_func_release(m->b);
  cj_plan_release(m->p);
  cj_pattern_release(m->pattern);
  cj_pattern_release(m->alone);
}

static void check_made(const made *m) {
  double y[N - 1], J[(N - 1) * N];
  void *work = work_new(cj_plan_worksize(m->p));
  CHECK(cj_plan_run(m->p, (const void *[]){R}, (void *[]){y, J}, work) == CJ_OK);
  free(work);
  for (int i = 0; i < N - 1; i++)
    for (int j = 0; j < N; j++) NEAR(J[i * N + j], j == i ? 2 * R[i] * R[i + 1] : j == i + 1 ? R[i] * R[i] : 0);
}

/* The n-th allocation of the host fails: in a context of its own, which is then given up. */
static void test_failures(void) {
  cj_status s = CJ_ENOMEM;
  for (long n = 0; s == CJ_ENOMEM && n < 100000; n++) {
    heap h;
    cj_config cfg = heap_config(&h);
    cj_ctx *c;
    made m = {0};
    h.left = n;
    s = cj_ctx_new(&cfg, &c);
    if (s == CJ_OK) {
      s = make_all(c, &m);
      if (s == CJ_OK)
        check_made(&m);
      else
        FAILS(c, CJ_ENOMEM, "not enough memory", s);
      free_all(&m);
      cj_ctx_release(c);
    }
    CHECK(h.live == 0 && h.blocks == 0 && h.wrong == 0);
  }
  CHECK(s == CJ_OK);
}

/* Bytes of a context that has traced and keeps nothing. */
static size_t at_rest(cj_ctx *c, const heap *h) {
  uint32_t trace;
  OK(c, cj_trace_open(c, &trace));
  cj_trace_abandon(c, trace);
  cj_ctx_trim(c);
  return h->live;
}

/* The same in one context that goes on: nothing stays behind, and a later try does well. */
static void test_fuse(cj_ctx *c, heap *h) {
  cj_status s = CJ_ENOMEM;
  size_t live = at_rest(c, h);
  for (int64_t n = 0; s == CJ_ENOMEM && n < 100000; n++) {
    made m = {0};
    cj_ctx_fuse(c, n);
    s = make_all(c, &m);
    cj_ctx_fuse(c, -1);
    if (s == CJ_OK) check_made(&m);
    free_all(&m);
    cj_ctx_trim(c);
    CHECK(h->live == live);
  }
  CHECK(s == CJ_OK);
}

/* One call of a script's kind: a trace, its derivative, the results. */
static cj_status one_shot(cj_ctx *c, cj_tensor *x, cj_tensor **jacobian) {
  int64_t n = N;
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN};
  uint32_t trace;
  int nout;
  cj_val in = boxed(x), arg, y, out;
  cj_status s = cj_trace_open(c, &trace);
  if (!s) s = cj_trace_input(c, trace, &in, &arg);
  if (!s) s = neighbours(c, &arg, &y, &n);
  if (!s) {
    s = cj_trace_derive(c, trace, &y, 1, &rq, NULL, 0, &out, 1, &nout);
    if (!s) *jacobian = out.u.tensor;
  }
  cj_trace_abandon(c, trace);
  return s;
}

static void test_one_shot_failures(cj_ctx *c, heap *h) {
  cj_type t = vector(N);
  cj_tensor *x, *J = NULL;
  cj_status s = CJ_ENOMEM;
  if (!OK(c, cj_tensor_new(c, &t, R, &x))) return;
  size_t live = at_rest(c, h);
  for (int64_t n = 0; s == CJ_ENOMEM && n < 100000; n++) {
    cj_ctx_fuse(c, n);
    s = one_shot(c, x, &J);
    cj_ctx_fuse(c, -1);
    if (s == CJ_OK) {
      CHECK(((const double *)cj_tensor_data(J))[1] == R[0] * R[0]);
      cj_tensor_release(J);
    }
    cj_ctx_trim(c);
    CHECK(h->live == live);
  }
  CHECK(s == CJ_OK);
  cj_tensor_release(x);
}

/* Ten thousand calls take no more memory than ten. */
static void test_slope(cj_ctx *c, heap *h) {
  cj_type t = vector(N);
  cj_tensor *x, *J;
  size_t live = 0;
  if (!OK(c, cj_tensor_new(c, &t, R, &x))) return;
  for (int i = 0; i < 10000; i++) {
    if (one_shot(c, x, &J) == CJ_OK) cj_tensor_release(J);
    if (i == 10) live = h->live;
  }
  CHECK(h->live == live);
  cj_tensor_release(x);
}

/* --- limits and cancelling --------------------------------------------------------------------------------------- */

static cj_status chain(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_status s = CJ_OK;
  *y = x[0];
  for (int i = 0; !s && i < *(const int *)ud; i++) s = cj_sin(c, *y, y);
  return s;
}

static void test_node_limit(void) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_ctx *c;
  cj_func *f = NULL;
  cj_type in = vector(3);
  int few = 50, many = 200;
  cfg.node_limit = 100;
  if (!CHECK(cj_ctx_new(&cfg, &c) == CJ_OK)) return;
  FAILS(c, CJ_ELIMIT, "100", cj_func_new(c, 1, &in, 1, chain, &many, &f));
  CHECK(f == NULL);
  if (OK(c, cj_func_new(c, 1, &in, 1, chain, &few, &f))) cj_func_release(f);
  cj_ctx_release(c);
  CHECK(h.live == 0);
}

static void test_mem_limit(void) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_ctx *c;
  cj_tensor *x = NULL;
  cj_type small = vector(100), big = vector(1000000);
  cj_memstat m;
  cfg.mem_limit = 1 << 20;
  if (!CHECK(cj_ctx_new(&cfg, &c) == CJ_OK)) return;
  size_t live = h.live;
  FAILS(c, CJ_ENOMEM, "not enough memory", cj_tensor_new(c, &big, NULL, &x));
  CHECK(x == NULL && h.live == live);
  if (OK(c, cj_tensor_new(c, &small, NULL, &x))) {
    /* 100 x 100 x 100 numbers do not fit either, and the failure leaves x and the context as they were */
    cj_val in = boxed(x), y, column[1];
    int64_t shape[3] = {100, 100, 100};
    OK(c, cj_reshape(c, in, (int64_t[]){100, 1}, 2, &column[0]));
    OK(c, cj_expand(c, column[0], shape, 3, &y));
    cj_val z;
    live = h.live;
    FAILS(c, CJ_ENOMEM, "not enough memory", cj_exp(c, y, &z));
    CHECK(h.live == live);
    cj_val_release(&y);
    cj_val_release(&column[0]);
    cj_tensor_release(x);
  }
  cj_ctx_mem(c, &m);
  CHECK(m.peak <= cfg.mem_limit && m.live == h.live && m.blocks == h.blocks);
  cj_ctx_release(c);
  CHECK(h.live == 0);
}

static void test_cancel(cj_ctx *c, heap *h) {
  cj_type t = vector(1000);
  cj_tensor *x;
  cj_func *f;
  int steps = 50;
  volatile int flag = 0;
  cj_val y;
  (void)h;
  if (!OK(c, cj_tensor_new(c, &t, NULL, &x))) return;
  if (OK(c, cj_func_new(c, 1, &t, 1, chain, &steps, &f))) {
    cj_val in = boxed(x);
    cj_ctx_cancel(c, &flag);
    if (OK(c, cj_func_apply(f, &in, 1, &y))) cj_val_release(&y);
    flag = 1;
    FAILS(c, CJ_ECANCEL, "interrupted", cj_func_apply(f, &in, 1, &y));
    flag = 0;
    if (OK(c, cj_func_apply(f, &in, 1, &y))) cj_val_release(&y);
    cj_ctx_cancel(c, NULL);
    cj_func_release(f);
  }
  cj_tensor_release(x);
}

/* --- what errors say ------------------------------------------------------------------------------------------------
 */

static cj_status add_two(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  (void)ud;
  return cj_add(c, x[0], x[1], y);
}
static cj_status gives_up(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  (void)c, (void)x, (void)y, (void)ud;
  return CJ_EUSER;
}
static cj_status reads(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_tensor *number;
  (void)y, (void)ud;
  return cj_val_tensor(c, &x[0], &number);
}
static cj_status escapes(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  *(cj_val *)ud = x[0];
  return cj_exp(c, x[0], y);
}
static cj_status first(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  (void)ud;
  return cj_exp(c, x[0], y);
}

static void test_errors(cj_ctx *c, heap *h) {
  cj_type two[2] = {matrix(2, 3), vector(2)}, same[2] = {vector(2), vector(2)}, bad;
  cj_type whole = typeof_shape(CJ_I64, 1, 2, 0);
  cj_func *f = NULL, *g;
  cj_val y, gone;
  (void)h;
  CHECK(cj_type_make(CJ_F64, CJ_MAXRANK + 1, (int64_t[9]){0}, &bad) == CJ_EARG);
  CHECK(cj_type_make(CJ_F64, 1, (int64_t[]){-1}, &bad) == CJ_EARG);
  CHECK(cj_type_make(CJ_F64, 2, (int64_t[]){INT64_MAX, 2}, &bad) == CJ_EARG);
  CHECK(cj_ctx_new(&(cj_config){.size = 1}, &(cj_ctx *){NULL}) == CJ_EARG);
  FAILS(c, CJ_ESHAPE, "[2, 3]", cj_func_new(c, 2, two, 1, add_two, NULL, &f));
  CHECK(f == NULL && strstr(cj_errmsg(c), "add") && strstr(cj_errmsg(c), "[2]"));
  FAILS(c, CJ_EUSER, "callback", cj_func_new(c, 2, same, 1, gives_up, NULL, &f));
  FAILS(c, CJ_ENOVALUE, "", cj_func_new(c, 1, same, 1, reads, NULL, &f));
  FAILS(c, CJ_EARG, "operation", cj_apply(c, -1, NULL, 0, NULL, 0, &y, 1, &(int){0}));
  CHECK(cj_op_find("", "no such row") == -1 && cj_op_find("linalg", "solve") >= 0);
  if (OK(c, cj_func_new(c, 1, same, 1, escapes, &gone, &f))) {
    FAILS(c, CJ_ESTALE, "traced", cj_exp(c, gone, &y));
    cj_func_release(f);
  }
  if (OK(c, cj_func_new(c, 2, same, 1, first, NULL, &f))) {
    cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN, .strict = true};
    FAILS(c, CJ_EARG, "output 1", cj_func_derive(f, &rq, &g));
    CHECK(g == NULL && strstr(cj_errmsg(c), "input 2"));
    rq = (cj_request){.size = sizeof rq, .want = CJ_HESSIAN};
    FAILS(c, CJ_ESHAPE, "", cj_func_derive(f, &rq, &g));
    FAILS(c, CJ_EARG, "2 arguments", cj_func_apply(f, NULL, 0, &y));
    cj_func_release(f);
  }
  if (OK(c, cj_func_new(c, 1, &whole, 1, first, NULL, &f))) {
    cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN};
    FAILS(c, CJ_EDTYPE, "int64", cj_func_derive(f, &rq, &g));
    cj_func_release(f);
  }
}

static void with_heap(void (*test)(cj_ctx *c, heap *h)) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_ctx *c;
  if (CHECK(cj_ctx_new(&cfg, &c) == CJ_OK)) {
    test(c, &h);
    cj_ctx_release(c);
  }
  CHECK(h.live == 0 && h.blocks == 0 && h.wrong == 0);
}

int main(void) {
  with_heap(test_run);
  with_heap(test_fuse);
  with_heap(test_one_shot_failures);
  with_heap(test_slope);
  with_heap(test_cancel);
  with_heap(test_errors);
  test_order();
  test_failures();
  test_node_limit();
  test_mem_limit();
  return host_close("host_memory");
}
