-- A fault at every place: the n-th operation raises, the n-th call into Lua raises or yields.  Afterwards the state
-- works, nothing stays open, and no memory is held.

local cj = require "cjac"
local cases = require "support.cases"
local expect = require "support.expect"
local near = require "support.near"

local x = cj.tensor{0.5, 1, 1.5}
local A = cj.tensor{{2, 0.5, 0}, {0.5, 3, 1}, {0, 1, 4}}

-- Scripts that pass through every part; step() marks where a fault may come.
local scripts = {
  eager = function(step)
    local y = x
    for _ = 1, 3 do
      step()
      y = (y * 2):sin() + y
    end
    step()
    return y
  end,
  jacobian = function(step)
    return cj.jacobian(function(a)
      step()
      local b = cj.linalg.solve(A, a)
      step()
      b[1] = a[2]
      step()
      return b * a, b:sum()
    end, x)[1]
  end,
  nested = function(step)
    return cj.jacobian(function(a)
      step()
      local g = cj.grad(function(b)
        step()
        return (b ^ 3):sum()
      end)(a)
      step()
      return g * a
    end, x)
  end,
  products = function(step)
    local _, p = cj.vjp(function(a)
      step()
      return a:exp()
    end, x, x)
    step()
    local _, q = cj.jvp(function(a)
      step()
      return a:exp()
    end, x, p)
    return q
  end,
  hessian = function(step)
    return cj.hessian(function(a)
      step()
      local s = (a * A:matmul(a)):sum()
      step()
      return s * s
    end, x)
  end,
  tape = function(step)
    local t = cj.tape()
    local a = t:watch(x)
    step()
    local y = (a ^ 2):sum()
    step()
    return t:gradient(y, a)
  end,
  vmap = function(step)
    return cj.vmap(function(a)
      step()
      return a * a
    end)(A)
  end,
  linearize = function(step)
    local _, lin = cj.linearize(function(a)
      step()
      return a:sin()
    end, x)
    step()
    return lin(x)
  end,
  compiled = function(step)
    local F = cj.compile(function(a)
      step()
      local b = a:sin()
      step()
      return b * a
    end)
    F(x)
    step()
    return F:jacobian()(x)
  end,
  values = function(step)
    return cj.jacobian(function(a)
      step()
      if a[1]:item() > 0 then a = a * 2 end
      step()
      assert(#tostring(a) > 0)
      step()
      return a
    end, x)
  end,
}

local faults = {
  ["raises a string"] = function() error "fault" end,
  ["raises a table"] = function() error({}) end,
  ["raises nil"] = function() error() end,
  ["calls an operation that fails"] = function() return x + cj.ones(7) end,
  ["yields"] = function() coroutine.yield() end,
  ["collects and raises"] = function()
    collectgarbage()
    error "fault"
  end,
}

local function settle()
  collectgarbage()
  collectgarbage()
  cj._trim()
  return (cj._live())
end

-- Runs a script in a coroutine with the fault at step n; whether it got to its end, and its result.
local function run(script, n, fault)
  local count = 0
  local co = coroutine.create(script)
  local good, result = coroutine.resume(co, function()
    count = count + 1
    if count == n then fault() end
  end)
  local ended = good and coroutine.status(co) == "dead"
  coroutine.close(co)
  return ended, result
end

-- Functions of their own, so that no tensor stays in a register while memory is looked at.
local function wanted(script) return near.flat(select(2, run(script, -1))) end
local function reaches_end(script, n, fault) return (run(script, n, fault)) end
local function as_before(script, want)
  local ended, got = run(script, -1)
  return ended and near.lists(near.flat(got), want, 0, 0)
end

local function sorted(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("a fault", function()
  for _, name in ipairs(sorted(scripts)) do
    for _, what in ipairs(sorted(faults)) do
      it(("in %s that %s"):format(name, what), cases(function(case)
        local script, fault = scripts[name], faults[what]
        local want = wanted(script)
        local before = settle()
        local ended, n = false, 0
        while not ended and n < 100 do
          n = n + 1
          ended = reaches_end(script, n, fault)
          local bytes = settle()
          case(bytes <= before, "step %d: memory is left: %d bytes against %d", n, bytes, before)
          case(as_before(script, want), "step %d: another result afterwards", n)
        end
        case(n > 1 and n < 100, "%d steps", n)
      end))
    end
  end
end)

describe("an operation that fails", function()
  it("leaves its arguments as they were", function()
    local y = cj.tensor{1, 2, 3}
    for _, f in ipairs {
      function() y:add_(cj.ones(2)) end,
      function() y[1] = cj.ones(2) end,
      function() y[5] = 1 end,
      function() y:copy_(cj.ones(4)) end,
      function() cj.linalg.solve(cj.zeros(3, 3), y) end,
      function() y:index_add(1, cj.long{9}, cj.ones(1)) end,
    } do
      assert.is_false((pcall(f)))
      expect.same(y, cj.tensor{1, 2, 3})
    end
  end)
end)
