-- cases.lua -- what is measured.  peers/ hold the same functions, by the same names, at the same numbers.
--   {name, call, target}   call: one derivative, as a script would ask for it
--   target: how many times faster than PyTorch's default it is meant to be

local cj = require "cjac"

-- Numbers between -1/2 and 1/2, the same to the bit in any language.
local function sample(...)
  local n = 1
  for _, size in ipairs {...} do n = n * size end
  local list = {}
  for i = 0, n - 1 do list[i + 1] = (i * 7919 % 1009) / 1009 - 0.5 end
  return cj.tensor(list):reshape(...)
end

local function exp_reducer(x) return x:exp():sum(2) end

local function exp_adder(x, y) return 2 * x:exp() + 3 * y end

local function linear_model()
  local W, b = sample(2, 2), sample(2)
  return function(x) return x:matmul(W) + b end
end

local function mlp()
  local W1, b1, W2, b2 = sample(128, 64) / 8, sample(128), sample(32, 128) / 8, sample(32)
  return function(x) return W2:matmul((W1:matmul(x) + b1):tanh()) + b2 end
end

-- Joint by joint, number by number, as one writes it down.
local function planar_arm(q)
  local x, y, angle = 0, 0, 0
  for i = 1, 7 do
    angle = angle + q[i]
    x = x + angle:cos() * (1 / i)
    y = y + angle:sin() * (1 / i)
  end
  return cj.stack {x, y, angle}
end

local function rosenbrock(x)
  local head, tail = x[{{1, -2}}], x[{{2, -1}}]
  return (100 * (tail - head ^ 2) ^ 2 + (1 - head) ^ 2):sum()
end

local function burgers(u)
  local p = cj.pad(u, {1, 1})
  local left, right = p[{{1, -3}}], p[{{3, -1}}]
  return u * (right - left) * 0.5 - 0.1 * (right - 2 * u + left)
end

local function jacobian(name, f, x, target)
  return {name = name, call = function() return cj.jacobian(f, x) end, target = target}
end
local function hessian(name, f, x, target)
  return {name = name, call = function() return cj.hessian(f, x) end, target = target}
end

return {
  jacobian("exp_reducer_2x2", exp_reducer, sample(2, 2), 30),
  jacobian("exp_adder_2", exp_adder, {sample(2), sample(2)}, 30),
  jacobian("linear_model_4x2", linear_model(), sample(4, 2), 30),
  jacobian("mlp_64_128_32", mlp(), sample(64), 3),
  jacobian("exp_reducer_100x100", exp_reducer, sample(100, 100), 10),
  jacobian("planar_arm_7", planar_arm, sample(7)),
  hessian("rosenbrock_1000", rosenbrock, sample(1000)),
  jacobian("burgers_1000", burgers, sample(1000)),
}
