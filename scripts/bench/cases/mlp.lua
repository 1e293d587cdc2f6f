-- A network of one hidden layer: value and Jacobian by its input.
local cj = require "cjac"
local data, way = require "data", require "way"

local function ways()
  local W1, b1, W2, b2 = data.sample(128, 64) / 8, data.sample(128), data.sample(32, 128) / 8, data.sample(32)
  local x = data.sample(64)
  local function mlp(u) return W2:matmul((W1:matmul(u) + b1):tanh()) + b2 end
  local function both(u) return cj.value_and_jacobian(mlp, u) end
  local function compiled(label) return way.compiled(label, cj.compile(both), {x}) end
  return {
    compiled "native",
    way.interpreted(function() return compiled "interpreter" end),
    way.hand("by hand, dgemm", "mlp", {x, W1, b1, W2, b2}, {{32}, {32, 64}}, {64, 128, 32}),
    way.call("one-shot", function() return both(x) end, function() return table.pack(both(x)) end),
  }
end

return function()
  return {{name = "MLP 64-128-32", peer = "mlp", compare = data.second, ways = ways, rows = {
    {"native", "<=", 1.1, "by hand, dgemm"},
    {"interpreter", nil, nil, "by hand, dgemm"},
    {"one-shot", ">=", 8, "torch vectorize"},
    {"one-shot", ">=", 8, "torch*"},
    {"native", "<", 1, "jax jit"},
  }}}
end
