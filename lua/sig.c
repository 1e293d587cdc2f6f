/* sig.c -- reads the sigs of the op table: "x, dim:axes?, keepdim:bool=false". */
#include "ops.h"

#include <string.h>

static const char *const kinds[CJL_NKIND] = {"T",   "list", "index", "indices", "axis",    "axes", "shape", "perm",
                                             "int", "ints", "pos",   "num",     "num|str", "bool", "str",   "dtype"};

typedef struct piece { /* of a sig */
  const char *s;
  size_t n;
} piece;

static bool equals(piece p, const char *s) { return strlen(s) == p.n && memcmp(p.s, s, p.n) == 0; }

/* Cuts the text before sep off *rest; without a sep, all of it. */
static piece cut(piece *rest, char sep) {
  const char *at = memchr(rest->s, sep, rest->n);
  piece head = {rest->s, at ? (size_t)(at - rest->s) : rest->n};
  size_t used = at ? head.n + 1 : head.n;
  rest->s += used;
  rest->n -= used;
  return head;
}

static piece trim(piece p) {
  while (p.n && *p.s == ' ') p.s++, p.n--;
  while (p.n && p.s[p.n - 1] == ' ') p.n--;
  return p;
}

static void copy(char *to, size_t cap, piece p) {
  if (p.n >= cap) p.n = cap - 1;
  memcpy(to, p.s, p.n);
  to[p.n] = '\0';
}

static int kind_of(piece p) {
  for (int k = 0; k < CJL_NKIND; k++)
    if (equals(p, kinds[k])) return k;
  return CJL_T;
}

static int dtype_of(piece p) {
  char name[20];
  copy(name, sizeof name, p);
  return cjl_dtype(name);
}

/* Where the next pieces of the description go. */
typedef struct room {
  lua_State *L;
  cjl_state *S;
  cjl_arg *arg;
  cj_param *param;
  char *text;
} room;

/* Reads a default, which is written as the core counts. */
static void read_default(cj_param *p, int kind, piece value, room *to) {
  char word[32];
  copy(word, sizeof word, value);
  p->n = 1;
  if (lua_stringtonumber(to->L, word)) { /* not strtod: it follows the host's locale */
    p->f = lua_tonumber(to->L, -1);
    p->v[0] = (int64_t)p->f;
    lua_pop(to->L, 1);
  }
  if (kind == CJL_BOOL) p->v[0] = equals(value, "true");
  if (kind == CJL_DTYPE) p->v[0] = dtype_of(value);
  if (*value.s != '"' || value.n < 2) return;
  p->s = memcpy(to->text, value.s + 1, value.n - 2);
  to->text += value.n - 1; /* the text ends with a zero: the memory is zeroed */
}

static int count(const char *s, char c) {
  int n = 0;
  for (; *s; s++) n += *s == c;
  return n;
}

static void read_arg(piece p, room *to) {
  cjl_arg *a = to->arg++;
  piece value = p;
  piece head = cut(&value, '=');
  piece name = cut(&head, ':');
  a->optional = value.n != 0;
  piece *last = head.n ? &head : &name;
  if (last->n && last->s[last->n - 1] == '?') last->n--, a->optional = true;
  copy(a->name, sizeof a->name, name);
  a->kind = (uint8_t)(head.n ? kind_of(head) : CJL_T);
  if (value.n) read_default(a->absent = to->param++, a->kind, value, to);
}

static bool isplain(const cjl_opdesc *d, const cj_opinfo *info) {
  for (int i = 0; i < d->narg; i++)
    if (d->arg[i].kind != CJL_T || d->arg[i].optional) return false;
  return d->narg >= 1 && d->narg <= 3 && !info->index_result && !info->list_result;
}

static void read_op(cjl_opdesc *d, int op, const cj_opinfo *info, room *to) {
  piece rest = {info->sig, strlen(info->sig)};
  const char *module = info->module ? info->module : "";
  piece m = {module, strlen(module)};
  m = cut(&m, ','); /* "a,b": in both; named after the first */
  d->S = to->S;
  d->op = op;
  d->arg = to->arg;
  strcpy(d->who, "cj.");
  if (m.n && m.n < 16) strncat(strncat(d->who, m.s, m.n), ".", 2);
  strncat(d->who, info->name, sizeof d->who - 1 - strlen(d->who));
  while (rest.n) read_arg(trim(cut(&rest, ',')), to);
  d->narg = (int)(to->arg - d->arg);
  d->plain = isplain(d, info);
  d->elementwise = info->value != NULL;
  d->fails = info->fails;
  d->index_result = info->index_result;
  d->list_result = info->list_result;
  d->differentiable = info->differentiable;
}

const cjl_opdesc *cjl_describe_ops(lua_State *L, cjl_state *S) {
  int n = cj_op_count();
  size_t nargs = 0, nparams = 0, ntext = 0;
  for (int op = 0; op < n; op++) {
    cj_opinfo info;
    if (cj_op_info(op, &info) != CJ_OK) continue;
    nargs += (size_t)count(info.sig, ',') + 1;
    nparams += (size_t)count(info.sig, '=');
    ntext += strlen(info.sig) * (strchr(info.sig, '"') != NULL);
  }
  size_t size = (size_t)n * sizeof(cjl_opdesc) + nparams * sizeof(cj_param) + nargs * sizeof(cjl_arg) + ntext;
  cjl_opdesc *d = memset(lua_newuserdatauv(L, size, 0), 0, size);
  room to = {.L = L, .S = S, .param = (cj_param *)(d + n)};
  to.arg = (cjl_arg *)(to.param + nparams);
  to.text = (char *)(to.arg + nargs);
  for (int op = 0; op < n; op++) {
    cj_opinfo info;
    if (cj_op_info(op, &info) == CJ_OK) read_op(&d[op], op, &info, &to);
  }
  return d;
}
