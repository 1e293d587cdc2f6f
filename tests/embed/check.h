/*
** check.h -- counted checks of C programs.  A program is one suite: it ends by printing what scripts/suite looks for.
*/
#ifndef check_h
#define check_h

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Never fatal; of any thread. */
typedef struct counts {
  long cases, failures; /* atomic */
} counts;
static counts host_counts;

static inline bool check(bool good, const char *file, int line, const char *what) {
  __atomic_fetch_add(&host_counts.cases, 1, __ATOMIC_RELAXED);
  if (good) return true;
  __atomic_fetch_add(&host_counts.failures, 1, __ATOMIC_RELAXED);
  printf("%s:%d: %s\n", file, line, what);
  return false;
}
#define CHECK(e) check((e), __FILE__, __LINE__, #e)

static inline int host_close(const char *name) {
  printf("%s: %ld cases, %ld failures\n", name, host_counts.cases, host_counts.failures);
  return host_counts.failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
#endif
