-- structure_spec.lua -- derivatives whose structure is known are not computed as if it were not: identity
-- seeds vanish from products, and their zeros annihilate what is infinite.

local cj = require "cjac"
local expect = require "support.expect"

local same = expect.same
local inf = math.huge

-- f's Jacobian from a compiled function, and its program as text.
local function compiled(f, x)
  local J = cj.compile(f):jacobian()
  return J(x), tostring(J)
end

local function numeric(f, x)
  local flat, columns = x:flatten(), {}
  for i = 1, x:numel() do
    local step = cj.zeros(x:numel())
    step[i] = 1e-5
    step = step:reshape(table.unpack(x.shape))
    columns[i] = ((f(x + step) - f(x - step)) / 2e-5):flatten()
  end
  assert(#columns == flat:numel())
  local y = f(x)
  local shape = y.shape
  for _, n in ipairs(x.shape) do shape[#shape + 1] = n end
  return cj.stack(columns, 2):reshape(table.unpack(shape))
end

cj.manual_seed(7)
local A, B, W = cj.randn(3, 4), cj.randn(2, 5), cj.randn(6, 4)

local PRODUCTS = {
  {"matrix times vector", function(x) return A:matmul(x) end, cj.randn(4)},
  {"vector times matrix", function(x) return x:matmul(A) end, cj.randn(3)},
  {"matrix times matrix", function(x) return A:matmul(x) end, cj.randn(4, 2)},
  {"times a matrix", function(x) return x:matmul(B) end, cj.randn(3, 2)},
  {"between two matrices", function(x) return A:matmul(x):matmul(B) end, cj.randn(4, 2)},
  {"two layers", function(x) return W:matmul(A:t():matmul(x):tanh()) end, cj.randn(3)},
  {"one column", function(x) return A:matmul(x) end, cj.randn(4, 1)},
  {"one row", function(x) return x:matmul(B) end, cj.randn(1, 2)},
  {"stacks", function(x) return cj.stack {A, 2 * A}:matmul(x) end, cj.randn(4, 2)},
  {"both factors", function(x) return x:matmul(x:t()) end, cj.randn(2, 3)},
  {"sums of rows of a column times itself", function(x) return x:matmul(x:t()):sum(2) end, cj.randn(3, 1)},
  {"sums of columns of a column times itself", function(x) return x:matmul(x:t()):sum(1) end, cj.randn(3, 1)},
  {"sums of rows times themselves", function(x)
    local s = x:sum(2, true):tanh()
    return s:matmul(s:t()):sum(2)
  end, cj.randn(3, 3)},
  {"what is turned round", function(x) return (x:flip(1):tanh():sum() * x:flip(1)):sin():flip(1) end, cj.randn(3)},
  {"a sum of what is turned round", function(x) return (x:flip(1) ^ 2):sum():tanh():reshape(1) end, cj.randn(3)},
  {"every second of what is scaled", function(x) return (x:flip(1)[{{1, 4, 2}}] * x[{{1, 2}}]):cumsum(1) end, cj.randn(4)},
  {"a vector times itself", function(x) return x:outer(x):sum(1) * x end, cj.randn(3)},
}

describe("products with identity seeds", function()
  for _, case in ipairs(PRODUCTS) do
    local name, f, x = table.unpack(case)
    for _, strategy in ipairs {"auto", "reverse-mode", "forward-mode"} do
      it(name .. " (" .. strategy .. ")", function()
        same(cj.jacobian(f, x, {strategy = strategy}), numeric(f, x), 1e-6)
      end)
    end
    it(name .. ", second order", function()
      local function scalar(z) return (f(z) ^ 3):sum() end
      local function gradient(z) return cj.jacobian(scalar, z, {create_graph = true}) end
      same(cj.hessian(scalar, x), numeric(gradient, x), 1e-5)
    end)
  end

  it("the Jacobian of a product is the matrix, and nothing is computed", function()
    local J, program = compiled(function(x) return A:matmul(x) end, cj.randn(4))
    same(J, A)
    same(program:find("matmul", 1, true) ~= nil, false)
    same(program:find("eye", 1, true) ~= nil, false)
  end)
  it("so is that of a layer in front of another", function()
    local _, program = compiled(function(x) return W:matmul(A:t():matmul(x):tanh()) end, cj.randn(3))
    same(program:find("eye", 1, true) ~= nil, false)
  end)
  it("several inputs", function()
    local J = cj.jacobian(function(x, z) return A:matmul(x) + A:matmul(z):sin() end, {cj.zeros(4), cj.zeros(4)})
    same(J[1], A)
    same(J[2], A)
  end)
end)

describe("zeros of seeds", function()
  it("annihilate infinite weights", function()
    local M = cj.tensor {{1, inf}, {0 / 0, 4}}
    local J = cj.jacobian(function(x) return M:matmul(x) end, cj.ones(2))
    same(J(1, 1):item(), 1)
    same(J(1, 2):item(), inf)
    same(J(2, 2):item(), 4)
  end)
  for _, strategy in ipairs {"auto", "reverse-mode", "forward-mode"} do
    it("annihilate infinite partials (" .. strategy .. ")", function()
      local x = cj.tensor {1000, 0}
      same(cj.jacobian(function(z) return z:exp() end, x, {strategy = strategy}), cj.tensor {{inf, 0}, {0, 1}})
    end)
  end
end)

-- What transforms write is simplified: factors and sums move to where there are fewer elements.
describe("gradients", function()
  local X, Q = cj.randn(7, 5), cj.randn(5, 5)
  local FUNCTIONS = {
    {"sum of a product by its rows", function(v) return ((X - v):matmul(Q) ^ 2):sum() end, cj.randn(5)},
    {"sum of a product by its columns", function(v) return (Q:matmul(X:t() * v:unsqueeze(2)) ^ 2):sum() end, cj.randn(5)},
    {"stacks of products", function(v) return (cj.stack {X, -X}:matmul(Q * v):sin()):sum() end, cj.randn(5)},
    {"factors behind views", function(v) return (-0.5 * (3 * -v:exp()):unsqueeze(2) * X:t()):tanh():sum() end, cj.randn(5)},
    {"a sum with itself", function(v) return (v + v + v * 0):sin():sum() end, cj.randn(5)},
  }
  for _, case in ipairs(FUNCTIONS) do
    local name, f, x = table.unpack(case)
    it(name, function() same(cj.jacobian(f, x), numeric(f, x), 1e-6) end)
    it(name .. ", second order", function()
      local function gradient(z) return cj.jacobian(f, z, {create_graph = true}) end
      same(cj.hessian(f, x), numeric(gradient, x), 1e-5)
      same(cj.hessian(f, x), cj.jacobian(gradient, x, {strategy = "forward-mode"}), 1e-10)
    end)
  end
  it("sum the rows before they are multiplied", function()
    local G = cj.compile(function(v) return (X - v):matmul(Q):sin():sum() end):gradient()
    G(cj.ones(5))
    local _, large = tostring(G):gsub("= matmul [^\n]*%[7, 5%]", "")
    same(large, 1)
  end)
end)

describe("a factor that is the number 0", function()
  it("leaves no entry in the pattern", function()
    same(cj.sparse_jacobian(function(x) return x * 0 + x:flip(1) end, cj.ones(4)):nnz(), 4)
    same(cj.sparse_jacobian(function(x) return x * 0 end, cj.ones(4)):nnz(), 0)
  end)
  it("still gives NaN from what is infinite, in the value only", function()
    local y, J = cj.value_and_jacobian(function(x) return x * 0 end, cj.tensor {inf, 1})
    same(y[1]:item() ~= y[1]:item(), true)
    same(J, cj.zeros(2, 2))
  end)
end)

describe("a pattern of many different sets", function()
  it("is found", function() -- a table of sets that clusters would take minutes
    local n, m = 40000, 60000
    local i, k = cj.randint(1, m, {n}), cj.randint(1, m, {n})
    local S = cj.sparse_jacobian(function(x) return x:index_select(1, i) * x:index_select(1, k) end, cj.ones(m))
    same(S:nnz(), 2 * n - i:eq(k):long():sum():item())
  end)
end)

describe("what depends on no input", function()
  it("is computed while planning", function()
    local function f(z) return z:cumsum(1):sin() end
    local G = cj.compile(function(x) return cj.value_and_jacobian(f, x, {strategy = "forward-mode"}) end)
    local x = cj.linspace(0, 1, 20)
    local _, J = G(x)
    same(J, cj.jacobian(f, x, {strategy = "reverse-mode"}))
    local plan = G:explain():match "plan:.*"
    local _, sums = plan:gsub("= cumsum", "")
    same(sums, 1) -- that of x, not that of the seeds
  end)
  it("a running sum from the end is one step", function()
    local F = cj.compile(function(x) return x:flip(1):cumsum(1):flip(1) end)
    local x = cj.randn(40)
    local y = F(x)
    local want = 0
    for i = 40, 1, -1 do
      want = want + x[i]:item()
      same(y[i]:item(), want)
    end
    same(F:explain():find("slice", 1, true) == nil and F:explain():find("copy", 1, true) == nil, true)
  end)
end)

describe("a branch that is a number", function()
  it("adds nothing to the pattern of what does not depend on it", function()
    local pick = cj.long {1, 2, 3, 1, 2, 3}
    local function f(c)
      local row = c:index_select(1, pick)
      local r = row[{{}, {1, 3}}]
      local square = (r * r):sum(2, true)
      return r * cj.where(square:gt(0), square, 1):sqrt() + row[{{}, {4, 6}}]
    end
    local x = cj.rand(3, 6) + 0.1
    local S = cj.sparse_jacobian(f, x)
    same(S:nnz(), 6 * 3 * 4) -- of each row three by r, one by what is added
    same(S:to_dense(), cj.jacobian(f, x):reshape(18, 18))
  end)
end)

describe("captured ones", function()
  it("vanish from compiled products", function()
    local ones, x = cj.ones(100), cj.linspace(0, 1, 100)
    local function f(z) return (z * 3 + 1) * z * ones end
    local F = cj.compile(function(z) return cj.jvp(f, z, ones) end)
    local y, t = F(x)
    same(y, f(x))
    same(t, 6 * x + 1)
    same(F:explain():find("1 inputs", 1, true) ~= nil, true)
  end)
  it("may be results, float32, and nearly ones", function()
    local ones, nearly = cj.ones(3, {dtype = "float32"}), cj.ones(3)
    nearly[3] = 1 + 2 ^ -52
    local F = cj.compile(function(z) return ones, z * ones, z:double() * nearly end)
    local a, b, c = F(cj.tensor({1, 2, 3}, {dtype = "float32"}))
    same(a, ones)
    same(b, cj.tensor({1, 2, 3}, {dtype = "float32"}))
    same(c, cj.tensor {1, 2, 3} * nearly, 0)
  end)
end)

describe("pieces of an input", function()
  local x = cj.randn(40)
  local function halves(z) return ((z[{{1, 20}}]:sin() * z[{{21, 40}}]):exp()):sum() end
  local function chunks(z)
    local sum = 0
    for i, piece in ipairs(z:reshape(4, 10):chunk(5, 2)) do sum = sum + (piece:sin() ^ i):sum() end
    return sum
  end
  local function many(z)
    local sum = 0
    for i = 1, 40 do sum = sum + z[i]:sin() * z[41 - i] end
    return sum
  end
  local function gaps(z) return z[{{3, 9}}]:sin():sum() + z[{{10, 12}}]:cos():sum() + z[{{20, 30}}]:exp():sum() end
  local function overlapping(z) return (z[{{1, 30}}]:sin() * z[{{11, 40}}]):sum() end
  local function strided(z) return (z[{{1, -1, 2}}]:sin() * z[{{2, -1, 2}}]):sum() end
  for name, f in pairs {halves = halves, chunks = chunks, many = many, gaps = gaps, overlapping = overlapping,
    strided = strided} do
    it("have the gradient of the whole: " .. name, function()
      local g = cj.grad(f)(x)
      same(g, numeric(f, x), 1e-6)
      same(cj.jacobian(f, x, {strategy = "forward-mode"}), g, 1e-12)
      same(cj.compile(f):gradient()(x), g, 1e-12)
      same(cj.hessian(f, x), numeric(cj.grad(f), x), 1e-5)
    end)
  end
  it("are put together, not added up", function()
    local F = cj.compile(halves):gradient()
    F(x)
    same(tostring(F):find("embed"), nil)
  end)
end)
