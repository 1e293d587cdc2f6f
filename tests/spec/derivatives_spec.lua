-- Every differentiable row: forward against reverse, both against differences, second order both ways.

local cases = require "support.cases"
local derivatives = require "support.derivatives"
local rows = require "support.rows"

describe("derivatives", function()
  local differentiable = 0
  for _, row in ipairs(rows.all()) do
    if #derivatives.examples(row) > 0 then
      differentiable = differentiable + 1
      it(row.title, cases(function(case) derivatives.check(case, row) end))
    end
  end
  it("says how many rows it looked at", function()
    print(("\nderivatives: %d differentiable rows"):format(differentiable))
    assert.is_true(differentiable > 0)
  end)
end)
