/* sparse.h -- sparse tensors, for the other files of the binding. */
#ifndef cjl_sparse_h
#define cjl_sparse_h

#include "tracing.h"

/* Pushes the rows and the columns of all nonzeros, counted from 1. */
void cjl_pushplaces(lua_State *L, cjl_state *S, const cj_csr *m, const char *who);
#endif
