/*
** sets.h -- sorted sets of columns, each kept once, so that equal sets have equal numbers.  A pattern
** is propagated by uniting such numbers: a dense layer costs one set, a stencil a few columns an element.
*/
#ifndef cj_jacobian_sets_h
#define cj_jacobian_sets_h

#include "base/base.h"

typedef uint32_t cjj_set; /* 0: empty; 1 .. cols: the column before that number; above: in the table */

typedef struct cjj_setrec {
  uint32_t first, n;    /* its members */
  uint32_t hash, stamp; /* stamp: the union that has seen it */
} cjj_setrec;

typedef struct cjj_setslot {
  uint32_t hash, index; /* index: of the record + 1; 0: free */
} cjj_setslot;

typedef struct cjj_sets {
  cj_ctx *c;
  uint32_t cols, limit; /* most members kept */
  uint32_t *member, nmember, membercap;
  cjj_setrec *rec;
  uint32_t nrec, reccap;
  cjj_setslot *slot;
  uint32_t nslot;        /* a power of two */
  uint32_t last;         /* the record found last: what follows it is often found next */
  cjj_set *memo;         /* a, b, a | b: a lossy cache of unions of two */
  uint32_t *mark, epoch; /* by column: the union that has seen it */
  uint32_t *pick, *spare, npick, pickcap, sparecap;
  cjj_set sole; /* the only set of the union so far */
  bool many;
} cjj_sets;

bool cjj_sets_open(cjj_sets *s, cj_ctx *c, int64_t cols, int64_t limit); /* ELIMIT: too many columns */
void cjj_sets_close(cjj_sets *s);
/* After an error, 0.  ELIMIT: more members than the limit. */
cjj_set cjj_sets_unite(cjj_sets *s, cjj_set a, cjj_set b);
/* A union of any number of sets: begin, add.., end. */
void cjj_sets_begin(cjj_sets *s);
void cjj_sets_add(cjj_sets *s, cjj_set a);
cjj_set cjj_sets_end(cjj_sets *s);
/* The members of a, ascending; *one is room for a single one. */
const uint32_t *cjj_sets_members(const cjj_sets *s, cjj_set a, uint32_t *one, uint32_t *n);
#endif
