-- Inverse dynamics of a planar chain of 20 links, with tensors, and its derivative by the joint angles.
local cj = require "cjac"
local data, way = require "data", require "way"

local LINKS = 20

local function symmetric(n)
  local B = data.sample(n, n)
  return B + B.T + n * cj.eye(n)
end

local A, g = symmetric(LINKS), data.sample(LINKS) + 2

local function from_the_end(p) return p:flip(1):cumsum(1):flip(1) end

local function torque(q, qd, qdd)
  local t, w, a = q:cumsum(1), qd:cumsum(1), qdd:cumsum(1)
  local c, s, w2 = t:cos(), t:sin(), w * w
  return from_the_end(c * A:matmul(c * a - s * w2) + s * A:matmul(s * a + c * w2) + g * c)
end

local function both(q, qd, qdd)
  return cj.value_and_jacobian(function(x) return torque(x, qd, qdd) end, q)
end

local function ways()
  local x = {data.sample(LINKS), data.sample(LINKS) * 3, data.sample(LINKS) - 0.3}
  local function compiled(label) return way.compiled(label, cj.compile(both), x) end
  return {
    compiled "native",
    way.interpreted(function() return compiled "interpreter" end),
    way.hand("by hand", "chain", {x[1], x[2], x[3], A, g}, {{LINKS}, {LINKS, LINKS}}, {LINKS}),
    way.call("one-shot", function() return both(table.unpack(x)) end, function() return table.pack(both(table.unpack(x))) end),
  }
end

return function()
  return {{name = "chain of 20 links", peer = "chain", compare = data.second, ways = ways, rows = {
    {"native", "<=", 1.2, "by hand"},
    {"interpreter", nil, nil, "by hand"},
    {"one-shot", nil, nil, "torch*"},
    {"native", nil, nil, "jax jit"},
  }}}
end
