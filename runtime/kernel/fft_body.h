/* fft_body.h -- included by fft.c once for each float type T. */

typedef struct NAME(line) { /* of complex numbers */
  T *re, *im;
} NAME(line);

typedef struct NAME(plan) {
  fft_shape f;
  int64_t tn;                        /* length of the table, a multiple of m */
  NAME(line) w, x, t, chirp, filter; /* w[k] = exp(-2 pi i k / tn); x: data; t: for swapping */
} NAME(plan);

/* --- the table -------------------------------------------------------------------------------------------- */

static void NAME(reflect)(NAME(line) w, int64_t from, int64_t to, int64_t mirror, T re, T im, bool swap) {
  for (int64_t k = from; k <= to; k++) {
    int64_t j = mirror - k;
    w.re[k] = re * (swap ? w.im[j] : w.re[j]);
    w.im[k] = im * (swap ? w.re[j] : w.im[j]);
  }
}

/* The angles that have no mirror image among smaller ones, then the images. */
static void NAME(fill_table)(NAME(line) w, int64_t n) {
  int64_t own = n % 4 == 0 ? n / 8 : n % 2 == 0 ? n / 4 : n / 2;
  for (int64_t k = 0; k <= own && k < n; k++) {
    double angle = 6.28318530717958647693 * (double)k / (double)n;
    w.re[k] = (T)cos(angle);
    w.im[k] = (T)-sin(angle);
  }
  if (n % 4 == 0) NAME(reflect)(w, own + 1, n / 4, n / 4, -1, -1, true);
  if (n % 2 == 0) NAME(reflect)(w, n / 4 + 1, n / 2, n / 2, -1, 1, false);
  NAME(reflect)(w, n / 2 + 1, n - 1, n, 1, -1, false);
}

/* --- stages of Stockham's algorithm -------------------------------------------------------------------------- */

/* One stage: p runs over n / r, q over s neighbours; inputs are s n / r apart, outputs s. */
typedef struct NAME(stage) {
  int64_t n, s, step; /* what is left to transform; done so far; of the table for an angle of 2 pi / n */
} NAME(stage);

static void NAME(radix2)(NAME(stage) g, const NAME(plan) * p, NAME(line) x, NAME(line) y) {
  int64_t m = g.n / 2, s = g.s;
  for (int64_t i = 0; i < m; i++) {
    T c = p->w.re[i * g.step], d = p->w.im[i * g.step];
    const T *ar = x.re + s * i, *ai = x.im + s * i, *br = ar + s * m, *bi = ai + s * m;
    T *ur = y.re + 2 * s * i, *ui = y.im + 2 * s * i, *vr = ur + s, *vi = ui + s;
    for (int64_t q = 0; q < s; q++) {
      T zr = ar[q] - br[q], zi = ai[q] - bi[q];
      ur[q] = ar[q] + br[q];
      ui[q] = ai[q] + bi[q];
      vr[q] = zr * c - zi * d;
      vi[q] = zr * d + zi * c;
    }
  }
}

static void NAME(radix4)(NAME(stage) g, const NAME(plan) * p, NAME(line) x, NAME(line) y) {
  int64_t m = g.n / 4, s = g.s, sm = s * m;
  for (int64_t i = 0; i < m; i++) {
    int64_t k = i * g.step;
    T c1 = p->w.re[k], d1 = p->w.im[k], c2 = p->w.re[2 * k], d2 = p->w.im[2 * k], c3 = p->w.re[3 * k],
      d3 = p->w.im[3 * k];
    const T *xr = x.re + s * i, *xi = x.im + s * i;
    T *yr = y.re + 4 * s * i, *yi = y.im + 4 * s * i;
    for (int64_t q = 0; q < s; q++) {
      T er = xr[q] + xr[q + 2 * sm], ei = xi[q] + xi[q + 2 * sm], fr = xr[q] - xr[q + 2 * sm],
        fi = xi[q] - xi[q + 2 * sm];
      T gr = xr[q + sm] + xr[q + 3 * sm], gi = xi[q + sm] + xi[q + 3 * sm], hr = xr[q + sm] - xr[q + 3 * sm],
        hi = xi[q + sm] - xi[q + 3 * sm];
      T ar = fr + hi, ai = fi - hr, br = er - gr, bi = ei - gi, cr = fr - hi, ci = fi + hr;
      yr[q] = er + gr;
      yi[q] = ei + gi;
      yr[q + s] = ar * c1 - ai * d1;
      yi[q + s] = ar * d1 + ai * c1;
      yr[q + 2 * s] = br * c2 - bi * d2;
      yi[q + 2 * s] = br * d2 + bi * c2;
      yr[q + 3 * s] = cr * c3 - ci * d3;
      yi[q + 3 * s] = cr * d3 + ci * c3;
    }
  }
}

/* Any small r: the sums as they stand. */
static void NAME(radix)(int64_t r, NAME(stage) g, const NAME(plan) * p, NAME(line) x, NAME(line) y) {
  int64_t m = g.n / r, s = g.s, turn = p->tn / r;
  for (int64_t i = 0; i < m; i++)
    for (int64_t k = 0; k < r; k++) {
      T c = p->w.re[i * k * g.step], d = p->w.im[i * k * g.step];
      T *yr = y.re + s * (r * i + k), *yi = y.im + s * (r * i + k);
      const T *xr = x.re + s * i, *xi = x.im + s * i;
      for (int64_t q = 0; q < s; q++) {
        T sr = xr[q], si = xi[q];
        for (int64_t j = 1; j < r; j++) {
          int64_t a = j * k % r * turn, at = q + j * s * m;
          sr += xr[at] * p->w.re[a] - xi[at] * p->w.im[a];
          si += xr[at] * p->w.im[a] + xi[at] * p->w.re[a];
        }
        yr[q] = sr * c - si * d;
        yi[q] = sr * d + si * c;
      }
    }
}

/* The transform of the m numbers in x; the result comes to x, and t is lost. */
static void NAME(stockham)(const NAME(plan) * p, NAME(line) x, NAME(line) t) {
  NAME(stage) g = {.n = p->f.m, .s = 1, .step = p->tn / p->f.m};
  NAME(line) from = x, to = t;
  for (int i = 0; i < p->f.nfactor; i++) {
    int64_t r = p->f.factor[i];
    if (r == 4)
      NAME(radix4)(g, p, from, to);
    else if (r == 2)
      NAME(radix2)(g, p, from, to);
    else
      NAME(radix)(r, g, p, from, to);
    g.n /= r, g.s *= r, g.step *= r;
    NAME(line) keep = from;
    from = to, to = keep;
  }
  if (from.re == x.re) return;
  memcpy(x.re, from.re, (size_t)p->f.m * sizeof(T));
  memcpy(x.im, from.im, (size_t)p->f.m * sizeof(T));
}

/* --- Bluestein -------------------------------------------------------------------------------------------------- */

/* chirp[k] = exp(-pi i k^2 / n); filter: the transform of its conjugate, wrapped round. */
static void NAME(prepare_chirp)(NAME(plan) * p) {
  int64_t n = p->f.n, m = p->f.m, square = 0;
  memset(p->filter.re, 0, (size_t)m * sizeof(T));
  memset(p->filter.im, 0, (size_t)m * sizeof(T));
  for (int64_t k = 0; k < n; k++) {
    double angle = 3.14159265358979323846 * (double)square / (double)n;
    p->chirp.re[k] = (T)cos(angle);
    p->chirp.im[k] = (T)-sin(angle);
    int64_t back = k ? m - k : 0;
    p->filter.re[k] = p->filter.re[back] = p->chirp.re[k];
    p->filter.im[k] = p->filter.im[back] = -p->chirp.im[k];
    square = (square + 2 * k + 1) % (2 * n);
  }
  NAME(stockham)(p, p->filter, p->t);
}

/* x: n numbers in room for m. */
static void NAME(bluestein)(const NAME(plan) * p, NAME(line) x) {
  int64_t n = p->f.n, m = p->f.m;
  for (int64_t k = 0; k < n; k++) {
    T a = x.re[k], b = x.im[k], c = p->chirp.re[k], d = p->chirp.im[k];
    x.re[k] = a * c - b * d;
    x.im[k] = a * d + b * c;
  }
  memset(x.re + n, 0, (size_t)(m - n) * sizeof(T));
  memset(x.im + n, 0, (size_t)(m - n) * sizeof(T));
  NAME(stockham)(p, x, p->t);
  for (int64_t k = 0; k < m; k++) {
    T a = x.re[k], b = x.im[k], c = p->filter.re[k], d = p->filter.im[k];
    x.re[k] = a * c - b * d;
    x.im[k] = a * d + b * c;
  }
  NAME(stockham)(p, (NAME(line)){x.im, x.re}, p->t); /* parts exchanged: the inverse, times m */
  for (int64_t k = 0; k < n; k++) {
    T a = x.re[k] / (T)m, b = x.im[k] / (T)m, c = p->chirp.re[k], d = p->chirp.im[k];
    x.re[k] = a * c - b * d;
    x.im[k] = a * d + b * c;
  }
}

/* --- a plan in the workspace ----------------------------------------------------------------------------------------
 */

static NAME(line) NAME(cut)(T **ws, int64_t n) {
  NAME(line) l = {*ws, *ws + n};
  *ws += 2 * n;
  return l;
}

/* For complex transforms of n; the table has also the angles of `twice` n (1 or 2), if no convolution is needed. */
static void NAME(start)(NAME(plan) * p, int64_t n, T *ws) {
  p->f = fft_shape_of(n);
  bool direct = p->f.m == n;
  p->tn = p->f.m;
  p->x = NAME(cut)(&ws, p->f.m);
  p->t = NAME(cut)(&ws, p->f.m);
  if (n == 0) return;
  p->w = NAME(cut)(&ws, p->f.m);
  NAME(fill_table)(p->w, p->tn);
  if (direct) return;
  p->chirp = NAME(cut)(&ws, n);
  p->filter = NAME(cut)(&ws, p->f.m);
  NAME(prepare_chirp)(p);
}

/* The forward transform of p->x, in place. */
static void NAME(forward)(const NAME(plan) * p) {
  if (p->f.m == p->f.n)
    NAME(stockham)(p, p->x, p->t);
  else
    NAME(bluestein)(p, p->x);
}

static void NAME(backward)(NAME(plan) * p) {
  NAME(line) turned = {p->x.im, p->x.re};
  p->x = turned;
  NAME(forward)(p);
  p->x = (NAME(line)){turned.im, turned.re};
}

/* --- the rows
 * ---------------------------------------------------------------------------------------------------------- */

static void NAME(fetch)(T *to, const T *x, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = x[i * step];
}

/* [2, n] to [2, n]; a->v[0]: with exp(+i ..) */
static cj_status NAME(cdft)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  cjk_matrix m = cjk_matrix_of(in);
  T *y = (T *)(void *)out->data;
  NAME(plan) p;
  NAME(start)(&p, m.cols, ws);
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s), y += 2 * m.cols) {
    const T *x = (const T *)(const void *)in->data + s.at[0];
    NAME(fetch)(p.x.re, x, m.cs, m.cols);
    NAME(fetch)(p.x.im, x + m.rs, m.cs, m.cols);
    if (a->v[0])
      NAME(backward)(&p);
    else
      NAME(forward)(&p);
    memcpy(y, p.x.re, (size_t)m.cols * sizeof(T));
    memcpy(y + m.cols, p.x.im, (size_t)m.cols * sizeof(T));
  }
  return CJ_OK;
}

/* From Z, the transform of the h numbers x(2k) + i x(2k+1): X(k) = (Z(k) + Z(h-k)~)/2 + w(k) (Z(k) - Z(h-k)~)/2i. */
static void NAME(untangle)(const NAME(plan) * p, NAME(line) w, int64_t h, T *re, T *im) {
  for (int64_t k = 0; k <= h; k++) {
    int64_t i = k == h ? 0 : k, j = k == 0 ? 0 : h - k;
    T ar = p->x.re[i] + p->x.re[j], ai = p->x.im[i] - p->x.im[j];
    T br = p->x.im[i] + p->x.im[j], bi = p->x.re[j] - p->x.re[i];
    re[k] = (T)0.5 * (ar + br * w.re[k] - bi * w.im[k]);
    im[k] = (T)0.5 * (ai + br * w.im[k] + bi * w.re[k]);
  }
}

/* Real [1, n] to the [2, n/2 + 1] numbers that say all. */
static cj_status NAME(rdft)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  int64_t n = in->type->dim[in->type->rank - 1], step = in->stride[in->type->rank - 1], m = n / 2 + 1;
  bool halved = fft_halves(n);
  int64_t h = halved ? n / 2 : n;
  T *y = (T *)(void *)out->data, *room = ws;
  NAME(line) w = NAME(cut)(&room, n);
  NAME(plan) p;
  (void)a;
  if (halved) NAME(fill_table)(w, n);
  NAME(start)(&p, h, room);
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s), y += 2 * m) {
    const T *x = (const T *)(const void *)in->data + s.at[0];
    NAME(fetch)(p.x.re, x, halved ? 2 * step : step, h);
    if (halved)
      NAME(fetch)(p.x.im, x + step, 2 * step, h);
    else
      memset(p.x.im, 0, (size_t)h * sizeof(T));
    NAME(forward)(&p);
    if (halved) {
      NAME(untangle)(&p, w, h, y, y + m);
      continue;
    }
    memcpy(y, p.x.re, (size_t)m * sizeof(T));
    memcpy(y + m, p.x.im, (size_t)m * sizeof(T));
  }
  return CJ_OK;
}

/* The other way: the sums over j of Re(F(j) exp(2 pi i j k / n)), where only half of the symmetric numbers G is given,
** G(j) = F(j) / 2 inside: Z(k) = G(k) + G(h-k)~ + i w(k)~ (G(k) - G(h-k)~) gives y(2k) + i y(2k+1).
** [2, n/2 + 1] to [1, n]. */
static void NAME(entangle)(NAME(plan) * p, NAME(line) w, int64_t h, const T *re, const T *im, int64_t step) {
  for (int64_t k = 0; k < h; k++) {
    T f = k == 0 ? 1 : (T)0.5;
    T gr = f * re[k * step], gi = k == 0 ? 0 : f * im[k * step];
    T hr = f * re[(h - k) * step], hi = k == 0 ? 0 : -f * im[(h - k) * step];
    T sr = gr + hr, si = gi + hi, dr = gr - hr, di = gi - hi;
    T tr = dr * w.re[k] + di * w.im[k], ti = di * w.re[k] - dr * w.im[k]; /* d times the conjugate of w */
    p->x.re[k] = sr - ti;
    p->x.im[k] = si + tr;
  }
}

static cj_status NAME(hdft)(const cj_view *in, int nin, const cj_attr *a, cj_view *out, void *ws) {
  cjk_matrix m = cjk_matrix_of(in);
  int64_t n = a->v[0];
  bool halved = fft_halves(n);
  int64_t h = halved ? n / 2 : n;
  T *y = (T *)(void *)out->data, *room = ws;
  NAME(line) w = NAME(cut)(&room, n);
  NAME(plan) p;
  if (halved) NAME(fill_table)(w, n);
  NAME(start)(&p, h, room);
  for (cjk_stack s = cjk_stack_of(in, nin, out->type, 2, 2); s.left > 0; cjk_stack_next(&s), y += n) {
    const T *re = (const T *)(const void *)in->data + s.at[0], *im = re + m.rs;
    if (halved) {
      NAME(entangle)(&p, w, h, re, im, m.cs);
    } else {
      memset(p.x.re, 0, (size_t)h * sizeof(T));
      memset(p.x.im, 0, (size_t)h * sizeof(T));
      NAME(fetch)(p.x.re, re, m.cs, m.cols);
      NAME(fetch)(p.x.im, im, m.cs, m.cols);
    }
    NAME(backward)(&p);
    for (int64_t k = 0; k < h; k++)
      if (halved)
        y[2 * k] = p.x.re[k], y[2 * k + 1] = p.x.im[k];
      else
        y[k] = p.x.re[k];
  }
  return CJ_OK;
}
