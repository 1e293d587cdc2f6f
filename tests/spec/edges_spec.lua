-- Values and derivatives where formulas break down: poles, joints, ties, infinities.  PyTorch's choices.

local cj = require "cjac"
local cases = require "support.cases"
local expect = require "support.expect"
local near = require "support.near"

local same, fails = expect.same, expect.fails
local T, L = cj.tensor, cj.long
local inf, nan = 1 / 0, 0 / 0

-- Operand, value, derivative of an elementwise operation, one triple after the other.
local TABLE = {
  entr = {0, 0, inf, 1, 0, -1, -2, -inf, nan, nan, nan, nan},
  xlogy = {f = function(x) return cj.xlogy(x, T(0)) end, 0, 0, 0, 2, -inf, -inf},
  xlog1py = {f = function(x) return cj.xlog1py(x, T(-1)) end, 0, 0, 0, 2, -inf, -inf},
  hardswish = {3, 3, 1, -3, 0, -0.5, inf, inf, 1, -inf, 0, 0, 0, 0, 0.5},
  hardsigmoid = {3, 1, 0, -3, 0, 0, 0, 0.5, 1 / 6},
  relu6 = {0, 0, 0, 6, 6, 0, 7, 6, 0, 3, 3, 1},
  hardshrink = {0.5, 0, 0, -0.5, 0, 0, 0.75, 0.75, 1},
  softshrink = {0.5, 0, 0, -0.5, 0, 0, 0.75, 0.25, 1, -2, -1.5, 1},
  threshold = {f = function(x) return x:threshold(1, -3) end, 1, -3, 0, 2, 2, 1, nan, nan, 1},
  selu = {1e4, 1.0507009873554805e4, 1.0507009873554805},
  celu = {1e4, 1e4, 1, -inf, -1, 0},
  relu = {0, 0, 0, nan, nan, 1, -1, 0, 0},
  clamp = {f = function(x) return x:clamp(-1, 1) end, -1, -1, 1, 1, 1, 1, 2, 1, 0},
  nan_to_num = {nan, 0, 0, inf, 1.7976931348623157e308, 0, -inf, -1.7976931348623157e308, 0, 2, 2, 1},
  logaddexp = {f = function(x) return cj.logaddexp(x, T(1)) end, inf, inf, 1, -inf, 1, 0},
  logaddexp2 = {f = function(x) return cj.logaddexp2(x, T(1)) end, inf, inf, 1, -inf, 1, 0, 1, 2, 0.5},
  fmax = {f = function(x) return x:fmax(T(1)) end, 1, 1, 1, nan, 1, 0, 0, 1, 0, 2, 2, 1},
  fmin = {f = function(x) return x:fmin(T(nan)) end, 1, 1, 1, 2, 2, 1},
  heaviside = {f = function(x) return x:heaviside(T(0.5)) end, 0, 0.5, 0, 1, 1, 0, -1, 0, 0},
  erfcx = {inf, 0, false, -30, inf, -inf, 0, 1, -1.1283791670955126, 30, 0.018795888861416751, -0.00062583541},
  ndtri = {0, -inf, inf, 1, inf, inf, 0.5, 0, 2.5066282746310002, 1e-300, -37.0470962993612, false},
  ndtr = {inf, 1, 0, -inf, 0, 0, -37, 5.7255712225239e-300, false},
  log_ndtr = {-40, -804.60844201375379, 40.024968847212, 40, 0, 0},
  i0e = {0, 1, 0, 1e10, 3.9894228040641e-06, false, -inf, 0, 0},
  i1 = {0, 0, 0.5, -1, -0.56515910399248503, 0.70090677375952},
  sinc = {0, 1, 0, 1e-4, 0.99999998355065941, -0.0003289868101226756, 9e-4, 0.99999866760393844, -0.0029608789532865713,
          -1.1e-3, 0.99999800963096759, 0.0036188506253512692},
  i1e = {0, 0, 0.5, 700, 0.01507051944471685, false},
}

-- Whether a is b: as near as rtol, or the same where b is not finite; b false: anything.
local function agrees(a, b, rtol)
  return not b or near.lists({a}, {b}, rtol, 5e-324)
end

describe("one operand", function()
  for name, row in pairs(TABLE) do -- a derivative of false: not looked at
    it(name, cases(function(case)
      local f = row.f or cj[name]
      for i = 1, #row, 3 do
        local x, y, d = row[i], row[i + 1], row[i + 2]
        local got = f(T(x)):item()
        case(agrees(got, y, 1e-13), "%s: value %s, wanted %s", x, got, y)
        for _, strategy in ipairs{"reverse-mode", "forward-mode"} do
          got = cj.jacobian(f, T(x), {strategy = strategy}):item()
          case(agrees(got, d, 1e-6), "%s: derivative %s, wanted %s", x, got, d)
        end
      end
    end))
  end
end)

describe("second derivatives", function()
  local at0 = {i0 = 0.5, i1 = 0, i1e = 0, erfcx = 2, ndtr = 0, sinc = -math.pi ^ 2 / 3, log_ndtr = -2 / math.pi, softsign = 0, hardswish = 1 / 3}
  it("at 0", cases(function(case)
    for name, want in pairs(at0) do
      for _, strategy in ipairs{"reverse-mode", "forward-mode"} do
        local got = cj.hessian(cj[name], T(0), {strategy = strategy}):item()
        case(agrees(got, want, 1e-12), "%s, %s: %s, wanted %s", name, strategy, got, want)
      end
    end
  end))
  it("of logcumsumexp, sorted and gathered elements", function()
    local x = T{0.5, -1, 2}
    local function f(y) return (y:logcumsumexp(1) * y:sort()):sum() end
    local h = cj.hessian(f, x)
    same(cj.hessian(f, x, {strategy = "forward-mode"}), h)
    same(cj.hessian(f, x, {strategy = "reverse-mode"}), h)
    same(h, h.T)
  end)
end)

describe("dtypes", function()
  it("bools add and multiply as they do in logic", function()
    local p, q = cj.bool{true, true, false}, cj.bool{true, false, false}
    same(p + q, cj.bool{true, true, false})
    same(p * q, cj.bool{true, false, false})
    same(p + 1, L{2, 2, 1})
    same(p * T{2, 3, 4}, T{2, 3, 0})
    same(p:sum(), L{2}[1])
  end)
  it("where is a method of the condition, and of the value", function()
    local x = T{1, -2, 3}
    same(x:gt(0):where(x, 0), T{1, 0, 3})
    same(x:where(x:gt(0), 0), T{1, 0, 3})
    same(x:float():where(x:gt(0), 0.5), cj.float{1, 0.5, 3})
  end)
  it("signs of integers and zeros", function()
    same(T{0, -0.0, -1, inf}:signbit(), cj.bool{false, true, true, false})
    same(L{-1, 0}:signbit(), cj.bool{true, false})
  end)
end)

describe("sums and differences", function()
  it("without NaN", function()
    local x = T{{1, nan}, {3, 4}}
    same(x:nansum(), 8)
    same(x:nansum(1), T{4, 4})
    same(x:nanmean(2, true), T{{1}, {3.5}})
    same(cj.jacobian(function(y) return y:nansum() end, x), T{{1, 0}, {1, 1}})
    same(cj.jacobian(function(y) return y:nanmean() end, x), T{{1 / 3, 0}, {1 / 3, 1 / 3}})
    same(cj.bool{true, true}:nansum(), L{2}[1])
  end)
  it("diff", function()
    same(T{1, 4, 9}:diff(), T{3, 5})
    same(T{1, 4, 9}:diff(2), T{2})
    same(T{1, 4, 9}:diff(7), cj.zeros(0))
    same(T{1, 4, 9}:diff(0), T{1, 4, 9})
    same(T{1, 4}:diff{prepend = T{0}, append = T{10, 20}}, T{1, 3, 6, 10})
    same(cj.bool{true, false, false}:diff(), cj.bool{true, false})
    fails({"cj.diff", "prepend", "[3]"}, function() T{{1, 2}}:diff(1, 2, T{1, 2, 3}) end)
    fails({"cj.diff", "n is -1"}, function() T{1, 2}:diff(-1) end)
  end)
  it("trapz", function()
    same(T{1, 2, 3}:trapz(), 4)
    same(T{1, 2, 3}:trapz(T{0, 2, 3}), 5.5)
    same(T{{1, 2, 3}, {4, 5, 6}}:trapz{dx = 2, dim = 1}, T{5, 7, 9})
    same(T{5}:trapz(), 0)
    same(cj.cumulative_trapezoid(T{1, 2, 3}), T{1.5, 4})
    fails({"cj.trapz", "[2]", "[3]"}, function() T{1, 2, 3}:trapz(T{1, 2}) end)
  end)
  it("spread and mean at once", function()
    local v, m = cj.var_mean(T{{1, 3}, {2, 6}}, 2, 0, true)
    same(v, T{{1}, {4}})
    same(m, T{{2}, {4}})
    local lo, hi = cj.aminmax(T{{1, 3}, {2, 6}}, 1)
    same(lo, T{1, 3})
    same(hi, T{2, 6})
  end)
end)

describe("places", function()
  it("masked_scatter takes the source in order", function()
    local mask = cj.bool{true, false, true}
    same(T{1, 2, 3}:masked_scatter(mask, T{7, 8, 9}), T{7, 2, 8})
    fails("out of range", function() T{1, 2, 3}:masked_scatter(mask, T{7}) end)
    same(cj.jacobian(function(s) return T{1, 2, 3}:masked_scatter(mask, s) end, T{7, 8}), T{{1, 0}, {0, 0}, {0, 1}})
  end)
  it("a number where a single place is named", function()
    same(T{1, 2, 3}:index_copy(1, L{2}[1], T(9)), T{1, 9, 3})
    same(T(5):index_select(1, L{1}), 5)
    fails({"cj.index_copy", "[3]", "[2]"}, function() T{1, 2, 3}:index_copy(1, L{1, 2}, T{1, 2, 3}) end)
    fails({"cj.index_fill", "a single element"}, function() T{1, 2}:index_fill(1, L{1}, T{1, 2}) end)
  end)
  it("take_along_dim broadcasts the other dims", function()
    same(T{{1, 2}, {3, 4}}:take_along_dim(L{{2}}, 2), T{{2}, {4}})
    same(T{{1, 2}, {3, 4}}:take_along_dim(L{4, 1}), T{4, 1})
    fails({"cj.take_along_dim", "[1]", "[2, 2]"}, function() T{{1, 2}, {3, 4}}:take_along_dim(L{1}, 2) end)
  end)
  it("slice_scatter", function()
    same(T{1, 2, 3, 4}:slice_scatter(T{8, 9}, 1, 2, 4, 2), T{1, 8, 3, 9})
    fails({"cj.slice_scatter", "[1]", "[2]"}, function() T{1, 2, 3, 4}:slice_scatter(T{8}, 1, 2, 4, 2) end)
  end)
end)

describe("arrangement", function()
  it("mistakes", function()
    fails({"cj.unflatten", "[4, 2]", "6"}, function() cj.zeros(6):unflatten(1, {4, 2}) end)
    fails({"cj.movedim", "2 dims", "1 places"}, function() cj.zeros(2, 3):movedim({1, 2}, 1) end)
    fails({"cj.movedim", "twice"}, function() cj.zeros(2, 3):movedim({1, 1}, {1, 2}) end)
    fails({"cj.rot90", "both dims are 1"}, function() cj.zeros(2, 3):rot90(1, {1, 1}) end)
    fails({"cj.meshgrid", "\"ab\""}, function() cj.meshgrid({cj.zeros(2)}, "ab") end)
    fails({"cj.meshgrid", "[2, 2]"}, function() cj.meshgrid(cj.zeros(2, 2)) end)
    fails({"cj.hstack"}, function() cj.hstack{cj.zeros(2, 3), cj.zeros(3, 3)} end)
    fails({"cj.diag_embed", "dim1 and dim2"}, function() cj.zeros(3):diag_embed(0, 1, 1) end)
  end)
  it("grids", function()
    local x, y = table.unpack(cj.meshgrid({T{1, 2}, T{3, 4, 5}}, {indexing = "xy"}))
    same(x, T{{1, 2}, {1, 2}, {1, 2}})
    same(y, T{{3, 3}, {4, 4}, {5, 5}})
  end)
end)

describe("sums", function()
  -- Numbers whose sum shows its order; zeros of both signs.
  local function numbers(rows, n)
    return cj.linspace(-1, 1, rows * n):reshape(rows, n) * cj.tensor{1e8, 1, 1e-8, -0.0, 3}[cj.arange(0, rows * n):remainder(5)
      :to "int64":reshape(rows, n) + 1]
  end

  it("have the bits that their lengths say, however the elements lie", cases(function(case)
    for _, dtype in ipairs {"float64", "float32"} do
      for n = 1, 40 do
        local x = numbers(13, n):to(dtype)
        local apart = cj.zeros(13, n + 3):to(dtype)
        apart[{{}, {1, n}}] = x
        local rows, columns = x:sum(2), x.T:clone():sum(1)
        case(rows:eq(columns):all():item(), "%s: %d side by side and one below the other", dtype, n)
        case(rows:eq(apart[{{}, {1, n}}]:sum(2)):all():item(), "%s: %d, apart", dtype, n)
        for i = 1, 13 do case(rows[i]:item() == x[{{i, i}}]:clone():sum():item(), "%s: row %d of %d", dtype, i, n) end
      end
    end
  end))

  it("let nothing in from the next row", cases(function(case)
    for n = 1, 20 do
      local x = cj.ones(5, n)
      x[{2}], x[{4}] = nan, inf
      local y = x:sum(2)
      case(y[1]:item() == n and y[3]:item() == n and y[5]:item() == n, "%d", n)
      case(y[2]:isnan():item() and y[4]:item() == inf, "%d: NaN and infinity", n)
    end
  end))

  it("of negative zeros are 0", cases(function(case)
    for n = 2, 20 do
      local y = cj.full({3, n}, -0.0):sum(2)
      for i = 1, 3 do case(1 / y[i]:item() == inf, "%d", n) end
    end
  end))
end)
