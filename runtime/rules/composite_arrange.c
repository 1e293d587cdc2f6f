/* composite_arrange.c -- dims split, moved and turned; tensors set side by side, repeated, laid out as grids. */
#include "rules/compose.h"

/* --- dims ------------------------------------------------------------------------------- */

/* The sizes, of which one may be -1, are those of the dim. */
static CJR_FACE(build_unflatten) {
  cj_type t = cjr_in(k, 0), to = cjt_scalar(t.dtype);
  int axis = cjr_minrank(k, 0, 1) ? cjr_axis(k, 0, &t, 0) : 0;
  if (!axis) return false;
  cj_type line = cjr_flat(t.dtype, cjt_at(&t, axis), -1), part;
  if (!cjr_shape(k, 1, &line, &part)) return false;
  if (t.rank - 1 + part.rank > CJ_MAXRANK)
    return cjr_bad(k, CJ_ELIMIT, "%d dimensions are too many", t.rank - 1 + part.rank);
  for (int a = t.rank; a > axis; a--) to.dim[to.rank++] = cjt_at(&t, a);
  for (int e = 0; e < part.rank; e++) to.dim[to.rank++] = part.dim[e];
  for (int a = axis - 1; a >= 1; a--) to.dim[to.rank++] = cjt_at(&t, a);
  return cjr_one(cjb_reshape(k->g, k->in[0], &to), out, nout);
}

static CJR_FACE(build_ravel) {
  cj_type t = cjr_in(k, 0), flat = cjr_flat(t.dtype, cjt_count(&t), -1);
  return cjr_one(cjb_reshape(k->g, k->in[0], &flat), out, nout);
}

/* Places of the dims in parameter j, from the front; -1 after an error. */
static int read_places(const cj_call *k, int j, const cj_type *t, int *place) {
  uint32_t seen = 0;
  int n = cjr_given(k, j) ? k->p[j].n : 0;
  for (int e = 0; e < n; e++) {
    int axis = cjr_axisof(k, k->p[j].v[e], t);
    if (!axis) return -1;
    if (seen >> axis & 1) {
      cjr_bad(k, CJ_EARG, "dim %lld appears twice", (long long)cjr_user(k->p[j].v[e]));
      return -1;
    }
    seen |= 1u << axis;
    place[e] = t->rank - axis;
  }
  return n;
}

/* The dims that are not named stay in order, in the places that are left. */
static CJR_FACE(build_movedim) {
  cj_type t = cjr_in(k, 0);
  int from[2 * CJ_MAXRANK], to[2 * CJ_MAXRANK], perm[CJ_MAXRANK], rest = 0;
  uint32_t moved = 0;
  int n = read_places(k, 0, &t, from), m = n < 0 ? n : read_places(k, 1, &t, to);
  if (n < 0 || m < 0) return false;
  if (n != m) return cjr_bad(k, CJ_EARG, "%d dims to move to %d places", n, m);
  if (!t.rank) return cjr_one(k->in[0], out, nout);
  for (int e = 0; e < t.rank; e++) perm[e] = -1;
  for (int e = 0; e < n; e++) perm[to[e]] = from[e], moved |= 1u << from[e];
  for (int e = 0; e < t.rank; e++) {
    if (perm[e] >= 0) continue;
    while (moved >> rest & 1) rest++;
    perm[e] = rest++;
  }
  return cjr_one(cjb_permute(k->g, k->in[0], t.rank, perm), out, nout);
}

static cj_ref backwards(cj_graph *g, cj_ref x, int axis) {
  int64_t n = x ? cjt_at(cjg_type(g, x), axis) : 0;
  return n > 1 ? cjb_slice(g, x, axis, n - 1, -1, n) : x;
}

/* Quarter turns that take the first of the two dims to the second. */
static CJR_FACE(build_rot90) {
  cj_type t = cjr_in(k, 0);
  int64_t turns = cjr_int(k, 0, 1) % 4;
  bool given = cjr_given(k, 1);
  if (given && k->p[1].n != 2) return cjr_bad(k, CJ_EARG, "%d dims given, wanted 2", k->p[1].n);
  if (!cjr_minrank(k, 0, 2)) return false;
  int a = cjr_axisof(k, given ? k->p[1].v[0] : 0, &t), b = cjr_axisof(k, given ? k->p[1].v[1] : 1, &t);
  if (!a || !b) return false;
  if (a == b) return cjr_bad(k, CJ_EARG, "both dims are %d", t.rank - a + 1);
  cj_ref x = k->in[0];
  if (turns < 0) turns += 4;
  if (turns == 1 || turns == 2) x = backwards(k->g, x, b);
  if (turns == 2 || turns == 3) x = backwards(k->g, x, a);
  return cjr_one(turns % 2 ? cjb_swap(k->g, x, a, b) : x, out, nout);
}

static bool flip_dim(const cj_call *k, int front, cj_ref *out, int *nout) {
  cj_type t = cjr_in(k, 0);
  return cjr_minrank(k, 0, front + 1) && cjr_one(backwards(k->g, k->in[0], t.rank - front), out, nout);
}
static CJR_FACE(build_flipud) { return flip_dim(k, 0, out, nout); }
static CJR_FACE(build_fliplr) { return flip_dim(k, 1, out, nout); }

/* --- side by side ------------------------------------------------------------------------- */

/* x with dims of size 1 put in front until it has `rank`; a vector becomes a column if so wanted. */
static cj_ref raised(const cj_call *k, cj_ref x, int rank, bool column) {
  cj_type t = cjb_type(k->g, x);
  for (int e = t.rank; e < rank && x; e++) x = cjb_unsqueeze(k->g, x, column && e == 1 ? 1 : e + 1);
  return x;
}

/* A vector counts as [1, n, 1] for the third axis from the front. */
static cj_ref raised_deep(const cj_call *k, cj_ref x) {
  cj_ref y = raised(k, x, 2, false);
  return y && cjg_type(k->g, y)->rank == 2 ? cjb_unsqueeze(k->g, y, 1) : y;
}

/* All operands along the axis-th axis from the front; each has at least `rank` axes then. */
static bool side_by_side(const cj_call *k, int rank, bool column, int front, cj_ref *out, int *nout) {
  if (k->nin < 1) return cjr_bad(k, CJ_EARG, "no tensors given, wanted at least one");
  size_t bytes = (size_t)k->nin * sizeof(cj_ref);
  cj_ref *x = cjm_alloc(k->g->c, bytes), y = 0;
  int dtype = cjr_common(k, 0, k->nin);
  if (!x) return false;
  for (int i = 0; i < k->nin; i++) {
    cj_ref one = cjb_cast(k->g, k->in[i], dtype);
    x[i] = rank == 3 ? raised_deep(k, one) : raised(k, one, rank, column);
  }
  if (cjg_ok(k->g)) y = cjb_cat(k->g, x, k->nin, cjg_type(k->g, x[0])->rank - front);
  cjm_free(k->g->c, x, bytes);
  return cjr_one(y, out, nout);
}

static CJR_FACE(build_hstack) { return side_by_side(k, 1, false, cjr_in(k, 0).rank > 1, out, nout); }
static CJR_FACE(build_vstack) { return side_by_side(k, 2, false, 0, out, nout); }
static CJR_FACE(build_dstack) { return side_by_side(k, 3, false, 2, out, nout); }
static CJR_FACE(build_column_stack) { return side_by_side(k, 2, true, 1, out, nout); }

/* --- repeated ---------------------------------------------------------------------------------- */

static CJR_FACE(build_repeat_interleave) {
  cj_type t = cjr_in(k, 0), seen = cjt_scalar(t.dtype);
  int64_t times = cjr_int(k, 0, 1);
  cj_ref x = k->in[0];
  if (times < 0) return cjr_bad(k, CJ_EARG, "repeats is %lld", (long long)times);
  if (!cjr_given(k, 1) || !t.rank) t = cjr_flat(t.dtype, cjt_count(&t), -1);
  int axis = cjr_given(k, 1) ? cjr_axis(k, 1, &t, 0) : 1;
  if (!axis) return false;
  seen.rank = 3;
  seen.dim[0] = seen.dim[1] = seen.dim[2] = 1;
  for (int a = 1; a <= t.rank; a++) seen.dim[a < axis ? 2 : 0] *= cjt_at(&t, a);
  x = cjb_reshape(k->g, x, &seen);
  seen.dim[1] = times;
  if (!cjr_fits(k, &seen)) return false;
  t.dim[t.rank - axis] *= times;
  return cjr_one(cjb_reshape(k->g, cjb_expand(k->g, x, &seen), &t), out, nout);
}

/* --- grids ------------------------------------------------------------------------------------------ */

static bool grid_sizes(const cj_call *k, cj_type *grid) {
  *grid = cjt_scalar(cjr_common(k, 0, k->nin));
  if (k->nin < 1 || k->nin > CJ_MAXRANK)
    return cjr_bad(k, CJ_ELIMIT, "%d tensors given, wanted 1 to %d", k->nin, CJ_MAXRANK);
  for (int i = 0; i < k->nin; i++) {
    cj_type t = cjr_in(k, i);
    if (t.rank > 1) return cjr_bad(k, CJ_ESHAPE, "tensor %d has shape %s, wanted 1 dimension", i + 1, cjr_show(&t).s);
    grid->dim[grid->rank++] = cjt_at(&t, 1);
  }
  return cjr_fits(k, grid);
}

static CJR_FACE(build_meshgrid) {
  cj_type grid;
  const char *how = cjr_str(k, 0, "ij");
  bool xy = how[0] == 'x' && how[1] == 'y' && !how[2];
  if (!xy && (how[0] != 'i' || how[1] != 'j' || how[2]))
    return cjr_bad(k, CJ_EARG, "indexing is \"%.20s\", wanted \"ij\" or \"xy\"", how);
  if (!grid_sizes(k, &grid) || !cjr_room(k, k->nin, cap)) return false;
  for (int i = 0; i < k->nin; i++) {
    cj_type line = grid;
    for (int e = 0; e < grid.rank; e++)
      if (e != i) line.dim[e] = 1;
    cj_ref x = cjb_reshape(k->g, cjb_cast(k->g, k->in[i], grid.dtype), &line);
    x = cjb_expand(k->g, x, &grid);
    out[i] = xy && grid.rank > 1 ? cjb_swap(k->g, x, grid.rank, grid.rank - 1) : x;
  }
  *nout = k->nin;
  return cjg_ok(k->g);
}

static CJR_FACE(build_diagflat) {
  cj_type t = cjr_in(k, 0), flat = cjr_flat(t.dtype, cjt_count(&t), -1);
  cj_ref x = cjb_reshape(k->g, k->in[0], &flat);
  return cjr_one(cjb_diag_embed(k->g, x, cjr_int(k, 0, 0)), out, nout);
}

CJR_COMPOSITE(unflatten, "", CJ_METHOD, "x, dim:axis, sizes:shape",
              "R(6), 1, {2,3} | R(2,6), 2, {3,-1} | R(4,3), -2, {2,2} | R(2,0), 2, {0,3}", "a dim split into several");
CJR_COMPOSITE(ravel, "", CJ_METHOD, "x", "R(2,3) | R()", "all elements in one dim");
CJR_COMPOSITE(movedim, "", CJ_METHOD, "x, source:axes, destination:axes",
              "R(2,3,4), 1, 3 | R(2,3,4), {1,2}, {3,1} | R(2,3), -1, 1",
              "dims moved to other places, the rest in order");
CJR_COMPOSITE(rot90, "", CJ_METHOD, "x, k:int=1, dims:axes?",
              "R(2,3) | R(2,3), 2 | R(2,3,4), -1, {2,3} | R(2,2), 5, {2,1}",
              "k quarter turns in the plane of two dims, from the first to the second");
CJR_COMPOSITE(flipud, "", CJ_METHOD, "x", "R(3) | R(2,3)", "order reversed along the first dim");
CJR_COMPOSITE(fliplr, "", CJ_METHOD, "x", "R(2,3) | R(2,3,4)", "order reversed along the second dim");
CJR_COMPOSITE(hstack, "", 0, "tensors:list", "{R(2), R(3)} | {R(2,3), R(2,1)} | {R(), R()}",
              "tensors along the second dim, vectors along the first");
CJR_COMPOSITE(vstack, "", 0, "tensors:list", "{R(3), R(3)} | {R(2,3), R(3)} | {R(), R()}",
              "tensors along the first dim, vectors as rows");
CJR_COMPOSITE(dstack, "", 0, "tensors:list", "{R(3), R(3)} | {R(2,3), R(2,3)} | {R(2,3,1), R(2,3,2)}",
              "tensors along the third dim");
CJR_COMPOSITE(column_stack, "", 0, "tensors:list", "{R(3), R(3)} | {R(3), R(3,2)} | {R(), R()}",
              "tensors along the second dim, vectors as columns");
CJR_COMPOSITE(repeat_interleave, "", CJ_METHOD, "x, repeats:int, dim:axis?",
              "R(3), 2 | R(2,3), 2 | R(2,3), 3, 2 | R(2,3,2), 2, -2 | R(3), 0",
              "each element so often, along dim or of all elements in one dim");
CJR_COMPOSITE(meshgrid, "", CJ_LISTRESULT, "tensors:list, indexing:str=\"ij\"",
              "{R(2), R(3)} | {R(2), R(3), R(2)}, \"xy\" | {R(3)}",
              "the coordinates of a grid, one tensor for each dim");
CJR_COMPOSITE(diagflat, "", CJ_METHOD, "x, k:int=0", "R(3) | R(2,2), 1 | R()",
              "matrix with all elements of x on its k-th diagonal");
