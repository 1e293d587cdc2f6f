-- Bundle adjustment on real data: cameras and points from their images.
--   scripts/run scripts/examples/bundle_adjustment.lua FILE.txt
-- All residuals are one batched tensor program, its Jacobian is found sparse by itself, and Levenberg-
-- Marquardt eliminates the cameras (Schur complement) because there are many of them and few points.
local cj = require "cjac"

-- --- the problem -----------------------------------------------------------------------------------

local function read(path)
  local file <close> = assert(io.open(path))
  local nc, np, nobs = file:read("n", "n", "n")
  local ci, pi, xy = {}, {}, {}
  for k = 1, nobs do
    local c, p, x, y = file:read("n", "n", "n", "n")
    ci[k], pi[k], xy[k] = c + 1, p + 1, {x, y}
  end
  local function rows(count, width)
    local t = {}
    for i = 1, count do
      t[i] = {}
      for k = 1, width do t[i][k] = file:read("n") end
    end
    return cj.tensor(t)
  end
  return {cameras = rows(nc, 9), points = rows(np, 3), ci = cj.long(ci), pi = cj.long(pi), xy = cj.tensor(xy),
          nc = nc, np = np, nobs = nobs}
end

-- Rodrigues' rotation of X by the angle-axis vector w, row by row; a series near the identity.
local function rotate(w, X)
  local t2 = (w * w):sum(2, true)
  local far = t2:gt(1e-12)
  local theta = cj.where(far, t2, 1):sqrt()
  local a = cj.where(far, theta:sin() / theta, 1 - t2 / 6)
  local b = cj.where(far, (1 - theta:cos()) / (theta * theta), 0.5 - t2 / 24)
  local wX = cj.linalg.cross(w, X)
  return X + a * wX + b * cj.linalg.cross(w, wX)
end

-- Residuals [nobs, 2]: P = R(w) X + t, q = P.xy / P.z, f (1 + k1 |q|^2 + k2 |q|^4) q - (x, y).
local function residuals(problem)
  return function(cameras, points)
    local cam, X = cameras:index_select(1, problem.ci), points:index_select(1, problem.pi)
    local P = rotate(cam[{{}, {1, 3}}], X) + cam[{{}, {4, 6}}]
    local q = P[{{}, {1, 2}}] / P[{{}, {3, 3}}]
    local s = (q * q):sum(2, true)
    local f, k1, k2 = cam[{{}, {7, 7}}], cam[{{}, {8, 8}}], cam[{{}, {9, 9}}]
    return f * (1 + k1 * s + k2 * s * s) * q - problem.xy
  end
end

-- --- normal equations by blocks ------------------------------------------------------------------------

-- Every residual depends on one camera (9 numbers) and one point (3): the nonzeros of a row of the sparse
-- Jacobian are its blocks, side by side.
local function blocks(problem, J)
  local nz = J:values():reshape(problem.nobs, 2, 12)
  return nz[{{}, {}, {1, 9}}], nz[{{}, {}, {10, 12}}]
end

-- U [nc,9,9], V [np,3,3], W [nc,9,np,3] and the gradients of cameras and points.
local function normal(problem, J, r)
  local A, B = blocks(problem, J)
  local At, Bt = A.mT, B.mT
  local nc, np = problem.nc, problem.np
  local pair = (problem.ci - 1) * np + problem.pi
  local U = cj.zeros(nc, 9, 9):index_add(1, problem.ci, At:matmul(A))
  local V = cj.zeros(np, 3, 3):index_add(1, problem.pi, Bt:matmul(B))
  local W = cj.zeros(nc * np, 9, 3):index_add(1, pair, At:matmul(B)):reshape(nc, np, 9, 3):permute(1, 3, 2, 4)
  local gc = cj.zeros(nc, 9):index_add(1, problem.ci, At:matmul(r:unsqueeze(3)):squeeze(3))
  local gp = cj.zeros(np, 3):index_add(1, problem.pi, Bt:matmul(r:unsqueeze(3)):squeeze(3))
  return {U = U, V = V, W = W:reshape(nc, 9, np * 3), gc = gc, gp = gp}
end

-- M with its diagonal grown by the factor 1 + lambda.
local function damped(M, lambda)
  local eye = cj.eye(M:size(-1))
  return M + M * eye * lambda + eye * 1e-12
end

-- The block-diagonal matrix of the 3x3 blocks of V, [3 np, 3 np].
local function spread(V)
  local np = V:size(1)
  local eye = cj.eye(np):reshape(np, 1, np, 1)
  return (V:unsqueeze(3) * eye):reshape(3 * np, 3 * np)
end

local function solve(problem, N, lambda)
  local U, np = damped(N.U, lambda), problem.np
  local X = cj.linalg.solve(U, cj.cat({N.W, N.gc:unsqueeze(3)}, 3))
  local UW, Ug = X[{{}, {}, {1, 3 * np}}], X[{{}, {}, {3 * np + 1, 3 * np + 1}}]
  local S = spread(damped(N.V, lambda)) - N.W.mT:matmul(UW):sum(1)
  local rhs = N.gp:reshape(3 * np, 1) - N.W.mT:matmul(Ug):sum(1)
  local dp = cj.linalg.solve(S, -rhs)
  local dc = -(Ug + UW:matmul(dp))
  return dc:squeeze(3), dp:reshape(np, 3)
end

-- --- Levenberg-Marquardt -----------------------------------------------------------------------------------

local function rms(r) return math.sqrt((r * r):sum():item() / r:size(1)) end

local function optimise(problem, wanted)
  local f = residuals(problem)
  local cameras, points, lambda = problem.cameras, problem.points, 1e-4
  local r = f(cameras, points)
  print(("%4s %14s %10s"):format("step", "rms", "lambda"))
  print(("%4d %14.9f %10.1e"):format(0, rms(r), lambda))
  local accepted = 0
  for _ = 1, 200 do
    local N = normal(problem, cj.sparse_jacobian(f, {cameras, points}), r)
    local better
    while not better and lambda < 1e12 do
      local dc, dp = solve(problem, N, lambda)
      local rnew = f(cameras + dc, points + dp)
      better = rms(rnew) < rms(r)
      if better then
        cameras, points, r, lambda = cameras + dc, points + dp, rnew, lambda / 5
      else
        lambda = lambda * 4
      end
    end
    if not better then break end
    accepted = accepted + 1
    print(("%4d %14.9f %10.1e"):format(accepted, rms(r), lambda))
    if wanted and rms(r) <= 1.01 * wanted and accepted >= 3 then break end
  end
  return cameras, points, r
end

-- --- against the reference values beside the data, where they are ------------------------------------------------

-- The number or the flat list of numbers behind "key": in a JSON text.
local function json_number(text, key) return tonumber(text:match('"' .. key .. '"%s*:%s*([%-%d%.eE+]+)')) end
local function json_list(text, key)
  local list = {}
  local body = text:match('"' .. key .. '"%s*:%s*(%b[])')
  for v in body:gmatch("[%-%d%.eE+]+") do list[#list + 1] = tonumber(v) end
  return cj.tensor(list)
end

local function compare(problem, J, r, text)
  local function line(name, have, want)
    print(("  %-34s relative difference %.1e"):format(name, ((have - want):abs():max() / want:abs():max()):item()))
  end
  local A, B = blocks(problem, J)
  local seen = problem.ci:eq(1)
  local ones = cj.ones(9 * problem.nc + 3 * problem.np)
  line("norm of the residuals", r:norm(), cj.tensor(json_number(text, "residual_norm")))
  line("residuals of camera 1", r[seen]:reshape(-1), json_list(text, "residuals"))
  line("d residual / d camera 1", A[seen]:reshape(-1), json_list(text, "J_camera"))
  line("d residual / d its points", B[seen]:reshape(-1), json_list(text, "J_points"))
  line("Frobenius norm of J", J:values():norm(), cj.tensor(json_number(text, "frobenius")))
  line("sum of J 1", J:mv(ones):sum(), cj.tensor(json_number(text, "checksum_Jv_ones")))
  line("first entries of J' r", J:tmv(r:reshape(-1))[{{1, 12}}], json_list(text, "checksum_JTr"))
  print(("  nonzeros %d, reference %d"):format(J:nnz(), json_number(text, "nnz")))
end

local path = arg[1]
if not path then
  io.stderr:write("usage: bundle_adjustment.lua FILE.txt\n")
  os.exit(2)
end
local problem = read(path)
local f = residuals(problem)
local J = cj.sparse_jacobian(f, {problem.cameras, problem.points})
print(("%d cameras, %d points, %d observations; Jacobian %d x %d with %d nonzeros"):format(
  problem.nc, problem.np, problem.nobs, J.shape[1], J.shape[2], J:nnz()))
local final
local ref = io.open((path:gsub("%.txt$", ".ref.json")))
if ref then
  local text = ref:read("a")
  ref:close()
  compare(problem, J, f(problem.cameras, problem.points), text)
  local history = json_list(text, "rms_history_lm")
  final = history[-1]:item()
end
local _, _, r = optimise(problem, final)
if final then print(("final rms %.9f, reference %.9f, ratio %.5f"):format(rms(r), final, rms(r) / final)) end
