/*
** sets.c -- interned sets of columns (hash consing: Ershov 1958; Filliatre, Conchon, "Type-safe modular
** hash-consing", ML Workshop 2006).
*/
#include "jacobian/sets.h"

#include <string.h>

enum { MEMO = 1 << 12, SLOTS = 1 << 8 };

bool cjj_sets_open(cjj_sets *s, cj_ctx *c, int64_t cols, int64_t limit) {
  memset(s, 0, sizeof *s);
  s->c = c;
  if (cols >= INT32_MAX / 2) {
    cjm_fail(c, CJ_ELIMIT, "a sparsity pattern of %lld columns is too large", (long long)cols);
    return false;
  }
  s->cols = (uint32_t)cols;
  s->limit = (uint32_t)(limit < INT32_MAX ? limit : INT32_MAX);
  return true;
}

/* The tables, when first needed: stencils unite nothing. */
static bool make_tables(cjj_sets *s) {
  if (s->mark) return true;
  if (!cjm_ok(s->c)) return false;
  s->slot = cjm_zalloc(s->c, SLOTS * sizeof *s->slot);
  s->nslot = s->slot ? SLOTS : 0;
  s->memo = cjm_zalloc(s->c, MEMO * 3 * sizeof *s->memo);
  s->mark = cjm_zalloc(s->c, (s->cols + (size_t)1) * sizeof *s->mark);
  return s->slot && s->memo && s->mark;
}

void cjj_sets_close(cjj_sets *s) {
  cjm_free(s->c, s->member, s->membercap * sizeof *s->member);
  cjm_free(s->c, s->rec, s->reccap * sizeof *s->rec);
  cjm_free(s->c, s->slot, s->nslot * sizeof *s->slot);
  cjm_free(s->c, s->memo, MEMO * 3 * sizeof *s->memo);
  cjm_free(s->c, s->mark, (s->cols + (size_t)1) * sizeof *s->mark);
  cjm_free(s->c, s->pick, s->pickcap * sizeof *s->pick);
  cjm_free(s->c, s->spare, s->sparecap * sizeof *s->spare);
}

const uint32_t *cjj_sets_members(const cjj_sets *s, cjj_set a, uint32_t *one, uint32_t *n) {
  *n = a != 0;
  *one = a - 1;
  if (a <= s->cols) return one;
  const cjj_setrec *r = &s->rec[a - s->cols - 1];
  *n = r->n;
  return s->member + r->first;
}

/* --- the table ------------------------------------------------------------ */

/*
** Neighbours in a program depend on neighbouring columns, so a set is first sought in one line of slots that
** its outer columns choose, which is usually the line that was used last; only if that is full does its hash
** choose the place.  Full lines lie side by side, so from there on the steps are large ones (double hashing:
** Knuth, "The Art of Computer Programming" 3, section 6.4).
*/
enum { LINE = 8 };

/* The t-th slot to look at for members m. */
static uint32_t slot_at(const cjj_sets *s, const uint32_t *m, uint32_t n, uint32_t hash, uint32_t t) {
  return (t < LINE ? (m[0] + m[n - 1]) * LINE + t : hash + t * (hash >> 16 | 1)) & (s->nslot - 1);
}

static void enter_set(cjj_sets *s, uint32_t k) { /* record k into the first free slot */
  const cjj_setrec *r = &s->rec[k];
  uint32_t t = 0, at;
  while (at = slot_at(s, s->member + r->first, r->n, r->hash, t), s->slot[at].index) t++;
  s->slot[at] = (cjj_setslot){r->hash, k + 1};
}

static bool widen(cjj_sets *s) {
  uint32_t n = s->nslot;
  cjj_setslot *slot = cjm_zalloc(s->c, 2 * (size_t)n * sizeof *slot);
  if (!slot) return false;
  cjm_free(s->c, s->slot, n * sizeof *slot);
  s->slot = slot;
  s->nslot = 2 * n;
  for (uint32_t k = 0; k < s->nrec; k++) enter_set(s, k);
  return true;
}

static cjj_set append_set(cjj_sets *s, const uint32_t *m, uint32_t n, uint32_t hash) {
  if (n > s->limit - s->nmember || s->nrec >= INT32_MAX - s->cols) {
    cjm_fail(s->c, CJ_ELIMIT, "the sparsity pattern is too dense (over %lu entries)", (unsigned long)s->limit);
    return 0;
  }
  if (!CJM_GROW(s->c, s->member, s->membercap, s->nmember + (size_t)n) ||
      !CJM_GROW(s->c, s->rec, s->reccap, s->nrec + (size_t)1))
    return 0;
  if (s->nrec >= s->nslot / 2 && !widen(s)) return 0;
  memcpy(s->member + s->nmember, m, n * sizeof *m);
  s->last = s->nrec;
  s->rec[s->nrec] = (cjj_setrec){s->nmember, n, hash, 0};
  s->nmember += n;
  enter_set(s, s->nrec++);
  return s->cols + s->nrec;
}

static bool holds(const cjj_sets *s, uint32_t k, const uint32_t *m, uint32_t n) {
  const cjj_setrec *r = &s->rec[k];
  return r->n == n && !memcmp(s->member + r->first, m, n * sizeof *m);
}

/* The set of the n ascending columns at m, which lie outside the table. */
static cjj_set intern(cjj_sets *s, const uint32_t *m, uint32_t n) {
  if (n <= 1) return n ? m[0] + 1 : 0;
  if (s->last + 1 < s->nrec && holds(s, s->last + 1, m, n)) return s->cols + ++s->last + 1;
  uint32_t hash = (uint32_t)cjm_hash(m, n * sizeof *m, n), at;
  for (uint32_t t = 0; at = slot_at(s, m, n, hash, t), s->slot[at].index; t++) {
    uint32_t k = s->slot[at].index - 1;
    if (s->slot[at].hash != hash || !holds(s, k, m, n)) continue;
    s->last = k;
    return s->cols + k + 1;
  }
  return append_set(s, m, n, hash);
}

/* --- two sets ----------------------------------------------------------------- */

static uint32_t merge_lists(const uint32_t *x, uint32_t nx, const uint32_t *z, uint32_t nz, uint32_t *out) {
  uint32_t i = 0, k = 0, n = 0;
  while (i < nx && k < nz) {
    uint32_t a = x[i], b = z[k];
    out[n++] = a < b ? a : b;
    i += a <= b;
    k += b <= a;
  }
  while (i < nx) out[n++] = x[i++];
  while (k < nz) out[n++] = z[k++];
  return n;
}

static cjj_set join_two(cjj_sets *s, cjj_set a, cjj_set b) {
  uint32_t one, two, na, nb;
  const uint32_t *x = cjj_sets_members(s, a, &one, &na), *z = cjj_sets_members(s, b, &two, &nb);
  uint32_t few[16], *to = few;
  if (na + (size_t)nb > CJ_COUNT(few)) {
    if (!CJM_GROW(s->c, s->pick, s->pickcap, na + (size_t)nb)) return 0;
    to = s->pick;
  }
  return intern(s, to, merge_lists(x, na, z, nb, to));
}

cjj_set cjj_sets_unite(cjj_sets *s, cjj_set a, cjj_set b) {
  if (a == b || b == 0) return a;
  if (a == 0) return b;
  if (a > b) {
    cjj_set t = a;
    a = b;
    b = t;
  }
  if (!make_tables(s)) return 0;
  cjj_set *m = s->memo + 3 * (cjm_mix(a, b) & (MEMO - 1));
  if (m[0] == a && m[1] == b) return m[2];
  cjj_set u = join_two(s, a, b);
  m[0] = u ? a : 0;
  m[1] = b;
  m[2] = u;
  return u;
}

/* --- many sets -------------------------------------------------------------------- */

void cjj_sets_begin(cjj_sets *s) {
  s->epoch++;
  s->npick = 0;
  s->sole = 0;
  s->many = false;
}

static void pick(cjj_sets *s, cjj_set a) { /* notes the columns of a that are new */
  uint32_t one, n;
  if (!make_tables(s)) return;
  if (a > s->cols) {
    cjj_setrec *r = &s->rec[a - s->cols - 1];
    if (r->stamp == s->epoch) return;
    r->stamp = s->epoch;
  }
  const uint32_t *m = cjj_sets_members(s, a, &one, &n);
  if (!CJM_GROW(s->c, s->pick, s->pickcap, s->npick + (size_t)n)) return;
  for (uint32_t i = 0; i < n; i++) {
    if (s->mark[m[i]] == s->epoch) continue;
    s->mark[m[i]] = s->epoch;
    s->pick[s->npick++] = m[i];
  }
}

void cjj_sets_add(cjj_sets *s, cjj_set a) {
  if (a == 0 || a == s->sole) return;
  if (!s->many) {
    if (s->sole == 0) {
      s->sole = a;
      return;
    }
    s->many = true;
    pick(s, s->sole);
  }
  pick(s, a);
  s->sole = a; /* runs of equal sets are common */
}

/* Merge sort from below; ascending input, the usual case, is seen at once. */
static bool sortpick(cjj_sets *s) {
  uint32_t n = s->npick, i = 1;
  while (i < n && s->pick[i - 1] < s->pick[i]) i++;
  if (i >= n) return true;
  if (!CJM_GROW(s->c, s->spare, s->sparecap, s->pickcap)) return false;
  uint32_t *from = s->pick, *to = s->spare;
  for (uint32_t w = 1; w < n; w *= 2) {
    for (uint32_t k = 0; k < n; k += 2 * w) {
      uint32_t mid = k + w < n ? k + w : n, end = k + 2 * w < n ? k + 2 * w : n;
      merge_lists(from + k, mid - k, from + mid, end - mid, to + k);
    }
    uint32_t *t = from;
    from = to;
    to = t;
  }
  if (from != s->pick) memcpy(s->pick, from, n * sizeof *from);
  return true;
}

cjj_set cjj_sets_end(cjj_sets *s) {
  if (!s->many) return s->sole;
  if (s->c->status != CJ_OK || !sortpick(s)) return 0;
  return intern(s, s->pick, s->npick);
}
