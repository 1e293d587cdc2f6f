-- complete.lua -- what could be typed next at the prompt.
--
-- complete(text): the characters that follow for sure, and the names to choose from.  Nothing is
-- called to find out: fields are read raw, and metatables are followed only where __index is a table.

local keywords = {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not",
  "or", "repeat", "return", "then", "true", "until", "while",
}

local function add_names(into, t)
  for name in next, t do
    if type(name) == "string" and name:find("^[%a_][%w_]*$") then into[name] = true end
  end
end

-- The tables in which v looks for its fields.
local function homes(v)
  local list = {}
  for _ = 1, 10 do
    if type(v) == "table" then list[#list + 1] = v end
    local mt = debug.getmetatable(v)
    if type(mt) ~= "table" then break end
    local methods = rawget(mt, "__methods") -- where __index is a function
    if type(methods) == "table" then list[#list + 1] = methods end
    v = rawget(mt, "__index")
    if type(v) ~= "table" then break end
  end
  return list
end

local function field(v, name)
  for _, home in ipairs(homes(v)) do
    local x = rawget(home, name)
    if x ~= nil then return x end
  end
end

-- The value of a chain of names such as "cj.linalg"; nil if there is none.
local function value_of(chain)
  local v = _G
  for name in chain:gmatch("[%w_]+") do
    v = field(v, name)
    if v == nil then return nil end
  end
  return v
end

local function common_start(names)
  local first, last = names[1], names[#names] -- sorted
  local n = 0
  while n < #first and first:byte(n + 1) == last:byte(n + 1) do n = n + 1 end
  return first:sub(1, n)
end

local function complete(text)
  local chain, stem = text:match("([%a_][%w_.]*)[.:]([%w_]*)$")
  stem = stem or text:match("[%a_][%w_]*$") or ""
  local all = {}
  if chain then
    for _, home in ipairs(homes(value_of(chain))) do add_names(all, home) end
  else
    add_names(all, _G)
    for _, word in ipairs(keywords) do all[word] = true end
  end
  local names = {}
  for name in next, all do
    if name:sub(1, #stem) == stem and (stem ~= "" or name:sub(1, 2) ~= "__") then names[#names + 1] = name end
  end
  if #names == 0 then return "", names end
  table.sort(names)
  return common_start(names):sub(#stem + 1), names
end

return complete
