/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERSIONS = 12, ANCHOR = 6, BYTES = 3000 };

static struct support_env support;
static struct support_store s;
static struct store_version record[VERSIONS + 1];

static int set_up(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 2);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, ANCHOR, BYTES);
    support_anchor(store, ANCHOR);
    support_commit(store, VERSIONS - ANCHOR, BYTES);
    for (uint64_t v = 1; v <= VERSIONS; v++) support_ok(store_version(&record[v], NULL, store, v, &err), &err);
    store_close(store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

/* Opens the store in a child and reads everything. 0: it came to an end (an assertion that fails ends the child with another code); what could be
 * read was right. *readable: a bit for each version that could. */
static int read_in_child(unsigned *readable)
{
    int answer[2], how = 0;
    pid_t child;

    *readable = 0;
    assert_int_equal(pipe(answer), 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        struct store *store = NULL;
        struct pcct_error err;
        unsigned got = 0;

        alarm(60);
        if (store_open(&store, s.path, &support.env, &err) == 0) {
            uint64_t head = 0;
            struct store_sizes sizes;

            for (uint64_t v = 1; v <= VERSIONS; v++) got |= (support_check(store, v, BYTES, &err) == 0 ? 1u : 0u) << v;
            (void)store_head(&head, store, "main", &err);
            (void)store_revision(&head, store, "main~3", &err);
            (void)store_sizes(&sizes, store, &err);
            store_close(store);
        }
        if (write(answer[1], &got, sizeof(got)) != sizeof(got)) _exit(9);
        _exit(0);
    }
    close(answer[1]);
    (void)!read(answer[0], readable, sizeof(*readable));
    close(answer[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

static void test_sound(void **state)
{
    struct store_fsck fsck;
    unsigned readable;
    char first[256];

    (void)state;
    assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.damaged, 0);
    assert_int_equal(fsck.versions, VERSIONS);
    assert_int_equal(fsck.frames, VERSIONS);
    assert_int_equal(fsck.anchors, 1);
    assert_int_equal(fsck.versions_readable, VERSIONS);
    assert_true(fsck.bytes > VERSIONS * BYTES);
    assert_int_equal(read_in_child(&readable), 0);
    assert_int_equal(readable, (2u << VERSIONS) - 2);
}

/* Which versions are left when a frame is hit: those before it, and those from the anchor on. Hit: its head (0), its note (256) or its payload. */
static void test_frame(void **state)
{
    static const size_t hit[] = {0, 20, 100, 250, 257, 400, 3000};
    size_t bytes;
    uint8_t *journal = support_file_read(&bytes, &s, "journal/J00000001");

    (void)state;
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        for (size_t i = 0; i < sizeof(hit) / sizeof(hit[0]); i++) {
            uint64_t at = record[v].offset + hit[i];
            uint64_t left = v <= ANCHOR ? v - 1 + (VERSIONS - ANCHOR) + 1 : v - 1;
            struct store_fsck fsck;
            unsigned readable;
            char first[256], name[16];

            if (v == ANCHOR) left = VERSIONS; /* its frame is not needed */
            journal[at] ^= 16;
            support_file_write(&s, "journal/J00000001", journal, bytes);
            assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
            assert_int_equal(fsck.damaged, 1);
            assert_int_equal(fsck.versions, VERSIONS);
            assert_int_equal(fsck.versions_readable, left);
            snprintf(name, sizeof(name), "v%d", (int)v);
            assert_non_null(strstr(first, name));
            assert_non_null(strstr(first, "J00000001"));
            if (i == 3) {
                assert_int_equal(read_in_child(&readable), 0);
                assert_int_equal(readable, ((2u << VERSIONS) - 2) & ~(1u << v));
            }
            journal[at] ^= 16;
        }
    }
    support_file_write(&s, "journal/J00000001", journal, bytes);
    free(journal);
}

/* Any bit of any file flipped, and every file cut off: never a crash; either a finding, or a byte that carries nothing, and then everything can be
 * read. */
static void damage(const char *name, uint64_t from, uint64_t to, uint64_t stride, int must_find)
{
    size_t bytes;
    uint8_t *data = support_file_read(&bytes, &s, name);
    unsigned all = (2u << VERSIONS) - 2, readable;
    struct store_fsck fsck;
    char first[256];

    if (to > bytes) to = bytes;
    for (uint64_t at = from; at < to; at += stride) {
        uint8_t mask = (uint8_t)(1 << (at * 7 + at / 512) % 8);
        int status;

        data[at] ^= mask;
        support_file_write(&s, name, data, bytes);
        status = support_fsck(&fsck, &s, 0, first);
        if (must_find) assert_true(status != 0 || fsck.damaged > 0);
        if (read_in_child(&readable) != 0) fail_msg("%s: a flip at byte %d killed a reader", name, (int)at);
        if (status == 0 && fsck.damaged == 0) assert_int_equal(readable, all);
        data[at] ^= mask;
    }
    for (int part = 0; part < 8; part++) {
        size_t left = part == 7 ? bytes - 1 : bytes / 8 * (size_t)part;

        support_file_write(&s, name, data, left);
        (void)support_fsck(&fsck, &s, 0, first);
        if (read_in_child(&readable) != 0) fail_msg("%s: cut to %d bytes killed a reader", name, (int)left);
    }
    support_file_write(&s, name, data, bytes);
    free(data);
}

static void test_super(void **state) { (void)state; damage("SUPER", 0, 8192, 97, 1); }
static void test_journal(void **state) { (void)state; damage("journal/J00000001", 0, 256 + 3392, 89, 0); }
static void test_segment_head(void **state) { (void)state; damage("journal/J00000001", 0, 256, 3, 1); }
static void test_anchor_head(void **state) { (void)state; damage("data/A0000000000000006", 0, 4096 + 48, 97, 1); }
static void test_anchor(void **state) { (void)state; damage("data/A0000000000000006", 4096, UINT64_MAX, 29989, 0); }
static void test_metas(void **state) { (void)state; damage("catalogue.mdb", 0, 8192, 61, 0); }

/* The pages of the catalogue that are in use: others are full of zeros, or of what was. */
static void test_catalogue(void **state)
{
    size_t bytes;
    uint8_t *data = support_file_read(&bytes, &s, "catalogue.mdb");

    (void)state;
    for (uint64_t page = 2; page < bytes / 4096; page++) {
        unsigned kind = data[page * 4096 + 10];

        if (kind == 1 || kind == 2) damage("catalogue.mdb", page * 4096, page * 4096 + 64, 7, 0);
        if (kind == 1 || kind == 2) damage("catalogue.mdb", page * 4096 + 64, page * 4096 + 4096, 601, 0);
    }
    free(data);
}

/* What is found of a file that is missing. */
static void test_missing(void **state)
{
    static const char *const name[] = {"journal/J00000001", "data/A0000000000000006", "catalogue.mdb"};
    static const uint64_t left[] = {VERSIONS - VERSIONS, VERSIONS, VERSIONS};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct store_fsck fsck;
        char first[256], path[400], away[420];

        snprintf(path, sizeof(path), "%s/%s", s.path, name[i]);
        snprintf(away, sizeof(away), "%s.away", path);
        assert_int_equal(rename(path, away), 0);
        assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
        assert_true(fsck.damaged > 0);
        assert_non_null(strstr(first, name[i]));
        if (i > 0) assert_int_equal(fsck.versions_readable, left[i]);
        else assert_int_equal(fsck.versions_readable, 1); /* the anchor's version itself */
        assert_int_equal(rename(away, path), 0);
    }
}

/* A whole frame behind the end is a remark, not damage; the catalogue is not ahead of the journal. */
static void test_behind_the_end(void **state)
{
    struct store_fsck fsck;
    size_t bytes;
    uint8_t *data = support_file_read(&bytes, &s, "catalogue.mdb");
    struct store *store = NULL;
    struct pcct_error err;
    char first[256];

    (void)state;
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 1, BYTES);
    store_close(store);
    support_file_write(&s, "catalogue.mdb", data, bytes); /* as if the crash had come before its transaction */
    assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.versions, VERSIONS);
    free(data);
}

static void mark(void *ctx, uint64_t version) { *(unsigned *)ctx |= 1u << version; }
static int stop(void *ctx, double done) { (void)ctx; return done > 0.1; }

static void test_callbacks(void **state)
{
    struct store_fsck fsck = {0};
    struct pcct_error err;
    unsigned sound = 0;

    (void)state;
    fsck.sound = mark;
    fsck.ctx = &sound;
    support_ok(store_fsck(&fsck, s.path, &support.env, &err), &err);
    assert_int_equal(sound, (2u << VERSIONS) - 2);
    fsck.progress = stop;
    assert_int_equal(store_fsck(&fsck, s.path, &support.env, &err), PCCT_E_CANCELLED);
    assert_int_equal(store_fsck(&fsck, "/nonexistent/x", &support.env, &err), PCCT_E_NOT_FOUND);
}

static int fsck_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_fsck *fsck = ctx;

    memset(fsck, 0, sizeof(*fsck));
    return store_fsck(fsck, s.path, env, err);
}

static void test_no_memory(void **state)
{
    struct store_fsck fsck;

    (void)state;
    assert_true(support_fail_each(&support, fsck_once, &fsck) >= 5);
    assert_int_equal(fsck.versions_readable, VERSIONS);
    assert_int_equal(fsck.damaged, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound), cmocka_unit_test(test_frame), cmocka_unit_test(test_super), cmocka_unit_test(test_journal),
        cmocka_unit_test(test_segment_head), cmocka_unit_test(test_anchor_head), cmocka_unit_test(test_anchor), cmocka_unit_test(test_metas),
        cmocka_unit_test(test_catalogue), cmocka_unit_test(test_missing), cmocka_unit_test(test_callbacks), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_behind_the_end),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
