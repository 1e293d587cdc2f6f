-- Results that are put together: pieces are computed where they belong, unless something else needs them.

local cj = require "cjac"
local expect = require "support.expect"

local same = expect.same

local x, y = cj.linspace(-1, 1, 40), cj.linspace(2, 3, 40)

describe("pieces of a result", function()
  local cases = {
    ["that are computed"] = function(a, b) return cj.cat({a:sin(), b * a, a - b}, 1) end,
    ["of kernels"] = function(a, b)
      return cj.cat({a:cumsum(1), a:reshape(5, 8):matmul(b:reshape(8, 5)):reshape(25), b:flip(1)}, 1)
    end,
    ["the same one twice"] = function(a) local s = a:exp() return cj.cat({s, s}, 1) end,
    ["that something else needs"] = function(a, b) local s = a:exp() return cj.cat({s, b * s:sum(), s * b}, 1) end,
    ["inputs and constants"] = function(a, b) return cj.cat({a, b * 2, cj.ones(3), a}, 1) end,
    ["parts of others"] = function(a, b) local s = a * b return cj.cat({s[{{3, 9}}], s[{{1, 2}}]:exp(), b:cos()}, 1) end,
    ["put together themselves"] = function(a, b)
      return cj.cat({cj.cat({a * b, b:sin()}, 1), cj.cat({a:reshape(40, 1) * 2, b:reshape(40, 1) + 1, a:reshape(40, 1)}, 2)
        :reshape(120), a:cos()}, 1)
    end,
    ["rows of a matrix"] = function(a, b)
      return cj.cat({(a * b):reshape(1, 40), b:exp():reshape(1, 40)}, 1)
    end,
    ["columns, many of them"] = function(a, b)
      local list = {}
      for i = 1, 9 do list[i] = (a * i + b):reshape(40, 1) end
      return cj.cat(list, 2)
    end,
    ["numbers"] = function(a, b) return cj.cat({a:sum():reshape(1), (a:sum() * 2):exp():reshape(1), b * 2}, 1) end,
    ["of other types"] = function(a, b) return cj.cat({a:float() * 2, b:float():sin()}, 1) end,
    ["of nothing"] = function(a, b) return cj.cat({a[{{1, 0}}] * 2, b * 3}, 1) end,
  }
  for name, f in pairs(cases) do
    it(name, function()
      local F, want = cj.compile(f), f(x, y)
      local out = cj.zeros_like(want)
      for _ = 1, 3 do
        same(F(x, y), want)
        F(x, y, {out = out})
        same(out, want)
      end
      same(F:jacobian()(x, y), cj.jacobian(f, {x, y}), want.dtype == "float32" and 1e-5 or 1e-12)
    end)
  end
  it("that are results too", function()
    local F = cj.compile(function(a, b)
      local s, t = a:exp(), b:cumsum(1)
      return s, cj.cat({s, t}, 1), t
    end)
    local s, t = x:exp(), y:cumsum(1)
    same({F(x, y)}, {s, cj.cat({s, t}, 1), t})
  end)
  it("written over an argument", function()
    local F = cj.compile(function(a, b) return cj.cat({b[{{1, 20}}] * a[{{21, 40}}], a[{{1, 20}}]:exp()}, 1) end)
    local a = x:clone()
    local want = F(x, y)
    F(a, y, {out = a})
    same(a, want)
  end)
end)
