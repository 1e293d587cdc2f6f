-- Random programs: every mode gives the same value, all ways to a derivative agree, wherever they are used.
-- More of them: CJAC_FUZZ="FROM TO" scripts/run scripts/spec.lua fuzz_spec tests/spec/fuzz_spec.lua

package.path = require "support.paths".root .. "tests/?.lua;" .. package.path

local cases = require "support.cases"
local checks = require "fuzz.checks"
local nests = require "fuzz.nests"
local programs = require "fuzz.programs"
local uses = require "fuzz.uses"

local first, last = (os.getenv "CJAC_FUZZ" or ""):match "(%d+) (%d+)"

-- what is checked, of programs of which kind, how many of them if nobody says
local PLAN <const> = {
  {"modes and derivatives", checks, "any", 600}, {"modes and derivatives", checks, "structure", 600},
  {"modes and derivatives", checks, "large", 40}, {"uses", uses, "any", 100}, {"uses", uses, "structure", 100},
  {"nests", nests, "any", 150}, {"nests", nests, "structure", 150},
}

for _, each in ipairs(PLAN) do
  local what, check, kind, count = table.unpack(each)
  describe(("%s of random programs (%s)"):format(what, kind), function()
    for from = tonumber(first or 1), tonumber(last or count), 50 do
      local to = math.min(from + 49, tonumber(last or count))
      it(("%d to %d"):format(from, to), cases(function(case)
        for seed = from, to do check.run(case, programs.new(seed, kind)) end
      end))
    end
  end)
end
