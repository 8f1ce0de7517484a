/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"
#include "store/scrub.h"
#include "store/share.h"
#include "store/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSIONS = 24, BYTES = 3000, FIRST = 36000, MORE = 20000, WIDE = 24, ARRAYS = 3, UNIT = 65536 };

static struct support_env support;
static struct support_store s;
static struct store *store;

/* Takes the place of the index's: the head of make_image. */
int index_image_plan(struct index_image *image, const void *head, size_t head_bytes, const struct metric *metric, struct pcct_error *err)
{
    (void)metric;
    memset(image, 0, sizeof(*image));
    if (head_bytes != ARRAYS * 16) return base_fail(err, PCCT_E_DAMAGED, "a head of %zu bytes", head_bytes);
    image->arrays = ARRAYS;
    for (size_t i = 0; i < ARRAYS; i++) {
        image->array[i] = (struct index_image_array){.id = store_get32(head, i * 16), .item_bytes = store_get32(head, i * 16 + 4),
                                                     .items = store_get64(head, i * 16 + 8)};
    }
    return 0;
}

static int set_up(void **state)
{
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 2);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, VERSIONS, BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

/* Two arrays of rows that stay, which differ from another image's from row `same` on where `numbering` does, and one that is another each time. */
static void make_image(struct index_image *image, struct base_vector *head, uint64_t rows, uint64_t same, uint32_t numbering, uint32_t other)
{
    static const uint32_t item_bytes[ARRAYS] = {WIDE, 8, 4};
    struct pcct_error err;
    uint8_t *bytes = NULL;

    memset(image, 0, sizeof(*image));
    *head = (struct base_vector){.item_bytes = 1};
    image->arrays = ARRAYS;
    support_ok(base_vector_add(&bytes, head, &support.env, ARRAYS * 16, &err), &err);
    for (uint32_t i = 0; i < ARRAYS; i++) {
        struct index_image_array *array = &image->array[i];

        *array = (struct index_image_array){.id = i + 1, .name = "array", .item_bytes = item_bytes[i], .items = rows, .rows_stay = i < 2};
        array->capacity = rows * item_bytes[i];
        support_ok(base_take(&array->data, &support.env, array->capacity, 1, &err), &err);
        for (uint64_t row = 0; row < rows; row++) {
            for (uint32_t at = 0; at < item_bytes[i]; at += 4) {
                const uint64_t kind = i == 2 ? other : row < same ? 0 : numbering;

                store_put32((uint8_t *)array->data + row * item_bytes[i], at,
                            (uint32_t)((row * 97 + at + i) * 0x9e3779b97f4a7c15u >> 32) + (uint32_t)kind);
            }
        }
        store_put32(bytes, i * 16, array->id);
        store_put32(bytes, i * 16 + 4, array->item_bytes);
        store_put64(bytes, i * 16 + 8, array->items);
    }
}

static int write_image(uint64_t *written, uint64_t version, uint64_t rows, uint64_t same, uint32_t numbering, struct pcct_error *err)
{
    struct index_image image;
    struct base_vector head;
    int status;

    make_image(&image, &head, rows, same, numbering, (uint32_t)version);
    status = store_anchor_write(written, store, version, &image, head.memory.data, head.count, 0, err);
    support_image_free(&image, &head, &support.env);
    return status;
}

static uint64_t anchor(uint64_t version, uint64_t rows, uint64_t same, uint32_t numbering)
{
    struct pcct_error err;
    uint64_t written = 0;

    support_ok(write_image(&written, version, rows, same, numbering, &err), &err);
    return written;
}

/* Mapped, the state is what was written; *damaged: the words when it cannot be. */
static int check(uint64_t version, uint64_t rows, uint64_t same, uint32_t numbering, struct pcct_error *err)
{
    struct index_image right, image;
    struct base_vector right_head, head = {.item_bytes = 1};
    struct store_proof proof;
    int status;

    make_image(&right, &right_head, rows, same, numbering, (uint32_t)version);
    status = store_anchor_map(&image, &head, &proof, store, version, NULL, err);
    for (size_t i = 0; status == 0 && i < ARRAYS; i++) {
        assert_memory_equal(image.array[i].data, right.array[i].data, rows * right.array[i].item_bytes);
        memset(image.array[i].data, 0x5a, image.array[i].capacity); /* private, to the end */
    }
    if (status == 0) store_image_unmap(&image, &support.env);
    base_vector_free(&head, &support.env);
    support_image_free(&right, &right_head, &support.env);
    return status;
}

static void check_ok(uint64_t version, uint64_t rows, uint64_t same, uint32_t numbering)
{
    struct pcct_error err = {0, ""};

    support_ok(check(version, rows, same, numbering, &err), &err);
}

static void head_of(struct store_anchor *out, uint64_t version)
{
    char name[64];
    uint8_t *file;
    size_t bytes;

    snprintf(name, sizeof(name), "data/A%016llx", (unsigned long long)version);
    file = support_file_read(&bytes, &s, name);
    assert_null(store_anchor_decode(out, file, store->super.uuid, version, bytes));
    free(file);
}

static int is_there(unsigned piece)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/data/P%016x", s.path, piece);
    return access(path, F_OK) == 0;
}

static void flip(const char *name, uint64_t at)
{
    size_t bytes;
    uint8_t *file = support_file_read(&bytes, &s, name);

    assert_true(at < bytes);
    file[at] ^= 1;
    support_file_write(&s, name, file, bytes);
    free(file);
}

static void check_fsck(uint32_t anchors)
{
    struct store_fsck fsck;
    char first[256];

    assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.anchors, anchors);
}

/* Whole units of what is the same are not written again; what is new goes into a piece of its own, and all is mapped as one. */
static void test_growing(void **state)
{
    struct store_anchor a;
    uint64_t whole, grown;

    (void)state;
    whole = anchor(4, FIRST, 0, 0);
    head_of(&a, 4);
    assert_true(a.pieces == 1 && a.runs == 2 && a.piece[0].number == 1);
    grown = anchor(8, FIRST + MORE, 0, 0);
    head_of(&a, 8);
    assert_true(a.pieces == 2 && a.runs == 4);
    assert_true(a.piece[0].number == 1 && a.piece[1].number == 2);
    assert_int_equal(a.run[0].bytes, (uint64_t)FIRST * WIDE / UNIT * UNIT);
    assert_int_equal(a.run[1].bytes, (uint64_t)(FIRST + MORE) * WIDE - a.run[0].bytes);
    assert_int_equal(grown, 4096 + a.head_bytes + a.table_units * 8 + (FIRST + MORE) * 4 + 4096 + a.run[1].bytes + a.run[3].bytes);
    assert_true(whole > FIRST * (WIDE + 8 + 4));
    anchor(12, FIRST + 2 * MORE, 0, 0);
    head_of(&a, 12);
    assert_int_equal(a.pieces, 3);
    anchor(16, FIRST + 2 * MORE, 0, 0); /* the same rows, the last unit too: nothing is new */
    head_of(&a, 16);
    assert_int_equal(a.pieces, 3);
    assert_false(is_there(4));
    for (int i = 0; i < 2; i++) {
        check_ok(4, FIRST, 0, 0);
        check_ok(8, FIRST + MORE, 0, 0);
        check_ok(12, FIRST + 2 * MORE, 0, 0);
        check_ok(16, FIRST + 2 * MORE, 0, 0);
    }
    check_fsck(4);
}

/* A catalogue that is made anew tells about as much as was written, pieces included. */
static void test_sizes(void **state)
{
    struct store_sizes before, after;
    struct pcct_error err = {0, ""};
    struct store_fsck fsck;
    char first[256];

    (void)state;
    anchor(4, FIRST, 0, 0);
    anchor(8, FIRST + MORE, 0, 0);
    support_ok(store_sizes(&before, store, &err), &err);
    store_close(store);
    assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_sizes(&after, store, &err), &err);
    assert_true(after.anchors == 2 && after.anchor_bytes > before.anchor_bytes / 10 * 9 && after.anchor_bytes < before.anchor_bytes / 10 * 12);
}

/* A piece of which less than half is of use is left behind, and what is only equal in its hash is not taken for the same. */
static void test_what_is_shared(void **state)
{
    struct store_anchor a;

    (void)state;
    anchor(4, FIRST, 0, 0);
    anchor(8, FIRST, FIRST * 6 / 10, 1);
    head_of(&a, 8);
    assert_true(a.pieces == 2 && a.piece[0].number == 1);
    check_ok(8, FIRST, FIRST * 6 / 10, 1);
    anchor(12, FIRST, FIRST * 4 / 10, 2); /* four tenths of the first piece */
    head_of(&a, 12);
    assert_true(a.pieces == 1 && a.piece[0].number == 3);
    check_ok(12, FIRST, FIRST * 4 / 10, 2);
    anchor(16, 8 * 1024, 0, 0); /* 64 KiB of the one array, 192 of the other: not worth a file */
    head_of(&a, 16);
    assert_int_equal(a.pieces, 0);
    anchor(20, FIRST, 0, 0);
    check_fsck(5);
    flip("data/P0000000000000004", UNIT + 100); /* the hash in A20 is still that of the bytes as they were */
    anchor(22, FIRST + MORE, 0, 0);
    head_of(&a, 22);
    check_ok(22, FIRST + MORE, 0, 0);
    for (uint32_t i = 0; i < a.runs; i++) assert_true(a.run[i].array != 0 || a.piece[a.run[i].piece].number != 4);
}

/* Rows go on being added: when there are too many pieces all is written anew. */
static void test_many(void **state)
{
    struct store_anchor a;

    (void)state;
    for (uint64_t i = 0; i < 16; i++) anchor(i + 1, FIRST + i * 10000, 0, 0);
    head_of(&a, 16);
    assert_int_equal(a.pieces, 16);
    check_ok(16, FIRST + 15 * 10000, 0, 0);
    anchor(17, FIRST + 16 * 10000, 0, 0);
    head_of(&a, 17);
    assert_true(a.pieces == 1 && a.piece[0].number == 17);
    check_ok(17, FIRST + 16 * 10000, 0, 0);
    check_fsck(17);
}

/* A store from before there were pieces gets none. */
static void test_without(void **state)
{
    struct store_anchor a;

    (void)state;
    store->super.incompatible = 0;
    anchor(4, FIRST, 0, 0);
    anchor(8, FIRST, 0, 0);
    head_of(&a, 8);
    assert_true(a.pieces == 0 && !is_there(1));
    check_ok(8, FIRST, 0, 0);
}

/* Pieces stay as long as an anchor uses them, whichever wrote them, and go with the last one. */
static void test_freed(void **state)
{
    struct store_prune prune = {.keep_last = 14};
    struct pcct_error err = {0, ""};
    int dropped = 0;

    (void)state;
    anchor(4, FIRST, 0, 0);
    anchor(8, FIRST + MORE, 0, 0);
    anchor(12, FIRST + 2 * MORE, 0, 0);
    support_ok(store_anchor_drop(&dropped, store, 4, &err), &err);
    assert_true(dropped && is_there(1) && is_there(2) && is_there(3));
    check_ok(8, FIRST + MORE, 0, 0);
    check_ok(12, FIRST + 2 * MORE, 0, 0);
    support_ok(store_anchor_drop(&dropped, store, 12, &err), &err);
    assert_true(dropped && is_there(1) && is_there(2) && !is_there(3));
    anchor(16, FIRST, 0, 7);
    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_prune(&prune, store, &err), &err);
    store_unlock(store);
    assert_true(is_there(1) && is_there(2) && is_there(3)); /* v8 is needed by those that stay, and its frame is gone */
    check_ok(8, FIRST + MORE, 0, 0);
    support_ok(store_anchor_drop(&dropped, store, 8, &err), &err);
    assert_false(dropped);
    check_fsck(2);
    prune.keep_last = 5;
    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_prune(&prune, store, &err), &err);
    store_unlock(store);
    assert_true(!is_there(1) && !is_there(2) && is_there(3));
    check_ok(16, FIRST, 0, 7);
    check_fsck(1);
}

/* Damage in a piece is told for each anchor that uses the unit, and for no other. */
static void test_damage(void **state)
{
    static const char *const name[] = {"data/P0000000000000001", "data/P0000000000000002"};
    struct store_scrub scrub = {.report = NULL};
    struct pcct_error err = {0, ""};
    struct store_fsck fsck;
    char first[256], path[400];

    (void)state;
    anchor(4, FIRST, 0, 0);
    anchor(8, FIRST + MORE, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        flip(name[i], 3 * UNIT);
        assert_int_equal(check(4, FIRST, 0, 0, &err), i == 0 ? PCCT_E_DAMAGED : 0);
        assert_int_equal(check(8, FIRST + MORE, 0, 0, &err), PCCT_E_DAMAGED);
        assert_non_null(strstr(err.message, i == 0 ? "P0000000000000001 is damaged: array 1 of A0000000000000008, unit 2 " : "P0000000000000002"));
        assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
        assert_int_equal(fsck.damaged, 2 - i);
        assert_int_equal(fsck.versions_readable, VERSIONS);
        flip(name[i], 3 * UNIT);
        store_close(store);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
    }
    check_fsck(2);
    flip(name[0], 3 * UNIT);
    support_ok(store_scrub(&scrub, store, &err), &err);
    assert_true(scrub.dropped.count == 2 && scrub.damaged == 0);
    assert_true(!is_there(1) && !is_there(2));
    base_vector_free(&scrub.dropped, &support.env);
    check_fsck(0);
    snprintf(path, sizeof(path), "%s/data/P0000000000000009", s.path);
    support_file_write(&s, "data/P0000000000000009", "nobody's", 8);
    check_fsck(0);
    support_ok(store_sweep(store, &err), &err);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* Without any one of the files everything can be read, by frames if need be; and by the catalogue that is made anew from what is there. */
static void test_each_file(void **state)
{
    static const char *const name[] = {"data/A0000000000000004", "data/A0000000000000008", "data/P0000000000000001", "data/P0000000000000002"};
    struct pcct_error err = {0, ""};
    struct store_fsck fsck;
    char first[256], path[400];

    (void)state;
    anchor(4, FIRST, 0, 0);
    anchor(8, FIRST + MORE, 0, 0);
    for (size_t i = 0; i < 4; i++) {
        size_t bytes;
        uint8_t *file = support_file_read(&bytes, &s, name[i]);

        snprintf(path, sizeof(path), "%s/%s", s.path, name[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(check(4, FIRST, 0, 0, &err), i == 0 || i == 2 ? PCCT_E_DAMAGED : 0);
        assert_int_equal(check(8, FIRST + MORE, 0, 0, &err), i > 0 ? PCCT_E_DAMAGED : 0);
        assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
        assert_true(fsck.damaged == (i == 2 ? 2 : 1) && fsck.versions_readable == VERSIONS);
        store_close(store);
        assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
        assert_int_equal(fsck.versions_readable, VERSIONS);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        for (uint64_t v = 1; v <= VERSIONS; v++) support_ok(support_check(store, v, BYTES, &err), &err);
        assert_int_equal(check(8, FIRST + MORE, 0, 0, &err), i > 0 ? PCCT_E_NOT_FOUND : 0);
        support_file_write(&s, name[i], file, bytes);
        store_close(store);
        assert_int_equal(support_fsck(&fsck, &s, 1, first), 0); /* lists them again */
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        check_fsck(2);
        free(file);
    }
    check_ok(8, FIRST + MORE, 0, 0);
}

/* What was proved stands as long as no piece is written to. */
static void test_proved(void **state)
{
    struct store_proof proof;
    struct index_image image;
    struct base_vector head = {.item_bytes = 1};
    struct pcct_error err = {0, ""};

    (void)state;
    anchor(4, FIRST, 0, 0);
    anchor(8, FIRST + MORE, 0, 0);
    usleep(30000); /* so long after they were written */
    for (int i = 0; i < 2; i++) {
        support_ok(store_anchor_map(&image, &head, &proof, store, 8, NULL, &err), &err);
        store_image_unmap(&image, &support.env);
        assert_int_equal(proof.needed, i == 0);
        store_anchor_proved(store, &proof);
    }
    flip("data/P0000000000000001", 3 * UNIT);
    usleep(30000);
    assert_int_equal(store_anchor_map(&image, &head, &proof, store, 8, NULL, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "P0000000000000001"));
    base_vector_free(&head, &support.env);
}

static int is_anchor_there(uint64_t version)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/data/A%016llx", s.path, (unsigned long long)version);
    return access(path, F_OK) == 0;
}

/* Whatever fails: what was there is, an anchor is listed only if it is whole, and nothing of it stays otherwise. */
static void test_failures(void **state)
{
    (void)state;
    anchor(4, FIRST, 0, 0);
    for (int kind = 0; kind < 2; kind++) {
        uint64_t n;
        int failed = 0, met = 1;

        for (n = 1; met; n++) {
            const uint64_t version = 8;
            struct store_fsck fsck;
            struct pcct_error err = {0, ""};
            struct index_image image;
            struct base_vector head;
            uint64_t written = 0;
            char first[256];
            int status, dropped = 0;

            make_image(&image, &head, FIRST + MORE, 0, 0, (uint32_t)version);
            support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE) & ~(UINT64_C(1) << BASE_OS_UNLINK);
            support.os.counted = 0;
            support.os.fail_at = n;
            support.os.fail_errno = kind == 0 ? EIO : ENOSPC;
            support.os.fail_short = kind;
            status = store_anchor_write(&written, store, version, &image, head.memory.data, head.count, 0, &err);
            met = support.os.counted >= n;
            support.os.fail_mask = 0;
            support_image_free(&image, &head, &support.env);
            failed += status != 0;
            assert_true(status == 0 || status == PCCT_E_CONFLICT || status == (kind == 0 ? PCCT_E_IO : PCCT_E_NOSPACE));
            assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
            assert_string_equal(first, "");
            assert_int_equal(fsck.anchors, 1 + (status == 0));
            assert_true(is_anchor_there(version) || !is_there(2));
            if (status == 0) check_ok(version, FIRST + MORE, 0, 0); /* an earlier anchor that could not be read is none */
            support_ok(store_anchor_drop(&dropped, store, version, &err), &err);
            (void)base_os_unlink(&support.os, store->folder.data, "A0000000000000008"); /* that could not be listed */
            support_ok(store_sweep(store, &err), &err);
            assert_false(is_there(2));
            check_ok(4, FIRST, 0, 0);
            if (store_is_poisoned(store)) {
                store_close(store);
                support_ok(store_open(&store, s.path, &support.env, &err), &err);
            }
        }
        assert_true(n > 25 && failed > 15);
    }
}

static int write_eight(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct index_image *image = ((void **)ctx)[0];
    const struct base_vector *head = ((void **)ctx)[1];
    uint64_t written = 0;

    (void)env;
    return store_anchor_write(&written, store, 8, image, head->memory.data, head->count, 0, err);
}

static void test_no_memory(void **state)
{
    struct index_image image;
    struct base_vector head;
    int dropped;

    (void)state;
    anchor(4, FIRST, 0, 0);
    make_image(&image, &head, FIRST + MORE, 0, 0, 8);
    for (uint64_t n = 1; n < 30; n++) {
        struct pcct_error err = {0, ""};
        int status;

        support_env_fail(&support, n);
        status = write_eight((void *[]){&image, &head}, &support.env, &err);
        support_env_fail(&support, 0);
        assert_true(status == 0 || status == PCCT_E_MEMORY || status == PCCT_E_CONFLICT);
        if (status == 0) check_ok(8, FIRST + MORE, 0, 0);
        support_ok(store_anchor_drop(&dropped, store, 8, &err), &err);
        check_ok(4, FIRST, 0, 0);
    }
    support_image_free(&image, &head, &support.env);
    check_fsck(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_growing, set_up, tear_down), cmocka_unit_test_setup_teardown(test_what_is_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down), cmocka_unit_test_setup_teardown(test_without, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_freed, set_up, tear_down), cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_file, set_up, tear_down), cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_proved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
