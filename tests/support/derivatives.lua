-- What must hold of the derivatives of a row of the op table: forward against reverse, both against differences, second
-- order both ways.

local cj = require "cjac"
local near = require "support.near"
local rows = require "support.rows"
local sample = require "support.sample"

local derivatives = {}

local STEP <const> = 1e-5
local ADJOINT <const> = {float64 = 1e-12, float32 = 1e-5}
local SHAPES <const> = {
  {{{}}, {{3}}, {{2, 3}}, {{0}}},
  {{{}, {}}, {{3}, {3}}, {{2, 1}, {3}}, {{}, {2}}, {{2, 3}, {}}, {{0}, {1}}},
  {{{}, {}, {}}, {{2, 3}, {3}, {2, 1}}, {{2}, {}, {2}}, {{2}, {2}, {}}},
}

-- The letters of operands that stay fixed.
local function fixed(row, i) return row.domain and not row.example and row.domain:sub(i, i):find "[IB]" end

-- One example: the function of its float tensors, which gives a list, and those tensors.
function derivatives.problem(row, example, dtype)
  local tensors, rebuild = rows.split(example.make())
  tensors = rows.cast(tensors, dtype)
  local moving, where = {}, {}
  for i, x in ipairs(tensors) do
    if rows.isfloat(x) and not fixed(row, i) then
      moving[#moving + 1] = x
      where[#where + 1] = i
    end
  end
  local function f(...)
    local given = {...}
    local all = {table.unpack(tensors)}
    for k, i in ipairs(where) do all[i] = given[k] end
    local floats = {}
    for _, y in ipairs(rows.results(row.call(rebuild(all)))) do
      if rows.isfloat(y) then floats[#floats + 1] = y end
    end
    return floats
  end
  return f, moving
end

local function directions(tensors)
  local out = {}
  for i, x in ipairs(tensors) do out[i] = sample.direction(x) end
  return out
end

local function project(tensors, derivatives)
  local out = {}
  for i, x in ipairs(tensors) do out[i] = sample.project(x, derivatives[i]) end
  return out
end

local function jvp(f, x, u) return (select(2, cj.jvp(f, x, u))) end
local function vjp(f, x, v) return (select(2, cj.vjp(f, x, v))) end

local function moved(x, u, h)
  local out = {}
  for i = 1, #x do out[i] = x[i] + u[i] * h end
  return out
end

local function check_adjoint(case, what, ju, jtv, u, v, tolerance)
  local left, a = near.dot(v, ju)
  local right, b = near.dot(jtv, u)
  local good = math.abs(left - right) <= tolerance * math.max(a, b)
  case(good, "%s: <v, J u> = %.17g, <J'v, u> = %.17g", what, left, right)
end

local function check_differences(case, what, f, x, u, ju)
  local ahead, behind = f(table.unpack(moved(x, u, STEP))), f(table.unpack(moved(x, u, -STEP)))
  for i, t in ipairs(ju) do
    local a, b, t_flat = near.flat(ahead[i]), near.flat(behind[i]), near.flat(t)
    for k = 1, #t_flat do
      local d = (a[k] - b[k]) / (2 * STEP)
      local size = math.abs(d) + math.abs(t_flat[k]) + math.abs(a[k]) + 1
      case(math.abs(d - t_flat[k]) <= 1e-6 * size, "%s: result %d, element %d: %.10g, by differences %.10g", what, i, k,
           t_flat[k], d)
    end
  end
end

-- d/dx <v, J(x) w> in three ways: forward over reverse, reverse over forward, reverse over reverse.  Along u also
-- forward over forward.
local function check_second(case, what, f, x, u, v, w)
  local forward = project(x, jvp(function(...) return vjp(f, {...}, v) end, x, w))
  local others = {
    {"reverse over forward", vjp(function(...) return jvp(f, {...}, w) end, x, v)},
    {"reverse over reverse", vjp(function(...) return vjp(f, {...}, v) end, x, w)},
  }
  for _, other in ipairs(others) do
    local reverse = project(x, other[2])
    for i = 1, #x do
      local p, q = near.flat(forward[i]), near.flat(reverse[i])
      local size = 1e-3
      for k = 1, #p do size = math.max(size, math.abs(p[k])) end
      local good, why = near.lists(p, q, 0, 1e-10 * size)
      case(good, "%s: second order, %s, operand %d: %s", what, other[1], i, why)
    end
  end
  local left, a = near.dot(v, jvp(function(...) return jvp(f, {...}, w) end, x, u))
  local right, b = near.dot(forward, u)
  local good = math.abs(left - right) <= 1e-10 * math.max(a, b, 1)
  case(good, "%s: second order, forward over forward: %.17g, %.17g", what, left, right)
end

local function check(case, row, example, dtype)
  local what = example.text .. " " .. dtype
  local f, x = derivatives.problem(row, example, dtype)
  if #x == 0 then return end
  local y = f(table.unpack(x))
  if #y == 0 then return end
  local u, v = directions(x), directions(y)
  local good, ju = pcall(jvp, f, x, u)
  if not case(good, "%s: jvp: %s", what, ju) then return end
  local fine, jtv = pcall(vjp, f, x, v)
  if not case(fine, "%s: vjp: %s", what, jtv) then return end
  check_adjoint(case, what, ju, jtv, u, v, ADJOINT[dtype])
  for i, d in ipairs(jtv) do
    case(near.shape(d) == near.shape(x[i]) and d.dtype == x[i].dtype, "%s: the type of derivative %d", what, i)
  end
  if dtype ~= "float64" then return end
  check_differences(case, what, f, x, u, ju)
  local w = directions(x)
  local ok, message = pcall(check_second, case, what, f, x, u, v, w)
  case(ok, "%s: second order: %s", what, message)
end

-- The argument lists that a row is tried with; none if it has no derivative.
function derivatives.examples(row) return row.differentiable and rows.examples(row, SHAPES) or {} end

-- All of a row; case(good, format, ...) is told of everything that was looked at.
function derivatives.check(case, row)
  sample.seed(row.name)
  for _, example in ipairs(derivatives.examples(row)) do
    for _, dtype in ipairs {"float64", "float32"} do check(case, row, example, dtype) end
  end
end

return derivatives
