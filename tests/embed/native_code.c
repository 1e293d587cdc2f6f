/* native_code.c -- machine code of plans as a host sees it: the same bits as without it, from eight threads at once;
** counted apart; no page both writable and executable; out of memory at every allocation; all of it goes. */
#include <pthread.h>

#include "bodies.h"

enum { THREADS = 8, ROUNDS = 500, NX = 3, NY = 4, NJ = NY * NX };

/* Four scalars of three by about 60 instructions, among them functions and a choice. */
static cj_status mixed(cj_ctx *c, const cj_val *x, cj_val *y, void *ud) {
  cj_val v[NY] = {x[0], x[1], x[2], x[0]}, a, b;
  cj_status s = CJ_OK;
  (void)ud;
  for (int i = 0; i < 12 && !s; i++) {
    cj_val *to = &v[i % NY], *from = &v[(i + 1) % NY];
    s = cj_mul(c, *to, *from, &a);
    if (!s) s = i % 3 ? cj_add(c, a, num(0.25 * i), &a) : cj_sin(c, a, &a);
    if (!s) s = cj_div(c, a, num(1.5), &b);
    if (!s) s = cj_maximum(c, b, v[3 - i % NY], &b);
    if (!s) s = cj_sub(c, a, b, to);
    if (!s) s = cj_tanh(c, *to, to);
  }
  for (int i = 0; i < NY; i++) y[i] = v[i];
  return s;
}

typedef struct task {
  const cj_plan *p;
  double x[NX], want[NJ], got[NJ];
  size_t wrong;
} task;

static cj_status run(const task *t, double *out, void *work) {
  const void *in[NX];
  void *to[NJ];
  for (int i = 0; i < NX; i++) in[i] = &t->x[i];
  for (int i = 0; i < NJ; i++) to[i] = &out[i];
  return cj_plan_run(t->p, in, to, work);
}

static void *work_off(void *ud) {
  task *t = ud;
  void *work = work_new(cj_plan_worksize(t->p));
  for (int i = 0; i < ROUNDS; i++) {
    memset(t->got, 0xFF, sizeof t->got);
    if (run(t, t->got, work) != CJ_OK || memcmp(t->got, t->want, sizeof t->got) != 0) t->wrong++;
  }
  free(work);
  return NULL;
}

static cj_status jacobian_plan(cj_ctx *c, cj_plan **out) {
  cj_request rq = {.size = sizeof rq, .want = CJ_JACOBIAN};
  cj_type in[NX] = {scalar(), scalar(), scalar()};
  cj_func *f = NULL, *jac = NULL;
  cj_status s = cj_func_new(c, NX, in, NY, mixed, NULL, &f);
  if (!s) s = cj_func_derive(f, &rq, &jac);
  if (!s) s = cj_plan_new(jac, out);
  cj_func_release(jac);
  cj_func_release(f);
  return s;
}

/* How much machine code a context with that setting holds beside one plan, whose results go to y. */
static size_t code_of(int native, task *t, int n) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_memstat m = {0};
  cj_ctx *c;
  cj_plan *p;
  cfg.native = native;
  if (!CHECK(cj_ctx_new(&cfg, &c) == CJ_OK)) return 0;
  CHECK(native >= 0 || !cj_ctx_native(c, 0));
  if (OK(c, jacobian_plan(c, &p))) {
    cj_ctx_mem(c, &m);
    void *work = work_new(cj_plan_worksize(p));
    for (int k = 0; k < n; k++) {
      t[k].p = p;
      CHECK(run(&t[k], native < 0 ? t[k].want : t[k].got, work) == CJ_OK);
      CHECK(memcmp(t[k].got, t[k].want, sizeof t[k].got) == 0 || native < 0);
    }
    free(work);
    if (native >= 0) {
      pthread_t thread[THREADS];
      for (int k = 0; k < n; k++) CHECK(pthread_create(&thread[k], NULL, work_off, &t[k]) == 0);
      for (int k = 0; k < n; k++) CHECK(pthread_join(thread[k], NULL) == 0);
      for (int k = 0; k < n; k++) CHECK(t[k].wrong == 0);
    }
    cj_plan_release(p);
  }
  cj_memstat after;
  cj_ctx_mem(c, &after);
  CHECK(after.code == 0);
  cj_ctx_release(c);
  CHECK(h.live == 0 && h.blocks == 0 && h.wrong == 0);
  return m.code;
}

static void same_bits(void) {
  static task t[THREADS];
  for (int k = 0; k < THREADS; k++)
    for (int i = 0; i < NX; i++) t[k].x[i] = sin(1 + k + 10 * i);
  CHECK(code_of(-1, t, THREADS) == 0);
  (void)code_of(0, t, THREADS);
}

/* Linux tells which pages a process has. */
static void protections(void) {
  cj_ctx *c;
  cj_plan *p;
  char line[512];
  int both = 0;
  if (!CHECK(cj_ctx_new(NULL, &c) == CJ_OK)) return;
  if (OK(c, jacobian_plan(c, &p))) {
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f)) both += strstr(line, " rwx") != NULL;
    if (f) (void)fclose(f);
    CHECK(both == 0);
    cj_plan_release(p);
  }
  cj_ctx_release(c);
}

static void out_of_memory(void) {
  cj_status s = CJ_ENOMEM;
  for (long n = 0; s == CJ_ENOMEM && n < 100000; n += n < 100 ? 1 : n / 10) { /* all, then ever fewer */
    heap h;
    cj_config cfg = heap_config(&h);
    cj_ctx *c;
    cj_plan *p = NULL;
    if (!CHECK(cj_ctx_new(&cfg, &c) == CJ_OK)) return;
    h.left = n;
    s = jacobian_plan(c, &p);
    CHECK(s == CJ_OK || (s == CJ_ENOMEM && p == NULL));
    cj_plan_release(p);
    cj_ctx_release(c);
    CHECK(h.live == 0 && h.blocks == 0 && h.wrong == 0);
  }
  CHECK(s == CJ_OK);
}

static void switching(void) {
  cj_ctx *c;
  if (!CHECK(cj_ctx_new(NULL, &c) == CJ_OK)) return;
  bool able = cj_ctx_native(c, 0);
  CHECK(!cj_ctx_native(c, -1));
  CHECK(!cj_ctx_native(c, 0));
  CHECK(cj_ctx_native(c, 1) == able);
  cj_ctx_release(c);
}

int main(void) {
  same_bits();
  protections();
  out_of_memory();
  switching();
  return host_close("native_code");
}
