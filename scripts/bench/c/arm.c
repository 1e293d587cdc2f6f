/*
** arm.c -- an arm of 7 revolute joints with general Denavit-Hartenberg constants: the place of its tip and the direction
** of its tool, and their Jacobian as engineers write it, from the axes and origins of the joints (the geometric
** Jacobian: Siciliano et al., "Robotics", 2009, section 3.1).
**   x: q[count][7], dh[7][4] = a, alpha, d, offset    y: tip and tool [count][6], Jacobian [count][6][7]    n: count
*/
#include "reference.h"

#include <math.h>

enum { JOINTS = 7 };

typedef struct vec3 {
  double x, y, z;
} vec3;

static inline vec3 cross(vec3 a, vec3 b) {
  return (vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
static inline vec3 sub(vec3 a, vec3 b) { return (vec3){a.x - b.x, a.y - b.y, a.z - b.z}; }
/* s a + t b */
static inline vec3 mix(double s, vec3 a, double t, vec3 b) {
  return (vec3){s * a.x + t * b.x, s * a.y + t * b.y, s * a.z + t * b.z};
}

static inline void put(double *J, vec3 v) { J[0] = v.x, J[JOINTS] = v.y, J[2 * JOINTS] = v.z; }

/* twist: cosine and sine of every alpha. */
static void arm(const double *q, const double *dh, const double (*twist)[2], double *y, double *J) {
  vec3 X = {1, 0, 0}, Y = {0, 1, 0}, Z = {0, 0, 1}, p = {0, 0, 0}, axis[JOINTS], origin[JOINTS];
  for (int i = 0; i < JOINTS; i++, dh += 4) {
    double c = cos(q[i] + dh[3]), s = sin(q[i] + dh[3]);
    axis[i] = Z, origin[i] = p;
    vec3 along = mix(c, X, s, Y), across = mix(c, Y, -s, X), step = mix(dh[2], Z, dh[0], along);
    p = (vec3){p.x + step.x, p.y + step.y, p.z + step.z};
    X = along;
    Y = mix(twist[i][0], across, twist[i][1], Z);
    Z = mix(twist[i][0], Z, -twist[i][1], across);
  }
  y[0] = p.x, y[1] = p.y, y[2] = p.z, y[3] = X.x, y[4] = X.y, y[5] = X.z;
  for (int i = 0; i < JOINTS; i++) {
    put(J + i, cross(axis[i], sub(p, origin[i])));
    put(J + 3 * JOINTS + i, cross(axis[i], X));
  }
}

BENCH(arm) {
  const double *q = x[0], *dh = x[1];
  double *tip = y[0], *J = y[1];
  static double twist[JOINTS][2];
  static int known;
  if (!known)
    for (int i = 0; i < JOINTS; i++) twist[i][0] = cos(dh[4 * i + 1]), twist[i][1] = sin(dh[4 * i + 1]);
  known = 1;
  for (int64_t i = 0; i < n[0]; i++)
    arm(q + JOINTS * i, dh, twist, tip + 6 * i, J + 6 * JOINTS * i);
}
