/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "store/bundle.h"
#include "store/bytes.h"

#include <pcct/exchange.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EACH = 60, VERSIONS = 4 };

static struct support_api from, to;
static char path[4200];

static int set_up(void **state)
{
    double points[2 * EACH];
    struct pcct_error err = { 0, "" };

    (void)state;
    support_api_start(&from, "euclidean");
    support_api_start(&to, "euclidean");
    snprintf(path, sizeof path, "%s/a.bundle", from.folder);
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        support_points(points, EACH, 2, SUPPORT_UNIFORM, v);
        assert_int_equal(support_api_commit(&from, points, NULL, EACH, (const int64_t[]){ 3, 5 }, v == 3 ? 2 : 0), v);
    }
    support_ok(pcct_bundle(NULL, from.store, path, NULL, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_api_finish(&from);
    support_api_finish(&to);
    return 0;
}

static uint8_t *read_file(size_t *n)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*n);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    fclose(file);
    return bytes;
}

/* Writes it with right checksums throughout. */
static void write_file(uint8_t *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    size_t at = 256;

    for (uint64_t v = 0; v < store_get64(bytes, 128); v++) {
        uint8_t *head = bytes + at + 64, *note = head + 256;
        const uint64_t note_bytes = store_get64(head, 208), payload_bytes = store_get64(head, 216);
        uint8_t *payload = note + store_round_up(note_bytes, 64);

        store_put64(bytes, at + 56, base_hash64(bytes + at, 56));
        store_put64(head, 232, base_hash64(note, note_bytes));
        store_put64(head, 240, base_hash64(payload, payload_bytes));
        store_put64(head, 248, base_hash64(head, 248));
        at = (size_t)(payload - bytes) + store_round_up(payload_bytes, 64);
    }
    for (; at < n; at += 128) store_put64(bytes, at + 120, base_hash64(bytes + at, 120));
    assert_int_equal(at, n);
    store_put64(bytes, 152, base_hash64(bytes + 256, n - 256));
    store_put64(bytes, 248, base_hash64(bytes, 248));
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

/* Applying must fail so; `applied` versions before it are there, and nothing else. */
static void refused(int code, const char *words, uint64_t applied)
{
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    struct pcct_version version;
    pcct_log *log = NULL;
    int status = pcct_apply(&result, to.store, path, NULL, &err);
    uint64_t n = 0;

    if (status != code || !strstr(err.message, words)) print_error("got %d: %s\n", status, err.message);
    assert_int_equal(status, code);
    assert_non_null(strstr(err.message, words));
    support_ok(pcct_log_open_all(&log, to.store, &err), &err);
    while (pcct_log_next(&version, log, &err) > 0) n++;
    pcct_log_close(log);
    assert_int_equal(n, applied);
    if (status != PCCT_E_DAMAGED || !strstr(words, "no branch")) assert_int_equal(result.applied + result.skipped, applied); /* is known before */
}

/* Bytes that say something else, with right checksums. The first frame begins at 256. */
static void forgeries(void **state)
{
    struct pcct_error err = { 0, "" };
    size_t n = 0, first, second;
    uint8_t *right = read_file(&n), *bytes = malloc(n), *head;

    (void)state;
    head = right + 256 + 64;
    first = 256 + 64 + 256 + store_round_up(store_get64(head, 208), 64);
    second = first + store_round_up(store_get64(head, 216), 64);
#define FORGE(change, code, words, applied)  \
    do {                                     \
        memcpy(bytes, right, n);             \
        change;                              \
        write_file(bytes, n);                \
        refused(code, words, applied);       \
    } while (0)
    FORGE(bytes[112] ^= 1, PCCT_E_NOT_FOUND, "bundles before it", 0);
    FORGE(bytes[32] = 3, PCCT_E_INVALID, "dimension", 0);
    FORGE(bytes[36] = 3, PCCT_E_INVALID, "metric", 0);
    FORGE(bytes[40] = 2, PCCT_E_INVALID, "type of coordinates", 0);
    FORGE(bytes[48] = 9, PCCT_E_INVALID, "seed", 0);
    FORGE(bytes[256 + 8] ^= 1, PCCT_E_NOT_FOUND, "follows on", 0);
    FORGE(bytes[256 + 24] ^= 1, PCCT_E_NOT_FOUND, "follows on", 0);
    FORGE(bytes[256 + 64 + 12] = 1, PCCT_E_DAMAGED, "not a version's", 0);
    FORGE(bytes[256 + 64 + 96] ^= 1, PCCT_E_DAMAGED, "another version comes out", 0);
    FORGE(bytes[256 + 64 + 256] = 'x', PCCT_E_DAMAGED, "message and keys", 0);                                 /* a note without an end */
    FORGE(bytes[first + 24 + 4]++, PCCT_E_DAMAGED, "v1: ", 0);                                                 /* rows after */
    FORGE(memset(bytes + first + 272, 0xff, 8), PCCT_E_DAMAGED, "v1: ", 0);                                    /* a digest or a coordinate */
    FORGE(bytes[second + 8] ^= 1, PCCT_E_NOT_FOUND, "v2 of it", 1);                                                  /* the second's parent */
    FORGE(bytes[n - 128 + 12] = 1, PCCT_E_DAMAGED, "no branch or tag", 1);
    FORGE(bytes[n - 128 + 16] ^= 1, PCCT_E_DAMAGED, "\"main\" stands at a version that is not there", VERSIONS);
    FORGE(memcpy(bytes + n - 128 + 32, "../x", 5), PCCT_E_INVALID, "cannot be the name", VERSIONS);
    memcpy(bytes, right, n);
    write_file(bytes, n);
    support_ok(pcct_apply(NULL, to.store, path, NULL, &err), &err);
    free(right);
    free(bytes);
}

/* Every byte of a payload and note: nothing but what was there can come out. */
static void each_byte(void **state)
{
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    size_t n = 0, next = 256;
    uint8_t *bytes = read_file(&n);

    (void)state;
    for (size_t at = next; at + 128 < n; at += 41) {
        uint8_t before;

        if (at >= next) { /* behind the head of the next version */
            const uint8_t *head = bytes + next + 64;

            at = next + 64 + 256;
            next = at + store_round_up(store_get64(head, 208), 64) + store_round_up(store_get64(head, 216), 64);
            if (next + 128 >= n) next = n;
        }
        before = bytes[at];
        bytes[at] ^= 1;
        write_file(bytes, n);
        (void)pcct_apply(&result, to.store, path, NULL, &err); /* padding, numbers that mean nothing, and versions that are there may do */
        bytes[at] = before;
        write_file(bytes, n);
    }
    support_ok(pcct_apply(&result, to.store, path, NULL, &err), &err);
    assert_int_equal(result.applied + result.skipped, VERSIONS);
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        struct store_version a, b;
        char hex[33];
        uint64_t there = 0;

        support_ok(store_version(&a, NULL, from.store->store, v, &err), &err);
        for (int i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", a.identity.byte[i]);
        support_ok(pcct_resolve(&there, to.store, hex, &err), &err);
        assert_int_equal(there, v);
        support_ok(store_version(&b, NULL, to.store->store, v, &err), &err);
        assert_memory_equal(&a.content, &b.content, sizeof a.content);
    }
    free(bytes);
}

static void quarter_radius(struct index_state *state)
{
    struct pcct_error err = { 0, "" };

    support_ok(index_set_radius(state, state->root, index_radius(state)[state->root] / 4, &err), &err);
}

/* A version whose frame, digests and identity fit, made with the library's own means, and whose tree is wrong. */
static void wrong_tree(void **state)
{
    struct pcct_error err = { 0, "" };

    (void)state;
    support_api_commit_frame(&from, VERSIONS, quarter_radius, NULL, 0);
    support_ok(pcct_bundle(NULL, from.store, path, NULL, &err), &err);
    refused(PCCT_E_DAMAGED, "T5", VERSIONS);
}

static void an_anchor_is_written(void **state)
{
    struct pcct_error err = { 0, "" };
    struct pcct_store_info info = { .size = sizeof info };
    double *points = malloc(sizeof *points * 2 * 30000);

    (void)state;
    support_points(points, 30000, 2, SUPPORT_UNIFORM, 9);
    assert_int_equal(support_api_commit(&from, points, NULL, 30000, NULL, 0), VERSIONS + 1);
    free(points);
    support_ok(pcct_bundle(NULL, from.store, path, NULL, &err), &err);
    support_ok(pcct_apply(NULL, to.store, path, NULL, &err), &err);
    support_ok(pcct_store_describe(&info, to.store, &err), &err);
    assert_int_equal(info.anchors, 1);
    assert_int_equal(info.head, VERSIONS + 1);
}

static uint64_t versions_there(void)
{
    struct pcct_error err = { 0, "" };
    struct pcct_version version;
    pcct_log *log = NULL;
    uint64_t n = 0;

    support_ok(pcct_log_open_all(&log, to.store, &err), &err);
    while (pcct_log_next(&version, log, &err) > 0) n++;
    pcct_log_close(log);
    return n;
}

/* Versions that follow each other are flushed together, as many as are in a group of commits; a flush that fails leaves those before the group,
 * which are told, and repeating it in a store that is opened again ends well. */
static void flushed_together(void **state)
{
    enum { MANY = 2 * STORE_GROUP_MOST + 7 };
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    double point[2];

    (void)state;
    for (uint64_t v = VERSIONS + 1; v <= MANY; v++) {
        support_points(point, 1, 2, SUPPORT_UNIFORM, v);
        assert_int_equal(support_api_commit(&from, point, NULL, 1, NULL, 0), v);
    }
    support_ok(pcct_bundle(NULL, from.store, path, NULL, &err), &err);
    to.store->os.fail_mask = UINT64_C(1) << BASE_OS_FDATASYNC;
    to.store->os.fail_at = 2;
    to.store->os.fail_errno = EIO;
    to.store->os.counted = 0;
    assert_int_equal(pcct_apply(&result, to.store, path, NULL, &err), PCCT_E_IO);
    assert_int_equal(result.applied, STORE_GROUP_MOST);
    assert_int_equal(versions_there(), STORE_GROUP_MOST);
    to.store->os.fail_mask = 0;
    pcct_store_close(to.store);
    support_ok(pcct_store_open(&to.store, to.path, NULL, &err), &err);
    support_ok(pcct_apply(&result, to.store, path, NULL, &err), &err);
    assert_int_equal(result.skipped, STORE_GROUP_MOST);
    assert_int_equal(result.applied, MANY - STORE_GROUP_MOST);
    assert_int_equal(versions_there(), MANY);
}

/* Memory that runs out anywhere: said, nothing is left behind, and repeating it ends well. */
static void no_memory(void **state)
{
    struct pcct_error err = { 0, "" };
    uint64_t fails = 0;
    int status;

    (void)state;
    do {
        support_env_fail(&to.env, fails + 1);
        status = pcct_apply(NULL, to.store, path, NULL, &err);
        support_env_fail(&to.env, 0);
        assert_true(status == 0 || status == PCCT_E_MEMORY);
        fails++;
    } while (status != 0);
    assert_true(fails > 30);
    assert_int_equal(store_head(&(uint64_t){ 0 }, to.store->store, "main", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forgeries, set_up, tear_down),    cmocka_unit_test_setup_teardown(each_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_tree, set_up, tear_down),   cmocka_unit_test_setup_teardown(an_anchor_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory, set_up, tear_down),    cmocka_unit_test_setup_teardown(flushed_together, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
