-- The op table as tests see it: rows, the argument lists to try each with, and its tensors.

local cj = require "cjac"
local sample = require "support.sample"

local rows = {}

-- "x, dim:axes?, keepdim:bool=false": name and kind of every argument.
function rows.arguments(row)
  local args = {}
  for piece in row.sig:gmatch "[^,]+" do
    local name, kind = piece:match "^%s*([%w_]+)%??:?([%w|]*)"
    args[#args + 1] = {name = name, kind = kind == "" and "T" or kind, optional = piece:find "[?=]" ~= nil}
  end
  return args
end

function rows.all()
  local list = cj.ops()
  for _, row in ipairs(list) do
    row.module = row.module and row.module:match "^[^,]*"
    row.title = (row.module or "(internal)") .. (row.module ~= "" and "." or "") .. row.name
    row.args = rows.arguments(row)
    for _, a in ipairs(row.args) do row.chooses_dtype = row.chooses_dtype or a.kind == "dtype" end
  end
  return list
end

-- Shapes of the operands of an elementwise row, by their number.
rows.shapes = {
  {{{}}, {{0}}, {{1}}, {{33}}, {{3, 4}}, {{2, 0, 3}}, {{2, 1, 3}}, {{5, 7}}, {{2, 3, 2, 2}}, {{130}}},
  {
    {{}, {}}, {{3}, {}}, {{}, {2, 2}}, {{3, 1}, {1, 4}}, {{33}, {33}}, {{2, 3}, {3}}, {{0}, {1}}, {{2, 0}, {1, 1}},
    {{2, 1, 3}, {4, 1}}, {{1}, {1}}, {{130}, {1}},
  },
  {
    {{}, {}, {}}, {{3}, {}, {3}}, {{3, 1}, {1, 4}, {}}, {{33}, {33}, {33}}, {{2, 3}, {3}, {2, 1}}, {{0}, {1}, {0}},
    {{}, {2, 2}, {2}}, {{1}, {1}, {1}},
  },
}

local function evaluate(text)
  local f = assert(load("return " .. text, "=example", "t", sample.env))
  return table.pack(f())
end

-- Functions that make an argument list each, with a name.
function rows.examples(row, shapes)
  local list = {}
  if row.domain and not row.example then
    for _, each in ipairs((shapes or rows.shapes)[#row.domain]) do
      local names = {}
      for i, shape in ipairs(each) do names[i] = row.domain:sub(i, i) .. "(" .. table.concat(shape, ",") .. ")" end
      local text = table.concat(names, ", ")
      list[#list + 1] = {text = text, make = function() return evaluate(text) end}
    end
  elseif row.example then
    for text in (row.example .. " | "):gmatch "(.-) | " do
      list[#list + 1] = {text = text, make = function() return evaluate(text) end}
    end
  end
  return list
end

local function istensor(x) return type(x) == "userdata" end

-- The tensors among arguments, also in tables, and what makes arguments with others in their place.
function rows.split(args)
  local found = {}
  local function collect(v)
    if istensor(v) then found[#found + 1] = v end
    if type(v) == "table" then
      for _, e in ipairs(v) do collect(e) end
    end
  end
  for i = 1, args.n do collect(args[i]) end
  local function rebuild(tensors)
    local k = 0
    local function swap(v)
      if istensor(v) then
        k = k + 1
        return tensors[k]
      elseif type(v) ~= "table" then
        return v
      end
      local out = {}
      for i, e in ipairs(v) do out[i] = swap(e) end
      return out
    end
    local out = {n = args.n}
    for i = 1, args.n do out[i] = swap(args[i]) end
    return table.unpack(out, 1, out.n)
  end
  return found, rebuild
end

-- Results as one list of tensors.
function rows.results(...)
  local first = ...
  if type(first) == "table" then return first end
  return {...}
end

function rows.isfloat(x) return x.dtype == "float64" or x.dtype == "float32" end

-- The float tensors in a list as that dtype; forms stay known.
function rows.cast(tensors, dtype)
  local out = {}
  for i, x in ipairs(tensors) do
    out[i] = rows.isfloat(x) and x:to(dtype) or x
    sample.form[out[i]] = sample.form[x]
  end
  return out
end

return rows
