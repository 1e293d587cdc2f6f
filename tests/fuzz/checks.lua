-- What must hold of any function: its value is the same in every mode, and all ways to a derivative agree.

local cj = require "cjac"
local near = require "support.near"
local programs = require "fuzz.programs"
local sample = require "support.sample"

local STEP <const> = 1e-6
local checks = {}

local function list(v) return type(v) == "table" and v or {v} end

-- Blocks of a Jacobian, in order.
local function blocks(p, j)
  local out = {}
  for _, row in ipairs(p.outputs == 1 and {j} or j) do
    for _, b in ipairs(row) do out[#out + 1] = b end
  end
  return out
end

local function directions(tensors)
  local out = {}
  for i, x in ipairs(tensors) do out[i] = sample.letter("R", x.shape) end
  return out
end

local function moved(x, u, h)
  local out = {}
  for i = 1, #x do out[i] = x[i] + u[i] * h end
  return out
end

-- A compiled Jacobian of a function of one input has no level for inputs.
local function packed_inputs(p, j)
  if #p.inputs > 1 then return j end
  if p.outputs == 1 then return {j} end
  local out = {}
  for i, row in ipairs(j) do out[i] = {row} end
  return out
end

-- Sum over inputs of block times direction, for every output.
local function times(p, b, outputs, u)
  local out, k = {}, 0
  for i, y in ipairs(outputs) do
    local s = cj.zeros(y.shape)
    for j = 1, #p.inputs do
      k = k + 1
      local flat = b[k]:reshape(y:numel(), u[j]:numel())
      s = s + flat:matmul(u[j]:flatten()):reshape(y.shape)
    end
    out[i] = s
  end
  return out
end

local function packed(p, ...) return p.outputs == 1 and (...) or {...} end

function checks.run(case, p)
  local f, x = p.f, p.inputs
  local function check(what, want, tolerance, good, ...)
    if not case(good, "program %d: %s: %s", p.seed, what, (...)) then return end
    local ok, why = near.relative(list(packed(p, ...)), want, tolerance)
    case(ok, "program %d: %s: %s", p.seed, what, why)
  end
  programs.detached = false
  local able, first = pcall(function() return {f(table.unpack(x))} end)
  if not case(able, "program %d: eager: %s", p.seed, first) then return end
  local y, u, v = first, directions(x), directions(first)
  local function driver(what, want, tolerance, g, ...)
    local good, result = pcall(g, ...)
    if not case(good, "program %d: %s: %s", p.seed, what, result) then return nil end
    local ok, why = near.relative(result, want, tolerance)
    case(ok, "program %d: %s: %s", p.seed, what, why)
    return result
  end
  check("again", y, 0, pcall(f, table.unpack(x)))
  local got, j = pcall(cj.jacobian, f, x, {strategy = "reverse-mode"})
  if not case(got, "program %d: reverse-mode: %s", p.seed, j) then return end
  local b = blocks(p, j)
  local function jacobian(options) return function() return blocks(p, cj.jacobian(f, x, options)) end end
  driver("forward-mode", b, 1e-10, jacobian{strategy = "forward-mode"})
  driver("auto", b, 1e-10, jacobian{})
  driver("auto again", b, 1e-10, jacobian{})
  driver("sparse", b, 1e-10, jacobian{strategy = "sparse"})
  driver("one row at a time", b, 1e-10, jacobian{strategy = "reverse-mode", chunk_size = 1})
  driver("two columns at a time", b, 1e-10, jacobian{strategy = "forward-mode", chunk_size = 2})
  local ju = times(p, b, y, u)
  driver("value with jvp", y, 1e-12, function() return list((cj.jvp(f, x, u))) end)
  driver("jvp", ju, 1e-10, function() return list((select(2, cj.jvp(f, x, u)))) end)
  local jtv = driver("value with vjp", y, 1e-12, function() return list((cj.vjp(f, x, packed(p, table.unpack(v))))) end)
    and select(2, cj.vjp(f, x, packed(p, table.unpack(v))))
  if jtv then
    local left, a = near.dot(v, ju)
    local right, c = near.dot(jtv, u)
    case(math.abs(left - right) <= 1e-10 * math.max(a, c, 1), "program %d: adjoint: %.17g, %.17g", p.seed, left, right)
  end
  driver("linearize", ju, 1e-10, function()
    local _, lin = cj.linearize(f, x)
    return list((lin(table.unpack(u))))
  end)
  local ahead, behind = {f(table.unpack(moved(x, u, STEP)))}, {f(table.unpack(moved(x, u, -STEP)))}
  if not programs.detached then
    for i = 1, #y do
      local good, why = near.relative({(ahead[i] - behind[i]) / (2 * STEP)}, {ju[i]}, 1e-5)
      case(good, "program %d: differences: %s", p.seed, why)
    end
  end
  if cj.compile then
    local F = cj.compile(f)
    local other = moved(x, u, 0.125)
    driver("compiled", y, 1e-12, function() return {F(table.unpack(x))} end)
    driver("compiled, other numbers", {f(table.unpack(other))}, 1e-12, function() return {F(table.unpack(other))} end)
    driver("compiled, once more", y, 1e-12, function() return {F(table.unpack(x))} end)
    local J = F:jacobian()
    local function compiled() return blocks(p, packed_inputs(p, J(table.unpack(x)))) end
    driver("compiled jacobian", b, 1e-10, compiled)
    driver("compiled jacobian again", b, 1e-10, compiled)
  end
  if cj.sparse_jacobian and #x == 1 and p.outputs == 1 then
    driver("sparse_jacobian", {b[1]:reshape(y[1]:numel(), x[1]:numel())}, 1e-10, function()
      return {cj.sparse_jacobian(f, x[1]):to_dense():reshape(y[1]:numel(), x[1]:numel())}
    end)
  end
  -- Second order, of a scalar made of everything.
  local scalar = programs.scalar(f)
  local able2, h = pcall(cj.hessian, scalar, x)
  if not case(able2, "program %d: hessian: %s", p.seed, h) then return end
  h = near.tensors(h)
  local function gradient(...) return table.unpack(select(2, cj.vjp(scalar, {...}))) end
  for _, strategy in ipairs {"reverse-mode", "forward-mode"} do
    driver("jacobian of gradient, " .. strategy, h, 1e-8, function()
      return near.tensors(cj.jacobian(gradient, x, {strategy = strategy}))
    end)
  end
  local hu = {}
  for i = 1, #x do
    local s = cj.zeros(x[i].shape)
    for k = 1, #x do
      s = s + h[(i - 1) * #x + k]:reshape(x[i]:numel(), x[k]:numel()):matmul(u[k]:flatten()):reshape(x[i].shape)
    end
    hu[i] = s
  end
  driver("hvp", hu, 1e-8, function() return (select(2, cj.hvp(scalar, x, u))) end)
  driver("vhp", hu, 1e-8, function() return (select(2, cj.vhp(scalar, x, u))) end)
end

return checks
