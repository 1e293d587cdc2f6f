-- The runtime as one translation unit (how engines like to vendor it, and static names are unique), and
-- the public headers in C11 and C++17.  The loops of an instruction set stay files of their own;
-- native_none.c stands for the files of the native back end where there is none; solve_none.c for solve.c, which needs
-- the headers of SuiteSparse.

local check = dofile "scripts/check.lua"

local warnings = "-Wall -Wextra -Wpedantic -Werror -fsyntax-only "
local includes = "-Iruntime -Iruntime/include "

local function compile(what, command, text)
  local name = os.tmpname()
  local f <close> = assert(io.open(name, "w"))
  f:write(text)
  f:close()
  local out, good = check.output(command .. " " .. name)
  os.remove(name)
  check.case(good, "%s:\n%s", what, out)
end

local parts = {}
for _, floor in ipairs(check.floors) do
  for _, path in ipairs(check.files("runtime/" .. floor, ".c")) do
    local apart = path:find "/loops_%w+%.c$" or path:find "/native_none%.c$" or path:find "/jacobian/solve%.c$"
    if not apart then parts[#parts + 1] = ('#include "%s"\n'):format(path:gsub("^runtime/", "")) end
  end
end
local unit = "#define _DEFAULT_SOURCE\n" .. table.concat(parts)
local c = "-std=c11 " .. warnings .. includes .. "-x c"
compile("one translation unit", "gcc -fwrapv " .. c, unit)
compile("one translation unit, hostile", "gcc -fwrapv -DCJ_DEBUG " .. c, unit)

local header = '#include "cjac.h"\n#include "cjac_ops.h"\nint main(void) { return cj_version() == CJ_VERSION ? 0 : 1; }\n'
compile("headers as C11", "gcc " .. c, header)
compile("headers as C++17", "g++ -std=c++17 " .. warnings .. includes .. "-x c++", header)
for _, path in ipairs(check.files("runtime", ".h")) do
  if check.read(path):find "\n#ifndef [%w_]+_h\n" then -- else a template, included many times
    compile(path .. " alone", "gcc -std=c11 " .. warnings .. includes .. "-x c",
            ('#include "%s"\ntypedef int cj_notempty;\n'):format(path:gsub("^runtime/", ""):gsub("^include/", "")))
  end
end
check.close "check_unit"
