/*
** gradbench.hpp -- four functions of GradBench (gmm, ba and lstm are ADBench's: Srajer, Kukelova, Fitzgibbon, "A benchmark
** of selected algorithmic differentiation tools on some problems in machine learning and computer vision", 2018) as
** plain loops over any type of number T.
*/
#ifndef bench_gradbench_hpp
#define bench_gradbench_hpp

#include <cmath>
#include <cstdint>
#include <vector>

namespace gradbench {

inline double number(double v) { return v; }

/* log(sum(exp(v))) of n numbers. */
template <class T> T logsumexp(const T *v, int n) {
  using std::exp;
  using std::log;
  int at = 0;
  for (int i = 1; i < n; i++)
    if (number(v[i]) > number(v[at])) at = i;
  T top = v[at], sum = exp(v[0] - top);
  for (int i = 1; i < n; i++) sum += exp(v[i] - top);
  return top + log(sum);
}

/* --- gmm --------------------------------------------------------------------- */

struct gmm_sizes {
  int d, k, n, m;
  double gamma;
  int triangle() const { return d * (d - 1) / 2; }
  int count() const { return k * (1 + 2 * d + triangle()); }
};

inline double log_gamma(double a, int d) {
  double v = 0.25 * d * (d - 1) * std::log(M_PI);
  for (int j = 1; j <= d; j++) v += std::lgamma(a + 0.5 * (1 - j));
  return v;
}

/* p: alpha[k], mu[k][d], q[k][d], l[k][d (d - 1) / 2]. */
template <class T> T gmm(const gmm_sizes &z, const T *p, const double *x) {
  using std::exp;
  const int d = z.d, k = z.k, t = z.triangle();
  const T *alpha = p, *mu = alpha + k, *q = mu + k * d, *l = q + k * d;
  std::vector<T> diagonal(k * d), sumq(k), beta(k), centred(d), product(d);
  T weights = 0;
  for (int c = 0; c < k; c++) {
    T sum = 0, squares = 0;
    for (int j = 0; j < d; j++) {
      diagonal[c * d + j] = exp(q[c * d + j]);
      sum += q[c * d + j];
      squares += diagonal[c * d + j] * diagonal[c * d + j];
    }
    for (int j = 0; j < t; j++) squares += l[c * t + j] * l[c * t + j];
    sumq[c] = sum;
    weights += 0.5 * z.gamma * z.gamma * squares - z.m * sum;
  }
  T total = 0;
  for (int i = 0; i < z.n; i++) {
    for (int c = 0; c < k; c++) {
      for (int j = 0; j < d; j++) {
        centred[j] = x[i * d + j] - mu[c * d + j];
        product[j] = diagonal[c * d + j] * centred[j];
      }
      const T *column = l + c * t;
      for (int a = 0; a < d; a++)
        for (int b = a + 1; b < d; b++) product[b] += *column++ * centred[a];
      T squares = 0;
      for (int j = 0; j < d; j++) squares += product[j] * product[j];
      beta[c] = alpha[c] + sumq[c] - 0.5 * squares;
    }
    total += logsumexp(beta.data(), k);
  }
  double freedom = d + z.m + 1;
  double constant = -0.5 * z.n * d * std::log(2 * M_PI) +
                    k * (freedom * d * std::log(z.gamma / std::sqrt(2.0)) - log_gamma(0.5 * freedom, d));
  return total - double(z.n) * logsumexp(alpha, k) - weights + constant;
}

/* --- ba ------------------------------------------------------------------------ */

/* v turned by the angle-axis r, with v + r x v where r is 0. */
template <class T> void rotate(const T *r, const T *v, T *y) {
  using std::cos;
  using std::sin;
  using std::sqrt;
  T square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
  T c[3] = {r[1] * v[2] - r[2] * v[1], r[2] * v[0] - r[0] * v[2], r[0] * v[1] - r[1] * v[0]};
  if (number(square) == 0) {
    for (int k = 0; k < 3; k++) y[k] = v[k] + c[k];
    return;
  }
  T angle = sqrt(square), cosine = cos(angle), a = sin(angle) / angle;
  T b = (1.0 - cosine) * (r[0] * v[0] + r[1] * v[1] + r[2] * v[2]) / square;
  for (int k = 0; k < 3; k++) y[k] = v[k] * cosine + c[k] * a + r[k] * b;
}

/* cam[11] = r, C, f, u0 v0, k1 k2; X[3]; w; the image feat[2] -> error[2]. */
template <class T> void reproject(const T *cam, const T *X, const T &w, const double *feat, T *error) {
  T v[3] = {X[0] - cam[3], X[1] - cam[4], X[2] - cam[5]}, y[3];
  rotate(cam, v, y);
  T px = y[0] / y[2], py = y[1] / y[2], s = px * px + py * py;
  T scale = cam[6] * (1.0 + cam[9] * s + cam[10] * s * s);
  error[0] = w * (scale * px + cam[7] - feat[0]);
  error[1] = w * (scale * py + cam[8] - feat[1]);
}

/* cam[9] = w, t, f, k1 k2; X[3] -> error[2]: the model of the real data. */
template <class T> void reproject_real(const T *cam, const T *X, const double *feat, T *error) {
  T y[3];
  rotate(cam, X, y);
  for (int k = 0; k < 3; k++) y[k] += cam[3 + k];
  T px = y[0] / y[2], py = y[1] / y[2], s = px * px + py * py;
  T scale = cam[6] * (1.0 + cam[7] * s + cam[8] * s * s);
  error[0] = scale * px - feat[0];
  error[1] = scale * py - feat[1];
}

/* --- lstm ---------------------------------------------------------------------------- */

struct lstm_sizes {
  int l, b, c;
  int count() const { return 8 * l * b + 3 * b; }
};

template <class T> T sigmoid(const T &v) {
  using std::exp;
  return 1.0 / (1.0 + exp(-v));
}

/* p: main[2 l][4 b], extra[3][b]; state[2 l][b], sequence[c][b]. */
template <class T> T lstm(const lstm_sizes &z, const T *p, const double *start, const double *sequence) {
  using std::exp;
  using std::log;
  using std::tanh;
  const int b = z.b;
  const T *extra = p + 8 * z.l * b;
  std::vector<T> state(start, start + 2 * z.l * b), x(b), y(b);
  T loss = 0;
  for (int t = 0; t + 1 < z.c; t++) {
    for (int i = 0; i < b; i++) x[i] = sequence[t * b + i] * extra[i];
    for (int layer = 0; layer < z.l; layer++) {
      const T *W = p + 8 * layer * b, *B = W + 4 * b;
      T *h = &state[2 * layer * b], *cell = h + b;
      for (int i = 0; i < b; i++) {
        T forget = sigmoid(T(x[i] * W[i] + B[i])), in = sigmoid(T(h[i] * W[b + i] + B[b + i]));
        T out = sigmoid(T(x[i] * W[2 * b + i] + B[2 * b + i])), change = tanh(h[i] * W[3 * b + i] + B[3 * b + i]);
        cell[i] = cell[i] * forget + in * change;
        h[i] = out * tanh(cell[i]);
        x[i] = h[i];
      }
    }
    T sum = 2.0;
    for (int i = 0; i < b; i++) {
      y[i] = x[i] * extra[b + i] + extra[2 * b + i];
      sum += exp(y[i]);
    }
    T norm = log(sum);
    for (int i = 0; i < b; i++) loss += sequence[(t + 1) * b + i] * (y[i] - norm);
  }
  return -loss / double(b * (z.c - 1));
}

/* --- ode -------------------------------------------------------------------------------- */

/* x[n] -> y[n] after s steps of the classical Runge-Kutta method from 0 to 2. */
template <class T> void ode(int n, int steps, const T *x, T *y) {
  std::vector<T> k(n), next(n), sum(n);
  const double h = 2.0 / steps;
  auto rate = [&](const T *at) {
    for (int i = n - 1; i > 0; i--) k[i] = x[i] * at[i - 1];
    k[0] = x[0];
  };
  for (int i = 0; i < n; i++) y[i] = 0;
  for (int s = 0; s < steps; s++) {
    const double stage[4] = {0.5, 0.5, 1, 0}, weight[4] = {1, 2, 2, 1};
    for (int r = 0; r < 4; r++) {
      rate(r == 0 ? y : next.data());
      for (int i = 0; i < n; i++) {
        sum[i] = r == 0 ? k[i] : sum[i] + weight[r] * k[i];
        next[i] = y[i] + stage[r] * h * k[i];
      }
    }
    for (int i = 0; i < n; i++) y[i] += h / 6 * sum[i];
  }
}

} // namespace gradbench
#endif
