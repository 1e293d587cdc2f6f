-- Operations whose result has a size that depends on numbers.  They are made of ordinary operations, so they can be
-- traced and differentiated; what decides a size is asked for as a value (and so guards a compiled function).

-- Receives the module and the table of methods, and puts the functions into both.
return function(cj, methods)
  local function add(name, f) cj[name], methods[name] = f, f end

  local function bad(name, i, arg, want, got)
    local what = type(got)
    if what == "userdata" and cj.is_tensor(got) then
      what = "a tensor " .. got.dtype .. "[" .. table.concat(got.shape, ", ") .. "]"
    end
    error(("cj.%s: argument %d (%s): expected %s, got %s"):format(name, i, arg, want, what), 3)
  end

  local function tensor(x, name)
    if not cj.is_tensor(x) then bad(name, 1, "x", "a tensor", x) end
    return x
  end

  -- A whole number from lo on, or nil.
  local function whole(v, name, i, arg, lo)
    if v ~= nil and (type(v) ~= "number" or v ~= math.floor(v) or v < lo) then
      bad(name, i, arg, "an integer from " .. lo .. " on", v)
    end
    return v and math.tointeger(v)
  end

  local function options(opts, name, known)
    if opts ~= nil and type(opts) ~= "table" then bad(name, 2, "options", "a table", opts) end
    for key in pairs(opts or {}) do
      if not known[key] then error(("cj.%s: unknown option '%s'"):format(name, tostring(key)), 3) end
    end
    return opts or {}
  end

  -- The largest of integers as a Lua number; 0 of none.
  local function largest(x) return x:numel() == 0 and 0 or x:amax():item() end

  local function positions(x, name)
    if type(x) == "table" then x = cj.long(x) end
    tensor(x, name)
    if x.dtype ~= "int64" then bad(name, 1, "x", "an int64 tensor of positions", x) end
    return x
  end

  -- --- classes and counts --------------------------------------------------------------

  local one_hot, bincount = cj.one_hot, cj.bincount

  add("one_hot", function(x, n)
    x = positions(x, "one_hot")
    n = whole(n, "one_hot", 2, "n", 1)
    if n == nil and x:numel() == 0 then error("cj.one_hot: the number of classes of an empty tensor must be given", 2) end
    return one_hot(x, n or largest(x))
  end)

  add("bincount", function(x, weights, minlength)
    if type(weights) == "table" then
      local o = options(weights, "bincount", {weights = true, minlength = true})
      weights, minlength = o.weights, o.minlength
    end
    x = positions(x, "bincount")
    minlength = whole(minlength, "bincount", 3, "minlength", 0) or 0
    return bincount(x, weights, math.max(minlength, largest(x)))
  end)

  -- --- repetition ------------------------------------------------------------------------

  local repeat_interleave = cj.repeat_interleave

  -- The positions 1, 2, ... each as often as counts says.
  local function repeated(counts)
    local ends = counts:cumsum(1)
    local total = ends:numel() == 0 and 0 or ends[-1]:item()
    return cj.searchsorted(ends, cj.arange(total):long(), {right = true})
  end

  add("repeat_interleave", function(x, repeats, dim, ...)
    if type(repeats) == "table" and #repeats > 0 then repeats = cj.long(repeats) end
    if not cj.is_tensor(repeats) then return repeat_interleave(x, repeats, dim, ...) end
    tensor(x, "repeat_interleave")
    if type(dim) == "table" then dim = options(dim, "repeat_interleave", {dim = true}).dim end
    if dim == nil then x, dim = x:ravel(), 1 end
    if repeats.dtype ~= "int64" or repeats.ndim > 1 then bad("repeat_interleave", 2, "repeats", "int64 counts", repeats) end
    local n = x:size(dim)
    if repeats:numel() ~= n and repeats:numel() ~= 1 then
      error(("cj.repeat_interleave: %d repeats for dim %d of size %d"):format(repeats:numel(), dim, n), 2)
    end
    if repeats:lt(0):any():item() then error("cj.repeat_interleave: a negative count", 2) end
    return x:index_select(dim, repeated(repeats:expand(n)))
  end)

  -- --- unique ------------------------------------------------------------------------------

  -- Places of the rows of x [n, m] in ascending order, the first column deciding.
  local function row_order(x)
    local order = cj.arange(x:size(1)):long() + 1
    for column = x:size(2), 1, -1 do
      order = order:index_select(1, x:select(2, column):index_select(1, order):argsort())
    end
    return order
  end

  -- Whether each of the rows (or elements) of x differs from the one before; the first one does.
  local function changes(x)
    local n = x:size(1)
    if n == 0 then return cj.zeros(0, {dtype = "bool"}) end
    local differ = x:narrow(1, 2, n - 1):ne(x:narrow(1, 1, n - 1))
    if differ.ndim > 1 then differ = differ:any(2) end
    return cj.cat({cj.ones(1, {dtype = "bool"}), differ}, 1)
  end

  -- x in the order `order` (nil: as it is): the places of what is new in it, and the results that are asked for.
  local function distinct(x, order, shape, o, first)
    local sorted = order and x:index_select(1, order) or x
    local new = changes(sorted)
    local at = new:nonzero():reshape(-1)
    local group, results = new:long():cumsum(1), {first(sorted, at)}
    if o.return_inverse then
      local inverse = order and group:scatter(1, order, group) or group
      results[#results + 1] = shape and inverse:reshape(shape) or inverse
    end
    if o.return_counts then results[#results + 1] = bincount(group, nil, at:numel()) end
    return table.unpack(results)
  end

  local function of_elements(x, sorted, o)
    local flat = x:ravel()
    return distinct(flat, sorted and flat:argsort() or nil, x.shape, o, function(y, at) return y:index_select(1, at) end)
  end

  local function of_slices(x, sorted, o)
    local lined = x:movedim(o.dim, 1)
    local rows = lined:flatten(2)
    if lined.ndim == 1 then rows = lined:unsqueeze(2) end
    local order = sorted and row_order(rows) or nil
    return distinct(rows, order, nil, o, function(_, at)
      local from = order and order:index_select(1, at) or at
      return x:index_select(o.dim, from)
    end)
  end

  local function unique_of(name, sorted)
    add(name, function(x, opts)
      tensor(x, name)
      local o = options(opts, name, {dim = true, return_inverse = true, return_counts = true, sorted = name == "unique"})
      if o.dim == nil then return of_elements(x, sorted, o) end
      return of_slices(x, sorted, o)
    end)
  end
  unique_of("unique", true)
  unique_of("unique_consecutive", false)

  cj.argwhere, methods.argwhere = cj.nonzero, methods.nonzero

  -- --- questions ---------------------------------------------------------------------------------

  -- Same shape and elements; NaN is equal to nothing.
  add("equal", function(x, y)
    tensor(x, "equal")
    if not cj.is_tensor(y) then bad("equal", 2, "y", "a tensor", y) end
    if table.concat(x.shape, " ") ~= table.concat(y.shape, " ") then return false end
    return x:eq(y):all():item()
  end)

  add("allclose", function(x, y, ...) return cj.isclose(x, y, ...):all():item() end)
end
