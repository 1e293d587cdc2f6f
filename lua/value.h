/*
** value.h -- handles: what a script holds of a tensor, and the few things every file of the binding needs.
**
** A handle is a userdata with one value of the core: a tensor, a small tensor, or an instruction of an open trace.
** A small tensor stands in the userdata itself, behind the value; so it needs no allocation of the core's and no
** finalizer.  All C functions of the module have the state of the binding as their first upvalue.
*/
#ifndef cjl_value_h
#define cjl_value_h

#include <lauxlib.h>
#include <lua.h>

#include "cjac.h"

#define CJL_TENSOR "cjac.tensor"

typedef struct cjl_tensor {
  cj_val v; /* CJ_NONE: closed, or not filled yet.  CJ_SMALL: behind it in the userdata (small.c) */
} cjl_tensor;
enum { CJL_SMALLMOST = 512 }; /* bytes of elements of a small tensor */

typedef struct cjl_stream { /* random numbers */
  uint64_t seed, offset;
} cjl_stream;

typedef struct cjl_opdesc cjl_opdesc;

/* Operations that the binding itself is made of. */
/* clang-format off */
#define CJL_USED(X) \
  X(add) X(sub) X(select) X(slice) X(narrow) X(permute) X(to) X(reshape) X(broadcast_to) X(put) X(index) \
  X(index_select) X(index_put) X(masked_fill) X(stack) X(cat) X(lt) X(le) X(eq)
/* clang-format on */
typedef struct cjl_used {
#define X(name) int name;
  CJL_USED(X)
#undef X
} cjl_used;

/* One per lua_State, in the registry. */
typedef struct cjl_state {
  cj_ctx *ctx;              /* NULL: the state is being closed */
  const void *meta, *plain; /* metatables of handles, by identity: plain has no __gc, for traced and small values */
  const void *compiled;     /* that of compiled functions */
  size_t debt;              /* bytes of new tensors of which Lua's collector has not been told */
  size_t expected;          /* bytes of the largest small result of the last derivative */
  cjl_stream stream;
  cj_printopts print;
  cj_type scalar[CJ_NDTYPE]; /* 0-d types */
  const cjl_opdesc *ops;     /* of every operation, by its number */
  cjl_used op;
} cjl_state;

enum { /* user values of the state */
       CJL_META = 1,
       CJL_PLAIN,
       CJL_METHODS, /* name -> function, or light userdata: a property */
       CJL_MODULE,
       CJL_OPS,        /* the memory of ops */
       CJL_BOXRESULTS, /* a function of ops.c */
       CJL_TRACEMETA,
       CJL_TRACEBOX,  /* what closes traces of the main thread */
       CJL_NEWSPARSE, /* makes a sparse tensor of entries and the holder of a pattern */
       CJL_NUV = CJL_NEWSPARSE
};

/* --- the state ------------------------------------------------------------ */
/* The state behind the running C function.  Raises once the lua_State is being closed. */
cjl_state *cjl_self(lua_State *L);
/* Pushes one of its user values. */
static inline void cjl_pushuser(lua_State *L, int which) { lua_getiuservalue(L, lua_upvalueindex(1), which); }
/* Pushes a C function with the state as first upvalue, then `extra` values from the top of the stack. */
void cjl_pushfunction(lua_State *L, lua_CFunction f, int extra);
typedef struct cjl_reg {
  const char *name;
  lua_CFunction f;
} cjl_reg;
/* Functions of the table on top; if methods is true they become methods too. */
void cjl_register(lua_State *L, const cjl_reg *r, bool methods);
/* The same for the metatables of handles. */
void cjl_registermeta(lua_State *L, const cjl_reg *r);

/* --- errors ------------------------------------------------------------------ */
/* Raises what the core reported; who: "cj.softmax".  The one place where a status becomes an error. */
int cjl_raise(lua_State *L, cjl_state *S, cj_status s, const char *who);
/* luaL_error with the place of the nearest Lua function: a C function may stand between. */
int cjl_error(lua_State *L, const char *fmt, ...);
/* The line that nearest Lua function is in; 0: unknown. */
int cjl_line(lua_State *L);
/* "cj.f: argument 2 (dim): expected an integer, got table"; idx: the offending value, 0: none came. */
int cjl_argerror(lua_State *L, const char *who, int arg, const char *name, const char *want, int idx);
/* Out of memory is met by one full collection and a second try.  Collecting runs finalizers, which are Lua code and
** may change handles: the n values at v, borrowed from some, are kept alive until cjl_release. */
bool cjl_again(lua_State *L, cjl_state *S, cj_status s, const cj_val *v, int n);
void cjl_release(const cj_val *v, int n);
#define CJL_TRYWITH(L, S, who, v, n, call)                                                                             \
  do {                                                                                                                 \
    cj_status cjl_s = (call);                                                                                          \
    if (cjl_s != CJ_OK && cjl_again(L, S, cjl_s, v, n)) {                                                              \
      cjl_s = (call);                                                                                                  \
      cjl_release(v, n);                                                                                               \
    }                                                                                                                  \
    if (cjl_s != CJ_OK) cjl_raise(L, S, cjl_s, who);                                                                   \
  } while (0)
#define CJL_TRY(L, S, who, call) CJL_TRYWITH(L, S, who, NULL, 0, call)
/* Pushes "a tensor of shape [2, 3]", "string", ...: what the value is, for messages. */
const char *cjl_describe(lua_State *L, int idx);
void cjl_pushshape(lua_State *L, const cj_type *t); /* "[2, 3]" */
void cjl_pushsizes(lua_State *L, const cj_type *t); /* {2, 3} */

/* --- handles ------------------------------------------------------------------- */
/* The handle at idx; NULL: something else. */
cjl_tensor *cjl_test(lua_State *L, cjl_state *S, int idx);
cjl_tensor *cjl_check(lua_State *L, cjl_state *S, int idx, const char *who, const char *name);
/* Pushes an empty handle, to be filled by the core and then sealed: results are boxed before anything
** can raise. */
cjl_tensor *cjl_box(lua_State *L);
/* Gives the filled handle on top of the stack its metatable, and tells the collector what it weighs. */
void cjl_seal(lua_State *L, cjl_state *S, cjl_tensor *h);
/* An empty one that may stay in a table until it is filled. */
cjl_tensor *cjl_slot(lua_State *L);
void cjl_weigh(lua_State *L, cjl_state *S, const cj_val *v);
/* The handle at idx stands for v (taken over) from now on. */
void cjl_rebind(lua_State *L, cjl_state *S, int idx, cj_val v);
/* Pushes another handle of the same value, which is not a small tensor: handles of our own are tensors or traced. */
void cjl_share(lua_State *L, cjl_state *S, const cjl_tensor *h);
cj_type cjl_typeof(lua_State *L, cjl_state *S, const cjl_tensor *h, const char *who);
/* The tensor behind h, in row-major order; its handle is pushed.  Of a traced value that is its number now. */
cj_tensor *cjl_concrete(lua_State *L, cjl_state *S, const cjl_tensor *h, const char *who);
static inline const void *cjl_data(const cj_tensor *x) { return cj_tensor_data(x); }
/* Pushes a new tensor of that type, zeros, and gives its elements for filling. */
void *cjl_new(lua_State *L, cjl_state *S, const cj_type *t, const char *who);
/* Pushes element i of x as a Lua value. */
void cjl_pushelement(lua_State *L, const cj_tensor *x, int64_t i);
void cjl_pushdtype(lua_State *L, int dtype, double f, int64_t n); /* a number of that dtype: f, else n */

/* --- small tensors (small.c) ------------------------------------------------------- */
/* How many bytes behind its handle a small tensor of type t takes; 0: it is too large. */
size_t cjl_smallroom(const cj_type *t);
/* Where in the handle h, which has that many bytes behind it, a small tensor of type t has its place, for its elements
** to be written; NULL: no room. */
const cj_small *cjl_placein(const cjl_state *S, cjl_tensor *h, size_t room, const cj_type *t);
/* An empty handle like that of cjl_box, with room for a tensor of that rank and bytes of elements. */
cjl_tensor *cjl_roombox(lua_State *L, int rank, size_t bytes);
/* The same for the handle at idx. */
const cj_small *cjl_place(lua_State *L, const cjl_state *S, int idx, const cj_type *t);
/* The handle at idx becomes a copy of v, a tensor or a small one, if there is room. */
bool cjl_fits(lua_State *L, const cjl_state *S, int idx, const cj_val *v);
/* The tensor in the handle h on top, which is not sealed yet, moves into its room if that is enough. */
void cjl_settle(lua_State *L, const cjl_state *S, const cjl_tensor *h);
/* Pushes a handle of a small tensor of that type, and gives its elements, which are undefined. */
void *cjl_newsmall(lua_State *L, const cjl_state *S, const cj_type *t);
/* cjl_new for a script: as a small tensor if it is one. */
void *cjl_newresult(lua_State *L, cjl_state *S, const cj_type *t, const char *who);
/* Pushes the single element of a concrete or traced value. */
void cjl_pushnumber(lua_State *L, cjl_state *S, const cjl_tensor *h, const char *who);

/* --- operations ------------------------------------------------------------------ */
/* Every allocation of Lua may run finalizers, which are Lua code and may change any handle a script can see.  So what
** is borrowed from a handle of the script's is used before the next allocation, or it is borrowed from a handle of
** our own (cjl_share). */

/* cj_apply, tried again when memory was short. */
cj_status cjl_run(lua_State *L, cjl_state *S, int op, const cj_val *in, int nin, const cj_param *p, int np, cj_val *out,
                  int cap, int *n);
/* Applies op to values, borrowed from handles of our own, and pushes its single result. */
cjl_tensor *cjl_apply(lua_State *L, cjl_state *S, const char *who, int op, const cj_val *in, int nin, const cj_param *p,
                      int np);
/* The same for one operand, a handle of our own, which it replaces on top of the stack. */
cjl_tensor *cjl_then(lua_State *L, cjl_state *S, const char *who, int op, const cj_param *p, int np);
/* A handle of our own on top becomes one of that shape, of that dtype; what it is already stays. */
cjl_tensor *cjl_reshape(lua_State *L, cjl_state *S, const char *who, int op, const cj_type *t);
cjl_tensor *cjl_cast(lua_State *L, cjl_state *S, const char *who, int dtype);
static inline cj_param cjl_p(int64_t v) { return (cj_param){.n = 1, .v = {v}}; }
static inline cj_val cjl_int(int64_t i) { return (cj_val){.kind = CJ_INT, .u.i = i}; }
static inline cj_val cjl_num(double d) { return (cj_val){.kind = CJ_NUM, .u.num = d}; }
/* The value at idx as an operand: a tensor, a number or a boolean; kind CJ_NONE: none of these. */
cj_val cjl_operand(lua_State *L, cjl_state *S, int idx);
/* A number as an element of a tensor of that dtype, converted as C does; false: v is no number. */
bool cjl_element(const cj_val *v, int dtype, char *out);
/* Positions that count from 1, an int64 tensor, as positions from 0; pushed.  size: of the axis they are along, from
** whose end negative ones count; -1: the operation knows. */
cjl_tensor *cjl_fromone(lua_State *L, cjl_state *S, const char *who, const cjl_tensor *index, int64_t size);

/* --- parameters -------------------------------------------------------------------- */
/* An integer, or a float or string that is one. */
bool cjl_integer(lua_State *L, int idx, int64_t *out);
int64_t cjl_checkint(lua_State *L, int idx, const char *who, const char *name);
double cjl_checknum(lua_State *L, int idx, const char *who, const char *name);
/* -1: no dtype of that name. */
int cjl_dtype(const char *name);
/* Sizes at first .. last: integers, or one table of them. */
void cjl_readsizes(lua_State *L, const char *who, int dtype, int first, int last, cj_type *t);
/* A table whose keys are all names: options, not a list. */
bool cjl_isoptions(lua_State *L, int idx);
/* Raises if the options at idx have a key that is not in names (NULL-terminated). */
void cjl_checkoptions(lua_State *L, int idx, const char *who, const char *const *names);

/* --- indexing ------------------------------------------------------------------------------ */
/* Pushes the entries of a table of keys; how many. */
int cjl_spread(lua_State *L, int table);
/* x:NAME_(...): upvalues 2 and 3 are "cj.NAME_" and the function of NAME. */
int cjl_inplace(lua_State *L);

/* --- print.c --- */
typedef cj_status (*cjl_writer)(void *thing, cj_write_fn w, void *ud);
/* Pushes what write says of thing.  It is written twice: once to measure it, once into memory of that size; the core
** must not be left by an error of Lua's allocator. */
void cjl_pushtext(lua_State *L, cjl_state *S, const char *who, cjl_writer write, void *thing);

/* --- scripts.c --- */
/* Pushes what the built-in Lua module of that name returns. */
void cjl_pushscript(lua_State *L, const char *name);

/* --- the files of the binding ---------------------------------------------------------- */
/* Each adds its functions to the module table on top of the stack. */
void cjl_open_ops(lua_State *L, cjl_state *S);
void cjl_open_create(lua_State *L, cjl_state *S);
void cjl_open_literal(lua_State *L, cjl_state *S);
void cjl_open_random(lua_State *L, cjl_state *S);
void cjl_open_convert(lua_State *L, cjl_state *S);
void cjl_open_print(lua_State *L, cjl_state *S);
void cjl_open_index(lua_State *L, cjl_state *S);
void cjl_open_assign(lua_State *L, cjl_state *S);
void cjl_open_autodiff(lua_State *L, cjl_state *S);
void cjl_open_tape(lua_State *L, cjl_state *S);
void cjl_open_linearize(lua_State *L, cjl_state *S);
void cjl_open_vmap(lua_State *L, cjl_state *S);
void cjl_open_control(lua_State *L, cjl_state *S);
void cjl_open_custom(lua_State *L, cjl_state *S);
void cjl_open_check(lua_State *L, cjl_state *S);
void cjl_open_sparse(lua_State *L, cjl_state *S);
void cjl_open_scripts(lua_State *L, cjl_state *S);
void cjl_open_compile(lua_State *L, cjl_state *S);
void cjl_open_config(lua_State *L, cjl_state *S);
#endif
