-- Derivatives by hand, and those of roots.

local cj = require "cjac"
local expect = require "support.expect"

local same, fails = expect.same, expect.fails
local T = cj.tensor
local x, y = T{0.5, 1, 1.5}, T{2, -1, 0.25}

-- A wrong derivative on purpose, to see that it is the one in use: 3 cos.
local rules = {
  jvp = {jvp = function(p, t) return t[1] * p[1]:cos() * 3 end},
  vjp = {vjp = function(p, _, ct) return ct * p[1]:cos() * 3 end},
  both = {
    jvp = function(p, t) return t[1] * p[1]:cos() * 3 end,
    vjp = function(p, _, ct) return ct * p[1]:cos() * 3 end,
  },
}

describe("custom", function()
  for name, rule in pairs(rules) do
    it("of one argument, by " .. name, function()
      local s = cj.custom(function(a) return a:sin() end, rule)
      local function f(a) return (s(a) * a):sum() end
      local want = x:sin() + 3 * x * x:cos()
      same(f(x), (x:sin() * x):sum())
      for _, strategy in ipairs{"forward-mode", "reverse-mode", "auto"} do
        same(cj.jacobian(f, x, {strategy = strategy}), want)
      end
      -- d (s + 3 a cos a) = 3 cos + 3 cos - 3 a sin
      same(cj.hessian(f, x), (6 * x:cos() - 3 * x * x:sin()):diag(), 1e-12)
      local X = cj.stack{x, y}
      same(cj.vmap(cj.grad(f))(X), X:sin() + 3 * X * X:cos())
      same(cj.grad(function(a) return cj.vmap(f)(a):sum() end)(X), X:sin() + 3 * X * X:cos())
      same(cj.grad(function(a) return cj.scan(function(c) return s(c) end, a, 2):sum() end)(x),
           9 * x:sin():cos() * x:cos(), 1e-12)
      local F = cj.compile(f, {inputs = {cj.spec{3}}})
      same(F(x), f(x))
      same(F:gradient()(x), want)
    end)
  end
  it("several arguments and results, tables, numbers, integers", function()
    local i = cj.long{1, 3}
    local function fn(p, scale, k) return p.a * p.b * scale, (p.a + p.b)[k] end
    local both = {
      jvp = function(p, t)
        return (t[1].a * p[1].b + p[1].a * t[1].b) * p[2], (t[1].a + t[1].b)[p[3]]
      end,
      vjp = function(p, _, ct)
        local at = cj.zeros(3):index_add(1, p[3], ct[2])
        return {{a = ct[1] * p[1].b * p[2] + at, b = ct[1] * p[1].a * p[2] + at}}
      end,
    }
    for _, name in ipairs{"jvp", "vjp"} do
      local c = cj.custom(fn, {[name] = both[name]})
      local function f(a, b)
        local u, v = c({a = a, b = b}, 4, i)
        return u:sin():sum() + (v * v):sum()
      end
      local function g(a, b)
        local u, v = fn({a = a, b = b}, 4, i)
        return u:sin():sum() + (v * v):sum()
      end
      for _, strategy in ipairs{"forward-mode", "reverse-mode"} do
        same(cj.jacobian(f, {x, y}, {strategy = strategy}), cj.jacobian(g, {x, y}))
      end
      same(cj.hessian(f, {x, y}), cj.hessian(g, {x, y}), 1e-10)
    end
  end)
  it("outputs are given, and what is captured is constant", function()
    local k = T(2)
    local function f(a)
      local e = cj.custom(function(z) return z:exp() * a end, {jvp = function(_, t, out) return t[1] * out * k end})
      return e(x):sum() + e(a):sum()
    end
    same(cj.jacobian(f, x), 2 * x:exp() * x)
  end)
  it("the errors", function()
    local f = function(a) return a * 2 end
    fails({"cj.custom", "argument 1"}, cj.custom, 3, {jvp = f})
    fails({"cj.custom", "argument 2", "jvp or vjp"}, cj.custom, f, {})
    fails({"cj.custom", "option"}, cj.custom, f, {jpv = f})
    fails({"square", "jvp returned 2 tensors, wanted 1"}, cj.custom(f, {name = "square", jvp = function(_, t) return t[1], t[1] end}), x)
    fails({"square", "float64[], wanted float64[3]"}, cj.custom(f, {name = "square", jvp = function(_, t) return t[1]:sum() end}), x)
    fails({"vjp returned 2 tensors, wanted 1"}, cj.custom(f, {vjp = function(_, _, ct) return ct, ct end}), x)
    fails({"jvp returned a nil"}, cj.custom(f, {jvp = function() return nil end}), x)
    fails({"one float dtype"}, cj.custom(function(a) return a, cj.long(1) end, {jvp = function(_, t) return t[1], t[1] end}), x)
    fails("inside", cj.custom(function() error("inside") end, {jvp = f}), x)
  end)
end)

describe("custom_root", function()
  local newton = function(a)
    local r = a
    for _ = 1, 40 do r = 0.5 * (r + a / r) end
    return r
  end
  local root = cj.custom_root(function(r, a) return r * r - a end, newton)
  local a = T{2, 3, 5}
  it("value, first, second and third derivatives", function()
    same(root(a), a:sqrt())
    for _, strategy in ipairs{"forward-mode", "reverse-mode"} do
      same(cj.jacobian(root, a, {strategy = strategy}), (0.5 / a:sqrt()):diag(), 1e-12)
    end
    local function sum(z) return root(z):sum() end
    same(cj.hessian(sum, a), (-0.25 * a ^ -1.5):diag(), 1e-12)
    local third = cj.jacobian(function(z) return cj.hessian(sum, z):sum() end, a)
    same(third, 0.375 * a ^ -2.5, 1e-11)
  end)
  it("a solver that asks for values, coupled unknowns, several arguments", function()
    local A = T{{3, 1}, {1, 2}}
    local function residual(z, m, b) return m:matmul(z) + z ^ 3 - b end
    local function solver(m, b)
      local z = cj.zeros(2)
      for _ = 1, 50 do
        local r = residual(z, m, b)
        if r:norm():item() < 1e-14 then break end
        z = z - cj.linalg.solve(m + (3 * z * z):diag(), r)
      end
      return z
    end
    local solve, b = cj.custom_root(residual, solver), T{1, 2}
    local z = solve(A, b)
    local J = cj.linalg.inv(A + (3 * z * z):diag())
    local D = cj.jacobian(solve, {A, b})
    same(D[2], J, 1e-10)
    same(D[1], -cj.einsum("ij,k->ijk", J, z), 1e-10)
    assert.is_true(cj.check_grad(function(m, v) return solve(m, v):square():sum() end, {A, b}))
  end)
  it("the errors", function()
    fails({"cj.custom_root", "argument 1 (residual)"}, cj.custom_root, 1, newton)
    fails({"cj.custom_root", "argument 2 (solver)"}, cj.custom_root, newton)
  end)
end)
