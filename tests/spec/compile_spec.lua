-- Compiled functions: the same numbers as one-shot calls, versions by types and by branches, writing into given
-- tensors, what is derived from them, and calls that allocate nothing.

local cj = require "cjac"
local cases = require "cases"
local expect = require "support.expect"

local same, fails, shape = expect.same, expect.fails, expect.shape
local T = cj.tensor

local settled, case = require "support.compiled"(it)

local x, A = T{0.5, 1, 1.5}, T{{2, 0.5, 0}, {0.5, 3, 1}, {0, 1, 4}}
local f32 = x:float()

-- name, function, arguments
local functions = {
  {"a scalar function of a scalar", function(a) return a:sin() * a end, T(0.7)},
  {"one element of one axis", function(a) return a * a end, T{3}},
  {"elementwise", function(a) return a:exp() * 2 + a end, x},
  {"a matrix and a vector", function(m, v) return m:matmul(v):tanh() end, A, x},
  {"reductions", function(a) return (a * a):sum() end, x},
  {"scalars one by one", function(a)
    local s, out = 0, {}
    for i = 1, 3 do
      s = s + a[i]
      out[i] = s:cos() * a[4 - i]
    end
    return cj.stack(out)
  end, x},
  {"linear algebra", function(m, v) return cj.linalg.solve(m, v) end, A, x},
  {"determinant", function(m) return cj.linalg.det(m) end, A},
  {"several outputs", function(a, m) return a * 2, m:sum(1) end, x, A},
  {"a table of outputs", function(a) return {a:sin(), {a:sum()}, last = a * a} end, x},
  {"several outputs, one a table", function(a) return a, {p = a * a} end, x},
  {"a nested table as argument", function(p, a) return (p.W:matmul(a) + p.b):tanh() end, {W = A, b = x}, x},
  {"a list as argument", function(list) return list[1] * list[2] end, {x, x + 1}},
  {"deeper tables", function(p) return p.layers[1].w * p.layers[2].w end, {layers = {{w = x}, {w = x * 2}}}},
  {"numbers as arguments", function(a, s) return a * s end, x, 2.5},
  {"only a number", function(s) return s * s end, 3},
  {"captured tensors", function(a) return A:matmul(a) + x end, x},
  {"a captured matrix that is inverted", function(a) return cj.linalg.inv(A):matmul(a) end, x},
  {"float32", function(a) return (a * a):exp() end, f32},
  {"float32 and float64", function(a, b) return a:double() * b end, f32, x},
  {"integers as arguments of a function", function(a, i) return a:index_select(1, i) end, x, cj.long{3, 1}, integers = true},
  {"empty", function(a) return a * 2 end, cj.zeros(0)},
  {"empty sum", function(a) return a:sum() end, cj.zeros(0, 3)},
  {"an output that is the input", function(a) return a end, x},
  {"an output that is a constant", function() return A end, x},
  {"the same output twice", function(a) local b = a * 3; return b, b end, x},
  {"assignment", function(a)
    local b = a:clone()
    b[2] = a[1] * a[3]
    return b
  end, x},
  {"a branch", function(a) if a[1] > 0 then return a * a end return -a end, x},
  {"the other branch", function(a) if a[1] > 0 then return a * a end return -a end, -x},
  {"a loop on values", function(a)
    local n = 0
    while (a * a):sum() > 0.1 do
      a, n = a / 2, n + 1
    end
    return a * n
  end, x},
  {"an item", function(a) return a * a[2]:item() end, x, item = true},
  {"a mask", function(a) return a[a:gt(0.7)] end, x},
  {"where", function(a) return cj.where(a:gt(0.7), a * a, a:exp()) end, x},
  {"a transposed argument", function(m) return m:matmul(m) end, A:t() + 0},
  {"views", function(m) return m:t():reshape(9)[{{2, 5}}] end, A},
}

local function call(f, args) return table.pack(f(table.unpack(args, 1, args.n))) end

-- The arguments as cj.jacobian wants them, and f of that.
local function inputs(entry)
  local list = table.pack(table.unpack(entry, 3))
  for i = 1, list.n do
    if type(list[i]) == "number" then list[i] = T(list[i]) end
  end
  return list.n == 1 and list[1] or {table.unpack(list, 1, list.n)}, list
end

describe("compiled functions give what the function gives:", function()
  for _, entry in ipairs(functions) do
    local name, f = entry[1], entry[2]
    local args = table.pack(table.unpack(entry, 3))
    case(name, function()
      local F = cj.compile(f)
      for _ = 1, 3 do
        local got, want = call(F, args), call(f, select(2, inputs(entry)))
        assert.equal(want.n, got.n)
        for i = 1, want.n do same(got[i], want[i]) end
      end
      assert.equal(1, F:stats().traces)
      cases(3)
    end)
  end
end)

describe("their Jacobians are those of the function:", function()
  for _, entry in ipairs(functions) do
    if not entry.integers then
      case(entry[1], function()
        local f = entry[2]
        local input, list = inputs(entry)
        if list.n == 1 and type(input) == "table" then -- cj.jacobian hands the entries of a list out
          local tables = input
          f = #tables > 0 and function(...) return entry[2]({...}) end or f
        end
        local want = cj.jacobian(f, input)
        local J = cj.compile(entry[2]):jacobian()
        for _ = 1, 2 do same(J(table.unpack(entry, 3)), want) end
      end)
    end
  end
end)

describe("signatures", function()
  case("other shapes and dtypes are traced again, and kept", function()
    local n = 0
    local F = cj.compile(function(a) n = n + 1; return a * 2 end)
    for _ = 1, 3 do
      same(F(x), x * 2)
      same(F(f32), f32 * 2)
      same(F(A), A * 2)
      same(F(4), T(8))
    end
    assert.equal(4, n)
    assert.equal(4, F:stats().signatures)
    assert.equal(4, F:stats().versions)
  end)
  case("tables with other keys are another signature", function()
    local F = cj.compile(function(p) return p.a and p.a * 2 or p.b * 3 end)
    for _ = 1, 2 do
      same(F{a = x}, x * 2)
      same(F{b = x}, x * 3)
      same(F{a = x, b = x}, x * 2)
    end
    assert.equal(3, F:stats().traces)
  end)
  case("views of any strides are one signature", function()
    local F = cj.compile(function(m) return m * 2 + 1 end)
    for _ = 1, 3 do
      same(F(A), A * 2 + 1)
      same(F(A:t()), A:t() * 2 + 1)
      same(F(cj.tensor(3):expand(3, 3)), cj.full({3, 3}, 7))
      same(F(cj.zeros(3, 6)[{{}, {1, 6, 2}}]), cj.ones(3, 3))
    end
    assert.equal(1, F:stats().traces)
  end)
  case("there is a limit to them", function()
    local F = cj.compile(function(a) return a + 1 end)
    for i = 1, 100 do shape(F(cj.zeros(i)), i) end
    assert.equal(64, F:stats().signatures)
    same(F(cj.zeros(1)), T{1})
  end)
  case("types can be given", function()
    local n = 0
    local F = cj.compile(function(a, m) n = n + 1; return m:matmul(a) end,
      {inputs = {cj.spec{3}, cj.spec({4, 3})}})
    assert.equal(1, n)
    shape(F(x, cj.ones(4, 3)), 4)
    assert.equal(1, n)
    local G = cj.compile(function(p) return p.w * 2 end, {inputs = {{w = cj.spec({2}, "float32")}}})
    assert.equal("float32", G{w = cj.float{1, 2}}.dtype)
    assert.equal(1, G:stats().traces)
    assert.equal("float32[4, 4]", tostring(cj.spec({4, 4}, "float32")))
  end)
  case("with types alone no value can be asked for", function()
    fails("no number", cj.compile, function(a) if a[1] > 0 then return a end return -a end, {inputs = {cj.spec{3}}})
  end)
  case("no arguments", function()
    local F = cj.compile(function() return A end)
    same(F(), A)
    same(F(), A)
  end)
end)

describe("guards", function()
  local function f(a)
    if a[1] > 0 then return a * a end
    if a[2] > 0 then return a:exp() end
    return -a
  end
  case("each way is traced once", function()
    local n = 0
    local F = cj.compile(function(a) n = n + 1; return f(a) end)
    local points = {T{1, 1}, T{-1, 1}, T{-1, -1}}
    for _ = 1, 5 do
      for _, p in ipairs(points) do
        same(F(p), f(p))
        same(F(p + 0.5), f(p + 0.5))
      end
    end
    assert.equal(3, n)
    assert.equal(3, F:stats().versions)
  end)
  case("of what is derived too", function()
    local F = cj.compile(f)
    local J, H, V = F:jacobian(), cj.compile(function(a) return f(a):sum() end):hessian(), F:vjp()
    for _ = 1, 2 do
      for _, p in ipairs {T{1, 1}, T{-1, 1}, T{-1, -1}, T{2, 1}, T{-3, 2}} do
        same(J(p), cj.jacobian(f, p))
        same(H(p), cj.hessian(function(a) return f(a):sum() end, p))
        same({V(p, p)}, {cj.vjp(f, p, p)})
      end
    end
    assert.equal(3, J:stats().versions)
  end)
  case("comparisons in both orders, and equality", function()
    local function g(a)
      local n = 0
      if a[1] < 1 then n = n + 1 end
      if 1 < a[1] then n = n + 2 end
      if a[1] <= a[2] then n = n + 4 end
      if a[1] == a[2] then n = n + 8 end
      return a * n
    end
    local F = cj.compile(g)
    for _ = 1, 2 do
      for _, p in ipairs {T{0, 1}, T{1, 1}, T{2, 1}, T{3, 3}, T{-1, -2}, T{cj.nan, 1}} do same(F(p), g(p)) end
    end
    same(cj.compile(function(a) if a[1] > 0.1 then return a end return -a end)(cj.float{0.1}), cj.float{0.1})
  end)
  case("a number that is asked for as such is a way of its own", function()
    local n = 0
    local F = cj.compile(function(a, k)
      n = n + 1
      for _ = 1, k:item() do a = a * 2 end
      return a
    end)
    for _ = 1, 3 do
      for k = 1, 3 do same(F(x, k), x * 2 ^ k) end
    end
    assert.equal(3, n)
  end)
  case("numbers that never come again do not pile up", function()
    local F = cj.compile(function(a) return a * a[1]:item() end)
    for i = 1, 50 do same(F(x + i), (x + i) * (0.5 + i)) end
    assert.is_true(F:stats().versions < 8)
  end)
  case("there is a limit, and the one that was used longest ago goes", function()
    local n = 0
    local F = cj.compile(function(a)
      n = n + 1
      local k = 0
      for i = 1, 40 do if a[1] > i then k = i end end
      return a * k
    end)
    for i = 1, 30 do same(F(T{i + 0.5}), T{(i + 0.5) * i}) end
    assert.equal(16, F:stats().versions)
    same(F(T{30.5}), T{30.5 * 30})
    assert.equal(30, n)
    same(F(T{1.5}), T{1.5})
    assert.equal(31, n)
  end)
  case("a singular matrix in the branch that is not taken is no error", function()
    local function g(m)
      if m[1][1] > 0 then return cj.linalg.solve(m, cj.ones(2)) end
      return m:sum(1)
    end
    local F = cj.compile(g)
    local good, singular = T{{1, 0}, {0, 2}}, T{{-1, 0}, {0, 0}}
    for _ = 1, 2 do
      same(F(good), g(good))
      same(F(singular), g(singular))
    end
    assert.equal(2, F:stats().versions)
    for _ = 1, 2 do
      fails("singular", F, T{{1, 0}, {0, 0}})
      same(F(good), g(good))
    end
    assert.equal(2, F:stats().versions)
  end)
  case("branches of functions inside are branches of this one", function()
    local function inner(a) if a[1] > 0 then return a * a end return a * 3 end
    local nested = {
      function(a) return cj.jacobian(inner, a) end,
      function(a) return cj.jacobian(function(b) return cj.jacobian(inner, b):sum() end, a * 2) end,
      function(a) return (cj.linearize(inner, a)) end,
      function(a) return cj.grad(function(b) return inner(b):sum() end)(a) end,
      function(a) return cj.sparse_jacobian(inner, a):to_dense() end,
      function(a)
        local good, e = pcall(cj.jacobian, function(b)
          if b[1] > 0 then error "positive" end
          return b
        end, a)
        return good and a or a * 2
      end,
      function(a)
        local t = cj.tape()
        local b = t:watch(a)
        local y = b[1] > 0 and b * b or b * 3
        return t:jacobian(y, b)
      end,
      function(a)
        local t = cj.tape()
        local b = t:watch(a)
        if b[1] > 0 then return a * a end
        return a
      end,
    }
    for _, g in ipairs(nested) do
      local F = cj.compile(g)
      for _ = 1, 2 do
        for _, p in ipairs {T{1, 2}, T{-1, 2}, T{3, 2}, T{-3, 4}} do same(F(p), g(p)) end
      end
      assert.equal(2, F:stats().versions)
      cases(8)
    end
  end)
end)

describe("out=", function()
  case("a tensor is written to", function()
    local F = cj.compile(function(a) return a * 2 end)
    local y = cj.zeros(3)
    for i = 1, 3 do
      assert.is_true(rawequal(F(x * i, {out = y}), y))
      same(y, x * i * 2)
    end
  end)
  case("at the first call too, and of every structure", function()
    for _, entry in ipairs(functions) do
      local F, args = cj.compile(entry[2]), table.pack(table.unpack(entry, 3))
      local want = call(F, args)
      local function blank(v)
        if type(v) == "userdata" then return cj.zeros_like(v) end
        local t = {}
        for k, e in pairs(v) do t[k] = blank(e) end
        return t
      end
      local out = {}
      for i = 1, want.n do out[i] = blank(want[i]) end
      if want.n == 1 then out = out[1] end
      args.n = args.n + 1
      args[args.n] = {out = out}
      for round = 1, 2 do
        local G = round == 1 and cj.compile(entry[2]) or F
        local got = call(G, args)
        assert.equal(want.n, got.n)
        for i = 1, want.n do
          same(got[i], want[i])
          assert.is_true(rawequal(got[i], want.n == 1 and out or out[i]))
        end
        cases(1)
      end
    end
  end)
  case("others that share the tensor do not see it", function()
    local F = cj.compile(function(a) return a * 2 end)
    local y = cj.zeros(3)
    local z, row = y:clone(), cj.zeros(2, 3)
    local view = row[1]
    local copy = {y}
    F(x, {out = y})
    same(z, cj.zeros(3))
    F(x, {out = view})
    same(view, x * 2)
    same(row, cj.zeros(2, 3))
    same(copy[1], x * 2)
  end)
  case("an argument may be written to", function()
    local F = cj.compile(function(a, b) return b:matmul(a) + a:sum(), a * 3 end)
    local a, b = x + 0, A + 0
    local y, z = F(a, b)
    local c = cj.zeros(3)
    F(a, b, {out = {a, c}})
    same(a, y)
    same(c, z)
    local step = cj.compile(function(q) return q:flip(1) * 2 end)
    local q = x + 0
    for _ = 1, 2 do step(q, {out = q}) end
    same(q, x * 4)
  end)
  case("with another branch", function()
    local F = cj.compile(function(a) if a[1] > 0 then return a * 2 end return a * 3 end)
    local y = cj.zeros(3)
    for _ = 1, 3 do
      same(F(x, {out = y}), x * 2)
      same(F(-x, {out = y}), x * -3)
    end
    assert.equal(2, F:stats().versions)
  end)
  case("what has the wrong type is an error, and stays", function()
    local F = cj.compile(function(a) return a * 2 end)
    local y = cj.zeros(4)
    for _ = 1, 2 do
      fails({"[3]", "[4]"}, F, x, {out = y})
      fails({"float64", "float32"}, F, x, {out = cj.zeros(3, {dtype = "float32"})})
      fails("out", F, x, {out = 3})
      fails("out", F, x, {out = {y}})
      F = cj.compile(function(a) if a[1] > 0 then return a * 2 end return a end)
    end
    same(y, cj.zeros(4))
    fails("unknown option 'aus'", cj.compile(function(a) return a * 2 end), x, {out = cj.zeros(3), aus = 1})
    local shared = y:clone()
    fails({"[3]", "[4]"}, cj.compile(function(a) return a + 1 end), x, {out = shared})
    same(shared, cj.zeros(4))
  end)
  case("after an error the tensor is as it was", function()
    local F = cj.compile(function(m) return cj.linalg.inv(m) end)
    local y = cj.ones(2, 2)
    F(T{{1, 0}, {0, 2}}, {out = y})
    local before = y:clone() + 0
    fails("singular", F, T{{0, 0}, {0, 0}}, {out = y})
    same(y, before)
    local G = cj.compile(function(a)
      if a[1] > 0 then return a * 2 end
      error "negative"
    end)
    local z = cj.zeros(3)
    G(x, {out = z})
    fails("negative", G, -x, {out = z})
    same(z, x * 2)
  end)
  case("of a sparse Jacobian", function()
    local J = cj.compile(function(a) return a * a end):sparse_jacobian()
    local S = J(x)
    assert.is_true(rawequal(J(x * 2, {out = S}), S))
    same(S:to_dense(), (x * 4):diag())
    fails("out", J, x, {out = cj.zeros(3)})
    fails("out", J, x, {out = cj.sparse_jacobian(function(a) return a * a end, x)})
  end)
  case("in a trace it becomes a value of the trace", function()
    local F = cj.compile(function(a) return a * a end)
    same(cj.jacobian(function(a)
      local y = cj.zeros(3)
      F(a, {out = y})
      return y
    end, x), (x * 2):diag())
  end)
end)

describe("derived functions", function()
  local function g(p, a) return ((p.W:matmul(a) + p.b):tanh() ^ 2):sum() end
  local p = {W = A, b = x}
  case("gradient and hessian", function()
    local F = cj.compile(g)
    local G = F:gradient()(p, x)
    local _, want = cj.vjp(g, {p, x})
    same(G, want)
    local h = cj.compile(function(a) return (a ^ 3):sum() * a[1] end)
    same(h:hessian()(x), cj.hessian(function(a) return (a ^ 3):sum() * a[1] end, x))
    same(h:gradient()(x), cj.grad(function(a) return (a ^ 3):sum() * a[1] end)(x))
    local two = function(a, b) return (a * b).sum(a * b * a) end
    same(cj.compile(two):hessian()(x, x + 1), cj.hessian(two, {x, x + 1}))
  end)
  case("products", function()
    local f = function(a, b) return a * b, (a * a):sum() end
    local F = cj.compile(f)
    local v = {x + 1, T(2)}
    same({F:vjp()(x, x * 2, v[1], v[2])}, {cj.vjp(f, {x, x * 2}, v)})
    same({F:vjp()(x, x * 2, v)}, {cj.vjp(f, {x, x * 2}, v)})
    local t = {x + 1, x - 1}
    same({F:jvp()(x, x * 2, t[1], t[2])}, {cj.jvp(f, {x, x * 2}, t)})
    same({F:jvp()(x, x * 2, t)}, {cj.jvp(f, {x, x * 2}, t)})
    local variadic = cj.compile(function(...) return (... * 2) end)
    same({variadic:vjp()(x, x)}, {x * 2, x * 2})
    same({variadic:jvp()(x, x)}, {x * 2, x * 2})
    local scalar = cj.compile(function(s) return s * s end)
    same({scalar:vjp()(3, 1)}, {T(9), T(6)})
    fails("v", F:vjp(), x)
    fails({"v", "[3]", "[2]"}, F:jvp(), x, x, x, T{1, 2})
    fails({"tensors"}, F:jvp(), x, x, x)
  end)
  case("sparse Jacobians", function()
    local f = function(a) return a[{{1, 9}}] * a[{{2, 10}}] end
    local J = cj.compile(f):sparse_jacobian()
    for i = 1, 3 do
      local a = cj.linspace(1, 2, 10) * i
      local S, W = J(a), cj.sparse_jacobian(f, a)
      same({S:coo()}, {W:coo()})
      same(S.shape, W.shape)
      same(S:mv(a), cj.jacobian(f, a):matmul(a))
    end
    assert.equal(18, J:stats().nonzeros)
  end)
  case("many instances at once", function()
    local f = function(p, s) return (p.W:matmul(p.b) * s):sin(), p.b end
    local F = cj.compile(f)
    local n = 4
    local W, b, s = cj.rand(n, 3, 3), cj.rand(n, 3), cj.rand(n)
    local y, z = F:map(n)({W = W, b = b}, s)
    local J = F:jacobian():map(n)({W = W, b = b}, s)
    local M = F:map(n):jacobian()
    shape(y, n, 3)
    shape(J[1][1].W, n, 3, 3, 3)
    shape(M({W = W, b = b}, s)[1][1].W, n, 3, n, 3, 3)
    for i = 1, n do
      local p = {W = W[i], b = b[i]}
      same({y[i], z[i]}, {f(p, s[i])})
      same(J[1][1].W[i], F:jacobian()(p, s[i])[1][1].W)
    end
    fails({"first dimension of 4", "[3]"}, F:map(n), {W = W, b = b}, cj.rand(3))
    fails("positive", F.map, F, 0)
  end)
  case("instances go one way", function()
    local F = cj.compile(function(a) if a[1] > 0 then return a * 2 end return a * 3 end):map(2)
    for _ = 1, 2 do
      same(F(T{{1, 1}, {2, 2}}), T{{2, 2}, {4, 4}})
      same(F(T{{-1, 1}, {-2, 2}}), T{{-3, 3}, {-6, 6}})
      fails("different ways", F, T{{1, 1}, {-2, 2}})
    end
  end)
  case("derivatives of derivatives", function()
    local f = function(a) return (a ^ 4):sum() end
    local F = cj.compile(f)
    same(F:gradient():jacobian()(x), cj.hessian(f, x))
    same(F:jacobian():jacobian():jacobian()(x),
         cj.jacobian(function(a) return cj.hessian(f, a) end, x))
    same(select(2, F:gradient():jvp()(x, x)), cj.hessian(f, x):matmul(x))
    same(F:gradient():sparse_jacobian()(x):to_dense(), cj.hessian(f, x))
    same(F:sparse_jacobian():jacobian()(x), cj.hessian(f, x))
  end)
  case("strategies agree", function()
    local f = function(a) return (a * a:flip(1)):cumsum(1) end
    local a = cj.linspace(0.1, 1, 12)
    local F = cj.compile(f)
    for _, s in ipairs {"auto", "reverse-mode", "forward-mode", "sparse"} do
      same(F:jacobian{strategy = s}(a), cj.jacobian(f, a, {strategy = s}))
    end
    same(F:jacobian{chunk_size = 5}(a), cj.jacobian(f, a))
    same(F:jacobian{max_bytes = 100}(a), cj.jacobian(f, a))
    fails("strategy", F.jacobian, F, {strategy = "best"})
    fails("unknown option 'chunks'", F.jacobian, F, {chunks = 1})
  end)
  case("in loops, with branches", function()
    local f = function(a) if a[1] > 0 then return (a * a:flip(1)):cumsum(1) end return a * a end
    local J = cj.compile(f):jacobian{chunk_size = 4}
    local a, y = cj.linspace(0.1, 1, 12), cj.zeros(12, 12)
    for _ = 1, 2 do
      same(J(a), cj.jacobian(f, a))
      same(J(-a), cj.jacobian(f, -a))
      same(J(a, {out = y}), cj.jacobian(f, a))
    end
    assert.equal(2, J:stats().versions)
  end)
  case("a method gives the same function again", function()
    local F = cj.compile(function(a) return a * a end)
    assert.is_true(rawequal(F:jacobian(), F:jacobian()))
    assert.is_true(rawequal(F:map(3), F:map(3)))
    assert.is_false(rawequal(F:map(3), F:map(4)))
  end)
end)
