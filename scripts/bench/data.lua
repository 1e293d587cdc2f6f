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

-- Of a value and a Jacobian, what tools give that return no value.
function data.second(results) return {results[2]} end

return data
