-- What must hold of any function wherever it is used: compiled inside others, for many inputs at once, in a loop,
-- computed anew in the reverse sweep, as a part of something of third order.

local cj = require "cjac"
local near = require "support.near"
local programs = require "fuzz.programs"

local uses = {}

local MANY <const>, TOLERANCE <const> = 3, 1e-9

-- Lists of tensors, one a turn, as one list of stacks.
local function stacked(lists)
  local out = {}
  for i = 1, #lists[1] do
    local all = {}
    for turn, list in ipairs(lists) do all[turn] = list[i] end
    out[i] = cj.stack(all, 1)
  end
  return out
end

local function check_many(check, f, x)
  local inputs, values, jacobians = {}, {}, {}
  for turn = 1, MANY do
    local each = {}
    for i, z in ipairs(x) do each[i] = z + 0.05 * turn end
    inputs[turn], values[turn], jacobians[turn] = each, {f(table.unpack(each))}, near.tensors(cj.jacobian(f, each))
  end
  local all = stacked(inputs)
  check("map", stacked(values), function() return cj.compile(f):map(MANY)(table.unpack(all)) end)
  check("vmap", stacked(values), function() return cj.vmap(f)(table.unpack(all)) end)
  check("Jacobians by map", stacked(jacobians),
        function() return cj.compile(f):jacobian():map(MANY)(table.unpack(all)) end)
end

-- scalar: a function of the same inputs.
local function check_loop(check, scalar, x)
  local function once(s, ...) return (s * scalar(...)):sin() + s end
  local function written_out(...) return once(once(cj.tensor(0.5), ...), ...) end
  local function loop(...)
    local inputs = {...}
    return cj.fori(2, function(_, s) return once(s, table.unpack(inputs)) end, cj.tensor(0.5))
  end
  for _, strategy in ipairs {"reverse-mode", "forward-mode"} do
    local options = {strategy = strategy}
    check("loop, " .. strategy, near.tensors(cj.jacobian(written_out, x, options)),
          function() return cj.jacobian(loop, x, options) end)
  end
end

-- Rows of one input, one a step, with a carry.
local function check_scan(check, p, scalar)
  local x = p.inputs[1]
  local all = cj.stack({x, x * 0.5 + 0.1, x - 0.2}, 1)
  local function step(c, z)
    local next = (c + scalar(z)):tanh()
    return next, p.f(z) * next
  end
  local function scanned(z) return select(2, cj.scan(step, cj.tensor(0.3), z)) end
  local function written_out(z)
    local c, ys = cj.tensor(0.3), {}
    for i = 1, MANY do c, ys[i] = step(c, z[i]) end
    return cj.stack(ys, 1)
  end
  local y = scanned(all)
  if y:numel() == 0 or all:numel() == 0 or y.ndim + all.ndim > 8 then return end -- 8 axes are the most
  local jacobian = {cj.jacobian(written_out, all)}
  check("scan", {written_out(all)}, function() return y end)
  for _, strategy in ipairs {"reverse-mode", "forward-mode", "sparse"} do
    check("scan, " .. strategy, jacobian, function() return cj.jacobian(scanned, all, {strategy = strategy}) end)
  end
  local flatter = {jacobian[1]:reshape(y:numel(), all:numel())}
  check("scan, sparse Jacobian", flatter, function() return cj.sparse_jacobian(scanned, all):to_dense() end)
end

local function check_scalar(check, scalar, x)
  local hessian = near.tensors(cj.hessian(scalar, x))
  check("compiled Hessian", hessian, function() return cj.compile(scalar):hessian()(table.unpack(x)) end)
  if #x > 1 then return end
  local n = x[1]:numel()
  check("sparse Hessian", {hessian[1]:reshape(n, n)}, function() return cj.sparse_hessian(scalar, x[1]):to_dense() end)
  if n > 4 then return end
  local function second(z) return cj.hessian(scalar, z) end
  check("third order", {cj.jacobian(second, x[1], {strategy = "forward-mode"})},
        function() return cj.jacobian(second, x[1], {strategy = "reverse-mode"}) end)
end

function uses.run(case, p)
  local f, x = p.f, p.inputs
  local function check(what, want, g)
    local got = table.pack(pcall(g))
    if not case(got[1], "program %d: %s: %s", p.seed, what, got[2]) then return end
    local good, why = near.relative(near.tensors(table.unpack(got, 2, got.n)), want, TOLERANCE)
    case(good, "program %d: %s: %s", p.seed, what, why)
  end
  local able, y = pcall(cj.jacobian, f, x)
  if not case(able, "program %d: %s", p.seed, y) then return end
  local jacobian = near.tensors(y)
  for _, strategy in ipairs {"reverse-mode", "forward-mode"} do
    check("checkpoint, " .. strategy, jacobian,
          function() return cj.jacobian(cj.checkpoint(f), x, {strategy = strategy}) end)
  end
  check("compiled in another", jacobian, function()
    local F = cj.compile(f)
    return cj.jacobian(function(...) return F(...) end, x)
  end)
  local scalar = programs.scalar(f)
  check_many(check, f, x)
  check_loop(check, scalar, x)
  if #x == 1 and p.outputs == 1 then check_scan(check, p, scalar) end
  check_scalar(check, scalar, x)
end

return uses
