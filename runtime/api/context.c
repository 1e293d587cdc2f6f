/* context.c -- contexts, versions, memory statistics. */
#include "api/api.h"
#include "exec/native.h"
#include "kernel/kernels.h"

int cj_version(void) { return CJ_VERSION; }

cj_status cj_ctx_new(const cj_config *cfg, cj_ctx **out) {
  cj_config own = {0};
  if (cfg) { /* callers built against an older header know fewer fields */
    if (cfg->size != sizeof own) return *out = NULL, CJ_EARG;
    own = *cfg;
  }
  cj_status s = cjm_newctx(&own, out);
  if (s != CJ_OK) return s;
  (*out)->isa = cjk_isa();
  (*out)->native = own.native >= 0 && cje_native_able((*out)->isa);
  (*out)->native_first = cje_native_always();
  cjk_blas_threads();
  return CJ_OK;
}

void cj_ctx_release(cj_ctx *c) {
  if (!c) return;
  cje_cache_free(c);
  cjg_tracer_free(c);
  cjm_trim(c);
  cjm_release_ctx(c);
}

void cj_ctx_trim(cj_ctx *c) {
  cje_cache_free(c);
  cjg_tracer_trim(c);
  cjm_trim(c);
}

const char *cj_errmsg(const cj_ctx *c) { return c->msg; }
void cj_ctx_cancel(cj_ctx *c, const volatile int *flag) { c->cancel = flag; }
void cj_ctx_fuse(cj_ctx *c, int64_t n) { c->fuse = n; }

void cj_ctx_mem(const cj_ctx *c, cj_memstat *out) { *out = (cj_memstat){c->live, c->peak, c->blocks, c->code}; }

bool cj_ctx_native(cj_ctx *c, int on) {
  bool want = on > 0 ? cje_native_able(c->isa) : on < 0 ? false : c->native;
  if (want != c->native) cj_ctx_trim(c);
  return c->native = want;
}

cj_status cj_fault(cj_ctx *c, cj_status s, const char *fault, int line) {
  if (c->status != CJ_OK) return c->status;
  if (line > 0) return cjm_fail(c, s, "line %d: %s", line, fault ? fault : cj_status_text(s));
  return cjm_fail(c, s, "%s", fault ? fault : cj_status_text(s));
}
