-- The three examples of PyTorch's page on torch.autograd.functional.jacobian, in Lua.
--   scripts/run scripts/examples/jacobian.lua
local cj = require "cjac"
cj.manual_seed(0)

local function show(title, J)
  print(title)
  for _, block in ipairs(type(J) == "table" and J or {J}) do print(block) end
  print()
end

-- 1. A 2x2 input, a vector of two sums: the Jacobian has shape [2, 2, 2].
local function exp_reducer(x) return x:exp():sum(2) end
local x = cj.rand(2, 2)
show("exp_reducer", cj.jacobian(exp_reducer, x))

-- The same in forward mode, and as something that can be differentiated again.
local fwd = cj.jacobian(exp_reducer, x, {strategy = "forward-mode"})
print("forward mode agrees:", (fwd - cj.jacobian(exp_reducer, x)):abs():max():item() == 0)
local second = cj.jacobian(function(x) return cj.jacobian(exp_reducer, x, {create_graph = true}) end, x)
print("Jacobian of the Jacobian:", table.concat(second.shape, " x "))
print()

-- 2. Two inputs: one block for each.
local function exp_adder(x, y) return 2 * x:exp() + 3 * y end
show("exp_adder", cj.jacobian(exp_adder, {cj.rand(2), cj.rand(2)}))

-- 3. A linear model; rows of the batch do not mix, and the Jacobian shows it.
local W, b = cj.rand(2, 2), cj.rand(2)
local function linear_model(x) return x:matmul(W) + b end
local J = cj.jacobian(linear_model, cj.rand(4, 2), {vectorize = true, strict = true})
print("linear_model:", table.concat(J.shape, " x "))
print("row 1 by row 1:")
print(J[{1, {}, 1}])
print("row 1 by row 2:")
print(J[{1, {}, 2}])
