/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_COLUMNS = 30 };

double progress_seconds(const struct timespec *began)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + 1e-9 * (double)(now.tv_nsec - began->tv_nsec);
}

void progress_begin(struct progress *progress, const char *verb, int quiet)
{
    memset(progress, 0, sizeof *progress);
    progress->verb = verb;
    progress->wanted = !quiet && isatty(STDERR_FILENO);
    (void)clock_gettime(CLOCK_MONOTONIC, &progress->began);
    progress->last = progress->began;
}

void progress_show(struct progress *progress, double share, const char *what)
{
    if (!progress->wanted || progress_seconds(&progress->began) < 1.0) return;
    if (progress->drawn && progress_seconds(&progress->last) < 0.1) return;
    (void)clock_gettime(CLOCK_MONOTONIC, &progress->last);
    progress->drawn = 1;
    if (share < 0) {
        fprintf(stderr, "\r%s: %s, %.0f s\033[K", progress->verb, what, progress_seconds(&progress->began));
    } else {
        char bar[BAR_COLUMNS + 1];
        int full = (int)((share > 1 ? 1 : share) * BAR_COLUMNS);
        for (int i = 0; i < BAR_COLUMNS; i++) bar[i] = i < full ? '#' : '.';
        bar[BAR_COLUMNS] = '\0';
        fprintf(stderr, "\r%s: [%s] %3.0f%% %s\033[K", progress->verb, bar, 100 * (share > 1 ? 1 : share), what);
    }
    (void)fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (!progress->drawn) return;
    fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    progress->drawn = 0;
}
