-- Sparse tensors: the nonzeros of a matrix in the order of their rows.  All methods but solve are made of ordinary
-- operations, so they can be traced and differentiated.  Patterns are held by userdata of the C side; matrices with the
-- same places share one.

local Sparse = {}
Sparse.__index = Sparse
Sparse.__name = "cjac.sparse"
Sparse.__metatable = "cjac.sparse"

-- Receives the module and the functions of the C side; puts the constructors into the module.
return function(cj, core)
  local known = setmetatable({}, {__mode = "k"}) -- holder of a pattern -> what is known of it
  local issparse = setmetatable({}, {__mode = "k"})

  -- --- parts -------------------------------------------------------------------------------------------

  local function about(pattern)
    local k = known[pattern]
    if not k then
      k = {}
      known[pattern] = k
    end
    return k
  end

  local function make(values, pattern)
    local rows, cols, nnz = core.sizes(pattern)
    local S = setmetatable({vals = values, pattern = pattern, shape = {rows, cols}, entries = nnz}, Sparse)
    issparse[S] = true
    return S
  end

  -- Rows and columns from 1, and where rows start; not to be handed out.
  local function places(S)
    local k = about(S.pattern)
    if not k.row then k.row, k.col, k.start = core.places(S.pattern) end
    return k.row, k.col, k.start
  end

  -- --- arguments ------------------------------------------------------------------------------------------

  local function describe(v)
    if issparse[v] then return ("a sparse tensor of shape [%d, %d]"):format(v.shape[1], v.shape[2]) end
    local shape = type(v) == "userdata" and v.shape
    return shape and ("a tensor of shape [%s]"):format(table.concat(shape, ", ")) or type(v)
  end

  local function bad(who, arg, name, want, got)
    error(("%s: argument %d (%s): expected %s, got %s"):format(who, arg, name, want, describe(got)), 4)
  end

  local function self_of(S, who)
    if not issparse[S] then bad(who, 1, "S", "a sparse tensor", S) end
    return S
  end

  -- A tensor with n rows, of one of the ranks.
  local function operand(v, n, who, name, low, high)
    local shape = type(v) == "userdata" and v.shape
    if shape and #shape >= low and #shape <= high and shape[1] == n then return v end
    local want = {"[%d]", "[%d, k]"}
    local text = low == high and want[low] or want[low] .. " or " .. want[high]
    bad(who, 2, name, "a tensor of shape " .. text:gsub("%%d", tostring(n)), v)
  end

  -- --- looking -------------------------------------------------------------------------------------------------

  -- The number of entries that are kept.
  function Sparse:nnz() return self_of(self, "S:nnz").entries end

  -- The entries [nnz], row by row.
  function Sparse:values() return self_of(self, "S:values").vals end

  -- Rows and columns from 1, and the entries.
  function Sparse:coo()
    local row, col = places(self_of(self, "S:coo"))
    return row:clone(), col:clone(), self.vals
  end

  -- Where each row starts among the entries, from 1, and where the last one ends; columns; entries.
  function Sparse:csr()
    local _, col, start = places(self_of(self, "S:csr"))
    return start:clone(), col:clone(), self.vals
  end

  function Sparse:to_dense()
    local row, col = places(self_of(self, "S:to_dense"))
    local m, n = self.shape[1], self.shape[2]
    local zeros = cj.zeros(m * n, {dtype = self.vals.dtype})
    return zeros:scatter(1, (row - 1) * n + col, self.vals):reshape(m, n)
  end

  -- The elements (i, i).
  function Sparse:diagonal()
    local row, col = places(self_of(self, "S:diagonal"))
    local n = math.min(self.shape[1], self.shape[2])
    local zeros = cj.zeros(n, {dtype = self.vals.dtype})
    local here = cj.arange(1, self.entries + 1, {dtype = "int64"})[row:eq(col)]
    return zeros:scatter(1, row:index_select(1, here), self.vals:index_select(1, here))
  end

  function Sparse:__tostring()
    if not issparse[self] then return "cjac.sparse" end
    return ("sparse %s[%d, %d] with %d entries"):format(self.vals.dtype, self.shape[1], self.shape[2], self.entries)
  end

  -- --- products -------------------------------------------------------------------------------------------------

  -- S v.
  function Sparse:mv(v)
    local row, col = places(self_of(self, "S:mv"))
    operand(v, self.shape[2], "S:mv", "v", 1, 1)
    local zeros = cj.zeros(self.shape[1], {dtype = self.vals.dtype})
    return zeros:scatter_add(1, row, self.vals * v:index_select(1, col))
  end

  -- S' v.
  function Sparse:tmv(v)
    local row, col = places(self_of(self, "S:tmv"))
    operand(v, self.shape[1], "S:tmv", "v", 1, 1)
    local zeros = cj.zeros(self.shape[2], {dtype = self.vals.dtype})
    return zeros:scatter_add(1, col, self.vals * v:index_select(1, row))
  end

  -- S B for a matrix B.
  function Sparse:mm(B)
    local row, col = places(self_of(self, "S:mm"))
    operand(B, self.shape[2], "S:mm", "B", 2, 2)
    local zeros = cj.zeros(self.shape[1], B:size(2), {dtype = self.vals.dtype})
    return zeros:index_add(1, row, self.vals:unsqueeze(2) * B:index_select(1, col))
  end

  -- --- other matrices ------------------------------------------------------------------------------------------------

  -- The transpose, as a sparse tensor.
  function Sparse:t()
    local k = about(self_of(self, "S:t").pattern)
    if not k.transposed then k.transposed, k.from = core.transpose(self.pattern) end
    return make(self.vals:index_select(1, k.from), k.transposed)
  end

  -- The same places with other entries.
  local function with(S, values) return make(values, S.pattern) end

  local function scaled(a, b, name, by)
    if not issparse[a] then a, b = b, a end
    local scalar = type(b) == "number" or type(b) == "userdata" and #b.shape == 0
    if not scalar then bad("S " .. name .. " c", 2, "c", "a number or a tensor with one element and no axes", b) end
    return with(a, by(a.vals, b))
  end

  function Sparse.__unm(S) return with(S, -S.vals) end
  function Sparse.__mul(a, b) return scaled(a, b, "*", function(x, c) return x * c end) end
  function Sparse.__div(a, b)
    if not issparse[a] then bad("c / S", 1, "S", "a sparse tensor on the left", a) end
    return scaled(a, b, "/", function(x, c) return x / c end)
  end

  -- Row, col: int64 tensors [n], from 1; entries [n]: those at one place are added up.  shape: {rows, columns}.
  function cj.sparse(row, col, values, shape)
    if type(shape) ~= "table" or math.type(shape[1]) ~= "integer" or math.type(shape[2]) ~= "integer" then
      bad("cj.sparse", 4, "shape", "a table of two sizes", shape)
    end
    local pattern, place = core.from_entries(row, col, shape[1], shape[2])
    if type(values) ~= "userdata" or #values.shape ~= 1 or values:size(1) ~= row:size(1) then
      bad("cj.sparse", 3, "values", ("a tensor of shape [%d]"):format(row:size(1)), values)
    end
    local _, _, nnz = core.sizes(pattern)
    return make(cj.zeros(nnz, {dtype = values.dtype}):scatter_add(1, place, values), pattern)
  end

  local function sum(a, b, name, sign)
    for i, S in ipairs {a, b} do
      if not issparse[S] then bad("S " .. name .. " S", i, "S", "a sparse tensor", S) end
    end
    if a.shape[1] ~= b.shape[1] or a.shape[2] ~= b.shape[2] then
      bad("S " .. name .. " S", 2, "S", ("a sparse tensor of shape [%d, %d]"):format(a.shape[1], a.shape[2]), b)
    end
    if a.pattern == b.pattern then return with(a, a.vals + b.vals * sign) end
    local arow, acol = places(a)
    local brow, bcol = places(b)
    return cj.sparse(cj.cat({arow, brow}, 1), cj.cat({acol, bcol}, 1), cj.cat({a.vals, b.vals * sign}, 1), a.shape)
  end

  function Sparse.__add(a, b) return sum(a, b, "+", 1) end
  function Sparse.__sub(a, b) return sum(a, b, "-", -1) end

  -- --- solving ---------------------------------------------------------------------------------------------------------

  -- x with S x = b, for a vector b or the columns of a matrix.  What depends on the places only is found out once.
  function Sparse:solve(b)
    local k = about(self_of(self, "S:solve").pattern)
    if self.shape[1] ~= self.shape[2] then
      error(("S:solve: a square matrix is wanted, this one has shape [%d, %d]"):format(self.shape[1], self.shape[2]), 2)
    end
    operand(b, self.shape[1], "S:solve", "b", 1, 2)
    local float = self.vals.dtype == "float32" and b.dtype == "float32"
    local rhs = #b.shape == 1 and b:unsqueeze(1) or b:t()
    if not k.solver then k.solver = core.solver(self.pattern) end
    local x = core.solve(k.solver, self.vals:double(), rhs:double())
    if float then x = x:float() end
    return #b.shape == 1 and x:squeeze(1) or x:t()
  end

  -- --- derivatives -----------------------------------------------------------------------------------------------------

  function cj.sparse_jacobian(f, inputs) return make(core.jacobian(f, inputs)) end
  function cj.sparse_hessian(f, inputs) return make(core.hessian(f, inputs)) end

  -- Which elements of f's outputs, laid end to end, may depend on which elements of its inputs: true there.
  function cj.sparsity(f, inputs)
    local pattern = core.sparsity(f, inputs)
    local _, _, nnz = core.sizes(pattern)
    return make(cj.ones(nnz, {dtype = "bool"}), pattern)
  end

  -- Colours of the columns (or rows) of a sparse tensor, from 1 on, and how many; {kind = "bidirectional"}: colours of
  -- rows and of columns, 0 where there is none, and how many of each.  "star": also 0 where there is none.
  function cj.coloring(pattern, options)
    if not issparse[pattern] then bad("cj.coloring", 1, "pattern", "a sparse tensor", pattern) end
    if options ~= nil and type(options) ~= "table" then bad("cj.coloring", 2, "options", "a table", options) end
    for name in pairs(options or {}) do
      if name ~= "kind" then error(("cj.coloring: there is no option '%s' (there is kind)"):format(name), 2) end
    end
    local kind = options and options.kind or "column"
    local row, col, nrow, ncol = core.coloring(pattern.pattern, kind)
    if kind == "row" then return row, nrow end
    if kind == "bidirectional" then return row, col, nrow, ncol end
    return col, ncol
  end

  return make
end
