/* order.c -- rows that give places in an order.  None has a derivative: values are gathered at their results. */
#include "rules/compose.h"

/* --- argsort ----------------------------------------------------------------------------- */

static CJR_INFER(infer_argsort) { /* v: axis, descending, keep, skip */
  if (!cjr_isaxis(c, self, in[0], a->v[0])) return false;
  int64_t n = cjt_at(in[0], (int)a->v[0]), keep = a->v[2], skip = a->v[3];
  if (keep < 0 || skip < 0 || keep > n || skip > n - keep) {
    cjm_fail(c, CJ_ERANGE, "%s: %lld after %lld of %lld elements", self->name, (long long)keep, (long long)skip,
             (long long)n);
    return false;
  }
  *out = cjr_resized(cjt_as(*in[0], CJ_I64), (int)a->v[0], keep);
  return cjr_checked(c, self, out);
}

static CJR_FACE(face_argsort) {
  cj_type t = cjr_in(k, 0);
  int axis = cjr_axis(k, 0, &t, -1);
  if (!axis) return false;
  if (!t.rank) return cjr_one(cjg_int(k->g, 0), out, nout);
  return cjr_one(cjb_argsort(k->g, k->in[0], axis, cjr_bool(k, 1, false), 0, cjt_at(&t, axis)), out, nout);
}

const cj_op cjo_argsort = {.name = "argsort",
                           .module = "",
                           .sig = "x, dim:axis=-1, descending:bool=false, stable:bool=true",
                           .doc = "positions of the elements in their order along dim; equal ones stay in theirs, NaN "
                                  "is above every number",
                           .example = "R(5) | R(3,4), 1 | R(2,3,4), -2, true | R(60) | INT(9, 70), 1, true | B(5)",
                           .kind = CJ_SCANS,
                           .nin = 1,
                           .flags = CJ_METHOD | CJ_NODIFF | CJ_INDEXRESULT,
                           .build = face_argsort,
                           .infer = infer_argsort,
                           .eval = cjk_argsort,
                           .work = cjk_argsort_work};

/* --- searchsorted -------------------------------------------------------------------------- */

static CJR_INFER(infer_searchsorted) { /* v: right */
  cj_type x = *in[0], v = *in[1], lead;
  if (!cjr_samedtype(c, self, &x, &v)) return false;
  bool good = x.rank >= 1 && v.rank >= 1;
  if (good) {
    x.dim[x.rank - 1] = v.dim[v.rank - 1] = 1;
    good = cjt_broadcast(&x, &v, &lead);
  }
  if (!good) {
    cjm_fail(c, CJ_ESHAPE, "%s: shapes %s and %s differ outside the last dim", self->name, cjr_show(in[0]).s,
             cjr_show(in[1]).s);
    return false;
  }
  *out = cjr_resized(cjt_as(lead, CJ_I64), 1, cjt_at(in[1], 1));
  return cjr_checked(c, self, out);
}

/* A sequence without leading dims serves values of any shape. */
static bool search_in(const cj_call *k, int sequence, int values, bool right, cj_ref *out, int *nout) {
  cj_call both = {k->g, k->op, (cj_ref[]){k->in[sequence], k->in[values]}, 2, 0, NULL, 0};
  cj_ref v[2];
  cj_type x = cjr_in(&both, 0), t = cjr_in(&both, 1), line = t, one = x;
  both.weak = cjr_isweak(k, sequence) | (uint32_t)cjr_isweak(k, values) << 1;
  if (x.rank < 1) return cjr_bad(k, CJ_ESHAPE, "a sequence is wanted to search in, got a 0-d tensor");
  if (!cjr_numbers(&both, 0, 2, v)) return false;
  if (!t.rank) line = cjr_flat(t.dtype, 1, -1);
  if (x.rank == 1) {
    one.rank = line.rank;
    for (int e = 0; e < line.rank; e++) one.dim[e] = e == line.rank - 1 ? x.dim[0] : 1;
  } else if (x.rank != t.rank) {
    return cjr_bad(k, CJ_ESHAPE, "a sequence of shape %s does not go with values of shape %s", cjr_show(&x).s,
                   cjr_show(&t).s);
  }
  cj_ref y = cjb_searchsorted(k->g, cjb_reshape(k->g, v[0], &one), cjb_reshape(k->g, v[1], &line), right);
  return cjr_one(cjb_reshape(k->g, y, &t), out, nout);
}

static CJR_FACE(face_searchsorted) { return search_in(k, 0, 1, cjr_bool(k, 0, false), out, nout); }
static CJR_FACE(build_bucketize) { return search_in(k, 1, 0, cjr_bool(k, 0, false), out, nout); }

const cj_op cjo_searchsorted = {.name = "searchsorted",
                                .module = "",
                                .sig = "sequence, values, right:bool=false",
                                .doc = "position before which each value would have to be inserted into the ascending "
                                       "last dim of sequence; right: behind equal ones",
                                .example = "cj.linspace(-1,1,5), R(2,3) | cj.linspace(-1,1,5), R(), true | "
                                           "cj.linspace(-1,1,6):reshape(2,3), R(2,4)",
                                .kind = CJ_DENSE,
                                .nin = 2,
                                .core = 1,
                                .flags = CJ_METHOD | CJ_NODIFF | CJ_INDEXRESULT,
                                .build = face_searchsorted,
                                .infer = infer_searchsorted,
                                .eval = cjk_searchsorted};

CJR_COMPOSITE(bucketize, "", CJ_METHOD | CJ_NODIFF | CJ_INDEXRESULT, "values, boundaries, right:bool=false",
              "R(2,3), cj.linspace(-1,1,5) | R(), cj.linspace(-1,1,3), true",
              "number of the interval between ascending boundaries in which each value lies, from 1");
