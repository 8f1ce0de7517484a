/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/rows.h"

#include <string.h>

static void start(struct support_index *s, int threads, struct base_random *random)
{
    struct index_frame frame;

    base_random_seed(random, 71);
    support_index_start(s, "euclidean", 2, threads);
    index_frame_init(&frame, &s->support.env);
    support_index_batch(s, &frame, SUPPORT_LATTICE, 120, SUPPORT_PICK_ANY, 0, random);
    index_frame_free(&frame);
}

/* A sealed frame tells exactly the difference of the rows before and after, each row once, ascending. */
static void test_sealed_frame_is_the_difference(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct support_index s;
        struct base_random random;

        start(&s, threads, &random);
        for (int round = 0; round < 8; round++) {
            struct index_state before;
            struct index_frame frame;
            const struct index_change *change;
            const uint32_t *gone;
            size_t k = 0, g = 0;

            support_state_copy(&before, &s.state);
            index_frame_init(&frame, &s.support.env);
            support_index_batch(&s, &frame, SUPPORT_LATTICE, 30, (enum support_pick)(round % 3), 25, &random);
            change = frame.change.memory.data;
            gone = frame.gone.memory.data;
            assert_true(frame.sealed && !s.state.frame);
            for (uint32_t i = 0; i < before.n; i++) {
                struct index_row a = index_row_get(&before, i), b = index_row_get(&s.state, i);

                if (memcmp(&a, &b, sizeof a) == 0) continue;
                assert_true(k < frame.change.count && change[k].node == i);
                assert_memory_equal(&change[k].before, &a, sizeof a);
                assert_memory_equal(&change[k].after, &b, sizeof b);
                k++;
                if (b.level != INDEX_LEVEL_DEAD) continue;
                assert_true(g < frame.gone.count && gone[g] == i);
                assert_int_equal(((const int64_t *)frame.gone_label.memory.data)[g], index_label(&before)[i]);
                g++;
            }
            assert_int_equal(k, frame.change.count);
            assert_int_equal(g, frame.gone.count);
            assert_int_equal(frame.n_before, before.n);
            assert_int_equal(frame.n_after, s.state.n);
            assert_int_equal(frame.added.count, 30);
            assert_memory_equal(frame.point.data, index_points(&s.state) + 2 * (size_t)before.n, 30 * 16);
            assert_memory_equal(frame.label.data, index_label(&s.state) + before.n, 30 * 8);
            assert_memory_equal(frame.digest_before, before.digest, sizeof before.digest);
            assert_memory_equal(frame.digest_after, s.state.digest, sizeof before.digest);
            index_frame_free(&frame);
            index_free(&before);
        }
        support_index_free(&s);
    }
}

/* The first note of a row counts; rows that end as they were, and rows of this frame, are not told. */
static void test_notes(void **state)
{
    struct support_index s;
    struct base_random random;
    struct index_frame frame;
    struct pcct_error err = { 0, "" };
    const struct index_change *change;
    double old;

    (void)state;
    start(&s, 1, &random);
    old = index_radius(&s.state)[5];
    index_frame_init(&frame, &s.support.env);
    index_frame_begin(&frame, &s.state);
    support_ok(index_set_radius(&s.state, 9, 50, &err), &err);
    support_ok(index_set_radius(&s.state, 5, 70, &err), &err);
    support_ok(index_raise_radius(&s.state, 5, 60, &err), &err); /* not above: nothing happens */
    support_ok(index_set_radius(&s.state, 5, 80, &err), &err);
    support_ok(index_set_radius(&s.state, 7, 1, &err), &err);
    support_ok(index_set_radius(&s.state, 7, index_radius(&s.state)[7], &err), &err);
    support_ok(index_set_radius(&s.state, 11, 3, &err), &err);
    support_ok(index_set_radius(&s.state, 11, 0, &err), &err);
    support_ok(index_frame_note(&s.state, s.state.n + 4, &err), &err);
    assert_int_equal(frame.change.count, 7);
    support_ok(index_frame_seal(&frame, &s.state, &err), &err);
    change = frame.change.memory.data;
    assert_true(frame.change.count >= 2 && change[0].node == 5 && change[0].before.radius == old && change[0].after.radius == 80);
    assert_int_equal(frame.added.count, 0);
    for (size_t i = 1; i < frame.change.count; i++) assert_true(change[i - 1].node < change[i].node);
    for (size_t i = 0; i < frame.change.count; i++) assert_false(change[i].before.radius == change[i].after.radius);
    index_frame_free(&frame);
    support_index_free(&s);
}

/* Content: labels and points that came, labels that went; not where they hang. */
static void test_content(void **state)
{
    struct support_index s;
    struct base_random random;
    struct index_frame frame;
    struct base_hash128 a, b;
    struct pcct_error err = { 0, "" };

    (void)state;
    start(&s, 1, &random);
    index_frame_init(&frame, &s.support.env);
    support_index_batch(&s, &frame, SUPPORT_GAUSS, 10, SUPPORT_PICK_ANY, 5, &random);
    support_ok(index_frame_content(&a, &frame, &s.metric, &err), &err);
    ((struct index_row *)frame.added.memory.data)[3].parent ^= 1;
    ((struct index_change *)frame.change.memory.data)[0].after.radius += 1;
    support_ok(index_frame_content(&b, &frame, &s.metric, &err), &err);
    assert_memory_equal(&a, &b, sizeof a);
    ((double *)frame.point.data)[7] += 1;
    support_ok(index_frame_content(&b, &frame, &s.metric, &err), &err);
    assert_memory_not_equal(&a, &b, sizeof a);
    ((double *)frame.point.data)[7] -= 1;
    ((int64_t *)frame.gone_label.memory.data)[2] ^= 1;
    support_ok(index_frame_content(&b, &frame, &s.metric, &err), &err);
    assert_memory_not_equal(&a, &b, sizeof a);
    index_frame_free(&frame);
    support_index_free(&s);
}

static int seal_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_index *s = ctx;
    struct index_frame frame;
    struct base_hash128 hash;
    int status = 0;

    index_frame_init(&frame, env);
    index_frame_begin(&frame, &s->state);
    TRY(index_set_radius(&s->state, 3, 90, err));
    TRY(index_settle_root(&s->state, err));
    TRY(index_frame_seal(&frame, &s->state, err));
    TRY(index_frame_content(&hash, &frame, &s->metric, err));
done:
    s->state.frame = NULL;
    index_frame_free(&frame);
    return status;
}

static void test_without_memory(void **state)
{
    struct support_index s;
    struct base_random random;

    (void)state;
    start(&s, 1, &random);
    assert_true(support_fail_each(&s.support, seal_call, &s) >= 3);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed_frame_is_the_difference),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
