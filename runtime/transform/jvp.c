/* jvp.c -- push tangents forward, one instruction at a time, by the shape of its row. */
#include "rules/build.h"
#include "transform/common.h"
#include "transform/transform.h"

#include <string.h>

bool cjx_islinear(const cj_op *row, int i) { return row->lin >> (i < 31 ? i : 31) & 1; }
bool cjx_isaux(const cj_op *row, int i) { return i < 32 && (row->aux >> i & 1); }

/* The tangents that count: those of operands that carry a derivative. */
static bool filter(const cj_op *row, int nin, const cj_ref *t, cj_ref *used, bool *linear) {
  bool any = false;
  *linear = true;
  for (int i = 0; i < nin; i++) {
    used[i] = cjx_isaux(row, i) ? 0 : t[i];
    any |= used[i] != 0;
    if (used[i] && !cjx_islinear(row, i)) *linear = false;
  }
  return any;
}

static cj_ref push_elementwise(cj_graph *g, const cj_op *row, const cj_ref *in, int nin, cj_ref y, const cj_ref *t) {
  cj_type ty = *cjg_type(g, y);
  cj_ref sum = 0;
  for (int i = 0; i < nin; i++)
    if (t[i]) sum = cjb_add(g, sum, cjb_expand(g, row->partial(g, in, y, i, t[i]), &ty));
  return sum;
}

/* Linear in each operand on its own: the operand replaced by its tangent, summed. */
static cj_ref push_multilinear(cj_graph *g, int op, const cj_attr *a, cj_ref *in, int nin, const cj_ref *t) {
  cj_ref sum = 0;
  for (int i = 0; i < nin; i++) {
    if (!t[i]) continue;
    cj_ref keep = in[i];
    in[i] = t[i];
    sum = cjb_add(g, sum, cjg_emit(g, op, in, nin, a));
    in[i] = keep;
  }
  return sum;
}

/* Linear in the operands together: all replaced at once, missing tangents by zeros. */
static cj_ref push_joint(cj_graph *g, int op, const cj_attr *a, cj_ref *in, int nin, const cj_ref *t) {
  const cj_op *row = cjr_row(op);
  for (int i = 0; i < nin; i++) {
    if (!cjx_islinear(row, i)) continue;
    cj_type type = *cjg_type(g, in[i]);
    in[i] = t[i] ? t[i] : cjb_zeros(g, &type);
  }
  return cjg_emit(g, op, in, nin, a);
}

static cj_ref push_filtered(cj_graph *g, int op, const cj_attr *a, cj_ref *in, int nin, cj_ref y, const cj_ref *t,
                            bool linear) {
  const cj_op *row = cjr_row(op);
  if (row->subs) return cjx_push_loop(g, in, y, t);
  if (row->partial) return push_elementwise(g, row, in, nin, y, t);
  if (linear && row->flags & CJ_JOINT) return push_joint(g, op, a, in, nin, t);
  if (linear) return push_multilinear(g, op, a, in, nin, t);
  if (row->jvp) return row->jvp(g, a, in, nin, y, t);
  cjm_fail(g->c, CJ_ENODIFF, "%s has no derivative", row->name);
  return 0;
}

cj_ref cjx_push(cj_graph *g, int op, const cj_attr *a, const cj_ref *in, int nin, cj_ref y, const cj_ref *t) {
  const cj_op *row = cjr_row(op);
  cj_ref few[16], *buf = few;
  size_t bytes = 2 * (size_t)nin * sizeof *buf;
  cj_attr own = *a;
  bool linear;
  if (!cjg_ok(g) || row->flags & CJ_NODIFF || !cjt_isfloat(cjg_type(g, y)->dtype)) return 0;
  if (bytes > sizeof few && !(buf = cjm_alloc(g->c, bytes))) return 0;
  cj_ref *used = buf + nin, ty = 0;
  memcpy(buf, in, (size_t)nin * sizeof *buf);
  if (filter(row, nin, t, used, &linear)) ty = push_filtered(g, op, &own, buf, nin, y, used, linear);
  if (buf != few) cjm_free(g->c, buf, bytes);
  return ty;
}

/* --- the transform -------------------------------------------------------------------------------------- */

typedef struct jvp {
  const cj_graph *f;
  cj_graph *g;
  cj_ref *v, *t; /* value and tangent in g of each instruction of f */
  uint8_t *live;
} jvp;

static void jvp_inputs(jvp *j, const uint8_t *active) {
  const cj_graph *f = j->f;
  for (uint32_t i = 0; i < f->narg; i++) j->v[f->arg[i]] = cjg_arg(j->g, cjg_type(f, f->arg[i]));
  for (uint32_t i = 0; i < f->narg; i++)
    if (!active || active[i]) j->t[f->arg[i]] = cjg_arg(j->g, cjg_type(f, f->arg[i]));
  for (uint32_t i = 0; i < f->ncapture; i++) j->v[f->capture[i]] = cjg_capture(j->g, cjg_type(f, f->capture[i]));
}

static void jvp_step(jvp *j, cj_ref r) {
  const cj_node *n = cjg_at(j->f, r);
  const cj_ref *from = cjg_operands(j->f, r);
  cj_ref few[16], *in = few;
  size_t bytes = 2 * (size_t)n->nin * sizeof *in;
  bool any = false;
  j->v[r] = cjg_copy(j->g, j->f, r, j->v);
  for (int i = 0; i < n->nin; i++) any |= j->t[from[i]] != 0;
  if (!any || !j->v[r]) return;
  if (bytes > sizeof few && !(in = cjm_alloc(j->g->c, bytes))) return;
  cj_ref *t = in + n->nin;
  for (int i = 0; i < n->nin; i++) {
    in[i] = j->v[from[i]] ? j->v[from[i]] : cjb_zeros(j->g, cjg_type(j->f, from[i])); /* rules ask for types */
    t[i] = j->t[from[i]];
  }
  j->t[r] = cjx_push(j->g, n->op, cjg_attr(j->f, r), in, n->nin, j->v[r], t);
  if (in != few) cjm_free(j->g->c, in, bytes);
}

static void outputs(jvp *j, bool wantvalue) {
  const cj_graph *f = j->f;
  for (int want = wantvalue ? 0 : 1; want < 2; want++)
    for (uint32_t i = 0; i < f->nout; i++) {
      cj_ref y = want ? j->t[f->out[i]] : j->v[f->out[i]];
      cjg_output(j->g, y ? y : cjb_zeros(j->g, cjg_type(f, f->out[i])));
    }
}

cj_graph *cjx_jvp(const cj_graph *f, const uint8_t *active, bool wantvalue) {
  size_t bytes = 2 * f->len * sizeof(cj_ref) + f->len;
  jvp j = {.f = f, .g = cjg_new(f->c)};
  if (j.g && (j.v = cjm_zalloc(f->c, bytes))) {
    j.t = j.v + f->len;
    j.live = (uint8_t *)(j.t + f->len);
    cjg_live(f, j.live);
    jvp_inputs(&j, active);
    for (cj_ref r = 1; r < f->len && cjg_ok(j.g); r++)
      if (j.live[r] && cjg_at(f, r)->op != CJ_OP_input) jvp_step(&j, r);
    outputs(&j, wantvalue);
    cjm_free(f->c, j.v, bytes);
  }
  return cjx_finish(j.g);
}

cj_graph *cjx_finish(cj_graph *g) {
  CJ_ASSERT(!g || !cjg_ok(g) || cjg_verify(g) || g->c->status == CJ_ENOMEM); /* the verifier allocates */
  if (g && cjg_ok(g)) return g;
  cjg_free(g);
  return NULL;
}
