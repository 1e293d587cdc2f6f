-- waist_spec.lua -- mixed mode: functions whose values all pass through a few numbers.

local cj = require "cjac"
local expect = require "support.expect"

local same = expect.same
cj.manual_seed(3)
local IN, OUT = cj.randn(3, 60) / 8, cj.randn(50, 3)
local OTHER = cj.randn(2, 60) / 8

local function squeeze(x) return IN:matmul(x:sin()) end
local function widen(v) return OUT:matmul(v:tanh()) end
local x = cj.randn(60)

-- Whether the compiled Jacobian goes through a waist, and the Jacobian.
local function mixed(f, inputs)
  local list = type(inputs) == "table" and inputs or {inputs}
  local J = cj.compile(f):jacobian()
  local result = J(table.unpack(list))
  return J:stats().strategy == "cross-country", result
end

-- The Jacobian is the same as in each of the plain modes.
local function agrees(f, inputs, tolerance)
  local auto = cj.jacobian(f, inputs)
  same(auto, cj.jacobian(f, inputs, {strategy = "reverse-mode"}), tolerance or 1e-11)
  same(auto, cj.jacobian(f, inputs, {strategy = "forward-mode"}), tolerance or 1e-11)
  return auto
end

describe("a narrow waist", function()
  it("is found, and gives the same Jacobian", function()
    local function f(z) return widen(squeeze(z)):exp() end
    same(mixed(f, x), true)
    agrees(f, x)
  end)
  it("works for several inputs and outputs", function()
    local function f(a, b)
      local v = IN:matmul(a * b)
      return widen(v):sin(), OUT:matmul(v):cos():reshape(5, 10)
    end
    local J = agrees(f, {x, x + 1})
    same(#J, 2)
    expect.shape(J[2][1], 5, 10, 60)
  end)
  it("may come several times", function()
    local BACK = cj.randn(40, 50) / 8
    local function f(z)
      local wide = widen(squeeze(z))
      local again = cj.randn(2, 40, {generator = cj.generator(5)}):matmul(BACK:matmul(wide):sin())
      return cj.randn(70, 2, {generator = cj.generator(6)}):matmul(again:tanh())
    end
    same(mixed(f, x), true)
    agrees(f, x)
  end)
  it("is none if something goes past it", function()
    local function f(z) return widen(squeeze(z)):exp() + z[1] end
    same(mixed(f, x), false)
    agrees(f, x)
  end)
  it("is none where nothing is gained", function()
    same(mixed(function(z) return (OUT[{{1, 3}, {}}]):matmul(squeeze(z)) end, x), false)
  end)
  it("may be read as a plain number elsewhere", function()
    local function f(z)
      local v = squeeze(z)
      return widen(v) * v:detach():sum()
    end
    agrees(f, x)
  end)
  it("may be a matrix", function()
    local function f(z)
      local v = IN:matmul(z):reshape(1, 3) * cj.tensor {{1}, {2}}
      return (OUT:matmul(v:t())):sin()
    end
    agrees(f, x)
  end)
  it("keeps dtypes", function()
    local function f(z) return widen(squeeze(z:double())):float() end
    local J = agrees(f, x:float(), 1e-5)
    same(J.dtype, "float32")
  end)
  it("comes with the value", function()
    local function f(z) return widen(squeeze(z)) end
    local y, J = cj.value_and_jacobian(f, x)
    same(y, f(x))
    same(J, cj.jacobian(f, x, {strategy = "forward-mode"}), 1e-11)
  end)
  it("nests", function()
    local function outer(s) return cj.jacobian(function(z) return widen(squeeze(z * s)) end, x, {create_graph = true}):sum() end
    local s, h = cj.tensor(0.7), 1e-5
    same(cj.jacobian(outer, s), (outer(s + h) - outer(s - h)) / (2 * h), 1e-6)
  end)
  it("of a Hessian", function()
    local function f(z) return (squeeze(z):sum() + OTHER:matmul(z)[1]):sin() end
    local H = cj.hessian(f, x)
    same(H, cj.hessian(f, x, {strategy = "forward-mode"}), 1e-11)
  end)
  it("is not used where a way was asked for", function()
    local J = cj.compile(function(z) return widen(squeeze(z)):exp() end):jacobian {strategy = "reverse-mode"}
    J(x)
    same(J:stats().strategy, "reverse-mode")
  end)
end)
