-- Running this interpreter again, as a child.

local child = {}

-- The program that runs us.
function child.interpreter()
  if os.getenv "CJAC" then return os.getenv "CJAC" end
  local i = 0
  while arg[i - 1] do i = i - 1 end
  return arg[i]
end

function child.quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- Runs a shell command line: whether it ended well, all that it said, and how it ended.
function child.shell(line)
  local p = assert(io.popen(line .. " 2>&1 </dev/null"))
  local said = p:read "a"
  local good, how, code = p:close()
  return good, said, ("%s %s"):format(how, code)
end

-- The same for a Lua script given as text; before: what the shell does first.
function child.script(text, before)
  local name = os.tmpname()
  local f = assert(io.open(name, "w"))
  f:write(text)
  f:close()
  local good, said, how = child.shell(("%s %s %s"):format(before or "", child.quote(child.interpreter()), name))
  os.remove(name)
  return good, said, how
end

return child
