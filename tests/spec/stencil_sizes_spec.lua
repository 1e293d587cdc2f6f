-- Sparse Jacobians of many stencils: borders, steps, axes, sizes about those of vectors and blocks; against formulas
-- written down here and against dense reverse passes, which know nothing of diagonals.

local cj = require "cjac"
local cases = require "support.cases"
local expect = require "support.expect"
local generator = require "support.generator"

local same, fails = expect.same, expect.fails
local PROGRAMS <const> = tonumber(os.getenv "CJAC_STENCIL_PROGRAMS") or 300

-- --- checks ----------------------------------------------------------------------------------------------

-- Largest difference in proportion to what is large; 0 for nothing.
local function difference(a, b)
  if a:numel() == 0 then return 0 end
  return ((a - b):abs() / (b:abs() + 1)):max():item()
end

-- Where the entries are: ascending, each once, and the same by row pointers.
local function in_order(S)
  local row, col = S:coo()
  local start = S:csr():totable()
  row, col = row:totable(), col:totable()
  for k = 2, #row do
    if row[k] < row[k - 1] or (row[k] == row[k - 1] and col[k] <= col[k - 1]) then return false end
  end
  for i = 1, S.shape[1] do
    for k = start[i], start[i + 1] - 1 do
      if row[k] ~= i then return false end
    end
  end
  return #row == S:nnz() and start[S.shape[1] + 1] == #row + 1
end

-- The sparse Jacobian of f at u, one-shot twice and compiled twice, against a dense one; its shape and its products.
local function check(case, what, f, u)
  local function in_line(v) -- all results end to end
    local y = table.pack(f(v))
    for i = 1, y.n do y[i] = y[i]:reshape(-1) end
    return cj.cat(y, 1)
  end
  local m, n = in_line(u):numel(), u:numel()
  local dense = cj.jacobian(in_line, u, {strategy = "reverse-mode"}):reshape(m, n)
  local F, values = cj.compile(f):sparse_jacobian(), nil
  local tolerance = u.dtype == "float32" and 1e-5 or 1e-12
  for k = 1, 4 do
    local S = k <= 2 and cj.sparse_jacobian(f, u) or F(u)
    case(S.shape[1] == m and S.shape[2] == n and in_order(S), "%s, call %d: order of entries", what, k)
    local d = difference(S:to_dense(), dense)
    case(d <= tolerance, "%s, call %d: wrong by %g", what, k, d)
    if k % 2 == 0 then case(S:values():eq(values):all():item(), "%s, call %d: other bits", what, k) end
    values = S:values()
    if n > 0 and m > 0 then
      local v = cj.linspace(-1, 2, n, {dtype = u.dtype})
      d = difference(S:mv(v), dense:matmul(v))
      case(d <= 10 * tolerance, "%s, call %d: product wrong by %g", what, k, d)
    end
  end
end

-- --- random stencils ---------------------------------------------------------------------------------------

local FUNCTIONS = {function(a) return a end, cj.sin, cj.exp, cj.tanh, cj.square}
local LENGTHS = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33}

-- What lies d[a] further along each axis a of a padded tensor, every s[a]-th.
local function shifted(p, d, s, size)
  for a = 1, #d do p = p:slice(a, 1 + d[a], d[a] + size[a], s[a]) end
  return p
end

local function stencil(seed)
  local r = generator(seed * 6007)
  local rank = r(3) == 1 and 2 or 1
  local size, border, step, pads = {}, {}, {}, {}
  for a = 1, rank do
    size[a] = rank == 2 and LENGTHS[r(9)] or LENGTHS[r(#LENGTHS)]
    border[a] = {r(4) - 1, r(4) - 1}
    step[a] = r(4) == 1 and math.min(r(3), size[a]) or 1
  end
  for a = rank, 1, -1 do table.move(border[a], 1, 2, #pads + 1, pads) end
  local terms, last = r(4), r(1 << 30)
  local function f(u)
    local q = generator(last)
    local p, sum = cj.pad(u, pads, q(5) == 1 and 0.5 or 0), nil
    local function neighbour()
      local d = {}
      for a = 1, rank do d[a] = q(border[a][1] + border[a][2] + 1) - 1 end
      return FUNCTIONS[q(#FUNCTIONS)](shifted(p, d, step, size))
    end
    for _ = 1, terms do
      local t = neighbour() * (q(9) / 4 - 1.1)
      if q(2) == 1 then t = t * neighbour() end
      sum = sum and sum + t or t
    end
    return sum
  end
  local count = 1
  for a = 1, rank do count = count * size[a] end
  local u = cj.linspace(-1, 1.3, count, {dtype = seed % 5 == 0 and "float32" or "float64"}):reshape(size)
  return f, u
end

describe("stencils", function()
  it("of every kind give what dense reverse passes give", cases(function(case)
    for seed = 1, PROGRAMS do
      local f, u = stencil(seed)
      check(case, "stencil " .. seed, f, u)
    end
  end))
end)

-- --- Burgers' equation ----------------------------------------------------------------------------------------

local function burgers(u)
  local p = cj.pad(u, {1, 1})
  local left, right = p[{{1, -3}}], p[{{3, -1}}]
  return u * (right - left) * 0.5 - 0.1 * (right - 2 * u + left)
end

-- Its nonzeros in order, and the columns they are in.
local function burgers_by_hand(u)
  local list, col, n = {}, {}, #u
  local function entry(j, v)
    if j >= 1 and j <= n then
      list[#list + 1], col[#col + 1] = v, j
    end
  end
  for i = 1, n do
    entry(i - 1, -0.5 * u[i] - 0.1)
    entry(i, 0.5 * ((u[i + 1] or 0) - (u[i - 1] or 0)) + 0.2)
    entry(i + 1, 0.5 * u[i] - 0.1)
  end
  return cj.tensor(list), cj.tensor(col, {dtype = "int64"})
end

describe("Burgers' equation", function()
  it("with as many points as end anywhere in a vector, a block or a cache", cases(function(case)
    local sizes = {100, 511, 512, 513, 1030, 4097, 16383, 16384, 16391, 40000}
    for n = 1, 70 do sizes[#sizes + 1] = n end
    for _, n in ipairs(sizes) do
      local u = n == 1 and cj.tensor{0.75} or cj.linspace(-1, 1.5, n)
      local want, col = burgers_by_hand(u:totable())
      local F = cj.compile(burgers):sparse_jacobian()
      for k = 1, 4 do
        local S = k <= 2 and cj.sparse_jacobian(burgers, u) or F(u)
        local d = S:nnz() == want:numel() and difference(S:values(), want) or 1
        case(d < 1e-13, "%d points, call %d: %d entries, wrong by %g", n, k, S:nnz(), d)
        local _, there = S:coo()
        case(there:eq(col):all():item(), "%d points, call %d: columns", n, k)
      end
    end
  end))
  it("is recorded, written into and called with other numbers", function()
    local F = cj.compile(burgers):sparse_jacobian()
    for _, u in ipairs {cj.linspace(0, 1, 20), cj.linspace(5, -3, 20), cj.linspace(0, 1, 40)[{{1, -1, 2}}]} do
      same(F(u):values(), (burgers_by_hand(u:totable())), 1e-13)
    end
    assert.is_true(cj.check_grad(function(u) return cj.sparse_jacobian(burgers, u):values() end, cj.linspace(0, 1, 9)))
  end)
  it("without points has no entries", function()
    local function f(u) return u * u end
    for _ = 1, 2 do
      local S = cj.sparse_jacobian(f, cj.zeros(0))
      assert.are.same({0, 0, 0}, {S:nnz(), S.shape[1], S.shape[2]})
    end
  end)
end)

-- --- more axes ----------------------------------------------------------------------------------------------------

local function heat(u) -- five points, and a term that is not linear
  local p = cj.pad(u, {1, 1, 1, 1})
  local a, b = u.shape[1], u.shape[2]
  local function at(i, j) return p[{{1 + i, a + i}, {1 + j, b + j}}] end
  return at(0, 1) + at(2, 1) + at(1, 0) + at(1, 2) - 4 * u + u * u * 0.3
end

local function heat_by_hand(u, a, b)
  local J = {}
  for i = 1, a do
    for j = 1, b do
      local row = {}
      for k = 1, a * b do row[k] = 0 end
      for _, d in ipairs {{0, 1}, {0, -1}, {1, 0}, {-1, 0}} do
        local p, q = i + d[1], j + d[2]
        if p >= 1 and p <= a and q >= 1 and q <= b then row[(p - 1) * b + q] = 1 end
      end
      row[(i - 1) * b + j] = 0.6 * u[i][j] - 4
      J[#J + 1] = row
    end
  end
  return cj.tensor(J)
end

describe("stencils of two axes", function()
  it("five points, in every size", cases(function(case)
    for _, a in ipairs {1, 2, 3, 5, 8, 9} do
      for _, b in ipairs {1, 2, 3, 4, 7, 8, 9, 17} do
        local u = cj.randn(a, b)
        local want, F = heat_by_hand(u:totable(), a, b), cj.compile(heat):sparse_jacobian()
        local entries = 5 * a * b - 2 * a - 2 * b
        for k = 1, 4 do
          local S = k <= 2 and cj.sparse_jacobian(heat, u) or F(u)
          local good = difference(S:to_dense(), want) < 1e-13 and S:nnz() == entries
          case(good, "%d x %d, call %d: %d entries", a, b, k, S:nnz())
        end
      end
    end
  end))
  local more = {
    ["nine points"] = function(u)
      local p, y = cj.pad(u, {1, 1, 1, 1}), 0
      for i = 1, 3 do
        for j = 1, 3 do y = y + p[{{i, i + 5}, {j, j + 6}}] * (i + 2 * j) end
      end
      return y * u
    end,
    ["a border on one side"] = function(u) return (cj.pad(u, {2, 0})[{{}, {1, 7}}] - u):sin() end,
    ["going round"] = function(u) return u:roll(1, 2) - 2 * u + u:roll(-1, 2) + u:roll(1, 1) * u end,
    ["every other row"] = function(u) return u[{{1, -1, 2}}] * u[{{2, -1, 2}}] end,
    ["every third column"] = function(u) return u[{{}, {1, -1, 3}}]:exp() end,
    ["between points"] = function(u)
      return (u[{{2, -1}}] - u[{{1, -2}}]) ^ 2, (u[{{}, {2, -1}}] + u[{{}, {1, -2}}]) / 2
    end,
    ["a border that is no zero"] = function(u) return cj.pad(u, {1, 1, 1, 1}, 2)[{{2, 7}, {1, 7}}] * u end,
    ["turned"] = function(u) return (u.T * 2)[{{2, 7}, {}}]:sin() end,
    ["upside down"] = function(u) return u:flip(1) * u end,
    ["sums of pairs"] = function(u) return u:reshape(3, 2, 7):sum(2):exp() end,
  }
  for name, f in pairs(more) do
    it(name, cases(function(case)
      check(case, name, f, cj.linspace(-1, 1, 42):reshape(6, 7))
    end))
  end
  it("borders in which a point is seen twice", cases(function(case)
    for _, mode in ipairs {"reflect", "replicate", "circular"} do
      for _, n in ipairs {2, 3, 4, 9, 17, 40} do
        check(case, mode .. ", " .. n, function(u)
          local p = cj.pad(u, {1, 1}, 0, mode)
          local left, right = p[{{1, n}}], p[{{3, n + 2}}]
          return u * (right - left) + 0.1 * (right - 3 * u + left), left * u + right:sin() * left
        end, cj.linspace(-1, 2, n))
        check(case, mode .. " at one end, " .. n, function(u)
          return cj.pad(u, {0, 1}, 0, mode)[{{2, n + 1}}]:sin() * u
        end, cj.linspace(-1, 2, n))
      end
    end
  end))
  it("a stencil wider than what it is laid on", cases(function(case)
    for n = 1, 5 do
      check(case, n .. " points", function(u)
        local p, y = cj.pad(u, {4, 4}), 0
        for d = 1, 9 do y = y + p[{{d, d + n - 1}}] * d end
        return y * u
      end, cj.linspace(1, 2, n))
    end
  end))
end)

-- --- neighbours by index --------------------------------------------------------------------------------------------

describe("neighbours by index", function()
  it("of a mesh, in any order and more than once", cases(function(case)
    for n = 1, 40 do
      local r, from, to = generator(n), {}, {}
      for k = 1, n do from[k], to[k] = r(7), r(7) end
      local a, b = cj.long(from), cj.long(to)
      check(case, n .. " edges", function(u) return (u[a] - u[b]):sin() * u[b] + u[a] end, cj.linspace(-1, 1, 7))
    end
  end))
  it("out of range stay errors, call after call", function()
    for _, wrong in ipairs {0, 8, -9} do
      local i = cj.long{1, 2, 3, 4, wrong, 5}
      local function f(u) return u:index_select(1, i) * 2 end
      local function g(u) return u:reshape(7, 1):index_select(1, i):sin() end
      local function late(u, k) return u:index_select(1, k) * 2 end
      local u, good = cj.linspace(0, 1, 7), cj.long{1, 2, 3, 4, 5, 6}
      for _, h in ipairs {f, g} do
        for _ = 1, 3 do fails("range", cj.sparse_jacobian, h, u) end
        fails("range", function() return cj.compile(h):sparse_jacobian()(u) end)
        fails("range", function() return cj.compile(h)(u) end)
      end
      local F = cj.compile(late)
      same(F(u, good), late(u, good))
      for _ = 1, 3 do fails("range", F, u, i) end
      same(F(u, good), late(u, good))
    end
  end)
end)
