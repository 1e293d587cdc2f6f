-- cjac scripts/spec.lua NAME FILE.lua..: runs busted inside this interpreter.
--
-- Every `it` is a case.  One that looks at many counts them: local cases = require "cases"; cases(n).
-- The last line says "NAME: N cases, M failures".

local name = table.remove(arg, 1)
local counted = 0

package.path = "./tests/?.lua;./tests/spec/?.lua;" .. package.path
package.preload.cases = function()
  return function(n) counted = counted + n end
end

package.preload["busted.outputHandlers.closing"] = function()
  return function(options)
    local handler = require "busted.outputHandlers.plainTerminal"(options)
    require "busted".subscribe({"suite", "end"}, function()
      local bad = handler.failuresCount + handler.errorsCount
      print(("%s: %d cases, %d failures"):format(name, handler.successesCount + bad + counted, bad))
      return nil, true
    end)
    return handler
  end
end

arg[#arg + 1] = "--output=closing"
require "busted.runner" {standalone = false}
