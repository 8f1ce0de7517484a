/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/compact.h"
#include "store/scrub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 30000, VERSIONS = 30 };

static struct support_live live;

static uint64_t prune(uint64_t keep_last)
{
    struct store_prune p = {.keep_last = keep_last, .none = keep_last == 0};
    struct pcct_error err;

    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_prune(&p, live.store, &err), &err);
    store_unlock(live.store);
    return p.removed;
}

static int set_up(void **state)
{
    (void)state;
    support_live_start(&live, STORE_FULL);
    support_commit(live.store, VERSIONS, BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_live_finish(&live);
    return 0;
}

/* The oldest that can be named, with what is behind it; none when an anchor is there, or when nothing was pruned. */
static void test_ripe(void **state)
{
    struct base_vector ripe = {.item_bytes = sizeof(struct store_ripe)};
    struct store_version v;
    struct pcct_error err;

    (void)state;
    support_ok(store_ripe(&ripe, live.store, &err), &err);
    assert_int_equal(ripe.count, 0);
    (void)prune(10);
    support_ok(store_version(&v, NULL, live.store, 20, &err), &err);
    support_ok(store_ripe(&ripe, live.store, &err), &err);
    assert_int_equal(ripe.count, 1);
    assert_int_equal(((struct store_ripe *)ripe.memory.data)->version, 21);
    assert_int_equal(((struct store_ripe *)ripe.memory.data)->bytes, 20 * v.bytes);
    support_anchor(live.store, 21);
    support_ok(store_ripe(&ripe, live.store, &err), &err);
    assert_int_equal(ripe.count, 0);
    assert_int_equal(prune(0), 20);
    base_vector_free(&ripe, &live.support.env);
}

/* Of the anchors the newest stays, and one that is all there is. */
static void test_thin(void **state)
{
    struct store_sizes sizes;
    struct pcct_error err;
    uint64_t dropped = 0;

    (void)state;
    support_ok(store_thin_anchors(&dropped, live.store, &err), &err);
    assert_int_equal(dropped, 0);
    support_anchor(live.store, 11);
    support_anchor(live.store, 15);
    support_anchor(live.store, 20);
    support_anchor(live.store, 25);
    assert_int_equal(prune(20), 10);
    support_ok(store_thin_anchors(&dropped, live.store, &err), &err);
    assert_int_equal(dropped, 2);
    support_ok(store_sizes(&sizes, live.store, &err), &err);
    assert_int_equal(sizes.anchors, 2);
    for (uint64_t v = 11; v <= VERSIONS; v++) support_ok(support_check(live.store, v, BYTES, &err), &err);
}

static uint64_t catalogue_bytes(void)
{
    struct stat about;
    char path[400];

    snprintf(path, sizeof(path), "%s/catalogue.mdb", live.s.path);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 077, 0);
    return (uint64_t)about.st_size;
}

static int shrink(struct pcct_error *err)
{
    int status = 0;

    TRY(store_lock(live.store, 1, err));
    status = store_shrink_catalogue(live.store, err);
    store_unlock(live.store);
done:
    return status;
}

/* The same in fewer pages; who had it open is told so; each call that fails leaves the old one or the new one, whole. */
static void test_shrink(void **state)
{
    const uint64_t before = catalogue_bytes();
    struct pcct_error err = {0, ""};
    char path[400];
    int more = 1;

    (void)state;
    support_ok(shrink(&err), &err);
    assert_true(catalogue_bytes() < before / 2);
    assert_int_equal(store_check_current(live.store, &err), PCCT_E_CONFLICT);
    assert_int_equal(store_lock(live.store, 1, &err), PCCT_E_CONFLICT);
    for (uint64_t n = 1; more; n++) {
        int status;

        store_close(live.store);
        live.store = NULL;
        support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
        for (uint64_t v = 1; v <= VERSIONS; v++) support_ok(support_check(live.store, v, BYTES, &err), &err);
        support_ok(store_lock(live.store, 1, &err), &err);
        live.support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE | UINT64_C(1) << BASE_OS_LOCK);
        live.support.os.counted = 0;
        live.support.os.fail_at = n;
        live.support.os.fail_errno = EIO;
        status = store_shrink_catalogue(live.store, &err);
        more = live.support.os.counted >= n;
        live.support.os.fail_mask = 0;
        store_unlock(live.store);
        if (status != 0) assert_true(strlen(err.message) > 0);
    }
    snprintf(path, sizeof(path), "%s/catalogue.mdb.damaged", live.s.path);
    assert_int_not_equal(access(path, F_OK), 0);
    store_close(live.store);
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
    support_commit(live.store, 3, BYTES);
}

/* Who has opened the store before a compaction lists or drops no anchor any more: by the new catalogue it may be all there is of a state. */
static void test_left_behind(void **state)
{
    struct store *other = NULL;
    struct index_image image;
    struct base_vector head;
    struct pcct_error err;
    uint64_t written = 0, dropped = 0;
    int one = 0;

    (void)state;
    support_anchor(live.store, 11);
    support_anchor(live.store, 20);
    support_ok(store_open(&other, live.s.path, &live.support.env, &err), &err);
    support_ok(shrink(&err), &err);
    support_image(&image, &head, &live.support.env, 25, 0);
    assert_int_equal(store_anchor_write(&written, other, 25, &image, head.memory.data, head.count, 0, &err), PCCT_E_CONFLICT);
    assert_int_equal(store_anchor_drop(&one, other, 11, &err), PCCT_E_CONFLICT);
    assert_int_equal(store_thin_anchors(&dropped, other, &err), PCCT_E_CONFLICT);
    assert_int_equal(dropped, 0);
    support_image_free(&image, &head, &live.support.env);
    store_close(other);
    store_close(live.store);
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
    support_ok(store_thin_anchors(&dropped, live.store, &err), &err);
    assert_int_equal(dropped, 1);
}

/* A flipped bit in any frame is told; what is whole, and memory that fails, is told from it. */
static int check_whole(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    (void)ctx;
    (void)env;
    return store_check_whole(live.store, err);
}

static void test_whole(void **state)
{
    struct store_version v;
    struct pcct_error err;
    uint8_t *bytes;
    size_t n = 0;
    char name[64];

    (void)state;
    support_ok(store_check_whole(live.store, &err), &err);
    (void)support_fail_each(&live.support, check_whole, NULL);
    support_ok(store_version(&v, NULL, live.store, 7, &err), &err);
    snprintf(name, sizeof(name), "journal/J%08x", (unsigned)v.segment);
    bytes = support_file_read(&n, &live.s, name);
    bytes[v.offset + v.bytes / 2] ^= 1;
    support_file_write(&live.s, name, bytes, n);
    assert_int_equal(store_check_whole(live.store, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "v7"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(test_ripe, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(test_thin, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(test_shrink, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(test_left_behind, set_up, tear_down)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
