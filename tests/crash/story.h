/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_STORY_H
#define CRASH_STORY_H

#include "common.h"

#include <pcct/pcct.h>

/*
 * What the writers do whose calls are recorded: steps from 1 on, each known by its number alone, so that it can be done again after a crash and must
 * come to the same end. Commits have the step as their write id: a step that happened already is answered by what it
 * made. While it is recorded some steps are done by a second process (other.h), and some of these begin while the step before is under way.
 */
enum { STORY_STEPS = 48, STORY_MORE = 2, STORY_DIM = 8 };

/* The store after a step, as a caller can see it. Zeroed, so that two can be compared as bytes. */
struct story_outcome {
    uint64_t head, live;  /* of main */
    uint64_t history;     /* hash of the numbers and identities of the versions of main that are left */
    uint8_t identity[16]; /* of the newest version of all; zero when it was pruned */
    uint64_t refs;        /* hash of branches and tags and where they stand */
};

/* The versions of main that are left, newest first. */
struct story_history {
    struct {
        uint64_t version;
        uint8_t identity[16];
    } at[STORY_STEPS + STORY_MORE];
    size_t n;
};

/* To be called first: which story it is depends on the durability of the writers. Whoever judges (writes = 0) goes on with full durability. */
void story_of(int durability, int writes);
int story_create(const char *path, struct pcct_error *err);
int story_open(pcct_store **store, const char *path, struct pcct_error *err);
/* *store may be closed and opened again; NULL when that fails. seen: where main is to stand for a commit to it, or else CONFLICT; 0: anywhere. */
int story_step(pcct_store **store, const char *path, uint64_t step, uint64_t seen, struct pcct_error *err);
/* Whether everything is on the disk after a step, whatever the durability of the writer. */
int story_flushes(uint64_t step);
/* As after a step, of which only the number of versions made so far is taken. */
int story_outcome(struct story_outcome *outcome, struct story_history *history, pcct_store *store, uint64_t step, struct pcct_error *err);


/* Who does a step while the story is recorded. */
enum story_writer { STORY_FIRST, STORY_OTHER, /* begins when the step before is done */ STORY_OTHER_AT_ONCE /* when it is under way */ };
enum story_writer story_writer_of(uint64_t step);
/* Whether it applies a bundle (guest.h). */
int story_applies(uint64_t step);
/* Whether nobody else is to have the store open. */
int story_is_alone(uint64_t step);
/* Whether it is a commit to main; whether one by two threads of a process. */
int story_is_commit(uint64_t step);
int story_is_double(uint64_t step);

#endif
