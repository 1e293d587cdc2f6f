/*
** compiled.h -- compiled functions as scripts hold them.  One has a signature for every structure and types of
** arguments it was called with, and a signature has versions: programs that differ because the function branched
** on values.  Signatures and versions are userdata that a table of the function keeps alive; the lists go through
** them in the order of use, the last one first.
**
** Making room for results may run finalizers, which may call the function again.  So that comes first; the arguments
** are read and the version is chosen after it, and from there to the results Lua allocates nothing.
*/
#ifndef cjl_compiled_h
#define cjl_compiled_h

#include "tracing.h"

#define CJL_COMPILED "cjac.compiled"
#define CJL_SPEC "cjac.spec"

typedef struct cjl_result {
  const cj_type *type;
  size_t room; /* bytes behind the handle of a new one, 0: it is not small */
} cjl_result;

typedef struct cjl_version {
  cj_compiled *k;
  struct cjl_version *next;
  struct cjl_signature *sig;
  int nret, ny;       /* values the function returns; tensors in them */
  bool flat;          /* every one of these values is a tensor */
  bool fickle;        /* depends on numbers as such, not only on comparisons */
  bool hit;           /* served a call after the one it was made for */
  bool counted;       /* the collector has been told of what it holds */
  int misses;         /* calls in a row that it did not serve */
  uint64_t tried;     /* the last call that it did not serve */
  bool sparse;        /* its result is a sparse tensor */
  bool direct;        /* few arguments and results, and all of them are tensors: direct.c */
  cjl_result *result; /* ny of them */
  cjl_tensor **slot;  /* room for ny: handles that results are written to */
  cj_val y[];         /* room for ny */
} cjl_version;
enum { CJL_VRESULTS = 1, CJL_VARGS, CJL_VSIGNATURE, CJL_VPATTERN, CJL_VNUV = CJL_VPATTERN };

typedef struct cjl_signature {
  struct cjl_signature *next;
  cjl_version *first;
  int narg, nx, nversion; /* arguments; tensors in them */
  bool flat;              /* every argument is a tensor or a number */
  cj_val *x;              /* room for nx */
  cj_type type[];
} cjl_signature;

/* Where a compiled function comes from. */
typedef enum cjl_origin { CJL_FUNCTION, CJL_DERIVED, CJL_PRODUCT, CJL_MAPPED } cjl_origin;

typedef struct cjl_compiled {
  cjl_origin origin; /* product: takes v too */
  cj_request rq;
  int64_t n; /* mapped: instances */
  const char *who;
  cjl_signature *first;
  int nsig, nparam; /* nparam: arguments without v, -1: unknown */
  uint64_t calls;
  int64_t traces;
} cjl_compiled;
enum { CJL_CFUNCTION = 1, CJL_CPARENT, CJL_CANCHORS, CJL_CDERIVED, CJL_CNUV = CJL_CDERIVED };
enum { CJL_MAXSIGNATURES = 64, CJL_MAXVERSIONS = 16 };

/* --- compiled.c: calling --- */
cjl_compiled *cjl_checkcompiled(lua_State *L, int idx, const char *who);
/* F(...), where upvalue 2 is "out". */
int cjl_callcompiled(lua_State *L);
/* Fills *x with the value at idx if that has type t.  Leaves at most one value on the stack. */
bool cjl_matchleaf(lua_State *L, cjl_state *S, int idx, const cj_type *t, cj_val *x);
/* v did not serve call id. */
void cjl_missed(lua_State *L, cjl_version *v, uint64_t id);
/* The signature that the n arguments from stack index first on have, whose x they fill; NULL: none. */
cjl_signature *cjl_findsignature(lua_State *L, cjl_state *S, int self, int first, int n);
/* Pushes the version or signature at p, which the function at self keeps. */
void cjl_pushanchored(lua_State *L, int self, const void *p);
void cjl_dropversion(lua_State *L, int self, cjl_version *v);
void cjl_usedversion(cjl_compiled *F, cjl_version *v); /* to the front */
/* v has served a call; fresh: the one it was made for.  What it holds from then on, its plan and room to run it, counts
** as debt; one that others are only derived from has neither. */
void cjl_countversion(cjl_state *S, cjl_version *v);
static inline void cjl_servedversion(cjl_state *S, cjl_version *v, bool fresh) {
  v->misses = 0;
  v->hit |= !fresh;
  if (!v->counted) cjl_countversion(S, v);
}

static inline bool cjl_sametype(const cj_type *a, const cj_type *b) {
  if (a->dtype != b->dtype || a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}

/* --- direct.c: calling again --- */
enum { CJL_DIRECTMOST = 4 }; /* arguments, results of a version that is direct */
/* Call id: of the version that served last, at the n arguments from stack index 2 on.  out: stack index of what results
** are written to, 0: they are new.  How many results; -1: this is not a case for it, or something went wrong,
** and nothing has changed but what is above the top and in the tensors to write to. */
int cjl_calldirect(lua_State *L, cjl_state *S, const cjl_compiled *F, uint64_t id, int n, int out);

/* --- versions.c: making --- */
/* F, arguments -> a new version for them, which the function keeps unless it depends on an open trace. */
int cjl_makeversion(lua_State *L);
int cjl_makefromtypes(lua_State *L); /* the same for specs: only types are known */
/* F, arguments -> a version that holds for them. */
int cjl_validversion(lua_State *L);

/* --- compiledinfo.c: looking --- */
int cjl_compiledstats(lua_State *L);
int cjl_compiledexplain(lua_State *L);
int cjl_compileddot(lua_State *L);
int cjl_compiledtostring(lua_State *L);
#endif
