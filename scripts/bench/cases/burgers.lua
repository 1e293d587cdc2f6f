-- A stencil with a tridiagonal Jacobian, as nonzeros.
local cj = require "cjac"
local data, way = require "data", require "way"

local function burgers(u)
  local p = cj.pad(u, {1, 1})
  local left, right = p[{{1, -3}}], p[{{3, -1}}]
  return u * (right - left) * 0.5 - 0.1 * (right - 2 * u + left)
end

local function case(n)
  local function ways()
    local u = data.sample(n)
    local function compiled(label)
      return way.compiled(label, cj.compile(burgers):sparse_jacobian(), {u}, function(S) return {S:values()} end)
    end
    return {
      compiled "native",
      way.interpreted(function() return compiled "interpreter" end),
      way.hand("by hand", "burgers", {u}, {{3 * n - 2}}, {n}),
      way.primal("residual by hand", "burgers_value", {u}, {{n}}, {n}),
      way.compiled("residual", cj.compile(burgers), {u}, false),
      way.call("planning", function() return cj.compile(burgers):sparse_jacobian()(u) end),
    }
  end
  return {name = ("Burgers, n = %g"):format(n), ways = ways, rows = {
    {"native", "<=", 1.5, "by hand"},
    {"interpreter", nil, nil, "by hand"},
    {"planning", "<=", 30, "residual by hand"},
    {"native", nil, nil, "residual"},
  }}
end

return function(opts) return opts.quick and {case(1e4 | 0)} or {case(1e4 | 0), case(1e6 | 0)} end
