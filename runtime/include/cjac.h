/*
** cjac.h -- differentiate functions of tensors.  The public C interface.
**
** Errors.     A function that can fail returns cj_status and writes its results through
**             pointers; on failure these are NULL or untouched.  The text of a context's
**             last error is cj_errmsg.  Nothing here prints, exits, aborts, raises a signal
**             or jumps out of your code.
** Memory.     All memory comes from the allocator given to cj_ctx_new.  A failed allocation
**             is CJ_ENOMEM and leaves every object as it was.
** Ownership.  *_new and every function that hands out an object through a pointer gives one
**             reference; retain adds one, release gives one back, release(NULL) does nothing.
**             Arguments are borrowed; what an object needs later it retains.
** Threads.    A context belongs to one thread at a time.  A finished function or plan never
**             changes: any number of threads may run one plan at once, each with a workspace
**             of its own.  cj_plan_run takes no lock and allocates nothing.
** State.      There is no global state.  Two contexts know nothing of each other.
** Axes        count from 0, negative ones from the end; indices count from 0.
*/
#ifndef cjac_h
#define cjac_h

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CJ_API
#if defined(__GNUC__)
#define CJ_API extern __attribute__((visibility("default")))
#else
#define CJ_API extern
#endif
#endif

#define CJ_VERSION 100 /* 0.1.0 */
CJ_API int cj_version(void);

/* --- status ------------------------------------------------------------ */

#define CJ_STATUS_LIST(X)                                                                                              \
  X(OK, "ok")                                                                                                          \
  X(ENOMEM, "not enough memory")                                                                                       \
  X(EARG, "bad argument")                                                                                              \
  X(ESHAPE, "shapes do not agree")                                                                                     \
  X(EDTYPE, "dtypes do not agree")                                                                                     \
  X(ENODIFF, "not differentiable in this operand")                                                                     \
  X(EDOMAIN, "singular or indefinite matrix")                                                                          \
  X(ERANGE, "index out of range")                                                                                      \
  X(ELIMIT, "a limit of the context was reached")                                                                      \
  X(ESTALE, "a traced value outlived its function")                                                                    \
  X(ENOVALUE, "a traced value has no number yet")                                                                      \
  X(ECANCEL, "interrupted")                                                                                            \
  X(EUSER, "a callback reported failure")                                                                              \
  X(ENOSYS, "not built into this library")

typedef enum cj_status {
#define X(name, text) CJ_##name,
  CJ_STATUS_LIST(X)
#undef X
      CJ_NSTATUS
} cj_status;

CJ_API const char *cj_status_name(cj_status s); /* "ESHAPE" */
CJ_API const char *cj_status_text(cj_status s); /* "shapes do not agree" */

/* --- types ------------------------------------------------------------- */

#define CJ_MAXRANK 8

typedef enum cj_dtype { CJ_F64, CJ_F32, CJ_I64, CJ_BOOL, CJ_NDTYPE } cj_dtype;

/* dtype and shape; a plain value.  Elements are in row-major order; a bool is one byte, 0 or 1. */
typedef struct cj_type {
  uint8_t dtype, rank;
  int64_t dim[CJ_MAXRANK]; /* entries from rank on are 0 */
} cj_type;

CJ_API const char *cj_dtype_name(cj_dtype dt); /* "float64" */
CJ_API size_t cj_dtype_size(cj_dtype dt);      /* bytes */

/* The type of that dtype and shape.  EARG: rank over CJ_MAXRANK, a negative size, or a number
** of bytes that does not fit ptrdiff_t. */
CJ_API cj_status cj_type_make(cj_dtype dt, int rank, const int64_t *dim, cj_type *out);
CJ_API int64_t cj_type_count(const cj_type *t); /* elements */
CJ_API size_t cj_type_bytes(const cj_type *t);

typedef struct cj_ctx cj_ctx;         /* allocator, limits, caches, last error  */
typedef struct cj_tensor cj_tensor;   /* reference-counted immutable array      */
typedef struct cj_pattern cj_pattern; /* which elements of a Jacobian may be nonzero */
typedef struct cj_func cj_func;       /* immutable program: tensors to tensors  */
typedef struct cj_plan cj_plan;       /* a function laid out, ready to run      */

/* --- context ----------------------------------------------------------- */

/* The contract of lua_Alloc: nsize == 0 frees and returns NULL; osize is exact. */
typedef void *(*cj_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);

typedef struct cj_config {
  size_t size; /* sizeof(cj_config): the struct may grow */
  cj_alloc_fn alloc;
  void *alloc_ud;      /* alloc NULL: malloc */
  size_t mem_limit;    /* bytes; 0: none */
  uint32_t node_limit; /* instructions in one function; 0: none */
  int native;          /* machine code for plans, where the CPU is known: 0 on, < 0 off */
} cj_config;

typedef struct cj_memstat {
  size_t live, peak, blocks; /* bytes now, most bytes, allocations now; without spare blocks */
  size_t code;               /* bytes of machine code now: pages from the system, in addition to live */
} cj_memstat;

CJ_API cj_status cj_ctx_new(const cj_config *cfg, cj_ctx **out); /* cfg NULL: defaults */
/* The context lives on while tensors, functions or plans of it do. */
CJ_API void cj_ctx_release(cj_ctx *c);
CJ_API const char *cj_errmsg(const cj_ctx *c); /* never NULL; good until the next call */
CJ_API void cj_ctx_mem(const cj_ctx *c, cj_memstat *out);
/* Long computations of c stop with ECANCEL soon after *flag becomes nonzero; NULL: never. */
CJ_API void cj_ctx_cancel(cj_ctx *c, const volatile int *flag);
/* Whether plans made from now on become machine code: on > 0 yes, < 0 no, 0 leaves it as it is; what the CPU or
** the build cannot do stays off.  Returns whether they do.  A change forgets cached plans. */
CJ_API bool cj_ctx_native(cj_ctx *c, int on);
/* Forgets every cached plan and spare buffer. */
CJ_API void cj_ctx_trim(cj_ctx *c);
/* For tests: the n-th allocation from now fails, and all after it; n < 0: none. */
CJ_API void cj_ctx_fuse(cj_ctx *c, int64_t n);

/* --- tensors ----------------------------------------------------------- */

/* A tensor of that type.  src NULL: zeros; else cj_type_bytes(t) bytes are copied. */
CJ_API cj_status cj_tensor_new(cj_ctx *c, const cj_type *t, const void *src, cj_tensor **out);
CJ_API cj_tensor *cj_tensor_retain(cj_tensor *x);
CJ_API void cj_tensor_release(cj_tensor *x);
CJ_API const cj_type *cj_tensor_type(const cj_tensor *x);
/* A contiguous equal of x: x itself (one more reference) if it is contiguous. */
CJ_API cj_status cj_tensor_contiguous(cj_tensor *x, cj_tensor **out);
/* The elements in row-major order, 64-byte aligned, or NULL if x is not contiguous. */
CJ_API const void *cj_tensor_data(const cj_tensor *x);
/* For filling a new tensor, and for in-place updates: NULL unless the caller holds the only
** reference to a contiguous x that shares its storage with nothing. */
CJ_API void *cj_tensor_edit(cj_tensor *x);
/* Copies src into the elements first, first+step, ... (n of them) along axis of a tensor for which
** cj_tensor_edit is not NULL; src broadcasts to that region.  O(elements written). */
CJ_API cj_status cj_tensor_put(cj_tensor *x, int axis, int64_t first, int64_t step, int64_t n, const cj_tensor *src);
/* One element as a number: an int64 and a bool come through *i, a float through *f. */
CJ_API cj_status cj_tensor_at(const cj_tensor *x, int64_t index, double *f, int64_t *i);

typedef struct cj_printopts {
  int precision;     /* significant digits; default 4 */
  int64_t threshold; /* elide when there are more elements; default 1000 */
  int edge;          /* elements kept at either end when eliding; default 3 */
  int linewidth;     /* characters; default 80 */
} cj_printopts;

/* Receives text; a status other than OK stops the writer, which returns it. */
typedef cj_status (*cj_write_fn)(void *ud, const char *s, size_t n);
/* Aligned text of x, as rows in brackets, followed by its dtype and shape.  o NULL: defaults. */
CJ_API cj_status cj_tensor_write(const cj_tensor *x, const cj_printopts *o, cj_write_fn w, void *ud);

/* Counter-based random numbers (Philox 4x32-10: Salmon et al., "Parallel random numbers: as easy
** as 1, 2, 3", SC 2011): element i of stream (seed, offset) is the same on every machine. */
typedef enum cj_dist { CJ_UNIFORM, CJ_NORMAL, CJ_INTEGERS, CJ_PERMUTATION } cj_dist;
/* UNIFORM in [0,1); NORMAL mean 0, deviation 1; INTEGERS in [lo,hi); PERMUTATION of 0..n-1. *offset advances. */
CJ_API cj_status cj_random(cj_ctx *c, const cj_type *t, cj_dist d, uint64_t seed, uint64_t *offset, int64_t lo,
                           int64_t hi, cj_tensor **out);

/* --- the table of operations: what bindings, tests and manuals are made from --- */

/*
** sig names the arguments: "x, dim:axes?, keepdim:bool=false".  An argument without a kind is a
** tensor operand (a number will do).  Kinds:
**   T operand  list operands, any number  index int64 operand (0-based here, 1-based in Lua)
**   axis axes shape perm int ints pos num bool str dtype   parameters
**   indices: a list of index operands; num|str: a number, or one of a few names
** pos is a position along an axis: here from 0, in Lua from 1, in both negative from the end.
** A trailing ? marks an argument that may be absent; =v gives the value then.
*/
typedef struct cj_opinfo {
  const char *name;   /* "solve" */
  const char *module; /* "" for cj.NAME and x:NAME(); "linalg", ...; NULL: internal, for tests */
  const char *sig;
  const char *doc;
  const char *value;   /* C expression if elementwise, else NULL */
  const char *domain;  /* where an elementwise operand is sampled, one letter an operand */
  const char *example; /* argument lists, as Lua text, separated by " | " */
  const char *meta;    /* Lua metamethod, or NULL */
  bool differentiable;
  bool primitive;    /* an instruction of its own; false: built from others */
  bool fails;        /* it may fail when it runs, for what the numbers in its operands are */
  bool method;       /* also x:NAME() */
  bool index_result; /* positions, from 0 here and from 1 in Lua, are the last of several results, or the single
                     ** one of a row that is not differentiable */
  bool list_result;  /* any number of results: one table of them in Lua */
} cj_opinfo;

typedef struct cj_param {
  int n;                     /* numbers given; -1: absent */
  int64_t v[2 * CJ_MAXRANK]; /* axis, axes, shape, ints, int, bool, dtype */
  double f;                  /* num */
  const char *s;             /* str */
} cj_param;

CJ_API int cj_op_count(void);
CJ_API cj_status cj_op_info(int op, cj_opinfo *out);         /* EARG: no such row */
CJ_API int cj_op_find(const char *module, const char *name); /* -1: none */

/* --- values, tracing ---------------------------------------------------- */

/* A tensor in memory of the caller, row-major.  Meant for few elements: whatever outlives the call that it is given to
** is a copy. */
typedef struct cj_small {
  const cj_type *type;
  void *data;
} cj_small;
/* One element as a number, as cj_tensor_at does; index is in range. */
CJ_API void cj_small_at(const cj_small *x, int64_t index, double *f, int64_t *i);

/*
** A value is a tensor, a number (which takes part in an operation without changing the dtype of
** tensors beside it), or what an instruction of an open trace will give.
*/
typedef uint32_t cj_ref;
typedef enum cj_kind { CJ_NONE, CJ_TENSOR, CJ_SMALL, CJ_TRACED, CJ_NUM, CJ_INT, CJ_LOGICAL } cj_kind;
typedef struct cj_val {
  cj_kind kind;
  union {
    cj_tensor *tensor;     /* borrowed in arguments, one reference in results */
    const cj_small *small; /* borrowed in arguments; no result is one, but for those of cj_request.place */
    struct {
      uint32_t trace;
      cj_ref ref;
    } at;
    double num;
    int64_t i; /* CJ_INT, CJ_LOGICAL */
  } u;
} cj_val;

/*
** Applies an operation.  Done at once if no operand is traced; else an instruction of the innermost
** trace among the operands, into which tensors and values of outer traces are captured.
** in: the operands in the order of sig; p: the parameters in the order of sig.
** out: room for cap values; *nout is set to their number.
*/
CJ_API cj_status cj_apply(cj_ctx *c, int op, const cj_val *in, int nin, const cj_param *p, int np, cj_val *out, int cap,
                          int *nout);
/* The same, at once and without any allocation, for elementwise operations with a result of the dtype of their
** operands: tensors of one float dtype, all of one shape, and numbers and 0-d ones beside them.  out: memory for room
** bytes of elements.  The type of the result, which lives as long as the operands; NULL: not such a case, or no room.
*/
CJ_API const cj_type *cj_apply_small(cj_ctx *c, int op, const cj_val *in, int nin, void *out, size_t room);

/* The part of x, a value of the innermost trace, at positions along its first n axes, which vanish; negative positions
** count from the end.  False: it is not one, a position is out of range, or there is no memory; cj_apply of select
** tells which. */
CJ_API bool cj_trace_at(cj_ctx *c, const cj_val *x, const int64_t *at, int n, cj_val *out);

/* Traces nest; a number stands for one and is never used again. */
CJ_API cj_status cj_trace_open(cj_ctx *c, uint32_t *trace);
/* One more argument of the function being traced, standing for primal (a tensor or a value of an
** outer trace). */
CJ_API cj_status cj_trace_input(cj_ctx *c, uint32_t trace, const cj_val *primal, cj_val *out);
/* An argument of which only the type is known: asking for its number is ENOVALUE. */
CJ_API cj_status cj_trace_input_type(cj_ctx *c, uint32_t trace, const cj_type *t, cj_val *out);
/* Ends a trace without a result; a number that stands for no open trace is no error. */
CJ_API void cj_trace_abandon(cj_ctx *c, uint32_t trace);
CJ_API bool cj_trace_isopen(const cj_ctx *c, uint32_t trace);
/* Where the user's code is now, for messages: a line of a chunk, kept with the instructions that the next operation
** adds.  Operations that cannot fail when they run (cj_opinfo.fails) need it only for plans that people read. */
CJ_API void cj_trace_line(cj_ctx *c, uint32_t trace, int line);
/* Whether a trace that is open will be read or compiled, so that lines are worth their cost everywhere. */
CJ_API bool cj_trace_islasting(const cj_ctx *c, uint32_t trace);
/* It will: what is told about it names lines. */
CJ_API void cj_trace_last(cj_ctx *c, uint32_t trace);
/* Ends the trace: its function of the arguments so far, captures bound inside. */
CJ_API cj_status cj_trace_close(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, cj_func **out);

CJ_API cj_status cj_val_type(cj_ctx *c, const cj_val *v, cj_type *out);
/* The number behind a value: a tensor for any kind.  Evaluates what it needs of a trace and
** records that the trace depends on it. */
CJ_API cj_status cj_val_tensor(cj_ctx *c, const cj_val *v, cj_tensor **out);
CJ_API void cj_val_release(cj_val *v);

/* --- derivatives --------------------------------------------------------- */

typedef enum cj_want {
  CJ_VALUE,           /* y                                                                  */
  CJ_JACOBIAN,        /* block [i][j]: shape(y_i) ++ shape(x_j), dtype of x_j; ny * nx results, row by row */
  CJ_HESSIAN,         /* of the single one-element output: block [i][j]: shape(x_i) ++ shape(x_j)    */
  CJ_VJP,             /* v: ny cotangents (absent: 1, one one-element output only); nx results       */
  CJ_JVP,             /* v: nx tangents (absent: 1, one one-element input only); ny results          */
  CJ_VHP,             /* v: nx; nx results, v' H */
  CJ_HVP,             /* v: nx; nx results, H v  */
  CJ_NONZEROS,        /* of the Jacobian, rows and columns laid end to end, in the order of its pattern: one vector */
  CJ_HESSIAN_NONZEROS /* the same of the Hessian */
} cj_want;

typedef enum cj_strategy { CJ_AUTO, CJ_REVERSE, CJ_FORWARD, CJ_SPARSE } cj_strategy;

typedef struct cj_request {
  size_t size; /* sizeof(cj_request) */
  cj_want want;
  cj_strategy strategy;
  int64_t chunk;    /* rows or columns of one pass; 0: as fits max_bytes */
  size_t max_bytes; /* of one pass; 0: default */
  bool value;       /* the outputs too, before the rest */
  /* EARG, naming both, where an output (for products: all of them) does not depend on an input, or, of second order, a
  ** gradient does not; by the structure of the program, whatever the numbers are. */
  bool strict;
  bool graph;  /* with strict: also where what is wanted does not depend on the inputs, to be differentiated again */
  bool detach; /* results are constants to enclosing traces */
  /* Told, in a few lines of text, how it is computed and what was thought to cost how much; NULL: nobody is.  Called
  ** within the call that derives; it must not call cjac.  A status other than CJ_OK ends that call with it. */
  cj_write_fn explain;
  void *explain_ud;
  /* Told the number and the type of a result of cj_trace_derive, which is to be a tensor: memory of the caller to write
  ** it to, whose type is that type; the result is a value of it, of kind CJ_SMALL.  NULL: a new tensor, as without it.
  ** It must not call cjac. */
  const cj_small *(*place)(void *ud, int i, const cj_type *t);
  void *place_ud;
} cj_request;

/*
** Ends the trace and derives what rq asks for at the arguments it was opened with.  v: nv values or
** none (nv 0).  The results are tensors, or instructions of an outer trace if the arguments or
** captures came from one.  The plan is kept in the context under the structure of the program, so a
** repeated call costs the trace, a look-up and the run.  After an error the trace is closed too.
*/
CJ_API cj_status cj_trace_derive(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_request *rq,
                                 const cj_val *v, int nv, cj_val *out, int cap, int *nout);
/* cj_trace_derive for CJ_NONZEROS and CJ_HESSIAN_NONZEROS: the pattern too (one reference). */
CJ_API cj_status cj_trace_sparse(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_request *rq, cj_val *out,
                                 int cap, int *nout, cj_pattern **pattern);
/* The same for a trace that goes on (a tape): x: nx of its inputs or any of its values. */
CJ_API cj_status cj_tape_derive(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_val *x, int nx,
                                const cj_request *rq, const cj_val *v, int nv, cj_val *out, int cap, int *nout);
/* Ends the trace: its outputs, and the linear function (tangents of the inputs) -> (tangents of the
** outputs) at these arguments, which does not run the traced function again. */
CJ_API cj_status cj_trace_linearize(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, cj_val *value, cj_func **lin);

/* --- loops and calls ------------------------------------------------------- */

typedef struct cj_scan {
  size_t size; /* sizeof(cj_scan) */
  int ncarry;  /* the first arguments and results of the body */
  int64_t steps;
  bool reverse; /* from the last row to the first */
  bool counted; /* the body's last argument, an int64 without axes, is `first` plus the number of the row */
  int64_t first;
  int64_t
      segment; /* reverse mode keeps the carry of every so many steps, and computes the others again; 0, 1: of all */
} cj_scan;

/*
** Ends the trace, whose function is the body of a loop: arguments (only types known) carry.., one row of each of
** the xs.., the counter; results y: the next carry.., of the types they came in, then what is kept of each step.  in:
** the first carry.., then xs.. with a leading axis of `steps`.  out: ny values, the last carry.. and the rest with that
** axis.  What the body captured is constant over the steps, and differentiated.  The loop is one
** instruction of the innermost trace among in and the captures, or runs at once.
*/
CJ_API cj_status cj_trace_scan(cj_ctx *c, uint32_t trace, const cj_scan *spec, const cj_val *y, int ny,
                               const cj_val *in, cj_val *out);

/*
** Ends the trace and calls its function at `in`, one value an argument: one instruction, whose inner values are not
** kept for the reverse sweep but computed again.  jvp, vjp: derivatives by hand, or NULL; either will do for both
** modes.  (x.., y.., tangents of the float x..) -> (tangents of y..), linear in the tangents;
** (x.., y.., cotangents of y..) -> (cotangents of the float x..), linear in the cotangents.
** With one of them what the function captured is constant for derivatives, and all y have one float dtype.
*/
CJ_API cj_status cj_trace_call(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, const cj_val *in, cj_func *jvp,
                               cj_func *vjp, cj_val *out);

/* --- functions ----------------------------------------------------------- */

/* A body receives one value per input and writes one per output; EUSER gives up. */
typedef cj_status (*cj_body)(cj_ctx *c, const cj_val *x, cj_val *y, void *ud);
CJ_API cj_status cj_func_new(cj_ctx *c, int nin, const cj_type *in, int nout, cj_body body, void *ud, cj_func **out);
CJ_API cj_func *cj_func_retain(cj_func *f);
CJ_API void cj_func_release(cj_func *f);
CJ_API int cj_func_nin(const cj_func *f); /* arguments; captures are not counted */
CJ_API int cj_func_nout(const cj_func *f);
CJ_API const cj_type *cj_func_in(const cj_func *f, int i);
CJ_API const cj_type *cj_func_out(const cj_func *f, int i);
/* f at x: at once, or inlined into the innermost trace among x and f's captures. */
CJ_API cj_status cj_func_apply(cj_func *f, const cj_val *x, int nx, cj_val *out);

/* Transforms: a function in, a function out.  Inputs and results in the order of cj_want:
** (x.., v..) -> (values if rq->value.., wanted..). */
CJ_API cj_status cj_func_derive(cj_func *f, const cj_request *rq, cj_func **out);
/* The inputs i with which[i] gain a leading axis of length n; all outputs have it. */
CJ_API cj_status cj_func_batch(cj_func *f, const bool *which, int64_t n, cj_func **out);

typedef enum cj_form { CJ_TEXT, CJ_DOT } cj_form;
CJ_API cj_status cj_func_write(const cj_func *f, cj_form form, cj_write_fn w, void *ud);

/* --- plans: run many times ------------------------------------------------ */

/* EARG if f has captures that are traced. */
CJ_API cj_status cj_plan_new(cj_func *f, cj_plan **out);
CJ_API cj_plan *cj_plan_retain(cj_plan *p);
CJ_API void cj_plan_release(cj_plan *p);
CJ_API size_t cj_plan_worksize(const cj_plan *p); /* bytes; align to 64 */
/*
** in and out: caller's buffers, row-major, of the function's types; an output may not overlap an
** input.  work: cj_plan_worksize bytes, or NULL if that is 0.  EDOMAIN (singular matrix), ERANGE
** (index): the outputs are not to be read.
*/
CJ_API cj_status cj_plan_run(const cj_plan *p, const void *const *in, void *const *out, void *work);
CJ_API cj_status cj_plan_write(const cj_plan *p, cj_write_fn w, void *ud);

/* --- sparsity -------------------------------------------------------------- */

/* A pattern is immutable; rows and columns are all outputs and inputs laid end to end. */
typedef struct cj_csr {
  int64_t rows, cols, nnz;
  const int64_t *rowptr, *col; /* views into the pattern; rows + 1 and nnz entries */
} cj_csr;
CJ_API cj_status cj_func_sparsity(cj_func *f, cj_pattern **out);
/* Of n entries in any order.  place: room for n, or NULL: which nonzero each entry is; entries at one place are one
** nonzero.  ERANGE. */
CJ_API cj_status cj_pattern_new(cj_ctx *c, int64_t rows, int64_t cols, int64_t n, const int64_t *row,
                                const int64_t *col, int64_t *place, cj_pattern **out);
/* Rows and columns exchanged.  place: room for nnz, or NULL: which nonzero of p each one of the new pattern is. */
CJ_API cj_status cj_pattern_transpose(const cj_pattern *p, int64_t *place, cj_pattern **out);
CJ_API cj_pattern *cj_pattern_retain(cj_pattern *p);
/* That of a stencil is kept as a few diagonals; rowptr and col are written when they are first asked for. */
CJ_API cj_status cj_pattern_csr(const cj_pattern *p, cj_csr *out);
CJ_API void cj_pattern_sizes(const cj_pattern *p, cj_csr *out); /* without rowptr and col, which are NULL */
CJ_API void cj_pattern_release(cj_pattern *p);

/*
** Colours of columns, rows or both, so that every nonzero of a Jacobian can be read from its products with the
** sums of the unit vectors of each colour: it is the only one of its row whose column has that colour, or the
** only one of its column whose row has that colour.  COLUMNS: columns have colours; ROWS: rows; STAR: columns,
** and so that it is enough to find a nonzero or the one opposite (for Hessians; EARG if p is not symmetric);
** BIDIRECTIONAL: rows and columns. Greedy heuristics: the best of several orders.
*/
typedef enum cj_coloring { CJ_COLUMNS, CJ_ROWS, CJ_STAR, CJ_BIDIRECTIONAL } cj_coloring;
/* row, col: room for rows and cols colours, which count from 0 (-1: none); *nrow, *ncol: how many there are.
** NULL will do for what the kind does not colour. */
CJ_API cj_status cj_pattern_color(const cj_pattern *p, cj_coloring kind, int64_t *row, int64_t *col, int64_t *nrow,
                                  int64_t *ncol);

/*
** Solves systems with a square sparse matrix.  What only depends on the pattern is found once.  A symmetric
** matrix with a positive diagonal is tried as L D L' first (LDL: Davis, ACM TOMS 31, 2005), any other is L U
** in block triangular form (KLU: Davis, Palamadai Natarajan, ACM TOMS 37, 2010), with the pivots of the last
** time where they still are good. ENOSYS if the library was built without SuiteSparse, whose memory comes from
** malloc and not from the context.
*/
typedef struct cj_solver cj_solver;
CJ_API cj_status cj_solver_new(cj_pattern *p, cj_solver **out); /* ESHAPE: not square */
CJ_API void cj_solver_release(cj_solver *s);
/* value: nnz numbers in pattern order.  EDOMAIN: singular; then there is nothing to solve with. */
CJ_API cj_status cj_solver_factor(cj_solver *s, const double *value);
/* b: n right-hand sides of `rows` numbers each, one after the other, which become the solutions.  transposed: of the
** transposed system. */
CJ_API cj_status cj_solver_solve(cj_solver *s, bool transposed, int64_t n, double *b);
/* The nonzeros of the Jacobian in pattern order: (x..) -> (values if value.., one vector of nnz).
** float64 unless every input is float32. */
CJ_API cj_status cj_func_sparse_jacobian(cj_func *f, bool value, cj_func **out, cj_pattern **pattern);

/* --- compiled functions ---------------------------------------------------- */

/*
** A traced function made ready for many calls: its program, a plan, a workspace of its own.  Where the
** traced code asked for numbers (cj_val_tensor) to decide what to do next, these are its guards: every call
** computes them too, and if one comes out as another number than it had while tracing, the code would
** have gone another way.  Such a call gives no result, and the host traces again: it keeps several of these for
** one function, and tries the one used last first.
**
** Tensors that the trace captured are part of it, as they were then, and so are random numbers drawn
** while tracing.  Only one thread at a time may use it: it holds the memory of a run.
*/
typedef struct cj_compiled cj_compiled;

/* The numbers that code asks this trace for, and any trace opened while it is open, are kept as its guards.
** To be called before the traced code runs. */
CJ_API cj_status cj_trace_guard(cj_ctx *c, uint32_t trace);
/* Ends the trace, also after an error: its function of the arguments so far, with its guards. */
CJ_API cj_status cj_trace_compile(cj_ctx *c, uint32_t trace, const cj_val *y, int ny, cj_compiled **out);
CJ_API cj_status cj_compiled_new(cj_func *f, cj_compiled **out); /* without guards */
CJ_API cj_compiled *cj_compiled_retain(cj_compiled *k);
CJ_API void cj_compiled_release(cj_compiled *k);
CJ_API int cj_compiled_nin(const cj_compiled *k);
CJ_API int cj_compiled_nout(const cj_compiled *k);
CJ_API int cj_compiled_nguard(const cj_compiled *k);
CJ_API const cj_type *cj_compiled_in(const cj_compiled *k, int i);
CJ_API const cj_type *cj_compiled_out(const cj_compiled *k, int i); /* the guards come after the outputs */
/* It captured values of an open trace, and can only be called while that is open. */
CJ_API bool cj_compiled_isbound(const cj_compiled *k);
/* Of CJ_NONZEROS and CJ_HESSIAN_NONZEROS (borrowed), else NULL. */
CJ_API cj_pattern *cj_compiled_pattern(const cj_compiled *k);

/*
** k at x: nx tensors, numbers (for a float64 input without axes) or traced values, of the types of its inputs.
** y: cj_compiled_nout values.  One of kind CJ_NONE receives a new tensor.  One of kind CJ_TENSOR, for which
** cj_tensor_edit is not NULL and which has the type of the result, is written to; it may be one of x, but has no
** element that another one of y has (EARG).  After an error, or if *valid comes out false, nothing has been written
** (but for ECANCEL) and nothing is handed out.  With traced values among x (or captured) the program becomes part of
** the innermost trace, which takes over the guards, and every y is one of its values.
**
** valid NULL: the call is at the arguments of the trace, so the guards hold, and what they come out as now
** (rounding may differ from that of the trace) is what later calls compare with.
**
** EDOMAIN and ERANGE from a function with guards may mean that it took the wrong way: trace again to know.
** After the first call at tensors nothing is allocated but new results (and, when a tensor is first seen that
** is not row-major, room for its copy).
*/
CJ_API cj_status cj_compiled_call(cj_compiled *k, const cj_val *x, int nx, cj_val *y, bool *valid);

/* Derivatives and batches of it, compiled too, with the same guards; inputs and outputs as in cj_func_derive
** and cj_func_batch, where all inputs gain the leading axis.  nv: as many v as rq->want takes, or 0 where they may
** be absent.  A batch whose elements would take different ways has no valid call. */
CJ_API cj_status cj_compiled_derive(cj_compiled *k, const cj_request *rq, int nv, cj_compiled **out);
CJ_API cj_status cj_compiled_batch(cj_compiled *k, int64_t n, cj_compiled **out);

typedef struct cj_compiledstat {
  int64_t traced, ops;    /* instructions that were recorded, and of the program with its guards */
  int64_t steps;          /* of its plan: kernels, fused loops, tapes of single elements */
  size_t work, constants; /* bytes: memory of a run, captured and constant numbers */
  const char *strategy;   /* how a Jacobian or Hessian is computed; NULL: it is none */
  int64_t passes, seeds,
      nonzeros; /* sweeps, directions in all of them, entries that may not be zero (-1: not looked for) */
  double forward, backward, sparse,
      chosen; /* what ways would cost, in elements of an elementwise operation; < 0: unknown */
} cj_compiledstat;
CJ_API cj_status cj_compiled_stats(cj_compiled *k, cj_compiledstat *out);
/* CJ_TEXT: its types, program and guards.  CJ_DOT: a Graphviz graph of the program. */
CJ_API cj_status cj_compiled_write(const cj_compiled *k, cj_form form, cj_write_fn w, void *ud);
/* What was chosen for it and what that was thought to cost, then the plan. */
CJ_API cj_status cj_compiled_explain(cj_compiled *k, cj_write_fn w, void *ud);

#ifdef __cplusplus
}
#endif
#endif
