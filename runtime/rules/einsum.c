/*
** einsum.c -- sums of products in Einstein's notation.  The axes of every operand are given labels; repeated
** labels are taken on the diagonal, labels that nothing else needs are summed at once, and then the operands
** are multiplied into one from left to right, each pair as one matrix product.
*/
#include "rules/compose.h"

#include <string.h>

enum {
  LETTERS = 52,                   /* A-Z, then a-z: the order of an implicit result */
  NLABELS = LETTERS + CJ_MAXRANK, /* then the axes of "...", counted from the last */
  DOTS = NLABELS,                 /* in a list as written: "..." */
  WRITTEN = NLABELS + 1           /* longest list as written */
};

typedef struct labels {
  int n;
  uint8_t v[WRITTEN];
} labels;

/* A tensor whose i-th axis from the front has label l.v[i]. */
typedef struct term {
  cj_ref x;
  labels l;
} term;

typedef struct einsum {
  const cj_call *k;
  cj_graph *g;
  term *in;
  int nin, dots; /* dots: axes that "..." stands for, at most */
  labels out;
  int64_t size[NLABELS];
  int uses[NLABELS]; /* terms that have the label, of those not yet multiplied together */
  bool wanted[NLABELS];
} einsum;

/* --- lists of labels ----------------------------------------------------------------- */

static bool has_label(const labels *l, int label) {
  for (int i = 0; i < l->n; i++)
    if (l->v[i] == label) return true;
  return false;
}

static void add_label(labels *l, int label) { l->v[l->n++] = (uint8_t)label; }

static void add_labels(labels *l, const labels *more) {
  for (int i = 0; i < more->n; i++) add_label(l, more->v[i]);
}

static int find_label(const labels *l, int label) {
  int i = 0;
  while (l->v[i] != label) i++;
  return i;
}

/* --- reading the spec ------------------------------------------------------------------ */

static int letter_label(char ch) {
  if (ch >= 'A' && ch <= 'Z') return ch - 'A';
  if (ch >= 'a' && ch <= 'z') return ch - 'a' + 26;
  return -1;
}

static char label_letter(int label) { return (char)(label < 26 ? 'A' + label : 'a' + label - 26); }

/* One list, up to a comma, an arrow or the end; *s is left there. */
static bool read_list(const cj_call *k, const char **s, labels *l) {
  l->n = 0;
  for (; **s && **s != ',' && **s != '-'; (*s)++) {
    int label = letter_label(**s);
    if (**s == ' ') continue;
    if (!strncmp(*s, "...", 3) && !has_label(l, DOTS)) {
      label = DOTS;
      *s += 2;
    }
    if (label < 0) return cjr_bad(k, CJ_EARG, "spec \"%.60s\": unexpected \"%.3s\"", k->p[0].s, *s);
    if (l->n == CJ_MAXRANK + 1)
      return cjr_bad(k, CJ_ELIMIT, "spec \"%.60s\": more than %d labels in one list", k->p[0].s, CJ_MAXRANK);
    add_label(l, label);
  }
  return true;
}

/* "..." replaced by so many labels of its own. */
static void spell_out(labels *l, int dots) {
  labels full = {0};
  for (int i = 0; i < l->n; i++)
    if (l->v[i] != DOTS)
      add_label(&full, l->v[i]);
    else
      for (int e = dots; e-- > 0;) add_label(&full, LETTERS + e);
  *l = full;
}

/* The list of operand i as written, spelled out for its rank. */
static bool read_term(einsum *e, int i, const char **s) {
  cj_type t = cjr_in(e->k, i);
  labels *l = &e->in[i].l;
  e->in[i].x = e->k->in[i];
  if (!read_list(e->k, s, l)) return false;
  int dots = has_label(l, DOTS) ? t.rank - (l->n - 1) : 0;
  if (dots < 0 || (!has_label(l, DOTS) && l->n != t.rank))
    return cjr_bad(e->k, CJ_ESHAPE, "operand %d has shape %s, but %d labels", i + 1, cjr_show(&t).s,
                   l->n - has_label(l, DOTS));
  spell_out(l, dots);
  if (dots > e->dots) e->dots = dots;
  return true;
}

/* Every letter that occurs once, in order, after the axes of "...". */
static void implicit_result(einsum *e) {
  int seen[NLABELS] = {0};
  for (int i = 0; i < e->nin; i++)
    for (int j = 0; j < e->in[i].l.n; j++) seen[e->in[i].l.v[j]]++;
  e->out.n = 0;
  for (int d = e->dots; d-- > 0;) add_label(&e->out, LETTERS + d);
  for (int label = 0; label < LETTERS; label++)
    if (seen[label] == 1 && e->out.n < CJ_MAXRANK + 1) add_label(&e->out, label);
}

static bool check_result(einsum *e) {
  const char *spec = e->k->p[0].s;
  if (e->out.n > CJ_MAXRANK)
    return cjr_bad(e->k, CJ_ELIMIT, "spec \"%.60s\": the result has more than %d dimensions", spec, CJ_MAXRANK);
  for (int i = 0; i < e->out.n; i++) {
    int label = e->out.v[i];
    if (e->wanted[label])
      return cjr_bad(e->k, CJ_EARG, "spec \"%.60s\": '%c' appears twice in the result", spec, label_letter(label));
    if (label < LETTERS && !e->uses[label])
      return cjr_bad(e->k, CJ_EARG, "spec \"%.60s\": '%c' of the result is in no operand", spec, label_letter(label));
    e->wanted[label] = true;
  }
  return true;
}

/* Sizes of labels; 1 gives way to any other. */
static bool measure_term(einsum *e, int i) {
  cj_type t = cjr_in(e->k, i);
  const labels *l = &e->in[i].l;
  for (int j = 0; j < l->n; j++) {
    int64_t *size = &e->size[l->v[j]], n = t.dim[j];
    if (e->uses[l->v[j]] && *size != 1 && n != 1 && *size != n)
      return cjr_bad(e->k, CJ_ESHAPE, "operand %d has shape %s: size %lld of dim %d does not fit the %lld of another",
                     i + 1, cjr_show(&t).s, (long long)n, j + 1, (long long)*size);
    if (!e->uses[l->v[j]] || *size == 1) *size = n;
    e->uses[l->v[j]] = 1;
  }
  return true;
}

static bool read_spec(einsum *e) {
  const char *spec = cjr_str(e->k, 0, NULL), *s = spec;
  if (!s || e->nin == 0) return cjr_bad(e->k, CJ_EARG, "wanted a spec like \"ij,jk->ik\" and its operands");
  for (int i = 0; i < e->nin; i++) {
    if (!read_term(e, i, &s) || !measure_term(e, i)) return false;
    if ((*s == ',') != (i + 1 < e->nin))
      return cjr_bad(e->k, CJ_EARG, "spec \"%.60s\" has not one list for each of the %d operands", spec, e->nin);
    if (*s == ',') s++;
  }
  if (!*s) {
    implicit_result(e);
    return check_result(e);
  }
  if (strncmp(s, "->", 2) != 0) return cjr_bad(e->k, CJ_EARG, "spec \"%.60s\": unexpected \"%.3s\"", spec, s);
  s += 2;
  if (!read_list(e->k, &s, &e->out)) return false;
  if (*s) return cjr_bad(e->k, CJ_EARG, "spec \"%.60s\": unexpected \"%.3s\"", spec, s);
  spell_out(&e->out, e->dots);
  return check_result(e);
}

/* --- one operand ------------------------------------------------------------------------- */

/* Axes a < b, which have the same label, become one, the last. */
static void take_diagonal(einsum *e, term *t, int a, int b) {
  int perm[CJ_MAXRANK], n = 0;
  labels l = {0};
  for (int i = 0; i < t->l.n; i++) {
    if (i == a || i == b) continue;
    perm[n++] = i;
    add_label(&l, t->l.v[i]);
  }
  add_label(&l, t->l.v[a]);
  perm[n++] = a;
  perm[n++] = b;
  t->x = cjb_diagonal(e->g, cjb_permute(e->g, t->x, n, perm), 0);
  t->l = l;
}

static bool take_diagonals(einsum *e, int operand) {
  term *t = &e->in[operand];
  for (int b = 1; b < t->l.n; b++)
    for (int a = 0; a < b; a++) {
      if (t->l.v[a] != t->l.v[b]) continue;
      cj_type shape = cjb_type(e->g, t->x);
      if (shape.dim[a] != shape.dim[b])
        return cjr_bad(e->k, CJ_ESHAPE, "operand %d has sizes %lld and %lld for the same label", operand + 1,
                       (long long)shape.dim[a], (long long)shape.dim[b]);
      take_diagonal(e, t, a, b);
      b = 0; /* again from the start, with one axis less */
      break;
    }
  return cjg_ok(e->g);
}

/* Without its axes of size 1 whose label has another size elsewhere: the product repeats them anyway. */
static void drop_ones(einsum *e, term *t) {
  cj_type shape = cjb_type(e->g, t->x), to = cjt_scalar(shape.dtype);
  labels l = {0};
  for (int i = 0; i < t->l.n; i++) {
    if (shape.dim[i] == 1 && e->size[t->l.v[i]] != 1) continue;
    to.dim[to.rank++] = shape.dim[i];
    add_label(&l, t->l.v[i]);
  }
  t->x = cjb_reshape(e->g, t->x, &to);
  t->l = l;
}

/* Sums over the labels that no other term has and the result does not want. */
static void sum_out(einsum *e, term *t) {
  uint32_t mask = 0;
  labels l = {0};
  for (int i = 0; i < t->l.n; i++) {
    int label = t->l.v[i];
    if (e->uses[label] == 1 && !e->wanted[label])
      mask |= 1u << (t->l.n - 1 - i);
    else
      add_label(&l, label);
  }
  t->x = cjb_sum(e->g, t->x, mask);
  t->l = l;
}

static bool prepare_terms(einsum *e) {
  int dtype = cjr_common(e->k, 0, e->nin);
  memset(e->uses, 0, sizeof e->uses);
  for (int i = 0; i < e->nin; i++) {
    term *t = &e->in[i];
    t->x = cjb_cast(e->g, t->x, dtype == CJ_BOOL ? CJ_I64 : dtype);
    if (!take_diagonals(e, i)) return false;
    drop_ones(e, t);
    for (int j = 0; j < t->l.n; j++) e->uses[t->l.v[j]]++;
  }
  for (int i = 0; i < e->nin; i++) sum_out(e, &e->in[i]);
  return cjg_ok(e->g);
}

/* --- two operands -------------------------------------------------------------------------- */

/* x with its axes in the order of l, and axes of size 1 for the labels of l that it has not. */
static cj_ref in_order(einsum *e, const term *t, const labels *l) {
  int perm[CJ_MAXRANK], n = 0;
  cj_type to = cjt_scalar(CJ_F64);
  for (int i = 0; i < l->n; i++) {
    bool own = has_label(&t->l, l->v[i]);
    if (own) perm[n++] = find_label(&t->l, l->v[i]);
    to.dim[to.rank++] = own ? e->size[l->v[i]] : 1;
  }
  return cjb_reshape(e->g, cjb_permute(e->g, t->x, n, perm), &to);
}

/* x as a batch of matrices: the labels of rows in order made one axis, then those of cols. */
static cj_ref as_matrices(einsum *e, const term *t, const labels *batch, const labels *rows, const labels *cols) {
  labels l = *batch;
  cj_type to = cjt_scalar(CJ_F64);
  add_labels(&l, rows);
  add_labels(&l, cols);
  cj_ref x = in_order(e, t, &l);
  for (int i = 0; i < batch->n; i++) to.dim[to.rank++] = e->size[batch->v[i]];
  const labels *part[2] = {rows, cols};
  for (int p = 0; p < 2; p++) {
    int64_t n = 1;
    for (int i = 0; i < part[p]->n; i++) n *= e->size[part[p]->v[i]];
    to.dim[to.rank++] = n;
  }
  return cjb_reshape(e->g, x, &to);
}

/* What a label means for the product of two terms. */
typedef struct roles {
  labels batch, left, right, inner; /* in both and kept; in one; in both and summed */
} roles;

static roles sort_labels(const einsum *e, const term *a, const term *b) {
  roles r = {{0}, {0}, {0}, {0}};
  for (int i = 0; i < a->l.n; i++) {
    int label = a->l.v[i];
    if (!has_label(&b->l, label))
      add_label(&r.left, label);
    else
      add_label(e->wanted[label] || e->uses[label] > 2 ? &r.batch : &r.inner, label);
  }
  for (int i = 0; i < b->l.n; i++)
    if (!has_label(&a->l, b->l.v[i])) add_label(&r.right, b->l.v[i]);
  return r;
}

/* Multiplied element by element, then summed: outer products and inner products, for which a matrix product
** has nothing to offer, and dtypes that it does not take. */
static cj_ref multiply_pointwise(einsum *e, const term *a, const term *b, const labels *kept, const labels *inner) {
  labels all = *kept;
  add_labels(&all, inner);
  cj_ref y = cjb_mul(e->g, in_order(e, a, &all), in_order(e, b, &all));
  return cjb_sum(e->g, y, (1u << inner->n) - 1);
}

static bool multiply_terms(einsum *e, term *a, const term *b) {
  roles r = sort_labels(e, a, b);
  labels kept = r.batch;
  add_labels(&kept, &r.left);
  add_labels(&kept, &r.right);
  bool direct = !r.inner.n || (!r.left.n && !r.right.n) || !cjt_isfloat(cjb_type(e->g, a->x).dtype);
  if (kept.n + (direct ? r.inner.n : 0) > CJ_MAXRANK)
    return cjr_bad(e->k, CJ_ELIMIT, "a product on the way has more than %d dimensions", CJ_MAXRANK);
  for (int i = 0; i < r.batch.n; i++) e->uses[r.batch.v[i]]--;
  if (direct) {
    a->x = multiply_pointwise(e, a, b, &kept, &r.inner);
  } else {
    cj_ref x = as_matrices(e, a, &r.batch, &r.left, &r.inner), z = as_matrices(e, b, &r.batch, &r.inner, &r.right);
    cj_type to = cjt_scalar(CJ_F64);
    for (int i = 0; i < kept.n; i++) to.dim[to.rank++] = e->size[kept.v[i]];
    a->x = cjb_reshape(e->g, cjb_matmul(e->g, x, z), &to);
  }
  a->l = kept;
  return cjg_ok(e->g);
}

/* --- the face --------------------------------------------------------------------------------- */

static cj_ref contract_all(einsum *e) {
  if (!read_spec(e) || !prepare_terms(e)) return 0;
  for (int i = 1; i < e->nin; i++)
    if (!multiply_terms(e, &e->in[0], &e->in[i])) return 0;
  return in_order(e, &e->in[0], &e->out);
}

static CJR_FACE(build_einsum) {
  size_t size = sizeof(term) * (size_t)k->nin;
  einsum e = {.k = k, .g = k->g, .nin = k->nin};
  e.in = k->nin ? cjm_alloc(k->g->c, size) : NULL;
  if (k->nin && !e.in) return false;
  cj_ref y = contract_all(&e);
  cjm_free(k->g->c, e.in, size);
  return cjr_one(y, out, nout);
}

CJR_COMPOSITE(
    einsum, "", 0, "spec:str, operands:list",
    "\"ij,jk->ik\", R(2,3), R(3,4) | \"i,ij,j->\", R(2), R(2,3), R(3) | \"ii->i\", R(3,3) | "
    "\"bij,bjk\", R(2,3,4), R(2,4,2) | \"...ij,...kj->...ik\", R(2,2,3), R(4,3) | \"ij->ji\", R(2,3) | "
    "\"i,j\", R(2), R(3) | \"iij,j->i\", R(3,3,2), R(2) | \"ijk->k\", R(2,3,4) | \"bi,bi->b\", R(2,3), R(1,3)",
    "sum of products in Einstein's notation: \"ij,jk->ik\" is a matrix product; without an arrow the labels "
    "that occur once, in order");
