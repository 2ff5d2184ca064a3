// SPDX-License-Identifier: MIT
// Preloaded into one process of a machine, gives it clocks of its own: the wall clock is set and the host was suspended
// for it alone. What the file says is added to the kernel's clocks, to stamps of files that were made since, and taken
// off the times that timers are armed for, those of before too; who watches for the wall clock being set is told
// through a fifo. For programs with an event loop, which read the clock whenever they wake up.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct step {
    int64_t since; // from this second of the kernel's wall clock on; 0: there is no such step (yet)
    int64_t wall;  // seconds by which the wall clock is set on
    int64_t boot;  // seconds by which CLOCK_BOOTTIME goes on while CLOCK_MONOTONIC stands still
};
enum { STEPS = 128, TIMERS = 1024 };

static const volatile struct step* steps;
static clockid_t timers[TIMERS];      // by descriptor
static struct itimerspec due[TIMERS]; // CLOCK_BOOTTIME, as the program has it
static int64_t asleep;                // what was taken off it when it was armed
static const clockid_t FIFO = 1000;

__attribute__((constructor)) static void load(void) {
    int fd = open(DIRECTORY "/steps", O_RDONLY | O_CLOEXEC);
    void* map = mmap(NULL, sizeof(struct step) * STEPS, PROT_READ, MAP_SHARED, fd, 0);
    steps = map == MAP_FAILED ? NULL : map;
    close(fd);
}

static int64_t added(clockid_t clock, int64_t until) {
    int64_t sum = 0;
    for (int at = 0; steps && at < STEPS && steps[at].since && steps[at].since <= until; ++at)
        sum += clock == CLOCK_REALTIME ? steps[at].wall : clock == CLOCK_BOOTTIME ? steps[at].boot : 0;
    return sum;
}

static int arm(int fd, int flags, struct itimerspec at, struct itimerspec* old) {
    if (timers[fd] == CLOCK_BOOTTIME && at.it_value.tv_sec)
        at.it_value.tv_sec = at.it_value.tv_sec > asleep ? at.it_value.tv_sec - asleep : 1;
    return (int)syscall(SYS_timerfd_settime, fd, flags, &at, old);
}

int clock_gettime(clockid_t clock, struct timespec* at) {
    int64_t boot = added(CLOCK_BOOTTIME, INT64_MAX);
    if (boot != asleep) {
        asleep = boot;
        for (int fd = 0; fd < TIMERS; ++fd)
            if (timers[fd] == CLOCK_BOOTTIME)
                arm(fd, TFD_TIMER_ABSTIME, due[fd], NULL);
    }
    if (syscall(SYS_clock_gettime, clock, at) != 0)
        return -1;
    at->tv_sec += added(clock, INT64_MAX);
    return 0;
}

int stat(const char* path, struct stat* out) {
    if (fstatat(AT_FDCWD, path, out, 0) != 0)
        return -1;
    out->st_atim.tv_sec += added(CLOCK_REALTIME, out->st_atim.tv_sec);
    out->st_mtim.tv_sec += added(CLOCK_REALTIME, out->st_mtim.tv_sec);
    return 0;
}

int stat64(const char* path, struct stat64* out) {
    return stat(path, (struct stat*)out);
}

int timerfd_create(clockid_t clock, int flags) {
    int fd = clock == CLOCK_REALTIME ? open(DIRECTORY "/set", O_RDWR | O_NONBLOCK | O_CLOEXEC)
                                     : (int)syscall(SYS_timerfd_create, clock, flags);
    if (fd >= 0 && fd < TIMERS)
        timers[fd] = clock == CLOCK_REALTIME ? FIFO : clock;
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec* at, struct itimerspec* old) {
    if (fd < 0 || fd >= TIMERS || timers[fd] == FIFO)
        return 0;
    if (timers[fd] == CLOCK_BOOTTIME)
        due[fd] = *at;
    return arm(fd, flags, *at, old);
}
