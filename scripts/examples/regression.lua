-- Nonlinear least squares on a problem of the NIST Statistical Reference Datasets:
--   scripts/run scripts/examples/regression.lua FILE.dat [FILE.dat ...]
-- The model is read from the file's own text, fitted from both of its starting points by
-- Levenberg-Marquardt with exact Jacobians, and compared with the certified parameters.
local cj = require "cjac"

-- --- the file -----------------------------------------------------------------------------------

-- "b1*(1-exp[-b2*x])" as a Lua function of the parameter vector b and the table of data columns.
local function compile(text, rename)
  local code = text:gsub("%*%*", "^"):gsub("%[", "("):gsub("%]", ")")
  code = code:gsub("arctan", "atan"):gsub("b(%d+)", "b[%1]"):gsub("%f[%w]x(%d*)%f[%W]", function(k)
    return ("data[%d]"):format(k == "" and 1 or tonumber(k))
  end)
  local names = {pi = math.pi}
  for _, f in ipairs {"exp", "log", "sin", "cos", "atan"} do names[f] = cj[f] end
  local chunk = assert(load("local b, data = ... return " .. code, rename, "t", names))
  return chunk
end

local function model_text(lines)
  local text, inside = "", false
  for _, line in ipairs(lines) do
    if line:match("^%s+[%w%[%]]+%s*=") and not inside and not line:match("^%s+[bp][%di]") then inside = true end
    if inside then
      text = text .. " " .. line
      if line:match("%+%s*e%s*$") then break end
    end
  end
  local left, right = text:match("^%s*([%w%[%]]+)%s*=(.*)%+%s*e%s*$")
  return assert(left, "no model found"), right
end

local function read(path)
  local lines, problem = {}, {name = path:match("([^/\\]+)%.dat$") or path, start = {{}, {}}, certified = {}}
  for line in io.lines(path) do lines[#lines + 1] = (line:gsub("\r", "")) end
  local left, right = model_text(lines)
  problem.sum = tonumber(table.concat(lines, "\n"):match("Residual Sum of Squares:%s+(%S+)"))
  problem.model, problem.logy = compile(right, problem.name), left:match("^log") ~= nil
  local rows, reading = {}, false
  for _, line in ipairs(lines) do
    local i, s1, s2, certified = line:match("^%s*b(%d+)%s*=%s*(%S+)%s+(%S+)%s+(%S+)")
    if i then
      i = tonumber(i)
      problem.start[1][i], problem.start[2][i], problem.certified[i] = tonumber(s1), tonumber(s2), tonumber(certified)
    elseif line:match("^Data:%s+y") then
      reading = true
    elseif reading and line:match("%d") then
      local row = {}
      for v in line:gmatch("%S+") do row[#row + 1] = tonumber(v) end
      rows[#rows + 1] = row
    end
  end
  local all = cj.tensor(rows)
  problem.y = all[{{}, 1}]
  if problem.logy then problem.y = problem.y:log() end
  problem.data = {}
  for k = 2, all:size(2) do problem.data[k - 1] = all[{{}, k}] end
  return problem
end

-- --- Levenberg-Marquardt --------------------------------------------------------------------------

-- The step solves  min |J p + r|^2 + lambda |D p|^2  by QR of the stacked matrix, which squares no condition
-- number; D holds the largest column norms seen (More, "The Levenberg-Marquardt algorithm", 1978), lambda
-- follows the gain ratio (Nielsen, "Damping parameter in Marquardt's method", 1999).
local function step(J, r, D, lambda)
  local n = J:size(2)
  local A = cj.cat({J, (math.sqrt(lambda) * D):diag()}, 1)
  local Q, R = cj.linalg.qr(A)
  local rhs = Q:t():matmul(cj.cat({-r, cj.zeros(n)}, 1))
  return cj.linalg.solve_triangular(R, rhs:unsqueeze(2), {upper = true}):squeeze(2)
end

local function fit(problem, start)
  local function residual(b) return problem.model(b, problem.data) - problem.y end
  -- Starting points are far off here: the first steps are held short.
  local b, lambda, grow = cj.tensor(start), 30, 2
  local J, r = cj.jacobian(residual, b, {return_value = true})
  local D, cost = J:norm(2, 1), r:dot(r):item()
  for iteration = 1, 20000 do
    local ok, p = pcall(step, J, r, D, lambda)
    local new, rnew, cnew
    if ok then
      new = b + p
      rnew = residual(new)
      cnew = rnew:dot(rnew):item()
      local small = ((p:abs() / (new:abs() + 1e-300)):max()):item()
      if small < 1e-15 then return b, iteration, cost end
    end
    local predicted = ok and cost - ((J:matmul(p) + r):square():sum()):item() or 0
    if ok and cnew == cnew and cnew < cost and predicted > 0 then
      local gain = (cost - cnew) / predicted
      b, cost = new, cnew
      J, r = cj.jacobian(residual, b, {return_value = true})
      D = cj.maximum(D, J:norm(2, 1))
      lambda, grow = lambda * math.max(1 / 3, 1 - (2 * gain - 1) ^ 3), 2
    else
      lambda, grow = lambda * grow, grow * 2
      if lambda > 1e300 then return b, iteration, cost end
    end
  end
  return b, 20000, cost
end

-- --- the table -------------------------------------------------------------------------------------

-- Digits of agreement: -log10 of the relative error, at most 11 (as certified).
local function agree(have, want)
  local err = math.abs(have - want) / math.abs(want)
  return err ~= err and 0 or err == 0 and 11 or math.min(11, math.max(-math.log(err, 10), 0))
end

-- Of the worst parameter, and which one it is.
local function digits(b, certified)
  local worst, which = 12, 0
  for i, want in ipairs(certified) do
    local d = agree(b[i]:item(), want)
    if d < worst then worst, which = d, i end
  end
  return worst, which
end

if #arg == 0 then
  io.stderr:write("usage: regression.lua FILE.dat [FILE.dat ...]\n")
  os.exit(2)
end

local short = {}
print(("%-10s %3s %3s   %-22s %s"):format("problem", "n", "p", "start 1", "start 2"))
for _, path in ipairs(arg) do
  local problem = read(path)
  local cells = {}
  for s = 1, 2 do
    local b, iterations, cost = fit(problem, problem.start[s])
    local d, which = digits(b, problem.certified)
    cells[s] = ("%4.1f digits, %4d steps"):format(d, iterations)
    if d < 6 then
      short[#short + 1] = ("  %s from start %d: %.1f digits of b%d = %.11g, certified %.11g; residual sum of squares to %.1f digits"):format(
        problem.name, s, d, which, b[which]:item(), problem.certified[which], agree(cost, problem.sum))
    end
  end
  print(("%-10s %3d %3d   %-22s %s"):format(problem.name, problem.y:size(1), #problem.certified, cells[1], cells[2]))
end
print(#short == 0 and "all parameters to 6 digits or more" or "fewer than 6 digits:\n" .. table.concat(short, "\n"))
