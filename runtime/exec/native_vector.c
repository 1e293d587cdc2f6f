/*
** native_vector.c -- the instructions of a row over vectors.  Each does what the row's value in
** def/elementwise.def says, as kernel/words_float.h and words_int.h compile it, so the results have the same
** bits.  Vectors of 16 and 32 bytes are AVX2's, of 64 bytes AVX-512's; a bool in a register is a mask: all bits of its
** lane, or none.
*/
#include "exec/native_group.h"

/* --- constants ------------------------------------------------------------------------------------------ */

enum { VC_SIGN, VC_ABS, VC_ONE, VC_MINUS_ONE, VC_INF, VC_ALL, VC_COUNT };
enum { VC_TO_THREE = 2 * VC_COUNT, VC_TO_TWO = VC_TO_THREE + 3, VC_TO_FOUR = VC_TO_TWO + 2, VC_END = VC_TO_FOUR + 2 };
enum { VC_BYTES = 64 };

#define VC_FOUR(a, b, c, d, e, f, g, h)                                                                                \
  a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h
#define VC_EIGHT(a, b, c, d, e, f, g, h) VC_FOUR(a, b, c, d, e, f, g, h), VC_FOUR(a, b, c, d, e, f, g, h)
#define VC_INDEX(i) i, 0, 0, 0, 0, 0, 0, 0
#define VC_INDICES(a, b, c, d, e, f, g, h)                                                                             \
  VC_INDEX(a), VC_INDEX(b), VC_INDEX(c), VC_INDEX(d), VC_INDEX(e), VC_INDEX(f), VC_INDEX(g), VC_INDEX(h)
/* By size (8, then 4), then by the names above; from VC_TO_THREE on, where the lanes of woven rows come from. */
const uint8_t cje_vector_constants[VC_END * VC_BYTES] = {
    VC_EIGHT(0, 0, 0, 0, 0, 0, 0, 0x80),          VC_EIGHT(255, 255, 255, 255, 255, 255, 255, 0x7F),
    VC_EIGHT(0, 0, 0, 0, 0, 0, 0xF0, 0x3F),       VC_EIGHT(0, 0, 0, 0, 0, 0, 0xF0, 0xBF),
    VC_EIGHT(0, 0, 0, 0, 0, 0, 0xF0, 0x7F),       VC_EIGHT(255, 255, 255, 255, 255, 255, 255, 255),
    VC_EIGHT(0, 0, 0, 0x80, 0, 0, 0, 0x80),       VC_EIGHT(255, 255, 255, 0x7F, 255, 255, 255, 0x7F),
    VC_EIGHT(0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F), VC_EIGHT(0, 0, 0x80, 0xBF, 0, 0, 0x80, 0xBF),
    VC_EIGHT(0, 0, 0x80, 0x7F, 0, 0, 0x80, 0x7F), VC_EIGHT(255, 255, 255, 255, 255, 255, 255, 255),
    VC_INDICES(0, 3, 6, 1, 4, 7, 2, 5),           VC_INDICES(5, 0, 3, 6, 1, 4, 7, 2),
    VC_INDICES(2, 5, 0, 3, 6, 1, 4, 7),           VC_INDICES(0, 8, 1, 9, 2, 10, 3, 11),
    VC_INDICES(4, 12, 5, 13, 6, 14, 7, 15),       VC_INDICES(0, 1, 8, 9, 2, 3, 10, 11),
    VC_INDICES(4, 5, 12, 13, 6, 7, 14, 15),
};

static cje_rm constant_at(const cje_vgen *g, unsigned which) {
  return cje_mem(CJE_R14, (int32_t)((g->size == 8 ? which : VC_COUNT + which) * VC_BYTES));
}

/* --- single instructions --------------------------------------------------------------------------------- */

enum { V_MOV = 0x10, V_PUT = 0x11, V_SQRT = 0x51, V_AND = 0x54, V_ANDN, V_OR, V_XOR };
enum { V_UNPACKL = 0x14, V_UNPACKH };
enum { V_ADD = 0x58, V_MUL = 0x59, V_SUB = 0x5C, V_MIN = 0x5D, V_DIV = 0x5E, V_MAX = 0x5F };
enum { V_EQ = 0, V_UNORD = 3, V_NEQ = 4, V_LT = 0x11, V_LE = 0x12, V_GE = 0x1D, V_GT = 0x1E }; /* quiet predicates */
enum { V_IEQ = 0, V_ILT, V_ILE, V_INE = 4, V_IGE, V_IGT };                                     /* of integers */
enum { V_IADD = 0xD4, V_ISUB = 0xFB };

/* op for the width at hand */
static uint32_t wide(const cje_vgen *g, uint32_t op) {
  if (g->width == 64) return op | CJE_EVEX | (g->size == 8 ? CJE_VEX_W : 0);
  return g->width == 32 ? op | CJE_VEX_L : op;
}
static uint32_t float_code(const cje_vgen *g, unsigned opcode) {
  return wide(g, CJE_VEX(CJE_MAP_0F, g->size == 8 ? CJE_PP_PD : CJE_PP_PS, opcode));
}
static void packed(cje_vgen *g, unsigned opcode, unsigned y, unsigned x, cje_rm z) {
  cje_vex(g->a, float_code(g, opcode), y, x, z);
}
static void packed_int(cje_vgen *g, unsigned map, unsigned opcode, unsigned y, unsigned x, cje_rm z) {
  cje_vex(g->a, wide(g, CJE_VEX(map, CJE_PP_PD, opcode)), y, x, z);
}
/* Mask register k1 and the mask that it stands for. */
static void from_k1(cje_vgen *g, unsigned y) {
  cje_vex(g->a, wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_SS, 0x38)), y, 0, cje_xmm(1));
}
static void into_k1(cje_vgen *g, unsigned x) {
  cje_vex(g->a, wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_SS, 0x39)), 1, 0, cje_xmm(x));
}
static void packed_compare(cje_vgen *g, unsigned how, unsigned y, unsigned x, cje_rm z) {
  cje_vex_imm(g->a, float_code(g, 0xC2), g->width == 64 ? 1 : y, x, z, how);
  if (g->width == 64) from_k1(g, y);
}
static void packed_zero(cje_vgen *g, unsigned y) { packed(g, V_XOR, y, y, cje_xmm(y)); }
static void packed_round(cje_vgen *g, unsigned how, unsigned y, unsigned x) {
  cje_vex_imm(g->a, wide(g, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, g->size == 8 ? 0x09 : 0x08)), y, 0, cje_xmm(x), how);
}
/* m ? x : z */
static void packed_select(cje_vgen *g, unsigned y, unsigned m, unsigned x, unsigned z) {
  if (g->width == 64) {
    into_k1(g, m);
    cje_vex(g->a, wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, 0x65)) | CJE_EVEX_K(1), y, z, cje_xmm(x));
  } else {
    cje_vex_imm(g->a, wide(g, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, g->size == 8 ? 0x4B : 0x4A)), y, z, cje_xmm(x), m << 4);
  }
}
/* Integers; AVX2 has only == and >. */
static void int_compare(cje_vgen *g, unsigned how, unsigned y, unsigned x, unsigned z) {
  if (g->width == 64) {
    cje_vex_imm(g->a, wide(g, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, 0x1F)), 1, x, cje_xmm(z), how);
    from_k1(g, y);
    return;
  }
  bool swap = how == V_ILT || how == V_IGE, invert = how == V_INE || how == V_IGE || how == V_ILE;
  packed_int(g, CJE_MAP_0F38, how == V_IEQ || how == V_INE ? 0x29 : 0x37, y, swap ? z : x, cje_xmm(swap ? x : z));
  if (invert) packed(g, V_XOR, y, y, constant_at(g, VC_ALL));
}

/* --- to and from memory ------------------------------------------------------------------------------------ */

void cje_vec_move(cje_vgen *g, unsigned reg, cje_rm from) { packed(g, V_MOV, reg, 0, from); }
void cje_vec_store(cje_vgen *g, unsigned reg, cje_rm to) { packed(g, V_PUT, reg, 0, to); }

/* A byte, 0 or 1, in every lane becomes a mask. */
static void widen_bytes(cje_vgen *g, unsigned reg, cje_rm from) {
  cje_vex(g->a, wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, g->size == 8 ? 0x32 : 0x31)) | CJE_EVEX_PART, reg, 0, from);
  packed_zero(g, g->t0);
  packed_int(g, CJE_MAP_0F, g->size == 8 ? V_ISUB : 0xFA, reg, g->t0, cje_xmm(reg));
}

void cje_vec_unpack(cje_vgen *g, unsigned reg, cje_rm from) { widen_bytes(g, reg, from); }

void cje_vec_repeat(cje_vgen *g, int dtype, unsigned reg, cje_rm from) {
  unsigned opcode = dtype == CJ_BOOL ? 0x78 : g->size == 8 ? 0x59 : 0x58; /* of integers: for 16 bytes too */
  uint32_t op = wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, opcode)) | CJE_EVEX_PART;
  cje_vex(g->a, dtype == CJ_BOOL ? op & ~CJE_VEX_W : op, reg, 0, from);
  if (dtype == CJ_BOOL) widen_bytes(g, reg, cje_xmm(reg));
}

/* A mask of 16 or 32 bytes as bytes 0 and 1: lanes are halved until they are bytes.  The result is in t0. */
static void narrow_mask(cje_vgen *g, unsigned reg) {
  cje_asm *a = g->a;
  unsigned high = reg, t = g->t0;
  if (g->width == 32) {
    high = g->t1;
    cje_vex_imm(a, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, 0x39) | CJE_VEX_L, reg, 0, cje_xmm(high), 1); /* upper half */
  }
  if (g->size == 8) {
    cje_vex_imm(a, CJE_VEX(CJE_MAP_0F, CJE_PP_PS, 0xC6), t, reg, cje_xmm(high), 0x88); /* the even 32 bits */
    reg = high = t;
  }
  cje_vex(a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x6B), t, reg, cje_xmm(high)); /* to 16 bits */
  cje_vex(a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x63), t, t, cje_xmm(t));      /* to bytes */
  cje_vex(a, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, 0x1C), t, 0, cje_xmm(t));    /* absolute value */
}

void cje_vec_pack(cje_vgen *g, unsigned reg, cje_rm to) {
  unsigned t = g->t0;
  if (g->width == 64) {
    packed_int(g, CJE_MAP_0F38, g->size == 8 ? 0x1F : 0x1E, t, 0, cje_xmm(reg)); /* absolute value */
    uint32_t op = wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_SS, g->size == 8 ? 0x32 : 0x31)) & ~CJE_VEX_W;
    cje_vex(g->a, op | CJE_EVEX_PART, t, 0, to); /* to bytes */
    return;
  }
  narrow_mask(g, reg);
  switch (g->lanes) {
  case 8: cje_vex(g->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0xD6), t, 0, to); break;
  case 4: cje_vex(g->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x7E), t, 0, to); break;
  default: cje_vex_imm(g->a, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, 0x15), t, 0, to, 0); break;
  }
}

/* --- rows --------------------------------------------------------------------------------------------------- */

/* What the emitters see: the result's register, the operands' (operand 1 may be in memory). */
typedef struct vec_args {
  cje_vgen *g;
  unsigned y, x[3];
  cje_rm rm;
  uint8_t code;
} vec_args;

static void vec_arith(const vec_args *i) { packed(i->g, i->code, i->y, i->x[0], i->rm); }
static void vec_logic(const vec_args *i) { packed(i->g, i->code, i->y, i->x[0], cje_xmm(i->x[1])); }
static void vec_round(const vec_args *i) { packed_round(i->g, i->code, i->y, i->x[0]); }
static void vec_compare(const vec_args *i) { packed_compare(i->g, i->code, i->y, i->x[0], i->rm); }
static void vec_isnan(const vec_args *i) { packed_compare(i->g, V_UNORD, i->y, i->x[0], cje_xmm(i->x[0])); }
static void vec_size_inf(const vec_args *i) { /* |x| compared with infinity */
  packed(i->g, V_AND, i->g->t0, i->x[0], constant_at(i->g, VC_ABS));
  packed_compare(i->g, i->code, i->y, i->g->t0, constant_at(i->g, VC_INF));
}
static void vec_constant(const vec_args *i, unsigned opcode, unsigned which) {
  packed(i->g, opcode, i->y, i->x[0], constant_at(i->g, which));
}
static void vec_not(const vec_args *i) { vec_constant(i, V_XOR, VC_ALL); }
static void vec_neg(const vec_args *i) { vec_constant(i, V_XOR, VC_SIGN); }
static void vec_abs(const vec_args *i) { vec_constant(i, V_AND, VC_ABS); }
static void vec_copysign(const vec_args *i) {
  packed(i->g, V_AND, i->g->t0, i->x[0], constant_at(i->g, VC_ABS));
  packed(i->g, V_AND, i->g->t1, i->x[1], constant_at(i->g, VC_SIGN));
  packed(i->g, V_OR, i->y, i->g->t0, cje_xmm(i->g->t1));
}
static void vec_sign(const vec_args *i) {
  unsigned t0 = i->g->t0, t1 = i->g->t1;
  packed_zero(i->g, t0);
  packed_compare(i->g, V_LT, t1, i->x[0], cje_xmm(t0));
  packed_compare(i->g, V_GT, t0, i->x[0], cje_xmm(t0));
  packed(i->g, V_AND, t1, t1, constant_at(i->g, VC_MINUS_ONE));
  packed(i->g, V_AND, t0, t0, constant_at(i->g, VC_ONE));
  packed(i->g, V_OR, i->y, t0, cje_xmm(t1));
}
static void vec_square(const vec_args *i) { packed(i->g, V_MUL, i->y, i->x[0], cje_xmm(i->x[0])); }
static void vec_sqrt(const vec_args *i) { packed(i->g, V_SQRT, i->y, 0, cje_xmm(i->x[0])); }
static void vec_reciprocal(const vec_args *i) {
  packed(i->g, V_MOV, i->g->t0, 0, constant_at(i->g, VC_ONE));
  packed(i->g, V_DIV, i->y, i->g->t0, cje_xmm(i->x[0]));
}
static void vec_rsqrt(const vec_args *i) {
  packed(i->g, V_SQRT, i->g->t1, 0, cje_xmm(i->x[0]));
  packed(i->g, V_MOV, i->g->t0, 0, constant_at(i->g, VC_ONE));
  packed(i->g, V_DIV, i->y, i->g->t0, cje_xmm(i->g->t1));
}
static void vec_frac(const vec_args *i) {
  packed_round(i->g, 11, i->g->t0, i->x[0]);
  packed(i->g, V_SUB, i->y, i->x[0], cje_xmm(i->g->t0));
}
static void vec_zmul(const vec_args *i) {
  unsigned t0 = i->g->t0, t1 = i->g->t1;
  packed_zero(i->g, t0);
  packed_compare(i->g, V_EQ, t0, i->x[0], cje_xmm(t0));
  packed(i->g, V_MUL, t1, i->x[0], i->rm);
  packed(i->g, V_ANDN, i->y, t0, cje_xmm(t1));
}
static void vec_relu(const vec_args *i) {
  unsigned t0 = i->g->t0;
  packed_zero(i->g, t0);
  packed_compare(i->g, V_LE, t0, i->x[0], cje_xmm(t0));
  packed(i->g, V_ANDN, i->y, t0, cje_xmm(i->x[0]));
}
static void vec_extreme(const vec_args *i) { /* x if it is NaN or x >= z (<= z), else z */
  unsigned t0 = i->g->t0, t1 = i->g->t1;
  packed_compare(i->g, V_UNORD, t0, i->x[0], cje_xmm(i->x[0]));
  packed_compare(i->g, i->code, t1, i->x[0], cje_xmm(i->x[1]));
  packed(i->g, V_OR, t0, t0, cje_xmm(t1));
  packed_select(i->g, i->y, t0, i->x[0], i->x[1]);
}
static void vec_where(const vec_args *i) { packed_select(i->g, i->y, i->x[0], i->x[1], i->x[2]); }

static void int_arith(const vec_args *i) { packed_int(i->g, CJE_MAP_0F, i->code, i->y, i->x[0], i->rm); }
static void int_neg(const vec_args *i) {
  packed_zero(i->g, i->g->t0);
  packed_int(i->g, CJE_MAP_0F, V_ISUB, i->y, i->g->t0, cje_xmm(i->x[0]));
}
static void int_relation(const vec_args *i) { int_compare(i->g, i->code, i->y, i->x[0], i->x[1]); }
static void int_choose(const vec_args *i) { /* x if x ? z, else z */
  int_compare(i->g, i->code, i->g->t0, i->x[0], i->x[1]);
  packed_select(i->g, i->y, i->g->t0, i->x[0], i->x[1]);
}

enum {
  V_COMMUTES = 1,
  V_SWAPPED = 2, /* the CPU wants operand 1 first */
  V_MEMORY = 4   /* operand 1 may be in memory */
};
typedef struct vec_code {
  void (*emit)(const vec_args *);
  uint8_t flags, code;
} vec_code;

#define VEC_AT(name) [CJ_OP_##name - CJ_OP_FIRST_EW]
static const vec_code vec_floats[CJ_NEW] = {
    VEC_AT(add) = {vec_arith, V_COMMUTES | V_MEMORY, V_ADD},
    VEC_AT(sub) = {vec_arith, V_MEMORY, V_SUB},
    VEC_AT(mul) = {vec_arith, V_COMMUTES | V_MEMORY, V_MUL},
    VEC_AT(zmul) = {vec_zmul, V_MEMORY, 0},
    VEC_AT(div) = {vec_arith, V_MEMORY, V_DIV},
    VEC_AT(maximum) = {vec_extreme, 0, V_GE},
    VEC_AT(minimum) = {vec_extreme, 0, V_LE},
    VEC_AT(clamp_min) = {vec_arith, V_SWAPPED | V_MEMORY, V_MAX}, /* of equal ones and of NaN the second: x */
    VEC_AT(clamp_max) = {vec_arith, V_SWAPPED | V_MEMORY, V_MIN},
    VEC_AT(copysign) = {vec_copysign, 0, 0},
    VEC_AT(where) = {vec_where, 0, 0},
    VEC_AT(lt) = {vec_compare, V_MEMORY, V_LT},
    VEC_AT(le) = {vec_compare, V_MEMORY, V_LE},
    VEC_AT(gt) = {vec_compare, V_MEMORY, V_GT},
    VEC_AT(ge) = {vec_compare, V_MEMORY, V_GE},
    VEC_AT(eq) = {vec_compare, V_MEMORY, V_EQ},
    VEC_AT(ne) = {vec_compare, V_MEMORY, V_NEQ},
    VEC_AT(isnan) = {vec_isnan, 0, 0},
    VEC_AT(isinf) = {vec_size_inf, 0, V_EQ},
    VEC_AT(isfinite) = {vec_size_inf, 0, V_LT},
    VEC_AT(neg) = {vec_neg, 0, 0},
    VEC_AT(abs) = {vec_abs, 0, 0},
    VEC_AT(sign) = {vec_sign, 0, 0},
    VEC_AT(floor) = {vec_round, 0, 9},
    VEC_AT(ceil) = {vec_round, 0, 10},
    VEC_AT(round) = {vec_round, 0, 8},
    VEC_AT(trunc) = {vec_round, 0, 11},
    VEC_AT(frac) = {vec_frac, 0, 0},
    VEC_AT(square) = {vec_square, 0, 0},
    VEC_AT(sqrt) = {vec_sqrt, 0, 0},
    VEC_AT(sqrt0) = {vec_sqrt, 0, 0},
    VEC_AT(rsqrt) = {vec_rsqrt, 0, 0},
    VEC_AT(reciprocal) = {vec_reciprocal, 0, 0},
    VEC_AT(relu) = {vec_relu, 0, 0},
};
static const vec_code vec_ints[CJ_NEW] = {
    VEC_AT(add) = {int_arith, V_COMMUTES | V_MEMORY, V_IADD},
    VEC_AT(sub) = {int_arith, V_MEMORY, V_ISUB},
    VEC_AT(neg) = {int_neg, 0, 0},
    VEC_AT(maximum) = {int_choose, 0, V_IGE},
    VEC_AT(minimum) = {int_choose, 0, V_ILE},
    VEC_AT(clamp_min) = {int_choose, 0, V_IGE},
    VEC_AT(clamp_max) = {int_choose, 0, V_ILE},
    VEC_AT(where) = {vec_where, 0, 0},
    VEC_AT(lt) = {int_relation, 0, V_ILT},
    VEC_AT(le) = {int_relation, 0, V_ILE},
    VEC_AT(gt) = {int_relation, 0, V_IGT},
    VEC_AT(ge) = {int_relation, 0, V_IGE},
    VEC_AT(eq) = {int_relation, 0, V_IEQ},
    VEC_AT(ne) = {int_relation, 0, V_INE},
};
static const vec_code vec_bools[CJ_NEW] = {
    VEC_AT(where) = {vec_where, 0, 0},         VEC_AT(logical_and) = {vec_logic, 0, V_AND},
    VEC_AT(logical_or) = {vec_logic, 0, V_OR}, VEC_AT(logical_xor) = {vec_logic, 0, V_XOR},
    VEC_AT(logical_not) = {vec_not, 0, 0},
};
#undef VEC_AT

/* --- casts ----------------------------------------------------------------------------------------------- */

static void vec_same(const vec_args *i) { packed(i->g, V_AND, i->y, i->x[0], cje_xmm(i->x[0])); }
static void vec_one(const vec_args *i) { vec_constant(i, V_AND, VC_ONE); }
static void vec_test(const vec_args *i) {
  packed_zero(i->g, i->g->t0);
  packed_compare(i->g, V_NEQ, i->y, i->x[0], cje_xmm(i->g->t0));
}
static void int_test(const vec_args *i) {
  packed_zero(i->g, i->g->t0);
  int_compare(i->g, V_INE, i->y, i->x[0], i->g->t0);
}

/* Between dtypes whose elements have different sizes there is a call. */
static const vec_code vec_casts[CJ_NDTYPE][CJ_NDTYPE] = {
    [CJ_F64] = {[CJ_F64] = {vec_same, 0, 0}, [CJ_BOOL] = {vec_test, 0, 0}},
    [CJ_F32] = {[CJ_F32] = {vec_same, 0, 0}, [CJ_BOOL] = {vec_test, 0, 0}},
    [CJ_I64] = {[CJ_I64] = {vec_same, 0, 0}, [CJ_BOOL] = {int_test, 0, 0}},
    [CJ_BOOL] = {[CJ_F64] = {vec_one, 0, 0},
                 [CJ_F32] = {vec_one, 0, 0},
                 [CJ_I64] = {int_neg, 0, 0},
                 [CJ_BOOL] = {vec_same, 0, 0}},
};

/* --- choosing ------------------------------------------------------------------------------------------------ */

static const vec_code *vec_code_of(const cje_fn *f) {
  int dtype = f->xdtype[f->nin - 1], ew = f->op - CJ_OP_FIRST_EW;
  if (!f->loop) return &vec_casts[dtype][f->ydtype];
  return dtype == CJ_BOOL ? &vec_bools[ew] : dtype == CJ_I64 ? &vec_ints[ew] : &vec_floats[ew];
}

static bool fits_lane(int dtype, unsigned size) { return dtype == CJ_BOOL || cjt_dsize((cj_dtype)dtype) == size; }

/* The opcode of x z + w, x z - w or w - x z where the result stands for w; 0: another row. */
static unsigned fused_code(const cje_fn *f) {
  return f->op == CJ_OP_fma ? 0xB8 : f->op == CJ_OP_fms ? 0xBA : f->op == CJ_OP_fnma ? 0xBC : 0;
}

bool cje_vec_inline(const cje_fn *f, unsigned size) {
  bool fits = fits_lane(f->ydtype, size);
  for (int i = 0; i < f->nin; i++) fits = fits && fits_lane(f->xdtype[i], size);
  return fits && (fused_code(f) || vec_code_of(f)->emit);
}

/* A register for the result of a fused row: best that of an operand that is not needed any more. */
static unsigned fused_result(cje_vgen *g, const unsigned *x, cje_rm w) {
  if (g->free >> x[0] & 1) return cje_vec_take_that(g, x[0]);
  if (g->free >> x[1] & 1) return cje_vec_take_that(g, x[1]);
  if (!w.ismem && g->free >> w.reg & 1) return cje_vec_take_that(g, w.reg);
  return cje_vec_take(g);
}

/* The result is one of the operands (opcode - 0x10: of the factors); where it has a register of its own, the first
** factor is moved there. */
static void emit_fused(cje_vgen *g, const cje_vins *ins, unsigned opcode) {
  uint32_t op = wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, opcode)) | (g->size == 8 ? CJE_VEX_W : 0);
  unsigned x[2] = {cje_vec_need(g, ins->x[0]), cje_vec_need(g, ins->x[1])};
  cje_rm w = cje_vec_operand(g, ins->x[2], ins->next[2]);
  for (int j = 0; j < 3; j++) cje_vec_release(g, ins->x[j], ins->next[j]);
  unsigned y = fused_result(g, x, w);
  if (!w.ismem && y == w.reg && y != x[0] && y != x[1]) {
    cje_vex(g->a, op, y, x[0], cje_xmm(x[1]));
  } else {
    if (y != x[0] && y != x[1]) packed(g, V_MOV, y, 0, cje_xmm(x[0]));
    cje_vex(g->a, op - 0x10, y, y == x[1] ? x[0] : x[1], w);
  }
  for (int j = 0; j < 3; j++) cje_vec_bury(g, ins->x[j]);
  cje_vec_define(g, ins->y, y);
}

static void exchange(uint32_t *a, uint32_t *b) {
  uint32_t t = *a;
  *a = *b;
  *b = t;
}

void cje_vec_emit(cje_vgen *g, const cje_vins *ins) {
  const cje_fn *f = &g->p->fn.at[ins->fn];
  if (fused_code(f)) {
    emit_fused(g, ins, fused_code(f));
    return;
  }
  const vec_code *k = vec_code_of(f);
  uint32_t x[3] = {ins->x[0], ins->x[1], ins->x[2]}, next[3] = {ins->next[0], ins->next[1], ins->next[2]};
  vec_args i = {.g = g, .code = k->code};
  bool late = (k->flags & V_COMMUTES) && g->val[x[0]].reg == CJE_NOVREG && g->val[x[1]].reg != CJE_NOVREG;
  if (late || (k->flags & V_SWAPPED)) {
    exchange(&x[0], &x[1]);
    exchange(&next[0], &next[1]);
  }
  int nreg = k->flags & V_MEMORY ? 1 : f->nin;
  for (int j = 0; j < nreg; j++) i.x[j] = cje_vec_need(g, x[j]);
  i.rm = nreg < f->nin ? cje_vec_operand(g, x[1], next[1]) : cje_xmm(i.x[f->nin > 1]);
  for (int j = 0; j < f->nin; j++) cje_vec_release(g, x[j], next[j]);
  i.y = cje_vec_take(g);
  k->emit(&i);
  for (int j = 0; j < f->nin; j++) cje_vec_bury(g, x[j]);
  cje_vec_define(g, ins->y, i.y);
}

/* --- weaving ------------------------------------------------------------------------------------------------- */

/* Of three columns element i of column c goes to place 3 i + c: lane (3 i + c) mod L of one of three vectors of L
** lanes.  As 3 and L have no common divisor, the elements of a column all have different lanes.  So each column is
** permuted once, and then every vector takes each third lane from one of them. */

enum { V_FIRST_MASK = 1 }; /* lanes 1, 4, .. and 2, 5, .. are in masks 2 and 3 */
static unsigned third_lanes(unsigned first) { return 0x49u << first & 0xFF; }

/* Lane s of y is element 3 (s - c) of x, counted in circles, as 3 is its own inverse to 4 and to 8. */
static void permute_column(cje_vgen *g, unsigned y, unsigned x, unsigned c) {
  unsigned order = 0;
  if (g->width == 64) {
    cje_vec_move(g, y, cje_mem(CJE_R14, (int32_t)((VC_TO_THREE + c) * VC_BYTES)));
    cje_vex(g->a, wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, 0x16)), y, y, cje_xmm(x));
    return;
  }
  for (unsigned s = 0; s < 4; s++) order |= (3 * (s + 4 - c) & 3) << 2 * s;
  cje_vex_imm(g->a, wide(g, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, 0x01)) | CJE_VEX_W, y, 0, cje_xmm(x), order);
}

/* y is x but for every third lane from first on, which are those of z. */
static void blend_column(cje_vgen *g, unsigned first, unsigned y, unsigned x, unsigned z) {
  if (g->width == 64)
    cje_vex(g->a, wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, 0x65)) | CJE_EVEX_K(V_FIRST_MASK + first), y, x, cje_xmm(z));
  else
    cje_vex_imm(g->a, wide(g, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, 0x0D)), y, x, cje_xmm(z), third_lanes(first) & 15);
}

void cje_vec_weave_masks(cje_vgen *g) {
  for (unsigned first = 1; g->width == 64 && first < 3; first++) {
    cje_set64(g->a, CJE_RAX, third_lanes(first));
    cje_vex(g->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PS, 0x92), V_FIRST_MASK + first, 0, cje_xmm(CJE_RAX));
  }
}

static void store_part(cje_vgen *g, unsigned y, cje_rm at, unsigned i) {
  at.disp += (int32_t)(i * g->width);
  cje_vec_store(g, y, at);
}

/* x: columns; at: where the rows go. */
static void weave_three(cje_vgen *g, const unsigned *x, unsigned y, unsigned t, cje_rm at) {
  unsigned z[] = {g->t0, g->t1, t};
  for (unsigned c = 0; c < 3; c++) permute_column(g, z[c], x[c], c);
  for (unsigned i = 0; i < 3; i++) {
    unsigned c = i * g->lanes;
    blend_column(g, 1, y, z[c % 3], z[(c + 1) % 3]);
    blend_column(g, 2, y, y, z[(c + 2) % 3]);
    store_part(g, y, at, i);
  }
}

/* y: lanes of x and z as the constant says. */
static void mix_lanes(cje_vgen *g, unsigned which, unsigned y, unsigned x, unsigned z) {
  cje_vec_move(g, y, cje_mem(CJE_R14, (int32_t)(which * VC_BYTES)));
  cje_vex(g->a, wide(g, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, 0x77)), y, x, cje_xmm(z));
}

/* The lower or the upper halves of x and z. */
static void mix_halves(cje_vgen *g, bool upper, unsigned y, unsigned x, unsigned z) {
  cje_vex_imm(g->a, wide(g, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, 0x06)), y, x, cje_xmm(z), upper ? 0x31 : 0x20);
}

/* Half i of rows of two; with vectors of four lanes rows i and i + 2. */
static void pair_columns(cje_vgen *g, unsigned i, unsigned y, unsigned x, unsigned z) {
  if (g->width == 64)
    mix_lanes(g, VC_TO_TWO + i, y, x, z);
  else
    packed(g, i ? V_UNPACKH : V_UNPACKL, y, x, cje_xmm(z));
}

static void weave_two(cje_vgen *g, const unsigned *x, unsigned y, cje_rm at) {
  if (g->width == 32) {
    pair_columns(g, 0, g->t0, x[0], x[1]);
    pair_columns(g, 1, g->t1, x[0], x[1]);
  }
  for (unsigned i = 0; i < 2; i++) {
    if (g->width == 32)
      mix_halves(g, i, y, g->t0, g->t1);
    else
      pair_columns(g, i, y, x[0], x[1]);
    store_part(g, y, at, i);
  }
}

static void weave_four(cje_vgen *g, const unsigned *x, unsigned y, cje_rm at) {
  for (unsigned i = 0; i < 2; i++) {
    pair_columns(g, i, g->t0, x[0], x[1]);
    pair_columns(g, i, g->t1, x[2], x[3]);
    for (unsigned k = 0; k < 2; k++) {
      if (g->width == 32)
        mix_halves(g, k, y, g->t0, g->t1);
      else
        mix_lanes(g, VC_TO_FOUR + k, y, g->t0, g->t1);
      store_part(g, y, at, g->width == 32 ? i + 2 * k : 2 * i + k);
    }
  }
}

/* Where row rcx of y is. */
static cje_rm row_memory(cje_vgen *g, uint32_t y, int columns) {
  cje_rm at = cje_vec_memory(g, y);
  for (int i = 1; i < columns; i++) {
    cje_lea(g->a, CJE_RAX, cje_indexed(at.reg, CJE_RCX, 8, 0));
    at.reg = CJE_RAX;
  }
  return at;
}

void cje_vec_weave(cje_vgen *g, const cje_vins *ins) {
  unsigned x[CJE_WOVEN];
  for (int c = 0; c < ins->nin; c++) x[c] = cje_vec_need(g, ins->x[c]);
  unsigned t = cje_vec_take(g);
  g->holds[t] = ins->x[0]; /* for now: it is not given away */
  unsigned y = cje_vec_take(g);
  (void)cje_asm_room(g->a);
  cje_rm at = row_memory(g, ins->y, ins->nin);
  switch (ins->nin) {
  case 2: weave_two(g, x, y, at); break;
  case 3: weave_three(g, x, y, t, at); break;
  default: weave_four(g, x, y, at); break;
  }
  g->free |= 1u << t | 1u << y;
  for (int c = 0; c < ins->nin; c++) cje_vec_release(g, ins->x[c], ins->next[c]);
  for (int c = 0; c < ins->nin; c++) cje_vec_bury(g, ins->x[c]);
}
