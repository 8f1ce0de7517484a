/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_JUDGE_H
#define CRASH_JUDGE_H

#include "story.h"

/* What the log promised at the moment of the crash. outcome[step] for all steps, outcome[0] of the new store. */
struct judge_case {
    const struct story_outcome *outcome;
    uint64_t begun;      /* the last step that had begun; 0: creation */
    uint64_t unanswered; /* the first step that was not acknowledged: begun + 1, begun, or the one before, when two were under way */
    uint64_t least; /* the step whose end the disk must hold at least: the last one that was acknowledged and promised to be on it */
    int deep;       /* read everything once more after going on */
};

enum { JUDGE_TEXT = 700 };

/*
 * 0: the store at `path` is what it may be: as it was after one of the steps from `least` to the last one under way, every version whole and with its
 * identity; fsck has nothing to complain of; two steps more can be done (those under way are repeated), and come to the same end. Otherwise 1, and
 * why.
 */
int judge(char why[JUDGE_TEXT], const char *path, const struct judge_case *c, struct random_numbers *r);

#endif
