/* preload.h -- the table of built-in Lua modules, which the build generates from lua/cjac/. */
#ifndef cjac_preload_h
#define cjac_preload_h

#include <stddef.h>

typedef struct cjac_chunk {
  const char *name;   /* "cjac.plot" */
  const char *source; /* chunk name: "@cjac/plot.lua" */
  const char *text;
  size_t size;
} cjac_chunk;

extern const cjac_chunk cjac_chunks[]; /* ends with a NULL name */

#endif
