-- An arm of 7 joints with general Denavit-Hartenberg constants, number by number as one writes it down: the place of
-- its tip and the direction of its tool, and their 6 x 7 Jacobian.
local cj = require "cjac"
local data, emit, way = require "data", require "emit", require "way"

local JOINTS, AGENTS = 7, 1000

local dh = {} -- a, alpha, d, offset of every joint
for i = 1, JOINTS do dh[i] = {0.1 * i, 0.3 + 0.2 * i, 0.5 - 0.05 * i, 0.1 * (i - 4)} end

local function arm(q)
  local x, y, z, p = {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 0}
  for i = 1, JOINTS do
    local a, alpha, d, offset = table.unpack(dh[i])
    local angle = q[i] + offset
    local c, s, ca, sa = angle:cos(), angle:sin(), math.cos(alpha), math.sin(alpha)
    for k = 1, 3 do
      local xk, yk, zk = c * x[k] + s * y[k], c * y[k] - s * x[k], z[k]
      p[k] = p[k] + d * zk + a * xk
      x[k], y[k], z[k] = xk, ca * yk + sa * zk, ca * zk - sa * yk
    end
  end
  return cj.stack {p[1], p[2], p[3], x[1], x[2], x[3]}
end

local function both(q) return cj.value_and_jacobian(arm, q) end

local function compiled(label, q) return way.compiled(label, cj.compile(both), {q}) end

local function single()
  local q = data.sample(JOINTS)
  local F = cj.compile(both)
  local value, J = F(q)
  local result = function() return {value, J} end
  local opts = {out = {value, J}}
  return {
    compiled("native, from C", q),
    way.interpreted(function() return compiled("interpreter, from C", q) end),
    emit.way("gcc -O2 of its ops", "emitted_arm", F, {q}, {{6}, {6, JOINTS}}),
    way.hand("by hand", "arm", {q, cj.tensor(dh)}, {{6}, {6, JOINTS}}, {1}),
    way.lua("from Lua, out=", function(n) for _ = 1, n do F(q, opts) end end, result),
    way.lua("from Lua, new", function(n) for _ = 1, n do F(q) end end, result),
    way.call("one-shot", function() return both(q) end, function() return table.pack(both(q)) end),
    way.call("closure to native code", function() return cj.compile(both)(q) end),
    way.call("trace", function() return cj.compile(arm)(q) end),
  }
end

local function many()
  local Q = data.sample(AGENTS, JOINTS)
  return {
    way.compiled("map(1000)", cj.compile(both):map(AGENTS), {Q}),
    way.hand("by hand, one by one", "arm", {Q, cj.tensor(dh)}, {{AGENTS, 6}, {AGENTS, 6, JOINTS}}, {AGENTS}),
  }
end

-- What the trace of the arm alone may take.
local function one_shot_target()
  local F = cj.compile(arm)
  F(data.sample(JOINTS))
  return 250e-9 * F:stats().ops_traced + 3e-6
end

return function()
  return {
    {name = "arm", peer = "arm", compare = data.second, ways = single, rows = {
      {"native, from C", "<=", 0.9, "gcc -O2 of its ops"},
      {"native, from C", "<=", 1.6, "by hand"},
      {"interpreter, from C", "<=", 4, "gcc -O2 of its ops"},
      {"from Lua, out=", "+", 100e-9, "native, from C"},
      {"from Lua, new", "+", 250e-9, "native, from C"},
      {"closure to native code", "s", 0.6e-3},
      {"one-shot", "s", one_shot_target()},
      {"one-shot", ">=", 100, "torch*"},
      {"one-shot", ">=", 20, "jax eager"},
      {"native, from C", nil, nil, "casadi gcc"},
      {"native, from C", nil, nil, "jax jit"},
    }},
    {name = "arm x 1000", peer = "arm_1000", compare = data.second, ways = many, rows = {
      {"map(1000)", "<=", 0.65, "by hand, one by one"},
      {"map(1000)", nil, nil, "jax jit"},
    }},
  }
end
