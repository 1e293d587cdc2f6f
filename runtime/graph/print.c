/* print.c -- a program as text, one instruction a line, and as a Graphviz graph.  The text is stable. */
#include "graph/graph.h"

#include <string.h>

typedef struct sink {
  cj_write_fn w;
  void *ud;
  cj_status s;
} sink;

static void put_text(sink *o, const char *s, size_t n) {
  if (o->s == CJ_OK) o->s = o->w(o->ud, s, n);
}

static void put_attr(cj_text *t, const cj_attr *a) {
  if (a->n == 0) return;
  cjm_puts(t, " {");
  for (int i = 0; i < a->n; i++) cjm_putf(t, i ? ", %lld" : "%lld", (long long)a->v[i]);
  cjm_puts(t, "}");
}

static void put_konst(cj_text *t, const cj_graph *g, cj_ref r) {
  double v = 0;
  (void)cjg_getnum(g, r, &v);
  cjm_puts(t, " ");
  cjm_putnum(t, v);
}

/* "  %3 = mul %1 %2 : float64[2, 3]" up to the type; the operands of a long list go out on the way. */
static void put_instruction(sink *o, const cj_graph *g, cj_ref r) {
  char buf[512];
  cj_text t = {buf, 0, sizeof buf};
  const cj_node *n = cjg_at(g, r);
  const cj_ref *in = cjg_operands(g, r);
  cjm_putf(&t, "  %%%u = %s", r, cjg_row(g, r)->name);
  if (n->op == CJ_OP_input) cjm_putf(&t, " %s%u", n->in[1] ? "capture " : "", n->in[0]);
  if (n->op == CJ_OP_konst) put_konst(&t, g, r);
  for (int i = 0; i < n->nin; i++) {
    cjm_putf(&t, " %%%u", in[i]);
    if (t.n > sizeof buf / 2) {
      put_text(o, t.s, t.n);
      t.n = 0;
    }
  }
  put_attr(&t, cjg_attr(g, r));
  cjm_puts(&t, " : ");
  cjt_puttype(&t, cjg_type(g, r));
  cjm_puts(&t, "\n");
  put_text(o, t.s, t.n);
}

cj_status cjg_write(const cj_graph *g, cj_write_fn w, void *ud) {
  sink o = {w, ud, CJ_OK};
  char buf[64];
  cj_text t = {buf, 0, sizeof buf};
  cjm_putf(&t, "program (%u arguments, %u captures)\n", g->narg, g->ncapture);
  put_text(&o, t.s, t.n);
  for (cj_ref r = 1; r < g->len; r++) put_instruction(&o, g, r);
  put_text(&o, "  return", 8);
  for (uint32_t i = 0; i < g->nout; i++) {
    t.n = 0;
    cjm_putf(&t, " %%%u", g->out[i]);
    put_text(&o, t.s, t.n);
  }
  put_text(&o, "\n", 1);
  for (uint32_t i = 0; i < g->nsub && o.s == CJ_OK; i++) { /* as deep as programs nest */
    t.n = 0;
    cjm_putf(&t, "sub-program %u: ", i);
    put_text(&o, t.s, t.n);
    if (o.s == CJ_OK) o.s = cjg_write(g->sub[i], w, ud);
  }
  return o.s;
}

static void dot_node(sink *o, const cj_graph *g, cj_ref r) {
  char buf[256];
  cj_text t = {buf, 0, sizeof buf};
  cjm_putf(&t, "  n%u [label=\"%s", r, cjg_row(g, r)->name);
  if (cjg_at(g, r)->op == CJ_OP_konst) put_konst(&t, g, r);
  put_attr(&t, cjg_attr(g, r));
  cjm_puts(&t, "\\n");
  cjt_puttype(&t, cjg_type(g, r));
  cjm_putf(&t, "\"%s];\n", cjg_issource(g, r) ? ", shape=box" : "");
  put_text(o, t.s, t.n);
  for (int i = 0; i < cjg_at(g, r)->nin; i++) {
    t.n = 0;
    cjm_putf(&t, "  n%u -> n%u;\n", cjg_operands(g, r)[i], r);
    put_text(o, t.s, t.n);
  }
}

cj_status cjg_dot(const cj_graph *g, cj_write_fn w, void *ud) {
  sink o = {w, ud, CJ_OK};
  char buf[64];
  put_text(&o, "digraph program {\n", 18);
  for (cj_ref r = 1; r < g->len; r++) dot_node(&o, g, r);
  for (uint32_t i = 0; i < g->nout; i++) {
    cj_text t = {buf, 0, sizeof buf};
    cjm_putf(&t, "  n%u [penwidth=2, xlabel=\"out %u\"];\n", g->out[i], i);
    put_text(&o, t.s, t.n);
  }
  put_text(&o, "}\n", 2);
  return o.s;
}
