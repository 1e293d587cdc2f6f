/* cache.c -- things by the structure of programs, newest first; workspaces kept between calls. */
#include "exec/exec.h"
#include "graph/sub.h"

#include <string.h>

enum { NBUCKET = 2 * CJE_CACHE_MAX, NSPARE = 8, SPARE_LEAST = 4096, SPARE_MOST = 1 << 26 };

typedef struct entry {
  struct entry *next;          /* in its bucket */
  struct entry *newer, *older; /* by use */
  uint64_t hash;
  cje_cached kind;
  cj_graph *program;
  void *thing;
  cje_drop_fn drop;
  size_t nkey;
  unsigned char key[];
} entry;

typedef struct spare {
  void *work;
  size_t size;
  bool busy;
} spare;

struct cj_cache {
  entry *bucket[NBUCKET];
  entry *newest, *oldest;
  uint32_t count;
  spare spare[NSPARE];
};

static struct cj_cache *cache_of(cj_ctx *c) {
  if (!c->cache) c->cache = cjm_zalloc(c, sizeof *c->cache);
  return c->cache;
}

/* --- a copy of a program, to compare with: no table of nodes, no lines -------------------------------- */

static bool copy_array(cj_ctx *c, void *to, uint32_t *cap, const void *from, size_t n, size_t size) {
  void *p = NULL;
  if (n && !(p = cjm_alloc(c, n * size))) return false;
  if (n) memcpy(p, from, n * size);
  *cap = (uint32_t)n;
  memcpy(to, &p, sizeof p);
  return true;
}
#define COPY(to, from, array, cap, n)                                                                                  \
  copy_array((to)->c, &(to)->array, &(to)->cap, (from)->array, n, sizeof *(from)->array)

static bool copy_into(cj_graph *g, const cj_graph *f) {
  if (!COPY(g, f, node, cap, f->len) || !COPY(g, f, pool, poolcap, f->npool) || !COPY(g, f, type, typecap, f->ntype) ||
      !COPY(g, f, attr, attrcap, f->nattr) || !COPY(g, f, konst, konstcap, f->nkonst) ||
      !COPY(g, f, tensor, tensorcap, f->ntensor) || !COPY(g, f, arg, argcap, f->narg) ||
      !COPY(g, f, capture, capturecap, f->ncapture) || !COPY(g, f, out, outcap, f->nout) ||
      !COPY(g, f, sub, subcap, f->nsub))
    return false;
  g->len = f->len;
  g->npool = f->npool;
  g->ntype = f->ntype;
  g->nattr = f->nattr;
  g->nkonst = f->nkonst;
  g->narg = f->narg;
  g->ncapture = f->ncapture;
  g->nout = f->nout;
  g->hash = f->hash;
  g->depth = f->depth;
  for (; g->ntensor < f->ntensor; g->ntensor++) cjt_retain(g->tensor[g->ntensor]);
  for (; g->nsub < f->nsub; g->nsub++) cjg_retain(g->sub[g->nsub]);
  return true;
}

static cj_graph *copy_program(cj_ctx *c, const cj_graph *f) {
  cj_graph *g = cjg_new(c);
  if (g && copy_into(g, f)) return g;
  cjg_free(g);
  return NULL;
}

/* --- entries --------------------------------------------------------------------------------------------- */

/* Outputs are no instructions: two traces that differ in them alone have one hash. */
static uint64_t hash_of(const cj_graph *program, cje_cached kind, const void *key, size_t nkey) {
  uint64_t h = program->hash + kind;
  if (nkey) h = cjm_hash(key, nkey, h);
  return program->nout ? cjm_hash(program->out, program->nout * sizeof *program->out, h) : h;
}

static void unlink_use(struct cj_cache *k, entry *e) {
  *(e->newer ? &e->newer->older : &k->newest) = e->older;
  *(e->older ? &e->older->newer : &k->oldest) = e->newer;
}

static void link_newest(struct cj_cache *k, entry *e) {
  e->newer = NULL;
  e->older = k->newest;
  *(k->newest ? &k->newest->newer : &k->oldest) = e;
  k->newest = e;
}

static void remove_entry(cj_ctx *c, entry *e) {
  struct cj_cache *k = c->cache;
  entry **p = &k->bucket[e->hash % NBUCKET];
  while (*p != e) p = &(*p)->next;
  *p = e->next;
  unlink_use(k, e);
  k->count--;
  e->drop(c, e->thing);
  cjg_free(e->program);
  cjm_free(c, e, sizeof *e + e->nkey);
}

static bool samekey(const entry *e, cje_cached kind, const void *key, size_t nkey) {
  return e->kind == kind && e->nkey == nkey && (nkey == 0 || memcmp(e->key, key, nkey) == 0);
}

void *cje_cache_find(cj_ctx *c, const cj_graph *program, cje_cached kind, const void *key, size_t nkey) {
  struct cj_cache *k = c->cache;
  if (!k) return NULL;
  uint64_t h = hash_of(program, kind, key, nkey);
  entry *e = k->bucket[h % NBUCKET];
  while (e && !(e->hash == h && samekey(e, kind, key, nkey) && cjg_same(e->program, program))) e = e->next;
  if (!e) return NULL;
  unlink_use(k, e);
  link_newest(k, e);
  return e->thing;
}

bool cje_cache_put(cj_ctx *c, const cj_graph *program, cje_cached kind, const void *key, size_t nkey, void *thing,
                   cje_drop_fn drop) {
  struct cj_cache *k = cache_of(c);
  cj_graph *copy = k ? copy_program(c, program) : NULL;
  entry *e = copy ? cjm_alloc(c, sizeof *e + nkey) : NULL;
  if (!e) {
    cjg_free(copy);
    drop(c, thing);
    return false;
  }
  if (k->count >= CJE_CACHE_MAX) remove_entry(c, k->oldest);
  *e = (entry){.hash = hash_of(program, kind, key, nkey),
               .program = copy,
               .thing = thing,
               .drop = drop,
               .kind = kind,
               .nkey = nkey};
  if (nkey) memcpy(e->key, key, nkey);
  e->next = k->bucket[e->hash % NBUCKET];
  k->bucket[e->hash % NBUCKET] = e;
  link_newest(k, e);
  k->count++;
  return true;
}

/* --- workspaces ---------------------------------------------------------------------------------------------- */

/* A quarter of a power of two at a time, so that slowly growing demands do not take a new block each. */
static size_t rounded(size_t n) {
  size_t step = SPARE_LEAST / 4;
  if (n <= SPARE_LEAST) return SPARE_LEAST;
  while (step < n / 8) step *= 2;
  return n > PTRDIFF_MAX ? n : (n + step - 1) / step * step;
}

/* The smallest block that will do, of which the first of the least size is one; else the place for a new one: an empty
** one, or the smallest not in use. */
static spare *choose(struct cj_cache *k, size_t n, bool *fits) {
  spare *best = NULL, *place = NULL;
  for (spare *s = k->spare; s < k->spare + NSPARE; s++) {
    if (s->busy) continue;
    if (s->work && s->size >= n && (!best || s->size < best->size)) best = s;
    if (best && best->size == SPARE_LEAST) break;
    if (!place || s->size < place->size) place = s;
  }
  *fits = best != NULL;
  return best ? best : place;
}

void *cje_work_take(cj_ctx *c, size_t n) {
  struct cj_cache *k = cache_of(c);
  if (!k) return NULL;
  size_t size = rounded(n);
  bool fits;
  spare *s = size <= SPARE_MOST ? choose(k, n, &fits) : NULL;
  if (!s) return cjm_aligned(c, size);
  if (!fits) {
    cjm_aligned_free(c, s->work, s->size);
    *s = (spare){.work = cjm_aligned(c, size)};
    if (!s->work) return NULL;
    s->size = size;
  }
  s->busy = true;
  return s->work;
}

void cje_work_give(cj_ctx *c, void *work, size_t n) {
  for (spare *s = c->cache->spare; s < c->cache->spare + NSPARE; s++) {
    if (s->work != work) continue;
    s->busy = false;
    return;
  }
  cjm_aligned_free(c, work, rounded(n));
}

void cje_cache_free(cj_ctx *c) {
  struct cj_cache *k = c->cache;
  if (!k) return;
  while (k->oldest) remove_entry(c, k->oldest);
  bool busy = false;
  for (spare *s = k->spare; s < k->spare + NSPARE; s++) {
    busy |= s->busy;
    if (s->busy) continue;
    cjm_aligned_free(c, s->work, s->size);
    *s = (spare){0};
  }
  if (busy) return;
  cjm_free(c, k, sizeof *k);
  c->cache = NULL;
}
