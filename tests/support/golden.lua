-- Golden cases: reading them, and what of a case is asked for.

local cj = require "cjac"
local json = require "support.json"
local paths = require "support.paths"

local golden = {}

local special = {nan = 0 / 0, inf = 1 / 0, ["-inf"] = -1 / 0}

local function number(x)
  if type(x) == "string" then return assert(special[x], "a number named " .. x) end
  return x
end

-- {shape, dtype, data} as its numbers.
function golden.numbers(block)
  local out = {}
  for i, x in ipairs(block.data) do out[i] = number(x) end
  return out
end

function golden.tensor(block)
  local flat = golden.numbers(block)
  if #flat == 0 then return cj.zeros(block.shape, {dtype = block.dtype}) end
  return cj.tensor(flat, {dtype = block.dtype}):reshape(block.shape)
end

function golden.tensors(blocks)
  local out = {}
  for i, b in ipairs(blocks) do out[i] = golden.tensor(b) end
  return out
end

-- Names of the cases; empty where there are none.
function golden.names() return paths.list(paths.shared .. "/golden/public", ".json") end

function golden.read(name)
  local case = json.decode(paths.read(paths.shared .. "/golden/public/" .. name))
  local load_f = assert(load("local cj = ...; return " .. case.lua_expr, "=" .. case.name, "t"))
  case.f = load_f(cj)
  case.inputs = golden.tensors(case.inputs)
  case.x = case.inputs_form == "tuple" and case.inputs or case.inputs[1]
  return case
end

-- Results in the form that inputs or outputs came in, as a list.
function golden.list(v, form)
  if form == "tuple" then return v end
  return {v}
end

-- A Jacobian as rows of blocks.
function golden.blocks(case, j)
  local out = {}
  for i, row in ipairs(golden.list(j, case.outputs_form)) do out[i] = golden.list(row, case.inputs_form) end
  return out
end

-- The name of an operation that is not there yet, if that is what the error says.
local drivers = {jacobian = true, hessian = true, vjp = true, jvp = true, vhp = true, hvp = true, ops = true}
function golden.missing(message)
  local name = message:match "attempt to call a nil value %(%a+ '([%w_]+)'%)"
    or message:match "attempt to index a nil value %(%a+ '([%w_]+)'%)"
  return not drivers[name] and name or nil
end

return golden
