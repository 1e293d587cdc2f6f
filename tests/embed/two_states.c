/* two_states.c -- Lua states, each in a thread of its own and each with the module, know nothing of each other:
** two, then eight of them differentiate without pause, and every number is right. */
#include <lua.h>

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>

#include "cjac_lua.h"
#include "host.h"

enum { MOST = 8 };

/* Returns how many numbers it looked at; raises on a wrong one.  The argument makes the states differ. */
static const char script[] =
    "local cj, seed = require 'cjac', ...\n"
    "cj.manual_seed(seed)\n"
    "local looked = 0\n"
    "local function same(a, b)\n"
    "  looked = looked + a:numel()\n"
    "  assert((a - b):abs():max():item() < 1e-10, 'wrong number')\n"
    "end\n"
    "for i = 1, 60 do\n"
    "  local n = 2 + (i + seed) % 7\n"
    "  local x, A = cj.randn(n), cj.randn(n, n) + n * cj.eye(n)\n"
    "  same(cj.jacobian(function(x) return A:matmul(x) end, x), A)\n"
    "  same(cj.jacobian(function(x) return cj.linalg.solve(A, x) end, x), cj.linalg.inv(A))\n"
    "  same(cj.jacobian(function(x) return x:sin() * i end, x), (x:cos() * i):diag())\n"
    "  same(cj.hessian(function(x) return (x ^ 3):sum() end, x), (x * 6):diag())\n"
    "  local y = x\n"
    "  for k = 1, i % 5 do y = (y * k):tanh() end\n"
    "  local f = function(x) local y = x for k = 1, i % 5 do y = (y * k):tanh() end return y end\n"
    "  same(cj.jacobian(f, x, {strategy = 'reverse-mode'}), cj.jacobian(f, x, {strategy = 'forward-mode'}))\n"
    "  local good, message = pcall(cj.jacobian, function(x) return x + cj.zeros(n + 1) end, x)\n"
    "  assert(not good and message:find '%[' and message:find(tostring(n + 1)), message)\n"
    "  if i % 20 == 0 then collectgarbage() end\n"
    "end\n"
    "return looked\n";

typedef struct state {
  int seed;
  long looked;
  char error[256];
} state;

static void *live(void *ud) {
  state *s = ud;
  lua_State *L = luaL_newstate();
  if (!L) return NULL;
  luaL_openlibs(L);
  luaL_requiref(L, "cjac", luaopen_cjac, 0);
  lua_pop(L, 1);
  if (luaL_loadstring(L, script) == LUA_OK) {
    lua_pushinteger(L, s->seed);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK) s->looked = (long)lua_tointeger(L, -1);
  }
  if (s->looked == 0) snprintf(s->error, sizeof s->error, "%s", lua_tostring(L, -1));
  lua_close(L);
  return NULL;
}

static void together(int n) {
  pthread_t thread[MOST];
  state states[MOST] = {0};
  for (int k = 0; k < n; k++) {
    states[k].seed = n + k;
    CHECK(pthread_create(&thread[k], NULL, live, &states[k]) == 0);
  }
  for (int k = 0; k < n; k++) CHECK(pthread_join(thread[k], NULL) == 0);
  for (int k = 0; k < n; k++) {
    host_counts.cases += states[k].looked;
    if (!CHECK(states[k].looked > 1000)) printf("  %s\n", states[k].error);
  }
}

int main(void) {
  together(2);
  together(MOST);
  return host_close("two_states");
}
