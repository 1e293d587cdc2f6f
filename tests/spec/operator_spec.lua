-- operator_spec.lua -- cj.batch_jacobian and cj.jacobian_operator.

local cj = require "cjac"
local expect = require "support.expect"

local same, shape, fails = expect.same, expect.shape, expect.fails
cj.manual_seed(11)
local W = cj.randn(4, 3)

describe("cj.batch_jacobian", function()
  local function layer(x) return (x:matmul(W:t())):tanh() * x:sum(2, true) end
  local x = cj.randn(5, 3)

  it("gives one block a row", function()
    local J = cj.batch_jacobian(layer, x)
    shape(J, 5, 4, 3)
    local dense = cj.jacobian(layer, x)
    for b = 1, 5 do same(J[b], dense[{b, {}, b, {}}]) end
  end)
  it("of one number a row, of matrices, of zeros", function()
    shape(cj.batch_jacobian(function(z) return z:sum(2) end, x), 5, 3)
    local f = function(z) return z:reshape(5, 3, 1) * W:t():reshape(1, 3, 4) end
    local J = cj.batch_jacobian(f, x)
    shape(J, 5, 3, 4, 3)
    same(J[2], cj.jacobian(f, x)[{2, {}, {}, 2, {}}])
    same(cj.batch_jacobian(function(z) return cj.zeros(5, 2) end, x), cj.zeros(5, 2, 3))
    shape(cj.batch_jacobian(function(z) return z end, cj.zeros(0, 3)), 0, 3, 3)
  end)
  it("needs few directions", function() -- dense, this one would have 3.2 * 10^9 elements
    local many = cj.randn(20000, 4)
    local J = cj.batch_jacobian(function(z) return z * z:sum(2, true) end, many)
    shape(J, 20000, 4, 4)
    same(J[7], many[7]:unsqueeze(2) * cj.ones(1, 4) + cj.eye(4) * many[7]:sum(), 1e-12)
  end)
  it("can be differentiated", function()
    local function norm(z) return (cj.batch_jacobian(layer, z) ^ 2):sum() end
    assert(cj.check_grad(norm, x))
  end)
  it("says which rows mix", function()
    fails({"row 1 of the result depends on row 2 of the argument"}, cj.batch_jacobian, function(z) return z:cumsum(1):flip(1) end,
      cj.ones(2, 2))
  end)
  it("wants rows", function()
    fails({"cj.batch_jacobian", "argument 2 (inputs)", "[]"}, cj.batch_jacobian, layer, cj.tensor(1))
    fails({"argument 2 (inputs)", "a number"}, cj.batch_jacobian, layer, 1)
    fails({"what the function returns", "a nil"}, cj.batch_jacobian, function() end, x)
    fails({"2 rows for 5 rows"}, cj.batch_jacobian, function(z) return z[{{1, 2}}] end, x)
    fails({"expected a function"}, cj.batch_jacobian, 3, x)
  end)
end)

describe("cj.jacobian_operator", function()
  local x = cj.randn(4)
  local A = cj.randn(4, 4)
  local function f(z) return A:matmul(z:sin()) * z end
  local J, dense = cj.jacobian_operator(f, x), cj.jacobian(f, x)
  local v = cj.randn(4)

  it("multiplies", function()
    same(J:mv(v), dense:matmul(v))
    same(J:tmv(v), dense:t():matmul(v))
  end)
  it("is written out when asked", function()
    same(J:dense(), dense)
    same(J:sparse():to_dense(), dense)
    same(J:diagonal(), dense:diagonal())
    same(#tostring(J) > 10, true)
  end)
  it("takes several inputs and outputs", function()
    local K = cj.jacobian_operator(function(a, b) return a * b, a:sum() end, {x, v})
    local t = K:mv {v, x}
    same(t[1], v * v + x * x)
    same(t[2], v:sum())
    local c = K:tmv {x, cj.tensor(2)}
    same(c[1], x * v + 2)
    same(c[2], x * x)
  end)
  it("has a diagonal of zeros where there are none", function()
    same(cj.jacobian_operator(function(z) return z:roll(1, 1) end, x):diagonal(), cj.zeros(4))
  end)
  it("can be differentiated", function()
    assert(cj.check_grad(function(z) return cj.jacobian_operator(f, z):mv(v):sum() end, x))
  end)
  it("says what is wrong", function()
    fails({"square", "[2, 4]"}, function() return cj.jacobian_operator(function(z) return z[{{1, 2}}] end, x):diagonal() end)
    fails({"argument 1 (f)", "a number"}, cj.jacobian_operator, 1, x)
    fails({"v"}, function() return J:mv(cj.ones(3)) end)
  end)
end)
