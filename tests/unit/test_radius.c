/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/radius.h"

#include "support_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double line[] = { 0, 64, 68, 69, 72 };

struct scene {
    struct support_env env;
    struct metric metric;
    struct index_state state;
};

/* 0 is the root; 1 hangs on it; 2, 4 on 1; 3 on 2. Radii are all 0: seats only. */
static void start(struct scene *s, int threads)
{
    const int64_t labels[] = { 0, 1, 2, 3, 4 };
    const struct index_seat seats[] = { { 0, INDEX_NONE, INDEX_LEVEL_BIAS + 9 }, { 1, 0, INDEX_LEVEL_BIAS + 5 }, { 2, 1, INDEX_LEVEL_BIAS + 1 },
                                        { 3, 2, INDEX_LEVEL_BIAS - 1 }, { 4, 1, INDEX_LEVEL_BIAS + 2 } };
    struct pcct_error err = { 0, "" };

    support_env_start(&s->env, threads);
    support_ok(metric_init(&s->metric, "euclidean", 1, METRIC_ISA_BEST, &err), &err);
    index_init(&s->state, &s->env.env, &s->metric, 0);
    support_ok(index_append(&s->state, line, labels, 5, &err), &err);
    support_ok(index_attach(&s->state, seats, 5, &err), &err);
}

static void finish(struct scene *s)
{
    index_free(&s->state);
    support_env_finish(&s->env);
}

static void new_points_give_exact_distances(void **test)
{
    const uint32_t nodes[] = { 3, 1, 2, 4 };
    struct pcct_error err = { 0, "" };

    (void)test;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct scene s;
        const double *radius;

        start(&s, threads);
        support_ok(tree_raise_radii(&s.state, nodes, NULL, 4, &err), &err);
        radius = index_radius(&s.state);
        assert_true(radius[0] == 72 && radius[1] == 8 && radius[2] == 1 && radius[3] == 0 && radius[4] == 0);
        finish(&s);
    }
}

static void never_lowered(void **test)
{
    const uint32_t nodes[] = { 3 };
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s, 1);
    support_ok(index_raise_radius(&s.state, 0, 500, &err), &err);
    support_ok(tree_raise_radii(&s.state, nodes, NULL, 1, &err), &err);
    assert_true(index_radius(&s.state)[0] == 500);
    assert_true(index_radius(&s.state)[1] == 5);
    finish(&s);
}

/* A subtree of radius 3 at 2, itself untouched: its ancestors must cover 68 + 3 and 4 + 3, and little more. */
static void a_moved_subtree_is_covered(void **test)
{
    const uint32_t nodes[] = { 2 };
    const double below[] = { 3 };
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s, 1);
    support_ok(tree_raise_radii(&s.state, nodes, below, 1, &err), &err);
    assert_true(index_radius(&s.state)[0] > 71 && index_radius(&s.state)[0] < 71.0000001);
    assert_true(index_radius(&s.state)[1] > 7 && index_radius(&s.state)[1] < 7.0000001);
    assert_true(index_radius(&s.state)[2] == 0);
    finish(&s);
}

/* Rows older than the commit are noted in its frame, so that undo brings their radii back. */
static void undo_brings_old_radii_back(void **test)
{
    const uint32_t nodes[] = { 3, 4 };
    const double below[] = { 1, 0 };
    struct pcct_error err = { 0, "" };
    struct index_state copy;
    struct index_frame frame;
    struct scene s;

    (void)test;
    start(&s, 2);
    support_state_copy(&copy, &s.state);
    index_frame_init(&frame, &s.env.env);
    index_frame_begin(&frame, &s.state);
    support_ok(tree_raise_radii(&s.state, nodes, below, 2, &err), &err);
    assert_true(index_radius(&s.state)[0] >= 72);
    support_ok(index_undo(&s.state, &frame, &err), &err);
    assert_true(index_radius(&s.state)[0] == 0);
    support_state_equal(&s.state, &copy);
    index_frame_free(&frame);
    index_free(&copy);
    finish(&s);
}

struct attempt {
    struct scene *scene;
};

static int raise_in_a_frame(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const uint32_t nodes[] = { 3, 4, 2 };
    struct scene *s = ((struct attempt *)ctx)->scene;
    struct support_env *support = &s->env;
    struct index_frame frame;
    uint64_t fail_at = support->fail_at, taken = 0;
    int status = 0;

    index_frame_init(&frame, env);
    index_frame_begin(&frame, &s->state);
    status = tree_raise_radii(&s->state, nodes, NULL, 3, err);
    taken = support->taken;
    support_env_fail(support, 0);
    support_ok(index_undo(&s->state, &frame, NULL), NULL);
    assert_true(index_radius(&s->state)[0] == 0);
    index_frame_free(&frame);
    support->fail_at = fail_at;
    support->taken = taken;
    return status;
}

static void memory_runs_out(void **test)
{
    struct scene s;
    struct attempt attempt = { &s };

    (void)test;
    start(&s, 1);
    assert_true(support_fail_each(&s.env, raise_in_a_frame, &attempt) >= 2);
    finish(&s);
}

/*
 * 3 is the twin of 2: both squares of their distance underflow. When 0 dies, 1 becomes the root and 2 hangs on it, at 2 units of the least double,
 * while 3 is at 3: farther from 1 than anything that was seen at a distance.
 */
static void twins_in_other_places_are_covered(void **test)
{
    const double points[] = { 2.3e-162, 0, -3e-162, 0, 0, 0, 0.6e-162, 1.4e-162 };
    const uint32_t dead[] = { 0 };
    struct tree_batch removal = { .dead = dead, .n_delete = 1 };
    struct pcct_error err = { 0, "" };
    struct support_env env;
    struct metric metric;
    struct index_state state;

    (void)test;
    support_env_start(&env, 1);
    support_ok(metric_init(&metric, "euclidean", 2, METRIC_ISA_BEST, &err), &err);
    index_init(&state, &env.env, &metric, 0);
    for (int64_t i = 0; i < 4; i++) {
        struct tree_batch one = { .points = points + 2 * i, .labels = &i, .n_insert = 1 };

        support_plan(&state, &one);
    }
    assert_int_equal(index_parent(&state)[2], 0);
    assert_int_equal(index_parent(&state)[3], 2);
    assert_int_equal(index_level(&state)[3], INDEX_LEVEL_TWIN);
    assert_true(index_radius(&state)[2] == 0 && index_radius(&state)[1] == 0);
    support_plan(&state, &removal);
    assert_int_equal(state.root, 1);
    assert_int_equal(index_parent(&state)[2], 1);
    assert_true(index_radius(&state)[1] >= metric_inner(&metric, index_key(&state, 1, 3)));
    support_ok(index_check(&state, &err), &err);
    index_free(&state);
    support_env_finish(&env);
}

/* T5 after many moves: index_check compares every radius with every descendant. Distances here have every magnitude. */
static void covers_after_many_moves(void **test)
{
    struct pcct_error err = { 0, "" };

    (void)test;
    for (int i = 0; i < SUPPORT_KINDS * SUPPORT_SPACES; i++) {
        const int kind = i % SUPPORT_KINDS;
        const struct support_space *space = &support_spaces[i / SUPPORT_KINDS];
        struct support_env env;
        struct metric metric;
        struct index_state state;
        struct support_batch batch;
        struct base_random random;

        support_env_start(&env, 1);
        base_random_seed(&random, (uint64_t)kind);
        support_ok(metric_init(&metric, space->metric, space->dim, METRIC_ISA_BEST, &err), &err);
        index_init(&state, &env.env, &metric, 6);
        support_batch_start(&batch, &metric, (enum support_kind)kind, 0, 1500, NULL, 0, 2);
        support_plan(&state, &batch.tree);
        support_batch_free(&batch);
        for (int round = 0; round < 20 && state.n_live > 10; round++) {
            uint32_t *dead = NULL;
            size_t n = support_pick_nodes(&dead, &state, round % 3 == 0 ? SUPPORT_PICK_ROOT : SUPPORT_PICK_ANY, 100, &random);
            struct tree_batch removal = { .dead = dead, .n_delete = n };

            support_plan(&state, &removal);
            support_ok(index_check(&state, &err), &err);
            free(dead);
        }
        index_free(&state);
        support_env_finish(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_points_give_exact_distances), cmocka_unit_test(never_lowered), cmocka_unit_test(a_moved_subtree_is_covered),
        cmocka_unit_test(undo_brings_old_radii_back), cmocka_unit_test(memory_runs_out), cmocka_unit_test(covers_after_many_moves),
        cmocka_unit_test(twins_in_other_places_are_covered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
