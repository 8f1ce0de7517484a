/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include <stdlib.h>
#include <string.h>

/* Frames there and back: a second state follows the first through the bytes of its frames. */
struct pair {
    struct support_index made;
    struct index_state followed;
};

static void start(struct pair *p, const char *metric, uint32_t dim, int threads)
{
    support_index_start(&p->made, metric, dim, threads);
    index_init(&p->followed, &p->made.support.env, &p->made.metric, 7);
}

static void finish(struct pair *p)
{
    index_free(&p->followed);
    support_index_free(&p->made);
}

static int redo(struct index_state *state, const struct index_frame *frame, struct pcct_error *err)
{
    struct base_vector bytes = { .item_bytes = 1 };
    struct index_frame decoded;
    int status = 0;

    index_frame_init(&decoded, state->env);
    TRY(index_frame_encode(&bytes, frame, &state->metric, err));
    TRY(index_frame_decode(&decoded, bytes.memory.data, bytes.count, &state->metric, err));
    TRY(index_apply(state, &decoded, err));
done:
    index_frame_free(&decoded);
    base_vector_free(&bytes, state->env);
    return status;
}

/* One random batch: planned on one state, applied to the other; both taken back, both redone; everything equal at each step. */
static void there_and_back(struct pair *p, enum support_kind kind, size_t n, enum support_pick pick, size_t n_dead, struct base_random *random)
{
    struct index_state before, after;
    struct index_frame frame;
    struct pcct_error err = { 0, "" };

    index_frame_init(&frame, &p->made.support.env);
    support_state_copy(&before, &p->made.state);
    support_index_batch(&p->made, &frame, kind, n, pick, n_dead, random);
    support_index_sound(&p->made.state);
    support_state_copy(&after, &p->made.state);
    support_ok(redo(&p->followed, &frame, &err), &err);
    support_state_equal(&p->followed, &after);
    support_index_sound(&p->followed);
    support_ok(index_undo(&p->made.state, &frame, &err), &err);
    support_state_equal(&p->made.state, &before);
    support_index_sound(&p->made.state);
    support_ok(redo(&p->made.state, &frame, &err), &err);
    support_state_equal(&p->made.state, &after);
    support_ok(index_undo(&p->followed, &frame, &err), &err);
    support_state_equal(&p->followed, &before);
    support_index_sound(&p->followed);
    support_ok(index_apply(&p->followed, &frame, &err), &err); /* as it was sealed, not decoded */
    support_state_equal(&p->followed, &after);
    support_index_sound(&p->followed);
    index_frame_free(&frame);
    index_free(&before);
    index_free(&after);
}

static void run(const char *metric, uint32_t dim, enum support_kind kind, int threads)
{
    struct pair p;
    struct base_random random;

    base_random_seed(&random, 100 * (uint64_t)kind + dim);
    start(&p, metric, dim, threads);
    there_and_back(&p, kind, 0, SUPPORT_PICK_ANY, 0, &random); /* nothing changes */
    for (int i = 0; i < 12; i++) {
        enum support_pick pick = (enum support_pick)(i % SUPPORT_PICKS);

        there_and_back(&p, kind, base_random_below(&random, 120), pick, 1 + base_random_below(&random, 60), &random);
        if (pick == SUPPORT_PICK_ALL) there_and_back(&p, kind, 1, SUPPORT_PICK_ANY, 0, &random);
    }
    finish(&p);
}

static void test_frames_of_all_kinds(void **state)
{
    (void)state;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) run("euclidean", 1 + (uint32_t)kind % 3, (enum support_kind)kind, 1 + kind % 4);
    run("haversine", 2, SUPPORT_GAUSS, 2);
    run("haversine", 2, SUPPORT_LATTICE, 1);
    for (int d = SUPPORT_OTHERS; d < SUPPORT_SPACES; d++) run(support_spaces[d].metric, support_spaces[d].dim, SUPPORT_DECADES, 2);
    run("manhattan", 2, SUPPORT_DENORMAL, 2);
}

/* Large enough that every step is cut into pieces for threads. */
static void test_frames_by_threads(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct pair p;
        struct base_random random;

        base_random_seed(&random, 9);
        start(&p, "haversine", 2, threads);
        there_and_back(&p, SUPPORT_BOX, 4500, SUPPORT_PICK_ANY, 0, &random);
        there_and_back(&p, SUPPORT_BOX, 2500, SUPPORT_PICK_ANY, 2500, &random);
        finish(&p);
    }
}

/* Planning that stops after any step leaves no trace. */
static void test_half_made(void **state)
{
    (void)state;
    for (int steps = 0; steps <= 4; steps++) {
        for (int labels = 0; labels < 2; labels++) {
            struct support_index s;
            struct support_batch batch;
            struct index_state before;
            struct index_frame frame;
            struct base_random random;
            struct pcct_error err = { 0, "" };
            uint32_t *dead = NULL, node = 0;
            size_t n_dead;

            base_random_seed(&random, 5);
            support_index_start(&s, "euclidean", 2, 2);
            index_frame_init(&frame, &s.support.env);
            support_index_batch(&s, &frame, SUPPORT_LATTICE, 150, SUPPORT_PICK_ANY, 0, &random);
            index_frame_free(&frame);
            if (labels) support_ok(index_labels_prepare(&s.state, &err), &err);
            support_state_copy(&before, &s.state);
            n_dead = support_pick_nodes(&dead, &s.state, SUPPORT_PICK_ROOT, 30, &random);
            support_batch_start(&batch, &s.metric, SUPPORT_LATTICE, s.state.n, 50, dead, n_dead, 3);
            support_tree_update(&s.tree, &batch.tree);
            index_frame_begin(&frame, &s.state);
            if (steps > 0) support_ok(support_index_follow(&s.state, &s.tree, &batch.tree, steps, &err), &err);
            support_ok(index_undo(&s.state, &frame, &err), &err);
            support_state_equal(&s.state, &before);
            support_index_sound(&s.state);
            assert_true(!labels || s.state.labels);
            support_ok(index_find(&node, &s.state, index_label(&s.state)[3], &err), &err);
            assert_int_equal(node, 3);
            index_frame_free(&frame);
            support_batch_free(&batch);
            free(dead);
            index_free(&before);
            support_index_free(&s);
        }
    }
}

/* A batch without memory: the n-th block is refused, the state is taken back (memory is there again) and is as before; then it goes through. */
static void test_without_memory(void **state)
{
    struct support_index s;
    struct support_batch batch;
    struct index_state before, wanted;
    struct index_frame frame;
    struct base_random random;
    struct pcct_error err = { 0, "" };
    uint32_t *dead = NULL;
    size_t n_dead;
    int failures = 0, status;

    (void)state;
    base_random_seed(&random, 6);
    support_index_start(&s, "haversine", 2, 2);
    index_frame_init(&frame, &s.support.env);
    support_index_batch(&s, &frame, SUPPORT_LATTICE, 200, SUPPORT_PICK_ANY, 0, &random);
    index_frame_free(&frame);
    support_ok(index_labels_prepare(&s.state, &err), &err);
    support_state_copy(&before, &s.state);
    n_dead = support_pick_nodes(&dead, &s.state, SUPPORT_PICK_ROOT, 30, &random);
    support_batch_start(&batch, &s.metric, SUPPORT_LATTICE, s.state.n, 100, dead, n_dead, 3);
    support_tree_update(&s.tree, &batch.tree);
    for (;;) {
        index_frame_begin(&frame, &s.state);
        support_env_fail(&s.support, (uint64_t)failures + 1);
        status = support_index_follow(&s.state, &s.tree, &batch.tree, 4, &err);
        if (status == 0) status = index_frame_seal(&frame, &s.state, &err);
        support_env_fail(&s.support, 0);
        if (status == 0) break;
        assert_int_equal(status, PCCT_E_MEMORY);
        failures++;
        support_ok(index_undo(&s.state, &frame, &err), &err);
        support_state_equal(&s.state, &before);
        support_index_sound(&s.state);
        index_frame_free(&frame);
    }
    assert_true(failures > 10);
    support_index_sound(&s.state);
    support_state_copy(&wanted, &s.state);

    /* apply, and undo of a sealed frame: after a failure the state is freed; nothing leaks, and what succeeds is right */
    for (int forward = 0; forward < 2; forward++) {
        for (int at = 1, fails = 1; fails; at++) {
            struct index_state copy;

            support_state_copy(&copy, forward ? &before : &wanted);
            support_ok(index_rebuild_layout(&copy, &err), &err);
            support_ok(index_labels_prepare(&copy, &err), &err);
            support_env_fail(&s.support, (uint64_t)at);
            status = forward ? index_apply(&copy, &frame, &err) : index_undo(&copy, &frame, &err);
            support_env_fail(&s.support, 0);
            fails = status != 0;
            if (fails) assert_int_equal(status, PCCT_E_MEMORY);
            if (!fails) support_state_equal(&copy, forward ? &wanted : &before);
            index_free(&copy);
        }
    }
    index_free(&wanted);
    index_free(&before);
    index_frame_free(&frame);
    support_batch_free(&batch);
    free(dead);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_of_all_kinds),
        cmocka_unit_test(test_frames_by_threads),
        cmocka_unit_test(test_half_made),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
