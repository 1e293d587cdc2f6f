-- data.lua -- the numbers that cases are computed at.

local cj = require "cjac"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
package.path = here .. "/../../tests/support/?.lua;" .. package.path
local json = require "json"
local paths = require "paths"

local data = {shared = paths.shared}

-- Numbers between -1/2 and 1/2, the same to the bit in any language.
function data.sample(...)
  local n = 1
  for _, size in ipairs {...} do n = n * size end
  local list = {}
  for i = 0, n - 1 do list[i + 1] = (i * 7919 % 1009) / 1009 - 0.5 end
  return cj.tensor(list):reshape(...)
end

-- The file of that name in the folder of shared data, read; nil: it is not there.
function data.text(name) return paths.read(data.shared .. "/" .. name) end
function data.json(name)
  local text = data.text(name)
  return text and json.decode(text)
end

-- GradBench's gmm of that name: the path of its file, and a function that reads it.  Sizes that are not among the shared
-- data are made as GradBench makes them, normal and uniform numbers, and have no expected values.
function data.gmm(name, d, k, n)
  local path = "gradbench/gmm/" .. name .. ".json"
  local text = data.text(path)
  if not text then
    text = data.made_gmm(d, k, n)
    path = os.getenv "BENCH_SCRATCH" .. "/gmm_" .. name .. ".json"
    local f <close> = assert(io.open(path, "w"))
    f:write(text)
  else
    path = data.shared .. "/" .. path
  end
  return path, function() return json.decode(text) end
end

local function array(x)
  local parts = {}
  for i, v in ipairs(x) do parts[i] = type(v) == "table" and array(v) or ("%.17g"):format(v) end
  return "[" .. table.concat(parts, ",") .. "]"
end

function data.made_gmm(d, k, n)
  local g = cj.generator(31337)
  local function normal(...) return array(cj.randn(..., {generator = g}):totable()) end
  return ('{"input":{"d":%d,"k":%d,"n":%d,"m":0,"gamma":1.0,"x":%s,"alpha":%s,"mu":%s,"q":%s,"l":%s}}'):format(
    d, k, n, normal {n, d}, normal {k}, array(cj.rand(k, d, {generator = g}):totable()), normal {k, d},
    normal {k, d * (d - 1) // 2})
end

-- What a gradient or a sparse Jacobian gives, as one vector.
function data.flatten(g)
  if type(g) ~= "table" then return {g:reshape(-1)} end
  local parts = {}
  for i, x in ipairs(g) do parts[i] = x:reshape(-1) end
  return {cj.cat(parts, 1)}
end
function data.nonzeros(S) return {S:values()} end

-- Of a value and a Jacobian, what tools give that return no value.
function data.second(results) return {results[2]} end

return data
