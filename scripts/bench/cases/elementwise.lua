-- Elementwise chains: value and derivative of all elements.
local cj = require "cjac"
local data, way = require "data", require "way"

local function transcendental(x) return (1.5 * x + 0.25):tanh() * (-(x * x)):exp() + x:sin() end
local function cheap(x) return (((0.3 * x + 0.5) * x - 0.7) * x + 0.1) * (x * x - 0.2) end

local function case(name, f, n, interpreted)
  local function ways()
    local x = data.sample(n) * 4
    local ones = cj.ones(n)
    local function both(u) return cj.jvp(f, u, ones) end
    local function compiled(label) return way.compiled(label, cj.compile(both), {x}) end
    return {
      compiled "native",
      way.interpreted(function() return compiled "interpreter" end),
      way.hand("fused by hand", name, {x}, {{n}, {n}}, {n}),
    }
  end
  return {name = ("%s, n = %g"):format(name, n), peer = ("%s@%d"):format(name, n), ways = ways, rows = {
    {"native", "<=", 1.15, "fused by hand"},
    {"interpreter", "<=", interpreted, "fused by hand"},
    {"native", nil, nil, "jax jit"},
  }}
end

return function(opts)
  local cases = {}
  for _, n in ipairs(opts.quick and {1000, 100000} or {1000, 10000, 100000, 1000000}) do
    cases[#cases + 1] = case("transcendental", transcendental, n, 1.3)
    cases[#cases + 1] = case("cheap", cheap, n, 4)
  end
  return cases
end
