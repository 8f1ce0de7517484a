/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <pcct/exchange.h>

#include <stdio.h>
#include <string.h>

enum { EACH = 60, VERSIONS = 4 };

static struct support_api s;

static int set_up(void **state)
{
    double points[2 * EACH];

    (void)state;
    support_api_start(&s, "euclidean");
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        support_points(points, EACH, 2, SUPPORT_GRID, v);
        assert_int_equal(support_api_commit(&s, points, NULL, EACH, (const int64_t[]){ 3, 5 }, v == 3 ? 2 : 0), v);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_api_finish(&s);
    return 0;
}

static struct pcct_replay_result replay(void)
{
    struct pcct_replay_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    support_ok(pcct_replay(&result, s.store, NULL, &err), &err);
    return result;
}

static void what_was_committed(void **state)
{
    struct pcct_replay_result result = replay();

    (void)state;
    assert_int_equal(result.versions, VERSIONS);
    assert_int_equal(result.differs, 0);
    assert_string_equal(result.first, "");
}

static void halve(struct index_state *state)
{
    struct pcct_error err = { 0, "" };

    support_ok(index_set_radius(state, state->root, index_radius(state)[state->root] / 4, &err), &err);
}

/* A frame that can be applied, whose identity fits, and which no commit writes: it is the first that differs, though others follow. */
static void another_tree(void **state)
{
    struct pcct_replay_result result;

    (void)state;
    support_api_commit_frame(&s, VERSIONS, halve, NULL, 0);
    (void)support_api_commit(&s, (const double[]){ 1, 1 }, NULL, 1, NULL, 0);
    result = replay();
    assert_int_equal(result.versions, VERSIONS);
    assert_int_equal(result.differs, VERSIONS + 1);
    assert_string_equal(result.first, "another identity comes out");
}

/* Words in a frame that a reader may skip. */
static void other_words(void **state)
{
    static const uint8_t section[32] = { 77, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8 };
    struct pcct_replay_result result;

    (void)state;
    support_api_commit_frame(&s, VERSIONS, NULL, section, sizeof section);
    result = replay();
    assert_int_equal(result.differs, VERSIONS + 1);
    assert_non_null(strstr(result.first, "frame"));
}

/* A batch that could not have been committed: the label that it adds is live. The frame is made on another state. */
static void impossible(void **state)
{
    struct store_version record = { .parent = VERSIONS, .state_parent = VERSIONS };
    struct base_vector payload = { .item_bytes = 1 }, note = { .item_bytes = 1 };
    struct store_version first;
    struct pcct_error err = { 0, "" };
    struct pcct_replay_result result;

    (void)state;
    support_ok(store_version(&first, &note, s.store->store, 1, &err), &err);
    support_ok(store_frame(&payload, s.store->store, &first, &err), &err);
    record.n_rows = record.n_live = EACH;
    record.identity = first.identity;
    support_ok(store_lock(s.store->store, 1, &err), &err);
    support_ok(store_commit(&record, s.store->store, "main", "", 1, payload.memory.data, payload.count, &err), &err);
    store_unlock(s.store->store);
    base_vector_free(&payload, &s.store->env);
    base_vector_free(&note, &s.store->env);
    result = replay();
    assert_int_equal(result.differs, VERSIONS + 1);
    assert_non_null(strstr(result.first, "label"));
}

static void no_memory(void **state)
{
    struct pcct_replay_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    uint64_t fails = 0;
    int status;

    (void)state;
    do {
        support_env_fail(&s.env, fails + 1);
        status = pcct_replay(&result, s.store, NULL, &err);
        support_env_fail(&s.env, 0);
        assert_true(status == 0 || status == PCCT_E_MEMORY);
        fails++;
    } while (status != 0);
    assert_true(fails > 50 && result.versions == VERSIONS);
    result.size = 2;
    assert_int_equal(pcct_replay(&result, s.store, NULL, &err), PCCT_E_INVALID);
}

static int stop(void *ctx, double done)
{
    int *left = ctx;

    assert_true(done >= 0 && done <= 1);
    return (*left)-- == 0;
}

static void stopped(void **state)
{
    struct pcct_replay_options options = PCCT_REPLAY_OPTIONS_INIT;
    struct pcct_replay_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    int left = 0, stops = 0;

    (void)state;
    options.progress = stop;
    options.progress_ctx = &left;
    while (pcct_replay(&result, s.store, &options, &err) != 0) {
        assert_int_equal(err.code, PCCT_E_CANCELLED);
        left = 3 * ++stops;
    }
    assert_true(stops > 3);
    options.from = "v3";
    left = 1000000;
    support_ok(pcct_replay(&result, s.store, &options, &err), &err);
    assert_int_equal(result.versions, 1);
    options.to = "v2";
    support_ok(pcct_replay(&result, s.store, &options, &err), &err);
    assert_int_equal(result.versions, 0);
    options.from = "v9";
    assert_int_equal(pcct_replay(&result, s.store, &options, &err), PCCT_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_committed, set_up, tear_down), cmocka_unit_test_setup_teardown(another_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_words, set_up, tear_down),        cmocka_unit_test_setup_teardown(impossible, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory, set_up, tear_down),          cmocka_unit_test_setup_teardown(stopped, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
