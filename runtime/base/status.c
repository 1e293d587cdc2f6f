/* status.c -- status names, the sticky message, hashing, bounded text. */
#include "base/base.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name, *text;
} statuses[CJ_NSTATUS] = {
#define X(name, text) {#name, text},
    CJ_STATUS_LIST(X)
#undef X
};

const char *cj_status_name(cj_status s) { return (unsigned)s < CJ_NSTATUS ? statuses[s].name : "?"; }
const char *cj_status_text(cj_status s) { return (unsigned)s < CJ_NSTATUS ? statuses[s].text : "unknown status"; }

void cjm_clear(cj_ctx *c) {
  c->status = CJ_OK;
  c->msg[0] = '\0';
}

cj_status cjm_fail(cj_ctx *c, cj_status s, const char *fmt, ...) {
  if (c->status != CJ_OK) return c->status;
  c->status = s;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(c->msg, sizeof c->msg, fmt, ap);
  va_end(ap);
  return s;
}

cj_status cjm_poll(cj_ctx *c) {
  if (c->cancel && *c->cancel) return cjm_fail(c, CJ_ECANCEL, "interrupted");
  return c->status;
}

uint64_t cjm_hash(const void *p, size_t n, uint64_t seed) {
  const unsigned char *s = p;
  uint64_t h = seed ^ n;
  for (; n >= 8; n -= 8, s += 8) {
    uint64_t v;
    memcpy(&v, s, 8);
    h = (h ^ v) * 0x9e3779b97f4a7c15u; /* odd: nothing is lost */
    h ^= h >> 32;
  }
  uint64_t tail = 0;
  memcpy(&tail, s, n);
  return cjm_mix(h, tail);
}

void cjm_puts(cj_text *t, const char *s) {
  size_t n = strlen(s);
  if (t->cap == 0) return;
  if (n > t->cap - 1 - t->n) n = t->cap - 1 - t->n;
  memcpy(t->s + t->n, s, n);
  t->n += n;
  t->s[t->n] = '\0';
}

void cjm_putf(cj_text *t, const char *fmt, ...) {
  if (t->cap == 0) return;
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(t->s + t->n, t->cap - t->n, fmt, ap);
  va_end(ap);
  if (n > 0) t->n += (size_t)n < t->cap - t->n ? (size_t)n : t->cap - 1 - t->n;
}

/* The host's locale may have another decimal point: whatever stands for it becomes a point. */
void cjm_putnum(cj_text *t, double v) {
  if (isnan(v) || isinf(v)) {
    cjm_puts(t, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
    return;
  }
  char buf[40];
  for (int digits = 15; digits <= 17; digits += 1) {
    snprintf(buf, sizeof buf, "%.*g", digits, v);
    double back = 0;
    if (sscanf(buf, "%lf", &back) == 1 && back == v) break;
  }
  for (char *s = buf; *s; s++)
    if (!strchr("0123456789+-e", *s)) *s = '.';
  cjm_puts(t, buf);
}
