-- A reader of JSON (RFC 8259) as test data has it.  null becomes json.null.

local json = {null = setmetatable({}, {__tostring = function() return "null" end})}

local escapes = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}
local words = {["true"] = true, ["false"] = false, null = json.null}
local value

local function fail(text, at, what)
  local _, line = text:sub(1, at):gsub("\n", "")
  error(("json: line %d: expected %s, got %q"):format(line + 1, what, text:sub(at, at + 15)), 0)
end

-- The place of the next character that is no space.
local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local function codepoint(text, at)
  local hex = text:match("^%x%x%x%x", at)
  if not hex then fail(text, at, "four hex digits") end
  return tonumber(hex, 16)
end

local function read_string(text, at)
  local out = {}
  at = at + 1
  while true do
    local plain = text:match('^[^"\\]*', at)
    out[#out + 1] = plain
    at = at + #plain
    local c = text:sub(at, at)
    if c == '"' then return table.concat(out), at + 1 end
    if c == "" then fail(text, at, "the end of a string") end
    local e = text:sub(at + 1, at + 1)
    at = at + 2
    if e == "u" then
      local code = codepoint(text, at)
      at = at + 4
      if code >= 0xD800 and code < 0xDC00 then
        code = 0x10000 + (code - 0xD800 << 10) + (codepoint(text, at + 2) - 0xDC00)
        at = at + 6
      end
      out[#out + 1] = utf8.char(code)
    else
      out[#out + 1] = escapes[e] or fail(text, at - 1, "an escape")
    end
  end
end

local function read_array(text, at)
  local out, n = {}, 0
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return out, at + 1 end
  while true do
    n = n + 1
    out[n], at = value(text, at)
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "]" then return out, at + 1 end
    if c ~= "," then fail(text, at, "',' or ']'") end
    at = at + 1
  end
end

local function read_object(text, at)
  local out = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return out, at + 1 end
  while true do
    local key
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(text, at, "a name") end
    key, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(text, at, "':'") end
    out[key], at = value(text, at + 1)
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "}" then return out, at + 1 end
    if c ~= "," then fail(text, at, "',' or '}'") end
    at = at + 1
  end
end

function value(text, at)
  at = skip(text, at)
  local c = text:sub(at, at)
  if c == "{" then return read_object(text, at) end
  if c == "[" then return read_array(text, at) end
  if c == '"' then return read_string(text, at) end
  local word = text:match("^%a+", at)
  if word and words[word] ~= nil then return words[word], at + #word end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if not number or not tonumber(number) then fail(text, at, "a value") end
  return tonumber(number), at + #number
end

function json.decode(text)
  local v, at = value(text, 1)
  at = skip(text, at)
  if at <= #text then fail(text, at, "the end") end
  return v
end

return json
