/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <time.h>

/* A bar on stderr, only when that is a terminal, and only after a second of work. */
struct progress {
    const char *verb;
    int wanted, drawn;
    struct timespec began, last;
};

void progress_begin(struct progress *progress, const char *verb, int quiet);
/* share: 0 to 1, or negative when unknown; what: a word or two. Draws ten times a second at most. */
void progress_show(struct progress *progress, double share, const char *what);
/* Wipes the bar, if one was drawn. */
void progress_end(struct progress *progress);

/* Seconds since `began`. */
double progress_seconds(const struct timespec *began);

#endif
