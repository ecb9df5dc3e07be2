/* Loaded before libc: the machine's date is so many seconds away from the true one, and so many seconds have passed at
   once for every clock, as the file in CLOCK_FILE says ("OFFSET PASSED KEPT"). KEPT: a time server keeps it. The file is
   read again with the date alone, after 10 ms: who asks for the date and then for another clock compares the two, and
   an hour that passed between would be a jump. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static long offset, passed, kept;
static long long read_at;

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int) syscall(SYS_clock_gettime, clock, now);
    struct timespec true_time;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &true_time);
    long long ms = true_time.tv_sec * 1000LL + true_time.tv_nsec / 1000000;
    const char *path = getenv("CLOCK_FILE");
    if (path && (!read_at || (clock == CLOCK_REALTIME && ms - read_at >= 10))) {
        read_at = ms;
        FILE *file = fopen(path, "r");
        long o, p, k;
        if (file) {
            if (fscanf(file, "%ld %ld %ld", &o, &p, &k) == 3) offset = o, passed = p, kept = k;
            fclose(file);
        }
    }
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += offset + passed;
    if (!failed && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)) now->tv_sec += passed;
    return failed;
}

/* Who sleeps until a moment by this clock (Python does) would sleep for the hours that have passed at once, too. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    struct timespec at = *until;
    if (clock == CLOCK_MONOTONIC && (flags & TIMER_ABSTIME)) at.tv_sec -= passed;
    return syscall(SYS_clock_nanosleep, clock, flags, &at, left) ? errno : 0;
}

int adjtimex(struct timex *answer) {
    answer->maxerror = kept ? 1000 : 16000000;
    return kept ? TIME_OK : TIME_ERROR;
}
