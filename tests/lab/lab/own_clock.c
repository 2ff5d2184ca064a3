// SPDX-License-Identifier: MIT
// Preloaded library that gives one process of a machine its own clocks, as if the wall clock was set or the host was
// suspended. It adds the steps of the file to the kernel's clocks, and to timestamps of files that are newer than a
// step. It subtracts them from the expiry of CLOCK_BOOTTIME timers, including those that were armed before a step. A
// fifo replaces the timer with which a program watches for changes of the wall clock. It works for programs with an
// event loop, because they read the clock at each wakeup. Threads of other libraries may wait until a time of the wall
// clock by futex(2).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct step {
    int64_t since; // first second of the kernel's wall clock with the step; 0: the entry is unused
    int64_t wall;  // seconds by which the wall clock is set forward
    int64_t boot;  // seconds by which CLOCK_BOOTTIME advances while CLOCK_MONOTONIC does not
};
enum { STEPS = 128, TIMERS = 1024 };

static const volatile struct step* steps;
static clockid_t timers[TIMERS];      // by descriptor
static struct itimerspec due[TIMERS]; // expiry by CLOCK_BOOTTIME, as set by the program
static int64_t asleep;                // seconds that are subtracted from the armed timers
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

time_t time(time_t* out) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (out)
        *out = at.tv_sec;
    return at.tv_sec;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
    (void)zone;
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    *out = (struct timeval){.tv_sec = at.tv_sec, .tv_usec = at.tv_nsec / 1000};
    return 0;
}

long syscall(long number, ...) {
    static long (*next)(long, ...);
    if (!next)
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long words[6];
    va_list list;
    va_start(list, number);
    for (int at = 0; at < 6; ++at)
        words[at] = va_arg(list, long);
    va_end(list);
    struct timespec until;
    if (number == SYS_futex && (words[1] & FUTEX_CLOCK_REALTIME) && words[3]) {
        until = *(const struct timespec*)words[3];
        int64_t sum = added(CLOCK_REALTIME, INT64_MAX);
        until.tv_sec = until.tv_sec > sum ? until.tv_sec - sum : 0;
        words[3] = (long)&until;
    }
    return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
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
