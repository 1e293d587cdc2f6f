-- Colours of the columns of random sparse patterns, beside ColPack's best of three orders.
local cj = require "cjac"
local data, way = require "data", require "way"

-- A function of which every element depends on `per` elements of its input; power: how uneven the columns are.
local function gathered(n, per, power)
  local g = cj.generator(5)
  local at = (cj.rand(n * per, {generator = g}) ^ power * n):floor():long() + 1
  return function(x) return x:index_select(1, at):reshape(n, per):sum(2) end
end

-- Tensors of the rows and columns of a pattern, from 0.
local function csr(P)
  local rowptr, col = P:csr()
  return rowptr - rowptr[1], col - 1
end

local function colours(P)
  local _, n = cj.coloring(P)
  return n
end

local function colpack(P, n)
  local rowptr, col = csr(P)
  local best
  for order = 0, 2 do
    local w = way.hand("ColPack", "colpack", {rowptr, col}, {{1}}, {n, n, order})
    if w.why then return w end
    w.value = w.results()[1]:item()
    w.results = nil
    if not best or w.value < best.value then best = w end
  end
  return best
end

local function case(name, n, per, power)
  local function ways()
    if not cj.coloring then return nil, "there is no cj.coloring" end
    local f, x = gathered(n, per, power), cj.ones(n)
    local P = cj.sparsity(f, x)
    local mine = way.call("colouring", function() return cj.coloring(P) end)
    mine.value = colours(P)
    return {mine, way.call("pattern and colouring", function() return cj.coloring(cj.sparsity(f, x)) end), colpack(P, n)}
  end
  return {name = ("colours, %s, n = %g"):format(name, n), ways = ways, rows = {
    {"colouring", "#", 1.05, "ColPack"},
    {"colouring", nil, nil, "ColPack"},
    {"pattern and colouring", "s", 1},
  }}
end

return function(opts)
  local n = opts.quick and 1e4 | 0 or 1e5 | 0
  return {case("even", n, 10, 1), case("uneven", n, 10, 1.5)}
end
