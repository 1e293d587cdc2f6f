/*
** fft.c -- discrete Fourier transforms as linear rows of real numbers.  A complex line is two lines, real parts
** above imaginary ones, [.., 2, n]; a real one is [.., 1, n].
*/
#include "rules/compose.h"

#include <math.h>
#include <string.h>

/* --- rows ------------------------------------------------------------------------------------------ */

static bool fourier_operand(cj_ctx *c, const cj_op *self, const cj_type *t, int64_t parts) {
  bool good = cjt_isfloat(t->dtype) && t->rank >= 2 && cjt_at(t, 2) == parts;
  if (!good)
    cjm_fail(c, CJ_ESHAPE, "%s: %s of shape %s is no line of %s numbers", self->name, cj_dtype_name((cj_dtype)t->dtype),
             cjr_show(t).s, parts == 2 ? "complex" : "real");
  return good;
}

static CJR_INFER(infer_cdft) { /* v: the other direction */
  *out = *in[0];
  return fourier_operand(c, self, in[0], 2);
}

static CJR_TRANSPOSE(transpose_cdft) { return cjg_emit(g, CJ_OP_cdft, &ct, 1, &(cj_attr){1, {!a->v[0]}}); }

const cj_op cjo_cdft = {.name = "cdft",
                        .sig = "x",
                        .doc = "discrete Fourier transform of complex lines, in either direction, not scaled",
                        .kind = CJ_DENSE,
                        .nin = 1,
                        .core = 2,
                        .lin = 1,
                        .infer = infer_cdft,
                        .eval = cjk_cdft,
                        .work = cjk_cdft_work,
                        .transpose = transpose_cdft};

static CJR_INFER(infer_rdft) {
  if (!fourier_operand(c, self, in[0], 1)) return false;
  cj_type t = cjr_resized(*in[0], 1, cjt_at(in[0], 1) / 2 + 1);
  *out = cjr_resized(t, 2, 2);
  return cjr_checked(c, self, out);
}

static CJR_TRANSPOSE(transpose_rdft) {
  return cjg_emit(g, CJ_OP_hdft, &ct, 1, &(cj_attr){1, {cjt_at(cjg_type(g, in[0]), 1)}});
}

const cj_op cjo_rdft = {.name = "rdft",
                        .sig = "x",
                        .doc = "first half of the discrete Fourier transform of real lines",
                        .example = "R(1,6) | R(2,1,5)",
                        .kind = CJ_DENSE,
                        .nin = 1,
                        .core = 2,
                        .lin = 1,
                        .infer = infer_rdft,
                        .eval = cjk_rdft,
                        .work = cjk_rdft_work,
                        .transpose = transpose_rdft};

static CJR_INFER(infer_hdft) { /* v: n */
  if (!fourier_operand(c, self, in[0], 2)) return false;
  if (a->v[0] < 0 || cjt_at(in[0], 1) != a->v[0] / 2 + 1) {
    cjm_fail(c, CJ_ESHAPE, "%s: shape %s does not belong to %lld numbers", self->name, cjr_show(in[0]).s,
             (long long)a->v[0]);
    return false;
  }
  cj_type t = cjr_resized(*in[0], 1, a->v[0]);
  *out = cjr_resized(t, 2, 1);
  return cjr_checked(c, self, out);
}

static CJR_TRANSPOSE(transpose_hdft) { return cjg_emit(g, CJ_OP_rdft, &ct, 1, NULL); }

const cj_op cjo_hdft = {.name = "hdft",
                        .sig = "x",
                        .doc = "adjoint of rdft: n real numbers of n / 2 + 1 complex ones",
                        .kind = CJ_DENSE,
                        .nin = 1,
                        .core = 2,
                        .lin = 1,
                        .infer = infer_hdft,
                        .eval = cjk_hdft,
                        .work = cjk_hdft_work,
                        .transpose = transpose_hdft};

/* --- what the faces share ------------------------------------------------------------------------------- */

typedef struct fourier {
  const cj_call *k;
  cj_graph *g;
  cj_type t; /* of the first operand */
  int axis;
  int64_t n; /* length of the transform */
  double scale;
} fourier;

/* Parameters n, dim, norm.  otherwise: n where it is not given; inverse: the direction that is scaled. */
static bool read_fourier(const cj_call *k, bool inverse, fourier *f) {
  const char *norm = cjr_str(k, 2, "backward");
  *f = (fourier){.k = k, .g = k->g, .t = cjr_in(k, 0), .scale = 1};
  if (!cjr_minrank(k, 0, 1) || !(f->axis = cjr_axis(k, 1, &f->t, -1))) return false;
  f->n = cjt_at(&f->t, f->axis);
  if (k->op == CJ_OP_irfft) f->n = 2 * (f->n - 1);
  f->n = cjr_int(k, 0, f->n);
  if (f->n < 1) return cjr_bad(k, CJ_EARG, "%lld numbers to transform, wanted at least 1", (long long)f->n);
  if (f->n > INT32_MAX) return cjr_bad(k, CJ_ELIMIT, "%lld numbers to transform", (long long)f->n);
  if (!strcmp(norm, "ortho"))
    f->scale = 1 / sqrt((double)f->n);
  else if (!strcmp(norm, inverse ? "backward" : "forward"))
    f->scale = 1 / (double)f->n;
  else if (strcmp(norm, inverse ? "forward" : "backward") != 0)
    return cjr_bad(k, CJ_EARG, "norm is \"%.20s\", wanted \"backward\", \"ortho\" or \"forward\"", norm);
  return true;
}

/* The axis brought to the end, cut or filled up with zeros to m numbers. */
static cj_ref fourier_line(const fourier *f, cj_ref x, int64_t m) {
  int64_t have = cjt_at(&f->t, f->axis);
  x = cjb_swap(f->g, x, f->axis, 1);
  return m < have ? cjb_slice(f->g, x, 1, 0, 1, m) : cjb_embed(f->g, x, 1, 0, 1, m);
}

/* [.., n] to [.., 1, n] */
static cj_ref real_line(const fourier *f, cj_ref x) {
  if (f->t.rank < CJ_MAXRANK) return cjb_unsqueeze(f->g, x, 2);
  cjr_bad(f->k, CJ_ELIMIT, "%d dimensions, at most %d are possible", CJ_MAXRANK, CJ_MAXRANK - 1);
  return 0;
}

/* Real and imaginary parts above each other. */
static cj_ref complex_lines(const fourier *f, cj_ref re, cj_ref im, int64_t m) {
  re = real_line(f, fourier_line(f, re, m));
  if (!im) return cjb_embed(f->g, re, 2, 0, 1, 2);
  im = real_line(f, fourier_line(f, im, m));
  return cjg_ok(f->g) ? cjb_cat(f->g, (cj_ref[]){re, im}, 2, 2) : 0;
}

static bool two_parts(const fourier *f, cj_ref pack, cj_ref *out, int cap, int *nout) {
  if (!cjr_room(f->k, 2, cap)) return false;
  pack = cjr_scale(f->g, pack, f->scale);
  for (int i = 0; i < 2; i++) out[i] = cjb_swap(f->g, cjr_at(f->g, pack, 2, i), f->axis, 1);
  *nout = 2;
  return cjg_ok(f->g);
}

/* Both parts as floats of one dtype and shape; the second may be absent. */
static bool read_parts(const cj_call *k, cj_ref *v) {
  cj_type re = cjr_in(k, 0), im = cjr_in(k, 1);
  if (cjr_operand(k, 1) && !cjt_sameshape(&re, &im))
    return cjr_bad(k, CJ_ESHAPE, "re has shape %s and im %s, wanted the same", cjr_show(&re).s, cjr_show(&im).s);
  return cjr_floats(k, 0, 2, v);
}

/* --- faces ----------------------------------------------------------------------------------------------- */

static CJR_FACE(build_rfft) {
  fourier f;
  cj_ref x = cjr_float(k, 0);
  if (!x || !read_fourier(k, false, &f)) return false;
  cj_ref line = real_line(&f, fourier_line(&f, x, f.n));
  return two_parts(&f, cjg_emit(k->g, CJ_OP_rdft, &line, 1, NULL), out, cap, nout);
}

/* Numbers inside stand for themselves and their conjugates: they count twice. */
static CJR_FACE(build_irfft) {
  cj_graph *g = k->g;
  cj_ref v[2];
  fourier f;
  if (!read_parts(k, v) || !read_fourier(k, true, &f)) return false;
  int64_t m = f.n / 2 + 1;
  cj_ref pack = complex_lines(&f, v[0], v[1], m), at = cjb_iota(g, CJ_I64, m);
  cj_ref single = cjb_eq(g, at, cjg_int(g, 0));
  if (f.n % 2 == 0) single = cjb_logical_or(g, single, cjb_eq(g, at, cjg_int(g, m - 1)));
  cj_ref weight = cjb_where(g, single, cjb_like(g, pack, f.scale), cjb_like(g, pack, 2 * f.scale));
  pack = cjb_mul(g, pack, weight);
  cj_ref y = cjg_emit(g, CJ_OP_hdft, &pack, 1, &(cj_attr){1, {f.n}});
  return cjr_one(cjb_swap(g, cjb_squeeze(g, y, 2), f.axis, 1), out, nout);
}

static bool complex_transform(const cj_call *k, bool inverse, cj_ref *out, int cap, int *nout) {
  cj_ref v[2];
  fourier f;
  if (!read_parts(k, v) || !read_fourier(k, inverse, &f)) return false;
  cj_ref pack = complex_lines(&f, v[0], v[1], f.n);
  return two_parts(&f, cjg_emit(k->g, CJ_OP_cdft, &pack, 1, &(cj_attr){1, {inverse}}), out, cap, nout);
}

static CJR_FACE(build_fft) { return complex_transform(k, false, out, cap, nout); }
static CJR_FACE(build_ifft) { return complex_transform(k, true, out, cap, nout); }

#define FOURIER "n:int?, dim:axis=-1, norm:str=\"backward\""

CJR_COMPOSITE(rfft, "fft", 0, "x, " FOURIER,
              "R(8) | R(2,5) | R(6,2), 4, 1 | R(3), 7, 1, \"ortho\" | R(1) | R(30), nil, 1, \"forward\" | R(74)",
              "real and imaginary part of the first half of the discrete Fourier transform of n numbers along dim");
CJR_COMPOSITE(irfft, "fft", 0, "re, im, " FOURIER,
              "R(5), R(5) | R(3), R(3), 5 | R(2,4), R(2,4), 12, 2 | R(4,2), R(4,2), 3, 1, \"ortho\" | R(2), R(2), 1 | "
              "R(37), R(37), 74",
              "the n real numbers (usually 2 (m - 1)) of which rfft makes these m complex ones");
CJR_COMPOSITE(fft, "fft", 0, "re, im?, " FOURIER,
              "R(8), R(8) | R(2,5), R(2,5) | R(6,2), R(6,2), 4, 1 | R(3), nil, 7, 1, \"ortho\" | R(37), R(37)",
              "discrete Fourier transform along dim, real and imaginary parts");
CJR_COMPOSITE(ifft, "fft", 0, "re, im?, " FOURIER,
              "R(8), R(8) | R(2,5), R(2,5) | R(6,2), R(6,2), 4, 1 | R(12), R(12), nil, 1, \"forward\"",
              "inverse of fft");
