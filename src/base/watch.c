/* SPDX-License-Identifier: Apache-2.0 */
#include "base/watch.h"

#include "base/error.h"
#include "base/os.h"

#include <string.h>

void base_watch_begin(struct base_watch *watch, struct base_os *clock, int (*progress)(void *ctx, double done), void *progress_ctx)
{
    memset(watch, 0, sizeof *watch);
    watch->schedule.item_bytes = sizeof(uint64_t);
    watch->clock = clock;
    watch->stage = BASE_STATS;
    watch->progress = progress;
    watch->progress_ctx = progress_ctx;
    watch->span = (struct base_span){ 0, 1 };
}

void base_watch_end(struct base_watch *watch, const struct base_env *env)
{
    base_vector_free(&watch->schedule, env);
}

void base_watch_peak(const struct base_env *env, enum base_stat stat, uint64_t value)
{
    if (env->watch && value > env->watch->value[stat]) env->watch->value[stat] = value;
}

enum base_stat base_watch_stage(const struct base_env *env, enum base_stat stage)
{
    struct base_watch *watch = env->watch;
    enum base_stat before = watch ? watch->stage : BASE_STATS;

    if (!watch) return before;
    watch->stage = stage;
    if (watch->clock) {
        uint64_t now = base_os_ticks_ns(watch->clock);

        if (before != BASE_STATS) watch->value[before] += now - watch->stage_began;
        watch->stage_began = now;
    }
    return before;
}

int base_watch_sub_batch(const struct base_env *env, uint64_t items, struct pcct_error *err)
{
    uint64_t *size = NULL;
    int status = 0;

    if (!env->watch) return 0;
    TRY(base_vector_add(&size, &env->watch->schedule, env, 1, err));
    *size = items;
    base_watch_add(env, BASE_STAT_sub_batches, 1);
    base_watch_add(env, BASE_STAT_items, items);
    base_watch_peak(env, BASE_STAT_sub_batch_peak_items, items);
done:
    return status;
}

struct base_span base_watch_span(const struct base_env *env)
{
    return env->watch ? env->watch->span : (struct base_span){ 0, 1 };
}

void base_watch_part(const struct base_env *env, struct base_span span, double from, double to)
{
    double length = span.high - span.low;

    if (!env->watch) return;
    env->watch->span = (struct base_span){ span.low + from * length, span.low + to * length };
    base_watch_tell(env, 0);
}

void base_watch_tell(const struct base_env *env, double share)
{
    struct base_watch *watch = env->watch;
    double done = 0;

    if (!watch || !watch->progress || watch->stopped) return;
    done = watch->span.low + share * (watch->span.high - watch->span.low);
    if (done > watch->done) watch->done = done;
    if (watch->progress(watch->progress_ctx, watch->done) != 0) base_par_add(&watch->stopped, 1);
}

int base_watch_check(const struct base_env *env, struct pcct_error *err)
{
    return base_watch_stopped(env) ? base_fail(err, PCCT_E_CANCELLED, "stopped on request; nothing was changed") : 0;
}
