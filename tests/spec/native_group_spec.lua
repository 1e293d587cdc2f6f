-- Machine code for tensors against the interpreter: the same bits.  The first call of a derivative is interpreted, the
-- second finds its plan in the cache and makes machine code of it.

local cj = require "cjac"
local cases = require "support.cases"
local child = require "support.child"
local generator = require "support.generator"
local near = require "support.near"
local rows = require "support.rows"

local PROGRAMS <const> = tonumber(os.getenv "CJAC_NATIVE_PROGRAMS") or 10000

local function code() return (select(4, cj._live())) end
local here = cj.config().native
local always = os.getenv "CJAC_NATIVE" == "always" -- then the first call is compiled too

-- --- equality ----------------------------------------------------------------------

-- NaN is as good as NaN; 0 is not -0.
local function same(a, b)
  if a.dtype == "bool" or a.dtype == "int64" then return a:eq(b):all():item() end
  local signs = cj.copysign(cj.ones_like(a), a):eq(cj.copysign(cj.ones_like(b), b))
  return (a:eq(b):logical_and(signs)):logical_or(a:isnan():logical_and(b:isnan())):all():item()
end

-- The first call is interpreted, the second is not; whether there was code.
local function twice(case, what, f)
  local first, before = near.tensors(f()), code()
  local second = near.tensors(f())
  local at
  for i = 1, #first do
    if not same(first[i], second[i]) then at = at or i end
  end
  case(at == nil and #first == #second, "%s: result %s: interpreted %s, compiled %s", what, at, tostring(first[at]),
       tostring(second[at]))
  return code() > before
end

-- --- random programs -----------------------------------------------------------------

local elementwise = {}
for _, row in ipairs(rows.all()) do
  if row.value and row.domain and not row.chooses_dtype then elementwise[#elementwise + 1] = row end
end

local COMPARE = {"lt", "le", "gt", "ge", "eq", "ne"}
local NUMBERS = {0, 1, -1, 0.5, -2, 3, 1e300, 1e-310, cj.inf, cj.nan, -0.0}
local VALUES = {0.3, -1.7, 2.5, 1e-3, -0.0, 0.0, 7, 0.999, -4.25, 40, 1e5, 1e-320, 1e300, cj.inf, -cj.inf, cj.nan}
local SIZES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 16, 17, 20, 31, 33}

-- Ordinary numbers, and here and there strange ones.
local function values(r, shape, dtype)
  local n, list = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  local strange = r(4) == 1
  for i = 1, n do list[i] = strange and VALUES[r(#VALUES)] or (r(4001) - 2001) / 500 end
  return cj.tensor(list, {dtype = dtype}):reshape(shape)
end

-- An operand that broadcasts to that shape, as one may find it: whole, a row, a column, a number, a piece of
-- something larger, transposed.
local function operand(r, shape, dtype)
  local a, b = shape[1], shape[2]
  local k = r(9)
  if k == 1 then return values(r, {}, dtype), function(x) return x end end
  if k == 2 then return values(r, {a + 3}, dtype), function(x) return x[{{3, -2}}]:reshape(-1, 1) end end
  if k == 3 then return values(r, {b}, dtype), function(x) return x end end
  if k == 4 then return values(r, {a + 2, b + 1}, dtype), function(x) return x[{{2, -2}, {2, -1}}] end end
  if k == 5 then return values(r, {b, a}, dtype), function(x) return x.T end end
  if k == 6 then return values(r, {b}, dtype), function(x) return x:flip(1) end end
  return values(r, {a, b}, dtype), function(x) return x end
end

local function float(x, dtype) return x.dtype == dtype and x or x:to(dtype) end

local function step(r, pool, dtype)
  local function any() return pool[r(#pool)] end
  local k = r(12)
  if k == 1 then return any() * NUMBERS[r(#NUMBERS)] + any() end
  if k == 2 then return cj[COMPARE[r(#COMPARE)]](any(), any()):to(dtype) end
  if k == 3 then
    local i, j = any():to "int64", any():to "int64"
    local m = cj[COMPARE[r(#COMPARE)]](i, j)
    local both = {i + j, i - j, -i, cj.maximum(i, j), cj.minimum(i, j), cj.where(m, i, j), i * j}
    return both[r(#both)]:to(dtype) + m:to(dtype)
  end
  if k == 4 then return any():to(dtype == "float64" and "float32" or "float64"):to(dtype) end
  if k == 5 then return any()[{{}, {1, 1}}] * any() end
  local row = elementwise[r(#elementwise)]
  if r(2) == 1 then row = elementwise[r(24)] end -- the first ones are arithmetic
  local args = {}
  for i = 1, #row.domain do
    local letter = row.domain:sub(i, i)
    args[i] = letter == "B" and cj[COMPARE[r(#COMPARE)]](any(), any()) or letter == "I" and cj.tensor(1.0, {dtype = dtype}) or any()
  end
  if row.name == "copysign" then args[2] = cj.where(args[2]:isnan(), 1.0, args[2]) end -- the sign of NaN is nobody's
  return float(row.call(table.unpack(args)), dtype)
end

local function program(seed, dtype)
  local r = generator(seed * 7919)
  local n = r(10)
  local shape = n == 1 and {1, r(1100)} or n == 2 and {r(40), r(40)} or n == 3 and {r(300), SIZES[r(8)]} or
                n <= 5 and {SIZES[r(#SIZES)], SIZES[r(#SIZES)]} or {1, SIZES[r(#SIZES)]}
  local inputs, views = {}, {}
  for i = 1, 1 + r(4) do inputs[i], views[i] = operand(r, shape, dtype) end
  local whole = values(r, shape, dtype)
  local length, again = 2 + r(14), r(1 << 30)
  local function f(...)
    local q, pool, out = generator(again), {whole}, {}
    for i, x in ipairs {...} do pool[#pool + 1] = views[i](x) + cj.zeros(shape, {dtype = dtype}) * 0 end
    for _ = 1, length do pool[#pool + 1] = step(q, pool, dtype) end
    for i = 1, 3 do out[i] = pool[#pool + 1 - i] end
    return table.unpack(out)
  end
  return f, inputs
end

describe("machine code for tensors", function()
  if not here then return end

  it("gives the interpreter's bits: random programs", cases(function(case)
    local made = 0
    for seed = 1, PROGRAMS do
      local f, x = program(seed, seed % 3 == 0 and "float32" or "float64")
      if twice(case, "program " .. seed, function() return {cj.jvp(f, x, x)} end) then made = made + 1 end
    end
    case(made > PROGRAMS // 2 or always, "only %d of them were compiled", made)
  end))

  it("every elementwise row, in every size of vector", cases(function(case)
    for _, row in ipairs(elementwise) do
      for _, n in ipairs {2, 3, 4, 5, 8, 11, 16, 19, 64, 513} do
        local r = generator(n)
        for _, dtype in ipairs {"float64", "float32"} do
          local x = {values(r, {n}, dtype), values(r, {n}, dtype), values(r, {n}, dtype)}
          local function f(a, b, c)
            local args = {a * 1.5, b - 0.25, c}
            if row.domain:sub(1, 1) == "B" then args[1] = a:gt(b) end
            if row.domain:sub(1, 1) == "I" then args[1] = cj.tensor(1.0, {dtype = dtype}) end
            local y = row.call(table.unpack(args, 1, #row.domain))
            return y, y:to(dtype) + a * b
          end
          twice(case, ("%s, %s, %d"):format(row.name, dtype, n), function()
            return {cj.jvp(function(...) return select(2, f(...)) end, x, x)}
          end)
        end
      end
    end
  end))

  it("of many values, by many pointers, in registers and out of them", cases(function(case)
    for _, n in ipairs {5, 16, 700} do
      for _, width in ipairs {3, 13, 31, 80} do
        local x = {cj.linspace(-1, 1, n), cj.linspace(0.5, 2, n)}
        twice(case, width .. " values of " .. n, function()
          return {cj.value_and_jacobian(function(k)
            local a, b, v, out = x[1] * k, x[2] + k, {}, {}
            for i = 1, width do v[i] = a * (i + 0.5) + b / (i + k) end
            for i = 1, width do out[i] = (v[i] * v[width + 1 - i] + v[(i * 7) % width + 1]):sum() end
            return cj.stack(out)
          end, cj.tensor(0.75))}
        end)
        twice(case, width .. " calls of " .. n, function()
          return {cj.jvp(function(a, b)
            local out = {}
            for i = 1, width do
              a = (a * 0.5 + b):sin() * b
              out[i] = a:exp() - b
            end
            return out
          end, x, x)}
        end)
      end
    end
  end))

  it("of long arrays, whose blocks end anywhere", cases(function(case)
    for _, shape in ipairs {{1000}, {1023}, {1025}, {3, 700}, {700, 3}, {33, 65}, {2, 5001}, {100000}} do
      local r = generator(shape[1])
      local x, row = values(r, shape, "float64"), values(r, {shape[#shape]}, "float64")
      local column = values(r, #shape == 2 and {shape[1], 1} or {1}, "float64")
      twice(case, table.concat(shape, " x "), function()
        return {cj.jvp(function(a, b, c) return (a * b):tanh() * c + (b - c):exp() * a, a:gt(b):to "float64" * c end,
                       {x, row, column}, {x, row, column})}
      end)
    end
  end))

  it("of results that are put beside others", cases(function(case)
    for _, n in ipairs {2, 3, 9, 64, 700} do
      for axis = 1, 3 do
        local x, y = cj.linspace(-1, 1, 6 * n):reshape(n, 2, 3), cj.linspace(0.5, 2, 6 * n):reshape(n, 2, 3)
        local f = function(a, b)
          local c = a * b
          return cj.cat({(a + b):sin(), c * a, a - b}, axis), cj.cat({c, c + 1}, axis), cj.stack({a * 2, b * 3}, axis):exp(),
                 cj.cat({cj.cat({a:cos(), b + 2}, axis), a / b, cj.cat({b - 1, a + 1}, axis)}, axis)
        end
        twice(case, ("%d, axis %d"):format(n, axis), function() return {cj.jvp(f, {x, y}, {x, y})} end)
        local F, whole = cj.compile(f), table.pack(f(x, y))
        for i, z in ipairs {F(x, y)} do case((z - whole[i]):abs():max():item() < 1e-14, "%d, axis %d: %d", n, axis, i) end
      end
    end
  end))

  it("of results that are put beside inputs, constants, columns and what others read", cases(function(case)
    for _, n in ipairs {2, 3, 63, 64, 65, 97, 700} do
      for _, dtype in ipairs {"float64", "float32"} do
        local x, m = cj.linspace(-1, 1, n, {dtype = dtype}), cj.linspace(0.5, 2, 3 * n, {dtype = dtype}):reshape(n, 3)
        local function f(a, b)
          local s, one = a:sin(), cj.ones(n, {dtype = dtype})
          local many = {}
          for k = 1, 67 do many[k] = k % 3 == 0 and a or s * k end
          return cj.stack({s, a, s, one, s * a, b[{{}, 2}]}, 2), cj.stack({a, s + 1, b[{{}, 3}]:flip(1)}, 2),
                 cj.cat({b, cj.stack({s, a, s}, 2) * b}, 2), s:cumsum(1), cj.stack(many, 2), cj.cat {a, s},
                 cj.stack({a:gt(0), s:gt(0.1)}, 2), cj.stack({a:exp(), s}, 2)[{{2, -1}}]
        end
        twice(case, ("%d %s"):format(n, dtype), function() return {cj.jvp(f, {x, m}, {x, m})} end)
        local F, whole = cj.compile(f), table.pack(f(x, m))
        for i, z in ipairs {F(x, m)} do
          local error = (z:to "float64" - whole[i]:to "float64"):abs():max():item()
          case(error <= (dtype == "float64" and 1e-14 or 1e-5), "%d %s: %d: %g", n, dtype, i, error)
        end
      end
    end
  end))

  it("of rows picked by constant indices", cases(function(case)
    for _, n in ipairs {1, 2, 3, 63, 64, 65, 97, 700} do
      for _, dtype in ipairs {"float64", "float32"} do
        local X, v = cj.linspace(-1, 2, 35, {dtype = dtype}):reshape(7, 5), cj.linspace(1, 2, 7, {dtype = dtype})
        local at = cj.arange(0, n):to "int64" * 3 % 7 + 1
        local function f(a, b)
          local p, q, own = a:index_select(1, at), b:index_select(1, at), (a * 2):index_select(1, at)
          local c1, c3, c5 = p[{{}, 1}], p[{{}, {3, 3}}], p[{{}, 5}]
          local flag = a:gt(0):index_select(1, at)[{{}, 2}]
          return cj.stack({c1 * c5, q * c1, own[{{}, 4}] + q}, 2), c3 * c3, cj.where(flag, c1, q),
                 p:sum(2), b:index_select(1, at) * own[{{}, 1}], a:index_select(2, cj.long {2, 1}) * 2
        end
        twice(case, ("%d %s"):format(n, dtype), function() return {cj.jvp(f, {X, v}, {X, v})} end)
        local F, whole = cj.compile(f), table.pack(f(X, v))
        for i, z in ipairs {F(X, v)} do
          case((z:to "float64" - whole[i]:to "float64"):abs():max():item() <= 1e-5, "%d %s: %d", n, dtype, i)
        end
      end
    end
    for _, bad in ipairs {0, 8, -9} do
      local at = cj.long {1, 2, bad, 3}
      local F = cj.compile(function(a) return a:index_select(1, at)[{{}, 1}] * 2 end)
      local fine, message = pcall(F, cj.ones(7, 2))
      case(not fine and tostring(message):find "index", "index %d: %s", bad, tostring(message))
    end
  end))

  it("of stencils, whose nonzeros are woven", cases(function(case)
    local function stencils(u)
      local p = cj.pad(u, {1, 1})
      local left, right = p[{{1, -3}}], p[{{3, -1}}]
      return {u * (right - left) * 0.5 - 0.1 * (right - 2 * u + left), (u * left):sin(), right * right + left,
              cj.cat{(u * 2):exp(), left * right}, left + right - 2 * u + u * u * u, left - 3 * u + right}
    end
    for _, n in ipairs {2, 3, 4, 5, 17, 18, 19, 23, 26, 27, 28, 35, 100, 1030} do
      for which = 1, 6 do
        local u = cj.linspace(-1, 1.5, n)
        local function f(v) return stencils(v)[which] end
        local F, dense = cj.compile(f):sparse_jacobian(), cj.jacobian(f, u)
        for _ = 1, 2 do
          local S = F(u)
          case((S:to_dense() - dense):abs():max():item() < 1e-13, "stencil %d of %d", which, n)
        end
        twice(case, ("stencil %d of %d"):format(which, n), function() return {cj.sparse_jacobian(f, u):values()} end)
      end
    end
  end))

  it("of vectors that no cache holds", cases(function(case)
    local n = (1 << 19) + 77
    for _, dtype in ipairs {"float64", "float32"} do
      local x = cj.linspace(-2, 2, n, {dtype = dtype})
      local function f(a)
        local m = a:gt(0.5)
        return cj.where(m, (a * 0.3 + 0.5) * a, a * a), m
      end
      twice(case, dtype, function() return {cj.jvp(f, x, x)} end)
      local F, whole = cj.compile(f), table.pack(f(x))
      for i, y in ipairs {F(x)} do
        local error = (y:to "float64" - whole[i]:to "float64"):abs():max():item()
        case(error <= (dtype == "float64" and 1e-14 or 1e-6), "%s: result %d: %g", dtype, i, error)
      end
    end
  end))

  it("of stencils that reach far", cases(function(case)
    for _, reach in ipairs {{9, 1}, {1, 20}, {40, 40}, {700, 2}} do
      local function f(u)
        local p, n = cj.pad(u, reach), u:numel()
        return u * p[{{1, n}}] + p[{{1 + reach[1] + reach[2], -1}}] * 0.5
      end
      for _, n in ipairs {50, 130, 600, 1500} do
        local u = cj.linspace(-1, 1.5, n)
        twice(case, ("%d, %d of %d"):format(reach[1], reach[2], n), function()
          return {cj.sparse_jacobian(f, u):values(), cj.jvp(f, u, u * 2)}
        end)
        case((cj.compile(f)(u) - f(u)):abs():max():item() < 1e-13, "%d, %d of %d", reach[1], reach[2], n)
      end
    end
  end))

  it("of rows of two, three and four, woven in registers", cases(function(case)
    for _, n in ipairs {1, 2, 3, 4, 7, 8, 9, 31, 64, 511, 512, 1030, 20000} do
      local x, k = cj.linspace(-1, 1.5, n), cj.arange(0, n):to "int64"
      local function f(a)
        local c, one = a * 0.5 + 1, cj.ones(n)
        local list = {cj.stack({a, c, a * c}, 2), cj.stack({c, one, c}, 2), cj.stack({k, k * k, -k}, 2),
                      cj.stack({c:sin(), a, c * c}, 2), cj.stack({c, c - a, one}, 2):reshape(-1)[{{2, -2}}],
                      cj.stack({c - 1, c * a, a + 2}, 2):reshape(-1)[{{1 + n // 3, 3 * n - n // 4}}]}
        local v = {}
        for j = 1, 24 do v[j] = a * (j / 3) + c end
        for j = 1, 24 do list[#list + 1] = cj.stack({v[j], v[j % 24 + 1] * c, v[25 - j]}, 2) end
        for j = 1, 12 do
          list[#list + 1] = cj.stack({v[j], v[j + 12] - c}, 2)
          list[#list + 1] = cj.stack({v[j], c, v[25 - j] * a, v[j + 1] + 1}, 2)
        end
        list[#list + 1] = cj.stack({k + 1, -k}, 2)
        list[#list + 1] = cj.stack({one, c:sin(), c, one}, 2)
        return table.unpack(list)
      end
      twice(case, n .. " rows", function() return {cj.jvp(f, x, x)} end)
      local few = function(a)
        local y = a * a
        return cj.stack({a - 1, y, a + 2}, 2):reshape(-1)[{{1 + n // 3, 3 * n - n // 4}}], a * 3,
               cj.stack({y, a + 1}, 2):reshape(-1)[{{2, -2}}],
               cj.stack({y, a + 1, a - y, y * 2}, 2):reshape(-1)[{{3, -1 - n // 2}}]
      end
      twice(case, n .. " rows, some cut off", function() return {cj.jvp(few, x, x)} end)
      local whole = table.pack(f(x))
      for j, z in ipairs {cj.compile(f)(x)} do
        case(cj.allclose(z:to "float64", whole[j]:to "float64", {rtol = 1e-14, atol = 1e-14}), "%d rows: result %d", n, j)
      end
    end
  end))

  it("of few elements, gathered from short runs", cases(function(case)
    for _, dtype in ipairs {"float64", "float32"} do
      for _, size in ipairs {{1, 2}, {2, 2}, {4, 2}, {3, 5}, {4, 16}, {17, 4}, {5, 13}, {40, 3}} do
        local m, n = size[1], size[2]
        local X = cj.linspace(-1, 2, m * n, {dtype = dtype}):reshape(m, n)
        local W, b = cj.linspace(0.5, 1, n * n, {dtype = dtype}):reshape(n, n), cj.linspace(1, 2, n, {dtype = dtype})
        local functions = {
          function(x) return x:t():reshape(m, n) * x + x[{{}, {1, 1}}] * b end,
          function(x) return x:matmul(W) + b, x:exp():sum(2) end,
          function(x) return x:flip(1) * x:flip(2) - x:t():unsqueeze(3) * x[1], x:tril() * x:triu(1) end,
          function(x) return (x:unsqueeze(1) * x:unsqueeze(2)):sin():reshape(m * m, n) end,
        }
        for k, f in ipairs(functions) do
          local what = ("%s [%d, %d]: %d"):format(dtype, m, n, k)
          twice(case, what, function()
            return {cj.jvp(f, X, X), cj.jacobian(f, X, {strategy = "forward-mode"}),
                    cj.jacobian(f, X, {strategy = "reverse-mode"})}
          end)
          local whole, y = table.pack(f(X)), near.tensors((cj.jvp(f, X, X)))
          for i, z in ipairs(y) do
            case((z - whole[i]):abs():max():item() <= 1e-5, "%s: output %d", what, i)
          end
          local one, other = near.tensors(cj.jacobian(f, X)), near.tensors(cj.jacobian(f, X, {chunk_size = 1}))
          for i, J in ipairs(one) do
            case((J - other[i]):abs():max():item() <= 1e-5, "%s: Jacobian %d", what, i)
          end
        end
      end
    end
  end))

  it("of numbers, masks and integers together", cases(function(case)
    for _, n in ipairs {3, 8, 50, 1000} do
      local x, i = cj.linspace(-2, 2, n), cj.arange(0, n)
      twice(case, n .. " elements", function()
        return {cj.jvp(function(a)
          local k = i:to "int64" - n // 2
          local m = k:gt(0):logical_xor(a:gt(0.5))
          local p = cj.where(m, k * k, -k)
          return a * p:to "float64" + cj.where(m:logical_not(), a, a:sin()), p:to "float32":to "float64" * a
        end, x, x)}
      end)
    end
  end))
end)

describe("tensors without machine code", function()
  local script = [[
    local cj = require "cjac"
    local function f(a, b) return (a * b + 0.5):tanh() * a - b end
    local x = {cj.linspace(-1, 1, 11), cj.linspace(0.5, 2, 11)}
    for _ = 1, 3 do print(cj.jvp(f, x, x)) end
    print(cj.config().native, (select(4, cj._live())))]]
  local _, wanted = child.script(script)
  for _, environment in ipairs {"CJAC_NATIVE=0", "CJAC_NATIVE_FAIL=mmap", "CJAC_NATIVE_FAIL=mprotect"} do
    it(environment .. " all goes on", function()
      local good, said, how = child.script(script, environment)
      assert.is_true(good, how .. said)
      assert.equal("0", said:match "(%d+)\n$")
      assert.equal((wanted:gsub("[^\n]*\n$", "")), (said:gsub("[^\n]*\n$", "")))
    end)
  end
end)
