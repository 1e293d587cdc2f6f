-- GradBench's lstm: a gradient through a loop over time, all weights elementwise.
local cj = require "cjac"
local data, way = require "data", require "way"

-- One step: the states h, cell (lists, by layer) become new ones; the loss of predicting `next` from `now`.
local function step(W, B, extra, h, cell, now, next)
  local h1, cell1, x = {}, {}, now * extra[1]
  for i, Wi in ipairs(W) do
    local Bi = B[i]
    local forget, into = (x * Wi[1] + Bi[1]):sigmoid(), (h[i] * Wi[2] + Bi[2]):sigmoid()
    local out, change = (x * Wi[3] + Bi[3]):sigmoid(), (h[i] * Wi[4] + Bi[4]):tanh()
    cell1[i] = cell[i] * forget + into * change
    h1[i] = out * cell1[i]:tanh()
    x = h1[i]
  end
  local y = x * extra[2] + extra[3]
  return h1, cell1, (next * (y - (2 + y:exp():sum()):log())):sum()
end

-- The loop over time, in Lua: unrolled in the trace.
local function unrolled(move, h, cell, sequence)
  local total = 0
  for t = 1, sequence:size(1) - 1 do
    local term
    h, cell, term = move(h, cell, sequence[t], sequence[t + 1])
    total = total + term
  end
  return total
end

-- The same as one instruction.
local function scanned(move, h, cell, sequence)
  local pairs_of_steps = {now = sequence[{{1, -2}}], next = sequence[{{2, -1}}]}
  local _, terms = cj.scan(function(carry, x)
    local h1, cell1, term = move(carry.h, carry.cell, x.now, x.next)
    return {h = h1, cell = cell1}, term
  end, {h = h, cell = cell}, pairs_of_steps)
  return terms:sum()
end

local function loss(z, loop)
  local state, sequence = cj.tensor(z.state), cj.tensor(z.sequence)
  local layers, b, steps = state:size(1) // 2, state:size(2), sequence:size(1)
  return function(main, extra)
    local W, B, h, cell = {}, {}, {}, {}
    for i = 1, layers do
      W[i], B[i] = main[2 * i - 1]:chunk(4), main[2 * i]:chunk(4)
      h[i], cell[i] = state[2 * i - 1], state[2 * i]
    end
    local function move(...) return step(W, B, extra, ...) end
    return -loop(move, h, cell, sequence) / (b * (steps - 1))
  end
end

local function ways(file)
  local z = file.input
  local main, extra = cj.tensor(z.main_params), cj.tensor(z.extra_params)
  local state, sequence = cj.tensor(z.state), cj.tensor(z.sequence)
  local p = way.flat {main, extra}
  local sizes = {state:size(1) // 2, state:size(2), sequence:size(1)}
  local f, g = loss(z, unrolled), loss(z, scanned)
  local function gradient(label, h)
    return way.compiled(label, cj.compile(h):gradient(), {main, extra}, data.flatten)
  end
  local function hand(label, name) return way.hand(label, name, {p, state, sequence}, {p.shape}, sizes) end
  return {
    gradient("gradient", f),
    gradient("gradient, cj.scan", g),
    way.interpreted(function() return gradient("interpreter", f) end),
    way.compiled("value", cj.compile(f), {main, extra}, false),
    way.primal("value in C++", "lstm_value", {p, state, sequence}, {{}}, sizes),
    hand("limit by hand", "lstm_limit"),
    hand("ADOL-C", "lstm_adolc"),
    way.call("ready after", function() return cj.compile(f):gradient()(main, extra) end),
    way.call("ready after, cj.scan", function() return cj.compile(g):gradient()(main, extra) end),
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
    {"gradient, cj.scan", "<=", 4, "limit by hand"},
    {"gradient", "<", 1, "ADOL-C"},
    {"gradient", "<", 1, "torch*"},
    {"gradient", "<", 1, "jax jit"},
    {"gradient", nil, nil, "value in C++"},
    {"interpreter", nil, nil, "limit by hand"},
    {"value", nil, nil, "value in C++"},
    {"ready after"},
    {"ready after, cj.scan"},
  }}
end

return function(opts) return opts.quick and {case "tiny_l2_c20"} or {case "tiny_l2_c20", case "l2_c1024"} end
