-- Compiled functions in the company of others: inside traces, what they capture, errors, printing, and calls that
-- allocate nothing.

local cj = require "cjac"
local cases = require "cases"
local expect = require "support.expect"

local same, fails, shape = expect.same, expect.fails, expect.shape
local settled, case = require "support.compiled"(it)
local T = cj.tensor

local x, A = T{0.5, 1, 1.5}, T{{2, 0.5, 0}, {0.5, 3, 1}, {0, 1, 4}}
local f32 = x:float()

-- name, function, arguments
describe("inside other functions", function()
  local f = function(a) if a[1] > 0 then return a:sin() * a end return a * a end
  case("a compiled function is differentiated", function()
    local F = cj.compile(f)
    for _, p in ipairs {x, -x, x * 2} do
      same(cj.jacobian(F, p), cj.jacobian(f, p))
      same(cj.jacobian(function(a) return F(a * 2):sum() end, p), cj.jacobian(function(a) return f(a * 2):sum() end, p))
      same(cj.jacobian(F:jacobian(), p), cj.jacobian(function(a) return cj.jacobian(f, a) end, p))
      same(cj.jacobian(function(a) return F:sparse_jacobian()(a):to_dense() end, p),
           cj.jacobian(function(a) return cj.jacobian(f, a) end, p))
      same(cj.hessian(function(a) return F(a):sum() end, p), cj.hessian(function(a) return f(a):sum() end, p))
    end
    assert.equal(2, F:stats().versions)
  end)
  case("or compiled again", function()
    local F = cj.compile(f)
    local G = cj.compile(function(a) return F(a) + F(-a) end)
    local want = function(a) return f(a) + f(-a) end
    for _ = 1, 2 do
      for _, p in ipairs {x, -x, x * 2} do
        same(G(p), want(p))
        same(G:jacobian()(p), cj.jacobian(want, p))
      end
    end
    assert.equal(2, G:stats().versions)
    same(cj.compile(F)(x), f(x))
  end)
  case("or mapped", function()
    local F = cj.compile(function(a) return a:sin() * a:sum() end)
    local m = cj.rand(4, 3)
    local got = cj.vmap(F)(m)
    for i = 1, 4 do same(got[i], F(m[i])) end
    same(cj.vmap(F:jacobian())(m), F:jacobian():map(4)(m))
    fails("no number", cj.vmap(cj.compile(f)), m)
  end)
  case("with values of the outer function inside", function()
    same(cj.jacobian(function(a)
      local b = a * 2
      local F = cj.compile(function(c) return b * c end)
      return F(a) + F(x)
    end, x), cj.jacobian(function(a) return a * 2 * a + a * 2 * x end, x))
    local kept
    cj.jacobian(function(a)
      kept = cj.compile(function(c) return a * c end)
      return kept(a)
    end, x)
    fails("had ended", kept, x)
  end)
  case("one that calls itself", function()
    local F
    F = cj.compile(function(a)
      if a[1] > 1 then return F(a / 2) * 2 end
      return a * a
    end)
    local function g(a) if a[1] > 1 then return g(a / 2) * 2 end return a * a end
    for _ = 1, 2 do
      for _, v in ipairs {0.5, 3, 9} do same(F(T{v}), g(T{v})) end
    end
  end)
  case("on coroutines", function()
    local F = cj.compile(f)
    local co = coroutine.wrap(function(p) for _ = 1, 3 do p = coroutine.yield(F(p)) end end)
    same(co(x), f(x))
    same(co(-x), f(-x))
  end)
end)

describe("what a trace takes in", function()
  case("captured tensors are taken as they are then", function()
    local scale = T{1, 2, 3}
    local F = cj.compile(function(a) return a * scale end)
    same(F(x), x * T{1, 2, 3})
    scale[1] = 10
    same(F(x), x * T{1, 2, 3})
    scale = T{0, 0, 0}
    same(F(x), x * T{1, 2, 3})
    same(F(f32:double() * 2), x * 2 * T{1, 2, 3})
  end)
  case("and random numbers", function()
    local F = cj.compile(function(a) return a + cj.rand(3) end)
    same(F(x), F(x))
  end)
  case("an error leaves the function usable", function()
    local F = cj.compile(function(a)
      if a[1] > 1 then error("too large", 0) end
      return a * 2
    end)
    for _ = 1, 3 do
      assert.equal("too large", select(2, pcall(F, x * 4)))
      same(F(x), x * 2)
    end
    local line
    local G = cj.compile(function(a)
      line = debug.getinfo(1, "l").currentline + 1
      return a + T{1, 2}
    end)
    local message = fails({"cj.add", "[3]", "[2]"}, G, x)
    assert.truthy(message:find("compiled_spec.lua:" .. line .. ":", 1, true))
    message = fails("singular", cj.compile(function(m)
      line = debug.getinfo(1, "l").currentline + 1
      return cj.linalg.inv(m)
    end), cj.zeros(2, 2))
    assert.truthy(message:find("line " .. line, 1, true))
  end)
end)

describe("finalizers", function()
  it("may call the function that is being called", function()
    local F = cj.compile(function(a) if a[1] > 0 then return a * 2, a:sum() end return {a, a} end)
    local P = cj.compile(function(p) return {u = p.a * 2, v = {p.b}} end)
    local left = 400
    local function plant()
      setmetatable({}, {__gc = function()
        if left == 0 then return end
        left = left - 1
        F(left % 2 == 0 and x or -x)
        F:jacobian()(left % 3 == 0 and x or -x)
        if left % 5 == 0 then F(cj.zeros(left % 70 + 1) + 1) end
        P{a = x, b = A}
        plant()
      end})
    end
    for _ = 1, 2 do plant() end
    local old <close> = setmetatable({}, {__close = function() collectgarbage("incremental", 200, 100) end})
    collectgarbage("incremental", 100, 200)
    local out = {cj.zeros(3), T(0)}
    for i = 1, 200 do
      local s = i % 2 == 0 and 1 or -1
      local a, b = F(x * s)
      if s > 0 then
        same({a, b}, {x * 2, T(3)})
        same({F(x * i, {out = out})}, {x * 2 * i, T(3 * i)}, 1e-12)
      else
        same(a, {-x, -x})
      end
      same(P{a = x * i, b = A}, {u = x * 2 * i, v = {A}})
    end
    assert.equal(0, left)
  end)
end)

describe("errors", function()
  local F = cj.compile(function(a) return a * 2 end)
  it("name what is wrong with an argument", function()
    for _ = 1, 2 do
      fails({"argument 1", "tensor", "string"}, F, "x")
      fails({"argument 1", "nil"}, F, nil)
      fails({"argument 2", "boolean"}, F, x, true)
      fails({"argument 1.a[2]", "string"}, F, {a = {x, "y"}})
      fails({"argument 1", "key"}, F, {[true] = x})
      F(x)
    end
    local loop = {}
    loop[1] = loop
    fails("nested", F, loop)
    fails("returned nothing", cj.compile(function() end), x)
    fails({"returned a number", "tensor"}, cj.compile(function() return 1 end), x)
    fails({"cj.compile", "function"}, cj.compile, 3)
    fails({"cj.compile", "function"}, cj.compile, x)
    fails({"unknown option 'input'"}, cj.compile, print, {input = {}})
    fails({"cj.spec", "shape"}, cj.spec)
    fails({"cj.spec", "dtype"}, cj.spec, {3}, "float16")
    fails({"cj.spec", "sizes"}, cj.spec, {"a"})
    fails({"argument 1", "userdata"}, F, cj.spec{3})
  end)
  it("are the same after calls that went well", function()
    local G = cj.compile(function(a, b) return a * b, a + b end)
    local y, z, closed = cj.zeros(3), cj.zeros(3), nil
    do
      local t <close> = cj.zeros(3)
      closed = t
    end
    for _ = 1, 3 do
      same({G(x, x)}, {x * x, x * 2})
      same({G(x, 2, {out = {y, z}})}, {x * 2, x + 2})
      fails({"out", "tensors as the function returns them"}, G, x, x, {out = {y}})
      fails({"out", "tensors as the function returns them"}, G, x, x, {out = y})
      fails({"out", "tensors as the function returns them"}, G, x, x, {out = {y, 1}})
      fails({"out", "tensors as the function returns them"}, G, x, x, {out = {closed, z}})
      fails({"out", "result 2", "[3]", "[4]"}, G, x, x, {out = {y, cj.zeros(4)}})
      fails({"argument 1", "tensor"}, G, closed, x)
      fails({"argument 2", "string"}, G, x, "x")
      same(T{G(x, T(2))[1]}, T{x[1] * 2})
    end
    local a, b = G(x, x)
    local c = G(x, x)
    a[1] = 7
    same({a[1], b, c}, {7, x * 2, x * x})
    local w = cj.zeros(3)
    for _ = 1, 3 do fails({"out", "results 1 and 2"}, G, x, x, {out = {w, w}}) end
    same(w, cj.zeros(3))
    w:add_(x)
    same({G(w, x, {out = {w, z}})}, {x * x, x * 2})
  end)
  it("name two results that one tensor is given for", function()
    local function two(a, b) return {p = a * b, q = {a + b, a:sum()}} end
    for _, n in ipairs {3, 100} do -- as small tensors and as others
      local G, a = cj.compile(two), cj.linspace(0, 1, n)
      local y, s = cj.zeros(n), cj.zeros()
      local shared = {y, y:clone()} -- one memory, but two values
      for _ = 1, 3 do
        fails({"out", "results 1 and 2"}, G, a, a, {out = {p = y, q = {y, s}}})
        same(y, cj.zeros(n))
        same(G(a, a, {out = {p = a * 1, q = {a * 1, s}}}).q[1], a * 2)
      end
      local out = G(a, a, {out = {p = shared[1], q = {shared[2], s}}})
      same({out.p, out.q[1], s}, {a * a, a * 2, a:sum()})
      local z = cj.zeros(n)
      local both = {z, z:clone()}
      fails({"out", "results 1 and 2"}, G, a, a, {out = {p = both[1], q = {both[1], s}}}) -- not written to in place
      same(z, cj.zeros(n))
      fails({"out", "results 1 and 2"}, cj.jacobian, function(v) return G(v, v, {out = {p = y, q = {y, s}}}).p end, a)
      same(G(a, a).p, a * a)
    end
    local N = cj.compile(function(a) return a[{{2, 1}}], a * 2 end)
    local e = cj.zeros(0)
    fails({"out", "results 1 and 2"}, N, x, {out = {e, e}})
  end)
  it("name what cannot be differentiated", function()
    fails({"F:jacobian", "int64"}, cj.compile(function(a) return a end):jacobian(), cj.long{1})
    fails({"F:gradient", "one element"}, F:gradient(), x)
    fails({"F:hessian", "one element"}, F:hessian(), x)
    fails("not called yet", F:jacobian().explain, cj.compile(print))
    fails({"F:jacobian", "compiled function"}, F.jacobian, x)
    fails({"compiled function"}, F.stats, 3)
    fails("had ended", F, (function() local t; cj.jacobian(function(a) t = a; return a end, x); return t end)())
  end)
end)

describe("looking at them", function()
  local F = cj.compile(function(a) if a[1] > 0 then return (A:matmul(a)):sin() end return a end)
  F(x)
  it("stats", function()
    local s = F:stats()
    assert.equal(1, s.versions)
    assert.equal(1, s.guards)
    assert.is_true(s.ops >= 4 and s.ops_traced >= s.ops - 1 and s.steps >= 1)
    assert.is_true(s.work_bytes > 0 and s.constant_bytes >= 72)
    assert.is_nil(s.strategy)
    local J = F:jacobian()
    assert.equal(0, J:stats().versions)
    J(x)
    local j = J:stats()
    assert.equal("string", type(j.strategy))
    assert.is_true(j.passes >= 1 and j.cost.forward > 0 and j.cost.reverse > 0)
    assert.equal("reverse-mode", (function()
      local R = F:jacobian{strategy = "reverse-mode"}
      R(x)
      return R:stats().strategy
    end)())
  end)
  it("text", function()
    local text = tostring(F)
    for _, word in ipairs {"float64[3]) -> (float64[3])", "matmul", "sin", "guard", "return"} do
      assert.truthy(text:find(word, 1, true), text)
    end
    assert.truthy(tostring(cj.compile(print)):find("not called yet", 1, true))
    local J = F:jacobian()
    J(x)
    local why = J:explain()
    for _, word in ipairs {"chosen", "forward-mode about", "reverse-mode about", "plan:"} do
      assert.truthy(why:find(word, 1, true), why)
    end
  end)
  it("Graphviz", function()
    local path = os.tmpname()
    F:dot(path)
    local file <close> = assert(io.open(path))
    local text = file:read "a"
    os.remove(path)
    assert.truthy(text:find("^digraph") and text:find("matmul", 1, true))
    fails({"F:dot", "/nowhere/"}, F.dot, F, "/nowhere/f.dot")
    fails({"F:dot", "path"}, F.dot, F)
  end)
end)

-- Suite 18: frames of a simulation.
describe("100,000 calls allocate nothing", function()
  local function count(name, F, ...)
    local args = table.pack(...)
    it(name, function()
      local a, b, c = args[1], args[2], args[3]
      local n = args.n
      local function frames(times)
        for _ = 1, times do
          if n == 2 then F(a, b) elseif n == 3 then F(a, b, c) end
        end
      end
      frames(3)
      collectgarbage()
      collectgarbage()
      collectgarbage "stop"
      local bytes, blocks, peak = cj._live()
      local kb = collectgarbage "count"
      frames(100000)
      local kb2 = collectgarbage "count"
      local bytes2, blocks2, peak2 = cj._live()
      collectgarbage "restart"
      assert.equal(bytes, bytes2)
      assert.equal(blocks, blocks2)
      assert.equal(peak, peak2)
      assert.is_true(kb2 - kb < 0.5, ("Lua's memory grew by %g kB"):format(kb2 - kb))
    end)
  end
  local function arm(q)
    local a, u, v = 0, 0, 0
    for i = 1, 7 do
      a = a + q[i]
      u, v = u + a:cos() / i, v + a:sin() / i
    end
    return cj.stack{u, v}
  end
  local q = cj.linspace(0.1, 0.7, 7)
  local F = cj.compile(arm)
  count("a vector", F, q, {out = F(q)})
  count("its Jacobian", F:jacobian(), q, {out = F:jacobian()(q)})
  local G = cj.compile(function(a, m) return m:matmul(a), a * 2 end)
  count("two results", G, x, A, {out = {G(x, A)}})
  local P = cj.compile(function(p) return p.W:matmul(p.b) end)
  local p = {W = A, b = x}
  count("tables", P, p, {out = P(p)})
  count("tables of derivatives", P:jacobian(), p, {out = P:jacobian()(p)})
  local B = cj.compile(function(a, s) if a[1] > 0 then return cj.linalg.solve(A, a) * s end return a end)
  count("branches, solves and numbers", B, x, 0.5, {out = B(x, 0.5)})
  local S = cj.compile(function(a) return a * a end)
  count("a view of another layout", S, A:t(), {out = S(A:t())})
  local many = {}
  for i = 1, 40 do many[i] = x * i end
  local M = cj.compile(function(list)
    local out = {}
    for i = 1, 40 do out[i] = list[i] * 2 end
    return out
  end)
  count("forty arguments and results", M, many, {out = M(many)})
  local map = S:map(3)
  count("instances", map, A, {out = map(A)})
end)
