/* common.h -- between the files of this floor. */
#ifndef cj_transform_common_h
#define cj_transform_common_h

#include "graph/graph.h"

bool cjx_islinear(const cj_op *row, int i); /* in operand i; entries from 31 on share the last bit */
bool cjx_isaux(const cj_op *row, int i);
/* g if it is good (verified in debug builds), else NULL, with g freed. */
cj_graph *cjx_finish(cj_graph *g);
#endif
