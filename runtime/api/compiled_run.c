/*
** compiled_run.c -- calling compiled functions.  A call at tensors fills the views, finds where the results go,
** runs the plan and looks at the guards.  Results for new tensors are written in place; those for tensors of the
** caller too if nothing can go wrong any more, else into memory aside first.
*/
#include "api/compiled.h"

#include <string.h>

static size_t padded(size_t n) { return (n + CJ_ALIGN - 1) / CJ_ALIGN * CJ_ALIGN; }
static bool is_type(const cj_type *a, const cj_type *b) {
  if (a->dtype != b->dtype || a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}
static size_t guard_room(const cj_type *t) { return (cjt_bytes(t) + 7) / 8 * 8; }

/* --- the memory of a run ----------------------------------------------------------------------------------- */

static bool plan_compiled(cj_compiled *k) {
  cj_graph part = *k->f->g; /* shares all memory */
  if (k->plan) return true;
  if (k->bound)
    return cjm_fail(k->c, CJ_EARG, "the function depends on a value of a trace; it can only be called there"), false;
  if (k->loops) {
    part.out += k->ny;
    part.nout = k->nguard;
    if (k->nguard == 0) return true;
  }
  return cje_plan_best(k->c, &part, &k->plan) == CJ_OK;
}

/* At least n bytes, what is in them is lost. */
static bool grow_block(cj_ctx *c, char **block, size_t *size, size_t n) {
  if (n <= *size) return true;
  char *p = cjm_aligned(c, n);
  if (!p) return false;
  cjm_aligned_free(c, *block, *size);
  *block = p;
  *size = n;
  return true;
}

bool cj_compiled_ready(cj_compiled *k) {
  const cj_graph *g = k->f->g;
  size_t nin = (size_t)g->narg + g->ncapture;
  if (k->room) return true;
  if (!plan_compiled(k) || (k->plan && !grow_block(k->c, &k->work, &k->nwork, cje_plan_worksize(k->plan, NULL))))
    return false;
  size_t types = ((size_t)k->nx + g->nout) * sizeof *k->in, bufs = (g->nout + (size_t)1) * sizeof *k->buf;
  size_t n =
      nin * sizeof *k->view + types + bufs + k->ny * sizeof *k->nbuf + k->nx * sizeof *k->num + k->nexpect + k->ny;
  if (!grow_block(k->c, &k->room, &k->nroom, n)) return false;
  k->view = (cj_view *)(void *)k->room;
  k->in = (const cj_type **)(void *)(k->view + nin);
  k->out = k->in + k->nx;
  k->buf = (void **)(void *)(k->out + g->nout);
  k->nbuf = (size_t *)(k->buf + g->nout + 1);
  k->num = (double *)(k->nbuf + k->ny);
  k->got = (char *)(k->num + k->nx);
  k->given = (bool *)(k->got + k->nexpect);
  for (uint32_t i = 0; i < g->ncapture; i++) {
    k->view[k->nx + i] = cjt_asview(k->f->capture[i].u.tensor);
    k->views |= k->f->capture[i].u.tensor->base != NULL;
  }
  for (uint32_t i = 0; i < k->nx; i++) {
    k->in[i] = cjg_type(g, g->arg[i]);
    k->view[i].type = NULL;
  }
  for (uint32_t i = 0; i < g->nout; i++) k->out[i] = cjg_type(g, g->out[i]);
  for (uint32_t i = 0; i < k->ny; i++) k->nbuf[i] = padded(cjt_bytes(k->out[i]));
  char *got = memset(k->got, 0, k->nexpect);
  for (uint32_t i = k->ny; i < g->nout; i++) {
    k->buf[i] = got;
    got += guard_room(cjg_type(g, g->out[i]));
  }
  return true;
}

/* --- arguments ------------------------------------------------------------------------------------------------ */

static cj_status wrong_input(cj_compiled *k, uint32_t i, const cj_val *x) {
  cj_type have;
  char buf[512];
  cj_text w = {buf, 0, sizeof buf};
  if (!cj_type_of(k->c, x, &have)) return k->c->status;
  cjm_putf(&w, "argument %u is ", i + 1);
  cjt_puttype(&w, &have);
  cjm_puts(&w, ", wanted ");
  cjt_puttype(&w, cj_func_in(k->f, (int)i));
  return cjm_fail(k->c, CJ_ESHAPE, "%s", buf);
}

/* Row-major elements; a view that had that type before has its strides. */
static void take_elements(cj_view *v, const cj_type *t, char *data) {
  if (v->type != t) *v = cjt_rowmajor(NULL, t);
  v->data = data;
}

/* Fills the views; *strided: some argument or capture may not be row-major. */
static bool take_inputs(cj_compiled *k, const cj_val *x, bool *strided) {
  *strided = k->views;
  for (uint32_t i = 0; i < k->nx; i++) {
    const cj_type *t = k->in[i];
    cj_view *v = &k->view[i];
    if (x[i].kind == CJ_TENSOR) {
      const cj_tensor *a = x[i].u.tensor;
      if (!is_type(&a->type, t)) return wrong_input(k, i, &x[i]), false;
      if (a->base)
        *v = cjt_asview(a), *strided = true;
      else
        take_elements(v, t, a->data);
    } else if (x[i].kind == CJ_SMALL) {
      if (!is_type(x[i].u.small->type, t)) return wrong_input(k, i, &x[i]), false;
      take_elements(v, t, x[i].u.small->data);
    } else if (x[i].kind == CJ_NUM && t->dtype == CJ_F64 && t->rank == 0) {
      k->num[i] = x[i].u.num;
      v->data = (char *)&k->num[i];
      v->type = t; /* without axes, so without strides */
    } else {
      return wrong_input(k, i, &x[i]), false;
    }
  }
  return !*strided || !k->plan || grow_block(k->c, &k->work, &k->nwork, cje_plan_worksize(k->plan, k->view));
}

/* --- results ---------------------------------------------------------------------------------------------------- */

static const cj_type *given_type(const cj_val *y) {
  return y->kind == CJ_SMALL ? y->u.small->type : &y->u.tensor->type;
}
static char *given_data(const cj_val *y) { return y->kind == CJ_SMALL ? y->u.small->data : y->u.tensor->data; }

static bool wrong_output(cj_compiled *k, uint32_t i, const cj_val *y) {
  char buf[512];
  cj_text w = {buf, 0, sizeof buf};
  cjm_putf(&w, "result %u is ", i + 1);
  cjt_puttype(&w, k->out[i]);
  cjm_puts(&w, ", the tensor for it is ");
  cjt_puttype(&w, given_type(&y[i]));
  return cjm_fail(k->c, CJ_ESHAPE, "%s", buf), false;
}
static bool check_given(cj_compiled *k, uint32_t i, const cj_val *y) {
  return !k->given[i] || is_type(given_type(&y[i]), k->out[i]) || wrong_output(k, i, y);
}

/* Whether a tensor to write to is read too. */
static bool is_read(const cj_compiled *k, const cj_val *x, const cj_val *y) {
  const void *to = given_data(y);
  for (uint32_t j = 0; j < k->nx; j++)
    if ((x[j].kind == CJ_TENSOR || x[j].kind == CJ_SMALL) && given_data(&x[j]) == to) return true;
  return false;
}

static const char *given_end(const cj_val *y) { return given_data(y) + cjt_bytes(given_type(y)); }

/* Elements of result i would be those of one before it. */
static bool is_taken(cj_compiled *k, const cj_val *y, uint32_t i) {
  for (uint32_t j = 0; j < i; j++) {
    if (!k->given[j] || given_data(&y[i]) >= given_end(&y[j]) || given_data(&y[j]) >= given_end(&y[i])) continue;
    return cjm_fail(k->c, CJ_EARG, "the tensors for results %u and %u share elements", j + 1, i + 1), true;
  }
  return false;
}

static void drop_new(const cj_compiled *k, cj_val *y, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (!k->given[i]) cj_val_release(&y[i]);
}

static size_t stage_size(const cj_compiled *k) {
  size_t n = 0;
  for (uint32_t i = 0; i < k->ny; i++)
    if (k->given[i]) n += k->nbuf[i];
  return n;
}

/* Room for the results; *aside: those for tensors of the caller go to the stage. */
static bool take_outputs(cj_compiled *k, const cj_val *x, cj_val *y, bool *aside) {
  uint32_t i = 0;
  *aside = k->careful;
  for (; i < k->ny; i++) {
    k->given[i] = y[i].kind == CJ_TENSOR || y[i].kind == CJ_SMALL;
    if (!k->given[i]) {
      cj_tensor *t = cjt_new(k->c, k->out[i]);
      if (!t) break;
      y[i] = (cj_val){.kind = CJ_TENSOR, .u.tensor = t};
    } else if (y[i].kind == CJ_TENSOR && !cjt_isunique(y[i].u.tensor)) {
      cjm_fail(k->c, CJ_EARG, "the tensor for result %u shares its elements with another one", i + 1);
      break;
    } else if (is_taken(k, y, i)) {
      break;
    } else {
      *aside |= is_read(k, x, &y[i]);
    }
    k->buf[i] = given_data(&y[i]);
  }
  bool ok = i == k->ny;
  for (uint32_t j = 0; ok && !*aside && j < k->ny; j++) ok = check_given(k, j, y);
  ok = ok && (!*aside || grow_block(k->c, &k->stage, &k->nstage, stage_size(k)));
  if (!ok) drop_new(k, y, i);
  return ok;
}

static void aim_aside(cj_compiled *k) {
  size_t at = 0;
  for (uint32_t i = 0; i < k->ny; i++) {
    if (!k->given[i]) continue;
    k->buf[i] = k->stage + at;
    at += k->nbuf[i];
  }
}

static bool hand_over(cj_compiled *k, const cj_val *y) {
  for (uint32_t i = 0; i < k->ny; i++)
    if (!check_given(k, i, y)) return false;
  for (uint32_t i = 0; i < k->ny; i++) {
    size_t n = k->given[i] ? cjt_bytes(given_type(&y[i])) : 0; /* without elements there is no stage */
    if (n) memcpy(given_data(&y[i]), k->buf[i], n);
  }
  return true;
}

/* --- guards ------------------------------------------------------------------------------------------------------ */

/* A plan may round other than the single operations of a trace.  Only floats can differ for that reason. */
static void settle_guards(cj_compiled *k) {
  size_t at = 0;
  for (uint32_t i = 0; i < k->nguard; i++) {
    const cj_type *t = k->out[k->ny + i];
    if (cjt_isfloat(t->dtype)) memcpy(k->expect + at, k->got + at, cjt_bytes(t));
    at += guard_room(t);
  }
}

static bool guards_hold(const cj_compiled *k) { /* gaps between them are zeros in both */
  return memcmp(k->got, k->expect, k->nexpect) == 0;
}

/* --- at tensors ----------------------------------------------------------------------------------------------------
 */

static cj_status run_compiled(cj_compiled *k) {
  cj_ctx *c = k->c;
  const char *fault = NULL;
  int line = 0;
  cj_status s = CJ_OK;
  if (k->plan)
    s = cje_plan_run(k->plan, k->view, k->loops ? k->buf + k->ny : k->buf, k->work, c->cancel, &fault, &line);
  return s == CJ_OK ? s : cj_fault(c, s, fault, line);
}

static cj_status run_in_loops(cj_compiled *k) {
  const char *fault = NULL;
  int line = 0;
  cj_status s = cjj_run(k->c, k->loops, k->view, k->buf, &fault, &line);
  return s == CJ_OK ? s : cj_fault(k->c, s, fault, line);
}

static cj_status call_at_tensors(cj_compiled *k, const cj_val *x, cj_val *y, bool *valid) {
  cj_ctx *c = k->c;
  bool strided, aside, good = true;
  if ((!k->room && !cj_compiled_ready(k)) || !take_inputs(k, x, &strided) || !take_outputs(k, x, y, &aside))
    return c->status;
  if (aside) aim_aside(k);
  cj_status s = run_compiled(k);
  if (s == CJ_OK && k->nguard) {
    if (!valid)
      settle_guards(k);
    else
      good = *valid = guards_hold(k);
  }
  if (s == CJ_OK && good && k->loops) s = run_in_loops(k);
  if (s == CJ_OK && good && aside && !hand_over(k, y)) s = c->status;
  if (s != CJ_OK || !good) drop_new(k, y, k->ny);
  return s;
}

/* --- in a trace ------------------------------------------------------------------------------------------------------
 */

/* The trace takes the guards over, up to the first that does not hold. */
static cj_status check_traced_guards(cj_compiled *k, const cj_val *guard, bool *valid) {
  const char *expect = k->expect;
  for (uint32_t i = 0; i < k->nguard; i++) {
    cj_tensor *x, *y;
    if (cj_val_tensor(k->c, &guard[i], &x) != CJ_OK) return k->c->status;
    y = cjt_contiguous(x);
    cjt_release(x);
    if (!y) return k->c->status;
    bool same = memcmp(y->data, expect, cjt_bytes(&y->type)) == 0;
    expect += guard_room(&y->type);
    cjt_release(y);
    if (!same && valid) return *valid = false, CJ_OK;
  }
  return CJ_OK;
}

static cj_status call_in_trace(cj_compiled *k, const cj_val *x, cj_val *y, bool *valid) {
  cj_ctx *c = k->c;
  const cj_graph *g = k->f->g;
  size_t nin = (size_t)g->narg + g->ncapture, bytes = (nin + g->nout + 1) * sizeof(cj_val);
  for (uint32_t i = 0; i < k->nx; i++) {
    cj_type t;
    if (!cj_type_of(c, &x[i], &t)) return c->status;
    if (!cjt_same(&t, cj_func_in(k->f, (int)i))) return wrong_input(k, i, &x[i]);
  }
  cj_val *in = cjm_alloc(c, bytes), *out = in ? in + nin : NULL;
  if (!in) return c->status;
  if (k->nx) memcpy(in, x, k->nx * sizeof *in);
  if (g->ncapture) memcpy(in + k->nx, k->f->capture, g->ncapture * sizeof *in);
  if (cj_program_apply(c, g, in, out) == CJ_OK && check_traced_guards(k, out + k->ny, valid) == CJ_OK && k->ny)
    memcpy(y, out, k->ny * sizeof *y);
  cjm_free(c, in, bytes);
  return c->status;
}

cj_status cj_compiled_call(cj_compiled *k, const cj_val *x, int nx, cj_val *y, bool *valid) {
  cj_ctx *c = k->c;
  bool traced = k->bound;
  cjm_clear(c);
  if (valid) *valid = true;
  if (nx < 0 || (uint32_t)nx != k->nx)
    return cjm_fail(c, CJ_EARG, "the function takes %u arguments, got %d", k->nx, nx);
  for (uint32_t i = 0; i < k->nx; i++) traced |= x[i].kind == CJ_TRACED;
  return traced ? call_in_trace(k, x, y, valid) : call_at_tensors(k, x, y, valid);
}
