-- Anything of Lua inside a traced function: errors, coroutines, collection, hooks, derivatives of derivatives;
-- and traced tensors that leave their function.

local cj = require "cjac"
local expect = require "support.expect"

local same, fails = expect.same, expect.fails
local T = cj.tensor
local x = T{1, 2, 3}
local square = (2 * x):diag()

-- After everything: no trace is open, so a plain tensor function works and memory does not grow.
local function settled()
  collectgarbage()
  collectgarbage()
  cj._trim()
  return (cj._live())
end

local function works() same(cj.jacobian(function(a) return a * a end, x), square) end

-- A case after which everything must still work, with nothing left behind.
local function case(name, body)
  it(name, function()
    works()
    local before = settled()
    body()
    works()
    assert.is_true(settled() <= before, "memory was left behind")
  end)
end

describe("errors inside f", function()
  case("a string keeps its line", function()
    local line
    local message = fails("my own words", cj.jacobian, function(a)
      line = debug.getinfo(1, "l").currentline + 1
      error "my own words"
    end, x)
    assert.truthy(message:find("reentry_spec.lua:" .. line .. ": my own words", 1, true))
  end)
  case("an operation's error has f's line", function()
    local line
    local message = fails({"cj.add", "[3]", "[2]"}, cj.jacobian, function(a)
      line = debug.getinfo(1, "l").currentline + 1
      return a + T{1, 2}
    end, x)
    assert.truthy(message:find("reentry_spec.lua:" .. line .. ":", 1, true), message)
  end)
  case("a table comes out as it is", function()
    local object = setmetatable({}, {__tostring = function() return "an object" end})
    local good, e = pcall(cj.jacobian, function() error(object) end, x)
    assert.is_false(good)
    assert.equal(object, e)
  end)
  case("nil, a number, a boolean, a function, a tensor", function()
    for _, e in ipairs {false, 42, print, x} do
      local good, got = pcall(cj.jacobian, function() error(e, 0) end, x)
      assert.is_false(good)
      assert.is_true(rawequal(e, got) or tostring(e) == tostring(got))
    end
    local good, got = pcall(cj.jacobian, function() error() end, x)
    assert.is_false(good)
    assert.is_nil(got)
  end)
  case("in every driver", function()
    local function f() error("stop", 0) end
    for _, name in ipairs {"jacobian", "hessian", "vjp", "jvp", "vhp", "hvp", "value_and_jacobian", "linearize"} do
      fails("stop", cj[name], f, x)
    end
    for _, name in ipairs {"grad", "value_and_grad", "jacrev", "jacfwd", "vmap"} do fails("stop", cj[name](f), x) end
  end)
  case("caught inside f, and f goes on", function()
    same(cj.jacobian(function(a)
      local good = pcall(function() return a + T{1, 2} end)
      assert(not good)
      return a * a
    end, x), square)
  end)
  case("of an inner jacobian, caught", function()
    same(cj.jacobian(function(a)
      local good = pcall(cj.jacobian, function(b) error "inner" end, a)
      assert(not good)
      return a * a
    end, x), square)
  end)
  case("of an inner jacobian, not caught", function()
    fails("inner", cj.jacobian, function(a)
      return cj.jacobian(function() error "inner" end, a)
    end, x)
  end)
  case("a message handler that uses tensors", function()
    local good, got = xpcall(cj.jacobian, function(m) return (x * 2):sum():item() end, function() error "e" end, x)
    assert.is_false(good)
    assert.equal(12, got)
  end)
  case("a stack overflow", function()
    local function deep(a) return deep(a * 1) + 1 end
    local good, message = pcall(cj.jacobian, deep, x)
    assert.is_false(good)
    assert.truthy(tostring(message):find "overflow")
  end)
  case("a jacobian in a jacobian without end", function()
    local function f(a) return cj.jacobian(f, a) end
    assert.is_false((pcall(f, x)))
  end)
end)

describe("what f returns", function()
  case("nothing", function() fails("cj.jacobian", cj.jacobian, function() end, x) end)
  case("nil", function() fails("cj.jacobian", cj.jacobian, function() return nil end, x) end)
  case("a number", function() fails({"cj.jacobian", "number"}, cj.jacobian, function() return 1 end, x) end)
  case("a string", function() fails({"cj.jacobian", "string"}, cj.jacobian, function() return "s" end, x) end)
  case("a function", function() fails({"cj.jacobian", "function"}, cj.jacobian, function() return print end, x) end)
  case("an empty table", function() fails("cj.jacobian", cj.jacobian, function() return {} end, x) end)
  case("a table with a hole", function()
    local good, j = pcall(cj.jacobian, function(a) return {a, nil, a} end, x)
    assert.is_true(not good or type(j) == "table")
  end)
  case("a table that holds itself", function()
    local t = {}
    t[1] = t
    fails("cj.jacobian", cj.jacobian, function() return t end, x)
  end)
  case("a table nested too deep", function()
    fails("cj.jacobian", cj.jacobian, function(a)
      local t = {a}
      for _ = 1, 10000 do t = {t} end
      return t
    end, x)
  end)
  case("its input", function() same(cj.jacobian(function(a) return a end, x), cj.eye(3)) end)
  case("one output twice", function()
    same(cj.jacobian(function(a)
      local b = a * a
      return b, b
    end, x), {square, square})
  end)
  case("a captured tensor", function() same(cj.jacobian(function() return x end, x), cj.zeros(3, 3)) end)
  case("two hundred outputs", function()
    local j = cj.jacobian(function(a)
      local t = {}
      for i = 1, 200 do t[i] = a * i end
      return table.unpack(t)
    end, x)
    assert.equal(200, #j)
    same(j[200], 200 * cj.eye(3))
  end)
  case("a tensor with a metatable's table", function()
    local t = setmetatable({}, {__index = function() error "not read" end})
    fails("cj.jacobian", cj.jacobian, function() return t end, x)
  end)
end)

describe("a traced tensor after its function", function()
  local kept
  local function keep()
    cj.jacobian(function(a)
      kept = a * 2
      return kept
    end, x)
    return kept
  end
  local uses = {
    ["in an operation"] = function(t) return t + 1 end,
    ["as the second operand"] = function(t) return x + t end,
    ["in a matrix product"] = function(t) return x:matmul(t) end,
    ["in a list"] = function(t) return cj.stack{x, t} end,
    ["indexed"] = function(t) return t[1] end,
    ["indexed by a range"] = function(t) return t[{{1, 2}}] end,
    ["called"] = function(t) return t(1) end,
    ["assigned to"] = function(t) t[1] = 0 end,
    ["assigned from"] = function(t)
      local y = x:clone()
      y[1] = t[1]
    end,
    ["its item"] = function(t) return t:item() end,
    ["its table"] = function(t) return t:totable() end,
    ["its length"] = function(t) return #t end,
    ["its shape"] = function(t) return t.shape end,
    ["compared"] = function(t) return t < 1 end,
    ["compared for equality"] = function(t) return t == x end,
    ["compared the other way"] = function(t) return 1 <= t end,
    ["in place"] = function(t) t:add_(1) end,
    ["as a mask"] = function(t) return x[t] end,
    ["as an input"] = function(t) return cj.jacobian(function(a) return a end, t) end,
    ["captured in another function"] = function(t) return cj.jacobian(function(a) return a * t end, x) end,
    ["returned from another function"] = function(t) return cj.jacobian(function() return t end, x) end,
    ["as a vector"] = function(t) return cj.vjp(function(a) return a end, x, t) end,
  }
  local names = {}
  for name in pairs(uses) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    case(name, function()
      local t = keep()
      local message = fails("", uses[name], t)
      assert.truthy(tostring(message):find "outlived" or tostring(message):find "traced", message)
      kept = nil
    end)
  end
  case("printed", function()
    local t = keep()
    assert.is_true(#tostring(t) > 0)
    kept = nil
  end)
  case("as a key, collected", function()
    local t = keep()
    assert.is_true(t == t)
    assert.equal(1, ({[t] = 1})[t])
    t, kept = nil, nil
  end)
end)

describe("coroutines", function()
  case("one that starts and ends inside f", function()
    same(cj.jacobian(function(a)
      local co = coroutine.wrap(function(b)
        local c = coroutine.yield(b * b)
        return c + b
      end)
      local s = co(a)
      return co(s)
    end, x), (2 * x + 1):diag())
  end)
  case("a generator of outputs", function()
    local j = cj.jacobian(function(a)
      local out = {}
      for y in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(a[i] ^ 2) end end) do out[#out + 1] = y end
      return cj.stack(out)
    end, x)
    same(j, square)
  end)
  case("f may not yield across the call", function()
    local co = coroutine.create(function() return cj.jacobian(function(a) return coroutine.yield(a) end, x) end)
    local good, message = coroutine.resume(co)
    assert.is_false(good)
    assert.truthy(tostring(message):find "yield")
  end)
  case("a jacobian inside a coroutine", function()
    local co = coroutine.wrap(function()
      for i = 1, 3 do coroutine.yield(cj.jacobian(function(a) return a * a end, x * i)) end
    end)
    for i = 1, 3 do same(co(), square * i) end
  end)
  case("a traced tensor in a coroutine that outlives f", function()
    local co
    cj.jacobian(function(a)
      co = coroutine.create(function()
        coroutine.yield(a * 2)
        return a * 3
      end)
      coroutine.resume(co)
      return a
    end, x)
    local good, message = coroutine.resume(co)
    assert.is_false(good)
    assert.truthy(tostring(message):find "outlived" or tostring(message):find "traced")
  end)
  case("two functions traced in turn", function()
    local function run(k)
      return coroutine.wrap(function()
        return cj.jacobian(function(a)
          return a * a * k
        end, x)
      end)
    end
    local a, b = run(1), run(2)
    same(b(), 2 * square)
    same(a(), square)
  end)
  case("an error in a coroutine inside f", function()
    same(cj.jacobian(function(a)
      local co = coroutine.create(function() error "in a coroutine" end)
      assert(not coroutine.resume(co))
      return a * a
    end, x), square)
  end)
  case("one closed while it is inside f's coroutine", function()
    same(cj.jacobian(function(a)
      local co = coroutine.create(function() coroutine.yield(a * 2) end)
      coroutine.resume(co)
      coroutine.close(co)
      return a * a
    end, x), square)
  end)
  case("a jacobian abandoned in a dead coroutine", function()
    do
      local co = coroutine.create(function()
        local t = cj.tape()
        t:watch(x)
        coroutine.yield()
      end)
      coroutine.resume(co)
    end
    collectgarbage()
  end)
end)

describe("the collector", function()
  case("a full collection at every step", function()
    same(cj.jacobian(function(a)
      local y = a
      for _ = 1, 10 do
        y = y * 1
        collectgarbage()
      end
      return y * a
    end, x), square)
  end)
  case("generational mode", function()
    collectgarbage "generational"
    for _ = 1, 50 do works() end
    collectgarbage "incremental"
  end)
  case("a finalizer that differentiates", function()
    local n = 0
    setmetatable({}, {__gc = function()
      works()
      n = n + 1
    end})
    same(cj.jacobian(function(a)
      collectgarbage()
      collectgarbage()
      return a * a
    end, x), square)
    assert.equal(1, n)
  end)
  case("a finalizer that raises", function()
    setmetatable({}, {__gc = function() error "in a finalizer" end})
    same(cj.jacobian(function(a)
      collectgarbage()
      return a * a
    end, x), square)
  end)
  case("many temporaries", function()
    same(cj.jacobian(function(a)
      for _ = 1, 2000 do local _ = a * 2 end
      return a * a
    end, x), square)
  end)
end)

describe("hooks and handlers", function()
  case("a count hook", function()
    local n = 0
    debug.sethook(function() n = n + 1 end, "", 1)
    local good, j = pcall(cj.jacobian, function(a) return a * a end, x)
    debug.sethook()
    assert.is_true(good)
    same(j, square)
    assert.is_true(n > 0)
  end)
  case("a hook that differentiates", function()
    local inside = false
    debug.sethook(function()
      if inside then return end
      inside = true
      cj.jacobian(function(a) return a + 1 end, x)
      inside = false
    end, "l")
    local good, j = pcall(cj.jacobian, function(a)
      local b = a * a
      return b
    end, x)
    debug.sethook()
    assert.is_true(good, j)
    same(j, square)
  end)
  case("a hook that raises", function()
    local good, message = pcall(cj.jacobian, function(a)
      debug.sethook(function()
        debug.sethook()
        error "from a hook"
      end, "", 1)
      return a * a
    end, x)
    debug.sethook()
    assert.is_false(good)
    assert.truthy(message:find "from a hook")
  end)
  case("a to-be-closed variable inside f", function()
    local closed = false
    same(cj.jacobian(function(a)
      local guard <close> = setmetatable({}, {__close = function() closed = true end})
      return a * a
    end, x), square)
    assert.is_true(closed)
  end)
  case("a tensor as a to-be-closed variable", function()
    do
      local t <close> = x * 2
      same(t, 2 * x)
    end
    same(cj.jacobian(function(a)
      local b <close> = a * 1
      return b * a
    end, x), square)
  end)
end)

describe("derivatives inside f", function()
  case("of another function of plain tensors", function()
    same(cj.jacobian(function(a) return a * cj.jacobian(function(b) return (b * b):sum() end, x) end, x), square)
  end)
  case("of the same function", function()
    local function f(a) return (a ^ 3):sum() end
    same(cj.jacobian(function(a) return cj.jacobian(f, a) end, x), (6 * x):diag())
  end)
  case("a hessian in a jacobian", function()
    local j = cj.jacobian(function(a) return cj.hessian(function(b) return (b ^ 4):sum() end, a):diagonal() end, x)
    same(j, (24 * x):diag())
  end)
  case("a tape inside a jacobian", function()
    same(cj.jacobian(function(a)
      local t = cj.tape()
      local b = t:watch(a)
      return t:gradient((b ^ 3):sum(), b)
    end, x), (6 * x):diag())
  end)
  case("a jacobian inside a tape", function()
    local t = cj.tape()
    local a = t:watch(x)
    local j = cj.jacobian(function(b) return b ^ 3 end, a)
    same(t:gradient(j:trace(), a), 6 * x)
  end)
  case("two tapes at once", function()
    local s, t = cj.tape(), cj.tape()
    local a, b = s:watch(x), t:watch(x)
    same(s:gradient((a * a):sum(), a), 2 * x)
    same(t:gradient((b ^ 3):sum(), b), 3 * x ^ 2)
  end)
  case("vmap inside a jacobian", function()
    same(cj.jacobian(function(a) return cj.vmap(function(b) return b * b end)(a) end, x), square)
  end)
  case("a jacobian inside vmap", function()
    local X = T{{1, 2}, {3, 4}}
    same(cj.vmap(function(r) return cj.jacobian(function(b) return b * b end, r) end)(X)[2], T{{6, 0}, {0, 8}})
  end)
  case("linearize inside a jacobian", function()
    same(cj.jacobian(function(a)
      local _, lin = cj.linearize(function(b) return b ^ 3 end, a)
      return lin(cj.ones(3))
    end, x), (6 * x):diag())
  end)
  case("the linear function used after its trace", function()
    local lin
    cj.jacobian(function(a)
      local _
      _, lin = cj.linearize(function(b) return b * a end, x)
      return a
    end, x)
    assert.is_false((pcall(lin, x)))
  end)
  case("depth 4", function()
    local function d(f) return function(a) return cj.jacobian(f, a) end end
    same(d(d(d(d(function(a) return a ^ 4 end))))(T(2)), 24)
  end)
  case("perturbation confusion", function()
    same(cj.jacobian(function(a) return a * cj.jacobian(function(b) return a + b end, T(1)) end, T(1)), 1)
  end)
  case("with create_graph false and true", function()
    local function f(a) return (a ^ 3):sum() end
    local function nested(o) return cj.jacobian(function(a) return cj.jacobian(f, a, o) end, x) end
    same(nested{create_graph = false}, cj.zeros(3, 3))
    same(nested{create_graph = true}, (6 * x):diag())
    same(nested(), (6 * x):diag())
  end)
end)

describe("values on demand", function()
  case("print inside f", function()
    local text
    cj.jacobian(function(a)
      text = tostring(a * 2)
      return a
    end, x)
    assert.truthy(text:find("6", 1, true))
  end)
  case("item, totable, comparison, iter inside f", function()
    same(cj.jacobian(function(a)
      assert(a[2]:item() == 2 and a:totable()[3] == 3 and a[1] < a[2] and a:gt(2):any():item())
      for i, e in a:iter() do assert(e:item() == i) end
      return a * a
    end, x), square)
  end)
  case("shapes and dtypes inside f", function()
    same(cj.jacobian(function(a)
      assert(#a == 3 and a.ndim == 1 and a.dtype == "float64" and a:numel() == 3 and a:size(1) == 3)
      return a * a
    end, x), square)
  end)
  case("masks and positions of traced values", function()
    same(cj.jacobian(function(a) return a[a:gt(1)] ^ 2 end, x), T{{0, 4, 0}, {0, 0, 6}})
    same(cj.jacobian(function(a) return a[a:argmax():reshape(1)] end, x), T{{0, 0, 1}})
  end)
  case("requiring the module again", function()
    same(cj.jacobian(function(a) return require "cjac".mul(a, a) end, x), square)
  end)
end)
