/*
** passes.c -- one batched sweep: many seeds through a jvp or vjp at once, so that products of matrices and
** vectors become products of matrices.
*/
#include "jacobian/parts.h"

#include <string.h>

bool cjj_has_derivative(const cj_graph *f, int i) {
  return cjt_isfloat(cjj_y(f, i)->dtype) && cjt_count(cjj_y(f, i)) > 0;
}

const cj_type *cjj_member_type(const cj_graph *f, bool reverse, const cjj_member *m) {
  return reverse ? cjj_y(f, m->index) : cjj_x(f, m->index);
}

bool cjj_block_type(const cj_graph *f, int i, int j, cj_type *out) {
  if (cjt_append(cjj_y(f, i), cjj_x(f, j), out)) return true;
  char buf[128];
  cj_text w = {.s = buf, .cap = sizeof buf};
  cjt_putshape(&w, cjj_y(f, i));
  cjm_puts(&w, " by ");
  cjt_putshape(&w, cjj_x(f, j));
  cjm_fail(f->c, CJ_ESHAPE,
           "the derivative of output %d by input %d would have shape %s: too large, or more than %d axes", i + 1, j + 1,
           buf, CJ_MAXRANK);
  return false;
}

/* --- the program of a pass ------------------------------------------------------------ */

/* The vjp of the members among f's outputs: f itself is looked at as if it had only these. */
static cj_graph *pass_backward(const cj_graph *f, const uint8_t *active, const cjj_member *m, uint32_t n) {
  cj_ref *out = cjm_alloc(f->c, n * sizeof *out);
  if (!out) return NULL;
  for (uint32_t q = 0; q < n; q++) out[q] = f->out[m[q].index];
  cj_graph some = *f;
  some.out = out;
  some.nout = n;
  cj_graph *lin = cjx_vjp(&some, active, false);
  cjm_free(f->c, out, n * sizeof *out);
  return lin;
}

static cj_graph *pass_forward(const cj_graph *f, const cjj_member *m, uint32_t n) {
  uint8_t *active = cjm_zalloc(f->c, f->narg);
  if (!active) return NULL;
  for (uint32_t q = 0; q < n; q++) active[m[q].index] = 1;
  cj_graph *lin = cjx_jvp(f, active, false);
  cjm_free(f->c, active, f->narg);
  return lin;
}

cj_graph *cjj_pass_graph(const cj_graph *f, const cjj_cut *cut, const cjj_pass *p, int64_t n) {
  const cjj_part *part = &cut->part[p->part];
  const cjj_member *m = cut->member + p->member;
  cj_graph *lin = part->reverse ? pass_backward(f, part->active, m, p->n) : pass_forward(f, m, p->n), *many = NULL;
  if (!lin || n == 1) return lin;
  size_t nin = (size_t)lin->narg + lin->ncapture;
  uint8_t *which = cjm_zalloc(f->c, nin);
  if (which) {
    memset(which + f->narg, 1, p->n);
    many = cjx_batch(lin, which, n);
  }
  cjm_free(f->c, which, nin);
  cjg_free(lin);
  return many;
}

/* --- seeds -------------------------------------------------------------------------------- */

static void put_one(void *to, int dtype, int64_t at) {
  if (dtype == CJ_F64)
    ((double *)to)[at] = 1;
  else
    ((float *)to)[at] = 1;
}

void cjj_fill_seeds(const cjj_part *part, const cjj_member *m, const cj_type *t, int64_t first, int64_t n, void *to) {
  int64_t size = cjt_count(t);
  memset(to, 0, (size_t)n * cjt_bytes(t));
  for (int64_t e = 0; e < size && part->pattern; e++) {
    int64_t s = part->colour[m->at + e] - first;
    if (s >= 0 && s < n) put_one(to, t->dtype, s * size + e);
  }
  for (int64_t s = 0; s < n && !part->pattern; s++) {
    int64_t e = first + s - m->at;
    if (e >= 0 && e < size) put_one(to, t->dtype, s * size + e);
  }
}

/* Seeds of so many bytes are compared with the colours anew each time rather than kept. */
#define SEEDBYTES ((size_t)1 << 20)

/* A constant tensor from the labels of member m: int64 labels, or nseed seeds. */
static cj_ref label_tensor(cj_graph *g, const cjj_part *part, const cjj_member *m, const cj_type *t, int64_t nseed,
                           const cj_type *want) {
  cj_tensor *x = cjt_new(g->c, want);
  if (!x) return 0;
  if (want->dtype == CJ_I64)
    memcpy(x->data, part->colour + m->at, cjt_bytes(want));
  else
    cjj_fill_seeds(part, m, t, 0, nseed, x->data);
  cj_ref r = cjg_tensor(g, x);
  cjt_release(x);
  return r;
}

static cj_ref coloured_seed(cj_graph *g, const cjj_part *part, const cjj_member *m, const cj_type *t,
                            const cj_type *many) {
  int64_t n = many->dim[0];
  if (cjt_bytes(many) <= SEEDBYTES) return label_tensor(g, part, m, t, n, many);
  cj_type labels = *t, number = {.dtype = CJ_I64, .rank = many->rank, .dim = {n}};
  labels.dtype = CJ_I64;
  if (!cjt_make(CJ_I64, labels.rank, labels.dim, &labels)) return cjm_fail(g->c, CJ_ELIMIT, "too many seeds"), 0;
  for (int a = 1; a < number.rank; a++) number.dim[a] = 1;
  cj_ref label = label_tensor(g, part, m, t, n, &labels);
  return cjb_cast(g, cjb_eq(g, cjb_reshape(g, cjb_iota(g, CJ_I64, n), &number), label), t->dtype);
}

/* One of the unit vectors; zeros outside an embedded piece are seen through. */
static cj_ref unit_seed(cj_graph *g, const cj_type *t, int64_t at) {
  cj_type one = {.dtype = t->dtype, .rank = 1, .dim = {1}};
  return cjb_reshape(g, cjb_embed(g, cjb_full(g, &one, 1), 1, at, 1, cjt_count(t)), t);
}

/* Every element of the member has the only colour. */
static bool all_labelled(const cjj_part *part, const cjj_member *m, int64_t size) {
  for (int64_t e = 0; e < size; e++)
    if (part->colour[m->at + e] != 0) return false;
  return true;
}

/* Identity seeds are eye, which may be seen through. */
static cj_ref constant_seed(cj_graph *g, const cj_graph *f, const cjj_cut *cut, const cjj_pass *p,
                            const cjj_member *m) {
  const cjj_part *part = &cut->part[p->part];
  cj_type t = *cjj_member_type(f, part->reverse, m), many;
  int64_t size = cjt_count(&t);
  if (p->nseed == 1 && (part->pattern ? all_labelled(part, m, size) : size == 1)) return cjb_full(g, &t, 1);
  if (p->nseed == 1 && part->pattern) return label_tensor(g, part, m, &t, 1, &t);
  if (p->nseed == 1) return unit_seed(g, &t, p->first - m->at);
  if (!cjt_prepend(&t, p->nseed, &many)) return cjm_fail(g->c, CJ_ELIMIT, "too many seeds in one pass"), 0;
  if (part->pattern) return coloured_seed(g, part, m, &t, &many);
  cj_ref one = cjb_eye(g, t.dtype, p->nseed, p->nseed);
  return cjb_reshape(g, cjb_slice(g, one, 1, m->at, 1, size), &many);
}

/* h: the program of the pass. */
static const cj_ref *emit_with_seeds(cjj_frame *w, const cj_graph *h, const cjj_cut *cut, const cjj_pass *p) {
  cj_ref *seed = cjm_alloc(cut->c, p->n * sizeof *seed);
  if (!seed) return NULL;
  for (uint32_t q = 0; q < p->n; q++) seed[q] = constant_seed(w->g, w->f, cut, p, &cut->member[p->member + q]);
  const cj_ref *row = cjj_frame_inline(w, h, seed, p->n);
  cjm_free(cut->c, seed, p->n * sizeof *seed);
  return row;
}

const cj_ref *cjj_emit_pass(cjj_frame *w, const cjj_cut *cut, const cjj_pass *p) {
  cj_graph *h = cjj_pass_graph(w->f, cut, p, p->nseed);
  const cj_ref *row = h ? emit_with_seeds(w, h, cut, p) : NULL;
  cjg_free(h);
  return row;
}

/* --- rows to blocks ---------------------------------------------------------------------------- */

/* Rows at .. at + m of what an input of rank r got. */
static cj_ref rows_of(cj_graph *g, cj_ref row, int64_t nseed, int rank, int64_t at, int64_t m) {
  return nseed == 1 ? row : cjb_slice(g, row, rank + 1, at, 1, m);
}

cj_ref cjj_transposed(cj_graph *g, cj_ref row, int64_t nseed) {
  cj_type t = cjb_type(g, row);
  cj_type m = {.dtype = t.dtype, .rank = 2, .dim = {nseed, cjt_count(&t) / nseed}};
  if (nseed != 1) return cjb_mt(g, cjb_reshape(g, row, &m));
  m.dim[0] = m.dim[1];
  m.dim[1] = 1;
  return cjb_reshape(g, row, &m);
}

void cjj_put_block(cj_graph *g, const cj_graph *f, int i, int j, cj_ref r, cj_ref *J) {
  cj_type t;
  if (cjj_block_type(f, i, j, &t)) J[(size_t)i * f->narg + (size_t)j] = cjb_cast(g, cjb_reshape(g, r, &t), t.dtype);
}

void cjj_dense_blocks(cj_graph *g, const cj_graph *f, const cjj_cut *cut, const cjj_pass *p, const cj_ref *row,
                      cj_ref *J) {
  const cjj_part *part = &cut->part[p->part];
  for (uint32_t q = 0; q < p->n; q++) {
    const cjj_member *m = &cut->member[p->member + q];
    int64_t n = cjt_count(cjj_member_type(f, part->reverse, m));
    for (int j = 0, k = 0; part->reverse && j < cut->nx; j++)
      if (part->active[j])
        cjj_put_block(g, f, m->index, j, rows_of(g, row[k++], p->nseed, cjj_x(f, j)->rank, m->at, n), J);
    for (int i = 0; !part->reverse && i < cut->ny; i++)
      if (cjj_has_derivative(f, i))
        cjj_put_block(g, f, i, m->index, cjb_slice(g, cjj_transposed(g, row[i], p->nseed), 1, m->at, 1, n), J);
  }
}

/* --- unrolled passes --------------------------------------------------------------------------- */

/* Pieces of one block, n of them `step` apart, as rows (reverse) or columns of a matrix. */
static cj_ref stacked(cj_graph *g, cj_ref *piece, uint32_t n, bool reverse) {
  for (uint32_t e = 0; e < n; e++) {
    cj_type t = cjb_type(g, piece[e]), m = {.dtype = t.dtype, .rank = 2};
    m.dim[reverse ? 0 : 1] = 1;
    m.dim[reverse ? 1 : 0] = cjt_count(&t);
    piece[e] = cjb_reshape(g, piece[e], &m);
  }
  return cjg_ok(g) ? cjb_cat(g, piece, (int)n, reverse ? 2 : 1) : 0;
}

uint32_t cjj_unrolled_blocks(cjj_frame *w, const cjj_cut *cut, const cjj_pass *p, cj_ref *J) {
  const cjj_part *part = &cut->part[p->part];
  const cjj_member *m = &cut->member[p->member];
  uint32_t n = (uint32_t)cjt_count(cjj_member_type(w->f, part->reverse, m));
  size_t nrow = (size_t)(part->reverse ? cut->nx : cut->ny), bytes = (nrow * n + 1) * sizeof(cj_ref);
  cj_ref *piece = cjm_zalloc(cut->c, bytes); /* by row, then by seed */
  cj_graph *h = piece ? cjj_pass_graph(w->f, cut, p, 1) : NULL;
  for (uint32_t e = 0; h && e < n; e++) {
    const cj_ref *row = emit_with_seeds(w, h, cut, p + e);
    uint32_t k = 0;
    for (size_t r = 0; row && r < nrow; r++)
      if (!part->reverse || part->active[r]) piece[r * n + e] = row[k++];
  }
  for (size_t r = 0; piece && r < nrow && cjg_ok(w->g); r++) {
    if (part->reverse ? !part->active[r] : !cjj_has_derivative(w->f, (int)r)) continue;
    cj_ref all = stacked(w->g, piece + r * n, n, part->reverse);
    cjj_put_block(w->g, w->f, part->reverse ? m->index : (int)r, part->reverse ? (int)r : m->index, all, J);
  }
  cjg_free(h);
  cjm_free(cut->c, piece, bytes);
  return cjg_ok(w->g) ? n : 0;
}
