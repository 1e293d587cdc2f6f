-- Linear algebra on hard matrices: no output, no exit, clear errors, and small residuals where there is a solution.
-- Everything runs in a child process, whose output is looked at.

local cases = require "support.cases"
local child = require "support.child"

local script = [[
local cj = require "cjac"
local sizes = {0, 1, 2, 3, 8, 33, 100}
local nan, inf = 0 / 0, 1 / 0
local n_checked, bad = 0, {}
local function check(good, ...)
  n_checked = n_checked + 1
  if not good then bad[#bad + 1] = table.concat({...}, " ") end
end
local state = 7
local function uniform()
  state = state * 48271 % 2147483647
  return state / 2147483647 - 0.5
end
local function random(n, m)
  local t = {}
  for i = 1, n * m do t[i] = uniform() end
  return n * m == 0 and cj.zeros(n, m) or cj.tensor(t):reshape(n, m)
end
local function norm(x) return x:numel() == 0 and 0 or x:abs():max():item() end
local L = cj.linalg
local eps = {float64 = 2.3e-16, float32 = 1.2e-7}

local function ratio(what, n, dtype, residual, size)
  local r = residual / (eps[dtype] * math.max(n, 1) * math.max(size, 1e-300))
  check(residual == 0 or r < 30, what, "n =", n, dtype, "ratio", r)
end

local function good_matrices(n, dtype)
  local a = (random(n, n) + 2 * cj.eye(n)):to(dtype)
  local x = random(n, 2):to(dtype)
  local s = (a + a.mT) / 2
  local p = a:matmul(a.mT) + cj.eye(n):to(dtype)
  local I = cj.eye(n):to(dtype)
  ratio("solve", n, dtype, norm(a:matmul(L.solve(a, x)) - x), norm(a) * norm(L.solve(a, x)) * math.max(n, 1))
  ratio("inv", n, dtype, norm(a:matmul(L.inv(a)) - I), norm(a) * norm(L.inv(a)) * math.max(n, 1))
  local l = L.cholesky(p)
  ratio("cholesky", n, dtype, norm(l:matmul(l.mT) - p), norm(p))
  check(norm(l:triu(1)) == 0, "cholesky: upper part, n =", n)
  local q, r = L.qr(a)
  ratio("qr", n, dtype, norm(q:matmul(r) - a), norm(a) * math.max(n, 1))
  ratio("qr: Q", n, dtype, norm(q.mT:matmul(q) - I), 1)
  local w, v = L.eigh(s)
  ratio("eigh", n, dtype, norm(s:matmul(v) - v * w), norm(s) * math.max(n, 1))
  ratio("eigh: V", n, dtype, norm(v.mT:matmul(v) - I), 1)
  for i = 2, n do check(w[i - 1]:item() <= w[i]:item(), "eigh: order, n =", n) end
  ratio("eigvalsh", n, dtype, norm(L.eigvalsh(s) - w), norm(s) * math.max(n, 1))
  local u, d, vt = L.svd(a)
  ratio("svd", n, dtype, norm((u * d):matmul(vt) - a), norm(a) * math.max(n, 1))
  ratio("svd: U", n, dtype, norm(u.mT:matmul(u) - I), 1)
  ratio("svd: V", n, dtype, norm(vt:matmul(vt.mT) - I), 1)
  ratio("svdvals", n, dtype, norm(L.svdvals(a) - d), norm(d))
  ratio("pinv", n, dtype, norm(a:matmul(L.pinv(a)) - I), norm(a) * norm(L.pinv(a)) * math.max(n, 1))
  ratio("lstsq", n, dtype, norm(a:matmul(L.lstsq(a, x)) - x), norm(a) * norm(L.pinv(a)) * norm(x) * math.max(n, 1))
  local P, lower, upper = L.lu(a)
  ratio("lu", n, dtype, norm(P:matmul(lower):matmul(upper) - a), norm(lower) * norm(upper) * math.max(n, 1))
  local packed, pivots = L.lu_factor(a)
  ratio("lu_solve", n, dtype, norm(a:matmul(L.lu_solve(packed, pivots, x)) - x),
        norm(a) * norm(L.lu_solve(packed, pivots, x)) * math.max(n, 1))
  local re, im, vr, vi = L.eig(a)
  ratio("eig", n, dtype, norm(a:matmul(vr) - (vr * re - vi * im)) + norm(a:matmul(vi) - (vr * im + vi * re)),
        norm(a) * math.max(n, 1))
  local e = L.matrix_exp(s * 0.1)
  ratio("matrix_exp", n, dtype, norm(e - (v * (w * 0.1):exp()):matmul(v.mT)), norm(e) * math.max(n, 1))
  check(L.matrix_rank(p):item() == n, "matrix_rank n =", n)
  local t = L.solve_triangular(l, x)
  ratio("solve_triangular", n, dtype, norm(l:matmul(t) - x), norm(l) * norm(t) * math.max(n, 1))
  local sign, logabs = L.slogdet(p)
  check(sign:item() == 1, "slogdet: sign, n =", n)
  local d = 2 * l:diagonal():log():sum():item()
  local allowed = eps[dtype] * 100 * math.max(n, 1) * (1 + math.abs(d))
  check(math.abs(d - logabs:item()) <= allowed, "slogdet n =", n, logabs:item(), d)
  if n <= 33 then
    check(math.abs(L.det(p):item() - math.exp(d)) <= eps[dtype] * 1000 * math.max(n, 1) * math.exp(d), "det n =", n)
  end
end

local functions = {
  solve = function(a) return L.solve(a, cj.ones(a:size(1), 2)) end,
  inv = L.inv, det = L.det, slogdet = L.slogdet, cholesky = L.cholesky, qr = L.qr, eigh = L.eigh,
  eigvalsh = L.eigvalsh,
  solve_triangular = function(a) return L.solve_triangular(a, cj.ones(a:size(1), 2)) end,
  cholesky_solve = function(a) return L.cholesky_solve(cj.ones(a:size(1), 2), a) end,
  matrix_power = function(a) return L.matrix_power(a, -2) end,
  svd = L.svd, svdvals = L.svdvals, pinv = L.pinv, matrix_rank = L.matrix_rank, eig = L.eig, eigvals = L.eigvals,
  matrix_exp = L.matrix_exp, lu = function(a) return select(2, L.lu(a)) end, cond = L.cond,
  lstsq = function(a) return L.lstsq(a, cj.ones(a:size(1), 2)) end,
  matrix_norm = function(a) return L.matrix_norm(a, "nuc") end, norm = function(a) return L.norm(a, 2) end,
}

-- Either a result or an error that names the function.
local function hard(name, what, a)
  local f = functions[name]
  for _, x in ipairs {a, a:float()} do
    local good, message = pcall(f, x)
    check(good or tostring(message):find("cj.linalg." .. name, 1, true), name, "of", what, tostring(message))
    good, message = pcall(cj.jacobian, function(y) return (f(y)) end, x:size(1) <= 8 and x or x[{{1, 3}, {1, 3}}])
    check(good or tostring(message):find("cj.", 1, true), "jacobian of", name, "of", what, tostring(message))
  end
end

local function hard_matrices(n)
  local a = random(n, n)
  local cracked = a:clone()
  if n > 0 then cracked[{-1}] = a[1] * (n > 1 and 1 or 0) end
  local with_nan, with_inf = a:clone(), a:clone()
  if n > 0 then
    with_nan[{1, n}] = nan
    with_inf[{n, 1}] = inf
  end
  local scales = n > 0 and cj.logspace(-150, 150, n) or cj.zeros(0)
  local kinds = {
    random = a, zero = a * 0, singular = cracked, ["not positive definite"] = -cj.eye(n), ["a NaN"] = with_nan,
    ["an infinity"] = with_inf, ["all NaN"] = a + nan, huge = a * 1e300, tiny = a * 1e-300, denormal = a * 1e-310,
    ["badly scaled"] = a * scales, ["of rank 1"] = a * 0 + 1,
  }
  for what, m in pairs(kinds) do
    for name in pairs(functions) do hard(name, what .. ", n = " .. n, m) end
  end
end

for _, n in ipairs(sizes) do
  good_matrices(n, "float64")
  good_matrices(n, "float32")
  hard_matrices(n)
end
check(not pcall(L.cholesky, -cj.eye(3)), "cholesky of -I gives no error")
check(not pcall(L.solve, cj.zeros(3, 3), cj.ones(3)), "solve with zeros gives no error")
check(not pcall(L.inv, cj.zeros(3, 3)), "inv of zeros gives no error")
check(L.det(cj.zeros(4, 4)):item() == 0, "det of zeros")
print(("result %d %d"):format(n_checked, #bad))
for i = 1, math.min(#bad, 40) do print(bad[i]) end
]]

describe("the library of linear algebra", function()
  it("says nothing, ends nothing, and solves what can be solved", cases(function(case)
    local good, said, how = child.script(script)
    case(good, "the child ended by %s: %s", how, said)
    local checked, bad, rest = said:match "^result (%d+) (%d+)\n(.*)$"
    if case(checked, "something else was printed before the result: %s", said:sub(1, 400)) then
      case(bad == "0", "%s of %s checks fail:\n%s", bad, checked, rest)
      for _ = 1, tonumber(checked) do case(true) end
    end
  end))
end)
