-- Comparing tensors: shape, dtype, elements.

local near = {}

function near.isnan(x) return x ~= x end

-- The elements in reading order, as a flat table.
function near.flat(x)
  if type(x) == "number" then return {x} end
  return x:flatten():totable()
end

function near.shape(x) return "[" .. table.concat(x.shape, ", ") .. "]" end

-- How far apart a and b are, as a multiple of what is allowed; infinite: a NaN or an infinity alone.
local function excess(a, b, rtol, atol)
  if type(a) == "boolean" or type(b) == "boolean" then return a == b and 0 or math.huge end
  if a == b or (a ~= a and b ~= b) then return 0 end
  local distance = math.abs(a - b)
  if distance ~= distance or distance == math.huge then return math.huge end
  return distance / (atol + rtol * math.max(math.abs(a), math.abs(b)))
end

-- True, or false and how the flat tables a and b differ.
function near.lists(a, b, rtol, atol)
  if #a ~= #b then return false, ("%d elements against %d"):format(#a, #b) end
  local worst, at = 1, nil
  for i = 1, #a do
    local e = excess(a[i], b[i], rtol, atol)
    if e > worst then worst, at = e, i end
  end
  if not at then return true end
  return false, ("element %d: %s against %s (%.3g times the tolerance)"):format(at, a[at], b[at], worst)
end

-- True, or false and how the tensors got and want differ.
function near.equal(got, want, rtol, atol)
  if type(got) ~= "userdata" then return false, ("a %s, not a tensor"):format(type(got)) end
  if near.shape(got) ~= near.shape(want) then
    return false, ("shape %s against %s"):format(near.shape(got), near.shape(want))
  end
  if got.dtype ~= want.dtype then return false, ("dtype %s against %s"):format(got.dtype, want.dtype) end
  return near.lists(near.flat(got), near.flat(want), rtol or 0, atol or 0)
end

-- The same for lists of tensors.
function near.all(got, want, rtol, atol)
  if #got ~= #want then return false, ("%d tensors against %d"):format(#got, #want) end
  for i = 1, #want do
    local good, why = near.equal(got[i], want[i], rtol, atol)
    if not good then return false, ("tensor %d: %s"):format(i, why) end
  end
  return true
end

-- The same, tolerance being relative to the largest element of each tensor, and to 1 if that is smaller.
function near.relative(got, want, tolerance)
  if #got ~= #want then return false, ("%d tensors against %d"):format(#got, #want) end
  for i = 1, #want do
    local size = 1
    for _, e in ipairs(near.flat(want[i])) do size = e == e and math.max(size, math.abs(e)) or size end
    local good, why = near.equal(got[i], want[i], 0, tolerance * size)
    if not good then return false, ("tensor %d: %s"):format(i, why) end
  end
  return true
end

local function collect(v, into)
  if type(v) ~= "table" then
    into[#into + 1] = v
    return into
  end
  for _, e in ipairs(v) do collect(e, into) end
  return into
end

-- All tensors of values that are tensors or tables of them, however deep, as one list.
function near.tensors(...) return collect({...}, {}) end

-- Sum of products, and of their absolute values, over lists of tensors.
function near.dot(a, b)
  local sum, size = 0, 0
  for i = 1, #a do
    local p, q = near.flat(a[i]), near.flat(b[i])
    assert(#p == #q, "dot: different sizes")
    for k = 1, #p do
      sum, size = sum + p[k] * q[k], size + math.abs(p[k] * q[k])
    end
  end
  return sum, size
end

return near
