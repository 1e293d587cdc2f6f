-- Words that do not belong into a finished source, as patterns.  This file is the one that may hold them.

local check = dofile "scripts/check.lua"

local words = {"%f[%w]TODO%f[%W]", "%f[%w]FIXME%f[%W]", "%f[%w]XXX%f[%W]", "%f[%w]HACK%f[%W]", "/root/", "/home/", "\t", "\r",
               " \n", "\n ?%*%w" --[[ a comment that clang-format has torn ]]}
local except = {["scripts/check_words.lua"] = true}

local where = "runtime lua tests scripts .ci *.md CMakeLists.txt CMakePresets.json LICENSE .clang-format .clang-tidy"
for path in check.output("find " .. where .. " -type f 2>/dev/null | LC_ALL=C sort"):gmatch "[^\n]+" do
  local text = not except[path] and not path:find "^tests/.*/data/" and check.read(path) or ""
  if not text:find "%z" then
    for _, word in ipairs(words) do
      local at = text:find(word)
      local _, line = text:sub(1, at or 0):gsub("\n", "")
      check.case(not at, "%s:%d: has %q", path, line + 1, word)
    end
  end
end
check.close "check_words"
