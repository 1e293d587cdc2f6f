/* ops.c -- the table as data, and the one entry to all operations. */
#include "api/api.h"
#include "kernel/kernels.h"

#include <string.h>

int cj_op_count(void) { return CJ_NOPS - 1; }

static bool differentiable(const cj_op *row) {
  if (row->flags & CJ_NODIFF) return false;
  return row->partial || row->lin || row->jvp || row->kind == CJ_COMPOSITE;
}

/* Kernels of other rows give a value for all numbers. */
static bool may_fail(const cj_op *row) {
  switch (row->kind) {
  case CJ_ELEMENTWISE:
  case CJ_VIEWS:
  case CJ_REDUCES:
  case CJ_SCANS: return false;
  case CJ_DENSE: return row->fault != NULL;
  default: return true;
  }
}

/* Rows hold what they are; this is how they look from outside. */
cj_status cj_op_info(int op, cj_opinfo *out) {
  if (op < 0 || op >= cj_op_count()) return CJ_EARG;
  const cj_op *row = cjr_row(op + 1);
  *out = (cj_opinfo){.name = row->name,
                     .module = row->module,
                     .sig = row->sig,
                     .doc = row->doc,
                     .value = row->ctext,
                     .domain = row->domain,
                     .example = row->example,
                     .meta = row->meta,
                     .differentiable = differentiable(row),
                     .primitive = row->kind != CJ_COMPOSITE,
                     .fails = may_fail(row),
                     .method = row->flags & CJ_METHOD,
                     .index_result = row->flags & CJ_INDEXRESULT,
                     .list_result = row->flags & CJ_LISTRESULT};
  return CJ_OK;
}

/* list is comma-separated; "" is a member of ",linalg" and of "". */
static bool ismember(const char *list, const char *word) {
  size_t n = strlen(word);
  for (const char *s = list;; s++) {
    size_t m = strcspn(s, ",");
    if (m == n && memcmp(s, word, n) == 0) return true;
    s += m;
    if (*s == '\0') return false;
  }
}

int cj_op_find(const char *module, const char *name) {
  for (int i = 1; i < CJ_NOPS; i++) {
    const cj_op *row = cjr_row(i);
    if (strcmp(row->name, name) != 0) continue;
    if (module == NULL ? row->module == NULL : row->module && ismember(row->module, module)) return i - 1;
  }
  return -1;
}

/* --- building an operation in a trace ------------------------------------------------------------- */

static bool build_row(cj_trace *t, int op, const cj_ref *in, uint32_t weak, int nin, const cj_param *p, int np,
                      cj_ref *out, int cap, int *nout) {
  const cj_op *row = cjr_row(op);
  cj_call call = {.g = t->g, .op = op, .in = in, .nin = nin, .weak = weak, .p = p, .np = np};
  if (row->build) return row->build(&call, out, cap, nout) && cjg_ok(t->g);
  cj_attr a = {0};
  for (int i = 0; np > 0 && p[0].n > 0 && i < p[0].n && i < CJ_MAXRANK; i++) a.v[a.n++] = p[0].v[i];
  *nout = 1;
  out[0] = cjg_emit(t->g, op, in, nin, &a);
  return out[0] != 0;
}

static bool isweak(const cj_val *v) { return v->kind == CJ_NUM || v->kind == CJ_INT || v->kind == CJ_LOGICAL; }

/* The operands as instructions of t.  eager: integer tensors need not become constants. */
static bool take_operands(cj_trace *t, const cj_val *in, int nin, bool eager, cj_ref *refs, uint32_t *weak) {
  *weak = 0;
  for (int i = 0; i < nin; i++) {
    refs[i] = 0;
    if (in[i].kind == CJ_NONE) continue;
    if (isweak(&in[i]) && i < 32) *weak |= 1u << i;
    if (eager && !isweak(&in[i])) {
      cj_origin o = cj_val_origin(&in[i]);
      refs[i] = cjg_trace_capture(t, o.small ? o.small->type : &o.tensor->type, &o);
    } else {
      refs[i] = cj_ref_of(t, &in[i]);
    }
    if (!refs[i]) return false;
  }
  return true;
}

enum { FEW_REFS = 16 };

/* Builds the operation in t and leaves the results' refs in res. */
static cj_status build_in(cj_trace *t, int op, const cj_val *in, int nin, bool eager, const cj_param *p, int np,
                          cj_ref *res, int cap, int *nout) {
  cj_ctx *c = t->g->c;
  cj_ref few[FEW_REFS], *refs = few;
  uint32_t weak;
  if (nin > FEW_REFS && !(refs = cjm_alloc(c, (size_t)nin * sizeof *refs))) return c->status;
  if (take_operands(t, in, nin, eager, refs, &weak)) build_row(t, op, refs, weak, nin, p, np, res, cap, nout);
  if (refs != few) cjm_free(c, refs, (size_t)nin * sizeof *refs);
  return c->status;
}

static cj_status demand_all(cj_trace *t, const cj_ref *res, int n, cj_val *out) {
  cj_ctx *c = t->g->c;
  for (int i = 0; i < n; i++) {
    cj_tensor *x;
    if (cje_demand(t, res[i], &x) != CJ_OK) {
      cj_vals_release(out, i);
      return c->status;
    }
    cjt_retain(x);
    out[i] = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
  }
  return CJ_OK;
}

/* A tensor on the stack: elements that are somewhere, row-major. */
static cj_tensor *stack_tensor(cj_ctx *c, const cj_type *t, const void *data, cj_tensor *x) {
  *x = (cj_tensor){.c = c, .data = (char *)(uintptr_t)data, .refs = 1, .type = *t};
  cjt_strides(t, x->stride);
  return x;
}

/* Operands of an operation that is done at once, where small ones are tensors on the stack. */
typedef struct on_stack {
  cj_tensor head[FEW_REFS];
  cj_val val[FEW_REFS];
  int n;
} on_stack;

static void put_on_stack(cj_ctx *c, const cj_val *in, int nin, on_stack *s) {
  s->n = nin;
  for (int i = 0; i < nin; i++) {
    s->val[i] = in[i];
    if (in[i].kind != CJ_SMALL) continue;
    cj_tensor *x = stack_tensor(c, in[i].u.small->type, in[i].u.small->data, &s->head[i]);
    s->val[i] = (cj_val){.kind = CJ_TENSOR, .u.tensor = x};
  }
}

static bool ison_stack(const on_stack *s, const cj_tensor *x) {
  return (const char *)x >= (const char *)s->head && (const char *)x < (const char *)(s->head + s->n);
}

/* Results that are tensors on the stack, or views of them, become copies. */
static cj_status leave_stack(cj_ctx *c, const on_stack *s, cj_val *out, int n) {
  for (int i = 0; i < n; i++) {
    cj_tensor *x = out[i].u.tensor, *y;
    if (!ison_stack(s, x->base ? x->base : x)) continue;
    if ((y = cjt_new(c, &x->type))) {
      cj_view from = cjt_asview(x), to = cjt_asview(y);
      cjk_copy_view(&from, &to);
    }
    cjt_release(x);
    out[i] = (cj_val){.kind = y ? CJ_TENSOR : CJ_NONE, .u.tensor = y};
  }
  if (!cjm_ok(c)) cj_vals_release(out, n);
  return c->status;
}

static cj_status apply_at_once(cj_ctx *c, int op, const cj_val *in, int nin, const cj_param *p, int np, cj_ref *res,
                               cj_val *out, int cap, int *nout) {
  cj_trace *t = cjg_trace_open(c);
  if (!t) return c->status;
  t->g->plain = true;
  cj_status s = build_in(t, op, in, nin, true, p, np, res, cap, nout);
  if (s == CJ_OK) s = demand_all(t, res, *nout, out);
  cjg_trace_drop(c, t);
  return s;
}

/* Concrete operands: the operation is written into a trace of its own, and its results are demanded. */
static cj_status apply_eager(cj_ctx *c, int op, const cj_val *in, int nin, const cj_param *p, int np, cj_ref *res,
                             cj_val *out, int cap, int *nout) {
  on_stack own;
  bool small = false;
  for (int i = 0; i < nin; i++) small |= in[i].kind == CJ_SMALL;
  if (!small || nin > FEW_REFS) return apply_at_once(c, op, in, nin, p, np, res, out, cap, nout);
  put_on_stack(c, in, nin, &own);
  cj_status s = apply_at_once(c, op, own.val, nin, p, np, res, out, cap, nout);
  return s == CJ_OK ? leave_stack(c, &own, out, *nout) : s;
}

static cj_status apply_traced(cj_trace *t, int op, const cj_val *in, int nin, const cj_param *p, int np, cj_ref *res,
                              cj_val *out, int cap, int *nout) {
  cj_status s = build_in(t, op, in, nin, false, p, np, res, cap, nout);
  for (int i = 0; s == CJ_OK && i < *nout; i++) out[i] = cj_val_of(t, res[i]);
  t->g->now = 0;
  return s;
}

/* --- the short ways for elementwise operations on floats of one dtype --------------------------------- */

/* The row that computes op of such operands, 0: not a case for the short ways.  Where the exponent is a number, rules
** (rules/elementwise.c, power) choose cheaper rows: the simplest of them here. */
static int short_row(int op, const cj_val *in, int *nin) {
  const cj_op *row = cjr_row(op);
  if (row->kind != CJ_ELEMENTWISE || *nin != row->nin || op == CJ_OP_where) return 0;
  if (op != CJ_OP_pow) return op;
  double z = in[1].kind == CJ_NUM ? in[1].u.num : in[1].kind == CJ_INT ? (double)in[1].u.i : 0;
  if (z == 0 || z == 1 || z == 3 || z == -0.5) return 0;
  *nin = z == 2 || z == 0.5 || z == -1 ? 1 : 2;
  return z == 2 ? CJ_OP_square : z == 0.5 ? CJ_OP_sqrt : z == -1 ? CJ_OP_reciprocal : CJ_OP_pow;
}

/* An operand as it lies in memory. */
typedef struct operand_at {
  const cj_type *type;
  const void *data;
} operand_at;

/* False: not row-major, or no tensor. */
static bool where_at(const cj_val *v, operand_at *at) {
  if (v->kind == CJ_SMALL) return *at = (operand_at){v->u.small->type, v->u.small->data}, true;
  if (v->kind != CJ_TENSOR) return false;
  const cj_tensor *x = v->u.tensor;
  *at = (operand_at){&x->type, x->data};
  return cjt_iscontiguous(&x->type, x->stride);
}

/* Numbers of operands as elements of that dtype. */
typedef union float_of {
  double d;
  float f;
} float_of;

static const void *put_float(const cj_val *v, int dtype, float_of *e) {
  double d = v->kind == CJ_NUM ? v->u.num : (double)v->u.i;
  if (dtype == CJ_F64)
    e->d = d;
  else
    e->f = (float)d;
  return e;
}

/* The one float type of the operands, numbers and 0-d ones aside; *splat: these.  NULL: there is none. */
static const cj_type *one_type(const cj_val *in, int nin, const void **data, unsigned *splat) {
  const cj_type *t = NULL;
  operand_at at;
  *splat = 0;
  for (int i = 0; i < nin; i++) {
    if (isweak(&in[i])) continue;
    if (!where_at(&in[i], &at) || (t && t->dtype != at.type->dtype)) return NULL;
    data[i] = at.data;
    if (at.type->rank == 0) *splat |= 1u << i;
    if (!t || t->rank == 0)
      t = at.type;
    else if (at.type->rank && !cjt_sameshape(t, at.type))
      return NULL;
  }
  return t && cjt_isfloat(t->dtype) ? t : NULL;
}

const cj_type *cj_apply_small(cj_ctx *c, int op, const cj_val *in, int nin, void *out, size_t room) {
  const void *data[3];
  float_of number[3];
  unsigned splat;
  if (op < 0 || op >= cj_op_count() || !(op = short_row(op + 1, in, &nin))) return NULL;
  const cj_type *t = one_type(in, nin, data, &splat);
  if (!t || !(cjr_row(op)->flags & CJ_KEEPSTYPE)) return NULL;
  int64_t n = t->rank ? cjt_count(t) : 1;
  if ((size_t)n * cjt_dsize(t->dtype) > room) return NULL;
  for (int i = 0; i < nin; i++)
    if (isweak(&in[i])) data[i] = put_float(&in[i], t->dtype, &number[i]), splat |= 1u << i;
  if (n) cjk_loop(c->isa, op - CJ_OP_FIRST_EW, t->dtype)(n, out, data, t->rank ? splat : 0);
  return t;
}

/* False: not a case for the short way (or an error that the long way will explain). */
static bool apply_short(cj_ctx *c, int op, const cj_val *in, int nin, cj_val *out) {
  cj_tensor *x[3], head[3], *y;
  const cj_type *types[3];
  float_of number[3];
  cj_type t;
  int dtype = -1;
  if (!(op = short_row(op, in, &nin))) return false;
  const cj_op *row = cjr_row(op);
  for (int i = 0; i < nin; i++) {
    if (isweak(&in[i])) continue;
    if (in[i].kind != CJ_TENSOR && in[i].kind != CJ_SMALL) return false;
    int dt = in[i].kind == CJ_TENSOR ? in[i].u.tensor->type.dtype : in[i].u.small->type->dtype;
    if (!cjt_isfloat(dt) || (dtype >= 0 && dt != dtype)) return false;
    dtype = dt;
  }
  if (dtype < 0 || !cjk_loop(c->isa, op - CJ_OP_FIRST_EW, dtype)) return false;
  cj_type scalar = cjt_scalar(dtype);
  for (int i = 0; i < nin; i++) {
    if (in[i].kind == CJ_TENSOR)
      x[i] = in[i].u.tensor;
    else if (in[i].kind == CJ_SMALL)
      x[i] = stack_tensor(c, in[i].u.small->type, in[i].u.small->data, &head[i]);
    else
      x[i] = stack_tensor(c, &scalar, put_float(&in[i], dtype, &number[i]), &head[i]);
    types[i] = &x[i]->type;
  }
  cj_attr none = {0};
  if (!row->infer(c, row, types, nin, &none, &t) || cje_eval(c, op, x, nin, &none, &t, &y) != CJ_OK) return false;
  *out = (cj_val){.kind = CJ_TENSOR, .u.tensor = y};
  return true;
}

/* A value of the innermost trace t. */
static inline bool istop(const cj_trace *t, const cj_val *v) {
  return v->kind == CJ_TRACED && v->u.at.trace == t->id && v->u.at.ref - 1 < t->g->len - 1;
}

/* The dtype of an operand that is an instruction of t, *ref, or a tensor that will be a capture (0); -1: else. */
static inline int operand_dtype(const cj_trace *t, const cj_val *v, cj_ref *ref) {
  *ref = 0;
  if (istop(t, v)) return cjg_type(t->g, *ref = v->u.at.ref)->dtype;
  if (v->kind == CJ_TENSOR) return v->u.tensor->type.dtype;
  return v->kind == CJ_SMALL ? v->u.small->type->dtype : -1;
}

/* Numbers, which take that dtype, and captures become instructions. */
static void put_others(cj_trace *t, const cj_val *in, int nin, int dtype, cj_ref *refs) {
  for (int i = 0; i < nin; i++)
    if (isweak(&in[i]))
      refs[i] = cjg_num(t->g, dtype, in[i].kind == CJ_NUM ? in[i].u.num : (double)in[i].u.i);
    else if (!refs[i])
      refs[i] = cj_ref_of(t, &in[i]);
}

/* The same inside the innermost open trace.  False: not a case for the short way. */
static bool apply_traced_short(cj_trace *t, int op, const cj_val *in, int nin, cj_val *out) {
  cj_ref refs[3];
  int dtype = -1, ntraced = 0;
  if (!(op = short_row(op, in, &nin))) return false;
  for (int i = 0; i < nin; i++) {
    if (isweak(&in[i])) continue;
    int dt = operand_dtype(t, &in[i], &refs[i]);
    if (!cjt_isfloat(dt) || (dtype >= 0 && dt != dtype)) return false;
    dtype = dt;
    ntraced += refs[i] != 0;
  }
  if (ntraced == 0) return false;
  if (!(cjr_row(op)->flags & CJ_KEEPSTYPE) && !cjk_loop(t->g->c->isa, op - CJ_OP_FIRST_EW, dtype)) return false;
  if (ntraced < nin) put_others(t, in, nin, dtype, refs);
  cj_ref r = cjg_emit(t->g, op, refs, nin, NULL);
  if (r) *out = cj_val_of(t, r);
  t->g->now = 0;
  return true;
}

bool cj_trace_at(cj_ctx *c, const cj_val *x, const int64_t *at, int n, cj_val *out) {
  cj_trace *t = c->tracer ? c->tracer->top : NULL;
  cjm_clear(c);
  if (!t || !istop(t, x)) return false;
  cj_ref r = x->u.at.ref;
  cj_type whole = *cjg_type(t->g, r);
  if (n < 1 || n > whole.rank) return false;
  cj_attr shape = {.n = whole.rank - n};
  for (int k = 0; k < n; k++) {
    int64_t size = whole.dim[k], i = at[k] < 0 ? at[k] + size : at[k];
    cj_attr one = {.n = 4, .v = {whole.rank - k, i, 1, 1}};
    if (i < 0 || i >= size) return false;
    r = cjg_emit(t->g, CJ_OP_slice, &r, 1, &one);
  }
  for (int k = n; k < whole.rank; k++) shape.v[k - n] = whole.dim[k];
  r = cjg_emit(t->g, CJ_OP_reshape, &r, 1, &shape);
  if (r) *out = cj_val_of(t, r);
  return r != 0;
}

cj_status cj_apply(cj_ctx *c, int op, const cj_val *in, int nin, const cj_param *p, int np, cj_val *out, int cap,
                   int *nout) {
  cj_trace *t;
  cj_ref few[FEW_REFS], *res = few;
  cjm_clear(c);
  *nout = 0;
  if (op < 0 || op >= CJ_NOPS - 1 || nin < 0 || cap < 1) return cjm_fail(c, CJ_EARG, "no such operation");
  op++;
  t = c->tracer ? c->tracer->top : NULL;
  if (t && apply_traced_short(t, op, in, nin, out)) return *nout = cjm_ok(c), c->status;
  if (!cj_innermost(c, in, nin, &t)) return c->status;
  if (!t && apply_short(c, op, in, nin, out)) return *nout = 1, CJ_OK;
  if (!cjm_ok(c)) return c->status;
  size_t bytes = (size_t)cap * sizeof *res;
  if (cap > FEW_REFS && !(res = cjm_alloc(c, bytes))) return c->status;
  cj_status s = t ? apply_traced(t, op, in, nin, p, np, res, out, cap, nout)
                  : apply_eager(c, op, in, nin, p, np, res, out, cap, nout);
  if (res != few) cjm_free(c, res, bytes);
  return s;
}
