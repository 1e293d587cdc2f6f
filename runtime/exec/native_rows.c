/*
** native_rows.c -- the instructions of a row.  Each does what the row's value in def/elementwise.def says, as
** kernel/words_float.h compiles it, so the results have the same bits.
*/
#include "exec/native_gen.h"

/* --- constants ------------------------------------------------------------------------------------------ */

enum { X_SIGN, X_ABS, X_ONE, X_MINUS_ONE, X_INF, X_NMASK, X_MASK_BYTES = 16 };

#define X_TWICE(a, b, c, d, e, f, g, h) a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h
/* By size (8, then 4), then by the names above. */
const uint8_t cje_native_masks[2 * X_NMASK * X_MASK_BYTES] = {
    X_TWICE(0, 0, 0, 0, 0, 0, 0, 0x80),
    X_TWICE(255, 255, 255, 255, 255, 255, 255, 0x7F),
    X_TWICE(0, 0, 0, 0, 0, 0, 0xF0, 0x3F),
    X_TWICE(0, 0, 0, 0, 0, 0, 0xF0, 0xBF),
    X_TWICE(0, 0, 0, 0, 0, 0, 0xF0, 0x7F),
    X_TWICE(0, 0, 0, 0x80, 0, 0, 0, 0x80),
    X_TWICE(255, 255, 255, 0x7F, 255, 255, 255, 0x7F),
    X_TWICE(0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F),
    X_TWICE(0, 0, 0x80, 0xBF, 0, 0, 0x80, 0xBF),
    X_TWICE(0, 0, 0x80, 0x7F, 0, 0, 0x80, 0x7F),
};

static cje_rm mask_at(unsigned size, unsigned which) {
  return cje_mem(CJE_R14, (int32_t)((size == 8 ? which : X_NMASK + which) * X_MASK_BYTES));
}

/* --- single instructions ----------------------------------------------------------------------------------- */

/* What the emitters see: the dtype's size, the result's register, the operands (the last may be in memory). */
typedef struct row_args {
  cje_asm *a;
  unsigned size, y, x[3];
  cje_rm rm; /* x[1], which may be in memory */
  uint8_t code;
} row_args;

enum { X_ADD = 0x58, X_MUL = 0x59, X_SUB = 0x5C, X_MIN = 0x5D, X_DIV = 0x5E, X_MAX = 0x5F, X_SQRT = 0x51 };
enum { X_AND = 0x54, X_ANDN, X_OR, X_XOR };
enum { X_EQ = 0, X_UNORD = 3, X_NEQ = 4, X_LT = 0x11, X_LE = 0x12, X_GE = 0x1D, X_GT = 0x1E }; /* quiet predicates */

static void arithmetic(const row_args *i, unsigned opcode, unsigned y, unsigned x, cje_rm z) {
  cje_vex(i->a, CJE_VEX(CJE_MAP_0F, i->size == 4 ? CJE_PP_SS : CJE_PP_SD, opcode), y, x, z);
}
static void compare_to(const row_args *i, unsigned how, unsigned y, unsigned x, cje_rm z) {
  cje_vex_imm(i->a, CJE_VEX(CJE_MAP_0F, i->size == 4 ? CJE_PP_SS : CJE_PP_SD, 0xC2), y, x, z, how);
}
static void bitwise(const row_args *i, unsigned opcode, unsigned y, unsigned x, cje_rm z) {
  cje_vex(i->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, opcode), y, x, z);
}
static void zero_out(const row_args *i, unsigned y) { bitwise(i, X_XOR, y, y, cje_xmm(y)); }
static void fetch_mask(const row_args *i, unsigned y, unsigned which) {
  arithmetic(i, 0x10, y, 0, mask_at(i->size, which));
}
static void round_to(const row_args *i, unsigned how, unsigned y) {
  cje_vex_imm(i->a, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, i->size == 4 ? 0x0A : 0x0B), y, i->x[0], cje_xmm(i->x[0]), how);
}
/* m ? x : z; of float32 only the lower half of a mask may be good */
static void blend(const row_args *i, unsigned y, unsigned m, unsigned x, unsigned z) {
  cje_vex_imm(i->a, CJE_VEX(CJE_MAP_0F3A, CJE_PP_PD, i->size == 4 ? 0x4A : 0x4B), y, z, cje_xmm(x), m << 4);
}

/* --- rows --------------------------------------------------------------------------------------------------- */

static void row_arith(const row_args *i) { arithmetic(i, i->code, i->y, i->x[0], i->rm); }
static void row_logic(const row_args *i) { bitwise(i, i->code, i->y, i->x[0], cje_xmm(i->x[1])); }
static void row_round(const row_args *i) { round_to(i, i->code, i->y); }

/* The mask of a comparison of float32 is spread over 64 bits. */
static void row_compare(const row_args *i) {
  compare_to(i, i->code, i->y, i->x[0], i->rm);
  if (i->size == 4) cje_vex(i->a, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, 0x25), i->y, 0, cje_xmm(i->y));
}
static void compare_spread(const row_args *i, unsigned how, unsigned x, cje_rm z) {
  row_args c = *i;
  c.code = (uint8_t)how;
  c.x[0] = x;
  c.rm = z;
  row_compare(&c);
}
static void row_isnan(const row_args *i) { compare_spread(i, X_UNORD, i->x[0], cje_xmm(i->x[0])); }
static void row_size_inf(const row_args *i) { /* |x| compared with infinity */
  bitwise(i, X_AND, CJE_T0, i->x[0], mask_at(i->size, X_ABS));
  compare_spread(i, i->code, CJE_T0, mask_at(i->size, X_INF));
}
static void row_not(const row_args *i) {
  cje_vex(i->a, CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, 0x29), CJE_T0, CJE_T0, cje_xmm(CJE_T0)); /* all ones */
  bitwise(i, X_XOR, i->y, i->x[0], cje_xmm(CJE_T0));
}

static void row_neg(const row_args *i) { bitwise(i, X_XOR, i->y, i->x[0], mask_at(i->size, X_SIGN)); }
static void row_abs(const row_args *i) { bitwise(i, X_AND, i->y, i->x[0], mask_at(i->size, X_ABS)); }
static void row_copysign(const row_args *i) {
  bitwise(i, X_AND, CJE_T0, i->x[0], mask_at(i->size, X_ABS));
  bitwise(i, X_AND, CJE_T1, i->x[1], mask_at(i->size, X_SIGN));
  bitwise(i, X_OR, i->y, CJE_T0, cje_xmm(CJE_T1));
}
static void row_sign(const row_args *i) {
  zero_out(i, CJE_T0);
  compare_to(i, X_LT, CJE_T1, i->x[0], cje_xmm(CJE_T0));
  compare_to(i, X_GT, CJE_T0, i->x[0], cje_xmm(CJE_T0));
  bitwise(i, X_AND, CJE_T1, CJE_T1, mask_at(i->size, X_MINUS_ONE));
  bitwise(i, X_AND, CJE_T0, CJE_T0, mask_at(i->size, X_ONE));
  bitwise(i, X_OR, i->y, CJE_T0, cje_xmm(CJE_T1));
}

static void row_square(const row_args *i) { arithmetic(i, X_MUL, i->y, i->x[0], cje_xmm(i->x[0])); }
static void row_sqrt(const row_args *i) { arithmetic(i, X_SQRT, i->y, i->x[0], cje_xmm(i->x[0])); }
static void row_reciprocal(const row_args *i) {
  fetch_mask(i, CJE_T0, X_ONE);
  arithmetic(i, X_DIV, i->y, CJE_T0, cje_xmm(i->x[0]));
}
static void row_rsqrt(const row_args *i) {
  arithmetic(i, X_SQRT, CJE_T1, i->x[0], cje_xmm(i->x[0]));
  fetch_mask(i, CJE_T0, X_ONE);
  arithmetic(i, X_DIV, i->y, CJE_T0, cje_xmm(CJE_T1));
}
static void row_frac(const row_args *i) {
  round_to(i, 11, CJE_T0);
  arithmetic(i, X_SUB, i->y, i->x[0], cje_xmm(CJE_T0));
}
static void row_zmul(const row_args *i) {
  zero_out(i, CJE_T0);
  compare_to(i, X_EQ, CJE_T0, i->x[0], cje_xmm(CJE_T0));
  arithmetic(i, X_MUL, CJE_T1, i->x[0], i->rm);
  bitwise(i, X_ANDN, i->y, CJE_T0, cje_xmm(CJE_T1));
}
static void row_relu(const row_args *i) {
  zero_out(i, CJE_T0);
  compare_to(i, X_LE, CJE_T0, i->x[0], cje_xmm(CJE_T0));
  bitwise(i, X_ANDN, i->y, CJE_T0, cje_xmm(i->x[0]));
}
static void row_extreme(const row_args *i) { /* x if it is NaN or x >= z (<= z), else z */
  compare_to(i, X_UNORD, CJE_T0, i->x[0], cje_xmm(i->x[0]));
  compare_to(i, i->code, CJE_T1, i->x[0], cje_xmm(i->x[1]));
  bitwise(i, X_OR, CJE_T0, CJE_T0, cje_xmm(CJE_T1));
  blend(i, i->y, CJE_T0, i->x[0], i->x[1]);
}
static void row_where(const row_args *i) { blend(i, i->y, i->x[0], i->x[1], i->x[2]); }

enum {
  X_COMMUTES = 1,
  X_SWAPPED = 2, /* the CPU wants operand 1 first */
  X_MEMORY = 4,  /* operand 1 may be in memory */
  X_LOW = 8      /* works with masks in registers, which are 0 .. 15 */
};
typedef struct row_code {
  void (*emit)(const row_args *);
  uint8_t flags, code;
} row_code;

#define ROW_AT(name) [CJ_OP_##name - CJ_OP_FIRST_EW]
static const row_code float_rows[CJ_NEW] = {
    /* for floats */
    ROW_AT(add) = {row_arith, X_COMMUTES | X_MEMORY, X_ADD},
    ROW_AT(sub) = {row_arith, X_MEMORY, X_SUB},
    ROW_AT(mul) = {row_arith, X_COMMUTES | X_MEMORY, X_MUL},
    ROW_AT(zmul) = {row_zmul, X_MEMORY | X_LOW, 0},
    ROW_AT(div) = {row_arith, X_MEMORY, X_DIV},
    ROW_AT(maximum) = {row_extreme, X_LOW, X_GE},
    ROW_AT(minimum) = {row_extreme, X_LOW, X_LE},
    ROW_AT(clamp_min) = {row_arith, X_SWAPPED | X_MEMORY,
                         X_MAX}, /* of equal ones and of NaN the CPU takes the second: x */
    ROW_AT(clamp_max) = {row_arith, X_SWAPPED | X_MEMORY, X_MIN},
    ROW_AT(copysign) = {row_copysign, 0, 0},
    ROW_AT(where) = {row_where, X_LOW, 0},
    ROW_AT(lt) = {row_compare, X_MEMORY | X_LOW, X_LT},
    ROW_AT(le) = {row_compare, X_MEMORY | X_LOW, X_LE},
    ROW_AT(gt) = {row_compare, X_MEMORY | X_LOW, X_GT},
    ROW_AT(ge) = {row_compare, X_MEMORY | X_LOW, X_GE},
    ROW_AT(eq) = {row_compare, X_MEMORY | X_LOW, X_EQ},
    ROW_AT(ne) = {row_compare, X_MEMORY | X_LOW, X_NEQ},
    ROW_AT(isnan) = {row_isnan, X_LOW, 0},
    ROW_AT(isinf) = {row_size_inf, X_LOW, X_EQ},
    ROW_AT(isfinite) = {row_size_inf, X_LOW, X_LT},
    ROW_AT(neg) = {row_neg, 0, 0},
    ROW_AT(abs) = {row_abs, 0, 0},
    ROW_AT(sign) = {row_sign, X_LOW, 0},
    ROW_AT(floor) = {row_round, 0, 9},
    ROW_AT(ceil) = {row_round, 0, 10},
    ROW_AT(round) = {row_round, 0, 8},
    ROW_AT(trunc) = {row_round, 0, 11},
    ROW_AT(frac) = {row_frac, 0, 0},
    ROW_AT(square) = {row_square, 0, 0},
    ROW_AT(sqrt) = {row_sqrt, 0, 0},
    ROW_AT(sqrt0) = {row_sqrt, 0, 0},
    ROW_AT(rsqrt) = {row_rsqrt, 0, 0},
    ROW_AT(reciprocal) = {row_reciprocal, 0, 0},
    ROW_AT(relu) = {row_relu, X_LOW, 0},
};
static const row_code bool_rows[CJ_NEW] = {
    /* for bools */
    ROW_AT(where) = {row_where, X_LOW, 0},         ROW_AT(logical_and) = {row_logic, X_LOW, X_AND},
    ROW_AT(logical_or) = {row_logic, X_LOW, X_OR}, ROW_AT(logical_xor) = {row_logic, X_LOW, X_XOR},
    ROW_AT(logical_not) = {row_not, X_LOW, 0},
};
#undef ROW_AT

/* --- casts ----------------------------------------------------------------------------------------------- */

/* size is the result's. */
static void cast_bool(const row_args *i) { bitwise(i, X_AND, i->y, i->x[0], mask_at(i->size, X_ONE)); }
static void cast_float(const row_args *i) { /* between the two; code: the prefix of the operand's dtype */
  cje_vex(i->a, CJE_VEX(CJE_MAP_0F, i->code, 0x5A), i->y, i->x[0], cje_xmm(i->x[0]));
}
static void cast_int(const row_args *i) {
  cje_vex(i->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PD, 0x7E) | CJE_VEX_W, i->x[0], 0, cje_xmm(CJE_RAX));
  zero_out(i, CJE_T0);
  cje_vex(i->a, CJE_VEX(CJE_MAP_0F, i->size == 4 ? CJE_PP_SS : CJE_PP_SD, 0x2A) | CJE_VEX_W, i->y, CJE_T0,
          cje_xmm(CJE_RAX));
}
static void cast_test(const row_args *i) { /* code: the size of the operand */
  row_args c = *i;
  c.size = i->code;
  zero_out(i, CJE_T0);
  compare_spread(&c, X_NEQ, i->x[0], cje_xmm(CJE_T0));
}
static void cast_same(const row_args *i) { bitwise(i, X_AND, i->y, i->x[0], cje_xmm(i->x[0])); }

static const row_code cast_rows[CJ_NDTYPE][CJ_NDTYPE] = {
    [CJ_F64] = {[CJ_F64] = {cast_same, 0, 0}, [CJ_F32] = {cast_float, 0, CJE_PP_SD}, [CJ_BOOL] = {cast_test, X_LOW, 8}},
    [CJ_F32] = {[CJ_F64] = {cast_float, 0, CJE_PP_SS}, [CJ_F32] = {cast_same, 0, 0}, [CJ_BOOL] = {cast_test, X_LOW, 4}},
    [CJ_I64] = {[CJ_F64] = {cast_int, 0, 0}, [CJ_F32] = {cast_int, 0, 0}, [CJ_I64] = {cast_same, 0, 0}},
    [CJ_BOOL] = {[CJ_F64] = {cast_bool, 0, 0}, [CJ_F32] = {cast_bool, 0, 0}, [CJ_BOOL] = {cast_same, 0, 0}},
};

/* --- fused multiply-add ----------------------------------------------------------------------------------- */

/* Opcodes by which operands the result, second and third stand for: 1 a factor, 2 the other, 3 the summand. */
enum { X_132 = 0x99, X_213 = 0xA9, X_231 = 0xB9, X_FMS = 2, X_FNMA = 4 };

static bool is_fma(const cje_fn *f) { return f->op == CJ_OP_fma || f->op == CJ_OP_fms || f->op == CJ_OP_fnma; }

/* Operands 0 and 1 are factors, 2 is the summand; rm[mem] is in memory, if mem is not negative. */
typedef struct fma_args {
  cje_gen *g;
  uint32_t code; /* dtype and signs */
  cje_rm rm[3];
  int mem;
} fma_args;

static void fma_form(const fma_args *i, unsigned form, unsigned y, int second, int third) {
  cje_vex(&i->g->a, i->code + form, y, i->rm[second].reg, i->rm[third]);
}

/* One operand's register must become the result's: that of y if it is one, else the summand is copied there. */
static void emit_fma(const fma_args *i, unsigned y, unsigned size) {
  int factor = i->mem != 0 && i->rm[0].reg == y ? 0 : i->mem != 1 && i->rm[1].reg == y ? 1 : -1;
  bool summand = i->mem != 2 && i->rm[2].reg == y;
  if (!summand && factor >= 0) {
    if (i->mem == 1 - factor)
      fma_form(i, X_132, y, 2, 1 - factor);
    else
      fma_form(i, X_213, y, 1 - factor, 2);
    return;
  }
  if (i->mem == 2)
    cje_vex(&i->g->a, CJE_VEX(CJE_MAP_0F, size == 4 ? CJE_PP_SS : CJE_PP_SD, 0x10), y, 0, i->rm[2]);
  else if (!summand)
    cje_vex(&i->g->a, CJE_VEX(CJE_MAP_0F, CJE_PP_PS, 0x28), y, 0, i->rm[2]);
  fma_form(i, X_231, y, i->mem == 0 ? 1 : 0, i->mem == 0 ? 0 : 1);
}

/* A register that an operand has just left, or any. */
static unsigned fma_result(const fma_args *i) {
  static const int order[] = {2, 0, 1};
  for (int k = 0; k < 3; k++) {
    cje_rm rm = i->rm[order[k]];
    if (rm.ismem || !(i->g->free >> rm.reg & 1)) continue;
    i->g->free &= ~(1u << rm.reg);
    return rm.reg;
  }
  return cje_regs_take(i->g);
}

static void row_fma(cje_gen *g, const cje_fn *f, const cje_nins *ins, uint32_t y) {
  unsigned size = (unsigned)cjt_dsize(f->ydtype), sign = f->op == CJ_OP_fms ? X_FMS : f->op == CJ_OP_fnma ? X_FNMA : 0;
  fma_args i = {.g = g, .code = CJE_VEX(CJE_MAP_0F38, CJE_PP_PD, sign) | (size == 8 ? CJE_VEX_W : 0), .mem = -1};
  for (int j = 0; j < 3; j++)
    if (g->val[ins->x[j]].reg == CJE_NOREG) i.mem = j;
  for (int j = 0; j < 3; j++)
    if (j != i.mem) i.rm[j] = cje_xmm(cje_regs_need(g, ins->x[j]));
  if (i.mem >= 0) i.rm[i.mem] = cje_regs_operand(g, ins->x[i.mem], ins->next[i.mem]);
  if (i.mem >= 0 && !i.rm[i.mem].ismem) i.mem = -1;
  for (int j = 0; j < 3; j++) cje_regs_release(g, ins->x[j], ins->next[j]);
  unsigned reg = fma_result(&i);
  emit_fma(&i, reg, size);
  for (int j = 0; j < 3; j++) cje_regs_bury(g, ins->x[j]);
  cje_regs_define(g, y, reg);
}

/* --- choosing ------------------------------------------------------------------------------------------------ */

static const row_code *row_code_of(const cje_fn *f) {
  int dtype = f->xdtype[f->nin - 1], ew = f->op - CJ_OP_FIRST_EW;
  if (!f->loop) return &cast_rows[dtype][f->ydtype];
  if (dtype == CJ_BOOL) return &bool_rows[ew];
  return dtype == CJ_I64 && f->op != CJ_OP_where ? &bool_rows[CJ_EW_add] : &float_rows[ew];
}

bool cje_row_inline(const cje_fn *f) { return is_fma(f) || row_code_of(f)->emit != NULL; }
bool cje_row_callable(const cje_fn *f) { return f->loop != NULL; }
bool cje_row_reaches(const cje_fn *f) { return is_fma(f) || !(row_code_of(f)->flags & X_LOW); }

static void swap_words(uint32_t *a, uint32_t *b) {
  uint32_t t = *a;
  *a = *b;
  *b = t;
}

void cje_row_emit(cje_gen *g, const cje_nins *ins, uint32_t y) {
  const cje_fn *f = &g->p->fn.at[ins->fn];
  const row_code *k = row_code_of(f);
  if (is_fma(f)) {
    row_fma(g, f, ins, y);
    return;
  }
  uint32_t x[3] = {ins->x[0], ins->x[1], ins->x[2]}, next[3] = {ins->next[0], ins->next[1], ins->next[2]};
  row_args i = {.a = &g->a, .size = (unsigned)cjt_dsize(f->loop ? f->xdtype[f->nin - 1] : f->ydtype), .code = k->code};
  bool late = (k->flags & X_COMMUTES) && g->val[x[0]].reg == CJE_NOREG && g->val[x[1]].reg != CJE_NOREG;
  if (late || (k->flags & X_SWAPPED)) {
    swap_words(&x[0], &x[1]);
    swap_words(&next[0], &next[1]);
  }
  int nreg = k->flags & X_MEMORY ? 1 : f->nin;
  for (int j = 0; j < nreg; j++) i.x[j] = cje_regs_need(g, x[j]);
  i.rm = nreg < f->nin ? cje_regs_operand(g, x[1], next[1]) : cje_xmm(i.x[1]);
  for (int j = 0; j < f->nin; j++) cje_regs_release(g, x[j], next[j]);
  i.y = cje_regs_take(g);
  k->emit(&i);
  for (int j = 0; j < f->nin; j++) cje_regs_bury(g, x[j]);
  cje_regs_define(g, y, i.y);
}
