-- GradBench's ode: a gradient through Runge and Kutta's method.
local cj = require "cjac"
local data, way = require "data", require "way"

-- One step of length h; rate is y'.
local function step(rate, y, h)
  local k1 = rate(y)
  local k2 = rate(y + h / 2 * k1)
  local k3 = rate(y + h / 2 * k2)
  local k4 = rate(y + h * k3)
  return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
end

local function unrolled(move, y, steps)
  for _ = 1, steps do y = move(y) end
  return y
end
local function looped(move, y, steps) return (cj.fori(steps, function(_, v) return move(v) end, y)) end

local function last(n, steps, loop)
  local first = cj.ones(1)
  return function(x)
    local function rate(y) return x * cj.cat {first, y[{{1, -2}}]} end
    return loop(function(y) return step(rate, y, 2 / steps) end, cj.zeros(n), steps)[-1]
  end
end

local function ways(file)
  local x, steps = cj.tensor(file.input.x), file.input.s
  local n = x:size(1)
  local f, g = last(n, steps, unrolled), last(n, steps, looped)
  local function gradient(label, h) return way.compiled(label, cj.compile(h):gradient(), {x}, data.flatten) end
  return {
    gradient("gradient", f),
    gradient("gradient, cj.fori", g),
    way.interpreted(function() return gradient("interpreter", f) end),
    way.compiled("value", cj.compile(f), {x}, false),
    way.primal("value in C++", "ode_value", {x}, {{n}}, {n, steps}),
    way.hand("ADOL-C", "ode_adolc", {x}, {{n}}, {n, steps}),
    way.call("ready after", function() return cj.compile(f):gradient()(x) end),
    way.call("ready after, cj.fori", function() return cj.compile(g):gradient()(x) end),
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
    {"gradient, cj.fori", "<", 1, "jax jit"},
    {"gradient, cj.fori", nil, nil, "value in C++"},
    {"interpreter", nil, nil, "value in C++"},
    {"value", nil, nil, "value in C++"},
    {"ready after"},
    {"ready after, cj.fori"},
  }}
end

return function(opts) return opts.quick and {case "x_n20_s100"} or {case "x_n20_s100", case "x_n100_s1000"} end
