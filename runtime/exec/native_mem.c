/* native_mem.c -- executable pages: mapped writable, filled, then made executable and no longer writable.
** They cannot come from the context's allocator; cj_memstat counts them apart. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "exec/native.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool told_to_fail(const char *at) {
  const char *where = getenv("CJAC_NATIVE_FAIL");
  return where && strcmp(where, at) == 0;
}

/* Bytes behind the code, of int3: who decodes it, as valgrind does, may look further than it goes. */
enum { PAST = 32, INT3 = 0xCC };

void *cje_pages_new(const void *code, size_t n) {
  size_t all = n + PAST;
  void *p =
      told_to_fail("mmap") ? MAP_FAILED : mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return NULL;
  memcpy(p, code, n);
  memset((char *)p + n, INT3, PAST);
  if (!told_to_fail("mprotect") && mprotect(p, all, PROT_READ | PROT_EXEC) == 0) return p;
  (void)munmap(p, all);
  return NULL;
}

void cje_pages_free(void *pages, size_t n) {
  if (pages) (void)munmap(pages, n + PAST);
}
