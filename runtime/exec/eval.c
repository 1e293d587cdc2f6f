/* eval.c -- one instruction on concrete tensors: the way of every operation outside a trace. */
#include "exec/exec.h"
#include "exec/pattern.h"
#include "kernel/kernels.h"

enum { BLOCK = 512, CHUNK = 1 << 16, FEW = 8 };

static cj_status cannot(cj_ctx *c, const cj_op *row, int dtype) {
  return cjm_fail(c, CJ_EDTYPE, "%s: not for %s", row->name, cj_dtype_name((cj_dtype)dtype));
}

/* --- elementwise ---------------------------------------------------------------------------------------- */

/* Every operand is one element or lies like the result: the loop runs on them as they are. */
static bool simple(cj_tensor *const *in, int nin, const cj_type *t, unsigned *splat) {
  *splat = 0;
  for (int i = 0; i < nin; i++) {
    const cj_tensor *x = in[i];
    if (x->type.rank == 0 || cjt_count(&x->type) == 1)
      *splat |= 1u << i;
    else if (!cjt_sameshape(&x->type, t) || !cjt_iscontiguous(t, x->stride))
      return false;
  }
  return true;
}

static cj_status loop_simple(cj_ctx *c, cj_loop loop, cj_tensor *const *in, int nin, unsigned splat, cj_tensor *y) {
  int64_t n = cjt_count(&y->type), ysize = (int64_t)cjt_dsize(y->type.dtype);
  const void *x[3];
  for (int64_t first = 0; first < n; first += CHUNK) {
    if (first && cjm_poll(c) != CJ_OK) return c->status;
    for (int i = 0; i < nin; i++)
      x[i] = splat >> i & 1 ? in[i]->data : in[i]->data + first * (int64_t)cjt_dsize(in[i]->type.dtype);
    loop(n - first < CHUNK ? n - first : CHUNK, y->data + first * ysize, x, splat);
  }
  return CJ_OK;
}

typedef struct operand {
  cje_access how;
  cje_pattern pattern;
  const char *data;
} operand;

static cj_status loop_strided(cj_ctx *c, cj_loop loop, cj_tensor *const *in, int nin, cj_tensor *y) {
  int64_t block[3][BLOCK], n = cjt_count(&y->type), ysize = (int64_t)cjt_dsize(y->type.dtype);
  operand o[3];
  const void *x[3];
  unsigned splat = 0;
  for (int i = 0; i < nin; i++) {
    o[i].how = cje_pattern_make(&o[i].pattern, &y->type, &in[i]->type, in[i]->stride);
    x[i] = o[i].data = in[i]->data;
    if (o[i].how == CJE_SPLAT) splat |= 1u << i;
  }
  for (int64_t first = 0; first < n; first += BLOCK) {
    int64_t m = n - first < BLOCK ? n - first : BLOCK;
    if (first % CHUNK == 0 && first && cjm_poll(c) != CJ_OK) return c->status;
    for (int i = 0; i < nin; i++) {
      if (o[i].how == CJE_DENSE) x[i] = o[i].data + first * (int64_t)o[i].pattern.esize;
      if (o[i].how != CJE_STRIDED) continue;
      cje_pattern_load(&o[i].pattern, block[i], o[i].data, first, m);
      x[i] = block[i];
    }
    loop(m, y->data + first * ysize, x, splat);
  }
  return CJ_OK;
}

static cj_status eval_elementwise(cj_ctx *c, int op, cj_tensor *const *in, int nin, cj_tensor *y) {
  int dtype = in[nin - 1]->type.dtype; /* the last operand's: where's first is bool */
  cj_loop loop = cjk_loop(c->isa, op - CJ_OP_FIRST_EW, dtype);
  unsigned splat;
  if (!loop) return cannot(c, cjr_row(op), dtype);
  if (simple(in, nin, &y->type, &splat)) return loop_simple(c, loop, in, nin, splat, y);
  return loop_strided(c, loop, in, nin, y);
}

/* --- views -------------------------------------------------------------------------------------------------- */

static cj_status eval_view(cj_ctx *c, const cj_op *row, cj_tensor *x, const cj_attr *a, const cj_type *t,
                           cj_tensor **out) {
  int64_t stride[CJ_MAXRANK] = {0}, offset = 0;
  if (row->alias(&x->type, x->stride, a, t, stride, &offset)) {
    *out = cjt_view(x, t, stride, offset);
    return *out ? CJ_OK : c->status;
  }
  cj_tensor *copy = cjt_new(c, &x->type);
  if (!copy) return c->status;
  cj_view from = cjt_asview(x), to = cjt_asview(copy);
  cjk_copy_view(&from, &to);
  if (CJ_NEVER(!row->alias(&copy->type, copy->stride, a, t, stride, &offset)))
    cjm_fail(c, CJ_EARG, "%s: no view of a contiguous operand", row->name);
  else
    *out = cjt_view(copy, t, stride, offset);
  cjt_release(copy);
  return *out ? CJ_OK : c->status;
}

/* --- kernels ------------------------------------------------------------------------------------------------- */

static cj_status refused(cj_ctx *c, const cj_op *row, cj_status st) {
  const char *why = st == CJ_EDOMAIN && row->fault ? row->fault : cj_status_text(st);
  return cjm_fail(c, st, "%s: %s", row->name, why);
}

static cj_status run_kernel(cj_ctx *c, const cj_op *row, cj_eval eval, const cj_view *v, const cj_type *const *types,
                            int nin, const cj_attr *a, cj_tensor *y) {
  size_t nbytes = row->work ? row->work(types, nin, a) : 0;
  void *work = nbytes ? cje_work_take(c, nbytes) : NULL;
  if (nbytes && !work) return c->status;
  cj_view out = cjt_asview(y);
  cj_status st = eval(v, nin, a, &out, work);
  if (work) cje_work_give(c, work, nbytes);
  return st == CJ_OK ? st : refused(c, row, st);
}

static cj_status eval_kernel(cj_ctx *c, const cj_op *row, cj_tensor *const *in, int nin, const cj_attr *a,
                             cj_tensor *y) {
  int dtype = nin ? in[0]->type.dtype : y->type.dtype;
  cj_eval eval = row->eval ? row->eval[dtype] : NULL;
  if (!eval) return cannot(c, row, dtype);
  cj_view few[FEW], *v = few;
  const cj_type *fewtypes[FEW], **types = fewtypes;
  size_t nbytes = (size_t)nin * (sizeof *v + sizeof *types);
  if (nin > FEW) {
    if (!(v = cjm_alloc(c, nbytes))) return c->status;
    types = (const cj_type **)(void *)(v + nin);
  }
  for (int i = 0; i < nin; i++) {
    v[i] = cjt_asview(in[i]);
    types[i] = v[i].type;
  }
  cj_status st = run_kernel(c, row, eval, v, types, nin, a, y);
  if (v != few) cjm_free(c, v, nbytes);
  return st;
}

cj_status cje_eval(cj_ctx *c, int op, cj_tensor *const *in, int nin, const cj_attr *a, const cj_type *t,
                   cj_tensor **out) {
  static const cj_attr none;
  const cj_op *row = cjr_row(op);
  *out = NULL;
  if (!a) a = &none;
  if (row->alias && nin == 1 && cjt_count(t) > 0) return eval_view(c, row, in[0], a, t, out);
  cj_tensor *y = cjt_new(c, t);
  if (!y) return c->status;
  cj_status st = CJ_OK;
  if (cjt_count(t) > 0)
    st = row->kind == CJ_ELEMENTWISE ? eval_elementwise(c, op, in, nin, y) : eval_kernel(c, row, in, nin, a, y);
  if (st == CJ_OK)
    *out = y;
  else
    cjt_release(y);
  return st;
}
