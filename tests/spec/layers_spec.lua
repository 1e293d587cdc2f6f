-- Convolutions, pools, layers, losses and contractions against the sums that define them, written with loops.

local cj = require "cjac"
local cases = require "support.cases"
local expect = require "support.expect"
local near = require "support.near"
local sample = require "support.sample"

local fails = expect.fails
local R = sample.env.R

local function agree(case, got, want, ...)
  local good, why = near.equal(got, want, 1e-12, 1e-12)
  case(good, "%s: %s", string.format(...), why)
end

-- --- convolutions ------------------------------------------------------------------

-- [N, C, H, W] and [O, C / groups, kh, kw], element by element.
local function conv2d(x, w, b, o)
  local N, C, H, W = table.unpack(x.shape)
  local O, per, kh, kw = table.unpack(w.shape)
  local oh = (H + 2 * o.pad[1] - o.dil[1] * (kh - 1) - 1) // o.stride[1] + 1
  local ow = (W + 2 * o.pad[2] - o.dil[2] * (kw - 1) - 1) // o.stride[2] + 1
  local xs, ws, bs, y = near.flat(x), near.flat(w), b and near.flat(b), {}
  local function at(n, c, i, j)
    if i < 0 or j < 0 or i >= H or j >= W then return 0 end
    return xs[((n * C + c) * H + i) * W + j + 1]
  end
  for n = 0, N - 1 do
    for f = 0, O - 1 do
      local first = f // (O // o.groups) * per
      for i = 0, oh - 1 do
        for j = 0, ow - 1 do
          local sum = bs and bs[f + 1] or 0
          for c = 0, per - 1 do
            for p = 0, kh - 1 do
              for q = 0, kw - 1 do
                sum = sum + ws[((f * per + c) * kh + p) * kw + q + 1]
                  * at(n, first + c, i * o.stride[1] + p * o.dil[1] - o.pad[1],
                       j * o.stride[2] + q * o.dil[2] - o.pad[2])
              end
            end
          end
          y[#y + 1] = sum
        end
      end
    end
  end
  return cj.tensor(y):reshape(N, O, oh, ow)
end

describe("convolutions", function()
  it("are the sums that define them", cases(function(case)
    sample.seed "conv"
    local kinds = {{4, 6, 1}, {4, 6, 2}, {4, 4, 4}, {3, 6, 3}, {1, 2, 1}} -- channels, filters, groups
    for _, kind in ipairs(kinds) do
      local C, O, groups = table.unpack(kind)
      for _, o in ipairs {
        {stride = {1, 1}, pad = {0, 0}, dil = {1, 1}}, {stride = {2, 1}, pad = {1, 2}, dil = {1, 1}},
        {stride = {1, 3}, pad = {2, 0}, dil = {2, 1}}, {stride = {2, 2}, pad = {1, 1}, dil = {1, 2}},
      } do
        o.groups = groups
        local x, w, b = R(2, C, 6, 7), R(O, C // groups, 3, 2), R(O)
        local opts = {stride = o.stride, padding = o.pad, dilation = o.dil, groups = groups}
        agree(case, cj.conv2d(x, w, b, opts), conv2d(x, w, b, o), "%d to %d in %d groups", C, O, groups)
        agree(case, cj.conv2d(x, w, opts), conv2d(x, w, nil, o), "%d to %d in %d groups, no bias", C, O, groups)
        local line, taps = x[{{}, {}, {1, 1}}]:squeeze(3), w[{{}, {}, {1, 1}}]:squeeze(3)
        local flat = {stride = {1, o.stride[2]}, pad = {0, o.pad[2]}, dil = {1, o.dil[2]}, groups = groups}
        local got = cj.conv1d(line, taps, b, {stride = o.stride[2], padding = o.pad[2], dilation = o.dil[2], groups = groups})
        agree(case, got:unsqueeze(3), conv2d(line:unsqueeze(3), taps:unsqueeze(3), b, flat), "conv1d, %d groups", groups)
      end
    end
  end))

  it("take a single picture, and an empty batch", function()
    local x, w = R(2, 5, 5), R(3, 2, 2, 2)
    assert.is_true(near.equal(cj.conv2d(x, w), cj.conv2d(x:unsqueeze(1), w):squeeze(1), 0, 0))
    assert.equal("[0, 3, 4, 4]", near.shape(cj.conv2d(cj.zeros(0, 2, 5, 5), w)))
  end)

  it("say what does not fit", function()
    local x, w = R(1, 2, 4, 4), R(3, 2, 2, 2)
    fails("weight of shape [3, 3, 2, 2] in 1 groups", cj.conv2d, x, R(3, 3, 2, 2))
    fails("a filter that reaches over 5 does not fit into 4", cj.conv2d, x, R(3, 2, 5, 2))
    fails("stride is 0, wanted at least 1", cj.conv2d, x, w, {stride = 0})
    fails("bias has shape [2], wanted [3]", cj.conv2d, x, w, R(2))
    fails("padding has 3 numbers, wanted 1 or 2", cj.conv2d, x, w, {padding = {1, 1, 1}})
  end)
end)

-- --- pools ----------------------------------------------------------------------------

-- Windows of a list: ranges of positions, and how many positions count with the border.
local function windows(n, o)
  local reach = (o.size - 1) * (o.dilation or 1) + 1
  local room = n + 2 * o.pad - reach
  local count = (o.ceil and -(-room // o.stride) or room // o.stride) + 1
  if o.ceil and (count - 1) * o.stride >= n + o.pad then count = count - 1 end
  local list = {}
  for i = 1, count do
    local first = (i - 1) * o.stride - o.pad + 1
    local w = {border = math.min(first + reach - 1, n + o.pad) - first + 1}
    for k = first, first + reach - 1, o.dilation or 1 do
      if k >= 1 and k <= n then w[#w + 1] = k end
    end
    list[i] = w
  end
  return list
end

describe("pools", function()
  local kinds = {
    {size = 2, stride = 2, pad = 0}, {size = 3, stride = 2, pad = 1}, {size = 3, stride = 2, pad = 1, ceil = true},
    {size = 2, stride = 3, pad = 0, ceil = true}, {size = 3, stride = 1, pad = 1}, {size = 18, stride = 2, pad = 3},
  }
  it("are what they say, along a line", cases(function(case)
    sample.seed "pool"
    for _, o in ipairs(kinds) do
      for n = o.size, o.size + 5 do
        local x, most, mean, inside = R(1, n), {}, {}, {}
        local xs = near.flat(x)
        for i, w in ipairs(windows(n, o)) do
          local sum, top = 0, -1 / 0
          for _, k in ipairs(w) do sum, top = sum + xs[k], math.max(top, xs[k]) end
          most[i], mean[i], inside[i] = top, sum / w.border, sum / #w
        end
        local opts = {stride = o.stride, padding = o.pad, ceil_mode = o.ceil or false}
        agree(case, cj.max_pool1d(x, o.size, opts), cj.tensor{most}, "max, %d of %d", o.size, n)
        agree(case, cj.avg_pool1d(x, o.size, opts), cj.tensor{mean}, "mean, %d of %d", o.size, n)
        opts.count_include_pad = false
        agree(case, cj.avg_pool1d(x, o.size, opts), cj.tensor{inside}, "mean inside, %d of %d", o.size, n)
      end
    end
  end))

  it("give the derivative to the first of equal elements", function()
    local x = cj.tensor{{{1, 1, 2, 0}, {1, 1, 0, 2}, {3, 3, 0, 0}, {0, 3, 0, 0}}}
    local d = cj.jacobian(function(v) return cj.max_pool2d(v, 2):sum() end, x)
    assert.is_true(near.equal(d, cj.tensor{{{1, 0, 1, 0}, {0, 0, 0, 0}, {1, 0, 1, 0}, {0, 0, 0, 0}}}, 0, 0))
  end)

  it("pass NaN on", function()
    local y = near.flat(cj.max_pool1d(cj.tensor{{1, 0 / 0, 3, 4}}, 2))
    assert.is_true(near.isnan(y[1]) and y[2] == 4)
  end)

  it("say what does not fit", function()
    fails("wanted 4 dimensions, or 3", cj.max_pool2d, R(4, 4), 2)
    fails("wanted at most half of the window, 1", cj.max_pool2d, R(1, 4, 4), 2, {padding = 2})
    fails("a window of 5 does not fit", cj.avg_pool2d, R(1, 4, 4), 5)
    fails("divisor_override is 0", cj.avg_pool2d, R(1, 4, 4), 2, {divisor_override = 0})
  end)
end)

-- --- losses -----------------------------------------------------------------------------

describe("losses", function()
  it("leave out what is to be ignored, and weigh classes", cases(function(case)
    sample.seed "loss"
    local x, w, target = R(5, 3), cj.tensor{1, 2, 0.5}, cj.long{2, 1, 3, 3, 1}
    local logp = x:log_softmax(2)
    local sum, total = 0, 0
    for i, class in ipairs {2, 1, 3, 3, 1} do
      if class ~= 3 then sum, total = sum - w[class] * logp[i][class], total + w[class] end
    end
    agree(case, cj.cross_entropy(x, target, w, {ignore_index = 3}), sum / total, "mean")
    agree(case, cj.cross_entropy(x, target, w, {ignore_index = 3, reduction = "sum"}), sum, "sum")
    agree(case, cj.nll_loss(logp, target, w, {ignore_index = 3}), sum / total, "nll_loss")
    local d = cj.jacobian(function(v) return cj.cross_entropy(v, target, w, {ignore_index = 3}) end, x)
    case(near.equal(d[{{3, 4}}], cj.zeros(2, 3), 0, 0), "samples that do not count have a derivative")
    local one_hot = cj.eye(3):index_select(1, target)
    agree(case, cj.cross_entropy(x, one_hot), cj.cross_entropy(x, target), "probabilities")
    local smooth = one_hot * 0.8 + 0.2 / 3
    agree(case, cj.cross_entropy(x, target, {label_smoothing = 0.2}), cj.cross_entropy(x, smooth), "smoothing")
    agree(case, cj.cross_entropy(x, target, w, {label_smoothing = 0.2, reduction = "none"}),
          cj.cross_entropy(x, smooth, w, {reduction = "none"}), "smoothing with weights")
  end))

  it("stay finite far out", cases(function(case)
    local x, y = cj.tensor{800, -800, 0}, cj.tensor{1, 0, 1}
    agree(case, cj.bce_with_logits(x, y, {reduction = "none"}), cj.tensor{0, 0, math.log(2)}, "bce_with_logits")
    agree(case, cj.binary_cross_entropy(cj.tensor{0, 1}, cj.tensor{1, 1}), cj.tensor(50), "binary_cross_entropy")
    agree(case, cj.cross_entropy(cj.tensor{{1000, 0}}, cj.long{2}), cj.tensor(1000), "cross_entropy")
    agree(case, cj.kl_div(cj.tensor{-1, -2}, cj.tensor{0, 1}, {reduction = "sum"}), cj.tensor(2), "kl_div at 0")
  end))

  it("binary_cross_entropy is steep at certain mistakes", cases(function(case)
    local x, y = cj.tensor{0, 0, 1, 1, 0.25}, cj.tensor{0, 1, 0, 1, 1}
    local d = cj.jacobian(function(v) return cj.binary_cross_entropy(v, y, {reduction = "sum"}) end, x)
    agree(case, d / 1e12, cj.tensor{0, -1, 1, 0, -4e-12}, "derivative")
  end))

  it("say what is wrong", function()
    fails('reduction is "most"', cj.mse_loss, R(2), R(2), "most")
    fails("target has shape [3], wanted [2]", cj.cross_entropy, R(2, 3), cj.long{1, 2, 3})
    fails("index out of range", cj.cross_entropy, R(2, 3), cj.long{1, 4})
    fails("weight has shape [2], wanted [3]", cj.nll_loss, R(2, 3), cj.long{1, 2}, R(2))
    fails("delta is 0", cj.huber_loss, R(2), R(2), 0)
  end)
end)

-- --- layers, contractions --------------------------------------------------------------

describe("layers", function()
  it("embedding: the padding row is a constant", function()
    local index = cj.long{{1, 2}, {4, 1}}
    local d = cj.jacobian(function(w) return cj.embedding(w, index, {padding_idx = 1}):sum() end, R(4, 2))
    assert.is_true(near.equal(d, cj.tensor{{0, 0}, {1, 1}, {0, 0}, {1, 1}}, 0, 0))
  end)

  it("layer_norm has mean 0 and spread 1", cases(function(case)
    local y = R(3, 40):layer_norm {eps = 0}
    agree(case, y:mean(2), cj.zeros(3), "mean")
    agree(case, y:var(2, 0), cj.ones(3), "spread")
    fails("does not end in [2]", cj.layer_norm, R(2, 3), {shape = {2}})
  end))

  it("contractions are einsum", cases(function(case)
    local a, b, c = R(2, 3, 4), R(4, 3, 5), R(5, 2)
    agree(case, cj.tensordot(a, b, {2, 3}, {2, 1}), cj.einsum("ijk,kjl->il", a, b), "tensordot")
    agree(case, cj.tensordot(a, a:permute(3, 1, 2), 1), cj.einsum("ijk,klm->ijlm", a, a:permute(3, 1, 2)), "by number")
    agree(case, cj.kron(a[1], c), cj.einsum("ij,kl->ikjl", a[1], c):reshape(15, 8), "kron")
    agree(case, cj.linalg.multi_dot {a[1], b[{{}, 1}], c}, cj.einsum("ij,jk,kl->il", a[1], b[{{}, 1}], c), "multi_dot")
    agree(case, cj.inner(a, R(4)*0 + 1), a:sum(3), "inner")
    fails("2 dims of a, but 1 of b", cj.tensordot, a, b, {1, 2}, {1})
  end))
end)
