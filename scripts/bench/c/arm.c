/*
** arm.c -- an arm of 7 revolute joints with general Denavit-Hartenberg constants: the place of its tip and the direction
** of its tool, and their Jacobian as engineers write it, from the axes and origins of the joints (the geometric
** Jacobian: Siciliano et al., "Robotics", 2009, section 3.1).
**   x: q[count][7], dh[7][4] = a, alpha, d, offset    y: tip and tool [count][6], Jacobian [count][6][7]    n: count
*/
#include "reference.h"

#include <math.h>

enum { JOINTS = 7 };

typedef struct frame {
  double x[3], y[3], z[3], p[3];
} frame;

static void cross(const double *a, const double *b, double *c) {
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

/* ca, sa: of alpha, the same for every call. */
static void turn(frame *f, double q, const double *dh, double ca, double sa) {
  double c = cos(q + dh[3]), s = sin(q + dh[3]);
  for (int k = 0; k < 3; k++) {
    double x = c * f->x[k] + s * f->y[k], y = c * f->y[k] - s * f->x[k], z = f->z[k];
    f->p[k] += dh[2] * z + dh[0] * x;
    f->x[k] = x;
    f->y[k] = ca * y + sa * z;
    f->z[k] = ca * z - sa * y;
  }
}

static void arm(const double *q, const double *dh, const double (*twist)[2], double *y, double *J) {
  frame f = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 0}};
  double axis[JOINTS][3], origin[JOINTS][3];
  for (int i = 0; i < JOINTS; i++) {
    for (int k = 0; k < 3; k++) axis[i][k] = f.z[k], origin[i][k] = f.p[k];
    turn(&f, q[i], dh + 4 * i, twist[i][0], twist[i][1]);
  }
  for (int k = 0; k < 3; k++) y[k] = f.p[k], y[3 + k] = f.x[k];
  for (int i = 0; i < JOINTS; i++) {
    double r[3] = {f.p[0] - origin[i][0], f.p[1] - origin[i][1], f.p[2] - origin[i][2]}, v[3], w[3];
    cross(axis[i], r, v);
    cross(axis[i], f.x, w);
    for (int k = 0; k < 3; k++) J[k * JOINTS + i] = v[k], J[(3 + k) * JOINTS + i] = w[k];
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
