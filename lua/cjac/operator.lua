-- operator.lua -- Jacobians that are not written out: of functions that work on each row of a batch on its own,
-- and as matrix-free operators.  Made of the module's own functions, so all of it can be traced.

local Operator = {}
Operator.__index = Operator
Operator.__name = "cjac.jacobian_operator"

local function described(v)
  if type(v) ~= "userdata" or type(v.shape) ~= "table" then return "a " .. type(v) end
  return "a tensor of shape [" .. table.concat(v.shape, ", ") .. "]"
end

-- first, then the sizes of shape from the second on.
local function join(first, ...)
  local sizes = {first}
  for _, shape in ipairs {...} do
    for k = 2, #shape do sizes[#sizes + 1] = shape[k] end
  end
  return sizes
end

local function check_function(who, f)
  if type(f) == "function" or type(f) == "userdata" then return end
  error(("%s: argument 1 (f): expected a function, got %s"):format(who, described(f)), 3)
end

local function check_batch(who, x, what)
  if type(x) == "userdata" and x.shape and #x.shape >= 1 then return x.shape end
  error(("%s: %s: expected a tensor with a batch dimension, got %s"):format(who, what, described(x)), 4)
end

-- Receives the module.
return function(cj)
  -- Of f, which gives row b of its result from row b of its argument alone: the blocks, of shape
  -- [B] ++ one row of the result ++ one row of the argument.
  function cj.batch_jacobian(f, x)
    local who = "cj.batch_jacobian"
    check_function(who, f)
    local inputs, outputs = check_batch(who, x, "argument 2 (inputs)"), nil
    local S = cj.sparse_jacobian(function(z)
      local y = f(z)
      outputs = check_batch(who, y, "what the function returns")
      return y
    end, x)
    local batch = inputs[1]
    if outputs[1] ~= batch then
      error(("%s: the function gave %d rows for %d rows of its argument"):format(who, outputs[1], batch), 2)
    end
    local sizes = join(batch, outputs, inputs)
    if S:nnz() == 0 then return cj.zeros(sizes, {dtype = S:values().dtype}) end
    local rows, cols = S.shape[1] // batch, S.shape[2] // batch
    local row, col, values = S:coo()
    local of_row, of_col = (row - 1) // rows, (col - 1) // cols
    local mixed = of_row:ne(of_col)
    if mixed:any():item() then
      local k = mixed:long():argmax():item()
      error(("%s: row %d of the result depends on row %d of the argument"):format(who, of_row[k]:item() + 1,
                                                                                of_col[k]:item() + 1), 2)
    end
    local place = (row - 1) * cols + (col - 1) % cols + 1
    return cj.zeros(batch * rows * cols, {dtype = values.dtype}):scatter(1, place, values):reshape(sizes)
  end

  -- The Jacobian of f at inputs as an operator.
  function cj.jacobian_operator(f, inputs)
    check_function("cj.jacobian_operator", f)
    return setmetatable({f = f, inputs = inputs}, Operator)
  end

  -- J v; v as the inputs are.
  function Operator:mv(v) return (select(2, cj.jvp(self.f, self.inputs, v))) end

  -- J' v; v as f's results are.
  function Operator:tmv(v) return (select(2, cj.vjp(self.f, self.inputs, v))) end

  function Operator:dense() return cj.jacobian(self.f, self.inputs) end

  function Operator:sparse() return cj.sparse_jacobian(self.f, self.inputs) end

  -- The diagonal of a square Jacobian, from its nonzeros.
  function Operator:diagonal()
    local S = self:sparse()
    local n = S.shape[1]
    if n ~= S.shape[2] then
      error(("diagonal: the Jacobian should be square, it is [%d, %d]"):format(n, S.shape[2]), 2)
    end
    local row, col, values = S:coo()
    local on = cj.where(row:eq(col), values, 0)
    return cj.zeros(n, {dtype = values.dtype}):scatter_add(1, row, on)
  end

  function Operator:__tostring() return "the Jacobian as an operator: mv tmv dense sparse diagonal" end
end
