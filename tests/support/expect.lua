-- Short assertions of the hand-written specs.

local cj = require "cjac"
local near = require "support.near"

local expect = {}

-- got equals want: tensors, numbers against 0-d tensors, or tables of these with the same keys.
function expect.same(got, want, tolerance, path)
  tolerance, path = tolerance or 1e-12, path or "it"
  if type(want) == "table" then
    if type(got) ~= "table" then error(("%s is a %s, not a table"):format(path, type(got)), 2) end
    for k in pairs(got) do
      if want[k] == nil then error(("%s[%s] should not be there"):format(path, k), 2) end
    end
    for k, v in pairs(want) do expect.same(got[k], v, tolerance, ("%s[%s]"):format(path, k)) end
    return
  end
  if type(want) == "number" and type(got) == "userdata" then want = cj.tensor(want, {dtype = got.dtype}) end
  if type(want) ~= "userdata" then
    if got ~= want then error(("%s is %s, not %s"):format(path, got, want), 2) end
    return
  end
  local good, why = near.equal(got, want, tolerance, tolerance)
  if not good then error(("%s: %s"):format(path, why), 2) end
end

function expect.shape(x, ...)
  local want = "[" .. table.concat({...}, ", ") .. "]"
  if type(x) ~= "userdata" then error("a " .. type(x) .. ", not a tensor", 2) end
  if near.shape(x) ~= want then error(("shape %s, not %s"):format(near.shape(x), want), 2) end
end

-- f(...) fails, and the message has every one of the texts (plain); returns the message.
function expect.fails(texts, f, ...)
  local good, message = pcall(f, ...)
  if good then error("no error", 2) end
  if type(texts) == "string" then texts = {texts} end
  for _, text in ipairs(texts) do
    if not tostring(message):find(text, 1, true) then
      error(("the message lacks %q: %s"):format(text, tostring(message)), 2)
    end
  end
  return message
end

return expect
