/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/digest.h"
#include "index/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_reach_and_distance(void **state)
{
    struct index_row row = { 0, 0, INDEX_NONE, INDEX_LEVEL_BIAS + 2, 0 };
    struct support_index s;
    struct base_random random;

    (void)state;
    support_index_start(&s, "haversine", 2, 1);
    assert_true(isinf(index_row_reach(&s.metric, &row)) && index_row_reach(&s.metric, &row) > 0);
    row.parent = 4;
    assert_true(index_row_reach(&s.metric, &row) == 16);
    row.level = INDEX_LEVEL_TWIN;
    assert_true(index_row_reach(&s.metric, &row) == -1 && index_row_is_live(&row));
    row.level = INDEX_LEVEL_DEAD;
    assert_true(isinf(index_row_reach(&s.metric, &row)) && index_row_reach(&s.metric, &row) < 0 && !index_row_is_live(&row));
    assert_true(index_level_reach(&s.metric, INDEX_LEVEL_BIAS + METRIC_LEVEL_MIN) == 0); /* below every key but 0 */
    base_random_seed(&random, 1);
    support_index_batch(&s, NULL, SUPPORT_BOX, 5, SUPPORT_PICK_ANY, 0, &random);
    assert_true(index_row_pdist(&s.state, 1, INDEX_NONE) == 0);
    assert_true(index_row_pdist(&s.state, 1, 2) == sqrt(index_key(&s.state, 1, 2)));
    assert_int_equal(index_array_bytes(&s.metric, INDEX_POINT), 16);
    assert_int_equal(index_array_bytes(&s.metric, INDEX_PLACE), 24);
    assert_int_equal(index_array_bytes(&s.metric, INDEX_LEVEL), 2);
    support_index_free(&s);
}

/* A whole tree moved away and put back in one step each: everything is as before, by every number of threads. */
static void test_all_rows_at_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct support_index s;
        struct index_state before;
        struct index_frame frame;
        struct base_random random;
        struct pcct_error err = { 0, "" };
        struct index_change *move = calloc(10000, sizeof *move);
        size_t n = 0;

        base_random_seed(&random, 3);
        support_index_start(&s, "euclidean", 2, threads);
        index_frame_init(&frame, &s.support.env);
        support_index_batch(&s, &frame, SUPPORT_LATTICE, 9000, SUPPORT_PICK_ANY, 0, &random);
        index_frame_free(&frame);
        support_state_copy(&before, &s.state);
        for (uint32_t i = 0; i < s.state.n; i++) {
            move[n++] = (struct index_change){ i, index_row_get(&s.state, i), { 0, 0, INDEX_NONE, INDEX_LEVEL_DEAD, 0 } };
        }
        support_ok(index_rows_move(&s.state, move, n, &err), &err);
        assert_int_equal(s.state.n_live, 0);
        assert_int_equal(s.state.root, INDEX_NONE);
        assert_int_equal(s.state.twins, 0);
        assert_int_equal(s.state.layout.entries, 0);
        for (int i = 0; i < INDEX_LEVELS; i++) assert_int_equal(s.state.level_count[i], 0);
        for (uint32_t i = 0; i < s.state.n; i++) {
            struct index_row swap = move[i].before;

            assert_true(index_child(&s.state)[i] == INDEX_NONE && index_next(&s.state)[i] == INDEX_NONE);
            move[i].before = move[i].after;
            move[i].after = swap;
        }
        support_ok(index_rows_move(&s.state, move, n, &err), &err);
        support_state_equal(&s.state, &before);
        support_index_sound(&s.state);
        free(move);
        index_free(&before);
        support_index_free(&s);
    }
}

/* A child that only changes its level changes its place in the list; counts counted anew agree. */
static void test_level_within_a_list(void **state)
{
    static const double point[] = { 0, 1, 2, 3 };
    static const int64_t label[] = { 0, 1, 2, 3 };
    static const struct index_seat seat[] = { { 0, INDEX_NONE, 1030 }, { 1, 0, 1020 }, { 2, 0, 1021 }, { 3, 0, 1022 } };
    struct support_index s;
    struct index_state copy;
    struct index_change move;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_index_start(&s, "euclidean", 1, 1);
    support_ok(index_append(&s.state, point, label, 4, &err), &err);
    support_ok(index_attach(&s.state, seat, 4, &err), &err);
    move = (struct index_change){ 1, index_row_get(&s.state, 1), index_row_get(&s.state, 1) };
    move.after.level = 1023;
    support_ok(index_rows_move(&s.state, &move, 1, &err), &err);
    assert_true(index_child(&s.state)[0] == 2 && index_next(&s.state)[2] == 3 && index_next(&s.state)[3] == 1);
    assert_int_equal(index_next(&s.state)[1], INDEX_NONE);
    support_state_copy(&copy, &s.state);
    memset(copy.level_count, 7, sizeof copy.level_count);
    copy.n_live = 0;
    copy.twins = 9;
    index_recount(&copy);
    support_state_equal(&copy, &s.state);
    index_free(&copy);
    support_index_free(&s);
}

enum { ROWS = 200 };

struct founding {
    struct support_index *s;
    const struct index_state *wanted;
};

/* The rows of a tree in a state that has them and nothing else, and a layout whose reaches are all wrong. */
static int found_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct founding *f = ctx;
    const struct index_state *wanted = f->wanted;
    struct index_state bare;
    struct block_layout layout;
    struct block_source source;
    uint32_t node[ROWS];
    int status = 0;

    index_init(&bare, env, &wanted->metric, wanted->seed);
    block_init(&layout, env, &bare.metric);
    block_keep_rows(&layout);
    TRY(index_append(&bare, index_points(wanted), index_label(wanted), ROWS, err));
    for (uint32_t i = 0; i < ROWS; i++) {
        struct index_row row = index_row_get(wanted, i);

        index_row_put(&bare, i, &row);
        node[i] = ROWS - 1 - i;
    }
    source = index_source(&bare);
    source.reach = NULL;
    TRY(block_build(&layout, &source, node, ROWS, 64, err));
    TRY(index_rows_found(&bare, &layout, err));
    assert_int_equal(layout.entries, 0); /* it was taken */
    bare.next_label = wanted->next_label;
    memcpy(bare.digest, wanted->digest, sizeof bare.digest);
    support_state_equal(&bare, wanted);
    memset(bare.digest, 0, sizeof bare.digest);
    index_digest_rows(bare.digest, &bare, 0, ROWS);
    TRY(index_check(&bare, err));
done:
    block_free(&layout);
    index_free(&bare);
    return status;
}

static void test_found_at_once(void **state)
{
    struct support_index s;
    struct base_random random;
    struct founding f = { &s, &s.state };

    (void)state;
    base_random_seed(&random, 4);
    support_index_start(&s, "euclidean", 2, 2);
    support_index_batch(&s, NULL, SUPPORT_LATTICE, ROWS, SUPPORT_PICK_ANY, 0, &random);
    assert_true(s.state.twins > 10);
    assert_true(support_fail_each(&s.support, found_call, &f) >= 8);
    support_index_free(&s);
}

struct moving {
    struct index_state *state;
    struct index_change move[2];
};

static int move_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct moving *m = ctx;

    (void)env;
    return index_rows_move(m->state, m->move, 2, err);
}

static void test_without_memory(void **state)
{
    struct support_index s;
    struct index_state before;
    struct base_random random;
    struct moving m;

    (void)state;
    base_random_seed(&random, 4);
    support_index_start(&s, "euclidean", 2, 1);
    support_index_batch(&s, NULL, SUPPORT_GAUSS, 20, SUPPORT_PICK_ANY, 0, &random);
    support_state_copy(&before, &s.state);
    m.state = &s.state;
    for (uint32_t i = 0; i < 2; i++) { /* children change their parents: nothing but lists, whose memory is taken before anything changes */
        uint32_t node = index_child(&s.state)[s.state.root], other = index_next(&s.state)[node];

        m.move[i].node = i == 0 ? node : other;
        m.move[i].before = m.move[i].after = index_row_get(&s.state, m.move[i].node);
        m.move[i].after.level = (int16_t)(m.move[i].after.level - 200);
    }
    assert_true(support_fail_each(&s.support, move_call, &m) >= 8);
    for (uint32_t i = 0; i < 2; i++) {
        struct index_row swap = m.move[i].before;

        m.move[i].before = m.move[i].after;
        m.move[i].after = swap;
    }
    assert_int_equal(index_rows_move(&s.state, m.move, 2, NULL), 0);
    support_state_equal(&s.state, &before);
    index_free(&before);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reach_and_distance),
        cmocka_unit_test(test_all_rows_at_once),
        cmocka_unit_test(test_level_within_a_list),
        cmocka_unit_test(test_found_at_once),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
