/*
** space.h -- offsets of buffers in the workspace of a plan: a two-level segregated fit (Masmano, Ripoll,
** Crespo, Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004) over an
** imagined memory, so that planning stays linear.
*/
#ifndef cj_exec_space_h
#define cj_exec_space_h

#include "base/base.h"

#define CJE_NOBLOCK UINT32_MAX
enum { CJE_NBIN = 256 }; /* four bins for every power of two */

typedef struct cje_block {
  int64_t at, size;       /* multiples of CJ_ALIGN */
  uint32_t prev, next;    /* neighbours by address */
  uint32_t before, after; /* in the list of its bin, while free; after: also the list of unused entries */
  bool free;
} cje_block;

typedef struct cje_space {
  cj_ctx *c;
  cje_block *block;
  uint32_t nblock, cap;
  uint32_t unused, top; /* list of entries not in use; the block that ends the space */
  uint32_t bin[CJE_NBIN];
  uint64_t some[CJE_NBIN / 64]; /* which bins are not empty */
  int64_t end;
} cje_space;

void cje_space_open(cje_space *s, cj_ctx *c, int64_t start);
void cje_space_close(cje_space *s);
/* The number of a block of at least n bytes; CJE_NOBLOCK: ENOMEM, or ELIMIT if the space outgrows ptrdiff_t. */
uint32_t cje_space_take(cje_space *s, int64_t n);
void cje_space_give(cje_space *s, uint32_t b);
/* Blocks lie one behind the other without gap or overlap; of many only the first ones are looked at. */
bool cje_space_good(const cje_space *s);
static inline int64_t cje_space_at(const cje_space *s, uint32_t b) { return s->block[b].at; }
#endif
