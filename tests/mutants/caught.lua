-- Whether the checks of derivatives notice that a rule of a row is wrong: those of the row itself, or (others) of any row
-- that may be built from it.

package.path = "./tests/?.lua;" .. package.path
local derivatives = require "support.derivatives"
local rows = require "support.rows"

local name, others = ...

local function case(good) return good or error "caught" end

for _, row in ipairs(rows.all()) do
  if (row.name == name) ~= others and not pcall(derivatives.check, case, row) then return true end
end
return false
