/*
** records.h -- functions of many records, one like the other; for the files of this floor.
*/
#ifndef cj_jacobian_records_h
#define cj_jacobian_records_h

#include "jacobian/parts.h"
#include "jacobian/walk.h"

/* What a record reads of an argument: record e has width elements from first + row[e] * width on. */
typedef struct cjj_source {
  cj_ref value; /* the instruction of f that holds these for all records */
  uint32_t arg;
  int64_t first, width;
  int64_t *row; /* n */
} cjj_source;

/* A value of f that depends on no argument; record: each record has a row of it. */
typedef struct cjj_known {
  cj_ref value;
  bool record;
} cjj_known;

typedef struct cjj_records {
  cj_ctx *c;
  int64_t n, read; /* records; elements that each reads */
  cj_graph *g;     /* (sources..; known..) -> what a record has of every output, in their order */
  cjj_source *source;
  uint32_t nsource, sourcecap;
  cjj_known *known;
  uint32_t nknown, knowncap;
} cjj_records;

/* --- records.c --- */
/* *out NULL: f is not of that kind. */
bool cjj_records_find(cj_ctx *c, const cj_graph *f, cjj_records **out);
void cjj_records_free(cjj_records *r);
/* --- records_emit.c --- */
/* The nonzeros of the Jacobian, written into w, and their pattern. */
cj_ref cjj_records_nonzeros(cjj_frame *w, const cjj_records *r, int dtype, cj_pattern **pattern);
#endif
