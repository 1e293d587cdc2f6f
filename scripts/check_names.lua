-- What the object files define and use: each floor's functions have its prefix, nothing is mutable
-- global data, nothing prints, ends the process or touches the locale, only base/ allocates.

local check = dofile "scripts/check.lua"

local prefixes = {
  base = {"cjm_"}, tensor = {"cjt_"}, kernel = {"cjk_"}, graph = {"cjg_"}, rules = {"cjb_", "cjo_", "cjr_"},
  transform = {"cjx_"}, exec = {"cje_"}, jacobian = {"cjj_"}, api = {"cj_"},
  lua = {"cjl_", "cjac_", "luaopen_cjac"},
}
-- LAPACK calls this one on a bad argument; the library's own would print or end the process.
local handlers = {["kernel/lapack.c"] = {xerbla_ = true}, ["kernel/blas.c"] = {xerbla_ = true}}

local public = check.public() -- may be defined on any floor

local function set(words)
  local s = {}
  for w in words:gmatch "%S+" do s[w] = true end
  return s
end
local banned = set [[printf fprintf vprintf vfprintf puts fputs putchar fputc putc fwrite perror stdout stderr stdin
  __printf_chk __fprintf_chk __vprintf_chk __vfprintf_chk exit _exit _Exit quick_exit abort atexit raise signal sigaction
  setlocale uselocale strtod strtof rand srand random drand48 time clock system setenv putenv longjmp setjmp _setjmp
  fesetround fesetenv feenableexcept feholdexcept dlopen sleep]]
local allocating = set "malloc calloc realloc free aligned_alloc posix_memalign strdup"

local function symbols(object, options)
  local list = {}
  for line in check.output("nm -f sysv " .. options .. " " .. check.quote(object)):gmatch "[^\n]+" do
    local name, class, kind, section = line:match "^(%S+)%s*|[^|]*|%s*(%w)%s*|%s*(%w*)[^|]*|[^|]*|[^|]*|%s*(%S*)"
    if name then list[#list + 1] = {name = name, class = class, kind = kind, section = section} end
  end
  return list
end

local function has_prefix(name, list)
  for _, p in ipairs(list) do
    if name:sub(1, #p) == p then return true end
  end
end

local function check_defined(source, object, floor)
  local short = source:gsub("^runtime/", "")
  for _, s in ipairs(symbols(object, "-g --defined-only")) do
    local extra = handlers[short]
    check.case(has_prefix(s.name, prefixes[floor]) or public[s.name] or extra and extra[s.name],
               "%s: %s has not the prefix of its floor (%s)", source, s.name, table.concat(prefixes[floor], " "))
  end
end

local function check_mutable(source, object)
  for _, s in ipairs(symbols(object, "--defined-only")) do
    local section = s.section
    if s.kind == "OBJECT" or s.kind == "TLS" then
      local mutable = section:find "^%.t?data" and not section:find "rel%.ro" or section:find "^%.t?bss" or section == "*COM*"
      check.case(not mutable, "%s: %s is mutable global data", source, s.name)
    end
  end
end

local function check_used(source, object, floor)
  for _, s in ipairs(symbols(object, "-u")) do
    check.case(not banned[s.name], "%s: uses %s", source, s.name)
    check.case(floor == "base" or not allocating[s.name], "%s: %s without the context's allocator", source, s.name)
  end
end

for source, object in pairs(check.objects "cjac_runtime") do
  local floor = source:match "^runtime/(%w+)/"
  check_defined(source, object, floor)
  check_mutable(source, object)
  check_used(source, object, floor)
end
for source, object in pairs(check.objects "cjac_lua") do
  check_defined(source, object, "lua")
  if source:find "^lua/" then check_mutable(source, object) end
end

check.close "check_names"
