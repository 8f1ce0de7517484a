/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <string.h>

enum { POINTS = 3000 };

/* A clock that goes on by a thousandth of a second each time it is read. */
static uint64_t tick(void *ctx)
{
    return *(uint64_t *)ctx += 1000000;
}

static pcct_batch *batch_of(struct support_api *s, size_t n, int timing)
{
    static double points[POINTS * 2];
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    support_points(points, POINTS, 2, SUPPORT_UNIFORM, 3);
    options.timing = timing;
    support_ok(pcct_batch_begin(&batch, s->store, NULL, &options, &err), &err);
    support_ok(pcct_batch_insert(batch, points, n, NULL, &err), &err);
    return batch;
}

static void the_list(void **test)
{
    static const struct pcct_stats zero = { .size = sizeof zero };
    struct pcct_stats stats = { .size = sizeof stats };
    struct pcct_stat stat = { .size = sizeof stat };
    size_t n = 0;

    (void)test;
    stats.locate_seconds = 0.25;
    stats.kept_pairs = 77;
    stats.working_peak_bytes = UINT64_MAX;
    for (; pcct_stats_item(&stat, &stats, n) == 0; n++) {
        int seconds = stat.kind == PCCT_STAT_IS_SECONDS;

        assert_int_equal(stat.size, sizeof stat);
        assert_true(strlen(stat.name) > 0 && strlen(stat.meaning) > 10);
        assert_int_equal(seconds, strcmp(stat.unit, "s") == 0);
        assert_true(stat.seconds == (strcmp(stat.name, "locate_seconds") == 0 ? 0.25 : 0));
        if (strcmp(stat.name, "kept_pairs") == 0) assert_true(stat.count == 77 && stat.kind == PCCT_STAT_IS_COUNT);
        else if (strcmp(stat.name, "working_peak_bytes") == 0) assert_true(stat.count == UINT64_MAX && stat.kind == PCCT_STAT_IS_PEAK);
        else assert_int_equal(stat.count, 0);
    }
    assert_int_equal(n, BASE_STATS);
    assert_int_equal(sizeof stats, sizeof(size_t) + n * 8);
    assert_int_equal(pcct_stats_item(&stat, &stats, n), PCCT_E_NOT_FOUND);
    assert_int_equal(pcct_stats_item(&stat, NULL, 0), 0);
    assert_string_equal(stat.name, "wait_seconds");
    assert_int_equal(pcct_stats_item(NULL, &zero, 0), PCCT_E_INVALID);
}

/* A caller built against an older header has a shorter structure: nothing beyond it is written or read. */
static void shorter_structures(void **test)
{
    struct pcct_stats stats;
    struct pcct_stat stat = { .size = offsetof(struct pcct_stat, meaning) };
    struct support_api s;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    (void)test;
    support_api_start(&s, "euclidean");
    batch = batch_of(&s, POINTS, 0);
    support_ok(pcct_batch_commit(NULL, batch, NULL, &err), &err);
    memset(&stats, 0xff, sizeof stats);
    stats.size = offsetof(struct pcct_stats, dominated_items);
    assert_int_equal(pcct_batch_stats(&stats, batch), 0);
    assert_int_equal(stats.size, offsetof(struct pcct_stats, dominated_items));
    assert_int_equal(stats.items, POINTS);
    assert_true(stats.dominated_items == UINT64_MAX);
    stat.meaning = NULL;
    assert_int_equal(pcct_stats_item(&stat, &stats, BASE_STAT_items), 0);
    assert_string_equal(stat.name, "items");
    assert_null(stat.meaning);
    stat.size = sizeof stat;
    assert_int_equal(pcct_stats_item(&stat, &stats, BASE_STAT_items), 0);
    assert_int_equal(stat.count, POINTS);
    assert_int_equal(pcct_stats_item(&stat, &stats, BASE_STAT_dominated_items), 0);
    assert_int_equal(stat.count, 0);
    stats.size = 0;
    assert_int_equal(pcct_batch_stats(&stats, batch), PCCT_E_INVALID);
    pcct_batch_close(batch);
    support_api_finish(&s);
}

static void clocks_are_read_when_asked(void **test)
{
    struct pcct_stats stats = { .size = sizeof stats };
    struct pcct_stat stat = { .size = sizeof stat };
    struct support_api s;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t now = 0, before = 0;
    double sum = 0;

    (void)test;
    support_api_start(&s, "euclidean");
    s.store->os.ticks = tick;
    s.store->os.ticks_ctx = &now;
    batch = batch_of(&s, POINTS, 0);
    support_ok(pcct_batch_commit(NULL, batch, NULL, &err), &err);
    assert_int_equal(pcct_batch_stats(&stats, batch), 0);
    assert_int_equal(now, 0);
    assert_int_equal(s.store->os.calls[BASE_OS_TICKS], 0);
    for (size_t i = 0; pcct_stats_item(&stat, &stats, i) == 0; i++) assert_true(stat.seconds == 0);
    pcct_batch_close(batch);
    batch = batch_of(&s, POINTS, 1);
    before = s.store->os.calls[BASE_OS_TICKS];
    support_ok(pcct_batch_commit(NULL, batch, NULL, &err), &err);
    assert_int_equal(pcct_batch_stats(&stats, batch), 0);
    for (size_t i = 0; pcct_stats_item(&stat, &stats, i) == 0; i++) {
        if (stat.kind == PCCT_STAT_IS_SECONDS && i != BASE_STAT_remove_seconds) assert_true(stat.seconds >= 0.001);
        sum += stat.seconds;
    }
    /* from the first reading to the last, nothing twice */
    assert_true(sum > ((double)(s.store->os.calls[BASE_OS_TICKS] - before) - 1.5) * 1e-3);
    assert_true(sum < ((double)(s.store->os.calls[BASE_OS_TICKS] - before) - 0.5) * 1e-3);
    pcct_batch_close(batch);
    support_api_finish(&s);
}

/* Where time is not asked for the counts are the same, and they are those of the last commit alone. */
static void counts_and_schedule(void **test)
{
    struct pcct_stats first = { .size = sizeof first }, second = { .size = sizeof second };
    struct pcct_error err = { 0, "" };
    const uint64_t *items = NULL;
    struct support_api s;
    pcct_batch *batch = NULL;
    uint64_t sum = 0;
    size_t n = 9;

    (void)test;
    support_api_start(&s, "euclidean");
    batch = batch_of(&s, POINTS, 0);
    pcct_batch_schedule(&items, &n, batch);
    assert_true(n == 0 && !items);
    support_ok(pcct_batch_commit(NULL, batch, NULL, &err), &err);
    assert_int_equal(pcct_batch_stats(&first, batch), 0);
    pcct_batch_schedule(&items, &n, batch);
    for (size_t i = 0; i < n; i++) sum += items[i];
    assert_int_equal(n, first.sub_batches);
    assert_int_equal(sum, POINTS);
    assert_int_equal(first.items, POINTS);
    assert_int_equal(first.searches, POINTS - 1); /* none for the root, and nothing was halved */
    assert_int_equal(first.sub_batches_halved, 0);
    assert_true(first.dominated_items > 0 && first.dominated_items <= first.kept_pairs && first.kept_pairs <= first.candidate_pairs);
    assert_true(first.twin_items == 0 && first.distances > POINTS && first.arena_peak_bytes > 0);
    assert_true(first.working_peak_bytes > first.arena_peak_bytes / 2 && first.sub_batch_peak_items < POINTS);
    pcct_batch_close(batch);
    batch = batch_of(&s, 7, 1); /* seven points that are there already */
    support_ok(pcct_batch_commit(NULL, batch, NULL, &err), &err);
    assert_int_equal(pcct_batch_stats(&second, batch), 0);
    assert_int_equal(second.items, 7);
    assert_int_equal(second.twin_items, 7);
    assert_int_equal(second.dominated_items, 0);
    assert_int_equal(second.sub_batches, 1);
    assert_int_equal(second.sub_batch_peak_items, 7);
    pcct_batch_close(batch);
    batch = batch_of(&s, 1, 0); /* one point has no conflicts: what is counted is the search in the tree */
    support_ok(pcct_batch_commit(NULL, batch, NULL, &err), &err);
    assert_int_equal(pcct_batch_stats(&second, batch), 0);
    assert_true(second.searches == 1 && second.candidate_pairs == 0 && second.kept_pairs == 0 && second.resolve_rounds == 0);
    assert_true(second.distances > 0 && second.blocks_visited > 0 && second.nodes_visited > 0);
    pcct_batch_close(batch);
    support_api_finish(&s);
}

/* In a batch of one part, that is: those that hang on a point of the batch. */
static void dominated(void **test)
{
    enum { HALF = 16000 };
    struct pcct_stats stats = { .size = sizeof stats };
    struct pcct_error err = { 0, "" };
    double *points = NULL;
    struct support_api s;

    (void)test;
    support_api_start(&s, "euclidean");
    support_ok(base_take(&points, &s.env.env, 4 * HALF, sizeof *points, &err), &err);
    support_points(points, 2 * HALF, 2, SUPPORT_UNIFORM, 9);
    for (int half = 0; half < 2; half++) {
        pcct_batch *batch = NULL;

        support_ok(pcct_batch_begin(&batch, s.store, NULL, NULL, &err), &err);
        support_ok(pcct_batch_insert(batch, points + (size_t)half * 2 * HALF, HALF, NULL, &err), &err);
        support_ok(pcct_batch_commit(NULL, batch, NULL, &err), &err);
        assert_int_equal(pcct_batch_stats(&stats, batch), 0);
        pcct_batch_close(batch);
    }
    assert_int_equal(stats.sub_batches, 1);
    assert_true(stats.resolve_rounds >= 1);
    for (uint32_t row = HALF; row < 2 * HALF; row++) stats.dominated_items -= index_parent(support_api_head(&s))[row] >= HALF;
    assert_int_equal(stats.dominated_items, 0);
    base_free(&s.env.env, points);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_list), cmocka_unit_test(shorter_structures),
                                        cmocka_unit_test(clocks_are_read_when_asked), cmocka_unit_test(counts_and_schedule),
                                        cmocka_unit_test(dominated) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
