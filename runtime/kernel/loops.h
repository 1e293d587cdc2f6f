/*
** loops.h -- the tables of elementwise inner loops, one an instruction set: loops_base.c,
** loops_avx2.c, loops_avx512.c.  loops.c chooses.
*/
#ifndef cj_kernel_loops_h
#define cj_kernel_loops_h

#include "kernel/kernels.h"

enum { /* elementwise rows by number, and how many there are */
#define X(name, ...) CJK_ROW_##name,
#include "def/elementwise.def"
#undef X
       CJK_NEW
};

/* by dtype, then by row; NULL: the row does not compute in that dtype */
extern const cj_loop *const cjk_loops_base[CJ_NDTYPE], *const cjk_loops_avx2[CJ_NDTYPE],
                                                           *const cjk_loops_avx512[CJ_NDTYPE];
extern const cj_picked *const cjk_picked_base[CJ_NDTYPE],
    *const cjk_picked_avx2[CJ_NDTYPE], *const cjk_picked_avx512[CJ_NDTYPE]; /* by dtype: NULL, or by row */
#endif
