/* native_x64.c -- encoding, as in Intel's "Software Developer's Manual", volume 2, chapter 2. */
#include "exec/native_x64.h"

#include <string.h>

/* Once it has failed, what is still emitted goes to the start: nobody will run it. */
bool cje_asm_room(cje_asm *a) {
  if (a->cap - a->n >= CJE_CODE_ROOM || CJM_GROW(a->c, a->at, a->cap, (size_t)a->n + CJE_CODE_ROOM)) return true;
  a->n = 0;
  return false;
}

static void put_byte(cje_asm *a, unsigned byte) { a->at[a->n++] = (uint8_t)byte; }
static void put_code(cje_asm *a, const void *from, size_t n) {
  memcpy(a->at + a->n, from, n);
  a->n += (uint32_t)n;
}

/* The operand rm, and reg beside it; a short displacement counts in units of unit bytes. */
static void modrm_scaled(cje_asm *a, unsigned reg, cje_rm rm, int32_t unit) {
  unsigned low = rm.reg & 7, fields = (reg & 7) << 3 | low;
  if (!rm.ismem) {
    put_byte(a, 0xC0 | fields);
    return;
  }
  bool none = rm.disp == 0 && low != 5; /* 5 means another thing then */
  int32_t disp = rm.disp % unit ? INT32_MAX : rm.disp / unit;
  bool few = disp >= -128 && disp < 128;
  if (rm.index) fields = (fields & ~7u) | 4;
  put_byte(a, (none ? 0u : few ? 0x40u : 0x80u) | fields);
  if (rm.index || low == 4) /* through a second byte; index 4 is none */
    put_byte(a, (unsigned)rm.scale << 6 | (rm.index ? rm.index & 7u : 4u) << 3 | low);
  if (!none) put_code(a, few ? &disp : &rm.disp, few ? 1 : 4);
}
static void modrm(cje_asm *a, unsigned reg, cje_rm rm) { modrm_scaled(a, reg, rm, 1); }

/* Bits 3 and 4 of a register that is operand rm go where those of an index and a base would.  length: 0, 1, 2 for 128,
** 256, 512 bits. */
static void evex(cje_asm *a, uint32_t op, unsigned reg, unsigned v, cje_rm rm, unsigned length, int32_t unit) {
  unsigned map = op >> 16 & 7, pp = op >> 8 & 3, w = op >> 24 & 1, k = op >> 28 & 7;
  unsigned x = rm.ismem ? rm.index >> 3 : rm.reg >> 4,
           high = (reg >> 3 & 1) << 7 | (x & 1) << 6 | (rm.reg >> 3 & 1u) << 5;
  put_byte(a, 0x62);
  put_byte(a, (~(high | (reg >> 4) << 4) & 0xF0) | map);
  put_byte(a, w << 7 | (~v & 15) << 3 | 4 | pp);
  put_byte(a, length << 5 | (~v >> 4 & 1) << 3 | k);
  put_byte(a, op & 255);
  modrm_scaled(a, reg, rm, unit);
}

/* An instruction of one number or 128 bits for registers above 15.  W, which the shorter encoding ignores there, says
** what the prefix says: doubles or not; but for what moves from and to general registers, and what had it anyway. */
static void evex_short(cje_asm *a, uint32_t op, unsigned reg, unsigned v, cje_rm rm) {
  unsigned map = op >> 16 & 7, pp = op >> 8 & 3, code = op & 255;
  bool general = map == CJE_MAP_0F && (code == 0x2A || code == 0x6E || code == 0x7E);
  bool whole = map == CJE_MAP_0F && pp < CJE_PP_SS; /* all of the register, not one number */
  if ((map == CJE_MAP_0F && !general && (pp == CJE_PP_PD || pp == CJE_PP_SD)) || (map == CJE_MAP_0F3A && (code & 1)))
    op |= CJE_VEX_W;
  evex(a, op, reg, v, rm, 0, whole ? 16 : op & CJE_VEX_W ? 8 : 4);
}

void cje_vex(cje_asm *a, uint32_t op, unsigned reg, unsigned v, cje_rm rm) {
  if (op & CJE_EVEX) {
    evex(a, op, reg, v, rm, 2, op & CJE_EVEX_PART ? INT32_MAX : 64);
    return;
  }
  if ((reg | v | (rm.ismem ? 0u : rm.reg)) > 15) {
    evex_short(a, op, reg, v, rm);
    return;
  }
  unsigned map = op >> 16 & 31, pp = op >> 8 & 3, w = op >> 24 & 1, last = (~v & 15) << 3 | (op >> 25 & 1) << 2 | pp;
  unsigned r = reg >> 3 ^ 1, x = rm.index >> 3 ^ 1u, b = rm.reg >> 3 ^ 1u;
  if (map == CJE_MAP_0F && !w && x && b) {
    put_byte(a, 0xC5);
    put_byte(a, r << 7 | last);
  } else {
    put_byte(a, 0xC4);
    put_byte(a, r << 7 | x << 6 | b << 5 | map);
    put_byte(a, w << 7 | last);
  }
  put_byte(a, op & 255);
  modrm(a, reg, rm);
}

void cje_vex_imm(cje_asm *a, uint32_t op, unsigned reg, unsigned v, cje_rm rm, unsigned imm) {
  cje_vex(a, op, reg, v, rm);
  put_byte(a, imm);
}

/* --- general registers: prefix REX.W always -------------------------------------------------------------- */

static void rex(cje_asm *a, unsigned opcode, unsigned reg, cje_rm rm) {
  put_byte(a, 0x48u | reg >> 3 << 2 | rm.index >> 3 << 1 | rm.reg >> 3);
  put_byte(a, opcode);
  modrm(a, reg, rm);
}

void cje_load64(cje_asm *a, unsigned reg, cje_rm from) { rex(a, 0x8B, reg, from); }
void cje_store64(cje_asm *a, unsigned reg, cje_rm to) { rex(a, 0x89, reg, to); }
void cje_store8(cje_asm *a, unsigned reg, cje_rm to) { rex(a, 0x88, reg, to); }
void cje_lea(cje_asm *a, unsigned reg, cje_rm from) { rex(a, 0x8D, reg, from); }
void cje_neg64(cje_asm *a, unsigned reg) { rex(a, 0xF7, 3, cje_xmm(reg)); }

void cje_load8(cje_asm *a, unsigned reg, cje_rm from) {
  put_byte(a, 0x48u | reg >> 3 << 2 | from.reg >> 3);
  put_byte(a, 0x0F);
  put_byte(a, 0xB6);
  modrm(a, reg, from);
}

void cje_set64(cje_asm *a, unsigned reg, uint64_t value) {
  if (value <= UINT32_MAX) {
    if (reg >> 3) put_byte(a, 0x41);
  } else {
    put_byte(a, 0x48 | reg >> 3);
  }
  put_byte(a, 0xB8 | (reg & 7));
  put_code(a, &value, value <= UINT32_MAX ? 4 : 8);
}

void cje_call(cje_asm *a, unsigned reg) {
  put_byte(a, 0xFF);
  put_byte(a, 0xD0 | reg);
}

void cje_alu64(cje_asm *a, unsigned what, unsigned reg, cje_rm rm) { rex(a, what << 3 | 3, reg, rm); }
void cje_alu64_imm(cje_asm *a, unsigned what, cje_rm rm, int32_t imm) {
  rex(a, 0x81, what, rm);
  put_code(a, &imm, sizeof imm);
}
void cje_mul64_imm(cje_asm *a, unsigned reg, cje_rm rm, int32_t imm) {
  rex(a, 0x69, reg, rm);
  put_code(a, &imm, sizeof imm);
}
void cje_prefetch(cje_asm *a, cje_rm rm, bool write) {
  put_byte(a, 0x48u | rm.index >> 3 << 1 | rm.reg >> 3);
  put_byte(a, 0x0F);
  put_byte(a, write ? 0x0D : 0x18);
  modrm(a, 1, rm);
}
void cje_vzeroupper(cje_asm *a) {
  static const uint8_t code[] = {0xC5, 0xF8, 0x77};
  put_code(a, code, sizeof code);
}

/* The distance counts from the end of the jump. */
uint32_t cje_jump(cje_asm *a, unsigned condition) {
  int32_t distance = 0;
  if (condition == CJE_ALWAYS) {
    put_byte(a, 0xE9);
  } else {
    put_byte(a, 0x0F);
    put_byte(a, 0x80 | condition);
  }
  put_code(a, &distance, sizeof distance);
  return a->n;
}
void cje_land(cje_asm *a, uint32_t jump) {
  int32_t distance = (int32_t)(a->n - jump);
  memcpy(a->at + jump - sizeof distance, &distance, sizeof distance);
}
void cje_jump_back(cje_asm *a, unsigned condition, uint32_t target) {
  uint32_t jump = cje_jump(a, condition);
  int32_t distance = (int32_t)(target - jump);
  memcpy(a->at + jump - sizeof distance, &distance, sizeof distance);
}

/* endbr64; push rbx, r12, r13, r14; sub rsp, 40: aligned to 16 again */
void cje_enter(cje_asm *a) {
  static const uint8_t code[] = {0xF3, 0x0F, 0x1E, 0xFA, 0x53, 0x41, 0x54, 0x41,
                                 0x55, 0x41, 0x56, 0x48, 0x83, 0xEC, 40};
  put_code(a, code, sizeof code);
}
void cje_leave(cje_asm *a) {
  static const uint8_t code[] = {0x48, 0x83, 0xC4, 40, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5B, 0xC3};
  put_code(a, code, sizeof code);
}
