-- Every row of the op table, at many shapes, in both float dtypes: at once, traced, replayed from the cache with
-- other numbers, on operands in another memory layout; its mistakes; its accuracy.  Names no operation.

local cj = require "cjac"
local cases = require "support.cases"
local near = require "support.near"
local rows = require "support.rows"
local sample = require "support.sample"

local TOLERANCE = {float64 = 1e-12, float32 = 2e-5}
local table_of_ops = rows.all()

-- x with the same elements, differently laid out in memory.
local function relay(x)
  if x.ndim == 0 or x:numel() == 0 then return x end
  return cj.tensor(x.T:totable(), {dtype = x.dtype}).T
end

local function relayed(tensors)
  local out = {}
  for i, x in ipairs(tensors) do out[i] = relay(x) end
  return out
end

-- Every operand as a float: what can be an input of a traced function.
local function as_inputs(tensors, dtype)
  local out = {}
  for i, x in ipairs(tensors) do out[i] = rows.isfloat(x) and x or x:to(dtype) end
  return out
end

-- The row as a function of its operands alone, which come as floats.
local function wrapped(row, tensors, rebuild)
  return function(...)
    local given = {}
    for i, x in ipairs {...} do given[i] = rows.isfloat(tensors[i]) and x or x:to(tensors[i].dtype) end
    return table.unpack(rows.results(row.call(rebuild(given))))
  end
end

local function zeros_like(tensors)
  local out = {}
  for i, x in ipairs(tensors) do out[i] = cj.zeros(x.shape, {dtype = x.dtype}) end
  return out
end

-- Outputs of the traced function.
local function traced(f, inputs)
  local y = cj.jvp(f, inputs, zeros_like(inputs))
  return rows.results(y)
end

local function check_mode(case, what, want, tolerance, good, got)
  if not case(good, "%s: %s", what, got) then return end
  local ok, why = near.all(got, want, tolerance, tolerance)
  case(ok, "%s: %s", what, why)
end

-- A row at one argument list: modes against the eager result.
local function check_modes(case, row, example, dtype)
  local what = example.text .. " " .. dtype
  local args = example.make()
  local tensors, rebuild = rows.split(args)
  tensors = rows.cast(tensors, dtype)
  local tolerance = TOLERANCE[dtype]
  local function eager(list) return rows.results(row.call(rebuild(list))) end
  local good, want = pcall(eager, tensors)
  if not case(good, "%s: eager: %s", what, want) then return end
  case(#want > 0 or row.list_result, "%s: no result", what)
  for i, y in ipairs(row.chooses_dtype and {} or want) do
    case(y.dtype == dtype or not rows.isfloat(y), "%s: result %d is %s", what, i, y.dtype)
  end
  check_mode(case, what .. ": another layout", want, tolerance, pcall(eager, relayed(tensors)))
  if #tensors == 0 then return end
  local f = wrapped(row, tensors, rebuild)
  local inputs = as_inputs(tensors, dtype)
  local function check_traced(how, list, expected)
    check_mode(case, what .. ": " .. how, expected, tolerance, pcall(traced, f, list))
  end
  check_traced("traced", inputs, want)
  check_traced("traced, another layout", relayed(inputs), want)
  local other = rows.cast(rows.split(example.make()), dtype)
  good, want = pcall(eager, other)
  if not case(good, "%s: eager again: %s", what, want) then return end
  check_traced("replayed", as_inputs(other, dtype), want)
  check_traced("replayed again", as_inputs(other, dtype), want)
end

describe("modes", function()
  for _, row in ipairs(table_of_ops) do
    local examples = rows.examples(row)
    if #examples > 0 then
      it(row.title, cases(function(case)
        sample.seed(row.name)
        for _, example in ipairs(examples) do
          for dtype in pairs(TOLERANCE) do check_modes(case, row, example, dtype) end
        end
      end))
    end
  end
  it("every public row has examples", cases(function(case)
    for _, row in ipairs(table_of_ops) do
      case(not row.module or row.example or row.domain, "%s has no example", row.title)
      case(row.doc and #row.doc > 0, "%s has no doc", row.title)
    end
  end))
end)

-- --- numbers, operators, methods --------------------------------------------------

local SYMBOLS = {__add = "+", __sub = "-", __mul = "*", __div = "/", __pow = "^", __mod = "%", __idiv = "//"}

describe("faces", function()
  it("operators do what the row does", cases(function(case)
    for _, row in ipairs(table_of_ops) do
      local symbol = row.meta and SYMBOLS[row.meta]
      if symbol then
        local operator = load("local a, b = ... return a " .. symbol .. " b")
        local a = sample.letter(row.domain:sub(1, 1), {2, 3})
        local b = sample.letter(row.domain:sub(2, 2), {3})
        for _, pair in ipairs {{a, b}, {a, 2.5}, {2.5, b}, {a, 2}, {2, b}, {a:float(), b:float()}, {a:float(), 2.5}} do
          local got, want = operator(pair[1], pair[2]), row.call(pair[1], pair[2])
          case(near.equal(got, want), "%s by %s", row.title, symbol)
        end
        case(operator(a:float(), 2.5).dtype == "float32", "%s: a number changes the dtype", row.title)
      elseif row.meta == "__unm" then
        local a = sample.letter(row.domain, {2, 3})
        case(near.equal(-a, row.call(a)), "%s by -", row.title)
      end
      case(not row.meta or symbol or row.meta == "__unm", "%s has the unknown operator %s", row.title, row.meta)
    end
  end))

  it("functions and methods are the row", cases(function(case)
    local x = cj.ones(2, 2)
    for _, row in ipairs(table_of_ops) do
      if row.module then
        local where = row.module == "" and cj or cj[row.module]
        case(where and where[row.name], "%s is not in the module", row.title)
      end
      if row.method then case(x[row.name] ~= nil, "%s is no method", row.title) end
    end
  end))

  it("numbers take part without changing the dtype", cases(function(case)
    for _, row in ipairs(table_of_ops) do
      if row.domain and #row.domain == 2 and not row.domain:find "[BI]" and row.differentiable then
        for dtype in pairs(TOLERANCE) do
          local a, b = sample.letter(row.domain:sub(1, 1), {3}), sample.letter(row.domain:sub(2, 2), {})
          a, b = a:to(dtype), b:to(dtype)
          local want = row.call(a, b)
          local good, why = near.equal(row.call(a, b:item()), want, TOLERANCE[dtype], 0)
          case(good, "%s with a number: %s", row.title, why)
          a, b = a[1], sample.letter(row.domain:sub(2, 2), {3}):to(dtype)
          good, why = near.equal(row.call(a:item(), b), row.call(a, b), TOLERANCE[dtype], 0)
          case(good, "%s of a number: %s", row.title, why)
        end
      end
    end
  end))
end)

-- --- accuracy ------------------------------------------------------------------------

-- Operands from 1e-6 to nearly 1 that float32 has exactly, in a domain.
local function logspaced(letter, turn)
  local flat = {}
  for i = 0, 60 do
    local k = turn and 60 - i or i
    flat[i + 1] = letter == "I" and 1 + k % 3 or (letter == "G" and 1 or 0) + 0.9 * 10 ^ (-6 * k / 60)
  end
  return cj.tensor(flat):float()
end

describe("accuracy", function()
  it("float32 against float64 on log-spaced operands", cases(function(case)
    for _, row in ipairs(table_of_ops) do
      if row.domain and not row.domain:find "B" and row.differentiable then
        local single, double = {}, {}
        for i = 1, #row.domain do
          single[i] = logspaced(row.domain:sub(i, i), i == 2)
          double[i] = single[i]:double()
        end
        local got, want = row.call(table.unpack(single)):double(), row.call(table.unpack(double))
        local good, why = near.equal(got, want, 1e-6, 1e-38)
        case(good, "%s: %s", row.title, why)
      end
    end
  end))

  it("float64 against Lua's own functions", cases(function(case)
    for _, row in ipairs(table_of_ops) do
      local reference = row.domain and row.module == "" and math[row.name]
      if reference and #row.domain <= 2 then
        local operands = {}
        for i = 1, #row.domain do operands[i] = sample.letter(row.domain:sub(i, i), {131}) end
        local got, want = near.flat(row.call(table.unpack(operands))), {}
        local lists = {}
        for i, x in ipairs(operands) do lists[i] = near.flat(x) end
        for k = 1, 131 do want[k] = reference(lists[1][k], lists[2] and lists[2][k]) end
        local good, why = near.lists(got, want, 4e-16, 0)
        case(good, "%s: %s", row.title, why)
      end
    end
  end))
end)

-- --- the edges of the number line ------------------------------------------------------

local EDGES = {0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1 / 0, -1 / 0, 0 / 0, 5e-324, -5e-324,
               2.2e-308, 1e308, -1e308, 1e-300, 1e16, 709.5, -745, 1e5, 3.0, -7.0}

-- Where Lua's result is an integer it has lost the sign.
local function samezero(a, b) return a ~= 0 or b ~= 0 or math.type(b) == "integer" or 1 / a == 1 / b end

-- What C's Annex F says, as Lua's own functions have it: alone, and in the lanes of a vector.
local function check_edges(case, row, reference, nin)
  local first, second, want = {}, {}, {}
  for _, a in ipairs(EDGES) do
    for _, b in ipairs(nin == 2 and EDGES or {0}) do
      local good, value = pcall(reference, a, nin == 2 and b or nil)
      if good then
        first[#first + 1], second[#second + 1], want[#want + 1] = a, b, value
      end
    end
  end
  local function call(x, z) return near.flat(nin == 2 and row.call(x, z) or row.call(x)) end
  local all = call(cj.tensor(first), cj.tensor(second))
  for i = 1, #want do
    for how, got in pairs {alone = call(cj.tensor(first[i]), cj.tensor(second[i]))[1], ["in a vector"] = all[i]} do
      local good = near.lists({got}, {want[i]}, 4e-16, 5e-324) and samezero(got, want[i])
      case(good, "%s of %s, %s, %s: %s, wanted %s", row.title, first[i], second[i], how, got, want[i])
    end
  end
end

describe("edges", function()
  it("as Lua's own functions have them", cases(function(case)
    for _, row in ipairs(table_of_ops) do
      local reference = row.domain and row.module == "" and math[row.name]
      if reference then check_edges(case, row, reference, #row.domain) end
    end
  end))
  it("as Lua's operators have them", cases(function(case)
    for _, row in ipairs(table_of_ops) do
      local symbol = row.meta and SYMBOLS[row.meta]
      if symbol and symbol ~= "//" then -- which rounds what is exact, as PyTorch's does, and not a rounded quotient
        check_edges(case, row, load("local a, b = ... return a " .. symbol .. " b"), 2)
      end
    end
  end))
end)

-- --- mistakes ----------------------------------------------------------------------------

local AXES = {axis = true, axes = true, perm = true}
local BAD = {function() end, coroutine.create(print), "no such thing"}

-- Calls that must fail, as lists of arguments.
local function mistakes(row, args)
  local list = {}
  local function add(what, changed) list[#list + 1] = {what = what, args = changed} end
  local function with(i, v)
    local copy = {n = math.max(args.n, i), table.unpack(args, 1, args.n)}
    copy[i] = v
    return copy
  end
  add("no arguments", {n = 0})
  add("an unknown option", with(args.n + 1, {nosuch = 1}))
  local many = {n = args.n + 20, table.unpack(args, 1, args.n)}
  for i = args.n + 1, args.n + 20 do many[i] = print end
  add("too many arguments", many)
  for i = 1, math.min(args.n, #row.args) do
    local kind = row.args[i].kind
    for _, v in ipairs(BAD) do
      local what = ("a %s as argument %d"):format(type(v), i)
      if not (type(v) == "string" and kind == "str") then add(what, with(i, v)) end
    end
    if AXES[kind] and args[i] ~= nil then add("dim 99 as argument " .. i, with(i, 99)) end
    if AXES[kind] and args[i] ~= nil then add("dim 0 as argument " .. i, with(i, 0)) end
  end
  if row.domain and #row.domain >= 2 then
    local shapes = {{2, 3}, {4}, {2, 3}}
    local bad = {n = #row.domain}
    for i = 1, bad.n do bad[i] = sample.letter(row.domain:sub(i, i), shapes[i]) end
    add("shapes that do not go together", bad)
  end
  return list
end

describe("mistakes", function()
  for _, row in ipairs(table_of_ops) do
    local examples = rows.examples(row)
    if #examples > 0 and row.module then
      it(row.title, cases(function(case)
        sample.seed(row.name)
        local n = 0
        for _, m in ipairs(mistakes(row, examples[#examples].make())) do
          n = n + 1
          local good, message = pcall(row.call, table.unpack(m.args, 1, m.args.n))
          if case(not good, "%s: no error", m.what) then
            message = tostring(message)
            case(message:find("cj." .. row.title, 1, true), "%s: the function is not named: %s", m.what, message)
          end
        end
        case(n >= 3, "only %d mistakes", n)
      end))
    end
  end
end)
