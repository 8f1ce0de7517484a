/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"

#include "support_api.h"

#include <math.h>
#include <string.h>

static const double four[8] = { 10, 20, -30, 40, 50, -60, 70, 80 };
static const int64_t label[4] = { 7, 3, 5, 1 };

struct scene {
    struct support_api s;
    pcct_view *view;
};

static void start(struct scene *scene)
{
    struct pcct_error err = { 0, "" };

    support_api_start(&scene->s, "haversine");
    support_api_commit(&scene->s, four, label, 4, NULL, 0);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
}

static void finish(struct scene *scene)
{
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

/* Points from outside stand inside where the stored ones of the same coordinates do; the environment is the call's. */
static void three_ways_to_ask(void **state)
{
    static const int64_t two[2] = { 5, 7 };
    struct pcct_error err = { 0, "" };
    struct api_asked asked;
    struct scene scene;

    (void)state;
    start(&scene);
    support_ok(api_asked_points(&asked, scene.view, four, 4, NULL, 3, &err), &err);
    assert_true(asked.env.threads == 3 && asked.batch.nq == 4 && !asked.batch.node && !asked.batch.self && !asked.batch.filter);
    assert_memory_equal(asked.batch.queries, index_places(&scene.view->state), 12 * sizeof(double));
    api_asked_free(&asked);
    support_ok(api_asked_labels(&asked, scene.view, two, 2, NULL, 1, 0, &err), &err);
    assert_true(asked.batch.nq == 2 && asked.batch.node[0] == 2 && asked.batch.node[1] == 0 && !asked.batch.self && !asked.batch.queries);
    api_asked_free(&asked);
    support_ok(api_asked_labels(&asked, scene.view, two, 2, NULL, 1, 1, &err), &err);
    assert_ptr_equal(asked.batch.self, asked.batch.node);
    api_asked_free(&asked);
    support_ok(api_asked_all(&asked, scene.view, NULL, 0, &err), &err);
    assert_int_equal(asked.batch.nq, 4);
    assert_memory_equal(asked.batch.node, ((uint32_t[]){ 3, 1, 2, 0 }), 4 * sizeof(uint32_t)); /* by label */
    assert_ptr_equal(asked.batch.self, asked.batch.node);
    api_asked_free(&asked);
    finish(&scene);
}

static void refuses(struct api_asked *asked, int status, int code)
{
    assert_int_equal(status, code);
    api_asked_free(asked);
}

static void what_is_refused(void **state)
{
    static const double bad[4] = { 0, 0, 91, 0 };
    static const int64_t unknown = 4;
    struct pcct_error err = { 0, "" };
    struct api_asked asked;
    struct scene scene;

    (void)state;
    start(&scene);
    refuses(&asked, api_asked_points(&asked, scene.view, bad, 2, NULL, 0, &err), PCCT_E_POINT);
    assert_non_null(strstr(err.message, "row 1"));
    refuses(&asked, api_asked_points(&asked, scene.view, NULL, 2, NULL, 0, &err), PCCT_E_INVALID);
    refuses(&asked, api_asked_points(&asked, scene.view, four, 2, NULL, -1, &err), PCCT_E_INVALID);
    refuses(&asked, api_asked_points(&asked, scene.view, four, (size_t)1 << 32, NULL, 0, &err), PCCT_E_LIMIT);
    refuses(&asked, api_asked_labels(&asked, scene.view, &unknown, 1, NULL, 0, 0, &err), PCCT_E_UNKNOWN);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(three_ways_to_ask), cmocka_unit_test(what_is_refused) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
