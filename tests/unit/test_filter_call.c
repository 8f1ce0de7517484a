/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <math.h>
#include <string.h>

/* On a line, labels falling. */
static const double line[16] = { 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 70, 0 };
static const int64_t falling[8] = { 70, 60, 50, 40, 30, 20, 10, -5 };

struct scene {
    struct support_api s;
    pcct_view *view;
    struct pcct_filter_options options;
};

static void start(struct scene *scene)
{
    const struct pcct_filter_options options = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, line, falling, 8, NULL, 0);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    scene->options = options;
}

static void finish(struct scene *scene)
{
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

/* What the filter lets through, and the 3 nearest of label 40, which stands at 3. */
static void expect(struct scene *scene, size_t n, const int64_t *let_through, const int64_t *nearest)
{
    static const int64_t asked = 40;
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = NULL;
    int64_t labels[8];
    double distances[3];
    size_t count = 99;

    support_ok(pcct_filter_open(&filter, scene->view, &scene->options, &err), &err);
    support_ok(pcct_filter_read(NULL, &count, filter, &err), &err);
    assert_int_equal(count, n);
    support_ok(pcct_filter_read(labels, &count, filter, &err), &err);
    if (n > 0) assert_memory_equal(labels, let_through, n * sizeof *labels);
    options.filter = filter;
    options.exclude_self = 1;
    support_ok(pcct_knn_stored(labels, distances, scene->view, &asked, 1, 3, &options, &err), &err);
    assert_memory_equal(labels, nearest, 3 * sizeof *labels);
    pcct_filter_close(filter);
}

static void each_kind(void **state)
{
    static const int64_t some[4] = { 70, 10, 20, 70 }, order[8] = { 10, 70, 40, 60, -5, 50, 30, 20 };
    uint64_t bits[2] = { (uint64_t)1 << 50 | (uint64_t)1 << 10 | 2, 1 << 6 }; /* 50, 10, 1 which is none, 70 */
    struct scene scene;

    (void)state;
    start(&scene);
    expect(&scene, 8, (int64_t[]){ -5, 10, 20, 30, 40, 50, 60, 70 }, (int64_t[]){ 30, 50, 20 });
    scene.options.labels = some;
    scene.options.n_labels = 4;
    expect(&scene, 3, (int64_t[]){ 10, 20, 70 }, (int64_t[]){ 20, 10, 70 });
    scene.options.order = PCCT_ORDER_NODE;
    expect(&scene, 3, (int64_t[]){ 70, 20, 10 }, (int64_t[]){ 70, -1, -1 });
    scene.options.n_labels = 0;
    expect(&scene, 0, NULL, (int64_t[]){ -1, -1, -1 });
    scene.options.labels = NULL;
    expect(&scene, 8, falling, (int64_t[]){ 50, 60, 70 });
    scene.options.order = PCCT_ORDER_LABEL;
    expect(&scene, 8, (int64_t[]){ -5, 10, 20, 30, 40, 50, 60, 70 }, (int64_t[]){ 30, 20, 10 });
    scene.options.order = PCCT_ORDER_GIVEN;
    scene.options.ordering = order;
    scene.options.n_ordering = 8;
    expect(&scene, 8, order, (int64_t[]){ 10, 70, -1 });
    scene.options.bitmap = bits;
    scene.options.bitmap_bits = 128;
    expect(&scene, 3, (int64_t[]){ 10, 70, 50 }, (int64_t[]){ 10, 70, -1 });
    scene.options.order = PCCT_ORDER_NONE;
    scene.options.ordering = NULL;
    expect(&scene, 3, (int64_t[]){ 10, 50, 70 }, (int64_t[]){ 50, 10, 70 });
    scene.options.bitmap_bits = 70;
    expect(&scene, 2, (int64_t[]){ 10, 50 }, (int64_t[]){ 50, 10, -1 });
    finish(&scene);
}

/* The net that pcct_net tells. */
static void levels(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;
    size_t sizes = 0;

    (void)state;
    start(&scene);
    scene.options.by_level = 1;
    for (int level = -3; level < 12; level++) {
        pcct_filter *filter = NULL;
        int64_t net[8], through[8];
        size_t n = 0, m = 0;

        scene.options.level = level;
        support_ok(pcct_filter_open(&filter, scene.view, &scene.options, &err), &err);
        support_ok(pcct_net(net, &n, scene.view, level, &err), &err);
        support_ok(pcct_filter_read(through, &m, filter, &err), &err);
        assert_int_equal(n, m);
        assert_memory_equal(net, through, n * sizeof *net);
        sizes += n;
        pcct_filter_close(filter);
    }
    assert_true(sizes > 15 && sizes < 120); /* not always all, nor the root alone */
    finish(&scene);
}

static void fails(struct scene *scene, int code, const char *words)
{
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = (pcct_filter *)scene;

    assert_int_equal(pcct_filter_open(&filter, scene->view, &scene->options, &err), code);
    assert_null(filter);
    assert_non_null(strstr(err.message, words));
}

static void wrong_options(void **state)
{
    static const int64_t twice[8] = { 10, 70, 40, 60, -5, 50, 30, 10 }, unknown[8] = { 10, 70, 40, 60, -5, 50, 30, 11 };
    const struct pcct_filter_options plain = PCCT_FILTER_OPTIONS_INIT;
    uint64_t bits = 1;
    struct pcct_error err = { 0, "" };
    struct scene scene;

    (void)state;
    start(&scene);
    scene.options.by_level = 1;
    scene.options.level = PCCT_LEVEL_MAX + 1;
    fails(&scene, PCCT_E_INVALID, "1024");
    scene.options = plain;
    scene.options.labels = unknown;
    scene.options.n_labels = 8;
    fails(&scene, PCCT_E_UNKNOWN, "11");
    scene.options.bitmap = &bits;
    fails(&scene, PCCT_E_INVALID, "not both");
    scene.options = plain;
    scene.options.n_labels = 3;
    fails(&scene, PCCT_E_INVALID, "none given");
    scene.options = plain;
    scene.options.order = 4;
    fails(&scene, PCCT_E_INVALID, "order 4");
    scene.options.order = PCCT_ORDER_LABEL;
    scene.options.ordering = twice;
    fails(&scene, PCCT_E_INVALID, "PCCT_ORDER_GIVEN");
    scene.options.order = PCCT_ORDER_GIVEN;
    scene.options.n_ordering = 7;
    fails(&scene, PCCT_E_INVALID, "each of the 8");
    scene.options.n_ordering = 8;
    fails(&scene, PCCT_E_DUPLICATE, "label 10 stands twice");
    scene.options.ordering = unknown;
    fails(&scene, PCCT_E_UNKNOWN, "11");
    scene.options.ordering = NULL;
    fails(&scene, PCCT_E_INVALID, "each of the 8");
    assert_int_equal(pcct_filter_open(NULL, scene.view, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_filter_read(NULL, NULL, NULL, &err), PCCT_E_INVALID);
    pcct_filter_close(NULL);
    finish(&scene);
}

static void of_another_view(void **state)
{
    struct pcct_knn_options knn = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = NULL;
    pcct_view *other = NULL;
    double distance = 0;
    int64_t label = 0;
    struct scene scene;

    (void)state;
    start(&scene);
    support_api_commit(&scene.s, (double[]){ 1000, 1000 }, NULL, 1, NULL, 0);
    support_ok(pcct_view_open(&other, scene.s.store, "main", &err), &err);
    support_ok(pcct_filter_open(&filter, other, NULL, &err), &err);
    knn.filter = filter;
    assert_int_equal(pcct_knn(&label, &distance, scene.view, line, 1, 1, &knn, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "another view"));
    support_ok(pcct_knn(&label, &distance, other, line, 1, 1, &knn, &err), &err);
    assert_int_equal(label, 70);
    pcct_filter_close(filter);
    pcct_view_close(other);
    finish(&scene);
}

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct scene *scene = ctx;
    pcct_filter *filter = NULL;
    int status = pcct_filter_open(&filter, scene->view, &scene->options, err);

    (void)env;
    assert_true((status == 0) == (filter != NULL));
    pcct_filter_close(filter);
    return status;
}

static void memory_runs_out(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene);
    scene.options.labels = falling;
    scene.options.n_labels = 8;
    scene.options.order = PCCT_ORDER_GIVEN;
    scene.options.ordering = falling;
    scene.options.n_ordering = 8;
    assert_true(support_fail_each(&scene.s.env, make, &scene) >= 9);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind), cmocka_unit_test(levels), cmocka_unit_test(wrong_options), cmocka_unit_test(of_another_view),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
