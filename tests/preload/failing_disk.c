/* Loaded before libc: the calls on the hub's database that the file named by FAILING_DISK asks for fail.

   The file is integers in shared memory: which call fails (0 none, 1 pwrite, 2 sync, 3 ftruncate, 4 a pwrite that is
   not the WAL's, 5 a read), how many of it pass first, how many fail then, with which errno, how many have failed, and how many of
   each call there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CALL, PASS, FAIL, ERROR, FAILED, SEEN };
static volatile int *told;
static __thread int cut_short;

static void begin(void) {
    const char *path = getenv("FAILING_DISK");
    int fd = path == NULL ? -1 : open(path, O_RDWR);
    if (fd < 0) return;
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) told = map;
    close(fd);
}

static int of_the_database(int fd, const char *but) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return strstr(path, "/restohub.db") != NULL && strstr(path, "-shm") == NULL && strstr(path, but) == NULL;
}

static int fails(int call, int fd) {
    if (told == NULL) begin();
    if (told == NULL || !of_the_database(fd, call == 4 ? "-wal" : "-shm")) return 0;
    told[SEEN + call]++;
    if (told[CALL] != call) return 0;
    if (told[PASS] > 0) return told[PASS]--, 0;
    if (told[FAIL] == 0) return 0;
    told[FAIL]--;
    told[FAILED]++;
    errno = told[ERROR];
    return 1;
}

typedef ssize_t (*writing)(int, const void *, size_t, off_t);
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
    writing real = (writing)dlsym(RTLD_NEXT, "pwrite64");
    if (cut_short) { /* the rest of a write of which a part found room */
        cut_short = 0;
        errno = ENOSPC;
        return -1;
    }
    if (!fails(1, fd) && !fails(4, fd)) return real(fd, bytes, count, at);
    if (errno != ENOSPC || count < 2) return -1;
    cut_short = 1;
    return real(fd, bytes, count / 2, at);
}
ssize_t write(int fd, const void *bytes, size_t count) {
    return fails(1, fd) ? -1 : ((ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, bytes, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

typedef ssize_t (*reading)(int, void *, size_t, off_t);
ssize_t pread64(int fd, void *bytes, size_t count, off_t at) {
    return fails(5, fd) ? -1 : ((reading)dlsym(RTLD_NEXT, "pread64"))(fd, bytes, count, at);
}
ssize_t pread(int fd, void *bytes, size_t count, off_t at) { return pread64(fd, bytes, count, at); }
ssize_t read(int fd, void *bytes, size_t count) {
    return fails(5, fd) ? -1 : ((ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read"))(fd, bytes, count);
}

typedef int (*syncing)(int);
int fdatasync(int fd) { return fails(2, fd) ? -1 : ((syncing)dlsym(RTLD_NEXT, "fdatasync"))(fd); }
int fsync(int fd) { return fails(2, fd) ? -1 : ((syncing)dlsym(RTLD_NEXT, "fsync"))(fd); }

typedef int (*cutting)(int, off_t);
int ftruncate64(int fd, off_t size) { return fails(3, fd) ? -1 : ((cutting)dlsym(RTLD_NEXT, "ftruncate64"))(fd, size); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
