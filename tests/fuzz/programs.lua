-- Random functions of tensors: the same seed gives the same function, whatever the values are.
--
--   local program = programs.new(seed, kind)     program.f(a, b, ...), program.inputs
--
-- kind "any": all that there is.  "structure": mostly what moves, adds up and scales, so that Jacobians have structure
-- which is carried along.  "large": all that there is, of tensors longer than vectors of the machine.

local cj = require "cjac"
local generator = require "support.generator"
local sample = require "support.sample"

local programs = {}

local SHAPES = {{}, {1}, {3}, {4}, {2, 3}, {3, 3}, {3, 1}, {1, 3}, {2, 2, 3}, {0}}
local LARGE = {{}, {70}, {9, 9}, {130}, {33, 2}, {2, 33}, {64}, {3, 5, 4}}
local NUMBERS = {0, 1, -1, 2, 0.5, -2, 3, 1.5}

-- Values stay of moderate size, away from poles and kinks, through these.
local function tame(x) return x:tanh() end
local function positive(x) return x * x + 0.5 end

local function fits(a, b)
  for i = 1, math.min(a.ndim, b.ndim) do
    local p, q = a:size(-i), b:size(-i)
    if p ~= q and p ~= 1 and q ~= 1 then return false end
  end
  return true
end

local function partner(a, b) return fits(a, b) and b or b:sum() end
local function matrix(x) return x.ndim >= 2 and x or x:reshape(1, -1) end
local function axis(r, x) return r(2) == 1 and r(x.ndim) or -r(x.ndim) end

local UNARY = {"sin", "cos", "exp", "tanh", "sigmoid", "softplus", "square", "atan", "erf", "expm1", "sinh", "silu",
               "asinh", "neg", "gelu", "logsigmoid"}
local POSITIVE = {"log", "sqrt", "rsqrt", "reciprocal", "log1p", "lgamma", "cbrt", "abs", "relu", "log2"}
local BINARY = {"add", "sub", "mul", "atan2", "logaddexp", "maximum", "minimum", "hypot", "lerp", "where"}

local function unary(r, x) return tame(x)[UNARY[r(#UNARY)]](tame(x)) end
local function of_positive(r, x)
  local y = positive(tame(x))
  return y[POSITIVE[r(#POSITIVE)]](y)
end

local function binary(r, x, other)
  local a, b = tame(x), tame(partner(x, other)) + 1.25
  local name = BINARY[r(#BINARY)]
  if name == "lerp" then return a:lerp(b, NUMBERS[r(#NUMBERS)]) end
  if name == "where" then return cj.where(a:gt(0.1), a, b) end
  return a[name](a, b)
end

local function with_number(r, x)
  local n, k = NUMBERS[r(#NUMBERS)], r(8)
  if k == 1 then return x + n end
  if k == 2 then return n - x end
  if k == 3 then return x * n end
  if k == 4 then return x / (n == 0 and 1 or n) end
  if k == 5 then return tame(x) ^ math.abs(math.floor(n)) end
  if k == 6 then return positive(tame(x)) ^ n end
  if k == 7 then return n / positive(tame(x)) end
  return math.abs(n) + 1.5 ^ tame(x)
end

local function same_twice(r, x)
  local k = r(5)
  if k == 1 then return x - x end
  if k == 2 then return x + x end
  if k == 3 then return x * x end
  if k == 4 then return x / (positive(x) * 1) + x end
  return -(-x)
end

local function view(r, x)
  local k = r(12)
  if k == 1 then return x.T end
  if k == 2 then return x:flatten() end
  if k == 3 then return x:unsqueeze(r(x.ndim + 1)) end
  if k == 4 then return x:squeeze() end
  if x.ndim == 0 then return x:expand(3) end
  local d = axis(r, x)
  local n = x:size(d)
  if k == 5 then return x:flip(d) end
  if k == 6 then return x:roll(r(3) - 2, d) end
  if n == 0 then return x:sum(d) end
  if k == 7 then return x:select(d, r(n)) end
  if k == 8 then return x:slice(d, 1, n, r(2)) end
  if k == 9 then return x:narrow(d, r(n), 1) end
  if k == 10 then return x:transpose(1, d) end
  if k == 11 then return x:unsqueeze(1):expand(2, table.unpack(x.shape)) end
  return x:tile(2)
end

local function reduce(r, x)
  local k = r(10)
  if x.ndim == 0 or x:numel() == 0 then return x:sum() end
  local d, keep = axis(r, x), r(2) == 1
  if k == 1 then return x:sum(d, keep) end
  if k == 2 then return x:mean(d, keep) end
  if k == 3 then return tame(x):prod(d, keep) end
  if k == 4 then return x:logsumexp(d, keep) end
  if k == 5 then return tame(x):softmax(d) end
  if k == 6 then return tame(x):cumsum(d) end
  if k == 7 then return tame(x):cumprod(d) end
  if k == 8 then return (positive(x):norm(2, d, keep)) end
  if k == 9 then return x:sum() end
  return (x + cj.arange(x:numel()):reshape(x.shape) * 3):amax(d, keep)
end

local function join(r, x, other)
  local a, b = x:flatten(), other:flatten()
  local k = r(4)
  if k == 1 then return cj.cat{a, b} end
  if k == 2 then return cj.stack({x, x * 2, tame(x)}, r(x.ndim + 1)) end
  if k == 3 then return cj.pad(a, {1, 2}) end
  return a:outer(tame(b))
end

local function product(r, x, other)
  local a, b = matrix(tame(x)), matrix(tame(other))
  local k = r(5)
  if k == 1 then return a:matmul(a.mT) end
  if a:numel() == 0 or b:numel() == 0 then return x end
  if k == 2 and a:size(-1) == b:size(-1) and fits(a:sum({-1, -2}), b:sum({-1, -2})) then return a:matmul(b.mT) end
  local s = a:matmul(a.mT) + cj.eye(a:size(-2)) * 2
  if k == 3 then return cj.linalg.solve(s, a) end
  if k == 4 then return cj.linalg.cholesky(s) end
  return cj.linalg.det(s)
end

local function index(r, x)
  if x.ndim == 0 or x:numel() == 0 then return x end
  local n = x:size(1)
  local positions = cj.long{r(n), r(n), r(n)}
  local k = r(6)
  if k == 1 then return x:index_select(1, positions) end
  if k == 2 then return x:take(cj.long{r(x:numel()), r(x:numel())}) end
  if k == 3 then return x:flatten():scatter_add(1, positions, x:flatten()[{{1, 1}}]:expand(3)) end
  if k == 4 then return x:masked_fill(x:gt(0.2):logical_or(x:lt(-0.2)):logical_not(), 0.5) end
  if k == 5 then return x:index_add(1, cj.long{r(n)}, tame(x[{{r(n)}}])) end
  return x:flatten():gather(1, cj.long{r(x:numel())})
end

local function assign(r, x, other)
  if x.ndim == 0 or x:numel() == 0 then return x end
  local y, n, k = x:clone(), x:size(1), r(5)
  if k == 1 then y[r(n)] = 0.5 end
  if k == 2 then y[r(n)] = other:sum() end
  if k == 3 then y[r(n)] = y[r(n)] * 2 end
  if k == 4 then y[{{1, n, 2}}] = tame(y[{{1, n, 2}}]) end
  if k == 5 then
    for i = 2, n do y[i] = tame(y[i - 1]) + y[i] end
  end
  return y
end

local function derivative(r, x)
  local k = r(5)
  local function f(z) return (z:sin() * z):sum() end
  if k == 1 then return cj.grad(f)(tame(x)) end
  if k == 2 then return (select(2, cj.jvp(function(z) return z:sin() * x end, tame(x), tame(x)))) end
  if k == 3 then return (select(2, cj.vjp(function(z) return z:exp() end, tame(x), tame(x)))) end
  if k == 4 then
    programs.detached = true -- differences see what derivatives do not
    return tame(x):detach() + x
  end
  return cj.jacobian(function(z) return z:flatten()[{{1, math.min(1, z:numel())}}] ^ 2 * x:sum():tanh() end, tame(x))
end

-- A constant of the shape of x, laid out in memory in some way.
local function captured(r, x)
  local k = r(3)
  local n, back = x:numel(), {}
  for i, size in ipairs(x.shape) do back[#x.shape + 1 - i] = size end
  if k == 1 then return x * cj.tensor(0.5):expand(x.shape) end
  if k == 2 then return x + (cj.arange(n):reshape(back) * 0.1).T end
  return tame(x) * cj.arange(2 * n + 2):slice(1, 1, -1, 2):narrow(1, 1, n):reshape(x.shape)
end

local STEPS = {captured, unary, unary, of_positive, binary, binary, with_number, with_number, same_twice, view, view,
               reduce, reduce, join, product, index, assign, derivative}

local function scaled(r, x)
  local k = r(5)
  if k == 1 then return x * NUMBERS[r(#NUMBERS)] end
  if k == 2 then return x * cj.linspace(0.5, 2, x:numel()):reshape(x.shape) end
  if k == 3 then return x * tame(x) end
  if k == 4 and x.ndim > 0 and x:numel() > 0 then return x * tame(x):sum(axis(r, x), true) end
  return x / positive(x:sum())
end

local function turned(r, x)
  if x.ndim == 0 or x:numel() == 0 then return x:reshape(-1) end
  local k, d = r(9), axis(r, x)
  local n = x:size(d)
  if k == 1 then return x:flip(d) end
  if k == 2 then return x:roll(r(n), d) end
  if k == 3 then return x:slice(d, r(n), n, r(3)) end
  if k == 4 then return x:slice(d, n, 1, -1) end
  if k == 5 then return x:transpose(1, d) end
  if k == 6 then return x:reshape(-1) end
  if k == 7 then return cj.pad(x:reshape(-1), {r(3) - 1, r(3) - 1}) end
  if k == 8 then return x:index_select(d, cj.arange(0, n):to "int64" * r(3) % n + 1) end
  return x:unsqueeze(1):expand(2, table.unpack(x.shape))
end

local function added(r, x, other)
  local k = r(7)
  if k == 1 then return fits(x, other) and x + other or x + other:sum() end
  if k == 2 then return fits(x, other) and x - other or other:sum() - x end
  if x.ndim == 0 or x:numel() == 0 then return x + other:sum() end
  local d = axis(r, x)
  if k == 3 then return x:sum(d, r(2) == 1) end
  if k == 4 then return x:cumsum(d) end
  if k == 5 then return x:mean(d, r(2) == 1) end
  if k == 6 then return x[{{1, -2}}] - x[{{2, -1}}] end
  return x:softmax(d)
end

local function mixed(r, x, other)
  local k, m = r(5), matrix(x)
  if m:numel() == 0 then return x end
  local n, l = m:size(-1), m:size(-2)
  if k == 1 then return m:matmul(cj.linspace(-1, 1, 2 * n):reshape(n, 2)) end
  if k == 2 then return cj.linspace(-1, 1, 2 * l):reshape(2, l):matmul(m) end
  if k == 3 then return m:matmul(m.mT) end
  if k == 4 then return cj.stack({x, tame(x)}, r(x.ndim + 1)) end
  return cj.cat{x:reshape(-1), other:reshape(-1)}
end

local STRUCTURE <const> = {scaled, scaled, turned, turned, added, added, mixed, unary, binary}

-- steps; shapes of inputs; results of more than most elements are cut down to less
local KINDS <const> = {
  any = {steps = STEPS, shapes = SHAPES, most = 60, less = 5},
  structure = {steps = STRUCTURE, shapes = SHAPES, most = 60, less = 5},
  large = {steps = STEPS, shapes = LARGE, most = 200, less = 66},
}

local function step(r, kind, pool)
  local x, other = pool[r(#pool)], pool[r(#pool)]
  local y = kind.steps[r(#kind.steps)](r, x, other)
  if y.ndim > 4 or y:numel() > kind.most then y = y:flatten()[{{1, math.min(kind.less, y:numel())}}] end
  pool[#pool + 1] = y
end

function programs.new(seed, kind)
  local r = generator(seed)
  kind = KINDS[kind]
  local inputs = {}
  sample.seed("program " .. seed)
  for i = 1, r(3) do inputs[i] = sample.letter("R", kind.shapes[r(#kind.shapes)]) end
  local steps, outputs = 3 + r(10), r(3)
  local f = function(...)
    local q, pool, out = generator(seed + 1), {...}, {}
    for _ = 1, steps do step(q, kind, pool) end
    for i = 1, outputs do out[i] = i == 1 and pool[#pool] or pool[q(#pool)] end
    return table.unpack(out)
  end
  return {seed = seed, f = f, inputs = inputs, outputs = outputs}
end

-- A scalar made of all results of f.
function programs.scalar(f)
  return function(...)
    local s = cj.tensor(0)
    for _, y in ipairs {f(...)} do s = s + y:tanh():sum() end
    return s
  end
end

return programs
