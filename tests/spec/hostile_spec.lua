-- Every function of the module and every method, every position, values nobody should pass: only Lua errors, and
-- memory back to where it was.  Some ask for gigabytes, so a child process with less runs the cases.

local cj = require "cjac"
local cases = require "support.cases"
local child = require "support.child"
local hostile = require "support.hostile"
local paths = require "support.paths"
local rows = require "support.rows"
local sample = require "support.sample"

local POSITIONS <const> = 4
local SKIP = {_fuse = true, _trim = true, _live = true}

-- Good arguments for the functions that are no operations; others get tensors.
local f = function(a) return (a * a):sum() end
local x = cj.tensor{1, 2}
local arguments = {
  jacobian = {f, x, {}}, hessian = {f, x, {}}, vjp = {f, x, cj.tensor(1), {}}, jvp = {f, x, x, {}},
  vhp = {f, x, x, {}}, hvp = {f, x, x, {}}, grad = {f, {}}, value_and_grad = {f, {}},
  jacrev = {f, {}}, jacfwd = {f, {}},
  linearize = {f, x}, vmap = {f, {}}, value_and_jacobian = {f, x, {}}, check_grad = {f, x, {}}, tape = {},
  tensor = {{1, 2}, {}}, full = {{2, 2}, 1, {}}, range = {1, 3, 1}, arange = {0, 3, 1}, linspace = {0, 1, 3},
  logspace = {0, 1, 3}, eye = {2, 2, {}}, randint = {1, 5, {2}, {}}, randperm = {3, {}},
}

local function settle()
  collectgarbage()
  collectgarbage()
  cj._trim()
  return (cj._live())
end

-- One call; a size that would be gigabytes may fail for want of memory, all else must be an error with a message.
local function try(case, what, g, args, n)
  local good, message = pcall(g, table.unpack(args, 1, n))
  case(good or message ~= nil, "%s: an error without a message", what)
end

local function attack(case, name, g, good, limit)
  for position = 1, limit do
    for _, h in ipairs(hostile) do
      local args = {table.unpack(good, 1, good.n or #good)}
      args[position] = h[2]()
      try(case, ("%s, argument %d, %s"):format(name, position, h[1]), g, args, math.max(good.n or #good, position))
    end
  end
end

local function functions()
  local list = {}
  local function add(prefix, t)
    for name, g in pairs(t) do
      if type(g) == "function" and not SKIP[name] then list[#list + 1] = {prefix .. name, g, name} end
      if type(g) == "table" and prefix == "cj." and getmetatable(g) == nil then add(prefix .. name .. ".", g) end
    end
  end
  add("cj.", cj)
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- Arguments from the op table where there are some.
local function examples()
  local found = {}
  sample.seed ""
  for _, row in ipairs(rows.all()) do
    local list = row.module and rows.examples(row) or {}
    if #list > 0 then found[row.name] = list[#list].make() end
  end
  return found
end

-- Address space is what sanitizers use most of, so they limit single allocations themselves.
local LIMIT = "if (ulimit -v 4000000; %s -e '') 2>/dev/null; then ulimit -v 4000000;"
  .. " else export ASAN_OPTIONS=$ASAN_OPTIONS:max_allocation_size_mb=1024; fi; CJAC_LIMITED=1 %s %s %s %s"

if not os.getenv "CJAC_LIMITED" then
  it("hostile arguments, with little memory", cases(function(case)
    local cjac = child.quote(child.interpreter())
    local good, said, how = child.shell(LIMIT:format(cjac, cjac, paths.root .. "scripts/spec.lua", "hostile",
                                                     paths.root .. "tests/spec/hostile_spec.lua"))
    local n, bad = said:match "hostile: (%d+) cases, (%d+) failures\n$"
    case(good and bad == "0", "the child ended by %s: %s", how, said:sub(-6000))
    for _ = 1, tonumber(n) or 0 do case(true) end
  end))
  return
end

describe("hostile arguments", function()
  local good = examples()
  for _, entry in ipairs(functions()) do
    it(entry[1], cases(function(case)
      local args = good[entry[3]] or arguments[entry[3]] or {x, x}
      pcall(entry[2], table.unpack(args, 1, args.n or #args))
      local before = settle()
      attack(case, entry[1], entry[2], args, POSITIONS)
      attack(case, entry[1] .. " alone", entry[2], {}, 1)
      local after = settle()
      case(after <= before, "%s: %d bytes are left", entry[1], after - before)
    end))
  end

  it("methods and metamethods", cases(function(case)
    local before = settle()
    for _, name in ipairs {"__index", "__add", "__lt", "__eq"} do
      for _, h in ipairs(hostile) do
        local v = h[2]()
        local t = cj.tensor{1, 2}
        local calls = {
          __index = function() return t[v] end,
          __add = function() return t + v, v + t end,
          __lt = function() return t < v, v <= t end,
          __eq = function() return t == v end,
        }
        try(case, name .. " " .. h[1], calls[name], {}, 0)
        try(case, "call " .. h[1], function() return t(v) end, {}, 0)
        try(case, "assign " .. h[1], function() t[1] = v end, {}, 0)
        try(case, "assign at " .. h[1], function() t[v] = 0 end, {}, 0)
        try(case, "range " .. h[1], function() return t[{{v, v}}], t[{v}] end, {}, 0)
        try(case, "input " .. h[1], cj.jacobian, {f, v}, 2)
        try(case, "output " .. h[1], cj.jacobian, {function() return v end, t}, 2)
        try(case, "both outputs " .. h[1], cj.jacobian, {function(a) return a, v end, t}, 2)
      end
    end
    local after = settle()
    case(after <= before, "%d bytes are left", after - before)
  end))

  it("a tape", cases(function(case)
    local before = settle()
    do
      local t = cj.tape()
      local a = t:watch(x)
      local y = f(a)
      attack(case, "watch", t.watch, {t, x}, 2)
      attack(case, "gradient", t.gradient, {t, y, a, {}}, 4)
      attack(case, "jacobian", t.jacobian, {t, y, a, {}}, 4)
    end
    local after = settle()
    case(after <= before, "%d bytes are left", after - before)
  end))
end)
