/* sparse.c -- the nonzeros of a Jacobian as one vector. */
#include "jacobian/parts.h"

static int dtype_of(const cj_graph *f) {
  for (uint32_t j = 0; j < f->narg; j++)
    if (cjj_x(f, (int)j)->dtype != CJ_F32) return CJ_F64;
  return f->narg ? CJ_F32 : CJ_F64;
}

/* Diagonals or colours, in one part. */
static bool cut_sparsely(cj_ctx *c, const cj_graph *f, cj_pattern **pattern, cjj_cut *cut) {
  cjj_costs cost = {0};
  cjj_part part = {0};
  int nx = (int)f->narg;
  cj_graph *lin = cjx_jvp(f, NULL, false);
  bool ok = lin && cjj_cost_of(lin, nx, &cost) && cjj_pattern_linear(c, lin, nx, INT32_MAX, pattern) == CJ_OK &&
            cjj_colour_best(c, *pattern, cost.sweep + 1, CJJ_BACKWARD * cost.sweep + 1, INFINITY, &part) &&
            cjj_prefer_local(c, lin, nx, &cost, (double)part.ncolours * cost.sweep + CJJ_NODE * cost.linear, &part);
  cjg_free(lin);
  if (ok) return cjj_cut_single(c, f, &part, cut);
  cjj_part_drop(c, nx, &part);
  return false;
}

cj_status cjj_sparse(cj_ctx *c, const cj_graph *f, bool value, cj_pattern **pattern, cj_graph **out) {
  cjj_cut cut = {.c = c};
  cjj_frame w = {.f = f};
  *pattern = NULL;
  *out = NULL;
  if (!cjj_check_arguments(f)) return c->status;
  if (cut_sparsely(c, f, pattern, &cut) && cjj_frame_open(&w, f, NULL, 0, 0)) {
    if (value) cjj_frame_outputs(&w, cjj_frame_inline(&w, f, NULL, 0), f->nout);
    const cjj_local *l = cut.part[0].local;
    cjg_output(w.g,
               l ? cjj_local_nonzeros(&w, l, *pattern, dtype_of(f)) : cjj_coloured_nonzeros(&w, &cut, dtype_of(f)));
  }
  *out = cjj_frame_close(&w);
  cjj_cut_free(&cut);
  if (!*out) {
    cjj_pattern_release(*pattern);
    *pattern = NULL;
  }
  return c->status;
}
