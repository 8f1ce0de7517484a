/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "api/gp_handle.h"

#include <math.h>
#include <string.h>

enum { N = 60, M = 6 };

struct scene {
    struct support_api s;
    double points[2 * N];
    int64_t label[N];
    double lengthscale[2];
    struct pcct_kernel kernel;
    pcct_view *view;
    struct pcct_gp_options open;
};

/* v1: the points, in an order that is not that of their labels; v2: a kernel, whose inducing points are the first of them. */
static void start(struct scene *scene)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    memset(scene, 0, sizeof *scene);
    support_points(scene->points, N, 2, SUPPORT_UNIFORM, 4);
    for (int i = 0; i < N; i++) scene->label[i] = 5 * (N - i);
    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, scene->points, scene->label, N, NULL, 0);
    scene->lengthscale[0] = 0.5;
    scene->lengthscale[1] = 0.2;
    scene->kernel = (struct pcct_kernel)PCCT_KERNEL_INIT;
    scene->kernel.name = "matern12";
    scene->kernel.lengthscale = scene->lengthscale;
    scene->kernel.variance = 3;
    scene->kernel.nugget = 0.25;
    scene->kernel.inducing = scene->points;
    scene->kernel.m = M;
    support_ok(pcct_batch_begin(&batch, scene->s.store, "main", NULL, &err), &err);
    support_ok(pcct_batch_set_kernel(batch, &scene->kernel, &err), &err);
    support_ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    scene->open = (struct pcct_gp_options)PCCT_GP_OPTIONS_INIT;
}

static void finish(struct scene *scene)
{
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

static pcct_gp *opened(const struct scene *scene, struct pcct_gp_info *info)
{
    struct pcct_error err = { 0, "" };
    pcct_gp *gp = NULL;

    support_ok(pcct_gp_open(&gp, scene->view, &scene->open, &err), &err);
    *info = (struct pcct_gp_info){ .size = sizeof *info };
    assert_int_equal(pcct_gp_describe(info, gp), 0);
    return gp;
}

static double covariance(const struct scene *scene, const double *a, const double *b)
{
    return 3 * exp(-hypot((a[0] - b[0]) / scene->lengthscale[0], (a[1] - b[1]) / scene->lengthscale[1]));
}

/* L v = K(Z, x) and p = K - |v|^2 + nugget, for L L^T = K(Z, Z) + jitter by the textbook. */
static void features_by_their_definition(void **state)
{
    struct pcct_gp_info info;
    struct scene scene;
    double l[M][M] = { { 0 } };
    pcct_gp *gp;

    (void)state;
    start(&scene);
    gp = opened(&scene, &info);
    assert_true(info.version == 2 && info.n == N && info.m == M && info.dim == 2 && info.variance == 3 && info.nugget == 0.25);
    assert_true(info.jitter == 1e-6 && info.jitter_used == 1e-6 && info.noisy == 0);
    assert_string_equal(info.name, "matern12");
    assert_memory_equal(info.lengthscale, scene.lengthscale, sizeof scene.lengthscale);
    assert_memory_equal(info.inducing, scene.points, 2 * M * sizeof(double));
    for (int i = 0; i < M; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = covariance(&scene, scene.points + 2 * i, scene.points + 2 * j) + (i == j ? 3e-6 : 0);

            for (int t = 0; t < j; t++) sum -= l[i][t] * l[j][t];
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
    }
    for (int i = 0; i < N; i++) {
        const double *x = scene.points + 2 * (N - 1 - i), *v = info.v + i * M; /* ascending by label */
        double p = 3.25;

        for (int j = 0; j < M; j++) {
            double sum = 0;

            for (int t = 0; t <= j; t++) sum += l[j][t] * v[t];
            assert_true(fabs(sum - covariance(&scene, scene.points + 2 * j, x)) < 1e-12);
            p -= v[j] * v[j];
        }
        assert_true(fabs(info.p[i] - p) < 1e-12);
    }
    pcct_gp_close(gp);
    finish(&scene);
}

static void whose_kernel_it_is(void **state)
{
    struct pcct_error err = { 0, "" };
    struct pcct_gp_info set, info;
    struct scene scene;
    pcct_view *first = NULL;
    pcct_gp *gp;

    (void)state;
    start(&scene);
    gp = opened(&scene, &set);
    pcct_gp_close(gp);
    scene.open.kernel = &scene.kernel;
    gp = opened(&scene, &info);
    assert_memory_equal(info.digest, set.digest, sizeof set.digest);
    assert_int_equal(info.version, 0); /* it was given */
    pcct_gp_close(gp);
    scene.kernel.m = M - 1;
    assert_int_equal(pcct_gp_open(&gp, scene.view, &scene.open, &err), PCCT_E_CONFLICT);
    assert_null(gp);
    assert_non_null(strstr(err.message, "v2"));
    scene.open.override = 1;
    gp = opened(&scene, &info);
    assert_memory_not_equal(info.digest, set.digest, sizeof set.digest);
    assert_int_equal(info.m, M - 1);
    pcct_gp_close(gp);
    scene.open.plain = 1;
    gp = opened(&scene, &info);
    assert_true(info.m == 0 && info.jitter_used == 0 && info.p[7] == 3.25);
    pcct_gp_close(gp);
    gp = (pcct_gp *)&scene;
    support_ok(pcct_view_open(&first, scene.s.store, "v1", &err), &err);
    assert_int_equal(pcct_gp_open(&gp, first, NULL, &err), PCCT_E_NOT_FOUND);
    assert_null(gp);
    gp = (pcct_gp *)&scene;
    assert_int_equal(pcct_gp_parameters(&gp, first, &err), PCCT_E_NOT_FOUND);
    assert_null(gp);
    pcct_view_close(first);
    finish(&scene);
}

/* Without features: they and what follows from them are not told, and nothing is answered. */
static void parameters_alone(void **state)
{
    struct pcct_error err = { 0, "" };
    struct pcct_gp_info info = { .size = sizeof info };
    struct scene scene;
    int64_t near[N];
    double far[N];
    pcct_gp *gp = NULL;

    (void)state;
    start(&scene);
    support_ok(pcct_gp_parameters(&gp, scene.view, &err), &err);
    assert_int_equal(pcct_gp_describe(&info, gp), 0);
    assert_true(info.version == 2 && info.n == N && info.m == M && info.nugget == 0.25 && info.jitter == 1e-6);
    assert_true(!info.v && !info.p && !info.noisy_labels && info.noisy == 0 && info.jitter_used == 0);
    assert_int_equal(pcct_gp_graph(near, far, gp, 1, NULL, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "pcct_gp_open"));
    info.size = 0;
    assert_int_equal(pcct_gp_describe(&info, gp), PCCT_E_INVALID);
    pcct_gp_close(gp);
    pcct_gp_close(NULL);
    finish(&scene);
}

/* Of K(x, x), be it the variance or the point's own: points on inducing ones without a nugget are noise, those of a small diagonal are not. */
static void noise_is_named(void **state)
{
    struct pcct_gp_info info;
    struct scene scene;
    double diagonal[N], v[N * M] = { 0 };
    pcct_gp *gp;

    (void)state;
    start(&scene);
    scene.open.kernel = &scene.kernel;
    scene.open.override = 1;
    scene.kernel.nugget = 0;
    scene.kernel.jitter = 1e-12;
    gp = opened(&scene, &info);
    assert_int_equal(info.noisy, M);
    for (int i = 0; i < M; i++) assert_int_equal(info.noisy_labels[i], scene.label[M - 1 - i]);
    pcct_gp_close(gp);
    for (int i = 0; i < N; i++) diagonal[i] = i % 2 ? 3 : 1e-10;
    v[4 * M + 1] = 1e-5; /* all of what there is of the fifth point */
    v[5 * M] = sqrt(3);  /* and of the sixth */
    scene.open.v = v;
    scene.open.diagonal = diagonal;
    gp = opened(&scene, &info);
    assert_true(info.p[0] == 1e-10 && info.p[1] == 3 && info.p[4] == 1e-9 * 1e-10 && info.p[5] == 1e-9 * 3);
    assert_int_equal(info.noisy, 2);
    assert_true(info.noisy_labels[0] == 25 && info.noisy_labels[1] == 30);
    pcct_gp_close(gp);
    finish(&scene);
}

static void fails(const struct scene *scene, const char *words)
{
    struct pcct_error err = { 0, "" };
    pcct_gp *gp = (pcct_gp *)(uintptr_t)scene;

    assert_int_equal(pcct_gp_open(&gp, scene->view, &scene->open, &err), PCCT_E_INVALID);
    assert_null(gp);
    if (!strstr(err.message, words)) fail_msg("\"%s\" is not in \"%s\"", words, err.message);
}

static void wrong_arguments(void **state)
{
    struct pcct_error err = { 0, "" };
    double numbers[N * M];
    struct scene scene;

    (void)state;
    start(&scene);
    for (int i = 0; i < N * M; i++) numbers[i] = 1;
    assert_int_equal(pcct_gp_open(NULL, scene.view, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_gp_parameters(NULL, scene.view, &err), PCCT_E_INVALID);
    scene.open.threads = -1;
    fails(&scene, "threads");
    scene.open.threads = 1;
    scene.open.v = numbers;
    fails(&scene, "v and p");
    scene.open.p = scene.open.diagonal = numbers;
    fails(&scene, "v and p");
    scene.open.v = NULL;
    scene.open.diagonal = NULL;
    fails(&scene, "v and p");
    scene.open.v = numbers;
    scene.open.p = NULL;
    scene.open.diagonal = numbers;
    numbers[3] = 3.5;
    fails(&scene, "point 3");
    numbers[3] = 0;
    fails(&scene, "point 3");
    numbers[3] = (double)NAN;
    fails(&scene, "point 3");
    scene.open.v = scene.open.diagonal = NULL;
    scene.open.size = 1;
    fails(&scene, "options of pcct_gp_open");
    finish(&scene);
    support_api_start(&scene.s, "haversine");
    support_ok(pcct_view_open(&scene.view, scene.s.store, "main", &err), &err);
    scene.open = (struct pcct_gp_options)PCCT_GP_OPTIONS_INIT;
    fails(&scene, "haversine");
    finish(&scene);
}

static int stop(void *ctx, double done)
{
    (void)done;
    return ++*(int *)ctx;
}

static void stops_when_asked(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;
    pcct_gp *gp = (pcct_gp *)&scene;
    int calls = 0;

    (void)state;
    start(&scene);
    scene.open.threads = 1;
    scene.open.progress = stop;
    scene.open.progress_ctx = &calls;
    assert_int_equal(pcct_gp_open(&gp, scene.view, &scene.open, &err), PCCT_E_CANCELLED);
    assert_null(gp);
    assert_int_equal(calls, 1);
    finish(&scene);
}

static int open_all(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct scene *scene = ctx;
    pcct_gp *gp = NULL;
    int status = 0;

    (void)env;
    TRY(pcct_gp_open(&gp, scene->view, &scene->open, err));
    pcct_gp_close(gp);
    TRY(pcct_gp_parameters(&gp, scene->view, err));
    pcct_gp_close(gp);
done:
    if (status != 0) assert_null(gp);
    return status;
}

static void memory_runs_out(void **state)
{
    struct scene scene;
    static double numbers[N * M];

    (void)state;
    start(&scene);
    scene.open.threads = 1;
    assert_true(support_fail_each(&scene.s.env, open_all, &scene) > 15);
    for (int i = 0; i < N * M; i++) numbers[i] = 1;
    scene.open.v = scene.open.p = numbers;
    assert_true(support_fail_each(&scene.s.env, open_all, &scene) > 15);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_by_their_definition),
        cmocka_unit_test(whose_kernel_it_is),
        cmocka_unit_test(parameters_alone),
        cmocka_unit_test(noise_is_named),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(stops_when_asked),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
