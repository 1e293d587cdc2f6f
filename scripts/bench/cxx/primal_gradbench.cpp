/*
** primal_gradbench.cpp -- GradBench's functions themselves, of plain numbers.
**   gmm   x: p, points, gamma             y: value       n: d, k, n, m
**   ba    x: cams[n][11], X[m][3], w[p], feats[p][2], obs[p][2]   y: error[2 p], w error[p]     n: p
**   real  x: cams[n][9], X[m][3], feats[p][2], camera[p], point[p] (from 1)   y: error[p][2]    n: p
**   lstm  x: p, state, sequence           y: value       n: l, b, c
**   ode   x: x                            y: y[n]        n: n, s
*/
#include "cxx/gradbench.hpp"

#include "reference.h"

using namespace gradbench;

namespace {
const double *real(const void *const *x, int i) { return static_cast<const double *>(x[i]); }
const int64_t *whole(const void *const *x, int i) { return static_cast<const int64_t *>(x[i]); }
double *result(void *const *y, int i) { return static_cast<double *>(y[i]); }
} // namespace

BENCH(gmm_value) {
  gmm_sizes z = {int(n[0]), int(n[1]), int(n[2]), int(n[3]), real(x, 2)[0]};
  result(y, 0)[0] = gmm(z, real(x, 0), real(x, 1));
}

BENCH(ba_value) {
  const int64_t *obs = whole(x, 4);
  for (int64_t i = 0; i < n[0]; i++) {
    double w = real(x, 2)[i];
    reproject(real(x, 0) + 11 * (obs[2 * i] - 1), real(x, 1) + 3 * (obs[2 * i + 1] - 1), w, real(x, 3) + 2 * i,
              result(y, 0) + 2 * i);
    result(y, 1)[i] = 1 - w * w;
  }
}

BENCH(real_value) {
  const int64_t *camera = whole(x, 3), *point = whole(x, 4);
  for (int64_t i = 0; i < n[0]; i++)
    reproject_real(real(x, 0) + 9 * (camera[i] - 1), real(x, 1) + 3 * (point[i] - 1), real(x, 2) + 2 * i,
                   result(y, 0) + 2 * i);
}

BENCH(lstm_value) {
  lstm_sizes z = {int(n[0]), int(n[1]), int(n[2])};
  result(y, 0)[0] = lstm(z, real(x, 0), real(x, 1), real(x, 2));
}

BENCH(ode_value) { ode(int(n[0]), int(n[1]), real(x, 0), result(y, 0)); }
