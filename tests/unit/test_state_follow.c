/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "block/layout_annex.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { START = 300, VERSIONS = 9, LABELS = 40 };

/* Versions in which labels come and go and come again; digest[v]: the digests of version v as the writer had them. */
static void make_versions(struct support_api *s, uint64_t digest[VERSIONS + 1][INDEX_ARRAYS])
{
    double points[2 * START];
    int64_t label[LABELS];

    support_points(points, START, 2, SUPPORT_UNIFORM, 1);
    assert_int_equal(support_api_commit(s, points, NULL, START, NULL, 0), 1);
    memcpy(digest[1], support_api_head(s)->digest, sizeof digest[1]);
    for (int64_t i = 0; i < LABELS; i++) label[i] = LABELS - i; /* of rows of the first version, and no longer ascending when they come again */
    for (uint64_t v = 2; v <= VERSIONS; v++) {
        support_points(points, LABELS, 2, SUPPORT_UNIFORM, v);
        if (v % 2 == 0) assert_int_equal(support_api_commit(s, NULL, NULL, 0, label, LABELS - v), v);
        else assert_int_equal(support_api_commit(s, points, label, LABELS - v + 1, NULL, 0), v);
        memcpy(digest[v], support_api_head(s)->digest, sizeof digest[v]);
    }
}

static void follow(struct index_state *opened, struct support_api *s, uint64_t from, uint64_t to, int apart)
{
    struct base_vector path = { .item_bytes = sizeof(uint64_t) };
    struct pcct_error err = { 0, "" };
    int short_way = 0;

    support_ok(api_way(&short_way, &path, s->store, from, to, &err), &err);
    assert_true(short_way && path.count == to - from);
    support_ok(api_state_follow(opened, s->store, &path, apart, &err), &err);
    base_vector_free(&path, &s->store->env);
}

/* From each version to each later one, with a table of labels and without; then every label leads where it does in a state opened anew. */
static void labels_that_come_and_go(void **state)
{
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct pcct_error err = { 0, "" };
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    for (uint64_t from = 0; from < VERSIONS; from++) {
        for (uint64_t to = from + 1; to <= VERSIONS; to++) {
            for (int table = 0; table < 2; table++) {
                struct index_state opened, anew;

                support_ok(api_state_open(&opened, NULL, NULL, s.store, &s.store->env, from, &err), &err);
                support_ok(api_state_open(&anew, NULL, NULL, s.store, &s.store->env, to, &err), &err);
                if (table) support_ok(index_labels_prepare(&opened, &err), &err);
                follow(&opened, &s, from, to, table);
                assert_memory_equal(opened.digest, digest[to], sizeof digest[to]);
                support_ok(index_check(&opened, &err), &err);
                for (int64_t label = 0; label < START; label++) {
                    uint32_t node = 0, wanted = 0;

                    support_ok(index_find(&node, &opened, label, &err), &err);
                    support_ok(index_find(&wanted, &anew, label, &err), &err);
                    assert_int_equal(node, wanted);
                }
                index_free(&anew);
                index_free(&opened);
            }
        }
    }
    support_api_finish(&s);
}

/* What many frames add is laid out apart when a version is opened; the answers are those of a state that took it in. */
static void what_is_added_is_laid_out_apart(void **state)
{
    enum { OLD = 3000, EACH = 200, LAST = 5 };
    struct index_state apart, within;
    struct pcct_error err = { 0, "" };
    double points[2 * OLD];
    int64_t gone[EACH];
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    support_points(points, OLD, 2, SUPPORT_CLUSTERS, 1);
    assert_int_equal(support_api_commit(&s, points, NULL, OLD, NULL, 0), 1);
    for (uint64_t v = 2; v <= LAST; v++) {
        for (int64_t i = 0; i < EACH; i++) gone[i] = (int64_t)v + 11 * i;
        support_points(points, EACH, 2, SUPPORT_CLUSTERS, v);
        assert_int_equal(support_api_commit(&s, points, NULL, EACH, gone, v == 3 ? EACH : 0), v);
    }
    support_ok(api_state_open(&apart, NULL, NULL, s.store, &s.store->env, 1, &err), &err);
    support_ok(api_state_open(&within, NULL, NULL, s.store, &s.store->env, 1, &err), &err);
    follow(&apart, &s, 1, LAST, 1);
    follow(&within, &s, 1, LAST, 0);
    assert_true(block_is_annexed(&apart.layout) && !block_is_annexed(&within.layout));
    assert_memory_equal(apart.digest, within.digest, sizeof apart.digest);
    support_ok(index_check(&apart, &err), &err);
    for (uint32_t i = 0; i < OLD; i += 7) {
        const struct block_source source = index_source(&apart), other = index_source(&within);
        struct block_hit a = { (double)INFINITY, BLOCK_NONE }, b = a;
        struct block_work work = { 0 };

        block_nearest(&a, &apart.layout, &source, index_place(&apart, i), i, &work);
        block_nearest(&b, &within.layout, &other, index_place(&within, i), i, &work);
        assert_true(a.node == b.node && memcmp(&a.key, &b.key, sizeof a.key) == 0);
    }
    index_free(&within);
    index_free(&apart);
    support_api_finish(&s);
}

/* The greatest block that is taken, by an allocator around that of the store. */
struct greatest {
    struct pcct_allocator inner;
    size_t bytes;
};

static void *take_noted(void *ctx, size_t bytes, size_t alignment)
{
    struct greatest *g = ctx;

    if (bytes > __atomic_load_n(&g->bytes, __ATOMIC_RELAXED)) __atomic_store_n(&g->bytes, bytes, __ATOMIC_RELAXED);
    return g->inner.alloc(g->inner.ctx, bytes, alignment);
}

static void free_noted(void *ctx, void *block)
{
    struct greatest *g = ctx;

    g->inner.free(g->inner.ctx, block);
}

/* Longer ways are gone in parts: with half of the frames before those that change nothing and half behind them. */
static void a_long_way(void **state)
{
    enum { RESTORED = VERSIONS + 1, TIMES = 4100 };
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct pcct_error err = { 0, "" };
    struct greatest greatest[2];
    pcct_batch *batch = NULL;
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    support_ok(pcct_batch_begin(&batch, s.store, "main", NULL, &err), &err);
    support_ok(pcct_batch_restore(batch, "main", &err), &err);
    support_ok(pcct_batch_commit(NULL, batch, "as it was", &err), &err);
    pcct_batch_close(batch);
    for (size_t i = 0; i < 2; i++) {
        struct base_vector path = { .item_bytes = sizeof(uint64_t) };
        struct index_state opened;
        uint64_t *version;

        support_ok(base_vector_add(&version, &path, &s.store->env, VERSIONS + (i + 1) * TIMES, &err), &err);
        for (uint64_t v = 1; v <= VERSIONS / 2; v++) *version++ = v;
        for (size_t n = 0; n < (i + 1) * TIMES; n++) *version++ = RESTORED;
        for (uint64_t v = VERSIONS / 2 + 1; v <= VERSIONS; v++) *version++ = v;
        index_init(&opened, &s.store->env, &s.store->metric, s.store->seed);
        greatest[i] = (struct greatest){ s.store->env.memory, 0 };
        s.store->env.memory = (struct pcct_allocator){ take_noted, free_noted, &greatest[i] };
        support_ok(api_state_follow(&opened, s.store, &path, 0, &err), &err);
        s.store->env.memory = greatest[i].inner;
        assert_memory_equal(opened.digest, digest[VERSIONS], sizeof digest[VERSIONS]);
        index_free(&opened);
        base_vector_free(&path, &s.store->env);
    }
    assert_int_equal(greatest[0].bytes, greatest[1].bytes);
    support_api_finish(&s);
}

/* A frame that cannot be read is named, whichever of those that are read side by side it is. */
static void a_frame_that_is_damaged(void **state)
{
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct base_vector path = { .item_bytes = sizeof(uint64_t) };
    struct store_version version;
    struct pcct_error err = { 0, "" };
    struct index_state opened;
    struct support_api s;
    char name[4200];
    int short_way = 0;
    FILE *file;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    support_ok(api_state_open(&opened, NULL, NULL, s.store, &s.store->env, 2, &err), &err);
    support_ok(api_way(&short_way, &path, s.store, 2, VERSIONS, &err), &err);
    support_ok(store_version(&version, NULL, s.store->store, 5, &err), &err);
    snprintf(name, sizeof name, "%s/journal/J%08llx", s.path, (unsigned long long)version.segment);
    file = fopen(name, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)(version.offset + version.bytes / 2), SEEK_SET), 0);
    assert_int_equal(fputc(255, file), 255);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(api_state_follow(&opened, s.store, &path, 0, &err), PCCT_E_DAMAGED);
    if (!strstr(err.message, "v5 cannot be read")) fail_msg("%s", err.message);
    index_free(&opened);
    base_vector_free(&path, &s.store->env);
    support_api_finish(&s);
}

static int follow_all(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct base_vector path = { .item_bytes = sizeof(uint64_t) };
    struct support_api *s = ctx;
    struct index_state opened;
    int status = 0, short_way = 0;

    (void)env;
    index_init(&opened, &s->store->env, &s->store->metric, s->store->seed);
    TRY(api_way(&short_way, &path, s->store, 0, VERSIONS, err));
    TRY(api_state_follow(&opened, s->store, &path, 1, err));
done:
    base_vector_free(&path, &s->store->env);
    index_free(&opened);
    return status;
}

static void memory_runs_out(void **state)
{
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    assert_true(support_fail_each(&s.env, follow_all, &s) > 20);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_that_come_and_go),
        cmocka_unit_test(what_is_added_is_laid_out_apart),
        cmocka_unit_test(a_long_way),
        cmocka_unit_test(a_frame_that_is_damaged),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
