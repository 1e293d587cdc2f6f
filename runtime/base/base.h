/*
** base.h -- the ground floor: the context, status and messages, assertions, memory.
** Floors above hang their state on the context through the opaque pointers at its end.
*/
#ifndef cj_base_h
#define cj_base_h

#include "cjac.h"

/* Assertions in three voices: the caller's mistakes are statuses, in every build; ours are
** CJ_ASSERT, in debug builds only; CJ_NEVER(e) is "cannot happen, survive it". */
#ifdef CJ_DEBUG
#include <assert.h>
#define CJ_ASSERT(e) assert(e)
#define CJ_NEVER(e) (assert(!(e)), false)
#else
#define CJ_ASSERT(e) ((void)0)
#define CJ_NEVER(e) (e)
#endif

#define CJ_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CJ_UNUSED(x) ((void)(x))
#if defined(__GNUC__)
#define CJ_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CJ_PRINTF(f, a)
#endif
#define CJ_ALIGN 64 /* of tensors and workspaces, in bytes */

/* Large blocks that were given back stay here for the next of the same size: fresh pages from the system cost more
** than most kernels.  The oldest goes when there are too many.  They are in no count of the context. */
enum { CJM_NSPARE = 16, CJM_SPARE_LEAST = 1 << 17, CJM_SPARE_MOST = 1 << 28 }; /* blocks; bytes of one, of all */
typedef struct cjm_spare {
  void *p;
  size_t n;
} cjm_spare;

struct cj_ctx {
  cj_alloc_fn alloc;
  void *alloc_ud;
  size_t live, peak, blocks, mem_limit;
  size_t code;                 /* bytes of machine code, which is not the allocator's */
  int64_t fuse;                /* allocations left before failure; < 0: no fuse */
  cjm_spare spare[CJM_NSPARE]; /* oldest first */
  uint32_t nspare;
  size_t spare_bytes;
  uint32_t node_limit;
  int refs;          /* one for the owner, one for every object that lives on the context; atomic */
  int isa;           /* which set of vector kernels, chosen at start */
  bool native;       /* plans that run many times become machine code */
  bool native_first; /* all plans do, at once: for tests */
  const volatile int *cancel;
  cj_status status; /* sticky: the first error since cjm_clear */
  char msg[512];
  struct cj_tracer *tracer; /* graph/: open traces */
  struct cj_cache *cache;   /* exec/: plans by structure */
};

/* --- errors: the first one wins until cjm_clear ------------------------- */
static inline bool cjm_ok(const cj_ctx *c) { return c->status == CJ_OK; }
void cjm_clear(cj_ctx *c);                                                        /* every API entry starts with it */
cj_status cjm_fail(cj_ctx *c, cj_status s, const char *fmt, ...) CJ_PRINTF(3, 4); /* returns the sticky status */
/* ECANCEL once the cancel flag is up; long loops call it every ~10^5 elements. */
cj_status cjm_poll(cj_ctx *c);

/* --- memory: sizes are always given back ----------------------------------- */
/* Contract of realloc with sizes.  NULL means CJ_ENOMEM was noted (or nsize was 0). */
void *cjm_realloc(cj_ctx *c, void *p, size_t osize, size_t nsize);
static inline void *cjm_alloc(cj_ctx *c, size_t n) { return cjm_realloc(c, NULL, 0, n); }
static inline void cjm_free(cj_ctx *c, void *p, size_t n) {
  if (p) (void)cjm_realloc(c, p, n, 0);
}
void *cjm_zalloc(cj_ctx *c, size_t n); /* zeroed */
/* Gives the spare blocks back to the allocator. */
void cjm_trim(cj_ctx *c);
/* CJ_ALIGN-aligned blocks; free with the same size. */
void *cjm_aligned(cj_ctx *c, size_t n);
void cjm_aligned_free(cj_ctx *c, void *p, size_t n);
/* Grows the array that *pp points to (of *cap elements of size bytes each) to hold at least need; doubling.  False:
** ENOMEM, unchanged.  Debug builds move the array on every call, so stale pointers show. */
bool cjm_grow(cj_ctx *c, void *pp, uint32_t *cap, size_t need, size_t size);
#ifndef CJ_DEBUG
#define CJM_GROW(c, arr, cap, need) ((need) <= (cap) || cjm_grow((c), &(arr), &(cap), (need), sizeof *(arr)))
#else
#define CJM_GROW(c, arr, cap, need) cjm_grow((c), &(arr), &(cap), (need), sizeof *(arr))
#endif

/* A bare context; the API floor fills in the rest. */
cj_status cjm_newctx(const cj_config *cfg, cj_ctx **out);
void cjm_retain_ctx(cj_ctx *c);
void cjm_release_ctx(cj_ctx *c); /* frees the context with the last reference; its floors must be empty by then */

/* --- bounded text -------------------------------------------------------------- */
typedef struct cj_text {
  char *s; /* always terminated; what does not fit is cut */
  size_t n, cap;
} cj_text;
void cjm_puts(cj_text *t, const char *s);
void cjm_putf(cj_text *t, const char *fmt, ...) CJ_PRINTF(2, 3);
/* Locale-independent shortest text that reads back as the same float64 ("%.17g" with a point). */
void cjm_putnum(cj_text *t, double v);

/* --- hashing ---------------------------------------------------------------------- */
static inline uint64_t cjm_mix(uint64_t h, uint64_t v) { /* the mixer of splitmix64 (Steele et al. 2014) */
  h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}
uint64_t cjm_hash(const void *p, size_t n, uint64_t seed);
#endif
