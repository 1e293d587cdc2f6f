/*
** state.c -- Lua states with an allocator of their own.  A script that computes with small tensors makes a handle for
** every number, and much of what that costs is malloc and free.  Here a block of up to MOST bytes is the first of the
** list of its size, and goes back to that list; new ones are cut from pieces of PIECE bytes, which are kept until the
** state is closed.
*/
#include "state.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__ /* which should see every block */
enum { GRAIN = 16, MOST = 0, PIECE = 1 << 15 };
#else
enum { GRAIN = 16, MOST = 704, PIECE = 1 << 15 }; /* the handle of a small tensor is within MOST */
#endif

typedef struct block {
  struct block *next;
} block;

typedef struct memory {
  block *free[MOST / GRAIN + 1]; /* by size in grains */
  block *pieces;
  char *at, *end; /* what is left of the last piece */
  size_t live;    /* bytes that Lua has */
  bool warns, continued;
} memory;

static size_t grains(size_t n) { return (n + GRAIN - 1) / GRAIN; }

static void *cut(memory *m, size_t n) {
  if ((size_t)(m->end - m->at) < n) { /* the rest is lost */
    block *piece = malloc(PIECE);
    if (!piece) return NULL;
    piece->next = m->pieces;
    m->pieces = piece;
    m->at = (char *)piece + GRAIN;
    m->end = (char *)piece + PIECE;
  }
  void *p = m->at;
  m->at += n;
  return p;
}

static void *take(memory *m, size_t n) {
  if (n > MOST) return malloc(n);
  block **list = &m->free[grains(n)], *b = *list;
  if (!b) return cut(m, grains(n) * GRAIN);
  *list = b->next;
  return b;
}

static void give(memory *m, void *p, size_t n) {
  if (n > MOST) {
    free(p);
    return;
  }
  block *b = p;
  b->next = m->free[grains(n)];
  m->free[grains(n)] = b;
}

/* Neither size is 0.  A block that shrinks stays where it is if there is no memory for a smaller one. */
static void *move(memory *m, void *p, size_t osize, size_t nsize) {
  if (osize > MOST && nsize > MOST) {
    void *q = realloc(p, nsize);
    return q || nsize > osize ? q : p;
  }
  if (osize <= MOST && nsize <= MOST && grains(osize) == grains(nsize)) return p;
  void *q = take(m, nsize);
  if (!q) return nsize < osize && osize <= MOST ? p : NULL;
  memcpy(q, p, osize < nsize ? osize : nsize);
  give(m, p, osize);
  return q;
}

static void release(memory *m) {
  for (block *next; m->pieces; m->pieces = next) {
    next = m->pieces->next;
    free(m->pieces);
  }
  free(m);
}

/* lua_Alloc.  The last block that a state gives back, when it is closed by whomever, is itself. */
static void *allocate(void *ud, void *p, size_t osize, size_t nsize) {
  memory *m = ud;
  void *q = NULL;
  if (!p) { /* then osize is no size */
    if (nsize && (q = take(m, nsize))) m->live += nsize;
    return q;
  }
  if (nsize) {
    if ((q = move(m, p, osize, nsize))) m->live += nsize - osize;
    return q;
  }
  give(m, p, osize);
  if ((m->live -= osize) == 0) release(m);
  return NULL;
}

static int panic(lua_State *L) {
  const char *msg = lua_tostring(L, -1);
  fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n", msg ? msg : "not a string");
  return 0;
}

/* "@on" and "@off" switch warnings. */
static void warn(void *ud, const char *msg, int tocont) {
  memory *m = ud;
  if (!m->continued && !tocont && *msg == '@') {
    if (strcmp(msg, "@on") == 0) m->warns = true;
    if (strcmp(msg, "@off") == 0) m->warns = false;
    return;
  }
  if (m->warns) fprintf(stderr, "%s%s%s", m->continued ? "" : "Lua warning: ", msg, tocont ? "" : "\n");
  m->continued = tocont != 0;
}

lua_State *cjac_newstate(void) {
  memory *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  m->live = 1; /* until there is a state */
  lua_State *L = lua_newstate(allocate, m);
  if (!L) {
    release(m);
    return NULL;
  }
  m->live--;
  lua_atpanic(L, panic);
  lua_setwarnf(L, warn, m);
  return L;
}
