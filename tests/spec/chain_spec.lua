-- chain_spec.lua -- Jacobians accumulated from the middle: functions whose values all pass through some tensors on the
-- way, with running sums, moves or wide layers at the ends.

local cj = require "cjac"
local expect = require "support.expect"

local same = expect.same
cj.manual_seed(11)
local N = 32
local A, W, V = cj.randn(N, N), cj.randn(N, N) / 4, cj.randn(30, N) / 4
local x = cj.randn(N)
local order = cj.randperm(N)

local function backwards(v) return v:flip(1):cumsum(1):flip(1) end
local function links(q)
  local t = q:cumsum(1)
  local c, s = t:cos(), t:sin()
  return backwards(c * A:matmul(s * 2 - c) + s * A:matmul(c * x) + x * c)
end

-- How the compiled Jacobian is computed.
local function way(f, ...)
  local J = cj.compile(f):jacobian()
  J(...)
  return J:stats().strategy, J
end

-- Every way gives the same Jacobian, at once and compiled.
local function agrees(f, inputs, tolerance)
  local auto = cj.jacobian(f, inputs)
  local list = type(inputs) == "table" and inputs or {inputs}
  for _, strategy in ipairs {"reverse-mode", "forward-mode", "sparse"} do
    same(auto, cj.jacobian(f, inputs, {strategy = strategy}), tolerance or 1e-11)
  end
  same(cj.compile(f):jacobian()(table.unpack(list)), auto, tolerance or 1e-11)
  return auto
end

local SQUARE = cj.custom(function(a) return a * a end, {vjp = function(p, _, c) return {2 * p[1] * c[1]} end})

local ENDS = {
  {"running sums", links, x},
  {"a permutation", function(q) return cj.sin(A:matmul(q:index_select(1, order):exp())):index_select(1, order) end, x},
  {"a transposition", function(m)
    return (A:matmul(m:t():tanh()):exp() * x:unsqueeze(2)):t():cumsum(1)
  end, cj.randn(3, N)},
  {"a matrix of sums", function(m) return A:matmul(m:cumsum(2):sin()):flip(1):cumsum(1) end, cj.randn(N, 3)},
  {"a layer before a sigmoid", function(q) return (V:matmul(q:cumsum(1)):sigmoid()) end, x},
  {"softmax of a layer", function(q) return V:matmul(q:cumsum(1)):softmax(1) end, x},
  {"softmax before a layer", function(q) return V:matmul(q:cumsum(1):softmax(1)):cumsum(1) end, x},
  {"an integral of squares", function(q) return (W:matmul(q:cumsum(1)) ^ 2):cumsum(1) / N end, x},
  {"wide layers", function(q) return V:t():matmul((V:matmul((W:matmul(q:cumsum(1))):tanh())):tanh()):cumsum(1) end, x},
  {"shared factors", function(q)
    local t = q:cumsum(1)
    return backwards(t / (1 + t * t) + W:matmul(t * t) - t * W:matmul(t))
  end, x},
  {"an integer way past", function(q)
    local t = q:cumsum(1)
    local best = t:argmax(1)
    return backwards(A:matmul(t:sin()) * t) * (best:double() + 1)
  end, x},
  {"detached values", function(q)
    local t = q:cumsum(1)
    return backwards(A:matmul(t:sin()) * t:detach()) + q:detach():sum()
  end, x},
  {"branches", function(q)
    local t = q:cumsum(1)
    return backwards(cj.where(t:gt(0), A:matmul(t:sin()), t * 2) * t:cos())
  end, x},
  {"a single number on the way", function(q) return backwards((q:cumsum(1):sin():sum():tanh() * x):exp()) end, x},
  {"sorting", function(q) return backwards(W:matmul((q:cumsum(1):sort(1)))) end, x},
  {"gathers", function(q)
    return W[{{}, {1, 6}}]:matmul(q:cumsum(1):index_select(1, cj.long {1, 5, 5, 9, 32, 2}):sin())
  end, x},
  {"a derivative by hand", function(q)
    local t = q:cumsum(1)
    return backwards(W:matmul(SQUARE(t)) * t)
  end, x},
  {"a loop", function(q)
    local t = q:cumsum(1)
    return backwards((cj.fori(3, function(_, c) return W:matmul(c):tanh() end, t)) * t)
  end, x},
  {"nothing between", function(q) return q:cumsum(1) end, x},
}

describe("a Jacobian from the middle", function()
  for _, case in ipairs(ENDS) do
    it("is the same as from either end: " .. case[1], function() agrees(case[2], case[3]) end)
  end
  it("is what is chosen, without a product of matrices", function()
    local strategy, J = way(links, x)
    same(strategy, "cross-country")
    local _, products = tostring(J):gsub("= matmul [^\n]*float64%[32, 32", "")
    same(products, 0)
    local cost = J:stats().cost
    same(cost.chosen < 0.75 * math.min(cost.forward, cost.reverse), true)
  end)
  it("is told about", function()
    local told = cj.compile(links):jacobian()
    told(x)
    same(told:explain():find("cross%-country, .-\nbegun between 32 elements of line %d+ and the outputs, ") ~= nil, true)
    local layer = cj.compile(function(q) return V:matmul(q:cumsum(1)):sigmoid() end):jacobian()
    layer(x)
    same(layer:explain():find("begun", 1, true), nil)
  end)
  it("is not chosen where a way was asked for", function()
    for _, strategy in ipairs {"forward-mode", "reverse-mode"} do
      local J = cj.compile(links):jacobian {strategy = strategy}
      J(x)
      same(J:stats().strategy, strategy)
    end
    local J = cj.compile(links):jacobian {chunk_size = 5}
    same(J(x), cj.jacobian(links, x), 1e-11)
    same(J:stats().strategy == "cross-country", false)
  end)
  it("may be one input's only", function()
    local function f(q, r) return links(q) * r:sum() + r:sin() end
    same(way(f, x, x + 1), "mixed")
    agrees(f, {x, x + 1})
    agrees(function(q, r) return links(q), links(r), q * 2 end, {x, x + 1})
  end)
  it("of several outputs behind the same cut", function()
    agrees(function(q, r)
      local t = (q * 2 + r):cumsum(1)
      local p = t * A:matmul(t:sin())
      return backwards(p), p:flip(1):reshape(4, 8), p:argmax(1), A:matmul(p:cos())
    end, {x, x + 1})
  end)
  it("keeps dtypes", function()
    local function f(q) return links(q:double()):float() end
    same(agrees(f, x:float(), 1e-4).dtype, "float32")
  end)
  it("comes with the value", function()
    local y, J = cj.value_and_jacobian(links, x)
    same(y, links(x), 1e-13)
    same(J, cj.jacobian(links, x, {strategy = "forward-mode"}), 1e-11)
  end)
  it("nests and may be differentiated again", function()
    local function outer(s) return cj.jacobian(function(q) return links(q * s) end, x, {create_graph = true}):sum() end
    local s, h = cj.tensor(0.7), 1e-5
    same(cj.jacobian(outer, s), (outer(s + h) - outer(s - h)) / (2 * h), 1e-5)
    local function squares(q) return (links(q) ^ 2):sum() end
    same(cj.hessian(squares, x), cj.hessian(squares, x, {strategy = "forward-mode"}), 1e-10)
  end)
  it("in a batch, sparse and strict", function()
    local J = cj.jacobian(links, x)
    local rows = cj.vmap(function(q) return cj.jacobian(links, q) end)(cj.stack {x, x * 2})
    same(rows[1], J, 1e-11)
    same(cj.sparse_jacobian(links, x):to_dense(), J, 1e-11)
    same(cj.jacobian(links, x, {strict = true}), J)
    expect.fails("strict", cj.jacobian, function(q) return links(q), x * 2 end, x, {strict = true})
  end)
  it("does not let infinities through zeros of seeds", function()
    local z = cj.zeros(N)
    same(cj.jacobian(function(q) return A:matmul(q:sqrt()) end, z + 1), A / 2, 1e-13)
    same(cj.jacobian(function(q) return q:sqrt() * 2 end, z):diagonal(), cj.full({N}, math.huge))
  end)
end)
