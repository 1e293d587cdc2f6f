-- Machine code against the interpreter: the same bits.  The first call of a derivative is interpreted, the second
-- finds its plan in the cache and makes machine code of it.

local cj = require "cjac"
local cases = require "support.cases"
local child = require "support.child"
local generator = require "support.generator"

local PROGRAMS <const> = tonumber(os.getenv "CJAC_NATIVE_PROGRAMS") or 10000

local function code() return (select(4, cj._live())) end

-- Off by CJAC_NATIVE=0, by the build, or because the CPU is not known: then only the switch can be tested.
local here = cj.config().native

local UNARY = {"neg", "abs", "sign", "floor", "ceil", "round", "trunc", "frac", "square", "sqrt", "rsqrt", "reciprocal",
               "relu", "sin", "cos", "exp", "log", "tanh", "sigmoid", "softplus", "atan", "cbrt", "log1p", "expm1"}
local BINARY = {"add", "sub", "mul", "div", "add", "sub", "mul", "maximum", "minimum", "clamp_min", "clamp_max", "copysign",
                "atan2", "hypot", "pow", "remainder", "fmod", "floor_divide", "logaddexp"}
local COMPARE = {"lt", "le", "gt", "ge", "eq", "ne"}
local TEST = {"isnan", "isinf", "isfinite"}
local LOGICAL = {"logical_and", "logical_or", "logical_xor"}
local NUMBERS = {0, 1, -1, 0.5, -2, 3, 1e300, 1e-310, cj.inf, cj.nan, -0.0}

local function condition(r, x, z)
  local m = cj[COMPARE[r(#COMPARE)]](x, z)
  local k = r(5)
  if k == 1 then return m:logical_not() end
  if k == 2 then return cj[TEST[r(#TEST)]](x) end
  if k == 3 then return cj[LOGICAL[r(#LOGICAL)]](m, z:gt(0.25)) end
  return m
end

local function step(r, pool)
  local x, z, k = pool[r(#pool)], pool[r(#pool)], r(10)
  if k <= 3 then return cj[UNARY[r(#UNARY)]](x) end
  if k <= 7 then return cj[BINARY[r(#BINARY)]](x, z) end
  if k == 8 then return cj.where(condition(r, x, z), x, pool[r(#pool)]) end
  if k == 9 then return condition(r, x, z):to(x.dtype) end
  return x * NUMBERS[r(#NUMBERS)] + z
end

-- A function of n scalars with several results.
local function program(seed, length)
  return function(...)
    local r, pool, out = generator(seed * 7919), {...}, {}
    for _ = 1, length do pool[#pool + 1] = step(r, pool) end
    for i = 1, 3 do out[i] = pool[#pool + 1 - i] end
    return table.unpack(out)
  end
end

local VALUES = {0.3, -1.7, 2.5, 1e-3, -0.0, 7, 0.999, -4.25, 1e5, 1e-320, cj.inf, cj.nan}

local function inputs(seed, dtype)
  local r, x = generator((seed + 77) * 7919), {}
  for i = 1, r(3) do x[i] = cj.tensor(VALUES[r(r(8) == 1 and #VALUES or 8)], {dtype = dtype}) end
  return x
end

local function flatten(v, into)
  if type(v) == "table" then
    for _, e in ipairs(v) do flatten(e, into) end
  else
    local flat = v:flatten()
    for i = 1, flat:numel() do into[#into + 1] = flat[i]:item() end
  end
  return into
end

-- NaN is as good as NaN; 0 is not -0.
local function same(a, b)
  if a == b then return type(a) ~= "number" or a ~= 0 or 1 / a == 1 / b end
  return a ~= a and b ~= b
end

local function compare(case, what, a, b)
  local x, y = flatten({a}, {}), flatten({b}, {})
  local at
  for i = 1, math.max(#x, #y) do
    if not same(x[i], y[i]) then at = at or i end
  end
  case(at == nil, "%s: result %s: interpreted %s, compiled %s", what, at, tostring(x[at]), tostring(y[at]))
end

local function twice(case, what, f)
  local first = table.pack(f())
  compare(case, what, first, table.pack(f()))
end

describe("machine code", function()
  if not here then return end

  it("gives the interpreter's bits: random programs", cases(function(case)
    local made = 0
    for seed = 1, PROGRAMS do
      local x = inputs(seed, seed % 3 == 0 and "float32" or "float64")
      local f, before = program(seed, 8 + seed % 40), code()
      local v = {}
      for i = 1, #x do v[i] = x[i] * 0.5 + 1 end
      twice(case, "program " .. seed, function() return cj.jvp(f, x, v) end)
      if code() ~= before then made = made + 1 end
    end
    case(made > PROGRAMS // 2, "only %d of them were compiled", made)
  end))

  it("in Jacobians, gradients and Hessians", cases(function(case)
    for seed = 1, 60 do
      local x, f = inputs(seed, "float64"), program(seed, 25)
      twice(case, "value_and_jacobian " .. seed, function() return cj.value_and_jacobian(f, x) end)
      twice(case, "vjp " .. seed, function() return cj.vjp(f, x, {cj.tensor(1.0), cj.tensor(0.5), cj.tensor(-2.0)}) end)
      local function one(...) return (f(...)) end
      twice(case, "hessian " .. seed, function() return cj.hessian(one, x) end)
    end
  end))

  it("with more values than registers", cases(function(case)
    for _, dtype in ipairs {"float64", "float32"} do
      for _, width in ipairs {5, 13, 14, 15, 17, 40, 300} do
        local x = {cj.tensor(0.7, {dtype = dtype}), cj.tensor(-1.3, {dtype = dtype})}
        twice(case, dtype .. ", " .. width, function()
          return cj.value_and_jacobian(function(a, b)
            local v, m, y = {}, {}, a
            for i = 1, width do
              v[i] = a * i + b / (i + 1)
              m[i] = v[i]:gt(y)
              y = y + v[i]
            end
            for i = 1, width do y = y * 0.9 + cj.where(m[i], v[width + 1 - i], v[i]:sin()) * v[i] end
            return y
          end, x)
        end)
      end
    end
  end))

  -- Rows that reach all registers of AVX-512, each of them with operands in every one; a multiply-add in between.
  local ONE = {"neg", "abs", "floor", "ceil", "round", "trunc", "frac", "square", "sqrt", "rsqrt", "reciprocal"}
  local TWO = {"add", "sub", "mul", "div", "clamp_min", "clamp_max", "copysign"}
  local function wide(width, calls)
    return function(a, b)
      local v, y, other = {}, {}, a.dtype == "float64" and "float32" or "float64"
      for i = 1, width do v[i] = a * i + b / (i + 1) end
      for i = 1, width do
        local z = v[width + 1 - i]
        for k = 1, 3 do y[#y + 1] = cj[ONE[(i * 3 + k) % #ONE + 1]](v[i]) end
        for k = 1, 2 do y[#y + 1] = cj[TWO[(i * 2 + k) % #TWO + 1]](v[i], z) end
        y[#y + 1] = v[i]:to(other):to(a.dtype) * z - v[i] * b + y[#y]
        if calls and i % 5 == 0 then y[#y + 1] = cj.atan2(v[i], z) + v[i]:sin() * v[i]:cos() - z:sin() end
      end
      return cj.stack(y)
    end
  end
  it("in every register", cases(function(case)
    for _, dtype in ipairs {"float64", "float32"} do
      local x = {cj.tensor(0.7, {dtype = dtype}), cj.tensor(-1.3, {dtype = dtype})}
      for _, width in ipairs {9, 14, 27, 30, 31, 45} do
        for _, calls in ipairs {false, true} do
          local f, function_of = wide(width, calls), nil
          cj.config{native = false}
          function_of = cj.compile(f)
          local first = function_of(table.unpack(x))
          cj.config{native = true}
          function_of = cj.compile(f)
          compare(case, ("%s, %d, %s"):format(dtype, width, calls), first, function_of(table.unpack(x)))
          assert.is_true(code() > 0)
        end
      end
    end
  end))

  it("of long programs", cases(function(case)
    local x = {cj.tensor(0.4), cj.tensor(0.2)}
    twice(case, "deep", function()
      return cj.jvp(function(a, b)
        for i = 1, 10000 do a = a * 0.5 + b / (i % 7 + 1) end
        return a
      end, x, x)
    end)
    twice(case, "deep calls", function()
      return cj.jvp(function(a, b)
        for _ = 1, 300 do a, b = (a + b):sin(), (a - b):exp():tanh() end
        return a, b
      end, x, x)
    end)
  end))

  it("of values that other steps read, in every place", cases(function(case)
    local q = cj.tensor{0.3, -0.2, 0.5, 0.7}
    twice(case, "between tensors", function()
      return cj.value_and_jacobian(function(a)
        local s = a:sum()
        for i = 1, 4 do s = s * a[i]:cos() + s / (a[i] + 3) - a[i] end
        local y = a * s + cj.stack{s, s:sin(), a[1], s * s}
        local t = y:prod()
        for i = 1, 4 do t = t:abs():sqrt() + y[i] * 0.25 end
        return y * t, s, t
      end, q)
    end)
  end))

  it("of mixed dtypes", cases(function(case)
    local x, z, n = cj.tensor(0.3), cj.tensor(0.7, {dtype = "float32"}), cj.tensor(3, {dtype = "int64"})
    twice(case, "mixed", function()
      return cj.jvp(function(a, b)
        local y, i = a, n
        for k = 1, 8 do
          y = y * b:to "float64" + (b * k):to "float64" - i:to "float64"
          b = (y * 0.125):to "float32" + b
          i = cj.where(y:gt(b:to "float64"), i + 1, i * 2)
        end
        return y, b
      end, {x, z}, {cj.tensor(1.0), cj.tensor(1.0, {dtype = "float32"})})
    end)
  end))

  it("goes with its plan", function()
    collectgarbage()
    cj._trim()
    assert.equal(0, code())
    local f = program(5, 30)
    local x = inputs(5, "float64")
    for _ = 1, 3 do cj.jvp(f, x, x) end
    assert.is_true(code() > 0)
    cj._trim()
    assert.equal(0, code())
  end)
  it("is not made of a function that others are only derived from", function()
    local function made()
      local x, before = cj.linspace(0, 1, 9), code()
      local F = cj.compile(function(v) return (v * v + v):sin() * v end)
      F:vjp()(x, x)
      local derived = code()
      F(x)
      return derived - before, code() - derived
    end
    collectgarbage()
    collectgarbage "stop"
    local derived, own = made()
    collectgarbage "restart"
    collectgarbage()
    assert.is_true(derived > 0 and own > 0)
    cj._trim()
    assert.equal(0, code())
  end)
end)

describe("cj.config", function()
  it("tells and switches", function()
    local was = cj.config().native
    assert.is_false(cj.config{native = false}.native)
    assert.is_false(cj.config().native)
    local f, x = program(5, 30), inputs(5, "float64")
    local first = table.pack(cj.jvp(f, x, x))
    for _ = 1, 2 do cj.jvp(f, x, x) end
    assert.equal(0, code())
    assert.equal(here, cj.config{native = true}.native)
    for _ = 1, 2 do cj.jvp(f, x, x) end
    assert.equal(here, code() > 0)
    cases(function(case) compare(case, "switched on", first, table.pack(cj.jvp(f, x, x))) end)()
    cj.config{native = was}
  end)
  it("explains itself", function()
    assert.has_error(function() cj.config{native = 1} end)
    assert.has_error(function() cj.config{nativ = true} end)
    assert.has_error(function() cj.config(1) end)
  end)
end)

describe("without machine code", function()
  local script = [[
    local cj = require "cjac"
    local function f(a, b)
      for i = 1, 20 do a = a * b + i end
      return a
    end
    local x = {cj.tensor(0.5), cj.tensor(0.25)}
    for _ = 1, 3 do print(cj.jvp(f, x, x)) end
    print(cj.config().native, (select(4, cj._live())))]]
  local _, wanted = child.script(script)
  for _, environment in ipairs {"CJAC_NATIVE=0", "CJAC_ISA=base", "CJAC_NATIVE_FAIL=mmap", "CJAC_NATIVE_FAIL=mprotect"} do
    it(environment .. " all goes on", function()
      local good, said, how = child.script(script, environment)
      assert.is_true(good, how .. said)
      assert.equal("0", said:match "(%d+)\n$")
      assert.equal((wanted:gsub("[^\n]*\n$", "")), (said:gsub("[^\n]*\n$", "")))
    end)
  end
end)
