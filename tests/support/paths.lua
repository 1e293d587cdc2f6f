-- Where things are: the repository, and the folder of shared data, which may be absent.

local here = debug.getinfo(1, "S").source:match "^@(.*)tests/support/[^/]*$" or ""
local paths = {root = here == "" and "./" or here}

function paths.read(path)
  local f = io.open(path, "rb")
  local text = f and f:read "a"
  if f then f:close() end
  return text
end

local shared = os.getenv "CJAC_SHARED"
paths.shared = (shared and shared ~= "") and shared or paths.root .. "../shared"

-- The names in a folder that end so, sorted; none if it is not there.
function paths.list(folder, ending)
  local names = {}
  local f = io.popen("ls '" .. folder:gsub("'", "'\\''") .. "' 2>/dev/null")
  for name in f:lines() do
    if name:sub(-#ending) == ending then names[#names + 1] = name end
  end
  f:close()
  table.sort(names)
  return names
end

return paths
