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
check.close "check_exports"
