/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whatever fails, the store is whole, and an anchor is listed only if it is. */
static void test_failures(void **state)
{
    static const int error_number[] = {EIO, ENOSPC};
    struct support_env support;
    struct pcct_error err;

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        int status = -1;
        uint64_t n;

        for (n = 1; status != 0; n++) {
            struct support_store s;
            struct store *store = NULL;
            struct index_image image;
            struct base_vector head;
            struct store_fsck fsck;
            uint64_t written = 0;
            char first[256], path[400];

            support_env_start(&support, 1);
            support_store_start(&s, &support);
            support_ok(store_open(&store, s.path, &support.env, &err), &err);
            support_commit(store, 2, 100);
            support_image(&image, &head, &support.env, 2, 0);
            if (kind < 2) {
                support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE);
                support.os.counted = 0;
                support.os.fail_at = n;
                support.os.fail_errno = error_number[kind];
                support.os.fail_short = kind;
            } else support_env_fail(&support, n);
            status = store_anchor_write(&written, store, 2, &image, head.memory.data, head.count, 0, &err);
            support.os.fail_mask = 0;
            support_env_fail(&support, 0);
            support_image_free(&image, &head, &support.env);
            /* a catalogue that cannot be looked at counts as another */
            if (status != 0 && status != PCCT_E_CONFLICT) {
                assert_int_equal(status, kind == 0 ? PCCT_E_IO : kind == 1 ? PCCT_E_NOSPACE : PCCT_E_MEMORY);
            }
            support_commit(store, 1, 100);
            store_close(store);
            assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
            assert_string_equal(first, "");
            assert_int_equal(fsck.anchors, status == 0);
            assert_int_equal(fsck.versions_readable, 3);
            snprintf(path, sizeof(path), "%s/data/A0000000000000002.new", s.path);
            assert_int_not_equal(access(path, F_OK), 0);
            support_store_finish(&s);
            support_env_finish(&support);
        }
        assert_true(n > (kind < 2 ? 8 : 3));
    }
}

/* A version that has an anchor keeps that one, whatever fails: it may be all there is of the state by then. Whoever wants it anew drops it first. */
static void test_again(void **state)
{
    struct support_live live;
    struct index_image image;
    struct base_vector head;
    struct pcct_error err;
    uint64_t written = 1;
    struct stat before, after;
    char path[400];

    (void)state;
    support_live_start(&live, STORE_FULL);
    support_commit(live.store, 2, 100);
    support_anchor(live.store, 2);
    snprintf(path, sizeof(path), "%s/data/A0000000000000002", live.s.path);
    assert_int_equal(stat(path, &before), 0);
    support_image(&image, &head, &live.support.env, 2, 0);
    live.support.os.fail_mask = UINT64_C(1) << BASE_OS_FSYNC;
    live.support.os.fail_at = 2; /* of the folder, if there were one */
    live.support.os.fail_errno = EIO;
    support_ok(store_anchor_write(&written, live.store, 2, &image, head.memory.data, head.count, 0, &err), &err);
    live.support.os.fail_mask = 0;
    assert_int_equal(written, 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    support_image_free(&image, &head, &live.support.env);
    support_live_finish(&live);
}

/* The rule: redo of a quarter of what the anchor would write, in units of 64 KiB; of an eighth for the first one. */
static void test_due(void **state)
{
    struct index_image image = {.arrays = 2};
    struct store_version version = {.version = 9, .generation = 9, .redo_frames = 8};
    uint64_t bytes = 0;

    (void)state;
    image.array[0] = (struct index_image_array){.id = 1, .item_bytes = 8, .items = 1};
    image.array[1] = (struct index_image_array){.id = 2, .item_bytes = 8, .items = 65536};
    version.redo_bytes = (1 + 1 + 8) * 65536 / 4 - 1;
    assert_false(store_anchor_due(&bytes, &version, &image, 100));
    version.redo_bytes++;
    assert_true(store_anchor_due(&bytes, &version, &image, 100));
    version.redo_frames = 9; /* there is no anchor yet */
    version.redo_bytes = (1 + 1 + 8) * 65536 / 8 - 1;
    assert_false(store_anchor_due(&bytes, &version, &image, 100));
    version.redo_bytes++;
    assert_true(store_anchor_due(&bytes, &version, &image, 100));
    assert_int_equal(bytes, 4096 + 100 + 9 * 8 + 8 + 65536 * 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failures), cmocka_unit_test(test_again), cmocka_unit_test(test_due)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
