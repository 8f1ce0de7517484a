/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/farthest.h"

#include "base/watch.h"
#include "support_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 400, DEAD = 60 };

/* By the definition: n^2 keys. group[n]: rows of a lesser group go first; NULL: all are of one, and `first` begins. */
static void order_plainly(uint32_t *order, const struct gp_cloud *cloud, const uint32_t *group, uint32_t first)
{
    double *mark = malloc((cloud->n + 1) * sizeof *mark);
    char *taken = calloc(cloud->n + 1, 1);

    assert_non_null(mark);
    for (uint32_t row = 0; row < cloud->n; row++) mark[row] = (double)INFINITY;
    for (uint32_t i = 0; i < cloud->n; i++) {
        uint32_t best = BLOCK_NONE;

        for (uint32_t row = 0; row < cloud->n; row++) {
            if (taken[row]) continue;
            if (best == BLOCK_NONE || (group && group[row] < group[best]) || ((!group || group[row] == group[best]) && mark[row] > mark[best])) {
                best = row;
            }
        }
        if (i == 0 && !group) best = first;
        taken[best] = 1;
        order[i] = best;
        for (uint32_t row = 0; row < cloud->n; row++) {
            const double key = support_key(gp_cloud_place(cloud, row), gp_cloud_place(cloud, best), cloud->metric.sum, cloud->metric.dim);

            if (key < mark[row]) mark[row] = key;
        }
    }
    free(mark);
    free(taken);
}

static uint32_t middle_of(const struct gp_cloud *cloud)
{
    double mean[64] = { 0 }, least = (double)INFINITY;
    uint32_t middle = 0;

    for (uint32_t row = 0; row < cloud->n; row++) {
        for (uint32_t j = 0; j < cloud->metric.dim; j++) mean[j] += gp_cloud_place(cloud, row)[j];
    }
    for (uint32_t j = 0; j < cloud->metric.dim; j++) mean[j] /= cloud->n;
    for (uint32_t row = 0; row < cloud->n; row++) {
        const double key = support_key(mean, gp_cloud_place(cloud, row), cloud->metric.sum, cloud->metric.dim);

        if (key < least) middle = row;
        if (key < least) least = key;
    }
    return middle;
}

static void expect(const struct support_scene *scene, const double *lengthscale, int threads)
{
    static uint32_t order[N], wanted[N], group[N];
    struct pcct_error err = { 0, "" };
    struct base_env env = scene->env.env;
    struct gp_cloud cloud;

    env.threads = threads;
    support_ok(gp_cloud_make(&cloud, &scene->state, lengthscale, &env, &err), &err);
    order_plainly(wanted, &cloud, NULL, middle_of(&cloud));
    support_ok(gp_farthest(order, &cloud, &env, &err), &err);
    assert_memory_equal(order, wanted, cloud.n * sizeof *order);
    for (uint32_t row = 0; row < cloud.n; row++) {
        const int16_t level = index_level(&scene->state)[cloud.node[row]];

        group[row] = cloud.node[row] == scene->state.root ? 0 : level == INDEX_LEVEL_TWIN ? 10000 : (uint32_t)(5000 - level);
    }
    order_plainly(wanted, &cloud, group, 0);
    support_ok(gp_coarse_to_fine(order, &cloud, &scene->state, &env, &err), &err);
    assert_memory_equal(order, wanted, cloud.n * sizeof *order);
    gp_cloud_free(&cloud, &env);
}

static void equal_to_the_definition(void **test)
{
    static const double lengthscale[] = { 0.3, 100, 7, 0.01, 1, 2, 3, 4 };

    (void)test;
    for (int space = 0; space < SUPPORT_SPACES; space++) {
        for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
            struct support_scene scene;

            support_scene_start(&scene, support_spaces[space].metric, support_spaces[space].dim, (enum support_kind)kind, N, DEAD);
            expect(&scene, NULL, 1 + kind % 2);
            if (!scene.metric.embeds) expect(&scene, lengthscale, 2 - kind % 2);
            support_scene_finish(&scene);
        }
    }
}

static void few_points(void **test)
{
    (void)test;
    for (size_t n = 0; n < 4; n++) {
        struct support_scene scene;

        support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, n, 0);
        expect(&scene, NULL, 2);
        support_scene_finish(&scene);
    }
}

/* Equal points are all at 0 from the first: no step looks at the others. */
static void many_equal_points(void **test)
{
    enum { EQUAL = 60000 };
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct gp_cloud cloud;
    uint32_t *order = malloc(EQUAL * sizeof *order);

    (void)test;
    support_scene_start(&scene, "euclidean", 3, SUPPORT_EQUAL, EQUAL, 0);
    support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
    support_ok(gp_farthest(order, &cloud, &scene.env.env, &err), &err);
    for (uint32_t i = 0; i < cloud.n; i++) assert_int_equal(order[i], i);
    gp_cloud_free(&cloud, &scene.env.env);
    support_scene_finish(&scene);
    free(order);
}

struct stopping {
    const struct gp_cloud *cloud;
    struct index_state *state;
    int calls, stop_at;
    double last;
};

static int stop(void *ctx, double done)
{
    struct stopping *stopping = ctx;

    assert_true(done >= stopping->last && done <= 1);
    stopping->last = done;
    return ++stopping->calls == stopping->stop_at;
}

static void stops_on_request(void **test)
{
    static uint32_t order[8000];
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct gp_cloud cloud;

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, 8000, 0);
    support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
    for (int turn = 0; turn < 4; turn++) {
        struct stopping stopping = { .stop_at = turn < 2 ? 10 : 0 };
        struct base_watch watch;
        int status = 0;

        base_watch_begin(&watch, NULL, stop, &stopping);
        scene.env.env.watch = &watch;
        status = turn % 2 ? gp_farthest(order, &cloud, &scene.env.env, &err) : gp_coarse_to_fine(order, &cloud, &scene.state, &scene.env.env, &err);
        assert_int_equal(status, turn < 2 ? PCCT_E_CANCELLED : 0);
        if (turn < 2) assert_int_equal(stopping.calls, 10);
        else assert_true(stopping.calls > 14 && stopping.last > 0.8);
        scene.env.env.watch = NULL;
        base_watch_end(&watch, &scene.env.env);
    }
    gp_cloud_free(&cloud, &scene.env.env);
    support_scene_finish(&scene);
}

static int both(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct stopping *at = ctx;
    uint32_t order[N];
    int status = 0;

    TRY(gp_farthest(order, at->cloud, env, err));
    TRY(gp_coarse_to_fine(order, at->cloud, at->state, env, err));
done:
    return status;
}

static void memory_runs_out(void **test)
{
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct gp_cloud cloud;
    struct stopping at = { &cloud, &scene.state, 0, 0, 0 };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, N, DEAD);
    support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
    assert_true(support_fail_each(&scene.env, both, &at) > 20);
    gp_cloud_free(&cloud, &scene.env.env);
    support_scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_the_definition), cmocka_unit_test(few_points),       cmocka_unit_test(many_equal_points),
        cmocka_unit_test(stops_on_request),        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
