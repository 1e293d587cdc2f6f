-- What the object files define and use: each floor's functions have its prefix, nothing is mutable
-- global data, nothing prints, ends the process or touches the locale, only base/ allocates.

local check = dofile "scripts/check.lua"

local prefixes = {
  base = {"cjm_"}, tensor = {"cjt_"}, kernel = {"cjk_"}, graph = {"cjg_"}, rules = {"cjb_", "cjo_", "cjr_"},
  transform = {"cjx_"}, exec = {"cje_"}, jacobian = {"cjj_"}, api = {"cj_"},
  lua = {"cjl_", "cjac_", "luaopen_cjac"},
}
-- LAPACK calls this one on a bad argument; the library's own would print or end the process.
local handlers = {["runtime/kernel/lapack.c"] = {xerbla_ = true}}

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

-- Calls visit(source, symbol) for what nm lists of a CMake object library; one nm for all objects is quick.
local function each_symbol(target, options, visit)
  local words, root = {}, check.build .. "/CMakeFiles/" .. target .. ".dir/"
  for _, object in pairs(check.objects(target)) do words[#words + 1] = check.quote(object) end
  for line in check.output("nm -A -f sysv " .. options .. " " .. table.concat(words, " ")):gmatch "[^\n]+" do
    local object, name, kind, section = line:match "^(.-%.c%.o):(%S+)%s*|[^|]*|%s*%w%s*|%s*(%w*)[^|]*|[^|]*|[^|]*|%s*(%S*)"
    if name then visit(object:sub(#root + 1, -3), {name = name, kind = kind, section = section}) end
  end
end

local function has_prefix(name, list)
  for _, p in ipairs(list) do
    if name:sub(1, #p) == p then return true end
  end
end

local function check_defined(source, s)
  local floor = source:match "^runtime/(%w+)/" or "lua"
  local extra = handlers[source]
  check.case(has_prefix(s.name, prefixes[floor]) or public[s.name] or extra and extra[s.name],
             "%s: %s has not the prefix of its floor (%s)", source, s.name, table.concat(prefixes[floor], " "))
end

local function check_mutable(source, s)
  if s.kind ~= "OBJECT" and s.kind ~= "TLS" then return end
  if source == "cjac_chunks.c" then return end
  local section = s.section
  local mutable = section:find "^%.t?data" and not section:find "rel%.ro" or section:find "^%.t?bss" or section == "*COM*"
  check.case(not mutable, "%s: %s is mutable global data", source, s.name)
end

local function check_used(source, s)
  check.case(not banned[s.name], "%s: uses %s", source, s.name)
  check.case(source:find "^runtime/base/" or not allocating[s.name], "%s: %s without the context's allocator", source, s.name)
end

for _, target in ipairs {"cjac_runtime", "cjac_lua"} do
  each_symbol(target, "-g --defined-only", check_defined)
  each_symbol(target, "--defined-only", check_mutable)
end
each_symbol("cjac_runtime", "-u", check_used)

check.close "check_names"
