/* host_nolua.c -- a C program without Lua: functions, derivatives and plans through cjac.h alone, against
** derivatives by hand. */
#include "bodies.h"

static const double X[4] = {0.3, -1.2, 0.7, 2.0};

/* --- values and first derivatives ------------------------------------------------------------------------ */

static void test_reducer(cj_ctx *c) {
  cj_type in = matrix(2, 2);
  cj_func *f, *jac;
  if (!OK(c, cj_func_new(c, 1, &in, 1, exp_reducer, NULL, &f))) return;
  CHECK(cj_func_nin(f) == 1 && cj_func_nout(f) == 1);
  CHECK(cj_func_in(f, 0)->rank == 2 && cj_func_out(f, 0)->rank == 1 && cj_func_out(f, 0)->dim[0] == 2);
  if (OK(c, derive(f, CJ_JACOBIAN, true, &jac))) {
    double y[2], J[8];
    CHECK(cj_func_nin(jac) == 1 && cj_func_nout(jac) == 2 && cj_func_out(jac, 1)->rank == 3);
    OK(c, run_once(c, jac, (const void *[]){X}, (void *[]){y, J}));
    for (int i = 0; i < 2; i++) NEAR(y[i], exp(X[2 * i]) + exp(X[2 * i + 1]));
    for (int i = 0; i < 8; i++) NEAR(J[i], i / 4 == i % 4 / 2 ? exp(X[i % 4]) : 0);
    cj_func_release(jac);
  }
  cj_func_release(f);
}

static void test_adder(cj_ctx *c) {
  cj_type in[2] = {vector(2), vector(2)};
  cj_func *f, *jac;
  if (!OK(c, cj_func_new(c, 2, in, 1, exp_adder, NULL, &f))) return;
  if (OK(c, derive(f, CJ_JACOBIAN, false, &jac))) {
    double Jx[4], Jz[4];
    OK(c, run_once(c, jac, (const void *[]){X, X + 2}, (void *[]){Jx, Jz}));
    for (int i = 0; i < 4; i++) NEAR(Jx[i], i % 3 ? 0 : 2 * exp(X[i / 2]));
    for (int i = 0; i < 4; i++) NEAR(Jz[i], i % 3 ? 0 : 3);
    cj_func_release(jac);
  }
  cj_func_release(f);
}

static void test_arm(cj_ctx *c) {
  static const cj_strategy strategies[] = {CJ_AUTO, CJ_REVERSE, CJ_FORWARD, CJ_SPARSE};
  cj_type in = vector(2);
  cj_func *f, *jac;
  double a = X[0], b = X[0] + X[1], J[4];
  if (!OK(c, cj_func_new(c, 1, &in, 1, arm, NULL, &f))) return;
  for (int k = 0; k < 4; k++) {
    cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN, .strategy = strategies[k]};
    if (!OK(c, cj_func_derive(f, &rq, &jac))) continue;
    OK(c, run_once(c, jac, (const void *[]){X}, (void *[]){J}));
    NEAR(J[0], -sin(a) - sin(b));
    NEAR(J[1], -sin(b));
    NEAR(J[2], cos(a) + cos(b));
    NEAR(J[3], cos(b));
    cj_func_release(jac);
  }
  cj_func_release(f);
}

static void test_products(cj_ctx *c) {
  cj_type in = vector(2);
  cj_func *f, *g;
  double a = X[0], b = X[0] + X[1], y[2], r[2];
  static const double v[2] = {2, -3};
  double J[4] = {-sin(a) - sin(b), -sin(b), cos(a) + cos(b), cos(b)};
  if (!OK(c, cj_func_new(c, 1, &in, 1, arm, NULL, &f))) return;
  if (OK(c, derive(f, CJ_VJP, true, &g))) {
    OK(c, run_once(c, g, (const void *[]){X, v}, (void *[]){y, r}));
    NEAR(y[0], cos(a) + cos(b));
    NEAR(r[0], v[0] * J[0] + v[1] * J[2]);
    NEAR(r[1], v[0] * J[1] + v[1] * J[3]);
    cj_func_release(g);
  }
  if (OK(c, derive(f, CJ_JVP, false, &g))) {
    OK(c, run_once(c, g, (const void *[]){X, v}, (void *[]){r}));
    NEAR(r[0], J[0] * v[0] + J[1] * v[1]);
    NEAR(r[1], J[2] * v[0] + J[3] * v[1]);
    cj_func_release(g);
  }
  cj_func_release(f);
}

static void test_batch(cj_ctx *c) {
  cj_type in = vector(2);
  cj_func *f, *many;
  double y[4];
  if (!OK(c, cj_func_new(c, 1, &in, 1, arm, NULL, &f))) return;
  if (OK(c, cj_func_batch(f, &(bool){true}, 2, &many))) {
    CHECK(cj_func_in(many, 0)->rank == 2 && cj_func_in(many, 0)->dim[0] == 2);
    OK(c, run_once(c, many, (const void *[]){X}, (void *[]){y}));
    for (int i = 0; i < 2; i++) {
      NEAR(y[2 * i], cos(X[2 * i]) + cos(X[2 * i] + X[2 * i + 1]));
      NEAR(y[2 * i + 1], sin(X[2 * i]) + sin(X[2 * i] + X[2 * i + 1]));
    }
    cj_func_release(many);
  }
  cj_func_release(f);
}

static void test_solve(cj_ctx *c) {
  static const double A[4] = {2, 1, 1, 3}, singular[4] = {1, 2, 2, 4}, b[2] = {1, 2};
  cj_type in[2] = {matrix(2, 2), vector(2)};
  cj_func *f, *jac;
  double y[2], JA[8], Jb[4];
  if (!OK(c, cj_func_new(c, 2, in, 1, solve, NULL, &f))) return;
  if (OK(c, derive(f, CJ_JACOBIAN, true, &jac))) {
    double inv[4] = {0.6, -0.2, -0.2, 0.4}, want[2] = {0.2, 0.6};
    OK(c, run_once(c, jac, (const void *[]){A, b}, (void *[]){y, JA, Jb}));
    for (int i = 0; i < 2; i++) NEAR(y[i], want[i]);
    for (int i = 0; i < 4; i++) NEAR(Jb[i], inv[i]);
    for (int i = 0; i < 2; i++) /* dy_i/dA_jk = -inv_ij y_k */
      for (int j = 0; j < 4; j++) NEAR(JA[4 * i + j], -inv[2 * i + j / 2] * want[j % 2]);
    CHECK(run_once(c, jac, (const void *[]){singular, b}, (void *[]){y, JA, Jb}) == CJ_EDOMAIN);
    cj_func_release(jac);
  }
  cj_func_release(f);
}

/* --- second derivatives ------------------------------------------------------------------------------------ */

enum { N = 5 };
static const double R[N] = {-1.2, 1, 0.4, 0.9, -0.3};

static void test_hessian(cj_ctx *c) {
  int64_t n = N;
  cj_type in = vector(N);
  cj_func *f, *g, *h;
  double y, gradient[N], G[N], hessian[N * N], H[N * N], V[N] = {1, -2, 3, 0.5, -1}, HV[N];
  rosenbrock_gradient(R, N, gradient);
  rosenbrock_hessian(R, N, hessian);
  if (!OK(c, cj_func_new(c, 1, &in, 1, rosenbrock, &n, &f))) return;
  if (OK(c, derive(f, CJ_HESSIAN, true, &h))) {
    OK(c, run_once(c, h, (const void *[]){R}, (void *[]){&y, H}));
    for (int i = 0; i < N * N; i++) NEAR(H[i], hessian[i]);
    cj_func_release(h);
  }
  if (OK(c, derive(f, CJ_JACOBIAN, false, &g))) { /* the derivative of a derivative */
    OK(c, run_once(c, g, (const void *[]){R}, (void *[]){G}));
    for (int i = 0; i < N; i++) NEAR(G[i], gradient[i]);
    if (OK(c, derive(g, CJ_JACOBIAN, false, &h))) {
      OK(c, run_once(c, h, (const void *[]){R}, (void *[]){H}));
      for (int i = 0; i < N * N; i++) NEAR(H[i], hessian[i]);
      cj_func_release(h);
    }
    cj_func_release(g);
  }
  for (int k = 0; k < 2; k++) {
    if (!OK(c, derive(f, k ? CJ_VHP : CJ_HVP, false, &h))) continue;
    OK(c, run_once(c, h, (const void *[]){R, V}, (void *[]){HV}));
    for (int i = 0; i < N; i++) {
      double want = 0;
      for (int j = 0; j < N; j++) want += hessian[i * N + j] * V[j];
      NEAR(HV[i], want);
    }
    cj_func_release(h);
  }
  cj_func_release(f);
}

/* A body that differentiates another function at its own argument. */
static cj_status gradient_of(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN};
  uint32_t trace;
  cj_val in, f;
  int n;
  cj_status s = cj_trace_open(c, &trace);
  if (!s) s = cj_trace_input(c, trace, &x[0], &in);
  if (!s) s = rosenbrock(c, &in, &f, ud);
  if (!s) return cj_trace_derive(c, trace, &f, 1, &rq, NULL, 0, y, 1, &n);
  cj_trace_abandon(c, trace);
  return s;
}

static void test_nested(cj_ctx *c) {
  int64_t n = N;
  cj_type in = vector(N);
  cj_func *f, *h;
  double hessian[N * N], H[N * N];
  rosenbrock_hessian(R, N, hessian);
  if (!OK(c, cj_func_new(c, 1, &in, 1, gradient_of, &n, &f))) return;
  if (OK(c, derive(f, CJ_JACOBIAN, false, &h))) {
    OK(c, run_once(c, h, (const void *[]){R}, (void *[]){H}));
    for (int i = 0; i < N * N; i++) NEAR(H[i], hessian[i]);
    cj_func_release(h);
  }
  cj_func_release(f);
}

/* --- one call after the other ------------------------------------------------------------------------------- */

static void test_eager(cj_ctx *c) {
  cj_type t = matrix(2, 2);
  cj_tensor *x;
  cj_val y;
  if (!OK(c, cj_tensor_new(c, &t, X, &x))) return;
  cj_val in = boxed(x), e;
  int64_t axis = 1;
  if (OK(c, cj_exp(c, in, &e))) {
    if (OK(c, cj_sum(c, e, &axis, 1, false, &y))) {
      const double *p = cj_tensor_data(y.u.tensor);
      CHECK(y.kind == CJ_TENSOR && cj_tensor_type(y.u.tensor)->rank == 1);
      CHECK(((uintptr_t)p & 63) == 0);
      NEAR(p[0], exp(X[0]) + exp(X[1]));
      cj_val_release(&y);
    }
    cj_val_release(&e);
  }
  cj_tensor_release(x);
}

typedef struct placed {
  double J[4];
  cj_type type;
  cj_small small;
} placed;

/* The second result goes to memory of the host's, the others become tensors. */
static const cj_small *place_second(void *ud, int i, const cj_type *t) {
  placed *p = ud;
  if (i != 1 || cj_type_bytes(t) != sizeof p->J) return NULL;
  p->type = *t;
  p->small = (cj_small){&p->type, p->J};
  return &p->small;
}

static void test_places(cj_ctx *c) {
  cj_type t = vector(2);
  placed p;
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN, .value = true, .place = place_second, .place_ud = &p};
  cj_small small = {&t, (void *)(uintptr_t)X};
  cj_val at = {.kind = CJ_SMALL, .u.small = &small}, in, y, out[2];
  double a = X[0], b = X[0] + X[1];
  uint32_t trace;
  int n;
  for (int k = 0; k < 2; k++) {
    memset(&p, 0, sizeof p);
    OK(c, cj_trace_open(c, &trace));
    OK(c, cj_trace_input(c, trace, &at, &in));
    OK(c, arm(c, &in, &y, NULL));
    if (!OK(c, cj_trace_derive(c, trace, &y, 1, &rq, NULL, 0, out, 2, &n))) continue;
    CHECK(out[0].kind == CJ_TENSOR && out[1].kind == CJ_SMALL && out[1].u.small == &p.small);
    CHECK(p.type.rank == 2 && p.type.dim[0] == 2);
    NEAR(p.J[0], -sin(a) - sin(b));
    NEAR(p.J[1], -sin(b));
    cj_val_release(&out[0]);
    cj_val_release(&out[1]);
  }
}

/* The three ways from a trace: its derivative, a part of a tape's, its linearization. */
static void test_traces(cj_ctx *c) {
  cj_type t = vector(2);
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN, .value = true};
  cj_tensor *x;
  cj_val in, y, out[2], dx;
  cj_func *lin;
  uint32_t trace;
  int n;
  double b = X[0] + X[1];
  if (!OK(c, cj_tensor_new(c, &t, X, &x))) return;
  cj_val at = boxed(x);
  for (int k = 0; k < 3; k++) { /* the second call is a look-up */
    OK(c, cj_trace_open(c, &trace));
    OK(c, cj_trace_input(c, trace, &at, &in));
    OK(c, arm(c, &in, &y, NULL));
    CHECK(cj_trace_isopen(c, trace));
    if (!OK(c, cj_trace_derive(c, trace, &y, 1, &rq, NULL, 0, out, 2, &n))) continue;
    CHECK(n == 2 && !cj_trace_isopen(c, trace));
    NEAR(((const double *)cj_tensor_data(out[1].u.tensor))[1], -sin(b));
    cj_val_release(&out[0]);
    cj_val_release(&out[1]);
  }
  OK(c, cj_trace_open(c, &trace));
  OK(c, cj_trace_input(c, trace, &at, &in));
  OK(c, cj_exp(c, in, &dx));
  OK(c, arm(c, &dx, &y, NULL));
  rq.value = false;
  rq.detach = true;
  if (OK(c, cj_tape_derive(c, trace, &y, 1, &dx, 1, &rq, NULL, 0, out, 2, &n))) {
    NEAR(((const double *)cj_tensor_data(out[0].u.tensor))[3], cos(exp(X[0]) + exp(X[1])));
    cj_val_release(&out[0]);
  }
  CHECK(cj_trace_isopen(c, trace));
  if (OK(c, cj_trace_linearize(c, trace, &y, 1, &out[0], &lin))) {
    static const double v[2] = {1, 0};
    double r[2];
    OK(c, run_once(c, lin, (const void *[]){v}, (void *[]){r}));
    NEAR(r[1], exp(X[0]) * (cos(exp(X[0])) + cos(exp(X[0]) + exp(X[1]))));
    cj_val_release(&out[0]);
    cj_func_release(lin);
  }
  cj_tensor_release(x);
}

static void test_captures(cj_ctx *c) {
  cj_type t = vector(2);
  cj_tensor *x, *k;
  cj_val in, y, at, by;
  cj_func *f, *jac;
  uint32_t trace;
  double J[4];
  if (!OK(c, cj_tensor_new(c, &t, X, &x)) || !OK(c, cj_tensor_new(c, &t, X + 2, &k))) return;
  at = boxed(x);
  by = boxed(k);
  OK(c, cj_trace_open(c, &trace));
  OK(c, cj_trace_input(c, trace, &at, &in));
  OK(c, cj_mul(c, in, by, &y));
  OK(c, cj_trace_close(c, trace, &y, 1, &f));
  cj_tensor_release(k); /* the function keeps it */
  CHECK(cj_func_nin(f) == 1);
  if (OK(c, cj_func_apply(f, &at, 1, &y))) {
    NEAR(((const double *)cj_tensor_data(y.u.tensor))[1], X[1] * X[3]);
    cj_val_release(&y);
  }
  if (OK(c, derive(f, CJ_JACOBIAN, false, &jac))) {
    OK(c, run_once(c, jac, (const void *[]){X}, (void *[]){J}));
    CHECK(J[0] == X[2] && J[1] == 0 && J[2] == 0 && J[3] == X[3]);
    cj_func_release(jac);
  }
  cj_func_release(f);
  cj_tensor_release(x);
}

/* --- sparse -------------------------------------------------------------------------------------------------- */

static void test_sparse(cj_ctx *c) {
  int64_t n = N;
  cj_type in = vector(N);
  cj_func *f, *sparse;
  cj_pattern *p, *q;
  cj_csr s;
  double y[N - 1], nz[2 * (N - 1)];
  if (!OK(c, cj_func_new(c, 1, &in, 1, neighbours, &n, &f))) return;
  if (OK(c, cj_func_sparsity(f, &p))) {
    cj_pattern_csr(p, &s);
    CHECK(s.rows == N - 1 && s.cols == N && s.nnz == 2 * (N - 1));
    for (int i = 0; i < N - 1; i++) {
      CHECK(s.rowptr[i] == 2 * i);
      CHECK(s.col[2 * i] == i && s.col[2 * i + 1] == i + 1);
    }
    CHECK(s.rowptr[N - 1] == s.nnz);
    cj_pattern_release(p);
  }
  if (OK(c, cj_func_sparse_jacobian(f, true, &sparse, &q))) {
    OK(c, run_once(c, sparse, (const void *[]){R}, (void *[]){y, nz}));
    for (int i = 0; i < N - 1; i++) {
      NEAR(y[i], R[i] * R[i] * R[i + 1]);
      NEAR(nz[2 * i], 2 * R[i] * R[i + 1]);
      NEAR(nz[2 * i + 1], R[i] * R[i]);
    }
    cj_pattern_release(q);
    cj_func_release(sparse);
  }
  cj_func_release(f);
}

/* --- text ------------------------------------------------------------------------------------------------------ */

typedef struct page {
  char s[4096];
  size_t n;
} page;

static cj_status put(void *ud, const char *s, size_t n) {
  page *p = ud;
  if (p->n + n >= sizeof p->s) return CJ_ELIMIT;
  memcpy(p->s + p->n, s, n);
  p->s[p->n += n] = 0;
  return CJ_OK;
}
static cj_status refuse(void *ud, const char *s, size_t n) {
  (void)ud, (void)s, (void)n;
  return CJ_EUSER;
}

static void test_text(cj_ctx *c) {
  cj_type in = matrix(2, 2);
  cj_func *f;
  cj_plan *p;
  cj_tensor *x;
  page text = {.n = 0};
  if (!OK(c, cj_func_new(c, 1, &in, 1, exp_reducer, NULL, &f))) return;
  CHECK(cj_func_write(f, CJ_TEXT, put, &text) == CJ_OK && strstr(text.s, "exp") && strstr(text.s, "sum"));
  text.n = 0;
  CHECK(cj_func_write(f, CJ_DOT, put, &text) == CJ_OK && strstr(text.s, "digraph"));
  CHECK(cj_func_write(f, CJ_TEXT, refuse, NULL) == CJ_EUSER);
  text.n = 0;
  if (OK(c, cj_plan_new(f, &p))) {
    CHECK(cj_plan_write(p, put, &text) == CJ_OK && strstr(text.s, "exp"));
    cj_plan_release(p);
  }
  text.n = 0;
  if (OK(c, cj_tensor_new(c, &in, X, &x))) {
    CHECK(cj_tensor_write(x, NULL, put, &text) == CJ_OK && strstr(text.s, "-1.2") && strstr(text.s, "float64"));
    CHECK(cj_tensor_write(x, NULL, refuse, NULL) == CJ_EUSER);
    cj_tensor_release(x);
  }
  cj_func_release(f);
}

int main(void) {
  static void (*const tests[])(cj_ctx *) = {test_reducer, test_adder,    test_arm,    test_products, test_batch,
                                            test_solve,   test_hessian,  test_nested, test_eager,    test_places,
                                            test_traces,  test_captures, test_sparse, test_text};
  CHECK(cj_version() == CJ_VERSION);
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) with_context(tests[i]);
  return host_close("host_nolua");
}
