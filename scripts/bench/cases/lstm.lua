-- GradBench's lstm: a gradient through a loop over time, all weights elementwise.
local cj = require "cjac"
local data, way = require "data", require "way"

local function loss(z)
  local state, sequence = cj.tensor(z.state), cj.tensor(z.sequence)
  local layers, b, steps = state:size(1) // 2, state:size(2), sequence:size(1)
  return function(main, extra)
    local W, B, h, cell = {}, {}, {}, {}
    for i = 1, layers do
      W[i], B[i] = main[2 * i - 1]:chunk(4), main[2 * i]:chunk(4)
      h[i], cell[i] = state[2 * i - 1], state[2 * i]
    end
    local total = 0
    for t = 1, steps - 1 do
      local x = sequence[t] * extra[1]
      for i = 1, layers do
        local Wi, Bi = W[i], B[i]
        local forget, into = (x * Wi[1] + Bi[1]):sigmoid(), (h[i] * Wi[2] + Bi[2]):sigmoid()
        local out, change = (x * Wi[3] + Bi[3]):sigmoid(), (h[i] * Wi[4] + Bi[4]):tanh()
        cell[i] = cell[i] * forget + into * change
        h[i] = out * cell[i]:tanh()
        x = h[i]
      end
      local y = x * extra[2] + extra[3]
      total = total + (sequence[t + 1] * (y - (2 + y:exp():sum()):log())):sum()
    end
    return -total / (b * (steps - 1))
  end
end

local function ways(file)
  local z = file.input
  local main, extra = cj.tensor(z.main_params), cj.tensor(z.extra_params)
  local state, sequence = cj.tensor(z.state), cj.tensor(z.sequence)
  local p = way.flat {main, extra}
  local sizes = {state:size(1) // 2, state:size(2), sequence:size(1)}
  local f = loss(z)
  local function gradient(label) return way.compiled(label, cj.compile(f):gradient(), {main, extra}, data.flatten) end
  local function hand(label, name) return way.hand(label, name, {p, state, sequence}, {p.shape}, sizes) end
  return {
    gradient "gradient",
    way.interpreted(function() return gradient "interpreter" end),
    way.compiled("value", cj.compile(f), {main, extra}, false),
    way.primal("value in C++", "lstm_value", {p, state, sequence}, {{}}, sizes),
    hand("limit by hand", "lstm_limit"),
    hand("ADOL-C", "lstm_adolc"),
    way.call("ready after", function() return cj.compile(f):gradient()(main, extra) end),
  }, {cj.tensor(file.expected.jacobian)}
end

local function case(name)
  local path = "gradbench/lstm/" .. name .. ".json"
  return {name = "lstm " .. name, peer = "lstm@" .. data.shared .. "/" .. path, ways = function()
    local file = data.json(path)
    if not file then return nil, "there is no " .. path end
    return ways(file)
  end, rows = {
    {"gradient", "<=", 4, "limit by hand"},
    {"gradient", "<", 1, "ADOL-C"},
    {"gradient", "<", 1, "torch*"},
    {"gradient", "<", 1, "jax jit"},
    {"gradient", nil, nil, "value in C++"},
    {"interpreter", nil, nil, "limit by hand"},
    {"value", nil, nil, "value in C++"},
    {"ready after"},
  }}
end

return function(opts) return opts.quick and {case "tiny_l2_c20"} or {case "tiny_l2_c20", case "l2_c1024"} end
