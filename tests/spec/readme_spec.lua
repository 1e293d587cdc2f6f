-- Every block of README.md is run, and what it is said to print is compared.
local build = (arg and arg[-1] or ""):match("^(.*)/[^/]*$") or os.getenv("CJAC_BUILD") or "build/release"

local function blocks(path)
  local list, current = {}, nil
  for line in io.lines(path) do
    local language = line:match("^```(%w*)")
    if current and language == "" then
      list[#list + 1], current = current, nil
    elseif language then
      current = {language = language, lines = {}}
    elseif current then
      current.lines[#current.lines + 1] = line
    end
  end
  for _, b in ipairs(list) do b.text = table.concat(b.lines, "\n") .. "\n" end
  return list
end

local function capture(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read("a")
  return text, pipe:close()
end

local function with_file(name, text, use)
  local path = os.tmpname()
  os.remove(path)
  path = path .. name
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local a, b = use(path)
  os.remove(path)
  return a, b
end

local run = {}

function run.lua(text)
  return with_file(".lua", text, function(path) return capture(build .. "/cjac " .. path) end)
end

function run.c(text)
  return with_file(".c", text, function(path)
    local exe = path .. ".out"
    local command = ("%s -std=c11 -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-unused-parameter " ..
      "-Iruntime/include %s -o %s %s/libcjac.so -Wl,-rpath,%s"):format(os.getenv("CC") or "cc", path, exe, build, build)
    local out, ok = capture(command)
    if not ok then return out, ok end
    out, ok = capture(exe)
    os.remove(exe)
    return out, ok
  end)
end

-- The commands are scripts of the repository that can be run; running the tests in a test would not end.
function run.sh(text)
  for line in text:gmatch("[^\n]+") do
    local script, argument = line:match("^(%S+)%s*([^%s#]*)")
    assert(os.execute("test -x " .. script), script .. " cannot be run")
    if argument ~= "" then
      local out, ok = capture(build .. "/cjac " .. argument)
      if not ok then return out, ok end
    end
  end
  return "", true
end

describe("README.md", function()
  local list = blocks("README.md")
  for i, block in ipairs(list) do
    if block.language ~= "text" then
      it("block " .. i .. " (" .. block.language .. ")", function()
        local out, ok = run[block.language](block.text)
        assert.is_truthy(ok, out)
        local expected = list[i + 1] and list[i + 1].language == "text" and list[i + 1].text
        if expected then assert.are.equal(expected, out) end
      end)
    end
  end
  it("has blocks in Lua, C and sh", function()
    local seen = {}
    for _, b in ipairs(list) do seen[b.language] = true end
    assert.is_true(seen.lua and seen.c and seen.sh)
  end)
end)
