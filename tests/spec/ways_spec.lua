-- Whole Jacobians and Hessians of every row of the op table, in every way there is: against the reverse mode with one
-- row at a time.

local cj = require "cjac"
local cases = require "support.cases"
local derivatives = require "support.derivatives"
local near = require "support.near"
local rows = require "support.rows"
local sample = require "support.sample"

local MOST <const> = 200 -- elements of all operands together
local SHAPES <const> = {
  {{{}}, {{3}}, {{2, 3}}, {{8, 8}}, {{70}}, {{0}}},
  {{{}, {}}, {{3}, {3}}, {{2, 1}, {3}}, {{}, {2}}, {{8, 8}, {8}}, {{70}, {70}}, {{64}, {}}, {{0}, {1}}},
  {{{}, {}, {}}, {{2, 3}, {3}, {2, 1}}, {{2}, {}, {2}}, {{66}, {}, {66}}},
}

-- The largest element of a tensor, but not too small.
local function size_of(x)
  return x:numel() == 0 and 1 or math.max(1e-3, (x:abs():nan_to_num(0, 0):max():item()))
end

local function checker(case, example)
  return function(what, want, tolerance, g)
    local good, got = pcall(g)
    if not case(good, "%s: %s: %s", example.text, what, got) then return end
    got = near.tensors(got)
    if not case(#got == #want, "%s: %s: %d tensors, wanted %d", example.text, what, #got, #want) then return end
    for i, x in ipairs(want) do
      local same = near.shape(got[i]) == near.shape(x)
      local close = same and cj.allclose(got[i], x, {rtol = 0, atol = tolerance * size_of(x), equal_nan = true})
      case(close, "%s: %s, part %d: %s", example.text, what, i, not close and ("%s instead of %s"):format(got[i], x))
    end
  end
end

local function check_jacobians(check, f, x)
  local want = near.tensors(cj.jacobian(f, x, {strategy = "reverse-mode", chunk_size = 1}))
  for _, strategy in ipairs {"reverse-mode", "forward-mode", "sparse", "auto"} do
    for turn = 1, 2 do
      check(strategy .. " " .. turn, want, 1e-9, function() return cj.jacobian(f, x, {strategy = strategy}) end)
    end
  end
  check("compiled", want, 1e-9, function() return cj.compile(f):jacobian()(table.unpack(x)) end)
end

-- The first result, as a function of operand i alone.
local function check_sparse(check, f, x, i)
  local n = x[i]:numel()
  local function first(z)
    local all = {table.unpack(x)}
    all[i] = z
    return (f(table.unpack(all)))
  end
  local function squares(z)
    local y = first(z)
    return (y * y):sum()
  end
  local jacobian = cj.jacobian(first, x[i], {strategy = "reverse-mode", chunk_size = 1}):reshape(first(x[i]):numel(), n)
  check("sparse Jacobian by operand " .. i, {jacobian}, 1e-9,
        function() return cj.sparse_jacobian(first, x[i]):to_dense() end)
  check("sparse Hessian by operand " .. i, {cj.hessian(squares, x[i]):reshape(n, n)}, 1e-8,
        function() return cj.sparse_hessian(squares, x[i]):to_dense() end)
end

describe("all ways to a Jacobian of", function()
  for _, row in ipairs(rows.all()) do
    local examples = row.differentiable and rows.examples(row, SHAPES) or {}
    if #examples > 0 then
      it(row.title, cases(function(case)
        sample.seed(row.name)
        for _, example in ipairs(examples) do
          local several, x = derivatives.problem(row, example, "float64")
          local function f(...) return table.unpack(several(...)) end
          local size = 0
          for _, z in ipairs(x) do size = size + z:numel() end
          if #x > 0 and size < MOST and #several(table.unpack(x)) > 0 then
            local check = checker(case, example)
            check_jacobians(check, f, x)
            for i = 1, #x do check_sparse(check, f, x, i) end
          end
        end
      end))
    end
  end
end)
