-- report.lua -- one line for every comparison a case asks for: {OURS, OP, TARGET, THEIRS}
--   OURS, THEIRS    labels of ways; "torch*" is the fastest whose label begins so
--   "<=" "<" r      time of ours / time of theirs is at most r
--   ">=" r          time of theirs / time of ours is at least r
--   "+" s           ours takes at most s seconds longer than theirs
--   "s" s           ours takes at most s seconds
--   "#" r           the number that ours found (its value) is at most r times theirs
--   nil             no target

local report = {}

function report.time(t)
  if not t then return "-" end
  if t < 1e-6 then return ("%.1f ns"):format(t * 1e9) end
  if t < 1e-3 then return ("%.2f us"):format(t * 1e6) end
  return t < 1 and ("%.2f ms"):format(t * 1e3) or ("%.2f s"):format(t)
end

local function find(ways, label)
  local best
  local prefix = label and label:match "^(.*)%*$"
  for _, w in ipairs(ways) do
    if w.label == label then return w end
    if prefix and w.seconds and w.label:sub(1, #prefix) == prefix and not (best and best.seconds <= w.seconds) then
      best = w
    end
  end
  return best
end

local function factor(r) return (r < 0.1 and "%.3f" or r < 10 and "%.2f" or r < 100 and "%.1f" or "%.0f"):format(r) end

-- Each gives: what was reached as text, the target as text, whether it is met.
local kinds = {
  ["<="] = function(a, b, target) return factor(a / b), "<= " .. factor(target), a / b <= target end,
  ["<"] = function(a, b, target) return factor(a / b), "< " .. factor(target), a / b < target end,
  [">="] = function(a, b, target) return factor(b / a) .. "x", (">= %gx"):format(target), b / a >= target end,
  ["+"] = function(a, b, target)
    return (a >= b and "+" or "-") .. report.time(math.abs(a - b)), "<= +" .. report.time(target), a - b <= target
  end,
  ["#"] = function(a, b, target) return factor(a / b), "<= " .. factor(target), a / b <= target end,
  ["s"] = function(a, _, target) return report.time(a), "<= " .. report.time(target), a <= target end,
}

local function line(name, ways, row)
  local mine, op, target, label = row[1], row[2], row[3], row[4]
  local a, b = find(ways, mine), find(ways, label)
  local function amount(w)
    if op == "#" then return w and w.value end
    return w and w.seconds
  end
  local function text(w) return op == "#" and amount(w) and ("%d"):format(amount(w)) or report.time(amount(w)) end
  local cells = {name, mine, text(a), a and op ~= "#" and a.spread and ("%.0f%%"):format(100 * a.spread) or "-",
                 b and b.label or label or "-", label and not amount(b) and "absent" or text(b), "-", "-", ""}
  local known = amount(a) and (not label or amount(b))
  if op then
    local reached, wanted, met = kinds[op](amount(a) or 1, amount(b) or 1, target)
    cells[8] = wanted
    if known then cells[7], cells[9] = reached, met and "met" or "MISSED" end
  elseif known and b then
    cells[7] = factor(a.seconds / b.seconds)
  end
  return cells
end

report.head = {"case", "cjac", "time", "+-", "against", "time", "ratio", "target", ""}

-- The lines of one case.
function report.lines(name, ways, rows)
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = line(name, ways, row) end
  return lines
end

-- Columns of the same width; a name that repeats the one above is left out.
function report.aligned(rows)
  local width, lines, before = {}, {}, nil
  for _, r in ipairs(rows) do
    for k, cell in ipairs(r) do width[k] = math.max(width[k] or 0, utf8.len(cell)) end
  end
  for _, r in ipairs(rows) do
    local cells = {}
    for k, cell in ipairs(r) do
      if k == 1 and cell == before then cell = "" end
      local pad = (" "):rep(width[k] - utf8.len(cell))
      cells[k] = (k <= 2 or k == 5 or k == 9) and cell .. pad or pad .. cell
    end
    before = r[1]
    lines[#lines + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

return report
