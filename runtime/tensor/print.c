/*
** print.c -- tensors as aligned text: rows in brackets, long axes elided in the middle, one format for
** all elements, as numpy and PyTorch print.
*/
#include "tensor/tensor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct printer {
  const cj_tensor *x;
  cj_printopts o;
  cj_write_fn w;
  void *ud;
  cj_status s;
  bool elide, sci, whole; /* exponents; all elements are whole numbers */
  int width;
} printer;

static void put(printer *p, const char *s, size_t n) {
  if (p->s == CJ_OK && n) p->s = p->w(p->ud, s, n);
}
static void puts_(printer *p, const char *s) { put(p, s, strlen(s)); }

/* The positions along an axis of that size that are shown: all, or the ends.  -1 ends. */
static int64_t next_shown(const printer *p, int64_t i, int64_t n) {
  if (++i >= n) return -1;
  if (p->elide && n > 2 * p->o.edge && i == p->o.edge) return n - p->o.edge;
  return i;
}

static double element(const cj_tensor *x, const char *at) {
  double d;
  float f;
  int64_t i;
  switch (x->type.dtype) {
  case CJ_F64: memcpy(&d, at, sizeof d); return d;
  case CJ_F32: memcpy(&f, at, sizeof f); return (double)f;
  case CJ_I64: memcpy(&i, at, sizeof i); return (double)i;
  default: return *(const uint8_t *)at;
  }
}

static void format_float(const printer *p, double v, cj_text *t) {
  char buf[400];
  if (isnan(v))
    cjm_puts(t, "nan");
  else if (isinf(v))
    cjm_puts(t, v < 0 ? "-inf" : "inf");
  else {
    if (p->sci)
      snprintf(buf, sizeof buf, "%.*e", p->o.precision, v);
    else if (p->whole)
      snprintf(buf, sizeof buf, "%.0f.", v);
    else
      snprintf(buf, sizeof buf, "%.*f", p->o.precision, v);
    for (char *s = buf; *s; s++) /* the host's locale may write another decimal point */
      if (!strchr("0123456789+-e", *s)) *s = '.';
    cjm_puts(t, buf);
  }
}

static void format(const printer *p, const char *at, cj_text *t) {
  int64_t i;
  if (p->x->type.dtype == CJ_BOOL)
    cjm_puts(t, *(const uint8_t *)at ? "true" : "false");
  else if (p->x->type.dtype == CJ_I64)
    memcpy(&i, at, sizeof i), cjm_putf(t, "%lld", (long long)i);
  else
    format_float(p, element(p->x, at), t);
}

/* --- what is shown, once to choose the format and once to print ----------------------------------------- */

typedef struct place {
  int64_t index[CJ_MAXRANK];
} place;

static const char *address(const printer *p, const place *at) {
  int64_t off = 0;
  for (int i = 0; i < p->x->type.rank; i++) off += at->index[i] * p->x->stride[i];
  return p->x->data + off * (int64_t)cjt_dsize(p->x->type.dtype);
}

/* The next shown place; *axis: the outermost axis that moved, -1 at the end. */
static int advance(const printer *p, place *at) {
  for (int i = p->x->type.rank - 1; i >= 0; i--) {
    int64_t next = next_shown(p, at->index[i], p->x->type.dim[i]);
    if (next >= 0) return at->index[i] = next, i;
    at->index[i] = 0;
  }
  return -1;
}

static void choose_format(printer *p) {
  double lo = INFINITY, hi = 0;
  place at = {{0}};
  p->whole = true;
  do {
    double v = fabs(element(p->x, address(p, &at)));
    if (!isfinite(v)) continue;
    if (v != 0 && v < lo) lo = v;
    if (v > hi) hi = v;
    if (v != floor(v)) p->whole = false;
  } while (advance(p, &at) >= 0);
  bool large = hi >= 1e8, small = lo < 1e-4;
  p->sci = p->whole ? hi >= 1e15 : large || small || hi > 1e5 * lo;
}

static void choose_width(printer *p) {
  place at = {{0}};
  do {
    char buf[420];
    cj_text t = {buf, 0, sizeof buf};
    format(p, address(p, &at), &t);
    if ((int)t.n > p->width) p->width = (int)t.n;
  } while (advance(p, &at) >= 0);
}

static void put_element(printer *p, const place *at) {
  char buf[420];
  cj_text t = {buf, 0, sizeof buf};
  format(p, address(p, at), &t);
  for (int i = (int)t.n; i < p->width; i++) put(p, " ", 1);
  put(p, t.s, t.n);
}

static void newline(printer *p, int indent) {
  put(p, "\n", 1);
  for (int i = 0; i < indent; i++) put(p, " ", 1);
}

static bool skipped(const printer *p, int64_t i, int64_t n) {
  return p->elide && n > 2 * p->o.edge && i == n - p->o.edge;
}

/* Between two elements, of which axis was the outermost to move.  *col: characters on this line. */
static void separate(printer *p, const place *at, int axis, int *col) {
  int rank = p->x->type.rank;
  for (int i = axis + 1; i < rank; i++) put(p, "]", 1);
  put(p, ",", 1);
  bool gap = skipped(p, at->index[axis], p->x->type.dim[axis]);
  if (axis == rank - 1) {
    if (gap) puts_(p, " ...,"), *col += 5;
    *col += p->width + 2;
    if (*col > p->o.linewidth)
      newline(p, rank), *col = rank + p->width;
    else
      put(p, " ", 1);
    return;
  }
  if (axis < rank - 2) put(p, "\n", 1);
  newline(p, axis + 1);
  if (gap) puts_(p, "...,"), newline(p, axis + 1);
  for (int i = axis + 1; i < rank; i++) put(p, "[", 1);
  *col = rank + p->width;
}

static void put_all(printer *p) {
  place at = {{0}};
  int axis, rank = p->x->type.rank, col = rank + p->width;
  for (int i = 0; i < rank; i++) put(p, "[", 1);
  put_element(p, &at);
  while ((axis = advance(p, &at)) >= 0) {
    separate(p, &at, axis, &col);
    put_element(p, &at);
  }
  for (int i = 0; i < rank; i++) put(p, "]", 1);
}

cj_status cj_tensor_write(const cj_tensor *x, const cj_printopts *o, cj_write_fn w, void *ud) {
  static const cj_printopts defaults = {.precision = 4, .threshold = 1000, .edge = 3, .linewidth = 80};
  printer p = {.x = x, .o = o ? *o : defaults, .w = w, .ud = ud};
  char buf[256];
  cj_text t = {buf, 0, sizeof buf};
  int64_t n = cjt_count(&x->type);
  if (p.o.precision < 0 || p.o.precision > 17) p.o.precision = 4;
  if (p.o.edge < 1) p.o.edge = 1;
  p.elide = n > p.o.threshold;
  if (n == 0) {
    puts_(&p, "[]");
  } else {
    if (cjt_isfloat(x->type.dtype)) choose_format(&p);
    choose_width(&p);
    put_all(&p);
  }
  cjm_puts(&t, x->type.rank > 1 ? "\n" : " ");
  cjt_puttype(&t, &x->type);
  put(&p, t.s, t.n);
  return p.s;
}
