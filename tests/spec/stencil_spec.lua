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

-- What is put among zeros and only read shifted is never made: those who read it see zeros beyond its ends.
describe("windows", function()
  local function shifted(p, k, n) return p[{{k, k + n - 1}}] end
  local programs = {
    ["side by side"] = function(u, n)
      local p = cj.pad(u, {2, 3})
      return cj.maximum(shifted(p, 1, n), shifted(p, 5, n)), cj.minimum(shifted(p, 3, n), shifted(p, 2, n))
    end,
    ["of what is computed"] = function(u, n)
      local p = cj.pad(u:abs(), {1, 1})
      return shifted(p, 1, n):exp(), shifted(p, 3, n):gt(shifted(p, 2, n)), u:abs()
    end,
    ["beyond the ends"] = function(u, n)
      local p = cj.pad(u, {n + 1, n})
      return shifted(p, 1, n) - u, shifted(p, n + 1, n) - u, shifted(p, 2 * n, n) - u, p[{{1, n + 3}}]:neg()
    end,
    ["of what is read otherwise, too"] = function(u, n)
      local p = cj.pad(u, {1, 1})
      return shifted(p, 1, n):neg(), p, p:sum(), shifted(p, 3, n)
    end,
    ["of columns, backwards, of windows"] = function(u, n)
      local p = cj.pad(u:flip(1), {1, 0})
      local q = cj.pad(shifted(p, 1, n):neg(), {0, 1})
      return shifted(q, 2, n) - u, p[{{1, -1, 2}}]:neg()
    end,
    ["broadcast"] = function(u, n)
      local p = cj.pad(u, {1, 1})
      return shifted(p, 3, n) - cj.stack {u, u}, shifted(p, 1, n) - cj.stack({u, u}, 2):sum(2)
    end,
    ["results beside each other"] = function(u, n)
      local p = cj.pad(u, {1, 1})
      return cj.stack({shifted(p, 1, n):neg(), u:abs(), shifted(p, 3, n):abs()}, 2)
    end,
  }
  local names = {}
  for name in pairs(programs) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    for _, dtype in ipairs {"float64", "float32"} do
      it(name .. ", " .. dtype, function()
        for _, n in ipairs {1, 2, 3, 5, 17, 64, 511, 512, 513, 1024, 1025, 2000, 20000} do
          local u = (cj.rand(n) - 0.5):to(dtype)
          local want = {programs[name](u, n)}
          local F = cj.compile(function(x) return programs[name](x, n) end)
          for _ = 1, 2 do
            local got = {F(u)}
            same(#got, #want)
            for i = 1, #want do same(got[i], want[i], name == "of what is computed" and 1e-6 or 0) end
          end
        end
      end)
    end
  end
  it("of rows", function()
    for _, shape in ipairs {{2, 1}, {2, 3}, {7, 5}, {40, 33}, {3, 2000}} do
      local u = cj.rand(table.unpack(shape))
      local function f(x)
        local p = cj.pad(x, {0, 0, 1, 1})
        return p[{{1, -3}}] - p[{{3, -1}}], x - cj.pad(x, {1, 1})[{{}, {3, -1}}]
      end
      local a, b = f(u)
      local c, d = cj.compile(f)(u)
      same(a, c, 0)
      same(b, d, 0)
    end
  end)
  it("leave nothing to copy", function()
    local F = cj.compile(function(u)
      local p = cj.pad(u, {1, 1})
      return p[{{3, -1}}] - p[{{1, -3}}]
    end)
    F(cj.rand(5000))
    same(F:explain():find("embed", 1, true), nil)
  end)
end)
