/*
** control.c -- rows that run sub-programs.  What a scan is stands in graph/sub.h; how it is differentiated and
** batched, in transform/control.c, because its rules transform programs.
*/
#include "rules/control.h"
#include "rules/rules.h"

#include <string.h>

const cj_op cjo_scan = {.name = "scan",
                        .sig = "operands:list",
                        .doc = "a loop whose body is a program",
                        .kind = CJ_LOOPS,
                        .nin = 255,
                        .subs = 1u << CJG_BODY | 1u << CJG_JVP | 1u << CJG_VJP};

/* An instruction without operands would be a source: a loop that needs none gets a number that nobody reads. */
static cj_ref unread_operand(cj_graph *g, cj_graph *body) {
  cj_type t = {.dtype = CJ_I64};
  return cjg_arg(body, &t) ? cjg_int(g, 0) : 0;
}

cj_ref cjb_loop(cj_graph *g, const cjb_loopspec *s, const cj_ref *in) {
  cj_attr a = {.n = CJG_NLOOP};
  cj_ref only = s->body->narg ? 0 : unread_operand(g, s->body);
  a.v[CJG_BODY] = cjg_sub(g, s->body);
  a.v[CJG_JVP] = s->jvp ? cjg_sub(g, s->jvp) : -1;
  a.v[CJG_VJP] = s->vjp ? cjg_sub(g, s->vjp) : -1;
  a.v[CJG_STEPS] = s->steps;
  a.v[CJG_REVERSE] = s->reverse;
  a.v[CJG_NCARRY] = s->ncarry;
  a.v[CJG_NX] = s->nx;
  a.v[CJG_NY] = s->ny;
  return cjg_ok(g) ? cjg_emit(g, CJ_OP_scan, only ? &only : in, (int)s->body->narg, &a) : 0;
}

/* --- the result taken apart ------------------------------------------------------------------------------ */

cj_ref cjb_flatpart(cj_graph *g, cj_ref y, const cjg_loop *l, int k) {
  cjg_part p = cjg_part_of(l, k);
  return cjb_slice(g, y, 1, p.first, 1, p.rows * p.rowsize);
}

cj_ref cjb_part(cj_graph *g, cj_ref y, const cjg_loop *l, int k) {
  cjg_part p = cjg_part_of(l, k);
  return cjb_reshape(g, cjb_flatpart(g, y, l, k), &p.type);
}

cj_ref cjb_entries(cj_graph *g, cj_ref y, const cjg_loop *l, int k, int64_t first, int64_t n) {
  cjg_part p = cjg_part_of(l, k);
  cj_ref x = cjb_slice(g, y, 1, p.first + first * p.rowsize, 1, n * p.rowsize);
  p.type.dim[0] = n;
  return cjb_reshape(g, x, &p.type);
}

cj_ref cjb_last(cj_graph *g, cj_ref y, const cjg_loop *l, int k) {
  cjg_part p = cjg_part_of(l, k);
  cj_type t = *cjg_type(l->body, l->body->out[k]);
  return cjb_reshape(g, cjb_slice(g, y, 1, p.first + cjg_last_entry(l) * p.rowsize, 1, p.rowsize), &t);
}

/* --- bits ---------------------------------------------------------------------------------------------------- */

static CJR_INFER(infer_bits) {
  *out = *in[0];
  if (out->dtype != CJ_F64 && out->dtype != CJ_I64)
    return cjm_fail(c, CJ_EDTYPE, "%s: not for %s", self->name, cj_dtype_name((cj_dtype)out->dtype)), false;
  out->dtype = out->dtype == CJ_F64 ? CJ_I64 : CJ_F64;
  return true;
}

static CJR_ALIAS(alias_bits) {
  *offset = 0;
  memcpy(ostride, stride, in->rank * sizeof *ostride);
  return true;
}

const cj_op cjo_bits = {.name = "bits",
                        .sig = "x",
                        .doc = "an int64 as the float64 of the same bits, and back",
                        .kind = CJ_VIEWS,
                        .nin = 1,
                        .flags = CJ_NODIFF,
                        .infer = infer_bits,
                        .alias = alias_bits};

cj_ref cjb_bits(cj_graph *g, cj_ref x) { return cjg_emit(g, CJ_OP_bits, &x, 1, NULL); }
