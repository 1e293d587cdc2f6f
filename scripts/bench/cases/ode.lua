-- GradBench's ode: a gradient through Runge and Kutta's method.
local cj = require "cjac"
local data, way = require "data", require "way"

local function last(n, steps)
  local h, first = 2 / steps, cj.ones(1)
  return function(x)
    local function rate(y) return x * cj.cat {first, y[{{1, -2}}]} end
    local y = cj.zeros(n)
    for _ = 1, steps do
      local k1 = rate(y)
      local k2 = rate(y + h / 2 * k1)
      local k3 = rate(y + h / 2 * k2)
      local k4 = rate(y + h * k3)
      y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    end
    return y[-1]
  end
end

local function ways(file)
  local x, steps = cj.tensor(file.input.x), file.input.s
  local n = x:size(1)
  local f = last(n, steps)
  local function gradient(label) return way.compiled(label, cj.compile(f):gradient(), {x}, data.flatten) end
  return {
    gradient "gradient",
    way.interpreted(function() return gradient "interpreter" end),
    way.compiled("value", cj.compile(f), {x}, false),
    way.primal("value in C++", "ode_value", {x}, {{n}}, {n, steps}),
    way.hand("ADOL-C", "ode_adolc", {x}, {{n}}, {n, steps}),
    way.call("ready after", function() return cj.compile(f):gradient()(x) end),
  }, {cj.tensor(file.expected.gradient)}
end

local function case(name)
  local path = "gradbench/ode/" .. name .. ".json"
  return {name = "ode " .. name, peer = "ode@" .. data.shared .. "/" .. path, ways = function()
    local file = data.json(path)
    if not file then return nil, "there is no " .. path end
    return ways(file)
  end, rows = {
    {"gradient", "<", 1, "ADOL-C"},
    {"gradient", "<", 1, "torch*"},
    {"gradient", "<", 1, "jax jit"},
    {"gradient", nil, nil, "value in C++"},
    {"interpreter", nil, nil, "value in C++"},
    {"value", nil, nil, "value in C++"},
    {"ready after"},
  }}
end

return function(opts) return opts.quick and {case "x_n20_s100"} or {case "x_n20_s100", case "x_n100_s1000"} end
