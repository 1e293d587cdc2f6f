-- Samplers: the letters in the domains and examples of the op table.  Own random numbers, the same every run.

local cj = require "cjac"

local sample = {}
local state = 1

-- Starts again from a name.
function sample.seed(name)
  state = 1
  for i = 1, #name do state = (state * 31 + name:byte(i)) % 2147483646 + 1 end
end

-- A number in [0, 1): the multiplicative generator of Park and Miller with its later multiplier 48271.
local function uniform()
  state = state * 48271 % 2147483647
  return state / 2147483647
end
sample.uniform = uniform

local function between(lo, hi) return lo + (hi - lo) * uniform() end
local function signed(x) return uniform() < 0.5 and -x or x end

local letters = {
  R = function() return between(-2, 2) end,
  P = function() return between(0.2, 3) end,
  U = function() return between(-0.9, 0.9) end,
  Q = function() return between(0.05, 0.95) end,
  N = function() return signed(between(0.3, 2)) end,
  G = function() return between(1.2, 3) end,
  F = function() return math.floor(between(-3, 3)) + between(0.2, 0.8) end,
  I = function() return math.floor(between(1, 4)) end,
  B = function() return uniform() < 0.5 end,
}

-- A tensor of that shape, filled by element(); sizes may be 0.
local function fill(shape, element, dtype)
  local n, flat = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  if n == 0 then return cj.zeros(shape, {dtype = dtype}) end
  for i = 1, n do flat[i] = element() end
  return cj.tensor(flat, {dtype = dtype}):reshape(shape)
end
sample.fill = fill

function sample.letter(letter, shape)
  return fill(shape, assert(letters[letter], letter), letter == "B" and "bool" or "float64")
end

-- What is known of a matrix: "SYM" or "TRIL".
sample.form = setmetatable({}, {__mode = "k"})

local function note(x, form)
  sample.form[x] = form
  return x
end

local function random(n, batch) return sample.letter("R", {batch or 1, n, n}) end
local function shaped(x, batch) return batch and x or x:reshape(x.shape[2], x.shape[3]) end

local env = setmetatable({cj = cj}, {__index = function(_, k) error("unknown name " .. k .. " in an example", 0) end})
for letter in pairs(letters) do
  env[letter] = function(...) return sample.letter(letter, {...}) end
end
function env.INT(n, ...)
  return fill({...}, function() return math.floor(between(1, n + 1 - 1e-9)) end, "int64")
end
function env.SYM(n, batch)
  local x = random(n, batch)
  return note(shaped((x + x.mT) / 2, batch), "SYM")
end
function env.SPD(n, batch)
  local x = random(n, batch)
  return note(shaped(x:matmul(x.mT) / n + cj.eye(n) * 0.5, batch), "SYM")
end
function env.TRIL(n, batch)
  local x = random(n, batch):tril()
  return note(shaped(x:tril(-1) * 0.5 + cj.eye(n) * (x:abs() + 0.5), batch), "TRIL")
end
sample.env = env

-- A direction in which x may be moved without losing its form.
function sample.direction(x)
  local v = sample.letter("R", x.shape)
  local form = sample.form[x]
  if form == "SYM" then v = (v + v.mT) / 2 end
  if form == "TRIL" then v = v:tril() end
  return v:to(x.dtype)
end

-- What of a derivative by x is meant: off the form of x there is a choice.
function sample.project(x, d)
  local form = sample.form[x]
  if form == "SYM" then return (d + d.mT) / 2 end
  if form == "TRIL" then return d:tril() end
  return d
end

return sample
