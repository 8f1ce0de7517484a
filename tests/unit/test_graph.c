/* SPDX-License-Identifier: Apache-2.0 */
#include "query/graph.h"

#include "base/sort.h"
#include "support_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All live nodes, in no order, each without itself. */
struct asking {
    struct query_batch batch;
    uint32_t *node;
    int64_t *label, *right_label;
    double *distance, *right_distance, *bound, *right_bound;
    int32_t *count, *right_count;
};

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    assert_non_null(memory);
    return memory;
}

static void asking_start(struct asking *a, const struct index_state *state, size_t k)
{
    const size_t n = state->n_live;
    struct base_random random;
    size_t count = 0;

    base_random_seed(&random, 11);
    *a = (struct asking){ { .nq = n, .k = k }, room(n, sizeof(uint32_t)), room(n * k, sizeof(int64_t)), room(n * k, sizeof(int64_t)),
                          room(n * k, sizeof(double)), room(n * k, sizeof(double)), room(n, sizeof(double)), room(n, sizeof(double)),
                          room(n, sizeof(int32_t)), room(n, sizeof(int32_t)) };
    for (uint32_t node = 0; node < state->n; node++) {
        if (!index_is_live(state, node)) continue;
        const size_t other = (size_t)base_random_below(&random, count + 1);

        a->node[count++] = a->node[other];
        a->node[other] = node;
    }
    assert_int_equal(count, n);
    a->batch.node = a->batch.self = a->node;
}

static void asking_finish(struct asking *a)
{
    free(a->node);
    free(a->label);
    free(a->right_label);
    free(a->distance);
    free(a->right_distance);
    free(a->bound);
    free(a->right_bound);
    free(a->count);
    free(a->right_count);
}

static void ask_and_compare(struct asking *a, const struct support_scene *scene, int bounds)
{
    const size_t cells = a->batch.nq * a->batch.k;
    struct pcct_error err = { 0, "" };
    struct base_env env = scene->env.env;

    env.threads = 4;
    a->batch.bounds = bounds ? a->right_bound : NULL;
    support_ok(query_brute(a->right_label, a->right_distance, a->right_count, &scene->state, &a->batch, &env, &err), &err);
    a->batch.bounds = bounds ? a->bound : NULL;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct block_work work = { 0 };
        int done = 0;

        env.threads = threads;
        memset(a->label, 0, cells * sizeof *a->label);
        support_ok(query_graph(&done, a->label, a->distance, threads == 2 ? NULL : a->count, &scene->state, &a->batch, &env, &work, &err), &err);
        assert_int_equal(done, a->batch.nq > 0);
        assert_memory_equal(a->label, a->right_label, cells * sizeof *a->label);
        assert_memory_equal(a->distance, a->right_distance, cells * sizeof *a->distance);
        assert_memory_equal(a->count, a->right_count, a->batch.nq * sizeof *a->count);
        assert_memory_equal(a->bound, a->right_bound, a->batch.nq * sizeof *a->bound);
        assert_true(work.blocks >= a->batch.nq);
    }
}

static void equal_to_brute_force(void **test)
{
    static const struct support_space spaces[] = { { "euclidean", 1 }, { "euclidean", 2 }, { "euclidean", 3 }, { "haversine", 2 },
                                                   { "manhattan", 3 }, { "chebyshev", 2 }, { "cosine", 3 }, { "angular", 2 } };
    static const size_t ks[] = { 1, 10, 24, 63, 70 };

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (size_t s = 0; s < sizeof spaces / sizeof *spaces; s++) {
            struct support_scene scene;
            const size_t turn = (size_t)kind + s;

            support_scene_start(&scene, spaces[s].metric, spaces[s].dim, (enum support_kind)kind, 700, 130);
            for (size_t i = 0; i < 2; i++) {
                struct asking a;

                asking_start(&a, &scene.state, ks[(turn + 3 * i) % 5]);
                ask_and_compare(&a, &scene, turn % 2 == i);
                asking_finish(&a);
            }
            support_scene_finish(&scene);
        }
    }
}

/* Rows that came in batches stand in blocks that were split, laid out anew and emptied. */
static void after_inserts_and_deletes(void **test)
{
    struct support_scene scene;
    struct base_random random;
    uint32_t first = 2000;

    (void)test;
    base_random_seed(&random, 9);
    support_scene_start(&scene, "euclidean", 2, SUPPORT_BALLS, first, 100);
    for (int turn = 0; turn < 6; turn++) {
        struct support_batch batch;
        struct asking a;
        uint32_t *dead = NULL;
        const size_t n_dead = support_pick_nodes(&dead, &scene.state, turn % 2 ? SUPPORT_PICK_BALL : SUPPORT_PICK_ANY, 300, &random);

        support_batch_start(&batch, &scene.metric, turn % 3 ? SUPPORT_BALLS : SUPPORT_LATTICE, first, 350, dead, n_dead, 21 + (uint64_t)turn);
        for (size_t i = 0; i < 350; i++) batch.labels[i] = (int64_t)(1000000 - first - i);
        support_plan(&scene.state, &batch.tree);
        support_batch_free(&batch);
        free(dead);
        first += 350;
        asking_start(&a, &scene.state, 8);
        ask_and_compare(&a, &scene, turn % 2);
        asking_finish(&a);
    }
    support_scene_finish(&scene);
}

/* A walk of its own would visit five inner nodes for each point; the whole graph by brute force would look at all blocks. */
static void surroundings_are_shared(void **test)
{
    struct support_scene scene;
    struct block_work work = { 0 };
    struct pcct_error err = { 0, "" };
    struct asking a;
    int done = 0;

    (void)test;
    support_scene_start(&scene, "euclidean", 3, SUPPORT_BOX, 20000, 0);
    asking_start(&a, &scene.state, 10);
    support_ok(query_graph(&done, a.label, a.distance, NULL, &scene.state, &a.batch, &scene.env.env, &work, &err), &err);
    assert_int_equal(done, 1);
    assert_true(work.nodes < a.batch.nq);
    assert_true(work.blocks < 5 * a.batch.nq);
    assert_true(work.exact < 11 * a.batch.nq);
    asking_finish(&a);
    support_scene_finish(&scene);
}

/* 10^5 points in one place do not make each look at all others. */
static void equal_points_are_little_work(void **test)
{
    struct support_scene scene;
    struct block_work work = { 0 };
    struct pcct_error err = { 0, "" };
    struct asking a;
    int done = 0;

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_EQUAL, 100000, 0);
    asking_start(&a, &scene.state, 3);
    support_ok(query_graph(&done, a.label, a.distance, NULL, &scene.state, &a.batch, &scene.env.env, &work, &err), &err);
    assert_int_equal(done, 1);
    for (size_t i = 0; i < a.batch.nq; i++) assert_true(a.distance[3 * i] == 0 && a.label[3 * i] < -17 && a.label[3 * i + 2] < -16);
    assert_true(work.blocks < 50 * a.batch.nq);
    asking_finish(&a);
    support_scene_finish(&scene);
}

static void other_batches_are_declined(void **test)
{
    const double limit = 1;
    struct query_filter filter;
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct asking a;
    int done = 1;

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_BOX, 200, 20);
    asking_start(&a, &scene.state, 3);
    memset(&filter, 0, sizeof filter);
    for (int turn = 0; turn < 6; turn++) {
        struct query_batch batch = a.batch;
        uint32_t *node = room(batch.nq, sizeof *node);

        memcpy(node, a.node, batch.nq * sizeof *node);
        if (turn == 0) batch.limit = &limit;
        if (turn == 1) batch.filter = &filter;
        if (turn == 2) batch.nq--;
        if (turn == 3) batch.self = NULL;
        if (turn == 4) batch.node = batch.self = node, node[7] = node[8]; /* one asks twice, one not at all */
        if (turn == 5) batch.queries = index_place(&scene.state, 0);
        support_ok(query_graph(&done, a.label, a.distance, NULL, &scene.state, &batch, &scene.env.env, NULL, &err), &err);
        assert_int_equal(done, 0);
        free(node);
    }
    asking_finish(&a);
    support_scene_finish(&scene);
    support_scene_start(&scene, "euclidean", 4, SUPPORT_BOX, 200, 20);
    asking_start(&a, &scene.state, 3);
    support_ok(query_graph(&done, a.label, a.distance, NULL, &scene.state, &a.batch, &scene.env.env, NULL, &err), &err);
    assert_int_equal(done, 0);
    asking_finish(&a);
    support_scene_finish(&scene);
}

static int stop_half_way(void *ctx, double done)
{
    double *last = ctx;

    assert_true(done >= *last && done < 1);
    *last = done;
    return done > 0.4;
}

static void stops_on_request(void **test)
{
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct asking a;
    double last = 0;
    int done = 0;

    (void)test;
    support_scene_start(&scene, "euclidean", 1, SUPPORT_BOX, 150000, 0);
    asking_start(&a, &scene.state, 1);
    a.batch.progress = stop_half_way;
    a.batch.progress_ctx = &last;
    assert_int_equal(query_graph(&done, a.label, a.distance, NULL, &scene.state, &a.batch, &scene.env.env, NULL, &err), PCCT_E_CANCELLED);
    assert_true(last > 0.4 && last < 0.9);
    asking_finish(&a);
    support_scene_finish(&scene);
}

struct attempt {
    const struct support_scene *scene;
    struct asking *asking;
};

static int ask(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct attempt *attempt = ctx;
    struct asking *a = attempt->asking;
    int done = 0, status = query_graph(&done, a->label, a->distance, NULL, &attempt->scene->state, &a->batch, env, NULL, err);

    assert_int_equal(done, status == 0);
    return status;
}

static void memory_runs_out(void **test)
{
    struct support_scene scene;
    struct asking a;
    struct attempt attempt = { &scene, &a };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, 300, 0);
    asking_start(&a, &scene.state, 4);
    assert_true(support_fail_each(&scene.env, ask, &attempt) >= 8);
    asking_finish(&a);
    support_scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_brute_force),   cmocka_unit_test(after_inserts_and_deletes),    cmocka_unit_test(surroundings_are_shared),
        cmocka_unit_test(equal_points_are_little_work), cmocka_unit_test(other_batches_are_declined), cmocka_unit_test(stops_on_request),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
