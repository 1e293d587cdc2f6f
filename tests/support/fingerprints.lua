-- What this library computes, as one line a case: its name and the bits of its results.

local cj = require "cjac"
local bits = require "support.bits"
local programs = require "fuzz.programs"
local rows = require "support.rows"
local sample = require "support.sample"

local fingerprints = {}

-- Functions of vectors and matrices that are blocked, fused, picked and given to BLAS and LAPACK: name, function,
-- shapes of its inputs.
fingerprints.functions = {
  {"chain", function(x) return (1.5 * x + 0.25):tanh() * (-(x * x)):exp() + x:sin() end, {{1003}}},
  {"sums", function(x) return x:sum(), x:mean(2), x:prod(1), x:logsumexp(2), x:norm() end, {{37, 101}}},
  {"running sums", function(x) return x:cumsum(1), x:tanh():cumprod(2), x:softmax(2) end, {{23, 65}}},
  {"products", function(a, b, v)
    return a:matmul(b), b:matmul(v), v:dot(v * 2), v:outer(v)
  end, {{70, 67}, {67, 71}, {71}}},
  {"layers", function(x, a, b) return (a:matmul((b:matmul(x)):tanh())):sigmoid() end, {{64}, {32, 65}, {65, 64}}},
  {"solutions", function(a, b)
    local s = a:matmul(a.mT) + cj.eye(a:size(1)) * 4
    return cj.linalg.solve(s, b), cj.linalg.cholesky(s), cj.linalg.det(s), cj.linalg.inv(s)
  end, {{41, 41}, {41, 3}}},
  {"small solutions", function(a, b) return cj.linalg.solve(a:matmul(a.mT) + cj.eye(5) * 4, b) end, {{5, 5}, {5}}},
  {"eigenvalues", function(a) return cj.linalg.eigvalsh(a + a.mT) end, {{19, 19}}},
  {"singular values", function(a) return cj.linalg.svdvals(a) end, {{17, 13}}},
  {"stencil", function(u)
    local p = cj.pad(u, {1, 1})
    return u * (p[{{3, -1}}] - p[{{1, -3}}]) * 0.5 - 0.1 * (p[{{3, -1}}] - 2 * u + p[{{1, -3}}])
  end, {{517}}},
  {"edges", function(u)
    local from, to = cj.arange(0, 300):to "int64" * 7 % 97 + 1, cj.arange(0, 300):to "int64" * 5 % 97 + 1
    return cj.zeros(97):index_add(1, to, (u[from] - u[to]):sin() * u[to])
  end, {{97}}},
  {"scan", function(x)
    local _, all = cj.scan(function(c, a) return c * 0.9 + a:sin(), c * a end, cj.tensor(0.3), x)
    return all
  end, {{50}}},
}


-- The values of sparse tensors, in whatever way several come.
local function values(S)
  local list = {}
  for i, each in ipairs(type(S) == "table" and S or {S}) do list[i] = each:values() end
  return list
end

-- Results and derivatives of f at the tensors x, at once and compiled, as interpreter and as machine code.
function fingerprints.of_function(f, x, line)
  local function squares(...)
    local y = f(...)
    return (y * y):sum()
  end
  local function few(...)
    local y = (f(...)):flatten()
    return y[{{1, math.min(3, y:numel())}}]
  end
  line("value", f(table.unpack(x)))
  for turn = 1, 2 do
    line("jvp " .. turn, cj.jvp(f, x, x))
    line("gradient " .. turn, cj.jacobian(squares, x))
    line("jacobian " .. turn, cj.jacobian(few, x))
  end
  local F = cj.compile(f)
  for turn = 1, 2 do line("compiled " .. turn, F(table.unpack(x))) end
  if #x > 1 then return end
  local J = F:sparse_jacobian()
  for turn = 1, 2 do line("sparse " .. turn, values(J(x[1]))) end
end

-- Tensors of the function of that place in the list, the same every time.
function fingerprints.inputs(function_)
  sample.seed(function_[1])
  local x = {}
  for i, shape in ipairs(function_[3]) do x[i] = sample.letter("R", shape) end
  return x
end

local function of_rows(line)
  for _, row in ipairs(rows.all()) do
    sample.seed(row.name)
    cj.manual_seed(7)
    for i, example in ipairs(rows.examples(row)) do
      line(("%s %d"):format(row.title, i), rows.results(row.call(table.unpack(example.make()))))
    end
  end
end

local function of_programs(n, line)
  for seed = 1, n do
    local p = programs.new(seed, "any")
    line(("program %d"):format(seed), p.f(table.unpack(p.inputs)))
    for turn = 1, 2 do line(("program %d, jacobian %d"):format(seed, turn), cj.jacobian(p.f, p.inputs)) end
  end
end

-- Prints it all, with n random programs; the last line is the number of lines.
function fingerprints.print(n)
  local count = 0
  local function line(name, ...)
    count = count + 1
    print(name, bits.of(...))
  end
  of_rows(line)
  for _, each in ipairs(fingerprints.functions) do
    local function result(what, ...) line(each[1] .. " " .. what, ...) end
    fingerprints.of_function(each[2], fingerprints.inputs(each), result)
  end
  of_programs(n, line)
  print("lines", count)
end

return fingerprints
