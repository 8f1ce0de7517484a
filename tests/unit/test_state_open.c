/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <string.h>

enum { VERSIONS = 6, EACH = 200 };

/* Versions with inserts and deletes; digest[v]: the digests of version v as the writer had them. */
static void make_versions(struct support_api *s, uint64_t digest[VERSIONS + 1][INDEX_ARRAYS])
{
    double points[2 * EACH];
    int64_t gone[EACH / 4];

    for (uint64_t v = 1; v <= VERSIONS; v++) {
        support_points(points, EACH, 2, SUPPORT_GRID, v);
        for (int64_t i = 0; i < EACH / 4; i++) gone[i] = (int64_t)(v - 2) * EACH + 3 * i;
        assert_int_equal(support_api_commit(s, points, NULL, EACH, gone, v > 1 ? EACH / 4 : 0), v);
        memcpy(digest[v], support_api_head(s)->digest, sizeof digest[v]);
    }
}

static void every_version_is_what_the_writer_had(void **state)
{
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct pcct_error err = { 0, "" };
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    for (uint64_t v = 0; v <= VERSIONS; v++) {
        struct index_state opened;
        uint64_t anchor = 99;
        uint32_t frames = 99;

        support_ok(api_state_open(&opened, &anchor, &frames, s.store, &s.store->env, v, &err), &err);
        assert_true(anchor <= v && frames == v - anchor);
        support_ok(index_check(&opened, &err), &err);
        if (v > 0) assert_memory_equal(opened.digest, digest[v], sizeof digest[v]);
        else assert_int_equal(opened.n, 0);
        index_free(&opened);
    }
    assert_int_equal(api_state_open(&(struct index_state){ 0 }, NULL, NULL, s.store, &s.store->env, VERSIONS + 1, &err), PCCT_E_NOT_FOUND);
    support_api_finish(&s);
}

/* Forward by frames; never back, and no further than to where there is something. */
static void a_state_follows(void **state)
{
    static const uint64_t way[] = { 2, 3, 6, 6 };
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct base_vector path = { .item_bytes = sizeof(uint64_t) };
    struct pcct_error err = { 0, "" };
    struct index_state opened;
    struct support_api s;
    uint64_t from = 1;
    int short_way = 0;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    support_ok(api_state_open(&opened, NULL, NULL, s.store, &s.store->env, from, &err), &err);
    for (size_t i = 0; i < sizeof way / sizeof *way; from = way[i++]) {
        support_ok(api_way(&short_way, &path, s.store, from, way[i], &err), &err);
        assert_true(short_way && path.count == way[i] - from);
        support_ok(api_state_follow(&opened, s.store, &path, 0, &err), &err);
        assert_memory_equal(opened.digest, digest[way[i]], sizeof digest[way[i]]);
        support_ok(index_check(&opened, &err), &err);
    }
    support_ok(api_way(&short_way, &path, s.store, from, 5, &err), &err);
    assert_false(short_way);
    support_ok(api_way(&short_way, &path, s.store, from, VERSIONS + 1, &err), &err); /* it may have been pruned */
    assert_false(short_way);
    index_free(&opened);
    base_vector_free(&path, &s.store->env);
    support_api_finish(&s);
}

static int open_last(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_api *s = ctx;
    struct index_state opened;
    int status = api_state_open(&opened, NULL, NULL, s->store, &s->store->env, VERSIONS, err);

    (void)env;
    if (status == 0) index_free(&opened);
    return status;
}

static void memory_runs_out(void **state)
{
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    assert_true(support_fail_each(&s.env, open_last, &s) > 5);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_what_the_writer_had), cmocka_unit_test(a_state_follows), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
