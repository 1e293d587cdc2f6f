-- handles_spec.lua -- small tensors stand in their handles: what they cost is counted, what they are is compared
-- with larger ones.

local cj = require "cjac"
local expect = require "support.expect"

local same = expect.same

-- f runs n times while every allocation of the core fails.
local function without_memory(f, n)
  f()
  collectgarbage()
  cj._fuse(0)
  local good, message = pcall(function()
    for _ = 1, n or 100 do f() end
  end)
  cj._fuse(-1)
  assert(good, message)
end

describe("small tensors take nothing from the core's allocator", function()
  local a, b, v, m = cj.tensor(0.5), cj.tensor(0.25), cj.tensor {1, 2, 3, 4, 5, 6, 7}, cj.tensor {{1, 2}, {3, 4}}
  local w, f = cj.tensor {1, 0, 1, 0, 1, 0, 1}, cj.tensor({1, 2}, "float32")
  local cases = {
    sum = function() return a + b, v + w, f + f end,
    ["numbers beside them"] = function() return a * 2, 2 * v, v - 0.5, 1 / f end,
    ["0-d beside others"] = function() return v * a, a - v, m / b end,
    functions = function() return a:sin(), v:exp(), m:tanh(), f:cos(), -v end,
    powers = function() return a ^ 2, v ^ 0.5, m ^ -1, f ^ 2.5 end,
    positions = function() return v[3], v[-1], m[1], m(2, 1), m[{1, 2}] end,
    making = function() return cj.tensor {1, 2, 3}, cj.tensor {{1}, {2}}, cj.zeros(3), cj.ones(2, 2), cj.tensor(3) end,
    numbers = function() return a:item(), v:numel(), m:size(1), #v, a < b, a <= 1, a == b end,
    ["assignment in place"] = function()
      v[1] = 1
      w:add_(1)
      w:mul_(0.5)
    end,
    ["64 elements"] = function()
      local x = cj.ones(8, 8)
      return x * x + x
    end,
  }
  for name, case in pairs(cases) do
    it(name, function() without_memory(case) end)
  end

  it("in compiled functions", function()
    local F = cj.compile(function(x, y) return x * y, (x + y):sin() end)
    local out = {cj.zeros(7), cj.zeros(7)}
    local at = {out = out}
    local y, z = F(v, w)
    F(v, w, at)
    same(out[1], y)
    same(out[2], z)
    without_memory(function() return F(v, w) end, 1000)
    without_memory(function() return F(v, w, at) end, 1000)
    without_memory(function() return F(v * 2, w + 1) end, 1000)
  end)

  it("as results of derivatives", function()
    local function f(x) return x:exp() * a + w * x[1] end
    local function g(x, y) return x * y, (x * y):sum() end
    local function derivatives()
      local J = cj.jacobian(g, {v, w})
      local y, K = cj.value_and_jacobian(f, v)
      return {J[1][1], J[1][2], J[2][1], J[2][2], cj.jacobian(f, v), y, K, cj.hessian(function(x) return (x * x):sum() end, v)}
    end
    local want = derivatives()
    derivatives()
    collectgarbage()
    local before, kept = cj._live(), {}
    for i = 1, 50 do kept[i] = derivatives() end
    assert.equal(before, (cj._live()))
    for i = 1, #want do same(kept[50][i], want[i]) end
  end)

  it("of sizes that change from call to call", function()
    local last
    for _, n in ipairs {1, 7, 2, 8, 9, 3, 1, 20, 2} do
      local x = cj.range(1, n)
      local y, J = cj.value_and_jacobian(function(q) return q * q end, x)
      same(y, x * x)
      same(J, (2 * x):diag())
      assert(last == nil or last:numel() > 0)
      J[1], last = 0, J
      same(cj.jacobian(function(q) return q * q end, x), (2 * x):diag())
    end
    same(cj.jacobian(function(q) return (q * q):sum() end, cj.tensor(3)), cj.tensor(6))
    same(cj.jacobian(function(q) return q * 2 end, cj.zeros(0)).shape, {0, 0})
  end)

  it("which 65 elements do", function()
    local x = cj.ones(65)
    cj._fuse(0)
    local good = pcall(function() return x * 2 end)
    cj._fuse(-1)
    same(good, false)
  end)

  it("and holds none of its memory", function()
    collectgarbage()
    local before, list = cj._live(), {}
    for i = 1, 1000 do list[i] = v * i end
    same(cj._live(), before)
    same(list[1000][7]:item(), 7000)
  end)
end)

describe("small tensors are tensors", function()
  it("of every dtype", function()
    for _, dtype in ipairs {"float64", "float32", "int64", "bool"} do
      local x = cj.ones(3, {dtype = dtype})
      same(x.dtype, dtype)
      same(x[2].dtype, dtype)
      same((x:eq(x)):sum():item(), 3)
    end
    same(cj.tensor({1, 2}, "float32")[2]:item(), 2)
    same(cj.long {1, 2}[2]:item(), 2)
    same(cj.bool {true, false}[2]:item(), false)
  end)

  it("that become larger, smaller, and traced again", function()
    local x = cj.tensor(1)
    local J = cj.jacobian(function(q)
      local z = cj.zeros(2)
      z[1] = q * q
      z[2] = 3
      return z
    end, x)
    same(J, cj.tensor {2, 0})
    local y = cj.tensor {1, 2}
    y:add_(cj.tensor {10, 20})
    same(y, cj.tensor {11, 22})
    y[1] = cj.tensor(5)
    same(y, cj.tensor {5, 22})
    same(y[{{2, 1, -1}}], cj.tensor {22, 5})
  end)

  it("whose copies are their own", function()
    local x = cj.tensor {1, 2, 3}
    local part, row, whole = x[2], cj.tensor {{1, 2}}[1], x + 0
    x[2] = 9
    row[1] = 7
    x:mul_(2)
    same(part:item(), 2)
    same(row, cj.tensor {7, 2})
    same(whole, cj.tensor {1, 2, 3})
    same(x, cj.tensor {2, 18, 6})
  end)

  it("in functions that are traced, one input for each value that they had", function()
    local c, x = cj.tensor(3), cj.tensor(2)
    local function f(q)
      local y = q * c + q * c
      c:add_(1)
      y = y + q * c
      c:sub_(1)
      return y + q * c
    end
    for _ = 1, 3 do same(cj.jacobian(f, x):item(), 3 + 3 + 4 + 3) end
    local text = tostring(cj.compile(function(q) return q * c + (q - c) * c end):jacobian())
    same(type(text), "string")
  end)

  it("given back by what they were given to", function()
    local x = cj.tensor {1, 2}
    local y, J = cj.value_and_jacobian(function(q) return x end, cj.tensor(1))
    same(y, x)
    same(J, cj.zeros(2))
    same(cj.vjp(function(q) return q * 2 end, x, x), cj.tensor {2, 4})
    same(select(2, cj.jvp(function(q) return q * q end, x, cj.tensor {1, 1})), cj.tensor {2, 4})
    same(select(2, cj.vjp(function(q) return q * q end, x, cj.tensor({1, 1}, "float32"))), cj.tensor {2, 4})
    local out, push = cj.linearize(function(q) return q * q end, x)
    same(out, cj.tensor {1, 4})
    same(push(cj.tensor {1, 1}), cj.tensor {2, 4})
    same(cj.vmap(function(q) return q * 3 end)(x), cj.tensor {3, 6})
    assert(cj.check_grad(function(q) return q * q end, x))
  end)

  it("whatever the collector does", function()
    local stop = collectgarbage "generational"
    local x = cj.tensor {1, 2, 3}
    for i = 1, 20000 do
      x = x * 1.0001 - x * 0.0001
      if i % 1000 == 0 then collectgarbage() end
    end
    collectgarbage(stop)
    assert((x - cj.tensor {1, 2, 3}):abs():sum():item() < 1e-9)
  end)
end)
