-- cj.jacobian, cj.hessian and the products: forms, dtypes, empty tensors, strictness, mistakes.

local cj = require "cjac"
local expect = require "support.expect"

local same, shape, fails = expect.same, expect.shape, expect.fails
local T = cj.tensor
local STRATEGIES = {"auto", "reverse-mode", "forward-mode"}

-- A case for each strategy.
local function each(name, body)
  for _, strategy in ipairs(STRATEGIES) do
    it(name .. " (" .. strategy .. ")", function()
      body(function(f, x, options)
        options = options or {}
        options.strategy = strategy
        return cj.jacobian(f, x, options)
      end, strategy)
    end)
  end
end

describe("PyTorch's own examples", function()
  local function exp_reducer(x) return x:exp():sum(2) end
  local function exp_adder(x, y) return 2 * x:exp() + 3 * y end
  local x = T{{0.1, 0.7}, {0.4, 0.2}}
  local reduced = cj.zeros(2, 2, 2)
  for i = 1, 2 do
    for k = 1, 2 do reduced[{i, i, k}] = x[i][k]:exp() end
  end

  each("exp_reducer", function(jacobian) same(jacobian(exp_reducer, x), reduced) end)
  each("exp_reducer with create_graph", function(jacobian)
    same(jacobian(exp_reducer, x, {create_graph = true}), reduced)
  end)
  each("exp_adder", function(jacobian)
    local a, b = T{0.1, 0.7}, T{0.4, 0.2}
    local want = {(2 * a:exp()):diag(), 3 * cj.eye(2)}
    same(jacobian(exp_adder, {a, b}), want)
    same(jacobian(exp_adder, {a, b}, {strict = true}), want)
  end)
  each("linear_model", function(jacobian)
    local w, b = T{{0.2, -0.4}, {0.3, 0.9}}, T{0.1, 0.2}
    local inputs = cj.randn(4, 2)
    local function linear_model(z) return z:matmul(w) + b end
    local j = jacobian(linear_model, inputs, {vectorize = true})
    shape(j, 4, 2, 4, 2)
    for i = 1, 4 do
      for k = 1, 4 do same(j[{i, {}, k, {}}], i == k and w:t() or cj.zeros(2, 2)) end
    end
    same(jacobian(linear_model, inputs, {vectorize = false}), j)
  end)
end)

describe("forms", function()
  local x, y = T{1, 2, 3}, T{{1, 2}, {3, 4}}
  each("tensor to tensor", function(jacobian)
    shape(jacobian(function(a) return a:sum() * a[{{1, 2}}] end, x), 2, 3)
  end)
  each("list to tensor", function(jacobian)
    local j = jacobian(function(a, b) return a:sum() * b end, {x, y})
    assert.equal(2, #j)
    shape(j[1], 2, 2, 3)
    shape(j[2], 2, 2, 2, 2)
  end)
  each("tensor to several", function(jacobian)
    local j = jacobian(function(a) return a * 2, a:sum() end, x)
    assert.equal(2, #j)
    shape(j[1], 3, 3)
    shape(j[2], 3)
  end)
  each("tensor to a table", function(jacobian)
    local j = jacobian(function(a) return {a * 2, a:sum()} end, x)
    assert.equal(2, #j)
    shape(j[2], 3)
  end)
  each("list to several", function(jacobian)
    local j = jacobian(function(a, b) return a * 2, b:sum(), a:sum() * b end, {x, y})
    assert.equal(3, #j)
    assert.equal(2, #j[3])
    same(j[1], {2 * cj.eye(3), cj.zeros(3, 2, 2)})
    same(j[2], {cj.zeros(3), cj.ones(2, 2)})
    shape(j[3][1], 2, 2, 3)
  end)
  each("lists of one keep their level", function(jacobian)
    same(jacobian(function(a) return a * 2 end, {x}), {2 * cj.eye(3)})
    same(jacobian(function(a) return {a * 2} end, x), {2 * cj.eye(3)})
    same(jacobian(function(a) return {a * 2} end, {x}), {{2 * cj.eye(3)}})
  end)
  each("no dims", function(jacobian)
    same(jacobian(function(a) return a ^ 2 end, T(3)), 6)
    same(jacobian(function(a) return a * x end, T(3)), x)
    same(jacobian(function(a) return a:sum() end, y), cj.ones(2, 2))
  end)
  each("named inputs and outputs", function(jacobian)
    local j = jacobian(function(p) return p.w:matmul(p.b) end, {w = y, b = T{1, 1}})
    same(j.b, y)
    shape(j.w, 2, 2, 2)
    j = jacobian(function(a) return {double = 2 * a, all = a:sum()} end, x)
    same(j, {double = 2 * cj.eye(3), all = cj.ones(3)})
  end)
  each("nested inputs", function(jacobian)
    local j = jacobian(function(a, rest) return a:sum() + (rest[1] * rest[2]):sum() end, {x, {T{1, 2}, T{3, 4}}})
    same(j, {cj.ones(3), {T{3, 4}, T{1, 2}}})
  end)
  it("f runs once", function()
    for _, strategy in ipairs(STRATEGIES) do
      local n = 0
      cj.jacobian(function(a) n = n + 1 return a * a end, x, {strategy = strategy})
      assert.equal(1, n)
    end
  end)
  it("return_value and value_and_jacobian", function()
    local j, v = cj.jacobian(function(a) return a * a end, x, {return_value = true})
    same(j, (2 * x):diag())
    same(v, x * x)
    v, j = cj.value_and_jacobian(function(a) return a * a end, x)
    same(v, x * x)
    same(j, (2 * x):diag())
  end)
  it("any chunk size and memory cap", function()
    local function f(a) return a:sin():outer(a):flatten() end
    local want = cj.jacobian(f, x)
    for _, n in ipairs {1, 2, 3, 4, 7, 10, 1000} do
      for _, strategy in ipairs(STRATEGIES) do
        same(cj.jacobian(f, x, {chunk_size = n, strategy = strategy}), want)
      end
    end
    same(cj.jacobian(f, x, {max_bytes = 1}), want)
    fails({"cj.jacobian", "chunk_size"}, cj.jacobian, f, x, {chunk_size = 0})
  end)
end)

describe("dtypes", function()
  each("a block has its input's", function(jacobian)
    local a, b = T({1, 2}, {dtype = "float32"}), T{3, 4}
    local j = jacobian(function(p, q) return p * q, p * 2, q * 2 end, {a, b})
    for i = 1, 3 do
      assert.equal("float32", j[i][1].dtype)
      assert.equal("float64", j[i][2].dtype)
    end
    same(j[1][1], b:diag():float(), 1e-6)
    same(j[1][2], a:double():diag(), 1e-6)
  end)
  each("integer outputs give zeros", function(jacobian)
    local j = jacobian(function(a) return a:argmax() end, T{1, 3, 2})
    same(j, cj.zeros(3))
    j = jacobian(function(a) return a:gt(0) end, T{1, 3, 2})
    same(j, cj.zeros(3, 3))
    j = jacobian(function(a) return a:max(1) end, T{1, 3, 2})
    same(j, {T{0, 1, 0}, cj.zeros(3)})
  end)
  each("integer and bool inputs are refused", function(jacobian)
    fails({"cj.jacobian", "int64"}, jacobian, function(a) return a * 2 end, cj.long{1, 2})
    fails({"cj.jacobian", "bool"}, jacobian, function(a) return a end, cj.bool{true})
    fails({"cj.jacobian", "int64"}, jacobian, function(a, b) return a * b end, {T{1, 2}, cj.long{1, 2}})
  end)
  it("of a hessian", function()
    local a, b = T({1, 2}, {dtype = "float32"}), T{3, 4}
    local h = cj.hessian(function(p, q) return (p * q):sum() end, {a, b})
    same(h[1][2]:double(), cj.eye(2))
    same(h[2][1]:double(), cj.eye(2))
    same(h[1][1]:double(), cj.zeros(2, 2))
  end)
end)

describe("empty tensors", function()
  local none, three = cj.zeros(0), T{1, 2, 3}
  each("in and out", function(jacobian)
    shape(jacobian(function(a) return a * 2 end, none), 0, 0)
    shape(jacobian(function(a) return a[{{2, 1}}] end, three), 0, 3)
    shape(jacobian(function(a) return a:sum() end, none), 0)
    shape(jacobian(function(a) return a:sum(2) end, cj.zeros(2, 0)), 2, 2, 0)
    local j = jacobian(function(a) return a, a[{{2, 1}}] end, three)
    shape(j[2], 0, 3)
    same(j[1], cj.eye(3))
    j = jacobian(function(a, b) return a:sum() + b end, {none, three})
    shape(j[1], 3, 0)
    same(j[2], cj.eye(3))
  end)
  it("products and hessians", function()
    local function f(a) return a:sum() end
    shape(cj.hessian(f, none), 0, 0)
    local y, g = cj.vjp(f, none)
    same(y, 0)
    shape(g, 0)
    y, g = cj.jvp(function(a) return a * 2 end, none, none)
    shape(y, 0)
    shape(g, 0)
    shape(select(2, cj.hvp(f, none, none)), 0)
  end)
  it("no inputs, no outputs", function()
    fails("cj.jacobian", cj.jacobian, function() return three end, {})
    fails("cj.jacobian", cj.jacobian, function() return {} end, three)
    fails("cj.jacobian", cj.jacobian, function() end, three)
  end)
end)

describe("independence and identity", function()
  local x, y = T{1, 2}, T{3, 4, 5}
  each("an output that does not depend on an input is zeros", function(jacobian)
    same(jacobian(function() return cj.ones(2) end, x), cj.zeros(2, 2))
    same(jacobian(function(a) return a:detach() * 2 end, x), cj.zeros(2, 2))
    same(jacobian(function(a) return cj.stop_gradient(a) * a end, x), x:diag())
    same(jacobian(function(a) return a * 0 end, x), cj.zeros(2, 2))
    same(jacobian(function(a, b) return a * 2 end, {x, y}), {2 * cj.eye(2), cj.zeros(2, 3)})
  end)
  each("the input itself as output", function(jacobian)
    same(jacobian(function(a) return a end, x), cj.eye(2))
    same(jacobian(function(a) return a, a end, x), {cj.eye(2), cj.eye(2)})
    same(jacobian(function(a, b) return b, a end, {x, x}), {{cj.zeros(2, 2), cj.eye(2)}, {cj.eye(2), cj.zeros(2, 2)}})
  end)
  each("the same tensor twice is two inputs", function(jacobian)
    same(jacobian(function(a, b) return a * b end, {x, x}), {x:diag(), x:diag()})
  end)
  each("a captured copy of the input is a constant", function(jacobian)
    same(jacobian(function() return x:sum() end, x), cj.zeros(2))
    same(jacobian(function(a) return x * a end, x), x:diag())
  end)
  each("results share nothing", function(jacobian)
    local j = jacobian(function(a) return a, cj.ones(2), a end, x)
    j[1][1] = 7
    j[2][1] = 8
    same(j[3], cj.eye(2))
    same(j[2], T{{8, 8}, {0, 0}})
    same(x, T{1, 2})
    local v = T{1, 1}
    local out, p = cj.vjp(function(a) return a end, x, v)
    out[1], p[1] = 9, 9
    same(x, T{1, 2})
    same(v, T{1, 1})
  end)
end)

describe("strict", function()
  local x, y = T{1, 2}, T{3, 4}
  each("names output and input", function(jacobian)
    fails({"cj.jacobian", "output 2", "input 1"}, jacobian, function(a, b) return a * b, b end, {x, y}, {strict = true})
    fails({"output 1", "input 2"}, jacobian, function(a) return a end, {x, y}, {strict = true})
    fails({"output 1", "input 1"}, jacobian, function() return cj.ones(2) end, x, {strict = true})
    fails({"output 1", "input 1"}, jacobian, function(a) return a:detach() end, x, {strict = true})
  end)
  each("is about structure, not numbers", function(jacobian)
    same(jacobian(function(a) return a * 0 end, x, {strict = true}), cj.zeros(2, 2))
    same(jacobian(function(a, b) return a * b end, {x, y}, {strict = true}), {y:diag(), x:diag()})
  end)
  it("of the products and the hessian", function()
    local function f(a) return (a ^ 2):sum() end
    local strict = {strict = true}
    fails({"cj.vjp", "input 2"}, cj.vjp, f, {x, y}, nil, strict)
    fails({"cj.jvp", "input 2"}, cj.jvp, f, {x, y}, {x, y}, strict)
    fails({"cj.hessian", "input 2"}, cj.hessian, f, {x, y}, strict)
    fails("cj.hessian", cj.hessian, function(a) return a:sum() end, x, strict)
    same(cj.hessian(f, x, strict), 2 * cj.eye(2))
  end)

  -- The rows of PyTorch's table: what is refused, and something near it that is not.
  local strict, graph = {strict = true}, {strict = true, create_graph = true}
  local function sum(...)
    local s = 0
    for _, a in ipairs {...} do s = s + a:sum() end
    return s
  end
  each("asks a Jacobian that is to be differentiated to depend on the inputs", function(jacobian)
    local linear = {
      function(a) return 3 * a end, function(a) return a:sum() end, function(a) return a end,
      function(a) return y:matmul(a) * 2 - 1 end, function(a) return a * a:detach() end,
      function(a) return cj.where(a:gt(0), a, 2 * a) end, function(a) return cj.cat{a, a:flip(1) / 3} end,
      function(a) return a * 0 end,
    }
    for _, f in ipairs(linear) do
      fails({"cj.jacobian", "output 1", "input 1", "create_graph"}, jacobian, f, x, graph)
      same(jacobian(f, x, strict), jacobian(f, x))
      same(jacobian(f, x, {create_graph = true}), jacobian(f, x))
      same(jacobian(f, x, {strict = true, create_graph = false}), jacobian(f, x))
    end
    fails({"output 1", "input 2"}, jacobian, function(a, b) return a * a + b end, {x, y}, graph)
    fails({"output 2", "input 1"}, jacobian, function(a, b) return a * b, a + b end, {x, y}, graph)
    fails({"output 1", "input 2", "(strict)"}, jacobian, function(a) return a * a end, {x, y}, graph)
    for _, f in ipairs {function(a, b) return a * b end, function(a, b) return a / b * a end,
                        function(a, b) return a:matmul(b):exp() end, function(a, b) return (a + b) ^ 2 * 0 end,
                        function(a, b) return (a * b):detach() + a * b end,
                        function(a, b) return a:abs() * b, (a + b):relu() end} do
      same(jacobian(f, {x, y}, graph), jacobian(f, {x, y}))
    end
    same(jacobian(function(a) return jacobian(function(b) return b ^ 3 end, a, graph) end, x),
      jacobian(function(a) return jacobian(function(b) return b ^ 3 end, a) end, x))
  end)
  it("asks products for some output of each input, and some input of each output", function()
    local function f(a, b) return a * b, b * b end -- output 2 does not depend on a
    fails("output 2", cj.jacobian, f, {x, y}, strict)
    same(select(2, cj.vjp(f, {x, y}, {x, y}, strict)), {x * y, x * x + 2 * y * y})
    same(select(2, cj.jvp(f, {x, y}, {x, y}, strict)), {2 * x * y, 2 * y * y})
    fails({"cj.vjp", "input 2"}, cj.vjp, function(a) return a * a, a end, {x, y}, {x, y}, strict)
    fails({"cj.jvp", "input 2"}, cj.jvp, function(a) return a * a, a end, {x, y}, {x, y}, strict)
    for _, g in ipairs {function(a) return a, x end, function(a) return a * a, a:detach() end,
                        function(a) return a, a:argmax() end} do
      fails({"cj.jvp", "output 2"}, cj.jvp, g, x, y, strict)
    end
    fails({"cj.vjp", "output 2"}, cj.vjp, function(a) return a, x * 2 end, x, {x, x}, strict)
    fails({"cj.grad", "output 1"}, cj.grad(function() return x:sum() end, strict), x)
  end)
  it("asks products that are to be differentiated to depend on the inputs", function()
    local function f(a, b) return a * a, 2 * b end
    fails({"cj.vjp", "input 2", "create_graph"}, cj.vjp, f, {x, y}, {x, y}, graph)
    fails({"cj.jvp", "output 2", "create_graph"}, cj.jvp, f, {x, y}, {x, y}, graph)
    fails({"cj.grad", "input 1", "create_graph"}, cj.grad(function(a) return a:sum() end, graph), x)
    local function g(a, b) return a * b, b + a ^ 2 end
    same(select(2, cj.vjp(g, {x, y}, {x, y}, graph)), select(2, cj.vjp(g, {x, y}, {x, y})))
    same(select(2, cj.jvp(g, {x, y}, {x, y}, graph)), select(2, cj.jvp(g, {x, y}, {x, y})))
    same(cj.grad(function(a) return (a * a):sum() end, graph)(x), 2 * x)
  end)
  it("asks a gradient to depend on the inputs", function()
    local function apart(a, b) return sum(a ^ 2, b ^ 2) end
    fails({"cj.hessian", "gradient", "input 1", "input 2"}, cj.hessian, apart, {x, y}, strict)
    for _, product in ipairs {cj.vhp, cj.hvp} do
      same(select(2, product(apart, {x, y}, {x, y}, strict)), {2 * x, 2 * y})
      fails({"gradient", "input 2"}, product, function(a, b) return sum(a ^ 2, b) end, {x, y}, {x, y}, strict)
      fails({"input 1"}, product, function(a) return a:sum() end, x, y, strict)
      fails({"output 1", "input 2"}, product, function(a) return sum(a ^ 2) end, {x, y}, {x, y}, strict)
    end
    local function mixed(a, b) return sum(a * b * a, b * a * b) end
    same(cj.hessian(mixed, {x, y}, strict), cj.hessian(mixed, {x, y}))
    same(cj.hessian(function(a) return sum(a * a * 0) end, x, strict), cj.zeros(2, 2)) -- structure, not numbers
  end)
  it("asks a Hessian that is to be differentiated to depend on the inputs", function()
    local function quadratic(a) return sum(a ^ 2) end
    local function both(a, b) return sum(a ^ 2 * b, b ^ 2) end
    fails({"cj.hessian", "inputs 1 and 1", "create_graph"}, cj.hessian, quadratic, x, graph)
    fails({"cj.hessian", "create_graph"}, cj.hessian, both, {x, y}, graph)
    fails({"cj.vhp", "input 1", "create_graph"}, cj.vhp, quadratic, x, y, graph)
    fails({"cj.hvp", "input 1", "create_graph"}, cj.hvp, quadratic, x, y, graph)
    local function cubic(a, b) return sum((a * b) ^ 3) end
    for _, derive in ipairs {cj.hessian, function(...) return select(2, cj.vhp(...)) end} do
      local v = derive ~= cj.hessian and {x, y} or nil
      same(v and derive(cubic, {x, y}, v, graph) or derive(cubic, {x, y}, graph),
        v and derive(cubic, {x, y}, v) or derive(cubic, {x, y}))
    end
  end)
end)

describe("products", function()
  local A = T{{1, 2, 3}, {4, 5, 6}}
  local x, v = T{1, -1, 2}, T{10, 20}
  local function f(a) return A:matmul(a) end
  it("vjp and jvp", function()
    local y, p = cj.vjp(f, x, v)
    same(y, A:matmul(x))
    same(p, A:t():matmul(v))
    y, p = cj.jvp(f, x, x)
    same(y, A:matmul(x))
    same(p, A:matmul(x))
  end)
  it("have the forms of inputs and outputs", function()
    local function g(a, b) return a * b, a:sum() end
    local y, p = cj.vjp(g, {T{1, 2}, T{3, 4}}, {T{1, 1}, T(2)})
    same(y, {T{3, 8}, T(3)})
    same(p, {T{5, 6}, T{1, 2}})
    y, p = cj.jvp(g, {T{1, 2}, T{3, 4}}, {T{1, 0}, T{0, 1}})
    same(y, {T{3, 8}, T(3)})
    same(p, {T{3, 2}, T(1)})
    same({cj.vjp(f, {x}, v)}, {A:matmul(x), {A:t():matmul(v)}})
  end)
  it("take no v where there is only one element", function()
    same(select(2, cj.vjp(function(a) return (a * a):sum() end, x)), 2 * x)
    same(select(2, cj.jvp(function(a) return a * x end, T(2))), x)
    same(select(2, cj.vjp(function(a) return (a * a):sum():reshape(1, 1) end, x)), 2 * x)
    fails({"cj.vjp", "v"}, cj.vjp, f, x)
    fails({"cj.jvp", "v"}, cj.jvp, f, x)
  end)
  it("say what is wrong with v", function()
    fails({"cj.vjp", "[2]", "[3]"}, cj.vjp, f, x, x)
    fails({"cj.jvp", "[3]", "[2]"}, cj.jvp, f, x, v)
    fails("cj.vjp", cj.vjp, f, x, {v, v})
    fails("cj.vjp", cj.vjp, function(a) return a, a end, x, {x})
    fails("cj.vjp", cj.vjp, f, x, "v")
    fails("cj.jvp", cj.jvp, f, {x}, {x, x})
    fails({"cj.vhp", "v"}, cj.vhp, function(a) return a:sum() end, x)
    fails({"cj.hvp", "[3]", "[2]"}, cj.hvp, function(a) return a:sum() end, x, v)
  end)
  it("accept a bare v for a list of one", function()
    same(select(2, cj.vjp(function(a) return {A:matmul(a)} end, x, v)), A:t():matmul(v))
    same(select(2, cj.jvp(f, {x}, x)), A:matmul(x))
  end)
  it("vhp and hvp", function()
    local function g(a) return (a ^ 3):sum() + a[1] * a[2] end
    local h = cj.hessian(g, x)
    local y, p = cj.vhp(g, x, T{1, 2, 3})
    same(y, g(x))
    same(p, T{1, 2, 3}:matmul(h))
    y, p = cj.hvp(g, x, T{1, 2, 3})
    same(y, g(x))
    same(p, h:matmul(T{1, 2, 3}))
    y, p = cj.hvp(function(a, b) return (a * b * b):sum() end, {x, x + 1}, {x, x})
    same(p, {2 * (x + 1) * x, 2 * (x + 1) * x + 2 * x * x})
  end)
end)

describe("hessian", function()
  local x, y = T{1, 2, 3}, T{{1, 2}, {3, 4}}
  it("forms", function()
    for _, strategy in ipairs(STRATEGIES) do
      local o = {strategy = strategy}
      same(cj.hessian(function(a) return (a ^ 3):sum() end, x, o), (6 * x):diag())
      local h = cj.hessian(function(a, b) return a:sum() * (b * b):sum() end, {x, y}, o)
      same(h[1][1], cj.zeros(3, 3))
      shape(h[1][2], 3, 2, 2)
      shape(h[2][1], 2, 2, 3)
      shape(h[2][2], 2, 2, 2, 2)
      same(h[1][2], (2 * y):expand(3, 2, 2))
      same(cj.hessian(function(a) return a ^ 3 end, T(2), o), 12)
      shape(cj.hessian(function(a) return a:sum() end, {x}, o)[1][1], 3, 3)
    end
  end)
  it("of one element of any rank, and of linear functions", function()
    same(cj.hessian(function(a) return (a * a):sum():reshape(1, 1, 1) end, x), 2 * cj.eye(3))
    same(cj.hessian(function(a) return a:sum() end, x), cj.zeros(3, 3))
    same(cj.hessian(function() return T(1) end, x), cj.zeros(3, 3))
  end)
  it("refuses what is not one element", function()
    fails({"cj.hessian", "[3]"}, cj.hessian, function(a) return a * a end, x)
    fails("cj.hessian", cj.hessian, function(a) return a:sum(), a:sum() end, x)
    fails("cj.vhp", cj.vhp, function(a) return a * a end, x, x)
  end)
end)

describe("mistakes", function()
  local x = T{1, 2}
  it("in the arguments", function()
    fails({"cj.jacobian", "argument 1", "function"}, cj.jacobian, 3, x)
    fails({"cj.jacobian", "argument 2"}, cj.jacobian, print)
    fails({"cj.jacobian", "argument 2", "3.5"}, cj.jacobian, print, 3.5)
    fails({"cj.jacobian", "inputs[2]", "got 3"}, cj.jacobian, print, {x, 3})
    fails({"cj.jacobian", "the string \"x\""}, cj.jacobian, print, "x")
    fails({"cj.jacobian", "strategy", "sideways"}, cj.jacobian, print, x, {strategy = "sideways"})
    fails({"cj.jacobian", "no_such"}, cj.jacobian, print, x, {no_such = 1})
  end)
  it("in what f returns", function()
    fails({"cj.jacobian", "number"}, cj.jacobian, function() return 3.5 end, x)
    fails({"cj.jacobian", "string"}, cj.jacobian, function(a) return a, "s" end, x)
    fails({"cj.jacobian", "nil"}, cj.jacobian, function(a) return a, nil, a end, x)
    fails("cj.hessian", cj.hessian, function() return 1 end, x)
  end)
end)

describe("assignment inside f", function()
  each("to a clone, to the argument, in place", function(jacobian)
    local x = T{1, 2, 3}
    same(jacobian(function(a)
      a[2] = a[1] * a[3]
      return a
    end, x), T{{1, 0, 0}, {3, 0, 1}, {0, 0, 1}})
    same(x, T{1, 2, 3})
    same(jacobian(function(a) a:mul_(a) return a end, x), (2 * x):diag())
    same(x, T{1, 2, 3})
    same(jacobian(function(a)
      local e = a:exp()
      a:add_(1)
      return e * a
    end, x), (x:exp() * (x + 2)):diag())
  end)
  each("a recurrence", function(jacobian)
    local x = T{0.5, 1, 1.5, 2}
    local j = jacobian(function(a)
      local y = a:clone()
      for i = 2, #y do y[i] = y[i] + 0.5 * y[i - 1] ^ 2 end
      return y
    end, x)
    local y, want = {0.5}, cj.eye(4)
    for i = 2, 4 do y[i] = x[i]:item() + 0.5 * y[i - 1] ^ 2 end
    for i = 2, 4 do
      for k = 1, i - 1 do want[{i, k}] = want[{i - 1, k}] * y[i - 1] end
    end
    same(j, want)
  end)
  each("zeros filled with elements", function(jacobian)
    same(jacobian(function(a)
      local y = cj.zeros(2, 2)
      y[1] = a
      y[{2, 1}] = a[1] * a[2]
      y[{{}, 2}] = y[{{}, 2}] * 2
      return y
    end, T{3, 5}), T{{{1, 0}, {0, 2}}, {{5, 3}, {0, 0}}})
  end)
end)

describe("values inside f", function()
  local x = T{0.5, -1, 2}
  each("branches, loops and item", function(jacobian)
    local function f(a)
      local y = a * 1
      while y:sum():item() < 10 do y = y * 2 end
      if a[1] > T(0) then y = y + a ^ 2 end
      return y
    end
    same(jacobian(f, x), (8 + 2 * x):diag())
    same(jacobian(function(a) return a * a[1]:item() end, x), 0.5 * cj.eye(3))
  end)
  each("where is a strong zero", function(jacobian)
    local y = T{-1, 0, 4}
    local j = jacobian(function(a) return cj.where(a:gt(0), a:sqrt(), 0) end, y)
    same(j, T{0, 0, 0.25}:diag())
    j = jacobian(function(a) return cj.where(a:ne(0), a:sin() / a, 1) end, T{0, 1})
    same(j, T{0, math.cos(1) - math.sin(1)}:diag())
  end)
  each("random numbers inside f", function(jacobian)
    cj.manual_seed(3)
    local j = jacobian(function(a) return a * cj.rand(3) end, x)
    cj.manual_seed(3)
    same(j, cj.rand(3):diag())
  end)
end)

describe("verbose", function()
  local globals = debug.getregistry()[2] -- specs have an environment of their own
  local function printed(call)
    local old, lines = globals.print, {}
    globals.print = function(...) lines[#lines + 1] = table.concat({...}, "\t") end
    local good, result = pcall(call)
    globals.print = old
    return table.concat(lines, "\n"), good, result
  end
  local function f(x) return x:sin() * 2 end

  it("names lines, which earlier calls did not look for", function()
    local A, B, x = cj.linspace(-1, 1, 100):reshape(2, 50), cj.linspace(0, 1, 100):reshape(50, 2), cj.linspace(0, 1, 50)
    local line
    local function waist(a)
      local y = A:matmul(a:sin())
      line = debug.getinfo(1, "l").currentline - 1
      return B:matmul(y):exp()
    end
    local J = cj.jacobian(waist, x)
    for _ = 1, 2 do
      local text, _, same_J = printed(function() return cj.jacobian(waist, x, {verbose = true}) end)
      same(text:match "elements of line (%d+)", tostring(line))
      same(same_J, J)
    end
  end)
  it("says what was chosen, and gives the same", function()
    local text, good, J = printed(function() return cj.jacobian(f, cj.ones(4), {verbose = true, strategy = "forward-mode"}) end)
    same(good, true)
    same(text:find("^cj.jacobian: chosen: forward%-mode, 4 directions") ~= nil, true)
    same(text:find("reverse-mode about", 1, true) == nil, true) -- it was not to be looked at
    same(J, cj.jacobian(f, cj.ones(4)))
  end)
  it("is silent otherwise", function()
    same(printed(function() return cj.jacobian(f, cj.ones(4), {verbose = false}) end), "")
    same(printed(function() return cj.jacobian(f, cj.ones(4)) end), "")
  end)
  it("says it for products and gradients", function()
    same(printed(function() cj.vjp(f, cj.ones(4), cj.ones(4), {verbose = true}) end), "cj.vjp: chosen: one sweep")
  end)
  it("an error of print leaves everything as it was", function()
    local old = globals.print
    globals.print = function() error "no printer" end
    local good, message = pcall(cj.jacobian, f, cj.ones(4), {verbose = true})
    globals.print = old
    same(good, false)
    same(message:find("no printer", 1, true) ~= nil, true)
    same(cj.jacobian(f, cj.zeros(2)), 2 * cj.eye(2))
  end)
  it("is a boolean", function()
    fails({"option 'verbose'", "a boolean"}, cj.jacobian, f, cj.ones(4), {verbose = 1})
  end)
end)
