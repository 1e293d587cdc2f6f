-- Sparse tensors: their methods, patterns, colourings, sparse Jacobians and Hessians, solving.

local cj = require "cjac"
local expect = require "support.expect"

local same, fails = expect.same, expect.fails
local T = cj.tensor

-- --- matrices ------------------------------------------------------------------------------------------

-- A sparse tensor from a list of {row, column}, with entries that are all different.
local function from_list(list, m, n)
  local row, col = {}, {}
  for k, e in ipairs(list) do row[k], col[k] = e[1], e[2] end
  if #list == 0 then return cj.sparse(cj.long{}, cj.long{}, cj.zeros(0), {m, n}) end
  return cj.sparse(cj.long(row), cj.long(col), cj.arange(#list) + 1.5, {m, n})
end

local function random_list(m, n, count, symmetric)
  local list, seen = {}, {}
  local function add(i, j)
    if seen[i * n + j] then return end
    seen[i * n + j] = true
    list[#list + 1] = {i, j}
  end
  for _ = 1, count do
    local i, j = cj.randint(1, m + 1, {1}):item(), cj.randint(1, n + 1, {1}):item()
    add(i, j)
    if symmetric then add(j, i) end
  end
  return list
end

-- Dense first row, dense first column, diagonal; `blocks` of them.
local function arrow_list(n)
  local list = {{1, 1}}
  for i = 2, n do
    list[#list + 1] = {1, i}
    list[#list + 1] = {i, 1}
    list[#list + 1] = {i, i}
  end
  return list
end

local function band_list(n, width)
  local list = {}
  for i = 1, n do
    for j = math.max(1, i - width), math.min(n, i + width) do list[#list + 1] = {i, j} end
  end
  return list
end

local function grid_list(k) -- five points
  local list = {}
  local function at(i, j) return (i - 1) * k + j end
  for i = 1, k do
    for j = 1, k do
      for _, d in ipairs {{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}} do
        local p, q = i + d[1], j + d[2]
        if p >= 1 and p <= k and q >= 1 and q <= k then list[#list + 1] = {at(i, j), at(p, q)} end
      end
    end
  end
  return list
end

local shapes = {
  {"random 20 x 30", random_list(20, 30, 80), 20, 30},
  {"random 40 x 12", random_list(40, 12, 60), 40, 12},
  {"dense 6 x 5", random_list(6, 5, 400), 6, 5},
  {"random symmetric 25", random_list(25, 25, 60, true), 25, 25},
  {"random symmetric 60", random_list(60, 60, 90, true), 60, 60},
  {"arrow", arrow_list(30), 30, 30},
  {"band", band_list(40, 2), 40, 40},
  {"grid", grid_list(7), 49, 49},
  {"one", {{1, 1}}, 1, 1},
  {"empty rows and columns", {{2, 3}, {2, 5}, {4, 3}}, 6, 7},
  {"no entries", {}, 3, 4},
}

-- --- colourings ---------------------------------------------------------------------------------------------

-- Entry k can be read: from its row by the colour of its column, or from its column by the colour of its row.
local function readable(S, rowcolour, colcolour, mirrored)
  local row, col = S:coo()
  row, col = row:totable(), col:totable()
  local inrow, incol = {}, {}
  local function count(t, i, c)
    if c > 0 then t[i .. ":" .. c] = (t[i .. ":" .. c] or 0) + 1 end
  end
  for k = 1, #row do
    if colcolour then count(inrow, row[k], colcolour[col[k]]) end
    if rowcolour then count(incol, col[k], rowcolour[row[k]]) end
  end
  for k = 1, #row do
    local i, j = row[k], col[k]
    local good = colcolour and inrow[i .. ":" .. colcolour[j]] == 1 or rowcolour and incol[j .. ":" .. rowcolour[i]] == 1 or
                 mirrored and inrow[j .. ":" .. colcolour[i]] == 1
    if not good then return false, ("entry (%d, %d)"):format(i, j) end
  end
  return true
end

local function least_and_most(colour, n)
  for _, c in ipairs(colour) do assert(c >= 0 and c <= n, "a colour out of range") end
end

local function check_coloring(S)
  local col, nc = cj.coloring(S)
  col = col:totable()
  least_and_most(col, nc)
  assert.is_true(readable(S, nil, col))
  local row, nr = cj.coloring(S, {kind = "row"})
  row = row:totable()
  least_and_most(row, nr)
  assert.is_true(readable(S, row, nil))
  local brow, bcol, br, bc = cj.coloring(S, {kind = "bidirectional"})
  brow, bcol = brow:totable(), bcol:totable()
  least_and_most(brow, br)
  least_and_most(bcol, bc)
  assert.is_true(readable(S, brow, bcol))
  assert.is_true(br + bc <= math.min(nc, nr))
  return nc, nr, br + bc
end

local function issymmetric(S)
  if S.shape[1] ~= S.shape[2] then return false end
  local D = S:to_dense():ne(0)
  return D:eq(D:t()):all():item()
end

describe("colourings", function()
  for _, s in ipairs(shapes) do
    it(s[1], function()
      local S = from_list(s[2], s[3], s[4])
      check_coloring(S)
      if not issymmetric(S) then return fails("symmetric", cj.coloring, S, {kind = "star"}) end
      local colour, n = cj.coloring(S, {kind = "star"})
      colour = colour:totable()
      least_and_most(colour, n)
      assert.is_true(readable(S, nil, colour, true))
    end)
  end
  it("of an arrow are few", function()
    local S = from_list(arrow_list(50), 50, 50)
    local nc, nr, both = check_coloring(S)
    assert.are.same({50, 50, 3}, {nc, nr, both})
    local _, n = cj.coloring(S, {kind = "star"})
    assert.equal(2, n)
  end)
  it("of a band are as many as it is wide", function()
    local nc, nr, both = check_coloring(from_list(band_list(60, 2), 60, 60))
    assert.are.same({5, 5, 5}, {nc, nr, both})
    local _, n = cj.coloring(from_list(band_list(60, 1), 60, 60), {kind = "star"})
    assert.is_true(n <= 3)
  end)
  it("drop colours that nothing is read from", function()
    local list = {} -- an arrow without a diagonal: all is in the hub's column
    for i = 2, 9 do
      list[#list + 1] = {1, i}
      list[#list + 1] = {i, 1}
    end
    local colour, n = cj.coloring(from_list(list, 9, 9), {kind = "star"})
    assert.equal(1, n)
    same(colour, cj.long{1, 0, 0, 0, 0, 0, 0, 0, 0})
  end)
  it("are of the random kind, many times", function()
    cj.manual_seed(7)
    for r = 1, 60 do
      local m, n = r % 9 + 1, r % 13 + 1
      check_coloring(from_list(random_list(m, n, r), m, n))
      local S = from_list(random_list(m + 6, m + 6, r // 2 + 1, true), m + 6, m + 6)
      local colour = cj.coloring(S, {kind = "star"})
      assert.is_true(readable(S, nil, colour:totable(), true))
    end
  end)
  it("of mistakes", function()
    local S = from_list({{1, 2}}, 2, 2)
    fails({"cj.coloring", "pattern", "sparse tensor"}, cj.coloring, cj.ones(2))
    fails({"kind", "bidirectional"}, cj.coloring, S, {kind = "acyclic"})
    fails("'king'", cj.coloring, S, {king = "row"})
    fails("options", cj.coloring, S, "row")
  end)
end)

-- --- methods --------------------------------------------------------------------------------------------------------

describe("sparse tensors", function()
  for _, s in ipairs(shapes) do
    it(s[1], function()
      local S = from_list(s[2], s[3], s[4])
      local D, m, n = S:to_dense(), s[3], s[4]
      local v, w, B = cj.randn(n), cj.randn(m), cj.randn(n, 3)
      assert.are.same({m, n}, S.shape)
      assert.equal(#s[2], S:nnz())
      same(S:mv(v), D:matmul(v))
      same(S:tmv(w), D:t():matmul(w))
      same(S:mm(B), D:matmul(B))
      same(S:t():to_dense(), D:t())
      same(S:t():t():to_dense(), D)
      same(S:diagonal(), D:diagonal())
      same((-S):to_dense(), -D)
      same((2 * S + S / 4 - S * T(0.5)):to_dense(), 1.75 * D)
      local row, col, values = S:coo()
      if #s[2] > 0 then
        same(cj.sparse(row:flip(1), col:flip(1), values:flip(1), {m, n}):to_dense(), D)
        same((S + cj.sparse(cj.long{m, m}, cj.long{n, n}, T{1, 2}, {m, n})):to_dense(),
          D + cj.zeros(m, n):index_put({cj.long{m}, cj.long{n}}, T{3}))
      end
      local start, ccol, cvalues = S:csr()
      same({ccol, cvalues}, {col, values})
      same(start[1], cj.long{1}[1])
      same(start[m + 1], cj.long{S:nnz() + 1}[1])
      assert.equal(("sparse float64[%d, %d] with %d entries"):format(m, n, #s[2]), tostring(S))
    end)
  end
  it("hand out places that are one's own", function()
    local S = from_list(arrow_list(4), 4, 4)
    local D = S:to_dense()
    local row, col = S:coo()
    row:fill_(1)
    col:fill_(1)
    local start = S:csr()
    start:fill_(7)
    same(S:to_dense(), D)
    same((S:csr()), cj.long{1, 5, 7, 9, 11})
  end)
  it("of float32", function()
    local S = cj.sparse_jacobian(function(x) return x * x end, cj.float{1, 2})
    assert.equal("float32", S:to_dense().dtype)
    same(S:solve(cj.float{2, 8}), cj.float{1, 2})
    assert.equal("float64", S:solve(T{2, 8}).dtype)
  end)
  it("complain", function()
    local S = from_list({{1, 2}, {2, 3}}, 2, 3)
    fails({"S:mv", "(v)", "[3]", "[2]"}, S.mv, S, cj.ones(2))
    fails({"S:tmv", "[2]", "number"}, S.tmv, S, 3)
    fails({"S:mm", "[3, k]"}, S.mm, S, cj.ones(3))
    fails({"S:nnz", "sparse tensor"}, S.nnz, {})
    fails("S + S", function() return S + 1 end)
    fails({"S + S", "[2, 3]", "[3, 2]"}, function() return S + S:t() end)
    fails("S * c", function() return S * cj.ones(3) end)
    fails("c / S", function() return 1 / S end)
    fails({"cj.sparse", "row 2", "column 4"}, cj.sparse, cj.long{1, 2}, cj.long{1, 4}, T{1, 2}, {2, 3})
    fails({"cj.sparse", "int64"}, cj.sparse, T{1, 2}, cj.long{1, 4}, T{1, 2}, {2, 3})
    fails({"cj.sparse", "values"}, cj.sparse, cj.long{1, 2}, cj.long{1, 2}, T{1}, {2, 3})
    fails({"cj.sparse", "shape"}, cj.sparse, cj.long{1, 2}, cj.long{1, 2}, T{1, 2}, 3)
    fails({"cj.sparse", "rows"}, cj.sparse, cj.long{1, 2}, cj.long{1}, T{1, 2}, {2, 3})
  end)
  it("differentiate", function()
    local S = from_list(grid_list(3), 9, 9)
    local function f(c)
      local A = cj.sparse_jacobian(function(x) return S:mv(x * x * c) end, cj.linspace(1, 2, 9))
      return (A * 2):mv(c) + A:t():tmv(c)
    end
    assert.is_true(cj.check_grad(f, cj.linspace(-1, 1, 9)))
  end)
end)

-- --- patterns ------------------------------------------------------------------------------------------------------------

describe("cj.sparsity", function()
  it("of one input and output", function()
    local S = cj.sparsity(function(x) return x[{{1, 3}}] * x[{{2, 4}}] end, cj.ones(4))
    assert.equal("bool", S:values().dtype)
    same(S:to_dense(), cj.bool{{true, true, false, false}, {false, true, true, false}, {false, false, true, true}})
  end)
  it("of several, laid end to end", function()
    local S = cj.sparsity(function(x, y) return x:sum() * y, x end, {cj.ones(2), cj.ones(2)})
    local t, o = true, false
    same(S:to_dense(), cj.bool{{t, t, t, o}, {t, t, o, t}, {t, o, o, o}, {o, t, o, o}})
  end)
  it("in a trace", function()
    local d = cj.jacobian(function(x)
      local S = cj.sparsity(function(z) return z * x end, x)
      return x * S:nnz()
    end, cj.ones(3))
    same(d, cj.eye(3) * 3)
  end)
  it("complains as the others do", function()
    fails({"cj.sparsity", "f"}, cj.sparsity, 3, cj.ones(2))
    fails({"cj.sparsity", "inputs"}, cj.sparsity, function(x) return x end, 2)
    fails("mine", cj.sparsity, function() error "mine" end, cj.ones(2))
  end)
end)

-- --- Jacobians, Hessians ------------------------------------------------------------------------------------------------------

describe("sparse Jacobians", function()
  -- f with the pattern of S, and nonlinear.
  local function with_pattern(S)
    local row, col, values = S:coo()
    return function(x)
      local z = x:index_select(1, col)
      return cj.zeros(S.shape[1]):index_add(1, row, (values * z):sin() * z)
    end
  end
  for _, s in ipairs(shapes) do
    it(s[1], function()
      local S = from_list(s[2], s[3], s[4])
      if S:nnz() == 0 then return end
      local f, x = with_pattern(S), cj.linspace(-1, 1, s[4])
      local want, F = cj.jacobian(f, x), cj.compile(f):sparse_jacobian()
      local J = cj.sparse_jacobian(f, x)
      assert.equal(S:nnz(), J:nnz())
      same(J:to_dense(), want)
      same(F(x):to_dense(), want)
      same(F(x, {out = F(x * 2)}):to_dense(), want)
    end)
    it(s[1] .. ", a Hessian", function()
      if s[3] ~= s[4] then return end
      local S = from_list(s[2], s[3], s[4])
      local row, col = S:coo()
      local function f(x)
        return S:nnz() == 0 and x:sum() or (x:index_select(1, row) * x:index_select(1, col)):sin():sum()
      end
      local x = cj.linspace(-1, 1, s[4])
      same(cj.sparse_hessian(f, x):to_dense(), cj.hessian(f, x))
    end)
  end
  it("of an arrow take three sweeps", function()
    local n = 40
    local function f(x)
      local long = (x * x):cumsum(1)[n]:exp():reshape(1)
      return cj.cat({long, x[{{2, n}}]:sin() * x[{{1, 1}}]}, 1)
    end
    local x = cj.linspace(0, 0.2, n)
    same(cj.sparse_jacobian(f, x):to_dense(), cj.jacobian(f, x))
  end)
  it("of several inputs and outputs", function()
    local x, y = cj.linspace(1, 2, 5), cj.linspace(2, 3, 5)
    local function f(a, b) return a * b, (a * b):sum(), b[{{2, 5}}] end
    local J, want = cj.sparse_jacobian(f, {x, y}):to_dense(), cj.jacobian(f, {x, y})
    local rows = {}
    for i, n in ipairs {5, 1, 4} do rows[i] = cj.cat({want[i][1]:reshape(n, 5), want[i][2]:reshape(n, 5)}, 2) end
    same(J, cj.cat(rows, 1))
  end)
  it("second derivatives of a sum over edges", function()
    local from, to = cj.long{1, 2, 3, 4, 1}, cj.long{2, 3, 4, 5, 5}
    local function f(p) -- springs between points of the plane
      local d = p:index_select(1, from) - p:index_select(1, to)
      return (((d * d):sum(2):sqrt() - 1) ^ 2):sum()
    end
    local p = T{{0, 0}, {1, 0.2}, {2, -0.1}, {3, 0.4}, {1.5, 2}}
    same(cj.sparse_hessian(f, p):to_dense(), cj.hessian(f, p):reshape(10, 10), 1e-11)
  end)
end)

-- --- solving -----------------------------------------------------------------------------------------------------------------------

local has = pcall(function() return from_list({{1, 1}}, 1, 1):solve(T{1}) end)

describe("S:solve", function()
  it("needs SuiteSparse", function()
    if not has then fails({"S:solve", "SuiteSparse"}, function() return from_list({{1, 1}}, 1, 1):solve(T{1}) end) end
  end)
  if not has then return end
  for _, s in ipairs(shapes) do
    it(s[1], function()
      local n = s[4]
      if s[3] ~= n then return end
      local S = from_list(s[2], n, n)
      S = S * 0.01 + cj.sparse(cj.arange(1, n + 1, {dtype = "int64"}), cj.arange(1, n + 1, {dtype = "int64"}),
        cj.ones(n) * 5, {n, n})
      local D, b, B = S:to_dense(), cj.randn(n), cj.randn(n, 4)
      same(S:solve(b), cj.linalg.solve(D, b), 1e-10)
      same(S:solve(B), cj.linalg.solve(D, B), 1e-10)
      same(S:t():solve(b), cj.linalg.solve(D:t(), b), 1e-10)
      local P = S + S:t() -- symmetric; with a large diagonal, positive definite
      same(P:solve(b), cj.linalg.solve(P:to_dense(), b), 1e-10)
      local I = -P
      same(I:solve(b), cj.linalg.solve(I:to_dense(), b), 1e-10)
    end)
  end
  it("with other entries at the same places", function()
    local S = from_list(grid_list(5), 25, 25)
    local _, _, values = S:coo()
    for k = 1, 6 do
      local row, col = S:coo()
      local A = S * 0 + cj.sparse(row, col, (values * k):sin() + row:eq(col):double() * 9, {25, 25})
      local b = cj.randn(25, 2)
      same(A:to_dense():matmul(A:solve(b)), b, 1e-11)
    end
  end)
  it("is exact for Newton's method", function()
    local n = 50
    local function f(u)
      local p = cj.pad(u, {1, 1})
      return p[{{3, n + 2}}] - 2 * u + p[{{1, n}}] - 0.01 * u:exp()
    end
    local u = cj.zeros(n)
    for _ = 1, 8 do u = u - cj.sparse_jacobian(f, u):solve(f(u)) end
    assert.is_true(f(u):abs():max():item() < 1e-14)
  end)
  it("of nothing", function()
    same(cj.sparse(cj.long{}, cj.long{}, cj.zeros(0), {0, 0}):solve(cj.zeros(0)), cj.zeros(0))
  end)
  it("complains", function()
    local S = from_list({{1, 1}, {2, 2}, {3, 3}, {1, 3}}, 3, 3)
    fails({"S:solve", "square", "[2, 3]"}, function() return from_list({{1, 2}}, 2, 3):solve(cj.ones(2)) end)
    fails({"S:solve", "(b)", "[3] or [3, k]", "[2]"}, S.solve, S, cj.ones(2))
    fails("singular", function() return from_list({{1, 1}, {2, 1}}, 2, 2):solve(cj.ones(2)) end)
    local row, col = S:coo()
    fails("singular", function() return cj.sparse(row, col, T{1, 2, 0, 3}, {3, 3}):solve(cj.ones(3)) end)
    local D = cj.sparse(cj.long{1, 1, 2, 2}, cj.long{1, 2, 1, 2}, T{1, 2, 2, 4}, {2, 2})
    fails("singular", D.solve, D, cj.ones(2))
    fails("NaN", function() return (S * (0 / 0)):solve(cj.ones(3)) end)
    same(S:solve(T{1, 1, 1}):size(1), 3)
    fails({"traced", "cj.linalg.solve"}, cj.jacobian, function(x) return S:solve(x) end, cj.ones(3))
    fails({"traced", "cj.linalg.solve"}, cj.jacobian, function(x) return (S * x[1]):solve(cj.ones(3)) end, cj.ones(3))
  end)
end)
