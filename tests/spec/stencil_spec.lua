-- stencil_spec.lua -- sparse Jacobians of shifted, padded and repeated copies: what is found as diagonals has the
-- nonzeros of the dense Jacobian in their places, whatever the size.

local cj = require "cjac"
local expect = require "support.expect"

local same = expect.same

-- Whether rows and columns ascend and nothing is there twice.
local function ordered(S)
  local row, col = S:coo()
  local last = 0
  for k = 1, row:numel() do
    local at = row[k]:item() * 1e6 + col[k]:item()
    if at <= last then return false end
    last = at
  end
  return true
end

local function like_dense(f, x)
  local J = cj.jacobian(f, x, {strategy = "forward-mode"})
  local S, C = cj.sparse_jacobian(f, x), cj.compile(f):sparse_jacobian()(x)
  local rows, cols = f(x):numel(), x:numel()
  for _, s in ipairs {S, C} do
    same(s:to_dense(), J:reshape(rows, cols))
    same(ordered(s), true)
    local p, col = s:csr()
    same(p[rows + 1]:item() - 1, s:nnz())
    same(col:numel(), s:nnz())
  end
  same(S:values(), C:values(), 1e-14)
  same(cj.sparsity(f, x):nnz() >= S:nnz(), true)
end

local function burgers(u)
  local p = cj.pad(u, {1, 1})
  local left, right = p[{{1, -3}}], p[{{3, -1}}]
  return u * (right - left) * 0.5 - 0.1 * (right - 2 * u + left)
end

local function wide(u)
  local n = u.shape[1]
  local p = cj.pad(u, {2, 2})
  local sum = u * u
  for k = 0, 4 do sum = sum + (k + 1) * p[{{k + 1, k + n}}] * u end
  return sum
end

local function periodic(u)
  local p = cj.cat {u[{{-1, -1}}], u, u[{{1, 1}}]}
  return u * (p[{{3, -1}}] - p[{{1, -3}}])
end

local function plane(u)
  local p = cj.pad(u, {1, 1, 1, 1})
  local inner = {2, -2}
  return u * u - p[{{1, -3}, inner}] - p[{{3, -1}, inner}] * u - p[{inner, {1, -3}}] * p[{inner, {3, -1}}]
end

local function lines(u) return u * cj.pad(u, {0, 0, 0, 2})[{{3, -1}}] end

describe("stencils", function()
  for _, n in ipairs {1, 2, 3, 4, 5, 7, 16, 33, 100} do
    it("of one dimension, n = " .. n, function()
      local u = cj.rand(n) + 0.5
      like_dense(burgers, u)
      like_dense(wide, u)
      like_dense(periodic, u)
      like_dense(function(x) return burgers(x:flip(1)) * x end, u)
      like_dense(function(x) return x[{{1, -1, 2}}] * x[{{1, -1, 2}}] end, u)
      like_dense(function(x) return cj.pad(burgers(cj.pad(x, {1, 1})), {0, 3}) end, u)
      like_dense(function(x) return cj.cat {burgers(x), x * x} end, u)
    end)
  end
  it("of nothing", function()
    local S = cj.compile(function(u) return u * cj.cat {u, u}[{{1, u.shape[1]}}] end):sparse_jacobian()(cj.zeros(0))
    same(S:nnz(), 0)
  end)
  for _, shape in ipairs {{1, 1}, {1, 4}, {2, 2}, {3, 1}, {3, 5}, {6, 6}} do
    it(("of two dimensions, %d by %d"):format(table.unpack(shape)), function()
      local u = cj.rand(table.unpack(shape)) + 0.5
      like_dense(plane, u)
      like_dense(lines, u)
      like_dense(function(x) return plane(x:t()):t() * x end, u)
    end)
  end
  it("with irregular places", function()
    local u = cj.rand(12) + 0.5
    local at = cj.tensor({3, 1, 12, 7, 7, 2}, {dtype = "int64"})
    like_dense(function(x) return x:gather(1, at) * x[{{1, 6}}] end, u)
    like_dense(function(x) return cj.cat {x:gather(1, at), x[{{2, 4}}]} * x[{{3, 11}}] end, u)
  end)
  it("of several inputs", function()
    local u, v = cj.rand(9), cj.rand(9)
    local function f(a, b) return burgers(a) + b * cj.pad(b, {1, 0})[{{1, -2}}], a * b end
    local S = cj.sparse_jacobian(f, {u, v})
    local J = cj.jacobian(f, {u, v}, {strategy = "forward-mode"})
    same(S:to_dense(), cj.cat({cj.cat({J[1][1], J[1][2]}, 2), cj.cat({J[2][1], J[2][2]}, 2)}, 1))
  end)
  it("keep their pattern when it is written", function()
    local S = cj.compile(burgers):sparse_jacobian()(cj.rand(2000))
    same(S:nnz(), 5998)
    local row, col = S:coo()
    same(row[5998]:item() + col[5998]:item(), 4000)
    same(S:t():t():values(), S:values())
    local x = cj.rand(2000)
    same(S:mv(x), S:t():tmv(x), 1e-12)
  end)
end)
