-- Values that nobody should pass, each made afresh: name and maker, in a fixed order.

local cj = require "cjac"

local function nested(depth)
  local t = {1}
  for _ = 1, depth do t = {t} end
  return t
end

local function cyclic()
  local t = {}
  t[1], t.me = t, t
  return t
end

local function raising() return setmetatable({}, {__index = function() error "raised by __index" end}) end

local function escaped()
  local kept
  cj.jacobian(function(a)
    kept = a * 2
    return a
  end, cj.ones(2))
  return kept
end

local text = ("x"):rep(1 << 20)

return {
  {"nil", function() return nil end},
  {"true", function() return true end},
  {"false", function() return false end},
  {"0", function() return 0 end},
  {"1", function() return 1 end},
  {"-1", function() return -1 end},
  {"2", function() return 2 end},
  {"1.5", function() return 1.5 end},
  {"-0.0", function() return -0.0 end},
  {"nan", function() return 0 / 0 end},
  {"inf", function() return 1 / 0 end},
  {"-inf", function() return -1 / 0 end},
  {"2^31", function() return 2 ^ 31 end},
  {"2^31 integer", function() return 1 << 31 end},
  {"2^53+1", function() return (1 << 53) + 1 end},
  {"1e308", function() return 1e308 end},
  {"mininteger", function() return math.mininteger end},
  {"maxinteger", function() return math.maxinteger end},
  {"empty string", function() return "" end},
  {"a number as a string", function() return "2" end},
  {"a megabyte", function() return text end},
  {"a string with a zero", function() return "a\0b" end},
  {"{}", function() return {} end},
  {"{1, 2}", function() return {1, 2} end},
  {"{-1}", function() return {-1} end},
  {"{0, 0}", function() return {0, 0} end},
  {"huge sizes", function() return {math.maxinteger, 2} end},
  {"twenty ones", function() return {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1} end},
  {"ragged", function() return {{1, 2}, {3}} end},
  {"self-containing", cyclic},
  {"nested 300 deep", function() return nested(300) end},
  {"a hole", function() return {1, nil, 3} end},
  {"options", function() return {nosuch = 1} end},
  {"options of a wrong type", function() return {dim = print, keepdim = {}, dtype = 3} end},
  {"raising __index", raising},
  {"a list of tensors", function() return {cj.ones(2), cj.ones(3)} end},
  {"a list of strings", function() return {"a", "b"} end},
  {"a function", function() return function() end end},
  {"a C function", function() return rawequal end},
  {"a function that raises", function() return function() error "raised" end end},
  {"a coroutine", function() return coroutine.create(print) end},
  {"a file", function() return io.stdout end},
  {"an escaped traced tensor", escaped},
  {"an empty tensor", function() return cj.zeros(0) end},
  {"a tensor of another shape", function() return cj.ones(5, 7) end},
  {"a tensor of rank 8", function() return cj.ones(1, 1, 1, 1, 1, 1, 1, 1) end},
  {"a bool tensor", function() return cj.bool{true, false} end},
  {"positions out of range", function() return cj.long{0, 99, -99} end},
  {"NaNs", function() return cj.full({2, 2}, 0 / 0) end},
}
