/* plan_threads.c -- eight threads run one plan, each with a workspace of its own: every result is the same to the
** bit, and ThreadSanitizer has nothing to say. */
#include <pthread.h>

#include "bodies.h"

enum { THREADS = 8, ROUNDS = 200, N = 40 };

typedef struct task {
  const cj_plan *p;
  double x[N], *want, *got; /* of N * N */
  size_t wrong;
} task;

static void *work_off(void *ud) {
  task *t = ud;
  void *work = work_new(cj_plan_worksize(t->p));
  for (int i = 0; i < ROUNDS; i++) {
    memset(t->got, 0xFF, N * N * sizeof *t->got);
    if (cj_plan_run(t->p, (const void *[]){t->x}, (void *[]){t->got}, work) != CJ_OK) t->wrong++;
    if (memcmp(t->got, t->want, N * N * sizeof *t->got) != 0) t->wrong++;
  }
  free(work);
  return NULL;
}

/* Something of everything: elementwise groups, a product, a solve, a gather. */
static cj_status mixture(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  const cj_val *at = ud; /* A and an index */
  cj_val a, b;
  cj_status s = cj_tanh(c, x[0], &a);
  if (!s) s = cj_matmul(c, at[0], a, &b);
  if (!s) s = cj_linalg_solve(c, at[0], b, &b);
  if (!s) s = cj_index_select(c, b, 0, at[1], &b);
  if (!s) s = cj_mul(c, b, x[0], &b);
  if (!s) s = cj_exp(c, x[0], &a);
  return s ? s : cj_add(c, a, b, y);
}

static bool setup(cj_ctx *c, cj_val *at) {
  cj_type square = matrix(N, N), index = typeof_shape(CJ_I64, 1, N, 0);
  double A[N * N];
  int64_t reversed[N];
  for (int i = 0; i < N * N; i++) A[i] = i % (N + 1) == 0 ? 4 : sin(i);
  for (int i = 0; i < N; i++) reversed[i] = N - 1 - i;
  at[0].kind = at[1].kind = CJ_TENSOR;
  return OK(c, cj_tensor_new(c, &square, A, &at[0].u.tensor)) &&
         OK(c, cj_tensor_new(c, &index, reversed, &at[1].u.tensor));
}

static void run_all(const cj_plan *p) {
  static task task[THREADS];
  static double want[THREADS][N * N], got[THREADS][N * N];
  pthread_t thread[THREADS];
  void *work = work_new(cj_plan_worksize(p));
  for (int k = 0; k < THREADS; k++) {
    task[k].p = p;
    task[k].want = want[k];
    task[k].got = got[k];
    for (int i = 0; i < N; i++) task[k].x[i] = sin(k + 10 * i);
    CHECK(cj_plan_run(p, (const void *[]){task[k].x}, (void *[]){want[k]}, work) == CJ_OK);
  }
  free(work);
  for (int k = 0; k < THREADS; k++) CHECK(pthread_create(&thread[k], NULL, work_off, &task[k]) == 0);
  for (int k = 0; k < THREADS; k++) CHECK(pthread_join(thread[k], NULL) == 0);
  for (int k = 0; k < THREADS; k++) CHECK(task[k].wrong == 0);
}

static void test(cj_strategy strategy) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN, .strategy = strategy};
  cj_type in = vector(N);
  cj_ctx *c;
  cj_val at[2];
  cj_func *f, *jac;
  cj_plan *p;
  if (!CHECK(cj_ctx_new(&cfg, &c) == CJ_OK) || !setup(c, at)) return;
  if (OK(c, cj_func_new(c, 1, &in, 1, mixture, at, &f))) {
    if (OK(c, cj_func_derive(f, &rq, &jac))) {
      if (OK(c, cj_plan_new(jac, &p))) {
        run_all(p);
        cj_plan_release(p);
      }
      cj_func_release(jac);
    }
    cj_func_release(f);
  }
  cj_val_release(&at[0]);
  cj_val_release(&at[1]);
  cj_ctx_release(c);
  CHECK(h.live == 0 && h.blocks == 0);
}

int main(void) {
  for (int strategy = CJ_AUTO; strategy <= CJ_SPARSE; strategy++) test((cj_strategy)strategy);
  return host_close("plan_threads");
}
