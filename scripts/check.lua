-- check.lua -- what the house checks (check_*.lua, run with cjac from the top) have in common.
--
--   local check = dofile "scripts/check.lua"
--   check.case(good, "file:1: what is wrong")     check.close "check_name"

local check = {cases = 0, failures = 0}

check.floors = {"base", "tensor", "kernel", "graph", "rules", "transform", "exec", "jacobian", "api"}
check.build = os.getenv "CJAC_BUILD" or "build/release"

function check.case(good, message, ...)
  check.cases = check.cases + 1
  if not good then
    check.failures = check.failures + 1
    print(select("#", ...) > 0 and message:format(...) or message)
  end
  return good
end

-- Prints the closing line that scripts/suite looks for.
function check.close(name)
  print(("%s: %d cases, %d failures"):format(name, check.cases, check.failures))
  os.exit(check.failures == 0)
end

function check.read(path)
  local f <close> = assert(io.open(path, "rb"))
  return f:read "a"
end

function check.quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- The output of a command, and whether it succeeded.
function check.output(command)
  local f = assert(io.popen(command .. " 2>&1"))
  local text = f:read "a"
  return text, f:close() == true
end

-- Files below the folders in `where` whose names end in one of the endings, sorted.
function check.files(where, ...)
  local list = {}
  local tests = {}
  for _, ending in ipairs {...} do tests[#tests + 1] = "-name '*" .. ending .. "'" end
  local out = check.output("find " .. where .. " -type f \\( " .. table.concat(tests, " -o ") .. " \\) | LC_ALL=C sort")
  for path in out:gmatch "[^\n]+" do list[#list + 1] = path end
  assert(#list > 0, "no files in " .. where)
  return list
end

-- Object files of a CMake object library: source path -> object path.
function check.objects(target)
  local root = check.build .. "/CMakeFiles/" .. target .. ".dir/"
  local map = {}
  for _, path in ipairs(check.files(root, ".c.o")) do map[path:sub(#root + 1, -3)] = path end
  return map
end

-- The functions that cjac.h declares, as a set.
function check.public()
  local set = {}
  for name in check.read "runtime/include/cjac.h":gmatch "\nCJ_API [^;(]-(cj_[%w_]+)%(" do set[name] = true end
  return set
end

return check
