/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include "base/memory.h"
#include "base/par.h"

/*
 * Who watches an operation: counts its work, times its stages, tells its progress and may ask it to stop. It is reached through the env of the
 * objects at work (env->watch), so any layer can record without being handed more; env->watch NULL: nobody, and all of these do nothing.
 * Names and meanings: include/pcct/stats.def. Counts are added from any thread; all else is for the thread whose operation it is.
 */
enum base_stat {
#define PCCT_STAT(kind, name, unit, meaning) BASE_STAT_##name, /* in lower case, as the list has them */
#include <pcct/stats.def>
#undef PCCT_STAT
    BASE_STATS
};

/* A part of the operation as shares of the whole, 0 <= low <= high <= 1. */
struct base_span {
    double low, high;
};

struct base_watch {
    uint64_t value[BASE_STATS]; /* SECONDS in nanoseconds */
    struct base_vector schedule; /* uint64_t: sizes of the sub-batches */
    struct base_os *clock;      /* NULL: no clock is read */
    uint64_t stage_began;
    enum base_stat stage;       /* BASE_STATS: none */
    int (*progress)(void *ctx, double done); /* NULL: nobody asks; other than 0: stop */
    void *progress_ctx;
    struct base_span span;      /* what the work at hand is of the whole */
    double done;                /* told last */
    uint64_t stopped;           /* 1: asked to */
};

/* clock NULL: stages are not timed. */
void base_watch_begin(struct base_watch *watch, struct base_os *clock, int (*progress)(void *ctx, double done), void *progress_ctx);
void base_watch_end(struct base_watch *watch, const struct base_env *env);

/* Any thread, relaxed: read when the operation is over. */
static inline void base_watch_add(const struct base_env *env, enum base_stat stat, uint64_t amount)
{
    if (env->watch) base_par_add(&env->watch->value[stat], amount);
}
void base_watch_peak(const struct base_env *env, enum base_stat stat, uint64_t value);

/* From here on time goes to this stage. Returns the one before, so that a stage within another can give it back. */
enum base_stat base_watch_stage(const struct base_env *env, enum base_stat stage);

/* Counts a sub-batch and notes its size in the schedule. */
int base_watch_sub_batch(const struct base_env *env, uint64_t items, struct pcct_error *err);

/* What the work at hand is of the whole; a function asks this before it divides its work into parts. */
struct base_span base_watch_span(const struct base_env *env);
/* The part of that work up to `from` is done, which is told; what follows is the part from there to `to`. */
void base_watch_part(const struct base_env *env, struct base_span span, double from, double to);
/* Tells that this share of the part at hand is done. What is told never falls; after a request to stop no more is. base_par_for() does this for its
 * pieces. */
void base_watch_tell(const struct base_env *env, double share);

/* Whether the operation was asked to stop: long bodies return early then. Any thread. */
static inline int base_watch_stopped(const struct base_env *env)
{
    return env->watch && base_par_read(&env->watch->stopped) != 0;
}
/* CANCELLED if so. */
int base_watch_check(const struct base_env *env, struct pcct_error *err);

#endif
