/*
** native_x64.h -- instructions of x86-64 as bytes.  Vector instructions have three operands (VEX encoding),
** so nothing is ever copied to save it from its own instruction.
*/
#ifndef cj_exec_native_x64_h
#define cj_exec_native_x64_h

#include "base/base.h"

enum {
  CJE_RAX,
  CJE_RCX,
  CJE_RDX,
  CJE_RBX,
  CJE_RSP,
  CJE_RBP,
  CJE_RSI,
  CJE_RDI,
  CJE_R8,
  CJE_R9,
  CJE_R10,
  CJE_R11,
  CJE_R12,
  CJE_R13,
  CJE_R14
};

typedef struct cje_asm {
  cj_ctx *c;
  uint8_t *at;
  uint32_t n, cap;
} cje_asm;

/* A register, or memory at base + disp, and then perhaps + index << scale. */
typedef struct cje_rm {
  uint8_t ismem, reg;   /* reg: the base if ismem */
  uint8_t index, scale; /* index 0: none */
  int32_t disp;
} cje_rm;
static inline cje_rm cje_xmm(unsigned reg) { return (cje_rm){0, (uint8_t)reg, 0, 0, 0}; }
static inline cje_rm cje_mem(unsigned base, int32_t disp) { return (cje_rm){1, (uint8_t)base, 0, 0, disp}; }
/* size: of an element, 1, 4 or 8. */
static inline cje_rm cje_indexed(unsigned base, unsigned index, unsigned size, int32_t disp) {
  return (cje_rm){1, (uint8_t)base, (uint8_t)index, size == 8 ? 3 : size == 4 ? 2 : 0, disp};
}

/* Room for at least CJE_CODE_ROOM more bytes, which the functions below do not ask for.  False: ENOMEM, ELIMIT; what
** was there is lost, and unless it was the first call one may go on as if there were room. */
enum { CJE_CODE_ROOM = 256 };
bool cje_asm_room(cje_asm *a);

/* A vector instruction: opcode map, prefix (CJE_PP_..), opcode. */
enum { CJE_PP_PS, CJE_PP_PD, CJE_PP_SS, CJE_PP_SD };
enum { CJE_MAP_0F = 1, CJE_MAP_0F38, CJE_MAP_0F3A };
#define CJE_VEX(map, pp, opcode) ((uint32_t)(map) << 16 | (uint32_t)(pp) << 8 | (opcode))
#define CJE_VEX_W ((uint32_t)1 << 24)
#define CJE_VEX_L ((uint32_t)1 << 25) /* 256 bits */
/* 512 bits, registers 0 .. 31 (EVEX encoding); PART: its operand in memory is less than a vector; K(n): under mask n.
 */
#define CJE_EVEX ((uint32_t)1 << 26)
#define CJE_EVEX_PART ((uint32_t)1 << 27)
#define CJE_EVEX_K(n) ((uint32_t)(n) << 28)
/* reg: usually the result; v: the first source, 0 if there is none.  Registers above 15, which AVX-512 has, take the
** EVEX encoding by themselves, in instructions of one number or 128 bits. */
void cje_vex(cje_asm *a, uint32_t op, unsigned reg, unsigned v, cje_rm rm);
/* The same with a byte behind it: a predicate, a rounding, a fourth register in its upper half. */
void cje_vex_imm(cje_asm *a, uint32_t op, unsigned reg, unsigned v, cje_rm rm, unsigned imm);

/* General registers. */
void cje_load64(cje_asm *a, unsigned reg, cje_rm from);
void cje_store64(cje_asm *a, unsigned reg, cje_rm to);
void cje_load8(cje_asm *a, unsigned reg, cje_rm from); /* zero-extended */
void cje_store8(cje_asm *a, unsigned reg, cje_rm to);  /* reg: rax, rcx, rdx or rbx */
void cje_lea(cje_asm *a, unsigned reg, cje_rm from);
void cje_neg64(cje_asm *a, unsigned reg);
void cje_set64(cje_asm *a, unsigned reg, uint64_t value);
void cje_call(cje_asm *a, unsigned reg);
enum { CJE_ADD = 0, CJE_SUB = 5, CJE_CMP = 7 };
void cje_alu64(cje_asm *a, unsigned what, unsigned reg, cje_rm rm);    /* with rm; sets the flags */
void cje_alu64_imm(cje_asm *a, unsigned what, cje_rm rm, int32_t imm); /* with a number */
void cje_mul64_imm(cje_asm *a, unsigned reg, cje_rm rm, int32_t imm);  /* reg = rm * imm */
void cje_vzeroupper(cje_asm *a);
void cje_prefetch(cje_asm *a, cje_rm rm, bool write);

/* Jumps: after one is emitted forwards, cje_land says that it leads here. */
enum { CJE_GE = 0xD, CJE_LE = 0xE, CJE_G = 0xF, CJE_NE = 0x5, CJE_ALWAYS = 16 };
uint32_t cje_jump(cje_asm *a, unsigned condition);
void cje_land(cje_asm *a, uint32_t jump);
void cje_jump_back(cje_asm *a, unsigned condition, uint32_t target);

/* Enters a function that keeps the callee's registers it changes (rbx, r12 .. r14) and has 32 bytes at rsp. */
void cje_enter(cje_asm *a);
void cje_leave(cje_asm *a);
#endif
