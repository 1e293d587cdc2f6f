/*
** adolc.cpp -- gradients by ADOL-C: the function is recorded once, then a call is a forward and a reverse sweep of that
** tape.  Arguments as in primal_gradbench.cpp; y: the gradient.
*/
#include <adolc/adolc.h>

static inline double number(const adouble &v) { return v.getValue(); } /* found by the type of its argument */

#include "cxx/gradbench.hpp"

#include "reference.h"

using namespace gradbench;

namespace {

/* Records record(inputs) -> adouble on a tape of its own, once for every place `key`. */
template <class F> short recorded(const void *key, const double *at, int n, F record) {
  static std::vector<const void *> keys;
  for (size_t i = 0; i < keys.size(); i++)
    if (keys[i] == key) return short(i + 1);
  keys.push_back(key);
  short tag = short(keys.size());
  trace_on(tag);
  std::vector<adouble> x(n);
  for (int i = 0; i < n; i++) x[i] <<= at[i];
  adouble value = record(x.data());
  double dependent;
  value >>= dependent;
  trace_off();
  return tag;
}

template <class F> void differentiate(const void *const *x, void *const *y, int n, F record) {
  double *at = const_cast<double *>(static_cast<const double *>(x[0]));
  short tag = recorded(y[0], at, n, record);
  gradient(tag, n, at, static_cast<double *>(y[0]));
}

} // namespace

BENCH(gmm_adolc) {
  gmm_sizes z = {int(n[0]), int(n[1]), int(n[2]), int(n[3]), static_cast<const double *>(x[2])[0]};
  differentiate(x, y, z.count(), [&](const adouble *p) { return gmm(z, p, static_cast<const double *>(x[1])); });
}

BENCH(lstm_adolc) {
  lstm_sizes z = {int(n[0]), int(n[1]), int(n[2])};
  differentiate(x, y, z.count(), [&](const adouble *p) {
    return lstm(z, p, static_cast<const double *>(x[1]), static_cast<const double *>(x[2]));
  });
}

BENCH(ode_adolc) {
  int size = int(n[0]);
  differentiate(x, y, size, [&](const adouble *p) {
    std::vector<adouble> last(size);
    ode(size, int(n[1]), p, last.data());
    return last[size - 1];
  });
}
