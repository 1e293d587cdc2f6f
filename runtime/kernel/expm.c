/*
** expm.c -- the exponential of a matrix and its derivatives of every order.  Scaling, Pade approximation,
** squaring: N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM Journal
** on Matrix Analysis and Applications 26, 2005; its table of bounds and coefficients.  The derivative in the
** directions E1 .. Ek is the top right block of the exponential of a block triangular matrix (Higham,
** "Functions of matrices", theorem 3.6): blocks are numbered by sets of directions, (p, p) is A, and (p, q)
** is Ei where q is p with i added.
*/
#include "kernel/blas.h"
#include "kernel/kernels.h"
#include "kernel/lapack.h"
#include "kernel/stack.h"

#include <math.h>
#include <string.h>

typedef struct pade {
  int degree;
  double most; /* norm up to which the degree is enough for float64; for float32 up to degree 7 */
  double most32;
  double b[14];
} pade;

static const pade pades[] = {
    {3, 1.495585217958292e-2, 4.258730016922831e-1, {120, 60, 12, 1}},
    {5, 2.539398330063230e-1, 1.880152677804762e0, {30240, 15120, 3360, 420, 30, 1}},
    {7, 9.504178996162932e-1, 3.925724783138660e0, {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1}},
    {9,
     2.097847961257068e0,
     3.925724783138660e0,
     {17643225600, 8821612800, 2075673600, 302702400, 30270240, 2162160, 110880, 3960, 90, 1}},
    {13,
     5.371920351148152e0,
     3.925724783138660e0,
     {64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
      670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1}},
};

/* The approximation for a matrix of that norm, and how often it has to be halved before. */
static const pade *choose_pade(double norm, bool single, int *halvings) {
  size_t last = single ? 2 : sizeof pades / sizeof *pades - 1;
  *halvings = 0;
  for (size_t i = 0; i < last; i++)
    if (norm <= (single ? pades[i].most32 : pades[i].most)) return &pades[i];
  double most = single ? pades[last].most32 : pades[last].most;
  if (norm > most) *halvings = (int)ceil(log2(norm / most));
  return &pades[last];
}

#define T double
#define NAME(f) expm_##f##_f64
#define CALL(f) cjk_##f##_f64
#include "kernel/expm_body.h"
#undef T
#undef NAME
#undef CALL

#define T float
#define NAME(f) expm_##f##_f32
#define CALL(f) cjk_##f##_f32
#include "kernel/expm_body.h"
#undef T
#undef NAME
#undef CALL

const cj_eval cjk_expm[CJ_NDTYPE] = {[CJ_F64] = expm_eval_f64, [CJ_F32] = expm_eval_f32};

size_t cjk_expm_work(const cj_type *const *in, int nin, const cj_attr *a) {
  (void)a;
  int64_t n = in[0]->dim[in[0]->rank - 1] << (nin - 1);
  return (size_t)(11 * n * n + n + cjk_getrf_work(n)) * 8;
}
