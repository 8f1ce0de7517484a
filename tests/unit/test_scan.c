/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS = 400, BYTES = 9000 };

static void keep(void *ctx, int damaged, const char *text)
{
    if (damaged) snprintf(ctx, 256, "%s", text);
}

/* Without a catalogue: every frame is found, in order; a damaged head costs one version, a damaged segment head or a missing segment what is in it.
 */
static void test_scan(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_folder folder;
    struct store_version record[VERSIONS + 1];
    struct pcct_error err;
    uint8_t *journal;
    size_t bytes;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, VERSIONS, BYTES);
    for (uint64_t v = 1; v <= VERSIONS; v++) support_ok(store_version(&record[v], NULL, store, v, &err), &err);
    support_ok(store_folder_open(&folder, s.path, 0, &support.env, &err), &err);
    memcpy(folder.uuid, store_super(store)->uuid, 16);
    store_close(store);
    assert_int_equal(record[VERSIONS].segment, 3);
    journal = support_file_read(&bytes, &s, "journal/J00000002");
    for (int what = 0; what < 5; what++) {
        struct store_scan scan;
        struct store_found *found;
        char text[256] = "", path[400], away[420];
        uint64_t in_second = 0, at = record[200].offset, lost;

        for (uint64_t v = 1; v <= VERSIONS; v++) in_second += record[v].segment == 2;
        if (what == 1) journal[at + 200] ^= 1;
        if (what == 2) journal[at + 256 + 64 + 5000] ^= 1;
        if (what == 3) journal[33] ^= 1;
        support_file_write(&s, "journal/J00000002", journal, bytes);
        snprintf(path, sizeof(path), "%s/journal/J00000002", s.path);
        snprintf(away, sizeof(away), "%s.away", path);
        if (what == 4) assert_int_equal(rename(path, away), 0);
        store_scan_init(&scan, &folder);
        scan.report = keep;
        scan.ctx = text;
        support_ok(store_scan_journal(&scan, NULL, &err), &err);
        lost = what == 1 ? 1 : what == 4 ? in_second : 0;
        assert_int_equal(scan.found.count, VERSIONS - lost);
        assert_int_equal(scan.damaged > 0, what > 0);
        if (what > 0) assert_non_null(strstr(text, "J00000002"));
        if (what == 2) assert_non_null(strstr(text, "v200"));
        for (uint64_t v = 1; v <= VERSIONS; v++) {
            found = store_scan_find(&scan, v);
            assert_int_equal(found == NULL, (what == 1 && v == 200) || (what == 4 && record[v].segment == 2));
            if (!found) continue;
            assert_int_equal(found->frame_sound, what != 2 || v != 200);
            assert_int_equal(found->record.version.offset, record[v].offset);
        }
        assert_int_equal(scan.tail.segment, 3);
        assert_int_equal(scan.tail.offset, record[VERSIONS].offset + record[VERSIONS].bytes);
        store_scan_free(&scan);
        if (what == 1) journal[at + 200] ^= 1;
        if (what == 2) journal[at + 256 + 64 + 5000] ^= 1;
        if (what == 3) journal[33] ^= 1;
        if (what == 4) assert_int_equal(rename(away, path), 0);
    }
    free(journal);
    store_folder_close(&folder);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scan)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
