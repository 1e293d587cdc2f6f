-- bench.lua -- the driver (scripts/bench/run): times cases.lua here and in the peers, in turns within one run,
-- after checking that the results agree; prints one table.  Times are processor time, medians over rounds.

local here = arg[0]:match "^(.*)/[^/]*$"
package.path = here .. "/?.lua;" .. package.path
local peer = require "peer"

local TOLERANCE = 1e-9
local opts = {rounds = 15, batch = 0.02, dir = arg[1]}
for i = 2, #arg do
  if arg[i] == "--quick" then opts.rounds, opts.batch = 5, 0.005
  elseif arg[i] == "--save" then opts.save = true
  elseif arg[i]:find "^%-" then io.stderr:write("usage: scripts/bench/run [--quick] [--save] [FILTER]\n") os.exit(2)
  else opts.filter = arg[i] end
end

-- --- statistics ----------------------------------------------------------------

local function quantile(list, q)
  local s = table.move(list, 1, #list, 1, {})
  table.sort(s)
  local at = 1 + (#s - 1) * q
  local low = math.floor(at)
  return s[low] + (at - low) * ((s[low + 1] or s[low]) - s[low])
end
local function median(list) return quantile(list, 0.5) end
local function spread(list) return (quantile(list, 0.75) - quantile(list, 0.25)) / 2 / median(list) end

-- --- results ---------------------------------------------------------------------

-- All numbers of a tensor or of a table of results, in order.
local function numbers(J, list)
  list = list or {}
  if type(J) == "table" then
    for _, part in ipairs(J) do numbers(part, list) end
  else
    local flat = J:reshape(-1):totable()
    table.move(flat, 1, #flat, #list + 1, list)
  end
  return list
end

-- nil if they agree, else how they do not.
local function difference(a, b)
  if #a ~= #b then return ("%d numbers instead of %d"):format(#b, #a) end
  for i = 1, #a do
    local x, y = a[i], b[i]
    if not (math.abs(x - y) <= TOLERANCE * math.max(1, math.abs(x), math.abs(y))) then
      return ("number %d is %.17g instead of %.17g"):format(i, y, x)
    end
  end
end

-- --- contestants: {label, time = function(n) -> seconds} -----------------------------

local function ours(case)
  return {label = "cjac", time = function(n)
    local call, start = case.call, os.clock()
    for _ = 1, n do call() end
    return os.clock() - start
  end}
end

-- The peers' ways that work and agree; notes say what does not.
local function contestants(case, peers, notes)
  local list, mine = {ours(case)}, numbers(case.call())
  for _, p in ipairs(peers) do
    for k, method in ipairs(p:methods(case.name)) do
      local theirs, why = p:result(case.name, method)
      local differs = theirs and difference(mine, theirs)
      if differs then why, notes.disagree = "DISAGREES: " .. differs, true end
      if why then notes[#notes + 1] = ("%s, %s %s: %s"):format(case.name, p.name, method, why) end
      list[#list + 1] = {label = method, default = k == 1, absent = why ~= nil,
                         time = function(n) return p:time(case.name, method, n) end}
    end
  end
  return list
end

-- Enough calls that a batch lasts opts.batch.
local function calibrate(c)
  local n = 1
  while true do
    local t = c.time(n)
    if t >= opts.batch / 2 or n >= 1 << 20 then
      c.n = math.max(1, math.ceil(n * opts.batch / math.max(t, 1e-9)))
      return
    end
    n = n * 4
  end
end

local function measure(list)
  for _, c in ipairs(list) do
    c.samples = {}
    if not c.absent then calibrate(c) end
  end
  collectgarbage()
  for _ = 1, opts.rounds do
    for _, c in ipairs(list) do
      if not c.absent then c.samples[#c.samples + 1] = c.time(c.n) / c.n end
    end
  end
end

-- --- the table -------------------------------------------------------------------------

local function time_text(t)
  if not t then return "-" end
  if t < 1e-3 then return ("%.2f us"):format(t * 1e6) end
  return t < 1 and ("%.2f ms"):format(t * 1e3) or ("%.2f s"):format(t)
end
local function ratio_text(r) return r and (r < 100 and "%.1fx" or "%.0fx"):format(r) or "-" end

local function row(case, list)
  local mine, default, best = median(list[1].samples)
  local way = {}
  for i = 2, #list do
    local t = not list[i].absent and median(list[i].samples) or nil
    way[list[i].label] = t
    if list[i].default then default = t end
    if t and (not best or t < best) then best = t end
  end
  local verdict = "-"
  if case.target and default then
    verdict = best / mine >= case.target and "met" or default / mine >= case.target and "by default only" or "missed"
  end
  return {case.name, time_text(mine), ("%.0f%%"):format(100 * spread(list[1].samples)), time_text(way.default),
          time_text(way.vectorize), time_text(way.forward), ratio_text(default and default / mine),
          ratio_text(best and best / mine), case.target and (">= %dx"):format(case.target) or "-", verdict}
end

local function aligned(rows)
  local width, lines = {}, {}
  for _, r in ipairs(rows) do
    for k, cell in ipairs(r) do width[k] = math.max(width[k] or 0, #cell) end
  end
  for _, r in ipairs(rows) do
    local cells = {}
    for k, cell in ipairs(r) do
      local pad = (" "):rep(width[k] - #cell)
      cells[k] = k == 1 and cell .. pad or pad .. cell
    end
    lines[#lines + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

local function cpu()
  for line in io.lines "/proc/cpuinfo" do
    local name = line:match "^model name%s*:%s*(.*)"
    if name then return name end
  end
  return "unknown processor"
end

local function load_average()
  local f <close> = assert(io.open "/proc/loadavg")
  return f:read "n"
end

local function revision()
  local f <close> = assert(io.popen "git describe --always --dirty 2>/dev/null")
  return f:read "l" or "unknown revision"
end

local function save(text)
  local dir, name = here .. "/results", os.date "%Y-%m-%d" .. ".txt"
  os.execute("mkdir -p '" .. dir .. "'")
  local f <close> = assert(io.open(dir .. "/" .. name, "w"))
  f:write(text, "\n")
  print("saved as scripts/bench/results/" .. name)
end

-- --- all of it ---------------------------------------------------------------------------

local peers, notes = {}, {}
local torch = peer.open(opts.dir, "torch")
if torch then peers[1] = torch else notes[1] = "PyTorch: absent (no Python that has it; Debian's package is python3-torch)" end

local rows = {{"case", "cjac", "+-", "torch default", "vectorize", "forward", "default/cjac", "best/cjac", "target", ""}}
for _, case in ipairs(require "cases") do
  if not opts.filter or case.name:find(opts.filter, 1, true) then
    io.stderr:write(case.name, "\n")
    local list = contestants(case, peers, notes)
    measure(list)
    rows[#rows + 1] = row(case, list)
  end
end

local head = ("%s, %s, load %.1f\ncjac %s, %s; one thread; medians over %d rounds in turns, processor time\n"):format(
  os.date "%Y-%m-%d", cpu(), load_average(), revision(), torch and torch.version or "no peer", opts.rounds)
local text = head .. "\n" .. aligned(rows)
for _, note in ipairs(notes) do text = text .. "\n" .. note end
print(text)
if opts.save and not notes.disagree then save(text) end
os.exit(not notes.disagree, true)
