-- way.lua -- the ways in which a case is computed and timed: cjac from C and from Lua, code by hand, other tools.
--   {label, results = function() -> list of tensors, time = function(n) -> processor seconds of n calls, why}
-- results is nil where only the time is of interest; why, if it is there, says what is missing, and it is a note.

local cj = require "cjac"
local host = require "host"

local way = {}

-- F, at inputs, called from C.  results(tensors) may put in order what is compared; false: nothing is.
function way.compiled(label, F, inputs, results)
  local function called()
    local list = table.pack(F(table.unpack(inputs)))
    if results then return results(table.unpack(list, 1, list.n)) end
    return list
  end
  called()
  local callee = host.callee(F, inputs)
  return {label = label, results = results ~= false and called or nil, time = function(n) return host.calls(callee, n) end}
end

-- make() where plans do not become machine code.
function way.interpreted(make)
  cj.config {native = false}
  local good, result = pcall(make)
  cj.config {native = true}
  if not good then error(result, 0) end
  return result
end

-- loop(n) makes n calls.
function way.lua(label, loop, results)
  return {label = label, results = results, time = function(n)
    local start = host.clock()
    loop(n)
    return host.clock() - start
  end}
end

-- One call is f().
function way.call(label, f, results)
  return way.lua(label, function(n) for _ = 1, n do f() end end, results)
end

-- bench_NAME of scripts/bench/c or cxx; shapes: those of its results.  opts.object: the shared object
-- that has it, if it is not this program;
-- opts.select(results): what of them is compared.
function way.hand(label, name, inputs, shapes, sizes, opts)
  opts = opts or {}
  local good, reference = pcall(host.reference, name, inputs, shapes, sizes or {}, opts.object)
  if not good or not reference then
    return {label = label, why = good and "absent" or reference}
  end
  return {label = label, time = function(n) return host.time(reference, n) end, results = function()
    host.time(reference, 1)
    local list = {host.results(reference)}
    for i, y in ipairs(list) do list[i] = cj.tensor(y) end
    return opts.select and opts.select(list) or list
  end}
end

-- The same without results: what it computes is something else.
function way.primal(...)
  local w = way.hand(...)
  w.results = nil
  return w
end

-- All numbers of a list of tensors as one vector.
function way.flat(list)
  local parts = {}
  for i, x in ipairs(list) do parts[i] = x:reshape(-1) end
  return cj.cat(parts, 1)
end

-- The ways of a program that is measured beside cjac (peer.lua).
function way.peer(p, case)
  local list = {}
  local function results(method)
    local numbers, why = p:result(case, method)
    return {cj.tensor(numbers or error(why, 0))}
  end
  for _, method in ipairs(p:methods(case)) do
    list[#list + 1] = {label = p.name .. " " .. method, time = function(n) return p:time(case, method, n) end,
                       theirs = true, results = function() return results(method) end}
  end
  return list
end

return way
