/* SPDX-License-Identifier: Apache-2.0 */
#include "common/machine.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Noreturn void bench_die(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *bench_take(size_t count, size_t item_bytes)
{
    void *memory = calloc(count ? count : 1, item_bytes);

    if (!memory) bench_die("out of memory for %zu items of %zu bytes", count, item_bytes);
    return memory;
}

double bench_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int bench_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_percentile(double *value, size_t count, double part)
{
    size_t place = (size_t)ceil(part * (double)count);

    if (count == 0) return 0;
    qsort(value, count, sizeof *value, by_value);
    return value[place ? place - 1 : 0];
}

struct bench_resident bench_resident(void)
{
    struct bench_resident resident = { 0 };
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];

    if (!file) return resident;
    while (fgets(line, sizeof line, file)) {
        unsigned long long kb = 0;

        if (sscanf(line, "VmRSS: %llu", &kb) == 1) resident.all_kb = kb;
        if (sscanf(line, "RssAnon: %llu", &kb) == 1) resident.own_kb = kb;
        if (sscanf(line, "RssFile: %llu", &kb) == 1) resident.file_kb = kb;
    }
    fclose(file);
    return resident;
}

static char folder[4096];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

void bench_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_folder(void)
{
    bench_remove(folder);
}

const char *bench_folder(const char *dir)
{
    if (!dir) dir = getenv("TMPDIR");
    if (!dir || !*dir) dir = "/tmp";
    if ((size_t)snprintf(folder, sizeof folder, "%s/pcct-bench-XXXXXX", dir) >= sizeof folder) bench_die("%s: too long a path", dir);
    if (!mkdtemp(folder)) bench_die("%s: %s", folder, strerror(errno));
    atexit(remove_folder);
    return folder;
}
