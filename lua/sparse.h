/* sparse.h -- sparse tensors, for the other files of the binding. */
#ifndef cjl_sparse_h
#define cjl_sparse_h

#include "tracing.h"

#define CJL_PATTERN "cjac.pattern"

/* Pushes the holder of p, one more reference to which it takes: the same one as long as it is in use. */
void cjl_pushpattern(lua_State *L, cj_pattern *p);
#endif
