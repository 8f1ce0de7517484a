/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <pcct/gp.h>
#include <pcct/ordering.h>
#include <pcct/tree.h>

#include <stdlib.h>
#include <string.h>

enum { N = 200, M = 17 };

struct scene {
    struct support_api s;
    double points[2 * N];
    pcct_view *view;
    struct pcct_inducing_options how;
};

static void start(struct scene *scene)
{
    struct pcct_error err = { 0, "" };

    memset(scene, 0, sizeof *scene);
    support_points(scene->points, N, 2, SUPPORT_UNIFORM, 4);
    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, scene->points, NULL, N, NULL, 0);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    scene->how = (struct pcct_inducing_options)PCCT_INDUCING_OPTIONS_INIT;
}

static void finish(struct scene *scene)
{
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

/* The first of the order of this kind, with their coordinates. */
static void expect_first(const struct scene *scene, int kind, const double *lengthscale, const int64_t *labels, const double *points)
{
    struct pcct_ordering_options order = PCCT_ORDERING_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    int64_t all[N];

    order.kind = kind;
    order.seed = scene->how.seed;
    order.lengthscale = lengthscale;
    support_ok(pcct_ordering(all, scene->view, &order, &err), &err);
    assert_memory_equal(labels, all, M * sizeof *labels);
    for (size_t i = 0; i < M; i++) assert_memory_equal(points + 2 * i, scene->points + 2 * labels[i], 2 * sizeof *points);
}

static void first_of_an_order(void **state)
{
    static const double lengthscale[2] = { 0.01, 1 };
    struct pcct_error err = { 0, "" };
    struct scene scene;
    int64_t plain[M], divided[M], random[M];
    double points[2 * M];
    size_t m = M;

    (void)state;
    start(&scene);
    support_ok(pcct_inducing_choose(points, plain, &m, scene.view, NULL, &err), &err);
    expect_first(&scene, PCCT_ORDERING_MAXMIN, NULL, plain, points);
    scene.how.lengthscale = lengthscale;
    support_ok(pcct_inducing_choose(points, divided, &m, scene.view, &scene.how, &err), &err);
    expect_first(&scene, PCCT_ORDERING_MAXMIN, lengthscale, divided, points);
    assert_memory_not_equal(plain, divided, sizeof plain);
    scene.how.how = PCCT_INDUCING_RANDOM;
    scene.how.seed = 7;
    support_ok(pcct_inducing_choose(points, random, &m, scene.view, &scene.how, &err), &err);
    expect_first(&scene, PCCT_ORDERING_RANDOM, NULL, random, points);
    scene.how.seed = 8;
    support_ok(pcct_inducing_choose(NULL, plain, &m, scene.view, &scene.how, &err), &err);
    assert_memory_not_equal(plain, random, sizeof plain);
    assert_int_equal(m, M);
    finish(&scene);
}

/* The next level has more than there is room for. */
static void net_of_the_lowest_level(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;

    (void)state;
    start(&scene);
    scene.how.how = PCCT_INDUCING_NET;
    for (size_t room = 1; room <= N; room += 9) {
        int64_t chosen[N], net[N];
        size_t m = room, n = 0, more = 0;
        int level = PCCT_LEVEL_MIN;

        support_ok(pcct_inducing_choose(NULL, chosen, &m, scene.view, &scene.how, &err), &err);
        assert_in_range(m, 1, room);
        for (n = N + 1; n > room; level++) {
            more = n;
            support_ok(pcct_net(NULL, &n, scene.view, level, &err), &err);
        }
        assert_true(m == n && more > room);
        support_ok(pcct_net(net, &n, scene.view, level - 1, &err), &err);
        assert_memory_equal(chosen, net, n * sizeof *net);
    }
    finish(&scene);
}

/* More room than points, however much; none; no points. */
static void more_than_there_are(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;
    pcct_view *empty = NULL;

    (void)state;
    start(&scene);
    support_ok(pcct_view_open(&empty, scene.s.store, "v0", &err), &err);
    for (scene.how.how = PCCT_INDUCING_FARTHEST; scene.how.how <= PCCT_INDUCING_RANDOM; scene.how.how++) {
        int64_t labels[N];
        char seen[N] = { 0 };
        size_t m = SIZE_MAX;

        support_ok(pcct_inducing_choose(NULL, labels, &m, scene.view, &scene.how, &err), &err);
        assert_int_equal(m, N);
        for (size_t i = 0; i < N; i++) seen[labels[i]]++;
        for (size_t i = 0; i < N; i++) assert_int_equal(seen[i], 1);
        m = 0;
        support_ok(pcct_inducing_choose(NULL, NULL, &m, scene.view, &scene.how, &err), &err);
        assert_int_equal(m, 0);
        m = 5;
        support_ok(pcct_inducing_choose(NULL, labels, &m, empty, &scene.how, &err), &err);
        assert_int_equal(m, 0);
    }
    pcct_view_close(empty);
    finish(&scene);
}

static void wrong_arguments(void **state)
{
    static const double none[2] = { 1, 0 };
    struct pcct_error err = { 0, "" };
    struct scene scene;
    size_t m = 3;

    (void)state;
    start(&scene);
    assert_int_equal(pcct_inducing_choose(NULL, NULL, NULL, scene.view, NULL, &err), PCCT_E_INVALID);
    scene.how.how = 3;
    assert_int_equal(pcct_inducing_choose(NULL, NULL, &m, scene.view, &scene.how, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "way 3"));
    scene.how.how = -1;
    assert_int_equal(pcct_inducing_choose(NULL, NULL, &m, scene.view, &scene.how, &err), PCCT_E_INVALID);
    scene.how.how = 0;
    scene.how.lengthscale = none;
    assert_int_equal(pcct_inducing_choose(NULL, NULL, &m, scene.view, &scene.how, &err), PCCT_E_INVALID);
    scene.how.lengthscale = NULL;
    scene.how.threads = -1;
    assert_int_equal(pcct_inducing_choose(NULL, NULL, &m, scene.view, &scene.how, &err), PCCT_E_INVALID);
    finish(&scene);
}

static int choose(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct scene *scene = ctx;
    double points[2 * M];
    size_t m = M;

    (void)env;
    return pcct_inducing_choose(points, NULL, &m, scene->view, &scene->how, err);
}

static void memory_runs_out(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene);
    scene.how.threads = 1;
    for (scene.how.how = PCCT_INDUCING_FARTHEST; scene.how.how <= PCCT_INDUCING_RANDOM; scene.how.how++) {
        assert_true(support_fail_each(&scene.s.env, choose, &scene) >= 2);
    }
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_of_an_order),
        cmocka_unit_test(net_of_the_lowest_level),
        cmocka_unit_test(more_than_there_are),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
