/*
** body.h -- the elementwise loops of one instruction set.  The file that includes it has set
**
**   CJK_TABLE, CJK_PICKED           the tables to define: rows over vectors, over single elements
**   CJK_VBYTES                      bytes of a vector
**   CJK_SLEEF_f64(name, ulp) ..     optional: names of SLEEF's functions (else libm, lane by lane)
**   CJK_BITS_..(m), CJK_ANY_..(m), CJK_SEL_.., CJK_SQRT_.., CJK_FMA_.., CJK_ROUND_..   optional: instructions that
**                                   vector C cannot say (a mask as bits of an integer, whether any is set)
**
** The value column of def/elementwise.def is compiled once a dtype: over vectors for floats
** (words_float.h, rows_float.h), over single elements for int64 and bool, which the compiler
** vectorises (words_int.h, rows_int.h).  Kernel files are compiled with -ffp-contract=off (a
** multiplication and an addition that the text writes apart round apart, in every instruction set
** and in generated code alike) and -fwrapv (int64 arithmetic wraps around).
*/
#include "kernel/loops.h"
#include "kernel/special.h"
#include "kernel/tools.h"
#include <math.h>
#include <string.h>

#define D(name) CJK_PASTE(name, DT) /* this name for the dtype at hand */
#define V D(vec)
#define M D(mask)
#define LANES (CJK_VBYTES / (int)sizeof(T))
#include "kernel/words.h"

/* PICK_types(a, b): a if rows of that letter compute in the dtype at hand, else b. */
#define PICK_R(yes, no) yes
#define PICK_N(yes, no) yes
#define PICK_A(yes, no) yes
#define PICK_L(yes, no) no

#define DT f64
#define T double
#define INT int64_t
#define LIBM(name) name
#define EXP_MAX 709.5  /* below log of the largest number */
#define TRIG_NEAR 15.0 /* where SLEEF's sin, cos, tan change their reduction */
#define TRIG_FAR 1e14
#include "kernel/words_float.h"
/* words first, rows after */
#include "kernel/rows_float.h"
/* and single elements */
#include "kernel/rows_picked.h"
#undef DT
#undef T
#undef INT
#undef LIBM
#undef EXP_MAX
#undef TRIG_NEAR
#undef TRIG_FAR

#define DT f32
#define T float
#define INT int32_t
#define LIBM(name) name##f
#define EXP_MAX 88.5f
#define TRIG_NEAR 125.0f
#define TRIG_FAR 39000.0f
#include "kernel/words_float.h"
/* words first, rows after */
#include "kernel/rows_float.h"
/* and single elements */
#include "kernel/rows_picked.h"
#undef DT
#undef T
#undef INT
#undef LIBM
#undef EXP_MAX
#undef PICK_R
#undef V
#undef M

#define PICK_R(yes, no) no
#define DT i64
#define T int64_t
#include "kernel/words_int.h"
/* words first, rows after */
#include "kernel/rows_int.h"
#undef DT
#undef T
#undef PICK_N
#undef PICK_L

#define PICK_N(yes, no) no
#define PICK_L(yes, no) yes
#define DT b8
#define T uint8_t
#include "kernel/rows_int.h"

const cj_loop *const CJK_TABLE[CJ_NDTYPE] = {
    [CJ_F64] = rows_f64, [CJ_F32] = rows_f32, [CJ_I64] = rows_i64, [CJ_BOOL] = rows_b8};
const cj_picked *const CJK_PICKED[CJ_NDTYPE] = {[CJ_F64] = picked_rows_f64, [CJ_F32] = picked_rows_f32};
