/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/labels.h"

#include <stdlib.h>
#include <string.h>

enum { LABELS = 300 };

/* A naive map of small labels to live nodes, beside states whose nodes are all children of the root: lists and levels do not matter here. */
struct world {
    struct support_index s;
    uint32_t node[LABELS]; /* INDEX_NONE: not live */
};

static void start(struct world *w, int threads)
{
    support_index_start(&w->s, "euclidean", 1, threads);
    for (int i = 0; i < LABELS; i++) w->node[i] = INDEX_NONE;
}

static void expect(struct world *w)
{
    struct pcct_error err = { 0, "" };

    for (int i = 0; i < LABELS; i++) {
        uint32_t node = 0;

        support_ok(index_find(&node, &w->s.state, i * 7 - 100, &err), &err);
        assert_int_equal(node, w->node[i]);
        assert_int_equal(index_find_prepared(&w->s.state, i * 7 - 100), w->node[i]);
        assert_int_equal(index_find_prepared(&w->s.state, i * 7 - 99), INDEX_NONE);
    }
    assert_int_equal(index_find_prepared(&w->s.state, INT64_MIN), INDEX_NONE);
    assert_int_equal(index_find_prepared(&w->s.state, INT64_MAX), INDEX_NONE);
}

/* Kills the live ones among these labels if asked, then gives each that is not live a new row, in this order. */
static void batch(struct world *w, const int *label, size_t n, int kill)
{
    struct index_state *state = &w->s.state;
    struct pcct_error err = { 0, "" };
    uint32_t dead[LABELS] = { 0 };
    int64_t fresh[LABELS] = { 0 };
    double point[LABELS] = { 0 };
    struct index_seat seat[LABELS] = { { 0, 0, 0 } };
    size_t n_dead = 0, n_new = 0;

    for (size_t i = 0; i < n && kill; i++) {
        if (w->node[label[i]] == INDEX_NONE || w->node[label[i]] == state->root) continue;
        dead[n_dead++] = w->node[label[i]];
        w->node[label[i]] = INDEX_NONE;
    }
    support_ok(index_bury(state, dead, n_dead, &err), &err);
    for (size_t i = 0; i < n; i++) {
        if (w->node[label[i]] != INDEX_NONE || (kill && label[i] % 3 == 0)) continue;
        w->node[label[i]] = state->n + (uint32_t)n_new;
        seat[n_new] = (struct index_seat){ w->node[label[i]], state->root, 900 };
        if (state->root == INDEX_NONE) seat[n_new].parent = n_new == 0 ? INDEX_NONE : state->n;
        if (seat[n_new].parent == INDEX_NONE) seat[n_new].level = INDEX_LEVEL_BIAS;
        point[n_new] = label[i];
        fresh[n_new++] = label[i] * 7 - 100;
    }
    support_ok(index_append(state, point, fresh, n_new, &err), &err);
    for (size_t i = 0; i < n_new; i++) { /* rows without a seat are not live */
        if (state->labels) assert_int_equal(index_find_prepared(state, fresh[i]), INDEX_NONE);
    }
    support_ok(index_attach(state, seat, n_new, &err), &err);
}

static void test_ascending_then_not(void **state)
{
    struct world w;
    int label[LABELS];

    (void)state;
    for (int early = 0; early < 2; early++) {
        struct pcct_error err = { 0, "" };

        start(&w, 2);
        if (early) support_ok(index_labels_prepare(&w.s.state, &err), &err);
        for (int i = 0; i < 100; i++) label[i] = 2 * i;
        batch(&w, label, 100, 0);
        expect(&w);
        assert_true(index_labels_memory(&w.s.state) < 100); /* no table is needed */
        for (int i = 0; i < 30; i++) label[i] = 3 * i + 1;
        batch(&w, label, 30, 1); /* some die and come back in new rows: labels no longer ascend */
        expect(&w);
        assert_true(index_labels_memory(&w.s.state) > 100);
        support_index_free(&w.s);
    }
}

static void test_against_naive_map(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct world w;
        struct base_random random;

        base_random_seed(&random, 41);
        start(&w, threads);
        for (int round = 0; round < 400; round++) {
            int label[LABELS];
            char used[LABELS] = { 0 };
            size_t n = 0;

            for (uint64_t k = base_random_below(&random, 20); k > 0; k--) {
                int i = (int)base_random_below(&random, LABELS);

                if (!used[i]) label[n++] = i;
                used[i] = 1;
            }
            batch(&w, label, n, (int)base_random_below(&random, 2));
            if (round % 10 == 0) expect(&w);
        }
        expect(&w);
        index_labels_free(&w.s.state); /* made anew it finds the same */
        expect(&w);
        support_index_free(&w.s);
    }
}

/* The same label again and again: the table does not fill with the dead. */
static void test_one_label_many_rows(void **state)
{
    struct world w;
    int label[2] = { 1, 2 };
    uint64_t memory = 0;

    (void)state;
    start(&w, 1);
    batch(&w, (int[]){ 0 }, 1, 0);
    for (int round = 0; round < 3000; round++) {
        batch(&w, label, 2, 1);
        if (round == 10) expect(&w);
        if (round == 10) memory = index_labels_memory(&w.s.state);
    }
    expect(&w);
    assert_true(index_labels_memory(&w.s.state) == memory);
    support_index_free(&w.s);
}

/* Rows that were added are forgotten and rows that died are found again, also where one took the other's label. */
static void test_undo(void **state)
{
    static const double point[] = { 0, 1, 2, 3 };
    static const int64_t label[] = { 40, 30, 20, 10 }, again[] = { 20, 10, 50 };
    static const uint32_t dead[] = { 2, 3 };
    const struct index_seat seat[] = { { 0, INDEX_NONE, 1030 }, { 1, 0, 1000 }, { 2, 0, 1000 }, { 3, 0, 1000 } };
    const struct index_seat reseat[] = { { 4, 0, 1000 }, { 5, 0, 1000 }, { 6, 0, 1000 } };
    struct support_index s;
    struct index_frame frame;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_index_start(&s, "euclidean", 1, 1);
    support_ok(index_append(&s.state, point, label, 4, &err), &err);
    support_ok(index_attach(&s.state, seat, 4, &err), &err);
    support_ok(index_labels_prepare(&s.state, &err), &err);
    for (int round = 0; round < 3; round++) {
        index_frame_init(&frame, &s.support.env);
        index_frame_begin(&frame, &s.state);
        support_ok(index_bury(&s.state, dead, 2, &err), &err);
        support_ok(index_append(&s.state, point, again, 3, &err), &err);
        support_ok(index_attach(&s.state, reseat, 3, &err), &err);
        support_ok(index_frame_seal(&frame, &s.state, &err), &err);
        for (uint32_t i = 0; i < 3; i++) assert_int_equal(index_find_prepared(&s.state, again[i]), 4 + i);
        support_ok(index_undo(&s.state, &frame, &err), &err);
        for (uint32_t i = 0; i < 4; i++) assert_int_equal(index_find_prepared(&s.state, label[i]), i);
        assert_int_equal(index_find_prepared(&s.state, 50), INDEX_NONE);
        index_frame_free(&frame);
    }
    index_labels_strike(&s.state, 3);
    assert_int_equal(index_find_prepared(&s.state, 10), INDEX_NONE);
    assert_int_equal(index_find_prepared(&s.state, 20), 2);
    index_labels_revive(&s.state, &dead[1], 1);
    assert_int_equal(index_find_prepared(&s.state, 10), 3);
    support_index_free(&s);
}

static int prepare_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct world *w = ctx;

    (void)env;
    index_labels_free(&w->s.state);
    return index_labels_prepare(&w->s.state, err);
}

static void test_without_memory(void **state)
{
    struct world w;

    (void)state;
    start(&w, 2);
    batch(&w, (int[]){ 5, 4, 3, 9 }, 4, 0);
    assert_int_equal(support_fail_each(&w.s.support, prepare_call, &w), 2);
    expect(&w);
    support_index_free(&w.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascending_then_not),
        cmocka_unit_test(test_against_naive_map),
        cmocka_unit_test(test_one_label_many_rows),
        cmocka_unit_test(test_undo),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
