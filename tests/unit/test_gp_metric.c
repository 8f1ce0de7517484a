/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's distance as a metric: what it promises, where rounding is worst. */
#include "support_api.h"

#include <pcct/metric.h>

#include <math.h>
#include <string.h>

enum { N = 400, M = 30 };

struct scene {
    struct support_api s;
    double points[2 * N];
    struct pcct_kernel kernel;
    double lengthscale[2];
    pcct_view *view;
    pcct_gp *gp;
    struct pcct_metric metric;
    double slack;
};

/* Points in clusters, the first of which are inducing points: p is small, and distances are next to 0. */
static void start(struct scene *scene, double lengthscale)
{
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct base_random random;

    memset(scene, 0, sizeof *scene);
    base_random_seed(&random, 3);
    for (int i = 0; i < 2 * N; i++) {
        scene->points[i] = (double)base_random_below(&random, 6) + (i % 8 < 4 ? 1e-6 : 0.3) * base_random_unit(&random);
    }
    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, scene->points, NULL, N, NULL, 0);
    scene->lengthscale[0] = scene->lengthscale[1] = lengthscale;
    scene->kernel = (struct pcct_kernel)PCCT_KERNEL_INIT;
    scene->kernel.name = "rbf";
    scene->kernel.lengthscale = scene->lengthscale;
    scene->kernel.inducing = scene->points;
    scene->kernel.m = M;
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    open.kernel = &scene->kernel;
    support_ok(pcct_gp_open(&scene->gp, scene->view, &open, &err), &err);
    scene->metric = (struct pcct_metric)PCCT_METRIC_INIT;
    support_ok(pcct_gp_metric(&scene->metric, &scene->slack, scene->gp, &err), &err);
}

static void finish(struct scene *scene)
{
    pcct_gp_close(scene->gp);
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

static double between(const struct scene *scene, size_t a, size_t b)
{
    const double x = (double)a, y = (double)b;

    return scene->metric.distance(scene->metric.ctx, &x, &y);
}

static void is_a_metric(void **state)
{
    static const double lengthscales[] = { 0.05, 0.5, 3 };

    (void)state;
    for (size_t turn = 0; turn < 3; turn++) {
        struct scene scene;
        struct base_random random;

        start(&scene, lengthscales[turn]);
        base_random_seed(&random, 5);
        assert_true(scene.slack > 0 && scene.slack < 0.1);
        for (int i = 0; i < 200000; i++) {
            const size_t a = (size_t)base_random_below(&random, N), b = (size_t)base_random_below(&random, N);
            const size_t c = (size_t)base_random_below(&random, N);
            const double ac = between(&scene, a, c);

            assert_true(ac <= between(&scene, a, b) + between(&scene, b, c)); /* without the room that a metric has */
            assert_true(a == c ? ac == 0 : ac >= scene.slack && ac <= 1 + scene.slack);
            assert_true(ac == between(&scene, c, a));
        }
        finish(&scene);
    }
}

/* Many at once are those one by one; what names no point is no number. */
static void many_at_once(void **state)
{
    static const double odd[] = { -1, N, 0.5, 3, (double)NAN };
    const double *rows[N];
    double row[N], out[N], q = 17;
    struct scene scene;

    (void)state;
    start(&scene, 0.5);
    for (size_t i = 0; i < N; i++) {
        row[i] = (double)i;
        rows[i] = &row[i];
    }
    scene.metric.distances(scene.metric.ctx, out, &q, rows, N - 3);
    for (size_t i = 0; i < N - 3; i++) assert_true(out[i] == between(&scene, 17, i));
    for (size_t i = 0; i < 5; i++) rows[i] = &odd[i];
    scene.metric.distances(scene.metric.ctx, out, &q, rows, 5);
    for (size_t i = 0; i < 5; i++) assert_true(i == 3 ? out[i] == between(&scene, 17, 3) : isnan(out[i]));
    for (size_t i = 0; i < 5; i++) {
        const double *three = &row[3];

        scene.metric.distances(scene.metric.ctx, out, &odd[i], &three, 1);
        assert_true(i == 3 ? out[0] == 0 : isnan(out[0]));
    }
    finish(&scene);
}

static void has_a_name_of_its_own(void **state)
{
    struct scene scene, other;

    (void)state;
    start(&scene, 0.5);
    start(&other, 0.5);
    assert_string_equal(scene.metric.name, other.metric.name);
    assert_int_equal(strncmp(scene.metric.name, "residual-", 9), 0);
    assert_int_equal(strlen(scene.metric.name), PCCT_METRIC_NAME_BYTES - 1);
    finish(&other);
    start(&other, 0.6);
    assert_string_not_equal(scene.metric.name, other.metric.name);
    finish(&other);
    finish(&scene);
}

static int name_it(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct scene *scene = ctx;
    struct pcct_metric metric = PCCT_METRIC_INIT;

    (void)env;
    return pcct_gp_metric(&metric, NULL, scene->gp, err);
}

static void memory_runs_out(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene, 0.5);
    assert_true(support_fail_each(&scene.s.env, name_it, &scene) >= 1);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_metric),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(has_a_name_of_its_own),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
