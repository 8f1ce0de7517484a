/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/update.h"

#include "base/watch.h"
#include "support_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The same state held by as many thread counts, and the naive tree. */
enum { COPIES = 3 };

static uint64_t first_seed = 1000; /* the program's argument, for other walks than the usual */

struct world {
    struct support_env env[COPIES];
    struct metric metric;
    struct index_state state[COPIES];
    struct support_tree tree;
    struct base_random random;
    int kind;
};

static void start(struct world *w, int kind, const char *metric, uint32_t dim, uint64_t seed)
{
    struct pcct_error err = { 0, "" };

    w->kind = kind;
    base_random_seed(&w->random, seed);
    support_ok(metric_init(&w->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    support_tree_start(&w->tree, &w->metric, seed);
    for (int i = 0; i < COPIES; i++) {
        support_env_start(&w->env[i], 1 << i);
        index_init(&w->state[i], &w->env[i].env, &w->metric, seed);
    }
}

static void finish(struct world *w)
{
    for (int i = 0; i < COPIES; i++) {
        index_free(&w->state[i]);
        support_env_finish(&w->env[i]);
    }
    support_tree_free(&w->tree);
}

/* The batch is carried out, taken back (sealed or not), and carried out again. */
static void there_and_back(struct index_state *state, const struct tree_batch *batch, int seal)
{
    struct pcct_error err = { 0, "" };
    struct index_state before;
    struct index_frame frame;

    support_state_copy(&before, state);
    index_frame_init(&frame, state->env);
    index_frame_begin(&frame, state);
    support_ok(tree_update(state, batch, &err), &err);
    if (seal) support_ok(index_frame_seal(&frame, state, &err), &err);
    support_ok(index_undo(state, &frame, &err), &err);
    support_state_equal(state, &before);
    support_ok(index_check(state, &err), &err);
    index_frame_free(&frame);
    index_free(&before);
}

static void step(struct world *w, size_t n_insert, size_t n_delete, enum support_pick pick)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    uint32_t *dead = NULL;
    size_t n_dead = n_delete ? support_pick_nodes(&dead, &w->state[0], pick, n_delete, &w->random) : 0;

    support_batch_start(&batch, &w->metric, (enum support_kind)w->kind, w->tree.n, n_insert, dead, n_dead, 5);
    if (base_random_below(&w->random, 3) == 0) there_and_back(&w->state[1], &batch.tree, (int)base_random_below(&w->random, 2));
    for (int i = 0; i < COPIES; i++) support_plan(&w->state[i], &batch.tree);
    support_tree_update(&w->tree, &batch.tree);
    support_tree_expect(&w->tree, &w->state[0]);
    support_ok(index_check(&w->state[0], &err), &err);
    for (int i = 1; i < COPIES; i++) support_state_equal(&w->state[0], &w->state[i]);
    support_ok(index_check(&w->state[1], &err), &err);
    support_batch_free(&batch);
    free(dead);
}

static void walk(int kind, const char *metric, uint32_t dim, size_t most, int steps, uint64_t seed)
{
    struct world w;

    start(&w, kind, metric, dim, seed);
    for (int i = 0; i < steps; i++) {
        size_t n = 1 + base_random_below(&w.random, most), m = base_random_below(&w.random, most * 3 / 2);
        uint64_t what = base_random_below(&w.random, 10);
        enum support_pick pick = what == 9 ? SUPPORT_PICK_ROOT : what >= 7 ? SUPPORT_PICK_BALL : SUPPORT_PICK_ANY;

        if (i == steps - 3) step(&w, i % 2 ? n : 0, 1, SUPPORT_PICK_ALL);
        else step(&w, what == 3 ? 0 : n, what < 3 ? 0 : m, pick);
    }
    finish(&w);
}

static void inserts_and_deletes_together(void **test)
{
    static const size_t most[] = { 1, 7, 64, 500 };

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (size_t d = 0; d < SUPPORT_SPACES; d++) {
            const struct support_space *space = &support_spaces[d];
            size_t m = (d + (size_t)kind) % 4;

            walk(kind, space->metric, space->dim, most[m], m == 3 ? 6 : m == 2 ? 14 : 30, first_seed + 7 * d + (uint64_t)kind);
        }
    }
}

/* Update of points: deleted and inserted again under the same labels in one batch. */
static void points_move(void **test)
{
    struct pcct_error err = { 0, "" };
    double points[300 * 2];
    int64_t labels[300];
    uint32_t dead[300];
    struct tree_batch batch = { .points = points, .labels = labels, .n_insert = 300 };
    struct support_env env;
    struct support_tree tree;
    struct index_state state;
    struct metric metric;

    (void)test;
    support_env_start(&env, 1);
    support_ok(metric_init(&metric, "euclidean", 2, METRIC_ISA_BEST, &err), &err);
    index_init(&state, &env.env, &metric, 1);
    support_tree_start(&tree, &metric, 1);
    for (int i = 0; i < 300; i++) labels[i] = i * 3;
    for (uint32_t epoch = 0; epoch < 4; epoch++) {
        uint32_t node = 0;

        support_kind_points(points, &metric, SUPPORT_GAUSS, 300 * epoch, 300, 3);
        support_plan(&state, &batch);
        support_tree_update(&tree, &batch);
        support_tree_expect(&tree, &state);
        support_ok(index_check(&state, &err), &err);
        assert_int_equal(state.n_live, 300);
        support_ok(index_find(&node, &state, 3 * 17, &err), &err);
        assert_int_equal(node, 300 * epoch + 17);
        for (uint32_t i = 0; i < 300; i++) dead[i] = 300 * epoch + (i * 7) % 300;
        batch.dead = dead;
        batch.n_delete = 300;
    }
    index_free(&state);
    support_tree_free(&tree);
    support_env_finish(&env);
}

static void an_empty_batch(void **test)
{
    struct tree_batch nothing = { 0 };
    struct world w;

    (void)test;
    start(&w, SUPPORT_GAUSS, "euclidean", 2, 9);
    support_plan(&w.state[0], &nothing);
    assert_int_equal(w.state[0].n, 0);
    for (int i = 1; i < COPIES; i++) support_plan(&w.state[i], &nothing);
    step(&w, 30, 0, SUPPORT_PICK_ANY);
    step(&w, 0, 0, SUPPORT_PICK_ANY);
    assert_int_equal(w.state[0].n_live, 30);
    finish(&w);
}

static int stop_now(void *ctx, double done)
{
    (void)done;
    return ++*(int *)ctx >= 2;
}

static void cancelled_and_taken_back(void **test)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    struct index_state before;
    struct index_frame frame;
    struct base_watch watch;
    uint32_t *dead = NULL;
    struct world w;
    size_t n_dead;
    int calls = 0;

    (void)test;
    start(&w, SUPPORT_DECADES, "euclidean", 3, 12);
    step(&w, 300, 0, SUPPORT_PICK_ANY);
    n_dead = support_pick_nodes(&dead, &w.state[0], SUPPORT_PICK_ANY, 40, &w.random);
    support_batch_start(&batch, &w.metric, SUPPORT_DECADES, 300, 2000, dead, n_dead, 5);
    base_watch_begin(&watch, NULL, stop_now, &calls);
    w.env[0].env.watch = &watch;
    support_state_copy(&before, &w.state[0]);
    index_frame_init(&frame, &w.env[0].env);
    index_frame_begin(&frame, &w.state[0]);
    assert_int_equal(tree_update(&w.state[0], &batch.tree, &err), PCCT_E_CANCELLED);
    assert_int_equal(calls, 2);
    w.env[0].env.watch = NULL;
    base_watch_end(&watch, &w.env[0].env);
    support_ok(index_undo(&w.state[0], &frame, &err), &err);
    support_state_equal(&w.state[0], &before);
    support_ok(index_check(&w.state[0], &err), &err);
    index_frame_free(&frame);
    index_free(&before);
    support_batch_free(&batch);
    free(dead);
    step(&w, 20, 20, SUPPORT_PICK_ANY);
    finish(&w);
}

/* One commit with the n-th block of memory refused; taken back with memory at hand, the state is as before. */
static int attempt(struct index_state *state, struct support_env *env, const struct tree_batch *batch, const struct index_state *before,
                   uint64_t fail_at)
{
    struct pcct_error err = { 0, "" };
    struct index_frame frame;
    int status;

    index_frame_init(&frame, state->env);
    support_env_fail(env, fail_at);
    index_frame_begin(&frame, state);
    status = tree_update(state, batch, &err);
    if (status == 0) status = index_frame_seal(&frame, state, &err);
    support_env_fail(env, 0);
    if (status != 0) {
        assert_int_equal(status, PCCT_E_MEMORY);
        assert_int_equal(err.code, PCCT_E_MEMORY);
        support_ok(index_undo(state, &frame, &err), &err);
        support_state_equal(state, before);
        support_ok(index_check(state, &err), &err);
    }
    index_frame_free(&frame);
    return status;
}

static void memory_runs_out(void **test)
{
    static const int kinds[] = { SUPPORT_GAUSS, SUPPORT_LATTICE, SUPPORT_BALLS };

    (void)test;
    for (size_t k = 0; k < 3; k++) {
        struct pcct_error err = { 0, "" };
        struct support_batch batch;
        struct index_state before;
        uint32_t *dead = NULL;
        struct world w;
        size_t n_dead;
        uint64_t n = 0;

        start(&w, kinds[k], "euclidean", 2, 3 + k);
        step(&w, 250, 0, SUPPORT_PICK_ANY);
        step(&w, 100, 100, SUPPORT_PICK_ROOT);
        support_ok(index_labels_prepare(&w.state[0], &err), &err);
        n_dead = support_pick_nodes(&dead, &w.state[0], SUPPORT_PICK_ANY, 60, &w.random);
        support_batch_start(&batch, &w.metric, (enum support_kind)kinds[k], 350, 400, dead, n_dead, 5);
        support_state_copy(&before, &w.state[0]);
        do {
            n++;
        } while (attempt(&w.state[0], &w.env[0], &batch.tree, &before, n) != 0);
        assert_true(n > 20);
        support_tree_update(&w.tree, &batch.tree);
        support_tree_expect(&w.tree, &w.state[0]);
        support_ok(index_check(&w.state[0], &err), &err);
        support_plan(&w.state[1], &batch.tree);
        support_state_equal(&w.state[0], &w.state[1]);
        index_free(&before);
        support_batch_free(&batch);
        free(dead);
        finish(&w);
    }
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_batch), cmocka_unit_test(inserts_and_deletes_together), cmocka_unit_test(points_move),
        cmocka_unit_test(cancelled_and_taken_back), cmocka_unit_test(memory_runs_out),
    };

    if (count > 1) first_seed = strtoull(words[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
