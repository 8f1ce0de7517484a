/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One batch after the other, every kind of points and deaths: T1 to T6 hold after each, and each node is where the naive tree has it. */
static void run(const char *metric, uint32_t dim, enum support_kind kind, int threads)
{
    struct support_index s;
    struct index_frame frame;
    struct base_random random;

    base_random_seed(&random, 7 * (uint64_t)kind + dim);
    support_index_start(&s, metric, dim, threads);
    for (int round = 0; round < 10; round++) {
        index_frame_init(&frame, &s.support.env);
        support_index_batch(&s, &frame, kind, base_random_below(&random, 150), (enum support_pick)(round % SUPPORT_PICKS), 40, &random);
        index_frame_free(&frame);
        support_index_sound(&s.state);
        for (uint32_t i = 0; i < s.state.n; i++) {
            if (i != s.state.root) assert_int_equal(index_level(&s.state)[i], s.tree.level[i]);
            assert_int_equal(index_parent(&s.state)[i], s.tree.parent[i]);
        }
    }
    support_index_free(&s);
}

static void test_batches(void **state)
{
    (void)state;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) run("euclidean", 1 + (uint32_t)kind % 3, (enum support_kind)kind, 1 + kind % 4);
    run("haversine", 2, SUPPORT_LATTICE, 2);
    for (int d = SUPPORT_OTHERS; d < SUPPORT_SPACES; d++) run(support_spaces[d].metric, support_spaces[d].dim, SUPPORT_LATTICE, 2);
    run("chebyshev", 2, SUPPORT_DENORMAL, 2);
}

/* 1, 2 and 4 threads make the same arrays. */
static void test_threads(void **state)
{
    struct support_index s[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct index_frame frame;
        struct base_random random;

        base_random_seed(&random, 5);
        support_index_start(&s[i], "haversine", 2, 1 << i);
        for (int round = 0; round < 3; round++) {
            index_frame_init(&frame, &s[i].support.env);
            support_index_batch(&s[i], &frame, SUPPORT_BOX, 1500, SUPPORT_PICK_ANY, 700, &random);
            index_frame_free(&frame);
        }
        support_state_equal(&s[i].state, &s[0].state);
    }
    for (int i = 0; i < 3; i++) support_index_free(&s[i]);
}

/* The five points 0, 1, 3, 10, 1 (again) on a line; node 0 the root. */
static void line(struct support_index *s)
{
    static const double point[] = { 0, 1, 3, 10, 1 };
    static const int64_t label[] = { 10, 11, 12, 13, 14 };
    static const struct index_seat seat[] = {
        { 4, 1, INDEX_LEVEL_TWIN }, { 3, 0, 3 + INDEX_LEVEL_BIAS }, { 0, INDEX_NONE, INDEX_LEVEL_BIAS }, { 1, 0, -1 + INDEX_LEVEL_BIAS },
        { 2, 0, 1 + INDEX_LEVEL_BIAS },
    };
    struct pcct_error err = { 0, "" };

    support_index_start(s, "euclidean", 1, 1);
    support_ok(index_append(&s->state, point, label, 5, &err), &err);
    assert_int_equal(s->state.n_live, 0);
    assert_int_equal(s->state.next_label, 15);
    for (uint32_t i = 0; i < 5; i++) assert_false(index_is_live(&s->state, i));
    support_ok(index_attach(&s->state, seat, 5, &err), &err);
    support_ok(index_settle_root(&s->state, &err), &err);
}

static void test_line(void **state)
{
    struct support_index s;

    (void)state;
    line(&s);
    assert_int_equal(s.state.root, 0);
    assert_int_equal(s.state.n_live, 5);
    assert_int_equal(s.state.twins, 1);
    assert_int_equal(index_level(&s.state)[0], 4 + INDEX_LEVEL_BIAS);
    assert_int_equal(s.state.level_count[4 + INDEX_LEVEL_BIAS], 1);
    assert_int_equal(s.state.level_count[INDEX_LEVEL_BIAS], 0); /* where the root was before it was settled */
    assert_int_equal(index_child(&s.state)[0], 1);
    assert_int_equal(index_next(&s.state)[1], 2);
    assert_int_equal(index_next(&s.state)[2], 3);
    assert_int_equal(index_next(&s.state)[3], INDEX_NONE);
    assert_int_equal(index_child(&s.state)[1], 4);
    assert_true(index_pdist(&s.state)[3] == 10 && index_pdist(&s.state)[4] == 0 && index_pdist(&s.state)[0] == 0);
    assert_true(isinf(index_node_reach(&s.state, 0)) && index_node_reach(&s.state, 3) == 64 && index_node_reach(&s.state, 1) == 0.25);
    assert_true(index_node_reach(&s.state, 4) == -1);
    assert_int_equal(s.state.layout.entries, 5);
    assert_true(index_memory(&s.state) > 5 * 46);
    support_index_free(&s);
}

/* The label counter stands above every label that was ever used, and at 0 at least. */
static void test_next_label(void **state)
{
    static const struct { int64_t label, next; } cases[] = {
        { INT64_MIN, 0 }, { 0, 1 }, { 1, 2 }, { 7, 8 }, { 3, 8 }, { INT64_MAX, INT64_MAX },
    };
    static const double point = 1;
    struct support_index s;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_index_start(&s, "euclidean", 1, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        support_ok(index_append(&s.state, &point, &cases[i].label, 1, &err), &err);
        assert_int_equal(s.state.next_label, cases[i].next);
    }
    support_index_free(&s);
}

/* The root falls when what was below it is gone; alone it stands at 0. */
static void test_settle_root(void **state)
{
    static const uint32_t first = 3, rest[] = { 1, 4, 2 };
    struct support_index s;
    struct pcct_error err = { 0, "" };

    (void)state;
    line(&s);
    support_ok(index_bury(&s.state, &first, 1, &err), &err);
    support_ok(index_settle_root(&s.state, &err), &err);
    assert_int_equal(index_level(&s.state)[0], 2 + INDEX_LEVEL_BIAS);
    support_ok(index_bury(&s.state, rest, 3, &err), &err);
    support_ok(index_settle_root(&s.state, &err), &err);
    assert_int_equal(index_level(&s.state)[0], INDEX_LEVEL_BIAS);
    assert_int_equal(index_child(&s.state)[0], INDEX_NONE);
    assert_int_equal(s.state.level_count[INDEX_LEVEL_BIAS], 1);
    assert_int_equal(s.state.n_live, 1);
    support_index_free(&s);
}

/* What bury promises of orphans, and a twin that waits under a dead parent for its next seat. */
static void test_orphans_wait(void **state)
{
    static const uint32_t dead[] = { 1, 0 };
    struct support_index s;
    struct index_seat seat;
    struct pcct_error err = { 0, "" };

    (void)state;
    line(&s);
    support_ok(index_set_radius(&s.state, 2, 0.5, &err), &err);
    support_ok(index_bury(&s.state, dead, 2, &err), &err);
    assert_int_equal(s.state.root, INDEX_NONE);
    assert_int_equal(s.state.n_live, 3);
    assert_int_equal(s.state.layout.entries, 3);
    assert_int_equal(index_level(&s.state)[1], INDEX_LEVEL_DEAD);
    assert_int_equal(index_child(&s.state)[0], INDEX_NONE);
    assert_int_equal(index_parent(&s.state)[0], INDEX_NONE);
    assert_int_equal(index_parent(&s.state)[2], 0); /* still */
    assert_int_equal(index_parent(&s.state)[4], 1);
    assert_int_equal(index_level(&s.state)[2], 1 + INDEX_LEVEL_BIAS);
    assert_true(index_radius(&s.state)[2] == 0.5);
    assert_int_equal(index_next(&s.state)[2], INDEX_NONE);
    seat = (struct index_seat){ 4, 0, -1 + INDEX_LEVEL_BIAS }; /* takes over from 1, whose parent is dead too */
    support_ok(index_attach(&s.state, &seat, 1, &err), &err);
    assert_int_equal(s.state.twins, 0);
    assert_int_equal(index_next(&s.state)[4], INDEX_NONE);
    assert_int_equal(index_child(&s.state)[0], INDEX_NONE);
    seat = (struct index_seat){ 3, INDEX_NONE, 3 + INDEX_LEVEL_BIAS };
    support_ok(index_attach(&s.state, &seat, 1, &err), &err);
    assert_int_equal(s.state.root, 3);
    seat = (struct index_seat){ 2, 3, 2 + INDEX_LEVEL_BIAS };
    support_ok(index_attach(&s.state, &seat, 1, &err), &err);
    seat = (struct index_seat){ 4, 2, 0 + INDEX_LEVEL_BIAS };
    support_ok(index_attach(&s.state, &seat, 1, &err), &err);
    support_ok(index_raise_radius(&s.state, 2, 2, &err), &err);
    support_ok(index_raise_radius(&s.state, 2, 1, &err), &err);
    assert_true(index_radius(&s.state)[2] == 2);
    support_ok(index_raise_radius(&s.state, 3, 9, &err), &err);
    support_ok(index_settle_root(&s.state, &err), &err);
    assert_int_equal(index_check(&s.state, &err), PCCT_E_DAMAGED); /* all but the digest: no frame kept it */
    assert_non_null(strstr(err.message, "digest"));
    support_index_free(&s);
}

/* The layout made anew holds the same. */
static void test_rebuild_layout(void **state)
{
    struct support_index s;
    struct index_frame frame;
    struct base_random random;
    struct pcct_error err = { 0, "" };

    (void)state;
    base_random_seed(&random, 8);
    support_index_start(&s, "euclidean", 2, 2);
    support_ok(index_rebuild_layout(&s.state, &err), &err);
    for (int round = 0; round < 3; round++) {
        index_frame_init(&frame, &s.support.env);
        support_index_batch(&s, &frame, SUPPORT_LATTICE, 300, SUPPORT_PICK_ANY, 100, &random);
        index_frame_free(&frame);
    }
    block_free(&s.state.layout);
    support_ok(index_rebuild_layout(&s.state, &err), &err);
    support_index_sound(&s.state);
    support_index_free(&s);
}

static int build_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    static const double point[] = { 0, 0, 1, 0, 1, 0 };
    static const int64_t label[] = { 5, 4, 3 };
    static const struct index_seat seat[] = { { 0, INDEX_NONE, INDEX_LEVEL_BIAS }, { 1, 0, INDEX_LEVEL_BIAS - 1 }, { 2, 1, INDEX_LEVEL_TWIN } };
    static const uint32_t dead = 1;
    struct index_state state;
    int status = 0;

    index_init(&state, env, ctx, 1);
    TRY(index_append(&state, point, label, 3, err));
    TRY(index_labels_prepare(&state, err));
    TRY(index_attach(&state, seat, 3, err));
    TRY(index_bury(&state, &dead, 1, err));
    TRY(index_rebuild_layout(&state, err));
    assert_int_equal(state.n_live, 2);
done:
    index_free(&state);
    index_free(&state); /* once more does no harm */
    return status;
}

static void test_without_memory(void **state)
{
    struct support_env support;
    struct metric metric;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&support, 1);
    support_ok(metric_init(&metric, "haversine", 2, METRIC_ISA_BEST, &err), &err);
    assert_true(support_fail_each(&support, build_call, &metric) > 20);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches),      cmocka_unit_test(test_threads),        cmocka_unit_test(test_line),
        cmocka_unit_test(test_next_label),
        cmocka_unit_test(test_settle_root),  cmocka_unit_test(test_orphans_wait),   cmocka_unit_test(test_rebuild_layout),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
