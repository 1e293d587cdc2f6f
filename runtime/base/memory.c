/* memory.c -- the one allocator: accounting, limit, fuse. */
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

void *cjm_realloc(cj_ctx *c, void *p, size_t osize, size_t nsize) {
  if (p == NULL && nsize == 0) return NULL;
  if (nsize > osize || p == NULL) {
    size_t more = nsize - (p ? osize : 0);
    bool over = c->mem_limit && (more > c->mem_limit || c->live > c->mem_limit - more);
    if (over || nsize > PTRDIFF_MAX || fuse_blown(c)) {
      cjm_fail(c, CJ_ENOMEM, "not enough memory");
      return NULL;
    }
  }
  void *q = c->alloc(c->alloc_ud, p, p ? osize : 0, nsize);
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
