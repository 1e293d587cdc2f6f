/* table.c -- the op table: one pointer a row, in the order of def/ops.def. */
#include "rules/rules.h"

const cj_op *const cjr_table[CJ_NOPS] = {
    NULL,
#define OP(name) &cjo_##name,
#include "def/ops.def"
#undef OP
};

CJR_INFER(cjr_infer_same) {
  *out = *in[0];
  return true;
}

bool cjr_checked(cj_ctx *c, const cj_op *self, cj_type *t) {
  cj_type made;
  if (!cjt_make((cj_dtype)t->dtype, t->rank, t->dim, &made)) {
    cjm_fail(c, CJ_ELIMIT, "%s: the result %s is too large", self->name, cjr_show(t).s);
    return false;
  }
  *t = made;
  return true;
}

bool cjr_isaxis(cj_ctx *c, const cj_op *self, const cj_type *t, int64_t axis) {
  if (axis >= 1 && axis <= t->rank) return true;
  cjm_fail(c, CJ_EARG, "%s: shape %s has no axis %lld from the end", self->name, cjr_show(t).s, (long long)axis);
  return false;
}

bool cjr_samedtype(cj_ctx *c, const cj_op *self, const cj_type *x, const cj_type *z) {
  if (x->dtype == z->dtype) return true;
  cjm_fail(c, CJ_EDTYPE, "%s: dtypes %s and %s differ", self->name, cj_dtype_name((cj_dtype)x->dtype),
           cj_dtype_name((cj_dtype)z->dtype));
  return false;
}
