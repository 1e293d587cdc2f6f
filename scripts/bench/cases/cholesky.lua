-- A x = b for small symmetric positive definite matrices inside a compiled function.
local cj = require "cjac"
local data, way = require "data", require "way"

local function solve(A, b) return cj.linalg.cholesky_solve(b:unsqueeze(2), cj.linalg.cholesky(A)):squeeze(2) end

local function case(n)
  local function ways()
    local B, b = data.sample(n, n), data.sample(n)
    local A = B:matmul(B.T) + cj.eye(n)
    local function compiled(label) return way.compiled(label, cj.compile(solve), {A, b}) end
    return {
      compiled "native",
      way.interpreted(function() return compiled "interpreter" end),
      way.hand("dposv", "dposv", {A, b}, {{n}}, {n}),
    }
  end
  return {name = ("cholesky solve, n = %d"):format(n), ways = ways, rows = {
    {"native", "<=", 0.3, "dposv"},
    {"interpreter", nil, nil, "dposv"},
  }}
end

return function() return {case(3), case(6), case(12)} end
