/*
** mutants.c -- do the tests of derivatives notice a wrong rule?  Each rule of the op table is changed in turn: what it
** gives for one operand is scaled by 1.001, gets another sign, is left out; or one of its sums becomes a difference.  A
** Lua state of its own then runs caught.lua.  Nearly every such mutant must be caught, and every rule be used.
** DeMillo, Lipton, Sayward, "Hints on Test Data Selection", Computer 1978.
*/
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include <lua.h>

#include <lauxlib.h>
#include <lualib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../embed/check.h"
#include "cjac_lua.h"
#include "rules/build.h"

typedef enum rule { PARTIAL, TRANSPOSE, JVP, RULES } rule;
typedef enum change { SCALED, FLIPPED, DROPPED, SUM, CHANGES = SUM } change; /* from SUM on: of a sum each */
static const char *const rule_name[] = {"partial", "transpose", "jvp"};
static const char *const change_name[] = {"scaled", "flipped", "dropped", "one sum a difference"};
static const double factor[] = {1.001, -1};

/* The one that is tried now. */
static struct mutant {
  cj_op row;         /* with the changed rule */
  const cj_op *good; /* the row in the table */
  int operand;
  change change;
  int sum;   /* which of them */
  long used; /* so often the change applied */
} mutant;

/* r: what the rule gives, with instructions from first on. */
static cj_ref changed(cj_graph *g, cj_ref r, cj_ref first) {
  int left = mutant.sum;
  if (!r) return 0;
  if (mutant.change < SUM) {
    mutant.used++;
    return mutant.change == DROPPED ? 0 : cjb_mul(g, r, cjb_like(g, r, factor[mutant.change]));
  }
  for (cj_node *n = &g->node[first]; n < &g->node[g->len]; n++) {
    if ((n->op != CJ_OP_add && n->op != CJ_OP_sub) || left-- > 0) continue;
    n->op = CJ_OP_add + CJ_OP_sub - n->op;
    mutant.used++;
    break;
  }
  return r;
}

static cj_ref mutant_partial(cj_graph *g, const cj_ref *in, cj_ref y, int i, cj_ref s) {
  cj_ref first = g->len, r = mutant.good->partial(g, in, y, i, s);
  return i == mutant.operand ? changed(g, r, first) : r;
}

static cj_ref mutant_transpose(cj_graph *g, const cj_attr *a, const cj_ref *in, int nin, cj_ref y, int i, cj_ref ct) {
  cj_ref first = g->len, r = mutant.good->transpose(g, a, in, nin, y, i, ct);
  return i == mutant.operand ? changed(g, r, first) : r;
}

/* A jvp is linear in the tangents: what comes of the operand's is taken from the whole. */
static cj_ref mutant_jvp(cj_graph *g, const cj_attr *a, const cj_ref *in, int nin, cj_ref y, const cj_ref *t) {
  cj_ref only[8] = {0}, others[8] = {0}, first = g->len;
  bool more = false;
  if (nin > (int)CJ_COUNT(only) || !t[mutant.operand]) return mutant.good->jvp(g, a, in, nin, y, t);
  for (int i = 0; i < nin; i++) {
    (i == mutant.operand ? only : others)[i] = t[i];
    more |= i != mutant.operand && t[i];
  }
  cj_ref one = changed(g, mutant.good->jvp(g, a, in, nin, y, only), first);
  cj_ref rest = more ? mutant.good->jvp(g, a, in, nin, y, others) : 0;
  return one && rest ? cjb_add(g, one, rest) : one ? one : rest;
}

/* The table is constant, so its pages are read-only. */
static bool open_table(void) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)cjr_table / page * page;
  return mprotect((void *)first, (uintptr_t)(cjr_table + CJ_NOPS) - first, PROT_READ | PROT_WRITE) == 0;
}

static void put_row(int op, const cj_op *row) { ((const cj_op **)(uintptr_t)cjr_table)[op] = row; }

/* Whether the checks of that row, or else of all others, notice. */
static bool caught(const char *name, bool others) {
  lua_State *L = luaL_newstate();
  if (!CHECK(L != NULL)) return false;
  luaL_openlibs(L);
  luaL_requiref(L, "cjac", luaopen_cjac, 0);
  lua_pop(L, 1);
  bool good = luaL_loadfile(L, "tests/mutants/caught.lua") == LUA_OK;
  lua_pushstring(L, name);
  lua_pushboolean(L, others);
  if (!CHECK(good && lua_pcall(L, 2, 1, 0) == LUA_OK)) printf("  %s\n", lua_tostring(L, -1));
  good = lua_toboolean(L, -1);
  lua_close(L);
  return good;
}

static long mutants, survivors;

typedef struct place {
  int op, operand;
  rule rule;
  bool own; /* the row's own checks use the rule */
} place;

static void put_mutant(const place *at, int how) {
  const cj_op *good = cjr_table[at->op];
  mutant = (struct mutant){*good, good, at->operand, how < SUM ? (change)how : SUM, how < SUM ? 0 : how - SUM, 0};
  if (at->rule == PARTIAL) mutant.row.partial = mutant_partial;
  if (at->rule == TRANSPOSE) mutant.row.transpose = mutant_transpose;
  if (at->rule == JVP) mutant.row.jvp = mutant_jvp;
  put_row(at->op, &mutant.row);
}

/* Whether there is such a change. */
static bool try_change(place *at, int how) {
  put_mutant(at, how);
  bool seen = caught(mutant.good->name, false);
  if (how == SCALED) at->own = seen;
  if (!seen && (how < SUM || !at->own || mutant.used)) seen = caught(mutant.good->name, true);
  put_row(at->op, mutant.good);
  mutants += mutant.used > 0;
  if (seen || !mutant.used) return mutant.used > 0;
  survivors++;
  printf("survives: %s, %s, operand %d: %s (%d)\n", mutant.good->name, rule_name[at->rule], at->operand + 1,
         change_name[mutant.change], mutant.sum + 1);
  return true;
}

/* Row has a rule of that kind for operand i. */
static bool has_rule(const cj_op *row, rule r, int i) {
  bool linear = row->lin >> i & 1, helps = row->aux >> i & 1;
  if (row->flags & CJ_NODIFF || row->kind == CJ_COMPOSITE || row->subs || helps) return false;
  if (r == PARTIAL) return row->partial;
  return r == TRANSPOSE ? row->transpose && linear : row->jvp && !row->partial;
}

/* A partial may be a structural zero; what else is there must be used. */
static void try_rule(int op, rule r, int operand) {
  place at = {.op = op, .operand = operand, .rule = r};
  for (int how = 0; how < SUM; how++) {
    bool used = try_change(&at, how);
    if (!CHECK(used || r == PARTIAL)) printf("  %s, %s, operand %d\n", cjr_table[op]->name, rule_name[r], operand + 1);
    if (!used) return;
  }
  for (int how = SUM; try_change(&at, how);) how++;
}

int main(void) {
  CHECK(open_table());
  for (int op = 1; op < CJ_NOPS; op++)
    for (int r = 0; r < RULES; r++)
      for (int i = 0; i < (cjr_table[op]->nin == 255 ? 2 : cjr_table[op]->nin); i++)
        if (has_rule(cjr_table[op], (rule)r, i)) try_rule(op, (rule)r, i);
  printf("%ld mutants, %ld survive\n", mutants, survivors);
  CHECK(mutants > 400 && 100 * survivors <= mutants);
  return host_close("mutants");
}
