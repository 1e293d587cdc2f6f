-- emit.lua -- the C text of a compiled function's program, number by number, from how it prints itself: what a generator
-- of C would hand to a compiler.  Zeros that an embedding puts around a value are left out of sums.

local way = require "way"

local emit = {}

-- --- elements of shapes ------------------------------------------------------------

local function count(shape)
  local n = 1
  for _, d in ipairs(shape) do n = n * d end
  return n
end

-- Calls visit(indices from 0) for all elements of a shape, in row-major order.
local function each(shape, visit)
  local at = {}
  for k = 1, #shape do at[k] = 0 end
  for _ = 1, count(shape) do
    visit(at)
    for k = #shape, 1, -1 do
      at[k] = at[k] + 1
      if at[k] < shape[k] then break end
      at[k] = 0
    end
  end
end

local function offset(shape, at)
  local o = 0
  for k, d in ipairs(shape) do o = o * d + at[k] end
  return o + 1
end

-- The element of v that stands at `at` of a shape it is broadcast to.
local function broadcast(v, at)
  local index, skip = {}, #at - #v.shape
  for k, d in ipairs(v.shape) do index[k] = d == 1 and 0 or at[skip + k] end
  return v[offset(v.shape, index)]
end

-- --- instructions: (operands, shape of the result, attribute) -> its elements as C names ------------

local rows = {}

function rows.reshape(in_) return table.move(in_[1], 1, #in_[1], 1, {}) end

local function spread(in_, shape)
  local list = {}
  each(shape, function(at) list[#list + 1] = broadcast(in_[1], at) end)
  return list
end
rows.expand, rows.broadcast_to = spread, spread

-- Attributes of a slice and of an embedding: axis (from the end, from 1), first, step, size.
function rows.slice(in_, shape, attr)
  local list, v = {}, in_[1]
  each(shape, function(at)
    local from = table.move(at, 1, #at, 1, {})
    local axis = #shape + 1 - attr[1]
    from[axis] = attr[2] + attr[3] * from[axis]
    list[#list + 1] = v[offset(v.shape, from)]
  end)
  return list
end

function rows.embed(in_, shape, attr)
  local list, v = {}, in_[1]
  for i = 1, count(shape) do list[i] = "0" end
  each(v.shape, function(at)
    local to = table.move(at, 1, #at, 1, {})
    local axis = #shape + 1 - attr[1]
    to[axis] = attr[2] + attr[3] * to[axis]
    list[offset(shape, to)] = v[offset(v.shape, at)]
  end)
  return list
end

function rows.cat(in_, shape, attr)
  local list, axis, first = {}, #shape + 1 - attr[1], 0
  for _, v in ipairs(in_) do
    each(v.shape, function(at)
      local to = table.move(at, 1, #at, 1, {})
      to[axis] = to[axis] + first
      list[offset(shape, to)] = v[offset(v.shape, at)]
    end)
    first = first + v.shape[axis]
  end
  return list
end

local function sum_text(a, b)
  if a == "0" then return b end
  return b == "0" and a or a .. " + " .. b
end
local scalar = {
  add = sum_text,
  sub = function(a, b) return b == "0" and a or ("%s - %s"):format(a, b) end,
  mul = function(a, b) return (a == "0" or b == "0") and "0" or ("%s * %s"):format(a, b) end,
  div = function(a, b) return ("%s / %s"):format(a, b) end,
  neg = function(a) return a == "0" and a or "-" .. a end,
  square = function(a) return ("%s * %s"):format(a, a) end,
  reciprocal = function(a) return "1 / " .. a end,
  fma = function(a, b, c) return ("%s * %s + %s"):format(a, b, c) end,
}
for _, name in ipairs {"sin", "cos", "exp", "tanh", "sqrt", "log"} do
  scalar[name] = function(a) return ("%s(%s)"):format(name, a) end
end

-- --- a program ---------------------------------------------------------------------------

local function numbers(text)
  local list = {}
  for v in (text or ""):gmatch "%-?%d+" do list[#list + 1] = math.tointeger(v) end
  return list
end

local writer = {}
writer.__index = writer

function writer:name(text)
  if text:find "^[%w_]+$" then return text end
  self.n = self.n + 1
  self.body[#self.body + 1] = ("  double t%d = %s;"):format(self.n, text)
  return "t" .. self.n
end

function writer:elementwise(f, in_, shape)
  local list = {}
  each(shape, function(at)
    local args = {}
    for k, v in ipairs(in_) do args[k] = broadcast(v, at) end
    list[#list + 1] = self:name(f(table.unpack(args)))
  end)
  return list
end

function writer:instruction(line)
  local id, op, rest, shape = line:match "^  %%(%d+) = ([%w_]+) ?(.-) ?: %w+%[(.-)%]$"
  if not id then return end
  shape = numbers(shape)
  local in_ = {}
  for r in rest:gmatch "%%(%d+)" do in_[#in_ + 1] = self.value[r] end
  local v
  if op == "input" then
    v = {}
    for i = 1, count(shape) do v[i] = self:name(("((const double *)x[%s])[%d]"):format(rest, i - 1)) end
  elseif op == "konst" then
    v = self:elementwise(function() return tonumber(rest) == 0 and "0" or ("(%s)"):format(rest) end, {}, shape)
  elseif rows[op] then
    v = rows[op](in_, shape, numbers(rest:match "{(.-)}"))
  else
    local f = scalar[op] or error("emit: no C for " .. op, 0)
    v = self:elementwise(f, in_, shape)
  end
  v.shape = shape
  self.value[id] = v
end

-- The C text of F's program as bench_NAME (reference.h).
function emit.text(name, F)
  local w = setmetatable({n = 0, body = {}, value = {}}, writer)
  local text = tostring(F)
  for line in text:gmatch "[^\n]+" do w:instruction(line) end
  local k = 0
  for r in text:match("\n  return ([^\n]*)"):gmatch "%%(%d+)" do
    for i, e in ipairs(w.value[r]) do w.body[#w.body + 1] = ("  ((double *)y[%d])[%d] = %s;"):format(k, i - 1, e) end
    k = k + 1
  end
  return ('#include "reference.h"\n#include <math.h>\nBENCH(%s) {\n  BENCH_UNUSED(n);\n%s\n}\n'):format(
    name, table.concat(w.body, "\n"))
end

-- That, compiled with gcc -O2, as a way; F was called and its results have these shapes.
function emit.way(label, name, F, inputs, shapes)
  local good, text = pcall(emit.text, name, F)
  if not good then return {label = label, why = text} end
  local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
  local base = os.tmpname()
  local f = assert(io.open(base .. ".c", "w"))
  f:write(text)
  f:close()
  local done = os.execute(("gcc -O2 -shared -fPIC -I'%s' -o '%s.so' '%s.c' -lm"):format(here, base, base))
  local w = done and way.hand(label, name, inputs, shapes, {}, {object = base .. ".so"}) or {label = label, why = "gcc is missing"}
  for _, ending in ipairs {"", ".c", ".so"} do os.remove(base .. ending) end
  return w
end

return emit
