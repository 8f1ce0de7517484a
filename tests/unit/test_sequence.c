/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/settle.h"

#include "support_custom.h"

#include "base/watch.h"
#include "index/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A state with a custom metric, held by one thread and by two, and the naive tree. */
enum { COPIES = 2 };

struct world {
    struct support_env env[COPIES];
    struct support_custom custom;
    struct metric metric;
    struct index_state state[COPIES];
    struct support_tree tree;
    struct base_random random;
    enum support_kind kind;
    uint64_t asked; /* by the last attempt */
};

static void start(struct world *w, enum support_custom_kind custom, enum support_kind kind, uint32_t dim, uint64_t seed)
{
    w->kind = kind;
    base_random_seed(&w->random, seed);
    support_custom_start(&w->custom, &w->metric, custom, dim, (int)(seed % 2));
    support_tree_start(&w->tree, &w->metric, seed);
    for (int i = 0; i < COPIES; i++) {
        support_env_start(&w->env[i], 1 + i);
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
    index_frame_free(&frame);
    index_free(&before);
}

static size_t pick(uint32_t **dead, struct world *w, size_t n, enum support_pick how)
{
    *dead = NULL;
    return n ? support_pick_nodes(dead, &w->state[0], how, n, &w->random) : 0;
}

static void step(struct world *w, size_t n_insert, size_t n_delete, enum support_pick how)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    uint32_t *dead = NULL;
    size_t n_dead = pick(&dead, w, n_delete, how);

    support_batch_start(&batch, &w->metric, w->kind, w->tree.n, n_insert, dead, n_dead, 5);
    there_and_back(&w->state[1], &batch.tree, (int)base_random_below(&w->random, 2));
    for (int i = 0; i < COPIES; i++) support_plan(&w->state[i], &batch.tree);
    support_tree_update(&w->tree, &batch.tree);
    support_tree_expect(&w->tree, &w->state[0]);
    support_state_equal(&w->state[0], &w->state[1]);
    for (int i = 0; i < COPIES; i++) support_ok(index_check(&w->state[i], &err), &err);
    support_batch_free(&batch);
    free(dead);
}

/* Node by node the tree of plain sequential insertion, each point compared with all. */
static void equal_to_the_naive_tree(void **test)
{
    (void)test;
    for (int custom = 0; custom < SUPPORT_CUSTOMS; custom++) {
        for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
            struct world w;
            uint32_t dim = 1 + (uint32_t)(custom + kind) % 3;

            start(&w, (enum support_custom_kind)custom, (enum support_kind)kind, dim, 40u + (uint64_t)(custom * SUPPORT_KINDS + kind));
            step(&w, 150, 0, SUPPORT_PICK_ANY);
            step(&w, 1, 1, SUPPORT_PICK_ROOT);
            step(&w, 70, 40, SUPPORT_PICK_ANY);
            step(&w, 0, 60, SUPPORT_PICK_BALL);
            step(&w, 90, 20, SUPPORT_PICK_ROOT);
            step(&w, 30, 1, SUPPORT_PICK_ALL);
            step(&w, 0, 1, SUPPORT_PICK_ALL);
            step(&w, 25, 0, SUPPORT_PICK_ANY);
            finish(&w);
        }
    }
}

/* The tree of the plain distance by function is that of the built-in metric. */
static void equal_to_the_built_in_metric(void **test)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    struct index_state state;
    struct metric euclidean;
    struct support_env env;
    struct world w;

    (void)test;
    start(&w, SUPPORT_ALL_SIZES, SUPPORT_BALLS, 3, 6);
    support_env_start(&env, 2);
    support_ok(metric_init(&euclidean, "manhattan", 3, METRIC_ISA_BEST, &err), &err);
    index_init(&state, &env.env, &euclidean, 6);
    support_batch_start(&batch, &w.metric, SUPPORT_BALLS, 0, 3000, NULL, 0, 5);
    support_plan(&w.state[0], &batch.tree);
    support_plan(&state, &batch.tree);
    support_state_equal(&state, &w.state[0]);
    support_batch_free(&batch);
    index_free(&state);
    support_env_finish(&env);
    finish(&w);
}

/* Far fewer distances than pairs, for each batch after the other. */
static void it_does_not_ask_for_all_pairs(void **test)
{
    struct support_batch batch;
    struct world w;

    (void)test;
    start(&w, SUPPORT_PLAIN, SUPPORT_GAUSS, 2, 8);
    support_batch_start(&batch, &w.metric, SUPPORT_GAUSS, 0, 8000, NULL, 0, 5);
    support_plan(&w.state[0], &batch.tree);
    assert_int_equal(w.custom.asked, w.custom.calls.evaluations);
    assert_true(w.custom.asked < 8000 * 8000 / 2 / 20);
    support_batch_free(&batch);
    finish(&w);
}

/* Equal points become twins; each costs a search, none a walk along the list of the others. */
static void many_equal_points(void **test)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    struct world w;

    (void)test;
    start(&w, SUPPORT_PLAIN, SUPPORT_EQUAL, 2, 8);
    support_batch_start(&batch, &w.metric, SUPPORT_EQUAL, 0, 100000, NULL, 0, 5);
    support_plan(&w.state[0], &batch.tree);
    assert_int_equal(w.state[0].twins, 99999);
    assert_true(w.custom.asked < 100000 * 4);
    support_ok(index_check(&w.state[0], &err), &err);
    support_batch_free(&batch);
    finish(&w);
}

/* One commit; when it fails, everything is as before. */
static int attempt(struct world *w, const struct tree_batch *batch, const struct index_state *before, int code)
{
    struct index_state *state = &w->state[0];
    struct pcct_error err = { 0, "" };
    struct index_frame frame;
    int status, spoilt = w->custom.spoil_at > 0;

    metric_calls_clear(&w->custom.calls);
    index_frame_init(&frame, state->env);
    index_frame_begin(&frame, state);
    w->asked = w->custom.asked;
    status = tree_update(state, batch, &err);
    w->asked = w->custom.asked - w->asked;
    w->custom.spoil_at = 0;
    w->custom.nonsense = 0;
    w->env[0].env.watch = NULL;
    support_env_fail(&w->env[0], 0);
    if (status != 0) {
        assert_int_equal(status, code);
        if (code == PCCT_E_INVALID) assert_non_null(strstr(err.message, "\"tested\""));
        if (code == PCCT_E_INVALID && spoilt) assert_non_null(strstr(err.message, "a distance is a number"));
        metric_calls_clear(&w->custom.calls);
    } else {
        support_ok(index_check_rows(state, &err), &err); /* whatever the distances: parents stand above their children */
        support_ok(index_frame_seal(&frame, state, &err), &err);
    }
    support_ok(index_undo(state, &frame, &err), &err);
    support_state_equal(state, before);
    support_ok(index_check(state, &err), &err);
    index_frame_free(&frame);
    return status;
}

struct trial {
    struct world w;
    struct support_batch batch;
    struct index_state before;
    uint32_t *dead;
};

static void trial_start(struct trial *t, uint64_t seed)
{
    size_t n_dead;

    start(&t->w, SUPPORT_PLAIN, SUPPORT_LATTICE, 2, seed);
    step(&t->w, 60, 0, SUPPORT_PICK_ANY);
    n_dead = pick(&t->dead, &t->w, 12, SUPPORT_PICK_ROOT);
    support_batch_start(&t->batch, &t->w.metric, SUPPORT_LATTICE, 60, 40, t->dead, n_dead, 5);
    support_state_copy(&t->before, &t->w.state[0]);
}

static void trial_finish(struct trial *t)
{
    index_free(&t->before);
    support_batch_free(&t->batch);
    free(t->dead);
    finish(&t->w);
}

/* The n-th distance comes out as NaN, for every n. */
static void a_value_that_is_no_distance(void **test)
{
    static const double spoilt[] = { (double)NAN, -1, (double)INFINITY };
    struct trial t;
    uint64_t n = 0;
    int status;

    (void)test;
    trial_start(&t, 3);
    do {
        t.w.custom.spoil_at = ++n;
        t.w.custom.spoilt = spoilt[n % 3];
        status = attempt(&t.w, &t.batch.tree, &t.before, PCCT_E_INVALID);
        assert_true(status == 0 || t.w.asked < n + 150); /* it does not go on with the batch */
    } while (status != 0);
    assert_true(n > 500);
    trial_finish(&t);
}

static void memory_runs_out(void **test)
{
    struct trial t;
    uint64_t n = 0;

    (void)test;
    trial_start(&t, 4);
    do {
        support_env_fail(&t.w.env[0], ++n);
    } while (attempt(&t.w, &t.batch.tree, &t.before, PCCT_E_MEMORY) != 0);
    assert_true(n > 50);
    trial_finish(&t);
}

/* A function that is no metric at all: the commit succeeds or says so, and can be taken back. */
static void nonsense(void **test)
{
    struct trial t;
    int failed = 0;

    (void)test;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        trial_start(&t, seed % 10);
        t.w.custom.nonsense = seed;
        failed += attempt(&t.w, &t.batch.tree, &t.before, PCCT_E_INVALID) != 0;
        trial_finish(&t);
    }
    assert_true(failed > 30 && failed < 300);
}

struct progress {
    int calls, most;
    double last;
};

static int stop_after(void *ctx, double done)
{
    struct progress *progress = ctx;

    assert_true(done >= progress->last && done <= 1);
    progress->last = done;
    return ++progress->calls >= progress->most;
}

/* Stopped at each call there is, until it comes to its end. What was counted is what was done. */
static void watched_and_stopped(void **test)
{
    struct progress progress = { 0, 0, 0 };
    struct base_watch watch;
    struct trial t;
    int status = 0;

    (void)test;
    trial_start(&t, 5);
    do {
        progress = (struct progress){ 0, progress.most + 1, 0 };
        base_watch_begin(&watch, NULL, stop_after, &progress);
        t.w.env[0].env.watch = &watch;
        status = attempt(&t.w, &t.batch.tree, &t.before, PCCT_E_CANCELLED);
        t.w.env[0].env.watch = NULL;
        assert_true(status == 0 || watch.value[BASE_STAT_distances] <= t.w.asked);
        if (status == 0) assert_true(watch.value[BASE_STAT_items] >= 40 && watch.value[BASE_STAT_searches] >= 39);
        base_watch_end(&watch, &t.w.env[0].env);
    } while (status != 0);
    assert_true(progress.most > 40 && progress.most < 400);
    trial_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_the_naive_tree), cmocka_unit_test(equal_to_the_built_in_metric), cmocka_unit_test(it_does_not_ask_for_all_pairs),
        cmocka_unit_test(many_equal_points), cmocka_unit_test(a_value_that_is_no_distance), cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(nonsense), cmocka_unit_test(watched_and_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
