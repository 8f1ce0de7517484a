/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"
#include "store/scrub.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct support_env support;
static struct support_store s;
static struct store *store;

/* Takes the place of the index's: the head of support_image. */
int index_image_plan(struct index_image *image, const void *head, size_t head_bytes, const struct metric *metric, struct pcct_error *err)
{
    (void)metric;
    memset(image, 0, sizeof(*image));
    if (head_bytes % 16 != 0 || head_bytes / 16 > INDEX_IMAGE_ARRAYS) return base_fail(err, PCCT_E_DAMAGED, "a head of %zu bytes", head_bytes);
    image->arrays = head_bytes / 16;
    for (size_t i = 0; i < image->arrays; i++) {
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
    support_commit(store, 5, 1000);
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

static void write_anchor(uint64_t version, int big)
{
    struct index_image image;
    struct base_vector head;
    struct pcct_error err;
    uint64_t written = 0;
    int dropped = 0;

    support_ok(store_anchor_drop(&dropped, store, version, &err), &err); /* if there is one */
    support_image(&image, &head, &support.env, version, big);
    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_anchor_write(&written, store, version, &image, head.memory.data, head.count, 0, &err), &err);
    store_unlock(store);
    assert_true(written >= 4096 + image.array[0].items * 4 + image.array[2].items * 24);
    support_image_free(&image, &head, &support.env);
}

static void check_map(uint64_t version, int big)
{
    struct store_proof proof;
    struct index_image right, image;
    struct base_vector right_head, head = {.item_bytes = 1};
    struct pcct_error err;

    support_image(&right, &right_head, &support.env, version, big);
    support_ok(store_anchor_map(&image, &head, &proof, store, version, NULL, &err), &err);
    assert_int_equal(head.count, right_head.count);
    assert_memory_equal(head.memory.data, right_head.memory.data, head.count);
    assert_int_equal(image.arrays, 3);
    for (size_t i = 0; i < 3; i++) {
        size_t bytes = right.array[i].items * right.array[i].item_bytes;

        assert_memory_equal(image.array[i].data, right.array[i].data, bytes);
        assert_true(image.array[i].capacity >= 2 * bytes && image.array[i].capacity >= bytes + 65536);
        assert_int_equal((uintptr_t)image.array[i].data % (bytes >= 2 << 20 ? 2 << 20 : 4096), 0);
        memset(image.array[i].data, 0x5a, image.array[i].capacity); /* writable to the end, and private: the next mapping is right again */
    }
    store_image_unmap(&image, &support.env);
    base_vector_free(&head, &support.env);
    support_image_free(&right, &right_head, &support.env);
}

static void test_map(void **state)
{
    struct store_proof proof;
    struct index_image image;
    struct base_vector head = {.item_bytes = 1};
    struct store_version record;
    struct pcct_error err;

    (void)state;
    assert_int_equal(store_anchor_map(&image, &head, &proof, store, 2, NULL, &err), PCCT_E_NOT_FOUND);
    write_anchor(2, 0);
    write_anchor(4, 1);
    write_anchor(4, 1); /* again: takes the place of the first */
    for (int i = 0; i < 2; i++) {
        check_map(2, 0);
        check_map(4, 1);
    }
    support_ok(store_version(&record, NULL, store, 4, &err), &err);
    assert_int_equal(record.redo_frames, 0);
    assert_int_equal(record.redo_bytes, 0);
    support_commit(store, 1, 1000);
    support_ok(store_version(&record, NULL, store, 6, &err), &err);
    assert_int_equal(record.redo_frames, 2);
    base_vector_free(&head, &support.env);
}

/* What is damaged is named, and nothing stays mapped. */
static void test_damaged(void **state)
{
    static const char name[] = "data/A0000000000000002";
    struct store_proof proof;
    struct index_image image;
    struct base_vector head = {.item_bytes = 1};
    struct pcct_error err;
    size_t bytes;
    uint8_t *file;
    uint64_t last;

    (void)state;
    write_anchor(2, 0);
    file = support_file_read(&bytes, &s, name);
    last = store_get64(file, 128 + 2 * 48 + 16) + 20000 * 24 - 1; /* last byte of the third array */
    for (uint64_t at = 0; at <= last; at += at < 4200 ? 101 : at + 30011 > last && at < last ? last - at : 30011) {
        int status, data = at >= 65536;

        store_close(store);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        file[at] ^= 2;
        support_file_write(&s, name, file, bytes);
        status = store_anchor_map(&image, &head, &proof, store, 2, NULL, &err);
        file[at] ^= 2;
        if (status == 0) store_image_unmap(&image, &support.env);
        else {
            assert_int_equal(status, PCCT_E_DAMAGED);
            assert_non_null(strstr(err.message, name));
        }
        if (at < 4096 + 48) assert_int_equal(status, PCCT_E_DAMAGED);
        if (data && at == last) assert_int_equal(status, PCCT_E_DAMAGED);
    }
    for (size_t part = 0; part < 16; part++) {
        store_close(store);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        support_file_write(&s, name, file, bytes / 16 * part);
        assert_int_equal(store_anchor_map(&image, &head, &proof, store, 2, NULL, &err), PCCT_E_DAMAGED);
    }
    support_file_write(&s, name, file, bytes);
    free(file);
    check_map(2, 0);
    base_vector_free(&head, &support.env);
}

/* One that was proved is not looked through again, by other handles either, until somebody writes to the file. */
static void test_proved(void **state)
{
    static const char name[] = "data/A0000000000000004";
    struct store_proof proof;
    struct index_image image;
    struct base_vector head = {.item_bytes = 1};
    struct pcct_error err;
    size_t bytes;
    uint64_t third, reads;
    int64_t written;
    uint8_t *file;

    (void)state;
    write_anchor(4, 1);
    usleep(30000); /* so long after it was written */
    for (int i = 0; i < 4; i++) {
        reads = support.os.calls[BASE_OS_PREAD];
        support_ok(store_anchor_map(&image, &head, &proof, store, 4, NULL, &err), &err);
        store_image_unmap(&image, &support.env);
        reads = support.os.calls[BASE_OS_PREAD] - reads;
        assert_int_equal(proof.needed, i < 2); /* mapped, but not proved, the first time */
        assert_int_equal(reads > 10, i < 2);
        if (i == 1) store_anchor_proved(store, &proof);
        store_close(store);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
    }
    file = support_file_read(&bytes, &s, name);
    third = store_get64(file, 128 + 2 * 48 + 16);
    file[third + 3 * 65536 + 5] ^= 1;
    support_file_write(&s, name, file, bytes);
    usleep(30000); /* so that only its times tell */
    assert_int_equal(store_anchor_map(&image, &head, &proof, store, 4, NULL, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "unit 3 "));
    file[third + 3 * 65536 + 5] ^= 1;
    do {
        written = base_os_time_ns(support.env.os);
        support_file_write(&s, name, file, bytes);
        support_ok(store_anchor_map(&image, &head, &proof, store, 4, NULL, &err), &err);
        store_image_unmap(&image, &support.env);
        assert_true(proof.needed);
    } while (base_os_time_ns(support.env.os) - written > 15000000); /* a busy machine: once more */
    assert_true(proof.key == 0); /* written to just now: that it will be the same cannot be told by its times */
    store_anchor_proved(store, &proof);
    free(file);
    base_vector_free(&head, &support.env);
}

static int map_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_proof proof;
    struct index_image image;
    struct base_vector head = {.item_bytes = 1};
    int status;

    (void)ctx;
    status = store_anchor_map(&image, &head, &proof, store, 2, NULL, err);
    if (status == 0) store_image_unmap(&image, env);
    base_vector_free(&head, env);
    return status;
}

static void test_no_memory(void **state)
{
    (void)state;
    write_anchor(2, 0);
    (void)support_fail_each(&support, map_once, NULL); /* the list of verified anchors stays with the handle */
    check_map(2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_map, set_up, tear_down), cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_proved, set_up, tear_down), cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
