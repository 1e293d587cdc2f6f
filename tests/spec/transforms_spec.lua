-- Functions of functions: grad, jacrev, jacfwd, linearize, vmap, tapes, nesting, check_grad.

local cj = require "cjac"
local expect = require "support.expect"

local same, shape, fails = expect.same, expect.shape, expect.fails
local T = cj.tensor
local x, y = T{1, 2, 3}, T{0.5, -1, 2}

describe("grad", function()
  it("of one argument, by default the first", function()
    local g = cj.grad(function(a, b) return (a * a * b):sum() end)
    same(g(x, y), 2 * x * y)
    same(cj.grad(function(a, b) return (a * a * b):sum() end, {argnums = 2})(x, y), x * x)
    same(cj.grad(function(a, b) return (a * a * b):sum() end, {argnums = -1})(x, y), x * x)
  end)
  it("of several, as a list", function()
    local f = function(a, b) return (a * a * b):sum() end
    same(cj.grad(f, {argnums = {1, 2}})(x, y), {2 * x * y, x * x})
    same(cj.grad(f, {argnums = {2}})(x, y), {x * x})
    same(cj.grad(f, {argnums = {2, 1}})(x, y), {x * x, 2 * x * y})
  end)
  it("other arguments may be anything", function()
    local g = cj.grad(function(a, scale, how) return (a * scale):sum() * (how == "twice" and 2 or 1) end)
    same(g(x, 3, "twice"), cj.ones(3) * 6)
    same(g(x, 3, nil), cj.ones(3) * 3)
  end)
  it("tables of tensors, nested and with names", function()
    local params = {W = T{{1, 2}, {3, 4}}, layers = {{b = T{1, 1}}, {b = T{2, 2}}}, scale = T(2)}
    local g = cj.grad(function(p)
      return (p.W:matmul(p.layers[1].b) * p.layers[2].b):sum() * p.scale
    end)(params)
    same(g, {
      W = T{{4, 4}, {4, 4}},
      layers = {{b = T{16, 24}}, {b = T{6, 14}}},
      scale = 20,
    })
    same(params.W, T{{1, 2}, {3, 4}})
  end)
  it("of a one-element output of any rank", function()
    same(cj.grad(function(a) return (a * a):sum():reshape(1, 1) end)(x), 2 * x)
    fails({"cj.grad", "[3]"}, cj.grad(function(a) return a * a end), x)
    fails("cj.grad", cj.grad(function() return 3 end), x)
  end)
  it("with more results", function()
    local g, aux = cj.grad(function(a) return (a * a):sum(), "aux" end, {has_aux = true})(x)
    same(g, 2 * x)
    assert.equal("aux", aux)
    local v, h, more = cj.value_and_grad(function(a) return (a * a):sum(), {n = a * 3} end, {has_aux = true})(x)
    same(v, 14)
    same(h, 2 * x)
    same(more.n, 3 * x)
  end)
  it("value_and_grad gives the value first", function()
    local v, g = cj.value_and_grad(function(a, b) return (a * b):sum() end, {argnums = {1, 2}})(x, y)
    same(v, 4.5)
    same(g, {y, x})
  end)
  it("argnums that make no sense", function()
    local f = function(a) return a:sum() end
    fails({"cj.grad", "argnums"}, function() return cj.grad(f, {argnums = 5})(x, y) end)
    fails({"cj.grad", "argnums"}, function() return cj.grad(f, {argnums = {}})(x) end)
    fails({"cj.grad", "argnums"}, function() return cj.grad(f, {argnums = {1, 1}})(x) end)
    fails({"cj.grad", "argnums"}, function() return cj.grad(f, {argnums = 0})(x) end)
    fails({"cj.grad", "argnums"}, function() return cj.grad(f, {argnums = "1"})(x) end)
    fails("cj.grad", function() return cj.grad(f)(3.5) end)
    fails({"cj.grad", "function"}, cj.grad, 3)
  end)
  it("used again and again", function()
    local g = cj.grad(function(a) return (a ^ 3):sum() end)
    for i = 1, 20 do same(g(x * i), 3 * (x * i) ^ 2) end
  end)
end)

describe("jacrev and jacfwd", function()
  for _, name in ipairs {"jacrev", "jacfwd"} do
    it(name, function()
      local f = function(a, b) return a * b:sum() end
      same(cj[name](f)(x, y), 1.5 * cj.eye(3))
      same(cj[name](f, {argnums = 2})(x, y), x:reshape(3, 1):expand(3, 3))
      same(cj[name](f, {argnums = {1, 2}})(x, y), {1.5 * cj.eye(3), x:reshape(3, 1):expand(3, 3)})
      same(cj[name](f, {chunk_size = 2})(x, y), 1.5 * cj.eye(3))
      local j, aux = cj[name](function(a) return a * 2, a:sum() end, {has_aux = true})(x)
      same(j, 2 * cj.eye(3))
      same(aux, 6)
      same(cj[name](function(p) return {left = p.a * 2, right = p.a * p.b} end)({a = x, b = y}), {
        left = {a = 2 * cj.eye(3), b = cj.zeros(3, 3)},
        right = {a = y:diag(), b = x:diag()},
      })
      fails("cj." .. name, cj[name], "f")
    end)
  end
  it("of each other: a hessian", function()
    local f = function(a) return (a ^ 3):sum() end
    same(cj.jacfwd(cj.jacrev(f))(x), (6 * x):diag())
    same(cj.jacrev(cj.jacfwd(f))(x), (6 * x):diag())
    same(cj.jacrev(cj.jacrev(f))(x), (6 * x):diag())
    same(cj.jacfwd(cj.jacfwd(f))(x), (6 * x):diag())
    shape(cj.jacfwd(cj.jacrev(function(a) return a * a end))(x), 3, 3, 3)
  end)
end)

describe("linearize", function()
  it("gives the outputs and J", function()
    local n = 0
    local f = function(a)
      n = n + 1
      return a:sin() * a:sum()
    end
    local out, lin = cj.linearize(f, x)
    same(out, f(x))
    assert.equal(2, n)
    local j = cj.jacobian(f, x)
    for _, v in ipairs {x, y, cj.zeros(3)} do same(lin(v), j:matmul(v)) end
    assert.equal(3, n)
    fails({"[3]", "[2]"}, lin, T{1, 2})
  end)
  it("of several inputs and outputs", function()
    local out, lin = cj.linearize(function(a, b) return a * b, a:sum() end, {x, y})
    same(out, {x * y, T(6)})
    local p, q = lin(x, y)
    if type(p) == "table" then p, q = p[1], p[2] end
    same(p, 2 * x * y)
    same(q, 6)
  end)
end)

describe("vmap", function()
  local X = T{{1, 2, 3}, {4, 5, 6}}
  it("over the first dim", function()
    same(cj.vmap(function(a) return a:sum() end)(X), X:sum(2))
    same(cj.vmap(function(a, b) return a:dot(b) end)(X, X), (X * X):sum(2))
    local p, q = cj.vmap(function(a) return a * 2, a:sum() end)(X)
    same(p, 2 * X)
    same(q, X:sum(2))
  end)
  it("over other dims, and not", function()
    same(cj.vmap(function(a) return a:sum() end, {in_dims = 2})(X), X:sum(1))
    same(cj.vmap(function(a, b) return a * b end, {in_dims = {1, false}})(X, x), X * x)
    same(cj.vmap(function(a) return a * 2 end, {out_dims = 2})(X), 2 * X:t())
    same(cj.vmap(function(a) return a:sum() end, {in_dims = -1})(X), X:sum(1))
  end)
  it("an output without the batch is repeated", function()
    same(cj.vmap(function() return x end)(X), x:expand(2, 3))
  end)
  it("nested and with derivatives", function()
    same(cj.vmap(cj.vmap(function(a) return a * a end))(X), X * X)
    same(cj.vmap(cj.grad(function(a) return (a ^ 3):sum() end))(X), 3 * X ^ 2)
    local per = cj.vmap(cj.jacrev(function(a) return a * a:sum() end))(X)
    shape(per, 2, 3, 3)
    same(per[2], cj.jacobian(function(a) return a * a:sum() end, X[2]))
    local j = cj.jacobian(function(a) return cj.vmap(function(r) return r:sin():sum() end)(a) end, X)
    shape(j, 2, 2, 3)
    same(j[1][1], X[1]:cos())
    same(j[1][2], cj.zeros(3))
  end)
  it("in chunks", function()
    same(cj.vmap(function(a) return a:sum() end, {chunk_size = 1})(X), X:sum(2))
    local big = cj.rand(7, 2)
    for n = 1, 8 do same(cj.vmap(function(a) return a * 2 end, {chunk_size = n})(big), big * 2) end
  end)
  it("mistakes", function()
    fails("cj.vmap", cj.vmap, 3)
    fails("cj.vmap", cj.vmap(function(a, b) return a end), X, T{1, 2, 3})
    fails("cj.vmap", cj.vmap(function(a) return a end), T(1))
    fails("cj.vmap", cj.vmap(function(a) return a end, {in_dims = 3}), X)
    fails("cj.vmap", cj.vmap(function(a) return a end))
    fails("cj.vmap", cj.vmap(function() return 1 end), X)
  end)
end)

describe("tape", function()
  it("gradient and jacobian", function()
    local t = cj.tape()
    local a = t:watch(x)
    local b = a:sin() * a
    local loss = b:sum()
    same(t:gradient(loss, a), x:cos() * x + x:sin())
    same(t:jacobian(b, a), (x:cos() * x + x:sin()):diag())
    same(loss:item(), (x:sin() * x):sum():item())
  end)
  it("goes on after a derivative", function()
    local t = cj.tape()
    local a = t:watch(x)
    same(t:gradient((a * a):sum(), a), 2 * x)
    local b = a * 3
    same(t:gradient((a * b):sum(), a), 6 * x)
    same(t:gradient((a * b):sum(), {a, b}), {6 * x, x})
  end)
  it("several watched values", function()
    local t = cj.tape()
    local a, b = t:watch(x), t:watch(y)
    same(t:gradient((a * b):sum(), {a, b}), {y, x})
    same(t:gradient((a * 2):sum(), b), cj.zeros(3))
  end)
  it("with create_graph the result stays on the tape", function()
    local t = cj.tape()
    local a = t:watch(x)
    local g = t:gradient((a ^ 3):sum(), a, {create_graph = true})
    same(t:gradient(g:sum(), a), 6 * x)
  end)
  it("mistakes", function()
    local t = cj.tape()
    local a = t:watch(x)
    fails("gradient", function() return t:gradient(a * a, a) end)
    fails("gradient", function() return t:gradient(x:sum(), 3) end)
    fails("watch", function() return t:watch(3) end)
    fails("watch", function() return t:watch(cj.long{1}) end)
  end)
end)

describe("nesting", function()
  it("a jacobian inside is differentiable by default", function()
    local f = function(a) return (a ^ 3):sum() end
    same(cj.jacobian(function(a) return cj.jacobian(f, a) end, x), (6 * x):diag())
    same(cj.jacobian(function(a) return cj.jacobian(f, a, {create_graph = true}) end, x), (6 * x):diag())
    same(cj.jacobian(function(a) return cj.jacobian(f, a, {create_graph = false}) end, x), cj.zeros(3, 3))
  end)
  it("to the fourth order", function()
    local f = function(a) return a ^ 5 end
    local d = f
    for order = 1, 4 do
      local inner = d
      d = function(a) return cj.jacobian(inner, a) end
      local want = 1
      for k = 0, order - 1 do want = want * (5 - k) end
      same(d(T(1.5)), want * 1.5 ^ (5 - order), 1e-11)
    end
  end)
  it("every pair of strategies", function()
    local modes = {"auto", "reverse-mode", "forward-mode"}
    for _, inner in ipairs(modes) do
      for _, outer in ipairs(modes) do
        local j = cj.jacobian(function(a)
          return cj.jacobian(function(b) return (b:sin() * b):sum() end, a, {strategy = inner})
        end, x, {strategy = outer})
        same(j, (2 * x:cos() - x * x:sin()):diag())
      end
    end
  end)
  it("has no perturbation confusion", function()
    local d = cj.jacobian(function(a)
      return a * cj.jacobian(function(b) return a + b end, T(1))
    end, T(1))
    same(d, 1)
    d = cj.jacobian(function(a)
      return a * cj.jacobian(function(b) return a * b end, T(2)):detach()
    end, T(3))
    same(d, 3)
    d = cj.jacobian(function(a)
      return a * cj.jacobian(function(b) return a * b end, T(2))
    end, T(3))
    same(d, 6)
  end)
  it("captured parameters of an outer function", function()
    local g = cj.grad(function(w)
      local j = cj.jacobian(function(a) return w * a ^ 2 end, x)
      return j:trace()
    end)(y)
    same(g, 2 * x)
  end)
  it("products inside products", function()
    local f = function(a) return (a ^ 3):sum() end
    local p = select(2, cj.jvp(function(a) return (select(2, cj.vjp(f, a))) end, x, y))
    same(p, 6 * x * y)
    p = select(2, cj.vjp(function(a) return (select(2, cj.jvp(f, a, y))) end, x))
    same(p, 6 * x * y)
    same(cj.hessian(function(a) return (cj.grad(f)(a) ^ 2):sum() end, x), (108 * x ^ 2):diag())
  end)
end)

describe("values that are known to be zero", function()
  local function f(a) return cj.pad(a, {1, 0})[1], cj.pad(a, {2, 0})[{{1, 2}}] end
  it("as outputs, in every mode", function()
    local zeros = {cj.zeros(3), cj.zeros(2, 3)}
    for _, strategy in ipairs {"auto", "reverse-mode", "forward-mode"} do
      same(cj.jacobian(f, x, {strategy = strategy}), zeros)
    end
    same(select(2, cj.vjp(f, x, {T(1), T{1, 2}})), cj.zeros(3))
    same(select(2, cj.jvp(f, x, x)), {T(0), cj.zeros(2)})
    same((cj.linearize(f, x)), {T(0), cj.zeros(2)})
    same(cj.vmap(function(a) return (f(a)) end)(cj.ones(4, 3)), cj.zeros(4))
    same(cj.hessian(function(a)
      local p, q = f(a)
      return p + q:sum()
    end, x), cj.zeros(3, 3))
    local t = cj.tape()
    local a = t:watch(x)
    same(t:jacobian(f(a), a), cj.zeros(3))
  end)
  it("as operands", function()
    local function g(a) return (f(a)):exp() * a end
    local function h(a)
      local b = a * 1
      b[2] = (f(a)) * 2
      return cj.stack{b, a}:cumsum(1)
    end
    for _, strategy in ipairs {"auto", "reverse-mode", "forward-mode"} do
      same(cj.jacobian(g, x, {strategy = strategy}), cj.eye(3))
      same(cj.jacobian(h, x, {strategy = strategy})[2], T{2, 1, 2}:diag())
    end
    same(cj.vmap(function(a) return (f(a)):exp() end)(cj.ones(4, 3)), cj.ones(4))
    same(select(2, cj.linearize(h, x))(x)[2], T{2, 2, 6})
  end)
end)

describe("captured tensors", function()
  it("may lie in memory in any way", function()
    local big = cj.rand(40, 30)
    local layouts = {big.T, cj.rand(40):expand(30, 40)}
    layouts[3], layouts[4] = cj.rand(60, 40)[{{1, -1, 2}}], cj.rand(30, 80)[{{}, {-1, 1, -2}}]
    local a, v = cj.rand(30, 40), cj.rand(30, 40)
    for _, c in ipairs(layouts) do
      local function f(b) return (b * c + c:sin()):sum(1), c:matmul(b.T):sum() end
      local plain = T(c:totable())
      local function g(b) return (b * plain + plain:sin()):sum(1), plain:matmul(b.T):sum() end
      same(cj.jacobian(f, a), cj.jacobian(g, a))
      same({cj.jvp(f, a, v)}, {cj.jvp(g, a, v)})
      same((cj.linearize(f, a)), (cj.linearize(g, a)))
      same({cj.compile(f)(a)}, {g(a)})
      same({cj.compile(f)(a.T:clone().T)}, {g(a)})
      same(cj.compile(f):jacobian()(a), cj.jacobian(g, a))
    end
  end)
end)

describe("check_grad", function()
  it("is true for what is right", function()
    assert.is_true(cj.check_grad(function(a, b) return a:sin() * b:exp() end, {x, y}))
    assert.is_true(cj.check_grad(function(a) return a:softmax(1) end, x))
  end)
  it("names what is wrong", function()
    fails("cj.check_grad", cj.check_grad, function(a) return a:detach() * a end, x)
  end)
end)
