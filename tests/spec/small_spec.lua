-- Small tensors in compiled functions: they are taken apart into numbers (runtime/exec/unroll.h), additions and
-- multiplications are fused.  What comes out is what the function gives, and interpreter and machine code agree to
-- the bit.

local cj = require "cjac"
local cases = require "support.cases"
local programs = require "fuzz.programs"

local PROGRAMS <const> = tonumber(os.getenv "CJAC_SMALL_PROGRAMS") or 10000

local function flatten(v, into)
  if type(v) == "table" then
    for _, e in ipairs(v) do flatten(e, into) end
    return into
  end
  for e in v:flatten():to("float64"):iter() do into[#into + 1] = e end
  return into
end

local function same(a, b) return a == b and (a ~= 0 or 1 / a == 1 / b) or (a ~= a and b ~= b) end
local function close(a, b, tol) return same(a, b) or math.abs(a - b) <= tol * (1 + math.abs(a)) end

-- f compiled and run at x, without machine code.
local function interpreted(f, x)
  local before = cj.config().native
  cj.config {native = false}
  local ok, y = pcall(function() return table.pack(cj.compile(f)(table.unpack(x))) end)
  cj.config {native = before}
  if not ok then error(y, 0) end
  return y
end

local function check(case, what, f, x, tol)
  local F = cj.compile(f)
  local y = flatten(table.pack(F(table.unpack(x))), {})
  local want, slow = flatten(table.pack(f(table.unpack(x))), {}), flatten(interpreted(f, x), {})
  local far, differs
  for i = 1, math.max(#y, #want, #slow) do
    if not (y[i] and want[i] and close(want[i], y[i], tol)) then far = far or i end
    if not same(y[i], slow[i]) then differs = differs or i end
  end
  case(not far, "%s: element %s: %s instead of %s", what, far, tostring(y[far]), tostring(want[far]))
  case(not differs, "%s: element %s: interpreted %s, compiled %s", what, differs, tostring(slow[differs]),
    tostring(y[differs]))
  return F
end

local x = cj.tensor {0.1, -0.2, 0.3, 0.4}
local A = cj.tensor {{4, 1, 0.5, 0.2}, {1, 5, 0.3, 0.1}, {0.5, 0.3, 6, 0.2}, {0.2, 0.1, 0.2, 3}}
local B = cj.tensor {{0, 1, 0.5, 0.2}, {2, 0, 0.3, 0.1}, {0.5, 0.3, 0, 2}, {0.2, 0.1, 3, 0}} -- rows are exchanged
local function spd(a) return A:to(a.dtype) + a:outer(a) end
local function any(a) return B:to(a.dtype) + a:outer(a) end
local function two(a) return cj.stack({a, a + 1}, 2) end
local places = cj.tensor({4, 1, 1}, {dtype = "int64"})

local functions = {
  ["elements"] = function(a) return a[1] * a[2]:sin() + a[3] / a[4] - a[1] end,
  ["assignment"] = function(a) a[2] = a[3] * a[1]; a[{{3, 4}}] = a[{{1, 2}}] * 2; return a end,
  ["views"] = function(a) return a:flip(1):reshape(2, 2):t() + a:outer(a):diagonal()[{{2, 3}}] end,
  ["pieces"] = function(a) return cj.cat {a, a[{{2, 3}}], a * a[1]}:reshape(2, 5):sum(1) end,
  ["borders"] = function(a) return cj.pad(a, {1, 2}):unfold(1, 3, 2) * 2 end,
  ["products"] = function(a) return A:to(a.dtype):matmul(a):dot(a) + any(a):matmul(two(a)):sum() end,
  ["stacks of products"] = function(a) return two(a):reshape(2, 2, 2):matmul(a:reshape(2, 2)) end,
  ["reductions"] = function(a) return cj.stack {a:sum(), a:prod(), a:max(), a:min(), a:norm(), a:mean(), a:var()} end,
  ["reduced axes"] = function(a) return a:outer(a):sum(1) + a:outer(a):max(2) + two(a):prod(2) end,
  ["scans"] = function(a) return a:cumsum(1) + (a + 2):cumprod(1) + a:outer(a):cumsum(1):sum(2) end,
  ["softmax"] = function(a) return a:softmax(1) + a:logsumexp(1) end,
  ["indices"] = function(a) return a:gather(1, places) + cj.zeros_like(a):scatter_add(1, places, a[{{1, 3}}] * 3)[1] end,
  ["index_add"] = function(a) return a:index_add(1, places, a[{{2, 4}}]) end,
  ["masks"] = function(a) return cj.where(a:gt(0.15), a:exp(), -a) + cj.tril(any(a)):sum(2) + cj.diag(a):matmul(a) end,
  ["mixed dtypes"] = function(a) return a:gt(0):to(a.dtype) * 3 + a:gt(0):sum():to(a.dtype) end,
  ["cholesky"] = function(a) return cj.linalg.cholesky(spd(a)) end,
  ["cholesky_solve"] = function(a) return cj.linalg.cholesky_solve(two(a), cj.linalg.cholesky(spd(a))) end,
  ["cholesky_solve, one side"] = function(a) return cj.linalg.cholesky_solve(a:unsqueeze(2), cj.linalg.cholesky(spd(a))) end,
  ["cholesky_solve, halves"] = function(a)
    local l, b = cj.linalg.cholesky(spd(a)), a:unsqueeze(2)
    return cj.linalg.cholesky_solve(b, l) + cj.linalg.solve_triangular(l, b, {upper = false}) + l:matmul(b)
  end,
  ["triangles"] = function(a)
    local m, y = spd(a), two(a)
    return y + cj.linalg.solve_triangular(m, y, {upper = true}) + cj.linalg.solve_triangular(m, y, {upper = false})
      + cj.linalg.solve_triangular(m:t(), y, {upper = true, unitriangular = true})
  end,
  ["solve"] = function(a) return cj.linalg.solve(any(a), two(a)) end,
  ["solve transposed"] = function(a) return cj.linalg.solve(any(a):t(), a) end,
  ["inverses in a stack"] = function(a) return cj.linalg.inv(cj.stack {spd(a), any(a)}) end,
  ["determinant"] = function(a) return cj.linalg.det(any(a)) end,
}

local names = {}
for name in pairs(functions) do names[#names + 1] = name end
table.sort(names)

describe("small tensors in compiled functions", function()
  it("give what the function gives", cases(function(case)
    for _, name in ipairs(names) do
      check(case, name, functions[name], {x}, 1e-13)
      check(case, name .. ", float32", functions[name], {x:to "float32"}, 2e-5)
    end
  end))

  it("so do their derivatives", cases(function(case)
    for _, name in ipairs(names) do
      local f = functions[name]
      for _, strategy in ipairs {"auto", "forward-mode", "reverse-mode"} do
        check(case, name .. ", " .. strategy, function(a) return cj.jacobian(f, a, {strategy = strategy}) end, {x}, 1e-12)
      end
      check(case, name .. ", hessian", function(a) return cj.hessian(function(b) return f(b):square():sum() end, a) end,
        {x}, 1e-11)
    end
  end))

  it("are one step", cases(function(case)
    local several = {determinant = 2, ["reduced axes"] = 4} -- rows that stay: detprim, argmax and its gather
    for _, name in ipairs(names) do
      local F = cj.compile(functions[name])
      F(x)
      local n = F:stats().steps
      case(n == (several[name] or 1), "%s: %d steps", name, n)
    end
  end))

  -- c (d y - a x) - s (a y + d x) where c y - s x and c x + s y are there as well: all signs and orders.
  it("are multiplied in the order that needs less", cases(function(case)
    local saved, q = 0, cj.tensor {0.3, -1.7, 0.6, 1.1, -0.4, 2.3}
    local function products(F)
      local n = 0
      for count, op in F:explain():gmatch "= (%d+) %* (%a+)" do
        if op == "mul" or op:find("^fn?m") then n = n + tonumber(count) end
      end
      return n
    end
    for bits = 0, 511 do
      local function sign(k, v) if bits >> k & 1 == 1 then return -v end return v end
      local function f(v)
        local c, s, a, d, x, y = v[1], v[2], v[3], v[4], v[5], v[6]
        local one, two = c * y + sign(0, s * x), sign(1, x * c) + sign(2, s) * y
        local u, w = sign(3, d) * y + sign(4, a * x), y * a - sign(5, x * d)
        return cj.stack {one, two, sign(6, u * c) + sign(7, sign(8, s) * w)}
      end
      local F = cj.compile(f)
      local y, want = F(q), f(q)
      case((y - want):abs():max():item() < 1e-14, "signs %d: %s instead of %s", bits, tostring(y), tostring(want))
      if products(F) <= 6 then saved = saved + 1 end
    end
    case(saved == 128, "%d of 512 were regrouped", saved)
  end))

  it("cost nothing where their pieces are only put together", function()
    local function f(q)
      local y = q[1]
      for i = 2, 12 do y = y * q[i] + q[i] end
      return y
    end
    local q = cj.linspace(0.5, 1.5, 12)
    local F = cj.compile(function(a) return cj.jacobian(f, a) end)
    assert.is_true((F(q) - cj.jacobian(f, q)):abs():max():item() < 1e-12)
    assert.equal(1, F:stats().steps)
    assert.is_nil(F:explain():find("embed", 1, true))
  end)

  it("are left alone where they are large", function()
    local F = cj.compile(function(a) return (a * a):sin() + a:outer(a):sum(1) end)
    F(cj.linspace(0, 1, 40))
    assert.is_true(F:stats().steps > 1)
    assert.is_truthy(F:explain():find("group of 40", 1, true))
    local G = cj.compile(function(a) return cj.linalg.cholesky(a) end)
    G(cj.eye(13))
    assert.is_truthy(G:explain():find("cholesky", 1, true))
  end)

  it("are read where they are, through any view of something large", function()
    local m = cj.linspace(-1, 1, 1200):reshape(40, 30)
    local function f(a) return a:t()[{{3, 5}, {7, 9}}]:matmul(a[{{1, 3}, 2}]):sin() end
    local F = cj.compile(f)
    assert.is_true((F(m) - f(m)):abs():max():item() < 1e-14)
    assert.equal(1, F:stats().steps)
    assert.is_nil(F:explain():find("copy", 1, true))
  end)

  it("call a function once for all that can wait for each other", function()
    local function f(q)
      local y = {}
      for i = 1, 6 do
        y[i] = q[i] + 0.1 * i
        for _ = 1, i % 3 do y[i] = y[i] * y[i] - q[1] end
        y[i] = y[i]:sin()
      end
      return cj.stack(y)
    end
    local q = cj.linspace(-0.5, 1, 6)
    local F = cj.compile(f)
    assert.is_true((F(q) - f(q)):abs():max():item() < 1e-14)
    assert.is_truthy(F:explain():find(" = 6 * sin ", 1, true))
  end)

  it("random programs", cases(function(case)
    for seed = 1, PROGRAMS do
      local p = programs.new(seed, "any")
      check(case, "program " .. seed, p.f, p.inputs, 1e-9)
    end
  end))
end)

local function refused(f, ...)
  local F = cj.compile(f)
  local ok, why = pcall(F, ...)
  local eager, direct = pcall(f, ...)
  return not ok and not eager and why:match "[^:]+$" == direct:match "[^:]+$" and why:match "[^:]+$" or nil
end

describe("what cannot be done with them", function()
  local function with(m, i, j, v) m = m:clone() m[{i, j}] = v return m end

  it("is said as without compiling", function()
    assert.equal(" the matrix is not positive definite", refused(cj.linalg.cholesky, B))
    for _, v in ipairs {cj.nan, cj.inf, -cj.inf} do
      for i = 1, 4 do
        for j = 1, i do assert.is_truthy(refused(cj.linalg.cholesky, with(A, i, j, v)), ("%d %d"):format(i, j)) end
      end
    end
    assert.equal(" the matrix is singular", refused(cj.linalg.solve, cj.ones(4, 4), x))
    assert.equal(" the matrix is singular", refused(cj.linalg.solve, cj.zeros(2, 2), cj.ones(2)))
    assert.is_truthy(refused(function(a) return cj.linalg.solve_triangular(a, two(x), {upper = true}) end, with(A, 3, 3, 0)))
    assert.is_truthy(refused(function(a) return a:gather(1, cj.tensor({9}, {dtype = "int64"}) - 1) end, x))
  end)

  it("leaves results as they were, and the next call is right", function()
    local F = cj.compile(function(a) return cj.linalg.cholesky(a) end)
    local out = F(A)
    local before = out:clone()
    assert.is_false((pcall(F, B, {out = out})))
    assert.is_true(cj.eq(out, before):all():item())
    assert.is_true(cj.eq(F(A), before):all():item())
  end)

  it("is no pivot whose inverse is too large", cases(function(case)
    for dtype, tiny in pairs {float64 = 1e-310, float32 = 1e-40} do
      for k = 1, 2 do
        local a, b = cj.eye(3, {dtype = dtype}) * tiny, cj.full({3, k}, tiny, {dtype = dtype})
        local y = cj.compile(function(m, c) return cj.linalg.cholesky_solve(c, cj.linalg.cholesky(m)) end)(a, b)
        case((y - 1):abs():max():item() < 1e-4, "%s, %d sides: %s", dtype, k, tostring(y))
      end
    end
  end))

  it("is not made up: the other triangle, NaN that flows", function()
    local F, G = cj.compile(cj.linalg.cholesky), cj.compile(cj.linalg.solve)
    assert.is_true(cj.eq(F(with(A, 1, 4, cj.nan)), F(A)):all():item())
    assert.is_true(G(with(A, 2, 1, cj.nan), x):isnan():any():item())
  end)
end)
