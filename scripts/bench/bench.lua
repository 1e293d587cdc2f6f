-- bench.lua -- the driver (scripts/bench/run): goes through the cases, checks that the results of all ways agree, times
-- them in turns, and prints one table of what was reached beside what was aimed at.

local here = arg[0]:match "^(.*)/[^/]*$"
package.path = here .. "/?.lua;" .. package.path
local measure, peer, report, way = require "measure", require "peer", require "report", require "way"

local TOLERANCE = 1e-9
local opts = {rounds = 15, batch = 0.02, most = 2, dir = arg[1]}
for i = 2, #arg do
  if arg[i] == "--quick" then opts.quick, opts.rounds, opts.batch, opts.most = true, 5, 0.005, 0.3
  elseif arg[i] == "--save" then opts.save = true
  else opts.filter = arg[i] end
end
if opts.filter and (opts.save or opts.filter:find "^%-") then -- a saved table is whole
  io.stderr:write("usage: scripts/bench/run [--quick] [--save | FILTER]\n")
  os.exit(2)
end

local peers, notes, disagree = {}, {}, false
for _, name in ipairs {"torch", "torch-old", "jax", "casadi"} do
  local p = peer.open(opts.dir, name)
  peers[#peers + 1] = p
  if not p then notes[#notes + 1] = name .. ": absent" end
end
local function note(...) notes[#notes + 1] = string.format(...) end

-- The ways of other programs, which give one vector of all numbers of those results that the case says.
local function theirs(case, mine)
  local list = {}
  local function comparable() return case.compare and case.compare(mine()) or mine() end
  for _, p in ipairs(case.peer and peers or {}) do
    local good, more = pcall(way.peer, p, case.peer)
    if good then table.move(more, 1, #more, #list + 1, list) else note("%s, %s", case.name, more) end
  end
  return list, function() return {way.flat(comparable())} end
end

-- Says in w.why if its results are not the wanted ones.
local function check(w, wanted, tolerance)
  if w.why or not w.results then return end
  local good, results = pcall(w.results)
  w.why = not good and results or measure.difference(wanted, results, tolerance or TOLERANCE)
  if good and w.why then
    w.why = "DISAGREES: " .. w.why
    disagree = true
  end
end

-- The ways of a case; those whose results are not those of the first one, or the expected ones, say so.
local function checked(case)
  local ways, expected = case.ways()
  if not ways then return nil, expected end -- what it needs is not there
  local mine = expected and function() return expected end or ways[1].results
  for _, w in ipairs(ways) do check(w, mine and mine(), case.tolerance) end
  if mine then
    local others, wanted = theirs(case, mine)
    for _, w in ipairs(others) do
      check(w, wanted(), case.tolerance)
      ways[#ways + 1] = w
    end
  end
  for _, w in ipairs(ways) do
    if w.why then note("%s, %s: %s", case.name, w.label, (tostring(w.why):gsub("\n.*", ""))) end
  end
  return ways
end

local function run(case)
  local ways, why = checked(case)
  if not ways then
    note("%s: skipped, %s", case.name, why)
    return {}
  end
  collectgarbage()
  measure.run(ways, opts)
  return report.lines(case.name, ways, case.rows)
end

-- --- what was measured where -----------------------------------------------------

local function first_line(command)
  local f <close> = assert(io.popen(command .. " 2>/dev/null"))
  return f:read "l" or "unknown"
end

local function head()
  local versions = {"cjac " .. first_line "git describe --always --dirty", first_line "gcc --version",
                    "glibc " .. first_line "getconf GNU_LIBC_VERSION | cut -d' ' -f2"}
  for _, package in ipairs {"openblas", "sleef"} do
    versions[#versions + 1] = package .. " " .. first_line("pkg-config --modversion " .. package)
  end
  for _, p in ipairs(peers) do versions[#versions + 1] = p.version end
  local cpu = first_line "sed -n 's/^model name[ \t]*: //p' /proc/cpuinfo"
  local vector = first_line "grep -o -m1 avx512f /proc/cpuinfo || grep -o -m1 avx2 /proc/cpuinfo"
  local load = first_line "cut -d' ' -f1 /proc/loadavg"
  return ("%s, %s (%s), load %s\n%s\none thread; medians of %d rounds in turns, processor time\n"):format(
    os.date "%Y-%m-%d", cpu, vector, load, table.concat(versions, ", "), opts.rounds)
end

local function save(text)
  local dir, name = here .. "/results", os.date "%Y-%m-%d" .. ".txt"
  os.execute("mkdir -p '" .. dir .. "'")
  local f <close> = assert(io.open(dir .. "/" .. name, "w"))
  f:write(text, "\n")
  print("saved as scripts/bench/results/" .. name)
end

-- --- all of it ---------------------------------------------------------------------------

local rows, title = {report.head}, head()
for _, group in ipairs(require "cases") do
  for _, case in ipairs(require("cases." .. group)(opts)) do
    if not opts.filter or case.name:find(opts.filter, 1, true) then
      io.stderr:write(case.name, "\n")
      local good, lines = xpcall(run, debug.traceback, case)
      if not good then
        io.stderr:write(lines, "\n")
        note("%s: %s", case.name, lines:match "^[^\n]*")
        disagree = true
        lines = {}
      end
      table.move(lines, 1, #lines, #rows + 1, rows)
    end
  end
end
local text = title .. "\n" .. report.aligned(rows)
for _, n in ipairs(notes) do text = text .. "\n" .. n end
print(text)
if opts.save and not disagree then save(text) end
os.exit(not disagree, true)
