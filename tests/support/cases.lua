-- Counting: one `it` may look at many cases; each that fails is named, and the `it` fails at its end.
--
--   it("sums", cases(function(case) case(1 + 1 == 2, "%d and %d", 1, 1) end))

local count = require "cases"

local SHOWN = 12

-- A test function that runs body(case); case(good, format, ...) is one case.
return function(body)
  return function()
    local n, bad = 0, {}
    local function case(good, format, ...)
      n = n + 1
      if not good then bad[#bad + 1] = format:format(...) end
      return good
    end
    body(case)
    count(math.max(n - 1, 0)) -- the `it` itself is one
    if #bad == 0 then return end
    local text = table.concat(bad, "\n  ", 1, math.min(#bad, SHOWN))
    error(("%d of %d cases fail:\n  %s%s"):format(#bad, n, text, #bad > SHOWN and "\n  ..." or ""), 0)
  end
end
