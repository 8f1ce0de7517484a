/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_JUDGE_H
#define CRASH_JUDGE_H

#include "story.h"

/* What the log promised at the moment of the crash. outcome[step] for all steps, outcome[0] of the new store. */
struct judge_case {
    const struct story_outcome *outcome;
    uint64_t begun; /* the step that had begun; 0: creation */
    int done;       /* whether it was acknowledged */
    int deep;       /* read everything once more after going on */
};

enum { JUDGE_TEXT = 700 };

/*
 * 0: the store at `path` is what it may be: every acknowledged version is there, whole and with its identity, at most the one of the step under way
 * beside; fsck has nothing to complain of; the step under way and the next one can be done, and come to the same end. Otherwise 1, and why.
 */
int judge(char why[JUDGE_TEXT], const char *path, const struct judge_case *c, struct random_numbers *r);

#endif
