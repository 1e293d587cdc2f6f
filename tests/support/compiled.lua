-- What the suites of compiled functions share.
local cj = require "cjac"

-- it: busted's, which only the environment of a spec has.
return function(it)
local function settled()
  collectgarbage()
  collectgarbage()
  cj._trim()
  return (cj._live())
end

-- Nothing is left behind but what the body returns.
local function case(name, body)
  it(name, function()
    body() -- what the binding makes once
    local before = settled()
    body()
    assert(settled() <= before, "memory was left behind")
  end)
end

return settled, case
end
