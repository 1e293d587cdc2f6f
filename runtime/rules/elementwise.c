/*
** elementwise.c -- the rows of def/elementwise.def: the table is read four times, for the dtypes that a
** row computes in, its type rule, its partials, and the row itself.
*/
#include "rules/rules.h"

/* --- types --------------------------------------------------------------------- */

enum { /* sets of dtypes, by the letters of the types column */
       SET_R = 1 << CJ_F64 | 1 << CJ_F32,
       SET_N = SET_R | 1 << CJ_I64,
       SET_A = SET_N | 1 << CJ_BOOL,
       SET_L = 1 << CJ_BOOL
};

static const uint8_t computes_in[CJ_NEW] = {
#define X(name, nin, types, ...) SET_##types,
#include "def/elementwise.def"
#undef X
};

/* Operands first.. have one dtype of the set; all broadcast. */
static bool typed(cj_ctx *c, const cj_op *self, const cj_type *const *in, int nin, int first, int set, cj_type *out) {
  for (int i = first; i < nin; i++)
    if (!cjr_samedtype(c, self, in[first], in[i])) return false;
  if (!(set >> in[first]->dtype & 1)) {
    cjm_fail(c, CJ_EDTYPE, "%s: not defined for dtype %s", self->name, cj_dtype_name((cj_dtype)in[first]->dtype));
    return false;
  }
  cj_type t = *in[first];
  for (int i = 0; i < nin; i++) {
    cj_type both = t;
    if (!cjt_sameshape(&t, in[i]) && !cjt_broadcast(&t, in[i], &both)) {
      const cj_type *one = i > first ? &t : in[i], *two = i > first ? in[i] : &t;
      cjm_fail(c, CJ_ESHAPE, "%s: shapes %s and %s do not broadcast", self->name, cjr_show(one).s, cjr_show(two).s);
      return false;
    }
    t = both;
  }
  *out = t;
  return true;
}

/* The same with a bool result. */
static bool asked(cj_ctx *c, const cj_op *self, const cj_type *const *in, int nin, int set, cj_type *out) {
  if (!typed(c, self, in, nin, 0, set, out)) return false;
  *out = cjt_as(*out, CJ_BOOL);
  return true;
}

/* A rule for each pair of letters of the columns types and result. */
static CJR_INFER(infer_RS) { return typed(c, self, in, nin, 0, SET_R, out); }
static CJR_INFER(infer_NS) { return typed(c, self, in, nin, 0, SET_N, out); }
static CJR_INFER(infer_AS) { return typed(c, self, in, nin, 0, SET_A, out); }
static CJR_INFER(infer_RB) { return asked(c, self, in, nin, SET_R, out); }
static CJR_INFER(infer_AB) { return asked(c, self, in, nin, SET_A, out); }
static CJR_INFER(infer_LB) { return asked(c, self, in, nin, SET_L, out); }
static CJR_INFER(infer_AW) {
  if (in[0]->dtype == CJ_BOOL) return typed(c, self, in, nin, 1, SET_A, out);
  cjm_fail(c, CJ_EDTYPE, "%s: the condition must be bool, not %s", self->name, cj_dtype_name((cj_dtype)in[0]->dtype));
  return false;
}

/* --- partials -------------------------------------------------------------------- */

/* x to a power; small constant exponents become cheaper rows with the same values and derivatives. */
static cj_ref power(cj_graph *g, cj_ref x, cj_ref z) {
  double v;
  if (!x || !cjg_getnum(g, z, &v)) return cjb_pow(g, x, z);
  cj_type t = cjb_type(g, x);
  if (v == 0) return cjb_full(g, &t, 1);
  if (v == 1) return x;
  if (v == 2) return cjb_square(g, x);
  if (v == 3) return cjb_mul(g, cjb_square(g, x), x);
  if (!cjt_isfloat(t.dtype)) return cjb_pow(g, x, z);
  if (v == 0.5) return cjb_sqrt(g, x);
  if (v == -0.5) return cjb_rsqrt(g, x);
  if (v == -1) return cjb_reciprocal(g, x);
  return cjb_pow(g, x, z);
}

/* A seed times z; the number 0 annihilates it, so that it is no part of any pattern. */
static cj_ref scale_seed(cj_graph *g, cj_ref s, cj_ref z) {
  double v;
  return z && cjg_getnum(g, z, &v) && v == 0 ? 0 : cjb_mul(g, s, z);
}

/* The vocabulary of the derivative columns. */
#define K(v) cjb_like(g, k, v)
#define NEG(x) cjb_neg(g, x)
#define ADD(x, z) cjb_add(g, x, z)
#define SUB(x, z) cjb_sub(g, x, z)
#define MUL(x, z) cjb_mul(g, x, z)
#define SCALE(s, z) scale_seed(g, s, z)
#define ZMUL(x, z) cjb_zmul(g, x, z)
#define DIV(x, z) cjb_div(g, x, z)
#define RECIPROCAL(x) cjb_reciprocal(g, x)
#define SQUARE(x) cjb_square(g, x)
#define SQRT(x) cjb_sqrt(g, x)
#define RSQRT(x) cjb_rsqrt(g, x)
#define POW(x, z) power(g, x, z)
#define EXP(x) cjb_exp(g, x)
#define LOG(x) cjb_log(g, x)
#define SIN(x) cjb_sin(g, x)
#define COS(x) cjb_cos(g, x)
#define SINH(x) cjb_sinh(g, x)
#define COSH(x) cjb_cosh(g, x)
#define SIGMOID(x) cjb_sigmoid(g, x)
#define DIGAMMA(x) cjb_digamma(g, x)
#define POLYGAMMA(n, x) cjb_polygamma(g, n, x)
#define SIGN(x) cjb_sign(g, x)
#define I0(x) cjb_i0(g, x)
#define I1(x) cjb_i1(g, x)
#define I0E(x) cjb_i0e(g, x)
#define I1E(x) cjb_i1e(g, x)
#define TRUNC(x) cjb_trunc(g, x)
#define FLOOR_DIVIDE(x, z) cjb_floor_divide(g, x, z)
#define WHERE(c, a, b) cjb_where(g, c, a, b)
#define EQ(x, z) cjb_eq(g, x, z)
#define NE(x, z) cjb_ne(g, x, z)
#define GT(x, z) cjb_gt(g, x, z)
#define GE(x, z) cjb_ge(g, x, z)
#define LT(x, z) cjb_lt(g, x, z)
#define LE(x, z) cjb_le(g, x, z)
#define AND(x, z) cjb_logical_and(g, x, z)
#define FLOAT(c) cjb_cast(g, c, cjb_type(g, x).dtype)

/* Operands by their letters; k is one that has the dtype of constants. */
#define LETTERS_1 cj_ref x CJR_ANY = in[0], k CJR_ANY = x;
#define LETTERS_2 cj_ref x CJR_ANY = in[0], z CJR_ANY = in[1], k CJR_ANY = x;
#define LETTERS_3 cj_ref x CJR_ANY = in[0], z CJR_ANY = in[1], w CJR_ANY = in[2], k CJR_ANY = z;

#define X(name, nin, types, result, lin, flags, value, dx, dz, dw, ...)                                                \
  static cj_ref partial_##name(cj_graph *g CJR_ANY, const cj_ref *in, cj_ref y CJR_ANY, int i, cj_ref s) {             \
    LETTERS_##nin if (!s || !cjt_isfloat(cjb_type(g, in[i]).dtype)) return 0;                                          \
    switch (i) {                                                                                                       \
    case 0: return dx;                                                                                                 \
    case 1: return dz;                                                                                                 \
    default: return dw;                                                                                                \
    }                                                                                                                  \
  }
#include "def/elementwise.def"
#undef X

/* --- the face ---------------------------------------------------------------------- */

static cj_ref tobool(cj_graph *g, cj_ref x) {
  return !x || cjg_type(g, x)->dtype == CJ_BOOL ? x : cjb_ne(g, x, cjb_like(g, x, 0));
}

/* The dtype in which operands from first on meet, lifted into the set. */
static int meet(const cj_call *k, int first, int set) {
  int dt = cjr_common(k, first, k->nin - first);
  if (dt == CJ_BOOL && !(set >> CJ_BOOL & 1)) dt = CJ_I64;
  return set >> dt & 1 ? dt : CJ_F64;
}

/* The sum and the product of bools are bools. */
static int on_bools(int op) { return op == CJ_OP_add ? CJ_OP_logical_or : op == CJ_OP_mul ? CJ_OP_logical_and : 0; }

/* As a method of a tensor that is no condition, where takes the condition first, as PyTorch's does. */
static bool begins_with_value(const cj_call *k) {
  return k->op == CJ_OP_where && k->nin == 3 && cjr_in(k, 0).dtype != CJ_BOOL && cjr_in(k, 1).dtype == CJ_BOOL;
}

/* An integer to a negative constant power is a fraction. */
static bool isfraction(const cj_call *k) {
  double v;
  return k->op == CJ_OP_pow && cjg_getnum(k->g, k->in[1], &v) && v < 0;
}

CJR_FACE(cjr_face_elementwise) {
  cj_ref in[3] = {0}, turned[3];
  cj_call other = *k;
  int nin = cjr_row(k->op)->nin, set = computes_in[k->op - CJ_OP_FIRST_EW], first = k->op == CJ_OP_where;
  if (k->nin != nin) return cjr_bad(k, CJ_EARG, "%d operands given, wanted %d", k->nin, nin);
  if (begins_with_value(k)) {
    turned[0] = k->in[1], turned[1] = k->in[0], turned[2] = k->in[2];
    other.in = turned, other.weak = (k->weak & 4) | (k->weak & 1) << 1;
    return cjr_face_elementwise(&other, out, cap, nout);
  }
  if (on_bools(k->op) && cjr_common(k, 0, nin) == CJ_BOOL) {
    other.op = on_bools(k->op);
    return cjr_face_elementwise(&other, out, cap, nout);
  }
  int dt = meet(k, first, set);
  if (dt == CJ_I64 && isfraction(k)) dt = CJ_F64;
  for (int i = 0; i < nin; i++) {
    bool logical = i < first || set == SET_L;
    in[i] = logical ? tobool(k->g, k->in[i]) : cjb_cast(k->g, k->in[i], dt);
  }
  cj_ref r = k->op == CJ_OP_pow ? power(k->g, in[0], in[1]) : cjg_emit(k->g, k->op, in, nin, NULL);
  return cjr_one(r, out, nout);
}

/* --- the rows ------------------------------------------------------------------------ */

#define SIG_1 "x"
#define SIG_2 "x, z"
#define SIG_3 "x, z, w"
#define KEEPS_S CJ_KEEPSTYPE
#define KEEPS_B 0
#define KEEPS_W 0
/* Rows that are neither methods nor joint are there for the derivatives of others. */
#define MODULE(flags) ((flags)&CJ_SPECIAL ? ",special" : (flags) & (CJ_METHOD | CJ_JOINT) ? "" : NULL)
#define X(name_, nin_, types, result, lin_, flags_, value, dx, dz, dw, domain_, meta_, doc_)                           \
  const cj_op cjo_##name_ = {.name = #name_,                                                                           \
                             .module = MODULE(flags_),                                                                 \
                             .sig = SIG_##nin_,                                                                        \
                             .doc = doc_,                                                                              \
                             .meta = meta_,                                                                            \
                             .kind = CJ_ELEMENTWISE,                                                                   \
                             .nin = nin_,                                                                              \
                             .flags = (flags_) | KEEPS_##result,                                                       \
                             .lin = lin_,                                                                              \
                             .domain = #domain_,                                                                       \
                             .ctext = #value,                                                                          \
                             .build = cjr_face_elementwise,                                                            \
                             .infer = infer_##types##result,                                                           \
                             .partial = partial_##name_};
#include "def/elementwise.def"
#undef X
