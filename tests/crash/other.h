/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_OTHER_H
#define CRASH_OTHER_H

#include "story.h"

#include <sys/types.h>

/* As in recorder.c: step has begun, or is done and has this outcome. */
typedef void recorder_mark(uint64_t step, int done, const void *outcome, size_t bytes);

/* The second writer: a process of its own with the store open, which does the steps that it is told. */
struct other {
    int line; /* a socket to it */
    pid_t process;
};

/* To be called before the caller has a store open. outcome: of all steps, in shared memory or filled. */
void other_start(struct other *other, const char *path, const struct story_outcome *outcome, recorder_mark *mark);
/* It has marked the step as begun and has seen where main stands. It goes on as soon as the commit to main that the caller does now has the lock of
 * writers, if the step is one to be done at once with that, and at once otherwise. */
void other_begin(struct other *other, uint64_t step);
/* Until the step is done and marked. */
void other_wait(struct other *other);
/* It closes the store, until its next step. */
void other_close(struct other *other);
void other_end(struct other *other);

#endif
