-- bench_spec.lua -- what the benchmark says is right: its statistics, comparisons, verdicts, and the C text it emits.

local cj = require "cjac"
local paths = require "support.paths"

package.path = paths.root .. "scripts/bench/?.lua;" .. package.path
package.preload.host = package.preload.host or function() return {} end -- of its own interpreter
local emit, measure, report = require "emit", require "measure", require "report"

describe("statistics", function()
  it("are those of the sorted samples", function()
    assert.equal(3, measure.median {5, 1, 3})
    assert.equal(2.5, measure.median {4, 1, 2, 3})
    assert.equal(0.25, measure.spread {1, 2, 3, 4, 2})
  end)
end)

describe("comparing results", function()
  local a = cj.tensor {1, -2, 4}
  it("finds what differs, relative to the largest element", function()
    assert.is_nil(measure.difference({a}, {a + 3e-9}, 1e-9))
    assert.matches("differs by 1%.0e%-08", measure.difference({a}, {a + 4e-8}, 1e-9))
    assert.matches("differs by nan", (measure.difference({a}, {a * (0 / 0)}, 1e-9):gsub("-nan", "nan")))
  end)
  it("finds results of another number or size", function()
    assert.equal("1 results instead of 2", measure.difference({a, a}, {a}, 1e-9))
    assert.equal("result 1 has 2 elements instead of 3", measure.difference({a}, {cj.ones(2)}, 1e-9))
    assert.is_nil(measure.difference({cj.zeros(0)}, {cj.zeros(0)}, 1e-9))
  end)
end)

describe("measuring", function()
  it("takes turns, leaves out what is absent, and calls what is slow less often", function()
    local order = {}
    local function way(label, seconds)
      return {label = label, time = function(n)
        order[#order + 1] = label
        return seconds * n
      end}
    end
    local fast, slow, absent = way("fast", 1e-3), way("slow", 10), {label = "absent", why = "it is"}
    measure.run({fast, slow, absent}, {rounds = 5, batch = 0.01, most = 1})
    assert.equal(5, #fast.samples)
    assert.near(1e-3, fast.seconds, 1e-12)
    assert.same({10}, slow.samples)
    assert.is_nil(absent.samples)
    assert.equal(0, fast.spread)
  end)
end)

describe("a line of the table", function()
  local ways = {
    {label = "ours", seconds = 2e-6, spread = 0.01, value = 21},
    {label = "torch a", seconds = 9e-6, value = 20},
    {label = "torch b", seconds = 8e-6},
    {label = "gone", why = "it is not there"},
  }
  local function line(...)
    local cells = report.lines("case", ways, {{...}})[1]
    return cells[6], cells[7], cells[8], cells[9]
  end
  local function says(want, ...) assert.same(want, {line(...)}) end
  it("says what was reached and whether that is enough", function()
    says({"9.00 us", "0.22", "<= 0.30", "met"}, "ours", "<=", 0.3, "torch a")
    says({"9.00 us", "0.22", "<= 0.20", "MISSED"}, "ours", "<=", 0.2, "torch a")
    says({"8.00 us", "4.00x", ">= 4x", "met"}, "ours", ">=", 4, "torch*")
    says({"8.00 us", "4.00x", ">= 5x", "MISSED"}, "ours", ">=", 5, "torch*")
    says({"-", "2.00 us", "<= 1.00 us", "MISSED"}, "ours", "s", 1e-6)
    says({"20", "1.05", "<= 1.05", "met"}, "ours", "#", 1.05, "torch a")
    says({"2.00 us", "+7.00 us", "<= +100.0 ns", "MISSED"}, "torch a", "+", 100e-9, "ours")
    says({"9.00 us", "0.22", "-", ""}, "ours", nil, nil, "torch a")
  end)
  it("says what is absent", function()
    says({"absent", "-", "<= 0.30", ""}, "ours", "<=", 0.3, "gone")
    says({"absent", "-", "-", ""}, "ours", nil, nil, "unheard of")
    says({"absent", "-", ">= 40x", ""}, "ours", ">=", 40, "jax*")
    assert.equal("-", report.lines("case", ways, {{"gone", "<=", 1, "ours"}})[1][3])
  end)
  it("stands in columns", function()
    assert.equal("case  cjac\nab    x\n      y", report.aligned {{"case", "cjac"}, {"ab", "x"}, {"ab", "y"}})
  end)
end)

describe("emitted C", function()
  local function text(f, ...)
    local F = cj.compile(f)
    F(...)
    return emit.text("f", F)
  end
  it("has a line for every number", function()
    local c = text(function(q) return cj.stack {q[1] * q[2], q[2]:sin()} end, cj.tensor {1, 2})
    assert.matches("double t1 = %(%(const double %*%)x%[0%]%)%[0%];", c)
    assert.matches("double t3 = t1 %* t2;", c)
    assert.matches("double t4 = sin%(t2%);", c)
    assert.matches("%(%(double %*%)y%[0%]%)%[1%] = t4;", c)
  end)
  it("says which operation it cannot write", function()
    assert.has_error(function() text(function(x) return x:cumsum(1) end, cj.ones(3)) end, "emit: no C for cumsum")
  end)
end)
