/* A disk that takes its time: each sync waits SYNC_DELAY_MS first and is counted in the file SYNC_COUNT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t *count;
static long delay_ms;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("SYNC_COUNT"), *delay = getenv("SYNC_DELAY_MS");
  delay_ms = delay ? atol(delay) : 0;
  int file = path ? open(path, O_RDWR) : -1;
  void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  count = map == MAP_FAILED ? NULL : map;
}

static int after(const char *name, int file) {
  struct timespec wait = {delay_ms / 1000, delay_ms % 1000 * 1000000};
  nanosleep(&wait, NULL);
  if (count) __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}

int fdatasync(int file) { return after("fdatasync", file); }
int fsync(int file) { return after("fsync", file); }
