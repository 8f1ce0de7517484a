/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/cloud.h"

#include "base/watch.h"
#include "support_custom.h"
#include "support_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 700, DEAD = 150 };

static int has(const void *owner, uint32_t row)
{
    return row < ((const struct gp_cloud *)owner)->n;
}

/* Rows are the live points by label, divided, and the layout is theirs. */
static void expect(const struct gp_cloud *cloud, const struct index_state *state, const double *lengthscale)
{
    const struct block_source source = { cloud->place, NULL, NULL, cloud, cloud->n };
    struct pcct_error err = { 0, "" };

    assert_int_equal(cloud->n, state->n_live);
    for (uint32_t row = 0; row < cloud->n; row++) {
        const uint32_t node = cloud->node[row];

        assert_true(index_is_live(state, node));
        if (row > 0) assert_true(index_label(state)[cloud->node[row - 1]] < index_label(state)[node]);
        for (uint32_t j = 0; j < cloud->metric.dim; j++) {
            const double x = index_place(state, node)[j];

            assert_true(gp_cloud_place(cloud, row)[j] == (lengthscale ? x / lengthscale[j] : x));
        }
    }
    support_ok(block_check(&cloud->layout, &source, has, &err), &err);
}

static void rows_by_label(void **test)
{
    static const double lengthscale[] = { 0.3, 1e6, 7, 0x1p-20, 1, 2, 3, 4 };

    (void)test;
    for (int turn = 0; turn < SUPPORT_SPACES; turn++) {
        struct pcct_error err = { 0, "" };
        struct support_scene scene;
        struct gp_cloud cloud;

        support_scene_start(&scene, support_spaces[turn].metric, support_spaces[turn].dim, (enum support_kind)(turn % SUPPORT_KINDS), N, DEAD);
        scene.env.env.threads = 2;
        support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
        expect(&cloud, &scene.state, NULL);
        gp_cloud_free(&cloud, &scene.env.env);
        if (scene.metric.embeds) {
            assert_int_equal(gp_cloud_make(&cloud, &scene.state, lengthscale, &scene.env.env, &err), PCCT_E_INVALID);
            assert_non_null(strstr(err.message, "directions"));
        } else {
            support_ok(gp_cloud_make(&cloud, &scene.state, lengthscale, &scene.env.env, &err), &err);
            expect(&cloud, &scene.state, lengthscale);
        }
        gp_cloud_free(&cloud, &scene.env.env);
        support_scene_finish(&scene);
    }
}

static void what_cannot_be_laid_out(void **test)
{
    static const double small[] = { 1, 0x1p-1000 };
    struct pcct_error err = { 0, "" };
    struct support_scene scene;
    struct support_custom custom;
    struct metric metric;
    struct gp_cloud cloud;
    char label[32];

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_BOX, N, DEAD);
    assert_int_equal(gp_cloud_make(&cloud, &scene.state, small, &scene.env.env, &err), PCCT_E_POINT);
    (void)snprintf(label, sizeof label, "label %lld ", (long long)index_label(&scene.state)[cloud.node[0]]);
    assert_non_null(strstr(err.message, "coordinate 2 of"));
    assert_non_null(strstr(err.message, label)); /* all are bad: the first */
    gp_cloud_free(&cloud, &scene.env.env);
    support_custom_start(&custom, &metric, SUPPORT_PLAIN, 2, 0);
    scene.state.metric = metric;
    assert_int_equal(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "no coordinates"));
    gp_cloud_free(&cloud, &scene.env.env);
    scene.state.metric = scene.metric;
    support_scene_finish(&scene);
}

static int refuse(void *ctx, double done)
{
    (void)ctx;
    (void)done;
    return 1;
}

static void stops_on_request(void **test)
{
    struct pcct_error err = { 0, "" };
    struct base_watch watch;
    struct support_scene scene;
    struct gp_cloud cloud;

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_BOX, N, DEAD);
    base_watch_begin(&watch, NULL, refuse, NULL);
    scene.env.env.watch = &watch;
    assert_int_equal(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), PCCT_E_CANCELLED);
    gp_cloud_free(&cloud, &scene.env.env);
    scene.env.env.watch = NULL;
    base_watch_end(&watch, &scene.env.env);
    support_scene_finish(&scene);
}

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct gp_cloud cloud;
    int status = gp_cloud_make(&cloud, ctx, NULL, env, err);

    if (status == 0) expect(&cloud, ctx, NULL);
    gp_cloud_free(&cloud, env);
    return status;
}

static void memory_runs_out(void **test)
{
    struct support_scene scene;

    (void)test;
    support_scene_start(&scene, "manhattan", 3, SUPPORT_GAUSS, N, DEAD);
    assert_true(support_fail_each(&scene.env, make, &scene.state) >= 10);
    support_scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_label),
        cmocka_unit_test(what_cannot_be_laid_out),
        cmocka_unit_test(stops_on_request),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
