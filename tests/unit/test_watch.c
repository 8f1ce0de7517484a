/* SPDX-License-Identifier: Apache-2.0 */
#include "base/watch.h"

#include "support.h"

enum { TOLD_MAX = 1000 };

struct listener {
    double told[TOLD_MAX];
    size_t n, stop_at; /* from 1; 0: never */
};

static int listen(void *ctx, double done)
{
    struct listener *l = ctx;

    assert_true(l->n < TOLD_MAX);
    l->told[l->n++] = done;
    return l->n == l->stop_at;
}

static uint64_t ticking(void *ctx)
{
    return *(uint64_t *)ctx;
}

static void nobody_watches(void **test)
{
    struct support_env s;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_env_start(&s, 1);
    assert_null(s.env.watch);
    base_watch_add(&s.env, BASE_STAT_items, 1);
    base_watch_peak(&s.env, BASE_STAT_items, 1);
    base_watch_tell(&s.env, 1);
    base_watch_part(&s.env, base_watch_span(&s.env), 0, 1);
    assert_int_equal(base_watch_stage(&s.env, BASE_STAT_locate_seconds), BASE_STATS);
    assert_int_equal(base_watch_sub_batch(&s.env, 5, &err), 0);
    assert_int_equal(base_watch_check(&s.env, &err), 0);
    support_env_finish(&s);
}

static void counts(void **test)
{
    struct base_watch watch;
    struct support_env s;
    struct pcct_error err = { 0, "" };
    const uint64_t *size = NULL;

    (void)test;
    support_env_start(&s, 1);
    base_watch_begin(&watch, NULL, NULL, NULL);
    s.env.watch = &watch;
    base_watch_add(&s.env, BASE_STAT_distances, 3);
    base_watch_add(&s.env, BASE_STAT_distances, 4);
    base_watch_peak(&s.env, BASE_STAT_arena_peak_bytes, 9);
    base_watch_peak(&s.env, BASE_STAT_arena_peak_bytes, 5);
    support_ok(base_watch_sub_batch(&s.env, 70, &err), &err);
    support_ok(base_watch_sub_batch(&s.env, 30, &err), &err);
    assert_int_equal(watch.value[BASE_STAT_distances], 7);
    assert_int_equal(watch.value[BASE_STAT_arena_peak_bytes], 9);
    assert_int_equal(watch.value[BASE_STAT_items], 100);
    assert_int_equal(watch.value[BASE_STAT_sub_batches], 2);
    assert_int_equal(watch.value[BASE_STAT_sub_batch_peak_items], 70);
    size = watch.schedule.memory.data;
    assert_int_equal(watch.schedule.count, 2);
    assert_true(size[0] == 70 && size[1] == 30);
    base_watch_end(&watch, &s.env);
    support_env_finish(&s);
}

/* Each moment belongs to one stage, and a stage within another gives the rest back to it. */
static void stages_do_not_overlap(void **test)
{
    struct base_watch watch;
    struct support_env s;
    uint64_t now = 1000;
    enum base_stat outer;

    (void)test;
    support_env_start(&s, 1);
    s.os.ticks = ticking;
    s.os.ticks_ctx = &now;
    base_watch_begin(&watch, &s.os, NULL, NULL);
    s.env.watch = &watch;
    assert_int_equal(base_watch_stage(&s.env, BASE_STAT_attach_seconds), BASE_STATS);
    now += 5;
    outer = base_watch_stage(&s.env, BASE_STAT_layout_seconds);
    assert_int_equal(outer, BASE_STAT_attach_seconds);
    now += 70;
    base_watch_stage(&s.env, outer);
    now += 2;
    base_watch_stage(&s.env, BASE_STATS);
    now += 1000;
    base_watch_stage(&s.env, BASE_STATS);
    assert_int_equal(watch.value[BASE_STAT_attach_seconds], 7);
    assert_int_equal(watch.value[BASE_STAT_layout_seconds], 70);
    base_watch_end(&watch, &s.env);
    support_env_finish(&s);
}

static void no_clock_unless_asked(void **test)
{
    struct base_watch watch;
    struct support_env s;

    (void)test;
    support_env_start(&s, 1);
    base_watch_begin(&watch, NULL, NULL, NULL);
    s.env.watch = &watch;
    base_watch_stage(&s.env, BASE_STAT_attach_seconds);
    base_watch_stage(&s.env, BASE_STATS);
    assert_int_equal(s.os.calls[BASE_OS_TICKS], 0);
    assert_int_equal(watch.value[BASE_STAT_attach_seconds], 0);
    base_watch_begin(&watch, &s.os, NULL, NULL);
    base_watch_stage(&s.env, BASE_STAT_attach_seconds);
    base_watch_stage(&s.env, BASE_STATS);
    assert_int_equal(s.os.calls[BASE_OS_TICKS], 2);
    support_env_finish(&s);
}

static void parts_of_parts(void **test)
{
    struct listener l = { .n = 0 };
    struct base_watch watch;
    struct base_span whole, inner;
    struct support_env s;

    (void)test;
    support_env_start(&s, 1);
    base_watch_begin(&watch, NULL, listen, &l);
    s.env.watch = &watch;
    whole = base_watch_span(&s.env);
    base_watch_part(&s.env, whole, 0.5, 1);
    inner = base_watch_span(&s.env);
    base_watch_part(&s.env, inner, 0.5, 1);
    base_watch_tell(&s.env, 0.5);
    base_watch_part(&s.env, inner, 0, 0.5); /* back: what is told does not fall */
    base_watch_tell(&s.env, 0);
    base_watch_part(&s.env, whole, 1, 1);
    assert_int_equal(l.n, 6);
    assert_true(l.told[0] == 0.5 && l.told[1] == 0.75 && l.told[2] == 0.875 && l.told[3] == 0.875 && l.told[4] == 0.875 && l.told[5] == 1);
    support_env_finish(&s);
}

static void body(void *ctx, size_t begin, size_t end, int thread)
{
    (void)thread;
    base_par_add(ctx, end - begin);
}

/* A loop tells about a hundred times how far it is, by the calling thread alone, and as often for each share that this does for others. */
static void loops_tell(void **test)
{
    struct base_watch watch;
    struct support_env s;

    (void)test;
    for (int threads = 1; threads <= 2; threads++) {
        struct listener l = { .n = 0 };
        uint64_t done = 0;

        support_env_start(&s, threads);
        base_watch_begin(&watch, NULL, listen, &l);
        s.env.watch = &watch;
        base_par_for(&s.env, 1000000, 100, body, &done);
        assert_int_equal(done, 1000000);
        if (threads == 1) assert_in_range(l.n, 90, 101);
        assert_true(l.n <= 101 * (size_t)threads);
        for (size_t i = 1; i < l.n; i++) assert_true(l.told[i] >= l.told[i - 1] && l.told[i] <= 1);
        support_env_finish(&s);
    }
}

/* The loop goes on to its end, what follows is asked no more. */
static void stop(void **test)
{
    struct listener l = { .stop_at = 3 };
    struct pcct_error err = { 0, "" };
    struct base_watch watch;
    struct support_env s;
    uint64_t done = 0;

    (void)test;
    support_env_start(&s, 1);
    base_watch_begin(&watch, NULL, listen, &l);
    s.env.watch = &watch;
    assert_int_equal(base_watch_stopped(&s.env), 0);
    base_par_for(&s.env, 1000, 10, body, &done);
    assert_int_equal(done, 1000);
    assert_int_equal(l.n, 3);
    assert_int_equal(base_watch_stopped(&s.env), 1);
    assert_int_equal(base_watch_check(&s.env, &err), PCCT_E_CANCELLED);
    assert_int_equal(err.code, PCCT_E_CANCELLED);
    support_env_finish(&s);
}

static int schedule_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct base_watch watch;
    struct base_env watched = *env;
    int status;

    (void)ctx;
    base_watch_begin(&watch, NULL, NULL, NULL);
    watched.watch = &watch;
    status = base_watch_sub_batch(&watched, 1, err);
    base_watch_end(&watch, env);
    return status;
}

static void memory_may_fail(void **test)
{
    struct support_env s;

    (void)test;
    support_env_start(&s, 1);
    assert_int_equal(support_fail_each(&s, schedule_call, NULL), 1);
    support_env_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_watches), cmocka_unit_test(counts), cmocka_unit_test(stages_do_not_overlap), cmocka_unit_test(no_clock_unless_asked),
        cmocka_unit_test(parts_of_parts), cmocka_unit_test(loops_tell), cmocka_unit_test(stop), cmocka_unit_test(memory_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
