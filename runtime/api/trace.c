/* trace.c -- values, and traces as numbers. */
#include "api/api.h"
#include "rules/build.h"

#include <string.h>

/* --- values ------------------------------------------------------------------------------------------- */

static cj_trace *trace_of(cj_ctx *c, const cj_val *v) {
  cj_trace *t = cjg_trace_find(c, v->u.at.trace);
  if (!t || v->u.at.ref == 0 || v->u.at.ref >= t->g->len) {
    cjm_fail(c, CJ_ESTALE,
             "a traced tensor was used after the function it belongs to had ended; return it from the function, or use "
             "its value there (x:item(), x:detach())");
    return NULL;
  }
  return t;
}

bool cj_innermost(cj_ctx *c, const cj_val *v, int n, cj_trace **out) {
  *out = NULL;
  for (int i = 0; i < n; i++) {
    if (v[i].kind != CJ_TRACED) continue;
    cj_trace *t = trace_of(c, &v[i]);
    if (!t) return false;
    if (!*out || t->id > (*out)->id) *out = t;
  }
  return true;
}

cj_origin cj_val_origin(const cj_val *v) {
  if (v->kind == CJ_TENSOR) return (cj_origin){.tensor = v->u.tensor};
  if (v->kind == CJ_SMALL) return (cj_origin){.small = v->u.small};
  return (cj_origin){.trace = v->u.at.trace, .ref = v->u.at.ref};
}

cj_val cj_origin_val(const cj_origin *o) {
  if (o->tensor) return (cj_val){.kind = CJ_TENSOR, .u.tensor = o->tensor};
  if (o->trace) return (cj_val){.kind = CJ_TRACED, .u.at = {o->trace, o->ref}};
  return (cj_val){.kind = CJ_NONE};
}

cj_val cj_val_of(const cj_trace *t, cj_ref r) { return (cj_val){.kind = CJ_TRACED, .u.at = {t->id, r}}; }

bool cj_type_of(cj_ctx *c, const cj_val *v, cj_type *out) {
  cj_trace *t;
  switch (v->kind) {
  case CJ_TENSOR: *out = v->u.tensor->type; return true;
  case CJ_SMALL: *out = *v->u.small->type; return true;
  case CJ_TRACED:
    if (!(t = trace_of(c, v))) return false;
    *out = *cjg_type(t->g, v->u.at.ref);
    return true;
  case CJ_NUM: *out = cjt_scalar(CJ_F64); return true;
  case CJ_INT: *out = cjt_scalar(CJ_I64); return true;
  case CJ_LOGICAL: *out = cjt_scalar(CJ_BOOL); return true;
  default: cjm_fail(c, CJ_EARG, "a value is missing"); return false;
  }
}

static cj_ref small_constant(cj_trace *t, const cj_small *s) {
  cj_tensor *x = cjt_from(t->g->c, s->type, s->data);
  cj_ref r = x ? cjg_tensor(t->g, x) : 0;
  cjt_release(x);
  return r;
}

/* All elements are 1: seeds often are, and products with them vanish from what is compiled. */
static bool is_all_ones(const cj_tensor *x) {
  size_t size = cjt_dsize(x->type.dtype), n = cjt_bytes(&x->type);
  const double one = 1;
  const float onef = 1;
  if (x->type.rank == 0 || n == 0 || !cjt_iscontiguous(&x->type, x->stride)) return false;
  if (memcmp(x->data, x->type.dtype == CJ_F64 ? (const void *)&one : (const void *)&onef, size) != 0) return false;
  return memcmp(x->data, x->data + size, n - size) == 0;
}

cj_ref cj_ref_of(cj_trace *t, const cj_val *v) {
  cj_ctx *c = t->g->c;
  cj_type ty;
  if (!cjm_ok(c)) return 0;
  if (v->kind == CJ_TRACED && v->u.at.trace == t->id && v->u.at.ref - 1 < t->g->len - 1) return v->u.at.ref;
  if (!cj_type_of(c, v, &ty)) return 0;
  switch (v->kind) {
  case CJ_NUM: return cjg_num(t->g, CJ_F64, v->u.num);
  case CJ_INT: return cjg_int(t->g, v->u.i);
  case CJ_LOGICAL: return cjg_num(t->g, CJ_BOOL, (double)(v->u.i != 0));
  case CJ_TENSOR:
    if (!cjt_isfloat(ty.dtype)) return cjg_tensor(t->g, v->u.tensor);
    if (t->guarded && is_all_ones(v->u.tensor)) return cjb_full(t->g, &ty, 1);
    break;
  case CJ_SMALL:
    if (!cjt_isfloat(ty.dtype)) return small_constant(t, v->u.small);
    break;
  default:
    if (v->u.at.trace > t->id)
      return cjm_fail(c, CJ_ESTALE, "a value of an inner function was used in an outer one"), 0;
  }
  cj_origin o = cj_val_origin(v);
  return cjg_trace_capture(t, &ty, &o);
}

cj_status cj_val_type(cj_ctx *c, const cj_val *v, cj_type *out) {
  cjm_clear(c);
  return cj_type_of(c, v, out) ? CJ_OK : c->status;
}

static cj_status number_tensor(cj_ctx *c, const cj_val *v, cj_tensor **out) {
  cj_type t;
  uint8_t b = v->u.i != 0;
  const void *src = v->kind == CJ_LOGICAL ? (const void *)&b
                    : v->kind == CJ_SMALL ? v->u.small->data
                                          : (const void *)&v->u;
  if (!cj_type_of(c, v, &t)) return c->status;
  *out = cjt_from(c, &t, src);
  return *out ? CJ_OK : c->status;
}

cj_status cj_val_tensor(cj_ctx *c, const cj_val *v, cj_tensor **out) {
  cjm_clear(c);
  *out = NULL;
  if (v->kind == CJ_TENSOR) {
    cjt_retain(*out = v->u.tensor);
    return CJ_OK;
  }
  if (v->kind != CJ_TRACED) return number_tensor(c, v, out);
  cj_trace *t = trace_of(c, v);
  cj_tensor *x;
  if (!t || cje_demand(t, v->u.at.ref, &x) != CJ_OK || !cj_guard_add(t, v->u.at.ref, x)) return c->status;
  cjt_retain(*out = x);
  return CJ_OK;
}

void cj_val_release(cj_val *v) {
  if (v->kind == CJ_TENSOR) cjt_release(v->u.tensor);
  v->kind = CJ_NONE;
}

void cj_vals_release(cj_val *v, int n) {
  for (int i = 0; i < n; i++) cj_val_release(&v[i]);
}

/* --- traces ---------------------------------------------------------------------------------------------- */

static cj_trace *open_trace(cj_ctx *c, uint32_t id) {
  cj_trace *t = cjg_trace_find(c, id);
  if (!t) cjm_fail(c, CJ_ESTALE, "the trace is not open");
  return t;
}

cj_status cj_trace_open(cj_ctx *c, uint32_t *trace) {
  cjm_clear(c);
  cj_trace *t = cjg_trace_open(c);
  *trace = t ? t->id : 0;
  if (t) t->g->plain = true;
  return c->status;
}

bool cj_trace_isopen(const cj_ctx *c, uint32_t trace) { return cjg_trace_find(c, trace) != NULL; }

void cj_trace_abandon(cj_ctx *c, uint32_t trace) {
  cj_trace *t = cjg_trace_find(c, trace);
  if (t) cj_trace_end(c, t);
}

void cj_trace_line(cj_ctx *c, uint32_t trace, int line) {
  cj_trace *t = cjg_trace_find(c, trace);
  if (t) t->g->now = line;
}

bool cj_trace_islasting(const cj_ctx *c, uint32_t trace) {
  const cj_trace *t = cjg_trace_find(c, trace);
  return t && (t->guarded || t->lasting);
}

void cj_trace_last(cj_ctx *c, uint32_t trace) {
  cj_trace *t = cjg_trace_find(c, trace);
  if (t) t->lasting = true;
}

static cj_status new_arg(cj_trace *t, const cj_type *ty, const cj_origin *o, cj_val *out) {
  cj_ref r = cjg_trace_arg(t, ty, o);
  if (r) *out = cj_val_of(t, r);
  return t->g->c->status;
}

cj_status cj_trace_input(cj_ctx *c, uint32_t trace, const cj_val *primal, cj_val *out) {
  cjm_clear(c);
  cj_trace *t = open_trace(c, trace);
  cj_type ty;
  if (!t || !cj_type_of(c, primal, &ty)) return c->status;
  if (primal->kind != CJ_TENSOR && primal->kind != CJ_TRACED && primal->kind != CJ_SMALL)
    return cjm_fail(c, CJ_EARG, "an argument must be a tensor");
  if (primal->kind == CJ_TRACED && primal->u.at.trace >= t->id)
    return cjm_fail(c, CJ_EARG, "an argument must come from outside the trace");
  cj_origin o = cj_val_origin(primal);
  return new_arg(t, &ty, &o, out);
}

cj_status cj_trace_input_type(cj_ctx *c, uint32_t trace, const cj_type *ty, cj_val *out) {
  cjm_clear(c);
  cj_trace *t = open_trace(c, trace);
  cj_origin o = {0};
  return t ? new_arg(t, ty, &o, out) : c->status;
}

cj_status cj_trace_close(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, cj_func **out) {
  cjm_clear(c);
  *out = NULL;
  cj_trace *t = open_trace(c, trace);
  if (!t) return c->status;
  for (int i = 0; i < ny && cjm_ok(c); i++) cjg_output(t->g, cj_ref_of(t, &y[i]));
  cj_graph *g = cjm_ok(c) ? cjg_prune(t->g) : NULL;
  if (g) {
    size_t bytes = (g->ncapture + 1) * sizeof(cj_val);
    cj_val *capture = cjm_alloc(c, bytes);
    for (uint32_t i = 0; capture && i < g->ncapture; i++) capture[i] = cj_origin_val(&t->capture[i]);
    if (capture)
      cj_func_wrap(c, g, capture, out);
    else
      cjg_free(g);
    cjm_free(c, capture, bytes);
  }
  cj_trace_end(c, t);
  return c->status;
}
