/* native_none.c -- no machine code in this build: every plan is interpreted. */
#include "exec/native.h"

size_t cje_native_scratch(const cje_fn *f, uint32_t n) {
  CJ_UNUSED(f), CJ_UNUSED(n);
  return 0;
}
int64_t cje_native_room(const cj_plan *p, const cje_group *k) {
  CJ_UNUSED(p), CJ_UNUSED(k);
  return 0;
}
void cje_native_free(cj_plan *p) { CJ_UNUSED(p); }
bool cje_native_able(int isa) {
  CJ_UNUSED(isa);
  return false;
}
bool cje_native_always(void) { return false; }
cj_status cje_plan_compile(cj_plan *p) { return p->c->status; }
