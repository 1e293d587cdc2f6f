/* memory.c -- the one allocator: accounting, limit, fuse, spare blocks. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
  CJ_UNUSED(ud);
  CJ_UNUSED(osize);
  if (nsize == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, nsize);
}

/* The fuse stays blown: code that goes on after a failure meets more of them. */
static bool fuse_blown(cj_ctx *c) {
  if (c->fuse < 0) return false;
  if (c->fuse > 0) {
    c->fuse--;
    return false;
  }
  return true;
}

static void account(cj_ctx *c, const void *p, size_t osize, size_t nsize) {
  if (p == NULL) {
    c->blocks++;
    osize = 0;
  }
  if (nsize == 0) c->blocks--;
  c->live = c->live - osize + nsize;
  if (c->live > c->peak) c->peak = c->live;
}

/* --- spare blocks --------------------------------------------------------------------------------------------- */

static void *take_spare(cj_ctx *c, uint32_t i) {
  void *p = c->spare[i].p;
  c->spare_bytes -= c->spare[i].n;
  c->nspare--;
  memmove(&c->spare[i], &c->spare[i + 1], (c->nspare - i) * sizeof *c->spare);
  return p;
}

static void drop_oldest(cj_ctx *c) {
  size_t n = c->spare[0].n;
  c->alloc(c->alloc_ud, take_spare(c, 0), n, 0);
}

void cjm_trim(cj_ctx *c) {
  while (c->nspare) drop_oldest(c);
}

/* The newest of that size, which may still be in a cache; NULL: there is none. */
static void *find_spare(cj_ctx *c, size_t n) {
  for (uint32_t i = c->nspare; i-- > 0;)
    if (c->spare[i].n == n) return take_spare(c, i);
  return NULL;
}

static void keep_spare(cj_ctx *c, void *p, size_t n) {
#ifdef CJ_DEBUG
  memset(p, 0xA5, n); /* whoever reads it now sees that */
#endif
  while (c->nspare == CJM_NSPARE || c->spare_bytes + n > CJM_SPARE_MOST) drop_oldest(c);
  c->spare[c->nspare++] = (cjm_spare){p, n};
  c->spare_bytes += n;
}

/* The allocator, past large blocks that come and go; where it has nothing left, the spare ones go first. */
static void *move_block(cj_ctx *c, void *p, size_t osize, size_t nsize) {
  bool keeps = nsize == 0 && osize >= CJM_SPARE_LEAST && osize <= CJM_SPARE_MOST / 2;
  if (keeps) {
    keep_spare(c, p, osize);
    return NULL;
  }
  void *q = p == NULL && nsize >= CJM_SPARE_LEAST ? find_spare(c, nsize) : NULL;
  if (!q) q = c->alloc(c->alloc_ud, p, osize, nsize);
  if (q || nsize == 0 || c->nspare == 0) return q;
  cjm_trim(c);
  return c->alloc(c->alloc_ud, p, osize, nsize);
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

static bool over_limit(const cj_ctx *c, size_t spare, size_t more) {
  size_t used = c->live + spare;
  return c->mem_limit && (more > c->mem_limit || used > c->mem_limit - more);
}

void *cjm_realloc(cj_ctx *c, void *p, size_t osize, size_t nsize) {
  if (p == NULL && nsize == 0) return NULL;
  if (nsize > osize || p == NULL) {
    size_t more = nsize - (p ? osize : 0);
    if (over_limit(c, 0, more) || nsize > PTRDIFF_MAX || fuse_blown(c)) {
      cjm_fail(c, CJ_ENOMEM, "not enough memory");
      return NULL;
    }
    if (over_limit(c, c->spare_bytes, more)) cjm_trim(c);
  }
  void *q = move_block(c, p, p ? osize : 0, nsize);
  if (q == NULL && nsize > 0) {
    cjm_fail(c, CJ_ENOMEM, "not enough memory");
    return NULL;
  }
  account(c, p, osize, nsize);
  return q;
}

void *cjm_zalloc(cj_ctx *c, size_t n) {
  void *p = cjm_alloc(c, n);
  if (p) memset(p, 0, n);
  return p;
}

/* The byte before an aligned block says how far it is from the start of the allocation (1..CJ_ALIGN). */
void *cjm_aligned(cj_ctx *c, size_t n) {
  if (n > PTRDIFF_MAX - CJ_ALIGN) {
    cjm_fail(c, CJ_ENOMEM, "not enough memory");
    return NULL;
  }
  unsigned char *raw = cjm_alloc(c, n + CJ_ALIGN);
  if (!raw) return NULL;
  size_t shift = CJ_ALIGN - ((uintptr_t)raw & (CJ_ALIGN - 1));
  raw[shift - 1] = (unsigned char)shift;
  return raw + shift;
}

void cjm_aligned_free(cj_ctx *c, void *p, size_t n) {
  if (!p) return;
  unsigned char *q = p;
  cjm_free(c, q - q[-1], n + CJ_ALIGN);
}

/* pp is the address of a pointer of any type: it is read and written as bytes, so that no aliasing rule breaks. */
bool cjm_grow(cj_ctx *c, void *pp, uint32_t *cap, size_t need, size_t size) {
#ifndef CJ_DEBUG
  if (need <= *cap) return true;
#else
  if (need <= *cap && *cap > 4096) return true; /* moves on every call while small */
#endif
  uint64_t want = *cap ? *cap : 8;
  while (want < need) want *= 2;
  if (want > UINT32_MAX || want > PTRDIFF_MAX / size) {
    cjm_fail(c, CJ_ELIMIT, "too many entries in one table (%zu)", need);
    return false;
  }
  void *p, *q = cjm_alloc(c, (size_t)want * size);
  if (!q) return false;
  memcpy(&p, pp, sizeof p);
  if (p) memcpy(q, p, (size_t)*cap * size);
  cjm_free(c, p, (size_t)*cap * size);
  memcpy(pp, &q, sizeof q);
  *cap = (uint32_t)want;
  return true;
}

void cjm_retain_ctx(cj_ctx *c) { __atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED); }

void cjm_release_ctx(cj_ctx *c) {
  if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  CJ_ASSERT(c->live == sizeof *c);
  cjm_trim(c);
  c->alloc(c->alloc_ud, c, sizeof *c, 0);
}

/* Makes the bare context; the API floor fills in the rest.  Not through cjm_alloc: there is no context yet. */
cj_status cjm_newctx(const cj_config *cfg, cj_ctx **out) {
  *out = NULL;
  cj_alloc_fn alloc = cfg && cfg->alloc ? cfg->alloc : default_alloc;
  void *ud = cfg && cfg->alloc ? cfg->alloc_ud : NULL;
  cj_ctx *c = alloc(ud, NULL, 0, sizeof *c);
  if (!c) return CJ_ENOMEM;
  *c = (cj_ctx){
      .alloc = alloc, .alloc_ud = ud, .live = sizeof *c, .peak = sizeof *c, .blocks = 1, .fuse = -1, .refs = 1};
  if (cfg) {
    c->mem_limit = cfg->mem_limit;
    c->node_limit = cfg->node_limit;
  }
  *out = c;
  return CJ_OK;
}
