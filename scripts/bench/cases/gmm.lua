-- GradBench's gmm: the gradient of the log-likelihood of a Gaussian mixture.
local cj = require "cjac"
local data, way = require "data", require "way"

-- The constant part: n, k, d, m, gamma are fixed.
local function constant(z)
  local freedom = z.d + z.m + 1
  local a = cj.tensor(0.5 * freedom)
  local log_gamma = 0.25 * z.d * (z.d - 1) * math.log(math.pi)
  for j = 1, z.d do log_gamma = log_gamma + (a + 0.5 * (1 - j)):lgamma():item() end
  return -0.5 * z.n * z.d * math.log(2 * math.pi) +
    z.k * (freedom * z.d * math.log(z.gamma / math.sqrt(2)) - log_gamma)
end

local function likelihood(z, x)
  local d, k, n = z.d, z.k, z.n
  local where = {} -- the diagonal of a matrix, then what is below, column by column
  for c = 1, d do where[c] = (c - 1) * d + c end
  for c = 1, d do
    for r = c + 1, d do where[#where + 1] = (r - 1) * d + c end
  end
  local places, empty, shift = cj.long(where), cj.zeros(k, d * d), constant(z)
  return function(alpha, mu, q, l)
    local sumq = q:sum(2)
    local Q = empty:index_add(2, places, cj.cat({q:exp(), l}, 2)):reshape(k, d, d)
    local y = x:matmul(Q.mT) - Q:matmul(mu:unsqueeze(3)):squeeze(3):unsqueeze(2) -- [k, n, d]
    local beta = (alpha + sumq):unsqueeze(2) - 0.5 * (y * y):sum(3)
    local prior = 0.5 * z.gamma ^ 2 * (Q * Q):sum() - z.m * sumq:sum()
    return beta:logsumexp(1):sum() - n * alpha:logsumexp(1) - prior + shift
  end
end

local function numbers(list) return #list > 0 and cj.tensor(list) end

local function ways(file)
  local z = file.input
  local t = z.d * (z.d - 1) // 2
  local x = cj.tensor(z.x)
  local p = {cj.tensor(z.alpha), cj.tensor(z.mu), cj.tensor(z.q), numbers(z.l):reshape(z.k, t)}
  local flat, sizes, gamma = way.flat(p), {z.d, z.k, z.n, z.m}, cj.tensor {z.gamma}
  local wanted
  if file.expected then
    local J = file.expected.jacobian
    wanted = {way.flat {cj.tensor(J.alpha), cj.tensor(J.mu), cj.tensor(J.q), cj.tensor(J.l)}}
  end
  local f = likelihood(z, x)
  local function gradient(label) return way.compiled(label, cj.compile(f):gradient(), p, data.flatten) end
  local function hand(label, name) return way.hand(label, name, {flat, x, gamma}, {flat.shape}, sizes) end
  return {
    gradient "gradient",
    way.interpreted(function() return gradient "interpreter" end),
    way.compiled("value", cj.compile(f), p, false),
    way.primal("value in C++", "gmm_value", {flat, x, gamma}, {{}}, sizes),
    hand("limit by hand", "gmm_limit"),
    hand("ADOL-C", "gmm_adolc"),
    way.call("ready after", function() return cj.compile(f):gradient()(table.unpack(p)) end),
  }, wanted
end

return function(opts)
  local cases = {}
  local sizes = {{2, 5}, {10, 25}, {20, 50}, {64, 10}}
  for i, s in ipairs(opts.quick and {sizes[1], sizes[2]} or sizes) do
    local name = ("d%d_k%d_n1000"):format(s[1], s[2])
    local path, file = data.gmm(name, s[1], s[2], 1000)
    cases[i] = {name = "gmm " .. name, peer = "gmm@" .. path, ways = function() return ways(file()) end, rows = {
      {"gradient", "<=", 2, "limit by hand"},
      {"gradient", "<", 1, "ADOL-C"},
      {"gradient", "<", 1, "torch*"},
      {"gradient", "<", 1, "jax jit"},
      {"gradient", nil, nil, "value in C++"},
      {"interpreter", nil, nil, "limit by hand"},
      {"value", nil, nil, "value in C++"},
      {"ready after"},
    }}
  end
  return cases
end
