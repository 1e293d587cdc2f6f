-- Every golden case whose operations are there: values, Jacobians with each strategy, Hessians and products.

local cj = require "cjac"
local cases = require "support.cases"
local golden = require "support.golden"
local near = require "support.near"

local STRATEGIES = {"auto", "reverse-mode", "forward-mode"}

-- Does the tensor got hold what the block says?
local function matches(got, block, tol)
  if type(got) ~= "userdata" then return false, "a " .. type(got) .. ", not a tensor" end
  local shape = "[" .. table.concat(block.shape, ", ") .. "]"
  if near.shape(got) ~= shape then return false, ("shape %s, wanted %s"):format(near.shape(got), shape) end
  if got.dtype ~= block.dtype then return false, ("dtype %s, wanted %s"):format(got.dtype, block.dtype) end
  local have, want = near.flat(got), golden.numbers(block)
  for i = 1, #want do
    local a, b = have[i], want[i]
    if type(a) == "boolean" then a = a and 1 or 0 end
    local same = a == b or (a ~= a and b ~= b)
    if type(b) == "boolean" then same = have[i] == b end
    if not same and not (math.abs(a - b) <= tol.atol + tol.rtol * math.abs(b)) then
      return false, ("element %d is %s, wanted %s"):format(i, have[i], b)
    end
  end
  return true
end

-- Ties whose choice is free: every entry 0 or 1, and each output depends on as many inputs as it should.
local function matches_choice(got, block, outputs)
  local have, want = near.flat(got), golden.numbers(block)
  if #have ~= #want then return false, "another number of elements" end
  local width = #have // math.max(outputs, 1)
  for row = 0, outputs - 1 do
    local a, b = 0, 0
    for i = row * width + 1, (row + 1) * width do
      if have[i] ~= 0 and have[i] ~= 1 then return false, ("element %d is %s, neither 0 nor 1"):format(i, have[i]) end
      a, b = a + have[i], b + want[i]
    end
    if a ~= b then return false, ("row %d sums to %s, wanted %s"):format(row + 1, a, b) end
  end
  return true
end

local function check_list(case, what, got, want, tol)
  if not case(type(got) == "table" and #got == #want, "%s: not a list of %d", what, #want) then return end
  for i, block in ipairs(want) do
    local good, why = matches(got[i], block, tol)
    case(good, "%s, part %d: %s", what, i, why)
  end
end

-- Each block has the dtype of its input, whatever the file says.
local function typed(block, input)
  return {shape = block.shape, data = block.data, dtype = input.dtype}
end

local function check_jacobian(case, g, strategy)
  local good, j = pcall(cj.jacobian, g.f, g.x, {strategy = strategy})
  if not case(good, "jacobian, %s: %s", strategy, j) then return end
  local want = g.ideal_jacobian or g.jacobian
  local rows = golden.blocks(g, j)
  if not case(#rows == #want, "jacobian, %s: %d outputs, wanted %d", strategy, #rows, #want) then return end
  for i, row in ipairs(want) do
    for k, block in ipairs(row) do
      local ok, why
      if g.compare == "sum01" then
        ok, why = matches_choice(rows[i][k], block, #g.value[i].data)
      else
        ok, why = matches(rows[i][k], typed(block, g.inputs[k]), g.tol)
      end
      case(ok, "jacobian, %s, block [%d][%d]: %s", strategy, i, k, why)
    end
  end
end

local function check_hessian(case, g, strategy)
  local good, h = pcall(cj.hessian, g.f, g.x, {strategy = strategy})
  if not case(good, "hessian, %s: %s", strategy, h) then return end
  for i, row in ipairs(golden.list(h, g.inputs_form)) do
    check_list(case, "hessian, " .. strategy .. ", row " .. i, golden.list(row, g.inputs_form), g.hessian[i], g.tol)
  end
end

local function check_product(case, g, name, v_form, result_form)
  local given = golden.tensors(g[name].v)
  local good, y, p = pcall(cj[name], g.f, g.x, v_form == "tuple" and given or given[1])
  if not case(good, "%s: %s", name, y) then return end
  check_list(case, name .. ", outputs", golden.list(y, g.outputs_form), g.value, g.tol)
  check_list(case, name, golden.list(p, result_form), g[name].result, g.tol)
end

local function check(case, g)
  local value = table.pack(g.f(table.unpack(g.inputs)))
  if type(value[1]) == "table" then value = value[1] end
  check_list(case, "value", {table.unpack(value)}, g.value, g.tol)
  for _, strategy in ipairs(STRATEGIES) do check_jacobian(case, g, strategy) end
  if g.hessian then
    for _, strategy in ipairs(STRATEGIES) do check_hessian(case, g, strategy) end
  end
  if g.vjp then check_product(case, g, "vjp", g.outputs_form, g.inputs_form) end
  if g.jvp then check_product(case, g, "jvp", g.inputs_form, g.outputs_form) end
  if g.vhp then check_product(case, g, "vhp", g.inputs_form, g.inputs_form) end
  if g.hvp then check_product(case, g, "hvp", g.inputs_form, g.inputs_form) end
end

describe("golden", function()
  local names = golden.names()
  local ran, later = 0, {}
  if #names == 0 then
    it("is skipped: there is no data", function() print "golden: skipped, no data folder" end)
  end
  for _, name in ipairs(names) do
    local g = golden.read(name)
    local able, message = pcall(g.f, table.unpack(g.inputs))
    local missing = not able and golden.missing(message)
    if missing then
      later[#later + 1] = ("%s (%s)"):format(g.name, missing)
    else
      ran = ran + 1
      it(g.name, cases(function(case)
        if case(able, "value: %s", message) then check(case, g) end
      end))
    end
  end
  it("says what it ran", function()
    print(("\ngolden: %d cases ran, %d are left for later: %s"):format(ran, #later, table.concat(later, ", ")))
  end)
end)
