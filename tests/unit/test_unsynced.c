/* SPDX-License-Identifier: Apache-2.0 */
#include "support_flushes.h"
#include "support_store.h"

#include "store/bytes.h"
#include "store/super.h"
#include "store/unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BYTES = 3000 };

static int is_there(const struct support_live *scene, const char *name)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/%s", scene->s.path, name);
    return access(path, F_OK) == 0;
}

static int has_mark(const struct support_live *scene)
{
    return is_there(scene, "UNSYNCED");
}

/* What a commit costs, once the first has made its mark: 3, 1 and 0 flushes. */
static void flushes_of_a_commit(void **state)
{
    static const int expected[3] = {3, 1, 0};

    (void)state;
    for (int durability = STORE_FULL; durability <= STORE_NONE; durability++) {
        struct support_live scene;

        support_live_start(&scene, (enum store_durability)durability);
        support_commit(scene.store, 1, BYTES);
        for (int i = 0; i < 20; i++) {
            support_flushes = 0;
            support_commit(scene.store, 1, BYTES);
            assert_int_equal(support_flushes, expected[durability]);
        }
        assert_int_equal(has_mark(&scene), durability != STORE_FULL);
        support_live_finish(&scene);
    }
}

/* The mark is on the disk before the first commit that needs it, goes at a close, and by a commit that flushes everything. */
static void the_mark_comes_and_goes(void **state)
{
    struct support_live scene;
    struct store *other = NULL;

    (void)state;
    support_live_start(&scene, STORE_WAL);
    assert_false(has_mark(&scene));
    support_commit(scene.store, 2, BYTES);
    assert_true(has_mark(&scene));
    support_ok(store_open(&other, scene.s.path, &scene.support.env, NULL), NULL); /* the machine did not go down */
    support_commit(other, 1, BYTES);
    assert_false(has_mark(&scene));
    support_commit(scene.store, 1, BYTES);
    assert_true(has_mark(&scene)); /* again */
    store_close(scene.store);
    assert_false(has_mark(&scene));
    for (uint64_t v = 1; v <= 4; v++) support_ok(support_check(other, v, BYTES, NULL), NULL);
    store_close(other);
    support_live_open(&scene, STORE_NONE);
    support_commit(scene.store, 1, BYTES);
    support_live_finish(&scene);
}

/* The machine went down: the mark is of another boot, and of the catalogue anything may be left. */
static void went_down(struct support_live *scene, int left)
{
    uint8_t *mark, *catalogue;
    size_t mark_bytes = 0, bytes = 0;

    mark = support_file_read(&mark_bytes, &scene->s, "UNSYNCED");
    mark[30] ^= 1;
    support_file_write(&scene->s, "UNSYNCED", mark, left == 3 ? 10 : mark_bytes); /* or the mark itself is no good */
    catalogue = support_file_read(&bytes, &scene->s, "catalogue.mdb");
    if (left == 1) memset(catalogue, 0, bytes);
    if (left == 2) memset(catalogue + 8192, 0xee, bytes - 8192);
    support_file_write(&scene->s, "catalogue.mdb", catalogue, bytes);
    free(mark);
    free(catalogue);
}

/* Copies what there is while the store is open: a close would flush it. */
static void after_the_machine_went_down(void **state)
{
    (void)state;
    for (int left = 0; left < 4; left++) {
        struct support_live scene;
        struct store_options immutable = {1, STORE_FULL};
        struct store_fsck fsck;
        struct pcct_error err = {0, ""};
        struct store *other = NULL;
        uint64_t head = 0;
        uint8_t *mark, *catalogue;
        size_t mark_bytes = 0, bytes = 0;
        char first[256];

        support_live_start(&scene, STORE_WAL);
        support_commit(scene.store, 7, BYTES);
        mark = support_file_read(&mark_bytes, &scene.s, "UNSYNCED");
        catalogue = support_file_read(&bytes, &scene.s, "catalogue.mdb");
        store_close(scene.store);
        support_file_write(&scene.s, "UNSYNCED", mark, mark_bytes);
        support_file_write(&scene.s, "catalogue.mdb", catalogue, bytes);
        free(mark);
        free(catalogue);
        went_down(&scene, left);
        assert_int_equal(store_open_as(&other, scene.s.path, &immutable, &scene.support.env, &err), PCCT_E_DAMAGED);
        assert_non_null(strstr(err.message, "behind"));
        support_live_open(&scene, STORE_FULL);
        assert_false(has_mark(&scene));
        support_ok(store_head(&head, scene.store, "main", &err), &err);
        assert_int_equal(head, 7);
        for (uint64_t v = 1; v <= 7; v++) support_ok(support_check(scene.store, v, BYTES, &err), &err);
        support_commit(scene.store, 2, BYTES);
        store_close(scene.store);
        assert_int_equal(support_fsck(&fsck, &scene.s, 0, first), 0);
        assert_string_equal(first, "");
        assert_int_equal(fsck.versions_readable, 9);
        support_live_open(&scene, STORE_FULL);
        support_live_finish(&scene);
    }
}

/* Of another boot, and whole. */
static void make_stale(const struct support_live *scene, uint8_t *mark, size_t bytes)
{
    mark[30] ^= 1;
    store_put64(mark, bytes - 8, base_hash64(mark, bytes - 8));
    support_file_write(&scene->s, "UNSYNCED", mark, bytes);
}

/* `full` versions that are on the disk, then `loose` ones; the machine goes down, and of the catalogue only the first are left. */
static void leave_behind(struct support_live *scene, enum store_durability durability, uint64_t full, uint64_t loose)
{
    uint8_t *mark, *catalogue;
    size_t mark_bytes = 0, bytes = 0;

    support_live_start(scene, STORE_FULL);
    support_commit(scene->store, full, BYTES);
    store_close(scene->store);
    catalogue = support_file_read(&bytes, &scene->s, "catalogue.mdb");
    support_live_open(scene, durability);
    support_commit(scene->store, loose, BYTES);
    mark = support_file_read(&mark_bytes, &scene->s, "UNSYNCED");
    store_close(scene->store);
    support_file_write(&scene->s, "catalogue.mdb", catalogue, bytes);
    make_stale(scene, mark, mark_bytes);
    free(mark);
    free(catalogue);
}

/* fsck does not go by a catalogue that may be behind, and a rebuilding ends with a store that opens. */
static void fsck_of_what_is_behind(void **state)
{
    (void)state;
    for (int durability = STORE_WAL; durability <= STORE_NONE; durability++) {
        for (int unreadable = 0; unreadable < 2; unreadable++) {
            struct support_live scene;
            struct store_fsck fsck;
            char first[256];

            leave_behind(&scene, (enum store_durability)durability, 1, 4);
            if (unreadable) support_file_write(&scene.s, "UNSYNCED", "?", 1);
            assert_int_equal(support_fsck(&fsck, &scene.s, 0, first), 0);
            assert_string_equal(first, "");
            assert_int_equal(fsck.versions, 5);
            assert_int_equal(fsck.versions_readable, 5);
            assert_true(has_mark(&scene));
            assert_int_equal(support_fsck(&fsck, &scene.s, 1, first), 0);
            assert_string_equal(first, "");
            assert_int_equal(fsck.versions_readable, 5);
            assert_false(has_mark(&scene));
            support_live_open(&scene, STORE_FULL);
            for (uint64_t v = 1; v <= 5; v++) support_ok(support_check(scene.store, v, BYTES, NULL), NULL);
            support_live_finish(&scene);
        }
    }
}

static void find_frame(struct store_version *v, const struct support_live *scene, uint64_t version)
{
    struct store_folder folder;
    struct store_super super;
    unsigned damaged = 0;
    struct store_scan scan;
    struct pcct_error err;

    support_ok(store_folder_open(&folder, scene->s.path, 0, &scene->support.env, &err), &err);
    support_ok(store_super_read(&super, &damaged, &folder, &err), &err);
    memcpy(folder.uuid, super.uuid, 16);
    store_scan_init(&scan, &folder);
    support_ok(store_scan_journal(&scan, NULL, &err), &err);
    *v = store_scan_find(&scan, version)->record.version;
    store_scan_free(&scan);
    store_folder_close(&folder);
}

/* The head of a version's frame did not reach the disk, or what stands behind its head. */
static void lose(const struct support_live *scene, const struct store_version *v, int head)
{
    size_t bytes = 0;
    uint8_t *journal = support_file_read(&bytes, &scene->s, "journal/J00000001");

    memset(journal + v->offset + (head ? 0 : STORE_HEAD_BYTES), 0, head ? STORE_HEAD_BYTES : v->bytes - STORE_HEAD_BYTES);
    support_file_write(&scene->s, "journal/J00000001", journal, bytes);
    free(journal);
}

/* v1 and v2 were flushed, v3 to v6 were not, and one is lost: with none the versions before it are there, and what stood behind it never comes back;
 * with wal, or where it was flushed, it is damage. */
static void a_hole(void **state)
{
    (void)state;
    for (int variant = 0; variant < 2 * 2 * 6 * 2; variant++) {
        const enum store_durability durability = variant % 2 ? STORE_NONE : STORE_WAL;
        const uint64_t hole = 1 + (uint64_t)variant / 4 % 6;
        const int by_fsck = variant / 24, kept = durability == STORE_NONE ? hole > 2 : hole == 6;
        struct support_live scene;
        struct store_version v;
        struct store_fsck fsck;
        struct pcct_error err = {0, ""};
        uint64_t head = 0;
        char first[256];

        leave_behind(&scene, durability, 2, 4);
        find_frame(&v, &scene, hole);
        lose(&scene, &v, variant / 2 % 2);
        if (durability == STORE_NONE && kept) support_file_write(&scene.s, "data/A0000000000000006", "of a version that is not there", 29);
        if (!kept) assert_int_equal(store_open(&scene.store, scene.s.path, &scene.support.env, &err), PCCT_E_DAMAGED);
        if (!kept) assert_true(has_mark(&scene));
        if (by_fsck || !kept) support_fsck(&fsck, &scene.s, 1, first);
        if (by_fsck && kept) assert_int_equal(fsck.damaged, 0);
        support_live_open(&scene, STORE_FULL);
        assert_false(has_mark(&scene));
        if (kept) {
            assert_false(is_there(&scene, "data/A0000000000000006"));
            support_ok(store_head(&head, scene.store, "main", &err), &err);
            assert_int_equal(head, hole - 1);
            support_commit(scene.store, 1, BYTES);
            store_close(scene.store);
            assert_int_equal(support_fsck(&fsck, &scene.s, 1, first), 0);
            assert_int_equal(support_fsck(&fsck, &scene.s, 0, first), 0);
            assert_string_equal(first, "");
            assert_int_equal(fsck.versions_readable, hole);
            support_live_open(&scene, STORE_FULL);
            for (uint64_t n = 1; n <= hole; n++) support_ok(support_check(scene.store, n, BYTES, &err), &err);
        }
        support_live_finish(&scene);
    }
}

/* v1 to v3 were flushed one by one, v4 to v7 were to be flushed together when the machine went down, and one is lost: of a group nothing was told to
 * anybody, so the journal ends there, and what stands behind it never comes back; before it, it is damage. */
static void a_hole_in_a_group(void **state)
{
    (void)state;
    for (uint64_t variant = 0; variant < 2 * 7; variant++) {
        const uint64_t hole = 1 + variant / 2;
        uint8_t *mark, payload[BYTES];
        struct store_version v, record;
        struct store_fsck fsck;
        struct support_live scene;
        struct pcct_error err = {0, ""};
        size_t mark_bytes = 0;
        uint64_t head = 0;
        char first[256], path[400];

        support_live_start(&scene, STORE_WAL);
        support_commit(scene.store, 3, BYTES);
        support_ok(store_lock(scene.store, 1, &err), &err);
        for (uint64_t n = 4; n <= 7; n++) {
            support_record(&record, n - 1, n);
            support_payload(payload, sizeof(payload), n);
            support_ok(store_group_commit(&record, scene.store, "main", "note", 4, payload, sizeof(payload), &err), &err);
        }
        support_ok(store_group_end(scene.store, &err), &err);
        store_unlock(scene.store);
        mark = support_file_read(&mark_bytes, &scene.s, "UNSYNCED");
        store_close(scene.store);
        make_stale(&scene, mark, mark_bytes);
        free(mark);
        find_frame(&v, &scene, hole);
        lose(&scene, &v, variant % 2);
        if (hole < 4) {
            assert_int_equal(store_open(&scene.store, scene.s.path, &scene.support.env, &err), PCCT_E_DAMAGED);
            support_fsck(&fsck, &scene.s, 1, first);
            assert_true(fsck.damaged > 0);
            support_live_open(&scene, STORE_FULL);
            support_live_finish(&scene);
            continue;
        }
        support_live_open(&scene, STORE_FULL);
        support_ok(store_head(&head, scene.store, "main", &err), &err);
        assert_int_equal(head, hole - 1);
        support_commit(scene.store, 1, BYTES); /* behind it there are still frames of the group */
        store_close(scene.store);
        snprintf(path, sizeof(path), "%s/catalogue.mdb", scene.s.path);
        assert_int_equal(unlink(path), 0); /* the journal alone decides */
        assert_int_equal(support_fsck(&fsck, &scene.s, 1, first), 0);
        assert_int_equal(fsck.damaged, 0);
        assert_int_equal(fsck.versions, hole);
        assert_int_equal(support_fsck(&fsck, &scene.s, 0, first), 0);
        assert_string_equal(first, "");
        assert_int_equal(fsck.versions_readable, hole);
        support_live_open(&scene, STORE_FULL);
        support_ok(support_check(scene.store, hole, BYTES, &err), &err);
        support_live_finish(&scene);
    }
}

/* All from v2 on is gone, which had been flushed: not what a crash leaves. */
static void the_end_is_lost(void **state)
{
    (void)state;
    for (int durability = STORE_WAL; durability <= STORE_NONE; durability++) {
        struct support_live scene;
        struct store_version v;
        struct pcct_error err = {0, ""};

        leave_behind(&scene, (enum store_durability)durability, 2, 4);
        for (uint64_t n = 6; n >= 2; n--) {
            find_frame(&v, &scene, n);
            lose(&scene, &v, 1);
        }
        assert_int_equal(store_open(&scene.store, scene.s.path, &scene.support.env, &err), PCCT_E_DAMAGED);
        assert_true(has_mark(&scene));
        support_live_finish(&scene);
    }
}

static struct store_unsynced look(const struct support_live *scene)
{
    struct store_unsynced mark;
    struct pcct_error err;

    support_ok(store_unsynced_look(&mark, &scene->store->folder, &err), &err);
    assert_false(mark.stale);
    assert_true(mark.segment == 1 && mark.offset % STORE_FRAME_ALIGNMENT == 0);
    return mark;
}

/* Handles of both levels at once: the mark tells the weaker one while there are frames of it that were not flushed, and from where on. */
static void levels_take_turns(void **state)
{
    struct support_live scene;
    struct store *other = NULL;
    struct store_options none = {0, STORE_NONE};
    struct store_unsynced wal, loose, again;

    (void)state;
    support_live_start(&scene, STORE_WAL);
    support_commit(scene.store, 3, BYTES);
    wal = look(&scene);
    assert_true(!wal.none && wal.offset == STORE_SEGMENT_HEAD_BYTES);
    support_ok(store_open_as(&other, scene.s.path, &none, &scene.support.env, NULL), NULL);
    support_commit(other, 2, BYTES);
    loose = look(&scene);
    assert_true(loose.none && loose.offset > 3 * BYTES);
    support_commit(scene.store, 2, BYTES);
    again = look(&scene);
    assert_true(!again.none && again.offset > loose.offset + 2 * BYTES);
    support_commit(other, 1, BYTES);
    assert_true(look(&scene).none);
    store_close(other);
    support_live_finish(&scene);
}

/* A pruning flushes, and with it all before: nothing is given back that a crash might ask for. */
static void a_pruning_is_durable(void **state)
{
    (void)state;
    for (int durability = STORE_WAL; durability <= STORE_NONE; durability++) {
        struct support_live scene;
        struct store_prune prune = {.keep_last = 1};
        struct pcct_error err = {0, ""};

        support_live_start(&scene, (enum store_durability)durability);
        support_commit(scene.store, 5, BYTES);
        assert_true(has_mark(&scene));
        support_ok(store_lock(scene.store, 1, &err), &err);
        support_ok(store_prune(&prune, scene.store, &err), &err);
        store_unlock(scene.store);
        assert_int_equal(prune.pruned, 4);
        assert_false(has_mark(&scene));
        support_commit(scene.store, 1, BYTES);
        assert_true(has_mark(&scene));
        support_live_finish(&scene);
    }
}

/* The machine goes down while a pruning writes its base, whose head is on the disk before the rest: nothing was pruned. */
static void a_pruning_that_was_cut_off(void **state)
{
    (void)state;
    for (int by_fsck = 0; by_fsck < 2; by_fsck++) {
        struct support_live scene;
        struct store_prune prune = {.keep_last = 1};
        struct store_fsck fsck;
        struct pcct_error err = {0, ""};
        static const char *const name[] = {"UNSYNCED", "catalogue.mdb", "journal/J00000001", "journal/J00000002"};
        uint8_t *file[4];
        size_t bytes[4];
        uint64_t head = 0;
        char first[256];

        support_live_start(&scene, STORE_WAL);
        support_commit(scene.store, 5, BYTES);
        for (int i = 0; i < 3; i++) file[i] = support_file_read(&bytes[i], &scene.s, name[i]);
        support_ok(store_lock(scene.store, 1, &err), &err);
        support_ok(store_prune(&prune, scene.store, &err), &err);
        store_unlock(scene.store);
        store_close(scene.store);
        file[3] = support_file_read(&bytes[3], &scene.s, name[3]);
        memset(file[3] + STORE_SEGMENT_HEAD_BYTES + STORE_HEAD_BYTES + 100, 0, bytes[3] - STORE_SEGMENT_HEAD_BYTES - STORE_HEAD_BYTES - 100);
        for (int i = 1; i < 4; i++) support_file_write(&scene.s, name[i], file[i], bytes[i]);
        make_stale(&scene, file[0], bytes[0]);
        if (by_fsck) support_fsck(&fsck, &scene.s, 1, first);
        if (by_fsck) assert_int_equal(fsck.damaged, 0);
        support_live_open(&scene, STORE_WAL);
        support_ok(store_head(&head, scene.store, "main", &err), &err);
        assert_int_equal(head, 5);
        support_commit(scene.store, 1, BYTES);
        for (uint64_t v = 1; v <= 6; v++) support_ok(support_check(scene.store, v, BYTES, &err), &err);
        store_close(scene.store);
        for (int rebuild = 0; rebuild < 2; rebuild++) {
            assert_int_equal(support_fsck(&fsck, &scene.s, rebuild, first), 0);
            assert_string_equal(first, "");
            assert_int_equal(fsck.versions_readable, 6);
        }
        for (int i = 0; i < 4; i++) free(file[i]);
        support_live_open(&scene, STORE_WAL);
        support_live_finish(&scene);
    }
}

/* The last frame was being written when the machine went down with durability wal: fsck does not call it damage, be the store opened before or
 * not; in the middle, or where it had been flushed, it is. */
static void fsck_of_a_torn_frame(void **state)
{
    (void)state;
    for (int variant = 0; variant < 3; variant++) { /* the last; the one before it; the last that is there, which was flushed */
        struct support_live scene;
        struct store_version v;
        struct store_fsck fsck;
        char first[256];

        leave_behind(&scene, STORE_WAL, variant == 2 ? 5 : 2, variant == 2 ? 1 : 4);
        find_frame(&v, &scene, 6);
        if (variant != 1) lose(&scene, &v, variant == 2);
        find_frame(&v, &scene, variant == 0 ? 6 : 5);
        if (variant != 0) lose(&scene, &v, 0);
        assert_int_equal(support_fsck(&fsck, &scene.s, 0, first), 0);
        assert_int_equal(fsck.damaged, variant == 0 ? 0 : 1);
        if (variant > 0) assert_non_null(strstr(first, "v5"));
        assert_int_equal(fsck.versions, variant == 1 ? 6 : 5);
        assert_int_equal(fsck.versions_readable, variant == 0 ? 5 : 4);
        if (variant == 0) {
            support_file_write(&scene.s, "UNSYNCED.new", "?", 1); /* of a process that was killed */
            support_live_open(&scene, STORE_WAL);
            assert_false(has_mark(&scene));
            assert_false(is_there(&scene, "UNSYNCED.new"));
            store_close(scene.store);
            assert_int_equal(support_fsck(&fsck, &scene.s, 0, first), 0);
            assert_int_equal(fsck.damaged, 0);
            support_live_open(&scene, STORE_WAL);
            support_commit(scene.store, 2, BYTES);
            for (uint64_t i = 1; i <= 7; i++) support_ok(support_check(scene.store, i, BYTES, NULL), NULL);
        } else scene.store = NULL;
        support_live_finish(&scene);
    }
}

/* On a full disk the catalogue is made anew with the room of the ballast, and without that the old one stays. */
static void a_full_disk(void **state)
{
    (void)state;
    for (int forever = 0; forever < 2; forever++) {
        struct support_live scene;
        struct pcct_error err = {0, ""};

        leave_behind(&scene, STORE_WAL, 1, 3);
        assert_true(is_there(&scene, "BALLAST"));
        scene.support.os.fail_mask = UINT64_C(1) << BASE_OS_FALLOCATE; /* of LMDB's lock file, the first that is made */
        scene.support.os.counted = 0;
        scene.support.os.fail_at = 1;
        scene.support.os.fail_forever = forever;
        scene.support.os.fail_errno = ENOSPC;
        assert_int_equal(store_open(&scene.store, scene.s.path, &scene.support.env, &err), forever ? PCCT_E_NOSPACE : 0);
        assert_true(scene.support.os.counted >= 2);
        scene.support.os.fail_mask = 0;
        assert_int_equal(has_mark(&scene), forever);
        assert_true(is_there(&scene, "catalogue.mdb"));
        assert_false(is_there(&scene, "catalogue.mdb.new"));
        assert_false(is_there(&scene, "catalogue.mdb.damaged"));
        assert_false(is_there(&scene, "BALLAST"));
        if (forever) support_live_open(&scene, STORE_WAL);
        for (uint64_t v = 1; v <= 4; v++) support_ok(support_check(scene.store, v, BYTES, NULL), NULL);
        support_live_finish(&scene);
    }
}

/* A system call fails while the catalogue is made anew: told, nothing lost, and the next try does it. */
static void each_call_fails(void **state)
{
    struct support_live scene;
    struct pcct_error err = {0, ""};
    uint64_t failures = 0;
    uint8_t *mark;
    size_t bytes = 0;
    int more = 1;

    (void)state;
    support_live_start(&scene, STORE_WAL);
    support_commit(scene.store, 3, BYTES);
    mark = support_file_read(&bytes, &scene.s, "UNSYNCED");
    mark[30] ^= 1;
    store_close(scene.store);
    for (uint64_t n = 1; more; n++) {
        int status;

        support_file_write(&scene.s, "UNSYNCED", mark, bytes);
        scene.support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE) & ~(UINT64_C(1) << BASE_OS_MUNMAP);
        scene.support.os.counted = 0;
        scene.support.os.fail_at = n;
        scene.support.os.fail_errno = EIO;
        scene.store = NULL;
        err = (struct pcct_error){0, ""};
        status = store_open(&scene.store, scene.s.path, &scene.support.env, &err);
        more = scene.support.os.counted >= n;
        scene.support.os.fail_mask = 0;
        if (status != 0) {
            failures++;
            assert_true(strlen(err.message) > 0);
            support_ok(store_open(&scene.store, scene.s.path, &scene.support.env, &err), &err);
        }
        for (uint64_t v = 1; v <= 3; v++) support_ok(support_check(scene.store, v, BYTES, &err), &err);
        store_close(scene.store);
    }
    assert_true(failures > 20);
    free(mark);
    support_live_open(&scene, STORE_WAL);
    support_live_finish(&scene);
}

/* The same while a first commit makes its mark: such a commit is not there. */
static void the_mark_cannot_be_made(void **state)
{
    uint64_t failures = 0;
    int status = -1, more = 1;

    (void)state;
    for (uint64_t n = 1; more; n++) {
        struct support_live scene;
        struct store_version record;
        struct pcct_error err = {0, ""};

        support_live_start(&scene, STORE_WAL);
        support_record(&record, 0, 1);
        support_ok(store_lock(scene.store, 1, &err), &err);
        scene.support.os.fail_mask = UINT64_C(1) << BASE_OS_OPEN | UINT64_C(1) << BASE_OS_PWRITE | UINT64_C(1) << BASE_OS_FSYNC |
                                     UINT64_C(1) << BASE_OS_RENAME;
        scene.support.os.counted = 0;
        scene.support.os.fail_at = n;
        scene.support.os.fail_errno = ENOSPC;
        status = store_commit(&record, scene.store, "main", "", 0, "x", 1, &err);
        more = scene.support.os.counted >= n;
        scene.support.os.fail_mask = 0;
        store_unlock(scene.store);
        if (status != 0) {
            failures++;
            assert_int_equal(status, PCCT_E_NOSPACE);
        }
        support_commit(scene.store, 2, BYTES);
        assert_true(has_mark(&scene));
        support_live_finish(&scene);
    }
    assert_int_equal(status, 0);
    assert_true(failures >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushes_of_a_commit), cmocka_unit_test(the_mark_comes_and_goes), cmocka_unit_test(after_the_machine_went_down),
        cmocka_unit_test(fsck_of_what_is_behind), cmocka_unit_test(a_hole), cmocka_unit_test(a_hole_in_a_group),
        cmocka_unit_test(the_end_is_lost), cmocka_unit_test(levels_take_turns),
        cmocka_unit_test(a_pruning_is_durable), cmocka_unit_test(a_pruning_that_was_cut_off),
        cmocka_unit_test(fsck_of_a_torn_frame), cmocka_unit_test(a_full_disk),
        cmocka_unit_test(each_call_fails), cmocka_unit_test(the_mark_cannot_be_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
