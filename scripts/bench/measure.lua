-- measure.lua -- compares results, then times ways in turns: every round times each of them once.

local measure = {}

-- --- statistics ----------------------------------------------------------------

local function quantile(list, q)
  local s = table.move(list, 1, #list, 1, {})
  table.sort(s)
  local at = 1 + (#s - 1) * q
  local low = math.floor(at)
  return s[low] + (at - low) * ((s[low + 1] or s[low]) - s[low])
end
function measure.median(list) return quantile(list, 0.5) end
-- Half the distance of the quartiles, relative to the median.
function measure.spread(list) return (quantile(list, 0.75) - quantile(list, 0.25)) / 2 / quantile(list, 0.5) end

-- --- results ---------------------------------------------------------------------

-- max |a - b| / max |a|
local function distance(a, b)
  local scale = a:abs():max():item()
  return (a - b):abs():max():item() / (scale > 0 and scale or 1)
end

-- nil if lists of tensors agree normwise, else how they do not.
function measure.difference(mine, theirs, tolerance)
  if #mine ~= #theirs then return ("%d results instead of %d"):format(#theirs, #mine) end
  for i = 1, #mine do
    local a, b = mine[i]:reshape(-1), theirs[i]:reshape(-1)
    if #a ~= #b then return ("result %d has %d elements instead of %d"):format(i, #b, #a) end
    local d = #a > 0 and distance(a, b) or 0
    if not (d <= tolerance) then return ("result %d differs by %.1e of its largest element"):format(i, d) end
  end
end

-- --- time -------------------------------------------------------------------------

-- Enough calls that a batch lasts so long.
local function calibrate(w, batch)
  local n = 1
  while true do
    local t = w.time(n)
    w.samples = {t / n} -- the only one if it is long
    if t >= batch / 2 or n >= 1 << 20 then
      w.n = math.max(1, math.ceil(n * batch / math.max(t, 1e-9)))
      return
    end
    n = n * 4
  end
end

-- Fills samples, the seconds of one call in every round, of the ways that are there.  A way gets fewer rounds where all
-- would last longer than `most` seconds, and only its first call where that does.
function measure.run(ways, opts)
  local present = {}
  for _, w in ipairs(ways) do
    if not w.why then
      present[#present + 1] = w
      calibrate(w, opts.batch)
      local long = w.samples[1] > opts.most
      w.rounds = long and 0 or opts.rounds
      if not long then w.samples = {} end
    end
  end
  for round = 1, opts.rounds do
    for _, w in ipairs(present) do
      if round <= w.rounds then
        local t = w.time(w.n)
        w.samples[#w.samples + 1] = t / w.n
        w.rounds = math.min(opts.rounds, math.max(3, math.ceil(opts.most / t)))
      end
    end
  end
  for _, w in ipairs(present) do w.seconds, w.spread = measure.median(w.samples), measure.spread(w.samples) end
end

return measure
