/* space.c -- a segregated-fit allocator over an imagined memory. */
#include "exec/space.h"

static int log2_floor(uint64_t v) {
  int k = 0;
  while (v >>= 1) k++;
  return k;
}

/* Bins of sizes in units of CJ_ALIGN: 4 k + the two bits below the leading one. */
static int bin_of(int64_t size) {
  uint64_t u = (uint64_t)size / CJ_ALIGN;
  int k = log2_floor(u);
  return k < 2 ? (int)u : 4 * (k - 1) + (int)((u >> (k - 2)) & 3);
}

static int find_bin(const cje_space *s, int from) {
  for (int w = from / 64; w < CJE_NBIN / 64; w++) {
    uint64_t bits = s->some[w];
    if (w == from / 64) bits &= ~(uint64_t)0 << (from % 64);
    if (bits) return 64 * w + log2_floor(bits & (0 - bits));
  }
  return -1;
}

static void bin_in(cje_space *s, uint32_t b) {
  int k = bin_of(s->block[b].size);
  s->block[b].free = true;
  s->block[b].before = CJE_NOBLOCK;
  s->block[b].after = s->bin[k];
  if (s->bin[k] != CJE_NOBLOCK) s->block[s->bin[k]].before = b;
  s->bin[k] = b;
  s->some[k / 64] |= (uint64_t)1 << (k % 64);
}

static void bin_out(cje_space *s, uint32_t b) {
  cje_block *x = &s->block[b];
  int k = bin_of(x->size);
  if (x->before != CJE_NOBLOCK)
    s->block[x->before].after = x->after;
  else
    s->bin[k] = x->after;
  if (x->after != CJE_NOBLOCK) s->block[x->after].before = x->before;
  if (s->bin[k] == CJE_NOBLOCK) s->some[k / 64] &= ~((uint64_t)1 << (k % 64));
  x->free = false;
}

void cje_space_open(cje_space *s, cj_ctx *c, int64_t start) {
  *s = (cje_space){.c = c, .unused = CJE_NOBLOCK, .top = CJE_NOBLOCK, .end = start};
  for (int k = 0; k < CJE_NBIN; k++) s->bin[k] = CJE_NOBLOCK;
}

void cje_space_close(cje_space *s) {
  cjm_free(s->c, s->block, s->cap * sizeof *s->block);
  s->block = NULL;
}

static uint32_t new_entry(cje_space *s) {
  uint32_t b = s->unused;
  if (b != CJE_NOBLOCK) {
    s->unused = s->block[b].after;
    return b;
  }
  if (!CJM_GROW(s->c, s->block, s->cap, s->nblock + 1u)) return CJE_NOBLOCK;
  return s->nblock++;
}

static void drop_entry(cje_space *s, uint32_t b) {
  s->block[b].after = s->unused;
  s->unused = b;
}

/* What b has beyond n bytes becomes a free block of its own. */
static bool split_block(cje_space *s, uint32_t b, int64_t n) {
  if (s->block[b].size == n) return true;
  uint32_t r = new_entry(s);
  if (r == CJE_NOBLOCK) return false;
  cje_block *x = &s->block[b];
  s->block[r] = (cje_block){.at = x->at + n, .size = x->size - n, .prev = b, .next = x->next};
  if (x->next != CJE_NOBLOCK)
    s->block[x->next].prev = r;
  else
    s->top = r;
  x->next = r;
  x->size = n;
  bin_in(s, r);
  return true;
}

/* A block at the end: the free one there grows, or a new one is put behind it. */
static uint32_t extend(cje_space *s, int64_t n) {
  uint32_t b = s->top;
  bool grows = b != CJE_NOBLOCK && s->block[b].free && s->block[b].size < n;
  int64_t more = grows ? n - s->block[b].size : n;
  if (more > PTRDIFF_MAX / 2 - s->end) {
    cjm_fail(s->c, CJ_ELIMIT, "the workspace of the function is too large");
    return CJE_NOBLOCK;
  }
  if (grows) {
    bin_out(s, b);
    s->block[b].size = n;
  } else {
    if ((b = new_entry(s)) == CJE_NOBLOCK) return b;
    s->block[b] = (cje_block){.at = s->end, .size = n, .prev = s->top, .next = CJE_NOBLOCK};
    if (s->top != CJE_NOBLOCK) s->block[s->top].next = b;
    s->top = b;
  }
  s->end += more;
  return b;
}

/* A free block of at least n bytes: one of the first in its own bin, where sizes vary, or any of a larger bin. */
static uint32_t find_block(const cje_space *s, int64_t n) {
  uint32_t b = s->bin[bin_of(n)];
  for (int tries = 8; b != CJE_NOBLOCK && tries > 0; tries--, b = s->block[b].after)
    if (s->block[b].size >= n) return b;
  int k = find_bin(s, bin_of(n) + 1);
  return k < 0 ? CJE_NOBLOCK : s->bin[k];
}

uint32_t cje_space_take(cje_space *s, int64_t n) {
  if (n > PTRDIFF_MAX / 2) n = PTRDIFF_MAX / 2; /* refused by extend */
  n = n <= CJ_ALIGN ? CJ_ALIGN : (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN;
  uint32_t b = find_block(s, n);
  if (b == CJE_NOBLOCK) return extend(s, n);
  bin_out(s, b);
  if (split_block(s, b, n)) return b;
  bin_in(s, b);
  return CJE_NOBLOCK;
}

/* b takes in its right neighbour. */
static void merge(cje_space *s, uint32_t b) {
  uint32_t r = s->block[b].next;
  s->block[b].size += s->block[r].size;
  s->block[b].next = s->block[r].next;
  if (s->block[r].next != CJE_NOBLOCK)
    s->block[s->block[r].next].prev = b;
  else
    s->top = b;
  drop_entry(s, r);
}

void cje_space_give(cje_space *s, uint32_t b) {
  uint32_t left = s->block[b].prev, right = s->block[b].next;
  CJ_ASSERT(!s->block[b].free);
  if (right != CJE_NOBLOCK && s->block[right].free) {
    bin_out(s, right);
    merge(s, b);
  }
  if (left != CJE_NOBLOCK && s->block[left].free) {
    bin_out(s, left);
    merge(s, left);
    b = left;
  }
  bin_in(s, b);
}

bool cje_space_good(const cje_space *s) {
  uint32_t b = s->top;
  int64_t end = s->end;
  for (int n = 1000; b != CJE_NOBLOCK && n > 0; n--, b = s->block[b].prev) {
    const cje_block *x = &s->block[b];
    if (x->size <= 0 || x->at + x->size != end) return false;
    if (x->free && x->next != CJE_NOBLOCK && s->block[x->next].free) return false;
    end = x->at;
  }
  return true;
}
