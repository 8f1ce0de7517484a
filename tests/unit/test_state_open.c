/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "index/image.h"
#include "store/compact.h"
#include "store/scrub.h"

#include <stdio.h>
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

/* An anchor of a version, as the keeper writes it. */
static void write_anchor(struct support_api *s, uint64_t version)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    struct pcct_error err = { 0, "" };
    struct index_state opened;
    uint64_t bytes = 0;

    support_ok(api_state_open(&opened, NULL, NULL, s->store, &s->store->env, version, &err), &err);
    support_ok(index_image_of(&image, &head, &opened, &err), &err);
    support_ok(store_anchor_write(&bytes, s->store->store, version, &image, head.memory.data, head.count, 0, &err), &err);
    base_vector_free(&head, &s->store->env);
    index_free(&opened);
}

/* Flips a byte among the numbers of an anchor. */
static void flip(const struct support_api *s, uint64_t version)
{
    char name[4200];
    FILE *file;
    int byte;

    snprintf(name, sizeof name, "%s/data/A%016llx", s->path, (unsigned long long)version);
    file = fopen(name, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4100, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, 4100, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

/* That an anchor was damaged once is nothing against the one that stands in its place later, when the frames are gone. */
static void an_anchor_was_renewed(void **state)
{
    struct store_scrub scrub = { 0 };
    struct store_prune prune = { .keep_last = 1 };
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS], anchor = 99;
    struct pcct_error err = { 0, "" };
    struct index_state opened;
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    write_anchor(&s, 4);
    flip(&s, 4);
    support_ok(api_state_open(&opened, &anchor, NULL, s.store, &s.store->env, VERSIONS, &err), &err);
    assert_int_equal(anchor, 0);
    index_free(&opened);
    support_ok(store_scrub(&scrub, s.store->store, &err), &err);
    assert_int_equal(scrub.dropped.count, 1);
    base_vector_free(&scrub.dropped, &s.store->env);
    write_anchor(&s, 4);
    support_ok(store_prune(&prune, s.store->store, &err), &err);
    support_ok(api_state_open(&opened, &anchor, NULL, s.store, &s.store->env, VERSIONS, &err), &err);
    assert_int_equal(anchor, 4);
    assert_memory_equal(opened.digest, digest[VERSIONS], sizeof digest[VERSIONS]);
    index_free(&opened);
    flip(&s, 4);
    assert_int_equal(api_state_open(&opened, NULL, NULL, s.store, &s.store->env, VERSIONS, &err), PCCT_E_DAMAGED);
    support_api_finish(&s);
}

/* Who looks into a catalogue that was made anew meanwhile is told so, and not of damage. */
static void the_catalogue_was_made_anew(void **state)
{
    static const double place[2] = { 0.1, 0.2 };
    struct store_prune prune = { .keep_last = 1 };
    uint64_t digest[VERSIONS + 1][INDEX_ARRAYS];
    struct pcct_error err = { 0, "" };
    struct index_state opened;
    pcct_store *other = NULL;
    struct support_api s;

    (void)state;
    support_api_start(&s, "euclidean");
    make_versions(&s, digest);
    write_anchor(&s, VERSIONS);
    support_ok(pcct_store_open(&other, s.path, NULL, &err), &err);
    support_ok(store_shrink_catalogue(s.store->store, &err), &err);
    pcct_store_close(s.store);
    support_ok(pcct_store_open(&s.store, s.path, NULL, &err), &err);
    support_ok(store_prune(&prune, s.store->store, &err), &err); /* what comes is in another segment */
    assert_int_equal(support_api_commit(&s, place, NULL, 1, NULL, 0), VERSIONS + 1);
    write_anchor(&s, VERSIONS + 1);
    support_ok(store_prune(&prune, s.store->store, &err), &err);
    assert_int_equal(api_state_open(&opened, NULL, NULL, other, &other->env, 2, &err), PCCT_E_CONFLICT);
    pcct_store_close(other);
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
        cmocka_unit_test(an_anchor_was_renewed), cmocka_unit_test(the_catalogue_was_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
