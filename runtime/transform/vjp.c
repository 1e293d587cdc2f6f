/*
** vjp.c -- pull cotangents back.  No row has a reverse rule of its own: an elementwise row multiplies by
** its partial, a linear one has its transpose, and for the rest the jvp is written on placeholders and
** that little linear program is pulled back: vjp = jvp transposed (Radul et al., "You Only Linearize
** Once", POPL 2023).
*/
#include "rules/build.h"
#include "transform/common.h"
#include "transform/transform.h"

#include <string.h>

/* A backward sweep over g.  ct: the cotangent of each instruction up to len; on: it depends on what we
** differentiate by.  Instructions that the sweep appends come after len and are not visited. */
typedef struct sweep {
  cj_graph *g;
  cj_ref len, *ct;
  uint8_t *on;
  cj_ref *user, *next; /* by loop: its last slice; by slice: the one before.  NULL: there are no loops */
  bool linear;         /* g is linear in what is on: a rule that is not is a mistake of ours */
} sweep;

static bool is_loop_slice(const cj_graph *g, cj_ref r) {
  return cjg_at(g, r)->op == CJ_OP_slice && cjg_isloop(g, cjg_operands(g, r)[0]);
}

static void list_slices(sweep *s) {
  const cj_graph *g = s->g;
  if (!(s->user = cjm_zalloc(g->c, 2 * s->len * sizeof *s->user))) return;
  s->next = s->user + s->len;
  for (cj_ref r = 1; r < s->len; r++) {
    if (!is_loop_slice(g, r)) continue;
    cj_ref loop = cjg_operands(g, r)[0];
    s->next[r] = s->user[loop];
    s->user[loop] = r;
  }
}

static void sweep_free(sweep *s) {
  cjm_free(s->g->c, s->ct, s->len * (sizeof *s->ct + 1));
  cjm_free(s->g->c, s->user, 2 * s->len * sizeof *s->user);
}

static bool sweep_init(sweep *s, cj_graph *g, bool linear) {
  *s = (sweep){.g = g, .len = g->len, .linear = linear};
  s->ct = cjm_zalloc(g->c, g->len * (sizeof *s->ct + 1));
  if (s->ct) s->on = (uint8_t *)(s->ct + g->len);
  if (s->ct && g->nsub) list_slices(s);
  if (s->ct && cjg_ok(g)) return true;
  sweep_free(s);
  return false;
}

/* Operand i of r takes part in the derivative. */
static bool carries(const sweep *s, cj_ref r, int i) {
  const cj_op *row = cjg_row(s->g, r);
  cj_ref x = cjg_operands(s->g, r)[i];
  return s->on[x] && !(row->flags & CJ_NODIFF) && !cjx_isaux(row, i) && cjt_isfloat(cjg_type(s->g, x)->dtype);
}

static void sweep_mark(sweep *s) {
  for (cj_ref r = 1; r < s->len; r++)
    for (int i = 0; !s->on[r] && !cjg_issource(s->g, r) && i < cjg_at(s->g, r)->nin; i++) s->on[r] = carries(s, r, i);
}

static void add_to(sweep *s, cj_ref x, cj_ref ct) {
  if (!ct) return;
  cj_type t = *cjg_type(s->g, x);
  ct = cjb_sumto(s->g, ct, &t);
  CJ_ASSERT(!ct || cjt_same(cjg_type(s->g, ct), &t));
  s->ct[x] = cjb_add(s->g, s->ct[x], ct);
}

static bool backward(sweep *s);

/* --- rows with a jvp only ------------------------------------------------------------------------------- */

/* The program (operands.., y, ct) -> (ct of the operands in want..), or NULL. */
static cj_graph *transposed_jvp(const sweep *s, cj_ref r, uint32_t want) {
  const cj_node *n = cjg_at(s->g, r);
  const cj_ref *from = cjg_operands(s->g, r);
  const cj_op *row = cjr_row(n->op);
  cj_attr a = *cjg_attr(s->g, r);
  cj_ref in[8], t[8] = {0}, y, ty;
  cj_graph *h = cjg_new(s->g->c);
  sweep lin = {0};
  if (!h) return NULL;
  for (int i = 0; i < n->nin; i++) in[i] = cjg_arg(h, cjg_type(s->g, from[i]));
  y = cjg_arg(h, cjg_type(s->g, r));
  cj_ref ct = cjg_arg(h, cjg_type(s->g, r));
  for (int i = 0; i < n->nin; i++)
    if (want >> i & 1) t[i] = cjg_arg(h, cjg_type(s->g, from[i]));
  ty = row->jvp(h, &a, in, n->nin, y, t);
  if (cjg_ok(h) && sweep_init(&lin, h, true)) {
    for (int i = 0; i < n->nin; i++) lin.on[t[i]] = t[i] != 0;
    sweep_mark(&lin);
    lin.ct[ty] = ct;
    if (ty) backward(&lin);
    for (int i = 0; i < n->nin; i++)
      if (t[i]) cjg_output(h, lin.ct[t[i]] ? lin.ct[t[i]] : cjb_zeros(h, cjg_type(s->g, from[i])));
    sweep_free(&lin);
  }
  return cjx_finish(h);
}

static void pull_jvp(sweep *s, cj_ref r, uint32_t want) {
  int nin = cjg_at(s->g, r)->nin, k = 0;
  cj_ref from[8], in[8 + 2 + 8] = {0}, out[8];
  if (s->linear || nin > 8) {
    cjm_fail(s->g->c, CJ_ENODIFF, "%s: its derivative is not linear", cjg_row(s->g, r)->name);
    return;
  }
  memcpy(from, cjg_operands(s->g, r), (size_t)nin * sizeof *from);
  cj_graph *h = transposed_jvp(s, r, want);
  if (!h) return;
  memcpy(in, from, (size_t)nin * sizeof *from);
  in[nin] = r;
  in[nin + 1] = s->ct[r];
  if (cjg_inline(s->g, h, in, out))
    for (int i = 0; i < nin; i++)
      if (want >> i & 1) add_to(s, from[i], out[k++]);
  cjg_free(h);
}

/* --- loops ---------------------------------------------------------------------------------------------------- */

/* The cotangent of a loop's result stays with the slices that it was taken apart by. */
static bool pull_slices(sweep *s, cj_ref r, const uint8_t *want, cj_ref *out) {
  cj_ctx *c = s->g->c;
  cjx_cotangents k = {.whole = s->ct[r]};
  uint32_t n = 0;
  for (cj_ref p = s->user[r]; p; p = s->next[p]) n += s->ct[p] != 0;
  size_t bytes = 2 * ((size_t)n + 1) * sizeof(cj_ref);
  cj_ref *buf = cjm_alloc(c, bytes);
  if (!buf) return false;
  for (cj_ref p = s->user[r]; p; p = s->next[p]) {
    if (!s->ct[p]) continue;
    buf[k.n] = p;
    buf[n + k.n++] = s->ct[p];
  }
  k.slice = buf;
  k.ct = buf + n;
  bool ok = (!n && !k.whole) || cjx_pull_loop(s->g, r, &k, want, out);
  cjm_free(c, buf, bytes);
  return ok;
}

static void pull_loop(sweep *s, cj_ref r) {
  cj_ctx *c = s->g->c;
  uint32_t nin = cjg_at(s->g, r)->nin;
  size_t bytes = nin * (2 * sizeof(cj_ref) + 1);
  cj_ref *in = cjm_zalloc(c, bytes), *out = in ? in + nin : NULL;
  if (!in) return;
  uint8_t *want = (uint8_t *)(out + nin);
  memcpy(in, cjg_operands(s->g, r), nin * sizeof *in);
  for (uint32_t i = 0; i < nin; i++) want[i] = carries(s, r, (int)i);
  if (pull_slices(s, r, want, out))
    for (uint32_t i = 0; i < nin; i++) add_to(s, in[i], out[i]);
  cjm_free(c, in, bytes);
}

/* --- one instruction --------------------------------------------------------------------------------------- */

static void pull(sweep *s, cj_ref r) {
  const cj_node *n = cjg_at(s->g, r);
  const cj_op *row = cjr_row(n->op);
  cj_attr a = *cjg_attr(s->g, r);
  int nin = n->nin;
  uint32_t rest = 0;
  cj_ref few[8], *in = few, ct = s->ct[r];
  if (nin > (int)CJ_COUNT(few) && !(in = cjm_alloc(s->g->c, (size_t)nin * sizeof *in))) return;
  memcpy(in, cjg_operands(s->g, r), (size_t)nin * sizeof *in);
  for (int i = 0; i < nin && cjg_ok(s->g); i++) {
    if (!carries(s, r, i)) continue;
    if (row->partial)
      add_to(s, in[i], row->partial(s->g, in, r, i, ct));
    else if (cjx_islinear(row, i))
      add_to(s, in[i], row->transpose(s->g, &a, in, nin, r, i, ct));
    else if (row->jvp)
      rest |= 1u << i;
    else
      cjm_fail(s->g->c, CJ_ENODIFF, "%s has no derivative in operand %d", row->name, i + 1);
  }
  if (rest && cjg_ok(s->g)) pull_jvp(s, r, rest);
  if (in != few) cjm_free(s->g->c, in, (size_t)nin * sizeof *in);
}

static bool backward(sweep *s) {
  for (cj_ref r = s->len; r-- > 1 && cjg_ok(s->g);) {
    bool loop = s->user && cjg_isloop(s->g, r);
    if ((!s->ct[r] && !loop) || !s->on[r] || cjg_issource(s->g, r) || (s->user && is_loop_slice(s->g, r))) continue;
    s->g->now = s->g->line[r];
    if (loop)
      pull_loop(s, r);
    else
      pull(s, r);
  }
  return cjg_ok(s->g);
}

/* --- the transform -------------------------------------------------------------------------------------------- */

/* Copies f; in, out: its inputs and outputs in g. */
static bool copy_forward(cj_graph *g, const cj_graph *f, cj_ref *in, cj_ref *out, cj_ref *ct) {
  for (uint32_t i = 0; i < f->narg; i++) in[i] = cjg_arg(g, cjg_type(f, f->arg[i]));
  for (uint32_t i = 0; i < f->nout; i++) ct[i] = cjg_arg(g, cjg_type(f, f->out[i]));
  for (uint32_t i = 0; i < f->ncapture; i++) in[f->narg + i] = cjg_capture(g, cjg_type(f, f->capture[i]));
  return cjg_ok(g) && cjg_inline(g, f, in, out);
}

static void differentiate(cj_graph *g, const cj_graph *f, const uint8_t *active, const cj_ref *in, const cj_ref *out,
                          const cj_ref *ct) {
  sweep s;
  if (!sweep_init(&s, g, false)) return;
  for (uint32_t i = 0; i < f->narg; i++) s.on[in[i]] = !active || active[i];
  sweep_mark(&s);
  for (uint32_t i = 0; i < f->nout; i++)
    if (cjt_isfloat(cjg_type(g, out[i])->dtype)) s.ct[out[i]] = cjb_add(g, s.ct[out[i]], ct[i]);
  backward(&s);
  for (uint32_t i = 0; i < f->narg && cjg_ok(g); i++) {
    if (active && !active[i]) continue;
    cjg_output(g, s.ct[in[i]] ? s.ct[in[i]] : cjb_zeros(g, cjg_type(f, f->arg[i])));
  }
  sweep_free(&s);
}

cj_graph *cjx_vjp(const cj_graph *f, const uint8_t *active, bool wantvalue) {
  cj_graph *g = cjg_new(f->c);
  size_t nin = (size_t)f->narg + f->ncapture, bytes = (nin + 2 * f->nout + 1) * sizeof(cj_ref);
  cj_ref *in = g ? cjm_alloc(f->c, bytes) : NULL;
  if (in) {
    cj_ref *out = in + nin, *ct = out + f->nout;
    if (copy_forward(g, f, in, out, ct)) {
      for (uint32_t i = 0; wantvalue && i < f->nout; i++) cjg_output(g, out[i]);
      differentiate(g, f, active, in, out, ct);
    }
    cjm_free(f->c, in, bytes);
  }
  return cjx_finish(g);
}
