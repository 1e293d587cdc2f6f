/*
** source.c -- rows without operands.  input, konst and tensor are appended by graph/ with their type;
** nothing infers it.
*/
#include "rules/rules.h"

const cj_op cjo_input = {.name = "input", .sig = "", .doc = "an argument or a capture", .kind = CJ_SOURCE};
const cj_op cjo_konst = {.name = "konst", .sig = "", .doc = "a number", .kind = CJ_SOURCE};
const cj_op cjo_tensor = {.name = "tensor", .sig = "", .doc = "a constant tensor", .kind = CJ_SOURCE};

/* v: dtype, then the sizes */
static CJR_INFER(infer_source) {
  cj_type t = cjt_scalar((int)a->v[0]);
  if (a->n < 2) {
    cjm_fail(c, CJ_EARG, "%s: no size given", self->name);
    return false;
  }
  t.rank = (uint8_t)(a->n - 1);
  for (int e = 0; e < t.rank; e++) t.dim[e] = a->v[e + 1];
  *out = t;
  return cjr_checked(c, self, out);
}

const cj_op cjo_iota = {.name = "iota",
                        .sig = "",
                        .doc = "0, 1, ..., n-1",
                        .kind = CJ_SOURCE,
                        .flags = CJ_NODIFF,
                        .infer = infer_source,
                        .eval = cjk_iota};

const cj_op cjo_eye = {.name = "eye",
                       .sig = "",
                       .doc = "1 on the diagonal of an n by m matrix, else 0",
                       .kind = CJ_SOURCE,
                       .flags = CJ_NODIFF,
                       .infer = infer_source,
                       .eval = cjk_eye};
