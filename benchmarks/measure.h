// SPDX-License-Identifier: BSD-3-Clause
// Clocks, processor time of another process, and a histogram of delays.

#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t clock_ns(clockid_t clock) {
    struct timespec at;
    if (clock_gettime(clock, &at) != 0)
        return 0;
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static inline uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

// Processor time that `pid` has used, all its threads together, in ns.
static inline uint64_t processor_ns(pid_t pid) {
    clockid_t clock;
    if (pid <= 0)
        return 0;
    if (clock_getcpuclockid(pid, &clock) == 0)
        return clock_ns(clock);
    // A kernel without that clock for other processes: ticks of 1/100 s (proc(5), stat).
    char path[64], line[1024], *field;
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fgets(line, sizeof line, file) && (field = strrchr(line, ')')))
        sscanf(field + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    fclose(file);
    return (user + system) * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

// Delays in ns, in steps of 1/64 of their magnitude.
#define STEPS 64
typedef struct {
    uint64_t counts[64 * STEPS];
    uint64_t total, highest;
} histogram;

static inline void histogram_add(histogram *h, uint64_t value) {
    int magnitude = value < STEPS ? 0 : 63 - __builtin_clzll(value) - 5;
    h->counts[magnitude * STEPS + (int)(value >> magnitude)]++;
    h->total++;
    if (value > h->highest)
        h->highest = value;
}

// The value below which the share `part` (0 to 1) of all lies; 0 if there are none.
static inline double histogram_at(const histogram *h, double part) {
    uint64_t wanted = (uint64_t)(part * (double)h->total), seen = 0;
    for (int i = 0; i < 64 * STEPS && h->total; i++) {
        seen += h->counts[i];
        if (seen > wanted) {
            double value = (double)((uint64_t)(i % STEPS) << (i / STEPS));
            return value < (double)h->highest ? value : (double)h->highest;
        }
    }
    return (double)h->highest;
}

#endif
