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

/* The operand rm, and reg beside it. */
static void modrm(cje_asm *a, unsigned reg, cje_rm rm) {
  unsigned low = rm.reg & 7, fields = (reg & 7) << 3 | low;
  if (!rm.ismem) {
    put_byte(a, 0xC0 | fields);
    return;
  }
  bool none = rm.disp == 0 && low != 5, few = rm.disp >= -128 && rm.disp < 128; /* 5 means another thing then */
  put_byte(a, (none ? 0u : few ? 0x40u : 0x80u) | fields);
  if (low == 4) put_byte(a, 0x24); /* base rsp or r12: through a second byte */
  if (!none) put_code(a, &rm.disp, few ? 1 : 4);
}

void cje_vex(cje_asm *a, uint32_t op, unsigned reg, unsigned v, cje_rm rm) {
  unsigned map = op >> 16 & 31, pp = op >> 8 & 3, w = op >> 24 & 1, last = (~v & 15) << 3 | pp;
  unsigned r = reg >> 3 ^ 1, b = rm.reg >> 3 ^ 1u;
  if (map == CJE_MAP_0F && !w && b) {
    put_byte(a, 0xC5);
    put_byte(a, r << 7 | last);
  } else {
    put_byte(a, 0xC4);
    put_byte(a, r << 7 | 1 << 6 | b << 5 | map);
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
  put_byte(a, 0x48u | reg >> 3 << 2 | rm.reg >> 3);
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
