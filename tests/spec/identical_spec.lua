-- The same results to the bit: in every run, whatever the collector does, wherever tensors lie in memory.  A run of its
-- own has its memory elsewhere and its tables in another order.

local cj = require "cjac"
local bits = require "support.bits"
local cases = require "support.cases"
local child = require "support.child"
local fingerprints = require "support.fingerprints"
local rows = require "support.rows"

local PROGRAMS <const> = tonumber(os.getenv "CJAC_IDENTICAL_PROGRAMS") or 60
local RUNS <const> = 3

local COLLECTORS <const> = {
  {"incremental", "collectgarbage 'incremental'"},
  {"generational", "collectgarbage 'generational'"},
  {"eager", "collectgarbage('incremental', 105, 400)"},
}

-- The lines of one run.
local function run(collector)
  local good, said, how = child.script(([[
    package.path = "./tests/?.lua;" .. package.path
    %s
    require("support.fingerprints").print(%d)]]):format(collector, PROGRAMS))
  assert(good, how .. ": " .. said)
  local lines = {}
  for line in said:gmatch "[^\n]+" do lines[#lines + 1] = line end
  assert.equal("lines\t" .. #lines - 1, lines[#lines])
  return lines
end

describe("the same bits", function()
  it("in every run, with every manner of collecting", cases(function(case)
    local first
    for _, collector in ipairs(COLLECTORS) do
      for turn = 1, RUNS do
        local lines = run(collector[2])
        first = first or lines
        case(#lines == #first, "%s, run %d: %d lines, %d before", collector[1], turn, #lines, #first)
        for i, line in ipairs(lines) do case(line == first[i], "%s, run %d: %s", collector[1], turn, line) end
      end
    end
  end))

  -- x in the middle of a larger tensor, some elements behind its start
  local function moved(x, elements)
    if x.ndim == 0 or x:numel() == 0 then return x end
    local room = cj.zeros(x:numel() + 80, {dtype = x.dtype})
    local y = room[{{elements + 1, elements + x:numel()}}]:view(x.shape)
    y:copy_(x)
    return y
  end

  it("wherever the operands of an operation lie", cases(function(case)
    for _, row in ipairs(rows.all()) do
      for _, example in ipairs(rows.examples(row)) do
        local tensors, rebuild = rows.split(example.make())
        local function apply(list)
          cj.manual_seed(7)
          return bits.of(rows.results(row.call(rebuild(list))))
        end
        local want = apply(tensors)
        for _, elements in ipairs {1, 2, 3, 5} do
          local list = {}
          for i, x in ipairs(tensors) do list[i] = moved(x, elements + i) end
          case(apply(list) == want, "%s (%s): %d elements further", row.title, example.text, elements)
        end
      end
    end
  end))

  it("wherever inputs of functions, and what is computed from them, lie", cases(function(case)
    for _, each in ipairs(fingerprints.functions) do
      local name, f = each[1], each[2]
      local x = fingerprints.inputs(each)
      local before = {}
      fingerprints.of_function(f, x, function(what, ...) before[#before + 1] = {what, bits.of(...)} end)
      for elements = 1, 8 do
        local list, k = {}, 0
        for i, z in ipairs(x) do list[i] = moved(z, elements * i) end
        fingerprints.of_function(f, list, function(what, ...)
          k = k + 1
          case(bits.of(...) == before[k][2], "%s, %s: %d elements further", name, what, elements)
        end)
        case(k == #before, "%s: %d results, %d before", name, k, #before)
      end
    end
  end))

  it("wherever the results of compiled functions are put", cases(function(case)
    for _, each in ipairs(fingerprints.functions) do
      local x = fingerprints.inputs(each)
      local F = cj.compile(each[2])
      local want = table.pack(F(table.unpack(x)))
      for elements = 1, 8 do
        local out = {}
        for i, y in ipairs(want) do out[i] = moved(cj.zeros_like(y), elements * i) end
        x[#x + 1] = {out = #out == 1 and out[1] or out}
        F(table.unpack(x))
        x[#x] = nil
        for i, y in ipairs(out) do
          case(bits.of(y) == bits.of(want[i]), "%s: result %d, %d elements further", each[1], i, elements)
        end
      end
    end
  end))
end)
