-- The examples of PyTorch's page of functional Jacobians, one-shot; and one whose Jacobian is block-sparse and large.
local cj = require "cjac"
local data, way = require "data", require "way"

local function exp_reducer(x) return x:exp():sum(2) end
local function exp_adder(x, y) return 2 * x:exp() + 3 * y end
local function linear_model()
  local W, b = data.sample(2, 2), data.sample(2)
  return function(x) return x:matmul(W) + b end
end

local function one_shot(name, peer, f, x)
  local function call() return cj.jacobian(f, x) end
  local function results()
    local J = call()
    return type(J) == "table" and J or {J}
  end
  return {name = name, peer = peer, ways = function() return {way.call("one-shot", call, results)} end, rows = {
    {"one-shot", ">=", 40, "torch default"},
    {"one-shot", ">=", 40, "torch*"},
    {"one-shot", nil, nil, "jax eager"},
  }}
end

local function sparse(n)
  local function ways()
    local x = data.sample(n, n)
    local values = function(S) return {S:values()} end
    return {
      way.compiled("sparse Jacobian", cj.compile(exp_reducer):sparse_jacobian(), {x}, values),
      way.compiled("function", cj.compile(exp_reducer), {x}, false),
      way.hand("exp by hand", "exp_all", {x}, {{n * n}}, {n * n}),
    }
  end
  return {name = ("exp_reducer %dx%d, sparse"):format(n, n), ways = ways, rows = {
    {"sparse Jacobian", "<=", 3, "function"},
    {"sparse Jacobian", nil, nil, "exp by hand"},
  }}
end

return function(opts)
  return {
    one_shot("exp_reducer 2x2", "exp_reducer", exp_reducer, data.sample(2, 2)),
    one_shot("exp_adder 2", "exp_adder", exp_adder, {data.sample(2), data.sample(2)}),
    one_shot("linear_model 4x2", "linear_model", linear_model(), data.sample(4, 2)),
    sparse(opts.quick and 100 or 1000),
  }
end
