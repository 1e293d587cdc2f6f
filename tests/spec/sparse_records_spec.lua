-- Sparse Jacobians of functions of many records, one like the other: blocks that are known without looking for a pattern,
-- and everything that only looks like it.

local cj = require "cjac"
local expect = require "support.expect"

local same = expect.same
local T = cj.tensor

-- The whole Jacobian as one matrix, dense.
local function whole(f, inputs)
  local blocks, rows = cj.jacobian(f, inputs), {}
  local y = table.pack(f(table.unpack(inputs)))
  if y.n == 1 then blocks = {blocks} end
  for i = 1, y.n do
    local row = {}
    for j, x in ipairs(inputs) do row[j] = blocks[i][j]:double():reshape(y[i]:numel(), x:numel()) end
    rows[i] = cj.cat(row, 2)
  end
  return cj.cat(rows, 1)
end

-- nonzeros: how many are expected, nil: any number.
local function check(f, inputs, nonzeros)
  local want = whole(f, inputs)
  local S = cj.sparse_jacobian(f, inputs)
  same(S:to_dense():double(), want, 1e-11)
  if nonzeros then assert.equal(nonzeros, S:nnz()) end
  local F = cj.compile(f):sparse_jacobian()
  same(F(table.unpack(inputs)):to_dense():double(), want, 1e-11)
  local row, col = S:coo()
  local place, k = ((row - 1) * S.shape[2] + col):totable(), S:nnz()
  for e = 2, k do assert.is_true(place[e - 1] < place[e]) end -- in order, each once
  same(cj.sparsity(f, inputs):to_dense():logical_or(S:to_dense():eq(0)):all(), cj.bool{true}[1])
end

local n = 12
local ia, ib = cj.long{1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 5, 1}, cj.long{3, 3, 1, 2, 2, 3, 1, 1, 3, 2, 1, 1}
local A, B, C = cj.randn(5, 4), cj.randn(3, 2), cj.randn(n)
local measured, weights = cj.randn(n, 2), cj.randn(2)

describe("records", function()
  it("that pick rows of two inputs", function()
    check(function(a, b)
      local p, q = a:index_select(1, ia), b:index_select(1, ib)
      return (p[{{}, {1, 2}}] * q):sin() * p[{{}, {3, 3}}] - measured
    end, {A, B}, n * 2 * 3)
  end)
  it("in any number: none, one, blocks and one more or less", function()
    for _, m in ipairs {0, 1, 2, 7, 8, 9, 63, 64, 65, 95, 96, 97} do
      local from, to = cj.arange(0, m):long() * 3 % 5 + 1, cj.arange(0, m):long() % 3 + 1
      check(function(a, b, c)
        local p, q = a:index_select(1, from), b:index_select(1, to)
        return ((p[{{}, {1, 2}}] - q):sin() * c:unsqueeze(2)) * p[{{}, {3, 3}}] + q, c * c
      end, {A, B, cj.linspace(1, 2, m)}, 9 * m)
    end
  end)
  it("so many that their rows go past the caches", function()
    local m, width = 1 << 16, 8 -- 4 MiB
    local w = cj.linspace(0, 1, m)
    local F = cj.compile(function(c)
      local s = c:sin()
      local row = {}
      for k = 1, width do row[k] = k % 3 == 0 and c or s * k + c end
      return cj.stack(row, 2), cj.stack({s, c, s * 2, s * 3, s, c, s + 1}, 2)
    end)
    for _ = 1, 2 do
      local a, b = F(w)
      for k = 1, width do
        local want = k % 3 == 0 and w or w:sin() * k + w
        assert.is_true((a[{{}, k}] - want):abs():max():item() < 1e-14)
      end
      same(b[{{}, 7}], w:sin() + 1, 1e-14)
      same(b[{{}, 2}], w, 0)
    end
  end)
  it("with numbers of their own, and some that all share", function()
    check(function(a, c)
      local p = a:index_select(1, ia)
      return (p[{{}, {1, 2}}] * weights - measured) * c:unsqueeze(2), 1 - c * c
    end, {A, C}, n * 4 + n)
  end)
  it("that join two rows of one input", function()
    local from, to = cj.long{1, 2, 3, 4, 5, 5}, cj.long{2, 3, 4, 5, 1, 5} -- the last one to itself
    check(function(a)
      local d = a:index_select(1, from) - a:index_select(1, to) * 2
      return (d * d):sum(2) + d[{{}, 1}]
    end, {A}, 5 * 8 + 4)
  end)
  it("that read parts of one long vector", function()
    check(function(x)
      local a, b = x[{{1, 20}}]:reshape(5, 4), x[{{21, 26}}]:reshape(3, 2)
      return (a:index_select(1, ia)[{{}, {1, 2}}] * b:index_select(1, ib)):exp()
    end, {cj.cat({A:reshape(20), B:reshape(6)}, 1)}, n * 2 * 2)
  end)
  it("that are the rows of the input", function()
    check(function(a) return a:sin():sum(2), (a * a):cumsum(2) end, {A}, 5 * 4 + 5 * 10)
    check(function(c) return c * c end, {C}, n)
    check(function(a) return a end, {A}, 20)
    check(function(a) return a:reshape(5, 2, 2):permute(1, 3, 2):reshape(5, 4) * 3 end, {A}, 20)
  end)
  it("of small matrices", function()
    local M = cj.randn(2, 2)
    check(function(a)
      local m = a:reshape(5, 2, 2)
      return m:matmul(m.mT) + M, cj.cat({m, m * m}, 2)[{{}, {2, 3}}]
    end, {A})
  end)
  it("with branches, masks and comparisons", function()
    check(function(a) return cj.where(a:gt(0), a:abs():sqrt(), a * a):amax(2), a:gt(0):double() * a end, {A})
  end)
  it("some outputs of which depend on nothing", function()
    check(function(a) return cj.ones(3), a * 2, cj.stop_gradient(a) end, {A}, 20)
  end)
  it("in float32", function()
    local f = function(a) return a * a end
    local S = cj.sparse_jacobian(f, A:float())
    assert.equal("float32", S:values().dtype)
    same(S:diagonal():double(), (2 * A:float()):double():reshape(20), 1e-6)
  end)
  it("are differentiable", function()
    local function f(a)
      return cj.sparse_jacobian(function(x) return (x:index_select(1, ia) ^ 3):sum(2) * a:sum() end, a):values()
    end
    assert.is_true(cj.check_grad(f, A))
  end)
  it("with indices that change with every call", function()
    local F = function(i) return function(a) return a:index_select(1, i):sin() end end
    for k = 1, 3 do
      local i = cj.randint(1, 6, {7})
      same(cj.sparse_jacobian(F(i), A):to_dense(), whole(F(i), {A}))
    end
  end)
end)

describe("not records:", function()
  local cases = {
    ["rows that look at others"] = function(a) return a - a:roll(1, 1) end,
    ["rows in another order"] = function(a) return a:flip(1) * a end,
    ["a sum over all"] = function(a) return a * a:sum() end,
    ["sums of columns"] = function(a) return a * a:sum(1) end,
    ["a parameter that all share"] = function(a) return a:exp() * a[1] end,
    ["products of matrices"] = function(a) return a:matmul(a:t()) end,
    ["running sums"] = function(a) return a:cumsum(1) end,
    ["a transpose"] = function(a) return a[{{1, 4}}]:t() * a[{{1, 4}}] end,
    ["rows joined"] = function(a) return cj.cat({a, a}, 1)[{{3, 7}}] * a end,
    ["a flattened one"] = function(a) return a:reshape(20)[{{1, 5}}]:unsqueeze(2) * a end,
    ["indices along a row"] = function(a) return a:gather(2, cj.long{{1, 1, 2, 4}}:expand(5, 4)) * a end,
    ["an index that is computed"] = function(a) return a:index_select(1, a:argmax(2)) * 2 end,
  }
  for name, f in pairs(cases) do
    it(name, function() check(f, {A}) end)
  end
  it("scattered results", function()
    check(function(a) return cj.zeros(5, 4):index_add(1, cj.long{1, 2, 1, 2, 5}, a * a) end, {A})
  end)
  it("long rows", function()
    check(function(a) return a:exp():sum(2) end, {cj.randn(6, 90)}, 540)
  end)
  it("two parameters, one of which is shared", function()
    check(function(a, k) return a:index_select(1, ia) * k[1] + k[2] end, {A, T{2, 3}})
  end)
end)
