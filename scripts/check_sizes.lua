-- Files are about one thing and functions are short.  Prints the budget: lines a floor, lengths of functions.

local check = dofile "scripts/check.lua"

local FILE_LINES, FUNCTION_LINES = 600, 80
local generated = {["runtime/include/cjac_ops.h"] = true}

local function lines(path)
  local list = {}
  for line in check.read(path):gmatch "([^\n]*)\n" do list[#list + 1] = line end
  return list
end

-- Functions of clang-formatted C: from a line at the left margin that opens a body to its "}".
local function functions(list)
  local found, start, name = {}, nil, nil
  local head -- first line of what began at the margin
  for i, line in ipairs(list) do
    if not start then
      if line:find "^[%a_]" then head = i end
      if head and line:find "{$" and not line:find "^%s*#" then
        local text = table.concat(list, " ", head, i)
        name = text:match "([%w_]+)%s*%([^=]*%)%s*{$"
        if name and not text:find "^typedef" and not text:find "^struct [%w_]+ {" then start = head end
      end
      if line:find "[;}]$" then head = nil end
    elseif line:find "^}" then
      found[#found + 1] = {name = name, at = start, length = i - start + 1}
      start, head = nil, nil
    end
  end
  return found
end

local budget, lengths = {}, {}
for _, path in ipairs(check.files("runtime lua tests scripts", ".c", ".h", ".lua")) do
  if not generated[path] then
    local list = lines(path)
    local floor = path:match "^runtime/%w+" or path:match "^%w+"
    budget[floor] = (budget[floor] or 0) + #list
    check.case(#list <= FILE_LINES, "%s: %d lines, over %d", path, #list, FILE_LINES)
    if path:find "%.[ch]$" then
      for _, f in ipairs(functions(list)) do
        if not path:find "^tests/" then lengths[#lengths + 1] = f.length end
        check.case(f.length <= FUNCTION_LINES, "%s:%d: %s has %d lines, over %d", path, f.at, f.name, f.length, FUNCTION_LINES)
      end
    end
  end
end

local names = {}
for floor in pairs(budget) do names[#names + 1] = floor end
table.sort(names)
for _, floor in ipairs(names) do print(("%-20s %6d lines"):format(floor, budget[floor])) end
table.sort(lengths)
print(("%d functions; lines: median %d, 90th percentile %d, most %d"):format(
  #lengths, lengths[(#lengths + 1) // 2], lengths[math.max(1, #lengths * 9 // 10)], lengths[#lengths]))
check.close "check_sizes"
