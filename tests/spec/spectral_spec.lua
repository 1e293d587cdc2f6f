-- Singular values, pseudoinverses, matrix exponentials, Fourier transforms: the identities that define them.

local cj = require "cjac"
local cases = require "support.cases"
local expect = require "support.expect"
local near = require "support.near"
local sample = require "support.sample"

local fails = expect.fails
local L, R = cj.linalg, sample.env.R

local function agree(case, tolerance, got, want, ...)
  local good, why = near.equal(got, want, 0, tolerance)
  case(good, "%s: %s", string.format(...), why)
end

describe("matrices", function()
  it("svd: A = U S V', for tall, wide and stacked ones", cases(function(case)
    sample.seed "svd"
    for _, shape in ipairs {{3, 3}, {5, 2}, {2, 5}, {2, 4, 3}, {0, 3}, {3, 0}, {2, 0, 2}} do
      local a = R(table.unpack(shape))
      local u, s, v = L.svd(a)
      agree(case, 1e-13, (u * s:unsqueeze(-2)):matmul(v), a, "product, %s", near.shape(a))
      agree(case, 1e-13, L.svdvals(a), s, "values, %s", near.shape(a))
      case(s:numel() == 0 or s:min():item() >= 0, "a negative singular value")
    end
  end))

  it("svdvals has derivatives where singular values are equal", cases(function(case)
    local d = cj.jacobian(function(a) return L.svdvals(a):sum() end, cj.eye(3))
    agree(case, 1e-14, d, cj.eye(3), "of the identity")
  end))

  it("pinv: the four equations of Penrose, also for deficient rank", cases(function(case)
    sample.seed "pinv"
    for _, a in ipairs {R(3, 3), R(5, 2), R(2, 5), R(4, 2):matmul(R(2, 3)), cj.zeros(2, 3), R(2, 4, 2)} do
      local p = L.pinv(a)
      local ap, pa = a:matmul(p), p:matmul(a)
      agree(case, 1e-11, ap:matmul(a), a, "A P A")
      agree(case, 1e-11, pa:matmul(p), p, "P A P")
      agree(case, 1e-11, ap.mT, ap, "A P")
      agree(case, 1e-11, pa.mT, pa, "P A")
    end
    case(L.matrix_rank(R(4, 2):matmul(R(2, 3))):item() == 2, "rank")
    agree(case, 0, L.matrix_rank(cj.tensor{3, 2, 1}:diag(), {atol = 1.5}), cj.tensor(2):long(), "rank with a limit")
  end))

  it("pinv: derivatives at deficient rank, along matrices of that rank", cases(function(case)
    local b, c = R(4, 2), R(2, 3)
    local f = function(x, y) return L.pinv(x:matmul(y)) end
    case(pcall(cj.check_grad, f, {b, c}), "check_grad")
  end))

  it("lstsq gives the shortest of the best", cases(function(case)
    local a, b = R(4, 2):matmul(R(2, 3)), R(4)
    local x = L.lstsq(a, b)
    agree(case, 1e-11, a.mT:matmul(a:matmul(x) - b), cj.zeros(3), "normal equations")
    agree(case, 1e-11, L.pinv(a):matmul(a):matmul(x), x, "no part in the null space")
  end))

  it("matrix_exp: diagonal, nilpotent, rotating, large and inverse", cases(function(case)
    local d = cj.tensor{-3, 0.5, 2}
    agree(case, 1e-14, L.matrix_exp(d:diag()), d:exp():diag(), "diagonal")
    agree(case, 0, L.matrix_exp(cj.tensor{{0, 1}, {0, 0}}), cj.tensor{{1, 1}, {0, 1}}, "nilpotent")
    local c, s = math.cos(20), math.sin(20)
    agree(case, 1e-12, L.matrix_exp(cj.tensor{{0, -20}, {20, 0}}), cj.tensor{{c, -s}, {s, c}}, "rotating")
    for _, size in ipairs {1e-3, 0.1, 0.5, 1.5, 4, 12} do -- every degree, and halving
      local a = R(3, 3) * size / 3
      local e = L.matrix_exp(a)
      agree(case, 1e-12 * e:abs():max():item() * L.matrix_exp(-a):abs():max():item(), e:matmul(L.matrix_exp(-a)), cj.eye(3),
            "times its inverse, size %g", size)
    end
    case(near.isnan(L.matrix_exp(cj.tensor{{0 / 0}}):item()), "of NaN")
  end))

  it("matrix_exp: third derivatives", cases(function(case)
    local third = function(t)
      local f = function(u) return L.matrix_exp(u * cj.tensor{{0, 1}, {-1, 0}})[1][2] end
      return cj.jacobian(function(v) return cj.jacobian(function(w) return cj.jacobian(f, w) end, v) end, t)
    end
    agree(case, 1e-12, third(cj.tensor(0.7)), -cj.tensor(0.7):cos(), "of the sine")
  end))

  it("det: second derivatives at singular matrices", cases(function(case)
    sample.seed "det"
    local function expanded(a) -- along the first row, and its minors of 3 by 3
      local sum = 0
      for j = 1, 4 do
        local columns = {}
        for k = 1, 4 do
          if k ~= j then columns[#columns + 1] = k end
        end
        local minor = a[{{2, 4}}]:index_select(2, cj.long(columns))
        sum = sum + (j % 2 == 1 and 1 or -1) * a[1][j] * L.det(minor)
      end
      return sum
    end
    for rank = 0, 4 do
      local a = rank == 0 and cj.zeros(4, 4) or R(4, rank):matmul(R(rank, 4))
      agree(case, 1e-10, cj.hessian(L.det, a), cj.hessian(expanded, a), "rank %d", rank)
    end
  end))

  it("lu: A = P L U; lu_solve both ways", cases(function(case)
    sample.seed "lu"
    for _, a in ipairs {R(3, 3), R(5, 2), R(2, 5), R(2, 3, 3)} do
      local p, l, u = L.lu(a)
      agree(case, 1e-13, p:matmul(l):matmul(u), a, "%s", near.shape(a))
    end
    local a, b = R(2, 3, 3), R(3, 2)
    local packed, pivots = L.lu_factor(a)
    agree(case, 1e-10, a:matmul(L.lu_solve(packed, pivots, b)), b:expand(2, 3, 2), "lu_solve")
    agree(case, 1e-10, a.mT:matmul(L.lu_solve(packed, pivots, b, true)), b:expand(2, 3, 2), "adjoint")
    fails("pivots have shape [2], wanted [3]", L.lu_solve, R(3, 3), cj.long{1, 2}, R(3, 1))
    fails("index out of range", L.lu_solve, R(2, 2), cj.long{1, 5}, R(2, 1))
  end))

  it("eig: A V = V W, complex", cases(function(case)
    for n = 1, 5 do
      local a = R(n, n)
      local re, im, vr, vi = L.eig(a)
      agree(case, 1e-12, a:matmul(vr), vr * re - vi * im, "real part, n = %d", n)
      agree(case, 1e-12, a:matmul(vi), vr * im + vi * re, "imaginary part, n = %d", n)
      agree(case, 1e-12, re:sum(), cj.trace(a), "trace, n = %d", n)
    end
  end))

  it("norms of matrices", cases(function(case)
    local a = R(2, 3, 4)
    agree(case, 1e-13, L.matrix_norm(a, 1), a:abs():sum(2):amax(2), "1")
    agree(case, 1e-13, L.matrix_norm(a, cj.inf), a:abs():sum(3):amax(2), "inf")
    agree(case, 1e-13, L.matrix_norm(a, 2), L.svdvals(a):amax(2), "2")
    agree(case, 1e-13, L.matrix_norm(a, "nuc", {3, 2}, true), L.svdvals(a):sum(2):reshape(2, 1, 1), "nuc, dims, keepdim")
    agree(case, 1e-13, L.norm(a), L.vector_norm(a), "no order")
    agree(case, 1e-13, L.norm(a[1], 2), L.matrix_norm(a[1], 2), "two dims with an order")
    fails('"fro" or "nuc"', L.matrix_norm, a, 3)
    fails("wanted 1 or 2 dimensions", L.norm, a, 2)
  end))
end)

-- --- Fourier transforms -------------------------------------------------------------

local function dft(re, im, sign)
  local n, yr, yi = #re, {}, {}
  for k = 0, n - 1 do
    local a, b = 0, 0
    for j = 0, n - 1 do
      local angle = sign * 2 * math.pi * (j * k % n) / n
      local c, s = math.cos(angle), math.sin(angle)
      a, b = a + re[j + 1] * c - im[j + 1] * s, b + re[j + 1] * s + im[j + 1] * c
    end
    yr[k + 1], yi[k + 1] = a, b
  end
  return cj.tensor(yr), cj.tensor(yi)
end

describe("Fourier transforms", function()
  it("are the sums that define them, for every length", cases(function(case)
    sample.seed "fft"
    for n = 1, 80 do
      local x, z = R(n), R(n)
      local re, im = cj.fft.fft(x, z)
      local want_re, want_im = dft(near.flat(x), near.flat(z), -1)
      agree(case, 1e-12 * n, re, want_re, "fft, real, %d", n)
      agree(case, 1e-12 * n, im, want_im, "fft, imaginary, %d", n)
      local back, none = cj.fft.ifft(re, im)
      agree(case, 1e-13 * n, back, x, "ifft, real, %d", n)
      agree(case, 1e-13 * n, none, z, "ifft, imaginary, %d", n)
      local hr, hi = cj.fft.rfft(x)
      want_re, want_im = dft(near.flat(x), near.flat(x * 0), -1)
      agree(case, 1e-12 * n, hr, want_re[{{1, n // 2 + 1}}], "rfft, real, %d", n)
      agree(case, 1e-12 * n, hi, want_im[{{1, n // 2 + 1}}], "rfft, imaginary, %d", n)
      agree(case, 1e-13 * n, cj.fft.irfft(hr, hi, n), x, "irfft, %d", n)
    end
  end))

  it("along a dim, cut or filled up, scaled three ways", cases(function(case)
    local x = R(3, 6, 2)
    for _, n in ipairs {4, 6, 9} do
      for norm, f in pairs {backward = 1, ortho = 1 / math.sqrt(n), forward = 1 / n} do
        local re, im = cj.fft.rfft(x, {n = n, dim = 2, norm = norm})
        local cut = n <= 6 and x[{{}, {1, n}}] or cj.cat({x, cj.zeros(3, n - 6, 2)}, 2)
        local wr, wi = cj.fft.rfft(cut:transpose(2, 3))
        agree(case, 1e-13, re, wr:transpose(2, 3) * f, "real, %d, %s", n, norm)
        agree(case, 1e-13, im, wi:transpose(2, 3) * f, "imaginary, %d, %s", n, norm)
        agree(case, 1e-13, cj.fft.irfft(re, im, {n = n, dim = 2, norm = norm}), cut, "back, %d, %s", n, norm)
      end
    end
    fails("wanted at least 1", cj.fft.rfft, R(3), 0)
    fails('norm is "x"', cj.fft.rfft, R(3), 3, 1, "x")
    fails("re has shape [4] and im [3]", cj.fft.irfft, R(4), R(3))
  end))
end)
