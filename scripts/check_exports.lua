-- Symbols: libcjac.so exports what cjac.h declares, cjac.so exports luaopen_cjac, and nothing else.

local check = dofile "scripts/check.lua"

local function exported(file, allowed)
  local out, good = check.output("nm -D --defined-only " .. check.quote(check.build .. "/" .. file))
  check.case(good, "%s: %s", file, out)
  local found = {}
  for name in out:gmatch "%x+ %a ([%w_.]+)" do
    found[name] = true
    check.case(allowed[name], "%s exports %s", file, name)
  end
  for name in pairs(allowed) do check.case(found[name], "%s does not export %s", file, name) end
end

exported("libcjac.so", check.public())
exported("cjac.so", {luaopen_cjac = true})
-- In the interpreter our xerbla_ takes the place of LAPACK's, which prints or ends the process.
local out = check.output("nm -D --defined-only " .. check.quote(check.build .. "/cjac"))
check.case(out:find " T xerbla_\n", "the interpreter leaves LAPACK its own xerbla_")

check.close "check_exports"
