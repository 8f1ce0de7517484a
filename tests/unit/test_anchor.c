/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/anchor.h"
#include "store/bytes.h"

#include <string.h>

static const uint8_t uuid[16] = "sixteen bytes..";

static void make(struct store_anchor *anchor, uint8_t head[STORE_ANCHOR_HEAD_BYTES])
{
    struct index_image image = {.arrays = 4};

    image.array[0] = (struct index_image_array){.id = 1, .item_bytes = 4, .items = 100};
    image.array[1] = (struct index_image_array){.id = 2, .item_bytes = 8, .items = 0};
    image.array[2] = (struct index_image_array){.id = 3, .item_bytes = 24, .items = 100000};
    image.array[3] = (struct index_image_array){.id = 9, .item_bytes = 65536, .items = 2};
    store_anchor_layout(anchor, 77, &image, 1000, 0);
    anchor->head_hash = 5;
    anchor->table_hash = 6;
    anchor->time_ns = -7;
    anchor->identity.byte[3] = 8;
    store_anchor_encode(head, anchor, uuid);
}

static void test_layout(void **state)
{
    uint8_t head[STORE_ANCHOR_HEAD_BYTES];
    struct store_anchor anchor, read;

    (void)state;
    make(&anchor, head);
    assert_int_equal(anchor.extent[0].offset, 65536);
    assert_int_equal(anchor.extent[1].offset, 0);
    assert_int_equal(anchor.extent[2].offset, 2 << 20);
    assert_int_equal(anchor.extent[3].offset, (2 << 20) + 37 * 65536);
    assert_int_equal(anchor.table_units, 1 + 0 + 37 + 2);
    assert_int_equal(anchor.extent[3].first_unit, 38);
    assert_int_equal(anchor.file_bytes, anchor.extent[3].offset + 2 * 65536);
    assert_int_equal(anchor.table_offset, 4096 + 1024);
    assert_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
    anchor.hash = read.hash; /* told by what was read alone */
    assert_memory_equal(&read, &anchor, sizeof(read));
    assert_non_null(store_anchor_decode(&read, head, uuid, 78, anchor.file_bytes));
    assert_non_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes - 1));
    assert_non_null(store_anchor_decode(&read, head, (const uint8_t *)"another uuid....", 77, anchor.file_bytes));
    for (size_t at = 0; at < sizeof(head); at += 3) {
        head[at] ^= 32;
        assert_non_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
        head[at] ^= 32;
    }
}

/* A head whose checksum is right may still be somebody's invention: nothing in it is followed unless it fits. */
static void test_invented(void **state)
{
    static const size_t at[] = {8, 12, 32, 40, 48, 64, 72, 112, 116, 120, 128 + 15, 128 + 16, 128 + 24, 128 + 32, 128 + 48 + 16, 128 + 96 + 15,
                                128 + 96 + 19,
                                128 + 4 * 48};
    uint8_t head[STORE_ANCHOR_HEAD_BYTES];
    struct store_anchor anchor, read;

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        make(&anchor, head);
        head[at[i]] ^= 0x81;
        store_put64(head, 4088, base_hash64(head, 4088));
        assert_non_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
    }
}

/* Two arrays in two pieces; the others where they were. */
static void make_apart(struct store_anchor *anchor, uint8_t head[STORE_ANCHOR_HEAD_BYTES])
{
    struct index_image image = {.arrays = 3};

    image.array[0] = (struct index_image_array){.id = 1, .item_bytes = 8, .items = 40000};
    image.array[1] = (struct index_image_array){.id = 2, .item_bytes = 4, .items = 100};
    image.array[2] = (struct index_image_array){.id = 9, .item_bytes = 65536, .items = 3};
    store_anchor_layout(anchor, 77, &image, 1000, 5);
    anchor->pieces = 2;
    anchor->piece[0].number = 4;
    anchor->piece[1].number = 7;
    anchor->piece[1].hash = 70;
    anchor->runs = 3;
    anchor->run[0] = (struct store_run){0, 1, 65536, 2 * 65536};
    anchor->run[1] = (struct store_run){0, 0, 3 * 65536, 320000 - 2 * 65536};
    anchor->run[2] = (struct store_run){2, 1, 5 * 65536, 3 * 65536};
    anchor->extent[0].runs = 2;
    anchor->extent[2].first_run = 2;
    anchor->extent[2].runs = 1;
    store_anchor_encode(head, anchor, uuid);
}

static void test_apart(void **state)
{
    static const struct {
        size_t at, bytes;
        uint64_t value;
    } wrong[] = {
        {112, 4, 17}, {112, 4, 1}, {112, 4, 0}, {116, 4, 49}, {116, 4, 2}, {116, 4, 4}, {120, 4, 1}, {1664 + 32, 8, 1}, {1920 + 72, 8, 1},
        {3072, 8, 1},
        {1920, 4, 2}, {1920, 4, 1}, {1920 + 4, 4, 2}, {1920 + 8, 8, 0}, {1920 + 8, 8, 65537}, {1920 + 8, 8, UINT64_MAX / 65536 * 65536},
        {1920 + 16, 8, 65536}, {1920 + 16, 8, 0}, {1920 + 16, 8, 2 * 65536 + 8}, {1920 + 24 + 16, 8, 320000}, {1920 + 24 + 16, 8, 65536},
        {1920 + 48, 4, 3}, {1920 + 48, 4, 0}, {1920 + 48 + 16, 8, UINT64_MAX}, {128 + 16, 8, 65536},
    };
    uint8_t head[STORE_ANCHOR_HEAD_BYTES];
    struct store_anchor anchor, read;
    uint64_t offset;

    (void)state;
    make_apart(&anchor, head);
    assert_true(anchor.extent[0].offset == 0 && anchor.extent[1].offset == 65536 && anchor.extent[2].offset == 0);
    assert_true(anchor.file_bytes == 2 * 65536 && anchor.table_units == 5 + 1 + 3);
    assert_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
    anchor.hash = read.hash;
    assert_memory_equal(&read, &anchor, sizeof(read));
    assert_int_equal(store_anchor_place(&offset, &read, &read.extent[0], 65536), 1);
    assert_int_equal(offset, 2 * 65536);
    assert_int_equal(store_anchor_place(&offset, &read, &read.extent[0], 3 * 65536), 0);
    assert_int_equal(offset, 4 * 65536);
    assert_int_equal(store_anchor_place(&offset, &read, &read.extent[1], 0), -1);
    assert_int_equal(offset, 65536);
    assert_int_equal(store_anchor_place(&offset, &read, &read.extent[2], 0), 1);
    assert_int_equal(offset, 5 * 65536);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        make_apart(&anchor, head);
        if (wrong[i].bytes == 4) store_put32(head, wrong[i].at, (uint32_t)wrong[i].value);
        else store_put64(head, wrong[i].at, wrong[i].value);
        store_put64(head, 4088, base_hash64(head, 4088));
        assert_non_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layout), cmocka_unit_test(test_invented), cmocka_unit_test(test_apart)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
