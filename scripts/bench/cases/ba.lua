-- GradBench's ba: the sparse Jacobian of reprojection errors; and the same for the model of the real data.
local cj = require "cjac"
local data, way = require "data", require "way"

-- Rodrigues' rotation of v by the angle-axis r, row by row; v + r x v where r is 0.
local function rotate(r, v)
  local square = (r * r):sum(2, true)
  local turned = square:gt(0)
  local safe = cj.where(turned, square, 1)
  local angle = safe:sqrt()
  local c, cross = angle:cos(), cj.linalg.cross(r, v)
  local full = v * c + cross * (angle:sin() / angle) + r * ((1 - c) * (r * v):sum(2, true) / safe)
  return cj.where(turned, full, v + cross)
end

local function projected(y, f, k1, k2)
  local p = y[{{}, {1, 2}}] / y[{{}, {3, 3}}]
  local s = (p * p):sum(2, true)
  return f * (1 + k1 * s + k2 * s * s) * p
end

local function errors(camera, point, feats)
  return function(cams, X, w)
    local cam = cams:index_select(1, camera)
    local y = rotate(cam[{{}, {1, 3}}], X:index_select(1, point) - cam[{{}, {4, 6}}])
    local image = projected(y, cam[{{}, {7, 7}}], cam[{{}, {10, 10}}], cam[{{}, {11, 11}}])
    return w:unsqueeze(2) * (image + cam[{{}, {8, 9}}] - feats), 1 - w * w
  end
end

local function real_errors(camera, point, feats)
  return function(cams, X)
    local cam = cams:index_select(1, camera)
    local y = rotate(cam[{{}, {1, 3}}], X:index_select(1, point)) + cam[{{}, {4, 6}}]
    return projected(y, cam[{{}, {7, 7}}], cam[{{}, {8, 8}}], cam[{{}, {9, 9}}]) - feats
  end
end

-- --- GradBench's ------------------------------------------------------------------------

-- The input with every array spelled out; obs: camera and point of every observation, from 1.
local function expanded(z)
  if z.cams then
    local obs = {}
    for i, o in ipairs(z.obs) do obs[i] = {o[1] + 1, o[2] + 1} end
    return {cams = cj.tensor(z.cams), X = cj.tensor(z.X), w = cj.tensor(z.w), feats = cj.tensor(z.feats), obs = cj.long(obs)}
  end
  local obs = {}
  for i = 0, z.p - 1 do obs[i + 1] = {i % z.n + 1, i % z.m + 1} end
  return {cams = cj.tensor(z.cam):unsqueeze(1):tile(z.n, 1), X = cj.tensor(z.x):unsqueeze(1):tile(z.m, 1),
          w = cj.full({z.p}, z.w), feats = cj.tensor(z.feat):unsqueeze(1):tile(z.p, 1), obs = cj.long(obs)}
end

-- GradBench counts 15 entries for a row, of which one is always zero: the other coordinate of the principal point.  A
-- pattern may leave it out.
local kept = {}
for k = 1, 30 do
  if k ~= 9 and k ~= 23 then kept[#kept + 1] = k end
end
local function with_zeros(vals, p)
  if #vals == 31 * p then return vals end
  local blocks = cj.zeros(p, 30):index_copy(2, cj.long(kept), vals[{{1, 28 * p}}]:reshape(p, 28))
  return cj.cat({blocks:reshape(-1), vals[{{28 * p + 1, 29 * p}}]}, 1)
end

local function wanted(file)
  local J, p = file.expected.jacobian, file.input.p
  if J then return {cj.tensor(J.csr.vals)} end
  local vals = cj.tensor(file.expected.jacobian_gradbench_31.vals)
  return {cj.cat({vals[{{1, 30}}]:tile(p), vals[{{31, 31}}]:tile(p)}, 1)}
end

local function ways(file)
  local p, z = file.input.p, expanded(file.input)
  local columns = z.obs:unbind(2)
  local f, x = errors(columns[1] + 0, columns[2] + 0, z.feats), {z.cams, z.X, z.w}
  local function entries(S)
    return {with_zeros(data.nonzeros(S)[1], p)}
  end
  local function compiled(label) return way.compiled(label, cj.compile(f):sparse_jacobian(), x, entries) end
  local arrays = {z.cams, z.X, z.w, z.feats, z.obs}
  local function hand(label, name)
    return way.hand(label, name, arrays, {{31 * p}}, {p})
  end
  return {
    compiled "sparse Jacobian",
    way.interpreted(function() return compiled "interpreter" end),
    way.compiled("value", cj.compile(f), x, false),
    way.primal("value in C++", "ba_value", arrays, {{2 * p}, {p}}, {p}),
    hand("limit by hand", "ba_limit"),
    hand("Eigen", "ba_eigen"),
    way.call("ready after", function() return cj.compile(f):sparse_jacobian()(table.unpack(x)) end),
  }, wanted(file)
end

local function gradbench(name)
  local path = "gradbench/ba/" .. name .. ".json"
  return {name = "ba " .. name, peer = name:find "^ba" and "ba@" .. data.shared .. "/" .. path, ways = function()
    local file = data.json(path)
    if not file then return nil, "there is no " .. path end
    return ways(file)
  end, rows = {
    {"sparse Jacobian", "<=", 2, "limit by hand"},
    {"sparse Jacobian", "<", 1, "Eigen"},
    {"sparse Jacobian", "<", 1, "torch*"},
    {"sparse Jacobian", nil, nil, "value in C++"},
    {"interpreter", nil, nil, "limit by hand"},
    {"value", nil, nil, "value in C++"},
    {"ready after", nil, nil, "value in C++"},
  }}
end

-- --- the real data --------------------------------------------------------------------------

local function read(text)
  local numbers, at = {}, 0
  for v in text:gmatch "%S+" do numbers[#numbers + 1] = tonumber(v) end
  local function rows(count, width)
    local t = {}
    for i = 1, count do
      t[i] = table.move(numbers, at + 1, at + width, 1, {})
      at = at + width
    end
    return t
  end
  local nc, np, nobs = table.unpack(rows(1, 3)[1])
  local camera, point, feats = {}, {}, {}
  for i, o in ipairs(rows(nobs, 4)) do camera[i], point[i], feats[i] = o[1] + 1 | 0, o[2] + 1 | 0, {o[3], o[4]} end
  return {cams = cj.tensor(rows(nc, 9)), X = cj.tensor(rows(np, 3)), camera = cj.long(camera), point = cj.long(point),
          feats = cj.tensor(feats), n = nobs // 1 | 0}
end

local function real_ways(z)
  local f, x = real_errors(z.camera, z.point, z.feats), {z.cams, z.X}
  local arrays = {z.cams, z.X, z.feats, z.camera, z.point}
  local function compiled(label) return way.compiled(label, cj.compile(f):sparse_jacobian(), x, data.nonzeros) end
  return {
    compiled "sparse Jacobian",
    way.interpreted(function() return compiled "interpreter" end),
    way.compiled("value", cj.compile(f), x, false),
    way.primal("value in C++", "real_value", arrays, {{z.n, 2}}, {z.n}),
    way.hand("Eigen", "real_eigen", arrays, {{24 * z.n}}, {z.n}),
    way.call("ready after", function() return cj.compile(f):sparse_jacobian()(table.unpack(x)) end),
  }
end

local function real(name)
  local path = "data/ba/" .. name .. ".txt"
  return {name = "bundle adjustment " .. name:gsub("tears_of_steel_", ""), ways = function()
    local text = data.text(path)
    if not text then return nil, "there is no " .. path end
    return real_ways(read(text))
  end, rows = {
    {"sparse Jacobian", "<=", 3, "value in C++"},
    {"sparse Jacobian", "<", 1, "Eigen"},
    {"interpreter", nil, nil, "value in C++"},
    {"value", nil, nil, "value in C++"},
    {"ready after", nil, nil, "value in C++"},
  }}
end

return function(opts)
  local cases = {real "tears_of_steel_07_1a", gradbench(opts.quick and "rand_n8_m60_p300" or "ba1_n49_m7776_p31843")}
  if not opts.quick then
    table.insert(cases, 2, real "tears_of_steel_09_1a")
    table.insert(cases, 3, gradbench "rand_n8_m60_p300")
  end
  return cases
end
