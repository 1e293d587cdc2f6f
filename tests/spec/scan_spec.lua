-- Loops as one instruction: values and derivatives against the same loops written out, in every nesting and mode.

local cj = require "cjac"
local expect = require "support.expect"
local near = require "support.near"

local same, fails = expect.same, expect.fails
local T = cj.tensor
cj.manual_seed(11)
local W, x0, xs = cj.randn(3, 3) * 0.7, cj.randn(3), cj.randn(4, 3)

-- A loop and the same written out: (x0, xs, W) -> the sum of what comes out, and all of it.
local function body(w, c, x, i)
  local n = w:matmul(c):tanh() + x * (i or 1)
  return n, n:sin() * c
end
local function looped(c0, rows, w, options)
  local c, y = cj.scan(function(c, x) return body(w, c, x) end, c0, rows, options)
  return c:square():sum() + (y * cj.range(1, rows:size(1)):unsqueeze(2)):sum()
end
local function written(c0, rows, w, reverse)
  local c, sum, n = c0, 0, rows:size(1)
  for t = reverse and n or 1, reverse and 1 or n, reverse and -1 or 1 do
    local y
    c, y = body(w, c, rows[t])
    sum = sum + (y * t):sum()
  end
  return c:square():sum() + sum
end

local function agree(f, g, inputs, tolerance)
  same(f(table.unpack(inputs)), g(table.unpack(inputs)), tolerance)
  for _, strategy in ipairs{"auto", "forward-mode", "reverse-mode"} do
    same(cj.jacobian(f, inputs, {strategy = strategy}), cj.jacobian(g, inputs), tolerance)
  end
  same(cj.hessian(f, inputs), cj.hessian(g, inputs), tolerance or 1e-9)
end

describe("scan", function()
  it("values, first and second derivatives", function()
    agree(looped, written, {x0, xs, W}, 1e-9)
    assert.is_true(cj.check_grad(looped, {x0, xs, W}))
  end)
  it("products of a Hessian in both orders", function()
    local v = {cj.randn(3), cj.randn(4, 3), cj.randn(3, 3)}
    local _, a = cj.hvp(looped, {x0, xs, W}, v)
    local _, b = cj.vhp(looped, {x0, xs, W}, v)
    local _, c = cj.hvp(written, {x0, xs, W}, v)
    same(a, c, 1e-9)
    same(b, c, 1e-9)
  end)
  it("third derivatives", function()
    local function third(f)
      return cj.jacobian(function(a) return cj.hessian(function(c) return f(c, xs, W) end, a) end, x0)
    end
    same(third(looped), third(written), 1e-8)
  end)
  it("backwards, and in segments of any length", function()
    for _, reverse in ipairs{false, true} do
      for _, k in ipairs{1, 2, 3, 4, 7} do
        local function f(...)
          local c0, rows, w = ...
          return looped(c0, rows, w, {checkpoint = k, reverse = reverse})
        end
        agree(f, function(a, b, c) return written(a, b, c, reverse) end, {x0, xs, W}, 1e-9)
      end
    end
  end)
  it("no steps and one", function()
    for n = 0, 1 do
      local rows = xs[{{1, n}}]
      if n == 0 then rows = cj.zeros(0, 3) end
      local function f(a, w) return looped(a, rows, w) end
      agree(f, function(a, w) return written(a, rows, w) end, {x0, W}, 1e-9)
    end
    local c, y = cj.scan(function(c, x) return c + x, x end, x0, cj.zeros(0, 3))
    same(c, x0)
    same(y, cj.zeros(0, 3))
  end)
  it("tables in, tables out; counters and flags beside floats", function()
    local start = {n = cj.long(0), s = T(0.5), odd = cj.bool(false), big = cj.long(2 ^ 53 | 1)}
    local function step(c, x)
      return {n = c.n + 1, s = c.s + x.a * c.n, odd = c.odd:logical_not(), big = c.big + 2}, {c.s, k = c.n}
    end
    local c, y = cj.scan(step, start, {a = T{1, 2, 3}})
    same(c.s, 8.5)
    same(c.n, cj.long(3))
    assert.equal("bool", c.odd.dtype)
    assert.is_true(c.odd:item())
    assert.equal((2 ^ 53 | 1) + 6, c.big:item())
    same(y[1], T{0.5, 0.5, 2.5})
    same(y.k, cj.long{0, 1, 2})
    local function f(a) return cj.scan(step, start, {a = a}).s end
    same(cj.jacobian(f, T{1, 2, 3}), T{0, 1, 2})
  end)
  it("float32 stays float32, and goes with int64", function()
    local c = cj.scan(function(c, x) return c * x end, cj.float{1, 2}, cj.float{{2, 3}, {4, 5}})
    assert.equal("float32", c.dtype)
    same(c, cj.float{8, 30})
    local d, n = cj.scan(function(c, x) return {c[1] * x, c[2] + 1}, c[2] end, {cj.float(0.1), cj.long(5)}, cj.float{2, 3})
    assert.equal("float32", d[1].dtype)
    assert.equal(7, d[2]:item())
    same(n, cj.long{5, 6})
    local J = cj.jacobian(function(a) return cj.scan(function(c) return {c[1] * c[1], c[2] + 1} end, {a, cj.long(1)}, 2)[1] end,
                          cj.float(2))
    assert.equal("float32", J.dtype)
    assert.equal(32, J:item())
  end)
  it("without a carry it maps; with a number instead of rows it counts", function()
    local c, y = cj.scan(function(_, x) return nil, x * 2 end, nil, T{1, 2, 3})
    assert.is_nil(c)
    same(y, T{2, 4, 6})
    local d, i = cj.scan(function(c, i) return c * 0.5, i end, T(8), 3)
    same(d, 1)
    same(i, cj.long{1, 2, 3})
    local e, none = cj.scan(function(c) return c + 1 end, 0, 3)
    same(e, 3)
    assert.is_nil(none)
  end)
  it("rows that are views", function()
    local cols = xs:t():clone():t()
    same(looped(x0, cols, W), written(x0, xs, W), 1e-12)
    same(looped(x0, xs:flip(1), W), written(x0, xs:flip(1), W), 1e-12)
    same(cj.jacobian(function(a) return looped(x0, a:t(), W) end, xs:t():clone()), cj.jacobian(function(a)
      return written(x0, a:t(), W)
    end, xs:t():clone()), 1e-10)
  end)
  it("the errors say what is wrong", function()
    local f = function(c) return c end
    fails({"cj.scan", "argument 1 (f)"}, cj.scan, 3, x0, 2)
    fails({"cj.scan", "argument 3 (xs)"}, cj.scan, f, x0, -1)
    fails({"cj.scan", "argument 3 (xs)", "[]"}, cj.scan, f, x0, T(3))
    fails({"cj.scan", "4 and 2"}, cj.scan, f, x0, {xs, cj.zeros(2)})
    fails({"cj.scan", "another structure"}, cj.scan, function(c) return {c} end, x0, 2)
    fails({"cj.scan", "carry 1 is float64[], wanted float64[3]"}, cj.scan, function(c) return c:sum() end, x0, 2)
    fails({"cj.scan", "no tensor"}, cj.scan, function() end, nil, 2)
    fails({"cj.scan", "checkpoint"}, cj.scan, f, x0, 2, {checkpoint = 0})
    fails({"traced once", "cj.where"}, cj.scan, function(c) return c[1] > 0 and c or -c end, x0, 2)
    fails("boom", cj.scan, function() error("boom") end, x0, 2)
    same(looped(x0, xs, W), written(x0, xs, W), 1e-12)
  end)
  it("an error inside names the step's fault", function()
    local function f(c) return cj.linalg.solve(c * 0, c) end
    fails("singular", cj.scan, f, cj.eye(2), 3)
  end)
end)

describe("fori", function()
  it("inclusive bounds, the counter an int64", function()
    local seen
    same(cj.fori(4, function(i, c)
      seen = i.dtype
      return c * 2 + i:double()
    end, T{1, 2}), T{42, 58})
    assert.equal("int64", seen)
    same(cj.fori(3, 5, function(i, c) return c + i:double() end, T(0)), 12)
    same(cj.fori(3, 2, function(i, c) return c + i:double() end, T(7)), 7)
    same(cj.fori(-1, 1, function(i, c) return c * 10 + i:double() end, T(0)), -99)
  end)
  it("derivatives, and tables", function()
    local function f(a) return cj.fori(5, function(i, c) return {p = c.p * a + i:double(), q = c.q + c.p} end, {p = a, q = T(0)}).q end
    local function g(a)
      local p, q = a, 0
      for i = 1, 5 do p, q = p * a + i, q + p end
      return q
    end
    agree(f, g, {T(0.7)}, 1e-9)
  end)
  it("the errors", function()
    fails({"cj.fori", "carry"}, cj.fori, 3, function() end, nil)
    fails({"cj.fori", "two values"}, cj.fori, 3, function(_, c) return c, c end, T(1))
    fails("cj.fori", cj.fori, "x", function() end, T(1))
  end)
end)

describe("nesting", function()
  it("a loop in a loop", function()
    local rows = T{{1, 2}, {3, 4}, {5, 6}}
    local function f(c0, r)
      return (cj.scan(function(c, row)
        return (cj.scan(function(d, x) return (d * x):sin() + c end, c * c, row))
      end, c0, r))
    end
    local function g(c0, r)
      local c = c0
      for i = 1, 3 do
        local d = c * c
        for j = 1, 2 do d = (d * r[i][j]):sin() + c end
        c = d
      end
      return c
    end
    agree(f, g, {T(0.3), rows}, 1e-8)
  end)
  it("a Jacobian in the body, and the derivative of that", function()
    local function step(c, x)
      local J = cj.jacobian(function(z) return (z * x):sin() * z:sum() end, c)
      return J:matmul(c) * 0.1, J:sum()
    end
    local function f(c0, r)
      local c, y = cj.scan(step, c0, r)
      return c:sum() + y:sum()
    end
    local function g(c0, r)
      local c, sum = c0, 0
      for t = 1, 4 do
        local y
        c, y = step(c, r[t])
        sum = sum + y
      end
      return c:sum() + sum
    end
    agree(f, g, {x0, xs}, 1e-8)
  end)
  it("vmap over a loop, a loop over vmap", function()
    local X0, XS = cj.randn(5, 3), cj.randn(5, 4, 3)
    local A, B = cj.vmap(function(a, b) return cj.scan(function(c, x) return body(W, c, x) end, a, b) end)(X0, XS)
    for b = 1, 5 do
      local a, y = cj.scan(function(c, x) return body(W, c, x) end, X0[b], XS[b])
      same(A[b], a, 1e-12)
      same(B[b], y, 1e-12)
    end
    local only = cj.vmap(function(b) return looped(x0, b, W) end)(XS)
    for b = 1, 5 do same(only[b], written(x0, XS[b], W), 1e-10) end
    local function f(a) return cj.vmap(function(b) return looped(a, b, W) end)(XS):sum() end
    local function g(a)
      local sum = 0
      for b = 1, 5 do sum = sum + written(a, XS[b], W) end
      return sum
    end
    agree(f, g, {x0}, 1e-9)
    local each = cj.vmap(cj.grad(function(b) return looped(x0, b, W) end))(XS)
    for b = 1, 5 do same(each[b], cj.grad(function(r) return written(x0, r, W) end)(XS[b]), 1e-10) end
    local c = cj.scan(function(c, x) return cj.vmap(function(r) return r * x end)(c) end, W, xs)
    same(c, W * xs[1] * xs[2] * xs[3] * xs[4], 1e-12)
  end)
  it("a loop on a tape, linearized, with values asked for after it", function()
    local t = cj.tape()
    local a = t:watch(x0)
    local y = looped(a, xs, W)
    same(y:item(), written(x0, xs, W):item(), 1e-12)
    same(t:gradient(y, a), cj.grad(written)(x0, xs, W), 1e-10)
    local value, lin = cj.linearize(function(c) return looped(c, xs, W) end, x0)
    same(value, written(x0, xs, W), 1e-12)
    same(lin(x0), (cj.grad(written)(x0, xs, W) * x0):sum(), 1e-10)
    local seen
    same(cj.grad(function(c)
      local z = looped(c, xs, W)
      seen = z:item()
      return z > 0 and z or z * 2
    end)(x0), (seen > 0 and 1 or 2) * cj.grad(written)(x0, xs, W), 1e-10)
  end)
  it("too deep is an error", function()
    local function nest(n, c)
      if n == 0 then return c + 1 end
      return cj.fori(1, function(_, d) return nest(n - 1, d) end, c)
    end
    same(nest(20, T(0)), 1)
    fails("nested more than", nest, 40, T(0))
  end)
end)

describe("checkpoint", function()
  it("computes the same, and keeps less", function()
    local f = cj.checkpoint(function(a, scale, b) return (a * b):sin() * scale, {c = a:cos()} end)
    local function g(a)
      local p, q = f(a, 3, a * 2)
      return (p + q.c):sum()
    end
    agree(g, function(a) return ((a * a * 2):sin() * 3 + a:cos()):sum() end, {x0}, 1e-9)
    local function deep(a)
      local h = cj.checkpoint(function(c) return f(c, 1, c) end)
      return (h(a)):sum()
    end
    agree(deep, function(a) return (a * a):sin():sum() end, {x0}, 1e-9)
  end)
  it("captured tensors, branches on values, integers", function()
    local k = cj.long{1, 3}
    local function f(w)
      local g = cj.checkpoint(function(a, i)
        if a[1] > 0 then return (a * w)[i] end
        return a[i]
      end)
      return g(x0:abs(), k):sum() + g(-x0:abs(), k):sum()
    end
    same(cj.jacobian(f, T{1, 2, 3}), T{x0[1]:abs():item(), 0, x0[3]:abs():item()})
  end)
end)

describe("compiled", function()
  it("with its derivatives, interpreted and not", function()
    for _, native in ipairs{false, true} do
      cj.config{native = native}
      local rows = cj.randn(100, 3)
      local F = cj.compile(function(a, w) return looped(a, rows, w) end, {inputs = {cj.spec{3}, cj.spec{3, 3}}})
      for i = 1, 3 do
        local a, w = x0 * i, W / i
        same(F(a, w), written(a, rows, w), 1e-9)
        local da, dw = F:gradient()(a, w)
        if type(da) == "table" then da, dw = da[1], da[2] end
        local want = cj.grad(function(p, q) return written(p, rows, q) end, {argnums = {1, 2}})(a, w)
        same({da, dw}, want, 1e-8)
      end
    end
    cj.config{native = true}
  end)
  it("a changing number in the body is no new plan, and the results follow it", function()
    local function f(dt) return function(a) return cj.fori(3, function(_, c) return c + dt * c:sin() end, a):sum() end end
    local function g(dt)
      return function(a)
        for _ = 1, 3 do a = a + dt * a:sin() end
        return a:sum()
      end
    end
    for _, dt in ipairs{0.1, 0.2, 0.1, 0.7} do
      same(cj.grad(f(dt))(x0), cj.grad(g(dt))(x0), 1e-12)
      same(f(dt)(x0), g(dt)(x0), 1e-12)
    end
  end)
  it("parts of the last carry are where its cotangent starts", function()
    local function step(c) return W:matmul(c):tanh() end
    for _, part in ipairs{{{2, 3}}, {{1, -1, 2}}, {{3, 1, -1}}, {{2, 2}}} do
      local function f(a) return (cj.fori(4, function(_, c) return step(c) end, a)[part] * x0[part]):sum() end
      local function g(a) return (step(step(step(step(a))))[part] * x0[part]):sum() end
      same(cj.grad(f)(x0), cj.grad(g)(x0), 1e-12)
    end
    local F = cj.compile(function(a) return cj.fori(50, function(_, c) return step(c) end, a)[-1] end):gradient()
    F(x0)
    same(tostring(F):find("embed [^\n]*%[153%]"), nil)
  end)
  it("maps and prints", function()
    local F = cj.compile(function(a) return cj.fori(3, function(_, c) return c:sin() end, a) end, {inputs = {cj.spec{3}}})
    local M = F:map(2)
    same(M(cj.stack{x0, W[1]}), cj.stack{x0:sin():sin():sin(), W[1]:sin():sin():sin()}, 1e-12)
    assert.is_truthy(tostring(F):find("sub%-program"))
    assert.is_truthy(F:explain():find("loop of 3 steps"))
  end)
  it("a million steps, and a long gradient", function()
    local function f(a) return cj.fori(1000000, function(_, c) return c + a * 1e-6 end, T(0)) end
    assert.is_true(near.equal(f(T(2)), T(2), 1e-8, 0))
    assert.is_true(near.equal(cj.grad(f)(T(2)), T(1), 1e-8, 0))
  end)
end)
