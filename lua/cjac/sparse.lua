-- Sparse tensors: the nonzeros of a matrix in the order of their rows.  All methods are made of ordinary
-- operations, so they can be traced and differentiated.

local Sparse = {}
Sparse.__index = Sparse
Sparse.__name = "cjac.sparse"

-- Receives the module and the functions that find nonzeros; puts the constructors into the module.
return function(cj, jacobian, hessian)
  local function make(values, row, col, rows, cols)
    return setmetatable({row = row, col = col, vals = values, shape = {rows, cols}}, Sparse)
  end

  local function vector(v, n, name)
    local shape = type(v) == "userdata" and v.shape
    if not shape or #shape ~= 1 or shape[1] ~= n then
      local got = shape and "a tensor of shape [" .. table.concat(shape, ", ") .. "]" or type(v)
      error(("%s: argument 2 (v): expected a tensor of shape [%d], got %s"):format(name, n, got), 3)
    end
    return v
  end

  -- The number of entries that are kept.
  function Sparse:nnz() return self.vals:size(1) end

  -- The entries [nnz], row by row.
  function Sparse:values() return self.vals end

  -- Rows and columns from 1, and the entries.
  function Sparse:coo() return self.row, self.col, self.vals end

  -- Where each row starts among the entries, from 1, and where the last one ends; columns; entries.
  function Sparse:csr()
    local counts = cj.zeros(self.shape[1], {dtype = "int64"}):scatter_add(1, self.row, cj.ones_like(self.row))
    return cj.cat({cj.long{1}, counts:cumsum(1) + 1}, 1), self.col, self.vals
  end

  function Sparse:to_dense()
    local m, n = self.shape[1], self.shape[2]
    local zeros = cj.zeros(m * n, {dtype = self.vals.dtype})
    return zeros:scatter(1, (self.row - 1) * n + self.col, self.vals):reshape(m, n)
  end

  -- S v.
  function Sparse:mv(v)
    v = vector(v, self.shape[2], "mv")
    local zeros = cj.zeros(self.shape[1], {dtype = self.vals.dtype})
    return zeros:scatter_add(1, self.row, self.vals * v:index_select(1, self.col))
  end

  -- S' v.
  function Sparse:tmv(v)
    v = vector(v, self.shape[1], "tmv")
    local zeros = cj.zeros(self.shape[2], {dtype = self.vals.dtype})
    return zeros:scatter_add(1, self.col, self.vals * v:index_select(1, self.row))
  end

  function Sparse:__tostring()
    return ("sparse %s[%d, %d] with %d entries"):format(self.vals.dtype, self.shape[1], self.shape[2], self:nnz())
  end

  function cj.sparse_jacobian(f, inputs) return make(jacobian(f, inputs)) end
  function cj.sparse_hessian(f, inputs) return make(hessian(f, inputs)) end
  return make
end
