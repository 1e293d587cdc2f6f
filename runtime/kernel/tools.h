/* tools.h -- what the compiler is told in kernel files. */
#ifndef cj_kernel_tools_h
#define cj_kernel_tools_h

#define CJK_PASTE_(a, b) a##_##b
#define CJK_PASTE(a, b) CJK_PASTE_(a, b) /* a_b, the names of a text that is included once a dtype */

/* Inlined even where the optimiser would not: arguments that select code are constants at each call. */
#define CJK_INLINE static inline __attribute__((always_inline))

/* Never inlined, so that what is seldom called costs nothing where it is not. */
#define CJK_NOINLINE __attribute__((noinline))

/* No iteration of the loop that follows reads what an earlier one wrote.  (Clang asks the addresses.) */
#if defined(__clang__)
#define CJK_IVDEP
#else
#define CJK_IVDEP _Pragma("GCC ivdep")
#endif
#endif
