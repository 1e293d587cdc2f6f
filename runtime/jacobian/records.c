/*
** records.c -- batches of independent residuals.  Where the first axis of all outputs numbers records, and the
** elements of a record are computed from a few elements of the inputs (rows that a constant index picks, or
** the record's own row) and from nothing of other records, the function is one small function of a record,
** done many times.  Its Jacobian is that of the small function: no pattern has to be found, there are no
** colours and no seeds, and what all partials of a record share is computed once.  Bundle adjustment, springs,
** curve fitting and reprojection errors are of this kind.
**
** The program is stripped of its first axis, which attributes, whose axes count from the end, do not see.
*/
#include "jacobian/records.h"

#include <string.h>

enum { LEASTRECORDS = 4, MOSTREAD = 64, MOSTENTRIES = 1024 };

/* Elements of an argument in their order, seen as a tensor. */
typedef struct rawview {
  uint32_t arg; /* + 1; 0: it is none */
  int64_t first;
} rawview;

typedef struct stripping {
  cj_ctx *c;
  const cj_graph *f;
  cjj_records *r;
  cjj_walk constants; /* of which only the values of constants are used */
  rawview *raw;       /* by instruction of f */
  cj_ref *local;      /* by instruction of f that depends on arguments: a record of it, in r->g */
  cj_ref *part[2];    /* by instruction that does not: all of it, a record of it */
  uint8_t *depends;
  bool lost;
} stripping;

static const cj_type *ftype(const stripping *s, cj_ref r) { return cjg_type(s->f, r); }
static cj_ref foperand(const stripping *s, cj_ref r, int i) { return cjg_operands(s->f, r)[i]; }

static bool by_record(const stripping *s, cj_ref r, int rank) {
  return ftype(s, r)->rank == rank && rank > 0 && ftype(s, r)->dim[0] == s->r->n;
}

static cj_type stripped(const cj_type *t) {
  cj_type u = {.dtype = t->dtype, .rank = (uint8_t)(t->rank - 1)};
  memcpy(u.dim, t->dim + 1, u.rank * sizeof *u.dim);
  return u;
}

static bool other_kind(stripping *s) {
  s->lost = true;
  return false;
}

/* --- what a record reads --------------------------------------------------------------------------- */

/* Instruction r of f, whose record e is row at(e) of the raw value x: at is e itself, or a constant index. */
static bool add_source(stripping *s, cj_ref r, cj_ref x, const cj_tensor *index) {
  cjj_records *k = s->r;
  cj_type t = stripped(ftype(s, r));
  cjj_source source = {.value = r, .arg = s->raw[x].arg - 1, .first = s->raw[x].first, .width = cjt_count(&t)};
  if (!CJM_GROW(s->c, k->source, k->sourcecap, k->nsource + (size_t)1)) return false;
  k->read += source.width;
  if (k->read > MOSTREAD) return other_kind(s);
  source.row = cjm_alloc(s->c, ((size_t)k->n + 1) * sizeof *source.row);
  if (!source.row) return false;
  k->source[k->nsource++] = source;
  for (int64_t e = 0; e < k->n; e++) {
    int64_t at = index ? ((const int64_t *)index->data)[e * index->stride[0]] : e;
    if (at < 0 || at >= ftype(s, x)->dim[0]) return other_kind(s);
    source.row[e] = at;
  }
  s->local[r] = cjg_arg(k->g, &t);
  return cjg_ok(k->g);
}

static bool strip_gather(stripping *s, cj_ref r) {
  cj_ref x = foperand(s, r, 0), i = foperand(s, r, 1);
  const cj_type *t = ftype(s, x), *ti = ftype(s, i);
  if (!s->raw[x].arg || s->depends[i] || cjg_attr(s->f, r)->v[0] != t->rank || !by_record(s, r, t->rank))
    return other_kind(s);
  if (cjt_count(ti) != s->r->n || ti->rank == 0 || ti->dim[0] != s->r->n) return other_kind(s);
  const cj_tensor *index = cjj_constant(&s->constants, i);
  return index ? add_source(s, r, x, index) : cjm_ok(s->c) ? other_kind(s) : false;
}

/* Views of arguments that keep the order of elements. */
static rawview raw_view(const stripping *s, cj_ref r) {
  const cj_node *n = cjg_at(s->f, r);
  const cj_attr *a = cjg_attr(s->f, r);
  rawview none = {0, 0};
  if (n->nin != 1 || !s->raw[foperand(s, r, 0)].arg) return none;
  rawview x = s->raw[foperand(s, r, 0)];
  if (n->op == CJ_OP_reshape) return x;
  if (n->op != CJ_OP_slice || a->v[0] != ftype(s, r)->rank || (a->v[2] != 1 && a->v[3] > 1)) return none;
  cj_type row = stripped(ftype(s, r));
  return (rawview){x.arg, x.first + a->v[1] * cjt_count(&row)};
}

/* --- operands ----------------------------------------------------------------------------------------- */

/* A value that depends on no argument, or what a record has of it. */
static cj_ref known_part(stripping *s, cj_ref r, bool record) {
  cjj_records *k = s->r;
  cj_type t = record ? stripped(ftype(s, r)) : *ftype(s, r);
  cj_ref *at = &s->part[record][r], x = r;
  if (*at) return *at;
  while (cjg_at(s->f, x)->op == CJ_OP_expand) x = foperand(s, x, 0);
  if (cjg_at(s->f, x)->op == CJ_OP_konst) return *at = cjb_expand(k->g, cjg_copy(k->g, s->f, x, s->local), &t);
  if (!CJM_GROW(s->c, k->known, k->knowncap, k->nknown + (size_t)1)) return 0;
  k->known[k->nknown++] = (cjj_known){r, record};
  return *at = cjg_capture(k->g, &t);
}

/* Operand x of an instruction whose result has that rank, for one record; 0: not possible, or an error. */
static cj_ref operand_of(stripping *s, cj_ref x, int rank) {
  bool record = by_record(s, x, rank);
  if (!s->depends[x]) {
    const cj_type *t = ftype(s, x);
    if (!record && t->rank == rank && rank > 0) { /* size 1 in front: stripped as a view */
      cj_type u = stripped(t);
      cj_ref all = t->dim[0] == 1 ? known_part(s, x, false) : 0;
      return all ? cjb_reshape(s->r->g, all, &u) : 0;
    }
    return known_part(s, x, record);
  }
  if (!record) return 0;
  if (!s->local[x] && s->raw[x].arg && !add_source(s, x, x, NULL)) return 0;
  return s->local[x];
}

/* --- instructions ------------------------------------------------------------------------------------------ */

static bool keeps_first_axis(const stripping *s, cj_ref r, cj_attr *a) {
  const cj_op *row = cjg_row(s->f, r);
  int rank = ftype(s, r)->rank, op = cjg_at(s->f, r)->op;
  switch (op) {
  case CJ_OP_cast:
  case CJ_OP_stop: return true;
  case CJ_OP_slice:
  case CJ_OP_embed:
  case CJ_OP_cat:
  case CJ_OP_put: return a->v[0] < rank;
  case CJ_OP_matmul: return rank > 2;
  case CJ_OP_permute:
    if (a->n == rank && a->v[rank - 1] != rank) return false;
    if (a->n == rank) a->n--;
    return true;
  default: break;
  }
  if (row->kind == CJ_SCANS) return a->v[0] < rank;
  return row->kind == CJ_ELEMENTWISE;
}

/* The first axis is not among those that are reduced. */
static bool strip_reduction(stripping *s, cj_ref r) {
  cj_ref x = foperand(s, r, 0);
  cj_attr a = *cjg_attr(s->f, r);
  int rank = ftype(s, x)->rank;
  if (cjg_at(s->f, r)->nin != 1 || (a.v[0] >> (rank - 1) & 1)) return other_kind(s);
  cj_ref in = operand_of(s, x, rank);
  if (!in) return cjm_ok(s->c) ? other_kind(s) : false;
  s->local[r] = cjg_emit(s->r->g, cjg_at(s->f, r)->op, &in, 1, &a);
  return cjg_ok(s->r->g);
}

static bool strip_shaped(stripping *s, cj_ref r) {
  cj_ref x = foperand(s, r, 0), in = operand_of(s, x, ftype(s, x)->rank);
  cj_type t = stripped(ftype(s, r));
  bool expands = cjg_at(s->f, r)->op == CJ_OP_expand;
  if (!in || (expands && ftype(s, x)->rank != ftype(s, r)->rank)) return cjm_ok(s->c) ? other_kind(s) : false;
  s->local[r] = expands ? cjb_expand(s->r->g, in, &t) : cjb_reshape(s->r->g, in, &t);
  return cjg_ok(s->r->g);
}

static bool strip_other(stripping *s, cj_ref r) {
  const cj_node *n = cjg_at(s->f, r);
  cj_attr a = *cjg_attr(s->f, r);
  cj_ref few[8], *in = few;
  bool good = true;
  if (!keeps_first_axis(s, r, &a)) return other_kind(s);
  if (n->nin > CJ_COUNT(few) && !(in = cjm_alloc(s->c, n->nin * sizeof *in))) return false;
  for (int i = 0; i < n->nin && good; i++) good = (in[i] = operand_of(s, foperand(s, r, i), ftype(s, r)->rank)) != 0;
  if (good) s->local[r] = cjg_emit(s->r->g, n->op, in, n->nin, &a);
  if (in != few) cjm_free(s->c, in, n->nin * sizeof *in);
  return good ? cjg_ok(s->r->g) : cjm_ok(s->c) ? other_kind(s) : false;
}

static bool strip(stripping *s, cj_ref r) {
  for (int i = 0; i < cjg_at(s->f, r)->nin && !cjg_issource(s->f, r); i++)
    s->depends[r] |= s->depends[foperand(s, r, i)];
  if (!s->depends[r]) return true;
  s->raw[r] = raw_view(s, r);
  if (s->raw[r].arg) return true; /* looked at where it is used */
  if (!by_record(s, r, ftype(s, r)->rank)) return other_kind(s);
  s->r->g->now = s->f->line[r];
  int op = cjg_at(s->f, r)->op;
  if (op == CJ_OP_gather) return strip_gather(s, r);
  if (op == CJ_OP_reshape || op == CJ_OP_expand) return strip_shaped(s, r);
  return cjg_row(s->f, r)->kind == CJ_REDUCES ? strip_reduction(s, r) : strip_other(s, r);
}

static bool strip_all(stripping *s) {
  const cj_graph *f = s->f;
  uint8_t *live = cjm_alloc(s->c, f->len);
  if (!live) return false;
  cjg_live(f, live);
  bool good = true;
  for (uint32_t j = 0; j < f->narg; j++) {
    s->depends[f->arg[j]] = 1;
    s->raw[f->arg[j]] = (rawview){j + 1, 0};
  }
  for (cj_ref r = 1; good && r < f->len; r++)
    if (live[r] && cjg_at(f, r)->op != CJ_OP_input) good = strip(s, r);
  cjm_free(s->c, live, f->len);
  return good;
}

/* Outputs that depend on no argument have no record. */
static bool strip_outputs(stripping *s) {
  cjj_records *k = s->r;
  int64_t elements = 0;
  for (uint32_t i = 0; i < s->f->nout; i++) {
    cj_ref y = s->f->out[i];
    bool some = s->depends[y] && cjt_isfloat(ftype(s, y)->dtype);
    cj_ref local = some ? operand_of(s, y, ftype(s, y)->rank) : cjg_num(k->g, CJ_F64, 0);
    if (!local) return cjm_ok(s->c) ? other_kind(s) : false;
    cj_type t = cjb_type(k->g, local);
    if (some) elements += cjt_count(&t);
    cjg_output(k->g, local);
  }
  return elements * k->read <= MOSTENTRIES && k->nsource > 0 ? cjg_ok(k->g) : other_kind(s);
}

/* How many records: the size of the first axis of outputs. */
static int64_t count_records(const cj_graph *f) {
  for (uint32_t i = 0; i < f->nout; i++) {
    const cj_type *t = cjg_type(f, f->out[i]);
    if (cjt_isfloat(t->dtype) && !cjg_issource(f, f->out[i])) return t->rank ? t->dim[0] : 0;
  }
  return 0;
}

void cjj_records_free(cjj_records *r) {
  if (!r) return;
  for (uint32_t q = 0; q < r->nsource; q++) cjm_free(r->c, r->source[q].row, ((size_t)r->n + 1) * sizeof(int64_t));
  cjm_free(r->c, r->source, r->sourcecap * sizeof *r->source);
  cjm_free(r->c, r->known, r->knowncap * sizeof *r->known);
  cjg_free(r->g);
  cjm_free(r->c, r, sizeof *r);
}

bool cjj_records_find(cj_ctx *c, const cj_graph *f, cjj_records **out) {
  size_t bytes = f->len * (sizeof(rawview) + 3 * sizeof(cj_ref) + 1);
  stripping s = {.c = c, .f = f, .constants = {.c = c, .g = f}};
  int64_t n = count_records(f);
  *out = NULL;
  if (n < LEASTRECORDS) return true;
  if (!(s.raw = cjm_zalloc(c, bytes))) return false;
  s.local = (cj_ref *)(s.raw + f->len);
  s.part[0] = s.local + f->len;
  s.part[1] = s.part[0] + f->len;
  s.depends = (uint8_t *)(s.part[1] + f->len);
  s.r = cjm_zalloc(c, sizeof *s.r);
  bool good = false;
  if (s.r) {
    s.r->c = c;
    s.r->n = n;
    s.r->g = cjg_new(c);
    good = s.r->g && strip_all(&s) && strip_outputs(&s);
  }
  for (cj_ref r = 1; s.constants.known && r < f->len; r++) cjt_release(s.constants.known[r]);
  cjm_free(c, s.constants.known, f->len * sizeof(cj_tensor *));
  cjm_free(c, s.raw, bytes);
  if (good)
    *out = s.r;
  else
    cjj_records_free(s.r);
  return good || (s.lost && cjm_ok(c));
}
