/* split.c -- partial evaluation, and constants turned into inputs. */
#include "rules/build.h"
#include "transform/common.h"
#include "transform/transform.h"

#include <string.h>

/* --- partial evaluation ---------------------------------------------------------------------------------- */

typedef struct split {
  const cj_graph *f;
  cj_graph *first, *rest;
  cj_ref *a, *b; /* in first, in rest; 0: not there */
  uint8_t *late; /* depends on an unknown input */
  uint8_t *live;
} split;

static bool isconstant(const cj_graph *f, cj_ref r) { return cjg_issource(f, r) && cjg_at(f, r)->op != CJ_OP_input; }

/* r as seen from the rest: its own, or a residual. */
static cj_ref from_first(split *s, cj_ref r) {
  if (s->b[r]) return s->b[r];
  if (isconstant(s->f, r)) return s->b[r] = cjg_copy(s->rest, s->f, r, s->b);
  if (!s->a[r]) return 0; /* a structural zero stays one */
  cjg_output(s->first, s->a[r]);
  return s->b[r] = cjg_capture(s->rest, cjg_type(s->f, r));
}

static void split_input(split *s, cj_ref r, bool known, bool capture) {
  const cj_type *t = cjg_type(s->f, r);
  cj_graph *g = known ? s->first : s->rest;
  cj_ref x = capture ? cjg_capture(g, t) : cjg_arg(g, t);
  s->late[r] = !known;
  *(known ? &s->a[r] : &s->b[r]) = x;
}

static void split_step(split *s, cj_ref r) {
  const cj_node *n = cjg_at(s->f, r);
  const cj_ref *in = cjg_operands(s->f, r);
  for (int i = 0; i < n->nin; i++) s->late[r] |= s->late[in[i]];
  if (!s->late[r]) {
    s->a[r] = cjg_copy(s->first, s->f, r, s->a);
    return;
  }
  for (int i = 0; i < n->nin; i++)
    if (!s->late[in[i]]) from_first(s, in[i]);
  s->b[r] = cjg_copy(s->rest, s->f, r, s->b);
}

static bool run_split(split *s, const uint8_t *known) {
  const cj_graph *f = s->f;
  cjg_live(f, s->live);
  for (uint32_t i = 0; i < f->narg; i++) split_input(s, f->arg[i], known[i], false);
  for (uint32_t i = 0; i < f->ncapture; i++) split_input(s, f->capture[i], known[f->narg + i], true);
  for (cj_ref r = 1; r < f->len && cjg_ok(s->first); r++)
    if (s->live[r] && cjg_at(f, r)->op != CJ_OP_input) split_step(s, r);
  for (uint32_t i = 0; i < f->nout && cjg_ok(s->first); i++) {
    cj_ref y = from_first(s, f->out[i]);
    cjg_output(s->rest, y ? y : cjb_zeros(s->rest, cjg_type(f, f->out[i])));
  }
  return cjg_ok(s->first);
}

bool cjx_split(const cj_graph *f, const uint8_t *known, cj_graph **first, cj_graph **rest) {
  size_t bytes = f->len * (2 * sizeof(cj_ref) + 2);
  split s = {.f = f, .first = cjg_new(f->c), .rest = cjg_new(f->c)};
  *first = *rest = NULL;
  if (s.first && s.rest && (s.a = cjm_zalloc(f->c, bytes))) {
    s.b = s.a + f->len;
    s.late = (uint8_t *)(s.b + f->len);
    s.live = s.late + f->len;
    run_split(&s, known);
    cjm_free(f->c, s.a, bytes);
  }
  s.first = cjx_finish(s.first);
  s.rest = cjx_finish(s.rest);
  if (s.first && s.rest) {
    *first = s.first;
    *rest = s.rest;
    return true;
  }
  cjg_free(s.first);
  cjg_free(s.rest);
  return false;
}

/* --- constants to inputs ---------------------------------------------------------------------------------------- */

static bool iscoded(const cj_node *n) { return n->op != CJ_OP_konst || n->in[1]; }

cj_graph *cjx_lift(const cj_graph *f, uint32_t *index, uint32_t *n) {
  cj_graph *g = cjg_new(f->c);
  size_t bytes = f->len * (sizeof(cj_ref) + 1);
  cj_ref *map = g ? cjm_zalloc(f->c, bytes) : NULL;
  *n = 0;
  if (map) {
    uint8_t *live = (uint8_t *)(map + f->len);
    cjg_live(f, live);
    for (uint32_t i = 0; i < f->narg; i++) map[f->arg[i]] = cjg_arg(g, cjg_type(f, f->arg[i]));
    for (uint32_t i = 0; i < f->ncapture; i++) map[f->capture[i]] = cjg_capture(g, cjg_type(f, f->capture[i]));
    for (cj_ref r = 1; r < f->len && cjg_ok(g); r++) {
      if (!live[r] || iscoded(cjg_at(f, r))) continue;
      map[r] = cjg_capture(g, cjg_type(f, r));
      index[(*n)++] = cjg_at(f, r)->in[0];
    }
    for (cj_ref r = 1; r < f->len && cjg_ok(g); r++)
      if (live[r] && !map[r]) map[r] = cjg_copy(g, f, r, map);
    for (uint32_t i = 0; i < f->nout && cjg_ok(g); i++)
      cjg_output(g, map[f->out[i]] ? map[f->out[i]] : cjb_zeros(g, cjg_type(f, f->out[i])));
    cjm_free(f->c, map, bytes);
  }
  return cjx_finish(g);
}
