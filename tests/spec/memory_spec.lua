-- Out of memory at the n-th allocation of the core, n = 0, 1, 2, ... until there is enough: only that error,
-- nothing left behind, nothing changed, and a retry gives the right result.

local cj = require "cjac"
local cases = require "support.cases"
local near = require "support.near"

local x = cj.tensor{0.5, 1, 1.5}
local A = cj.tensor{{2, 0.5, 0}, {0.5, 3, 1}, {0, 1, 4}}
local big = cj.rand(100)

-- Each gives a list of tensors.
local scripts = {
  operations = function()
    local y = (x * 2 + A):exp():sum(1, true)
    return {y, cj.cat{x, y:reshape(3)}, y:t():clone(), cj.stack({x, x}, 2), (big * big + 1):sqrt()}
  end,
  indexing = function()
    local y = A:clone()
    y[1] = x
    y[{{2, 3}, 1}] = 7
    y[y:gt(6)] = 0
    return {y, y[{{1, 2}}], y[cj.long{1, 3}], y:index(cj.long{1}, cj.long{2})}
  end,
  ["linear algebra"] = function()
    local w, v = cj.linalg.eigh(A)
    local q, r = cj.linalg.qr(A)
    local l, d = cj.linalg.cholesky(A), cj.linalg.det(A)
    return {cj.linalg.solve(A, x), cj.linalg.inv(A), d, l, w, v:abs(), q:abs(), r:abs()}
  end,
  jacobians = function()
    local function f(a) return cj.linalg.solve(A, a:sin()) * a end
    local out = {}
    for i, strategy in ipairs {"auto", "reverse-mode", "forward-mode"} do
      out[i] = cj.jacobian(f, x, {strategy = strategy})
    end
    return out
  end,
  ["many inputs and outputs"] = function()
    local j = cj.jacobian(function(a, b) return {a * b:sum(), b:matmul(a)} end, {x, A})
    return {j[1][1], j[1][2], j[2][1], j[2][2]}
  end,
  ["nested derivatives"] = function()
    local function f(a) return (a ^ 3):sum() end
    return {cj.jacobian(function(a) return cj.jacobian(f, a) end, x), cj.hessian(f, x),
            select(2, cj.hvp(f, x, x)), select(2, cj.vjp(f, x)), select(2, cj.jvp(f, x, x))}
  end,
  ["a wide function"] = function()
    return {cj.jacobian(function(a)
      local y = a
      for i = 1, 40 do y = (y * i):sin() + a end
      return y
    end, big[{{1, 20}}])}
  end,
  ["a narrow waist"] = function()
    local narrow, wide = big:reshape(2, 50), big:reshape(50, 2)
    return {cj.jacobian(function(a) return wide:matmul(narrow:matmul(a:sin()):tanh()):exp() end, cj.ones(50))}
  end,
  ["a tape"] = function()
    local t = cj.tape()
    local a = t:watch(x)
    return {t:gradient((a * a):sum(), a), t:jacobian(a * a, a)}
  end,
  ["vmap and linearize"] = function()
    local y, lin = cj.linearize(function(a) return a:sin() end, x)
    return {cj.vmap(function(a) return a * a end)(A), y, lin(x)}
  end,
  loops = function()
    local function f(a, w)
      local c, y = cj.scan(function(c, r) return {c[1] * r + w:matmul(c[1]), c[2] + 1}, c[1] end, {a, cj.long(0)}, A,
        {checkpoint = 2})
      return (c[1] * y):sum()
    end
    local F = cj.compile(f, {inputs = {cj.spec{3}, cj.spec{3, 3}}})
    return {f(x, A), cj.hessian(function(a) return f(a, A) end, x), cj.vmap(f)(cj.stack{x, x}, cj.stack{A, A}), F(x, A),
            cj.jacobian(f, {x, A})[2], F:gradient()(x, A)[2]}
  end,
  ["calls with derivatives by hand"] = function()
    local c = cj.custom(function(a, k) return a:sin() * k end, {vjp = function(p, y, ct) return ct * p[1]:cos() * p[2] end})
    local root = cj.custom_root(function(r, a) return r * r - a end, function(a) return a:sqrt() end)
    local again = cj.checkpoint(function(a) return c(a, 2):exp() end)
    local function f(a) return (again(a) + root(a)):sum() end
    return {f(x), cj.jacobian(f, x), cj.hessian(f, x)}
  end,
  ["compiled functions"] = function()
    local F = cj.compile(function(a) return cj.linalg.solve(A, a:sin()) * a end)
    return {F(x), F(x * 2), F:jacobian()(x), F:jacobian()(x * 2)}
  end,
  ["compiled functions that branch"] = function()
    local F = cj.compile(function(a, m) if a[1] > 0 then return cj.linalg.solve(m, a) end return a end)
    local y = cj.zeros(3)
    F(x, A, {out = y})
    local o, p = F:vjp()(x, A, x)
    local inside = cj.jacobian(function(a) return F(a, A) end, x)
    return {F(x, A), F(-x, A), y, o, p[1], p[2], inside, F:jacobian{chunk_size = 1}(x, A)[1],
            F:sparse_jacobian()(x, A):to_dense(), F:map(2)(cj.stack{x, x * 2}, cj.stack{A, A})}
  end,
  ["compiled functions of tables"] = function()
    local inputs = {{a = cj.spec{3}, b = cj.spec{2}}, cj.spec{}}
    local F = cj.compile(function(p, s) return {p.a * s, {p.b}} end, {inputs = inputs})
    local p, out = {a = x, b = cj.ones(2)}, {cj.zeros(3), {cj.zeros(2)}}
    local r = F(p, 3)
    F(p, 3, {out = out})
    return {r[1], r[2][1], out[1], out[2][1], cj.tensor(#tostring(F)), cj.tensor(F:stats().guards)}
  end,
  ["sparse jacobians"] = function()
    local i = cj.long{3, 1, 3, 2, 1}
    return {cj.sparse_jacobian(function(a) return a * a + a[1] end, x):to_dense(),
            cj.sparse_jacobian(function(m) return m:index_select(1, i):sin() * m:index_select(1, i:flip(1)) end, A):values()}
  end,
  ["sparse tensors"] = function()
    local row, col = cj.long{1, 1, 1, 1, 2, 3, 4, 2, 3, 4}, cj.long{1, 2, 3, 4, 1, 1, 1, 2, 3, 4}
    local S = cj.sparse(row, col, big[{{1, 10}}] + 1, {4, 4})
    local br, bc = cj.coloring(S, {kind = "bidirectional"})
    local spd = S + S:t() + cj.sparse(cj.long{1, 2, 3, 4}, cj.long{1, 2, 3, 4}, cj.ones(4) * 20, {4, 4})
    local y = big[{{1, 4}}]
    local good, z = pcall(S.solve, S, y)
    if not good and not tostring(z):find "SuiteSparse" then error(z, 0) end
    good = good and spd:solve(cj.stack({y, y}, 2)) or y
    local P = cj.sparsity(function(a) return a * a:sum() end, x)
    return {br, bc, (cj.coloring(S, {kind = "star"})), P:to_dense(), S:mm(cj.stack({y, y}, 2)), good}
  end,
  ["sparse second derivatives and arrows"] = function()
    local function f(a) return cj.cat({(a * a):cumsum(1)[9]:exp():reshape(1), a[{{2, 9}}]:sin() * a[{{1, 1}}]}, 1) end
    local function g(a) return f(a):sum() end
    local a = big[{{1, 9}}] / 10
    return {cj.sparse_jacobian(f, a):to_dense(), cj.sparse_hessian(g, a):to_dense()}
  end,
  values = function()
    return {cj.jacobian(function(a)
      if a[1]:item() > 0 and #tostring(a) > 0 then a = a * a end
      return a
    end, x)}
  end,
  printing = function()
    local text = tostring(A) .. tostring(big) .. tostring(cj.long{1, 2})
    return {cj.tensor(#text)}
  end,
  making = function()
    cj.manual_seed(1)
    return {cj.tensor{{1, 2}, {3, 4}}, cj.eye(3), cj.rand(5), cj.randn(40), cj.linspace(0, 1, 9), cj.tensor{x, x}}
  end,
}

local function settle()
  collectgarbage()
  collectgarbage()
  cj._trim()
  return cj._live()
end

local LIMIT <const> = 20000

-- One script with the n-th allocation failing: true when it got through.
local function attempt(case, script, n, want, before)
  cj._fuse(n)
  local good, got = pcall(script)
  cj._fuse(-1)
  if good then
    local same, why = near.all(got, want, 0, 0)
    case(same, "n = %d: another result: %s", n, why)
    return true
  end
  case(tostring(got):find("not enough memory", 1, true), "n = %d: %s", n, got)
  got = nil
  if n % 16 == 0 then
    local bytes = settle()
    case(bytes <= before, "n = %d: %d bytes are left", n, bytes - before)
    local again, value = pcall(script)
    local same, why = again, value
    if again then same, why = near.all(value, want, 0, 0) end
    case(same, "n = %d: the retry: %s", n, why)
  end
  return false
end

describe("out of memory", function()
  local names = {}
  for name in pairs(scripts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it("in " .. name, cases(function(case)
      local script = scripts[name]
      local want = script()
      for _, warm in ipairs {false, true} do
        local before = settle()
        local n, through = 0, false
        while not through and n < LIMIT do
          if not warm then cj._trim() end
          through = attempt(case, script, n, want, before)
          n = n + (n < 300 and 1 or n // 100)
        end
        case(through, "not through after %d allocations", n)
        local bytes = settle()
        case(bytes <= before, "%d bytes are left at the end", bytes - before)
      end
    end))
  end
  it("the caller's tensors stay as they were", function()
    for n = 0, 20 do
      local y = A:clone()
      cj._fuse(n)
      pcall(function() y[1] = x * 2 end)
      pcall(function() y:mul_(A + 1) end)
      cj._fuse(-1)
      local ok = near.equal(y[2], A[2]) or near.equal(y[2], (A * (A + 1))[2])
      assert.is_truthy(ok)
    end
  end)
end)
