/* graph.c -- storage of a program: pools, sources, queries. */
#include "graph/graph.h"
#include "graph/store.h"

#include <string.h>

cj_graph *cjg_new(cj_ctx *c) {
  cj_graph *g = cjm_zalloc(c, sizeof *g);
  if (!g) return NULL;
  g->c = c;
  g->refs = 1;
  g->len = 1;
  return g;
}

#define FREE(arr, cap) cjm_free(g->c, g->arr, g->cap * sizeof *g->arr)
void cjg_free(cj_graph *g) {
  if (!g || __atomic_sub_fetch(&g->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  cjg_reset(g);
  FREE(node, cap);
  FREE(line, linecap);
  FREE(slot, nslot);
  FREE(pool, poolcap);
  FREE(type, typecap);
  FREE(attr, attrcap);
  FREE(konst, konstcap);
  FREE(tensor, tensorcap);
  FREE(sub, subcap);
  FREE(arg, argcap);
  FREE(capture, capturecap);
  FREE(out, outcap);
  cjm_free(g->c, g, sizeof *g);
}

void cjg_reset(cj_graph *g) {
  for (uint32_t i = 0; i < g->ntensor; i++) cjt_release(g->tensor[i]);
  for (uint32_t i = 0; i < g->nsub; i++) cjg_free(g->sub[i]); /* as deep as programs nest */
  if (g->slot) memset(g->slot, 0, g->nslot * sizeof *g->slot);
  g->len = 1;
  g->nattr = g->nattr > 0;
  g->npool = g->ntype = g->nkonst = g->ntensor = g->nsub = g->depth = g->narg = g->ncapture = g->nout = 0;
  memset(g->scalar, 0, sizeof g->scalar);
  g->now = 0;
  g->plain = false;
  g->hash = 0;
}

/* --- pools of distinct types and attributes: few entries, so a look at the last ones does ------------ */

static uint64_t hash_type(const cj_type *t) {
  return cjm_hash(t->dim, t->rank * sizeof *t->dim, t->dtype + 8u * t->rank);
}

bool cjg_intern_type(cj_graph *g, const cj_type *t, uint32_t *index) {
  uint32_t stop = g->ntype > 64 ? g->ntype - 64 : 0;
  for (uint32_t i = g->ntype; i-- > stop;)
    if (cjt_same(&g->type[i], t)) return *index = i, true;
  if (!CJM_GROW(g->c, g->type, g->typecap, g->ntype + 1)) return false;
  g->hash = cjm_mix(g->hash, hash_type(t));
  g->type[ *index = g->ntype++] = *t;
  return true;
}

static bool intern_scalar(cj_graph *g, int dtype, uint32_t *index) {
  cj_type t = cjt_scalar(dtype);
  if (g->scalar[dtype]) return *index = g->scalar[dtype] - 1, true;
  if (!cjg_intern_type(g, &t, index)) return false;
  g->scalar[dtype] = *index + 1;
  return true;
}

static bool sameattr(const cj_attr *a, const cj_attr *b) {
  if (a->n != b->n) return false;
  for (int i = 0; i < a->n; i++)
    if (a->v[i] != b->v[i]) return false;
  return true;
}

static bool add_attr(cj_graph *g, const cj_attr *a, uint32_t *index) {
  if (!CJM_GROW(g->c, g->attr, g->attrcap, g->nattr + 1)) return false;
  if (g->nattr) g->hash = cjm_mix(g->hash, cjm_hash(a->v, (size_t)a->n * sizeof *a->v, (uint64_t)a->n));
  g->attr[ *index = g->nattr++] = *a;
  return true;
}

/* Entry 0 is the attribute without numbers, which most instructions have; it tells nothing, and stays in a graph that
** is reset. */
bool cjg_intern_attr(cj_graph *g, const cj_attr *a, uint32_t *index) {
  static const cj_attr none;
  if (g->nattr == 0 && !add_attr(g, &none, index)) return false;
  *index = 0;
  if (!a || a->n == 0) return true;
  uint64_t h = (uint64_t)a->n;
  for (int i = 0; i < a->n; i++) h = (h ^ (uint64_t)a->v[i]) * 0x9e3779b97f4a7c15u;
  uint32_t *hint = &g->attrhint[h >> 58]; /* the last one of that hash */
  if (*hint < g->nattr && sameattr(&g->attr[*hint], a)) return *index = *hint, true;
  uint32_t stop = g->nattr > 64 ? g->nattr - 64 : 0;
  for (uint32_t i = g->nattr; i-- > stop;)
    if (sameattr(&g->attr[i], a)) return *index = *hint = i, true;
  if (!add_attr(g, a, index)) return false;
  *hint = *index;
  return true;
}

/* --- the table of nodes, by content -------------------------------------------------------------------- */

static const cj_ref *operands(const cj_graph *g, const cj_node *n) { return n->nin <= 3 ? n->in : g->pool + n->in[0]; }

/* A node is three words; the last of them are not the node's own for numbers and for long lists of operands. */
static inline uint64_t hash_node(const cj_graph *g, const cj_node *n) {
  uint64_t w[3];
  memcpy(w, n, sizeof w);
  if (n->nin >= 1 && n->nin <= 3) {
    CJ_UNUSED(g);
  } else if (n->op == CJ_OP_konst) {
    w[1] = n->attr;
    memcpy(&w[2], &g->konst[n->in[0]], sizeof w[2]);
  } else if (n->nin > 3) {
    w[1] = n->attr;
    w[2] = cjm_hash(operands(g, n), n->nin * sizeof(cj_ref), 0);
  }
  uint64_t h = w[0] * 0x9e3779b97f4a7c15u ^ w[1] * 0xbf58476d1ce4e5b9u ^ w[2] * 0x94d049bb133111ebu;
  h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93u; /* odd: nothing is lost */
  return h ^ (h >> 32);
}

static inline bool samenode(const cj_graph *g, const cj_node *a, const cj_node *b) {
  uint64_t v[3], w[3];
  memcpy(v, a, sizeof v);
  memcpy(w, b, sizeof w);
  if (v[0] != w[0] || a->attr != b->attr) return false;
  if (a->nin >= 1 && a->nin <= 3) return v[1] == w[1] && v[2] == w[2];
  if (a->op == CJ_OP_konst) return memcmp(&g->konst[a->in[0]], &g->konst[b->in[0]], sizeof *g->konst) == 0;
  if (a->op == CJ_OP_tensor) return cjt_equal(g->tensor[a->in[0]], g->tensor[b->in[0]]);
  if (a->nin == 0) return v[1] == w[1] && v[2] == w[2];
  return memcmp(operands(g, a), operands(g, b), a->nin * sizeof(cj_ref)) == 0;
}

/* In debug builds small tables use few slots, so that collisions happen. */
static uint32_t slot_of(const cj_graph *g, uint64_t h) {
#ifdef CJ_DEBUG
  if (g->nslot <= 256) h &= 15;
#endif
  return (uint32_t)(h & (g->nslot - 1));
}

static bool rehash(cj_graph *g) {
  uint32_t n = g->nslot ? 2 * g->nslot : 64;
  uint32_t *slot = cjm_zalloc(g->c, n * sizeof *slot);
  if (!slot) return false;
  cjm_free(g->c, g->slot, g->nslot * sizeof *slot);
  g->slot = slot;
  g->nslot = n;
  for (uint32_t r = 1; r < g->len; r++) {
    if (g->node[r].op == CJ_OP_input) continue;
    uint32_t i = slot_of(g, hash_node(g, &g->node[r]));
    while (slot[i]) i = (i + 1) & (n - 1);
    slot[i] = r;
  }
  return true;
}

static bool make_room(cj_graph *g) {
  if (g->c->node_limit && g->len > g->c->node_limit) {
    cjm_fail(g->c, CJ_ELIMIT, "the function has more than %u instructions (node_limit)", g->c->node_limit);
    return false;
  }
  return CJM_GROW(g->c, g->node, g->cap, g->len + 1u) && CJM_GROW(g->c, g->line, g->linecap, g->len + 1u) &&
         (2 * (uint64_t)g->len < g->nslot || rehash(g));
}

static inline bool room_for_node(cj_graph *g) {
#ifndef CJ_DEBUG /* where arrays move on every append */
  uint32_t limit = g->c->node_limit;
  if (g->len < g->cap && g->len < g->linecap && 2 * (uint64_t)g->len < g->nslot && (!limit || g->len <= limit))
    return true;
#endif
  return make_room(g);
}

static inline cj_ref append(cj_graph *g, const cj_node *n, uint64_t structural) {
  g->node[g->len] = *n;
  g->line[g->len] = g->now;
  uint64_t h = (g->hash ^ structural) * 0x9e3779b97f4a7c15u; /* odd: nothing is lost */
  g->hash = h ^ h >> 32;
  return g->len++;
}

cj_ref cjg_share(cj_graph *g, const cj_node *n, uint64_t structural, bool *fresh) {
  *fresh = false;
  if (!room_for_node(g)) return 0;
  uint64_t h = hash_node(g, n);
  uint32_t i = slot_of(g, h);
  for (; g->slot[i]; i = (i + 1) & (g->nslot - 1))
    if (samenode(g, &g->node[g->slot[i]], n)) return g->slot[i];
  *fresh = true;
  g->slot[i] = g->len;
  return append(g, n, structural ? structural : h);
}

/* --- sources --------------------------------------------------------------------------------------------- */

static cj_ref input(cj_graph *g, const cj_type *t, cj_ref **list, uint32_t *n, uint32_t *cap, uint32_t kind) {
  cj_node node = {.op = CJ_OP_input, .in = {*n, kind, 0}};
  if (!cjg_ok(g) || !cjg_intern_type(g, t, &node.type) || !cjg_intern_attr(g, NULL, &node.attr)) return 0;
  if (!cjm_grow(g->c, list, cap, *n + 1u, sizeof **list) || !room_for_node(g)) return 0;
  cj_ref r = append(g, &node, cjm_mix(CJ_OP_input + kind, node.type));
  return (*list)[(*n)++] = r;
}

cj_ref cjg_arg(cj_graph *g, const cj_type *t) { return input(g, t, &g->arg, &g->narg, &g->argcap, 0); }
cj_ref cjg_capture(cj_graph *g, const cj_type *t) { return input(g, t, &g->capture, &g->ncapture, &g->capturecap, 1); }

/* Numbers that take part in the structure: rules look at them (x^2, 1*x), and they hardly ever change
** from call to call.  All integers and booleans do too, since indices and patterns depend on them. */
static bool special(int dtype, double v) {
  /* twice these: 0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 4, 10, 1.5, -1.5; bit i + 6 is for i / 2 */
  static const uint32_t list = 1u << 6 | 1u << 8 | 1u << 4 | 1u << 10 | 1u << 2 | 1u << 7 | 1u << 5 | 1u << 12 | 1u |
                               1u << 14 | 1u << 26 | 1u << 9 | 1u << 3;
  if (!cjt_isfloat(dtype)) return true;
  if (!(v >= -3 && v <= 10)) return false;
  int twice = (int)(2 * v);
  double back = 0.5 * twice;
  return memcmp(&back, &v, sizeof v) == 0 && list >> (twice + 6) & 1; /* -0 is not 0 */
}

cj_ref cjg_bits(cj_graph *g, int dtype, double bits) {
  cj_node n = {.op = CJ_OP_konst, .in = {g->nkonst, special(dtype, bits), 0}};
  bool fresh;
  if (!cjg_ok(g) || !intern_scalar(g, dtype, &n.type) || !cjg_intern_attr(g, NULL, &n.attr)) return 0;
  if (!CJM_GROW(g->c, g->konst, g->konstcap, g->nkonst + 1u)) return 0;
  g->konst[g->nkonst] = bits; /* in place before the search, so that the node can be compared */
  uint64_t structural = n.in[1] ? 0 : cjm_mix(CJ_OP_konst, n.type);
  cj_ref r = cjg_share(g, &n, structural, &fresh);
  if (fresh) g->nkonst++;
  return r;
}

cj_ref cjg_int(cj_graph *g, int64_t v) {
  double bits;
  memcpy(&bits, &v, sizeof bits);
  return cjg_bits(g, CJ_I64, bits);
}

cj_ref cjg_num(cj_graph *g, int dtype, double v) {
  if (dtype == CJ_F32) v = (double)(float)v;
  if (cjt_isfloat(dtype)) return cjg_bits(g, dtype, v);
  int64_t i = dtype == CJ_BOOL ? v != 0 : cjg_toint(v);
  double bits;
  memcpy(&bits, &i, sizeof bits);
  return cjg_bits(g, dtype, bits);
}

cj_ref cjg_tensor(cj_graph *g, cj_tensor *x) {
  if (!cjg_ok(g)) return 0;
  uint64_t h = cjt_hash(x);
  cj_node n = {.op = CJ_OP_tensor, .in = {g->ntensor, (uint32_t)h, (uint32_t)(h >> 32)}};
  bool fresh;
  if (!cjg_intern_type(g, &x->type, &n.type) || !cjg_intern_attr(g, NULL, &n.attr)) return 0;
  for (uint32_t i = g->ntensor; i-- > 0;) /* the same tensor again, as in a loop */
    if (g->tensor[i] == x) n.in[0] = i;
  if (n.in[0] == g->ntensor) {
    if (!CJM_GROW(g->c, g->tensor, g->tensorcap, g->ntensor + 1u)) return 0;
    g->tensor[g->ntensor] = x;
  }
  cj_ref r = cjg_share(g, &n, 0, &fresh);
  if (fresh && n.in[0] == g->ntensor) {
    cjt_retain(x);
    g->ntensor++;
  }
  return r;
}

/* --- queries ------------------------------------------------------------------------------------------------ */

int64_t cjg_toint(double v) { /* saturates; NaN is 0 */
  if (!(v == v)) return 0;
  if (v >= 9223372036854775808.0) return INT64_MAX;
  if (v < -9223372036854775808.0) return INT64_MIN;
  return (int64_t)v;
}

bool cjg_getnum(const cj_graph *g, cj_ref r, double *v) {
  const cj_node *n = cjg_at(g, r);
  if (!r || n->op != CJ_OP_konst) return false;
  *v = g->konst[n->in[0]];
  if (!cjt_isfloat(g->type[n->type].dtype)) {
    int64_t i;
    memcpy(&i, &g->konst[n->in[0]], sizeof i);
    *v = (double)i;
  }
  return true;
}

bool cjg_isnum(const cj_graph *g, cj_ref r, double v) {
  double w;
  return cjg_getnum(g, r, &w) && w == v && (v != 0 || memcmp(&w, &v, sizeof w) == 0);
}

cj_ref cjg_output(cj_graph *g, cj_ref r) {
  if (!cjg_ok(g) || !CJM_GROW(g->c, g->out, g->outcap, g->nout + 1u)) return 0;
  return g->out[g->nout++] = r;
}
