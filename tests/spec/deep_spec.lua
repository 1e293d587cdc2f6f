-- Deep and wide: a million operations in a chain and in a fan, cyclic and very deep tables, under a small C stack.
-- Everything runs in a child process with 256 KB of stack.

local cases = require "support.cases"
local child = require "support.child"

local children = {
  ["a chain of a million, reverse"] = [[
    local n = 1000000
    local _, g = cj.vjp(function(x)
      for _ = 1, n do x = x + 1 end
      return x
    end, cj.tensor{1, 2}, cj.tensor{3, 4})
    assert(g[1]:item() == 3 and g[2]:item() == 4)]],
  ["a chain of a million, forward"] = [[
    local n = 1000000
    local y, t = cj.jvp(function(x)
      for i = 1, n do x = i % 2 == 0 and x * 2 or x * 0.5 end
      return x
    end, cj.tensor{1, 2}, cj.tensor{3, 4})
    assert(y[2]:item() == 2 and t[1]:item() == 3 and t[2]:item() == 4)]],
  ["a nonlinear chain of a million, reverse"] = [[
    local n = 1000000
    local y, g = cj.vjp(function(x)
      for _ = 1, n do x = x:sin() end
      return x
    end, cj.tensor(1))
    assert(y:item() > 0 and y:item() < 0.01 and g:item() > 0 and g:item() < 1e-6)]],
  ["a loop of a million steps: value, gradient, both ways"] = [[
    local function f(a)
      return (cj.scan(function(c, x) return c * 0.999999 + x * a end, cj.tensor(0), cj.ones(1000000)))
    end
    local J, K = cj.jacobian(f, cj.tensor(2)), cj.jacobian(f, cj.tensor(2), {strategy = "forward-mode"})
    assert(math.abs(f(cj.tensor(2)):item() / 2 - J:item()) < 1e-6 and math.abs(J:item() - K:item()) < 1e-6)]],
  ["a fan of a million, reverse"] = [[
    local n = 1000000
    local _, g = cj.vjp(function(x)
      local s = x
      for _ = 2, n do s = s + x end
      return s
    end, cj.tensor(1))
    assert(g:item() == n)]],
  ["a fan of a million, forward"] = [[
    local n = 1000000
    local _, t = cj.jvp(function(x)
      local s = x
      for _ = 2, n do s = s + x end
      return s
    end, cj.tensor(1))
    assert(t:item() == n)]],
  ["sixty thousand operands in one"] = [[
    local function f(n)
      return function(x)
        local t = {}
        for i = 1, n do t[i] = x * i end
        return cj.stack(t):sum()
      end
    end
    local _, g = cj.vjp(f(60000), cj.tensor(1))
    assert(g:item() == 60000 * 60001 / 2)
    local good, message = pcall(cj.vjp, f(100000), cj.tensor(1))
    assert(good or message:find "cj.stack")]],
  ["a chain without a trace"] = [[
    local x = cj.tensor{1, 2}
    for _ = 1, 1000000 do x = x + 1 end
    assert(x[1]:item() == 1000001)]],
  ["a trace that ends in an error"] = [[
    local good = pcall(cj.vjp, function(x)
      for _ = 1, 1000000 do x = x + 1 end
      error "stop"
    end, cj.tensor(1))
    assert(not good)]],
  ["values asked for along the way"] = [[
    local _, g = cj.vjp(function(x)
      for i = 1, 100000 do
        x = x + 1
        if i % 1000 == 0 then assert(x:item() == i + 1) end
      end
      return x
    end, cj.tensor(1))
    assert(g:item() == 1)]],
  ["a second derivative of a long chain"] = [[
    local h = cj.hessian(function(x)
      local y = x
      for _ = 1, 20000 do y = (y * 0.5 + x * 0.5):sin() end
      return y
    end, cj.tensor(0.1))
    assert(h:item() == h:item())]],
  ["tables ten thousand deep"] = [[
    local t, u = {1}, {cj.tensor(1)}
    for _ = 1, 10000 do t, u = {t}, {u} end
    for _, f in ipairs {
      function() return cj.tensor(t) end,
      function() return cj.jacobian(function(x) return x end, u) end,
      function() return cj.grad(function(x) return cj.tensor(1) end)(u) end,
      function() return cj.jacobian(function(x) return u end, cj.tensor(1)) end,
      function() return cj.zeros(t) end,
      function() return cj.stack(t) end,
      function() return cj.ones(3)[t] end,
    } do
      local good, message = pcall(f)
      assert(good or type(message) == "string" and #message < 1000, message)
    end]],
  ["cyclic tables"] = [[
    local t = {}
    t[1], t[2] = t, t
    for _, f in ipairs {
      function() return cj.tensor(t) end,
      function() return cj.jacobian(function(x) return x end, t) end,
      function() return cj.grad(function(x) return cj.tensor(1) end)(t) end,
      function() return cj.jacobian(function(x) return t end, cj.tensor(1)) end,
      function() return cj.zeros(t) end,
      function() return cj.stack(t) end,
      function() return cj.ones(3)[t] end,
      function() return cj.ones(3):sum(t) end,
    } do
      local good, message = pcall(f)
      assert(not good and type(message) == "string" and #message < 1000, message)
    end]],
}

local frame = [[
local cj = require "cjac"
local function body()
%s
end
body()
collectgarbage()
collectgarbage()
cj._trim()
local bytes = cj._live()
assert(bytes < 4e6, "held after the end: " .. bytes)
print("done", os.clock())
]]

describe("deep and wide", function()
  local names = {}
  for name in pairs(children) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it(name, cases(function(case)
      local good, said, how = child.script(frame:format(children[name]), "ulimit -s 256;")
      local seconds = said:match "^done%s+([%d.]+)\n$"
      case(good and seconds, "%s: %s", how, said:sub(1, 600))
    end))
  end
end)
