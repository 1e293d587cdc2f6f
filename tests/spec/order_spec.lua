-- Orders: sorting and what is chosen by it, at the edges that PyTorch defines.

local cj = require "cjac"
local cases = require "support.cases"
local expect = require "support.expect"
local near = require "support.near"
local sample = require "support.sample"

local same, fails, shape = expect.same, expect.fails, expect.shape
local T, L = cj.tensor, cj.long
local nan, inf = 0 / 0, 1 / 0

local function list(x) return x:totable() end

-- Positions of the numbers in their order by Lua's own sort, made stable by the position; NaN above all.
local function reference(numbers, descending)
  local at = {}
  for i = 1, #numbers do at[i] = i end
  local function key(i) return numbers[i] ~= numbers[i] and 1 or 0, numbers[i] end
  table.sort(at, function(i, k)
    local a, x = key(i)
    local b, y = key(k)
    if descending then a, b, x, y, i, k = b, a, y, x, k, i end
    if a ~= b then return a < b end
    if a == 0 and x ~= y then return x < y end
    if descending then i, k = k, i end
    return i < k
  end)
  return at
end

describe("argsort", function()
  it("is stable, on short and long lines, of all dtypes", cases(function(case)
    sample.seed "argsort"
    local kinds = {
      float64 = function() return math.floor(sample.uniform() * 20 - 10) / 4 end,
      float32 = function() return math.floor(sample.uniform() * 20 - 10) / 4 end,
      int64 = function() return math.floor(sample.uniform() * 2000 - 1000) end,
    }
    for dtype, draw in pairs(kinds) do
      for _, n in ipairs{0, 1, 2, 7, 48, 49, 50, 300, 2000} do
        for _, descending in ipairs{false, true} do
          local numbers = {}
          for i = 1, n do numbers[i] = dtype ~= "int64" and sample.uniform() < 0.05 and nan or draw() end
          local x = n == 0 and cj.zeros(0, {dtype = dtype}) or T(numbers, {dtype = dtype})
          local got, want = list(x:argsort(1, descending)), reference(numbers, descending)
          local good, why = near.lists(got, want, 0, 0)
          case(good, "%s, %d, %s: %s", dtype, n, descending, why)
        end
      end
    end
  end))
  it("edges of the number line", function()
    local x = T{nan, 0.0, -0.0, inf, -inf, 5e-324, -5e-324, -nan}
    same(x:argsort(), L{5, 7, 2, 3, 6, 4, 1, 8})
    same(x:argsort(1, true), L{1, 8, 4, 6, 2, 3, 7, 5})
    same(L{math.maxinteger, math.mininteger, -1, 0}:argsort(), L{2, 3, 4, 1})
    same(cj.bool{true, false, true}:argsort(), L{2, 1, 3})
  end)
  it("any dim, any layout", function()
    local x = T{{3, 1, 2}, {1, 3, 2}}
    same(x:argsort(1), L{{2, 1, 1}, {1, 2, 2}})
    same(x:argsort(-1), L{{2, 3, 1}, {1, 3, 2}})
    same(x.T:argsort(1), L{{2, 1}, {3, 3}, {1, 2}})
    shape(cj.zeros(2, 0):argsort(), 2, 0)
    shape(cj.zeros(0, 2):argsort(), 0, 2)
    same(T(4):argsort(), L{1}[1])
  end)
end)

describe("chosen elements", function()
  it("sort", function()
    local v, i = T{2, nan, 1, 2}:sort()
    same(v, T{1, 2, 2, nan})
    same(i, L{3, 1, 4, 2})
    v, i = T(3):sort()
    same(v, 3)
    same(i, L{1}[1])
    same(T{{2, 1}, {1, 3}}:msort(), T{{1, 1}, {2, 3}})
    same(select(2, cj.sort(T{1, 2}, {descending = true})), L{2, 1})
  end)
  it("topk", function()
    local v, i = T{1, 5, nan, 3}:topk(3)
    same(v, T{nan, 5, 3})
    same(i, L{3, 2, 4})
    v, i = T{{1, 5, 3}, {7, 2, 2}}:topk(2, 2, false)
    same(v, T{{1, 3}, {2, 2}})
    same(i, L{{1, 3}, {2, 3}})
    local x = T{{4, 1}, {2, 9}, {3, 3}}
    same(x:topk(1, 1), T{{4, 9}})
    local wide = cj.rand(200)
    same(wide:topk(60), (wide:sort(1, true)):narrow(1, 1, 60))
    same(wide:topk(3), (wide:sort(1, true)):narrow(1, 1, 3))
    fails({"cj.topk", "k is 5", "4"}, function() T{1, 2, 3, 4}:topk(5) end)
  end)
  it("kthvalue", function()
    local v, i = T{4, 1, nan, 3}:kthvalue(2)
    same(v, 3)
    same(i, L{4}[1])
    same(T{4, 1, nan, 3}:kthvalue(4), nan)
    v, i = T{{4, 1}, {2, 9}}:kthvalue(1, 1, true)
    same(v, T{{2, 1}})
    same(i, L{{2, 1}})
    fails({"cj.kthvalue", "k is 0"}, function() T{1}:kthvalue(0) end)
  end)
  it("a single place is found as sorting finds it", cases(function(case)
    sample.seed "select"
    for _, n in ipairs{49, 100, 1000} do
      local numbers = {}
      for i = 1, n do numbers[i] = sample.uniform() < 0.05 and nan or math.floor(sample.uniform() * 30 - 15) / 4 end
      for _, x in ipairs{T(numbers), cj.float(numbers), T(numbers):nan_to_num():long()} do
        local v, at = x:sort()
        for _, k in ipairs{1, 2, 20, n // 2, n - 1, n} do
          local kv, kat = x:kthvalue(k)
          case(near.equal(kv, v[k]) and near.equal(kat, at[k]), "%s, %d of %d: %s at %s", x.dtype, k, n, kv, kat)
        end
      end
    end
  end))
  it("median", function()
    same(T{4, 1, 3, 2}:median(), 2)
    same(T{4, nan, 3}:median(), nan)
    same(T{4, nan, 3}:nanmedian(), 3)
    same(cj.zeros(0):median(), nan)
    same(T{nan, nan}:nanmedian(), nan)
    same(L{3, 1, 2}:median(), L{2}[1])
    local v, i = T{{5, 1, 3}, {nan, 2, nan}}:median(2)
    same(v, T{3, nan})
    same(i, L{3, 1})
    v, i = T{{5, 1, 3}, {nan, 2, nan}}:nanmedian(2, true)
    same(v, T{{3}, {2}})
    same(i, L{{3}, {2}})
    fails({"cj.median", "[2, 0]"}, function() cj.zeros(2, 0):median(2) end)
  end)
  it("the median of all shares its derivative among ties", function()
    same(cj.jacobian(function(x) return x:median() end, T{2, 1, 2, 3, 2}), T{1 / 3, 0, 1 / 3, 0, 1 / 3})
    same(cj.jacobian(function(x) return (x:median(1)) end, T{2, 1, 5}), T{1, 0, 0})
  end)
  it("quantile", function()
    same(T{1, 2, 3, 4}:quantile(0.5), 2.5)
    same(T{{1, 3}, {2, 5}}:quantile(0.25, 2, true), T{{1.5}, {2.75}})
    same(T{1, nan}:quantile(0), nan)
    same(T{{1, 2}, {3, 4}}:quantile(1, {keepdim = true}), T{{4}})
    fails({"cj.quantile", "q is 2"}, function() T{1}:quantile(2) end)
  end)
  it("running extremes: the last of equals, NaN for good", function()
    local v, i = T{1, 3, 3, nan, 4, nan}:cummax(1)
    same(v, T{1, 3, 3, nan, nan, nan})
    same(i, L{1, 2, 3, 4, 4, 6})
    v, i = T{{3, 3}, {1, 3}, {1, 2}}:cummin(1)
    same(v, T{{3, 3}, {1, 3}, {1, 2}})
    same(i, L{{1, 1}, {2, 2}, {3, 3}})
    same(select(2, L{2, 1, 5, 5}:cummax(1)), L{1, 1, 3, 4})
    shape(cj.zeros(0, 3):cummax(1), 0, 3)
  end)
  it("logcumsumexp neither overflows nor loses -inf", function()
    local y = T{1000, 1000, -inf, 0}:logcumsumexp(1)
    same(y, T{1000, 1000 + math.log(2), 1000 + math.log(2), 1000 + math.log(2)})
    same(T{-inf, -inf, 1}:logcumsumexp(1), T{-inf, -inf, 1})
    same(cj.jacobian(function(x) return x:logcumsumexp(1) end, T{-inf, 0, 0}), T{{0, 0, 0}, {0, 1, 0}, {0, 0.5, 0.5}})
    same(T{inf, 1, inf}:logcumsumexp(1), T{inf, inf, inf})
  end)
end)

describe("searchsorted", function()
  local seq = T{1, 3, 5, 5}
  it("left and right", function()
    local v = T{{0, 1, 2}, {5, 6, nan}}
    same(seq:searchsorted(v), L{{1, 1, 2}, {3, 5, 5}})
    same(seq:searchsorted(v, true), L{{1, 2, 2}, {5, 5, 5}})
    same(cj.searchsorted(seq, 3), L{2}[1])
    same(cj.bucketize(v, seq), L{{1, 1, 2}, {3, 5, 5}})
    same(cj.bucketize(L{4}, L{1, 4, 9}, {right = true}), L{3})
  end)
  it("many sequences", function()
    same(cj.searchsorted(T{{1, 2, 3}, {4, 5, 6}}, T{{2, 9}, {2, 9}}), L{{2, 4}, {1, 4}})
    same(cj.searchsorted(T{{1, 4}, {2, 5}, {3, 6}}.T, T{{2}, {6}}), L{{2}, {3}})
    fails({"cj.searchsorted", "[2, 3]", "[4]"}, function() cj.searchsorted(cj.zeros(2, 3), cj.zeros(4)) end)
    shape(cj.searchsorted(cj.zeros(0), cj.zeros(2)), 2)
  end)
end)
