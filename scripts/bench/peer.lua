-- peer.lua -- the driver's end of a program that is measured beside cjac.  A request is a line, so is its
-- answer; the program ends when its input does.
--
--   (at the start)            name and version
--   methods CASE              names of the ways it knows to do that, separated by blanks; or ! and what went wrong
--   check CASE METHOD PATH    "ok", having written the result to the file as little-endian float64; or what went wrong
--   time CASE METHOD N        processor seconds that N calls took

local host = require "host"

local peer = {}
peer.__index = peer

-- nil: it is not there.
function peer.open(dir, name)
  local present = io.open(dir .. "/" .. name .. ".ask", "r+") -- does not wait for the other end
  if not present then return nil end
  local p = setmetatable({name = name, ask = present, scratch = dir .. "/" .. name .. ".data"}, peer)
  p.answer = assert(io.open(dir .. "/" .. name .. ".answer", "r"))
  p.version = p.answer:read "l"
  return p.version and p or nil
end

function peer:request(...)
  self.ask:write(table.concat({...}, " "), "\n")
  self.ask:flush()
  return (assert(self.answer:read "l", self.name .. " ended"))
end

function peer:methods(case)
  local list, answer = {}, self:request("methods", case)
  if answer:find "^!" then error(("%s: %s"):format(self.name, answer:sub(2)), 0) end
  for word in answer:gmatch "%S+" do list[#list + 1] = word end
  return list
end

-- The numbers of its result, or nil and what went wrong.
function peer:result(case, method)
  local answer = self:request("check", case, method, self.scratch)
  if answer ~= "ok" then return nil, answer end
  return host.load(self.scratch)
end

function peer:time(case, method, n)
  local answer = self:request("time", case, method, n)
  return tonumber(answer) or error(("%s %s: %s"):format(self.name, method, answer), 0)
end

return peer
