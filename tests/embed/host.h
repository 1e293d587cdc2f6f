/*
** host.h -- what the C programs of this folder share: checks of calls, a host's own allocator, small helpers.
*/
#ifndef host_h
#define host_h

#include <math.h>
#include <string.h>

#include "check.h"
#include "cjac.h"
#include "cjac_ops.h"

/* --- checks -------------------------------------------------------------------------------------------- */

/* A call on context c that must do well. */
#define OK(c, e) (check((e) == CJ_OK, __FILE__, __LINE__, #e) || (printf("  %s\n", cj_errmsg(c)), false))
/* A call on context c that must fail with that status, and a message that holds the words. */
#define FAILS(c, s, words, e) check(fails((c), (s), (e), (words)), __FILE__, __LINE__, #e)
#define NEAR(a, b) check(near((a), (b), 1e-13), __FILE__, __LINE__, #a " near " #b)

static inline bool fails(const cj_ctx *c, cj_status want, cj_status got, const char *words) {
  if (got == want && strstr(cj_errmsg(c), words)) return true;
  printf("%s instead of %s: \"%s\" instead of \"..%s..\"\n", cj_status_name(got), cj_status_name(want), cj_errmsg(c),
         words);
  return false;
}

static inline bool near(double a, double b, double tolerance) {
  return a == b || fabs(a - b) <= tolerance * fmax(1, fmax(fabs(a), fabs(b)));
}

/* --- an allocator that counts, checks the sizes it is told, and fails when asked ---------------------- */

typedef struct heap {
  size_t live, blocks;
  long calls, wrong; /* wrong: the old size was not the one asked for */
  long left;         /* allocations before it fails; < 0: it does not */
} heap;

typedef union header {
  size_t size;
  max_align_t align;
} header;

static inline void *heap_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
  heap *h = ud;
  header *old = ptr ? (header *)ptr - 1 : NULL;
  h->calls++;
  if (old && old->size != osize) h->wrong++;
  if (nsize == 0) {
    if (old) h->live -= old->size, h->blocks--;
    free(old);
    return NULL;
  }
  if (h->left == 0 && nsize > osize) return NULL;
  if (h->left > 0) h->left--;
  header *p = malloc(sizeof *p + nsize);
  if (!p) return NULL;
  p->size = nsize;
  memset(p + 1, 0xA5, nsize); /* nobody may count on zeros */
  if (old) memcpy(p + 1, ptr, osize < nsize ? osize : nsize);
  if (old) h->live -= old->size, h->blocks--;
  h->live += nsize;
  h->blocks++;
  free(old);
  return p + 1;
}

static inline cj_config heap_config(heap *h) {
  *h = (heap){.left = -1};
  return (cj_config){.size = sizeof(cj_config), .alloc = heap_alloc, .alloc_ud = h};
}

/* A test in a context with a heap of its own, to which everything must have come back. */
static inline void with_context(void (*test)(cj_ctx *c)) {
  heap h;
  cj_config cfg = heap_config(&h);
  cj_ctx *c;
  if (CHECK(cj_ctx_new(&cfg, &c) == CJ_OK)) {
    test(c);
    cj_ctx_release(c);
  }
  CHECK(h.live == 0 && h.blocks == 0);
  CHECK(h.wrong == 0);
}

/* --- short words --------------------------------------------------------------------------------------- */

static inline cj_type typeof_shape(cj_dtype dt, int rank, int64_t a, int64_t b) {
  int64_t dim[2] = {a, b};
  cj_type t = {0};
  CHECK(cj_type_make(dt, rank, dim, &t) == CJ_OK);
  return t;
}
static inline cj_type scalar(void) { return typeof_shape(CJ_F64, 0, 0, 0); }
static inline cj_type vector(int64_t n) { return typeof_shape(CJ_F64, 1, n, 0); }
static inline cj_type matrix(int64_t m, int64_t n) { return typeof_shape(CJ_F64, 2, m, n); }
static inline cj_val num(double v) { return (cj_val){.kind = CJ_NUM, .u.num = v}; }
static inline cj_val boxed(cj_tensor *x) { return (cj_val){.kind = CJ_TENSOR, .u.tensor = x}; }

/* 64-byte aligned memory of the host's, for workspaces. */
static inline void *work_new(size_t n) { return aligned_alloc(64, (n + 63) / 64 * 64 + 64); }

/* A plan of f, run once on its own workspace. */
static inline cj_status run_once(cj_ctx *c, cj_func *f, const void *const *in, void *const *out) {
  cj_plan *p;
  (void)c;
  cj_status s = cj_plan_new(f, &p);
  if (s != CJ_OK) return s;
  void *work = work_new(cj_plan_worksize(p));
  s = work ? cj_plan_run(p, in, out, work) : CJ_ENOMEM;
  free(work);
  cj_plan_release(p);
  return s;
}

static inline cj_status derive(cj_func *f, cj_want want, bool value, cj_func **out) {
  cj_request rq = {.size = sizeof rq, .want = want, .value = value};
  return cj_func_derive(f, &rq, out);
}
#endif
