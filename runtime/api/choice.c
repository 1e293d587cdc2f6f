/* choice.c -- how a derivative is computed, and why, as text. */
#include "api/api.h"

#include <math.h>

cjj_choice cj_choice_of(const cjj_derived *d) {
  const cj_pattern *p = cjj_pattern_of(d);
  if (!p) return *cjj_choice_of(d);
  return (cjj_choice){
      .strategy = "sparse", .nonzeros = p->nnz, .forward = -1, .backward = -1, .sparse = -1, .chosen = -1};
}

static void choice_cost(cj_text *t, const char *what, double cost) {
  if (isfinite(cost) && cost >= 0) cjm_putf(t, "  %s about %.3g\n", what, cost);
}

static void choice_end(cj_text *t, int64_t size, int line, const char *end) {
  if (line < 0)
    cjm_puts(t, end);
  else if (line == 0)
    cjm_putf(t, "%lld elements", (long long)size);
  else
    cjm_putf(t, "%lld elements of line %d", (long long)size, line);
}

/* Where the seeds of a Jacobian are that is accumulated from the middle. */
static void choice_begin(cj_text *t, const cjj_choice *h) {
  if (!h->begun) return;
  cjm_puts(t, "begun between ");
  choice_end(t, h->from, h->from_line, "the inputs");
  cjm_puts(t, " and ");
  choice_end(t, h->to, h->to_line, "the outputs");
  cjm_puts(t, h->backwards ? ", backwards\n" : ", forwards\n");
}

void cj_choice_text(cj_text *t, const cjj_choice *h) {
  if (!h->strategy) return;
  cjm_putf(t, "chosen: %s", h->strategy);
  if (h->passes) cjm_putf(t, ", %lld directions in %lld sweeps", (long long)h->seeds, (long long)h->passes);
  if (h->nonzeros >= 0) cjm_putf(t, ", %lld entries may not be zero", (long long)h->nonzeros);
  cjm_puts(t, "\n");
  choice_begin(t, h);
  if (h->forward < 0 && h->backward < 0) return;
  cjm_puts(t, "estimates, 1 is one element of an elementwise operation:\n");
  choice_cost(t, "forward-mode", h->forward);
  choice_cost(t, "reverse-mode", h->backward);
  choice_cost(t, "coloured", h->sparse);
  choice_cost(t, "chosen", h->chosen);
}

cj_status cj_explain_derived(cj_ctx *c, const cjj_derived *d, const cj_request *rq) {
  char line[1024];
  cj_text t = {.s = line, .cap = sizeof line};
  cjj_choice choice = cj_choice_of(d);
  line[0] = '\0';
  cj_choice_text(&t, &choice);
  if (!choice.strategy) cjm_puts(&t, "chosen: one sweep\n");
  if (cjj_isloop(d)) cjm_puts(&t, "computed in loops over a few directions at a time\n");
  cj_status s = rq->explain(rq->explain_ud, line, t.n);
  return s == CJ_OK ? CJ_OK : cjm_fail(c, s, "writing the explanation failed");
}
