/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_REPLAY_H
#define CRASH_REPLAY_H

#include "disk.h"
#include "judge.h"

/*
 * Going through a log again and again: at each call images are made, written and judged, until there are enough. A child process does the work, since
 * a store that is not what it should be may end it; the parent notes that and starts the next. How far it is stands in a file, so that a run that was
 * stopped goes on where it was.
 */
enum { REPLAY_PLACES = 8, REPLAY_SEEN = 1 << 21, REPLAY_BAD_SHOWN = 20 };

/* After which kind of call the crash came. */
extern const char *const replay_place[REPLAY_PLACES];

struct replay_progress {
    uint64_t key;            /* of log, seed and layout of this structure; another one: begin anew */
    uint64_t pass, op, image; /* the next one */
    uint64_t judging;        /* 1: that one is being judged; whoever finds it set died of it */
    uint64_t images, distinct, bad;
    double seconds;
    uint64_t place_images[REPLAY_PLACES], place_distinct[REPLAY_PLACES], place_bad[REPLAY_PLACES];
    uint64_t now_place;
    char why[JUDGE_TEXT];       /* of the first bad one */
    uint64_t why_pass, why_op, why_image;
    uint64_t seen[REPLAY_SEEN]; /* hashes of images: an open table, 0 is free */
};

struct replay {
    const struct oplog *log;
    const struct story_outcome *outcome;
    const char *folder;     /* images are written to folder/image */
    uint64_t seed;
    uint64_t enough;        /* distinct images */
    uint64_t at_each;       /* images at each call in one pass */
    uint64_t from;          /* the first call of each pass at which there are any */
    uint64_t bad_enough;    /* stop after so many bad ones */
    double seconds;         /* of this run; 0: no limit */
    int durability;         /* enum pcct_durability of the writer */
    int show;               /* tell bad ones and progress */
    struct replay_progress *progress; /* shared memory */
};

/* Returns when there are enough images, or bad ones, or the time is over. */
void replay_run(struct replay *replay);
/* The progress in the file `path`, or in memory when it is NULL. */
struct replay_progress *replay_progress_open(const char *path, const struct oplog *log, uint64_t seed);
void replay_progress_close(struct replay_progress *progress);

#endif
