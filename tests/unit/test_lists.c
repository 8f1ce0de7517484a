/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by a kernel, from version to version, against pcct_gp_graph(). */
#include "support_api.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 900, MORE = 60, K = 6, M = 9, ROWS_MOST = 1200 };

struct scene {
    struct support_api s;
    double inducing[2 * M];
    double lengthscale[2];
    struct pcct_kernel kernel;
    struct pcct_gp_options open;
};

/* Points of a coarse grid, so that keys tie and points lie on one another. */
static void draw(double *points, int64_t *labels, size_t n, int64_t first, struct base_random *random)
{
    for (size_t i = 0; i < n; i++) {
        points[2 * i] = (double)base_random_below(random, 40) / 4;
        points[2 * i + 1] = (double)base_random_below(random, 25) / 4;
        labels[i] = first + 3 * (int64_t)i;
    }
}

/* v1: N points; v2: some come; v3: some go and others come, half of them under labels of those that went; v4: some go; v5: many come. */
static void start(struct scene *scene, size_t n)
{
    static double points[2 * N];
    static int64_t labels[N], gone[MORE];
    struct base_random random;

    base_random_seed(&random, 4);
    memset(scene, 0, sizeof *scene);
    support_api_start(&scene->s, "euclidean");
    draw(points, labels, n, 1, &random);
    memcpy(scene->inducing, points, sizeof scene->inducing);
    support_api_commit(&scene->s, points, labels, n, NULL, 0);
    draw(points, labels, MORE, 0, &random);
    support_api_commit(&scene->s, points, labels, MORE, NULL, 0);
    for (int i = 0; i < MORE; i++) gone[i] = 1 + 3 * ((i * 7) % (int)n);
    for (int i = 0; i < MORE; i++) labels[i] = i % 2 ? gone[i] : 200000 + i;
    for (int i = 0; i < 2 * MORE; i++) points[i] = (double)base_random_below(&random, 40) / 4;
    support_api_commit(&scene->s, points, labels, MORE, gone, MORE);
    support_api_commit(&scene->s, NULL, NULL, 0, labels, 5);
    draw(points, labels, N / 4, 100000, &random);
    support_api_commit(&scene->s, points, labels, N / 4, NULL, 0);
    scene->lengthscale[0] = 1.5;
    scene->lengthscale[1] = 0.8;
    scene->kernel = (struct pcct_kernel)PCCT_KERNEL_INIT;
    scene->kernel.name = "matern32";
    scene->kernel.lengthscale = scene->lengthscale;
    scene->kernel.inducing = scene->inducing;
    scene->kernel.m = M;
    scene->open = (struct pcct_gp_options)PCCT_GP_OPTIONS_INIT;
    scene->open.kernel = &scene->kernel;
}

static void finish(struct scene *scene)
{
    support_api_finish(&scene->s);
}

struct at {
    pcct_view *view;
    pcct_gp *gp;
};

static struct at open_at(const struct scene *scene, int version)
{
    struct pcct_error err = { 0, "" };
    struct at at = { NULL, NULL };
    char name[8];

    (void)snprintf(name, sizeof name, "v%d", version);
    support_ok(pcct_view_open(&at.view, scene->s.store, name, &err), &err);
    support_ok(pcct_gp_open(&at.gp, at.view, &scene->open, &err), &err);
    return at;
}

static void close_at(struct at *at)
{
    pcct_gp_close(at->gp);
    pcct_view_close(at->view);
}

static void expect(const pcct_neighbours *neighbours, const struct at *at)
{
    static int64_t rows[ROWS_MOST], labels[ROWS_MOST * K];
    static double distances[ROWS_MOST * K];
    static int32_t counts[ROWS_MOST];
    struct pcct_neighbours_rows told = { .size = sizeof told };
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    assert_int_equal(pcct_neighbours_read(&told, neighbours), 0);
    assert_int_equal(pcct_view_describe(&info, at->view), 0);
    assert_true(told.n == info.n_live && told.n <= ROWS_MOST && told.k == K && told.version == info.version);
    support_ok(pcct_view_read(rows, NULL, at->view, &err), &err);
    ask.counts = counts;
    ask.brute = 1;
    support_ok(pcct_gp_graph(labels, distances, at->gp, K, &ask, &err), &err);
    assert_memory_equal(told.rows, rows, told.n * sizeof *rows);
    assert_memory_equal(told.counts, counts, told.n * sizeof *counts);
    assert_memory_equal(told.labels, labels, told.n * K * sizeof *labels);
    assert_memory_equal(told.distances, distances, told.n * K * sizeof *distances);
}

static int count(void *ctx, const struct pcct_neighbours_change *change)
{
    assert_true(change->before || change->after);
    ++*(uint64_t *)ctx;
    return 0;
}

static void tile(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    (void)ctx;
    for (size_t i = 0; i < na; i++) {
        for (size_t j = 0; j < nb; j++) out[i * nb + j] = exp(-fabs(a[i][0] - b[j][0]) - fabs(a[i][1] - b[j][1]));
    }
}

/* There and back over all versions, also from few points, where lists are not full; work is in proportion where the kernel is known. */
static void as_made_anew(void **state)
{
    static const int way[] = { 2, 3, 4, 5, 5, 4, 2, 1, 0, 1, 3 };

    (void)state;
    for (int turn = 0; turn < 8; turn++) {
        struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
        struct pcct_neighbours_renewal renewal = { .size = sizeof renewal };
        struct pcct_error err = { 0, "" };
        struct pcct_work work = { 0, 0, 0 };
        pcct_neighbours *neighbours = NULL;
        struct scene scene;
        struct at at;

        start(&scene, N);
        scene.kernel.nugget = turn % 2 ? 0.1 : 0;
        scene.open.plain = turn / 2 == 1;
        if (turn / 2 == 2) {
            scene.kernel.name = NULL;
            scene.kernel.lengthscale = NULL;
            scene.kernel.tile = tile;
        }
        if (turn / 2 == 3) scene.kernel.name = "rbf";
        at = open_at(&scene, 1);
        options.gp = at.gp;
        options.work = &work;
        support_ok(pcct_neighbours_open(&neighbours, at.view, K, &options, &err), &err);
        assert_true(work.distances > 0);
        expect(neighbours, &at);
        close_at(&at);
        for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
            uint64_t shown = 0;

            at = open_at(&scene, way[i]);
            options.gp = at.gp;
            options.threads = 1 + (int)i % 2;
            support_ok(pcct_neighbours_renew(&renewal, neighbours, at.view, &options, count, &shown, &err), &err);
            expect(neighbours, &at);
            assert_true(shown == renewal.changed);
            if (turn / 2 == 2) assert_true(i == 8 || renewal.asked >= 900);
            else if (i == 0) assert_true(renewal.came == MORE && renewal.gone == 0 && renewal.asked == MORE && renewal.changed > 2 * MORE);
            else if (i == 4) assert_true(renewal.asked == 0 && renewal.changed == 0);
            else if (i == 2) assert_true(renewal.gone == 5 && renewal.asked < 100 && renewal.asked >= 5);
            close_at(&at);
        }
        pcct_neighbours_close(neighbours);
        finish(&scene);
    }
}

/* Lists shorter than k: everything is on them. */
static void of_few_points(void **state)
{
    struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    static const double points[] = { 0, 0, 1, 0, 1, 1, 2, 1, 2, 1, 3, 3, 0, 3, 4, 1, 1, 4, 5, 5 };
    static const int64_t labels[] = { 4, 2, 9, 7, 8, 1, 3, 5, 6, 11 };
    static const int way[] = { 2, 1, 3, 2, 0, 3 };
    pcct_neighbours *neighbours = NULL;
    struct scene scene;
    struct at at;

    (void)state;
    memset(&scene, 0, sizeof scene);
    support_api_start(&scene.s, "euclidean");
    support_api_commit(&scene.s, points, labels, 3, NULL, 0);
    support_api_commit(&scene.s, points + 6, labels + 3, 7, NULL, 0);
    support_api_commit(&scene.s, NULL, NULL, 0, labels, 8);
    scene.kernel = (struct pcct_kernel)PCCT_KERNEL_INIT;
    scene.kernel.name = "rbf";
    scene.kernel.inducing = points;
    scene.kernel.m = 2;
    scene.kernel.nugget = 0.01;
    scene.open = (struct pcct_gp_options)PCCT_GP_OPTIONS_INIT;
    scene.open.kernel = &scene.kernel;
    at = open_at(&scene, 1);
    options.gp = at.gp;
    support_ok(pcct_neighbours_open(&neighbours, at.view, K, &options, &err), &err);
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        close_at(&at);
        at = open_at(&scene, way[i]);
        options.gp = at.gp;
        support_ok(pcct_neighbours_renew(NULL, neighbours, at.view, &options, NULL, NULL, &err), &err);
        expect(neighbours, &at);
    }
    close_at(&at);
    pcct_neighbours_close(neighbours);
    finish(&scene);
}

/* Another kernel: all rows anew, and told; then back. */
static void another_kernel(void **state)
{
    struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_renewal renewal = { .size = sizeof renewal };
    struct pcct_error err = { 0, "" };
    pcct_neighbours *neighbours = NULL;
    struct scene scene;
    struct at at, other;

    (void)state;
    start(&scene, N);
    at = open_at(&scene, 1);
    scene.lengthscale[0] = 0.6;
    other = open_at(&scene, 1);
    options.gp = at.gp;
    support_ok(pcct_neighbours_open(&neighbours, at.view, K, &options, &err), &err);
    assert_int_equal(pcct_neighbours_renew(NULL, neighbours, other.view, &options, NULL, NULL, &err) == 0, at.view == other.view);
    options.gp = other.gp;
    support_ok(pcct_neighbours_renew(&renewal, neighbours, other.view, &options, NULL, NULL, &err), &err);
    assert_true(renewal.asked == N && renewal.came == 0 && renewal.changed > N / 2);
    expect(neighbours, &other);
    options.gp = NULL;
    assert_int_equal(pcct_neighbours_renew(NULL, neighbours, at.view, &options, NULL, NULL, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "by a kernel"));
    expect(neighbours, &other);
    pcct_neighbours_close(neighbours);
    support_ok(pcct_neighbours_open(&neighbours, at.view, K, &options, &err), &err);
    options.gp = at.gp;
    assert_int_equal(pcct_neighbours_renew(NULL, neighbours, at.view, &options, NULL, NULL, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "without a kernel"));
    pcct_neighbours_close(neighbours);
    close_at(&other);
    other = open_at(&scene, 2);
    options.gp = other.gp;
    assert_int_equal(pcct_neighbours_open(&neighbours, at.view, K, &options, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "another view"));
    close_at(&other);
    close_at(&at);
    finish(&scene);
}

static void kept_elsewhere(void **state)
{
    struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    struct pcct_error err = { 0, "" };
    static double distances[N * K];
    pcct_neighbours *neighbours = NULL, *copy = NULL;
    struct scene scene;
    struct at at;

    (void)state;
    start(&scene, N);
    for (scene.open.plain = 0; scene.open.plain <= 1; scene.open.plain++) {
        at = open_at(&scene, 1);
        options.gp = at.gp;
        support_ok(pcct_neighbours_open(&neighbours, at.view, K, &options, &err), &err);
        assert_int_equal(pcct_neighbours_read(&rows, neighbours), 0);
        support_ok(pcct_neighbours_adopt(&copy, at.view, K, rows.labels, rows.distances, rows.counts, &options, &err), &err);
        expect(copy, &at);
        pcct_neighbours_close(copy);
        memcpy(distances, rows.distances, sizeof distances);
        distances[17 * K + 3] = nextafter(distances[17 * K + 3], 2);
        assert_int_equal(pcct_neighbours_adopt(&copy, at.view, K, rows.labels, distances, rows.counts, &options, &err), PCCT_E_INVALID);
        assert_non_null(strstr(err.message, "under this kernel"));
        assert_null(copy);
        pcct_neighbours_close(neighbours);
        close_at(&at);
    }
    finish(&scene);
}

static int stop(void *ctx, double done)
{
    (void)done;
    return ++*(int *)ctx > 1;
}

static void stops_when_asked(void **state)
{
    struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_neighbours *neighbours = NULL;
    struct scene scene;
    struct at at;
    int calls = 0;

    (void)state;
    start(&scene, N);
    at = open_at(&scene, 1);
    options.gp = at.gp;
    options.progress = stop;
    options.progress_ctx = &calls;
    assert_int_equal(pcct_neighbours_open(&neighbours, at.view, K, &options, &err), PCCT_E_CANCELLED);
    assert_null(neighbours);
    close_at(&at);
    finish(&scene);
}

struct places {
    struct at from, to;
};

static int there(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct places *places = ctx;
    struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    pcct_neighbours *made = NULL, *copy = NULL;
    int status = 0;

    (void)env;
    options.gp = places->from.gp;
    options.threads = 1;
    TRY(pcct_neighbours_open(&made, places->from.view, K, &options, err));
    (void)pcct_neighbours_read(&rows, made);
    TRY(pcct_neighbours_adopt(&copy, places->from.view, K, rows.labels, rows.distances, rows.counts, &options, err));
    options.gp = places->to.gp;
    status = pcct_neighbours_renew(NULL, copy, places->to.view, &options, NULL, NULL, err);
    (void)pcct_neighbours_read(&rows, copy);
    assert_int_equal(rows.version, status == 0 ? 3 : 2);
done:
    pcct_neighbours_close(made);
    pcct_neighbours_close(copy);
    return status;
}

static void memory_runs_out(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;
    struct places places;

    (void)state;
    start(&scene, 71);
    places = (struct places){ open_at(&scene, 2), open_at(&scene, 3) };
    support_ok(there(&places, NULL, &err), &err);
    assert_true(support_fail_each(&scene.s.env, there, &places) > 50);
    close_at(&places.from);
    close_at(&places.to);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_made_anew),
        cmocka_unit_test(of_few_points),
        cmocka_unit_test(another_kernel),
        cmocka_unit_test(kept_elsewhere),
        cmocka_unit_test(stops_when_asked),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
