-- Includes point down: a floor sees itself and the floors below it; lua/ sees the public header only.

local check = dofile "scripts/check.lua"

local height = {def = 0}
for i, name in ipairs(check.floors) do height[name] = i end

-- Plain data about one instruction, which the floors below may name.
local data = {["kernel/view.h"] = height.tensor}
local public = {["cjac.h"] = true, ["cjac_ops.h"] = true}

local function includes(path)
  local list, line = {}, 0
  for text in (check.read(path) .. "\n"):gmatch "(.-)\n" do
    line = line + 1
    local open, name = text:match '^%s*#%s*include%s*([<"])([^>"]+)'
    if name then list[#list + 1] = {name = name, own = open == '"', at = path .. ":" .. line} end
  end
  return list
end

for _, path in ipairs(check.files("runtime", ".c", ".h", ".def")) do
  local floor = path:match "^runtime/(%w+)/"
  for _, inc in ipairs(includes(path)) do
    if inc.own and not public[inc.name] then
      local into = inc.name:match "^(%w+)/"
      local up = height[into] or math.huge
      local here = floor == "include" and 0 or height[floor]
      check.case(up <= here or (data[inc.name] or math.huge) <= here, '%s: %s may not include "%s"', inc.at, floor, inc.name)
    else
      check.case(not inc.name:find "^l[uau][axl]" or inc.own, "%s: the runtime knows no Lua", inc.at)
      check.case(inc.name ~= "sleef.h" or floor == "kernel", "%s: SLEEF belongs to kernel/", inc.at)
    end
  end
end

for _, path in ipairs(check.files("lua", ".c", ".h")) do
  for _, inc in ipairs(includes(path)) do
    local here = io.open("lua/" .. inc.name)
    if here then here:close() end
    check.case(not inc.own or public[inc.name] or here, '%s: lua/ may not include "%s"', inc.at, inc.name)
  end
end

check.close "check_floors"
