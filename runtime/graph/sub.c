/* sub.c -- programs inside programs: the list of a graph, and what the numbers of a scan mean. */
#include "graph/sub.h"
#include "graph/store.h"

#include <string.h>

cj_graph *cjg_retain(cj_graph *g) {
  __atomic_fetch_add(&g->refs, 1, __ATOMIC_RELAXED);
  return g;
}

/* --- the list ------------------------------------------------------------------------------------------ */

bool cjg_samesub(const cj_graph *a, const cj_graph *b) {
  if (a == b) return true;
  return cjg_same(a, b) && (a->nkonst == 0 || memcmp(a->konst, b->konst, a->nkonst * sizeof *a->konst) == 0);
}

/* Outputs and numbers without a code are no part of a graph's own hash. */
static uint64_t hash_sub(const cj_graph *f) {
  uint64_t h = cjm_hash(f->out, f->nout * sizeof *f->out, f->hash);
  return f->nkonst ? cjm_hash(f->konst, f->nkonst * sizeof *f->konst, h) : h;
}

int64_t cjg_sub(cj_graph *g, cj_graph *f) {
  if (!cjg_ok(g)) return -1;
  for (uint32_t i = g->nsub; i-- > 0;)
    if (cjg_samesub(g->sub[i], f)) return i;
  if (f->depth + 1 > CJG_SUBDEPTH) {
    cjm_fail(g->c, CJ_ELIMIT, "loops and calls are nested more than %d deep", CJG_SUBDEPTH);
    return -1;
  }
  if (!CJM_GROW(g->c, g->sub, g->subcap, g->nsub + 1u)) return -1;
  g->sub[g->nsub] = cjg_retain(f);
  if (g->depth < f->depth + 1) g->depth = f->depth + 1;
  g->hash = cjm_mix(g->hash, hash_sub(f));
  return g->nsub++;
}

bool cjg_carry_attr(cj_graph *g, const cj_graph *f, cj_ref r, cj_attr *a) {
  uint32_t subs = cjg_row(f, r)->subs;
  *a = *cjg_attr(f, r);
  for (int i = 0; subs >> i; i++)
    if (subs >> i & 1 && a->v[i] >= 0 && (a->v[i] = cjg_sub(g, f->sub[a->v[i]])) < 0) return false;
  return true;
}

/* --- scan ------------------------------------------------------------------------------------------------- */

static const cj_graph *sub_at(const cj_graph *g, int64_t i) { return i < 0 ? NULL : g->sub[i]; }

static cjg_loop read_loop(const cj_graph *g, const cj_attr *a) {
  cjg_loop l = {.body = g->sub[a->v[CJG_BODY]],
                .jvp = sub_at(g, a->v[CJG_JVP]),
                .vjp = sub_at(g, a->v[CJG_VJP]),
                .steps = a->v[CJG_STEPS],
                .reverse = a->v[CJG_REVERSE] != 0,
                .ncarry = (int)a->v[CJG_NCARRY],
                .nx = (int)a->v[CJG_NX],
                .ny = (int)a->v[CJG_NY]};
  l.nin = (int)l.body->narg;
  l.nout = (int)l.body->nout;
  return l;
}

cjg_loop cjg_loop_of(const cj_graph *g, cj_ref r) { return read_loop(g, cjg_attr(g, r)); }

/* Part k alone; false: too large. */
static bool make_part(const cjg_loop *l, int k, cjg_part *p) {
  const cj_type *t = cjg_type(l->body, l->body->out[k]);
  p->rowsize = cjt_count(t);
  p->rows = k < l->ncarry ? l->steps + 1 : k < l->ncarry + l->ny ? l->steps : 1;
  if (k < l->ncarry + l->ny) return cjt_prepend(t, p->rows, &p->type);
  p->type = *t;
  return true;
}

cjg_part cjg_part_of(const cjg_loop *l, int k) {
  cjg_part p = {0};
  int64_t first = 0;
  for (int i = 0; i <= k; i++) {
    first += p.rowsize * p.rows;
    (void)make_part(l, i, &p);
  }
  p.first = first;
  return p;
}

void cjg_parts(const cjg_loop *l, cjg_part *p) {
  int64_t first = 0;
  for (int k = 0; k < l->nout; first += p[k].rows * p[k].rowsize, k++) {
    (void)make_part(l, k, &p[k]);
    p[k].first = first;
  }
}

static bool bad_loop(const cj_graph *g, const char *what) {
  cjm_fail(g->c, CJ_EARG, "scan: %s", what);
  return false;
}

static bool good_numbers(const cj_graph *g, const cj_attr *a, int nin) {
  if (a->n != CJG_NLOOP) return bad_loop(g, "numbers are missing");
  for (int i = 0; i < CJG_NLOOP; i++) {
    bool sub = i == CJG_BODY || i == CJG_JVP || i == CJG_VJP;
    if (sub ? a->v[i] >= (int64_t)g->nsub || a->v[i] < (i == CJG_BODY ? 0 : -1) : a->v[i] < 0)
      return bad_loop(g, "a number is out of range");
  }
  const cj_graph *body = g->sub[a->v[CJG_BODY]];
  if (a->v[CJG_STEPS] == INT64_MAX || body->ncapture || body->narg != (uint32_t)nin || a->v[CJG_NCARRY] > INT32_MAX ||
      a->v[CJG_NX] > INT32_MAX || a->v[CJG_NY] > INT32_MAX || a->v[CJG_NCARRY] + a->v[CJG_NX] > nin ||
      a->v[CJG_NCARRY] + a->v[CJG_NY] > body->nout)
    return bad_loop(g, "the body has not the arguments or results that the loop needs");
  return true;
}

static bool good_operands(const cj_graph *g, const cjg_loop *l, const cj_type *const *in) {
  for (int i = 0; i < l->nin; i++) {
    cj_type want = *cjg_type(l->body, l->body->arg[i]);
    if (i >= l->ncarry && i < l->ncarry + l->nx && !cjt_prepend(&want, l->steps, &want))
      return bad_loop(g, "an operand has too many axes or elements");
    if (!cjt_same(&want, in[i])) return bad_loop(g, "an operand is not of the type that the body takes");
  }
  for (int i = 0; i < l->ncarry; i++)
    if (!cjt_same(cjg_type(l->body, l->body->arg[i]), cjg_type(l->body, l->body->out[i])))
      return bad_loop(g, "the body changes the type of the carry");
  return true;
}

bool cjg_infer_sub(const cj_graph *g, int op, const cj_type *const *in, int nin, const cj_attr *a, cj_type *out) {
  CJ_UNUSED(op);
  if (!good_numbers(g, a, nin)) return false;
  cjg_loop l = read_loop(g, a);
  if (!good_operands(g, &l, in)) return false;
  int64_t total = 0;
  int dtype = l.nout ? cjg_type(l.body, l.body->out[0])->dtype : CJ_F64;
  for (int k = 0; k < l.nout; k++) {
    cjg_part p;
    int64_t n;
    if (cjg_type(l.body, l.body->out[k])->dtype != dtype || !cjt_isfloat(dtype))
      return bad_loop(g, "the results of the body are not of one float dtype");
    if (!make_part(&l, k, &p) || __builtin_mul_overflow(p.rows, p.rowsize, &n) ||
        __builtin_add_overflow(total, n, &total))
      return bad_loop(g, "a result has too many axes or elements");
  }
  return cjt_make((cj_dtype)dtype, 1, &total, out) || bad_loop(g, "the results are too large");
}
