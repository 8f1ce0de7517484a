/* SPDX-License-Identifier: Apache-2.0 */
#include "query/neighbours.h"

#include "support_query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 400, DEAD = 60, K_MOST = 500 };

struct graph {
    struct support_scene scene;
    uint32_t node[N];
    struct query_neighbours made;
    struct query_batch batch;
};

static void start(struct graph *g, int space, enum support_kind kind, size_t n, size_t k)
{
    struct pcct_error err = { 0, "" };

    memset(g, 0, sizeof *g);
    support_scene_start(&g->scene, support_spaces[space].metric, support_spaces[space].dim, kind, n, n > 100 ? DEAD : 0);
    g->scene.env.env.threads = 2;
    support_ok(index_labels_prepare(&g->scene.state, &err), &err);
    support_ok(query_nodes_by_label(g->node, &g->scene.state, &g->scene.env.env, &err), &err);
    support_ok(query_neighbours_make(&g->made, k, &g->scene.state, g->node, &g->batch, &g->scene.env.env, NULL, &err), &err);
}

static void finish(struct graph *g)
{
    query_neighbours_free(&g->made, &g->scene.env.env);
    support_scene_finish(&g->scene);
}

static void equal_to_comparing_with_all(void **test)
{
    static const size_t ks[] = { 1, 10, K_MOST };
    struct base_topk_entry all[N];

    (void)test;
    for (int turn = 0; turn < 30; turn++) {
        const struct support_rule anyone = { NULL, NULL };
        struct graph g;

        start(&g, turn % SUPPORT_SPACES, (enum support_kind)(turn % SUPPORT_KINDS), turn < 4 ? (size_t)turn : N, ks[turn % 3]);
        assert_int_equal(g.made.n, g.scene.state.n_live);
        for (uint32_t row = 0; row < g.made.n; row++) {
            const double *q = index_place(&g.scene.state, g.node[row]);
            const size_t n = support_scene_all(all, &g.scene, &anyone, q, g.node[row], INDEX_NONE), k = g.made.k;

            assert_int_equal(g.made.label[row], index_label(&g.scene.state)[g.node[row]]);
            assert_memory_equal(g.made.place + row * g.made.dim, q, g.made.dim * sizeof *q);
            assert_int_equal(g.made.count[row], n < k ? n : k);
            assert_true(g.made.limit[row] == (n < k ? (double)INFINITY : all[k - 1].key));
            for (size_t j = 0; j < k; j++) {
                assert_int_equal(g.made.list[row * k + j], j < n ? all[j].id : -1);
                assert_true(g.made.distance[row * k + j] == (j < n ? metric_distance(&g.scene.metric, all[j].key) : (double)INFINITY));
            }
        }
        finish(&g);
    }
}

static int adopt(struct query_neighbours *copy, const struct graph *g, struct pcct_error *err)
{
    return query_neighbours_adopt(copy, g->made.k, &g->scene.state, g->node, g->made.list, g->made.distance, g->made.count, &g->scene.env.env, err);
}

static void lists_come_back(void **test)
{
    struct pcct_error err = { 0, "" };

    (void)test;
    for (int turn = 0; turn < 12; turn++) {
        struct query_neighbours copy;
        struct graph g;

        start(&g, turn % SUPPORT_SPACES, (enum support_kind)(turn % SUPPORT_KINDS), turn < 3 ? (size_t)turn : N, turn % 2 ? 7 : K_MOST);
        support_ok(adopt(&copy, &g, &err), &err);
        assert_memory_equal(copy.list, g.made.list, g.made.n * g.made.k * sizeof *copy.list);
        assert_memory_equal(copy.distance, g.made.distance, g.made.n * g.made.k * sizeof *copy.distance);
        assert_memory_equal(copy.limit, g.made.limit, g.made.n * sizeof *copy.limit);
        assert_memory_equal(copy.place, g.made.place, g.made.n * g.made.dim * sizeof *copy.place);
        query_neighbours_free(&copy, &g.scene.env.env);
        finish(&g);
    }
}

/* Whatever is put in the place of an entry is noticed, by the label of the row. */
static void lists_of_something_else_are_refused(void **test)
{
    enum { ROW = 100, K = 6, CASES = 9 };
    char words[64];

    (void)test;
    for (int what = 0; what < CASES; what++) {
        struct pcct_error err = { 0, "" };
        struct query_neighbours copy;
        struct graph g;
        int64_t *list, label;
        double *distance;

        start(&g, 1, SUPPORT_BOX, N, K);
        list = g.made.list + (size_t)ROW * K;
        distance = g.made.distance + (size_t)ROW * K;
        label = list[2];
        switch (what) {
        case 0: list[2] = 100000; break; /* of no point */
        case 1: list[2] = g.made.label[ROW]; break;
        case 2: list[2] = list[1]; break;
        case 3: list[2] = list[3], list[3] = label; break;
        case 4: distance[5] = nextafter(distance[5], 0); break;
        case 5: g.made.count[ROW] = K - 1; break;
        case 6: g.made.count[ROW] = -1; break;
        case 7: g.made.count[ROW] = K + 1; break;
        default: list[2] = list[1], distance[2] = distance[1]; break; /* twice */
        }
        assert_int_equal(adopt(&copy, &g, &err), PCCT_E_INVALID);
        (void)snprintf(words, sizeof words, "label %lld ", (long long)g.made.label[ROW]);
        assert_non_null(strstr(err.message, words));
        query_neighbours_free(&copy, &g.scene.env.env);
        finish(&g);
    }
}

static int both(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct graph *g = ctx;
    struct query_neighbours made, copy = { .k = 0 };
    int status = 0;

    TRY(query_neighbours_make(&made, 5, &g->scene.state, g->node, &g->batch, env, NULL, err));
    TRY(query_neighbours_adopt(&copy, 5, &g->scene.state, g->node, made.list, made.distance, made.count, env, err));
done:
    query_neighbours_free(&made, env);
    query_neighbours_free(&copy, env);
    return status;
}

static int stop(void *ctx, double done)
{
    (void)ctx;
    (void)done;
    return 1;
}

static void without_memory_and_stopped(void **test)
{
    struct query_neighbours made;
    struct pcct_error err = { 0, "" };
    struct graph g;

    (void)test;
    start(&g, 0, SUPPORT_GAUSS, N, 5);
    assert_true(support_fail_each(&g.scene.env, both, &g) > 20);
    assert_int_equal(query_neighbours_make(&made, SIZE_MAX / 8, &g.scene.state, g.node, &g.batch, &g.scene.env.env, NULL, &err), PCCT_E_MEMORY);
    query_neighbours_free(&made, &g.scene.env.env);
    g.batch.progress = stop;
    assert_int_equal(query_neighbours_make(&made, 5, &g.scene.state, g.node, &g.batch, &g.scene.env.env, NULL, &err), PCCT_E_CANCELLED);
    query_neighbours_free(&made, &g.scene.env.env);
    finish(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_comparing_with_all),
        cmocka_unit_test(lists_come_back),
        cmocka_unit_test(lists_of_something_else_are_refused),
        cmocka_unit_test(without_memory_and_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
