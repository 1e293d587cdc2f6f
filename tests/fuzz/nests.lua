-- What must hold of any function: wrapped in what changes nothing (loops of one step, vmap of one, a compiled function,
-- checkpoints, derivatives along zeros, ..), one around the other, it has the same value and derivatives.

local cj = require "cjac"
local generator = require "support.generator"
local near = require "support.near"
local programs = require "fuzz.programs"

local nests = {}

local ROUNDS <const>, TOLERANCE <const> = 3, 1e-8

local function each(list, g)
  local out = {}
  for i, x in ipairs(list) do out[i] = g(x) end
  return out
end

-- f with its first result replaced by change(first, ...).
local function changed(f, change)
  return function(...)
    local ys = {f(...)}
    ys[1] = change(ys[1], ...)
    return table.unpack(ys)
  end
end

local WRAPPERS <const> = {
  {"checkpoint", cj.checkpoint},
  {"compiled", cj.compile},
  {"vmap", function(f)
    return function(...)
      local ys = {cj.vmap(f)(table.unpack(each({...}, function(x) return x:unsqueeze(1) end)))}
      return table.unpack(each(ys, function(y) return y:squeeze(1) end))
    end
  end},
  {"map", function(f)
    local F = cj.compile(f):map(2)
    return function(...)
      local ys = {F(table.unpack(each({...}, function(x) return cj.stack({x, x * 0.5 + 0.1}, 1) end)))}
      return table.unpack(each(ys, function(y) return y[1] end))
    end
  end},
  {"fori", function(f)
    return changed(f, function(y, ...)
      local x = {...}
      return cj.fori(1, function(_, c) return c + f(table.unpack(x)) end, cj.zeros_like(y))
    end)
  end},
  {"scan", function(f)
    return changed(f, function(_, ...)
      local x = {...}
      local function step(c, i) return c, f(table.unpack(x)) * (1 + i * 0) end
      return select(2, cj.scan(step, cj.tensor(0), cj.linspace(0, 1, 2)))[2]
    end)
  end},
  {"jvp", function(f)
    return changed(f, function(y, ...)
      local x = {...}
      local _, t = cj.jvp(function(...) return (f(...)) end, x, each(x, cj.zeros_like))
      return y + t
    end)
  end},
}

-- All that is compared, of a function at x: name, what gives the tensors.
local function views(f, x)
  local scalar = programs.scalar(f)
  local list = {
    {"value", function() return near.tensors(f(table.unpack(x))) end},
    {"Hessian", function() return near.tensors(cj.hessian(scalar, x)) end},
  }
  for _, strategy in ipairs {"reverse-mode", "forward-mode", "auto"} do
    list[#list + 1] = {strategy, function() return near.tensors(cj.jacobian(f, x, {strategy = strategy})) end}
  end
  return list
end

function nests.run(case, p)
  local r, wants = generator(p.seed + 7), {}
  for i, view in ipairs(views(p.f, p.inputs)) do
    local good, want = pcall(view[2])
    if not case(good, "program %d: %s: %s", p.seed, view[1], want) then return end
    wants[i] = want
  end
  for round = 1, ROUNDS do
    local f, what = p.f, ""
    for _ = 1, 1 + round // 2 do
      local wrapper = WRAPPERS[r(#WRAPPERS)]
      f, what = wrapper[2](f), wrapper[1] .. " of " .. what
    end
    for i, view in ipairs(views(f, p.inputs)) do
      local good, got = pcall(view[2])
      local same, why = good, got
      if good then same, why = near.relative(got, wants[i], TOLERANCE) end
      case(same, "program %d: %s%s: %s", p.seed, what, view[1], why)
    end
  end
end

return nests
