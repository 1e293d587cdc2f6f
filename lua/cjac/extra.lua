-- Smaller operations that PyTorch and NumPy have, each a few lines of others.

-- Receives the module and the table of methods, and puts the functions into both.
return function(cj, methods)
  local function add(name, f) cj[name], methods[name] = f, f end

  -- The argument, which must be a tensor.
  local function tensor(x, name, i, arg)
    if cj.is_tensor(x) then return x end
    error(("cj.%s: argument %d (%s): expected a tensor, got %s"):format(name, i or 1, arg or "x", type(x)), 3)
  end

  local function integer(v, otherwise, name, i, arg, lo)
    if v == nil then v = otherwise end
    local n = math.tointeger(v)
    if n and n >= lo then return n end
    error(("cj.%s: argument %d (%s): expected an integer from %d on, got %s"):format(name, i, arg, lo, tostring(v)), 3)
  end

  -- The tensors of f(a, b, ...) or f{a, b, ...}.
  local function tensors(name, first, ...)
    local list = type(first) == "table" and first or {first, ...}
    if #list == 0 then error(("cj.%s: no tensors given, wanted at least one"):format(name), 3) end
    for i, x in ipairs(list) do tensor(x, name, i, "tensor") end
    return list
  end

  local function shown(x) return "[" .. table.concat(x.shape, ", ") .. "]" end

  -- --- shapes -----------------------------------------------------------------------------

  add("atleast_1d", function(x)
    tensor(x, "atleast_1d")
    return x.ndim == 0 and x:reshape(1) or x
  end)
  add("atleast_2d", function(x)
    tensor(x, "atleast_2d")
    return x.ndim < 2 and x:reshape(1, x:numel()) or x
  end)
  add("atleast_3d", function(x)
    tensor(x, "atleast_3d")
    if x.ndim < 2 then return x:reshape(1, x:numel(), 1) end
    return x.ndim == 2 and x:unsqueeze(3) or x
  end)

  -- Matrices along a diagonal, zeros elsewhere.
  function cj.block_diag(...)
    local blocks, rows, width, before = tensors("block_diag", ...), {}, 0, 0
    for i, x in ipairs(blocks) do
      if x.ndim > 2 then error(("cj.block_diag: tensor %d has shape %s, wanted at most 2 dims"):format(i, shown(x)), 2) end
      blocks[i] = cj.atleast_2d(x)
      width = width + blocks[i]:size(2)
    end
    for i, x in ipairs(blocks) do
      rows[i] = x:pad{before, width - before - x:size(2)}
      before = before + x:size(2)
    end
    return cj.cat(rows, 1)
  end

  -- `parts` pieces, the first ones larger by one, or pieces that begin at the given positions; each as {first, size}.
  local function cuts(name, n, parts)
    local list, at = {}, 1
    if type(parts) == "table" then
      for i = 1, #parts + 1 do
        local to = math.min(i > #parts and n + 1 or integer(parts[i], nil, name, 2, "positions", 1), n + 1)
        list[i], at = {at, math.max(to - at, 0)}, to
      end
      return list
    end
    parts = integer(parts, nil, name, 2, "parts", 1)
    if parts > 1 << 16 then error(("cj.%s: %d parts are too many"):format(name, parts), 4) end
    for i = 1, parts do
      local size = n // parts + (i <= n % parts and 1 or 0)
      list[i], at = {at, size}, at + size
    end
    return list
  end

  local function pieces(name, x, parts, dim)
    local n = x:size(dim)
    local list = cuts(name, n, parts)
    for i, cut in ipairs(list) do
      local first, size = cut[1], cut[2]
      list[i] = size == n and x or x:narrow(dim, math.min(first, math.max(n, 1)), size)
    end
    return list
  end
  add("tensor_split", function(x, parts, dim)
    tensor(x, "tensor_split")
    if type(dim) == "table" then dim = dim.dim end
    return pieces("tensor_split", x, parts, dim or 1)
  end)
  add("hsplit", function(x, parts) return pieces("hsplit", tensor(x, "hsplit"), parts, x.ndim == 1 and 1 or 2) end)
  add("vsplit", function(x, parts) return pieces("vsplit", tensor(x, "vsplit"), parts, 1) end)

  -- Positions [2, k] of the lower (upper) triangle of an n by m matrix.
  local function indices_of(name, part)
    cj[name] = function(n, m, offset)
      n = integer(n, nil, name, 1, "n", 0)
      m = integer(m, n, name, 2, "m", 0)
      return cj.ones(n, m)[part](cj.ones(n, m), offset or 0):nonzero().T
    end
  end
  indices_of("tril_indices", "tril")
  indices_of("triu_indices", "triu")

  -- Every choice of one element from each vector, as rows.
  function cj.cartesian_prod(...)
    local list = tensors("cartesian_prod", ...)
    if #list == 1 then return list[1] end
    local grids = cj.meshgrid(list)
    for i, x in ipairs(grids) do grids[i] = x:ravel() end
    return cj.stack(grids, 2)
  end

  -- Powers of x as columns, falling from n - 1 to 0.
  add("vander", function(x, n)
    tensor(x, "vander")
    n = integer(n, x:size(-1), "vander", 2, "n", 0)
    return x:unsqueeze(-1) ^ cj.arange(n):flip(1)
  end)

  -- --- distances, spreads ---------------------------------------------------------------------

  add("dist", function(x, y, p) return (tensor(x, "dist") - y):norm(p or 2) end)

  -- The distance of every row of x from every row of y.
  add("cdist", function(x, y, p)
    tensor(x, "cdist")
    tensor(y, "cdist", 2, "y")
    if x.ndim < 2 or y.ndim < 2 or x:size(-1) ~= y:size(-1) then
      error(("cj.cdist: shapes %s and %s do not hold vectors of one size"):format(shown(x), shown(y)), 2)
    end
    return (x:unsqueeze(-2) - y:unsqueeze(-3)):norm(p or 2, -1)
  end)

  -- Covariances of the rows of x, whose columns are observations.
  add("cov", function(x, opts)
    tensor(x, "cov")
    if x.ndim > 2 then error(("cj.cov: x has shape %s, wanted at most 2 dims"):format(shown(x)), 2) end
    local correction = type(opts) == "table" and opts.correction or type(opts) == "number" and opts or 1
    local rows = cj.atleast_2d(x)
    local centered = rows - rows:mean(2, true)
    local c = centered:matmul(centered.T) / math.max(rows:size(2) - correction, 0)
    return x.ndim < 2 and c:reshape{} or c
  end)

  add("corrcoef", function(x)
    local c = cj.cov(tensor(x, "corrcoef"))
    if c.ndim == 0 then return c / c end
    local s = c:diagonal():sqrt()
    return (c / s:unsqueeze(2) / s):clamp(-1, 1)
  end)

  -- Slopes by central differences along dim, one-sided at both ends.
  add("gradient", function(x, spacing, dim)
    tensor(x, "gradient")
    if type(spacing) == "table" then spacing, dim = spacing.spacing, spacing.dim end
    spacing, dim = spacing or 1, dim or -1
    local n = x:size(dim)
    if n < 2 then error(("cj.gradient: shape %s has not 2 elements along dim %d"):format(shown(x), dim), 2) end
    local steps = x:diff(1, dim)
    local inner = (steps:narrow(dim, 1, n - 2) + steps:narrow(dim, 2, n - 2)) / 2
    return cj.cat({steps:narrow(dim, 1, 1), inner, steps:narrow(dim, n - 1, 1)}, dim) / spacing
  end)

  -- --- membership, histograms --------------------------------------------------------------------

  add("isin", function(x, values)
    tensor(x, "isin")
    if type(values) == "number" then values = cj.tensor(values) end
    local sorted = (tensor(values, "isin", 2, "values"):ravel():sort())
    local n = sorted:numel()
    if n == 0 then return cj.zeros_like(x, {dtype = "bool"}) end
    return sorted:take(cj.searchsorted(sorted, x):clamp(1, n)):eq(x)
  end)

  -- How many elements lie in each of `bins` equal intervals from lo to hi (nil: of the elements themselves).
  add("histc", function(x, bins, lo, hi)
    tensor(x, "histc")
    bins = integer(bins, 100, "histc", 2, "bins", 1)
    local flat = x:detach():ravel()
    if (lo or 0) == 0 and (hi or 0) == 0 and flat:numel() > 0 then lo, hi = flat:amin():item(), flat:amax():item() end
    lo, hi = lo or 0, hi or 0
    if lo == hi then lo, hi = lo - 1, hi + 1 end
    if not (lo < hi) then error(("cj.histc: min is %s and max is %s"):format(lo, hi), 2) end
    local inside = flat:ge(lo):logical_and(flat:le(hi))
    local at = ((cj.where(inside, flat, lo) - lo) / (hi - lo) * bins):floor():clamp(0, bins - 1):long() + 1
    return cj.zeros(bins, {dtype = x.dtype}):scatter_add(1, at, inside:to(x.dtype))
  end)
end
