-- Generated files are what their generators make of the sources now.

local check = dofile "scripts/check.lua"

local fresh, good = check.output(check.quote(os.getenv "CJAC" or "build/release/cjac") .. " scripts/genops.lua")
check.case(good, "scripts/genops.lua failed:\n%s", fresh)
check.case(fresh == check.read "runtime/include/cjac_ops.h",
           "runtime/include/cjac_ops.h is stale: run build/release/cjac scripts/genops.lua > runtime/include/cjac_ops.h")
check.close "check_generated"
