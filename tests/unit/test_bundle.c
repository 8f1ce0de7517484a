/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bundle.h"
#include "store/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSIONS = 5, PAYLOAD = 1000 };

static struct support_env support;
static struct support_store s;
static struct store *store;
static char path[300];
static struct base_vector versions, refs;

static int set_up(void **state)
{
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, VERSIONS, PAYLOAD);
    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_ref_change(NULL, store, &(struct store_ref_change){STORE_TAG_MADE, "first", 0, 1}, &err), &err);
    store_unlock(store);
    snprintf(path, sizeof(path), "%s/a.bundle", s.folder);
    versions = (struct base_vector){.item_bytes = sizeof(struct store_version)};
    refs = (struct base_vector){.item_bytes = sizeof(struct store_ref)};
    support_ok(store_range(&versions, store, 0, (const uint64_t[]){VERSIONS}, 1, &err), &err);
    support_ok(store_refs(&refs, store, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    base_vector_free(&versions, &support.env);
    base_vector_free(&refs, &support.env);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

static int write_it(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct store_bundle_plan plan = {.version = versions.memory.data, .versions = versions.count, .ref = refs.memory.data, .refs = refs.count};
    uint64_t bytes = 0;

    (void)ctx;
    return store_bundle_write(&bytes, store, path, &plan, env, err);
}

/* Everything that a bundle has; 0 or the first error. */
static int read_it(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_bundle b = {.env = NULL};
    struct store_bundle_entry entry;
    struct base_hash128 identity;
    struct store_ref ref;
    int status = 0;

    (void)ctx;
    TRY(store_bundle_open(&b, path, env, err));
    TRY(store_bundle_verify(&b, env, err));
    while (b.versions < b.head.versions) TRY(store_bundle_next(&entry, &b, err));
    while (b.refs < b.head.refs) TRY(store_bundle_ref(&ref, &identity, &b, err));
    if (b.at != b.head.bytes) status = base_fail(err, PCCT_E_DAMAGED, "it goes on behind its end");
done:
    store_bundle_close(&b);
    return status;
}

static void what_goes_in_comes_out(void **state)
{
    uint8_t *right = malloc(PAYLOAD);
    const struct store_version *all = versions.memory.data;
    struct store_bundle b;
    struct store_bundle_entry entry;
    struct base_hash128 identity;
    struct pcct_error err = {0, ""};
    struct store_ref ref;

    (void)state;
    support_ok(write_it(NULL, &support.env, &err), &err);
    support_ok(write_it(NULL, &support.env, &err), &err); /* in the place of the other */
    support_ok(store_bundle_open(&b, path, &support.env, &err), &err);
    assert_memory_equal(b.head.super.uuid, store_super(store)->uuid, 16);
    assert_true(b.head.super.dim == 3 && b.head.super.metric == 1 && b.head.super.dtype == 1 && b.head.super.seed == 42);
    assert_true(b.head.versions == VERSIONS && b.head.refs == 2 && b.head.time_ns != 0);
    assert_memory_equal(&b.head.base, &(struct base_hash128){{0}}, 16);
    support_ok(store_bundle_verify(&b, &support.env, &err), &err);
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        support_ok(store_bundle_next(&entry, &b, &err), &err);
        assert_int_equal(entry.record.version.version, v);
        assert_int_equal(entry.record.version.time_ns, all[v - 1].time_ns);
        assert_memory_equal(&entry.record.version.identity, &all[v - 1].identity, 16);
        assert_memory_equal(entry.record.version.write_id, all[v - 1].write_id, 16);
        assert_memory_equal(&entry.parent, v > 1 ? &all[v - 2].identity : &b.head.base, 16);
        assert_memory_equal(&entry.state_parent, v > 1 ? &all[v - 2].identity : &b.head.base, 16);
        support_payload(right, PAYLOAD, v);
        assert_int_equal(b.payload.count, PAYLOAD);
        assert_memory_equal(b.payload.memory.data, right, PAYLOAD);
        assert_true(b.note.count > 0);
    }
    support_ok(store_bundle_ref(&ref, &identity, &b, &err), &err);
    assert_true(strcmp(ref.name, "first") == 0 && ref.kind == STORE_TAG && memcmp(&identity, &all[0].identity, 16) == 0);
    support_ok(store_bundle_ref(&ref, &identity, &b, &err), &err);
    assert_true(strcmp(ref.name, "main") == 0 && ref.kind == STORE_BRANCH && memcmp(&identity, &all[VERSIONS - 1].identity, 16) == 0);
    assert_int_equal(b.at, b.head.bytes);
    assert_int_equal(store_bundle_next(&entry, &b, &err), PCCT_E_DAMAGED);
    store_bundle_close(&b);
    store_bundle_close(&b);
    free(right);
}

/* No byte can be another, and none be missing, without its being said. */
static void damage(void **state)
{
    struct pcct_error err = {0, ""};
    uint8_t *bytes;
    size_t n = 0;

    (void)state;
    support_ok(write_it(NULL, &support.env, &err), &err);
    bytes = support_file_read(&n, &s, "../a.bundle");
    assert_int_equal(n % 64, 0);
    for (size_t i = 0; i < n; i += i < 600 || i + 300 > n ? 1 : 13) {
        bytes[i] ^= 0x10;
        support_file_write(&s, "../a.bundle", bytes, n);
        err.message[0] = '\0';
        assert_true(read_it(NULL, &support.env, &err) != 0 && strlen(err.message) > 20);
        bytes[i] ^= 0x10;
    }
    for (size_t cut = 0; cut < n; cut += cut < 300 ? 50 : 700) {
        support_file_write(&s, "../a.bundle", bytes, cut);
        assert_int_equal(read_it(NULL, &support.env, &err), PCCT_E_DAMAGED);
    }
    support_file_write(&s, "../a.bundle", bytes, n);
    support_ok(read_it(NULL, &support.env, &err), &err);
    free(bytes);
}

/* Right checksums over wrong words: the head, a version's entry, a ref. */
static void wrong_words(void **state)
{
    static const struct {
        size_t at;
        int code;
    } head[] = {{8, PCCT_E_FORMAT}, {12, PCCT_E_DAMAGED}, {44, PCCT_E_DAMAGED}, {64, PCCT_E_FORMAT}, {72, PCCT_E_DAMAGED}, {111, PCCT_E_DAMAGED},
                {128, PCCT_E_DAMAGED}, {136, PCCT_E_DAMAGED}, {144, PCCT_E_DAMAGED}, {170, PCCT_E_DAMAGED}};
    static const size_t entry[] = {0, 41}, ref[] = {0, 8, 12, 32, 95, 100};
    struct pcct_error err = {0, ""};
    uint8_t *bytes;
    size_t n = 0;

    (void)state;
    support_ok(write_it(NULL, &support.env, &err), &err);
    bytes = support_file_read(&n, &s, "../a.bundle");
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
        bytes[head[i].at] ^= 2;
        store_put64(bytes, 248, base_hash64(bytes, 248));
        support_file_write(&s, "../a.bundle", bytes, n);
        assert_int_equal(read_it(NULL, &support.env, &err), head[i].code);
        bytes[head[i].at] ^= 2;
    }
    for (size_t i = 0; i < 8; i++) {
        const size_t from = i < 2 ? 256 : n - 128, length = i < 2 ? 64 : 128, at = from + (i < 2 ? entry[i] : ref[i - 2]);
        const uint8_t before = bytes[at];
        struct store_bundle b;
        struct store_bundle_entry found;
        struct base_hash128 identity;
        struct store_ref name;

        bytes[at] = at == n - 128 + 32 ? 0 : (uint8_t)(before ^ 4);
        store_put64(bytes, from + length - 8, base_hash64(bytes + from, length - 8));
        store_put64(bytes, 248, base_hash64(bytes, 248));
        support_file_write(&s, "../a.bundle", bytes, n);
        support_ok(store_bundle_open(&b, path, &support.env, &err), &err);
        b.at = from;
        if (i < 2) assert_int_equal(store_bundle_next(&found, &b, &err), PCCT_E_DAMAGED);
        else assert_int_equal(store_bundle_ref(&name, &identity, &b, &err), PCCT_E_DAMAGED);
        store_bundle_close(&b);
        bytes[at] = before;
        store_put64(bytes, from + length - 8, base_hash64(bytes + from, length - 8));
    }
    free(bytes);
}

/* Each call of the system that fails leaves nothing, or what stood there before. */
static void failing_calls(void **state)
{
    struct pcct_error err = {0, ""};
    uint8_t *bytes;
    size_t n = 0, m = 0;
    uint64_t fails = 0;

    (void)state;
    for (;; fails++) {
        int status;

        support.os.fail_mask = UINT64_MAX & ~(UINT64_C(1) << BASE_OS_CLOSE | UINT64_C(1) << BASE_OS_UNLINK);
        support.os.counted = 0;
        support.os.fail_at = fails + 1;
        support.os.fail_errno = ENOSPC;
        err = (struct pcct_error){0, ""};
        status = write_it(NULL, &support.env, &err);
        support.os.fail_at = 0;
        if (status == 0) break;
        assert_true(status < 0 && err.message[0]);
    }
    assert_in_range(fails, 15, 200);
    support_ok(read_it(NULL, &support.env, &err), &err);
    free(support_file_read(&n, &s, "../a.bundle"));
    support.os.fail_mask = UINT64_C(1) << BASE_OS_RENAME;
    support.os.counted = 0;
    support.os.fail_at = 1;
    assert_int_equal(write_it(NULL, &support.env, &err), PCCT_E_NOSPACE);
    support.os.fail_at = 0;
    bytes = support_file_read(&m, &s, "../a.bundle");
    assert_int_equal(m, n);
    free(bytes);
    assert_int_equal(support_fail_each(&support, write_it, NULL), 5);
    assert_int_equal(support_fail_each(&support, read_it, NULL), 4);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/not/there", s.folder);
    assert_int_equal(write_it(NULL, &support.env, &err), PCCT_E_NOT_FOUND);
    assert_int_equal(read_it(NULL, &support.env, &err), PCCT_E_NOT_FOUND);
    snprintf(path, sizeof(path), "%s/", s.folder);
    assert_int_equal(write_it(NULL, &support.env, &err), PCCT_E_INVALID);
    assert_int_equal(read_it(NULL, &support.env, &err), PCCT_E_DAMAGED);
    /* devices, pipes, links and folders stay what they are */
    for (int kind = 0; kind < 3; kind++) {
        struct stat about;

        snprintf(path, sizeof(path), "%s/no-file", s.folder);
        assert_int_equal(kind == 0 ? mkfifo(path, 0600) : kind == 1 ? symlink("s.pcct", path) : mkdir(path, 0700), 0);
        assert_int_equal(write_it(NULL, &support.env, &err), PCCT_E_INVALID);
        assert_non_null(strstr(err.message, "is not a file"));
        assert_int_equal(lstat(path, &about), 0);
        assert_true(kind == 0 ? S_ISFIFO(about.st_mode) : kind == 1 ? S_ISLNK(about.st_mode) : S_ISDIR(about.st_mode));
        assert_int_equal(remove(path), 0);
    }
    /* nothing is left beside it */
    snprintf(path, sizeof(path), "rmdir_would_fail");
    assert_int_equal(rmdir(s.folder), -1);
    assert_int_equal(errno, ENOTEMPTY);
}

static void left(void **state)
{
    struct pcct_error err = {0, ""};
    char command[700];

    (void)state;
    support_ok(write_it(NULL, &support.env, &err), &err);
    snprintf(command, sizeof(command), "test \"$(ls %s | tr '\\n' ' ')\" = 'a.bundle s.pcct '", s.folder);
    assert_int_equal(system(command), 0);
    support.os.fail_mask = UINT64_C(1) << BASE_OS_FSYNC;
    support.os.counted = 0;
    support.os.fail_at = 1;
    support.os.fail_errno = EIO;
    assert_int_equal(write_it(NULL, &support.env, &err), PCCT_E_IO);
    support.os.fail_at = 0;
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_goes_in_comes_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failing_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(left, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
