/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "api/request.h"

#include <string.h>

static const double four[8] = { 0, 0, 1, 0, 0, 1, 1, 1 };
static const int64_t first_labels[4] = { 10, 20, 30, 40 };

struct scene {
    struct support_api s;
    pcct_batch *batch;
    struct api_request request;
};

/* A store with points 10, 20, 30, 40 and an empty batch on it. */
static void start(struct scene *scene, int on_duplicate)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    memset(scene, 0, sizeof *scene);
    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, four, first_labels, 4, NULL, 0);
    options.on_duplicate = on_duplicate;
    support_ok(pcct_batch_begin(&scene->batch, scene->s.store, "main", &options, &err), &err);
}

static void finish(struct scene *scene)
{
    api_request_free(&scene->request);
    pcct_batch_close(scene->batch);
    support_api_finish(&scene->s);
}

static int resolve(struct scene *scene, struct pcct_error *err)
{
    return api_request_resolve(&scene->request, scene->batch, support_api_head(&scene->s), err);
}

static void insert(struct scene *scene, size_t n, const int64_t *labels)
{
    struct pcct_error err = { 0, "" };

    support_ok(pcct_batch_insert(scene->batch, four, n, labels, &err), &err);
}

static void the_counter_goes_on_above_all_labels(void **state)
{
    static const int64_t mine[1] = { 99 };
    struct pcct_error err = { 0, "" };
    struct scene scene;

    (void)state;
    start(&scene, PCCT_DUPLICATE_ERROR);
    insert(&scene, 2, NULL);
    insert(&scene, 1, mine);
    insert(&scene, 1, NULL);
    support_ok(resolve(&scene, &err), &err);
    assert_int_equal(scene.request.tree.n_insert, 4);
    assert_memory_equal(scene.request.tree.labels, ((int64_t[]){ 100, 101, 99, 102 }), 4 * sizeof(int64_t));
    finish(&scene);
}

static void deleted_labels_become_nodes(void **state)
{
    static const int64_t gone[3] = { 40, 20, 40 }, unknown[1] = { 21 }, again[1] = { 20 };
    struct pcct_error err = { 0, "" };
    struct scene scene;

    (void)state;
    start(&scene, PCCT_DUPLICATE_ERROR);
    support_ok(pcct_batch_delete(scene.batch, gone, 3, &err), &err);
    insert(&scene, 1, again); /* deleted and inserted in one batch */
    support_ok(resolve(&scene, &err), &err);
    assert_int_equal(scene.request.tree.n_delete, 2);
    assert_memory_equal(scene.request.tree.dead, ((uint32_t[]){ 1, 3 }), 2 * sizeof(uint32_t));
    assert_int_equal(scene.request.tree.n_insert, 1);
    api_request_free(&scene.request);
    memset(&scene.request, 0, sizeof scene.request);
    support_ok(pcct_batch_delete(scene.batch, unknown, 1, &err), &err);
    assert_int_equal(resolve(&scene, &err), PCCT_E_UNKNOWN);
    assert_non_null(strstr(err.message, "21"));
    finish(&scene);
}

/* Rows 5, 20, 5, 30 against live 10, 20, 30, 40. */
static void duplicates(void **state)
{
    static const int64_t mine[4] = { 5, 20, 5, 30 };
    struct pcct_error err = { 0, "" };

    (void)state;
    for (int way = PCCT_DUPLICATE_ERROR; way <= PCCT_DUPLICATE_REPLACE; way++) {
        struct scene scene;
        const struct tree_batch *tree = &scene.request.tree;

        start(&scene, way);
        insert(&scene, 4, mine);
        if (way == PCCT_DUPLICATE_ERROR) {
            assert_int_equal(resolve(&scene, &err), PCCT_E_DUPLICATE);
            assert_non_null(strstr(err.message, "label 5"));
        } else if (way == PCCT_DUPLICATE_SKIP) {
            support_ok(resolve(&scene, &err), &err);
            assert_int_equal(scene.request.skipped, 3);
            assert_int_equal(tree->n_insert, 1);
            assert_int_equal(tree->labels[0], 5);
            assert_memory_equal(tree->points, &four[0], 2 * sizeof(double)); /* the first of the two */
            assert_int_equal(tree->n_delete, 0);
        } else {
            support_ok(resolve(&scene, &err), &err);
            assert_int_equal(scene.request.replaced, 2);
            assert_memory_equal(tree->labels, ((int64_t[]){ 20, 5, 30 }), 3 * sizeof(int64_t));
            assert_memory_equal(tree->points, &four[2], 6 * sizeof(double)); /* the last of the two */
            assert_memory_equal(tree->dead, ((uint32_t[]){ 1, 2 }), 2 * sizeof(uint32_t));
        }
        finish(&scene);
    }
}

static void content_tells_batches_apart(void **state)
{
    struct pcct_error err = { 0, "" };
    struct base_hash128 empty, one, noted;
    struct scene scene;

    (void)state;
    start(&scene, PCCT_DUPLICATE_ERROR);
    support_ok(api_request_content(&empty, scene.batch, "", 1, &err), &err);
    support_ok(api_request_content(&noted, scene.batch, "x", 2, &err), &err);
    insert(&scene, 1, NULL);
    support_ok(api_request_content(&one, scene.batch, "", 1, &err), &err);
    assert_memory_not_equal(&empty, &one, sizeof one);
    assert_memory_not_equal(&empty, &noted, sizeof one);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_goes_on_above_all_labels), cmocka_unit_test(deleted_labels_become_nodes), cmocka_unit_test(duplicates),
        cmocka_unit_test(content_tells_batches_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
