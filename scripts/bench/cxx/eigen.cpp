/*
** eigen.cpp -- derivatives by Eigen's AutoDiffScalar (forward mode), where few directions are enough.
**   ba    as in primal_gradbench.cpp; y: nonzeros of the Jacobian: 2 p rows of 15, then p of 1
**   real  likewise; y: 2 p rows of 12
*/
#include <Eigen/Core>
#include <unsupported/Eigen/AutoDiff>

namespace Eigen { /* found by the type of its argument */
template <class D> double number(const AutoDiffScalar<D> &v) { return v.value(); }
} // namespace Eigen

#include "cxx/gradbench.hpp"

#include "reference.h"

namespace {

template <int N> using dual = Eigen::AutoDiffScalar<Eigen::Matrix<double, N, 1>>;

template <int N> void seed(dual<N> *to, const double *from, int count, int first) {
  for (int k = 0; k < count; k++) to[k] = dual<N>(from[k], N, first + k);
}

template <int N> void store(const dual<N> *error, double *rows) {
  for (int r = 0; r < 2; r++)
    for (int k = 0; k < N; k++) rows[r * N + k] = error[r].derivatives()[k];
}

} // namespace

BENCH(ba_eigen) {
  const double *cams = static_cast<const double *>(x[0]), *X = static_cast<const double *>(x[1]);
  const double *w = static_cast<const double *>(x[2]), *feats = static_cast<const double *>(x[3]);
  const int64_t *obs = static_cast<const int64_t *>(x[4]);
  double *values = static_cast<double *>(y[0]);
  for (int64_t i = 0; i < n[0]; i++) {
    dual<15> cam[11], point[3], weight, error[2];
    seed(cam, cams + 11 * (obs[2 * i] - 1), 11, 0);
    seed(point, X + 3 * (obs[2 * i + 1] - 1), 3, 11);
    seed(&weight, w + i, 1, 14);
    gradbench::reproject(cam, point, weight, feats + 2 * i, error);
    store(error, values + 30 * i);
    values[30 * n[0] + i] = -2 * w[i];
  }
}

BENCH(real_eigen) {
  const double *cams = static_cast<const double *>(x[0]), *X = static_cast<const double *>(x[1]);
  const double *feats = static_cast<const double *>(x[2]);
  const int64_t *camera = static_cast<const int64_t *>(x[3]), *at = static_cast<const int64_t *>(x[4]);
  double *values = static_cast<double *>(y[0]);
  for (int64_t i = 0; i < n[0]; i++) {
    dual<12> cam[9], point[3], error[2];
    seed(cam, cams + 9 * (camera[i] - 1), 9, 0);
    seed(point, X + 3 * (at[i] - 1), 3, 9);
    gradbench::reproject_real(cam, point, feats + 2 * i, error);
    store(error, values + 24 * i);
  }
}
