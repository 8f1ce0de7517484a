/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 200, MORE = 40, K = 5 };

struct scene {
    struct support_api s;
    double points[(N + MORE) * 2];
    int64_t labels[N + MORE], gone[MORE];
    uint64_t version[2];
};

/* v1: N points; v2: MORE of them gone, as many others there, every second one under a label of those that went. */
static void start(struct scene *scene)
{
    struct base_random random;

    base_random_seed(&random, 8);
    for (int i = 0; i < N + MORE; i++) {
        scene->points[2 * i] = (double)base_random_below(&random, 30);
        scene->points[2 * i + 1] = 20 * base_random_unit(&random);
        scene->labels[i] = (i * 7 % (N + MORE)) * 3;
    }
    for (int i = 0; i < MORE; i++) {
        scene->gone[i] = scene->labels[i * 3];
        if (i % 2) scene->labels[N + i] = scene->gone[i];
    }
    support_api_start(&scene->s, "haversine");
    scene->version[0] = support_api_commit(&scene->s, scene->points, scene->labels, N, NULL, 0);
    scene->version[1] = support_api_commit(&scene->s, scene->points + 2 * N, scene->labels + N, MORE, scene->gone, MORE);
}

static pcct_view *view_of(const struct scene *scene, const char *revision)
{
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;

    support_ok(pcct_view_open(&view, scene->s.store, revision, &err), &err);
    return view;
}

/* Rows are those of the view, lists those of pcct_graph(). */
static void expect(const pcct_neighbours *neighbours, const pcct_view *view)
{
    static int64_t rows[N], labels[N * K];
    static double distances[N * K];
    static int32_t counts[N];
    struct pcct_neighbours_rows told = { .size = sizeof told };
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    assert_int_equal(pcct_neighbours_read(&told, neighbours), 0);
    assert_int_equal(pcct_view_describe(&info, view), 0);
    assert_true(told.n == info.n_live && told.k == K && told.version == info.version);
    assert_memory_equal(told.identity, info.identity, sizeof info.identity);
    support_ok(pcct_view_read(rows, NULL, view, &err), &err);
    options.counts = counts;
    support_ok(pcct_graph(labels, distances, view, K, &options, &err), &err);
    assert_memory_equal(told.rows, rows, told.n * sizeof *rows);
    assert_memory_equal(told.labels, labels, told.n * K * sizeof *labels);
    assert_memory_equal(told.distances, distances, told.n * K * sizeof *distances);
    assert_memory_equal(told.counts, counts, told.n * sizeof *counts);
}

struct shown {
    int64_t last;
    int rows, came, went, most;
};

static int show(void *ctx, const struct pcct_neighbours_change *change)
{
    struct shown *shown = ctx;

    assert_true(shown->rows == 0 || change->label > shown->last);
    assert_true(change->before || change->after);
    if (change->before && change->after) {
        assert_true(change->count_before == K && change->count_after == K);
        assert_non_null(change->distances_before);
        assert_non_null(change->distances_after);
    }
    shown->last = change->label;
    shown->came += !change->before;
    shown->went += !change->after;
    return ++shown->rows == shown->most;
}

static void from_version_to_version(void **state)
{
    static const char *const way[] = { "v2", "v1", "v0", "v2", "v2" };
    struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_renewal renewal = { .size = sizeof renewal };
    struct pcct_error err = { 0, "" };
    struct pcct_work work;
    pcct_neighbours *neighbours = NULL;
    struct scene scene;
    pcct_view *view;

    (void)state;
    start(&scene);
    view = view_of(&scene, "v1");
    options.work = &work;
    support_ok(pcct_neighbours_open(&neighbours, view, K, &options, &err), &err);
    assert_true(work.distances > N);
    expect(neighbours, view);
    pcct_view_close(view);
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        struct shown shown = { 0, 0, 0, 0, i == 3 ? 3 : 0 };

        view = view_of(&scene, way[i]);
        options.threads = (int)i % 3;
        support_ok(pcct_neighbours_renew(&renewal, neighbours, view, &options, show, &shown, &err), &err);
        expect(neighbours, view);
        if (i == 3) assert_true(shown.rows == 3 && renewal.changed == N);
        else assert_int_equal(shown.rows, renewal.changed);
        if (i < 2) assert_true(renewal.came == MORE && renewal.gone == MORE && shown.came == MORE / 2 && shown.went == MORE / 2);
        if (i == 2) assert_true(renewal.gone == N && shown.went == N);
        if (i == 4) assert_true(renewal.asked == 0 && shown.rows == 0);
        pcct_view_close(view);
    }
    pcct_neighbours_close(neighbours);
    support_api_finish(&scene.s);
}

static void kept_elsewhere(void **state)
{
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    struct pcct_error err = { 0, "" };
    pcct_neighbours *neighbours = NULL, *copy = NULL;
    struct scene scene;
    pcct_view *view, *other;

    (void)state;
    start(&scene);
    view = view_of(&scene, "v1");
    other = view_of(&scene, "v2");
    support_ok(pcct_neighbours_open(&neighbours, view, K, NULL, &err), &err);
    assert_int_equal(pcct_neighbours_read(&rows, neighbours), 0);
    support_ok(pcct_neighbours_adopt(&copy, view, K, rows.labels, rows.distances, rows.counts, NULL, &err), &err);
    expect(copy, view);
    support_ok(pcct_neighbours_renew(NULL, copy, other, NULL, NULL, NULL, &err), &err);
    expect(copy, other);
    pcct_neighbours_close(copy);
    assert_int_equal(pcct_neighbours_adopt(&copy, other, K, rows.labels, rows.distances, rows.counts, NULL, &err), PCCT_E_INVALID);
    assert_null(copy);
    assert_non_null(strstr(err.message, "the neighbours of label "));
    pcct_neighbours_close(neighbours);
    pcct_view_close(other);
    pcct_view_close(view);
    support_api_finish(&scene.s);
}

/* A copy is renewed; the other stays. */
static void copied(void **state)
{
    struct pcct_error err = { 0, "" };
    pcct_neighbours *neighbours = NULL, *copy = NULL;
    struct scene scene;
    pcct_view *view, *other;

    (void)state;
    start(&scene);
    view = view_of(&scene, "v1");
    other = view_of(&scene, "v2");
    support_ok(pcct_neighbours_open(&neighbours, view, K, NULL, &err), &err);
    support_ok(pcct_neighbours_copy(&copy, neighbours, &err), &err);
    expect(copy, view);
    support_ok(pcct_neighbours_renew(NULL, copy, other, NULL, NULL, NULL, &err), &err);
    expect(copy, other);
    expect(neighbours, view);
    pcct_neighbours_close(neighbours);
    expect(copy, other);
    assert_int_equal(pcct_neighbours_copy(NULL, copy, &err), PCCT_E_INVALID);
    pcct_neighbours_close(copy);
    pcct_view_close(other);
    pcct_view_close(view);
    view = view_of(&scene, "v0"); /* no points */
    support_ok(pcct_neighbours_open(&neighbours, view, K, NULL, &err), &err);
    support_ok(pcct_neighbours_copy(&copy, neighbours, &err), &err);
    expect(copy, view);
    pcct_neighbours_close(copy);
    pcct_neighbours_close(neighbours);
    pcct_view_close(view);
    support_api_finish(&scene.s);
}

static int stop(void *ctx, double done)
{
    (void)ctx;
    (void)done;
    return 1;
}

static void what_cannot_be_asked_for(void **state)
{
    struct pcct_neighbours_options options = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_neighbours *neighbours = NULL;
    struct scene scene, another;
    pcct_view *view, *other;

    (void)state;
    start(&scene);
    start(&another);
    view = view_of(&scene, "v2");
    other = view_of(&another, "v2");
    assert_int_equal(pcct_neighbours_open(NULL, view, K, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_neighbours_open(&neighbours, view, 0, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_neighbours_open(&neighbours, view, (size_t)1 << 31, NULL, &err), PCCT_E_LIMIT);
    assert_int_equal(pcct_neighbours_adopt(&neighbours, view, K, NULL, NULL, NULL, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_neighbours_adopt(NULL, view, K, NULL, NULL, NULL, NULL, &err), PCCT_E_INVALID);
    options.threads = -1;
    assert_int_equal(pcct_neighbours_open(&neighbours, view, K, &options, &err), PCCT_E_INVALID);
    options.threads = 0;
    options.progress = stop;
    assert_int_equal(pcct_neighbours_open(&neighbours, view, K, &options, &err), PCCT_E_CANCELLED);
    assert_null(neighbours);
    support_ok(pcct_neighbours_open(&neighbours, view, K, NULL, &err), &err);
    assert_int_equal(pcct_neighbours_renew(NULL, neighbours, other, NULL, NULL, NULL, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "store handle"));
    expect(neighbours, view);
    pcct_neighbours_close(neighbours);
    pcct_neighbours_close(NULL);
    pcct_view_close(other);
    pcct_view_close(view);
    support_api_finish(&another.s);
    support_api_finish(&scene.s);
}

struct views {
    pcct_view *from, *to;
};

static int there_and_back(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct views *views = ctx;
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    pcct_neighbours *made = NULL, *copy = NULL, *other = NULL;
    int status = 0;

    (void)env;
    TRY(pcct_neighbours_open(&made, views->from, K, NULL, err));
    TRY(pcct_neighbours_copy(&other, made, err));
    (void)pcct_neighbours_read(&rows, made);
    TRY(pcct_neighbours_adopt(&copy, views->from, K, rows.labels, rows.distances, rows.counts, NULL, err));
    status = pcct_neighbours_renew(NULL, copy, views->to, NULL, NULL, NULL, err);
    (void)pcct_neighbours_read(&rows, copy);
    assert_int_equal(rows.version, status == 0 ? 2 : 1);
done:
    assert_true(made || !copy);
    pcct_neighbours_close(made);
    pcct_neighbours_close(copy);
    pcct_neighbours_close(other);
    return status;
}

static void memory_runs_out(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;
    struct views views;

    (void)state;
    start(&scene);
    views = (struct views){ view_of(&scene, "v1"), view_of(&scene, "v2") };
    support_ok(there_and_back(&views, NULL, &err), &err); /* tables of labels are made once, and kept */
    assert_true(support_fail_each(&scene.s.env, there_and_back, &views) > 50);
    pcct_view_close(views.from);
    pcct_view_close(views.to);
    support_api_finish(&scene.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_version_to_version),
        cmocka_unit_test(kept_elsewhere),
        cmocka_unit_test(copied),
        cmocka_unit_test(what_cannot_be_asked_for),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
