-- Random programs: every mode gives the same value, and all ways to a derivative agree.
-- More of them: CJAC_FUZZ="FROM TO" scripts/run scripts/spec.lua fuzz_spec tests/spec/fuzz_spec.lua

package.path = require "support.paths".root .. "tests/?.lua;" .. package.path

local cases = require "support.cases"
local checks = require "fuzz.checks"
local programs = require "fuzz.programs"

local first, last = (os.getenv "CJAC_FUZZ" or "1 600"):match "(%d+) (%d+)"

for _, kind in ipairs {"any", "structure"} do
  describe("random programs of " .. kind, function()
    for from = tonumber(first), tonumber(last), 50 do
      local to = math.min(from + 49, tonumber(last))
      it(("%d to %d"):format(from, to), cases(function(case)
        for seed = from, to do checks.run(case, programs.new(seed, kind)) end
      end))
    end
  end)
end
